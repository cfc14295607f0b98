"""Are the items correlated enough for a factor analysis?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from csat_stats.frames import Array
from csat_stats.moments import Moments
from csat_stats.results import Result, message
from csat_stats.validity.correlations import correlations


@dataclass(frozen=True, kw_only=True)
class Kmo(Result):
    """Kaiser–Meyer–Olkin measure; ``estimate`` is the overall value, ``table`` is item, msa.

    ``pearson`` is the overall value of Pearson correlations beside that of polychoric ones.
    """

    pearson: float | None = None


@dataclass(frozen=True, kw_only=True)
class Bartlett(Result):
    """Bartlett's test of sphericity; ``estimate`` is the chi-square statistic.

    Attributes
    ----------
    statistic, df, p_value
        Chi-square, its degrees of freedom and upper tail.
    log10_p
        Decimal logarithm of the p value, also where ``p_value`` underflows to zero.
    determinant, log_det
        Of the correlation matrix, 0–1, and its natural logarithm: nearer to zero as the items
        correlate more.
    n_effective
        Kish's effective n; ``None`` without weights.
    """

    statistic: float | None = None
    df: int | None = None
    p_value: float | None = None
    log10_p: float | None = None
    determinant: float | None = None
    log_det: float | None = None
    n_effective: float | None = None


def kmo(items: pd.DataFrame | Moments, *, weights: pd.Series | None = None) -> Kmo:
    """Sampling adequacy for factor analysis: Kaiser–Meyer–Olkin, overall and per item.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype; a row with any missing value is left out. Or their
        moments: those of ``Moments.from_frame(items, complete=False)`` give the measure from every
        pair of answers, the default of R psych.
    weights
        Sampling weights on any scale; 0 or missing leaves the respondent out.

    Returns
    -------
    Kmo
        Values 0–1. Not estimable for one item, an (effective) number of complete rows that is not
        above that of the items, an item without variance, or linearly dependent items, which are
        named.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another; a weight is negative or
        infinite; weights are given beside moments.

    Notes
    -----
    MSA = Σr² / (Σr² + Σp²) over the pairs of different items, p the partial correlations given all
    others (Kaiser & Rice 1974, Educational and Psychological Measurement 34). Checked against
    R psych 2.2.9 ``KMO`` and PSPP 1.6.2.

    Examples
    --------
    >>> items = pd.DataFrame({"q1": [1, 2, 4, 5, 5], "q2": [2, 2, 3, 5, 4], "q3": [1, 3, 3, 4, 5]})
    >>> round(kmo(items).estimate, 3)
    0.626
    """
    data = correlations(items, weights, pairwise=True)
    base: dict[str, Any] = {
        **data.counts,
        "method": message(
            "Kaiser-Meyer-Olkin measure of sampling adequacy from Pearson correlations; {rule}.",
            rule=data.rule,
        ),
    }
    if data.problem:
        return Kmo(**base, not_estimable=data.problem)
    return kmo_of(data.names, data.corr, **base)


def kmo_of(names: list[str], corr: Array, **base: Any) -> Kmo:
    """The measure from a correlation matrix; ``base`` holds the other fields of the result."""
    overall, msa = sampling_adequacy(corr)
    if overall is None:
        return Kmo(**base, not_estimable=message("No item correlates with any other."))
    notes = list(base.pop("notes", ()))
    if len(names) == 2:
        notes.append(message("With two items this measure is always 0.5."))
    poor = [name for name, value in zip(names, msa, strict=True) if value < 0.5]
    if poor and len(names) > 2:
        notes.append(
            message(
                "Sampling adequacy is below 0.5, unacceptable by Kaiser's scale, for {items}.",
                items=", ".join(poor),
            )
        )
    return Kmo(
        **base,
        estimate=overall,
        notes=tuple(notes),
        table=pd.DataFrame({"item": names, "msa": msa}),
    )


def sampling_adequacy(corr: Array) -> tuple[float | None, Array]:
    """Adequacy overall, None where no item correlates with any other, and of each item."""
    inverse = np.linalg.inv(corr)
    scale = np.sqrt(np.diag(inverse))
    r2, p2 = corr**2, (inverse / np.outer(scale, scale)) ** 2
    np.fill_diagonal(r2, 0)
    np.fill_diagonal(p2, 0)
    both = (r2 + p2).sum(axis=1)
    msa = np.divide(r2.sum(axis=1), both, out=np.full(len(corr), np.nan), where=both > 0)
    return (float(r2.sum() / both.sum()) if r2.any() else None), msa


def bartlett_sphericity(
    items: pd.DataFrame | Moments, *, weights: pd.Series | None = None
) -> Bartlett:
    """Bartlett's test that the items do not correlate at all.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, or their moments; a row with any missing value is
        left out, before n is taken.
    weights
        Sampling weights on any scale; 0 or missing leaves the respondent out. With weights, n is
        Kish's effective n.

    Returns
    -------
    Bartlett
        Not estimable in the cases of :func:`kmo`.

    Raises
    ------
    ValueError
        As :func:`kmo`; moments that are not of complete rows.

    Notes
    -----
    chi² = −(n − 1 − (2k+5)/6) · ln|R|, k(k−1)/2 degrees of freedom (Bartlett 1951, Biometrika 38).
    Checked against R psych 2.2.9 ``cortest.bartlett`` and PSPP 1.6.2.

    Examples
    --------
    >>> items = pd.DataFrame({"q1": [1, 2, 4, 5, 5], "q2": [2, 2, 3, 5, 4], "q3": [1, 3, 3, 4, 5]})
    >>> test = bartlett_sphericity(items)
    >>> round(test.statistic, 3), test.df, round(test.p_value, 4)
    (7.397, 3, 0.0603)
    """
    data = correlations(items, weights)
    base: dict[str, Any] = {
        **data.counts,
        "n_effective": data.n_effective,
        "method": message(
            "Bartlett's test of sphericity on Pearson correlations; {rule}.", rule=data.rule
        ),
    }
    if data.problem:
        return Bartlett(**base, not_estimable=data.problem)
    k = len(data.names)
    log_det = float(np.linalg.slogdet(data.corr)[1])
    statistic = -(data.base - 1 - (2 * k + 5) / 6) * log_det
    df = k * (k - 1) // 2
    return Bartlett(
        **base,
        estimate=statistic,
        statistic=statistic,
        df=df,
        p_value=float(stats.chi2.sf(statistic, df)),
        log10_p=_log_chi2_sf(statistic, df) / float(np.log(10)),
        determinant=float(np.exp(log_det)),
        log_det=log_det,
    )


def _log_chi2_sf(x: float, df: int) -> float:
    """Natural logarithm of the upper tail of chi-square, also where the tail underflows."""
    tail = float(stats.chi2.sf(x, df))
    if tail > 1e-290:
        return float(np.log(tail))
    # Continued fraction of the upper incomplete gamma function (Abramowitz & Stegun 6.5.31).
    a, z, fraction = df / 2, x / 2, 0.0
    for i in range(1000, 0, -1):
        fraction = i * (i - a) / (z + 2 * i + 1 - a - fraction)
    return float(a * np.log(z) - z - special.gammaln(a) - np.log(z + 1 - a - fraction))
