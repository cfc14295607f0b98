"""Raw tables: what is read of a file, cell for cell, and what is refused with its row."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Literal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from projects import told

from csat_stats.study import StudyError, sources
from csat_stats.study.sources import RawTable

PLAIN = "name,score\nAnn,5\nBob,4\n"


def read(folder: Path, content: str | bytes, name: str = "t.csv") -> RawTable:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    table = sources.read(path, name)
    assert sources.header(path, name) == list(table.frame.columns)
    return table


def cells(table: RawTable) -> list[list[str]]:
    assert all(isinstance(cell, str) for cell in table.frame.to_numpy().ravel())
    return [list(table.frame.columns), *table.frame.to_numpy().tolist()]


# --- what is read


@pytest.mark.parametrize(
    ("codec", "mark", "name"),
    [
        ("utf-8", b"", "UTF-8"),
        ("utf-8-sig", b"", "UTF-8"),
        ("utf-16", b"", "UTF-16"),
        ("utf-16-be", b"\xfe\xff", "UTF-16"),
        ("gb18030", b"", "GB18030"),
        ("gbk", b"", "GB18030"),
    ],
)
def test_encodings(codec: str, mark: bytes, name: str, tmp_path: Path) -> None:
    table = read(tmp_path, mark + "姓名,评分\n张三,5\n".encode(codec))
    assert cells(table) == [["姓名", "评分"], ["张三", "5"]]
    assert (table.encoding, table.file) == (name, "t.csv")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(mark: str, end: str, tmp_path: Path) -> None:
    table = read(tmp_path, PLAIN.replace(",", mark).replace("\n", end))
    assert cells(table) == [["name", "score"], ["Ann", "5"], ["Bob", "4"]]
    assert (table.delimiter, table.rows) == (mark, [2, 3])


@pytest.mark.parametrize("name", ["t.tsv", "t.txt", "T.CSV"])
def test_endings(name: str, tmp_path: Path) -> None:
    assert len(read(tmp_path, PLAIN, name).frame) == 2


def test_the_delimiter_is_found_in_the_whole_header(tmp_path: Path) -> None:
    table = read(tmp_path, '"How fast, how kind,\nhow good?";name\n"5, or 4";Ann\n')
    assert cells(table) == [["How fast, how kind,\nhow good?", "name"], ["5, or 4", "Ann"]]


def test_nothing_is_guessed(tmp_path: Path) -> None:
    values = [
        "0012",
        "NA",
        "1234567890" * 2,
        "1e-3",
        "TRUE",
        "2026-09-30",
        "",
        "５",
        '"',
        "=1",
    ]
    rows = [[value, "x"] for value in values]
    text = io.StringIO()
    csv.writer(text).writerows([["value", "other"], *rows])
    table = read(tmp_path, text.getvalue())
    assert cells(table) == [["value", "other"], *rows]


def test_spaces_around_cells_and_names_are_stripped(tmp_path: Path) -> None:
    table = read(tmp_path, " name ,score \n Ann ,\t5\n　Bob B\xa0, 4 \n")
    assert cells(table) == [["name", "score"], ["Ann", "5"], ["Bob B", "4"]]


def test_one_column(tmp_path: Path) -> None:
    table = read(tmp_path, "score\n5\n\n4\n")
    assert (cells(table), table.rows) == ([["score"], ["5"], ["4"]], [2, 4])


def test_row_numbers_are_a_spreadsheets(tmp_path: Path) -> None:
    text = 'name,score\n\n"Ann\nA.\n\nB.",5\n,\n  , \n \nBob,4\n\n\nCid,3\n\n'
    table = read(tmp_path, text)
    assert [*zip(table.rows, table.frame["name"], strict=True)] == [
        (3, "Ann\nA.\n\nB."),
        (7, "Bob"),
        (10, "Cid"),
    ]
    assert list(table.frame.index) == [0, 1, 2]


# --- what is refused


FIELDS = (
    "{} row(s) do not have the header's 2 fields; the first is row {} with {}. "
    "Usually an answer holds the delimiter or a quote: quote that cell."
)
QUOTE = (
    "Row {} cannot be read. Usually a quote is not closed or stands inside an answer: double it, "
    "and quote that cell."
)
UNREADABLE = "The text is neither UTF-8 nor GB18030 (the Chinese standard): save it as UTF-8."
REFUSED: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", "The file is empty."),
    "blank": (" \r\n\n", "The file is empty."),
    "only a mark": (b"\xef\xbb\xbf\n", "The file is empty."),
    "only a header": ("name,score\n", "The file has a header but no rows."),
    "only blank rows": ("name,score\n,\n\n", "The file has a header but no rows."),
    "undecodable": (b"name\n\xff\xff\n", UNREADABLE),
    "broken UTF-16": (PLAIN.encode("utf-16") + b"x", UNREADABLE),
    "UTF-16 without its mark": (PLAIN.encode("utf-16-le"), UNREADABLE),
    "UTF-32": (PLAIN.encode("utf-32"), UNREADABLE),
    "extra field on every row": ("name,score\nAnn,5,\nBob,4,\n", FIELDS.format(2, 2, 3)),
    "extra field on one row": ("name,score\nAnn,5\nBob,4,x\n", FIELDS.format(1, 3, 3)),
    "short row": ("name,score\nAnn,5\n\nBob\n", FIELDS.format(1, 4, 1)),
    "after a cell of three lines": ('name,score\n"A\nn\nn",5\nBob\n', FIELDS.format(1, 3, 1)),
    "another delimiter inside": ("name,score\nAnn;5\n", FIELDS.format(1, 2, 1)),
    "quote not closed": (
        'name,score\nAnn,5\nBob,"4\nCid,3\nDee,2\n',
        QUOTE.format(3),
    ),
    "quote not closed, much text": (
        'name,score\nAnn,"5' + "\nBob,4" * 30_000,
        QUOTE.format(2),
    ),
    "quote inside": (
        'name,remark\nAnn,"She said "good""\n',
        QUOTE.format(2),
    ),
    "quote in the header": (
        '"name,score\n' + "Ann,5\n" * 30_000,
        QUOTE.format(1),
    ),
    "two columns of a name": ("name,score,name\nAnn,5,x\n", "Two columns are called name."),
    "two columns of a stripped name": ("name, name\nAnn,5\n", "Two columns are called name."),
    "column without a name": ("name,,score\nAnn,5,x\n", "Column 2 has no name in the header."),
    "delimiter at the end": ("name,score,\nAnn,5,\n", "Column 3 has no name in the header."),
    "blank first row": ("\nname,score\nAnn,5\n", "Column 1 has no name in the header."),
    "a spreadsheet's hint": ("sep=;\nname;score\n", "Column 2 has no name in the header."),
}


@pytest.mark.parametrize(("content", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(content: str | bytes, expected: str, tmp_path: Path) -> None:
    assert told(read, tmp_path, content) == [f"t.csv: {expected}"]


def test_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        assert told(sources.read, path, "none.csv") == ["none.csv: The file does not exist."]


@pytest.mark.parametrize("name", ["t.xlsx", "t.xls", "t.sav", "t.pkl", "t"])
def test_other_kinds_of_file_are_not_opened(name: str, tmp_path: Path) -> None:
    assert told(read, tmp_path, PLAIN, name) == [
        f"{name}: Only .csv and .tsv files can be read: export it as CSV."
    ]


# --- whatever stands in a table

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
MARKS = ['"', '""', ",", ";", "\n", "\r\n", "\r", "'", " x ", "5", "是", "a,b\n", '"a"']
CELLS = st.text(CHARACTERS, max_size=6) | st.sampled_from(MARKS)
NAME = st.from_regex(r"[a-zA-Z问题]{1,6}( [a-z0-9,\n\"]{1,3}x)?", fullmatch=True)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    names = draw(st.lists(NAME, min_size=1, max_size=5, unique=True))
    row = st.lists(CELLS, min_size=len(names), max_size=len(names)).filter(
        lambda cells: any(cell.strip() for cell in cells)
    )
    return [names, *draw(st.lists(row, min_size=1, max_size=6))]


# A writer that ends lines with \n leaves a lone \r in a cell unquoted before Python 3.13.
@given(table=tables(), style=st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL)]))
@settings(max_examples=150, deadline=None)
def test_what_a_csv_writer_wrote_is_read_back(
    table: list[list[str]],
    style: tuple[str, Literal[0, 1]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=style[0], quoting=style[1]).writerows(table)
    back = read(tmp_path_factory.getbasetemp(), text.getvalue())
    assert cells(back) == [[cell.strip() for cell in row] for row in table]
    assert back.rows == [*range(2, len(table) + 1)]


@given(content=st.binary(max_size=80) | st.text(alphabet=',;\t|"\n\r ax\0是', max_size=40))
@settings(max_examples=200, deadline=None)
def test_whatever_stands_in_it_is_a_table_or_refused_in_words(
    content: str | bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    try:
        table = read(tmp_path_factory.getbasetemp(), content)
    except StudyError as refusal:
        assert len(refusal.problems) == 1
    else:
        assert isinstance(table.frame, pd.DataFrame)
        assert len(table.rows) == len(table.frame) > 0
