"""From a frame of items to their correlations, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from csat_stats.reliability import complete_moments
from csat_stats.results import Message, message

Array = NDArray[np.float64]

# An item of whose variance the others leave no more than this share adds nothing.
_SINGULAR = 1e-10


@dataclass(frozen=True)
class Correlations:
    """What every function here starts from: correlations of the complete rows, or the problem."""

    names: list[str]
    n: int
    n_dropped: int
    corr: Array
    problem: Message | None

    @property
    def counts(self) -> dict[str, int]:
        return {"n_used": self.n, "n_dropped": self.n_dropped}


def correlations(items: pd.DataFrame) -> Correlations:
    """Pearson correlations of the complete rows."""
    n, n_dropped, _, cov = complete_moments(items)
    names = [str(name) for name in items.columns]
    std_dev = np.sqrt(np.diag(cov))
    corr, problem = np.eye(len(names)), None
    constant = [name for name, value in zip(names, std_dev, strict=True) if value == 0]
    if len(names) < 2:
        problem = message("Correlations need at least two items.")
    elif n <= len(names):
        problem = message(
            "{n} complete rows are too few: at least {minimum} are needed.",
            n=n,
            minimum=len(names) + 1,
        )
    elif constant:
        problem = message(
            "No variance in {items}: every respondent gave the same answer.",
            items=", ".join(constant),
        )
    else:
        corr = cov / np.outer(std_dev, std_dev)
        np.fill_diagonal(corr, 1)
        dependent = _dependencies(corr, names)
        if dependent:
            problem = message(
                "The correlation matrix is singular because these items determine each other: "
                "{items}.",
                items="; ".join(dependent),
            )
    return Correlations(names, n, n_dropped, corr, problem)


def _dependencies(corr: Array, names: list[str]) -> list[str]:
    """Sets of items of which the last follows from the others: "q3 = q7", "(q1, q2, total)"."""
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
