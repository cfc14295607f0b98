"""Charts: rendered for real, text measured on the drawn figure."""

from __future__ import annotations

import io
import itertools
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from csat_stats import plots
from csat_stats.plots import theme

LONG = [
    f"第{k}项：维修工程师上门服务的准时程度以及预约改期时的沟通是否及时、清楚、令人满意（含节假日与夜间）"
    for k in range(1, 21)
]
AWKWARD = [
    "<script>alert('x')</script>",
    "\"quoted\" & 'single' -->",
    "first line\nsecond\tline\r\n",
    "好评👍🏽🧑‍🔧 满意",
    "price $5_000 to $9_000 \\frac{1}{2} ^_^",
    "averyveryverylongwordwithoutanyspaceinitthatmustbebrokensomewhere",
    "",
]
LEVELS = [1, 2, 3, 4, 5]


def estimates(labels: Sequence[object]) -> pd.DataFrame:
    """Figures on a 0–100 scale with intervals."""
    values = 60 + 35 * np.abs(np.sin(np.arange(len(labels), dtype=float)))
    return pd.DataFrame(
        {
            "label": list(labels),
            "estimate": values,
            "conf_low": values - 3,
            "conf_high": values + 3.5,
            "before": values - 6 * np.cos(np.arange(len(labels))),
            "target": 80.0,
            "level": ["met", "watch", "not_met", "not_estimable"] * (len(labels) // 4)
            + ["met"] * (len(labels) % 4),
        }
    )


def answers(items: Sequence[object]) -> pd.DataFrame:
    shares = [0.03, 0.07, 0.15, 0.35, 0.4]
    cells = itertools.product(enumerate(items), zip(LEVELS, shares, strict=True))
    return pd.DataFrame(
        [
            {"item": item, "level": level, "share": p, "n": 1000 + k}
            for (k, item), (level, p) in cells
        ]
    )


def words(labels: Sequence[object], k: int) -> str:
    return str(labels[k % len(labels)])


def draw_bars(labels: Sequence[object]) -> Figure:
    return plots.bars(
        estimates(labels),
        "label",
        "estimate",
        "conf_low",
        "conf_high",
        value_label=words(labels, 0),
        reference=80,
        reference_label=words(labels, 1),
        limits=(0, 100),
        colours_by="level",
        level_labels={"met": words(labels, 2), "watch": words(labels, 3), "not_met": "未达标"},
    )


def draw_intervals(labels: Sequence[object]) -> Figure:
    return plots.intervals(
        estimates(labels),
        "label",
        "estimate",
        "conf_low",
        "conf_high",
        value_label=words(labels, 0),
        reference=80,
        reference_label=words(labels, 1),
    )


def draw_forest(labels: Sequence[object]) -> Figure:
    frame = estimates(labels)
    frame[["estimate", "conf_low", "conf_high"]] /= 70
    return plots.forest(
        frame, "label", "estimate", "conf_low", "conf_high", value_label=words(labels, 0)
    )


def draw_dumbbell(labels: Sequence[object]) -> Figure:
    return plots.dumbbell(
        estimates(labels),
        "label",
        "before",
        "estimate",
        before_label=words(labels, 0),
        after_label=words(labels, 1),
        value_label=words(labels, 2),
        target="target",
        target_label=words(labels, 3),
    )


def draw_likert(labels: Sequence[object]) -> Figure:
    names = {level: words(labels, level) for level in LEVELS}
    return plots.likert(answers(labels), levels=LEVELS, level_labels=names, base_label="n")


def draw_radar(labels: Sequence[object]) -> Figure:
    chosen = [words(labels, k) for k in range(min(max(len(labels), 3), 10))]
    series = {words(labels, 0) + "A": "estimate", words(labels, 1) + "B": "before"}
    return plots.radar(estimates(chosen), "label", series, maximum=110)


def draw_heatmap(labels: Sequence[object]) -> Figure:
    values = 60 + 30 * np.sin(np.arange(len(labels) * 6.0)).reshape(len(labels), 6)
    values[0, 1] = np.nan
    table = pd.DataFrame(values, index=list(labels), columns=[words(labels, k) for k in range(6)])
    return plots.heatmap(table, value_label=words(labels, 0), low=30, high=90, centre=70)


def draw_scree(labels: Sequence[object]) -> Figure:
    count = max(len(labels), 2)
    frame = pd.DataFrame(
        {
            "position": range(1, count + 1),
            "eigenvalue": np.geomspace(6, 0.1, count),
            "random_eigenvalue": np.linspace(1.4, 0.7, count),
        }
    )
    return plots.scree(
        frame,
        position_label=words(labels, 0),
        value_label=words(labels, 1),
        eigenvalue_label=words(labels, 2),
        random_label=words(labels, 3),
        retained=2,
        retained_label=words(labels, 4),
    )


def draw_curve(labels: Sequence[object]) -> Figure:
    x = np.linspace(1, 5, 21)
    p = 1 / (1 + np.exp(3 - x))
    frame = pd.DataFrame({"x": x, "p": p, "conf_low": p - 0.05, "conf_high": p + 0.05})
    return plots.curve(
        frame,
        "x",
        "p",
        "conf_low",
        "conf_high",
        x_label=words(labels, 0),
        value_label=words(labels, 1),
        thresholds={words(labels, 2) + "1": 3.0, words(labels, 3) + "2": 3.05},
    )


def draw_did(labels: Sequence[object]) -> Figure:
    means = [70.0, 79.0, 70.5, 73.0]
    frame = pd.DataFrame(
        {
            "group": [words(labels, 0) + "A"] * 2 + [words(labels, 1) + "B"] * 2,
            "period": [words(labels, 2) + "1", words(labels, 3) + "2"] * 2,
            "mean": means,
            "conf_low": np.array(means) - 2,
            "conf_high": np.array(means) + 2,
        }
    )
    return plots.did_lines(
        frame, "group", "period", "mean", "conf_low", "conf_high", value_label=words(labels, 4)
    )


def draw_nps(labels: Sequence[object]) -> Figure:
    names = (words(labels, 0), words(labels, 1), words(labels, 2))
    return plots.nps_bar(0.02, 0.4, 0.58, labels=names, score_label="NPS +56.0")


CHARTS: dict[str, Callable[[Sequence[object]], Figure]] = {
    name.removeprefix("draw_"): function
    for name, function in list(globals().items())
    if name.startswith("draw_")
}


def drawn_texts(figure: Figure) -> list[tuple[str, matplotlib.transforms.Bbox]]:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return [
        (text.get_text(), text.get_window_extent(canvas.get_renderer()))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip()
    ]


def assert_legible(figure: Figure) -> None:
    """No text leaves the figure and no two texts overlap."""
    texts = drawn_texts(figure)
    for text, box in texts:
        inside = box.x0 > 0 and box.y0 > 0 and box.x1 < figure.bbox.x1 and box.y1 < figure.bbox.y1
        assert inside, f"{text!r} leaves the figure: {box} in {figure.bbox}"
    for (one, first), (other, second) in itertools.combinations(texts, 2):
        width = min(first.x1, second.x1) - max(first.x0, second.x0)
        height = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert width <= 1 or height <= 1, f"{one!r} overlaps {other!r}"


@pytest.mark.parametrize("labels", [LONG, ["响应速度", "维修质量"], AWKWARD, ["唯一"]],
                         ids=["long", "two", "awkward", "single"])  # fmt: skip
@pytest.mark.parametrize("chart", CHARTS)
def test_text_stays_inside_and_apart(chart: str, labels: Sequence[object]) -> None:
    assert_legible(CHARTS[chart](labels))


@pytest.mark.parametrize("chart", CHARTS)
def test_svg_is_reproducible_inert_and_complete(chart: str) -> None:
    figure = CHARTS[chart](AWKWARD)
    svg = plots.to_svg(figure)
    assert svg == plots.to_svg(figure) == plots.to_svg(CHARTS[chart](AWKWARD))
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not any(
        part in svg for part in ("<!", "<?", "metadata", "<text", "<image", "script", "style")
    )
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    links = [
        value.removeprefix("#")
        for node in root.iter()
        for name, value in node.attrib.items()
        if name.endswith("href")
    ]
    assert len(ids) == len(set(ids))
    assert links and set(links) <= set(ids)


def test_ids_of_two_charts_never_meet() -> None:
    ids = [
        {node.get("id") for node in ElementTree.fromstring(plots.to_svg(figure)).iter()} - {None}
        for figure in (draw_bars(["甲", "乙"]), draw_bars(["甲", "丙"]))
    ]
    assert ids[0] and not ids[0] & ids[1]


def test_settings_of_the_reader_neither_show_nor_change() -> None:
    expected = plots.to_svg(draw_bars(["响应速度", "维修质量"]))
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "none", "axes.grid": True}):
        before = dict(matplotlib.rcParams)
        assert plots.to_svg(draw_bars(["响应速度", "维修质量"])) == expected
        assert dict(matplotlib.rcParams) == before
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


def test_dollars_and_backslashes_are_literal() -> None:
    labels = [text.replace("\n", " ") for text, _ in drawn_texts(draw_bars(AWKWARD))]
    assert any("$5_000 to $9_000" in label for label in labels)


def test_ordinary_characters_have_glyphs_and_the_rest_is_substituted() -> None:
    ordinary = "满意度，。！？、（）《》“”0–9 ABCabc ≥ ≤ − ± α χ² → ✓ ✗ ½ ％ ∞ □ é ü Ж"
    assert plots.printable(ordinary) == ordinary
    assert plots.printable("a\U0001fae0b\u202ec\x00d\ud800") == "a□bcd□"


def test_foreign_figure_without_glyphs_is_refused_by_name() -> None:
    figure = Figure()
    figure.text(0.5, 0.5, "满意", fontfamily="DejaVu Sans")
    with pytest.raises(ValueError, match="no glyph for '意', '满'; draw the figure within"):
        plots.to_svg(figure)


def test_measured_width_is_the_drawn_width() -> None:
    with plots.style():
        figure = Figure(figsize=(10, 1), dpi=200)
        for text in ("维修质量与服务态度", "Response time 12.5%", "a → b ✓ ≥ 80"):
            drawn = figure.text(0, 0.5, text, fontsize=11)
            width = drawn.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width / 200
            assert theme.inches(text, 11) == pytest.approx(width, rel=0.03, abs=0.02)


@given(st.text(max_size=60), st.floats(0.4, 3))
@settings(max_examples=100, deadline=None)
def test_wrapped_lines_keep_the_width_and_the_text(text: str, width: float) -> None:
    wrapped = theme.wrap(text, width, lines=1000)
    assert all(theme.inches(line) <= width for line in wrapped.split("\n"))
    assert "".join(wrapped.split()) == "".join(plots.printable(text).split())


def test_wrapping_is_even_and_respects_punctuation_and_words() -> None:
    lines = theme.wrap("维修费用的说明是否清楚（含配件），并且透明", 1.7).split("\n")
    assert len(lines) == 2 and abs(theme.inches(lines[0]) - theme.inches(lines[1])) < 0.4
    assert not any(line[0] in "，。）" or line[-1] == "（" for line in lines)
    assert theme.wrap("first response time", 0.8) == "first\nresponse\ntime"
    assert theme.wrap("很长的标签" * 30, 2.1, lines=3).endswith("…")


@given(st.lists(st.text(max_size=50), min_size=1, max_size=4))
@settings(max_examples=10, deadline=None)
def test_any_label_can_be_drawn(labels: list[str]) -> None:
    figure = draw_bars(labels)
    assert_legible(figure)
    ElementTree.fromstring(plots.to_svg(figure))


@pytest.mark.parametrize("chart", ["bars", "intervals", "forest", "dumbbell"])
@pytest.mark.parametrize("missing", ["one", "all", "constant"])
def test_missing_and_constant_figures_are_drawn(chart: str, missing: str) -> None:
    frame = estimates(["甲", "乙", "丙"]).convert_dtypes()
    columns = ["estimate", "conf_low", "conf_high", "before"]
    if missing == "constant":
        frame[columns] = 1.5
    else:
        frame.loc[[1] if missing == "one" else [0, 1, 2], columns] = pd.NA
    low, high = ("before", "estimate") if chart == "dumbbell" else ("conf_low", "conf_high")
    options: dict[str, str] = {"value_label": "指数"}
    if chart == "dumbbell":
        options |= {"before_label": "前", "after_label": "后", "missing": "不足"}
        figure = plots.dumbbell(frame, "label", low, high, **options)  # type: ignore[arg-type]
    else:
        options |= {"missing": "不足"}
        function = getattr(plots, chart)
        figure = function(frame, "label", "estimate", low, high, **options)
    assert_legible(figure)
    shown = [text for text, _ in drawn_texts(figure) if "不足" in text]
    assert len(shown) == {"one": 1, "all": 3, "constant": 0}[missing]


def test_gaps_in_lines_radar_likert_and_heatmap() -> None:
    x = np.arange(5.0)
    y = np.array([0.1, 0.2, np.nan, 0.6, 0.7])
    frame = pd.DataFrame({"x": x, "y": y, "low": y - 0.1, "high": y + 0.1})
    assert_legible(plots.curve(frame, "x", "y", "low", "high", x_label="x", value_label="y"))
    radar = estimates(["甲", "乙", "丙"])
    radar.loc[1, "estimate"] = np.nan
    figure = plots.radar(radar, "label", {"本期": "estimate"}, maximum=100)
    assert_legible(figure)
    assert "乙\n–" in [text for text, _ in drawn_texts(figure)]
    likert = answers(["甲", "乙"])
    likert.loc[7, "share"] = np.nan
    figure = plots.likert(likert, levels=LEVELS, level_labels=dict.fromkeys(LEVELS, "词"))
    assert_legible(figure)
    assert sum(bar.get_width() > 0 for bar in figure.axes[0].patches) == 5
    empty = pd.DataFrame({"列": [np.nan, np.nan]}, index=["甲", "乙"])
    figure = plots.heatmap(empty, value_label="值", low=0, high=1)
    assert_legible(figure)
    assert [text for text, _ in drawn_texts(figure)].count("–") == 2


def test_bars_show_value_interval_reference_and_level() -> None:
    figure = draw_bars(["甲", "乙", "丙", "丁"])
    axes, frame = figure.axes[0], estimates(["甲", "乙", "丙", "丁"])
    bars = axes.patches[4:]
    assert [bar.get_width() for bar in bars] == pytest.approx(frame["estimate"].tolist())
    assert [to_hex(bar.get_facecolor()) for bar in bars] == [
        theme.LEVELS[level][0].lower() for level in frame["level"]
    ]
    ends = [line.get_xdata() for line in axes.lines if len(set(line.get_ydata())) == 1]
    assert np.allclose(ends, frame[["conf_low", "conf_high"]])
    assert any(np.allclose(line.get_xdata(), 80) for line in axes.lines)
    texts = [text for text, _ in drawn_texts(figure)]
    assert {"✓ 60.0", "! 89.5", "✗ 91.8", "64.9"} <= set(texts)


def test_bars_of_a_scale_from_one_and_of_negative_figures_start_right() -> None:
    frame = pd.DataFrame({"label": ["甲", "乙"], "value": [3.5, 4.5]})
    figure = plots.bars(frame, "label", "value", value_label="均值", limits=(1, 5))
    assert [bar.get_x() for bar in figure.axes[0].patches[2:]] == [1, 1]
    frame["value"] = [-20.0, 30.0]
    figure = plots.bars(frame, "label", "value", value_label="NPS")
    bars = figure.axes[0].patches[2:]
    assert [(bar.get_x(), bar.get_width()) for bar in bars] == [(0, -20), (0, 30)]


def test_numeric_colours_turn_at_the_reference() -> None:
    frame = pd.DataFrame({"label": list("abc"), "value": [0.0, 80.0, 100.0]})
    figure = plots.bars(frame, "label", "value", value_label="指数", limits=(0, 100),
                        reference=80, colours_by="value")  # fmt: skip
    colours = [bar.get_facecolor()[:3] for bar in figure.axes[0].patches[3:]]
    expected = [to_rgb(colour) for colour in (theme.WARNING, "#E9E9E6", theme.BLUE)]
    assert np.allclose(colours, expected, atol=0.01)


def test_forest_is_logarithmic_and_clips_endless_intervals() -> None:
    frame = pd.DataFrame(
        {"label": ["甲", "乙"], "or": [2.0, 0.5], "low": [1.2, 0.0], "high": [3.3, np.inf]}
    )
    figure = plots.forest(frame, "label", "or", "low", "high", value_label="OR")
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert 0 < axes.get_xlim()[0] < axes.get_xlim()[1] < 100
    assert [line.get_marker() for line in axes.lines].count(">") == 1
    assert "0.50 [0.00, ∞]" in [text for text, _ in drawn_texts(figure)]
    assert_legible(figure)


def test_dumbbell_warns_of_what_got_worse() -> None:
    frame = pd.DataFrame({"label": ["甲", "乙"], "old": [2.0, 4.0], "new": [3.0, 3.0]})
    words = {"before_label": "前", "after_label": "后", "value_label": "均值"}
    for better, worse in ((True, "4.0 → 3.0"), (False, "2.0 → 3.0")):
        figure = plots.dumbbell(frame, "label", "old", "new", higher_is_better=better, **words)  # type: ignore[arg-type]
        warned = [
            text.get_text()
            for text in figure.findobj(Text)
            if text.get_color() == theme.WARNING_INK
        ]
        assert warned == [worse]


@pytest.mark.parametrize("levels", [[1, 2, 3, 4, 5], [1, 2, 3, 4]])
def test_likert_is_centred_on_neutral(levels: list[int]) -> None:
    shares = np.arange(1, len(levels) + 1) / sum(range(1, len(levels) + 1))
    frame = pd.DataFrame({"item": "题", "level": levels, "share": shares})
    figure = plots.likert(frame, levels=levels, level_labels={k: str(k) for k in levels})
    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == pytest.approx(shares)
    middle = bars[len(levels) // 2]
    centre = middle.get_x() + (middle.get_width() / 2 if len(levels) % 2 else 0)
    assert centre == pytest.approx(0, abs=1e-12)


def test_text_on_any_colour_has_contrast() -> None:
    def luminance(colour: Sequence[float]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for scale in (theme.SATISFACTION, theme.AMOUNT):
        for colour in scale(np.linspace(0, 1, 101)):
            ink = 0.0 if theme.readable_on(colour) == "black" else 1.0
            pair = sorted([luminance(colour), ink])
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_wide_heatmap_grows_instead_of_overlapping() -> None:
    table = pd.DataFrame(np.eye(16), index=LONG[:16], columns=LONG[:16])
    figure = plots.heatmap(table, value_label="r", low=-1, high=1, centre=0, number="{:.2f}")
    assert figure.get_figwidth() > theme.WIDTH
    assert_legible(figure)


@pytest.mark.parametrize("chart", CHARTS)
def test_letters_stay_large_enough_for_a_phone(chart: str) -> None:
    figure = CHARTS[chart](["响应速度", "维修质量", "服务态度"])
    assert figure.get_figwidth() == theme.WIDTH
    sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text().strip()]
    assert min(sizes) >= 9


def test_figure_can_be_shown_as_an_image() -> None:
    buffer = io.BytesIO()
    draw_nps(["甲", "乙", "丙"]).savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")


FRAME = estimates(["甲", "乙", "丙"])
INTERVAL = ("label", "estimate", "conf_low", "conf_high")
WRONG: list[tuple[Callable[[], object], str]] = [
    (
        lambda: plots.bars(FRAME[:0], "label", "estimate", value_label=""),
        "the frame of the chart has no rows; a chart needs at least one",
    ),
    (
        lambda: plots.bars(FRAME[["label"]], "label", "value", value_label=""),
        "the frame of the chart has no column 'value', only ['label']",
    ),
    (
        lambda: plots.bars(FRAME, "estimate", "label", value_label=""),
        "column 'label' must hold numbers, not '甲'",
    ),
    (
        lambda: plots.bars(FRAME, "label", "estimate", value_label="", colours_by="label"),
        "level '丙' is not one of ['met', 'watch', 'not_met', 'not_estimable']",
    ),
    (
        lambda: plots.intervals(
            FRAME, "label", "estimate", "conf_high", "conf_low", value_label=""
        ),
        "'conf_high' is 63.5 and 'conf_low' 57 in row 0; an interval ends above where it begins",
    ),
    (
        lambda: plots.forest(FRAME.assign(estimate=[1.0, 0.0, 2.0]), *INTERVAL, value_label=""),
        "column 'estimate' holds 0; a logarithmic axis needs figures above zero",
    ),
    (
        lambda: plots.radar(FRAME[:2], "label", {"x": "estimate"}, maximum=100),
        "a radar needs 3 to 10 dimensions, not 2: use bars",
    ),
    (
        lambda: plots.radar(FRAME, "label", {}, maximum=100),
        "a radar needs 1 to 4 series, not 0",
    ),
    (
        lambda: plots.radar(FRAME, "label", {"x": "estimate"}, maximum=5),
        "column 'estimate' holds 60, beyond the scale 0–5",
    ),
    (
        lambda: plots.heatmap(FRAME[["estimate"]], value_label="", low=1, high=0),
        "the colour scale must rise: low 1, centre None, high 0",
    ),
    (
        lambda: plots.heatmap(FRAME[[]], value_label="", low=0, high=1),
        "the table of the chart has no columns; a chart needs at least one",
    ),
    (
        lambda: plots.likert(answers(["题"]), levels=[1, 2], level_labels={}),
        "level 3 is not one of [1, 2]",
    ),
    (
        lambda: plots.likert(answers(["题"])[:4], levels=LEVELS, level_labels={}),
        "the shares of item '题' sum to 0.600, not to 1",
    ),
    (
        lambda: plots.nps_bar(10, 40, 50, labels=("", "", "")),
        "the three shares must sum to 1, not to 100.000",
    ),
    (
        lambda: plots.did_lines(
            FRAME, "label", "level", "estimate", "conf_low", "conf_high", value_label=""
        ),
        "two groups and two or more periods are needed, not 3 and 1",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("draw", "text"), WRONG, ids=[text[:40] for _, text in WRONG])
def test_wrong_use_is_refused_in_words(draw: Callable[[], object], text: str) -> None:
    with pytest.raises(ValueError) as error:
        draw()
    assert str(error.value) == text
