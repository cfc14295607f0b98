"""Charts over time: what is drawn is read back from the figure."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from test_plots import AWKWARD, LONG, assert_legible, drawn_texts, words

from csat_stats import plots
from csat_stats.plots import theme, timeline

MONTHS = pd.period_range("2021-01", periods=60, freq="M")


def distinct(labels: Sequence[object]) -> list[str]:
    return [f"{label}{k}" for k, label in enumerate(labels, start=1)]


def waves(periods: Sequence[object]) -> pd.DataFrame:
    values = 75 + 6 * np.sin(np.arange(len(periods), dtype=float))
    return pd.DataFrame({"period": list(periods), "value": values, "adjusted": values - 1.5,
                         "low": values - 2, "high": values + 2.5})  # fmt: skip


def monitored(periods: Sequence[object]) -> pd.DataFrame:
    values = 0.8 + 0.05 * np.sin(np.arange(len(periods), dtype=float))
    width = np.resize([0.07, 0.08], len(periods))
    return pd.DataFrame({"period": list(periods), "value": values, "centre": 0.8,
                         "lower": 0.8 - width, "upper": 0.8 + width, "signal": ""})  # fmt: skip


def draw_trend(labels: Sequence[object]) -> Figure:
    return plots.trend_lines(waves(distinct(labels)), "period", "value", "low", "high",
                             adjusted="adjusted", value_label=words(labels, 0),
                             adjusted_label=words(labels, 1), reference=80,
                             reference_label=words(labels, 2),
                             events={words(labels, 3): distinct(labels)[-1]})  # fmt: skip


def draw_groups(labels: Sequence[object]) -> Figure:
    names = distinct([words(labels, k) for k in range(6)])
    frame = pd.concat([waves(MONTHS[:9]).assign(group=name) for name in names])
    frame[["value", "low", "high"]] += np.repeat(np.arange(6), 9)[:, None] * 0.4
    return plots.trend_lines(frame, "period", "value", "low", "high", group="group",
                             value_label=words(labels, 0))  # fmt: skip


def draw_control(labels: Sequence[object]) -> Figure:
    frame = monitored(distinct(labels))
    frame["signal"] = [str(label) if k % 2 else "" for k, label in enumerate(labels)]
    return control(frame, value_label=words(labels, 0), centre_label=words(labels, 1),
                   limits_label=words(labels, 2), signal_label=words(labels, 3),
                   baseline_end=distinct(labels)[0], baseline_label=words(labels, 4))  # fmt: skip


def draw_forecast(labels: Sequence[object]) -> Figure:
    frame, names = waves(distinct(labels)), distinct(labels)
    return plots.forecast(frame, frame.assign(period=[f"+{name}" for name in names]),
                          period="period", value="value", estimate="value", conf_low="low",
                          conf_high="high", other="adjusted", value_label=words(labels, 0),
                          observed_label=words(labels, 1), forecast_label=words(labels, 2),
                          other_label=words(labels, 3), promotions=[names[0], f"+{names[-1]}"],
                          promotions_label=words(labels, 4))  # fmt: skip


def draw_interrupted(labels: Sequence[object]) -> Figure:
    return interrupted(waves(distinct(labels)), distinct(labels)[-1], words(labels, 0))


CHARTS: dict[str, Callable[[Sequence[object]], Figure]] = {
    name.removeprefix("draw_"): function
    for name, function in list(globals().items())
    if name.startswith("draw_")
}


def control(frame: pd.DataFrame, **options: object) -> Figure:
    given = {"value_label": "满意客户比例", "centre_label": "中心线", "limits_label": "控制限",
             "signal_label": "异常信号", "number": "{:.1%}"}  # fmt: skip
    return plots.control_chart(frame, "period", "value", "centre", "lower", "upper", "signal",
                               **(given | options))  # type: ignore[arg-type]  # fmt: skip


def interrupted(frame: pd.DataFrame, start: object, word: str = "上线") -> Figure:
    return plots.interrupted(frame, "period", "value", "value", "adjusted", "low", "high",
                             start=start, start_label=word, value_label=word, observed_label=word,
                             fitted_label=word, counterfactual_label=word)  # fmt: skip


def drawn(figure: Figure, marker: str) -> Line2D:
    return next(line for line in figure.axes[0].lines if line.get_marker() == marker)


def shown(figure: Figure) -> list[str]:
    return [text for text, _ in drawn_texts(figure)]


@pytest.mark.parametrize("labels", [LONG, ["响应速度", "维修质量"], AWKWARD, ["唯一"]],
                         ids=["long", "two", "awkward", "single"])  # fmt: skip
@pytest.mark.parametrize("chart", CHARTS)
def test_text_stays_inside_and_apart(chart: str, labels: Sequence[object]) -> None:
    figure = CHARTS[chart](labels)
    assert_legible(figure)
    assert figure.get_figwidth() == theme.WIDTH
    assert min(t.get_fontsize() for t in figure.findobj(Text) if t.get_text().strip()) >= 9


@pytest.mark.parametrize("chart", CHARTS)
def test_svg_is_reproducible(chart: str) -> None:
    svg = plots.to_svg(CHARTS[chart](AWKWARD))
    assert svg == plots.to_svg(CHARTS[chart](AWKWARD))
    ElementTree.fromstring(svg)


@pytest.mark.parametrize("chart", ["trend", "control", "forecast", "interrupted"])
@pytest.mark.parametrize("missing", ["one", "all", "constant"])
def test_missing_and_constant_figures_are_drawn(chart: str, missing: str) -> None:
    frame = waves(["甲", "乙", "丙"]).convert_dtypes()
    columns = ["value", "adjusted", "low", "high"]
    if missing == "constant":
        frame[columns] = 1.5
    else:
        frame.loc[[1] if missing == "one" else [0, 1, 2], columns] = pd.NA
    if chart == "trend":
        figure = plots.trend_lines(frame, "period", "value", "low", "high", value_label="指数")
    elif chart == "control":
        renamed = frame.rename(columns={"low": "lower", "high": "upper", "adjusted": "centre"})
        figure = control(renamed.assign(signal=[True, pd.NA, "1"]))
    elif chart == "forecast":
        figure = plots.forecast(
            frame, frame.assign(period=["丁", "戊", "己"]), period="period", value="value",
            estimate="value", conf_low="low", conf_high="high", value_label="指数",
            observed_label="实际", forecast_label="预测",
        )  # fmt: skip
    else:
        figure = interrupted(frame, "乙")
    assert_legible(figure)
    plots.to_svg(figure)


def test_trend_shows_figures_intervals_adjusted_reference_and_event() -> None:
    frame = waves(["2023", "2024", "2025"])
    figure = plots.trend_lines(frame, "period", "value", "low", "high", value_label="指数",
                               adjusted="adjusted", adjusted_label="调整后", reference=74,
                               reference_label="目标", events={"换问卷": "2025"})  # fmt: skip
    assert_legible(figure)
    line, adjusted, reference, event = figure.axes[0].lines
    assert np.allclose(line.get_xydata(), np.column_stack([[0, 1, 2], frame["value"]]))
    assert line.get_ls() == "-" and adjusted.get_ls() == "--"
    assert np.allclose(adjusted.get_ydata(), frame["adjusted"])
    assert set(reference.get_ydata()) == {74} and set(event.get_xdata()) == {1.5}
    (whiskers,) = figure.axes[0].collections
    ends = [segment[:, 1] for segment in whiskers.get_segments()]
    assert np.allclose(ends, frame[["low", "high"]])
    assert {"75.0", "80.0", "80.5", "调整后", "目标", "换问卷"} <= set(shown(figure))


def test_groups_differ_in_colour_and_dash_and_end_in_their_figure() -> None:
    figure = draw_groups(["甲"])
    assert_legible(figure)
    lines = figure.axes[0].lines[:6]
    assert len({to_hex(line.get_color()) for line in lines}) == 6
    assert len({(line.get_ls(), line.get_marker()) for line in lines}) == 6
    values = waves(MONTHS[:9])["value"].iloc[-1] + np.arange(6) * 0.4
    assert {f"{value:.1f}" for value in values} <= set(shown(figure))


def test_figure_that_would_leave_the_axes_stands_below() -> None:
    frame = pd.DataFrame({"period": ["甲", "乙"], "value": [50.0, 99.5]})
    figure = plots.trend_lines(frame, "period", "value", value_label="指数", limits=(0, 100))
    assert_legible(figure)
    boxes = {text: box for text, box in drawn_texts(figure) if text in ("50.0", "99.5")}
    heights = figure.axes[0].transData.transform([[0, 50.0], [1, 99.5]])[:, 1]
    assert boxes["50.0"].y0 > heights[0] and boxes["99.5"].y1 < heights[1]


def test_a_month_left_out_opens_a_gap_and_order_is_that_of_time() -> None:
    frame = waves(MONTHS[[3, 0, 1]])
    figure = plots.trend_lines(frame, "period", "value", value_label="指数")
    y = figure.axes[0].lines[0].get_ydata()
    assert np.allclose(y, [*frame["value"].iloc[[1, 2]], np.nan, frame["value"][0]], equal_nan=True)
    assert timeline.periods("period", waves([2, -1, 1])) == [-1, 1, 2]
    assert timeline.periods("period", waves(["第二轮", "第十轮"])) == ["第二轮", "第十轮"]
    dates = waves(pd.to_datetime(["2025-02-01", "2025-01-01"]))
    ticks = plots.trend_lines(dates, "period", "value", value_label="").axes[0].get_xticklabels()
    assert [tick.get_text() for tick in ticks] == ["2025-01-01", "2025-02-01"]


@pytest.mark.parametrize(("count", "step"), [(6, 1), (12, 2), (24, 3), (60, 8)])
def test_periods_are_thinned_until_their_names_have_room(count: int, step: int) -> None:
    figure = control(monitored(MONTHS[:count]))
    assert_legible(figure)
    texts = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert texts == [str(month) for month in MONTHS[:count:step]]


def test_no_name_of_a_period_is_broken_within_a_word() -> None:
    assert timeline._is_whole("2024年\n第一季度", "2024年第一季度")
    assert timeline._is_whole("first\nwave", "first wave")
    assert not timeline._is_whole("2024\n-01", "2024-01")
    assert not timeline._is_whole("2024年…", "2024年第一季度")


def test_control_chart_shows_steps_signals_texts_and_baseline() -> None:
    frame = monitored(MONTHS[:12])
    frame["signal"] = ["", False, None, "1", "1", "2", True, np.nan, *[""] * 4]
    frame.loc[8, "value"] = np.nan
    figure = control(frame, baseline_end=MONTHS[5], baseline_label="基线期")
    assert_legible(figure)
    marked = drawn(figure, "D")
    assert np.array_equal(marked.get_xdata(), [3, 4, 5, 6])
    assert to_hex(marked.get_color()) == theme.WARNING.lower()
    warned = [t.get_text() for t in figure.findobj(Text) if t.get_color() == theme.WARNING_INK]
    assert warned == ["1", "2"]
    *steps, baseline = figure.axes[0].patches
    assert (baseline.get_x(), baseline.get_width()) == (-0.5, 6)
    for column, step in zip(("centre", "lower", "upper"), steps, strict=True):
        assert np.allclose(step.get_data().values, frame[column])
    assert np.isnan(figure.axes[0].lines[0].get_ydata()[8])
    assert {"基线期", "异常信号", "80.0%", "72.0%", "88.0%"} <= set(shown(figure))
    assert "异常信号" not in shown(control(monitored(MONTHS[:12])))


@given(st.lists(st.sampled_from(["", "1", "2、3", "2024-03", "连续八点在同侧"]),
                min_size=60, max_size=60))  # fmt: skip
@settings(max_examples=3, deadline=None)
def test_many_signals_never_overlap(texts: list[str]) -> None:
    assert_legible(control(monitored(MONTHS).assign(signal=texts)))


def test_forecast_shows_both_lines_band_and_promotions() -> None:
    history = waves(MONTHS[:6]).drop(index=2)
    ahead = waves(MONTHS[6:9])
    options = {"period": "period", "value": "value", "estimate": "value", "conf_low": "low",
               "conf_high": "high", "value_label": "报修量", "observed_label": "实际",
               "forecast_label": "预测"}  # fmt: skip
    figure = plots.forecast(history, ahead, other="adjusted", other_label="朴素预测",
                            promotions=[MONTHS[5], MONTHS[7]], promotions_label="大促",
                            **options)  # type: ignore[arg-type]  # fmt: skip
    assert_legible(figure)
    seen, expected, naive = figure.axes[0].lines
    assert np.flatnonzero(np.isfinite(seen.get_ydata())).tolist() == [0, 1, 3, 4, 5]
    assert np.allclose(expected.get_ydata()[6:], ahead["value"])
    assert naive.get_ls() == "--" and np.allclose(naive.get_ydata()[6:], ahead["adjusted"])
    assert [(bar.get_x(), bar.get_width()) for bar in figure.axes[0].patches] == [
        (4.5, 1),
        (6.5, 1),
    ]
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert np.isclose(band[:, 1].min(), ahead["low"].min())
    assert {"实际", "预测", "朴素预测", "大促"} <= set(shown(figure))
    alone = plots.forecast(history, ahead[:1], **options)  # type: ignore[arg-type]
    (whisker,) = alone.axes[0].collections[1].get_segments()
    assert np.allclose(whisker, [[6, ahead["low"][0]], [6, ahead["high"][0]]])


def test_interrupted_series_breaks_at_the_action() -> None:
    frame = waves(MONTHS[:8])
    figure = interrupted(frame, MONTHS[5])
    assert_legible(figure)
    seen, before, after, without, action = figure.axes[0].lines
    assert seen.get_ls() == "None" and np.allclose(seen.get_ydata(), frame["value"])
    assert before.get_xdata().tolist() == [0, 1, 2, 3, 4]
    assert after.get_xdata().tolist() == [5, 6, 7]
    assert without.get_ls() == "--" and set(action.get_xdata()) == {4.5}
    assert np.isnan(without.get_ydata()[:5]).all()
    assert np.allclose(without.get_ydata()[5:], frame["adjusted"][5:])


FRAME = waves(["一", "二", "三"])
WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: plots.trend_lines(FRAME[:0], "period", "value", value_label=""),
     "the frame of the chart has no rows; a chart needs at least one"),
    (lambda: plots.trend_lines(FRAME, "period", "value", "high", "low", value_label=""),
     "'high' is 77.5 and 'low' 73 in row 0; an interval ends above where it begins"),
    (lambda: plots.trend_lines(pd.concat([FRAME, FRAME[1:]]), "period", "value", value_label=""),
     "column 'period' must name each period once, not '二' twice"),
    (lambda: plots.trend_lines(FRAME.assign(period=["一", None, "三"]), "period", "value",
                               value_label=""), "column 'period' is empty in row 1"),
    (lambda: plots.trend_lines(FRAME.assign(area=[None, "北", "南"]), "period", "value",
                               group="area", value_label=""), "column 'area' is empty in row 0"),
    (lambda: plots.trend_lines(waves(range(7)).assign(area=range(7)), "period", "value",
                               group="area", value_label=""),
     "a chart over time holds up to 6 series, not 7"),
    (lambda: plots.trend_lines(FRAME, "period", "value", value_label="", events={"换": "四"}),
     "event '四' is not one of the periods 一 to 三"),
    (lambda: interrupted(waves(MONTHS[:3]), pd.Period("2026-01")),
     "start '2026-01' is not one of the periods 2021-01 to 2021-03"),
    (lambda: control(monitored(["一", "二"]), baseline_end="四"),
     "baseline_end '四' is not one of the periods 一 to 二"),
]  # fmt: skip


@pytest.mark.parametrize(("draw", "text"), WRONG, ids=[text[:40] for _, text in WRONG])
def test_wrong_use_is_refused_in_words(draw: Callable[[], object], text: str) -> None:
    with pytest.raises(ValueError) as error:
        draw()
    assert str(error.value) == text
