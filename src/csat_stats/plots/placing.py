"""Labels beside points, none on another: the nearest free place, joined by a line where it is far.

Places are measured in inches from the lower left corner of the axes; a box is its left, lower,
right and upper edge. The same points and labels always give the same places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from .theme import GREY, SMALL, Floats

DOT = 0.075  # half the side of a point with its edge
PAD = 0.03  # air around a label
NEAR = 0.16  # a label further from its point is joined to it by a line
CLEAR = 0.06  # by how much a label is nearer to its own point than to another
PITCH = 0.15  # between the places tried away from the point
# Where the label stands: the part of its width left of the point, of its height below it.
SIDES = [(0, 0.5), (1, 0.5), (0.5, 0), (0.5, 1), (0, 0), (1, 0), (0, 1), (1, 1)]
SIDES += [(0.25, 0), (0.75, 0), (0.25, 1), (0.75, 1), (0, 0.2), (0, 0.8), (1, 0.2), (1, 0.8)]
ALONG = np.linspace(0, 1, 14)[1:-1]


def write(
    axes: Axes,
    points: Floats,
    texts: Sequence[str],
    colours: Sequence[str],
    *,
    dots: Floats | None = None,
    avoid: Floats | None = None,
    strict: bool = False,
) -> bool:
    """Write each text beside its point on axes laid out already; False where there is no room.

    ``points`` in the unit of the data, like ``dots``, the points no label may cover (by default
    those of the labels), and ``avoid``, boxes better not covered, such as lines. What was
    written into the axes before, as text, is never covered. ``strict`` as in :func:`places`.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    frame = axes.get_window_extent()

    def inches(data: Floats) -> Floats:
        pixels = axes.transData.transform(data.reshape(-1, 2))
        return np.asarray((pixels - frame.p0) / figure.dpi).reshape(data.shape)

    written = [text.get_window_extent().extents for text in axes.texts]
    blocked = (np.reshape(written, (-1, 4)) - np.tile(frame.p0, 2)) / figure.dpi
    labels = [
        axes.text(
            0,
            0,
            text,
            transform=axes.transAxes,
            fontsize=SMALL,
            color=colour,
            va="bottom",
            linespacing=1.05,
            zorder=6,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )
        for text, colour in zip(texts, colours, strict=True)
    ]
    sizes = [label.get_window_extent().size for label in labels]
    area = np.array(frame.size) / figure.dpi
    anchors = inches(points)
    boxes = places(
        anchors,
        np.reshape(sizes, (-1, 2)) / figure.dpi + 2 * PAD,
        area,
        dots=anchors if dots is None else inches(dots),
        blocked=blocked,
        avoid=np.empty((0, 4)) if avoid is None else inches(avoid),
        strict=strict,
    )
    if boxes is None:
        return False
    for label, anchor, box, line in zip(
        labels, anchors, boxes, _leaders(anchors, boxes), strict=True
    ):
        label.set_position((box[:2] + PAD) / area)
        inside = box[0] < anchor[0] < box[2]
        label.set_multialignment("center" if inside else "left" if box[0] > anchor[0] else "right")
        if np.isfinite(line).all():
            axes.plot(
                line[::2] / area[0],
                line[1::2] / area[1],
                transform=axes.transAxes,
                color=GREY,
                lw=0.7,
                zorder=2,
            )
    return True


def places(
    anchors: Floats,
    sizes: Floats,
    area: Floats,
    *,
    dots: Floats,
    blocked: Floats,
    avoid: Floats,
    strict: bool = False,
) -> Floats | None:
    """The box of each label, or None where one has no free place.

    Every label in turn, the most crowded first, takes the cheapest place the others leave it:
    nearer to its own point than to others, its line crossing neither labels nor lines. Turns
    are repeated until no label moves. With ``strict`` a line that still runs behind a label
    counts as no room.
    """
    boxes = np.full((len(anchors), 4), np.nan)
    tabu = np.hstack([dots - DOT, dots + DOT])
    distances = np.hypot(*(anchors[:, None] - anchors[None]).transpose(2, 0, 1))
    order = np.argsort(-(distances < 1.2).sum(axis=1), kind="stable")
    for _ in range(4):
        before = boxes.copy()
        for label in order:
            boxes[label] = np.nan
            tried, rank = _tried(anchors[label], sizes[label], area)
            free = ~_meet(tried, np.vstack([boxes, blocked, tabu])).any(axis=1)
            tried, gaps = tried[free], _gap(anchors[label], tried[free])
            nearer = (_gap(dots, tried[:, None]) < gaps[:, None] + CLEAR).sum(axis=1) - 1
            cost = rank[free] + gaps + 0.3 * _meet(tried, avoid).sum(axis=1)
            cost += 0.25 * nearer * (gaps <= NEAR)
            best = np.argsort(cost, kind="stable")[:150]
            tried, cost = tried[best], cost[best]
            if not cost.size:
                return None
            cost += _tangle(anchors[label], tried, anchors, boxes, blocked, tabu)
            boxes[label] = tried[np.argmin(cost)]
        if np.array_equal(before, boxes):
            break
    through = _runs_through(_leaders(anchors, boxes), np.vstack([boxes, blocked]))
    return None if strict and through.any() else boxes


def _tried(anchor: Floats, size: Floats, area: Floats) -> tuple[Floats, Floats]:
    """The boxes tried, all within the area, and what each costs for its side."""
    sides = np.array(SIDES, dtype=float)
    push = np.where(sides == 0, 1, np.where(sides == 1, -1, 0))
    corners = [
        anchor - sides * size + push * gap * np.where(np.abs(push).all(axis=1), 0.7, 1.0)[:, None]
        for gap in (DOT + 0.01, 2 * DOT, 4 * DOT)
    ]
    lattice = np.stack(
        np.meshgrid(*(np.arange(0, max(room, 0) + 1e-9, PITCH) for room in area - size)), axis=-1
    )
    low = np.vstack([*corners, lattice.reshape(-1, 2)])
    rank = np.full(len(low), 0.2)
    rank[: 3 * len(sides)] = np.tile(np.arange(len(sides)) * 0.012, 3)
    inside = ((low >= 0) & (low + size <= area)).all(axis=1)
    return np.hstack([low, low + size])[inside], rank[inside]


def _nearest(anchors: Floats, boxes: Floats) -> Floats:
    return np.clip(anchors, boxes[..., :2], boxes[..., 2:])


def _gap(anchors: Floats, boxes: Floats) -> Floats:
    apart = _nearest(anchors, boxes) - anchors
    return np.hypot(apart[..., 0], apart[..., 1])


def _leaders(anchors: Floats, boxes: Floats) -> Floats:
    """The line from point to label; missing where the label is near."""
    lines = np.hstack([np.broadcast_to(anchors, (len(boxes), 2)), _nearest(anchors, boxes)])
    lines[~(_gap(anchors, boxes) > NEAR)] = np.nan
    return lines


def _meet(ones: Floats, others: Floats) -> NDArray[np.bool_]:
    """Which boxes overlap which; a missing one overlaps none."""
    left, low, right, high = ones.T[..., None]
    return np.asarray(
        (left < others[:, 2])
        & (others[:, 0] < right)
        & (low < others[:, 3])
        & (others[:, 1] < high)
    )


def _runs_through(lines: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Which lines run through which boxes."""
    x = (lines[:, :1] * (1 - ALONG) + lines[:, 2:3] * ALONG)[..., None]
    y = (lines[:, 1:2] * (1 - ALONG) + lines[:, 3:] * ALONG)[..., None]
    left, low, right, high = boxes.T
    return np.asarray(((left < x) & (x < right) & (low < y) & (y < high)).any(axis=1))


def _cross(ones: Floats, others: Floats) -> NDArray[np.bool_]:
    """Which lines cross which."""

    def side(a: Floats, b: Floats, c: Floats) -> Floats:
        ab, ac = b - a, c - a
        return np.asarray(ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0])

    one, other = ones[:, None], others[None]
    a, b, c, d = one[..., :2], one[..., 2:], other[..., :2], other[..., 2:]
    return (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)


def _tangle(
    anchor: Floats, tried: Floats, anchors: Floats, boxes: Floats, blocked: Floats, dots: Floats
) -> Floats:
    """What it costs that lines would run through labels, points and each other."""
    lines, others = _leaders(anchor, tried), _leaders(anchors, boxes)
    through = _runs_through(lines, np.vstack([boxes, blocked])).sum(axis=1)
    through = through + _runs_through(others, tried).sum(axis=0)
    points = np.maximum(_runs_through(lines, dots).sum(axis=1) - 1, 0)  # it starts on its own
    return np.asarray(3.0 * through + 1.5 * _cross(lines, others).sum(axis=1) + 0.8 * points)
