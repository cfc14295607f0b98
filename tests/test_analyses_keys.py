"""What a study file says of outcomes by date, loyalty, history, trends and the improvement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from projects import HEADER, ROWS, STUDY, make_project, table, told

from csat_stats.study import Intake, load, prepare

END = len(STUDY.splitlines())  # what a test appends begins on the line after this
COLUMNS = ", ".join(HEADER)
AGAIN = "outcomes: {again: {column: kind_of_client, yes: new, no: old%s}}"
SCENARIO = "loyalty: {scenario: {outcome: %s, improve: {%s: 0.5}, customers: 100, value: 10}}"
RISK = "loyalty: {risk: {outcome: again%s}}"
HISTORY = STUDY.replace("answers.csv}", "answers.csv, history: months.csv}")
MONTHS = "history: {period: month, n: n, satisfied: good, means: {Speed: speed}}\n"
Prepared = Callable[[str, list[list[str]]], Intake]


def refused(root: Path, study: str, files: dict[str, str] | None = None) -> list[str]:
    """What is told of a study file, without its name where every line is of it."""
    project = make_project(root, {"params/small.yml": study, **(files or {})})
    return [line.removeprefix("params/small.yml:") for line in told(load, "small", project)]


WRONG = {
    "outcome of the scenario": (
        f"{AGAIN % ''}\n{SCENARIO % ('agian', 'Speed')}",
        ["2: There is no outcome agian. Did you mean again?"],
    ),
    "dimension of the scenario": (
        f"{AGAIN % ''}\n{SCENARIO % ('again', 'Sped')}",
        ["2: Sped is no dimension. Did you mean Speed?"],
    ),
    "no outcome at all": (
        RISK % "",
        ["1: There is no outcome again. Valid: –."],
    ),
    "some prices of a call": (
        f"{AGAIN % ''}\n{RISK % ', call_cost: 5, saved: 0.1'}",
        ["2: loyalty.risk: `call_cost`, `value` and `saved`: all are needed, or none of them."],
    ),
    "one price of a call": (
        f"{AGAIN % ''}\n{RISK % ', value: 5'}",
        ["2: loyalty.risk: `call_cost`, `value` and `saved`: all are needed, or none of them."],
    ),
    "money below nothing, nobody, a share above one": (
        f"{AGAIN % ''}\nloyalty:\n"
        "  scenario: {outcome: again, improve: {Speed: 1}, customers: 0, value: -1}\n"
        "  risk: {outcome: again, call_cost: 1, value: 1, saved: 1.5}",
        [
            "3: loyalty.scenario.customers: 0 is not above 0.",
            "3: loyalty.scenario.value: -1 is below 0.0.",
            "4: loyalty.risk.saved: 1.5 is above 1.0.",
        ],
    ),
    "nothing to improve": (
        f"{AGAIN % ''}\nloyalty: {{scenario: "
        "{outcome: again, improve: {}, customers: 1, value: 1}}",
        ["2: loyalty.scenario.improve is empty."],
    ),
    "stated importance": (
        "loyalty: {stated: {Staf: kindd}}",
        [
            "1: answers.csv has no column kindd. Did you mean kind?",
            "1: Staf is no dimension. Did you mean Staff?",
        ],
    ),
    "how loyalty is analysed": (
        "loyalty: {importance: beta, crosshair: middle, imputations: 201, cluster: engineer}",
        [
            "1: loyalty.importance: beta is not one of lmg or johnson.",
            "1: loyalty.crosshair: middle is not one of mean, median or scale.",
            "1: loyalty.imputations: 201 is above 200.",
            f"1: answers.csv has no column engineer. Valid: {COLUMNS}.",
        ],
    ),
    "a date without the time of the answer": (
        AGAIN % ", date: wave",
        ["1: `date` needs `submitted`: what comes before the answer is no outcome."],
    ),
    "a date that is no column": (
        f"submitted: wave\n{AGAIN % ', date: day'}",
        [f"2: answers.csv has no column day. Valid: {COLUMNS}."],
    ),
    "days without a date": (
        AGAIN % ", within_days: 90",
        ["1: outcomes.again: `within_days` and `until` need `date`."],
    ),
    "an end without a date": (
        AGAIN % ", until: 2026-06-30",
        ["1: outcomes.again: `within_days` and `until` need `date`."],
    ),
    "no days": (
        f"submitted: wave\n{AGAIN % ', date: wave, within_days: 0'}",
        ["2: outcomes.again.within_days: 0 is not above 0."],
    ),
    "history without a file": (
        "history: {period: month, n: n}",
        ["1: `history` needs `data.history`: the file."],
    ),
    "months": (
        "trends: {baseline: 2025-13, promotions: [2025-06, 2025-6, June]}",
        [
            "1: trends.baseline: 2025-13 is not a month like 2026-03.",
            "1: trends.promotions.1: 2025-6 is not a month like 2026-03.",
            "1: trends.promotions.2: June is not a month like 2026-03.",
        ],
    ),
    "how months are followed": (
        "trends: {horizon: 13, recurring_from: 10, standard: all, problem_to: low}",
        [
            "1: trends.horizon: 13 is above 12.",
            "1: trends.problem_to: low is not a number.",
            "1: trends.recurring_from: 10 is above 1.0.",
            "1: trends.standard: all is not one of first, last or pooled.",
        ],
    ),
    "no months to forecast": ("trends: {horizon: 0}", ["1: trends.horizon: 0 is below 1."]),
    "the improvement": (
        "improvement: {dimension: Sped, before: before, after: after, date: soon, margin: 0, "
        "cluster: branch}",
        [
            "1: improvement.date: soon is not a date like 2026-09-30.",
            "1: improvement.margin: 0 is not above 0.0.",
            f"1: answers.csv has no column branch. Valid: {COLUMNS}.",
            "1: Sped is no dimension. Did you mean Speed?",
        ],
    ),
    "the improvement backwards": (
        "improvement:\n  dimension: Speed\n  before: after\n  after: before",
        ["4: The wave before does not come after after."],
    ),
    "one wave twice": (
        "improvement: {dimension: Speed, before: after, after: after}",
        ["1: The wave after does not come after after."],
    ),
}


@pytest.mark.parametrize(("more", "expected"), WRONG.values(), ids=WRONG)
def test_wrong(more: str, expected: list[str], tmp_path: Path) -> None:
    lines = [text.partition(": ") for text in expected]
    assert refused(tmp_path, STUDY + more + "\n") == [
        f"{END + int(line)}: {text}" for line, _, text in lines
    ]


def test_a_file_of_months_needs_to_be_told(tmp_path: Path) -> None:
    files = {"data/raw/months.csv": "month,n\n2026-01,3\n"}
    assert refused(tmp_path, HISTORY, files) == [
        "3: `data.history` needs `history`: which columns it has."
    ]


def test_a_file_of_months_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path, HISTORY + MONTHS) == [
        "data/raw/months.csv: The file does not exist.",
    ]


def test_columns_of_the_months_that_are_not_there(tmp_path: Path) -> None:
    files = {"data/raw/months.csv": "mnth,answers,speed\n2026-01,3,4\n"}
    study = HISTORY + MONTHS.replace("Speed: speed", "Sped: speed, Staff: staff")
    valid = "Valid: mnth, answers, speed."
    assert refused(tmp_path, study, files) == [
        f"{END + 1}: Sped is no dimension. Did you mean Speed?",
        f"{END + 1}: months.csv has no column month. Did you mean mnth?",
        f"{END + 1}: months.csv has no column n. {valid}",
        f"{END + 1}: months.csv has no column good. {valid}",
        f"{END + 1}: months.csv has no column staff. {valid}",
    ]


def test_what_depends_on_a_mistake_is_no_second_mistake(tmp_path: Path) -> None:
    """A scenario of an outcome that was removed for its mistake, months of a wrong `data`."""
    more = "outcomes: {again: {column: kind_of_client, yes: new}}\n" + SCENARIO % ("again", "Speed")
    assert refused(tmp_path, STUDY + more) == [f"{END + 1}: outcomes.again.no is missing."]
    study = STUDY.replace("data: {", "data: {histroy: months.csv, ") + MONTHS
    assert refused(tmp_path, study) == ["3: Unknown key histroy. Did you mean history?"]


# --- the file of earlier months


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    """Intake of the small study with these months, under a header of all columns."""

    def prepared(more: str, rows: list[list[str]]) -> Intake:
        header = ["month", "n", "good", "speed", *(["city"] if rows and len(rows[0]) > 4 else [])]
        files = {"data/raw/months.csv": table(header, rows)}
        return prepare(
            load("small", make_project(tmp_path, {"params/small.yml": HISTORY + more, **files}))
        )

    return prepared


WRITTEN = ["2026-03", "2026/4", "2026-05-15", "2026年6月", "202607", "2026.8.1", "２０２６-０９"]


def test_months_as_people_write_them(prepared: Prepared) -> None:
    rows = [[month, "10", "7", "3.5"] for month in WRITTEN]
    history = prepared(MONTHS, rows).tables["history"]
    assert history["period"].tolist() == [f"2026-{month:02d}" for month in range(3, 10)]


def test_the_table_of_months(prepared: Prepared) -> None:
    rows = [
        ["2026-01", "10", "7", "3.5", "north"],
        ["2026-01", "20", "20", "", "south"],
        ["2026-02", "0", "0", "NA", "north"],
    ]
    intake = prepared(MONTHS, rows)
    wanted = pd.DataFrame(
        {
            "period": ["2026-01", "2026-01", "2026-02"],
            "n": [10, 20, 0],
            "satisfied": [7, 20, 0],
            "Speed": [3.5, np.nan, np.nan],
            "city": pd.Categorical(["north", "south", "north"], ["north", "south"], ordered=True),
        }
    )
    pd.testing.assert_frame_equal(intake.tables["history"], wanted, check_dtype=False)
    assert prepared("history: {period: month, n: n}\n", rows).tables[
        "history"
    ].columns.tolist() == [
        "period",
        "n",
        "city",
    ]


MORE = "more are satisfied than answered."
TWICE = "the same month stands here twice: one row a month and level is needed."
NO_MONTH = "not a month like 2026-03."
BAD_MONTHS = {
    "more satisfied than answered": ([["2026-01", "10", "11", "4"]], "good", "11", "2", MORE),
    "all are satisfied, then one more": (
        [["2026-01", "10", "10", "4"], ["2026-02", "0", "1", "4"]],
        "good",
        "1",
        "3",
        MORE,
    ),
    "no such month": ([["2026-13", "10", "7", "4"]], "month", "2026-13", "2", NO_MONTH),
    "month nought": ([["2026-0", "10", "7", "4"]], "month", "2026-0", "2", NO_MONTH),
    "a name": ([["March", "10", "7", "4"]], "month", "March", "2", NO_MONTH),
    "year last": ([["03/2026", "10", "7", "4"]], "month", "03/2026", "2", NO_MONTH),
    "no month": ([["", "10", "7", "4"]], "month", "", "2", NO_MONTH),
    "twice": (
        [["2026-01", "10", "7", "4"], ["2026/1", "9", "7", "4"], ["2026年1月", "9", "7", "4"]],
        "month",
        "2026/1",
        "3",
        TWICE,
    ),
    "twice in a city": (
        [[f"2026-0{i}", "10", "7", "4", city] for i, city in ((1, "north"), (1, "south"))]
        + [["2026-1", "10", "7", "4", "north"]],
        "month",
        "2026-1",
        "4",
        TWICE,
    ),
    "half a person": (
        [["2026-01", "9.5", "7", "4"]],
        "n",
        "9.5",
        "2",
        "not a whole number of people.",
    ),
    "less than nobody": (
        [["2026-01", "-1", "0", "4"]],
        "n",
        "-1",
        "2",
        "not a whole number of people.",
    ),
    "no number": ([["2026-01", "", "7", "4"]], "n", "", "2", "not a whole number of people."),
    "a mean off the scale": (
        [["2026-01", "10", "7", "5.5"]],
        "speed",
        "5.5",
        "2",
        "outside the scale 1–5. Correct it, set `scale`, or add it to `missing` or "
        "`not_applicable` if it is a code.",
    ),
    "another city": (
        [["2026-01", "10", "7", "4", "east"]],
        "city",
        "east",
        "2",
        "not in the levels of the study file: north, south.",
    ),
}


@pytest.mark.parametrize(
    ("rows", "column", "value", "row", "cure"), BAD_MONTHS.values(), ids=BAD_MONTHS
)
def test_months_that_cannot_be_used(
    rows: list[list[str]], column: str, value: str, row: str, cure: str, prepared: Prepared
) -> None:
    said = told(prepared, MONTHS, rows)
    first = f"data/raw/months.csv: column {column}, value {value!r} in row {row}: {cure}"
    assert first in said
    assert len(said) == (2 if value == "2026/1" else 1), said


def test_every_month_that_cannot_be_used_is_told_at_once(prepared: Prepared) -> None:
    rows = [["2026-13", "10", "11", "9"], ["2026-02", "10", "12", "4"]]
    assert told(prepared, MONTHS, rows) == [
        f"data/raw/months.csv: column month, value '2026-13' in row 2: {NO_MONTH}",
        f"data/raw/months.csv: column good, value '11' in row 2: {MORE}",
        f"data/raw/months.csv: column good, value '12' in row 3: {MORE}",
        "data/raw/months.csv: column speed, value '9' in row 2: outside the scale 1–5. Correct "
        "it, set `scale`, or add it to `missing` or `not_applicable` if it is a code.",
    ]


# --- outcomes by date

DATED = STUDY + "submitted: asked\noutcomes:\n  again: {column: bought, yes: y, no: n%s}\n"
# What was asked on, whether bought, when: the rule it falls under, and the outcome.
CASES: list[tuple[str, str, str, str, float]] = [
    ("2026-03-01 10:00:00", "y", "2026-03-20", "in_time", 1),
    ("2026-03-01 10:00:00", "y", "2026-03-01", "in_time", 1),
    ("2026-03-01 10:00:00", "y", "2026-05-30", "in_time", 1),  # the 90th day
    ("2026-03-01 10:00:00", "y", "2026-05-31", "after_window", 0),
    ("2026-03-01 10:00:00", "y", "2026-02-28", "before_survey", 0),
    ("2026-03-01 10:00:00", "n", "2026-03-05", "in_time_though_denied", 1),
    ("2026-03-01 10:00:00", "y", "", "undated", 1),
    ("2026-03-01 10:00:00", "n", "", "nothing", 0),
    ("2026-03-01 10:00:00", "", "", "no_record", np.nan),
    ("", "y", "2026-03-20", "no_survey_date", np.nan),
    ("2026-06-01 10:00:00", "n", "", "nothing_open", np.nan),
    ("2026-06-01 10:00:00", "y", "2026-05-01", "before_survey_open", np.nan),
    ("2026-06-01 10:00:00", "y", "2026-07-02", "after_until_open", np.nan),
]


def dated(root: Path, more: str, cases: list[tuple[str, str, str]]) -> Intake:
    rows = [[str(i), *ROWS[i % 4][1:], *case] for i, case in enumerate(cases)]
    answers = table([*HEADER, "asked", "bought", "day"], rows)
    files = {"params/small.yml": DATED % more, "data/raw/answers.csv": answers}
    return prepare(load("small", make_project(root, files)))


def test_only_what_comes_after_the_answer_and_in_time_is_an_outcome(tmp_path: Path) -> None:
    more = ", date: day, within_days: 90, until: 2026-06-30"
    intake = dated(tmp_path, more, [case[:3] for case in CASES])
    found = intake.responses["again"]
    np.testing.assert_array_equal(found, [case[4] for case in CASES])
    counted = intake.tables["dated"].set_index("rule")
    assert set(counted["outcome"]) == {"again"}
    rules = pd.Series([case[3] for case in CASES]).value_counts()
    assert counted["n"][counted["n"] > 0].to_dict() == rules.to_dict()
    assert counted["n"].sum() == len(CASES)


def test_without_an_end_every_time_is_over(tmp_path: Path) -> None:
    intake = dated(tmp_path, ", date: day, within_days: 90", [case[:3] for case in CASES[-3:]])
    assert intake.responses["again"].tolist() == [0, 0, 1]


def test_without_a_date_the_record_counts_and_nothing_is_checked(tmp_path: Path) -> None:
    intake = dated(tmp_path, "", [case[:3] for case in CASES])
    recorded = [{"y": 1.0, "n": 0.0, "": np.nan}[case[1]] for case in CASES]
    np.testing.assert_array_equal(intake.responses["again"], recorded)
    assert "dated" not in intake.tables


def test_times_with_a_zone_are_days_as_they_were_written(tmp_path: Path) -> None:
    """At half past midnight in China it is still the day before in Greenwich."""
    cases = [
        ("2026-03-02T00:30:00+08:00", "y", "2026-03-01"),
        ("2026-03-02T00:30:00+08:00", "y", "2026-03-02"),
    ]
    assert dated(tmp_path, ", date: day", cases).responses["again"].tolist() == [0, 1]


def test_a_day_that_is_none_is_refused(tmp_path: Path) -> None:
    cases = [("2026-03-01 10:00:00", "y", "last week"), ("2026-03-01 10:00:00", "y", "2026-02-30")]
    assert told(dated, tmp_path, ", date: day", cases) == [
        f"data/raw/answers.csv: column day, value {value!r} in row {row}: not a date and time "
        "like 2026-09-30 14:05:00."
        for row, value in ((3, "2026-02-30"), (2, "last week"))
    ]


def test_outcomes_that_were_kept_are_found_again(tmp_path: Path) -> None:
    """What is read back from ``data/processed`` is what was prepared."""
    more = ", date: day, within_days: 90, until: 2026-06-30"
    first = dated(tmp_path, more, [case[:3] for case in CASES])
    again = dated(tmp_path, more, [case[:3] for case in CASES])
    assert first.key == again.key
    pd.testing.assert_frame_equal(first.tables["dated"], again.tables["dated"])
