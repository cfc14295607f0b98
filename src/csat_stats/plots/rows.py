"""Charts with one labelled row per item: bars, intervals, odds ratios, before and after, Likert.

The y axis is measured in inches: a row is as tall as its wrapped label needs, and a bar as
thick in a chart of two rows as in one of twenty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from csat_stats.results import typeset

from . import legends, theme
from .theme import BLUE, GREY, INK, LEVELS, SATISFACTION, SMALL, Floats

LABELS = 2.1  # widest label, inches
ROW, LINE, GAP = 0.4, 0.215, 0.16  # least height of a row, height of a line, air between rows
BAR = 0.22


def rows(labels: pd.Series, bar: float = BAR) -> tuple[Figure, Axes, Floats, float]:
    """Axes with the labels wrapped, the centre of each row, and the height of all in inches."""
    texts = [theme.wrap("" if pd.isna(label) else label, LABELS) for label in labels]
    least = ROW + bar - BAR
    heights = np.array([max(least, (text.count("\n") + 1) * LINE + GAP) for text in texts])
    centres = np.cumsum(heights) - heights / 2
    total = float(heights.sum())
    figure, axes = theme.canvas(total)
    axes.set_ylim(total, 0)
    axes.set_yticks(centres, texts, linespacing=1.1)
    axes.tick_params(length=0)
    axes.grid(visible=False, axis="y")
    return figure, axes, centres, total


def interval(frame: pd.DataFrame, low: str | None, high: str | None) -> tuple[Floats, Floats]:
    if low is None or high is None:
        return np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    lows, highs = theme.floats(frame, low), theme.floats(frame, high)
    if (wrong := np.flatnonzero(lows > highs)).size:
        raise ValueError(
            f"{low!r} is {lows[wrong[0]]:g} and {high!r} {highs[wrong[0]]:g} "
            f"in row {wrong[0]}; an interval ends above where it begins"
        )
    return lows, highs


def levels(
    figure: Figure,
    frame: pd.DataFrame,
    column: str | None,
    words: Mapping[str, str] | None,
    limits: tuple[float, float],
    neutral: float | None,
) -> tuple[list[object], list[str]]:
    """Colour and mark of each row; of numbers, the grade between the limits."""
    if column is None:
        return [BLUE] * len(frame), [""] * len(frame)
    if pd.api.types.is_numeric_dtype(frame[column]):
        middle = sum(limits) / 2 if neutral is None else neutral
        grades = np.interp(theme.floats(frame, column), [limits[0], middle, limits[1]], [0, 0.5, 1])
        return list(SATISFACTION(np.nan_to_num(grades, nan=0.5))), [""] * len(frame)
    levels = frame[column].fillna("not_estimable")
    if unknown := set(levels) - set(LEVELS):
        raise ValueError(f"level {min(unknown, key=str)!r} is not one of {list(LEVELS)}")
    legends.level_legend(figure, list(levels), words or {})
    return [LEVELS[level][0] for level in levels], [LEVELS[level][1] for level in levels]


def whisker(
    axes: Axes,
    y: float,
    low: float,
    high: float,
    limits: tuple[float, float],
    colour: object,
    *,
    cap: float = 0.0,
    width: float = 1.3,
) -> None:
    """An interval; an end beyond the limits becomes an arrow head at the limit."""
    if np.isnan(low) or np.isnan(high) or high < limits[0] or low > limits[1]:
        return
    ends = np.clip([low, high], *limits)
    axes.plot(ends, [y, y], color=colour, lw=width, solid_capstyle="butt", zorder=3)
    for end, true, arrow in zip(ends, (low, high), "<>", strict=True):
        if end != true:
            axes.plot(end, y, arrow, ms=6, color=colour, clip_on=False, zorder=3)
        elif cap:
            axes.plot([end, end], [y - cap, y + cap], color=colour, lw=width, zorder=3)


def reference(axes: Axes, value: float | None, words: str | None) -> None:
    if value is None:
        return
    axes.axvline(value, color=INK, lw=1.1, ls=(0, (4, 3)), zorder=2.5)
    if words is not None:
        axes.annotate(
            theme.wrap(words, 3.0, size=SMALL),
            (value, 1),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
            color=INK,
            annotation_clip=False,
        )


def column(
    axes: Axes,
    centres: Floats,
    texts: Sequence[str],
    colours: Sequence[object],
    *,
    head: str | None = None,
    at: float = 1.0,
) -> None:
    """Texts aligned at the right, outside the axes (or centred at ``at`` within them)."""
    texts = [theme.printable(text) for text in texts]
    width = max((theme.inches(text) for text in texts), default=0.0) * 72
    if head is not None:
        head = theme.wrap(head, 1.2, size=SMALL)
        width = max(width, theme.inches(head, SMALL) * 72)
        axes.annotate(
            head,
            (at, 1),
            (width + 9, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            fontsize=SMALL,
            color=GREY,
            annotation_clip=False,
        )
    for y, text, colour in zip(centres, texts, colours, strict=False):
        axes.annotate(
            text,
            (at, y),
            (width + 9, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="center",
            color=colour,
            annotation_clip=False,
        )


def axis_title(axes: Axes, words: str) -> None:
    axes.set_xlabel(theme.wrap(words, 3.4, size=SMALL), labelpad=6)


def inside(
    axes: Axes, start: float, share: float, y: float, colour: object, room: float, number: str
) -> bool:
    """Write the share into its segment if it fits; ``room`` is inches per unit of the axis."""
    text = typeset(number, share)
    fits = theme.inches(text, SMALL) + 0.08 <= share * room
    if fits:
        axes.text(
            start + share / 2,
            y,
            text,
            ha="center",
            va="center_baseline",
            fontsize=SMALL,
            color=theme.readable_on(colour),
        )
    return fits
