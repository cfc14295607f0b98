"""Figures of domains under a design: Taylor linearisation, intervals, design effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from csat_stats.frames import Array, check_level
from csat_stats.results import Message, message
from csat_stats.sampling._intervals import wilson
from csat_stats.sampling._strata import MISSING, cells, names, tuples
from csat_stats.sampling.design import BoolArray, Sample, is_population
from csat_stats.sampling.weighting import kish

# From weights (0 outside a domain) and answers to the estimate and the variable u whose weighted
# total varies as the estimate does.
Estimator = Callable[..., tuple[float, Array]]
Figures = dict[str, float]

COLUMNS = (
    *("n", "estimate", "std_error", "conf_low", "conf_high", "df"),
    *("deff", "deff_replace", "n_effective"),
)
INTERVALS = {
    "t": message("t interval"),
    "logit": message("t interval of the log odds"),
    "beta": message("exact binomial interval at the effective n"),
    "wilson": message("Wilson interval at the effective n"),
}


def estimate_fields(
    what: Message,
    responses: pd.DataFrame,
    sample: Sample,
    answers: Mapping[Any, Sequence[pd.Series]],
    estimator: Estimator,
    by: Sequence[str],
    conf_level: float,
    interval: str = "t",
) -> dict[str, Any]:
    """The fields of a result: those of the whole sample, and a row for each domain and answer.

    ``answers`` has the columns that the estimator takes, under the key None for a headline figure.
    """
    check_level(conf_level)
    columns = {
        level: [values.to_numpy()[sample.rows] for values in series]
        for level, series in answers.items()
    }
    notes = list(sample.notes)
    whole = np.ones(sample.weights.size, dtype=bool)
    domains, codes = pd.DataFrame(index=[0]), np.zeros(whole.size, dtype="int64")
    if by:
        domains, codes = cells(responses, by)
        codes = codes[sample.rows]
        if (codes == MISSING).any():
            n = int((codes == MISSING).sum())
            notes.append(message("Respondents without a segment, not in the table: {n}.", n=n))

    def figures(domain: BoolArray, values: Sequence[Array]) -> Figures:
        return _figures(sample, domain, values, estimator, interval, conf_level)

    rows = [figures(codes == d, values) for d in range(len(domains)) for values in columns.values()]
    table = domains.loc[np.repeat(domains.index, len(columns))].reset_index(drop=True)
    if None not in columns:
        table["level"] = list(columns) * len(domains)
    table = pd.concat([table, pd.DataFrame(rows, columns=COLUMNS)], axis=1)
    table = table.astype({"n": "int64", "df": "int64"})

    overall = figures(whole, next(iter(columns.values()))) if columns else {"n": 0.0}
    n_used = int(overall["n"])
    reason = _reason(n_used, sample, overall)
    headline: dict[str, Any] = {}
    if reason is None:
        vague = ((table["n"] > 0) & table["std_error"].isna()).to_numpy()
        if vague.any():
            notes.append(_vague_note(domains, by, vague.reshape(len(domains), -1).any(axis=1)))
        if None in columns:
            headline = {k: None if np.isnan(v) else v for k, v in overall.items() if k != "n"}
    return headline | {
        "conf_level": conf_level,
        "n_used": n_used,
        "n_dropped": len(responses) - n_used,
        "n_units": sample.stratum.size,
        "n_strata": len(sample.labels),
        "method": _method(what, sample, INTERVALS[interval], conf_level),
        "notes": tuple(notes),
        "not_estimable": reason,
        "table": table,
    }


def _figures(
    sample: Sample,
    domain: BoolArray,
    values: Sequence[Array],
    estimator: Estimator,
    interval: str,
    conf_level: float,
) -> Figures:
    """The figures of one domain, NaN where they cannot be had."""
    domain = domain & ~np.isnan(values).any(axis=0)
    n, df = int(domain.sum()), sample.df(domain)
    figures: Figures = dict.fromkeys(COLUMNS, np.nan) | {"n": n, "df": df}
    if n == 0:
        return figures
    weights = np.where(domain, sample.weights, 0)
    estimate, linear = estimator(weights, *(np.where(domain, column, 0) for column in values))
    figures["estimate"] = estimate
    if np.isnan(estimate) or df < 1 or not sample.has_variance:
        return figures
    variance = sample.variance(np.where(domain, linear, 0))
    figures["std_error"] = float(np.sqrt(variance))
    figures["conf_low"], figures["conf_high"] = _limits(
        interval, estimate, variance, df, weights[domain], conf_level
    )
    people = weights.sum()
    deviations = linear[domain] - weights[domain] @ linear[domain] / people
    simple = weights[domain] @ deviations**2 * people / (n - 1)
    if simple > 0:
        figures["deff_replace"] = variance / simple
        figures["n_effective"] = n * simple / variance if variance else np.nan
        if is_population(people, n):
            figures["deff"] = variance / (simple * (1 - n / people))
    return figures


def _limits(
    interval: str, estimate: float, variance: float, df: int, weights: Array, conf_level: float
) -> tuple[float, float]:
    tail, n = (1 - conf_level) / 2, weights.size
    t = float(stats.t.isf(tail, df))
    if interval == "t":
        margin = t * float(np.sqrt(variance))
        return estimate - margin, estimate + margin
    spread = estimate * (1 - estimate)
    if spread and variance < 1e-20 * spread:  # the strata fix the share
        return estimate, estimate
    if spread and interval == "logit":
        centre, margin = special.logit(estimate), t * np.sqrt(variance) / spread
        return float(special.expit(centre - margin)), float(special.expit(centre + margin))
    effective = spread / variance if spread else n / kish(weights)
    effective *= float(stats.t.isf(tail, n - 1) / t) ** 2
    count = effective * estimate
    if spread and interval == "wilson":
        below, above = wilson(count, effective, conf_level)
        return float(below), float(above)
    low = stats.beta.ppf(tail, count, effective - count + 1) if estimate > 0 else 0.0
    high = stats.beta.isf(tail, count + 1, effective - count) if estimate < 1 else 1.0
    return float(low), float(high)


def _reason(n_used: int, sample: Sample, overall: Figures) -> Message | None:
    """Why there is no headline figure."""
    if n_used == 0:
        return message("There are no answers.")
    if not sample.has_variance and sample.design.strata:
        return message(
            "A standard error needs two sampling units in each stratum; there is one in {cells}.",
            cells=names(sample.labels, sample.lonely),
        )
    if not sample.has_variance:
        return message("A standard error needs two sampling units; there is one.")
    if np.isnan(overall["estimate"]):
        return message("The denominator adds up to 0.")
    return None


def _vague_note(domains: pd.DataFrame, by: Sequence[str], vague: BoolArray) -> Message:
    if not by:
        return message("There are too few sampling units for an interval.")
    return message(
        "There are too few sampling units for an interval in {cells}.",
        cells=names(tuples(domains, by), vague),
    )


def _method(what: Message, sample: Sample, limits: Message, conf_level: float) -> Message:
    finite = np.isfinite(sample.population).any()
    return message(
        "{what}, standard error by Taylor linearisation, {level:g}% {limits} (strata: {strata},"
        " sampling units: {units:,}, {correction}); respondents without weight, stratum or cluster"
        " are left out, those without an answer stay in the design.",
        what=what,
        level=100 * conf_level,
        limits=limits,
        units=sample.stratum.size,
        strata=len(sample.labels),
        correction=message("finite population correction")
        if finite
        else message("no finite population correction"),
    )
