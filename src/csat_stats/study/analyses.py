"""The part of a study file on what is asked of the answers: loyalty, trends, improvements."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from csat_stats.results import message
from csat_stats.study.fields import CLOSED, Name, Share, SomeText, TextList

Money = Annotated[float, Field(ge=0)]


def _month(value: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value):
        raise ValueError(message("{value} is not a month like 2026-03.", value=value))
    return value


Month = Annotated[str, AfterValidator(_month)]


class _Closed(BaseModel):
    model_config = CLOSED


class Outcome(_Closed):
    """A yes/no behaviour after the service: repurchase, referral, …

    With ``date``, the column of the day it happened, what lies before the answer is no outcome;
    nor is what lies more than ``within_days`` after it. Behaviour is known up to ``until``.
    """

    column: str
    yes: SomeText
    no: SomeText
    label: str | None = None
    date: str | None = None
    within_days: Annotated[int, Field(gt=0)] | None = None
    until: dt.date | None = None

    @model_validator(mode="after")
    def _whole(self) -> Outcome:
        both = sorted(set(self.yes) & set(self.no))
        if both:
            raise ValueError(message("{value} stands in both `yes` and `no`.", value=both[0]))
        if self.date is None and (self.within_days or self.until):
            raise ValueError(message("`within_days` and `until` need `date`."))
        return self


class Scenario(_Closed):
    """What an improvement of scores by so many points would be worth, in money."""

    outcome: Name
    improve: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    customers: Annotated[int, Field(gt=0)]
    value: Money
    cost: Money = 0


class Risk(_Closed):
    """Whom to call: cost of a call, value of a customer, share of those called who are kept."""

    outcome: Name
    call_cost: Money | None = None
    value: Money | None = None
    saved: Share | None = None

    @model_validator(mode="after")
    def _all_or_none(self) -> Risk:
        given = [name for name in ("call_cost", "value", "saved") if getattr(self, name) is None]
        if 0 < len(given) < 3:
            raise ValueError(
                message("`call_cost`, `value` and `saved`: all are needed, or none of them.")
            )
        return self


class Loyalty(_Closed):
    """How drivers and loyalty are analysed.

    ``cluster`` is the column of engineers or stores whose customers hang together;
    ``imputations`` is how many times gaps are filled in, 0 for complete cases only; ``stated``
    names for each dimension the column with the importance that customers state.
    """

    importance: Literal["lmg", "johnson"] = "lmg"
    crosshair: Literal["mean", "median", "scale"] = "mean"
    cluster: str | None = None
    imputations: Annotated[int, Field(ge=0, le=200)] = 0
    stated: dict[str, str] = {}
    scenario: Scenario | None = None
    risk: Risk | None = None


class History(_Closed):
    """Columns of ``data.history``: earlier figures, one row a month (and level of a segment).

    ``satisfied`` is the number of satisfied among ``n`` answers, ``means`` the column with the
    mean of each dimension.
    """

    period: str
    n: str
    satisfied: str | None = None
    means: dict[str, str] = {}

    def columns(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Every column that is named, with its place below ``history``."""
        for key in ("period", "n", "satisfied"):
            if (column := getattr(self, key)) is not None:
                yield (key,), column
        for dimension, column in self.means.items():
            yield ("means", dimension), column


class Trends(_Closed):
    """How months are followed: frozen ``baseline`` (its last month), months of promotions,
    months to forecast, answers up to ``problem_to`` as problems."""

    baseline: Month | None = None
    promotions: list[Month] = []
    horizon: Annotated[int, Field(ge=1, le=12)] = 3
    problem_to: float | None = None
    recurring_from: Share = 0.1
    standard: Literal["first", "last", "pooled"] = "first"


class Improvement(_Closed):
    """One action to be validated: what it should change, for whom, between which waves.

    ``date`` is the day it took hold, ``margin`` the change on the scale that would not matter,
    ``cluster`` the column of sites or regions within which answers hang together.
    """

    label: str | None = None
    dimension: str
    treated: dict[str, TextList] = {}
    before: str
    after: str
    date: dt.date | None = None
    margin: Annotated[float, Field(gt=0)] | None = None
    cluster: str | None = None
