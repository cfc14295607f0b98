"""Raw tables as they came: every cell stays text, nothing is guessed, nothing is written.

What pandas would do silently is refused here with the row: an extra field on a row (which
shifts every column to the left), a missing field, a delimiter that is not the file's.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from csat_stats.results import Message, message
from csat_stats.study.problems import Problem, StudyError

SHOWN_ROWS = 5
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class RawTable:
    """A table of text; ``first_row`` is the file's row number of the first record."""

    frame: pd.DataFrame
    file: str
    encoding: str
    delimiter: str
    first_row: int = 2


def read(path: Path, shown_as: str) -> RawTable:
    """Read a CSV or TSV file.

    The encoding is UTF-8 (with or without a byte-order mark), UTF-16 with its mark, else GB18030;
    which one was taken is part of the answer. Cells are stripped of spaces around them.

    Raises
    ------
    StudyError
        Missing or empty file, another file type, undecodable bytes, rows whose number of fields
        is not the header's, a column without a name or with the name of another.
    """
    text, encoding = _decode(path, shown_as)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = _names(next(reader, []), shown_as)
    rows: list[list[str]] = []
    wrong: list[tuple[int, int]] = []
    number = 1
    for number, row in enumerate(reader, start=2):
        if len(row) == len(names):
            rows.append(row)
        elif any(cell.strip() for cell in row):
            wrong.append((number, len(row)))
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
    if not rows:
        raise _error(shown_as, message("The file has a header but no rows."))
    frame = pd.DataFrame(rows, columns=names, dtype="str")
    frame = frame.apply(lambda column: column.str.strip())
    return RawTable(frame, shown_as, encoding, delimiter)


def header(path: Path, shown_as: str) -> list[str]:
    """The column names of a table."""
    text, _ = _decode(path, shown_as)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    return _names(next(reader, []), shown_as)


def _error(file: str, text: Message) -> StudyError:
    return StudyError([Problem(file, text)])


def _names(row: list[str], shown_as: str) -> list[str]:
    names = [name.strip() for name in row]
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
    if not raw.strip():
        raise _error(shown_as, message("The file is empty."))
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16"), "UTF-16"
    for encoding, name in (("utf-8-sig", "UTF-8"), ("gb18030", "GB18030")):
        try:
            return raw.decode(encoding), name
        except UnicodeDecodeError:
            continue
    raise _error(
        shown_as,
        message("The text is neither UTF-8 nor GB18030 (the Chinese standard): save it as UTF-8."),
    )


def _delimiter(text: str) -> str:
    """The delimiter that splits the header into most columns."""
    first = text.split("\n", 1)[0]
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
