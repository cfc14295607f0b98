"""Stores or engineers ranked, with the ranks that each may really have."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from csat_stats.frames import Array, check_level
from csat_stats.results import Message, Result, message
from csat_stats.satisfaction._figures import NO_ANSWERS
from csat_stats.satisfaction._groups import (
    base_notes,
    check_bases,
    scored,
    segment_codes,
    withhold,
)
from csat_stats.satisfaction.comparisons import group_means, holm_adjusted, welch
from csat_stats.satisfaction.disclosure import withheld_levels

COLUMNS = ["unit", "n", "estimate", "std_error", "conf_low", "conf_high"]
COLUMNS += ["rank", "rank_low", "rank_high", "estimate_shrunk"]


@dataclass(frozen=True, kw_only=True)
class UnitRanking(Result):
    """Units by their mean, best first, each with the ranks that the data leave open.

    Attributes
    ----------
    n_units
        Units that are ranked.
    n_pairs, n_distinct
        Pairs of ranked units, and pairs of which one is better beyond doubt.
    grand_mean, between_sd
        Mean of the units and the standard deviation of their true means, sampling error taken out.
    table
        ``unit, n, estimate`` (mean), ``std_error, conf_low, conf_high, rank`` (1 is the highest
        mean; equal means share it), ``rank_low, rank_high, estimate_shrunk, flag``.
    """

    n_units: int
    n_pairs: int
    n_distinct: int = 0
    grand_mean: float | None = None
    between_sd: float | None = None


def rank_units(
    frame: pd.DataFrame,
    unit: str,
    score: str,
    *,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
    minimum_base: int = 10,
    caution_base: int = 30,
) -> UnitRanking:
    """Ranking of units by their mean score, with an interval for every rank.

    Parameters
    ----------
    frame
        One row per respondent; rows without a unit are left out.
    unit
        Column of the store, engineer or region.
    score
        Column of a numeric score of which more is better; missing answers are left out.
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out.
    conf_level
        0–1: of each mean's own t interval, and of all rank intervals together.
    minimum_base, caution_base
        Units with fewer answers than ``minimum_base``, and those that would give them away by
        subtraction from the total, are flagged ``"suppressed"``, have neither base nor figures, and
        are not ranked; those with fewer than ``caution_base`` are flagged ``"caution"``.

    Returns
    -------
    UnitRanking
        Not estimable with fewer than two units to rank, or where nothing varies within them.

    Raises
    ------
    ValueError
        If a column is missing, the score is not numeric, a weight is negative or infinite, or the
        bases are not in order.

    Notes
    -----
    A unit's rank lies between 1 + the number of units significantly better and K − the number
    significantly worse, where the K(K − 1) one-sided comparisons are t tests with the degrees of
    freedom of Welch (1947), corrected after Holm (1979): all K intervals hold the true ranks
    together with probability ``conf_level`` or more (Mogstad, Romano, Shaikh and Wilhelm, 2024;
    Al Mohamad, Goeman and van Zwet, 2022). A unit whose answers are all the same takes the spread
    within the other units.

    ``estimate_shrunk`` pulls a mean towards that of all units, the more the less certain it is:
    m + τ²/(τ² + SE²)·(mean − m), empirical Bayes (Morris, 1983) with τ² after Paule and Mandel
    (1982). Checked against R ``p.adjust`` on ``t.test`` and metafor ``rma(method = "PM")`` with
    ``blup``.

    Examples
    --------
    >>> frame = pd.DataFrame({"shop": list("ABC") * 20, "q1": [5, 4, 2, 4, 3, 3] * 10})
    >>> rank_units(frame, "shop", "q1").table[["unit", "estimate", "rank", "rank_low", "rank_high"]]
      unit  estimate  rank  rank_low  rank_high
    0    A       4.5     1         1          1
    1    B       3.5     2         2          2
    2    C       2.5     3         3          3
    """
    check_level(conf_level)
    check_bases(minimum_base, caution_base)
    codes, units = segment_codes(frame, unit)
    answers = scored(frame, score, weights)
    codes = codes[answers.rows]
    hidden = withheld_levels(codes, len(units), minimum_base)
    table = group_means(codes, units, answers, conf_level)
    table = table.rename(columns={"level": "unit"})
    ranked = (~hidden & (table["n"] > 1)).to_numpy()
    n_units, n_used = int(ranked.sum()), int((codes >= 0).sum())
    fields: dict[str, Any] = {
        "conf_level": conf_level,
        "n_units": n_units,
        "n_pairs": n_units * (n_units - 1) // 2,
        "n_used": n_used,
        "n_dropped": len(frame) - n_used,
        "method": message(
            "Means ranked, rank intervals at {level:g}% for all units together by pairwise t tests"
            " with Holm's correction; means shrunk by empirical Bayes; rows without an answer or a"
            " unit are left out.",
            level=100 * conf_level,
        )
        if weights is None
        else message(
            "Weighted means ranked, rank intervals at {level:g}% for all units together by pairwise"
            " t tests on linearised standard errors with Holm's correction; means shrunk by"
            " empirical Bayes; respondents without an answer, a unit or a weight are left out.",
            level=100 * conf_level,
        ),
    }
    why = _why_not(n_used, table[ranked])
    notes: tuple[Message, ...] = ()
    ranks = np.full((len(units), 3), np.nan)
    table["estimate_shrunk"] = np.nan
    if why is None:
        n, mean = table["n"][ranked].to_numpy(), table["estimate"][ranked].to_numpy()
        error, alike = _errors(table[ranked])
        reach = -special.stdtrit(n - 1, (1 - conf_level) / 2) * error
        better = _better(mean, error, n, conf_level)
        grand_mean, tau2 = paule_mandel(mean, error**2)
        ranks[ranked] = np.column_stack(
            [
                1 + (mean[:, None] < mean).sum(axis=1),
                1 + better.sum(axis=0),
                n_units - better.sum(axis=1),
            ]
        )
        table.loc[ranked, ["std_error", "conf_low", "conf_high", "estimate_shrunk"]] = (
            np.column_stack(
                [
                    error,
                    mean - reach,
                    mean + reach,
                    grand_mean + tau2 / (tau2 + error**2) * (mean - grand_mean),
                ]
            )
        )
        fields |= {
            "n_distinct": int(better.sum()),
            "grand_mean": grand_mean,
            "between_sd": sqrt(tau2),
        }
        if alike:
            note = message(
                "Units whose answers are all the same take the spread within the others: {n}.",
                n=alike,
            )
            notes = (note,)
    places = ["rank", "rank_low", "rank_high"]
    table[places] = pd.DataFrame(ranks, columns=places).astype("Int64")
    table = withhold(table[COLUMNS], hidden, caution_base)
    return UnitRanking(
        notes=notes + base_notes(table["flag"], minimum_base, caution_base),
        not_estimable=why,
        table=table.sort_values("estimate", ascending=False, kind="stable", ignore_index=True),
        **fields,
    )


def _why_not(n_used: int, ranked: pd.DataFrame) -> Message | None:
    """Why these units cannot be ranked, or None."""
    if not n_used:
        return NO_ANSWERS
    if len(ranked) < 2:
        return message("Fewer than two units have enough answers to be ranked.")
    if (ranked["std_dev"] <= 1e-12 * ranked["estimate"].abs().max()).all():
        return message("Nothing varies within the units.")
    return None


def _errors(ranked: pd.DataFrame) -> tuple[Array, int]:
    """Standard errors of the means, and how many rest on the spread within the other units."""
    spread, freedom = ranked["std_dev"].to_numpy(), ranked["n"].to_numpy() - 1
    pooled = sqrt(freedom @ spread**2 / freedom.sum())
    alike = spread <= 1e-9 * pooled
    effective = ranked["n_effective"].fillna(ranked["n"]).to_numpy()
    errors = np.where(alike, pooled / np.sqrt(effective), ranked["std_error"])
    return errors, int(alike.sum())


def _better(mean: Array, error: Array, n: Array, conf_level: float) -> NDArray[np.bool_]:
    """Whether the unit of the row is better than that of the column, all errors together rare."""
    better = np.zeros((mean.size, mean.size), dtype=bool)
    a, b = np.nonzero(~np.eye(mean.size, dtype=bool))
    _, statistic, df = welch(mean[a] - mean[b], error[a], error[b], n[a], n[b])
    better[a, b] = holm_adjusted(special.stdtr(df, -statistic)) <= 1 - conf_level
    return better


def paule_mandel(means: Array, variances: Array) -> tuple[float, float]:
    """Grand mean and variance of the true means, given the variances of their estimates."""

    def centre(tau2: float) -> float:
        return float(np.average(means, weights=1 / (variances + tau2)))

    def excess(tau2: float) -> float:
        return float(((means - centre(tau2)) ** 2 / (variances + tau2)).sum() - means.size + 1)

    if excess(0.0) <= 0:
        return centre(0.0), 0.0
    # At this τ² every term of the sum is at most 1/means.size.
    high = means.size * float(np.ptp(means)) ** 2
    tau2 = float(optimize.brentq(excess, 0.0, high, xtol=1e-15, rtol=1e-14))
    return centre(tau2), tau2
