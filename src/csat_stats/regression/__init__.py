"""Regression: what goes with what, and by how much; sums are taken without rounding error."""

from csat_stats.regression.linear import Regression, ols
from csat_stats.regression.variance import OneWay, one_way

__all__ = ["OneWay", "Regression", "ols", "one_way"]
