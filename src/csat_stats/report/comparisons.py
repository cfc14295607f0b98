"""Segments compared: which differences hold up, over all segments and metrics of a study."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import pandas as pd

from csat_stats import satisfaction
from csat_stats.report.material import Material
from csat_stats.results import Result
from csat_stats.study import Plan


def pairs(plan: Plan) -> list[tuple[str, str]]:
    """Pairs of segments to cross: the study's own, by default its first two."""
    if plan.crosstabs:
        return [(row, column) for row, column in plan.crosstabs]
    first = list(islice(plan.segments, 2))
    return [(first[0], first[1])] if len(first) == 2 else []


def tests(
    material: Material, crossed: pd.DataFrame, names: Mapping[str, str]
) -> tuple[pd.DataFrame, list[Result]]:
    """Every metric compared between the levels of every segment, one family after Holm.

    Parameters
    ----------
    crossed
        One row per respondent: the segments, and the columns of :func:`metrics.values`.
    names
        What a reader is shown for a metric.

    Returns
    -------
    tuple
        A table with a row for each comparison that could be made, ``segment, measure, n, highest,
        lowest`` (levels), ``statistic, df, p_value, p_holm, effect`` (ε² of scores, Cramér's V of
        the share satisfied), ``estimate`` (its size), and the results.
    """
    plan, bases = material.plan, material.bases
    rows: list[dict[str, Any]] = []
    results: list[Result] = []
    for segment in plan.segments:
        for metric in crossed.columns.difference(list(plan.segments), sort=False):
            compared = satisfaction.compare_groups(
                crossed, segment, metric, conf_level=plan.conf_level, **bases
            )
            shown = compared.table.dropna(subset="estimate").sort_values("estimate")
            test: satisfaction.GroupComparison | satisfaction.Crosstab = compared
            if metric == "satisfied":
                test = satisfaction.crosstab(
                    crossed, segment, metric, conf_level=plan.conf_level, **bases
                )
            if test.estimate is None or shown.empty:
                continue
            results.append(test)
            rows.append(
                {
                    "segment": plan.label(segment),
                    "measure": names.get(metric, metric),
                    "n": test.n_used,
                    "lowest": str(shown["level"].iloc[0]),
                    "highest": str(shown["level"].iloc[-1]),
                    "statistic": test.statistic,
                    "df": test.df,
                    "p_value": test.p_value,
                    "effect": "Cramér's V" if metric == "satisfied" else "ε²",
                    "estimate": test.estimate,
                }
            )
    table = pd.DataFrame(rows)
    if rows:
        family = satisfaction.holm(table["p_value"])
        table["p_holm"] = family.table["p_holm"].to_numpy()
        results.append(family)
    return table, results
