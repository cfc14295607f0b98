"""Weights that bring the sample to several margins of the population at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from csat_stats.frames import Array, numbers, respondent_weights
from csat_stats.frames import require as require_values
from csat_stats.results import Message, message
from csat_stats.sampling._strata import (
    MISSING,
    OUTSIDE,
    IntArray,
    locate,
    outside_notes,
    require,
)
from csat_stats.sampling.weighting import Weighting, empty_note, kish


@dataclass(frozen=True, kw_only=True)
class Raking(Weighting):
    """Weights by several margins; ``n_trimmed`` respondents are held at a bound.

    ``converged`` says whether every margin is met to within the tolerance, after ``iterations``
    rounds. ``table``: margin, level, n, target (share of the population), before (share of the
    sample by the base weights), achieved (by the new weights), difference (achieved − target).
    """

    iterations: int
    converged: bool
    n_trimmed: int


def rake(
    responses: pd.DataFrame,
    margins: Mapping[str, Mapping[Any, float] | pd.Series],
    *,
    weights: pd.Series | None = None,
    trim: tuple[float, float] | None = None,
    tol: float = 1e-10,
    max_iter: int = 500,
) -> Raking:
    """Weights that give every level of every margin its share of the population.

    Parameters
    ----------
    responses
        One row per respondent with a column for each margin; rows with a missing value in one of
        them get no weight and are counted, rows at a level without people are also named.
    margins
        Column → level → people or share of the population. Each margin is read as shares, so one
        may be in people and another in per cent.
    weights
        Base weights, one per respondent on any scale, such as N_h/n_h of a disproportionate
        sample; respondents whose base weight is 0 or missing get no weight.
    trim
        Lowest and highest weight allowed, in multiples of the mean weight: ``(0.3, 3)``.
    tol
        Largest difference from a target, as a share, that counts as met.
    max_iter
        Rounds over the margins before giving up.

    Raises
    ------
    ValueError
        If a column is missing, a number of people or a weight is negative, no margin is given, or
        ``trim`` does not enclose 1.

    Notes
    -----
    Iterative proportional fitting (Deming & Stephan, 1940). With ``trim`` every step solves for
    the factor that meets its target with the weights held within the bounds, so that the result
    is the distribution nearest to the base weights that meets both (truncated raking; Deville,
    Särndal & Sautory, 1993), not one trimmed afterwards. Where the margins
    cannot be met there are no weights, unless ``trim`` is given: then the weights within the
    bounds that came near them, with a note. Checked against R ``survey::rake`` and, trimmed, a
    general optimiser.

    Examples
    --------
    >>> answers = pd.DataFrame({"region": list("NNNS"), "tier": [1, 2, 1, 1]})
    >>> result = rake(answers, {"region": {"N": 600, "S": 400}, "tier": {1: 0.7, 2: 0.3}})
    >>> result.weights.round(3).tolist(), result.converged
    ([0.6, 1.2, 0.6, 1.6], True)
    """
    require(bool(margins), "margins", dict(margins), "the people at each level of a column")
    low, high = trim or (0.0, np.inf)
    require(0 <= low < 1 < high, "trim", trim, "a low of 0 to 1 and a high above 1")
    base = respondent_weights(weights, responses.index)
    levels = [_levels(name, people) for name, people in margins.items()]
    found = [locate(responses, table, [name]) for name, table in zip(margins, levels, strict=True)]
    positions = np.array([position for position, _ in found])
    dropped = (positions == MISSING).any(axis=0) | (base == 0)
    away = (positions == OUTSIDE) & ~dropped
    used = ~dropped & ~away.any(axis=0)
    n = int(used.sum())
    notes = _totals_note(list(margins), levels)
    for rows, (_, outside) in zip(away, found, strict=True):
        notes += outside_notes(int(rows.sum()), outside)
    # One numbering for the levels of all margins, margin after margin.
    codes = positions[:, used] + np.cumsum([0, *map(len, levels[:-1])])[:, np.newaxis]
    table = _table(list(margins), levels, codes)
    filled = table["n"] > 0
    for name, empty in table[~filled].groupby("margin", sort=False):
        cells = [(f"{name} {level}",) for level in empty["level"]]
        notes.append(empty_note(cells, np.ones(len(cells), dtype=bool), empty["target"].sum()))

    reached = table["target"].where(filled).groupby(table["margin"]).transform("sum")
    goal = (table["target"] / reached).where(filled, 0).to_numpy()
    start = base[used] / (base[used].sum() or 1)
    bounds = low / max(n, 1), high / max(n, 1)
    fit, iterations = _fit(start, codes, goal, bounds, tol, max_iter)
    table["before"] = _totals(start, codes, len(table))
    table["achieved"] = _totals(fit, codes, len(table))
    table["difference"] = table["achieved"] - table["target"]
    off = np.abs(table["achieved"] - goal).where(filled, 0)
    converged = n > 0 and bool(off.max() <= tol)
    reason = None
    if n == 0:
        reason = message("There are no responses in the strata of the frame.")
    elif not converged:
        worst = table.loc[off.idxmax(), ["margin", "level"]]
        miss = message(
            "The margins cannot all be met: after {iterations} rounds {margin} {level} is still"
            " {points:.2f} points off its target.",
            iterations=iterations,
            margin=worst["margin"],
            level=worst["level"],
            points=100 * float(off.max()),
        )
        if trim is None:
            reason = miss
        else:
            notes.append(miss)
    final = np.clip(fit * (n / (fit.sum() or 1)), low, high)
    weight = pd.Series(np.nan, index=responses.index, name="weight")
    if reason is None:
        weight[used] = final
    return Raking(
        estimate=None if reason else kish(final),
        weights=weight,
        n_empty=int((~filled).sum()),
        n_outside=int(away.any(axis=0).sum()),
        iterations=iterations,
        converged=converged,
        n_trimmed=int(((fit <= bounds[0]) | (fit >= bounds[1])).sum()),
        n_used=n,
        n_dropped=int(dropped.sum()),
        method=_method(trim),
        notes=tuple(notes),
        not_estimable=reason,
        table=table,
    )


def _levels(name: str, people: Mapping[Any, float] | pd.Series) -> pd.DataFrame:
    """The levels of a margin that have people."""
    sizes = numbers(pd.Series(people, name=name))
    require_values(sizes >= 0, sizes, "numbers of 0 or more")
    sizes = sizes.groupby(level=0, sort=False).sum()
    sizes = sizes[sizes > 0]
    return pd.DataFrame({name: sizes.index, "people": sizes.to_numpy()})


def _table(names: Sequence[str], levels: Sequence[pd.DataFrame], codes: IntArray) -> pd.DataFrame:
    """The levels of all margins below each other: margin, level, n, target."""
    parts = [
        pd.DataFrame(
            {
                "margin": name,
                "level": level[name].map(str),
                "target": level["people"] / level["people"].sum(),
            }
        )
        for name, level in zip(names, levels, strict=True)
    ]
    table = pd.concat(parts, ignore_index=True)
    table.insert(2, "n", np.bincount(codes.ravel(), minlength=len(table)))
    return table


def _totals_note(names: Sequence[str], levels: Sequence[pd.DataFrame]) -> list[Message]:
    totals = [float(level["people"].sum()) for level in levels]
    if max(totals) - min(totals) <= 1e-6 * max(totals):
        return []
    note = message(
        "The margins add up to different numbers of people ({totals}): each is read as shares.",
        totals="; ".join(f"{name} {total:g}" for name, total in zip(names, totals, strict=True)),
    )
    return [note]


def _totals(weights: Array, codes: IntArray, n_levels: int) -> Array:
    """Weight at each level of each margin."""
    return np.asarray(np.bincount(codes.ravel(), np.tile(weights, len(codes)), n_levels), float)


def _fit(
    start: Array,
    codes: IntArray,
    goal: Array,
    bounds: tuple[float, float],
    tol: float,
    max_iter: int,
) -> tuple[Array, int]:
    """The weights and the rounds taken; respondents who are alike are fitted as one."""
    alike = pd.DataFrame(np.vstack([codes, start]).T)
    kind = alike.groupby(list(alike), sort=False).ngroup().to_numpy()
    _, first, count = np.unique(kind, return_index=True, return_counts=True)
    codes, values = codes[:, first], start[first]
    rounds = 0
    off = np.inf
    while off > tol and rounds < max_iter:
        rounds += 1
        for code in codes:
            factors = _factors(values, count, code, goal, bounds)
            # Where a margin cannot be met the factors have no limit.
            values = np.clip(values * factors[code], 1e-100, 1e100)
        weights = np.clip(values, *bounds)
        off = np.abs(_totals(count * weights, codes, goal.size) - goal).max()
    if off > tol and np.isfinite(bounds[1]):  # bounds and total hold all the same

        def surplus(power: float) -> float:
            return float((count * np.clip(values * np.exp(power), *bounds)).sum()) - 1

        weights = np.clip(values * np.exp(optimize.brentq(surplus, -460, 460)), *bounds)
    return weights[kind], rounds


def _factors(
    values: Array, count: IntArray, code: IntArray, goal: Array, bounds: tuple[float, float]
) -> Array:
    """For each level of one margin the factor that brings its clipped weights to its goal."""
    if bounds == (0, np.inf):
        totals = np.bincount(code, count * values, goal.size)
        return np.divide(goal, totals, out=np.ones(goal.size), where=totals > 0)
    factors = np.ones(goal.size)
    low, high = bounds[0], min(bounds[1], 1.0)
    for level in np.unique(code):
        own, times = values[code == level], count[code == level]
        # Σ clip(factor·value) is linear between the factors at which a weight meets a bound.
        bends = np.concatenate([low / own, high / own])
        order = np.argsort(bends)
        slopes = np.cumsum(np.concatenate([times * own, -times * own])[order])
        rises = slopes[:-1] * np.diff(bends[order])
        totals = times.sum() * low + np.concatenate([[0.0], np.cumsum(rises)])
        factors[level] = np.interp(goal[level], totals, bends[order])
    return factors


def _method(trim: tuple[float, float] | None) -> Message:
    if trim is None:
        return message(
            "Raking by iterative proportional fitting, mean weight 1; respondents with a missing"
            " level or no base weight get no weight."
        )
    return message(
        "Raking by iterative proportional fitting with the weights held between {low:g} and"
        " {high:g} times their mean; respondents with a missing level or no base weight get no"
        " weight.",
        low=trim[0],
        high=trim[1],
    )
