"""Values at regular periods: every period from first to last, and those to come."""

from __future__ import annotations

import pandas as pd

from csat_stats.frames import numbers
from csat_stats.trends._periods import names


def regular(values: pd.Series) -> pd.Series:
    """One value for every period from the first that is known to the last."""
    values = values.set_axis(_periods(values.index, "values")).sort_index()
    first = values.first_valid_index()
    return values.iloc[:0] if first is None else values.reindex(_span(first, values.index[-1]))


def extended(index: pd.Index, horizon: int) -> pd.Index:
    """The periods and the ``horizon`` after them."""
    return _span(index[0], index[-1] + horizon) if len(index) else index


def planned(promotions: pd.Series | pd.DataFrame, labels: pd.Index, horizon: int) -> pd.DataFrame:
    """The promotions of each of these periods, the ``horizon`` to come included.

    Raises
    ------
    ValueError
        A period has no value, or a promotion is not numeric.
    """
    frame = promotions
    if isinstance(frame, pd.Series):
        frame = frame.to_frame("promotion" if frame.name is None else frame.name)
    frame = frame.set_axis(_periods(frame.index, "promotions"))
    if len(labels) and frame.index.dtype != labels.dtype:
        raise ValueError(
            f"promotions are at periods of {frame.index.dtype}, values at those of {labels.dtype}"
        )
    frame = frame.reindex(labels)
    frame = pd.DataFrame({name: numbers(frame[name]) for name in frame})
    missing = frame.isna().any(axis=1)
    if missing.any():
        raise ValueError(
            f"promotions have no value for {names(labels[missing])}: "
            f"every period of the values and the {horizon} to come need one"
        )
    return frame


def text(labels: pd.Index) -> pd.Index:
    """Periods as text, whole numbers as they are."""
    return labels.astype(str) if isinstance(labels, pd.PeriodIndex) else labels


def _periods(index: pd.Index, what: str) -> pd.Index:
    """An index as Periods or whole numbers, which can be counted on.

    Raises
    ------
    ValueError
        The labels are neither, or of different frequencies, or one occurs twice.
    """
    if isinstance(index, pd.DatetimeIndex):
        if index.freq is None and (len(index) < 3 or pd.infer_freq(index) is None):
            raise ValueError(
                f"the dates of {what} are not regular: "
                f"give Periods, as in {what}.index.to_period('M')"
            )
        found = index.to_period()
    elif isinstance(index, pd.PeriodIndex) or pd.api.types.is_integer_dtype(index):
        found = index
    else:
        try:
            found = pd.PeriodIndex([pd.Period(label) for label in index])
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"the index of {what} holds {names(index)}: "
                "periods such as '2024-01', dates or whole numbers are needed"
            ) from error
    if not found.is_unique:
        raise ValueError(f"period {found[found.duplicated()][0]} occurs twice in {what}")
    return found


def _span(first: pd.Period | int, last: pd.Period | int) -> pd.Index:
    """Every period from first to last."""
    if isinstance(first, pd.Period):
        return pd.period_range(first, last)
    return pd.RangeIndex(first, last + 1)
