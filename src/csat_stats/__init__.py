"""Customer-satisfaction studies of after-sales service: tested statistics, notebooks, reports."""

__version__ = "0.1.0"
