"""The tables of a run as a workbook: a sheet each, every row, figures at full precision.

It is made of what the sections left in the run folder and nothing else. Text stays text: no cell
is ever read as a formula or an address, whatever it begins with.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from csat_stats.report import html, records
from csat_stats.report.findings.base import VERDICTS
from csat_stats.report.language import Translate, translator
from csat_stats.report.records import SectionRecord
from csat_stats.report.tables import SHARES
from csat_stats.results import Message, message

FONTS = {"zh_Hans": "Microsoft YaHei", "en": "Arial"}
# What text may not become; a file of these options has the same bytes on every call.
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
}
_P_VALUES = {"p_value", "p_holm"}
_COLOURS = {"met": "#17693F", "not_met": "#A8201A", "watch": "#8A4B00"}
_RIGHT = {"align": "right", "indent": 1}
_WIDEST = 80  # characters; longer text is wrapped
_HEIGHT = 15.0  # points a line
_LONGEST_TEXT = 32_767  # characters that a cell can hold


@dataclass(frozen=True)
class Column:
    """A column of a sheet: ``formats`` holds the number format of each row."""

    header: str
    values: Sequence[Any]
    formats: Sequence[str]

    @cached_property
    def width(self) -> float:
        """Wide enough for the data, and for the header in at most two lines."""
        longest = max((_wide(_shown(value)) for value in self.values), default=0)
        header = max(min(_wide(self.header), 22), math.ceil(_wide(self.header) / 2))
        return min(max(longest, header) + 3, _WIDEST)

    def lines(self, text: str) -> int:
        """Lines that a text takes in the column."""
        return max(1, math.ceil(0.93 * _wide(text) / (self.width - 1)))  # widths are of 11 points


def sections(run: Path) -> list[SectionRecord]:
    """The records of a run, in reader's order."""
    found = (records.read(folder) for folder in sorted((run / "sections").iterdir()))
    return [record for record in found if record]


def read(run: Path, record: SectionRecord, table: Mapping[str, Any]) -> pd.DataFrame:
    """A table of a run with all its rows."""
    return pd.read_parquet(run / "sections" / record.name / f"{table['name']}.parquet")


def created(facts: Mapping[str, Any]) -> dt.datetime:
    """When the run was made, as the files say it of themselves."""
    return dt.datetime.fromisoformat(facts["created"]).replace(tzinfo=None)


def write(
    run: Path,
    target: Path,
    language: str,
    *,
    title: str,
    client: str | None,
    facts: Mapping[str, Any],
) -> None:
    """Write every table, finding and method of a run into one workbook.

    Parameters
    ----------
    run
        Folder of the run, with ``sections/``.
    target
        The ``.xlsx`` file.
    facts
        As in :func:`csat_stats.report.html.build`: ``run``, ``created``, ``wave``, ``where`` and
        ``hashes``.
    """
    from xlsxwriter import Workbook

    found = sections(run)
    with Workbook(str(target), OPTIONS) as book:
        book.set_properties(
            {
                "title": title,
                "company": client or "",
                "comments": facts["run"],
                "created": created(facts),
            }
        )
        _Writer(book, run, found, language, title).write(client, facts)


class _Exact(float):
    """A figure written with all its digits; xlsxwriter would leave out the 17th."""

    def __format__(self, spec: str) -> str:
        return repr(float(self))


class _Writer:
    """Puts the sheets into a workbook, in the order they are read."""

    def __init__(
        self, book: Any, run: Path, found: Sequence[SectionRecord], language: str, title: str
    ) -> None:
        self.book, self.run, self.found, self.title = book, run, found, title
        self.font = FONTS[language]
        self.translate: Translate = translator(language)
        self._styles: dict[tuple[tuple[str, Any], ...], Any] = {}

    def write(self, client: str | None, facts: Mapping[str, Any]) -> None:
        frames = {
            table["number"]: read(self.run, record, table)
            for record in self.found
            for table in record.tables
        }
        self._contents(client, facts, frames)
        self._findings()
        for record in self.found:
            for table in record.tables:
                self._table(record, table, frames[table["number"]])
        self._method(facts)

    # --- sheets ------------------------------------------------------------------------------

    def _contents(
        self, client: str | None, facts: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]
    ) -> None:
        lines = [client or "", f"{self.t('Made on')} {created(facts):%Y-%m-%d %H:%M}"]
        rows = [(record, table) for record in self.found for table in record.tables]
        numbers = [table["number"] for _, table in rows]
        lengths = [len(frames[number]) for number in numbers]
        first = self._sheet(
            self.t("Contents"),
            self.title,
            [line for line in lines if line],
            [
                _text(self.t("Table"), numbers),
                _text(self.t("Title"), [table["title"] for _, table in rows]),
                _text(self.t("Section"), [record.title for record, _ in rows]),
                Column(self.t("Rows"), lengths, ["#,##0"] * len(rows)),
            ],
        )
        for sheet_row, number in enumerate(numbers, start=first):
            self._link(sheet_row, 0, number, number)

    def _findings(self) -> None:
        rows = [(record, finding) for record in self.found for finding in record.findings]
        numbers = {(r.name, t["name"]): t["number"] for r in self.found for t in r.tables}
        rests = [next((numbers.get((r.name, name)) for name in f.tables), None) for r, f in rows]
        first = self._sheet(
            self.t("Findings"),
            self.t("Findings"),
            [self.t("Every conclusion of the report under its evidence number.")],
            [
                _text(self.t("Evidence"), [f.number for _, f in rows]),
                _text(
                    self.t("Verdict"), [VERDICTS[f.level].render(self.translate) for _, f in rows]
                ),
                _text(self.t("Finding"), [f.text for _, f in rows]),
                Column(self.t("n"), [f.n for _, f in rows], ["#,##0"] * len(rows)),
                _text(self.t("Section"), [r.title for r, _ in rows]),
                _text(self.t("Table"), rests),
            ],
        )
        for sheet_row, ((_, finding), number) in enumerate(zip(rows, rests, strict=True), first):
            verdict = VERDICTS[finding.level].render(self.translate)
            colour = _COLOURS.get(finding.level, "#000000")
            self.sheet.write_string(
                sheet_row, 1, verdict, self._style(font_color=colour, bold=True)
            )
            if number:
                self._link(sheet_row, 5, number, number)

    def _table(self, record: SectionRecord, table: Mapping[str, Any], frame: pd.DataFrame) -> None:
        self._sheet(
            table["number"],
            self.t("Table {number}  {title}", number=table["number"], title=table["title"]),
            [record.title, table["source"]],
            list(columns(table, frame, self.translate)),
            back=True,
        )

    def _method(self, facts: Mapping[str, Any]) -> None:
        rows: list[tuple[str, str]] = [
            (self.t("Run"), facts["run"]),
            (self.t("Made on"), f"{created(facts):%Y-%m-%d %H:%M}"),
            (self.t("Wave reported on"), facts["wave"]),
            (self.t("Only"), facts["where"]),
            *html.versions().items(),
            *((f"SHA-256  {file}", digest) for file, digest in facts["hashes"].items()),
        ]
        for record in self.found:
            rows += [(record.title, line) for line in (*record.methods, *record.skipped)]
        rows = [row for row in rows if row[1]]
        name = self.t("Method and data")
        self._sheet(
            name,
            name,
            [],
            [
                _text(self.t("What"), [what for what, _ in rows]),
                _text(self.t("Statement"), [text for _, text in rows]),
            ],
        )

    # --- cells -------------------------------------------------------------------------------

    def _sheet(
        self,
        name: str,
        title: str,
        lines: Sequence[str],
        table: Sequence[Column],
        *,
        back: bool = False,
    ) -> int:
        """A sheet with a title, lines below it and a table; the row its data begin in."""
        self.sheet = sheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.write_string(0, 0, title, self._style(bold=True, font_size=14))
        soft = self._style(font_color="#52606D")
        for row, line in enumerate(lines, start=1):
            sheet.write_string(row, 0, line, soft)
        header = len(lines) + 2
        if back:
            self._link(header - 1, 0, self.t("Contents"), self.t("Contents"))
        rows = max((len(column.values) for column in table), default=0)
        sheet.set_row(0, 24)
        sheet.set_row(header, _HEIGHT * max((c.lines(c.header) for c in table), default=1) + 3)
        for position, column in enumerate(table):
            self._column(position, header, column)
        for row in range(rows):
            lines_of_row = max(column.lines(_shown(column.values[row])) for column in table)
            if lines_of_row > 1:
                sheet.set_row(header + 1 + row, _HEIGHT * lines_of_row)
        sheet.freeze_panes(header + 1, 1)
        sheet.autofilter(header, 0, header + rows, max(len(table) - 1, 0))
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(header)
        sheet.set_footer("&L{}&R&P / &N".format(self.title.replace("&", "&&")))
        return header + 1

    def _column(self, position: int, header: int, column: Column) -> None:
        numeric = any(_is_number(value) for value in column.values)
        self.sheet.set_column(position, position, column.width)
        self.sheet.write_string(
            header,
            position,
            column.header,
            self._style(
                bold=True,
                bottom=1,
                top=1,
                bg_color="#EDF1F4",
                valign="bottom",
                **(_RIGHT if numeric else {}),
                text_wrap=True,
            ),
        )
        cells = zip(column.values, column.formats, strict=True)
        for row, (value, pattern) in enumerate(cells, start=header + 1):
            self._cell(row, position, value, pattern)

    def _cell(self, row: int, column: int, value: Any, pattern: str) -> None:
        if _is_missing(value):
            return
        if _is_number(value) and math.isfinite(value):
            style = self._style(num_format=pattern, **_RIGHT)
            self.sheet.write_number(row, column, _Exact(value), style)
        elif isinstance(value, dt.date):
            moment = (
                value if isinstance(value, dt.datetime) else dt.datetime(*value.timetuple()[:3])
            )
            style = self._style(num_format="yyyy-mm-dd", align="left")
            self.sheet.write_datetime(row, column, moment.replace(tzinfo=None), style)
        else:
            text = ("−∞" if value < 0 else "∞") if _is_number(value) else str(value)
            self.sheet.write_string(row, column, text[:_LONGEST_TEXT], self._style(text_wrap=True))

    def _link(self, row: int, column: int, sheet: str, text: str) -> None:
        style = self._style(font_color="#0B5570", underline=1)
        self.sheet.write_url(row, column, f"internal:'{sheet}'!A1", style, text)

    def _style(self, **properties: Any) -> Any:
        look = {"font_name": self.font, "font_size": 10, "valign": "top"} | properties
        key = tuple(sorted(look.items()))
        if key not in self._styles:
            self._styles[key] = self.book.add_format(look)
        return self._styles[key]

    def t(self, text: str, /, **values: Any) -> str:
        return Message(text, values).render(self.translate)


def columns(
    table: Mapping[str, Any], frame: pd.DataFrame, translate: Translate
) -> Iterator[Column]:
    """The columns of a table as the report headed them; an interval has a column for each end."""
    ends = (message("{header}: lower end"), message("{header}: upper end"))
    for name, header in table["columns"].items():
        low, _, high = {"conf": "conf_low..conf_high"}.get(name, name).partition("..")
        pattern = table["formats"].get(name, ".2f" if high else None)
        for end, column in zip(ends, filter(None, (low, high)), strict=False):
            joined = Message(end.text, {"header": header}).render(translate)
            values = frame[column].tolist()
            patterns = frame[pattern] if pattern in frame else [pattern] * len(frame)
            formats = [number_format(p, column, v) for p, v in zip(patterns, values, strict=True)]
            yield Column(joined if high else header, values, formats)


def number_format(pattern: str | None, column: str, value: Any) -> str:
    """A Python number format as a spreadsheet writes it; None: the default of a column.

    >>> number_format("+,.1%", "change", 0.5)
    '+#,##0.0%;-#,##0.0%'
    """
    if column in _P_VALUES:
        return '[<0.001]"< .001";[<0.9995].000;0.000'
    if pattern is None:
        pattern = ".1%" if column in SHARES else (",d" if isinstance(value, int) else ".2f")
    match = re.fullmatch(r"(\+?)(,?)(?:\.(\d+))?([df%])", pattern)
    if match is None:
        raise ValueError(f"column {column!r}: a workbook has no number format for {pattern!r}")
    sign, comma, digits, kind = match.groups()
    places = 0 if kind == "d" else int(digits or 6)
    plain = ("#,##0" if comma else "0") + ("." + "0" * places if places else "")
    plain += "%" if kind == "%" else ""
    return f"+{plain};-{plain}" if sign else plain


def _text(header: str, values: Sequence[str | None]) -> Column:
    return Column(header, values, ["General"] * len(values))


def _is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value)) or (isinstance(value, str) and not value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wide(text: str) -> int:
    """Width in digits; a Chinese character is two wide."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _shown(value: Any) -> str:
    if _is_missing(value):
        return ""
    return f"{value:,.3f}" if isinstance(value, float) else str(value)
