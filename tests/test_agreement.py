"""Agreement of raters against R, statsmodels and published examples, and degenerate ratings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from csat_stats.reliability import (
    cohen_kappa,
    cronbach_alpha,
    fleiss_kappa,
    icc,
    krippendorff_alpha,
)

ORACLE = json.loads((Path(__file__).parent / "oracles" / "agreement.json").read_text("utf-8"))
SHROUT = pd.DataFrame(ORACLE["icc"]["shrout_fleiss"]["data"])
FORMS = ["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"]
LEVELS = ["nominal", "ordinal", "interval", "ratio"]


# --- intraclass correlation


def assert_equals_psych(ratings: pd.DataFrame, expected: dict[str, Any], **options: Any) -> None:
    result = icc(ratings, **options)
    assert result.table["form"].tolist() == FORMS
    columns = ["estimate", "statistic", "df", "df_error", "p_value", "conf_low", "conf_high"]
    want = np.array(expected["table"])
    np.testing.assert_allclose(result.table[columns], want, rtol=1e-9)
    got = [result.ms_subjects, result.ms_raters, result.ms_error]
    np.testing.assert_allclose(got, expected["ms"], rtol=1e-9)
    n, k = ratings.shape
    within = (result.ms_raters * (k - 1) + result.ms_error * (n - 1) * (k - 1)) / (n * (k - 1))
    assert result.ms_within == pytest.approx(within, rel=1e-12)
    for form, row in zip(FORMS, want, strict=True):
        one = icc(ratings, form=form, **options)  # type: ignore[arg-type]
        np.testing.assert_allclose(
            [one.estimate, one.conf_low, one.conf_high], row[[0, 5, 6]], rtol=1e-9
        )
        assert (one.form, one.k, one.n_used) == (form, k, n)


def test_icc_of_shrout_and_fleiss() -> None:
    case = ORACLE["icc"]["shrout_fleiss"]
    assert_equals_psych(SHROUT, case["ci95"])
    assert_equals_psych(SHROUT, case["ci90"], conf_level=0.9)
    assert icc(SHROUT).table["estimate"].round(2).tolist() == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]


@pytest.mark.parametrize("name", ["attitude", "image"])
def test_icc_equals_psych(name: str, reference_data: Any) -> None:
    if name == "image":
        ratings = reference_data("ecsi_mobi").filter(regex="^IMAG")
    else:
        ratings = reference_data(name)
    assert_equals_psych(ratings, ORACLE["icc"][name])


@settings(max_examples=40)
@given(x=arrays(np.float64, (8, 3), elements=st.integers(1, 10).map(float)))
@example(
    np.array([[1, 1, 2]] * 2 + [[1, 1, 3]] * 2 + [[3, 1, 1], [1, 1, 3]] + [[1, 3, 1]] * 2) * 1.0
)
def test_icc_algebra(x: Any) -> None:
    ratings = pd.DataFrame(x)
    result = icc(ratings)
    assume(result.not_estimable is None and result.ms_error)
    moved = icc((5 * ratings - 1000).iloc[::-1, ::-1])
    pd.testing.assert_frame_equal(moved.table, result.table, rtol=1e-7, atol=1e-9)
    shifted = icc(ratings + pd.Series([0, 100, 200])).table.set_index("form")
    mine = result.table.set_index("form")
    assert shifted.loc["ICC3", "estimate"] == pytest.approx(mine.loc["ICC3", "estimate"], abs=1e-9)
    assert mine.loc["ICC3k", "estimate"] == pytest.approx(
        cronbach_alpha(ratings).estimate, rel=1e-9, abs=1e-9
    )
    interval = result.table[["conf_low", "conf_high"]].dropna()
    assert (interval["conf_low"] <= interval["conf_high"]).all()


def test_icc_of_perfect_agreement_and_of_mere_consistency() -> None:
    same = icc(pd.DataFrame({"a": [0.1, 0.2, 0.4], "b": [0.1, 0.2, 0.4]}))
    assert (same.table[["estimate", "conf_low", "conf_high"]] == 1).all(axis=None)
    assert (same.table["statistic"] == np.inf).all()
    assert (same.table["p_value"] == 0).all()
    assert [str(note) for note in same.notes] == ["The raters agree perfectly."]
    lenient = icc(pd.DataFrame({"a": [1, 2, 3], "b": [2, 3, 4]})).table.set_index("form")
    assert lenient.loc["ICC3", ["estimate", "conf_low", "conf_high"]].tolist() == [1, 1, 1]
    # subjects 2, raters 1.5, error 0
    assert lenient.loc["ICC2", "estimate"] == pytest.approx(2 / 3, rel=1e-12)
    assert lenient.loc["ICC2", "conf_high"] < 1


def test_icc_below_zero_and_beyond() -> None:
    against = pd.DataFrame({"a": [1, 2, 4], "b": [5, 1, 4], "c": [3, 3, 0]})
    result = icc(against, form="ICC1")
    assert str(result.notes[0]) == (
        "The coefficient is negative: ratings of one subject differ more than subjects do."
    )
    beyond = icc(against, form="ICC2k")
    assert str(beyond.not_estimable) == (
        "Ratings of one subject differ so much more than subjects do that this coefficient does "
        "not exist."
    )
    assert beyond.estimate is None
    assert len(beyond.table) == 6


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"a": [1, 2, 3]}, "Agreement needs at least two raters."),
        ({"a": [], "b": []}, "0 complete rows are too few: at least 2 are needed."),
        ({"a": [1, None], "b": [2, 3]}, "1 complete rows are too few: at least 2 are needed."),
        (
            {"a": [0.1, 0.1], "b": [0.1, 0.1]},
            "All subjects have one mean rating: there is no difference to agree on.",
        ),
        (
            {"a": [1, 2], "b": [2, 1]},
            "All subjects have one mean rating: there is no difference to agree on.",
        ),
    ],
)
def test_icc_not_estimable(columns: Any, reason: str) -> None:
    result = icc(pd.DataFrame(columns, dtype=float))
    assert str(result.not_estimable) == reason
    assert result.n_used + result.n_dropped == len(columns["a"])


def test_icc_leaves_out_incomplete_subjects() -> None:
    more = pd.concat([SHROUT, pd.DataFrame([[9, None, 5, 8]])], ignore_index=True).astype("Int64")
    result = icc(more)
    assert (result.n_used, result.n_dropped) == (6, 1)
    pd.testing.assert_frame_equal(result.table, icc(SHROUT).table)
    with pytest.raises(ValueError, match="form is 'ICC4': one of ICC1, ICC2, ICC3, ICC1k"):
        icc(SHROUT, form="ICC4")  # type: ignore[arg-type]


# --- Cohen's kappa


def pairs(counts: Any, labels: Any = None) -> tuple[pd.Series, pd.Series]:
    """A row for each subject of a cross table."""
    table = np.array(counts)
    labels = labels or list(range(1, len(table) + 1))
    rows = [
        (labels[i], labels[j])
        for i in range(len(table))
        for j in range(len(table))
        for _ in range(table[i, j])
    ]
    first, second = zip(*rows, strict=True)
    return pd.Series(first), pd.Series(second)


@pytest.mark.parametrize("name", ["cohen1968", "five"])
@pytest.mark.parametrize("kind", ["nominal", "linear", "quadratic"])
def test_cohen_kappa_equals_psych_and_statsmodels(name: str, kind: Any) -> None:
    case = ORACLE["kappa"][name]
    result = cohen_kappa(*pairs(case["counts"]), disagreement=kind)
    z, p, kappa, error = case["z"][kind]
    assert result.estimate == pytest.approx(kappa, rel=1e-9)
    assert result.std_error == pytest.approx(error, rel=1e-9)
    assert result.statistic == pytest.approx(z, rel=1e-9)
    assert result.p_value == pytest.approx(p, rel=1e-9)
    psych = case["quadratic"]["unweighted"] if kind == "nominal" else case[kind]["weighted"]
    assert result.estimate == pytest.approx(psych[0], rel=1e-9)
    if kind == "nominal":
        got = [result.conf_low, result.conf_high, result.std_error]
        np.testing.assert_allclose(got, psych[1:], rtol=1e-9)
    counts = np.array(case["counts"])
    assert result.table["n"].tolist() == counts.ravel().tolist()
    chance = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    np.testing.assert_allclose(result.table["expected"], chance.ravel(), rtol=1e-12)
    assert result.n_used == counts.sum()
    assert result.estimate == pytest.approx(
        (result.observed - result.expected) / (1 - result.expected), rel=1e-12
    )


def test_cohen_kappa_with_given_weights() -> None:
    case = ORACLE["kappa"]["cohen1968"]
    labels = ["personality disorder", "neurosis", "psychosis"]
    weights = pd.DataFrame(case["custom"], labels, labels)
    first, second = pairs(case["counts"], labels)
    result = cohen_kappa(first, second, disagreement=weights)
    assert result.estimate == pytest.approx(case["given"]["weighted"][0], rel=1e-9)
    assert round(result.estimate, 3) == 0.348
    again = cohen_kappa(first, second, disagreement=7 * weights.iloc[::-1, ::-1])
    assert again.estimate == pytest.approx(result.estimate, rel=1e-12)
    assert again.std_error == pytest.approx(result.std_error, rel=1e-12)
    plain = cohen_kappa(first, second, disagreement=pd.DataFrame(1 - np.eye(3), labels, labels))
    unweighted = cohen_kappa(first, second)
    assert plain.estimate == pytest.approx(unweighted.estimate, rel=1e-12)
    assert plain.std_error == pytest.approx(unweighted.std_error, rel=1e-12)


@pytest.mark.parametrize("kind", ["nominal", "linear", "quadratic", "given"])
def test_the_error_of_kappa_is_that_of_the_delta_method(kind: Any) -> None:
    case = ORACLE["kappa"]["cohen1968"]
    share = np.array(case["counts"]) / np.sum(case["counts"])
    distance = np.abs(np.subtract.outer(range(3), range(3)))
    v = {
        "nominal": 1 - np.eye(3),
        "linear": distance,
        "quadratic": distance**2,
        "given": np.array(case["custom"]),
    }[kind]

    def kappa(p: Any) -> float:
        p = p / p.sum()
        return float(1 - (v * p).sum() / (v * np.outer(p.sum(axis=1), p.sum(axis=0))).sum())

    step = 1e-6
    slope = np.zeros((3, 3))
    for cell in np.ndindex(3, 3):
        change = np.zeros((3, 3))
        change[cell] = step
        slope[cell] = (kappa(share + change) - kappa(share - change)) / (2 * step)
    variance = (share * slope**2).sum() - (share * slope).sum() ** 2
    how = pd.DataFrame(v, [1, 2, 3], [1, 2, 3]) if kind == "given" else kind
    result = cohen_kappa(*pairs(case["counts"]), disagreement=how)
    assert result.std_error == pytest.approx(np.sqrt(variance / result.n_used), rel=1e-6)


@settings(max_examples=40)
@given(
    codes=arrays(np.int64, (20, 2), elements=st.integers(1, 4)),
    kind=st.sampled_from(["nominal", "linear", "quadratic"]),
)
def test_cohen_kappa_algebra(codes: Any, kind: Any) -> None:
    first, second = pd.Series(codes[:, 0]), pd.Series(codes[:, 1])
    result = cohen_kappa(first, second, disagreement=kind)
    assume(result.not_estimable is None)
    swapped = cohen_kappa(second[::-1], first[::-1], disagreement=kind)
    reversed_ = cohen_kappa(5 - first, 5 - second, disagreement=kind)
    for other in (swapped, reversed_):
        for name in ("estimate", "conf_low", "conf_high", "statistic", "observed", "expected"):
            one, two = getattr(result, name), getattr(other, name)
            assert two == (one if one is None else pytest.approx(one, rel=1e-9, abs=1e-9)), name
    assert -1 <= result.conf_low <= result.estimate <= result.conf_high <= 1


def test_distances_are_those_of_the_values_or_of_the_places() -> None:
    first, second = pd.Series([1, 2, 5, 5, 2]), pd.Series([1, 5, 5, 2, 2])
    by_value = cohen_kappa(first, second, disagreement="linear")
    wide = cohen_kappa(first, second, disagreement="linear", categories=[1, 2, 3, 4, 5])
    assert by_value.estimate == pytest.approx(wide.estimate, rel=1e-12)
    words = {1: "low", 2: "middle", 5: "high"}
    order = ["low", "middle", "high"]
    by_place = cohen_kappa(
        first.map(words), second.map(words), disagreement="linear", categories=order
    )
    dtype = pd.CategoricalDtype(order, ordered=True)
    same = cohen_kappa(
        first.map(words).astype(dtype), second.map(words).astype(dtype), disagreement="linear"
    )
    assert by_place.estimate == same.estimate != by_value.estimate
    codes = {1: 0, 2: 1, 5: 2}
    numbers = cohen_kappa(first.map(codes), second.map(codes), disagreement="linear")
    assert numbers.estimate == by_place.estimate


def test_degenerate_kappa() -> None:
    perfect = cohen_kappa(pd.Series(list("aabb")), pd.Series(list("aabb")))
    assert (perfect.estimate, perfect.conf_low, perfect.conf_high) == (1, 1, 1)
    assert (perfect.std_error, perfect.observed) == (0, 1)
    none = cohen_kappa(pd.Series(["a", None]), pd.Series([None, "b"]))
    assert str(none.not_estimable) == "No subject was rated by both raters."
    assert (none.n_used, none.n_dropped) == (0, 2)
    one = cohen_kappa(pd.Series([1, 1, 1]), pd.Series([1, 1, 1]))
    assert str(one.not_estimable) == (
        "All ratings are the same, so agreement beyond chance is undefined."
    )
    apart = cohen_kappa(pd.Series([1, 1]), pd.Series([2, 2]))
    assert (apart.estimate, apart.statistic, apart.p_value) == (0, None, None)
    nothing = cohen_kappa(
        pd.Series([1, 2]), pd.Series([2, 1]), disagreement=pd.DataFrame(0, [1, 2], [1, 2])
    )
    assert str(nothing.not_estimable) == "Given these weights there is nothing to disagree on."
    missing = cohen_kappa(
        pd.Series([1, 2, None, 1], dtype="Int64"), pd.Series([1, 2, 2, None], dtype="Int64")
    )
    assert (missing.n_used, missing.n_dropped, missing.estimate) == (2, 2, 1)


@pytest.mark.parametrize(
    ("first", "second", "options", "reason"),
    [
        (
            pd.Series([1, 2]),
            pd.Series([1, 2], index=[1, 2]),
            {},
            "the two raters have different row labels: align them first",
        ),
        (
            pd.Series(list("ab")),
            pd.Series(list("ba")),
            {"disagreement": "linear"},
            "the ratings 'a', 'b' have no order: give categories, or an ordered categorical",
        ),
        (
            pd.Series(list("ab")),
            pd.Series(list("ba")),
            {"disagreement": "cubic"},
            "disagreement is 'cubic': 'nominal', 'linear', 'quadratic' or a frame is needed",
        ),
        (
            pd.Series(list("ab"), name="x"),
            pd.Series(list("ba")),
            {"categories": ["b", "c"]},
            "rater 'x' gave 'a' in row 0: one of 'b', 'c' is needed",
        ),
        (
            pd.Series(list("ab")),
            pd.Series(list("ba")),
            {"categories": ["a", "b", "a"]},
            "category 'a' occurs twice",
        ),
        (
            pd.Series(list("ab")),
            pd.Series(list("ba")),
            {"disagreement": pd.DataFrame([[0, 1], [1, 0]], ["a", "c"], ["a", "c"])},
            "disagreement has other categories than the ratings: 'a', 'b' are needed as rows and "
            "as columns",
        ),
        (
            pd.Series(list("ab")),
            pd.Series(list("ba")),
            {"disagreement": pd.DataFrame([[1, 0], [0, 1]], ["a", "b"], ["a", "b"])},
            "disagreement has to be 0 on the diagonal and 0 or more elsewhere",
        ),
        (
            pd.Series([1.0, np.inf]),
            pd.Series([1.0, 2]),
            {},
            "a rating is infinite: finite numbers or categories are needed",
        ),
    ],
)
def test_wrong_use_of_kappa(first: Any, second: Any, options: Any, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        cohen_kappa(first, second, **options)
    assert str(error.value) == reason


# --- Fleiss' kappa


def ratings_of(counts: Any, labels: str = "abcde") -> pd.DataFrame:
    """Subjects × raters from subjects × categories."""
    return pd.DataFrame(
        [[c for c, m in zip(labels, row, strict=True) for _ in range(m)] for row in counts]
    )


def test_fleiss_kappa_equals_irr_and_irrcac() -> None:
    case = ORACLE["fleiss"]
    result = fleiss_kappa(ratings_of(case["counts"]))
    for name in ("observed", "expected"):
        assert getattr(result, name) == pytest.approx(case[name], rel=1e-9)
    assert result.estimate == pytest.approx(case["kappa"], rel=1e-9)
    assert result.statistic == pytest.approx(case["z"], rel=1e-9)
    assert result.p_value == pytest.approx(case["p"], rel=1e-9)
    other = case["irrCAC"]
    assert result.std_error == pytest.approx(other["se"], abs=1e-14)
    np.testing.assert_allclose(
        [result.conf_low, result.conf_high], other["confidence_interval"], atol=1e-14
    )
    table = result.table
    assert table["category"].tolist() == list("abcde")
    for column, name in (
        ("share", "share"),
        ("estimate", "category"),
        ("statistic", "category_z"),
        ("p_value", "category_p"),
    ):
        np.testing.assert_allclose(table[column], case[name], rtol=1e-9)
    np.testing.assert_allclose(table["std_error"], case["category_se"], rtol=1e-9)
    assert (result.n_used, result.n_raters) == (15, 6)


@settings(max_examples=40)
@given(codes=arrays(np.int64, (10, 4), elements=st.integers(0, 2)), data=st.data())
def test_fleiss_kappa_algebra(codes: Any, data: Any) -> None:
    ratings = pd.DataFrame(codes)
    result = fleiss_kappa(ratings)
    assume(result.not_estimable is None)
    swapped = np.array([data.draw(st.permutations(row.tolist())) for row in codes])
    words = pd.DataFrame(swapped[::-1]).map({0: "x", 1: "p", 2: "k"}.get)
    again = fleiss_kappa(words, categories=["k", "p", "unused", "x"])
    for name in ("estimate", "conf_low", "conf_high", "statistic", "observed", "expected"):
        assert getattr(again, name) == pytest.approx(getattr(result, name), rel=1e-9, abs=1e-12)
    assert np.isnan(again.table.set_index("category").loc["unused", "estimate"])
    # with pairs of raters pooled: Krippendorff's alpha but for its small-sample term
    n = codes.size
    alpha = krippendorff_alpha(ratings, n_boot=0).estimate
    assert 1 - (1 - alpha) * n / (n - 1) == pytest.approx(result.estimate, rel=1e-9, abs=1e-12)


def test_degenerate_fleiss_kappa() -> None:
    perfect = fleiss_kappa(pd.DataFrame({"a": list("xyx"), "b": list("xyx")}))
    assert (perfect.estimate, perfect.std_error) == (1, 0)
    assert (perfect.conf_low, perfect.conf_high) == (1, 1)
    for frame, reason in (
        (pd.DataFrame({"a": [1, 2]}), "Agreement needs at least two raters."),
        (
            pd.DataFrame({"a": [1, None], "b": [2, 3]}),
            "1 complete rows are too few: at least 2 are needed.",
        ),
        (
            pd.DataFrame({"a": [1, 1], "b": [1, 1]}),
            "All ratings are the same, so agreement beyond chance is undefined.",
        ),
        (pd.DataFrame(), "Agreement needs at least two raters."),
    ):
        assert str(fleiss_kappa(frame).not_estimable) == reason


# --- Krippendorff's alpha


def units(case: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(case["ratings"], dtype=float).T


EXAMPLE = units(ORACLE["krippendorff"]["example"])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["example", "random"])
def test_krippendorff_alpha_equals_the_reference(name: str, level: Any) -> None:
    case = ORACLE["krippendorff"][name]
    result = krippendorff_alpha(units(case), level=level, n_boot=0)
    assert result.estimate == pytest.approx(case["alpha"][level], rel=1e-9)
    if name == "example":
        assert round(result.estimate, 3) == case["published"][level]
        assert (result.n_used, result.n_dropped, result.n_ratings) == (11, 1, 40)
        assert result.table["n"].tolist() == [9, 13, 10, 5, 3]
    assert result.estimate == pytest.approx(1 - result.observed / result.expected, rel=1e-12)
    assert (result.conf_low, result.conf_high) == (None, None)
    assert str(result.method).endswith("subjects with two ratings or more, without interval.")


@pytest.mark.parametrize("level", LEVELS)
def test_the_bootstrap_interval_is_that_of_resampled_subjects(level: Any) -> None:
    result = krippendorff_alpha(EXAMPLE, level=level, n_boot=100, seed=7, conf_level=0.8)
    used = EXAMPLE[EXAMPLE.count(axis=1) > 1]
    drawn = np.random.default_rng(7).multinomial(11, np.full(11, 1 / 11), size=100)
    alphas = [
        krippendorff_alpha(used.loc[used.index.repeat(row)], level=level, n_boot=0).estimate
        for row in drawn
    ]
    low, high = np.quantile(alphas, [0.1, 0.9])
    assert result.conf_low == pytest.approx(low, rel=1e-9)
    assert result.conf_high == pytest.approx(high, rel=1e-9)
    assert str(result.method).endswith(
        "percentile interval of 100 resamples of the subjects, seed 7."
    )


@settings(max_examples=30)
@given(
    x=arrays(np.float64, (9, 3), elements=st.sampled_from([1.0, 2.0, 4.0, 7.0, np.nan])),
    level=st.sampled_from(LEVELS),
)
def test_krippendorff_algebra(x: Any, level: Any) -> None:
    ratings = pd.DataFrame(x)
    result = krippendorff_alpha(ratings, level=level, n_boot=0)
    assume(result.not_estimable is None)
    scaled = {
        "nominal": ratings**3,
        "ordinal": ratings**3,
        "interval": 3 * ratings + 5,
        "ratio": 4 * ratings,
    }
    moved = krippendorff_alpha(scaled[level].iloc[::-1, ::-1], level=level, n_boot=0)
    assert moved.estimate == pytest.approx(result.estimate, rel=1e-9, abs=1e-12)
    assert result.estimate <= 1
    if level == "nominal":
        return
    pairwise = [
        (a - b) ** 2
        for row in x
        for i, a in enumerate(row)
        for b in np.delete(row, i)
        if level == "interval"
    ]
    if level == "interval" and not np.isnan(x).any():
        assert result.observed == pytest.approx(sum(pairwise) / 2 / x.size, rel=1e-9)


def test_krippendorff_of_words() -> None:
    words = EXAMPLE.map({1: "very poor", 2: "poor", 3: "fair", 4: "good", 5: "very good"}.get)
    order = ["very poor", "poor", "fair", "good", "very good"]
    ordinal = krippendorff_alpha(words, level="ordinal", categories=order, n_boot=0)
    assert ordinal.estimate == pytest.approx(
        krippendorff_alpha(EXAMPLE, level="ordinal", n_boot=0).estimate, rel=1e-12
    )
    nominal = krippendorff_alpha(words, n_boot=0)
    assert round(nominal.estimate, 3) == 0.743


def test_degenerate_krippendorff() -> None:
    for frame, reason in (
        (pd.DataFrame({"a": [1, 2]}), "Agreement needs at least two raters."),
        (pd.DataFrame({"a": [1, None], "b": [None, 2]}), "No subject has two ratings."),
        (pd.DataFrame({"a": [], "b": []}), "No subject has two ratings."),
        (
            pd.DataFrame({"a": [3, 3, 1], "b": [3, 3, None]}),
            "All ratings are the same, so agreement beyond chance is undefined.",
        ),
    ):
        assert str(krippendorff_alpha(frame).not_estimable) == reason
    perfect = krippendorff_alpha(pd.DataFrame({"a": [1, 2, 2], "b": [1, 2, 2]}), level="interval")
    assert (perfect.estimate, perfect.conf_low, perfect.conf_high) == (1, 1, 1)
    assert str(perfect.notes[0]).endswith(
        "resamples had no solution and do not count in the interval."
    )
    zeros = krippendorff_alpha(
        pd.DataFrame({"a": [0, 0, 2], "b": [0, 1, 2]}), level="ratio", n_boot=0
    )
    assert zeros.observed == pytest.approx(2 / 6)  # 0 and 1 are apart by (1/1)², both ways


@pytest.mark.parametrize(
    ("frame", "options", "reason"),
    [
        (EXAMPLE, {"level": "scale"}, "level is 'scale': one of nominal, ordinal, interval, ratio"),
        (EXAMPLE, {"n_boot": 10}, "n_boot is 10: give 0 for no bootstrap, or at least 100"),
        (-EXAMPLE, {"level": "ratio"}, "level is 'ratio': -5 is below 0"),
        (
            EXAMPLE,
            {"level": "ordinal", "categories": [5, 4, 3, 2, 1]},
            "categories that are numbers are needed in ascending order",
        ),
        (
            pd.DataFrame({"a": list("xy"), "b": list("xx")}),
            {"level": "ordinal"},
            "the ratings 'x', 'y' have no order: give categories, or an ordered categorical",
        ),
        (
            pd.DataFrame({"a": list("xy"), "b": list("xx")}),
            {"level": "interval", "categories": ["x", "y"]},
            "level is 'interval': ratings that are numbers are needed, not 'x'",
        ),
    ],
)
def test_wrong_use_of_krippendorff(frame: Any, options: Any, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        krippendorff_alpha(frame, **options)
    assert str(error.value).startswith(reason)
