"""What a plan will be able to say before anybody is asked: the margin of every cell and segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import check_level
from csat_stats.results import Result, message
from csat_stats.sampling._strata import (
    MISSING,
    cells,
    frame_notes,
    names,
    non_negative,
    require,
    tuples,
)


@dataclass(frozen=True, kw_only=True)
class ExpectedPrecision(Result):
    """Margins of error that a plan leads to; ``estimate`` is that of the whole, a half-width.

    ``n_expected`` interviews are within reach, ``contacts`` people have to be invited.

    ``table``: segment (the column of ``by``, all of them for a cell, empty for the whole), level,
    population, planned, contacts, n (planned interviews within reach), deff (``design_effect``
    times the cost of sampling the strata unequally), margin (half-width; missing without
    interviews).
    """

    n_expected: int
    contacts: int


def expected_precision(
    plan: pd.DataFrame,
    *,
    by: Sequence[str],
    p: float = 0.5,
    sd: float | None = None,
    design_effect: float = 1.0,
    response_rate: float = 1.0,
    conf_level: float = 0.95,
) -> ExpectedPrecision:
    """The margin of error of the whole, of every segment and of every cell of a plan.

    Parameters
    ----------
    plan
        The table of an allocation: the columns of ``by``, population and planned (interviews).
    by
        Columns that define a stratum; each of their levels is a segment.
    p
        Expected proportion, 0–1; 0.5 is the safe choice. Not used where ``sd`` is given.
    sd
        Expected standard deviation of a score; the margins are then those of its mean, in its
        units.
    design_effect
        Variance of the planned design within a stratum over that of a simple random sample.
    response_rate
        Expected share of the invited who answer, 0–1. A stratum cannot yield more interviews than
        its people times this rate.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If an argument is out of its range, a column is missing or a number in it is negative.

    Notes
    -----
    margin = z·√(deff·Σ_h W_h²·S²/n_h·(N_h − n_h)/N_h) with the shares W_h of the people of the
    segment (Cochran, 1977, ch. 5); S² = sd², or p(1 − p)·N_h/(N_h − 1), which makes the margin of
    a single stratum that of :func:`sample_size_proportion`. Strata without interviews are left
    out and named. Checked against base R.

    Examples
    --------
    >>> plan = pd.DataFrame({"region": ["N", "S"], "population": [9000, 1000], "planned": [90, 90]})
    >>> result = expected_precision(plan, by=["region"])
    >>> result.table[["level", "n", "margin"]].round(3).values.tolist()
    [['', 180, 0.093], ['N', 90, 0.103], ['S', 90, 0.099]]
    """
    require(0 < p < 1, "p", p, "a proportion between 0 and 1")
    require(sd is None or sd > 0, "sd", sd, "a standard deviation above 0")
    require(design_effect > 0, "design_effect", design_effect, "a number above 0")
    require(0 < response_rate <= 1, "response_rate", response_rate, "a share such as 0.4")
    check_level(conf_level)
    if "planned" in plan and plan["planned"].isna().all():  # the allocation was not estimable
        plan = plan.assign(planned=0)
    strata, codes = cells(plan, by)
    known = codes != MISSING
    people, planned = (
        np.bincount(codes[known], non_negative(plan, column)[known], len(strata))
        for column in ("population", "planned")
    )
    n = np.minimum(planned, np.floor(people * response_rate))
    short, empty = n < planned, (n == 0) & (people > 0)
    notes = frame_notes(codes)
    if short.any():
        note = message(
            "Even if everybody is invited, fewer than the planned interviews can be expected in"
            " {cells}.",
            cells=names(tuples(strata, by), short),
        )
        notes.append(note)
    if empty.any():
        note = message(
            "No interview is expected in {cells}: the margins do not speak for {percent:.1f}% of"
            " the people.",
            cells=names(tuples(strata, by), empty),
            percent=100 * people[empty].sum() / people.sum(),
        )
        notes.append(note)

    # The finite population goes with the variance of a proportion by N − 1, of a mean by N.
    variance, lost = (p * (1 - p), 1) if sd is None else (sd**2, 0)
    covered = np.where(n > 0, people, 0)
    squares = covered**2 / np.maximum(n, 1)
    sums = pd.DataFrame(
        {
            "population": people,
            "planned": planned,
            "contacts": np.ceil(np.round(planned / response_rate, 9)),
            "n": n,
            "covered": covered,
            "squares": squares,
            "error": squares * variance * (people - n) / np.maximum(people - lost, 1),
        }
    )
    segments = [[], *([name] for name in by)] + ([list(by)] if len(by) > 1 else [])
    table = pd.concat([_sums(sums, strata, segment) for segment in segments], ignore_index=True)
    covered = table.pop("covered").where(table["n"] > 0)
    table["deff"] = design_effect * table["n"] * table.pop("squares") / covered**2
    z = float(stats.norm.isf((1 - conf_level) / 2))
    table["margin"] = z * np.sqrt(design_effect * table.pop("error")) / covered
    table = table.astype(dict.fromkeys(["planned", "contacts", "n"], "int64"))
    n_expected = int(n.sum())
    what = message("a mean with standard deviation {sd:g}", sd=sd)
    if sd is None:
        what = message("a proportion of {percent:g}%", percent=100 * p)
    return ExpectedPrecision(
        estimate=float(table["margin"].iloc[0]) if n_expected else None,
        n_expected=n_expected,
        contacts=int(sums["contacts"].sum()),
        conf_level=conf_level,
        n_used=int(known.sum()),
        n_dropped=int((~known).sum()),
        method=message(
            "Expected margin of error (half-width) of {what} at {level:g}% confidence, design"
            " effect {design_effect:g}, response rate {percent:g}%, strata weighted by their"
            " people, finite population correction.",
            what=what,
            level=100 * conf_level,
            design_effect=design_effect,
            percent=100 * response_rate,
        ),
        notes=tuple(notes),
        not_estimable=None if n_expected else message("The plan has no interviews."),
        table=table,
    )


def _sums(sums: pd.DataFrame, strata: pd.DataFrame, segment: list[str]) -> pd.DataFrame:
    """The strata added up to the levels of a segment, in order of appearance."""
    keys = [strata[name] for name in segment] or [pd.Series("", index=strata.index)]
    table = sums.groupby(keys, sort=False, observed=True).sum()
    levels = [label if isinstance(label, tuple) else (label,) for label in table.index]
    table.insert(0, "segment", " × ".join(segment))
    table.insert(1, "level", [" × ".join(map(str, level)) for level in levels])
    return table.reset_index(drop=True)
