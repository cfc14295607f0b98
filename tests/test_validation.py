"""Section 09: which design a study allows, the months around an action, and its control group."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from one_section import STUDY, answers, run_section, whole, with_history, without
from projects import material, table

from csat_stats import effects
from csat_stats.report import validation
from csat_stats.report.material import Material
from csat_stats.simulate import after_sales
from csat_stats.study import Plan, Project
from csat_stats.study.analyses import Improvement

NOTEBOOK = "09_effect_validation"


@pytest.fixture(scope="module")
def demonstration(demo: Project) -> Material:
    return material(demo, "demo")


def shared(section: Material) -> Plan:
    """The study file with the items that both waves of the improvement have."""
    action = improvement(section)
    return section.shared([action.before, action.after])


def months_of(section: Material) -> dict[str, pd.DataFrame]:
    return validation.months(section, shared(section), improvement(section))


def improvement(section: Material) -> Improvement:
    assert section.plan.improvement is not None
    return section.plan.improvement


def chosen(section: Material) -> effects.StudyDesign:
    """The design of the comparison of summer and autumn."""
    months = months_of(section)
    waves = [section.of_wave(wave) for wave in ("summer", "autumn")]
    return validation.design(section, shared(section), *waves, months["treated"])


def why(design: effects.StudyDesign) -> dict[str, str]:
    return {row.design: str(row.why) for row in design.table.itertuples()}


# --- the demo, whose truth is known


def test_the_demo_recovers_the_jump(demonstration: Material) -> None:
    """Net of the other cities the speed of response jumps by the true 0.85, and stays there."""
    months = months_of(demonstration)
    result = validation.series(demonstration, improvement(demonstration), months)
    found = result.coefficients.set_index("term")
    assert found.loc["level_change", "conf_low"] < after_sales().truth["did"]
    assert found.loc["level_change", "conf_high"] > after_sales().truth["did"]
    assert found.loc["level_change", "conf_low"] > 0
    for term in ("slope_before", "slope_change"):
        assert found.loc[term, "conf_low"] < 0 < found.loc[term, "conf_high"], term


def test_the_demo_is_compared_with_its_other_cities(demonstration: Material) -> None:
    before, after = (demonstration.of_wave(wave) for wave in ("改进前", "改进后"))
    months = months_of(demonstration)
    design = validation.design(
        demonstration, shared(demonstration), before, after, months["treated"]
    )
    assert design.chosen == "difference_in_differences"
    # 28 months have answers, and the action came on May 15: June is the first whole month.
    assert why(design)["interrupted_time_series"].startswith(
        "There are 25 periods before and 3 after the action"
    )


def test_the_demo_has_no_regression_to_the_mean(demonstration: Material) -> None:
    """First-tier cities were not chosen for a bad draw; hardly anything would have come anyway."""
    before, after = (demonstration.of_wave(wave) for wave in ("改进前", "改进后"))
    result = validation.by_chance(shared(demonstration), improvement(demonstration), before, after)
    assert result is not None and result.estimate is not None
    assert 0 <= result.estimate < 0.1
    assert result.remaining_low is not None and result.remaining_low > 0.7


# --- who was reached, from when


def test_nobody_named_is_everybody_reached(tmp_path: Path) -> None:
    section = material(whole(tmp_path, STUDY.replace("treated: {city: A}, ", "")))
    assert validation.treated(section.responses, improvement(section)).all()
    assert list(months_of(section)) == ["treated"]
    before, after = (section.of_wave(wave) for wave in ("summer", "autumn"))
    assert validation.by_chance(shared(section), improvement(section), before, after) is None
    assert why(chosen(section))["independent_waves"] == (
        "There are 3 waves, with 80 answers before and 80 after the action."
    )


def test_several_segments_are_all_to_be_met(tmp_path: Path) -> None:
    study = STUDY.replace("{city: A}", "{city: [A, B], kind: new}")
    section = material(whole(tmp_path, study))
    reached = validation.treated(section.responses, improvement(section))
    frame = section.responses
    assert reached.equals(frame["city"].isin(["A", "B"]) & (frame["kind"] == "new"))
    before, after = (section.of_wave(wave) for wave in ("summer", "autumn"))
    assert validation.by_chance(shared(section), improvement(section), before, after) is None


@pytest.mark.parametrize(
    ("day", "first"),
    [("2026-07-01", "2026-07"), ("2026-07-02", "2026-08"), ("2026-12-31", "2027-01")],
)
def test_the_first_whole_month(day: str, first: str) -> None:
    action = Improvement(dimension="x", before="a", after="b", date=dt.date.fromisoformat(day))
    assert str(validation.starts(action)) == first


# --- months of those reached and of the others


def test_months_of_those_reached_and_of_the_others(tmp_path: Path) -> None:
    section = material(whole(tmp_path))
    months = months_of(section)
    counts = section.responses.groupby(section.responses["city"] == "A").size()
    assert months["treated"]["n"].sum() == counts[True]
    assert months["control"]["n"].sum() == counts[False]


HISTORY = [["2025-12", "A", "10", "5", "2"], ["2025-12", "B", "10", "5", "4"]]


@pytest.mark.parametrize(
    ("treated", "sources"),
    [("{city: A}", {"history", "responses"}), ("{kind: new}", {"responses"})],
)
def test_history_counts_where_it_tells_who_was_reached(
    treated: str, sources: set[str], tmp_path: Path
) -> None:
    study = with_history(STUDY.replace("{city: A}", treated))
    earlier = {"data/raw/history.csv": table(["month", "city", "n", "satisfied", "speed"], HISTORY)}
    section = material(whole(tmp_path, study, files=earlier))
    months = months_of(section)
    assert set(months["treated"]["source"]) - {""} == sources
    if "history" in sources:
        assert months["treated"].loc["2025-12", "Speed"] == 2
        assert months["control"].loc["2025-12", "Speed"] == 4


def test_months_in_which_only_one_group_answered(tmp_path: Path) -> None:
    """City A was asked from March on, the others from January: the months both have are used."""
    frame = answers()
    frame = frame[(frame["city"] != "A") | (frame["when"] >= "2026-03")]
    section = material(whole(tmp_path, STUDY.replace("2026-07-01", "2026-06-01"), frame))
    action = improvement(section)
    months = months_of(section)
    assert months["treated"].index[0] > months["control"].index[0]
    result = validation.series(section, action, months)
    both = months["treated"]["Speed"] - months["control"]["Speed"]
    assert result.n_used == both.notna().sum()


# --- which design


def test_designs_count_who_was_reached_and_answered(tmp_path: Path) -> None:
    """Not whoever returned a questionnaire that did not ask for the dimension."""
    frame = answers()
    blank = (frame["wave"] == "autumn") & (frame["kind"] == "new")
    for item in ("q1", "q2"):
        frame[item] = frame[item].where(~blank).astype("Int64")
    section = material(whole(tmp_path, frame=frame))
    asked = section.responses[section.responses["q1"].notna()]
    n = asked.groupby(["wave", "city"], observed=True).size().unstack()
    others = n["B"] + n["C"]
    assert why(chosen(section))["difference_in_differences"] == (
        f"A control group answered in both waves: {others['summer']} before and "
        f"{others['autumn']} after."
    )


def test_the_panel_is_of_those_reached(tmp_path: Path) -> None:
    """All customers answered twice; of those reached there are as many as were reached."""
    frame = answers().assign(customer=lambda rows: [f"c{i % 80}" for i in rows.index])
    frame["city"] = ["ABC"[i % 80 % 3] for i in frame.index]
    section = material(whole(tmp_path, frame=frame))
    assert why(chosen(section))["panel"] == (
        "27 customers answered twice, 100% of the smaller wave; a panel needs 30 and 50%."
    )


def test_a_control_group_of_five(tmp_path: Path) -> None:
    frame = answers()
    kept = (frame["city"] == "A") | (frame.groupby("wave").cumcount() < 7)
    ran = run_section(whole(tmp_path, frame=frame[kept].reset_index(drop=True)), NOTEBOOK)
    assert ran.texts["09.design"].startswith(
        "Design: difference in differences. Of the designs that are possible this is the "
        "strongest. A control group answered in both waves: 5 before and 5 after."
    )
    assert (
        "The control group has 5 answers in one of the waves: a few unusual customers decide the "
        "result, and its interval will be wide."
    ) in ran.shown
    net = next(f for f in ran.record.findings if f.id == "09.did.Speed")
    assert net.values["conf_high"] - net.values["conf_low"] > 2


@pytest.mark.parametrize("size", [1, 2])
def test_the_smallest_control_group(size: int, tmp_path: Path) -> None:
    """Two answers in each wave are possible, one is said not to be."""
    frame = answers()
    others = frame["city"] != "A"
    kept = ~others | (frame[others].groupby("wave").cumcount().reindex(frame.index) < size)
    section = material(whole(tmp_path, frame=frame[kept].reset_index(drop=True)))
    design = chosen(section)
    assert (design.chosen == "difference_in_differences") == (size == 2)
    if size == 1:
        assert why(design)["difference_in_differences"] == (
            "There is no control group with two answers in both waves: 1 before and 1 after."
        )


def test_an_action_after_the_last_answer(tmp_path: Path) -> None:
    section = material(whole(tmp_path, STUDY.replace("2026-07-01", "2027-01-01")))
    last = section.responses["submitted"].max()
    assert str(chosen(section).not_estimable) == (
        f"The action is dated 2027-01-01, after the last answer of {last:%Y-%m-%d}: nothing can "
        "be shown yet."
    )
    months = months_of(section)
    result = validation.series(section, improvement(section), months)
    assert str(result.not_estimable) == (
        "The action is dated 2027-01, after the last period with a value "
        f"({last:%Y-%m}), so nothing has been measured since."
    )


# --- regression to the mean


def test_levels_without_an_answer_before_are_not_chosen(tmp_path: Path) -> None:
    frame = answers()
    frame = frame[(frame["city"] != "A") | (frame["wave"] != "summer")]
    study = STUDY.replace("{city: A}", "{city: [A, B]}")
    section = material(whole(tmp_path, study, frame))
    before, after = (section.of_wave(wave) for wave in ("summer", "autumn"))
    result = validation.by_chance(shared(section), improvement(section), before, after)
    assert result is not None
    assert str(result.not_estimable) == "At least three units are needed; there are 2."


# --- the whole section


def test_the_section_without_an_improvement(tmp_path: Path) -> None:
    ran = run_section(whole(tmp_path, without(STUDY, "improvement", "submitted")), NOTEBOOK)
    assert ran.record.skipped == ("The study file names no improvement to be validated.",)
    assert list(ran.texts) == ["09.design"]
    assert {t["name"] for t in ran.record.tables} == {"design", "waves", "panel"}


def test_the_section_with_one_wave(tmp_path: Path) -> None:
    frame = answers()
    ran = run_section(whole(tmp_path, frame=frame[frame["wave"] == "autumn"]), NOTEBOOK)
    assert ran.record.status == "skipped"
    assert ran.record.skipped == ("This study has only one wave of answers.",)


def test_the_section_within_those_reached(tmp_path: Path) -> None:
    """Without the others there is no control group, and nothing is subtracted."""
    ran = run_section(whole(tmp_path), NOTEBOOK, where="city=A")
    assert "difference in differences" not in ran.texts["09.design"]
    assert ran.texts["09.did.Speed"].startswith(
        "Speed (A): not estimable. Each of the four cells needs at least two answers: treated "
        "before 27, treated after 26, control before 0, control after 0."
    )
    assert ran.levels["09.change.Speed"] == "info"
    assert "less the others" not in ran.shown


def test_the_section_within_those_not_reached(tmp_path: Path) -> None:
    ran = run_section(whole(tmp_path), NOTEBOOK, where="city=B")
    assert set(ran.levels.values()) == {"not_estimable"}
    assert ran.texts["09.change.Speed"] == (
        "Speed (A): not estimable. Too few answers to compare: 0 before and 0 after, where each "
        "wave needs 2."
    )


def test_the_section_where_the_dimension_was_not_asked_again(tmp_path: Path) -> None:
    frame = answers()
    for item in ("q1", "q2"):
        frame[item] = frame[item].where(frame["wave"] != "autumn").astype("Int64")
    ran = run_section(whole(tmp_path, frame=frame), NOTEBOOK)
    assert ran.levels == {"09.design": "info", "09.questionnaire": "watch"}
    assert ran.record.skipped == (
        "Speed was not asked alike in both waves: the improvement cannot be judged.",
    )


def test_a_wave_of_the_improvement_that_has_no_answers(tmp_path: Path) -> None:
    frame = answers()
    ran = run_section(whole(tmp_path, frame=frame[frame["wave"] != "summer"]), NOTEBOOK)
    assert ran.record.skipped == ("The wave summer has no answers: no comparison.",)


def test_the_section_with_an_action_after_the_last_answer(tmp_path: Path) -> None:
    ran = run_section(whole(tmp_path, STUDY.replace("2026-07-01", "2027-01-01")), NOTEBOOK)
    assert ran.levels["09.design"] == ran.levels["09.series.Speed"] == "not_estimable"


def test_the_section_in_a_report_on_an_earlier_wave(tmp_path: Path) -> None:
    ran = run_section(whole(tmp_path), NOTEBOOK, wave="spring")
    assert ran.record.status == "complete"


def test_waves_of_different_questionnaires_are_compared_on_what_they_share(tmp_path: Path) -> None:
    frame = answers()
    q3 = frame.groupby("wave")["q3"].mean()
    frame["q4"] = frame["q4"].where(frame["wave"] != "autumn").astype("Int64")
    ran = run_section(whole(tmp_path, without(STUDY, "improvement"), frame), NOTEBOOK)
    manner = ran.table("waves").set_index("column").loc["Manner", "estimate"]
    assert manner == pytest.approx(q3["autumn"] - q3["summer"])
