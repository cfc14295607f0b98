"""Construct validity: do the items hang together as the dimensions they are meant to form?"""

from csat_stats.validity.adequacy import Bartlett, Kmo, bartlett_sphericity, kmo
from csat_stats.validity.factors import Efa, ParallelAnalysis, efa, parallel_analysis

__all__ = [
    "Bartlett",
    "Efa",
    "Kmo",
    "ParallelAnalysis",
    "bartlett_sphericity",
    "efa",
    "kmo",
    "parallel_analysis",
]
