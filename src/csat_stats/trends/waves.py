"""One figure over waves or months, as it is and with the mix of customers held still."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from csat_stats.frames import Array, check_level, numbers, require, respondent_weights
from csat_stats.results import Message, Result, message
from csat_stats.satisfaction import holm
from csat_stats.trends._levels import (
    Cells,
    Change,
    Kind,
    Levels,
    cells_of,
    changes_of,
    levels_of,
    mix_part,
    slope_of,
)
from csat_stats.trends._periods import (
    BoolArray,
    IntArray,
    aligned,
    gap_notes,
    names,
    periods_of,
    too_few,
)

FIGURES: Mapping[Kind, Message] = {
    "mean": message("Means by period with t intervals, changes with Welch's t test"),
    "share": message(
        "Shares by period with Wilson's intervals, changes with Newcombe's intervals and a z test"
    ),
}
STANDARDS = {"first": slice(0, 1), "last": slice(-1, None), "pooled": slice(None)}
MIX = {
    "first": message("adjusted to the mix of customers of the first wave"),
    "last": message("adjusted to the mix of customers of the last wave"),
    "pooled": message("adjusted to the mix of customers of all waves"),
    "given": message("adjusted to a given mix of customers"),
    "none": message("not adjusted for the mix of customers"),
}


@dataclass(frozen=True, kw_only=True)
class WaveTrend(Result):
    """One figure over waves; ``estimate`` is its change from the first wave to the last.

    Attributes
    ----------
    kind
        ``mean``, or ``share`` when all answers are 0 or 1: then all figures are shares, 0–1.
    p_value
        Of the change from first to last, by itself.
    adjusted, adjusted_low, adjusted_high, adjusted_p
        The same change with the mix of customers held at the standard; ``None`` without strata.
    mix
        The part of ``estimate`` that comes from a changed mix of customers.
    table
        One row a period: ``period, n, estimate, std_error, conf_low, conf_high, adjusted,
        adjusted_se, adjusted_low, adjusted_high, n_effective`` (Kish's, of the weights and the
        adjustment together).
    changes
        Between neighbouring periods with answers, and from first to last in the last row:
        ``from, to, estimate, conf_low, conf_high, p_value, p_holm, adjusted, adjusted_low,
        adjusted_high, adjusted_p, adjusted_p_holm, rate, mix``; rate + mix = estimate.
    trend
        Slope a period, from three periods with an error on: ``figure`` (unadjusted, adjusted),
        ``estimate, std_error, conf_low, conf_high, statistic, df, p_value``.
    strata
        The mix: ``period, stratum, n, share, estimate, standard`` (share of the stratum in the
        standard, 0 where it is left out).
    """

    kind: Kind
    p_value: float | None = None
    adjusted: float | None = None
    adjusted_low: float | None = None
    adjusted_high: float | None = None
    adjusted_p: float | None = None
    mix: float | None = None
    changes: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    trend: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    strata: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


class _Standard(NamedTuple):
    """Share of each stratum in the standard, 0 where it is left out, and what is said of it."""

    shares: Array
    notes: list[Message]


def wave_trend(
    values: pd.Series,
    period: pd.Series | pd.Index | ArrayLike,
    *,
    strata: pd.DataFrame | pd.Series | None = None,
    standard: Literal["first", "pooled", "last"] | pd.Series = "first",
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
) -> WaveTrend:
    """A mean or share wave by wave, its changes, and what of them a changed mix accounts for.

    Parameters
    ----------
    values
        One answer per respondent, numeric, 0/1 or bool; the waves one below the other.
    period
        Wave or month of each respondent. An ordered Categorical gives the order, unused waves
        included; a column of Periods has every month from first to last; anything else is sorted
        and counts one step from each to the next.
    strata
        What makes up the mix: a column, or several whose combinations are the strata.
    standard
        The mix that all waves are adjusted to: that of the ``first`` or ``last`` wave with
        answers, of all ``pooled``, or shares of the strata on any scale in a Series with the
        strata as index (a MultiIndex for several columns).
    weights
        One sampling weight per respondent, on one scale for all waves.
    conf_level
        0–1, for each interval by itself.

    Returns
    -------
    WaveTrend
        Not estimable with fewer than two waves, or where the change has no interval: means of a
        single answer, or without spread in both waves. Respondents without an answer, a period, a
        stratum or a weight are left out of everything. Strata without answers in some wave are
        left out of the adjustment, which is noted.

    Raises
    ------
    ValueError
        For answers that are not numeric, periods without an order, other row labels or numbers of
        rows, negative weights or shares, and a stratum that ``standard`` has no share of.

    Notes
    -----
    A mean has SE² = n/(n − 1)·Σ(w(x − x̄))²/(Σw)²; the mean adjusted to shares q of the strata,
    Σ q·x̄, has Σ q²·SE². A stratum with a single answer takes the variance pooled within the other
    strata of its wave; where all have one, the adjusted mean has no interval. Intervals of means
    are t with the degrees of freedom of Welch and Satterthwaite over the strata. Shares: Wilson's
    interval at Kish's effective n, for adjusted shares at the effective n that their variance
    implies; changes by square and add (Newcombe, 1998; Zou and Donner, 2008) with a z test on
    shares pooled within the strata. Holm (1979) over the rows of ``changes``. Mix and rate parts:
    Kitagawa (1955), without interaction; a stratum that one of two waves lacks counts as mix. The
    slope is that of the least-squares line through the waves, each weighing its effective n; its
    error follows from theirs, and waves with a single answer, which have none, stay out. Checked
    against R survey ``svymean``, ``svystandardize`` and ``svycontrast``, ``t.test`` and
    ``prop.test``.

    Examples
    --------
    >>> waves = pd.Series(["2023"] * 8 + ["2024"] * 8)
    >>> shops = pd.Series(["old"] * 6 + ["new"] * 2 + ["old"] * 2 + ["new"] * 6)
    >>> answers = pd.Series([5, 4, 5, 4, 5, 4, 2, 3, 5, 4, 2, 3, 2, 3, 2, 3])
    >>> trend = wave_trend(answers, waves, strata=shops)
    >>> trend.estimate, trend.adjusted, trend.mix
    (-1.0, 0.0, -1.0)
    """
    check_level(conf_level)
    if not isinstance(standard, pd.Series) and standard not in STANDARDS:
        raise ValueError(f"standard is {standard!r}: first, pooled, last or shares are needed")
    index, span = values.index, periods_of(period, values.index)
    answers, given = numbers(values).to_numpy(), respondent_weights(weights, index)
    used = ~np.isnan(answers) & (span.codes >= 0) & (given > 0)
    columns = None if strata is None else aligned(pd.DataFrame(strata), index, "strata")
    if columns is not None:
        used &= columns.notna().all(axis=1).to_numpy()
    elif isinstance(standard, pd.Series):
        raise ValueError("standard has shares of strata: the strata are needed too")
    x, w, wave = answers[used], given[used], span.codes[used]
    kind: Kind = "share" if x.size and np.isin(x, (0, 1)).all() else "mean"

    cells = cells_of(x, w, wave, np.zeros_like(wave), (len(span.labels), 1))
    there = cells.n[:, 0] > 0
    whole, adjusted, grid = levels_of(cells, np.ones(1), kind, conf_level), None, None
    notes, mix = gap_notes(span.labels, there), pd.DataFrame()
    if columns is not None:
        stratum, keys = _combinations(columns[used])
        grid = cells_of(x, w, wave, stratum, (len(span.labels), len(keys)))
        target = _standard(standard, keys, grid, there)
        notes += target.notes
        if target.shares.any():
            adjusted = levels_of(grid, target.shares, kind, conf_level)
        mix = _mix(span.labels, keys, grid, target.shares)

    changes = _changes(span.labels, there, (whole, adjusted), grid, kind, conf_level)
    why = too_few(span.labels, there)
    if why is None and np.isnan(changes["conf_low"].iloc[-1]):
        why = message(
            "The change from {first} to {last} has no interval: one of them has a single answer, "
            "or neither has any spread.",
            first=names(span.labels[there][:1]),
            last=names(span.labels[there][-1:]),
        )
    headline = {} if why else _headline(changes)
    return WaveTrend(
        **headline,
        conf_level=conf_level,
        n_used=x.size,
        n_dropped=len(index) - x.size,
        method=_method(kind, standard if columns is not None else "none", weights is not None),
        notes=tuple(notes),
        not_estimable=why,
        kind=kind,
        table=_table(span.labels, whole, adjusted),
        changes=changes,
        trend=_trend(whole, adjusted, conf_level),
        strata=mix,
    )


def _combinations(columns: pd.DataFrame) -> tuple[IntArray, list[Hashable]]:
    """Each respondent's stratum, and what the strata are called in the columns."""
    grouped = columns.set_axis(range(columns.shape[1]), axis=1).groupby(
        list(range(columns.shape[1])), observed=True
    )
    return grouped.ngroup().to_numpy(dtype=np.intp), list(grouped.size().index)


def _standard(standard: Any, keys: list[Hashable], grid: Cells, there: BoolArray) -> _Standard:
    """The shares to adjust to, over the strata that every period has answers in."""
    outside: list[Hashable] = []
    totals = grid.total[there]
    common: BoolArray = np.all(grid.n[there] > 0, axis=0)
    if isinstance(standard, pd.Series):
        shares, outside = _given_shares(standard, keys)
    else:
        chosen = totals[STANDARDS[standard]].sum(axis=0)
        shares = chosen / chosen.sum() if chosen.size else chosen
    kept = np.where(common, shares, 0)
    if not there.any():
        return _Standard(kept, [])
    if not kept.any():
        why = message(
            "No stratum of the standard has answers in every period: there is no adjustment."
        )
        return _Standard(kept, [why])
    notes = []
    if outside or not common.all():
        lost = [key for key, has in zip(keys, common, strict=True) if not has] + outside
        notes.append(
            message(
                "Strata that some period has no answers in are left out of the adjustment: "
                "{strata}; they hold {share:.1%} of the standard and {n:,} answers.",
                strata=names(map(_text, lost)),
                share=1 - float(kept.sum()),
                n=int(grid.n[:, ~common].sum()),
            )
        )
    if lonely := int((grid.n[:, kept > 0] == 1).sum()):
        notes.append(
            message(
                "Strata with a single answer in a period, which take the variance within the "
                "other strata there: {n}.",
                n=lonely,
            )
        )
    return _Standard(kept / kept.sum(), notes)


def _given_shares(standard: pd.Series, keys: list[Hashable]) -> tuple[Array, list[Hashable]]:
    """Shares of the strata that have answers, out of 1 over all; and the strata that have none."""
    values = numbers(standard.rename("standard"))
    require(values >= 0, values, "shares of 0 or more")
    if not standard.index.is_unique or not values.sum():
        raise ValueError("standard needs one share for each stratum, and one above 0")
    given = dict(zip(standard.index, values / values.sum(), strict=True))
    if unknown := [key for key in keys if key not in given]:
        raise ValueError(f"standard has no share of {names(map(_text, unknown))}")
    outside = [key for key, share in given.items() if key not in set(keys) and share]
    return np.array([given[key] for key in keys]), outside


def _changes(
    labels: pd.Index,
    there: BoolArray,
    figures: tuple[Levels, Levels | None],
    grid: Cells | None,
    kind: Kind,
    conf_level: float,
) -> pd.DataFrame:
    """Neighbouring periods with answers, and first to last where that is another pair."""
    at = np.flatnonzero(there)
    i, j = at[:-1], at[1:]
    if at.size > 2:
        i, j = np.append(i, at[0]), np.append(j, at[-1])
    table = pd.DataFrame({"from": labels[i], "to": labels[j]})
    columns = (
        ["estimate", "conf_low", "conf_high", "p_value", "p_holm"],
        ["adjusted", "adjusted_low", "adjusted_high", "adjusted_p", "adjusted_p_holm"],
    )
    for levels, names_ in zip(figures, columns, strict=True):
        if levels is None:
            table[names_] = np.nan
            continue
        change = changes_of(levels, i, j, kind, conf_level)
        family = holm(pd.Series(change.p_value)).table["p_holm"].to_numpy()
        parts = (change.estimate, change.conf_low, change.conf_high, change.p_value, family)
        table[names_] = np.column_stack(parts)
    mix = np.full(i.size, np.nan) if grid is None else mix_part(grid, i, j)
    return table.assign(rate=table["estimate"] - mix, mix=mix)


def _headline(changes: pd.DataFrame) -> dict[str, Any]:
    """Fields of the result from the last of its changes."""
    last = changes.iloc[-1].drop(["from", "to", "p_holm", "adjusted_p_holm", "rate"])
    return {str(name): None if np.isnan(v) else float(v) for name, v in last.items()}


def _table(labels: pd.Index, whole: Levels, adjusted: Levels | None) -> pd.DataFrame:
    figures = {"std_error": np.sqrt(whole.variance), "conf_low": whole.low, "conf_high": whole.high}
    n = whole.cells.n[:, 0].astype("int64")
    table = pd.DataFrame({"period": labels, "n": n, "estimate": whole.estimate, **figures})
    if adjusted is None:
        table[["adjusted", "adjusted_se", "adjusted_low", "adjusted_high"]] = np.nan
        return table.assign(n_effective=whole.effective)
    return table.assign(
        adjusted=adjusted.estimate,
        adjusted_se=np.sqrt(adjusted.variance),
        adjusted_low=adjusted.low,
        adjusted_high=adjusted.high,
        n_effective=adjusted.effective,
    )


def _trend(whole: Levels, adjusted: Levels | None, conf_level: float) -> pd.DataFrame:
    figures = {"unadjusted": whole, "adjusted": adjusted}
    slopes = {
        name: slope
        for name, levels in figures.items()
        if levels is not None and (slope := slope_of(levels, conf_level)) is not None
    }
    table = pd.DataFrame(list(slopes.values()), columns=list(Change._fields), dtype="float64")
    table.insert(0, "figure", pd.Series(list(slopes), dtype=object))
    return table


def _mix(labels: pd.Index, keys: list[Hashable], grid: Cells, shares: Array) -> pd.DataFrame:
    periods, strata = grid.n.shape
    with np.errstate(invalid="ignore"):
        share = grid.total / grid.total.sum(axis=1, keepdims=True)
    return pd.DataFrame(
        {
            "period": labels[np.repeat(np.arange(periods), strata)],
            "stratum": [_text(key) for key in keys] * periods,
            "n": grid.n.ravel().astype("int64"),
            "share": share.ravel(),
            "estimate": grid.mean.ravel(),
            "standard": np.tile(shares, periods),
        }
    )


def _text(key: Hashable) -> Hashable:
    return " × ".join(map(str, key)) if isinstance(key, tuple) else key


def _method(kind: Kind, standard: Any, weighted: bool) -> Message:
    return message(
        "{figures} and Holm's correction over the changes; {adjusted}; {weighting}; respondents "
        "without an answer, a period, a stratum or a weight are left out.",
        figures=FIGURES[kind],
        adjusted=MIX["given" if isinstance(standard, pd.Series) else standard],
        weighting=message(
            "weighted, with design-based standard errors and intervals of shares at the effective n"
        )
        if weighted
        else message("unweighted"),
    )
