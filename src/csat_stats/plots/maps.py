"""Points on a plane of two measures: a map of four quadrants, forecast against outcome."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import legends, placing, rows, theme
from .lines import titles
from .theme import BLUE, GREY, INK, SMALL, WARNING, WARNING_INK

MOST = 30  # points on a map
CORNER = 1.25  # width of the words in a corner, inches
HEIGHT, GROWTH = 3.9, 0.7  # of the axes, inches; by how much they grow until all labels have room


def quadrant_map(
    table: pd.DataFrame,
    label: str,
    x: str,
    y: str,
    *,
    x_cross: float,
    y_cross: float,
    x_label: str,
    y_label: str,
    quadrant_labels: tuple[str, str, str, str],
    x_low: str | None = None,
    x_high: str | None = None,
    y_low: str | None = None,
    y_high: str | None = None,
    emphasise: str | None = None,
    emphasis_label: str | None = None,
    x_number: str = "{:.1f}",
    y_number: str = "{:.1f}",
) -> Figure:
    """Items on a plane cut into four, such as importance over performance.

    Parameters
    ----------
    table
        One row per item, up to 30. An item that lacks one of its two figures has no place and
        is left out.
    label, x, y
        Columns: text and the two figures.
    x_cross, y_cross
        Where the plane is cut, in the units of ``x`` and ``y``.
    x_label, y_label
        Titles of the axes.
    quadrant_labels
        Words in the corners: upper left, upper right, lower left, lower right.
    x_low, x_high, y_low, y_high
        Columns of the ends of the intervals, drawn as a thin cross through the point.
    emphasise, emphasis_label
        A column of True and False: what is true wears the warning colour and a mark of its own;
        and its word in the legend.
    x_number, y_number
        Formats of the axes; a percent format shows 0–1 as percent.

    Raises
    ------
    ValueError
        On more than 30 rows, a plane cut at no number, and as :func:`bars`.

    Examples
    --------
    >>> table = pd.DataFrame({"item": ["Response", "Repair"], "performance": [62.0, 81.0],
    ...                       "importance": [0.31, 0.12]})
    >>> figure = quadrant_map(table, "item", "performance", "importance", x_cross=75,
    ...                       y_cross=0.2, x_label="Performance", y_label="Importance",
    ...                       quadrant_labels=("Improve", "Keep up", "Watch", "Enough"))
    """
    ends = [name for name in (x_low, x_high, y_low, y_high, emphasise) if name is not None]
    theme.check(table, label, x, y, *ends)
    if len(table) > MOST:
        raise ValueError(f"a map holds up to {MOST} points, not {len(table)}: show the foremost")
    for name, cross in (("x_cross", x_cross), ("y_cross", y_cross)):
        if not math.isfinite(cross):
            raise ValueError(f"{name} must be a number, not {cross}")
    places = np.column_stack([theme.floats(table, x), theme.floats(table, y)])
    across, up = rows.interval(table, x_low, x_high), rows.interval(table, y_low, y_high)
    bad = table[emphasise].eq(True).to_numpy(bool) if emphasise else np.zeros(len(table), bool)
    known = np.isfinite(places).all(axis=1)
    height = least = HEIGHT + 0.07 * int(known.sum())
    while True:
        with theme.style():
            figure, axes = theme.canvas(height)
            axes.axvline(x_cross, color=INK, lw=1.1, ls=(0, (4, 3)), zorder=1.5)
            axes.axhline(y_cross, color=INK, lw=1.1, ls=(0, (4, 3)), zorder=1.5)
            axes.hlines(places[:, 1], *across, color=GREY, lw=1, alpha=0.6)
            axes.vlines(places[:, 0], *up, color=GREY, lw=1, alpha=0.6)
            for chosen, colour, marker in ((~bad, BLUE, "o"), (bad, WARNING, "D")):
                axes.plot(
                    *places[chosen].T, ls="", marker=marker, ms=8, color=colour, mec="white",
                    zorder=4,
                )  # fmt: skip
            if emphasis_label is not None and (bad & known).any():
                mark = Line2D([], [], ls="", marker="D", ms=8, color=WARNING, mec="white")
                legends.legend(figure, [mark], [emphasis_label])
            left, right = theme.span(places[known, 0], *across, include=[x_cross], pad=0.08)
            theme.value_axis(axes, "x", (left, right), x_number)
            axes.set_xlim(  # room for the words in the corners on both sides of the cut
                min(left, x_cross - (right - x_cross) / 3),
                max(right, x_cross + (x_cross - left) / 3),
            )
            low, high = theme.span(places[known, 1], *up, include=[y_cross])
            theme.value_axis(axes, "y", (low, high), y_number)
            below, above = _corners(axes, quadrant_labels, height)
            scale = (high - low) / (1 - below - above)
            axes.set_ylim(low - below * scale, high + above * scale)
            titles(axes, x_label, y_label)
            theme.finish(figure, axes, height)
            lines = [[x_cross, -1e9, x_cross, 1e9], [-1e9, y_cross, 1e9, y_cross]]
            if placing.write(
                axes,
                places[known],
                [
                    theme.wrap("" if pd.isna(name) else name, 1.5, size=SMALL)
                    for name in table[label][known]
                ],
                [WARNING_INK if warned else INK for warned in bad[known]],
                strict=height < least + 3 * GROWTH,
                avoid=np.vstack(
                    [
                        lines,
                        np.column_stack([across[0], places[:, 1], across[1], places[:, 1]]),
                        np.column_stack([places[:, 0], up[0], places[:, 0], up[1]]),
                    ]
                ),
            ):
                return figure
        height += GROWTH


def _corners(axes: Axes, words: tuple[str, str, str, str], height: float) -> tuple[float, float]:
    """The words of the quadrants; the parts of the height they take below and above."""
    texts = [theme.wrap(word, CORNER, size=SMALL, lines=2) for word in words]
    for text, right, bottom in zip(texts, (0, 1, 0, 1), (0, 0, 1, 1), strict=True):
        axes.annotate(
            text,
            (right, 1 - bottom),
            (-3 if right else 3, 3 if bottom else -3),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right" if right else "left",
            va="bottom" if bottom else "top",
            fontsize=SMALL,
            color=GREY,
            linespacing=1.05,
            bbox={"fc": "white", "ec": "none", "pad": 1},
            zorder=1.8,
        )
    above, below = (
        (0.24 + 0.19 * max(text.count("\n") for text in pair)) / height
        for pair in (texts[:2], texts[2:])
    )
    return below, above


def calibration(
    table: pd.DataFrame,
    predicted: str,
    observed: str,
    low: str,
    high: str,
    *,
    predicted_label: str,
    observed_label: str,
    diagonal_label: str,
    number: str = "{:.1%}",
) -> Figure:
    """Predicted risk against what came about, with the line on which both agree.

    Parameters
    ----------
    table
        One row per group of similar risk, in any order; a missing figure leaves its point out.
    predicted, observed, low, high
        Columns: mean predicted probability, observed share (both 0–1), ends of its interval.
    predicted_label, observed_label, diagonal_label
        Titles of the axes and word of the legend.
    number
        Format of the axes.

    Raises
    ------
    ValueError
        On a figure beyond 0–1, and as :func:`bars`.

    Examples
    --------
    >>> table = pd.DataFrame({"predicted": [0.05, 0.21], "observed": [0.04, 0.25],
    ...                       "conf_low": [0.02, 0.18], "conf_high": [0.08, 0.33]})
    >>> figure = calibration(table, "predicted", "observed", "conf_low", "conf_high",
    ...                      predicted_label="Predicted", observed_label="Observed",
    ...                      diagonal_label="Perfect agreement")
    """
    theme.check(table, predicted, observed, low, high)
    risk, share = theme.floats(table, predicted), theme.floats(table, observed)
    lows, highs = rows.interval(table, low, high)
    for column, figures in ((predicted, risk), (observed, share)):
        if (beyond := figures[(figures < 0) | (figures > 1)]).size:
            raise ValueError(f"column {column!r} holds {beyond[0]:g}, beyond the scale 0–1")
    limits = theme.span(risk, share, lows, highs)
    with theme.style():
        figure, axes = theme.canvas(HEIGHT)
        diagonal = axes.plot(limits, limits, color=INK, lw=1.1, ls=(0, (4, 3)), zorder=1.5)
        axes.vlines(risk, lows, highs, color=BLUE, lw=1.8)
        axes.plot(risk, share, "o", ms=8, color=BLUE, mec="white", zorder=4)
        legends.legend(figure, diagonal, [diagonal_label])
        theme.value_axis(axes, "x", limits, number)
        theme.value_axis(axes, "y", limits, number)
        titles(axes, predicted_label, observed_label)
        return theme.finish(figure, axes, HEIGHT)
