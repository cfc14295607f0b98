"""Loyalty: what satisfaction says about buying again (binary logistic regression)."""

from csat_stats.loyalty.calibration import Calibration, calibration
from csat_stats.loyalty.curve import Curve, satisfaction_curve
from csat_stats.loyalty.observed import ObservedOutcome, observed_outcome
from csat_stats.loyalty.ordered import OrderedModel, ordered_logit
from csat_stats.loyalty.repurchase import LogitModel, repurchase_model
from csat_stats.loyalty.risk import RiskScores, risk_scores
from csat_stats.loyalty.scenario import Scenario, roi_scenario

__all__ = [
    "Calibration",
    "Curve",
    "LogitModel",
    "ObservedOutcome",
    "OrderedModel",
    "RiskScores",
    "Scenario",
    "calibration",
    "observed_outcome",
    "ordered_logit",
    "repurchase_model",
    "risk_scores",
    "roi_scenario",
    "satisfaction_curve",
]
