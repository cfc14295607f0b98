"""Trends: waves and months beside each other, what is chance in them, and what comes next."""

from csat_stats.trends.control import ControlChart, control_chart
from csat_stats.trends.forecast import Forecast, forecast
from csat_stats.trends.problems import ProblemTrends, problem_trends
from csat_stats.trends.questions import CommonQuestions, common_questions
from csat_stats.trends.waves import WaveTrend, wave_trend

__all__ = [
    "CommonQuestions",
    "ControlChart",
    "Forecast",
    "ProblemTrends",
    "WaveTrend",
    "common_questions",
    "control_chart",
    "forecast",
    "problem_trends",
    "wave_trend",
]
