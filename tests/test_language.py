"""Both languages are whole: every text is extracted, translated, and keeps its values."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from html.parser import HTMLParser

import nbformat
import pytest
from conftest import ROOT

from csat_stats.report import catalogue
from csat_stats.report.language import catalogue as translations
from csat_stats.report.language import translator
from csat_stats.run import RunResult
from csat_stats.study import Project

MARKS = {"message", "t", "translate"}
# Latin words that stay in a Chinese report: names of methods, of software, of statistics.
LATIN = re.compile(r"[A-Za-z][A-Za-z'’-]+(?: [A-Za-z][A-Za-z'’-]+){3,}")


def literals(source: str) -> Iterator[str]:
    """Literal first arguments of the functions that mark a text, read from the syntax tree."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            if name in MARKS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def marked() -> set[str]:
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        found |= set(literals(path.read_text("utf-8")))
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                found |= set(literals(cell.source))
    return found


def test_the_catalogue_sees_every_marked_text() -> None:
    extracted = {text for _, text in catalogue.texts(Project(ROOT))}
    assert marked() - extracted == set()


def test_every_text_has_a_chinese_translation() -> None:
    texts = {text for _, text in catalogue.texts(Project(ROOT))}
    assert sorted(texts - translations("zh_Hans").keys()) == []


def test_the_catalogue_holds_nothing_that_is_no_longer_said() -> None:
    texts = {text for _, text in catalogue.texts(Project(ROOT))}
    assert sorted(translations("zh_Hans").keys() - texts) == []


def fields(text: str) -> list[str]:
    return sorted({f"{name}:{spec}" for _, name, spec, _ in string.Formatter().parse(text) if name})


def test_translations_keep_every_value_and_its_format() -> None:
    wrong = {
        source: target
        for source, target in translations("zh_Hans").items()
        if fields(source) != fields(target)
    }
    assert wrong == {}


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="language 'de' is not one of zh_Hans, en"):
        translator("de")


class _Text(HTMLParser):
    """The words of a page, without code, styles and the appendix of hashes."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in ("style", "script", "code", "head")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script", "code", "head")

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.lines.append(data.strip())


def test_a_chinese_report_holds_no_latin_sentence(demo_run: RunResult) -> None:
    page = _Text()
    page.feed(demo_run.report.read_text("utf-8"))
    assert len(page.lines) > 300
    assert [line for line in page.lines if LATIN.search(line)] == []
