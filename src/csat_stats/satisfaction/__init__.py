"""How satisfied the respondents are: shares, means, index, NPS, by segment, crossed and ranked.

Scores are Series of any numeric dtype, one value per respondent; missing answers are left out and
counted. Shares run 0–1, an index 0–100, the Net Promoter Score −100 to 100. Intervals assume a
simple random sample, or with ``weights`` a sample drawn with these weights, one respondent
independently of the other.
"""

from csat_stats.satisfaction.comparisons import GroupComparison, HolmFamily, compare_groups, holm
from csat_stats.satisfaction.crosstab import CrossMeans, Crosstab, cross_means, crosstab
from csat_stats.satisfaction.disclosure import withheld
from csat_stats.satisfaction.promoters import Nps, NpsDifference, nps, nps_difference
from csat_stats.satisfaction.ranking import UnitRanking, rank_units
from csat_stats.satisfaction.scores import (
    Index,
    Mean,
    Share,
    dimension_scores,
    index_score,
    mean_score,
    top_box,
)
from csat_stats.satisfaction.tables import (
    DimensionRanking,
    Distribution,
    SegmentTable,
    by_segment,
    distribution,
    rank_dimensions,
)

__all__ = [
    "CrossMeans",
    "Crosstab",
    "DimensionRanking",
    "Distribution",
    "GroupComparison",
    "HolmFamily",
    "Index",
    "Mean",
    "Nps",
    "NpsDifference",
    "SegmentTable",
    "Share",
    "UnitRanking",
    "by_segment",
    "compare_groups",
    "cross_means",
    "crosstab",
    "dimension_scores",
    "distribution",
    "holm",
    "index_score",
    "mean_score",
    "nps",
    "nps_difference",
    "rank_dimensions",
    "rank_units",
    "top_box",
    "withheld",
]
