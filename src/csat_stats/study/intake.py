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
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from csat_stats.results import Message, message
from csat_stats.study import sources
from csat_stats.study.casting import Cast
from csat_stats.study.config import Study
from csat_stats.study.problems import Problem, StudyError, nearest
from csat_stats.study.sources import RawTable

_READ_EACH_TIME = ("tickets", "actions")


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
        categories, and ``respondent, customer, submitted, duration, overall, nps, weight,
        cluster, served, called, served_by, called_by`` where the study has them. ``row`` is the
        row number in the raw file. Without a row before fieldwork.
    tables
        ``population`` (strata as text, size as whole numbers), ``contacts`` (``disposition`` as
        AAPOR code, and those of ``wave``, segments and strata that the file has), ``history``
        (``period`` as 2026-03, ``n, satisfied``, means by dimension, segments), ``dated`` (what
        became of outcomes by their dates: ``outcome, rule, n``), ``tickets``, ``actions``
        (text), where the study has them.
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
    tables = ("responses", "population", "contacts", "history", *_READ_EACH_TIME)
    return {table: path for table in tables if (path := study.source(table)) is not None}


def _read(study: Study, key: str) -> Intake:
    raw = {
        table: sources.read(path, study.project.shown(path))
        for table, path in _sources(study).items()
    }
    cast = Cast(study, raw.get("responses") or _no_responses(study))
    responses = cast.responses()
    problems, tables = list(cast.problems), {}
    if study.fielded:
        problems += _unknown_levels(study, responses)
    if "contacts" in raw:
        contacts = Cast(study, raw["contacts"])
        tables["contacts"] = contacts.contacts()
        problems += contacts.problems
    if "history" in raw:
        history = Cast(study, raw["history"])
        tables["history"] = history.history()
        problems += history.problems
    if cast.dated:
        tables["dated"] = pd.concat(cast.dated, ignore_index=True)
    if problems:
        raise StudyError(problems, study.plan.language)
    responses, excluded, flow = _exclude(study, responses, cast.identical)
    if responses.empty and study.fielded:
        text = message("No response is left after the exclusion rules of the study file.")
        raise StudyError([Problem(raw["responses"].file, text)], study.plan.language)
    notes = tuple(
        message("{file} was read as {encoding}.", file=table.file, encoding=table.encoding)
        for table in raw.values()
        if table.encoding != "UTF-8"
    )
    if _has_population(study):
        tables["population"] = _population(study, raw["population"])
    return Intake(key, responses, tables, excluded, flow, notes + tuple(cast.notes))


def _no_responses(study: Study) -> RawTable:
    """The columns of the study file without a row: what there is before fieldwork."""
    columns = dict.fromkeys(column for _, column in study.plan.columns())
    return RawTable(pd.DataFrame(columns=list(columns), dtype="str"), "", "UTF-8", ",", [])


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
    cast = Cast(study, raw)
    number = cast.count(sampling.size)
    if cast.problems:
        raise StudyError(cast.problems, study.plan.language)
    return raw.frame[sampling.strata].assign(**{sampling.size: number})


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

    prepared = ("population", "contacts", "history", "dated")
    tables = {name: frame(name) for name in prepared if (folder / f"{name}.parquet").is_file()}
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
