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


def anchor(section: str, name: str) -> str:
    """The id of a table or chart in a report."""
    return f"t-{section[:2]}-{name}"


def table(anchor: str, caption: str, body: str, note: str) -> str:
    """A table under its caption; ``body`` is the finished ``<table>``."""
    return (
        f'<figure class="table" id="{anchor}"><figcaption>{escape(caption)}</figcaption>'
        f'<div class="scroll" tabindex="0">{body}</div>'
        f"{paragraph(note, 'note') if note else ''}</figure>"
    )


def chart(anchor: str, caption: str, svg: str, alt: str, source: str) -> str:
    """A chart as an image: an SVG in an ``<img>`` cannot run anything."""
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<figure class="chart" id="{anchor}"><figcaption>{escape(caption)}</figcaption>'
        f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'
        f"{paragraph(source, 'source')}</figure>"
    )


def finding(record: FindingRecord, section: str, translate: Translate) -> str:
    """A conclusion where it is drawn: linked to the tables it rests on and to the summary.

    A link whose goal is not in the report (the finding is not in the summary, the notebook
    stands alone) is turned into plain text when the report is built.
    """
    basis = escape(translate("basis"))
    evidence = "".join(
        f' <a class="basis" href="#{anchor(section, name)}">{basis}</a>' for name in record.tables
    )
    return _finding(record, f"f-{record.number}", f"s-{record.number}", evidence, translate)


def quoted_finding(record: FindingRecord, translate: Translate) -> str:
    """A conclusion as the summary quotes it: its number leads to where it is drawn."""
    return _finding(record, f"s-{record.number}", f"f-{record.number}", "", translate)


def _finding(
    record: FindingRecord, own: str, other: str, evidence: str, translate: Translate
) -> str:
    verdict = translate(VERDICTS[record.level].text)
    base = "" if record.n is None else f" <small>n = {record.n:,}</small>"
    return (
        f'<p class="finding {record.level}" id="{own}">'
        f'<a class="evidence" href="#{other}">{record.number}</a>'
        f'<span class="verdict">{_MARKS[record.level]} {escape(verdict)}</span>'
        f"{escape(record.text)}{base}{evidence}</p>"
    )
