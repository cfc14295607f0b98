"""Text that fits its box: measured by the width of its characters, shortened by clauses.

Boxes are in inches, sizes in points. Lines have an exact height, so a text takes the same room
whatever font the reader's machine puts in.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from pptx.enum.dml import MSO_THEME_COLOR

from csat_stats.plots import theme

LINE = 1.3  # height of a line, in sizes of its font
_WIDER = 1.2  # Latin letters: bold, and in fonts wider than the one measured
_STOPS = " 。；，：！？.;,:!?"
_CLAUSE = re.compile(r"(?<=[。；，：！？])|(?<=[.;,:!?])\s+")


class Piece(NamedTuple):
    """A run of text; ``colour`` is like #0b5570 or of the theme. None is as its surroundings."""

    text: str
    bold: bool | None = False
    colour: str | MSO_THEME_COLOR | None = MSO_THEME_COLOR.TEXT_1


Paragraph = Sequence[Piece]


def height(paragraphs: Sequence[Paragraph], size: float, width: float) -> float:
    """Inches that paragraphs at ``size`` take in a box ``width`` inches wide."""
    return sum(
        lines("".join(piece.text for piece in pieces), size, width) * size * LINE / 72
        for pieces in paragraphs
    )


@lru_cache(maxsize=4096)
def lines(text: str, size: float, width: float) -> int:
    """Lines that ``text`` takes at ``size`` points in ``width`` inches.

    >>> lines("满意度" * 10, 24, 5)
    2
    """
    return theme.wrap(text, width / _wider(text), size=size, lines=999).count("\n") + 1


def width(text: str, size: float) -> float:
    """Inches that ``text`` takes on one line."""
    return theme.inches(theme.printable(text), size) * _wider(text)


def _wider(text: str) -> float:
    """Chinese characters have the same width in every font, others have not."""
    measured = theme.inches(theme.printable(text), 72)
    chinese = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return 1 + (_WIDER - 1) * max(0.0, 1 - chinese / measured) if measured else 1.0


def fit(
    paragraphs: Sequence[Paragraph], width: float, high: float, sizes: Sequence[float]
) -> tuple[list[Paragraph], float]:
    """Paragraphs, and the largest of ``sizes`` at which they fit into ``width`` × ``high``.

    Where none will do, the end is shortened: at a clause if there is one, with "…".

    >>> paragraphs, size = fit([[Piece("满意度指数 68.5，低于预警线 75。")]], 2.0, 0.3, (16, 12))
    >>> paragraphs[0][0].text, size
    ('满意度指数 68.5…', 12)
    """
    for size in sizes:
        if height(paragraphs, size, width) <= high + 1e-9:
            return list(paragraphs), size
    size = min(sizes)

    def shortened(count: int, end: int) -> list[Paragraph]:
        *before, last = paragraphs[:count]
        text = last[-1].text[:end].rstrip(_STOPS) + "…"
        return [*before, [*last[:-1], last[-1]._replace(text=text)]]

    for count in range(len(paragraphs), 0, -1):
        text = paragraphs[count - 1][-1].text
        # The more is left, the higher it is: the first end that does not fit is found by halving.
        end = bisect_left(
            range(1, len(text)),
            True,
            key=lambda end: height(shortened(count, end), size, width) > high + 1e-9,
        )
        if end:
            clauses = [c.start() for c in _CLAUSE.finditer(text) if end / 2 <= c.start() <= end]
            return shortened(count, max(clauses, default=end)), size
    return [], size
