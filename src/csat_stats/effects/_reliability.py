"""How far the figures of units can be trusted to come again: estimated, and drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import Array

DRAWS = 4000


@dataclass(frozen=True)
class Model:
    """What is expected of units, as estimated (first) and as drawn (rows, × units)."""

    mean: float
    trust: Array
    reliability: float
    means: Array
    trusts: Array
    reliabilities: Array | None
    spreads: Array  # standard deviation of a unit's figure after around what is expected


def from_answers(units: pd.DataFrame, rng: np.random.Generator) -> Model:
    """One-way random effects: variances within (σ²) and between (τ²) units."""
    n, x = units["n"].to_numpy(dtype=float), units["before"].to_numpy()
    k, total, squares = len(n), n.sum(), float(units["within"].sum())
    within = squares / (total - k)
    between_squares = float(n @ (x - n @ x / total) ** 2) / (k - 1)
    between = max((between_squares - within) * (k - 1) / (total - n @ n / total), 0.0)

    def weighted_mean(variances: Array) -> Array:
        weights = 1 / variances
        mean: Array = (weights @ x) / weights.sum(axis=-1)
        return mean

    sampling = within / n
    sizes = stats.hmean(n)
    drawn = squares / rng.chisquare(total - k, DRAWS)
    tau = _between(x, drawn[:, None] / n, rng.chisquare(k - 1, DRAWS))
    variances = tau[:, None] + drawn[:, None] / n
    trusts = tau[:, None] / variances
    means = weighted_mean(variances)
    means = means + rng.standard_normal(DRAWS) / np.sqrt((1 / variances).sum(axis=1))
    spreads = trusts * drawn[:, None] / n
    if "n_after" in units:
        spreads = spreads + drawn[:, None] / units["n_after"].to_numpy(dtype=float)
    return Model(
        mean=float(weighted_mean(between + sampling)),
        trust=between / (between + sampling),
        reliability=float(between / (between + within / sizes)),
        means=means,
        trusts=trusts,
        reliabilities=tau / (tau + drawn / sizes),
        spreads=np.sqrt(spreads),
    )


def _between(x: Array, sampling: Array, wanted: Array) -> Array:
    """The τ² at which the weighted squares between units are as drawn; 0 where they are less."""

    def squares(tau: Array) -> Array:
        weights = 1 / (tau[:, None] + sampling)
        mean = (weights @ x) / weights.sum(axis=1)
        total: Array = (weights * (x - mean[:, None]) ** 2).sum(axis=1)
        return total

    low = np.zeros(len(wanted))
    high = np.sum((x - x.mean()) ** 2) / wanted  # equal weights: more squares than any others leave
    for _ in range(60):
        middle = (low + high) / 2
        above = squares(middle) > wanted
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    found: Array = np.where(squares(np.zeros(len(wanted))) > wanted, low, 0.0)
    return found


def from_correlation(
    units: pd.DataFrame, correlation: float | None, waves: Array, rng: np.random.Generator
) -> Model:
    x = units["before"].to_numpy()
    k, sd = len(x), float(x.std(ddof=1))
    reliabilities = None
    if correlation is None:
        observed = float(stats.pearsonr(*waves.T).statistic)
        correlation = max(observed, 0.0)
        z = np.arctanh(min(observed, 1 - 1e-15))
        drawn = np.tanh(z + rng.standard_normal(DRAWS) / np.sqrt(len(waves) - 3))
        reliabilities = np.maximum(drawn, 0.0)
    r = np.full(DRAWS, correlation) if reliabilities is None else reliabilities
    deviations = sd * np.sqrt((k - 1) / rng.chisquare(k - 1, DRAWS))
    means = x.mean() + rng.standard_normal(DRAWS) * deviations / np.sqrt(k)
    return Model(
        mean=float(x.mean()),
        trust=np.full(k, correlation),
        reliability=correlation,
        means=means,
        trusts=np.broadcast_to(r[:, None], (DRAWS, k)),
        reliabilities=reliabilities,
        spreads=np.broadcast_to((deviations * np.sqrt(1 - r**2))[:, None], (DRAWS, k)),
    )
