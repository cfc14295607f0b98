"""Share satisfied, mean, index 0–100, and respondents' scores on dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from csat_stats.frames import Array, check_level, numbers, require
from csat_stats.results import Message, Result, message
from csat_stats.satisfaction._figures import (
    NO_ANSWERS,
    Figures,
    answered,
    mean_figures,
    share_figures,
)


@dataclass(frozen=True, kw_only=True)
class Share(Result):
    """Share of respondents who are satisfied; ``estimate`` is 0–1.

    ``n_satisfied`` counts respondents; ``n_effective`` is Kish's, ``None`` without weights.
    """

    satisfied_from: float
    n_satisfied: int
    n_effective: float | None = None


@dataclass(frozen=True, kw_only=True)
class Mean(Result):
    """Mean of a score, in the units of the score; ``std_error`` is ``None`` below two answers.

    ``n_effective`` is Kish's effective number of respondents, ``None`` without weights.
    """

    std_dev: float | None = None
    std_error: float | None = None
    n_effective: float | None = None


@dataclass(frozen=True, kw_only=True)
class Index(Mean):
    """Mean of a score mapped to 0–100, with the ends of the scale it was mapped from."""

    low: float
    high: float
    formula: str


def top_box(
    scores: pd.Series,
    satisfied_from: float,
    *,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
) -> Share:
    """Share of the answers that are ``satisfied_from`` or more, with a Wilson interval.

    Parameters
    ----------
    scores
        One answer per respondent, any numeric scale on which more is better; missing answers are
        left out.
    satisfied_from
        Lowest answer that counts as satisfied: 4 on a scale of 1–5 gives the top two boxes.
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If ``scores`` is not numeric or holds an infinite value, or a weight is negative or
        infinite.

    Notes
    -----
    Score interval without continuity correction (Wilson, 1927). With weights the share is Σw over
    the satisfied / Σw, and the interval takes the effective number of respondents (Σw)²/Σw² (Kish,
    1965) for n. Checked against R ``prop.test(correct = FALSE)``.

    Examples
    --------
    >>> result = top_box(pd.Series([5, 4, 3, 2, None]), satisfied_from=4)
    >>> result.estimate, result.n_used, result.n_dropped
    (0.5, 4, 1)
    >>> top_box(pd.Series([5, 4, 3, 2]), 4, weights=pd.Series([1, 1, 3, 3])).estimate
    0.25
    """
    check_level(conf_level)
    answers, given = answered(scores, weights)
    values = {"satisfied_from": satisfied_from, "level": 100 * conf_level}
    common: dict[str, Any] = {
        "satisfied_from": satisfied_from,
        "n_satisfied": int((answers >= satisfied_from).sum()),
        "conf_level": conf_level,
        "n_used": answers.size,
        "n_dropped": scores.size - answers.size,
        "method": message(
            "Share of answers of {satisfied_from:g} or more with {level:g}% Wilson interval;"
            " missing answers are left out.",
            **values,
        )
        if given is None
        else message(
            "Weighted share of answers of {satisfied_from:g} or more with {level:g}% Wilson"
            " interval on Kish's effective n; respondents without an answer or a weight are left"
            " out.",
            **values,
        ),
    }
    if answers.empty:
        return Share(not_estimable=NO_ANSWERS, **common)
    figures = share_figures(
        answers.to_numpy(), given, satisfied_from=satisfied_from, conf_level=conf_level
    )
    return Share(
        estimate=figures.estimate,
        conf_low=figures.conf_low,
        conf_high=figures.conf_high,
        n_effective=figures.n_effective,
        **common,
    )


def mean_score(
    scores: pd.Series, *, weights: pd.Series | None = None, conf_level: float = 0.95
) -> Mean:
    """Mean of a score with a t interval.

    Parameters
    ----------
    scores
        One answer per respondent, any numeric scale; missing answers are left out.
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If ``scores`` is not numeric or holds an infinite value, or a weight is negative or
        infinite.

    Notes
    -----
    x̄ ± t(n−1)·s/√n (Student, 1908). With weights x̄ = Σwx/Σw, SE² = n/(n−1)·Σ(w(x−x̄))²/(Σw)² by
    Taylor linearisation and s² = n/(n−1)·Σw(x−x̄)²/Σw (Särndal, Swensson and Wretman, 1992).
    Checked against R ``t.test`` and survey ``svymean`` with ``svydesign(ids = ~1)``.

    Examples
    --------
    >>> result = mean_score(pd.Series([2, 4, 4, 5, 5]))
    >>> result.estimate, round(result.conf_low, 3), round(result.conf_high, 3)
    (4.0, 2.479, 5.521)
    """
    answers, given = answered(scores, weights)
    fields = _mean(answers.to_numpy(), given, scores.size, conf_level)
    return Mean(**fields, method=mean_method(conf_level, given is not None))


def index_score(
    scores: pd.Series,
    *,
    low: float,
    high: float,
    formula: Literal["range", "of_maximum"] = "range",
    weights: pd.Series | None = None,
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
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If an answer lies outside the scale, ``low``, ``high`` or ``formula`` make no scale, or a
        weight is negative or infinite.

    Notes
    -----
    Both mappings are linear, so error and interval are those of :func:`mean_score`. Checked
    against R ``t.test`` and survey ``svymean`` with ``svydesign(ids = ~1)``.

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
    answers, given = answered(scores, weights)
    require(answers.between(low, high), answers, f"answers from {low:g} to {high:g}")
    values = {"zero": _zero(low, formula), "high": high, "level": 100 * conf_level}
    method = (
        message(
            "Each answer x mapped to 0–100 by (x − {zero:g})/({high:g} − {zero:g})·100, then"
            " arithmetic mean with {level:g}% t interval; missing answers are left out.",
            **values,
        )
        if given is None
        else message(
            "Each answer x mapped to 0–100 by (x − {zero:g})/({high:g} − {zero:g})·100, then"
            " weighted mean with {level:g}% t interval, standard error by Taylor linearisation;"
            " respondents without an answer or a weight are left out.",
            **values,
        )
    )
    points = _points(answers.to_numpy(), low, high, formula)
    fields = _mean(points, given, scores.size, conf_level)
    return Index(**fields, method=method, low=low, high=high, formula=formula)


def index_figures(
    values: Array,
    weights: Array | None,
    *,
    low: float,
    high: float,
    formula: str = "range",
    conf_level: float,
) -> Figures:
    """The index of an array of answers."""
    return mean_figures(_points(values, low, high, formula), weights, conf_level=conf_level)


def _zero(low: float, formula: str) -> float:
    return low if formula == "range" else 0.0


def _points(values: Array, low: float, high: float, formula: str) -> Array:
    zero = _zero(low, formula)
    return (values - zero) / (high - zero) * 100


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


def _mean(values: Array, weights: Array | None, n_rows: int, conf_level: float) -> dict[str, Any]:
    """Mean, spread and t interval as the fields of a :class:`Mean`."""
    check_level(conf_level)
    n = values.size
    fields: dict[str, Any] = {
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": n_rows - n,
    }
    if n == 0:
        return fields | {"not_estimable": NO_ANSWERS}
    note = message("One answer only: there is no interval.")
    figures = mean_figures(values, weights, conf_level=conf_level)
    return fields | figures._asdict() | {"notes": (note,) if n == 1 else ()}


def mean_method(conf_level: float, weighted: bool) -> Message:
    """How a mean and its interval were made."""
    if weighted:
        return message(
            "Weighted mean with {level:g}% t interval, standard error by Taylor linearisation;"
            " respondents without an answer or a weight are left out.",
            level=100 * conf_level,
        )
    return message(
        "Arithmetic mean with {level:g}% t interval; missing answers are left out.",
        level=100 * conf_level,
    )
