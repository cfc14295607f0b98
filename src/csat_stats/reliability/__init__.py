"""Reliability: does a set of items, or of raters, measure one thing consistently?"""

from csat_stats.reliability.agreement import CohenKappa, FleissKappa, cohen_kappa, fleiss_kappa
from csat_stats.reliability.alpha import CronbachAlpha, cronbach_alpha
from csat_stats.reliability.discrimination import ItemDiscrimination, item_discrimination
from csat_stats.reliability.halves import SplitHalf, split_half
from csat_stats.reliability.intraclass import IntraclassCorrelation, icc
from csat_stats.reliability.krippendorff import KrippendorffAlpha, krippendorff_alpha
from csat_stats.reliability.omega import McDonaldOmega, mcdonald_omega
from csat_stats.reliability.ordinal import OrdinalAlpha, ordinal_alpha

__all__ = [
    "CohenKappa",
    "CronbachAlpha",
    "FleissKappa",
    "IntraclassCorrelation",
    "ItemDiscrimination",
    "KrippendorffAlpha",
    "McDonaldOmega",
    "OrdinalAlpha",
    "SplitHalf",
    "cohen_kappa",
    "cronbach_alpha",
    "fleiss_kappa",
    "icc",
    "item_discrimination",
    "krippendorff_alpha",
    "mcdonald_omega",
    "ordinal_alpha",
    "split_half",
]
