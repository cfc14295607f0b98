"""Which wave or month each respondent belongs to, and in what order these come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike

from csat_stats.results import Message, message

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
Given = TypeVar("Given", pd.Series, pd.DataFrame)

NO_ANSWERS = message("There are no answers.")


class Periods(NamedTuple):
    """The periods in order, those without answers included, and each respondent's; −1 for none."""

    labels: pd.Index
    codes: IntArray


def periods_of(period: pd.Series | pd.Index | ArrayLike, index: pd.Index) -> Periods:
    """The periods that a column names.

    A Series is aligned by its index, anything else by position. An ordered Categorical gives its
    own order, unused periods included; a column of Periods (months, quarters) every one from first
    to last; anything else is sorted. Periods come out as text, everything else as it is.

    Raises
    ------
    ValueError
        The periods cannot be sorted, or are not those of these respondents.
    """
    given = pd.Series(period)
    if not isinstance(period, pd.Series) and len(given) == len(index):
        given = given.set_axis(index)  # by position
    given = aligned(given, index, "periods")
    dtype = given.dtype
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        return Periods(pd.Index(given.cat.categories), given.cat.codes.to_numpy(dtype=np.intp))
    if isinstance(dtype, pd.CategoricalDtype):
        given = given.astype(given.cat.categories.dtype)
    if isinstance(given.dtype, pd.PeriodDtype) and given.notna().any():
        span = pd.period_range(given.min(), given.max())
        return Periods(span.astype(str), span.get_indexer(pd.Index(given)))
    try:
        codes, labels = pd.factorize(given, sort=True)
    except TypeError as error:
        raise ValueError(
            f"the periods {given.dropna().unique().tolist()[:5]} have no order: "
            "an ordered Categorical is needed"
        ) from error
    return Periods(pd.Index(labels), codes)


def aligned(given: Given, index: pd.Index, what: str) -> Given:
    """What is given for each respondent in the order of the answers."""
    if len(given) != len(index):
        raise ValueError(f"there are {len(given)} {what} for {len(index)} respondents")
    if given.index.equals(index):
        return given
    if not given.index.is_unique or not index.isin(given.index).all():
        raise ValueError(f"the {what} have other row labels than the answers")
    return given.loc[index]


def names(labels: Iterable[Any]) -> str:
    """The first eight labels as a reader would name them; a date without its midnight."""
    shown = [
        f"{label:%Y-%m-%d}" if isinstance(label, pd.Timestamp) else str(label) for label in labels
    ]
    return ", ".join(shown[:8] + ["…"] * (len(shown) > 8))


def gap_notes(labels: pd.Index, answered: BoolArray) -> list[Message]:
    """That periods have no answers, where some have."""
    if answered.all() or not answered.any():
        return []
    return [
        message(
            "There are no answers in {periods}: changes are between the periods that have some.",
            periods=names(labels[~answered]),
        )
    ]


def too_few(labels: pd.Index, answered: BoolArray) -> Message | None:
    """Why there is no change from period to period."""
    if not answered.any():
        return NO_ANSWERS
    if answered.sum() > 1:
        return None
    return message(
        "There is only one wave with answers, {period}: a change needs two.",
        period=names(labels[answered]),
    )
