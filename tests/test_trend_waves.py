"""One figure over waves against R, with the mix of customers held still, and its limits."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from csat_stats.effects import before_after
from csat_stats.satisfaction import mean_score, top_box
from csat_stats.trends import common_questions, wave_trend

TABLE = ["n", "estimate", "std_error", "conf_low", "conf_high", "adjusted", "adjusted_se"]
TABLE += ["adjusted_low", "adjusted_high", "n_effective"]
CHANGES = ["estimate", "conf_low", "conf_high", "p_value", "p_holm", "adjusted", "adjusted_low"]
CHANGES += ["adjusted_high", "adjusted_p", "adjusted_p_holm", "rate", "mix"]
TREND = ["estimate", "std_error", "conf_low", "conf_high", "statistic", "df", "p_value"]
CASES = {
    "mean_first": ("q", "first", False),
    "mean_weighted_pooled": ("q", "pooled", True),
    "share_last": ("b", "last", False),
    "share_weighted_first": ("b", "first", True),
}


@pytest.fixture(scope="module")
def reference(oracle):
    return oracle("trends_waves")


@pytest.fixture(params=["made", "airline"])
def studied(request, reference):
    """Waves t, strata s, weights w, scores q and shares b; and R's figures of them."""
    expected = reference[request.param]
    if request.param == "made":
        return pd.DataFrame(expected["data"]), expected
    raw = request.getfixturevalue("reference_data")("airline_sample")
    wave = pd.cut(raw["Age"], [-np.inf, 29, 39, 49, np.inf], labels=["w1", "w2", "w3", "w4"])
    frame = pd.DataFrame({"t": wave, "s1": raw["Type of Travel"], "s2": raw["Class"]})
    return frame.assign(
        q=raw["In-flight Wifi Service"].where(raw["In-flight Wifi Service"] > 0),
        b=raw["Satisfaction"] == "Satisfied",
        w=0.5 + raw["Flight Distance"] / 1000,
    ), expected


def compare(result, expected):
    for frame, columns in (("table", TABLE), ("changes", CHANGES), ("trend", TREND)):
        for column in columns:
            assert_allclose(
                getattr(result, frame)[column].to_numpy(dtype=float),
                np.array(expected[frame][column], dtype=float),
                rtol=1e-9,
                atol=1e-12,
                err_msg=f"{frame}: {column}",
            )
    assert list(result.table["period"]) == expected["table"]["period"]
    assert list(result.changes["from"]) == expected["changes"]["from"]
    assert list(result.changes["to"]) == expected["changes"]["to"]
    assert list(result.trend["figure"]) == ["unadjusted", "adjusted"]


def sentences(result):
    return [str(note) for note in result.notes]


def waves(*sizes):
    return pd.Series(np.repeat([f"w{k + 1}" for k in range(len(sizes))], sizes))


# --- against R -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", list(CASES))
def test_levels_changes_and_slopes_as_in_r(studied, case):
    frame, expected = studied
    column, standard, weighted = CASES[case]
    strata = frame[[name for name in ("s", "s1", "s2") if name in frame]]
    result = wave_trend(
        frame[column],
        frame["t"],
        strata=strata,
        standard=standard,
        weights=frame["w"] if weighted else None,
    )
    compare(result, expected[case])
    assert result.kind == ("mean" if column == "q" else "share")
    assert (result.notes, result.not_estimable) == ((), None)
    assert result.n_used + result.n_dropped == len(frame)
    assert result.n_dropped == frame[column].isna().sum()
    last = result.changes.iloc[-1]
    for name in ("estimate", "conf_low", "conf_high", "p_value", "adjusted", "adjusted_low"):
        assert getattr(result, name) == last[name]
    assert (result.adjusted_high, result.mix) == (last["adjusted_high"], last["mix"])
    assert result.adjusted_p == last["adjusted_p"]


@pytest.mark.parametrize(
    ("case", "column", "weighted"),
    [("missing_mean", "q", False), ("missing_share_weighted", "b", True)],
)
def test_a_stratum_that_a_wave_lacks_is_left_out_aloud(reference, case, column, weighted):
    frame = pd.DataFrame(reference["made"]["data"])
    w = frame["w"] if weighted else pd.Series(1.0, frame.index)
    first = w[frame["t"] == "w1"].groupby(frame["s"]).sum() / w[frame["t"] == "w1"].sum()
    frame = frame[(frame["t"] != "w2") | (frame["s"] != "c")]
    result = wave_trend(
        frame[column], frame["t"], strata=frame["s"], weights=frame["w"] if weighted else None
    )
    compare(result, reference["made"][case])
    n = int((frame["s"] == "c").sum())
    assert sentences(result) == [
        "Strata that some period has no answers in are left out of the adjustment: c; they hold "
        f"{100 * first['c']:.1f}% of the standard and {n} answers."
    ]
    standard = result.strata.loc[result.strata["period"] == "w1", "standard"]
    assert_allclose(standard, [*first[["a", "b"]] / first[["a", "b"]].sum(), 0], rtol=1e-12)


def test_unadjusted_figures_are_those_of_the_other_functions(reference):
    frame = pd.DataFrame(reference["made"]["data"])
    pair = frame[frame["t"].isin(["w1", "w2"])]
    for column, one in (("q", mean_score), ("b", lambda s, **o: top_box(s, satisfied_from=1, **o))):
        result = wave_trend(pair[column], pair["t"])
        parts = [part for _, part in pair.groupby("t")]
        change = before_after(*(part[column] for part in parts))
        for name in ("estimate", "conf_low", "conf_high", "p_value"):
            assert getattr(result, name) == pytest.approx(getattr(change, name), rel=1e-10)
        weighted = wave_trend(pair[column], pair["t"], weights=pair["w"])
        for row, part in zip(weighted.table.to_dict("records"), parts, strict=True):
            level = one(part[column], weights=part["w"])
            for name in ("estimate", "conf_low", "conf_high", "n_effective"):
                assert row[name] == pytest.approx(getattr(level, name), rel=1e-10)
        assert result.adjusted is None and result.mix is None
        assert result.table["adjusted"].isna().all() and result.strata.empty
        assert len(result.changes) == 1 and result.trend.empty


def test_a_given_standard_is_that_of_its_shares(reference):
    frame = pd.DataFrame(reference["made"]["data"])
    first = frame.loc[frame["t"] == "w1", "s"].value_counts()
    given = wave_trend(frame["q"], frame["t"], strata=frame["s"], standard=7 * first)
    taken = wave_trend(frame["q"], frame["t"], strata=frame["s"])
    pd.testing.assert_frame_equal(given.changes, taken.changes, rtol=1e-12)
    assert "adjusted to a given mix of customers; unweighted" in str(given.method)
    assert "adjusted to the mix of customers of the first wave; unweighted" in str(taken.method)
    more = pd.concat([first, pd.Series({"z": first.sum()})])
    partly = wave_trend(frame["q"], frame["t"], strata=frame["s"], standard=more)
    pd.testing.assert_frame_equal(partly.changes, taken.changes, rtol=1e-12)
    assert sentences(partly) == [
        "Strata that some period has no answers in are left out of the adjustment: z; they hold "
        "50.0% of the standard and 0 answers."
    ]
    pairs = frame[["s"]].assign(half="x")
    several = pd.Series(first.to_numpy(), pd.MultiIndex.from_product([first.index, ["x"]]))
    crossed = wave_trend(frame["q"], frame["t"], strata=pairs, standard=several)
    pd.testing.assert_frame_equal(crossed.changes, taken.changes, rtol=1e-12)
    assert list(crossed.strata["stratum"].unique()) == ["a × x", "b × x", "c × x"]


# --- the mix ---------------------------------------------------------------------------------


def test_a_change_that_is_all_mix():
    shops = pd.Series(["old"] * 6 + ["new"] * 2 + ["old"] * 2 + ["new"] * 6)
    answers = pd.Series([5, 4, 5, 4, 5, 4, 2, 3, 5, 4, 2, 3, 2, 3, 2, 3])
    result = wave_trend(answers, waves(8, 8), strata=shops)
    assert (result.estimate, result.mix, result.adjusted) == (-1, -1, 0)
    assert result.changes["rate"].item() == 0
    shares = result.strata.set_index(["period", "stratum"])["share"]
    assert shares["w1", "old"] == 0.75 and shares["w2", "old"] == 0.25


def test_a_stratum_that_one_of_two_waves_lacks_is_mix():
    answers, strata = pd.Series([4, 5, 4, 5, 1, 2]), pd.Series(["a", "a", "a", "a", "b", "b"])
    result = wave_trend(answers, waves(2, 4), strata=strata)
    assert result.estimate == pytest.approx(3 - 4.5)
    assert result.mix == pytest.approx(-0.5 * 4.5 + 0.5 * 1.5)
    assert result.changes["rate"].item() == pytest.approx(0, abs=1e-15)


@settings(max_examples=60)
@given(st.data())
def test_parts_add_up_and_one_stratum_changes_nothing(data):
    n = data.draw(st.integers(4, 30))
    column = lambda values: pd.Series(data.draw(st.lists(values, min_size=n, max_size=n)))  # noqa: E731
    shares = data.draw(st.booleans())
    answers = column(st.integers(0, 1) if shares else st.sampled_from([1, 2, 3, 4.5, None]))
    period, strata = column(st.integers(1, 4)), column(st.sampled_from("abc"))
    weights = data.draw(st.none() | st.just(column(st.sampled_from([0, 0.5, 1, 3]))))
    result = wave_trend(answers, period, strata=strata, weights=weights)
    if result.estimate is not None:
        rows = result.strata.set_index(["period", "stratum"])
        at = [rows.loc[wave] for wave in result.changes.iloc[-1][["from", "to"]]]
        total = [(part["share"] * part["estimate"]).sum() for part in at]
        assert result.estimate == pytest.approx(total[1] - total[0], abs=1e-12)
        assert result.conf_low <= result.estimate <= result.conf_high
    shown = result.changes[["adjusted_low", "adjusted", "adjusted_high"]].dropna().to_numpy()
    assert (np.diff(shown, axis=1) >= -1e-12).all()
    neighbours = result.changes.iloc[:-1] if len(result.changes) > 1 else result.changes
    for name in ("estimate", "adjusted"):
        assert_allclose(
            neighbours[name].sum(skipna=False),
            result.changes[name].iloc[-1:].sum(skipna=False),
            atol=1e-12,
        )
    order = np.random.default_rng(0).permutation(n)
    mixed = wave_trend(
        answers[order],
        period[order],
        strata=strata[order],
        weights=None if weights is None else 8 * weights[order],
    )
    for name in ("table", "changes", "trend"):
        pd.testing.assert_frame_equal(
            getattr(mixed, name), getattr(result, name), rtol=1e-7, atol=1e-10
        )
    same = wave_trend(answers, period, strata=pd.Series("all", answers.index), weights=weights)
    for name in ("estimate", "conf_low", "conf_high"):
        twin = name.replace("conf", "adjusted").replace("estimate", "adjusted")
        assert_allclose(same.table[twin], same.table[name], rtol=1e-10, atol=1e-12)
        assert_allclose(same.changes[twin], same.changes[name], rtol=1e-10, atol=1e-12)
    assert_allclose(same.changes["mix"], 0, atol=1e-12)
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("kind", ["mean", "share"])
def test_intervals_of_adjusted_changes_cover_the_truth(kind):
    """Three waves whose mix slides from one group of customers to another, 200 seeds."""
    shares = np.array([[0.6, 0.3, 0.1], [0.45, 0.3, 0.25], [0.3, 0.3, 0.4]])
    level = np.array([4.2, 3.6, 3.0]) if kind == "mean" else np.array([0.85, 0.7, 0.5])
    gain = np.array([0, 0.1, 0.15]) if kind == "mean" else np.array([0, 0.04, 0.08])
    standard = pd.Series([0.5, 0.3, 0.2])
    period = np.repeat([0, 1, 2], 150)
    hits, crude = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        strata = np.concatenate([rng.choice(3, 150, p=row) for row in shares])
        truth = level[strata] + gain[period]
        spread = np.array([0.7, 1.0, 1.3])[strata]
        noisy = rng.normal(truth, spread) if kind == "mean" else rng.random(450) < truth
        result = wave_trend(pd.Series(noisy), period, strata=pd.Series(strata), standard=standard)
        real = np.append(np.diff(gain), gain[2] - gain[0])
        limits = result.changes[["adjusted_low", "adjusted_high"]].to_numpy()
        hits.append((limits[:, 0] <= real) & (real <= limits[:, 1]))
        crude.append(result.conf_low <= real[2] <= result.conf_high)
    covered, unadjusted = np.mean(hits), np.mean(crude)
    assert 0.92 <= covered <= 0.98, f"{covered:.1%} of the intervals hold the true change"
    assert unadjusted < 0.85, f"the mix made no difference: {unadjusted:.1%} hold it unadjusted"


# --- periods ---------------------------------------------------------------------------------


def test_a_month_without_answers_keeps_its_row_and_its_distance():
    months = pd.Series(
        pd.PeriodIndex(["2024-01"] * 3 + ["2024-02"] * 3 + ["2024-05"] * 3, freq="M")
    )
    answers = pd.Series([1, 2, 3, 2, 3, 4, 5, 6, 7])
    result = wave_trend(answers, months)
    assert list(result.table["period"]) == [f"2024-0{k}" for k in range(1, 6)]
    assert list(result.table["n"]) == [3, 3, 0, 0, 3]
    assert result.table["estimate"].isna().tolist() == [False, False, True, True, False]
    assert sentences(result) == [
        "There are no answers in 2024-03, 2024-04: changes are between the periods that have some."
    ]
    assert result.changes[["from", "to"]].to_numpy().tolist() == [
        ["2024-01", "2024-02"],
        ["2024-02", "2024-05"],
        ["2024-01", "2024-05"],
    ]
    assert result.trend["estimate"].item() == pytest.approx(1)  # 2, 3, 6 in months 0, 1, 4


def test_an_ordered_categorical_gives_the_order_and_waves_without_rows():
    order = ["spring", "summer", "autumn", "winter"]
    season = pd.Series(["winter", "winter", "spring", "spring"])
    season = season.astype(pd.CategoricalDtype(order, ordered=True))
    result = wave_trend(pd.Series([5, 4, 2, 1]), season)
    assert list(result.table["period"]) == order
    assert result.estimate == 3
    assert sentences(result) == [
        "There are no answers in summer, autumn: changes are between the periods that have some."
    ]
    plain = wave_trend(pd.Series([5, 4, 2, 1]), season.astype(str).astype("category"))
    assert list(plain.table["period"]) == ["spring", "winter"]


def test_dates_and_indexes_are_periods():
    dates = pd.DatetimeIndex(["2024-03-01"] * 2 + ["2023-03-01"] * 2 + [None])
    result = wave_trend(pd.Series([5, 4, 2, 1, 3]), dates)
    assert list(result.table["period"]) == [pd.Timestamp("2023-03-01"), pd.Timestamp("2024-03-01")]
    assert (result.estimate, result.n_used, result.n_dropped) == (3, 4, 1)
    one = wave_trend(pd.Series([5, 4]), dates[:2])
    assert str(one.not_estimable) == (
        "There is only one wave with answers, 2024-03-01: a change needs two."
    )


def test_series_are_matched_by_their_labels():
    answers = pd.Series([1, 2, 4, 5], index=list("abcd"))
    period = pd.Series([2, 2, 1, 1], index=list("dcba"))
    assert wave_trend(answers, period, strata=pd.Series(0, index=list("badc"))).estimate == 3
    assert wave_trend(answers.iloc[[3, 0, 1, 2]], [2, 1, 1, 2]).estimate == 3  # a list by position


# --- what data cannot support ----------------------------------------------------------------


def test_one_wave_has_levels_and_no_change():
    result = wave_trend(pd.Series([4, 5, 3]), waves(3), strata=pd.Series(list("aab")))
    assert (
        str(result.not_estimable) == "There is only one wave with answers, w1: a change needs two."
    )
    assert (result.estimate, result.adjusted, result.mix) == (None, None, None)
    assert result.table["estimate"].tolist() == [4] and result.table["adjusted"].tolist() == [4]
    assert result.changes.empty and list(result.changes)[2:7] == CHANGES[:5]
    assert result.trend.empty and list(result.trend) == ["figure", *TREND]


@pytest.mark.parametrize("answers", [[], [None, None]])
def test_no_answers(answers):
    answers = pd.Series(answers, dtype="Int64")
    for strata in (None, pd.Series("a", answers.index)):
        result = wave_trend(answers, waves(len(answers)), strata=strata)
        assert str(result.not_estimable) == "There are no answers."
        assert (result.n_used, result.n_dropped, result.notes) == (0, len(answers), ())
        assert result.table["n"].sum() == 0 and result.changes.empty


def test_changes_without_an_interval():
    text = (
        "The change from w1 to w2 has no interval: one of them has a single answer, or neither "
        "has any spread."
    )
    for answers, sizes in (([3, 4, 5], (1, 2)), ([3.1] * 3 + [4.7] * 3, (3, 3))):
        result = wave_trend(pd.Series(answers), waves(*sizes))
        assert str(result.not_estimable) == text and result.estimate is None
        assert result.changes["estimate"].notna().all() and result.changes["p_value"].isna().all()
    single = wave_trend(pd.Series([1, 0, 1]), waves(1, 2))
    assert single.not_estimable is None and single.p_value is not None  # a share needs no spread


def test_a_stratum_with_one_answer_takes_the_spread_of_the_others():
    answers = pd.Series([4, 5, 3, 1, 4, 4, 5, 2, 3])
    strata = pd.Series(list("aaab") + list("aaabb"))
    result = wave_trend(answers, waves(4, 5), strata=strata)
    row = result.table.iloc[0]
    assert row["adjusted_se"] == pytest.approx(np.sqrt(0.75**2 / 3 + 0.25**2))  # s² = 1 within a
    assert sentences(result) == [
        "Strata with a single answer in a period, which take the variance within the other strata "
        "there: 1."
    ]
    alone = wave_trend(pd.Series([4, 5, 2, 3]), waves(2, 2), strata=pd.Series(list("abab")))
    assert alone.table["adjusted_se"].isna().all() and alone.adjusted_low is None
    assert alone.adjusted == pytest.approx(-2)


def test_waves_without_a_common_stratum():
    result = wave_trend(pd.Series([4, 5, 2, 3]), waves(2, 2), strata=pd.Series(list("aabb")))
    assert sentences(result) == [
        "No stratum of the standard has answers in every period: there is no adjustment."
    ]
    assert (result.estimate, result.adjusted, result.mix) == (-2, None, -2)


def test_shares_of_nought_and_one_have_intervals():
    result = wave_trend(
        pd.Series([0] * 30 + [1] * 30), waves(30, 30), strata=pd.Series([1, 2] * 30)
    )
    assert result.table["conf_low"].tolist() == result.table["adjusted_low"].tolist()
    assert result.table.loc[0, "conf_low"] == 0 and result.table.loc[1, "conf_high"] == 1
    assert result.table.loc[0, "adjusted_high"] > 0.05 and result.p_value < 1e-9
    apart = wave_trend(pd.Series([0, 1] * 30), waves(30, 30), strata=pd.Series([0, 1] * 30))
    assert apart.adjusted == 0 and apart.adjusted_high > 0.05  # no spread within the strata


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"values": pd.Series(list("xyzx"))}, "a numeric column is needed"),
        ({"period": pd.Series([1, 1])}, "there are 2 periods for 4 respondents"),
        (
            {"period": pd.Series([1, 1, 2, 2], index=[1, 2, 3, 9])},
            "the periods have other row labels than the answers",
        ),
        ({"period": pd.Series([1, 1, "b", b"c"])}, "an ordered Categorical is needed"),
        ({"standard": "second"}, "standard is 'second': first, pooled, last or shares are needed"),
        ({"standard": pd.Series({"a": 1.0})}, "standard has no share of b"),
        ({"standard": pd.Series({"a": 1.0, "b": -1})}, "-1 in row b: shares of 0 or more needed"),
        ({"standard": pd.Series({"a": 0, "b": 0})}, "one share for each stratum, and one above 0"),
        ({"standard": pd.Series({"a": 1}), "strata": None}, "the strata are needed too"),
        ({"weights": pd.Series([1, 1, 1, -1])}, "weights of 0 or more needed"),
        ({"conf_level": 95}, "conf_level is 95: a share such as 0.95 is needed"),
    ],
)
def test_wrong_use_is_refused(changed, text):
    arguments = {"values": pd.Series([1, 2, 3, 4]), "period": pd.Series([1, 1, 2, 2])}
    arguments |= {"strata": pd.Series(list("abab"))} | changed
    with pytest.raises(ValueError, match=text):
        wave_trend(**arguments)


# --- questionnaires --------------------------------------------------------------------------


def test_items_of_different_questionnaires():
    frame = pd.DataFrame({"speed": [1, 2], "price": [3, None], "manner": [None, None]})
    result = common_questions({"2023": ["speed", "manner", "speed"], "2024": frame})
    assert result.table.to_dict("list") == {
        "item": ["speed", "manner", "price"],
        "asked_in": ["2023, 2024", "2023", "2024"],
        "n_waves": [2, 1, 1],
        "comparable": [True, False, False],
    }
    assert [(wave, str(what)) for wave, what in result.changes] == [
        ("2024", "New questions: price."),
        ("2024", "Questions no longer asked: manner."),
    ]
    assert sentences(result) == [
        "The waves had different questionnaires: only the items asked in all of them are compared. "
        "Left out: manner, price."
    ]
    assert (result.n_used, result.n_dropped, result.not_estimable) == (1, 2, None)
    assert result.to_dict()["changes"][0] == ["2024", "New questions: price."]


def test_a_change_of_mode_is_marked_where_it_happened():
    asked = {"1": ["a"], "2": ["a"], "3": ["a"], "4": ["a"]}
    result = common_questions(asked, modes={"1": "telephone", "3": "online"})
    assert [(wave, str(what)) for wave, what in result.changes] == [
        ("3", "Asked in another way: online instead of telephone.")
    ]
    assert sentences(result) == [
        "The waves were not all asked in the same way: a change between them may come from that."
    ]
    assert common_questions(asked).notes == () == common_questions(asked).changes


@pytest.mark.parametrize(
    ("given_waves", "text"),
    [
        ({}, "There are no waves."),
        ({"2023": ["a"]}, "There is only one wave with answers, 2023: a change needs two."),
        ({"2023": ["a"], "2024": ["b"]}, "The waves have no question in common."),
    ],
)
def test_nothing_to_compare(given_waves, text):
    result = common_questions(given_waves)
    assert str(result.not_estimable) == text
    assert list(result.table) == ["item", "asked_in", "n_waves", "comparable"]


def test_wrong_waves_are_refused():
    with pytest.raises(ValueError, match="wave '1' has the items 'abc': a list of names is needed"):
        common_questions({"1": "abc"})
    with pytest.raises(ValueError, match="modes names '2': the waves are 1"):
        common_questions({"1": ["a"]}, modes={"2": "online"})
