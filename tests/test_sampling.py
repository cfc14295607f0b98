"""Sample size, allocation, fieldwork and weights against R, closed forms and full search."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from csat_stats.sampling import (
    allocate,
    design_effect,
    post_stratify,
    quota_fill,
    representativeness,
    sample_size_mean,
    sample_size_proportion,
)

EXACT = {"rtol": 1e-9, "atol": 0}


@pytest.fixture(scope="module")
def reference(oracle):
    return oracle("sampling")


def spread(values, counts):
    """One row per respondent from values and how often each occurs."""
    return np.repeat(np.asarray(values), np.asarray(list(counts)))


def frame_of(people, **columns):
    names = [chr(ord("A") + i) for i in range(len(people))]
    return pd.DataFrame({"region": names, "population": people, **columns})


def sentences(result):
    return [str(note) for note in result.notes]


class TestSampleSize:
    @pytest.mark.parametrize(
        ("population", "n"), [(None, 385), (500, 218), (2000, 323), (10000, 370)]
    )
    def test_published_sizes_for_five_points(self, reference, population, n):
        result = sample_size_proportion(population=population)
        exact = reference["sample_size"][str(population or "infinite")]
        assert result.estimate == result.completes == result.contacts == n == np.ceil(exact)
        assert (result.margin, result.conf_level, result.n_used) == (0.05, 0.95, 0)
        assert result.conf_low is None and result.notes == () and result.not_estimable is None

    def test_design_effect_and_response_rate(self):
        # 1.5 * 384.1459 = 576.2188; / (1 + 575.2188/2000) = 447.48
        result = sample_size_proportion(population=2000, design_effect=1.5, response_rate=0.5)
        assert (result.completes, result.contacts) == (448, 896)

    def test_mean_uses_the_divisor_of_a_sample_variance(self):
        # (1.959964 * 1.2 / 0.1)^2 = 553.170; / (1 + 553.170/300) = 194.51
        assert sample_size_mean(1.2, 0.1).completes == 554
        assert sample_size_mean(1.2, 0.1, population=300).completes == 195

    def test_a_census_is_never_exceeded(self):
        assert sample_size_proportion(margin=1e-6, population=40).completes == 40
        assert sample_size_mean(5, 1e-6, population=40).completes == 40
        assert sample_size_proportion(margin=0.9, population=1).completes == 1

    def test_contacts_are_not_inflated_by_floating_point(self):
        size = sample_size_mean(4.67, 1, response_rate=0.35)
        assert (size.completes, size.contacts) == (84, 240) and 84 / 0.35 > 240

    def test_says_when_the_frame_is_too_small_to_invite(self):
        result = sample_size_proportion(population=500, response_rate=0.2)
        assert sentences(result) == [
            "The frame has 500 people, fewer than the 1090 to be invited: the margin will not be"
            " reached at this response rate."
        ]

    def test_method_is_citable(self):
        assert str(sample_size_proportion(population=500, design_effect=1.2).method) == (
            "Sample size by Cochran (1977) for a margin of ±0.05 at 95% confidence, design effect"
            " 1.2, finite population of 500."
        )
        assert "no finite population correction" in str(sample_size_mean(1, 0.1).method)

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"p": 1}, "p is 1: a proportion between 0 and 1 is needed"),
            ({"margin": 5}, "margin is 5: a proportion between 0 and 1 is needed"),
            ({"conf_level": 95}, "conf_level is 95: a share such as 0.95 is needed"),
            ({"population": 0}, "population is 0: 1 or more, or None, is needed"),
            ({"design_effect": 0}, "design_effect is 0: a number above 0 is needed"),
            ({"response_rate": 40}, "response_rate is 40: a share such as 0.4 is needed"),
        ],
    )
    def test_refuses(self, arguments, text):
        with pytest.raises(ValueError, match=f"^{text}$"):
            sample_size_proportion(**arguments)

    def test_mean_refuses(self):
        with pytest.raises(ValueError, match=r"^sd is 0: a standard deviation above 0 is needed$"):
            sample_size_mean(0, 1)
        with pytest.raises(ValueError, match=r"^margin is 0: a half-width above 0 is needed$"):
            sample_size_mean(1, 0)


class TestAllocate:
    def test_proportional_by_largest_remainder(self):
        # exact 3.5, 3.1, 2.4, 1.0: floors 3, 3, 2, 1 and one more for the remainder .5
        result = allocate(frame_of([350, 310, 240, 100]), 10, by=["region"])
        assert list(result.table) == ["region", "population", "share", "planned"]
        assert result.table["planned"].tolist() == [4, 3, 2, 1]
        assert_allclose(result.table["share"], [0.35, 0.31, 0.24, 0.1], **EXACT)
        assert (result.estimate, result.n_used, result.n_dropped) == (10, 4, 0)
        assert str(result.method) == (
            "Proportional allocation over the strata, whole numbers by largest remainder."
        )

    def test_equal_remainders_go_to_the_larger_stratum(self):
        result = allocate(frame_of([100, 300]), 2, by=["region"])
        assert result.table["planned"].tolist() == [0, 2]
        assert sentences(result) == ["No interview is planned in A."]

    def test_neyman_is_the_optimum_of_all_plans(self):
        frame = frame_of([400, 300, 250], sd=[1.0, 2.0, 4.0])
        planned = allocate(frame, 20, by=["region"], method="neyman", sd="sd").table["planned"]

        def variance(plan):
            return sum((frame["population"] * frame["sd"]) ** 2 / np.array(plan))

        plans = [p for p in itertools.product(range(1, 19), repeat=3) if sum(p) == 20]
        assert planned.tolist() == list(min(plans, key=variance)) == [4, 6, 10]

    def test_minimum_and_capacity_move_interviews_to_the_others(self):
        result = allocate(frame_of([900, 80, 15, 5]), 100, by=["region"], minimum=10)
        assert result.table["planned"].tolist() == [75, 10, 10, 5]
        assert sentences(result) == [
            "Everybody is planned in D; any interviews these strata could not take went to the"
            " others."
        ]

    def test_equal_with_a_small_stratum(self):
        planned = allocate(frame_of([100, 4, 100]), 30, by=["region"], method="equal")
        assert planned.table["planned"].tolist() == [13, 4, 13]

    def test_strata_without_variance_are_filled_last(self):
        frame = frame_of([10, 50, 50], sd=[1.0, 0.0, 0.0])
        plan = allocate(frame, 50, by=["region"], method="neyman", sd="sd")
        assert plan.table["planned"].tolist() == [10, 20, 20]

    def test_neyman_without_any_variance_is_proportional(self):
        frame = frame_of([60, 40], sd=[0.0, 0.0])
        plan = allocate(frame, 10, by=["region"], method="neyman", sd="sd")
        assert plan.table["planned"].tolist() == [6, 4]
        assert "All standard deviations are 0: the allocation is proportional." in sentences(plan)

    def test_more_interviews_than_people_is_a_census(self):
        result = allocate(frame_of([3, 2]), 9, by=["region"])
        assert result.table["planned"].tolist() == [3, 2] and result.estimate == 5
        assert sentences(result) == [
            "The frame has 5 people for 9 interviews: all of them are planned."
        ]

    def test_rows_of_a_stratum_are_added_and_rows_without_one_are_counted(self):
        frame = pd.DataFrame(
            {
                "region": ["N", "S", "N", None],
                "tier": [1, 1, 1, 2],
                "people": pd.array([10, 20, 30, 99], dtype="Int64"),
            }
        )
        result = allocate(frame, 6, by=["region", "tier"], size="people")
        assert list(result.table) == ["region", "tier", "population", "share", "planned"]
        assert result.table["population"].tolist() == [40, 20]
        assert result.table["planned"].tolist() == [4, 2]
        assert (result.n_used, result.n_dropped) == (3, 1)
        assert sentences(result) == ["Rows of the frame left out because they have no stratum: 1."]

    def test_minimum_beyond_n_is_not_estimable(self):
        result = allocate(frame_of([50, 50, 50]), 20, by=["region"], minimum=10)
        assert str(result.not_estimable) == (
            "The minimum of 10 in each stratum takes 30 interviews, the plan has 20."
        )
        assert result.estimate is None and result.table["planned"].isna().all()

    @pytest.mark.parametrize("people", [[], [0, 0]])
    def test_an_empty_frame_is_not_estimable(self, people):
        frame = frame_of(people).astype({"population": "int64"})
        result = allocate(frame, 10, by=["region"])
        assert str(result.not_estimable) == "The frame has nobody in it."
        assert len(result.table) == len(people)

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"by": ["area"]}, r"columns \['area'\] are missing; the frame has \['region', .*"),
            ({"by": "region"}, "columns are given as 'region': a list of names is needed"),
            ({"by": []}, r"columns are given as \[\]: a list of names is needed"),
            ({"size": "region"}, "column 'region' holds text: numbers of 0 or more are needed"),
            ({"n": -1}, "n is -1: a number of 0 or more is needed"),
            ({"minimum": -1}, "minimum is -1: a number of 0 or more is needed"),
            (
                {"method": "optimal"},
                "method is 'optimal': 'proportional', 'equal' or 'neyman' is needed",
            ),
            (
                {"method": "neyman"},
                "sd is None: 'neyman' needs the column of standard deviations",
            ),
        ],
    )
    def test_refuses(self, arguments, text):
        with pytest.raises(ValueError, match=f"^{text}$"):
            allocate(frame_of([10, 20]), **{"n": 5, "by": ["region"], **arguments})

    @pytest.mark.parametrize(("size", "shown"), [(-5, "-5"), (np.nan, "nan"), (np.inf, "inf")])
    def test_refuses_sizes_that_are_no_counts(self, size, shown):
        text = f"column 'population' holds {shown} in row 1: numbers of 0 or more are needed"
        with pytest.raises(ValueError, match=text):
            allocate(frame_of([10.0, size]), 5, by=["region"])

    def test_refuses_to_add_up_standard_deviations(self):
        frame = pd.DataFrame({"region": ["N", "N"], "population": [5, 5], "sd": [1.0, 2.0]})
        with pytest.raises(ValueError, match="2 rows for 1 strata: 'neyman' needs one row"):
            allocate(frame, 4, by=["region"], method="neyman", sd="sd")

    @given(
        people=st.lists(st.integers(0, 400), min_size=1, max_size=12).filter(any),
        n=st.integers(0, 900),
        minimum=st.integers(0, 5),
        method=st.sampled_from(["proportional", "equal", "neyman"]),
        data=st.data(),
    )
    def test_every_plan_adds_up_within_its_bounds(self, people, n, minimum, method, data):
        deviations = st.lists(
            st.sampled_from([0.0, 1e-3, 0.5, 3.0]), min_size=len(people), max_size=len(people)
        )
        frame = frame_of(people, sd=data.draw(deviations))
        sd = "sd" if method == "neyman" else None
        result = allocate(frame, n, by=["region"], method=method, minimum=minimum, sd=sd)
        needed = sum(min(minimum, size) for size in people)
        if needed > min(n, sum(people)):
            assert result.estimate is None
            return
        planned = result.table["planned"].to_numpy()
        assert planned.sum() == result.estimate == min(n, sum(people))
        assert (planned <= people).all() and (planned >= np.minimum(minimum, people)).all()
        if method != "neyman":  # more people never means fewer interviews
            order = np.argsort(people, kind="stable")
            assert (np.diff(planned[order]) >= -1).all()

    @given(st.permutations(range(5)))
    def test_order_of_the_frame_does_not_matter(self, order):
        frame = frame_of([37, 101, 58, 240, 164])
        expected = allocate(frame, 53, by=["region"]).table.set_index("region")["planned"]
        shuffled = allocate(frame.iloc[list(order)], 53, by=["region"]).table
        pd.testing.assert_series_equal(
            shuffled.set_index("region")["planned"].sort_index(), expected
        )


class TestQuotaFill:
    plan = pd.DataFrame({"region": ["N", "S", "W"], "tier": [1, 1, 2], "planned": [10, 5, 0]})

    def responses(self):
        cells = [("N", 1)] * 6 + [("S", 1)] * 8 + [("E", 1)] * 2 + [("W", 2)] + [(None, 1)]
        return pd.DataFrame(cells, columns=["region", "tier"])

    def test_every_field(self):
        result = quota_fill(self.responses(), self.plan, by=["region", "tier"])
        assert result.estimate == 11 / 15  # 6 of 10, and 5 of 5 although 8 came
        assert (result.n_planned, result.n_unfilled, result.n_outside) == (15, 1, 2)
        assert (result.n_used, result.n_dropped) == (15, 1)
        assert list(result.table) == ["region", "tier", "planned", "achieved", "fill", "gap"]
        assert result.table["achieved"].tolist() == [6, 8, 1]
        assert result.table["gap"].tolist() == [4, -3, -1]
        assert_allclose(result.table["fill"], [0.6, 1.6, np.nan])
        assert sentences(result) == [
            "Responses left out because the frame or plan has nobody in E × 1: 2."
        ]
        assert str(result.method) == (
            "Share of the planned interviews achieved, over-filled strata counted as full;"
            " responses with a missing stratum are left out."
        )

    def test_takes_the_table_of_an_allocation_and_any_dtype_of_the_strata(self):
        plan = allocate(frame_of([60, 40]), 10, by=["region"]).table
        responses = pd.DataFrame({"region": pd.Categorical(["B", "A", "A"])})
        result = quota_fill(responses, plan, by=["region"])
        assert result.table["achieved"].tolist() == [2, 1] and result.estimate == 0.3
        tiers = pd.DataFrame({"tier": pd.array([1, 2, pd.NA], dtype="Int64")})
        plan = pd.DataFrame({"tier": [1.0, 2.0], "planned": [1, 1]})
        assert quota_fill(tiers, plan, by=["tier"]).estimate == 1

    def test_names_no_more_than_eight_unknown_cells(self):
        responses = pd.DataFrame({"region": list("abcdefghij"), "tier": 1})
        note = sentences(quota_fill(responses, self.plan, by=["region", "tier"]))[0]
        assert note.endswith("in a × 1; b × 1; c × 1; d × 1; e × 1; f × 1; g × 1; h × 1; …: 10.")

    def test_nobody_answered_is_nothing_reached(self):
        result = quota_fill(self.responses().iloc[:0], self.plan, by=["region", "tier"])
        assert (result.estimate, result.n_used, result.n_unfilled) == (0, 0, 2)

    @pytest.mark.parametrize("empty", [plan.iloc[:0], plan.assign(planned=0)])
    def test_an_empty_plan_is_not_estimable(self, empty):
        result = quota_fill(self.responses(), empty, by=["region", "tier"])
        assert result.estimate is None
        assert str(result.not_estimable) == "The plan has no interviews."

    def test_a_plan_that_could_not_be_made_stays_not_estimable(self):
        plan = allocate(frame_of([50, 50]), 5, by=["region"], minimum=10).table
        result = quota_fill(pd.DataFrame({"region": ["A"]}), plan, by=["region"])
        assert str(result.not_estimable) == "The plan has no interviews."


class TestRepresentativeness:
    @pytest.mark.parametrize("name", ["goodness_of_fit_help", "goodness_of_fit_small_expected"])
    def test_against_chisq_test(self, reference, name):
        expected = reference[name]
        frame = frame_of([round(1000 * p) for p in expected["p"]])
        responses = pd.DataFrame({"region": spread(frame["region"], expected["observed"])})
        result = representativeness(responses, frame, by=["region"])
        for field in ("statistic", "df", "p_value", "cohen_w"):
            assert_allclose(getattr(result, field), expected[field], err_msg=field, **EXACT)
        assert result.estimate == result.cohen_w
        assert_allclose(result.cramers_v, expected["cohen_w"] / 2, **EXACT)  # k − 1 = 4
        table = result.table
        assert list(table) == [
            "region", "n", "share_sample", "share_frame", "difference", "std_residual",
        ]  # fmt: skip
        assert table["n"].tolist() == expected["observed"]
        assert_allclose(table["std_residual"], expected["stdres"], **EXACT)
        assert_allclose(table["share_frame"], expected["p"], **EXACT)
        share = np.array(expected["observed"]) / 186
        assert_allclose(table["share_sample"], share, **EXACT)
        assert_allclose(table["difference"], share - expected["p"], rtol=1e-9, atol=1e-15)
        assert (result.n_used, result.n_dropped, result.n_outside) == (186, 0, 0)
        small = ["Fewer than 5 responses are expected in E: the p value is approximate."]
        assert sentences(result) == (small if min(expected["expected"]) < 5 else [])

    def test_against_chisq_test_on_the_airline_survey(self, reference, reference_data):
        expected = reference["goodness_of_fit_airline"]
        frame = pd.DataFrame({"Class": expected["levels"], "population": expected["p"]})
        result = representativeness(reference_data("airline_sample"), frame, by=["Class"])
        for field in ("statistic", "df", "p_value", "cohen_w"):
            assert_allclose(getattr(result, field), expected[field], err_msg=field, **EXACT)
        assert_allclose(result.table["std_residual"], expected["stdres"], **EXACT)

    def test_perfect_agreement(self):
        responses = pd.DataFrame({"region": ["A"] * 30 + ["B"] * 20})
        result = representativeness(responses, frame_of([300, 200]), by=["region"])
        assert (result.statistic, result.p_value, result.estimate) == (0, 1, 0)

    def test_respondents_where_nobody_should_be_are_named_and_left_out(self):
        responses = pd.DataFrame({"region": ["A"] * 12 + ["B"] * 8 + ["C"] * 3 + ["X", None]})
        result = representativeness(responses, frame_of([60, 40, 0]), by=["region"])
        assert (result.n_used, result.n_outside, result.n_dropped) == (20, 4, 1)
        assert result.table["region"].tolist() == ["A", "B"] and result.statistic == 0
        assert sentences(result) == [
            "Responses left out because the frame or plan has nobody in C; X: 4."
        ]

    def test_strata_nobody_answered_for_count(self):
        responses = pd.DataFrame({"region": ["A"] * 20})
        result = representativeness(responses, frame_of([50, 50]), by=["region"])
        assert_allclose([result.statistic, result.cohen_w, result.cramers_v], [20, 1, 1])

    @pytest.mark.parametrize(
        ("people", "n", "text"),
        [
            ([50, 50], 0, "There are no responses in the strata of the frame."),
            ([50, 0], 3, "The frame has a single stratum: there are no shares to compare."),
        ],
    )
    def test_not_estimable(self, people, n, text):
        responses = pd.DataFrame({"region": ["A"] * n}, dtype="str")
        result = representativeness(responses, frame_of(people), by=["region"])
        assert str(result.not_estimable) == text
        assert result.estimate is None and result.p_value is None


class TestPostStratify:
    def test_against_survey_without_the_data(self, reference):
        expected = reference["post_stratify_clus1"]
        margin = expected["margin"]
        frame = pd.DataFrame({"stype": list(margin), "population": list(margin.values())})
        responses = pd.DataFrame({"stype": spread(list(margin), expected["n"].values())})
        result = post_stratify(responses, frame, by=["stype"])
        per_stratum = {kind: margin[kind] / expected["n"][kind] for kind in margin}
        scale = sum(margin.values()) / 183
        assert_allclose(result.weights * scale, responses["stype"].map(per_stratum), **EXACT)
        assert_allclose(result.weights.mean(), 1, **EXACT)
        assert list(result.table) == ["stype", "population", "n", "weight"]
        assert result.table["n"].tolist() == list(expected["n"].values())
        assert_allclose(result.table["weight"] * scale, list(per_stratum.values()), **EXACT)
        assert_allclose(result.estimate, design_effect(result.weights).estimate, **EXACT)
        assert (result.n_used, result.n_dropped, result.n_outside) == (183, 0, 0)
        assert (result.n_empty, result.share_empty, result.notes) == (0, 0, ())

    def test_against_survey(self, reference, reference_data):
        expected = reference["post_stratify_clus1"]
        margin = expected["margin"]
        frame = pd.DataFrame({"stype": list(margin), "population": list(margin.values())})
        schools = reference_data("api_clus1")
        weights = post_stratify(schools, frame, by=["stype"]).weights
        scale = sum(margin.values()) / 183
        assert_allclose(weights[:10] * scale, expected["weights_first10"], **EXACT)
        mean = np.average(schools["api00"], weights=weights)
        assert_allclose(mean, expected["mean_api00"], **EXACT)

    def test_empty_missing_and_unknown_strata(self):
        responses = pd.DataFrame(
            {"region": ["A", None, "A", "X", "B"]}, index=["v", "w", "x", "y", "y"]
        )
        result = post_stratify(responses, frame_of([60, 30, 10]), by=["region"])
        assert list(result.weights.index) == list(responses.index)
        assert_allclose(result.weights, [1, np.nan, 1, np.nan, 1])
        assert_allclose(result.table["weight"], [1, 1, np.nan])
        assert (result.n_used, result.n_dropped, result.n_outside) == (3, 1, 1)
        assert (result.n_empty, result.share_empty) == (1, 0.1)
        assert sentences(result) == [
            "Responses left out because the frame or plan has nobody in X: 1.",
            "Nobody answered in C: the weights do not speak for 10.0% of the people.",
        ]
        assert result.to_dict()["weights"] == [1, None, 1, None, 1]

    def test_nobody_to_weight_is_not_estimable(self):
        responses = pd.DataFrame({"region": ["X", None]})
        result = post_stratify(responses, frame_of([5, 5]), by=["region"])
        assert str(result.not_estimable) == "There are no responses in the strata of the frame."
        assert result.estimate is None and result.weights.isna().all()

    @given(
        st.lists(st.tuples(st.integers(1, 500), st.integers(1, 20)), min_size=1, max_size=6),
        st.randoms(use_true_random=False),
    )
    def test_weighted_shares_are_those_of_the_frame(self, strata, random):
        people, counts = zip(*strata, strict=True)
        frame = frame_of(people)
        rows = spread(frame["region"], counts).tolist()
        random.shuffle(rows)
        responses = pd.DataFrame({"region": rows})
        weights = post_stratify(responses, frame, by=["region"]).weights
        shares = weights.groupby(responses["region"]).sum() / len(rows)
        assert_allclose(shares, np.array(people) / sum(people), rtol=1e-9)


class TestDesignEffect:
    @pytest.mark.parametrize("name", ["kish_api_strat", "kish_rake_clus1", "kish_rake_airline"])
    def test_against_weights_of_survey(self, reference, name):
        expected = reference[name]
        weights = spread(list(expected["weights"].values()), expected["n"].values())
        result = design_effect(pd.Series(weights))
        n = len(weights)
        assert_allclose(result.estimate, expected["deff"], **EXACT)
        n_effective = expected.get("neff", n / expected["deff"])
        assert_allclose(result.n_effective, n_effective, **EXACT)
        z = 1.959963984540054
        assert_allclose(result.margin_of_error, z * np.sqrt(0.25 / n_effective), **EXACT)
        assert_allclose(result.margin_unweighted, z * np.sqrt(0.25 / n), **EXACT)
        assert (result.n_used, result.n_dropped, result.p) == (n, 0, 0.5)

    def test_equal_weights_cost_nothing(self):
        result = design_effect(pd.Series([3, 3, pd.NA, 3, 3], dtype="Int64"), p=0.2, conf_level=0.9)
        assert (result.estimate, result.n_effective) == (1, 4)
        assert (result.n_used, result.n_dropped) == (4, 1)
        assert_allclose(result.margin_of_error, 1.6448536269514722 * 0.2, **EXACT)
        assert result.margin_of_error == result.margin_unweighted
        assert str(result.method) == (
            "Kish design effect nΣw²/(Σw)², margin of error for a proportion of 20% at 90%"
            " confidence; missing weights are left out."
        )

    def test_no_weights_is_not_estimable(self):
        for nothing in ([], [np.nan, np.nan], [None]):
            result = design_effect(pd.Series(nothing))
            assert str(result.not_estimable) == "There are no weights."
            assert result.n_used == 0 and result.n_effective is None

    @pytest.mark.parametrize(
        ("weights", "text"),
        [
            ([1, -2], "column 'weights' holds -2 in row 1: numbers of 0 or more are needed"),
            ([np.inf, 1], "column 'weights' holds inf in row 0: numbers of 0 or more are needed"),
            (["a", "b"], "column 'weights' holds text: numbers of 0 or more are needed"),
            ([0, 0], "the sum of the weights is 0: a sum above 0 is needed"),
        ],
    )
    def test_refuses(self, weights, text):
        with pytest.raises(ValueError, match=f"^{text}$"):
            design_effect(pd.Series(weights))

    @given(
        st.lists(st.floats(0.01, 100), min_size=1, max_size=40),
        st.floats(1e-150, 1e150),
    )
    def test_scale_and_order_do_not_matter_and_the_bounds_hold(self, weights, scale):
        deff = design_effect(pd.Series(weights)).estimate
        assert 1 - 1e-12 <= deff <= len(weights) * (1 + 1e-12)
        rescaled = design_effect(pd.Series(weights[::-1]) * scale).estimate
        assert_allclose(rescaled, deff, rtol=1e-9)
