"""Probability of buying again along one satisfaction score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

from csat_stats.frames import check_level
from csat_stats.loyalty._logit import (
    coefficients,
    complete_patterns,
    find_obstacle,
    fit_logit,
    rare_outcome,
)
from csat_stats.results import Result, message


@dataclass(frozen=True, kw_only=True)
class Curve(Result):
    """Probability of the outcome along one score; the result has no single headline figure.

    Attributes
    ----------
    odds_ratio, odds_ratio_low, odds_ratio_high, p_value
        Slope of the curve: odds ratio per scale point, and its Wald test.
    target, threshold
        The probability asked for, and the score at which the curve reaches it; ``None`` when no
        target was given or no observed score reaches it.
    n_events
        Rows whose outcome is 1.
    table
        ``score, estimate, conf_low, conf_high``: probability 0–1 at each score asked for.
    """

    odds_ratio: float | None = None
    odds_ratio_low: float | None = None
    odds_ratio_high: float | None = None
    p_value: float | None = None
    target: float | None = None
    threshold: float | None = None
    n_events: int


def satisfaction_curve(
    outcome: pd.Series,
    score: pd.Series,
    *,
    at: Sequence[float],
    target: float | None = None,
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
    transformed back (Hosmer and Lemeshow, 2000, section 1.4). Checked against R 4.2
    ``predict.glm(se.fit = TRUE)``.

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
    data = complete_patterns(outcome, score.to_frame("score" if score.name is None else score.name))
    base: dict[str, Any] = {
        "n_used": data.n,
        "n_dropped": len(outcome) - data.n,
        "n_events": int(data.events.sum()),
        "conf_level": conf_level,
        "target": target,
        "method": message(
            "Logistic regression on one score by maximum likelihood, with intervals on the "
            "log-odds scale transformed back; rows with a missing value are left out."
        ),
    }
    obstacle = find_obstacle(data)
    if obstacle:
        return Curve(**base, not_estimable=obstacle)
    fit = fit_logit(data)
    notes = rare_outcome(data)
    low, high = float(data.patterns.min()), float(data.patterns.max())
    if ((scores < low) | (scores > high)).any():
        notes.append(
            message(
                "Scores outside the observed range, {low:g} to {high:g}, are extrapolated.",
                low=low,
                high=high,
            )
        )
    design = np.column_stack([np.ones(len(scores)), scores])
    eta = design @ fit.beta
    z = float(norm.ppf((1 + conf_level) / 2))
    margin = z * np.sqrt(np.einsum("ij,jk,ik->i", design, fit.covariance, design))
    slope = coefficients(fit, ["(intercept)", *data.names], z).iloc[1]
    threshold = None
    if target is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = (logit(target) - fit.beta[0]) / fit.beta[1]
        if low <= crossing <= high:
            threshold = float(crossing)
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
    return Curve(
        **base,
        odds_ratio=float(slope["odds_ratio"]),
        odds_ratio_low=float(slope["odds_ratio_low"]),
        odds_ratio_high=float(slope["odds_ratio_high"]),
        p_value=float(slope["p_value"]),
        threshold=threshold,
        table=pd.DataFrame(
            {
                "score": scores,
                "estimate": expit(eta),
                "conf_low": expit(eta - margin),
                "conf_high": expit(eta + margin),
            }
        ),
        notes=tuple(notes),
    )
