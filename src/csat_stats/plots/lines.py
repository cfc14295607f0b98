"""Lines over an axis: eigenvalues, a curve with its band, a difference in differences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from csat_stats.results import typeset

from . import legends, theme
from .theme import BLUE, GREY, INK, ORANGE, SMALL, TEXT, WARNING

HEIGHT = 3.0  # of the axes, inches
DASHES = [(0, (5, 3)), (0, (1.5, 1.8)), (0, (6, 2, 1.5, 2)), (0, (2.5, 4))]


def scree(
    frame: pd.DataFrame,
    *,
    position_label: str,
    value_label: str,
    eigenvalue_label: str,
    random_label: str,
    retained: int | None = None,
    retained_label: str | None = None,
) -> Figure:
    """Eigenvalues of the data against those of random data (parallel analysis).

    Parameters
    ----------
    frame
        Columns ``position`` (1, 2, …), ``eigenvalue``, ``random_eigenvalue``.
    position_label, value_label
        Titles of the axes.
    eigenvalue_label, random_label, retained_label
        Words of the legend.
    retained
        How many factors are kept: the figures of these are written beside their points.

    Raises
    ------
    ValueError
        As :func:`bars`.

    Examples
    --------
    >>> frame = pd.DataFrame({"position": [1, 2, 3], "eigenvalue": [2.1, 0.6, 0.3],
    ...                       "random_eigenvalue": [1.1, 1.0, 0.9]})
    >>> figure = scree(frame, position_label="Factor", value_label="Eigenvalue",
    ...                eigenvalue_label="Data", random_label="Random, 95th percentile")
    """
    theme.check(frame, "position", "eigenvalue", "random_eigenvalue")
    position, eigenvalue, random = (
        theme.floats(frame, column) for column in ("position", "eigenvalue", "random_eigenvalue")
    )
    with theme.style():
        figure, axes = theme.canvas(HEIGHT)
        axes.grid(visible=False, axis="x")
        handles = [
            *axes.plot(position, eigenvalue, "-o", color=BLUE, lw=2, ms=7, mec="white", zorder=3),
            *axes.plot(position, random, "--s", color=GREY, lw=1.5, ms=4.5, mec="white"),
        ]
        words = [eigenvalue_label, random_label]
        if retained:
            kept = position <= retained
            for x, y in zip(position[kept], eigenvalue[kept], strict=True):
                axes.annotate(
                    f"{y:.2f}",
                    (x, y),
                    (8, 4),
                    textcoords="offset points",
                    color=INK,
                    bbox={"fc": "white", "ec": "none", "pad": 1},
                )
            if retained_label is not None:
                handles.append(axes.axvline(retained + 0.5, color=INK, lw=1.1, ls=DASHES[0]))
                words.append(retained_label)
        legends.legend(figure, handles, words)
        known = position[np.isfinite(position)]
        first, last = (int(known.min()), int(known.max())) if known.size else (1, 1)
        axes.set_xlim(first - 0.5, last + 0.7)
        step = -(-(last - first + 1) // 15)
        axes.set_xticks(range(first, last + 1, step), list(map(str, range(first, last + 1, step))))
        top = theme.span(eigenvalue, random, pad=0.1, include=[0.0])
        theme.value_axis(axes, "y", (min(0.0, float(np.nanmin([*eigenvalue, 0]))), top[1]), "")
        titles(axes, position_label, value_label)
        return theme.finish(figure, axes, HEIGHT)


def curve(
    frame: pd.DataFrame,
    x: str,
    estimate: str,
    low: str,
    high: str,
    *,
    x_label: str,
    value_label: str,
    thresholds: Mapping[str, float] | None = None,
    limits: tuple[float, float] | None = None,
    number: str = "{:.1%}",
) -> Figure:
    """A curve with its confidence band, such as repurchase over satisfaction.

    Parameters
    ----------
    frame
        One row per point, in any order. A missing value opens a gap in curve and band.
    x, estimate, low, high
        Columns.
    x_label, value_label
        Titles of the axes.
    thresholds
        Words of the legend and the place on the x axis each vertical line stands at.
    limits
        Ends of the value axis; by default what the band needs.
    number
        Format of the value axis; a percent format shows 0–1 as percent.

    Raises
    ------
    ValueError
        As :func:`bars`.

    Examples
    --------
    >>> frame = pd.DataFrame({"csat": [1, 3, 5], "p": [0.1, 0.4, 0.8],
    ...                       "conf_low": [0.05, 0.3, 0.7], "conf_high": [0.2, 0.5, 0.9]})
    >>> figure = curve(frame, "csat", "p", "conf_low", "conf_high", x_label="Satisfaction",
    ...                value_label="Repurchase", thresholds={"steepest at 3.2": 3.2})
    """
    theme.check(frame, x, estimate, low, high)
    frame = frame.sort_values(x)
    places, values, lows, highs = (
        theme.floats(frame, column) for column in (x, estimate, low, high)
    )
    given = thresholds or {}
    with theme.style():
        figure, axes = theme.canvas(HEIGHT)
        axes.fill_between(places, lows, highs, color=BLUE, alpha=0.16, lw=0)
        marker = "o" if np.isfinite(values).sum() <= 12 else ""
        axes.plot(places, values, color=BLUE, lw=2.4, marker=marker, ms=7, mec="white", zorder=3)
        handles = [
            axes.axvline(place, color=WARNING if rank == 0 else INK, lw=1.4, ls=dash)
            for rank, (place, dash) in enumerate(zip(given.values(), DASHES, strict=False))
        ]
        if handles:
            legends.legend(figure, handles, list(given)[: len(handles)])
        across = theme.span(places, pad=0.02, include=list(given.values()))
        theme.value_axis(axes, "x", across, "")
        theme.value_axis(axes, "y", limits or theme.span(values, lows, highs), number)
        titles(axes, x_label, value_label)
        return theme.finish(figure, axes, HEIGHT)


def did_lines(
    frame: pd.DataFrame,
    group: str,
    period: str,
    mean: str,
    low: str,
    high: str,
    *,
    value_label: str,
    limits: tuple[float, float] | None = None,
    number: str = "{:.1f}",
) -> Figure:
    """Two groups over the periods of a difference in differences.

    Parameters
    ----------
    frame
        One row per group and period, both drawn in the order they come: the treated group
        first. A missing mean opens a gap.
    group, period, mean, low, high
        Columns.
    value_label
        Title of the value axis.
    limits, number
        As in :func:`bars`.

    Raises
    ------
    ValueError
        On other than two groups or fewer than two periods, on a cell given twice, and as
        :func:`bars`.

    Examples
    --------
    >>> frame = pd.DataFrame({"group": ["pilot", "pilot", "other", "other"],
    ...                       "period": ["before", "after"] * 2, "mean": [70, 79, 71, 73],
    ...                       "conf_low": [68, 77, 69, 71], "conf_high": [72, 81, 73, 75]})
    >>> figure = did_lines(frame, "group", "period", "mean", "conf_low", "conf_high",
    ...                    value_label="Index (0–100)")
    """
    theme.check(frame, group, period, mean, low, high)
    groups, periods = (list(dict.fromkeys(frame[column])) for column in (group, period))
    if len(groups) != 2 or len(periods) < 2:
        raise ValueError(
            f"two groups and two or more periods are needed, not {len(groups)} and {len(periods)}"
        )
    if frame.duplicated([group, period]).any():
        raise ValueError(f"columns {group!r} and {period!r} must name each cell once")
    cells = [
        frame[frame[group] == name].set_index(period).reindex(periods).reset_index()
        for name in groups
    ]
    means, lows, highs = (
        np.array([theme.floats(cell, column) for cell in cells]) for column in (mean, low, high)
    )
    with theme.style():
        figure, axes = theme.canvas(HEIGHT)
        axes.grid(visible=False, axis="x")
        handles = []
        for row, (colour, dash, marker) in enumerate([(BLUE, "-", "o"), (ORANGE, "--", "s")]):
            places = np.arange(len(periods)) + (-0.025, 0.025)[row]
            handles += axes.plot(
                places, means[row], dash, marker=marker, color=colour, lw=2.2, ms=8, mec="white"
            )
            axes.vlines(places, lows[row], highs[row], color=colour, lw=1.8)
            for column, place in enumerate(places):
                value = means[row, column]
                if not np.isfinite(value):
                    continue
                other = means[1 - row, column]
                above = value > other or (value == other and row == 0) or np.isnan(other)
                end = (
                    np.nanmax([highs[row, column], value])
                    if above
                    else np.nanmin([lows[row, column], value])
                )
                axes.annotate(
                    typeset(number, value),
                    (place, end),
                    (0, 5 if above else -5),
                    textcoords="offset points",
                    ha="center",
                    va="bottom" if above else "top",
                    color=INK,
                )
        legends.legend(figure, handles, groups)
        axes.set_xlim(-0.35, len(periods) - 0.65)
        room = 4.8 / len(periods)
        axes.set_xticks(
            range(len(periods)), [theme.wrap(p, room, size=TEXT) for p in periods], color=INK
        )
        theme.value_axis(axes, "y", limits or theme.span(means, lows, highs, pad=0.15), number)
        titles(axes, "", value_label)
        return theme.finish(figure, axes, HEIGHT)


def titles(axes: Axes, x_label: str, value_label: str) -> None:
    """The value axis has its title upright above it, where it is read without turning."""
    axes.set_xlabel(theme.wrap(x_label, 5.2, size=SMALL), labelpad=6)
    axes.tick_params(length=0)
    axes.set_title(
        theme.wrap(value_label, 5.8, size=SMALL), loc="left", fontsize=SMALL, color=GREY, pad=8
    )
