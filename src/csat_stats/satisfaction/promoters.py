"""Net Promoter Score, and the difference of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from csat_stats.results import Message, Result, message
from csat_stats.satisfaction._answers import NO_ANSWERS, check_level, numbers, require

FloatArray = npt.NDArray[np.float64]
NpsInterval = Literal["adjusted_wald", "wald"]

# Name, and what is added to detractors, passives and promoters before the interval is formed.
INTERVALS: dict[str, tuple[Message, FloatArray]] = {
    "adjusted_wald": (message("adjusted Wald"), np.array([0.75, 1.5, 0.75])),
    "wald": (message("Wald"), np.zeros(3)),
}


@dataclass(frozen=True, kw_only=True)
class Nps(Result):
    """Net Promoter Score in points, −100 to 100; counts, shares 0–1, standard error in points."""

    promoters: int
    passives: int
    detractors: int
    share_promoters: float | None = None
    share_passives: float | None = None
    share_detractors: float | None = None
    std_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class NpsDifference(Result):
    """Difference of two Net Promoter Scores in points, with the test that goes with it."""

    nps_a: float | None
    nps_b: float | None
    n_a: int
    n_b: int
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None


def nps(
    scores: pd.Series,
    *,
    low: float = 0,
    high: float = 10,
    conf_level: float = 0.95,
    interval: NpsInterval = "adjusted_wald",
) -> Nps:
    """Net Promoter Score: percentage of promoters (9–10) less percentage of detractors (0–6).

    Parameters
    ----------
    scores
        Whole-number answers 0–10 to "how likely are you to recommend …"; missing answers are left
        out.
    low, high
        Ends of the scale the question used. Only 0–10 is accepted: the cut points have no meaning
        on another scale.
    conf_level
        0–1.
    interval
        ``"adjusted_wald"`` adds ¾ detractor, 1½ passives and ¾ promoter before the interval is
        formed, which keeps its coverage in small or one-sided samples; ``"wald"`` adds nothing.
        The estimate and ``std_error`` are never adjusted. Ends are cut at ±100, and moved out to
        the estimate where one-sided answers would leave it beside its interval.

    Raises
    ------
    ValueError
        If the scale is not 0–10, or an answer is not a whole number 0–10.

    Notes
    -----
    Var = (p + d − (p − d)²)/n. Pseudo-counts of Rocks (2016), "Interval Estimation for the 'Net
    Promoter Score'", The American Statistician 70(4), 365–372. Checked against base R.

    Examples
    --------
    >>> result = nps(pd.Series([10, 9, 9, 8, 7, 3]))
    >>> round(result.estimate, 2), result.promoters, result.passives, result.detractors
    (33.33, 3, 2, 1)
    """
    if (low, high) != (0, 10):
        raise ValueError(
            f"NPS refused: the question uses a scale of {low:g}–{high:g}, promoters and detractors"
            " are defined on 0–10 only"
        )
    name, pseudo_counts = _interval(interval)
    check_level(conf_level)
    counts = _nps_counts(scores)
    n = int(counts.sum())
    detractors, passives, promoters = (int(count) for count in counts)
    fields: dict[str, Any] = {
        "promoters": promoters,
        "passives": passives,
        "detractors": detractors,
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": scores.size - n,
        "method": message(
            "Percentage of 9–10 less percentage of 0–6, with {interval} interval at {level:g}%;"
            " missing answers are left out.",
            interval=name,
            level=100 * conf_level,
        ),
    }
    if n == 0:
        return Nps(not_estimable=NO_ANSWERS, **fields)
    estimate, variance = _nps_moments(counts)
    centre, adjusted = _nps_moments(counts + pseudo_counts)
    conf_low, conf_high = _wald(centre, adjusted, estimate, 100, conf_level)
    return Nps(
        estimate=estimate,
        conf_low=conf_low,
        conf_high=conf_high,
        share_promoters=promoters / n,
        share_passives=passives / n,
        share_detractors=detractors / n,
        std_error=float(np.sqrt(variance)),
        notes=_no_width(conf_low, conf_high),
        **fields,
    )


def nps_difference(
    a: pd.Series,
    b: pd.Series,
    *,
    conf_level: float = 0.95,
    interval: NpsInterval = "adjusted_wald",
) -> NpsDifference:
    """NPS of ``a`` less NPS of ``b`` for two independent samples, with interval and z test.

    Parameters
    ----------
    a, b
        Answers 0–10 of two different groups of respondents, such as this wave and the one before;
        missing answers are left out.
    conf_level
        0–1.
    interval
        As in :func:`nps`; the adjusted form adds the pseudo-counts to both samples. ``statistic``,
        ``p_value`` and ``std_error`` belong to the interval: p < 1 − ``conf_level`` where it
        excludes 0.

    Raises
    ------
    ValueError
        If an answer is not a whole number 0–10.

    Notes
    -----
    The variances of the two scores add (Rocks, 2016). Checked against base R.

    Examples
    --------
    >>> result = nps_difference(pd.Series([10, 9, 8, 7]), pd.Series([9, 6, 5, 8]))
    >>> result.nps_a, result.nps_b, result.estimate
    (50.0, -25.0, 75.0)
    """
    name, pseudo_counts = _interval(interval)
    check_level(conf_level)
    counts = _nps_counts(a), _nps_counts(b)
    n_a, n_b = (int(count.sum()) for count in counts)
    nps_a, nps_b = (_nps_moments(count)[0] if count.any() else None for count in counts)
    fields: dict[str, Any] = {
        "nps_a": nps_a,
        "nps_b": nps_b,
        "n_a": n_a,
        "n_b": n_b,
        "conf_level": conf_level,
        "n_used": n_a + n_b,
        "n_dropped": a.size + b.size - n_a - n_b,
        "method": message(
            "Difference of two independent Net Promoter Scores with {interval} interval at"
            " {level:g}% and z test; missing answers are left out.",
            interval=name,
            level=100 * conf_level,
        ),
    }
    if nps_a is None or nps_b is None:
        return NpsDifference(not_estimable=NO_ANSWERS, **fields)
    (mean_a, var_a), (mean_b, var_b) = (_nps_moments(count + pseudo_counts) for count in counts)
    centre, variance = mean_a - mean_b, var_a + var_b
    conf_low, conf_high = _wald(centre, variance, nps_a - nps_b, 200, conf_level)
    z = centre / float(np.sqrt(variance)) if variance > 0 else None
    return NpsDifference(
        estimate=nps_a - nps_b,
        conf_low=conf_low,
        conf_high=conf_high,
        std_error=float(np.sqrt(variance)),
        statistic=z,
        notes=_no_width(conf_low, conf_high),
        p_value=None if z is None else float(2 * stats.norm.sf(abs(z))),
        **fields,
    )


def _nps_counts(scores: pd.Series) -> FloatArray:
    """Numbers of detractors, passives and promoters."""
    answers = numbers(scores).dropna()
    require(answers.isin(range(11)), answers, "whole numbers from 0 to 10")
    return np.bincount(np.digitize(answers, [7, 9]), minlength=3).astype("float64")


def _nps_moments(counts: FloatArray) -> tuple[float, float]:
    """The score in points and its variance, (p + d − (p − d)²)/n."""
    n = counts.sum()
    detractors, _, promoters = counts / n
    score = promoters - detractors
    return float(100 * score), float(100**2 * (promoters + detractors - score**2) / n)


def _wald(
    centre: float, variance: float, estimate: float, limit: float, conf_level: float
) -> tuple[float, float]:
    half_width = float(stats.norm.isf((1 - conf_level) / 2) * np.sqrt(variance))
    low = max(min(centre - half_width, estimate), -limit)
    return low, min(max(centre + half_width, estimate), limit)


def _interval(interval: NpsInterval) -> tuple[Message, FloatArray]:
    if interval not in INTERVALS:
        raise ValueError(f"interval is {interval!r}: one of {list(INTERVALS)} is needed")
    return INTERVALS[interval]


def _no_width(conf_low: float, conf_high: float) -> tuple[Message, ...]:
    if conf_low < conf_high:
        return ()
    return (message("All answers fall in one group: the Wald interval has no width."),)
