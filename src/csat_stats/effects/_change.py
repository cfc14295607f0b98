"""The four comparisons of two sets of answers: means or shares, independent or paired."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats
from scipy.special import gammaln

from csat_stats.effects._waves import Waves
from csat_stats.frames import Array
from csat_stats.results import message

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
WEIGHTED = {
    "independent": message(
        "Difference of two weighted means or shares, after − before, with design-based standard "
        "errors of each wave and Welch's t interval; missing answers and respondents without "
        "weight are left out of their wave."
    ),
    "panel": message(
        "Weighted mean change of the customers in both waves with a design-based standard error "
        "and the t interval; customers with a missing answer or without weight are left out."
    ),
}
EFFECT_SIZES = {
    ("mean", "independent"): "hedges_g",
    ("mean", "panel"): "hedges_gz",
    ("share", "independent"): "cohens_h",
    ("share", "panel"): "cohens_h",
}


def compare(waves: Waves, conf_level: float) -> Figures:
    """The figures of y − x by the method named in ``METHODS`` or ``WEIGHTED``."""
    x, y = waves.x, waves.y
    figures: Figures
    if waves.kind == "share" and not waves.weighted:
        shares = _paired_shares if waves.design == "panel" else _independent_shares
        figures = shares(x, y, conf_level)
    else:
        change, error, df = change_of_means(waves)
        figures = t_test(change, error, df, conf_level) | {"std_error": error}
        if not waves.weighted:
            means = _paired_means if waves.design == "panel" else _independent_means
            figures |= means(x, y, change, conf_level)
    return {name: None if value is None else float(value) for name, value in figures.items()}


def change_of_means(waves: Waves) -> tuple[float, float, float]:
    """Mean change, its standard error and the degrees of freedom of its t."""
    if waves.design == "panel":
        change, variance = mean_and_variance(waves.y - waves.x, waves.x_weights)
        return change, float(np.sqrt(variance)), len(waves.x) - 1
    before, u = mean_and_variance(waves.x, waves.x_weights)
    after, v = mean_and_variance(waves.y, waves.y_weights)
    error = float(np.sqrt(u + v))
    welch = error**4 / (u**2 / (len(waves.x) - 1) + v**2 / (len(waves.y) - 1))
    return after - before, error, float(welch)


def mean_and_variance(x: Array, weights: Array | None) -> tuple[float, float]:
    """Mean and its variance, with weights the design-based one (Taylor linearisation)."""
    n = len(x)
    mean = float(np.average(x, weights=weights))
    if n < 2:
        return mean, np.nan
    if weights is None:
        return mean, float(x.var(ddof=1) / n)
    parts = weights / weights.sum() * (x - mean)
    return mean, float(n / (n - 1) * np.sum(parts**2))


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


def _independent_means(x: Array, y: Array, change: float, conf_level: float) -> Figures:
    m, n = len(x), len(y)
    pooled = np.sqrt(((m - 1) * x.var(ddof=1) + (n - 1) * y.var(ddof=1)) / (m + n - 2))
    rank = stats.mannwhitneyu(y, x, method="asymptotic", use_continuity=True)
    sizes = _hedges(change / pooled, 1 / m + 1 / n, m + n - 2, conf_level)
    return {"p_rank": rank.pvalue, **sizes}


def _paired_means(x: Array, y: Array, change: float, conf_level: float) -> Figures:
    n = len(x)
    rank = stats.wilcoxon(y - x, zero_method="wilcox", correction=True, method="asymptotic")
    sizes = _hedges(change / (y - x).std(ddof=1), 1 / n, n - 1, conf_level)
    return {"p_rank": rank.pvalue, **sizes}


def _hedges(d: float, unit: float, df: int, conf_level: float) -> Figures:
    """Cohen's d = t·√unit, corrected for its bias (Hedges, 1981), with its interval."""
    if df < 2:  # the correction is 0 there
        return {}
    correction = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2)
    scale = correction * np.sqrt(unit)
    # on |t|, so that swapping the waves swaps the limits exactly
    low, high = noncentralities(abs(d) / np.sqrt(unit), df, (1 - conf_level) / 2)
    if d < 0:
        low, high = -high, -low
    return {
        "effect_size": correction * d,
        "effect_size_low": scale * low,
        "effect_size_high": scale * high,
    }


def noncentralities(t: float, df: float, tail: float) -> tuple[float, float]:
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
