"""From executed notebooks to one HTML file that opens anywhere, offline, for years.

nbconvert turns each notebook into a fragment by our own template (its default one fetches
scripts from other hosts); the page around the fragments is ours. nbconvert cleans nothing, so
everything that comes out of a notebook passes an allow-list, and a content-security policy lets
the page load nothing but what is in it.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from csat_stats import study as studies
from csat_stats.report import interactive
from csat_stats.report.language import (
    BETWEEN_SENTENCES,
    HTML_LANG,
    Translate,
    markdown_texts,
    translator,
)
from csat_stats.report.records import SectionRecord
from csat_stats.results import Message, message
from csat_stats.study import Intake, Plan, Study
from csat_stats.study.plan import LOGO_TYPES

TEMPLATES = Path(__file__).with_name("templates")

_TAGS = set(
    "h1 h2 h3 h4 h5 h6 p br hr div span small strong b em i sub sup code pre blockquote "
    "ul ol li dl dt dd a img figure figcaption details summary "
    "table caption thead tbody tfoot tr th td colgroup col".split()
)
# Ids that the report's own fragments make; others could clash with those of the page.
_OWN_ID = re.compile(r"[fst]-[\w.-]+")
_STYLE_SHEET = re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE)
_VERSIONS = ("csat-stats", "pandas", "numpy", "scipy", "statsmodels", "pingouin", "factor-analyzer")

_ALLOCATIONS = {"proportional": message("Proportional"), "equal": message("Equal")}


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
            _STYLE_SHEET.sub("", fragment),  # bleach would leave its rules as text
            tags=_TAGS,
            attributes=_allowed,
            protocols=["http", "https", "mailto", "data"],
            strip=True,
        )
    )


def _allowed(tag: str, name: str, value: str) -> bool:
    if name in ("class", "title", "lang"):
        return True
    if name == "id":
        return _OWN_ID.fullmatch(value) is not None
    if name == "tabindex":
        return value == "0"
    if name == "src":
        kinds = ("data:image/svg+xml;base64,", "data:image/png;base64,")
        return tag == "img" and value.startswith(kinds)
    if name == "href":
        return tag == "a" and value.startswith("#")
    names = {"img": ["alt"], "th": ["scope", "colspan", "rowspan"], "td": ["colspan", "rowspan"]}
    return name in names.get(tag, [])


class Fragments:
    """Turns executed notebooks into HTML fragments; made once, used for every section."""

    def __init__(self, language: str, code: bool) -> None:
        from nbconvert import HTMLExporter

        self.translate = translator(language)
        self._code = self.translate("Show the code") if code else ""
        self._exporter = HTMLExporter(
            template_name="fragment",
            extra_template_basedirs=[str(TEMPLATES / "nbconvert")],
            exclude_anchor_links=True,
            filters={
                "clean_html": clean,
                "base64": lambda text: base64.b64encode(text.encode()).decode(),
            },
        )

    def of(self, notebook: Path, number: int) -> str:
        """The fragment of one notebook, its prose in the report's language.

        The page sets the section's title itself, so a heading of the first level is left out; the
        others go one level down and are numbered within section ``number`` (0: not numbered).
        """
        nb = nbformat.read(notebook, as_version=4)
        part = 0
        nb.cells = _with_content(nb.cells)
        for cell in nb.cells:
            if cell.cell_type != "markdown":
                continue
            blocks = []
            for marks, text in markdown_texts(cell.source):
                translated = self.translate(text)
                if marks == "## " and number:
                    part += 1
                    translated = f"{number}.{part} {translated}"
                if marks != "# ":
                    blocks.append(f"#{marks}{translated}" if marks else translated)
            cell.source = "\n\n".join(blocks)
        body, _ = self._exporter.from_notebook_node(nb, {"show_code": self._code})
        return str(body)


def _with_content(cells: list[Any]) -> list[Any]:
    """The cells without headings under which nothing was shown."""
    kept: list[Any] = []
    shown = False
    for cell in reversed(cells):
        markdown = cell.cell_type == "markdown"
        if markdown and re.fullmatch(r"## .*\s*", cell.source):
            if shown:
                kept.append(cell)
            shown = False
        else:
            kept.append(cell)
            shown = shown or markdown or bool(cell.outputs)
    return kept[::-1]


def build(
    study: Study,
    intake: Intake,
    parts: Sequence[Part],
    language: str,
    facts: dict[str, Any],
    *,
    code: bool = False,
) -> str:
    """The whole report as one page.

    Parameters
    ----------
    parts
        Sections in reader's order; the first is the summary.
    facts
        ``run`` (its name), ``created`` (date and time), ``wave``, ``where`` and ``hashes``
        (file → SHA-256) for the appendix.
    code
        Whether the code of each cell can be unfolded; off in what a client gets.
    """
    translate = translator(language)
    fragments = Fragments(language, code)
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
            "body": fragments.of(part.notebook, number) if part.record and part.notebook else "",
        }
        for number, part in enumerate(parts)
    ]
    methods = dict.fromkeys(m for part in parts if part.record for m in part.record.methods)
    block = None
    if study.fielded:
        block = interactive.build(study, intake, language, where=facts["where"], wave=facts["wave"])
    script = (TEMPLATES / "contents.js").read_text("utf-8")
    allowed = [script, *(block.scripts if block else ())]
    page = environment.get_template("report.html.j2").render(
        lang=HTML_LANG[language],
        between=BETWEEN_SENTENCES[language],
        css="".join((TEMPLATES / name).read_text("utf-8") for name in ("report.css", "print.css"))
        + _theme_css(study.plan),
        script=script,
        explore=block.html if block else "",
        allowed=" ".join(map(_allowance, allowed)),
        logo=_logo(study),
        plan=study.plan,
        summary=sections[0],
        sections=sections[1:],
        sampling=_sampling(study.plan, intake, translate),
        flow=_flow(intake, translate),
        waves=_waves(study, intake),
        notes=[note.render(translate) for note in intake.notes],
        methods=list(methods),
        versions=versions(),
        field_dates=_field_dates(intake),
        n=len(intake.responses),
        key=intake.key,
        **facts,
    )
    return _without_dead_links(page)


def _allowance(script: str) -> str:
    """How the content-security policy names a script that may run: by its hash."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _without_dead_links(page: str) -> str:
    """Links within the page whose goal is not in it become plain text."""
    there = set(re.findall(r'\bid="([^"]+)"', page))
    return re.sub(r' href="#([^"]+)"', lambda link: link[0] if link[1] in there else "", page)


def _theme_css(plan: Plan) -> str:
    """The client's colour in place of our own."""
    return f":root {{ --accent: {plan.theme.colour}; }}" if plan.theme.colour else ""


def _logo(study: Study) -> str | None:
    """The client's logo as a data address."""
    if study.logo is None:
        return None
    data = base64.b64encode(study.logo.read_bytes()).decode()
    return f"data:{LOGO_TYPES[study.logo.suffix.lower()]};base64,{data}"


def versions() -> dict[str, str]:
    """The software that figures depend on."""
    return {name: importlib.metadata.version(name) for name in _VERSIONS}


def _sampling(plan: Plan, intake: Intake, translate: Translate) -> list[tuple[str, str]]:
    """The sampling plan, a line each; empty where the study has none."""
    design = plan.sampling
    if design is None:
        return []
    between = translate(", ")
    lines: list[tuple[str, Message | str]] = []
    if design.strata:
        strata = between.join(map(plan.label, design.strata))
        lines.append((translate("Strata"), strata))
    if design.size and "population" in intake.tables:
        people = message("{n:,} customers", n=int(intake.tables["population"][design.size].sum()))
        lines.append((translate("Sampling frame"), people))
    if design.planned:
        planned = message("{n:,} a wave", n=design.planned)
        lines.append((translate("Planned responses"), planned))
        lines.append((translate("Allocation over the strata"), _ALLOCATIONS[design.allocation]))
    if design.minimum:
        least = message("{n:,} responses", n=design.minimum)
        lines.append((translate("Least in each stratum"), least))
    margin = message(
        "±{margin:.1%} at {level:.0%} confidence", margin=design.margin, level=plan.conf_level
    )
    lines.append((translate("Margin of error wanted"), margin))
    lines.append((translate("Design effect assumed"), f"{design.design_effect:g}"))
    lines.append((translate("Response rate expected"), f"{design.response_rate:.0%}"))
    return [
        (name, text if isinstance(text, str) else text.render(translate)) for name, text in lines
    ]


def _flow(intake: Intake, translate: Translate) -> list[tuple[str, int]]:
    rows = zip(intake.flow["rule"], intake.flow["n"], strict=True)
    return [(studies.RULES[rule].render(translate), int(n)) for rule, n in rows]


def _waves(study: Study, intake: Intake) -> list[tuple[str, int]]:
    if not (study.plan.wave and study.fielded):
        return []
    counts = intake.responses["wave"].value_counts()
    return [(wave, int(counts.get(wave, 0))) for wave in study.plan.waves]


def _field_dates(intake: Intake) -> tuple[str, str] | None:
    if "submitted" not in intake.responses:
        return None
    moments = intake.responses["submitted"].dropna()
    if moments.empty:
        return None
    return moments.min().strftime("%Y-%m-%d"), moments.max().strftime("%Y-%m-%d")
