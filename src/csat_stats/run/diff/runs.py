"""A finished run as it lies in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from csat_stats.report import records
from csat_stats.report.records import SectionRecord
from csat_stats.results import Message, message
from csat_stats.study import Plan, Problem, Project, StudyError
from csat_stats.study.document import Document
from csat_stats.study.problems import nearest


@dataclass(frozen=True)
class Run:
    """What a run recorded of itself; ``plan`` is None where its study file was not kept."""

    folder: Path
    manifest: Mapping[str, Any]
    sections: Mapping[str, SectionRecord]
    plan: Plan | None

    @property
    def name(self) -> str:
        return str(self.manifest["run"])

    @property
    def study(self) -> str:
        return str(self.manifest["study"])

    @property
    def title(self) -> str:
        return self.plan.title if self.plan else self.study

    @property
    def language(self) -> str:
        return str(self.manifest["language"])

    @property
    def wave(self) -> str:
        """The wave reported on; empty where there is none or it was not recorded."""
        answered = [wave for wave, n in self.manifest.get("waves", {}).items() if n]
        return str(self.manifest["wave"] or "".join(answered[-1:]))

    @property
    def conf_level(self) -> float:
        return (self.plan or Plan.model_construct()).conf_level

    @property
    def raw(self) -> dict[str, str]:
        """SHA-256 of every raw file."""
        return {
            file: digest
            for file, digest in self.manifest["hashes"].items()
            if PurePosixPath(file.replace("\\", "/")).parts[:2] == ("data", "raw")
        }

    @property
    def study_file(self) -> str | None:
        """SHA-256 of the study file."""
        endings = (".yml", ".yaml")
        hashes = self.manifest["hashes"].items()
        return next((digest for file, digest in hashes if file.endswith(endings)), None)

    def status(self, section: str) -> str | None:
        """``complete``, ``skipped`` or ``failed``; None where the run has no such section."""
        entries = self.manifest["sections"]
        return next((str(e["status"]) for e in entries if e["name"] == section), None)

    def reason(self, section: str) -> str:
        """Why a section failed or was skipped."""
        record = self.sections.get(section)
        if record:
            return " ".join(record.skipped)
        entries = self.manifest["sections"]
        return next((str(e["error"] or "") for e in entries if e["name"] == section), "")


def find(name: str, project: Project) -> Path:
    """The folder of a run: its path, or ``<study>/<run>`` as under ``reports/``.

    Raises
    ------
    StudyError
        There is no such folder; the message names the runs there are.
    """
    reports = project.root / "reports"
    for folder in (Path(name), reports / name):
        if folder.is_dir():
            return folder.resolve()
    known = sorted(
        f"{path.parent.parent.name}/{path.parent.name}"
        for path in reports.glob("*/*/manifest.json")
    )
    hint = nearest(name, known[::-1])  # the newest first
    raise _refusal(message("There is no run {name}. {hint}", name=name, hint=hint))


def read(folder: Path) -> Run:
    """Read a run's manifest, its sections' records and its study file.

    Raises
    ------
    StudyError
        The folder holds no finished run, or one whose records are damaged.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        text = message("{folder} holds no finished run: there is no manifest.json.", folder=folder)
        raise _refusal(text)
    try:
        manifest = json.loads(path.read_text("utf-8"))
        names = [section["name"] for section in manifest["sections"]]
        found = {name: records.read(folder / "sections" / name) for name in names}
        sections = {name: record for name, record in found.items() if record}
        run = Run(folder, manifest, sections, _plan(folder / "study.yml"))
        _ = run.name, run.study, run.language, run.wave, run.raw, manifest["where"]
        for name in names:
            if name not in sections and run.status(name) != "failed":
                raise KeyError(f"sections/{name}/section.json")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        text = message("The records of run {name} are damaged: {error}", name=folder, error=error)
        raise _refusal(text) from error
    return run


def _plan(file: Path) -> Plan | None:
    """The study file kept with a run; None where there is none that this version can read."""
    if not file.is_file():
        return None
    try:
        return Plan.model_validate(Document(file, file.name).data)
    except (StudyError, ValidationError):
        return None


def _refusal(text: Message) -> StudyError:
    return StudyError([Problem("csat", text)])
