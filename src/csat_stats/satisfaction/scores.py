"""Share satisfied, mean, index 0–100, and respondents' scores on dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.results import Message, Result, message
from csat_stats.satisfaction._answers import NO_ANSWERS, check_level, numbers, require


@dataclass(frozen=True, kw_only=True)
class Share(Result):
    """Share of respondents who are satisfied; ``estimate`` is 0–1."""

    satisfied_from: float
    n_satisfied: int


@dataclass(frozen=True, kw_only=True)
class Mean(Result):
    """Mean of a score, in the units of the score; ``std_error`` is ``None`` below two answers."""

    std_dev: float | None = None
    std_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Index(Mean):
    """Mean of a score mapped to 0–100, with the ends of the scale it was mapped from."""

    low: float
    high: float
    formula: str


def top_box(scores: pd.Series, satisfied_from: float, *, conf_level: float = 0.95) -> Share:
    """Share of the answers that are ``satisfied_from`` or more, with a Wilson interval.

    Parameters
    ----------
    scores
        One answer per respondent, any numeric scale on which more is better; missing answers are
        left out.
    satisfied_from
        Lowest answer that counts as satisfied: 4 on a scale of 1–5 gives the top two boxes.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If ``scores`` is not numeric or holds an infinite value.

    Notes
    -----
    Score interval without continuity correction (Wilson, 1927). Checked against R
    ``prop.test(correct = FALSE)``.

    Examples
    --------
    >>> result = top_box(pd.Series([5, 4, 3, 2, None]), satisfied_from=4)
    >>> result.estimate, result.n_used, result.n_dropped
    (0.5, 4, 1)
    """
    check_level(conf_level)
    answers = numbers(scores).dropna()
    n_satisfied = int((answers >= satisfied_from).sum())
    common: dict[str, Any] = {
        "satisfied_from": satisfied_from,
        "n_satisfied": n_satisfied,
        "conf_level": conf_level,
        "n_used": answers.size,
        "n_dropped": scores.size - answers.size,
        "method": message(
            "Share of answers of {satisfied_from:g} or more with {level:g}% Wilson interval;"
            " missing answers are left out.",
            satisfied_from=satisfied_from,
            level=100 * conf_level,
        ),
    }
    if answers.empty:
        return Share(not_estimable=NO_ANSWERS, **common)
    interval = stats.binomtest(n_satisfied, answers.size).proportion_ci(conf_level, method="wilson")
    return Share(
        estimate=n_satisfied / answers.size,
        conf_low=float(interval.low),
        conf_high=float(interval.high),
        **common,
    )


def mean_score(scores: pd.Series, *, conf_level: float = 0.95) -> Mean:
    """Mean of a score with a t interval.

    Parameters
    ----------
    scores
        One answer per respondent, any numeric scale; missing answers are left out.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If ``scores`` is not numeric or holds an infinite value.

    Notes
    -----
    x̄ ± t(n−1)·s/√n (Student, 1908). Checked against R ``t.test``.

    Examples
    --------
    >>> result = mean_score(pd.Series([2, 4, 4, 5, 5]))
    >>> result.estimate, round(result.conf_low, 3), round(result.conf_high, 3)
    (4.0, 2.479, 5.521)
    """
    fields = _mean(numbers(scores).dropna(), scores.size, conf_level)
    return Mean(**fields, method=mean_method(conf_level))


def index_score(
    scores: pd.Series,
    *,
    low: float,
    high: float,
    formula: Literal["range", "of_maximum"] = "range",
    conf_level: float = 0.95,
) -> Index:
    """Mean of a score mapped to 0–100, with a t interval.

    Parameters
    ----------
    scores
        One answer per respondent on a scale from ``low`` to ``high``; missing answers are left out.
    low, high
        Ends of the answer scale, such as 1 and 5.
    formula
        ``"range"``: (x − low)/(high − low)·100, so that the lowest answer is 0. ``"of_maximum"``:
        x/high·100, so that the lowest answer of a 1–5 scale is 20. The two are different scales.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If an answer lies outside the scale, or ``low``, ``high`` or ``formula`` make no scale.

    Notes
    -----
    Both mappings are linear, so the interval is that of the mean; checked against R ``t.test``.

    Examples
    --------
    >>> answers = pd.Series([5, 4, 4, 1])
    >>> index_score(answers, low=1, high=5).estimate
    62.5
    >>> index_score(answers, low=1, high=5, formula="of_maximum").estimate
    70.0
    """
    if formula not in ("range", "of_maximum"):
        raise ValueError(f"formula is {formula!r}: 'range' or 'of_maximum' is needed")
    if not low < high or (formula == "of_maximum" and low < 0):
        raise ValueError(
            f"low is {low:g} and high {high:g}: low < high, and 0 <= low for a share"
            " of the maximum, is needed"
        )
    answers = numbers(scores).dropna()
    require(answers.between(low, high), answers, f"answers from {low:g} to {high:g}")
    zero = low if formula == "range" else 0.0
    points = (answers - zero) / (high - zero) * 100
    method = message(
        "Each answer x mapped to 0–100 by (x − {zero:g})/({high:g} − {zero:g})·100, then arithmetic"
        " mean with {level:g}% t interval; missing answers are left out.",
        zero=zero,
        high=high,
        level=100 * conf_level,
    )
    fields = _mean(points, scores.size, conf_level)
    return Index(**fields, method=method, low=low, high=high, formula=formula)


def dimension_scores(
    responses: pd.DataFrame, items: Mapping[str, Sequence[str]], *, min_share: float = 0.5
) -> pd.DataFrame:
    """Each respondent's score on each dimension: the mean of the items that they answered.

    Parameters
    ----------
    responses
        One row per respondent. The items of one dimension share one scale and one direction.
    items
        Dimension → names of its item columns.
    min_share
        A respondent gets a score on a dimension when at least this share of its items, 0–1, is
        answered, and a missing value otherwise. With the default of a half, two of four items
        are enough and one of three is not.

    Returns
    -------
    pandas.DataFrame
        Rows of ``responses``, one float column per dimension, in the units of the items.

    Raises
    ------
    ValueError
        If a dimension has no items, an item is not a column or is not numeric.

    Notes
    -----
    Half rule of the EORTC QLQ-C30 scoring manual (Fayers et al., 2001). Checked against R
    ``rowMeans``.

    Examples
    --------
    >>> answers = pd.DataFrame({"q1": [5, 4, None], "q2": [3, None, None]})
    >>> dimension_scores(answers, {"speed": ["q1", "q2"]})["speed"].tolist()
    [4.0, 4.0, nan]
    """
    if not 0 < min_share <= 1:
        raise ValueError(f"min_share is {min_share}: a share above 0 and at most 1 is needed")
    columns = {}
    for dimension, names in items.items():
        missing = [name for name in names if name not in responses]
        if missing or not names:
            what = f"columns {missing} are missing" if missing else "it has no items"
            raise ValueError(f"dimension {dimension!r}: {what}; name columns of the responses")
        answers = pd.DataFrame({name: numbers(responses[name]) for name in names})
        enough = answers.count(axis=1) >= min_share * len(names)
        columns[dimension] = answers.mean(axis=1).where(enough)
    return pd.DataFrame(columns, index=responses.index, dtype="float64")


def _mean(answers: pd.Series, n_rows: int, conf_level: float) -> dict[str, Any]:
    """Mean, spread and t interval as the fields of a :class:`Mean`."""
    check_level(conf_level)
    n = answers.size
    fields: dict[str, Any] = {"conf_level": conf_level, "n_used": n, "n_dropped": n_rows - n}
    if n == 0:
        return fields | {"not_estimable": NO_ANSWERS}
    values = answers.to_numpy()
    mean = float(values.mean())
    if n == 1:
        note = message("One answer only: there is no interval.")
        return fields | {"estimate": mean, "notes": (note,)}
    std_dev = float(values.std(ddof=1))
    std_error = std_dev / float(np.sqrt(n))
    half_width = float(stats.t.isf((1 - conf_level) / 2, n - 1)) * std_error
    return fields | {
        "estimate": mean,
        "conf_low": mean - half_width,
        "conf_high": mean + half_width,
        "std_dev": std_dev,
        "std_error": std_error,
    }


def mean_method(conf_level: float) -> Message:
    return message(
        "Arithmetic mean with {level:g}% t interval; missing answers are left out.",
        level=100 * conf_level,
    )
