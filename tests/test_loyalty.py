"""Loyalty against R's glm and pROC, the algebra of the logit, and what data cannot support."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import expit

from csat_stats.loyalty import Curve, LogitModel, repurchase_model, satisfaction_curve

Z = 1.959963984540054


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("loyalty")


@pytest.fixture
def typed(reference: Any) -> tuple[pd.Series, pd.DataFrame]:
    data = reference["typed"]
    return pd.Series(data["outcome"]), pd.DataFrame({n: data[n] for n in ("satisfaction", "speed")})


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(
        np.asarray(actual, dtype=float), np.asarray(expected, dtype=float), 1e-9, 1e-12
    )


def coefficients(model: LogitModel, column: str) -> list[float]:
    return [model.intercept[column].iloc[0], *model.table[column]]


def test_every_field_of_a_small_model_is_that_of_r(reference: Any, typed: Any) -> None:
    expected = reference["typed"]
    model = repurchase_model(*typed)
    assert list(model.table["driver"]) == ["satisfaction", "speed"]
    assert list(model.intercept["driver"]) == ["(intercept)"]
    for column in ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"):
        close(coefficients(model, column), expected[column])
    for ratio, log_odds in (("", "estimate"), ("_low", "conf_low"), ("_high", "conf_high")):
        close(coefficients(model, f"odds_ratio{ratio}"), np.exp(expected[log_odds]))
    effect = np.array(list(expected["ame"]["estimate"].values()))
    error = np.array(list(expected["ame"]["std_error"].values()))
    close(model.table["marginal_effect"], effect)
    close(model.table["marginal_effect_low"], effect - Z * error)
    close(model.table["marginal_effect_high"], effect + Z * error)
    close(model.table["vif"], expected["vif"])
    close([model.conf_low, model.estimate, model.conf_high], expected["auc_delong"])
    close(model.log_likelihood, expected["loglik"])
    close(model.null_log_likelihood, expected["null_loglik"])
    close(model.aic, expected["aic"])
    close(model.mcfadden_r2, expected["mcfadden"])
    close(model.nagelkerke_r2, expected["nagelkerke"])
    assert (model.n_used, model.n_dropped, model.n_events) == (18, 0, 10)
    assert model.events_per_variable == 4  # 8 of the rarer outcome, 2 drivers
    assert [str(note) for note in model.notes] == [
        "The rarer outcome occurs 4.0 times per driver; below 10 the odds ratios tend to be too "
        "extreme."
    ]
    assert str(model.method).startswith("Logistic regression by maximum likelihood")


def test_the_level_widens_every_interval_alike(reference: Any, typed: Any) -> None:
    model = repurchase_model(*typed, conf_level=0.9)
    close(coefficients(model, "conf_low"), reference["typed"]["conf90_low"])
    effect = reference["typed"]["ame"]
    close(
        model.table["marginal_effect_low"][0],
        effect["estimate"]["satisfaction"]
        - 1.6448536269514722 * effect["std_error"]["satisfaction"],
    )
    low, auc, _ = reference["typed"]["auc_delong"]
    close(model.conf_low, auc - (auc - low) / Z * 1.6448536269514722)
    assert model.conf_level == 0.9


@pytest.fixture
def survey(reference: Any) -> dict[str, Any]:
    """72 customers of 12 engineers, with weights."""
    data = reference["survey"]
    return {
        "outcome": pd.Series(data["outcome"]),
        "drivers": pd.DataFrame({name: data[name] for name in ("satisfaction", "speed")}),
        "weights": pd.Series(data["weight"]),
        "cluster": pd.Series(data["engineer"]).map("engineer {}".format),
    }


DESIGNS = {"cluster": ["cluster"], "weights": ["weights"], "both": ["weights", "cluster"]}


@pytest.mark.parametrize("design", DESIGNS)
def test_weights_and_clusters_are_those_of_survey_and_sandwich(
    reference: Any, survey: Any, design: str
) -> None:
    given = {name: survey[name] for name in ("outcome", "drivers", *DESIGNS[design])}
    _compare_design(repurchase_model(**given), reference["survey"][design])


@pytest.mark.parametrize("design", DESIGNS)
def test_schools_drawn_by_district(
    reference: Any, reference_data: Callable[..., pd.DataFrame], design: str
) -> None:
    schools = reference_data("api_clus1")
    given = {"weights": schools["enroll"], "cluster": schools["dnum"]}
    model = repurchase_model(
        schools["sch.wide"] == "Yes",
        schools[["ell", "meals", "mobility"]],
        **{name: given[name] for name in DESIGNS[design]},
    )
    _compare_design(model, reference["api_clus1"][design])
    if design != "weights":
        assert str(model.notes[-1]) == (
            "There are only 15 clusters; below 30 the errors tend to be too small."
        )


def _compare_design(model: LogitModel, expected: Any) -> None:
    for column in ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"):
        close(coefficients(model, column), expected[column])
    close(model.covariance, expected["covariance"])
    assert list(model.covariance.columns) == ["(intercept)", *model.table["driver"]]
    reach = scipy.stats.t.ppf(0.975, expected["df"])
    effect, error = (np.array(expected["ame"][name]) for name in ("estimate", "std_error"))
    close(model.table["marginal_effect"], effect)
    close(model.table["marginal_effect_low"], effect - reach * error)
    close(model.table["marginal_effect_high"], effect + reach * error)
    auc, auc_error = expected["auc"], expected["auc_std_error"]
    close(
        [model.estimate, model.conf_low, model.conf_high],
        [auc, auc - reach * auc_error, min(1, auc + reach * auc_error)],
    )
    close(model.log_likelihood, expected["loglik"])
    assert model.aic is None and model.estimator == "ml"
    assert model.n_clusters == expected.get("n_clusters", model.n_clusters)
    if "n_effective" in expected:
        close(model.n_effective, expected["n_effective"])
        close(model.log_likelihood, -expected["deviance"] / 2)
        close(model.null_log_likelihood, -expected["null_deviance"] / 2)
        close(model.nagelkerke_r2, expected["nagelkerke"])
    else:
        close(coefficients(model, "p_value"), expected["coeftest_p"])
        assert model.n_effective is None


def test_method_of_each_design(survey: Any) -> None:
    def method(*names: str) -> str:
        given = {name: survey[name] for name in ("outcome", "drivers", *names)}
        return str(repurchase_model(**given).method)

    end = (
        " Average marginal effects by the delta method, interval of the AUC by linearisation; rows "
        "with a missing value, weight or cluster are left out."
    )
    assert method("weights") == (
        "Logistic regression by weighted maximum likelihood, with design-based errors (Taylor "
        "linearisation) and t intervals." + end
    )
    assert method("cluster") == (
        "Logistic regression by maximum likelihood, with errors robust to clusters (HC1) and t "
        "intervals." + end
    )
    assert method("weights", "cluster") == (
        "Logistic regression by weighted maximum likelihood, with design-based errors of whole "
        "clusters (Taylor linearisation) and t intervals." + end
    )


def test_scale_of_weights_names_of_clusters_and_order_are_no_matter(survey: Any) -> None:
    model = repurchase_model(**survey)
    order = np.random.default_rng(1).permutation(72)
    turned = {name: value.iloc[order] for name, value in survey.items()}
    turned["weights"] = turned["weights"] * 1000
    turned["cluster"] = turned["cluster"].str[9:].astype("Int64")
    again = repurchase_model(**turned)
    close(again.table.iloc[:, 1:], model.table.iloc[:, 1:])
    close(
        [again.conf_low, again.log_likelihood, again.n_effective],
        [model.conf_low, model.log_likelihood, model.n_effective],
    )


def test_equal_weights_change_only_the_errors(survey: Any) -> None:
    plain = repurchase_model(survey["outcome"], survey["drivers"])
    equal = repurchase_model(survey["outcome"], survey["drivers"], weights=pd.Series([3] * 72))
    for column in ("estimate", "marginal_effect", "vif"):
        close(equal.table[column], plain.table[column])
    close([equal.estimate, equal.log_likelihood], [plain.estimate, plain.log_likelihood])
    assert equal.n_effective == pytest.approx(72)
    alone = repurchase_model(
        survey["outcome"], survey["drivers"], cluster=pd.Series(range(72))
    )  # HC1 beside n/(n − 1)
    close(alone.covariance, equal.covariance * 71 / 69)
    assert alone.n_clusters == 72


def test_whoever_has_no_weight_or_cluster_is_left_out(survey: Any) -> None:
    weights, cluster = survey["weights"].copy(), survey["cluster"].copy()
    weights[:3] = 0
    weights[3] = None
    cluster[4] = None
    model = repurchase_model(survey["outcome"], survey["drivers"], weights=weights, cluster=cluster)
    assert (model.n_used, model.n_dropped) == (67, 5)
    rest = repurchase_model(**{name: value[5:] for name, value in survey.items()})
    close(model.table.iloc[:, 1:], rest.table.iloc[:, 1:])
    none = repurchase_model(survey["outcome"], survey["drivers"], weights=weights * 0)
    assert str(none.not_estimable) == (
        "The number of complete rows, 0, is too small for the number of drivers, 2."
    )


def test_what_clusters_cannot_support_says_why(survey: Any) -> None:
    def reason(cluster: Any, **changed: Any) -> str:
        given = {name: survey[name] for name in ("outcome", "drivers")} | changed
        model = repurchase_model(**given, cluster=pd.Series(cluster))
        assert model.estimate is None and model.table.empty and model.covariance.empty
        return str(model.not_estimable)

    few = (
        "Clusters: {}, coefficients: 3. Errors robust to clusters need more clusters than "
        "coefficients."
    )
    assert reason([7] * 72) == few.format(1)
    assert reason(["a", "b", "c"] * 24) == few.format(3)
    alike = (
        "Errors robust to clusters do not exist: some estimate does not vary between the clusters."
    )
    copies = {
        name: pd.concat([survey[name]] * 8, ignore_index=True) for name in ("outcome", "drivers")
    }
    assert reason(np.repeat(range(8), 72), **copies) == alike
    marks_one = survey["drivers"].assign(own=(survey["cluster"] == "engineer 1").astype(int))
    assert reason(survey["cluster"], drivers=marks_one) == alike
    separated = (
        "The outcome is separated by these drivers, and with weights or clusters there is no "
        "estimate that stays finite: rare."
    )
    rare = survey["drivers"].assign(rare=[0] * 70 + [1] * 2)
    outcome = survey["outcome"].where(rare["rare"] == 0, 1)
    assert reason(survey["cluster"], outcome=outcome, drivers=rare) == separated
    weighted = repurchase_model(outcome, rare, weights=survey["weights"])
    assert str(weighted.not_estimable) == separated


def test_wrong_weights_and_clusters_are_refused(survey: Any) -> None:
    def refuses(text: str, **changed: Any) -> None:
        for function in (repurchase_model, _curve_of):
            with pytest.raises(ValueError) as error:
                function(survey["outcome"], survey["drivers"], **changed)
            assert str(error.value) == text

    refuses(
        "column 'weights' holds -1 in row 0: weights of 0 or more needed",
        weights=pd.Series([-1.0, *[1] * 71], name="weights"),
    )
    refuses(
        "the outcome and the clusters have different indexes: align them first",
        cluster=survey["cluster"][::-1],
    )
    refuses(
        "firth is True: Firth's estimator takes neither weights nor clusters",
        cluster=survey["cluster"],
        firth=True,
    )


def _curve_of(outcome: pd.Series, drivers: pd.DataFrame, **given: Any) -> Curve:
    return satisfaction_curve(outcome, drivers["satisfaction"], at=[3], **given)


SLOPES = np.array([0.6, -0.3])


def _draw(rng: np.random.Generator, common: Any, spread: float) -> tuple[pd.DataFrame, Any]:
    """Ratings of 1–5 by two drivers, and the probabilities that they give."""
    ratings = np.clip(np.round(3 + common + spread * rng.normal(size=common.shape)), 1, 5)
    return pd.DataFrame(ratings, columns=["a", "b"]), expit(-0.6 + ratings @ SLOPES)


def _covered(model: LogitModel, p: Any) -> list[Any]:
    """Whether the intervals hold the slopes, and the marginal effects of these customers."""
    table, effects = model.table, (p * (1 - p)).mean() * SLOPES
    return [
        (table["conf_low"] <= SLOPES) & (table["conf_high"] >= SLOPES),
        (table["marginal_effect_low"] <= effects) & (table["marginal_effect_high"] >= effects),
    ]


def test_intervals_cover_what_was_simulated() -> None:
    hits = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        mood = np.repeat(rng.normal(size=(300, 1)), 2, axis=1)
        drivers, p = _draw(rng, 0.7 * mood, 1)
        hits.append(_covered(repurchase_model(pd.Series(rng.random(300) < p), drivers), p))
    slopes, effects = np.mean(hits, axis=(0, 2))
    assert 0.92 <= slopes <= 0.98, f"slopes covered: {slopes:.3f}"
    assert 0.92 <= effects <= 0.98, f"marginal effects covered: {effects:.3f}"


def test_intervals_robust_to_clusters_cover_where_naive_ones_do_not() -> None:
    robust, naive = [], []
    engineer = np.repeat(np.arange(60), 12)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        drivers, p = _draw(rng, rng.normal(size=(60, 2))[engineer], 0.5)
        # A random intercept of each engineer, under a normal copula: P(outcome = 1) stays p.
        latent = np.sqrt(0.3) * rng.normal(size=60)[engineer] + np.sqrt(0.7) * rng.normal(size=720)
        outcome = pd.Series(scipy.special.ndtr(latent) < p)
        clustered = repurchase_model(outcome, drivers, cluster=pd.Series(engineer))
        robust.append(_covered(clustered, p))
        naive.append(_covered(repurchase_model(outcome, drivers), p))
    slopes, effects = np.mean(robust, axis=(0, 2))
    assert 0.92 <= slopes <= 0.98, f"slopes covered, robust to clusters: {slopes:.3f}"
    assert 0.92 <= effects <= 0.98, f"effects covered, robust to clusters: {effects:.3f}"
    slopes, effects = np.mean(naive, axis=(0, 2))
    assert max(slopes, effects) < 0.85, f"covered, naive: {slopes:.3f}, {effects:.3f}"


@pytest.fixture
def airline(reference_data: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return reference_data("airline_sample")


def test_airline_survey(reference: Any, airline: pd.DataFrame) -> None:
    outcome = airline["Satisfaction"] == "Satisfied"
    items = airline.iloc[:, 9:23]
    _compare(repurchase_model(outcome, items), reference["logit_14raw"])
    full = items.assign(
        bus=airline["Type of Travel"] == "Business",
        plus=airline["Class"] == "Economy Plus",
        business=airline["Class"] == "Business",
        ret=airline["Customer Type"] == "Returning",
    )
    _compare(repurchase_model(outcome, full), reference["logit_full"])


def test_mobile_phone_survey(reference: Any, reference_data: Callable[..., pd.DataFrame]) -> None:
    mobi = reference_data("ecsi_mobi")
    loyal = mobi["CUSL1"] >= 9
    scales = {"Satisfaction": ("CUSA", 3), "Value": ("PERV", 2), "Image": ("IMAG", 5)}
    drivers = pd.DataFrame(
        {
            name: mobi[[f"{stem}{i + 1}" for i in range(items)]].mean(axis=1)
            for name, (stem, items) in scales.items()
        }
    )
    _compare(repurchase_model(loyal, drivers), reference["logit_loyal_CUSL1ge9"])
    expected = reference["curve_mobi"]
    curve = satisfaction_curve(loyal, drivers["Satisfaction"], at=expected["at"], target=0.7)
    for column in ("estimate", "conf_low", "conf_high"):
        close(curve.table[column], expected[column])
    for name in ("odds_ratio", "odds_ratio_low", "odds_ratio_high", "p_value", "n_events"):
        close(getattr(curve, name), expected[name])
    close(curve.threshold, expected["threshold_70"])


def _compare(model: LogitModel, expected: Any) -> None:
    assert model.n_used == expected["n"]
    columns = {
        "estimate": "Estimate",
        "std_error": "Std. Error",
        "statistic": "z value",
        "p_value": "Pr(>|z|)",
    }
    for ours, theirs in columns.items():
        close(coefficients(model, ours), [row[theirs] for row in expected["coef"].values()])
    for ours, theirs in (("conf_low", "2.5 %"), ("conf_high", "97.5 %")):
        close(coefficients(model, ours), [row[theirs] for row in expected["ci95_wald"].values()])
    close(model.log_likelihood, expected["loglik"])
    close(model.log_likelihood, -expected["deviance"] / 2)
    close(model.null_log_likelihood, -expected["null_deviance"] / 2)
    close(model.aic, expected["aic"])
    close(model.mcfadden_r2, expected["pseudo_r2"]["mcfadden"])
    close(model.nagelkerke_r2, expected["pseudo_r2"]["nagelkerke"])
    close([model.conf_low, model.estimate, model.conf_high], expected["auc_delong"])
    effect = np.array(list(expected["ame"]["estimate"].values()))
    error = np.array(list(expected["ame"]["std_error"].values()))
    close(model.table["marginal_effect"], effect)
    close(model.table["marginal_effect_low"], effect - Z * error)
    close(model.table["marginal_effect_high"], effect + Z * error)
    close(model.table["vif"], list(expected["vif"].values()))
    assert model.notes == ()


def test_order_of_rows_and_drivers_is_no_matter(typed: Any) -> None:
    outcome, drivers = typed
    model = repurchase_model(outcome, drivers)
    turned = repurchase_model(outcome[::-1], drivers.iloc[::-1, ::-1])
    close(turned.table.iloc[::-1, 1:], model.table.iloc[:, 1:])
    assert turned.estimate == pytest.approx(model.estimate, rel=1e-12)


def test_scale_sign_and_outcome_carry_through(typed: Any) -> None:
    outcome, drivers = typed
    model = repurchase_model(outcome, drivers)
    scaled = repurchase_model(outcome, drivers.assign(speed=50 - 10 * drivers["speed"]))
    close(scaled.table["estimate"], model.table["estimate"] * [1, -0.1])
    close(scaled.table["marginal_effect_low"][1], model.table["marginal_effect_high"][1] * -0.1)
    close(scaled.table["vif"], model.table["vif"])
    close([scaled.estimate, scaled.aic], [model.estimate, model.aic])
    flipped = repurchase_model(1 - outcome, drivers)
    close(coefficients(flipped, "estimate"), [-b for b in coefficients(model, "estimate")])
    close([flipped.conf_low, flipped.estimate], [model.conf_low, model.estimate])
    assert flipped.n_events == 18 - model.n_events


def test_repeated_customers_change_errors_only(typed: Any) -> None:
    outcome, drivers = typed
    model = repurchase_model(outcome, drivers)
    many = repurchase_model(
        pd.concat([outcome] * 400, ignore_index=True), pd.concat([drivers] * 400, ignore_index=True)
    )
    close(coefficients(many, "estimate"), coefficients(model, "estimate"))
    close(coefficients(many, "std_error"), np.array(coefficients(model, "std_error")) / 20)
    close(many.mcfadden_r2, model.mcfadden_r2)


def test_missing_values_and_nullable_types(typed: Any) -> None:
    outcome, drivers = typed
    gaps = pd.DataFrame({"satisfaction": [3, 3, None], "speed": [2, None, 2]})
    more = pd.concat([drivers, gaps], ignore_index=True).astype("Int64")
    for dtype in ("boolean", "Int64", "Float64", "float64"):
        answers = pd.concat([outcome, pd.Series([None, 1, 0])], ignore_index=True).astype(dtype)
        model = repurchase_model(answers, more)
        assert (model.n_used, model.n_dropped) == (18, 3)
        close(model.estimate, repurchase_model(outcome, drivers).estimate)


# Here a step that only rounding made look worse used to end the search too early.
NEARLY_SEPARATED = [
    *((False, a, b) for a, b in [(2, 2), (2, 3), (3, 2), (4, 0)]),
    *(
        (True, a, b)
        for a, b in [(1, 1), (2, 2), (3, 0), (3, 1), (3, 3), (4, 0), (4, 0), (5, 0), (5, 0)]
    ),
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 5), st.integers(0, 3)), min_size=8, max_size=40
    )
)
@example(NEARLY_SEPARATED)
def test_fitted_probabilities_meet_the_likelihood_equations(rows: list[Any]) -> None:
    frame = pd.DataFrame(rows, columns=["y", "a", "b"])
    model = repurchase_model(frame["y"], frame[["a", "b"]], firth=False)
    if model.not_estimable:
        assert model.estimate is None and model.table.empty
        return
    design = np.column_stack([np.ones(len(frame)), frame[["a", "b"]]]).astype(float)
    p = 1 / (1 + np.exp(-design @ np.array(coefficients(model, "estimate"))))
    np.testing.assert_allclose(design.T @ (frame["y"] - p), 0, atol=1e-7)
    assert model.estimate is not None and 0 < model.estimate < 1


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 7)), min_size=3, max_size=20))
def test_one_driver_separates_when_the_groups_do_not_overlap(rows: list[Any]) -> None:
    frame = pd.DataFrame(rows, columns=["y", "x"])
    ones, zeros = frame["x"][frame["y"]], frame["x"][~frame["y"]]
    model = repurchase_model(frame["y"], frame[["x"]], firth=False)
    if len(ones) == 0 or len(zeros) == 0 or frame["x"].nunique() == 1:
        assert model.not_estimable
    else:
        apart = ones.min() >= zeros.max() or zeros.min() >= ones.max()
        assert ("separated" in str(model.not_estimable)) == apart


SEPARATED = "The outcome is separated by these drivers, so the odds ratio has no finite value: {}."


def test_separation_names_the_drivers_it_rests_on() -> None:
    rng = np.random.default_rng(3)
    n = 60
    x = pd.DataFrame(rng.integers(1, 6, size=(n, 4)), columns=list("abcd")).astype(float)
    noise = pd.Series(rng.random(n) < 0.5)

    def reason(outcome: pd.Series, drivers: pd.DataFrame) -> str:
        return str(repurchase_model(outcome, drivers, firth=False).not_estimable)

    assert reason(noise, x) == "None"
    assert reason(x["b"] > 3, x) == SEPARATED.format("b")
    # only the sum tells, and at 6 both outcomes occur
    assert reason((x["a"] + x["d"] > 6) | ((x["a"] + x["d"] == 6) & noise), x) == SEPARATED.format(
        "a, d"
    )
    # a rare branch where all came back: nothing else is separated
    rare = x.assign(branch=[1] * 3 + [0] * (n - 3))
    assert reason(noise | (rare["branch"] == 1), rare) == SEPARATED.format("branch")
    two = rare.assign(other=[0] * 3 + [1] * 3 + [0] * (n - 6))
    assert reason((noise | (two["branch"] == 1)) & (two["other"] == 0), two) == SEPARATED.format(
        "branch, other"
    )


def test_separation_is_told_from_a_steep_slope() -> None:
    x = pd.DataFrame({"x": [1.0, 2, 3, 3.001, 4, 5]})
    steep = repurchase_model(pd.Series([0, 0, 1, 0, 1, 1]), x)
    assert steep.estimate == pytest.approx(8 / 9)
    assert steep.table["estimate"][0] > 5


COLLINEAR = (
    "These drivers are copies or combinations of each other, so their effects cannot be told "
    "apart: {}."
)


def test_what_data_cannot_support_says_why(typed: Any) -> None:
    outcome, drivers = typed

    def reason(y: pd.Series, x: pd.DataFrame) -> str:
        model = repurchase_model(y, x)
        assert model.estimate is None and model.table.empty and model.intercept.empty
        return str(model.not_estimable)

    few = "The number of complete rows, {}, is too small for the number of drivers, 2."
    assert reason(outcome[:2], drivers[:2]) == few.format(2)
    assert reason(outcome[:0], drivers[:0]) == few.format(0)
    assert reason(outcome, drivers.astype("Float64") * pd.NA) == few.format(0)
    wide = pd.DataFrame(np.eye(18)[:, :17]).add_prefix("item")
    assert reason(outcome[:9], wide[:9]) == (
        "The number of complete rows, 9, is too small for the number of drivers, 17."
    )
    assert (
        reason(outcome * 0, drivers)
        == "All 18 customers have the same outcome, so nothing can explain it."
    )
    assert (
        reason(outcome, drivers.assign(area=1, price=4))
        == "All customers gave the same value for: area, price."
    )
    copied = drivers.assign(other=range(18), copy=drivers["speed"])
    assert reason(outcome, copied) == COLLINEAR.format("speed, copy")
    total = drivers.assign(other=np.arange(18) % 5, sum=drivers.mean(axis=1) * 20 + 3)
    assert reason(outcome, total) == COLLINEAR.format("satisfaction, speed, sum")


def test_one_event_has_an_area_without_interval() -> None:
    model = repurchase_model(
        pd.Series([0, 0, 1, 0, 0, 0]), pd.DataFrame({"satisfaction": [1, 2, 4, 3, 5, 4]})
    )
    assert model.estimate == 0.7
    assert model.conf_low is None and model.conf_high is None
    assert str(model.notes[1]) == (
        "The AUC has no interval: fewer than two customers have the rarer outcome."
    )


def test_wrong_use_is_refused_with_the_column_and_the_value(typed: Any) -> None:
    outcome, drivers = typed

    def refuses(text: str, y: pd.Series, x: pd.DataFrame, level: float = 0.95) -> None:
        with pytest.raises(ValueError) as error:
            repurchase_model(y, x, conf_level=level)
        assert str(error.value) == text

    refuses("outcome holds 2: only 0, 1 and missing are allowed", outcome + 1, drivers)
    refuses(
        "column 'speed' holds 'fast': a numeric column is needed",
        outcome,
        drivers.assign(speed="fast"),
    )
    refuses(
        "column 'speed' holds inf in row 0, inf in row 1, inf in row 2, inf in row 3, inf in row 4 "
        "and 13 more: finite numbers needed",
        outcome,
        drivers.assign(speed=math.inf),
    )
    refuses("there is no driver: at least one column is needed", outcome, drivers[[]])
    refuses(
        "driver columns ['speed'] occur more than once: names must differ",
        outcome,
        drivers[["speed", "satisfaction", "speed"]],
    )
    refuses(
        "the outcome and the drivers have different indexes: align them first",
        outcome[::-1],
        drivers,
    )
    refuses("conf_level is 95: a share such as 0.95 is needed", outcome, drivers, 95)


def test_curve_is_that_of_r(reference: Any, typed: Any) -> None:
    outcome, drivers = typed
    expected = reference["typed"]["curve"]
    curve = satisfaction_curve(outcome, drivers["satisfaction"], at=range(1, 6), target=0.6)
    assert list(curve.table["score"]) == [1, 2, 3, 4, 5]
    for column in ("estimate", "conf_low", "conf_high"):
        close(curve.table[column], expected[column])
    close(curve.threshold, expected["threshold_60"])
    assert (curve.n_used, curve.n_dropped, curve.n_events, curve.target) == (18, 0, 10, 0.6)
    assert curve.estimate is None
    assert [str(note) for note in curve.notes] == [
        "The rarer outcome occurs 8.0 times per driver; below 10 the odds ratios tend to be too "
        "extreme.",
        "The interval of the threshold reaches beyond the observed range, 1 to 5.",
    ]
    model = repurchase_model(outcome, drivers[["satisfaction"]])
    for ours, theirs in (("odds_ratio", "odds_ratio"), ("p_value", "p_value")):
        close(getattr(curve, ours), model.table[theirs][0])
    close(curve.odds_ratio_low, model.table["odds_ratio_low"][0])
    close(curve.odds_ratio_high, model.table["odds_ratio_high"][0])


def test_threshold_is_where_the_curve_meets_the_target(typed: Any) -> None:
    outcome, drivers = typed
    score = drivers["satisfaction"]
    threshold = satisfaction_curve(outcome, score, at=[], target=0.8).threshold
    assert threshold is not None
    met = satisfaction_curve(outcome, score, at=[threshold])
    close(met.table["estimate"], 0.8)
    assert met.threshold is None and met.target is None


def test_a_threshold_outside_the_observed_range_is_not_made_up(typed: Any) -> None:
    outcome, drivers = typed
    curve = satisfaction_curve(outcome, drivers["satisfaction"], at=[0, 3], target=0.99)
    assert curve.threshold is None
    assert [str(note) for note in curve.notes][1:] == [
        "Scores outside the observed range, 1 to 5, are extrapolated.",
        "No score in the observed range, 1 to 5, gives a probability of 99.0%.",
    ]


def test_bounds_of_the_curve_and_of_the_threshold_are_those_of_r(
    reference: Any, survey: Any
) -> None:
    score = survey["drivers"]["satisfaction"]
    for design, names in (("plain", []), ("cluster", ["cluster"]), ("both", DESIGNS["both"])):
        expected = reference["survey"]["curve"][design]
        curve = satisfaction_curve(
            survey["outcome"],
            score,
            at=expected["at"],
            target=0.7,
            **{name: survey[name] for name in names},
        )
        for column in ("estimate", "conf_low", "conf_high"):
            close(curve.table[column], expected[column])
        for name in ("threshold", "threshold_low", "threshold_high"):
            close(getattr(curve, name), expected[name])
        assert str(curve.notes[-1]) == (
            "The interval of the threshold reaches beyond the observed range, 1 to 5."
        )
        assert curve.n_clusters == (12 if names else None)


def test_the_bounds_of_the_threshold_are_where_the_band_meets_the_target(survey: Any) -> None:
    rising = survey["drivers"]["satisfaction"]
    for score in (rising, -rising):
        curve = satisfaction_curve(survey["outcome"], score, at=[], target=0.5)
        assert curve.threshold_low is not None and curve.threshold_high is not None
        at = [curve.threshold_low, curve.threshold_high]
        met = satisfaction_curve(survey["outcome"], score, at=at).table
        bands = [met["conf_high"][0], met["conf_low"][1]]
        close(bands if score is rising else [met["conf_low"][0], met["conf_high"][1]], 0.5)


def test_a_threshold_that_nothing_bounds_says_so(survey: Any) -> None:
    outcome, score = survey["outcome"], survey["drivers"]["speed"]
    target = float(outcome.mean())
    curve = satisfaction_curve(outcome, score, at=[], target=target, conf_level=0.999)
    assert curve.threshold is not None
    assert curve.threshold_low is None and curve.threshold_high is None
    assert str(curve.notes[-1]) == (
        "The threshold has no interval: a curve without slope is within the error, so nothing "
        "bounds it."
    )


def test_a_falling_curve_says_so(typed: Any) -> None:
    outcome, drivers = typed
    falling = satisfaction_curve(outcome, 6 - drivers["satisfaction"], at=[1, 5], target=0.6)
    rising = satisfaction_curve(outcome, drivers["satisfaction"], at=[5, 1], target=0.6)
    assert str(falling.notes[-1]) == "The probability falls as the score rises."
    close(falling.table["conf_low"], rising.table["conf_low"])
    assert rising.threshold is not None
    close(falling.threshold, 6 - rising.threshold)


def test_a_flat_curve_has_no_threshold() -> None:
    curve = satisfaction_curve(
        pd.Series([0, 1, 0, 1]), pd.Series([1, 1, 2, 2]), at=[1.5], target=0.6
    )
    close(curve.odds_ratio, 1)
    close(curve.table["estimate"], 0.5)
    assert curve.threshold is None and curve.threshold_low is None


def test_curve_not_estimable_and_wrong_use() -> None:
    outcome, score = pd.Series([0, 0, 1, 1]), pd.Series([1, 2, 3, 4], name="mood")
    curve = satisfaction_curve(outcome, score, at=[1, 2], target=0.5, firth=False)
    assert str(curve.not_estimable) == SEPARATED.format("mood")
    assert curve.threshold is None and curve.table.empty and curve.target == 0.5
    with pytest.raises(ValueError, match="target is 85: a probability between 0 and 1 is needed"):
        satisfaction_curve(outcome, score, at=[1], target=85)
    with pytest.raises(ValueError, match=r"at holds \[nan\]: finite scores are needed"):
        satisfaction_curve(outcome, score, at=[math.nan])


def test_results_are_plain_data(typed: Any) -> None:
    record = repurchase_model(*typed).to_dict()
    assert json.loads(json.dumps(record))["intercept"][0]["driver"] == "(intercept)"
