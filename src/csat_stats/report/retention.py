"""What section 07 asks of a study: drivers, outcomes, problems, a scenario, customers at risk."""

from __future__ import annotations

from typing import Any

import pandas as pd

from csat_stats import drivers, imputation, loyalty, plots
from csat_stats.report import metrics
from csat_stats.report.findings import PRIORITIES, QUADRANTS
from csat_stats.report.material import Material
from csat_stats.results import Message, message
from csat_stats.study import Plan

_MOST_SHOWN = 20  # problems on a map

# What became of the rows of an outcome that has dates.
DATED: dict[str, Message] = {
    "in_time": message("happened after the answer and in time"),
    "in_time_though_denied": message("happened by its date though recorded as no: counted"),
    "before_survey": message("happened before the answer only: no outcome"),
    "before_survey_open": message("happened before the answer, time not over: not yet known"),
    "after_window": message("happened too late: no outcome"),
    "after_until_open": message("happened after the last day known: not yet known"),
    "undated": message("happened, without a date: counted, not checked"),
    "nothing": message("did not happen"),
    "nothing_open": message("did not happen so far, time not over: not yet known"),
    "no_record": message("no record"),
    "no_survey_date": message("no date of the answer: not known"),
}


def clusters(section: Material, responses: pd.DataFrame) -> pd.Series | None:
    """Whose customers hang together, where the study names it."""
    column = section.plan.loyalty.cluster
    return None if column is None else responses[column].astype("object")


def models(section: Material, scores: pd.DataFrame) -> dict[str, loyalty.LogitModel]:
    """A model of every outcome on the dimension scores."""
    plan, responses = section.plan, section.responses
    return {
        name: loyalty.repurchase_model(
            responses[name],
            scores,
            cluster=clusters(section, responses),
            conf_level=plan.conf_level,
        )
        for name in plan.outcomes
    }


def imputed_model(
    section: Material, name: str, scores: pd.DataFrame
) -> imputation.ImputedEstimates:
    """The model of an outcome with gaps filled in several times, beside complete cases."""
    plan, cluster = section.plan, clusters(section, section.responses)

    def fit(frame: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
        told = None if cluster is None else cluster.loc[frame.index]
        model = loyalty.repurchase_model(frame[name], frame[scores.columns], cluster=told)
        table = model.table.set_index("driver")
        return table["estimate"], model.covariance.loc[table.index, table.index]

    return imputation.imputed(
        fit,
        scores.join(section.responses[name]),
        n_imputations=plan.loyalty.imputations,
        conf_level=plan.conf_level,
    )


def importance(section: Material) -> tuple[drivers.RelativeImportance, drivers.Collinearity]:
    """Which dimensions go with overall satisfaction in the wave reported on."""
    plan, responses = section.plan, section.current
    scores = section.scores(responses)
    return (
        drivers.relative_importance(
            scores.join(responses["overall"]),
            "overall",
            method=plan.loyalty.importance,
            conf_level=plan.conf_level,
        ),
        drivers.collinearity(scores, halo=plan.thresholds.common_factor),
    )


def performance(section: Material) -> drivers.Ipa:
    """Importance against performance of the dimensions in the wave reported on."""
    plan, responses = section.plan, section.current
    stated = plan.loyalty.stated
    return drivers.importance_performance(
        section.scores(responses).join(responses["overall"]),
        "overall",
        importance=plan.loyalty.importance,
        stated=responses[list(stated.values())].set_axis(list(stated), axis=1) if stated else None,
        crosshair=plan.loyalty.crosshair,
        scale=(plan.scale.low, plan.scale.high),
        conf_level=plan.conf_level,
    )


def performance_map(section: Material, ipa: drivers.Ipa) -> Any:
    """The importance–performance map in the words of the report."""
    t, translate = section.t, section.translate
    scale = section.plan.scale
    assert ipa.crosshair_performance is not None and ipa.crosshair_importance is not None
    order = ("concentrate", "keep", "low_priority", "overkill")
    return plots.quadrant_map(
        ipa.table.assign(first=ipa.table["quadrant"] == "concentrate"),
        "driver",
        "performance",
        "importance",
        x_cross=ipa.crosshair_performance,
        y_cross=ipa.crosshair_importance,
        x_low="performance_low",
        x_high="performance_high",
        y_low="importance_low",
        y_high="importance_high",
        x_label=t("Performance: mean, {low:g}–{high:g}", low=scale.low, high=scale.high),
        y_label=t("Importance: share of R²"),
        quadrant_labels=_words(QUADRANTS, order, translate),
        emphasise="first",
        emphasis_label=QUADRANTS["concentrate"].render(translate),
        x_number="{:.2f}",
        y_number="{:.0%}",
    )


def urgency(section: Material, name: str) -> drivers.PriorityMatrix:
    """Frequency of low scores against the share of customers who then stay away."""
    responses = section.responses
    return drivers.priority_matrix(
        metrics.low_scores(section.plan, responses),
        1 - responses[name],
        conf_level=section.plan.conf_level,
    )


def urgency_map(section: Material, matrix: drivers.PriorityMatrix, label: str) -> Any:
    """The map of frequency and impact in the words of the report."""
    t, translate = section.t, section.translate
    corners = ("important", "urgent", "normal", "important")
    return plots.quadrant_map(
        matrix.table.head(_MOST_SHOWN).assign(first=lambda rows: rows["priority"] == "urgent"),
        "problem",
        "frequency",
        "impact",
        x_cross=matrix.frequency_from,
        y_cross=matrix.impact_from,
        x_low="frequency_low",
        x_high="frequency_high",
        y_low="impact_low",
        y_high="impact_high",
        x_label=t("Share of customers with a low score"),
        y_label=t("Without {outcome}, those with less those without it", outcome=label),
        quadrant_labels=_words(PRIORITIES, corners, translate),
        emphasise="first",
        emphasis_label=PRIORITIES["urgent"].render(translate),
        x_number="{:.0%}",
        y_number="{:.0%}",
    )


def goal(plan: Plan, outcome: str) -> float | None:
    """The target of an outcome for all customers, where the study has one."""
    targets = [t.target for t in plan.targets if t.metric == outcome and not t.where]
    return targets[0] if targets and 0 < targets[0] < 1 else None


def scenario(section: Material, model: loyalty.LogitModel) -> loyalty.Scenario:
    """What the improvement that the study file names would be worth."""
    plan = section.plan
    planned = plan.loyalty.scenario
    assert planned is not None
    return loyalty.roi_scenario(
        model,
        section.scores(section.current),
        planned.improve,
        customers=planned.customers,
        value=planned.value,
        cost=planned.cost,
        scale=(plan.scale.low, plan.scale.high),
        conf_level=plan.conf_level,
    )


QUANTITIES: dict[str, tuple[Message, str]] = {
    "probability_now": (message("Probability now"), ".1%"),
    "probability_after": (message("Probability after"), ".1%"),
    "extra_repurchases": (message("Additional customers who come back"), ",.0f"),
    "gain": (message("Additional value"), ",.0f"),
    "cost": (message("Cost"), ",.0f"),
    "net_gain": (message("Net gain"), ",.0f"),
    "return_on_investment": (message("Return on investment"), ".0%"),
    "break_even_value": (message("Value of a customer that pays for it"), ",.0f"),
    "break_even_share": (message("Share of the improvement that pays for it"), ".0%"),
    "break_even_points": (message("Points of improvement that pay for it"), ".2f"),
}


def risk(section: Material, scores: pd.DataFrame) -> loyalty.RiskScores:
    """Each customer's risk of not coming back, from a model that has not seen the customer."""
    planned = section.plan.loyalty.risk
    assert planned is not None
    responses = section.responses
    return loyalty.risk_scores(
        responses[planned.outcome],
        scores,
        customers=responses.get("customer"),
        call_cost=planned.call_cost,
        value=planned.value,
        saved=planned.saved,
        conf_level=section.plan.conf_level,
    )


def _words(
    words: dict[str, Message], order: tuple[str, ...], translate: Any
) -> tuple[str, str, str, str]:
    one, two, three, four = (words[name].render(translate) for name in order)
    return one, two, three, four
