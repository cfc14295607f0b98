"""Reliability of a scale: does a set of items measure one thing consistently?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from csat_stats.results import Message, Result, message

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CronbachAlpha(Result):
    """Cronbach's alpha of a scale; ``estimate`` is the raw coefficient.

    Attributes
    ----------
    standardized
        Alpha of the standardised items; ``None`` when an item has no variance.
    average_r
        Mean correlation between items; ``None`` when an item has no variance.
    k
        Number of items.
    scale_mean, scale_sd
        Mean and standard deviation of the respondents' mean over the items, on the items' scale.
    table
        One row an item: ``item, n, mean, std_dev, r_item_total`` (with the total of all items),
        ``r_item_rest`` (with the total of the others), ``alpha_if_deleted``.
    """

    standardized: float | None = None
    average_r: float | None = None
    k: int
    scale_mean: float | None = None
    scale_sd: float | None = None


def cronbach_alpha(items: pd.DataFrame, *, conf_level: float = 0.95) -> CronbachAlpha:
    """Internal consistency of a scale: Cronbach's alpha, raw and standardised.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, all on the same scale and keyed in the same
        direction. A row with any missing value is left out (listwise).
    conf_level
        Level of the confidence interval, strictly between 0 and 1.

    Returns
    -------
    CronbachAlpha
        Not estimable with fewer than two items or three complete rows, or when the total score
        does not vary. No item is ever reversed: a negative item–rest correlation is noted.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another; ``conf_level`` is
        outside 0–1.

    Notes
    -----
    alpha = k/(k−1) · (1 − Σ var(item) / var(total)) (Cronbach 1951, Psychometrika 16); the interval
    comes from (1−alpha_pop)/(1−alpha) ~ F(n−1, (n−1)(k−1)) (Feldt 1965, Psychometrika 30);
    standardised alpha = k·r̄ / (1 + (k−1)·r̄). Checked against R psych 2.2.9 ``alpha`` and PSPP
    1.6.2. An item without variance keeps its place in k here; psych deletes it.

    Examples
    --------
    >>> items = pd.DataFrame({"q1": [1, 2, 4, 5, 5], "q2": [2, 2, 3, 5, 4], "q3": [1, 3, 3, 4, 5]})
    >>> result = cronbach_alpha(items)
    >>> round(result.estimate, 3), round(result.conf_low, 3), round(result.conf_high, 3)
    (0.938, 0.684, 0.993)
    >>> result.table[["item", "r_item_rest", "alpha_if_deleted"]].round(3)
      item  r_item_rest  alpha_if_deleted
    0   q1        0.961             0.853
    1   q2        0.860             0.932
    2   q3        0.851             0.925
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level is {conf_level}: give a value between 0 and 1, such as 0.95")
    n, n_dropped, mean, cov = complete_moments(items)
    names = [str(name) for name in items.columns]
    k = len(names)
    base: dict[str, Any] = {
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": n_dropped,
        "k": k,
        "method": message(
            "Cronbach's alpha from raw item scores, Feldt confidence interval; "
            "only respondents who answered all {k} items.",
            k=k,
        ),
    }
    reason = _no_alpha(n, k, cov)
    if reason:
        return CronbachAlpha(**base, not_estimable=reason)

    variance, total = np.diag(cov), float(cov.sum())
    alpha = _alpha(float(variance.sum()), total, k)
    tail = (1 - conf_level) / 2
    upper, lower = stats.f.ppf([tail, 1 - tail], n - 1, (n - 1) * (k - 1))
    average_r, standardized = _standardized(cov)
    table = _item_table(names, n, mean, cov)
    return CronbachAlpha(
        **base,
        estimate=alpha,
        conf_low=float(1 - (1 - alpha) * lower),
        conf_high=float(1 - (1 - alpha) * upper),
        standardized=standardized,
        average_r=average_r,
        scale_mean=float(mean.mean()),
        scale_sd=float(np.sqrt(total)) / k,
        notes=_alpha_notes(alpha, table),
        table=table,
    )


def complete_moments(items: pd.DataFrame) -> tuple[int, int, Array, Array]:
    """Complete rows, rows dropped, item means and covariance (divisor n−1; zeros below two rows).

    An item whose answers are all equal has a variance of exactly zero: its first answer is
    subtracted before any sum is taken, which also keeps digits when scores have a large offset.
    """
    if not items.columns.is_unique:
        name = items.columns[items.columns.duplicated()][0]
        raise ValueError(f"column {name!r} occurs twice: give each item its own name")
    for name, column in items.items():
        if not pd.api.types.is_numeric_dtype(column.dtype):
            value = next(iter(column.dropna()), None)
            raise ValueError(f"column {name!r} holds {value!r}: items must be numeric")
    x = items.to_numpy(dtype=float, na_value=np.nan)
    infinite = np.isinf(x).any(axis=0)
    if infinite.any():
        name = items.columns[int(np.argmax(infinite))]
        raise ValueError(f"column {name!r} holds infinity: use a missing value or a finite score")
    complete = x[~np.isnan(x).any(axis=1)]
    n, k = complete.shape
    if n == 0:
        return 0, len(x), np.full(k, np.nan), np.zeros((k, k))
    centred = complete - complete[0]
    mean = centred.mean(axis=0)
    centred -= mean
    cov = centred.T @ centred / max(n - 1, 1)
    return n, len(x) - n, complete[0] + mean, cov


def _no_alpha(n: int, k: int, cov: Array) -> Message | None:
    """Why the data have no alpha, or None."""
    if k < 2:
        return message("A dimension of one item has no internal consistency.")
    if n < 3:
        return message(
            "{n} complete rows are too few: at least {minimum} are needed.", n=n, minimum=3
        )
    # Items that cancel leave a total of rounding error only.
    if cov.sum() <= 1e-12 * np.abs(cov).sum():
        return message("The total score of the items does not vary between respondents.")
    return None


def _alpha(item_variance: float, total_variance: float, k: int) -> float:
    return k / (k - 1) * (1 - item_variance / total_variance)


def _standardized(cov: Array) -> tuple[float | None, float | None]:
    """Mean inter-item correlation and standardised alpha, None where undefined."""
    k, std_dev = len(cov), np.sqrt(np.diag(cov))
    if not std_dev.all():
        return None, None
    corr = cov / np.outer(std_dev, std_dev)
    average_r = float((corr.sum() - k) / (k * (k - 1)))
    spread = 1 + (k - 1) * average_r
    return average_r, k * average_r / spread if spread > 1e-12 else None


def _item_table(names: list[str], n: int, mean: Array, cov: Array) -> pd.DataFrame:
    k, variance, with_total = len(cov), np.diag(cov), cov.sum(axis=1)
    total = cov.sum()
    rest = total - 2 * with_total + variance
    rest = np.where(rest > 1e-12 * total, rest, np.nan)  # the other items cancel or never vary
    spread = np.where(variance > 0, variance, np.nan)
    deleted = np.full(k, np.nan)
    if k > 2:
        deleted = (k - 1) / (k - 2) * (1 - (variance.sum() - variance) / rest)
    return pd.DataFrame(
        {
            "item": names,
            "n": n,
            "mean": mean,
            "std_dev": np.sqrt(variance),
            "r_item_total": with_total / np.sqrt(spread * total),
            "r_item_rest": (with_total - variance) / np.sqrt(spread * rest),
            "alpha_if_deleted": deleted,
        }
    )


def _alpha_notes(alpha: float, table: pd.DataFrame) -> tuple[Message, ...]:
    notes = []
    constant = table.loc[table["std_dev"] == 0, "item"]
    reversed_ = table.loc[table["r_item_rest"] < 0, "item"]
    if len(constant):
        notes.append(
            message(
                "No variance in {items}: every respondent gave the same answer. Alpha still "
                "counts these items; their correlations and the standardised alpha are undefined.",
                items=", ".join(constant),
            )
        )
    if len(table) == 2:
        notes.append(
            message(
                "With two items the standardised alpha is the Spearman-Brown coefficient, "
                "and there is no alpha if an item is deleted."
            )
        )
    if alpha < 0:
        notes.append(message("Alpha is negative: the items do not point in one direction."))
    if len(reversed_):
        notes.append(
            message(
                "Negative correlation with the rest of the scale in {items}: check whether these "
                "items need reversing. Nothing was reversed here.",
                items=", ".join(reversed_),
            )
        )
    if alpha > 0.95:
        notes.append(
            message(
                "Alpha above 0.95 points to redundancy: some items ask nearly the same question."
            )
        )
    return tuple(notes)
