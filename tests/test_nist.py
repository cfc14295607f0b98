"""The certified values of NIST, and no fewer digits than the best of the other software."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from benchmarks import nist

# Where the certified figure lies within a rounding error of the middle between two floats.
NORRIS = 14.6
# What float64 leaves of the tenth power of a number with ten digits; the data are the cap.
FILIP = 7.6
# Standard deviations from float64 data read as they are, not as the decimals they stand for.
SPREAD = {"Mavro": 13.0, "Michelso": 13.8, "NumAcc3": 9.4, "NumAcc4": 8.2}


@pytest.fixture(scope="module")
def attained() -> Any:
    """LRE by family: rows the sets, columns software × quantity."""
    return {family: nist.attained(family) for family in nist.FAMILIES}


def test_all_sets_are_there(attained: Any) -> None:
    assert {family: len(table) for family, table in attained.items()} == {
        "univariate": 9,
        "anova": 11,
        "regression": 11,
    }


def test_every_certified_digit_from_decimals(attained: Any) -> None:
    for family, table in attained.items():
        least = table[nist.EXACT].min(axis=1)
        for name, digits in least.items():
            assert digits >= (NORRIS if name == "Norris" else 15), (family, name)


def test_every_certified_digit_from_float64(attained: Any) -> None:
    for name, digits in attained["anova"][nist.OURS].min(axis=1).items():
        assert digits == 15, name
    for name, digits in attained["regression"][nist.OURS].min(axis=1).items():
        assert digits >= {"Norris": NORRIS, "Filip": FILIP}.get(name, 15), name


def test_mean_and_standard_deviation_from_float64(attained: Any) -> None:
    for ours in (nist.OURS, nist.MOMENTS):
        table = attained["univariate"][ours]
        assert (table["mean"] == 15).all(), ours
        for name, digits in table["std_dev"].items():
            assert digits >= SPREAD.get(name, 15), (ours, name)


def test_no_fewer_digits_than_the_best_of_the_others(attained: Any) -> None:
    for family, table in attained.items():
        worst = table.T.groupby(level=0).min().T  # a software is as good as its worst quantity
        ours_all = [software for software in worst if software.startswith("csat_stats")]
        best = worst.drop(columns=ours_all).max(axis=1)
        for ours in ours_all:
            # a tenth of a digit: the last bit of a sum
            behind = best[best > worst[ours] + 0.1]
            assert behind.empty, f"{family}: {ours} is behind at {behind.to_dict()}"


def test_digits_of_one_figure() -> None:
    assert nist.digits(1.0, "1.0") == 15
    assert nist.digits(0.1 + 0.2, "0.3") == 15
    assert nist.digits(1.001, "1.0") == pytest.approx(3)
    assert nist.digits(1e-12, "0.0") == pytest.approx(12)
    assert nist.digits(-5.0, "1.0") == 0
    assert nist.digits(None, "1.0") == nist.digits(float("nan"), "1.0") == 0


def test_pi() -> None:
    digits = nist.pi_digits(5000)
    assert "".join(digits[:20]) == "31415926535897932384"
    assert len(digits) == 5000
    assert pd.Series(digits).astype(int).sum() == 22679
