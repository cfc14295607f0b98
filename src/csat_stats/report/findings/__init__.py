"""Conclusions: the sentence a consultant would write under a figure, with its verdict.

Each function takes results and the study's thresholds and gives a :class:`Finding`. The
summary, alerts and the exit status read findings and nothing else.
"""

from csat_stats.report.findings.base import VERDICTS, Finding
from csat_stats.report.findings.design import (
    call_back,
    chance,
    nonresponse,
    plan_size,
    precision,
    quota,
    representative,
    response_rate,
    sample_size,
    weighted,
)
from csat_stats.report.findings.groups import differences, ranking
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
from csat_stats.report.findings.measurement import (
    common_method,
    comparable,
    consistency,
    convergent,
    distinct,
    factorable,
    factors,
    fit,
    ordered,
)

__all__ = [
    "VERDICTS",
    "Finding",
    "attained",
    "call_back",
    "chance",
    "change",
    "common_method",
    "comparable",
    "consistency",
    "convergent",
    "differences",
    "distinct",
    "factorable",
    "factors",
    "fit",
    "index",
    "low_dimension",
    "lowest_dimension",
    "model",
    "net_effect",
    "nonresponse",
    "nps",
    "ordered",
    "plan_size",
    "precision",
    "priorities",
    "quota",
    "ranking",
    "representative",
    "response_rate",
    "sample_size",
    "satisfied",
    "target",
    "weighted",
]
