"""The charts of the interactive block, as Vega-Lite: their rows are put in by the page."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt

from csat_stats.plots.theme import BLUE, GREY, INK, ORANGE, RULE

COLOURS = [BLUE, ORANGE]  # of the group chosen, and of the one it is compared with
_ROW, _PADDING = 64, 0.55  # pixels a row; share of it for the label above the bars
_LINE = 15  # pixels a line of the label


def bars(title: str, domain: tuple[float, float], format_: str) -> dict[str, Any]:
    """Horizontal bars with intervals, one or two groups a row, the row's label above them.

    Parameters
    ----------
    title
        Title of the value axis.
    domain
        Ends of the value axis, which the bars start from.
    format_
        Format of the axis, in the notation of d3.

    Notes
    -----
    The rows, as data set ``rows``: ``row`` and ``group`` numbers, ``lines`` of the label,
    ``value, low, high``, its ``text``, the ``tip`` shown under the pointer, and the number that
    a click can ``open``. The height is that of one row.
    """
    scale = alt.Scale(domain=list(domain), nice=False, zero=False)
    axis = alt.Axis(format=format_, tickCount=5)
    row = alt.Y("row:O", axis=None, scale=alt.Scale(padding=_PADDING))
    colour = alt.Color("group:O", legend=None, scale=alt.Scale(domain=[0, 1], range=COLOURS))
    base = alt.Chart(alt.NamedData("rows")).encode(
        y=row, yOffset=alt.YOffset("group:O"), tooltip=alt.Tooltip("tip:N")
    )
    x = alt.X("value:Q", title=title, scale=scale, axis=axis)
    pointer = alt.expr("isValid(datum.open) ? 'pointer' : 'default'")
    layers = [
        base.mark_bar(clip=True, cursor=pointer).encode(x=x, x2=alt.datum(domain[0]), color=colour),
        base.mark_rule(clip=True, color=INK, strokeWidth=1.6)
        .transform_filter("isValid(datum.low)")
        .encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_text(align="left", dx=8, fontSize=13, color=INK).encode(
            x=alt.value("width"), text="text:N"
        ),
        alt.Chart(alt.NamedData("rows"))
        .transform_filter("datum.group == 0")
        .mark_text(
            align="left",
            baseline="line-bottom",
            dy=alt.expr(f"-5 - {_LINE} * (datum.lines.length - 1)"),
            lineHeight=_LINE,
            fontSize=13,
            color=INK,
            cursor=pointer,
        )
        .encode(
            x=alt.value(0),
            y=alt.Y("row:O", bandPosition=0),
            text="lines:N",
            tooltip=alt.Tooltip("tip:N"),
        ),
    ]
    chart = (
        alt.layer(*layers)
        .properties(
            width="container",
            height=_ROW,
            padding={"left": 14, "right": 8, "top": 4, "bottom": 4},
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        )
        .configure(aria=False)
        .configure_mark(aria=False)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=RULE, domainColor=RULE, tickColor=RULE, labelColor=GREY, titleColor=GREY,
            labelFontSize=12, titleFontSize=12, titleFontWeight="normal",
        )
    )  # fmt: skip
    spec: dict[str, Any] = chart.to_dict()
    del spec["$schema"]  # an address of another host; the page says it is Vega-Lite
    return spec


@cache
def library() -> str:
    """Vega, Vega-Lite, their expression interpreter and Vega-Embed as the text of one script."""
    import vl_convert

    version = alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
    code = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    return f"(() => {{{code}\n}})();"
