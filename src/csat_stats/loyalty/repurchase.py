"""Which ratings go with buying again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.frames import Array, check_level
from csat_stats.loyalty._estimate import FIRTH, Estimates, Estimator, counts, estimate, estimation
from csat_stats.loyalty._logit import (
    Fit,
    Patterns,
    complete_patterns,
    events_per_variable,
    standardised,
)
from csat_stats.loyalty._roc import no_interval, roc_area
from csat_stats.results import Message, Result, message


@dataclass(frozen=True, kw_only=True)
class LogitModel(Result):
    """A fitted logistic regression; ``estimate`` is the area under the ROC curve (AUC).

    Attributes
    ----------
    estimator
        ``"ml"``: maximum likelihood. ``"firth"``: Firth's penalised likelihood.
    n_events
        Rows whose outcome is 1.
    n_clusters, n_effective
        Clusters of the rows used, and Kish's effective n, (Σw)²/Σw²; ``None`` without clusters,
        without weights.
    events_per_variable
        The rarer of the two outcomes, divided by the number of drivers.
    log_likelihood, null_log_likelihood, aic, mcfadden_r2, nagelkerke_r2
        Fit of the model; the null model has the intercept only. With weights a likelihood is that
        of the weights scaled to a sum of n; ``aic`` is ``None`` with weights, clusters and Firth's
        estimator. The likelihood is never the penalised one.
    covariance
        Of the coefficients, ``(intercept)`` and drivers: the one the errors come from.
    intercept
        One row named ``(intercept)``: ``driver, estimate, std_error, statistic, p_value,
        conf_low, conf_high, odds_ratio, odds_ratio_low, odds_ratio_high``. ``statistic`` is z, t
        with weights or clusters, and the signed root of the penalised likelihood ratio χ² with
        Firth's estimator.
    table
        One row a driver: the columns of ``intercept`` (log odds and odds ratios per scale point),
        then ``marginal_effect, marginal_effect_low, marginal_effect_high`` (average change of the
        probability, 0–1, per scale point) and ``vif``.
    """

    estimator: Estimator = "ml"
    n_events: int
    n_clusters: int | None = None
    n_effective: float | None = None
    events_per_variable: float | None = None
    log_likelihood: float | None = None
    null_log_likelihood: float | None = None
    mcfadden_r2: float | None = None
    nagelkerke_r2: float | None = None
    aic: float | None = None
    covariance: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    intercept: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def repurchase_model(
    outcome: pd.Series,
    drivers: pd.DataFrame,
    *,
    weights: pd.Series | None = None,
    cluster: pd.Series | None = None,
    firth: bool | None = None,
    conf_level: float = 0.95,
) -> LogitModel:
    """Logistic regression of buying again on the ratings that may drive it.

    Parameters
    ----------
    outcome
        One value a customer: 0/1 or bool, nullable. The index must equal that of ``drivers``.
    drivers
        Customers × drivers, numeric, each on its own scale. Rows with any missing value are
        left out.
    weights
        Sampling weight of each customer, on any scale; 0 or missing leaves the customer out.
    cluster
        What makes answers alike, such as the engineer or the store of each customer, of any
        type; missing leaves the customer out. Fewer than 30 clusters are noted.
    firth
        Whether to estimate by Firth's penalised likelihood: ``None`` when drivers separate the
        outcomes, ``True`` always (better where the rarer outcome occurs fewer than 10 times per
        driver), ``False`` never.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    LogitModel
        Not estimable when there are fewer rows than drivers + 1, all outcomes are equal, drivers
        are constant or collinear, clusters are no more than coefficients, or drivers separate the
        two outcomes and Firth's estimator is refused or weights or clusters are given.

    Raises
    ------
    ValueError
        For an outcome other than 0/1, a driver that is not numeric or infinite, repeated column
        names, different indexes, no drivers, a negative weight, or ``firth=True`` beside weights
        or clusters.

    Notes
    -----
    Maximum likelihood by Newton's method on distinct answer patterns; Wald intervals. Complete
    and quasi-complete separation is looked for before fitting by linear programming (Konis,
    2007). The average marginal effect of driver j is the mean of p(1 − p)·bⱼ, its interval from
    the delta method, the answers taken as given. AUC with the interval of DeLong, DeLong and
    Clarke-Pearson (1988), cut at 0 and 1. VIF is the diagonal of the inverse correlation matrix
    of the drivers. Checked against R 4.2 ``glm`` and pROC 1.18 ``ci.auc``.

    With weights the covariance is m/(m − 1)·A⁻¹ Σ sₘsₘ′ A⁻¹ of the scores s summed within the m
    clusters or customers (Binder, 1983), with t intervals of m − k degrees of freedom, k
    coefficients: survey 4.1 ``svyglm(family = quasibinomial)``. Clusters without weights have
    m/(m − 1)·(n − 1)/(n − k) before it and m − 1 degrees of freedom: sandwich 3.0-2
    ``vcovCL(type = "HC1")``. The AUC then has the interval of its linearised form, summed within
    clusters likewise (Obuchowski, 1997), by ``svytotal`` of the influences.

    Firth's (1993) estimator adds ½·log|I| to the log-likelihood; intervals and tests are those
    of the profile of this sum (Heinze and Schemper, 2002), ``std_error`` and marginal effects
    rest on I⁻¹. Checked against brglm2 0.9, R code for the profiles, and published output of
    ``logistf``.

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
    if firth and (weights is not None or cluster is not None):
        raise ValueError("firth is True: Firth's estimator takes neither weights nor clusters")
    data = complete_patterns(outcome, drivers, weights=weights, cluster=cluster)
    base: dict[str, Any] = {**counts(data, len(outcome)), "conf_level": conf_level}
    estimates = estimate(data, conf_level, firth)
    if not isinstance(estimates, Estimates):
        return LogitModel(**base, method=_method(estimation(data)), not_estimable=estimates)
    fit, table, reach, estimator, notes = estimates
    auc, auc_error = roc_area(fit.design @ fit.beta, data)
    if auc_error is None:
        notes.append(no_interval(auc))
    effect, effect_error = _marginal_effects(fit, data)
    drivers_table = table.iloc[1:].reset_index(drop=True)
    drivers_table["marginal_effect"] = effect
    drivers_table["marginal_effect_low"] = effect - reach * effect_error
    drivers_table["marginal_effect_high"] = effect + reach * effect_error
    drivers_table["vif"] = _vif(data)
    null = _null_log_likelihood(data)
    cox_snell = -np.expm1(2 * (null - fit.log_likelihood) / data.n)
    has_aic = data.rows is None and estimator == "ml"
    return LogitModel(
        **base,
        method=_method(FIRTH if estimator == "firth" else estimation(data)),
        estimator=estimator,
        estimate=auc,
        conf_low=None if auc_error is None else max(0.0, auc - reach * auc_error),
        conf_high=None if auc_error is None else min(1.0, auc + reach * auc_error),
        events_per_variable=events_per_variable(data),
        log_likelihood=fit.log_likelihood,
        null_log_likelihood=null,
        mcfadden_r2=1 - fit.log_likelihood / null,
        nagelkerke_r2=float(cox_snell / -np.expm1(2 * null / data.n)),
        aic=2 * len(fit.beta) - 2 * fit.log_likelihood if has_aic else None,
        covariance=pd.DataFrame(fit.covariance, list(table["driver"]), list(table["driver"])),
        intercept=table.iloc[:1],
        table=drivers_table,
        notes=tuple(notes),
    )


def _method(estimation: Message | None) -> Message:
    if estimation is None:
        return message(
            "Logistic regression by maximum likelihood with Wald intervals, average marginal "
            "effects by the delta method and DeLong's interval for the AUC; rows with a missing "
            "value are left out."
        )
    if estimation is FIRTH:
        return message(
            "{estimation} Average marginal effects by the delta method and DeLong's interval for "
            "the AUC; rows with a missing value are left out.",
            estimation=estimation,
        )
    return message(
        "{estimation} Average marginal effects by the delta method, interval of the AUC by "
        "linearisation; rows with a missing value, weight or cluster are left out.",
        estimation=estimation,
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
