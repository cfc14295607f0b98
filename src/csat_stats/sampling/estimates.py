"""Means, shares, totals and ratios of the population, with the errors the design gives them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from csat_stats.frames import Array, numbers
from csat_stats.results import Result, message
from csat_stats.sampling._linearisation import estimate_fields
from csat_stats.sampling._strata import require_columns
from csat_stats.sampling.design import Design, draw, is_population


@dataclass(frozen=True, kw_only=True)
class SurveyEstimate(Result):
    """An estimate for the population; the fields are those of the whole sample.

    ``df`` = sampling units − strata. ``deff`` is the variance over that of a simple random sample
    drawn without replacement from as many people as the weights add up to (``None`` where that is
    not more than n), ``deff_replace`` over that of one drawn with replacement; ``n_effective`` =
    n/deff_replace answers drawn at random would be as precise.

    ``table``, a row for each domain or a single one: the columns of ``by``, n, estimate,
    std_error, conf_low, conf_high, df, deff, deff_replace, n_effective.
    """

    std_error: float | None = None
    df: int | None = None
    deff: float | None = None
    deff_replace: float | None = None
    n_effective: float | None = None
    n_units: int
    n_strata: int


@dataclass(frozen=True, kw_only=True)
class SurveyMean(SurveyEstimate):
    """Mean of a score in the population, in the units of the score."""


@dataclass(frozen=True, kw_only=True)
class SurveyTotal(SurveyEstimate):
    """Sum of a quantity over the population, in the units of the quantity."""


@dataclass(frozen=True, kw_only=True)
class SurveyRatio(SurveyEstimate):
    """Total of one quantity over the total of another."""


@dataclass(frozen=True, kw_only=True)
class SurveyProportion(SurveyEstimate):
    """Share of the population, 0–1, whose answer is among ``levels``.

    Without ``levels`` there is no headline figure, and ``table`` has a row for each answer (in each
    domain), with the answer in ``level`` after the columns of ``by``.
    """

    levels: tuple[Any, ...] | None
    interval: str


def survey_mean(
    responses: pd.DataFrame,
    y: str,
    design: Design,
    *,
    by: Sequence[str] = (),
    conf_level: float = 0.95,
) -> SurveyMean:
    """Mean in the population, with a standard error that knows the design.

    Parameters
    ----------
    responses
        One row per respondent. Respondents without weight, stratum or cluster are left out; those
        without an answer keep their place in the design but make no part of the estimate.
    y
        Numeric column.
    design
        How the respondents were drawn.
    by
        Columns that define a domain: ``table`` has a row for each. A domain is not a sample of its
        own, so it keeps all units of the design; its df are the units − strata with an answer.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If a column is missing or not numeric, or a column of the design does not hold what
        :class:`Design` says.

    Notes
    -----
    ȳ = Σwy/Σw varies as Σwu with u = (y − ȳ)/Σw (Taylor linearisation; Woodruff, 1971), whose
    variance is Σ_h (1 − n_h/N_h)·n_h/(n_h − 1)·Σ_i (z_hi − z̄_h)² for the sums z_hi of wu in the
    sampling units i of the strata h (ultimate clusters; Särndal, Swensson & Wretman, 1992,
    ch. 5); t interval. With calibrated weights u is replaced by its residual on the margins
    (Deville & Särndal, 1992). Checked against R ``survey::svymean`` and ``svyby``.

    Examples
    --------
    >>> answers = pd.DataFrame(
    ...     {"score": [4, 5, 3, 2, 4, 3], "tier": list("AAABBB"), "customers": [60] * 3 + [40] * 3}
    ... )
    >>> result = survey_mean(answers, "score", Design(strata=["tier"], fpc="customers"))
    >>> round(result.estimate, 4), round(result.std_error, 4), result.df
    (3.6, 0.4041, 4)
    """
    sample = draw(responses, design)
    answers = {None: [_column(responses, y)]}
    what = message("Weighted mean")
    return SurveyMean(**estimate_fields(what, responses, sample, answers, _mean, by, conf_level))


def survey_total(
    responses: pd.DataFrame,
    y: str,
    design: Design,
    *,
    by: Sequence[str] = (),
    conf_level: float = 0.95,
) -> SurveyTotal:
    """Sum of a quantity over the population, with a standard error that knows the design.

    Parameters
    ----------
    responses, y, design, by, conf_level
        As in :func:`survey_mean`. The weights must add up to the population; a missing answer
        counts as 0.

    Raises
    ------
    ValueError
        As in :func:`survey_mean`.

    Notes
    -----
    Σwy with the variance of :func:`survey_mean` for u = y. Checked against R
    ``survey::svytotal``.

    Examples
    --------
    >>> shops = pd.DataFrame({"complaints": [4, 0, 2, 6], "shops": [40] * 4})
    >>> survey_total(shops, "complaints", Design(fpc="shops")).estimate
    120.0
    """
    sample = draw(responses, design)
    answers = {None: [_column(responses, y)]}
    what = message("Weighted total")
    fields = estimate_fields(what, responses, sample, answers, _total, by, conf_level)
    if not is_population(sample.weights.sum(), sample.weights.size):
        note = message("The weights do not add up to a population: the total is the respondents'.")
        fields["notes"] += (note,)
    return SurveyTotal(**fields)


def survey_ratio(
    responses: pd.DataFrame,
    numerator: str,
    denominator: str,
    design: Design,
    *,
    by: Sequence[str] = (),
    conf_level: float = 0.95,
) -> SurveyRatio:
    """Ratio of two totals of the population, such as complaints per order.

    Parameters
    ----------
    responses, design, by, conf_level
        As in :func:`survey_mean`.
    numerator, denominator
        Numeric columns; respondents without one of them make no part of the estimate.

    Raises
    ------
    ValueError
        As in :func:`survey_mean`.

    Notes
    -----
    R = Σwy/Σwx with the variance of :func:`survey_mean` for u = (y − Rx)/Σwx. Checked against R
    ``survey::svyratio``.

    Examples
    --------
    >>> stores = pd.DataFrame({"complaints": [2, 1, 5], "orders": [40, 30, 90]})
    >>> survey_ratio(stores, "complaints", "orders", Design()).estimate
    0.05
    """
    sample = draw(responses, design)
    answers = {None: [_column(responses, name) for name in (numerator, denominator)]}
    what = message("Ratio of two weighted totals")
    return SurveyRatio(**estimate_fields(what, responses, sample, answers, _ratio, by, conf_level))


def survey_proportion(
    responses: pd.DataFrame,
    y: str,
    design: Design,
    *,
    levels: Collection[Any] | None = None,
    by: Sequence[str] = (),
    interval: Literal["logit", "beta", "wilson"] = "logit",
    conf_level: float = 0.95,
) -> SurveyProportion:
    """Share of the population that gives an answer, with an interval that stays within 0–1.

    Parameters
    ----------
    responses, design, by, conf_level
        As in :func:`survey_mean`.
    y
        Column of answers of any kind.
    levels
        The answers that count, such as ``[4, 5]``: the headline figure is the share of those who
        gave one of them. Without it ``table`` has the share of every answer that occurs.
    interval
        ``"logit"``: t interval of the log odds. ``"beta"``: exact binomial limits at the effective
        n. ``"wilson"``: score limits at the effective n.

    Raises
    ------
    ValueError
        As in :func:`survey_mean`, or if ``levels`` is text or ``interval`` is unknown.

    Notes
    -----
    The share is the mean of 0 and 1. Limits: expit(logit p ± t·SE/(p(1 − p))); Clopper–Pearson,
    or Wilson (1927), at n* = p(1 − p)/SE²·(t_{n−1}/t_df)² (Korn & Graubard, 1998). Where nobody or
    everybody gave the answer SE is 0, and the limits are exact binomial ones at n*, with Kish's
    effective n for p(1 − p)/SE². Checked against R ``survey::svyciprop``.

    Examples
    --------
    >>> answers = pd.DataFrame({"csat": [5, 4, 4, 2, 1, 5, 3, 4]})
    >>> result = survey_proportion(answers, "csat", Design(), levels=[4, 5])
    >>> result.estimate, round(result.conf_low, 3), round(result.conf_high, 3)
    (0.625, 0.208, 0.913)
    """
    if interval not in ("logit", "beta", "wilson"):
        raise ValueError(f"interval is {interval!r}: 'logit', 'beta' or 'wilson' is needed")
    if isinstance(levels, str):
        raise ValueError(f"levels are given as {levels!r}: a list of answers is needed")
    require_columns(responses, [y])
    column = responses[y]
    if levels is None:
        occurring = column.groupby(column, observed=True).size().index
        answers = {level: [_indicator(column, [level])] for level in occurring}
    else:
        answers = {None: [_indicator(column, levels)]}
    fields = estimate_fields(
        message("Weighted share"),
        responses,
        draw(responses, design),
        answers,
        _mean,
        by,
        conf_level,
        interval,
    )
    if fields["table"]["estimate"].isin([0, 1]).any():
        note = message(
            "Where nobody or everybody gave an answer, its interval is the exact binomial one at"
            " the effective n of the weights alone."
        )
        fields["notes"] += (note,)
    return SurveyProportion(
        levels=None if levels is None else tuple(levels), interval=interval, **fields
    )


def _column(responses: pd.DataFrame, name: str) -> pd.Series:
    require_columns(responses, [name])
    return numbers(responses[name])


def _indicator(column: pd.Series, levels: Collection[Any]) -> pd.Series:
    return column.isin(list(levels)).astype("float64").where(column.notna())


def _mean(weights: Array, y: Array) -> tuple[float, Array]:
    total = weights.sum()
    mean = (weights * y).sum() / total
    return float(mean), _clean(y - mean, y) / total


def _total(weights: Array, y: Array) -> tuple[float, Array]:
    return float((weights * y).sum()), y


def _ratio(weights: Array, y: Array, x: Array) -> tuple[float, Array]:
    total = (weights * x).sum()
    if total == 0:
        return np.nan, y
    ratio = (weights * y).sum() / total
    return float(ratio), _clean(y - ratio * x, y) / total


def _clean(deviations: Array, values: Array) -> Array:
    """Rounding errors set to 0, so that answers without variance have none."""
    return np.where(np.abs(deviations) > 1e-13 * np.abs(values).max(), deviations, 0)
