"""How many people to ask, and how many in each stratum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import Array, check_level
from csat_stats.results import Message, Result, message
from csat_stats.sampling._strata import (
    MISSING,
    Cell,
    IntArray,
    frame_notes,
    names,
    non_negative,
    require,
    strata,
    tuples,
)


@dataclass(frozen=True, kw_only=True)
class SampleSize(Result):
    """Interviews needed; ``estimate`` and ``completes`` are the same number, rounded up.

    ``contacts`` is the number of people to invite at the expected response rate.
    """

    completes: int
    contacts: int
    margin: float


@dataclass(frozen=True, kw_only=True)
class Allocation(Result):
    """Interviews per stratum; ``estimate`` is their sum.

    ``table``: the columns of ``by``, population, share (of the population, 0–1), planned.
    """


def sample_size_proportion(
    p: float = 0.5,
    margin: float = 0.05,
    *,
    conf_level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float = 1.0,
) -> SampleSize:
    """Interviews needed to know a proportion to within ``margin``.

    Parameters
    ----------
    p
        Expected proportion, 0–1; 0.5 is the safe choice.
    margin
        Half-width of the interval, 0–1: 0.05 is ± 5 points.
    conf_level
        0–1.
    population
        People in the frame; ``None`` for a frame without a known end.
    design_effect
        Variance of the planned design over that of a simple random sample.
    response_rate
        Expected share of the invited who answer, 0–1.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Notes
    -----
    n₀ = deff·z²p(1 − p)/margin², n = n₀/(1 + (n₀ − 1)/N) (Cochran, 1977, ch. 4). Checked against
    base R.

    Examples
    --------
    >>> result = sample_size_proportion(margin=0.05, population=2000, response_rate=0.4)
    >>> result.estimate, result.contacts
    (323.0, 808)
    """
    require(0 < p < 1, "p", p, "a proportion between 0 and 1")
    require(0 < margin < 1, "margin", margin, "a proportion between 0 and 1")
    return _sample_size(
        p * (1 - p), margin, 1, conf_level, population, design_effect, response_rate
    )


def sample_size_mean(
    sd: float,
    margin: float,
    *,
    conf_level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float = 1.0,
) -> SampleSize:
    """Interviews needed to know a mean to within ``margin``.

    Parameters
    ----------
    sd
        Expected standard deviation of the score, in its units.
    margin
        Half-width of the interval, in the units of the score.
    conf_level, population, design_effect, response_rate
        As in :func:`sample_size_proportion`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Notes
    -----
    n₀ = deff·z²sd²/margin², n = n₀/(1 + n₀/N) (Cochran, 1977, ch. 4). Checked against base R.

    Examples
    --------
    >>> sample_size_mean(sd=1.0, margin=0.1).estimate
    385.0
    """
    require(sd > 0, "sd", sd, "a standard deviation above 0")
    require(margin > 0, "margin", margin, "a half-width above 0")
    return _sample_size(sd**2, margin, 0, conf_level, population, design_effect, response_rate)


def allocate(
    frame: pd.DataFrame,
    n: int,
    *,
    by: Sequence[str],
    size: str = "population",
    method: Literal["proportional", "equal", "neyman"] = "proportional",
    minimum: int = 0,
    sd: str | None = None,
) -> Allocation:
    """Divide ``n`` interviews among the strata of a frame.

    Parameters
    ----------
    frame
        Rows with the columns of ``by`` and the number of people in ``size``; rows of the same
        stratum are added up, rows with a missing value in ``by`` are left out and counted.
    n
        Interviews in all; the plan adds up to it exactly.
    by
        Columns that define a stratum.
    size
        Column with the number of people.
    method
        ``"proportional"`` to the people, ``"equal"`` for every stratum, or ``"neyman"``:
        proportional to people × standard deviation, which gives the overall mean its smallest
        variance.
    minimum
        Fewest interviews in a stratum. No stratum is ever given more than its people: what it
        cannot take goes to the others by the same method.
    sd
        Column with the standard deviation of the score in each stratum, for ``"neyman"``.

    Raises
    ------
    ValueError
        If a column is missing, a size is missing or negative, ``n`` or ``minimum`` is negative,
        ``method`` is unknown, or ``sd`` does not go with ``method``.

    Notes
    -----
    Neyman (1934); Cochran (1977, ch. 5). Whole numbers by largest remainder (Hamilton); equal
    remainders go to the larger stratum, then to the earlier row. Checked against the full search
    over small plans.

    Examples
    --------
    >>> frame = pd.DataFrame({"region": ["North", "South"], "population": [700, 300]})
    >>> allocate(frame, 25, by=["region"]).table["planned"].tolist()
    [18, 7]
    """
    require(n >= 0, "n", n, "a number of 0 or more")
    require(minimum >= 0, "minimum", minimum, "a number of 0 or more")
    table, codes = strata(frame, by, size)
    table["population"] = table.pop(size)
    people = table["population"].to_numpy(dtype="float64")
    wanted, name = _wanted(method, frame, people, codes, sd)
    capacity = np.floor(people).astype("int64")
    lower = np.minimum(minimum, capacity)
    total = int(min(n, capacity.sum()))
    n_dropped = int((codes == MISSING).sum())
    reason = None
    if not capacity.any():
        reason = message("The frame has nobody in it.")
    elif lower.sum() > total:
        reason = message(
            "The minimum of {minimum} in each stratum takes {needed} interviews, the plan has {n}.",
            minimum=minimum,
            needed=int(lower.sum()),
            n=n,
        )
    table["share"] = people / people.sum() if people.any() else np.nan
    if reason is None:
        planned = _fill(total, wanted, people, lower, capacity)
        notes = _plan_notes(n, planned, wanted, capacity, tuples(table, by))
        table["planned"] = planned
    else:
        notes = []
        table["planned"] = pd.array([pd.NA] * len(table), dtype="Int64")
    return Allocation(
        estimate=None if reason else float(total),
        n_used=len(frame) - n_dropped,
        n_dropped=n_dropped,
        method=message(
            "{name} allocation over the strata, whole numbers by largest remainder.", name=name
        ),
        notes=(*frame_notes(codes), *notes),
        not_estimable=reason,
        table=table,
    )


def _sample_size(
    variance: float,
    margin: float,
    lost: int,
    conf_level: float,
    population: int | None,
    design_effect: float,
    response_rate: float,
) -> SampleSize:
    """Cochran's n; ``lost`` is 1 where the variance has divisor N, 0 where it has N − 1."""
    check_level(conf_level)
    require(population is None or population >= 1, "population", population, "1 or more, or None,")
    require(design_effect > 0, "design_effect", design_effect, "a number above 0")
    require(0 < response_rate <= 1, "response_rate", response_rate, "a share such as 0.4")
    size = design_effect * variance * (float(stats.norm.isf((1 - conf_level) / 2)) / margin) ** 2
    if population is not None:
        size /= 1 + (size - lost) / population
    completes = round_up(size)
    contacts = round_up(completes / response_rate)
    notes: list[Message] = []
    if population is not None and contacts > population:
        notes.append(
            message(
                "The frame has {population} people, fewer than the {contacts} to be invited: the"
                " margin will not be reached at this response rate.",
                population=population,
                contacts=contacts,
            )
        )
    people = message("no finite population correction")
    if population is not None:
        people = message("finite population of {n:,}", n=population)
    return SampleSize(
        estimate=float(completes),
        completes=completes,
        contacts=contacts,
        margin=margin,
        conf_level=conf_level,
        n_used=0,
        method=message(
            "Sample size by Cochran (1977) for a margin of ±{margin:g} at {level:g}% confidence,"
            " design effect {design_effect:g}, {population}.",
            margin=margin,
            level=100 * conf_level,
            design_effect=design_effect,
            population=people,
        ),
        notes=tuple(notes),
    )


def round_up(value: float) -> int:
    """Up to a whole number of people, at least one; 70.00000000000001 is 70."""
    return max(1, math.ceil(round(value, 9)))


def _wanted(
    method: str, frame: pd.DataFrame, people: Array, codes: IntArray, sd: str | None
) -> tuple[Array, Message]:
    """What each stratum is to be given in proportion to, and what that is called."""
    if method == "proportional":
        return people, message("Proportional")
    if method == "equal":
        return (people > 0).astype("float64"), message("Equal")
    if method != "neyman":
        raise ValueError(f"method is {method!r}: 'proportional', 'equal' or 'neyman' is needed")
    if sd is None:
        raise ValueError("sd is None: 'neyman' needs the column of standard deviations")
    known = codes != MISSING
    if known.sum() > people.size:
        raise ValueError(
            f"the frame has {known.sum()} rows for {people.size} strata: 'neyman' needs one row"
            " for each stratum, because standard deviations cannot be added up"
        )
    return people * non_negative(frame, sd)[known], message("Neyman")


def _fill(total: int, wanted: Array, people: Array, lower: IntArray, upper: IntArray) -> IntArray:
    """Whole numbers in proportion to ``wanted``, within the bounds, that add up to ``total``."""
    planned = np.zeros(people.size, dtype="int64")
    taken = np.flatnonzero(upper > 0)
    people, lower, upper = people[taken], lower[taken], upper[taken]
    # A stratum without variance is wanted for nothing, and filled when all others are full.
    wanted = wanted[taken] / max(float(wanted.sum()), np.finfo(float).tiny)
    wanted = wanted + 1e-12 * people / people.sum()
    levels = np.unique(np.concatenate([lower / wanted, upper / wanted]))
    totals = [float(np.clip(level * wanted, lower, upper).sum()) for level in levels]
    level = np.interp(total, totals, levels)
    exact = np.round(np.clip(level * wanted, lower, upper), 9)
    whole = np.floor(exact).astype("int64")
    largest = np.lexsort((-people, -np.round(exact - whole, 9)))
    whole[largest[: total - int(whole.sum())]] += 1
    planned[taken] = whole
    return planned


def _plan_notes(
    n: int, planned: IntArray, wanted: Array, capacity: IntArray, cells: list[Cell]
) -> list[Message]:
    people = int(capacity.sum())
    notes = []
    if not wanted.any():
        notes.append(message("All standard deviations are 0: the allocation is proportional."))
    if n > people:
        notes.append(
            message(
                "The frame has {people} people for {n} interviews: all of them are planned.",
                people=people,
                n=n,
            )
        )
    full = (planned == capacity) & (capacity > 0)
    if full.any() and n < people:
        notes.append(
            message(
                "Everybody is planned in {cells}; any interviews these strata could not take went"
                " to the others.",
                cells=names(cells, full),
            )
        )
    empty = (planned == 0) & (capacity > 0)
    if empty.any():
        notes.append(message("No interview is planned in {cells}.", cells=names(cells, empty)))
    return notes
