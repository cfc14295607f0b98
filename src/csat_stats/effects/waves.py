"""One figure, or several, before and after an action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from csat_stats.effects._change import (
    EFFECT_SIZES,
    METHODS,
    Array,
    compare,
    varies,
)
from csat_stats.effects.goal import attainment
from csat_stats.frames import check_level, numbers
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
    p_rank
        Mann–Whitney or Wilcoxon signed-rank p; ``None`` for shares.
    effect_size, effect_size_low, effect_size_high, effect_size_name
        ``hedges_g`` (independent means), ``hedges_gz`` (panel means) or ``cohens_h`` (shares;
        no interval in a panel).
    target, share_of_gain, share_of_target, met
        As in :class:`~csat_stats.effects.Attainment`, when a target was given.
    table
        ``period`` (before, after), ``n, mean, std_error``.
    """

    design: Literal["independent", "panel"]
    kind: Literal["mean", "share"]
    before_mean: float | None = None
    after_mean: float | None = None
    n_before: int
    n_after: int
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
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
        effect_size_low, effect_size_high, p_value, p_holm, n_before, n_after``.
    """

    design: Literal["independent", "panel"]


def before_after(
    before: pd.Series,
    after: pd.Series,
    *,
    paired: bool = False,
    target: float | None = None,
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
        For answers that are not numeric or are infinite, and in a panel for customers that are
        repeated or have no name.

    Notes
    -----
    Means: Welch's or paired t; Hedges' g = J·d with the exact J = Γ(ν/2) / (√(ν/2) Γ((ν−1)/2))
    (Hedges, 1981) on the pooled standard deviation or, in a panel, that of the changes, with the
    interval from inverting the noncentral t (Steiger, 2004). Rank tests by normal approximation,
    corrected for ties and continuity. Shares: Newcombe's square-and-add score intervals, method
    10 of both papers (1998, Statistics in Medicine 17, 873–890 and 2635–2650), pooled z or
    McNemar's exact test, Cohen's h (1988). Checked against R 4.2 ``t.test``, ``wilcox.test``,
    ``prop.test``, ``binom.test``, effectsize 0.8.3, and the examples of both papers.

    Examples
    --------
    >>> change = before_after(pd.Series([2, 3, 3, 4]), pd.Series([4, 4, 5, 3]), target=4.5)
    >>> change.estimate, round(change.p_value, 3), round(change.share_of_gain, 3)
    (1.0, 0.134, 0.667)
    """
    check_level(conf_level)
    design: Literal["independent", "panel"] = "panel" if paired else "independent"
    x = numbers(before.rename("before")).to_numpy()
    y = numbers(after.rename("after")).to_numpy()
    notes: list[Message] = []
    if paired:
        pairs, notes = _match(pd.Series(x, before.index), pd.Series(y, after.index))
        complete = ~np.isnan(pairs).any(axis=1)
        rows, used = len(pairs), int(complete.sum())
        x, y = pairs[complete].T
    else:
        rows = len(x) + len(y)
        x, y = x[~np.isnan(x)], y[~np.isnan(y)]
        used = len(x) + len(y)
    kind: Literal["mean", "share"] = "mean"
    if used and np.isin(np.concatenate([x, y]), (0, 1)).all():
        kind = "share"
    base: dict[str, Any] = {
        "n_used": used,
        "n_dropped": rows - used,
        "conf_level": conf_level,
        "method": METHODS[kind, design],
        "design": design,
        "kind": kind,
        "n_before": len(x),
        "n_after": len(y),
        "before_mean": float(x.mean()) if len(x) else None,
        "after_mean": float(y.mean()) if len(y) else None,
        "effect_size_name": EFFECT_SIZES[kind, design],
        "table": pd.DataFrame([_wave("before", x, kind), _wave("after", y, kind)]),
    }
    if target is not None:
        goal = attainment(base["before_mean"], base["after_mean"], target)
        for name in ("target", "share_of_gain", "share_of_target", "met"):
            base[name] = getattr(goal, name)
        notes += goal.notes
        if goal.not_estimable and base["met"] is not None:
            notes.append(goal.not_estimable)
    base["notes"] = tuple(notes)
    minimum = 1 if kind == "share" else 2
    if min(len(x), len(y)) < minimum:
        return BeforeAfter(
            **base,
            not_estimable=message(
                "Too few answers to compare: {before} before and {after} after, where each wave "
                "needs {minimum}.",
                before=len(x),
                after=len(y),
                minimum=minimum,
            ),
        )
    if kind == "mean" and not varies(x, y, paired):
        return BeforeAfter(
            **base,
            not_estimable=message("Nothing varies: every customer changed by the same amount.")
            if paired
            else message("Nothing varies: all answers of a wave are the same."),
        )
    base |= compare(kind, design, x, y, conf_level)
    return BeforeAfter(**base)


def compare_waves(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    paired: bool = False,
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
        As in :func:`before_after`, and for repeated column names.

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
    changes = {
        column: before_after(before[column], after[column], paired=paired, conf_level=conf_level)
        for column in shared
    }
    for column, change in changes.items():
        notes += [note for note in change.notes if note not in notes]
        if change.not_estimable:
            notes.append(
                message("{column}: {reason}", column=str(column), reason=change.not_estimable)
            )
    used, rows = _answering(before[shared], after[shared], paired)
    return WaveComparison(
        n_used=used,
        n_dropped=rows - used,
        conf_level=conf_level,
        design="panel" if paired else "independent",
        method=message(
            "Each column is compared by itself, with Holm's correction of the p-values over the "
            "columns; missing answers are left out column by column."
        ),
        notes=tuple(notes),
        not_estimable=None if shared else message("The two waves have no column in common."),
        table=_changes_table(changes),
    )


def _match(before: pd.Series, after: pd.Series) -> tuple[Array, list[Message]]:
    """Customers × (before, after) for the customers in both waves, and who had no partner."""
    for wave, answers in (("before", before), ("after", after)):
        repeated = answers.index[answers.index.duplicated()].unique()
        if len(repeated):
            raise ValueError(
                f"{wave} has customers more than once: {', '.join(map(str, repeated[:10]))}; "
                "a panel needs one answer a customer and wave"
            )
        if answers.index.to_frame().isna().to_numpy().any():
            raise ValueError(f"{wave} has rows without a customer in the index: name them")
    pairs = pd.concat([before, after], axis=1, join="inner").to_numpy(dtype=float)
    alone = len(before) - len(pairs), len(after) - len(pairs)
    if not any(alone):
        return pairs, []
    return pairs, [
        message(
            "Customers in one wave only are left out of the panel: {before:,} before, {after:,} "
            "after.",
            before=alone[0],
            after=alone[1],
        )
    ]


def _wave(period: str, answers: Array, kind: str) -> dict[str, Any]:
    n = len(answers)
    degrees = 0 if kind == "share" else 1
    return {
        "period": period,
        "n": n,
        "mean": answers.mean() if n else np.nan,
        "std_error": np.sqrt(answers.var(ddof=degrees) / n) if n > degrees else np.nan,
    }


def _answering(before: pd.DataFrame, after: pd.DataFrame, paired: bool) -> tuple[int, int]:
    """Rows with an answer to use, and all rows; in a panel, customers in both waves."""
    if paired:
        customers = before.index.intersection(after.index)
        answered = before.loc[customers].notna() & after.loc[customers].notna()
        return int(answered.any(axis=1).sum()), len(customers)
    used = before.notna().any(axis=1).sum() + after.notna().any(axis=1).sum()
    return int(used), len(before) + len(after)


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
    return table
