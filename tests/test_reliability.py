"""Cronbach's alpha against R psych and PSPP, and where the data cannot support it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from references import frame_with_moments

from csat_stats.moments import Moments
from csat_stats.reliability import cronbach_alpha

ORACLE = json.loads((Path(__file__).parent / "oracles" / "reliability.json").read_text("utf-8"))
SCALES = ORACLE["scales"]
COLUMNS = ["n", "mean", "std_dev", "r_item_total", "r_item_rest", "alpha_if_deleted"]


def assert_equals_psych(frame: pd.DataFrame, case: dict[str, Any]) -> None:
    result = cronbach_alpha(frame)
    assert result.n_used == case["n"]
    assert result.k == len(case["items"])
    assert result.conf_level == 0.95
    assert result.not_estimable is None
    got = [
        result.estimate,
        result.standardized,
        result.average_r,
        result.scale_mean,
        result.scale_sd,
        result.conf_low,
        result.conf_high,
    ]
    names = ["raw_alpha", "std_alpha", "average_r", "scale_mean", "scale_sd"]
    expected = [case[name] for name in names] + case["feldt95"]
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    assert result.table["item"].tolist() == case["items"]
    assert result.table.columns.tolist() == ["item", *COLUMNS]
    reference = np.array(case["table"], dtype=float)
    np.testing.assert_allclose(result.table[COLUMNS].to_numpy(dtype=float), reference, rtol=1e-9)


@pytest.mark.parametrize("case", SCALES, ids=lambda c: f"{c['data']}-{c['scale']}")
def test_every_field_equals_psych(case: dict[str, Any]) -> None:
    assert_equals_psych(frame_with_moments(case), case)


@pytest.mark.parametrize("case", SCALES, ids=lambda c: f"{c['data']}-{c['scale']}")
def test_original_rows_give_the_same_after_dropping_incomplete_ones(
    case: dict[str, Any], reference_data: Any
) -> None:
    frame = reference_data(case["data"])
    frame.columns = frame.columns.str.replace("[^A-Za-z0-9_.]", ".", regex=True)
    frame = frame[case["items"]].astype("Int64" if case["data"] == "psych_bfi" else float)
    if case["scale"] == "zero as missing":
        frame = frame.replace(0, np.nan)
    if case["data"] == "psych_bfi" and "not reversed" not in case["scale"]:
        keyed = frame.columns.intersection(["A1", "C4", "C5", "E1", "E2", "O2", "O5"])
        frame[keyed] = 7 - frame[keyed]
    assert_equals_psych(frame, case)
    assert cronbach_alpha(frame).n_dropped == case["n_dropped"]


@pytest.mark.parametrize("case", ORACLE["pspp"]["scales"], ids=lambda c: "-".join(c["items"][:2]))
def test_pspp_agrees(case: dict[str, Any]) -> None:
    known = next(
        scale
        for scale in SCALES
        if scale["items"] == case["items"] and "not reversed" not in scale["scale"]
    )
    result = cronbach_alpha(frame_with_moments(known))
    assert result.estimate == pytest.approx(case["alpha"], abs=2e-12)
    for name in ("r_item_rest", "alpha_if_deleted"):
        reference = np.array(case[name], dtype=float)
        np.testing.assert_allclose(result.table[name], reference, atol=2e-12, rtol=0)


def test_weights_equal_r(oracle: Any) -> None:
    case = oracle("moments")["weighted"]
    frame = pd.DataFrame(case["rows"], columns=case["items"])
    result = cronbach_alpha(frame, weights=pd.Series(case["weights"]))
    got = [
        *(result.estimate, result.standardized, result.average_r, result.n_effective),
        *(result.scale_mean, result.scale_sd, result.conf_low, result.conf_high),
    ]
    names = ["raw_alpha", "std_alpha", "average_r", "n_effective", "scale_mean", "scale_sd"]
    np.testing.assert_allclose(got, [case[name] for name in names] + case["feldt95"], rtol=1e-9)
    assert (result.n_used, result.n_dropped, result.k) == (case["n"], 2, 7)
    table = result.table
    assert table["item"].tolist() == case["items"]
    assert (table["n"] == case["n"]).all()
    np.testing.assert_allclose(table["mean"], case["mean"], rtol=1e-9)
    np.testing.assert_allclose(table["std_dev"], np.sqrt(np.diag(case["cov"])), rtol=1e-9)
    np.testing.assert_allclose(table["r_item_total"], case["r_item_total"], rtol=1e-9)
    np.testing.assert_allclose(table["r_item_rest"], case["r_item_rest"], rtol=1e-9)
    np.testing.assert_allclose(table["alpha_if_deleted"], case["drop"], rtol=1e-9)
    assert str(result.method) == (
        "Cronbach's alpha from weighted item scores, Feldt confidence interval on Kish's "
        "effective n; only respondents with a weight who answered all 7 items."
    )


# --- bootstrap


def ratings(n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    x = np.clip(np.rint(rng.normal(size=(n, 1)) + rng.normal(size=(n, 3)) + 3), 1, 5)
    return pd.DataFrame(x).add_prefix("q")


@pytest.mark.parametrize("weighted", [False, True])
def test_bootstrap_of_patterns_is_that_of_rows(weighted: bool) -> None:
    frame = ratings()
    w = np.random.default_rng(6).integers(1, 4, len(frame)) if weighted else np.ones(len(frame))
    weights = pd.Series(w, frame.index) if weighted else None
    result = cronbach_alpha(
        frame, weights=weights, interval="bootstrap", n_boot=4000, conf_level=0.9
    )
    rng = np.random.default_rng(7)
    alphas = []
    for _ in range(1500):
        rows = rng.integers(len(frame), size=len(frame))
        cov = np.cov(frame.to_numpy()[rows].T, aweights=w[rows])
        alphas.append(3 / 2 * (1 - np.trace(cov) / cov.sum()))
    expected = np.quantile(alphas, [0.05, 0.95])
    np.testing.assert_allclose([result.conf_low, result.conf_high], expected, atol=0.012)
    assert result.estimate == cronbach_alpha(frame, weights=weights).estimate
    assert "percentile interval of 4000 bootstrap samples of the respondents, seed 0" in str(
        result.method
    )


def test_bootstrap_depends_on_the_seed_and_not_on_the_order() -> None:
    frame = ratings()
    frame.loc[3, "q0"] = np.nan
    one = cronbach_alpha(frame, interval="bootstrap", n_boot=200, seed=1)
    turned = cronbach_alpha(frame[::-1], interval="bootstrap", n_boot=200, seed=1)
    other = cronbach_alpha(frame, interval="bootstrap", n_boot=200, seed=2)
    assert (one.conf_low, one.conf_high) == (turned.conf_low, turned.conf_high)
    assert one.conf_low != other.conf_low
    assert one.conf_low < one.estimate < one.conf_high


def test_resamples_without_variation_are_left_out_and_counted() -> None:
    frame = pd.DataFrame({"a": [1, 1, 1, 5], "b": [2, 2, 2, 4]})
    result = cronbach_alpha(frame, interval="bootstrap", n_boot=1000)
    [note] = [str(note) for note in result.notes if "resamples" in str(note)]
    failed = int(note.split()[0])
    assert note == (f"{failed} of 1000 resamples had no solution and do not count in the interval.")
    assert failed / 1000 == pytest.approx(0.75**4 + 0.25**4, abs=0.05)
    assert result.conf_high <= 1


def test_a_bootstrap_needs_the_answers() -> None:
    with pytest.raises(ValueError, match="moments have none: give the answers themselves"):
        cronbach_alpha(Moments.from_frame(ratings()), interval="bootstrap")
    with pytest.raises(ValueError, match="interval is 'bca': choose one of feldt, bootstrap"):
        cronbach_alpha(ratings(), interval="bca")
    with pytest.raises(ValueError, match="n_boot is 10: give at least 100, better 2000"):
        cronbach_alpha(ratings(), interval="bootstrap", n_boot=10)


# --- algebra

scores = arrays(
    np.float64,
    st.tuples(st.integers(4, 20), st.integers(2, 6)),
    elements=st.integers(1, 10).map(float),
)


@settings(deadline=None, max_examples=40)
@given(x=scores, data=st.data())
def test_order_of_rows_and_items_and_a_common_scale_change_nothing(x: Any, data: Any) -> None:
    frame = pd.DataFrame(x).add_prefix("q")
    original = cronbach_alpha(frame)
    assume(original.not_estimable is None)
    columns = data.draw(st.permutations(list(frame.columns)))
    moved = cronbach_alpha((frame * 2.5 + 7).loc[::-1, columns])
    assert moved.estimate == pytest.approx(original.estimate, rel=1e-9, abs=1e-9)
    assert moved.conf_low == pytest.approx(original.conf_low, rel=1e-9, abs=1e-9)
    assert moved.scale_sd == pytest.approx(2.5 * original.scale_sd, rel=1e-9)
    one = original.table.set_index("item").loc[columns, ["r_item_rest", "alpha_if_deleted"]]
    two = moved.table.set_index("item")[["r_item_rest", "alpha_if_deleted"]]
    pd.testing.assert_frame_equal(one, two, rtol=1e-8, atol=1e-8)
    assert original.estimate <= 1 + 1e-12
    assert original.conf_low <= original.estimate <= original.conf_high


@settings(deadline=None, max_examples=40)
@given(x=scores)
def test_alpha_if_deleted_is_the_alpha_of_the_other_items(x: Any) -> None:
    frame = pd.DataFrame(x).add_prefix("q")
    assume(frame.shape[1] > 2)
    result = cronbach_alpha(frame)
    assume(result.not_estimable is None)
    for name, value in zip(result.table["item"], result.table["alpha_if_deleted"], strict=True):
        without = cronbach_alpha(frame.drop(columns=name)).estimate
        if without is None:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(without, rel=1e-9, abs=1e-9)


def test_two_items_standardised_is_spearman_brown() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 5, 4, 2], "b": [2, 2, 4, 5, 5, 1]})
    result = cronbach_alpha(frame)
    r = frame.corr().iloc[0, 1]
    assert result.standardized == pytest.approx(2 * r / (1 + r), rel=1e-12)
    assert result.table["alpha_if_deleted"].isna().all()
    assert [str(note) for note in result.notes] == [
        "With two items the standardised alpha is the Spearman-Brown coefficient, "
        "and there is no alpha if an item is deleted."
    ]


def test_a_large_offset_costs_no_digits() -> None:
    frame = pd.DataFrame(np.random.default_rng(1).integers(1, 6, (50, 4))).add_prefix("q")
    plain, shifted = cronbach_alpha(frame), cronbach_alpha(frame + 1e9)
    assert shifted.estimate == pytest.approx(plain.estimate, rel=1e-12)


def test_interval_narrows_with_a_lower_level() -> None:
    frame = frame_with_moments(SCALES[0])
    wide, narrow = cronbach_alpha(frame), cronbach_alpha(frame, conf_level=0.5)
    assert wide.conf_low < narrow.conf_low < narrow.conf_high < wide.conf_high
    assert narrow.conf_level == 0.5


# --- notes


def test_an_item_that_was_not_reversed_is_named_and_left_alone() -> None:
    case = next(scale for scale in SCALES if "not reversed" in scale["scale"])
    notes = [str(note) for note in cronbach_alpha(frame_with_moments(case)).notes]
    assert notes == [
        "Negative correlation with the rest of the scale in A1: check whether these "
        "items need reversing. Nothing was reversed here."
    ]


def test_negative_alpha_is_said() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [5, 4, 3, 2, 2]})
    result = cronbach_alpha(frame)
    assert result.estimate < 0
    notes = [str(note) for note in result.notes]
    assert "Alpha is negative: the items do not point in one direction." in notes
    assert any("in a, b: check whether" in note for note in notes)


def test_redundant_items_are_said() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [1, 2, 3, 4, 5], "c": [1, 2, 3, 4, 4]})
    assert [str(note) for note in cronbach_alpha(frame).notes] == [
        "Alpha above 0.95 points to redundancy: some items ask nearly the same question."
    ]


def test_an_item_without_variance_counts_and_is_named() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [2, 2, 3, 5, 4], "c": [0.1] * 5})
    result = cronbach_alpha(frame)
    two = cronbach_alpha(frame[["a", "b"]]).estimate
    assert result.estimate == pytest.approx(two * (3 / 2) / 2)  # k/(k-1) from 2 to 3/2
    assert result.standardized is None
    assert result.average_r is None
    last = result.table.iloc[2]
    assert np.isnan(last["r_item_total"])
    assert np.isnan(last["r_item_rest"])
    assert last["alpha_if_deleted"] == pytest.approx(two)
    assert str(result.notes[0]) == (
        "No variance in c: every respondent gave the same answer. Alpha still counts these "
        "items; their correlations and the standardised alpha are undefined."
    )


# --- what the data cannot support, and wrong use

FEW = "{} complete rows are too few: at least 3 are needed."
STILL = "The total score of the items does not vary between respondents."
ONE = "A dimension of one item has no internal consistency."


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (pd.DataFrame({"a": [1, 2, 3]}), ONE),
        (pd.DataFrame(index=range(5)), ONE),
        (pd.DataFrame({"a": [], "b": []}, dtype=float), FEW.format(0)),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), FEW.format(1)),
        (pd.DataFrame({"a": [1, 2, np.nan], "b": [2, 3, 4]}), FEW.format(2)),
        (pd.DataFrame({"a": [np.nan] * 4, "b": [np.nan] * 4}), FEW.format(0)),
        (pd.DataFrame({"a": pd.array([None] * 4, "Int64"), "b": range(4)}), FEW.format(0)),
        (pd.DataFrame({"a": [0.1] * 9, "b": [0.7] * 9}), STILL),
        (pd.DataFrame({"a": [0.1, 0.7, 0.3], "b": [-0.1, -0.7, -0.3]}), STILL),
    ],
)
def test_not_estimable(frame: pd.DataFrame, reason: str) -> None:
    result = cronbach_alpha(frame)
    assert str(result.not_estimable) == reason
    assert result.estimate is result.conf_low is result.conf_high is result.standardized is None
    assert result.n_used + result.n_dropped == len(frame)
    assert result.table.empty


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (
            {"a": [1, 2, 3], "b": ["4", "x", "2"]},
            "column 'b' holds '4': a numeric column is needed",
        ),
        ({"a": [1, np.inf, 3], "b": [1, 2, 3]}, "column 'a' holds inf in row 1: finite"),
    ],
)
def test_wrong_columns_are_named(frame: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        cronbach_alpha(pd.DataFrame(frame))


def test_two_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame([[1, 2], [2, 3], [3, 3]], columns=["a", "a"])
    with pytest.raises(ValueError, match="column 'a' occurs twice: give each item its own name"):
        cronbach_alpha(frame)


@pytest.mark.parametrize("level", [0, 1, 95, -0.1])
def test_conf_level_is_checked(level: float) -> None:
    with pytest.raises(ValueError, match=r"a share such as 0\.95 is needed"):
        cronbach_alpha(pd.DataFrame({"a": [1, 2, 3], "b": [1, 3, 2]}), conf_level=level)


def test_method_states_the_rule() -> None:
    result = cronbach_alpha(pd.DataFrame({"a": [1, 2, 3], "b": [1, 3, 2]}))
    assert str(result.method) == (
        "Cronbach's alpha from raw item scores, Feldt confidence interval; "
        "only respondents who answered all 2 items."
    )
