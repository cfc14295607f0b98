"""Net Promoter Score, and the difference of two."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from csat_stats.frames import Array, check_level, require
from csat_stats.results import Message, Result, message
from csat_stats.satisfaction._figures import (
    NO_ANSWERS,
    Figures,
    answered,
    effective_n,
    mean_figures,
)

NpsInterval = Literal["adjusted_wald", "wald"]

# Name, and what is added to detractors, passives and promoters before the interval is formed.
INTERVALS: dict[str, tuple[Message, Array]] = {
    "adjusted_wald": (message("adjusted Wald"), np.array([0.75, 1.5, 0.75])),
    "wald": (message("Wald"), np.zeros(3)),
}


@dataclass(frozen=True, kw_only=True)
class Nps(Result):
    """Net Promoter Score in points, −100 to 100; counts, shares 0–1, standard error in points.

    The three counts are of respondents; with weights the shares are weighted, and ``n_effective``
    is Kish's effective number of respondents.
    """

    promoters: int
    passives: int
    detractors: int
    share_promoters: float | None = None
    share_passives: float | None = None
    share_detractors: float | None = None
    std_error: float | None = None
    n_effective: float | None = None


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
    weights: pd.Series | None = None,
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
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out.
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
        If the scale is not 0–10, an answer is not a whole number 0–10, or a weight is negative or
        infinite.

    Notes
    -----
    Var = (p + d − (p − d)²)/n. Pseudo-counts of Rocks (2016), "Interval Estimation for the 'Net
    Promoter Score'", The American Statistician 70(4), 365–372. Checked against base R.

    With weights the score is the weighted mean of 100 for promoters, 0 and −100 for detractors,
    and ``std_error`` that of :func:`mean_score` by Taylor linearisation, which the Wald interval
    takes. The adjusted interval adds the pseudo-counts to the weighted shares of the effective
    number of respondents (Σw)²/Σw² (Kish, 1965). Checked against R survey ``svymean``.

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
    name, pseudo_counts = _interval(interval, weights is not None)
    check_level(conf_level)
    groups, given = _groups(scores, weights)
    n = groups.size
    detractors, passives, promoters = np.bincount(groups, minlength=3).tolist()
    values = {"interval": name, "level": 100 * conf_level}
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
            **values,
        )
        if given is None
        else message(
            "Weighted percentage of 9–10 less that of 0–6, with {interval} interval at {level:g}%"
            " and standard error by Taylor linearisation; respondents without an answer or a weight"
            " are left out.",
            **values,
        ),
    }
    if n == 0:
        return Nps(not_estimable=NO_ANSWERS, **fields)
    score = _score(groups, given, pseudo_counts)
    conf_low, conf_high = _wald(score.centre, score.spread, score.estimate, 100, conf_level)
    return Nps(
        estimate=score.estimate,
        conf_low=conf_low,
        conf_high=conf_high,
        share_promoters=score.shares[2],
        share_passives=score.shares[1],
        share_detractors=score.shares[0],
        std_error=sqrt(score.variance),
        n_effective=score.n_effective,
        notes=_no_width(conf_low, conf_high),
        **fields,
    )


def nps_difference(
    a: pd.Series,
    b: pd.Series,
    *,
    weights_a: pd.Series | None = None,
    weights_b: pd.Series | None = None,
    conf_level: float = 0.95,
    interval: NpsInterval = "adjusted_wald",
) -> NpsDifference:
    """NPS of ``a`` less NPS of ``b`` for two independent samples, with interval and z test.

    Parameters
    ----------
    a, b
        Answers 0–10 of two different groups of respondents, such as this wave and the one before;
        missing answers are left out.
    weights_a, weights_b
        Sampling weights of the one and the other, each on any scale; respondents without a weight
        are left out.
    conf_level
        0–1.
    interval
        As in :func:`nps`; the adjusted form adds the pseudo-counts to both samples. ``statistic``,
        ``p_value`` and ``std_error`` belong to the interval: p < 1 − ``conf_level`` where it
        excludes 0.

    Raises
    ------
    ValueError
        If an answer is not a whole number 0–10, or a weight is negative or infinite.

    Notes
    -----
    The variances of the two scores add (Rocks, 2016); with weights they are those of :func:`nps`.
    Checked against base R and R survey ``svymean``.

    Examples
    --------
    >>> result = nps_difference(pd.Series([10, 9, 8, 7]), pd.Series([9, 6, 5, 8]))
    >>> result.nps_a, result.nps_b, result.estimate
    (50.0, -25.0, 75.0)
    """
    weighted = weights_a is not None or weights_b is not None
    name, pseudo_counts = _interval(interval, weighted)
    check_level(conf_level)
    samples = _groups(a, weights_a), _groups(b, weights_b)
    n_a, n_b = (groups.size for groups, _ in samples)
    scores = [_score(*sample, pseudo_counts) if sample[0].size else None for sample in samples]
    first, second = scores
    values = {"interval": name, "level": 100 * conf_level}
    fields: dict[str, Any] = {
        "nps_a": first and first.estimate,
        "nps_b": second and second.estimate,
        "n_a": n_a,
        "n_b": n_b,
        "conf_level": conf_level,
        "n_used": n_a + n_b,
        "n_dropped": a.size + b.size - n_a - n_b,
        "method": message(
            "Difference of two independent Net Promoter Scores with {interval} interval at"
            " {level:g}% and z test; missing answers are left out.",
            **values,
        )
        if not weighted
        else message(
            "Difference of two independent weighted Net Promoter Scores with {interval} interval at"
            " {level:g}% and z test; respondents without an answer or a weight are left out.",
            **values,
        ),
    }
    if first is None or second is None:
        return NpsDifference(not_estimable=NO_ANSWERS, **fields)
    centre, variance = first.centre - second.centre, first.spread + second.spread
    estimate = first.estimate - second.estimate
    conf_low, conf_high = _wald(centre, variance, estimate, 200, conf_level)
    z = centre / sqrt(variance) if variance > 0 else None
    return NpsDifference(
        estimate=estimate,
        conf_low=conf_low,
        conf_high=conf_high,
        std_error=sqrt(variance),
        statistic=z,
        notes=_no_width(conf_low, conf_high),
        p_value=None if z is None else float(2 * special.ndtr(-abs(z))),
        **fields,
    )


def nps_figures(
    values: Array,
    weights: Array | None,
    *,
    low: float = 0,
    high: float = 10,
    conf_level: float,
    interval: NpsInterval = "adjusted_wald",
) -> Figures:
    """The NPS of an array of whole numbers from ``low`` = 0 to ``high`` = 10."""
    score = _score(np.digitize(values, [7, 9]), weights, INTERVALS[interval][1])
    limits = _wald(score.centre, score.spread, score.estimate, 100, conf_level)
    return Figures(score.estimate, *limits)


class _Score(NamedTuple):
    """An NPS and its variance; ``centre`` and ``spread`` are those that the interval is about."""

    estimate: float
    variance: float
    centre: float
    spread: float
    shares: tuple[float, float, float]
    n_effective: float | None


def _score(groups: NDArray[np.intp], weights: Array | None, pseudo_counts: Array) -> _Score:
    counts = np.bincount(groups, weights, minlength=3).astype("float64")
    effective = None
    if weights is not None:
        effective = effective_n(weights)
        counts *= effective / weights.sum()
    detractors, passives, promoters = (counts / counts.sum()).tolist()
    estimate, variance = _nps_moments(counts)
    if weights is not None:
        points = mean_figures(100 * (groups.astype("float64") - 1), weights, conf_level=0.95)
        variance = (points.std_error or 0.0) ** 2
    centre, spread = estimate, variance
    if pseudo_counts.any():
        centre, spread = _nps_moments(counts + pseudo_counts)
    return _Score(estimate, variance, centre, spread, (detractors, passives, promoters), effective)


def _groups(scores: pd.Series, weights: pd.Series | None) -> tuple[NDArray[np.intp], Array | None]:
    """0, 1, 2 for each detractor, passive and promoter, and their weights."""
    answers, given = answered(scores, weights)
    require(answers.isin(range(11)), answers, "whole numbers from 0 to 10")
    return np.digitize(answers, [7, 9]), given


def _nps_moments(counts: Array) -> tuple[float, float]:
    """The score in points and its variance, (p + d − (p − d)²)/n."""
    n = counts.sum()
    detractors, _, promoters = counts / n
    score = promoters - detractors
    return float(100 * score), float(100**2 * (promoters + detractors - score**2) / n)


def _wald(
    centre: float, variance: float, estimate: float, limit: float, conf_level: float
) -> tuple[float, float]:
    half_width = -float(special.ndtri((1 - conf_level) / 2)) * sqrt(variance)
    low = max(min(centre - half_width, estimate), -limit)
    return low, min(max(centre + half_width, estimate), limit)


def _interval(interval: NpsInterval, weighted: bool) -> tuple[Message, Array]:
    if interval not in INTERVALS:
        raise ValueError(f"interval is {interval!r}: one of {list(INTERVALS)} is needed")
    name, pseudo_counts = INTERVALS[interval]
    if weighted and pseudo_counts.any():
        name = message("adjusted Wald (on Kish's effective n)")
    return name, pseudo_counts


def _no_width(conf_low: float, conf_high: float) -> tuple[Message, ...]:
    if conf_low < conf_high:
        return ()
    return (message("All answers fall in one group: the Wald interval has no width."),)
