"""Horizontal bars with intervals, and before against after."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from csat_stats.results import typeset

from . import legends, rows, theme
from .theme import BLUE, GREY, INK, TRACK, WARNING, WARNING_INK


def bars(
    frame: pd.DataFrame,
    label: str,
    value: str,
    low: str | None = None,
    high: str | None = None,
    *,
    value_label: str,
    reference: float | None = None,
    reference_label: str | None = None,
    limits: tuple[float, float] | None = None,
    colours_by: str | None = None,
    level_labels: Mapping[str, str] | None = None,
    number: str = "{:.1f}",
    missing: str = "–",
) -> Figure:
    """Horizontal bars with interval whiskers, in the order of the rows.

    Parameters
    ----------
    frame
        One row per bar. A missing value leaves its row empty but for ``missing``; a missing
        end of an interval leaves out the whisker.
    label, value, low, high
        Columns: text, figure, ends of its interval (both or none).
    value_label
        Title of the value axis.
    reference, reference_label
        A target, in the unit of ``value``, drawn as a dashed line, and its words.
    limits
        Ends of the scale, such as ``(0, 100)``; by default zero to the largest value.
    colours_by
        A column of finding levels (``met``, ``watch``, ``not_met``, ``not_estimable``): colour
        and mark; or of numbers within ``limits``: graded from warning to calm, with the
        neutral colour at ``reference`` or else in the middle.
    level_labels
        Words of the levels, for the legend.
    number
        Format of the figures; a percent format puts percent on the axis too.

    Raises
    ------
    ValueError
        On a frame without rows, a column it does not have or that holds text for numbers.

    Examples
    --------
    >>> frame = pd.DataFrame({"dimension": ["Response", "Repair"], "index": [81.2, 64.9]})
    >>> figure = bars(frame, "dimension", "index", value_label="Index (0–100)", limits=(0, 100))
    """
    names = [name for name in (low, high, colours_by) if name is not None]
    theme.check(frame, label, value, *names)
    values = theme.floats(frame, value)
    lows, highs = rows.interval(frame, low, high)
    if limits is None:
        ends = theme.span(values, lows, highs, include=[0.0, reference])
        limits = (
            min(0.0, ends[0]) if np.nanmin([*values, *lows, 0.0]) < 0 else 0.0,
            max(0.0, ends[1]),
        )
    with theme.style():
        figure, axes, centres, height = rows.rows(frame[label])
        colours, marks = rows.levels(figure, frame, colours_by, level_labels, limits, reference)
        start = min(max(0.0, limits[0]), limits[1])
        axes.barh(centres, limits[1] - limits[0], rows.BAR, limits[0], color=TRACK, zorder=0.5)
        shown = np.isfinite(values)
        axes.barh(
            centres[shown],
            np.clip(values[shown], *limits) - start,
            rows.BAR,
            start,
            color=[colour for colour, here in zip(colours, shown, strict=True) if here],
        )
        for y, left, right in zip(centres, lows, highs, strict=True):
            rows.whisker(axes, y, left, right, limits, INK, cap=0.05)
        rows.reference(axes, reference, reference_label)
        texts = [
            f"{mark} {typeset(number, figure_)}".strip() if here else missing
            for figure_, mark, here in zip(values, marks, shown, strict=True)
        ]
        rows.column(axes, centres, texts, [INK if here else GREY for here in shown])
        theme.value_axis(axes, "x", limits, number)
        rows.axis_title(axes, value_label)
        return theme.finish(figure, axes, height)


def dumbbell(
    frame: pd.DataFrame,
    label: str,
    before: str,
    after: str,
    *,
    before_label: str,
    after_label: str,
    value_label: str,
    limits: tuple[float, float] | None = None,
    target: str | None = None,
    target_label: str | None = None,
    higher_is_better: bool | None = True,
    number: str = "{:.1f}",
    missing: str = "–",
) -> Figure:
    """Before and after on one line per row; what got worse wears the warning colour.

    Parameters
    ----------
    frame
        One row per item. Where one of the two figures is missing the other stands alone.
    label, before, after, target
        Columns: text, the two figures, and optionally the target of the row.
    before_label, after_label, target_label, value_label
        Words of the legend and title of the axis.
    higher_is_better
        False for times, complaints and other figures that should fall; None where neither
        direction is worse.
    limits, number, missing
        As in :func:`bars`.

    Raises
    ------
    ValueError
        As :func:`bars`.

    Examples
    --------
    >>> frame = pd.DataFrame({"dimension": ["Response"], "before": [2.8], "after": [3.7]})
    >>> figure = dumbbell(frame, "dimension", "before", "after", before_label="2024",
    ...                   after_label="2025", value_label="Mean (1–5)", limits=(1, 5))
    """
    theme.check(frame, label, before, after, *([target] if target else []))
    old, new = (theme.floats(frame, column) for column in (before, after))
    goals = theme.floats(frame, target) if target else np.full(len(frame), np.nan)
    limits = limits or theme.span(old, new, goals, pad=0.12)
    worse = {True: new < old, False: new > old, None: np.zeros(len(frame), dtype=bool)}[
        higher_is_better
    ]
    with theme.style():
        figure, axes, centres, height = rows.rows(frame[label])
        axes.hlines(centres, *limits, color=TRACK, lw=6, zorder=0.5)
        for y, first, last, goal, bad in zip(centres, old, new, goals, worse, strict=True):
            colour = WARNING if bad else BLUE
            axes.plot([first, last], [y, y], color=colour, lw=2.6, alpha=0.55)
            axes.plot(first, y, "o", ms=8, color="white", mec=GREY, mew=1.8, zorder=3)
            axes.plot(last, y, "o", ms=9.5, color=colour, mec="white", mew=1.2, zorder=4)
            axes.plot([goal, goal], [y - 0.13, y + 0.13], color=INK, lw=1.8, zorder=3.5)
        texts = [
            " → ".join(typeset(number, part) if np.isfinite(part) else missing for part in pair)
            for pair in zip(old, new, strict=True)
        ]
        rows.column(axes, centres, texts, [WARNING_INK if bad else INK for bad in worse])
        handles = [
            Line2D([], [], ls="", marker="o", ms=8, color="white", mec=GREY, mew=1.8),
            Line2D([], [], ls="", marker="o", ms=9, color=BLUE, mec="white"),
        ]
        words = [before_label, after_label]
        if target_label is not None and np.isfinite(goals).any():
            handles.append(Line2D([], [], ls="", marker="|", ms=12, mew=1.8, color=INK))
            words.append(target_label)
        legends.legend(figure, handles, words)
        theme.value_axis(axes, "x", limits, number)
        rows.axis_title(axes, value_label)
        return theme.finish(figure, axes, height)
