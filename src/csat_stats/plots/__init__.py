"""Charts for the report: each takes tidy frames and words, and gives back a figure.

Nothing is computed here: intervals come in ready. The words on a chart (labels, titles of axes,
legends) are arguments; title, base and data source stand beside the chart in the report. Figures
are made without :mod:`matplotlib.pyplot`, laid out once, and turned to SVG by :func:`to_svg`.
"""

from .bars import bars, dumbbell
from .grids import heatmap, radar
from .lines import curve, did_lines, scree
from .maps import calibration, quadrant_map
from .points import forest, intervals
from .projections import forecast, interrupted
from .series import control_chart, trend_lines
from .stacked import likert, nps_bar
from .theme import printable, style, to_svg

__all__ = [
    "bars",
    "calibration",
    "control_chart",
    "curve",
    "did_lines",
    "dumbbell",
    "forecast",
    "forest",
    "heatmap",
    "interrupted",
    "intervals",
    "likert",
    "nps_bar",
    "printable",
    "quadrant_map",
    "radar",
    "scree",
    "style",
    "to_svg",
    "trend_lines",
]
