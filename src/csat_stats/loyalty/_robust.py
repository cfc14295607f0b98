"""Errors that allow for sampling weights and for answers that belong together."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from csat_stats.frames import Array
from csat_stats.loyalty._logit import Fit, Patterns, Rows
from csat_stats.results import Message, message


def cluster_obstacle(data: Patterns) -> Message | None:
    """Why there are no errors robust to clusters, or ``None``."""
    clusters = None if data.rows is None else data.rows.n_clusters
    if clusters is None or clusters > len(data.names) + 1:
        return None
    return message(
        "Clusters: {n}, coefficients: {k}. Errors robust to clusters need more clusters than "
        "coefficients.",
        n=clusters,
        k=len(data.names) + 1,
    )


def robust_covariance(data: Patterns, rows: Rows, fit: Fit) -> Array | None:
    """Sandwich of the information and the scores summed within clusters; ``None`` if degenerate.

    With weights units/(units − 1) stands before it, as in Taylor linearisation; without them
    HC1's (n − 1)/(n − k) comes in.
    """
    residual = rows.weight * (rows.outcome - fit.probability[rows.place])
    error = np.sqrt(np.diag(fit.covariance))
    if rows.cluster is None or rows.n_clusters is None:
        squares = np.bincount(rows.place, weights=residual**2, minlength=len(data.patterns))
        meat, units = (fit.design.T * squares) @ fit.design, data.n
    else:
        units = rows.n_clusters
        residuals = csr_array(
            (residual, (rows.cluster, rows.place)), shape=(units, len(data.patterns))
        )
        scores = residuals @ fit.design
        meat = scores.T @ scores
        # the scores of estimates that vary among clusters, in units of their naive errors
        if np.linalg.matrix_rank(scores @ fit.covariance / error, tol=1e-7) < len(error):
            return None
    factor = units / (units - 1)
    if not rows.weighted:
        factor *= (data.n - 1) / (data.n - len(error))
    covariance: Array = factor * fit.covariance @ meat @ fit.covariance
    return covariance


def degrees_of_freedom(data: Patterns, rows: Rows) -> int:
    """Of the t tests: those of ``survey::svyglm`` with weights, clusters − 1 without."""
    units = rows.n_clusters or data.n
    return units - len(data.names) - 1 if rows.weighted else units - 1
