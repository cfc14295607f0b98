"""Raw tables as they came: every cell stays text, nothing is guessed, nothing is written.

What pandas would do silently is refused here with the row: an extra field on a row (which
shifts every column to the left), a missing field, a delimiter that is not the file's, a quote
that is never closed (which swallows the rest of the file).

Row numbers are a spreadsheet's: the header is row 1, blank rows count, and a record is one row
however many lines its cells have.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from csat_stats.results import Message, message
from csat_stats.study.problems import Problem, StudyError

SHOWN_ROWS = 5
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class RawTable:
    """A table of text; ``rows`` are the row numbers of its records in the file."""

    frame: pd.DataFrame
    file: str
    encoding: str
    delimiter: str
    rows: list[int]


def read(path: Path, shown_as: str) -> RawTable:
    """Read a CSV or TSV file.

    The encoding is UTF-8 (with or without a byte-order mark), UTF-16 with its mark, else GB18030;
    which one was taken is part of the answer. Cells are stripped of spaces around them; rows
    without any content are no records.

    Raises
    ------
    StudyError
        Missing or empty file, another file type, undecodable bytes, rows whose number of fields
        is not the header's, a quote out of place, a column without a name or with the name of
        another.
    """
    text, encoding = _decode(path, shown_as)
    delimiter = _delimiter(text)
    rows = _rows(text, delimiter, shown_as)
    names = _names(next(rows), shown_as)
    records = {n: row for n, row in enumerate(rows, start=2) if any(map(str.strip, row))}
    wrong = [(n, len(row)) for n, row in records.items() if len(row) != len(names)]
    if wrong:
        number, found = wrong[0]
        raise _error(
            shown_as,
            message(
                "{count} row(s) do not have the header's {expected} fields; the first is row {row} "
                "with {found}. Usually an answer holds the delimiter or a quote: quote that cell.",
                count=len(wrong),
                expected=len(names),
                row=number,
                found=found,
            ),
        )
    if not records:
        raise _error(shown_as, message("The file has a header but no rows."))
    frame = pd.DataFrame(list(records.values()), columns=names, dtype="str")
    frame = frame.apply(lambda column: column.str.strip())
    return RawTable(frame, shown_as, encoding, delimiter, list(records))


def header(path: Path, shown_as: str) -> list[str]:
    """The column names of a table."""
    text, _ = _decode(path, shown_as)
    return _names(next(_rows(text, _delimiter(text), shown_as)), shown_as)


def _error(file: str, text: Message) -> StudyError:
    return StudyError([Problem(file, text)])


def _rows(text: str, delimiter: str, shown_as: str) -> Iterator[list[str]]:
    number = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            number += 1
            yield row
    except csv.Error as error:
        problem = message(
            "Row {row} cannot be read. Usually a quote is not closed or stands inside an answer: "
            "double it, and quote that cell.",
            row=number + 1,
        )
        raise _error(shown_as, problem) from error


def _names(row: list[str], shown_as: str) -> list[str]:
    names = [name.strip() for name in row] or [""]
    for position, name in enumerate(names, start=1):
        if not name:
            raise _error(shown_as, message("Column {n} has no name in the header.", n=position))
        if names.index(name) != position - 1:
            raise _error(shown_as, message("Two columns are called {name}.", name=name))
    return names


def _decode(path: Path, shown_as: str) -> tuple[str, str]:
    if not path.is_file():
        raise _error(shown_as, message("The file does not exist."))
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        raise _error(shown_as, message("Only .csv and .tsv files can be read: export it as CSV."))
    raw = path.read_bytes()
    encodings = {"utf-8-sig": "UTF-8", "gb18030": "GB18030"}
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = {"utf-16": "UTF-16"}
    for encoding, name in encodings.items():
        with contextlib.suppress(UnicodeDecodeError):
            text = raw.decode(encoding)
            if not text.strip():
                raise _error(shown_as, message("The file is empty."))
            if "\0" not in text:  # as in UTF-16 without its mark
                return text, name
    raise _error(
        shown_as,
        message("The text is neither UTF-8 nor GB18030 (the Chinese standard): save it as UTF-8."),
    )


def _delimiter(text: str) -> str:
    """The delimiter that splits the header into most columns."""

    def columns(mark: str) -> int:
        try:
            return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=mark)))
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=columns)
