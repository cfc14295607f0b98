"""Which ratings go with buying again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from csat_stats.frames import check_level
from csat_stats.loyalty._logit import (
    Array,
    Fit,
    Patterns,
    coefficients,
    complete_patterns,
    events_per_variable,
    find_obstacle,
    fit_logit,
    rare_outcome,
    standardised,
)
from csat_stats.results import Result, message


@dataclass(frozen=True, kw_only=True)
class LogitModel(Result):
    """A fitted logistic regression; ``estimate`` is the area under the ROC curve (AUC).

    Attributes
    ----------
    n_events
        Rows whose outcome is 1.
    events_per_variable
        The rarer of the two outcomes, divided by the number of drivers.
    log_likelihood, null_log_likelihood, aic, mcfadden_r2, nagelkerke_r2
        Fit of the model; the null model has the intercept only.
    intercept
        One row named ``(intercept)``: ``driver, estimate, std_error, statistic, p_value,
        conf_low, conf_high, odds_ratio, odds_ratio_low, odds_ratio_high``.
    table
        One row a driver: the columns of ``intercept`` (log odds and odds ratios per scale point),
        then ``marginal_effect, marginal_effect_low, marginal_effect_high`` (average change of the
        probability, 0–1, per scale point) and ``vif``.
    """

    n_events: int
    events_per_variable: float | None = None
    log_likelihood: float | None = None
    null_log_likelihood: float | None = None
    mcfadden_r2: float | None = None
    nagelkerke_r2: float | None = None
    aic: float | None = None
    intercept: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def repurchase_model(
    outcome: pd.Series, drivers: pd.DataFrame, *, conf_level: float = 0.95
) -> LogitModel:
    """Logistic regression of buying again on the ratings that may drive it.

    Parameters
    ----------
    outcome
        One value a customer: 0/1 or bool, nullable. The index must equal that of ``drivers``.
    drivers
        Customers × drivers, numeric, each on its own scale. Rows with any missing value are
        left out.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    LogitModel
        Not estimable when there are fewer rows than drivers + 1, all outcomes are equal, drivers
        are constant or collinear, or drivers separate the two outcomes.

    Raises
    ------
    ValueError
        For an outcome other than 0/1, a driver that is not numeric or infinite, repeated column
        names, different indexes, or no drivers.

    Notes
    -----
    Maximum likelihood by Newton's method on distinct answer patterns; Wald intervals. Complete
    and quasi-complete separation is looked for before fitting by linear programming (Konis,
    2007). The average marginal effect of driver j is the mean of p(1 − p)·bⱼ, its interval from
    the delta method. AUC with the interval of DeLong, DeLong and Clarke-Pearson (1988), cut at 0
    and 1. VIF is the diagonal of the inverse correlation matrix of the drivers. Checked against
    R 4.2 ``glm`` and pROC 1.18 ``ci.auc``.

    Examples
    --------
    >>> model = repurchase_model(
    ...     pd.Series([0, 0, 1, 0, 1, 0, 1, 1]),
    ...     pd.DataFrame({"satisfaction": [1, 2, 2, 3, 3, 4, 4, 5]}),
    ... )
    >>> print(f"{model.estimate:.4f}, {model.table.odds_ratio[0]:.3f}")
    0.7188, 2.130
    """
    check_level(conf_level)
    data = complete_patterns(outcome, drivers)
    base: dict[str, Any] = {
        "n_used": data.n,
        "n_dropped": len(outcome) - data.n,
        "n_events": int(data.events.sum()),
        "conf_level": conf_level,
        "method": message(
            "Logistic regression by maximum likelihood with Wald intervals, average marginal "
            "effects by the delta method and DeLong's interval for the AUC; rows with a missing "
            "value are left out."
        ),
    }
    obstacle = find_obstacle(data)
    if obstacle:
        return LogitModel(**base, not_estimable=obstacle)
    fit = fit_logit(data)
    notes = rare_outcome(data)
    auc, auc_error = _auc(fit.design @ fit.beta, data.events, data.trials)
    z = float(norm.ppf((1 + conf_level) / 2))
    if auc_error is None:
        notes.append(
            message("The AUC has no interval: fewer than two customers have the rarer outcome.")
        )
    effect, effect_error = _marginal_effects(fit, data)
    table = coefficients(fit, ["(intercept)", *data.names], z)
    drivers_table = table.iloc[1:].reset_index(drop=True)
    drivers_table["marginal_effect"] = effect
    drivers_table["marginal_effect_low"] = effect - z * effect_error
    drivers_table["marginal_effect_high"] = effect + z * effect_error
    drivers_table["vif"] = _vif(data)
    null = _null_log_likelihood(data)
    cox_snell = -np.expm1(2 * (null - fit.log_likelihood) / data.n)
    return LogitModel(
        **base,
        estimate=auc,
        conf_low=None if auc_error is None else max(0.0, auc - z * auc_error),
        conf_high=None if auc_error is None else min(1.0, auc + z * auc_error),
        events_per_variable=events_per_variable(data),
        log_likelihood=fit.log_likelihood,
        null_log_likelihood=null,
        mcfadden_r2=1 - fit.log_likelihood / null,
        nagelkerke_r2=float(cox_snell / -np.expm1(2 * null / data.n)),
        aic=2 * len(fit.beta) - 2 * fit.log_likelihood,
        intercept=table.iloc[:1],
        table=drivers_table,
        notes=tuple(notes),
    )


def _null_log_likelihood(data: Patterns) -> float:
    share = data.events.sum() / data.n
    return float(data.n * (share * np.log(share) + (1 - share) * np.log1p(-share)))


def _vif(data: Patterns) -> Array:
    z = standardised(data)[0]
    factors: Array = np.diag(np.linalg.inv((z.T * data.trials) @ z / data.n))
    return factors


def _marginal_effects(fit: Fit, data: Patterns) -> tuple[Array, Array]:
    """Average marginal effects of the drivers and their delta-method standard errors."""
    p = fit.probability
    density = data.trials / data.n * p * (1 - p)
    slope = density.sum()
    jacobian = np.outer(fit.beta[1:], (density * (1 - 2 * p)) @ fit.design)
    jacobian[:, 1:] += slope * np.eye(len(data.names))
    variance = np.einsum("ij,jk,ik->i", jacobian, fit.covariance, jacobian)
    return slope * fit.beta[1:], np.sqrt(variance)


def _auc(score: Array, events: Array, trials: Array) -> tuple[float, float | None]:
    """Area under the ROC curve and DeLong's standard error, from counts per score."""
    _, place = np.unique(score, return_inverse=True)
    ones = np.bincount(place, weights=events)
    zeros = np.bincount(place, weights=trials - events)
    n_ones, n_zeros = ones.sum(), zeros.sum()
    beaten = (zeros.cumsum() - zeros / 2) / n_zeros  # share of zeros below a score, ties half
    beating = 1 - (ones.cumsum() - ones / 2) / n_ones
    area = ones @ beaten / n_ones
    if min(n_ones, n_zeros) < 2:
        return float(area), None
    variance = (
        ones @ (beaten - area) ** 2 / (n_ones - 1) / n_ones
        + zeros @ (beating - area) ** 2 / (n_zeros - 1) / n_zeros
    )
    return float(area), float(np.sqrt(variance))
