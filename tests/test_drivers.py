"""Relative importance against R, and where the data cannot support it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from references import oracle, rows_with_moments

from csat_stats.drivers import relative_importance
from csat_stats.moments import Moments

OUTCOMES = {"attitude": "rating", "swiss": "Fertility", "ecsi_mobi": "Satisfaction"}
BLOCKS = {
    "Satisfaction": "CUSA",
    "Image": "IMAG",
    "Expectation": "CUEX",
    "Quality": "PERQ",
    "Value": "PERV",
}


@pytest.fixture(params=list(OUTCOMES))
def case(request: Any, reference_data: Any) -> tuple[pd.DataFrame, str, dict[str, Any]]:
    frame = reference_data(request.param)
    if request.param == "ecsi_mobi":
        frame = pd.DataFrame(
            {
                name: frame.filter(regex=f"^{code}[0-9]").mean(axis=1)
                for name, code in BLOCKS.items()
            }
        )
    return frame.select_dtypes("number"), OUTCOMES[request.param], oracle("drivers")[request.param]


@pytest.mark.parametrize("method", ["lmg", "johnson"])
def test_parts_are_those_of_r(case: Any, method: Any) -> None:
    frame, outcome, expected = case
    result = relative_importance(frame, outcome, method=method)
    table = result.table.set_index("driver")
    assert result.n_used == expected["n"]
    assert_allclose(result.estimate, expected["R2"], rtol=1e-9)
    assert_allclose(table["estimate"], pd.Series(expected[method])[table.index], rtol=1e-9)
    assert_allclose(table["share"], table["estimate"] / expected["R2"], rtol=1e-9)
    assert_allclose(table["estimate"].sum(), expected["R2"], rtol=1e-9)
    assert table["estimate"].is_monotonic_decreasing
    again = relative_importance(Moments.from_frame(frame), outcome, method=method)
    pd.testing.assert_frame_equal(again.table, result.table)


CORR = [[1, 0.5, 0.3, 0.6], [0.5, 1, 0.2, 0.5], [0.3, 0.2, 1, 0.3], [0.6, 0.5, 0.3, 1]]


@pytest.fixture
def typed() -> pd.DataFrame:
    return rows_with_moments(60, np.zeros(4), np.array(CORR), ["a", "b", "c", "y"])


def test_the_orders_written_out(typed: pd.DataFrame) -> None:
    """Every order in which three drivers can enter, one after the other."""
    from itertools import permutations

    def explained(names: list[str]) -> float:
        if not names:
            return 0.0
        x = typed[names].to_numpy()
        fitted = x @ np.linalg.lstsq(x, typed["y"].to_numpy(), rcond=None)[0]
        return float(fitted @ fitted / (typed["y"] @ typed["y"]))

    gains: dict[str, list[float]] = {name: [] for name in "abc"}
    for order in permutations("abc"):
        for i, name in enumerate(order):
            gains[name].append(explained(list(order[: i + 1])) - explained(list(order[:i])))
    table = relative_importance(typed, "y").table.set_index("driver")
    assert_allclose(table["estimate"][list("abc")], [np.mean(gains[name]) for name in "abc"])
    assert_allclose(table["alone"][list("abc")], [0.36, 0.25, 0.09])
    without = [explained(list("abc".replace(name, ""))) for name in "abc"]
    assert_allclose(table["last"][list("abc")], explained(list("abc")) - np.array(without))


def test_unrelated_drivers_keep_what_is_theirs() -> None:
    corr = np.eye(4)
    corr[3, :3] = corr[:3, 3] = [0.6, 0.3, 0.1]
    frame = rows_with_moments(40, np.zeros(4), corr, ["a", "b", "c", "y"])
    for method in ("lmg", "johnson"):
        table = relative_importance(frame, "y", method=method).table  # type: ignore[arg-type]
        assert_allclose(table["estimate"], [0.36, 0.09, 0.01], rtol=1e-9)
        assert_allclose(table["last"], table["estimate"], rtol=1e-9)


def test_order_sign_and_scale_do_not_show(typed: pd.DataFrame) -> None:
    turned = typed[["c", "y", "a", "b"]].assign(a=5 - 3 * typed["a"]).iloc[::-1]
    for method in ("lmg", "johnson"):
        one, two = (
            relative_importance(frame, "y", method=method).table.set_index("driver")["estimate"]  # type: ignore[arg-type]
            for frame in (typed, turned)
        )
        assert_allclose(two[one.index], one, rtol=1e-9)


def test_weights_count_like_copies(typed: pd.DataFrame) -> None:
    times = pd.Series(np.arange(len(typed)) % 3, dtype=float)
    copies = typed.loc[typed.index.repeat(times.astype(int))].reset_index(drop=True)
    weighted = relative_importance(typed, "y", weights=times)
    assert weighted.n_used == int((times > 0).sum()) and weighted.n_dropped == 20
    assert_allclose(weighted.table["estimate"], relative_importance(copies, "y").table["estimate"])


def test_what_cannot_be_estimated(typed: pd.DataFrame) -> None:
    few = relative_importance(typed.head(4), "y")
    assert str(few.not_estimable) == "4 complete rows are too few: at least 5 are needed."
    copy = relative_importance(typed.assign(d=typed["a"]), "y")
    assert copy.estimate is None and "a = d" in str(copy.not_estimable)
    constant = relative_importance(typed.assign(b=1.0), "y")
    assert str(constant.not_estimable).startswith("No variance in b")


def test_wrong_use_is_refused(typed: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="outcome 'z' is no column: there are a, b, c, y"):
        relative_importance(typed, "z")
    with pytest.raises(ValueError, match="there is no driver"):
        relative_importance(typed[["y"]], "y")
    with pytest.raises(ValueError, match="method is 'shapley': choose one of lmg, johnson"):
        relative_importance(typed, "y", method="shapley")  # type: ignore[arg-type]
    wide = pd.DataFrame(np.zeros((3, 18)), columns=[f"x{j}" for j in range(17)] + ["y"])
    with pytest.raises(ValueError, match="17 drivers are too many for lmg, which takes up to 16"):
        relative_importance(wide, "y")
