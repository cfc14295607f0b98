"""The one interactive block of a report: filter, drill down, compare; offline, no respondent in it.

Everything it can show is computed here and withheld where a group is too small; the page only
chooses. Its scripts need neither a host nor ``unsafe-eval``: Vega interprets its expressions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from csat_stats.report import fragments
from csat_stats.report.interactive.cells import Cells, collect
from csat_stats.report.interactive.scenario import panel
from csat_stats.report.language import BETWEEN_SENTENCES, Translate
from csat_stats.report.material import Material
from csat_stats.study import Intake, Plan, Study

_TEMPLATES = Path(__file__).parents[1] / "templates"
_UNSAFE = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Block:
    """A piece of a page.

    Attributes
    ----------
    html
        Markup with its scripts, to be inserted as it is; everything from data is escaped.
    scripts
        The text of each script in it, for the hashes of the content-security policy.
    """

    html: str
    scripts: tuple[str, ...]


def build(
    study: Study, intake: Intake, language: str, *, where: str = "", wave: str = ""
) -> Block | None:
    """The interactive block of a report.

    Parameters
    ----------
    language
        ``zh_Hans`` or ``en``.
    where
        Only these respondents: ``column=value`` pairs, joined by ``;``.
    wave
        The wave shown first; the last one with answers by default.

    Returns
    -------
    Block or None
        None where no dimension has enough answers to be shown.
    """
    scope = {"wave": wave, "where": where}
    material = Material(study=study, intake=intake, scope=scope, language=language)
    translate = material.translate
    cells = collect(material)
    first = _first_wave(cells, material.wave)
    if first is None:
        return None
    from csat_stats.report.interactive import chart

    plan = study.plan
    scenario = panel(material)
    mean = material.t("Mean, {low:g}–{high:g}", low=plan.scale.low, high=plan.scale.high)
    data = {
        "words": _words(translate, plan) | {"mean": mean, "between": BETWEEN_SENTENCES[language]},
        "waves": cells.waves,
        "wave": first,
        "segments": [[plan.label(name), levels] for name, levels in cells.segments.items()],
        "dimensions": _dimensions(plan),
        "items": [_item(plan, item, material) for item in plan.items],
        "answers": [f"{point} {material.level_labels[point]}".strip() for point in cells.answers]
        if len(cells.answers) == 5
        else [str(point) for point in cells.answers],
        "caution": plan.thresholds.caution_base,
        "groups": cells.groups,
        "colours": chart.COLOURS,
        "charts": {
            "means": chart.bars(mean, (plan.scale.low, plan.scale.high), "~g"),
            "shares": chart.bars(translate("Share of answers"), (0, cells.largest_share), "~%"),
        },
        "scenario": scenario.data if scenario else None,
    }
    scripts = (
        json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE),
        chart.library(),
        "".join(
            (_TEMPLATES / name).read_text("utf-8")
            for name in ("interactive.js", *(["scenario.js"] if scenario else []))
        ),
    )
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["t"] = material.t
    html = environment.get_template("interactive.html.j2").render(
        css="".join(
            (_TEMPLATES / name).read_text("utf-8") for name in ("interactive.css", "scenario.css")
        ),
        scripts=scripts,
        between=BETWEEN_SENTENCES[language],
        twin=_twin(material, cells, first, mean),
        waves=cells.waves,
        segments=cells.segments,
        base=plan.thresholds.minimum_base,
        level=plan.conf_level,
        notes=[note.render(translate) for note in cells.notes],
        scenario=scenario,
        scenario_said=scenario.said.render(translate) if scenario else "",
        scenario_notes=[note.render(translate) for note in scenario.notes] if scenario else [],
        file=plan.data.responses,
        wave=material.wave,
    )
    return Block(html, scripts)


def _first_wave(cells: Cells, wanted: str) -> int | None:
    """The wave wanted, or else the last that has anything to show."""
    shown = [number for number in range(len(cells.waves) or 1) if any(cells.of(number))]
    number = cells.waves.index(wanted) if wanted else 0
    return number if number in shown else (shown[-1] if shown else None)


def _dimensions(plan: Plan) -> list[Any]:
    """[name, numbers of its items] of every dimension."""
    numbers = iter(range(len(plan.items)))
    return [[name, [next(numbers) for _ in items]] for name, items in plan.dimensions.items()]


def _item(plan: Plan, item: str, material: Material) -> str:
    label = plan.label(item)
    return material.t("{item} (reversed)", item=label) if item in plan.reversed else label


def _words(translate: Translate, plan: Plan) -> dict[str, str]:
    """What the page says while it is used; ``{…}`` is filled in there."""
    return {
        "everyone": translate("All respondents"),
        "nothing": translate("No comparison"),
        "all_dimensions": translate("All dimensions"),
        "all_items": translate("All items"),
        "dimensions": translate("Mean score of each dimension."),
        "items": translate("{dimension}: mean score of each item."),
        "answers": translate("{item}: shares of the answers."),
        "base": translate("{group}: n = {n}."),
        "group": translate("{group} ({wave})"),
        "none": translate("{group}: withheld."),
        "withheld": translate("withheld"),
        "hidden": translate("Rows with “–” are withheld."),
        "caution": translate("Fewer than {base} answers, read with caution: {rows}."),
        "only_all": translate("Items are shown for all respondents only."),
        "share": translate("Share of answers"),
        "interval": translate("{level:.0%} interval").format(level=plan.conf_level),
        "row": translate("Row"),
        "group_head": translate("Group"),
    }


def _twin(material: Material, cells: Cells, wave: int, value_label: str) -> str:
    """What the block shows first, as a picture: for paper, and where scripts do not run."""
    from csat_stats import plots

    plan = material.plan
    figures = [cell[:4] if cell else [None] * 4 for cell in cells.of(wave)]
    frame = pd.DataFrame(figures, columns=["n", "estimate", "low", "high"], dtype="float64")
    frame.insert(0, "dimension", list(plan.dimensions))
    figure = plots.bars(
        frame, "dimension", "estimate", "low", "high",
        value_label=value_label, limits=(plan.scale.low, plan.scale.high), number="{:.2f}",
    )  # fmt: skip
    title = material.t("Mean score by dimension, with its interval")
    source = material.t("Source: {file}", file=plan.data.responses)
    if cells.waves:
        source += material.t("; wave: {wave}", wave=cells.waves[wave])
    source += material.t("; n = {n:,}", n=int(frame["n"].max()))
    return fragments.chart("explore-twin", title, plots.to_svg(figure), title, source)
