"""Sums of products without rounding, and the least squares that follow from them.

Sums of squares and products lose the digits that a large offset or nearly dependent columns leave,
so they are taken exactly. Floats are cut into pieces of 20 bits, which are whole numbers: BLAS adds
their products without error while no sum passes 2⁵³ (the slicing of Ozaki, Ogita, Oishi and Rump,
2012, Numerical Algorithms 59). Decimals and fractions are whole numbers over one denominator. What
follows is decimal arithmetic of :data:`DIGITS` digits, rounded to a float once, at the end.
"""

from __future__ import annotations

import decimal
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from csat_stats.frames import Array, numbers

DIGITS = 120
BITS = 20
ROWS = 2 ** (53 - 2 * BITS)  # products of two pieces are at most 2**40
PIECES = 9  # 180 bits below the largest value of the column
ROUNDING = Decimal(2) ** -96  # share of a column's squares that rounding its values can leave

Exact = NDArray[Any]  # of Fraction, or of Decimal
Column = Array | Exact


def precise() -> Any:
    """The context in which the numbers of :func:`cross_products` are to be used."""
    return decimal.localcontext(prec=DIGITS)


def answers(column: pd.Series) -> pd.Series:
    """A numeric column as float64 with NaN; one of decimals or fractions as fractions with None.

    Raises
    ------
    ValueError
        The column holds something that is no number, or infinity.
    """
    if column.dtype == object and any(
        isinstance(value, Decimal | Fraction) for value in column.dropna()
    ):
        try:
            parsed = [None if pd.isna(value) else _fraction(value) for value in column]
        except (TypeError, ValueError, OverflowError):
            raise ValueError(
                f"column {column.name!r} mixes decimals with what is no finite number"
            ) from None
        return pd.Series(parsed, index=column.index, name=column.name, dtype=object)
    return numbers(column)


def _fraction(value: Any) -> Fraction:
    if isinstance(value, str):  # which Fraction would read
        raise TypeError
    return Fraction(value)


def without_offset(column: Column) -> Array:
    """The column less its first value, as float64."""
    return np.asarray(column - column[0], dtype=float)


def cross_products(columns: list[Column]) -> Exact:
    """Σxy of every pair of columns, without rounding error.

    Floats that are no decimals are read to 180 bits below the largest value of their column.
    """
    read = [as_read(column) for column in columns]
    unit = np.array([unit for _, unit in read])
    if any(values.dtype == object for values, _ in read):
        rows = np.array([[Fraction(value) for value in values] for values, _ in read], dtype=object)
        whole, units = zip(*map(as_read, rows), strict=True)
        matrix = np.array(whole, dtype=object)
        return _scaled(matrix @ matrix.T, unit * np.array(units))
    matrix = np.column_stack([values for values, _ in read])
    q = matrix.shape[1]
    top = np.frexp(np.abs(matrix).max(axis=0))[1]
    total = np.zeros((q, q), dtype=object)
    for start in range(0, len(matrix), ROWS):
        rest = np.ldexp(matrix[start : start + ROWS], -top)
        pieces: list[Array] = []
        while len(pieces) < PIECES and rest.any():
            rest *= 2.0**BITS
            pieces.append(np.rint(rest))
            rest -= pieces[-1]
        for i, left in enumerate(pieces):
            for j, right in enumerate(pieces):
                weight = 2 ** (BITS * (2 * PIECES - 2 - i - j))
                total += (left.T @ right).astype(np.int64).astype(object) * weight
    return _scaled(total, unit * np.array([Fraction(2) ** int(e) for e in top - BITS * PIECES]))


def as_read(column: Column) -> tuple[Column, Fraction]:
    """The numbers meant, as whole numbers times a unit; floats that are no decimals as they are.

    A column whose floats are all the nearest to decimals of at most 15 digits was read from those
    decimals: 0.1 is a tenth, not the nearest fraction of a power of two.
    """
    if column.dtype == object:
        denominator = math.lcm(*(value.denominator for value in column))
        whole = np.array(
            [value.numerator * (denominator // value.denominator) for value in column], dtype=object
        )
        return whole, Fraction(1, denominator)
    largest = np.abs(column).max()
    for places in range(16):
        power = 10.0**places
        if largest * power >= 1e15:
            break
        for values in (column[:100], column):
            whole = np.rint(values * power)
            if (whole / power != values).any():
                break
        else:
            return whole, Fraction(1, 10**places)
    return column, Fraction(1)


def _scaled(total: NDArray[Any], unit: NDArray[Any]) -> Exact:
    scaled: Exact = total * np.outer(unit, unit)
    for place, value in np.ndenumerate(scaled):
        scaled[place] = decimal_of(value)
    return scaled


def decimal_of(value: Fraction) -> Decimal:
    """``value`` at the digits of :func:`precise`."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def beyond_rounding(value: Decimal, scale: Decimal) -> Decimal:
    """``value``, or 0 where it is what rounding at :data:`DIGITS` digits leaves of ``scale``."""
    return value if value > ROUNDING**3 * scale else Decimal(0)


def sweep(products: Exact, k: int) -> Exact:
    """``products`` after sweeping row and column ``k`` (Goodnight, 1979, American Statistician 33).

    Sweeping the predictors out of Σxy leaves the coefficients in the outcome's column, the inverse
    of the predictors' products in their rows and columns, and the residual sum of squares.
    """
    row = products[k] / products[k, k]
    column = products[:, k].copy()
    swept: Exact = products - np.outer(column, row)
    swept[:, k] = -column / products[k, k]
    swept[k] = row
    swept[k, k] = 1 / products[k, k]
    return swept
