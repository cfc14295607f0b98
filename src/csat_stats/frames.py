"""From what users hand over to arrays: columns as numbers, weights, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import is_numeric_dtype

Array = NDArray[np.float64]


def numbers(column: pd.Series) -> pd.Series:
    """A numeric column of any dtype as float64 with NaN for missing, row labels kept.

    Raises
    ------
    ValueError
        The column holds something that is no number, or infinity.

    Examples
    --------
    >>> numbers(pd.Series([5, None, 3], dtype="Int64")).tolist()
    [5.0, nan, 3.0]
    """
    inferred = column.convert_dtypes() if column.dtype == object else column
    if not is_numeric_dtype(inferred.dtype) and inferred.notna().any():
        example = inferred.dropna().iloc[0]
        raise ValueError(f"column {column.name!r} holds {example!r}: a numeric column is needed")
    values = pd.Series(
        inferred.to_numpy(dtype="float64", na_value=np.nan), index=column.index, name=column.name
    )
    require(~np.isinf(values), values, "finite numbers")
    return values


def matrix(items: pd.DataFrame) -> Array:
    """Respondents × items as float64 with NaN for missing.

    Raises
    ------
    ValueError
        Two columns have the same name; a column is not numeric or holds infinity.

    Examples
    --------
    >>> matrix(pd.DataFrame({"q1": [1, 2], "q2": pd.array([4, None], dtype="Int64")})).tolist()
    [[1.0, 4.0], [2.0, nan]]
    """
    if not items.columns.is_unique:
        name = items.columns[items.columns.duplicated()][0]
        raise ValueError(f"column {name!r} occurs twice: give each item its own name")
    columns = [numbers(items[name]).to_numpy() for name in items.columns]
    return np.column_stack(columns) if columns else np.empty((len(items), 0))


def respondent_weights(weights: ArrayLike | pd.Series | None, index: pd.Index) -> Array:
    """One weight per respondent, 0 where it is missing; ones where ``weights`` is None.

    A Series is aligned by its index, anything else by position. A respondent of weight 0 is left
    out of every estimate.

    Raises
    ------
    ValueError
        A weight is negative, infinite or no number; the number of weights is not that of the
        respondents; a Series has other row labels.

    Examples
    --------
    >>> respondent_weights([2, None, 1], pd.RangeIndex(3)).tolist()
    [2.0, 0.0, 1.0]
    """
    if weights is None:
        return np.ones(len(index))
    given = weights if isinstance(weights, pd.Series) else pd.Series(weights, name="weights")
    if len(given) != len(index):
        raise ValueError(f"there are {len(given)} weights for {len(index)} respondents")
    if isinstance(weights, pd.Series) and not given.index.equals(index):
        if not given.index.is_unique or not index.isin(given.index).all():
            raise ValueError("the weights have other row labels than the answers")
        given = given.loc[index]
    values = numbers(given).fillna(0)
    require(values >= 0, values, "weights of 0 or more")
    found: Array = values.to_numpy()
    return found


def require(allowed: pd.Series, values: pd.Series, needed: str) -> None:
    """Refuse values that are not allowed, naming the first five and their rows."""
    if not allowed.all():
        wrong = values[~allowed]
        where = ", ".join(f"{value:g} in row {label}" for label, value in wrong.head(5).items())
        more = f" and {wrong.size - 5} more" if wrong.size > 5 else ""
        raise ValueError(f"column {values.name!r} holds {where}{more}: {needed} needed")


def check_level(conf_level: float) -> None:
    """Refuse a confidence level that is not a share."""
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level is {conf_level}: a share such as 0.95 is needed")
