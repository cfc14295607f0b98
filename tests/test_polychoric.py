"""Polychoric correlations, ordinal KMO and ordinal alpha against R (lavaan, psych, mvtnorm)."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from csat_stats.reliability import cronbach_alpha, ordinal_alpha
from csat_stats.validity import kmo, ordinal_kmo, polychoric
from csat_stats.validity.two_step import bivariate_normal

ORACLE = json.loads((Path(__file__).parent / "oracles" / "ordinal.json").read_text("utf-8"))
CASES = ["sim_x", "sim_x_weighted", "sim_y", "bfi_agree", "mobi_cusa", "airline"]
AIRLINE = ["Seat Comfort", "Cleanliness", "Food and Drink", "In-flight Service"]
AIRLINE += ["On-board Service", "In-flight Entertainment"]
every_case = pytest.mark.parametrize("case", CASES)


def answers(rows: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame([list(map(int, row)) for row in rows])
    return frame.rename(columns=lambda i: f"q{i + 1}")


def table(counts: list[list[int]]) -> pd.DataFrame:
    """Answers to two items with these counts."""
    cells = [(i, j) for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]
    return pd.DataFrame(cells, columns=["a", "b"])


def opinions(n: int, k: int, levels: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 1)) + rng.normal(size=(n, k))
    return pd.DataFrame(np.digitize(z, np.linspace(-2.2, 1.8, levels - 1))).add_prefix("q")


@pytest.fixture
def data(reference_data: Any) -> Any:
    def read(case: str) -> dict[str, Any]:
        """Items and weights of a case, as arguments."""
        if case.startswith("sim"):
            weights = pd.Series(ORACLE["data"]["w"]) if case.endswith("weighted") else None
            return {"items": answers(ORACLE["data"][case[4]]), "weights": weights}
        if case == "bfi_agree":
            items = reference_data("psych_bfi")[["A1", "A2", "A3", "A4", "A5"]]
            return {"items": items.assign(A1=7 - items["A1"])}
        if case == "mobi_cusa":
            return {"items": reference_data("ecsi_mobi")[["CUSA1", "CUSA2", "CUSA3"]]}
        items = reference_data("airline_sample")[AIRLINE]
        return {"items": items.mask(items == 0)}

    return read


# --- against R


@every_case
def test_estimates_and_errors_equal_r(case: str, data: Any) -> None:
    reference, given_ = ORACLE["polychoric"][case], data(case)
    result = polychoric(**given_)
    np.testing.assert_allclose(result.table["estimate"], reference["rho"], rtol=1e-9)
    np.testing.assert_allclose(result.table["estimate"], reference["lavaan_est"], rtol=1e-6)
    np.testing.assert_allclose(result.table["std_error"], reference["lavaan_se"], rtol=1e-6)
    if "psych_rho" in reference:  # psych stops its search at 1e-4
        np.testing.assert_allclose(result.table["estimate"], reference["psych_rho"], atol=1e-4)
    thresholds = np.concatenate(reference["thresholds"])
    np.testing.assert_allclose(result.thresholds["threshold"], thresholds, rtol=1e-9, atol=1e-12)
    assert result.smallest_eigenvalue == pytest.approx(reference["smallest_eigenvalue"], rel=1e-9)
    assert result.n_used == reference["n"] == result.table["n"].unique()
    assert result.n_used + result.n_dropped == len(given_["items"])
    assert not result.smoothed


@every_case
def test_kmo_and_alpha_equal_psych(case: str, data: Any) -> None:
    reference, given_ = ORACLE["polychoric"][case], data(case)
    adequacy = ordinal_kmo(**given_)
    assert adequacy.estimate == pytest.approx(reference["kmo"], rel=1e-9)
    np.testing.assert_allclose(adequacy.table["msa"], reference["msa"], rtol=1e-9)
    alpha = ordinal_alpha(**given_)
    assert alpha.estimate == pytest.approx(reference["alpha"], rel=1e-9)
    assert alpha.average_r == pytest.approx(reference["average_r"], rel=1e-9)
    np.testing.assert_allclose(alpha.table["r_item_rest"], reference["r_drop"], rtol=1e-9)
    np.testing.assert_allclose(alpha.table["alpha_if_deleted"], reference["alpha_drop"], rtol=1e-9)
    assert alpha.k == len(alpha.table)
    assert adequacy.n_used == alpha.n_used == reference["n"]
    if "kmo_pearson" in reference:
        assert adequacy.pearson == pytest.approx(reference["kmo_pearson"], rel=1e-9)
        assert alpha.pearson == pytest.approx(reference["alpha_pearson"], rel=1e-9)


def test_smoothing_equals_psych() -> None:
    reference, items = ORACLE["smoothed"], answers(ORACLE["data"]["small"])
    result = polychoric(items)
    np.testing.assert_allclose(result.table["estimate"], reference["rho"], rtol=1e-9)
    smooth = result.corr.to_numpy()[np.triu_indices(6, 1)]
    np.testing.assert_allclose(smooth, reference["smooth"], rtol=1e-9)
    assert result.estimate == pytest.approx(np.mean(reference["smooth"]))
    assert result.smoothed
    assert result.smallest_eigenvalue == pytest.approx(reference["smallest_eigenvalue"], rel=1e-9)
    assert str(result.notes[0]) == (
        "The correlation matrix is not positive definite (smallest eigenvalue −0.029) and was "
        "smoothed: read what is computed from it with care."
    )
    assert str(ordinal_kmo(items).not_estimable) == (
        "The polychoric correlation matrix is not positive definite: the measure would follow "
        "from the smoothing."
    )
    assert ordinal_alpha(items).estimate == pytest.approx(
        6 / 5 * (1 - 6 / result.corr.to_numpy().sum()), rel=1e-12
    )


# --- the matrix


def test_result_is_a_correlation_matrix_beside_pearsons() -> None:
    items = answers(ORACLE["data"]["x"])
    result = polychoric(items)
    corr = result.corr.to_numpy()
    assert list(result.corr.index) == list(result.corr.columns) == list(items.columns)
    np.testing.assert_array_equal(corr, corr.T)
    np.testing.assert_array_equal(np.diag(corr), 1)
    pearson = np.corrcoef(items.T)[np.triu_indices(6, 1)]
    np.testing.assert_allclose(result.table["pearson"], pearson, rtol=1e-12)
    assert list(result.table.columns) == "item_a item_b estimate std_error pearson n".split()
    assert result.estimate == pytest.approx(result.table["estimate"].mean())
    difference = result.table["estimate"] - pearson
    assert result.largest_difference == pytest.approx(difference.max())
    assert result.largest_difference_items == ("q1", "q4")
    assert str(result.notes[0]) == (
        "Pearson's correlation of q1×q4 is 0.43, the polychoric one 0.63: few categories or skewed "
        "answers pull Pearson's correlations towards zero, and figures computed from them, such as "
        "alpha, turn out too low."
    )
    assert polychoric(opinions(2000, 3, 7)).notes == ()
    shares = result.thresholds.set_index(["item", "category"])["share"]
    assert shares["q2", 1] == pytest.approx((items["q2"] <= 1).mean())


def test_only_the_order_of_answers_counts() -> None:
    items = opinions(300, 4, 4)
    result = polychoric(items)
    stretched = polychoric((items**3 * 2.5 + 1).astype("Float64"))
    pd.testing.assert_frame_equal(stretched.corr, result.corr)
    shuffled = polychoric(items[["q2", "q0", "q3", "q1"]].sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(
        shuffled.corr.loc[items.columns, items.columns], result.corr, rtol=1e-10, check_names=False
    )
    turned = polychoric(items.assign(q1=9 - items["q1"]))
    sign = np.array([1, -1, 1, 1])
    np.testing.assert_allclose(turned.corr, result.corr * np.outer(sign, sign), rtol=1e-10)
    np.testing.assert_allclose(turned.table["std_error"], result.table["std_error"], rtol=1e-8)


def test_known_correlation_is_found() -> None:
    result = polychoric(opinions(40_000, 3, 5))
    assert (np.abs(result.table["estimate"] - 0.5) < 4 * result.table["std_error"]).all()
    assert (result.table["pearson"] < 0.48).all()


def test_tetrachoric_at_medians_is_a_sine() -> None:
    # P(both below) = 1/4 + asin(rho)/(2 pi) at thresholds of zero (Sheppard 1899).
    result = polychoric(table([[30, 20], [20, 30]]))
    assert result.estimate == pytest.approx(np.sin(2 * np.pi * 0.05), rel=1e-12)


def test_missing_answers_and_weights() -> None:
    items = opinions(200, 3, 4)
    weights = pd.Series(np.random.default_rng(5).integers(0, 4, 200).astype(float))
    repeated = polychoric(items.loc[items.index.repeat(weights.astype(int))])
    weighted = polychoric(items, weights=weights)
    np.testing.assert_allclose(weighted.corr, repeated.corr, rtol=1e-9)
    assert weighted.n_used == (weights > 0).sum()
    assert weighted.n_dropped == (weights == 0).sum()
    assert (weighted.table["std_error"] > repeated.table["std_error"]).all()
    equal = polychoric(items, weights=pd.Series(3.0, items.index))
    pd.testing.assert_frame_equal(equal.table, polychoric(items).table, rtol=1e-9)
    with_gaps = items.astype("Int64")
    with_gaps.iloc[:20, 0] = pd.NA
    result = polychoric(with_gaps)
    assert (result.n_used, result.n_dropped) == (180, 20)
    np.testing.assert_allclose(result.corr, polychoric(items[20:]).corr, rtol=1e-12)
    assert "design-based" in str(weighted.method)
    with pytest.raises(ValueError, match="weights of 0 or more"):
        polychoric(items, weights=-weights)


def test_thirty_items_are_fast() -> None:
    items = opinions(2000, 30, 5)
    start = time.process_time()
    polychoric(items)
    assert time.process_time() - start < 3  # 0.4 s on a free core


# --- bounds and degenerate answers


@pytest.mark.parametrize("counts", [[[10, 0], [5, 9]], [[10, 4, 0], [0, 5, 9]]])
def test_answers_in_one_order_fall_back_to_pearson(counts: list[list[int]]) -> None:
    for sign, items in ((1, table(counts)), (-1, table([row[::-1] for row in counts]))):
        result = polychoric(items)
        assert result.estimate == pytest.approx(np.corrcoef(items.T)[0, 1], rel=1e-12)
        assert np.sign(result.estimate) == sign
        assert np.isnan(result.table["std_error"]).all()
        assert str(result.notes[0]) == (
            "Polychoric correlation failed for a×b: the answers follow one order with hardly an "
            "exception, so that it would be ±1. Pearson's correlation is used there."
        )


def test_one_failed_pair_leaves_the_others() -> None:
    items = opinions(100, 3, 5)
    result = polychoric(items.assign(top=(items["q0"] > 3).astype(int)))
    failed = result.table["std_error"].isna()
    assert result.table.loc[failed, ["item_a", "item_b"]].to_numpy().tolist() == [["q0", "top"]]
    clean = polychoric(items).table
    np.testing.assert_allclose(result.table["estimate"][[0, 1, 3]], clean["estimate"], rtol=1e-12)


def test_a_duplicated_item_is_smoothed() -> None:
    items = opinions(100, 2, 4)
    result = polychoric(items.assign(copy=items["q0"]))
    assert result.smoothed and len(result.notes) == 2
    assert result.corr.loc["q0", "copy"] == pytest.approx(1)
    assert np.linalg.eigvalsh(result.corr)[0] > 0
    assert np.isfinite(ordinal_alpha(items.assign(copy=items["q0"])).estimate)


@pytest.mark.parametrize("n", [20, 100, 660])
def test_one_contradiction_among_perfect_answers(n: int) -> None:
    # The one cell has a probability down to 1e-100, on which the estimate depends.
    counts = np.diag([n] * 5)
    counts[0, 4] = 1
    rho = polychoric(table(counts.tolist())).estimate
    assert rho is not None
    bounds = [
        np.r_[-9, stats.norm.ppf(counts.sum(axis=axis).cumsum()[:-1] / counts.sum()), 9]
        for axis in (1, 0)
    ]
    nodes, weights = np.polynomial.legendre.leggauss(400)

    def log_likelihood(r: float) -> float:
        total = 0.0
        for i, j in zip(*np.nonzero(counts), strict=True):
            half = (bounds[0][i + 1] - bounds[0][i]) / 2
            x = bounds[0][i] + half * (1 + nodes)
            low, high = ((bounds[1][j + s] - r * x) / np.sqrt(1 - r * r) for s in (0, 1))
            lower = stats.norm.cdf(high) - stats.norm.cdf(low)
            upper = stats.norm.sf(low) - stats.norm.sf(high)
            inside = np.where(low > 0, upper, lower)
            total += counts[i, j] * np.log(weights @ (stats.norm.pdf(x) * inside) * half)
        return total

    step = (1 - rho) / 50
    assert log_likelihood(rho) > log_likelihood(rho + step)
    assert log_likelihood(rho) > log_likelihood(rho - step)


def test_not_estimable() -> None:
    answers_ = opinions(50, 2, 3)
    nobody = answers_[:0]
    for items, reason in [
        (answers_[["q0"]], "Correlations need at least two items."),
        (nobody, "0 complete rows are too few: at least 3 are needed."),
        (answers_[:1], "1 complete rows are too few: at least 3 are needed."),
        (answers_ * np.nan, "0 complete rows are too few: at least 3 are needed."),
        (answers_.assign(q1=4), "No variance in q1: every respondent gave the same answer."),
    ]:
        for function in (polychoric, ordinal_kmo):
            result = function(items)
            assert str(result.not_estimable) == reason
            assert result.estimate is None and result.table.empty
    assert str(ordinal_alpha(answers_[["q0"]]).not_estimable) == (
        "A dimension of one item has no internal consistency."
    )
    assert str(ordinal_alpha(nobody).not_estimable).startswith("0 complete rows")


def test_wrong_use_is_refused() -> None:
    items = opinions(50, 2, 3)
    with pytest.raises(ValueError, match="column 'q1' holds 50 different values: ordered categor"):
        polychoric(items.assign(q1=np.arange(50.0)))
    polychoric(pd.DataFrame({"a": np.arange(63) % 21 // 1.05, "b": np.arange(63) % 4}))
    with pytest.raises(ValueError, match="column 'q1' holds 'good': a numeric column is needed"):
        polychoric(items.assign(q1="good"))


# --- ordinal alpha


def test_ordinal_alpha_notes() -> None:
    items = opinions(300, 3, 5)
    result = ordinal_alpha(items.assign(q2=9 - items["q2"]))
    assert [str(note) for note in result.notes] == [
        "Alpha is negative: the items do not point in one direction.",
        "Negative correlation with the rest of the scale in q2: check whether these items need "
        "reversing. Nothing was reversed here.",
    ]
    close = opinions(300, 1, 5)["q0"]
    near = pd.DataFrame({"a": close, "b": close, "c": close})
    near.loc[:5, "a"], near.loc[10:15, "b"] = 1, 1
    assert str(ordinal_alpha(near).notes[-1]).startswith("Alpha above 0.95 points to redundancy")
    assert "not of the sum of the answers" in str(result.method)


def test_two_items_are_spearman_brown() -> None:
    result = ordinal_alpha(opinions(200, 2, 4))
    r = polychoric(opinions(200, 2, 4)).estimate
    assert r is not None
    assert result.estimate == pytest.approx(2 * r / (1 + r), rel=1e-12)
    assert result.table["alpha_if_deleted"].isna().all()
    np.testing.assert_allclose(result.table["r_item_rest"], r)


def test_items_that_cancel_have_no_alpha() -> None:
    result = ordinal_alpha(table([[0, 10], [9, 0]]))
    assert str(result.not_estimable) == (
        "The total score of the items does not vary between respondents."
    )


def test_pearson_figures_are_those_of_the_other_functions() -> None:
    items = opinions(500, 4, 5)
    assert ordinal_alpha(items).pearson == pytest.approx(cronbach_alpha(items).standardized)
    assert ordinal_kmo(items).pearson == pytest.approx(kmo(items).estimate)


# --- bivariate normal distribution


@pytest.mark.parametrize(
    ("h", "k", "r"),
    [
        *[(0, 0, 0.3), (0, -1, 0.3), (0.5, -0.5, -0.8), (-2, -1.5, -0.5), (1, 2, 0.7)],
        *[(-1, -1, -0.9), (-1.5, -0.5, -0.95), (-0.3, -0.4, -0.99), (-1.2, 0.4, -0.99)],
    ],
)
def test_bivariate_normal_equals_quadrature(h: float, k: float, r: float) -> None:
    def density(x: float) -> float:
        return float(stats.norm.pdf(x) * stats.norm.cdf((k - r * x) / np.sqrt(1 - r * r)))

    points = [h - d for d in (40, 10, 4, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0)]
    exact = sum(integrate.quad(density, *piece, epsabs=0)[0] for piece in pairwise(points))
    value = bivariate_normal(np.array([h * 1.0]), np.array([k * 1.0]), np.array([r]))[0]
    assert value == pytest.approx(exact, rel=1e-6)
    assert value == pytest.approx(exact, rel=1e-9, abs=1e-15)


def test_infinite_thresholds() -> None:
    h, k = np.array([40.0, 1.0, -40.0, 40.0, 40.0]), np.array([0.5, 40.0, 1.0, 40.0, -40.0])
    expected = [stats.norm.cdf(0.5), stats.norm.cdf(1), 0, 1, 0]
    np.testing.assert_allclose(bivariate_normal(h, k, np.full(5, 0.3)), expected, atol=1e-300)


# --- properties


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=2, max_size=4))
@example([[2, 1, 2], [2, 1, 0]])  # its last step is rounding, on the wrong side
def test_any_table(counts: list[list[int]]) -> None:
    items = table(counts)
    result = polychoric(items)
    if result.not_estimable:
        assert len(items) < 3 or (items.nunique() < 2).any()
        return
    assert result.estimate is not None and -1 <= result.estimate <= 1
    assert np.linalg.eigvalsh(result.corr)[0] > 0
    error = result.table["std_error"][0]
    assert error > 0 or np.isnan(error)
    other = polychoric(items[["b", "a"]])
    assert other.estimate == pytest.approx(result.estimate, rel=1e-8, abs=1e-10)
