"""Strata of a frame, and the stratum of every respondent."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from csat_stats import frames
from csat_stats.frames import Array
from csat_stats.results import Message, message

IntArray = npt.NDArray[np.int64]
Cell = tuple[Hashable, ...]

MISSING, OUTSIDE = -1, -2


def require(valid: bool, name: str, value: object, needed: str) -> None:
    if not valid:
        raise ValueError(f"{name} is {value}: {needed} is needed")


def strata(frame: pd.DataFrame, by: Sequence[str], size: str) -> tuple[pd.DataFrame, IntArray]:
    """The strata in order of appearance with summed sizes, and each row's stratum or MISSING."""
    sizes = non_negative(frame, size)
    table, codes = cells(frame, by)
    known = codes != MISSING
    sums = np.bincount(codes[known], weights=sizes[known], minlength=len(table))
    table[size] = sums.astype("int64") if (sums % 1 == 0).all() else sums
    return table, codes


def locate(
    responses: pd.DataFrame, table: pd.DataFrame, by: Sequence[str]
) -> tuple[IntArray, list[Cell]]:
    """Each response's row in ``table``, MISSING or OUTSIDE; and the combinations outside."""
    row_of = {cell: row for row, cell in enumerate(tuples(table, by))}
    combinations, codes = cells(responses, by)
    found = tuples(combinations, by)
    rows = [row_of.get(cell, OUTSIDE) for cell in found]
    outside = [cell for cell in found if cell not in row_of]
    # The extra place at the end is where code -1 looks itself up.
    return np.array([*rows, MISSING], dtype="int64")[codes], outside


def tuples(table: pd.DataFrame, by: Sequence[str]) -> list[Cell]:
    return list(zip(*(table[column] for column in by), strict=True))


def names(cells: Sequence[Cell], chosen: npt.NDArray[np.bool_] | None = None) -> str:
    """The first eight of the chosen strata, as a reader would name them."""
    rows = range(len(cells)) if chosen is None else np.flatnonzero(chosen).tolist()
    labels = [" × ".join(map(str, cells[row])) for row in rows]
    return "; ".join(labels[:8] + ["…"] * (len(labels) > 8))


def frame_notes(codes: IntArray) -> list[Message]:
    n = int((codes == MISSING).sum())
    return (
        [message("Rows of the frame left out because they have no stratum: {n}.", n=n)] if n else []
    )


def outside_notes(n: int, cells: Sequence[Cell]) -> list[Message]:
    if n == 0:
        return []
    note = message(
        "Responses left out because the frame or plan has nobody in {cells}: {n}.",
        n=n,
        cells=names(cells),
    )
    return [note]


def non_negative(frame: pd.DataFrame, column: str) -> Array:
    """A column of counts or deviations: finite, none missing, none negative."""
    require_columns(frame, [column])
    values = frames.numbers(frame[column])
    frames.require(values >= 0, values, "numbers of 0 or more")
    return np.asarray(values, dtype="float64")


def cells(data: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, IntArray]:
    """The combinations of ``by`` in order of appearance, and each row's number or MISSING."""
    require_columns(data, by)
    numbers = data.groupby(list(by), sort=False, observed=True).ngroup()
    codes = numbers.fillna(MISSING).to_numpy(dtype="int64")
    known = np.flatnonzero(codes != MISSING)
    _, first = np.unique(codes[known], return_index=True)
    return data[list(by)].iloc[known[first]].reset_index(drop=True), codes


def require_columns(data: pd.DataFrame, columns: Sequence[str]) -> None:
    if isinstance(columns, str) or not columns:
        raise ValueError(f"columns are given as {columns!r}: a list of names is needed")
    missing = [column for column in columns if column not in data]
    if missing:
        raise ValueError(f"columns {missing} are missing; the frame has {list(data.columns)}")
