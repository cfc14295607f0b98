"""The sampling design of a study at work: what the plan can show, and the weights of responses."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from csat_stats import sampling
from csat_stats.report import metrics
from csat_stats.report.material import Material
from csat_stats.results import Message, message
from csat_stats.study.plan import Plan, Target
from csat_stats.study.sampling_plan import Sampling

NO_BASELINE = message("The target has no baseline.")
NO_CELLS = message("It is for customers whom the strata of the plan do not tell apart.")
NO_CHANGE = message("The target is no more than the baseline.")
AT_THE_END = message("The baseline or the target lies at the end of the scale or beyond.")

SIDE_BY_SIDE = ["metric", "unweighted", "estimate", "conf_low", "conf_high", "deff", "n_effective"]
SIDE_BY_SIDE += ["n"]


@dataclass(frozen=True)
class Chance:
    """How likely a wave of ``n`` responses shows that a target was reached, or why it is unknown.

    ``needed`` is the size of a wave that shows it with the power the study asks for.
    """

    goal: Target
    n: int | None = None
    power: sampling.TargetPower | None = None
    needed: sampling.ChangeSampleSize | None = None
    unknown: Message | None = None
    share: bool = False

    @property
    def pattern(self) -> str:
        """How baseline and target are written."""
        return ".1%" if self.share else ".2f"


def allocation(material: Material) -> sampling.Allocation:
    """The planned responses of a wave, cell by cell."""
    design = material.plan.sampling
    assert design is not None and design.planned is not None and design.size is not None
    return sampling.allocate(
        material.population,
        design.planned,
        by=design.strata,
        size=design.size,
        method=design.allocation,
        minimum=design.minimum,
    )


def chances(plan: Plan, cells: pd.DataFrame) -> list[Chance]:
    """The chance of each target to show, by the planned responses of its cells."""
    return [_chance(plan, goal, cells) for goal in plan.targets]


def _chance(plan: Plan, goal: Target, cells: pd.DataFrame) -> Chance:
    design = plan.sampling
    assert design is not None
    if goal.baseline is None:
        return Chance(goal, unknown=NO_BASELINE)
    if goal.target <= goal.baseline:
        return Chance(goal, unknown=NO_CHANGE)
    low, high = _ends(plan, goal)
    if not low < goal.baseline < goal.target < high:
        return Chance(goal, unknown=AT_THE_END)
    if not set(goal.where) <= set(design.strata):
        return Chance(goal, unknown=NO_CELLS)
    n = int(metrics.within(cells, goal.where)["planned"].sum())
    if n < 2:
        return Chance(goal, n, unknown=message("Nobody is planned there."))
    options: dict[str, Any] = {
        "sd": expected_sd(plan, goal),
        "design_effect": design.design_effect,
        "conf_level": plan.conf_level,
    }
    return Chance(
        goal,
        n,
        sampling.power_for_target(goal.baseline, goal.target, n, **options),
        sampling.sample_size_for_change(
            goal.baseline, goal.target, power=plan.thresholds.power, **options
        ),
        share=_is_share(plan, goal),
    )


def expected_sd(plan: Plan, goal: Target) -> float | None:
    """Standard deviation that a metric is expected to have; None for a share.

    A quarter of the scale unless the study file says otherwise; of the NPS the largest possible
    at its baseline, 100·√(1 − (NPS/100)²).
    """
    design = plan.sampling
    assert design is not None
    if _is_share(plan, goal):
        return None
    if goal.metric == "nps":
        return 100 * math.sqrt(1 - ((goal.baseline or 0) / 100) ** 2)
    low, high = _ends(plan, goal)
    part = design.std_dev / (plan.scale.high - plan.scale.low) if design.std_dev else 0.25
    return part * (high - low)


def _is_share(plan: Plan, goal: Target) -> bool:
    return goal.metric == "satisfied" or goal.metric in plan.outcomes


def _ends(plan: Plan, goal: Target) -> tuple[float, float]:
    """The ends of the scale of a metric."""
    if _is_share(plan, goal):
        return 0, 1
    if goal.metric == "nps":
        return -100, 100
    overall = plan.index_source if goal.metric == "index" else goal.metric
    scale = plan.overall_scale if overall == "overall" else plan.scale
    if goal.metric == "index":
        return 0 if plan.index.formula == "range" else 100 * scale.low / scale.high, 100
    return scale.low, scale.high


def weighting(material: Material, responses: pd.DataFrame) -> sampling.Weighting | None:
    """Weights that bring the responses to the frame as the study file asks for, or None.

    Where only a part of a wave is reported on, each respondent has the weight made for the wave.
    """
    design = material.plan.sampling
    if design is None or design.weighting == "none" or not material.there("population"):
        return None
    if not material.scope["where"]:
        return _weigh(design, responses, material.population)
    whole = material.intake.responses
    if material.wave:
        whole = whole[whole["wave"] == material.wave]
    made = _weigh(design, whole, material.population)
    by_row = pd.Series(made.weights.to_numpy(), index=whole["row"])
    note = message(
        "The weights are made for all respondents of the wave, of whom these are a part."
    )
    return replace(
        made, weights=responses["row"].map(by_row).rename("weight"), notes=(*made.notes, note)
    )


def _weigh(
    design: Sampling, responses: pd.DataFrame, population: pd.DataFrame
) -> sampling.Weighting:
    assert design.size is not None
    if design.weighting == "post_stratify":
        return sampling.post_stratify(responses, population, by=design.strata, size=design.size)
    margins = {
        name: population.groupby(name, sort=False)[design.size].sum() for name in design.strata
    }
    base = responses["weight"] if design.weight else None
    return sampling.rake(responses, margins, weights=base, trim=design.trim)


def weights(material: Material, responses: pd.DataFrame) -> pd.Series | None:
    """One weight a respondent: made by :func:`weighting`, or the study's own; None without any."""
    made = weighting(material, responses)
    if made is not None:
        return made.weights
    return responses.get("weight")


def drawn(plan: Plan) -> sampling.Design:
    """How the respondents were drawn and weighted, for estimates that go by the design."""
    design = plan.sampling
    assert design is not None
    calibrated: dict[str, list[str | list[str]]] = {
        "none": [],
        "post_stratify": [list(design.strata)],
        "rake": list(design.strata),
    }
    return sampling.Design(
        weights="used_weight",
        base_weights="weight" if design.weight and design.weighting == "rake" else None,
        cluster="cluster" if design.cluster else None,
        calibrated=calibrated[design.weighting],
        lonely_psu="adjust",
    )


def side_by_side(
    material: Material, responses: pd.DataFrame, given: pd.Series
) -> tuple[pd.DataFrame, list[sampling.SurveyMean]]:
    """Headline figures and dimensions without and with weights, and the weighted results.

    The table has the columns ``SIDE_BY_SIDE``; ``metric`` is one of :attr:`Plan.metrics`, shares
    are 0–1.
    """
    plan = material.plan
    values = metrics.values(plan, responses)
    frame = responses.drop(columns=[c for c in values if c in responses]).join(values)
    frame = frame.assign(used_weight=given)
    design = drawn(plan)
    if material.scope["where"]:  # a part of those who were calibrated is not calibrated itself
        design = replace(design, calibrated=(), base_weights=None)
    results = {
        name: sampling.survey_mean(frame, name, design, conf_level=plan.conf_level)
        for name in values
    }
    known = {name: result for name, result in results.items() if result.estimate is not None}
    rows = [
        (
            name,
            float(values[name].mean()),
            result.estimate,
            result.conf_low,
            result.conf_high,
            result.deff_replace,
            result.n_effective,
            result.n_used,
        )
        for name, result in known.items()
    ]
    return pd.DataFrame(rows, columns=SIDE_BY_SIDE), list(results.values())
