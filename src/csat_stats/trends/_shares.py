"""Intervals of shares and of their differences, on arrays."""

from __future__ import annotations

import numpy as np
from scipy import special

from csat_stats.frames import Array


def wilson(share: Array, n: Array, conf_level: float) -> tuple[Array, Array]:
    """Limits of shares of ``n`` (Wilson, 1927), which need not be whole; NaN where n is 0."""
    z = float(special.ndtri(0.5 + 0.5 * conf_level))
    with np.errstate(invalid="ignore"):
        centre = (n * share + z**2 / 2) / (n + z**2)
        reach = z * np.sqrt(n * share * (1 - share) + z**2 / 4) / (n + z**2)
    # The ends are exact in theory, and off by a rounding error otherwise.
    return np.where(share == 0, 0, centre - reach), np.where(share == 1, 1, centre + reach)


def square_and_add(
    before: Array, before_limits: tuple[Array, Array], after: Array, limits: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Limits of after − before from the limits of each (Newcombe, 1998; Zou and Donner, 2008)."""
    change = after - before
    low = change - np.hypot(after - limits[0], before_limits[1] - before)
    return low, change + np.hypot(limits[1] - after, before - before_limits[0])
