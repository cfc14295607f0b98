"""CFA, HTMT and the common-method check against R lavaan and semTools, closed forms, algebra."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import REVERSED, rows_with_moments
from scipy import stats

from csat_stats.validity import Cfa, cfa, common_method, efa, htmt

ORACLE = json.loads((Path(__file__).parent / "oracles" / "cfa.json").read_text("utf-8"))
CASES = ORACLE["cfa"]
every_case = pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case['data']} {len(case['model'])}"
)

FIT = {
    "statistic": "chisq",
    "df": "df",
    "p_value": "pvalue",
    "estimate": "cfi",
    "cfi": "cfi",
    "tli": "tli",
    "rmsea": "rmsea",
    "rmsea_low": "rmsea.ci.lower",
    "rmsea_high": "rmsea.ci.upper",
    "p_close": "rmsea.pvalue",
    "srmr": "srmr",
    "log_likelihood": "logl",
    "aic": "aic",
    "bic": "bic",
}
ROBUST = {
    "robust_statistic": "chisq.scaled",
    "robust_p_value": "pvalue.scaled",
    "scaling_factor": "chisq.scaling.factor",
    "robust_cfi": "cfi.robust",
    "robust_tli": "tli.robust",
    "robust_rmsea": "rmsea.robust",
}
WALD = {
    "estimate": "est.std",
    "std_error": "se",
    "statistic": "z",
    "p_value": "pvalue",
    "conf_low": "ci.lower",
    "conf_high": "ci.upper",
}
MODEL = {"speed": ["s1", "s2", "s3"], "price": ["p1", "p2", "p3"]}


def from_oracle(moments: dict[str, Any], columns: list[str]) -> pd.DataFrame:
    return rows_with_moments(moments["n"], moments["mean"], moments["cov"], columns)


def original(reference_data: Any, name: str) -> pd.DataFrame:
    data = reference_data(name)
    if name == "psych_bfi":
        data[REVERSED] = 7 - data[REVERSED]
    return data


def two_traits(n: int = 300, r: float = 0.5, seed: int = 0) -> pd.DataFrame:
    """Items that have exactly the covariance of the model: loadings .8, .7, .6 in both."""
    loading = np.array([0.8, 0.7, 0.6])
    block = np.outer(loading, loading)
    cov = np.block([[block, r * block], [r * block, block]])
    np.fill_diagonal(cov, 1)
    return rows_with_moments(n, np.full(6, 3.0), cov, [*MODEL["speed"], *MODEL["price"]], seed)


def assert_fit(result: Cfa, names: dict[str, str], reference: dict[str, float]) -> None:
    for name, theirs in names.items():
        # lavaan finds the limits of the RMSEA by uniroot, to about 1e-7.
        rel = 1e-6 if name in ("rmsea_low", "rmsea_high") else 1e-7
        close = pytest.approx(reference[theirs], rel=rel, abs=1e-9)
        assert getattr(result, name) == close, name


def assert_estimates(result: Cfa, reference: list[dict[str, Any]]) -> None:
    theirs = pd.DataFrame(reference)
    loadings, pairs = theirs[theirs["op"] == "=~"], theirs[theirs["op"] == "~~"]
    assert result.table["dimension"].tolist() == loadings["lhs"].tolist()
    assert result.table["item"].tolist() == loadings["rhs"].tolist()
    assert result.factor_correlations["dimension_1"].tolist() == pairs["lhs"].tolist()
    assert result.factor_correlations["dimension_2"].tolist() == pairs["rhs"].tolist()
    for name, column in WALD.items():
        np.testing.assert_allclose(result.table[name], loadings[column], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(
            result.factor_correlations[name], pairs[column], rtol=1e-6, atol=1e-8
        )


# --- CFA against lavaan


@every_case
def test_fit_equals_lavaan(case: dict[str, Any]) -> None:
    result = cfa(from_oracle(case["moments"], case["items"]), case["model"])
    assert_fit(result, FIT, case["fit"])
    assert (result.n_used, result.n_dropped) == (case["moments"]["n"], 0)
    assert (result.n_effective, result.not_estimable) == (None, None)


@every_case
def test_loadings_and_correlations_equal_lavaan(case: dict[str, Any]) -> None:
    result = cfa(from_oracle(case["moments"], case["items"]), case["model"])
    assert_estimates(result, case["std"])
    expected = [case["unstandardised"][item] for item in result.table["item"]]
    np.testing.assert_allclose(result.table["unstandardised"], expected, rtol=1e-8)
    np.testing.assert_allclose(result.table["communality"], result.table["estimate"] ** 2)


@every_case
def test_ave_and_composite_reliability(case: dict[str, Any]) -> None:
    result = cfa(from_oracle(case["moments"], case["items"]), case["model"])
    table = result.dimensions.set_index("dimension")
    assert table.index.tolist() == list(case["model"])
    for name, items in case["model"].items():
        assert table.loc[name, "k"] == len(items)
        assert table.loc[name, "ave"] == pytest.approx(case["ave"][name], rel=1e-8)
        assert table.loc[name, "cr"] == pytest.approx(case["cr"][name], rel=1e-8)
        assert table.loc[name, "sqrt_ave"] == pytest.approx(table.loc[name, "ave"] ** 0.5)
        # semTools takes unstandardised loadings: close, and not the same.
        assert table.loc[name, "cr"] == pytest.approx(case["semTools_omega"][name], abs=0.05)


@every_case
def test_robust_fit_of_the_original_rows_equals_lavaan(
    case: dict[str, Any], reference_data: Any
) -> None:
    data = original(reference_data, case["data"])
    result = cfa(data, case["model"])
    assert_fit(result, FIT, case["fit"])
    assert_fit(result, ROBUST, case["robust"])
    assert result.n_used == case["moments"]["n"]
    assert result.n_used + result.n_dropped == len(data)


def test_scaling_factor_is_the_trace_of_its_definition() -> None:
    """tr(UΓ)/df with Γ, U and the derivatives of vech Σ written out."""
    rng = np.random.default_rng(4)
    z = (two_traits(150) + rng.gamma(1, 0.5, size=(150, 6))).to_numpy()
    result = cfa(pd.DataFrame(z, columns=[*MODEL["speed"], *MODEL["price"]]), MODEL)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    lower = np.tril_indices(6)
    loading = result.table["estimate"].to_numpy()
    start = np.concatenate(
        [loading, 1 - loading**2, result.factor_correlations["estimate"].to_numpy()]
    )

    def implied(theta: np.ndarray) -> np.ndarray:
        matrix = np.zeros((6, 2))
        matrix[np.arange(6), np.repeat([0, 1], 3)] = theta[:6]
        phi = np.array([[1, theta[12]], [theta[12], 1]])
        return matrix @ phi @ matrix.T + np.diag(theta[6:12])

    step = 1e-6 * np.eye(13)
    delta = np.column_stack([(implied(start + h) - implied(start - h))[lower] / 2e-6 for h in step])
    inverse = np.linalg.inv(implied(start))
    weight = np.empty((21, 21))
    for a, (i, j) in enumerate(zip(*lower, strict=True)):
        for b, (k, m) in enumerate(zip(*lower, strict=True)):
            both = inverse[i, k] * inverse[j, m] + inverse[i, m] * inverse[j, k]
            weight[a, b] = both * (2 if i != j else 1) * (2 if k != m else 1) / 4
    products = np.array([np.outer(row, row)[lower] for row in z])
    gamma = np.cov(products.T, bias=True)
    middle = np.linalg.inv(delta.T @ weight @ delta)
    u = weight - weight @ delta @ middle @ delta.T @ weight
    assert result.scaling_factor == pytest.approx(np.trace(u @ gamma) / 8, rel=1e-7)
    assert result.robust_statistic == pytest.approx(result.statistic / result.scaling_factor)


def test_weights_equal_lavaan_on_the_weighted_covariance(reference_data: Any) -> None:
    data, reference = reference_data("ecsi_mobi"), ORACLE["weighted"]
    weights = pd.Series(np.resize([1.0, 3.0], len(data)))
    result = cfa(data, CASES[2]["model"], weights=7 * weights)
    assert result.n_effective == pytest.approx(reference["n_effective"], rel=1e-12)
    assert_fit(result, FIT, reference["fit"])
    assert_estimates(result, reference["std"])
    assert result.n_used == 250


def test_equal_weights_are_no_weights_and_zero_leaves_out() -> None:
    items = two_traits()
    weights = pd.Series(3.0, items.index)
    plain, weighted = cfa(items, MODEL), cfa(items, MODEL, weights=weights)
    for name in (*FIT, *ROBUST):
        assert getattr(plain, name) == pytest.approx(getattr(weighted, name), rel=1e-9, abs=1e-9)
    weights[:20], weights[20:30] = 0, None
    fewer = cfa(items, MODEL, weights=weights)
    assert (fewer.n_used, fewer.n_dropped) == (270, 30)
    assert fewer.statistic == pytest.approx(cfa(items[30:], MODEL).statistic, rel=1e-9)


# --- CFA: known truth and closed forms


@every_case
def test_interval_of_the_rmsea_inverts_the_noncentral_chi_square(case: dict[str, Any]) -> None:
    result = cfa(from_oracle(case["moments"], case["items"]), case["model"])
    assert result.df is not None
    for limit, probability in ((result.rmsea_low, 0.95), (result.rmsea_high, 0.05)):
        noncentrality = result.n_used * result.df * limit**2
        cdf = stats.ncx2.cdf(result.statistic, result.df, noncentrality)
        assert cdf == pytest.approx(probability, rel=1e-9)


def test_exact_model_is_recovered() -> None:
    result = cfa(two_traits(r=0.45), MODEL)
    assert result.statistic == pytest.approx(0, abs=1e-9)
    assert (result.cfi, result.rmsea, result.df) == (1, 0, 8)
    assert result.srmr == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(result.table["estimate"], [0.8, 0.7, 0.6] * 2, atol=1e-8)
    assert result.factor_correlations["estimate"].item() == pytest.approx(0.45, abs=1e-8)
    assert result.proper is True


def test_three_items_have_a_closed_form() -> None:
    corr = np.array([[1, 0.6, 0.5], [0.6, 1, 0.4], [0.5, 0.4, 1]])
    result = cfa(rows_with_moments(200, 0, corr, list("abc")), {"one": list("abc")})
    squares = [0.6 * 0.5 / 0.4, 0.6 * 0.4 / 0.5, 0.5 * 0.4 / 0.6]
    np.testing.assert_allclose(result.table["estimate"], np.sqrt(squares), rtol=1e-9)
    assert (result.df, result.statistic, result.cfi, result.estimate) == (0, None, None, None)
    assert result.srmr == pytest.approx(0, abs=1e-9)
    assert [str(note) for note in result.notes] == [
        "The model has no degree of freedom: it fits any answers, which proves nothing."
    ]
    row = result.dimensions.iloc[0]
    assert (row["nearest"], row["distinct"]) == (None, None)


def test_fornell_larcker() -> None:
    # Root of AVE is √((.64 + .49 + .36)/3) = .7047.
    apart, near = (cfa(two_traits(r=r), MODEL).dimensions for r in (0.70, 0.71))
    assert apart["distinct"].tolist() == [True, True]
    assert near["distinct"].tolist() == [False, False]
    assert near["nearest"].tolist() == ["price", "speed"]
    np.testing.assert_allclose(near["largest_r"], 0.71, atol=1e-8)


def test_heywood_case_is_given_and_said() -> None:
    corr = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])
    result = cfa(rows_with_moments(200, 0, corr, list("abc")), {"one": list("abc")})
    assert result.table["communality"][0] == pytest.approx(0.8 * 0.8 / 0.5, rel=1e-9)
    assert result.proper is False
    assert str(result.notes[0]) == (
        "Heywood case: the unique variance of a is negative, so the solution is improper. Two "
        "items may ask the same, or the respondents are too few."
    )


@pytest.mark.parametrize("r", [1.0, 1.1])
def test_dimensions_that_are_one(r: float) -> None:
    items = two_traits(r=r)
    result = cfa(items, MODEL)
    assert result.factor_correlations["estimate"].item() == pytest.approx(r, abs=1e-8)
    if r > 1:
        assert result.proper is False
        assert str(result.notes[0]) == (
            "Improper solution: the correlation of speed–price is 1 or beyond, so the items do not "
            "tell these dimensions apart."
        )


def test_correlations_that_contradict_each_other_are_said() -> None:
    result = cfa(from_oracle(CASES[1]["moments"], CASES[1]["items"]), CASES[1]["model"])
    assert result.proper is False  # lavaan warns too: cov.lv is not positive definite
    assert "contradict each other" in str(result.notes[0])


def test_a_reversed_item_is_named_and_changes_nothing_else() -> None:
    items = two_traits()
    turned = cfa(items.assign(s2=8 - items["s2"]), MODEL)
    assert turned.table["estimate"].round(6).tolist() == [0.8, -0.7, 0.6, 0.8, 0.7, 0.6]
    assert str(turned.notes[0]) == (
        "Negative loading of s2: check whether these items need reversing. Nothing was reversed "
        "here."
    )
    everything = cfa(-items, MODEL)
    assert (everything.table["estimate"] > 0).all()


# --- CFA: algebra


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-1e4, 1e4),
)
def test_order_scale_and_offset_do_not_matter(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    items = two_traits(120) + rng.normal(scale=0.3, size=(120, 6))
    known = cfa(items, MODEL)
    other = items.sample(frac=1, random_state=seed)[rng.permutation(items.columns)]
    other = other.assign(s1=shift + scale * other["s1"])
    model = {name: MODEL[name][::-1] for name in ("price", "speed")}
    result = cfa(other, model)
    assert result.statistic == pytest.approx(known.statistic, rel=1e-8, abs=1e-8)
    assert result.robust_statistic == pytest.approx(known.robust_statistic, rel=1e-7, abs=1e-7)
    assert result.srmr == pytest.approx(known.srmr, rel=1e-6)
    columns = ["estimate", "std_error", "conf_low", "conf_high"]
    pd.testing.assert_frame_equal(
        result.table.set_index("item")[columns].sort_index(),
        known.table.set_index("item")[columns].sort_index(),
        atol=1e-7,
    )


def test_every_row_twice_doubles_chi_square() -> None:
    items = two_traits() + np.random.default_rng(1).normal(scale=0.3, size=(300, 6))
    one, two = cfa(items, MODEL), cfa(pd.concat([items, items]), MODEL)
    assert two.statistic == pytest.approx(2 * one.statistic, rel=1e-9)
    assert two.scaling_factor == pytest.approx(one.scaling_factor, rel=1e-9)
    np.testing.assert_allclose(two.table["std_error"] * np.sqrt(2), one.table["std_error"])


def test_other_columns_and_missing_answers() -> None:
    items = two_traits()
    known = cfa(items[3:], MODEL)
    items.iloc[0, 0] = items.iloc[1, 3] = items.iloc[2, 5] = None
    result = cfa(items.assign(comment="fine", region=None), MODEL)
    assert result.statistic == pytest.approx(known.statistic, rel=1e-9)
    assert (result.n_used, result.n_dropped) == (297, 3)


# --- CFA: what has no solution, and wrong use


def test_single_items_are_left_out() -> None:
    result = cfa(two_traits(), {"alone": ["s1"], **{"price": MODEL["price"], "s": ["s2", "s3"]}})
    assert result.dimensions["dimension"].tolist() == ["price", "s"]
    assert str(result.notes[0]) == "Left out because it has only one item: alone."


NO_SOLUTION = (
    "The computation found no solution: the answers do not support this model, for too few "
    "respondents, or items that do not belong to their dimension."
)


def _uncorrelated() -> pd.DataFrame:
    corr = np.eye(4)
    corr[0, 1] = corr[1, 0] = corr[2, 3] = corr[3, 2] = 0.5
    return rows_with_moments(100, 0, corr, ["s1", "s2", "p1", "p2"])


@pytest.mark.parametrize(
    ("items", "model", "reason"),
    [
        (two_traits()[:0], MODEL, "0 complete rows are too few: at least 7 are needed."),
        (two_traits()[:6], MODEL, "6 complete rows are too few: at least 7 are needed."),
        (two_traits() * np.nan, MODEL, "0 complete rows are too few: at least 7 are needed."),
        (
            two_traits().assign(s2=4),
            MODEL,
            "No variance in s2: every respondent gave the same answer.",
        ),
        (
            two_traits().assign(s2=lambda d: d["s1"]),
            MODEL,
            "The correlation matrix is singular because these items determine each other: s1 = s2.",
        ),
        (two_traits(), {}, "No dimension has two items."),
        (two_traits(), {"speed": ["s1"], "price": ["p1"]}, "No dimension has two items."),
        (
            two_traits(),
            {"speed": ["s1", "s2"], "price": ["p1"]},
            "A single dimension of two items cannot be tested: it needs a third item, or a second "
            "dimension beside it.",
        ),
        (
            _uncorrelated(),
            {"speed": ["s1", "s2"], "price": ["p1", "p2"]},
            "The answers do not determine the loadings: a dimension of two items needs a clear "
            "correlation with another dimension.",
        ),
        (
            # Loadings would have to be imaginary: r12·r13/r23 is negative.
            rows_with_moments(
                100, 0, [[1, 0.4, -0.4], [0.4, 1, 0.4], [-0.4, 0.4, 1]], ["s1", "s2", "s3"]
            ),
            {"speed": ["s1", "s2", "s3"]},
            NO_SOLUTION,
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_not_estimable(items: pd.DataFrame, model: dict[str, list[str]], reason: str) -> None:
    result = cfa(items, model)
    assert str(result.not_estimable) == reason
    assert (result.estimate, result.statistic, result.table.empty) == (None, None, True)
    assert "not estimable" in result._repr_html_()


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ({"speed": ["s1", "s9"]}, "dimension 'speed' names 's9', which is no column"),
        (
            {"speed": ["s1", "s2"], "price": ["s2", "p1"]},
            "item 's2' is in 'speed' and in 'price': an item belongs to one dimension, once",
        ),
        ({"speed": "s1"}, "dimension 'speed' holds 's1': a list of items is needed"),
        ({"speed": []}, r"dimension 'speed' holds \[\]: a list of items is needed"),
    ],
)
def test_models_that_do_not_fit_the_items_are_refused(model: Any, text: str) -> None:
    for function in (cfa, htmt):
        with pytest.raises(ValueError, match=text):
            function(two_traits(), model)


def test_wrong_use() -> None:
    items = two_traits()
    with pytest.raises(ValueError, match="conf_level is 95: a share"):
        cfa(items, MODEL, conf_level=95)
    with pytest.raises(ValueError, match="weights of 0 or more needed"):
        cfa(items, MODEL, weights=pd.Series(-1.0, items.index))
    with pytest.raises(ValueError, match="a numeric column is needed"):
        cfa(items.assign(s1="good"), MODEL)
    with pytest.raises(ValueError, match="version is 'htmt3': choose one of htmt, htmt2"):
        htmt(items, MODEL, version="htmt3")
    with pytest.raises(ValueError, match="n_boot is -1: give 0 for no interval, or better 1000"):
        htmt(items, MODEL, n_boot=-1)


def test_a_large_model_is_fitted() -> None:
    rng = np.random.default_rng(0)
    traits = rng.normal(size=(500, 12)) + rng.normal(size=(500, 1))
    items = pd.DataFrame(np.repeat(traits, 4, axis=1) + rng.normal(size=(500, 48)))
    items.columns = [f"q{i}" for i in range(48)]
    model = {f"d{i}": [f"q{j}" for j in range(4 * i, 4 * i + 4)] for i in range(12)}
    result = cfa(items, model)
    assert result.df == 48 * 49 // 2 - 96 - 66
    assert result.p_value > 0.001
    np.testing.assert_allclose(result.table["estimate"], np.sqrt(2 / 3), atol=0.1)
    np.testing.assert_allclose(result.factor_correlations["estimate"], 0.5, atol=0.15)


# --- HTMT


@every_case
@pytest.mark.parametrize("version", ["htmt", "htmt2"])
def test_htmt_equals_semtools(case: dict[str, Any], version: str) -> None:
    items = from_oracle(case["moments"], case["items"])
    result = htmt(items, case["model"], version=version, n_boot=0)
    pairs = {frozenset(pair): value for *pair, value in case[version]}
    assert len(result.table) == len(pairs)
    for row in result.table.itertuples():
        expected = pairs[frozenset([row.dimension_1, row.dimension_2])]
        assert row.estimate == pytest.approx(expected, rel=1e-9)
        assert row.n == case["moments"]["n"]
    assert result.estimate == pytest.approx(max(pairs.values()), rel=1e-9)
    assert (result.conf_low, result.n_boot) == (None, 0)
    assert result.table[["conf_low", "conf_high"]].isna().all(axis=None)


@pytest.mark.parametrize(("version", "tolerance"), [("htmt", 0.03), ("htmt2", 0.08)])
def test_htmt_interval_is_near_that_of_20000_resamples_in_r(
    version: str, tolerance: float, reference_data: Any
) -> None:
    reference = ORACLE["htmt_bootstrap"][version]
    data = reference_data("ecsi_mobi")
    result = htmt(data, CASES[2]["model"], version=version, n_boot=2000, seed=1)
    np.testing.assert_allclose(result.table["conf_low"], reference["low"], atol=tolerance)
    np.testing.assert_allclose(result.table["conf_high"], reference["high"], atol=tolerance)
    top = result.table.loc[result.table["estimate"].idxmax()]
    assert (result.conf_low, result.conf_high) == (top["conf_low"], top["conf_high"])


def test_htmt_closed_form_seed_and_weights() -> None:
    items = two_traits(r=0.5)
    result = htmt(items, MODEL, n_boot=200)
    within, between = (0.56 + 0.48 + 0.42) / 3, 0.5 * (2.1 / 3) ** 2
    assert result.estimate == pytest.approx(between / within, rel=1e-9)
    # Geometric means cancel the loadings of the pairs but not their squares.
    assert htmt(items, MODEL, version="htmt2", n_boot=0).estimate == pytest.approx(0.5, rel=1e-9)
    again = htmt(items, MODEL, n_boot=200, weights=pd.Series(2.0, items.index))
    pd.testing.assert_frame_equal(again.table, result.table, rtol=1e-9)
    other = htmt(items, MODEL, n_boot=200, seed=5).table
    assert not np.array_equal(other["conf_low"], result.table["conf_low"])
    narrow = htmt(items, MODEL, n_boot=200, conf_level=0.5).table
    assert (narrow["conf_low"] > result.table["conf_low"]).all()


def test_htmt_says_what_is_odd() -> None:
    items = two_traits()
    turned = htmt(items.assign(s1=-items["s1"]), MODEL, n_boot=0)
    assert turned.estimate == pytest.approx(htmt(items, MODEL, n_boot=0).estimate)
    assert str(turned.notes[0]) == (
        "Items of one dimension correlate negatively: s1, s2, s3. The ratio takes absolute values; "
        "check whether these items need reversing."
    )
    rare = items.assign(s3=[1.0] + [0.0] * 299)
    dropped = htmt(rare, MODEL, n_boot=100)
    assert 0 < dropped.n_boot < 100
    assert str(dropped.notes[-1]) == (
        f"{100 - dropped.n_boot} of 100 resamples left an item without variance and were dropped."
    )
    factorial = pd.DataFrame(
        [[a, b, c, a * c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)],
        columns=["a1", "a2", "b1", "b2"],
    )
    none = htmt(factorial, {"a": ["a1", "a2"], "b": ["b1", "b2"]}, n_boot=0)
    assert str(none.not_estimable) == "No two items of a dimension correlate."
    one = htmt(items, {"speed": MODEL["speed"], "price": ["p1"]})
    assert str(one.not_estimable) == "A comparison needs two dimensions of at least two items."


# --- Harman


@every_case
def test_common_method_equals_r(case: dict[str, Any]) -> None:
    items = from_oracle(case["moments"], case["items"])
    result = common_method(items)
    eigenvalues = np.array(case["harman"]["eigenvalues"])
    np.testing.assert_allclose(result.table["eigenvalue"], eigenvalues, rtol=1e-9)
    np.testing.assert_allclose(result.table["share"], eigenvalues / len(eigenvalues), rtol=1e-9)
    assert result.table["cumulative"].iloc[-1] == pytest.approx(1)
    assert result.estimate == pytest.approx(eigenvalues[0] / len(eigenvalues), rel=1e-9)
    one_factor = efa(items, 1, rotation=None).loadings["F1"]
    assert result.factor_share == pytest.approx((one_factor**2).mean(), rel=1e-9)
    assert result.factor_share < result.estimate


def test_common_method_without_items_to_compare() -> None:
    constant = two_traits().assign(s1=1)
    assert common_method(constant).not_estimable is not None
    assert common_method(two_traits()[["s1", "s2"]]).factor_share is None
