"""Places in time: labels of periods as numbers whose distances mean something."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from csat_stats.frames import Array

UNITS = ("Y", "Q", "M", "W", "D")


@dataclass(frozen=True)
class Timeline:
    """Each label's time and how it is shown, and the same of the start of an action."""

    time: Array
    shown: list[str]
    start: float
    start_shown: str

    def show(self, time: float) -> str:
        """The label of this time."""
        return self.shown[int(np.flatnonzero(self.time == time)[0])]


def timeline(labels: pd.Index, start: Any) -> Timeline:
    """Times of labels that are numbers, dates, periods or an ordered categorical.

    Dates count by the coarsest of year, quarter, month, week and day in which each stands alone.

    Raises
    ------
    ValueError
        Labels of another kind or missing; a start that is no such label.

    Examples
    --------
    >>> months = timeline(pd.DatetimeIndex(["2024-01-31", "2024-02-29", "2024-04-30"]), "2024-04")
    >>> (months.time - months.start).tolist(), months.start_shown
    ([-3.0, -2.0, 0.0], '2024-04')
    """
    if not len(labels):
        return Timeline(np.empty(0), [], np.nan, str(start))
    if labels.hasnans:
        raise ValueError("a period has no label: name it or leave it out")
    if isinstance(labels, pd.CategoricalIndex) and labels.ordered:
        if start not in labels.categories:
            raise ValueError(f"start is {start!r}: one of the categories of the periods is needed")
        place = float(labels.categories.get_loc(start))
        return Timeline(labels.codes.astype(float), _text(labels), place, str(start))
    if isinstance(labels, pd.DatetimeIndex):
        dates = labels.tz_localize(None)
        days = dates.unique()
        unit = next((u for u in UNITS if days.to_period(u).is_unique), "D")
        labels = dates.to_period(unit)
    if isinstance(labels, pd.PeriodIndex):
        first = _period(start, labels.freq)
        shown = _text(labels)
        return Timeline(labels.asi8.astype(float), shown, float(first.ordinal), str(first))
    if is_numeric_dtype(labels) and not is_bool_dtype(labels):
        if not isinstance(start, Real) or not np.isfinite(float(start)):
            raise ValueError(f"start is {start!r}: a number like those of the periods is needed")
        time = labels.to_numpy(dtype=float)
        return Timeline(time, [f"{t:g}" for t in time], float(start), f"{float(start):g}")
    raise ValueError(
        f"a period is {labels[0]!r}: numbers, dates, periods or an ordered categorical are needed"
    )


def _text(labels: pd.Index) -> list[str]:
    return [str(label) for label in labels]


def _period(start: Any, freq: Any) -> pd.Period:
    try:
        moment = start.start_time if isinstance(start, pd.Period) else start
        if isinstance(moment, pd.Timestamp):
            moment = moment.tz_localize(None)
        found = pd.Period(moment, freq=freq)
    except (ValueError, TypeError):
        found = pd.NaT
    if pd.isna(found):
        raise ValueError(f"start is {start!r}: a date or period is needed")
    return found
