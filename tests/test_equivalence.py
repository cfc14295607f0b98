"""Equivalence against R, algebra, and what data cannot support."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from csat_stats.effects import Equivalence, before_after, equivalence


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("equivalence")


def shares(successes: int, n: int) -> pd.Series:
    return pd.Series([1] * successes + [0] * (n - successes))


def cells(both: int, before_only: int, after_only: int, neither: int) -> tuple[pd.Series, ...]:
    counts = [both, before_only, after_only, neither]
    return pd.Series(np.repeat([1, 1, 0, 0], counts)), pd.Series(np.repeat([1, 0, 1, 0], counts))


def _compare(result: Equivalence, case: Any) -> None:
    assert result.p_lower == pytest.approx(case["p_lower"], rel=1e-9)
    assert result.p_upper == pytest.approx(case["p_upper"], rel=1e-9)
    assert result.conf_low == pytest.approx(case["ci"][0], rel=1e-9, abs=1e-12)
    assert result.conf_high == pytest.approx(case["ci"][1], rel=1e-9, abs=1e-12)
    alpha = 1 - case["conf_level"]
    assert result.p_value == max(result.p_lower or 0, result.p_upper or 0)
    assert result.equivalent is (result.p_value < alpha)
    assert (result.margin, result.alpha) == (case["margin"], alpha)
    assert result.conf_level == pytest.approx(1 - 2 * alpha)


@pytest.mark.parametrize("design", ["means", "panel"])
def test_means_of_the_sleep_data(reference: Any, design: str) -> None:
    data = reference["means"]
    for case in reference[design]["cases"]:
        result = equivalence(
            pd.Series(data["before"]),
            pd.Series(data["after"]),
            margin=case["margin"],
            paired=design == "panel",
            conf_level=case["conf_level"],
        )
        _compare(result, case)
        assert result.estimate == pytest.approx(case["estimate"])
        assert result.df == pytest.approx(case["df"])
        assert (result.kind, result.n_before, result.n_after) == ("mean", 10, 10)
        assert result.before_mean == pytest.approx(0.75)
        assert result.after_mean == pytest.approx(2.33)


def test_independent_shares(reference: Any) -> None:
    for case in reference["shares"]["cases"]:
        waves = shares(*case["before"]), shares(*case["after"])
        result = equivalence(*waves, margin=case["margin"], conf_level=case["conf_level"])
        _compare(result, case)
        assert (result.kind, result.design, result.df) == ("share", "independent", None)


def test_panel_shares(reference: Any) -> None:
    for case in reference["paired_shares"]["cases"]:
        waves = cells(*case["cells"])
        result = equivalence(
            *waves, margin=case["margin"], conf_level=case["conf_level"], paired=True
        )
        _compare(result, case)
        assert (result.kind, result.design, result.df) == ("share", "panel", None)


def test_the_three_readings() -> None:
    before = pd.Series([3, 4, 4, 5, 4] * 40)
    same = equivalence(before, before, margin=0.2)
    assert (same.verdict, same.equivalent) == ("unchanged", True)
    assert str(same.reading) == (
        "The figure is practically unchanged: the whole 90% interval lies within ±0.2."
    )
    for after in (before + 1, before - 1):
        moved = equivalence(before, after, margin=0.2, conf_level=0.975)
        assert (moved.verdict, moved.equivalent) == ("changed", False)
        assert str(moved.reading) == (
            "The figure changed by more than 0.2: the whole 95% interval lies beyond this margin."
        )
    few = equivalence(before[:10], before[:10] + 0.1, margin=0.2)
    assert (few.verdict, few.equivalent) == ("undecided", False)
    assert str(few.reading) == (
        "Undecided: the 90% interval holds changes smaller and larger than 0.2; that no change "
        "was found does not show that there was none."
    )
    assert str(few.method) == (
        "Two one-sided Welch t tests of the change against ±0.2, each at the 5% level, and the "
        "interval that belongs to them; missing answers are left out of their wave."
    )
    assert json.loads(json.dumps(few.to_dict()))["reading"] == str(few.reading)


def test_a_significant_change_can_be_practically_none() -> None:
    before = pd.Series([3, 4, 4, 5, 4] * 800)
    after = pd.Series(([3, 4, 4, 5, 4] * 3 + [4, 4, 4, 5, 4]) * 200)
    p_value = before_after(before, after).p_value
    assert p_value is not None and p_value < 0.001
    assert equivalence(before, after, margin=0.1).verdict == "unchanged"


ANSWERS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


@settings(max_examples=80, deadline=None)
@given(ANSWERS, st.booleans(), st.booleans(), st.sampled_from([0.02, 0.3, 0.9]))
def test_interval_and_tests_tell_the_same(
    rows: list[tuple[int, int]], paired: bool, binary: bool, margin: float
) -> None:
    before, after = (
        pd.Series([int(v > 1) if binary else v for v in wave]) for wave in zip(*rows, strict=True)
    )
    forth = equivalence(before, after, margin=margin, paired=paired)
    back = equivalence(after, before, margin=margin, paired=paired)
    if forth.not_estimable:
        assert forth.verdict is None and forth.p_value is None
        return
    low, high = forth.conf_low, forth.conf_high
    assert low is not None and high is not None and forth.p_value is not None
    assert forth.estimate is not None and back.conf_low is not None
    assert low - 1e-9 <= forth.estimate <= high + 1e-9
    assert forth.p_lower == pytest.approx(back.p_upper, abs=1e-9)
    assert back.conf_low == pytest.approx(-high, abs=1e-9)
    assert back.conf_high == pytest.approx(-low, abs=1e-9)
    assert forth.verdict == back.verdict
    if abs(forth.p_value - 0.05) > 1e-6:
        assert forth.equivalent is (-margin < low and high < margin)
    if forth.verdict == "changed":
        assert low > margin or high < -margin


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 12)] * 2), st.tuples(*[st.integers(0, 12)] * 2))
def test_independent_score_is_that_of_the_greatest_likelihood(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    (x, m), (y, n) = ((min(pair), max(pair)) for pair in (first, second))
    if not m or not n:
        return
    margin = 0.15
    result = equivalence(shares(x, m), shares(y, n), margin=margin)

    def likelihood(p: float) -> float:
        q = p - margin  # the shares before and after a fall by the margin
        terms = ((x, p), (m - x, 1 - p), (y, q), (n - y, 1 - q))
        return -sum(count * math.log(max(share, 1e-300)) for count, share in terms if count)

    p = minimize_scalar(likelihood, bounds=(margin, 1), method="bounded").x
    q = p - margin
    error = math.sqrt(p * (1 - p) / m + q * (1 - q) / n)
    assert result.p_lower == pytest.approx(norm.sf((y / n - x / m + margin) / error), abs=2e-3)


def test_weights_and_gaps() -> None:
    before = pd.Series([2, 3, 3, 4, None, 5], dtype="Int64")
    after = pd.Series([4, 4, 3, 3, 2, 1])
    weights = pd.Series([1, 1, 1, 1, 1, 0])
    result = equivalence(before, after, margin=1, weights_before=weights)
    plain = equivalence(before[:4], after, margin=1)
    assert result.p_value == pytest.approx(plain.p_value)
    assert (result.n_before, result.n_used, result.n_dropped) == (4, 10, 2)
    assert str(result.method).startswith("Two one-sided t tests of the weighted change against ±1")


def test_what_cannot_be_told() -> None:
    nothing, one = pd.Series([], dtype=float), pd.Series([3.0])
    for waves in ((nothing, nothing), (one, one)):
        result = equivalence(*waves, margin=0.2)
        assert str(result.not_estimable) == (
            f"Too few answers to compare: {len(waves[0])} before and {len(waves[1])} after, where "
            "each wave needs 2."
        )
        assert result.reading is None and result.equivalent is None
    same = pd.Series([4, 4, 4])
    assert str(equivalence(same, same, margin=0.2).not_estimable) == (
        "Nothing varies: all answers of a wave are the same."
    )
    assert str(equivalence(same, same + 1, margin=0.2, paired=True).not_estimable) == (
        "Nothing varies: every customer changed by the same amount."
    )
    none = equivalence(shares(0, 400), shares(0, 400), margin=0.05)
    assert (none.verdict, none.estimate) == ("unchanged", 0)
    all_changed = equivalence(shares(0, 40), shares(40, 40), margin=0.05)
    assert (all_changed.verdict, all_changed.conf_high) == ("changed", 1)


@pytest.mark.parametrize("margin", [0, -0.2, math.nan, math.inf])
def test_margins_that_are_none(margin: float) -> None:
    with pytest.raises(ValueError) as error:
        equivalence(pd.Series([1, 2, 3]), pd.Series([1, 2, 3]), margin=margin)
    assert str(error.value) == (
        f"margin is {margin}: a change above 0 on the answer scale is needed"
    )


def test_wrong_use() -> None:
    with pytest.raises(ValueError) as error:
        equivalence(shares(2, 4), shares(2, 4), margin=3)
    assert str(error.value) == "margin is 3: for shares a number below 1 such as 0.03 is needed"
    with pytest.raises(ValueError) as error:
        equivalence(shares(2, 4), shares(2, 4), margin=0.1, conf_level=0.5)
    assert str(error.value) == "conf_level is 0.5: a share above 0.5 such as 0.95 is needed"
