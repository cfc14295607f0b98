"""Area under the ROC curve."""

from __future__ import annotations

import numpy as np

from csat_stats.frames import Array
from csat_stats.loyalty._logit import Patterns
from csat_stats.results import Message, message


def roc_area(score: Array, data: Patterns) -> tuple[float, float | None]:
    """Area under the ROC curve of one score a pattern, and its standard error.

    The error is DeLong's; with weights or clusters that of the linearised area, summed within
    clusters (Obuchowski, 1997). ``None`` where data are too few, or the area is 1 or 0.
    """
    _, place = np.unique(score, return_inverse=True)
    place = place.ravel()
    ones = np.bincount(place, weights=data.events)
    zeros = np.bincount(place, weights=data.trials - data.events)
    n_ones, n_zeros = ones.sum(), zeros.sum()
    beaten = (zeros.cumsum() - zeros / 2) / n_zeros  # share of zeros below a score, ties half
    beating = 1 - (ones.cumsum() - ones / 2) / n_ones
    area = float(ones @ beaten / n_ones)
    if min(data.n_events, data.n - data.n_events) < 2 or area in (0, 1):
        return area, None
    if data.rows is None:
        variance = (
            ones @ (beaten - area) ** 2 / (n_ones - 1) / n_ones
            + zeros @ (beating - area) ** 2 / (n_zeros - 1) / n_zeros
        )
        return area, float(np.sqrt(variance))
    rows = data.rows
    at = place[rows.place]
    influence = rows.weight * np.where(
        rows.outcome == 1, (beaten[at] - area) / n_ones, (beating[at] - area) / n_zeros
    )
    if rows.cluster is not None:
        influence = np.bincount(rows.cluster, weights=influence)
    units = len(influence)
    return area, float(np.sqrt(units / (units - 1) * (influence @ influence)))


def no_interval(area: float) -> Message:
    """Why an area has no interval."""
    if area in (0, 1):
        return message(
            "The AUC has no interval: the model tells the two outcomes apart without a fault."
        )
    return message("The AUC has no interval: fewer than two customers have the rarer outcome.")
