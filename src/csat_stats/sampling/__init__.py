"""Whom to ask, who answered, how to weight them, and what that says about the population.

A *frame* has one row per stratum (or several, which are added up): the columns that define the
stratum, named by ``by``, and the number of people in it. *Responses* have one row per respondent
with the same columns. Rows with a missing value in one of these columns belong to no stratum: they
are left out and counted. A :class:`Design` says how the respondents were drawn; the estimates
named ``survey_…`` go by it.
"""

from csat_stats.sampling.design import Design
from csat_stats.sampling.dispositions import ResponseRates, response_rates
from csat_stats.sampling.estimates import (
    SurveyEstimate,
    SurveyMean,
    SurveyProportion,
    SurveyRatio,
    SurveyTotal,
    survey_mean,
    survey_proportion,
    survey_ratio,
    survey_total,
)
from csat_stats.sampling.field_rules import CallBack, call_back
from csat_stats.sampling.fieldwork import (
    NonresponseByStratum,
    QuotaFill,
    Representativeness,
    nonresponse_by_stratum,
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
from csat_stats.sampling.power import (
    ChangeSampleSize,
    TargetPower,
    power_for_target,
    sample_size_for_change,
)
from csat_stats.sampling.precision import ExpectedPrecision, expected_precision
from csat_stats.sampling.raking import Raking, rake
from csat_stats.sampling.weighting import (
    KishDesignEffect,
    PostStratification,
    Weighting,
    design_effect,
    post_stratify,
)

__all__ = [
    "Allocation",
    "CallBack",
    "ChangeSampleSize",
    "Design",
    "ExpectedPrecision",
    "KishDesignEffect",
    "NonresponseByStratum",
    "PostStratification",
    "QuotaFill",
    "Raking",
    "Representativeness",
    "ResponseRates",
    "SampleSize",
    "SurveyEstimate",
    "SurveyMean",
    "SurveyProportion",
    "SurveyRatio",
    "SurveyTotal",
    "TargetPower",
    "Weighting",
    "allocate",
    "call_back",
    "design_effect",
    "expected_precision",
    "nonresponse_by_stratum",
    "post_stratify",
    "power_for_target",
    "quota_fill",
    "rake",
    "representativeness",
    "response_rates",
    "sample_size_for_change",
    "sample_size_mean",
    "sample_size_proportion",
    "survey_mean",
    "survey_proportion",
    "survey_ratio",
    "survey_total",
]
