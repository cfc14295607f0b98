"""docs/methods.md names what there is, and its table is the one that the benchmark prints."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import references
from benchmarks import accuracy
from benchmarks.accuracy import comparison

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "methods.md").read_text("utf-8")
PACKAGES = ["sampling", "reliability", "validity", "satisfaction", "loyalty", "effects"]
PACKAGES += ["regression", "drivers", "trends", "imputation"]
CELLS = ["statistic", "fields", "data", "reference"]
# What no other software computes: held by tests against hand calculation, full search and
# a second reading row by row.
BY_HAND = {
    "sampling.allocate",
    "sampling.expected_precision",
    "sampling.quota_fill",
    "sampling.response_rates",
    "sampling.sample_size_mean",
    "satisfaction.withheld",
    "loyalty.observed_outcome",
    "effects.attainment",
    "effects.choose_design",
    "trends.common_questions",
}


def functions() -> list[str]:
    """Every public function, with its package."""
    return [
        f"{package}.{name}"
        for package in PACKAGES
        for name in importlib.import_module(f"csat_stats.{package}").__all__
        if inspect.isfunction(getattr(importlib.import_module(f"csat_stats.{package}"), name))
    ]


@pytest.fixture(scope="module")
def rows() -> Any:
    return accuracy.rows()


def page_rows() -> list[list[str]]:
    """The first four cells of each line of the table of the page."""
    section = PAGE.split("## How near, measured")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ")[:4] for line in lines[1:]]


@pytest.mark.parametrize("name", functions())
def test_every_function_is_described(name: str) -> None:
    package, function = name.split(".")
    section = PAGE.split(f"\n## {package}\n")[1].split("\n## ")[0]
    assert re.search(rf"`{function}\b", section), f"docs/methods.md, {package}: no `{function}`"


def test_no_difference_exceeds_what_its_kind_allows(rows: Any) -> None:
    allowed = comparison.TOLERANCE
    assert allowed["closed"] <= 1e-9 and allowed["iterative"] <= 1e-5
    for row in rows:
        assert row["difference"] <= allowed[row["kind"]], row


def test_every_function_is_compared_or_known_to_be_checked_by_hand() -> None:
    compared = {re.split(r"[(,]", line.statistic)[0] for line in accuracy.comparisons()}
    assert set(functions()) - compared == BY_HAND


def test_the_page_has_the_lines_that_the_command_prints(rows: Any) -> None:
    printed = [[row[cell] for cell in CELLS] for row in rows]
    on_page = page_rows()
    missing = [line for line in printed if line not in on_page]
    assert not missing, "python -m benchmarks accuracy prints more: put it into docs/methods.md"
    if len(rows) == len(accuracy.comparisons()):
        assert on_page == printed


def test_without_data_sets_lines_are_left_out_and_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(references, "FOLDER", tmp_path)
    table = accuracy.table().splitlines()
    left_out = int(re.fullmatch(r"Left out because .* not here: (\d+)\.", table[-1])[1])
    printed = [line.strip("| ").split(" | ")[:4] for line in table[2:-2]]
    assert len(printed) + left_out == len(page_rows())
    assert left_out > 0
    assert all(line in page_rows() for line in printed)


@pytest.mark.parametrize("family", ["univariate", "anova", "regression"])
def test_the_digits_of_nist_are_on_the_page(family: str) -> None:
    assert f"\n| {family}: " in PAGE


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readmes_link_to_the_page(name: str) -> None:
    assert "(docs/methods.md)" in (ROOT / name).read_text("utf-8")


def test_differences_between_figures() -> None:
    difference = comparison.difference
    assert difference([1.0, 2.0], [1.0, 2.5]) == 0.2
    assert difference([1.0, 2.0], [1.0, 2.5], absolute=True) == 0.5
    assert difference(1e-3, 0) == 1e-3
    assert difference([1.0, None], [1.0, None]) == 0
    assert difference(None, 1.0) == difference(1.0, float("nan")) == float("inf")
    with pytest.raises(ValueError, match="shape"):
        difference([1.0], [1.0, 2.0])
