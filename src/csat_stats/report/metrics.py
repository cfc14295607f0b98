"""The figures a study file can name: a dimension, the index, satisfied, nps, an outcome."""

from __future__ import annotations

import pandas as pd

from csat_stats import satisfaction
from csat_stats.display import NO_VALUE
from csat_stats.results import Result, typeset
from csat_stats.study import Plan


def scores(plan: Plan, responses: pd.DataFrame) -> pd.DataFrame:
    """Dimension scores of every respondent, on the items' scale."""
    return satisfaction.dimension_scores(responses, plan.dimensions)


def low_scores(plan: Plan, responses: pd.DataFrame) -> pd.DataFrame:
    """Whether each answer to an item, under its label, is a low one; missing without an answer."""
    answers = responses[plan.items].rename(columns=plan.label)
    low: pd.DataFrame = (answers <= plan.problem_to).astype("boolean").where(answers.notna())
    return low


def index_base(plan: Plan, responses: pd.DataFrame) -> tuple[pd.Series, float, float]:
    """What the index is made of, with the ends of its scale."""
    if plan.index_source == "overall":
        return responses["overall"], plan.overall_scale.low, plan.overall_scale.high
    return scores(plan, responses).mean(axis=1), plan.scale.low, plan.scale.high


def index_values(plan: Plan, responses: pd.DataFrame) -> pd.Series:
    """The index of every respondent, 0–100."""
    values, low, high = index_base(plan, responses)
    if plan.index.formula == "range":
        return 100 * (values - low) / (high - low)
    return 100 * values / high


def values(plan: Plan, responses: pd.DataFrame) -> pd.DataFrame:
    """Every headline figure and dimension as a value of each respondent, of which it is the mean.

    ``index`` 0–100, ``satisfied`` 0/1, ``nps`` 100, 0 or −100, dimensions on the items' scale; NaN
    without an answer.
    """
    columns = {"index": index_values(plan, responses)}
    if plan.overall:
        overall = responses["overall"]
        satisfied = (overall >= plan.overall_scale.top_box).astype("float64")
        columns["satisfied"] = satisfied.where(overall.notna())
    if plan.nps:
        asked = responses["nps"]
        points = 100.0 * ((asked >= 9).astype("float64") - (asked <= 6))
        columns["nps"] = points.where(asked.notna())
    return pd.DataFrame(columns).join(scores(plan, responses))


def measure(plan: Plan, responses: pd.DataFrame, metric: str) -> Result:
    """Estimate a metric with its interval.

    Returns
    -------
    Result
        ``index`` 0–100, ``nps`` −100–100, ``satisfied`` and outcomes as shares 0–1, ``overall``
        and dimensions as means on their scale.
    """
    level = plan.conf_level
    if metric == "index":
        values, low, high = index_base(plan, responses)
        return satisfaction.index_score(
            values, low=low, high=high, formula=plan.index.formula, conf_level=level
        )
    if metric == "nps":
        return satisfaction.nps(responses["nps"], conf_level=level)
    if metric == "satisfied":
        return satisfaction.top_box(
            responses["overall"], plan.overall_scale.top_box, conf_level=level
        )
    if metric in plan.outcomes:
        return satisfaction.top_box(responses[metric], 1, conf_level=level)
    if metric == "overall":
        return satisfaction.mean_score(responses["overall"], conf_level=level)
    return satisfaction.mean_score(scores(plan, responses)[metric], conf_level=level)


def typeset_figure(result: Result, figure: float | None) -> str:
    """A figure of a metric as it is shown: shares in percent, all else with two decimals."""
    if figure is None:
        return NO_VALUE
    return typeset("{:.1%}" if isinstance(result, satisfaction.Share) else "{:.2f}", figure)


def within(responses: pd.DataFrame, where: dict[str, list[str]]) -> pd.DataFrame:
    """The responses whose segments are among the named levels."""
    for column, levels in where.items():
        responses = responses[responses[column].isin(levels)]
    return responses
