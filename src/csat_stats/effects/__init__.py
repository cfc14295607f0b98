"""Effects: did an action change the figure, by how much, and was the goal attained?"""

from csat_stats.effects.equivalence import Equivalence, equivalence
from csat_stats.effects.goal import Attainment, attainment
from csat_stats.effects.groups import DifferenceInDifferences, did
from csat_stats.effects.pre_trends import PreTrends, pre_trends
from csat_stats.effects.regression_to_mean import RegressionToMean, regression_to_mean
from csat_stats.effects.series import InterruptedTimeSeries, interrupted_time_series
from csat_stats.effects.study_design import StudyDesign, choose_design
from csat_stats.effects.waves import BeforeAfter, WaveComparison, before_after, compare_waves

__all__ = [
    "Attainment",
    "BeforeAfter",
    "DifferenceInDifferences",
    "Equivalence",
    "InterruptedTimeSeries",
    "PreTrends",
    "RegressionToMean",
    "StudyDesign",
    "WaveComparison",
    "attainment",
    "before_after",
    "choose_design",
    "compare_waves",
    "did",
    "equivalence",
    "interrupted_time_series",
    "pre_trends",
    "regression_to_mean",
]
