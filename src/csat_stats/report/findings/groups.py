"""Conclusions on differences between segments and between units."""

from __future__ import annotations

import pandas as pd

from csat_stats.display import p_phrase as p
from csat_stats.report.findings.base import Finding, not_estimable
from csat_stats.report.records import Level
from csat_stats.results import message
from csat_stats.satisfaction import UnitRanking


def differences(tests: pd.DataFrame, level: float, table: str) -> Finding:
    """How many of the comparisons between segments hold up, and the clearest of them.

    ``tests`` has ``segment, measure, effect`` (name), ``estimate`` (its size), ``p_value,
    p_holm, n, highest, lowest``.
    """
    sure = tests[tests["p_holm"] < 1 - level].sort_values("p_value", kind="stable")
    if sure.empty:
        text = message(
            "None of the {n} comparisons between segments is beyond chance (Holm's correction).",
            n=len(tests),
        )
        return Finding("differences", "info", text, int(tests["n"].max()), (table,))
    first = sure.iloc[0]
    text = message(
        "{k} of {n} comparisons between segments are beyond chance (Holm's correction). The "
        "clearest: {measure} by {segment} ({effect} = {size:.3f}, p {p}), highest for {highest}, "
        "lowest for {lowest}.",
        k=len(sure),
        n=len(tests),
        measure=first["measure"],
        segment=first["segment"],
        effect=first["effect"],
        size=first["estimate"],
        p=p(first["p_holm"]),
        highest=first["highest"],
        lowest=first["lowest"],
    )
    return Finding("differences", "info", text, int(first["n"]), (table,))


def ranking(result: UnitRanking, unit: str, label: str, table: str) -> Finding:
    """Who stands first and last, and whether the data can tell them apart."""
    id = f"ranking.{unit}"
    if result.not_estimable:
        return not_estimable(id, message("Ranking by {what}", what=label), result)
    ranked = result.table.dropna(subset="rank").sort_values("rank")
    first, last = ranked.iloc[0], ranked.iloc[-1]
    text = message(
        "{label}: {n} are ranked. Highest is {first} with {high:.1f} (rank {a} to {b}), lowest is "
        "{last} with {low:.1f} (rank {c} to {d}). Of {pairs} pairs {distinct} differ beyond "
        "doubt.{doubt}",
        label=label,
        n=result.n_units,
        first=first["unit"],
        high=first["estimate"],
        a=int(first["rank_low"]),
        b=int(first["rank_high"]),
        last=last["unit"],
        low=last["estimate"],
        c=int(last["rank_low"]),
        d=int(last["rank_high"]),
        pairs=result.n_pairs,
        distinct=result.n_distinct,
        doubt=""
        if result.n_distinct
        else message(" Rewards or penalties by rank would reward chance."),
    )
    verdict: Level = "info" if result.n_distinct else "watch"
    return Finding(id, verdict, text, result.n_used, (table,))
