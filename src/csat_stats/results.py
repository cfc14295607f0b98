"""What every statistic returns: a frozen result, and the sentences it carries.

A method module knows no language, so it never writes finished prose. It writes a
:class:`Message`: an English sentence with named values. The report translates the sentence
and fills in the values; ``str(message)`` gives the English for whoever works alone in Python.
"""

from __future__ import annotations

import html
import math
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd


class _Typesetter(string.Formatter):
    """Fills in values; a negative figure gets a minus sign, and ``-0.0`` none."""

    def format_field(self, value: Any, format_spec: str) -> str:
        shown = str(super().format_field(value, format_spec))
        if isinstance(value, str) or not shown.startswith("-"):
            return shown
        return "−" + shown[1:] if any(digit in shown for digit in "123456789") else shown[1:]


def typeset(pattern: str, /, *figures: Any, **values: Any) -> str:
    """``pattern.format(…)`` as it is printed: a true minus sign, and none before a zero.

    >>> typeset("{:+.1f} of {n}", -2.04, n=3)
    '−2.0 of 3'
    """
    return _Typesetter().vformat(pattern, figures, values)


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
        lines = [str(self.method), *map(str, self.notes)]
        if self.not_estimable:
            lines.insert(0, f"Not estimable: {self.not_estimable}")
        elif self.estimate is not None:
            interval = (
                ""
                if self.conf_low is None or self.conf_high is None
                else f" [{self.conf_low:.4g}, {self.conf_high:.4g}]"
            )
            lines.insert(
                0, f"{type(self).__name__}: {self.estimate:.4g}{interval}, n = {self.n_used}"
            )
        paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
        return paragraphs + (
            "" if self.table.empty else self.table.to_html(escape=True, index=False)
        )


def _plain(value: Any) -> Any:
    """``value`` as something JSON can hold."""
    if isinstance(value, Message):
        return str(value)
    if isinstance(value, pd.DataFrame):
        return [_plain(row) for row in value.to_dict("records")]
    if isinstance(value, pd.Series):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "item"):  # numpy and pandas scalars
        value = value.item()
    return None if value is pd.NA or value != value else value
