"""Are the items correlated enough for a factor analysis?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from csat_stats.results import Result, message
from csat_stats.validity.correlations import correlations


@dataclass(frozen=True, kw_only=True)
class Kmo(Result):
    """Kaiser–Meyer–Olkin measure; ``estimate`` is the overall value, ``table`` is item, msa."""


@dataclass(frozen=True, kw_only=True)
class Bartlett(Result):
    """Bartlett's test of sphericity; ``estimate`` is the chi-square statistic.

    ``log10_p`` holds the p value where ``p_value`` underflows to zero; ``log_det`` is the natural
    logarithm of the determinant of the correlation matrix.
    """

    statistic: float | None = None
    df: int | None = None
    p_value: float | None = None
    log10_p: float | None = None
    log_det: float | None = None


def kmo(items: pd.DataFrame) -> Kmo:
    """Sampling adequacy for factor analysis: Kaiser–Meyer–Olkin, overall and per item.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype; a row with any missing value is left out.

    Returns
    -------
    Kmo
        Values 0–1. Not estimable for one item, fewer complete rows than items plus one, an item
        without variance, or linearly dependent items, which are named.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another.

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
    data = correlations(items)
    base: dict[str, Any] = {
        **data.counts,
        "method": message(
            "Kaiser-Meyer-Olkin measure of sampling adequacy from Pearson correlations; "
            "complete rows only."
        ),
    }
    if data.problem:
        return Kmo(**base, not_estimable=data.problem)
    k = len(data.names)
    inverse = np.linalg.inv(data.corr)
    scale = np.sqrt(np.diag(inverse))
    r2, p2 = data.corr**2, (inverse / np.outer(scale, scale)) ** 2
    np.fill_diagonal(r2, 0)
    np.fill_diagonal(p2, 0)
    if not r2.any():
        return Kmo(**base, not_estimable=message("No item correlates with any other."))
    both = (r2 + p2).sum(axis=1)
    msa = np.divide(r2.sum(axis=1), both, out=np.full(k, np.nan), where=both > 0)
    notes = []
    if k == 2:
        notes.append(message("With two items this measure is always 0.5."))
    poor = [name for name, value in zip(data.names, msa, strict=True) if value < 0.5]
    if poor and k > 2:
        notes.append(
            message(
                "Sampling adequacy is below 0.5, unacceptable by Kaiser's scale, for {items}.",
                items=", ".join(poor),
            )
        )
    return Kmo(
        **base,
        estimate=float(r2.sum() / (r2.sum() + p2.sum())),
        notes=tuple(notes),
        table=pd.DataFrame({"item": data.names, "msa": msa}),
    )


def bartlett_sphericity(items: pd.DataFrame) -> Bartlett:
    """Bartlett's test that the items do not correlate at all.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype; a row with any missing value is left out, before
        n is taken.

    Returns
    -------
    Bartlett
        Not estimable in the cases of :func:`kmo`.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another.

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
    data = correlations(items)
    base: dict[str, Any] = {
        **data.counts,
        "method": message(
            "Bartlett's test of sphericity on Pearson correlations; complete rows only."
        ),
    }
    if data.problem:
        return Bartlett(**base, not_estimable=data.problem)
    k = len(data.names)
    log_det = float(np.linalg.slogdet(data.corr)[1])
    statistic = -(data.n - 1 - (2 * k + 5) / 6) * log_det
    df = k * (k - 1) // 2
    return Bartlett(
        **base,
        estimate=statistic,
        statistic=statistic,
        df=df,
        p_value=float(stats.chi2.sf(statistic, df)),
        log10_p=_log_chi2_sf(statistic, df) / float(np.log(10)),
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
