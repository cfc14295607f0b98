"""How far drivers go together, and what that forbids to conclude about any one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.frames import Array
from csat_stats.moments import Moments
from csat_stats.results import Message, Result, message
from csat_stats.validity.correlations import correlations


@dataclass(frozen=True, kw_only=True)
class Collinearity(Result):
    """How far drivers go together.

    ``estimate`` is the halo: the share of the variance of the standardised drivers, 0–1, that
    their first principal component holds; drivers without any relation have 1 / their number.

    Attributes
    ----------
    condition_number
        √(largest / smallest eigenvalue) of the drivers' correlations; 1 for drivers without any
        relation, above 30 harmful (Belsley, Kuh & Welsch).
    largest_vif
        The largest of ``vif``.
    table
        ``driver, n, vif`` (by what factor the others widen the variance of a driver's
        coefficient), ``tolerance`` (1/vif) and ``mean_corr`` (mean correlation with the others).
    """

    condition_number: float | None = None
    largest_vif: float | None = None


def collinearity(
    drivers: pd.DataFrame | Moments,
    *,
    weights: pd.Series | None = None,
    halo: float = 0.5,
    vif: float = 5,
) -> Collinearity:
    """Variance inflation, halo and condition of a set of drivers.

    Parameters
    ----------
    drivers
        Respondents × drivers, any numeric dtype, or their moments. A row with any missing value
        is left out.
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.
    halo
        From which share of the first component on the notes speak of a halo, 0–1; never below
        twice the share that drivers without any relation have.
    vif
        From which variance inflation on the notes name a driver, 1 or more.

    Returns
    -------
    Collinearity
        Not estimable in the cases of :func:`csat_stats.validity.kmo`: a single driver, too few
        complete rows, a driver without variance, drivers that determine each other.

    Raises
    ------
    ValueError
        ``halo`` is outside 0–1 or ``vif`` below 1; as :func:`csat_stats.validity.kmo`.

    Notes
    -----
    VIF: diagonal of the inverse correlation matrix (Marquardt 1970, Technometrics 12). Condition:
    Belsley, Kuh & Welsch (1980), here of the standardised drivers, without the intercept. Halo:
    Thorndike (1920); Cooper (1981, Psychological Bulletin 90). Checked against R 4.2.2 ``eigen``,
    ``solve(cor())``, ``kappa`` and car 3.1-1 ``vif``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> mood = rng.normal(size=(400, 1))
    >>> drivers = pd.DataFrame(mood + rng.normal(size=(400, 3)), columns=["a", "b", "c"])
    >>> result = collinearity(drivers)
    >>> round(result.estimate, 2), round(result.largest_vif, 2)
    (0.64, 1.53)
    """
    if not 0 < halo <= 1:
        raise ValueError(f"halo is {halo}: a share above 0 and up to 1 is needed")
    if not vif >= 1:
        raise ValueError(f"vif is {vif}: 1 or more is needed")
    data = correlations(drivers, weights)
    base: dict[str, Any] = {
        **data.counts,
        "method": message(
            "Share of the first principal component of the drivers' correlations, and variance "
            "inflation factors; {rule}.",
            rule=data.rule,
        ),
    }
    if data.problem:
        return Collinearity(**base, not_estimable=data.problem)
    k = len(data.names)
    values = np.linalg.eigvalsh(data.corr)
    inflation = np.diag(np.linalg.inv(data.corr))
    share = float(values[-1] / k)
    inflated = [name for name, v in zip(data.names, inflation, strict=True) if v >= vif]
    return Collinearity(
        **base,
        estimate=share,
        condition_number=float(np.sqrt(values[-1] / values[0])),
        largest_vif=float(inflation.max()),
        notes=_notes(share if share >= max(halo, 2 / k) else None, inflated, vif),
        table=_table(data.names, data.n, inflation, data.corr),
    )


def _table(names: list[str], n: int, inflation: Array, corr: Array) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "driver": names,
            "n": n,
            "vif": inflation,
            "tolerance": 1 / inflation,
            "mean_corr": (corr.sum(axis=0) - 1) / (len(names) - 1),
        }
    )


def _notes(halo: float | None, inflated: list[str], vif: float) -> tuple[Message, ...]:
    """What may not be concluded."""
    notes = []
    if halo is not None:
        notes.append(
            message(
                "One common component holds {share:.0f}% of the variance of the drivers (halo). "
                "The order of neighbouring drivers is not safe: read groups of drivers.",
                share=100 * halo,
            )
        )
    if inflated:
        notes.append(
            message(
                "A variance inflation of {vif:g} or more: {drivers}. Their single coefficients can "
                "change size and sign from sample to sample and must not be read one by one.",
                vif=vif,
                drivers=", ".join(inflated),
            )
        )
    return tuple(notes)
