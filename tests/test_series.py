"""Interrupted time series against R, and series that cannot answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from references import oracle
from scipy import stats

from csat_stats.effects import interrupted_time_series
from csat_stats.effects._lines import autoregressive, newey_west, segmented

REFERENCE = oracle("series")
SEASONS = {"seatbelts": 12}
TERMS = ["level_before", "slope_before", "level_change", "slope_change"]
FIGURES = ["estimate", "std_error", "conf_low", "conf_high", "statistic", "df", "p_value"]
NO_CONTROL = "There is no control series: whatever else changed about {} is part of these figures."


def notes(result: Any) -> list[str]:
    return [str(note) for note in result.notes]


def case(name: str, **options: Any) -> Any:
    given_ = REFERENCE[name]
    values = pd.Series(given_["y"], index=given_["t"])
    if "w" in given_:
        options["n"] = pd.Series(given_["w"], index=given_["t"])
    return interrupted_time_series(values, given_["start"], season=SEASONS.get(name), **options)


def series(length: int = 24, seed: int = 0, r: float = 0.3) -> pd.Series:
    """Months from January 2023 with residuals of autocorrelation r about a level of 70."""
    shocks = np.random.default_rng(seed).normal(size=length + 50)
    values = np.zeros_like(shocks)
    for i in range(1, len(shocks)):
        values[i] = r * values[i - 1] + shocks[i]
    months = pd.period_range("2023-01", periods=length, freq="M")
    return pd.Series(70 + values[50:], index=months)


def check_figures(result: Any, expected: dict[str, Any], df: Any, rtol: float) -> None:
    """Three combinations in every field that shows them, by t on ``df``."""
    coefficients = result.coefficients.set_index("term")
    assert list(result.coefficients) == ["term", *FIGURES]
    own = [term for term in coefficients.index if term not in ("slope_after", "effect_at_end")]
    assert own[:4] == TERMS
    assert_allclose(coefficients.loc[own, "estimate"], expected["coef"], rtol=rtol)
    assert_allclose(coefficients.loc[own, "std_error"], expected["std_error"], rtol=rtol)
    shown = coefficients.loc[["level_change", "slope_change", "effect_at_end"]]
    assert_allclose(shown["estimate"], expected["combined"], rtol=rtol)
    assert_allclose(shown["std_error"], expected["combined_se"], rtol=rtol)
    assert_allclose(shown["df"], df, rtol=max(rtol, 1e-5))
    assert_allclose(shown["statistic"], shown["estimate"] / shown["std_error"], rtol=1e-12)
    for name in FIGURES:
        assert getattr(result, name) == shown.loc["level_change", name]
    assert result.level_change == result.estimate
    for term in ("slope_change", "effect_at_end"):
        assert getattr(result, term) == shown.loc[term, "estimate"]
        for field, column in (
            ("low", "conf_low"),
            ("high", "conf_high"),
            ("p_value", "p_value"),
        ):
            assert getattr(result, f"{term}_{field}") == shown.loc[term, column]
    after = coefficients.loc["slope_after", "estimate"]
    assert_allclose(after, coefficients.loc[TERMS[1::2], "estimate"].sum(), rtol=1e-12)


@pytest.mark.parametrize("name", ["nile", "nile_weighted", "seatbelts", "short"])
def test_newey_west_is_that_of_sandwich(name: str) -> None:
    expected = REFERENCE[name]["newey_west"]
    result = case(name, errors="newey_west", lags=expected["lag"])
    check_figures(result, expected, expected["df"], 1e-9)
    assert result.lags == expected["lag"]
    assert case(name, errors="newey_west").lags == expected["default_lag"]
    if name != "nile_weighted":
        assert_allclose(result.ljung_box_p_value, expected["ljung"], rtol=1e-9, atol=1e-15)
    t = stats.t(expected["df"])
    assert_allclose(result.p_value, 2 * t.sf(abs(result.statistic)), rtol=1e-9)
    assert_allclose(result.conf_high, result.estimate + t.ppf(0.975) * result.std_error, rtol=1e-9)


@pytest.mark.parametrize("name", ["nile", "nile_gaps", "nile_weighted", "seatbelts", "short"])
def test_autoregressive_lines_are_those_of_gls(name: str) -> None:
    expected, given_ = REFERENCE[name]["ar1"], REFERENCE[name]
    result = case(name)
    assert_allclose(result.autocorrelation, expected["rho"], rtol=1e-5)
    check_figures(result, expected, expected["df"], 1e-5)
    assert_allclose(result.ljung_box_p_value, expected["ljung"], rtol=1e-4)
    assert result.lags is None
    table = result.table
    assert list(table) == [
        *("period", "time", "observed", "fitted"),
        *("counterfactual", "counterfactual_low", "counterfactual_high", "n"),
    ]
    assert_allclose(table["fitted"], expected["fitted"], rtol=1e-6)
    assert list(table["observed"]) == given_["y"]
    assert list(table["period"]) == given_["t"]
    assert_allclose(table["time"], np.array(given_["t"]) - given_["t"][0])
    after = table["period"] >= given_["start"]
    assert (result.n_before, result.n_after) == ((~after).sum(), after.sum())
    assert result.n_used == len(table) and result.n_dropped == 0
    assert table.loc[~after, "counterfactual"].isna().all()
    gap = (table["fitted"] - table["counterfactual"])[after]
    assert_allclose(gap.iloc[-1], result.effect_at_end, rtol=1e-9)
    assert_allclose(gap.iloc[0], result.level_change, rtol=1e-9)
    assert (table["counterfactual_low"] < table["counterfactual"])[after].all()
    assert_allclose(
        table["counterfactual_high"] + table["counterfactual_low"], 2 * table["counterfactual"]
    )
    assert table["n"].isna().all() == ("w" not in given_)


def test_methods_and_notes() -> None:
    assert str(case("nile").method) == (
        "Segmented regression by generalised least squares, autocorrelated from period to period "
        "(restricted maximum likelihood), with t intervals on Satterthwaite's degrees of freedom; "
        "all periods weigh alike; periods without a value are left out."
    )
    assert str(case("short", errors="newey_west").method) == (
        "Segmented regression by least squares with Newey–West errors of 3 lags and t intervals; "
        "all periods weigh alike; periods without a value are left out."
    )
    assert "each period weighs by its answers" in str(case("nile_weighted").method)
    assert notes(case("nile")) == [NO_CONTROL.format(1899)]
    assert notes(case("short", errors="newey_west"))[1:] == [
        "Newey–West errors are made for long series: with 36 periods they tend to be too small."
    ]
    assert notes(case("nile_gaps")) == [
        NO_CONTROL.format(1899),
        "5 of the 100 periods from 1871 to 1970 have no value: they are left out and keep their "
        "place in time.",
    ]
    left = case("seatbelts")
    assert notes(left)[1:] == [
        "The periods hang together in a way that the two lines do not describe (Ljung–Box test, p "
        "< .001): a season, or a curve. Look at the chart before quoting figures."
    ]


def test_a_month_without_answers_is_a_gap_in_time() -> None:
    full = series()
    answers = pd.Series(50.0, index=full.index)
    expected = interrupted_time_series(full.drop(full.index[[5, 15]]), "2024-01")
    nothing = full.copy()
    nothing.iloc[[5, 15]] = np.nan
    by_value = interrupted_time_series(nothing, "2024-01")
    answers.iloc[[5, 15]] = [0, np.nan]
    by_answers = interrupted_time_series(full, "2024-01", n=answers)
    for result in (by_value, by_answers):
        assert_allclose(result.estimate, expected.estimate, rtol=1e-9)
        assert_allclose(result.conf_low, expected.conf_low, rtol=1e-9)
        assert_allclose(result.effect_at_end_high, expected.effect_at_end_high, rtol=1e-9)
        assert (result.n_used, result.n_dropped) == (22, 2)
        assert len(result.table) == 24 and result.table["fitted"].notna().all()
    assert expected.n_dropped == 0
    assert notes(expected) == notes(by_value) == notes(by_answers)
    assert notes(expected)[1] == (
        "2 of the 24 periods from 2023-01 to 2024-12 have no value: they are left out and keep "
        "their place in time."
    )
    # not a shift: an exact line with a hole has no turn
    line = pd.Series(np.arange(24.0), index=full.index) + np.tile([0.1, -0.1], 12)
    holed = interrupted_time_series(line.drop(line.index[8:11]), "2024-01")
    assert abs(holed.slope_change) < 0.02 and abs(holed.estimate) < 0.15


def test_dates_periods_categories_and_order_are_the_same() -> None:
    values = series()
    expected = interrupted_time_series(values, "2024-01").to_dict()
    dates = values.set_axis(values.index.to_timestamp(how="end").normalize())
    numbers = values.set_axis(np.arange(24))
    names = pd.CategoricalIndex([f"w{i:02}" for i in range(24)], ordered=True)
    for other, start in (
        (values[::-1], pd.Timestamp("2024-01-17")),
        (dates, "2024-01-31"),
        (dates.tz_localize("Asia/Shanghai"), pd.Timestamp("2024-01-03", tz="Asia/Shanghai")),
        (values.set_axis(values.index.asfreq("M")), pd.Period("2024-01-09", freq="D")),
        (numbers, 12),
        (numbers * 1, 11.5),
        (values.set_axis(names), "w12"),
    ):
        result = interrupted_time_series(other, start)
        assert_allclose(result.slope_change, expected["slope_change"], rtol=1e-6)
        if start != 11.5:  # there the jump is half a period earlier
            assert_allclose(result.estimate, expected["estimate"], rtol=1e-6)
        assert_allclose(result.effect_at_end, expected["effect_at_end"], rtol=1e-6)
    quarters = pd.Series(
        np.r_[1.0, 2, 1, 2, 5, 6, 5, 7], pd.date_range("2023", periods=8, freq="QS")
    )
    assert list(interrupted_time_series(quarters, "2024-02").table["time"]) == list(range(8))


def test_a_control_series() -> None:
    values, control = series(seed=1), series(seed=2)
    result = interrupted_time_series(values, "2024-01", control=control)
    expected = interrupted_time_series(values - control, "2024-01")
    pd.testing.assert_frame_equal(result.table, expected.table)
    pd.testing.assert_frame_equal(result.coefficients, expected.coefficients)
    assert notes(result) == [
        "The difference from the control series is analysed: what moved both alike drops out."
    ]
    control.iloc[3] = np.nan
    assert interrupted_time_series(values, "2024-01", control=control).n_used == 23


def test_a_season_is_taken_out() -> None:
    turn = 2 * np.pi * np.arange(48) / 12
    values = series(48) + 5 * np.cos(turn) + 3 * np.sin(2 * turn)
    plain = interrupted_time_series(values, "2025-01")
    seasonal = interrupted_time_series(values, "2025-01", season=12)
    assert seasonal.std_error < plain.std_error / 2
    coefficients = seasonal.coefficients.set_index("term")["estimate"]
    assert list(coefficients.index) == [
        *TERMS,
        *("season_cos_1", "season_sin_1", "season_cos_2", "season_sin_2"),
        *("slope_after", "effect_at_end"),
    ]
    assert abs(coefficients["season_cos_1"] - 5) < 0.6
    assert abs(coefficients["season_sin_2"] - 3) < 0.6
    four = interrupted_time_series(values, "2025-01", season=4)
    assert "season_sin_2" not in list(four.coefficients["term"])


def test_few_periods() -> None:
    result = interrupted_time_series(series(10), "2023-06")
    assert notes(result) == [
        NO_CONTROL.format("2023-06"),
        "There are 10 periods only: with fewer than 12 a single odd period can decide the result.",
    ]
    assert len(notes(interrupted_time_series(series(12), "2023-06"))) == 1
    assert interrupted_time_series(series(8), "2023-04").estimate is not None


def test_a_wandering_series_is_doubted() -> None:
    values = pd.Series(np.cumsum(np.random.default_rng(4).normal(size=200)))
    result = interrupted_time_series(values, 100)
    assert result.autocorrelation > 0.8
    assert notes(result)[1] == (
        "Neighbouring periods resemble each other so much (autocorrelation "
        f"{result.autocorrelation:.2f}) that a jump can hardly be told from drift."
    )


def test_what_a_series_cannot_answer() -> None:
    def reason(values: pd.Series, start: Any, **options: Any) -> str:
        result = interrupted_time_series(values, start, **options)
        assert result.estimate is None and result.effect_at_end is None
        assert result.coefficients.empty and len(result.table) == len(values)
        return str(result.not_estimable)

    values = series()
    assert reason(values, "2025-03") == (
        "The action is dated 2025-03, after the last period with a value (2024-12), so nothing has "
        "been measured since."
    )
    assert reason(values, "2023-01") == (
        "The action is dated 2023-01, and the first period with a value is 2023-01, so nothing was "
        "measured before it."
    )
    assert reason(values, "2020-01").startswith("The action is dated 2020-01, and the first")
    least = (
        "The series has {} periods with a value before the action and {} from it on; it needs 8 in "
        "all and 3 on either side."
    )
    assert reason(values[:7], "2023-04") == least.format(3, 4)
    assert reason(values, "2023-03") == least.format(2, 22)
    assert reason(values, "2024-11") == least.format(22, 2)
    assert reason(values[:0], "2024-11") == least.format(0, 0)
    assert reason(values * np.nan, "2024-01") == least.format(0, 0)
    assert reason(pd.Series([], dtype=float), 3) == least.format(0, 0)
    assert reason(values, "2024-01", n=pd.Series(0, values.index)) == least.format(0, 0)
    assert reason(values[:10], "2023-06", season=12) == (
        "10 periods are too few, or too unevenly spread, for a season of 12 periods beside the "
        "lines."
    )
    yearly = pd.Series(values.to_numpy(), index=12 * np.arange(24))
    assert "too unevenly spread, for a season of 12" in reason(yearly, 144, season=12)
    flat = "Nothing varies around the lines, so chance cannot be judged."
    assert reason(values * 0 + 4, "2024-01") == flat
    assert reason(pd.Series(np.arange(20.0)), 10, errors="newey_west") == flat


def test_wrong_use() -> None:
    values = series()

    def refused(match: str, given_: pd.Series = values, **options: Any) -> None:
        with pytest.raises(ValueError, match=match):
            interrupted_time_series(given_, **{"start": "2024-01", **options})

    refused("errors is 'hac': ar1 or newey_west is needed", errors="hac")
    refused("lags is 3: it takes errors='newey_west', and 0 or more", lags=3)
    refused("lags is -1: it takes", lags=-1, errors="newey_west")
    refused("season is 1: its periods, 2 or more, are needed", season=1)
    refused("n and values have different indexes: align them first", n=values[:-1])
    refused("control and values have different indexes", control=values[::-1])
    refused("column 'n' holds -1 in row 2023-01, .*: answers of 0 or more", n=values * 0 - 1)
    refused("column 'values' holds 'a': a numeric column", values.astype(object).map(lambda _: "a"))
    refused("period 2023-01 occurs twice: one value a period", pd.concat([values, values[:1]]))
    refused("start is 'soon': a date or period is needed", start="soon")
    refused("start is None: a date or period is needed", start=None)
    refused("a period is 'a': numbers, dates", values.set_axis(list("abcdefghijklmnopqrstuvwx")))
    gone = values.set_axis([np.nan, *range(23)])
    refused("a period has no label: name it or leave it out", gone, start=9)
    refused("start is '2024-01': a number like those of the periods", values.set_axis(range(24)))
    refused("conf_level is 95", conf_level=95)


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 10), min_size=8, max_size=30),
    st.integers(3, 5),
    st.floats(-5, 5),
    st.sampled_from(["ar1", "newey_west"]),
)
def test_scale_trend_and_weights_change_nothing_else(
    values: list[int], start: int, tilt: float, errors: Any
) -> None:
    y = pd.Series(values, dtype=float)
    result = interrupted_time_series(y, start, errors=errors)
    moved = interrupted_time_series(
        3 - 2 * y + tilt * y.index, start, errors=errors, n=pd.Series(7, y.index)
    )
    if result.estimate is None or moved.estimate is None:
        return
    size = max(abs(result.conf_low), abs(result.conf_high), 1.0)
    assert_allclose(moved.estimate, -2 * result.estimate, atol=1e-4 * size)
    assert_allclose(moved.std_error, 2 * result.std_error, rtol=1e-3, atol=1e-9)
    assert_allclose(moved.slope_change, -2 * result.slope_change, atol=1e-4 * size)


def test_intervals_hold_what_they_promise() -> None:
    """Coverage over series of 36 months, autocorrelation 0.3, action half-way."""
    time, ones = np.arange(36.0), np.ones(36)
    x, _ = segmented(time, 18, None)
    sums = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 17]], dtype=float)
    coef = np.array([70, 0, 1.5, 0.2])
    held = {"ar1": np.zeros(3), "newey_west": np.zeros(3)}
    draws = 800
    for seed in range(draws):
        y = series(36, seed=seed).to_numpy() + x @ coef - 70
        fits = {
            "ar1": autoregressive(x, y, ones, time),
            "newey_west": newey_west(x, y, ones, time, 3),
        }
        for name, lines in fits.items():
            assert lines is not None
            shown = [lines.combine(by, 0.95) for by in sums]
            ends = np.array([(line["conf_low"], line["conf_high"]) for line in shown])
            truth = sums @ coef
            held[name] += (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    text = ", ".join(f"{name} {np.round(count / draws, 3)}" for name, count in held.items())
    assert ((held["ar1"] / draws > 0.92) & (held["ar1"] / draws < 0.98)).all(), text
    # what the docstring says of Newey–West errors, and why they are not the default
    assert (held["newey_west"] / draws < 0.88).all(), text


def test_the_result_has_the_intervals_of_these_lines() -> None:
    values = series(36)
    result = interrupted_time_series(values, "2024-07")
    time = np.arange(36.0)
    x, names = segmented(time, 18, None)
    lines = autoregressive(x, values.to_numpy(), np.ones(36), time)
    assert lines is not None and names == TERMS
    jump = lines.combine(np.eye(4)[2], 0.95)
    assert (result.conf_low, result.conf_high) == (jump["conf_low"], jump["conf_high"])
