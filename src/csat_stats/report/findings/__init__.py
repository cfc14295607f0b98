"""Conclusions: the sentence a consultant would write under a figure, with its verdict.

Each function takes results and the study's thresholds and gives a :class:`Finding`. The
summary, alerts and the exit status read findings and nothing else.
"""

from csat_stats.report.findings.base import VERDICTS, Finding
from csat_stats.report.findings.design import (
    consistency,
    factorable,
    factors,
    quota,
    representative,
    sample_size,
)
from csat_stats.report.findings.level import (
    index,
    low_dimension,
    lowest_dimension,
    nps,
    satisfied,
    target,
)
from csat_stats.report.findings.loyalty import (
    attained,
    change,
    model,
    net_effect,
    priorities,
)

__all__ = [
    "VERDICTS",
    "Finding",
    "attained",
    "change",
    "consistency",
    "factorable",
    "factors",
    "index",
    "low_dimension",
    "lowest_dimension",
    "model",
    "net_effect",
    "nps",
    "priorities",
    "quota",
    "representative",
    "sample_size",
    "satisfied",
    "target",
]
