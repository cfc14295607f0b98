"""The study file's schema: what a study may say. Closed: an unknown key is an error.

Names of columns, levels and files are kept as they stand in the data; every other word is one
of the keys below. Defaults are the field's usual values and can all be changed.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from csat_stats.results import message


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _as_list(value: Any) -> Any:
    """A single value stands for a list of one, nothing at all for an empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


TextList = Annotated[list[str], BeforeValidator(_as_list)]
SomeText = Annotated[TextList, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=80)]


class Data(_Closed):
    """Files under ``data/raw/``: one row a respondent, a stratum, a ticket, an action."""

    responses: str
    population: str | None = None
    tickets: str | None = None
    actions: str | None = None


class Scale(_Closed):
    """Answer scale of the items; the highest value is the best unless an item is ``reversed``."""

    low: float = 1
    high: float = 5
    satisfied_from: float | None = None
    not_applicable: TextList = []

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        if not self.low < self.high:
            raise ValueError(message("`low` must be below `high`."))
        if not self.low < self.top_box <= self.high:
            raise ValueError(message("`satisfied_from` must lie on the scale, above `low`."))
        return self

    @property
    def top_box(self) -> float:
        """Lowest score that counts as satisfied: by default the two highest of three or more."""
        if self.satisfied_from is not None:
            return self.satisfied_from
        return self.high - 1 if self.high - 1 > self.low else self.high


class Overall(_Closed):
    """The overall satisfaction question; ``scale`` where it differs from the items'."""

    column: str
    scale: Scale | None = None


class Wave(_Closed):
    """The column that tells the waves apart, and their order in time."""

    column: str
    order: SomeText


class Outcome(_Closed):
    """A yes/no behaviour after the service: repurchase, referral, …"""

    column: str
    yes: SomeText
    no: SomeText
    label: str | None = None

    @model_validator(mode="after")
    def _either(self) -> Outcome:
        both = sorted(set(self.yes) & set(self.no))
        if both:
            raise ValueError(message("{value} stands in both `yes` and `no`.", value=both[0]))
        return self


class Sampling(_Closed):
    """How the sample was drawn. Without this block it is taken as a convenience sample."""

    strata: TextList = []
    size: str | None = None
    planned: Annotated[int, Field(gt=0)] | None = None
    allocation: Literal["proportional", "equal"] = "proportional"
    minimum: Annotated[int, Field(ge=0)] = 0
    margin: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    design_effect: Annotated[float, Field(ge=1)] = 1.0
    response_rate: Annotated[float, Field(gt=0, le=1)] = 1.0


class Exclusions(_Closed):
    """Rules by which responses are left out; each is counted and shown."""

    min_seconds: Annotated[float, Field(ge=0)] | None = None
    one_answer_per: str | None = None


class Improvement(_Closed):
    """One action to be validated: what it should change, for whom, between which waves."""

    label: str | None = None
    dimension: str
    treated: dict[str, TextList] = {}
    before: str
    after: str


class Target(_Closed):
    """One line of the objective register; ``metric`` is a dimension, index, nps, … ."""

    name: Name
    metric: str
    target: float
    where: dict[str, TextList] = {}
    baseline: float | None = None
    due: dt.date | None = None


class Thresholds(_Closed):
    """Where a figure changes its verdict. All figures are settings, not facts."""

    alpha: float = 0.7
    kmo: float = 0.6
    dimension: float | None = None
    index: float = 90
    fill: Share = 0.9
    minimum_base: Annotated[int, Field(ge=2)] = 10
    caution_base: Annotated[int, Field(ge=2)] = 30


class Index(_Closed):
    """The satisfaction index, 0–100."""

    source: Literal["overall", "dimensions"] | None = None
    formula: Literal["range", "of_maximum"] = "range"


LOGO_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".svg": "image/svg+xml",
}
MAX_LOGO = 500_000  # bytes; the logo is part of every report
CONTRAST = 4.5  # WCAG 2.2, level AA, for text


class Theme(_Closed):
    """The client's look: ``logo`` and ``slides`` (a .pptx whose layouts the slides take) are
    files under ``params/``, ``colour`` is a colour like #0b5570."""

    logo: str | None = None
    slides: str | None = None
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None

    @model_validator(mode="after")
    def _legible(self) -> Theme:
        if self.colour and contrast_with_white(self.colour) < CONTRAST:
            raise ValueError(
                message(
                    "white text on {colour} cannot be read (contrast {found:.1f}, needed "
                    "{needed}): take a darker colour.",
                    colour=self.colour,
                    found=contrast_with_white(self.colour),
                    needed=CONTRAST,
                )
            )
        return self


def contrast_with_white(colour: str) -> float:
    """Contrast ratio of a colour like ``#0b5570`` with white, 1–21 (WCAG 2.2).

    >>> round(contrast_with_white("#767676"), 2)
    4.54
    """
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


class Plan(_Closed):
    """A whole study file."""

    title: Annotated[str, Field(min_length=1)]
    client: str | None = None
    author: str | None = None
    period: str | None = None
    language: Literal["zh_Hans", "en"] = "zh_Hans"
    theme: Theme = Theme()

    data: Data
    missing: TextList = ["", "NA", "N/A", "(空)", "(跳过)"]

    respondent: str | None = None
    customer: str | None = None
    submitted: str | None = None
    duration: str | None = None
    wave: Wave | None = None

    scale: Scale = Scale()
    dimensions: dict[Name, SomeText] = Field(min_length=1)
    labels: dict[str, str] = {}
    reversed: TextList = []
    overall: Overall | None = None
    nps: str | None = None
    outcomes: dict[Name, Outcome] = {}
    segments: dict[str, TextList | None] = {}

    index: Index = Index()
    sampling: Sampling | None = None
    exclusions: Exclusions = Exclusions()
    improvement: Improvement | None = None
    targets: list[Target] = []
    thresholds: Thresholds = Thresholds()
    conf_level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        """``overall: COLUMN`` for ``overall: {column: COLUMN}``; segments as a list of columns."""
        if isinstance(value, dict):
            value = dict(value)
            if isinstance(value.get("overall"), str):
                value["overall"] = {"column": value["overall"]}
            columns = value.get("segments")
            columns = [columns] if isinstance(columns, str) else columns
            if isinstance(columns, list) and all(isinstance(column, str) for column in columns):
                value["segments"] = dict.fromkeys(columns)
        return value

    @property
    def items(self) -> list[str]:
        """Every item of every dimension, in the order of the study file."""
        return [item for items in self.dimensions.values() for item in items]

    def label(self, column: str) -> str:
        """What a reader is shown for a column."""
        return self.labels.get(column, column)

    @property
    def overall_scale(self) -> Scale:
        return self.scale if self.overall is None or not self.overall.scale else self.overall.scale

    @property
    def index_source(self) -> Literal["overall", "dimensions"]:
        return self.index.source or ("overall" if self.overall else "dimensions")

    @property
    def waves(self) -> list[str]:
        return self.wave.order if self.wave else []

    @property
    def low_dimension(self) -> float:
        """Dimension mean below which an alert is given: 3.5 of 5, moved to the study's scale."""
        if self.thresholds.dimension is not None:
            return self.thresholds.dimension
        return self.scale.low + (3.5 - 1) / 4 * (self.scale.high - self.scale.low)

    @property
    def metrics(self) -> list[str]:
        """Names a target or an improvement can refer to."""
        names = [*self.dimensions, "index"]
        if self.overall:
            names += ["overall", "satisfied"]
        if self.nps:
            names.append("nps")
        return names + list(self.outcomes)
