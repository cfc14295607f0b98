"""From raw tables to responses: cast by the study file, exclude by its rules, say all of it.

The result is kept under ``data/processed/<study>/<key>/``; the key is a hash over the raw data,
the study file and this code, so a notebook finds what another one prepared, and never something
that no longer belongs to the data. Only the columns that the study file names are kept: names,
phone numbers and addresses in an export never leave ``data/raw/``. Tickets and actions, of which
it names no column, are read from there each time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.results import Message, message
from csat_stats.study import sources
from csat_stats.study.config import Study
from csat_stats.study.plan import Outcome, Scale
from csat_stats.study.problems import Problem, StudyError, nearest
from csat_stats.study.sources import RawTable

_READ_EACH_TIME = ("tickets", "actions")
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True)
class Intake:
    """What a study's notebooks work on.

    Attributes
    ----------
    key
        Names this state of data, study file and code.
    responses
        One row a response that is analysed. Items are float (NaN = no answer, reversed items
        turned round), outcomes 1.0/0.0/NaN by their names, segments, strata and ``wave`` ordered
        categories, and ``respondent, customer, submitted, duration, overall, nps`` where the
        study has them. ``row`` is the row number in the raw file.
    tables
        ``population`` (strata as text, size as whole numbers), ``tickets``, ``actions`` (text),
        where the study has them.
    excluded
        ``row, respondent, rule`` of every response that was left out.
    flow
        ``rule, n``: received, each rule, analysed.
    notes
        Everything a reader should know of the reading: encoding, coercions.
    """

    key: str
    responses: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    excluded: pd.DataFrame
    flow: pd.DataFrame
    notes: tuple[Message, ...] = ()


RULES = {
    "received": message("Received"),
    "duplicate": message("Same answer sheet twice"),
    "resubmitted": message("Answered again for the same case (first answer kept)"),
    "speeder": message("Answered faster than the minimum time"),
    "empty": message("No item answered"),
    "analysed": message("Analysed"),
}


def prepare(study: Study) -> Intake:
    """The study's data, read or found prepared.

    Raises
    ------
    StudyError
        With all values that fit neither scale nor code lists: file, column, value, rows, cure.
    """
    key = data_key(study)
    folder = study.project.processed(study.name, key)
    if not folder.is_dir():
        _store(_read(study, key), folder)
    return _load(study, key, folder)


def data_key(study: Study) -> str:
    """Hash over raw data, study file and intake code: 16 hexadecimal digits."""
    digest = hashlib.sha256(_code_hash())
    for path in (study.file, *_sources(study).values()):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def _code_hash() -> bytes:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


def _sources(study: Study) -> dict[str, Path]:
    tables = ("responses", "population", *_READ_EACH_TIME)
    return {table: path for table in tables if (path := study.source(table)) is not None}


def _read(study: Study, key: str) -> Intake:
    raw = {
        table: sources.read(path, study.project.shown(path))
        for table, path in _sources(study).items()
    }
    cast = _Cast(study, raw["responses"])
    responses = cast.responses()
    problems = cast.problems + _unknown_levels(study, responses)
    if problems:
        raise StudyError(problems, study.plan.language)
    responses, excluded, flow = _exclude(study, responses, cast.identical)
    if responses.empty:
        text = message("No response is left after the exclusion rules of the study file.")
        raise StudyError([Problem(raw["responses"].file, text)], study.plan.language)
    notes = tuple(
        message("{file} was read as {encoding}.", file=table.file, encoding=table.encoding)
        for table in raw.values()
        if table.encoding != "UTF-8"
    )
    tables = {}
    if _has_population(study):
        tables["population"] = _population(study, raw["population"])
    return Intake(key, responses, tables, excluded, flow, notes + tuple(cast.notes))


def _unknown_levels(study: Study, responses: pd.DataFrame) -> list[Problem]:
    """Levels that a target or the improvement names and no response has: most likely typos."""
    plan = study.plan
    named = [goal.where for goal in plan.targets]
    named += [plan.improvement.treated] if plan.improvement else []
    problems: list[Problem] = []
    for column, levels in (pair for where in named for pair in where.items()):
        known = list(responses[column].cat.categories)
        for level in levels:
            if level not in known:
                text = message(
                    "{column} has no level {value}. {hint}",
                    column=column,
                    value=level,
                    hint=nearest(level, known),
                )
                problem = Problem(study.project.shown(study.file), text)
                if problem not in problems:
                    problems.append(problem)
    return problems


def _has_population(study: Study) -> bool:
    plan = study.plan
    return bool(plan.data.population and plan.sampling and plan.sampling.size)


def _population(study: Study, raw: RawTable) -> pd.DataFrame:
    """The sampling frame: strata, and their size as whole numbers."""
    sampling = study.plan.sampling
    assert sampling is not None and sampling.size is not None
    cast = _Cast(study, raw)
    number = cast.count(sampling.size)
    if cast.problems:
        raise StudyError(cast.problems, study.plan.language)
    return raw.frame[sampling.strata].assign(**{sampling.size: number})


@dataclass
class _Cast:
    """Turns the text of the response table into typed columns and collects what does not fit."""

    study: Study
    raw: RawTable
    problems: list[Problem] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)

    def responses(self) -> pd.DataFrame:
        plan, columns = self.study.plan, {}
        columns["row"] = pd.Series(self.raw.rows)
        for role in ("respondent", "customer"):
            if getattr(plan, role):
                columns[role] = self._text(getattr(plan, role))
        if plan.submitted:
            columns["submitted"] = self._moment(plan.submitted)
        if plan.duration:
            columns["duration"] = self._number(plan.duration)
        if plan.exclusions.one_answer_per:
            columns["case"] = self._text(plan.exclusions.one_answer_per)
        if plan.wave:
            columns["wave"] = self._category(plan.wave.column, plan.wave.order, required=True)
        for item in plan.items:
            columns[item] = self._score(item, plan.scale, item in plan.reversed)
        if plan.overall:
            columns["overall"] = self._score(plan.overall.column, plan.overall_scale)
        if plan.nps:
            columns["nps"] = self._score(plan.nps, Scale(low=0, high=10))
        for name, outcome in plan.outcomes.items():
            columns[name] = self._outcome(outcome)
        strata = plan.sampling.strata if plan.sampling else []
        for segment, order in {**dict.fromkeys(strata), **plan.segments}.items():
            if segment not in columns:  # `wave` may be a segment too
                columns[segment] = self._category(segment, order)
        return pd.DataFrame(columns)

    @property
    def identical(self) -> pd.Series:
        """Rows that repeat an earlier row in every cell, where an id or a time tells rows apart."""
        told_apart = bool(self.study.plan.respondent or self.study.plan.submitted)
        return self.raw.frame.duplicated() & told_apart

    def _text(self, column: str) -> pd.Series:
        """The column with its codes for missing taken out."""
        text = self.raw.frame[column]
        return text.mask(text.isin(self.study.plan.missing) | (text == ""))

    def _figures(self, column: str, text: pd.Series) -> pd.Series:
        """Text as numbers, NaN where it is none; full-width digits count as digits."""
        narrow = text.map(lambda cell: unicodedata.normalize("NFKC", cell), na_action="ignore")
        number = pd.to_numeric(narrow, errors="coerce").astype("float64")
        number = number.mask(np.isinf(number))
        wide = int((number.notna() & (narrow != text)).sum())
        if wide:
            note = message(
                "column {column}: {n} number(s) in full-width digits.", column=column, n=wide
            )
            self.notes.append(note)
        return number

    def _refuse(self, column: str, values: pd.Series, cure: Message) -> None:
        """One problem for each distinct value that does not fit."""
        for value, rows in values.groupby(values).groups.items():
            if len(self.problems) == _SHOWN_PROBLEMS:
                more = message("More values do not fit; mend these first.")
                self.problems.append(Problem(self.raw.file, more))
            if len(self.problems) > _SHOWN_PROBLEMS:
                return
            numbers = [self.raw.rows[row] for row in rows[: sources.SHOWN_ROWS]]
            shown = ", ".join(map(str, numbers)) + (", …" if len(rows) > len(numbers) else "")
            text = message(
                "column {column}, value {value} in row {rows}: {cure}",
                column=column,
                value=repr(value),
                rows=shown,
                cure=cure,
            )
            self.problems.append(Problem(self.raw.file, text))

    def _number(self, column: str) -> pd.Series:
        text = self._text(column)
        number = self._figures(column, text)
        self._refuse(
            column,
            text[text.notna() & number.isna()],
            message("not a number. Correct it, or add it to `missing` if it means no answer."),
        )
        return number

    def count(self, column: str) -> pd.Series:
        """A column of numbers of people: whole, not negative, none missing."""
        text = self.raw.frame[column]
        number = self._figures(column, text)
        good = number.notna() & (number >= 0) & (number % 1 == 0)
        self._refuse(column, text[~good], message("not a whole number of people."))
        return number.where(good, 0).astype("int64")

    def _score(self, column: str, scale: Scale, turn: bool = False) -> pd.Series:
        text = self._text(column)
        not_applicable = text.isin(scale.not_applicable)
        number = self._figures(column, text).mask(not_applicable)
        words = text.notna() & number.isna() & ~not_applicable
        self._refuse(
            column,
            text[words],
            message("not a number. Correct it, or add it to `missing` if it means no answer."),
        )
        outside = number.notna() & ~number.between(scale.low, scale.high)
        self._refuse(
            column,
            text[outside],
            message(
                "outside the scale {low:g}–{high:g}. Correct it, set `scale`, or add it to "
                "`missing` or `not_applicable` if it is a code.",
                low=scale.low,
                high=scale.high,
            ),
        )
        return scale.low + scale.high - number if turn else number

    def _outcome(self, outcome: Outcome) -> pd.Series:
        text = self._text(outcome.column)
        yes, no = text.isin(outcome.yes), text.isin(outcome.no)
        self._refuse(
            outcome.column,
            text[text.notna() & ~yes & ~no],
            message("neither in `yes` nor in `no` of the study file. Add it to one of them."),
        )
        return yes.astype("float64").where(yes | no)

    def _category(self, column: str, order: list[str] | None, required: bool = False) -> pd.Series:
        text = self._text(column)
        levels = order or sorted(text.dropna().unique())
        self._refuse(
            column,
            text[text.notna() & ~text.isin(levels)],
            message("not in the levels of the study file: {levels}.", levels=", ".join(levels)),
        )
        if required and text.isna().any():
            empty = text[text.isna()].fillna("")
            self._refuse(column, empty, message("the wave is empty: fill it in."))
        known = text.where(text.isin(levels))
        return pd.Series(pd.Categorical(known, categories=levels, ordered=True), index=text.index)

    def _moment(self, column: str) -> pd.Series:
        text = self._text(column)
        dated = text.where(text.str.match(r"\d", na=False))  # not `now`, `today`
        try:
            moment = pd.to_datetime(dated, errors="coerce", format="ISO8601")
        except ValueError:
            problem = message(
                "column {column}: times of different time zones, or with and without one. Write "
                "all of them alike.",
                column=column,
            )
            self.problems.append(Problem(self.raw.file, problem))
            return dated
        self._refuse(
            column,
            text[text.notna() & moment.isna()],
            message("not a date and time like 2026-09-30 14:05:00."),
        )
        return moment


def _exclude(
    study: Study, responses: pd.DataFrame, identical: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Apply the rules in order; a response is counted under the first that meets it."""
    plan, rules = study.plan, study.plan.exclusions
    flags: dict[str, pd.Series] = {"duplicate": identical}
    if plan.respondent:
        # A panel study has the same people, so the same ids, in every wave.
        ids = ["respondent", *(["wave"] if plan.wave else [])]
        flags["duplicate"] |= responses.duplicated(ids) & responses["respondent"].notna()
    if rules.min_seconds is not None and plan.duration:
        flags["speeder"] = responses["duration"] < rules.min_seconds
    flags["empty"] = responses[plan.items].isna().all(axis=1)
    if rules.one_answer_per:
        # Last, among what is left: a valid answer is not lost to an earlier invalid one.
        left = ~pd.concat(flags, axis=1).any(axis=1)
        cases = responses.loc[left, ["case", *(["wave"] if plan.wave else [])]]
        again = cases.duplicated() & cases["case"].notna()
        flags["resubmitted"] = again.reindex(responses.index, fill_value=False)

    rule = pd.Series(pd.NA, index=responses.index, dtype="str")
    for name, flag in flags.items():
        rule = rule.mask(rule.isna() & flag, name)
    excluded = responses.assign(rule=rule).loc[rule.notna()]
    columns = [c for c in ("row", "respondent", "rule") if c in excluded]
    counts = excluded["rule"].value_counts()
    kept = responses.loc[rule.isna()].reset_index(drop=True)
    steps = [("received", len(responses))]
    steps += [(name, int(counts.get(name, 0))) for name in flags]
    flow = pd.DataFrame([*steps, ("analysed", len(kept))], columns=["rule", "n"])
    return kept, excluded[columns].reset_index(drop=True), flow


def _store(intake: Intake, folder: Path) -> None:
    """Write beside the target, then rename: nobody reads half an intake."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".intake-", dir=folder.parent))
    try:
        intake.responses.to_parquet(temporary / "responses.parquet")
        intake.excluded.to_parquet(temporary / "excluded.parquet")
        intake.flow.to_parquet(temporary / "flow.parquet")
        for name, table in intake.tables.items():
            table.to_parquet(temporary / f"{name}.parquet")
        notes: list[dict[str, Any]] = [
            {"text": note.text, "values": dict(note.values)} for note in intake.notes
        ]
        (temporary / "notes.json").write_text(json.dumps(notes, ensure_ascii=False), "utf-8")
        try:
            temporary.replace(folder)
        except OSError:
            if not folder.is_dir():  # anything but another process that was first
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _load(study: Study, key: str, folder: Path) -> Intake:
    def frame(name: str) -> pd.DataFrame:
        return pd.read_parquet(folder / f"{name}.parquet")

    tables = {"population": frame("population")} if _has_population(study) else {}
    for name in _READ_EACH_TIME:
        if (path := study.source(name)) is not None:
            tables[name] = sources.read(path, study.project.shown(path)).frame
    notes = json.loads((folder / "notes.json").read_text("utf-8"))
    return Intake(
        key=key,
        responses=frame("responses"),
        tables=tables,
        excluded=frame("excluded"),
        flow=frame("flow"),
        notes=tuple(Message(note["text"], note["values"]) for note in notes),
    )
