"""What changed between two runs of a study: conclusions, study file, data, versions."""

from csat_stats.run.diff.compare import Difference, compare
from csat_stats.run.diff.runs import find
from csat_stats.run.diff.text import render

__all__ = ["Difference", "compare", "find", "render"]
