"""Which problems to mend first: how frequent each is, and how much worse off its customers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special

from csat_stats.frames import check_level, matrix, numbers, require, respondent_weights
from csat_stats.results import Message, Result, message
from csat_stats.satisfaction import holm, mean_score, top_box

PRIORITIES = ["urgent", "important", "normal"]


@dataclass(frozen=True, kw_only=True)
class PriorityMatrix(Result):
    """Frequency × impact of problems.

    Attributes
    ----------
    kind
        Of the impact: ``share`` where all of it is 0 or 1, so that differences are differences of
        shares, or ``mean``.
    frequency_from, impact_from
        The thresholds.
    table
        The most urgent first: ``problem, n, n_with`` (respondents, and those with the problem),
        ``frequency, frequency_low, frequency_high`` (shares), ``impact`` (mean of those with less
        mean of those without the problem) ``, impact_low, impact_high, p_value, p_holm,
        priority``: ``urgent`` where both thresholds are reached, ``important`` where one is,
        ``normal``; ``sure``: whether both intervals are clear of their threshold.
    """

    kind: Literal["share", "mean"]
    frequency_from: float
    impact_from: float


def priority_matrix(
    problems: pd.DataFrame,
    impact: pd.Series,
    *,
    frequency_from: float = 0.35,
    impact_from: float = 0.15,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
) -> PriorityMatrix:
    """Priority of each problem by its frequency and by what goes with it.

    Parameters
    ----------
    problems
        Respondents × problems, bool or 0/1: whether the respondent had it. Missing answers are
        left out problem by problem.
    impact
        One number or 0/1 per respondent, higher being worse: 1 for a customer who did not buy
        again, say. Same row labels as ``problems``.
    frequency_from
        Share of respondents from which a problem is frequent, 0–1.
    impact_from
        Difference from which a problem is grave, in units of ``impact``.
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.
    conf_level
        Level of each interval, 0–1; the intervals are not widened for their number.

    Returns
    -------
    PriorityMatrix
        A problem without enough answers keeps its row, with the reason in ``notes``. Not
        estimable when nobody answered anything.

    Raises
    ------
    ValueError
        There is no problem; a column holds something other than 0, 1 and missing, or has the name
        of another; ``impact`` is not numeric or has other row labels; a threshold or
        ``conf_level`` is no share; a weight is negative or infinite.

    Notes
    -----
    Frequency with Wilson's (1927) interval. Impact of shares with Newcombe's (1998, Statistics in
    Medicine 17, 873–890) interval, method 10, and the pooled z test; of means with Welch's (1947).
    With weights shares take Kish's effective n, and means linearised standard errors. ``p_holm``
    after Holm (1979) over the problems. Whoever has a problem differs in other respects too: the
    difference is an association. Checked against R 4.2.2 ``prop.test``, ``t.test``, ``p.adjust``.

    Examples
    --------
    >>> problems = pd.DataFrame({"late": [1, 1, 1, 0, 0, 0] * 20, "loud": [1, 0, 0, 0, 0, 0] * 20})
    >>> gone = pd.Series([1, 1, 0, 0, 0, 0] * 20)
    >>> result = priority_matrix(problems, gone)
    >>> result.table[["problem", "frequency", "impact", "priority"]].round(2)
      problem  frequency  impact   priority
    0    late       0.50    0.67     urgent
    1    loud       0.17    0.80  important
    """
    check_level(conf_level)
    if not 0 <= frequency_from <= 1:
        raise ValueError(f"frequency_from is {frequency_from}: a share from 0 to 1 is needed")
    if not problems.columns.size:
        raise ValueError("there is no problem: at least one column is needed")
    if not impact.index.equals(problems.index):
        raise ValueError("the impact has other row labels than the problems")
    had = pd.DataFrame(matrix(problems), problems.index, [str(name) for name in problems])
    for name in had:
        require(had[name].isna() | had[name].isin((0, 1)), had[name], "0 or 1")
    harm = numbers(impact.rename("impact"))
    given = None
    if weights is not None:
        given = pd.Series(respondent_weights(weights, problems.index), problems.index)
    kind: Literal["share", "mean"] = "share" if harm.dropna().isin((0, 1)).all() else "mean"
    rows, notes = [], []
    for name in had:
        row, note = _row(had[name], harm, given, kind, conf_level)
        reached = int(row["frequency"] >= frequency_from) + int(row["impact"] >= impact_from)
        row["priority"] = PRIORITIES[2 - reached]
        row["sure"] = all(
            row[f"{axis}_low"] >= limit or row[f"{axis}_high"] < limit
            for axis, limit in (("frequency", frequency_from), ("impact", impact_from))
        )
        rows.append(row)
        notes += note
    table = pd.DataFrame(rows)
    table.insert(
        table.columns.get_loc("priority"), "p_holm", holm(table["p_value"]).table["p_holm"]
    )
    order = table["priority"].map(PRIORITIES.index)
    table = table.iloc[np.lexsort((-table["frequency"].fillna(-1), order))].reset_index(drop=True)
    unsure = table["problem"][~table["sure"] & table["impact_low"].notna()]
    if len(unsure):
        notes.append(
            message(
                "An interval covers a threshold, so that another sample could give another "
                "priority: {problems}.",
                problems=", ".join(unsure),
            )
        )
    used = int((had.notna().any(axis=1) & (given is None or given > 0)).sum())
    return PriorityMatrix(
        n_used=used,
        n_dropped=len(had) - used,
        conf_level=conf_level,
        kind=kind,
        frequency_from=frequency_from,
        impact_from=impact_from,
        method=message(
            "Frequency with Wilson's interval; impact is the difference between customers with and "
            "without the problem, {comparison}: an association. Urgent from a frequency of "
            "{frequency:g}% and an impact of {impact:g} on, important where one of them is "
            "reached; missing answers are left out problem by problem.",
            comparison=_COMPARISONS[kind, given is not None],
            frequency=100 * frequency_from,
            impact=impact_from,
        ),
        notes=tuple(notes),
        not_estimable=None if used else message("There are no answers."),
        table=table,
    )


_COMPARISONS = {
    ("share", False): message("of shares with Newcombe's interval and the pooled z test"),
    ("share", True): message(
        "of weighted shares with Newcombe's interval and the pooled z test at Kish's effective n"
    ),
    ("mean", False): message("of means with Welch's t interval and test"),
    ("mean", True): message(
        "of weighted means with Welch's t interval and test on linearised standard errors"
    ),
}


def _row(
    had: pd.Series, harm: pd.Series, weights: pd.Series | None, kind: str, conf_level: float
) -> tuple[dict[str, Any], list[Message]]:
    """A problem's figures, and why some are missing."""
    frequency = top_box(had, 1, weights=weights, conf_level=conf_level)
    row: dict[str, Any] = {
        "problem": had.name,
        "n": frequency.n_used,
        "n_with": frequency.n_satisfied,
        "frequency": _number(frequency.estimate),
        "frequency_low": _number(frequency.conf_low),
        "frequency_high": _number(frequency.conf_high),
    }
    row |= dict.fromkeys(("impact", "impact_low", "impact_high", "p_value"), np.nan)
    sides: list[Any] = []
    for side in (had == 1, had == 0):
        own = None if weights is None else weights[side]
        sides.append(
            top_box(harm[side], 1, weights=own, conf_level=conf_level)
            if kind == "share"
            else mean_score(harm[side], weights=own, conf_level=conf_level)
        )
    least = 1 if kind == "share" else 2
    if min(side.n_used for side in sides) < least:
        return row, [
            message(
                "{problem}: too few answers to compare, {n_with} with the problem and {n_without} "
                "without it.",
                problem=had.name,
                n_with=sides[0].n_used,
                n_without=sides[1].n_used,
            )
        ]
    row |= _shares(*sides) if kind == "share" else _means(sides[0], sides[1], conf_level)
    if np.isnan(row["impact_low"]):
        return row, [
            message(
                "{problem}: the impact is the same for all with the problem, and for all without "
                "it, so its difference has no interval.",
                problem=had.name,
            )
        ]
    return row, []


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _shares(having: Any, not_having: Any) -> dict[str, float]:
    """Newcombe's interval and the pooled z test of two shares with Wilson's intervals."""
    p, q = having.estimate, not_having.estimate
    m, n = (side.n_effective or side.n_used for side in (having, not_having))
    pooled = (m * p + n * q) / (m + n)
    error = np.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n))
    z = (p - q) / error if error else 0.0
    return {
        "impact": p - q,
        "impact_low": p - q - float(np.hypot(p - having.conf_low, not_having.conf_high - q)),
        "impact_high": p - q + float(np.hypot(having.conf_high - p, q - not_having.conf_low)),
        "p_value": float(2 * special.ndtr(-abs(z))),
    }


def _means(having: Any, not_having: Any, conf_level: float) -> dict[str, float]:
    """Welch's interval and test."""
    difference = having.estimate - not_having.estimate
    parts = [side.std_error**2 for side in (having, not_having)]
    if sum(parts) <= 1e-24 * max(having.estimate**2, not_having.estimate**2):  # rounding
        return {"impact": difference}
    error = np.sqrt(sum(parts))
    df = sum(parts) ** 2 / (
        parts[0] ** 2 / (having.n_used - 1) + parts[1] ** 2 / (not_having.n_used - 1)
    )
    reach = -float(special.stdtrit(df, (1 - conf_level) / 2)) * error
    return {
        "impact": difference,
        "impact_low": difference - reach,
        "impact_high": difference + reach,
        "p_value": float(2 * special.stdtr(df, -abs(difference / error))),
    }
