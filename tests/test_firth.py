"""Firth's penalised likelihood against brglm2, profiles in R, and logistf's published output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from csat_stats.loyalty import LogitModel, repurchase_model, satisfaction_curve

SEPARATED = (
    "The outcome is separated by these drivers, so the model is estimated by Firth's penalised "
    "likelihood, which keeps their odds ratios finite: {}."
)


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("loyalty")


@pytest.fixture
def infections(reference: Any) -> pd.DataFrame:
    """Urinary tract infections, Foxman et al. 1997: nobody with dia = 1 is without one."""
    expected = reference["firth_sex2"]
    rows = pd.DataFrame(expected["data"])
    return rows.loc[rows.index.repeat(expected["count"])].reset_index(drop=True)


def close(actual: Any, expected: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(actual, dtype=float), np.asarray(expected, dtype=float), rtol, 1e-11
    )


def coefficients(model: LogitModel, column: str) -> Any:
    return np.array([model.intercept[column].iloc[0], *model.table[column]])


def _compare(model: LogitModel, expected: Any) -> None:
    assert model.estimator == "firth"
    for column in ("estimate", "std_error", "p_value"):
        close(coefficients(model, column), expected[column])
    for column in ("conf_low", "conf_high"):
        close(coefficients(model, column), expected[column], rtol=1e-8)  # as far as uniroot goes
    close(coefficients(model, "statistic") ** 2, expected["chi_square"])
    assert (np.sign(coefficients(model, "statistic")) == np.sign(expected["estimate"])).all()
    close(coefficients(model, "odds_ratio_high"), np.exp(expected["conf_high"]), rtol=1e-7)
    close(model.log_likelihood, expected["loglik"])
    effect, error = (np.array(expected["ame"][name]) for name in ("estimate", "std_error"))
    close(model.table["marginal_effect"], effect)
    close(model.table["marginal_effect_high"], effect + 1.959963984540054 * error)
    close(np.sqrt(np.diag(model.covariance)), expected["std_error"])
    assert model.aic is None


def test_infections(reference: Any, infections: pd.DataFrame) -> None:
    expected = reference["firth_sex2"]
    model = repurchase_model(infections["case"], infections.drop(columns="case"))
    _compare(model, expected)
    printed = expected["logistf"]
    for column in ("conf_low", "conf_high"):
        np.testing.assert_allclose(coefficients(model, column), printed[column], atol=0.00501)
    np.testing.assert_allclose(
        coefficients(model, "statistic") ** 2, printed["chi_square"], atol=0.00501
    )
    assert [str(note) for note in model.notes] == [SEPARATED.format("dia")]
    assert str(model.method) == (
        "Logistic regression by Firth's penalised likelihood, with profile intervals and penalised "
        "likelihood ratio tests. Average marginal effects by the delta method and DeLong's "
        "interval for the AUC; rows with a missing value are left out."
    )


def test_endometrial_cancer(reference: Any) -> None:
    expected = reference["firth_endometrial"]
    patients = pd.DataFrame(expected["data"])
    model = repurchase_model(patients["HG"], patients[["NV", "PI", "EH"]])
    _compare(model, expected)
    # Heinze & Schemper 2002, table II
    np.testing.assert_allclose(model.table["conf_low"], [0.61, -0.12, -4.37], atol=0.005)
    np.testing.assert_allclose(model.table["conf_high"], [7.85, 0.04, -1.23], atol=0.005)


def test_a_separated_curve(reference: Any) -> None:
    expected = reference["firth_curve"]
    outcome, score = pd.Series(expected["outcome"]), pd.Series(expected["score"])
    curve = satisfaction_curve(outcome, score, at=expected["at"], target=expected["target"])
    assert curve.estimator == "firth"
    close(curve.table["estimate"], expected["curve"])
    close(curve.table["conf_low"], expected["curve_low"], rtol=1e-8)
    close(curve.table["conf_high"], expected["curve_high"], rtol=1e-8)
    for name in ("threshold", "threshold_low", "threshold_high"):
        close(getattr(curve, name), expected[name])
    close(curve.odds_ratio_low, np.exp(expected["conf_low"][1]))
    close(curve.p_value, expected["p_value"][1])
    assert [str(note) for note in curve.notes] == [SEPARATED.format("score")]
    assert str(curve.method).endswith(
        "One score, with the curve's intervals transformed back from log odds; rows with a missing "
        "value are left out."
    )
    flat = satisfaction_curve(outcome, score, at=[3], target=0.6, conf_level=0.9999)
    assert flat.threshold is not None and flat.threshold_low is None
    assert str(flat.notes[-1]).startswith("The threshold has no interval: a curve without slope")


def test_no_fault_no_interval_of_the_auc(reference: Any) -> None:
    model = repurchase_model(pd.Series([0, 0, 0, 1, 1, 1]), pd.DataFrame({"x": [1, 2, 2, 3, 4, 5]}))
    assert model.estimate == 1 and model.conf_low is None
    assert str(model.notes[-1]) == (
        "The AUC has no interval: the model tells the two outcomes apart without a fault."
    )
    assert np.isfinite(coefficients(model, "conf_high")).all()


def test_whether_to_use_it_can_be_said(infections: pd.DataFrame) -> None:
    outcome, drivers = infections["case"], infections.drop(columns="case")
    refused = repurchase_model(outcome, drivers, firth=False)
    assert str(refused.not_estimable) == (
        "The outcome is separated by these drivers, so the odds ratio has no finite value: dia."
    )
    overlapping = drivers.drop(columns="dia")
    plain = repurchase_model(outcome, overlapping)
    asked = repurchase_model(outcome, overlapping, firth=True)
    assert (plain.estimator, asked.estimator) == ("ml", "firth")
    assert asked.notes == ()
    # the penalty draws all together towards an even chance
    assert np.linalg.norm(asked.table["estimate"]) < np.linalg.norm(plain.table["estimate"])


def test_it_approaches_maximum_likelihood_with_many_customers(infections: pd.DataFrame) -> None:
    many = pd.concat([infections.drop(columns="dia")] * 200, ignore_index=True)
    plain, asked = (
        repurchase_model(many["case"], many.drop(columns="case"), firth=firth)
        for firth in (False, True)
    )
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(
            coefficients(asked, column), coefficients(plain, column), rtol=0.01, atol=1e-3
        )


def test_what_even_it_cannot_estimate_says_why(infections: pd.DataFrame) -> None:
    outcome, drivers = infections["case"], infections.drop(columns="case")

    def reason(y: pd.Series, x: pd.DataFrame) -> str:
        model = repurchase_model(y, x, firth=True)
        assert model.estimate is None and model.table.empty
        return str(model.not_estimable)

    assert reason(outcome * 0, drivers) == (
        "All 239 customers have the same outcome, so nothing can explain it."
    )
    assert reason(outcome, drivers.assign(copy=drivers["dia"])) == (
        "These drivers are copies or combinations of each other, so their effects cannot be told "
        "apart: dia, copy."
    )
    assert reason(outcome[:5], drivers[:5]) == (
        "The number of complete rows, 5, is too small for the number of drivers, 6."
    )


ANSWERS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 5), st.integers(0, 3)), min_size=4, max_size=30
)


@settings(max_examples=40, deadline=None)
@given(ANSWERS)
@example([(x > 2, x, z) for x in (1, 2, 3, 4, 5) for z in (0, 1)])
def test_estimates_solve_firths_equations(rows: list[Any]) -> None:
    frame = pd.DataFrame(rows, columns=["y", "a", "b"])
    model = repurchase_model(frame["y"], frame[["a", "b"]], firth=True)
    if model.not_estimable:
        return
    design = np.column_stack([np.ones(len(frame)), frame[["a", "b"]]]).astype(float)
    beta, low, high = (coefficients(model, c) for c in ("estimate", "conf_low", "conf_high"))
    p = 1 / (1 + np.exp(-design @ beta))
    half = design * np.sqrt(p * (1 - p))[:, None]
    leverage = np.einsum("ij,jk,ik->i", half, np.linalg.inv(half.T @ half), half)
    np.testing.assert_allclose(design.T @ (frame["y"] - p + leverage * (0.5 - p)), 0, atol=1e-6)
    assert np.isfinite([low, high]).all() and (low < beta).all() and (beta < high).all()
    # a test at 5% and an interval of 95% say the same
    p_value = coefficients(model, "p_value")
    sure = np.abs(p_value - 0.05) > 1e-3
    assert (((low > 0) | (high < 0)) == (p_value < 0.05))[sure].all()


@settings(max_examples=20, deadline=None)
@given(ANSWERS)
def test_swapping_outcomes_and_turning_a_scale_mirror_the_intervals(rows: list[Any]) -> None:
    frame = pd.DataFrame(rows, columns=["y", "a", "b"])
    model = repurchase_model(frame["y"], frame[["a", "b"]], firth=True)
    if model.not_estimable:
        return
    turned = repurchase_model(~frame["y"], frame[["a"]].assign(b=10 - 2 * frame["b"]), firth=True)
    for ours, theirs in (("conf_low", "conf_high"), ("conf_high", "conf_low")):
        np.testing.assert_allclose(turned.table[ours][0], -model.table[theirs][0], rtol=1e-5)
        same = "conf_low" if ours == "conf_low" else "conf_high"
        np.testing.assert_allclose(turned.table[ours][1], model.table[same][1] / 2, rtol=1e-5)


def test_the_interval_is_where_the_profile_has_fallen_by_half_a_chi_square() -> None:
    """One driver: the profile is a search in one dimension."""
    from scipy.optimize import minimize_scalar

    x = np.array([1, 2, 2, 3, 4, 4, 5, 5.0])
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1.0])
    model = repurchase_model(pd.Series(y), pd.DataFrame({"x": x}), conf_level=0.9)

    def profile(slope: float) -> float:
        def height(intercept: float) -> float:
            eta = intercept + slope * x
            p = 1 / (1 + np.exp(-eta))
            w = p * (1 - p)
            information = w.sum() * (w @ x**2) - (w @ x) ** 2
            return float(np.logaddexp(0, eta).sum() - y @ eta - np.log(information) / 2)

        centre = -slope * 3.5
        best = minimize_scalar(height, bounds=(centre - 6, centre + 6), options={"xatol": 1e-10})
        return -float(best.fun)

    top = profile(float(model.table["estimate"][0]))
    for column in ("conf_low", "conf_high"):
        fallen = 2 * (top - profile(float(model.table[column][0])))
        assert fallen == pytest.approx(chi2.ppf(0.9, 1), abs=1e-6)
