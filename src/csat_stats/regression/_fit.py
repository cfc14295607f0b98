"""The arithmetic of least squares: coefficients, their errors, and what cannot be told apart."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from csat_stats.frames import Array
from csat_stats.moments import Moments
from csat_stats.regression._exact import (
    ROUNDING,
    Column,
    Exact,
    beyond_rounding,
    cross_products,
    precise,
    sweep,
    without_offset,
)


@dataclass(frozen=True)
class Fit:
    """Least squares in floats: one figure a term, and those of the model, errors classical."""

    coef: Array
    std_error: Array
    standardized: Array
    vif: Array
    covariance: Array
    r_squared: float
    residual_sd: float
    statistic: float | None


def of_columns(columns: list[Column], intercept: bool) -> Fit | list[int]:
    """The fit of the last column to the others, the first of which may be the intercept's.

    Or the place of a column that others determine, and their places.
    """
    with precise():
        products = cross_products(columns)
        return _solve(products, ROUNDING * np.diag(products), len(columns[0]), intercept)


def of_moments(moments: Moments, order: list[int], intercept: bool) -> Fit | list[int]:
    """The same from moments: the items in ``order``, the outcome last."""
    with precise():
        n, mean = Decimal(moments.n_used), _decimals(moments.mean[order])
        scale = n / Decimal(float(moments.sum_weights[0, 0]))
        centred = _decimals(moments.cross_products[np.ix_(order, order)]) * scale
        products = centred + np.outer(mean, mean) * n
        near = list(np.diag(centred) * Decimal("1e-13"))  # these sums are floats by now
        if intercept:
            products = np.block(
                [[np.array([[n]]), n * mean[None, :]], [n * mean[:, None], products]]
            )
            near.insert(0, Decimal(0))
        return _solve(products, np.array(near), moments.n_used, intercept)


def _decimals(values: Array) -> Exact:
    return np.vectorize(Decimal, otypes=[object])(values)  # type: ignore[no-any-return]


def _solve(products: Exact, near: Exact, n: int, intercept: bool) -> Fit | list[int]:
    """``near`` is what may remain of a column's squares when others determine it."""
    k, swept, about = len(products) - 1, products, np.diag(products)
    for j in range(k):
        if swept[j, j] <= near[j]:
            share = swept[:j, j] ** 2 * np.diag(products)[:j]
            return [j, *(i for i in range(intercept, j) if share[i] > near[j])]
        swept = sweep(swept, j)
        if intercept and j == 0:
            about = np.diag(swept)  # sums of squares about the mean instead of 0
    rest = beyond_rounding(swept[k, k], products[k, k])
    explained = beyond_rounding(about[k] - rest, products[k, k])
    coef, inverse = swept[:k, k], swept[:k, :k]
    df, variance = k - intercept, rest / (n - k)
    statistic = None
    if df:
        statistic = float(explained / (df * variance)) if variance else float("inf")
    spread = np.array([(value / about[k]).sqrt() for value in about[:k]])
    std_error = np.array([(value * variance).sqrt() for value in np.diag(inverse)])
    slope = np.where(np.arange(k) < intercept, np.nan, 1.0)
    return Fit(
        coef=coef.astype(float),
        std_error=std_error.astype(float),
        standardized=slope * (coef * spread).astype(float),
        vif=slope * (np.diag(inverse) * about[:k]).astype(float),
        covariance=(inverse * variance).astype(float),
        r_squared=float(explained / about[k]),
        residual_sd=float(variance.sqrt()),
        statistic=statistic,
    )


def sandwich(columns: list[Column], root: Array, coef: Array, intercept: bool, kind: str) -> Array:
    """Covariance of the coefficients from the influence of each row times its residual."""
    n, origin = len(root), np.zeros(len(coef))
    if intercept:  # in deviations from the mean, where an offset takes no digits
        deviations = np.column_stack([without_offset(column) for column in columns])
        mean = np.average(deviations, axis=0, weights=root**2)
        deviations -= mean
        origin += [float(column[0]) for column in columns[:-1]] + mean[:-1]
        residual = deviations[:, -1] - deviations[:, 1:-1] @ coef[1:]
        x = np.column_stack([np.ones(n), deviations[:, 1:-1]])
    else:
        x = np.column_stack([column.astype(float) for column in columns[:-1]])
        residual = columns[-1].astype(float) - x @ coef
    weighted = root[:, None] * x
    scale = np.sqrt((weighted**2).sum(axis=0))
    q, r = np.linalg.qr(weighted / scale)
    influence = root[:, None] * (q @ np.linalg.inv(r).T) / scale
    if intercept:
        influence[:, 0] -= influence[:, 1:] @ origin[1:]
    freedom = 1 - (q**2).sum(axis=1)
    freedom[freedom < 1e-10] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = {
            "design": n / (n - 1),
            "HC0": 1.0,
            "HC1": n / (n - len(coef)),
            "HC2": 1 / freedom,
            "HC3": 1 / freedom**2,
        }[kind]
        covariance: Array = (influence * (residual**2 * factor)[:, None]).T @ influence
    return covariance


def wald(slopes: Array, covariance: Array) -> float | None:
    """F of the hypothesis that all slopes are 0; None where the errors leave it undefined."""
    std_error = np.sqrt(np.diag(covariance))
    if not len(slopes) or not std_error.all():
        return None
    corr = covariance / np.outer(std_error, std_error)
    if np.linalg.matrix_rank(corr, hermitian=True) < len(slopes):
        return None
    t = slopes / std_error
    return float(t @ np.linalg.solve(corr, t)) / len(slopes)
