"""Wave by wave and month by month: what sections 05 and 09 follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from csat_stats import plots, satisfaction, trends
from csat_stats.report import metrics
from csat_stats.report import scope as scopes
from csat_stats.report.material import Material
from csat_stats.results import Message, Result, message
from csat_stats.study import Plan

_FEWEST = 8  # months with answers that a control chart needs

FEW_MONTHS = message("Too few months with answers for a control chart or a forecast.")


def by_wave(
    section: Material, names: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, trends.WaveTrend], list[Result]]:
    """Every headline figure and dimension from the first wave to the one reported on.

    ``names`` is what a reader is shown for a metric.

    Returns
    -------
    tuple
        A table ``metric, measure, first, last, estimate, conf_low, conf_high, adjusted,
        adjusted_low, adjusted_high, p_value, p_holm, n, pattern``; the trends by metric; all
        results.
    """
    responses = section.followed
    plan = section.shared(list(responses["wave"].cat.categories))
    values = metrics.values(plan, responses)
    strata = plan.sampling.strata if plan.sampling else []
    found = {
        metric: trends.wave_trend(
            values[metric],
            responses["wave"],
            strata=responses[strata] if strata else None,
            standard=plan.trends.standard,
            conf_level=plan.conf_level,
        )
        for metric in values
    }
    rows = []
    for metric, result in found.items():
        first, last = result.table["estimate"].iloc[[0, -1]]
        if result.estimate is None or pd.isna(first) or pd.isna(last):
            continue
        figures = ["estimate", "conf_low", "conf_high"]
        figures += ["adjusted", "adjusted_low", "adjusted_high"]
        rows.append(
            {
                "metric": metric,
                "measure": names.get(metric, metric),
                "first": first,
                "last": last,
                **{name: getattr(result, name) for name in figures},
                "p_value": result.p_value if result.adjusted_p is None else result.adjusted_p,
                "n": result.n_used,
                "pattern": {"satisfied": ".1%", "index": ".1f", "nps": "+.1f"}.get(metric, ".2f"),
            }
        )
    table, results = pd.DataFrame(rows), list[Result](found.values())
    if rows:
        family = satisfaction.holm(table["p_value"])
        table["p_holm"] = family.table["p_holm"].to_numpy()
        results.append(family)
    return table, found, results


def questions(section: Material, waves: Sequence[str]) -> trends.CommonQuestions:
    """Which items were asked in every one of the waves."""
    asked = {
        wave: [section.plan.label(item) for item in section.shared([wave]).items] for wave in waves
    }
    return trends.common_questions(asked)


def events(section: Material, asked: trends.CommonQuestions) -> dict[str, str]:
    """What changed in the questionnaire, and the wave from which on: marks of a chart."""
    return {what.render(section.translate): wave for wave, what in asked.changes}


def control_charts(section: Material, monthly: pd.DataFrame) -> dict[str, trends.ControlChart]:
    """Charts of the share satisfied and of each dimension with months enough for one."""
    plan = section.plan
    charts = {}
    asked = monthly["n"].where(monthly["satisfied"].notna(), 0)
    if (asked > 0).sum() >= _FEWEST:
        charts["satisfied"] = trends.control_chart(
            monthly["satisfied"], n=asked, baseline=_baseline(plan, asked > 0)
        )
    for dimension in [name for name in plan.dimensions if name in monthly]:
        known = monthly[dimension].notna()
        if known.sum() >= _FEWEST:
            charts[dimension] = trends.control_chart(
                monthly[dimension],
                n=monthly[f"n {dimension}"],
                kind="xmr",
                baseline=_baseline(plan, known),
            )
    return charts


def _baseline(plan: Plan, known: pd.Series) -> tuple[pd.Period, pd.Period] | None:
    """The frozen baseline: up to the study's month, or the first half of sixteen and more."""
    months = known.index[known]
    if plan.trends.baseline:
        end = pd.Period(plan.trends.baseline)
        return (months[0], end) if end > months[0] else None
    return (months[0], months[len(months) // 2 - 1]) if len(months) >= 16 else None


def next_months(section: Material, monthly: pd.DataFrame) -> trends.Forecast:
    """The share satisfied in the months to come."""
    plan = section.plan
    share = (monthly["satisfied"] / monthly["n"].where(monthly["n"] > 0)).rename("satisfied")
    horizon = plan.trends.horizon
    ahead = pd.period_range(monthly.index[0], monthly.index[-1] + horizon, freq="M")
    promoted = pd.Series(ahead.astype(str).isin(plan.trends.promotions).astype(float), ahead)
    return trends.forecast(
        share,
        horizon=horizon,
        promotions=promoted.rename("promotion") if promoted[monthly.index].any() else None,
        season=12,
        bounds=(0, 1),
        conf_level=plan.conf_level,
    )


def dimension_levels(section: Material, found: Mapping[str, trends.WaveTrend]) -> pd.DataFrame:
    """Mean and interval of each dimension by wave."""
    levels = pd.concat(
        [
            found[dimension].table.assign(dimension=dimension)
            for dimension in section.plan.dimensions
            if dimension in found
        ],
        ignore_index=True,
    )
    return levels.assign(period=levels["period"].astype("str"))


def control_figure(section: Material, chart: trends.ControlChart, label: str) -> Any:
    """A control chart in the words of the report."""
    t, known = section.t, chart.table[chart.table["value"].notna()]
    ends = known["period"].iloc[chart.baseline_periods - 1]
    frozen = chart.baseline_periods < len(known)
    return plots.control_chart(
        chart.table.assign(signal=chart.table["signal"] != ""),
        "period",
        "value",
        "centre",
        "lower",
        "upper",
        "signal",
        value_label=label,
        centre_label=t("Mean of the baseline"),
        limits_label=t("Limits (3σ)"),
        signal_label=t("Beyond chance"),
        baseline_end=ends if frozen else None,
        baseline_label=t("Baseline period") if frozen else None,
        number="{:.2f}" if chart.kind == "xmr" else "{:.0%}",
    )


def forecast_figure(section: Material, ahead: trends.Forecast, label: str) -> Any:
    """A forecast in the words of the report, months of promotions shaded."""
    t, model = section.t, ahead.chosen == "model"
    promoted = set(section.plan.trends.promotions)
    drawn = [*ahead.history["period"], *ahead.table["period"]]
    return plots.forecast(
        ahead.history,
        ahead.table,
        period="period",
        value="value",
        estimate="estimate",
        conf_low="conf_low",
        conf_high="conf_high",
        value_label=label,
        observed_label=t("Observed"),
        forecast_label=t("Forecast") if model else t("Naive forecast"),
        other="naive" if model else None,
        other_label=t("Naive forecast") if model else None,
        promotions=[month for month in drawn if month in promoted],
        promotions_label=t("Month of a promotion"),
        number="{:.0%}",
    )


def problems(section: Material) -> trends.ProblemTrends:
    """Low answers to each item over the waves, or over months where there is one wave."""
    plan, responses = section.plan, section.followed
    waves = section.wave and responses["wave"].nunique() > 1
    if "submitted" in responses and not waves:
        period = _month(responses)
    else:
        period = responses.get("wave", pd.Series(plan.period or plan.title, responses.index))
    return trends.problem_trends(
        metrics.low_scores(plan, responses),
        period,
        recurring_from=plan.trends.recurring_from,
        conf_level=plan.conf_level,
    )


def _month(responses: pd.DataFrame) -> pd.Series:
    submitted = responses["submitted"]
    naive = submitted.dt.tz_localize(None) if submitted.dt.tz is not None else submitted
    return naive.dt.to_period("M")


def monthly(section: Material) -> tuple[pd.DataFrame, list[Message]]:
    """The months up to the last answer reported on, and what a reader should know of them."""
    history, note = earlier(section)
    responses = section.followed
    waves = list(responses["wave"].cat.categories) if section.wave else []
    table = months(section.shared(waves), responses, history)
    asked = table.index[table["source"] == "responses"]
    if len(asked):
        table = table.loc[: asked[-1]]
    return table, [note] if note else []


def earlier(section: Material) -> tuple[pd.DataFrame | None, Message | None]:
    """The earlier months within the scope of the report, or why they cannot be used."""
    history = section.intake.tables.get("history")
    pairs = scopes.pairs(section.scope["where"])
    if history is None:
        return None, None
    unknown = [column for column, _ in pairs if column not in history]
    if unknown:
        return None, message(
            "The earlier months are not told apart by {columns}: only the responses count.",
            columns=", ".join(unknown),
        )
    for column, level in pairs:
        history = history[history[column] == level]
    return history, None


def months(plan: Plan, responses: pd.DataFrame, history: pd.DataFrame | None) -> pd.DataFrame:
    """One row a calendar month from the first to the last, also where nobody was asked.

    Returns
    -------
    DataFrame
        Indexed by month (``PeriodIndex``): ``n`` answers, ``satisfied`` among them (NaN where
        overall satisfaction was not asked), the mean of each dimension with the answers behind
        it as ``n NAME``, and ``source`` (``responses``, ``history`` or "", without answers).
        Where both have a month, the responses count.
    """
    parts = [_of_responses(plan, responses)]
    if history is not None and len(history):
        parts.append(_of_history(plan, history))
    table = pd.concat([part for part in parts if len(part)] or parts)
    table = table[~table.index.duplicated()]
    if table.empty:
        return table
    whole = pd.period_range(table.index.min(), table.index.max(), freq="M")
    table = table.reindex(whole).rename_axis("period")
    counts = ["n", *(f"n {dimension}" for dimension in plan.dimensions)]
    table[counts] = table[counts].fillna(0).astype("int64")
    return table.assign(source=table["source"].fillna(""))


def _of_responses(plan: Plan, responses: pd.DataFrame) -> pd.DataFrame:
    if "submitted" not in responses:
        return _none(plan)
    dated = responses["submitted"].notna()
    period = _month(responses[dated])
    frame = metrics.values(plan, responses[dated])
    columns: dict[str, Any] = {}
    if "satisfied" in frame:
        groups = frame["satisfied"].groupby(period)
        columns |= {"n": groups.count(), "satisfied": groups.sum()}
    else:
        columns |= {"n": frame.notna().any(axis=1).groupby(period).sum(), "satisfied": np.nan}
    for dimension in plan.dimensions:
        groups = frame[dimension].groupby(period)
        columns |= {dimension: groups.mean(), f"n {dimension}": groups.count()}
    return pd.DataFrame(columns, index=pd.PeriodIndex(sorted(period.unique()), freq="M")).assign(
        source="responses"
    )


def _of_history(plan: Plan, history: pd.DataFrame) -> pd.DataFrame:
    """Levels of a segment are put together, by their numbers of answers."""
    period = pd.PeriodIndex(history["period"], freq="M")
    columns: dict[str, Any] = {"n": history["n"].groupby(period).sum(), "satisfied": np.nan}
    if "satisfied" in history:
        columns["satisfied"] = history["satisfied"].groupby(period).sum()
    for dimension in plan.dimensions:
        if dimension in history:
            asked = history["n"].where(history[dimension].notna(), 0)
            n = asked.groupby(period).sum()
            total = (history[dimension] * asked).groupby(period).sum()
            columns |= {dimension: total / n.where(n > 0), f"n {dimension}": n}
        else:
            columns |= {dimension: np.nan, f"n {dimension}": 0}
    return pd.DataFrame(columns).assign(source="history")


def _none(plan: Plan) -> pd.DataFrame:
    columns = ["n", "satisfied", "source"]
    columns += [name for d in plan.dimensions for name in (d, f"n {d}")]
    return pd.DataFrame(columns=columns, index=pd.PeriodIndex([], freq="M"), dtype="float64")
