"""From raw tables to responses: what is cast, what is left out, what is refused with its rows."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from projects import HEADER, ROWS, STUDY, make_project, table, told

from csat_stats.study import RULES, Intake, Project, Study, StudyError, data_key, load, prepare

ROOT = Path(__file__).resolve().parents[1]
Taken = Callable[..., Intake]
Refused = Callable[..., list[str]]
NUMBER = "not a number. Correct it, or add it to `missing` if it means no answer."
SCALE = (
    "outside the scale 1–5. Correct it, set `scale`, or add it to `missing` or `not_applicable` "
    "if it is a code."
)


def answers(**columns: list[str]) -> str:
    """The usual answers with other, or more, columns."""
    usual = dict(zip(HEADER, map(list, zip(*ROWS, strict=True)), strict=True))
    columns = {**usual, **columns}
    return table(columns, zip(*columns.values(), strict=True))


def study_of(root: Path, more: str = "", text: str = STUDY, **columns: list[str]) -> Study:
    files = {"params/small.yml": text + more, "data/raw/answers.csv": answers(**columns)}
    return load("small", make_project(root, files))


@pytest.fixture
def taken(tmp_path: Path) -> Taken:
    """Intake of the usual study with ``more`` in its file and other columns in its answers."""
    return lambda more="", text=STUDY, **columns: prepare(study_of(tmp_path, more, text, **columns))


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    def refused(more: str = "", text: str = STUDY, **columns: list[str]) -> list[str]:
        lines = told(prepare, study_of(tmp_path, more, text, **columns))
        assert not (tmp_path / "data" / "processed").exists()
        return [line.removeprefix("data/raw/answers.csv: ") for line in lines]

    return refused


def values(column: pd.Series) -> list[object]:
    """A column's values, None for what is missing."""
    return [None if pd.isna(value) else value for value in column]


def flow(intake: Intake) -> dict[str, int]:
    return dict(zip(intake.flow["rule"], intake.flow["n"], strict=True))


# --- what is cast


def test_the_usual_study(taken: Taken) -> None:
    intake = taken()
    frame = intake.responses
    assert list(frame.columns) == [
        "row", "respondent", "wave", "fast", "on_time", "kind", "city", "kind_of_client"
    ]  # fmt: skip
    assert values(frame["row"]) == [2, 3, 4, 5]
    assert values(frame["respondent"]) == ["1", "2", "3", "4"]
    assert values(frame["on_time"]) == [2, 5, 5, None]
    assert all(frame[item].dtype == "float64" for item in ("fast", "on_time", "kind"))
    assert flow(intake) == {"received": 4, "duplicate": 0, "empty": 0, "analysed": 4}
    assert intake.excluded.empty
    assert (intake.notes, intake.tables) == ((), {})


def test_columns_by_their_role(taken: Taken) -> None:
    frame = taken(
        "customer: client\nsubmitted: at\nduration: seconds\noverall: all\nnps: tell\n"
        "outcomes: {Again: {column: again, yes: [yes, 1], no: no}}\n"
        "exclusions: {one_answer_per: ticket}\n",
        client=["a", "0012", "", "NA"],
        at=["2026-09-30 14:05:00", "2026-09-30T14:05", "2026/9/3 8:05:00", ""],
        seconds=["60", "61.5", "", "１２０"],
        all=["1", "5", "", "3"],
        tell=["0", "10", "7", ""],
        again=["yes", "no", "", "1"],
        ticket=["t1", "t2", "t3", ""],
    ).responses
    assert values(frame["customer"]) == ["a", "0012", None, None]
    assert values(frame["submitted"]) == [
        pd.Timestamp("2026-09-30 14:05"), pd.Timestamp("2026-09-30 14:05"),
        pd.Timestamp("2026-09-03 08:05"), None,
    ]  # fmt: skip
    assert values(frame["duration"]) == [60, 61.5, None, 120]
    assert values(frame["overall"]) == [1, 5, None, 3]
    assert values(frame["nps"]) == [0, 10, 7, None]
    assert values(frame["Again"]) == [1, 0, None, 1]
    assert values(frame["case"]) == ["t1", "t2", "t3", None]


def test_ways_to_write_a_number(taken: Taken) -> None:
    intake = taken(fast=["1.0", "5.", "+4", "5e0"], kind=["３", "４．５", "2", " 1 "])
    assert values(intake.responses["fast"]) == [1, 5, 4, 5]
    assert values(intake.responses["kind"]) == [3, 4.5, 2, 1]
    assert [str(note) for note in intake.notes] == [
        "column kind: 2 number(s) in full-width digits."
    ]


def test_codes_for_no_answer(taken: Taken) -> None:
    frame = taken(fast=["NA", "(跳过)", "N/A", "1"]).responses
    assert values(frame["fast"]) == [None, None, None, 1]
    frame = taken("missing: [99, '-']", fast=["99", "-", "", "5"]).responses
    assert values(frame["fast"]) == [None, None, None, 5]
    frame = taken("scale: {not_applicable: [9, 不适用]}", fast=["9", "不适用", "", "5"]).responses
    assert values(frame["fast"]) == [None, None, None, 5]


def test_items_without_variance_or_answers_are_the_methods_business(taken: Taken) -> None:
    frame = taken(fast=["3"] * 4, kind=[""] * 4).responses
    assert values(frame["fast"]) == [3, 3, 3, 3]
    assert values(frame["kind"]) == [None] * 4
    assert frame["kind"].dtype == "float64"


def test_reversed_items_are_turned_round(taken: Taken) -> None:
    assert values(taken("reversed: kind").responses["kind"]) == [3, 2, 1, 4]
    frame = taken("reversed: kind\nscale: {low: 0, high: 10}", kind=["0", "10", "", "3"]).responses
    assert values(frame["kind"]) == [10, 0, None, 7]


def test_the_overall_question_may_have_its_own_scale(taken: Taken) -> None:
    more = "overall: {column: all, scale: {low: 0, high: 10, not_applicable: 11}}"
    assert values(taken(more, all=["0", "10", "11", "7"]).responses["overall"]) == [0, 10, None, 7]


def test_categories_keep_their_order_and_their_unused_levels(taken: Taken) -> None:
    text = STUDY.replace("[north, south]", "[west, south, north]").replace(
        "[before, after]", "[plan, before, after]"
    )
    frame = taken(text=text, kind_of_client=["old", "", "NA", "new"]).responses
    assert list(frame["city"].cat.categories) == ["west", "south", "north"]
    assert list(frame["wave"].cat.categories) == ["plan", "before", "after"]
    assert list(frame["kind_of_client"].cat.categories) == ["new", "old"]
    assert values(frame["kind_of_client"]) == ["old", None, None, "new"]
    assert all(frame[name].cat.ordered for name in ("city", "wave", "kind_of_client"))
    assert frame["wave"].min() == "before"


def test_text_stays_as_it_stands(taken: Taken) -> None:
    text = STUDY.replace("[north, south]", "['三线（及以下）', ＶＩＰ]")
    frame = taken(
        text=text, city=["三线（及以下）", "ＶＩＰ"] * 2, id=["Ａ１", "A1", "0012", "012"]
    )
    assert values(frame.responses["city"]) == ["三线（及以下）", "ＶＩＰ"] * 2
    assert values(frame.responses["respondent"]) == ["Ａ１", "A1", "0012", "012"]


def test_a_wave_that_is_yet_to_come_is_no_mistake(taken: Taken) -> None:
    intake = taken(wave=["before"] * 4)
    assert list(intake.responses["wave"].cat.categories) == ["before", "after"]
    assert set(intake.responses["wave"]) == {"before"}


def test_the_wave_as_a_segment_keeps_its_order(taken: Taken) -> None:
    frame = taken(text=STUDY.replace("{city:", "{wave: , city:")).responses
    assert list(frame["wave"].cat.categories) == ["before", "after"]


# --- what is refused


TIME = "not a date and time like 2026-09-30 14:05:00."
YES_NO = "neither in `yes` nor in `no` of the study file. Add it to one of them."
WRONG: dict[str, tuple[str, dict[str, list[str]], list[str]]] = {
    "words": (
        "",
        {"fast": ["good", "1", "good", "五"]},
        [
            f"column fast, value 'good' in row 2, 4: {NUMBER}",
            f"column fast, value '五' in row 5: {NUMBER}",
        ],
    ),
    "no figures": (
        "",
        {"fast": ["1,5", "inf", "nan", "0x1"]},
        [
            f"column fast, value '{value}' in row {row}: {NUMBER}"
            for value, row in [("0x1", 5), ("1,5", 2), ("inf", 3), ("nan", 4)]
        ],
    ),
    "codes": (
        "",
        {"fast": ["99", "0", "1", "99"], "kind": ["５５", "-1", "5.01", "5"]},
        [
            f"column fast, value '0' in row 3: {SCALE}",
            f"column fast, value '99' in row 2, 5: {SCALE}",
            f"column kind, value '-1' in row 3: {SCALE}",
            f"column kind, value '5.01' in row 4: {SCALE}",
            f"column kind, value '５５' in row 2: {SCALE}",
        ],
    ),
    "recommendation": (
        "nps: tell",
        {"tell": ["11", "10", "0", ""]},
        [f"column tell, value '11' in row 2: {SCALE.replace('1–5', '0–10')}"],
    ),
    "own scale": (
        "scale: {low: 0, high: 2.5}\noverall: {column: all, scale: {high: 7}}",
        {
            "fast": ["3", "", "", ""],
            "on_time": [""] * 4,
            "kind": [""] * 4,
            "all": ["0", "7", "", ""],
        },
        [
            f"column fast, value '3' in row 2: {SCALE.replace('1–5', '0–2.5')}",
            f"column all, value '0' in row 2: {SCALE.replace('1–5', '1–7')}",
        ],
    ),
    "behaviour": (
        "outcomes: {Again: {column: again, yes: yes, no: no}}",
        {"again": ["yes", "Yes", "", "maybe"]},
        [
            f"column again, value 'Yes' in row 3: {YES_NO}",
            f"column again, value 'maybe' in row 5: {YES_NO}",
        ],
    ),
    "waves": (
        "",
        {"wave": ["before", "Before", "", "NA"]},
        [
            "column wave, value 'Before' in row 3: not in the levels of the study file: "
            "before, after.",
            "column wave, value '' in row 4, 5: the wave is empty: fill it in.",
        ],
    ),
    "levels": (
        "",
        {"city": ["north", "North", "", "west"]},
        [
            f"column city, value '{value}' in row {row}: not in the levels of the study file: "
            "north, south."
            for value, row in [("North", 3), ("west", 5)]
        ],
    ),
    "times": (
        "submitted: at\nduration: seconds",
        {"at": ["30.09.2026", "now", "2026-02-30", "45200.5"], "seconds": ["1:05", "", "5", "5s"]},
        [
            f"column at, value '2026-02-30' in row 4: {TIME}",
            f"column at, value '30.09.2026' in row 2: {TIME}",
            f"column at, value '45200.5' in row 5: {TIME}",
            f"column at, value 'now' in row 3: {TIME}",
            f"column seconds, value '1:05' in row 2: {NUMBER}",
            f"column seconds, value '5s' in row 5: {NUMBER}",
        ],
    ),
    "time zones": (
        "submitted: at",
        {"at": ["2026-09-30T14:05+08:00", "2026-09-30T14:05", "", ""]},
        [
            "column at: times of different time zones, or with and without one. Write all of "
            "them alike."
        ],
    ),
    "nobody answered": (
        "",
        {"fast": [""] * 4, "on_time": [""] * 4, "kind": ["NA"] * 4},
        ["No response is left after the exclusion rules of the study file."],
    ),
}


@pytest.mark.parametrize(("more", "columns", "expected"), WRONG.values(), ids=WRONG.keys())
def test_wrong(
    more: str, columns: dict[str, list[str]], expected: list[str], refused: Refused
) -> None:
    assert refused(more, **columns) == expected


def many(text: str, rows: int) -> dict[str, list[str]]:
    columns = {name: [value] * rows for name, value in zip(HEADER, ROWS[0], strict=True)}
    return {
        **columns,
        "id": [*map(str, range(rows))],
        "fast": [text.format(n) for n in range(rows)],
    }


def test_many_rows_are_shortened(refused: Refused) -> None:
    assert refused(**many("good", 6)) == [
        f"column fast, value 'good' in row 2, 3, 4, 5, 6, …: {NUMBER}"
    ]
    assert refused(**many("good", 5)) == [
        f"column fast, value 'good' in row 2, 3, 4, 5, 6: {NUMBER}"
    ]


def test_many_values_are_shortened(refused: Refused) -> None:
    more = "More values do not fit; mend these first."
    assert len(refused(**many("x{:02}", 20))) == 20
    lines = refused(**many("x{:02}", 21))
    assert (len(lines), lines[0], lines[-1]) == (
        21,
        f"column fast, value 'x00' in row 2: {NUMBER}",
        more,
    )
    assert refused(**{**many("x{:02}", 30), "kind": ["99"] * 30})[-2:] == [
        f"column fast, value 'x19' in row 21: {NUMBER}",
        more,
    ]


def test_rows_are_told_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    text = table(HEADER, ROWS[:1]) + "\n\n,,,,,,\n" + '2,after,north,"a\nb\n",99,,\n'
    project = make_project(tmp_path, {"data/raw/answers.csv": text})
    assert told(prepare, load("small", project)) == [
        f"data/raw/answers.csv: column fast, value '99' in row 6: {SCALE}"
    ]
    make_project(tmp_path, {"data/raw/answers.csv": text.replace("99", "5")})
    intake = prepare(load("small", project))
    assert values(intake.responses["row"]) == [2, 6]
    assert flow(intake)["received"] == 2


# --- what is left out


def left_out(intake: Intake) -> list[tuple[int, str]]:
    assert flow(intake)["received"] - len(intake.excluded) == flow(intake)["analysed"]
    return [*zip(intake.excluded["row"], intake.excluded["rule"], strict=True)]


def test_an_answer_sheet_counts_once(tmp_path: Path) -> None:
    rows = [ROWS[0], ROWS[1], ROWS[0], [*ROWS[1][:-1], "1"], *[["", *ROWS[2][1:]]] * 2, ROWS[3]]
    rows[5] = [*rows[5][:-1], "1"]  # without an id, but not the same answers
    project = make_project(tmp_path, {"data/raw/answers.csv": table(HEADER, rows)})
    intake = prepare(load("small", project))
    assert left_out(intake) == [(4, "duplicate"), (5, "duplicate")]
    assert values(intake.excluded["respondent"]) == ["1", "2"]
    assert values(intake.responses["row"]) == [2, 3, 6, 7, 8]
    assert values(intake.responses["kind"])[1] == 4  # the first one stays


def test_the_same_answers_of_people_without_an_id_are_no_duplicates(tmp_path: Path) -> None:
    text = STUDY.replace("respondent: id\n", "")
    rows = [["9", *ROWS[0][1:]]] * 3
    files = {"params/small.yml": text, "data/raw/answers.csv": table(HEADER, rows)}
    intake = prepare(load("small", make_project(tmp_path, files)))
    assert flow(intake) == {"received": 3, "duplicate": 0, "empty": 0, "analysed": 3}
    assert list(intake.excluded.columns) == ["row", "rule"]
    rows = [[*row, "2026-09-30 14:05:00"] for row in rows]
    files = {
        "params/small.yml": text + "submitted: at",
        "data/raw/answers.csv": table([*HEADER, "at"], rows),
    }
    intake = prepare(load("small", make_project(tmp_path, files)))
    assert left_out(intake) == [(3, "duplicate"), (4, "duplicate")]


def test_speeders(taken: Taken) -> None:
    intake = taken(
        "duration: seconds\nexclusions: {min_seconds: 30}", seconds=["29.9", "30", "", "0"]
    )
    assert left_out(intake) == [(2, "speeder"), (5, "speeder")]


def test_responses_without_any_item(taken: Taken) -> None:
    intake = taken("overall: all", fast=["", "NA", "", "1"], on_time=["", "", "5", ""],
                   kind=["", "", "", ""], all=["5", "5", "5", "5"])  # fmt: skip
    assert left_out(intake) == [(2, "empty"), (3, "empty")]


def test_one_answer_a_case_and_wave(taken: Taken) -> None:
    more = "duration: seconds\nexclusions: {min_seconds: 30, one_answer_per: ticket}"
    intake = taken(
        more,
        id=[*"abcdefgh"],
        wave=["before"] * 6 + ["after"] * 2,
        city=["north"] * 8,
        kind_of_client=["new"] * 8,
        fast=["1", "2", "3", "", "", "", "4", "5"],
        on_time=[""] * 8,
        kind=["", "", "", "5", "5", "5", "", ""],
        seconds=["5", "60", "60", "60", "60", "60", "60", "60"],
        ticket=["t1", "t1", "t1", "", "NA", "t2", "t1", "t2"],
    )
    # The first valid answer stays; a case without a number is a case of its own.
    assert left_out(intake) == [(2, "speeder"), (4, "resubmitted")]
    assert values(intake.responses["respondent"]) == [*"bdefgh"]
    assert list(flow(intake)) == [
        "received", "duplicate", "speeder", "empty", "resubmitted", "analysed"
    ]  # fmt: skip


def test_cases_of_a_study_without_waves(taken: Taken) -> None:
    text = STUDY.replace("wave: {column: wave, order: [before, after]}\n", "")
    intake = taken("exclusions: {one_answer_per: kind_of_client}", text=text)
    assert left_out(intake) == [(4, "resubmitted"), (5, "resubmitted")]
    assert "wave" not in intake.responses


def test_a_response_is_counted_under_one_rule(taken: Taken) -> None:
    intake = taken(
        "duration: seconds\nexclusions: {min_seconds: 30, one_answer_per: ticket}",
        id=["1", "1", "2", "3"],
        fast=["", "", "", "1"],
        on_time=[""] * 4,
        kind=[""] * 4,
        seconds=["5", "5", "60", "60"],
        ticket=["t"] * 4,
    )
    assert left_out(intake) == [(2, "speeder"), (3, "duplicate"), (4, "empty")]


COLUMN = st.sampled_from
RESPONSE = st.tuples(
    COLUMN(["1", "2", "3", ""]), COLUMN(["before", "after"]), COLUMN(["north", "south", ""]),
    COLUMN(["new", ""]), COLUMN(["1", ""]), COLUMN(["5", "NA"]), COLUMN(["３", ""]),
    COLUMN(["29", "30", ""]), COLUMN(["t1", "t2", ""]),
).filter(any)  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


@given(rows=st.lists(RESPONSE, max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_response_is_analysed_or_left_out_by_one_rule(
    rows: list[tuple[str, ...]], drawn: Path
) -> None:
    rows = [*rows, ("kept", "after", "north", "new", "5", "5", "5", "60", "kept")]
    more = "duration: seconds\nexclusions: {min_seconds: 30, one_answer_per: ticket}"
    files = {
        "params/small.yml": STUDY + more,
        "data/raw/answers.csv": table([*HEADER, "seconds", "ticket"], rows),
    }
    intake = prepare(load("small", make_project(drawn, files)))
    seen = [*intake.responses["row"], *intake.excluded["row"]]
    assert sorted(seen) == [*range(2, len(rows) + 2)]
    counts = flow(intake)
    assert counts["received"] == len(rows)
    assert counts["analysed"] == len(intake.responses)
    assert set(counts) <= set(RULES)
    assert intake.excluded["rule"].value_counts().to_dict() == {
        rule: n for rule, n in counts.items() if n and rule not in ("received", "analysed")
    }
    kept = intake.responses
    assert not kept.dropna(subset="respondent").duplicated(["respondent", "wave"]).any()
    assert not kept.dropna(subset="case").duplicated(["case", "wave"]).any()
    assert not (kept["duration"] < 30).any()
    assert kept[["fast", "on_time", "kind"]].notna().any(axis=1).all()


# --- other tables


FRAMED = STUDY.replace("answers.csv}", "answers.csv, population: frame.csv}")
SAMPLING = "sampling: {strata: [city, channel], size: people}"


def framed(root: Path, people: list[str]) -> Study:
    cells = [[["north", "south"][i % 2], "web", "x", n] for i, n in enumerate(people)]
    files = {
        "params/small.yml": FRAMED + SAMPLING,
        "data/raw/frame.csv": table(["city", "channel", "remark", "people"], cells),
        "data/raw/answers.csv": answers(channel=["web", "phone", "", "web"]),
    }
    return load("small", make_project(root, files))


def test_the_sampling_frame(tmp_path: Path) -> None:
    intake = prepare(framed(tmp_path, ["1200", "８0.0"]))
    frame = intake.tables["population"]
    assert list(frame.columns) == ["city", "channel", "people"]
    assert values(frame["people"]) == [1200, 80]
    assert frame["people"].dtype == "int64"
    # A stratum that is no segment is there to weight by.
    assert values(intake.responses["channel"]) == ["web", "phone", None, "web"]


def test_people_are_counted_in_whole_numbers(tmp_path: Path) -> None:
    people = ["many", "1,200", "-5", "1.5", "", "inf"]
    assert told(prepare, framed(tmp_path, people)) == [
        f"data/raw/frame.csv: column people, value '{people[n]}' in row {n + 2}: "
        "not a whole number of people."
        for n in (4, 2, 1, 3, 5, 0)
    ]


def test_encodings_are_told(tmp_path: Path) -> None:
    raw = answers(city=["north", "south", "", ""]).replace("fast", "快").encode("gb18030")
    files: dict[str, str | bytes] = {
        "params/small.yml": STUDY.replace("fast", "快"),
        "data/raw/answers.csv": raw,
    }
    notes = prepare(load("small", make_project(tmp_path, files))).notes
    assert [str(note) for note in notes] == ["data/raw/answers.csv was read as GB18030."]
    assert notes[0].render(lambda text: "{encoding}: {file}") == "GB18030: data/raw/answers.csv"


# --- what is kept, and where


def project_with_phones(root: Path) -> Project:
    phones = [f"1390000000{n}" for n in range(4)]
    text = STUDY.replace(
        "answers.csv}", "answers.csv, population: frame.csv, tickets: tickets.csv}"
    )
    files = {
        "params/small.yml": text + "sampling: {strata: city, size: people}",
        "data/raw/answers.csv": answers(phone=phones, name=["Ann", "Bob", "Cid", "Dee"]),
        "data/raw/frame.csv": table(["city", "phone", "people"], [["north", phones[0], "1"]]),
        "data/raw/tickets.csv": table(["ticket", "phone"], [["t1", phones[0]]]),
    }
    return make_project(root, files)


def test_only_named_columns_leave_the_raw_data(tmp_path: Path) -> None:
    project = project_with_phones(tmp_path)
    intake = prepare(load("small", project))
    folder = project.processed("small", intake.key)
    stored = {path.name: path for path in folder.iterdir()}
    assert set(stored) == {
        "responses.parquet", "excluded.parquet", "flow.parquet", "population.parquet", "notes.json"
    }  # fmt: skip
    columns = {c for p in stored.values() if p.suffix == ".parquet" for c in pd.read_parquet(p)}
    assert {"phone", "name"}.isdisjoint(columns)
    for path in stored.values():
        assert b"1390000" not in path.read_bytes()
        assert b"Ann" not in path.read_bytes()
    assert values(intake.tables["tickets"]["ticket"]) == ["t1"]  # there, but not kept


def test_raw_data_are_never_written(tmp_path: Path) -> None:
    project = project_with_phones(tmp_path)
    before = {path: path.read_bytes() for path in project.raw.rglob("*.csv")}
    prepare(load("small", project))
    assert {path: path.read_bytes() for path in project.raw.rglob("*")} == before


def test_the_key_belongs_to_data_and_study_file(tmp_path: Path) -> None:
    project = project_with_phones(tmp_path)
    first = prepare(load("small", project))
    folder = project.processed("small", first.key)
    written = folder.stat().st_mtime_ns
    again = prepare(load("small", project_with_phones(tmp_path)))  # the same bytes, newly written
    assert again.key == first.key == data_key(load("small", project))
    assert folder.stat().st_mtime_ns == written
    pd.testing.assert_frame_equal(again.responses, first.responses)
    keys = {first.key}
    for name in ("params/small.yml", "data/raw/answers.csv", "data/raw/frame.csv",
                 "data/raw/tickets.csv"):  # fmt: skip
        project_with_phones(tmp_path)
        path = tmp_path / name
        path.write_bytes(path.read_bytes() + b"\n")
        keys.add(prepare(load("small", project)).key)
    assert len(keys) == 5
    assert {path.name for path in folder.parent.iterdir()} == keys


def test_what_is_lost_is_prepared_again(tmp_path: Path) -> None:
    study = load("small", make_project(tmp_path))
    first = prepare(study)
    shutil.rmtree(study.project.processed("small", first.key))
    pd.testing.assert_frame_equal(prepare(study).responses, first.responses)


def prepare_at_once(root: Path, barrier: Barrier) -> None:
    study = load("small", Project(root))
    barrier.wait(60)
    assert len(prepare(study).responses) == 3000


def test_two_processes_prepare_one_folder(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"data/raw/answers.csv": answers(**many("5", 3000))})
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(2)
    processes = [spawn.Process(target=prepare_at_once, args=(tmp_path, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    folder = project.processed("small", data_key(load("small", project)))
    assert list(folder.parent.iterdir()) == [folder]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    study = load("small", make_project(tmp_path))
    folder = study.project.processed("small", data_key(study))
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    with pytest.raises(OSError):
        prepare(study)
    assert list(folder.parent.iterdir()) == [folder]


# --- the study that is shipped


def test_the_demo_study(tmp_path: Path) -> None:
    shipped = [ROOT / "params" / "demo.yml", *(ROOT / "data" / "raw" / "demo").glob("*.csv")]
    files: dict[str, str | bytes] = {str(p.relative_to(ROOT)): p.read_bytes() for p in shipped}
    intake = prepare(load("demo", make_project(tmp_path, files)))
    assert flow(intake) == {
        "received": 2472, "duplicate": 12, "speeder": 28, "empty": 0, "resubmitted": 8,
        "analysed": 2424,
    }  # fmt: skip
    assert len(intake.excluded) == 48
    assert intake.notes == ()
    assert intake.responses["wave"].value_counts().to_dict() == {"改进前": 1212, "改进后": 1212}
    assert list(intake.tables) == [
        *("population", "contacts", "history", "dated", "tickets", "actions"),
    ]
    assert intake.tables["population"]["客户数"].sum() == 60_000
    items = intake.responses[load("demo", Project(tmp_path)).plan.items]
    assert np.nanmin(items) == 1
    assert np.nanmax(items) == 5


def test_a_panel_has_the_same_ids_in_both_waves(tmp_path: Path) -> None:
    rows = "id,wave,q1\n" + "".join(f"{i},{w},4\n" for w in ("one", "two") for i in (1, 2))
    study = (
        "title: Panel\ndata: {responses: a.csv}\nrespondent: id\ndimensions: {D: [q1]}\n"
        "wave: {column: wave, order: [one, two]}\n"
    )
    project = make_project(tmp_path, {"params/s.yml": study, "data/raw/a.csv": rows})
    assert len(prepare(load("s", project)).responses) == 4


def test_a_level_that_no_response_has_is_named(tmp_path: Path) -> None:
    study = (
        "title: T\ndata: {responses: a.csv}\ndimensions: {D: [q1]}\nsegments: city\n"
        "targets: [{name: N, metric: D, target: 4, where: {city: Lion}}]\n"
    )
    rows = "q1,city\n4,Lyon\n5,Nice\n"
    project = make_project(tmp_path, {"params/s.yml": study, "data/raw/a.csv": rows})
    with pytest.raises(StudyError) as error:
        prepare(load("s", project))
    assert str(error.value) == "params/s.yml: city has no level Lion. Did you mean Lyon?"
