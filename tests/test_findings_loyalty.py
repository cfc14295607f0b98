"""Conclusions on loyalty: the sentence and its level at both sides of each rule."""

from __future__ import annotations

from math import inf, nextafter

import numpy as np
import pandas as pd
import pytest

from csat_stats import drivers, loyalty
from csat_stats.report import findings
from csat_stats.report.findings import Finding
from csat_stats.study import Plan

N = 300
RNG = np.random.default_rng(0)
MOOD = RNG.normal(0, 0.6, N)
SCORES = pd.DataFrame(
    {name: (3.5 + MOOD + RNG.normal(0, 0.8, N)).clip(1, 5) for name in ("Speed", "Staff")}
)
CHANCE = 1 / (1 + np.exp(-1.5 * (SCORES["Speed"] - 3.5)))
AGAIN = (pd.Series(RNG.random(N)) < CHANCE).astype("float64")
OVERALL = (SCORES["Speed"] + 0.3 * SCORES["Staff"] + RNG.normal(0, 1, N)).rename("overall")
ALL_SAME = "not estimable. All 300 customers have the same outcome, so nothing can explain it."
PLAN = Plan.model_validate(
    {
        "title": "x",
        "data": {},
        "sampling": {},
        "dimensions": {"Speed": ["a"], "Staff": ["b"]},
        "outcomes": {"again": {"column": "c", "yes": "y", "no": "n"}},
        "loyalty": {
            "scenario": {
                "outcome": "again",
                "improve": {"Speed": 0.5, "Staff": 1},
                "customers": 1000,
                "value": 10,
            }
        },
    }
)


def told(finding: Finding | None) -> tuple[str, str, str]:
    assert finding is not None
    return finding.id, finding.level, str(finding.text)


@pytest.fixture(scope="module")
def model() -> loyalty.LogitModel:
    return loyalty.repurchase_model(AGAIN, SCORES)


@pytest.fixture(scope="module")
def nothing() -> loyalty.LogitModel:
    """Everybody came back."""
    return loyalty.repurchase_model(AGAIN * 0 + 1, SCORES)


# --- what goes with an outcome


def test_model(model: loyalty.LogitModel) -> None:
    found = findings.model("again", "Repurchase", model, "model_1")
    assert told(found) == (
        "model.again",
        "info",
        "Repurchase: higher scores go with it for Speed, the other dimensions held equal. AUC = "
        f"{model.estimate:.2f} [{model.conf_low:.2f}, {model.conf_high:.2f}].",
    )
    assert (found.n, found.tables) == (300, ("model_1",))


def test_drivers_are_named_where_their_interval_lies_above_0() -> None:
    """Where less confidence is asked for, Staff is named as well, after the stronger."""
    texts = [
        str(
            findings.model(
                "again",
                "Repurchase",
                loyalty.repurchase_model(AGAIN, SCORES, conf_level=level),
                "model_1",
            ).text
        )
        for level in (0.55, 0.95)
    ]
    assert "go with it for Speed, Staff, the other" in texts[0]
    assert "go with it for Speed, the other" in texts[1]


def test_no_driver() -> None:
    shuffled = AGAIN.sample(frac=1, random_state=1).reset_index(drop=True)
    result = loyalty.repurchase_model(shuffled, SCORES)
    assert str(findings.model("again", "Repurchase", result, "model_1").text).startswith(
        "Repurchase: no dimension's higher scores go with it beyond chance. AUC = 0.57 ["
    )


def test_a_model_of_all_the_same(nothing: loyalty.LogitModel) -> None:
    assert told(findings.model("again", "Repurchase", nothing, "model_1")) == (
        "model.again",
        "not_estimable",
        f"Repurchase: {ALL_SAME}",
    )
    assert findings.priorities("Repurchase", nothing, SCORES.mean(), PLAN, "model_1") == []


def test_priorities(model: loyalty.LogitModel) -> None:
    """By marginal effect times distance from full marks, not by marginal effect alone."""
    effect = model.table.set_index("driver")["marginal_effect"]
    first, second = findings.priorities("Repurchase", model, SCORES.mean(), PLAN, "model_1")
    assert told(first) == (
        "priority.1",
        "info",
        f"Speed: mean {SCORES['Speed'].mean():.2f} of 5; one point more goes with "
        f"{100 * effect['Speed']:+.1f} percentage points of Repurchase (association, not proof of "
        "cause).",
    )
    assert second.values["dimension"] == "Staff"
    means = pd.Series({"Speed": 4.95, "Staff": 1.0})
    turned = findings.priorities("Repurchase", model, means, PLAN, "model_1")
    assert [finding.values["dimension"] for finding in turned] == ["Staff", "Speed"]
    only = findings.priorities("Repurchase", model, means, PLAN, "model_1", at_most=1)
    assert [finding.values["dimension"] for finding in only] == ["Staff"]


def test_what_has_full_marks_is_no_priority(model: loyalty.LogitModel) -> None:
    means = pd.Series({"Speed": 5.0, "Staff": nextafter(5.0, 0)})
    found = findings.priorities("Repurchase", model, means, PLAN, "model_1")
    assert [finding.values["dimension"] for finding in found] == ["Staff"]


# --- what goes with satisfaction


def test_importance() -> None:
    result = drivers.relative_importance(SCORES.join(OVERALL), "overall")
    found = findings.importance("overall satisfaction", result, "importance")
    assert told(found) == (
        "importance",
        "info",
        "The dimensions stand for 56% of the differences in overall satisfaction. Most of it goes "
        "with Speed (79% [69%, 88%]), then with Staff (21%). In 100% of the resamples Speed comes "
        "first.",
    )
    assert found.values["driver"] == "Speed"


def test_importance_of_one_dimension_names_no_second() -> None:
    result = drivers.relative_importance(SCORES[["Speed"]].join(OVERALL), "overall")
    text = str(findings.importance("overall satisfaction", result, "importance").text)
    assert "then with" not in text


def test_halo_at_its_limit() -> None:
    result = drivers.collinearity(SCORES)
    assert result.estimate is not None
    start = (
        "One general impression holds 72% of what the dimensions have to say, the largest VIF is "
        "1.2: "
    )
    for limit, verdict in (
        (result.estimate, "how neighbours rank in importance is to be read with care."),
        (nextafter(result.estimate, inf), "the dimensions can be told apart."),
    ):
        assert told(findings.halo(result, limit, "importance")) == ("halo", "info", start + verdict)


def quadrants(lower: float) -> Finding:
    """With the mean of Speed that much lower."""
    frame = SCORES.assign(Speed=(SCORES["Speed"] - lower).clip(1)).join(OVERALL)
    result = drivers.importance_performance(frame, "overall", scale=(1, 5))
    return findings.quadrants(result, "performance")


def test_quadrants() -> None:
    assert told(quadrants(0)) == (
        "quadrants",
        "info",
        "No dimension is both more important and worse than the others.",
    )
    assert told(quadrants(0.5)) == (
        "quadrants",
        "info",
        "More important and worse than the others (with the share of resamples that say so): "
        "Speed (100%).",
    )


def test_too_few_answers_for_any_of_it() -> None:
    frame = SCORES[:2].join(OVERALL)
    ipa = drivers.importance_performance(frame, "overall", scale=(1, 5))
    what = "not estimable. 2 complete rows are too few: at least"
    found = [
        findings.importance("x", drivers.relative_importance(frame, "overall"), "importance"),
        findings.halo(drivers.collinearity(SCORES[:2]), 0.5, "importance"),
        findings.quadrants(ipa, "performance"),
    ]
    assert [told(finding) for finding in found] == [
        ("importance", "not_estimable", f"What goes with x: {what} 4 are needed."),
        ("halo", "not_estimable", f"Dimensions among each other: {what} 3 are needed."),
        ("quadrants", "not_estimable", f"Importance and performance: {what} 4 are needed."),
    ]


# --- the score of a target


def curve(target: float | None, outcome: pd.Series = AGAIN) -> Finding | None:
    result = loyalty.satisfaction_curve(
        outcome, SCORES.mean(axis=1), at=np.linspace(1, 5, 9), target=target
    )
    return findings.threshold("again", "Repurchase", result, (1, 5), 0.4, "model_1")


def test_threshold() -> None:
    id, level, text = told(curve(0.5))
    assert AGAIN.mean() >= 0.5 and (id, level) == ("threshold.again", "info")
    assert text.startswith("Repurchase: the target of 50% goes with a score of 3.43 [")
    assert text.endswith("]; 40% of the customers lie below it.")


def test_a_target_that_is_missed_is_watched() -> None:
    above, below = AGAIN.mean() + 0.01, AGAIN.mean() - 0.01
    assert [told(curve(target))[1] for target in (below, above)] == ["info", "watch"]


def test_a_target_that_no_score_goes_with() -> None:
    assert told(curve(0.9999)) == (
        "threshold.again",
        "watch",
        "Repurchase: no score on the scale goes with the target of 100%.",
    )


def test_nothing_is_said_of_no_target() -> None:
    assert curve(None) is None
    assert curve(0.5, AGAIN * 0 + 1) is None


# --- problems


def urgent(with_it: int, lost_with: int, without_it: int, lost_without: int) -> Finding:
    low = pd.DataFrame({"late": [True] * with_it + [False] * without_it}).astype("boolean")
    lost = [i < lost_with for i in range(with_it)] + [i < lost_without for i in range(without_it)]
    matrix = drivers.priority_matrix(low, pd.Series(lost, dtype="float64"))
    return findings.urgent("Repurchase", matrix, "urgency")


NOT_URGENT = "No problem is both frequent (from 35%) and heavy (from +15% on Repurchase)."


@pytest.mark.parametrize(
    ("customers", "level", "text"),
    [
        (
            (140, 70, 260, 65),
            "watch",
            "Frequent and heavy (share, impact on Repurchase): late (35%, +25%).",
        ),
        ((139, 70, 261, 65), "info", NOT_URGENT),  # 34.75% have it
        (
            (200, 80, 200, 50),
            "watch",
            "Frequent and heavy (share, impact on Repurchase): late (50%, +15%).",
        ),
        ((200, 79, 200, 50), "info", NOT_URGENT),  # 14.5 points more are lost
    ],
)
def test_urgent(customers: tuple[int, int, int, int], level: str, text: str) -> None:
    assert told(urgent(*customers)) == ("urgent", level, text)


@pytest.mark.parametrize("customers", [(100, 50, 0, 0), (0, 0, 100, 50)])
def test_without_customers_to_compare_with_nothing_is_urgent_or_not(
    customers: tuple[int, int, int, int],
) -> None:
    assert told(urgent(*customers)) == (
        "urgent",
        "not_estimable",
        "Frequency and impact of problems: not estimable. It takes customers with and without a "
        "problem of whom it is known what became of Repurchase.",
    )


# --- in money


def scenario(model: loyalty.LogitModel, cost: float) -> loyalty.Scenario:
    planned = {"Speed": 0.5, "Staff": 1.0}
    return loyalty.roi_scenario(
        model, SCORES, planned, customers=1000, value=10, cost=cost, scale=(1, 5)
    )


def test_a_scenario_is_to_be_watched_where_its_gain_may_be_none(
    model: loyalty.LogitModel,
) -> None:
    surely = scenario(model, 0).conf_low
    assert surely is not None
    for cost, level in ((surely - 1, "info"), (surely + 1, "watch")):
        result = scenario(model, cost)
        found = findings.scenario("Repurchase", result, PLAN, "scenario")
        assert found.level == level
    assert str(findings.scenario("Repurchase", scenario(model, 0), PLAN, "scenario").text) == (
        "If Speed +0.5, Staff +1 and the association held, Repurchase would go from "
        f"{scenario(model, 0).probability_now:.1%} to {scenario(model, 0).probability_after:.1%}: "
        f"a net gain of {scenario(model, 0).estimate:,.0f} [{surely:,.0f}, "
        f"{scenario(model, 0).conf_high:,.0f}]. Association, not proof of cause."
    )


def test_a_scenario_without_a_model(nothing: loyalty.LogitModel) -> None:
    assert told(findings.scenario("Repurchase", scenario(nothing, 0), PLAN, "scenario")) == (
        "scenario",
        "not_estimable",
        f"Return on investment: {ALL_SAME}",
    )


def risk(call_cost: float | None, outcome: pd.Series = AGAIN) -> tuple[str, str, str]:
    prices = {} if call_cost is None else {"call_cost": call_cost, "value": 10.0, "saved": 0.3}
    return told(findings.risk("Repurchase", loyalty.risk_scores(outcome, SCORES, **prices), "lift"))


def test_risk() -> None:
    id, level, text = risk(None)
    assert (id, level) == ("risk", "info")
    assert text.startswith(
        "Customers at risk (Repurchase): in the tenth with the highest risk 90% were lost, 1.8 "
        "times the average; AUC = 0.79 [0.74, 0.84]"
    )
    assert text.endswith("on customers the model had not seen.")


@pytest.mark.parametrize(
    ("call_cost", "calls"),
    [
        (1, " Calling pays for the first 204, with an expected net gain of 183."),
        (0, " Calling pays for the first 300, with an expected net gain of 443."),
        (100, " Calling pays for none of them."),
    ],
)
def test_whom_it_pays_to_call(call_cost: float, calls: str) -> None:
    assert risk(call_cost)[2] == risk(None)[2] + calls


def test_risk_where_nobody_was_lost() -> None:
    assert risk(None, AGAIN * 0 + 1) == (
        "risk",
        "not_estimable",
        f"Risk of losing customers: {ALL_SAME}",
    )


def test_every_quadrant_and_priority_has_its_words() -> None:
    frame = SCORES.join(OVERALL)
    ipa = drivers.importance_performance(frame, "overall", scale=(1, 5))
    assert set(ipa.table["quadrant"]) <= set(findings.QUADRANTS)
    assert {column.removeprefix("p_") for column in ipa.table if column.startswith("p_")} == set(
        findings.QUADRANTS
    )
