"""Conclusions on reliability and validity."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from csat_stats.display import p_phrase as p
from csat_stats.reliability import CronbachAlpha, OrdinalAlpha
from csat_stats.report.findings.base import Finding, figures, interval, not_estimable
from csat_stats.report.records import Level
from csat_stats.results import Message, message
from csat_stats.study.plan import Thresholds
from csat_stats.validity import (
    Bartlett,
    Cfa,
    CommonMethod,
    Htmt,
    Invariance,
    Kmo,
    ParallelAnalysis,
)

ALPHA_GRADES = (
    message("unacceptable"),
    message("questionable"),
    message("acceptable"),
    message("good"),
    message("excellent"),
)
KMO_GRADES = (
    message("unacceptable"),
    message("miserable"),
    message("mediocre"),
    message("middling"),
    message("meritorious"),
    message("marvellous"),
)
# A difference of alpha or KMO between ordered categories and plain scores that is worth a word.
NOTABLE = 0.05


def grade(value: float, cuts: Sequence[float], words: Sequence[Message]) -> Message:
    """The word for a figure: ``cuts`` are the lowest figures of all words but the first."""
    return words[bisect_right(cuts, value)]


def consistency(
    results: Mapping[str, CronbachAlpha], threshold: float, cuts: Sequence[float], table: str
) -> list[Finding]:
    """Are the dimensions measured consistently? One finding for all that are, one for each not."""
    good = {d: r.estimate for d, r in results.items() if r.estimate and r.estimate >= threshold}
    found = []
    if good:
        lowest = min(good, key=lambda dimension: good[dimension])
        text = message(
            "{n} of {all} dimensions reach a Cronbach's α of {t:.2f}; the lowest of these is "
            "{dimension} with {alpha:.2f} {interval} ({grade}).",
            n=len(good),
            all=len(results),
            t=threshold,
            dimension=lowest,
            alpha=good[lowest],
            interval=interval(results[lowest]),
            grade=grade(good[lowest], cuts, ALPHA_GRADES),
        )
        level: Level = "met" if len(good) == len(results) else "info"
        found.append(Finding("alpha", level, text, results[lowest].n_used, (table,)))
    for dimension, result in results.items():
        id = f"alpha.{dimension}"
        if result.estimate is None:
            found.append(not_estimable(id, dimension, result))
        elif dimension not in good:
            text = message(
                "{dimension}: Cronbach's α = {alpha:.2f} {interval} ({grade}), below {t:.2f}: read "
                "the dimension score with care.",
                dimension=dimension,
                alpha=result.estimate,
                interval=interval(result),
                grade=grade(result.estimate, cuts, ALPHA_GRADES),
                t=threshold,
            )
            found.append(Finding(id, "watch", text, result.n_used, (table,), figures(result)))
    return found


def factorable(
    adequacy: Kmo, sphericity: Bartlett, threshold: float, cuts: Sequence[float], table: str
) -> Finding:
    """Do the correlations suit a factor analysis?"""
    if adequacy.estimate is None or sphericity.p_value is None:
        failed = adequacy if adequacy.estimate is None else sphericity
        return not_estimable("kmo", message("KMO and Bartlett's test"), failed)
    suited = adequacy.estimate >= threshold and sphericity.p_value < 0.05
    text = message(
        "KMO = {kmo:.2f} ({grade}; needed {t:.2f}); Bartlett χ²({df}) = {chi2:,.1f}, p {p}: the "
        "items {verdict} factor analysis.",
        kmo=adequacy.estimate,
        grade=grade(adequacy.estimate, cuts, KMO_GRADES),
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


def ordered(
    plain: Mapping[str, CronbachAlpha],
    ordinal: Mapping[str, OrdinalAlpha],
    adequacy: Kmo,
    table: str,
) -> Finding | None:
    """Do the figures change when the answers are taken as ordered categories?

    ``adequacy`` is the KMO of the polychoric correlations with Pearson's beside it.
    """
    gains = {
        name: result.estimate - (plain[name].standardized or 0)
        for name, result in ordinal.items()
        if result.estimate is not None and plain[name].standardized is not None
    }
    if not gains:
        return None
    most = max(gains, key=lambda name: abs(gains[name]))
    parts: dict[str, Message | str] = {"kmo": ""}
    if adequacy.estimate is not None and adequacy.pearson is not None:
        parts["kmo"] = message(
            " KMO is {ordinal:.2f} instead of {plain:.2f}.",
            ordinal=adequacy.estimate,
            plain=adequacy.pearson,
        )
    text = message(
        "Taken as ordered categories (polychoric correlations), α changes most for {dimension}: "
        "{ordinal:.2f} instead of {plain:.2f}.{kmo}{verdict}",
        dimension=most,
        ordinal=ordinal[most].estimate,
        plain=plain[most].standardized,
        verdict=message(
            " The answers are few or lopsided categories: quote the ordinal figures beside the "
            "usual ones."
        )
        if abs(gains[most]) >= NOTABLE
        else message(" The difference is small: the usual figures can be quoted."),
        **parts,
    )
    return Finding("ordinal", "info", text, ordinal[most].n_used, (table,))


def fit(result: Cfa, limits: Thresholds, table: str) -> Finding:
    """Do the answers fit the dimensions of the questionnaire?"""
    if result.not_estimable:
        return not_estimable("fit", message("Fit of the dimensions"), result)
    if result.cfi is None or result.rmsea is None or result.srmr is None:
        text = message("The model of the dimensions has no degrees of freedom: its fit is no test.")
        return Finding("fit", "info", text, result.n_used, (table,))
    good = result.cfi >= limits.cfi and result.rmsea <= limits.rmsea and result.srmr <= limits.srmr
    text = message(
        "The dimensions of the questionnaire {verdict}: CFI = {cfi:.3f} (needed "
        "{t_cfi:.2f}), RMSEA = {rmsea:.3f} [{low:.3f}, {high:.3f}] (at most {t_rmsea:.2f}), SRMR = "
        "{srmr:.3f} (at most {t_srmr:.2f}).",
        verdict=message("fit the answers") if good else message("do not fit the answers well"),
        cfi=result.cfi,
        t_cfi=limits.cfi,
        rmsea=result.rmsea,
        low=result.rmsea_low,
        high=result.rmsea_high,
        t_rmsea=limits.rmsea,
        srmr=result.srmr,
        t_srmr=limits.srmr,
    )
    return Finding("fit", "met" if good else "watch", text, result.n_used, (table,))


def convergent(result: Cfa, limits: Thresholds, table: str) -> Finding:
    """Does each dimension explain enough of its items, and is it distinct from the others?"""
    dimensions = result.dimensions
    weak = dimensions[
        (dimensions["ave"] < limits.ave) | (dimensions["cr"] < limits.composite_reliability)
    ]
    blurred = dimensions[dimensions["distinct"].eq(False)]
    text = message(
        "AVE {low_ave:.2f} to {high_ave:.2f} (needed {t_ave:.2f}), composite reliability "
        "{low_cr:.2f} to {high_cr:.2f} (needed {t_cr:.2f}).{weak}{blurred}",
        low_ave=float(dimensions["ave"].min()),
        high_ave=float(dimensions["ave"].max()),
        t_ave=limits.ave,
        low_cr=float(dimensions["cr"].min()),
        high_cr=float(dimensions["cr"].max()),
        t_cr=limits.composite_reliability,
        weak=message(" Below: {names}.", names=", ".join(weak["dimension"])) if len(weak) else "",
        blurred=message(
            " Not distinct by Fornell and Larcker's criterion: {names}.",
            names=", ".join(blurred["dimension"]),
        )
        if len(blurred)
        else "",
    )
    bad = len(weak) or len(blurred)
    return Finding("convergent", "watch" if bad else "met", text, result.n_used, (table,))


def distinct(result: Htmt, threshold: float, table: str) -> Finding:
    """Can every two dimensions be told apart?"""
    if result.estimate is None:
        return not_estimable("htmt", message("Discriminant validity (HTMT)"), result)
    over = result.table[result.table["estimate"] > threshold]
    largest = result.table.loc[result.table["estimate"].idxmax()]
    text = message(
        "{over} of {pairs} pairs of dimensions exceed an HTMT of {t:.2f}; the largest is "
        "{first} and {second} with {htmt:.2f} {interval}.",
        over=len(over),
        pairs=len(result.table),
        t=threshold,
        first=largest["dimension_1"],
        second=largest["dimension_2"],
        htmt=largest["estimate"],
        interval=interval(result),
    )
    return Finding("htmt", "watch" if len(over) else "met", text, result.n_used, (table,))


def common_method(result: CommonMethod, threshold: float) -> Finding:
    """Does one factor, perhaps one habit of answering, explain most of the answers?"""
    if result.estimate is None:
        return not_estimable("harman", message("Common method (Harman)"), result)
    text = message(
        "The first component takes {share:.1%} of the variance of all items (Harman's check, "
        "limit {t:.0%}): {verdict}",
        share=result.estimate,
        t=threshold,
        verdict=message("no sign that a single habit of answering shapes the answers.")
        if result.estimate < threshold
        else message("a single habit of answering, or overall mood, may shape the answers."),
    )
    level: Level = "info" if result.estimate < threshold else "watch"
    return Finding("harman", level, text, result.n_used)


def comparable(result: Invariance, group: str, label: str, table: str) -> Finding:
    """May the means of groups be compared?"""
    id = f"invariance.{group}"
    what = message("Measurement invariance by {group}", group=label)
    if result.not_estimable:
        return not_estimable(id, what, result)
    text = message("{what}: {verdict}", what=what, verdict=result.verdict)
    level: Level = "met" if result.level == "scalar" else "watch"
    return Finding(id, level, text, result.n_used, (table,))
