"""The importance–performance matrix of many samples at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csat_stats.drivers._parts import shares
from csat_stats.drivers._resampling import (
    Respondents,
    correlations_of,
    products,
    resampled_sums,
    solvable,
)
from csat_stats.drivers.importance import PARTS
from csat_stats.frames import Array

QUADRANTS = ["concentrate", "keep", "low_priority", "overkill"]
_BLOCK = 2**12  # rows
_ROUNDING = 1e-12


class Figures(NamedTuple):
    """Of each sample: correlations of drivers and outcome; mean performance, mean rating."""

    corr: Array
    performance: Array
    stated: Array  # no column where nobody was asked


class Matrix(NamedTuple):
    """Samples × drivers, the crosshair samples × 1."""

    importance: Array
    performance: Array
    importance_at: Array
    performance_at: Array

    @property
    def quadrant(self) -> NDArray[np.int64]:
        """Places in ``QUADRANTS``; what lies on the crosshair is high."""
        important = _reaches(self.importance, self.importance_at)
        return np.asarray(2 * ~important + _reaches(self.performance, self.performance_at))


@dataclass(frozen=True)
class Answers:
    """Complete rows of the drivers and, last, the outcome; and ratings of importance with gaps."""

    found: Respondents
    ratings: Array

    def figures(self, n_boot: int = 0, seed: int = 0) -> Figures:
        """Those of the resamples; where there are none, of the respondents as one sample."""
        found, given = self.found, ~np.isnan(self.ratings)
        q, p = found.z.shape[1], self.ratings.shape[1]
        rows = np.column_stack([found.weights, found.z, np.where(given, self.ratings, 0), given])

        def summed(block: Array) -> Array:
            w, z, ratings = np.split(block, [1, 1 + q], axis=1)
            return np.column_stack([w * ratings, products(w[:, 0], z)])

        if n_boot:
            sums = resampled_sums(rows, summed, n_boot, seed)
        else:
            blocks = (rows[i : i + _BLOCK] for i in range(0, len(rows), _BLOCK))
            sums = np.sum([summed(block).sum(axis=0) for block in blocks], axis=0)[None]
        mean, corr = correlations_of(sums[:, 2 * p :], q)
        total, weight = sums[:, :p], sums[:, p : 2 * p]
        stated = total / np.where(weight > 0, weight, np.nan)
        return Figures(corr, (found.mean + found.std_dev * mean)[:, :-1], stated)


def importance_of(kind: str, figures: Figures) -> Array:
    """Samples × drivers; NaN where a sample has none."""
    if kind == "stated":
        return figures.stated
    if kind == "correlation":
        return figures.corr[:, :-1, -1]
    found = np.full_like(figures.performance, np.nan)
    usable = solvable(figures.corr)
    found[usable] = shares(PARTS[kind](figures.corr[usable]))
    return found


def matrix_of(
    importance: Array, performance: Array, rule: str, fixed: tuple[float, float] | None
) -> Matrix:
    """The matrix of each sample, its crosshair fixed or set by the rule."""
    if fixed:
        at = [np.full((len(importance), 1), place) for place in fixed]
    else:
        middle = np.mean if rule == "mean" else np.median
        at = [middle(figures, axis=1, keepdims=True) for figures in (importance, performance)]
    return Matrix(importance, performance, at[0], at[1])


def _reaches(figures: Array, place: Array) -> NDArray[np.bool]:
    return figures >= place - _ROUNDING * np.abs(place)
