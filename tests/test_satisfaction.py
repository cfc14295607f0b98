"""Shares, means, index and NPS against R, and the tables built on them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from csat_stats.satisfaction import (
    by_segment,
    dimension_scores,
    distribution,
    index_score,
    mean_score,
    nps,
    nps_difference,
    rank_dimensions,
    top_box,
)

EXACT = {"rtol": 1e-9, "atol": 0}
MOBI_SCALES = {"Image": 5, "Expectation": 3, "Quality": 7, "Value": 2, "Satisfaction": 3}
NOTHING = [
    pd.Series([], dtype="float64"),
    pd.Series([np.nan, np.nan]),
    pd.Series([pd.NA], dtype="Int64"),
    pd.Series([None, None], dtype="object"),
]


@pytest.fixture(scope="module")
def reference(oracle):
    return oracle("satisfaction")


def answers_of(counts, first=1):
    """The answers first, first + 1, … as often as counted."""
    return pd.Series(np.repeat(np.arange(first, first + len(counts)), counts))


def recommendations(detractors, passives, promoters):
    """Answers 0–10 with these numbers in the three groups, every answer of a group used."""
    groups = [(range(7), detractors), ((7, 8), passives), ((9, 10), promoters)]
    return pd.Series(np.concatenate([np.resize(np.array(a), n) for a, n in groups]))


def assert_interval(result, expected, **tolerance):
    actual = [result.conf_low, result.conf_high]
    assert_allclose(actual, expected, **(tolerance or EXACT))


def assert_close(actual, expected):
    """To 1e-9, and nearer to 0 than that where it is 0."""
    assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


@pytest.fixture(params=["made", "airline"])
def weighted(request, reference):
    """Answers q (1–5) and r (0–10), group g, weight w of a data set, and R's figures of them."""
    expected = reference[f"weighted_{request.param}"]
    if request.param == "made":
        return pd.DataFrame(expected["data"]), expected
    raw = request.getfixturevalue("reference_data")("airline_sample")
    clean = raw["Cleanliness"].where(raw["Cleanliness"] > 0)
    frame = pd.DataFrame({"q": clean, "r": (2 * raw["Cleanliness"] + raw["Seat Comfort"]) % 11})
    return frame.assign(g=raw["Class"], w=0.5 + raw["Flight Distance"] / 1000), expected


def sentences(result):
    return [str(note) for note in result.notes]


class TestTopBox:
    def test_every_item_of_the_airline_survey(self, reference):
        for name, expected in reference["airline_items"]["items"].items():
            result = top_box(answers_of(expected["counts"]), satisfied_from=4)
            top2 = expected["top2"]
            assert (result.n_satisfied, result.n_used) == (top2["k"], expected["n"]), name
            assert_allclose(result.estimate, top2["p"], **EXACT)
            assert_interval(result, top2["wilson95"])

    def test_satisfied_customers_and_a_ten_point_scale(self, reference):
        expected = reference["airline_satisfied"]
        yes = pd.Series([1] * expected["k"] + [0] * (expected["n"] - expected["k"]))
        assert_allclose(top_box(yes, 1).estimate, expected["p"], **EXACT)
        assert_interval(top_box(yes == 1, 1), expected["wilson95"])
        expected = reference["mobi_CUSA1"]
        result = top_box(answers_of(expected["counts"]), 9)
        assert_allclose(result.estimate, expected["top2"]["p"], **EXACT)
        assert_interval(result, expected["top2"]["wilson95"])

    def test_against_the_data(self, reference, reference_data):
        frame = reference_data("airline_sample")
        for name, expected in reference["airline_items"]["items"].items():
            column = frame[name].where(frame[name] > 0).astype("Int64")
            result = top_box(column, 4)
            assert (result.n_used, result.n_dropped) == (expected["n"], 2000 - expected["n"])
            assert result.n_satisfied == expected["top2"]["k"]

    def test_nobody_and_everybody(self):
        result = top_box(pd.Series([1, 2, 3]), 4)
        assert result.estimate == result.conf_low == 0 and 0 < result.conf_high < 1
        result = top_box(pd.Series([4, 5, 5]), 4)
        assert result.estimate == result.conf_high == 1 and 0 < result.conf_low < 1

    def test_method_and_level(self):
        result = top_box(pd.Series([5, 1]), 4, conf_level=0.9)
        assert (result.conf_level, result.satisfied_from) == (0.9, 4)
        assert str(result.method) == (
            "Share of answers of 4 or more with 90% Wilson interval; missing answers are left out."
        )

    @pytest.mark.parametrize("scores", NOTHING)
    def test_no_answers(self, scores):
        result = top_box(scores, 4)
        assert str(result.not_estimable) == "There are no answers."
        assert (result.estimate, result.n_used, result.n_dropped) == (None, 0, len(scores))

    @given(st.lists(st.integers(1, 5), min_size=1, max_size=60))
    def test_dissatisfied_is_the_mirror_image(self, values):
        scores = pd.Series(values)
        satisfied, others = top_box(scores, 4), top_box(6 - scores, 3)
        assert_allclose(satisfied.estimate, 1 - others.estimate, atol=1e-12)
        assert_interval(satisfied, [1 - others.conf_high, 1 - others.conf_low], rtol=0, atol=1e-12)
        assert satisfied.conf_low <= satisfied.estimate <= satisfied.conf_high


class TestMeanScore:
    def test_every_item_of_the_airline_survey(self, reference):
        for name, expected in reference["airline_items"]["items"].items():
            scores = answers_of(expected["counts"])
            result = mean_score(scores)
            figures = [result.estimate, result.std_dev, result.std_error]
            assert_allclose(
                figures, [expected["mean"], expected["sd"], expected["se"]], err_msg=name, **EXACT
            )
            assert_interval(result, expected["ci95"])
            assert_interval(mean_score(scores, conf_level=0.9), expected["ci90"])
            assert (result.n_used, result.n_dropped) == (expected["n"], 0)

    def test_missing_answers_of_any_dtype(self):
        for scores in (
            pd.Series([1, 2, None, 6]),
            pd.Series([1, 2, pd.NA, 6], dtype="Int64"),
            pd.Series([1, 2, None, 6], dtype="object"),
            pd.Series([1, 2, np.nan, 6], dtype="float32"),
        ):
            result = mean_score(scores)
            assert (result.estimate, result.n_used, result.n_dropped) == (3, 3, 1)
            assert_allclose([result.std_dev, result.std_error], [7**0.5, (7 / 3) ** 0.5], **EXACT)
        assert str(result.method) == (
            "Arithmetic mean with 95% t interval; missing answers are left out."
        )

    @pytest.mark.parametrize("scores", NOTHING)
    def test_no_answers(self, scores):
        result = mean_score(scores)
        assert str(result.not_estimable) == "There are no answers."
        assert result.estimate is None and result.std_error is None

    def test_one_answer_has_no_interval(self):
        result = mean_score(pd.Series([4, None]))
        assert (result.estimate, result.conf_low, result.std_error) == (4, None, None)
        assert sentences(result) == ["One answer only: there is no interval."]

    def test_constant_answers(self):
        result = mean_score(pd.Series([4] * 7))
        assert (result.conf_low, result.conf_high, result.std_dev) == (4, 4, 0)

    @pytest.mark.parametrize(
        ("values", "text"),
        [
            (["4", "5"], "column 'q1' holds '4': a numeric column is needed"),
            ([4, "good"], "column 'q1' holds 4: a numeric column is needed"),
            ([4, np.inf], "column 'q1' holds inf in row 1: finite numbers needed"),
        ],
    )
    def test_refuses(self, values, text):
        with pytest.raises(ValueError, match=f"^{text}$"):
            mean_score(pd.Series(values, name="q1"))

    @pytest.mark.parametrize("statistic", [mean_score, nps, partial(top_box, satisfied_from=9)])
    def test_refuses_a_level_in_percent(self, statistic):
        with pytest.raises(ValueError, match=r"^conf_level is 95: a share such as 0.95 is needed$"):
            statistic(pd.Series([9, 10]), conf_level=95)

    @given(
        st.lists(st.integers(1, 10), min_size=2, max_size=50),
        st.floats(-50, 50),
        st.floats(0.1, 10),
    )
    def test_shift_scale_and_order(self, values, shift, scale):
        scores = pd.Series(values, dtype="float64")
        result, moved = mean_score(scores), mean_score(shift + scale * scores[::-1])
        assert_allclose(moved.estimate, shift + scale * result.estimate, rtol=1e-9, atol=1e-9)
        expected = shift + scale * np.array([result.conf_low, result.conf_high])
        assert_interval(moved, expected, rtol=1e-9, atol=1e-9)


class TestIndexScore:
    @pytest.mark.parametrize("formula", ["range", "of_maximum"])
    def test_against_r(self, reference, formula):
        expected = reference["mobi_CUSA1"][f"index_{formula}"]
        scores = answers_of(reference["mobi_CUSA1"]["counts"])
        result = index_score(scores, low=1, high=10, formula=formula)
        assert_allclose(
            [result.estimate, result.std_dev, result.std_error],
            [expected["mean"], expected["sd"], expected["sd"] / 250**0.5],
            **EXACT,
        )
        assert_interval(result, expected["ci95"])
        assert (result.low, result.high, result.formula) == (1, 10, formula)

    def test_the_two_formulas_are_different_scales(self):
        scores = pd.Series([1, 5, None])
        assert index_score(scores, low=1, high=5).estimate == 50
        result = index_score(scores, low=1, high=5, formula="of_maximum")
        assert (result.estimate, result.n_used, result.n_dropped) == (60, 2, 1)
        assert str(result.method) == (
            "Each answer x mapped to 0–100 by (x − 0)/(5 − 0)·100, then arithmetic mean with 95% t"
            " interval; missing answers are left out."
        )

    def test_refuses(self):
        scores = pd.Series([99, 3, 0], index=["r1", "r2", "r3"], name="q1")
        text = "^column 'q1' holds 99 in row r1, 0 in row r3: answers from 1 to 5 needed$"
        with pytest.raises(ValueError, match=text):
            index_score(scores, low=1, high=5)
        text = "and 2 more: answers from 1 to 5 needed$"
        with pytest.raises(ValueError, match=text):
            index_score(pd.Series([9] * 7), low=1, high=5)
        with pytest.raises(ValueError, match=r"^formula is 'mean': 'range' or 'of_maximum'"):
            index_score(scores, low=1, high=5, formula="mean")
        with pytest.raises(ValueError, match=r"^low is 5 and high 1: low < high"):
            index_score(scores, low=5, high=1)
        with pytest.raises(ValueError, match=r"0 <= low for a share of the maximum"):
            index_score(scores, low=-3, high=3, formula="of_maximum")


class TestNps:
    def test_every_field_against_r(self, reference):
        expected = reference["nps"]
        counts = [expected[group] for group in ("detractors", "passives", "promoters")]
        scores = recommendations(*counts)
        result = nps(scores, interval="wald")
        assert_allclose(result.estimate, expected["nps"], **EXACT)
        assert_allclose(result.std_error, expected["se_wald_n"], **EXACT)
        assert_allclose(result.std_error, expected["se_trinomial"], **EXACT)
        assert_interval(result, expected["ci95_wald"])
        assert [result.detractors, result.passives, result.promoters] == counts
        shares = [result.share_promoters, result.share_detractors, result.share_passives]
        p, d = expected["p_promoters"], expected["p_detractors"]
        assert_allclose(shares, [p, d, 1 - p - d], **EXACT)
        assert (result.n_used, result.n_dropped) == (expected["n"], 0)
        adjusted = nps(scores)
        assert (adjusted.estimate, adjusted.std_error) == (result.estimate, result.std_error)
        assert_interval(adjusted, expected["mobi_adjusted"]["ci"])
        assert_interval(nps(scores, conf_level=0.9), expected["mobi_adjusted90"]["ci"])

    def test_methods_name_the_interval(self):
        scores = pd.Series([10, 8, 3, None])
        assert str(nps(scores).method) == (
            "Percentage of 9–10 less percentage of 0–6, with adjusted Wald interval at 95%;"
            " missing answers are left out."
        )
        assert "with Wald interval at 90%" in str(
            nps(scores, interval="wald", conf_level=0.9).method
        )
        assert (nps(scores).estimate, nps(scores).n_dropped) == (0, 1)

    @pytest.mark.parametrize(("score", "group"), list(enumerate("ddddddd..pp")))
    def test_group_of_every_answer(self, score, group):
        result = nps(pd.Series([score]))
        groups = {"p": result.promoters, ".": result.passives, "d": result.detractors}
        assert groups.pop(group) == 1 and not any(groups.values())

    def test_one_sided_answers(self):
        result = nps(pd.Series([10] * 12))
        assert result.estimate == result.conf_high == 100 and 0 < result.conf_low < 100
        one = nps(pd.Series([0]))
        assert one.estimate == one.conf_low == -100 and one.conf_high > -100
        result = nps(pd.Series([10] * 12), interval="wald")
        assert (result.conf_low, result.conf_high) == (100, 100)
        assert sentences(result) == [
            "All answers fall in one group: the Wald interval has no width."
        ]

    @pytest.mark.parametrize("scores", NOTHING)
    def test_no_answers(self, scores):
        result = nps(scores)
        assert str(result.not_estimable) == "There are no answers."
        assert (result.estimate, result.promoters, result.share_promoters) == (None, 0, None)

    @pytest.mark.parametrize("scale", [(1, 10), (1, 5), (0, 5)])
    def test_refuses_other_scales(self, scale):
        low, high = scale
        text = (
            f"^NPS refused: the question uses a scale of {low}–{high}, promoters and detractors"
            " are defined on 0–10 only$"
        )
        with pytest.raises(ValueError, match=text):
            nps(pd.Series([5]), low=low, high=high)

    def test_refuses_other_answers(self):
        text = (
            "^column 'q9' holds 11 in row 1, 8.5 in row 3, -1 in row 4:"
            " whole numbers from 0 to 10 needed$"
        )
        with pytest.raises(ValueError, match=text):
            nps(pd.Series([10, 11, None, 8.5, -1], name="q9"))
        text = r"^interval is 'score': one of \['adjusted_wald', 'wald'\] is needed$"
        with pytest.raises(ValueError, match=text):
            nps(pd.Series([10]), interval="score")

    @given(st.lists(st.integers(0, 40), min_size=3, max_size=3).filter(any))
    def test_swapping_promoters_and_detractors_changes_the_sign(self, counts):
        result, mirror = nps(recommendations(*counts)), nps(recommendations(*counts[::-1]))
        assert_allclose(mirror.estimate, -result.estimate)
        assert_interval(mirror, [-result.conf_high, -result.conf_low], rtol=1e-12, atol=1e-12)
        assert -100 <= result.conf_low <= result.estimate <= result.conf_high <= 100


class TestNpsDifference:
    @pytest.mark.parametrize("interval", ["adjusted", "wald"])
    def test_against_r(self, reference, interval):
        counts = [reference["nps"][group] for group in ("detractors", "passives", "promoters")]
        expected = reference["nps_difference"]
        a, b = recommendations(*counts), recommendations(*expected["other"])
        kind = {"adjusted": "adjusted_wald"}.get(interval, interval)
        result = nps_difference(a, b, interval=kind)
        expected = expected[interval]
        assert_allclose(result.estimate, 100 * (37 / 250 - 10 / 120), **EXACT)
        assert_allclose([result.nps_a, result.nps_b], [14.8, 100 / 12], **EXACT)
        assert_interval(result, expected["ci"])
        assert_allclose(
            [result.std_error, result.statistic, result.p_value],
            [expected["se"], expected["z"], expected["p"]],
            **EXACT,
        )
        assert (result.n_a, result.n_b, result.n_used, result.n_dropped) == (250, 120, 370, 0)
        swapped = nps_difference(b, a, interval=kind)
        assert swapped.estimate == -result.estimate and swapped.p_value == result.p_value
        assert_interval(swapped, [-result.conf_high, -result.conf_low])

    def test_the_same_answers_differ_by_nothing(self):
        scores = pd.Series([10, 9, 8, 2, None])
        result = nps_difference(scores, scores)
        assert (result.estimate, result.statistic, result.p_value) == (0, 0, 1)
        assert result.n_dropped == 2
        assert str(result.method) == (
            "Difference of two independent Net Promoter Scores with adjusted Wald interval at 95%"
            " and z test; missing answers are left out."
        )

    def test_one_sided_answers_without_adjustment(self):
        ten, zero = pd.Series([10, 10]), pd.Series([0, 0])
        result = nps_difference(ten, zero, interval="wald")
        assert (result.estimate, result.statistic, result.p_value) == (200, None, None)
        assert sentences(result) == [
            "All answers fall in one group: the Wald interval has no width."
        ]
        many = nps_difference(pd.concat([ten] * 9), pd.concat([zero] * 9))
        assert many.conf_high == many.estimate == 200 and 100 < many.conf_low < 200

    def test_one_empty_sample(self):
        result = nps_difference(pd.Series([10, 3]), pd.Series([np.nan]))
        assert str(result.not_estimable) == "There are no answers."
        assert (result.nps_a, result.nps_b, result.estimate) == (0, None, None)
        assert (result.n_a, result.n_b, result.n_dropped) == (2, 0, 1)


class TestDimensionScores:
    def test_against_r(self, reference, reference_data):
        frame = reference_data("ecsi_mobi")
        prefix = dict(zip(MOBI_SCALES, ["IMAG", "CUEX", "PERQ", "PERV", "CUSA"], strict=True))
        items = {
            scale: [f"{prefix[scale]}{i + 1}" for i in range(k)] for scale, k in MOBI_SCALES.items()
        }
        scores = dimension_scores(frame, items)
        assert list(scores) == list(MOBI_SCALES) and scores.index.equals(frame.index)
        for scale in MOBI_SCALES:
            assert_allclose(scores[scale].mean(), reference["mobi_scales"]["means"][scale], **EXACT)
            assert_allclose(scores[scale].std(), reference["mobi_scales"]["sd"][scale], **EXACT)

    def test_rule_for_missing_items(self):
        frame = pd.DataFrame(
            {
                "a": pd.array([5, 5, 5, pd.NA], dtype="Int64"),
                "b": [3, 3, None, None],
                "c": [1, None, None, None],
                "d": [3, None, None, None],
            },
            index=[7, 7, 8, 9],
        )
        four = {"x": list("abcd")}
        assert_allclose(dimension_scores(frame, four)["x"], [3, 4, np.nan, np.nan])
        assert_allclose(dimension_scores(frame, four, min_share=0.25)["x"], [3, 4, 5, np.nan])
        assert_allclose(
            dimension_scores(frame, four, min_share=1)["x"], [3, np.nan, np.nan, np.nan]
        )
        three = dimension_scores(frame, {"x": list("abc"), "y": ["a"]}, min_share=2 / 3)
        assert_allclose(three["x"], [3, 4, np.nan, np.nan])
        assert_allclose(three["y"], [5, 5, 5, np.nan])
        assert list(three.index) == [7, 7, 8, 9]

    def test_refuses(self):
        frame = pd.DataFrame({"a": [1]})
        text = r"^dimension 'x': columns \['b'\] are missing; name columns of the responses$"
        with pytest.raises(ValueError, match=text):
            dimension_scores(frame, {"x": ["a", "b"]})
        with pytest.raises(ValueError, match=r"^dimension 'x': it has no items; name columns"):
            dimension_scores(frame, {"x": []})
        with pytest.raises(ValueError, match=r"^min_share is 50: a share above 0 and at most 1"):
            dimension_scores(frame, {"x": ["a"]}, min_share=50)


class TestDistribution:
    def test_counts_of_the_airline_survey(self, reference):
        expected = reference["airline_items"]["items"]["Leg Room Service"]
        items = pd.DataFrame({"leg room": answers_of(expected["counts"]).reindex(range(2000))})
        result = distribution(items, range(1, 6))
        assert list(result.table) == ["item", "level", "n", "share", "base"]
        assert result.table["n"].tolist() == expected["counts"]
        assert_allclose(result.table["share"], np.array(expected["counts"]) / 1988, **EXACT)
        assert set(result.table["base"]) == {1988} and set(result.table["item"]) == {"leg room"}
        assert (result.n_used, result.n_dropped) == (1988, 12)

    def test_each_item_has_its_own_base(self):
        items = pd.DataFrame({"a": [1, 2, None], "b": [2, None, None], "c": [np.nan] * 3})
        result = distribution(items, [2, 1])
        assert result.table["level"].tolist() == [2, 1] * 3
        assert result.table["n"].tolist() == [1, 1, 1, 0, 0, 0]
        assert result.table["base"].tolist() == [2, 2, 1, 1, 0, 0]
        assert result.table["share"].isna().tolist() == [False] * 4 + [True] * 2
        assert (result.n_used, result.n_dropped) == (2, 1)
        assert str(result.method) == "Shares of the respondents who answered the item."

    def test_nothing_answered(self):
        result = distribution(pd.DataFrame({"a": [np.nan]}), [1, 2])
        assert str(result.not_estimable) == "There are no answers."
        assert str(distribution(pd.DataFrame(), [1]).not_estimable) == "There are no answers."

    def test_refuses_answers_off_the_scale(self):
        text = r"^column 'a' holds 99 in row 1: answers among \[1, 2\] needed$"
        with pytest.raises(ValueError, match=text):
            distribution(pd.DataFrame({"a": [1, 99]}), [1, 2])


class TestBySegment:
    satisfied = staticmethod(partial(top_box, satisfied_from=1))

    def test_airline_by_class(self, reference):
        levels = reference["airline_by_class"]["levels"]
        frame = pd.DataFrame(
            [(name, i < v["k"]) for name, v in levels.items() for i in range(v["n"])],
            columns=["class", "satisfied"],
        )
        result = by_segment(
            frame.sample(frac=1, random_state=1), "class", self.satisfied, "satisfied"
        )
        assert list(result.table) == ["level", "n", "estimate", "conf_low", "conf_high", "flag"]
        table = result.table.set_index("level").loc[list(levels)]
        assert table["n"].tolist() == [v["n"] for v in levels.values()]
        assert_allclose(table["estimate"], [v["p"] for v in levels.values()], **EXACT)
        intervals = [v["wilson95"] for v in levels.values()]
        assert_allclose(table[["conf_low", "conf_high"]], intervals, **EXACT)
        assert (table["flag"] == "").all() and result.notes == ()
        assert (result.n_used, result.n_dropped, result.conf_level) == (2000, 0, 0.95)
        assert str(result.method) == (
            "By group, rows without a group left out. Share of answers of 1 or more with 95%"
            " Wilson interval; missing answers are left out."
        )

    def test_against_the_data(self, reference, reference_data):
        frame = reference_data("airline_sample")
        frame["yes"] = frame["Satisfaction"] == "Satisfied"
        table = by_segment(frame, "Class", self.satisfied, "yes").table.set_index("level")
        for name, expected in reference["airline_by_class"]["levels"].items():
            assert_allclose(table.loc[name, "estimate"], expected["p"], **EXACT)

    def frame(self, sizes):
        return pd.DataFrame(
            {
                "shop": np.repeat(list(sizes), list(sizes.values())),
                "q1": np.resize([4.0, 5.0], sum(sizes.values())),
            }
        )

    def test_small_bases(self):
        frame = self.frame({"C": 30, "A": 29, "B": 11, "D": 9, "E": 10})
        frame.loc[[0, 70], "q1"] = np.nan  # one answer of C and one of D less
        result = by_segment(frame, "shop", partial(mean_score, conf_level=0.9), "q1")
        table = result.table
        assert table["level"].tolist() == list("CABDE")
        assert str(table["n"].dtype) == "Int64"
        assert table["n"].fillna(0).tolist() == [29, 29, 11, 0, 0]
        flags = ["caution", "caution", "caution", "suppressed", "suppressed"]
        assert table["flag"].tolist() == flags
        figures = table[["estimate", "conf_low", "conf_high"]].isna().all(axis=1)
        assert figures.tolist() == [False, False, False, True, True]
        assert sentences(result) == [
            "Groups withheld, because they have fewer than 10 answers or would give away one that"
            " has: 2.",
            "Groups with fewer than 30 answers, to be read with caution: 3.",
        ]
        assert (result.n_used, result.n_dropped, result.conf_level) == (87, 2, 0.9)
        open_table = by_segment(frame, "shop", mean_score, "q1", minimum_base=0, caution_base=0)
        assert set(open_table.table["flag"]) == {""}
        assert open_table.table["n"].tolist() == [29, 29, 11, 8, 10]

    def test_no_base_can_be_worked_out(self):
        frame = self.frame({"A": 40, "B": 12, "C": 3, "D": 30})
        frame.loc[40:44, "shop"] = None  # 5 of B
        result = by_segment(frame, "shop", mean_score, "q1")
        shown = result.table.dropna(subset="n")
        assert shown["level"].tolist() == ["A", "D"]
        assert result.n_used - shown["n"].sum() == 10

    def test_order_of_levels(self):
        frame = self.frame({"low": 3, "high": 3})
        tiers = pd.CategoricalDtype(["high", "middle", "low"], ordered=True)
        options = {"minimum_base": 1, "caution_base": 1}
        ordered = frame.assign(shop=frame["shop"].astype(tiers))
        table = by_segment(ordered, "shop", mean_score, "q1", **options).table
        assert table["level"].tolist() == ["high", "middle", "low"]
        assert table["n"].fillna(-1).tolist() == [3, -1, 3]
        assert table["flag"].tolist() == ["", "suppressed", ""]
        unordered = frame.assign(shop=frame["shop"].astype("category"))
        table = by_segment(unordered, "shop", mean_score, "q1", **options).table
        assert table["level"].tolist() == ["low", "high"]

    def test_every_statistic_is_that_of_the_group_alone(self):
        rng = np.random.default_rng(3)
        frame = pd.DataFrame({"g": rng.choice(list("abc"), 90), "x": rng.integers(1, 6, 90)})
        weights = pd.Series(rng.choice([0.5, 1, 2.5], 90))

        def median(scores, weights=None):
            return mean_score(scores.clip(2, 4), weights=weights)

        statistics = [
            mean_score,
            partial(top_box, satisfied_from=4, conf_level=0.9),
            partial(index_score, low=1, high=5, formula="of_maximum"),
            partial(nps, interval="wald"),
            nps,
            median,
        ]
        for statistic in statistics:
            for options in ({}, {"weights": weights}):
                table = by_segment(frame, "g", statistic, "x", **options).table.set_index("level")
                for level, rows in frame.groupby("g"):
                    own = {name: values[rows.index] for name, values in options.items()}
                    alone = statistic(rows["x"], **own)
                    assert table.loc[level, "n"] == alone.n_used
                    figures = [alone.estimate, alone.conf_low, alone.conf_high]
                    row = table.loc[level, ["estimate", "conf_low", "conf_high"]]
                    assert row.tolist() == figures

    def test_rows_without_a_group(self):
        frame = pd.DataFrame({"year": pd.array([1, pd.NA, 2], dtype="Int64"), "q1": [1.0, 2, 3]})
        result = by_segment(frame, "year", mean_score, "q1", minimum_base=1)
        assert result.table["level"].tolist() == [1, 2]
        assert result.table["estimate"].tolist() == [1, 3]
        assert result.table["conf_low"].isna().all()
        assert (result.n_used, result.n_dropped) == (2, 1)
        nothing = by_segment(frame.iloc[:0], "year", mean_score, "q1")
        assert str(nothing.not_estimable) == "There are no answers." and nothing.table.empty

    def test_refuses(self):
        frame = self.frame({"A": 1})
        text = r"^column 'area' is missing; the frame has \['shop', 'q1'\]$"
        with pytest.raises(ValueError, match=text):
            by_segment(frame, "area", mean_score, "q1")
        text = "^minimum_base is 50 and caution_base 30: 0 <= minimum_base <= caution_base"
        with pytest.raises(ValueError, match=text):
            by_segment(frame, "shop", mean_score, "q1", minimum_base=50)


class TestRankDimensions:
    def test_lowest_first(self, reference):
        items = reference["airline_items"]["items"]
        scores = pd.DataFrame({name: answers_of(v["counts"]) for name, v in items.items()})
        result = rank_dimensions(scores)
        assert list(result.table) == ["dimension", "n", "estimate", "conf_low", "conf_high"]
        ranked = sorted(items, key=lambda name: items[name]["mean"])
        assert result.table["dimension"].tolist() == ranked
        for column, key in [("n", "n"), ("estimate", "mean")]:
            assert_allclose(result.table[column], [items[name][key] for name in ranked], **EXACT)
        intervals = [items[name]["ci95"] for name in ranked]
        assert_allclose(result.table[["conf_low", "conf_high"]], intervals, **EXACT)
        assert (result.n_used, result.n_dropped) == (2000, 0)

    def test_ties_and_empty_dimensions(self):
        scores = pd.DataFrame({"d": [np.nan] * 3, "c": [2, 4, None], "b": [3, 3, None], "a": 1.0})
        result = rank_dimensions(scores.assign(a=[1, 1, None]), conf_level=0.9)
        assert result.table["dimension"].tolist() == ["a", "c", "b", "d"]
        assert result.table["n"].tolist() == [2, 2, 2, 0]
        assert (result.n_used, result.n_dropped, result.conf_level) == (2, 1, 0.9)
        assert str(result.method) == (
            "Arithmetic mean with 90% t interval; missing answers are left out."
        )

    def test_nothing_to_rank(self):
        for scores in (pd.DataFrame(), pd.DataFrame({"a": [np.nan]})):
            assert str(rank_dimensions(scores).not_estimable) == "There are no answers."


class TestWeights:
    def test_mean_index_and_share(self, weighted):
        frame, expected = weighted
        given = {"weights": frame["w"]}
        for result, of in [
            (mean_score(frame["q"], **given), expected["mean"]),
            (mean_score(frame["q"], conf_level=0.9, **given), expected["mean90"]),
            (index_score(frame["q"], low=1, high=5, **given), expected["index"]),
            (
                index_score(frame["q"], low=1, high=5, formula="of_maximum", **given),
                expected["of_maximum"],
            ),
        ]:
            figures = [result.estimate, result.std_error, result.std_dev, result.n_effective]
            assert_close(figures, [of["mean"], of["se"], of["sd"], of["neff"]])
            assert_interval(result, of["ci"])
            assert (result.n_used, result.n_dropped) == (of["n"], len(frame) - of["n"])
        result, of = top_box(frame["q"], 4, **given), expected["top2"]
        assert result.n_satisfied == of["k"] and result.n_used == expected["mean"]["n"]
        assert_close([result.estimate, result.n_effective], [of["p"], expected["mean"]["neff"]])
        assert_interval(result, of["ci"])

    def test_nps(self, weighted):
        frame, expected = weighted
        of = expected["nps"]
        for interval, limits in (("wald", of["wald"]), ("adjusted_wald", of["adjusted"])):
            result = nps(frame["r"], weights=frame["w"], interval=interval)
            assert [result.detractors, result.passives, result.promoters] == of["counts"]
            shares = [result.share_detractors, result.share_passives, result.share_promoters]
            assert_close(shares, of["shares"])
            figures = [result.estimate, result.std_error, result.n_effective]
            assert_close(figures, [of["nps"], of["se"], of["neff"]])
            assert_interval(result, limits)

    @pytest.mark.parametrize("interval", ["wald", "adjusted"])
    def test_nps_difference(self, weighted, interval):
        frame, expected = weighted
        first = frame["g"] == frame["g"].iloc[0]
        a, b = frame[first], frame[~first]
        result = nps_difference(
            a["r"],
            b["r"],
            weights_a=a["w"],
            weights_b=b["w"],
            interval="wald" if interval == "wald" else "adjusted_wald",
        )
        of = expected["nps_difference"][interval]
        assert_close([result.nps_a, result.nps_b], [expected[f"nps_{x}"]["nps"] for x in "ab"])
        assert_close([result.std_error], [of["se"]])
        assert_interval(result, of["ci"])
        z = of.get("z", (result.nps_a - result.nps_b) / of["se"])
        assert_close([result.statistic, result.p_value], [z, 2 * stats.norm.sf(abs(z))])
        assert result.n_used == sum(expected["nps"]["counts"])

    def test_distribution_and_dimensions(self, weighted):
        frame, expected = weighted
        result = distribution(frame[["q"]], range(1, 6), weights=frame["w"])
        assert_close(result.table["share"], expected["distribution"])
        counted = frame["q"][frame["w"] > 0]
        assert result.table["n"].tolist() == [(counted == x).sum() for x in range(1, 6)]
        assert set(result.table["base"]) == {expected["mean"]["n"]} == {result.n_used}
        result = rank_dimensions(frame[["q", "r"]], weights=frame["w"])
        row = result.table.set_index("dimension").loc["q"]
        assert_close(
            row[["estimate", "conf_low", "conf_high"]].tolist(),
            [expected["mean"]["mean"], *expected["mean"]["ci"]],
        )
        assert row["n"] == expected["mean"]["n"]

    def test_by_segment(self, weighted):
        frame, expected = weighted
        groups = expected["by_group"]
        for statistic in (mean_score, partial(top_box, satisfied_from=4)):
            table = by_segment(frame, "g", statistic, "q", weights=frame["w"]).table
            table = table.set_index("level").loc[list(groups)]
            assert table["n"].tolist() == [group["n"] for group in groups.values()]
            of = [
                (g["mean"], *g["ci"])
                if statistic is mean_score
                else (g["top"]["p"], *g["top"]["ci"])
                for g in groups.values()
            ]
            assert_close(table[["estimate", "conf_low", "conf_high"]].to_numpy(), of)

    def test_scale_order_and_labels_of_the_weights_do_not_matter(self):
        rng = np.random.default_rng(2)
        scores = pd.Series(rng.integers(0, 11, 60), index=rng.permutation(60))
        weights = pd.Series(rng.exponential(size=60), index=scores.index)
        for statistic in (mean_score, nps, partial(top_box, satisfied_from=9)):
            result = statistic(scores, weights=weights)
            moved = statistic(scores[::-1], weights=1000 * weights.sort_values())
            assert_close(
                [moved.estimate, moved.conf_low, moved.conf_high, moved.n_effective],
                [result.estimate, result.conf_low, result.conf_high, result.n_effective],
            )

    @given(st.lists(st.integers(0, 10), min_size=2, max_size=40), st.floats(0.1, 10))
    def test_equal_weights_are_no_weights(self, values, weight):
        scores, weights = pd.Series(values), pd.Series(weight, index=range(len(values)))
        for statistic in (mean_score, nps, partial(top_box, satisfied_from=9)):
            plain, same = statistic(scores), statistic(scores, weights=weights)
            assert_allclose(same.estimate, plain.estimate, rtol=1e-9, atol=1e-9)
            assert_interval(same, [plain.conf_low, plain.conf_high], rtol=1e-8, atol=1e-8)
            assert_allclose(same.n_effective, len(values))
            assert plain.n_effective is None

    def test_without_a_weight_a_respondent_is_left_out(self):
        scores = pd.Series([1, 2, 9, None, 10, 10])
        weights = pd.Series([0, None, 2, 5, 1, 1])
        for statistic in (mean_score, nps, partial(top_box, satisfied_from=9)):
            result = statistic(scores, weights=weights)
            assert (result.n_used, result.n_dropped) == (3, 3)
            assert str(result.method).endswith(
                "respondents without an answer or a weight are left out."
            )
        assert mean_score(scores, weights=weights).estimate == 9.5
        result = distribution(scores.to_frame("q"), [1, 2, 9, 10], weights=weights)
        assert result.table["share"].tolist() == [0, 0, 0.5, 0.5]
        assert (result.n_used, result.n_dropped, set(result.table["base"])) == (3, 3, {3})
        nobody = pd.Series([0.0] * 6)
        for statistic in (mean_score, nps, partial(top_box, satisfied_from=9)):
            result = statistic(scores, weights=nobody)
            assert str(result.not_estimable) == "There are no answers."
            assert (result.n_used, result.n_dropped) == (0, 6)
        result = distribution(scores.to_frame("q"), [1, 2, 9, 10], weights=nobody)
        assert str(result.not_estimable) == "There are no answers."
        assert result.table["share"].isna().all()

    def test_one_answer_and_constant_answers(self):
        one = mean_score(pd.Series([4, 2]), weights=pd.Series([3, 0]))
        assert (one.estimate, one.conf_low, one.n_effective) == (4, None, 1)
        assert sentences(one) == ["One answer only: there is no interval."]
        one = nps(pd.Series([10]), weights=pd.Series([3.0]), interval="wald")
        assert (one.estimate, one.std_error, one.conf_low, one.conf_high) == (100, 0, 100, 100)
        weights = pd.Series([0.1, 0.7, 0.3, 1.9])
        constant = mean_score(pd.Series([11 / 3] * 4), weights=weights)
        assert constant.estimate == constant.conf_low == constant.conf_high == 11 / 3
        everyone = top_box(pd.Series([5] * 4), 4, weights=weights)
        assert everyone.estimate == everyone.conf_high == 1 and 0 < everyone.conf_low < 1
        nobody = top_box(pd.Series([1] * 4), 4, weights=weights)
        assert nobody.estimate == nobody.conf_low == 0 and 0 < nobody.conf_high < 1

    def test_methods(self):
        scores, weights = pd.Series([9, 5]), pd.Series([1, 2])
        tail = "; respondents without an answer or a weight are left out."
        mean = "weighted mean with 95% t interval, standard error by Taylor linearisation" + tail
        score = "Weighted percentage of 9–10 less that of 0–6, with "
        error = "interval at 95% and standard error by Taylor linearisation" + tail
        for result, text in [
            (mean_score(scores, weights=weights), "W" + mean[1:]),
            (
                index_score(scores, low=0, high=10, weights=weights),
                "Each answer x mapped to 0–100 by (x − 0)/(10 − 0)·100, then " + mean,
            ),
            (
                top_box(scores, 9, weights=weights),
                "Weighted share of answers of 9 or more with 95% Wilson interval on Kish's"
                " effective n" + tail,
            ),
            (nps(scores, weights=weights, interval="wald"), score + "Wald " + error),
            (
                nps(scores, weights=weights),
                score + "adjusted Wald (on Kish's effective n) " + error,
            ),
            (
                nps_difference(scores, scores, weights_b=weights, interval="wald"),
                "Difference of two independent weighted Net Promoter Scores with Wald interval at"
                " 95% and z test" + tail,
            ),
            (
                distribution(scores.to_frame("q"), [5, 9], weights=weights),
                "Weighted shares of the respondents who answered the item and have a weight;"
                " n counts respondents.",
            ),
        ]:
            assert str(result.method) == text

    def test_refuses(self):
        scores = pd.Series([9, 5])
        text = "^column 'w' holds -1 in row 1: weights of 0 or more needed$"
        with pytest.raises(ValueError, match=text):
            mean_score(scores, weights=pd.Series([1, -1], name="w"))
        with pytest.raises(ValueError, match=r"^there are 3 weights for 2 respondents$"):
            nps(scores, weights=pd.Series([1, 1, 1]))


def test_results_become_plain_python():
    scores = pd.Series([10, 3, None])
    frame = pd.DataFrame({"shop": ["A", "A", "B"], "q9": scores})
    for result in (
        nps(scores),
        nps_difference(scores, scores),
        distribution(frame[["q9"]], range(11)),
        by_segment(frame, "shop", nps, "q9"),
    ):
        plain = result.to_dict()
        assert plain["n_used"] in (2, 4) and isinstance(plain["method"], str)
