"""Charts for the report: each takes tidy frames and words, and gives back a figure.

Nothing is computed here: intervals come in ready. The words on a chart (labels, titles of axes,
legends) are arguments; title, base and data source stand beside the chart in the report. Figures
are made without :mod:`matplotlib.pyplot`, laid out once, and turned to SVG by :func:`to_svg`.
"""

from .bars import bars, dumbbell
from .grids import heatmap, radar
from .lines import curve, did_lines, scree
from .points import forest, intervals
from .stacked import likert, nps_bar
from .theme import printable, style, to_svg

__all__ = [
    "bars",
    "curve",
    "did_lines",
    "dumbbell",
    "forest",
    "heatmap",
    "intervals",
    "likert",
    "nps_bar",
    "printable",
    "radar",
    "scree",
    "style",
    "to_svg",
]
