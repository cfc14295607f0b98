"""Imputation against R mice, the rules it must keep, and what cannot be imputed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from csat_stats.imputation import impute, imputed, pool

AT_RANDOM = (
    "Imputation takes answers to be missing at random: whether one is missing may depend on the "
    "other columns, but not on the answer itself."
)


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("imputation")


@pytest.fixture(scope="module")
def nhanes(reference: Any) -> pd.DataFrame:
    return pd.DataFrame(reference["nhanes"]["data"], dtype=float)


def regression(frame: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """chl on age and bmi by least squares."""
    x = np.column_stack([np.ones(len(frame)), frame["age"], frame["bmi"]])
    y = frame["chl"].to_numpy()
    slopes = np.linalg.lstsq(x, y, rcond=None)[0]
    variance = np.sum((y - x @ slopes) ** 2) / (len(y) - 3)
    terms = ["(Intercept)", "age", "bmi"]
    covariance = pd.DataFrame(np.linalg.inv(x.T @ x) * variance, terms, terms)
    return pd.Series(slopes, terms), covariance


# --- pooling ---------------------------------------------------------------------------------


def test_pooling_as_mice(reference: Any) -> None:
    expected = reference["pool"]
    estimates, errors = (
        pd.DataFrame(expected[name], columns=expected["terms"])
        for name in ("estimates", "std_errors")
    )
    pooled = pool(estimates, errors, n_complete_df=expected["dfcom"])
    columns = {"conf_low": "low", "conf_high": "high"}
    names = ["estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high", "fmi"]
    assert list(pooled.table.columns) == ["term", *names]
    for name in names:
        np.testing.assert_allclose(
            pooled.table[name], expected[columns.get(name, name)], rtol=1e-9, err_msg=name
        )
    assert (pooled.n_imputations, pooled.n_used, pooled.estimate) == (10, 0, None)
    assert list(pooled.table["term"]) == expected["terms"]
    endless = pool(estimates, errors).table
    for name, values in reference["pool_infinite"].items():
        if name != "source":
            np.testing.assert_allclose(endless[name], values, rtol=1e-9)


@settings(max_examples=50, deadline=None)
@example([(0.0, 1.0), (6e-81, 1.0)], None)
@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=2, max_size=8),
    st.one_of(st.none(), st.floats(1, 500)),
)
def test_pooling_algebra(fits: list[tuple[float, float]], df: float | None) -> None:
    estimates, errors = (pd.DataFrame({"x": column}) for column in zip(*fits, strict=True))
    row = pool(estimates, errors, n_complete_df=df).table.iloc[0]
    total = np.mean(errors["x"] ** 2) + (1 + 1 / len(fits)) * estimates["x"].var()
    assert row["std_error"] == pytest.approx(np.sqrt(total))
    assert row["estimate"] == pytest.approx(estimates["x"].mean(), abs=1e-12)
    assert 0 < row["df"] <= (df or np.inf)
    assert 0 <= row["fmi"] <= 1
    turned = pool(-10 * estimates[::-1], 10 * errors[::-1], n_complete_df=df).table.iloc[0]
    assert turned["conf_low"] == pytest.approx(-10 * row["conf_high"], rel=1e-6, abs=1e-6)
    assert turned["p_value"] == pytest.approx(row["p_value"])


def test_pooling_of_equal_estimates() -> None:
    same = pd.DataFrame({"x": [2.0, 2.0, 2.0]})
    row = pool(same, same / 2).table.iloc[0]
    assert (row["std_error"], row["df"], row["fmi"]) == (1, np.inf, 0)
    assert row["p_value"] == pytest.approx(0.0455002639)


def test_pooling_wrong_use() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0]})

    def error(*arguments: Any, **options: Any) -> str:
        with pytest.raises(ValueError) as caught:
            pool(*arguments, **options)
        return str(caught.value)

    assert error(frame, frame[:1]) == "estimates and std_errors need the same rows and columns"
    assert error(frame, -frame) == "a standard error is -2: 0 or more is needed"
    assert error(frame, frame.where(frame > 1)) == (
        "an estimate or a standard error is missing: leave that frame out"
    )
    assert error(frame, frame, n_complete_df=0) == (
        "n_complete_df is 0: a number above 0 is needed"
    )
    single = pool(frame[:1], frame[:1])
    assert single.table.empty and str(single.not_estimable) == (
        "At least two completed frames are needed to tell what the missing answers add to doubt; "
        "there are 1."
    )


# --- imputing --------------------------------------------------------------------------------


def test_many_imputations_as_mice(reference: Any, nhanes: pd.DataFrame) -> None:
    expected = reference["many"]
    result = imputed(regression, nhanes, n_imputations=100, n_complete_df=22, seed=1)
    # chance between imputations, of both programs
    noise = np.sqrt(1 / 100 + 1 / 600) * np.array(expected["std_error"]) * np.sqrt(0.5)
    difference = np.abs(result.table["estimate"] - expected["estimate"])
    assert (difference < 3 * noise).all()
    np.testing.assert_allclose(result.table["std_error"], expected["std_error"], rtol=0.15)
    frames = impute(nhanes, n_imputations=100, seed=1).frames
    means = np.mean([frame.mean() for frame in frames], axis=0)
    np.testing.assert_allclose(means, expected["means"], rtol=0.01)


def test_complete_cases_beside(reference: Any, nhanes: pd.DataFrame) -> None:
    expected = reference["complete_cases"]
    result = imputed(regression, nhanes, n_imputations=5)
    table = result.table
    np.testing.assert_allclose(table["complete_cases"], expected["coef"], rtol=1e-9)
    np.testing.assert_allclose(table["complete_cases_std_error"], expected["se"], rtol=1e-9)
    # R leaves out 12 rows that lack bmi or chl; the frame has no row that lacks hyp alone
    limits = table[["complete_cases_low", "complete_cases_high"]]
    np.testing.assert_allclose(limits, expected["ci"], rtol=1e-9)
    np.testing.assert_allclose(table["difference"], table["estimate"] - table["complete_cases"])
    assert set(table["n"]) == {25} and set(table["n_complete"]) == {13}
    assert (result.n_used, result.n_complete, result.n_imputations) == (25, 13, 5)
    assert [str(note) for note in result.notes] == [AT_RANDOM]
    assert str(result.method) == (
        "Multiple imputation by chained equations with predictive mean matching: 5 completed "
        "frames, 10 cycles each; rows without any answer are left out. Pooled by Rubin's rules "
        "with the degrees of freedom of Barnard and Rubin, beside the same model on the complete "
        "rows alone."
    )
    assert json.loads(json.dumps(result.to_dict()))["table"][0]["term"] == "(Intercept)"


def test_imputation_removes_the_bias_of_complete_cases() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(1, 6, 600)
    y = np.clip(x + rng.integers(-1, 2, 600), 1, 5)
    frame = pd.DataFrame({"x": x, "y": y.astype(float)})
    frame.loc[(x <= 2) & (rng.random(600) < 0.7), "y"] = np.nan

    def mean(data: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
        error = data["y"].var() / len(data)
        return pd.Series({"y": data["y"].mean()}), pd.DataFrame({"y": {"y": error}})

    row = imputed(mean, frame, n_imputations=20).table.iloc[0]
    assert row["complete_cases_low"] > y.mean() + 0.1
    assert row["conf_low"] < y.mean() < row["conf_high"]
    assert row["difference"] < -0.2 and 0.01 < row["fmi"] < 0.6


def test_frames_keep_answers_types_and_scale() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 6, (80, 1))
    values = np.clip(truth + rng.integers(-1, 2, (80, 4)), 1, 5)
    frame = pd.DataFrame(values, columns=["q 1", "质量", 3, "flag"], index=np.arange(80) * 7)
    frame["flag"] = frame["flag"] > 3
    gaps = frame.astype({"q 1": "Int64", "质量": "float64", 3: "Int8", "flag": "boolean"})
    gaps = gaps.mask(rng.random(gaps.shape) < 0.15)
    gaps.iloc[5] = None
    before = np.random.get_state(legacy=False)["state"]["key"].copy()
    result = impute(gaps, n_imputations=4, n_cycles=3)
    assert (np.random.get_state(legacy=False)["state"]["key"] == before).all()
    assert (result.n_used, result.n_dropped, len(result.frames)) == (79, 1, 4)
    kept = gaps.drop(35)
    assert list(result.table["n_missing"]) == kept.isna().sum().tolist()
    np.testing.assert_allclose(result.table["share"], kept.isna().mean())
    for filled in result.frames:
        assert filled.dtypes.to_dict() == gaps.dtypes.to_dict()
        assert filled.index.equals(kept.index) and not filled.isna().any(axis=None)
        assert (filled == kept)[kept.notna()].stack().all()
        for name in gaps:
            assert set(filled[name]) <= set(gaps[name].dropna())
    assert any(not filled.equals(result.frames[0]) for filled in result.frames[1:])
    again = impute(gaps, n_imputations=4, n_cycles=3)
    assert all(a.equals(b) for a, b in zip(again.frames, result.frames, strict=True))
    other = impute(gaps, n_imputations=4, n_cycles=3, seed=1)
    assert not other.frames[0].equals(result.frames[0])
    assert gaps.isna().any(axis=None)  # the frame given is left as it was


def test_a_copy_of_a_column_and_a_constant_column() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.integers(1, 6, 60).astype(float)})
    frame["copy"], frame["same"], frame["b"] = frame["a"], 4.0, frame["a"]
    frame.loc[:9, "b"] = np.nan
    filled = impute(frame, n_imputations=3).frames[2]
    assert (filled.loc[:9, "b"] == frame.loc[:9, "a"]).all()


def test_nothing_missing(nhanes: pd.DataFrame) -> None:
    whole = nhanes.dropna()
    result = impute(whole, n_imputations=3)
    assert [str(note) for note in result.notes] == ["No answer is missing: nothing was imputed."]
    assert len(result.frames) == 3 and result.frames[1].equals(whole)
    table = imputed(regression, whole).table
    estimates, covariance = regression(whole)
    np.testing.assert_allclose(table["estimate"], estimates)
    np.testing.assert_allclose(table["std_error"], np.sqrt(np.diag(covariance)))
    assert (table["difference"] == 0).all() and (table["fmi"] == 0).all()
    assert (table["conf_low"] == table["complete_cases_low"]).all() and set(table["df"]) == {10}


def test_what_cannot_be_imputed() -> None:
    def reason(frame: pd.DataFrame) -> str:
        result = impute(frame)
        assert result.frames == () and len(result.table) == frame.shape[1]
        both = imputed(regression, frame)
        assert both.not_estimable == result.not_estimable and both.table.empty
        return str(result.not_estimable)

    full = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": np.nan})
    assert reason(full) == "b has no answers at all."
    assert reason(full[:0]) == "a has no answers at all."
    assert reason(full.assign(b=[1, 2, None, None])) == (
        "b has 2 answers, too few to be predicted from 1 other columns."
    )
    alone = impute(pd.DataFrame({"a": [1, None, 2]}))  # the empty row is left out
    assert alone.not_estimable is None and alone.n_used == 2


def test_complete_rows_that_cannot_be_fitted(nhanes: pd.DataFrame) -> None:
    sparse = nhanes.copy()
    sparse.loc[sparse.index % 2 == 0, "hyp"] = np.nan
    sparse.loc[sparse.index % 2 == 1, "bmi"] = np.nan
    result = imputed(regression, sparse, n_imputations=3)
    assert result.n_complete == 0 and result.table["complete_cases"].isna().all()
    assert result.table["difference"].isna().all() and result.table["estimate"].notna().all()
    assert [str(note) for note in result.notes] == [
        AT_RANDOM,
        "The model cannot be fitted to the complete rows alone: there are 0.",
    ]


def test_wrong_use(nhanes: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="column 'q' holds 'good': a numeric column is needed"):
        impute(pd.DataFrame({"q": ["good", None]}))
    with pytest.raises(ValueError, match="column 'q' occurs twice"):
        impute(pd.DataFrame([[1, 2]], columns=["q", "q"]))
    with pytest.raises(ValueError, match="n_cycles is 0: a number of 1 or more is needed"):
        impute(nhanes, n_cycles=0)
    with pytest.raises(ValueError, match="n_imputations is 1: a number of 2 or more is needed"):
        imputed(regression, nhanes, n_imputations=1)
