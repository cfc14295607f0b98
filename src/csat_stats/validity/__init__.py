"""Construct validity: do the items hang together as the dimensions they are meant to form?"""

from csat_stats.validity.adequacy import Bartlett, Kmo, bartlett_sphericity, kmo
from csat_stats.validity.confirmatory import Cfa, cfa
from csat_stats.validity.discriminant import CommonMethod, Htmt, common_method, htmt
from csat_stats.validity.factors import Efa, ParallelAnalysis, efa, parallel_analysis
from csat_stats.validity.multigroup import Invariance, invariance
from csat_stats.validity.ordinal import ordinal_kmo
from csat_stats.validity.polychoric import Polychoric, polychoric

__all__ = [
    "Bartlett",
    "Cfa",
    "CommonMethod",
    "Efa",
    "Htmt",
    "Invariance",
    "Kmo",
    "ParallelAnalysis",
    "Polychoric",
    "bartlett_sphericity",
    "cfa",
    "common_method",
    "efa",
    "htmt",
    "invariance",
    "kmo",
    "ordinal_kmo",
    "parallel_analysis",
    "polychoric",
]
