"""Pieces of HTML that a section shows: everything that comes from data is escaped here."""

from __future__ import annotations

import base64
from html import escape

from csat_stats.report.findings.base import VERDICTS
from csat_stats.report.language import Translate
from csat_stats.report.records import FindingRecord

_MARKS = {"met": "✓", "not_met": "✗", "watch": "!", "not_estimable": "?", "info": "·"}


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; ``kind`` is its class in the style sheet."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(caption: str, body: str, note: str) -> str:
    """A table under its caption; ``body`` is the finished ``<table>``."""
    return (
        f'<figure class="table"><figcaption>{escape(caption)}</figcaption>'
        f'<div class="scroll">{body}</div>{paragraph(note, "note") if note else ""}</figure>'
    )


def chart(caption: str, svg: str, alt: str, source: str) -> str:
    """A chart as an image: an SVG in an ``<img>`` cannot run anything."""
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<figure class="chart"><figcaption>{escape(caption)}</figcaption>'
        f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'
        f"{paragraph(source, 'source')}</figure>"
    )


def finding(record: FindingRecord, translate: Translate) -> str:
    """A conclusion with its evidence number, its verdict in colour, sign and word."""
    verdict = translate(VERDICTS[record.level].text)
    base = "" if record.n is None else f" <small>n = {record.n:,}</small>"
    return (
        f'<p class="finding {record.level}">'
        f'<span class="evidence">{record.number}</span>'
        f'<span class="verdict">{_MARKS[record.level]} {escape(verdict)}</span>'
        f"{escape(record.text)}{base}</p>"
    )
