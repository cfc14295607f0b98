"""Maps and calibration: every label has its own place, measured on the drawn figure."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_plots import AWKWARD, LONG, assert_legible, drawn_texts

from csat_stats import plots
from csat_stats.plots import placing, theme

NAMES = [f"第{k}项：上门维修的准时程度以及沟通情况" for k in range(1, 21)]
QUADRANTS = ("重点改进", "继续保持", "暂时观察", "维持现状")
ENDS = {"x_low": "x_low", "x_high": "x_high", "y_low": "y_low", "y_high": "y_high"}


def items(labels: Sequence[object], x: Sequence[float], y: Sequence[float]) -> pd.DataFrame:
    frame = pd.DataFrame({"item": list(labels), "x": x, "y": y})
    return frame.assign(x_low=frame["x"] - 2, x_high=frame["x"] + 2,
                        y_low=frame["y"] - 0.02, y_high=frame["y"] + 0.03)  # fmt: skip


def scattered(labels: Sequence[object], seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return items(labels, rng.uniform(60, 95, len(labels)), rng.uniform(0, 0.4, len(labels)))


def quadrants(frame: pd.DataFrame, **options: object) -> Figure:
    given = {"x_cross": 75, "y_cross": 0.2, "x_label": "表现：满意度指数（0–100）",
             "y_label": "重要性", "quadrant_labels": QUADRANTS}  # fmt: skip
    return plots.quadrant_map(frame, "item", "x", "y", **(given | options))  # type: ignore[arg-type]


def assert_labels_clear(figure: Figure) -> None:
    """No label on another, on a point, or beyond the axes."""
    assert_legible(figure)
    axes = figure.axes[0]
    labels = [text for text in axes.texts if text.get_transform() == axes.transAxes]
    frame = axes.get_window_extent()
    dots = np.vstack(
        [
            axes.transData.transform(np.column_stack(line.get_data()))
            for line in axes.lines
            if line.get_marker() in ("o", "D")
        ]
    )
    for text in labels:
        box = text.get_window_extent()
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1, text.get_text()
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1, text.get_text()
        covered = (dots > [box.x0 + 1, box.y0 + 1]) & (dots < [box.x1 - 1, box.y1 - 1])
        assert not covered.all(axis=1).any(), text.get_text()


@pytest.mark.parametrize("count", [1, 3, 8, 14, 20])
@pytest.mark.parametrize("seed", [0, 1])
def test_labels_of_scattered_points_are_clear(count: int, seed: int) -> None:
    assert_labels_clear(quadrants(scattered(NAMES[:count], seed), **ENDS))


@pytest.mark.parametrize(
    "shape", ["equal", "row", "column", "diagonal", "corners", "cluster", "thirty"]
)
def test_labels_of_crowded_points_are_clear(shape: str) -> None:
    names = [*NAMES, *LONG[:10]] if shape == "thirty" else NAMES
    k = np.arange(len(names))
    spread = np.random.default_rng(3).normal(size=(2, len(names)))
    x, y = {
        "equal": (75 + 0 * k, 0.2 + 0 * k),
        "row": (60 + k, 0.1 + 0 * k),
        "column": (90 + 0 * k, k / 50),
        "diagonal": (60 + k, k / 50),
        "corners": (60 + 30 * (k % 2), (k // 2 % 2) / 3),
        "cluster": (75 + spread[0], 0.2 + spread[1] / 90),
        "thirty": (75 + spread[0], 0.2 + spread[1] / 90),
    }[shape]
    assert_labels_clear(quadrants(items(names, x, y)))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20), st.integers(0, 20), st.text("维修abc （）", max_size=30)
        ),
        min_size=1, max_size=20,
    ),
    st.integers(-5, 25),
)  # fmt: skip
@example([(0, 0, "")], 25)
@settings(max_examples=8, deadline=None)
def test_any_map_can_be_drawn(points: list[tuple[int, int, str]], cross: int) -> None:
    x, y, names = zip(*points, strict=True)
    frame = items(names, x, np.array(y) / 10)
    assert_labels_clear(quadrants(frame, x_cross=cross, y_cross=cross / 10))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_places_are_apart_inside_and_always_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, area = int(rng.integers(1, 15)), np.array([5.5, 4.0])
    anchors = rng.uniform([0.1, 0.1], area - 0.1, (count, 2))
    sizes = rng.uniform([0.2, 0.2], [1.4, 0.45], (count, 2))
    none = np.empty((0, 4))
    corner = np.array([[0, 0, 1, 0.3]])
    boxes = placing.places(anchors, sizes, area, dots=anchors, blocked=corner, avoid=none)
    assert boxes is not None
    assert np.allclose(boxes[:, 2:] - boxes[:, :2], sizes)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= area + 1e-9).all()
    for one, other in itertools.combinations(np.vstack([boxes, corner]), 2):
        assert (one[:2] >= other[2:]).any() or (other[:2] >= one[2:]).any()
    again = placing.places(anchors, sizes, area, dots=anchors, blocked=corner, avoid=none)
    assert np.array_equal(boxes, again)


def test_no_place_is_said_and_a_lone_label_stands_right_of_its_point() -> None:
    none, anchor = np.empty((0, 4)), np.array([[1.0, 1.0]])
    size, area = np.array([[0.8, 0.2]]), np.array([3.0, 2.0])
    boxes = placing.places(anchor, size, area, dots=anchor, blocked=none, avoid=none)
    assert boxes is not None
    assert np.allclose(boxes[0, [1, 3]], [0.9, 1.1]) and 0 < boxes[0, 0] - 1 < 0.1
    wide = np.array([[4.0, 0.2]])
    assert placing.places(anchor, wide, area, dots=anchor, blocked=none, avoid=none) is None


def test_map_shows_points_cut_intervals_corners_and_emphasis() -> None:
    frame = items(["响应速度", "维修质量", "服务态度"], [70, 80, 90], [0.3, 0.1, 0.25])
    frame["urgent"] = [True, False, pd.NA]
    figure = quadrants(frame, emphasise="urgent", emphasis_label="急需改进",
                       y_number="{:.0%}", **ENDS)  # fmt: skip
    assert_labels_clear(figure)
    axes = figure.axes[0]
    dots = {line.get_marker(): line for line in axes.lines if line.get_marker() in ("o", "D")}
    assert np.array_equal(dots["D"].get_xydata(), [[70, 0.3]])
    assert np.array_equal(dots["o"].get_xydata(), [[80, 0.1], [90, 0.25]])
    assert to_hex(dots["D"].get_color()) == theme.WARNING.lower()
    across, up = (bars.get_segments() for bars in axes.collections)
    assert np.allclose(across[0], [[68, 0.3], [72, 0.3]])
    assert np.allclose(up[2], [[90, 0.23], [90, 0.28]])
    assert [line.get_xdata()[0] for line in axes.lines].count(75) == 1
    assert [line.get_ydata()[0] for line in axes.lines].count(0.2) == 1
    warned = [text.get_text() for text in axes.texts if text.get_color() == theme.WARNING_INK]
    assert warned == ["响应速度"]
    centre = axes.get_window_extent().p0 + axes.get_window_extent().size / 2
    corners = {text: box.p0 > centre for text, box in drawn_texts(figure) if text in QUADRANTS}
    assert [list(corners[word]) for word in QUADRANTS] == [[0, 1], [1, 1], [0, 0], [1, 0]]
    assert {"10%", "20%", "30%", "急需改进"} <= {text for text, _ in drawn_texts(figure)}


@pytest.mark.parametrize("x_cross", [40, 100])
def test_every_quadrant_has_room_for_its_words(x_cross: float) -> None:
    long = tuple(f"{word}：{LONG[0]}" for word in QUADRANTS)
    figure = quadrants(scattered(NAMES[:5], 2), x_cross=x_cross, quadrant_labels=long)
    assert_labels_clear(figure)
    axes = figure.axes[0]
    cut = axes.transData.transform((x_cross, 0))[0]
    for text, box in drawn_texts(figure):
        if text.startswith(QUADRANTS):
            assert box.x1 < cut or cut < box.x0


def test_points_without_figures_are_left_out() -> None:
    frame = items(["甲", "乙", "丙"], [70, np.nan, 90], [0.1, 0.2, np.nan]).convert_dtypes()
    texts = [text for text, _ in drawn_texts(quadrants(frame, **ENDS))]
    assert "甲" in texts and "乙" not in texts and "丙" not in texts
    assert_legible(quadrants(frame.assign(x=pd.NA)))


def test_calibration_shows_points_and_the_diagonal() -> None:
    frame = pd.DataFrame({"p": [0.3, 0.05, 0.1], "share": [0.25, 0.0, np.nan],
                          "low": [0.2, 0.0, np.nan], "high": [0.31, 0.02, np.nan]})  # fmt: skip
    words = {"predicted_label": "预测", "observed_label": "实际", "diagonal_label": "完全一致"}
    figure = plots.calibration(frame, "p", "share", "low", "high", **words)  # type: ignore[arg-type]
    assert_legible(figure)
    axes = figure.axes[0]
    assert axes.get_xlim() == axes.get_ylim()
    diagonal, points = axes.lines
    assert np.array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    assert np.allclose(points.get_xydata()[:2], [[0.3, 0.25], [0.05, 0]])
    assert np.allclose(axes.collections[0].get_segments()[0], [[0.3, 0.2], [0.3, 0.31]])
    assert set(words.values()) <= {text for text, _ in drawn_texts(figure)}
    assert_legible(plots.calibration(frame, "p", "share", "low", "high", predicted_label=LONG[0],
                                     observed_label=LONG[1], diagonal_label=LONG[2]))  # fmt: skip


@pytest.mark.parametrize(
    "labels", [LONG[:12], AWKWARD, ["唯一"]], ids=["long", "awkward", "single"]
)
def test_maps_are_legible_and_reproducible(labels: Sequence[object]) -> None:
    def draw() -> Figure:
        return quadrants(scattered(labels, 4), x_label=str(labels[0]), y_label=str(labels[-1]))

    figure = draw()
    assert_labels_clear(figure)
    assert figure.get_figwidth() == theme.WIDTH
    assert min(t.get_fontsize() for t in figure.findobj(Text) if t.get_text().strip()) >= 9
    svg = plots.to_svg(figure)
    assert svg == plots.to_svg(draw())
    ElementTree.fromstring(svg)


FRAME = scattered(NAMES[:4], 0)
WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: quadrants(FRAME[:0]),
     "the frame of the chart has no rows; a chart needs at least one"),
    (lambda: quadrants(scattered(range(31), 0)),
     "a map holds up to 30 points, not 31: show the foremost"),
    (lambda: quadrants(FRAME, x_cross=np.nan), "x_cross must be a number, not nan"),
    (lambda: quadrants(FRAME, y_cross=np.inf), "y_cross must be a number, not inf"),
    (lambda: quadrants(FRAME, emphasise="urgent"),
     "the frame of the chart has no column 'urgent', only "
     "['item', 'x', 'y', 'x_low', 'x_high', 'y_low', 'y_high']"),
    (lambda: plots.calibration(FRAME.assign(x=1.2), "x", "y", "y_low", "y_high",
                               predicted_label="", observed_label="", diagonal_label=""),
     "column 'x' holds 1.2, beyond the scale 0–1"),
]  # fmt: skip


@pytest.mark.parametrize(("draw", "text"), WRONG, ids=[text[:40] for _, text in WRONG])
def test_wrong_use_is_refused_in_words(draw: Callable[[], object], text: str) -> None:
    with pytest.raises(ValueError) as error:
        draw()
    assert str(error.value) == text
