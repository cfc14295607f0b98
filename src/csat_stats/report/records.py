"""What a section leaves behind: findings, tables, figures, and the record that says it is whole.

``section.json`` is written last, in one rename. Where it is missing the section failed, whatever
the kernel or papermill said of it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Level = Literal["met", "not_met", "watch", "not_estimable", "info"]
ALERTS: tuple[Level, ...] = ("not_met", "watch")


@dataclass(frozen=True)
class FindingRecord:
    """A conclusion as it was shown: ``number`` is the evidence number, unique in a report."""

    id: str
    number: str
    level: Level
    text: str
    n: int | None = None
    tables: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SectionRecord:
    """What a finished section recorded of itself."""

    name: str
    title: str
    key: str
    scope: dict[str, str]
    language: str
    status: Literal["complete", "skipped"]
    findings: tuple[FindingRecord, ...] = ()
    tables: tuple[dict[str, Any], ...] = ()
    figures: tuple[dict[str, Any], ...] = ()
    skipped: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


def write(record: SectionRecord, folder: Path) -> None:
    """Write ``section.json`` in one step."""
    write_text(folder / "section.json", json.dumps(asdict(record), ensure_ascii=False, indent=1))


def read(folder: Path) -> SectionRecord | None:
    """The record in ``folder``, or None where the section did not finish."""
    path = folder / "section.json"
    if not path.is_file():
        return None
    data = json.loads(path.read_text("utf-8"))
    findings = tuple(
        FindingRecord(**{**finding, "tables": tuple(finding["tables"])})
        for finding in data.pop("findings")
    )
    lists = ("tables", "figures", "skipped", "methods")
    return SectionRecord(**{**data, **{k: tuple(data[k]) for k in lists}}, findings=findings)


def write_text(path: Path, text: str) -> None:
    """Replace a file so that a reader finds the old or the new one, never half of it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
