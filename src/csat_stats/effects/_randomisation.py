"""Permutation of an action over clusters: how unusual is the change of those that had it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.frames import Array
from csat_stats.results import Message, message

EXHAUSTIVE = 10_000  # up to so many assignments all are listed, beyond that
DRAWS = 9_999  # so many are drawn
REACH = np.geomspace(1e-2, 1e7, 150)  # where an end of the interval is sought, in standard errors


def by_permutation(
    frame: pd.DataFrame, sizes: dict[str, int], inference: str, base: Any, seed: int
) -> tuple[dict[str, Any], list[Message]]:
    """The fields that a permutation over clusters gives, if asked for or called for; its notes."""
    smaller, larger = sorted(sizes.values())
    few = smaller + larger < 30 or smaller < 6
    if inference == "robust" or (inference == "auto" and not few):
        return {}, []
    if smaller + larger > base["n_clusters"]:  # some are in both groups
        return {}, [] if inference == "auto" else [
            message(
                "Some clusters are in both groups, so the action cannot be permuted over the "
                "clusters: p-value and interval rest on robust errors."
            )
        ]
    test = _permutation(frame, seed)
    notes = []
    assignments = (
        message("all {n:,} assignments", n=test.n)
        if test.exact
        else message("{n:,} assignments, all but one drawn with seed {seed}", n=test.n, seed=seed)
    )
    if test.smallest > 0.05:
        notes.append(
            message(
                "With {treated} treated and {control} control clusters a permutation cannot give "
                "a p-value below {smallest:.2f}, however large the change.",
                smallest=test.smallest,
                **{name: int(size) for name, size in sizes.items()},
            )
        )
    found: dict[str, Any] = {
        "inference": "permutation",
        "p_value": test.p_value(),
        "df": None,
        "n_permutations": test.n,
    }
    interval = test.interval(base["conf_level"])
    if interval is None:
        notes.append(
            message(
                "The permutation sets no limits to the change at this level, so the interval is "
                "that of robust errors and tends to be too narrow."
            )
        )
    else:
        found |= dict(zip(("conf_low", "conf_high"), interval, strict=True))
    found["method"] = message(
        "Difference in differences by least squares; p-value and interval by permuting the action "
        "over the clusters, by the t statistic with CR1 errors ({assignments}); rows with a "
        "missing value or without weight are left out.",
        assignments=assignments,
    )
    return found, notes


@dataclass(frozen=True)
class Permutation:
    """t of every assignment when a change of δ is taken from those that had the action.

    Both parts of t are polynomials in δ: its numerator is ``change − shift·δ``, the square of its
    denominator ``spread[0] + spread[1]·δ + spread[2]·δ²``. The first row is what happened.
    """

    change: Array
    shift: Array
    spread: Array
    exact: bool

    @property
    def n(self) -> int:
        """Assignments compared, what happened among them."""
        return len(self.change)

    def p_value(self, delta: float = 0.0) -> float:
        """Share of assignments that are as far out as what happened, itself counted."""
        squares = (self.change - self.shift * delta) ** 2
        spread = self.spread @ [1.0, delta, delta**2]
        # cross-multiplied, so that a spread of 0 needs no rule; what is equal up to rounding counts
        extreme = squares * spread[0] >= squares[0] * spread * (1 - 1e-9)
        return float(extreme.mean())

    @property
    def smallest(self) -> float:
        """The smallest p-value that these assignments can give."""
        # where they had exactly the action, or exactly not, no shift leaves a spread
        same = self.spread[:, 2] <= 1e-9 * self.spread[:, 2].max()
        return float(same.mean())

    def interval(self, conf_level: float) -> tuple[float, float] | None:
        """All changes that are not rejected, from the first to the last; None if that has no end.

        >>> had = np.array([1.0, 1, 1, 0, 0, 0, 0])
        >>> answers, sums = np.full((2, 7), 2.0), np.array([[6.0, 7, 6, 5, 6, 8, 7]] * 2)
        >>> sums[1] += [6, 5, 7, 1, 0, 2, 1]
        >>> test = permute(answers, sums, answers > 0, had)
        >>> test.n, round(test.p_value(), 4), np.round(test.interval(0.9), 2).tolist()
        (35, 0.0286, [1.77, 3.23])
        """
        if self.smallest > 1 - conf_level:
            return None
        low, high = (self._end(side, 1 - conf_level) for side in (-1.0, 1.0))
        return None if low is None or high is None else (low, high)

    def _end(self, side: float, alpha: float) -> float | None:
        error = float(np.sqrt(self.spread[0, 0]))
        start = float(self.change[0])
        steps = np.concatenate([[0.0], REACH])
        kept = [self.p_value(start + side * step * error) > alpha for step in steps]
        last = int(np.flatnonzero(kept)[-1])
        if last == len(steps) - 1:
            return None
        inside, outside = steps[last], steps[last + 1]
        while outside - inside > 1e-12 * outside:
            middle = (inside + outside) / 2
            if self.p_value(start + side * middle * error) > alpha:
                inside = middle
            else:
                outside = middle
        return start + side * float(inside) * error


def permute(
    weight: Array, total: Array, there: Array, treated: Array, seed: int = 0
) -> Permutation:
    """Difference in differences under every assignment of the action to as many clusters.

    Parameters
    ----------
    weight, total
        Sum of weights, and of weight × answer, (before, after) × clusters.
    there
        Whether the cluster has answers then. Assignments that leave fewer than two clusters in one
        of the four cells are not compared.
    treated
        1 for the clusters that had the action, 0 for the others.
    """
    blocks = []
    for had in _assignments(treated, seed):
        each = [side @ there.T for side in (had, 1 - had)]
        blocks.append(_polynomials(weight, total, treated, had[(np.minimum(*each) >= 2).all(1)]))
    found = np.vstack(blocks)
    exact = comb(len(treated), int(treated.sum())) <= EXHAUSTIVE
    return Permutation(found[:, 0], found[:, 1], found[:, 2:], exact)


def _polynomials(weight: Array, total: Array, treated: Array, had: Array) -> Array:
    """``change, shift`` and ``spread`` of each assignment, one row each."""
    found = np.zeros((len(had), 5))
    shifts = weight * treated * [[0.0], [1.0]]
    for side, sign in ((had, 1.0), (1 - had, -1.0)):
        sums = side @ weight.T
        parts = []  # of each cluster in the difference of the two means of its group
        for k, of in enumerate((total, shifts)):
            mean = (side @ of.T) / sums
            found[:, k] += sign * (mean[:, 1] - mean[:, 0])
            later, earlier = (
                (of[i] - mean[:, [i]] * weight[i]) / sums[:, [i]] * side for i in (1, 0)
            )
            parts.append(later - earlier)
        part, moved = parts
        found[:, 2] += (part**2).sum(axis=1)
        found[:, 3] -= 2 * (part * moved).sum(axis=1)
        found[:, 4] += (moved**2).sum(axis=1)
    return found


def _permutation(frame: pd.DataFrame, seed: int) -> Permutation:
    rows = frame.assign(
        cluster=pd.factorize(frame["cluster"])[0],
        total=frame["weight"] * frame["outcome"],
        rows=1.0,
    )
    keys = [rows["after"], rows["cluster"]]
    weight, total, there = (
        rows[name].groupby(keys).sum().unstack(fill_value=0.0).to_numpy()
        for name in ("weight", "total", "rows")
    )
    treated = rows.groupby("cluster")["treated"].first().to_numpy()
    return permute(weight, total, there > 0, treated, seed)


def _assignments(treated: Array, seed: int) -> Iterator[Array]:
    """Assignments × clusters, 0/1, in blocks: what happened, then all others or random ones."""
    clusters, chosen = len(treated), int(treated.sum())
    count = comb(clusters, chosen)
    yield treated[None]
    if count <= EXHAUSTIVE:
        flat = np.fromiter(chain.from_iterable(combinations(range(clusters), chosen)), dtype=int)
        had = np.zeros((count, clusters))
        had[np.arange(count)[:, None], flat.reshape(count, chosen)] = 1
        yield had[(had != treated).any(axis=1)]
        return
    rng = np.random.default_rng(seed)
    block = max(1, 1_000_000 // clusters)
    for first in range(0, DRAWS, block):
        drawn = np.tile(treated, (min(block, DRAWS - first), 1))
        yield rng.permuted(drawn, axis=1)
