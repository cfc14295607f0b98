"""Difference in differences with weights and few clusters, and trends before the action."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from references import oracle

from csat_stats.effects import did, pre_trends
from csat_stats.effects._randomisation import permute

REFERENCE = oracle("did")
PARALLEL = (
    "There are two periods only, so it cannot be checked whether both groups would have moved in "
    "parallel without the action."
)
T_TEST = ["estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"]


@pytest.fixture
def data() -> pd.DataFrame:
    return pd.DataFrame(REFERENCE["data"])


def of(frame: pd.DataFrame, **options: Any) -> Any:
    if options.pop("clustered", False):
        options["cluster"] = frame["branch"]
    if options.pop("weighted", False):
        options["weights"] = frame["weight"]
    return did(frame["outcome"], frame["treated"], frame["after"], **options)


def trend(frame: pd.DataFrame, start: Any = 4, **options: Any) -> Any:
    if options.pop("clustered", False):
        options["cluster"] = frame["branch"]
    if options.pop("weighted", False):
        options["weights"] = frame["weight"]
    return pre_trends(frame["outcome"], frame["treated"], frame["period"], start=start, **options)


def notes(result: Any) -> list[str]:
    return [str(note) for note in result.notes]


def branches(
    treated: int, control: int, *, seed: int = 1, gain: float = 0.0, answers: int = 4
) -> pd.DataFrame:
    """Answers of so many branches before and after, each branch with its own level and change."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        [
            (branch, int(branch < treated), after)
            for branch in range(treated + control)
            for after in (0, 1)
            for _ in range(answers)
        ],
        columns=["branch", "treated", "after"],
    )
    level = rng.normal(7, 1, treated + control)[frame["branch"]]
    moved = rng.normal(0, 0.5, treated + control)[frame["branch"]] * frame["after"]
    own = rng.normal(0, 1, len(frame)) + gain * frame["treated"] * frame["after"]
    return frame.assign(outcome=level + moved + own)


@pytest.mark.parametrize("case", ["hc2", "hc2_weighted", "cr1", "cr1_weighted"])
def test_errors_are_those_of_r(data: pd.DataFrame, case: str) -> None:
    weighted, clustered = case.endswith("weighted"), case.startswith("cr1")
    effect = of(data, weighted=weighted, clustered=clustered, inference="robust")
    expected = REFERENCE["did"][case]
    for name in T_TEST:
        assert_allclose(getattr(effect, name), expected[name], rtol=1e-9, err_msg=name)
    assert effect.inference == "robust"
    assert effect.n_permutations is None
    assert (effect.n_used, effect.n_dropped) == (len(data), 0)
    assert effect.n_clusters == (9 if clustered else None)
    assert ("weighted least squares" in str(effect.method)) == weighted
    assert ("CR1" in str(effect.method)) == clustered
    if weighted:
        assert_allclose(effect.n_effective, REFERENCE["did"]["n_effective"], rtol=1e-12)
        for column in ("mean", "std_error"):
            cells = REFERENCE["did"]["cells_weighted"][column]
            assert_allclose(effect.table[column], cells, rtol=1e-9)
    else:
        assert effect.n_effective is None


@pytest.mark.parametrize("weighted", [False, True])
def test_permutation_is_the_full_enumeration_of_r(data: pd.DataFrame, weighted: bool) -> None:
    expected = REFERENCE["permutation"]
    for delta, p in zip(
        expected["delta"], expected["p_weighted" if weighted else "p"], strict=True
    ):
        taken = data.assign(outcome=data["outcome"] - delta * data["treated"] * data["after"])
        effect = of(taken, weighted=weighted, clustered=True, inference="permutation")
        assert_allclose(effect.p_value, p, rtol=1e-12)
        assert (effect.inference, effect.n_permutations, effect.df) == ("permutation", 84, None)
        assert_allclose(effect.statistic, effect.estimate / effect.std_error, rtol=1e-12)
    whole = of(data, weighted=weighted, clustered=True, inference="permutation")
    low, high = whole.conf_low, whole.conf_high
    assert low < whole.estimate < high
    for end, out in ((low, -1e-6), (high, 1e-6)):  # all that is not rejected, and no more
        for step, kept in ((-out, True), (out, False)):
            taken = data["outcome"] - (end + step) * data["treated"] * data["after"]
            p = of(data.assign(outcome=taken), weighted=weighted, clustered=True).p_value
            assert (p > 0.05) == kept
    assert str(whole.method) == (
        "Difference in differences by least squares; p-value and interval by permuting the action "
        "over the clusters, by the t statistic with CR1 errors (all 84 assignments); rows with a "
        "missing value or without weight are left out."
    )


def test_what_auto_takes(data: pd.DataFrame) -> None:
    for few in (data, branches(5, 5), branches(5, 40, answers=2), branches(14, 15, answers=2)):
        asked = of(few, clustered=True, inference="permutation")
        assert of(few, clustered=True).to_dict() == asked.to_dict()
        assert (asked.inference, asked.df) == ("permutation", None)
    for many in (branches(15, 15), branches(6, 24)):
        robust = of(many, clustered=True, inference="robust")
        assert of(many, clustered=True).to_dict() == robust.to_dict()
        assert (robust.inference, robust.n_permutations) == ("robust", None)


def test_a_permutation_that_can_show_nothing_says_so() -> None:
    effect = of(branches(3, 3, gain=9), clustered=True, inference="permutation")
    assert (effect.n_permutations, effect.p_value) == (20, 0.1)
    robust = of(branches(3, 3, gain=9), clustered=True, inference="robust")
    assert (effect.conf_low, effect.conf_high) == (robust.conf_low, robust.conf_high)
    assert notes(effect) == [
        PARALLEL,
        "With 3 treated and 3 control clusters a permutation cannot give a p-value below 0.10, "
        "however large the change.",
        "The permutation sets no limits to the change at this level, so the interval is that of "
        "robust errors and tends to be too narrow.",
    ]
    wider = of(branches(3, 3, gain=9), clustered=True, inference="permutation", conf_level=0.85)
    assert wider.conf_low > 0
    assert notes(wider) == notes(effect)[:2]


def test_random_assignments() -> None:
    frame = branches(8, 8, gain=0.6)
    effect = of(frame, clustered=True)
    assert effect.to_dict() == of(frame, clustered=True, seed=0).to_dict()
    assert effect.n_permutations == 10_000
    assert "(10,000 assignments, all but one drawn with seed 0)" in str(effect.method)
    means = frame.groupby(["branch", "after"])["outcome"].mean().unstack()
    change = (means[1] - means[0]).to_numpy()  # with as many answers everywhere t follows these

    def t(chosen: tuple[int, ...]) -> float:
        had = np.isin(np.arange(16), chosen)
        x, y = change[had], change[~had]
        return abs(x.mean() - y.mean()) / np.sqrt(x.var() + y.var())

    every = np.array([t(chosen) for chosen in combinations(range(16), 8)])
    exact = (every >= t(tuple(range(8))) * (1 - 1e-9)).mean()
    assert abs(effect.p_value - exact) < 4 * np.sqrt(exact * (1 - exact) / 10_000)
    other = of(frame, clustered=True, seed=1).p_value
    assert other != effect.p_value


def test_a_cluster_of_one_period() -> None:
    """Assignments that would leave a cell with a single cluster are not compared."""
    frame = branches(3, 5)
    frame = frame[~(frame["branch"].isin((6, 7)) & (frame["after"] == 0))]  # opened later
    frame = frame[~((frame["branch"] == 0) & (frame["after"] == 1))]  # closed
    frame = frame.reset_index(drop=True)
    effect = of(frame, clustered=True, inference="permutation")
    t = []
    for chosen in combinations(range(8), 3):
        had = frame["branch"].isin(chosen).astype(int)
        each = did(frame["outcome"], had, frame["after"], cluster=frame["branch"])
        if each.estimate is not None:
            t.append(abs(each.statistic))
    assert len(t) == effect.n_permutations == 50
    assert_allclose(
        effect.p_value, np.mean(np.array(t) >= abs(effect.statistic) * (1 - 1e-9)), rtol=1e-12
    )


def test_clusters_in_both_groups_cannot_be_permuted(data: pd.DataFrame) -> None:
    mixed = data.assign(branch=data["branch"] % 4)
    effect = of(mixed, clustered=True, inference="permutation")
    robust = of(mixed, clustered=True, inference="robust")
    assert (effect.inference, effect.n_permutations) == ("robust", None)
    assert effect.p_value == robust.p_value
    assert notes(effect) == [
        *notes(robust),
        "Some clusters are in both groups, so the action cannot be permuted over the clusters: "
        "p-value and interval rest on robust errors.",
    ]
    assert notes(of(mixed, clustered=True)) == notes(robust)


def test_a_control_group_of_five_says_what_it_cannot_show() -> None:
    frame = branches(10, 10, gain=1)
    five = pd.concat([frame[frame["treated"] == 1], frame[frame["treated"] == 0].iloc[2:7]])
    effect = of(five)
    assert effect.estimate is not None and list(effect.table["n"]) == [40, 40, 2, 3]
    reach = (effect.conf_high - effect.conf_low) / 2
    least = reach * (1 + 0.8416212335729143 / 1.959963984540054)
    assert notes(effect) == [
        PARALLEL,
        "The control group has 5 answers only: a change beyond the control group's of less than "
        f"about {least:.2f} would probably not be noticed (power 80%).",
    ]
    effect = of(branches(20, 5), clustered=True)
    reach = (effect.conf_high - effect.conf_low) / 2
    least = reach * (1 + 0.8416212335729143 / 1.959963984540054)
    assert effect.inference == "permutation"
    assert notes(effect) == [
        PARALLEL,
        "The control group has 5 clusters only: a change beyond the control group's of less than "
        f"about {least:.2f} would probably not be noticed (power 80%).",
    ]


def test_weights(data: pd.DataFrame) -> None:
    for options in ({}, {"clustered": True}):
        plain = of(data, **options)
        same = of(data.assign(weight=0.3), weighted=True, **options)
        for name in (*T_TEST,):
            if getattr(plain, name) is not None:
                assert_allclose(getattr(same, name), getattr(plain, name), rtol=1e-9)
        weighted = of(data, weighted=True, **options)
        scaled = of(data.assign(weight=100 * data["weight"])[::-1], weighted=True, **options)
        assert_allclose(scaled.std_error, weighted.std_error, rtol=1e-12)
        assert_allclose(scaled.conf_low, weighted.conf_low, rtol=1e-9)
    more = pd.concat([data, data.head(3).assign(weight=[0, np.nan, 0], outcome=99)])
    left_out = of(more.reset_index(drop=True), weighted=True)
    assert (left_out.n_used, left_out.n_dropped) == (len(data), 3)
    assert left_out.estimate == pytest.approx(of(data, weighted=True).estimate, rel=1e-12)


@settings(max_examples=20)
@given(st.data())
def test_swapping_groups_turns_the_sign(draw: Any) -> None:
    treated, control = draw.draw(st.integers(2, 4)), draw.draw(st.integers(2, 4))
    frame = branches(treated, control, answers=2)
    frame["outcome"] = draw.draw(
        st.lists(st.integers(1, 5), min_size=len(frame), max_size=len(frame))
    )
    options = {"clustered": True, "inference": "permutation", "conf_level": 0.6}
    effect, turned = of(frame, **options), of(frame.assign(treated=1 - frame["treated"]), **options)
    if effect.estimate is None:
        assert str(turned.not_estimable) == str(effect.not_estimable)
        return
    assert 0 < effect.p_value <= 1
    assert_allclose(turned.p_value, effect.p_value, rtol=1e-9)
    assert_allclose(
        [turned.estimate, turned.conf_low, turned.conf_high],
        [-effect.estimate, -effect.conf_high, -effect.conf_low],
        rtol=1e-6,
        atol=1e-9,
    )
    shifted = of(frame.assign(outcome=10 * frame["outcome"] - 7)[::-1], **options)
    assert_allclose(shifted.p_value, effect.p_value, rtol=1e-9)
    assert_allclose(shifted.conf_high, 10 * effect.conf_high, rtol=1e-6, atol=1e-8)


def test_did_wrong_use(data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="inference is 'exact': auto, robust or permutation"):
        of(data, inference="exact")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="inference is 'permutation' without cluster: name who"):
        of(data, inference="permutation")
    with pytest.raises(ValueError, match="column 'weight' holds -1 in row 0, -1 in row 1"):
        of(data.assign(weight=-1), weighted=True)
    with pytest.raises(ValueError, match="there are 3 weights for"):
        of(data, weights=data["weight"][:3])


def test_intervals_hold_what_they_promise() -> None:
    """Coverage of the true change: 40 clusters by robust errors, 2 + 12 by permutation."""
    held = 0
    for seed in range(200):
        effect = of(branches(20, 20, seed=seed, gain=0.7), clustered=True)
        assert effect.inference == "robust" and effect.n_permutations is None
        held += effect.conf_low <= 0.7 <= effect.conf_high
    assert 0.92 <= held / 200 <= 0.98, f"20 + 20 clusters: {held / 200:.3f}"

    rng = np.random.default_rng(0)
    answers, had = np.full((2, 14), 4.0), (np.arange(14) < 2).astype(float)
    kept = 0
    for _ in range(1000):
        level, moved = rng.normal(7, 1, 14), rng.normal(0, 0.5, 14) + 0.7 * had
        sums = answers * [level, level + moved] + 2 * rng.normal(0, 1, (2, 14))
        kept += permute(answers, sums, answers > 0, had).p_value(0.7) > 0.05
    assert 0.93 <= kept / 1000 <= 0.97, f"2 + 12 clusters: {kept / 1000:.3f}"


@pytest.mark.parametrize("case", ["hc2", "hc2_weighted", "cr1", "cr1_weighted"])
def test_event_study_is_that_of_r(data: pd.DataFrame, case: str) -> None:
    clustered = case.startswith("cr1")
    result = trend(data, weighted=case.endswith("weighted"), clustered=clustered)
    expected = REFERENCE["pre_trends"][case]
    others = result.table[result.table["period"] != "3"]
    for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
        assert_allclose(others[name], expected[name], rtol=1e-9, err_msg=name)
    assert (others["df"] == expected["df"]).all()
    assert_allclose(others["statistic"], others["estimate"] / others["std_error"], rtol=1e-12)
    assert_allclose(expected["waldtest_F"], expected["wald"] / 2, rtol=1e-9)
    free = 7 if clustered else expected["df"]
    f = expected["wald"] / 2 * (7 / 8 if clustered else 1)
    assert (result.df, result.df_residual) == (2, free)
    assert_allclose(result.statistic, f, rtol=1e-9)
    assert_allclose(result.p_value, (1 + 2 * f / free) ** (-free / 2), rtol=1e-9)  # F(2, ·)
    assert_allclose(result.slope, expected["slope"], rtol=1e-9)
    assert_allclose(result.slope_std_error, expected["slope_std_error"], rtol=1e-9)
    reach = (others["conf_high"] - others["estimate"]) / others["std_error"]  # t quantile
    assert_allclose(result.conf_high, result.slope + reach.iloc[0] * result.slope_std_error)
    assert_allclose(result.conf_low, result.slope - reach.iloc[0] * result.slope_std_error)
    # the t test of the slope, by the equality that an event study of two periods must keep
    two = trend(data[data["period"].isin((2, 3, 4))], clustered=clustered)
    assert_allclose(two.slope, -two.table["estimate"].iloc[0], rtol=1e-9)
    assert_allclose(two.slope_p_value, two.p_value, rtol=1e-9)
    assert_allclose(two.slope_p_value, two.table["p_value"].iloc[0], rtol=1e-9)


def test_event_study_table_and_notes(data: pd.DataFrame) -> None:
    result = trend(data)
    table = result.table
    assert list(table) == [
        *("period", "time", "after", "estimate", "std_error", "conf_low", "conf_high"),
        *("statistic", "df", "p_value", "n"),
    ]
    assert list(table["period"]) == ["1", "2", "3", "4", "5"]
    assert list(table["time"]) == [-2, -1, 0, 1, 2]
    assert list(table["after"]) == [False, False, False, True, True]
    assert list(table["n"]) == data.groupby("period").size().tolist()
    reference = table.iloc[2]
    assert reference["estimate"] == 0
    assert reference[["std_error", "conf_low", "statistic", "p_value"]].isna().all()
    assert (result.reference, result.n_used, result.n_dropped) == ("3", len(data), 0)
    cells = data.groupby(["period", "treated"])["outcome"]
    shown = result.cells.sort_values(["time", "group"])
    assert_allclose(shown["mean"], cells.mean(), rtol=1e-12)
    assert_allclose(shown["std_error"], cells.sem(), rtol=1e-12)
    assert list(shown["n"]) == cells.size().tolist()
    furthest = max(abs(result.conf_low), abs(result.conf_high))
    assert_allclose(result.drift, 2 * furthest, rtol=1e-12)
    assert notes(result) == [
        "A test that finds nothing proves nothing: these answers do not rule out that the groups "
        f"drew apart by {furthest:.2f} per unit of time, {2 * furthest:.2f} from 3 to 5."
    ]
    assert str(result.method) == (
        "Event study of treated − control against the last period before the action, by ordinary "
        "least squares with HC2 errors, t intervals and a joint F test; rows with a missing value "
        "or without weight are left out."
    )
    earlier = trend(data[data["period"] < 4], start=6)
    assert_allclose(earlier.drift, 3 * max(abs(earlier.conf_low), abs(earlier.conf_high)))
    assert notes(earlier)[-1].endswith("from 3 to 6.")
    assert notes(trend(data, clustered=True))[-1] == (
        "The treated group has 3 clusters only: errors tend to be too small, so that the groups "
        "look less parallel than they are."
    )


def test_groups_that_drift_apart_are_found(data: pd.DataFrame) -> None:
    apart = data.assign(outcome=data["outcome"] + 3 * data["treated"] * data["period"])
    result = trend(apart)
    assert result.p_value < 0.001 and result.slope_p_value < 0.001
    assert_allclose(result.slope, trend(data).slope + 3, rtol=1e-9)
    assert "\n".join(notes(result)) == (
        "Before the action the groups did not move in parallel, so a difference in differences "
        "mixes that with what changed at the action."
    )


def test_periods_of_any_kind_with_distance(data: pd.DataFrame) -> None:
    quarters = pd.PeriodIndex(["2023Q1", "2023Q2", "2023Q4", "2024Q1", "2024Q2"], freq="Q")
    place = data["period"] - 1
    spaced = data.assign(period=place.map({0: 0, 1: 1, 2: 3, 3: 4, 4: 5}))
    expected = trend(spaced)
    kinds = {
        "2024Q1": pd.Series(quarters[place]),
        "2024-02-29": pd.Series(quarters.to_timestamp()[place]),
        "d": pd.Series(pd.Categorical.from_codes(spaced["period"], list("abxcde"), ordered=True)),
    }
    starts = {"2024Q1": "2024Q1", "2024-02-29": "2024-02-29", "d": "d"}
    for key, period in kinds.items():
        period.index = data.index
        result = trend(data.assign(period=period), start=starts[key])
        assert_allclose(result.slope, expected.slope, rtol=1e-12)
        assert_allclose(result.table["time"], [-3, -2, 0, 1, 2])
        assert_allclose(result.p_value, expected.p_value, rtol=1e-12)


def test_periods_that_cannot_be_compared_are_named(data: pd.DataFrame) -> None:
    gone = data[~((data["period"] == 3) & (data["treated"] == 0))]
    result = trend(gone)
    assert result.reference == "2"
    assert notes(result)[0] == ("Left out because a group has fewer than two answers in them: 3.")
    assert result.n_used == (data["period"] != 3).sum()
    assert result.n_dropped == len(gone) - result.n_used
    thin = data[~(data["period"].isin((2, 5)) & data["branch"].isin((2, 3)))]
    assert notes(trend(thin, clustered=True))[0] == (
        "Left out because a group has fewer than two clusters in them: 2, 5."
    )


def test_pre_trends_not_estimable(data: pd.DataFrame) -> None:
    def reason(frame: pd.DataFrame, start: Any = 4, **options: Any) -> str:
        result = trend(frame, start, **options)
        assert result.estimate is None and result.p_value is None and result.table.empty
        return str(result.not_estimable)

    one = "Parallel trends before the action cannot be checked with one period before it."
    none = "Parallel trends before the action cannot be checked without periods before it."
    assert reason(data, 2) == reason(data[data["period"].isin((3, 4))]) == one
    assert reason(data, 0) == reason(data[:0]) == none
    assert reason(data.assign(outcome=np.nan)) == none
    assert reason(data.assign(treated=1)) == none
    flat = "Nothing varies within the groups and periods before the action."
    assert reason(data.assign(outcome=3)) == flat
    assert reason(data.assign(outcome=3), clustered=True) == flat


def test_pre_trends_without_a_joint_test(data: pd.DataFrame) -> None:
    few = data[data["branch"].isin((1, 2, 4, 5))]
    few = few.assign(outcome=few["outcome"] + few.index % 3, period=few["period"] - 1)
    result = trend(few, start=4, clustered=True)
    assert result.slope is not None and result.statistic is None and result.p_value is None
    assert notes(result)[0] == (
        "There is no joint test of 3 periods: it takes more clusters, or answers that vary in "
        "each period."
    )


def test_pre_trends_wrong_use(data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="period and outcome have different indexes"):
        pre_trends(data["outcome"], data["treated"], data["period"][::-1], start=4)
    with pytest.raises(ValueError, match="a period is 'w1': numbers, dates, periods or an ordered"):
        trend(data.assign(period="w1"))
    with pytest.raises(ValueError, match="start is 'soon': a number like those of the periods"):
        trend(data, "soon")
    months = pd.Series(pd.PeriodIndex(["2024-01"] * len(data), freq="M"), index=data.index)
    with pytest.raises(ValueError, match="start is 'soon': a date or period is needed"):
        trend(data.assign(period=months), "soon")
    ordered = pd.Categorical(["a"] * len(data), ordered=True)
    with pytest.raises(ValueError, match="start is 'z': one of the categories of the periods"):
        trend(data.assign(period=ordered), "z")


def test_pre_trends_is_right_as_often_as_it_says() -> None:
    """Under parallel trends the joint test rejects in about 5% of 200 draws."""
    rejected = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        branch = np.repeat(np.arange(20), 15)
        period = np.tile(np.repeat(np.arange(5), 3), 20)
        level = rng.normal(0, 1, 20)[branch] + rng.normal(0, 0.5, (20, 5))[branch, period]
        outcome = pd.Series(level + 0.3 * period + rng.normal(0, 1, 300))
        result = pre_trends(
            outcome,
            pd.Series((branch < 10).astype(int)),
            pd.Series(period),
            start=4,
            cluster=pd.Series(branch),
        )
        rejected += result.p_value < 0.05
    assert 0.02 <= rejected / 200 <= 0.08 + 0.02, f"rejected in {rejected / 200:.3f}"
