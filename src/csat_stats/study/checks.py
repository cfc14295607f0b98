"""What a schema cannot know: whether a study file agrees with itself and with the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from csat_stats.results import Message, message
from csat_stats.study import sources
from csat_stats.study.document import Document
from csat_stats.study.paths import Project
from csat_stats.study.plan import LOGO_TYPES, MAX_LOGO, Improvement, Plan, Target
from csat_stats.study.problems import Problem, StudyError, nearest

# Columns that intake names itself; an item or segment of another meaning must not have the name.
ROLES = ("respondent", "customer", "submitted", "duration", "wave", "overall", "nps")


class Checks:
    """All checks of a plan; :meth:`run` gives every problem found."""

    def __init__(self, plan: Plan, document: Document, project: Project) -> None:
        self.plan, self.document, self.project = plan, document, project
        self.headers: dict[str, list[str]] = {}
        self.problems: list[Problem] = []

    def run(self) -> list[Problem]:
        self._files()
        self._logo()
        self._dimensions()
        if "responses" in self.headers:
            self._columns(self.headers["responses"])
        self._metrics()
        return self.problems

    def add(self, path: tuple[str | int, ...], text: Message) -> None:
        self.problems.append(Problem(self.document.file, text, self.document.line(path)))

    def _files(self) -> None:
        for table, file in self.plan.data.model_dump().items():
            if file is None:
                continue
            path = ("data", table)
            full = (self.project.raw / file).resolve()
            if not full.is_relative_to(self.project.raw.resolve()):
                self.add(path, message("{file} lies outside data/raw.", file=file))
                continue
            try:
                self.headers[table] = sources.header(full, self.project.shown(full))
            except StudyError as error:
                self.problems += error.problems

    def _logo(self) -> None:
        logo = self.plan.theme.logo
        if logo is None:
            return
        path, place = (self.project.params / logo).resolve(), ("theme", "logo")
        if not path.is_relative_to(self.project.params.resolve()) or not path.is_file():
            self.add(place, message("There is no logo {file} in params.", file=logo))
        elif path.suffix.lower() not in LOGO_TYPES:
            kinds = ", ".join(LOGO_TYPES)
            self.add(
                place, message("A logo is one of {kinds}, not {file}.", kinds=kinds, file=logo)
            )
        elif path.stat().st_size > MAX_LOGO:
            text = message(
                "The logo {file} is larger than {limit:,} bytes.", file=logo, limit=MAX_LOGO
            )
            self.add(place, text)

    def _dimensions(self) -> None:
        for item, times in Counter(self.plan.items).items():
            if times > 1:
                names = [name for name, items in self.plan.dimensions.items() if item in items]
                if len(names) > 1:
                    text = message(
                        "The item {item} stands in more than one dimension: {names}.",
                        item=item,
                        names=", ".join(names),
                    )
                else:
                    text = message(
                        "The item {item} stands in {name} twice.", item=item, name=names[0]
                    )
                self.add(("dimensions", names[-1]), text)
        for item in self.plan.reversed:
            if item not in self.plan.items:
                self.add(
                    ("reversed",),
                    message(
                        "{item} is reversed but is no item. {hint}",
                        item=item,
                        hint=nearest(item, self.plan.items),
                    ),
                )
        for dimension in self.plan.dimensions:
            taken = ("index", "satisfied", *ROLES, *self.plan.outcomes, *self.plan.segments)
            if dimension in taken:
                self.add(
                    ("dimensions", dimension),
                    message(
                        "{name} already names something else; choose another name.", name=dimension
                    ),
                )

    def _columns(self, header: list[str]) -> None:
        for path, column in self._named_columns():
            if column not in header:
                self.add(
                    path,
                    message(
                        "{file} has no column {column}. {hint}",
                        file=self.plan.data.responses,
                        column=column,
                        hint=nearest(column, header),
                    ),
                )
        for role in ROLES:
            if role in (*self.plan.items, *self.plan.segments) and self._column_of(role) != role:
                self.add((), message("A column may not be called {name}: rename it.", name=role))
        if self.plan.sampling and "population" in self.headers:
            frame = self.headers["population"]
            size = self.plan.sampling.size
            if size is None:
                self.add(
                    ("sampling",),
                    message(
                        "`size` is missing: the column of {file} that holds the number of people.",
                        file=self.plan.data.population,
                    ),
                )
            for column in [*self.plan.sampling.strata, *([size] if size else [])]:
                if column not in frame:
                    self.add(
                        ("sampling",),
                        message(
                            "{file} has no column {column}. {hint}",
                            file=self.plan.data.population,
                            column=column,
                            hint=nearest(column, frame),
                        ),
                    )

    def _column_of(self, role: str) -> str | None:
        value = getattr(self.plan, role)
        return value if value is None or isinstance(value, str) else value.column

    def _named_columns(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        plan = self.plan
        for dimension, items in plan.dimensions.items():
            for i, item in enumerate(items):
                yield ("dimensions", dimension, i), item
        for role in ROLES:
            column = self._column_of(role)
            if column is not None:
                yield (role,), column
        for name, outcome in plan.outcomes.items():
            yield ("outcomes", name, "column"), outcome.column
        for segment in plan.segments:
            yield ("segments", segment), segment
        if plan.exclusions.one_answer_per:
            yield ("exclusions", "one_answer_per"), plan.exclusions.one_answer_per
        for i, stratum in enumerate(plan.sampling.strata if plan.sampling else []):
            yield ("sampling", "strata", i), stratum

    def _metrics(self) -> None:
        plan = self.plan
        entries: list[tuple[tuple[str | int, ...], Target | Improvement]] = [
            (("targets", i), target) for i, target in enumerate(plan.targets)
        ]
        if plan.improvement:
            entries.append((("improvement",), plan.improvement))
            for key in ("before", "after"):
                wave = getattr(plan.improvement, key)
                if wave not in plan.waves:
                    self.add(
                        ("improvement", key),
                        message(
                            "There is no wave {name}. {hint}",
                            name=wave,
                            hint=nearest(wave, plan.waves),
                        ),
                    )
            if plan.improvement.dimension not in plan.dimensions:
                self.add(
                    ("improvement", "dimension"),
                    message(
                        "{name} is no dimension. {hint}",
                        name=plan.improvement.dimension,
                        hint=nearest(plan.improvement.dimension, list(plan.dimensions)),
                    ),
                )
        for path, entry in entries:
            if isinstance(entry, Target) and entry.metric not in plan.metrics:
                self.add(
                    (*path, "metric"),
                    message(
                        "There is no metric {name}. {hint}",
                        name=entry.metric,
                        hint=nearest(entry.metric, plan.metrics),
                    ),
                )
            where: Mapping[str, list[str]] = (
                entry.where if isinstance(entry, Target) else entry.treated
            )
            for segment in where:
                if segment not in plan.segments:
                    self.add(
                        path,
                        message(
                            "{name} is no segment. {hint}",
                            name=segment,
                            hint=nearest(segment, list(plan.segments)),
                        ),
                    )
