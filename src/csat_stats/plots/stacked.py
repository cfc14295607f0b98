"""Stacked bars of shares: answers to items, promoters and detractors."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from csat_stats.results import typeset

from . import legends, rows, theme
from .theme import BLUE, GREY, INK, SATISFACTION, WARNING


def likert(
    frame: pd.DataFrame,
    *,
    levels: Sequence[Hashable],
    level_labels: Mapping[Hashable, str],
    base_label: str | None = None,
    number: str = "{:.1%}",
    missing: str = "–",
) -> Figure:
    """Diverging stacked bars, centred on the neutral level.

    Parameters
    ----------
    frame
        Columns ``item``, ``level``, ``share`` (0–1), and ``n`` when ``base_label`` is given.
        Items are drawn in the order they come; a level that an item lacks has share 0, an item
        with a missing share is left empty.
    levels, level_labels
        The levels from worst to best and their words; of an odd number the middle is neutral.
    base_label
        Head of the column of bases at the right, such as "n".
    number
        Format of a share; written where the segment is wide enough.

    Raises
    ------
    ValueError
        As :func:`bars`; on a level not in ``levels``; on shares of an item that do not sum to 1.

    Examples
    --------
    >>> frame = pd.DataFrame({"item": "Repair", "level": [1, 2, 3], "share": [0.1, 0.2, 0.7]})
    >>> figure = likert(frame, levels=[1, 2, 3], level_labels={1: "bad", 2: "so-so", 3: "good"})
    """
    theme.check(frame, "item", "level", "share", *(["n"] if base_label else []))
    given = theme.floats(frame, "share")
    if unknown := sorted(set(frame["level"]) - set(levels), key=str):
        raise ValueError(f"level {unknown[0]!r} is not one of {list(levels)}")
    items = list(dict.fromkeys(frame["item"]))
    shares = np.zeros((len(items), len(levels)))
    for item, level, share in zip(frame["item"], frame["level"], given, strict=True):
        shares[items.index(item), list(levels).index(level)] += share
    for item, total in zip(items, shares.sum(axis=1), strict=True):
        if np.isfinite(total) and abs(total - 1) > 0.005:
            raise ValueError(f"the shares of item {item!r} sum to {total:.3f}, not to 1")
    weights = np.array([1.0] * (len(levels) // 2) + [0.5] * (len(levels) % 2))
    starts = np.cumsum(shares, axis=1) - shares - (shares[:, : len(weights)] @ weights)[:, None]
    known = np.isfinite(shares).all(axis=1)
    ends = (starts + shares)[known]
    low, high = (min(starts[known].min(), -0.05), max(ends.max(), 0.05)) if known.any() else (-1, 1)
    with theme.style():
        figure, axes, centres, height = rows.rows(pd.Series(items), bar=0.3)
        colours = SATISFACTION(np.linspace(0, 1, len(levels)))
        axes.set_xlim(low, high)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        for column, colour in enumerate(colours):
            axes.barh(
                centres[known],
                shares[known, column],
                0.3,
                starts[known, column],
                color=colour,
                ec="white",
                lw=0.8,
            )
        axes.axvline(0, color=INK, lw=0.9, ls=(0, (2, 2)), zorder=0.5)
        if base_label:
            bases = frame.drop_duplicates("item")["n"]
            texts = [missing if pd.isna(n) else f"{n:,.0f}" for n in bases]
            rows.column(axes, centres, texts, [GREY] * len(items), head=base_label)
        rows.column(
            axes, centres[~known], [missing] * int((~known).sum()), [GREY] * len(items), at=0
        )
        handles = [Patch(color=colour) for colour in colours]
        legends.legend(figure, handles, [level_labels[level] for level in levels])
        theme.finish(figure, axes, height)
        room = axes.get_position().width * figure.get_figwidth() / (high - low)
        for row in np.flatnonzero(known):
            for column, share in enumerate(shares[row]):
                rows.inside(
                    axes, starts[row, column], share, centres[row], colours[column], room, number
                )
        return figure


def nps_bar(
    detractors: float,
    passives: float,
    promoters: float,
    *,
    labels: tuple[str, str, str],
    score_label: str | None = None,
    number: str = "{:.1%}",
) -> Figure:
    """Detractors, passives and promoters as one stacked bar.

    Parameters
    ----------
    detractors, passives, promoters
        Shares (0–1) that sum to 1.
    labels
        Words for the three, in this order.
    score_label
        Words at the right of the bar, such as "NPS +38.5".

    Raises
    ------
    ValueError
        When the shares do not sum to 1.

    Examples
    --------
    >>> figure = nps_bar(0.1, 0.4, 0.5, labels=("Detractors", "Passives", "Promoters"))
    """
    shares = np.array([detractors, passives, promoters], dtype=float)
    if not abs(shares.sum() - 1) <= 0.005 or (shares < 0).any():
        raise ValueError(f"the three shares must sum to 1, not to {shares.sum():.3f}")
    starts = np.cumsum(shares) - shares
    colours = [WARNING, "#E4E6E8", BLUE]
    score = "" if score_label is None else theme.wrap(score_label, 1.6, size=16)
    room = theme.WIDTH - 0.5 - theme.inches(score, 16)
    with theme.style():
        figure, axes = theme.canvas(0.55)
        axes.set_xlim(0, 1)
        axes.set_ylim(0.5, 0)
        axes.set_axis_off()
        axes.barh([0.25] * 3, shares, 0.44, starts, color=colours, ec="white", lw=1.2)
        words = list(labels)
        for part, (start, share, colour) in enumerate(zip(starts, shares, colours, strict=True)):
            if not rows.inside(axes, start, share, 0.25, colour, room, number):
                words[part] += f" {typeset(number, share)}"
        axes.annotate(
            score,
            (1, 0.25),
            (10, 0),
            textcoords="offset points",
            va="center",
            fontsize=16,
            annotation_clip=False,
        )
        legends.legend(figure, [Patch(color=colour) for colour in colours], words)
        return theme.finish(figure, axes, 0.55)
