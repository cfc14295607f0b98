"""Groups compared on a score: one test over all, every pair, and Holm over a family of tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special, stats

from csat_stats.frames import Array, check_level
from csat_stats.results import Message, Result, message
from csat_stats.satisfaction._figures import NO_ANSWERS, by_group, mean_figures
from csat_stats.satisfaction._groups import (
    Scored,
    base_notes,
    check_bases,
    labels,
    scored,
    segment_codes,
    withhold,
)
from csat_stats.satisfaction.disclosure import Codes, withheld_levels

MEAN_COLUMNS = ["n", "estimate", "std_error", "conf_low", "conf_high"]
PAIR_COLUMNS = ["estimate", "std_error", "conf_low", "conf_high", "statistic", "df", "p_value"]


@dataclass(frozen=True, kw_only=True)
class GroupComparison(Result):
    """A score compared between the levels of a segment; ``estimate`` is ε², 0–1.

    Attributes
    ----------
    statistic, df, df_error, p_value
        Kruskal–Wallis H with ``df``; with weights a design-based F with ``df`` and ``df_error``.
    n_groups
        Levels that entered the test.
    table
        ``level, n, estimate, std_error, conf_low, conf_high, flag``: means with t intervals.
    pairs
        ``a, b, estimate`` (mean of a less mean of b), ``std_error, conf_low, conf_high, statistic,
        df, p_value, p_holm`` for every two levels shown.
    """

    statistic: float | None = None
    df: float | None = None
    df_error: float | None = None
    p_value: float | None = None
    n_groups: int
    pairs: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


@dataclass(frozen=True, kw_only=True)
class HolmFamily(Result):
    """A family of tests. ``table``: test, p_value, p_holm; ``n_used`` is the number of tests."""


def compare_groups(
    frame: pd.DataFrame,
    segment: str,
    score: str,
    *,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
    minimum_base: int = 10,
    caution_base: int = 30,
) -> GroupComparison:
    """Whether a score differs between the levels of a segment, by how much, and between which.

    Parameters
    ----------
    frame
        One row per respondent.
    segment
        Column to split by; rows without a level are left out.
    score
        Column of an ordinal or numeric score; missing answers are left out.
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out.
    conf_level
        0–1, for each interval by itself; the intervals of pairs are not widened for their number.
    minimum_base, caution_base
        As in :func:`by_segment`; the levels withheld do not enter the tests either.

    Returns
    -------
    GroupComparison
        Not estimable with fewer than two levels, or where all answers are the same.

    Raises
    ------
    ValueError
        If a column is missing, the score is not numeric, a weight is negative or infinite, or the
        bases are not in order.

    Notes
    -----
    Kruskal and Wallis (1952) with correction for ties; ε² = H/(n − 1) (Tomczak and Tomczak,
    2014), which is the share of the variance of the ranks that lies between groups. With
    weights the ranks are the population's, estimated by the weights (midpoints for ties), and the
    group means of the ranks are compared by a design-based Wald test, F with k − 1 and n − k
    degrees of freedom (Lumley and Scott, 2013); ε² is the same share, weighted. The pairs are
    t tests with the degrees of freedom of Welch (1947) and p-values after Holm (1979) over all
    pairs. Checked against R ``kruskal.test``, effectsize ``rank_epsilon_squared``, survey
    ``svyranktest``, ``t.test`` and ``p.adjust``. survey 4.1 averages tied ranks without their
    weights, so that its result moves with the order of the rows; with ties it was given the
    midpoints.

    Examples
    --------
    >>> frame = pd.DataFrame({"shop": ["A"] * 12 + ["B"] * 12, "q1": [3, 4] * 6 + [4, 5] * 6})
    >>> result = compare_groups(frame, "shop", "q1")
    >>> round(result.statistic, 3), round(result.estimate, 3)
    (11.5, 0.5)
    >>> result.pairs[["a", "b", "estimate"]].values.tolist()
    [['A', 'B', -1.0]]
    """
    check_level(conf_level)
    check_bases(minimum_base, caution_base)
    codes, levels = segment_codes(frame, segment)
    answers = scored(frame, score, weights)
    codes = codes[answers.rows]
    hidden = withheld_levels(codes, len(levels), minimum_base)
    table = group_means(codes, levels, answers, conf_level)
    pairs = _pairs_table(table[~hidden & (table["n"] > 0)], conf_level)
    table = withhold(table[["level", *MEAN_COLUMNS]], hidden, caution_base)
    tested = np.isin(codes, np.flatnonzero(~hidden))
    groups, codes = np.unique(codes[tested], return_inverse=True)
    test, notes = _rank_test(codes, *answers.of(tested))
    if not (hidden.any() or tested.any()):
        test = {"not_estimable": NO_ANSWERS}
    return GroupComparison(
        conf_level=conf_level,
        n_used=int(tested.sum()),
        n_dropped=len(frame) - int(tested.sum()),
        n_groups=groups.size,
        method=message(
            "Kruskal–Wallis test with ε², pairs by Welch's t test with Holm's correction;"
            " rows without an answer or a group are left out."
        )
        if weights is None
        else message(
            "Design-based rank test (Lumley and Scott) with ε², pairs by t test with"
            " linearised standard errors and Holm's correction; respondents without an answer,"
            " a group or a weight are left out."
        ),
        notes=notes + base_notes(table["flag"], minimum_base, caution_base),
        table=table,
        pairs=pairs,
        **test,
    )


def holm(p_values: Mapping[str, float | None] | pd.Series) -> HolmFamily:
    """P-values of a declared family of tests, corrected for their number.

    Parameters
    ----------
    p_values
        Name of the test → its p-value; tests that gave none (None or NaN) keep their row and do
        not count. State the family before looking: all dimensions by one segment, say.

    Raises
    ------
    ValueError
        If a p-value is not 0–1.

    Notes
    -----
    Step-down procedure of Holm (1979), valid whatever the dependence of the tests. Checked against
    R ``p.adjust(method = "holm")``.

    Examples
    --------
    >>> holm({"speed": 0.01, "price": 0.04, "manner": 0.03}).table
         test  p_value  p_holm
    0   speed     0.01    0.03
    1   price     0.04    0.06
    2  manner     0.03    0.06
    """
    given = pd.Series(p_values, dtype="float64")
    for name, value in given.items():
        if not (np.isnan(value) or 0 <= value <= 1):
            raise ValueError(f"test {name!r} has p = {value:g}: a value from 0 to 1 is needed")
    n_tests = int(given.notna().sum())
    return HolmFamily(
        n_used=n_tests,
        n_dropped=given.size - n_tests,
        method=message("Holm's correction over a family of tests: {n}.", n=n_tests),
        not_estimable=None if n_tests else message("There are no tests."),
        table=pd.DataFrame(
            {
                "test": list(given.index),
                "p_value": given.to_numpy(),
                "p_holm": holm_adjusted(given.to_numpy()),
            }
        ),
    )


def holm_adjusted(p_values: Array) -> Array:
    """Holm's p-values in the same order; missing ones stay missing and do not count."""
    from pingouin import multicomp

    if not np.isfinite(p_values).any():
        return p_values
    adjusted: Array = multicomp(p_values, method="holm")[1]
    return adjusted


def group_means(
    codes: Codes, levels: list[Any], answers: Scored, conf_level: float
) -> pd.DataFrame:
    """Means by level, with their errors and intervals, and the spread within."""
    inside = codes >= 0
    kernel = partial(mean_figures, conf_level=conf_level)
    table = by_group(codes[inside], len(levels), *answers.of(inside), kernel)
    table.insert(0, "level", labels(levels))
    return table


def welch(
    difference: ArrayLike, errors_a: ArrayLike, errors_b: ArrayLike, n_a: ArrayLike, n_b: ArrayLike
) -> tuple[Array, Array, Array]:
    """Standard error, t and degrees of freedom of differences; NaN where neither side varies."""
    square_a, square_b = np.square(errors_a), np.square(errors_b)
    square = square_a + square_b
    with np.errstate(divide="ignore", invalid="ignore"):
        varies = square > 1e-24 * np.square(difference)  # or t is beyond 10¹²: rounding
        statistic = np.where(varies, difference / np.sqrt(square), np.nan)
        df = square**2 / (square_a**2 / np.subtract(n_a, 1) + square_b**2 / np.subtract(n_b, 1))
    return np.sqrt(square), statistic, df


def _pairs_table(shown: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    """Every two rows of the means shown, compared."""
    n, mean, error = (shown[name].to_numpy() for name in ("n", "estimate", "std_error"))
    a, b = np.triu_indices(len(shown), 1)
    difference = mean[a] - mean[b]
    std_error, statistic, df = welch(difference, error[a], error[b], n[a], n[b])
    reach = -special.stdtrit(df, (1 - conf_level) / 2) * std_error
    p_value = 2 * special.stdtr(df, -np.abs(statistic))
    figures = (difference, std_error, difference - reach, difference + reach, statistic, df)
    names = shown["level"].to_numpy(dtype=object)
    return pd.DataFrame(
        {"a": names[a], "b": names[b]}
        | dict(zip(PAIR_COLUMNS, (*figures, p_value), strict=True))
        | {"p_holm": holm_adjusted(p_value)}
    )


def _rank_test(
    groups: Codes, values: Array, weights: Array | None
) -> tuple[dict[str, Any], tuple[Message, ...]]:
    """The test over all groups 0, 1, … as fields of the result, and what is said of it."""
    n, k = values.size, int(groups.max(initial=-1)) + 1
    why: Message | None = None
    if k < 2:
        why = message("Fewer than two groups have enough answers.")
    elif (values == values[0]).all():
        why = message("All answers are the same.")
    elif weights is not None and n <= k:
        why = message("There are no more answers than groups.")
    if why:
        return {"not_estimable": why}, ()
    if weights is None:
        samples = [values[groups == group] for group in range(k)]
        h, p_value = stats.kruskal(*samples)
        fields = {"statistic": float(h), "df": float(k - 1), "p_value": float(p_value)}
        return fields | {"estimate": float(h) / (n - 1)}, ()
    ranks = population_ranks(values, weights)
    totals = np.bincount(groups, weights)
    means = np.bincount(groups, weights * ranks) / totals
    away = ranks - means[groups]
    variances = n / (n - 1) * np.bincount(groups, (weights * away) ** 2) / totals**2
    centre = weights @ ranks / weights.sum()
    between = totals @ (means - centre) ** 2 / (weights @ (ranks - centre) ** 2)
    fields = {"estimate": float(between)}
    if (variances <= 1e-24).sum() > 1:
        note = message("In several groups all answers are the same: there is no weighted test.")
        return fields, (note,)
    contrast = means[1:] - means[0]
    wald = contrast @ np.linalg.solve(np.diag(variances[1:]) + variances[0], contrast)
    f = float(wald) / (k - 1)
    return fields | {
        "statistic": f,
        "df": float(k - 1),
        "df_error": float(n - k),
        "p_value": float(special.fdtrc(k - 1, n - k, f)),
    }, ()


def population_ranks(values: Array, weights: Array) -> Array:
    """Share of the population below each value, plus half of that at it, 0–1."""
    _, place = np.unique(values, return_inverse=True)
    at = np.bincount(place, weights)
    return np.asarray(((np.cumsum(at) - at / 2) / weights.sum())[place])
