"""Reliability of a scale: does a set of items measure one thing consistently?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import Array, check_level, matrix, respondent_weights
from csat_stats.moments import Moments, moments_of
from csat_stats.results import Message, Result, message

INTERVALS = ("feldt", "bootstrap")


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
    n_effective
        Kish's effective n; ``None`` without weights.
    table
        One row an item: ``item, n, mean, std_dev, r_item_total`` (with the total of all items),
        ``r_item_rest`` (with the total of the others), ``alpha_if_deleted``.
    """

    standardized: float | None = None
    average_r: float | None = None
    k: int
    scale_mean: float | None = None
    scale_sd: float | None = None
    n_effective: float | None = None


def cronbach_alpha(
    items: pd.DataFrame | Moments,
    *,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
    interval: str = "feldt",
    n_boot: int = 2000,
    seed: int = 0,
) -> CronbachAlpha:
    """Internal consistency of a scale: Cronbach's alpha, raw and standardised.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, or their moments; all on the same scale and keyed
        in the same direction. A row with any missing value is left out (listwise).
    weights
        Sampling weights on any scale; 0 or missing leaves the respondent out. Means and
        covariances are weighted; the Feldt interval takes Kish's effective n.
    conf_level
        Level of the confidence interval, strictly between 0 and 1.
    interval
        ``feldt``, exact for normal items that all measure equally well, or ``bootstrap``, the
        percentiles over resamples of the respondents, which assumes neither.
    n_boot, seed
        Resamples of the bootstrap, at least 100, and the seed of their random numbers.

    Returns
    -------
    CronbachAlpha
        Not estimable with fewer than two items or three complete rows, or when the total score
        does not vary. No item is ever reversed: a negative item–rest correlation is noted.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another; a weight is negative or
        infinite; weights or a bootstrap are asked for beside moments; moments that are not of
        complete rows; ``conf_level`` is outside 0–1; an unknown ``interval``; ``n_boot`` below 100.

    Notes
    -----
    alpha = k/(k−1) · (1 − Σ var(item) / var(total)) (Cronbach 1951, Psychometrika 16); the interval
    comes from (1−alpha_pop)/(1−alpha) ~ F(n−1, (n−1)(k−1)) (Feldt 1965, Psychometrika 30);
    standardised alpha = k·r̄ / (1 + (k−1)·r̄). Checked against R psych 2.2.9 ``alpha`` and PSPP
    1.6.2, with weights against R ``cov.wt``. An item without variance keeps its place in k here;
    psych deletes it.

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
    check_level(conf_level)
    if interval not in INTERVALS:
        raise ValueError(f"interval is {interval!r}: choose one of {', '.join(INTERVALS)}")
    if n_boot < 100:
        raise ValueError(f"n_boot is {n_boot}: give at least 100, better 2000")
    if interval == "bootstrap" and isinstance(items, Moments):
        raise ValueError(
            "a bootstrap draws respondents and moments have none: give the answers themselves"
        )
    moments = moments_of(items, weights)
    k = len(moments.names)
    n_effective = float(moments.n_effective[0, 0]) if moments.weighted and k else None
    bounds = _interval_name(interval, moments.weighted, n_boot, seed)
    base: dict[str, Any] = {
        "conf_level": conf_level,
        "n_used": moments.n_used,
        "n_dropped": moments.n_dropped,
        "n_effective": n_effective,
        "k": k,
        "method": _method(k, moments.weighted, bounds),
    }
    cov = moments.cov()
    reason = _no_alpha(moments.n_used, n_effective, cov)
    if reason:
        return CronbachAlpha(**base, not_estimable=reason)

    variance, total = np.diag(cov), float(cov.sum())
    alpha = _alpha(float(variance.sum()), total, k)
    average_r, standardized = _standardized(moments.corr())
    table = _item_table(list(moments.names), moments.n_used, moments.mean, cov)
    notes = _alpha_notes(alpha, table)
    if isinstance(items, pd.DataFrame) and interval == "bootstrap":
        resampled = _resampled_alphas(items, weights, n_boot, seed)
        shares = [(1 - conf_level) / 2, (1 + conf_level) / 2]
        low, high = (float(bound) for bound in np.quantile(resampled, shares))
        if len(resampled) < n_boot:
            notes += (
                message(
                    "{failed} of {n_boot} resamples had no solution and do not count in the "
                    "interval.",
                    failed=n_boot - len(resampled),
                    n_boot=n_boot,
                ),
            )
    else:
        low, high = _feldt(alpha, k, n_effective or moments.n_used, conf_level)
    return CronbachAlpha(
        **base,
        estimate=alpha,
        conf_low=low,
        conf_high=high,
        standardized=standardized,
        average_r=average_r,
        scale_mean=float(moments.mean.mean()),
        scale_sd=float(np.sqrt(total)) / k,
        notes=notes,
        table=table,
    )


def _method(k: int, weighted: bool, interval: Message) -> Message:
    if weighted:
        return message(
            "Cronbach's alpha from weighted item scores, {interval}; "
            "only respondents with a weight who answered all {k} items.",
            interval=interval,
            k=k,
        )
    return message(
        "Cronbach's alpha from raw item scores, {interval}; "
        "only respondents who answered all {k} items.",
        interval=interval,
        k=k,
    )


def _interval_name(interval: str, weighted: bool, n_boot: int, seed: int) -> Message:
    if interval == "bootstrap":
        return message(
            "percentile interval of {n_boot} bootstrap samples of the respondents, seed {seed}",
            n_boot=n_boot,
            seed=seed,
        )
    if weighted:
        return message("Feldt confidence interval on Kish's effective n")
    return message("Feldt confidence interval")


def _feldt(alpha: float, k: int, n: float, conf_level: float) -> tuple[float, float]:
    tail = (1 - conf_level) / 2
    upper, lower = stats.f.ppf([tail, 1 - tail], n - 1, (n - 1) * (k - 1))
    return float(1 - (1 - alpha) * lower), float(1 - (1 - alpha) * upper)


def _resampled_alphas(
    items: pd.DataFrame, weights: pd.Series | None, n_boot: int, seed: int
) -> Array:
    """Alpha of samples of as many respondents, drawn with replacement; only where it exists.

    Respondents who answered alike (and weigh alike) are drawn together, as counts.
    """
    x, w = matrix(items), respondent_weights(weights, items.index)
    keep = ~np.isnan(x).any(axis=1) & (w > 0)
    patterns, counts = np.unique(np.column_stack([x[keep], w[keep]]), axis=0, return_counts=True)
    x, w = patterns[:, :-1], patterns[:, -1:]
    n, k = int(counts.sum()), x.shape[1]
    x = x - np.average(x, axis=0, weights=counts)
    total = x.sum(axis=1, keepdims=True)
    sums = w * np.column_stack([np.ones(len(x)), x, (x**2).sum(axis=1), total**2])
    rng = np.random.default_rng(seed)
    step = max(2**20 // len(x), 1)
    drawn = np.concatenate(
        [
            rng.multinomial(n, counts / n, min(step, n_boot - done)) @ sums
            for done in range(0, n_boot, step)
        ]
    )
    mean = drawn[:, 1:] / drawn[:, :1]
    item_variance = mean[:, k] - (mean[:, :k] ** 2).sum(axis=1)
    total_variance = mean[:, k + 1] - mean[:, :k].sum(axis=1) ** 2
    varies = total_variance > 1e-12 * mean[:, k]
    return np.asarray(k / (k - 1) * (1 - item_variance[varies] / total_variance[varies]))


def _no_alpha(n: int, n_effective: float | None, cov: Array) -> Message | None:
    """Why the data have no alpha, or None."""
    if len(cov) < 2:
        return message("A dimension of one item has no internal consistency.")
    if n < 3:
        return message(
            "{n} complete rows are too few: at least {minimum} are needed.", n=n, minimum=3
        )
    if n_effective is not None and n_effective <= 2:
        return message(
            "An effective sample size of {n:.1f} is too small: it has to be above {minimum}.",
            n=n_effective,
            minimum=2,
        )
    # Items that cancel leave a total of rounding error only.
    if cov.sum() <= 1e-12 * np.abs(cov).sum():
        return message("The total score of the items does not vary between respondents.")
    return None


def _alpha(item_variance: float, total_variance: float, k: int) -> float:
    return k / (k - 1) * (1 - item_variance / total_variance)


def _standardized(corr: Array) -> tuple[float | None, float | None]:
    """Mean inter-item correlation and standardised alpha, None where undefined."""
    k = len(corr)
    average_r = float((corr.sum() - k) / (k * (k - 1)))
    if np.isnan(average_r):
        return None, None
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
    return (*notes, *keying_notes(alpha, table))


def keying_notes(alpha: float, table: pd.DataFrame) -> list[Message]:
    """What an alpha and the items' ``r_item_rest`` say of keying and redundancy."""
    notes = []
    reversed_ = table.loc[table["r_item_rest"] < 0, "item"]
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
    return notes
