"""Drivers: what goes with an outcome, how sure its order of importance is, and what to mend first."""

from csat_stats.drivers.importance import RelativeImportance, relative_importance

__all__ = ["RelativeImportance", "relative_importance"]
