"""Respondents by segment: levels, small bases, and what is said of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from csat_stats.frames import Array, numbers, respondent_weights
from csat_stats.results import Message, message
from csat_stats.satisfaction.disclosure import Codes, Flags


class Scored(NamedTuple):
    """The respondents with an answer and a weight: which rows, their answers, their weights."""

    rows: Flags
    values: Array
    weights: Array | None

    def of(self, chosen: Flags) -> tuple[Array, Array | None]:
        """Answers and weights of some of them."""
        return self.values[chosen], None if self.weights is None else self.weights[chosen]


def scored(frame: pd.DataFrame, score: str, weights: pd.Series | None) -> Scored:
    """The answers to ``score`` of the respondents who count."""
    values = numbers(column(frame, score)).to_numpy()
    rows, given = weighted_rows(frame, weights)
    rows &= ~np.isnan(values)
    return Scored(rows, values[rows], None if given is None else given[rows])


def weighted_rows(frame: pd.DataFrame, weights: pd.Series | None) -> tuple[Flags, Array | None]:
    """Which respondents have a weight above 0, and the weights of all; None without weights."""
    if weights is None:
        return np.ones(len(frame), dtype=bool), None
    given = respondent_weights(weights, frame.index)
    return given > 0, given


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column by name, or a refusal that names those there are."""
    if name not in frame:
        raise ValueError(f"column {name!r} is missing; the frame has {list(frame.columns)}")
    return frame[name]


def segment_codes(frame: pd.DataFrame, segment: str) -> tuple[Codes, list[Any]]:
    """Number of each respondent's level, −1 for none, and the levels.

    An ordered categorical gives its own order, unused levels included; anything else the order of
    first appearance.
    """
    groups = column(frame, segment)
    if isinstance(groups.dtype, pd.CategoricalDtype) and groups.dtype.ordered:
        return groups.cat.codes.to_numpy(dtype=np.intp), list(groups.cat.categories)
    codes, levels = pd.factorize(groups)
    return codes, list(levels)


def labels(levels: list[Any]) -> pd.Series:
    """Levels as a column of the dtype that fits them."""
    return pd.Series(levels, dtype=None if levels else object)


def check_bases(minimum_base: int, caution_base: int) -> None:
    """Refuse bases that are not in order."""
    if not 0 <= minimum_base <= caution_base:
        raise ValueError(
            f"minimum_base is {minimum_base} and caution_base {caution_base}:"
            " 0 <= minimum_base <= caution_base is needed"
        )


def withhold(table: pd.DataFrame, hidden: Flags, caution_base: int) -> pd.DataFrame:
    """``table`` with its ``flag``, and without counts or figures where a group is withheld.

    The base that is judged is ``base``, where there is one, or ``n``.
    """
    counts = [name for name in ("n", "base") if name in table]
    small = (table[counts[-1]] < caution_base).to_numpy()
    shown = table.astype(dict.fromkeys(counts, "Int64"))
    for name in shown.columns.drop(["level", "unit", "row", "column"], errors="ignore"):
        shown[name] = shown[name].mask(hidden)
    return shown.assign(flag=np.select([hidden, small], ["suppressed", "caution"], ""))


def base_notes(flag: pd.Series, minimum_base: int, caution_base: int) -> tuple[Message, ...]:
    """How many groups are withheld and how many small."""
    notes = []
    if suppressed := int((flag == "suppressed").sum()):
        notes.append(
            message(
                "Groups withheld, because they have fewer than {base} answers or would give away"
                " one that has: {n}.",
                n=suppressed,
                base=minimum_base,
            )
        )
    if small := int((flag == "caution").sum()):
        notes.append(
            message(
                "Groups with fewer than {base} answers, to be read with caution: {n}.",
                n=small,
                base=caution_base,
            )
        )
    return tuple(notes)
