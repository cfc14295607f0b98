"""Planning, fieldwork and weights against R, closed forms and full search."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from csat_stats.sampling import (
    allocate,
    call_back,
    design_effect,
    expected_precision,
    nonresponse_by_stratum,
    post_stratify,
    power_for_target,
    quota_fill,
    representativeness,
    response_rates,
    sample_size_for_change,
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
            ({"size": "region"}, "column 'region' holds 'A': a numeric column is needed"),
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

    @pytest.mark.parametrize(
        ("size", "text"),
        [
            (-5, "-5 in row 1: numbers of 0 or more needed"),
            (np.nan, "nan in row 1: numbers of 0 or more needed"),
            (np.inf, "inf in row 1: finite numbers needed"),
        ],
    )
    def test_refuses_sizes_that_are_no_counts(self, size, text):
        text = f"^column 'population' holds {text}$"
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
            " confidence; respondents with weight 0 or none are left out."
        )

    def test_no_weights_is_not_estimable(self):
        for nothing in ([], [np.nan, np.nan], [None], [0, 0]):
            result = design_effect(pd.Series(nothing))
            assert str(result.not_estimable) == "There are no weights."
            assert result.n_used == 0 and result.n_effective is None

    @pytest.mark.parametrize(
        ("weights", "text"),
        [
            ([1, -2], "column 'weights' holds -2 in row 1: weights of 0 or more needed"),
            ([np.inf, 1], "column 'weights' holds inf in row 0: finite numbers needed"),
            (["a", "b"], "column 'weights' holds 'a': a numeric column is needed"),
        ],
    )
    def test_refuses(self, weights, text):
        with pytest.raises(ValueError, match=f"^{text}$"):
            design_effect(pd.Series(weights))

    def test_weight_0_is_nobody(self):
        result = design_effect(pd.Series([1, 0, 2, 1, np.nan]))
        assert (result.estimate, result.n_used, result.n_dropped) == (1.125, 3, 2)

    @given(
        st.lists(st.floats(0.01, 100), min_size=1, max_size=40),
        st.floats(1e-150, 1e150),
    )
    def test_scale_and_order_do_not_matter_and_the_bounds_hold(self, weights, scale):
        deff = design_effect(pd.Series(weights)).estimate
        assert 1 - 1e-12 <= deff <= len(weights) * (1 + 1e-12)
        rescaled = design_effect(pd.Series(weights[::-1]) * scale).estimate
        assert_allclose(rescaled, deff, rtol=1e-9)


class TestResponseRates:
    def test_every_rate_by_hand(self):
        # AAPOR (2023): eligible 300 + 20 + 180 + 60 + 40 = 600, unknown 120, e = 600/800
        counts = {"I": 300, "P": 20, "R": 180, "NC": 60, "O": 40, "UH": 100, "UO": 20, "NE": 200}
        result = response_rates(counts)
        expected = {
            "RR1": (300, 720),
            "RR2": (320, 720),
            "RR3": (300, 690),
            "RR4": (320, 690),
            "RR5": (300, 600),
            "RR6": (320, 600),
            "COOP1": (300, 540),
            "COOP2": (320, 540),
            "COOP3": (300, 500),
            "COOP4": (320, 500),
            "REF1": (180, 720),
            "REF2": (180, 690),
            "REF3": (180, 600),
            "CON1": (540, 720),
            "CON2": (540, 690),
            "CON3": (540, 600),
        }
        table = result.table
        assert list(table) == ["rate", "numerator", "denominator", "estimate"]
        assert table["rate"].tolist() == list(expected)
        assert table["numerator"].tolist() == [above for above, _ in expected.values()]
        assert_allclose(table["denominator"], [below for _, below in expected.values()], **EXACT)
        rates = [above / below for above, below in expected.values()]
        assert_allclose(table["estimate"], rates, **EXACT)
        assert_allclose([result.rr1, result.rr2, result.rr3, result.rr4], rates[:4], **EXACT)
        assert (result.estimate, result.e, result.counts) == (result.rr1, 0.75, counts)
        assert (result.n_used, result.n_dropped, result.notes) == (920, 0, ())
        assert str(result.method) == (
            "Response rates by AAPOR Standard Definitions, 10th edition (2023), headline RR1; e ="
            " 0.750 of the cases of unknown eligibility taken as eligible, estimated from the cases"
            " of known eligibility; cases without a disposition are left out."
        )

    def test_one_code_per_case_with_own_names(self):
        cases = pd.Series(["done"] * 6 + ["refused"] * 2 + ["no answer", "busy", None])
        codes = {"done": "I", "refused": "R", "no answer": "NC", "busy": "NC"}
        result = response_rates(cases, codes=codes, e=0.5)
        assert (result.rr1, result.rr3, result.e) == (0.6, 0.6, 0.5)
        assert (result.counts["NC"], result.n_used, result.n_dropped) == (2, 10, 1)
        assert "0.500 of the cases of unknown eligibility taken as eligible, as given" in str(
            result.method
        )

    def test_without_ineligible_cases_the_rates_are_the_lowest(self):
        result = response_rates({"I": 10, "UH": 30})
        assert result.rr3 == result.rr1 == 0.25
        assert sentences(result) == [
            "No case was found not to be eligible, so all of unknown eligibility count as"
            " eligible: RR3 and RR4 are the lowest possible."
        ]

    @pytest.mark.parametrize("nothing", [{}, {"NE": 8}, pd.Series([], dtype="str")])
    def test_not_estimable(self, nothing):
        result = response_rates(nothing)
        assert str(result.not_estimable) == "There are no cases that are or may be eligible."
        assert result.rr4 is None and result.table["estimate"].isna().all()

    @pytest.mark.parametrize(
        ("given", "arguments", "text"),
        [
            ({"X": 1}, {}, "disposition 'X' stands for 'X': one of I, P, R, .*, NE is needed"),
            (
                pd.Series(["done", "gone"]),
                {"codes": {"done": "I"}},
                "disposition 'gone' stands for None: one of .*",
            ),
            ({"I": -1}, {}, "column 'dispositions' holds -1 in row I: numbers of cases needed"),
            ({"I": 1.5}, {}, "column 'dispositions' holds 1.5 in row I: numbers of cases needed"),
            ({"I": 1}, {"e": 80}, "e is 80: a share such as 0.8 is needed"),
        ],
    )
    def test_refuses(self, given, arguments, text):
        with pytest.raises(ValueError, match=f"^{text}$"):
            response_rates(given, **arguments)


class TestNonresponse:
    def test_against_prop_test(self, reference):
        expected = reference["nonresponse"]
        invited = frame_of(expected["invited"]).rename(columns={"population": "invited"})
        responses = pd.DataFrame({"region": spread(invited["region"], expected["responses"])})
        result = nonresponse_by_stratum(responses, invited, by=["region"])
        assert_allclose(
            [result.statistic, result.df, result.p_value],
            [expected["statistic"], expected["df"], expected["p"]],
            **EXACT,
        )
        assert_allclose(result.cramers_v, np.sqrt(expected["statistic"] / 510), **EXACT)
        assert_allclose([result.conf_low, result.conf_high], expected["all"], **EXACT)
        table = result.table
        assert list(table) == [
            "region", "invited", "n", "estimate", "conf_low", "conf_high", "difference",
        ]  # fmt: skip
        assert_allclose(table["estimate"], [0.4, 0.3, 0.5], **EXACT)
        assert_allclose(table[["conf_low", "conf_high"]], expected["wilson"], **EXACT)
        assert_allclose(table["difference"], table["estimate"] - 195 / 510, **EXACT)
        assert (result.estimate, result.n_used, result.n_invited) == (195 / 510, 195, 510)
        assert (result.n_dropped, result.n_outside, result.notes) == (0, 0, ())

    def test_impossible_and_missing_strata(self):
        invited = pd.DataFrame({"region": list("ABC"), "invited": [10, 2, 0]})
        responses = pd.DataFrame({"region": ["A"] * 4 + ["B"] * 3 + ["C", None]})
        result = nonresponse_by_stratum(responses, invited, by=["region"])
        assert (result.estimate, result.n_used, result.n_invited) == (0.4, 4, 10)
        assert (result.n_dropped, result.n_outside, result.p_value) == (1, 1, None)
        assert result.table["estimate"].isna().tolist() == [False, True]
        assert result.table["n"].tolist() == [4, 3]
        assert sentences(result) == [
            "Responses left out because the frame or plan has nobody in C: 1.",
            "There are more responses than invitations in B: no response rate there.",
        ]

    def test_nobody_and_everybody_answered(self):
        invited = pd.DataFrame({"region": list("AB"), "invited": [3, 2]})
        nobody = pd.DataFrame({"region": pd.array([], dtype="str")})
        everybody = pd.DataFrame({"region": list("AAABB")})
        for responses, rate in ((nobody, 0), (everybody, 1)):
            result = nonresponse_by_stratum(responses, invited, by=["region"])
            assert (result.estimate, result.p_value) == (rate, None)
            assert result.table["estimate"].tolist() == [rate, rate]
            assert rate in (result.conf_low, result.conf_high)

    def test_not_estimable(self):
        invited = pd.DataFrame({"region": list("AB"), "invited": [0, 0]})
        result = nonresponse_by_stratum(pd.DataFrame({"region": ["A"]}), invited, by=["region"])
        text = "There are no invitations to judge the responses by."
        assert str(result.not_estimable) == text and result.estimate is None


class TestCallBack:
    def calls(self, hours):
        done = pd.Timestamp("2026-03-02 10:00")
        called = [pd.NaT if h is None else done + pd.Timedelta(hours=h) for h in hours]
        return pd.DataFrame({"done": done, "called": pd.to_datetime(called)})

    def test_window_and_person(self, reference):
        calls = self.calls([24, 30, 36, 47.9, 48, 48.1, 23, -5, None])
        calls["engineer"] = pd.Categorical(list("ABCDABCDA"))
        calls["caller"] = pd.Categorical([*"XXXXXXX", "D", None])
        result = call_back(calls, "done", "called", served_by="engineer", called_by="caller")
        assert result.estimate == 5 / 8
        limits = reference["nonresponse"]["five_of_eight"]
        assert_allclose([result.conf_low, result.conf_high], limits, **EXACT)
        assert (result.n_early, result.n_late, result.n_before_service) == (2, 1, 1)
        assert (result.n_same_person, result.n_used, result.n_dropped) == (1, 8, 1)
        table = result.table
        assert list(table) == [
            "rule", "n", "n_kept", "n_violated", "estimate", "conf_low", "conf_high",
        ]  # fmt: skip
        assert table.iloc[:, :5].values.tolist() == [
            ["in_window", 8, 5, 3, 5 / 8],
            ["other_person", 8, 7, 1, 7 / 8],
        ]
        assert sentences(result) == ["Call-backs dated before the service, counted as early: 1."]
        assert str(result.method) == (
            "Share of call-backs 24 to 48 calendar hours after the service with 95% Wilson"
            " interval; rows with a missing time or person are left out of the rule concerned."
        )

    def test_without_persons_and_without_times(self):
        result = call_back(self.calls([0, 24, 25]), "done", "called", hours=(0, 24))
        assert (result.estimate, result.n_same_person, len(result.table)) == (2 / 3, None, 1)
        nothing = call_back(self.calls([None, None]), "done", "called")
        assert str(nothing.not_estimable) == "There are no call-backs with both times."
        assert (nothing.n_used, nothing.n_dropped) == (0, 2)

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"hours": (48, 24)}, r"hours is \(48, 24\): a shortest and a longest time, .*"),
            ({"served_by": "done"}, "served_by and called_by: both columns or neither are needed"),
            ({"called_at": "n"}, "column 'n' is int64: dates and times needed"),
            ({"called_at": "x"}, r"columns \['x'\] are missing; .*"),
        ],
    )
    def test_refuses(self, arguments, text):
        calls = self.calls([24, 30]).assign(n=1)
        with pytest.raises(ValueError, match=f"^{text}$"):
            call_back(calls, **{"served_at": "done", "called_at": "called", **arguments})


class TestExpectedPrecision:
    plan = pd.DataFrame(
        {
            "region": ["N", "N", "S", "S"],
            "tier": [1, 2, 1, 2],
            "population": [4000, 1000, 4500, 500],
            "planned": [100, 100, 100, 100],
        }
    )

    def test_every_row_by_hand(self):
        result = expected_precision(
            self.plan, by=["region", "tier"], p=0.8, design_effect=1.2, response_rate=0.25
        )
        table = result.table
        assert list(table) == [
            "segment", "level", "population", "planned", "contacts", "n", "deff", "margin",
        ]  # fmt: skip
        assert table["segment"].tolist() == [
            "", "region", "region", "tier", "tier", *["region × tier"] * 4,
        ]  # fmt: skip
        assert table["level"].tolist() == [
            "", "N", "S", "1", "2", "N × 1", "N × 2", "S × 1", "S × 2",
        ]  # fmt: skip
        people, n = self.plan["population"].to_numpy(), 100
        error = people**2 * 0.16 / n * (people - n) / (people - 1)
        z = 1.959963984540054
        for row, strata in enumerate([[0, 1, 2, 3], [0, 1], [2, 3], [0, 2], [1, 3]]):
            margin = z * np.sqrt(1.2 * error[strata].sum()) / people[strata].sum()
            deff = 1.2 * n * len(strata) * (people[strata] ** 2 / n).sum()
            deff /= people[strata].sum() ** 2
            assert_allclose(table["margin"][row], margin, **EXACT)
            assert_allclose(table["deff"][row], deff, **EXACT)
            assert table["n"][row] == n * len(strata)
        assert_allclose(table["margin"][5:], z * np.sqrt(1.2 * error) / people, **EXACT)
        assert table["contacts"].tolist()[:2] == [1600, 800]
        assert (result.estimate, result.contacts) == (table["margin"][0], 1600)
        assert (result.n_expected, result.n_used, result.n_dropped) == (400, 4, 0)
        assert result.notes == ()
        assert str(result.method) == (
            "Expected margin of error (half-width) of a proportion of 80% at 95% confidence,"
            " design effect 1.2, response rate 25%, strata weighted by their people, finite"
            " population correction."
        )

    @pytest.mark.parametrize("population", [500, 2000, 10000])
    def test_is_the_reverse_of_the_sample_size(self, population):
        for needed, sd in (
            (sample_size_proportion(population=population), None),
            (sample_size_mean(1.2, 0.05, population=population), 1.2),
        ):
            plan = pd.DataFrame(
                {"r": ["x"], "population": [population], "planned": [needed.completes]}
            )
            margin = expected_precision(plan, by=["r"], sd=sd).estimate
            one_less = expected_precision(
                plan.assign(planned=needed.completes - 1), by=["r"], sd=sd
            )
            assert margin <= 0.05 < one_less.estimate

    def test_a_proportional_plan_costs_nothing_and_a_census_has_no_error(self):
        plan = allocate(frame_of([600, 400]), 100, by=["region"]).table
        table = expected_precision(plan, by=["region"]).table
        assert_allclose(table["deff"], 1)
        assert table["level"].tolist() == ["", "A", "B"]
        census = allocate(frame_of([6, 1]), 7, by=["region"]).table
        assert expected_precision(census, by=["region"]).table["margin"].tolist() == [0, 0, 0]

    def test_what_the_people_cannot_yield_and_strata_without_interviews(self):
        plan = frame_of([1000, 200, 50], planned=[100, 100, 0])
        result = expected_precision(plan, by=["region"], response_rate=0.4)
        assert result.table["n"].tolist() == [180, 100, 80, 0]
        assert np.isnan(result.table["margin"].iloc[-1]) and result.n_expected == 180
        assert sentences(result) == [
            "Even if everybody is invited, fewer than the planned interviews can be expected in B.",
            "No interview is expected in C: the margins do not speak for 4.0% of the people.",
        ]

    def test_a_plan_that_could_not_be_made(self):
        plan = allocate(frame_of([50, 50]), 5, by=["region"], minimum=10).table
        result = expected_precision(plan, by=["region"])
        assert str(result.not_estimable) == "The plan has no interviews."
        assert result.estimate is None and result.table["margin"].isna().all()

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"p": 0}, "p is 0: a proportion between 0 and 1 is needed"),
            ({"sd": 0}, "sd is 0: a standard deviation above 0 is needed"),
            ({"design_effect": -1}, "design_effect is -1: a number above 0 is needed"),
            ({"response_rate": 40}, "response_rate is 40: a share such as 0.4 is needed"),
            ({"conf_level": 95}, "conf_level is 95: a share such as 0.95 is needed"),
        ],
    )
    def test_refuses(self, arguments, text):
        with pytest.raises(ValueError, match=f"^{text}$"):
            expected_precision(self.plan, by=["region"], **arguments)


class TestPower:
    def test_proportions_against_power_prop_test(self, reference):
        expected = reference["power"]
        for n, power in expected["proportion_power"].items():
            assert_allclose(power_for_target(0.82, 0.9, int(n)).estimate, power, **EXACT)
        down = expected["proportion_down_10_percent"]
        result = power_for_target(*down["p"], down["n"], conf_level=0.9)
        assert_allclose(result.estimate, down["power"], **EXACT)
        for power, n in expected["proportion_n"].items():
            assert sample_size_for_change(0.82, 0.9, power=float(power)).n == np.ceil(n)

    def test_the_planned_target_of_the_method_takes_295_a_wave(self):
        result = sample_size_for_change(0.82, 0.9, response_rate=0.4)
        assert (result.estimate, result.n, result.contacts) == (295, 295, 738)
        assert (result.baseline, result.target, result.power) == (0.82, 0.9, 0.8)
        assert result.table.values.tolist() == [
            [0.5, 145, 363],
            [0.6, 185, 463],
            [0.7, 232, 580],
            [0.8, 295, 738],
            [0.9, 394, 985],
            [0.95, 486, 1215],
        ]
        assert list(result.table) == ["power", "n", "contacts"]
        assert str(result.method) == (
            "Power of the two-sided z test of two proportions at the 5% level, independent waves,"
            " design effect 1."
        )
        chance = power_for_target(0.82, 0.9, 295)
        assert list(chance.table) == ["n", "power"]
        assert chance.table["n"].tolist() == [148, 295, 442, 590]
        assert chance.table["power"][1] == chance.estimate

    def test_means_against_power_t_test(self, reference):
        expected = reference["power"]
        for name, correlation in (("mean", None), ("panel", 0.5)):
            for n, power in expected[f"{name}_power"].items():
                deff = 1 if float(n) % 1 == 0 else 75 / float(n)
                result = power_for_target(
                    3, 3.3, round(float(n) * deff), sd=0.9, correlation=correlation,
                    design_effect=deff,
                )  # fmt: skip
                assert_allclose(result.estimate, power, **EXACT)
            size = sample_size_for_change(3.3, 3, sd=0.9, correlation=correlation)
            assert size.n == np.ceil(expected[f"{name}_n"])
        assert "paired t test" in str(size.method) and "correlation 0.5" in str(size.method)

    def test_a_panel_of_proportions_against_full_enumeration(self):
        # McNemar's χ² test: the customers who change are binomial, and so are those who improve
        before, after, correlation, n = 0.6, 0.7, 0.5, 150
        both = before * after + correlation * np.sqrt(0.6 * 0.4 * 0.7 * 0.3)
        gained, lost = after - both, before - both
        changed = np.arange(1, n + 1)[:, np.newaxis]
        won = np.arange(n + 1)
        chance = stats.binom.pmf(changed, n, gained + lost)
        chance = chance * stats.binom.pmf(won, changed, gained / (gained + lost))
        significant = (2 * won - changed) / np.sqrt(changed) > stats.norm.isf(0.025)
        exact = chance[significant].sum()
        result = power_for_target(before, after, n, correlation=correlation)
        assert result.estimate == pytest.approx(exact, abs=0.02)
        independent = power_for_target(before, after, n).estimate
        assert result.estimate > independent + 0.2

    def test_the_design_effect_multiplies_the_size(self):
        plain, clustered = (
            sample_size_for_change(3, 3.3, sd=0.9, design_effect=deff) for deff in (1, 2)
        )
        assert clustered.n in (2 * plain.n, 2 * plain.n - 1)
        half = power_for_target(3, 3.3, 2 * plain.n, sd=0.9, design_effect=2)
        assert half.estimate == power_for_target(3, 3.3, plain.n, sd=0.9).estimate

    def test_two_interviews_are_the_fewest(self):
        assert sample_size_for_change(1, 500, sd=0.1).n == 2
        assert power_for_target(1, 2, 1, sd=1).estimate == 0

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"target": 0.8}, "target is 0.8: a value other than the baseline is needed"),
            ({"target": 4}, "target is 4: a proportion between 0 and 1, or sd for a mean, .*"),
            ({"sd": 0}, "sd is 0: a standard deviation above 0 is needed"),
            ({"correlation": 1}, "correlation is 1: −1 to 1, or None, is needed"),
            (
                {"correlation": 0.99},
                "correlation is 0.99: one that these proportions can have is needed",
            ),
            ({"design_effect": 0}, "design_effect is 0: a number above 0 is needed"),
            ({"conf_level": 95}, "conf_level is 95: a share such as 0.95 is needed"),
            ({"power": 80}, "power is 80: a share such as 0.8 is needed"),
            ({"response_rate": 40}, "response_rate is 40: a share such as 0.4 is needed"),
        ],
    )
    def test_refuses(self, arguments, text):
        with pytest.raises(ValueError, match=f"^{text}$"):
            sample_size_for_change(**{"baseline": 0.8, "target": 0.9, **arguments})
        with pytest.raises(ValueError, match=r"^n is 0: a number of 1 or more is needed$"):
            power_for_target(0.8, 0.9, 0)

    @settings(max_examples=30)
    @given(
        st.floats(0.02, 0.98),
        st.floats(0.02, 0.98),
        st.sampled_from([None, 0.8, 1.4]),
        st.floats(0.5, 0.95),
    )
    def test_the_size_is_the_smallest_that_has_the_power(self, baseline, target, sd, power):
        assume(abs(baseline - target) > 0.005)
        n = sample_size_for_change(baseline, target, sd=sd, power=power).n
        assert power_for_target(baseline, target, n, sd=sd).estimate >= power - 1e-9
        if n > 2:
            assert power_for_target(baseline, target, n - 1, sd=sd).estimate < power
        there = power_for_target(baseline, target, n, sd=sd).estimate
        back = power_for_target(target, baseline, n, sd=sd).estimate
        assert there == pytest.approx(back, rel=1e-12)
