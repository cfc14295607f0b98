"""The four comparisons of two sets of answers: means or shares, independent or paired."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats
from scipy.special import gammaln

from csat_stats.results import message

Array = npt.NDArray[np.float64]
Figures = dict[str, float | None]

METHODS = {
    ("mean", "independent"): message(
        "Difference after − before with Welch's t interval, Hedges' g with a noncentral t "
        "interval, and the Mann–Whitney test; missing answers are left out of their wave."
    ),
    ("mean", "panel"): message(
        "Mean change of the customers in both waves with the paired t interval, Hedges' g of the "
        "changes with a noncentral t interval, and the Wilcoxon signed-rank test; customers with "
        "a missing answer are left out."
    ),
    ("share", "independent"): message(
        "Difference of two shares, after − before, with Newcombe's score interval, the pooled z "
        "test and Cohen's h; missing answers are left out of their wave."
    ),
    ("share", "panel"): message(
        "Difference of two shares of the customers in both waves with Newcombe's paired score "
        "interval, McNemar's exact test and Cohen's h; customers with a missing answer are left "
        "out."
    ),
}
EFFECT_SIZES = {
    ("mean", "independent"): "hedges_g",
    ("mean", "panel"): "hedges_gz",
    ("share", "independent"): "cohens_h",
    ("share", "panel"): "cohens_h",
}


def varies(x: Array, y: Array, paired: bool) -> bool:
    """Whether there is any spread to judge a change of means by, beyond rounding errors."""
    noise = 1e-12 * max(np.abs(x).max(), np.abs(y).max())
    spread = np.ptp(y - x) if paired else max(np.ptp(x), np.ptp(y))
    return bool(spread > noise)


def compare(kind: str, design: str, x: Array, y: Array, conf_level: float) -> Figures:
    """The figures of y − x by the method named in ``METHODS``."""
    procedures: dict[tuple[str, str], Any] = {
        ("mean", "independent"): _independent_means,
        ("mean", "panel"): _paired_means,
        ("share", "independent"): _independent_shares,
        ("share", "panel"): _paired_shares,
    }
    figures: Figures = procedures[kind, design](x, y, conf_level)
    return {name: None if value is None else float(value) for name, value in figures.items()}


def t_test(estimate: float, error: float, df: float, conf_level: float) -> Figures:
    t = estimate / error
    margin = error * float(stats.t.ppf((1 + conf_level) / 2, df))
    return {
        "estimate": estimate,
        "conf_low": estimate - margin,
        "conf_high": estimate + margin,
        "statistic": t,
        "df": df,
        "p_value": float(2 * stats.t.sf(abs(t), df)),
    }


def _independent_means(x: Array, y: Array, conf_level: float) -> Figures:
    m, n = len(x), len(y)
    change, u, v = y.mean() - x.mean(), x.var(ddof=1), y.var(ddof=1)
    error = np.sqrt(u / m + v / n)
    welch = error**4 / ((u / m) ** 2 / (m - 1) + (v / n) ** 2 / (n - 1))
    pooled = np.sqrt(((m - 1) * u + (n - 1) * v) / (m + n - 2))
    rank = stats.mannwhitneyu(y, x, method="asymptotic", use_continuity=True)
    return {
        **t_test(change, error, welch, conf_level),
        "p_rank": rank.pvalue,
        **_hedges(change / pooled, 1 / m + 1 / n, m + n - 2, conf_level),
    }


def _paired_means(x: Array, y: Array, conf_level: float) -> Figures:
    n = len(x)
    change, sd = (y - x).mean(), (y - x).std(ddof=1)
    rank = stats.wilcoxon(y - x, zero_method="wilcox", correction=True, method="asymptotic")
    return {
        **t_test(change, sd / np.sqrt(n), n - 1, conf_level),
        "p_rank": rank.pvalue,
        **_hedges(change / sd, 1 / n, n - 1, conf_level),
    }


def _hedges(d: float, unit: float, df: int, conf_level: float) -> Figures:
    """Cohen's d = t·√unit, corrected for its bias (Hedges, 1981), with its interval."""
    if df < 2:  # the correction is 0 there
        return {}
    correction = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2)
    scale = correction * np.sqrt(unit)
    # on |t|, so that swapping the waves swaps the limits exactly
    low, high = _noncentralities(abs(d) / np.sqrt(unit), df, (1 - conf_level) / 2)
    if d < 0:
        low, high = -high, -low
    return {
        "effect_size": correction * d,
        "effect_size_low": scale * low,
        "effect_size_high": scale * high,
    }


def _noncentralities(t: float, df: int, tail: float) -> tuple[float, float]:
    """The noncentralities at which a noncentral t exceeds, and falls short of, t ≥ 0 by ``tail``.

    T ≤ t means Z + δ ≤ t·√(χ²/ν), so the limits of Z and χ² at half the tail enclose both roots.
    """
    chi_low, chi_high = np.sqrt(stats.chi2.ppf([tail / 2, 1 - tail / 2], df) / df)
    z = stats.norm.isf(tail / 2)
    if t > 1e4:  # far beyond any answer scale: Z is lost beside t, and the library's sums fail
        chi_low, chi_high = np.sqrt(stats.chi2.ppf([tail, 1 - tail], df) / df)
        return t * chi_low, t * chi_high

    def root(probability: float) -> float:
        return float(
            optimize.brentq(
                lambda noncentrality: stats.nct.cdf(t, df, noncentrality) - probability,
                t * chi_low - z,
                t * chi_high + z,
                xtol=1e-12,
            )
        )

    return root(1 - tail), root(tail)


def _independent_shares(x: Array, y: Array, conf_level: float) -> Figures:
    p, q, m, n = x.mean(), y.mean(), len(x), len(y)
    pooled = (x.sum() + y.sum()) / (m + n)
    error = np.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n))
    z = (q - p) / error if error else 0.0
    low, high = _newcombe(x, y, 0.0, conf_level)
    h = _cohens_h(p, q)
    margin = stats.norm.ppf((1 + conf_level) / 2) * np.sqrt(1 / m + 1 / n)
    return {
        "estimate": q - p,
        "conf_low": low,
        "conf_high": high,
        "statistic": z,
        "p_value": 2 * stats.norm.sf(abs(z)),
        "effect_size": h,
        "effect_size_low": h - margin,
        "effect_size_high": h + margin,
    }


def _paired_shares(x: Array, y: Array, conf_level: float) -> Figures:
    n = len(x)
    p, q = x.mean(), y.mean()
    both, lost, won = (int(np.sum((x == i) & (y == j))) for i, j in ((1, 1), (1, 0), (0, 1)))
    neither = n - both - lost - won
    excess = both * neither - lost * won
    margins = n**4 * p * (1 - p) * q * (1 - q)
    # Newcombe's continuity correction of a positive phi
    phi = (max(excess - n / 2, 0.0) if excess > 0 else excess) / np.sqrt(margins) if margins else 0
    low, high = _newcombe(x, y, float(phi), conf_level)
    return {
        "estimate": q - p,
        "conf_low": low,
        "conf_high": high,
        "p_value": stats.binomtest(won, won + lost).pvalue if won + lost else 1.0,
        "effect_size": _cohens_h(p, q),
    }


def _newcombe(x: Array, y: Array, phi: float, conf_level: float) -> tuple[float, float]:
    """Newcombe's (1998) square-and-add interval of the change, from Wilson's for each share."""

    def wilson(answers: Array) -> tuple[float, float]:
        test = stats.binomtest(int(answers.sum()), len(answers))
        low, high = test.proportion_ci(conf_level, method="wilson")
        return answers.mean() - low, high - answers.mean()

    def reach(a: float, b: float) -> float:
        return float(np.sqrt(a * a - 2 * phi * a * b + b * b))

    (x_below, x_above), (y_below, y_above) = wilson(x), wilson(y)
    change = y.mean() - x.mean()
    return change - reach(y_below, x_above), change + reach(y_above, x_below)


def _cohens_h(p: float, q: float) -> float:
    return float(2 * np.arcsin(np.sqrt(q)) - 2 * np.arcsin(np.sqrt(p)))
