"""Estimates of several completed frames in one, by Rubin's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import Array, check_level, matrix
from csat_stats.results import Result, message


@dataclass(frozen=True, kw_only=True)
class PooledEstimates(Result):
    """Estimates of several completed frames in one; ``n_used`` is 0, no rows are seen.

    Attributes
    ----------
    n_imputations
        Frames the estimates come from.
    table
        One row a term: ``term, estimate, std_error, statistic, df, p_value, conf_low, conf_high,
        fmi``, the last the fraction of missing information, 0–1.
    """

    n_imputations: int


def pool(
    estimates: pd.DataFrame,
    std_errors: pd.DataFrame,
    *,
    n_complete_df: float | None = None,
    conf_level: float = 0.95,
) -> PooledEstimates:
    """The estimates of several completed frames in one, by Rubin's rules.

    Parameters
    ----------
    estimates, std_errors
        Completed frames × terms, with the same rows and columns; missing values are refused.
    n_complete_df
        Degrees of freedom the model would have without missing answers; ``None`` for as many as
        one likes.
    conf_level
        Level of the intervals, 0–1.

    Returns
    -------
    PooledEstimates
        Not estimable from fewer than two completed frames.

    Raises
    ------
    ValueError
        For frames of different shape or names, missing values, negative errors and degrees of
        freedom of 0 or less.

    Notes
    -----
    T = Ū + (1 + 1/m)·B with the mean variance Ū and the variance B between the m estimates (Rubin,
    1987). With λ = (1 + 1/m)·B/T the degrees of freedom are ν_m·ν_o/(ν_m + ν_o), ν_m = (m − 1)/λ²
    and ν_o = (ν + 1)/(ν + 3)·ν·(1 − λ) (Barnard & Rubin, 1999); fmi = (r + 2/(df + 3))/(r + 1) with
    r = (1 + 1/m)·B/Ū. Checked against R mice 3.15.0 ``pool``.

    Examples
    --------
    >>> pooled = pool(pd.DataFrame({"speed": [0.50, 0.56, 0.53]}),
    ...               pd.DataFrame({"speed": [0.10, 0.11, 0.10]}), n_complete_df=97)
    >>> pooled.table[["term", "estimate", "std_error", "df", "fmi"]].round(3)
        term  estimate  std_error      df   fmi
    0  speed      0.53      0.109  59.581  0.13
    """
    check_level(conf_level)
    values, errors = matrix(estimates), matrix(std_errors)
    if values.shape != errors.shape or not estimates.columns.equals(std_errors.columns):
        raise ValueError("estimates and std_errors need the same rows and columns")
    if np.isnan(values).any() or np.isnan(errors).any():
        raise ValueError("an estimate or a standard error is missing: leave that frame out")
    if (errors < 0).any():
        raise ValueError(f"a standard error is {errors.min():g}: 0 or more is needed")
    if n_complete_df is not None and not n_complete_df > 0:
        raise ValueError(f"n_complete_df is {n_complete_df}: a number above 0 is needed")
    m = len(values)
    base: dict[str, Any] = {
        "n_used": 0,
        "conf_level": conf_level,
        "n_imputations": m,
        "method": message(
            "Estimates of {m} completed frames pooled by Rubin's rules, with the degrees of "
            "freedom of Barnard and Rubin.",
            m=m,
        ),
    }
    if m < 2:
        return PooledEstimates(
            **base,
            not_estimable=message(
                "At least two completed frames are needed to tell what the missing answers add to "
                "doubt; there are {m}.",
                m=m,
            ),
        )
    table = _rubin(values, errors**2, np.inf if n_complete_df is None else n_complete_df)
    table.insert(0, "term", list(estimates.columns))
    return PooledEstimates(**base, table=with_tests(table, conf_level))


def _rubin(estimates: Array, variances: Array, complete: float) -> pd.DataFrame:
    m = len(estimates)
    within = variances.mean(axis=0)
    between = (1 + 1 / m) * estimates.var(axis=0, ddof=1)
    total = within + between
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.where(total > 0, between / total, 0.0)
        odds = np.where(between > 0, between / within, 0.0)
        observed = np.full(len(total), np.inf)
        if np.isfinite(complete):
            observed = (complete + 1) / (complete + 3) * complete * (1 - share)
        df = 1 / (share**2 / (m - 1) + 1 / observed)
    # (r + 2/(df + 3))/(r + 1) without dividing by a variance within of 0
    fmi = np.where(np.isinf(odds), 1.0, (odds + 2 / (df + 3)) / (odds + 1))
    return pd.DataFrame(
        {"estimate": estimates.mean(axis=0), "std_error": np.sqrt(total), "df": df, "fmi": fmi}
    )


def with_tests(table: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    estimate, error, df = (table[name].to_numpy() for name in ("estimate", "std_error", "df"))
    with np.errstate(divide="ignore", invalid="ignore"):
        table["statistic"] = estimate / error
    table["p_value"] = 2 * stats.t.sf(np.abs(table["statistic"]), df)
    reach = stats.t.ppf((1 + conf_level) / 2, df) * error
    table["conf_low"], table["conf_high"] = estimate - reach, estimate + reach
    columns = ["term", "estimate", "std_error", "statistic", "df", "p_value"]
    return table[[*columns, "conf_low", "conf_high", "fmi"]].copy()
