"""From items to their correlations, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from csat_stats.frames import Array
from csat_stats.moments import Moments, moments_of
from csat_stats.results import Message, message

# An item of whose variance the others leave no more than this share adds nothing.
_SINGULAR = 1e-10


@dataclass(frozen=True)
class Correlations:
    """What every function here starts from: correlations, or the problem.

    ``n`` respondents count: those who answered every item, or any where ``pairwise``.
    ``n_effective`` is Kish's effective n of the weights, None without weights.
    """

    names: list[str]
    n: int
    n_dropped: int
    corr: Array
    problem: Message | None
    n_effective: float | None = None
    pairwise: bool = False

    @property
    def counts(self) -> dict[str, int]:
        return {"n_used": self.n, "n_dropped": self.n_dropped}

    @property
    def base(self) -> float:
        """The n of formulas."""
        return self.n if self.n_effective is None else self.n_effective

    @property
    def rule(self) -> Message:
        """Whose answers count, for ``method``."""
        if self.pairwise and self.n_effective is None:
            return message("each pair of items from those who answered both")
        if self.pairwise:
            return message("each pair of items from those who answered both, weighted")
        if self.n_effective is None:
            return message("complete rows only")
        return message("complete rows only, weighted, with Kish's effective n where n counts")


def correlations(
    items: pd.DataFrame | Moments, weights: pd.Series | None = None, *, pairwise: bool = False
) -> Correlations:
    """Pearson correlations of the complete rows of a frame, or of moments.

    Moments of pairs of answers are refused unless ``pairwise`` allows them.
    """
    moments = moments_of(items, weights, pairwise=pairwise)
    names, corr = list(moments.names), moments.corr()
    problem = _problem(names, corr, moments)
    return Correlations(
        names,
        moments.n_used,
        moments.n_dropped,
        np.eye(len(names)) if problem else corr,
        problem,
        float(moments.n_effective.min(initial=moments.n_used)) if moments.weighted else None,
        not moments.complete,
    )


def _problem(names: list[str], corr: Array, moments: Moments) -> Message | None:
    """Why these correlations support no analysis, or None."""
    k = len(names)
    if k < 2:
        return message("Correlations need at least two items.")
    n, n_effective = int(moments.n.min()), float(moments.n_effective.min())
    if n <= k and moments.complete:
        return message(
            "{n} complete rows are too few: at least {minimum} are needed.", n=n, minimum=k + 1
        )
    if n <= k:
        return message(
            "{n} answers to both items of a pair are too few: at least {minimum} are needed.",
            n=n,
            minimum=k + 1,
        )
    if n_effective <= k:
        return message(
            "An effective sample size of {n:.1f} is too small: it has to be above {minimum}.",
            n=n_effective,
            minimum=k,
        )
    alone = np.isnan(np.diag(corr))
    constant = alone if alone.any() else np.asarray(np.isnan(corr).any(axis=1))
    if constant.any():
        return message(
            "No variance in {items}: every respondent gave the same answer.",
            items=", ".join(np.array(names, dtype=object)[constant]),
        )
    if not moments.complete and np.linalg.eigvalsh(corr)[0] < -_SINGULAR:
        return message(
            "The correlations of the pairs of items contradict each other, because each has "
            "other respondents: use complete rows."
        )
    dependent = _dependencies(corr, names)
    if dependent:
        return message(
            "The correlation matrix is singular because these items determine each other: {items}.",
            items="; ".join(dependent),
        )
    return None


def _dependencies(corr: Array, names: list[str]) -> list[str]:
    """Sets of items of which the last follows from the others: "q3 = q7", "(q1, q2, total)"."""
    if np.linalg.eigvalsh(corr)[0] > _SINGULAR:  # no item keeps less of its variance than that
        return []
    basis: list[int] = []
    found = []
    for j in range(len(corr)):
        weights = np.linalg.solve(corr[np.ix_(basis, basis)], corr[basis, j])
        if 1 - corr[j, basis] @ weights > _SINGULAR:
            basis.append(j)
            continue
        involved = [i for i, weight in zip(basis, weights, strict=True) if abs(weight) > 1e-6]
        if len(involved) == 1:
            sign = "" if corr[j, involved[0]] > 0 else "−"
            found.append(f"{names[involved[0]]} = {sign}{names[j]}")
        else:
            found.append(f"({', '.join(names[i] for i in [*involved, j])})")
    return found
