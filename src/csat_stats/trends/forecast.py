"""Forecasts of a monthly figure, tested against repeating the last value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import norm

from csat_stats.frames import Array, check_level, matrix, numbers, require
from csat_stats.results import Message, Result, message
from csat_stats.trends._backtest import Backtest, Course, Repeats, Scale, columns, run_backtest
from csat_stats.trends._models import Fit, identified
from csat_stats.trends._periods import names
from csat_stats.trends._timeline import extended, planned, regular, text

MIN_POINTS = 8
MIN_ORIGINS = 3
MAX_ORIGINS = 12
FEW_FORECASTS = 12

METHODS = {
    "ets": message(
        "Exponential smoothing with additive errors, its form chosen by AICc, beside a naive "
        "forecast. Both are tested by forecasting from earlier periods, each time knowing nothing "
        "later; the one with the smaller mean absolute error is shown. Intervals are normal."
    ),
    "sarimax": message(
        "Regression with ARIMA errors, (1,0,0) or (0,1,1) by AICc, beside a naive forecast. Both "
        "are tested by forecasting from earlier periods, each time knowing nothing later; the one "
        "with the smaller mean absolute error is shown. Intervals are normal."
    ),
}
NAIVE: dict[Repeats, Message] = {
    "last_value": message("The naive forecast repeats the last value."),
    "last_season": message("The naive forecast repeats the value of one season before."),
}


@dataclass(frozen=True, kw_only=True)
class Forecast(Result):
    """What comes next; ``estimate`` is the chosen forecast of the next period, with its interval.

    ``n_used`` counts periods with a value, ``n_dropped`` those without.

    Attributes
    ----------
    chosen
        ``model`` or ``naive``: the one with the smaller error in the backtest.
    model
        The model chosen by AICc, such as ``ETS(A,N,N)`` or ``ARIMA(0,1,1) + season``.
    naive
        ``last_value`` or ``last_season``: what the naive forecast repeats.
    model_error, naive_error
        Mean absolute errors in the backtest, on the scale of the values.
    skill
        1 − model_error / naive_error: the share of the naive error that the model saves.
    n_origins
        Earlier periods from which the backtest forecasts.
    table
        One row a period to come: ``period``, the chosen ``estimate, conf_low, conf_high``, and
        both: ``model, model_low, model_high, naive, naive_low, naive_high``.
    history
        One row a past period: ``period, value, fitted``; what the chosen forecast, fitted to all
        values, expects of each period from those before it.
    backtest
        One row an origin and horizon: ``origin, horizon, period, actual, model, model_low,
        model_high, naive, naive_low, naive_high``.
    accuracy
        Of ``model`` and ``naive`` (``forecast``) in the backtest: ``mae, rmse, mase`` (errors in
        mean steps of the values known at the origin), ``coverage`` (share of values inside their
        intervals) and ``n`` (forecasts).
    """

    chosen: Literal["model", "naive"] | None = None
    model: str | None = None
    naive: Repeats | None = None
    model_error: float | None = None
    naive_error: float | None = None
    skill: float | None = None
    n_origins: int = 0
    history: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    backtest: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    accuracy: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def forecast(
    values: pd.Series,
    *,
    horizon: int = 3,
    promotions: pd.Series | pd.DataFrame | None = None,
    season: int | None = None,
    model: Literal["auto", "ets", "sarimax"] = "auto",
    bounds: tuple[float, float] | None = None,
    backtest: int | None = None,
    conf_level: float = 0.95,
) -> Forecast:
    """Forecast of a figure over months, beside a naive one that it must beat to be shown.

    Parameters
    ----------
    values
        One figure a period, any scale. Index: Periods (or text such as ``2024-01``), regular
        dates, or whole numbers; periods that are missing or left out count as without a value.
    horizon
        Periods to forecast after the last.
    promotions
        0/1 (or any numeric) regressors for every period of the values and the ``horizon`` to come;
        dates are taken as planned, so known in advance, in the backtest too.
    season
        Periods in a season: 12 for months, 4 for quarters. ``None``: no seasonal pattern. Used
        from two full seasons and three periods on.
    model
        ``ets``: exponential smoothing. ``sarimax``: regression with ARIMA errors. ``auto`` is
        ``sarimax`` where there are promotions or periods without a value, else ``ets``.
    bounds
        Lowest and highest possible value, as (0, 1) for a share: modelled on the logit scale, so
        that no limit leaves them; cut at the bounds where a value lies on one.
    backtest
        Earlier periods to forecast from; ``None`` for up to 12, the latest.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    Forecast
        Not estimable with fewer than eight values, or when all are the same.

    Raises
    ------
    ValueError
        For values that are not numeric or lie outside the bounds, periods that occur twice or
        cannot be read, promotions that do not cover every period, and arguments out of range.

    Notes
    -----
    Exponential smoothing: ETS(A,N,N), (A,A,N), (A,Ad,N), with a season also (A,N,A), (A,A,A)
    (Hyndman, Koehler, Ord and Snyder, 2008), by maximum likelihood. Regression: y = c + x'b + e
    with ARIMA(1,0,0) errors, or ARIMA(0,1,1) without c; a season adds two harmonics (Hyndman and
    Athanasopoulos, 2021, section 10.5). The smallest AICc chooses, in each origin of the backtest
    anew. Variances of errors have n − k degrees of freedom; uncertainty of the coefficients is
    left out. Naive: the last value, or that of one season before where its error is smaller, with
    the variance of a random walk. MASE: Hyndman and Koehler (2006), errors over the mean step
    before each origin. Models are those of statsmodels. Checked against R forecast 8.20 ``ets``,
    ``naive``, ``snaive``, ``accuracy`` and R 4.2 ``arima``.

    Examples
    --------
    >>> months = pd.period_range("2023-01", periods=12, freq="M")
    >>> scores = pd.Series([71, 74, 70, 73, 72, 75, 71, 74, 72, 73, 70, 74], index=months)
    >>> ahead = forecast(scores, horizon=2)
    >>> ahead.chosen, ahead.model, round(ahead.estimate, 2), round(ahead.skill, 2)
    ('model', 'ETS(A,N,N)', 72.42, 0.36)
    """
    _check_use(horizon, season, model, bounds, backtest, promotions is not None)
    check_level(conf_level)
    series = regular(numbers(values))
    labels = extended(series.index, horizon)
    plan = None if promotions is None else planned(promotions, labels, horizon)
    if bounds is not None:
        inside = series.isna() | series.between(*bounds)
        require(inside, series, f"values between {bounds[0]:g} and {bounds[1]:g}")
    y, seen = series.to_numpy(), series.notna().to_numpy()
    smooth = model != "sarimax" and plan is None and bool(seen.all())
    common: dict[str, Any] = {
        "n_used": int(seen.sum()),
        "n_dropped": max(len(series), len(values)) - int(seen.sum()),
        "conf_level": conf_level,
        "method": METHODS["ets" if smooth else "sarimax"],
    }
    if obstacle := _obstacle(y[seen], len(y)):
        return Forecast(**common, not_estimable=obstacle)

    course = Course(
        y,
        None if smooth else np.empty((len(labels), 0)) if plan is None else matrix(plan),
        season if season and len(y) >= 2 * season + MIN_ORIGINS else None,
        horizon,
        _scale(bounds, y[seen]),
        float(norm.ppf((1 + conf_level) / 2)),
    )
    tested = run_backtest(course, course.origins(backtest or MAX_ORIGINS))
    models = course.models(len(y))
    repeat = course.naive(len(y), tested.repeats)
    errors = dict(zip(("model", "naive"), tested.accuracy.get("mae", ()), strict=False))
    better = bool(models and errors and errors["model"] < errors["naive"])
    shown = models[0] if better else repeat

    table = pd.DataFrame({"period": text(labels[len(y) :])})
    table[["estimate", "conf_low", "conf_high"]] = course.bands(shown)
    table[columns("model")] = course.bands(models[0]) if models else np.nan
    table[columns("naive")] = course.bands(repeat)
    periods = text(labels)
    history = {"period": periods[: len(y)], "value": y, "fitted": course.scale.back(shown.fitted)}
    first = table.iloc[0]
    return Forecast(
        **common,
        estimate=float(first["estimate"]),
        conf_low=float(first["conf_low"]),
        conf_high=float(first["conf_high"]),
        chosen="model" if better else "naive",
        model=models[0].name if models else None,
        naive=tested.repeats,
        model_error=errors.get("model"),
        naive_error=errors.get("naive"),
        skill=1 - errors["model"] / errors["naive"] if errors.get("naive") else None,
        n_origins=tested.frame["origin"].nunique() if errors else 0,
        table=table,
        history=pd.DataFrame(history),
        backtest=_past_forecasts(tested.frame, periods),
        accuracy=tested.accuracy,
        notes=(
            *_data_notes(course, season, bounds, model),
            *_plan_notes(plan, course),
            *_test_notes(tested, errors, better, bool(models)),
            *_search_notes([*tested.fits, *models]),
        ),
    )


def _check_use(
    horizon: int,
    season: int | None,
    model: str,
    bounds: tuple[float, float] | None,
    backtest: int | None,
    promotions: bool,
) -> None:
    if horizon < 1:
        raise ValueError(f"horizon is {horizon}: one period or more is needed")
    if season is not None and season < 2:
        raise ValueError(f"season is {season}: two periods or more are needed")
    if model not in ("auto", *METHODS):
        raise ValueError(f"model is {model!r}: 'auto', 'ets' or 'sarimax' is needed")
    if model == "ets" and promotions:
        raise ValueError("model 'ets' takes no promotions: 'sarimax' does")
    if bounds is not None and not bounds[0] < bounds[1]:
        raise ValueError(f"bounds are {bounds}: the lower first, then the higher")
    if backtest is not None and backtest < 1:
        raise ValueError(f"backtest is {backtest}: one period or more is needed")


def _obstacle(values: Array, periods: int) -> Message | None:
    """Why there is no forecast."""
    if len(values) < MIN_POINTS:
        return message(
            "Periods with a value: {n}. A forecast needs {needed} or more.",
            n=len(values),
            needed=MIN_POINTS,
        )
    if len(values) < periods / 2:
        return message(
            "Of {periods} periods only {n} have a value: with more gaps than values there is no "
            "forecast.",
            periods=periods,
            n=len(values),
        )
    if np.ptp(values) <= 1e-12 * np.abs(values).max():
        return message("All values are the same, so nothing tells how far the next may lie off.")
    return None


def _scale(bounds: tuple[float, float] | None, values: Array) -> Scale:
    if bounds is None:
        return Scale()
    return Scale(*bounds, logit=bool(bounds[0] < values.min() and values.max() < bounds[1]))


def _past_forecasts(frame: pd.DataFrame, periods: pd.Index) -> pd.DataFrame:
    """The frame of the backtest with its positions named."""
    wanted = ["origin", "horizon", "period", "actual", *columns("model"), *columns("naive")]
    if frame.empty:
        return pd.DataFrame(columns=wanted)
    named = {"origin": periods[frame["origin"]], "period": periods[frame["at"]]}
    return frame.assign(**named)[wanted]


def _data_notes(
    course: Course, season: int | None, bounds: tuple[float, float] | None, model: str
) -> list[Message]:
    notes = []
    gaps = int(np.isnan(course.y).sum())
    if gaps:
        notes.append(message("Periods without a value, which the model passes over: {n}.", n=gaps))
        if model == "ets":
            notes.append(
                message(
                    "Exponential smoothing cannot pass over them: regression with ARIMA errors is "
                    "used in its place."
                )
            )
    if season and not course.season:
        notes.append(
            message(
                "No seasonal pattern is modelled: that takes two seasons and {n} periods to test "
                "it on.",
                n=MIN_ORIGINS,
            )
        )
    if bounds is not None:
        low, high = bounds
        inside = message(
            "Modelled on the logit scale between {low:g} and {high:g}, so that no interval leaves "
            "them.",
            low=low,
            high=high,
        )
        cut = message(
            "A value lies on a bound, {low:g} or {high:g}: forecasts and intervals are cut there.",
            low=low,
            high=high,
        )
        notes.append(inside if course.scale.logit else cut)
    return notes


def _plan_notes(plan: pd.DataFrame | None, course: Course) -> list[Message]:
    if plan is None or course.regressors is None:
        return []
    notes = [
        message("Promotion dates are taken as known in advance, in the forecast and its test.")
    ]
    past = course.regressors[: len(course.y)][~np.isnan(course.y)]
    told = identified(past)
    silent = [str(name) for j, name in enumerate(plan) if j not in told]
    if silent:
        notes.append(
            message(
                "Promotions left out, because in the past they never varied or went with others: "
                "{promotions}.",
                promotions=names(silent),
            )
        )
    return notes


def _test_notes(
    tested: Backtest, errors: dict[str, float], better: bool, modelled: bool
) -> list[Message]:
    notes = [NAIVE[tested.repeats]]
    if not modelled:
        return [*notes, message("No model could be fitted, so the naive forecast is shown.")]
    if not errors:
        return [
            *notes,
            message("There is too little to test the model on, so the naive forecast is shown."),
        ]
    if not better:
        notes.append(
            message(
                "The model does not beat the naive forecast, so that is shown: mean absolute "
                "error {model:.3g} against {naive:.3g}.",
                **errors,
            )
        )
    n = len(tested.frame)
    if n < FEW_FORECASTS:
        notes.append(message("The test rests on {n} forecasts only: its errors are rough.", n=n))
    return notes


def _search_notes(fits: list[Fit]) -> list[Message]:
    failed = sum(not fit.converged for fit in fits)
    if not failed:
        return []
    return [
        message(
            "Model searches that did not converge: {few} of {n}. Their figures are rough.",
            few=failed,
            n=len(fits),
        )
    ]
