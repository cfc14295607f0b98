"""How satisfied the respondents are: shares, means, index, NPS, by dimension and by segment.

Scores are Series of any numeric dtype, one value per respondent; missing answers are left out and
counted. Shares run 0–1, an index 0–100, the Net Promoter Score −100 to 100. All intervals assume a
simple random sample.
"""

from csat_stats.satisfaction.promoters import Nps, NpsDifference, nps, nps_difference
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
    "DimensionRanking",
    "Distribution",
    "Index",
    "Mean",
    "Nps",
    "NpsDifference",
    "SegmentTable",
    "Share",
    "by_segment",
    "dimension_scores",
    "distribution",
    "index_score",
    "mean_score",
    "nps",
    "nps_difference",
    "rank_dimensions",
    "top_box",
]
