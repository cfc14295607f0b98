"""Multiple imputation: estimates that use incomplete answers too, with what that adds to doubt."""

from csat_stats.imputation.completed import Imputation, impute
from csat_stats.imputation.estimates import ImputedEstimates, imputed
from csat_stats.imputation.pooling import PooledEstimates, pool

__all__ = [
    "Imputation",
    "ImputedEstimates",
    "PooledEstimates",
    "impute",
    "imputed",
    "pool",
]
