"""Probability of buying again along one satisfaction score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from csat_stats.frames import Array, check_level
from csat_stats.loyalty._estimate import FIRTH, Estimates, Estimator, counts, estimate, estimation
from csat_stats.loyalty._logit import Patterns, complete_patterns
from csat_stats.loyalty.firth import crossing_limits, log_odds_limits
from csat_stats.results import Message, Result, message


@dataclass(frozen=True, kw_only=True)
class Curve(Result):
    """Probability of the outcome along one score; the result has no single headline figure.

    Attributes
    ----------
    odds_ratio, odds_ratio_low, odds_ratio_high, p_value
        Slope of the curve: odds ratio per scale point, and its test.
    target, threshold
        The probability asked for, and the score at which the curve reaches it; ``None`` when no
        target was given or no observed score reaches it.
    threshold_low, threshold_high
        The scores at which the one and the other bound of the curve reach the target; ``None``
        without a threshold, and where a flat curve lies within the interval of the slope, so that
        nothing bounds them. They may lie outside the observed range.
    estimator
        ``"ml"``: maximum likelihood. ``"firth"``: Firth's penalised likelihood.
    n_events
        Rows whose outcome is 1.
    n_clusters, n_effective
        Clusters of the rows used, and Kish's effective n; ``None`` without clusters, without
        weights.
    table
        ``score, estimate, conf_low, conf_high``: probability 0–1 at each score asked for.
    """

    odds_ratio: float | None = None
    odds_ratio_low: float | None = None
    odds_ratio_high: float | None = None
    p_value: float | None = None
    target: float | None = None
    threshold: float | None = None
    threshold_low: float | None = None
    threshold_high: float | None = None
    estimator: Estimator = "ml"
    n_events: int
    n_clusters: int | None = None
    n_effective: float | None = None


def satisfaction_curve(
    outcome: pd.Series,
    score: pd.Series,
    *,
    at: Sequence[float],
    target: float | None = None,
    weights: pd.Series | None = None,
    cluster: pd.Series | None = None,
    firth: bool | None = None,
    conf_level: float = 0.95,
) -> Curve:
    """Probability of buying again along one satisfaction score, and where it meets a target.

    Parameters
    ----------
    outcome
        One value a customer: 0/1 or bool, nullable. The index must equal that of ``score``.
    score
        One numeric score a customer, any scale. Rows with any missing value are left out.
    at
        Scores at which the probability is wanted, on the scale of ``score``.
    target
        Probability, strictly between 0 and 1, whose score is wanted.
    weights, cluster, firth
        As in :func:`repurchase_model`.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    Curve
        Not estimable in the cases of :func:`repurchase_model`.

    Raises
    ------
    ValueError
        As in :func:`repurchase_model`; also for a score in ``at`` that is not finite, and a
        target outside 0–1.

    Notes
    -----
    Logistic regression on one score; the interval is symmetric on the log-odds scale and
    transformed back (Hosmer and Lemeshow, 2000, section 1.4). The interval of the threshold holds
    the scores s with (a + bs − logit(target))² ≤ z²·var(a + bs) (Fieller, 1954). With Firth's
    estimator both are those of the profile likelihood. Checked against R 4.2 ``predict.glm(se.fit
    = TRUE)``, ``uniroot`` on its bounds, and survey 4.1 ``predict.svyglm``.

    Examples
    --------
    >>> curve = satisfaction_curve(
    ...     pd.Series([0, 0, 1, 0, 1, 0, 1, 1]),
    ...     pd.Series([1, 2, 2, 3, 3, 4, 4, 5]),
    ...     at=[1, 3, 5],
    ...     target=0.7,
    ... )
    >>> [round(p, 3) for p in curve.table.estimate], round(curve.threshold, 3)
    ([0.181, 0.5, 0.819], 4.12)
    """
    check_level(conf_level)
    if target is not None and not 0 < target < 1:
        raise ValueError(f"target is {target}: a probability between 0 and 1 is needed")
    scores = np.asarray(at, dtype=float)
    if not np.isfinite(scores).all():
        raise ValueError(f"at holds {list(at)}: finite scores are needed")
    if firth and (weights is not None or cluster is not None):
        raise ValueError("firth is True: Firth's estimator takes neither weights nor clusters")
    data = complete_patterns(
        outcome,
        score.to_frame("score" if score.name is None else score.name),
        weights=weights,
        cluster=cluster,
    )
    base: dict[str, Any] = {
        **counts(data, len(outcome)),
        "conf_level": conf_level,
        "target": target,
    }
    estimates = estimate(data, conf_level, firth)
    if not isinstance(estimates, Estimates):
        return Curve(**base, method=_method(estimation(data)), not_estimable=estimates)
    fit, table, _, estimator, notes = estimates
    low, high = float(data.patterns.min()), float(data.patterns.max())
    if ((scores < low) | (scores > high)).any():
        notes.append(
            message(
                "Scores outside the observed range, {low:g} to {high:g}, are extrapolated.",
                low=low,
                high=high,
            )
        )
    threshold = bounds = None
    if target is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = (logit(target) - fit.beta[0]) / fit.beta[1]
        if low <= crossing <= high:
            threshold = float(crossing)
            bounds = _threshold_limits(data, estimates, float(logit(target)))
            notes += _on_limits(bounds, low, high)
        else:
            notes.append(
                message(
                    "No score in the observed range, {low:g} to {high:g}, gives a probability "
                    "of {target:.1%}.",
                    low=low,
                    high=high,
                    target=target,
                )
            )
    if fit.beta[1] < 0:
        notes.append(message("The probability falls as the score rises."))
    below, above = _band(data, estimates, scores)
    slope = table.iloc[1]
    return Curve(
        **base,
        method=_method(FIRTH if estimator == "firth" else estimation(data)),
        estimator=estimator,
        odds_ratio=float(slope["odds_ratio"]),
        odds_ratio_low=float(slope["odds_ratio_low"]),
        odds_ratio_high=float(slope["odds_ratio_high"]),
        p_value=float(slope["p_value"]),
        threshold=threshold,
        threshold_low=bounds[0] if bounds else None,
        threshold_high=bounds[1] if bounds else None,
        table=pd.DataFrame(
            {
                "score": scores,
                "estimate": expit(fit.beta[0] + fit.beta[1] * scores),
                "conf_low": expit(below),
                "conf_high": expit(above),
            }
        ),
        notes=tuple(notes),
    )


def _band(data: Patterns, estimates: Estimates, scores: Array) -> tuple[Array, Array]:
    """Bounds of the log odds at each score."""
    fit, reach = estimates.fit, estimates.reach
    if estimates.estimator == "firth":
        limits = [log_odds_limits(data, fit, float(score), reach) for score in scores]
        found = np.array(limits).reshape(-1, 2)
        return found[:, 0], found[:, 1]
    design = np.column_stack([np.ones(len(scores)), scores])
    eta = design @ fit.beta
    margin = reach * np.sqrt(np.einsum("ij,jk,ik->i", design, fit.covariance, design))
    return eta - margin, eta + margin


def _threshold_limits(
    data: Patterns, estimates: Estimates, log_odds: float
) -> tuple[float, float] | None:
    """Scores at which the bounds of the curve have these log odds; ``None`` without bounds."""
    fit, reach = estimates.fit, estimates.reach
    if estimates.estimator == "firth":
        return crossing_limits(data, fit, log_odds, reach)
    # (a + bs − L)² = z² var(a + bs), a quadratic in the distance s from the threshold
    crossing = (log_odds - fit.beta[0]) / fit.beta[1]
    at = np.array([[1.0, crossing], [0.0, 1.0]])
    (v_00, v_01), (_, v_11) = reach**2 * at @ fit.covariance @ at.T
    leading = fit.beta[1] ** 2 - v_11
    if leading <= 0:
        return None
    root = np.sqrt(v_01**2 + leading * v_00)
    return float(crossing + (v_01 - root) / leading), float(crossing + (v_01 + root) / leading)


def _on_limits(bounds: tuple[float, float] | None, low: float, high: float) -> list[Message]:
    if bounds is None:
        return [
            message(
                "The threshold has no interval: a curve without slope is within the error, so "
                "nothing bounds it."
            )
        ]
    if bounds[0] < low or bounds[1] > high:
        return [
            message(
                "The interval of the threshold reaches beyond the observed range, {low:g} to "
                "{high:g}.",
                low=low,
                high=high,
            )
        ]
    return []


def _method(estimation: Message | None) -> Message:
    if estimation is None:
        return message(
            "Logistic regression on one score by maximum likelihood, with intervals on the "
            "log-odds scale transformed back; rows with a missing value are left out."
        )
    if estimation is FIRTH:
        return message(
            "{estimation} One score, with the curve's intervals transformed back from log odds; "
            "rows with a missing value are left out.",
            estimation=estimation,
        )
    return message(
        "{estimation} One score, with the curve's intervals transformed back from log odds; rows "
        "with a missing value, weight or cluster are left out.",
        estimation=estimation,
    )
