"""Calibration against R's glm with an offset, val.prob, svyglm, and what cannot be judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from csat_stats.loyalty import Calibration, calibration, repurchase_model


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("loyalty")


@pytest.fixture
def survey(reference: Any) -> tuple[pd.Series, pd.Series, pd.Series]:
    data = reference["survey"]
    probability = pd.Series(reference["calibration"]["probability"])
    return pd.Series(data["outcome"]), probability, pd.Series(data["weight"])


def close(actual: Any, expected: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(actual, dtype=float), np.asarray(expected, dtype=float), rtol, 1e-12
    )


def _compare(result: Calibration, expected: Any) -> None:
    for name in ("estimate", "intercept", "observed_expected", "brier", "brier_scaled", "auc"):
        close(getattr(result, name), expected[name])
    # svyglm's errors come from its weights before the last step
    close([result.conf_low, result.conf_high], expected["conf"], rtol=1e-8)
    close([result.intercept_low, result.intercept_high], expected["intercept_conf"])
    assert list(result.table["group"]) == list(range(1, len(expected["table"]) + 1))
    columns = ["n", "predicted", "estimate", "conf_low", "conf_high"]
    close(result.table[columns], expected["table"])
    if "val_prob" in expected:
        theirs = expected["val_prob"]
        close(result.brier, theirs["brier"])
        # val.prob rounds the probabilities for C and stops its fit early
        close([result.auc, result.estimate], [theirs["auc"], theirs["slope"]], rtol=1e-5)
        close(result.hl_statistic, expected["hl"])
        close(result.hl_p_value, expected["hl_p"])
        assert result.hl_df == expected["hl_df"]


def test_a_typed_survey(reference: Any, survey: Any) -> None:
    outcome, probability, _ = survey
    result = calibration(outcome, probability, groups=5)
    _compare(result, reference["calibration"]["plain"])
    assert (result.n_used, result.n_dropped, result.n_events) == (72, 0, outcome.sum())
    assert result.n_effective is None and result.notes == ()
    assert str(result.method) == (
        "Logistic regression of the outcome on the predicted log odds, with Wald intervals; Wilson "
        "intervals of the groups; rows with a missing value are left out."
    )


def test_with_weights(reference: Any, survey: Any) -> None:
    outcome, probability, weights = survey
    result = calibration(outcome, probability, groups=5, weights=weights)
    _compare(result, reference["calibration"]["weighted"])
    close(result.n_effective, weights.sum() ** 2 / (weights**2).sum())
    assert result.hl_statistic is None and result.hl_df is None and result.hl_p_value is None
    assert str(result.method).startswith("Weighted logistic regression of the outcome on the")
    scaled = calibration(outcome, probability, groups=5, weights=weights * 7)
    close(scaled.table, result.table)
    close([scaled.conf_low, scaled.brier], [result.conf_low, result.brier])


def test_airline_survey_predicted_from_its_first_half(
    reference: Any, reference_data: Callable[..., pd.DataFrame]
) -> None:
    airline = reference_data("airline_sample")
    outcome, items = airline["Satisfaction"] == "Satisfied", airline.iloc[:, 9:23]
    model = repurchase_model(outcome[:1000], items[:1000])
    log_odds = model.intercept["estimate"][0] + items @ model.table["estimate"].to_numpy()
    result = calibration(outcome[1000:], expit(log_odds)[1000:])
    _compare(result, reference["calibration"]["airline"])
    assert list(result.table["n"]) == [100] * 10


def test_a_model_is_calibrated_on_its_own_rows(reference: Any) -> None:
    data = reference["survey"]
    outcome = pd.Series(data["outcome"])
    drivers = pd.DataFrame({name: data[name] for name in ("satisfaction", "speed")})
    model = repurchase_model(outcome, drivers)
    log_odds = model.intercept["estimate"][0] + drivers @ model.table["estimate"].to_numpy()
    result = calibration(outcome, expit(log_odds))
    close([result.estimate, result.intercept, result.observed_expected], [1, 0, 1])
    close(result.auc, model.estimate)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 3), st.floats(-2, 2))
def test_slope_and_intercept_undo_a_distortion(seed: int, slope: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(size=60)
    outcome = pd.Series(rng.random(60) < expit(log_odds))
    honest = calibration(outcome, pd.Series(expit(log_odds)))
    shifted = calibration(outcome, pd.Series(expit(log_odds + shift)))
    stretched = calibration(outcome, pd.Series(expit(slope * log_odds)))
    if honest.estimate is None or honest.intercept is None:
        return
    close(stretched.estimate, honest.estimate / slope, rtol=1e-7)
    close(shifted.intercept, honest.intercept - shift, rtol=1e-7)
    close([shifted.auc, stretched.auc], [honest.auc, honest.auc])
    turned = calibration(~outcome, pd.Series(expit(-log_odds)))
    close([turned.estimate, turned.brier, turned.auc], [honest.estimate, honest.brier, honest.auc])
    close(turned.intercept, -honest.intercept, rtol=1e-7)


def test_order_of_rows_missing_values_and_types(survey: Any) -> None:
    outcome, probability, _ = survey
    result = calibration(outcome, probability, groups=4)
    turned = calibration(outcome[::-1], probability[::-1], groups=4)
    close(turned.table, result.table)
    gaps = calibration(
        pd.concat([outcome, pd.Series([None, 1])], ignore_index=True).astype("Int64"),
        pd.concat([probability, pd.Series([0.5, None])], ignore_index=True).astype("Float64"),
        groups=4,
    )
    close(gaps.table, result.table)
    assert (gaps.n_used, gaps.n_dropped) == (72, 2)


def test_equal_probabilities_share_a_group() -> None:
    outcome = pd.Series([0, 0, 1, 0, 1, 1, 0, 1])
    result = calibration(outcome, pd.Series([0.2] * 4 + [0.8] * 4))
    assert list(result.table["n"]) == [4, 4]
    close(result.table["predicted"], [0.2, 0.8])
    close(result.table["estimate"], [0.25, 0.75])
    close(result.estimate, logit(0.75) / logit(0.8))
    assert result.hl_statistic is None
    assert [str(note) for note in result.notes] == [
        "Only 2 of 10 groups can be formed: too many predicted probabilities are equal or there "
        "are too few rows."
    ]


def test_what_cannot_be_judged_says_why() -> None:
    def reason(outcome: list[Any], probability: list[Any], **standing: Any) -> str:
        result = calibration(pd.Series(outcome), pd.Series(probability), groups=2)
        assert result.estimate is None and result.conf_low is None
        for name, value in standing.items():
            assert getattr(result, name) == (value if value is None else pytest.approx(value)), name
        return str(result.not_estimable)

    few = "{} complete rows are too few: at least 2 are needed."
    assert reason([], [], brier=None) == few.format(0)
    assert reason([1], [0.5], brier=None) == few.format(1)
    assert reason([1, 0, None], [None, None, 0.5], brier=None) == few.format(0)
    assert (
        reason([1, 1, 1], [0.5, 0.6, 0.7], intercept=None, auc=None, brier_scaled=None, brier=1 / 6)
        == "All 3 customers have the same outcome, so nothing can explain it."
    )
    assert (
        reason([1, 0, 1, 0], [0.5] * 4, intercept=0, auc=0.5, observed_expected=1)
        == "All predicted probabilities are equal, so there is no calibration slope."
    )
    assert reason([0, 0, 1, 1], [0.2, 0.3, 0.6, 0.9], auc=1, observed_expected=1) == (
        "The predicted probabilities tell the two outcomes apart without a fault, so the "
        "calibration slope has no finite value."
    )
    assert reason([0, 1, 0, 1], [0, 0.3, 0.6, 0.9], intercept=None, auc=0.75, brier=0.215) == (
        "Some predicted probability is exactly 0 or 1, which has no log odds, so the calibration "
        "slope does not exist."
    )
    assert calibration(pd.Series([0, 0]), pd.Series([0, 0])).observed_expected is None


def test_wrong_use_is_refused(survey: Any) -> None:
    outcome, probability, weights = survey

    def refuses(text: str, *given: Any, **options: Any) -> None:
        with pytest.raises(ValueError) as error:
            calibration(*given, **options)
        assert str(error.value) == text

    refuses(
        "column 'p' holds 85 in row 3: probabilities from 0 to 1 needed",
        outcome,
        probability.rename("p").where(probability.index != 3, 85),
    )
    refuses("outcome holds 2: only 0, 1 and missing are allowed", outcome + 1, probability)
    refuses("groups is 1: at least 2 are needed", outcome, probability, groups=1)
    refuses("conf_level is 95: a share such as 0.95 is needed", outcome, probability, conf_level=95)
    refuses(
        "column 'weights' holds -1 in row 0: weights of 0 or more needed",
        outcome,
        probability,
        weights=(weights - weights[0] - 1).where(weights.index == 0, 1).rename("weights"),
    )


def test_results_are_plain_data(survey: Any) -> None:
    record = calibration(*survey[:2], groups=3).to_dict()
    assert json.loads(json.dumps(record))["table"][0]["group"] == 1
