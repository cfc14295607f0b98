"""Do the answers fit the dimensions of the study? Confirmatory factor analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import Array, check_level
from csat_stats.results import Message, Result, message
from csat_stats.validity._dimensions import Answers, Dimensions, answers_to, dimensions_of
from csat_stats.validity._fit import (
    baseline,
    close_fit,
    incremental_fit,
    rmsea,
    rmsea_interval,
    satorra_bentler,
    srmr,
)
from csat_stats.validity._solution import improper_notes, no_solution, too_few_items
from csat_stats.validity._structure import Estimates, Sample, StructureFit, fit_structure
from csat_stats.validity.correlations import Correlations, correlations


@dataclass(frozen=True, kw_only=True)
class Cfa(Result):
    """Confirmatory factor analysis; ``estimate`` is the comparative fit index, ``cfi``.

    Attributes
    ----------
    statistic, df, p_value
        Chi-square of the model against any covariance. Where no degree of freedom is left, it
        and all indices but the SRMR are ``None``.
    cfi, tli, srmr
        Comparative fit index, Tucker–Lewis index, standardised root mean square residual.
    rmsea, rmsea_low, rmsea_high, p_close
        Root mean square error of approximation, its interval of 90% whatever ``conf_level`` is,
        and the p value of RMSEA ≤ .05.
    log_likelihood, aic, bic
        With means saturated and not counted as parameters, as lavaan without mean structure.
    robust_statistic, robust_p_value, scaling_factor
        Satorra–Bentler chi-square on ``df``, for answers that are not normal: the statistic over
        its scaling factor.
    robust_cfi, robust_tli, robust_rmsea
        The indices that belong to it.
    n_effective
        Kish's effective n; ``None`` without weights.
    proper
        Whether every unique variance is above 0 and the dimensions are told apart.
    dimensions
        One row a dimension: ``dimension, k, ave, cr, sqrt_ave, nearest, largest_r, distinct``:
        average variance extracted, composite reliability, and the Fornell–Larcker criterion,
        which calls a dimension distinct if √AVE exceeds its largest correlation (in absolute
        value) with another, the ``nearest``.
    factor_correlations
        One row a pair: ``dimension_1, dimension_2, estimate, std_error, statistic, p_value,
        conf_low, conf_high``.
    table
        One row an item: ``dimension, item, estimate`` (standardised loading), ``std_error,
        statistic, p_value, conf_low, conf_high, unstandardised`` (first item of the dimension 1),
        ``communality``.
    """

    statistic: float | None = None
    df: int | None = None
    p_value: float | None = None
    cfi: float | None = None
    tli: float | None = None
    rmsea: float | None = None
    rmsea_low: float | None = None
    rmsea_high: float | None = None
    p_close: float | None = None
    srmr: float | None = None
    log_likelihood: float | None = None
    aic: float | None = None
    bic: float | None = None
    robust_statistic: float | None = None
    robust_p_value: float | None = None
    scaling_factor: float | None = None
    robust_cfi: float | None = None
    robust_tli: float | None = None
    robust_rmsea: float | None = None
    n_effective: float | None = None
    proper: bool | None = None
    dimensions: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    factor_correlations: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def cfa(
    items: pd.DataFrame,
    model: Mapping[str, Sequence[str]],
    *,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
) -> Cfa:
    """Confirmatory factor analysis of a study's own dimensions, which may correlate.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype; other columns are not looked at. A row with a
        missing value in an item of the model is left out.
    model
        Items of each dimension, an item in one dimension only. A dimension of one item is left
        out, and noted; one of two needs another dimension to be identified.
    weights
        Sampling weights on any scale; 0 or missing leaves the respondent out. Covariances are
        weighted, and n is Kish's effective n.
    conf_level
        Level of the intervals of loadings and correlations, strictly between 0 and 1.

    Returns
    -------
    Cfa
        Not estimable for no dimension of two items, a single one of two, an (effective) number of
        complete rows that is not above that of the items, an item without variance, items that
        determine each other, and where the descent finds no minimum or the items do not determine
        the loadings. An improper solution (Heywood case) is given, with a note.

    Raises
    ------
    ValueError
        A column is not numeric or holds infinity; an item of the model is no column, or in two
        dimensions; a dimension without items; a weight is negative or infinite; ``conf_level``
        outside 0–1.

    Notes
    -----
    Maximum likelihood (Jöreskog 1969, Psychometrika 34) on Σ = ΛΦΛ' + Θ, by Fisher scoring with a
    quasi-Newton correction until the gradient per respondent is below 1e-8; chi² = n·F, n and the
    covariance with divisor n as in lavaan. Standard errors are from expected information, those
    of standardised loadings by the delta method. AVE = mean λ², CR = (Σλ)²/((Σλ)² + Σ(1 − λ²))
    from standardised loadings (Fornell & Larcker 1981, Journal of Marketing Research 18); semTools
    takes unstandardised ones, so its values differ in the second or third digit. Robust chi²:
    Satorra & Bentler (1994). Checked against R lavaan 0.6-14 (``cfa``, also ``estimator="MLM"``).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> traits = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 300)
    >>> answers = np.repeat(traits, 3, axis=1) + rng.normal(size=(300, 6))
    >>> items = pd.DataFrame(answers, columns=["s1", "s2", "s3", "p1", "p2", "p3"])
    >>> model = {"speed": ["s1", "s2", "s3"], "price": ["p1", "p2", "p3"]}
    >>> result = cfa(items, model)
    >>> result.df, round(result.statistic, 2), round(result.cfi, 3)
    (8, 9.07, 0.997)
    >>> result.dimensions[["dimension", "ave", "cr", "largest_r", "distinct"]].round(2)
      dimension   ave    cr  largest_r  distinct
    0     speed  0.45  0.71       0.48      True
    1     price  0.51  0.76       0.48      True
    """
    check_level(conf_level)
    dims = dimensions_of(items, model)
    frame = items[dims.columns]
    data = correlations(frame, weights)
    base: dict[str, Any] = {
        **data.counts,
        "conf_level": conf_level,
        "n_effective": data.n_effective,
        "method": message(
            "Confirmatory factor analysis by maximum likelihood, every item on one dimension, "
            "dimensions free to correlate; {rule}.",
            rule=data.rule,
        ),
    }
    problem = too_few_items(dims) or data.problem
    if problem:
        return Cfa(**base, notes=tuple(dims.notes), not_estimable=problem)
    answers = answers_to(frame, weights)
    sample = Sample(data.base, np.zeros(len(dims.items)), answers.cov)
    fit = fit_structure([sample], dims.factor)
    problem = no_solution(fit)
    if problem:
        return Cfa(**base, notes=tuple(dims.notes), not_estimable=problem)
    found = _signed(fit.groups[0])
    improper = improper_notes(dims, found)
    k = len(dims.items)
    df = k * (k + 1) // 2 - fit.n_parameters
    correlated, table = _estimates(dims, answers, found, fit, data, conf_level)
    return Cfa(
        **base,
        **_fit_fields(sample, fit, df, answers, dims),
        proper=not improper,
        notes=(*dims.notes, *improper, *_notes(table, df)),
        dimensions=_dimension_table(dims, found),
        factor_correlations=correlated,
        table=table,
    )


def _signed(found: Estimates) -> Estimates:
    """Every factor in the direction of most of its items."""
    sign = np.where(found.loadings.sum(axis=0) < 0, -1.0, 1.0)
    return Estimates(
        found.loadings * sign,
        found.uniqueness,
        found.phi * np.outer(sign, sign),
        found.mean,
        found.cov,
    )


def _fit_fields(
    sample: Sample, fit: StructureFit, df: int, answers: Answers, dims: Dimensions
) -> dict[str, Any]:
    k, n = len(sample.mean), sample.n
    log_det = float(np.linalg.slogdet(sample.cov)[1] + 2 * np.log(answers.std_dev).sum())
    log_likelihood = -n / 2 * (k * np.log(2 * np.pi) + log_det + k + fit.discrepancy)
    deviance = -2 * log_likelihood
    fields: dict[str, Any] = {
        "df": df,
        "srmr": srmr([sample], fit.groups),
        "log_likelihood": float(log_likelihood),
        "aic": float(deviance + 2 * fit.n_parameters),
        "bic": float(deviance + np.log(n) * fit.n_parameters),
    }
    if df == 0:
        return fields
    statistic = n * fit.discrepancy
    null_statistic, null_df = baseline([sample])
    cfi, tli = incremental_fit(statistic, df, null_statistic, null_df)
    low, high = rmsea_interval(statistic, df, n)
    scaling, null_scaling = satorra_bentler(answers.rows, answers.weights, fit, dims.factor, df)
    robust_cfi, robust_tli = incremental_fit(
        statistic, df, null_statistic, null_df, (scaling, null_scaling)
    )
    return {
        **fields,
        "estimate": cfi,
        "statistic": statistic,
        "p_value": float(stats.chi2.sf(statistic, df)),
        "cfi": cfi,
        "tli": tli,
        "rmsea": rmsea(statistic, df, n),
        "rmsea_low": low,
        "rmsea_high": high,
        "p_close": close_fit(statistic, df, n),
        "robust_statistic": statistic / scaling,
        "robust_p_value": float(stats.chi2.sf(statistic / scaling, df)),
        "scaling_factor": scaling,
        "robust_cfi": robust_cfi,
        "robust_tli": robust_tli,
        "robust_rmsea": rmsea(statistic, df, n, scaling=scaling),
    }


def _estimates(
    dims: Dimensions,
    answers: Answers,
    found: Estimates,
    fit: StructureFit,
    data: Correlations,
    conf_level: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Correlations of the dimensions, and the items with their loadings."""
    k, m = len(dims.items), len(dims.names)
    loading = found.loadings.sum(axis=1)
    variance = loading**2 + found.uniqueness
    standardised = loading / np.sqrt(variance)
    cov = np.linalg.inv(data.base * fit.information)
    items = np.arange(k)
    by_loading = found.uniqueness / variance**1.5
    by_uniqueness = -loading / (2 * variance**1.5)
    error = np.sqrt(
        by_loading**2 * cov[items, items]
        + 2 * by_loading * by_uniqueness * cov[items, k + items]
        + by_uniqueness**2 * cov[k + items, k + items]
    )
    first = np.searchsorted(dims.factor, np.arange(m))[dims.factor]
    scale = loading * answers.std_dev
    table = pd.DataFrame(
        {
            "dimension": np.array(dims.names, dtype=object)[dims.factor],
            "item": dims.items,
            **_wald(standardised, error, conf_level),
            "unstandardised": scale / scale[first],
            "communality": standardised**2,
        }
    )
    row, column = np.tril_indices(m, -1)
    place = 2 * k + np.arange(len(row))
    correlated = pd.DataFrame(
        {
            "dimension_1": [dims.names[j] for j in column],
            "dimension_2": [dims.names[i] for i in row],
            **_wald(found.phi[row, column], np.sqrt(np.diag(cov)[place]), conf_level),
        }
    )
    order = np.lexsort((row, column))
    return correlated.iloc[order].reset_index(drop=True), table


def _wald(estimate: Array, error: Array, conf_level: float) -> dict[str, Array]:
    reach = stats.norm.isf((1 - conf_level) / 2) * error
    statistic = estimate / error
    return {
        "estimate": estimate,
        "std_error": error,
        "statistic": statistic,
        "p_value": 2 * stats.norm.sf(np.abs(statistic)),
        "conf_low": estimate - reach,
        "conf_high": estimate + reach,
    }


def _dimension_table(dims: Dimensions, found: Estimates) -> pd.DataFrame:
    loading = found.loadings.sum(axis=1)
    standardised = loading / np.sqrt(loading**2 + found.uniqueness)
    rows = []
    for f, name in enumerate(dims.names):
        own = standardised[dims.columns_of(f)]
        total = own.sum() ** 2
        others = np.abs(np.delete(found.phi[f], f))
        ave = float((own**2).mean())
        row = {
            "dimension": name,
            "k": len(own),
            "ave": ave,
            "cr": float(total / (total + (1 - own**2).sum())),
            "sqrt_ave": float(np.sqrt(ave)),
            "nearest": None,
            "largest_r": np.nan,
            "distinct": None,
        }
        if len(others):
            nearest = int(others.argmax())
            row["nearest"] = [*dims.names[:f], *dims.names[f + 1 :]][nearest]
            row["largest_r"] = float(others[nearest])
            row["distinct"] = bool(np.sqrt(ave) > others[nearest])
        rows.append(row)
    return pd.DataFrame(rows)


def _notes(table: pd.DataFrame, df: int) -> list[Message]:
    notes = []
    negative = table.loc[table["estimate"] < 0, "item"]
    if len(negative):
        notes.append(
            message(
                "Negative loading of {items}: check whether these items need reversing. Nothing "
                "was reversed here.",
                items=", ".join(negative),
            )
        )
    if df == 0:
        notes.append(
            message(
                "The model has no degree of freedom: it fits any answers, which proves nothing."
            )
        )
    else:
        notes.append(
            message(
                "Chi-square takes the answers as normal. Rating scales are not, which makes it too "
                "large; the Satorra-Bentler statistic corrects for that."
            )
        )
    return notes
