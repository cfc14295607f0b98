"""Bad and thin data through the whole of ``csat run``: the exact words a reader gets."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, csat

from csat_stats.run import RunResult, run
from csat_stats.study import Project, StudyError

STUDY = """\
title: Small study
language: en
data: {responses: answers.csv}
respondent: id
wave: {column: wave, order: [spring, autumn]}
dimensions:
  Speed: [q1, q2]
  Manner: [q3, q4]
overall: overall
outcomes:
  repurchase: {column: again, yes: y, no: n, label: Repurchase}
segments: {city: }
"""
HEADER = ["id", "wave", "q1", "q2", "q3", "q4", "overall", "again", "city"]
Rows = list[list[object]]


def answers(n: int = 200) -> Rows:
    """Ordinary answers to the small study."""
    rng = np.random.default_rng(1)
    mood = rng.normal(3.3, 0.8, n)
    items = np.clip(np.rint(mood[:, None] + rng.normal(0, 0.7, (n, 5))), 1, 5).astype(int)
    again = np.where(rng.random(n) < 1 / (1 + np.exp(3.3 - mood)), "y", "n")
    waves = ["spring", "autumn"]
    return [[f"r{i}", waves[i % 2], *items[i].tolist(), again[i], "ABC"[i % 3]] for i in range(n)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    (tmp_path / "params").mkdir()
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "params" / "small.yml").write_text(STUDY, "utf-8")
    write(tmp_path, answers())
    return Project(tmp_path)


def write(root: Path, rows: Rows, header: list[str] = HEADER, encoding: str = "utf-8") -> None:
    with (root / "data" / "raw" / "answers.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([header, *rows])


def put(row: int, column: str, value: object) -> Callable[[Path], None]:
    """The small study with one cell changed; ``row`` as a spreadsheet counts, header = 1."""

    def change(root: Path) -> None:
        rows = answers()
        rows[row - 2][HEADER.index(column)] = value
        write(root, rows)

    return change


def remove(root: Path) -> None:
    (root / "data" / "raw" / "answers.csv").unlink()


def empty(root: Path) -> None:
    (root / "data" / "raw" / "answers.csv").write_bytes(b"")


def undecodable(root: Path) -> None:
    file = root / "data" / "raw" / "answers.csv"
    file.write_bytes(file.read_bytes() + b"r9,spring,1,1,1,1,1,y,\xff\xff\n")


def one_field_more(root: Path) -> None:
    write(root, [[*row, "x"] for row in answers()])


FILE = "data/raw/answers.csv"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (remove, "The file does not exist."),
        (empty, "The file is empty."),
        (
            undecodable,
            "The text is neither UTF-8 nor GB18030 (the Chinese standard): save it as UTF-8.",
        ),
        (
            one_field_more,
            "200 row(s) do not have the header's 9 fields; the first is row 2 with 10. Usually an "
            "answer holds the delimiter or a quote: quote that cell.",
        ),
        (
            put(7, "q2", "good"),
            "column q2, value 'good' in row 7: not a number. Correct it, or add it to `missing` "
            "if it means no answer.",
        ),
        (
            put(12, "q3", 99),
            "column q3, value '99' in row 12: outside the scale 1–5. Correct it, set `scale`, or "
            "add it to `missing` or `not_applicable` if it is a code.",
        ),
        (
            put(3, "again", "maybe"),
            "column again, value 'maybe' in row 3: neither in `yes` nor in `no` of the study "
            "file. Add it to one of them.",
        ),
        (
            put(4, "wave", "winter"),
            "column wave, value 'winter' in row 4: not in the levels of the study file: spring, "
            "autumn.",
        ),
    ],
)
def test_data_that_cannot_be_used_is_refused_in_words(
    project: Project, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(project.root)
    with pytest.raises(StudyError) as error:
        run("small", project=project)
    assert [problem.render() for problem in error.value.problems] == [f"{FILE}: {said}"]
    assert not project.reports("small").exists()


def test_the_command_shows_all_problems_and_no_traceback(project: Project) -> None:
    rows = answers()
    rows[0][2], rows[1][3], rows[2][7] = 99, "good", "maybe"
    write(project.root, rows)
    done = csat("run", "small", cwd=project.root)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line.partition(", value")[0] for line in lines] == [
        f"{FILE}: column q1",
        f"{FILE}: column q2",
        f"{FILE}: column again",
    ]
    assert not (project.root / "reports").exists()


def texts(result: RunResult) -> dict[str, str]:
    assert not result.failed, result.failed
    return {finding.id: finding.text for finding in result.findings}


def test_thin_data_give_not_estimable_and_a_whole_report(project: Project) -> None:
    """One wave missing, a constant item, a dimension of one item, everyone bought again."""
    study = project.params / "small.yml"
    study.write_text(STUDY.replace("[q3, q4]", "[q3, q4]\n  Price: [q5]"), "utf-8")
    rows = [[*row[:6], 3, *row[6:]] for row in answers()]
    for row in rows:
        row[1], row[4], row[8] = "spring", 4, "y"
    write(project.root, rows, [*HEADER[:6], "q5", *HEADER[6:]])
    result = run("small", project=project)
    found = texts(result)
    assert found["03.alpha.Price"] == (
        "Price: not estimable. A dimension of one item has no internal consistency."
    )
    assert found["03.kmo"] == (
        "KMO and Bartlett's test: not estimable. No variance in q3, q5: every respondent gave "
        "the same answer."
    )
    assert found["07.model.repurchase"] == (
        "Repurchase: not estimable. All 200 customers have the same outcome, so nothing can "
        "explain it."
    )
    page = result.report.read_text("utf-8")
    assert "This study has only one wave of answers." in page
    assert "No variance in q3: every respondent gave the same answer." in page
    assert ">nan<" not in page.lower() and ">none<" not in page.lower()


def test_fewer_rows_than_items(project: Project) -> None:
    write(project.root, answers(6))
    found = texts(run("small", project=project))
    assert found["03.kmo"] == (
        "KMO and Bartlett's test: not estimable. 3 complete rows are too few: at least 5 are "
        "needed."
    )


def test_one_answer_only(project: Project) -> None:
    write(project.root, answers(1))
    found = texts(run("small", project=project))
    assert found["03.alpha.Speed"] == (
        "Speed: not estimable. 1 complete rows are too few: at least 3 are needed."
    )


def test_hostile_words_stay_words(project: Project) -> None:
    """Labels and levels with HTML, quotes, braces and dollars come through as text."""
    hostile = "<script>alert(1)</script> \"'{x} $a_b$ 😀"
    study = project.params / "small.yml"
    quoted = "'" + hostile.replace("'", "''") + "'"
    study.write_text(
        STUDY.replace("title: Small study", f"title: {quoted}").replace("Speed:", f"{quoted}:"),
        "utf-8",
    )
    rows = answers()
    for row in rows[::3]:
        row[8] = hostile
    write(project.root, rows)
    result = run("small", project=project)
    texts(result)
    page = result.report.read_text("utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
