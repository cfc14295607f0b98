"""One way to a fitted model: what stands in its way, which estimator, which errors."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import pandas as pd
from scipy import stats

from csat_stats.loyalty._logit import (
    Fit,
    Patterns,
    coefficients,
    find_obstacle,
    fit_logit,
    rare_outcome,
    separating_drivers,
)
from csat_stats.loyalty._robust import cluster_obstacle, degrees_of_freedom, robust_covariance
from csat_stats.loyalty.firth import fit_firth, profiles
from csat_stats.results import Message, message

Estimator = Literal["ml", "firth"]

FIRTH = message(
    "Logistic regression by Firth's penalised likelihood, with profile intervals and penalised "
    "likelihood ratio tests."
)
WEIGHTED = message(
    "Logistic regression by weighted maximum likelihood, with design-based errors (Taylor "
    "linearisation) and t intervals."
)
CLUSTERED = message(
    "Logistic regression by maximum likelihood, with errors robust to clusters (HC1) and t "
    "intervals."
)
WEIGHTED_CLUSTERED = message(
    "Logistic regression by weighted maximum likelihood, with design-based errors of whole "
    "clusters (Taylor linearisation) and t intervals."
)


class Estimates(NamedTuple):
    fit: Fit
    table: pd.DataFrame  # intercept first
    reach: float  # half the width of an interval, in standard errors
    estimator: Estimator
    notes: list[Message]


def estimation(data: Patterns) -> Message | None:
    """The sentence on the estimator with weights or clusters; ``None`` without them."""
    if data.rows is None:
        return None
    if data.rows.cluster is None:
        return WEIGHTED
    return WEIGHTED_CLUSTERED if data.rows.weighted else CLUSTERED


def counts(data: Patterns, n_rows: int) -> dict[str, Any]:
    """The fields on rows, weights and clusters that results share."""
    return {
        "n_used": data.n,
        "n_dropped": n_rows - data.n,
        "n_events": data.n_events,
        "n_clusters": None if data.rows is None else data.rows.n_clusters,
        "n_effective": None if data.rows is None else data.rows.n_effective,
    }


def estimate(data: Patterns, conf_level: float, firth: bool | None) -> Estimates | Message:
    """The model, or why there is none."""
    obstacle = find_obstacle(data, separation=firth is False) or cluster_obstacle(data)
    if obstacle:
        return obstacle
    separating = "" if firth is False else separating_drivers(data)
    normal = float(stats.norm.ppf((1 + conf_level) / 2))
    if data.rows is not None:
        if separating:
            return message(
                "The outcome is separated by these drivers, and with weights or clusters there is "
                "no estimate that stays finite: {drivers}.",
                drivers=separating,
            )
        return _robust(data, conf_level)
    if not (separating or firth):
        fit = fit_logit(data)
        table = coefficients(fit, ["(intercept)", *data.names], normal)
        return Estimates(fit, table, normal, "ml", rare_outcome(data))
    fit = fit_firth(data)
    notes = []
    if separating:
        notes.append(
            message(
                "The outcome is separated by these drivers, so the model is estimated by Firth's "
                "penalised likelihood, which keeps their odds ratios finite: {drivers}.",
                drivers=separating,
            )
        )
    return Estimates(fit, profiles(data, fit, normal), normal, "firth", notes)


def _robust(data: Patterns, conf_level: float) -> Estimates | Message:
    assert data.rows is not None
    naive = fit_logit(data)
    covariance = robust_covariance(data, data.rows, naive)
    if covariance is None:
        return message(
            "Errors robust to clusters do not exist: some estimate does not vary between the "
            "clusters."
        )
    fit = naive._replace(covariance=covariance)
    df = degrees_of_freedom(data, data.rows)
    reach = float(stats.t.ppf((1 + conf_level) / 2, df))
    notes = rare_outcome(data)
    clusters = data.rows.n_clusters
    if clusters is not None and clusters < 30:
        notes.append(
            message(
                "There are only {n} clusters; below 30 the errors tend to be too small.", n=clusters
            )
        )
    table = coefficients(fit, ["(intercept)", *data.names], reach, df=df)
    return Estimates(fit, table, reach, "ml", notes)
