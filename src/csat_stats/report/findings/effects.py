"""Conclusions on what an improvement changed."""

from __future__ import annotations

from csat_stats.display import p_phrase as p
from csat_stats.effects import (
    BeforeAfter,
    DifferenceInDifferences,
    Equivalence,
    InterruptedTimeSeries,
    RegressionToMean,
    StudyDesign,
)
from csat_stats.report.findings.base import Finding, between, figures, interval, not_estimable
from csat_stats.report.records import Level
from csat_stats.results import message

DESIGNS = {
    "difference_in_differences": message("difference in differences"),
    "interrupted_time_series": message("interrupted time series"),
    "panel": message("the same customers twice"),
    "independent_waves": message("independent waves"),
}

TERMS = {
    "level_before": message("Level before"),
    "slope_before": message("Slope before, a month"),
    "level_change": message("Jump at the improvement"),
    "slope_change": message("Turn of the slope, a month"),
    "effect_at_end": message("Difference in the last month"),
}

_EFFECT_SIZES = {"hedges_g": "Hedges' g", "hedges_gz": "Hedges' g", "cohens_h": "Cohen's h"}


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
    if result.estimate is None or result.share_of_target is None or result.target is None:
        return None
    assert result.before_mean is not None and result.after_mean is not None
    level: Level = "met" if result.after_mean >= result.target else "not_met"
    if result.share_of_gain is None or result.target <= result.before_mean:
        text = message(
            "{what}: the target {target:.2f} was reached before the improvement already "
            "({before:.2f}, now {after:.2f}): no gain was planned.",
            what=what,
            target=result.target,
            before=result.before_mean,
            after=result.after_mean,
        )
        return Finding(f"attained.{dimension}", level, text, result.n_used, (table,))
    text = message(
        "{what}: {gain:.0%} of the planned gain was reached ({after:.2f} is {reached:.0%} of the "
        "target {target:.2f}).",
        what=what,
        gain=result.share_of_gain,
        after=result.after_mean,
        reached=result.share_of_target,
        target=result.target,
    )
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


def study_design(result: StudyDesign, table: str) -> Finding:
    """Which comparison the data allow, why it was taken, and what it cannot show."""
    if result.chosen is None:
        return not_estimable("design", message("Design of the comparison"), result)
    text = message(
        "Design: {design}. {reason} {causal}",
        design=DESIGNS[result.chosen],
        reason=result.reason,
        causal=result.would_be_causal[result.chosen],
    )
    return Finding("design", "info", text, result.n_used, (table,))


def practical(dimension: str, what: str, result: Equivalence, table: str) -> Finding:
    """Whether a change matters, does not matter, or cannot be told."""
    id = f"practical.{dimension}"
    if result.not_estimable or result.reading is None:
        return not_estimable(id, what, result)
    text = message("{what}: {reading}", what=what, reading=result.reading)
    return Finding(id, "info", text, result.n_used, (table,))


def by_chance(dimension: str, what: str, result: RegressionToMean, table: str) -> Finding:
    """How much of the change those chosen for being worst would have shown anyway."""
    id = f"by_chance.{dimension}"
    if result.estimate is None:
        return not_estimable(id, message("Regression to the mean, {what}", what=what), result)
    sentence = (
        message(
            "{what}: chosen with low figures, so {estimate:+.2f} {interval} of the change is "
            "expected without any action (regression to the mean); {remaining:+.2f} {rest} remain."
        )
        if result.estimate >= 0
        else message(
            "{what}: chosen with high figures, so {estimate:+.2f} {interval} of the change is "
            "expected without any action (regression to the mean); {remaining:+.2f} {rest} remain."
        )
    )
    text = message(
        sentence.text,
        what=what,
        estimate=result.estimate,
        interval=interval(result, "{:+.2f}"),
        remaining=result.remaining_change,
        rest=between(result.remaining_low, result.remaining_high, "{:+.2f}"),
    )
    return Finding(id, "info", text, result.n_used, (table,), figures(result))


def series(dimension: str, what: str, result: InterruptedTimeSeries, table: str) -> Finding:
    """The level of a monthly series after the action against what its past leads to expect."""
    id = f"series.{dimension}"
    if result.estimate is None:
        return not_estimable(id, message("{what}, month by month", what=what), result)
    text = message(
        "{what}, month by month: at the action the level moves by {estimate:+.2f} {interval}, "
        "p {p}; before it the figure moved by {slope:+.3f} a month.",
        what=what,
        estimate=result.estimate,
        interval=interval(result, "{:+.2f}"),
        p=p(result.p_value),
        slope=result.coefficients.set_index("term").loc["slope_before", "estimate"],
    )
    return Finding(id, "info", text, None, (table,), figures(result))
