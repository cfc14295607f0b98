"""Split halves and item discrimination against R and PSPP, and data that cannot support them."""

from __future__ import annotations

import json
from itertools import combinations
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
from csat_stats.reliability import cronbach_alpha, item_discrimination, split_half

ORACLE = json.loads((Path(__file__).parent / "oracles" / "halves.json").read_text("utf-8"))
SETS = ["attitude", "image", "quality", "airline"]
FIGURES = ["estimate", "unequal", "r_halves", "lambda4", "lambda4_max", "lambda6", "n_splits"]


def answers(name: str, reference_data: Any) -> pd.DataFrame:
    """The original rows."""
    case = ORACLE[name]
    file = {"image": "ecsi_mobi", "quality": "ecsi_mobi", "airline": "airline_sample"}
    frame = reference_data(file.get(name, name))[case["items"]]
    return frame.replace(0, np.nan) if name == "airline" else frame


def assert_equals(result: Any, expected: dict[str, Any], rtol: float = 1e-9) -> None:
    assert result.not_estimable is None
    for name in FIGURES:
        if name in expected:
            assert getattr(result, name) == pytest.approx(expected[name], rel=rtol), name
    for column in ("k", "mean", "std_dev", "alpha"):
        if column in expected:
            want = np.array(expected[column], dtype=float)
            np.testing.assert_allclose(result.table[column], want, rtol=rtol)


def halves_of(case: dict[str, Any]) -> list[list[str]]:
    items, middle = case["items"], -(-len(case["items"]) // 2)
    return [items[:middle], items[middle:]]


@pytest.mark.parametrize("name", SETS)
def test_split_half_equals_r(name: str) -> None:
    case = ORACLE[name]
    frame = frame_with_moments(case)
    result = split_half(frame)
    assert_equals(result, case["odd_even"])
    assert_equals(split_half(frame, halves=halves_of(case)), case["first_second"])
    assert (result.n_used, result.n_dropped, result.k) == (case["n"], 0, len(case["items"]))
    assert result.exhaustive
    assert result.table["items"].tolist() == [
        ", ".join(case["items"][::2]),
        ", ".join(case["items"][1::2]),
    ]


@pytest.mark.parametrize("name", SETS)
def test_original_rows_weighted_and_not(name: str, reference_data: Any) -> None:
    case = ORACLE[name]
    frame = answers(name, reference_data)
    assert_equals(split_half(frame), case["odd_even"])
    assert split_half(frame).n_dropped == len(frame) - case["n"]
    assert_equals(split_half(Moments.from_frame(frame)), case["odd_even"])
    complete = frame.dropna()
    weights = pd.Series(np.resize(case["weights"], len(complete)), complete.index)
    weighted = split_half(frame, weights=weights.reindex(frame.index))
    assert_equals(weighted, case["weighted"])
    assert (weighted.n_used, weighted.n_dropped) == (case["n"], len(frame) - case["n"])
    assert "weighted" in str(weighted.method)


@pytest.mark.parametrize("name", SETS)
def test_lambdas_equal_psych(name: str) -> None:
    case = ORACLE[name]
    frame = frame_with_moments(case)
    raw, standardized = split_half(frame), split_half((frame - frame.mean()) / frame.std())
    psych = case["psych"]
    assert raw.lambda6 == pytest.approx(psych["lambda6_raw"], rel=1e-9)
    assert standardized.lambda6 == pytest.approx(psych["lambda6_standardized"], rel=1e-9)
    if "max_raw" in psych:
        assert raw.lambda4_max == pytest.approx(psych["max_raw"], rel=1e-9)
        assert standardized.lambda4_max == pytest.approx(psych["max_standardized"], rel=1e-9)


@pytest.mark.parametrize("name", ["attitude", "image", "quality"])
def test_pspp_agrees(name: str) -> None:
    case = ORACLE[name]
    result = split_half(frame_with_moments(case), halves=halves_of(case))
    assert_equals(result, ORACLE["pspp"][name], rtol=1e-11)


# --- algebra of the halves

scores = arrays(
    np.float64,
    st.tuples(st.integers(4, 20), st.integers(2, 6)),
    elements=st.integers(1, 10).map(float),
)


@settings(max_examples=40)
@given(x=scores, data=st.data())
def test_order_scale_and_swap_of_halves_change_nothing(x: Any, data: Any) -> None:
    frame = pd.DataFrame(x).add_prefix("q")
    names = list(frame.columns)
    size = data.draw(st.integers(1, len(names) - 1))
    halves = [names[:size], names[size:]]
    original = split_half(frame, halves=halves)
    assume(original.not_estimable is None)
    moved = split_half(
        (frame * 4 - 3).loc[::-1, data.draw(st.permutations(names))], halves=halves[::-1]
    )
    for name in FIGURES:
        one, two = getattr(original, name), getattr(moved, name)
        assert two == (one if one is None else pytest.approx(one, rel=1e-9, abs=1e-9)), name
    assert original.lambda4 <= original.lambda4_max + 1e-12
    assert abs(original.lambda4) <= abs(original.estimate) + 1e-12
    np.testing.assert_allclose(moved.table["std_dev"][::-1], 4 * original.table["std_dev"])
    for row in original.table.itertuples():
        part = cronbach_alpha(frame[row.items.split(", ")])
        if part.estimate is not None:
            assert row.alpha == pytest.approx(part.estimate, rel=1e-9, abs=1e-9)


def test_the_best_half_has_the_highest_lambda4() -> None:
    frame = frame_with_moments(ORACLE["quality"])
    result = split_half(frame)
    best = set(result.best_half)
    again = split_half(frame, halves=[list(best), [c for c in frame if c not in best]])
    assert again.lambda4 == pytest.approx(result.lambda4_max, rel=1e-14)
    every = [
        split_half(frame, halves=[list(half), [c for c in frame if c not in half]]).lambda4
        for half in combinations(frame, 3)
    ]
    assert result.n_splits == len(every) == 35
    assert max(every) == pytest.approx(result.lambda4_max, rel=1e-14)


def test_two_items() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 5, 4, 2], "b": [2, 2, 4, 5, 5, 1]})
    result = split_half(frame)
    r = frame.corr().iloc[0, 1]
    assert result.estimate == pytest.approx(2 * r / (1 + r), rel=1e-12)
    assert result.unequal == pytest.approx(result.estimate, rel=1e-12)
    assert result.lambda4 == pytest.approx(cronbach_alpha(frame).estimate, rel=1e-12)
    assert result.table["alpha"].isna().all()
    assert [str(note) for note in result.notes] == [
        "With two items there is one split, and each half is one item."
    ]
    assert str(result.method) == (
        "Spearman-Brown split-half reliability, odd against even items; only respondents who "
        "answered all 2 items."
    )


def test_many_items_are_sampled_with_a_seed() -> None:
    rng = np.random.default_rng(3)
    trait = rng.normal(size=(200, 1))
    frame = pd.DataFrame(trait + rng.normal(size=(200, 20))).add_prefix("q")
    result = split_half(frame)
    assert (result.exhaustive, result.n_splits) == (False, 10_000)
    assert str(result.notes[0]) == (
        "The highest lambda 4 is that of 10000 splits drawn at random: the highest of all may be "
        "above it."
    )
    assert split_half(frame).lambda4_max == result.lambda4_max
    assert split_half(frame, seed=1).best_half != result.best_half
    assert len(result.best_half) == 10
    assert result.lambda4_max >= result.lambda4
    sixteen = split_half(frame.iloc[:, :16])
    assert (sixteen.exhaustive, sixteen.n_splits) == (True, 6435)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"a": [1, 2, 3]}, "A dimension of one item has no internal consistency."),
        ({"a": [], "b": []}, "0 complete rows are too few: at least 3 are needed."),
        ({"a": [1, 2], "b": [2, 3]}, "2 complete rows are too few: at least 3 are needed."),
        (
            {"a": [1, 2, None], "b": [2, None, 3]},
            "1 complete rows are too few: at least 3 are needed.",
        ),
        (
            {"a": [3, 3, 3], "b": [1, 2, 3]},
            "The sum of one half of the items does not vary between respondents.",
        ),
        (
            {"a": [1, 2, 3], "b": [3, 2, 1]},
            "The total score of the items does not vary between respondents.",
        ),
        ({"a": [1, 2, 3], "b": [6, 4, 2]}, "The two halves are exact opposites of each other."),
    ],
)
def test_split_half_not_estimable(columns: Any, reason: str) -> None:
    result = split_half(pd.DataFrame(columns, dtype=float))
    assert str(result.not_estimable) == reason
    assert result.estimate is None
    assert result.table.empty


def test_constant_negative_and_dependent_items_are_said() -> None:
    base = {"a": [1, 2, 4, 5, 5], "b": [2, 2, 3, 5, 4], "c": [1, 3, 3, 4, 5]}
    copy = split_half(pd.DataFrame({**base, "d": base["a"]}))
    assert copy.lambda6 is None
    assert str(copy.notes[0]) == (
        "Lambda 6 does not exist: an item is determined exactly by the others."
    )
    flat = split_half(pd.DataFrame({**base, "d": [3] * 5}))
    assert flat.lambda6 == pytest.approx(split_half(pd.DataFrame(base)).lambda6, rel=1e-12)
    against = split_half(pd.DataFrame({"a": base["a"], "b": [5, 3, 4, 1, 2]}))
    assert against.estimate < 0
    assert "The two halves correlate negatively: check the keying of the items." in map(
        str, against.notes
    )


@pytest.mark.parametrize(
    ("halves", "reason"),
    [
        ([["a"], []], "halves are two lists of items, neither of them empty"),
        (["a", "b"], "halves are two lists of items, neither of them empty"),
        ([["a"], ["b"], ["c"]], "halves are two lists of items, neither of them empty"),
        ([["a"], ["z"]], "halves name 'z', which is no item: a, b, c are"),
        ([["a"], ["b"]], "halves have 'c' 0 times: once is needed"),
        ([["a", "b"], ["b", "c"]], "halves have 'b' 2 times: once is needed"),
    ],
)
def test_wrong_halves(halves: Any, reason: str) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [2, 1, 3], "c": [1, 3, 3]})
    with pytest.raises(ValueError) as error:
        split_half(frame, halves=halves)
    assert str(error.value) == reason


# --- item discrimination

COLUMNS = [
    "mean_low",
    "mean_high",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "statistic",
    "df",
    "p_value",
    "cohens_d",
    "point_biserial",
    "levene_p",
]
ITEMS = pd.DataFrame(
    {
        "a": [1, 2, 4, 5, 5, 3, 1, 4, 2, 5, 4, 1],
        "b": [3, 2, 3, 5, 4, 2, 3, 4, 1, 4, 5, 2],
        "c": [2, 2, 5, 4, 4, 3, 2, 3, 2, 5, 3, 1],
    }
)


def assert_groups(result: Any, expected: dict[str, Any]) -> None:
    for name in ("cut_low", "cut_high", "n_low", "n_high"):
        assert getattr(result, name) == expected[name], name


@pytest.mark.parametrize("name", ["attitude", "quality"])
def test_item_discrimination_equals_r(name: str, reference_data: Any) -> None:
    frame = answers(name, reference_data)
    expected = ORACLE["discrimination"][name]
    for options, key in (({}, "share27"), ({"share": 1 / 3, "conf_level": 0.9}, "share33")):
        welch, student = np.array(expected[key]["welch"]), np.array(expected[key]["student"])
        levene = np.where(welch[:, [-1]] < 0.05, welch, student)
        for test, want in (("welch", welch), ("student", student), ("levene", levene)):
            result = item_discrimination(frame, test=test, **options)  # type: ignore[arg-type]
            assert_groups(result, expected[key])
            assert result.table["item"].tolist() == list(frame.columns)
            np.testing.assert_allclose(result.table[COLUMNS], want, rtol=1e-9)


@pytest.mark.parametrize("name", ["attitude", "quality"])
def test_weighted_item_discrimination_equals_survey(name: str, reference_data: Any) -> None:
    frame = answers(name, reference_data)
    weights = pd.Series(np.resize([1, 2.5, 0.5, 3], len(frame)))
    expected = ORACLE["discrimination"][name]["weighted"]
    result = item_discrimination(frame, weights=weights)
    assert_groups(result, expected)
    columns = COLUMNS[:-1]
    np.testing.assert_allclose(result.table[columns], expected["table"], rtol=1e-9)
    assert result.table["levene_p"].isna().all()


def test_weights_of_one_and_missing_answers() -> None:
    plain = item_discrimination(ITEMS)
    ones = item_discrimination(ITEMS, weights=pd.Series(2.0, ITEMS.index))
    columns = ["item", *COLUMNS[:-1]]
    pd.testing.assert_frame_equal(ones.table[columns], plain.table[columns], rtol=1e-12)
    more = pd.concat([ITEMS.astype("Int64"), pd.DataFrame({"a": [5], "b": [pd.NA], "c": [1]})])
    again = item_discrimination(more.reset_index(drop=True))
    assert (again.n_used, again.n_dropped) == (12, 1)
    pd.testing.assert_frame_equal(again.table, plain.table)
    assert plain.method.render() == (
        "Difference of the item means between the top and bottom 27% by total score with Welch's t "
        "test and interval; only respondents who answered all 3 items."
    )


@settings(max_examples=30)
@given(x=arrays(np.float64, (15, 4), elements=st.integers(1, 5).map(float)))
def test_reversing_the_scale_swaps_the_groups(x: Any) -> None:
    frame = pd.DataFrame(x, columns=list("abcd"))
    one, two = item_discrimination(frame), item_discrimination(6 - frame.iloc[::-1])
    assert one.not_estimable == two.not_estimable
    assume(one.not_estimable is None)
    assert (one.n_low, one.n_high) == (two.n_high, two.n_low)
    assert one.cut_low == 24 - two.cut_high
    same = ["estimate", "std_error", "conf_low", "df", "p_value", "point_biserial"]
    np.testing.assert_allclose(two.table[same], one.table[same], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(two.table["mean_low"], 6 - one.table["mean_high"], rtol=1e-12)


def test_ties_flat_and_weak_items_are_said() -> None:
    frame = pd.DataFrame(
        {
            "sure": [1, 1, 1, 1, 3, 3, 5, 5, 5, 5],
            "weak": [2, 3, 2, 3, 2, 3, 2, 3, 2, 3],
            "c": [1, 0, 1, 0, 3, 3, 5, 4, 5, 4],
        }
    )
    result = item_discrimination(frame, share=0.2)
    assert (result.n_low, result.n_high) == (4, 4)
    assert [str(note) for note in result.notes] == [
        "Respondents with the total score of a cut all belong to its group: 4 instead of 2 are in "
        "the low group, 4 in the high group.",
        "sure: no variance within either group, so there is no test.",
        "weak: no clear difference between high and low scorers, so the item does not "
        "discriminate.",
    ]
    sure = result.table.set_index("item").loc["sure"]
    assert (sure["estimate"], sure["point_biserial"]) == (4, 1)
    assert sure[["std_error", "statistic", "df", "p_value", "cohens_d"]].isna().all()


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (ITEMS[["a"]], "A dimension of one item has no internal consistency."),
        (ITEMS[:0], "0 complete rows are too few: at least 4 are needed."),
        (ITEMS[:3], "3 complete rows are too few: at least 4 are needed."),
        (
            ITEMS * 0 + 3,
            "The total scores do not separate two groups of at least two respondents each.",
        ),
        (
            ITEMS[:5],
            "The total scores do not separate two groups of at least two respondents each.",
        ),
    ],
)
def test_item_discrimination_not_estimable(frame: pd.DataFrame, reason: str) -> None:
    result = item_discrimination(frame, share=0.2)
    assert str(result.not_estimable) == reason
    assert result.table.empty


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"share": 27}, "share is 27: above 0 and at most 0.5 is needed"),
        ({"test": "z"}, "test is 'z': 'welch', 'student' or 'levene' is needed"),
        ({"conf_level": 0}, "conf_level is 0: a share such as 0.95 is needed"),
        (
            {"test": "levene", "weights": pd.Series(1, ITEMS.index)},
            "test is 'levene': with weights only 'welch' is possible",
        ),
    ],
)
def test_wrong_options(options: Any, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        item_discrimination(ITEMS, **options)
    assert str(error.value) == reason
