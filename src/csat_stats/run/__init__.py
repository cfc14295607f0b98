"""How a study is run: its notebooks, one after the other, into one report."""

from csat_stats.run.runner import RunResult, SectionOutcome, run

__all__ = ["RunResult", "SectionOutcome", "run"]
