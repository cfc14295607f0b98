"""What a study will run, on one page: the answer of ``csat check`` to a study without problems."""

from __future__ import annotations

from collections.abc import Iterator

from csat_stats.report.language import Translate
from csat_stats.results import Message, message
from csat_stats.study import RULES, Intake, Study


def overview(study: Study, intake: Intake, translate: Translate) -> str:
    """Questionnaire, data and targets as plain text."""
    return "\n".join(_lines(study, intake, translate))


def _lines(study: Study, intake: Intake, translate: Translate) -> Iterator[str]:
    plan = study.plan

    def line(name: Message, value: object) -> str:
        return message("{name}: {value}", name=name, value=value).render(translate)

    yield plan.title
    yield line(message("Study file"), study.project.shown(study.file))
    yield line(message("Responses"), plan.data.responses or translate("none yet"))
    if study.fielded:
        for rule, n in zip(intake.flow["rule"], intake.flow["n"], strict=True):
            yield f"  {n:>8,}  {RULES[rule].render(translate)}"
    if plan.wave and study.fielded:
        counts = intake.responses["wave"].value_counts()
        waves = ", ".join(f"{wave} ({counts[wave]:,})" for wave in plan.waves)
        yield line(message("Waves"), waves)
    yield line(message("Scale"), f"{plan.scale.low:g}–{plan.scale.high:g}")
    yield line(message("Dimensions"), len(plan.dimensions))
    for dimension, items in plan.dimensions.items():
        yield f"  {dimension}: {', '.join(plan.label(item) for item in items)}"
    for name, values in (
        (message("Overall satisfaction"), [plan.overall.column] if plan.overall else []),
        (message("Recommendation 0–10"), [plan.nps] if plan.nps else []),
        (message("Outcomes"), list(plan.outcomes)),
        (message("Segments"), list(plan.segments)),
        (message("Targets"), [f"{t.name} ({t.metric} ≥ {t.target:g})" for t in plan.targets]),
        (message("Other tables"), list(intake.tables)),
    ):
        yield line(name, ", ".join(values) or translate("none"))
    for note in intake.notes:
        yield note.render(translate)
    yield translate("No problems found. Run it: csat run {name}").format(name=study.name)
