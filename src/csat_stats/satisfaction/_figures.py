"""Kernels on arrays: a mean, a share, an NPS with its interval; the same for one group or many."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from csat_stats.frames import Array, numbers, respondent_weights
from csat_stats.results import message

NO_ANSWERS = message("There are no answers.")


class Figures(NamedTuple):
    """An estimate and its interval; ``None`` where there are too few answers.

    ``n_effective`` is Kish's, and ``None`` without weights.
    """

    estimate: float
    conf_low: float | None = None
    conf_high: float | None = None
    std_error: float | None = None
    std_dev: float | None = None
    n_effective: float | None = None


Kernel = Callable[[Array, Array | None], Figures]


def answered(scores: pd.Series, weights: pd.Series | None) -> tuple[pd.Series, Array | None]:
    """The answers of those who gave one and have a weight, with their weights if there are any."""
    answers = numbers(scores)
    if weights is None:
        return answers.dropna(), None
    values = respondent_weights(weights, scores.index)
    used = (answers.notna() & (values > 0)).to_numpy()
    return answers[used], values[used]


def effective_n(weights: Array) -> float:
    """Kish's effective number of respondents, (Σw)²/Σw²."""
    return float(weights.sum() ** 2 / (weights @ weights))


def mean_figures(values: Array, weights: Array | None, *, conf_level: float) -> Figures:
    """Mean with a t interval on n − 1; with weights the error is by Taylor linearisation."""
    n, effective = values.size, None
    if weights is None:
        mean = float(values.mean())
    else:
        mean = float(values[0] + weights @ (values - values[0]) / weights.sum())
        effective = effective_n(weights)
    if n == 1:
        return Figures(mean, n_effective=effective)
    if weights is None:
        std_dev = float(values.std(ddof=1))
        std_error = std_dev / sqrt(n)
    else:
        away = values - mean
        std_dev = sqrt(n / (n - 1) * float(weights @ away**2 / weights.sum()))
        std_error = sqrt(n / (n - 1) * float(((weights * away) ** 2).sum())) / float(weights.sum())
    half_width = -float(special.stdtrit(n - 1, (1 - conf_level) / 2)) * std_error
    return Figures(mean, mean - half_width, mean + half_width, std_error, std_dev, effective)


def share_figures(
    values: Array, weights: Array | None, *, satisfied_from: float, conf_level: float
) -> Figures:
    """Share of values from a point on, with a Wilson interval on n or the effective n."""
    hits = values >= satisfied_from
    if weights is None:
        return wilson(int(hits.sum()) / values.size, values.size, conf_level)
    share = float(weights[hits].sum() / weights.sum())
    effective = effective_n(weights)
    return wilson(share, effective, conf_level)._replace(n_effective=effective)


def wilson(share: float, n: float, conf_level: float) -> Figures:
    """A share with Wilson's interval; ``n`` need not be whole, which scipy's would ask for."""
    z = float(special.ndtri(0.5 + 0.5 * conf_level))
    denominator = 2 * (n + z**2)
    centre = (2 * n * share + z**2) / denominator
    reach = z / denominator * sqrt(4 * n * share * (1 - share) + z**2)
    return Figures(
        share,
        0.0 if share == 0 else centre - reach,
        1.0 if share == 1 else centre + reach,
    )


def by_group(
    codes: NDArray[np.intp], size: int, values: Array, weights: Array | None, kernel: Kernel
) -> pd.DataFrame:
    """``kernel`` on every group 0 … ``size`` − 1; a row each, missing where a group is empty."""
    order = np.argsort(codes, kind="stable")
    values, weights = values[order], None if weights is None else weights[order]
    counts = np.bincount(codes, minlength=size)
    figures = np.full((size, len(Figures._fields)), np.nan)
    start = 0
    for group, count in enumerate(counts.tolist()):
        rows = slice(start, start + count)
        if count:
            figures[group] = kernel(values[rows], None if weights is None else weights[rows])
        start += count
    table = pd.DataFrame(figures, columns=list(Figures._fields))
    table.insert(0, "n", counts.astype("int64"))
    return table
