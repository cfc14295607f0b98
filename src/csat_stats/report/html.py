"""From executed notebooks to one HTML file that opens anywhere, offline, for years.

nbconvert turns each notebook into a fragment by our own template (its default one fetches
scripts from other hosts); the page around the fragments is ours. nbconvert cleans nothing, so
everything that comes out of a notebook passes an allow-list, and a content-security policy lets
the page load nothing but what is in it.
"""

from __future__ import annotations

import base64
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from csat_stats import study as studies
from csat_stats.report.language import (
    BETWEEN_SENTENCES,
    HTML_LANG,
    Translate,
    markdown_texts,
    translator,
)
from csat_stats.report.records import SectionRecord
from csat_stats.study import Intake, Study

TEMPLATES = Path(__file__).with_name("templates")

_TAGS = set(
    "h1 h2 h3 h4 h5 h6 p br hr div span small strong b em i sub sup code pre blockquote "
    "ul ol li dl dt dd a img figure figcaption details summary "
    "table caption thead tbody tfoot tr th td colgroup col".split()
)
_VERSIONS = ("csat-stats", "pandas", "numpy", "scipy", "statsmodels", "factor-analyzer")


@dataclass(frozen=True)
class Part:
    """A section as the runner left it: its notebook, its record, or why there is none."""

    name: str
    title: str
    notebook: Path | None
    record: SectionRecord | None
    error: str | None = None


def clean(fragment: str) -> str:
    """``fragment`` with the tags and attributes of a document, and nothing that runs or loads.

    >>> clean('<p class="x" onclick="f()">a<img src="http://h/x.png"></p>')
    '<p class="x">a<img></p>'
    """
    import bleach

    return str(
        bleach.clean(
            fragment,
            tags=_TAGS,
            attributes=_allowed,
            protocols=["http", "https", "mailto", "data"],
            strip=True,
        )
    )


def _allowed(tag: str, name: str, value: str) -> bool:
    if name in ("class", "title", "lang"):
        return True
    if name == "src":
        kinds = ("data:image/svg+xml;base64,", "data:image/png;base64,")
        return tag == "img" and value.startswith(kinds)
    if name == "href":
        return tag == "a" and value.startswith("#")
    names = {"img": ["alt"], "th": ["scope", "colspan", "rowspan"], "td": ["colspan", "rowspan"]}
    return name in names.get(tag, [])


class Fragments:
    """Turns executed notebooks into HTML fragments; made once, used for every section."""

    def __init__(self, language: str) -> None:
        from nbconvert import HTMLExporter

        self._translate = translator(language)
        self._exporter = HTMLExporter(
            template_name="fragment",
            extra_template_basedirs=[str(TEMPLATES / "nbconvert")],
            exclude_anchor_links=True,
            filters={
                "clean_html": clean,
                "base64": lambda text: base64.b64encode(text.encode()).decode(),
            },
        )

    def of(self, notebook: Path) -> str:
        """The fragment of one notebook, its prose in the report's language.

        The page sets the section's title itself, so a heading of the first level is left out and
        the others go one level down.
        """
        nb = nbformat.read(notebook, as_version=4)
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                blocks = markdown_texts(cell.source)
                cell.source = "\n\n".join(
                    (f"#{marks}" if marks else "") + self._translate(text)
                    for marks, text in blocks
                    if marks != "# "
                )
        body, _ = self._exporter.from_notebook_node(nb)
        return str(body)


def build(
    study: Study, intake: Intake, parts: Sequence[Part], language: str, facts: dict[str, Any]
) -> str:
    """The whole report as one page.

    Parameters
    ----------
    parts
        Sections in reader's order; the first is the summary.
    facts
        ``run`` (its name), ``created`` (date and time), ``wave``, ``where`` and ``hashes``
        (file → SHA-256) for the appendix.
    """
    translate = translator(language)
    fragments = Fragments(language)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["t"] = lambda text, **values: translate(text).format(**values)
    sections = [
        {
            "number": number,
            "name": part.name,
            "title": part.title,
            "status": "failed" if part.record is None else part.record.status,
            "error": part.error,
            "skipped": part.record.skipped if part.record else (),
            "body": fragments.of(part.notebook) if part.record and part.notebook else "",
        }
        for number, part in enumerate(parts)
    ]
    methods = dict.fromkeys(m for part in parts if part.record for m in part.record.methods)
    return environment.get_template("report.html.j2").render(
        lang=HTML_LANG[language],
        between=BETWEEN_SENTENCES[language],
        css=(TEMPLATES / "report.css").read_text("utf-8"),
        plan=study.plan,
        summary=sections[0],
        sections=sections[1:],
        flow=_flow(intake, translate),
        waves=_waves(study, intake),
        notes=[note.render(translate) for note in intake.notes],
        methods=list(methods),
        versions={name: importlib.metadata.version(name) for name in _VERSIONS},
        field_dates=_field_dates(intake),
        n=len(intake.responses),
        key=intake.key,
        **facts,
    )


def _flow(intake: Intake, translate: Translate) -> list[tuple[str, int]]:
    rows = zip(intake.flow["rule"], intake.flow["n"], strict=True)
    return [(studies.RULES[rule].render(translate), int(n)) for rule, n in rows]


def _waves(study: Study, intake: Intake) -> list[tuple[str, int]]:
    if not study.plan.wave:
        return []
    counts = intake.responses["wave"].value_counts()
    return [(wave, int(counts[wave])) for wave in study.plan.waves]


def _field_dates(intake: Intake) -> tuple[str, str] | None:
    if "submitted" not in intake.responses:
        return None
    moments = intake.responses["submitted"].dropna()
    if moments.empty:
        return None
    return moments.min().strftime("%Y-%m-%d"), moments.max().strftime("%Y-%m-%d")
