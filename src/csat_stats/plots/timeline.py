"""What charts over time share: the periods in order, their axis, bands, figures at the end."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from itertools import cycle, pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy.optimize import isotonic_regression

from csat_stats.results import typeset

from . import theme
from .lines import DASHES
from .theme import INK, SMALL, TEXT, TRACK, WARNING, Floats

ACROSS = 5.1  # of the time axis, inches
GAP = 0.12  # between names of periods
EDGE = 0.8  # widest name of a period that does not reach beyond the axis at its ends
STEPS = (1, 2, 3, 4, 6, 8, 12, 18, 24, 36)
FEW = 24  # points that are told apart: beyond, no marks and bands for whiskers


def periods(column: str, *frames: pd.DataFrame) -> list[Hashable]:
    """The periods of the frames: text in the order it first comes, others in their own order.

    Between months (quarters, …) given as :class:`pandas.Period` none is left out.
    """
    known = named(column, pd.concat([frame[column].astype(object) for frame in frames]))
    if all(isinstance(value, pd.Period) for value in known):
        return list(pd.period_range(min(known), max(known)))
    if any(isinstance(value, str) for value in known):
        return known
    return sorted(known)


def named(column: str, values: pd.Series) -> list[Any]:
    """What the column holds, each once; a row without a name is refused."""
    if (missing := np.flatnonzero(values.isna())).size:
        raise ValueError(f"column {column!r} is empty in row {missing[0]}")
    return list(dict.fromkeys(values))


def at(frame: pd.DataFrame, column: str, order: Sequence[Hashable]) -> pd.DataFrame:
    """The frame with one row for every period; a period named twice is refused."""
    if (twice := frame[column].duplicated()).any():
        again = _text(frame[column][twice].iloc[0])
        raise ValueError(f"column {column!r} must name each period once, not {again!r} twice")
    return frame.set_index(frame[column].astype(object)).reindex(order)


def position(period: Hashable, order: Sequence[Hashable], name: str) -> int:
    if period not in order:
        ends = f"{_text(order[0])} to {_text(order[-1])}"
        raise ValueError(f"{name} {_text(period)!r} is not one of the periods {ends}")
    return order.index(period)


def _text(period: Hashable) -> str:
    if isinstance(period, int | float | np.number):
        return typeset("{}", period)
    return str(period.date() if isinstance(period, datetime) else period)


def axis(axes: Axes, order: Sequence[Hashable]) -> None:
    """Every period has its place; every second, third … its name, if all have no room."""
    texts = [theme.printable(_text(period)) for period in order]
    for step in [*(step for step in STEPS if step < len(texts)), len(texts)]:
        part = step / len(texts)  # a wide name at the end makes the axis shorter
        room = min(ACROSS * part - GAP, ((ACROSS + EDGE) * part - GAP) / (1 + part))
        shown = [theme.wrap(text, room, size=SMALL, lines=2) for text in texts[::step]]
        if all(map(_is_whole, shown, texts[::step])):
            break
    axes.set_xlim(-0.6, len(texts) - 0.4)
    axes.set_xticks(range(0, len(texts), step), shown)
    axes.tick_params(axis="x", pad=6)
    axes.grid(visible=False, axis="x")


def _is_whole(wrapped: str, text: str) -> bool:
    """Whether nothing is cut and no word broken."""
    lines = wrapped.split("\n")
    broken = any((a[-1:] + b[:1]).isascii() and a + b in text for a, b in pairwise(lines))
    return not broken and (text.endswith("…") or not wrapped.endswith("…"))


def band(axes: Axes, places: Floats, low: Floats, high: Floats, colour: str) -> None:
    """An interval over time; where both neighbours are missing, a whisker."""
    axes.fill_between(places, low, high, color=colour, alpha=0.16, lw=0)
    known = np.isfinite(low) & np.isfinite(high)
    around = np.pad(known, 1)
    alone = known & ~around[:-2] & ~around[2:]
    axes.vlines(places[alone], low[alone], high[alone], color=colour, lw=6, alpha=0.16)


def events(axes: Axes, given: Mapping[str, Hashable], order: Sequence[Hashable]) -> list[Line2D]:
    """A vertical line before each period with which something began."""
    return [
        axes.axvline(
            position(period, order, "event") - 0.5,
            color=WARNING if rank == 0 else INK,
            lw=1.4,
            ls=dash,
        )
        for rank, (period, dash) in enumerate(zip(given.values(), cycle(DASHES)))
    ]


def shade(axes: Axes, start: int, end: int, colour: str = TRACK, alpha: float = 1.0) -> None:
    axes.axvspan(start - 0.5, end + 0.5, color=colour, alpha=alpha, lw=0, zorder=0.2)


def ends(axes: Axes, values: Sequence[float], texts: Sequence[str], height: float) -> None:
    """Figures at the right of the axes, each at its value or as near as the others let it."""
    known = sorted(
        (value, text) for value, text in zip(values, texts, strict=True) if np.isfinite(value)
    )
    if not known:
        return
    low, high = axes.get_ylim()
    line = (high - low) * 0.19 / height
    apart = line * np.arange(len(known))
    wanted = np.array([value for value, _ in known])
    spread = isotonic_regression(wanted - apart).x
    places = np.clip(spread, low, high - apart[-1]) + apart
    for place, (_, text) in zip(places, known, strict=True):
        axes.annotate(
            text,
            (1, float(place)),
            (4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=TEXT if len(known) == 1 else SMALL,
            color=INK,
            annotation_clip=False,
        )
