"""Only what comes after the survey is an outcome of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csat_stats.loyalty import ObservedOutcome, observed_outcome, repurchase_model

SURVEYED = "2025-03-10"


def one(
    happened: Any, on: str | None, surveyed: str | None = SURVEYED, **options: Any
) -> ObservedOutcome:
    """The result for a single customer."""
    return observed_outcome(
        pd.Series([happened], dtype="Int8"),
        on=pd.Series(pd.to_datetime([on])),
        surveyed=pd.Series(pd.to_datetime([surveyed])),
        **options,
    )


def rule(result: ObservedOutcome) -> str:
    found = result.table["rule"][result.table["n"] > 0]
    assert len(found) == 1
    return str(found.iloc[0])


OPEN = {"within_days": 90, "until": "2025-04-30"}
CLOSED = {"within_days": 90, "until": "2025-06-08"}


@pytest.mark.parametrize(
    ("happened", "on", "options", "name", "value"),
    [
        (1, "2025-03-20", CLOSED, "in_time", 1),
        (None, "2025-03-20", CLOSED, "in_time", 1),
        (0, "2025-03-20", CLOSED, "in_time_though_denied", 1),
        (1, "2025-06-08", CLOSED, "in_time", 1),  # the ninetieth day
        (1, "2025-06-09", {"within_days": 90}, "after_window", 0),
        (1, "2025-06-09", CLOSED, "after_window", 0),
        (0, "2025-06-09", OPEN, "after_window", 0),
        (1, "2025-03-09", CLOSED, "before_survey", 0),
        (1, "2025-03-09", {}, "before_survey", 0),
        (1, "2025-03-09", OPEN, "before_survey_open", None),
        (1, "2025-05-01", OPEN, "after_until_open", None),
        (1, None, OPEN, "undated", 1),
        (0, None, OPEN, "nothing_open", None),
        (0, None, CLOSED, "nothing", 0),
        (0, None, {}, "nothing", 0),
        (0, None, {"until": "2025-03-10"}, "nothing", 0),
        (0, None, {"until": "2025-03-09"}, "nothing_open", None),
        (None, None, CLOSED, "no_record", None),
        (1, "2025-03-10 09:00", {}, "in_time", 1),
    ],
)
def test_each_rule(happened: Any, on: str | None, options: Any, name: str, value: Any) -> None:
    result = one(happened, on, **options)
    assert rule(result) == name
    assert result.values.dtype == "Int8"
    assert (result.values[0] if value is not None else None) == value
    assert result.values.isna()[0] == (value is None)


def test_without_a_date_of_the_survey_nothing_is_known() -> None:
    result = one(1, "2025-03-20", None)
    assert rule(result) == "no_survey_date" and result.values.isna().all()
    assert str(result.not_estimable) == "There is no customer whose outcome is known."
    assert [str(note) for note in result.notes] == [
        "Rows without a date of the survey, left out: 1."
    ]


def test_times_order_a_day_only_when_both_are_known() -> None:
    assert rule(one(1, "2025-03-10 09:00", "2025-03-10 12:00")) == "before_survey"
    late = one(1, "2025-03-10 15:00", "2025-03-10 12:00")
    assert (rule(late), late.n_same_day) == ("in_time", 1)
    for on, surveyed in (("2025-03-10", "2025-03-10 12:00"), ("2025-03-10", "2025-03-10")):
        result = one(1, on, surveyed)
        assert (rule(result), result.n_same_day) == ("in_time", 1)
        assert [str(note) for note in result.notes] == [
            "Purchases dated the day of the survey, taken as later: 1."
        ]


def test_dates_alone_are_enough() -> None:
    result = observed_outcome(
        None,
        on=pd.Series(pd.to_datetime(["2025-03-20", None, "2025-03-01"]), index=["a", "b", "c"]),
        surveyed=pd.Series(pd.to_datetime([SURVEYED] * 3), index=["a", "b", "c"]),
        within_days=30,
    )
    assert result.values.to_dict() == {"a": 1, "b": 0, "c": 0}
    assert (result.n_used, result.n_dropped, result.n_happened) == (3, 0, 1)
    assert result.estimate == pytest.approx(1 / 3)
    # R 4.2: prop.test(1, 3, correct = FALSE)$conf.int
    assert result.conf_low == pytest.approx(0.06149194472039626, rel=1e-9)
    assert result.conf_high == pytest.approx(0.7923403991979523, rel=1e-9)
    rows = result.table.set_index("rule")
    assert rows.loc["in_time", "example"] == "a" and rows.loc["nothing", "example"] == "b"
    assert str(result.method) == (
        "Share of customers who came back within 30 days after the survey (records taken as "
        "complete), with Wilson interval; customers whose outcome is not known are left out."
    )


def test_records_alone_are_believed() -> None:
    result = observed_outcome(
        pd.Series([True, False, None], dtype="boolean"),
        surveyed=pd.Series(pd.to_datetime([SURVEYED] * 3)),
        until="2025-12-31",
    )
    assert result.values.tolist()[:2] == [1, 0] and result.values.isna()[2]
    assert str(result.method) == (
        "Share of customers who came back at any time after the survey (records to 2025-12-31), "
        "with Wilson interval; customers whose outcome is not known are left out."
    )


def test_every_decision_is_said_aloud() -> None:
    result = observed_outcome(
        pd.Series([1, 1, 0, 0, 1, 0, 1, 1]),
        on=pd.Series(
            pd.to_datetime(
                ["2025-03-01", None, "2025-03-12", None, "2025-03-10", None, "2025-03-11", None]
            )
        ),
        surveyed=pd.Series(
            pd.to_datetime([SURVEYED] * 4 + [SURVEYED, "2025-06-20", SURVEYED, None])
        ),
        within_days=90,
        until="2025-06-30",
    )
    assert [str(note) for note in result.notes] == [
        "Purchases dated before the survey, which are no outcome of it: 1.",
        "Purchases dated the day of the survey, taken as later: 1.",
        "Purchases without a date, which may have come before the survey: 1.",
        "Records that deny a purchase whose date lies in the window; the date was believed: 1.",
        "Customers who still had time on the last day of the records, so that their outcome is "
        "not known: 1.",
        "Rows without a date of the survey, left out: 1.",
    ]
    assert result.values.astype("float").fillna(-1).tolist() == [0, 1, 1, 0, 1, -1, 1, -1]
    assert result.estimate == pytest.approx(4 / 6)


def test_only_the_first_rows_are_named() -> None:
    result = observed_outcome(
        pd.Series([0] * 7), surveyed=pd.Series(pd.to_datetime([SURVEYED] * 7))
    )
    assert result.table.set_index("rule").loc["nothing", ["n", "example"]].tolist() == [
        7,
        "0, 1, 2, 3, 4",
    ]


def test_no_customers() -> None:
    empty = pd.Series([], dtype="float64")
    result = observed_outcome(empty, surveyed=pd.to_datetime(empty))
    assert str(result.not_estimable) == "There is no customer whose outcome is known."
    assert (result.n_used, len(result.values), result.table["n"].sum()) == (0, 0, 0)


def test_dates_of_other_types() -> None:
    days = pd.Series([dt.date(2025, 3, 11), None], dtype=object)
    result = observed_outcome(
        None, on=days, surveyed=pd.Series(pd.to_datetime([SURVEYED] * 2)), within_days=90
    )
    assert result.values.tolist() == [1, 0]


def test_values_are_an_outcome_for_the_model() -> None:
    result = observed_outcome(
        pd.Series([1, 0, 1, 0, 1, None]), surveyed=pd.Series(pd.to_datetime([SURVEYED] * 6))
    )
    model = repurchase_model(result.values, pd.DataFrame({"score": [5, 4, 3, 2, 1, 5]}))
    assert (model.n_used, model.n_events) == (5, 3)


DAYS = st.one_of(st.none(), st.dates(dt.date(2025, 1, 1), dt.date(2025, 12, 31)))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, None]), DAYS, DAYS), min_size=1, max_size=12),
    st.one_of(st.none(), st.integers(0, 200)),
    st.one_of(st.none(), st.dates(dt.date(2025, 1, 1), dt.date(2026, 3, 31))),
)
def test_rules_part_the_rows_and_agree_with_a_reading_row_by_row(
    rows: list[Any], within: int | None, until: Any
) -> None:
    happened, on, surveyed = zip(*rows, strict=True)
    result = observed_outcome(
        pd.Series(happened, dtype="Int8"),
        on=pd.Series(pd.to_datetime(on)),
        surveyed=pd.Series(pd.to_datetime(surveyed)),
        within_days=within,
        until=until,
    )
    assert result.table["n"].sum() == len(rows)
    for (record, bought, asked), value in zip(rows, result.values, strict=True):
        known = None if pd.isna(value) else int(value)
        assert known == by_hand(record, bought, asked, within, until)


def by_hand(record: Any, bought: Any, asked: Any, within: int | None, until: Any) -> int | None:
    if asked is None:
        return None
    days_seen = None if until is None else (until - asked).days
    complete = days_seen is None or days_seen >= (within or 0)
    if bought is None:
        if record == 1:
            return 1
        return 0 if record == 0 and complete else None
    day = (bought - asked).days
    if day < 0:
        return 0 if complete else None
    if within is not None and day > within:
        return 0
    if not complete and days_seen is not None and day > days_seen:
        return None
    return 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"happened": pd.Series([2])},
            "column 'happened' holds 2 in row 0: 0, 1 or missing needed",
        ),
        ({"on": pd.Series(["2025-03-20"])}, "column 'on' holds '2025-03-20': dates are needed"),
        ({"on": pd.Series([20250320])}, "column 'on' holds 20250320: dates are needed"),
        (
            {"surveyed": pd.to_datetime(pd.Series([SURVEYED])).dt.tz_localize("Asia/Shanghai")},
            "column 'surveyed' has a time zone: local dates without one are needed",
        ),
        (
            {"happened": pd.Series([1], index=[5])},
            "happened and surveyed have different indexes: align them first",
        ),
        ({"happened": None}, "neither happened nor on is given: one of them is needed"),
        ({"within_days": -1}, "within_days is -1: 0 or more is needed"),
        ({"until": "soon"}, "until is 'soon': a date is needed"),
        ({"conf_level": 0}, "conf_level is 0: a share such as 0.95 is needed"),
    ],
)
def test_wrong_use_is_refused(change: dict[str, Any], text: str) -> None:
    given = {"happened": pd.Series([1]), "surveyed": pd.Series(pd.to_datetime([SURVEYED]))} | change
    with pytest.raises(ValueError) as error:
        observed_outcome(given.pop("happened"), **given)
    assert str(error.value) == text
