"""How well a covariance structure fits: indices from chi-square, as lavaan computes them."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from csat_stats.frames import Array
from csat_stats.validity._structure import (
    Estimates,
    Index,
    Sample,
    StructureFit,
    directions,
    expected_information,
)

_BLOCK = 20_000  # respondents whose casewise scores are in memory at a time


def baseline(samples: list[Sample]) -> tuple[float, int]:
    """Chi-square and degrees of freedom of uncorrelated items, means and variances free."""
    k = len(samples[0].mean)
    statistic = 0.0
    for sample in samples:
        std_dev = np.sqrt(np.diag(sample.cov))
        statistic -= sample.n * np.linalg.slogdet(sample.cov / np.outer(std_dev, std_dev))[1]
    return float(statistic), len(samples) * k * (k - 1) // 2


def incremental_fit(
    statistic: float,
    df: int,
    null_statistic: float,
    null_df: int,
    scaling: tuple[float, float] = (1.0, 1.0),
) -> tuple[float, float]:
    """CFI and TLI (Bentler 1990; Tucker & Lewis 1973).

    Scaling factors, of the model and of the baseline, make them the robust indices of
    Brosseau-Liard & Savalei (2014, Multivariate Behavioral Research 49).
    """
    excess = statistic - scaling[0] * df
    null_excess = null_statistic - scaling[1] * null_df
    most = max(excess, null_excess, 0.0)
    cfi = 1 - max(excess, 0.0) / most if most > 0 else 1.0
    return cfi, 1 - excess * null_df / (null_excess * df) if null_excess * df else 1.0


def rmsea(statistic: float, df: int, n: float, n_groups: int = 1, scaling: float = 1.0) -> float:
    """Root mean square error of approximation (Steiger & Lind 1980; groups: Steiger 1998)."""
    if df == 0:
        return 0.0
    return float(np.sqrt(n_groups * max(statistic - scaling * df, 0.0) / (n * df)))


def rmsea_interval(statistic: float, df: int, n: float, level: float = 0.9) -> tuple[float, float]:
    """Interval of the RMSEA by inversion of the noncentral chi-square."""

    def limit(probability: float) -> float:
        def excess(noncentrality: float) -> float:
            return float(_noncentral_cdf(statistic, df, noncentrality)) - probability

        if excess(0) <= 0:
            return 0.0
        above = max(statistic, 1.0)
        while excess(above) > 0:
            above *= 2
        found = optimize.brentq(excess, 0, above, xtol=1e-12 * above, rtol=1e-14)
        return float(np.sqrt(found / (n * df)))

    return limit((1 + level) / 2), limit((1 - level) / 2)


def close_fit(statistic: float, df: int, n: float) -> float:
    """p of the hypothesis that the RMSEA is at most .05 (Browne & Cudeck 1993)."""
    return float(stats.ncx2.sf(statistic, df, n * df * 0.05**2))


def _noncentral_cdf(x: float, df: int, noncentrality: float) -> float:
    if noncentrality == 0:
        return float(stats.chi2.cdf(x, df))
    return float(stats.ncx2.cdf(x, df, noncentrality))


def srmr(samples: list[Sample], groups: list[Estimates], *, means: bool = False) -> float:
    """Standardised root mean square residual (Bentler 1995), groups by their n.

    ``means`` counts the residuals of the means too, as lavaan does with a mean structure.
    """
    k = len(samples[0].mean)
    lower = np.tril_indices(k)
    values = []
    for sample, found in zip(samples, groups, strict=True):
        std_dev = np.sqrt(np.diag(sample.cov))
        residuals = ((sample.cov - found.cov) / np.outer(std_dev, std_dev))[lower]
        squares, count = residuals @ residuals, len(residuals)
        if means:
            shift = (sample.mean - found.mean) / std_dev
            squares, count = squares + shift @ shift, count + k
        values.append(np.sqrt(squares / count))
    return float(np.average(values, weights=[sample.n for sample in samples]))


def satorra_bentler(
    rows: Array, weights: Array, fit: StructureFit, factor: Index, df: int
) -> tuple[float, float]:
    """Scaling factors of chi-square, of the model and of the baseline, for answers not normal.

    ``rows`` are centred answers, scaled as in the fit; ``weights`` sum to 1. The factor is
    tr(UΓ)/df (Satorra & Bentler 1994), here from casewise scores so that Γ is never formed.
    """
    found = fit.groups[0]
    k, m = found.loadings.shape
    x, y, c = directions(factor)
    row, column = np.tril_indices(m)
    free = np.concatenate([np.ones(2 * k, dtype=bool), row != column])
    x, y, c = x[free], y[free], c[free]
    inverse = np.linalg.inv(found.cov)
    basis = np.hstack([np.eye(k), found.loadings @ found.phi, found.loadings])
    information = expected_information(basis.T @ inverse @ basis, x, y, c)
    total, product = np.zeros(len(c)), np.zeros((len(c), len(c)))
    distance = null_distance = 0.0
    for start in range(0, len(rows), _BLOCK):
        part, w = rows[start : start + _BLOCK], weights[start : start + _BLOCK]
        turned = part @ inverse
        along = turned @ basis
        scores = c * along[:, x] * along[:, y]
        total += w @ scores
        product += scores.T @ (w[:, None] * scores)
        distance += w @ (turned * part).sum(axis=1) ** 2
        null_distance += w @ (part**2).sum(axis=1) ** 2
    product -= np.outer(total, total)
    cov = (rows * weights[:, None]).T @ rows
    saturated = (distance - np.sum((inverse @ cov) * (inverse @ cov).T)) / 2
    model = np.trace(np.linalg.solve(information, product))
    null_model = (weights @ rows**4 - 1).sum() / 2
    null_saturated = (null_distance - (cov**2).sum()) / 2
    null_df = k * (k - 1) // 2
    return float((saturated - model) / df), float((null_saturated - null_model) / null_df)
