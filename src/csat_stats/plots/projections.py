"""What was observed beside what was not: a forecast, a series interrupted by an action."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import legends, rows, theme, timeline
from .lines import HEIGHT, titles
from .theme import BLUE, GREY, INK, ORANGE, TRACK


def forecast(
    history: pd.DataFrame,
    table: pd.DataFrame,
    *,
    period: str,
    value: str,
    estimate: str,
    conf_low: str,
    conf_high: str,
    value_label: str,
    observed_label: str,
    forecast_label: str,
    other: str | None = None,
    other_label: str | None = None,
    promotions: Sequence[Hashable] = (),
    promotions_label: str | None = None,
    limits: tuple[float, float] | None = None,
    number: str = "{:.1f}",
) -> Figure:
    """What was observed and what is forecast, with its interval.

    Parameters
    ----------
    history, table
        One row per period that was observed, and per period forecast; ordered and with gaps as
        in :func:`trend_lines`.
    period
        Column of both frames.
    value
        Column of ``history``.
    estimate, conf_low, conf_high, other
        Columns of ``table``: the forecast, the ends of its interval, and a second, simpler
        forecast drawn dashed, such as the last value or that of a year ago.
    value_label, observed_label, forecast_label, other_label, promotions_label
        Title of the axis and words of the legend.
    promotions
        Periods to be shaded.
    limits, number
        As in :func:`bars`.

    Raises
    ------
    ValueError
        As :func:`trend_lines`.

    Examples
    --------
    >>> history = pd.DataFrame({"month": ["01", "02"], "value": [310, 342]})
    >>> table = pd.DataFrame({"month": ["03"], "estimate": [335.0], "conf_low": [301.0],
    ...                       "conf_high": [369.0]})
    >>> figure = forecast(history, table, period="month", value="value", estimate="estimate",
    ...                   conf_low="conf_low", conf_high="conf_high", value_label="Calls",
    ...                   observed_label="Observed", forecast_label="Forecast")
    """
    theme.check(history, period, value)
    theme.check(table, period, estimate, conf_low, conf_high, *([other] if other else []))
    rows.interval(table, conf_low, conf_high)
    order = timeline.periods(period, history, table)
    ahead = timeline.at(table, period, order)
    seen = theme.floats(timeline.at(history, period, order), value)
    expected = theme.floats(ahead, estimate)
    low, high = rows.interval(ahead, conf_low, conf_high)
    simple = theme.floats(ahead, other) if other else expected
    places = np.arange(len(order), dtype=float)
    small = 7 if len(order) <= timeline.FEW else 4
    with theme.style():
        figure, axes = theme.canvas(HEIGHT)
        handles: list[Line2D | Patch] = [
            *axes.plot(places, seen, "-o", color=BLUE, lw=2, ms=small, mec="white", zorder=3),
            *axes.plot(places, expected, "-s", color=ORANGE, lw=2, ms=small, mec="white", zorder=4),
        ]
        words = [observed_label, forecast_label]
        timeline.band(axes, places, low, high, ORANGE)
        if other:
            line = axes.plot(places, simple, "--", marker="x", ms=4, color=GREY, lw=1.5, zorder=2)
            if other_label is not None:
                handles += line
                words.append(other_label)
        for promotion in promotions:
            here = timeline.position(promotion, order, "promotion")
            timeline.shade(axes, here, here)
        if len(promotions) and promotions_label is not None:
            handles.append(Patch(fc=TRACK, ec=GREY, lw=0.5))
            words.append(promotions_label)
        legends.legend(figure, handles, words)
        span = theme.span(seen, expected, low, high, simple)
        theme.value_axis(axes, "y", limits or span, number)
        timeline.axis(axes, order)
        titles(axes, "", value_label)
        return theme.finish(figure, axes, HEIGHT)


def interrupted(
    table: pd.DataFrame,
    period: str,
    observed: str,
    fitted: str,
    counterfactual: str,
    low: str,
    high: str,
    *,
    start: Hashable,
    start_label: str,
    value_label: str,
    observed_label: str,
    fitted_label: str,
    counterfactual_label: str,
    limits: tuple[float, float] | None = None,
    number: str = "{:.1f}",
) -> Figure:
    """A series before and after an action, and what would have come without it.

    Parameters
    ----------
    table
        One row per period, ordered and with gaps as in :func:`trend_lines`.
    period, observed, fitted, counterfactual, low, high
        Columns: the period, what was observed, the fitted line, the line of before carried on,
        and the ends of its interval; these three are drawn from ``start`` on.
    start
        First period after the action.
    start_label, value_label, observed_label, fitted_label, counterfactual_label
        Words of the legend and title of the axis.
    limits, number
        As in :func:`bars`.

    Raises
    ------
    ValueError
        On a start that is not a period of the table, and as :func:`trend_lines`.

    Examples
    --------
    >>> table = pd.DataFrame({"month": [1, 2, 3, 4], "csat": [70, 71, 76, 78],
    ...                       "fitted": [70, 71, 76, 78], "without": [None, None, 72, 73],
    ...                       "conf_low": [None, None, 70, 70], "conf_high": [None, None, 74, 76]})
    >>> figure = interrupted(table, "month", "csat", "fitted", "without", "conf_low",
    ...                      "conf_high", start=3, start_label="New dispatch",
    ...                      value_label="Index", observed_label="Observed",
    ...                      fitted_label="Fitted", counterfactual_label="Without the action")
    """
    theme.check(table, period, observed, fitted, counterfactual, low, high)
    rows.interval(table, low, high)
    order = timeline.periods(period, table)
    frame = timeline.at(table, period, order)
    begun = timeline.position(start, order, "start")
    seen, line = theme.floats(frame, observed), theme.floats(frame, fitted)
    places = np.arange(len(order), dtype=float)
    without, lows, highs = (
        np.where(places >= begun, theme.floats(frame, column), np.nan)
        for column in (counterfactual, low, high)
    )
    with theme.style():
        figure, axes = theme.canvas(HEIGHT)
        small = 7 if len(order) <= timeline.FEW else 5
        handles: list[Line2D | Patch] = list(
            axes.plot(places, seen, "o", color=BLUE, ms=small, mec="white", zorder=3)
        )
        for part in (places < begun, places >= begun):
            fits = axes.plot(places[part], line[part], color=INK, lw=2, zorder=2.5)
        timeline.band(axes, places, lows, highs, ORANGE)
        handles += [
            *fits,
            *axes.plot(places, without, color=ORANGE, lw=2, ls="--", zorder=2.4),
            *timeline.events(axes, {start_label: start}, order),
        ]
        words = [observed_label, fitted_label, counterfactual_label, start_label]
        legends.legend(figure, handles, words)
        span = theme.span(seen, line, without, lows, highs)
        theme.value_axis(axes, "y", limits or span, number)
        timeline.axis(axes, order)
        titles(axes, "", value_label)
        return theme.finish(figure, axes, HEIGHT)
