"""Estimates with their intervals, on a linear or a logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from csat_stats.results import typeset

from . import rows, theme
from .theme import GREY, INK, TRACK, Floats


def intervals(
    frame: pd.DataFrame,
    label: str,
    estimate: str,
    low: str,
    high: str,
    *,
    value_label: str,
    log: bool = False,
    reference: float | None = None,
    reference_label: str | None = None,
    limits: tuple[float, float] | None = None,
    colours_by: str | None = None,
    level_labels: Mapping[str, str] | None = None,
    number: str = "{:.1f}",
    missing: str = "–",
) -> Figure:
    """A point and its interval per row, the figures in a column at the right.

    Parameters
    ----------
    frame, label, estimate, low, high, value_label, reference, reference_label, limits, number
        As in :func:`bars`. An interval that leaves ``limits`` ends in an arrow head.
    log
        Whether the axis is logarithmic; then all figures must be above zero.
    colours_by, level_labels
        A column of finding levels or numbers, and the words of the levels, as in :func:`bars`.
    missing
        What stands for a missing estimate.

    Raises
    ------
    ValueError
        As :func:`bars`, and on a figure of zero or below on a logarithmic axis.

    Examples
    --------
    >>> frame = pd.DataFrame({"wave": ["2024", "2025"], "nps": [31.0, 38.5],
    ...                       "conf_low": [26.1, 33.9], "conf_high": [35.9, 43.1]})
    >>> figure = intervals(frame, "wave", "nps", "conf_low", "conf_high", value_label="NPS")
    """
    columns = [label, estimate, low, high, *([colours_by] if colours_by else [])]
    theme.check(frame, *columns)
    values = theme.floats(frame, estimate)
    lows, highs = rows.interval(frame, low, high)
    if log and (values <= 0).any():
        raise ValueError(
            f"column {estimate!r} holds {values[values <= 0][0]:g}; "
            "a logarithmic axis needs figures above zero"
        )
    limits = limits or _limits(values, lows, highs, reference, log)
    shown = np.isfinite(values)
    with theme.style():
        figure, axes, centres, height = rows.rows(frame[label])
        colours, marks = rows.levels(figure, frame, colours_by, level_labels, limits, reference)
        if log:
            axes.set_xscale("log")
        axes.hlines(centres, *limits, color=TRACK, lw=6, zorder=0.5)
        rows.reference(axes, reference, reference_label)
        for row in np.flatnonzero(shown):
            point, colour = values[row], colours[row]
            rows.whisker(axes, centres[row], lows[row], highs[row], limits, colour, width=2.4)
            if limits[0] <= point <= limits[1]:
                axes.plot(point, centres[row], "o", ms=8.5, color=colour, mec="white", zorder=4)
        texts = [
            f"{mark} {_figures(value, left, right, number)}".strip() if here else missing
            for here, mark, value, left, right in zip(
                shown, marks, values, lows, highs, strict=True
            )
        ]
        rows.column(axes, centres, texts, [INK if here else GREY for here in shown])
        if log:
            _log_axis(axes, limits)
        else:
            theme.value_axis(axes, "x", limits, number)
        rows.axis_title(axes, value_label)
        return theme.finish(figure, axes, height)


def forest(
    frame: pd.DataFrame,
    label: str,
    estimate: str,
    low: str,
    high: str,
    *,
    value_label: str,
    log: bool = True,
    reference: float = 1.0,
    limits: tuple[float, float] | None = None,
    colours_by: str | None = None,
    level_labels: Mapping[str, str] | None = None,
    number: str = "{:.2f}",
    missing: str = "–",
) -> Figure:
    """Odds ratios (or other effects) against the line of no effect; else :func:`intervals`.

    Examples
    --------
    >>> frame = pd.DataFrame({"driver": ["Response"], "estimate": [1.84],
    ...                       "conf_low": [1.31], "conf_high": [2.58]})
    >>> figure = forest(frame, "driver", "estimate", "conf_low", "conf_high",
    ...                 value_label="Odds ratio")
    """
    return intervals(
        frame,
        label,
        estimate,
        low,
        high,
        value_label=value_label,
        log=log,
        reference=reference,
        limits=limits,
        colours_by=colours_by,
        level_labels=level_labels,
        number=number,
        missing=missing,
    )


def _figures(value: float, low: float, high: float, number: str) -> str:
    text = typeset(number, value)
    if np.isnan(low) or np.isnan(high):
        return text
    ends = ["∞" if np.isinf(end) else typeset(number, end) for end in (low, high)]
    return f"{text} [{ends[0]}, {ends[1]}]"


def _limits(
    values: Floats, lows: Floats, highs: Floats, reference: float | None, log: bool
) -> tuple[float, float]:
    """Room for the intervals, but of a ratio no more than twenty times beyond the estimates."""
    if not log:
        return theme.span(values, lows, highs, include=[reference])
    known = values[np.isfinite(values)]
    if not known.size:
        return (0.5, 2.0)
    lows = np.clip(lows, known.min() / 20, None)
    highs = np.clip(highs, None, known.max() * 20)
    low, high = theme.span(
        np.log(known), np.log(lows), np.log(highs), include=[reference and float(np.log(reference))]
    )
    return float(np.exp(low)), float(np.exp(high))


def _log_axis(axes: Axes, limits: tuple[float, float]) -> None:
    """Ticks at 1, 2, 5 or sparser, over a short range at round values."""
    low, high = limits
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= 6:
            break
    if len(ticks) < 3:
        ticks = [tick for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [theme.tick_text(tick, "") for tick in ticks])
    axes.set_xticks([], minor=True)
