"""Fixtures that several test modules share."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
REFERENCE_DATA = Path(
    os.environ.get("CSAT_REFERENCE_DATA", ROOT.parent / "shared" / "data")
).resolve()


@pytest.fixture(scope="session")
def reference_data() -> Callable[..., pd.DataFrame]:
    """A public data set by name; skips where the folder of data sets is not there."""

    def read(name: str, **options: Any) -> pd.DataFrame:
        path = REFERENCE_DATA / f"{name}.csv"
        if not path.exists():
            pytest.skip(f"reference data set {name}.csv not found: set CSAT_REFERENCE_DATA")
        return pd.read_csv(path, **options)

    return read


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], Any]:
    """Reference values by file name in tests/oracles/."""

    def read(name: str) -> Any:
        return json.loads((ROOT / "tests" / "oracles" / f"{name}.json").read_text("utf-8"))

    return read
