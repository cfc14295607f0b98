"""What a section works on: the data of the wave and segments reported on, and their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from csat_stats.report import metrics
from csat_stats.report import scope as scopes
from csat_stats.report.language import Translate, translator
from csat_stats.results import Message, Result, message
from csat_stats.study import Intake, Plan, Study

# What an analysis can need, and how it is said that a study does not have it.
NEEDS = {
    "responses": message("There are no responses yet."),
    "sampling": message("The study file has no sampling plan."),
    "population": message("This study has no population frame."),
    "planned": message("The sampling plan names no planned number of responses."),
    "contacts": message("This study has no list of contacts."),
    "contacts_where": message(
        "The list of contacts does not tell who is in the group reported on: no response rates."
    ),
    "contacts_wave": message(
        "The list of contacts does not tell the waves apart: the response rates are those of all."
    ),
    "contacts_strata": message(
        "The list of contacts does not tell every stratum: no response rates by those it lacks."
    ),
    "overall": message("This study has no question on overall satisfaction."),
    "nps": message("This study has no 0–10 recommendation question."),
    "outcomes": message("This study has no data on repurchase or referral."),
    "segments": message("The study file names no segments."),
    "months": message(
        "Neither the time of an answer nor earlier months are known: nothing by month."
    ),
    "scenario": message("The study file names no scenario: no return on investment."),
    "risk": message("The study file names no outcome to be at risk: no list of customers."),
    "two_waves": message("This study has only one wave of answers."),
    "improvement": message("The study file names no improvement to be validated."),
    "control": message("No group is named that the improvement did not reach."),
    "panel": message("No customer answered in both waves, so no panel can be followed."),
    "targets": message("The study file names no targets."),
}


# The five points of the usual scale, worst first.
_FIVE = (
    message("very dissatisfied"),
    message("dissatisfied"),
    message("neutral"),
    message("satisfied"),
    message("very satisfied"),
)


@dataclass(kw_only=True)
class Material:
    """A study's data within a scope (``wave`` and ``where``, either empty), in a language."""

    study: Study
    intake: Intake
    scope: dict[str, str]
    language: str

    @property
    def translate(self) -> Translate:
        """From an English source text to the language."""
        return translator(self.language)

    def t(self, text: str, /, **values: Any) -> str:
        """A text in the language of the report."""
        return Message(text, values).render(self.translate)

    @property
    def level_labels(self) -> dict[float, str]:
        """The points of the answer scale, worst first, in words where there are five."""
        scale = self.plan.scale
        points = [float(p) for p in range(int(scale.low), int(scale.high) + 1)]
        if len(points) != len(_FIVE):
            return {point: f"{point:g}" for point in points}
        return {p: word.render(self.translate) for p, word in zip(points, _FIVE, strict=True)}

    @property
    def plan(self) -> Plan:
        """The study file."""
        return self.study.plan

    @property
    def bases(self) -> dict[str, int]:
        """The smallest bases that are shown, and shown without a caution."""
        limits = self.plan.thresholds
        return {"minimum_base": limits.minimum_base, "caution_base": limits.caution_base}

    @property
    def responses(self) -> pd.DataFrame:
        """Responses of all waves, within ``where``."""
        frame = self.intake.responses
        for column, value in scopes.pairs(self.scope["where"]):
            frame = frame[frame[column] == value]
        return frame.reset_index(drop=True)

    @property
    def waves(self) -> list[str]:
        """Waves that have answers, in order of time."""
        if not self.plan.wave:
            return []
        present = set(self.responses["wave"].dropna())
        return [wave for wave in self.plan.waves if wave in present]

    @property
    def wave(self) -> str:
        """The wave reported on; empty where the study has no waves."""
        return self.scope["wave"] or (self.waves[-1] if self.waves else "")

    def of_wave(self, wave: str) -> pd.DataFrame:
        """Responses of one wave."""
        frame = self.responses
        return frame[frame["wave"] == wave].reset_index(drop=True) if wave else frame

    @property
    def current(self) -> pd.DataFrame:
        """Responses of the wave reported on."""
        return self.of_wave(self.wave)

    @property
    def previous(self) -> pd.DataFrame | None:
        """Responses of the wave before the one reported on, or None."""
        if self.wave not in self.waves[1:]:
            return None
        return self.of_wave(self.waves[self.waves.index(self.wave) - 1])

    @property
    def population(self) -> pd.DataFrame:
        """The sampling frame."""
        return self.intake.tables["population"]

    @property
    def contacts(self) -> pd.DataFrame:
        """Customers invited in the wave reported on, or in all where the list does not tell it."""
        frame = self.intake.tables["contacts"]
        for column, value in scopes.pairs(self.scope["where"]):
            frame = frame[frame[column] == value]
        if self.wave and "wave" in frame:
            frame = frame[frame["wave"] == self.wave]
        return frame.reset_index(drop=True)

    @property
    def population_size(self) -> int | None:
        """Number of people in the sampling frame, where it is known."""
        if not self.there("population"):
            return None
        assert self.plan.sampling is not None
        return int(self.population[self.plan.sampling.size].sum())

    @property
    def followed(self) -> pd.DataFrame:
        """Responses of the waves up to the one reported on."""
        return self.up_to(self.wave)

    def up_to(self, wave: str) -> pd.DataFrame:
        """Responses of the waves up to one; all where a study has no waves."""
        frame = self.responses
        if not wave:
            return frame
        seen = self.plan.waves[: self.plan.waves.index(wave) + 1]
        frame = frame[frame["wave"].isin(seen)].reset_index(drop=True)
        return frame.assign(wave=frame["wave"].cat.remove_unused_categories())

    def shared(self, waves: Sequence[str]) -> Plan:
        """The study file with those items only that were asked in every one of ``waves``."""
        frame = self.responses
        of_waves = [frame[frame["wave"] == wave] for wave in waves]
        asked = {
            dimension: [i for i in items if all(wave[i].notna().any() for wave in of_waves)]
            for dimension, items in self.plan.dimensions.items()
        }
        kept = {dimension: items for dimension, items in asked.items() if items}
        return self.plan.model_copy(update={"dimensions": kept})

    def scores(self, responses: pd.DataFrame) -> pd.DataFrame:
        """Dimension scores, one row a response."""
        return metrics.scores(self.plan, responses)

    def measure(self, metric: str, responses: pd.DataFrame) -> Result:
        """A metric of the study file (a dimension, ``index``, ``nps``, …) with its interval."""
        return metrics.measure(self.plan, responses, metric)

    def there(self, need: str) -> bool:
        """Whether the study has what an analysis needs: a key of ``NEEDS``, or ``call_back``."""
        plan, improvement = self.plan, self.plan.improvement
        contacts = self.intake.tables.get("contacts", pd.DataFrame())
        return {
            "responses": self.study.fielded,
            "sampling": plan.sampling is not None,
            "population": bool(plan.sampling and plan.sampling.strata)
            and "population" in self.intake.tables,
            "planned": bool(plan.sampling and plan.sampling.planned),
            "contacts": "contacts" in self.intake.tables,
            "contacts_where": {column for column, _ in scopes.pairs(self.scope["where"])}
            <= {*contacts},
            "contacts_wave": plan.wave is None or "wave" in contacts,
            "contacts_strata": plan.sampling is not None and {*plan.sampling.strata} <= {*contacts},
            "call_back": bool(plan.sampling and plan.sampling.call_back),
            "overall": plan.overall is not None,
            "nps": plan.nps is not None,
            "outcomes": bool(plan.outcomes),
            "segments": bool(plan.segments),
            "months": plan.submitted is not None or "history" in self.intake.tables,
            "scenario": plan.loyalty.scenario is not None,
            "risk": plan.loyalty.risk is not None,
            "two_waves": len(self.waves) > 1,
            "improvement": improvement is not None,
            "control": bool(improvement and improvement.treated),
            "panel": self._panel(),
            "targets": bool(plan.targets),
        }[need]

    def _panel(self) -> bool:
        if not self.plan.customer or len(self.waves) < 2:
            return False
        customers = self.responses.groupby("wave", observed=True)["customer"].agg(set)
        return bool(set.intersection(*customers))
