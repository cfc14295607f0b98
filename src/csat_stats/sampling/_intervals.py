"""The score interval of a share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from csat_stats.frames import Array


def wilson(count: ArrayLike, n: ArrayLike, conf_level: float) -> tuple[Array, Array]:
    """Limits of count/n (Wilson, 1927) for n above 0, which need not be whole numbers."""
    count, n = np.asarray(count, dtype="float64"), np.asarray(n, dtype="float64")
    z = float(stats.norm.isf((1 - conf_level) / 2))
    centre = (count + z**2 / 2) / (n + z**2)
    margin = z * np.sqrt(count * (1 - count / n) + z**2 / 4) / (n + z**2)
    # The ends are exact in theory, and off by a rounding error otherwise.
    return np.where(count == 0, 0, centre - margin), np.where(count == n, 1, centre + margin)
