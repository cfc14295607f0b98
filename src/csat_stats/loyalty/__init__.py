"""Loyalty: what satisfaction says about buying again (binary logistic regression)."""

from csat_stats.loyalty.curve import Curve, satisfaction_curve
from csat_stats.loyalty.repurchase import LogitModel, repurchase_model

__all__ = ["Curve", "LogitModel", "repurchase_model", "satisfaction_curve"]
