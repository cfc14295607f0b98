"""R² of many correlation matrices at once, divided among their drivers."""

from __future__ import annotations

import numpy as np
from scipy.special import comb

from csat_stats.frames import Array

_CELLS = 2**15  # sets × matrices worked on at a time: they stay in the cache of a core
_NOTHING = 1e-12  # R² that rounding leaves of 0


def lmg(corr: Array) -> Array:
    """What each driver adds to R², averaged over all orders; matrices × drivers.

    The outcome is the last column of each matrix.
    """
    p = corr.shape[1] - 1
    sets, j = np.arange(2**p), np.arange(p)[:, None]
    inside = (sets >> j) & 1
    # A set of m other drivers comes first in 1/p of the orders, shared by all sets of m.
    share = (2 * inside - 1) / (p * comb(p - 1, np.bitwise_count(sets) - inside))
    step = max(_CELLS // 2**p, 1)
    blocks = [corr[i : i + step] for i in range(0, len(corr), step)]
    return np.concatenate([(share @ explained(block)).T for block in blocks])


def explained(corr: Array) -> Array:
    """R² of every set of drivers: sets × matrices; bit j of a set's number stands for driver j.

    Each driver in turn is left out, or swept out of all that come after it.
    """
    left = corr.transpose(1, 2, 0)
    while len(left) > 1:
        rest = left[1:, 1:]
        swept = rest - left[1:, :1] * (left[0, 1:] / left[0, 0])
        left = np.concatenate([rest, swept], axis=-1)
    return np.asarray(1 - left[0, 0].reshape(-1, len(corr)))


def johnson(corr: Array) -> Array:
    """Relative weights by the symmetric square root of the drivers' correlations."""
    among, with_outcome = corr[:, :-1, :-1], corr[:, :-1, -1:]
    values, vectors = np.linalg.eigh(among)
    root = (vectors * np.sqrt(values)[:, None, :]) @ vectors.transpose(0, 2, 1)
    return np.asarray((root**2 @ np.linalg.solve(root, with_outcome) ** 2)[:, :, 0])


def shares(parts: Array) -> Array:
    """Parts of R² as shares of it; NaN where it is 0."""
    explained = parts.sum(axis=1, keepdims=True)
    return np.asarray(parts / np.where(explained > _NOTHING, explained, np.nan))
