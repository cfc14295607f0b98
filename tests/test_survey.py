"""Design-based estimates and raking against R survey, a general optimiser and algebra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from csat_stats.sampling import (
    Design,
    design_effect,
    post_stratify,
    rake,
    survey_mean,
    survey_proportion,
    survey_ratio,
    survey_total,
)
from csat_stats.satisfaction import mean_score

EXACT = {"rtol": 1e-9, "atol": 1e-15}
PEOPLE = {"E": 4421, "H": 755, "M": 1018}
MARGINS = {"stype": PEOPLE, "sch.wide": {"No": 1072, "Yes": 5122}}
DESIGNS = {
    "apistrat_strat_fpc": ("api_strat", Design(weights="pw", strata=["stype"], fpc="fpc")),
    "apistrat_strat_nofpc": ("api_strat", Design(weights="pw", strata=["stype"])),
    "apistrat_weights_only": ("api_strat", Design(weights="pw")),
    "apiclus1_fpc": ("api_clus1", Design(weights="pw", cluster="dnum", fpc="fpc")),
    "apiclus1_nofpc": ("api_clus1", Design(weights="pw", cluster="dnum")),
    "apisrs_fpc": ("api_srs", Design(weights="pw", fpc="fpc")),
}
SMALL = {
    "full": Design(weights="w", strata=["region"], cluster="store", fpc="stores"),
    "nofpc": Design(weights="w", strata=["region"], cluster="store"),
    "weights": Design(weights="w"),
    "srs": Design(),
}
COLUMNS = [
    "n", "estimate", "std_error", "conf_low", "conf_high", "df",
    "deff", "deff_replace", "n_effective",
]  # fmt: skip


@pytest.fixture(scope="module")
def api(oracle):
    return oracle("sampling")["survey_api"]


@pytest.fixture(scope="module")
def domains(oracle):
    return oracle("sampling")["survey_domains"]


@pytest.fixture(scope="module")
def calibrated(oracle):
    return oracle("sampling")["survey_calibrated"]


@pytest.fixture(scope="module")
def small(oracle):
    return oracle("sampling")["survey_small"]


@pytest.fixture
def answers(small):
    return pd.DataFrame(small["data"])


def agrees(row, expected, tolerance=EXACT):
    """Every figure of a result or of a row of its table is that of R."""
    for name, value in expected.items():
        if name == "ci":
            assert_allclose(row["conf_low"], value[0], err_msg="conf_low", **tolerance)
            assert_allclose(row["conf_high"], value[1], err_msg="conf_high", **tolerance)
        elif name in COLUMNS and value is not None:
            assert_allclose(row[name], value, err_msg=name, **tolerance)
    n_effective = row["n"] / row["deff_replace"]
    assert_allclose(row["n_effective"], n_effective, **EXACT)


def headline(result):
    assert result.not_estimable is None
    return vars(result) | {"n": result.n_used}


def sentences(result):
    return [str(note) for note in result.notes]


class TestAgainstSurveyWithoutTheData:
    @pytest.mark.parametrize("name", SMALL)
    def test_every_figure(self, small, answers, name):
        expected, design = small[name], SMALL[name]
        mean = survey_mean(answers, "score", design, by=["vip"])
        agrees(headline(mean), expected["mean"])
        rows = mean.table.set_index("vip")
        agrees(rows.loc[1], expected["mean_vip"])
        agrees(rows.loc[0], expected["mean_not_vip"])
        agrees(headline(survey_total(answers, "score", design)), expected["total"])
        agrees(headline(survey_ratio(answers, "score", "orders", design)), expected["ratio"])
        vip = expected["vip"]
        for interval in ("logit", "beta"):
            share = survey_proportion(answers, "vip", design, levels=[1], interval=interval)
            agrees(headline(share), vip | {"ci": vip[interval]})
            assert (share.interval, share.levels) == (interval, (1,))

    def test_counts_table_and_method(self, answers):
        result = survey_mean(answers, "score", SMALL["full"], by=["vip"])
        assert list(result.table) == ["vip", *COLUMNS]
        assert (result.n_used, result.n_dropped, result.n_units, result.n_strata) == (12, 1, 6, 2)
        assert result.table["n"].tolist() == [4, 8] and result.notes == ()
        assert str(result.method) == (
            "Weighted mean, standard error by Taylor linearisation, 95% t interval (strata: 2,"
            " sampling units: 6, finite population correction); respondents without weight,"
            " stratum or cluster are left out, those without an answer stay in the design."
        )
        alone = survey_mean(answers, "score", SMALL["full"]).table
        assert list(alone) == COLUMNS and len(alone) == 1
        assert alone["estimate"].item() == result.estimate

    def test_calibrated_weights(self, oracle, answers):
        expected = oracle("sampling")["survey_small_calibrated"]
        answers["late"] = expected["late"]
        vip, late = {0: 26, 1: 14}, {0: 22, 1: 18}
        post = answers["w"] * answers["vip"].map(vip)
        post = post / answers.groupby("vip")["w"].transform("sum")
        raked = rake(answers, {"vip": vip, "late": late}, weights=answers["w"], tol=1e-14).weights
        raked *= 40 / 13
        assert_allclose(raked, expected["raked_weights"], **EXACT)
        for kind, weights, margins in (
            ("post_stratified", post, ["vip"]),
            ("raked", raked, ["vip", "late"]),
        ):
            design = replace(SMALL["full"], weights="new", calibrated=margins, base_weights="w")
            data = answers.assign(new=weights)
            agrees(headline(survey_mean(data, "orders", design)), expected[kind])
            total = survey_total(data, "orders", design)
            agrees(headline(total), expected[f"{kind}_total"])

    @pytest.mark.parametrize("rule", ["certainty", "adjust"])
    def test_lonely_units(self, oracle, answers, rule):
        expected = oracle("sampling")["survey_small_calibrated"]
        design = Design(weights="w", strata=["g"], lonely_psu=rule)
        result = survey_mean(answers.assign(g=expected["g"]), "orders", design)
        agrees(headline(result), expected[f"lonely_{rule}"])

    def test_a_sample_that_is_no_population_has_no_deff_without_replacement(self, answers):
        result = survey_total(answers, "orders", Design())
        assert result.deff is None and result.deff_replace == pytest.approx(1)
        assert sentences(result) == [
            "The weights do not add up to a population: the total is the respondents'."
        ]
        assert survey_total(answers, "orders", SMALL["full"]).notes == ()


class TestAgainstSurvey:
    @pytest.mark.parametrize("name", DESIGNS)
    def test_mean_total_and_shares(self, api, reference_data, name):
        data, design = reference_data(DESIGNS[name][0]), DESIGNS[name][1]
        names = {"est": "estimate", "se": "std_error", "deff": "deff"}
        mean = survey_mean(data, "api00", design)
        for theirs, ours in names.items():
            assert_allclose(getattr(mean, ours), api["mean_api00"][name][theirs], **EXACT)
        replace = api["mean_api00_deff_replace"][name]["deff"]
        interval = {"df": api["ci_t_df"][name]["df"], "ci": api["ci_t_df"][name]["ci"]}
        agrees(headline(mean), interval | {"deff_replace": replace})

        total, expected = survey_total(data, "enroll", design), api["total_enroll"][name]
        assert_allclose([total.estimate, total.std_error], [expected["est"], expected["se"]])
        yes = survey_proportion(data, "both", design, levels=["Yes"])
        for theirs, ours in names.items():
            assert_allclose(getattr(yes, ours), api["prop_both_yes"][name][theirs], **EXACT)

        shares, expected = survey_proportion(data, "stype", design), api["prop_stype"][name]
        assert list(shares.table) == ["level", *COLUMNS]
        assert shares.table["level"].tolist() == ["E", "H", "M"]
        assert_allclose(shares.table["estimate"], list(expected["est"].values()), **EXACT)
        assert_allclose(shares.table["std_error"], list(expected["se"].values()), **EXACT)
        assert shares.estimate is None and shares.not_estimable is None
        assert shares.n_used == len(data) and shares.levels is None

    @pytest.mark.parametrize("name", ["apistrat_strat_fpc", "apiclus1_fpc"])
    def test_svyciprop_svyratio_svyby(self, api, reference_data, name):
        data, design = reference_data(DESIGNS[name][0]), DESIGNS[name][1]
        limits = {"logit": api["ciprop_both_logit"][name]["ci"]}
        limits["beta"] = api["ciprop_both_beta"][name]
        for interval, expected in limits.items():
            yes = survey_proportion(data, "both", design, levels=["Yes"], interval=interval)
            assert_allclose([yes.conf_low, yes.conf_high], expected, **EXACT)
        ratio, expected = (
            survey_ratio(data, "api.stu", "enroll", design),
            api["ratio_apistu_enroll"],
        )
        assert_allclose(ratio.estimate, expected[name]["est"], **EXACT)
        assert_allclose(ratio.std_error, expected[name]["se"], **EXACT)
        by = survey_mean(data, "api00", design, by=["stype"]).table.set_index("stype").sort_index()
        expected = api["by_stype"][name]
        assert_allclose(by["estimate"], list(expected["est"].values()), **EXACT)
        assert_allclose(by["std_error"], list(expected["se"].values()), **EXACT)

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ("apistrat_strat_fpc", "strat_fpc"),
            ("apiclus1_fpc", "clus1_fpc"),
            ("apisrs_fpc", "srs_fpc"),
        ],
    )
    def test_domains_and_missing_answers(self, domains, reference_data, ours, theirs):
        data, design, expected = reference_data(DESIGNS[ours][0]), DESIGNS[ours][1], domains[theirs]
        results = {
            "mean": survey_mean(data, "api00", design, by=["stype"]),
            "total_enroll": survey_total(data, "enroll", design, by=["stype"]),
            "ratio": survey_ratio(data, "api.stu", "enroll", design, by=["stype"]),
        }
        agrees(headline(results["total_enroll"]), expected["total_enroll"])
        agrees(headline(results["ratio"]), expected["ratio"])
        agrees(headline(survey_mean(data, "target", design)), expected["missing_target"])
        for kind, values in expected["by_stype"].items():
            for name, result in results.items():
                row = result.table.set_index("stype").loc[kind]
                agrees(row, values if name == "mean" else values[name])
            for interval in ("logit", "beta"):
                share = survey_proportion(
                    data, "both", design, levels=["Yes"], by=["stype"], interval=interval
                ).table
                expected_share = values["prop_both_yes"]
                row = share.set_index("stype").loc[kind]
                agrees(row, expected_share | {"ci": expected_share[interval]})

    def test_nested_clusters_and_weights_from_population_sizes(self, oracle, reference_data):
        expected, schools = oracle("sampling")["survey_designs"], reference_data("api_strat")
        nested = Design(weights="pw", strata=["stype"], cluster="dnum")
        agrees(headline(survey_mean(schools, "api00", nested)), expected["nested"])
        sizes = Design(strata=["stype"], fpc="fpc")
        agrees(headline(survey_mean(schools, "api00", sizes)), expected["weights_from_fpc"])
        districts, design = reference_data("api_clus1"), Design(cluster="dnum", fpc="fpc")
        total = survey_total(districts, "enroll", design)
        agrees(headline(total), expected["weights_from_fpc_clus1"])

    @pytest.mark.parametrize("rule", ["certainty", "adjust"])
    def test_lonely_units(self, oracle, reference_data, rule):
        expected = oracle("sampling")["survey_designs"]["lonely"][rule]
        design = Design(weights="pw", strata=["cname"], lonely_psu=rule)
        result = survey_mean(reference_data("api_strat"), "api00", design)
        agrees(headline(result), expected)


class TestCalibrated:
    def weighted(self, data, weights, total=6194):
        return data.assign(w=weights * total / len(data))

    def test_post_stratified(self, api, calibrated, reference_data):
        data = reference_data("api_clus1")
        frame = pd.DataFrame({"stype": list(PEOPLE), "population": list(PEOPLE.values())})
        data = self.weighted(data, post_stratify(data, frame, by=["stype"]).weights)
        design = Design(weights="w", cluster="dnum", fpc="fpc", calibrated=["stype"])
        mean = survey_mean(data, "api00", design, by=["sch.wide"])
        total = survey_total(data, "enroll", design)
        for result, expected in ((mean, "mean_api00"), (total, "total_enroll")):
            expected = api["poststrat_clus1"][expected]
            assert_allclose(result.estimate, expected["est"], **EXACT)
            assert_allclose(result.std_error, expected["se"], **EXACT)
        assert sentences(mean) == [
            "The standard errors allow for the calibration of the weights to stype."
        ]
        for level, expected in calibrated["poststrat_by_sch.wide"].items():
            row = mean.table.set_index("sch.wide").loc[level]
            agrees(row, {k: v for k, v in expected.items() if k != "n"})

    def test_post_stratified_with_unequal_base_weights(self, calibrated, reference_data):
        data = reference_data("api_strat")
        target = data["comp.imp"].map({"No": 2000, "Yes": 4194})
        data["w"] = data["pw"] * target / data.groupby("comp.imp")["pw"].transform("sum")
        design = Design(
            weights="w", strata=["stype"], fpc="fpc", calibrated=["comp.imp"], base_weights="pw"
        )
        agrees(headline(survey_mean(data, "api00", design)), calibrated["poststrat_strat"])

    def test_post_stratified_to_cells_of_two_columns(self, calibrated, reference_data):
        data = reference_data("api_strat")
        frame = pd.DataFrame(
            {
                "stype": list("EHMEHM"),
                "comp.imp": ["No"] * 3 + ["Yes"] * 3,
                "population": [1100, 400, 450, 3321, 355, 568],
            }
        )
        cells = ["stype", "comp.imp"]
        data = self.weighted(data, post_stratify(data, frame, by=cells).weights)
        design = Design(weights="w", strata=["stype"], fpc="fpc", calibrated=[cells])
        result = survey_mean(data, "api00", design)
        agrees(headline(result), calibrated["poststrat_strat_cells"])
        assert sentences(result)[-1].endswith("of the weights to stype × comp.imp.")

    def test_raked(self, api, calibrated, reference_data):
        data = reference_data("api_clus1")
        data = self.weighted(data, rake(data, MARGINS, tol=1e-13).weights)
        design = Design(weights="w", cluster="dnum", fpc="fpc", calibrated=list(MARGINS))
        mean = survey_mean(data, "api00", design, by=["comp.imp"])
        total = survey_total(data, "enroll", design)
        for result, expected in ((mean, "mean_api00"), (total, "total_enroll")):
            expected = api["rake_clus1"][expected]
            assert_allclose(result.estimate, expected["est"], rtol=1e-8)
            assert_allclose(result.std_error, expected["se"], rtol=1e-8)
        for level, expected in calibrated["rake_by_comp.imp"].items():
            row = mean.table.set_index("comp.imp").loc[level]
            agrees(row, {k: v for k, v in expected.items() if k != "n"}, {"rtol": 1e-8})

        data = reference_data("api_srs")
        data = self.weighted(data, rake(data, MARGINS, tol=1e-13).weights)
        result = survey_mean(data, "api00", Design(weights="w", calibrated=list(MARGINS)))
        expected = api["rake_srs"]["mean_api00"]
        assert_allclose(result.estimate, expected["est"], rtol=1e-8)
        assert_allclose(result.std_error, expected["se"], rtol=1e-8)

    def test_raked_with_unequal_base_weights(self, calibrated, reference_data):
        data = reference_data("api_strat")
        margins = {"sch.wide": MARGINS["sch.wide"], "awards": {"No": 2000, "Yes": 4194}}
        raking = rake(data, margins, weights=data["pw"], tol=1e-13)
        data = self.weighted(data, raking.weights)
        expected = calibrated["rake_strat"]
        cell = data["sch.wide"] + " " + data["awards"]
        moved = (data["w"] / data["pw"]).groupby(cell).mean()
        assert_allclose(moved, pd.Series(expected["g_by_cell"])[moved.index], **EXACT)
        assert_allclose(raking.estimate, expected["kish"], **EXACT)
        shared = {"weights": "w", "strata": ["stype"], "fpc": "fpc", "calibrated": list(margins)}
        proper = Design(base_weights="pw", **shared)
        agrees(headline(survey_mean(data, "api00", proper)), calibrated["calibrate_strat"])
        # survey::rake stops after ten rounds of residuals
        plain = survey_mean(data, "api00", Design(**shared))
        agrees(headline(plain), expected, {"rtol": 1e-6})

    def test_a_share_that_the_margins_fix_has_no_error(self, answers):
        raking = rake(answers, {"vip": {0: 0.7, 1: 0.3}})
        design = Design(weights="w", calibrated=["vip"])
        result = survey_proportion(answers.assign(w=raking.weights), "vip", design, levels=[1])
        assert_allclose([result.estimate, result.conf_low, result.conf_high], 0.3)
        assert result.std_error < 1e-12


class TestProportion:
    def test_wilson_at_the_effective_n(self, answers):
        design = SMALL["full"]
        result = survey_proportion(answers, "vip", design, levels=[1], interval="wilson")
        share = result.estimate
        effective = share * (1 - share) / result.std_error**2
        effective *= (stats.t.isf(0.025, 12) / stats.t.isf(0.025, 4)) ** 2
        expected = proportion_confint(effective * share, effective, method="wilson")
        assert_allclose([result.conf_low, result.conf_high], expected, **EXACT)

    @pytest.mark.parametrize("interval", ["logit", "beta", "wilson"])
    def test_nobody_and_everybody(self, answers, interval):
        nobody, everybody = (
            survey_proportion(answers, "vip", Design(weights="w"), levels=levels, interval=interval)
            for levels in ([7], [0, 1])
        )
        n = 13 / design_effect(answers["w"]).estimate
        expected = proportion_confint(0, n, method="beta")
        assert (nobody.estimate, nobody.conf_low, everybody.conf_high) == (0, 0, 1)
        assert_allclose(nobody.conf_high, expected[1], **EXACT)
        assert_allclose(everybody.conf_low, 1 - expected[1], **EXACT)
        assert (nobody.std_error, nobody.deff, nobody.n_effective) == (0, None, None)
        assert sentences(nobody) == [
            "Where nobody or everybody gave an answer, its interval is the exact binomial one at"
            " the effective n of the weights alone."
        ]

    def test_a_set_of_answers_is_the_mean_of_an_indicator(self, answers):
        high = answers["score"].ge(4).where(answers["score"].notna()).astype("float64")
        share = survey_proportion(answers, "score", SMALL["full"], levels={4, 5})
        mean = survey_mean(answers.assign(high=high), "high", SMALL["full"])
        for name in ("estimate", "std_error", "df", "deff", "n_effective", "n_used"):
            assert getattr(share, name) == getattr(mean, name)

    def test_every_answer_in_every_domain(self, answers):
        scores = answers.assign(score=answers["score"].astype("Int64"))
        table = survey_proportion(scores, "score", SMALL["nofpc"], by=["region"]).table
        assert list(table)[:3] == ["region", "level", "n"] and len(table) == 10
        assert table["level"].tolist() == [1, 2, 3, 4, 5] * 2
        assert_allclose(table.groupby("region")["estimate"].sum(), 1)
        assert table["n"].tolist() == [6] * 10

    def test_answers_in_the_order_of_a_categorical(self):
        column = pd.Categorical(["low", "high", "low"], categories=["low", "mid", "high"])
        result = survey_proportion(pd.DataFrame({"q": column}), "q", Design())
        assert result.table["level"].tolist() == ["low", "high"]


class TestDegenerate:
    def test_lonely_strata_are_named_and_nothing_is_made_up(self):
        data = pd.DataFrame({"y": [1.0, 2, 4], "s": ["a", "a", "b"], "N": [9, 9, 4]})
        result = survey_mean(data, "y", Design(strata=["s"]))
        assert str(result.not_estimable) == (
            "A standard error needs two sampling units in each stratum; there is one in b."
        )
        assert result.estimate is None and result.std_error is None
        assert result.table["estimate"].item() == pytest.approx(7 / 3)
        assert result.table["std_error"].isna().all()
        # whole strata are no sample: b has one shop, and it is in
        data["N"] = [9, 9, 1]
        census = survey_mean(data, "y", Design(strata=["s"], fpc="N"))
        assert_allclose(census.std_error, 0.9 * np.sqrt((1 - 2 / 9) * 0.5 / 2), **EXACT)

    def test_one_unit_in_every_stratum(self):
        data = pd.DataFrame({"y": [1.0, 2, 4], "s": ["a", "b", "c"]})
        for rule in ("certainty", "adjust"):
            result = survey_mean(data, "y", Design(strata=["s"], lonely_psu=rule))
            assert (result.estimate, result.df) == (pytest.approx(7 / 3), 0)
            assert result.std_error is None and result.conf_low is None
            assert sentences(result) == ["There are too few sampling units for an interval."]

    def test_one_respondent_and_one_cluster(self):
        data = pd.DataFrame({"y": [3.0, 4], "store": [1, 1]})
        for respondents, design in ((data[:1], Design()), (data, Design(cluster="store"))):
            result = survey_mean(respondents, "y", design)
            text = "A standard error needs two sampling units; there is one."
            assert str(result.not_estimable) == text

    @pytest.mark.parametrize("rows", [0, 4])
    def test_no_answers(self, rows):
        data = pd.DataFrame({"y": pd.array([None] * rows, dtype="Int64"), "s": ["a"] * rows})
        for result in (
            survey_mean(data, "y", Design(strata=["s"]), by=["s"]),
            survey_total(data, "y", Design()),
            survey_ratio(data, "y", "y", Design()),
            survey_proportion(data, "y", Design()),
            survey_proportion(data, "y", Design(), levels=[5]),
        ):
            assert str(result.not_estimable) == "There are no answers."
            assert (result.n_used, result.n_dropped) == (0, rows)
            assert result.estimate is None and result.n_effective is None

    def test_weights_of_0_and_gaps_in_the_design_leave_respondents_out(self):
        data = pd.DataFrame(
            {
                "y": [1, 2, 3, 4, 90, 91, 92],
                "w": pd.array([1, 2, 1, 2, 0, None, 1], dtype="Float64"),
                "s": ["a", "a", "b", "b", "a", "b", None],
            }
        )
        design = Design(weights="w", strata=["s"])
        result, kept = survey_mean(data, "y", design), survey_mean(data[:4], "y", design)
        assert (result.n_used, result.n_dropped) == (4, 3)
        assert (result.estimate, result.std_error) == (kept.estimate, kept.std_error)
        nobody = survey_mean(data.assign(w=0), "y", design)
        assert str(nobody.not_estimable) == "There are no answers."

    def test_empty_and_thin_domains(self):
        data = pd.DataFrame({"y": [1, 2, 3, 5, np.nan], "d": ["a", "a", "a", "b", "c"]})
        data.loc[5] = [4.0, None]
        result = survey_mean(data, "y", Design(), by=["d"])
        table = result.table.set_index("d")
        assert table["n"].tolist() == [3, 1, 0] and table["df"].tolist() == [2, 0, 0]
        assert_allclose(table["estimate"], [2, 5, np.nan])
        assert table["std_error"].isna().tolist() == [False, True, True]
        assert sentences(result) == [
            "Respondents without a segment, not in the table: 1.",
            "There are too few sampling units for an interval in b.",
        ]
        assert result.n_used == 5

    def test_answers_without_variance(self):
        data = pd.DataFrame({"y": [4.3] * 9, "w": np.linspace(0.1, 0.9, 9)})
        result = survey_mean(data, "y", Design(weights="w"))
        assert_allclose([result.estimate, result.conf_low, result.conf_high], 4.3)
        assert (result.std_error, result.deff_replace, result.n_effective) == (0, None, None)
        ratio = survey_ratio(data.assign(x=1.1 * data["y"]), "y", "x", Design(weights="w"))
        assert (ratio.std_error, ratio.deff_replace) == (0, None)

    def test_a_denominator_of_0(self):
        data = pd.DataFrame({"y": [1, 2], "x": [0, 0]})
        result = survey_ratio(data, "y", "x", Design())
        assert str(result.not_estimable) == "The denominator adds up to 0."


class TestRefuses:
    data = pd.DataFrame(
        {"y": [1, 2, 3, 4], "s": list("aabb"), "N": [8, 8, 9, 9], "f": [0.1] * 4, "w": [1, 1, 1, 8]}
    )

    @pytest.mark.parametrize(
        ("design", "text"),
        [
            (
                Design(fpc="f"),
                "column 'f' holds 0.1 in row 0, 0.1 in row 1, 0.1 in row 2, 0.1 in row 3:"
                " population sizes of 1 or more, not sampling fractions, needed",
            ),
            (
                Design(fpc="N"),
                "column 'N' holds 8 and 9: one population size for each stratum is needed",
            ),
            (
                Design(fpc="y", strata=["s"]),
                "column 'y' holds 1 and 2 in stratum a: one population size for each stratum is"
                " needed",
            ),
            (
                Design(fpc="one", strata=["s"]),
                "column 'one' holds 1 in stratum a, which has 2 sampling units in the responses:"
                " the number of units in the population is needed",
            ),
            (Design(weights="v"), r"columns \['v'\] are missing; .*"),
            (Design(weights="minus"), "column 'minus' holds -1 in row 0.*: weights of 0 or more.*"),
        ],
    )
    def test_columns_of_the_design(self, design, text):
        with pytest.raises(ValueError, match=f"^{text}$"):
            survey_mean(self.data.assign(one=1, minus=-1), "y", design)

    def test_arguments(self):
        with pytest.raises(ValueError, match=r"^lonely_psu is 'average': 'certainty', 'adjust' or"):
            Design(lonely_psu="average")
        with pytest.raises(ValueError, match=r"^strata are given as 's': a list of names"):
            Design(strata="s")
        with pytest.raises(ValueError, match=r"^calibrated is given as 's': a list of margins"):
            Design(calibrated="s")
        with pytest.raises(ValueError, match=r"^column 's' holds 'a': a numeric column is needed$"):
            survey_total(self.data, "s", Design())
        with pytest.raises(ValueError, match=r"^interval is 'wald': 'logit', 'beta' or 'wilson'"):
            survey_proportion(self.data, "y", Design(), interval="wald")
        with pytest.raises(ValueError, match=r"^levels are given as 'ab': a list of answers"):
            survey_proportion(self.data, "s", Design(), levels="ab")
        with pytest.raises(ValueError, match=r"^columns are given as 's': a list of names"):
            survey_mean(self.data, "y", Design(), by="s")
        with pytest.raises(ValueError, match=r"^conf_level is 95: a share such as 0.95 is needed$"):
            survey_mean(self.data, "y", Design(), conf_level=95)

    def test_weights_that_do_not_follow_the_population_are_said(self):
        result = survey_mean(self.data, "y", Design(weights="w", strata=["s"], fpc="N"))
        assert sentences(result) == [
            "The weights give a; b a share that is more than 5% off its share of the population."
        ]


class TestAlgebra:
    def test_a_simple_random_sample_is_the_t_interval(self):
        scores = pd.DataFrame({"y": [2, 4, 4, 5, 3, 1]})
        survey, plain = survey_mean(scores, "y", Design()), mean_score(scores["y"])
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            assert_allclose(getattr(survey, name), getattr(plain, name), **EXACT)
        assert survey.deff_replace == pytest.approx(1)

    @settings(max_examples=25)
    @given(
        st.lists(
            st.tuples(
                st.integers(1, 5),
                st.floats(0.1, 10),
                st.sampled_from("ab"),
                st.integers(1, 3),
                st.booleans(),
            ),
            min_size=6,
            max_size=30,
        ),
        st.floats(1e-3, 1e3),
        st.randoms(use_true_random=False),
    )
    def test_scale_order_and_labels_do_not_matter(self, rows, factor, random):
        data = pd.DataFrame(rows, columns=["y", "w", "s", "c", "d"])
        design = Design(weights="w", strata=["s"], cluster="c", lonely_psu="adjust")
        before = survey_mean(data, "y", design, by=["d"])
        order = list(range(len(data)))
        random.shuffle(order)
        changed = data.iloc[order].assign(
            w=lambda f: f["w"] * factor, y=lambda f: 7 - 2 * f["y"], c=lambda f: f["c"].map(str)
        )
        after = survey_mean(changed, "y", design, by=["d"])
        assert after.estimate == pytest.approx(7 - 2 * before.estimate, rel=1e-9, abs=1e-9)
        assert after.df == before.df
        if before.std_error is not None:
            assert after.std_error == pytest.approx(2 * before.std_error, rel=1e-9, abs=1e-12)
            ends = (7 - 2 * before.conf_high, 7 - 2 * before.conf_low)
            assert (after.conf_low, after.conf_high) == pytest.approx(ends, rel=1e-9, abs=1e-9)
        left, right = (r.table.set_index("d").sort_index() for r in (before, after))
        assert_allclose(right["std_error"], 2 * left["std_error"], rtol=1e-9, atol=1e-12)

    def test_domains_of_a_total_add_up(self, answers):
        result = survey_total(answers, "orders", SMALL["full"], by=["vip"])
        assert_allclose(result.table["estimate"].sum(), result.estimate, **EXACT)

    def test_to_dict_is_plain(self, answers):
        plain = survey_proportion(answers, "vip", SMALL["srs"], levels=[1]).to_dict()
        assert plain["deff"] is None and plain["table"][0]["deff"] is None
        assert plain["levels"] == [1]


class TestRake:
    def test_against_survey_without_the_data(self, oracle):
        reference = oracle("sampling")
        for name, margins in (
            ("kish_rake_clus1", MARGINS),
            ("kish_rake_airline", None),
        ):
            expected = reference[name]
            cells = pd.DataFrame([key.rsplit(" ", 1) for key in expected["weights"]])
            weights = pd.Series(list(expected["weights"].values()))
            counts = pd.Series(list(expected["n"].values()))
            if margins is None:  # the margins that these weights have
                margins = {c: (weights * counts).groupby(cells[c]).sum() for c in (0, 1)}
            else:
                cells = cells.set_axis(list(margins), axis=1)
            rows = cells.loc[cells.index.repeat(counts)].reset_index(drop=True)
            result = rake(rows.rename(columns=str), {str(k): v for k, v in margins.items()})
            scale = (weights * counts).sum() / counts.sum()
            assert_allclose(result.weights * scale, weights.repeat(counts), rtol=1e-8)
            assert_allclose(result.estimate, expected["deff"], rtol=1e-8)
            assert result.converged and result.notes == ()
            assert (result.n_used, result.n_dropped) == (counts.sum(), 0)

    def test_every_field(self):
        people = {"region": {"N": 600, "S": 400, "W": 0}, "tier": pd.Series({1: 0.7, 2: 0.3})}
        responses = pd.DataFrame(
            {"region": ["N", "N", "N", "S", "S", "W", None], "tier": [1, 2, 1, 1, 2, 1, 2]},
            index=list("abcdefg"),
        )
        result = rake(responses, people)
        assert list(result.weights.index) == list("abcdefg")
        assert result.weights.isna().tolist() == [False] * 5 + [True] * 2
        assert_allclose(result.weights.mean(), 1, **EXACT)
        assert (result.n_used, result.n_dropped, result.n_outside) == (5, 1, 1)
        assert (result.n_empty, result.n_trimmed, result.converged) == (0, 0, True)
        assert result.iterations < 30
        assert result.estimate == design_effect(result.weights).estimate
        table = result.table
        assert list(table) == [
            "margin", "level", "n", "target", "before", "achieved", "difference",
        ]  # fmt: skip
        assert table["margin"].tolist() == ["region", "region", "tier", "tier"]
        assert table["level"].tolist() == ["N", "S", "1", "2"]
        assert table["n"].tolist() == [3, 2, 3, 2]
        assert_allclose(table["target"], [0.6, 0.4, 0.7, 0.3], **EXACT)
        assert_allclose(table["before"], [0.6, 0.4, 0.6, 0.4], **EXACT)
        assert_allclose(table["achieved"], table["target"], rtol=1e-9)
        assert_allclose(table["difference"], table["achieved"] - table["target"], atol=1e-15)
        assert sentences(result) == [
            "The margins add up to different numbers of people (region 1000; tier 1): each is"
            " read as shares.",
            "Responses left out because the frame or plan has nobody in W: 1.",
        ]
        assert str(result.method) == (
            "Raking by iterative proportional fitting, mean weight 1; respondents with a missing"
            " level or no base weight get no weight."
        )
        assert result.to_dict()["weights"][5:] == [None, None]

    def test_a_single_margin_is_post_stratification(self):
        responses = pd.DataFrame({"region": list("NNNS")})
        frame = pd.DataFrame({"region": ["N", "S"], "population": [500, 500]})
        expected = post_stratify(responses, frame, by=["region"]).weights
        weights = rake(responses, {"region": {"N": 500, "S": 500}}).weights
        pd.testing.assert_series_equal(weights, expected)

    def test_a_level_nobody_answered_for_is_named(self):
        responses = pd.DataFrame({"region": list("NNSS"), "tier": [1, 2, 1, 2]})
        margins = {"region": {"N": 60, "S": 30, "W": 10}, "tier": {1: 50, 2: 50}}
        result = rake(responses, margins)
        assert (result.n_empty, result.converged) == (1, True)
        assert_allclose(result.weights, [4 / 3, 4 / 3, 2 / 3, 2 / 3])
        assert_allclose(result.table["achieved"], [2 / 3, 1 / 3, 0, 0.5, 0.5])
        assert sentences(result) == [
            "Nobody answered in region W: the weights do not speak for 10.0% of the people."
        ]

    def test_margins_that_the_respondents_cannot_meet(self):
        # everybody in N is of tier 1 and everybody in S of tier 2
        responses = pd.DataFrame({"region": list("NNSS"), "tier": [1, 1, 2, 2]})
        margins = {"region": {"N": 60, "S": 40}, "tier": {1: 50, 2: 50}}
        result = rake(responses, margins, max_iter=20)
        assert str(result.not_estimable) == (
            "The margins cannot all be met: after 20 rounds region N is still 10.00 points off its"
            " target."
        )
        assert result.weights.isna().all() and result.estimate is None
        assert (result.converged, result.iterations) == (False, 20)
        assert_allclose(result.table["difference"], [-0.1, 0.1, 0, 0], atol=1e-9)

    @pytest.mark.parametrize("trim", [(0.7, 3), (0, 1.65), (0.648, 1.9)])
    def test_trimmed_weights_are_the_nearest_that_meet_margins_and_bounds(self, trim):
        count = np.array([30, 18, 12, 6, 9, 25])
        cells = pd.DataFrame({"a": list("xxyyzz"), "b": list("uvuvuv")})
        responses = cells.loc[cells.index.repeat(count)].reset_index(drop=True)
        margins = {"a": {"x": 40, "y": 26, "z": 34}, "b": {"u": 40, "v": 60}}
        result = rake(responses, margins, trim=trim, tol=1e-12)
        weights = result.weights.groupby([responses["a"], responses["b"]]).first().to_numpy()

        wanted = [(cells[c] == k, v) for c, part in margins.items() for k, v in part.items()]
        best = optimize.minimize(
            lambda w: (count * (w * np.log(w) - w + 1)).sum(),
            np.ones(6),
            jac=lambda w: count * np.log(w),
            bounds=[(max(low, 1e-9), high) for low, high in [trim] * 6],
            constraints=[
                {"type": "eq", "fun": lambda w, row=row, v=v: (count * w)[row].sum() - v}
                for row, v in wanted[:-1]
            ],
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert result.converged
        assert_allclose(weights, best.x, rtol=1e-5)
        at_bound = np.isclose(best.x, trim[0], rtol=1e-7) | np.isclose(best.x, trim[1], rtol=1e-7)
        assert result.n_trimmed == count[at_bound].sum() > 0
        assert_allclose(result.table["difference"], 0, atol=1e-11)
        assert f"held between {trim[0]:g} and {trim[1]:g} times their mean" in str(result.method)

    def test_bounds_that_are_too_narrow(self):
        responses = pd.DataFrame({"region": list("NNNNNNNNSSWW")})
        people = {"N": 40, "S": 40, "W": 20}
        result = rake(responses, {"region": people}, trim=(0.5, 2), max_iter=9)
        # S is held at 2, the others share what is left as their targets do
        assert_allclose(result.weights, [2 / 3] * 8 + [2] * 2 + [4 / 3] * 2, **EXACT)
        assert_allclose(result.table["achieved"], [4 / 9, 3 / 9, 2 / 9], **EXACT)
        assert (result.converged, result.not_estimable, result.n_trimmed) == (False, None, 2)
        assert sentences(result) == [
            "The margins cannot all be met: after 9 rounds region S is still 6.67 points off its"
            " target."
        ]

    def test_base_weights_of_0_get_no_weight(self):
        responses = pd.DataFrame({"region": list("NNSS")})
        base = pd.Series([2, 0, 1, None])
        result = rake(responses, {"region": {"N": 3, "S": 1}}, weights=base)
        assert result.weights.isna().tolist() == [False, True, False, True]
        assert_allclose(result.weights.dropna(), [1.5, 0.5])
        assert_allclose(result.table["before"], [2 / 3, 1 / 3])
        assert (result.n_used, result.n_dropped) == (2, 2)

    @pytest.mark.parametrize("regions", [[], ["X", "X"], [None, None]])
    def test_nobody_to_weight(self, regions):
        responses = pd.DataFrame({"region": pd.array(regions, dtype="str")})
        result = rake(responses, {"region": {"N": 3, "S": 1}})
        assert str(result.not_estimable) == "There are no responses in the strata of the frame."
        assert result.weights.isna().all() and len(result.weights) == len(regions)

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"margins": {}}, r"margins is \{\}: the people at each level of a column is needed"),
            ({"margins": {"area": {"N": 1}}}, r"columns \['area'\] are missing; .*"),
            (
                {"margins": {"region": {"N": -1, "S": 2}}},
                "column 'region' holds -1 in row N: numbers of 0 or more needed",
            ),
            ({"trim": (1.1, 2)}, r"trim is \(1.1, 2\): a low of 0 to 1 and a high above 1 .*"),
            ({"weights": pd.Series([-1, 1])}, "column None holds -1 in row 0: weights of 0 .*"),
        ],
    )
    def test_refuses(self, arguments, text):
        responses = pd.DataFrame({"region": ["N", "S"]})
        margins = arguments.pop("margins", {"region": {"N": 1, "S": 1}})
        with pytest.raises(ValueError, match=f"^{text}$"):
            rake(responses, margins, **arguments)

    @settings(max_examples=25)
    @given(
        st.lists(st.integers(1, 20), min_size=6, max_size=6),
        st.lists(st.integers(1, 100), min_size=3, max_size=3),
        st.lists(st.integers(1, 100), min_size=2, max_size=2),
        st.randoms(use_true_random=False),
    )
    def test_margins_are_met_in_any_order(self, counts, a, b, random):
        cells = pd.DataFrame({"a": list("xxyyzz"), "b": list("uvuvuv")})
        responses = cells.loc[cells.index.repeat(counts)].reset_index(drop=True)
        margins = {"a": dict(zip("xyz", a, strict=True)), "b": dict(zip("uv", b, strict=True))}
        result = rake(responses, margins)
        assert result.converged
        assert_allclose(result.table["achieved"], result.table["target"], atol=1e-9)
        order = list(responses.index)
        random.shuffle(order)
        swapped = rake(responses.loc[order], dict(reversed(margins.items())))
        assert_allclose(swapped.weights.sort_index(), result.weights, rtol=1e-5)

    @settings(max_examples=25)
    @given(
        st.lists(st.integers(1, 9), min_size=4, max_size=4),
        st.lists(st.integers(1, 30), min_size=2, max_size=2),
        st.lists(st.integers(1, 30), min_size=2, max_size=2),
        st.floats(0, 0.95),
        st.floats(1.05, 5),
    )
    @example([1, 1, 2, 1], [1, 3], [1, 3], 0.0, 1.5)
    def test_bounds_hold_whatever_the_margins(self, counts, a, b, low, high):
        cells = pd.DataFrame({"a": list("xxyy"), "b": list("uvuv")})
        responses = cells.loc[cells.index.repeat(counts)]
        margins = {"a": dict(zip("xy", a, strict=True)), "b": dict(zip("uv", b, strict=True))}
        result = rake(responses, margins, trim=(low, high), max_iter=40)
        assert_allclose(result.weights.mean(), 1)
        assert result.weights.between(low - 1e-9, high + 1e-9).all()
        assert result.converged or len(result.notes) == 1 + (sum(a) != sum(b))
