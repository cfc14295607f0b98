"""Sums over respondents, block by block: exact for whole numbers, centred for all others."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from csat_stats.frames import Array, numbers

_CELLS = 2**19  # answers in a block; a quarter where dtypes have to be converted
_PIECE = 512  # rows in one matrix product: |answers| up to 181 are exact in single precision
_BAND = 2  # items rounded at once: they stay in the cache of a core
_STRETCHES = 2  # threads; fixed, so that rounding does not depend on the machine


@dataclass(frozen=True, eq=False)
class Integers:
    """Exact sums of whole numbers: int64, or Python integers where they could overflow.

    Arrays have items as rows and, for the other item of each pair, as columns; with complete rows
    one column stands for all. ``total`` is Σxᵢ, ``squares`` Σxᵢ², ``products`` Σxᵢxⱼ.
    """

    rows: int
    used: int
    n: NDArray[Any]
    total: NDArray[Any]
    squares: NDArray[Any]
    products: NDArray[Any]

    def shifted(self, by: NDArray[Any]) -> Integers:
        """The sums of the same answers with ``by``, one for each item, added."""
        n, total, by = (part.astype(object) for part in (self.n, self.total, by))
        return Integers(
            self.rows,
            self.used,
            n,
            total + by * n,
            self.squares + 2 * by * total + by * by * n,
            self.products + total * by.T + by * total.T + by * by.T * n,
        )

    def centred(self) -> Centred:
        """Each figure is that of exact arithmetic, rounded once."""
        n, total = self.n.astype(object), self.total.astype(object)
        base, count = np.where(self.n > 0, n, 1), self.n.astype(float)
        return Centred(
            rows=self.rows,
            used=self.used,
            n=self.n.astype(np.int64),
            weight=count,
            weight2=count,
            mean=(total / base).astype(float),
            squares=((n * self.squares - total * total) / base).astype(float),
            products=((n * self.products - total * total.T) / base).astype(float),
        )


@dataclass(frozen=True, eq=False)
class Centred:
    """Means and centred sums of any numbers, arrays as in :class:`Integers`.

    ``weight`` is Σw, ``weight2`` Σw², ``mean`` that of item i over the pair, ``squares``
    Σw(xᵢ−meanᵢ)², ``products`` Σw(xᵢ−meanᵢ)(xⱼ−meanⱼ).
    """

    rows: int
    used: int
    n: NDArray[np.int64]
    weight: Array
    weight2: Array
    mean: Array
    squares: Array
    products: Array

    def centred(self) -> Centred:
        return self


Sums = Integers | Centred


def add(one: Sums, two: Sums) -> Sums:
    if isinstance(one, Integers) and isinstance(two, Integers):
        return Integers(
            *(a + b for a, b in zip(vars(one).values(), vars(two).values(), strict=True))
        )
    a, b = one.centred(), two.centred()
    weight = a.weight + b.weight
    share = np.divide(b.weight, weight, out=np.zeros_like(weight), where=weight > 0)
    step, both = b.mean - a.mean, share * a.weight
    return Centred(
        rows=a.rows + b.rows,
        used=a.used + b.used,
        n=a.n + b.n,
        weight=weight,
        weight2=a.weight2 + b.weight2,
        mean=a.mean + share * step,
        squares=a.squares + b.squares + both * step**2,
        products=a.products + b.products + both * step * step.T,
    )


def read(items: pd.DataFrame, weights: Array | None, complete: bool) -> Sums:
    """The sums of a frame of numbers; blocks of rows are shared among threads."""
    dtypes = set(items.dtypes)
    plain = len(dtypes) == 1 and isinstance(next(iter(dtypes)), np.dtype)
    height = _up((_CELLS if plain else _CELLS // 4) // max(items.shape[1], 1))
    stretches = np.array_split(range(0, max(len(items), 1), height), _STRETCHES)

    def stretch(starts: NDArray[np.int64]) -> Sums:
        return _read(items, weights, complete, plain, starts, height)

    if len(items) <= height:
        return stretch(stretches[0])
    threads = min(_STRETCHES, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool, threadpool_limits(1, "blas"):
        return reduce(add, pool.map(stretch, (part for part in stretches if part.size)))


def _up(rows: int) -> int:
    """The next multiple of the rows of one matrix product."""
    return -(-max(rows, 1) // _PIECE) * _PIECE


def _read(
    items: pd.DataFrame,
    weights: Array | None,
    complete: bool,
    plain: bool,
    starts: NDArray[np.int64],
    height: int,
) -> Sums:
    """The sums of the blocks of ``height`` rows that begin at ``starts``; no copy if ``plain``."""
    how: dict[str, Any] = {} if plain else {"dtype": float, "na_value": np.nan}
    k, room = items.shape[1], min(height, _up(len(items)))
    z = np.empty((k + 1 if complete else 3 * k, room), np.float32)
    whole, answered = np.empty((_BAND, room)), np.empty((k, room), bool)
    sums: Sums | None = None
    for start in starts:
        block = items.iloc[start : start + height]
        x, m = block.to_numpy(**how).T, len(block)
        found: Sums | None = None
        if weights is None:
            found = _whole_numbers(x, complete, z[:, : _up(m)], whole[:, :m], answered[:, :m])
        if found is None:
            for name in block.columns[np.isinf(x).any(axis=1)]:
                numbers(block[name])  # says in which rows
            weight = np.ones(m) if weights is None else weights[start : start + height]
            found = _any_numbers(x, complete, weight)
        sums = found if sums is None else add(sums, found)
    assert sums is not None
    return sums


def _whole_numbers(
    x: NDArray[Any],
    complete: bool,
    z: NDArray[np.float32],
    whole: Array,
    answered: NDArray[np.bool],
) -> Integers | None:
    """Exact sums of a block; None where an answer is fractional, infinite or too large.

    ``z``, ``whole`` and ``answered`` are room to work in.
    """
    k, m = x.shape
    with np.errstate(over="ignore", invalid="ignore"):
        if x.dtype.kind == "f":
            x = x if x.strides[1] == x.itemsize else np.ascontiguousarray(x)
            for j in range(0, k, _BAND):
                band, end = x[j : j + _BAND], min(j + _BAND, k)
                rounded = np.rint(band, out=whole[: end - j])
                np.equal(rounded, band, out=answered[j:end])
                z[j:end, :m] = rounded
        else:
            z[:k, :m], answered[:] = x, True
        told = np.logical_and.reduce(answered, axis=0)
        taken = z[:k].take(np.flatnonzero(~told), axis=1)
        missing = np.isnan(taken)
        if np.isinf(taken).any() or not (
            missing.any(axis=0).all()  # nothing else is asked of a respondent who does not count
            if complete
            else missing.sum() == answered.size - np.count_nonzero(answered)
        ):
            return None
        found = _products(z, complete, answered, told)
        if found is None:
            first = _first(x, answered).astype(float)
            wide = np.empty(z.shape)
            wide[:k, :m] = x - first
            found = _products(wide, complete, answered, told)
            found = found and found.shifted(np.vectorize(int, otypes=[object])(first))
    return found


def _products(
    z: NDArray[Any], complete: bool, answered: NDArray[np.bool], told: NDArray[np.bool]
) -> Integers | None:
    """Sums of one matrix product, [values | mask] (and squares); None where they are not exact.

    ``z`` has the answers in its first rows; ``told`` are respondents without a missing one.
    """
    k, m = answered.shape
    z[:, m:] = 0
    if complete:
        z[k, :m] = 1
        bits = z[:, :m].view(f"i{z.itemsize}")  # NaN times 0 would stay NaN
        bits &= -told.astype(bits.dtype)
    else:
        z[:k, :m][~answered] = 0
        z[k : 2 * k, :m] = answered
        np.square(z[:k], out=z[2 * k :])
    pieces = z.reshape(len(z), z.shape[1] // _PIECE, _PIECE).transpose(1, 0, 2)
    grams = pieces @ pieces[:, : k if complete else 2 * k].transpose(0, 2, 1)
    # Whole numbers are exact in every partial sum of products while their squares sum to less.
    limit = 2.0 ** (np.finfo(z.dtype).nmant + 1)
    if not (np.einsum("pii->pi", grams[:, :k, :k]) < limit).all():
        return None
    grams[:, 2 * k :, :k] = 0  # cubes
    gram = grams.astype(np.int64).sum(axis=0)
    products, used = gram[:k, :k], int(told.sum())
    if complete:
        n, total, squares = np.full((1, 1), used), gram[k:].T, np.diag(products)[:, None]
    else:
        n, total, squares = gram[k : 2 * k, k:], gram[:k, k:], gram[2 * k :, k:]
        used = int(answered.any(axis=0).sum())
    return Integers(m, used, n, total, squares, products)


def _any_numbers(x: NDArray[Any], complete: bool, weights: Array) -> Centred:
    """Means and centred sums of a block in two passes."""
    answered = ~np.isnan(x)
    keep = (answered.all(axis=0) if complete else answered.any(axis=0)) & (weights > 0)
    x, answered, weights = x[:, keep].astype(float), answered[:, keep], weights[keep]
    mask = np.ones((1, len(weights))) if complete else answered.astype(float)
    # Taking one answer away first makes the deviations of a constant item exactly zero.
    centre, each = _first(x, answered), (mask @ weights)[:, None]
    x -= centre
    if not complete:
        x[~answered] = 0
    middle = (x @ weights)[:, None] / np.where(each > 0, each, 1)
    x -= middle
    if not complete:
        x[~answered] = 0
    weight, weighted = (mask * weights) @ mask.T, x * weights
    base, total = np.where(weight > 0, weight, 1), weighted @ mask.T
    return Centred(
        rows=len(keep),
        used=len(weights),
        n=(mask @ mask.T).astype(np.int64),
        weight=weight,
        weight2=(mask * weights**2) @ mask.T,
        mean=centre + (middle + total / base),
        squares=(x * weighted) @ mask.T - total**2 / base,
        products=weighted @ x.T - total * total.T / base,
    )


def _first(x: NDArray[Any], answered: NDArray[np.bool]) -> NDArray[Any]:
    """The first answer to each item, 0 where there is none: one column."""
    if not x.shape[1]:
        return np.zeros((len(x), 1))
    at = answered.argmax(axis=1)[:, None]
    found = np.take_along_axis(answered, at, axis=1)
    return np.where(found, np.take_along_axis(x, at, axis=1), 0)
