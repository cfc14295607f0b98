"""Native charts and tables: a reader can edit them, and the figures are inside."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pandas as pd
from matplotlib.colors import to_hex
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LABEL_POSITION,
    XL_LEGEND_POSITION,
    XL_TICK_LABEL_POSITION,
    XL_TICK_MARK,
)
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Inches, Pt

from csat_stats.plots import theme
from csat_stats.report.slides.fitting import LINE, Piece, fit, width
from csat_stats.report.slides.look import Box, Deck, describe, paint
from csat_stats.report.workbook import OPTIONS, number_format

MOST_BARS = 24  # more cannot be read on a slide
MOST_ROWS = 8  # of a table on a slide
_BEFORE = "#AEB6BF"
_ACCENTS = [getattr(MSO_THEME_COLOR, f"ACCENT_{number}") for number in range(1, 7)]
_CELL = (0.08, 0.05)  # inches free at the sides of a table's cell, above and below


class Hint(TypedDict):
    """How the rows of a table are drawn as bars: what ``Section.table(chart=…)`` records.

    ``category`` names the column, or the columns joined, that label the bars; ``values`` the
    columns drawn. ``series`` is the column whose levels are drawn beside each other. ``stacked``
    bars make up 100 %. ``limits`` are the ends of the axis, ``base`` is where bars begin.
    """

    category: str | Sequence[str]
    values: Sequence[str]
    series: NotRequired[str]
    stacked: NotRequired[bool]
    limits: NotRequired[Sequence[float]]
    base: NotRequired[float]


def bars(hint: Hint, table: Mapping[str, Any], frame: pd.DataFrame) -> pd.DataFrame | None:
    """The bars of a chart: a row a label, a column a series; None where a table says more."""
    names = [hint["category"]] if isinstance(hint["category"], str) else list(hint["category"])
    labels = frame[names].astype("str").agg(" · ".join, axis=1)
    if "series" in hint:
        parts = frame.groupby(hint["series"], sort=False)[hint["values"][0]]
        columns = {str(level): part.set_axis(labels[part.index]) for level, part in parts}
        drawn = pd.DataFrame(columns).reindex(labels.unique())
    else:
        headers = {name: table["columns"][name] for name in hint["values"]}
        drawn = frame[list(headers)].rename(columns=headers).set_axis(labels)
    drawn = drawn.astype("float").dropna(how="all")
    count = len(drawn) * (1 if hint.get("stacked") else len(drawn.columns))
    return drawn if 0 < count <= MOST_BARS else None


def add_chart(
    slide: Any,
    box: Box,
    table: Mapping[str, Any],
    drawn: pd.DataFrame,
    *,
    highlight: str | None,
    created: dt.datetime,
) -> None:
    """A native bar chart; the bar named ``highlight`` has a colour of its own."""
    hint: Hint = table["chart"]
    column = hint["values"][0]
    pattern = number_format(table["formats"].get(column), column, 0.0)
    stacked = hint.get("stacked", False)
    data = CategoryChartData(number_format=pattern)
    data.categories = drawn.index.tolist()
    for name in drawn:
        data.add_series(name, [None if pd.isna(value) else value for value in drawn[name]])
    kind = XL_CHART_TYPE.BAR_STACKED_100 if stacked else XL_CHART_TYPE.BAR_CLUSTERED
    shape = slide.shapes.add_chart(kind, *box.emu, data)
    describe(shape, table["title"])
    chart = shape.chart
    chart.part.chart_workbook.update_from_xlsx_blob(_embedded(drawn, pattern, created))
    size = Pt(12 if len(drawn) * (1 if stacked else len(drawn.columns)) <= 16 else 10)
    chart.font.size, chart.has_title = size, False
    chart.has_legend = len(drawn.columns) > 1
    if chart.has_legend:
        chart.legend.position = XL_LEGEND_POSITION.TOP
        chart.legend.include_in_layout = False
    _axes(chart, hint, drawn, pattern)
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 45 if len(drawn) > 2 else 90, 100 if stacked else -5
    for series, colour in zip(plot.series, _colours(drawn, stacked), strict=True):
        series.invert_if_negative = False
        series.format.fill.solid()
        paint(series.format.fill.fore_color, colour)
        labels = series.data_labels
        labels.show_value, labels.number_format_is_linked = True, False
        # A part of the whole too small for its label has none.
        labels.number_format = f'[<0.04]"";{pattern}' if stacked else pattern
        labels.font.size = size
        if stacked:
            labels.position = XL_LABEL_POSITION.CENTER
            paint(labels.font.color, _readable_on(colour))
        else:
            labels.position = XL_LABEL_POSITION.OUTSIDE_END
        if len(drawn.columns) == 1 and highlight in drawn.index:
            point = series.points[drawn.index.get_loc(highlight)]
            point.format.fill.solid()
            paint(point.format.fill.fore_color, MSO_THEME_COLOR.ACCENT_2)


def add_table(deck: Deck, slide: Any, box: Box, table: Mapping[str, Any]) -> float:
    """A native table of the first rows as the report shows them; a single row stands upright.

    Returns where it ends, in inches from above.
    """
    header, rows = list(table["columns"].values()), table["shown"]
    if len(rows) == 1:
        header, rows = [], [list(pair) for pair in zip(header, rows[0], strict=True)]
    cells = [header] * bool(header) + [list(map(str, row)) for row in rows]
    size = next((s for s in (18, 16, 14, 12, 11, 10) if sum(_widths(cells, s)) <= box.width), 10)
    least = size * LINE / 72 + 2 * _CELL[1]
    high = max(least, min(0.5, box.height / min(len(cells), MOST_ROWS + 1)))
    cells = cells[: min(MOST_ROWS + 1, int(box.height / high))]
    widths = _within(box.width, _widths(cells, size))
    place = (Inches(box.left), Inches(box.top), Inches(sum(widths)), Inches(high * len(cells)))
    shape = slide.shapes.add_table(len(cells), len(widths), *place)
    describe(shape, table["title"])
    grid = shape.table
    grid.first_row = bool(header)
    for position, wide in enumerate(widths):
        grid.columns[position].width = Inches(wide)
    for row, texts in enumerate(cells):
        grid.rows[row].height = Inches(high)
        for position, text in enumerate(texts):
            figures = position > 0 and not any(c.isalpha() for c in cells[-1][position])
            _cell(deck, grid.cell(row, position), text, widths[position], high, size, figures)
    return box.top + high * len(cells)


def _cell(
    deck: Deck, cell: Any, text: str, wide: float, high: float, size: float, figures: bool
) -> None:
    cell.margin_left = cell.margin_right = Inches(_CELL[0])
    cell.margin_top = cell.margin_bottom = Inches(_CELL[1])
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    room = (wide - 2 * _CELL[0], high - 2 * _CELL[1])
    paragraphs, _ = fit([[Piece(text, colour=None)]], *room, [size])
    deck.fill(cell.text_frame, paragraphs, size, PP_ALIGN.RIGHT if figures else PP_ALIGN.LEFT)


def _widths(cells: Sequence[Sequence[str]], size: float) -> list[float]:
    """Inches each column needs to show every cell on one line."""
    return [
        max(width(text, size) for text in column) + 2 * _CELL[0]
        for column in zip(*cells, strict=True)
    ]


def _within(room: float, widths: Sequence[float]) -> list[float]:
    """Column widths for ``room`` inches: narrow columns are widened, only the widest cut."""
    if sum(widths) <= room:
        return [wide * min(room / sum(widths), 1.8) for wide in widths]
    left, most = room, room
    for waiting, wide in zip(range(len(widths), 0, -1), sorted(widths), strict=True):
        most = left / waiting
        if wide > most:
            break
        left -= wide
    return [min(wide, most) for wide in widths]


def _axes(chart: Any, hint: Hint, drawn: pd.DataFrame, pattern: str) -> None:
    category, value = chart.category_axis, chart.value_axis
    category.reverse_order = True  # the first row on top
    category.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    category.major_tick_mark = XL_TICK_MARK.NONE
    category.format.line.color.theme_color = MSO_THEME_COLOR.BACKGROUND_1
    category.format.line.color.brightness = -0.25
    value.has_major_gridlines = False
    value.visible = not hint.get("stacked")
    if value.visible:
        value.tick_label_position = XL_TICK_LABEL_POSITION.HIGH  # below, as the order is reversed
        value.format.line.fill.background()
        value.major_tick_mark = XL_TICK_MARK.NONE
        value.tick_labels.font.size = Pt(10)
        value.tick_labels.font.color.rgb = RGBColor.from_string(theme.GREY[1:])
        value.tick_labels.number_format, value.tick_labels.number_format_is_linked = pattern, False
    if len(drawn.columns) == 1:
        value.has_title = True
        title = value.axis_title.text_frame
        title.text = drawn.columns[0]
        title.paragraphs[0].runs[0].font.size = Pt(11)
        title.paragraphs[0].runs[0].font.bold = False
    if "limits" in hint:
        value.minimum_scale, value.maximum_scale = hint["limits"]
    if "base" in hint:
        base, least, most = hint["base"], drawn.min(axis=None), drawn.max(axis=None)
        room = (max(most, base) - min(least, base)) * 0.15  # for the labels
        value.crosses_at = base
        value.minimum_scale = base if least >= base else least - room
        value.maximum_scale = base if most <= base else most + room


def _colours(drawn: pd.DataFrame, stacked: bool) -> list[str | MSO_THEME_COLOR]:
    count = len(drawn.columns)
    if stacked:
        return [to_hex(theme.SATISFACTION(i / max(count - 1, 1))) for i in range(count)]
    if count == 2:
        return [_BEFORE, MSO_THEME_COLOR.ACCENT_1]
    return [_ACCENTS[i % len(_ACCENTS)] for i in range(count)]


def _readable_on(colour: str | MSO_THEME_COLOR) -> str:
    return {"black": "#000000", "white": "#FFFFFF"}[theme.readable_on(colour)]


def _embedded(drawn: pd.DataFrame, pattern: str, created: dt.datetime) -> bytes:
    """The workbook behind a chart, in which text is no formula."""
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    with Workbook(buffer, OPTIONS) as book:
        book.set_properties({"created": created})
        sheet, figures = book.add_worksheet(), book.add_format({"num_format": pattern})
        for row, label in enumerate(drawn.index, start=1):
            sheet.write_string(row, 0, label)
        for column, name in enumerate(drawn, start=1):
            sheet.write_string(0, column, name)
            for row, value in enumerate(drawn[name], start=1):
                if not pd.isna(value):
                    sheet.write_number(row, column, value, figures)
    return buffer.getvalue()
