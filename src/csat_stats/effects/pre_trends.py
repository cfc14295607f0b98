"""Did treated and control group move in parallel before the action?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.effects._change import t_test
from csat_stats.effects._periods import timeline
from csat_stats.effects.groups import GROUPS, cell_means, effective, few_clusters, rows
from csat_stats.frames import Array, check_level
from csat_stats.results import Message, Result, message

METHODS = {
    (weighted, clustered): message(
        "Event study of treated − control against the last period before the action, by {squares} "
        "with {errors} errors, t intervals and a joint F test; rows with a missing value or "
        "without weight are left out.",
        squares=squares,
        errors=errors,
    )
    for weighted, squares in (
        (False, message("ordinary least squares")),
        (True, message("weighted least squares")),
    )
    for clustered, errors in ((False, "HC2"), (True, "CR1"))
}


@dataclass(frozen=True, kw_only=True)
class PreTrends(Result):
    """How treated and control group drew apart before the action; ``estimate`` is the slope.

    Attributes
    ----------
    slope
        ``estimate`` by its name: slope of treated − control over the periods before the action, per
        unit of time.
    slope_std_error, slope_p_value
        Its error and t test.
    statistic, df, df_residual, p_value
        Joint Wald test, as F(``df``, ``df_residual``), that treated − control was the same in all
        periods before the action.
    drift
        The largest drift the interval of the slope allows, from the reference to the last period
        (to the action, where nothing was asked since).
    reference
        The period all others are compared with: the last before the action.
    n_clusters
        Clusters the errors allow for; ``None`` without clusters.
    n_effective
        Kish's effective number of answers; ``None`` without weights.
    table
        Event study, one row a period: ``period, time, after, estimate, std_error, conf_low,
        conf_high, statistic, df, p_value, n``: treated − control less the same in the reference,
        which is 0 without error; ``time`` is the distance to it.
    cells
        ``period, time, group`` (treated, control), ``n, mean, std_error``.
    """

    slope_std_error: float | None = None
    slope_p_value: float | None = None
    statistic: float | None = None
    df: int | None = None
    df_residual: int | None = None
    p_value: float | None = None
    drift: float | None = None
    reference: str | None = None
    n_clusters: int | None = None
    n_effective: float | None = None
    cells: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    @property
    def slope(self) -> float | None:
        return self.estimate


def pre_trends(
    outcome: pd.Series,
    treated: pd.Series,
    period: pd.Series,
    *,
    start: Any,
    cluster: pd.Series | None = None,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
) -> PreTrends:
    """Event study: did treated and control group move in parallel before the action?

    Parameters
    ----------
    outcome
        One numeric or 0/1 answer a row; rows with any missing value are left out.
    treated
        Bool or 0/1: whether the row belongs to the group that had the action. All series have one
        index.
    period
        Period of the answer, the same label for all answers of a wave: numbers, dates, periods or
        an ordered categorical, whose distances count (for dates in the coarsest of year, quarter,
        month, week and day in which each stands alone).
    start
        First period of the action, as in ``period``; a date stands for the period it falls in.
    cluster
        Branch, region or customer within which answers hang together.
    weights
        Sampling weight of each row, on any scale; 0 or missing leaves the row out.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    PreTrends
        Periods in which a group has fewer than two rows (or clusters) are left out and named. Not
        estimable with fewer than two periods left before the action, or when nothing varies.

    Raises
    ------
    ValueError
        As :func:`did`, and for periods without order or a start that is none.

    Notes
    -----
    The interactions of period × treated in the saturated regression, the last period before
    ``start`` being the reference (Angrist and Pischke, 2009, chapter 5). Errors as in :func:`did`:
    HC2 with t(n − 2T) for T periods, or CR1 by cluster with t(G − 1). Joint test of the q
    interactions before the action: b′V⁻¹b/q with F(q, n − 2T); with clusters, like Hotelling's T²,
    (G − q)/(G − 1)·b′V⁻¹b/q with F(q, G − q), because F(q, G − 1) found a difference where there is
    none, at the 5% level, in 15% of draws with 10 clusters and q = 3 (so 8%). The slope is the
    coefficient of treated × time in the regression on treated, period and treated × time over the
    periods before the action, its error that of the saturated regression, which takes no line for
    granted. Checked against R 4.2 ``lm(weights = )``, sandwich 3.0-2 ``vcovHC(type = "HC2")`` and
    ``vcovCL(type = "HC1")``, lmtest 0.9-40 ``waldtest``. That such a test often finds nothing where
    there is something: Roth (2022, American Economic Review: Insights 4).

    Examples
    --------
    >>> data = pd.DataFrame({"wave": [1, 1, 2, 2, 3, 3] * 2, "treated": [1] * 6 + [0] * 6})
    >>> score = pd.Series([3, 4, 4, 5, 6, 7, 3, 4, 3, 4, 4, 5])
    >>> trend = pre_trends(score, data["treated"], data["wave"], start=3)
    >>> trend.reference, trend.slope, round(trend.p_value, 3)
    ('2', 1.0, 0.356)
    """
    check_level(conf_level)
    if not period.index.equals(outcome.index):
        raise ValueError("period and outcome have different indexes: align them first")
    answers = rows(outcome, {"treated": treated}, cluster, weights)
    labels = period.reset_index(drop=True)[answers.index].dropna()
    axis = timeline(pd.Index(labels), start)
    frame, left_out = _comparable(answers.loc[labels.index].assign(time=axis.time))
    times, where = np.unique(frame["time"], return_inverse=True)
    shown = [axis.show(time) for time in times]
    # treated in even places, control in odd
    cell = (2 * where + 1 - frame["treated"]).to_numpy(dtype=int)
    n, means, errors, covariance = cell_means(frame, cell, 2 * len(times))
    clusters = int(frame["cluster"].nunique()) if cluster is not None else None
    base: dict[str, Any] = {
        "n_used": len(frame),
        "n_dropped": len(outcome) - len(frame),
        "n_effective": effective(frame) if weights is not None else None,
        "n_clusters": clusters,
        "conf_level": conf_level,
        "method": METHODS[weights is not None, cluster is not None],
        "cells": pd.DataFrame(
            {
                "period": np.repeat(np.array(shown, dtype=object), 2),
                "time": np.repeat(times, 2),
                "group": ["treated", "control"] * len(times),
                "n": n,
                "mean": means,
                "std_error": errors,
            }
        ),
    }
    notes: list[Message] = []
    if left_out:
        names = ", ".join(axis.show(time) for time in left_out)
        notes.append(
            message(
                "Left out because a group has fewer than two answers in them: {periods}.",
                periods=names,
            )
            if cluster is None
            else message(
                "Left out because a group has fewer than two clusters in them: {periods}.",
                periods=names,
            )
        )
    before = int((times < axis.start).sum())
    apart = np.kron(np.eye(len(times)), [1.0, -1.0])  # treated − control
    by = _slope(times[:before], frame["weight"].groupby(cell).sum().to_numpy()) @ apart[:before]
    error = float(np.sqrt(by @ covariance @ by))
    reason = None
    if before < 2:
        reason = (
            message(
                "Parallel trends before the action cannot be checked with one period before it."
            )
            if before
            else message(
                "Parallel trends before the action cannot be checked without periods before it."
            )
        )
    elif error <= 1e-12 * frame["outcome"].abs().max():
        reason = message("Nothing varies within the groups and periods before the action.")
    if reason is not None:
        return PreTrends(**base, notes=tuple(notes), not_estimable=reason)

    contrast = apart - apart[before - 1]
    df = len(frame) - 2 * len(times) if clusters is None else clusters - 1
    differences, spread = contrast @ means, contrast @ covariance @ contrast.T
    table = _t_tests(differences, spread, df, conf_level)
    table.insert(0, "period", shown)
    table.insert(1, "time", times - times[before - 1])
    table.insert(2, "after", times >= axis.start)
    table["n"] = n.reshape(-1, 2).sum(axis=1)
    base |= {"reference": shown[before - 1], "table": table}

    q = before - 1
    wald = _wald(differences[:q], spread[:q, :q])
    if wald is None:
        notes.append(
            message(
                "There is no joint test of {q} periods: it takes more clusters, or answers that "
                "vary in each period.",
                q=q,
            )
        )
    else:
        free = df if clusters is None else clusters - q
        base |= {"df": q, "df_residual": free}
        base["statistic"] = f = wald / q * (1.0 if clusters is None else free / df)
        base["p_value"] = float(stats.f.sf(f, q, free))
    slope = t_test(float(by @ means), error, float(df), conf_level)
    base |= {name: slope[name] for name in ("estimate", "conf_low", "conf_high")}
    furthest = max(abs(slope["conf_low"] or 0.0), abs(slope["conf_high"] or 0.0))
    drift = furthest * float(max(times[-1], axis.start) - times[before - 1])
    notes.append(
        message(
            "Before the action the groups did not move in parallel, so a difference in differences "
            "mixes that with what changed at the action."
        )
        if base.get("p_value", 1.0) < 1 - conf_level
        else message(
            "A test that finds nothing proves nothing: these answers do not rule out that the "
            "groups drew apart by {slope:.2f} per unit of time, {drift:.2f} from {reference} to "
            "{last}.",
            slope=furthest,
            drift=drift,
            reference=shown[before - 1],
            last=shown[-1] if times[-1] >= axis.start else axis.start_shown,
        )
    )
    if clusters is not None:
        notes += _clusters(frame, clusters)
    return PreTrends(
        **base,
        slope_std_error=error,
        slope_p_value=slope["p_value"],
        drift=drift,
        notes=tuple(notes),
    )


def _comparable(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[float]]:
    """The rows of periods in which both groups have two units, and the times of the others."""
    unit = "cluster" if "cluster" in frame else None
    grouped = frame.groupby(["time", "treated"])
    units = grouped[unit].nunique() if unit else grouped.size()
    table = units.unstack().reindex(columns=[0.0, 1.0]).fillna(0)
    enough = (table >= 2).all(axis=1)
    keep = frame["time"].isin(table.index[enough])
    return frame[keep], table.index[~enough].tolist()


def _t_tests(estimates: Array, covariance: Array, df: int, conf_level: float) -> pd.DataFrame:
    """The t test of each; where nothing varies no error, as in the reference, which is 0."""
    variance = np.diag(covariance)
    error = np.sqrt(np.where(variance > 1e-24 * variance.max(), variance, np.nan))
    margin = stats.t.ppf((1 + conf_level) / 2, df) * error
    t = estimates / error
    return pd.DataFrame(
        {
            "estimate": estimates,
            "std_error": error,
            "conf_low": estimates - margin,
            "conf_high": estimates + margin,
            "statistic": t,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(t), df),
        }
    )


def _wald(estimates: Array, covariance: Array) -> float | None:
    """b′V⁻¹b; None where V has no inverse."""
    error = np.sqrt(np.diag(covariance))
    if not error.all():
        return None
    corr = covariance / np.outer(error, error)
    if np.linalg.matrix_rank(corr, hermitian=True) < len(error):
        return None
    t = estimates / error
    return float(t @ np.linalg.solve(corr, t))


def _slope(times: Array, weight: Array) -> Array:
    """Weights of treated − control in each period that give its slope by least squares."""
    if len(times) < 2:
        return np.zeros(len(times))
    had, not_had = weight.reshape(-1, 2)[: len(times)].T
    h = had * not_had / (had + not_had)
    centred = times - np.average(times, weights=h)
    found: Array = h * centred / (h @ centred**2)
    return found


def _clusters(frame: pd.DataFrame, clusters: int) -> list[Message]:
    sizes = frame.groupby("treated")["cluster"].nunique()
    group, size = ("treated", sizes[1]) if sizes[1] < sizes[0] else ("control", sizes[0])
    if size >= 6:
        return few_clusters(clusters)
    return [
        message(
            "The {group} group has {n} clusters only: errors tend to be too small, so that the "
            "groups look less parallel than they are.",
            group=GROUPS[group],
            n=int(size),
        )
    ]
