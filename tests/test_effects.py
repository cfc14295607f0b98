"""Effects against R, the published examples, algebra, and what data cannot support."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from csat_stats.effects import attainment, before_after, compare_waves, did, equivalence
from csat_stats.effects.waves import BeforeAfter

# R's pt(ncp=) is good to some nine digits and effectsize stops its search at six
SEARCHED = 1e-6


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("effects")


def turned(result: Any, *names: str) -> list[float]:
    """These figures as R gives them for the first group minus the second."""
    return [-getattr(result, name) for name in names]


def close(actual: Any, expected: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(actual, dtype=float), np.asarray(expected, dtype=float), rtol, 1e-13
    )


def cells(both: int, before_only: int, after_only: int, neither: int) -> tuple[pd.Series, ...]:
    """Paired 0/1 answers with these frequencies."""
    counts = [both, before_only, after_only, neither]
    return pd.Series(np.repeat([1, 1, 0, 0], counts)), pd.Series(np.repeat([1, 0, 1, 0], counts))


def shares(successes: int, n: int) -> pd.Series:
    return pd.Series([1] * successes + [0] * (n - successes))


def notes(result: Any) -> list[str]:
    return [str(note) for note in result.notes]


# --- means -----------------------------------------------------------------------------------


def test_independent_means_of_the_sleep_data(reference: Any) -> None:
    data, expected = reference["sleep_data"], reference["sleep_indep"]
    change = before_after(pd.Series(data["drug1"]), pd.Series(data["drug2"]))
    _compare_independent(change, expected)  # the reference takes the first group minus the second
    close(turned(change, "effect_size_high", "effect_size_low"), expected["g_ci_exact"], 1e-9)
    assert (change.design, change.kind) == ("independent", "mean")
    assert change.effect_size_name == "hedges_g"
    assert (change.n_used, change.n_dropped, change.notes) == (20, 0, ())
    assert change.target is None and change.met is None
    assert list(change.table["period"]) == ["before", "after"]
    close(change.table["n"], expected["n"])
    close(change.table["mean"], expected["means"])
    close(change.table["std_error"], np.array(expected["sds"]) / np.sqrt(10))
    assert str(change.method).startswith("Difference after − before with Welch's t interval")
    narrow = before_after(pd.Series(data["drug1"]), pd.Series(data["drug2"]), conf_level=0.9)
    close(turned(narrow, "conf_high", "conf_low"), expected["welch_ci90"])


def _compare_independent(change: BeforeAfter, expected: Any) -> None:
    assert [change.n_before, change.n_after] == expected["n"]
    close([change.before_mean, change.after_mean], expected["means"])
    close(change.estimate, expected["means"][1] - expected["means"][0], 1e-8)
    close(turned(change, "conf_high", "conf_low"), expected["welch"]["ci95"])
    close(turned(change, "statistic"), [expected["welch"]["t"]])
    close(change.df, expected["welch"]["df"])
    close(change.p_value, expected["welch"]["p"])
    close(turned(change, "effect_size"), [expected["hedges_g"]["g"]])
    close(
        turned(change, "effect_size_high", "effect_size_low"),
        expected["hedges_g"]["ci95"],
        SEARCHED,
    )
    if "mann_whitney" in expected:
        close(change.p_rank, expected["mann_whitney"]["p_continuity"])


def test_panel_means_of_the_sleep_data(reference: Any) -> None:
    data, expected = reference["sleep_data"], reference["sleep"]
    change = before_after(pd.Series(data["drug1"]), pd.Series(data["drug2"]), paired=True)
    close([change.before_mean, change.after_mean], [expected["mean_x"], expected["mean_y"]])
    close(change.estimate, expected["mean_y"] - expected["mean_x"])
    close(turned(change, "conf_high", "conf_low"), expected["ci95"])
    close([*turned(change, "statistic"), change.df], [expected["t"], expected["df"]])
    close(change.p_value, expected["p"])
    close(change.p_rank, expected["wilcoxon"]["p_continuity"])
    close(turned(change, "effect_size"), [expected["effectsize_g"]])
    close([change.effect_size_low, change.effect_size_high], expected["hedges_gz_ci"])
    close([change.effect_size_low, change.effect_size_high], expected["effectsize_g_ci"], SEARCHED)
    assert (change.design, change.effect_size_name) == ("panel", "hedges_gz")
    assert (change.n_before, change.n_after, change.n_used) == (10, 10, 10)


def test_panel_means_with_ties_and_unchanged_customers(reference: Any) -> None:
    expected = reference["wilcoxon_zero_ties"]
    change = before_after(pd.Series(expected["before"]), pd.Series(expected["after"]), paired=True)
    close(change.estimate, expected["estimate"])
    close([change.conf_low, change.conf_high], expected["ci"])
    close([change.statistic, change.df, change.p_value], [expected[n] for n in ("t", "df", "p")])
    close(change.p_rank, expected["p_rank"])
    close(change.effect_size, expected["g"])
    close([change.effect_size_low, change.effect_size_high], expected["g_ci"])


def with_moments(n: int, mean: float, sd: float, seed: int) -> pd.Series:
    z = np.random.default_rng(seed).normal(size=n)
    return pd.Series(mean + sd * (z - z.mean()) / z.std(ddof=1))


@pytest.mark.parametrize("scale", ["Agree", "Consc", "Extra", "Neuro", "Open"])
def test_independent_means_from_published_moments(reference: Any, scale: str) -> None:
    expected = {k: v for k, v in reference["bfi_gender"][scale].items() if k != "mann_whitney"}
    first, second = (
        with_moments(n, mean, sd, n)
        for n, mean, sd in zip(expected["n"], expected["means"], expected["sds"], strict=True)
    )
    _compare_independent(before_after(first, second), expected)


def test_independent_means_of_survey_answers(
    reference: Any, reference_data: Callable[..., pd.DataFrame]
) -> None:
    airline = reference_data("airline_sample")
    rating = airline["Cleanliness"].replace(0, np.nan)
    women = airline["Gender"] == "Female"
    change = before_after(rating[women], rating[~women])
    _compare_independent(change, reference["airline_gender_cleanliness"])
    bfi = reference_data("psych_bfi")
    items = {"Agree": ("A", [1]), "Consc": ("C", [4, 5]), "Extra": ("E", [1, 2])}
    for scale, (stem, reverse) in items.items():
        answers = bfi[[f"{stem}{i}" for i in range(1, 6)]].copy()
        for i in reverse:
            answers[f"{stem}{i}"] = 7 - answers[f"{stem}{i}"]
        score = answers.mean(axis=1)
        change = before_after(score[bfi["gender"] == 1], score[bfi["gender"] == 2])
        expected = dict(reference["bfi_gender"][scale])
        # means that are equal on paper differ in the last bit between the two programs' sums
        close(change.p_rank, expected.pop("mann_whitney")["p_continuity"], 1e-3)
        _compare_independent(change, expected)


# --- what could have been shown --------------------------------------------------------------


def test_detectable_change_of_means(reference: Any) -> None:
    expected = reference["detectable"]
    small, large = with_moments(30, 3, 1.2, 1), with_moments(90, 3, 0.8, 2)
    wave, panel = with_moments(25, 3, 1.3, 3), with_moments(40, 3, 1, 4)
    twelve = with_moments(12, 3, 2, 5)
    for change, name in (
        (before_after(wave, wave + 0.2), "equal"),
        (before_after(small, large), "unequal"),
        (before_after(twelve, twelve, conf_level=0.99), "equal_99"),
        (before_after(panel, panel + with_moments(40, 0.1, 0.9, 6), paired=True), "panel"),
    ):
        assert change.detectable == pytest.approx(expected[name], rel=1e-9)
    change = before_after(small, large)
    close(change.std_error, math.sqrt(1.2**2 / 30 + 0.8**2 / 90))


def test_detectable_change_of_shares(reference: Any) -> None:
    expected = reference["detectable"]
    forth = before_after(shares(60, 100), shares(62, 100))
    close(forth.detectable, expected["share_equal"])
    assert forth.std_error is None
    fall = before_after(shares(60, 100), shares(62, 100), target=0.5)
    close(fall.detectable, expected["share_fall"])
    close(before_after(shares(48, 80), shares(40, 70)).detectable, expected["share_unequal"])
    panel = before_after(*cells(20, 10, 5, 25), paired=True)
    close(panel.detectable, expected["share_panel"])


def test_no_change_of_a_share_that_could_have_been_shown() -> None:
    few = before_after(shares(19, 20), shares(18, 20))
    assert few.detectable is None and few.estimate is not None
    assert notes(few) == [
        "With these answers not even the largest possible change would have shown as significant "
        "with 80% power."
    ]
    full = before_after(shares(20, 20), shares(18, 20))
    assert full.detectable is None
    same = before_after(*cells(20, 0, 0, 20), paired=True)
    assert same.detectable is None and notes(same) == notes(few)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.floats(0.5, 0.999))
def test_more_answers_show_smaller_changes(m: int, n: int, conf_level: float) -> None:
    def detectable(times: int) -> float:
        first = pd.Series([1.0, 2.0] * times * m)
        second = pd.Series([2.0, 4.0] * times * n)
        size = before_after(first, second, conf_level=conf_level).detectable
        assert size is not None
        return size

    assert detectable(2) < detectable(1)


# --- weights ---------------------------------------------------------------------------------


def test_weighted_waves(reference: Any) -> None:
    data, expected = reference["sleep_data"], reference["weighted"]
    waves = pd.Series(data["drug1"]), pd.Series(data["drug2"])
    first, second = pd.Series(expected["weights_before"]), pd.Series(expected["weights_after"])
    change = before_after(*waves, weights_before=first, weights_after=second)
    close([change.before_mean, change.after_mean], expected["means"])
    close(change.table["mean"], expected["means"])
    close(change.table["std_error"], expected["ses"])
    for name in ("estimate", "std_error", "df"):
        close(getattr(change, name), expected[name])
    close(change.p_value, expected["p"])
    close([change.conf_low, change.conf_high], expected["ci"])
    assert change.p_rank is None and change.effect_size is None
    assert notes(change) == [
        "Effect sizes and rank tests are left out: they have no usual weighted form."
    ]
    assert str(change.method).startswith("Difference of two weighted means or shares")
    alone = before_after(*waves, weights_before=5 * first)
    assert alone.before_mean == pytest.approx(expected["means"][0])
    close(alone.after_mean, 2.33)


def test_a_weighted_panel(reference: Any) -> None:
    data, expected = reference["sleep_data"], reference["weighted_panel"]
    waves = pd.Series(data["drug1"]), pd.Series(data["drug2"])
    weights = pd.Series(reference["weighted"]["weights_before"])
    for side in ("weights_before", "weights_after"):
        change = before_after(*waves, paired=True, **{side: weights})
        close([change.estimate, change.std_error], [expected["estimate"], expected["std_error"]])
        close([change.conf_low, change.conf_high], expected["ci"])
        close(change.p_value, expected["p"])
        assert change.df == 9
    with pytest.raises(ValueError) as error:
        before_after(*waves, paired=True, weights_before=weights, weights_after=weights)
    assert str(error.value) == (
        "a panel has one weight a customer: give weights_before or weights_after, not both"
    )


def test_equal_weights_are_no_weights_and_zero_weights_leave_out() -> None:
    before, after = pd.Series([2, 3, 3, 4, 5, 1]), pd.Series([4, 4, 5, 3, 1, 2])
    plain = before_after(before, after)
    even = before_after(before, after, weights_before=pd.Series([7] * 6))
    for name in ("estimate", "conf_low", "conf_high", "p_value", "df", "detectable"):
        close(getattr(even, name), getattr(plain, name))
    some = before_after(before, after, weights_after=pd.Series([1, 1, 1, 1, 0, None]))
    close(some.p_value, before_after(before, after[:4]).p_value)
    assert (some.n_after, some.n_used, some.n_dropped) == (4, 10, 2)
    paired = before_after(before, after, weights_before=pd.Series([1, 1, 1, 1, 0, 0]), paired=True)
    close(paired.p_value, before_after(before[:4], after[:4], paired=True).p_value)
    assert (paired.n_used, paired.n_dropped) == (4, 2)
    with pytest.raises(ValueError, match="weights of 0 or more needed"):
        before_after(before, after, weights_before=-before)


def test_weighted_shares_and_what_they_cannot_say() -> None:
    before, after = shares(6, 10), shares(9, 12)
    weights = pd.Series(np.arange(1, 11))
    change = before_after(before, after, weights_before=weights)
    close(change.before_mean, 21 / 55)
    assert change.kind == "share" and change.df is not None
    one = before_after(shares(1, 1), after, weights_before=pd.Series([2]))
    assert str(one.not_estimable) == (
        "Too few answers to compare: 1 before and 12 after, where each wave needs 2."
    )
    flat = before_after(shares(3, 3), shares(4, 4), weights_before=pd.Series([1, 2, 3]))
    assert str(flat.not_estimable) == "Nothing varies: all answers of a wave are the same."


def test_weighted_columns() -> None:
    before = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 5, None, None]})
    after = pd.DataFrame({"a": [2, 4, 4, 5], "b": [3, 4, 4, None]})
    weights = pd.Series([1, 2, 3, 0])
    comparison = compare_waves(before, after, weights_before=weights)
    change = before_after(before["a"], after["a"], weights_before=weights)
    close(comparison.table.loc[0, "p_value"], change.p_value)
    assert comparison.table["effect_size"].isna().all()
    assert (comparison.n_used, comparison.n_dropped) == (7, 1)
    assert str(comparison.method).startswith("The weighted figures of each column")
    panel = compare_waves(before, after, paired=True, weights_before=weights)
    assert (panel.n_used, panel.n_dropped) == (3, 1)


# --- shares ----------------------------------------------------------------------------------


def test_newcombes_published_examples(reference: Any) -> None:
    for case in reference["newcombe_independent"]["cases"]:
        change = before_after(shares(*case["second"]), shares(*case["first"]))
        assert change.conf_low == pytest.approx(case["low"], abs=5.1e-5)
        assert change.conf_high == pytest.approx(case["high"], abs=5.1e-5)
    for case in reference["newcombe_paired"]["cases"]:
        both, first, second, neither = case["cells"]
        change = before_after(*cells(both, second, first, neither), paired=True)
        assert change.conf_low == pytest.approx(case["low"], abs=5.1e-5)
        assert change.conf_high == pytest.approx(case["high"], abs=5.1e-5)


def test_independent_shares(reference: Any) -> None:
    expected = reference["shares_independent"]
    change = before_after(shares(*expected["before"]), shares(*expected["after"]))
    close(change.estimate, 0.2)
    close([change.before_mean, change.after_mean], [0.6, 0.8])
    close([change.conf_low, change.conf_high], expected["ci"])
    close([change.statistic, change.p_value], [expected["z"], expected["p_value"]])
    close(change.effect_size, expected["h"])
    close([change.effect_size_low, change.effect_size_high], expected["h_ci"])
    assert change.df is None and change.p_rank is None
    assert (change.kind, change.design) == ("share", "independent")
    assert change.effect_size_name == "cohens_h"
    assert (change.n_before, change.n_after, change.n_used) == (80, 70, 150)
    close(change.table["std_error"], np.sqrt([0.6 * 0.4 / 80, 0.8 * 0.2 / 70]))
    narrow = before_after(shares(*expected["before"]), shares(*expected["after"]), conf_level=0.9)
    close([narrow.conf_low, narrow.conf_high], expected["ci90"])


def test_panel_shares(reference: Any) -> None:
    for expected in reference["shares_paired"]["cases"]:
        change = before_after(*cells(*expected["cells"]), paired=True)
        _, lost, won, _ = expected["cells"]
        close(change.estimate, (won - lost) / sum(expected["cells"]))
        close([change.conf_low, change.conf_high], expected["ci"])
        close(change.p_value, expected["p_value"])
        close(change.effect_size, expected["h"])
        assert change.effect_size_low is None and change.statistic is None
        assert (change.kind, change.design) == ("share", "panel")


def test_bool_and_nullable_answers_are_shares() -> None:
    before, after = shares(48, 80), shares(56, 70)
    expected = before_after(before, after)
    for dtype in ("bool", "boolean", "Int64", "float64"):
        change = before_after(before.astype(dtype), after.astype(dtype))
        assert (change.kind, change.conf_low) == ("share", expected.conf_low)
    gaps = pd.concat([before, pd.Series([None, None])]).astype("boolean")
    change = before_after(gaps, after)
    assert (change.n_before, change.n_used, change.n_dropped) == (80, 150, 2)
    assert change.conf_low == expected.conf_low


def test_equal_shares_are_no_change_but_have_an_interval() -> None:
    for paired in (False, True):
        none = before_after(shares(0, 40), shares(0, 40), paired=paired)
        assert (none.estimate, none.p_value, none.effect_size) == (0, 1, 0)
        assert none.conf_low is not None and none.conf_high is not None
        assert none.conf_low == pytest.approx(-none.conf_high)
        assert 0.05 < none.conf_high < 0.1


# --- algebra ---------------------------------------------------------------------------------

SIGNED = ("estimate", "statistic", "effect_size")
EVEN = ("df", "p_value", "p_rank")
LIMITS = ("conf_low", "conf_high"), ("effect_size_low", "effect_size_high")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25),
    st.booleans(),
    st.booleans(),
)
def test_swapping_the_waves_swaps_sign_and_limits(
    rows: list[tuple[int, int]], paired: bool, binary: bool
) -> None:
    before, after = (
        pd.Series([int(v > 1) if binary else v for v in w]) for w in zip(*rows, strict=True)
    )
    forth = before_after(before, after, paired=paired)
    back = before_after(after, before, paired=paired)
    assert (forth.not_estimable is None) == (back.not_estimable is None)
    if forth.not_estimable:
        assert forth.estimate is None and back.estimate is None
        return
    for name in SIGNED:
        if getattr(forth, name) is not None:
            assert getattr(forth, name) == pytest.approx(-getattr(back, name), abs=1e-12)
    for name in EVEN:
        if getattr(forth, name) is not None:
            assert getattr(forth, name) == pytest.approx(getattr(back, name), rel=1e-9)
    for low, high in LIMITS:
        if getattr(forth, low) is not None:
            assert getattr(forth, low) == pytest.approx(-getattr(back, high), abs=1e-9)
            assert getattr(forth, low) <= getattr(forth, high)
    assert forth.conf_low is not None and forth.conf_high is not None
    assert forth.estimate is not None
    assert forth.conf_low <= forth.estimate + 1e-12
    assert forth.estimate <= forth.conf_high + 1e-12
    if forth.kind == "share":
        assert max(-forth.conf_low, forth.conf_high) <= 1 + 1e-12


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=25),
    st.booleans(),
)
def test_another_scale_changes_units_only(rows: list[tuple[int, int]], paired: bool) -> None:
    before, after = (pd.Series(wave) for wave in zip(*rows, strict=True))
    change = before_after(before, after, paired=paired)
    assume(change.kind == "mean" and change.not_estimable is None)
    index = before_after(25 * before - 25, 25 * after - 25, paired=paired)
    assert change.estimate is not None
    close(index.estimate, 25 * change.estimate)
    close([index.statistic, index.p_value], [change.statistic, change.p_value])
    if change.effect_size is not None:
        close(index.effect_size, change.effect_size)


def test_a_difference_beyond_any_scale_still_has_an_interval() -> None:
    noise = pd.Series([0, 1e-6, -1e-6, 2e-6])
    for size in (1.0, 1e3):
        huge = before_after(noise, noise[::-1].reset_index(drop=True) + size)
        assert huge.effect_size is not None
        assert huge.effect_size_low is not None and huge.effect_size_high is not None
        assert 0 < huge.effect_size_low < huge.effect_size < huge.effect_size_high


# --- panels ----------------------------------------------------------------------------------


def test_panel_matches_customers_by_index() -> None:
    before = pd.Series([3, 2, 4, 5, 1], index=list("abcde"))
    after = pd.Series([4, 4, 5, 3, 2, 1], index=list("cbaxye"))
    change = before_after(before, after, paired=True)
    expected = before_after(pd.Series([3, 2, 4, 1]), pd.Series([5, 4, 4, 1]), paired=True)
    close(
        [change.estimate, change.conf_low, change.p_value],
        [expected.estimate, expected.conf_low, expected.p_value],
    )
    assert (change.n_used, change.n_dropped) == (4, 0)
    assert notes(change) == [
        "Customers in one wave only are left out of the panel: 1 before, 2 after."
    ]


def test_panel_leaves_out_half_answered_pairs() -> None:
    before = pd.Series([3, 2, 4, None, 1], dtype="Int64")
    after = pd.Series([4, None, 5, 3, 1], dtype="Int64")
    change = before_after(before, after, paired=True)
    assert (change.n_used, change.n_dropped, change.n_before, change.n_after) == (3, 2, 3, 3)
    close([change.before_mean, change.after_mean], [8 / 3, 10 / 3])


def test_panel_refuses_ambiguous_customers() -> None:
    once, twice = pd.Series([1, 2, 3], list("abc")), pd.Series([1, 2, 3, 4], list("abca"))
    with pytest.raises(ValueError) as error:
        before_after(once, twice, paired=True)
    assert str(error.value) == (
        "after has customers more than once: a; a panel needs one answer a customer and wave"
    )
    with pytest.raises(ValueError) as error:
        before_after(pd.Series([1, 2], ["a", None]), once, paired=True)
    assert str(error.value) == "before has rows without a customer in the index: name them"
    assert before_after(once, twice).not_estimable is None


# --- what data cannot support -----------------------------------------------------------------


@pytest.mark.parametrize("paired", [False, True])
def test_too_few_answers(paired: bool) -> None:
    few = "Too few answers to compare: {} before and {} after, where each wave needs 2."
    nothing, one = pd.Series([], dtype=float), pd.Series([3.0])
    missing = pd.Series([np.nan, np.nan])
    for before, after in ((nothing, nothing), (missing, missing), (one, one)):
        change = before_after(before, after, paired=paired, target=4)
        n = change.n_before
        assert str(change.not_estimable) == few.format(n, n)
        assert change.estimate is None and change.effect_size is None
        assert change.n_dropped == (0 if n or before.empty else 2 if paired else 4)
        assert change.before_mean == (3 if n else None)


def test_nothing_varies() -> None:
    same = pd.Series([4, 4, 4])
    for after in (same, same + 1):
        change = before_after(same, after)
        assert str(change.not_estimable) == "Nothing varies: all answers of a wave are the same."
        assert (change.before_mean, change.after_mean) == (4, after[0])
        assert change.p_value is None
    score = pd.Series([3.1, 4.2, 2.3])
    change = before_after(score, score + 0.7, paired=True)
    assert str(change.not_estimable) == (
        "Nothing varies: every customer changed by the same amount."
    )
    assert before_after(same, pd.Series([4, 5, 4])).not_estimable is None


def test_two_pairs_have_no_bias_corrected_effect_size() -> None:
    change = before_after(pd.Series([2, 3]), pd.Series([3, 5]), paired=True)
    assert change.df == 1 and change.estimate == 1.5
    assert change.effect_size is None and change.effect_size_low is None


def test_wrong_use_is_refused() -> None:
    good = pd.Series([1.0, 2.0])
    with pytest.raises(ValueError, match="a numeric column is needed"):
        before_after(good, pd.Series(["1", "2"]))
    with pytest.raises(ValueError, match=r"column .before. holds inf in row .*: finite numbers"):
        before_after(good * math.inf, good)
    with pytest.raises(ValueError, match="conf_level is 95: a share such as"):
        before_after(good, good, conf_level=95)


# --- goals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "target", "gain", "share", "met"),
    [
        (2.8, 3.7, 3.9, 0.9 / 1.1, 3.7 / 3.9, False),
        (2.8, 3.7, 3.7, 1.0, 1.0, True),
        (2.8, 4.0, 3.7, 1.2 / 0.9, 4.0 / 3.7, True),
        (2.8, 2.5, 3.7, -0.3 / 0.9, 2.5 / 3.7, False),
        (0.82, 0.1 + 0.2 + 0.6, 0.9, 1.0, 1.0, True),  # 0.8999999999999999
        (0.0, 0.5, 1.0, 0.5, 0.5, False),
    ],
)
def test_attainment(
    before: float, after: float, target: float, gain: float, share: float, met: bool
) -> None:
    goal = attainment(before, after, target)
    close([goal.estimate, goal.share_of_gain, goal.share_of_target], [gain, gain, share])
    assert goal.met is met
    assert (goal.before, goal.after, goal.target) == (before, after, target)
    assert goal.notes == () and goal.not_estimable is None and goal.n_used == 0


def test_a_goal_of_lowering() -> None:
    lowered = attainment(0.2, 0.12, 0.1)
    close(lowered.share_of_gain, 0.8)
    close(lowered.share_of_target, 1.2)
    assert lowered.met is False
    assert notes(lowered) == ["The target lies below the figure before: lower is taken as better."]
    assert attainment(0.2, 0.09, 0.1).met is True
    none_left = attainment(0.2, 0.1, 0)
    close(none_left.share_of_gain, 0.5)
    assert none_left.share_of_target is None and none_left.met is False


def test_attainment_without_a_gain_to_make() -> None:
    for after, met in ((4.1, True), (4.0, True), (3.9, False)):
        goal = attainment(4.0, after, 4.0)
        assert goal.estimate is None and goal.share_of_gain is None
        assert goal.met is met
        close(goal.share_of_target, after / 4)
        assert str(goal.not_estimable) == (
            "The target equals the figure before, so there was no gain to attain."
        )
    for before, after in ((None, 3.0), (3.0, math.nan)):
        goal = attainment(before, after, 4.0)
        assert str(goal.not_estimable) == "The figure before or after is not known."
        assert goal.met is None and goal.share_of_target is None
    with pytest.raises(ValueError, match="target is nan: a finite number is needed"):
        attainment(3.0, 3.5, math.nan)


def test_before_after_carries_the_goal() -> None:
    before, after = pd.Series([2, 3, 3, 4]), pd.Series([4, 4, 5, 3])
    change = before_after(before, after, target=4.5)
    close([change.share_of_gain, change.share_of_target], [1 / 1.5, 4 / 4.5])
    assert (change.target, change.met) == (4.5, False)
    assert before_after(before, after, target=2).met is False
    assert notes(before_after(before, after, target=2)) == [
        "The target lies below the figure before: lower is taken as better."
    ]
    still = before_after(before, after, target=3)
    assert still.met is True and still.share_of_gain is None and still.estimate == 1
    assert notes(still) == ["The target equals the figure before, so there was no gain to attain."]
    # the goal is judged even where the change is not
    assert before_after(before * 0 + 3, before * 0 + 4, target=4).met is True


# --- several columns --------------------------------------------------------------------------


@pytest.fixture
def waves(reference: Any) -> tuple[pd.DataFrame, ...]:
    blocks = {k: v for k, v in reference["bfi_gender"].items() if k != "source"}
    return tuple(
        pd.DataFrame(
            {k: with_moments(v["n"][i], v["means"][i], v["sds"][i], i) for k, v in blocks.items()}
        )
        for i in (0, 1)
    )


def test_every_column_with_holms_correction(reference: Any, waves: Any) -> None:
    comparison = compare_waves(*waves)
    table = comparison.table
    assert list(table.columns) == [
        "column",
        "before",
        "after",
        "estimate",
        "conf_low",
        "conf_high",
        "effect_size",
        "effect_size_low",
        "effect_size_high",
        "p_value",
        "p_holm",
        "n_before",
        "n_after",
        "detectable",
    ]
    close(table["p_holm"], list(reference["holm"]["bfi"].values()), 1e-8)
    for row in table.itertuples():
        expected = reference["bfi_gender"][row.column]
        close([row.before, row.after], expected["means"])
        close([-row.conf_high, -row.conf_low], expected["welch"]["ci95"])
        close(-row.effect_size, expected["hedges_g"]["g"])
        close([-row.effect_size_high, -row.effect_size_low], expected["hedges_g"]["ci95"], SEARCHED)
        close(-row.estimate, expected["means"][0] - expected["means"][1], 1e-8)
        close(row.p_value, expected["welch"]["p"])
        assert [row.n_before, row.n_after] == expected["n"]
    assert (comparison.n_used, comparison.n_dropped) == (2800, 0)
    assert (comparison.design, comparison.notes) == ("independent", ())
    assert comparison.estimate is None


def test_columns_of_one_wave_and_columns_that_cannot_be_compared() -> None:
    before = pd.DataFrame({"old": [1, 2, 3], "a": [1, 2, 3], "same": [4, 4, 4], "b": [2, 2, 3]})
    after = pd.DataFrame({"b": [3, 4, 4], "a": [2, 3, 3], "same": [4, 4, 4], "new": [1, 1, 2]})
    comparison = compare_waves(before, after)
    table = comparison.table.set_index("column")
    assert list(table.index) == ["a", "same", "b"]
    assert notes(comparison) == [
        "Asked in the wave before only: old.",
        "Asked in the wave after only: new.",
        "same: Nothing varies: all answers of a wave are the same.",
    ]
    assert table.loc["same", ["before", "n_before"]].tolist() == [4, 3]
    assert np.isnan(table.loc["same", "estimate"]) and np.isnan(table.loc["same", "p_holm"])
    p = sorted(table["p_value"].dropna())
    close(sorted(table["p_holm"].dropna()), [2 * p[0], max(2 * p[0], p[1])])  # a family of two


def test_equivalence_column_by_column() -> None:
    before = pd.DataFrame({"a": [1, 2, 3, 4, 5] * 40, "b": [3] * 200, "c": [2, 4] * 100})
    after = pd.DataFrame({"a": [1, 3, 3, 4, 4] * 40, "b": [3] * 200, "c": [3, 5] * 100})
    table = compare_waves(before, after, margin=0.3).table
    alone = equivalence(before["a"], after["a"], margin=0.3)
    close(table.loc[0, "p_equivalence"], alone.p_value)
    assert table["equivalent"].tolist() == [True, pd.NA, False]
    assert np.isnan(table.loc[1, "p_equivalence"])
    comparison = compare_waves(before, after, margin={"c": 2.0}, conf_level=0.9)
    assert comparison.table["equivalent"].tolist() == [pd.NA, pd.NA, True]
    assert notes(comparison)[-1] == (
        "Equivalence is tested column by column, each at the 10% level, without correction for "
        "their number."
    )
    assert "equivalent" not in compare_waves(before, after).table
    with pytest.raises(ValueError) as error:
        compare_waves(before, after, margin={"d": 2.0})
    assert str(error.value) == "margin names columns the waves do not share: d"


def test_a_panel_of_several_columns() -> None:
    before = pd.DataFrame({"a": [1, 2, 3, 5], "b": [2, None, 3, None]}, index=[4, 5, 6, 7])
    after = pd.DataFrame({"a": [5, 3, None, 3], "b": [4, 3, None, 5]}, index=[5, 4, 7, 9])
    comparison = compare_waves(before, after, paired=True)
    assert (comparison.n_used, comparison.n_dropped, comparison.design) == (2, 1, "panel")
    assert notes(comparison) == [
        "Customers in one wave only are left out of the panel: 1 before, 1 after.",
        "b: Too few answers to compare: 1 before and 1 after, where each wave needs 2.",
    ]
    row = comparison.table.iloc[0]
    assert (row["before"], row["after"], row["n_before"]) == (1.5, 4, 2)


def test_waves_without_a_common_column_and_wrong_use() -> None:
    a, b = pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": [1, 2]})
    comparison = compare_waves(a, b)
    assert str(comparison.not_estimable) == "The two waves have no column in common."
    assert comparison.table.empty and len(comparison.table.columns) == 14
    with pytest.raises(ValueError) as error:
        compare_waves(a, pd.concat([b, b], axis=1))
    assert str(error.value) == "after has columns ['b'] more than once: names must differ"


# --- difference in differences ----------------------------------------------------------------

PARALLEL = (
    "There are two periods only, so it cannot be checked whether both groups would have moved in "
    "parallel without the action."
)


@pytest.fixture
def branches(reference: Any) -> pd.DataFrame:
    return pd.DataFrame(reference["did"]["data"])


def _did(frame: pd.DataFrame, **options: Any) -> Any:
    return did(frame["outcome"], frame["treated"], frame["after"], **options)


def _compare_did(effect: Any, expected: Any) -> None:
    for name in ("estimate", "std_error", "statistic", "p_value", "df"):
        close(getattr(effect, name), expected[name])
    np.testing.assert_allclose([effect.conf_low, effect.conf_high], expected["ci"], atol=1e-12)


def test_did_with_hc2_errors(reference: Any, branches: pd.DataFrame) -> None:
    effect = _did(branches)
    _compare_did(effect, reference["did"]["hc2"])
    assert (effect.n_used, effect.n_dropped, effect.n_clusters) == (33, 0, None)
    assert notes(effect) == [PARALLEL]
    assert "HC2" in str(effect.method)
    table, cells = effect.table, reference["did"]["cells"]
    assert list(table["group"]) == ["treated", "treated", "control", "control"]
    assert list(table["period"]) == ["before", "after"] * 2
    for column in ("n", "mean", "std_error"):
        close(np.roll(table[column], 2), cells[column])
    qt = np.array([2.30600413520417, 2.36462425159278, 2.36462425159278, 2.36462425159278])
    reach = qt * cells["std_error"]  # R: qt(0.975, n - 1)
    close(np.roll(table["conf_low"], 2), np.array(cells["mean"]) - reach)
    close(np.roll(table["conf_high"], 2), np.array(cells["mean"]) + reach)


def test_did_with_clustered_errors(reference: Any, branches: pd.DataFrame) -> None:
    effect = _did(branches, cluster=branches["branch"].map("branch {}".format), inference="robust")
    _compare_did(effect, reference["did"]["cr1"])
    assert effect.n_clusters == 8
    assert notes(effect) == [
        PARALLEL,
        "There are 8 clusters; with fewer than 20 the interval tends to be too narrow.",
    ]
    each = _did(branches, cluster=pd.Series(range(33)))  # everybody a cluster: HC1
    assert each.n_clusters == 33 and notes(each) == [PARALLEL]


def test_did_algebra(branches: pd.DataFrame) -> None:
    effect = _did(branches)
    groups = did(branches["outcome"], 1 - branches["treated"], branches["after"])
    close(turned(groups, "conf_high", "estimate"), [effect.conf_low, effect.estimate])
    scaled = _did(branches.assign(outcome=25 * branches["outcome"] - 25)[::-1])
    close([scaled.estimate, scaled.std_error], [25 * effect.estimate, 25 * effect.std_error])
    close(scaled.p_value, effect.p_value)


def test_did_missing_values_and_types(branches: pd.DataFrame) -> None:
    gaps = pd.DataFrame(
        {
            "outcome": [None, 5, 5, 5],
            "treated": [1, None, 1, 1],
            "after": [1, 1, None, 1],
            "branch": [1, 1, 1, None],
        }
    )
    frame = pd.concat([branches, gaps], ignore_index=True)
    frame = frame.astype({"outcome": "Float64", "treated": "boolean", "after": "Int64"})
    for cluster in (frame["branch"].astype("Int64"), frame["branch"].astype("category")):
        effect = _did(frame, cluster=cluster)
        expected = _did(branches, cluster=branches["branch"])
        close([effect.estimate, effect.std_error], [expected.estimate, expected.std_error])
        assert (effect.n_used, effect.n_dropped, effect.n_clusters) == (33, 4, 8)


def test_did_names_the_cells_that_are_too_small(branches: pd.DataFrame) -> None:
    def reason(frame: pd.DataFrame, **options: Any) -> str:
        effect = _did(frame, **options)
        assert effect.estimate is None and effect.p_value is None
        return str(effect.not_estimable)

    cells = "treated before {}, treated after {}, control before {}, control after {}."
    answers = f"Each of the four cells needs at least two answers: {cells}"
    assert reason(branches[:-7]) == answers.format(8, 8, 9, 1)
    assert reason(branches[8:]) == answers.format(0, 8, 9, 8)
    assert reason(branches[:0]) == answers.format(0, 0, 0, 0)
    region = branches["branch"].clip(upper=5)
    assert reason(branches, cluster=region) == (
        f"Each of the four cells needs at least two clusters: {cells.format(4, 4, 1, 1)}"
    )
    flat = branches.assign(outcome=branches["treated"] + branches["after"])
    assert reason(flat) == "Nothing varies within the four cells."


def test_did_wrong_use(branches: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="treated holds 2: only 0, 1 and missing are allowed"):
        _did(branches.assign(treated=2))
    with pytest.raises(ValueError, match="after and outcome have different indexes"):
        did(branches["outcome"], branches["treated"], branches["after"][::-1])
    with pytest.raises(ValueError, match="cluster and outcome have different indexes"):
        _did(branches, cluster=branches["branch"][:-1])
    with pytest.raises(ValueError, match="a numeric column is needed"):
        _did(branches.assign(outcome="good"))


def test_results_are_plain_data(branches: pd.DataFrame, waves: Any) -> None:
    results: Sequence[Any] = (
        before_after(shares(3, 5), shares(4, 5), paired=True, target=0.9),
        compare_waves(*waves),
        _did(branches),
        attainment(2.8, 3.7, 4.0),
    )
    for result in results:
        assert json.loads(json.dumps(result.to_dict()))["method"] == str(result.method)
