"""KMO, Bartlett, parallel analysis and EFA against R psych, R factanal, GPArotation and PSPP."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from references import frame_with_moments, tidy

from csat_stats.moments import Moments
from csat_stats.validity import bartlett_sphericity, efa, kmo, parallel_analysis

ORACLE = json.loads((Path(__file__).parent / "oracles" / "validity.json").read_text("utf-8"))
DATA = ORACLE["data"]
METHODS = ["minres", "ml", "principal_axis", "pca"]
every_data_set = pytest.mark.parametrize("case", DATA, ids=lambda case: case["data"])


def two_traits(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    traits = np.repeat(rng.normal(size=(n, 2)), 4, axis=1)
    rows = traits + 0.8 * rng.normal(size=(n, 8))
    return pd.DataFrame(rows, columns=[f"q{i}" for i in range(1, 9)])


# --- KMO and Bartlett


@every_data_set
def test_kmo_equals_psych(case: dict[str, Any]) -> None:
    result = kmo(frame_with_moments(case))
    assert result.estimate == pytest.approx(case["kmo"]["overall"], rel=1e-9)
    assert result.table["item"].tolist() == case["items"]
    np.testing.assert_allclose(result.table["msa"], case["kmo"]["items"], rtol=1e-9)
    assert (result.n_used, result.n_dropped, result.notes) == (case["n"], 0, ())


@every_data_set
def test_bartlett_equals_psych(case: dict[str, Any]) -> None:
    result = bartlett_sphericity(frame_with_moments(case))
    reference = case["bartlett"]
    assert result.estimate == result.statistic == pytest.approx(reference["chisq"], rel=1e-9)
    assert result.df == reference["df"]
    assert result.p_value == pytest.approx(reference["p"], rel=1e-8, abs=1e-300)
    assert result.log10_p == pytest.approx(reference["log10_p"], rel=1e-9)
    assert result.log_det == pytest.approx(np.log(reference["det"]), rel=1e-9)
    assert result.determinant == pytest.approx(reference["det"], rel=1e-9)
    assert (result.n_used, result.n_effective) == (case["n"], None)


def test_weighted_kmo_and_bartlett_equal_r(oracle: Any) -> None:
    case = oracle("moments")["weighted"]
    frame = pd.DataFrame(case["rows"], columns=case["items"])
    weights = pd.Series(case["weights"])
    result = kmo(frame, weights=weights)
    assert result.estimate == pytest.approx(case["kmo"], rel=1e-9)
    np.testing.assert_allclose(result.table["msa"], case["msa"], rtol=1e-9)
    test = bartlett_sphericity(frame, weights=weights)
    assert test.statistic == pytest.approx(case["chisq"], rel=1e-9)
    assert (test.df, test.p_value) == (case["df"], pytest.approx(case["p"], rel=1e-8))
    assert test.determinant == pytest.approx(case["det"], rel=1e-9)
    assert test.n_effective == pytest.approx(case["n_effective"], rel=1e-12)
    assert (test.n_used, test.n_dropped) == (case["n"], 2)
    assert str(test.method) == (
        "Bartlett's test of sphericity on Pearson correlations; complete rows only, weighted, "
        "with Kish's effective n where n counts."
    )


def test_kmo_of_pairs_equals_psych(reference_data: Any) -> None:
    case = ORACLE["kmo_pairwise"]
    frame = reference_data(case["data"])[case["items"]]
    result = kmo(Moments.from_frame(frame, complete=False))
    assert result.estimate == pytest.approx(case["overall"], rel=1e-9)
    np.testing.assert_allclose(result.table["msa"], case["msa"], rtol=1e-9)
    assert (result.n_used, result.n_dropped) == (2800, 0)


def test_pairs_that_contradict_each_other_or_are_few() -> None:
    x = np.repeat(np.arange(1.0, 41), 3).reshape(40, 3)
    x = np.vstack([x, x, x * [1, 1, -1]])
    x[:40, 2], x[40:80, 1], x[80:, 0] = np.nan, np.nan, np.nan  # r12 = r13 = 1, r23 = -1
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    assert str(kmo(Moments.from_frame(frame, complete=False)).not_estimable) == (
        "The correlations of the pairs of items contradict each other, because each has other "
        "respondents: use complete rows."
    )
    frame.loc[3:39, "a"] = np.nan
    assert str(kmo(Moments.from_frame(frame, complete=False)).not_estimable) == (
        "3 answers to both items of a pair are too few: at least 4 are needed."
    )


def test_three_items_equal_psych() -> None:
    case = ORACLE["satisfaction3"]
    frame = frame_with_moments(case)
    assert kmo(frame).estimate == pytest.approx(case["overall"], rel=1e-9)
    np.testing.assert_allclose(kmo(frame).table["msa"], case["kmo"], rtol=1e-9)
    test = bartlett_sphericity(frame)
    got = [test.statistic, test.p_value, test.log10_p]
    np.testing.assert_allclose(got, [case["chisq"], case["p"], case["log10_p"]], rtol=1e-8)


@every_data_set
def test_original_rows_are_dropped_before_n_is_taken(
    case: dict[str, Any], reference_data: Any
) -> None:
    frame = reference_data(case["data"])
    frame.columns = frame.columns.str.replace("[^A-Za-z0-9_.]", ".", regex=True)
    frame = frame[case["items"]]
    if case["data"] == "airline_sample":
        frame = frame.astype("Int64").replace(0, pd.NA)
    result = bartlett_sphericity(frame)
    assert result.statistic == pytest.approx(case["bartlett"]["chisq"], rel=1e-9)
    assert (result.n_used, result.n_dropped) == (case["n"], case["n_dropped"])
    assert kmo(frame).estimate == pytest.approx(case["kmo"]["overall"], rel=1e-9)
    solution = efa(frame, case["efa"]["n_factors"], rotation="varimax")
    pattern = tidy(case["efa"]["minres"]["varimax"])[0]
    np.testing.assert_allclose(solution.loadings, pattern, atol=1e-5)
    assert (solution.n_used, solution.n_dropped) == (case["n"], case["n_dropped"])


@pytest.mark.parametrize("pspp", ORACLE["pspp"]["data"], ids=lambda case: case["data"])
def test_pspp_agrees(pspp: dict[str, Any]) -> None:
    case = next(known for known in DATA if known["data"] == pspp["data"])
    frame = frame_with_moments(case)
    frame[pspp["reversed"]] = 7 - frame[pspp["reversed"]]
    assert kmo(frame).estimate == pytest.approx(pspp["kmo"], abs=2e-12)
    test = bartlett_sphericity(frame)
    assert (test.statistic, test.df) == (pytest.approx(pspp["chisq"], rel=1e-12), pspp["df"])
    for method in ("pca", "principal_axis"):
        reference = pspp[f"{method}_varimax"]
        result = efa(frame, case["efa"]["n_factors"], method=method, rotation="varimax")
        expected = tidy([reference[item] for item in case["items"]])[0]
        np.testing.assert_allclose(result.loadings, expected, atol=1e-5)


@pytest.mark.parametrize("df", [1, 3, 300, 19900])
def test_log10_p_is_continuous_where_the_p_value_underflows(df: int) -> None:
    from scipy import stats

    from csat_stats.validity.adequacy import _log_chi2_sf

    x = stats.chi2.isf(1e-285, df)
    # d log p / dx is the hazard, nearly constant over a short step across the switch at 1e-290.
    hazard = np.exp(stats.chi2.logpdf(x, df)) / stats.chi2.sf(x, df)
    step = 30 / hazard
    assert _log_chi2_sf(x, df) == pytest.approx(np.log(1e-285), rel=1e-9)
    slope = (_log_chi2_sf(x + step, df) - _log_chi2_sf(x, df)) / step
    assert -slope == pytest.approx(hazard, rel=0.03)
    assert np.isfinite(_log_chi2_sf(1e7, df))


def test_two_items_have_a_kmo_of_one_half() -> None:
    result = kmo(two_traits()[["q1", "q2"]])
    assert result.estimate == pytest.approx(0.5)
    assert [str(note) for note in result.notes] == ["With two items this measure is always 0.5."]


def test_unsuitable_items_are_named() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(500, 2)), columns=["a", "b"])
    frame["sum"] = frame["a"] + frame["b"] + 0.3 * rng.normal(size=500)
    result = kmo(frame)
    assert result.estimate < 0.5
    assert [str(note) for note in result.notes] == [
        "Sampling adequacy is below 0.5, unacceptable by Kaiser's scale, for a, b, sum."
    ]


def test_items_without_any_correlation_have_no_kmo_but_a_bartlett_of_zero() -> None:
    frame = pd.DataFrame({"a": [1, 1, -1, -1], "b": [1, -1, 1, -1]})
    assert str(kmo(frame).not_estimable) == "No item correlates with any other."
    test = bartlett_sphericity(frame)
    assert (test.statistic, test.p_value) == (0, 1)


# --- EFA


def assert_loadings(result: Any, pattern: Any, phi: Any, case: dict[str, Any], method: str) -> None:
    pattern, phi = tidy(pattern, phi)
    k = len(case["items"])
    np.testing.assert_allclose(result.loadings, pattern, atol=1e-5)
    assert result.loadings.index.tolist() == case["items"]
    factors = [f"F{i}" for i in range(1, pattern.shape[1] + 1)]
    assert result.loadings.columns.tolist() == factors
    assert result.table.columns.tolist() == [
        *("item", "n", "factor", "cross_loading"),
        *factors,
        *("communality", "uniqueness"),
    ]
    table = result.table.set_index("item").loc[case["items"]]
    assert (table["n"] == case["n"]).all()
    np.testing.assert_array_equal(table[factors], result.loadings)
    np.testing.assert_allclose(table["communality"], case["efa"][method]["communality"], atol=2e-5)
    np.testing.assert_allclose(table["communality"] + table["uniqueness"], 1)
    # No two loadings of an item lie within 1e-4 of each other or of .32 in these data.
    size = np.abs(pattern)
    assert table["factor"].tolist() == [factors[j] for j in size.argmax(axis=1)]
    others = [
        ", ".join(factors[j] for j in np.flatnonzero(row >= 0.32) if j != row.argmax())
        for row in size
    ]
    assert table["cross_loading"].tolist() == others
    explained = np.diag(phi @ pattern.T @ pattern)
    assert result.variance["factor"].tolist() == factors
    np.testing.assert_allclose(result.variance["ss_loadings"], explained, atol=1e-4)
    np.testing.assert_allclose(result.variance["share"], explained / k, atol=1e-5)
    np.testing.assert_allclose(result.variance["cumulative"], explained.cumsum() / k, atol=1e-5)
    assert result.estimate == pytest.approx(explained.sum() / k, abs=1e-5)
    assert (result.n_used, result.not_estimable) == (case["n"], None)


@pytest.mark.parametrize("method", METHODS)
@every_data_set
def test_efa_equals_converged_r(case: dict[str, Any], method: str) -> None:
    frame, m = frame_with_moments(case), case["efa"]["n_factors"]
    reference = case["efa"][method]
    for rotation, key in ((None, "unrotated"), ("varimax", "varimax")):
        result = efa(frame, m, method=method, rotation=rotation)
        assert result.phi is None
        assert_loadings(result, reference[key], None, case, method)
    for kaiser, key in ((True, "oblimin"), (False, "oblimin_raw")):
        result = efa(frame, m, method=method, rotation="oblimin", kaiser=kaiser)
        assert_loadings(result, *reference[key], case, method)
        np.testing.assert_allclose(result.phi, tidy(*reference[key])[1], atol=1e-5)


@every_data_set
def test_promax_equals_r(case: dict[str, Any]) -> None:
    frame, m = frame_with_moments(case), case["efa"]["n_factors"]
    result = efa(frame, m, rotation="promax")
    pattern, phi = tidy(*ORACLE["promax_minres"][case["data"]])
    np.testing.assert_allclose(result.loadings, pattern, atol=1e-5)
    np.testing.assert_allclose(result.phi, phi, atol=1e-5)


def test_the_table_is_sorted_by_leading_factor_and_marks_cross_loadings() -> None:
    rng = np.random.default_rng(4)
    one, two = rng.normal(size=(2, 2000, 1))
    loads = [(0.5, 0), (0, 0.9), (0.6, -0.5), (0, -0.8), (0.9, 0), (0.2, 0.6), (0.7, 0), (0.8, 0)]
    weight = np.array(loads).T
    x = one * weight[0] + two * weight[1] + 0.5 * rng.normal(size=(2000, 8))
    frame = pd.DataFrame(x).add_prefix("q")
    result = efa(frame, 2, rotation="varimax")
    table = result.table
    assert result.loadings.index.tolist() == frame.columns.tolist()
    assert table["factor"].tolist() == ["F1"] * 5 + ["F2"] * 3
    size = result.loadings.abs().max(axis=1)
    for _, group in table.groupby("factor"):
        assert size[group["item"]].is_monotonic_decreasing
    marked = table.set_index("item")["cross_loading"]
    assert marked[marked != ""].to_dict() == {"q2": "F2"}
    low = efa(frame, 2, rotation="varimax", cross_loading=0.1).table.set_index("item")
    assert low["cross_loading"]["q5"] == "F1"
    assert (table["n"] == 2000).all()


def test_weighted_factors_are_those_of_the_weighted_correlations(oracle: Any) -> None:
    case = oracle("moments")["weighted"]
    frame = pd.DataFrame(case["rows"], columns=case["items"])
    plain = frame_with_moments(case | {"cov": [row[: i + 1] for i, row in enumerate(case["cov"])]})
    for rotation in ("varimax", "oblimin"):
        found = efa(frame, 2, rotation=rotation, weights=pd.Series(case["weights"]))
        np.testing.assert_allclose(
            found.loadings, efa(plain, 2, rotation=rotation).loadings, atol=1e-6
        )
    parallel = parallel_analysis(frame, weights=pd.Series(case["weights"]))
    assert parallel.n_effective == pytest.approx(case["n_effective"], rel=1e-12)
    expected = np.linalg.eigvalsh(case["cor"])[::-1]
    np.testing.assert_allclose(parallel.table["eigenvalue"], expected, rtol=1e-9)
    wider = (
        parallel.table["random_eigenvalue"] - parallel_analysis(plain).table["random_eigenvalue"]
    )
    assert wider[0] > 0 > wider[6]  # fewer respondents, more chance


def test_airline_ml_is_a_heywood_case_and_says_so() -> None:
    case = next(known for known in DATA if known["data"] == "airline_sample")
    [note] = efa(frame_with_moments(case), 4, method="ml").notes
    assert str(note) == (
        "Heywood case in Online.Boarding: no unique variance is left, so the solution is "
        "improper. Try fewer factors or leave the item out."
    )


def test_promax_equals_the_printed_r_example() -> None:
    case = ORACLE["promax"]
    frame = pd.DataFrame({f"v{i}": case[f"v{i}"] for i in range(1, 7)})
    varimax = efa(frame, 3, method="ml", rotation="varimax")
    np.testing.assert_allclose(varimax.loadings, case["varimax"], atol=1.5e-3)
    np.testing.assert_allclose(
        varimax.table.set_index("item").loc[frame.columns, "uniqueness"],
        case["uniqueness"],
        atol=6e-4,
    )
    result = efa(frame, 3, method="ml", rotation="promax")
    printed = np.array(case["promax"], dtype=float)
    shown = ~np.isnan(printed)
    np.testing.assert_allclose(result.loadings.to_numpy()[shown], printed[shown], atol=1.5e-3)
    assert (np.abs(result.loadings.to_numpy()[~shown]) < 0.1).all()
    sizes = np.sort(result.phi.to_numpy()[np.tril_indices(3, -1)])
    np.testing.assert_allclose(sizes, case["phi_sizes"], atol=1e-3)


def test_a_known_structure_is_recovered() -> None:
    result = efa(two_traits(5000), 2)
    big = result.loadings.abs() > 0.4
    first, second = (True,) * 4 + (False,) * 4, (False,) * 4 + (True,) * 4
    assert {tuple(big["F1"]), tuple(big["F2"])} == {first, second}
    np.testing.assert_allclose(result.loadings.max(axis=1), 1 / np.hypot(1, 0.8), atol=0.03)
    assert abs(result.phi.loc["F1", "F2"]) < 0.05


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    method=st.sampled_from(METHODS),
    rotation=st.sampled_from([None, "varimax", "promax", "oblimin"]),
)
def test_algebra_of_efa(seed: int, method: str, rotation: str | None) -> None:
    frame = two_traits(seed=seed)
    result = efa(frame, 2, method=method, rotation=rotation)
    model = result.loadings @ (np.eye(2) if result.phi is None else result.phi.to_numpy())
    reproduced = model.to_numpy() @ result.loadings.to_numpy().T
    unrotated = efa(frame, 2, method=method, rotation=None).loadings.to_numpy()
    np.testing.assert_allclose(reproduced, unrotated @ unrotated.T, atol=1e-8)
    assert (result.loadings.sum() > 0).all()
    assert result.variance["ss_loadings"].is_monotonic_decreasing
    moved = efa(frame.iloc[::-1, ::-1] * 3 + 1, 2, method=method, rotation=rotation)
    pd.testing.assert_frame_equal(
        moved.loadings.loc[frame.columns], result.loadings, atol=2e-5, check_names=False
    )
    turned = efa(frame.assign(q1=-frame["q1"]), 2, method=method, rotation=rotation)
    same = turned.table["communality"] - result.table["communality"]
    np.testing.assert_allclose(same, 0, atol=2e-5)


def test_one_factor_is_not_rotated() -> None:
    one, plain = efa(two_traits(), 1), efa(two_traits(), 1, rotation=None)
    assert one.phi is None
    pd.testing.assert_frame_equal(one.loadings, plain.loadings)
    assert str(one.method) == (
        "Exploratory factor analysis of Pearson correlations: minimum residuals (unweighted "
        "least squares); no rotation; complete rows only."
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "oblimin (gamma 0) with Kaiser normalisation"),
        ({"kaiser": False}, "oblimin (gamma 0) without Kaiser normalisation"),
        ({"rotation": "promax"}, "promax (power 4) with Kaiser normalisation"),
    ],
)
def test_the_method_states_rotation_and_normalisation(options: Any, text: str) -> None:
    assert f"; {text}; " in str(efa(two_traits(), 2, **options).method)


def test_a_library_warning_does_not_reach_the_reader() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rotation in ("varimax", "promax", "oblimin"):
            efa(two_traits(), 2, rotation=rotation)


@pytest.mark.parametrize(("method", "most"), [("minres", 4), ("ml", 4), ("pca", 8)])
def test_more_factors_than_the_items_identify(method: str, most: int) -> None:
    assert efa(two_traits(), most, method=method, rotation=None).not_estimable is None
    result = efa(two_traits(), most + 1, method=method)
    assert str(result.not_estimable) == (
        f"{most + 1} factors are too many for 8 items: at most {most} can be found."
    )
    assert result.estimate is result.phi is None
    assert result.table.empty
    assert result.loadings.empty


def test_principal_axis_stops_at_a_communality_above_one() -> None:
    result = efa(two_traits(60), 3, method="principal_axis")
    assert str(result.not_estimable) == (
        "Heywood case in q2: no unique variance is left, so the solution is improper. "
        "Try fewer factors or leave the item out."
    )
    assert result.estimate is None


def test_factors_that_explain_nothing_are_not_made_up() -> None:
    frame = pd.DataFrame(
        {"a": [1, 1, -1, -1] * 3, "b": [1, -1, 1, -1] * 3, "c": [1, -1, -1, 1] * 3}
    )
    assert str(efa(frame, 1, method="principal_axis").not_estimable) == (
        "Only 0 of 1 factors explain anything: extract fewer."
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"n_factors": 0}, "n_factors is 0: give a whole number of at least 1"),
        ({"n_factors": 1.5}, "n_factors is 1.5: give a whole number of at least 1"),
        (
            {"n_factors": 2, "method": "paf"},
            "method is 'paf': choose one of minres, ml, principal_axis, pca",
        ),
        (
            {"n_factors": 2, "rotation": "Varimax"},
            "rotation is 'Varimax': choose one of None, varimax, promax, oblimin",
        ),
        (
            {"n_factors": 2, "cross_loading": 32},
            "cross_loading is 32: give a value between 0 and 1, such as 0.32",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        efa(two_traits(), **arguments)


# --- parallel analysis


@every_data_set
def test_parallel_analysis_equals_psych(case: dict[str, Any]) -> None:
    reference = case["parallel"]
    result = parallel_analysis(frame_with_moments(case))
    assert result.estimate == result.n_factors
    assert result.n_components == reference["ncomp"]
    # psych drew 5 samples here, and its fifth factor lies within their scatter: .068 against .070.
    expected = 4 if case["data"] == "airline_sample" else reference["nfact"]
    assert result.n_factors == expected
    table = result.table
    assert table["position"].tolist() == list(range(1, len(case["items"]) + 1))
    np.testing.assert_allclose(table["eigenvalue"], reference["pc_values"], rtol=1e-8)
    np.testing.assert_allclose(table["eigenvalue"], case["eigenvalues"], rtol=1e-8)
    np.testing.assert_allclose(table["factor_eigenvalue"], reference["fa_values"], atol=1e-5)
    # psych reports means of its simulations.
    middle = parallel_analysis(frame_with_moments(case), percentile=50).table
    np.testing.assert_allclose(middle["random_eigenvalue"], reference["pc_sim"], atol=0.03)
    np.testing.assert_allclose(
        middle["random_factor_eigenvalue"][1:], reference["fa_sim"][1:], atol=0.03
    )
    assert (table["random_eigenvalue"] > middle["random_eigenvalue"]).all()


def test_simulated_correlations_are_those_of_raw_normal_rows() -> None:
    n, k = 40, 5
    frame = pd.DataFrame(np.random.default_rng(3).normal(size=(n, k))).add_prefix("q")
    table = parallel_analysis(frame, n_iter=1000, percentile=95).table
    raw = np.random.default_rng(4).normal(size=(1000, n, k))
    eigenvalues = [np.linalg.eigvalsh(np.corrcoef(rows.T))[::-1] for rows in raw]
    expected = np.percentile(eigenvalues, 95, axis=0)
    np.testing.assert_allclose(table["random_eigenvalue"], expected, atol=0.03)


def test_the_seed_decides() -> None:
    one, two, other = (parallel_analysis(two_traits(), seed=seed).table for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)
    assert parallel_analysis(two_traits()).n_factors == 2


def test_noise_has_no_factor_beyond_chance() -> None:
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 8))).add_prefix("q")
    result = parallel_analysis(noise, percentile=99)
    assert (result.n_factors, result.n_components, result.estimate) == (0, 0, 0.0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n_iter": 0}, "n_iter is 0: give at least 1, better 200"),
        ({"percentile": 100}, "percentile is 100: give a value between 0 and 100, such as 95"),
    ],
)
def test_wrong_simulation_settings_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parallel_analysis(two_traits(), **options)


def test_the_method_states_the_simulation() -> None:
    result = parallel_analysis(two_traits(), n_iter=20, percentile=97.5, seed=7)
    assert str(result.method) == (
        "Horn's parallel analysis: percentile 97.5 of 20 normal samples, seed 7; factors from the "
        "matrix with one-factor communalities, components from the full correlation matrix; "
        "complete rows only."
    )


# --- what no correlation matrix supports: the same for all four

FUNCTIONS = [kmo, bartlett_sphericity, parallel_analysis, lambda frame: efa(frame, 1)]
Q = two_traits(30)
SINGULAR = "The correlation matrix is singular because these items determine each other: {}."
CONSTANT = "No variance in {}: every respondent gave the same answer."
FEW = "{} complete rows are too few: at least {} are needed."


@pytest.mark.parametrize("function", FUNCTIONS, ids=["kmo", "bartlett", "parallel", "efa"])
@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (Q.assign(copy=Q["q3"]), SINGULAR.format("q3 = copy")),
        (Q.assign(turned=6 - 2 * Q["q3"]), SINGULAR.format("q3 = −turned")),
        (
            Q.assign(copy=Q["q3"], total=Q["q1"] + Q["q2"] - 2 * Q["q5"]),
            SINGULAR.format("q3 = copy; (q1, q2, q5, total)"),
        ),
        (Q.assign(a=0.1, b=7), CONSTANT.format("a, b")),
        (Q.head(8), FEW.format(8, 9)),
        (Q.head(0), FEW.format(0, 9)),
        (Q.assign(none=np.nan), FEW.format(0, 10)),
        (Q[["q1"]], "Correlations need at least two items."),
        (pd.DataFrame(index=range(9)), "Correlations need at least two items."),
    ],
    ids=["copy", "turned", "total", "constant", "few", "no rows", "missing", "one", "none"],
)
def test_not_estimable(function: Any, frame: pd.DataFrame, reason: str) -> None:
    result = function(frame)
    assert str(result.not_estimable) == reason
    assert result.estimate is None
    assert result.table.empty
    assert result.n_used + result.n_dropped == len(frame)


@settings(deadline=None, max_examples=50)
@given(
    x=arrays(
        np.float64,
        st.tuples(st.integers(0, 12), st.integers(1, 5)),
        elements=st.integers(1, 5).map(float) | st.just(np.nan),
    )
)
def test_small_ratings_give_a_figure_or_a_reason(x: Any) -> None:
    frame = pd.DataFrame(x).add_prefix("q")
    overall, test = kmo(frame), bartlett_sphericity(frame)
    for result in (overall, test, efa(frame, 1), parallel_analysis(frame, n_iter=5)):
        assert (result.estimate is None) == (result.not_estimable is not None)
    if overall.estimate is not None:
        assert 0 <= overall.estimate <= 1
        assert 0 <= test.p_value <= 1
        assert test.log10_p == pytest.approx(np.log10(test.p_value), abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_order_scale_and_sign_do_not_matter(seed: int, data: Any) -> None:
    frame = two_traits(40, seed)
    columns = data.draw(st.permutations(list(frame.columns)))
    assume(columns != list(frame.columns))
    moved = frame.iloc[::-1][columns] * -2 + 5
    one, two = kmo(frame), kmo(moved)
    assert two.estimate == pytest.approx(one.estimate, rel=1e-9)
    msa = two.table.set_index("item")["msa"]
    np.testing.assert_allclose(msa[frame.columns], one.table["msa"], rtol=1e-9)
    statistic = bartlett_sphericity(moved).statistic
    assert statistic == pytest.approx(bartlett_sphericity(frame).statistic, rel=1e-9)


def test_a_column_of_text_is_named() -> None:
    with pytest.raises(ValueError, match="column 'q1' holds '5': a numeric column is needed"):
        kmo(Q.assign(q1="5"))
