"""What drives an outcome: how much of its variance each of several related drivers stands for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any, Literal

import numpy as np
import pandas as pd

from csat_stats.frames import Array
from csat_stats.moments import Moments
from csat_stats.results import Message, Result, message
from csat_stats.validity.correlations import correlations

MOST_DRIVERS = 16  # for LMG, whose work doubles with each


@dataclass(frozen=True, kw_only=True)
class RelativeImportance(Result):
    """Shares of an explained variance; ``estimate`` is R², 0–1.

    ``table``, the most important first: ``driver, n, estimate`` (part of R²), ``share`` (of R²),
    ``alone`` (R² of the driver by itself) and ``last`` (what R² loses without it).
    """


def relative_importance(
    answers: pd.DataFrame | Moments,
    outcome: str,
    *,
    method: Literal["lmg", "johnson"] = "lmg",
    weights: pd.Series | None = None,
) -> RelativeImportance:
    """How the variance that drivers explain together divides among them.

    Parameters
    ----------
    answers
        Respondents × (outcome and drivers), any numeric dtype, or their moments: every other
        column is a driver. A row with any missing value is left out.
    outcome
        Name of the outcome.
    method
        ``lmg`` averages what a driver adds to R² over all orders in which drivers can enter;
        ``johnson`` takes the relative weights by orthogonal stand-ins, for any number of drivers.
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.

    Returns
    -------
    RelativeImportance
        Not estimable in the cases of :func:`csat_stats.validity.kmo`: too few complete rows, a
        column without variance, columns that determine each other.

    Raises
    ------
    ValueError
        The outcome is no column, there is no driver, or more than 16 for ``lmg``; as
        :func:`csat_stats.validity.kmo`.

    Notes
    -----
    LMG: Lindeman, Merenda & Gold (1980); Grömping (2006, Journal of Statistical Software 17).
    Relative weights: Johnson (2000, Multivariate Behavioral Research 35). Both add up to R² and
    are never negative. Checked against both written out in R 4.2.2.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> speed, manner = rng.normal(size=(2, 500))
    >>> answers = pd.DataFrame({"speed": speed, "manner": manner})
    >>> answers["overall"] = 2 * speed + manner + rng.normal(size=500)
    >>> relative_importance(answers, "overall").table[["driver", "share"]].round(2)
       driver  share
    0   speed   0.72
    1  manner   0.28
    """
    data = correlations(answers, weights)
    if outcome not in data.names:
        raise ValueError(f"outcome {outcome!r} is no column: there are {', '.join(data.names)}")
    if method not in _METHODS:
        raise ValueError(f"method is {method!r}: choose one of {', '.join(_METHODS)}")
    if len(data.names) < 2:
        raise ValueError("there is no driver: at least one column beside the outcome is needed")
    if method == "lmg" and len(data.names) - 1 > MOST_DRIVERS:
        raise ValueError(
            f"{len(data.names) - 1} drivers are too many for lmg, which takes up to "
            f"{MOST_DRIVERS}: take method='johnson'"
        )
    base: dict[str, Any] = {
        **data.counts,
        "method": message(_METHODS[method].text, rule=data.rule),
    }
    if data.problem:
        return RelativeImportance(**base, not_estimable=data.problem)
    y = data.names.index(outcome)
    drivers = [name for name in data.names if name != outcome]
    among = np.delete(np.delete(data.corr, y, 0), y, 1)
    with_outcome = np.delete(data.corr[y], y)
    r_squared = float(with_outcome @ np.linalg.solve(among, with_outcome))
    parts = (_lmg if method == "lmg" else _johnson)(among, with_outcome)
    beta = np.linalg.solve(among, with_outcome)
    table = pd.DataFrame(
        {
            "driver": drivers,
            "n": data.n,
            "estimate": parts,
            "share": parts / r_squared if r_squared > 0 else np.nan,
            "alone": with_outcome**2,
            "last": beta**2 / np.diag(np.linalg.inv(among)),
        }
    )
    return RelativeImportance(
        **base,
        estimate=r_squared,
        table=table.sort_values("estimate", ascending=False, kind="stable", ignore_index=True),
    )


_METHODS: dict[str, Message] = {
    "lmg": message(
        "Relative importance by LMG: what a driver adds to R², averaged over all orders; {rule}."
    ),
    "johnson": message("Relative importance by Johnson's relative weights; {rule}."),
}


def _lmg(among: Array, with_outcome: Array) -> Array:
    """Each driver's gain in R², averaged over the sets it can join, sizes having equal weight."""
    p = len(with_outcome)
    explained = {0: 0.0}
    sets = [list(part) for size in range(1, p + 1) for part in combinations(range(p), size)]
    for part in sets:
        own = with_outcome[part]
        mask = sum(1 << j for j in part)
        explained[mask] = float(own @ np.linalg.solve(among[np.ix_(part, part)], own))
    parts = np.zeros(p)
    for mask, r_squared in explained.items():
        size = mask.bit_count()
        for j in range(p):
            if not mask >> j & 1:
                gain = explained[mask | 1 << j] - r_squared
                parts[j] += gain / (p * comb(p - 1, size))
    return parts


def _johnson(among: Array, with_outcome: Array) -> Array:
    """Relative weights by the symmetric square root of the drivers' correlations."""
    values, vectors = np.linalg.eigh(among)
    root: Array = (vectors * np.sqrt(values)) @ vectors.T
    parts: Array = root**2 @ np.linalg.solve(root, with_outcome) ** 2
    return parts
