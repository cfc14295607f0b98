"""Which groups of respondents must not be shown, so that no small group can be worked out.

A group below the minimum base is withheld, and with it whatever would give it away by subtraction:
from the total, or from a group of another segment that it is a part of (sites within a region).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.intp]


def withheld(codes: Codes, sizes: list[int], minimum: int) -> list[set[int]]:
    """The levels of each segment that are not to be shown.

    Parameters
    ----------
    codes
        Respondents × segments: the number of the level, −1 for none. Only respondents who have a
        value of the figure to be shown.
    sizes
        Number of levels of each segment.
    minimum
        Fewest respondents that a shown group may have.

    Returns
    -------
    list of set
        Level numbers by segment. Beside each level of 1 … ``minimum`` − 1 respondents:

        - the next smallest, until the levels withheld in a segment, together with the respondents
          without a level, are at least two groups and ``minimum`` respondents;
        - where a level of another segment consists of whole levels of this one, all of these
          or none. Empty levels are withheld and protect nothing.

    Notes
    -----
    Complementary cell suppression (Willenborg and de Waal, 2001), with the whole group of parts
    instead of an optimal choice among them.

    Examples
    --------
    Of the groups of 3, 12, 40 and 50, the second would give away the first:

    >>> groups = np.repeat([0, 1, 2, 3], [3, 12, 40, 50])[:, None]
    >>> withheld(groups, [4], minimum=10)
    [{0, 1}]
    """
    counts = [np.bincount(codes[:, s] + 1, minlength=size + 1)[1:] for s, size in enumerate(sizes)]
    without = [int((codes[:, s] < 0).sum()) for s in range(len(sizes))]
    hidden = [{int(level) for level in np.flatnonzero(count < minimum)} for count in counts]
    tiles = list(_tiles(codes, sizes, counts))
    while True:
        before = sum(map(len, hidden))
        for tile in tiles:
            whole, parts = hidden[tile.whole], hidden[tile.parts_of]
            if (
                tile.level in whole
                or tile.parts & parts
                or any(0 < rest < minimum for rest in tile.rests)
            ):
                parts |= tile.parts
                if len(tile.parts) == 1 and not any(tile.rests):
                    whole.add(tile.level)
        for count, none, levels in zip(counts, without, hidden, strict=True):
            _complement(count, none, levels, minimum)
        if sum(map(len, hidden)) == before:
            return hidden


@dataclass(frozen=True)
class _Tile:
    """A level and the levels of another segment that it consists of.

    ``rests`` are the respondents of the one who have no level of the other segment.
    """

    whole: int
    level: int
    parts_of: int
    parts: set[int]
    rests: tuple[int, int]


def _tiles(codes: Codes, sizes: list[int], counts: list[Codes]) -> Iterator[_Tile]:
    for whole, parts_of in permutations(range(len(sizes)), 2):
        both = (codes[:, [whole, parts_of]] >= 0).all(axis=1)
        pairs = codes[both, whole] * sizes[parts_of] + codes[both, parts_of]
        joint = np.bincount(pairs, minlength=sizes[whole] * sizes[parts_of])
        joint = joint.reshape(sizes[whole], sizes[parts_of])
        within = (joint == joint.sum(axis=0)) | (joint == 0)
        for level in np.flatnonzero(within.all(axis=1) & joint.any(axis=1)):
            parts = np.flatnonzero(joint[level])
            common = joint[level].sum()
            rests = counts[whole][level] - common, counts[parts_of][parts].sum() - common
            yield _Tile(
                whole, int(level), parts_of, set(parts.tolist()), (int(rests[0]), int(rests[1]))
            )


def _complement(counts: Codes, without: int, hidden: set[int], minimum: int) -> None:
    """Add the smallest shown levels to ``hidden`` until the total gives nothing away."""
    groups = [int(counts[level]) for level in hidden if counts[level]] + [without] * (without > 0)
    secret = any(counts[level] for level in hidden) or 0 < without < minimum
    for level in map(int, np.argsort(counts, kind="stable")):
        if not secret or (len(groups) > 1 and sum(groups) >= minimum):
            return
        if counts[level] and level not in hidden:
            hidden.add(level)
            groups.append(int(counts[level]))
