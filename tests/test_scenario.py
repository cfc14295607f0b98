"""Scenarios against R's glm, svyglm and numDeriv, against draws, and their algebra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import items_of

from csat_stats.loyalty import LogitModel, Scenario, repurchase_model, roi_scenario

PLAN: dict[str, Any] = {"customers": 500, "value": 20, "cost": 900, "scale": (1, 5)}
ASSOCIATION = (
    "This carries an association into a forecast and is no proof: customers who score higher may "
    "buy again for other reasons. A trial in which stores or customers drawn by lot get the "
    "improvement and the others do not would show what it earns."
)


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("scenario")


@pytest.fixture(scope="module")
def typed(reference: Any) -> tuple[LogitModel, pd.DataFrame]:
    data = reference["typed"]
    drivers = pd.DataFrame({name: data[name] for name in ("satisfaction", "speed")})
    return repurchase_model(pd.Series(data["outcome"]), drivers), drivers


def close(actual: Any, expected: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(actual, dtype=float), np.asarray(expected, dtype=float), tolerance, 1e-12
    )


def row(plan: Scenario, quantity: str) -> list[float]:
    found = plan.table.set_index("quantity").loc[quantity]
    return [float(found[name]) for name in ("estimate", "conf_low", "conf_high")]


def test_every_figure_is_that_of_r(reference: Any, typed: Any) -> None:
    expected = reference["typed"]
    plan = roi_scenario(*typed, {"satisfaction": 0.5}, **PLAN, conf_level=0.9)
    for quantity in (
        "probability_now",
        "probability_after",
        "extra_repurchases",
        "net_gain",
        "break_even_value",
        "break_even_share",
    ):
        close(row(plan, quantity), expected[quantity], 1e-7)
    close([plan.estimate, plan.conf_low, plan.conf_high], expected["net_gain"], 1e-7)
    close(row(plan, "gain"), 20 * np.array(expected["extra_repurchases"]), 1e-8)
    close(row(plan, "return_on_investment"), np.array(expected["net_gain"]) / 900, 1e-7)
    close(row(plan, "break_even_points"), 0.5 * np.array(expected["break_even_share"]), 1e-8)
    for quantity, figure in zip(plan.table["quantity"], plan.table["estimate"], strict=True):
        assert getattr(plan, "estimate" if quantity == "net_gain" else quantity) == figure
    assert (plan.n_used, plan.n_dropped, plan.cost, plan.conf_level) == (18, 0, 900, 0.9)
    assert [str(note) for note in plan.notes] == [
        ASSOCIATION,
        "Some scores of satisfaction meet the top of the scale: its mean rises by 0.42 points, not "
        "by 0.5.",
    ]


def test_a_plan_for_airline_passengers_is_as_in_r(reference: Any, reference_data: Any) -> None:
    expected = reference["airline"]
    satisfied = (reference_data("airline_sample")["Satisfaction"] == "Satisfied").astype(int)
    drivers = items_of("airline_sample", expected["columns"])
    model = repurchase_model(satisfied, drivers)
    close([*model.intercept["estimate"], *model.table["estimate"]], expected["coef"])
    improve = {"Online.Boarding": 0.5, "Cleanliness": 0.8}
    plan = roi_scenario(
        model, drivers, improve, customers=20000, value=35, cost=30000, scale=(1, 5)
    )
    assert plan.n_used == expected["n"] and plan.break_even_points is None
    for quantity in plan.table["quantity"]:
        close(row(plan, quantity), expected[quantity])


def test_weights_are_as_in_r(reference: Any, reference_data: Any) -> None:
    expected = reference["weighted"]
    schools = reference_data("api_strat")
    drivers, weights = schools[["meals", "ell"]], schools["pw"]
    model = repurchase_model((schools["api00"] > 650).astype(int), drivers, weights=weights)
    options: dict[str, Any] = {"customers": 1000, "value": 1, "cost": 5, "scale": (0, 100)}
    plan = roi_scenario(model, drivers, {"meals": 5}, weights=weights, **options)
    for quantity in ("extra_repurchases", "probability_now"):
        close(row(plan, quantity), expected[quantity], 1e-8)
    assert (plan.break_even_value, plan.break_even_share) == (None, None)
    assert [str(note) for note in plan.notes[2:]] == [
        "In the model a higher score goes with less buying again, the other drivers being equal, "
        "for: meals.",
        "No improvement within the scale would pay for the cost.",
    ]
    twice = roi_scenario(model, drivers, {"meals": 5}, weights=2 * weights, **options)
    close(twice.table.iloc[:, 1:], plan.table.iloc[:, 1:])


def test_the_interval_is_that_of_draws_from_the_model(typed: Any) -> None:
    outcome = pd.Series(np.tile(np.array([0, 0, 1, 0, 1, 0, 1, 1, 1, 0]), 200))
    drivers = pd.DataFrame({"score": np.tile([1, 2, 2, 3, 3, 4, 4, 5, 4, 3], 200)})
    model = repurchase_model(outcome, drivers)
    plan = roi_scenario(model, drivers, {"score": 1}, customers=100, value=1, scale=(1, 5))
    beta = np.append(model.intercept["estimate"], model.table["estimate"])
    draws = np.random.default_rng(0).multivariate_normal(beta, model.covariance, 20_000)
    now = drivers["score"].iloc[:10].to_numpy()

    def mean(scores: Any) -> Any:
        return (1 / (1 + np.exp(-draws[:, :1] - np.outer(draws[:, 1], scores)))).mean(axis=1)

    extra = 100 * (mean(np.minimum(now + 1, 5)) - mean(now))
    middle, low, high = row(plan, "extra_repurchases")
    close(np.quantile(extra, [0.5, 0.025, 0.975]), [middle, low, high], 0.01)


def test_money_and_customers_scale_the_figures(typed: Any) -> None:
    plan = roi_scenario(*typed, {"satisfaction": 0.5}, **PLAN)
    more = roi_scenario(*typed, {"satisfaction": 0.5}, **(PLAN | {"customers": 1000, "cost": 1800}))
    close([more.estimate, more.extra_repurchases], [2 * plan.estimate, 2 * plan.extra_repurchases])
    close(
        [more.return_on_investment, more.break_even_value, more.break_even_points],
        [plan.return_on_investment, plan.break_even_value, plan.break_even_points],
    )
    even = roi_scenario(*typed, {"satisfaction": 0.5}, **(PLAN | {"value": plan.break_even_value}))
    assert even.estimate == pytest.approx(0, abs=1e-9)
    assert plan.break_even_points is not None
    enough = roi_scenario(*typed, {"satisfaction": plan.break_even_points}, **PLAN)
    assert enough.estimate == pytest.approx(0, abs=1e-7)


def test_an_uncertain_gain_has_a_break_even_without_end(typed: Any) -> None:
    plan = roi_scenario(*typed, {"satisfaction": 0.5}, **PLAN, conf_level=0.999999)
    assert row(plan, "extra_repurchases")[1] < 0
    assert np.isinf(row(plan, "break_even_value")[2])
    assert np.isinf(row(plan, "break_even_points")[2])
    assert plan.to_dict()["table"][-1]["conf_high"] is None


def test_what_costs_nothing_has_nothing_to_pay_back(typed: Any) -> None:
    plan = roi_scenario(*typed, {"satisfaction": 0.5}, **(PLAN | {"cost": 0}))
    assert plan.estimate == plan.gain
    assert plan.return_on_investment is None and plan.break_even_value is None
    assert list(plan.table["quantity"])[-1] == "net_gain"


def test_customers_at_the_top_have_nothing_to_gain(typed: Any) -> None:
    model, drivers = typed
    plan = roi_scenario(model, drivers.assign(satisfaction=5), {"satisfaction": 1}, **PLAN)
    assert (plan.extra_repurchases, plan.estimate) == (0, -900)
    assert str(plan.notes[-1]) == "No improvement within the scale would pay for the cost."
    assert plan.break_even_share is None


def test_a_model_that_cannot_be_estimated_is_passed_on(typed: Any) -> None:
    model = repurchase_model(pd.Series([1, 1, 1]), pd.DataFrame({"satisfaction": [1, 2, 3]}))
    plan = roi_scenario(
        model, pd.DataFrame({"satisfaction": [1, 2, 3]}), {"satisfaction": 1}, **PLAN
    )
    assert str(plan.not_estimable) == (
        "All 3 customers have the same outcome, so nothing can explain it."
    )
    nobody = typed[1].astype(float) * np.nan
    plan = roi_scenario(typed[0], nobody, {"satisfaction": 1}, **PLAN)
    assert str(plan.not_estimable) == "No customer has answered all drivers."
    assert (plan.n_used, plan.n_dropped) == (0, 18)


def test_missing_answers_and_other_columns_are_left_out(typed: Any) -> None:
    model, drivers = typed
    plan = roi_scenario(model, drivers, {"satisfaction": 0.5}, **PLAN)
    gaps = pd.DataFrame({"satisfaction": [None, 3], "speed": [2, None]})
    more = pd.concat([drivers, gaps], ignore_index=True).astype("Int64")
    other = roi_scenario(
        model, more.iloc[::-1, ::-1].assign(name="x"), {"satisfaction": 0.5}, **PLAN
    )
    assert (other.n_used, other.n_dropped) == (18, 2)
    close(other.table.iloc[:, 1:], plan.table.iloc[:, 1:])


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 4), st.floats(0.05, 4))
def test_more_points_never_lose(one: float, other: float) -> None:
    drivers = pd.DataFrame({"score": [1, 2, 2, 3, 3, 4, 4, 5]})
    model = repurchase_model(pd.Series([0, 0, 1, 0, 1, 0, 1, 1]), drivers)
    options: dict[str, Any] = {"customers": 10, "value": 1, "scale": (1, 5)}
    less, more = (
        roi_scenario(model, drivers, {"score": points}, **options)
        for points in sorted([one, other])
    )
    assert less.estimate is not None and more.estimate is not None
    assert 0 <= less.estimate <= more.estimate + 1e-12
    assert more.probability_after is not None and more.probability_after <= 1


@pytest.mark.parametrize(
    ("improve", "change", "text"),
    [
        ({"price": 1}, {}, "improve names 'price': the model has the drivers satisfaction, speed"),
        ({}, {}, "improve is empty: at least one driver and its points are needed"),
        ({"speed": 0}, {}, "improve asks for 0 points of 'speed': more than 0 needed"),
        (
            {"speed": 1},
            {"customers": -5},
            "customers is -5: a finite number of 0 or more is needed",
        ),
        ({"speed": 1}, {"cost": -1}, "cost is -1: a finite number of 0 or more is needed"),
        ({"speed": 1}, {"value": np.inf}, "value is inf: a finite number of 0 or more is needed"),
        (
            {"speed": 1},
            {"scale": (5, 1)},
            "scale is (5, 1): a lowest score below the highest is needed",
        ),
        (
            {"speed": 1},
            {"scale": (2, 5)},
            "column 'speed' holds 1 in row 1, 1 in row 8, 1 in row 15: scores from 2 to 5 needed",
        ),
        ({"speed": 1}, {"conf_level": 2}, "conf_level is 2: a share such as 0.95 is needed"),
    ],
)
def test_wrong_use_is_refused(typed: Any, improve: Any, change: Any, text: str) -> None:
    with pytest.raises(ValueError) as error:
        roi_scenario(*typed, improve, **(PLAN | change))
    assert str(error.value) == text


def test_answers_without_a_driver_are_refused(typed: Any) -> None:
    with pytest.raises(ValueError, match="the answers have no column for the drivers speed"):
        roi_scenario(typed[0], typed[1][["satisfaction"]], {"satisfaction": 1}, **PLAN)
