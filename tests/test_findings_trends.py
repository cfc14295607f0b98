"""Conclusions on waves and months: the sentence and its level at both sides of each rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csat_stats import trends
from csat_stats.report import findings
from csat_stats.report.findings import Finding

MONTHS = pd.period_range("2025-01", periods=12, freq="M")
WAVES = pd.Series(["2025"] * 8 + ["2026"] * 8)
SHOPS = pd.Series(["old"] * 6 + ["new"] * 2 + ["old"] * 2 + ["new"] * 6)
ANSWERS = pd.Series([5, 4, 5, 4, 5, 4, 2, 3, 5, 4, 2, 3, 2, 3, 2, 3])


def told(finding: Finding) -> tuple[str, str, str]:
    return finding.id, finding.level, str(finding.text)


# --- from wave to wave


def change(answers: pd.Series, p: float, pattern: str = ".2f", **options: object) -> Finding:
    trend = trends.wave_trend(answers, WAVES, **options)  # type: ignore[arg-type]
    holm = pd.Series({"Speed": p, "Staff": 1.0})
    return findings.wave_change("Speed", "Speed", trend, holm, pattern, "waves")


@pytest.mark.parametrize(
    ("p", "level", "verdict"),
    [(0.0499, "watch", "beyond chance."), (0.0501, "info", "within chance.")],
)
def test_a_fall_is_to_be_watched_where_it_is_sure(p: float, level: str, verdict: str) -> None:
    """Sure is what is sure as one of all figures: p after Holm."""
    assert told(change(ANSWERS, p)) == (
        "trend.Speed",
        level,
        f"Speed: 4.00 → 3.00, change −1.00 [−2.15, +0.15]; {verdict}",
    )


def test_a_rise_is_none_to_watch() -> None:
    assert told(change(6 - ANSWERS, 0.001))[1:] == (
        "info",
        "Speed: 2.00 → 3.00, change +1.00 [−0.15, +2.15]; beyond chance.",
    )


def test_sure_alone_but_not_among_all() -> None:
    """Its own p is below .05, its corrected p is not."""
    answers = (ANSWERS > 3).astype(float)
    trend = trends.wave_trend(answers, WAVES)
    assert trend.p_value is not None and trend.p_value < 0.05
    assert told(change(answers, 0.09, ".1%"))[1:] == (
        "info",
        "Speed: 75.0% → 25.0%, change −50.0% [−75.2%, −1.8%]; beyond chance by itself, but not as "
        "one of 2 figures (Holm's correction).",
    )


def test_what_counts_is_the_change_with_the_mix_held() -> None:
    """A fall that is one of the mix alone is no fall of the figure."""
    assert told(change(ANSWERS, 0.01, strata=SHOPS))[1:] == (
        "info",
        "Speed: 4.00 → 3.00, change −1.00 [−2.15, +0.15], and +0.00 [−2.15, +2.15] with the mix "
        "of customers held; beyond chance.",
    )


def test_a_level_with_a_sign_keeps_one() -> None:
    assert str(change(100.0 * ANSWERS - 300, 1, "+.1f").text).startswith(
        "Speed: +100.0 → +0.0, change −100.0 [−214.6, +14.6];"
    )


def test_a_figure_of_one_wave() -> None:
    trend = trends.wave_trend(ANSWERS[:8], WAVES[:8])
    none = pd.Series(dtype="float64")
    assert told(findings.wave_change("Speed", "Speed", trend, none, ".2f", "waves")) == (
        "trend.Speed",
        "not_estimable",
        "Speed: not estimable. There is only one wave with answers, 2025: a change needs two.",
    )


@pytest.mark.parametrize(
    ("first", "listed"),
    [("abcdefg", "b, c, d, e, f, g"), ("abcdefgh", "b, c, d, e, f, g and 1 more")],
)
def test_questionnaire(first: str, listed: str) -> None:
    asked = trends.common_questions({"2025": ["a2", *first], "2026": ["a", "a2"]})
    assert told(findings.questionnaire(asked, "questions")) == (
        "questionnaire",
        "watch",
        "The waves had different questionnaires: 2 items were asked in every wave and are "
        f"compared, these were not: {listed}.",
    )


# --- months


def chart(last: float, first: float = 60) -> trends.ControlChart:
    """A year of satisfied among a hundred; the baseline is all but the last month."""
    counts = [first, 62, 58, 61, 59, 60, 62, 58, 61, 59, 60, last]
    months = pd.Series(counts, index=MONTHS, dtype="float64")
    asked = pd.Series(100, index=MONTHS)
    return trends.control_chart(months, n=asked, baseline=(MONTHS[0], MONTHS[10]))


def control(result: trends.ControlChart) -> Finding:
    return findings.control("satisfied", "Satisfied", result, "control")


@pytest.mark.parametrize("last", [46, 60, 74])
def test_months_within_the_limits(last: float) -> None:
    """60% of a hundred, and three standard errors are 14.7 points."""
    found = control(chart(last))
    assert told(found)[1:] == (
        "info",
        "Satisfied: no month differs from the baseline beyond chance.",
    )
    assert found.n == 1200


@pytest.mark.parametrize(("last", "level", "side"), [(45, "watch", "below"), (75, "info", "above")])
def test_the_latest_month_beyond_the_limits(last: float, level: str, side: str) -> None:
    assert told(control(chart(last))) == (
        "control.satisfied",
        level,
        "Satisfied: months that differ from the baseline beyond chance: 1 of 12 (2025-12). "
        f"The latest month is one of them, {side} the baseline.",
    )


def test_an_earlier_month_beyond_the_limits() -> None:
    asked = pd.Series(100, index=MONTHS)
    counts = pd.Series([20, *[62, 58, 61, 59, 60] * 2, 60], index=MONTHS, dtype="float64")
    result = trends.control_chart(counts, n=asked, baseline=(MONTHS[1], MONTHS[11]))
    assert told(control(result))[1:] == (
        "info",
        "Satisfied: months that differ from the baseline beyond chance: 1 of 12 (2025-01).",
    )


def test_months_without_answers_are_none() -> None:
    asked = pd.Series(100, index=MONTHS)
    counts = pd.Series([60, 62, 58, 61, 59, np.nan, 62, 58, 61, 59, 60, 20], index=MONTHS)
    result = trends.control_chart(counts, n=asked, baseline=(MONTHS[0], MONTHS[10]))
    assert "beyond chance: 1 of 11 (2025-12)." in str(control(result).text)


def test_only_the_last_six_months_are_named() -> None:
    months = pd.period_range("2024-01", periods=24, freq="M")
    means = pd.Series([3, 3.1, 2.9, 3] * 3 + [5.0] * 12, index=months)
    result = trends.control_chart(means, kind="xmr", baseline=(months[0], months[11]))
    found = findings.control("Speed", "Speed", result, "control")
    assert (found.level, found.n) == ("info", None)
    assert str(found.text) == (
        "Speed: months that differ from the baseline beyond chance: 12 of 24 (2025-07, 2025-08, "
        "2025-09, 2025-10, 2025-11, 2025-12 and 6 more). The latest month is one of them, above "
        "the baseline."
    )


def test_months_that_never_vary() -> None:
    result = trends.control_chart(pd.Series(3.0, index=MONTHS), kind="xmr")
    assert told(findings.control("Speed", "Speed", result, "control")) == (
        "control.Speed",
        "not_estimable",
        "Speed: not estimable. Nothing varies over the baseline, so there is nothing to set "
        "limits by.",
    )


# --- problems


def problems(before: int, after: int, names: str = "late") -> list[Finding]:
    """So many of a hundred customers with each problem, in two waves."""
    low = [i < before for i in range(100)] + [i < after for i in range(100)]
    waves = pd.Series(["2025"] * 100 + ["2026"] * 100)
    frame = pd.DataFrame(dict.fromkeys(names.split(), low))
    return findings.problems(trends.problem_trends(frame, waves), "problems")


NOTHING = (
    "problems",
    "info",
    "No problem gets worse beyond chance, and none keeps coming back.",
)
AGAIN = ("recurring", "watch", "Problems that keep coming back: late.")
WORSE = (
    "problem.late",
    "watch",
    "late: low scores rise from 10.0% to 30.0%, change +20.0% [+9.0%, +30.6%], p < .001 (Holm).",
)


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (5, 9, NOTHING),
        (5, 10, AGAIN),  # from a tenth on, now and in half of the waves
        (10, 9, NOTHING),
        (10, 30, WORSE),
        (30, 10, NOTHING),
    ],
)
def test_problems(before: int, after: int, wanted: tuple[str, str, str]) -> None:
    assert [told(finding) for finding in problems(before, after)] == [wanted]


def test_a_problem_gets_worse_where_it_does_among_all() -> None:
    """From 10 to 20 of a hundred p is .048: enough for one problem, not for one of two."""
    assert [finding.id for finding in problems(10, 20)] == ["problem.late"]
    assert [told(finding) for finding in problems(10, 20, "late slow")] == [
        ("recurring", "watch", "Problems that keep coming back: late, slow.")
    ]


def test_many_problems_are_counted() -> None:
    (found,) = problems(10, 10, "a b c d e f g h")
    assert str(found.text) == "Problems that keep coming back: a, b, c, d, e, f and 2 more."


def test_problems_of_one_wave() -> None:
    result = trends.problem_trends(pd.DataFrame({"late": [True]}), pd.Series(["2025"]))
    assert [told(finding) for finding in findings.problems(result, "problems")] == [
        (
            "problems",
            "not_estimable",
            "Problems over time: not estimable. There is only one wave with answers, 2025: a "
            "change needs two.",
        )
    ]


# --- the months to come


def outlook(values: np.ndarray) -> tuple[Finding, trends.Forecast]:
    months = pd.period_range("2023-01", periods=len(values), freq="M")
    result = trends.forecast(pd.Series(values, months), horizon=2, season=12, bounds=(0, 1))
    return findings.outlook("Satisfied", result, "forecast"), result


NOISE = np.random.default_rng(0).normal(0, 0.02, 14)


def test_an_outlook_by_a_model() -> None:
    """What rises month by month is not told by repeating the last month."""
    found, result = outlook(0.4 + 0.015 * np.arange(14) + NOISE / 5)
    assert result.chosen == "model" and result.skill is not None and result.skill > 0
    assert (found.id, found.level, found.n) == ("forecast", "info", None)
    text = str(found.text)
    assert text.startswith(f"Satisfied expected in 2024-03: {result.estimate:.1%} [")
    assert text.endswith(
        f"Tested on earlier months, the model errs {result.skill:.1%} less than the naive forecast."
    )


def test_an_outlook_that_no_model_betters() -> None:
    """The best forecast of a random walk is its last value."""
    found, result = outlook(0.6 + np.cumsum(NOISE))
    assert result.chosen == "naive"
    assert str(found.text).endswith(
        "Tested on earlier months, no model errs less than the naive forecast, which is shown."
    )


def test_an_outlook_takes_eight_months() -> None:
    assert outlook(0.6 + NOISE[:8])[0].level == "info"
    assert told(outlook(0.6 + NOISE[:7])[0]) == (
        "forecast",
        "not_estimable",
        "Forecast of Satisfied: not estimable. Periods with a value: 7. A forecast needs 8 or "
        "more.",
    )


def test_every_rule_and_state_has_its_words() -> None:
    months = pd.Series([3, 3.1, 2.9, 3] * 3 + [9.0] * 12).set_axis(
        pd.period_range("2024-01", periods=24, freq="M")
    )
    result = trends.control_chart(months, kind="xmr", baseline=(months.index[0], months.index[11]))
    assert set(result.signals["rule"]) <= set(findings.RULES)
    waves = pd.Series(["2025"] * 2 + ["2026"] * 2)
    verdicts = trends.problem_trends(pd.DataFrame({"late": [True, False] * 2}), waves).verdicts
    assert set(verdicts["state"]) <= set(findings.STATES)
