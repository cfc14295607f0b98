"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import references
from hypothesis import settings

from csat_stats.report import pdf
from csat_stats.run import RunResult, run
from csat_stats.study import Project

# How long an example takes says how busy the machine is, not whether the code is right.
# Where a change is judged the same examples are tried each time; elsewhere new ones are looked for.
settings.register_profile("judged", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None)
settings.load_profile("judged" if os.environ.get("CI") else "searching")

ROOT = references.ROOT


@pytest.fixture(scope="session")
def reference_data() -> Callable[..., pd.DataFrame]:
    """A public data set by name; skips where the folder of data sets is not there."""

    def read(name: str, **options: Any) -> pd.DataFrame:
        return pd.read_csv(reference_file(name), **options)

    return read


def reference_file(name: str) -> Path:
    """Path of a public data set; skips where the folder of data sets is not there."""
    path = references.FOLDER / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"reference data set {name}.csv not found: set CSAT_REFERENCE_DATA")
    return path


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], Any]:
    """Reference values by file name in tests/oracles/."""

    def read(name: str) -> Any:
        return references.oracle(name)

    return read


def demo_project(folder: Path) -> Project:
    """A project of its own with the notebooks and the demo study of this repository."""
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.copytree(ROOT / "params", folder / "params")
    shutil.copytree(ROOT / "data" / "raw" / "demo", folder / "data" / "raw" / "demo")
    return Project(folder)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo study in a project of its own; tests only read it."""
    return demo_project(tmp_path_factory.mktemp("demo project"))


@pytest.fixture(scope="session")
def demo_run(demo: Project) -> RunResult:
    """The demo study, run once."""
    return run("demo", project=demo)


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """An installed browser. Without one: skipped, or failed where CSAT_REQUIRE_BROWSER is set."""
    try:
        return pdf.find_browser()
    except pdf.NoBrowser as error:
        if os.environ.get("CSAT_REQUIRE_BROWSER"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def browser(browser_path: Path) -> Iterator[Any]:
    """The installed browser, started."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # The pages opened are our own files; a sandbox is not to be had for root in a container.
        chromium = playwright.chromium.launch(executable_path=browser_path, chromium_sandbox=False)
        yield chromium
        chromium.close()


def csat(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line, in a process of its own."""
    command = [sys.executable, "-c", "from csat_stats.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
