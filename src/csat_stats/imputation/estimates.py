"""Estimates by imputation beside those from the complete rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.frames import check_level
from csat_stats.imputation.completed import impute
from csat_stats.imputation.pooling import pool, with_tests
from csat_stats.results import Result, message

# From a complete frame to the estimates and their covariance matrix, both by term.
Model = Callable[[pd.DataFrame], tuple[pd.Series, pd.DataFrame]]


@dataclass(frozen=True, kw_only=True)
class ImputedEstimates(Result):
    """Estimates from all rows by imputation beside those from the complete rows.

    Attributes
    ----------
    n_imputations
        Completed frames.
    n_complete
        Rows without a missing value.
    table
        One row a term: the columns of :class:`PooledEstimates`, then ``n`` (rows with imputed
        answers), ``complete_cases, complete_cases_std_error, complete_cases_low,
        complete_cases_high, n_complete`` and ``difference`` (estimate − complete cases).
    """

    n_imputations: int
    n_complete: int


def imputed(
    model: Model,
    frame: pd.DataFrame,
    *,
    n_imputations: int = 20,
    n_cycles: int = 10,
    n_complete_df: float | None = None,
    conf_level: float = 0.95,
    seed: int = 0,
) -> ImputedEstimates:
    """Estimates of a model from all rows by imputation, beside those from the complete rows.

    Parameters
    ----------
    model
        Takes a complete frame and gives the estimates (Series by term) and their covariance
        matrix (frame, term × term).
    frame, n_imputations, n_cycles, seed
        As in :func:`impute`; at least two imputations.
    n_complete_df
        Degrees of freedom of the model on all rows; without it, rows less terms.
    conf_level
        Level of the intervals, 0–1.

    Returns
    -------
    ImputedEstimates
        Not estimable where :func:`impute` is not. The complete cases have no figures where they
        are no more than the terms.

    Raises
    ------
    ValueError
        As in :func:`impute` and :func:`pool`.

    Notes
    -----
    :func:`impute`, the model on each frame, :func:`pool`. Where both differ clearly, the complete
    rows are not like the others. With nothing missing both are the model on the frame.

    Examples
    --------
    >>> def mean(frame):
    ...     error = frame["overall"].var() / len(frame)
    ...     return frame[["overall"]].mean(), pd.DataFrame({"overall": {"overall": error}})
    >>> answers = pd.DataFrame({"speed": [5, 4, 3, 2, 1, 4] * 9})
    >>> answers["overall"] = answers["speed"].where(answers["speed"] > 1)
    >>> both = imputed(mean, answers).table
    >>> both[["term", "n", "n_complete"]].to_dict("records")
    [{'term': 'overall', 'n': 54, 'n_complete': 45}]
    """
    check_level(conf_level)
    if n_imputations < 2:
        raise ValueError(f"n_imputations is {n_imputations}: a number of 2 or more is needed")
    filled = impute(frame, n_imputations=n_imputations, n_cycles=n_cycles, seed=seed)
    complete = frame.dropna()
    base: dict[str, Any] = {
        "n_used": filled.n_used,
        "n_dropped": filled.n_dropped,
        "conf_level": conf_level,
        "n_imputations": n_imputations,
        "n_complete": len(complete),
        "method": message(
            "{imputation} Pooled by Rubin's rules with the degrees of freedom of Barnard and "
            "Rubin, beside the same model on the complete rows alone.",
            imputation=filled.method,
        ),
    }
    if filled.not_estimable:
        return ImputedEstimates(**base, not_estimable=filled.not_estimable)
    nothing_missing = len(complete) == filled.n_used
    fits = [model(data) for data in (filled.frames[:1] if nothing_missing else filled.frames)]
    terms = list(fits[0][0].index)
    degrees = filled.n_used - len(terms) if n_complete_df is None else n_complete_df
    if nothing_missing:
        table = _single(fits[0], degrees, conf_level)
    else:
        estimates = pd.DataFrame([fit[0] for fit in fits]).reset_index(drop=True)
        errors = pd.DataFrame([_errors(fit) for fit in fits]).reset_index(drop=True)
        table = pool(estimates, errors, n_complete_df=degrees, conf_level=conf_level).table
    notes = list(filled.notes)
    table["n"] = filled.n_used
    beside = pd.DataFrame(index=range(len(terms)))
    left = degrees - (filled.n_used - len(complete))
    if nothing_missing:
        beside = table
    elif left > 0:
        beside = _single(model(complete), left, conf_level)
        beside = beside.set_index("term").reindex(terms).reset_index()
    else:
        notes.append(
            message(
                "The model cannot be fitted to the complete rows alone: there are {n}.",
                n=len(complete),
            )
        )
    for name, column in (
        ("complete_cases", "estimate"),
        ("complete_cases_std_error", "std_error"),
        ("complete_cases_low", "conf_low"),
        ("complete_cases_high", "conf_high"),
    ):
        table[name] = beside.get(column, np.nan)
    table["n_complete"] = len(complete)
    table["difference"] = table["estimate"] - table["complete_cases"]
    return ImputedEstimates(**base, notes=tuple(notes), table=table)


def _errors(fit: tuple[pd.Series, pd.DataFrame]) -> pd.Series:
    estimates, covariance = fit
    diagonal = np.diag(covariance.loc[estimates.index, estimates.index])
    return pd.Series(np.sqrt(diagonal), estimates.index)


def _single(fit: tuple[pd.Series, pd.DataFrame], degrees: float, conf_level: float) -> pd.DataFrame:
    """The same table from one frame without missing answers."""
    estimates = fit[0]
    table = pd.DataFrame(
        {
            "term": estimates.index,
            "estimate": estimates.to_numpy(dtype=float),
            "std_error": _errors(fit).to_numpy(),
            "df": float(degrees),
            "fmi": 0.0,
        }
    )
    return with_tests(table, conf_level)
