"""What every block of a study file is made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

CLOSED = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _as_list(value: Any) -> Any:
    """A single value stands for a list of one, nothing at all for an empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


TextList = Annotated[list[str], BeforeValidator(_as_list)]
SomeText = Annotated[TextList, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=80)]
