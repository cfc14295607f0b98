"""Levels of periods as sums over cells (period × stratum), with their changes and slope."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from csat_stats.frames import Array
from csat_stats.trends._periods import IntArray
from csat_stats.trends._shares import square_and_add, wilson

Kind = Literal["mean", "share"]


class Cells(NamedTuple):
    """Periods (rows) × strata (columns); NaN where there are no answers."""

    n: Array
    total: Array  # of the weights
    mean: Array
    variance: Array  # of the mean
    df: Array
    effective: Array  # Kish's n


class Levels(NamedTuple):
    """A figure by period: a sum of cells that count ``shares`` each."""

    cells: Cells
    shares: Array
    estimate: Array
    variance: Array
    quartic: Array  # variance² / quartic are the degrees of freedom (Satterthwaite)
    effective: Array
    low: Array
    high: Array


class Change(NamedTuple):
    """Differences, or a slope, with what is needed to judge them."""

    estimate: Array
    std_error: Array
    conf_low: Array
    conf_high: Array
    statistic: Array
    df: Array
    p_value: Array


def cells_of(
    x: Array, w: Array, period: IntArray, stratum: IntArray, shape: tuple[int, int]
) -> Cells:
    """Means and their variances; a single answer takes the variance within its period's others."""
    codes, size = period * shape[1] + stratum, shape[0] * shape[1]
    w = w / w.max(initial=0) if w.size else w

    def sums(parts: Array | None) -> Array:
        return np.bincount(codes, parts, size).astype("float64").reshape(shape)

    n, total, start = sums(None), sums(w), x[0] if x.size else 0.0
    with np.errstate(all="ignore"):
        mean = start + sums(w * (x - start)) / total
        away = x - mean.ravel()[codes]
        away[np.abs(away) <= 1e-12 * np.abs(x).max(initial=0)] = 0  # rounding is no spread
        variance = n / (n - 1) * sums((w * away) ** 2) / total**2
        effective = total**2 / sums(w**2)
        spread = np.where(n > 1, n * sums(w * away**2) / total, 0)
        degrees = np.where(n > 1, n - 1, 0).sum(axis=1, keepdims=True)
        pooled = spread.sum(axis=1, keepdims=True) / degrees
    alone = n == 1
    return Cells(
        n=n,
        total=total,
        mean=mean,
        variance=np.where(alone, pooled, variance),
        df=np.where(alone, degrees, n - 1),
        effective=effective,
    )


def levels_of(cells: Cells, shares: Array, kind: Kind, conf_level: float) -> Levels:
    """The figure of each period where the strata count ``shares``, which add up to 1."""
    cells, q = Cells(*(column[:, shares > 0] for column in cells)), shares[shares > 0]
    with np.errstate(all="ignore"):
        estimate = cells.mean @ q
        parts = q**2 * cells.variance
        variance, quartic = parts.sum(axis=1), (parts**2 / cells.df).sum(axis=1)
        effective = 1 / (q**2 / cells.effective).sum(axis=1)
        if kind == "mean":
            reach = _reach(variance, variance**2 / quartic, conf_level)
            low, high = estimate - reach, estimate + reach
        else:
            estimate, base = np.clip(estimate, 0, 1), effective
            if q.size > 1:
                n = cells.n.sum(axis=1)
                implied = estimate * (1 - estimate) / variance * n / (n - 1)
                base = np.where((implied > 0) & np.isfinite(implied), implied, effective)
            low, high = wilson(estimate, base, conf_level)
    return Levels(cells, q, estimate, variance, quartic, effective, low, high)


def changes_of(levels: Levels, i: IntArray, j: IntArray, kind: Kind, conf_level: float) -> Change:
    """Periods ``j`` less periods ``i``."""
    estimate = levels.estimate[j] - levels.estimate[i]
    variance = levels.variance[i] + levels.variance[j]
    if kind == "mean":
        return _t_test(estimate, variance, levels.quartic[i] + levels.quartic[j], conf_level)
    low, high = square_and_add(
        levels.estimate[i],
        (levels.low[i], levels.high[i]),
        levels.estimate[j],
        (levels.low[j], levels.high[j]),
    )
    n, m = levels.cells.effective[i], levels.cells.effective[j]
    pooled = (n * levels.cells.mean[i] + m * levels.cells.mean[j]) / (n + m)
    error = np.sqrt((levels.shares**2 * pooled * (1 - pooled) * (1 / n + 1 / m)).sum(axis=1))
    z = np.divide(estimate, error, out=np.zeros_like(estimate), where=error > 0)
    p_value = 2 * special.ndtr(-np.abs(z))
    return Change(estimate, np.sqrt(variance), low, high, z, np.full_like(z, np.nan), p_value)


def slope_of(levels: Levels, conf_level: float) -> Change | None:
    """The line through the periods that have an error, each weighing its effective n."""
    at = np.flatnonzero(np.isfinite(levels.variance))
    if at.size < 3:
        return None
    weight = levels.effective[at]
    away = at - weight @ at / weight.sum()
    c = weight * away / (weight @ away**2)
    start = levels.estimate[at[0]]
    return _t_test(
        c @ (levels.estimate[at] - start),
        c**2 @ levels.variance[at],
        c**4 @ levels.quartic[at],
        conf_level,
    )


def mix_part(cells: Cells, i: IntArray, j: IntArray) -> Array:
    """What changed shares of the strata add to the change from i to j (Kitagawa, 1955).

    A stratum that one of the two lacks has the level of the other there.
    """
    was, is_now = (cells.total[at] / cells.total[at].sum(axis=1, keepdims=True) for at in (i, j))
    before, after = cells.mean[i], cells.mean[j]
    level = (
        np.where(np.isnan(before), after, before) + np.where(np.isnan(after), before, after)
    ) / 2
    part: Array = np.nansum(level * (is_now - was), axis=1)
    return part


def _t_test(estimate: Array, variance: Array, quartic: Array, conf_level: float) -> Change:
    with np.errstate(all="ignore"):
        error, df = np.sqrt(variance), variance**2 / quartic
        statistic = np.where(variance > 0, estimate / error, np.nan)
    reach = -special.stdtrit(df, (1 - conf_level) / 2) * error
    p_value = 2 * special.stdtr(df, -np.abs(statistic))
    return Change(estimate, error, estimate - reach, estimate + reach, statistic, df, p_value)


def _reach(variance: Array, df: Array, conf_level: float) -> Array:
    reach = -special.stdtrit(df, (1 - conf_level) / 2) * np.sqrt(variance)
    return np.where(variance == 0, 0, reach)
