"""The truth of the invented study is found: 95 % intervals hold it in 92 to 98 % of 200 draws."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.recovery import rows


@pytest.fixture(scope="module")
def coverage() -> Any:
    return {row["figure"]: row for row in rows(seeds=200, per_wave=400)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "figure",
    [
        "effects.before_after: tier-1 cities",
        "effects.did",
        "effects.did, by engineer",
        "effects.interrupted_time_series, less the others",
        "satisfaction.mean_score, a wave",
        "loyalty.repurchase_model, slopes",
    ],
)
def test_intervals_hold_the_truth(coverage: Any, figure: str) -> None:
    found = coverage[figure]
    assert found["not estimable"] == 0
    assert 92 <= found["coverage %"] <= 98, f"{figure}: {found['coverage %']:.1f} %"
    assert found["mean estimate"] == pytest.approx(found["truth"], abs=0.01)
