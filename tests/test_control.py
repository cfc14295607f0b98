"""Control charts: centre, limits and signals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csat_stats.trends import control_chart
from csat_stats.trends.rules import RULES, breaks, false_alarms


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("control")


def series(values: Any) -> pd.Series:
    """One value a month from January 2020 on."""
    index = pd.period_range("2020-01", periods=len(values), freq="M")
    return pd.Series(np.asarray(values, dtype=float), index=index)


def close(actual: Any, expected: Any, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=1e-14)


def positions(chart: Any, rule: str) -> list[int]:
    """Points that break the rule, counted from 1."""
    return [i + 1 for i, names in enumerate(chart.table["signal"]) if rule in names.split(", ")]


def notes(chart: Any) -> list[str]:
    return [str(note) for note in chart.notes]


# --- shares ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "periods", "baseline"), [("all", 30, None), ("frozen", 54, 30)])
def test_p_chart_of_the_orange_juice_cans(
    reference: Any, case: str, periods: int, baseline: int | None
) -> None:
    data, expected = reference["orangejuice"], reference["orangejuice"][case]
    counts = series(data["D"][:periods])
    chart = control_chart(
        counts, n=pd.Series(data["n"], index=counts.index), kind="p", baseline=baseline
    )
    close(chart.estimate, expected["center"])
    close(chart.table["centre"], expected["center"])
    close(chart.table["lower"], expected["lower"])
    close(chart.table["upper"], expected["upper"])
    assert positions(chart, "beyond_limits") == expected["beyond"]
    assert positions(chart, "run_of_eight") == expected["runs"]
    assert (chart.baseline_periods, chart.n_used, chart.n_dropped) == (30, periods, 0)
    assert chart.n_signals == len(chart.signals) == len(expected["beyond"] + expected["runs"])


def test_p_and_laney_charts_of_the_drivers_killed(reference: Any) -> None:
    data = reference["drivers"]
    killed, n = series(data["killed"]), series(data["n"])
    plain = control_chart(killed, n=n, kind="p")
    close(plain.table["lower"], data["p"]["lower"])
    close(plain.table["upper"], data["p"]["upper"])
    assert positions(plain, "beyond_limits") == data["p"]["beyond"]
    assert positions(plain, "run_of_eight") == data["p"]["runs"]
    laney = control_chart(killed, n=n)
    assert (laney.kind, laney.conf_low) == ("laney", None)
    close(laney.estimate, data["pp"]["center"])
    close(laney.sigma_z, data["pp"]["sigma_z"])
    close(laney.table["lower"], data["pp"]["lower"])
    close(laney.table["upper"], data["pp"]["upper"])
    close(laney.p_dispersion, data["prop_test"]["p_value"], 1e-9)
    close(plain.p_dispersion, laney.p_dispersion)
    close(plain.sigma_z, laney.sigma_z)
    assert control_chart(killed, n=n, kind="laney").table.equals(laney.table)
    found = "The shares vary more than chance alone gives (σ_z = 1.20, χ² test p = .009). "
    assert found + "Laney's limits are used, which are wider." in notes(laney)
    assert found + "Laney's limits, which are wider, would suit them better." in notes(plain)


def test_limits_of_shares_stay_between_0_and_1() -> None:
    counts = series([0, 1, 0, 2, 0, 0, 1, 0, 1, 0])
    n = series([20] * 10)
    few = control_chart(counts, n=n)
    assert few.table["lower"].eq(0).all() and few.kind == "p"
    many = control_chart(n - counts, n=n)
    close(many.table["upper"], 1 - few.table["lower"])
    close(many.table["lower"], 1 - few.table["upper"])
    assert (
        "Periods in which fewer than 5 events, or fewer than 5 answers without one, are expected: "
        "10 of 10. Their limits are approximate." in notes(few)
    )


def test_auto_takes_the_p_chart_for_binomial_counts_and_laney_beyond() -> None:
    rng = np.random.default_rng(1)
    n = series([400] * 36)
    chance = control_chart(series(rng.binomial(400, 0.8, 36)), n=n)
    assert chance.kind == "p" and chance.p_dispersion > 0.05
    between = control_chart(series(rng.binomial(400, rng.beta(40, 10, 36))), n=n)
    assert between.kind == "laney" and between.sigma_z > 1
    steady = control_chart(series([320] * 36), n=n)  # less spread than chance gives
    assert steady.kind == "p" and steady.sigma_z == 0 and steady.p_dispersion == 1
    shifted = control_chart(series([300] * 18 + [350] * 18), n=n)
    assert shifted.kind == "p"  # a step is for the chart to find, not for its limits to swallow
    assert shifted.p_dispersion < 0.001 and shifted.sigma_z < 1


# --- individual values -----------------------------------------------------------------------


def test_individuals_chart_of_the_handbook(reference: Any) -> None:
    data = reference["flowrate"]
    chart = control_chart(series(data["values"]))
    assert chart.kind == "xmr" and chart.sigma_z is None and chart.p_dispersion is None
    printed = chart.table[["centre", "lower", "upper"]].round(4).drop_duplicates()
    assert printed.to_dict("records") == [data["nist"]]
    close(chart.estimate, data["i"]["center"])
    close(chart.table["lower"], data["i"]["lower"])
    close(chart.table["upper"], data["i"]["upper"])
    close(chart.table["moving_range_upper"], data["i"]["mr_upper"])
    close(chart.table["moving_range"][1:], np.abs(np.diff(data["values"])))
    assert np.isnan(chart.table["moving_range"][0])


def test_individuals_chart_of_the_tires(reference: Any) -> None:
    data = reference["tires"]
    table = control_chart(series(data["values"])).table
    for name in ("centre", "lower", "upper", "moving_range_upper"):
        np.testing.assert_allclose(table[name], data[name], atol=1e-4)
    np.testing.assert_allclose(table["moving_range"].mean(), data["moving_range"], atol=5e-7)


def test_frozen_baseline_of_the_nile(reference: Any) -> None:
    data = reference["nile"]
    values = series(data["values"])
    chart = control_chart(values, baseline=20)
    close(chart.estimate, data["i"]["center"])
    close(chart.table["lower"], data["i"]["lower"])
    close(chart.table["upper"], data["i"]["upper"])
    assert positions(chart, "beyond_limits") == data["beyond"]
    assert positions(chart, "run_of_eight") == data["runs"]
    first = {"period": "2022-12", "rule": "run_of_eight", "value": data["values"][35]}
    assert chart.signals.iloc[0].to_dict() == first
    assert "Centre and limits rest on 2020-01 to 2021-08 and hold for the other periods." in notes(
        chart
    )
    for labels in (("2020-01", "2021-08"), slice("2020-01", "2021-08"), slice(None, "2021-08")):
        pd.testing.assert_frame_equal(control_chart(values, baseline=labels).table, chart.table)
    assert control_chart(values).estimate == pytest.approx(values.mean())


def test_later_points_do_not_move_a_frozen_chart() -> None:
    values = series(np.random.default_rng(2).normal(50, 5, 20))
    moved = values.copy()
    moved.iloc[12:] += 100
    limits = ["centre", "lower", "upper"]
    before, after = (control_chart(x, baseline=12) for x in (values, moved))
    pd.testing.assert_frame_equal(before.table[limits], after.table[limits])
    assert positions(after, "beyond_limits") == list(range(13, 21))


def test_answers_do_not_change_an_individuals_chart_but_none_leave_a_period_out() -> None:
    values = series([4.1, 4.3, 4.2, 4.0, 4.4, 4.2, 4.1, 4.3, 4.5])
    n = series([30, 41, 25, 33, 28, 37, 30, 29, 0])
    chart = control_chart(values, n=n, kind="xmr")
    assert chart.table["n"].tolist() == n.tolist() and chart.n_dropped == 1
    close(chart.estimate, control_chart(values[:-1]).estimate)


# --- rules -----------------------------------------------------------------------------------


def by_hand(z: list[float], rule: str) -> list[bool]:
    hits, span, sigmas = RULES[rule]
    found = []
    for i in range(len(z)):
        last = z[max(0, i - span + 1) : i + 1]
        above = z[i] > sigmas and sum(x > sigmas for x in last) >= hits
        below = z[i] < -sigmas and sum(x < -sigmas for x in last) >= hits
        found.append(above or below)
    return found


@given(
    z=st.lists(
        st.sampled_from([-3.5, -2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 3.5]), min_size=1, max_size=30
    ),
    rule=st.sampled_from(list(RULES)),
)
def test_rules_are_what_their_names_say(z: list[float], rule: str) -> None:
    found = breaks(np.array(z), RULES[rule]).tolist()
    assert found == by_hand(z, rule)
    assert breaks(-np.array(z), RULES[rule]).tolist() == found


def test_each_rule_finds_its_own_pattern() -> None:
    one = dict.fromkeys(RULES)
    one["beyond_limits"] = [0.5, -3.1, 0.5]
    one["two_of_three_beyond_two_sigma"] = [2.1, 0.5, 2.1]
    one["four_of_five_beyond_one_sigma"] = [1.1, 1.1, -0.5, 1.1, 1.1]
    one["run_of_eight"] = [0.1] * 8
    for rule, z in one.items():
        found = {name: breaks(np.array(z), RULES[name]).any() for name in RULES}
        assert found == {name: name == rule for name in RULES}
    assert not breaks(np.array([0.1] * 7 + [0.0] + [0.1] * 7), RULES["run_of_eight"]).any()


@pytest.mark.parametrize("rule", RULES)
def test_expected_false_alarms_are_those_of_unchanged_processes(rule: str) -> None:
    z = np.random.default_rng(0).normal(size=(4000, 24))
    per_run = np.array([breaks(row, RULES[rule]).sum() for row in z])
    error = per_run.std() / np.sqrt(len(per_run))
    assert abs(per_run.mean() - false_alarms(24, [rule])) < 3.5 * error


def test_false_alarms_in_closed_form() -> None:
    close(false_alarms(100, ["beyond_limits"]), 100 * 0.0026997960632601866)
    close(false_alarms(100, ["run_of_eight"]), 93 / 128)
    assert false_alarms(7, ["run_of_eight"]) == 0 and false_alarms(0, RULES) == 0
    close(false_alarms(30, RULES), sum(false_alarms(30, [rule]) for rule in RULES))


def test_the_result_says_how_many_signals_to_expect() -> None:
    chart = control_chart(series([10, 12, 11, 13, 9, 11, 10, 12, 11, 30]), rules=list(RULES))
    close(chart.false_alarms, false_alarms(10, RULES))
    assert notes(chart)[-1] == (
        "Had nothing changed, these rules would give 0.10 signals on average over 10 periods."
    )
    assert chart.signals["rule"].tolist() == ["beyond_limits"]


# --- gaps and what data cannot support ---------------------------------------------------------


def test_a_period_without_answers_is_passed_over() -> None:
    counts = series([40, 41, 39, 45, np.nan, 44, 46, 0, 45, 44, 47, 45, 46])
    n = series([50, 50, 50, 50, 50, 50, 50, 0, 50, 50, 50, 50, 50])
    chart = control_chart(counts, n=n, baseline=("2020-01", "2020-03"))
    gaps = chart.table["value"].isna()
    assert chart.table["period"][gaps].tolist() == ["2020-05", "2020-08"]
    assert chart.table.loc[gaps, ["lower", "upper"]].isna().all(axis=None)
    assert (chart.table["signal"][gaps] == "").all() and chart.n_dropped == 2
    assert positions(chart, "run_of_eight") == [13]
    assert notes(chart)[:3] == [
        "Periods without answers have no point: 2020-05, 2020-08.",
        "Centre and limits rest on 2020-01 to 2020-03 and hold for the other periods.",
        "The limits are provisional: they rest on 3 periods, fewer than 8.",
    ]
    kept = ~gaps.to_numpy()
    pressed = control_chart(
        counts[kept].set_axis(range(11)), n=n[kept].set_axis(range(11)), baseline=3
    )
    assert pressed.table["signal"].tolist() == chart.table["signal"][kept].tolist()


def test_a_month_left_out_of_the_index_is_a_gap_too() -> None:
    values = series([10, 12, 11, 13, 9, 11, 10, 12, 11, 14])
    emptied = values.mask(values.index == "2020-04")
    without = control_chart(values.drop(pd.Period("2020-04")))
    pd.testing.assert_frame_equal(without.table, control_chart(emptied).table)
    assert without.notes == control_chart(emptied).notes


def test_too_few_periods() -> None:
    needs = "The baseline has {} periods with answers: a chart needs {} or more."
    one = control_chart(series([4, 5, 6]), n=series([10, 10, 10]), baseline=1)
    assert str(one.not_estimable) == needs.format(1, 2)
    assert (one.estimate, one.n_signals, one.false_alarms) == (None, None, None)
    assert one.table["value"].tolist() == [0.4, 0.5, 0.6]
    two = control_chart(series([4, 5]), n=series([10, 10]))
    assert two.kind == "p" and two.estimate == 0.45
    laney = control_chart(series([4, 5]), n=series([10, 10]), kind="laney")
    assert str(laney.not_estimable) == needs.format(2, 3)
    assert str(control_chart(series([4, 5])).not_estimable) == needs.format(2, 3)
    assert control_chart(series([4, 5, 4])).not_estimable is None
    assert str(control_chart(series([])).not_estimable) == needs.format(0, 3)
    missing = control_chart(series([np.nan] * 5))
    assert str(missing.not_estimable) == needs.format(0, 3) and missing.n_dropped == 5


@pytest.mark.parametrize(
    "chart",
    [
        lambda: control_chart(series([0] * 12), n=series([30] * 12)),
        lambda: control_chart(series([30] * 12), n=series([30] * 12)),
        lambda: control_chart(series([0] * 11 + [5]), n=series([30] * 12), baseline=11),
        lambda: control_chart(series([15] * 12), n=series([30] * 12), kind="laney"),
        lambda: control_chart(series([4.2] * 12)),
        lambda: control_chart(series([0.1 + 0.2, 0.3] * 6)),
    ],
)
def test_nothing_varies(chart: Callable[[], Any]) -> None:
    result = chart()
    assert str(result.not_estimable) == (
        "Nothing varies over the baseline, so there is nothing to set limits by."
    )
    assert result.table["signal"].eq("").all() and result.table["centre"].isna().all()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"kind": "p"}, "kind 'p' needs n, the number of answers in each period"),
        ({"kind": "c"}, "kind is 'c': 'auto', 'p', 'laney' or 'xmr' is needed"),
        ({"rules": []}, "rules is []: some of ['beyond_limits', "),
        ({"rules": ["nelson"]}, "rules is ['nelson']: some of ['beyond_limits', "),
        ({"baseline": 0}, "baseline is 0: there are 3 periods"),
        ({"baseline": 4}, "baseline is 4: there are 3 periods"),
        ({"baseline": ("spring", "summer")}, "baseline is ('spring', 'summer'): labels of "),
        ({"baseline": ("2020-01",)}, "baseline is ('2020-01',): labels of periods are needed"),
        ({"n": pd.Series([5, 5, 5])}, "values and n have different indexes: align them first"),
        ({"n": series([5, 1, 5])}, "column None holds 2 in row 2020-02: counts no greater than n"),
        ({"n": series([5, 0, 5])}, "column None holds 2 in row 2020-02: counts no greater than n"),
        ({"n": series([5, -1, 5])}, "column None holds -1 in row 2020-02: numbers of answers"),
    ],
)
def test_wrong_use(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as error:
        control_chart(series([1, 2, 3]), **arguments)
    assert str(error.value).startswith(text)


def test_wrong_values() -> None:
    with pytest.raises(ValueError, match=r"holds 0.8 in row 2020-01.*: whole counts of events"):
        control_chart(series([0.8, 0.9]), n=series([10, 10]))
    with pytest.raises(ValueError, match="a numeric column is needed"):
        control_chart(pd.Series(["good", "bad"]))
    with pytest.raises(ValueError, match="period 2020-01 occurs twice"):
        control_chart(series([1, 2, 3]).set_axis(pd.PeriodIndex(["2020-01"] * 3, freq="M")))
    with pytest.raises(ValueError, match="the periods are not in order of time: sort them first"):
        control_chart(series([1, 2, 3])[::-1])


# --- algebra -----------------------------------------------------------------------------------


@given(
    values=st.lists(st.integers(-100, 100), min_size=3, max_size=30),
    scale=st.sampled_from([0.01, 1.0, 250.0]),
    shift=st.integers(-50, 50),
)
def test_scale_and_shift_move_a_chart_and_leave_its_signals(
    values: list[int], scale: float, shift: int
) -> None:
    plain = control_chart(pd.Series(values, dtype=float), rules=list(RULES))
    moved = control_chart(scale * pd.Series(values, dtype=float) + shift, rules=list(RULES))
    assert (plain.not_estimable is None) == (moved.not_estimable is None)
    if plain.estimate is not None:
        for name in ("centre", "lower", "upper"):
            np.testing.assert_allclose(
                moved.table[name], scale * plain.table[name] + shift, rtol=1e-9, atol=1e-9
            )
        table = plain.table
        z = 3 * (table["value"] - table["centre"]) / (table["upper"] - table["centre"])
        if not np.isclose(z.abs().to_numpy()[:, None], [0, 1, 2, 3]).any():  # on no line
            assert moved.signals["rule"].tolist() == plain.signals["rule"].tolist()


@given(
    counts=st.lists(st.integers(0, 20), min_size=1, max_size=30),
    sizes=st.lists(st.integers(0, 40), min_size=30, max_size=30),
    kind=st.sampled_from(["auto", "p", "laney"]),
)
def test_any_counts_give_a_chart_or_a_reason(
    counts: list[int], sizes: list[int], kind: Any
) -> None:
    n = pd.Series([max(c, s) for c, s in zip(counts, sizes, strict=False)])
    chart = control_chart(pd.Series(counts), n=n, kind=kind, rules=list(RULES))
    json.dumps(chart.to_dict())
    assert chart.n_used + chart.n_dropped == len(counts) == len(chart.table)
    assert (chart.estimate is None) == (chart.not_estimable is not None)
    if chart.estimate is not None:
        points = chart.table.dropna(subset="value")
        assert points["lower"].between(0, chart.estimate).all()
        assert points["upper"].between(chart.estimate, 1).all()
        assert len(chart.signals) == points["signal"].str.split(", ").explode().ne("").sum()


def test_dates_and_names_are_shown_as_they_are() -> None:
    values = [10, 12, 11, 13, 9, 11, 10, 12]
    dates = pd.date_range("2024-01-31", periods=8, freq="ME")
    assert control_chart(pd.Series(values, index=dates)).table["period"].tolist() == list(dates)
    named = control_chart(pd.Series(values, index=list("hgfedcba")), baseline=("h", "e"))
    assert named.table["period"].tolist() == list("hgfedcba") and named.baseline_periods == 4
