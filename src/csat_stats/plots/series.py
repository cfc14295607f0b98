"""What was measured over time: waves and months, a control chart."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from csat_stats.results import typeset

from . import grids, legends, placing, rows, theme, timeline
from .lines import HEIGHT, titles
from .theme import BLUE, GREY, INK, SMALL, TRACK, WARNING, WARNING_INK, Floats

LINES = [*grids.LINES, ("#56B4E9", "-", "v"), (INK, "--", "P")]
DASH = (0, (4, 3))


def trend_lines(
    table: pd.DataFrame,
    period: str,
    value: str,
    low: str | None = None,
    high: str | None = None,
    *,
    value_label: str,
    group: str | None = None,
    adjusted: str | None = None,
    adjusted_label: str | None = None,
    reference: float | None = None,
    reference_label: str | None = None,
    events: Mapping[str, Hashable] | None = None,
    limits: tuple[float, float] | None = None,
    number: str = "{:.1f}",
) -> Figure:
    """One to six series over waves or months, each figure with its interval.

    Parameters
    ----------
    table
        One row per period, or per group and period. A missing figure opens a gap, and so does
        a month left out when ``period`` holds :class:`pandas.Period`. Text periods stand in
        the order they first come, numbers and dates in their own.
    period, value, low, high, group
        Columns: of the period, the figure, the ends of its interval (both or none), and the
        name of the series.
    value_label
        Title of the value axis.
    adjusted, adjusted_label
        A second figure of the same series, such as adjusted for the mix of customers, drawn
        dashed; and its word in the legend.
    reference, reference_label
        A level to compare with, such as a target or zero effect, and its word.
    events
        Words of the legend and the first period that differs, such as a new questionnaire: a
        vertical line before it.
    limits, number
        As in :func:`bars`.

    Raises
    ------
    ValueError
        On more than six series, a period given twice or missing, an event at no period of the
        table, and as :func:`bars`.

    Examples
    --------
    >>> table = pd.DataFrame({"wave": ["2024", "2025"], "index": [71.2, 74.9],
    ...                       "conf_low": [69.8, 73.4], "conf_high": [72.6, 76.4]})
    >>> figure = trend_lines(table, "wave", "index", "conf_low", "conf_high",
    ...                      value_label="Index (0–100)")
    """
    columns = [name for name in (low, high, group, adjusted) if name is not None]
    theme.check(table, period, value, *columns)
    rows.interval(table, low, high)
    order = timeline.periods(period, table)
    names = timeline.named(group, table[group]) if group else [""]
    if len(names) > len(LINES):
        raise ValueError(f"a chart over time holds up to {len(LINES)} series, not {len(names)}")
    series = [
        timeline.at(table[table[group] == name] if group else table, period, order)
        for name in names
    ]
    places = np.arange(len(order), dtype=float)
    crowded = len(order) * len(series) > 2 * timeline.FEW
    with theme.style():
        figure, axes = theme.canvas(HEIGHT)
        handles: list[Line2D | Patch] = []
        values, lows, highs, others = [], [], [], []
        for rank, (frame, (colour, dash, marker)) in enumerate(zip(series, LINES, strict=False)):
            values.append(theme.floats(frame, value))
            given = rows.interval(frame, low, high)
            lows.append(given[0])
            highs.append(given[1])
            others.append(theme.floats(frame, adjusted) if adjusted else values[-1])
            shift = 0.0 if crowded else (rank - (len(series) - 1) / 2) * 0.05
            handles += axes.plot(
                places + shift,
                values[-1],
                "-" if adjusted else dash,
                marker=marker,
                color=colour,
                lw=2.2,
                ms=5.5 if crowded else 7.5,
                mec="white",
                zorder=3,
            )
            if crowded:
                timeline.band(axes, places, *given, colour)
            else:
                axes.vlines(places + shift, *given, color=colour, lw=1.8)
            if adjusted:
                axes.plot(
                    places + shift, others[-1], ls=DASH, color=colour, lw=1.5, marker=marker,
                    ms=4.5, mfc="white", zorder=3.2,
                )  # fmt: skip
        words = list(names) if group else []
        handles = handles if group else []
        if adjusted_label is not None:
            handles.append(Line2D([], [], ls=DASH, color=INK, lw=1.5, marker="o", ms=5, mfc="w"))
            words.append(adjusted_label)
        if reference is not None:
            line = axes.axhline(reference, color=INK, lw=1.1, ls=DASH, zorder=1.5)
            if reference_label is not None:
                handles.append(line)
                words.append(reference_label)
        handles += timeline.events(axes, events or {}, order)
        words += list(events or {})
        if handles:
            legends.legend(figure, handles, words)
        span = theme.span(*values, *lows, *highs, *others, pad=0.15, include=[reference])
        theme.value_axis(axes, "y", limits or span, number)
        timeline.axis(axes, order)
        _figures(axes, values, lows, highs, number)
        titles(axes, "", value_label)
        return theme.finish(figure, axes, HEIGHT)


def _figures(
    axes: Axes, values: list[Floats], lows: list[Floats], highs: list[Floats], number: str
) -> None:
    """Of one series every figure is written if all have room, else that of the last period."""
    texts = [[typeset(number, v) if np.isfinite(v) else "" for v in line] for line in values]
    widest = max(theme.inches(text) for text in texts[0])
    if len(values) > 1 or (widest + 0.08) * len(values[0]) > timeline.ACROSS:
        last = [float(line[-1]) for line in values]
        timeline.ends(axes, last, [line[-1] for line in texts], HEIGHT)
        return
    bottom, top = axes.get_ylim()
    for place, text in enumerate(texts[0]):
        if text:
            ends = np.array([line[0][place] for line in (values, lows, highs)])
            ends = ends[np.isfinite(ends)]
            above = (top - ends.max()) * HEIGHT > 0.28 * (top - bottom)
            axes.annotate(
                text,
                (place, ends.max() if above else ends.min()),
                (0, 5 if above else -5),
                textcoords="offset points",
                ha="center",
                va="bottom" if above else "top",
                bbox={"fc": "white", "ec": "none", "pad": 0.5},
            )


def control_chart(
    table: pd.DataFrame,
    period: str,
    value: str,
    centre: str,
    lower: str,
    upper: str,
    signal: str,
    *,
    value_label: str,
    centre_label: str,
    limits_label: str,
    signal_label: str,
    baseline_end: Hashable | None = None,
    baseline_label: str | None = None,
    number: str = "{:.1f}",
) -> Figure:
    """A figure per period between its control limits, with the periods that signal.

    Parameters
    ----------
    table
        One row per period, ordered and with gaps as in :func:`trend_lines`.
    period, value, centre, lower, upper
        Columns: the period, its figure, centre line and limits, drawn stepped as they may
        differ from period to period.
    signal
        A column that is True, or holds a short text such as the number of the rule, where the
        period signals, and False, empty or missing elsewhere. A text is written at the point,
        of a run of periods with the same text at the first.
    value_label, centre_label, limits_label, signal_label
        Title of the axis and words of the legend.
    baseline_end, baseline_label
        Last period of the baseline from which the limits were computed, which is shaded, and
        its word in the legend.
    number
        Format of the figures.

    Raises
    ------
    ValueError
        As :func:`trend_lines`.

    Examples
    --------
    >>> table = pd.DataFrame({"month": ["01", "02", "03"], "share": [0.82, 0.79, 0.66],
    ...                       "centre": 0.8, "lower": 0.7, "upper": 0.9,
    ...                       "signal": ["", "", "1"]})
    >>> figure = control_chart(table, "month", "share", "centre", "lower", "upper", "signal",
    ...                        value_label="Satisfied", centre_label="Mean", number="{:.1%}",
    ...                        limits_label="Control limits", signal_label="Signal")
    """
    theme.check(table, period, value, centre, lower, upper, signal)
    rows.interval(table, lower, upper)
    order = timeline.periods(period, table)
    frame = timeline.at(table, period, order)
    values, middle, low, high = (
        theme.floats(frame, column) for column in (value, centre, lower, upper)
    )
    marks = ["" if pd.isna(mark) or mark is False else mark for mark in frame[signal]]
    signals = np.array([bool(mark) for mark in marks]) & np.isfinite(values)
    written = [
        k
        for k in np.flatnonzero(signals)
        if isinstance(marks[k], str) and not (k and signals[k - 1] and marks[k] == marks[k - 1])
    ]
    texts = [theme.wrap(marks[k], 1.1, size=SMALL, lines=2) for k in written]
    places, edges = np.arange(len(order), dtype=float), np.arange(len(order) + 1) - 0.5
    height = HEIGHT
    while True:
        with theme.style():
            figure, axes = theme.canvas(height)
            for steps, dash, colour in ((middle, DASH, GREY), (low, "-", INK), (high, "-", INK)):
                axes.stairs(steps, edges, baseline=None, color=colour, ls=dash, lw=1, zorder=2)
            few = len(order) <= timeline.FEW
            axes.plot(places, values, color=BLUE, lw=1.6, zorder=2.5)
            axes.plot(places, values, "o", color=BLUE, ms=7 if few else 5, mec="white", zorder=3)
            axes.plot(
                places[signals],
                values[signals],
                "D",
                ms=8.5 if few else 7,
                color=WARNING,
                mec="white",
                zorder=4,
            )
            handles: list[Line2D | Patch] = [
                Line2D([], [], color=GREY, lw=1, ls=DASH),
                Line2D([], [], color=INK, lw=1),
            ]
            words = [centre_label, limits_label]
            if signals.any():
                handles.append(Line2D([], [], ls="", marker="D", ms=8, color=WARNING, mec="white"))
                words.append(signal_label)
            if baseline_end is not None:
                timeline.shade(axes, 0, timeline.position(baseline_end, order, "baseline_end"))
                if baseline_label is not None:
                    handles.append(Patch(fc=TRACK, ec=GREY, lw=0.5))
                    words.append(baseline_label)
            legends.legend(figure, handles, words)
            theme.value_axis(axes, "y", theme.span(values, low, high, middle, pad=0.1), number)
            timeline.axis(axes, order)
            last = [line[np.isfinite(line)][-1:] for line in (low, middle, high)]
            figures = [float(line[0]) for line in last if line.size]
            timeline.ends(axes, figures, [typeset(number, line) for line in figures], height)
            titles(axes, "", value_label)
            theme.finish(figure, axes, height)
            lines = np.column_stack([np.tile(edges[:-1], 3), np.concatenate([low, middle, high])])
            if placing.write(
                axes,
                np.column_stack([places, values])[written],
                texts,
                [WARNING_INK] * len(texts),
                dots=np.column_stack([places, values])[np.isfinite(values)],
                avoid=np.hstack([lines, lines + np.array([1, 0])]),
            ):
                return figure
        height += 0.7
