"""Problems over time against R, the rule of the verdicts, and what data cannot support."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from csat_stats.trends import problem_trends

SMALL = ["worsening", "recurring", "improving", "rare"]


@pytest.fixture(scope="module")
def reference(oracle):
    return oracle("trends_waves")["problems"]


def column(counts, n):
    """0/1 answers with these cases in each period, the periods one below the other."""
    return np.concatenate([np.repeat([1, 0], [x, m - x]) for x, m in zip(counts, n, strict=True)])


def frame_of(cases):
    n = next(iter(cases.values()))["n"]
    problems = pd.DataFrame({name: column(case["x"], n) for name, case in cases.items()})
    return problems, pd.Series(np.repeat(next(iter(cases.values()))["t"], n))


def follow(counts, n, **options):
    """One problem with these cases over periods 1, 2, …"""
    problems = pd.DataFrame({"late": column(counts, n)})
    return problem_trends(problems, np.repeat(np.arange(1, len(n) + 1), n), **options)


def state(counts, n, **options):
    return follow(counts, n, **options).verdicts["state"].item()


def compare(verdict, rows, case):
    z = np.sign(case["slope"]) * np.sqrt(case["chisq"])
    assert_allclose([verdict["statistic"], verdict["p_value"]], [z, case["p"]], rtol=1e-9)
    for name in ("slope", "slope_low", "slope_high"):
        assert_allclose(verdict[name], case[name], rtol=1e-9)
    for name in ("change", "change_low", "change_high"):
        assert_allclose(verdict[name], case[name], rtol=1e-9)
    shown = rows[rows["n"] > 0]
    assert shown["n"].tolist() == case["n"] and shown["n_with"].tolist() == case["x"]
    assert_allclose(shown["estimate"], np.divide(case["x"], case["n"]), rtol=1e-12)
    assert_allclose(shown["conf_low"], case["low"], rtol=1e-9, atol=1e-12)
    assert_allclose(shown["conf_high"], case["high"], rtol=1e-9)


# --- against R -------------------------------------------------------------------------------


def test_verdicts_as_in_r(reference):
    problems, period = frame_of({name: reference[name] for name in SMALL})
    result = problem_trends(problems, period)
    for _, verdict in result.verdicts.iterrows():
        name = verdict["problem"]
        compare(verdict, result.table[result.table["problem"] == name], reference[name])
        assert verdict["state"] == name
        assert_allclose(verdict["p_holm"], reference["p_holm"][name], rtol=1e-9)
    assert result.verdicts["periods_above"].tolist() == [4, 5, 4, 0]
    assert result.verdicts["n_periods"].tolist() == [5] * 4
    assert (result.n_used, result.n_dropped, result.estimate) == (len(problems), 0, None)
    assert [str(note) for note in result.notes] == [
        "Fewer than 10 respondents with the problem, or without it, so its test is rough: rare."
    ]


@pytest.mark.parametrize("name", ["smokers", "gap", "two"])
def test_one_problem_as_in_r(reference, name):
    problems, period = frame_of({name: reference[name]})
    if name == "gap":  # months 1, 2 and 6
        period = pd.Series(pd.PeriodIndex("2024-" + period.astype(str), freq="M"))
    result = problem_trends(problems, period)
    compare(result.verdicts.iloc[0], result.table, reference[name])
    if name == "gap":
        assert result.table["n"].tolist() == [70, 64, 0, 0, 0, 80]
        assert [str(note) for note in result.notes] == [
            "There are no answers in 2024-03, 2024-04, 2024-05: changes are between the periods "
            "that have some."
        ]


def test_the_airline_sample_as_in_r(reference, reference_data):
    raw = reference_data("airline_sample")
    wave = pd.cut(raw["Age"], [-np.inf, 29, 39, 49, np.inf], labels=["w1", "w2", "w3", "w4"])
    items = raw[list(reference["airline"])]
    problems = (items <= 2).astype("boolean").mask(items == 0)
    result = problem_trends(problems, wave)
    for _, verdict in result.verdicts.iterrows():
        name = verdict["problem"]
        rows = result.table[result.table["problem"] == name]
        compare(verdict, rows, reference["airline"][name])
        assert_allclose(verdict["p_holm"], reference["airline_holm"][name], rtol=1e-9)


# --- the rule --------------------------------------------------------------------------------


def test_the_states():
    n = [50] * 6
    assert state([5, 5, 5, 5, 5, 5], n) == "recurring"  # 10% in each period
    assert state([5, 4, 5, 4, 4, 5], n) == "recurring"  # in half of them, and the latest
    assert state([5, 5, 5, 5, 5, 4], n) == "stable"  # not in the latest
    assert state([4, 4, 5, 4, 4, 5], n) == "stable"  # in a third
    assert state([4, 4, 5, 4, 4, 5], n, recurring_share=1 / 3) == "recurring"
    assert state([4, 4, 4, 4, 4, 4], n) == "rare"
    assert state([4, 4, 4, 4, 4, 4], n, recurring_from=0.08) == "recurring"
    assert state([0] * 6, n) == "rare"
    assert state([50] * 6, n) == "recurring"
    assert state([1, 3, 6, 9, 14, 20], n) == "worsening"
    assert state([20, 14, 9, 6, 3, 1], n) == "improving"
    assert state([1, 1, 2, 3, 4, 6], n, conf_level=0.99) == "stable"
    assert state([1, 1, 2, 3, 4, 6], n) == "worsening"
    assert state([50], [50]) == "not_estimable"


def test_holm_decides_over_all_problems():
    one = column([1, 1, 2, 3, 4, 6], [50] * 6)
    period = np.repeat(range(6), 50)
    flat = column([4] * 6, [50] * 6)
    many = pd.DataFrame({"late": one, **{f"other {k}": flat for k in range(9)}})
    result = problem_trends(many, period).verdicts
    assert result.loc[0, "p_value"] < 0.05 < result.loc[0, "p_holm"]
    assert result.loc[0, "state"] == "stable"


def test_the_rule_is_in_the_method():
    text = str(follow([1, 2], [30, 30], recurring_from=0.15).method)
    assert text == (
        "Share of respondents with each problem by period with Wilson's interval, trend by the "
        "Cochran–Armitage test with Holm's correction over the problems, unweighted. Worsening and "
        "improving: corrected p below 0.05; recurring: no trend, and 15% or more in the latest "
        "period and in at least 50% of the periods; rare: below 15% in all of them. Missing "
        "answers are left out problem by problem."
    )


def test_weights_count_at_the_effective_n():
    problems = pd.DataFrame({"late": column([5, 9, 14], [40, 40, 40])})
    period = np.repeat([1, 2, 3], 40)
    plain = problem_trends(problems, period)
    same = problem_trends(problems, period, weights=pd.Series(2.5, problems.index))
    pd.testing.assert_frame_equal(plain.verdicts, same.verdicts, rtol=1e-9)
    pd.testing.assert_frame_equal(plain.table, same.table, rtol=1e-9)
    # weights 1 and 3 in turn: Kish's n is 160²/400 = 64 of 80, shares stay those of each half
    doubled = pd.concat([problems, problems], ignore_index=True)
    weights = pd.Series(np.repeat([1, 3], 120))
    weighted = problem_trends(doubled, np.tile(period, 2), weights=weights)
    z = plain.verdicts["statistic"].item() * np.sqrt(64 / 40)
    assert weighted.verdicts["statistic"].item() == pytest.approx(z)
    assert weighted.verdicts["slope"].item() == pytest.approx(plain.verdicts["slope"].item())
    assert weighted.table["n"].tolist() == [80] * 3
    assert "weighted, at the effective n of Kish" in str(weighted.method)
    none = problem_trends(problems, period, weights=pd.Series(period != 2, dtype=float))
    assert (none.n_used, none.n_dropped) == (80, 40) and none.table["n"].tolist() == [40, 0, 40]


@settings(max_examples=60)
@given(st.data())
def test_order_and_direction(data):
    n = data.draw(st.integers(1, 40))
    values = data.draw(st.lists(st.sampled_from([0, 1, None]), min_size=n, max_size=n))
    period = np.array(data.draw(st.lists(st.integers(1, 5), min_size=n, max_size=n)))
    weights = pd.Series(data.draw(st.lists(st.sampled_from([0, 1, 3]), min_size=n, max_size=n)))
    problems = pd.DataFrame({"late": pd.array(values, dtype="Int64")})
    result = problem_trends(problems, period, weights=weights)
    verdict = result.verdicts.iloc[0]
    json.dumps(result.to_dict(), allow_nan=False)
    limits = result.table[["conf_low", "estimate", "conf_high"]].dropna().to_numpy()
    assert (np.diff(limits, axis=1) >= -1e-12).all()
    order = np.random.default_rng(0).permutation(n)
    mixed = problem_trends(problems.iloc[order], period[order], weights=weights[order])
    pd.testing.assert_frame_equal(mixed.verdicts, result.verdicts, rtol=1e-6, atol=1e-9)
    without = problem_trends(1 - problems, period, weights=weights).verdicts.iloc[0]
    for name in ("change", "slope", "statistic"):
        assert_allclose(without[name], -verdict[name], rtol=1e-6, atol=1e-9)
    turned = {"worsening": "improving", "improving": "worsening"}
    if verdict["state"] in turned:
        assert without["state"] == turned[verdict["state"]]


# --- what data cannot support ----------------------------------------------------------------


def test_one_period_has_shares_and_no_verdict():
    result = follow([12], [30])
    assert (
        str(result.not_estimable) == "There is only one wave with answers, 1: a change needs two."
    )
    assert result.table["estimate"].tolist() == [0.4]
    verdict = result.verdicts.iloc[0]
    assert (verdict["state"], verdict["periods_above"]) == ("not_estimable", 1)
    assert np.isnan(verdict[["change", "slope", "p_value", "p_holm"]].astype(float)).all()
    assert verdict["first"] == verdict["last"] == 0.4


def test_a_problem_asked_once_is_not_judged_beside_one_that_is():
    problems = pd.DataFrame({"late": column([5, 15], [30, 30]), "dear": [1] * 30 + [None] * 30})
    result = problem_trends(problems, np.repeat([1, 2], 30))
    assert result.verdicts["state"].tolist() == ["worsening", "not_estimable"]
    assert result.verdicts["p_holm"].iloc[0] == result.verdicts["p_value"].iloc[0]
    assert (result.not_estimable, result.n_used) == (None, 60)


def test_a_slope_without_end_is_said():
    result = follow([0, 0, 12], [30, 30, 30])
    assert result.verdicts["slope"].isna().all()
    assert result.verdicts["state"].item() == "worsening"
    assert [str(note) for note in result.notes] == [
        "The log odds have no finite slope, because the periods with the problem and those "
        "without it do not overlap: late."
    ]


@pytest.mark.parametrize("problems", [pd.DataFrame(), pd.DataFrame({"late": []})])
def test_no_answers(problems):
    result = problem_trends(problems, [])
    assert str(result.not_estimable) == "There are no answers."
    assert list(result.verdicts)[-1] == "state" and result.table.empty
    assert list(result.table)[:3] == ["problem", "period", "n"]
    unanswered = problem_trends(pd.DataFrame({"late": [None, None]}, dtype="boolean"), [1, 2])
    assert str(unanswered.not_estimable) == "There are no answers."
    assert unanswered.verdicts["state"].tolist() == ["not_estimable"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"problems": pd.DataFrame({"late": [0, 1, 2]})}, "'late' holds 2 in row 2: 0 or 1 needed"),
        ({"problems": pd.DataFrame({"late": list("yny")})}, "a numeric column is needed"),
        ({"period": [1, 2]}, "there are 2 periods for 3 respondents"),
        ({"recurring_from": 10}, "recurring_from is 10: a share from 0 to 1 is needed"),
        ({"recurring_share": -1}, "recurring_share is -1: a share from 0 to 1 is needed"),
        ({"weights": pd.Series([1, -1, 1])}, "weights of 0 or more needed"),
        ({"conf_level": 1}, "conf_level is 1: a share such as 0.95 is needed"),
    ],
)
def test_wrong_use_is_refused(changed, text):
    arguments = {"problems": pd.DataFrame({"late": [True, False, True]}), "period": [1, 2, 3]}
    with pytest.raises(ValueError, match=text):
        problem_trends(**(arguments | changed))
