"""Regression to the mean against R, exact intervals, simulated truth and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csat_stats.effects import RegressionToMean, regression_to_mean


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("regression_to_mean")


def notes(result: RegressionToMean) -> list[str]:
    return [str(note) for note in result.notes]


STORES = pd.Series([2.9, 3.1, 3.4, 3.6, 3.8, 4.0], index=list("abcdef"), name="score")


def test_units_of_one_size_as_lme4(reference: Any) -> None:
    case = reference["balanced"]
    result = regression_to_mean(pd.Series(case["y"]), pd.Series(case["unit"]), chosen_below=3.1)
    assert result.reliability == pytest.approx(case["reliability"], rel=1e-9)
    assert result.all_mean == pytest.approx(case["mean"], rel=1e-9)
    table = result.table
    # lme4 searches its variances
    np.testing.assert_allclose(table["shrunken"], case["shrunken"], rtol=1e-7)
    assert result.reliability == pytest.approx(
        case["tau2"] / (case["tau2"] + case["sigma2"] / 8), rel=1e-7
    )
    # the draws lead to the exact interval of F, up to their number
    low, high = case["ci"]
    assert result.reliability_low == pytest.approx(low, abs=0.02)
    assert result.reliability_high == pytest.approx(high, abs=0.01)
    assert list(table.columns) == ["unit", "n", "before", "shrunken", "chosen"]
    assert list(table["unit"]) == list("abcdefghij") and set(table["n"]) == {8}
    chosen = table[table["chosen"]]
    assert (chosen["before"] < 3.1).all() and (table[~table["chosen"]]["before"] >= 3.1).all()
    gain = (1 - case["reliability"]) * (case["mean"] - chosen["before"].mean())
    assert result.estimate == pytest.approx(gain)
    assert result.chosen_mean == pytest.approx(chosen["before"].mean())
    assert result.conf_low is not None and result.conf_high is not None
    assert 0 < result.conf_low < gain < result.conf_high
    assert (result.n_used, result.n_dropped, result.n_units) == (80, 0, 10)
    assert (result.source, result.n_chosen, result.notes) == ("answers", len(chosen), ())
    assert result.observed_change is None and result.remaining_low is None


def test_units_of_different_sizes_as_aov(reference: Any) -> None:
    case = reference["unbalanced"]
    result = regression_to_mean(
        pd.Series(case["y"]), pd.Series(case["unit"]), chosen_below=case["below"]
    )
    assert result.reliability == pytest.approx(case["reliability"], rel=1e-9)
    assert result.all_mean == pytest.approx(case["mean"], rel=1e-9)
    assert result.estimate == pytest.approx(case["expected"], rel=1e-9)
    np.testing.assert_allclose(result.table["shrunken"], case["shrunken"], rtol=1e-9)
    np.testing.assert_allclose(result.table["before"], case["before"], rtol=1e-9)


def test_a_known_correlation() -> None:
    result = regression_to_mean(STORES, chosen=["a", "b"], correlation=0.6)
    assert result.estimate == pytest.approx(0.4 * (STORES.mean() - 3.0))
    assert (result.reliability, result.source) == (0.6, "given")
    assert result.reliability_low is None
    assert result.all_mean == pytest.approx(STORES.mean())
    np.testing.assert_allclose(
        result.table["shrunken"], STORES.mean() + 0.6 * (STORES - STORES.mean())
    )
    # the closed form of the same interval: t of the mean
    reach = 0.4 * 2.570582 * STORES.std() / np.sqrt(6)
    assert result.estimate is not None
    assert result.conf_low == pytest.approx(result.estimate - reach, abs=0.02)
    assert result.conf_high == pytest.approx(result.estimate + reach, abs=0.02)
    assert regression_to_mean(STORES, chosen=["a"], correlation=1).estimate == 0
    lost = regression_to_mean(STORES, chosen=["a"], correlation=0)
    assert lost.estimate == pytest.approx(STORES.mean() - 2.9)
    assert notes(lost) == [
        "Nothing shows that the units differ lastingly: all of the distance from the mean is "
        "expected to be lost."
    ]


def test_a_panel_of_two_earlier_waves() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=60)
    panel = pd.DataFrame({w: truth + 0.5 * rng.normal(size=60) for w in ("first", "second")})
    r = panel.corr().iloc[0, 1]
    panel.loc[60] = [1.0, np.nan]
    result = regression_to_mean(STORES, chosen=["a", "b"], panel=panel)
    assert result.reliability == pytest.approx(r) and result.source == "panel"
    assert result.estimate == pytest.approx((1 - r) * (STORES.mean() - 3.0))
    limits = np.tanh(np.arctanh(r) + np.array([-1, 1]) * 1.959964 / np.sqrt(57))
    assert result.reliability_low == pytest.approx(limits[0], abs=0.01)
    assert result.reliability_high == pytest.approx(limits[1], abs=0.01)
    assert str(result.method).startswith("Expected change of the chosen units by chance alone")
    assert "from 60 units in two earlier waves" in str(result.method)
    opposed = panel.assign(second=-panel["second"])
    assert regression_to_mean(STORES, chosen=["a"], panel=opposed).reliability == 0


def _answers(rng: np.random.Generator, sizes: Any, truth: Any) -> tuple[pd.Series, pd.Series]:
    unit = np.repeat(np.arange(len(sizes)), sizes)
    return pd.Series(3 + truth[unit] + rng.normal(size=len(unit))), pd.Series(unit)


def test_simulated_truth_is_within_the_intervals() -> None:
    rng = np.random.default_rng(2)
    expected = remaining = 0
    for _ in range(40):
        sizes, truth = rng.integers(5, 40, 12), rng.normal(0, 0.35, 12)
        (before, unit), (after, unit_after) = (_answers(rng, sizes, truth) for _ in range(2))
        means = before.groupby(unit).mean()
        worst = list(means.nsmallest(4).index)
        result = regression_to_mean(before, unit, chosen=worst, after=after, unit_after=unit_after)
        trust = 0.35**2 / (0.35**2 + 1 / sizes[worst])
        chance = float(np.mean((1 - trust) * (3 - means[worst])))
        assert result.conf_low is not None and result.conf_high is not None
        assert result.remaining_low is not None and result.remaining_high is not None
        expected += result.conf_low <= chance <= result.conf_high
        remaining += result.remaining_low <= 0 <= result.remaining_high
    assert expected >= 34 and remaining >= 34  # 95% of 40 is 38; fewer than 34 has p = .003


def test_what_remains_of_the_observed_change() -> None:
    after = STORES + pd.Series([0.5, 0.3, 0.0, 0.1, -0.1, 0.0], index=list("abcdef"))
    result = regression_to_mean(STORES, chosen=["a", "b"], correlation=0.6, after=after)
    assert result.observed_change == pytest.approx(0.4)
    assert result.estimate is not None
    assert result.remaining_change == pytest.approx(0.4 - result.estimate)
    assert result.remaining_low is not None and result.remaining_high is not None
    assert result.remaining_low < 0.4 - result.estimate < result.remaining_high
    np.testing.assert_allclose(result.table["after"], after)
    assert notes(result) == [
        "A shift of all units between the waves is part of the remaining change; only a control "
        "group takes it out."
    ]
    closed = regression_to_mean(STORES, chosen=["a", "b"], correlation=0.6, after=after[1:])
    assert closed.n_chosen == 1 and closed.observed_change == pytest.approx(0.3)
    assert notes(closed)[0] == (
        "Chosen units without an answer after the action are not counted as chosen: a."
    )


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=8, max_size=40),
    st.floats(0.5, 20),
)
def test_scale_order_and_direction(rows: list[tuple[int, int]], factor: float) -> None:
    unit, score = (pd.Series(column) for column in zip(*rows, strict=True))
    worst = [score.groupby(unit).mean().idxmin()]
    result = regression_to_mean(score, unit, chosen=worst)
    if result.not_estimable:
        assert result.estimate is None and result.chosen_mean is None
        return
    assert result.estimate is not None and result.reliability is not None
    assert 0 <= result.reliability <= 1 and result.estimate >= -1e-9
    turned = regression_to_mean(-factor * score[::-1] + 2, unit[::-1], chosen=worst)
    assert turned.reliability == pytest.approx(result.reliability, abs=1e-9)
    assert turned.estimate == pytest.approx(-factor * result.estimate, abs=1e-7)
    shrunken, before = result.table["shrunken"], result.table["before"]
    assert ((shrunken - before) * (before - result.all_mean) <= 1e-9).all()


def test_ways_to_name_the_chosen_and_gaps() -> None:
    flags = pd.Series(STORES < 3.2)
    expected = regression_to_mean(STORES, chosen_below=3.2, correlation=0.5).estimate
    for chosen in (flags, flags.astype("boolean"), {"a", "b"}, ["b", "a", "a"]):
        result = regression_to_mean(STORES, chosen=chosen, correlation=0.5)
        assert result.estimate == expected and result.n_chosen == 2
    answers = pd.Series([3, 4, 5, None, 2, 3, 4, 4], dtype="Int64")
    unit = pd.Series(["x", "x", "y", "y", "z", "z", None, "y"])
    result = regression_to_mean(answers, unit, chosen=["z"])
    assert (result.n_used, result.n_dropped, result.n_units) == (6, 2, 3)
    same = regression_to_mean(answers, unit.astype("category"), chosen=["z"])
    assert (same.estimate, same.conf_low) == (result.estimate, result.conf_low)
    other = regression_to_mean(answers, unit, chosen=["z"], seed=1)
    assert other.estimate == result.estimate and other.conf_low != result.conf_low
    assert json.loads(json.dumps(result.to_dict()))["table"][2]["chosen"] is True


def test_what_cannot_be_told() -> None:
    def reason(before: pd.Series, *arguments: Any, **options: Any) -> str:
        result = regression_to_mean(before, *arguments, **options)
        assert result.estimate is None and result.table.empty
        return str(result.not_estimable)

    assert reason(STORES[:2], chosen=["a"], correlation=0.5) == (
        "At least three units are needed; there are 2."
    )
    assert reason(STORES[:0], chosen=[], correlation=0.5) == (
        "At least three units are needed; there are 0."
    )
    for below, n in ((2, 0), (9, 6)):
        assert reason(STORES, chosen_below=below, correlation=0.5) == (
            f"Of 6 units {n} were chosen: nothing to expect without a choice."
        )
    assert reason(STORES * 0, chosen=["a"], correlation=0.5) == "All units have the same figure."
    untold = (
        "How reliable the figures of the units are cannot be told: that takes several differing "
        "answers a unit, two earlier waves or a known correlation."
    )
    assert reason(STORES, chosen=["a"]) == untold
    answers, unit = pd.Series([1, 1, 2, 2, 3, 3]), pd.Series(list("aabbcc"))
    assert reason(answers, unit, chosen=["a"]) == untold
    assert reason(STORES, chosen=["a"], panel=pd.DataFrame({"x": [1, 2, 3], "y": 1})) == (
        "The correlation of two earlier waves needs four units that vary; there are 3 units."
    )


def test_wrong_use() -> None:
    def error(before: pd.Series, *arguments: Any, **options: Any) -> str:
        with pytest.raises(ValueError) as caught:
            regression_to_mean(before, *arguments, **options)
        return str(caught.value)

    one = "give either chosen (the units) or chosen_below (the figure), one of them"
    assert error(STORES) == one and error(STORES, chosen=["a"], chosen_below=3) == one
    assert error(STORES, chosen=["a"], correlation=0.5, panel=pd.DataFrame()) == (
        "give either correlation or panel, not both"
    )
    assert error(STORES, chosen=["a"], correlation=60) == "correlation is 60: 0–1 is needed"
    assert error(STORES, chosen=["a", "q"]) == "chosen units without an answer before: q"
    assert error(pd.Series([1, 2, 3], list("aab")), chosen=["a"]) == (
        "before has the unit 'a' twice: give unit for answers by unit"
    )
    assert error(STORES, pd.Series(list("aabbcc")), chosen=["a"]) == (
        "before and its units have different indexes: align them first"
    )
    assert error(STORES, chosen=pd.Series([1, 0, 1])) == (
        "chosen is a Series of other than True and False: give bool by unit"
    )
    assert error(STORES, chosen=["a"], panel=pd.DataFrame({"x": [1, 2]})) == (
        "panel has 1 columns: two waves are needed"
    )
    unit = pd.Series(list("aabbcc"), STORES.index)
    assert error(STORES, unit, chosen=["a"], after=STORES) == (
        "give unit and unit_after both, or neither of them"
    )
