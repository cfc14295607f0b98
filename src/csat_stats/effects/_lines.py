"""Least squares on a series whose neighbouring residuals resemble each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from csat_stats.effects._change import Figures, t_test
from csat_stats.frames import Array

TERMS = ["level_before", "slope_before", "level_change", "slope_change"]
LOW, HIGH = -0.98, 0.98  # where the autocorrelation is sought


@dataclass(frozen=True)
class Lines:
    """Coefficients and their covariance, and what it takes to say how well that is known.

    ``gradient`` and ``uncertainty`` are the derivatives of the covariance by the parameters of the
    residuals, and the covariance of these; ``None`` for errors without such parameters.
    """

    coef: Array
    covariance: Array
    residual: Array
    autocorrelation: float
    df: int
    gradient: list[Array] | None = None
    uncertainty: Array | None = None

    def combine(self, by: Array, conf_level: float) -> Figures:
        """A combination of the coefficients with its t test."""
        variance = float(by @ self.covariance @ by)
        df = float(self.df)
        if self.gradient is not None and self.uncertainty is not None:
            g = np.array([by @ part @ by for part in self.gradient])
            df = max(2 * variance**2 / float(g @ self.uncertainty @ g), 1.0)
        error = float(np.sqrt(variance))
        return {**t_test(float(by @ self.coef), error, df, conf_level), "std_error": error}


def segmented(time: Array, begin: float, season: int | None) -> tuple[Array, list[str]]:
    """Periods × terms: a line, its jump and turn at ``begin``, harmonics of the season."""
    after = (time >= begin).astype(float)
    elapsed = np.where(after == 1, time - begin, 0.0)
    columns, names = [np.ones_like(time), time, after, elapsed], list(TERMS)
    for k in range(1, min(2, (season or 0) // 2) + 1):
        turn = 2 * np.pi * k * time / (season or 1)
        columns.append(np.cos(turn))
        names.append(f"season_cos_{k}")
        if 2 * k != season:  # there the sine is 0 in every period
            columns.append(np.sin(turn))
            names.append(f"season_sin_{k}")
    return np.column_stack(columns), names


def distances(time: Array) -> Array:
    """Distances of all pairs in steps, the shortest being 1; whole where they are so nearly."""
    apart = np.abs(time[:, None] - time)
    steps = apart / np.diff(time).min()
    whole: Array = np.rint(steps)
    return whole if np.abs(steps - whole).max() < 1e-6 else steps


def autoregressive(x: Array, y: Array, weight: Array, time: Array) -> Lines | None:
    """Residuals correlated as ρ^distance, variance σ²/weight; ρ by restricted likelihood.

    None where the points lie on the lines. Degrees of freedom by Satterthwaite with the expected
    information of σ² and ρ (Fai and Cornelius, 1996; Kenward and Roger, 1997).
    """
    root = np.sqrt(weight / weight.mean())
    x, y = x * root[:, None], y * root
    if _exact(x, y):
        return None
    n, k = x.shape
    apart = distances(time)
    gap = np.diag(apart, 1)

    def whitened(rho: float) -> Array:
        both = np.column_stack([x, y])
        link = (rho**gap)[:, None]
        both[1:] = (both[1:] - link * both[:-1]) / np.sqrt(1 - link**2)
        return both

    def deviance(rho: float) -> float:
        r = np.abs(np.diag(np.linalg.qr(whitened(rho), mode="r")))
        spread = np.log(1 - rho ** (2 * gap)).sum() + 2 * np.log(r[:k]).sum()
        return float(2 * (n - k) * np.log(r[k]) + spread)

    # a root of a negative number is none, so only whole distances allow alternation
    grid = np.linspace(LOW if (gap == np.rint(gap)).all() else 0.0, HIGH, 50)
    best = int(np.argmin([deviance(rho) for rho in grid]))
    around = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    rho = float(optimize.minimize_scalar(deviance, bounds=around, options={"xatol": 1e-10}).x)

    q, r = np.linalg.qr(whitened(rho)[:, :k])
    flat = whitened(rho)[:, k]
    inverse = np.linalg.inv(r)
    coef = inverse @ (q.T @ flat)
    residual = flat - q @ (q.T @ flat)
    variance = float(residual @ residual) / (n - k)
    covariance = variance * inverse @ inverse.T

    correlation = rho**apart
    slope = variance * apart * rho ** np.maximum(apart - 1, 0)
    precision = np.linalg.inv(correlation) / variance
    scaled = precision @ x
    project = precision - scaled @ covariance @ scaled.T
    moved = [project @ correlation, project @ slope]
    information = np.array([[(a * b.T).sum() / 2 for a in moved] for b in moved])
    return Lines(
        coef,
        covariance,
        residual,
        rho,
        n - k,
        [covariance @ (scaled.T @ part @ scaled) @ covariance for part in (correlation, slope)],
        np.linalg.inv(information),
    )


def newey_west(x: Array, y: Array, weight: Array, time: Array, lags: int) -> Lines | None:
    """Least squares with errors that allow for correlation up to ``lags`` steps; None as above."""
    root = np.sqrt(weight)
    x, y = x * root[:, None], y * root
    if _exact(x, y):
        return None
    n, k = x.shape
    q, r = np.linalg.qr(x)
    inverse = np.linalg.inv(r)
    residual = y - q @ (q.T @ y)
    influence = (residual[:, None] * q) @ inverse.T
    apart = distances(time)
    bartlett = np.maximum(0, 1 - apart / (lags + 1))
    covariance = n / (n - k) * influence.T @ bartlett @ influence
    neighbours = residual @ (apart == 1) @ residual / 2
    return Lines(
        inverse @ (q.T @ y),
        covariance,
        residual,
        float(neighbours / (residual @ residual)),
        n - k,
    )


def ljung_box(residual: Array, fitted: int) -> float:
    """P-value that no correlation is left at the first n/5 lags, 2 to 10 of them."""
    n = len(residual)
    lags = min(10, max(2, n // 5))
    centred = residual - residual.mean()
    r = np.array([centred[k:] @ centred[:-k] for k in range(1, lags + 1)]) / (centred @ centred)
    q = n * (n + 2) * (r**2 / (n - np.arange(1, lags + 1))).sum()
    return float(stats.chi2.sf(q, lags - fitted))


def _exact(x: Array, y: Array) -> bool:
    residual = y - x @ np.linalg.lstsq(x, y)[0]
    return bool(np.abs(residual).max() <= 1e-10 * np.abs(y).max())
