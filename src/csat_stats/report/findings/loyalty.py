"""Conclusions on what drives loyalty and on what an improvement changed."""

from __future__ import annotations

import pandas as pd

from csat_stats.effects import BeforeAfter, DifferenceInDifferences
from csat_stats.loyalty import LogitModel
from csat_stats.report.findings.base import Finding, figures, interval, not_estimable, p
from csat_stats.report.records import Level
from csat_stats.results import message
from csat_stats.study.plan import Plan

_EFFECT_SIZES = {"hedges_g": "Hedges' g", "hedges_gz": "Hedges' g", "cohens_h": "Cohen's h"}


def model(outcome: str, label: str, result: LogitModel, table: str) -> Finding:
    """What goes with an outcome, and how well the model tells."""
    id = f"model.{outcome}"
    if result.estimate is None:
        return not_estimable(id, label, result)
    sure = result.table[result.table["conf_low"] > 0].sort_values("marginal_effect")
    names = ", ".join(sure["driver"].iloc[::-1])
    text = message(
        "{label}: {drivers} AUC = {auc:.2f} {interval}.",
        label=label,
        drivers=message(
            "higher scores go with it for {names}, the other dimensions held equal.", names=names
        )
        if names
        else message("no dimension's higher scores go with it beyond chance."),
        auc=result.estimate,
        interval=interval(result),
    )
    return Finding(id, "info", text, result.n_used, (table,), figures(result))


def priorities(
    label: str, result: LogitModel, means: pd.Series, plan: Plan, table: str, at_most: int = 3
) -> list[Finding]:
    """What to improve first: marginal effect × distance of the mean from full marks."""
    if result.estimate is None:
        return []
    drivers = result.table.set_index("driver")
    gap = plan.scale.high - means[drivers.index]
    potential = (drivers["marginal_effect"] * gap).sort_values(ascending=False)
    found = []
    for rank, (dimension, value) in enumerate(potential[potential > 0].head(at_most).items(), 1):
        text = message(
            "{dimension}: mean {mean:.2f} of {high:g}; one point more goes with {effect:+.1f} "
            "percentage points of {label} (association, not proof of cause).",
            dimension=dimension,
            mean=float(means[dimension]),
            high=plan.scale.high,
            effect=100 * float(drivers.loc[dimension, "marginal_effect"]),
            label=label,
        )
        values = {"dimension": dimension, "potential": float(value)}
        found.append(Finding(f"priority.{rank}", "info", text, result.n_used, (table,), values))
    return found


def change(dimension: str, what: str, result: BeforeAfter, table: str) -> Finding:
    """Before against after for the customers reached: ``what`` names dimension and group."""
    id = f"change.{dimension}"
    if result.estimate is None:
        return not_estimable(id, what, result)
    low, high = result.conf_low, result.conf_high
    sure = low is not None and high is not None and (low > 0 or high < 0)
    text = message(
        "{what}: {before:.2f} → {after:.2f}, change {estimate:+.2f} {interval}{effect}; {verdict}",
        what=what,
        before=result.before_mean,
        after=result.after_mean,
        estimate=result.estimate,
        interval=interval(result, "{:+.2f}"),
        effect=""
        if result.effect_size is None
        else message(
            ", {name} = {size:.2f}",
            name=_EFFECT_SIZES[result.effect_size_name],
            size=result.effect_size,
        ),
        verdict=message("beyond chance.") if sure else message("within chance."),
    )
    return Finding(id, "info", text, result.n_used, (table,), figures(result))


def attained(dimension: str, what: str, result: BeforeAfter, table: str) -> Finding | None:
    """How much of the planned gain was reached, by both readings."""
    if result.estimate is None or result.share_of_gain is None or result.share_of_target is None:
        return None
    text = message(
        "{what}: {gain:.0%} of the planned gain was reached ({after:.2f} is {reached:.0%} of the "
        "target {target:.2f}).",
        what=what,
        gain=result.share_of_gain,
        after=result.after_mean,
        reached=result.share_of_target,
        target=result.target,
    )
    level: Level = "met" if result.met else "not_met"
    return Finding(f"attained.{dimension}", level, text, result.n_used, (table,))


def net_effect(dimension: str, what: str, result: DifferenceInDifferences, table: str) -> Finding:
    """Change of the treated group beyond that of the control group."""
    id = f"did.{dimension}"
    if result.estimate is None:
        return not_estimable(id, what, result)
    text = message(
        "{what}: net of the control group the change is {estimate:+.2f} {interval}, p {p}.",
        what=what,
        estimate=result.estimate,
        interval=interval(result, "{:+.2f}"),
        p=p(result.p_value),
    )
    return Finding(id, "info", text, result.n_used, (table,), figures(result))
