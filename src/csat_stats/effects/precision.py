"""What two waves could have shown: the change that these answers would not have missed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from csat_stats.effects._change import change_of_means, noncentralities
from csat_stats.effects._waves import Waves
from csat_stats.frames import Array

POWER = 0.8


def detectable_change(waves: Waves, conf_level: float, *, falling: bool = False) -> float | None:
    """The smallest true change that would have shown as significant with 80% power, as a size.

    Means and weighted figures: from the noncentral t at the standard error observed, as R
    ``power.t.test`` has it for equal waves. Shares: a rise from the share before, or a fall where
    ``falling``, by the pooled z test, as ``power.prop.test``; in a panel by McNemar's test with
    the observed share of customers who changed (Connor, 1987). ``None`` where the scale of shares
    ends before that.
    """
    if waves.kind == "mean" or waves.weighted:
        _, error, df = change_of_means(waves)
        t = float(stats.t.ppf((1 + conf_level) / 2, df))
        return error * noncentralities(t, df, 1 - POWER)[1]
    z = float(stats.norm.ppf((1 + conf_level) / 2))
    shares = _panel if waves.design == "panel" else _independent
    surplus, room = shares(waves.x, waves.y, z, -1 if falling else 1)
    if room <= 0 or surplus(room) < 0:
        return None
    return float(optimize.brentq(surplus, 0, room, xtol=1e-14))


def _independent(x: Array, y: Array, z: float, sign: int) -> tuple[Callable[[float], float], float]:
    """How far a change of this size exceeds what it takes, and the largest change there can be."""
    p, m, n = float(x.mean()), len(x), len(y)

    def surplus(change: float) -> float:
        q = p + sign * change
        pooled = (m * p + n * q) / (m + n)
        null = pooled * (1 - pooled) * (1 / m + 1 / n)
        actual = p * (1 - p) / m + q * (1 - q) / n
        return _surplus(change, null, actual, z)

    return surplus, 1 - p if sign > 0 else p


def _panel(x: Array, y: Array, z: float, sign: int) -> tuple[Callable[[float], float], float]:
    changed, n = float(np.mean(x != y)), len(x)

    def surplus(change: float) -> float:
        return _surplus(change, changed / n, (changed - change**2) / n, z)

    room = 1 - x.mean() if sign > 0 else x.mean()
    return surplus, min(changed, float(room))


def _surplus(change: float, null: float, actual: float, z: float) -> float:
    return float(
        change - z * np.sqrt(max(null, 0.0)) - stats.norm.ppf(POWER) * np.sqrt(max(actual, 0.0))
    )
