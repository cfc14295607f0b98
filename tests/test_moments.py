"""One kernel: exact on rating scales however the rows are cut, precise on everything else."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from csat_stats.moments import Moments, _sums
from csat_stats.reliability import cronbach_alpha
from csat_stats.validity import bartlett_sphericity, efa, kmo, parallel_analysis

FIGURES = ["n", "sum_weights", "mean", "cross_products"]


def answers(n: int = 3000, k: int = 5, seed: int = 0, missing: float = 0.05) -> pd.DataFrame:
    """Answers 1–5 that correlate, some missing."""
    rng = np.random.default_rng(seed)
    x = np.clip(np.rint(rng.normal(size=(n, 1)) + rng.normal(size=(n, k)) + 3), 1, 5)
    x[rng.random((n, k)) < missing] = np.nan
    return pd.DataFrame(x).add_prefix("q")


def assert_identical(one: Moments, two: Moments) -> None:
    """Equal to the last bit."""
    assert (one.n_used, one.n_dropped) == (two.n_used, two.n_dropped)
    for name in FIGURES:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), strict=True)
    np.testing.assert_array_equal(one.cov(), two.cov())
    np.testing.assert_array_equal(one.corr(), two.corr())


def assert_close(one: Moments, two: Moments, rtol: float = 1e-12) -> None:
    assert (one.n_used, one.n_dropped) == (two.n_used, two.n_dropped)
    for name in FIGURES:
        a, b = getattr(one, name), getattr(two, name)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.nanmax(np.abs(b), initial=0))


# --- what it computes

ratings = arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.integers(1, 4)),
    elements=st.integers(-9, 10).map(float) | st.just(np.nan),
)


@settings(deadline=None, max_examples=60)
@given(x=ratings, complete=st.booleans(), offset=st.sampled_from([0, 400, 10**9]))
def test_whole_numbers_are_summed_as_by_hand_with_fractions(
    x: Any, complete: bool, offset: int
) -> None:
    found = Moments.from_frame(pd.DataFrame(x + offset), complete=complete)
    if complete:
        x = x[~np.isnan(x).any(axis=1)]
    for i in range(x.shape[1]):
        for j in range(x.shape[1]):
            both = ~np.isnan(x[:, [i, j]]).any(axis=1)
            a, b = ([Fraction(value) for value in x[both, column]] for column in (i, j))
            assert found.n[i, j] == len(a)
            if not a:
                continue
            products = sum(p * q for p, q in zip(a, b, strict=True)) - sum(a) * sum(b) / len(a)
            assert found.cross_products[i, j] == float(products)
            if i == j:
                assert found.mean[i] == float(sum(a) / len(a) + offset)


@pytest.mark.parametrize("shift", [0, 0.25, 0.1])
def test_pairs_equal_pandas(shift: float) -> None:
    frame = answers(400, missing=0.2) + shift
    found = Moments.from_frame(frame, complete=False)
    np.testing.assert_allclose(found.cov(), frame.cov(), rtol=1e-12)
    np.testing.assert_allclose(found.corr(), frame.corr(), rtol=1e-12)
    np.testing.assert_allclose(found.mean, frame.mean(), rtol=1e-14)
    seen = frame.notna().to_numpy().astype(int)
    np.testing.assert_array_equal(found.n, seen.T @ seen)
    assert found.n_used == seen.any(axis=1).sum()


@pytest.mark.parametrize("complete", [True, False])
def test_weights_equal_numpy_pair_by_pair(complete: bool) -> None:
    frame = answers(300, missing=0.1)
    w = np.random.default_rng(1).uniform(0, 3, len(frame))
    w[::7] = 0
    found = Moments.from_frame(frame, complete=complete, weights=pd.Series(w))
    x = frame[frame.notna().all(axis=1)] if complete else frame
    w = w[x.index]
    for i, j in [(0, 0), (0, 1), (3, 2)]:
        both = (x.iloc[:, [i, j]].notna().all(axis=1) & (w > 0)).to_numpy()
        pair, weight = x.to_numpy()[both][:, [i, j]], w[both]
        centred = pair - np.average(pair, axis=0, weights=weight)
        n, total = both.sum(), weight.sum()
        product = (weight * centred[:, 0] * centred[:, 1]).sum()
        assert found.n[i, j] == n
        assert found.sum_weights[i, j] == pytest.approx(total, rel=1e-12)
        assert found.n_effective[i, j] == pytest.approx(total**2 / (weight**2).sum(), rel=1e-12)
        assert found.cov()[i, j] == pytest.approx(product / total * n / (n - 1), rel=1e-11)
        squares = (weight[:, None] * centred**2).sum(axis=0)
        expected = 1 if i == j else product / np.sqrt(squares.prod())
        assert found.corr()[i, j] == pytest.approx(expected, rel=1e-11)


def test_weights_equal_r(oracle: Any) -> None:
    case = oracle("moments")["weighted"]
    frame = pd.DataFrame(case["rows"], columns=case["items"])
    found = Moments.from_frame(frame, weights=pd.Series(case["weights"]))
    assert (found.n_used, found.n_dropped) == (case["n"], len(frame) - case["n"])
    assert found.n_effective[0, 0] == pytest.approx(case["n_effective"], rel=1e-12)
    np.testing.assert_allclose(found.mean, case["mean"], rtol=1e-12)
    np.testing.assert_allclose(found.cov(), case["cov"], rtol=1e-9)
    np.testing.assert_allclose(found.corr(), case["cor"], rtol=1e-9)


def test_weights_on_another_scale_and_whole_respondents() -> None:
    frame = answers(200)
    times = np.random.default_rng(2).integers(0, 4, len(frame))
    one = Moments.from_frame(frame, weights=pd.Series(times))
    repeated = Moments.from_frame(frame.loc[frame.index.repeat(times)])
    np.testing.assert_allclose(one.mean, repeated.mean, rtol=1e-13)
    np.testing.assert_allclose(one.cross_products, repeated.cross_products, rtol=1e-11)
    scaled = Moments.from_frame(frame, weights=pd.Series(times) * 7.3)
    np.testing.assert_allclose(scaled.cov(), one.cov(), rtol=1e-12)
    equal = Moments.from_frame(frame, weights=pd.Series(2.0, frame.index))
    np.testing.assert_allclose(equal.cov(), Moments.from_frame(frame).cov(), rtol=1e-12)


# --- the same however it is read


@settings(deadline=None, max_examples=40)
@given(
    cuts=st.lists(st.integers(0, 3000), max_size=6),
    complete=st.booleans(),
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1, 10, 10**6]),
)
def test_any_cut_order_and_merge_gives_the_same_bits(
    cuts: list[int], complete: bool, seed: int, scale: int
) -> None:
    frame = answers() * scale + (scale > 1)
    whole = Moments.from_frame(frame, complete=complete)
    rng = np.random.default_rng(seed)
    bounds = [0, *sorted(cuts), len(frame)]
    shuffled = frame.sample(frac=1, random_state=seed)
    parts = [Moments.from_frame(shuffled[a:b], complete=complete) for a, b in pairwise(bounds)]
    while len(parts) > 1:
        one = parts.pop(rng.integers(len(parts)))
        parts.append(one.merge(parts.pop(rng.integers(len(parts)))))
    assert_identical(parts[0], whole)


@pytest.mark.parametrize("complete", [True, False])
def test_blocks_and_stretches_do_not_show(complete: bool, monkeypatch: Any) -> None:
    frame = answers(5000)
    whole, fractional = (Moments.from_frame(f, complete=complete) for f in (frame, frame + 0.1))
    monkeypatch.setattr(_sums, "_CELLS", 1)
    monkeypatch.setattr(_sums, "_STRETCHES", 3)
    monkeypatch.setattr(_sums, "_BAND", 3)
    assert_identical(Moments.from_frame(frame, complete=complete), whole)
    assert_close(Moments.from_frame(frame + 0.1, complete=complete), fractional)


def test_the_number_of_blas_threads_does_not_show() -> None:
    code = (
        "import numpy as np, pandas as pd; from csat_stats.moments import Moments;"
        "x = np.random.default_rng(0).integers(0, 11, (60000, 12)) / 1.0;"
        "print(Moments.from_frame(pd.DataFrame(x)).cov().tobytes().hex())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": "src", "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "4")
    }
    assert len(printed) == 1


@pytest.mark.parametrize(
    "dtype",
    ["int8", "uint8", "int64", "float32", "Int8", "Int64", "Float64", "boolean", "bool", "object"],
)
@pytest.mark.parametrize("complete", [True, False])
def test_every_dtype_gives_the_same_bits(dtype: str, complete: bool) -> None:
    frame = answers(600)
    if dtype in ("boolean", "bool"):
        frame = (frame > 3).astype(float).where(frame.notna())
    if dtype in ("int8", "uint8", "int64", "bool"):
        frame = frame.fillna(1)
    plain = Moments.from_frame(frame, complete=complete)
    cast = frame.astype(dtype)
    assert_identical(Moments.from_frame(cast, complete=complete), plain)
    mixed = cast.astype({"q2": "Float64", "q4": "float32"})
    assert_identical(Moments.from_frame(mixed, complete=complete), plain)
    by_row = pd.DataFrame(np.ascontiguousarray(cast.to_numpy()), columns=cast.columns)
    assert_identical(Moments.from_frame(by_row, complete=complete), plain)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), complete=st.booleans(), weighted=st.booleans())
def test_merging_any_numbers_is_associative(seed: int, complete: bool, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(rng.normal(0, 100), 1, size=(90, 3))
    x[rng.random(x.shape) < 0.1] = np.nan
    frame, w = pd.DataFrame(x), pd.Series(rng.uniform(0.1, 5, 90))

    def part(rows: slice) -> Moments:
        given_weights = w[rows] if weighted else None
        return Moments.from_frame(frame[rows], complete=complete, weights=given_weights)

    a, b, c = part(slice(0, 7)), part(slice(7, 60)), part(slice(60, 90))
    left = a.merge(b).merge(c)
    assert_close(left, a.merge(b.merge(c)), 1e-11)
    assert_close(left, part(slice(0, 90)), 1e-11)
    assert_close(left, a.merge(c).merge(b), 1e-11)


def test_whole_numbers_and_fractions_may_follow_each_other() -> None:
    frame = answers(400)
    frame.loc[350:, "q1"] += 0.5
    streamed = Moments.from_frame(frame[:200]).update(frame[200:300]).update(frame[300:])
    assert_close(streamed, Moments.from_frame(frame))
    start = Moments.from_frame(frame[300:]).update(frame[:300])
    assert_close(start, streamed)


def test_update_changes_nothing_it_was_given() -> None:
    frame = answers(100)
    before = Moments.from_frame(frame[:50])
    kept = before.cov().copy()
    after = before.update(frame[50:])
    np.testing.assert_array_equal(before.cov(), kept)
    assert (before.n_used + before.n_dropped, after.n_used + after.n_dropped) == (50, 100)


# --- digits


def test_nist_numacc_keep_their_digits() -> None:
    """NIST StRD NumAcc1, 2 and 4 (mean, standard deviation), and a copy of each item."""
    cases = [
        ([10000001, 10000003, 10000002], 10000002, 1.0),
        ([1.2] + [1.1, 1.3] * 500, 1.2, 0.1),
        ([10000000.2] + [10000000.1, 10000000.3] * 500, 10000000.2, 0.1),
    ]
    for values, mean, std_dev in cases:
        found = Moments.from_frame(pd.DataFrame({"a": values, "b": values}))
        assert found.mean[0] == pytest.approx(mean, rel=1e-15)
        # The decimal fractions themselves are off by 1e-9 in binary.
        np.testing.assert_allclose(np.sqrt(found.cov()), std_dev, rtol=1e-8)


@pytest.mark.parametrize("value", [3, 0.1, 1e9 + 0.7, 2**40 + 1])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_constant_item_has_no_variance_at_all(value: float, weighted: bool) -> None:
    frame = answers(20000, 16).assign(q1=value)
    weights = pd.Series(np.linspace(0.1, 3, len(frame))) if weighted else None
    for complete in (True, False):
        found = Moments.from_frame(frame, complete=complete, weights=weights)
        assert found.mean[1] == value
        assert not found.cov()[1].any()
        assert np.isnan(found.corr()[1]).all()


@pytest.mark.parametrize("largest", [255, 400, 500, 900, 4097, 10**5, 10**7, 94_906_265, 10**12])
def test_the_bound_of_exact_products_is_held(largest: int) -> None:
    rng = np.random.default_rng(largest)
    x = rng.integers(-largest, largest, (700, 3), endpoint=True)
    x[0] = largest
    found = Moments.from_frame(pd.DataFrame(x)).cross_products
    columns = [[int(value) for value in column] for column in x.T]
    for i, a in enumerate(columns):
        for j, b in enumerate(columns):
            products = Fraction(sum(p * q for p, q in zip(a, b, strict=True)))
            exact = float(products - Fraction(sum(a) * sum(b), len(a)))
            assert found[i, j] == pytest.approx(exact, rel=1e-12 if i == j else 1e-9)
            if largest <= 10**5:
                assert found[i, j] == exact


def test_memory_does_not_grow_with_the_data() -> None:
    frame = answers(300_000, 12, missing=0.01)
    for given_frame in (frame, frame.astype("Int8"), frame.assign(q1=frame["q1"].astype("Int64"))):
        Moments.from_frame(given_frame[:10])
        tracemalloc.start()
        try:
            Moments.from_frame(given_frame)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 16e6 < frame.to_numpy().nbytes


# --- little, nothing, wrong


@pytest.mark.parametrize("complete", [True, False])
def test_no_rows_no_items_one_row(complete: bool) -> None:
    nobody = Moments.from_frame(pd.DataFrame({"a": [], "b": []}, dtype=float), complete=complete)
    assert (nobody.n_used, nobody.n_dropped) == (0, 0)
    assert np.isnan(nobody.mean).all()
    assert np.isnan(nobody.cov()).all()
    unanswered = pd.DataFrame({"a": [np.nan, np.nan], "b": [np.nan] * 2})
    silent = Moments.from_frame(unanswered, complete=complete)
    assert (silent.n_used, silent.n_dropped) == (0, 2)
    nothing = Moments.from_frame(pd.DataFrame(index=range(3)), complete=complete)
    assert nothing.cov().shape == (0, 0)
    one = Moments.from_frame(pd.DataFrame({"a": [4], "b": [2]}), complete=complete)
    assert (one.mean.tolist(), one.n_used) == ([4, 2], 1)
    assert np.isnan(one.cov()).all()
    assert_identical(one.merge(nobody), one)
    both = one.merge(silent)
    assert (both.mean.tolist(), both.n_used, both.n_dropped) == ([4, 2], 1, 2)


@pytest.mark.parametrize("complete", [True, False])
def test_a_pair_that_nobody_answered(complete: bool) -> None:
    frame = pd.DataFrame({"a": [1, 2, np.nan, np.nan], "b": [np.nan, np.nan, 3.5, 4]})
    for found in (
        Moments.from_frame(frame, complete=complete),
        Moments.from_frame(frame[:2], complete=complete).update(frame[2:]),
    ):
        assert found.n[0, 1] == 0
        assert np.isnan(found.cov()[0, 1])
        if not complete:
            assert found.mean.tolist() == [1.5, 3.75]
            np.testing.assert_allclose(np.diag(found.cov()), [0.5, 0.125])


def test_weights_of_zero() -> None:
    frame = answers(50, missing=0)
    nobody = Moments.from_frame(frame, weights=pd.Series(0.0, frame.index))
    assert (nobody.n_used, nobody.n_dropped) == (0, 50)
    assert np.isnan(nobody.cov()).all()
    part = pd.Series([1.0] * 20 + [0.0] * 15 + [np.nan] * 15)
    found = Moments.from_frame(frame, weights=part)
    assert (found.n_used, found.n_dropped) == (20, 30)
    np.testing.assert_allclose(found.cov(), Moments.from_frame(frame[:20]).cov(), rtol=1e-12)


A = pd.DataFrame({"a": [1, 2, 3.0], "b": [2, 2, 4.0]})


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (A.assign(b=["2", "x", "4"]), "column 'b' holds '2': a numeric column is needed"),
        (A.assign(b=[1, np.inf, 2]), "column 'b' holds inf in row 1: finite numbers needed"),
        (A.assign(a=[1, np.nan, 2], b=[1, -np.inf, 2]), "column 'b' holds -inf in row 1"),
        (A.assign(a=[0.5, 1, 2], b=[1, 2, np.inf]), "column 'b' holds inf in row 2"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "column 'a' occurs twice"),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_wrong_columns_are_named(frame: pd.DataFrame, text: str, complete: bool) -> None:
    with pytest.raises(ValueError, match=text):
        Moments.from_frame(frame, complete=complete)


def test_wrong_weights_and_merges_are_refused() -> None:
    one = Moments.from_frame(A)
    with pytest.raises(ValueError, match="column 'w' holds -1 in row 1: weights of 0 or more"):
        Moments.from_frame(A, weights=pd.Series([1, -1, 2], name="w"))
    with pytest.raises(ValueError, match="moments of a, b cannot be merged with moments of b, a"):
        one.merge(Moments.from_frame(A[["b", "a"]]))
    with pytest.raises(ValueError, match="complete=True cannot be merged with moments with compl"):
        one.merge(Moments.from_frame(A, complete=False))
    with pytest.raises(ValueError, match="weighted=False cannot be merged with moments with wei"):
        one.update(A, weights=pd.Series([1, 1, 2]))


# --- the methods that take moments

METHODS = {
    "alpha": cronbach_alpha,
    "kmo": kmo,
    "bartlett": bartlett_sphericity,
    "efa": lambda items, **options: efa(items, 1, **options),
    "parallel": lambda items, **options: parallel_analysis(items, n_iter=20, **options),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


@every_method
def test_frame_and_moments_give_the_same(method: Any) -> None:
    frame = answers(300)
    weights = pd.Series(np.random.default_rng(3).uniform(0, 2, 300))
    for given_weights in (None, weights):
        direct = method(frame, weights=given_weights)
        assert direct.not_estimable is None
        streamed = Moments.from_frame(frame, weights=given_weights)
        assert method(streamed).to_dict() == direct.to_dict()
    few = frame.head(2)
    assert method(Moments.from_frame(few)).to_dict() == method(few).to_dict()


@every_method
def test_weights_beside_moments_are_refused(method: Any) -> None:
    with pytest.raises(ValueError, match="moments carry their own weights"):
        method(Moments.from_frame(A), weights=pd.Series([1, 1, 2]))


@every_method
def test_pairs_are_refused_where_n_must_be_one(method: Any) -> None:
    pairs = Moments.from_frame(answers(300), complete=False)
    if method is kmo:
        assert "each pair of items from those who answered both" in str(method(pairs).method)
    else:
        with pytest.raises(ValueError, match=r"Moments.from_frame\(complete=True\)"):
            method(pairs)


@every_method
def test_weights_of_zero_leave_nothing_to_estimate(method: Any) -> None:
    result = method(answers(50), weights=pd.Series(0.0, range(50)))
    assert str(result.not_estimable).startswith("0 complete rows are too few")
    assert (result.n_used, result.n_dropped) == (0, 50)


@every_method
def test_one_respondent_who_outweighs_all_is_too_few(method: Any) -> None:
    weights = pd.Series(1e-9, range(50))
    weights[7] = 1
    result = method(answers(50, missing=0), weights=weights)
    minimum = 2 if method is cronbach_alpha else 5
    assert str(result.not_estimable) == (
        f"An effective sample size of 1.0 is too small: it has to be above {minimum}."
    )


@every_method
def test_negative_weights_are_refused(method: Any) -> None:
    with pytest.raises(ValueError, match="weights of 0 or more needed"):
        method(A, weights=pd.Series([1, -1, 1]))
