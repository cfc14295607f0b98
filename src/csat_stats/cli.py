"""``csat``: the door. Exit status 0 complete, 1 alert, 2 bad study or data, 3 a section failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from csat_stats import __version__

if TYPE_CHECKING:
    from csat_stats.run.runner import SectionOutcome, Step

app = typer.Typer(
    help="Customer-satisfaction studies: from a survey export to a report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
_out, _err = Console(soft_wrap=True, highlight=False), Console(stderr=True, highlight=False)

COMPLETE, ALERT, BAD_STUDY, SECTION_FAILED = 0, 1, 2, 3


class FailOn(StrEnum):
    never = "never"
    alert = "alert"


StudyArgument = Annotated[
    str, typer.Argument(help="Name of a study in params/, or a path to a .yml file.")
]


class LanguageName(StrEnum):
    zh_Hans = "zh_Hans"
    en = "en"


Language = Annotated[LanguageName | None, typer.Option(help="Default: the study's own.")]
RunArgument = Annotated[
    str, typer.Argument(help="A run's folder, or its name: demo/latest, demo/2026-11-21_213232.")
]
Debug = Annotated[bool, typer.Option(help="Show the traceback of an error.")]


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        _out.print(f"csat-stats {__version__}")
        raise typer.Exit


@app.command()
def run(
    study: StudyArgument,
    language: Language = None,
    wave: Annotated[str, typer.Option(help="Wave to report on; default: the last.")] = "",
    where: Annotated[
        str, typer.Option(help="Only these respondents: column=value;column=value.")
    ] = "",
    code: Annotated[bool, typer.Option("--code", help="Let the report unfold its code.")] = False,
    pdf: Annotated[bool, typer.Option(help="Print the report to PDF as well.")] = True,
    fail_on: Annotated[
        FailOn, typer.Option(help="alert: exit with 1 when the report holds an alert.")
    ] = FailOn.never,
    debug: Debug = False,
) -> None:
    """Run a study and build its report."""
    from csat_stats import run as runs

    with _refusing(language, debug), _Progress() as progress:
        result = runs.run(
            study,
            wave=wave,
            where=where,
            language=language or "",
            code=code,
            pdf=pdf,
            on_step=progress.step,
            on_done=progress.done,
        )
    for kind, path in result.files.items():
        _out.print(f"{kind:<9}{path}", markup=False)
    for remark in result.remarks:
        _err.print(remark, markup=False)
    for section in result.failed:
        _err.print(f"failed   {section.name}: {section.error}", markup=False, style="red")
    if result.failed:
        raise typer.Exit(SECTION_FAILED)
    if fail_on is FailOn.alert and result.alerts:
        raise typer.Exit(ALERT)


@app.command()
def check(study: StudyArgument, language: Language = None, debug: Debug = False) -> None:
    """Check a study file and its data; print every problem, or what will be run."""
    from csat_stats import study as studies
    from csat_stats.report.language import translator
    from csat_stats.report.overview import overview

    with _refusing(language, debug):
        loaded = studies.load(study)
        intake = studies.prepare(loaded)
    translate = translator(language or loaded.plan.language)
    _out.print(overview(loaded, intake, translate), markup=False)


@app.command()
def diff(
    before: RunArgument, after: RunArgument, language: Language = None, debug: Debug = False
) -> None:
    """Tell what changed between two runs: conclusions, study file, data, versions."""
    from csat_stats.report.language import translator
    from csat_stats.run import diff as diffs
    from csat_stats.study import Project

    with _refusing(language, debug):
        project = Project.find()
        found = diffs.compare(diffs.find(before, project), diffs.find(after, project))
    translate = translator(language or found.after.language)
    _out.print(diffs.render(found, translate), markup=False, end="")


@app.command(context_settings={"ignore_unknown_options": True})
def lab(
    study: Annotated[
        str, typer.Argument(help="Study that the notebooks are about; default: the one they name.")
    ] = "",
    options: Annotated[
        list[str] | None, typer.Argument(help="Options of jupyter lab, such as --no-browser.")
    ] = None,
) -> None:
    """Open the notebooks in JupyterLab."""
    from csat_stats.run import lab as labs
    from csat_stats.study import Project

    options = options or []
    if study.startswith("-"):
        study, options = "", [study, *options]
    with _refusing(None, debug=False):
        labs.open_lab(Project.find(), study, options)


@contextmanager
def _refusing(language: LanguageName | None, debug: bool) -> Iterator[None]:
    """Print the problems of a bad study instead of a traceback, in the study's language."""
    from csat_stats.report.language import LANGUAGES, translator
    from csat_stats.study import StudyError

    try:
        yield
    except StudyError as error:
        if debug:
            raise
        wanted = language or error.language or "en"
        translate = translator(wanted if wanted in LANGUAGES else "en")
        _err.print(error.render(translate), markup=False, soft_wrap=True)
        raise typer.Exit(BAD_STUDY) from None


class _Progress:
    """Names the section that runs and the time left; a plain line each where no one watches."""

    def __init__(self) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            console=_err,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> _Progress:
        if _err.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if _err.is_terminal:
            self._bar.stop()

    def step(self, step: Step) -> None:
        self._bar.update(
            self._task,
            total=step.of,
            completed=step.position - 1,
            description=f"{step.title}  ≈ {step.seconds_left:.0f} s",
        )

    def done(self, outcome: SectionOutcome) -> None:
        mark = {"complete": "✓", "skipped": "–", "failed": "✗"}[outcome.status]
        _err.print(f"{mark} {outcome.seconds:5.1f} s  {outcome.title}", markup=False)


def main() -> None:
    """Entry point of the ``csat`` command."""
    app()
