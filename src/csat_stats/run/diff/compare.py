"""Two runs of one study, compared part by part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal

from csat_stats.report.records import ALERTS, FindingRecord
from csat_stats.results import Message, message
from csat_stats.run.diff.runs import Run, read
from csat_stats.study import Problem, StudyError
from csat_stats.study.changes import Change, PlanChanges, changes

Kind = Literal["verdict", "new", "gone", "figure", "text"]
Noise = Literal["beyond", "within", "exact", "unknown", "not_comparable"]

# Findings that rest on every dimension, by the first word of their id.
_ON_ALL_DIMENSIONS = {"alpha", "kmo", "factors", "lowest", "model", "priority"}
# Worst first.
_LEVELS = ("not_met", "watch", "not_estimable", "info", "met")


@dataclass(frozen=True)
class Movement:
    """A figure in both runs.

    ``noise`` says what the difference is: ``beyond`` or ``within`` what two independent samples
    differ by, ``exact`` where both runs read the same answers, ``unknown`` without intervals, or
    ``not_comparable`` for the reasons in ``why``.
    """

    before: float
    after: float
    noise: Noise
    z: float | None = None
    why: tuple[Message, ...] = ()


@dataclass(frozen=True)
class FindingChange:
    """A conclusion that is not what it was; ``text``: only its wording or other figures are."""

    kind: Kind
    before: FindingRecord | None
    after: FindingRecord | None
    movement: Movement | None = None

    @property
    def shown(self) -> FindingRecord:
        """The finding as it is now, or as it was."""
        record = self.after or self.before
        assert record is not None
        return record


@dataclass(frozen=True)
class SectionChange:
    """A section whose findings could not be compared, and how many there are on either side.

    A status is ``complete``, ``skipped``, ``failed``, or None where the run has no such section.
    """

    title: str
    before: str | None
    after: str | None
    findings: tuple[int, int]
    reason: str


@dataclass(frozen=True)
class Count:
    """Responses under a rule of the exclusion flow; None where the rule did not apply."""

    rule: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Difference:
    """Everything in which run ``after`` differs from run ``before``.

    Attributes
    ----------
    scope
        ``wave``, ``where`` and ``language`` where they differ.
    sections
        Sections that failed, were skipped or are missing in one of the runs.
    findings
        Changed findings, most important first; ``unchanged`` counts the others.
    plan
        Changes of the study file, or None where one of the runs did not keep it.
    study_file_changed
        Whether the study files differ in any byte.
    flow, files, versions
        What differs in responses by rule, raw files (SHA-256) and software.
    not_recorded
        Parts that an earlier version of the software did not record: ``study file``, ``flow``,
        ``versions``.
    same_answers
        Both runs read the same raw data and report on the same respondents.
    """

    before: Run
    after: Run
    scope: tuple[Change, ...]
    sections: tuple[SectionChange, ...]
    findings: tuple[FindingChange, ...]
    unchanged: int
    plan: PlanChanges | None
    study_file_changed: bool
    flow: tuple[Count, ...]
    files: tuple[Change, ...]
    versions: tuple[Change, ...]
    not_recorded: tuple[str, ...]
    same_answers: bool

    @property
    def nothing(self) -> bool:
        """Whether nothing changed at all."""
        parts = (self.scope, self.findings, self.flow, self.files, self.versions, self.sections)
        return not any(parts) and not self.study_file_changed

    def of(self, kind: Kind, *noise: Noise) -> list[FindingChange]:
        """Changed findings of one kind, and of these kinds of noise if any are named."""
        return [
            change
            for change in self.findings
            if change.kind == kind
            and (not noise or (change.movement is not None and change.movement.noise in noise))
        ]


def compare(a: Path, b: Path) -> Difference:
    """Compare two runs of the same study.

    Parameters
    ----------
    a, b
        Folders of the earlier and the later run.

    Raises
    ------
    StudyError
        A folder holds no finished run, its records are damaged, or the studies differ.

    Notes
    -----
    Two figures differ beyond noise when z = (b − a)/√(s_a² + s_b²) is beyond the normal quantile
    of the later run's confidence level; s is the half of each recorded interval that faces the
    other figure, divided by the normal quantile of its level (MOVER: Zou & Donner, 2008,
    *Statistics in Medicine* 27, 1693–1702). The runs are taken as independent samples; where
    the same respondents are in both, chance explains less than is allowed for here.
    """
    before, after = read(a), read(b)
    if before.study != after.study:
        text = message(
            "These are runs of different studies: {before} and {after}.",
            before=before.study,
            after=after.study,
        )
        raise StudyError([Problem("csat", text)])
    plan = changes(before.plan, after.plan) if before.plan and after.plan else None
    scope = _scope(before, after)
    same_answers = before.raw == after.raw and not any(c.key != "language" for c in scope)
    found, unchanged = _findings(before, after, plan, same_answers)
    flows = [run.manifest.get("flow", {}) for run in (before, after)]
    versions = [run.manifest.get("versions", {}) for run in (before, after)]
    missing = {
        "study file": plan is None and before.study_file != after.study_file,
        "flow": not all(flows),
        "versions": not all(versions),
    }
    return Difference(
        before=before,
        after=after,
        scope=scope,
        sections=_sections(before, after),
        findings=found,
        unchanged=unchanged,
        plan=plan,
        study_file_changed=before.study_file != after.study_file,
        flow=_flow(*flows) if all(flows) else (),
        files=_mapping_changes(before.raw, after.raw),
        versions=_mapping_changes(*versions) if all(versions) else (),
        not_recorded=tuple(name for name, absent in missing.items() if absent),
        same_answers=same_answers,
    )


def _scope(before: Run, after: Run) -> tuple[Change, ...]:
    known = before.wave and after.wave
    parts = [
        {
            "wave": run.wave if known else run.manifest["wave"],
            "where": run.manifest["where"],
            "language": run.language,
        }
        for run in (before, after)
    ]
    return _mapping_changes(*parts)


def _mapping_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    return tuple(
        Change(key, before.get(key), after.get(key))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    )


def _flow(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Count, ...]:
    """Both flows from received to analysed, where anything in them differs."""
    if before == after:
        return ()
    rules = [*dict.fromkeys([*before, *after])]
    rules.sort(key="analysed".__eq__)  # a rule of one run only stands before the total
    return tuple(Count(rule, before.get(rule), after.get(rule)) for rule in rules)


def _sections(before: Run, after: Run) -> tuple[SectionChange, ...]:
    found = []
    for name in _names(before, after):
        statuses = before.status(name), after.status(name)
        if statuses[0] == statuses[1] != "failed":
            continue
        held = [run.sections.get(name) for run in (before, after)]
        counts = [len(record.findings) if record else 0 for record in held]
        titles = [
            str(entry["title"])
            for run in (before, after)
            for entry in run.manifest["sections"]
            if entry["name"] == name
        ]
        spoilt = after if statuses[1] != "complete" else before
        found.append(
            SectionChange(titles[-1], *statuses, (counts[0], counts[1]), spoilt.reason(name))
        )
    return tuple(found)


def _names(before: Run, after: Run) -> list[str]:
    entries = [*before.manifest["sections"], *after.manifest["sections"]]
    return sorted({entry["name"] for entry in entries})


def _findings(
    before: Run, after: Run, plan: PlanChanges | None, same_answers: bool
) -> tuple[tuple[FindingChange, ...], int]:
    """Changed findings of the sections that are complete in both runs, and the number of others."""
    found: list[FindingChange] = []
    unchanged = 0
    for name in _names(before, after):
        if not before.status(name) == after.status(name) == "complete":
            continue
        old, new = (
            {finding.id: finding for finding in run.sections[name].findings}
            for run in (before, after)
        )
        for id in dict.fromkeys([*new, *old]):
            a, b = old.get(id), new.get(id)
            if a is None or b is None:
                found.append(FindingChange("gone" if a else "new", a, b))
                continue
            movement = _movement(
                a.values,
                b.values,
                levels=(before.conf_level, after.conf_level),
                exact=same_answers,
                why=_incomparable(id, before, after, plan),
            )
            if a.level != b.level:
                found.append(FindingChange("verdict", a, b, movement))
            elif movement:
                found.append(FindingChange("figure", a, b, movement))
            elif not _same_words(a, b, before.language == after.language):
                found.append(FindingChange("text", a, b))
            else:
                unchanged += 1
    return tuple(sorted(found, key=_weight)), unchanged


def _movement(
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    *,
    levels: tuple[float, float],
    exact: bool,
    why: tuple[Message, ...],
) -> Movement | None:
    """How the estimate moved; None where one is missing or both are the same."""
    x, y = a.get("estimate"), b.get("estimate")
    if x is None or y is None or math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12):
        return None
    if why:
        return Movement(x, y, "not_comparable", why=why)
    if exact:
        return Movement(x, y, "exact")
    # The ends that face each other: an interval need not be symmetric.
    names = ("conf_high", "conf_low") if y > x else ("conf_low", "conf_high")
    end_a, end_b = a.get(names[0]), b.get(names[1])
    if end_a is None or end_b is None:
        return Movement(x, y, "unknown")
    quantiles = [NormalDist().inv_cdf((1 + level) / 2) for level in levels]
    error = math.hypot((end_a - x) / quantiles[0], (end_b - y) / quantiles[1])
    if error == 0:
        return Movement(x, y, "unknown")
    z = (y - x) / error
    return Movement(x, y, "beyond" if abs(z) > quantiles[1] else "within", z)


def _incomparable(
    id: str, before: Run, after: Run, plan: PlanChanges | None
) -> tuple[Message, ...]:
    """Why the figures of a finding do not mean the same in both runs, as far as is known."""
    if plan is None or before.plan is None or after.plan is None:
        return ()
    kind, _, name = id.partition(".")[2].partition(".")
    if kind == "target":
        goals = [
            next((goal for goal in run.targets if goal.name == name), None)
            for run in (before.plan, after.plan)
        ]
        if goals[0] is None or goals[1] is None:
            return ()
        if (goals[0].metric, goals[0].where) != (goals[1].metric, goals[1].where):
            return (message("another metric or other respondents"),)
        return plan.broken.get(goals[1].metric, ())
    if kind in _ON_ALL_DIMENSIONS:
        old, new = before.plan.dimensions, after.plan.dimensions
        if old.keys() != new.keys():
            return (message("other dimensions"),)
        reasons = [why for dimension in new for why in plan.broken.get(dimension, ())]
        return tuple({str(why): why for why in reasons}.values())
    return plan.broken.get(name or kind, ())


def _same_words(a: FindingRecord, b: FindingRecord, same_language: bool) -> bool:
    """Whether two findings say the same; across languages only their numbers can tell."""
    if same_language:
        return a.text == b.text

    def numbers(finding: FindingRecord) -> dict[str, float]:
        return {k: v for k, v in finding.values.items() if isinstance(v, int | float)}

    return a.n == b.n and numbers(a) == numbers(b)


def _weight(change: FindingChange) -> tuple[int, ...]:
    """Sorting key: what a reader must see first comes first."""
    kinds: tuple[Kind, ...] = ("verdict", "gone", "new", "figure", "text")
    level = _LEVELS.index(change.shown.level)
    worse = 0
    if change.kind == "verdict" and change.before:
        worse = level - _LEVELS.index(change.before.level)
    alert = change.shown.level not in ALERTS
    z = change.movement.z if change.movement else None
    return kinds.index(change.kind), worse, alert, -round(1000 * abs(z or 0))
