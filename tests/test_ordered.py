"""Proportional odds against R's polr, clm, svyolr and Brant's formulas, and their algebra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import items_of

from csat_stats.loyalty import OrderedModel, ordered_logit, repurchase_model

Z = 1.959963984540054
CELLS = pd.MultiIndex.from_product(
    [[0, 1], ["Tower", "Apartment", "Atrium", "Terrace"], ["Low", "Medium", "High"], [1, 2, 3]],
    names=["contact", "type", "influence", "satisfaction"],
)


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("ordered")


def close(actual: Any, expected: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(actual, dtype=float), np.asarray(expected, dtype=float), tolerance, 1e-12
    )


def expanded(counts: list[int]) -> tuple[pd.Series, pd.DataFrame]:
    """The tenants of Copenhagen, one row each, from the 72 cells of MASS::housing."""
    rows = CELLS.to_frame(index=False).loc[np.repeat(np.arange(72), counts)].reset_index(drop=True)
    dummies = {
        "influence_medium": rows["influence"] == "Medium",
        "influence_high": rows["influence"] == "High",
        "apartment": rows["type"] == "Apartment",
        "atrium": rows["type"] == "Atrium",
        "terrace": rows["type"] == "Terrace",
        "contact": rows["contact"] == 1,
    }
    return rows["satisfaction"], pd.DataFrame(dummies).astype(int)


@pytest.fixture(scope="module")
def housing(reference: Any) -> tuple[pd.Series, pd.DataFrame]:
    return expanded(reference["housing"]["counts"])


def check(model: OrderedModel, expected: Any) -> None:
    assert model.n_used == expected["n"] and model.not_estimable is None
    error = np.array(expected["std_error"])
    slope = np.array(expected["estimate"])
    close(model.table["estimate"], slope)
    close(model.table["std_error"], error)
    close(model.table["statistic"], slope / error)
    close(model.table["conf_low"], slope - Z * error)
    close(model.table["conf_high"], slope + Z * error)
    close(model.table["odds_ratio"], np.exp(slope))
    close(model.table["odds_ratio_low"], np.exp(slope - Z * error))
    close(model.table["odds_ratio_high"], np.exp(slope + Z * error))
    close(model.cuts["estimate"], expected["cut_estimate"])
    close(model.cuts["std_error"], expected["cut_std_error"])
    margin = Z * np.array(expected["cut_std_error"])
    close(model.cuts["conf_low"], expected["cut_estimate"] - margin)
    close(model.cuts["conf_high"], expected["cut_estimate"] + margin)
    close(np.sqrt(np.diag(model.covariance))[-len(slope) :], error)
    assert list(model.covariance) == [*model.cuts["cut"], *model.table["driver"]]
    # polr differentiates twice numerically: its errors are good to six digits
    close(model.table["estimate"], expected["polr_estimate"], 1e-7)
    close(model.cuts["estimate"], expected["polr_cut_estimate"], 1e-7)
    close([*model.table["std_error"], *model.cuts["std_error"]], expected["polr_std_error"], 1e-6)
    log_likelihood, null = expected["log_likelihood"], expected["null_log_likelihood"]
    close(model.log_likelihood, log_likelihood)
    close(model.null_log_likelihood, null)
    close(model.aic, expected["aic"])
    close(model.mcfadden_r2, 1 - log_likelihood / null)
    top = 1 - np.exp(2 * null / expected["n"])
    close(model.nagelkerke_r2, (1 - np.exp(2 * (null - log_likelihood) / expected["n"])) / top)
    brant = expected["brant"]
    close(
        [model.parallel_statistic, model.parallel_df, model.parallel_p_value],
        [brant["statistic"], brant["df"], brant["p"]],
    )
    close(model.table["parallel_statistic"], brant["per_statistic"])
    close(model.table["parallel_p_value"], brant["per_p"])


def check_effects(model: OrderedModel, expected: Any) -> None:
    effect, error = np.array(expected["estimate"]), np.array(expected["std_error"])
    close(model.table["marginal_effect"], effect, 1e-6)
    close(model.table["marginal_effect_low"], effect - Z * error, 1e-5)
    close(model.table["marginal_effect_high"], effect + Z * error, 1e-5)


def test_tenants_of_copenhagen_are_as_in_r(reference: Any, housing: Any) -> None:
    model = ordered_logit(*housing)
    check(model, reference["housing"])
    check_effects(model, reference["housing"]["effect_top"])
    assert (model.level, model.n_levels, model.n_dropped, model.n_clusters) == (3, 3, 0, None)
    assert list(model.cuts["cut"]) == ["1|2", "2|3"] and model.estimate is None
    assert model.notes == ()
    # Venables and Ripley (2002), section 7.3
    np.testing.assert_array_equal(
        model.table["estimate"].round(4), [0.5664, 1.2888, -0.5724, -0.3662, -1.0910, 0.3603]
    )
    check_effects(ordered_logit(*housing, level=2), reference["housing"]["effect_second"])


def test_p_values_are_those_of_the_normal_distribution(housing: Any) -> None:
    table = ordered_logit(*housing).table
    assert table["p_value"][3] == pytest.approx(0.018282140562, rel=1e-9)  # 2 * pnorm()


def test_airline_passengers_are_as_in_r(reference: Any, reference_data: Any) -> None:
    expected = reference["airline"]
    reference_data("airline_sample")
    items = items_of("airline_sample", expected["columns"])
    model = ordered_logit(items.iloc[:, 0], items.iloc[:, 1:])
    check(model, expected)
    check_effects(model, expected["effect_top"])
    assert model.n_dropped == 2000 - expected["n"]
    assert [str(note) for note in model.notes] == [
        "The assumption of proportional odds does not hold (Brant's test, p = .005): each odds "
        "ratio is an average over cuts of the scale at which it differs.",
        "It differs most clearly for: Leg.Room.Service.",
    ]


@pytest.mark.parametrize("case", ["weights", "weights_cluster", "cluster"])
def test_design_based_errors_are_as_in_r(case: str, reference: Any, reference_data: Any) -> None:
    expected = reference[case]
    schools = reference_data("api_strat")
    given = {
        "weights": schools["pw"] if "weights" in case else None,
        "cluster": schools["cnum"] if "cluster" in case else None,
    }
    level = pd.cut(schools["api00"], [0, 550, 650, 750, 1000], labels=False)
    model = ordered_logit(level, schools[["meals", "ell", "emer"]], **given)
    close(model.table["estimate"], expected["estimate"])
    close(model.cuts["estimate"], expected["cut_estimate"])
    close(model.table["std_error"], expected["std_error"], 1e-8)
    close(model.cuts["std_error"], expected["cut_std_error"], 1e-8)
    for column in ("svyolr_std_error", "vcovcl_std_error"):
        if column in expected:
            ours = [*model.table["std_error"], *model.cuts["std_error"]]
            close(ours, expected[column], 4e-4)
    assert model.n_clusters == (expected["groups"] if "cluster" in case else None)
    assert (model.log_likelihood, model.aic, model.mcfadden_r2) == (None, None, None)
    if "brant" in expected:
        brant = expected["brant"]
        close([model.parallel_statistic, model.parallel_df], [brant["statistic"], brant["df"]])
        close(model.parallel_p_value, brant["p"])
    df = {"weights": 194, "weights_cluster": 34, "cluster": 39}[case]
    reach = {194: 1.972267532579456, 34: 2.032244509317718, 39: 2.022690920036761}[df]
    close(
        model.table["conf_high"],
        np.array(expected["estimate"]) + reach * np.array(expected["std_error"]),
        1e-7,
    )


def test_weights_of_one_keep_the_estimates_and_their_scale_is_no_matter(housing: Any) -> None:
    outcome, drivers = housing
    plain = ordered_logit(outcome, drivers)
    ones = ordered_logit(outcome, drivers, weights=pd.Series(1.0, index=outcome.index))
    close(ones.table["estimate"], plain.table["estimate"])
    close(ones.table["marginal_effect"], plain.table["marginal_effect"])
    weights = pd.Series(np.arange(len(outcome)) % 4, index=outcome.index)
    model = ordered_logit(outcome, drivers, weights=weights)
    scaled = ordered_logit(outcome, drivers, weights=10 * weights)
    close(scaled.table.iloc[:, 1:], model.table.iloc[:, 1:])
    assert model.n_dropped == int((weights == 0).sum())


def test_whole_weights_give_the_estimates_of_repeated_rows(housing: Any) -> None:
    outcome, drivers = housing
    times = pd.Series(1 + np.arange(len(outcome)) % 3, index=outcome.index)
    weighted = ordered_logit(outcome, drivers, weights=times)
    rows = outcome.index.repeat(times)
    repeated = ordered_logit(
        outcome.loc[rows].reset_index(drop=True), drivers.loc[rows].reset_index(drop=True)
    )
    close(weighted.table["estimate"], repeated.table["estimate"])
    close(weighted.cuts["estimate"], repeated.cuts["estimate"])


def test_two_levels_are_a_binary_logit() -> None:
    outcome = pd.Series([0, 0, 1, 0, 1, 0, 1, 1, 0, 1])
    drivers = pd.DataFrame(
        {"a": [1, 2, 2, 3, 3, 4, 4, 5, 3, 1], "b": [0, 1, 1, 0, 1, 1, 0, 0, 0, 1]}
    )
    model, binary = ordered_logit(outcome, drivers), repurchase_model(outcome, drivers)
    shared = list(binary.table.columns.drop("vif"))
    close(model.table[shared[1:]], binary.table[shared[1:]])
    close(-model.cuts["estimate"], binary.intercept["estimate"])
    close([model.aic, model.nagelkerke_r2], [binary.aic, binary.nagelkerke_r2])
    assert model.parallel_statistic is None and model.table["parallel_p_value"].isna().all()


def test_only_order_matters_and_turning_the_scale_turns_the_signs(housing: Any) -> None:
    outcome, drivers = housing
    model = ordered_logit(outcome, drivers)
    spread = ordered_logit(outcome.map({1: -7, 2: 0, 3: 100}), drivers)
    pd.testing.assert_frame_equal(spread.table, model.table)
    assert list(spread.cuts["cut"]) == ["-7|0", "0|100"]
    turned = ordered_logit(4 - outcome, drivers)
    close(turned.table["estimate"], -model.table["estimate"])
    close(turned.cuts["estimate"][::-1], -model.cuts["estimate"])
    close(turned.parallel_statistic, model.parallel_statistic, 1e-6)
    mixed = ordered_logit(outcome[::-1], drivers.iloc[::-1, ::-1])
    close(mixed.table.iloc[::-1, 1:], model.table.iloc[:, 1:], 1e-8)


def test_scale_and_origin_of_a_driver_carry_through(housing: Any) -> None:
    outcome, drivers = housing
    model = ordered_logit(outcome, drivers)
    moved = ordered_logit(outcome, drivers.assign(contact=100 - 10 * drivers["contact"]))
    close(moved.table["estimate"], model.table["estimate"] * [1, 1, 1, 1, 1, -0.1])
    shift = 100 * -0.1 * model.table["estimate"][5]
    close(moved.cuts["estimate"], model.cuts["estimate"] + shift)
    close(moved.parallel_p_value, model.parallel_p_value)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(0, 2)), min_size=6, max_size=40
    )
)
def test_the_likelihood_equations_hold_or_there_is_no_estimate(rows: list[Any]) -> None:
    frame = pd.DataFrame(rows, columns=["y", "a", "b"])
    model = ordered_logit(frame["y"], frame[["a", "b"]])
    if model.not_estimable:
        assert model.table.empty
        return
    cuts = np.array(model.cuts["estimate"])
    assert (np.diff(cuts) > 0).all()
    eta = frame[["a", "b"]].to_numpy() @ model.table["estimate"].to_numpy()
    below = 1 / (1 + np.exp(-(cuts - eta[:, None])))
    below = np.column_stack([np.zeros(len(frame)), below, np.ones(len(frame))])
    code = np.unique(frame["y"], return_inverse=True)[1]
    row = np.arange(len(frame))
    residual = 1 - below[row, code + 1] - below[row, code]
    np.testing.assert_allclose(residual @ frame[["a", "b"]].to_numpy(), 0, atol=1e-6)
    assert model.log_likelihood is not None
    likelihood = np.log(below[row, code + 1] - below[row, code]).sum()
    assert model.log_likelihood == pytest.approx(likelihood, rel=1e-9)
    assert model.null_log_likelihood is not None
    assert model.log_likelihood >= model.null_log_likelihood - 1e-9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6)), min_size=3, max_size=15))
def test_one_driver_separates_when_the_levels_lie_apart(rows: list[Any]) -> None:
    frame = pd.DataFrame(rows, columns=["y", "x"])
    levels = sorted(frame["y"].unique())
    if len(levels) < 2 or frame["x"].nunique() < 2 or len(frame) < 2:
        return
    low = frame.groupby("y")["x"].min().to_numpy()
    high = frame.groupby("y")["x"].max().to_numpy()
    apart = (high[:-1] <= low[1:]).all() or (low[:-1] >= high[1:]).all()
    model = ordered_logit(frame["y"], frame[["x"]])
    assert (model.not_estimable is not None) == apart


FRAME = pd.DataFrame({"a": [1, 1, 2, 2, 3, 3, 1, 3], "b": [1, 2, 1, 2, 1, 1, 2, 2]})
ANSWERS = pd.Series([2, 1, 1, 3, 2, 3, 3, 1])


@pytest.mark.parametrize(
    ("outcome", "drivers", "why"),
    [
        (
            ANSWERS * 0 + 4,
            FRAME,
            "All 8 customers have the same outcome, so nothing can explain it.",
        ),
        (ANSWERS, FRAME.assign(b=3), "All customers gave the same value for: b."),
        (
            FRAME["a"],
            FRAME,
            "The outcome is separated by these drivers, so the odds ratio has no finite value: a.",
        ),
        (
            pd.Series([np.nan] * 8),
            FRAME,
            "The number of complete rows, 0, is too small for the number of drivers, 2.",
        ),
        (
            ANSWERS[:2],
            FRAME[:2],
            "The number of complete rows, 2, is too small for the number of drivers, 2.",
        ),
    ],
)
def test_what_the_data_cannot_tell(outcome: pd.Series, drivers: pd.DataFrame, why: str) -> None:
    model = ordered_logit(outcome, drivers)
    assert str(model.not_estimable) == why
    assert model.estimate is None and model.table.empty


def test_a_copied_driver_is_named() -> None:
    model = ordered_logit(ANSWERS, FRAME.assign(copy=2 * FRAME["a"]))
    assert "a, copy" in str(model.not_estimable)


def test_few_clusters_are_refused_or_said() -> None:
    outcome, drivers = pd.concat([ANSWERS] * 9), pd.concat([FRAME] * 9)
    outcome.index = drivers.index = pd.RangeIndex(72)
    cluster = pd.Series(np.arange(72) % 4)
    model = ordered_logit(outcome, drivers, cluster=cluster)
    assert str(model.not_estimable) == (
        "Clusters: 4, coefficients: 4. Errors robust to clusters need more clusters than "
        "coefficients."
    )
    cluster = pd.Series(np.repeat(np.arange(12), 6))
    model = ordered_logit(outcome, drivers, cluster=cluster)
    assert model.n_clusters == 12
    assert str(model.notes[0]) == (
        "There are only 12 clusters; below 30 the errors tend to be too small."
    )


def test_a_cut_that_cannot_be_fitted_has_no_test_of_proportional_odds() -> None:
    outcome = pd.Series([1, 1, 2, 1, 2, 2, 1, 2, 3])
    drivers = pd.DataFrame({"speed": [1, 2, 2, 3, 3, 4, 4, 5, 6]})
    model = ordered_logit(outcome, drivers)
    assert model.parallel_statistic is None and model.table["parallel_p_value"].isna().all()
    assert [str(note) for note in model.notes] == [
        "The assumption of proportional odds cannot be tested: answers above 2 are separated from "
        "the others by speed."
    ]


def test_marginal_effects_of_a_level_that_nobody_or_everybody_reaches(housing: Any) -> None:
    outcome, drivers = housing
    between = ordered_logit(2 * outcome, drivers, level=3)
    pd.testing.assert_frame_equal(between.table, ordered_logit(outcome, drivers, level=2).table)
    assert between.level == 3
    for level in (1, 4):
        model = ordered_logit(outcome, drivers, level=level)
        assert model.table.filter(like="marginal").isna().all(axis=None)
        assert model.table["odds_ratio"].notna().all()
        assert [str(note) for note in model.notes] == [
            f"All answers lie on one side of {level}, so there are no marginal effects."
        ]


def test_missing_values_and_nullable_types() -> None:
    gaps = pd.DataFrame({"a": [3, None, 2], "b": [None, 2, 2]})
    drivers = pd.concat([FRAME, gaps], ignore_index=True).astype("Int64")
    outcome = pd.concat([ANSWERS, pd.Series([1, 1, None])], ignore_index=True).astype("Int64")
    model = ordered_logit(outcome, drivers)
    assert (model.n_used, model.n_dropped) == (8, 3)
    close(model.table["estimate"], ordered_logit(ANSWERS, FRAME).table["estimate"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"outcome": ANSWERS[::-1]},
            "the outcome and the drivers have different indexes: align them first",
        ),
        ({"drivers": FRAME[[]]}, "there is no driver: at least one column is needed"),
        (
            {"outcome": ANSWERS.astype(str)},
            "column 'outcome' holds '2': a numeric column is needed",
        ),
        ({"conf_level": 95}, "conf_level is 95: a share such as 0.95 is needed"),
        (
            {"weights": ANSWERS - 2},
            "column 'weights' holds -1 in row 1, -1 in row 2, -1 in row 7: weights of 0 or more "
            "needed",
        ),
    ],
)
def test_wrong_use_is_refused(change: dict[str, Any], text: str) -> None:
    given = {"outcome": ANSWERS, "drivers": FRAME} | change
    if "weights" in given:
        given["weights"] = given["weights"].rename("weights")
    with pytest.raises(ValueError) as error:
        ordered_logit(given.pop("outcome"), given.pop("drivers"), **given)
    assert str(error.value) == text


def test_a_scale_of_too_many_levels_is_refused() -> None:
    values = pd.Series(np.arange(60.0))
    with pytest.raises(ValueError, match="outcome has 60 different values: an ordered scale of"):
        ordered_logit(values, values.to_frame("a"))
