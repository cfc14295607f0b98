"""Problems month by month: which come back, which get worse, which get better."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from csat_stats.frames import Array, check_level, matrix, require, respondent_weights
from csat_stats.results import Message, Result, message
from csat_stats.satisfaction import holm
from csat_stats.trends._periods import IntArray, gap_notes, names, periods_of, too_few
from csat_stats.trends._shares import square_and_add, wilson

FEW_CASES = 10
COLUMNS = ["n", "n_with", "estimate", "conf_low", "conf_high"]
FIGURES = ["n", "n_with", "first", "last", "change", "change_low", "change_high"]
FIGURES += ["slope", "slope_low", "slope_high", "statistic", "p_value"]


@dataclass(frozen=True, kw_only=True)
class ProblemTrends(Result):
    """Shares of respondents with each problem over time, and a verdict on each problem.

    Attributes
    ----------
    table
        One row a problem and period: ``problem, period, n, n_with, estimate, conf_low,
        conf_high`` (shares, 0–1).
    verdicts
        One row a problem: ``problem, n, n_with``, shares ``first`` and ``last`` (of the periods
        with answers), ``change, change_low, change_high`` (last − first), ``slope, slope_low,
        slope_high`` (log odds a period), ``statistic, p_value, p_holm`` (Cochran and Armitage's
        z), ``periods_above, n_periods`` and ``state``: ``worsening``, ``improving``,
        ``recurring``, ``stable``, ``rare`` or ``not_estimable``.
    """

    verdicts: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


class _Counts(NamedTuple):
    """One problem over the periods: respondents, those with it, share, effective n."""

    n: Array
    n_with: Array
    share: Array
    effective: Array


def problem_trends(
    problems: pd.DataFrame,
    period: pd.Series | pd.Index | ArrayLike,
    *,
    recurring_from: float = 0.10,
    recurring_share: float = 0.5,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
) -> ProblemTrends:
    """Which problems recur, which get worse, and which get better, beyond chance.

    Parameters
    ----------
    problems
        Respondents × problems, bool or 0/1 of any dtype; a missing value is left out of its
        problem only.
    period
        Wave or month of each respondent, as in :func:`wave_trend`: a column of Periods keeps a
        month without answers as distance.
    recurring_from
        Share of respondents, 0–1, from which a period counts against a problem.
    recurring_share
        Share of the periods, 0–1, from which a problem recurs.
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.
    conf_level
        0–1, for each interval by itself; a trend is called one where its p-value after Holm is
        below 1 − ``conf_level``.

    Returns
    -------
    ProblemTrends
        Not estimable with fewer than two periods; the shares are there all the same.

    Raises
    ------
    ValueError
        For values other than 0 and 1, shares outside 0–1, periods without an order, other row
        labels, and negative weights.

    Notes
    -----
    ``worsening`` or ``improving``: a trend. ``recurring``: no trend, and a share of
    ``recurring_from`` or more in the latest period and in at least ``recurring_share`` of the
    periods with answers. ``rare``: no trend, and below ``recurring_from`` in every period.
    ``stable``: the rest. Cochran (1954) and Armitage (1955) without continuity correction, with
    two periods the test of two proportions; slope of the logistic regression on the period by
    maximum likelihood with Wald intervals, missing where it is infinite; Wilson (1927) and
    Newcombe (1998) intervals; Holm (1979) over the problems. With weights all of them stand on
    weighted shares at Kish's effective n of each period. Checked against R ``prop.trend.test``,
    ``prop.test``, ``glm`` and ``p.adjust``.

    Examples
    --------
    >>> months = pd.Series(["2024-01", "2024-02", "2024-03"]).repeat(50).reset_index(drop=True)
    >>> late = pd.Series([True] * 5 + [False] * 45 + [True] * 10 + [False] * 40 + [True] * 20)
    >>> problems = pd.DataFrame({"late": late.reindex(range(150), fill_value=False)})
    >>> result = problem_trends(problems, months)
    >>> result.verdicts[["problem", "first", "last", "state"]].values.tolist()
    [['late', 0.1, 0.4, 'worsening']]
    """
    check_level(conf_level)
    for name, value in {
        "recurring_from": recurring_from,
        "recurring_share": recurring_share,
    }.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}: a share from 0 to 1 is needed")
    answers = matrix(problems)
    for column, name in zip(answers.T, problems, strict=True):
        values = pd.Series(column, index=problems.index, name=name)
        require(values.isin((0, 1)) | values.isna(), values, "0 or 1")
    span = periods_of(period, problems.index)
    given = respondent_weights(weights, problems.index)
    placed = (span.codes >= 0) & (given > 0)
    size = len(span.labels)
    counts = [
        _counts(column[rows], given[rows], span.codes[rows], size)
        for column in answers.T
        for rows in [placed & ~np.isnan(column)]
    ]
    used = placed & ~np.isnan(answers).all(axis=1)
    there = np.bincount(span.codes[used], minlength=size) > 0
    verdicts = _verdicts(list(problems), counts, recurring_from, recurring_share, conf_level)
    return ProblemTrends(
        conf_level=conf_level,
        n_used=int(used.sum()),
        n_dropped=len(problems) - int(used.sum()),
        method=message(
            "Share of respondents with each problem by period with Wilson's interval, trend by the "
            "Cochran–Armitage test with Holm's correction over the problems, {weighting}. "
            "Worsening and improving: corrected p below {alpha:g}; recurring: no trend, and "
            "{share:g}% or more in the latest period and in at least {part:g}% of the periods; "
            "rare: below {share:g}% in all of them. Missing answers are left out problem by "
            "problem.",
            weighting=message("unweighted")
            if weights is None
            else message("weighted, at the effective n of Kish"),
            alpha=1 - conf_level,
            share=100 * recurring_from,
            part=100 * recurring_share,
        ),
        notes=(*gap_notes(span.labels, there), *_caveats(verdicts)),
        not_estimable=too_few(span.labels, there),
        table=_table(list(problems), span.labels, counts, conf_level),
        verdicts=verdicts,
    )


def _counts(x: Array, w: Array, period: IntArray, size: int) -> _Counts:
    def sums(parts: Array | None) -> Array:
        return np.bincount(period, parts, size).astype("float64")

    total = sums(w)
    with np.errstate(invalid="ignore"):
        effective = np.where(total > 0, total**2 / sums(w**2), 0)
        return _Counts(sums(None), sums(x), sums(w * x) / total, effective)


def _table(
    problems: list[Hashable], labels: pd.Index, counts: list[_Counts], conf_level: float
) -> pd.DataFrame:
    frames = [pd.DataFrame(columns=["problem", "period", *COLUMNS])] if not problems else []
    for problem, count in zip(problems, counts, strict=True):
        low, high = wilson(count.share, count.effective, conf_level)
        whole = (count.n.astype("int64"), count.n_with.astype("int64"))
        columns = dict(zip(COLUMNS, (*whole, count.share, low, high), strict=True))
        keys = {"problem": [problem] * len(labels), "period": labels}
        frames.append(pd.DataFrame(keys | columns))
    return pd.concat(frames, ignore_index=True)


def _verdicts(
    problems: list[Hashable],
    counts: list[_Counts],
    recurring_from: float,
    recurring_share: float,
    conf_level: float,
) -> pd.DataFrame:
    rows = [_figures(count, conf_level) for count in counts]
    table = pd.DataFrame(rows, columns=FIGURES, dtype="float64")
    table.insert(0, "problem", pd.Series(problems, dtype=None if problems else object))
    table["p_holm"] = holm(table["p_value"]).table["p_holm"].to_numpy()
    answered = [count.share[count.n > 0] for count in counts]
    table["periods_above"] = [int((share >= recurring_from).sum()) for share in answered]
    table["n_periods"] = [share.size for share in answered]
    significant = (table["p_holm"] < 1 - conf_level).to_numpy()
    rising = (table["statistic"] > 0).to_numpy()
    above = table["periods_above"].to_numpy()
    recurs = (table["last"] >= recurring_from) & (above >= recurring_share * table["n_periods"])
    table["state"] = np.select(
        [
            (table["n_periods"] < 2).to_numpy(),
            significant & rising,
            significant,
            recurs.to_numpy(),
            above == 0,
        ],
        ["not_estimable", "worsening", "improving", "recurring", "rare"],
        "stable",
    )
    return table.astype({"n": "int64", "n_with": "int64"})


def _figures(count: _Counts, conf_level: float) -> dict[str, float]:
    """The change from first to last, the slope and the test of one problem."""
    at = np.flatnonzero(count.n)
    figures = {"n": count.n.sum(), "n_with": count.n_with.sum()}
    if not at.size:
        return figures
    share, n = count.share[at], count.effective[at]
    figures |= {"first": share[0], "last": share[-1]}
    if at.size < 2:
        return figures
    low, high = wilson(share, n, conf_level)
    limits = square_and_add(share[0], (low[0], high[0]), share[-1], (low[-1], high[-1]))
    figures |= {"change": share[-1] - share[0], "change_low": limits[0], "change_high": limits[1]}
    if share.max() == 0 or share.min() == 1:
        return figures
    overall = n @ share / n.sum()
    away = at - n @ at / n.sum()
    z = float((n * away) @ share / np.sqrt(overall * (1 - overall) * (n @ away**2)))
    figures |= {"statistic": z, "p_value": 2 * float(special.ndtr(-abs(z)))}
    return figures | _slope(at.astype("float64"), share, n, conf_level)


def _slope(t: Array, share: Array, n: Array, conf_level: float) -> dict[str, float]:
    """Logistic slope of shares on ``t`` with its Wald interval; none where it is infinite."""
    having, lacking = t[share > 0], t[share < 1]
    if having.max() <= lacking.min() or lacking.max() <= having.min():
        return {}
    design = np.column_stack([np.ones_like(t), t - n @ t / n.sum()])
    beta = np.array([special.logit(n @ share / n.sum()), 0.0])

    def likelihood(b: Array) -> float:
        line = design @ b
        return float(n @ (share * line - np.logaddexp(0, line)))

    for _ in range(100):
        fitted = special.expit(design @ beta)
        information = (design.T * (n * fitted * (1 - fitted))) @ design
        step = np.linalg.solve(information, design.T @ (n * (share - fitted)))
        while likelihood(beta + step) < likelihood(beta) - 1e-9:
            step /= 2
        beta = beta + step
        if np.abs(step).max() < 1e-12:
            break
    error = float(np.sqrt(np.linalg.inv(information)[1, 1]))
    reach = float(special.ndtri(0.5 + 0.5 * conf_level)) * error
    slope = float(beta[1])
    return {"slope": slope, "slope_low": slope - reach, "slope_high": slope + reach}


def _caveats(verdicts: pd.DataFrame) -> list[Message]:
    """Which tests are rough, and which slopes are infinite."""
    tested = verdicts[verdicts["p_value"].notna()]
    notes = []
    fewer = tested[["n_with"]].assign(lacking=tested["n"] - tested["n_with"]).min(axis=1)
    if (fewer < FEW_CASES).any():
        notes.append(
            message(
                "Fewer than {cases} respondents with the problem, or without it, so its test is "
                "rough: {problems}.",
                cases=FEW_CASES,
                problems=names(tested["problem"][fewer < FEW_CASES]),
            )
        )
    if (endless := tested["slope"].isna()).any():
        notes.append(
            message(
                "The log odds have no finite slope, because the periods with the problem and those "
                "without it do not overlap: {problems}.",
                problems=names(tested["problem"][endless]),
            )
        )
    return notes
