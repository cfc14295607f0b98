"""What a conclusion is, and the words that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from csat_stats.report.records import Level
from csat_stats.results import Message, Result, message, typeset

VERDICTS: dict[Level, Message] = {
    "met": message("met"),
    "not_met": message("not met"),
    "watch": message("watch"),
    "not_estimable": message("not estimable"),
    "info": message("result"),
}


@dataclass(frozen=True)
class Finding:
    """A conclusion: ``id`` stays the same from run to run, ``tables`` is what it rests on."""

    id: str
    level: Level
    text: Message
    n: int | None = None
    tables: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


def not_estimable(id: str, what: Message | str, result: Result) -> Finding:
    """Why there is no figure."""
    text = message("{what}: not estimable. {why}", what=what, why=result.not_estimable)
    return Finding(id, "not_estimable", text, result.n_used)


def figures(result: Result, **more: Any) -> dict[str, Any]:
    """The numbers of a finding, for cards and for whoever compares two runs."""
    return {
        "estimate": result.estimate,
        "conf_low": result.conf_low,
        "conf_high": result.conf_high,
        **more,
    }


def between(low: float | None, high: float | None, pattern: str) -> Message | str:
    """An interval in brackets, or that there is none."""
    if low is None or high is None:
        return message("(no interval)")
    return typeset(f"[{pattern}, {pattern}]", low, high)


def interval(result: Result, pattern: str = "{:.2f}") -> Message | str:
    """The interval of a result in brackets."""
    return between(result.conf_low, result.conf_high, pattern)
