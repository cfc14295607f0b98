"""Models of a series and what they say about its next values; nothing later is known to them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from csat_stats.frames import Array


class Fit(NamedTuple):
    """What a model expects: next values, their standard errors, and each past value in its turn."""

    name: str
    mean: Array
    error: Array
    fitted: Array
    aicc: float = np.nan
    converged: bool = True


def naive(y: Array, horizon: int, season: int = 1) -> Fit:
    """The last value, or the last of the same season, and its error as a random walk.

    Each season is a random walk of its own; all share one variance, the mean square of their
    steps (a step over missing values is divided by the seasons it spans). NaN where a season has
    no value.
    """
    n = len(y)
    fitted, last = np.full(n, np.nan), np.full(season, -1)
    squares = []
    for position in range(season):
        place = np.arange(position, n, season)
        place = place[~np.isnan(y[place])]
        if len(place):
            last[position] = place[-1]
            fitted[place[1:]] = y[place[:-1]]
            squares.append(np.diff(y[place]) ** 2 / (np.diff(place) / season))
    steps = np.concatenate([*squares, []])
    target = np.arange(n, n + horizon)
    origin = last[target % season]
    sigma = np.sqrt(steps.mean()) if len(steps) else np.nan
    return Fit(
        "naive",
        np.where(origin < 0, np.nan, y[origin]),
        sigma * np.sqrt((target - origin) / season),
        fitted,
    )


def fourier(n: int, season: int) -> Array:
    """Two waves a season, for regression with a seasonal pattern (n × 4)."""
    angle = 2 * np.pi * np.outer(np.arange(n), np.arange(1, min(2, season // 2) + 1)) / season
    return np.hstack([np.cos(angle), np.sin(angle)])


def identified(regressors: Array) -> list[int]:
    """The columns that add to a constant and the columns before them."""
    kept: list[int] = []
    basis = np.ones((len(regressors), 1))
    for j, column in enumerate(regressors.T):
        wider = np.column_stack([basis, column])
        if np.linalg.matrix_rank(wider, tol=1e-9) > basis.shape[1]:
            kept, basis = [*kept, j], wider
    return kept


def candidates(y: Array, horizon: int, season: int | None, regressors: Array | None) -> list[Fit]:
    """Every model that could be fitted to ``y``; exponential smoothing without regressors.

    ``regressors`` has rows for the past and the ``horizon``; columns without information in the
    past are left out. The series is standardised first, so that searches and diffuse starts do
    not depend on its scale.
    """
    seen = y[~np.isnan(y)]
    location, scale = seen.mean(), seen.std()
    if scale <= 1e-12 * np.abs(seen).max():
        return []
    z = (y - location) / scale
    fits = (
        smoothing(z, horizon, season)
        if regressors is None
        else arima(z, horizon, season, regressors)
    )
    return [
        fit._replace(
            mean=location + scale * fit.mean,
            error=scale * fit.error,
            fitted=location + scale * fit.fitted,
        )
        for fit in fits
        if np.isfinite(fit.aicc) and np.isfinite([fit.mean, fit.error]).all()
    ]


def smoothing(y: Array, horizon: int, season: int | None) -> Iterator[Fit]:
    """Exponential smoothing with additive errors, trend and season (Hyndman et al., 2008)."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    forms: dict[str, dict[str, Any]] = {
        "ETS(A,N,N)": {},
        "ETS(A,A,N)": {"trend": "add"},
        "ETS(A,Ad,N)": {"trend": "add", "damped_trend": True},
    }
    if season:
        pattern = {"seasonal": "add", "seasonal_periods": season}
        forms["ETS(A,N,A)"] = pattern
        forms["ETS(A,A,A)"] = {"trend": "add", **pattern}
    n = len(y)
    for name, form in forms.items():
        model = ETSModel(pd.Series(y), **form)
        results = _search(partial(model.fit, disp=False))
        if results is None:
            continue
        k = len(results.params) - ("seasonal" in form)  # seasons add up to a level
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ahead = results.get_prediction(n, n + horizon - 1)
        yield Fit(
            name,
            np.asarray(ahead.predicted_mean),
            np.sqrt(np.asarray(ahead.var_pred_mean) * _degrees(n, k)),
            np.asarray(results.fittedvalues),
            _aicc(results.llf, k + 1, n),
            results.mle_retvals["converged"],
        )


def arima(y: Array, horizon: int, season: int | None, regressors: Array) -> Iterator[Fit]:
    """Regression with ARIMA(1,0,0) or ARIMA(0,1,1) errors; missing values are passed over.

    AICc takes the likelihood of all values given the first, which both have.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    n, missing = len(y), np.isnan(y)
    designs = {"": regressors}
    if season:
        designs[" + season"] = np.hstack([regressors, fourier(len(regressors), season)])
    for suffix, design in designs.items():
        design = design[:, identified(design[:n][~missing])]
        past, future = (design[:n], design[n:]) if design.shape[1] else (None, None)
        for order in ((1, 0, 0), (0, 1, 1)):
            difference = order[1]
            used, k = n - int(missing.sum()) - difference, design.shape[1] + 3 - difference
            if used <= k:
                continue
            model = SARIMAX(y, past, order=order, trend="n" if difference else "c")
            results = _search(partial(model.fit, disp=False, cov_type="none"))
            if results is None:
                continue
            ahead = results.get_forecast(horizon, exog=future)
            fitted = np.array(results.fittedvalues)
            fitted[:difference] = np.nan
            yield Fit(
                "ARIMA({},{},{})".format(*order) + suffix,
                np.asarray(ahead.predicted_mean),
                np.asarray(ahead.se_mean) * np.sqrt(_degrees(used, k - 1)),
                fitted,
                _aicc(results.llf_obs[1:].sum(), k, n - int(missing.sum()) - 1),
                results.mle_retvals["converged"],
            )


def _search(fit: Callable[[], Any]) -> Any:
    """The fitted model, ``None`` where it broke down; ``mle_retvals`` says if it converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return fit()
        except np.linalg.LinAlgError:
            return None


def _degrees(n: int, k: int) -> float:
    """What turns a maximum-likelihood variance into one on n − k degrees of freedom."""
    return n / (n - k) if n > k else np.nan


def _aicc(log_likelihood: float, k: int, n: int) -> float:
    if n - k - 1 <= 0:
        return np.nan
    return float(-2 * log_likelihood + 2 * k * n / (n - k - 1))
