"""Tables as a reader gets them: headers in words, sensible digits, all text escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from csat_stats.display import NO_VALUE, P_VALUES, number, p_value
from csat_stats.report.language import Translate
from csat_stats.results import Message

SHARES = {"share", "fill", "share_sample", "share_frame", "difference"}


def display_frame(
    frame: pd.DataFrame,
    columns: Mapping[str, Message | str],
    formats: Mapping[str, str],
    translate: Translate,
) -> pd.DataFrame:
    """``frame`` as text: the chosen columns, in order, under their headers.

    A column ``conf`` joins ``conf_low`` and ``conf_high``; ``a..b`` joins the columns a and b.
    """
    shown: dict[str, pd.Series] = {}
    for column, header in columns.items():
        pattern = formats.get(column, ".2f")
        low, _, high = {"conf": "conf_low..conf_high"}.get(column, column).partition("..")
        if high:
            cells = pd.Series(
                [
                    NO_VALUE
                    if pd.isna(a) or pd.isna(b)
                    else f"{_cell(a, low, pattern)} – {_cell(b, high, pattern)}"
                    for a, b in zip(frame[low], frame[high], strict=True)
                ]
            )
        else:
            cells = pd.Series([_cell(v, column, formats.get(column)) for v in frame[column]])
        title = header.render(translate) if isinstance(header, Message) else header
        if title in shown:
            raise ValueError(f"two columns of a table are both headed {title!r}")
        shown[title] = cells.astype("str")
    return pd.DataFrame(shown)


def _cell(value: Any, column: str, pattern: str | None) -> str:
    if isinstance(value, str):
        return value
    if column in P_VALUES:
        return p_value(value)
    if pattern is None:
        whole = not pd.isna(value) and not isinstance(value, float)
        pattern = ".1%" if column in SHARES else (",d" if whole else ".2f")
    return number(value, pattern)


def to_html(display: pd.DataFrame, numeric: list[str]) -> str:
    """A bare ``<table>`` by great-tables: real headers, no ids, styled by the report's own CSS."""
    from great_tables import GT

    table = GT(display).cols_align("left")
    if numeric:
        table = table.cols_align("right", columns=numeric)
    page = table.as_raw_html()
    return page[page.index("<table") : page.index("</table>") + len("</table>")]
