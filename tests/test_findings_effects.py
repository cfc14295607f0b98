"""Conclusions on what an improvement changed: sentence and level at both sides of each rule."""

from __future__ import annotations

from math import inf, nextafter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from csat_stats import effects
from csat_stats.report import findings
from csat_stats.report.findings import Finding

WHAT = "Speed (A)"
BEFORE = pd.Series([1, 2, 3, 2, 3, 2, 1, 3] * 4, dtype="float64")  # mean 2.125
NO_INTERVAL = effects.before_after(BEFORE, BEFORE)
HALF = (NO_INTERVAL.conf_high or 0.0) - 0.0  # half of the interval's width, whatever the shift


def told(finding: Finding | None) -> tuple[str, str, str]:
    assert finding is not None
    return finding.id, finding.level, str(finding.text)


def compared(shift: float, target: float | None = None) -> effects.BeforeAfter:
    return effects.before_after(BEFORE, BEFORE + shift, target=target)


# --- before and after


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [
        (HALF + 1e-6, "beyond chance."),
        (HALF - 1e-6, "within chance."),
        (-HALF + 1e-6, "within chance."),
        (-HALF - 1e-6, "beyond chance."),
    ],
)
def test_a_change_is_beyond_chance_where_its_interval_leaves_out_0(
    shift: float, verdict: str
) -> None:
    assert str(findings.change("Speed", WHAT, compared(shift), "improvement").text).endswith(
        verdict
    )


def test_change() -> None:
    assert told(findings.change("Speed", WHAT, compared(0.5), "improvement")) == (
        "change.Speed",
        "info",
        "Speed (A): 2.12 → 2.62, change +0.50 [+0.10, +0.90], Hedges' g = 0.62; beyond chance.",
    )


def test_a_change_of_too_few() -> None:
    result = effects.before_after(BEFORE, BEFORE[:1])
    assert told(findings.change("Speed", WHAT, result, "improvement")) == (
        "change.Speed",
        "not_estimable",
        "Speed (A): not estimable. Too few answers to compare: 32 before and 1 after, where each "
        "wave needs 2.",
    )


# --- the planned gain


@pytest.mark.parametrize(
    ("target", "level"), [(2.625, "met"), (nextafter(2.625, inf), "not_met"), (3.0, "not_met")]
)
def test_a_gain_is_met_where_the_target_is_reached(target: float, level: str) -> None:
    found = findings.attained("Speed", WHAT, compared(0.5, target), "improvement")
    assert told(found)[:2] == ("attained.Speed", level)


def test_both_readings_of_a_gain() -> None:
    found = findings.attained("Speed", WHAT, compared(0.5, 3.0), "improvement")
    assert told(found)[2] == (
        "Speed (A): 57% of the planned gain was reached (2.62 is 88% of the target 3.00)."
    )


@pytest.mark.parametrize(
    ("shift", "level", "now"), [(0.5, "met", "2.62"), (-0.5, "not_met", "1.62")]
)
@pytest.mark.parametrize("target", [2.0, 2.125])
def test_a_target_that_was_reached_before(
    target: float, shift: float, level: str, now: str
) -> None:
    """A fall below the target is no gain, though the planned change, too, was one downwards."""
    found = findings.attained("Speed", WHAT, compared(shift, target), "improvement")
    expected = level if target == 2.0 or shift > 0 else "not_met"
    assert told(found)[1:] == (
        expected,
        f"Speed (A): the target {target:.2f} was reached before the improvement already (2.12, "
        f"now {now}): no gain was planned.",
    )


def test_no_target_no_gain() -> None:
    assert findings.attained("Speed", WHAT, compared(0.5), "improvement") is None
    nothing = effects.before_after(BEFORE, BEFORE[:1], target=3.0)
    assert findings.attained("Speed", WHAT, nothing, "improvement") is None


# --- net of the control group


def net(treated_after: float) -> Finding:
    frame = pd.DataFrame(
        {
            "answer": np.r_[BEFORE, BEFORE + 0.1, BEFORE, BEFORE + treated_after],
            "treated": [False] * 64 + [True] * 64,
            "after": ([False] * 32 + [True] * 32) * 2,
        }
    )
    frame = frame if treated_after else frame[:64]
    result = effects.did(frame["answer"], frame["treated"], frame["after"])
    return findings.net_effect("Speed", WHAT, result, "did")


def test_net_effect() -> None:
    found = net(1.0)
    assert told(found) == (
        "did.Speed",
        "info",
        "Speed (A): net of the control group the change is +0.90 [+0.34, +1.46], p = .002.",
    )
    assert found.values["estimate"] == pytest.approx(0.9)
    assert told(net(0)) == (
        "did.Speed",
        "not_estimable",
        "Speed (A): not estimable. Each of the four cells needs at least two answers: treated "
        "before 0, treated after 0, control before 32, control after 32.",
    )


# --- the design


@pytest.mark.parametrize(
    ("facts", "chosen"),
    [
        ({}, "independent waves"),
        ({"n_control_before": 2, "n_control_after": 1}, "independent waves"),
        ({"n_control_before": 2, "n_control_after": 2}, "difference in differences"),
        ({"n_periods_before": 5, "n_periods_after": 2}, "independent waves"),
        ({"n_periods_before": 5, "n_periods_after": 3}, "interrupted time series"),
        ({"panel_customers": 29}, "independent waves"),
        ({"panel_customers": 30}, "the same customers twice"),
    ],
)
def test_study_design(facts: dict[str, int], chosen: str) -> None:
    result = effects.choose_design(n_waves=2, n_before=60, n_after=60, **facts)
    id, level, text = told(findings.study_design(result, "design"))
    assert (id, level) == ("design", "info")
    start = f"Design: {chosen}. Of the designs that are possible this is the strongest. "
    assert text.startswith(start)
    assert "It would show a cause if " in text


def test_no_design() -> None:
    result = effects.choose_design(n_waves=1, n_before=60, n_after=0)
    assert told(findings.study_design(result, "design")) == (
        "design",
        "not_estimable",
        "Design of the comparison: not estimable. No comparison is possible: that takes two waves "
        "with two answers each, or a series of periods before and after the action.",
    )


def test_every_design_has_its_words() -> None:
    table = effects.choose_design(n_waves=2, n_before=60, n_after=60).table
    assert table["design"].tolist() == list(findings.DESIGNS)


# --- whether it matters


@pytest.mark.parametrize(
    ("shift", "reading"),
    [
        (0.0, "The figure is practically unchanged: the whole 90% interval lies within ±0.5."),
        (
            0.5,
            "Undecided: the 90% interval holds changes smaller and larger than 0.5; that no change "
            "was found does not show that there was none.",
        ),
        (
            1.5,
            "The figure changed by more than 0.5: the whole 90% interval lies beyond this margin.",
        ),
    ],
)
def test_practical(shift: float, reading: str) -> None:
    result = effects.equivalence(BEFORE, BEFORE + shift, margin=0.5)
    found = findings.practical("Speed", WHAT, result, "improvement")
    assert told(found) == ("practical.Speed", "info", f"Speed (A): {reading}")


def test_whether_it_matters_cannot_be_told_of_one() -> None:
    result = effects.equivalence(BEFORE, BEFORE[:1], margin=0.5)
    found = findings.practical("Speed", WHAT, result, "improvement")
    assert told(found)[1] == "not_estimable"


# --- what would have come anyway

UNIT = pd.Series(np.repeat(list("ABCDEFGH"), 30))
RNG = np.random.default_rng(3)
SCORES = pd.Series(np.repeat(RNG.normal(3, 0.2, 8), 30) + RNG.normal(0, 1, 240))


def by_chance(chosen: list[Any]) -> Finding:
    result = effects.regression_to_mean(
        SCORES, UNIT, chosen=chosen, after=SCORES + 0.5, unit_after=UNIT
    )
    return findings.by_chance("Speed", WHAT, result, "improvement")


def test_the_worst_would_have_improved_anyway() -> None:
    found = by_chance([SCORES.groupby(UNIT).mean().idxmin()])
    assert told(found) == (
        "by_chance.Speed",
        "info",
        "Speed (A): chosen with low figures, so +0.13 [+0.02, +0.33] of the change is expected "
        "without any action (regression to the mean); +0.37 [−0.14, +0.87] remain.",
    )


def test_the_best_would_have_fallen_anyway() -> None:
    text = str(by_chance([SCORES.groupby(UNIT).mean().idxmax()]).text)
    assert text.startswith("Speed (A): chosen with high figures, so −0.14 [−0.33, −0.02] of the ")


def test_without_a_choice_nothing_is_expected() -> None:
    assert told(by_chance([])) == (
        "by_chance.Speed",
        "not_estimable",
        "Regression to the mean, Speed (A): not estimable. Of 8 units 0 were chosen: nothing to "
        "expect without a choice.",
    )


# --- month by month

SERIES = pd.Series(
    [70.0, 71, 70, 72, 71, 72, 76, 77, 76, 79, 78, 80],
    pd.period_range("2023-01", periods=12, freq="M"),
)


@pytest.mark.parametrize("start", ["2023-04", "2023-07", "2023-10"])
def test_series(start: str) -> None:
    result = effects.interrupted_time_series(SERIES, start)
    id, level, text = told(findings.series("Speed", WHAT, result, "series"))
    assert (id, level) == ("series.Speed", "info")
    assert text.startswith(
        f"Speed (A), month by month: at the action the level moves by "
        f"{result.level_change:+.2f} [".replace("-", "−")
    )
    terms = result.coefficients.set_index("term")["estimate"]
    slope = f"{terms['slope_before']:+.3f}".replace("-", "−")
    assert text.endswith(f"before it the figure moved by {slope} a month.")
    assert set(findings.TERMS) <= set(terms.index)


@pytest.mark.parametrize(("start", "before", "after"), [("2023-03", 2, 10), ("2023-11", 10, 2)])
def test_a_series_with_too_few_months_on_a_side(start: str, before: int, after: int) -> None:
    result = effects.interrupted_time_series(SERIES, start)
    assert told(findings.series("Speed", WHAT, result, "series")) == (
        "series.Speed",
        "not_estimable",
        f"Speed (A), month by month: not estimable. The series has {before} periods with a value "
        f"before the action and {after} from it on; it needs 8 in all and 3 on either side.",
    )
