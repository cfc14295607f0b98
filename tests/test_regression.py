"""Least squares and analysis of variance against R, and where the data cannot support them."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from csat_stats.moments import Moments
from csat_stats.regression import ols, one_way

ORACLE = json.loads((Path(__file__).parent / "oracles" / "regression.json").read_text("utf-8"))
LONGLEY = pd.DataFrame(ORACLE["longley"]["data"])
PLANTS = ORACLE["PlantGrowth"]
MODEL = {
    "r_squared": "r_squared",
    "adj_r_squared": "adj_r_squared",
    "residual_sd": "residual_sd",
    "statistic": "F",
    "df": "df",
    "df_residual": "df_residual",
    "p_value": "p_F",
}
COLUMNS = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]


@pytest.fixture(params=["longley", "attitude", "swiss"])
def case(request: Any, reference_data: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    name = request.param
    frame = LONGLEY if name == "longley" else reference_data(name).select_dtypes("number")
    return frame, ORACLE[name]


def fitted(frame: pd.DataFrame, expected: dict[str, Any], **options: Any) -> Any:
    outcome = expected["outcome"]
    return ols(frame[outcome], frame.drop(columns=outcome), **options)


def assert_equals_r(result: Any, expected: dict[str, Any]) -> None:
    assert result.not_estimable is None
    for column in COLUMNS:
        if column in expected:
            np.testing.assert_allclose(result.table[column], expected[column], rtol=1e-9)
    for field, name in MODEL.items():
        if name in expected:
            assert getattr(result, field) == pytest.approx(expected[name], rel=1e-9), field
    np.testing.assert_allclose(result.covariance, expected["covariance"], rtol=1e-8)
    assert (result.table["df"] == result.df_residual).all()
    assert result.estimate == result.r_squared


def test_every_field_equals_lm(case: Any) -> None:
    frame, expected = case
    result = fitted(frame, expected)
    classical = expected["classical"]
    assert_equals_r(result, classical)
    assert result.n_used == expected["n"]
    assert result.n_dropped == 0
    assert result.table["term"].tolist() == classical["terms"]
    assert result.covariance.columns.tolist() == classical["terms"]
    for column in ("standardized", "vif"):
        assert np.isnan(result.table[column].iloc[0])
        np.testing.assert_allclose(result.table[column].iloc[1:], classical[column], rtol=1e-9)
    ninety = fitted(frame, expected, conf_level=0.9).table[["conf_low", "conf_high"]]
    np.testing.assert_allclose(ninety, classical["conf90"], rtol=1e-9)


@pytest.mark.parametrize("errors", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_errors_equal_sandwich(case: Any, errors: Any) -> None:
    frame, expected = case
    result = fitted(frame, expected, errors=errors)
    assert_equals_r(result, expected[errors])
    np.testing.assert_array_equal(
        result.table["estimate"], fitted(frame, expected).table["estimate"]
    )


def test_without_intercept_equals_lm(case: Any) -> None:
    frame, expected = case
    result = fitted(frame, expected, intercept=False)
    assert_equals_r(result, expected["no_intercept"])
    assert result.table["term"].tolist() == expected["no_intercept"]["terms"]


def test_weights_equal_svyglm(case: Any) -> None:
    frame, expected = case
    weights = pd.Series(expected["weights"], frame.index)
    assert_equals_r(fitted(frame, expected, weights=weights), expected["weighted"])
    scaled = fitted(frame, expected, weights=1000 * weights)
    assert_equals_r(scaled, expected["weighted"])


def test_weights_of_one_give_hc0_errors_but_for_the_factor() -> None:
    y, x = LONGLEY["employed"], LONGLEY[["deflator", "forces"]]
    weighted = ols(y, x, weights=pd.Series(1.0, y.index))
    robust = ols(y, x, errors="HC0")
    np.testing.assert_allclose(weighted.table["estimate"], robust.table["estimate"], rtol=1e-13)
    n = len(y)
    np.testing.assert_allclose(
        weighted.table["std_error"], robust.table["std_error"] * np.sqrt(n / (n - 1)), rtol=1e-12
    )


def test_respondents_without_answer_or_weight_are_left_out() -> None:
    frame = pd.concat([LONGLEY, LONGLEY.iloc[:3]], ignore_index=True)
    frame.loc[16, "employed"] = np.nan
    frame.loc[17, "forces"] = np.nan
    expected = ORACLE["longley"]
    result = fitted(frame.iloc[:18].astype("Float64"), expected)
    assert_equals_r(result, expected["classical"])
    assert (result.n_used, result.n_dropped) == (16, 2)
    weights = pd.Series([*expected["weights"], 1, 1, 0])
    weighted = fitted(frame, expected, weights=weights)
    assert_equals_r(weighted, expected["weighted"])
    assert (weighted.n_used, weighted.n_dropped) == (16, 3)


# --- exactness


def test_every_figure_is_the_exact_one_rounded_once() -> None:
    # y = x + a for the middle row: slope 1, intercept a/3, residual sum of squares 2a²/3
    offset = 2.0**50
    y = pd.Series([offset + 1, offset + 2.5, offset + 3])
    result = ols(y, pd.DataFrame({"x": [1, 2, 3]}))
    assert result.table["estimate"].tolist() == [float(Fraction(offset) + Fraction(1, 6)), 1.0]
    assert result.residual_sd == float((Decimal(1) / 6).sqrt())
    assert result.table["std_error"].iloc[1] == float((Decimal(1) / 12).sqrt())


def test_a_tenth_is_a_tenth() -> None:
    exact = ols(pd.Series([0.1, 0.2, 0.3]), pd.DataFrame({"x": [1.1, 1.2, 1.3]}))
    assert exact.table["estimate"].tolist() == [-1.0, 1.0]
    assert exact.residual_sd == 0
    assert exact.r_squared == 1
    assert exact.statistic == np.inf
    assert exact.p_value == 0
    assert [str(note) for note in exact.notes] == [
        "The predictors reproduce the outcome exactly: nothing is left over."
    ]
    robust = ols(pd.Series([0.1, 0.2, 0.3]), pd.DataFrame({"x": [1.1, 1.2, 1.3]}), errors="HC3")
    assert robust.residual_sd == 0


@pytest.mark.parametrize("number", [Decimal, Fraction])
def test_decimals_and_fractions_give_what_their_floats_give(number: Any) -> None:
    expected = ORACLE["longley"]
    exact = LONGLEY.map(lambda value: number(str(value)))
    result = fitted(exact, expected)
    assert_equals_r(result, expected["classical"])
    pd.testing.assert_frame_equal(result.table, fitted(LONGLEY, expected).table)
    mixed = LONGLEY.assign(deflator=exact["deflator"])
    pd.testing.assert_frame_equal(fitted(mixed, expected).table, result.table)
    weights = pd.Series(expected["weights"])
    assert_equals_r(fitted(exact, expected, weights=weights), expected["weighted"])
    assert_equals_r(fitted(exact, expected, errors="HC3"), expected["HC3"])
    exact.loc[0, "forces"] = None
    assert fitted(exact, expected).n_dropped == 1


def test_floats_that_are_no_decimals_lose_nothing_either() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(20_000, 2)) * [1e-7, 1e5] + [1.0, -1e9]
    y = x @ [3.0, 2.0] + rng.normal(size=20_000)
    result = ols(pd.Series(y), pd.DataFrame(x, columns=["a", "b"]))
    rows = [[Fraction(value) for value in column] for column in [*x.T, y]]
    exact = ols(pd.Series(rows[2]), pd.DataFrame({"a": rows[0], "b": rows[1]}))
    pd.testing.assert_frame_equal(result.table, exact.table, rtol=0, atol=0)
    assert result.r_squared == exact.r_squared


# --- moments


@pytest.mark.parametrize("intercept", [True, False])
def test_moments_give_what_their_rows_give(case: Any, intercept: bool) -> None:
    frame, expected = case
    outcome = expected["outcome"]
    rows = fitted(frame, expected, intercept=intercept)
    result = ols(outcome, Moments.from_frame(frame), intercept=intercept)
    pd.testing.assert_frame_equal(result.table, rows.table, rtol=1e-10)
    np.testing.assert_allclose(result.covariance, rows.covariance, rtol=1e-9)
    for name in MODEL:
        assert getattr(result, name) == pytest.approx(getattr(rows, name), rel=1e-10), name
    assert (result.n_used, result.n_dropped) == (rows.n_used, rows.n_dropped)


def test_moments_of_what_cannot_be_estimated() -> None:
    frame = pd.DataFrame({"a": A, "y": Y, "b": [0.1] * 6, "c": [3 * a - 1 for a in A]})

    def reason(*names: str) -> str:
        return str(ols("y", Moments.from_frame(frame[list(names)])).not_estimable)

    assert reason("a", "y", "b") == "b does not vary."
    assert reason("c", "y", "a") == (
        "a is determined by c, so their effects cannot be told apart: leave one out."
    )
    assert (
        ols("b", Moments.from_frame(frame)).not_estimable
        == ols(frame["b"], frame[["a"]]).not_estimable
    )
    few = ols("y", Moments.from_frame(frame[:0]))
    assert str(few.not_estimable).startswith("0 complete rows are too few for 4 coefficients")


@pytest.mark.parametrize(
    ("outcome", "made", "options", "reason"),
    [
        ("z", {}, {}, "outcome is 'z': one of the items y, a is needed"),
        (
            "y",
            {"weights": [1, 2, 1, 2, 1, 2]},
            {},
            "moments give classical errors without weights only: give the rows",
        ),
        (
            "y",
            {},
            {"errors": "HC3"},
            "moments give classical errors without weights only: give the rows",
        ),
        (
            "y",
            {"complete": False},
            {},
            "moments of complete rows are needed: Moments.from_frame(complete=True)",
        ),
    ],
)
def test_wrong_moments(outcome: str, made: Any, options: Any, reason: str) -> None:
    moments = Moments.from_frame(pd.DataFrame({"y": Y, "a": A}), **made)
    with pytest.raises(ValueError) as error:
        ols(outcome, moments, **options)
    assert str(error.value) == reason


# --- algebra


@settings(max_examples=40)
@given(
    rows=arrays(np.float64, (12, 4), elements=st.integers(1, 10).map(float)),
    order=st.permutations(range(12)),
)
def test_order_scale_and_sign(rows: Any, order: list[int]) -> None:
    frame = pd.DataFrame(rows, columns=["y", "a", "b", "c"])
    y, x = frame["y"], frame[["a", "b", "c"]]
    result = ols(y, x)
    assume(result.not_estimable is None)
    moved = ols(-2 * y.iloc[order] + 7, (4 * x - 3).iloc[order][["c", "a", "b"]])
    assert moved.r_squared == result.r_squared
    assert moved.statistic == result.statistic
    one = result.table.set_index("term").loc[["a", "b", "c"]]
    two = moved.table.set_index("term").loc[["a", "b", "c"]]
    np.testing.assert_allclose(two["estimate"], -one["estimate"] / 2, rtol=1e-14)
    np.testing.assert_allclose(two["vif"], one["vif"], rtol=0)
    np.testing.assert_allclose(two["standardized"], -one["standardized"], rtol=1e-14)
    np.testing.assert_allclose(two["conf_low"], -one["conf_high"] / 2, rtol=1e-12, atol=1e-14)


def test_the_intercept_alone_is_the_mean() -> None:
    y = pd.Series([4.0, 5, 7, 8])
    result = ols(y, pd.DataFrame(index=y.index))
    row = result.table.iloc[0]
    assert row["estimate"] == 6
    assert row["std_error"] == pytest.approx(y.sem(), rel=1e-15)
    assert (result.r_squared, result.df, result.df_residual) == (0, 0, 3)
    assert result.statistic is None
    assert result.p_value is None


# --- what cannot be estimated, and wrong use


def frame_of(**columns: Any) -> tuple[pd.Series, pd.DataFrame]:
    frame = pd.DataFrame(columns)
    return frame["y"], frame.drop(columns="y")


Y = [1.0, 3, 2, 5, 4, 6]
A = [1.0, 2, 4, 3, 5, 7]
B = [0.3, 0.1, 0.7, 0.2, 0.9, 0.4]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"y": [], "a": []}, "0 complete rows are too few for 2 coefficients"),
        ({"y": [1.0], "a": [2.0]}, "1 complete rows are too few for 2 coefficients"),
        ({"y": [1.0, 2], "a": [2.0, 3]}, "2 complete rows are too few for 2 coefficients"),
        ({"y": [np.nan] * 6, "a": A}, "0 complete rows are too few for 2 coefficients"),
        ({"y": [4.1] * 6, "a": A}, "The outcome does not vary."),
        ({"y": Y, "a": A, "b": [0.1] * 6}, "b does not vary."),
        ({"y": Y, "a": [0.0] * 6}, "a does not vary."),
        ({"y": Y, "a": A, "b": B, "c": A}, "c is determined by a, so their effects cannot"),
        (
            {"y": Y, "a": A, "b": B, "c": [a / 3 + 7 * b + 1e3 for a, b in zip(A, B, strict=True)]},
            "c is determined by a, b, so their effects cannot be told apart: leave one out.",
        ),
        (
            {"y": Y, "d": [1, 0, 0, 1, 0, 1], "e": [0, 1, 1, 0, 1, 0]},
            "e is determined by d, so their effects cannot be told apart: leave one out.",
        ),
    ],
)
def test_not_estimable(columns: dict[str, Any], reason: str) -> None:
    result = ols(*frame_of(**columns))
    assert str(result.not_estimable).startswith(reason)
    assert result.estimate is None
    assert result.table.empty
    assert result.n_used + result.n_dropped == len(columns["y"])


def test_no_variation_without_intercept_or_with_weights() -> None:
    y, x = frame_of(y=[0.0] * 6, a=A)
    assert str(ols(y, x, intercept=False).not_estimable) == "The outcome does not vary."
    y, x = frame_of(y=Y, a=A, b=[0.1] * 6)
    weighted = ols(y, x, weights=pd.Series([1.0, 2, 3, 1, 2, 3]))
    assert str(weighted.not_estimable) == "b does not vary."
    assert ols(y, x, intercept=False).not_estimable is None


def test_a_row_that_decides_alone_has_no_hc3_error() -> None:
    y, x = frame_of(y=Y, a=A, only=[0, 0, 0, 0, 0, 1])
    assert str(ols(y, x, errors="HC3").not_estimable) == (
        "One row alone determines a coefficient: errors of the kind HC3 do not exist."
    )
    assert ols(y, x, errors="HC1").not_estimable is None


def test_errors_of_fewer_directions_than_coefficients_have_no_f_test() -> None:
    # All residuals but those of two rows are 0: two directions for three coefficients.
    y, x = frame_of(y=[1.0, 2, 5, 8, 6], a=[1, 0, 0, 0, 0], b=[0, 1, 0, 0, 0], c=[0, 0, 1, 0, 0])
    assert ols(y, x, errors="HC0").statistic is None
    assert ols(y, x).statistic is not None


def test_nearly_dependent_is_estimated_and_said() -> None:
    y, x = frame_of(y=Y, a=A, b=[2 * a + 1e-9 * b for a, b in zip(A, B, strict=True)])
    result = ols(y, x)
    assert str(result.notes[0]) == (
        "Variance inflation above 10 in a, b: these predictors move together, so their separate "
        "effects are uncertain."
    )
    straight = ols(*frame_of(y=Y, a=A, b=B))
    assert straight.notes == ()
    assert result.r_squared == pytest.approx(straight.r_squared, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"errors": "HC9"}, "errors is 'HC9': 'classical' or 'HC0' to 'HC3' is needed"),
        ({"conf_level": 95}, "conf_level is 95: a share such as 0.95 is needed"),
        (
            {"errors": "HC3", "weights": pd.Series([1] * 6)},
            "errors is 'HC3': with weights the errors are design-based",
        ),
        (
            {"weights": pd.Series([1, 1, 1, 1, 1, -1], name="w")},
            "column 'w' holds -1 in row 5: weights of 0 or more needed",
        ),
    ],
)
def test_wrong_options(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError) as error:
        ols(*frame_of(y=Y, a=A), **options)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("y", "x", "options", "reason"),
    [
        (
            pd.Series(Y),
            pd.DataFrame({"a": A}, index=range(1, 7)),
            {},
            "outcome and predictors have different row labels: align them first",
        ),
        (
            pd.Series(Y),
            pd.DataFrame(index=range(6)),
            {"intercept": False},
            "there is neither a predictor nor an intercept",
        ),
        (
            pd.Series(Y),
            pd.DataFrame(np.ones((6, 2)), columns=["a", "a"]),
            {},
            "column 'a' occurs twice: give each predictor its own name",
        ),
        (
            pd.Series(Y),
            pd.DataFrame({"a": list("abcdef")}),
            {},
            "column 'a' holds 'a': a numeric column is needed",
        ),
        (
            pd.Series([Decimal(1), "3", *Y[2:]], name="y"),
            pd.DataFrame({"a": A}),
            {},
            "column 'y' mixes decimals with what is no finite number",
        ),
        (
            pd.Series([np.inf, *Y[1:]], name="y"),
            pd.DataFrame({"a": A}),
            {},
            "column 'y' holds inf in row 0: finite numbers needed",
        ),
    ],
)
def test_wrong_data(y: Any, x: Any, options: Any, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        ols(y, x, **options)
    assert str(error.value) == reason


# --- one-way analysis of variance


def test_every_field_equals_aov() -> None:
    values, groups = pd.Series(PLANTS["weight"]), pd.Series(PLANTS["group"])
    result = one_way(values, groups)
    fields = ["df", "df_residual", "p_value", "eta_squared", "omega_squared"]
    for name in [*fields, "ss_between", "ss_within", "residual_sd"]:
        assert getattr(result, name) == pytest.approx(PLANTS[name], rel=1e-12), name
    assert result.estimate == result.statistic == pytest.approx(PLANTS["F"], rel=1e-12)
    assert result.table["group"].tolist() == ["ctrl", "trt1", "trt2"]
    for name in ("n", "mean", "std_dev"):
        np.testing.assert_allclose(result.table[name], PLANTS[name], rtol=1e-12)
    assert (result.n_used, result.n_dropped) == (30, 0)


@settings(max_examples=30)
@given(
    values=arrays(np.float64, 15, elements=st.integers(0, 10).map(float)),
    groups=st.lists(st.sampled_from("abc"), min_size=15, max_size=15),
)
def test_one_way_is_the_regression_on_group_columns(values: Any, groups: list[str]) -> None:
    y, g = pd.Series(values), pd.Series(groups)
    test = one_way(y, g)
    model = ols(y, pd.get_dummies(g, drop_first=True, dtype=float))
    assume(test.not_estimable is None and model.not_estimable is None)
    assert test.statistic == pytest.approx(model.statistic, rel=1e-14)
    assert test.eta_squared == pytest.approx(model.r_squared, rel=1e-14)
    assert test.residual_sd == pytest.approx(model.residual_sd, rel=1e-14)
    shifted = one_way(y * 8 + 3, g.map({"a": "z", "b": "y", "c": "x"}))
    assert shifted.statistic == test.statistic
    assert shifted.omega_squared == test.omega_squared


def test_one_way_leaves_out_missing_values_and_unused_levels() -> None:
    values = pd.Series([1, None, 3, 2, 4, 6, 9], dtype="Int64")
    groups = pd.Series(["a", "a", "a", "b", "b", "b", None], dtype="category")
    result = one_way(values, groups.cat.add_categories("c"))
    assert (result.n_used, result.n_dropped) == (5, 2)
    assert result.table["group"].tolist() == ["a", "b"]
    assert result.table["mean"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("values", "groups", "reason"),
    [
        ([], [], "There are fewer than two groups to compare."),
        ([1.0, 2, 3], ["a"] * 3, "There are fewer than two groups to compare."),
        (
            [1.0, 2],
            ["a", "b"],
            "2 complete rows are too few for 2 groups: more rows than groups are needed.",
        ),
        ([0.1] * 4, list("aabb"), "The values do not vary."),
        ([None] * 4, list("aabb"), "There are fewer than two groups to compare."),
    ],
)
def test_one_way_not_estimable(values: Any, groups: Any, reason: str) -> None:
    result = one_way(pd.Series(values, dtype=float), pd.Series(groups, dtype=object))
    assert str(result.not_estimable) == reason
    assert result.estimate is None


def test_one_way_without_variance_within_or_between() -> None:
    sure = one_way(pd.Series([0.1, 0.1, 0.3]), pd.Series(list("aab")))
    assert sure.statistic == np.inf
    assert (sure.p_value, sure.eta_squared, sure.residual_sd) == (0, 1, 0)
    assert sure.table["std_dev"].isna().tolist() == [False, True]
    same = one_way(pd.Series([0.1, 0.3, 0.1, 0.3]), pd.Series(list("aabb")))
    assert (same.statistic, same.p_value, same.eta_squared) == (0, 1, 0)
    assert same.omega_squared == pytest.approx(-1 / 3, rel=1e-15)


def test_one_way_with_other_row_labels() -> None:
    with pytest.raises(ValueError, match="values and groups have different row labels"):
        one_way(pd.Series(Y), pd.Series(list("aabbcc"), index=range(1, 7)))
