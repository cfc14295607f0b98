"""What a schema cannot know: whether a study file agrees with itself and with the data."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from csat_stats.results import Message, message
from csat_stats.study import sources
from csat_stats.study.analyses import Improvement
from csat_stats.study.document import Document, Path_
from csat_stats.study.paths import Project
from csat_stats.study.plan import LOGO_TYPES, MAX_LOGO, ROLES, Plan, Target
from csat_stats.study.problems import Problem, StudyError, nearest

# Columns that intake names itself; nothing else may have the name.
_OWN_NAMES = {"row", "case", "weight", "cluster", "disposition", *ROLES}
_OWN_NAMES |= {"served", "called", "served_by", "called_by", "period", "n"}
_OWN_METRICS = {"index", "satisfied"}
_GROUPS = {("sampling", "strata"), ("loyalty", "cluster"), ("improvement", "cluster")}


def _resolved(folder: Path, file: str) -> Path | None:
    """Where a file name leads; None for what no file can be called."""
    try:
        path = (folder / file).resolve()
        path.is_file()
    except (OSError, ValueError):
        return None
    return path


class Checks:
    """All checks of a plan; :meth:`run` gives every problem found.

    A name that is missing only because something wrong was removed is not complained about.
    """

    def __init__(
        self, plan: Plan, document: Document, project: Project, removed: set[Path_]
    ) -> None:
        self.plan, self.document, self.project, self.removed = plan, document, project, removed
        self.headers: dict[str, list[str]] = {}
        self.problems: list[Problem] = []

    def run(self) -> list[Problem]:
        self._files()
        self._theme()
        self._dimensions()
        self._names()
        self._columns()
        self._metrics()
        self._loyalty()
        self._history()
        return self.problems

    def lost(self, name: str, *keys: str) -> bool:
        """Whether ``name`` may have stood below one of ``keys`` before something was removed."""
        return any((key,) in self.removed or (key, name) in self.removed for key in keys)

    def touched(self, key: str) -> bool:
        """Whether something was removed at or below a top-level key."""
        return any(path[0] == key for path in self.removed)

    def add(self, path: Path_, text: Message) -> None:
        self.problems.append(Problem(self.document.file, text, self.document.line(path)))

    def _files(self) -> None:
        planned = self.plan.sampling is not None or self.touched("sampling")
        if self.plan.data.responses is None and not planned and not self.touched("data"):
            text = message(
                "data.responses is missing. Only before fieldwork a study does without: it then "
                "needs `sampling`."
            )
            self.add(("data",), text)
        for table, file in self.plan.data.model_dump().items():
            if file is None:
                continue
            path = ("data", table)
            full = _resolved(self.project.raw, file)
            if full is None:
                self.add(path, message("No file can be called {file}.", file=repr(file)))
                continue
            if not full.is_relative_to(self.project.raw.resolve()):
                self.add(path, message("{file} lies outside data/raw.", file=file))
                continue
            try:
                self.headers[table] = sources.header(full, self.project.shown(full))
            except StudyError as error:
                self.problems += error.problems

    def _theme(self) -> None:
        """Files of the client's look: there, of the right kind, not too large for every report."""
        theme = self.plan.theme
        for key, file, kinds in (
            ("logo", theme.logo, list(LOGO_TYPES)),
            ("slides", theme.slides, [".pptx"]),
        ):
            if file is None:
                continue
            path, place = _resolved(self.project.params, file), ("theme", key)
            inside = path is not None and path.is_relative_to(self.project.params.resolve())
            if path is None or not inside or not path.is_file():
                self.add(place, message("There is no file {file} in params.", file=file))
            elif path.suffix.lower() not in kinds:
                text = message("{file} is not one of {kinds}.", kinds=", ".join(kinds), file=file)
                self.add(place, text)
            elif key == "logo" and path.stat().st_size > MAX_LOGO:
                text = message(
                    "The logo {file} is larger than {limit:,} bytes.", file=file, limit=MAX_LOGO
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
            if item not in self.plan.items and not self.touched("dimensions"):
                hint = nearest(item, self.plan.items)
                text = message("{item} is reversed but is no item. {hint}", item=item, hint=hint)
                self.add(("reversed",), text)

    def _names(self) -> None:
        """Columns and metrics that would have the same name, levels that stand twice."""
        plan = self.plan
        for path, column in self.plan.columns():
            groups = path[0] in ("segments", "ranking") or path[:2] in _GROUPS
            if groups and column == "wave" == self.plan.column_of("wave"):
                continue
            own = _OWN_NAMES | _OWN_METRICS if groups else _OWN_NAMES
            if (groups or path[0] == "dimensions") and column in own:
                text = message("A column may not be called {name}: rename it.", name=column)
                self.add(path, text)
            elif groups and column in plan.items:
                text = message("{name} is an item: it cannot be a segment as well.", name=column)
                self.add(path, text)
        strata = plan.sampling.strata if plan.sampling else []
        taken = {*_OWN_NAMES, *_OWN_METRICS, *plan.segments, *plan.ranking, *plan.clusters, *strata}
        names = [("outcomes", name, taken | {*plan.items}) for name in plan.outcomes]
        names += [("dimensions", name, taken | {*plan.outcomes}) for name in plan.dimensions]
        for key, name, others in names:
            if name in others:
                text = message(
                    "{name} already names something else; choose another name.", name=name
                )
                self.add((key, name), text)
        lists: dict[Path_, list[str]] = {("wave", "order"): plan.waves}
        lists |= {("segments", name): order or [] for name, order in plan.segments.items()}
        lists |= {("crosstabs", i): pair for i, pair in enumerate(plan.crosstabs)}
        lists |= {("ranking",): plan.ranking, ("sampling", "strata"): strata}
        for place, listed in lists.items():
            for name, times in Counter(listed).items():
                if times > 1:
                    self.add(place, message("{name} stands here twice.", name=name))

    def _columns(self) -> None:
        if "responses" in self.headers:
            for path, column in self.plan.columns():
                self._column("responses", path, column)
        duration = self.plan.duration or self.touched("duration")
        if self.plan.exclusions.min_seconds and not duration:
            text = message("`min_seconds` needs `duration`: the column with the seconds.")
            self.add(("exclusions", "min_seconds"), text)
        self._weighting()
        self._contacts()
        if self.plan.sampling and "population" in self.headers:
            size = self.plan.sampling.size
            if size is not None:
                self._column("population", ("sampling", "size"), size)
            elif ("sampling", "size") not in self.removed:
                text = message(
                    "`size` is missing: the column of {file} that holds the number of people.",
                    file=self.plan.data.population,
                )
                self.add(("sampling",), text)
            for i, stratum in enumerate(self.plan.sampling.strata):
                self._column("population", ("sampling", "strata", i), stratum)

    def _weighting(self) -> None:
        design = self.plan.sampling
        if design is None or design.weighting == "none":
            return
        population = self.plan.data.population or self.touched("data")
        if not population or not (design.strata or self.touched("sampling")):
            text = message("`weighting` needs `data.population` and `strata` to weight to.")
            self.add(("sampling", "weighting"), text)
        if design.weight and design.weighting == "post_stratify":
            text = message("`post_stratify` takes no `weight` to start from: use `rake`.")
            self.add(("sampling", "weighting"), text)

    def _contacts(self) -> None:
        file = self.plan.data.contacts
        wanted = self.plan.sampling.dispositions if self.plan.sampling else None
        if file and wanted is None and not self.touched("sampling"):
            text = message("`contacts` needs `sampling.dispositions`: what became of each contact.")
            self.add(("data", "contacts"), text)
        if wanted and file is None and not self.touched("data"):
            text = message("`dispositions` needs `data.contacts`: one row a customer invited.")
            self.add(("sampling", "dispositions"), text)
        if wanted and "contacts" in self.headers:
            self._column("contacts", ("sampling", "dispositions", "column"), wanted.column)

    def _column(self, table: str, path: Path_, column: str) -> None:
        header = self.headers[table]
        if column not in header:
            text = message(
                "{file} has no column {column}. {hint}",
                file=getattr(self.plan.data, table),
                column=column,
                hint=nearest(column, header),
            )
            self.add(path, text)

    def _metrics(self) -> None:
        plan = self.plan
        entries: list[tuple[Path_, Target | Improvement]] = [
            (("targets", i), target) for i, target in enumerate(plan.targets)
        ]
        if plan.improvement:
            entries.append((("improvement",), plan.improvement))
            for key in ("before", "after"):
                wave = getattr(plan.improvement, key)
                if wave not in plan.waves and not self.touched("wave"):
                    hint = nearest(wave, plan.waves)
                    text = message("There is no wave {name}. {hint}", name=wave, hint=hint)
                    self.add(("improvement", key), text)
            before, after = plan.improvement.before, plan.improvement.after
            known = before in plan.waves and after in plan.waves
            if known and plan.waves.index(before) >= plan.waves.index(after):
                text = message(
                    "The wave {after} does not come after {before}.", after=after, before=before
                )
                self.add(("improvement", "after"), text)
            self._dimension(("improvement", "dimension"), plan.improvement.dimension)
        for i, pair in enumerate(plan.crosstabs):
            for j, segment in enumerate(pair):
                self._segment(("crosstabs", i, j), segment)
        for path, entry in entries:
            if isinstance(entry, Target):
                self._metric((*path, "metric"), entry.metric)
            key = "where" if isinstance(entry, Target) else "treated"
            for segment in getattr(entry, key):
                self._segment((*path, key, segment), segment)

    def _loyalty(self) -> None:
        """Outcomes and dimensions that the analyses of loyalty refer to."""
        plan, loyalty = self.plan, self.plan.loyalty
        for name, outcome in plan.outcomes.items():
            if outcome.date and plan.submitted is None and not self.touched("submitted"):
                text = message(
                    "`date` needs `submitted`: what comes before the answer is no outcome."
                )
                self.add(("outcomes", name, "date"), text)
        for dimension in loyalty.stated:
            self._dimension(("loyalty", "stated", dimension), dimension)
        if loyalty.scenario:
            self._outcome(("loyalty", "scenario", "outcome"), loyalty.scenario.outcome)
            for dimension in loyalty.scenario.improve:
                self._dimension(("loyalty", "scenario", "improve", dimension), dimension)
        if loyalty.risk:
            self._outcome(("loyalty", "risk", "outcome"), loyalty.risk.outcome)

    def _outcome(self, path: Path_, name: str) -> None:
        if name not in self.plan.outcomes and not self.lost(name, "outcomes"):
            hint = nearest(name, list(self.plan.outcomes))
            self.add(path, message("There is no outcome {name}. {hint}", name=name, hint=hint))

    def _history(self) -> None:
        """Earlier months: the file and its columns, one not without the other."""
        history, file = self.plan.history, self.plan.data.history
        if history is None:
            if file and not self.touched("history"):
                text = message("`data.history` needs `history`: which columns it has.")
                self.add(("data", "history"), text)
            return
        if file is None and not self.touched("data"):
            self.add(("history",), message("`history` needs `data.history`: the file."))
        for dimension in history.means:
            self._dimension(("history", "means", dimension), dimension)
        if "history" in self.headers:
            for path, column in history.columns():
                self._column("history", ("history", *path), column)

    def _dimension(self, path: Path_, name: str) -> None:
        if name not in self.plan.dimensions and not self.lost(name, "dimensions"):
            hint = nearest(name, list(self.plan.dimensions))
            self.add(path, message("{name} is no dimension. {hint}", name=name, hint=hint))

    def _segment(self, path: Path_, name: str) -> None:
        if name not in self.plan.segments and not self.lost(name, "segments"):
            hint = nearest(name, list(self.plan.segments))
            self.add(path, message("{name} is no segment. {hint}", name=name, hint=hint))

    def _metric(self, path: Path_, name: str) -> None:
        lost = self.lost(name, "dimensions", "overall", "nps", "outcomes")
        if name not in self.plan.metrics and not lost:
            hint = nearest(name, self.plan.metrics)
            self.add(path, message("There is no metric {name}. {hint}", name=name, hint=hint))
