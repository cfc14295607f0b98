"""One figure, or several, before and after an action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.effects._change import EFFECT_SIZES, METHODS, WEIGHTED, compare, mean_and_variance
from csat_stats.effects._waves import Design, Kind, two_waves
from csat_stats.effects.equivalence import equivalence
from csat_stats.effects.goal import attainment
from csat_stats.effects.precision import POWER, detectable_change
from csat_stats.frames import Array, check_level, respondent_weights
from csat_stats.results import Message, Result, message


@dataclass(frozen=True, kw_only=True)
class BeforeAfter(Result):
    """Change of one figure between two waves; ``estimate`` is after − before.

    Attributes
    ----------
    design
        ``independent`` (different customers) or ``panel`` (the same customers).
    kind
        ``mean``, or ``share`` when all answers are 0 or 1: then all figures are shares, 0–1.
    before_mean, after_mean, n_before, n_after
        The two figures and the answers they rest on; in a panel, the customers in both waves.
    statistic, df, p_value
        Welch's t, paired t, the pooled z of two shares, or McNemar's exact test (p only).
    std_error
        Of the change of means or weighted figures; ``None`` for shares, whose interval and test
        rest on scores.
    detectable
        The smallest true change, as a size, that would have shown as significant with 80% power:
        without significance, larger changes are unlikely and smaller ones quite possible. Of
        shares a rise from the share before (a fall where the target lies below it); ``None``
        where not even the end of the scale would have shown.
    p_rank
        Mann–Whitney or Wilcoxon signed-rank p; ``None`` for shares and weighted figures.
    effect_size, effect_size_low, effect_size_high, effect_size_name
        ``hedges_g`` (independent means), ``hedges_gz`` (panel means) or ``cohens_h`` (shares;
        no interval in a panel); ``None`` for weighted figures.
    target, share_of_gain, share_of_target, met
        As in :class:`~csat_stats.effects.Attainment`, when a target was given.
    table
        ``period`` (before, after), ``n, mean, std_error``.
    """

    design: Design
    kind: Kind
    before_mean: float | None = None
    after_mean: float | None = None
    n_before: int
    n_after: int
    std_error: float | None = None
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    detectable: float | None = None
    p_rank: float | None = None
    effect_size: float | None = None
    effect_size_low: float | None = None
    effect_size_high: float | None = None
    effect_size_name: str
    target: float | None = None
    share_of_gain: float | None = None
    share_of_target: float | None = None
    met: bool | None = None


@dataclass(frozen=True, kw_only=True)
class WaveComparison(Result):
    """Changes of several figures between two waves, with Holm's correction over them.

    Attributes
    ----------
    design
        ``independent`` or ``panel``.
    n_used, n_dropped
        Rows of both frames (in a panel: customers in both) with, and without, an answer to use.
    table
        One row a column: ``column, before, after, estimate, conf_low, conf_high, effect_size,
        effect_size_low, effect_size_high, p_value, p_holm, n_before, n_after, detectable``; with
        a margin also ``p_equivalence, equivalent``.
    """

    design: Design


def before_after(
    before: pd.Series,
    after: pd.Series,
    *,
    paired: bool = False,
    target: float | None = None,
    weights_before: pd.Series | None = None,
    weights_after: pd.Series | None = None,
    conf_level: float = 0.95,
) -> BeforeAfter:
    """Change of one figure from the wave before an action to the wave after it.

    Parameters
    ----------
    before, after
        Answers on one scale, numeric, 0/1 or bool; missing answers are left out of their wave,
        in a panel with their partner.
    paired
        Whether the same customers answered twice; then the index names the customer.
    target
        Goal for the figure after, on the same scale (0–1 for shares).
    weights_before, weights_after
        Sampling weights of the respondents, on any scale; who has weight 0 or none is left out.
        In a panel give one of the two. Shares are then compared as means of 0 and 1.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    BeforeAfter
        Not estimable with fewer than two answers a wave (one for shares), or when means are
        compared and nothing varies.

    Raises
    ------
    ValueError
        For answers that are not numeric or are infinite, for weights that are negative, and in a
        panel for customers that are repeated or have no name and for weights of both waves.

    Notes
    -----
    Means: Welch's or paired t; Hedges' g = J·d with the exact J = Γ(ν/2) / (√(ν/2) Γ((ν−1)/2))
    (Hedges, 1981) on the pooled standard deviation or, in a panel, that of the changes, with the
    interval from inverting the noncentral t (Steiger, 2004). Rank tests by normal approximation,
    corrected for ties and continuity. Shares: Newcombe's square-and-add score intervals, method
    10 of both papers (1998, Statistics in Medicine 17, 873–890 and 2635–2650), pooled z or
    McNemar's exact test, Cohen's h (1988). Weighted: SE² = n/(n−1)·Σ(w(x − x̄))²/(Σw)² of each
    wave (Taylor linearisation), Welch's t on n − 1 degrees of freedom each; there is no
    established weighted form of the rank tests and of the intervals of g. ``detectable``: from
    the noncentral t at the standard error observed; for shares by the normal approximation
    (Fleiss, Levin & Paik, 2003, ch. 4; Connor, 1987). Checked against R 4.2 ``t.test``,
    ``wilcox.test``, ``prop.test``, ``binom.test``, ``power.t.test``, ``power.prop.test``,
    effectsize 0.8.3, survey 4.1-1 ``svyby``, and the examples of both papers.

    Examples
    --------
    >>> change = before_after(pd.Series([2, 3, 3, 4]), pd.Series([4, 4, 5, 3]), target=4.5)
    >>> change.estimate, round(change.p_value, 3), round(change.share_of_gain, 3)
    (1.0, 0.134, 0.667)
    """
    check_level(conf_level)
    waves = two_waves(before, after, paired, weights_before, weights_after)
    base: dict[str, Any] = waves.fields() | {
        "conf_level": conf_level,
        "method": WEIGHTED[waves.design] if waves.weighted else METHODS[waves.kind, waves.design],
        "effect_size_name": EFFECT_SIZES[waves.kind, waves.design],
        "table": pd.DataFrame(
            [
                _wave("before", waves.x, waves.x_weights, waves.kind),
                _wave("after", waves.y, waves.y_weights, waves.kind),
            ]
        ),
    }
    notes = list(waves.notes)
    if target is not None:
        goal = attainment(base["before_mean"], base["after_mean"], target)
        for name in ("target", "share_of_gain", "share_of_target", "met"):
            base[name] = getattr(goal, name)
        notes += goal.notes
        if goal.not_estimable and base["met"] is not None:
            notes.append(goal.not_estimable)
    if obstacle := waves.obstacle():
        return BeforeAfter(**base, notes=tuple(notes), not_estimable=obstacle)
    base |= compare(waves, conf_level)
    lowering = target is not None and target < base["before_mean"]
    if waves.weighted:
        notes.append(
            message("Effect sizes and rank tests are left out: they have no usual weighted form.")
        )
    detectable = detectable_change(waves, conf_level, falling=lowering)
    if detectable is None:
        notes.append(
            message(
                "With these answers not even the largest possible change would have shown as "
                "significant with {power:.0%} power.",
                power=POWER,
            )
        )
    return BeforeAfter(**base, detectable=detectable, notes=tuple(notes))


def compare_waves(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    paired: bool = False,
    weights_before: pd.Series | None = None,
    weights_after: pd.Series | None = None,
    margin: float | Mapping[str, float] | None = None,
    conf_level: float = 0.95,
) -> WaveComparison:
    """Change of each column two waves share, with Holm's correction over the columns.

    Parameters
    ----------
    before, after
        Respondents × items or indices, numeric or 0/1; missing answers are left out column by
        column.
    paired
        Whether the same customers answered twice; then the index names the customer.
    weights_before, weights_after
        As in :func:`before_after`.
    margin
        The largest change that does not matter, for all columns or by column name: adds a test of
        equivalence (:func:`equivalence`) of each column that has a margin.
    conf_level
        Level of each interval, 0–1; the intervals are not widened for their number.

    Returns
    -------
    WaveComparison
        Columns that are not estimable keep their row, with the reason in ``notes``. Not
        estimable as a whole when the waves have no column in common.

    Raises
    ------
    ValueError
        As in :func:`before_after` and :func:`equivalence`, for repeated column names, and for
        margins of columns that the waves do not share.

    Notes
    -----
    Each row is :func:`before_after`; ``p_holm`` is the step-down correction of Holm (1979) over
    the columns with a p-value. Checked against R 4.2 ``p.adjust(method = "holm")``.

    Examples
    --------
    >>> before = pd.DataFrame({"speed": [2, 3, 3, 4], "price": [3, 3, 4, 2]})
    >>> after = pd.DataFrame({"speed": [4, 4, 5, 3], "price": [3, 4, 3, 3]})
    >>> compare_waves(before, after).table[["column", "estimate", "p_holm"]].round(3)
      column  estimate  p_holm
    0  speed      1.00   0.268
    1  price      0.25   0.624
    """
    check_level(conf_level)
    for wave, frame in (("before", before), ("after", after)):
        repeated = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        if repeated:
            raise ValueError(f"{wave} has columns {repeated} more than once: names must differ")
    shared = [column for column in before.columns if column in after.columns]
    notes: list[Message] = []
    if only := [str(column) for column in before.columns if column not in shared]:
        notes.append(message("Asked in the wave before only: {columns}.", columns=", ".join(only)))
    if only := [str(column) for column in after.columns if column not in shared]:
        notes.append(message("Asked in the wave after only: {columns}.", columns=", ".join(only)))
    options: dict[str, Any] = {
        "paired": paired,
        "weights_before": weights_before,
        "weights_after": weights_after,
        "conf_level": conf_level,
    }
    changes = {column: before_after(before[column], after[column], **options) for column in shared}
    for column, change in changes.items():
        notes += [note for note in change.notes if note not in notes]
        if change.not_estimable:
            notes.append(
                message("{column}: {reason}", column=str(column), reason=change.not_estimable)
            )
    table = _changes_table(changes)
    if margin is not None:
        margins = margin if isinstance(margin, Mapping) else dict.fromkeys(shared, margin)
        if unknown := [str(column) for column in margins if column not in shared]:
            raise ValueError(f"margin names columns the waves do not share: {', '.join(unknown)}")
        tests = {
            column: equivalence(before[column], after[column], margin=margins[column], **options)
            for column in margins
        }
        p_values = [tests[c].p_value if c in tests else None for c in shared]
        equivalent = [tests[c].equivalent if c in tests else None for c in shared]
        table["p_equivalence"] = np.array(p_values, dtype=float)
        table["equivalent"] = pd.array(equivalent, dtype="boolean")
        notes.append(
            message(
                "Equivalence is tested column by column, each at the {percent:g}% level, without "
                "correction for their number.",
                percent=100 * (1 - conf_level),
            )
        )
    used, rows = _answering(before[shared], after[shared], paired, (weights_before, weights_after))
    return WaveComparison(
        n_used=used,
        n_dropped=rows - used,
        conf_level=conf_level,
        design="panel" if paired else "independent",
        method=message(
            "Each column is compared by itself, with Holm's correction of the p-values over the "
            "columns; missing answers are left out column by column."
        )
        if weights_before is None and weights_after is None
        else message(
            "The weighted figures of each column are compared by themselves with design-based "
            "standard errors, with Holm's correction of the p-values over the columns; missing "
            "answers are left out column by column."
        ),
        notes=tuple(notes),
        not_estimable=None if shared else message("The two waves have no column in common."),
        table=table,
    )


def _wave(period: str, answers: Array, weights: Array | None, kind: Kind) -> dict[str, Any]:
    """Row of the table of one wave."""
    n, mean, variance = len(answers), np.nan, np.nan
    if n:
        mean, variance = mean_and_variance(answers, weights)
        if kind == "share" and weights is None:
            variance = answers.var() / n
    return {"period": period, "n": n, "mean": mean, "std_error": np.sqrt(variance)}


def _answering(
    before: pd.DataFrame,
    after: pd.DataFrame,
    paired: bool,
    weights: tuple[pd.Series | None, pd.Series | None],
) -> tuple[int, int]:
    """Rows with an answer to use, and all rows; in a panel, customers in both waves."""
    first, second = (
        frame.notna().mul(respondent_weights(given, frame.index) > 0, axis=0)
        for frame, given in zip((before, after), weights, strict=True)
    )
    if paired:
        customers = before.index.intersection(after.index)
        answered = first.loc[customers] & second.loc[customers]
        return int(answered.any(axis=1).sum()), len(customers)
    return int(first.any(axis=1).sum() + second.any(axis=1).sum()), len(before) + len(after)


def _changes_table(changes: dict[Any, BeforeAfter]) -> pd.DataFrame:
    from pingouin import multicomp

    figures = {
        "before": "before_mean",
        "after": "after_mean",
        "estimate": "estimate",
        "conf_low": "conf_low",
        "conf_high": "conf_high",
        "effect_size": "effect_size",
        "effect_size_low": "effect_size_low",
        "effect_size_high": "effect_size_high",
        "p_value": "p_value",
    }
    table = pd.DataFrame({"column": list(changes)})
    for name, field in figures.items():
        table[name] = np.array([getattr(c, field) for c in changes.values()], dtype=float)
    table["p_holm"] = np.nan
    tested = table["p_value"].notna()
    if tested.any():
        table.loc[tested, "p_holm"] = multicomp(table["p_value"][tested], method="holm")[1]
    table["n_before"] = [change.n_before for change in changes.values()]
    table["n_after"] = [change.n_after for change in changes.values()]
    table["detectable"] = np.array([c.detectable for c in changes.values()], dtype=float)
    return table
