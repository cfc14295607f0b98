"""What customers did after the survey: only later behaviour is an outcome."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from csat_stats.frames import check_level, numbers, require
from csat_stats.results import Message, Result, message

_EXAMPLES = 5
_VALUES = {
    "no_survey_date": None,
    "in_time": 1,
    "in_time_though_denied": 1,
    "before_survey": 0,
    "before_survey_open": None,
    "after_window": 0,
    "after_until_open": None,
    "undated": 1,
    "nothing": 0,
    "nothing_open": None,
    "no_record": None,
}


@dataclass(frozen=True, kw_only=True)
class ObservedOutcome(Result):
    """Outcomes checked against dates; ``estimate`` is the share of 1 among the known ones.

    Attributes
    ----------
    values
        1, 0 or missing for each row, with the row labels that were given; ``Int8``. What
        :func:`repurchase_model` takes as outcome.
    n_happened
        Rows whose outcome is 1.
    n_same_day
        Rows counted as 1 whose purchase is dated the day of the survey.
    table
        One row a rule, each row of the data under exactly one: ``rule``, ``value`` (1, 0 or
        missing), ``n``, ``example`` (labels of the first five rows). The rules:
        ``no_survey_date`` (missing); with a date of the purchase ``in_time`` (1),
        ``in_time_though_denied`` (1: the record said 0, the date wins), ``before_survey`` (0) and
        ``before_survey_open`` (missing: there is still time), ``after_window`` (0),
        ``after_until_open`` (missing: not known on the last day); without one ``undated`` (1, not
        checked), ``nothing`` (0), ``nothing_open`` (missing: there is still time) and
        ``no_record`` (missing).
    """

    values: pd.Series = field(default_factory=lambda: pd.Series(dtype="Int8"), repr=False)
    n_happened: int
    n_same_day: int
    table: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def observed_outcome(
    happened: pd.Series | None,
    *,
    on: pd.Series | None = None,
    surveyed: pd.Series,
    within_days: float | None = None,
    until: dt.date | str | None = None,
    conf_level: float = 0.95,
) -> ObservedOutcome:
    """Whether each customer came back after the survey, from records and dates.

    Parameters
    ----------
    happened
        0/1 or bool a customer, nullable: what the record says. ``None`` when there are dates
        only; a customer without a date has then not come back.
    on
        Date of the purchase, missing where there is none; the first after the survey, where there
        are several. The index must equal that of ``surveyed``, as for ``happened``.
    surveyed
        Date each customer answered.
    within_days
        Days after the survey within which a purchase counts, the last one included. Unless given
        there is no limit.
    until
        Last day of the records. A later date is not used, and a window that was still open then
        leaves the outcome unknown. Unless given all windows are taken as closed.
    conf_level
        Level of the interval, 0–1.

    Returns
    -------
    ObservedOutcome
        Not estimable when no outcome is known; ``values`` and ``table`` are given all the same.

    Raises
    ------
    ValueError
        For a column of dates that holds something else, an outcome other than 0/1, different
        indexes, neither ``happened`` nor ``on``, or negative ``within_days``.

    Notes
    -----
    A purchase dated before the survey is no outcome of it: satisfaction has to come first. Days
    are calendar days; a purchase on the day of the survey counts, unless both times are known and
    it was earlier. A date settles what the record leaves open or contradicts. Wilson (1927)
    interval.

    Examples
    --------
    >>> outcome = observed_outcome(
    ...     pd.Series([1, 1, 0, 0]),
    ...     on=pd.Series(pd.to_datetime(["2025-03-20", "2025-02-01", None, None])),
    ...     surveyed=pd.Series(pd.to_datetime(["2025-03-01"] * 3 + ["2025-06-01"])),
    ...     within_days=90,
    ...     until="2025-06-30",
    ... )
    >>> outcome.values.tolist(), round(outcome.estimate, 3)
    ([1, 0, 0, <NA>], 0.333)
    """
    check_level(conf_level)
    index = surveyed.index
    for name, given in (("happened", happened), ("on", on)):
        if given is not None and not given.index.equals(index):
            raise ValueError(f"{name} and surveyed have different indexes: align them first")
    if happened is None and on is None:
        raise ValueError("neither happened nor on is given: one of them is needed")
    if within_days is not None and not within_days >= 0:
        raise ValueError(f"within_days is {within_days:g}: 0 or more is needed")
    asked = _dates(surveyed, "surveyed")
    bought = _dates(pd.Series(pd.NaT, index=index) if on is None else on, "on")
    record = pd.Series(np.nan, index=index)
    if happened is not None:
        record = numbers(happened.rename("happened"))
        require(record.isna() | record.isin([0, 1]), record, "0, 1 or missing")
    last = None if until is None else _last_day(until)
    rule = _rules(record, bought, asked, within_days, last, dates_only=happened is None)
    values = rule.map(_VALUES).astype("Int8")
    n, ones = int(values.notna().sum()), int(values.sum())
    same_day = int(((values == 1) & (bought.dt.normalize() == asked.dt.normalize())).sum())
    base: dict[str, Any] = {
        "n_used": n,
        "n_dropped": len(values) - n,
        "n_happened": ones,
        "n_same_day": same_day,
        "conf_level": conf_level,
        "method": _method(within_days, last),
        "values": values,
        "table": _table(rule),
        "notes": _notes(rule, same_day),
    }
    if not n:
        none = message("There is no customer whose outcome is known.")
        return ObservedOutcome(**base, not_estimable=none)
    low, high = binomtest(ones, n).proportion_ci(conf_level, method="wilson")
    return ObservedOutcome(**base, estimate=ones / n, conf_low=float(low), conf_high=float(high))


def _dates(column: pd.Series, name: str) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        wrong = [day for day in column.dropna() if not isinstance(day, dt.date)]
        if wrong:
            raise ValueError(f"column {name!r} holds {wrong[0]!r}: dates are needed")
        column = pd.to_datetime(column)
    if column.dt.tz is not None:
        raise ValueError(f"column {name!r} has a time zone: local dates without one are needed")
    return column


def _last_day(until: dt.date | str) -> pd.Timestamp:
    last = pd.to_datetime(until, errors="coerce")
    if pd.isna(last):
        raise ValueError(f"until is {until!r}: a date is needed")
    return pd.Timestamp(last).normalize()


def _rules(
    record: pd.Series,
    bought: pd.Series,
    asked: pd.Series,
    within_days: float | None,
    last: pd.Timestamp | None,
    *,
    dates_only: bool,
) -> pd.Series:
    """The rule that settles each row, the first that applies."""
    day, start = bought.dt.normalize(), asked.dt.normalize()
    limit = np.inf if within_days is None else within_days
    passed = (day - start).dt.days
    open_still = pd.Series(False, index=record.index)
    if last is not None:
        open_still = (last - start).dt.days < (0 if within_days is None else within_days)
    dated = bought.notna()
    earlier = (day < start) | ((day == start) & (bought < asked) & (bought != day))
    unseen = open_still & (day > last) if last is not None else open_still
    known = record.notna() | dates_only
    choices = [
        ("no_survey_date", asked.isna()),
        ("before_survey_open", dated & earlier & open_still),
        ("before_survey", dated & earlier),
        ("after_window", dated & (passed > limit)),
        ("after_until_open", dated & unseen),
        ("in_time_though_denied", dated & (record == 0)),
        ("in_time", dated),
        ("undated", record == 1),
        ("nothing_open", known & open_still),
        ("nothing", known),
    ]
    settled = np.select([where for _, where in choices], [name for name, _ in choices], "no_record")
    return pd.Series(settled, index=record.index, dtype=object)


def _table(rule: pd.Series) -> pd.DataFrame:
    labels = [rule.index[rule == name] for name in _VALUES]
    return pd.DataFrame(
        {
            "rule": list(_VALUES),
            "value": pd.array(list(_VALUES.values()), dtype="Int8"),
            "n": [len(found) for found in labels],
            "example": [", ".join(str(label) for label in found[:_EXAMPLES]) for found in labels],
        }
    )


def _method(within_days: float | None, last: pd.Timestamp | None) -> Message:
    window = message("at any time after the survey")
    if within_days is not None:
        window = message("within {days:g} days after the survey", days=within_days)
    records = message("records taken as complete")
    if last is not None:
        records = message("records to {day}", day=last.date().isoformat())
    return message(
        "Share of customers who came back {window} ({records}), with Wilson interval; customers "
        "whose outcome is not known are left out.",
        window=window,
        records=records,
    )


def _notes(rule: pd.Series, same_day: int) -> tuple[Message, ...]:
    def count(*names: str) -> int:
        return int(rule.isin(names).sum())

    notes = []
    early = count("before_survey", "before_survey_open")
    if early:
        notes.append(
            message(
                "Purchases dated before the survey, which are no outcome of it: {n}.",
                n=early,
            )
        )
    if same_day:
        notes.append(
            message("Purchases dated the day of the survey, taken as later: {n}.", n=same_day)
        )
    undated = count("undated")
    if undated:
        notes.append(
            message(
                "Purchases without a date, which may have come before the survey: {n}.", n=undated
            )
        )
    denied = count("in_time_though_denied")
    if denied:
        notes.append(
            message(
                "Records that deny a purchase whose date lies in the window; the date was "
                "believed: {n}.",
                n=denied,
            )
        )
    still_open = count("nothing_open", "before_survey_open", "after_until_open")
    if still_open:
        notes.append(
            message(
                "Customers who still had time on the last day of the records, so that their "
                "outcome is not known: {n}.",
                n=still_open,
            )
        )
    unasked = count("no_survey_date")
    if unasked:
        notes.append(message("Rows without a date of the survey, left out: {n}.", n=unasked))
    return tuple(notes)
