"""Do the items mean the same in every wave or segment? Measurement invariance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import respondent_weights
from csat_stats.results import Message, Result, message
from csat_stats.validity._dimensions import Answers, answers_to, dimensions_of
from csat_stats.validity._fit import baseline, incremental_fit, rmsea, srmr
from csat_stats.validity._solution import improper_notes, no_solution, too_few_items
from csat_stats.validity._structure import (
    Estimates,
    Index,
    Sample,
    StructureFit,
    fit_structure,
)
from csat_stats.validity.correlations import correlations

LEVELS = ("configural", "metric", "scalar")
# By the number of levels that hold.
_VERDICTS = (
    message("The dimensions do not fit in all groups, so nothing about them can be compared."),
    message(
        "The dimensions have the same items in all groups, but these carry different weight: "
        "neither relations nor means of the dimensions can be compared."
    ),
    message(
        "The items carry the same weight in all groups, but start from different levels: relations "
        "between dimensions can be compared, their means cannot."
    ),
    message("The items measure alike in all groups: means of the dimensions can be compared."),
)


@dataclass(frozen=True)
class _Part:
    """A group to compare: its complete rows, and the n that formulas take."""

    name: str
    n: int
    base: float
    answers: Answers


@dataclass(frozen=True, kw_only=True)
class Invariance(Result):
    """Measurement invariance between groups; it has no ``estimate``.

    Attributes
    ----------
    level
        The strictest level that holds: ``configural`` (same structure), ``metric`` (also same
        loadings: relations may be compared), ``scalar`` (also same intercepts: means may be
        compared), or ``None``.
    groups
        One row a group compared: ``group, n``, and ``statistic``, its part in the chi-square of
        the configural model.
    table
        One row a level: ``level, statistic, df, p_value, cfi, rmsea, srmr``, the differences to
        the level before ``delta_statistic, delta_df, delta_p_value, delta_cfi, delta_rmsea``, and
        ``holds``.
    verdict
        What the level allows to compare.
    """

    level: str | None = None
    verdict: Message | None = None
    groups: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def invariance(
    items: pd.DataFrame,
    model: Mapping[str, Sequence[str]],
    group: pd.Series,
    *,
    weights: pd.Series | None = None,
    n_min: int = 100,
    min_cfi: float = 0.90,
    max_cfi_drop: float = 0.01,
    max_rmsea_rise: float = 0.015,
    alpha: float = 0.05,
) -> Invariance:
    """Measurement invariance across waves or segments, before their means are compared.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype; other columns are not looked at. A row with a
        missing value in an item of the model is left out.
    model
        Items of each dimension, as :func:`cfa`.
    group
        Wave or segment of each respondent, with the row labels of ``items``; a missing one leaves
        the respondent out.
    weights
        Sampling weights on any scale; 0 or missing leaves the respondent out. Means and
        covariances are weighted, and n is Kish's effective n of each group.
    n_min
        Complete rows a group needs; smaller ones are left out, and named.
    min_cfi
        CFI of the configural model from which the structure counts as the same.
    max_cfi_drop, max_rmsea_rise
        How much worse a level may fit than the one before.
    alpha
        A rise of the RMSEA counts only if the chi-square difference is significant at this level.

    Returns
    -------
    Invariance
        Groups without variance in an item, or where items determine each other, are left out and
        named. Not estimable with fewer than two groups, and where the model has no solution in one
        of them.

    Raises
    ------
    ValueError
        As :func:`cfa`; ``group`` has other row labels than ``items``.

    Notes
    -----
    Maximum likelihood with mean structure (Jöreskog 1971, Psychometrika 36; Meredith 1993,
    Psychometrika 58); variances and, in the scalar model, means of the factors are free in all
    groups but the first. RMSEA times the root of the number of groups (Steiger 1998). Chi-square
    differences see trifles in large samples, so the verdict rests on ΔCFI ≥ −.01 (Cheung & Rensvold
    2002, Structural Equation Modeling 9) and ΔRMSEA ≤ .015 (Chen 2007, Structural Equation Modeling
    14); the latter alone misleads where the level before fits perfectly, with an RMSEA of zero.
    Checked against R lavaan 0.6-14, ``group.equal=c("loadings", "intercepts")``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trait = rng.normal(size=(400, 1))
    >>> items = pd.DataFrame(trait + rng.normal(size=(400, 4)), columns=["a", "b", "c", "d"])
    >>> wave = pd.Series(["2024", "2025"] * 200)
    >>> result = invariance(items, {"service": ["a", "b", "c", "d"]}, wave)
    >>> result.level
    'scalar'
    >>> result.table[["level", "df", "delta_cfi", "holds"]].round(3)
            level  df  delta_cfi  holds
    0  configural   4        NaN   True
    1      metric   7      0.000   True
    2      scalar  10      0.002   True
    """
    if not group.index.equals(items.index):
        raise ValueError("the groups have other row labels than the answers")
    dims = dimensions_of(items, model)
    rule = correlations(items[dims.columns], weights).rule
    kept, notes = _groups(items[dims.columns], group, weights, n_min)
    n_used = sum(part.n for part in kept)
    base: dict[str, Any] = {
        "n_used": n_used,
        "n_dropped": len(items) - n_used,
        "method": message(
            "Multi-group confirmatory factor analysis by maximum likelihood with mean structure. A "
            "level holds if CFI falls by at most {drop:g} and RMSEA rises by at most {rise:g}, or "
            "by more where chance explains it (p at least {alpha:g}); the first if CFI is at least "
            "{least:g}; {rule}.",
            drop=max_cfi_drop,
            rise=max_rmsea_rise,
            alpha=alpha,
            least=min_cfi,
            rule=rule,
        ),
    }
    notes = [*dims.notes, *notes]
    problem = too_few_items(dims)
    if not problem and len(kept) < 2:
        problem = message("There are fewer than two groups to compare.")
    if problem:
        return Invariance(**base, notes=tuple(notes), not_estimable=problem)

    samples = _samples(kept)
    separate = [fit_structure([sample], dims.factor) for sample in samples]
    for part, fit in zip(kept, separate, strict=True):
        if problem := no_solution(fit):
            problem = message("In {group}: {reason}", group=part.name, reason=problem)
            return Invariance(**base, notes=tuple(notes), not_estimable=problem)
        notes += [
            message("In {group}: {reason}", group=part.name, reason=reason)
            for reason in improper_notes(dims, fit.groups[0])
        ]
    table = _table(samples, separate, dims.factor)
    by_chance = table["delta_p_value"] >= alpha
    holds = (-table["delta_cfi"] <= max_cfi_drop) & (
        (table["delta_rmsea"] <= max_rmsea_rise) | by_chance
    )
    holds[0] = table["cfi"][0] >= min_cfi
    reached = int(holds.cummin().sum())
    if len(table) < len(LEVELS):
        notes.append(
            message(
                "The next stricter model has no solution: {level} is the last that was tested.",
                level=LEVELS[len(table) - 1],
            )
        )
    return Invariance(
        **base,
        level=LEVELS[reached - 1] if reached else None,
        verdict=_VERDICTS[reached],
        notes=tuple(notes),
        groups=pd.DataFrame(
            {
                "group": [part.name for part in kept],
                "n": [part.n for part in kept],
                "statistic": [
                    s.n * fit.discrepancy for s, fit in zip(samples, separate, strict=True)
                ],
            }
        ),
        table=table.assign(holds=holds),
    )


def _groups(
    items: pd.DataFrame, group: pd.Series, weights: pd.Series | None, n_min: int
) -> tuple[list[_Part], list[Message]]:
    """The groups that can be compared, and why others cannot."""
    labels = group.astype("category").cat
    given = respondent_weights(weights, items.index)
    parts, left_out = [], []
    for code, label in enumerate(labels.categories):
        name = f"{label:g}" if isinstance(label, float) else str(label)
        inside = (labels.codes == code).to_numpy()
        frame = items[inside]
        own = None if weights is None else pd.Series(given[inside], frame.index)
        data = correlations(frame, own)
        if data.n < n_min:
            left_out.append(
                message(
                    "Left out: {group}, with {n} complete rows where {minimum} are asked for.",
                    group=name,
                    n=data.n,
                    minimum=n_min,
                )
            )
        elif data.problem:
            left_out.append(message("Left out: {group}. {reason}", group=name, reason=data.problem))
        else:
            parts.append(_Part(name, data.n, data.base, answers_to(frame, own)))
    return parts, left_out


def _samples(parts: list[_Part]) -> list[Sample]:
    """Moments in units of the pooled standard deviation within groups, around the grand mean."""
    share = np.array([part.base for part in parts], dtype=float)
    share /= share.sum()
    mean = share @ [part.answers.mean for part in parts]
    pooled = np.sqrt(share @ [part.answers.std_dev**2 for part in parts])
    samples = []
    for part in parts:
        scale = part.answers.std_dev / pooled
        cov = part.answers.cov * np.outer(scale, scale)
        samples.append(Sample(part.base, (part.answers.mean - mean) / pooled, cov))
    return samples


def _table(samples: list[Sample], separate: list[StructureFit], factor: Index) -> pd.DataFrame:
    """One row a level, up to the last that has a solution."""
    k, g = len(factor), len(samples)
    n = sum(sample.n for sample in samples)
    null_statistic, null_df = baseline(samples)
    rows: list[dict[str, float]] = []

    def add(groups: list[Estimates], statistic: float, df: int) -> None:
        cfi, _ = incremental_fit(statistic, df, null_statistic, null_df)
        row = {
            "statistic": statistic,
            "df": df,
            "p_value": float(stats.chi2.sf(statistic, df)) if df else np.nan,
            "cfi": cfi,
            "rmsea": rmsea(statistic, df, n, g),
            "srmr": srmr(samples, groups, means=True),
        }
        for name in ("statistic", "df", "cfi", "rmsea"):
            row[f"delta_{name}"] = row[name] - rows[-1][name] if rows else np.nan
        row["delta_p_value"] = float(stats.chi2.sf(row["delta_statistic"], row["delta_df"]))
        rows.append(row)

    add(
        [fit.groups[0] for fit in separate],
        sum(s.n * fit.discrepancy for s, fit in zip(samples, separate, strict=True)),
        g * k * (k + 1) // 2 - sum(fit.n_parameters for fit in separate),
    )
    for equal_intercepts in (False, True):
        fit = fit_structure(samples, factor, equal_intercepts=equal_intercepts)
        if no_solution(fit):
            break
        moments = g * k * (k + 1) // 2 + (g * k if equal_intercepts else 0)
        add(fit.groups, n * fit.discrepancy, moments - fit.n_parameters)
    columns = (
        "statistic df p_value cfi rmsea srmr "
        "delta_statistic delta_df delta_p_value delta_cfi delta_rmsea"
    ).split()
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "level", LEVELS[: len(rows)])
    return table
