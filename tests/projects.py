"""A project made from a dict of files, and what its user is told: for every test of a study."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from csat_stats.report.material import Material
from csat_stats.study import Project, StudyError, load, prepare

# Two waves, two segments, two dimensions: the smallest study that has a bit of everything.
STUDY = """\
title: A study
language: en
data: {responses: answers.csv}
respondent: id
wave: {column: wave, order: [before, after]}
dimensions:
  Speed: [fast, on_time]
  Staff: [kind]
segments: {city: [north, south], kind_of_client: }
"""
HEADER = ["id", "wave", "city", "kind_of_client", "fast", "on_time", "kind"]
ROWS = [
    ["1", "before", "north", "new", "1", "2", "3"],
    ["2", "before", "south", "old", "4", "5", "4"],
    ["3", "after", "north", "old", "5", "5", "5"],
    ["4", "after", "south", "new", "3", "", "2"],
]


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A CSV file's text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def make_project(root: Path, files: Mapping[str, str | bytes] | None = None) -> Project:
    """A project under ``root`` with the study ``small`` and its answers, and with ``files``."""
    (root / "notebooks").mkdir(parents=True, exist_ok=True)
    usual = {"params/small.yml": STUDY, "data/raw/answers.csv": table(HEADER, ROWS)}
    for name, content in {**usual, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Project(root)


def told(action: Callable[..., Any], *arguments: Any) -> list[str]:
    """The lines a user is told when ``action`` refuses a study."""
    with pytest.raises(StudyError) as refusal:
        action(*arguments)
    return str(refusal.value).split("\n")


def material(project: Project, name: str = "small", *, wave: str = "", where: str = "") -> Material:
    """What a section works on, without a section: for tests of what notebooks call."""
    study = load(name, project)
    scope = {"wave": wave, "where": where}
    return Material(study=study, intake=prepare(study), scope=scope, language="en")
