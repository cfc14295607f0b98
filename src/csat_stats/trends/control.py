"""Control charts: which months differ by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from csat_stats.frames import Array, numbers, require
from csat_stats.results import Message, Result, message
from csat_stats.trends._limits import (
    D2,
    D4,
    BoolArray,
    Kind,
    individual_limits,
    share_limits,
    share_notes,
)
from csat_stats.trends._periods import names
from csat_stats.trends.rules import RULES, breaks, false_alarms

FEW_PERIODS = 8
METHODS = {
    "p": message(
        "p chart: centre is the share of events over the baseline, limits 3·√(p(1 − p)/n) on "
        "either side, cut at 0 and 1; signals by the Western Electric rules; periods without "
        "answers are left out, and runs go on over them."
    ),
    "laney": message(
        "Laney's p′ chart: centre is the share of events over the baseline, limits "
        "3·σ_z·√(p(1 − p)/n) on either side, cut at 0 and 1, σ_z from the mean moving range of "
        "the z scores; signals by the Western Electric rules; periods without answers are left "
        "out, and runs go on over them."
    ),
    "xmr": message(
        "Individuals and moving range (XmR) chart: centre is the mean over the baseline, limits "
        "2.66 mean moving ranges on either side; signals by the Western Electric rules; periods "
        "without answers are left out, and runs go on over them."
    ),
}


@dataclass(frozen=True, kw_only=True)
class ControlChart(Result):
    """Which periods differ by more than chance; ``estimate`` is the centre line.

    ``n_used`` counts periods with answers, ``n_dropped`` those without.

    Attributes
    ----------
    kind
        ``p``, ``laney`` or ``xmr``.
    sigma_z
        Spread of the shares in units of what chance alone gives, from moving ranges; 1 is chance
        alone. ``None`` for ``xmr``.
    p_dispersion
        χ² test that the shares of the baseline vary by chance alone. ``None`` for ``xmr``.
    n_signals
        Rows of ``signals``.
    false_alarms
        Rows that ``signals`` would have on average had nothing changed.
    baseline_periods
        Periods with answers that centre and limits rest on.
    table
        One row a period: ``period, n`` (answers; missing where not given), ``value, centre, lower,
        upper, signal`` (the rules it breaks, separated by commas; empty for none); for ``xmr`` also
        ``moving_range, moving_range_upper``.
    signals
        One row a period and rule it breaks: ``period, rule, value``.
    """

    kind: Kind
    sigma_z: float | None = None
    p_dispersion: float | None = None
    n_signals: int | None = None
    false_alarms: float | None = None
    baseline_periods: int
    signals: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def control_chart(
    values: pd.Series,
    *,
    n: pd.Series | None = None,
    kind: Literal["auto", "p", "laney", "xmr"] = "auto",
    baseline: int | slice | tuple[Any, Any] | None = None,
    rules: Sequence[str] = ("beyond_limits", "run_of_eight"),
) -> ControlChart:
    """Control chart of a share or a figure over months, with signals named by their rule.

    Parameters
    ----------
    values
        One value a period, in order of time. Charts ``p`` and ``laney``: whole counts of events
        (satisfied customers, complaints) among ``n`` answers. Chart ``xmr``: the figure itself, on
        any scale. A period with a missing value or without answers has no point; neither has one
        that a PeriodIndex leaves out.
    n
        Answers a period, with the index of ``values``. ``p`` and ``laney`` need it; for ``xmr`` it
        is shown, and 0 leaves the period out.
    kind
        ``auto`` is ``xmr`` without ``n``; with ``n`` it is ``laney`` where σ_z exceeds 1 and the χ²
        test finds more variation than chance gives (p < .05), else ``p``.
    baseline
        Periods that centre and limits rest on, frozen for all later ones: a number of leading
        periods, or the labels of the first and the last as a pair or a slice. ``None``: all.
    rules
        ``beyond_limits`` (beyond 3σ), ``two_of_three_beyond_two_sigma``,
        ``four_of_five_beyond_one_sigma``, ``run_of_eight``, each on one side of the centre. A
        point on the centre ends a run.

    Returns
    -------
    ControlChart
        Not estimable when the baseline has fewer than two periods with answers (three for
        ``laney`` and ``xmr``) or nothing varies in it. Below eight the limits are provisional, and
        a note says so.

    Raises
    ------
    ValueError
        For values that are not numeric, counts that are not whole or exceed ``n``, periods that
        occur twice or are not in order, a different index of ``n``, an unknown ``kind`` or rule, a
        baseline that is not among the periods.

    Notes
    -----
    p̄ = Σx/Σn over the baseline, σᵢ = √(p̄(1 − p̄)/nᵢ), zᵢ = (pᵢ − p̄)/σᵢ; Laney (2002) multiplies σᵢ
    by σ_z, the mean of the moving ranges of z divided by 1.128. XmR: σ is the mean moving range
    divided by 1.128; the upper limit of moving ranges is 3.267 times their mean (Montgomery, 2013,
    sections 6.4 and 7.2). Moving ranges lie between neighbouring periods with answers. χ² = Σzᵢ²
    with k − 1 degrees of freedom. Rules: Western Electric (1956); a point breaks one if it is
    itself beyond and the points up to it are. Signals to expect without any change: see
    ``rules.false_alarms``. Checked against the functions of R qcc, the formulas of R qicharts2 and
    the NIST handbook, section 6.3.2.2.

    Examples
    --------
    >>> months = pd.period_range("2024-01", periods=10, freq="M")
    >>> complaints = pd.Series([9, 11, 8, 12, 10, 9, 11, 10, 27, 12], index=months)
    >>> chart = control_chart(complaints, n=pd.Series(200, index=months), baseline=8)
    >>> chart.kind, chart.estimate, chart.signals.to_dict("records")
    ('p', 0.05, [{'period': '2024-09', 'rule': 'beyond_limits', 'value': 0.135}])
    """
    _check_use(values, n, kind, rules)
    if isinstance(values.index, pd.PeriodIndex) and len(values):
        every = pd.period_range(values.index[0], values.index[-1])
        values, n = values.reindex(every), None if n is None else n.reindex(every)
    answers = None if n is None else _answers(n)
    figures = _figures(numbers(values), answers, kind)
    given = ~np.isnan(figures)
    frozen = _baseline(values.index, baseline) & given
    points = figures[given]
    sizes = None if answers is None or kind == "xmr" else answers[given]
    if sizes is None:
        limits = individual_limits(points, frozen[given])
    else:
        limits = share_limits(points, sizes, frozen[given], kind)
    table = _table(values.index, answers, figures, limits.kind)
    common: dict[str, Any] = {
        "kind": limits.kind,
        "sigma_z": limits.sigma_z,
        "p_dispersion": limits.p_dispersion,
        "baseline_periods": int(frozen.sum()),
        "n_used": len(points),
        "n_dropped": int((~given).sum()),
        "method": METHODS[limits.kind],
    }
    if limits.obstacle:
        return ControlChart(**common, not_estimable=limits.obstacle, table=table)

    centre, sigma = limits.centre, limits.sigma
    broken = {rule: breaks((points - centre) / sigma, RULES[rule]) for rule in dict.fromkeys(rules)}
    named = [[rule for rule in broken if broken[rule][i]] for i in range(len(points))]
    lower, upper = centre - 3 * sigma, centre + 3 * sigma
    table["centre"] = centre
    table.loc[given, "lower"] = lower if sizes is None else np.maximum(lower, 0)
    table.loc[given, "upper"] = upper if sizes is None else np.minimum(upper, 1)
    table.loc[given, "signal"] = [", ".join(rules_broken) for rules_broken in named]
    if limits.kind == "xmr":
        table.loc[given, "moving_range"] = np.abs(np.diff(points, prepend=np.nan))
        table["moving_range_upper"] = D4 * D2 * sigma[0]
    signals = table.loc[given, ["period", "value"]].assign(rule=named).explode("rule")
    signals = signals.dropna(subset="rule")[["period", "rule", "value"]].reset_index(drop=True)
    expected = false_alarms(len(points), broken)
    notes = _baseline_notes(table["period"], given, frozen)
    if sizes is not None:
        notes += share_notes(limits, kind, sizes)
    notes.append(
        message(
            "Had nothing changed, these rules would give {expected:.2f} signals on average over "
            "{points} periods.",
            expected=expected,
            points=len(points),
        )
    )
    return ControlChart(
        **common,
        estimate=centre,
        n_signals=len(signals),
        false_alarms=expected,
        table=table,
        signals=signals,
        notes=tuple(notes),
    )


def _check_use(values: pd.Series, n: pd.Series | None, kind: str, rules: Sequence[str]) -> None:
    if kind not in ("auto", *METHODS):
        raise ValueError(f"kind is {kind!r}: 'auto', 'p', 'laney' or 'xmr' is needed")
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown or not rules or isinstance(rules, str):
        raise ValueError(f"rules is {rules!r}: some of {list(RULES)} are needed")
    index = values.index
    if not index.is_unique:
        raise ValueError(f"period {index[index.duplicated()][0]} occurs twice")
    timed = isinstance(index, pd.PeriodIndex | pd.DatetimeIndex)
    if (timed or pd.api.types.is_numeric_dtype(index)) and not index.is_monotonic_increasing:
        raise ValueError("the periods are not in order of time: sort them first")
    if n is None and kind in ("p", "laney"):
        raise ValueError(f"kind {kind!r} needs n, the number of answers in each period")
    if n is not None and not n.index.equals(index):
        raise ValueError("values and n have different indexes: align them first")


def _answers(n: pd.Series) -> Array:
    """Answers a period, as far as known."""
    answers = numbers(n)
    require(answers.isna() | (answers >= 0), answers, "numbers of answers of 0 or more")
    found: Array = answers.to_numpy()
    return found


def _figures(values: pd.Series, answers: Array | None, kind: str) -> Array:
    """The points of the chart: shares or values; missing where there are no answers."""
    figures: Array = values.to_numpy()
    if answers is None:
        return figures
    if kind == "xmr":
        return np.where(answers > 0, figures, np.nan)
    unknown = values.isna() | np.isnan(answers)
    require(unknown | ((values >= 0) & (values % 1 == 0)), values, "whole counts of events")
    require(unknown | (values <= answers), values, "counts no greater than n")
    none = np.full(len(figures), np.nan)
    shares: Array = np.divide(figures, answers, where=answers > 0, out=none)
    return shares


def _baseline(index: pd.Index, baseline: int | slice | tuple[Any, Any] | None) -> BoolArray:
    """Which periods centre and limits rest on."""
    every = np.ones(len(index), dtype=bool)
    if baseline is None:
        return every
    if isinstance(baseline, int | np.integer):
        if not 1 <= baseline <= len(index):
            raise ValueError(f"baseline is {baseline}: there are {len(index)} periods")
        return np.arange(len(index)) < baseline
    try:
        first, last = (baseline.start, baseline.stop) if isinstance(baseline, slice) else baseline
        found = pd.Series(every, index=index).loc[first:last].index
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"baseline is {baseline}: labels of periods are needed") from error
    frozen: BoolArray = index.isin(found)
    return frozen


def _table(index: pd.Index, answers: Array | None, figures: Array, kind: str) -> pd.DataFrame:
    """The table, still without centre, limits and signals; Periods as text."""
    periods = index.astype(str) if isinstance(index, pd.PeriodIndex) else index
    table = pd.DataFrame({"period": periods.to_numpy()})
    table["n"] = np.nan if answers is None else answers
    table["value"] = figures
    for column in ("centre", "lower", "upper"):
        table[column] = np.nan
    table["signal"] = ""
    if kind == "xmr":
        table["moving_range"] = table["moving_range_upper"] = np.nan
    return table


def _baseline_notes(periods: pd.Series, given: BoolArray, frozen: BoolArray) -> list[Message]:
    notes = []
    if not given.all():
        notes.append(
            message(
                "Periods without answers have no point: {periods}.", periods=names(periods[~given])
            )
        )
    inside = periods[frozen]
    if frozen.sum() < given.sum():
        notes.append(
            message(
                "Centre and limits rest on {first} to {last} and hold for the other periods.",
                first=names(inside[:1]),
                last=names(inside[-1:]),
            )
        )
    if len(inside) < FEW_PERIODS:
        notes.append(
            message(
                "The limits are provisional: they rest on {n} periods, fewer than {needed}.",
                n=len(inside),
                needed=FEW_PERIODS,
            )
        )
    return notes
