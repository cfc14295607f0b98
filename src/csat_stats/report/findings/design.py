"""Conclusions on sampling and measurement."""

from __future__ import annotations

from collections.abc import Mapping

from csat_stats.reliability import CronbachAlpha
from csat_stats.report.findings.base import Finding, figures, interval, not_estimable, p
from csat_stats.report.records import Level
from csat_stats.results import message
from csat_stats.sampling import QuotaFill, Representativeness, SampleSize
from csat_stats.validity import Bartlett, Kmo, ParallelAnalysis

# Cohen (1988) for w: .1 is a small effect, .3 a medium one.
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
            "{dimension} with {alpha:.2f} {interval}.",
            n=len(good),
            all=len(results),
            t=threshold,
            dimension=lowest,
            alpha=good[lowest],
            interval=interval(results[lowest]),
        )
        level: Level = "met" if len(good) == len(results) else "info"
        found.append(Finding("alpha", level, text, results[lowest].n_used, (table,)))
    for dimension, result in results.items():
        id = f"alpha.{dimension}"
        if result.estimate is None:
            found.append(not_estimable(id, dimension, result))
        elif dimension not in good:
            text = message(
                "{dimension}: Cronbach's α = {alpha:.2f} {interval}, below {t:.2f}: read the "
                "dimension score with care.",
                dimension=dimension,
                alpha=result.estimate,
                interval=interval(result),
                t=threshold,
            )
            found.append(Finding(id, "watch", text, result.n_used, (table,), figures(result)))
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
        p=p(sphericity.p_value),
        verdict=message("suit") if suited else message("do not suit"),
    )
    values = figures(adequacy, bartlett=sphericity.statistic)
    return Finding("kmo", "met" if suited else "watch", text, adequacy.n_used, (table,), values)


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
