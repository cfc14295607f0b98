"""Forecasts, the naive forecast beside them, and the backtest of both."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csat_stats.trends import forecast
from csat_stats.trends._models import candidates, identified, naive

Z = 1.959963984540054
MODEL = ["model", "model_low", "model_high"]
NAIVE = ["naive", "naive_low", "naive_high"]


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("forecast")


def series(values: Any) -> pd.Series:
    """One value a month from January 2020 on."""
    index = pd.period_range("2020-01", periods=len(values), freq="M")
    return pd.Series(np.asarray(values, dtype=float), index=index)


def array(values: Any) -> Any:
    return np.asarray(values, dtype=float)


def walk(n: int = 30, seed: int = 0) -> pd.Series:
    return series(50 + np.random.default_rng(seed).normal(size=n).cumsum())


def close(actual: Any, expected: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(array(actual), array(expected), rtol=rtol, atol=1e-12)


def notes(result: Any) -> list[str]:
    return [str(note) for note in result.notes]


# --- against R ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "season", "kind"), [("lake", None, "last_value"), ("nottem", 12, "last_season")]
)
def test_naive_forecast_and_backtest_errors(
    reference: Any, case: str, season: int | None, kind: str
) -> None:
    data = reference[case]
    result = forecast(series(data["values"]), season=season)
    assert result.naive == kind and result.n_origins == 12
    expected = data.get("naive") or data["snaive"]
    for name, limit in zip(NAIVE, ("mean", "lower", "upper"), strict=True):
        close(result.table[name], expected[limit][:3])
    past = result.backtest.assign(error=lambda f: (f["actual"] - f["naive"]).abs())
    by_origin = past.groupby("origin", sort=False)["error"]
    close(by_origin.mean(), data["accuracy"]["mae"])
    close(by_origin.agg(lambda e: np.sqrt((e**2).mean())), data["accuracy"]["rmse"])
    sizes = by_origin.size()
    errors = result.accuracy.set_index("forecast").loc["naive"]
    close(errors["mae"], np.average(data["accuracy"]["mae"], weights=sizes))
    close(errors["mase"], np.average(data["accuracy"]["mase"], weights=sizes))
    squares = np.average(np.square(data["accuracy"]["rmse"]), weights=sizes)
    close(errors["rmse"], np.sqrt(squares))
    assert errors["n"] == len(past) == 33


def test_seasonal_naive_forecast_over_more_than_a_season(reference: Any) -> None:
    data = reference["nottem"]
    fit = naive(array(data["values"]), 15, 12)
    close(fit.mean, data["snaive"]["mean"])
    close(fit.mean + Z * fit.error, data["snaive"]["upper"])
    close(fit.fitted[12:], data["values"][:-12])
    assert np.isnan(fit.fitted[:12]).all()


@pytest.mark.parametrize(("case", "season"), [("lake", None), ("nottem", 12), ("drivers", None)])
def test_smoothing_is_no_worse_than_that_of_r_and_equal_where_r_finds_the_best(
    reference: Any, case: str, season: int | None
) -> None:
    y = array(reference[case]["values"])
    fits = {fit.name: fit for fit in candidates(y, 3, season, None)}
    for name, expected in reference[case]["ets"].items():
        fit = fits[name]
        squares = float(((y - fit.fitted) ** 2).sum())
        assert squares <= expected["sse"] * (1 + 1e-6)
        if np.isclose(squares, expected["sse"], rtol=1e-5, atol=0):
            close(fit.mean, expected["mean"], 1e-5)
            close(fit.error, (array(expected["upper"]) - expected["mean"]) / Z, 1e-5)
        sigma2 = squares / (len(y) - expected["npar"])
        close(fit.error[0], np.sqrt(sigma2), 1e-9)  # R: n less the number of parameters
    if case != "nottem":
        assert fits["ETS(A,N,N)"].aicc < np.inf
        simple = reference[case]["ets"]["ETS(A,N,N)"]
        close(fits["ETS(A,N,N)"].mean, simple["mean"], 1e-5)


@pytest.mark.parametrize(("values", "case"), [("values", "full"), ("gaps", "gappy")])
def test_regression_with_arima_errors(reference: Any, values: str, case: str) -> None:
    data = reference["sales"]
    y = array(data[values])
    for fit in candidates(y, 3, None, array(data["promotion"])[:, None]):
        expected = data[case][fit.name]
        used = np.isfinite(y).sum() - (fit.name == "ARIMA(0,1,1)")
        factor = np.sqrt(used / (used - expected["n_coef"]))
        close(fit.mean, expected["mean"], 1e-5)
        close(fit.error, factor * array(expected["se"]), 3e-5)  # two searches, each near the top


def test_promotions_and_gaps_through_the_public_function(reference: Any) -> None:
    data = reference["sales"]
    y = series(data["gaps"])
    months = pd.period_range("2020-01", periods=63, freq="M")
    result = forecast(y, promotions=pd.Series(data["promotion"], index=months))
    assert (result.n_used, result.n_dropped, result.chosen) == (56, 4, "model")
    assert result.model == "ARIMA(1,0,0)"
    close(result.table["model"], data["gappy"]["ARIMA(1,0,0)"]["mean"], 1e-5)
    assert result.table["period"].tolist() == ["2025-01", "2025-02", "2025-03"]
    close(result.table["naive"], y.dropna().iloc[-1])
    assert notes(result)[:3] == [
        "Periods without a value, which the model passes over: 4.",
        "Promotion dates are taken as known in advance, in the forecast and its test.",
        "The naive forecast repeats the last value.",
    ]
    assert result.backtest["actual"].notna().all() and len(result.backtest) == 30


# --- what the result says ----------------------------------------------------------------------


def test_the_model_is_shown_where_it_beats_the_naive_forecast() -> None:
    noise = series(70 + np.random.default_rng(4).normal(size=36))
    result = forecast(noise)
    assert (result.chosen, result.model) == ("model", "ETS(A,N,N)")
    assert result.table[["estimate", "conf_low", "conf_high"]].to_numpy().tolist() == (
        result.table[MODEL].to_numpy().tolist()
    )
    assert [result.estimate, result.conf_low, result.conf_high] == result.table.loc[
        0, ["estimate", "conf_low", "conf_high"]
    ].tolist()
    close(result.skill, 1 - result.model_error / result.naive_error)
    assert result.skill > 0.1
    close(result.accuracy["mae"], [result.model_error, result.naive_error])
    assert result.history["period"].tolist() == [str(month) for month in noise.index]
    assert result.history["value"].tolist() == noise.tolist()
    close(result.history["fitted"].mean(), noise.mean(), 0.01)


def test_the_naive_forecast_is_shown_where_the_model_does_not_beat_it() -> None:
    y = walk(36, seed=1)
    result = forecast(y)
    assert result.chosen == "naive" and result.skill <= 0
    assert result.table["estimate"].tolist() == [y.iloc[-1]] * 3
    close(result.history["fitted"][1:], y[:-1])
    assert notes(result) == [
        "The naive forecast repeats the last value.",
        "The model does not beat the naive forecast, so that is shown: mean absolute error "
        f"{result.model_error:.3g} against {result.naive_error:.3g}.",
    ]


def test_season() -> None:
    rng = np.random.default_rng(5)
    pattern = 5 * np.sin(np.arange(36) * np.pi / 6)
    y = series(60 + pattern + rng.normal(size=36))
    result = forecast(y, season=12, horizon=12, backtest=3)
    assert result.model.startswith("ETS(A,") and result.model.endswith("A)")
    assert result.naive == "last_season"
    assert notes(result)[0] == "The naive forecast repeats the value of one season before."
    assert np.corrcoef(result.table["model"], pattern[:12])[0, 1] > 0.9
    close(result.table["naive"], y[-12:])
    harmonic = forecast(y, season=12, horizon=12, model="sarimax", backtest=1)
    assert harmonic.model.endswith(" + season")
    assert np.corrcoef(harmonic.table["model"], pattern[:12])[0, 1] > 0.9
    short = forecast(y[:26], season=12)
    assert notes(short)[0] == (
        "No seasonal pattern is modelled: that takes two seasons and 3 periods to test it on."
    )
    assert short.naive == "last_value"


def test_promotions_in_the_months_to_come_move_the_forecast() -> None:
    rng = np.random.default_rng(6)
    months = pd.period_range("2020-01", periods=34, freq="M")
    held = pd.Series((np.arange(34) % 4 == 1) * 1.0, index=months, name="gift")
    y = series(40 + 6 * held[:30] + rng.normal(size=30))
    planned = forecast(y, promotions=held, horizon=4, backtest=6)
    dropped = forecast(y, promotions=held.where(months < "2022-07", 0), horizon=4, backtest=1)
    gain = planned.table["model"] - dropped.table["model"]
    close(gain / gain.max(), held[30:])
    assert abs(gain.max() - 6) < 1
    assert planned.chosen == "model" and planned.skill > 0.5


def test_promotions_without_information_are_left_out() -> None:
    y = walk()
    months = pd.period_range("2020-01", periods=33, freq="M")
    plans = pd.DataFrame({"fair": (np.arange(33) % 5 == 0) * 1}, index=months)
    plans["copy"] = plans["fair"]
    plans["first ever"] = (np.arange(33) == 31) * 1
    result = forecast(y, promotions=plans, backtest=1)
    assert notes(result)[1] == (
        "Promotions left out, because in the past they never varied or went with others: "
        "copy, first ever."
    )
    alone = forecast(y, promotions=plans["fair"], backtest=1)
    close(result.table[MODEL], alone.table[MODEL])
    assert identified(np.array([[1, 0, 1], [1, 1, 0], [1, 0, 1], [1, 1, 0]])) == [1]


def test_a_gap_sends_smoothing_to_regression() -> None:
    y = walk().mask(lambda s: s.index == "2021-03")
    result = forecast(y, model="ets", backtest=1)
    assert result.model.startswith("ARIMA") and result.n_dropped == 1
    assert notes(result)[1] == (
        "Exponential smoothing cannot pass over them: regression with ARIMA errors is used in "
        "its place."
    )
    left_out = forecast(y.dropna(), backtest=1)
    pd.testing.assert_frame_equal(left_out.table, result.table)
    assert left_out.n_dropped == 1


def test_after_a_gap_the_naive_interval_is_wider() -> None:
    y = array([1, 3, 2, 5, 4, np.nan, np.nan])
    fit = naive(y, 2)
    sigma = np.sqrt(np.mean([4, 1, 9, 1]))
    close(fit.mean, [4, 4])
    close(fit.error, sigma * np.sqrt([3, 4]))
    inside = naive(array([1, np.nan, 3, 2]), 1)
    close(inside.error, np.sqrt(np.mean([4 / 2, 1])))


# --- bounds ------------------------------------------------------------------------------------


def test_shares_stay_within_their_bounds() -> None:
    rng = np.random.default_rng(8)
    share = series(1 / (1 + np.exp(-3.5 - rng.normal(size=30).cumsum() / 4)))
    result = forecast(share, bounds=(0, 1), horizon=12, backtest=1)
    limits = result.table[["estimate", "conf_low", "conf_high", *MODEL, *NAIVE]]
    assert ((limits > 0) & (limits < 1)).all(axis=None)
    assert notes(result)[0] == (
        "Modelled on the logit scale between 0 and 1, so that no interval leaves them."
    )
    percent = forecast(100 * share, bounds=(0, 100), horizon=12, backtest=1)
    close(percent.table[NAIVE], 100 * result.table[NAIVE])
    assert forecast(share, horizon=12, backtest=1).table["naive_high"].max() > 1
    share.iloc[4] = 1.0
    cut = forecast(share, bounds=(0, 1), horizon=12, backtest=1)
    assert cut.table["naive_high"].max() == 1
    assert notes(cut)[0] == (
        "A value lies on a bound, 0 or 1: forecasts and intervals are cut there."
    )


# --- backtest ----------------------------------------------------------------------------------


def test_the_backtest_knows_nothing_later() -> None:
    y = walk(24, seed=9)
    changed = y.copy()
    changed.iloc[20:] += 25
    plain, moved = (forecast(x, backtest=6).backtest for x in (y, changed))
    early = plain["origin"] < "2021-09"
    columns = ["origin", "horizon", "period", *MODEL, *NAIVE]
    assert early.sum() == 9
    pd.testing.assert_frame_equal(plain.loc[early, columns], moved.loc[early, columns])
    assert not plain.loc[~early, MODEL].equals(moved.loc[~early, MODEL])


def test_each_origin_is_a_forecast_of_its_own() -> None:
    y = walk(24, seed=10)
    result = forecast(y, backtest=3)
    past, accuracy = result.backtest, result.accuracy.set_index("forecast")
    assert past["origin"].unique().tolist() == ["2021-09", "2021-10", "2021-11"]
    for origin, rows in past.groupby("origin"):
        alone = forecast(y[:origin], backtest=1).table.iloc[: len(rows)]
        close(rows[MODEL], alone[MODEL])
        close(rows[NAIVE], alone[NAIVE])
        close(rows["actual"], y[rows["period"]])
    for name in ("model", "naive"):
        inside = past["actual"].between(past[f"{name}_low"], past[f"{name}_high"])
        close(accuracy.loc[name, "coverage"], inside.mean())


def test_a_short_series_is_tested_on_little() -> None:
    result = forecast(walk(8))
    assert result.n_origins == 2 and result.accuracy["n"].tolist() == [3, 3]
    assert "The test rests on 3 forecasts only: its errors are rough." in notes(result)


# --- intervals keep what they promise ----------------------------------------------------------


def test_coverage_of_the_naive_interval_on_random_walks() -> None:
    hits = []
    for seed in range(200):
        y = np.random.default_rng(seed).normal(size=63).cumsum()
        fit = naive(y[:60], 3)
        hits.append(np.abs(y[60:] - fit.mean) <= Z * fit.error)
    assert 0.92 <= np.mean(hits) <= 0.98


@pytest.mark.parametrize("process", ["smoothing", "regression"])
def test_coverage_of_the_model_interval_on_its_own_process(process: str) -> None:
    """60 series a process: each is a search of its own, so 200 would take too long."""
    hits = []
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(size=83)
        if process == "smoothing":  # ETS(A,N,N), alpha .3
            y = noise + 0.3 * np.concatenate([[0], noise[:-1].cumsum()])
            fits = candidates(y[:80], 3, None, None)
        else:
            y = np.zeros(83)
            for t in range(1, 83):
                y[t] = 0.5 * y[t - 1] + noise[t]
            promotion = (np.arange(83) % 6 == 0)[:, None] * 1.0
            y += 2 * promotion[:, 0]
            fits = candidates(y[:80], 3, None, promotion)
        best = min(fits, key=lambda fit: fit.aicc)
        hits.append(np.abs(y[80:] - best.mean) <= Z * best.error)
    assert 0.92 <= np.mean(hits) <= 0.98


# --- what data cannot support --------------------------------------------------------------------


def test_too_few_values() -> None:
    for n in (0, 1, 7):
        result = forecast(walk(7)[:n])
        assert (
            str(result.not_estimable) == f"Periods with a value: {n}. A forecast needs 8 or more."
        )
        assert result.estimate is None and result.table.empty
    empty = forecast(series([np.nan] * 20))
    assert (empty.n_used, empty.n_dropped) == (0, 20)
    assert str(empty.not_estimable) == "Periods with a value: 0. A forecast needs 8 or more."


def test_nothing_varies() -> None:
    for values in ([4.2] * 20, [0.1 + 0.2, 0.3] * 10):
        assert str(forecast(series(values)).not_estimable) == (
            "All values are the same, so nothing tells how far the next may lie off."
        )
    late = forecast(series([5.0] * 14 + [6.0, 5.0]))  # no model from the first origins
    assert late.estimate is not None
    assert late.backtest["origin"].min() == "2021-03" and late.n_origins == 1


def test_nothing_to_test_on() -> None:
    result = forecast(series([5.0] * 14 + [6.0]))
    assert (result.chosen, result.skill, result.n_origins) == ("naive", None, 0)
    assert result.backtest.empty and result.accuracy.empty
    assert notes(result)[1] == (
        "There is too little to test the model on, so the naive forecast is shown."
    )


def test_more_promotions_than_values() -> None:
    months = pd.period_range("2020-01", periods=13, freq="M")
    plans = pd.DataFrame(np.eye(13)[:, :9], index=months).add_prefix("action ")
    result = forecast(walk(10), promotions=plans)
    assert result.model is None and result.chosen == "naive"
    assert result.table[MODEL].isna().all(axis=None)
    assert notes(result)[2] == "No model could be fitted, so the naive forecast is shown."


# --- use -----------------------------------------------------------------------------------------


def test_index_of_many_kinds() -> None:
    y = walk(12)

    def last(values: pd.Series) -> Any:
        return forecast(values, backtest=1)

    expected = last(y)
    text = last(y.set_axis(y.index.astype(str)))
    dates = last(y.set_axis(y.index.to_timestamp()))
    shuffled = last(y.sample(frac=1, random_state=0))
    for other in (text, dates, shuffled):
        pd.testing.assert_frame_equal(other.table, expected.table)
        pd.testing.assert_frame_equal(other.backtest, expected.backtest)
    numbered = last(y.set_axis(range(1, 13)))
    assert numbered.table["period"].tolist() == [13, 14, 15]
    close(numbered.table[MODEL], expected.table[MODEL])
    quarters = last(y.set_axis(pd.period_range("2020Q1", periods=12, freq="Q")))
    assert quarters.table["period"].tolist() == ["2023Q1", "2023Q2", "2023Q3"]
    later = last(y.mask(y.index < "2020-03"))
    assert later.history["period"].iloc[0] == "2020-03" and later.n_dropped == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"horizon": 0}, "horizon is 0: one period or more is needed"),
        ({"season": 1}, "season is 1: two periods or more are needed"),
        ({"model": "arima"}, "model is 'arima': 'auto', 'ets' or 'sarimax' is needed"),
        ({"bounds": (1, 0)}, "bounds are (1, 0): the lower first, then the higher"),
        ({"bounds": (0, 1)}, "column None holds 5"),
        ({"backtest": 0}, "backtest is 0: one period or more is needed"),
        ({"conf_level": 95}, "conf_level is 95: a share such as 0.95 is needed"),
        (
            {"model": "ets", "promotions": series([0, 1] * 8)},
            "model 'ets' takes no promotions: 'sarimax' does",
        ),
        (
            {"promotions": series([0, 1] * 6 + [0])},
            "promotions have no value for 2021-02, 2021-03: every period of the values and the 3 "
            "to come need one",
        ),
        (
            {"promotions": pd.Series([0, 1] * 8, index=range(16))},
            "promotions are at periods of int64, values at those of period[M]",
        ),
        (
            {"promotions": pd.Series([0, 1], index=["sale", "fair"])},
            "the index of promotions holds sale, fair: periods such as '2024-01', dates or whole "
            "numbers are needed",
        ),
    ],
)
def test_wrong_use(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as error:
        forecast(walk(12), **arguments)
    assert str(error.value).startswith(text)


def test_wrong_values() -> None:
    with pytest.raises(ValueError, match="a numeric column is needed"):
        forecast(pd.Series(["good"] * 9))
    with pytest.raises(ValueError, match="period 2020-01 occurs twice in values"):
        forecast(walk(9).set_axis(["2020-01"] * 9))
    dates = pd.to_datetime(["2020-01-05", "2020-02-17", "2020-02-18", "2020-07-01"])
    with pytest.raises(ValueError, match=r"the dates of values are not regular: give Periods, as"):
        forecast(pd.Series([1, 2, 3, 4], index=dates))


@settings(max_examples=25)
@given(
    values=st.lists(
        st.one_of(st.none(), st.integers(-5, 5), st.floats(-1e6, 1e6)), min_size=0, max_size=16
    ),
    season=st.sampled_from([None, 4]),
)
def test_any_series_gives_a_forecast_or_a_reason(values: list[Any], season: int | None) -> None:
    result = forecast(pd.Series(values, dtype=float), season=season, backtest=2)
    json.dumps(result.to_dict())
    assert (result.estimate is None) == (result.not_estimable is not None)
    if result.estimate is not None:
        low, high = result.table["conf_low"], result.table["conf_high"]
        assert (low <= result.table["estimate"]).all() and (result.table["estimate"] <= high).all()
        assert result.table[["estimate", "conf_low", "conf_high"]].notna().all(axis=None)
        assert len(result.table) == 3


@pytest.mark.parametrize("scale", [1e-4, 1e5])
def test_scale_and_shift_move_the_forecast_with_the_values(scale: float) -> None:
    y = walk(20, seed=12)
    plain, moved = forecast(y, backtest=2), forecast(scale * (y - 40), backtest=2)
    for columns in (MODEL, NAIVE):
        np.testing.assert_allclose(
            moved.table[columns] / scale + 40, plain.table[columns], rtol=1e-4
        )
    assert moved.chosen == plain.chosen
    close(moved.accuracy["mase"], plain.accuracy["mase"], 1e-3)


def test_more_gaps_than_values() -> None:
    months = pd.period_range("2023-01", periods=36, freq="M")
    sparse = pd.Series(np.nan, index=months)
    sparse.iloc[::4] = np.linspace(0.5, 0.6, 9)
    result = forecast(sparse, bounds=(0, 1))
    assert result.estimate is None and result.table.empty
    assert str(result.not_estimable) == (
        "Of 36 periods only 9 have a value: with more gaps than values there is no forecast."
    )
