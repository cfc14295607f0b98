"""The common look of all charts: fonts, colours, text that fits, reproducible SVG.

Charts look the same on every machine: Noto Sans SC comes from a Python package, DejaVu Sans
from matplotlib, and both are registered under names of our own, so a font that happens to be
installed is never taken instead. No chart touches the state of :mod:`matplotlib.pyplot`.
"""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from csat_stats.results import typeset

Floats = NDArray[np.float64]

WIDTH = 6.4  # inches: 614 CSS pixels, still legible when scaled to a phone's 390
SIDE = 0.12  # free on the left and right, inches
ROOM = WIDTH - 2 * SIDE
TEXT, SMALL = 11.0, 10.0  # points
SUBSTITUTE = "□"

INK, GREY, RULE, TRACK = "#1F2933", "#66717D", "#DDE2E7", "#F1F3F5"
BLUE, ORANGE, WARNING = "#0072B2", "#E69F00", "#D55E00"  # Okabe and Ito (2008)
WARNING_INK = "#B34700"  # the same for text: contrast 5.6 on white

# Low satisfaction warns, high is calm; lightness alone tells the ends from the middle.
SATISFACTION = LinearSegmentedColormap.from_list(
    "satisfaction", [WARNING, "#F3B98F", "#E9E9E6", "#92C5E3", BLUE]
)
AMOUNT = LinearSegmentedColormap.from_list("amount", ["#F4F8FB", "#B9D9EC", "#5BA7D5", BLUE])

# The levels of a finding: a colour and, never colour alone, a mark.
LEVELS = {
    "met": (BLUE, "✓"),
    "watch": (ORANGE, "!"),
    "not_met": (WARNING, "✗"),
    "not_estimable": (GREY, ""),
}

_RC: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": RULE,
    "axes.labelcolor": GREY,
    "axes.labelsize": SMALL,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "font.size": TEXT,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "hatch.color": "#AEB6BF",
    "hatch.linewidth": 0.8,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "csat-stats",
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a label is a dollar
    "xtick.color": GREY,
    "xtick.labelcolor": GREY,
    "xtick.labelsize": SMALL,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.labelsize": TEXT,
}


@cache
def _font_files() -> dict[str, Path]:
    package = resources.files("pylopdf_fonts_zh_cn")
    files = {
        "csat-stats sans": Path(str(package / "NotoSansSC-Regular.otf")),
        "csat-stats symbols": Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"),
    }
    font_manager.fontManager.ttflist += [
        font_manager.FontEntry(fname=str(path), name=name, weight=400)
        for name, path in files.items()
    ]
    return files


@cache
def _faces() -> tuple[tuple[FT2Font, frozenset[int]], ...]:
    faces = [FT2Font(str(path)) for path in _font_files().values()]
    return tuple((face, frozenset(face.get_charmap())) for face in faces)


@contextmanager
def style() -> Iterator[None]:
    """The look of the package, for figures drawn within the ``with`` block only.

    Examples
    --------
    >>> with style():
    ...     figure = Figure(layout="constrained")
    ...     _ = figure.add_subplot().set_title("满意度")
    >>> to_svg(figure)[:4]
    '<svg'
    """
    import seaborn

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(seaborn.axes_style("whitegrid"))
        matplotlib.rcParams.update(_RC)  # after the theme, which resets the fonts
        matplotlib.rcParams["font.family"] = list(_font_files())
        yield


def printable(text: object) -> str:
    """``text`` on one line; what neither font can draw is replaced by "□".

    >>> printable("five stars\\n满意")
    'five stars 满意'
    """
    kept = []
    for char in " ".join(str(text).split()):
        if unicodedata.category(char) in {"Cc", "Cf"}:
            continue
        if any(ord(char) in charmap for _, charmap in _faces()):
            kept.append(char)
        elif not unicodedata.combining(char) and unicodedata.category(char) != "Mn":
            kept.append(SUBSTITUTE)
    return "".join(kept)


@cache
def _advance(char: str) -> float:
    """Width of a character in em."""
    face = next((face for face, charmap in _faces() if ord(char) in charmap), _faces()[0][0])
    advance: float = face.load_char(ord(char), flags=LoadFlags.NO_SCALE).horiAdvance
    return advance / float(face.units_per_EM)


def inches(text: str, size: float = TEXT) -> float:
    """Width of ``text`` at ``size`` points, in inches: of its longest line."""
    return max(sum(map(_advance, line)) for line in text.split("\n")) * size / 72


# A line may break after a space or around a Chinese character, but not before closing
# punctuation nor after opening punctuation.
_TOKEN = re.compile(
    r"\s+|[(\[{（【《「『“‘]*(?:[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
    r"|[^\s\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+)"
    r"[，。、；：！？）】》」』”’…％)\]}]*"
)


def wrap(text: object, width: float, *, size: float = TEXT, lines: int = 3) -> str:
    """``text`` in lines of equal length, none wider than ``width`` inches.

    More than ``lines`` lines are cut and end with "…".

    >>> wrap("维修服务的响应速度以及预约上门的便利程度", 1.6)
    '维修服务的响应速度以\\n及预约上门的便利程度'
    """
    text = printable(text)
    broken = _break(text, width, size)
    if len(broken) > lines:
        last = broken[lines - 1]
        while last and inches(last + "…", size) > width:
            last = last[:-1]
        return "\n".join([*broken[: lines - 1], last + "…"])
    words = [inches(token, size) for token in _TOKEN.findall(text)]
    narrow, wide = max((word for word in words if word <= width), default=0.0), width
    for _ in range(6):
        middle = (narrow + wide) / 2
        if len(_break(text, middle, size)) > len(broken):
            narrow = middle
        else:
            wide = middle
    return "\n".join(_break(text, wide, size))


def _break(text: str, width: float, size: float) -> list[str]:
    lines = [""]
    for token in _TOKEN.findall(text):
        pieces = [token] if inches(token, size) <= width else list(token)
        for piece in pieces:
            if lines[-1] and inches((lines[-1] + piece).rstrip(), size) > width:
                lines.append("")
            lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines if line.strip()] or [""]


def canvas(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """A figure with one set of axes, to be drawn within :func:`style` and then finished.

    ``height`` is what the axes will have, in inches; :func:`finish` gives them as much.
    """
    layout = ConstrainedLayoutEngine(w_pad=SIDE, h_pad=0.09)
    figure = Figure(figsize=(width, height + 3), layout=layout)
    axes = figure.add_subplot()
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    return figure, axes


def finish(figure: Figure, axes: Axes, height: float) -> Figure:
    """Lay the figure out once for all, as high as leaves the axes ``height`` inches."""
    for text in figure.findobj(Text):
        text.set_text("\n".join(map(printable, text.get_text().split("\n"))))
    layout = figure.get_layout_engine()
    for _ in range(4):
        layout.execute(figure)  # type: ignore[union-attr]
        lacking = height - axes.get_position(original=True).height * figure.get_figheight()
        if abs(lacking) < 0.01:
            break
        figure.set_figheight(figure.get_figheight() + lacking)
    figure.set_layout_engine("none")
    return figure


def tick_text(value: float, number: str) -> str:
    """A round value as an axis shows it: in percent where ``number`` is a percent format."""
    return typeset("{:.6g}%", value * 100) if "%" in number else typeset("{:,.10g}", value)


def value_axis(
    axes: Axes, which: Literal["x", "y"], limits: tuple[float, float], number: str
) -> None:
    """Fixed limits and round ticks; no tick is made later, outside the style."""
    low, high = limits
    slack = (high - low) * 1e-9
    ticks = [
        float(tick)
        for tick in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        if low - slack <= tick <= high + slack
    ]
    texts = [tick_text(0.0 if abs(tick) < slack else tick, number) for tick in ticks]
    if which == "x":
        axes.set_xlim(low, high)
        axes.set_xticks(ticks, texts)
    else:
        axes.set_ylim(low, high)
        axes.set_yticks(ticks, texts, fontsize=SMALL, color=GREY)


def span(
    *values: Floats, pad: float = 0.06, include: Sequence[float | None] = ()
) -> tuple[float, float]:
    """Lowest and highest finite value with a margin on both sides, also of constants."""
    given = [value for value in include if value is not None]
    pool = np.concatenate([*(np.ravel(array) for array in values), np.array(given, dtype=float)])
    pool = pool[np.isfinite(pool)]
    if not pool.size:
        return (0.0, 1.0)
    low, high = float(pool.min()), float(pool.max())
    margin = (high - low) * pad or abs(high) * 0.1 or 1.0
    return (low - margin, high + margin)


def check(frame: pd.DataFrame, *columns: str) -> None:
    """Refuse a frame without rows or without the columns named."""
    if frame.empty:
        raise ValueError("the frame of the chart has no rows; a chart needs at least one")
    for column in columns:
        if column not in frame.columns:
            raise ValueError(
                f"the frame of the chart has no column {column!r}, "
                f"only {list(map(str, frame.columns))}"
            )


def floats(frame: pd.DataFrame, column: str) -> Floats:
    """A column as floats, missing as NaN; text is refused."""
    values = frame[column]
    if not pd.api.types.is_numeric_dtype(values) and not values.isna().all():
        example = values.dropna().iloc[0]
        raise ValueError(f"column {column!r} must hold numbers, not {example!r}")
    return np.asarray(values.astype("Float64").to_numpy(dtype=float, na_value=np.nan))


def readable_on(colour: Any) -> str:
    """Black or white, whichever stands out more on ``colour``: at least 4.5 to 1 (WCAG 2)."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "black" if (luminance + 0.05) ** 2 >= 1.05 * 0.05 else "white"


def to_svg(figure: Figure) -> str:
    """The figure as one ``<svg>`` element, the same bytes on every call.

    Text is drawn as outlines, so the reader's machine needs no font. There is no XML prolog,
    metadata, comment or style sheet, and ids are unique to the content: several charts can
    stand in one HTML page, under a policy that forbids inline styles.

    Parameters
    ----------
    figure
        Any matplotlib figure; the charts of this package never lack a glyph.

    Raises
    ------
    ValueError
        When a character has no glyph in the fonts of the figure: names the characters.

    Examples
    --------
    >>> with style():
    ...     figure = Figure()
    ...     _ = figure.text(0.5, 0.5, "满意度 ≥ 80")
    >>> to_svg(figure) == to_svg(figure)
    True
    """
    buffer = io.StringIO()
    with style(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(
            buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    for item in caught:
        if not str(item.message).startswith("Glyph "):
            warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
    missing = sorted(
        {
            chr(int(code))
            for item in caught
            for code in re.findall(r"^Glyph (\d+)", str(item.message))
        }
    )
    if missing:
        raise ValueError(
            f"to_svg: the fonts of the figure have no glyph for {', '.join(map(repr, missing))}; "
            "draw the figure within plots.style(), and pass labels through plots.printable()"
        )
    return _tidy(buffer.getvalue())


def _tidy(svg: str) -> str:
    """Keep the drawing only, styled by attributes, with ids made of the content."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\n?|<metadata>.*?</metadata>\n?", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("<svg", '<svg stroke-linejoin="round" stroke-linecap="butt"', 1)
    svg = re.sub(r'style="([^"]*)"', lambda hit: _attributes(hit[1]), svg)
    mark = "c" + hashlib.sha256(svg.encode()).hexdigest()[:10]
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(
        r' id="([^"]+)"', lambda hit: f' id="{mark}-{hit[1]}"' if hit[1] in used else "", svg
    )
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{mark}-", svg).strip()


def _attributes(style: str) -> str:
    pairs = (part.split(":", 1) for part in style.split(";") if part.strip())
    return " ".join(f'{name.strip()}="{value.strip()}"' for name, value in pairs)
