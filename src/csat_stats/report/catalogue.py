"""Keeping the catalogues whole: every text in code, templates and notebooks, with its translation.

``python -m csat_stats.report.catalogue`` writes new texts into each ``.po`` file, to be
translated there, and drops those that no longer occur. ``message(…)``, ``t(…)`` and
``translate(…)`` mark a text.
"""

from __future__ import annotations

from collections.abc import Iterator

import nbformat
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from csat_stats.report.language import LANGUAGES, LOCALE, markdown_texts
from csat_stats.study import Project

_PACKAGE = LOCALE.parents[1]
_METHODS = [("**.py", "python"), ("**.html.j2", "jinja2.ext:babel_extract")]
_KEYWORDS = {"message": None, "t": None, "translate": None}


def texts(project: Project) -> Iterator[tuple[str, str]]:
    """(file, text) of every text a reader may see."""
    for file, _, text, _, _ in extract_from_dir(
        str(_PACKAGE), method_map=_METHODS, keywords=_KEYWORDS
    ):
        yield file, text if isinstance(text, str) else text[0]
    for path in sorted(project.notebooks.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                yield from ((path.name, text) for _, text in markdown_texts(cell.source))
            else:
                yield from ((path.name, text) for text in _code_texts(cell.source))


def _code_texts(source: str) -> Iterator[str]:
    from io import BytesIO

    from babel.messages.extract import extract

    for _, text, _, _ in extract("python", BytesIO(source.encode()), keywords=_KEYWORDS):
        yield text if isinstance(text, str) else text[0]


def update(project: Project) -> dict[str, int]:
    """Bring every catalogue up to date; how many texts wait for a translation, by language."""
    template = Catalog()
    for file, text in texts(project):
        template.add(text, locations=[(file, 0)])
    waiting = {}
    for language in LANGUAGES:
        if language == "en":
            continue
        path = LOCALE / language / "LC_MESSAGES" / "csat_stats.po"
        with path.open("rb") as file_in:
            catalog = read_po(file_in, locale=language)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        waiting[language] = sum(1 for entry in catalog if entry.id and not entry.string)
        with path.open("wb") as file_out:
            write_po(
                file_out,
                catalog,
                width=0,
                omit_header=True,
                include_lineno=False,
                sort_output=True,
                ignore_obsolete=True,
            )
    return waiting


if __name__ == "__main__":
    for language, count in update(Project.find()).items():
        print(f"{language}: {count} texts to translate")
