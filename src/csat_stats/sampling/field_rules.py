"""Whether the fieldwork kept its own rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from csat_stats.frames import check_level
from csat_stats.results import Result, message
from csat_stats.sampling._intervals import wilson
from csat_stats.sampling._strata import require, require_columns

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class CallBack(Result):
    """Call-backs within the rules; ``estimate`` is the share inside the window, 0–1.

    ``n_early`` came before the window (``n_before_service`` of them before the service itself),
    ``n_late`` after it; ``n_same_person`` were made by the person who did the service (``None``
    where the callers are not given).

    ``table``: rule (in_window, other_person), n, n_kept, n_violated, estimate (share kept, 0–1),
    conf_low, conf_high.
    """

    n_early: int
    n_late: int
    n_before_service: int
    n_same_person: int | None


def call_back(
    responses: pd.DataFrame,
    served_at: str,
    called_at: str,
    *,
    hours: tuple[float, float] = (24, 48),
    served_by: str | None = None,
    called_by: str | None = None,
    conf_level: float = 0.95,
) -> CallBack:
    """Share of the call-backs made in time, and by somebody else than who did the service.

    Parameters
    ----------
    responses
        One row per call-back. Rows without one of the two times are left out of the window, rows
        without one of the two persons out of the second rule.
    served_at, called_at
        Columns of dates and times: end of the service, and call-back.
    hours
        Shortest and longest time between the two, both still within the rule, in calendar hours:
        ``(24, 48)``, or ``(0, 48)`` for within 48 hours.
    served_by, called_by
        Columns that name the person; both or neither.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If a column is missing, a time is no date and time, only one person is given, or ``hours``
        is no window.

    Notes
    -----
    Wilson (1927) intervals, for calls that are a random sample. Checked against R ``prop.test``.

    Examples
    --------
    >>> calls = pd.DataFrame(
    ...     {
    ...         "done": pd.to_datetime(["2026-03-02 10:00"] * 4),
    ...         "called": pd.to_datetime(["2026-03-03 10:00", "2026-03-04 09:00"] * 2),
    ...     }
    ... )
    >>> result = call_back(calls, "done", "called", hours=(0, 24))
    >>> result.estimate, result.n_late
    (0.5, 2)
    """
    check_level(conf_level)
    low, high = hours
    require(0 <= low < high, "hours", hours, "a shortest and a longest time, such as (24, 48),")
    if (served_by is None) != (called_by is None):
        raise ValueError("served_by and called_by: both columns or neither are needed")
    persons = [] if served_by is None or called_by is None else [served_by, called_by]
    require_columns(responses, [served_at, called_at, *persons])
    for name in (served_at, called_at):
        if not is_datetime64_any_dtype(responses[name].dtype):
            raise ValueError(f"column {name!r} is {responses[name].dtype}: dates and times needed")
    waited = (responses[called_at] - responses[served_at]).dropna() / pd.Timedelta(hours=1)
    kept = {"in_window": waited.between(low, high).to_numpy()}
    n_same_person = None
    if persons:
        named = responses[persons].dropna().astype("object")
        kept["other_person"] = (named[persons[0]] != named[persons[1]]).to_numpy(dtype=bool)
        n_same_person = int((~kept["other_person"]).sum())
    table = pd.DataFrame([_row(rule, followed, conf_level) for rule, followed in kept.items()])
    n_before = int((waited < 0).sum())
    notes = []
    if n_before:
        note = message("Call-backs dated before the service, counted as early: {n}.", n=n_before)
        notes.append(note)
    window = table.iloc[0]
    estimable = waited.size > 0
    return CallBack(
        estimate=float(window["estimate"]) if estimable else None,
        conf_low=float(window["conf_low"]) if estimable else None,
        conf_high=float(window["conf_high"]) if estimable else None,
        conf_level=conf_level,
        n_used=waited.size,
        n_dropped=len(responses) - waited.size,
        n_early=int((waited < low).sum()),
        n_late=int((waited > high).sum()),
        n_before_service=n_before,
        n_same_person=n_same_person,
        method=message(
            "Share of call-backs {low:g} to {high:g} calendar hours after the service with"
            " {level:g}% Wilson interval; rows with a missing time or person are left out of the"
            " rule concerned.",
            low=low,
            high=high,
            level=100 * conf_level,
        ),
        notes=tuple(notes),
        not_estimable=(None if estimable else message("There are no call-backs with both times.")),
        table=table,
    )


def _row(rule: str, kept: BoolArray, conf_level: float) -> dict[str, Any]:
    n, n_kept = kept.size, int(kept.sum())
    row = {"rule": rule, "n": n, "n_kept": n_kept, "n_violated": n - n_kept}
    if n == 0:
        return row | dict.fromkeys(("estimate", "conf_low", "conf_high"), np.nan)
    (low,), (high,) = wilson([n_kept], [n], conf_level)
    return row | {"estimate": n_kept / n, "conf_low": low, "conf_high": high}
