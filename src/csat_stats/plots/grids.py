"""Several figures per item at once: a radar of dimensions, a heat map of a table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke

from csat_stats.results import typeset

from . import legends, theme
from .theme import AMOUNT, BLUE, GREY, INK, ORANGE, RULE, SATISFACTION, SMALL, TRACK

RADIUS = 1.5  # of full marks, inches
GRADES = [0.0, 0.5, 1.0]
LINES = [(BLUE, "-", "o"), (ORANGE, "--", "s"), ("#009E73", "-.", "^"), ("#CC79A7", ":", "D")]


def radar(
    frame: pd.DataFrame,
    label: str,
    series: Mapping[str, str],
    *,
    maximum: float,
    minimum: float = 0.0,
    number: str = "{:.1f}",
    missing: str = "–",
) -> Figure:
    """Dimensions against full marks, which are the outer ring.

    Parameters
    ----------
    frame
        One row per dimension, three to ten. A missing value opens the outline at its spoke.
    label
        Column of the dimensions.
    series
        Words of the legend and the column each stands for: one to four.
    maximum, minimum
        Full marks, and the value at the centre.
    number, missing
        Format of the figures under each label, and what stands for a missing one.

    Raises
    ------
    ValueError
        On fewer than 3 or more than 10 dimensions, no or more than 4 series, a value beyond
        the scale, and as :func:`bars`.

    Examples
    --------
    >>> frame = pd.DataFrame({"dimension": ["Response", "Repair", "Manner"], "mean": [4, 3, 5]})
    >>> figure = radar(frame, "dimension", {"2025": "mean"}, maximum=5)
    """
    theme.check(frame, label, *series.values())
    count = len(frame)
    if not 3 <= count <= 10:
        raise ValueError(f"a radar needs 3 to 10 dimensions, not {count}: use bars")
    if not 1 <= len(series) <= len(LINES):
        raise ValueError(f"a radar needs 1 to {len(LINES)} series, not {len(series)}")
    columns = {column: theme.floats(frame, column) for column in series.values()}
    for column, values in columns.items():
        if (beyond := values[(values < minimum) | (values > maximum)]).size:
            raise ValueError(
                f"column {column!r} holds {beyond[0]:g}, beyond the scale {minimum:g}–{maximum:g}"
            )
    angles = np.pi / 2 - 2 * np.pi * np.arange(count) / count
    spokes = RADIUS * np.column_stack([np.cos(angles), np.sin(angles)])
    with theme.style():
        figure, axes = theme.canvas(2 * RADIUS)
        axes.set_axis_off()
        for ring in (1.0, 0.8, 0.6, 0.4, 0.2):
            edge, width = (GREY, 1.4) if ring == 1.0 else (RULE, 0.8)
            face = TRACK if ring == 1.0 else "none"
            axes.add_patch(Polygon(ring * spokes, fc=face, ec=edge, lw=width))
            axes.text(
                0.04,
                ring * RADIUS - 0.03,
                theme.tick_text(round(minimum + ring * (maximum - minimum), 9), number),
                va="top",
                fontsize=9,
                color=GREY,
                zorder=5,
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )
        for spoke in spokes:
            axes.plot([0, spoke[0]], [0, spoke[1]], color=RULE, lw=0.8)
        handles: list[Line2D] = []
        for (colour, dash, marker), column in zip(LINES, series.values(), strict=False):
            radii = (columns[column] - minimum) / (maximum - minimum)
            outline = spokes * radii[:, None]
            if not handles and np.isfinite(radii).all():
                axes.add_patch(Polygon(outline, fc=colour, alpha=0.16, lw=0))
            closed = np.vstack([outline, outline[:1]]).T
            handles += axes.plot(
                *closed, dash, color=colour, lw=2, marker=marker, ms=6.5, mec="white", zorder=4
            )
        top, bottom = RADIUS, -RADIUS
        for row, (name, (x, y)) in enumerate(zip(frame[label], spokes, strict=True)):
            shown = [
                typeset(number, values[row]) if np.isfinite(values[row]) else missing
                for values in columns.values()
            ]
            words = theme.wrap("" if pd.isna(name) else name, 1.4)
            text = f"{words}\n{' / '.join(shown)}".strip()
            room = 0.15 + 0.23 * (text.count("\n") + 1)
            top, bottom = max(top, y + room), min(bottom, y - room)
            axes.annotate(
                text,
                (x, y),
                (9 * x / RADIUS, 9 * y / RADIUS),
                textcoords="offset points",
                ha="center" if abs(x) < 0.1 else "left" if x > 0 else "right",
                va="bottom" if y > RADIUS / 2 else "top" if y < -RADIUS / 2 else "center",
                linespacing=1.15,
            )
        if len(series) > 1:
            legends.legend(figure, handles, list(series))
        axes.set_xlim(-theme.ROOM / 2, theme.ROOM / 2)
        axes.set_ylim(bottom, top)
        return theme.finish(figure, axes, top - bottom)


def heatmap(
    table: pd.DataFrame,
    *,
    value_label: str,
    low: float,
    high: float,
    centre: float | None = None,
    number: str = "{:.1f}",
    missing: str = "–",
) -> Figure:
    """A table with its figures on colour.

    Parameters
    ----------
    table
        Rows by columns of numbers; index and column names are the labels. A missing cell,
        such as one suppressed for privacy, is hatched and shows ``missing``.
    value_label
        Title of the colour bar.
    low, high
        Ends of the colour scale; a value beyond takes the colour of the end.
    centre
        Neutral value, such as 0 or a target: below it the colour warns, above it is calm.
        Without one, more is darker.
    number
        Format of the figures.

    Raises
    ------
    ValueError
        On a table without rows or columns, with text in it, or ends in the wrong order.

    Examples
    --------
    >>> table = pd.DataFrame({"Repair": [71.5, 64.0]}, index=["North", "South"])
    >>> figure = heatmap(table, value_label="Index (0–100)", low=0, high=100)
    """
    if not table.shape[1]:
        raise ValueError("the table of the chart has no columns; a chart needs at least one")
    theme.check(table)
    if not low < (high if centre is None else centre) <= high or centre == high:
        raise ValueError(f"the colour scale must rise: low {low}, centre {centre}, high {high}")
    flat = table.set_axis(range(table.shape[1]), axis=1)
    values = np.column_stack([theme.floats(flat, column) for column in flat.columns])
    texts = [
        [typeset(number, value) if np.isfinite(value) else missing for value in row]
        for row in values
    ]
    widest = max(theme.inches(text, SMALL) for row in texts for text in row)
    names = [theme.wrap(name, 1.9) for name in table.index]
    side = max(map(theme.inches, names)) + 0.3
    cell = max((theme.WIDTH - side - 0.1) / len(flat.columns), widest + 0.14)
    heads = [theme.wrap(name, cell - 0.08, size=SMALL, lines=99) for name in table.columns]
    upright = max(head.count("\n") for head in heads) < 3 and cell > 0.6
    if not upright:
        heads = [theme.wrap(n, 1.9, size=SMALL, lines=int(cell / 0.2)) for n in table.columns]
    heights = np.array([max(0.42, (name.count("\n") + 1) * 0.215 + 0.14) for name in names])
    edges = np.concatenate([[0.0], np.cumsum(heights)])
    grades = np.interp(values, [low, (low + high) / 2 if centre is None else centre, high], GRADES)
    scale = AMOUNT if centre is None else SATISFACTION
    with theme.style():
        figure, axes = theme.canvas(edges[-1], side + 0.1 + cell * len(heads))
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlim(0, len(heads))
        pairs = zip(edges[:-1].tolist(), heights.tolist(), strict=True)
        for row, (top, height) in enumerate(pairs):
            for column, value in enumerate(values[row]):
                known = bool(np.isfinite(value))
                colour = scale(grades[row, column]) if known else TRACK
                if not known:
                    hatched = Rectangle((column, top), 1, height, fc=TRACK, hatch="////", lw=0)
                    axes.add_patch(hatched)
                face = colour if known else "none"
                axes.add_patch(Rectangle((column, top), 1, height, fc=face, ec="white", lw=1.6))
                axes.text(
                    column + 0.5,
                    top + height / 2,
                    texts[row][column],
                    ha="center",
                    va="center",
                    fontsize=SMALL,
                    color=theme.readable_on(colour),
                    bbox=None if known else {"fc": TRACK, "ec": "none", "pad": 2},
                    in_layout=False,
                )
        axes.xaxis.tick_top()
        axes.set_xticks(
            np.arange(len(heads)) + 0.5, heads, rotation=0 if upright else 90, color=INK
        )
        axes.set_yticks(edges[:-1] + heights / 2, names, linespacing=1.1)
        axes.tick_params(length=0)
        ticks = [low, high] if centre is None else [low, centre, high]
        tick_texts = [theme.tick_text(tick, number) for tick in ticks]
        bottom = _colour_bar(axes, scale, float(edges[-1]), len(heads), value_label, tick_texts)
        axes.set_ylim(bottom, 0)
        return theme.finish(figure, axes, bottom)


def _colour_bar(
    axes: Axes, scale: Colormap, top: float, width: int, words: str, ticks: list[str]
) -> float:
    """A slim scale under the table, its title above it; where it ends, in inches."""
    title = theme.wrap(words, 4.2, size=SMALL)
    top += 0.22 + 0.19 * (title.count("\n") + 1)
    axes.text(width / 2, top - 0.06, title, ha="center", va="bottom", fontsize=SMALL, color=GREY)
    steps = 48
    for step in range(steps):
        box = (step * width / steps, top), width / steps, 0.12
        axes.add_patch(Rectangle(*box, color=scale(step / (steps - 1)), lw=0.3))
    for place, text in zip(np.linspace(0, 1, len(ticks)), ticks, strict=True):
        side = "left" if place == 0 else "right" if place == 1 else "center"
        axes.text(place * width, top + 0.16, text, ha=side, va="top", fontsize=SMALL, color=GREY)
    return top + 0.34
