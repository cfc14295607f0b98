"""What section 09 asks of a study: which design it allows, and the months around an action."""

from __future__ import annotations

from typing import Any

import pandas as pd

from csat_stats import effects, plots
from csat_stats.report import metrics, over_time
from csat_stats.report.material import Material
from csat_stats.results import Message, message
from csat_stats.study import Plan
from csat_stats.study.analyses import Improvement


def not_shared(improvement: Improvement) -> Message:
    """Why an improvement cannot be judged by two questionnaires."""
    return message(
        "{dimension} was not asked alike in both waves: the improvement cannot be judged.",
        dimension=improvement.dimension,
    )


def treated(responses: pd.DataFrame, improvement: Improvement) -> pd.Series:
    """Who was reached by the improvement: everybody, where the study names nobody."""
    return pd.Series(
        responses.index.isin(metrics.within(responses, improvement.treated).index), responses.index
    )


def design(
    section: Material,
    plan: Plan,
    before: pd.DataFrame,
    after: pd.DataFrame,
    monthly: pd.DataFrame | None,
) -> effects.StudyDesign:
    """Which comparison the data allow; ``plan`` has the items that both waves share."""
    improvement = plan.improvement
    waves, control, periods = [before, after], [0, 0], [0, 0]
    if improvement and improvement.dimension in plan.dimensions:
        waves = [w[metrics.scores(plan, w)[improvement.dimension].notna()] for w in waves]
        reached = [treated(wave, improvement) for wave in waves]
        control = [int((~rows).sum()) for rows in reached]
        waves = [wave[rows] for wave, rows in zip(waves, reached, strict=True)]
    if improvement and improvement.date and monthly is not None:
        asked = monthly.index[monthly[improvement.dimension].notna()]
        start = starts(improvement)
        periods = [int((asked < start).sum()), int((asked >= start).sum())]
    submitted = after["submitted"].max() if "submitted" in after else pd.NaT
    return effects.choose_design(
        n_waves=len(section.waves),
        n_before=len(waves[0]),
        n_after=len(waves[1]),
        panel_customers=_panel(section, *waves),
        n_control_before=control[0],
        n_control_after=control[1],
        n_periods_before=periods[0],
        n_periods_after=periods[1],
        action_date=improvement.date if improvement else None,
        last_date=None if pd.isna(submitted) else submitted.date(),
    )


def _panel(section: Material, before: pd.DataFrame, after: pd.DataFrame) -> int:
    if not section.plan.customer:
        return 0
    return len(set(before["customer"].dropna()) & set(after["customer"].dropna()))


def starts(improvement: Improvement) -> pd.Period:
    """The first whole month under the improvement."""
    assert improvement.date is not None
    month = pd.Period(improvement.date, "M")
    return month if improvement.date.day == 1 else month + 1


def months(section: Material, plan: Plan, improvement: Improvement) -> dict[str, pd.DataFrame]:
    """Months of those reached by the improvement (``treated``) and of the others (``control``)."""
    history, _ = over_time.earlier(section)
    if history is not None and any(column not in history for column in improvement.treated):
        history = None
    responses = section.up_to(improvement.after)
    reached = treated(responses, improvement)
    groups = {"treated": reached} | ({} if reached.all() else {"control": ~reached})
    tables = {}
    for name, rows in groups.items():
        past = None
        if history is not None:
            hit = treated(history, improvement)
            past = history[hit if name == "treated" else ~hit]
        tables[name] = over_time.months(plan, responses[rows], past)
    return tables


def series(
    section: Material, improvement: Improvement, tables: dict[str, pd.DataFrame]
) -> effects.InterruptedTimeSeries:
    """The improvement's dimension by month, less that of the others where there are any."""
    dimension, reached = improvement.dimension, tables["treated"]
    control = tables["control"][dimension].reindex(reached.index) if "control" in tables else None
    return effects.interrupted_time_series(
        reached[dimension],
        starts(improvement),
        n=reached[f"n {dimension}"],
        control=control,
        conf_level=section.plan.conf_level,
    )


def series_figure(
    section: Material, improvement: Improvement, result: effects.InterruptedTimeSeries, label: str
) -> Any:
    """The series with the line it was expected to keep to."""
    t = section.t
    return plots.interrupted(
        result.table,
        "period",
        "observed",
        "fitted",
        "counterfactual",
        "counterfactual_low",
        "counterfactual_high",
        start=starts(improvement),
        start_label=improvement.label or t("Improvement"),
        value_label=label,
        observed_label=t("Observed"),
        fitted_label=t("Fitted"),
        counterfactual_label=t("Expected without it"),
        number="{:.2f}",
    )


def by_chance(
    plan: Plan, improvement: Improvement, before: pd.DataFrame, after: pd.DataFrame
) -> effects.RegressionToMean | None:
    """What the levels chosen for the improvement would have changed by anyway, if one segment."""
    if len(improvement.treated) != 1:
        return None
    ((segment, levels),) = improvement.treated.items()
    figures = [metrics.scores(plan, wave)[improvement.dimension] for wave in (before, after)]
    known = before.loc[figures[0].notna(), segment].unique()
    return effects.regression_to_mean(
        figures[0],
        before[segment].astype("object"),
        chosen=[level for level in levels if level in known],
        after=figures[1],
        unit_after=after[segment].astype("object"),
        conf_level=plan.conf_level,
    )
