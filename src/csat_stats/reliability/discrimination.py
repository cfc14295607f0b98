"""Item discrimination: does an item tell those of high total score from those of low?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from csat_stats.frames import Array, check_level, matrix, respondent_weights
from csat_stats.results import Message, Result, message

Test = Literal["welch", "student", "levene"]
METHODS = {
    "welch": message(
        "Difference of the item means between the top and bottom {share:g}% by total score with "
        "Welch's t test and interval; only respondents who answered all {k} items."
    ),
    "student": message(
        "Difference of the item means between the top and bottom {share:g}% by total score with "
        "Student's t test and interval; only respondents who answered all {k} items."
    ),
    "levene": message(
        "Difference of the item means between the top and bottom {share:g}% by total score with "
        "Student's t test, or Welch's where Levene's test has p < 0.05, and its interval; only "
        "respondents who answered all {k} items."
    ),
    "weighted": message(
        "Weighted difference of the item means between the top and bottom {share:g}% by total "
        "score with design-based errors and t intervals; only respondents with a weight who "
        "answered all {k} items."
    ),
}


@dataclass(frozen=True, kw_only=True)
class ItemDiscrimination(Result):
    """Differences of items between those of high and of low total score, in ``table``.

    Attributes
    ----------
    share
        Share of the respondents that each group was to have, 0–1.
    cut_low, cut_high
        Total scores up to which, and from which on, a respondent belongs to a group: all of equal
        score do, so that a group can have more than its share.
    n_low, n_high
        Respondents of the groups.
    k
        Number of items.
    table
        One row an item: ``item, mean_low, mean_high, estimate`` (high − low), ``std_error,
        conf_low, conf_high, statistic`` (the "critical ratio"), ``df, p_value, cohens_d,
        point_biserial`` (correlation of the item with being in the high group), ``levene_p``
        (NaN with weights).
    """

    share: float
    cut_low: float | None = None
    cut_high: float | None = None
    n_low: int | None = None
    n_high: int | None = None
    k: int


def item_discrimination(
    items: pd.DataFrame,
    share: float = 0.27,
    *,
    test: Test = "welch",
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
) -> ItemDiscrimination:
    """Item analysis by extreme groups: top against bottom 27% of the total score.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, all on the same scale and keyed in the same
        direction. A row with any missing value is left out (listwise).
    share
        Of the respondents in each group, above 0 and at most 0.5.
    test
        ``"welch"``; ``"student"`` for equal variances; ``"levene"`` for Student's where Levene's
        test (around the means) has p ≥ .05 and Welch's otherwise, as textbooks read SPSS.
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out. Only with
        ``test="welch"``.
    conf_level
        Level of the intervals, 0–1.

    Returns
    -------
    ItemDiscrimination
        Not estimable with fewer than two items, or when the totals leave fewer than two
        respondents in a group or overlap. Where an item varies in neither group there is no test.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another; ``share``, ``test`` or
        ``conf_level`` make no sense; a weight is negative or infinite.

    Notes
    -----
    Kelley (1939, Journal of Educational Psychology 30): 27% is the best compromise for normal
    scores. The low group ends at the lowest total up to which there are at least ``share`` of the
    respondents (of the weights), the high group likewise from above. An item is part of its total,
    so that t is too large for a test in the strict sense: it ranks items. d with the pooled
    standard deviation (Cohen 1988). With weights SE² = n/(n−1)·Σ(w(x−x̄))²/(Σw)² in each group.
    Checked against R 4.2 ``t.test``, ``cor`` and Levene's test by ``aov``.

    Examples
    --------
    >>> items = pd.DataFrame({"q1": [1, 2, 4, 5, 5, 3, 1, 4], "q2": [3, 2, 3, 5, 4, 2, 3, 4]})
    >>> result = item_discrimination(items)
    >>> result.cut_low, result.cut_high, result.n_low, result.n_high
    (4.0, 8.0, 3, 3)
    >>> result.table[["item", "mean_low", "mean_high", "statistic"]].round(3)
      item  mean_low  mean_high  statistic
    0   q1     1.333      4.667      7.071
    1   q2     2.667      4.333      3.536
    """
    check_level(conf_level)
    if not 0 < share <= 0.5:
        raise ValueError(f"share is {share}: above 0 and at most 0.5 is needed")
    if test not in ("welch", "student", "levene"):
        raise ValueError(f"test is {test!r}: 'welch', 'student' or 'levene' is needed")
    if weights is not None and test != "welch":
        raise ValueError(f"test is {test!r}: with weights only 'welch' is possible")
    x, w = matrix(items), respondent_weights(weights, items.index)
    used = ~np.isnan(x).any(axis=1) & (w > 0)
    x, w = x[used], w[used]
    n, k = x.shape
    method = METHODS["weighted" if weights is not None else test].text
    base: dict[str, Any] = {
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": len(items) - n,
        "share": share,
        "k": k,
        "method": Message(method, {"share": 100 * share, "k": k}),
    }
    if k < 2:
        reason = message("A dimension of one item has no internal consistency.")
        return ItemDiscrimination(**base, not_estimable=reason)
    if n < 4:
        reason = message(
            "{n} complete rows are too few: at least {minimum} are needed.", n=n, minimum=4
        )
        return ItemDiscrimination(**base, not_estimable=reason)
    total = x.sum(axis=1)
    cut_low, cut_high = _cut(total, w, share), -_cut(-total, w, share)
    low, high = total <= cut_low, total >= cut_high
    base |= {
        "cut_low": cut_low,
        "cut_high": cut_high,
        "n_low": int(low.sum()),
        "n_high": int(high.sum()),
    }
    if cut_low >= cut_high or min(low.sum(), high.sum()) < 2:
        reason = message(
            "The total scores do not separate two groups of at least two respondents each."
        )
        return ItemDiscrimination(**base, not_estimable=reason)
    names = [str(name) for name in items.columns]
    table = _compare(x, w, low, high, test, weights is not None, conf_level)
    table.insert(0, "item", names)
    return ItemDiscrimination(**base, notes=_notes(table, base, n, share, conf_level), table=table)


def _cut(total: Array, w: Array, share: float) -> float:
    """The lowest total up to which there is at least ``share`` of the weight."""
    order = np.argsort(total, kind="stable")
    reached = np.cumsum(w[order]) >= share * w.sum() * (1 - 1e-12)
    return float(total[order][np.argmax(reached)])


def _compare(
    x: Array,
    w: Array,
    low: NDArray[np.bool],
    high: NDArray[np.bool],
    test: Test,
    weighted: bool,
    conf_level: float,
) -> pd.DataFrame:
    """The table without the names; a column of ``x`` an item."""
    (m, mean_low, var_low, se_low), (n, mean_high, var_high, se_high) = (
        _group(x[group], w[group]) for group in (low, high)
    )
    difference = mean_high - mean_low
    levene = np.full(x.shape[1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        if not weighted:
            levene = np.array(
                [
                    stats.levene(a, b, center="mean").pvalue
                    for a, b in zip(x[low].T, x[high].T, strict=True)
                ]
            )
        pooled = ((m - 1) * var_low + (n - 1) * var_high) / (m + n - 2)
        variance = se_low + se_high
        df = variance**2 / (se_low**2 / (m - 1) + se_high**2 / (n - 1))
        equal = {
            "welch": np.zeros(x.shape[1], dtype=bool),
            "student": np.ones(x.shape[1], dtype=bool),
            "levene": ~(levene < 0.05),
        }[test]
        std_error = np.sqrt(np.where(equal, pooled * (1 / m + 1 / n), variance))
        df = np.where(equal, float(m + n - 2), df)
        std_error[(var_low == 0) & (var_high == 0)] = np.nan
        df[np.isnan(std_error)] = np.nan
        statistic = difference / std_error
        reach = stats.t.isf((1 - conf_level) / 2, df) * std_error
        d = difference / np.sqrt(pooled)
    both, each = low | high, w[low | high]
    centred = x[both] - np.average(x[both], axis=0, weights=each)
    place = high[both] - np.average(high[both], weights=each)
    spread = np.sqrt((each @ centred**2) * (each @ place**2))
    return pd.DataFrame(
        {
            "mean_low": mean_low,
            "mean_high": mean_high,
            "estimate": difference,
            "std_error": std_error,
            "conf_low": difference - reach,
            "conf_high": difference + reach,
            "statistic": statistic,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(statistic), df),
            "cohens_d": np.where(np.isnan(std_error), np.nan, d),
            "point_biserial": np.divide(
                (each * place) @ centred, spread, out=np.full(x.shape[1], np.nan), where=spread > 0
            ),
            "levene_p": levene,
        }
    )


def _group(x: Array, w: Array) -> tuple[int, Array, Array, Array]:
    """n, and for each item mean, variance and squared standard error of the mean."""
    n, total = len(x), w.sum()
    mean = x[0] + (w @ (x - x[0])) / total
    away = x - mean
    variance = n / (n - 1) * (w @ away**2) / total
    return n, mean, variance, n / (n - 1) * (w**2 @ away**2) / total**2


def _notes(
    table: pd.DataFrame, base: dict[str, Any], n: int, share: float, conf_level: float
) -> tuple[Message, ...]:
    notes = []
    planned = int(np.ceil(share * n * (1 - 1e-12)))
    if max(base["n_low"], base["n_high"]) > planned:
        notes.append(
            message(
                "Respondents with the total score of a cut all belong to its group: {low} instead "
                "of {planned} are in the low group, {high} in the high group.",
                low=base["n_low"],
                high=base["n_high"],
                planned=planned,
            )
        )
    flat = table.loc[table["std_error"].isna(), "item"]
    if len(flat):
        notes.append(
            message(
                "{items}: no variance within either group, so there is no test.",
                items=", ".join(flat),
            )
        )
    weak = table.loc[(table["p_value"] >= 1 - conf_level) | (table["estimate"] <= 0), "item"]
    if len(weak):
        notes.append(
            message(
                "{items}: no clear difference between high and low scorers, so the item does not "
                "discriminate.",
                items=", ".join(weak),
            )
        )
    return tuple(notes)
