"""What every statistic returns: a frozen result, and the sentences it carries.

A method module knows no language, so it never writes finished prose. It writes a
:class:`Message`: an English sentence with named values. The report translates the sentence
and fills in the values; ``str(message)`` gives the English for whoever works alone in Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd

from csat_stats import display
from csat_stats.display import typeset

__all__ = ["Message", "Result", "message", "typeset"]


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence with named values: English as source, translated where it is shown.

    >>> str(message("{n} rows were dropped.", n=3))
    '3 rows were dropped.'
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def render(self, translate: Callable[[str], str] = str) -> str:
        """The sentence in the language of ``translate``; values that are messages follow it."""
        values = {
            name: value.render(translate) if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return typeset(translate(self.text), **values)

    def __str__(self) -> str:
        return self.render()


def message(text: str, /, **values: Any) -> Message:
    """A :class:`Message`; the text is extracted for translation, so it is always a literal."""
    return Message(text, values)


@dataclass(frozen=True, kw_only=True)
class Result:
    """The part that all results share.

    Attributes
    ----------
    estimate, conf_low, conf_high
        The headline figure and its confidence interval, at full precision; ``None`` when the
        statistic has none or ``not_estimable`` says why there is none. Never NaN.
    conf_level
        Level of every interval in the result, 0–1.
    n_used, n_dropped
        Rows that entered the estimate, and rows left out for missing values.
    method
        One line a reader can cite: estimator, interval, missing-data rule.
    notes
        Every fallback and warning, said aloud.
    not_estimable
        Why there is no figure, or ``None``.
    table
        Tidy frame with the package's column names: ``estimate, std_error, conf_low, conf_high,
        statistic, df, p_value, n`` where they apply.
    """

    estimate: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    conf_level: float = 0.95
    n_used: int
    n_dropped: int = 0
    method: Message
    notes: tuple[Message, ...] = ()
    not_estimable: Message | None = None
    table: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    def __post_init__(self) -> None:
        for name in ("estimate", "conf_low", "conf_high"):
            value = getattr(self, name)
            if value is not None and math.isnan(value):
                raise ValueError(f"{type(self).__name__}.{name} is NaN: say not_estimable instead")

    def to_frame(self) -> pd.DataFrame:
        """A copy of ``table``."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain Python: messages as text, frames as lists of rows."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}

    def _repr_html_(self) -> str:
        """Figure, table, method and notes, as the report shows them; in English."""
        parts = [display.paragraph(self._headline())]
        common = {item.name for item in fields(Result)}
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in common}
        entries = [f"{k} {display.entry(k, v)}" for k, v in own.items() if v is not None]
        if entries:
            parts.append(display.paragraph(" · ".join(entries), "note"))
        if not self.table.empty:
            parts.append(display.table(self.table))
        parts.append(display.paragraph(" ".join(map(str, (self.method, *self.notes))), "note"))
        return display.block(parts)

    def _headline(self) -> str:
        """The figure, its interval and its base; or why there is none."""
        name = type(self).__name__
        if self.not_estimable:
            return f"{name}: not estimable. {self.not_estimable}"
        base = f"n = {self.n_used:,}" + (f" ({self.n_dropped:,} dropped)" if self.n_dropped else "")
        if self.estimate is None:
            return f"{name}: {base}"
        figures = [self.estimate, self.conf_low, self.conf_high]
        estimate, low, high = (display.number(f, display.pattern_of(figures)) for f in figures)
        if self.conf_low is None or self.conf_high is None:
            return f"{name}: {estimate}, {base}"
        level = f"{100 * self.conf_level:.4g}%"
        return f"{name}: {estimate}, {level} interval [{low}, {high}], {base}"


def _plain(value: Any) -> Any:
    """``value`` as something JSON can hold; what is missing or infinite is None."""
    if isinstance(value, Message):
        return str(value)
    if isinstance(value, pd.DataFrame):
        return [_plain(row) for row in value.to_dict("records")]
    if isinstance(value, pd.Series):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # arrays and scalars of numpy
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str):
        return value
    if pd.isna(value) or (isinstance(value, float) and math.isinf(value)):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value
