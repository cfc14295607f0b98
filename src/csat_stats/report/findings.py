"""Conclusions: the sentence a consultant would write under a figure, with its verdict.

Each function takes results and the study's thresholds and gives a :class:`Finding`. The
summary, alerts and the exit status read findings and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from csat_stats.effects import BeforeAfter, DifferenceInDifferences
from csat_stats.loyalty import LogitModel
from csat_stats.reliability import CronbachAlpha
from csat_stats.report.records import Level
from csat_stats.report.tables import p_value
from csat_stats.results import Message, Result, message, typeset
from csat_stats.sampling import QuotaFill, Representativeness, SampleSize
from csat_stats.satisfaction import NpsDifference, Share
from csat_stats.study.plan import Plan, Target
from csat_stats.validity import Bartlett, Kmo, ParallelAnalysis

VERDICTS: dict[Level, Message] = {
    "met": message("met"),
    "not_met": message("not met"),
    "watch": message("watch"),
    "not_estimable": message("not estimable"),
    "info": message("result"),
}


_EFFECT_SIZES = {"hedges_g": "Hedges' g", "hedges_gz": "Hedges' g", "cohens_h": "Cohen's h"}


@dataclass(frozen=True)
class Finding:
    """A conclusion: ``id`` stays the same from run to run, ``tables`` is what it rests on."""

    id: str
    level: Level
    text: Message
    n: int | None = None
    tables: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


def not_estimable(id: str, what: Message | str, result: Result) -> Finding:
    """Why there is no figure."""
    text = message("{what}: not estimable. {why}", what=what, why=result.not_estimable)
    return Finding(id, "not_estimable", text, result.n_used)


def _figures(result: Result, **more: Any) -> dict[str, Any]:
    return {
        "estimate": result.estimate,
        "conf_low": result.conf_low,
        "conf_high": result.conf_high,
        **more,
    }


# --- sampling ------------------------------------------------------------------------------------


def sample_size(needed: SampleSize, achieved: int, margin: float, table: str) -> Finding:
    """Enough responses for the planned margin of error?"""
    enough = achieved >= needed.completes
    text = message(
        "{achieved:,} responses against {needed:,} needed for a margin of ±{margin:.1%}: {verdict}",
        achieved=achieved,
        needed=needed.completes,
        margin=margin,
        verdict=message("enough.") if enough else message("too few."),
    )
    return Finding("sample_size", "met" if enough else "not_met", text, achieved, (table,))


def quota(result: QuotaFill, threshold: float, table: str) -> Finding:
    """Were the planned cells filled?"""
    if result.estimate is None:
        return not_estimable("quota", message("Quota fill"), result)
    short = int((result.table["fill"] < threshold).sum())
    text = message(
        "{share:.0%} of the planned responses were reached; {short} of {cells} cells are below "
        "{threshold:.0%} of their plan.",
        share=result.estimate,
        short=short,
        cells=len(result.table),
        threshold=threshold,
    )
    level: Level = "watch" if short else "met"
    return Finding("quota", level, text, result.n_used, (table,), _figures(result))


def representative(result: Representativeness, where: str, table: str) -> Finding:
    """Does the sample look like the population? By Cohen's w: .1 small, .3 medium."""
    what = message("Representativeness by {where}", where=where)
    if result.estimate is None:
        return not_estimable(f"representative.{where}", what, result)
    worst = result.table.loc[result.table["difference"].abs().idxmax()]
    text = message(
        "By {where} the sample {verdict} (w = {w:.2f}, p {p}); largest gap: {level}, "
        "{gap:+.1f} percentage points.",
        where=where,
        w=result.estimate,
        p=_p(result.p_value),
        level=str(worst.iloc[0]),
        gap=100 * float(worst["difference"]),
        verdict=message("mirrors the population")
        if result.estimate < 0.1
        else message("departs slightly from the population")
        if result.estimate < 0.3
        else message("departs from the population; read weighted figures"),
    )
    level: Level = "met" if result.estimate < 0.1 else "info" if result.estimate < 0.3 else "watch"
    return Finding(f"representative.{where}", level, text, result.n_used, (table,))


# --- measurement ---------------------------------------------------------------------------------


def consistency(
    results: Mapping[str, CronbachAlpha], threshold: float, table: str
) -> list[Finding]:
    """Are the dimensions measured consistently? One finding for all that are, one for each not."""
    good = {d: r.estimate for d, r in results.items() if r.estimate and r.estimate >= threshold}
    found = []
    if good:
        lowest = min(good, key=lambda dimension: good[dimension])
        text = message(
            "{n} of {all} dimensions reach a Cronbach's α of {t:.2f}; the lowest of these is "
            "{dimension} with {alpha:.2f} [{low:.2f}, {high:.2f}].",
            n=len(good),
            all=len(results),
            t=threshold,
            dimension=lowest,
            alpha=good[lowest],
            low=results[lowest].conf_low,
            high=results[lowest].conf_high,
        )
        level: Level = "met" if len(good) == len(results) else "info"
        found.append(Finding("alpha", level, text, results[lowest].n_used, (table,)))
    for dimension, result in results.items():
        if result.estimate is None:
            found.append(not_estimable(f"alpha.{dimension}", dimension, result))
        elif dimension not in good:
            text = message(
                "{dimension}: Cronbach's α = {alpha:.2f} [{low:.2f}, {high:.2f}], below {t:.2f}: "
                "read the dimension score with care.",
                dimension=dimension,
                alpha=result.estimate,
                low=result.conf_low,
                high=result.conf_high,
                t=threshold,
            )
            found.append(
                Finding(
                    f"alpha.{dimension}", "watch", text, result.n_used, (table,), _figures(result)
                )
            )
    return found


def factorable(adequacy: Kmo, sphericity: Bartlett, threshold: float, table: str) -> Finding:
    """Do the correlations suit a factor analysis?"""
    if adequacy.estimate is None or sphericity.p_value is None:
        failed = adequacy if adequacy.estimate is None else sphericity
        return not_estimable("kmo", message("KMO and Bartlett's test"), failed)
    suited = adequacy.estimate >= threshold and sphericity.p_value < 0.05
    text = message(
        "KMO = {kmo:.2f} (needed {t:.2f}); Bartlett χ²({df}) = {chi2:,.1f}, p {p}: the items "
        "{verdict} factor analysis.",
        kmo=adequacy.estimate,
        t=threshold,
        df=sphericity.df,
        chi2=sphericity.statistic,
        p=_p(sphericity.p_value),
        verdict=message("suit") if suited else message("do not suit"),
    )
    level: Level = "met" if suited else "watch"
    return Finding("kmo", level, text, adequacy.n_used, (table,), _figures(adequacy))


def factors(result: ParallelAnalysis, n_dimensions: int, table: str) -> Finding:
    """How many factors do the answers hold, beside the dimensions of the questionnaire?"""
    if result.n_factors is None:
        return not_estimable("factors", message("Number of factors"), result)
    text = message(
        "Parallel analysis finds {found} factor(s); the questionnaire has {planned} dimension(s).",
        found=result.n_factors,
        planned=n_dimensions,
    )
    return Finding("factors", "info", text, result.n_used, (table,))


# --- satisfaction --------------------------------------------------------------------------------


def index(result: Result, threshold: float, change: BeforeAfter | None, table: str) -> Finding:
    """The satisfaction index against its alert level."""
    if result.estimate is None:
        return not_estimable("index", message("Satisfaction index"), result)
    good = result.estimate >= threshold
    text = message(
        "Satisfaction index {index:.1f} of 100 [{low:.1f}, {high:.1f}], {verdict}{change}",
        index=result.estimate,
        low=result.conf_low,
        high=result.conf_high,
        verdict=message("at or above the alert level of {t:.0f}.", t=threshold)
        if good
        else message("below the alert level of {t:.0f}.", t=threshold),
        change=_change(change),
    )
    values = _figures(result, **_change_values(change))
    return Finding("index", "met" if good else "watch", text, result.n_used, (table,), values)


def nps(result: Result, change: NpsDifference | None, table: str) -> Finding:
    """The net promoter score and its change."""
    if result.estimate is None:
        return not_estimable("nps", "NPS", result)
    text = message(
        "NPS {nps:+.1f} [{low:+.1f}, {high:+.1f}].{change}",
        nps=result.estimate,
        low=result.conf_low,
        high=result.conf_high,
        change=_change(change),
    )
    values = _figures(result, **_change_values(change))
    return Finding("nps", "info", text, result.n_used, (table,), values)


def satisfied(result: Result, table: str) -> Finding:
    """The share that is satisfied."""
    if result.estimate is None:
        return not_estimable("satisfied", message("Satisfied"), result)
    text = message(
        "{share:.1%} are satisfied [{low:.1%}, {high:.1%}].",
        share=result.estimate,
        low=result.conf_low,
        high=result.conf_high,
    )
    return Finding("satisfied", "info", text, result.n_used, (table,), _figures(result))


def lowest_dimension(ranking: pd.DataFrame, plan: Plan, table: str) -> Finding:
    """The dimension with the lowest mean."""
    lowest = ranking.iloc[0]
    text = message(
        "The lowest of the dimensions is {dimension} with {mean:.2f} of {high:g} "
        "[{conf_low:.2f}, {conf_high:.2f}].",
        dimension=lowest["dimension"],
        mean=lowest["estimate"],
        high=plan.scale.high,
        conf_low=lowest["conf_low"],
        conf_high=lowest["conf_high"],
    )
    return Finding(
        "lowest", "info", text, int(lowest["n"]), (table,), {"dimension": lowest["dimension"]}
    )


def low_dimension(row: Any, threshold: float, table: str) -> Finding:
    """Alert: a dimension whose mean lies below the alert level."""
    text = message(
        "{dimension} stands at {mean:.2f} [{low:.2f}, {high:.2f}], below the alert level of "
        "{t:.2f}.",
        dimension=row.dimension,
        mean=row.estimate,
        low=row.conf_low,
        high=row.conf_high,
        t=threshold,
    )
    return Finding(f"low.{row.dimension}", "watch", text, int(row.n), (table,))


def target(goal: Target, result: Result, table: str) -> Finding:
    """One line of the objective register: met or not, with the interval."""
    id = f"target.{goal.name}"
    if result.estimate is None:
        return not_estimable(id, goal.name, result)
    pattern = "{:.1%}" if isinstance(result, Share) else "{:.2f}"
    met = result.estimate >= goal.target
    open_ = (
        result.conf_low is not None
        and result.conf_high is not None
        and result.conf_low < goal.target <= result.conf_high
    )
    text = message(
        "{name}: {value} [{low}, {high}] against a target of {target}{due}: {verdict}",
        name=goal.name,
        value=typeset(pattern, result.estimate),
        low=typeset(pattern, result.conf_low),
        high=typeset(pattern, result.conf_high),
        target=typeset(pattern, goal.target),
        due=message(" by {date}", date=goal.due.isoformat()) if goal.due else "",
        verdict=message("met.")
        if met and not open_
        else message("met, though the interval still reaches below the target.")
        if met
        else message("not met, though the interval reaches the target.")
        if open_
        else message("not met."),
    )
    level: Level = "met" if met else "not_met"
    return Finding(id, level, text, result.n_used, (table,), _figures(result, target=goal.target))


# --- drivers and effects -------------------------------------------------------------------------


def model(label: str, result: LogitModel, table: str) -> Finding:
    """What goes with an outcome, and how well the model tells."""
    if result.estimate is None:
        return not_estimable(f"model.{label}", label, result)
    sure = result.table[result.table["conf_low"] > 0].sort_values("marginal_effect")
    names = ", ".join(sure["driver"].iloc[::-1])
    text = message(
        "{label}: {drivers} AUC = {auc:.2f} [{low:.2f}, {high:.2f}].",
        label=label,
        auc=result.estimate,
        low=result.conf_low,
        high=result.conf_high,
        drivers=message(
            "higher scores go with it for {names}, the other dimensions held equal.", names=names
        )
        if names
        else message("no dimension alone goes with it beyond chance."),
    )
    return Finding(f"model.{label}", "info", text, result.n_used, (table,), _figures(result))


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
        effect = float(drivers.loc[dimension, "marginal_effect"])
        text = message(
            "{dimension}: mean {mean:.2f} of {high:g}; one point more goes with {effect:+.1f} "
            "percentage points of {label} (association, not proof of cause).",
            dimension=dimension,
            mean=float(means[dimension]),
            high=plan.scale.high,
            effect=100 * effect,
            label=label,
        )
        values = {"dimension": dimension, "potential": float(value)}
        found.append(Finding(f"priority.{rank}", "info", text, result.n_used, (table,), values))
    return found


def change(what: str, result: BeforeAfter, table: str) -> Finding:
    """Before against after, for one group."""
    if result.estimate is None:
        return not_estimable(f"change.{what}", what, result)
    sure = result.conf_low is not None and (result.conf_low > 0 or (result.conf_high or 0) < 0)
    text = message(
        "{what}: {before:.2f} → {after:.2f}, change {estimate:+.2f} [{low:+.2f}, {high:+.2f}], "
        "{name} = {size:.2f}; {verdict}",
        what=what,
        before=result.before_mean,
        after=result.after_mean,
        estimate=result.estimate,
        low=result.conf_low,
        high=result.conf_high,
        name=_EFFECT_SIZES[result.effect_size_name],
        size=result.effect_size,
        verdict=message("beyond chance.") if sure else message("within chance."),
    )
    return Finding(f"change.{what}", "info", text, result.n_used, (table,), _figures(result))


def attained(what: str, result: BeforeAfter, table: str) -> Finding | None:
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
    return Finding(f"attained.{what}", level, text, result.n_used, (table,))


def net_effect(what: str, result: DifferenceInDifferences, table: str) -> Finding:
    """Change of the treated group beyond that of the control group."""
    if result.estimate is None:
        return not_estimable(f"did.{what}", what, result)
    text = message(
        "{what}: net of the control group the change is {estimate:+.2f} [{low:+.2f}, {high:+.2f}], "
        "p {p}.",
        what=what,
        estimate=result.estimate,
        low=result.conf_low,
        high=result.conf_high,
        p=_p(result.p_value),
    )
    return Finding(f"did.{what}", "info", text, result.n_used, (table,), _figures(result))


# --- words ---------------------------------------------------------------------------------------


def _p(value: float | None) -> str:
    """``= .012`` or ``< .001``."""
    shown = p_value(value)
    return shown if shown.startswith("<") else f"= {shown}"


def _change(result: BeforeAfter | NpsDifference | None) -> Message | str:
    if result is None or result.estimate is None:
        return ""
    return message(
        " Against the wave before: {change:+.1f} [{low:+.1f}, {high:+.1f}].",
        change=result.estimate,
        low=result.conf_low,
        high=result.conf_high,
    )


def _change_values(result: BeforeAfter | NpsDifference | None) -> dict[str, Any]:
    if result is None or result.estimate is None:
        return {}
    return {
        "change": result.estimate,
        "change_low": result.conf_low,
        "change_high": result.conf_high,
    }
