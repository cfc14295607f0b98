"""Which part of a study a report is on: a wave, and a filter on segments."""

from __future__ import annotations

from csat_stats.report.language import LANGUAGES
from csat_stats.results import Message, message
from csat_stats.study import Intake, Problem, Study, StudyError


def pairs(where: str) -> list[tuple[str, str]]:
    """``column=value;column=value`` as pairs; only ever compared, never evaluated."""
    pairs = (part.partition("=") for part in where.split(";") if part.strip())
    return [(column.strip(), value.strip()) for column, _, value in pairs]


def waves(study: Study, intake: Intake, where: str) -> dict[str, int]:
    """Wave → responses within ``where``, in order of time; empty where a study has no waves."""
    if not study.plan.wave:
        return {}
    frame = intake.responses
    for column, value in pairs(where):
        frame = frame[frame[column] == value]
    counts = frame["wave"].value_counts()
    return {wave: int(counts.get(wave, 0)) for wave in study.plan.waves}


def check(study: Study, intake: Intake, wave: str, where: str, language: str) -> None:
    """Refuse parameters that name nothing in this study."""
    problems = []

    def refuse(text: Message) -> None:
        problems.append(Problem("csat", text))

    if language not in LANGUAGES:
        refuse(
            message(
                "language: {value} is not one of {names}.",
                value=language,
                names=", ".join(LANGUAGES),
            )
        )
    if wave and wave not in study.plan.waves:
        names = ", ".join(study.plan.waves) or "–"
        refuse(message("wave: {value} is not one of {names}.", value=wave, names=names))
    elif wave and not (intake.responses["wave"] == wave).any():
        refuse(message("wave: {value} has no answers.", value=wave))
        wave = ""
    frame = intake.responses
    for column, value in pairs(where):
        if column not in study.plan.segments:
            names = ", ".join(study.plan.segments) or "–"
            refuse(
                message(
                    "where: {column} is no segment; segments: {names}.", column=column, names=names
                )
            )
            continue
        frame = frame[frame[column] == value]
        if frame.empty:
            refuse(
                message("where: no response has {column} = {value}.", column=column, value=value)
            )
    if wave and not problems and not (frame["wave"] == wave).any():
        refuse(message("wave: {value} has no answers where {where}.", value=wave, where=where))
    if problems:
        raise StudyError(problems, study.plan.language)
