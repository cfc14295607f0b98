"""Samples of respondents drawn with replacement: sums of many at once, and their correlations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from csat_stats.frames import Array, matrix, respondent_weights
from csat_stats.results import Message, message

_CELLS = 2**21  # counts held at a time: samples × rows
_MERGE = 4  # rows that repeat at least so often, on average, are drawn as counts
SINGULAR = 1e-10  # an item of whose variance the others leave no more adds nothing


@dataclass(frozen=True)
class Respondents:
    """The complete rows of a frame, each column with mean 0 and variance 1, and their weights."""

    z: Array  # 0 throughout where a column does not vary
    mean: Array
    std_dev: Array
    weights: Array
    kept: NDArray[np.bool]  # of all rows of the frame

    @classmethod
    def of(cls, answers: pd.DataFrame, weights: pd.Series | None) -> Respondents:
        x, w = matrix(answers), respondent_weights(weights, answers.index)
        kept = ~np.isnan(x).any(axis=1) & (w > 0)
        x, w = x[kept], w[kept]
        first = x[0].copy()
        x -= first  # exactly 0 where a column does not vary
        mean = np.average(x, axis=0, weights=w)
        x -= mean
        std_dev = np.sqrt(np.average(x**2, axis=0, weights=w))
        x /= np.where(std_dev > 0, std_dev, 1)
        return cls(x, first + mean, std_dev, w, kept)


def resampled_sums(rows: Array, figures: Callable[[Array], Array], n_boot: int, seed: int) -> Array:
    """Sums of ``figures`` over samples of as many rows, drawn with replacement: samples × figures.

    ``figures`` makes columns of figures out of rows. A sample is how often it has each row, so
    that the sums of all samples are one matrix product for each block of rows.
    """
    rows, times = _repeated(rows)
    rng = np.random.default_rng(seed)
    height = max(_CELLS // n_boot, 64)
    starts = np.arange(0, len(rows), height)
    in_block = np.add.reduceat(times, starts)
    drawn = rng.multinomial(times.sum(), in_block / times.sum(), n_boot)
    sums = np.zeros((n_boot, figures(rows[:1]).shape[1]))
    for start, totals in zip(starts, drawn.T, strict=True):
        block = slice(start, start + height)
        sums += _counts(rng, totals, times[block]) @ figures(rows[block])
    return sums


def _repeated(rows: Array) -> tuple[Array, NDArray[np.int64]]:
    """Distinct rows and how often each occurs, or all rows where few are alike."""
    alike = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        values, levels = pd.factorize(column)
        alike = pd.factorize(alike * len(levels) + values)[0]
    times = np.bincount(alike)
    if len(times) * _MERGE > len(rows):
        return rows, np.ones(len(rows), dtype=np.int64)
    first = np.empty(len(times), dtype=np.int64)
    first[alike[::-1]] = np.arange(len(rows))[::-1]
    return rows[first], times


def _counts(rng: np.random.Generator, totals: NDArray[np.int64], times: NDArray[np.int64]) -> Array:
    """How often each row of a block is in each sample, the block having so many of each sample."""
    samples, height = len(totals), len(times)
    if times.max() > 1:
        return rng.multinomial(totals, times / times.sum()).astype(float)
    cells = rng.integers(0, height, totals.sum())
    cells += np.repeat(np.arange(samples) * height, totals)
    return np.bincount(cells, minlength=samples * height).reshape(samples, height).astype(float)


def products(w: Array, z: Array) -> Array:
    """Row by row w, w·z, and w times the product of each two columns of z."""
    i, j = np.triu_indices(z.shape[1])
    weighted = z * w[:, None]
    return np.column_stack([w, weighted, weighted[:, i] * z[:, j]])


def correlations_of(sums: Array, k: int) -> tuple[Array, Array]:
    """Means and correlations of k columns in each sample, from sums of :func:`products`.

    Correlations are NaN where a column does not vary in the sample.
    """
    i, j = np.triu_indices(k)
    scaled = sums[:, 1 : 1 + k + len(i)] / sums[:, :1]
    mean = scaled[:, :k]
    cov = np.empty((len(sums), k, k))
    cov[:, i, j] = cov[:, j, i] = scaled[:, k:]
    cov -= mean[:, :, None] * mean[:, None, :]
    variance = np.einsum("sii->si", cov)
    std_dev = np.sqrt(np.where(variance > SINGULAR, variance, np.nan))
    return mean, cov / (std_dev[:, :, None] * std_dev[:, None, :])


def solvable(corr: Array) -> NDArray[np.bool]:
    """Whether all columns of a sample vary and none follows from the others."""
    found = np.asarray(np.isfinite(corr).all(axis=(1, 2)))
    found[found] = np.linalg.eigvalsh(corr[found])[:, 0] > SINGULAR
    return found


def percentiles(draws: Array, conf_level: float) -> tuple[Array, Array]:
    """Limits of each column; NaN where there are fewer than two draws."""
    tails = [(1 - conf_level) / 2, (1 + conf_level) / 2]
    low, high = (
        np.quantile(draws, tails, axis=0)
        if len(draws) > 1
        else np.full((2, draws.shape[1]), np.nan)
    )
    return low, high


def check_draws(n_boot: int) -> None:
    if n_boot < 0 or 0 < n_boot < 100:
        raise ValueError(f"n_boot is {n_boot}: give 0 for no bootstrap, or at least 100")


def with_draws(rule: Message, n_boot: int, seed: int) -> Message:
    """Whose answers count and, where there is one, the bootstrap."""
    if not n_boot:
        return rule
    return message(
        "{rule}; {interval}",
        rule=rule,
        interval=message(
            "percentile interval of {n_boot} bootstrap samples of the respondents, seed {seed}",
            n_boot=n_boot,
            seed=seed,
        ),
    )


def failures(failed: int, n_boot: int) -> tuple[Message, ...]:
    """What is said of samples that the statistic does not exist in."""
    if not failed:
        return ()
    return (
        message(
            "{failed} of {n_boot} resamples had no solution and do not count in the interval.",
            failed=failed,
            n_boot=n_boot,
        ),
    )
