"""Polychoric correlations from coded answers: arrays only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, owens_t

from csat_stats.frames import Array

Integers = NDArray[np.intp]

# Stands for an infinite threshold: the normal density there is exactly zero.
_FAR = 40.0
# Owen's T loses its digits by cancellation where the probability is below this.
_TAIL = 1e-9
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(32)
# A cell is the sum of the distribution function over its corners with these signs.
_CORNERS = np.array([1.0, -1.0, -1.0, 1.0])
# Correlations closer to ±1 than 1e-9 count as ±1 (on the scale of Fisher's z).
_FURTHEST = float(np.arctanh(1 - 1e-9))


def two_step(codes: Integers, weights: Array, start: Array) -> tuple[list[Array], Array, Array]:
    """Cumulative shares of the categories of each item; correlations and standard errors.

    ``codes`` are respondents × items, 0, 1, … without gaps; ``start`` has one value for each pair
    of items, in the order of ``np.triu_indices``. A correlation is NaN where the likelihood has no
    maximum inside −1 to 1.
    """
    weights = weights / weights.sum()
    categories = codes.max(axis=0) + 1
    table = _crosstab(codes, weights)
    equal = np.ptp(weights) == 0
    squares = table / len(codes) if equal else _crosstab(codes, weights**2)
    item = np.repeat(np.arange(len(categories)), categories)
    category = np.arange(len(item)) - (np.cumsum(categories) - categories)[item]
    below = np.zeros((len(categories), categories.max() + 1))
    below[item, category + 1] = np.diag(table)
    below = below.cumsum(axis=1)
    below[np.arange(below.shape[1]) >= categories[:, None]] = 1

    row, column = np.nonzero(np.where(item[:, None] < item, table, 0))
    pair_number = np.zeros((len(categories), len(categories)), dtype=np.intp)
    pair_number[np.triu_indices(len(categories), 1)] = np.arange(len(start))
    cells = _Cells(
        pair=pair_number[item[row], item[column]],
        items=np.stack([item[row], item[column]]),
        categories=np.stack([category[row], category[column]]),
        share=table[row, column],
        square=squares[row, column],
    )
    with np.errstate(divide="ignore"):
        threshold = np.clip(ndtri(below), -_FAR, _FAR)
    estimable = ~(_in_order(cells, 1) | _in_order(cells, -1))
    rho = _maximise(cells.of(estimable), threshold, np.where(estimable, start, np.nan))
    std_error = _std_errors(cells.of(~np.isnan(rho)), threshold, below, rho)
    std_error *= np.sqrt(len(codes) / (len(codes) - 1))
    shares = [row[1:count] for row, count in zip(below, categories, strict=True)]
    return shares, rho, std_error


@dataclass(frozen=True)
class _Cells:
    """The answered cells of the tables of all pairs, one entry a cell.

    ``items`` and ``categories`` are 2 × cells; ``share`` is the weighted share of respondents in
    the cell, ``square`` the sum of their squared shares.
    """

    pair: Integers
    items: Integers
    categories: Integers
    share: Array
    square: Array

    def of(self, pairs: NDArray[np.bool_]) -> _Cells:
        """The cells of the pairs where the mask is true."""
        kept = pairs[self.pair]
        return _Cells(**{name: value[..., kept] for name, value in vars(self).items()})


def _crosstab(codes: Integers, weights: Array) -> Array:
    """Tables of all pairs in one matrix: categories of all items × categories of all items."""
    categories = codes.max(axis=0) + 1
    width = int(categories.sum())
    places = codes + np.cumsum(categories) - categories
    table = np.zeros((width, width))
    for start in range(0, len(codes), 16_384):
        part = places[start : start + 16_384]
        chosen = np.zeros((len(part), width))
        np.put_along_axis(chosen, part, 1, axis=1)
        table += chosen.T @ (chosen * weights[start : start + 16_384, None])
    return table


def _in_order(cells: _Cells, sign: int) -> NDArray[np.bool_]:
    """Pairs whose answers rise together without exception, or fall for ``sign`` −1."""
    row, column = cells.categories[0], sign * cells.categories[1]
    order = np.lexsort((column, row, cells.pair))
    pair = cells.pair[order]
    broken = (np.diff(column[order]) < 0) & (np.diff(pair) == 0)
    kept = np.ones(cells.pair.max() + 1, dtype=bool)
    kept[pair[1:][broken]] = False
    return kept


def bivariate_normal(h: Array, k: Array, r: Array) -> Array:
    """P(X ≤ h, Y ≤ k) for standard normal X, Y with correlation r, |r| < 1; ±40 is infinity."""
    result = np.where(h >= _FAR, ndtr(k), np.where(k >= _FAR, ndtr(h), 0.0))
    inner = (np.abs(h) < _FAR) & (np.abs(k) < _FAR)
    h, k, r = h[inner], k[inner], np.broadcast_to(r, inner.shape)[inner]
    # Owen (1956, Annals of Mathematical Statistics 27); 1e-200 lets h and k be zero.
    x, y = np.where(h == 0, 1e-200, h), np.where(k == 0, 1e-200, k)
    root = np.sqrt((1 - r) * (1 + r))
    value = (ndtr(h) + ndtr(k)) / 2 - np.where((x < 0) != (y < 0), 0.5, 0)
    value -= owens_t(x, (y / x - r) / root) + owens_t(y, (x / y - r) / root)
    # d/dr of the probability is the density, and at r = −1 it is 0 in this tail.
    tail = (value < _TAIL) & (h + k < 0)
    half = (np.arcsin(r[tail]) + np.pi / 2)[:, None] / 2
    angle = half * (1 + _NODES) - np.pi / 2
    x, y = h[tail, None], k[tail, None]
    density = np.exp(-(x**2 + y**2 - 2 * x * y * np.sin(angle)) / (2 * np.cos(angle) ** 2))
    value[tail] = density @ _NODE_WEIGHTS * half[:, 0] / (2 * np.pi)
    result[inner] = value
    return np.asarray(result)


def _probabilities(cells: _Cells, threshold: Array, rho: Array) -> tuple[Array, Array, Array]:
    """Probability of each cell, and its first and second derivative by the correlation."""
    lower, upper = (threshold[cells.items, cells.categories + step] for step in (0, 1))
    # Turned so that each cell lies in the lower corner, where its probability keeps its digits.
    turned = lower + upper > 0
    lower, upper = np.where(turned, -upper, lower), np.where(turned, -lower, upper)
    turn = np.where(turned[0] == turned[1], 1.0, -1.0)
    r = turn * rho[cells.pair]
    h = np.stack([upper[0], lower[0], upper[0], lower[0]])
    k = np.stack([upper[1], upper[1], lower[1], lower[1]])
    free = (1 - r) * (1 + r)
    density = np.exp(-(h**2 - 2 * r * h * k + k**2) / (2 * free)) / (2 * np.pi * np.sqrt(free))
    bend = density * (r / free + (h * k * (1 + r**2) - r * (h**2 + k**2)) / free**2)
    probability = np.maximum(_CORNERS @ bivariate_normal(h, k, r), 1e-300)
    return probability, turn * (_CORNERS @ density), _CORNERS @ bend


def _maximise(cells: _Cells, threshold: Array, start: Array) -> Array:
    """Correlations where the likelihood is greatest: Newton's method on Fisher's z, bracketed."""
    n_pairs = len(start)
    rho = np.clip(start, -0.95, 0.95)
    low, high = np.full(n_pairs, -_FURTHEST), np.full(n_pairs, _FURTHEST)
    active = ~np.isnan(rho)
    for _ in range(100):
        cells = cells.of(active)
        if not active.any():
            break
        probability, first, second = _probabilities(cells, threshold, rho)
        score = first / probability
        slope = _sums(cells.pair, cells.share * score, n_pairs)
        curve = _sums(cells.pair, cells.share * (second / probability - score**2), n_pairs)
        free = (1 - rho) * (1 + rho)
        slope, curve = slope * free, curve * free**2 - 2 * rho * slope * free
        z = np.arctanh(rho)
        low, high = np.where(slope > 0, z, low), np.where(slope < 0, z, high)
        downhill = np.where(curve < 0, curve, -np.abs(slope) - 1e-300)
        new = z - np.clip(slope / downhill, -1, 1)
        # At the maximum the last step is rounding, and may end on the bracket it stands on.
        outside = ((new <= low) | (new >= high)) & (np.abs(new - z) > 1e-12)
        new = np.tanh(np.where(outside, (low + high) / 2, new))
        moved = np.abs(new - rho)
        rho = np.where(active, new, rho)
        active &= moved > 1e-12
    bound = np.abs(np.arctanh(rho)) > _FURTHEST - 1e-3
    return np.where(active | bound, np.nan, rho)


def _std_errors(cells: _Cells, threshold: Array, below: Array, rho: Array) -> Array:
    """Two-step standard errors: what a respondent's answers add to the estimate, squared.

    The score of the correlation is corrected for the thresholds, which come from the margins
    (Muthén 1984, Psychometrika 49; information from cross-products, as lavaan).
    """
    n_pairs, width = len(rho), below.shape[1]
    probability, first, _ = _probabilities(cells, threshold, rho)
    score = first / probability
    information = _sums(cells.pair, cells.share * score**2, n_pairs)
    correlation = rho[cells.pair]
    root = np.sqrt((1 - correlation) * (1 + correlation))
    influence = score
    for own, other in ((0, 1), (1, 0)):
        item, category = cells.items[own], cells.categories[own]
        bounds = [threshold[cells.items[other], cells.categories[other] + s] for s in (0, 1)]
        # Cross-information of the correlation and each threshold, over the density there.
        cross = np.zeros(n_pairs * width)
        for step, sign in ((0, -1), (1, 1)):
            at = threshold[item, category + step]
            z = [(bound - correlation * at) / root for bound in bounds]
            change = sign * cells.share * score * _between(*z) / probability
            cross += _sums(cells.pair * width + category + step, change, n_pairs * width)
        cross = cross.reshape(n_pairs, width)
        above = cross[:, ::-1].cumsum(axis=1)[:, ::-1]
        mean = (cross * below[np.triu_indices(len(below), 1)[own]]).sum(axis=1)
        influence = influence - above[cells.pair, category + 1] + mean[cells.pair]
    variance = _sums(cells.pair, cells.square * influence**2, n_pairs)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(variance) / information)


def _sums(group: Integers, values: Array, n_groups: int) -> Array:
    return np.asarray(np.bincount(group, values, n_groups), dtype=float)


def _between(lower: Array, upper: Array) -> Array:
    """Normal probability between two points, without cancellation in the upper tail."""
    turned = lower + upper > 0
    return np.asarray(np.where(turned, ndtr(-lower) - ndtr(-upper), ndtr(upper) - ndtr(lower)))
