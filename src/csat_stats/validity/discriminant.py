"""Are the dimensions distinct from each other, and more than one habit of answering?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.frames import Array, check_level
from csat_stats.results import Message, Result, message
from csat_stats.validity._dimensions import Answers, answers_to, dimensions_of
from csat_stats.validity.correlations import correlations
from csat_stats.validity.factors import efa

_VERSIONS = {
    "htmt": message("ratio of arithmetic means"),
    "htmt2": message("ratio of geometric means (HTMT2)"),
}


@dataclass(frozen=True, kw_only=True)
class Htmt(Result):
    """Heterotrait–monotrait ratios; ``estimate`` is the largest, with its interval.

    Attributes
    ----------
    n_boot
        Resamples the intervals come from, those without variance in an item left out.
    table
        One row a pair: ``dimension_1, dimension_2, estimate, conf_low, conf_high, n``; missing
        where the items of a dimension do not correlate at all.
    """

    n_boot: int = 0


@dataclass(frozen=True, kw_only=True)
class CommonMethod(Result):
    """Harman's single-factor check; ``estimate`` is the share of the first principal component.

    Attributes
    ----------
    factor_share
        Share of variance, 0–1, of a single minres factor; ``None`` where the items have none.
    table
        One row a component: ``component, eigenvalue, share, cumulative``.
    """

    factor_share: float | None = None


def htmt(
    items: pd.DataFrame,
    model: Mapping[str, Sequence[str]],
    *,
    version: str = "htmt",
    weights: pd.Series | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    conf_level: float = 0.95,
) -> Htmt:
    """Heterotrait–monotrait ratio of correlations of each pair of dimensions.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype; other columns are not looked at. A row with a
        missing value in an item of the model is left out.
    model
        Items of each dimension, an item in one dimension only; a dimension of one item is left
        out, and noted.
    version
        ``htmt`` (arithmetic means) or ``htmt2`` (geometric means), for items that load unequally.
    weights
        Sampling weights on any scale; 0 or missing leaves the respondent out.
    n_boot
        Resamples of respondents for the percentile intervals; 0 gives none.
    seed
        Seed of the resampling: the same seed gives the same result.
    conf_level
        Strictly between 0 and 1.

    Returns
    -------
    Htmt
        Ratios of 0 or more; about 1 where two dimensions cannot be told apart. Not estimable in
        the cases of :func:`kmo`, and for fewer than two dimensions of two items.

    Raises
    ------
    ValueError
        As :func:`cfa`; an unknown ``version``; ``n_boot`` below 0.

    Notes
    -----
    Mean absolute correlation between the items of two dimensions over the geometric mean of their
    mean absolute correlations within (Henseler, Ringle & Sarstedt 2015, Journal of the Academy of
    Marketing Science 43); geometric means throughout in HTMT2 (Roemer, Schuberth & Henseler 2021,
    Industrial Management & Data Systems 121). Checked against R semTools 0.5-6 ``htmt``, whose
    default is HTMT2; intervals against a bootstrap of 20,000 resamples in R.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> traits = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 300)
    >>> answers = np.repeat(traits, 3, axis=1) + rng.normal(size=(300, 6))
    >>> items = pd.DataFrame(answers, columns=["s1", "s2", "s3", "p1", "p2", "p3"])
    >>> model = {"speed": ["s1", "s2", "s3"], "price": ["p1", "p2", "p3"]}
    >>> result = htmt(items, model)
    >>> result.table.round(2)
      dimension_1 dimension_2  estimate  conf_low  conf_high    n
    0       speed       price       0.5      0.36       0.63  300
    """
    check_level(conf_level)
    if version not in _VERSIONS:
        raise ValueError(f"version is {version!r}: choose one of {', '.join(_VERSIONS)}")
    if n_boot < 0:
        raise ValueError(f"n_boot is {n_boot}: give 0 for no interval, or better 1000")
    dims = dimensions_of(items, model)
    frame = items[dims.columns]
    data = correlations(frame, weights)
    base: dict[str, Any] = {
        **data.counts,
        "conf_level": conf_level,
        "method": _htmt_method(version, n_boot, seed, data.rule),
    }
    problem = data.problem
    if len(dims.names) < 2:
        problem = message("A comparison needs two dimensions of at least two items.")
    if problem:
        return Htmt(**base, notes=tuple(dims.notes), not_estimable=problem)
    member = np.equal.outer(dims.factor, np.arange(len(dims.names))).astype(float)
    ratios = _ratios(data.corr, member, version)
    notes = dims.notes
    within = data.corr * (member @ member.T)
    if (within < 0).any():
        notes.append(
            message(
                "Items of one dimension correlate negatively: {items}. The ratio takes absolute "
                "values; check whether these items need reversing.",
                items=", ".join(np.array(dims.items, dtype=object)[(within < 0).any(axis=0)]),
            )
        )
    if np.isnan(ratios).any():
        notes.append(
            message("Some ratios are missing: the items of a dimension do not correlate at all.")
        )
    row, column = np.triu_indices(len(dims.names), 1)
    table = pd.DataFrame(
        {
            "dimension_1": [dims.names[i] for i in row],
            "dimension_2": [dims.names[j] for j in column],
            "estimate": ratios,
            "conf_low": np.nan,
            "conf_high": np.nan,
            "n": data.n,
        }
    )
    draws = _resampled(answers_to(frame, weights), member, version, n_boot, seed)
    if len(draws):
        tail = (1 - conf_level) / 2
        table[["conf_low", "conf_high"]] = np.quantile(draws, [tail, 1 - tail], axis=0).T
    if len(draws) < n_boot:
        notes.append(
            message(
                "{n} of {n_boot} resamples left an item without variance and were dropped.",
                n=n_boot - len(draws),
                n_boot=n_boot,
            )
        )
    if np.isnan(ratios).all():
        reason = message("No two items of a dimension correlate.")
        return Htmt(**base, notes=tuple(dims.notes), not_estimable=reason)
    top = table.loc[table["estimate"].idxmax()]
    interval = not np.isnan(top["conf_low"])
    return Htmt(
        **base,
        estimate=float(top["estimate"]),
        conf_low=float(top["conf_low"]) if interval else None,
        conf_high=float(top["conf_high"]) if interval else None,
        n_boot=len(draws),
        notes=tuple(notes),
        table=table,
    )


def common_method(items: pd.DataFrame, *, weights: pd.Series | None = None) -> CommonMethod:
    """Harman's single-factor check: does one factor carry most of the variance?

    Parameters
    ----------
    items
        Respondents × items of all dimensions, any numeric dtype; a row with any missing value is
        left out.
    weights
        Sampling weights on any scale; 0 or missing leaves the respondent out.

    Returns
    -------
    CommonMethod
        Shares 0–1. Not estimable in the cases of :func:`kmo`.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another; a weight is negative or
        infinite.

    Notes
    -----
    Largest eigenvalue of the correlation matrix over the number of items, unrotated, and beside it
    the share of one minres factor (Harman 1976; Podsakoff et al. 2003, Journal of Applied
    Psychology 88, who call the check weak). Checked against R ``eigen(cor())``; the factor as
    :func:`efa`.

    Examples
    --------
    >>> items = pd.DataFrame({"q1": [1, 2, 4, 5, 5], "q2": [2, 2, 3, 5, 4], "q3": [1, 3, 3, 4, 5]})
    >>> round(common_method(items).estimate, 3)
    0.9
    """
    data = correlations(items, weights)
    base: dict[str, Any] = {
        **data.counts,
        "method": message(
            "Harman's single-factor check: share of variance of the first unrotated principal "
            "component, beside that of one minres factor; {rule}.",
            rule=data.rule,
        ),
    }
    if data.problem:
        return CommonMethod(**base, not_estimable=data.problem)
    eigenvalue = np.linalg.eigvalsh(data.corr)[::-1]
    share = eigenvalue / len(eigenvalue)
    return CommonMethod(
        **base,
        estimate=float(share[0]),
        factor_share=efa(items, 1, weights=weights, rotation=None).estimate,
        notes=(
            message(
                "The check is weak: one strong component may also be satisfaction itself, and a "
                "small one does not rule out a common habit of answering."
            ),
        ),
        table=pd.DataFrame(
            {
                "component": np.arange(1, len(share) + 1),
                "eigenvalue": eigenvalue,
                "share": share,
                "cumulative": share.cumsum(),
            }
        ),
    )


def _htmt_method(version: str, n_boot: int, seed: int, rule: Message) -> Message:
    if not n_boot:
        return message(
            "Heterotrait-monotrait ratio of absolute correlations, {version}; {rule}.",
            version=_VERSIONS[version],
            rule=rule,
        )
    return message(
        "Heterotrait-monotrait ratio of absolute correlations, {version}; percentile interval from "
        "{n_boot} resamples of respondents, seed {seed}; {rule}.",
        version=_VERSIONS[version],
        n_boot=n_boot,
        seed=seed,
        rule=rule,
    )


def _ratios(corr: Array, member: Array, version: str) -> Array:
    """Ratios of the pairs of dimensions, NaN where one has no correlation within."""
    count = member.sum(axis=0)
    pairs = np.outer(count, count) - np.diag(count)
    row, column = np.triu_indices(len(count), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if version == "htmt2":
            zero = corr == 0
            mean = member.T @ np.log(np.where(zero, 1, np.abs(corr))) @ member / pairs
            mean[member.T @ zero @ member > 0] = -np.inf
            within = np.diag(mean)
            ratios = np.exp(mean[row, column] - (within[row] + within[column]) / 2)
        else:
            mean = (member.T @ np.abs(corr) @ member - np.diag(count)) / pairs
            within = np.diag(mean)
            ratios = mean[row, column] / np.sqrt(within[row] * within[column])
    return np.where(np.isfinite(ratios), ratios, np.nan)


def _resampled(answers: Answers, member: Array, version: str, n_boot: int, seed: int) -> Array:
    """Ratios of resamples of respondents × pairs."""
    rng = np.random.default_rng(seed)
    n = len(answers.rows)
    draws = []
    for _ in range(n_boot):
        weights = np.bincount(rng.integers(n, size=n), minlength=n) * answers.weights
        weights /= weights.sum()
        weighted = weights[:, None] * answers.rows
        mean = weighted.sum(axis=0)
        cov = weighted.T @ answers.rows - np.outer(mean, mean)
        variance = np.diag(cov)
        if variance.min() > 1e-10:
            std_dev = np.sqrt(variance)
            draws.append(_ratios(cov / np.outer(std_dev, std_dev), member, version))
    return np.array(draws)
