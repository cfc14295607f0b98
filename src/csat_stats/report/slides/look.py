"""The look of the slides: a client's template, or our own, 16:9."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pptx import Presentation
from pptx.dml.color import ColorFormat, RGBColor
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.lang import MSO_LANGUAGE_ID
from pptx.enum.shapes import MSO_SHAPE, PP_PLACEHOLDER
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches, Pt

from csat_stats.plots import theme
from csat_stats.report.slides.fitting import LINE, Paragraph, Piece, fit
from csat_stats.results import message
from csat_stats.study import Problem, StudyError

SOFT = theme.GREY
ACCENT = "#0B5570"  # the report's own colour
PALETTE = (theme.BLUE, theme.ORANGE, theme.WARNING, "#009E73", "#56B4E9", "#CC79A7")
LATIN, CHINESE = "Arial", "Microsoft YaHei"
_INSET = (0.1, 0.05)  # inches a placeholder keeps free at its sides, above and below
_LANGUAGES = {
    "zh_Hans": MSO_LANGUAGE_ID.SIMPLIFIED_CHINESE,
    "en": MSO_LANGUAGE_ID.ENGLISH_US,
}
_SUBTITLES = (PP_PLACEHOLDER.SUBTITLE, PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT)
_FOOTERS = (PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.SLIDE_NUMBER)
_TITLES = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_SLIDE_NUMBER = "{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}"


class Box(NamedTuple):
    """A place on a slide, in inches."""

    left: float
    top: float
    width: float
    height: float

    @property
    def emu(self) -> tuple[Inches, Inches, Inches, Inches]:
        """The same in the units of the file."""
        return Inches(self.left), Inches(self.top), Inches(self.width), Inches(self.height)


class Page(NamedTuple):
    """A slide with its title set, and the places for all else."""

    slide: Any
    body: Box
    footer: Box


def check(template: Path, shown: str, language: str) -> None:
    """Refuse a template that no slides can be made from.

    Raises
    ------
    StudyError
        It is no ``.pptx`` file, or no layout in it has a place for a title. ``shown`` is what
        the file is called in the message.
    """
    try:
        layouts = list(Presentation(str(template)).slide_layouts)
    except Exception:  # whatever the parser says of a broken file
        problem = message("{file} is no PowerPoint file (.pptx).", file=shown)
    else:
        if any(_title_of(layout) is not None for layout in layouts):
            return
        problem = message("{file}: no layout has a place for a title.", file=shown)
    raise StudyError([Problem(shown, problem)], language)


class Deck:
    """A presentation in a client's template, or in our own look."""

    def __init__(self, language: str, template: Path | None, colour: str | None) -> None:
        self.own = template is None
        self.language = language
        self.file: Any = Presentation(None if template is None else str(template))
        if self.own:
            _make_own(self.file, colour or ACCENT)
        else:
            _drop_slides(self.file)
        self.width = float(self.file.slide_width or 0) / Inches(1)
        self.height = float(self.file.slide_height or 0) / Inches(1)

    def cover(self, title: str, details: Sequence[str], logo: Path | None) -> Any:
        """The first slide: the study's title, and ``details`` below it, a line each."""
        slide = self.file.slides.add_slide(self._layout("title"))
        colour = MSO_THEME_COLOR.BACKGROUND_1 if self.own else MSO_THEME_COLOR.TEXT_1
        if self.own:
            slide.background.fill.solid()
            slide.background.fill.fore_color.theme_color = MSO_THEME_COLOR.TEXT_2
        box = Box(0.9, self.height * 0.26, self.width - 1.8, self.height * 0.24)
        if not self.own:
            box = _box(slide.shapes.title, box)
        self._title(slide, title, box, range(40, 19, -2), colour if self.own else None)
        top = box.top + box.height + 0.3
        left, width = box.left + _INSET[0], box.width - 2 * _INSET[0]
        below = Box(left, top, width, min(self.height * 0.36, self.height - 0.4 - top))
        subtitle = [s for s in slide.placeholders if s.placeholder_format.type in _SUBTITLES]
        if subtitle and not self.own:
            below = _box(subtitle[0], below)
        self.text(
            slide, below, [[Piece(line, colour=colour)] for line in details], range(20, 7, -1)
        )
        if logo is not None and logo.suffix.lower() != ".svg":  # which python-pptx cannot place
            place = (Inches(0.9), Inches(0.6))
            describe(slide.shapes.add_picture(str(logo), *place, height=Inches(0.8)), title)
        _drop_empty_placeholders(slide)
        return slide

    def page(self, title: str) -> Page:
        """A slide under its title, which is shortened to two lines if need be."""
        slide = self.file.slides.add_slide(self._layout("titleOnly"))
        usual = Box(0.5, 0.35, self.width - 1.0, 1.05)
        box = usual if self.own else _box(slide.shapes.title, usual)
        self._title(slide, title, box, range(26, 15, -1), None)
        _drop_empty_placeholders(slide)
        below = self._footer(slide.slide_layout)
        top = box.top + box.height + 0.1 if box.top < self.height / 3 else 0.5
        left, width = box.left + _INSET[0], box.width - 2 * _INSET[0]
        if width < 0.6 * self.width:  # a title at the side
            left, width = 0.05 * self.width, 0.9 * self.width
        body = Box(left, top, width, below - 0.15 - top)
        return Page(slide, body, Box(left, below, width, 0.3))

    def text(
        self,
        slide: Any,
        box: Box,
        paragraphs: Sequence[Paragraph],
        sizes: Sequence[float],
        *,
        align: PP_ALIGN = PP_ALIGN.LEFT,
        anchor: MSO_ANCHOR = MSO_ANCHOR.TOP,
    ) -> Any:
        """Paragraphs in a box, at the largest of ``sizes`` at which they fit."""
        shown, size = fit(paragraphs, box.width, box.height, sizes)
        shape = slide.shapes.add_textbox(*box.emu)
        frame = shape.text_frame
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        frame.vertical_anchor = anchor
        self.fill(frame, shown, size, align)
        return shape

    def panel(self, slide: Any, box: Box, colour: str | MSO_THEME_COLOR, *, round: bool) -> Any:
        """A filled shape without a border, to stand behind text."""
        kind = MSO_SHAPE.OVAL if round else MSO_SHAPE.RECTANGLE
        shape = slide.shapes.add_shape(kind, *box.emu)
        shape._element.remove(shape._element.find(qn("p:style")))  # its shadow and border
        shape.fill.solid()
        paint(shape.fill.fore_color, colour)
        shape.line.fill.background()
        return shape

    def number(self, slide: Any, box: Box) -> None:
        """The slide's number: a field, so it follows the slide when that is moved."""
        digits = Piece(str(len(self.file.slides)), colour=SOFT)
        shape = self.text(slide, box, [[digits]], (10,), align=PP_ALIGN.RIGHT)
        (run,) = shape.text_frame.paragraphs[0]._p.r_lst
        attributes = f'{nsdecls("a")} id="{_SLIDE_NUMBER}" type="slidenum"'
        field = parse_xml(f"<a:fld {attributes}/>")
        run.getparent().replace(run, field)
        field.extend(list(run))

    def save(self, target: Path, created: dt.datetime, title: str, client: str | None) -> None:
        """Write the file; its bytes depend on nothing but what is in it."""
        properties = self.file.core_properties
        properties.title, properties.author = title, client or ""
        properties.subject = properties.keywords = properties.last_modified_by = ""
        properties.created = properties.modified = created
        properties.revision = 1
        package = self.file.part.package
        for key, relation in list(package._rels.items()):
            if relation.reltype == RELATIONSHIP_TYPE.THUMBNAIL:  # a picture of other slides
                package._rels.pop(key)
        buffer = io.BytesIO()
        self.file.save(buffer)
        with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(target, "w") as file:
            for name in made.namelist():
                entry = zipfile.ZipInfo(name, created.timetuple()[:6])
                file.writestr(entry, made.read(name), zipfile.ZIP_DEFLATED)

    # --- how ---------------------------------------------------------------------------------

    def _title(
        self,
        slide: Any,
        title: str,
        box: Box,
        sizes: Sequence[float],
        colour: MSO_THEME_COLOR | None,
    ) -> None:
        shape = slide.shapes.title
        shape.left, shape.top, shape.width, shape.height = box.emu
        room = (box.width - 2 * _INSET[0], box.height - 2 * _INSET[1])
        paragraphs, size = fit([[Piece(title, None, colour)]], *room, sizes)
        self.fill(shape.text_frame, paragraphs, size, None)

    def fill(
        self,
        frame: Any,
        paragraphs: Sequence[Paragraph],
        size: float,
        align: PP_ALIGN | None,
    ) -> None:
        """Put paragraphs into a text frame; text of no colour keeps that of its surroundings."""
        frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
        for position, pieces in enumerate(paragraphs):
            paragraph = frame.paragraphs[0] if position == 0 else frame.add_paragraph()
            paragraph.alignment = align
            paragraph.line_spacing = Pt(size * LINE)
            paragraph.space_before = paragraph.space_after = Pt(0)
            for piece in pieces:
                run = paragraph.add_run()
                run.text = _CONTROL.sub(" ", piece.text)
                run.font.size, run.font.bold = Pt(size), piece.bold
                run.font.language_id = _LANGUAGES[self.language]
                if piece.colour is not None:
                    paint(run.font.color, piece.colour)

    def _layout(self, kind: str) -> Any:
        """The layout of a kind (``title``, ``titleOnly``), or the one nearest to it."""
        layouts = [layout for layout in self.file.slide_layouts if _title_of(layout) is not None]
        of_kind = [layout for layout in layouts if layout._element.get("type") == kind]
        return min(of_kind or layouts, key=lambda layout: len(layout.placeholders))

    def _footer(self, layout: Any) -> float:
        """Where the footer begins, inches from above."""
        places: list[float] = [
            shape.top / Inches(1)
            for shape in layout.placeholders
            if shape.placeholder_format.type in _FOOTERS and shape.top is not None
        ]
        low = [top for top in places if top > 0.8 * self.height]
        return min([*low, self.height - 0.45])


def paint(target: ColorFormat, colour: str | MSO_THEME_COLOR) -> None:
    """Give something a colour like #0b5570, or one of the theme."""
    if isinstance(colour, str):
        target.rgb = RGBColor.from_string(colour.removeprefix("#").upper())
    else:
        target.theme_color = colour


def describe(shape: Any, text: str) -> None:
    """What a shape shows, for who cannot see it."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", text)


def _title_of(layout: Any) -> Any:
    found = (s for s in layout.placeholders if s.placeholder_format.type in _TITLES)
    return next(found, None)


def _box(shape: Any, otherwise: Box) -> Box:
    sides = (shape.left, shape.top, shape.width, shape.height)
    if None in sides:
        return otherwise
    return Box(*(side / Inches(1) for side in sides))


def _drop_empty_placeholders(slide: Any) -> None:
    for shape in list(slide.placeholders):
        if not (shape.has_text_frame and shape.text_frame.text):
            shape._element.getparent().remove(shape._element)


def _drop_slides(file: Any) -> None:
    """A template's own slides, which show how it is meant to look."""
    slides = file.slides._sldIdLst
    for entry in list(slides):
        file.part.drop_rel(entry.rId)
        slides.remove(entry)


def _make_own(file: Any, colour: str) -> None:
    """python-pptx's own template in 16:9, with our fonts and colours."""
    wider = 4 / 3
    file.slide_width = Inches(10 * wider)
    master = file.slide_master
    for owner in (master, *file.slide_layouts):
        for place in owner._element.iter(qn("a:off"), qn("a:ext")):
            for side in ("x", "cx"):
                if place.get(side):
                    place.set(side, str(round(int(place.get(side)) * wider)))
    for style in master._element.iter(qn("p:titleStyle")):
        for level in style.iter(qn("a:lvl1pPr")):
            level.set("algn", "l")
        for properties in style.iter(qn("a:defRPr")):
            properties.set("b", "1")
    part = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    xml = part.blob.decode("utf-8")
    xml = re.sub(r'<a:latin typeface="[^"]*"', f'<a:latin typeface="{LATIN}"', xml)
    xml = re.sub(r'<a:ea typeface="[^"]*"', f'<a:ea typeface="{CHINESE}"', xml)
    names = ("dk1", "dk2", *(f"accent{i}" for i in range(1, 7)))
    for name, value in zip(names, (theme.INK, colour, *PALETTE), strict=True):
        entry = f'<a:{name}><a:srgbClr val="{value[1:].upper()}"/></a:{name}>'
        xml = re.sub(rf"<a:{name}>.*?</a:{name}>", entry, xml, flags=re.DOTALL)
    part.blob = xml.encode("utf-8")
