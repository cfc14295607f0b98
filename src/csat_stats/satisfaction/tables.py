"""Answer distributions, one statistic by segment, dimensions ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from csat_stats.frames import Array, check_level, matrix, numbers, require, respondent_weights
from csat_stats.results import Result, message
from csat_stats.satisfaction._figures import (
    NO_ANSWERS,
    Figures,
    Kernel,
    answered,
    by_group,
    mean_figures,
    share_figures,
)
from csat_stats.satisfaction._groups import (
    base_notes,
    check_bases,
    labels,
    scored,
    segment_codes,
    withhold,
)
from csat_stats.satisfaction.disclosure import withheld_levels
from csat_stats.satisfaction.promoters import nps, nps_figures
from csat_stats.satisfaction.scores import (
    index_figures,
    index_score,
    mean_method,
    mean_score,
    top_box,
)

# What is fast on many groups; any other statistic is called group by group.
KERNELS: dict[Callable[..., Result], Callable[..., Figures]] = {
    mean_score: mean_figures,
    index_score: index_figures,
    top_box: share_figures,
    nps: nps_figures,
}


@dataclass(frozen=True, kw_only=True)
class Distribution(Result):
    """Answers to each item. ``table``: item, level, n, share (of the answered, 0–1), base.

    ``n`` and ``base`` count respondents; with weights only ``share`` is weighted.
    """


@dataclass(frozen=True, kw_only=True)
class SegmentTable(Result):
    """One statistic by segment. ``table``: level, n, estimate, conf_low, conf_high, flag.

    ``flag`` is empty, ``"caution"`` or ``"suppressed"``; a suppressed level has no n and no figure.
    """


@dataclass(frozen=True, kw_only=True)
class DimensionRanking(Result):
    """Dimensions, lowest mean first. ``table``: dimension, n, estimate, conf_low, conf_high."""


def distribution(
    items: pd.DataFrame, levels: Sequence[int], *, weights: pd.Series | None = None
) -> Distribution:
    """How many respondents gave each answer to each item.

    Parameters
    ----------
    items
        Respondents × items on the same answer scale; missing answers are left out item by item.
    levels
        All answers of the scale in the order to show, such as ``range(1, 6)``; a level that nobody
        chose has n = 0.
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out.

    Raises
    ------
    ValueError
        If an answer is not one of ``levels``, or a weight is negative or infinite.

    Notes
    -----
    Σw over the respondents of a level, as a share of Σw over the answered. Checked against R
    ``table`` and survey ``svymean``.

    Examples
    --------
    >>> result = distribution(pd.DataFrame({"q1": [1, 2, 2, None]}), levels=[1, 2, 3])
    >>> result.table[["level", "n", "base"]].values.tolist()
    [[1, 1, 3], [2, 2, 3], [3, 0, 3]]
    """
    for name in items.columns:
        answers = numbers(items[name]).dropna()
        require(answers.isin(levels), answers, f"answers among {list(levels)}")
    values = matrix(items)
    given = respondent_weights(weights, items.index)
    counted = ~np.isnan(values) & (given > 0)[:, None]
    chosen = (values[:, :, None] == np.array(levels, dtype="float64")) & counted[:, :, None]
    shares = np.full(chosen.shape[1:], np.nan)
    sums = np.einsum("r,ril->il", given, chosen), (given @ counted)[:, None]
    np.divide(*sums, out=shares, where=sums[1] > 0)
    n_used = int(counted.any(axis=1).sum())
    return Distribution(
        n_used=n_used,
        n_dropped=len(items) - n_used,
        method=message("Shares of the respondents who answered the item.")
        if weights is None
        else message(
            "Weighted shares of the respondents who answered the item and have a weight;"
            " n counts respondents."
        ),
        not_estimable=None if n_used else NO_ANSWERS,
        table=pd.DataFrame(
            {
                "item": labels([name for name in items.columns for _ in levels]),
                "level": np.tile(np.array(levels), values.shape[1]),
                "n": chosen.sum(axis=0).ravel(),
                "share": shares.ravel(),
                "base": np.repeat(counted.sum(axis=0), len(levels)),
            }
        ),
    )


def by_segment(
    frame: pd.DataFrame,
    segment: str,
    statistic: Callable[..., Result],
    score: str,
    *,
    weights: pd.Series | None = None,
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
        ``functools.partial(top_box, satisfied_from=4)``; with weights it takes ``weights`` too.
    score
        Column the statistic is computed on.
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out. Each
        level is taken as a sample of its own.
    minimum_base, caution_base
        Levels with fewer answers than ``minimum_base``, and those that would give them away by
        subtraction from the total (:func:`withheld`), are flagged ``"suppressed"`` and carry
        neither base nor figures; those with fewer than ``caution_base`` are flagged ``"caution"``.

    Raises
    ------
    ValueError
        If a column is missing or the bases are not 0 <= minimum <= caution.

    Examples
    --------
    >>> from csat_stats.satisfaction import mean_score
    >>> shops = {"A": 40, "B": 5, "C": 35, "D": 12}
    >>> frame = pd.DataFrame({"shop": np.repeat(list(shops), list(shops.values())), "q1": 4.0})
    >>> by_segment(frame, "shop", mean_score, "q1").table[["level", "flag", "n", "estimate"]]
      level        flag     n  estimate
    0     A                40       4.0
    1     B  suppressed  <NA>       NaN
    2     C                35       4.0
    3     D  suppressed  <NA>       NaN
    """
    check_bases(minimum_base, caution_base)
    codes, levels = segment_codes(frame, segment)
    answers = scored(frame, score, weights)
    overall = _whole(statistic, frame[score], weights)
    codes = codes[answers.rows]
    hidden = withheld_levels(codes, len(levels), minimum_base)
    inside = codes >= 0
    table = by_group(
        codes[inside],
        len(levels),
        *answers.of(inside),
        _kernel(statistic, overall.conf_level),
    )[["n", "estimate", "conf_low", "conf_high"]]
    table.insert(0, "level", labels(levels))
    table = withhold(table, hidden, caution_base)
    n_used = int(inside.sum())
    return SegmentTable(
        conf_level=overall.conf_level,
        n_used=n_used,
        n_dropped=len(frame) - n_used,
        method=message(
            "By group, rows without a group left out. {statistic}", statistic=overall.method
        ),
        notes=base_notes(table["flag"], minimum_base, caution_base),
        not_estimable=None if n_used else NO_ANSWERS,
        table=table,
    )


def _whole(
    statistic: Callable[..., Result], scores: pd.Series, weights: pd.Series | None
) -> Result:
    return statistic(scores) if weights is None else statistic(scores, weights=weights)


def _kernel(statistic: Callable[..., Result], conf_level: float) -> Kernel:
    """A statistic of Series as a function of arrays of the answers and weights that count."""
    function, options = statistic, {}
    if isinstance(statistic, partial) and not statistic.args:
        function, options = statistic.func, statistic.keywords
    if function in KERNELS:
        return partial(KERNELS[function], **options | {"conf_level": conf_level})

    def called(values: Array, weights: Array | None) -> Figures:
        result = _whole(
            statistic, pd.Series(values), None if weights is None else pd.Series(weights)
        )
        estimate = np.nan if result.estimate is None else result.estimate
        return Figures(estimate, result.conf_low, result.conf_high)

    return called


def rank_dimensions(
    scores: pd.DataFrame, *, weights: pd.Series | None = None, conf_level: float = 0.95
) -> DimensionRanking:
    """Means of several dimensions with t intervals, the lowest first.

    Parameters
    ----------
    scores
        Respondents × dimensions on one scale, as :func:`dimension_scores` gives them; missing
        scores are left out dimension by dimension.
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out.
    conf_level
        0–1, for each interval by itself: a pair of overlapping intervals settles no order.

    Raises
    ------
    ValueError
        If a column is not numeric, or a weight is negative or infinite.

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
    counted = respondent_weights(weights, scores.index) > 0
    rows = []
    for name in scores.columns:
        answers, given = answered(scores[name], weights)
        figures = Figures(np.nan)
        if answers.size:
            figures = mean_figures(answers.to_numpy(), given, conf_level=conf_level)
        rows.append((answers.size, *figures[:3]))
    table = pd.DataFrame(rows, columns=["n", "estimate", "conf_low", "conf_high"], dtype="float64")
    table.insert(0, "dimension", list(scores.columns))
    n_used = int((scores.notna().any(axis=1).to_numpy() & counted).sum())
    return DimensionRanking(
        conf_level=conf_level,
        n_used=n_used,
        n_dropped=len(scores) - n_used,
        method=mean_method(conf_level, weights is not None),
        not_estimable=None if n_used else NO_ANSWERS,
        table=table.astype({"n": "int64"}).sort_values(
            "estimate", kind="stable", ignore_index=True
        ),
    )
