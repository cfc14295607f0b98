"""Missing answers filled several times, by chained equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.frames import Array, matrix
from csat_stats.results import Message, Result, message

DONORS = 5
AT_RANDOM = message(
    "Imputation takes answers to be missing at random: whether one is missing may depend on the "
    "other columns, but not on the answer itself."
)
NOTHING_MISSING = message("No answer is missing: nothing was imputed.")


@dataclass(frozen=True, kw_only=True)
class Imputation(Result):
    """Completed copies of a frame; there is no headline figure.

    Attributes
    ----------
    frames
        The completed frames, each with the rows, columns and types of the one given, without the
        rows that hold no answer at all.
    n_imputations, n_cycles
        Copies, and cycles through the columns before each.
    table
        ``column, n_missing, share`` of the rows used.
    """

    frames: tuple[pd.DataFrame, ...] = ()
    n_imputations: int
    n_cycles: int


def impute(
    frame: pd.DataFrame, *, n_imputations: int = 20, n_cycles: int = 10, seed: int = 0
) -> Imputation:
    """Fill missing answers several times by chained equations with predictive mean matching.

    Parameters
    ----------
    frame
        Respondents × columns, numeric or bool; categories as 0/1 columns. Include what goes into
        the analysis later, and what tells who did not answer. Rows without any answer are left
        out.
    n_imputations
        Completed frames; about one for each per cent of rows with a missing answer is plenty.
    n_cycles
        Cycles through the columns before each completed frame.
    seed
        Of the draws; the same seed gives the same frames.

    Returns
    -------
    Imputation
        Not estimable when a column has no answers, or too few to be predicted from the others.

    Raises
    ------
    ValueError
        For columns that are not numeric, are infinite or have one name, and for fewer than one
        imputation or cycle.

    Notes
    -----
    Chained equations (van Buuren & Groothuis-Oudshoorn, 2011): each column with missing answers
    in turn, fewest missing first, by linear regression on all others, whose coefficients are
    drawn from their posterior (Rubin, 1987, ch. 5). A missing answer takes that of one of the 5
    respondents whose predictions lie nearest (predictive mean matching; Little, 1988; the
    prediction of the missing row by the drawn, those of the donors by the estimated coefficients,
    as R mice does), so whole answers stay whole and none leaves the scale. Each frame comes from
    a chain of its own, from random answers of the same column. Checked against R mice 3.15.0
    ``mice(method = "pmm")`` by the pooled estimates of many imputations.

    Examples
    --------
    >>> answers = pd.DataFrame({"speed": [5, 4, 3, 2, 1, 4], "overall": [5, 4, None, 2, 1, 4]})
    >>> filled = impute(answers, n_imputations=2)
    >>> filled.frames[0]["overall"].isna().sum(), filled.table["n_missing"].tolist()
    (np.int64(0), [0, 1])
    """
    for name, value in (("n_imputations", n_imputations), ("n_cycles", n_cycles)):
        if value < 1:
            raise ValueError(f"{name} is {value}: a number of 1 or more is needed")
    values = matrix(frame)
    rows = ~np.isnan(values).all(axis=1)
    values, kept = values[rows], frame[rows]
    missing = np.isnan(values)
    base: dict[str, Any] = {
        "n_used": len(kept),
        "n_dropped": len(frame) - len(kept),
        "n_imputations": n_imputations,
        "n_cycles": n_cycles,
        "method": message(
            "Multiple imputation by chained equations with predictive mean matching: {m} "
            "completed frames, {cycles} cycles each; rows without any answer are left out.",
            m=n_imputations,
            cycles=n_cycles,
        ),
        "table": pd.DataFrame(
            {
                "column": frame.columns,
                "n_missing": missing.sum(axis=0),
                "share": missing.mean(axis=0) if len(kept) else np.nan,
            }
        ),
    }
    obstacle = _obstacle(frame.columns, missing)
    if obstacle is not None:
        return Imputation(**base, not_estimable=obstacle)
    if not missing.any():
        frames = tuple(kept.copy() for _ in range(n_imputations))
        return Imputation(**base, frames=frames, notes=(NOTHING_MISSING,))
    rng = np.random.default_rng(seed)
    chains = (_chain(values, missing, n_cycles, rng) for _ in range(n_imputations))
    frames = tuple(_like(kept, filled, missing) for filled in chains)
    return Imputation(**base, frames=frames, notes=(AT_RANDOM,))


def _obstacle(columns: pd.Index, missing: Any) -> Message | None:
    """Why the missing answers cannot be imputed."""
    n, k = missing.shape
    answers = n - missing.sum(axis=0)
    for column, count, gaps in zip(columns, answers, missing.any(axis=0), strict=True):
        if count == 0:
            return message("{column} has no answers at all.", column=str(column))
        if gaps and count <= k:
            return message(
                "{column} has {n} answers, too few to be predicted from {others} other columns.",
                column=str(column),
                n=int(count),
                others=k - 1,
            )
    return None


def _chain(values: Array, missing: Any, n_cycles: int, rng: np.random.Generator) -> Array:
    """One completed matrix."""
    filled = values.copy()
    gaps = missing.sum(axis=0)
    order = [j for j in np.argsort(gaps, kind="stable") if gaps[j]]
    for j in order:
        filled[missing[:, j], j] = rng.choice(values[~missing[:, j], j], gaps[j])
    for _ in range(n_cycles):
        for j in order:
            others = np.delete(filled, j, axis=1)
            filled[missing[:, j], j] = _match(values[:, j], others, missing[:, j], rng)
    return filled


def _match(y: Array, x: Array, missing: Any, rng: np.random.Generator) -> Array:
    """Answers of respondents whose predictions are near those of the missing (type 1 matching)."""
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    x = np.column_stack([np.ones(len(x)), x])
    donors, answers = x[~missing], y[~missing]
    products = donors.T @ donors
    # mice's ridge: a column that repeats another leaves the rest as it was
    inverse = np.linalg.inv(products + 1e-5 * np.diag(np.maximum(np.diag(products), 1.0)))
    slopes = inverse @ donors.T @ answers
    near = donors @ slopes
    freedom = max(len(answers) - x.shape[1], 1)
    sigma = np.sqrt(np.sum((answers - near) ** 2) / rng.chisquare(freedom))
    drawn = slopes + sigma * np.linalg.cholesky(inverse) @ rng.standard_normal(len(slopes))
    shuffled = rng.permutation(len(answers))  # so that no row is preferred among equals
    order = shuffled[np.argsort(near[shuffled], kind="stable")]
    wanted = x[missing] @ drawn
    k = min(DONORS, len(answers))
    window = np.searchsorted(near[order], wanted)[:, None] + np.arange(-k, k)
    inside = (window >= 0) & (window < len(answers))
    window = np.clip(window, 0, len(answers) - 1)
    distance = np.where(inside, np.abs(near[order][window] - wanted[:, None]), np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :k]
    picked = nearest[np.arange(len(wanted)), rng.integers(0, k, len(wanted))]
    found: Array = answers[order][window[np.arange(len(wanted)), picked]]
    return found


def _like(frame: pd.DataFrame, values: Array, missing: Any) -> pd.DataFrame:
    """The completed values with the labels and types of the frame."""
    completed = pd.DataFrame(values, index=frame.index, columns=frame.columns)
    types = {
        name: dtype for name, dtype in frame.dtypes.items() if pd.api.types.is_numeric_dtype(dtype)
    }
    return completed.astype(types)
