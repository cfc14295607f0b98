"""Conclusions on the sampling plan, fieldwork and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from csat_stats import display
from csat_stats.display import p_phrase as p
from csat_stats.report.design import Chance
from csat_stats.report.findings.base import (
    Finding,
    between,
    figures,
    not_estimable,
)
from csat_stats.report.records import Level
from csat_stats.results import Result, message
from csat_stats.sampling import (
    CallBack,
    ExpectedPrecision,
    NonresponseByStratum,
    QuotaFill,
    Representativeness,
    ResponseRates,
    SampleSize,
    SurveyMean,
)

# Cohen (1988) for w, and V of a table with two columns: .1 is a small effect, .3 a medium one.
SMALL, MEDIUM = 0.1, 0.3


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


def plan_size(needed: SampleSize, planned: int, margin: float, table: str) -> Finding:
    """Before fieldwork: are enough responses planned for the margin of error?"""
    enough = planned >= needed.completes
    text = message(
        "{planned:,} responses are planned, {needed:,} are needed for a margin of ±{margin:.1%}: "
        "{verdict}",
        planned=planned,
        needed=needed.completes,
        margin=margin,
        verdict=message("enough.") if enough else message("too few."),
    )
    return Finding("plan_size", "met" if enough else "not_met", text, None, (table,))


def precision(
    result: ExpectedPrecision, segments: Sequence[str], caution_base: int, table: str
) -> Finding:
    """Before fieldwork: which segments can be reported on?"""
    if result.estimate is None:
        return not_estimable("precision", message("Expected precision"), result)
    levels = result.table[result.table["segment"].isin(segments)]
    small = levels[levels["n"] < caution_base]
    margins = levels["margin"].dropna()
    text = message(
        "Expected margins of error: ±{whole:.1%} for all customers, ±{low:.1%} to ±{high:.1%} by "
        "segment.{small}",
        whole=result.estimate,
        low=float(margins.min()),
        high=float(margins.max()),
        small=message(
            " Fewer than {base} responses: {levels}.",
            base=caution_base,
            levels=", ".join(small["level"]),
        )
        if len(small)
        else "",
    )
    level: Level = "watch" if len(small) else "info"
    return Finding("precision", level, text, None, (table,))


def chance(chance: Chance, needed_power: float, table: str) -> Finding:
    """Before fieldwork: can the planned wave show that a target was reached?"""
    goal, id = chance.goal, f"chance.{chance.goal.name}"
    if chance.power is None or chance.needed is None:
        text = message("{what}: not estimable. {why}", what=goal.name, why=chance.unknown)
        return Finding(id, "not_estimable", text)
    power = chance.power.estimate or 0.0
    text = message(
        "{name}: with {n:,} responses a wave the rise from {baseline} to {target} shows with a "
        "probability of {power}; {needed:.0%} takes {size:,}.",
        name=goal.name,
        n=chance.n,
        baseline=display.number(goal.baseline, chance.pattern),
        target=display.number(goal.target, chance.pattern),
        power=">\u00a099%" if power > 0.99 else f"{power:.0%}",
        needed=needed_power,
        size=chance.needed.n,
    )
    return Finding(id, "met" if power >= needed_power else "watch", text, None, (table,))


def weighted(table: pd.DataFrame, result: SurveyMean, unweighted: Result, name: str) -> Finding:
    """Does weighting to the population change what the report says?"""
    row = table[table["metric"] == "index"]
    if row.empty or unweighted.estimate is None:
        return not_estimable("weighted", message("Weighted index"), result)
    found = row.iloc[0]
    if pd.isna(found["deff"]):
        text = message(
            "{what}: not estimable. {why}",
            what=message("Weighted index"),
            why=message("The answers are too few, or all the same."),
        )
        return Finding("weighted", "not_estimable", text, int(found["n"]), (name,))
    low, high = unweighted.conf_low, unweighted.conf_high
    moved = low is not None and high is not None and not low <= found["estimate"] <= high
    text = message(
        "Weighted to the population the index is {weighted:.1f} {interval} instead of {plain:.1f}; "
        "the weights cost precision like a sample of {n:,.0f} (design effect {deff:.2f}).",
        weighted=found["estimate"],
        interval=between(found["conf_low"], found["conf_high"], "{:.1f}"),
        plain=found["unweighted"],
        n=found["n_effective"],
        deff=found["deff"],
    )
    return Finding("weighted", "watch" if moved else "info", text, int(found["n"]), (name,))


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
    return Finding("quota", level, text, result.n_used, (table,), figures(result))


def response_rate(result: ResponseRates, table: str) -> Finding:
    """How many of those invited answered?"""
    if result.rr1 is None:
        return not_estimable("response_rate", message("Response rate"), result)
    n = sum(result.counts.values()) - result.counts["NE"]
    unknown = result.counts["UH"] + result.counts["UO"]
    estimated = message(
        " If {e:.0%} of the {unknown:,} of unknown eligibility are counted as eligible, it is "
        "{rr3:.1%} (RR3).",
        e=result.e,
        unknown=unknown,
        rr3=result.rr3,
    )
    text = message(
        "The response rate is {rr1:.1%} (RR1, AAPOR): {completes:,} completed questionnaires of "
        "{n:,} customers invited who are or may be eligible.{estimated}",
        rr1=result.rr1,
        completes=result.counts["I"],
        n=n,
        estimated=estimated if unknown and result.rr3 is not None else "",
    )
    values = figures(result, rr3=result.rr3, e=result.e)
    return Finding("response_rate", "info", text, n, (table,), values)


def nonresponse(results: Mapping[str, NonresponseByStratum], table: str) -> list[Finding]:
    """Do some strata answer less than others? A finding for each that does, one for the rest."""
    found, alike = [], {}
    for name, result in results.items():
        id = f"nonresponse.{name}"
        if result.estimate is None:
            what = message("Response rate by {where}", where=name)
            found.append(not_estimable(id, what, result))
        elif result.p_value is None or result.cramers_v is None:
            continue  # a single stratum, or nobody or everybody answered: nothing to compare
        elif result.p_value < 0.05 and result.cramers_v >= SMALL:
            rates = result.table.dropna(subset="estimate").sort_values("estimate")
            text = message(
                "By {where} the response rate goes from {low:.1%} ({lowest}) to {high:.1%} "
                "({highest}), V = {v:.2f}, p {p}: unweighted results lean towards those who answer "
                "more.",
                where=name,
                low=rates["estimate"].iloc[0],
                lowest=str(rates[name].iloc[0]),
                high=rates["estimate"].iloc[-1],
                highest=str(rates[name].iloc[-1]),
                v=result.cramers_v,
                p=p(result.p_value),
            )
            found.append(Finding(id, "watch", text, result.n_invited, (table,)))
        else:
            alike[name] = result
    if alike:
        text = message(
            "By {names} the response rates differ little (V up to {v:.2f}).",
            names=", ".join(alike),
            v=max(result.cramers_v or 0.0 for result in alike.values()),
        )
        n = max(result.n_invited for result in alike.values())
        found.append(Finding("nonresponse", "met", text, n, (table,)))
    return found


def call_back(
    result: CallBack, hours: tuple[float, float], threshold: float, table: str
) -> list[Finding]:
    """Were customers called back in time, and by somebody else than who did the service?"""
    if result.estimate is None:
        found = [not_estimable("call_back", message("Call-back"), result)]
    else:
        text = message(
            "{share:.1%} of {n:,} call-backs came {low:g} to {high:g} hours after the service, "
            "{early:,} earlier, {late:,} later; {needed:.0%} are needed.",
            share=result.estimate,
            n=result.n_used,
            low=hours[0],
            high=hours[1],
            early=result.n_early,
            late=result.n_late,
            needed=threshold,
        )
        level: Level = "met" if result.estimate >= threshold else "watch"
        found = [Finding("call_back", level, text, result.n_used, (table,), figures(result))]
    rules = result.table.set_index("rule")["n"]
    n = int(rules.get("other_person", 0))
    if n and result.n_same_person is not None:
        text = message(
            "{same:,} of {n:,} call-backs were made by the person who did the service.",
            same=result.n_same_person,
            n=n,
        )
        level = "watch" if result.n_same_person else "met"
        found.append(Finding("call_back.person", level, text, n, (table,)))
    return found


def representative(result: Representativeness, where: str, table: str) -> Finding:
    """Does the sample look like the population?"""
    what = message("Representativeness by {where}", where=where)
    if result.estimate is None:
        return not_estimable(f"representative.{where}", what, result)
    worst = result.table.loc[result.table["difference"].abs().idxmax()]
    level: Level
    if result.estimate < SMALL:
        level, verdict = "met", message("mirrors the population")
    elif result.estimate < MEDIUM:
        level, verdict = "info", message("departs slightly from the population")
    else:
        level, verdict = "watch", message("departs from the population")
    text = message(
        "By {where} the sample {verdict} (w = {w:.2f}, p {p}); largest gap: {level}, "
        "{gap:+.1f} percentage points.",
        where=where,
        verdict=verdict,
        w=result.estimate,
        p=p(result.p_value),
        level=str(worst.iloc[0]),
        gap=100 * float(worst["difference"]),
    )
    return Finding(f"representative.{where}", level, text, result.n_used, (table,))
