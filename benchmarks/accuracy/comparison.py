"""One line of the table: which figures, of which data, beside which software."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

# What may lie between us and the reference.
TOLERANCE = {
    "closed": 1e-9,  # closed forms
    "iterative": 1e-5,  # an estimate that is searched for
    "rounded": 2e-3,  # the reference is printed with few decimals, or stops its own search early
    "simulated": 0.1,  # both draw at random
}
Figure = tuple[str, Any, Any]  # field, ours, the reference's


@dataclass(frozen=True)
class Comparison:
    """A statistic on data beside a reference; the figures are computed when they are asked for."""

    statistic: str
    data: str
    reference: str
    figures: Callable[[], Iterable[Figure]]
    kind: str = "closed"
    absolute: bool = False

    def row(self) -> dict[str, Any]:
        """The line of the table, with the largest difference over all fields."""
        sizes: dict[str, float] = {}
        for field, ours, theirs in self.figures():
            sizes[field] = max(sizes.get(field, 0.0), difference(ours, theirs, self.absolute))
        return {
            "statistic": self.statistic,
            "fields": _listed(sizes),
            "data": self.data,
            "reference": self.reference,
            "difference": max(sizes.values()),
            "measure": "absolute" if self.absolute else "relative",
            "kind": self.kind,
        }


def _listed(names: Iterable[str]) -> str:
    """Fields of the result, then those of each of its tables."""
    groups: dict[str, list[str]] = {"": []}
    for name in names:
        table, _, field = name.rpartition(".")
        groups.setdefault(table, []).append(field)
    parts = [(f"{table}: " if table else "") + ", ".join(own) for table, own in groups.items()]
    return "; ".join(part for part in parts if part)


def difference(ours: Any, theirs: Any, absolute: bool = False) -> float:
    """The largest, relative to the reference where that is not 0; infinite where one is missing."""
    a, b = (np.asarray(values, dtype=float) for values in (ours, theirs))
    if a.shape != b.shape:
        raise ValueError(f"figures of shape {a.shape} beside {b.shape}")
    a, b = a.ravel(), b.ravel()
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    a, b = a[~same], b[~same]
    error = np.abs(a - b)
    if not absolute:
        error = error / np.where(b == 0, 1, np.abs(b))
    return float(np.where(np.isnan(error), math.inf, error).max(initial=0))


def fields(result: Any, expected: Mapping[str, Any], names: Mapping[str, str]) -> Iterable[Figure]:
    """Fields of a result by the names that the reference gives them."""
    for ours, theirs in names.items():
        yield ours, getattr(result, ours), expected[theirs]


def columns(table: Any, expected: Mapping[str, Any], names: Mapping[str, str]) -> Iterable[Figure]:
    """Columns of a table by the names that the reference gives them."""
    for ours, theirs in names.items():
        yield ours, table[ours], expected[theirs]


def limits(result: Any, expected: Any, prefix: str = "conf") -> Iterable[Figure]:
    """Both ends of an interval."""
    for end, theirs in zip(("low", "high"), expected, strict=True):
        yield f"{prefix}_{end}", getattr(result, f"{prefix}_{end}"), theirs


def same(*names: str) -> dict[str, str]:
    """Fields that the reference calls as we do."""
    return {name: name for name in names}
