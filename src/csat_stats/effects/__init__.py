"""Effects: did an action change the figure, by how much, and was the goal attained?"""

from csat_stats.effects.goal import Attainment, attainment
from csat_stats.effects.groups import DifferenceInDifferences, did
from csat_stats.effects.waves import BeforeAfter, WaveComparison, before_after, compare_waves

__all__ = [
    "Attainment",
    "BeforeAfter",
    "DifferenceInDifferences",
    "WaveComparison",
    "attainment",
    "before_after",
    "compare_waves",
    "did",
]
