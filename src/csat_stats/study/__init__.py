"""What a study is: its file, its data, and what is wrong with either."""

from csat_stats.study.config import Study, load
from csat_stats.study.intake import RULES, Intake, data_key, prepare
from csat_stats.study.paths import Project
from csat_stats.study.plan import Plan
from csat_stats.study.problems import Problem, StudyError

__all__ = [
    "RULES",
    "Intake",
    "Plan",
    "Problem",
    "Project",
    "Study",
    "StudyError",
    "data_key",
    "load",
    "prepare",
]
