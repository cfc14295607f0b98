"""The workbook as its reader gets it: opened by other programs, figures to the last digit."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from test_language import LATIN

from csat_stats.report import records, workbook
from csat_stats.report.records import FindingRecord, SectionRecord
from csat_stats.run import RunResult

FACTS = {
    "run": "2026-09-30_080000",
    "created": "2026-09-30 08:00",
    "wave": "",
    "where": "",
    "hashes": {"params/x.yml": "ab" * 32},
}
# A table's title, section and source, a link back, and an empty line stand above its header.
HEADER = 5


@pytest.fixture(scope="session")
def office() -> str:
    """LibreOffice. Without it: skipped, or failed where CSAT_REQUIRE_BROWSER is set."""
    path = shutil.which("soffice") or shutil.which("libreoffice")
    if path is None:
        reason = "no LibreOffice found: install libreoffice-calc and libreoffice-impress"
        if os.environ.get("CSAT_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def converted(office: str, file: Path, kind: str, folder: Path) -> Path:
    """``file`` as LibreOffice reads it, written in another format."""
    folder.mkdir(exist_ok=True)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", kind, "--outdir", str(folder), file]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / f"{file.stem}.{kind}"


def made(
    run: Path,
    tables: Mapping[str, tuple[pd.DataFrame, dict[str, Any]]],
    findings: Sequence[FindingRecord] = (),
) -> Path:
    """A run folder of one section, made by hand."""
    folder = run / "sections" / "04_satisfaction"
    folder.mkdir(parents=True)
    entries = []
    for number, (name, (frame, more)) in enumerate(tables.items(), start=1):
        frame.to_parquet(folder / f"{name}.parquet")
        entry = {
            "name": name,
            "number": f"3-{number}",
            "title": name,
            "columns": {column: str(column) for column in frame},
            "formats": {},
            "shown": frame.head(12).astype("str").to_numpy().tolist(),
            "source": "Source: x.csv",
            "n": None,
            "chart": None,
        }
        entries.append(entry | more)
    record = SectionRecord(
        name="04_satisfaction",
        title="Satisfaction",
        key="k",
        scope={},
        language="en",
        status="complete",
        findings=tuple(findings),
        tables=tuple(entries),
        methods=("Arithmetic mean.",),
    )
    records.write(record, folder)
    return run


def written(run: Path, target: Path) -> Any:
    workbook.write(run, target, "en", title="A & B", client=None, facts=FACTS)
    return openpyxl.load_workbook(target)


def facts_of(result: RunResult) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((result.folder / "manifest.json").read_text("utf-8"))
    return facts


@pytest.fixture(scope="module")
def demo_file(demo_run: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("workbook") / "tables.xlsx"
    workbook.write(
        demo_run.folder,
        target,
        "zh_Hans",
        title="家电售后服务满意度研究",
        client="晨光家电",
        facts=facts_of(demo_run),
    )
    return target


@pytest.fixture(scope="module")
def demo_book(demo_file: Path) -> Any:
    return openpyxl.load_workbook(demo_file)


def demo_tables(result: RunResult) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    for record in workbook.sections(result.folder):
        for table in record.tables:
            yield table, workbook.read(result.folder, record, table)


def columns_of(table: dict[str, Any]) -> list[str]:
    """The frame's columns that a sheet shows, in order."""
    joined = ("conf_low..conf_high" if name == "conf" else name for name in table["columns"])
    return [column for name in joined for column in name.split("..")]


def assert_holds_the_tables(book: Any, result: RunResult, tolerance: float) -> None:
    compared = 0
    for table, frame in demo_tables(result):
        sheet = book[table["number"]]
        for position, column in enumerate(columns_of(table), start=1):
            for row, value in enumerate(frame[column], start=HEADER + 1):
                cell = sheet.cell(row, position).value
                if pd.isna(value) or (isinstance(value, str) and not value):
                    assert cell is None
                else:
                    text = isinstance(value, str)
                    same = value if text else pytest.approx(value, rel=tolerance, abs=0)
                    assert cell == same, (table["name"], column, row)
                    compared += 1
        assert sheet.max_row == HEADER + len(frame)
    assert compared > 1000


def test_every_figure_is_there_to_the_last_digit(demo_book: Any, demo_run: RunResult) -> None:
    assert_holds_the_tables(demo_book, demo_run, 0)


@pytest.mark.slow
def test_libreoffice_reads_the_same_figures(
    office: str, demo_file: Path, demo_run: RunResult, tmp_path: Path
) -> None:
    again = converted(office, demo_file, "xlsx", tmp_path / "out")
    assert_holds_the_tables(openpyxl.load_workbook(again), demo_run, 1e-14)  # it keeps 15 digits


def test_sheets_are_in_the_reader_s_order(demo_book: Any, demo_run: RunResult) -> None:
    numbers = [table["number"] for table, _ in demo_tables(demo_run)]
    assert demo_book.sheetnames == ["目录", "结论", *numbers, "方法与数据"]


def test_contents_link_to_every_table(demo_book: Any, demo_run: RunResult) -> None:
    sheet = demo_book["目录"]
    rows = [row for row in sheet.iter_rows(min_row=6) if row[0].value]
    listed = [(number.value, title.value, rows.value) for number, title, _, rows in rows]
    assert listed == [(t["number"], t["title"], len(f)) for t, f in demo_tables(demo_run)]
    assert [row[0].hyperlink.location for row in rows] == [f"'{n}'!A1" for n, _, _ in listed]


def test_findings_stand_under_their_evidence_numbers(demo_book: Any, demo_run: RunResult) -> None:
    rows = list(demo_book["结论"].iter_rows(min_row=5, values_only=True))
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (finding.number, finding.text, finding.n) for finding in demo_run.findings
    ]
    assert {row[1] for row in rows} <= {"达标", "未达标", "关注", "结果", "无法估计"}


def test_method_names_run_versions_and_hashes(demo_book: Any, demo_run: RunResult) -> None:
    rows = dict(demo_book["方法与数据"].iter_rows(min_row=4, max_col=2, values_only=True))
    facts = facts_of(demo_run)
    assert facts["run"] in rows.values()
    assert rows["pandas"] == pd.__version__
    assert all(rows[f"SHA-256  {file}"] == digest for file, digest in facts["hashes"].items())


def test_a_chinese_workbook_holds_no_latin_sentence(demo_book: Any) -> None:
    texts = [
        cell
        for sheet in demo_book
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if isinstance(cell, str)
    ]
    assert [text for text in texts if LATIN.search(text)] == []


def test_an_interval_has_a_column_for_each_end(demo_book: Any) -> None:
    header = [cell.value for cell in demo_book["3-4"][HEADER]]
    assert header == ["维度", "均值", "95% 置信区间（下限）", "95% 置信区间（上限）", "n"]


def test_a_column_can_hold_figures_of_several_formats(demo_book: Any) -> None:
    sheet = demo_book["3-1"]
    formats = [sheet.cell(row, 2).number_format for row in range(HEADER + 1, HEADER + 4)]
    assert formats == ["0.0", "0.0%", "+0.0;-0.0"]


def test_sheets_are_ready_to_print(demo_book: Any) -> None:
    for sheet in demo_book:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToWidth in (None, 1)  # one page wide,
        assert sheet.page_setup.fitToHeight == 0  # as many as it takes high
        assert sheet.print_title_rows
        assert sheet.freeze_panes


def test_properties(demo_book: Any, demo_run: RunResult) -> None:
    properties = demo_book.properties
    assert properties.title == "家电售后服务满意度研究"
    assert properties.created == dt.datetime.fromisoformat(facts_of(demo_run)["created"]).replace(
        tzinfo=None
    )


def test_the_same_run_gives_the_same_bytes(
    demo_file: Path, demo_run: RunResult, tmp_path: Path
) -> None:
    again = tmp_path / "again.xlsx"
    workbook.write(
        demo_run.folder,
        again,
        "zh_Hans",
        title="家电售后服务满意度研究",
        client="晨光家电",
        facts=facts_of(demo_run),
    )
    assert again.read_bytes() == demo_file.read_bytes()


NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("http://h")',
    "http://h",
    "007",
    "{=1}",
    "\x07",
]


def test_text_stays_text(tmp_path: Path, office: str) -> None:
    frame = pd.DataFrame({"=column": NASTY, "n": range(len(NASTY))})
    run = made(tmp_path / "run", {"=title": (frame, {})})
    target = tmp_path / "x.xlsx"
    sheet = written(run, target)["3-1"]
    for row, text in enumerate(NASTY, start=HEADER + 1):
        cell = sheet.cell(row, 1)
        assert (cell.data_type, cell.hyperlink) == ("s", None), text
    assert [sheet.cell(row, 1).value for row in range(HEADER + 1, HEADER + 8)] == NASTY[:7]
    assert sheet.cell(HEADER, 1).data_type == "s"
    again = openpyxl.load_workbook(converted(office, target, "xlsx", tmp_path / "out"))["3-1"]
    assert [again.cell(row, 1).value for row in range(HEADER + 1, HEADER + 8)] == NASTY[:7]


def test_values_that_are_no_ordinary_number(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "missing": [math.nan, 1.5],
            "infinite": [math.inf, -math.inf],
            "whole": pd.array([None, 12_345], dtype="Int64"),
            "date": pd.to_datetime(["2026-03-01", None]),
            "text": ["很" * 40_000, None],
        }
    )
    sheet = written(made(tmp_path / "run", {"t": (frame, {})}), tmp_path / "x.xlsx")["3-1"]
    first, second = (
        [cell.value for cell in row] for row in sheet.iter_rows(min_row=HEADER + 1, max_row=7)
    )
    assert first[:4] == [None, "∞", None, dt.datetime(2026, 3, 1)]
    assert len(first[4]) == 32_767
    assert second == [1.5, "−∞", 12_345, None, None]
    assert sheet.cell(7, 3).number_format == "#,##0"


def test_columns_are_wide_enough_for_chinese(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["服务态度服务态度"], "b": ["x" * 8], "c": ["长" * 200]})
    sheet = written(made(tmp_path / "run", {"t": (frame, {})}), tmp_path / "x.xlsx")["3-1"]
    widths = [sheet.column_dimensions[letter].width for letter in "ABC"]
    assert widths[0] > 16 > widths[1]
    assert widths[2] < 82
    assert sheet.row_dimensions[HEADER + 1].height >= 5 * 15  # 400 wide, wrapped


@pytest.mark.parametrize(
    ("pattern", "column", "value", "expected"),
    [
        (".1%", "x", 0.5, "0.0%"),
        (".2f", "x", 0.5, "0.00"),
        ("+.1f", "x", 0.5, "+0.0;-0.0"),
        (",.0f", "x", 0.5, "#,##0"),
        (",d", "x", 5, "#,##0"),
        ("d", "x", 5, "0"),
        (".0%", "x", 0.5, "0%"),
        (None, "x", 0.5, "0.00"),
        (None, "x", 5, "#,##0"),
        (None, "share", 0.5, "0.0%"),
        (".2f", "p_value", 0.5, '[<0.001]"< .001";[<0.9995].000;0.000'),
    ],
)
def test_number_formats(pattern: str | None, column: str, value: float, expected: str) -> None:
    assert workbook.number_format(pattern, column, value) == expected


def test_a_format_that_a_spreadsheet_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"column 'x': a workbook has no number format for '\.3g'"):
        workbook.number_format(".3g", "x", 0.5)


def test_a_run_without_tables(tmp_path: Path) -> None:
    book = written(made(tmp_path / "run", {}), tmp_path / "x.xlsx")
    assert book.sheetnames == ["Contents", "Findings", "Method and data"]
