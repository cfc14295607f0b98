"""How figures and tables look: in a notebook as in the report."""

from __future__ import annotations

import html
import math
import string
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

NO_VALUE = "–"
P_VALUES = ("p_value", "p_holm", "p_rank", "p_equivalence", "adjusted_p", "adjusted_p_holm")

# Small enough to stand with every table. Lines take the colour of the text, so that a dark
# notebook can be read too.
_STYLE = """<style>
.csat-result .scroll{overflow-x:auto}
.csat-result table{border-collapse:collapse;margin:8px 0;font-variant-numeric:tabular-nums}
.csat-result th{border-top:2px solid;border-bottom:1px solid;padding:7px 10px;font-weight:700}
.csat-result td{border-bottom:1px solid #8884;padding:6px 10px;vertical-align:top}
.csat-result tbody tr:last-child td{border-bottom:2px solid}
div.csat-result tbody tr:nth-child(n){background:none}
.csat-result .gt_left{text-align:left}
.csat-result .gt_right{text-align:right;white-space:nowrap}
.csat-result .note{font-size:13px;line-height:1.6;max-width:60em;opacity:.8}
</style>"""


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


def number(value: Any, pattern: str = ".2f") -> str:
    """A figure in ``pattern``, typeset as in a sentence; a missing one as a dash."""
    if value is None or pd.isna(value):
        return NO_VALUE
    return typeset(f"{{:{pattern}}}", value).replace("inf", "∞")


def p_value(value: Any) -> str:
    """A p value with three digits and no leading zero, as in ``.012``; never ``.000``."""
    if value is None or pd.isna(value):
        return NO_VALUE
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def p_phrase(value: Any) -> str:
    """A p value after the letter p in a sentence: ``= .012`` or ``< .001``."""
    shown = p_value(value)
    return shown if shown.startswith("<") else f"= {shown}"


def pattern_of(figures: Iterable[Any]) -> str:
    """A number format for figures that stand together: three digits of the largest of them.

    >>> pattern_of([68.54, 2.66]), pattern_of([0.834, 0.9]), pattern_of([12, 1200])
    (',.1f', ',.3f', ',.0f')
    """
    sizes = [abs(float(f)) for f in figures if not pd.isna(f) and math.isfinite(f)]
    if all(size.is_integer() for size in sizes):
        return ",.0f"
    largest = math.floor(math.log10(max(sizes)))
    return f",.{max(2 - largest, 1)}f" if largest > -4 else ".2e"


def table(frame: pd.DataFrame, first: int = 20) -> str:
    """The ``first`` rows of a tidy frame as the report marks up its tables, all text escaped."""
    head = frame.head(first)
    columns = [_column(head, name) for name in head]
    sides = ["right" if _holds_numbers(head[name]) else "left" for name in head]
    headers = "".join(
        f'<th class="gt_col_heading gt_{side}" scope="col">{html.escape(str(name))}</th>'
        for name, side in zip(head, sides, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="gt_row gt_{side}">{html.escape(cell)}</td>'
            for cell, side in zip(cells, sides, strict=True)
        )
        + "</tr>"
        for cells in zip(*columns, strict=True)
    )
    cut = ""
    if len(head) < len(frame):
        cut = paragraph(f"The first {len(head):,} of {len(frame):,} rows.", "note")
    return (
        '<div class="scroll"><table class="gt_table">'
        f'<thead><tr class="gt_col_headings">{headers}</tr></thead>'
        f'<tbody class="gt_table_body">{rows}</tbody></table></div>{cut}'
    )


def _column(frame: pd.DataFrame, name: str) -> list[str]:
    """The cells of one column; an estimate and its interval are shown alike."""
    values = frame[name]
    if not _holds_numbers(values):
        return [NO_VALUE if pd.isna(value) else str(value) for value in values]
    if name in P_VALUES:
        return [p_value(value) for value in values]
    interval = ("estimate", "conf_low", "conf_high")
    alike = [column for column in interval if column in frame] if name in interval else [name]
    pattern = pattern_of(value for column in alike for value in frame[column])
    return [number(value, pattern) for value in values]


def _holds_numbers(values: pd.Series) -> bool:
    kind = pd.api.types.infer_dtype(values, skipna=True)
    return kind in ("floating", "integer", "mixed-integer-float")


def entry(name: str, value: Any) -> str:
    """A value of any kind in few words: a frame by its size, a figure by itself."""
    if isinstance(value, pd.DataFrame | pd.Series):
        return " × ".join(str(size) for size in value.shape)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return p_value(value) if name in P_VALUES else number(value, pattern_of([value]))


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph, escaped; ``kind`` is its class."""
    return f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>"


def block(parts: Sequence[str]) -> str:
    """Finished pieces of HTML under the style of the report."""
    return f'<div class="csat-result">{_STYLE}{"".join(parts)}</div>'
