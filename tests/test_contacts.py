"""What became of those invited: study file, intake, scope, response rates, rules for call-backs."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import nbformat
import pandas as pd
import pytest
from conftest import ROOT
from projects import HEADER, ROWS, STUDY, make_project, table, told

from csat_stats import sampling
from csat_stats.report import findings, records
from csat_stats.report.material import NEEDS, Material
from csat_stats.run import RunResult
from csat_stats.sampling.dispositions import CODES
from csat_stats.study import Intake, Project, Study, data_key, load, prepare
from csat_stats.study.sampling_plan import Dispositions

CONTACTS = STUDY.replace("answers.csv}", "answers.csv, contacts: contacts.csv}")
DISPOSITIONS = """\
sampling:
  strata: [city, kind_of_client]
  dispositions:
    column: result
    codes: {I: done, R: [refused, hung up], NC: no answer, UO: 9, NE: moved}
"""
CALLS = """\
  call_back:
    served: served at
    called: called at
    hours: [24, 48]
    served_by: engineer
    called_by: caller
"""
END = len(STUDY.splitlines())
LISTED = [
    ["ann", "before", "north", "done"],
    ["bob", "before", "south", "refused"],
    ["cat", "after", "north", "done"],
    ["dan", "after", "north", "hung up"],
    ["eve", "after", "south", "no answer"],
    ["fay", "after", "south", "done"],
    ["gus", "after", "south", "moved"],
    ["hal", "after", "", "9"],
    ["ida", "after", "south", "NA"],
]
TIMES = {
    "served at": ["2026-03-02 10:00", "2026-03-02 10:00", "2026-03-02 10:00", "2026-03-02 10:00"],
    "called at": ["2026-03-03 10:00", "2026-03-04 10:00", "2026-03-04 10:01", "2026-03-03 09:59"],
    "engineer": ["e1", "e2", "e3", ""],
    "caller": ["e2", "e2", "e4", "e4"],
}
Refused = Callable[..., list[str]]


def answers(**more: list[str]) -> str:
    rows = zip(ROWS, zip(*more.values(), strict=True), strict=True)
    return table([*HEADER, *more], [[*row, *cells] for row, cells in rows])


def contacts(rows: list[list[str]] = LISTED, header: str = "name wave city result") -> str:
    return table(header.split(), rows)


def project(root: Path, more: str = DISPOSITIONS, text: str = CONTACTS, **files: str) -> Project:
    usual = {"contacts": contacts(), "answers": answers(**TIMES)}
    raw = {f"data/raw/{name}.csv": content for name, content in {**usual, **files}.items()}
    return make_project(root, {"params/small.yml": text + more, **raw})


def study(root: Path, more: str = DISPOSITIONS, text: str = CONTACTS, **files: str) -> Study:
    return load("small", project(root, more, text, **files))


def material(study: Study, wave: str = "", where: str = "") -> Material:
    scope = {"wave": wave, "where": where}
    return Material(study=study, intake=prepare(study), scope=scope, language="en")


# --- the study file


def test_the_codes_are_those_of_the_statistics() -> None:
    keys = Dispositions.model_fields["codes"].annotation
    assert get_args(get_args(keys)[0]) == CODES


def test_what_a_study_file_says(tmp_path: Path) -> None:
    plan = study(tmp_path, DISPOSITIONS + CALLS).plan
    assert plan.sampling is not None and plan.sampling.call_back is not None
    assert plan.sampling.dispositions is not None
    assert plan.sampling.dispositions.codes == {
        "I": ["done"], "R": ["refused", "hung up"], "NC": ["no answer"], "UO": ["9"],
        "NE": ["moved"],
    }  # fmt: skip
    assert plan.sampling.call_back.hours == (24, 48)
    assert plan.call_back_columns == {
        "served": "served at", "called": "called at", "served_by": "engineer", "called_by": "caller"
    }  # fmt: skip


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    def refused(*change: str, text: str = CONTACTS, more: str = DISPOSITIONS + CALLS) -> list[str]:
        made = project(tmp_path, more.replace(*change) if change else more, text)
        return [line.removeprefix("params/small.yml:") for line in told(load, "small", made)]

    return refused


WRONG = {
    "no such code": (
        "NE: moved",
        "XX: moved",
        [
            f"{END + 5}: sampling.dispositions.codes.XX: XX is not one of I, P, R, NC, O, UH, UO "
            "or NE."
        ],
    ),
    "no completes": (
        "I: done, ",
        "",
        [
            f"{END + 3}: sampling.dispositions: `codes` needs I: what a completed questionnaire is "
            "called."
        ],
    ),
    "no words": ("I: done", "I: ", [f"{END + 5}: sampling.dispositions.codes.I is empty."]),
    "one word, two codes": (
        "NE: moved",
        "NE: [moved, refused]",
        [f"{END + 3}: sampling.dispositions: refused stands under both R and NE."],
    ),
    "no codes": (
        "    codes: {I: done, R: [refused, hung up], NC: no answer, UO: 9, NE: moved}\n",
        "",
        [f"{END + 3}: sampling.dispositions.codes is missing."],
    ),
    "unknown key": (
        "codes: {",
        "code: {",
        [
            f"{END + 3}: sampling.dispositions.codes is missing.",
            f"{END + 5}: Unknown key code. Did you mean codes?",
        ],
    ),
    "column": (
        "column: result",
        "column: resulted",
        [f"{END + 4}: contacts.csv has no column resulted. Did you mean result?"],
    ),
    "columns of the rule": (
        "served: served at\n    called: called at",
        "served: served on\n    called: caled at",
        [
            f"{END + 7}: answers.csv has no column served on. Did you mean served at?",
            f"{END + 8}: answers.csv has no column caled at. Did you mean called at?",
        ],
    ),
    "persons of the rule": (
        "served_by: engineer",
        "served_by: ingeneer",
        [f"{END + 10}: answers.csv has no column ingeneer. Did you mean engineer?"],
    ),
    "one person": (
        "    served_by: engineer\n",
        "",
        [
            f"{END + 6}: sampling.call_back: `served_by` and `called_by`: both are needed, or "
            "neither."
        ],
    ),
    "no window": (
        "[24, 48]",
        "[48, 24]",
        [
            f"{END + 6}: sampling.call_back: `hours` are the shortest and the longest time, in "
            "this order."
        ],
    ),
    "negative hours": (
        "[24, 48]",
        "[-1, 48]",
        [f"{END + 9}: sampling.call_back.hours.0: -1 is below 0.0."],
    ),
    "unknown key of the rule": (
        "served: served at",
        "serve: served at",
        [
            f"{END + 6}: sampling.call_back.served is missing.",
            f"{END + 7}: Unknown key serve. Did you mean served?",
        ],
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), WRONG.values(), ids=WRONG.keys())
def test_wrong(old: str, new: str, expected: list[str], refused: Refused) -> None:
    assert refused(old, new) == expected


def test_contacts_and_dispositions_need_each_other(refused: Refused) -> None:
    assert refused(more="") == [
        "3: `contacts` needs `sampling.dispositions`: what became of each contact."
    ]
    assert refused(text=STUDY, more=DISPOSITIONS) == [
        f"{END + 3}: `dispositions` needs `data.contacts`: one row a customer invited."
    ]


def test_no_column_may_have_the_name_of_one_of_ours(refused: Refused) -> None:
    text = CONTACTS.replace("kind_of_client: }", "disposition: , served: }")
    lines = refused(text=text, more=DISPOSITIONS)
    for name in ("disposition", "served"):
        assert f"9: A column may not be called {name}: rename it." in lines


# --- intake


def values(column: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


def test_contacts_keep_what_is_needed_and_nothing_else(tmp_path: Path) -> None:
    read = study(tmp_path)
    for _ in range(2):  # as read, and as found prepared
        frame = prepare(read).tables["contacts"]
        assert list(frame) == ["disposition", "wave", "city"]
        assert values(frame["disposition"]) == ["I", "R", "I", "R", "NC", "I", "NE", "UO", None]
        assert list(frame["wave"].cat.categories) == ["before", "after"]
        assert values(frame["city"])[5:8] == ["south", "south", None]
    (read.project.raw / "contacts.csv").write_text(contacts(LISTED[:2]), "utf-8")
    assert len(prepare(read).tables["contacts"]) == 2


def test_contacts_belong_to_the_key(tmp_path: Path) -> None:
    read = study(tmp_path)
    before = data_key(read)
    (read.project.raw / "contacts.csv").write_text(contacts(LISTED[1:]), "utf-8")
    assert data_key(read) != before


def test_what_does_not_fit_is_told_with_its_rows(tmp_path: Path) -> None:
    rows = [
        *LISTED,
        ["x", "after", "south", "busy"],
        ["x", "later", "south", "done"],
        ["x", "after", "east", "busy"],
        ["x", "", "south", "done"],
    ]
    wrong = answers(**TIMES).replace("2,before,south,old,4", "2,before,south,old,7")
    lines = told(prepare, study(tmp_path, contacts=contacts(rows), answers=wrong))
    assert lines[0].startswith("data/raw/answers.csv: column fast, value '7' in row 3: outside")
    assert [line.removeprefix("data/raw/contacts.csv: ") for line in lines[1:]] == [
        "column result, value 'busy' in row 11, 13: under no code of `dispositions` in the study "
        "file. Add it to one of them.",
        "column wave, value 'later' in row 12: not in the levels of the study file: before, after.",
        "column wave, value '' in row 14: the wave is empty: fill it in.",
        "column city, value 'east' in row 13: not in the levels of the study file: north, south.",
    ]


def served(intake: Intake) -> list[pd.DataFrame]:
    return [intake.responses[["served", "called"]], intake.responses[["served_by", "called_by"]]]


def test_times_and_persons_of_call_backs(tmp_path: Path) -> None:
    intake = prepare(study(tmp_path, DISPOSITIONS + CALLS))
    times, persons = served(intake)
    hours = (times["called"] - times["served"]) / pd.Timedelta(hours=1)
    assert hours.round(2).tolist() == [24, 48, 48.02, 23.98]
    assert values(persons["served_by"]) == ["e1", "e2", "e3", None]
    assert values(persons["called_by"]) == ["e2", "e2", "e4", "e4"]
    assert intake.notes == ()


def test_dates_without_a_time_are_told(tmp_path: Path) -> None:
    dates = {**TIMES, "served at": ["2026-03-02", "", "2026-03-02 00:00", "2026-03-02T00:00"]}
    intake = prepare(study(tmp_path, DISPOSITIONS + CALLS, answers=answers(**dates)))
    assert [str(note) for note in intake.notes] == [
        "column served at: 1 date(s) without a time of day count as 0:00, so that hours between "
        "service and call-back can be wrong by a day."
    ]
    dates = {**TIMES, "called at": ["soon", *TIMES["called at"][1:]]}
    read = study(tmp_path, DISPOSITIONS + CALLS, answers=answers(**dates))
    assert told(prepare, read) == [
        "data/raw/answers.csv: column called at, value 'soon' in row 2: not a date and time like "
        "2026-09-30 14:05:00."
    ]


def test_time_zones_of_call_backs(tmp_path: Path) -> None:
    east = {**TIMES, "served at": ["2026-03-02T10:00+08:00"] * 4}
    read = study(tmp_path, DISPOSITIONS + CALLS, answers=answers(**east))
    assert told(prepare, read) == [
        "data/raw/answers.csv: columns served at and called at: one has a time zone, the other "
        "none. Write them alike."
    ]
    west = {**east, "called at": ["2026-03-03T02:00+00:00"] * 4}
    times, _ = served(prepare(study(tmp_path, DISPOSITIONS + CALLS, answers=answers(**west))))
    assert set((times["called"] - times["served"]) / pd.Timedelta(hours=1)) == {24}
    never = {**east, "called at": [""] * 4}
    times, _ = served(prepare(study(tmp_path, DISPOSITIONS + CALLS, answers=answers(**never))))
    assert sampling.call_back(times, "served", "called").estimate is None


# --- scope


def test_rates_are_those_of_the_wave_and_group(tmp_path: Path) -> None:
    read = study(tmp_path)
    codes = material(read).contacts["disposition"]
    assert values(codes) == ["I", "R", "NC", "I", "NE", "UO", None]
    assert values(material(read, "before").contacts["disposition"]) == ["I", "R"]
    assert values(material(read, where="city=south").contacts["disposition"]) == [
        "NC", "I", "NE", None
    ]  # fmt: skip
    rates = sampling.response_rates(codes)
    assert (rates.rr1, rates.n_dropped) == (2 / 5, 1)


def test_what_the_list_does_not_tell(tmp_path: Path) -> None:
    whole = material(study(tmp_path))
    assert all(whole.there(need) for need in ("contacts", "contacts_where", "contacts_wave"))
    assert not whole.there("contacts_strata")  # kind_of_client
    assert not whole.there("call_back")
    assert not material(whole.study, where="kind_of_client=new").there("contacts_where")
    bare = [[row[0], row[3]] for row in LISTED]
    short = material(study(tmp_path, contacts=contacts(bare, "name result")))
    assert len(short.contacts) == len(LISTED)
    assert not short.there("contacts_wave")
    assert not material(study(tmp_path, "", STUDY)).there("contacts")


# --- conclusions


def rates_of(**counts: int) -> sampling.ResponseRates:
    return sampling.response_rates(counts)


def test_the_sentence_on_response_rates() -> None:
    known = findings.response_rate(rates_of(I=300, P=20, R=180, NE=5), "t")
    assert (str(known.text), known.level, known.n, known.tables) == (
        "The response rate is 60.0% (RR1, AAPOR): 300 completed questionnaires of 500 customers "
        "invited who are or may be eligible.",
        "info",
        500,
        ("t",),
    )
    unknown = findings.response_rate(rates_of(I=300, P=20, R=180, UH=60, UO=40, NE=125), "t")
    assert str(unknown.text).endswith(
        " of 600 customers invited who are or may be eligible. If 80% of the 100 of unknown "
        "eligibility are counted as eligible, it is 51.7% (RR3)."
    )
    assert unknown.values["estimate"] == 0.5
    assert unknown.values["rr3"] == 300 / 580
    none = findings.response_rate(rates_of(NE=3), "t")
    assert (none.level, str(none.text)) == (
        "not_estimable",
        "Response rate: not estimable. There are no cases that are or may be eligible.",
    )


def by_city(north: tuple[int, int], south: tuple[int, int]) -> sampling.NonresponseByStratum:
    """Invited and responses in either city."""
    invited = pd.DataFrame({"city": ["north", "south"], "invited": [north[0], south[0]]})
    responses = pd.DataFrame({"city": ["north"] * north[1] + ["south"] * south[1]})
    return sampling.nonresponse_by_stratum(responses, invited, by=["city"])


def test_strata_that_answer_less_are_named() -> None:
    alike, apart = by_city((500, 205), (500, 195)), by_city((100, 40), (100, 20))
    found = findings.nonresponse({"town": alike, "city": apart}, "t")
    assert [(f.id, f.level, f.n, str(f.text)) for f in found] == [
        (
            "nonresponse.city",
            "watch",
            200,
            "By city the response rate goes from 20.0% (south) to 40.0% (north), V = 0.22, "
            "p = .002: unweighted results lean towards those who answer more.",
        ),
        ("nonresponse", "met", 1000, "By town the response rates differ little (V up to 0.02)."),
    ]


def test_a_difference_is_named_only_if_sure_and_not_small() -> None:
    small, unsure = by_city((9000, 4100), (9000, 3900)), by_city((10, 6), (10, 4))
    assert small.p_value < 0.05 and unsure.cramers_v > 0.1
    assert {f.level for f in findings.nonresponse({"city": small}, "t")} == {"met"}
    assert {f.level for f in findings.nonresponse({"city": unsure}, "t")} == {"met"}
    nobody, no_choice = by_city((0, 0), (0, 0)), by_city((10, 5), (0, 0))
    assert [f.id for f in findings.nonresponse({"city": nobody}, "t")] == ["nonresponse.city"]
    assert findings.nonresponse({"city": no_choice}, "t") == []


# --- the notebook


def test_the_demo_tells_its_response_rates(demo_run: RunResult) -> None:
    """Recomputed by hand from the counts in the file, for the last wave."""
    with (ROOT / "data/raw/demo/contacts.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["波次"] == "改进后"]
    n = Counter(row["联系结果"] for row in rows)
    complete, partial = n["完成"], n["部分完成"]
    refused, other = n["拒访"] + n["中途挂断"], n["无法作答"]
    eligible = complete + partial + refused + n["未接通"] + other
    unknown = n["空号停机"] + n["未拨打"]
    e = eligible / (eligible + n["非服务对象"])
    contacted = complete + partial + refused + other
    folder = demo_run.folder / "sections" / "01_sampling_design"
    shown = pd.read_parquet(folder / "response_rates.parquet").set_index("rate")["estimate"]
    expected = {
        "RR1": complete / (eligible + unknown),
        "RR2": (complete + partial) / (eligible + unknown),
        "RR3": complete / (eligible + e * unknown),
        "RR4": (complete + partial) / (eligible + e * unknown),
        "COOP1": complete / contacted,
        "REF1": refused / (eligible + unknown),
        "CON1": contacted / (eligible + unknown),
    }
    assert shown.to_dict() == pytest.approx(expected, rel=1e-12)
    record = records.read(folder)
    assert record is not None
    found = {finding.id: finding for finding in record.findings}
    rate = found["01.response_rate"]
    assert rate.n == eligible + unknown == len(rows) - n["非服务对象"]
    for shown_as in (f"{expected['RR1']:.1%}", f"{complete:,}", f"{expected['RR3']:.1%}"):
        assert shown_as in rate.text
    assert {id for id in found if "nonresponse" in id} == {
        "01.nonresponse.城市级别", "01.nonresponse.客户类型", "01.nonresponse"
    }  # fmt: skip
    strata = pd.read_parquet(folder / "nonresponse.parquet").set_index("level")
    new = [row["联系结果"] for row in rows if row["客户类型"] == "新客户"]
    asked = [result for result in new if result != "非服务对象"]
    assert strata.loc["新客户", ["invited", "n"]].tolist() == [len(asked), asked.count("完成")]


def section(project: Project, monkeypatch: pytest.MonkeyPatch) -> records.SectionRecord:
    """The record of the first section of the study ``small``, its cells run one by one."""
    monkeypatch.chdir(project.notebooks)
    nb = nbformat.read(ROOT / "notebooks" / "01_sampling_design.ipynb", as_version=4)
    names: dict[str, Any] = {}
    for cell in nb.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
            names["study"] = "small"
    folder = project.reports("small") / "draft" / "sections" / "01_sampling_design"
    record = records.read(folder)
    assert record is not None
    return record


def test_a_small_study_with_call_backs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = CONTACTS.replace("wave: {column: wave, order: [before, after]}\n", "")
    record = section(project(tmp_path, DISPOSITIONS + CALLS, text), monkeypatch)
    found = {f.id: (f.level, f.text) for f in record.findings}
    assert found["01.call_back"] == (
        "watch",
        "50.0% of 4 call-backs came 24 to 48 hours after the service, 1 earlier, 1 later; 90% are "
        "needed.",
    )
    assert found["01.call_back.person"] == (
        "watch",
        "1 of 3 call-backs were made by the person who did the service.",
    )
    tables = {table["name"]: table["shown"] for table in record.tables}
    assert [row[:4] for row in tables["call_back"]] == [
        ["In time after the service", "4", "2", "2"],
        ["Not by the person who did the service", "3", "2", "1"],
    ]
    assert tables["dispositions"] == [
        ["I", "done", "3"],
        ["R", "refused, hung up", "2"],
        ["NC", "no answer", "1"],
        ["UO", "9", "1"],
        ["NE", "moved", "1"],
    ]
    assert [row[:4] for row in tables["nonresponse"]] == [
        ["city", "north", "3", "2"],
        ["city", "south", "3", "1"],
    ]
    assert str(NEEDS["contacts_strata"]) in record.skipped


def test_a_list_without_anybody_eligible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project(tmp_path, contacts=contacts([["x", "before", "north", "done"]]))
    record = section(made, monkeypatch)
    found = {f.id: (f.level, f.n) for f in record.findings}
    assert found["01.response_rate"] == ("not_estimable", 0)
    assert found["01.nonresponse.city"] == ("not_estimable", 0)


def test_a_study_without_a_sampling_plan_says_nothing_of_contacts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = section(project(tmp_path, "", STUDY), monkeypatch)
    assert str(NEEDS["contacts"]) not in record.skipped
