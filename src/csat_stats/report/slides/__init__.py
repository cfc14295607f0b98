"""The run as slides: cover, ten seconds, then what was found, with native charts.

A slide's title is a conclusion; below it stands what the conclusion rests on, as a chart or table
that can be edited; the footer names source, base and evidence number; the notes hold the full
sentences and the method. Conclusions that rest on the same table share a slide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN

from csat_stats.plots import theme
from csat_stats.report import workbook
from csat_stats.report.findings.base import VERDICTS
from csat_stats.report.language import Translate, translator
from csat_stats.report.records import FindingRecord, SectionRecord
from csat_stats.report.slides import charts
from csat_stats.report.slides.fitting import Paragraph, Piece, height
from csat_stats.report.slides.look import SOFT, Box, Deck, Page, check
from csat_stats.report.summary import Card, Summary
from csat_stats.results import Message, message

__all__ = ["check", "write"]

MOST = 18  # slides of findings
# Findings without a verdict that are told all the same; the beginning of their id.
_HEADLINE = ("index", "nps", "satisfied", "lowest", "priority.", "change.", "did.")
_RANK = ("not_met", "watch", "met", "info", "not_estimable")
_COLOURS = {"met": theme.BLUE, "not_met": theme.WARNING_INK, "watch": "#8A4B00"}
_GAP = 0.25  # inches


@dataclass(frozen=True)
class Topic:
    """A table and the findings that rest on it: a slide. The first finding is the weightiest."""

    section: SectionRecord
    table: Mapping[str, Any]
    findings: Sequence[FindingRecord]

    @property
    def rank(self) -> int:
        """0: calls for action or is a headline; 1: all is well; 2: may stay untold."""
        if self.findings[0].level in ("not_met", "watch"):
            return 0
        ids = [finding.id.partition(".")[2] for finding in self.findings]
        if any(id.startswith(_HEADLINE) for id in ids):
            return 0
        return 1 if self.findings[0].level == "met" else 2


def topics(found: Sequence[SectionRecord]) -> list[Topic]:
    """What slides are made of, in reader's order: at most ``MOST``, what matters least left out."""
    grouped: list[Topic] = []
    for section in found:
        for table in section.tables:
            resting = [f for f in section.findings if f.tables[:1] == (table["name"],)]
            resting.sort(key=lambda finding: _RANK.index(finding.level))
            if resting:
                grouped.append(Topic(section, table, resting))
    told = sorted((t for t in grouped if t.rank < 2), key=lambda topic: topic.rank)[:MOST]
    return [topic for topic in grouped if topic in told]


def write(
    run: Path,
    target: Path,
    language: str,
    *,
    title: str,
    client: str | None,
    facts: Mapping[str, Any],
    period: str | None = None,
    template: Path | None = None,
    colour: str | None = None,
    logo: Path | None = None,
) -> None:
    """Write the slides of a run.

    Parameters
    ----------
    run
        Folder of the run, with ``sections/``.
    target
        The ``.pptx`` file.
    facts
        As in :func:`csat_stats.report.html.build`: ``run``, ``created``, ``wave``, ``where``.
    template
        A ``.pptx`` whose layouts, fonts and colours are taken, see :func:`check`; our own by
        default, with ``colour`` (like #0b5570) as the colour of the cover.
    logo
        For the cover: PNG or JPEG; an SVG is left out.
    """
    found = workbook.sections(run)
    summary = Summary.of(found)
    deck = Deck(language, template, colour)
    _Slides(deck, run, translator(language), facts).write(
        found, summary, title, client, period, logo
    )
    deck.save(target, workbook.created(facts), title, client)


class _Slides:
    """Puts a run onto the slides of a deck."""

    def __init__(
        self, deck: Deck, run: Path, translate: Translate, facts: Mapping[str, Any]
    ) -> None:
        self.deck, self.run, self.translate, self.facts = deck, run, translate, facts

    def write(
        self,
        found: Sequence[SectionRecord],
        summary: Summary,
        title: str,
        client: str | None,
        period: str | None,
        logo: Path | None,
    ) -> None:
        base = summary.index.n if summary.index else None
        details = [
            (None, client),
            (message("Period"), period),
            (message("Wave reported on"), self.facts["wave"]),
            (message("Only"), self.facts["where"]),
            (message("Responses analysed"), None if base is None else f"{base:,}"),
            (message("Made on"), f"{workbook.created(self.facts):%Y-%m-%d}"),
        ]
        lines = [
            str(value) if name is None else self.t("{name}: {value}", name=name, value=value)
            for name, value in details
            if value
        ]
        self.deck.cover(title, lines, logo)
        self._summary(summary)
        for topic in topics(found):
            self._topic(topic)

    def _summary(self, summary: Summary) -> None:
        page = self.deck.page(self.t("The study in ten seconds"))
        cards = summary.cards(self.translate)
        body, high = page.body, min(1.9, page.body.height * 0.4)
        width = (body.width - _GAP * (len(cards) - 1)) / max(len(cards), 1)
        for position, card in enumerate(cards):
            left = body.left + position * (width + _GAP)
            self._card(page.slide, Box(left, body.top, width, high), card)
        top = body.top + (high + _GAP if cards else 0)
        rest = Box(body.left, top, body.width, body.top + body.height - top)
        numbers = [summary.index, summary.satisfied, summary.nps, *summary.targets]
        told = [finding for finding in (*numbers, *summary.priorities) if finding]
        if told or not summary.plan:
            self._priorities(page, rest, summary.priorities)
        else:  # before fieldwork there is only the plan
            told = list(summary.plan)
            self.deck.text(page.slide, rest, [[Piece(f.text)] for f in told], (18, 16, 14, 12))
        self._footer(page, self._evidence(told))
        self._notes(page, [*map(self._line, told)])

    def _card(self, slide: Any, box: Box, card: Card) -> None:
        colour = _COLOURS.get(card.level, theme.INK)
        self.deck.panel(slide, box, theme.TRACK, round=False)
        self.deck.panel(slide, box._replace(height=0.07), colour, round=False)
        left, width = box.left + 0.15, box.width - 0.3
        middle = (box.height - 0.1) / 4
        parts = (
            (0.1, middle, Piece(card.what, colour=SOFT), range(16, 9, -1)),
            (
                0.1 + middle,
                2 * middle,
                Piece(card.figure + card.unit, True, colour),
                range(44, 15, -2),
            ),
            (0.1 + 3 * middle, middle, Piece(card.details[0], colour=SOFT), range(13, 7, -1)),
        )
        for top, high, piece, sizes in parts:
            place = Box(left, box.top + top, width, high)
            self.deck.text(slide, place, [[piece]], sizes, anchor=MSO_ANCHOR.MIDDLE)

    def _priorities(self, page: Page, box: Box, priorities: Sequence[FindingRecord]) -> None:
        if not priorities:
            self.deck.text(
                page.slide, box, [[Piece(self.t("No priorities could be named."))]], (16,)
            )
            return
        head = box._replace(height=0.4)
        self.deck.text(page.slide, head, [[Piece(self.t("Improve first"), True)]], (18, 16, 14))
        high = (box.height - 0.5) / len(priorities)
        for position, finding in enumerate(priorities):
            top = box.top + 0.5 + position * high
            disc = Box(box.left, top, 0.42, 0.42)
            shape = self.deck.panel(page.slide, disc, theme.WARNING_INK, round=True)
            shape.text_frame.margin_left = shape.text_frame.margin_right = 0
            digit = [[Piece(str(position + 1), True, "#FFFFFF")]]
            self.deck.fill(shape.text_frame, digit, 14, PP_ALIGN.CENTER)
            name = str(finding.values["dimension"])
            before, _, after = finding.text.partition(name)
            pieces = [Piece(before), Piece(name, True, theme.WARNING_INK), Piece(after)]
            place = Box(box.left + 0.6, top, box.width - 0.6, high - 0.08)
            self.deck.text(page.slide, place, [[p for p in pieces if p.text]], range(18, 9, -1))

    def _topic(self, topic: Topic) -> None:
        first, *others = topic.findings
        table, chart = topic.table, self._chart(topic)
        page = self.deck.page(first.text)
        body = page.body
        self.deck.text(page.slide, body._replace(height=0.32), [self._label(topic)], (13, 12, 11))
        caption = self.t("Table {number}  {title}", number=table["number"], title=table["title"])
        place = body._replace(top=body.top + 0.45, height=0.3)
        self.deck.text(page.slide, place, [[Piece(caption, True)]], (13, 12, 11, 10))
        body = Box(body.left, body.top + 0.8, body.width, body.height - 0.8)
        if chart is None:
            room = body._replace(height=body.height * (0.6 if others else 1))
            below = charts.add_table(self.deck, page.slide, room, table) + _GAP
            rest = body.top + body.height - below
            self._others(page, body._replace(top=below, height=rest), others)
        else:
            side = body.width * 0.34 if others else 0
            room = body._replace(width=body.width - side - (_GAP if others else 0))
            self._draw(page, room, topic, chart)
            left = body.left + body.width - side
            self._others(page, body._replace(left=left, width=side), others)
        source = table["source"]
        if table["n"] is None and first.n is not None:
            source += self.t("; n = {n:,}", n=first.n)
        self._footer(page, f"{source}  ·  {self._evidence(topic.findings)}")
        methods = [self.t("Methods"), *topic.section.methods]
        self._notes(page, [*map(self._line, topic.findings), "", caption, source, "", *methods])

    def _chart(self, topic: Topic) -> pd.DataFrame | None:
        """What the chart of a topic draws; None: its table is shown."""
        hint, table = topic.table["chart"], topic.table
        return (
            charts.bars(hint, table, workbook.read(self.run, topic.section, table))
            if hint
            else None
        )

    def _draw(self, page: Page, box: Box, topic: Topic, drawn: pd.DataFrame) -> None:
        charts.add_chart(
            page.slide,
            box,
            topic.table,
            drawn,
            highlight=topic.findings[0].values.get("dimension"),
            created=workbook.created(self.facts),
        )

    def _others(self, page: Page, box: Box, others: Sequence[FindingRecord]) -> None:
        """The other findings on the same table; those there is no room for are counted."""
        sizes = range(14, 9, -1)
        if not others:
            return
        paragraphs: list[Paragraph] = []
        for shown in range(len(others), 0, -1):
            paragraphs = [p for f in others[:shown] for p in (self._short(f), [Piece(" ")])]
            if shown < len(others):
                left = len(others) - shown
                paragraphs.append([Piece(self.t("{n} more in the report.", n=left), colour=SOFT)])
            if height(paragraphs, min(sizes), box.width) <= box.height:
                break
        self.deck.text(page.slide, box, paragraphs, sizes)

    # --- words -------------------------------------------------------------------------------

    def t(self, text: str, /, **values: Any) -> str:
        return Message(text, values).render(self.translate)

    def _label(self, topic: Topic) -> Paragraph:
        """Verdict and section, under the title."""
        section = Piece(topic.section.title, colour=SOFT)
        return [*self._verdict(topic.findings[0]), section]

    def _verdict(self, finding: FindingRecord) -> list[Piece]:
        if finding.level == "info":
            return []
        mark = theme.LEVELS[finding.level][1]
        word = VERDICTS[finding.level].render(self.translate)
        colour = _COLOURS.get(finding.level, SOFT)
        return [Piece(f"{mark} {word}".strip(), True, colour), Piece("  ")]

    def _short(self, finding: FindingRecord) -> Paragraph:
        number = Piece(f"{finding.number}  ", colour=SOFT)
        return [number, *self._verdict(finding), Piece(finding.text)]

    def _line(self, finding: FindingRecord) -> str:
        words = [finding.number, VERDICTS[finding.level].render(self.translate), finding.text]
        return "  ".join([*words, *([] if finding.n is None else [f"n = {finding.n:,}"])])

    def _evidence(self, findings: Sequence[FindingRecord]) -> str:
        return self.t(
            "Evidence: {numbers}",
            numbers=", ".join(sorted((f.number for f in findings), key=_natural)),
        )

    def _footer(self, page: Page, text: str) -> None:
        place = page.footer._replace(width=page.footer.width - 0.7)
        self.deck.text(page.slide, place, [[Piece(text, colour=SOFT)]], (11, 10, 9, 8))
        self.deck.number(page.slide, page.footer._replace(left=place.left + place.width, width=0.7))

    def _notes(self, page: Page, lines: Sequence[str]) -> None:
        page.slide.notes_slide.notes_text_frame.text = "\n".join(lines)


def _natural(number: str) -> tuple[int, ...]:
    """Evidence numbers in order: E3.2 before E3.10."""
    return tuple(map(int, re.findall(r"\d+", number)))
