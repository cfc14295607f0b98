"""Reading a study file: ``load`` gives a checked :class:`Study` or one error with every problem."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from csat_stats.results import Message, message
from csat_stats.study.checks import Checks
from csat_stats.study.document import Document, Path_
from csat_stats.study.paths import Project
from csat_stats.study.plan import Plan
from csat_stats.study.problems import Problem, StudyError, nearest

# What pydantic calls an error → how a reader is told; {limit} comes from the error's context.
_NUMBER = message("{place}: {value} is not a number.")
_WHOLE = message("{place}: {value} is not a whole number.")
_DATE = message("{place}: {value} is not a date like 2026-09-30.")
_LINES = message("{place}: `key: value` lines are expected, not {value}.")
_LIST = message("{place}: a list is expected, not {value}.")
_EMPTY = message("{place} is empty.")
_LONG = message("{place} is longer than {limit}.")
_LENGTH = message("{place}: a list of {limit} is needed.")
_ERRORS = {
    "missing": message("{place} is missing."),
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "date_parsing": _DATE,
    "date_type": _DATE,
    "greater_than": message("{place}: {value} is not above {limit}."),
    "greater_than_equal": message("{place}: {value} is below {limit}."),
    "less_than": message("{place}: {value} is not below {limit}."),
    "less_than_equal": message("{place}: {value} is above {limit}."),
    "literal_error": message("{place}: {value} is not one of {limit}."),
    "string_type": message("{place}: one text is expected, not {value}."),
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _LINES,
    "model_type": _LINES,
    "model_attributes_type": _LINES,
    "string_pattern_mismatch": message("{place}: {value} is not a colour like #0b5570."),
    "string_too_short": _EMPTY,
    "too_short": _EMPTY,
    "string_too_long": _LONG,
    "too_long": _LENGTH,
}
_LIMITS = ("gt", "ge", "lt", "le", "expected", "max_length", "min_length")


@dataclass(frozen=True)
class Study:
    """A study file that has passed every check.

    ``name`` is the file's name without its ending: it names the folders of the study.
    """

    name: str
    file: Path
    project: Project
    plan: Plan

    @property
    def logo(self) -> Path | None:
        """The client's logo, or None."""
        logo = self.plan.theme.logo
        return None if logo is None else self.project.params / logo

    @property
    def slides(self) -> Path | None:
        """The client's template for slides, or None."""
        slides = self.plan.theme.slides
        return None if slides is None else self.project.params / slides

    @property
    def fielded(self) -> bool:
        """Whether there are responses; without, the study is a sampling plan."""
        return self.plan.data.responses is not None

    def source(self, table: str) -> Path | None:
        """Path of a raw table (``responses``, ``population``, …), or None where there is none."""
        file = getattr(self.plan.data, table)
        return None if file is None else self.project.raw / file


def load(name: str | Path, project: Project | None = None) -> Study:
    """Read and check a study file.

    Parameters
    ----------
    name
        Name of a file in ``params/`` (``demo``), or a path to a ``.yml`` file.
    project
        The project the data lie in; found from the working folder by default.

    Raises
    ------
    StudyError
        With *all* problems: unknown keys, wrong values, files and columns that are not there,
        an item in two dimensions, a target without a metric, … each with its line.
    """
    project = project or Project.find()
    file = _locate(str(name), project)
    document = Document(file, project.shown(file))
    problems = list(document.duplicates)
    if not re.fullmatch(r"[\w][\w .-]*", file.stem):
        text = message("A study file's name may hold letters, digits, space, - _ and . only.")
        problems.append(Problem(document.file, text))
    plan, removed = _validate(document, problems)
    if plan is not None:
        problems += Checks(plan, document, project, removed).run()
    if problems or plan is None:
        language = document.data.get("language") or "zh_Hans"
        raise StudyError(sorted(problems, key=lambda p: p.line or 0), str(language))
    return Study(file.stem, file, project, plan)


def _locate(name: str, project: Project) -> Path:
    path = Path(name)
    if path.suffix in (".yml", ".yaml"):
        places = (Path.cwd() / path, project.params / path)
        return next((place for place in places if place.is_file()), places[0])
    known = sorted(found.stem for found in project.params.glob("*.yml"))
    if name not in known:
        text = message(
            "There is no study {name} in {folder}. {hint}",
            name=name,
            folder=project.shown(project.params),
            hint=nearest(name, known),
        )
        raise StudyError([Problem("csat", text)])
    return project.params / f"{name}.yml"


def _validate(document: Document, problems: list[Problem]) -> tuple[Plan | None, set[Path_]]:
    """The typed plan, and the places of what was removed to get it.

    What is wrong is noted and removed, so that the rest is checked as well; what goes wrong below
    the same key only after that is a consequence, and is not noted.
    """
    judged: set[str | int] = set()
    removed: set[Path_] = set()
    stand_in: dict[str, Any] = {}
    while True:
        try:
            return Plan.model_validate(stand_in | document.data), removed
        except ValidationError as error:
            found = [(detail, _path_in(document.data, detail["loc"])) for detail in error.errors()]
        for detail, path in found:
            if detail["loc"][0] not in judged:
                problems.append(Problem(document.file, _sentence(detail), document.line(path)))
        judged |= {detail["loc"][0] for detail, _ in found}
        wrong = {path for _, path in found if path}
        if not wrong and stand_in:
            return None, removed
        document.remove(wrong)
        removed |= wrong
        stand_in = {"title": "?"}


def _path_in(data: Any, loc: Path_) -> Path_:
    """The part of a validation error's place that exists in the document."""
    path: Path_ = ()
    for step in loc:
        inside = step in data if isinstance(data, dict) else False
        if isinstance(data, list) and isinstance(step, int):
            inside = step < len(data)
        if not inside:
            break
        data = data[step]
        path += (step,)
    return path


def _sentence(detail: ErrorDetails) -> Message:
    """A validation error in words."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        *parents, key = detail["loc"]
        hint = nearest(str(key), _keys_of(tuple(parents)))
        return message("Unknown key {key}. {hint}", key=key, hint=hint)
    place = ".".join(str(step) for step in detail["loc"] if step != "[key]")
    if kind == "value_error":  # raised by the schema itself, with a message
        return message("{place}: {reason}", place=place, reason=context["error"].args[0])
    limit = next((str(context[name]) for name in _LIMITS if name in context), "")
    text = _ERRORS.get(kind, message("{place}: {value} cannot be used here."))
    if kind == "too_short" and limit != "1":
        text = _LENGTH
    value = "–" if detail["input"] is None else detail["input"]
    return message(text.text, place=place, value=value, limit=limit.replace("'", ""))


def _keys_of(parents: Path_) -> list[str]:
    """Keys that are valid below ``parents``, read from the schema."""
    schema = _schema()
    node: dict[str, Any] = schema
    for step in parents:
        options = [node, *node.get("anyOf", [])]
        node = {}
        for option in options:
            if "$ref" in option:
                option = schema["$defs"][option["$ref"].rsplit("/", 1)[1]]
            if isinstance(step, int) and "items" in option:
                node = option["items"]
            elif step in option.get("properties", {}):
                node = option["properties"][step]
            elif isinstance(option.get("additionalProperties"), dict) and not node:
                node = option["additionalProperties"]
    for option in [node, *node.get("anyOf", [])]:
        if "$ref" in option:
            option = schema["$defs"][option["$ref"].rsplit("/", 1)[1]]
        if "properties" in option:
            return list(option["properties"])
    return []


@cache
def _schema() -> dict[str, Any]:
    return Plan.model_json_schema()
