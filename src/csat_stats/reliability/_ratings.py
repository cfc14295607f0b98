"""Ratings of subjects by raters as codes of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from csat_stats.frames import Array
from csat_stats.results import message

ONE_RATER = message("Agreement needs at least two raters.")
ONE_CATEGORY = message("All ratings are the same, so agreement beyond chance is undefined.")


@dataclass(frozen=True)
class Ratings:
    """Categories in their order, and for each subject and rater the place of one of them or −1."""

    categories: pd.Index
    ordered: bool
    codes: NDArray[np.intp]

    @property
    def numeric(self) -> bool:
        dtype = self.categories.dtype
        return bool(is_numeric_dtype(dtype) and not is_bool_dtype(dtype))

    def places(self) -> Array:
        """Where the categories lie: numbers at their values, others one apart in their order.

        Raises
        ------
        ValueError
            The categories are text without an order.
        """
        if self.numeric:
            return np.asarray(self.categories, dtype=float)
        if self.ordered:
            return np.arange(len(self.categories), dtype=float)
        raise ValueError(
            f"the ratings {', '.join(map(repr, self.categories[:3]))} have no order: give "
            "categories, or an ordered categorical"
        )

    def counts(self) -> Array:
        """How many raters put each subject in each category: subjects × categories."""
        found = np.zeros((len(self.codes), len(self.categories)))
        for column in self.codes.T:
            rated = column >= 0
            found[rated.nonzero()[0], column[rated]] += 1
        return found


def coded(raters: Sequence[pd.Series], categories: Sequence[Any] | None) -> Ratings:
    """The ratings of each rater in one code, by ``categories`` or else all that occur.

    Raises
    ------
    ValueError
        ``categories`` repeat one; a rating is none of them, or infinite.
    """
    index, ordered = _index(raters, categories)
    if not index.is_unique:
        raise ValueError(f"category {index[index.duplicated()][0]!r} occurs twice")
    codes = np.full((len(raters[0]) if raters else 0, len(raters)), -1, dtype=np.intp)
    for place, column in enumerate(raters):
        codes[:, place] = index.get_indexer(pd.Index(column.astype(object)))
        unknown = column[(codes[:, place] < 0) & column.notna().to_numpy()]
        codes[column.isna().to_numpy(), place] = -1
        if len(unknown):
            raise ValueError(
                f"rater {column.name!r} gave {unknown.iloc[0]!r} in row {unknown.index[0]}: one of "
                f"{', '.join(map(repr, index))} is needed"
            )
    return Ratings(index, ordered, codes)


def _index(raters: Sequence[pd.Series], categories: Sequence[Any] | None) -> tuple[pd.Index, bool]:
    if categories is not None:
        return pd.Index(categories), True
    dtypes = [column.dtype for column in raters]
    if dtypes and isinstance(dtypes[0], pd.CategoricalDtype) and len(set(dtypes)) == 1:
        return dtypes[0].categories, bool(dtypes[0].ordered)
    values = {value for column in raters for value in column.dropna().unique().tolist()}
    try:
        index = pd.Index(sorted(values)) if values else pd.Index([], dtype=float)
    except TypeError:  # numbers and text
        index = pd.Index(sorted(values, key=str), dtype=object)
    if is_numeric_dtype(index.dtype) and len(index) and np.isinf(index.astype(float)).any():
        raise ValueError("a rating is infinite: finite numbers or categories are needed")
    return index, False
