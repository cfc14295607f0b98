"""The study file's schema: what a study may say. Closed: an unknown key is an error.

Names of columns, levels and files are kept as they stand in the data; every other word is one
of the keys below. Defaults are the field's usual values and can all be changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from csat_stats.results import message
from csat_stats.study.analyses import History, Improvement, Loyalty, Outcome, Trends
from csat_stats.study.fields import CLOSED, Name, Share, SomeText, TextList
from csat_stats.study.sampling_plan import Sampling

# What a column of the responses can be, beside an item, an outcome or a segment.
ROLES = ("respondent", "customer", "submitted", "duration", "wave", "overall", "nps")


class _Closed(BaseModel):
    model_config = CLOSED


class Data(_Closed):
    """Files under ``data/raw/``: one row a respondent, a stratum, a contact, a ticket, an action,
    an earlier month.

    Before fieldwork there are no responses: the study is then its sampling plan.
    """

    responses: str | None = None
    population: str | None = None
    contacts: str | None = None
    tickets: str | None = None
    actions: str | None = None
    history: str | None = None


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


class Exclusions(_Closed):
    """Rules by which responses are left out; each is counted and shown."""

    min_seconds: Annotated[float, Field(ge=0)] | None = None
    one_answer_per: str | None = None


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
    ave: Share = 0.5
    composite_reliability: Share = 0.7
    htmt: Share = 0.85
    cfi: Share = 0.9
    rmsea: Share = 0.08
    srmr: Share = 0.08
    invariance_cfi: Share = 0.01
    common_factor: Share = 0.5
    power: Annotated[float, Field(gt=0, lt=1)] = 0.8
    dimension: float | None = None
    index: float = 90
    fill: Share = 0.9
    call_back: Share = 0.9
    minimum_base: Annotated[int, Field(ge=2)] = 10
    caution_base: Annotated[int, Field(ge=2)] = 30

    @model_validator(mode="after")
    def _bases(self) -> Thresholds:
        if self.minimum_base > self.caution_base:
            raise ValueError(message("`minimum_base` must not be above `caution_base`."))
        return self


class Grades(_Closed):
    """Lowest figure of each verbal grade, worst grade left out, in rising order."""

    alpha: Annotated[list[Share], Field(min_length=4, max_length=4)] = [0.6, 0.7, 0.8, 0.9]
    kmo: Annotated[list[Share], Field(min_length=5, max_length=5)] = [0.5, 0.6, 0.7, 0.8, 0.9]

    @model_validator(mode="after")
    def _rising(self) -> Grades:
        for cuts in (self.alpha, self.kmo):
            if sorted(set(cuts)) != cuts:
                raise ValueError(message("grades must rise."))
        return self


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
    crosstabs: list[Annotated[TextList, Field(min_length=2, max_length=2)]] = []
    ranking: TextList = []

    index: Index = Index()
    sampling: Sampling | None = None
    exclusions: Exclusions = Exclusions()
    history: History | None = None
    loyalty: Loyalty = Loyalty()
    trends: Trends = Trends()
    improvement: Improvement | None = None
    targets: list[Target] = []
    thresholds: Thresholds = Thresholds()
    grades: Grades = Grades()
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

    def columns(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every column of the responses that the study file names, with its place there."""
        for dimension, items in self.dimensions.items():
            for i, item in enumerate(items):
                yield ("dimensions", dimension, i), item
        for role in ROLES:
            if (column := self.column_of(role)) is not None:
                yield (role,), column
        for name, outcome in self.outcomes.items():
            yield ("outcomes", name, "column"), outcome.column
            if outcome.date:
                yield ("outcomes", name, "date"), outcome.date
        for segment in self.segments:
            yield ("segments", segment), segment
        for i, column in enumerate(self.ranking):
            yield ("ranking", i), column
        for dimension, column in self.loyalty.stated.items():
            yield ("loyalty", "stated", dimension), column
        if self.loyalty.cluster:
            yield ("loyalty", "cluster"), self.loyalty.cluster
        if self.improvement and self.improvement.cluster:
            yield ("improvement", "cluster"), self.improvement.cluster
        if self.exclusions.one_answer_per:
            yield ("exclusions", "one_answer_per"), self.exclusions.one_answer_per
        if self.sampling:
            for i, stratum in enumerate(self.sampling.strata):
                yield ("sampling", "strata", i), stratum
            for role in ("weight", "cluster"):
                if (column := getattr(self.sampling, role)) is not None:
                    yield ("sampling", role), column
            for role, column in self.call_back_columns.items():
                yield ("sampling", "call_back", role), column

    def column_of(self, role: str) -> str | None:
        """The column that plays one of :data:`ROLES`."""
        value = getattr(self, role)
        return value if value is None or isinstance(value, str) else str(value.column)

    @property
    def call_back_columns(self) -> dict[str, str]:
        """Columns of the call-back rule by their role: ``served, called, served_by, called_by``."""
        rule = self.sampling.call_back if self.sampling else None
        columns = rule.model_dump(exclude={"hours"}, exclude_none=True) if rule else {}
        return dict(columns)

    @property
    def clusters(self) -> list[str]:
        """Columns of what answers hang together in: engineers, stores, regions."""
        improved = self.improvement.cluster if self.improvement else None
        return [column for column in (self.loyalty.cluster, improved) if column is not None]

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
    def problem_to(self) -> float:
        """Highest answer that counts as a problem: the lower of two scores around the middle."""
        if self.trends.problem_to is not None:
            return self.trends.problem_to
        return self.scale.low + (2 - 1) / 4 * (self.scale.high - self.scale.low)

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
