"""Which groups of respondents must not be shown, so that no small group can be worked out.

A group below the minimum base is withheld, and with it whatever would give it away by subtraction:
from the total, from a group of another segment that it is a part of (sites within a region), or
from the row and the column that it lies in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from csat_stats.frames import Array

Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]


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


def withheld_levels(codes: Codes, size: int, minimum: int) -> Flags:
    """The levels of one segment that a table of it must not show.

    As :func:`withheld`, whether the total that a reader has counts the respondents without a level
    or not.
    """
    hidden = np.zeros(size, dtype=bool)
    for known in (codes, codes[codes >= 0]):
        hidden[list(withheld(known[:, None], [size], minimum)[0])] = True
    return hidden


def withheld_cells(rows: Codes, columns: Codes, sizes: tuple[int, int], minimum: int) -> Flags:
    """The cells of a table of two segments that are not to be shown.

    Parameters
    ----------
    rows, columns
        Number of the level of each respondent who has a value, −1 for none.
    sizes
        Number of levels of the rows and of the columns.
    minimum
        Fewest respondents that a shown cell may have.

    Returns
    -------
    numpy.ndarray
        Rows × columns. All cells of levels that :func:`withheld` names for the two segments are
        withheld, and the smallest others until, in every row and column that a reader may know the
        total of, the cells withheld are at least two and ``minimum`` respondents, and no small one
        follows from all totals together.

    Examples
    --------
    >>> rows, columns = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], [3, 40, 20, 30], axis=0).T
    >>> withheld_cells(rows, columns, (2, 2), minimum=10).tolist()
    [[True, True], [True, True]]
    """
    codes = np.column_stack([rows, columns])
    # The last row and column are the respondents without a level: never shown, always there.
    shape = sizes[0] + 1, sizes[1] + 1
    counts = np.zeros(shape, dtype=np.intp)
    np.add.at(counts, (rows, columns), 1)
    grid = np.indices(shape)
    lines = [np.ones(shape, dtype=bool), np.pad(np.ones(sizes, dtype=bool), (0, 1))]
    hidden = (counts < minimum) | ~lines[1]
    for side, together in enumerate(withheld(codes, list(sizes), minimum)):
        alone = withheld_levels(codes[:, side], sizes[side], minimum)
        hidden |= np.isin(grid[side], [*together, *np.flatnonzero(alone)])
        lines += [grid[side] == level for level in np.flatnonzero(~alone)]
    known = np.array([line.ravel() for line in lines])
    hidden, flat = hidden.ravel(), counts.ravel()
    # Enough respondents without a level may be known, and nothing here keeps what totals tell.
    harmless = (flat == 0) | ((flat >= minimum) & ~known[1])
    told = _determined(np.flatnonzero(flat), known)
    secret = np.setdiff1d(np.flatnonzero((flat > 0) & (flat < minimum)), told)
    while True:
        before = hidden.sum()
        for line in known:
            if not (hidden & ~harmless)[line].any():
                continue
            levels = set(np.flatnonzero(hidden[line]).tolist())
            _complement(flat[line], 0, levels, minimum)
            hidden[np.flatnonzero(line)[list(levels)]] = True
        if hidden.sum() == before:
            given_away = np.intersect1d(
                _determined(np.flatnonzero(hidden & (flat > 0)), known), secret
            )
            if not given_away.size:
                return np.asarray(hidden.reshape(shape)[:-1, :-1])
            # One cell more: the smallest of its row and column, or of the table.
            shown = np.flatnonzero(~hidden & (flat > 0))
            apart = (
                grid.reshape(2, -1)[:, shown] != np.array(divmod(given_away[0], shape[1]))[:, None]
            )
            hidden[shown[np.lexsort((flat[shown], apart.all(axis=0)))[0]]] = True


def _determined(unknown: Codes, known: Flags) -> Codes:
    """The unknown cells that follow from sums of cells, the lines of ``known``."""
    system: Array = known[:, unknown].astype("float64")
    # A cell follows where its unit vector lies in the row space: its leverage is 1.
    leverage = np.einsum("lc,lc->c", system, np.linalg.pinv(system @ system.T) @ system)
    return np.asarray(unknown[leverage > 1 - 1e-9])


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
