"""Running a study: intake, sections by papermill, one report, all in a folder of its own.

A run is built in a hidden folder beside its target and renamed when it is whole: nobody ever
opens half a report. Whether a section succeeded is read from the record it wrote last, not from
papermill's metadata, which calls a notebook complete whose kernel was killed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from csat_stats import study as studies
from csat_stats.report import html, records, slides, workbook
from csat_stats.report import scope as scopes
from csat_stats.report.language import Translate, translator
from csat_stats.report.pdf import PdfError
from csat_stats.report.pdf import write as write_pdf
from csat_stats.report.records import ALERTS, FindingRecord, SectionRecord
from csat_stats.report.section import TITLES, sections_of
from csat_stats.report.summary import Summary
from csat_stats.results import message
from csat_stats.run.kernels import SectionKernelManager, warm_up
from csat_stats.study import Project, Study

CELL_TIMEOUT = 900  # seconds; a hung cell must not hold up a scheduled run for ever
_EXPECTED = 6.0  # seconds a section is thought to take before any run has told


@dataclass(frozen=True)
class SectionOutcome:
    """How one section went."""

    name: str
    title: str
    status: str
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class RunResult:
    """A finished run: its files by what they are, what it found, what it could not make."""

    folder: Path
    files: dict[str, Path]
    sections: tuple[SectionOutcome, ...]
    findings: tuple[FindingRecord, ...]
    remarks: tuple[str, ...] = ()

    @property
    def report(self) -> Path:
        return self.files["report"]

    @property
    def summary(self) -> Path:
        return self.files["summary"]

    @property
    def failed(self) -> list[SectionOutcome]:
        return [section for section in self.sections if section.status == "failed"]

    @property
    def alerts(self) -> list[FindingRecord]:
        return [finding for finding in self.findings if finding.level in ALERTS]


@dataclass(frozen=True)
class Step:
    """What a progress display is told before a section starts."""

    title: str
    position: int
    of: int
    seconds_left: float


def run(
    name: str | Path,
    *,
    project: Project | None = None,
    wave: str = "",
    where: str = "",
    language: str = "",
    code: bool = False,
    pdf: bool = False,
    on_step: Callable[[Step], None] = lambda step: None,
    on_done: Callable[[SectionOutcome], None] = lambda outcome: None,
) -> RunResult:
    """Run every section of a study and build its report.

    Parameters
    ----------
    name
        Name of a study file in ``params/``, or a path to one.
    wave, where, language
        As in :meth:`csat_stats.report.Section.open`.
    code
        Whether the report can unfold the code of each cell.
    pdf
        Whether to print the report to PDF as well; without a browser that is remarked, no error.
    on_step, on_done
        Called before and after each section.

    Raises
    ------
    StudyError
        Study file, data or parameters cannot be used; nothing has been written to ``reports/``.
    """
    warm_up()
    project = project or Project.find()
    study = studies.load(name, project)
    intake = studies.prepare(study)
    language = language or study.plan.language
    scopes.check(study, intake, wave, where, language)
    if study.slides is not None:
        slides.check(study.slides, project.shown(study.slides), language)

    reports = project.reports(study.name)
    reports.mkdir(parents=True, exist_ok=True)
    _sweep(reports)
    created = dt.datetime.now().astimezone()
    building = reports / f".building-{os.getpid()}"
    (building / "notebooks").mkdir(parents=True)
    shutil.copyfile(study.file, building / "study.yml")
    parameters = {
        "study": _parameter(study),
        "wave": wave,
        "where": where,
        "language": language,
        "run_dir": str(building),
    }
    try:
        parts, outcomes = _sections(study, parameters, building, on_step, on_done)
        found = [part.record for part in parts if part.record]
        folder = _unused(reports / created.strftime("%Y-%m-%d_%H%M%S"))
        hashes = _hashes(study)
        facts = {
            "run": folder.name,
            "created": created.strftime("%Y-%m-%d %H:%M"),
            "wave": wave,
            "where": where,
            "hashes": hashes,
        }
        page = html.build(study, intake, parts, language, facts, code=code)
        records.write_text(building / "report.html", page)
        summary = _summary(study, found, outcomes, translator(language))
        records.write_text(building / "summary.txt", summary)
        files = {
            "report": "report.html",
            "summary": "summary.txt",
            "workbook": "tables.xlsx",
            "slides": "report.pptx",
        }
        shown: dict[str, Any] = {
            "title": study.plan.title,
            "client": study.plan.client,
            "facts": facts,
        }
        workbook.write(building, building / files["workbook"], language, **shown)
        slides.write(
            building,
            building / files["slides"],
            language,
            **shown,
            period=study.plan.period,
            template=study.slides,
            colour=study.plan.theme.colour,
            logo=study.logo,
        )
        remarks = []
        if pdf:
            try:
                write_pdf(
                    building / files["report"],
                    building / "report.pdf",
                    language,
                    title=study.plan.title,
                )
                files["pdf"] = "report.pdf"
            except PdfError as error:
                remarks.append(error.message.render(translator(language)))
        manifest = {
            "study": study.name,
            **facts,
            "created": created.isoformat(timespec="seconds"),
            "language": language,
            "key": intake.key,
            "flow": dict(zip(intake.flow["rule"], map(int, intake.flow["n"]), strict=True)),
            "waves": scopes.waves(study, intake, where),
            "versions": html.versions(),
            "sections": [asdict(outcome) for outcome in outcomes],
            "hashes": hashes | {file: _sha256(building / file) for file in files.values()},
        }
        records.write_text(
            building / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1)
        )
        building.replace(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    result = RunResult(
        folder,
        {kind: folder / file for kind, file in files.items()},
        tuple(outcomes),
        tuple(finding for record in found for finding in record.findings),
        tuple(remarks),
    )
    if not result.failed:
        _point_latest(folder)
    return result


def _sections(
    study: Study,
    parameters: dict[str, str],
    building: Path,
    on_step: Callable[[Step], None],
    on_done: Callable[[SectionOutcome], None],
) -> tuple[list[html.Part], list[SectionOutcome]]:
    """Run the notebooks, the summary last; give them back in reader's order."""
    translate = translator(parameters["language"])
    names = sections_of(study)
    order = [*names[1:], names[0]]
    expected = _expected_seconds(study)
    parts, outcomes = {}, {}
    for position, name in enumerate(order):
        title = TITLES[name].render(translate)
        left = sum(expected.get(later, _EXPECTED) for later in order[position:])
        on_step(Step(title, position + 1, len(order), left))
        started = time.perf_counter()
        notebook = building / "notebooks" / f"{name}.ipynb"
        source = study.project.notebooks / f"{name}.ipynb"
        error = _execute(source, notebook, parameters, study.project.root)
        record = records.read(building / "sections" / name)
        if record is None and error is None:
            error = translate("The notebook ended before the section was finished.")
        status = "failed" if record is None else record.status
        seconds = round(time.perf_counter() - started, 2)
        outcome = SectionOutcome(name, title, status, seconds, error if not record else None)
        parts[name] = html.Part(name, title, notebook, record, outcome.error)
        outcomes[name] = outcome
        on_done(outcome)
    return [parts[name] for name in names], [outcomes[name] for name in names]


def _execute(source: Path, target: Path, parameters: dict[str, str], folder: Path) -> str | None:
    """Run one notebook; the error in one line, or None."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillException, PapermillExecutionError

    try:
        papermill.execute_notebook(
            source,
            target,
            parameters,
            progress_bar=False,
            cwd=str(folder),
            execution_timeout=CELL_TIMEOUT,
            kernel_manager_class=SectionKernelManager,
            kernel_name="python3",
            shutdown_kernel="immediate",  # it has nothing left to save
        )
    except PapermillExecutionError as error:
        return f"{error.ename}: {error.evalue}"
    except (PapermillException, CellTimeoutError, DeadKernelError, OSError) as error:
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return None


def _summary(
    study: Study,
    found: Sequence[SectionRecord],
    outcomes: Sequence[SectionOutcome],
    translate: Translate,
) -> str:
    """The summary as plain text; sections that failed are named in it."""
    lines = [study.plan.title, "", Summary.of(found).text(translate)]
    for outcome in outcomes:
        if outcome.status == "failed":
            failed = message(
                "Section {title} failed: {error}", title=outcome.title, error=outcome.error
            )
            lines += ["", failed.render(translate)]
    return "\n".join(lines) + "\n"


def _parameter(study: Study) -> str:
    """How a notebook is told which study: by name where it lies in ``params/``."""
    inside = study.file.parent.resolve() == study.project.params.resolve()
    return study.name if inside else str(study.file.resolve())


def _expected_seconds(study: Study) -> dict[str, float]:
    """Seconds each section took in the newest complete run."""
    manifest = study.project.reports(study.name) / "latest" / "manifest.json"
    if not manifest.is_file():
        return {}
    sections = json.loads(manifest.read_text("utf-8"))["sections"]
    return {section["name"]: float(section["seconds"]) for section in sections}


def _hashes(study: Study) -> dict[str, str]:
    """SHA-256 of the study file and of every raw file."""
    tables = ("responses", "population", "contacts", "history", "tickets", "actions")
    paths = [study.file, *(path for table in tables if (path := study.source(table)))]
    return {study.project.shown(path): _sha256(path) for path in paths}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unused(folder: Path) -> Path:
    """``folder``, or the same with ``-2``, ``-3``, … where it is taken."""
    taken = folder
    number = 1
    while taken.exists():
        number += 1
        taken = folder.with_name(f"{folder.name}-{number}")
    return taken


def _sweep(reports: Path) -> None:
    """Remove what runs that were killed left behind; a run that still lives keeps its folder."""
    for stray in reports.glob(".building-*"):
        pid = int(stray.name.rsplit("-", 1)[1])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            shutil.rmtree(stray, ignore_errors=True)
        except PermissionError:
            continue  # somebody else's run


def _point_latest(folder: Path) -> None:
    """Let ``latest`` be this run, in one step."""
    link = folder.parent / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(folder.parent / "latest")
