"""Conclusions on what goes with loyalty."""

from __future__ import annotations

import pandas as pd

from csat_stats.drivers import Collinearity, Ipa, PriorityMatrix, RelativeImportance
from csat_stats.loyalty import Curve, LogitModel, RiskScores, Scenario
from csat_stats.report.findings.base import Finding, between, figures, interval, not_estimable
from csat_stats.report.records import Level
from csat_stats.results import Message, message, typeset
from csat_stats.study.plan import Plan

QUADRANTS = {
    "concentrate": message("concentrate here"),
    "keep": message("keep up the good work"),
    "low_priority": message("low priority"),
    "overkill": message("possible overkill"),
}

PRIORITIES = {
    "urgent": message("urgent"),
    "important": message("important"),
    "normal": message("normal"),
}


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


def importance(label: str, result: RelativeImportance, table: str) -> Finding:
    """Which driver goes most with an outcome, and how sure its place is."""
    if result.estimate is None:
        return not_estimable("importance", message("What goes with {what}", what=label), result)
    first, second = result.table.iloc[0], result.table.iloc[1] if len(result.table) > 1 else None
    ranks = result.ranks
    chance = ranks[(ranks["driver"] == first["driver"]) & (ranks["rank"] == 1)]["probability"]
    text = message(
        "The dimensions stand for {r2:.0%} of the differences in {label}. Most of it goes with "
        "{first} ({share:.0%}{interval}){second}.{rank}",
        r2=result.estimate,
        label=label,
        first=first["driver"],
        share=first["share"],
        interval=message(" {ends}", ends=between(first["share_low"], first["share_high"], "{:.0%}"))
        if len(ranks)
        else "",
        second=""
        if second is None
        else message(
            ", then with {name} ({share:.0%})", name=second["driver"], share=second["share"]
        ),
        rank=message(
            " In {probability:.0%} of the resamples {first} comes first.",
            probability=float(chance.iloc[0]),
            first=first["driver"],
        )
        if len(chance)
        else "",
    )
    values = figures(result, driver=first["driver"])
    return Finding("importance", "info", text, result.n_used, (table,), values)


def halo(result: Collinearity, limit: float, table: str) -> Finding:
    """Whether the dimensions can be told apart as drivers at all."""
    if result.estimate is None:
        return not_estimable("halo", message("Dimensions among each other"), result)
    strong = result.estimate >= limit
    text = message(
        "One general impression holds {share:.0%} of what the dimensions have to say, the "
        "largest VIF is {vif:.1f}: {verdict}",
        share=result.estimate,
        vif=result.largest_vif,
        verdict=message("how neighbours rank in importance is to be read with care.")
        if strong
        else message("the dimensions can be told apart."),
    )
    return Finding("halo", "info", text, result.n_used, (table,))


def quadrants(result: Ipa, table: str) -> Finding:
    """What is important and does badly, and how sure that is."""
    id = "quadrants"
    if result.not_estimable:
        return not_estimable(id, message("Importance and performance"), result)
    first = result.table[result.table["quadrant"] == "concentrate"]
    if first.empty:
        text = message("No dimension is both more important and worse than the others.")
        return Finding(id, "info", text, result.n_used, (table,))
    names = [
        message("{name} ({p:.0%})", name=row.driver, p=row.p_concentrate)
        for row in first.itertuples()
    ]
    text = message(
        "More important and worse than the others (with the share of resamples that say so): "
        "{names}.",
        names=_joined(names),
    )
    return Finding(id, "info", text, result.n_used, (table,))


def threshold(
    outcome: str,
    label: str,
    result: Curve,
    scale: tuple[float, float],
    below: float,
    table: str,
) -> Finding | None:
    """The score at which an outcome reaches its target; ``below`` is the share under it."""
    if result.target is None or result.not_estimable:
        return None
    if result.threshold is None:
        text = message(
            "{label}: no score on the scale goes with the target of {target:.0%}.",
            label=label,
            target=result.target,
        )
        return Finding(f"threshold.{outcome}", "watch", text, result.n_used, (table,))
    text = message(
        "{label}: the target of {target:.0%} goes with a score of {score:.2f} {interval}; "
        "{below:.0%} of the customers lie below it.",
        label=label,
        target=result.target,
        score=result.threshold,
        interval=between(*_within(result.threshold_low, result.threshold_high, scale), "{:.2f}"),
        below=below,
    )
    values = {"estimate": result.threshold, "below": below}
    missed = result.n_events / result.n_used < result.target
    level: Level = "watch" if missed else "info"
    return Finding(f"threshold.{outcome}", level, text, result.n_used, (table,), values)


def _within(
    low: float | None, high: float | None, scale: tuple[float, float]
) -> tuple[float | None, float | None]:
    """An interval as far as it lies on the scale."""
    if low is None or high is None:
        return None, None
    return max(low, scale[0]), min(high, scale[1])


def urgent(label: str, result: PriorityMatrix, table: str) -> Finding:
    """Problems that are frequent and go with fewer customers coming back."""
    found = result.table[result.table["priority"] == "urgent"]
    if result.not_estimable:
        return not_estimable("urgent", message("Frequency and impact of problems"), result)
    if result.table["impact"].isna().all():
        text = message(
            "Frequency and impact of problems: not estimable. It takes customers with and without "
            "a problem of whom it is known what became of {label}.",
            label=label,
        )
        return Finding("urgent", "not_estimable", text, result.n_used, (table,))
    if found.empty:
        text = message(
            "No problem is both frequent (from {frequency:.0%}) and heavy (from {impact:+.0%} on "
            "{label}).",
            frequency=result.frequency_from,
            impact=result.impact_from,
            label=label,
        )
        return Finding("urgent", "info", text, result.n_used, (table,))
    names = [
        message("{name} ({f:.0%}, {i:+.0%})", name=row.problem, f=row.frequency, i=row.impact)
        for row in found.itertuples()
    ]
    text = message(
        "Frequent and heavy (share, impact on {label}): {names}.", label=label, names=_joined(names)
    )
    return Finding("urgent", "watch", text, result.n_used, (table,))


def scenario(label: str, result: Scenario, plan: Plan, table: str) -> Finding:
    """What an improvement would be worth if the association held."""
    if result.estimate is None:
        return not_estimable("scenario", message("Return on investment"), result)
    assert plan.loyalty.scenario is not None
    improved = [
        message("{name} {points:+g}", name=name, points=points)
        for name, points in plan.loyalty.scenario.improve.items()
    ]
    low = result.conf_low
    level: Level = "info" if low is not None and low > 0 else "watch"
    text = message(
        "If {improved} and the association held, {label} would go from {now:.1%} to {after:.1%}: "
        "a net gain of {gain:,.0f} {interval}. Association, not proof of cause.",
        improved=_joined(improved),
        label=label,
        now=result.probability_now,
        after=result.probability_after,
        gain=result.estimate,
        interval=between(result.conf_low, result.conf_high, "{:,.0f}"),
    )
    return Finding("scenario", level, text, result.n_used, (table,), figures(result))


def risk(label: str, result: RiskScores, table: str) -> Finding:
    """How well customers at risk can be told, and whom it pays to call."""
    if result.estimate is None:
        return not_estimable("risk", message("Risk of losing customers"), result)
    top = result.lift.iloc[0]
    text = message(
        "Customers at risk ({label}): in the tenth with the highest risk {share:.0%} were lost, "
        "{lift:.1f} times the average; AUC = {auc:.2f} {interval}, calibration slope {slope} on "
        "customers the model had not seen.{calls}",
        label=label,
        share=top["share"],
        lift=top["lift"],
        auc=result.estimate,
        interval=interval(result),
        slope=typeset("{:.2f}", result.calibration_slope)
        if result.calibration_slope is not None
        else "–",
        calls=""
        if result.best_calls is None
        else message(" Calling pays for none of them.")
        if result.best_calls == 0
        else message(
            " Calling pays for the first {n:,}, with an expected net gain of {net:,.0f}.",
            n=result.best_calls,
            net=result.best_net,
        ),
    )
    return Finding("risk", "info", text, result.n_used, (table,), figures(result))


def _joined(parts: list[Message]) -> Message | str:
    """Parts of a sentence with commas between them."""
    text: Message | str = parts[0]
    for part in parts[1:]:
        text = message("{one}, {two}", one=text, two=part)
    return text
