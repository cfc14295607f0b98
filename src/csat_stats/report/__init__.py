"""What a reader gets: sections with findings, and the report made of them."""

from csat_stats.report.section import Section

__all__ = ["Section"]
