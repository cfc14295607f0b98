"""Whom to ask, who answered, and how to weight them: size, allocation, fieldwork, weights.

A *frame* has one row per stratum (or several, which are added up): the columns that define the
stratum, named by ``by``, and the number of people in it. *Responses* have one row per respondent
with the same columns. Rows with a missing value in one of these columns belong to no stratum: they
are left out and counted.
"""

from csat_stats.sampling.fieldwork import (
    QuotaFill,
    Representativeness,
    quota_fill,
    representativeness,
)
from csat_stats.sampling.planning import (
    Allocation,
    SampleSize,
    allocate,
    sample_size_mean,
    sample_size_proportion,
)
from csat_stats.sampling.weighting import (
    KishDesignEffect,
    PostStratification,
    design_effect,
    post_stratify,
)

__all__ = [
    "Allocation",
    "KishDesignEffect",
    "PostStratification",
    "QuotaFill",
    "Representativeness",
    "SampleSize",
    "allocate",
    "design_effect",
    "post_stratify",
    "quota_fill",
    "representativeness",
    "sample_size_mean",
    "sample_size_proportion",
]
