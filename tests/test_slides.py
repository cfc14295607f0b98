"""The slides as their reader gets them: what is on them, what can be edited, what fits."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from PIL import ImageFont
from pptx import Presentation
from pptx.util import Inches
from pypdf import PdfReader
from test_language import LATIN
from test_workbook import FACTS, converted, facts_of, made, office  # noqa: F401

from csat_stats.report import slides, workbook
from csat_stats.report.records import FindingRecord
from csat_stats.report.slides import charts
from csat_stats.report.slides.fitting import LINE
from csat_stats.run import RunResult
from csat_stats.study import StudyError

TITLE = "家电售后服务满意度研究"


def demo_slides(result: RunResult, target: Path, **more: Any) -> Path:
    slides.write(
        result.folder,
        target,
        "zh_Hans",
        title=TITLE,
        client="晨光家电",
        period="2026 年 3 月至 8 月",
        facts=facts_of(result),
        **more,
    )
    return target


@pytest.fixture(scope="module")
def demo_file(demo_run: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_slides(demo_run, tmp_path_factory.mktemp("slides") / "report.pptx")


@pytest.fixture(scope="module")
def demo_deck(demo_file: Path) -> Any:
    return Presentation(str(demo_file))


def finding(number: int, level: str = "met", text: str = "Good.", **more: Any) -> FindingRecord:
    table = more.pop("table", "t")
    return FindingRecord(
        f"04.x{number}",
        f"E3.{number}",
        level,
        text,
        100,
        (table,),
        more,  # type: ignore[arg-type]
    )


def deck_of(run: Path, target: Path, **more: Any) -> Any:
    slides.write(run, target, "en", title="A study", client=None, facts=FACTS, **more)
    return Presentation(str(target))


def texts(slide: Any) -> Iterator[str]:
    for shape in slide.shapes:
        if shape.has_text_frame:
            yield shape.text_frame.text
        elif shape.has_table:
            yield from (cell.text for row in shape.table.rows for cell in row.cells)


def words(slide: Any) -> str:
    return "\n".join(texts(slide))


# --- what is on them ------------------------------------------------------------------------------


def test_the_cover(demo_deck: Any, demo_run: RunResult) -> None:
    cover = demo_deck.slides[0]
    assert cover.shapes.title.text == TITLE
    n = next(f.n for f in demo_run.findings if f.id == "04.index")
    for line in ("晨光家电", "研究期间：2026 年 3 月至 8 月", f"{n:,}"):
        assert line in words(cover)


def test_ten_seconds(demo_deck: Any, demo_run: RunResult) -> None:
    summary = words(demo_deck.slides[1])
    found = {finding.id: finding for finding in demo_run.findings}
    targets = [f for f in demo_run.findings if ".target." in f.id]
    met = sum(f.level == "met" for f in targets)
    for figure in (
        f"{found['04.index'].values['estimate']:.1f}",
        f"{found['04.nps'].values['estimate']:+.1f}",
        f"{found['04.satisfied'].values['estimate']:.1%}",
        f"{met} / {len(targets)}",
        *(found[f"07.priority.{rank}"].text for rank in (1, 2, 3)),
    ):
        assert figure in summary


def test_every_verdict_is_told_with_its_evidence(demo_deck: Any, demo_run: RunResult) -> None:
    notes = [slide.notes_slide.notes_text_frame.text for slide in list(demo_deck.slides)[2:]]
    assert len(demo_deck.slides) == 20  # full: only what is met may be left out
    assert (
        sum(told.level == "met" for told in demo_run.findings if told.number in "".join(notes)) > 10
    )
    for told in demo_run.findings:
        if told.level in ("not_met", "watch"):
            (note,) = [note for note in notes if told.number + "  " in note]
            assert told.text in note


def test_a_title_is_a_conclusion(demo_deck: Any, demo_run: RunResult) -> None:
    sentences = {finding.text for finding in demo_run.findings}
    titles = [slide.shapes.title.text for slide in list(demo_deck.slides)[2:]]
    assert set(titles) <= sentences
    assert len(set(titles)) == len(titles)


def test_the_footer_names_source_base_and_evidence(demo_deck: Any) -> None:
    for slide in list(demo_deck.slides)[2:]:
        assert re.search(r"数据来源：demo/\w+\.csv；.*  ·  依据：E\d", words(slide))
        fields = slide._element.xpath(".//a:fld[@type='slidenum']")
        assert len(fields) == 1
    with_base = [slide for slide in demo_deck.slides if re.search(r"；n = [\d,]+  ·", words(slide))]
    assert len(with_base) > 12


def test_notes_hold_the_method(demo_deck: Any, demo_run: RunResult) -> None:
    notes = demo_deck.slides[2].notes_slide.notes_text_frame.text
    assert workbook.sections(demo_run.folder)[1].methods[0] in notes


def test_chinese_slides_hold_no_latin_sentence(demo_deck: Any) -> None:
    shown = [text for slide in demo_deck.slides for text in texts(slide)]
    notes = [
        slide.notes_slide.notes_text_frame.text
        for slide in demo_deck.slides
        if slide.has_notes_slide
    ]
    assert [text for text in shown + notes if LATIN.search(text)] == []


def test_what_matters_least_is_left_out(tmp_path: Path) -> None:
    levels = ["info", "met", "not_met", "watch"] * 10
    names = [f"t{i}" for i in range(40)]
    frame = pd.DataFrame({"a": ["x", "y"], "n": [1, 2]})
    run = made(
        tmp_path / "run",
        {name: (frame, {}) for name in names},
        [finding(i, level, f"Finding {i}.", table=f"t{i}") for i, level in enumerate(levels)],
    )
    titles = [slide.shapes.title.text for slide in deck_of(run, tmp_path / "x.pptx").slides]
    told = [int(title.split()[1][:-1]) for title in titles[2:]]
    assert len(told) == slides.MOST
    assert told == sorted(told)
    assert {levels[i] for i in told} == {"not_met", "watch"}


def test_findings_on_one_table_share_a_slide_under_the_weightiest(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["x", "y"], "n": [1, 2]})
    told = [finding(1, "info", "So it is."), finding(2, "not_met", "Missed."), finding(3)]
    run = made(tmp_path / "run", {"t": (frame, {})}, told)
    (slide,) = list(deck_of(run, tmp_path / "x.pptx").slides)[2:]
    assert slide.shapes.title.text == "Missed."
    for text in ("✗ not met", "So it is.", "E3.1, E3.2, E3.3"):
        assert text in words(slide)


def test_a_run_without_findings(tmp_path: Path) -> None:
    run = made(tmp_path / "run", {"t": (pd.DataFrame({"a": ["x"]}), {})})
    assert len(deck_of(run, tmp_path / "x.pptx").slides) == 2


# --- native charts and tables ---------------------------------------------------------------------


def charts_of(deck: Any) -> list[Any]:
    return [shape for slide in deck.slides for shape in slide.shapes if shape.has_chart]


def embedded(chart: Any) -> Any:
    blob = chart.part.chart_workbook.xlsx_part.blob
    return openpyxl.load_workbook(io.BytesIO(blob)).active


def test_charts_hold_the_figures_of_their_table(demo_deck: Any, demo_run: RunResult) -> None:
    frames = {
        table["title"]: (table, workbook.read(demo_run.folder, record, table))
        for record in workbook.sections(demo_run.folder)
        for table in record.tables
    }
    shapes = charts_of(demo_deck)
    assert len(shapes) >= 6
    for shape in shapes:
        table, frame = frames[shape._element.xpath(".//p:cNvPr/@descr")[0]]
        hint = table["chart"]
        drawn = [list(series.values) for series in shape.chart.plots[0].series]
        if "series" not in hint:
            assert drawn == [frame[column].tolist() for column in hint["values"]]
        inside = [list(column) for column in embedded(shape.chart).iter_cols(min_col=2)]
        cells = [[cell.value for cell in column[1:]] for column in inside]
        assert cells == [pytest.approx(values, rel=1e-15) for values in drawn]
        assert [column[0].value for column in inside] == [
            series.name for series in shape.chart.plots[0].series
        ]


def test_long_rows_are_drawn_as_groups() -> None:
    frame = pd.DataFrame(
        {"group": ["b", "b", "a"], "wave": ["2", "1", "1"], "mean": [3.0, 2.0, 1.0]}
    )
    hint: charts.Hint = {"category": "group", "series": "wave", "values": ["mean"]}
    drawn = charts.bars(hint, {"columns": {}}, frame)
    assert drawn is not None
    assert list(drawn.index) == ["b", "a"]
    assert list(drawn.columns) == ["2", "1"]
    assert drawn["1"].tolist() == [2.0, 1.0]
    assert drawn.loc["b", "2"] == 3.0 and pd.isna(drawn.loc["a", "2"])


def test_a_chart_of_too_many_bars_becomes_a_table(tmp_path: Path) -> None:
    rows = charts.MOST_BARS + 1
    frame = pd.DataFrame({"a": [f"row {i}" for i in range(rows)], "x": [1.5] * rows})
    chart = {"chart": {"category": "a", "values": ["x"]}}
    run = made(tmp_path / "run", {"t": (frame, chart)}, [finding(1)])
    deck = deck_of(run, tmp_path / "x.pptx")
    assert charts_of(deck) == []
    (grid,) = [shape.table for shape in deck.slides[2].shapes if shape.has_table]
    assert [cell.text for cell in grid.rows[1].cells] == ["row 0", "1.5"]
    assert len(grid.rows) == charts.MOST_ROWS + 1


def test_bars_begin_where_the_scale_does(demo_deck: Any) -> None:
    by_title = {
        shape._element.xpath(".//p:cNvPr/@descr")[0]: shape for shape in charts_of(demo_deck)
    }
    axis = by_title["各维度均值（由低到高）"].chart.value_axis
    assert (axis.minimum_scale, axis.maximum_scale) == (1, 5)
    ratios = by_title["逻辑回归：90 天内复购"].chart.value_axis
    assert ratios.minimum_scale == 1  # an odds ratio of 1 is no bar


def test_text_in_a_chart_is_no_formula(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["=1+1", "@x"], "=b": [1.0, 2.0]})
    chart = {"chart": {"category": "a", "values": ["=b"]}}
    run = made(tmp_path / "run", {"t": (frame, chart)}, [finding(1)])
    (shape,) = charts_of(deck_of(run, tmp_path / "x.pptx"))
    cells = [cell for row in embedded(shape.chart).iter_rows() for cell in row]
    assert [cell.value for cell in cells] == [None, "=b", "=1+1", 1, "@x", 2]
    assert "f" not in {cell.data_type for cell in cells}


# --- what fits ------------------------------------------------------------------------------------

NOTO = ImageFont.truetype(
    str(resources.files("pylopdf_fonts_zh_cn") / "NotoSansSC-Regular.otf"), 100
)


def lines_of(text: str, size: float, width: float) -> int:
    """Lines by breaking at spaces and around Chinese characters, measured in a real font."""
    count, used = 1, 0.0
    for token in re.findall(r"[⺀-鿿＀-￯]|[^\s⺀-鿿＀-￯]+|\s+", text):
        wide = NOTO.getlength(token) * size / 7200
        if used + wide > width and used and not token.isspace():
            count, used = count + 1, 0.0
        used += wide
        while used > width:
            count, used = count + 1, used - width
    return count


def height_of(frame: Any, width: float) -> float:
    """Inches that the paragraphs of a text frame take."""
    return sum(
        lines_of(p.text, p.line_spacing.pt / LINE, width) * p.line_spacing.inches
        for p in frame.paragraphs
        if p.text
    )


def overflowing(deck: Any) -> list[str]:
    """Texts that are higher than their box, and shapes that leave the slide."""
    found = []
    for slide in deck.slides:
        for shape in slide.shapes:
            right, bottom = shape.left + shape.width, shape.top + shape.height
            room = (deck.slide_width + 1, deck.slide_height + 1)
            if min(shape.left, shape.top) < 0 or right > room[0] or bottom > room[1]:
                found.append(f"outside: {shape.name}")
            if shape.has_table:
                boxes = [
                    (cell.text_frame, column.width, row.height, cell)
                    for row in shape.table.rows
                    for cell, column in zip(row.cells, shape.table.columns, strict=True)
                ]
            elif shape.has_text_frame:
                frame = shape.text_frame
                boxes = [(frame, shape.width, shape.height, frame)]
            else:
                boxes = []
            for frame, width, height, inset in boxes:
                free = (width - inset.margin_left - inset.margin_right) / Inches(1)
                high = (height - inset.margin_top - inset.margin_bottom) / Inches(1)
                if frame.text and height_of(frame, free) > high + 0.01:
                    found.append(frame.text)
    return found


def test_no_text_leaves_its_box(demo_deck: Any) -> None:
    assert overflowing(demo_deck) == []


def test_long_texts_fit_too(tmp_path: Path) -> None:
    long = "The satisfaction with the speed of response, 很长的句子没有尽头, fell again; " * 12
    frame = pd.DataFrame({"a" * 80: ["b" * 200, "很" * 200], "n": [1, 2]})
    told = [finding(i, "watch", f"{i} {long}") for i in range(1, 12)]
    run = made(tmp_path / "run", {"t": (frame, {"title": long})}, told)
    deck = deck_of(run, tmp_path / "x.pptx")
    assert overflowing(deck) == []
    slide = deck.slides[2]
    title = slide.shapes.title.text
    assert title.endswith("…") and told[0].text.startswith(title[:-1])
    assert told[10].text in slide.notes_slide.notes_text_frame.text
    assert re.search(r"\d+ more in the report\.", words(slide))


def test_texts_do_not_cover_each_other(demo_deck: Any) -> None:
    for slide in demo_deck.slides:
        boxes = [
            (shape.left, shape.top, shape.left + shape.width, shape.top + shape.height)
            for shape in slide.shapes
            if not shape.is_placeholder and (not shape.has_text_frame or shape.text_frame.text)
        ]
        for i, (left, top, right, bottom) in enumerate(boxes):
            for other in boxes[i + 1 :]:
                apart = (
                    right <= other[0] + 1 or other[2] <= left + 1,
                    bottom <= other[1] + 1 or other[3] <= top + 1,
                )
                assert any(apart), f"slide {demo_deck.slides.index(slide) + 1}"


# --- the look -------------------------------------------------------------------------------------


def test_our_own_look(demo_deck: Any, demo_run: RunResult, tmp_path: Path) -> None:
    assert (demo_deck.slide_width / Inches(1), demo_deck.slide_height / Inches(1)) == (
        pytest.approx(13.333, abs=0.001),
        7.5,
    )
    green = Presentation(str(demo_slides(demo_run, tmp_path / "x.pptx", colour="#116633")))
    for deck, colour in ((demo_deck, "0B5570"), (green, "116633")):
        theme = theme_of(deck)
        assert '<a:latin typeface="Arial"' in theme
        assert '<a:ea typeface="Microsoft YaHei"' in theme
        assert f'<a:dk2><a:srgbClr val="{colour}"/></a:dk2>' in theme


def theme_of(deck: Any) -> str:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/theme"
    blob: bytes = deck.slide_master.part.part_related_by(kind).blob
    return blob.decode("utf-8")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client's template: 4:3, a sample slide, titles on the left, purple."""
    path = tmp_path_factory.mktemp("template") / "client.pptx"
    deck: Any = Presentation()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/theme"
    part = deck.slide_master.part.part_related_by(kind)
    part.blob = re.sub(
        rb"<a:accent1>.*?</a:accent1>",
        b'<a:accent1><a:srgbClr val="7A1FA2"/></a:accent1>',
        part.blob,
        flags=re.DOTALL,
    )
    deck.slides.add_slide(deck.slide_layouts[1]).shapes.title.text = "Sample"
    deck.save(str(path))
    return path


def test_a_client_s_template_is_used(demo_run: RunResult, template: Path, tmp_path: Path) -> None:
    slides.check(template, "client.pptx", "en")
    deck = Presentation(str(demo_slides(demo_run, tmp_path / "x.pptx", template=template)))
    assert deck.slide_width == Inches(10)
    assert "7A1FA2" in theme_of(deck)
    assert "Sample" not in "".join(map(words, deck.slides))
    assert [s.slide_layout.name for s in deck.slides][:2] == ["Title Slide", "Title Only"]
    assert all(shape.text_frame.text for slide in deck.slides for shape in slide.placeholders)
    assert overflowing(deck) == []


def test_a_file_that_is_no_template_is_refused(template: Path, tmp_path: Path) -> None:
    (tmp_path / "x.pptx").write_text("no")
    with pytest.raises(StudyError, match=r"brand\.pptx is no PowerPoint file \(\.pptx\)\."):
        slides.check(tmp_path / "x.pptx", "brand.pptx", "en")
    bare: Any = Presentation(str(template))
    for layout in bare.slide_layouts:
        for shape in list(layout.placeholders):
            shape._element.getparent().remove(shape._element)
    bare.save(str(tmp_path / "bare.pptx"))
    with pytest.raises(StudyError, match=r"bare\.pptx: no layout has a place for a title\."):
        slides.check(tmp_path / "bare.pptx", "bare.pptx", "en")


def test_the_logo_is_on_the_cover(tmp_path: Path) -> None:
    from PIL import Image

    logo = tmp_path / "logo.png"
    Image.new("RGB", (300, 100), "red").save(logo)
    run = made(tmp_path / "run", {})
    deck = deck_of(run, tmp_path / "x.pptx", logo=logo)
    (picture,) = [shape for shape in deck.slides[0].shapes if shape.shape_type == 13]
    assert picture.width / picture.height == pytest.approx(3, rel=0.01)
    assert "晨光" not in words(deck.slides[0])


def test_the_same_run_gives_the_same_bytes(
    demo_file: Path, demo_run: RunResult, tmp_path: Path
) -> None:
    again = demo_slides(demo_run, tmp_path / "again.pptx")
    assert again.read_bytes() == demo_file.read_bytes()


@pytest.mark.slow
def test_libreoffice_shows_every_slide(office: str, demo_file: Path, tmp_path: Path) -> None:  # noqa: F811
    pages = PdfReader(converted(office, demo_file, "pdf", tmp_path / "out")).pages
    deck = Presentation(str(demo_file))
    assert len(pages) == len(deck.slides)
    for page, slide in zip(pages, deck.slides, strict=True):
        shown = "".join((page.extract_text() or "").split())
        figures = re.findall(r"\d+\.\d+", slide.shapes.title.text)
        assert all(figure in shown for figure in figures)
