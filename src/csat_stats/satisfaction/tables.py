"""Answer distributions, one statistic by segment, dimensions ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.results import Message, Result, message
from csat_stats.satisfaction._answers import NO_ANSWERS, check_level, numbers, require
from csat_stats.satisfaction.scores import mean_method, mean_score


@dataclass(frozen=True, kw_only=True)
class Distribution(Result):
    """Answers to each item. ``table``: item, level, n, share (of the answered, 0–1), base."""


@dataclass(frozen=True, kw_only=True)
class SegmentTable(Result):
    """One statistic by segment. ``table``: level, n, estimate, conf_low, conf_high, flag."""


@dataclass(frozen=True, kw_only=True)
class DimensionRanking(Result):
    """Dimensions, lowest mean first. ``table``: dimension, n, estimate, conf_low, conf_high."""


def distribution(items: pd.DataFrame, levels: Sequence[int]) -> Distribution:
    """How many respondents gave each answer to each item.

    Parameters
    ----------
    items
        Respondents × items on the same answer scale; missing answers are left out item by item.
    levels
        All answers of the scale in the order to show, such as ``range(1, 6)``; a level that nobody
        chose has n = 0.

    Raises
    ------
    ValueError
        If an answer is not one of ``levels``.

    Examples
    --------
    >>> result = distribution(pd.DataFrame({"q1": [1, 2, 2, None]}), levels=[1, 2, 3])
    >>> result.table[["level", "n", "base"]].values.tolist()
    [[1, 1, 3], [2, 2, 3], [3, 0, 3]]
    """
    rows = []
    for name in items.columns:
        answers = numbers(items[name]).dropna()
        require(answers.isin(levels), answers, f"answers among {list(levels)}")
        for level in levels:
            n = int((answers == level).sum())
            share = n / answers.size if answers.size else np.nan
            rows.append((name, level, n, share, answers.size))
    n_used = int(items.notna().any(axis=1).sum())
    return Distribution(
        n_used=n_used,
        n_dropped=len(items) - n_used,
        method=message("Shares of the respondents who answered the item."),
        not_estimable=None if n_used else NO_ANSWERS,
        table=pd.DataFrame(rows, columns=["item", "level", "n", "share", "base"]),
    )


def by_segment(
    frame: pd.DataFrame,
    segment: str,
    statistic: Callable[[pd.Series], Result],
    score: str,
    *,
    minimum_base: int = 10,
    caution_base: int = 30,
) -> SegmentTable:
    """One statistic for every level of a segment, with small bases flagged or withheld.

    Parameters
    ----------
    frame
        One row per respondent.
    segment
        Column to split by. Levels come in the order of an ordered categorical, unused ones
        included, otherwise by first appearance; rows without a level are left out and counted.
    statistic
        Function of a Series that returns a result, such as :func:`mean_score` or
        ``functools.partial(top_box, satisfied_from=4)``.
    score
        Column the statistic is computed on.
    minimum_base, caution_base
        Levels with fewer answers than ``minimum_base`` are flagged ``"suppressed"`` and carry no
        figures, those with fewer than ``caution_base`` are flagged ``"caution"``.

    Raises
    ------
    ValueError
        If a column is missing or the bases are not 0 <= minimum <= caution.

    Examples
    --------
    >>> from csat_stats.satisfaction import mean_score
    >>> frame = pd.DataFrame({"shop": ["A"] * 40 + ["B"] * 5, "q1": [4, 5] * 20 + [1] * 5})
    >>> by_segment(frame, "shop", mean_score, "q1").table[["level", "flag", "n", "estimate"]]
      level        flag   n  estimate
    0     A              40       4.5
    1     B  suppressed   5       NaN
    """
    for name in (segment, score):
        if name not in frame:
            raise ValueError(f"column {name!r} is missing; the frame has {list(frame.columns)}")
    if not 0 <= minimum_base <= caution_base:
        raise ValueError(
            f"minimum_base is {minimum_base} and caution_base {caution_base}:"
            " 0 <= minimum_base <= caution_base is needed"
        )
    groups = frame[segment]
    ordered = isinstance(groups.dtype, pd.CategoricalDtype) and groups.dtype.ordered
    levels = list(groups.cat.categories if ordered else groups.dropna().unique())
    results = [statistic(frame.loc[groups == level, score]) for level in levels]
    table = _estimates("level", levels, results)
    table["flag"] = np.select(
        [table["n"] < minimum_base, table["n"] < caution_base], ["suppressed", "caution"], ""
    )
    suppressed = table["flag"] == "suppressed"
    table.loc[suppressed, ["estimate", "conf_low", "conf_high"]] = np.nan
    notes: list[Message] = []
    if suppressed.any():
        notes.append(
            message(
                "Groups with fewer than {base} answers, figures withheld: {n}.",
                n=int(suppressed.sum()),
                base=minimum_base,
            )
        )
    if (table["flag"] == "caution").any():
        notes.append(
            message(
                "Groups with fewer than {base} answers, to be read with caution: {n}.",
                n=int((table["flag"] == "caution").sum()),
                base=caution_base,
            )
        )
    n_used = int(table["n"].sum())
    return SegmentTable(
        conf_level=results[0].conf_level if results else 0.95,
        n_used=n_used,
        n_dropped=len(frame) - n_used,
        method=message(
            "By group, rows without a group left out. {statistic}",
            statistic=results[0].method if results else "",
        ),
        notes=tuple(notes),
        not_estimable=None if n_used else NO_ANSWERS,
        table=table,
    )


def rank_dimensions(scores: pd.DataFrame, *, conf_level: float = 0.95) -> DimensionRanking:
    """Means of several dimensions with t intervals, the lowest first.

    Parameters
    ----------
    scores
        Respondents × dimensions on one scale, as :func:`dimension_scores` gives them; missing
        scores are left out dimension by dimension.
    conf_level
        0–1, for each interval by itself: a pair of overlapping intervals settles no order.

    Raises
    ------
    ValueError
        If a column is not numeric.

    Notes
    -----
    Each row is :func:`mean_score`. Equal means keep the order of the columns, and a dimension
    without answers comes last.

    Examples
    --------
    >>> scores = pd.DataFrame({"speed": [4.0, 5.0], "attitude": [3.0, 4.0]})
    >>> rank_dimensions(scores).table["dimension"].tolist()
    ['attitude', 'speed']
    """
    check_level(conf_level)
    results = [mean_score(scores[name], conf_level=conf_level) for name in scores.columns]
    table = _estimates("dimension", list(scores.columns), results)
    n_used = int(scores.notna().any(axis=1).sum())
    return DimensionRanking(
        conf_level=conf_level,
        n_used=n_used,
        n_dropped=len(scores) - n_used,
        method=mean_method(conf_level),
        not_estimable=None if n_used else NO_ANSWERS,
        table=table.sort_values("estimate", kind="stable", ignore_index=True),
    )


def _estimates(label: str, names: list[Any], results: Sequence[Result]) -> pd.DataFrame:
    """One row per named result: the name, n, estimate and interval."""
    rows = [
        (result.n_used, result.estimate, result.conf_low, result.conf_high) for result in results
    ]
    table = pd.DataFrame(rows, columns=["n", "estimate", "conf_low", "conf_high"], dtype="float64")
    table.insert(0, label, names)
    return table.astype({"n": "int64"})
