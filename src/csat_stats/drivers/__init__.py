"""Drivers: what goes with an outcome, how sure their order is, and what to mend first."""

from csat_stats.drivers.collinear import Collinearity, collinearity
from csat_stats.drivers.importance import RelativeImportance, relative_importance
from csat_stats.drivers.performance import Ipa, importance_performance
from csat_stats.drivers.priorities import PriorityMatrix, priority_matrix

__all__ = [
    "Collinearity",
    "Ipa",
    "PriorityMatrix",
    "RelativeImportance",
    "collinearity",
    "importance_performance",
    "priority_matrix",
    "relative_importance",
]
