"""Legends: what the colours and marks of a chart stand for."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import theme


def legend(figure: Figure, handles: Sequence[Line2D | Patch], words: Sequence[object]) -> None:
    """A legend above the axes: as many entries side by side as fit."""
    room = figure.get_figwidth() - 0.4
    texts = [theme.printable(word) for word in words]
    widths = [theme.inches(text, theme.SMALL) + 0.6 for text in texts]
    columns = max(len(texts), 1)
    while columns > 1 and sum(map(max, _filled(widths, columns))) > room:
        columns -= 1
    one_row = columns == len(texts)
    figure.legend(
        list(handles),
        texts
        if columns > 1
        else [theme.wrap(text, room - 0.6, size=theme.SMALL) for text in texts],
        loc="outside upper center" if one_row else "outside upper left",
        ncols=columns,
        handlelength=1.6,
        handletextpad=0.5,
        columnspacing=1.6,
        borderpad=0.2,
        borderaxespad=0.3,
    )


def _filled(widths: Sequence[float], columns: int) -> list[Sequence[float]]:
    """The entries of each column, as matplotlib fills them: one column after the other."""
    each, longer = divmod(len(widths), columns)
    starts = [0, *np.cumsum([each + (c < longer) for c in range(columns)])]
    return [widths[start:end] for start, end in itertools.pairwise(starts)]


def level_legend(figure: Figure, present: Sequence[Hashable], words: Mapping[str, str]) -> None:
    """The levels of a finding that occur, each with its colour, mark and word."""
    shown = [level for level in theme.LEVELS if level in set(present) and level in words]
    handles = [Patch(color=theme.LEVELS[level][0]) for level in shown]
    if shown:
        legend(
            figure, handles, [f"{theme.LEVELS[level][1]} {words[level]}".strip() for level in shown]
        )
