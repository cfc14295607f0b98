"""Conclusions on the level of satisfaction and on targets."""

from __future__ import annotations

from typing import Any

import pandas as pd

from csat_stats.effects import BeforeAfter
from csat_stats.report.findings.base import Finding, between, figures, interval, not_estimable
from csat_stats.report.metrics import typeset_figure
from csat_stats.results import Message, Result, message
from csat_stats.satisfaction import NpsDifference
from csat_stats.study.plan import Plan, Target


def index(result: Result, threshold: float, change: BeforeAfter | None, table: str) -> Finding:
    """The satisfaction index against its alert level, and its change."""
    if result.estimate is None:
        return not_estimable("index", message("Satisfaction index"), result)
    good = result.estimate >= threshold
    text = message(
        "Satisfaction index {index:.1f} of 100 {interval}, {verdict}{change}",
        index=result.estimate,
        interval=interval(result, "{:.1f}"),
        verdict=message("at or above the alert level of {t:g}.", t=threshold)
        if good
        else message("below the alert level of {t:g}.", t=threshold),
        change=_change(change),
    )
    values = figures(result, **_change_values(change))
    return Finding("index", "met" if good else "watch", text, result.n_used, (table,), values)


def nps(result: Result, change: NpsDifference | None, table: str) -> Finding:
    """The net promoter score and its change."""
    if result.estimate is None:
        return not_estimable("nps", message("NPS"), result)
    text = message(
        "NPS {nps:+.1f} {interval}.{change}",
        nps=result.estimate,
        interval=interval(result, "{:+.1f}"),
        change=_change(change),
    )
    values = figures(result, **_change_values(change))
    return Finding("nps", "info", text, result.n_used, (table,), values)


def satisfied(result: Result, table: str) -> Finding:
    """The share that is satisfied."""
    if result.estimate is None:
        return not_estimable("satisfied", message("Satisfied"), result)
    text = message(
        "{share:.1%} are satisfied {interval}.",
        share=result.estimate,
        interval=interval(result, "{:.1%}"),
    )
    return Finding("satisfied", "info", text, result.n_used, (table,), figures(result))


def lowest_dimension(ranking: pd.DataFrame, plan: Plan, table: str) -> Finding:
    """The dimension with the lowest mean."""
    lowest = ranking.iloc[0]
    text = message(
        "The lowest of the dimensions is {dimension} with {mean:.2f} of {high:g} {interval}.",
        dimension=lowest["dimension"],
        mean=lowest["estimate"],
        high=plan.scale.high,
        interval=_row_interval(lowest),
    )
    values = {"dimension": lowest["dimension"]}
    return Finding("lowest", "info", text, int(lowest["n"]), (table,), values)


def low_dimension(row: Any, threshold: float, table: str) -> Finding:
    """Alert: a dimension whose mean lies below the alert level."""
    text = message(
        "{dimension} stands at {mean:.2f} {interval}, below the alert level of {t:g}.",
        dimension=row.dimension,
        mean=row.estimate,
        interval=_row_interval(pd.Series(row._asdict())),
        t=threshold,
    )
    return Finding(f"low.{row.dimension}", "watch", text, int(row.n), (table,))


def target(goal: Target, result: Result, table: str) -> Finding:
    """One line of the objective register: met or not, with the interval."""
    id = f"target.{goal.name}"
    if result.estimate is None:
        return not_estimable(id, goal.name, result)
    met = result.estimate >= goal.target
    low, high = result.conf_low, result.conf_high
    doubtful = low is not None and high is not None and low < goal.target <= high
    ends = (typeset_figure(result, low), typeset_figure(result, high))
    text = message(
        "{name}: {value} {interval}, target {target}{due}.{doubt}",
        name=goal.name,
        value=typeset_figure(result, result.estimate),
        interval=f"[{ends[0]}, {ends[1]}]" if low is not None else message("(no interval)"),
        target=typeset_figure(result, goal.target),
        due=message(" by {date}", date=goal.due.isoformat()) if goal.due else "",
        doubt=_doubt(met) if doubtful else "",
    )
    values = figures(result, target=goal.target)
    return Finding(id, "met" if met else "not_met", text, result.n_used, (table,), values)


def _doubt(met: bool) -> Message:
    if met:
        return message(" The interval still reaches below the target.")
    return message(" The interval reaches the target.")


def _row_interval(row: pd.Series) -> Message | str:
    low, high = (None if pd.isna(row[end]) else row[end] for end in ("conf_low", "conf_high"))
    return between(low, high, "{:.2f}")


def _change(result: BeforeAfter | NpsDifference | None) -> Message | str:
    if result is None or result.estimate is None:
        return ""
    return message(
        " Against the wave before: {change:+.1f} {interval}.",
        change=result.estimate,
        interval=interval(result, "{:+.1f}"),
    )


def _change_values(result: BeforeAfter | NpsDifference | None) -> dict[str, Any]:
    if result is None or result.estimate is None:
        return {}
    return {
        "change": result.estimate,
        "change_low": result.conf_low,
        "change_high": result.conf_high,
    }
