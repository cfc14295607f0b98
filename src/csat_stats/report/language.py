"""Languages of a report: English is the source, the others are gettext catalogues."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

LOCALE = Path(__file__).with_name("locale")
LANGUAGES = ("zh_Hans", "en")
HTML_LANG = {"zh_Hans": "zh-Hans", "en": "en"}

# What stands between two sentences.
BETWEEN_SENTENCES = {"zh_Hans": "", "en": " "}

Translate = Callable[[str], str]


@lru_cache(maxsize=8)
def catalogue(language: str) -> dict[str, str]:
    """Translations of a language, empty for English. Read from the .po: nothing to compile."""
    if language == "en":
        return {}
    path = LOCALE / language / "LC_MESSAGES" / "csat_stats.po"
    with path.open("rb") as file:
        entries = read_po(file, locale=language)
    return {
        str(entry.id): str(entry.string)
        for entry in entries
        if entry.id and entry.string and not entry.fuzzy
    }


def translator(language: str) -> Translate:
    """A function from an English source text to the text of ``language``.

    >>> translator("en")("Mean")
    'Mean'
    """
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} is not one of {', '.join(LANGUAGES)}")
    entries = catalogue(language)
    return lambda text: entries.get(text, text)


def markdown_texts(source: str) -> list[tuple[str, str]]:
    """The blocks of a Markdown cell as (heading mark, text); the text is what is translated.

    >>> markdown_texts("# Title\\n\\nWords.")
    [('# ', 'Title'), ('', 'Words.')]
    """
    blocks = [block.strip() for block in source.split("\n\n") if block.strip()]
    found = []
    for block in blocks:
        marks = block[: len(block) - len(block.lstrip("#"))]
        found.append((f"{marks} " if marks else "", block[len(marks) :].strip()))
    return found
