"""The change of a treated group beyond that of a control group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.effects._change import t_test
from csat_stats.frames import check_level, numbers
from csat_stats.results import Result, message

CELLS = [("treated", "before"), ("treated", "after"), ("control", "before"), ("control", "after")]


@dataclass(frozen=True, kw_only=True)
class DifferenceInDifferences(Result):
    """Change of the treated group beyond that of the control group (``estimate``).

    Attributes
    ----------
    std_error, statistic, df, p_value
        The t test of the interaction.
    n_clusters
        Clusters the errors allow for; ``None`` without clusters.
    table
        ``group`` (treated, control), ``period`` (before, after), ``n, mean, std_error``, and the
        t interval of each cell's own mean, ``conf_low, conf_high``.
    """

    std_error: float | None = None
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    n_clusters: int | None = None


def did(
    outcome: pd.Series,
    treated: pd.Series,
    after: pd.Series,
    *,
    cluster: pd.Series | None = None,
    conf_level: float = 0.95,
) -> DifferenceInDifferences:
    """Difference in differences: the change of the treated beyond the change of the control.

    Parameters
    ----------
    outcome
        One numeric or 0/1 answer a row; rows with any missing value are left out.
    treated, after
        Bool or 0/1: whether the row belongs to the treated group, and to the later period. All
        series have one index.
    cluster
        Branch, region or customer within which answers hang together.
    conf_level
        Level of the interval, 0–1.

    Returns
    -------
    DifferenceInDifferences
        Not estimable when one of the four cells has fewer than two rows (or clusters), or when
        nothing varies within the cells.

    Raises
    ------
    ValueError
        For different indexes, an outcome that is not numeric or is infinite, and flags other
        than 0/1.

    Notes
    -----
    The interaction of the saturated regression on treated, after and treated × after (Angrist
    and Pischke, 2009, chapter 5). Without clusters HC2 errors (MacKinnon and White, 1985), here
    √Σ s²/n over the four cells, with t(n − 4). With clusters CR1 errors, of factor
    G/(G − 1)·(n − 1)/(n − 4), with t(G − 1); they need clusters enough in every cell, for one
    cluster's residuals in its own cell add up to 0 and would pass for certainty. Checked against
    R 4.2 ``lm`` with sandwich 3.0-2 ``vcovHC(type = "HC2")`` and ``vcovCL(type = "HC1")``.

    Examples
    --------
    >>> effect = did(
    ...     pd.Series([3, 4, 5, 5, 3, 3, 3, 4]),
    ...     treated=pd.Series([True] * 4 + [False] * 4),
    ...     after=pd.Series([False, False, True, True] * 2),
    ... )
    >>> effect.estimate, round(effect.std_error, 4)
    (1.0, 0.7071)
    """
    check_level(conf_level)
    series = {"outcome": outcome, "treated": treated, "after": after}
    if cluster is not None:
        series["cluster"] = cluster
    for name, values in series.items():
        if not values.index.equals(outcome.index):
            raise ValueError(f"{name} and outcome have different indexes: align them first")
    frame = pd.DataFrame(
        {
            name: numbers(series[name].rename(name)).to_numpy()
            for name in ("outcome", "treated", "after")
        }
    )
    for name in ("treated", "after"):
        wrong = frame[name].notna() & ~frame[name].isin((0, 1))
        if wrong.any():
            raise ValueError(
                f"{name} holds {frame[name][wrong].iloc[0]:g}: only 0, 1 and missing are allowed"
            )
    if cluster is not None:
        frame["cluster"] = cluster.to_numpy()
    frame = frame.dropna()
    n = len(frame)
    # 0–3 in the order of CELLS
    cell = (2 * (1 - frame["treated"]) + frame["after"]).astype(int)
    grouped = frame["outcome"].groupby(cell)
    table = pd.DataFrame(CELLS, columns=["group", "period"])
    table["n"] = grouped.size().reindex(range(4), fill_value=0)
    table["mean"] = grouped.mean().reindex(range(4))
    table["std_error"] = grouped.sem().reindex(range(4))
    reach = stats.t.ppf((1 + conf_level) / 2, table["n"] - 1) * table["std_error"]
    table["conf_low"] = table["mean"] - reach
    table["conf_high"] = table["mean"] + reach
    base: dict[str, Any] = {
        "n_used": n,
        "n_dropped": len(outcome) - n,
        "conf_level": conf_level,
        "method": message(
            "Difference in differences by ordinary least squares with HC2 errors and "
            "t intervals; rows with a missing value are left out."
        )
        if cluster is None
        else message(
            "Difference in differences by ordinary least squares with CR1 errors by cluster and "
            "t intervals on the number of clusters less one; rows with a missing value are left "
            "out."
        ),
        "table": table,
    }
    notes = [
        message(
            "There are two periods only, so it cannot be checked whether both groups would have "
            "moved in parallel without the action."
        )
    ]
    counts = table["n"]
    if cluster is not None:
        base["n_clusters"] = clusters = int(frame["cluster"].nunique())
        counts = frame["cluster"].groupby(cell).nunique().reindex(range(4), fill_value=0)
        if clusters < 20:
            notes.append(
                message(
                    "There are {clusters} clusters; with fewer than 20 the interval tends to be "
                    "too narrow.",
                    clusters=clusters,
                )
            )
    base["notes"] = tuple(notes)
    if counts.min() < 2:
        cells = dict(zip("abcd", counts.tolist(), strict=True))
        return DifferenceInDifferences(
            **base,
            not_estimable=message(
                "Each of the four cells needs at least two answers: treated before {a}, treated "
                "after {b}, control before {c}, control after {d}.",
                **cells,
            )
            if cluster is None
            else message(
                "Each of the four cells needs at least two clusters: treated before {a}, treated "
                "after {b}, control before {c}, control after {d}.",
                **cells,
            ),
        )
    sign = np.array([-1.0, 1.0, 1.0, -1.0])
    residual = frame["outcome"] - cell.map(table["mean"])
    if cluster is None:
        variance = float((table["std_error"] ** 2).sum())
        df = n - 4
    else:
        influence = residual * cell.map(pd.Series(sign) / table["n"])
        sums = influence.groupby(frame["cluster"]).sum()
        df = clusters - 1
        variance = float((sums**2).sum() * clusters / df * (n - 1) / (n - 4))
    if np.sqrt(variance) <= 1e-12 * frame["outcome"].abs().max():
        return DifferenceInDifferences(
            **base, not_estimable=message("Nothing varies within the four cells.")
        )
    error = float(np.sqrt(variance))
    base |= t_test(float(sign @ table["mean"]), error, float(df), conf_level)
    return DifferenceInDifferences(**base, std_error=error)
