"""Largest difference between this package and other software, statistic by statistic.

``python -m benchmarks accuracy`` prints the table of docs/methods.md. The other software is not run
here: tests/oracles/ keeps its figures, each with the call that made it. Public data sets are read
from the folder CSAT_REFERENCE_DATA, or ``../shared/data`` beside the checkout. Where a set is not
there, rows with its n, means and covariances stand in if the statistic depends on nothing else;
otherwise its lines are left out and counted below the table.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.accuracy.comparison import Comparison

# The references, and how figures are matched to them, are those of the tests.
sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

TOPICS = [
    "sampling",
    "survey",
    "satisfaction",
    "reliability",
    "ordinal",
    "validity",
    "effects",
    "designs",
    "loyalty",
    "customers",
    "regression",
    "drivers",
    "trends",
    "imputation",
]


def comparisons() -> list[Comparison]:
    """Every line of the table, not yet computed."""
    modules = [importlib.import_module(f"benchmarks.accuracy.{topic}") for topic in TOPICS]
    every = [comparison for module in modules for comparison in module.comparisons()]
    return sorted(every, key=lambda comparison: comparison.statistic)


def rows() -> list[dict[str, Any]]:
    """The lines whose data are here."""
    from references import NotHere

    found = []
    for comparison in comparisons():
        with suppress(NotHere):
            found.append(comparison.row())
    return found


def table() -> str:
    """The table in Markdown."""
    found = rows()
    lines = [
        "| statistic | fields | data | reference (software, call) | largest difference |",
        "|---|---|---|---|---|",
    ]
    for row in found:
        cells = [row[name] for name in ("statistic", "fields", "data", "reference")]
        size = f"{row['difference']:.1e} {row['measure']}" if row["difference"] else "none"
        lines.append(f"| {' | '.join(cells)} | {size} |")
    absent = len(comparisons()) - len(found)
    return "\n".join([*lines, "", f"Left out because their data set is not here: {absent}."])
