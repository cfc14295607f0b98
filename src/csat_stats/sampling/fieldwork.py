"""Who answered: achieved against plan, and achieved against the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import check_level
from csat_stats.results import Result, message
from csat_stats.sampling._intervals import wilson
from csat_stats.sampling._strata import (
    MISSING,
    OUTSIDE,
    frame_notes,
    locate,
    names,
    outside_notes,
    strata,
    tuples,
)


@dataclass(frozen=True, kw_only=True)
class QuotaFill(Result):
    """Achieved interviews against plan; ``estimate`` is the share of the plan reached, 0–1.

    ``n_outside`` responses are in strata that the plan does not have. ``table``: the columns of
    ``by``, planned, achieved, fill (achieved/planned, above 1 when over-filled, missing when none
    was planned), gap (planned − achieved).
    """

    n_planned: int
    n_unfilled: int
    n_outside: int


@dataclass(frozen=True, kw_only=True)
class Representativeness(Result):
    """Goodness of fit of the sample to the frame; ``estimate`` and ``cohen_w`` are the same.

    ``table``: the columns of ``by``, n, share_sample, share_frame, difference (sample − frame,
    0–1), std_residual (adjusted: beyond ±2 is unlikely by chance).
    """

    n_outside: int
    statistic: float | None = None
    df: int | None = None
    p_value: float | None = None
    cohen_w: float | None = None
    cramers_v: float | None = None


@dataclass(frozen=True, kw_only=True)
class NonresponseByStratum(Result):
    """Who did not answer; ``estimate`` is the response rate of all who were invited, 0–1.

    ``statistic``, ``df``, ``p_value`` and ``cramers_v`` compare the rates of the strata.
    ``table``: the columns of ``by``, invited, n (responses), estimate (response rate, 0–1),
    conf_low, conf_high, difference (from the rate of all).
    """

    n_invited: int
    n_outside: int
    statistic: float | None = None
    df: int | None = None
    p_value: float | None = None
    cramers_v: float | None = None


def quota_fill(responses: pd.DataFrame, plan: pd.DataFrame, *, by: Sequence[str]) -> QuotaFill:
    """How far the plan of :func:`allocate` has been reached.

    Parameters
    ----------
    responses
        One row per respondent with the columns of ``by``; rows with a missing value in one of
        them are left out and counted.
    plan
        The table of an allocation: the columns of ``by`` and planned.
    by
        Columns that define a stratum.

    Raises
    ------
    ValueError
        If a column is missing or a planned number is missing or negative.

    Notes
    -----
    The share reached is Σ min(achieved, planned)/Σ planned: interviews beyond the plan of one
    stratum do not make up for those missing in another.

    Examples
    --------
    >>> plan = pd.DataFrame({"region": ["North", "South"], "planned": [4, 4]})
    >>> responses = pd.DataFrame({"region": ["North"] * 5 + ["South"]})
    >>> result = quota_fill(responses, plan, by=["region"])
    >>> result.estimate, result.n_unfilled, result.table["gap"].tolist()
    (0.625, 1, [-1, 3])
    """
    if "planned" in plan and plan["planned"].isna().all():  # the allocation was not estimable
        plan = plan.assign(planned=0)
    table, codes = strata(plan, by, "planned")
    position, outside = locate(responses, table, by)
    planned = table["planned"].to_numpy(dtype="float64")
    achieved = np.bincount(position[position >= 0], minlength=len(table))
    table["planned"] = planned.astype("int64")
    table["achieved"] = achieved
    table["fill"] = table["achieved"] / table["planned"].where(table["planned"] > 0)
    table["gap"] = table["planned"] - table["achieved"]
    n_outside = int((position == OUTSIDE).sum())
    n_planned = int(planned.sum())
    reached = float(np.minimum(achieved, planned).sum())
    return QuotaFill(
        estimate=reached / n_planned if n_planned else None,
        n_planned=n_planned,
        n_unfilled=int((table["gap"] > 0).sum()),
        n_outside=n_outside,
        n_used=int(achieved.sum()),
        n_dropped=int((position == MISSING).sum()),
        method=message(
            "Share of the planned interviews achieved, over-filled strata counted as full;"
            " responses with a missing stratum are left out."
        ),
        notes=(*frame_notes(codes), *outside_notes(n_outside, outside)),
        not_estimable=None if n_planned else message("The plan has no interviews."),
        table=table,
    )


def representativeness(
    responses: pd.DataFrame,
    frame: pd.DataFrame,
    *,
    by: Sequence[str],
    size: str = "population",
) -> Representativeness:
    """Whether the respondents are spread over the strata as the people of the frame are.

    Parameters
    ----------
    responses
        One row per respondent with the columns of ``by``; rows with a missing value in one of
        them are left out and counted, rows in strata without people are left out and named.
    frame
        Rows with the columns of ``by`` and the number of people in ``size``.
    by
        Columns that define a stratum.
    size
        Column with the number of people.

    Raises
    ------
    ValueError
        If a column is missing or a size is missing or negative.

    Notes
    -----
    χ² = Σ(O − E)²/E with k − 1 degrees of freedom (Pearson, 1900); w = √(χ²/n) (Cohen, 1988:
    0.1 small, 0.3 medium, 0.5 large); V = √(χ²/(n(k − 1))), which may pass 1 where the shares of
    the frame are unequal; adjusted residual (O − E)/√(E(1 − share)). Frames are taken as much
    larger than the sample. Checked against R ``chisq.test`` and effectsize ``cohens_w``.

    Examples
    --------
    >>> frame = pd.DataFrame({"region": ["North", "South"], "population": [500, 500]})
    >>> responses = pd.DataFrame({"region": ["North"] * 60 + ["South"] * 40})
    >>> result = representativeness(responses, frame, by=["region"])
    >>> result.statistic, result.df, round(result.p_value, 4), result.cohen_w
    (4.0, 1, 0.0455, 0.2)
    """
    table, codes = strata(frame, by, size)
    table = table[table[size] > 0].reset_index(drop=True)
    position, outside = locate(responses, table, by)
    people = table.pop(size).to_numpy(dtype="float64")
    observed = np.bincount(position[position >= 0], minlength=len(table))
    n, k = int(observed.sum()), len(table)
    n_outside = int((position == OUTSIDE).sum())
    notes = [*frame_notes(codes), *outside_notes(n_outside, outside)]
    fields: dict[str, Any] = {
        "n_outside": n_outside,
        "n_used": n,
        "n_dropped": int((position == MISSING).sum()),
        "method": message(
            "Pearson χ² goodness of fit of the achieved counts to the shares of the frame, effect"
            " size Cohen's w = √(χ²/n), Cramér's V = √(χ²/(n(k − 1))); responses with a missing"
            " stratum are left out."
        ),
    }
    if n == 0 or k < 2:
        reason = (
            message("There are no responses in the strata of the frame.")
            if n == 0
            else message("The frame has a single stratum: there are no shares to compare.")
        )
        return Representativeness(notes=tuple(notes), not_estimable=reason, **fields)
    share = people / people.sum()
    expected = n * share
    statistic, p_value = stats.chisquare(observed, expected)
    table["n"] = observed
    table["share_sample"] = observed / n
    table["share_frame"] = share
    table["difference"] = table["share_sample"] - share
    table["std_residual"] = (observed - expected) / np.sqrt(expected * (1 - share))
    if (expected < 5).any():
        note = message(
            "Fewer than 5 responses are expected in {cells}: the p value is approximate.",
            cells=names(tuples(table, by), expected < 5),
        )
        notes.append(note)
    cohen_w = float(np.sqrt(statistic / n))
    return Representativeness(
        estimate=cohen_w,
        statistic=float(statistic),
        df=k - 1,
        p_value=float(p_value),
        cohen_w=cohen_w,
        cramers_v=cohen_w / float(np.sqrt(k - 1)),
        notes=tuple(notes),
        table=table,
        **fields,
    )


def nonresponse_by_stratum(
    responses: pd.DataFrame,
    invited: pd.DataFrame,
    *,
    by: Sequence[str],
    size: str = "invited",
    conf_level: float = 0.95,
) -> NonresponseByStratum:
    """The response rate of every stratum, and whether the strata differ.

    Parameters
    ----------
    responses
        One row per respondent with the columns of ``by``; rows with a missing value in one of
        them are left out and counted, rows in strata where nobody was invited are also named.
    invited
        Rows with the columns of ``by`` and the number of people invited in ``size``.
    by
        Columns that define a stratum.
    size
        Column with the number of people invited.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If a column is missing or a number invited is missing or negative.

    Notes
    -----
    Wilson (1927) intervals; Pearson's χ² of response by stratum with k − 1 degrees of freedom and
    V = √(χ²/n) for the n invited (Cramér, 1946). A stratum with more responses than invitations
    has no rate and is left out of the comparison. Checked against R ``prop.test``.

    Examples
    --------
    >>> invited = pd.DataFrame({"region": ["North", "South"], "invited": [100, 100]})
    >>> responses = pd.DataFrame({"region": ["North"] * 40 + ["South"] * 20})
    >>> result = nonresponse_by_stratum(responses, invited, by=["region"])
    >>> result.estimate, result.table["estimate"].tolist(), round(result.p_value, 4)
    (0.3, [0.4, 0.2], 0.002)
    """
    check_level(conf_level)
    table, codes = strata(invited, by, size)
    table = table[table[size] > 0].reset_index(drop=True)
    position, outside = locate(responses, table, by)
    table["invited"] = table.pop(size)
    asked = table["invited"].to_numpy(dtype="float64")
    n = np.bincount(position[position >= 0], minlength=len(table))
    n_outside = int((position == OUTSIDE).sum())
    notes = [*frame_notes(codes), *outside_notes(n_outside, outside)]
    possible = n <= asked
    if not possible.all():
        note = message(
            "There are more responses than invitations in {cells}: no response rate there.",
            cells=names(tuples(table, by), ~possible),
        )
        notes.append(note)
    answered, reached = int(n[possible].sum()), float(asked[possible].sum())
    rate = answered / reached if reached else np.nan
    low, high = wilson(n, np.maximum(asked, n), conf_level)
    table["n"] = n
    table["estimate"] = np.where(possible, n / asked, np.nan)
    table["conf_low"] = np.where(possible, low, np.nan)
    table["conf_high"] = np.where(possible, high, np.nan)
    table["difference"] = table["estimate"] - rate
    fields: dict[str, Any] = {
        "conf_level": conf_level,
        "n_invited": int(reached),
        "n_outside": n_outside,
        "n_used": answered,
        "n_dropped": int((position == MISSING).sum()),
        "method": message(
            "Share of the invited who answered with {level:g}% Wilson interval, Pearson χ² of"
            " response by stratum, effect size Cramér's V; responses with a missing stratum are"
            " left out.",
            level=100 * conf_level,
        ),
        "notes": tuple(notes),
        "table": table,
    }
    if not reached:
        reason = message("There are no invitations to judge the responses by.")
        return NonresponseByStratum(not_estimable=reason, **fields)
    (below,), (above,) = wilson([answered], [reached], conf_level)
    df = int(possible.sum()) - 1
    if df > 0 and 0 < rate < 1:
        expected = rate * asked[possible]
        statistic = float((((n[possible] - expected) ** 2) / (expected * (1 - rate))).sum())
        fields |= {
            "statistic": statistic,
            "df": df,
            "p_value": float(stats.chi2.sf(statistic, df)),
            "cramers_v": float(np.sqrt(statistic / reached)),
        }
    return NonresponseByStratum(
        estimate=rate, conf_low=float(below), conf_high=float(above), **fields
    )
