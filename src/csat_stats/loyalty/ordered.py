"""Which ratings go with a stronger intention: proportional odds on an ordered scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.display import p_phrase
from csat_stats.frames import check_level
from csat_stats.loyalty._logit import Fit, coefficients
from csat_stats.loyalty._ordered import (
    Answers,
    Maximum,
    brant,
    complete_answers,
    marginal_effects,
    maximise,
    ordered_obstacle,
    row_scores,
    separated,
)
from csat_stats.results import Message, Result, message


@dataclass(frozen=True, kw_only=True)
class OrderedModel(Result):
    """A fitted proportional-odds model; it has no single headline figure.

    Attributes
    ----------
    level
        The level of the scale that the marginal effects are about: P(outcome ≥ level).
    n_levels
        Different answers that occur.
    n_clusters
        Clusters the errors allow for; ``None`` without clusters.
    log_likelihood, null_log_likelihood, aic, mcfadden_r2, nagelkerke_r2
        Fit of the model; the null model has the cut points only. ``None`` with weights, which
        have no likelihood.
    parallel_statistic, parallel_df, parallel_p_value
        Brant's test of one set of odds ratios for all cuts of the scale; ``None`` with two levels
        or where a cut alone cannot be fitted.
    cuts
        One row a cut point between two levels: ``cut, estimate, std_error, conf_low, conf_high``.
    covariance
        Covariance matrix of the cut points and then the drivers' estimates.
    table
        One row a driver: ``driver, estimate, std_error, statistic, p_value, conf_low, conf_high``
        (log odds of a higher answer per scale point), ``odds_ratio, odds_ratio_low,
        odds_ratio_high``, ``marginal_effect, marginal_effect_low, marginal_effect_high`` (average
        change of P(outcome ≥ level), 0–1, per scale point), ``parallel_statistic,
        parallel_p_value`` (Brant's test of this driver alone).
    """

    level: float | None = None
    n_levels: int
    n_clusters: int | None = None
    log_likelihood: float | None = None
    null_log_likelihood: float | None = None
    mcfadden_r2: float | None = None
    nagelkerke_r2: float | None = None
    aic: float | None = None
    parallel_statistic: float | None = None
    parallel_df: int | None = None
    parallel_p_value: float | None = None
    cuts: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    covariance: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def ordered_logit(
    outcome: pd.Series,
    drivers: pd.DataFrame,
    *,
    level: float | None = None,
    weights: pd.Series | None = None,
    cluster: pd.Series | None = None,
    conf_level: float = 0.95,
) -> OrderedModel:
    """Proportional-odds (ordered logistic) regression of an intention on the ratings.

    Parameters
    ----------
    outcome
        One answer a customer on an ordered scale, numeric, at most 50 different values. Only the
        order counts. The index must equal that of ``drivers``.
    drivers
        Customers × drivers, numeric, each on its own scale. Rows with any missing value are
        left out.
    level
        Answer from which on the marginal effects count: P(outcome ≥ level); the highest answer
        that occurs unless given. There are none where all answers lie on one side of it.
    weights
        Sampling weight of each customer, any scale; 0 or missing leaves the customer out.
    cluster
        Cluster of each customer (store, engineer), any labels; a missing one leaves the row out.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    OrderedModel
        Not estimable when there are too few rows, all answers are equal, drivers are constant or
        collinear, or drivers separate lower answers from higher ones.

    Raises
    ------
    ValueError
        For an outcome that is not numeric or has more than 50 values, a driver that is not
        numeric or infinite, repeated column names, different indexes, no drivers, or weights that
        are no weights.

    Notes
    -----
    logit P(y ≤ j) = ζⱼ − x′β (McCullagh, 1980), so that a positive β means higher answers.
    Maximum likelihood by Newton's method on distinct answer patterns; its log-likelihood is
    concave while the cut points increase (Pratt, 1981). Average marginal effects are the mean of
    p(1 − p)·βⱼ with p = P(y ≥ level), their errors by the delta method. The assumption of
    proportional odds is tested by the Wald test of Brant (1990): the binary logits at all cuts
    have equal slopes. With weights or clusters its covariance, and that of the estimates, is
    linearised as in :func:`repurchase_model`, with t intervals. Checked against R 4.2 MASS
    ``polr``, ordinal ``clm``, survey ``svyolr``, sandwich ``vcovCL`` and Brant's formulas.

    Examples
    --------
    >>> model = ordered_logit(
    ...     pd.Series([1, 1, 2, 1, 2, 3, 3, 2, 3, 3]),
    ...     pd.DataFrame({"satisfaction": [1, 2, 2, 3, 3, 3, 4, 4, 5, 5]}),
    ... )
    >>> print(f"{model.table.odds_ratio[0]:.3f}, {list(model.cuts.cut)}")
    6.000, ['1|2', '2|3']
    """
    check_level(conf_level)
    data = complete_answers(outcome, drivers, weights, cluster)
    base: dict[str, Any] = {
        "n_used": data.n,
        "n_dropped": len(outcome) - data.n,
        "n_levels": len(data.levels),
        "n_clusters": None if cluster is None else data.n_groups,
        "conf_level": conf_level,
        "method": _method(weights is not None, cluster is not None),
    }
    obstacle = ordered_obstacle(data, cluster is not None)
    if obstacle:
        return OrderedModel(**base, not_estimable=obstacle)
    fit = maximise(data)
    if fit is None:
        return OrderedModel(
            **base,
            not_estimable=message(
                "The outcome is separated by these drivers, so the odds ratio has no finite "
                "value: {drivers}.",
                drivers=separated(data),
            ),
        )
    df = None
    designed = weights is not None or cluster is not None
    if designed:
        influence = row_scores(data, fit.theta) @ fit.covariance
        covariance = data.linearised(influence)
        df = data.n_groups - len(fit.theta)
        if weights is None:
            covariance *= (data.n - 1) / (data.n - len(fit.theta))
            df = data.n_groups - 1
        fit = fit._replace(covariance=covariance)
    else:
        base |= _likelihood(data, fit)
    quantile = float(stats.t.ppf((1 + conf_level) / 2, np.inf if df is None else df))
    n_cuts = len(data.levels) - 1
    table = _table(fit, data.names, n_cuts, quantile, df)
    top = float(data.levels[-1]) if level is None else level
    cut = int(np.searchsorted(data.levels, top)) - 1
    effect = error = np.full(len(data.names), np.nan)
    if 0 <= cut < n_cuts:
        effect, error = marginal_effects(data, fit.theta, fit.covariance, cut)
    table["marginal_effect"] = effect
    table["marginal_effect_low"] = effect - quantile * error
    table["marginal_effect_high"] = effect + quantile * error
    names = [f"{a:g}|{b:g}" for a, b in pairwise(data.levels)]
    cuts = pd.DataFrame({"cut": names, "estimate": fit.theta[:n_cuts]})
    cuts["std_error"] = np.sqrt(np.diag(fit.covariance)[:n_cuts])
    cuts["conf_low"] = cuts["estimate"] - quantile * cuts["std_error"]
    cuts["conf_high"] = cuts["estimate"] + quantile * cuts["std_error"]
    labels = names + data.names
    parallel = brant(data, designed)
    if isinstance(parallel, tuple):
        each, whole = parallel
        table["parallel_statistic"] = each
        table["parallel_p_value"] = stats.chi2.sf(each, n_cuts - 1)
        base["parallel_statistic"] = whole
        base["parallel_df"] = (n_cuts - 1) * len(data.names)
        base["parallel_p_value"] = float(stats.chi2.sf(whole, base["parallel_df"]))
    else:
        table["parallel_statistic"] = table["parallel_p_value"] = np.nan
    return OrderedModel(
        **base,
        level=float(top),
        cuts=cuts,
        covariance=pd.DataFrame(fit.covariance, index=labels, columns=labels),
        table=table,
        notes=_notes(table, base, parallel, top),
    )


def _table(
    fit: Maximum, names: list[str], n_cuts: int, quantile: float, df: int | None
) -> pd.DataFrame:
    """Estimates and odds ratios of the drivers."""
    slopes = Fit(
        beta=fit.theta[n_cuts:],
        covariance=fit.covariance[n_cuts:, n_cuts:],
        log_likelihood=fit.log_likelihood,
        design=np.empty((0, len(names))),
        probability=np.empty(0),
    )
    return coefficients(slopes, names, quantile, df=df)


def _likelihood(data: Answers, fit: Maximum) -> dict[str, float]:
    totals = data.counts.sum(axis=0)
    null = float(totals @ np.log(totals / data.n))
    cox_snell = -np.expm1(2 * (null - fit.log_likelihood) / data.n)
    return {
        "log_likelihood": fit.log_likelihood,
        "null_log_likelihood": null,
        "mcfadden_r2": 1 - fit.log_likelihood / null,
        "nagelkerke_r2": float(cox_snell / -np.expm1(2 * null / data.n)),
        "aic": 2 * len(fit.theta) - 2 * fit.log_likelihood,
    }


def _method(weighted: bool, clustered: bool) -> Message:
    if weighted and clustered:
        return message(
            "Proportional-odds regression by weighted pseudo-likelihood with linearised errors by "
            "cluster, t intervals, average marginal effects by the delta method and a Wald test "
            "of proportional odds after Brant; rows with a missing value are left out."
        )
    if weighted:
        return message(
            "Proportional-odds regression by weighted pseudo-likelihood with linearised errors, "
            "t intervals, average marginal effects by the delta method and a Wald test of "
            "proportional odds after Brant; rows with a missing value are left out."
        )
    if clustered:
        return message(
            "Proportional-odds regression with linearised errors by cluster, t intervals, average "
            "marginal effects by the delta method and a Wald test of proportional odds after "
            "Brant; rows with a missing value are left out."
        )
    return message(
        "Proportional-odds regression by maximum likelihood with Wald intervals, average marginal "
        "effects by the delta method and Brant's test of proportional odds; rows with a missing "
        "value are left out."
    )


def _notes(
    table: pd.DataFrame, base: dict[str, Any], parallel: Message | object, level: float
) -> tuple[Message, ...]:
    notes = []
    clusters, p_value = base["n_clusters"], base.get("parallel_p_value", 1.0)
    if clusters is not None and clusters < 30:
        notes.append(
            message(
                "There are only {n} clusters; below 30 the errors tend to be too small.", n=clusters
            )
        )
    if table["marginal_effect"].isna().all():
        notes.append(
            message(
                "All answers lie on one side of {level:g}, so there are no marginal effects.",
                level=level,
            )
        )
    if isinstance(parallel, Message):
        notes.append(
            message("The assumption of proportional odds cannot be tested: {why}", why=parallel)
        )
    if p_value < 0.05:
        notes.append(
            message(
                "The assumption of proportional odds does not hold (Brant's test, p {p}): "
                "each odds ratio is an average over cuts of the scale at which it differs.",
                p=p_phrase(p_value),
            )
        )
        drivers = ", ".join(table["driver"][table["parallel_p_value"] < 0.05])
        if drivers:
            notes.append(message("It differs most clearly for: {drivers}.", drivers=drivers))
    return tuple(notes)
