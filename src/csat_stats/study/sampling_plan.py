"""The part of a study file on the sample: how it was drawn, what became of it, field rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from csat_stats.results import message
from csat_stats.study.fields import CLOSED, SomeText, TextList


class _Closed(BaseModel):
    model_config = CLOSED


class Dispositions(_Closed):
    """What became of each contact, by AAPOR code: the words in ``column`` that stand for it.

    I complete, P partial, R refusal or break-off, NC no contact, O other eligible, UH unknown
    whether there is an eligible person, UO otherwise unknown, NE not eligible.
    """

    column: str
    codes: dict[Literal["I", "P", "R", "NC", "O", "UH", "UO", "NE"], SomeText]

    @model_validator(mode="after")
    def _told_apart(self) -> Dispositions:
        if "I" not in self.codes:
            raise ValueError(message("`codes` needs I: what a completed questionnaire is called."))
        first: dict[str, str] = {}
        for code, words in self.codes.items():
            for word in words:
                if first.setdefault(word, code) != code:
                    text = message(
                        "{value} stands under both {first} and {second}.",
                        value=word,
                        first=first[word],
                        second=code,
                    )
                    raise ValueError(text)
        return self


class CallBack(_Closed):
    """When customers are to be called back, in hours after the service, and not by whom.

    All are columns of the responses: two times, and who did the service and who called.
    """

    served: str
    called: str
    hours: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(gt=0)]] = (24, 48)
    served_by: str | None = None
    called_by: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> CallBack:
        if not self.hours[0] < self.hours[1]:
            raise ValueError(
                message("`hours` are the shortest and the longest time, in this order.")
            )
        if (self.served_by is None) != (self.called_by is None):
            raise ValueError(message("`served_by` and `called_by`: both are needed, or neither."))
        return self


class Sampling(_Closed):
    """How the sample was drawn. Without this block it is taken as a convenience sample.

    ``weight`` is a column of ready-made weights, ``cluster`` one of primary sampling units;
    ``weighting`` brings the responses to the frame, with weights within ``trim``, the lowest and
    the highest in multiples of the mean.
    ``std_dev`` is what a dimension score is expected to have, a quarter of the scale by default.
    """

    strata: TextList = []
    size: str | None = None
    planned: Annotated[int, Field(gt=0)] | None = None
    allocation: Literal["proportional", "equal"] = "proportional"
    minimum: Annotated[int, Field(ge=0)] = 0
    margin: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    design_effect: Annotated[float, Field(ge=1)] = 1.0
    response_rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    std_dev: Annotated[float, Field(gt=0)] | None = None
    weighting: Literal["none", "post_stratify", "rake"] = "none"
    trim: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(gt=1)]] | None = None
    weight: str | None = None
    cluster: str | None = None
    dispositions: Dispositions | None = None
    call_back: CallBack | None = None
