"""Section 05: waves, months of responses and of history, and studies that lack some of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from one_section import STUDY, WAVES, answers, run_section, whole, with_history, without
from projects import material, table

from csat_stats.report import over_time
from csat_stats.report.material import Material
from csat_stats.study import Project

NAMES = {"index": "Index", "satisfied": "Satisfied", "nps": "NPS"}
MONTHS = ["month", "city", "n", "satisfied", "speed"]
# December of the year before, for every city; February has responses too.
EARLIER = [
    ["2025-11", "A", "10", "4", "3"],
    ["2025-11", "B", "30", "24", "4"],
    ["2025-11", "C", "0", "0", ""],
    ["2026-01", "A", "99", "99", "5"],
]


def earlier(rows: list[list[str]] = EARLIER, header: list[str] = MONTHS) -> dict[str, str]:
    return {"data/raw/history.csv": table(header, rows)}


def dated(*days: str, **columns: object) -> pd.DataFrame:
    """One answer on each of these days."""
    frame = answers().head(len(days)).assign(when=list(days))
    return frame.assign(**columns)


@pytest.fixture(scope="module")
def demonstration(demo: Project) -> Material:
    return material(demo, "demo")


# --- months


def test_months_of_responses(tmp_path: Path) -> None:
    days = ["2026-01-31 23:59:59", "2026-02-01 00:00:00", "2026-02-09", "2026-05-01"]
    frame = dated(*days, overall=[5, 3, 4, None], q1=[1, 2, 4, 5], q2=[3, 2, 4, 5])
    monthly, said = over_time.monthly(material(whole(tmp_path, frame=frame)))
    assert said == []
    assert monthly.index.astype(str).tolist() == [f"2026-0{month}" for month in range(1, 6)]
    assert monthly["n"].tolist() == [1, 2, 0, 0, 0]  # in May nobody answered the overall question
    assert monthly["satisfied"].tolist()[:2] == [1, 1]
    assert monthly["source"].tolist() == ["responses", "responses", "", "", "responses"]
    np.testing.assert_array_equal(monthly["Speed"], [2, 3, np.nan, np.nan, 5])
    assert monthly["n Speed"].tolist() == [1, 2, 0, 0, 1]


def test_responses_come_before_history_and_levels_are_put_together(tmp_path: Path) -> None:
    project = whole(tmp_path, with_history(), dated("2026-01-05", "2026-02-05"), earlier())
    monthly, said = over_time.monthly(material(project))
    assert said == []
    assert monthly["source"].astype(str).to_dict() == {
        pd.Period("2025-11"): "history",
        pd.Period("2025-12"): "",
        pd.Period("2026-01"): "responses",
        pd.Period("2026-02"): "responses",
    }
    november = monthly.loc["2025-11"]
    assert (november["n"], november["satisfied"], november["n Speed"]) == (40, 28, 40)
    assert november["Speed"] == pytest.approx((10 * 3 + 30 * 4) / 40)
    assert np.isnan(november["Manner"]) and november["n Manner"] == 0
    assert monthly["n"].tolist() == [40, 0, 1, 1]


def test_history_after_the_last_answer_reported_on_is_not_shown(tmp_path: Path) -> None:
    rows = [*EARLIER, ["2026-03", "A", "10", "5", "3"]]
    project = whole(tmp_path, with_history(), dated("2026-01-05", "2026-02-05"), earlier(rows))
    assert str(over_time.monthly(material(project))[0].index[-1]) == "2026-02"


def test_history_alone_is_shown_whole(tmp_path: Path) -> None:
    project = whole(tmp_path, without(with_history(), "submitted"), files=earlier())
    monthly, _ = over_time.monthly(material(project))
    assert monthly["n"].tolist() == [40, 0, 99]
    assert monthly["source"].tolist() == ["history", "", "history"]


def test_a_filter_reaches_the_history_that_tells_it(tmp_path: Path) -> None:
    project = whole(tmp_path, with_history(), dated("2026-01-05", "2026-02-05"), earlier())
    monthly, said = over_time.monthly(material(project, where="city=A"))
    assert said == []
    assert monthly["n"].tolist() == [10, 0, 1]
    assert monthly["Speed"].tolist()[0] == 3


def test_a_filter_that_the_history_does_not_tell_leaves_the_responses(tmp_path: Path) -> None:
    frame = dated("2026-01-05", "2026-02-05", kind="new")
    project = whole(tmp_path, with_history(), frame, earlier())
    monthly, said = over_time.monthly(material(project, where="kind=new;city=A"))
    assert [str(line) for line in said] == [
        "The earlier months are not told apart by kind: only the responses count."
    ]
    assert monthly["source"].tolist() == ["responses"]


def test_no_time_of_an_answer_is_no_month(tmp_path: Path) -> None:
    monthly, _ = over_time.monthly(material(whole(tmp_path, frame=dated("", "", ""))))
    assert monthly.empty
    assert (
        over_time.control_charts(material(whole(tmp_path / "b", frame=dated("", ""))), monthly)
        == {}
    )


def test_times_with_a_zone_keep_their_month(tmp_path: Path) -> None:
    """In Greenwich it is still January."""
    project = whole(tmp_path, frame=dated("2026-02-01T00:30:00+08:00"))
    assert over_time.monthly(material(project))[0].index.astype(str).tolist() == ["2026-02"]


def test_months_of_the_demo(demonstration: Material, demo: Project) -> None:
    """Every month is there, with what the file and the answers say, counted without the package."""
    monthly, said = over_time.monthly(demonstration)
    assert said == [] and len(monthly) == 30
    assert monthly.index[monthly["source"] == ""].astype(str).tolist() == ["2025-08", "2026-05"]
    raw = pd.read_csv(demo.raw / "demo" / "history.csv", encoding="utf-8-sig")
    sums = raw.groupby("月份")[["答卷数", "满意数"]].sum()
    of_file = monthly[monthly["source"] == "history"]
    assert of_file["n"].tolist() == sums.loc[of_file.index.astype(str), "答卷数"].tolist()
    assert of_file["satisfied"].tolist() == sums.loc[of_file.index.astype(str), "满意数"].tolist()
    responses = demonstration.responses
    month = responses["submitted"].dt.strftime("%Y-%m")
    counted = responses["overall"].ge(4).groupby(month).sum()
    asked = monthly[monthly["source"] == "responses"]
    assert asked["satisfied"].tolist() == counted[asked.index.astype(str)].tolist()


# --- control charts and the forecast


def test_a_chart_takes_eight_months(tmp_path: Path) -> None:
    days = [f"2026-{month:02d}-05" for month in range(1, 9)]
    for n, charts in ((7, []), (8, ["satisfied", "Speed", "Manner", "Price"])):
        section = material(whole(tmp_path / str(n), frame=dated(*days[:n])))
        found = over_time.control_charts(section, over_time.monthly(section)[0])
        assert list(found) == charts


@pytest.mark.parametrize(
    ("baseline", "months", "frozen"),
    [("", 15, 15), ("", 16, 8), ("", 17, 8), ("2025-06", 17, 6), ("2030-01", 17, 17)],
)
def test_the_baseline(baseline: str, months: int, frozen: int, tmp_path: Path) -> None:
    """The study's last month of it; else the first half of sixteen months and more."""
    periods = pd.period_range("2025-01", periods=months, freq="M").astype(str)
    rows = [
        [month, str(20 + i), str(10 + i % 3), str(3 + i % 2)] for i, month in enumerate(periods)
    ]
    study = without(with_history(), "submitted")
    study += f"trends: {{baseline: {baseline}}}\n" if baseline else ""
    files = earlier(rows, ["month", "n", "satisfied", "speed"])
    section = material(whole(tmp_path, study, files=files))
    charts = over_time.control_charts(section, over_time.monthly(section)[0])
    assert {name: chart.baseline_periods for name, chart in charts.items()} == {
        "satisfied": frozen,
        "Speed": frozen,
    }


def test_the_demo_shows_the_action_and_nothing_before(demonstration: Material) -> None:
    """Nothing moved but the speed of response, from June on."""
    monthly, _ = over_time.monthly(demonstration)
    charts = over_time.control_charts(demonstration, monthly)
    assert list(charts) == ["satisfied", "响应效率"]
    assert charts["satisfied"].n_signals == 0
    marked = charts["响应效率"].table
    marked = marked[marked["signal"] != ""]
    assert marked["period"].astype(str).tolist() == ["2026-06", "2026-07", "2026-08"]
    assert (marked["value"] > marked["upper"]).all()


def test_the_forecast_keeps_to_the_months_asked_for(demonstration: Material) -> None:
    monthly, _ = over_time.monthly(demonstration)
    ahead = over_time.next_months(demonstration, monthly)
    assert ahead.table["period"].astype(str).tolist() == ["2026-09", "2026-10", "2026-11"]
    assert ahead.table[["conf_low", "conf_high"]].stack().between(0, 1).all()
    assert ahead.table["conf_low"].lt(ahead.table["estimate"]).all()
    # November is a month of promotion, when service is stretched.
    assert ahead.table["model"].iloc[2] < ahead.table["model"].iloc[1]


# --- waves


def test_by_wave_has_every_figure(tmp_path: Path) -> None:
    section = material(whole(tmp_path))
    changes, found, results = over_time.by_wave(section, NAMES)
    metrics = ["index", "satisfied", "nps", "Speed", "Manner", "Price"]
    assert changes["metric"].tolist() == list(found) == metrics
    assert changes["measure"].tolist() == ["Index", "Satisfied", "NPS", "Speed", "Manner", "Price"]
    frame = answers().assign(Price=lambda rows: rows["q5"])
    means = frame.groupby("wave")["Price"].mean()
    price = changes.set_index("metric").loc["Price"]
    assert price["first"] == pytest.approx(means["spring"])
    assert price["last"] == pytest.approx(means["autumn"])
    assert price["estimate"] == pytest.approx(means["autumn"] - means["spring"])
    share = answers()["overall"].ge(4).groupby(answers()["wave"]).mean()
    satisfied = changes.set_index("metric").loc["satisfied"]
    assert satisfied["estimate"] == pytest.approx(share["autumn"] - share["spring"])
    assert changes["adjusted"].isna().all()  # no strata, so no mix to hold
    assert (changes["p_holm"] >= changes["p_value"]).all()
    assert len(results) == len(found) + 1


def test_a_report_on_an_earlier_wave_does_not_know_the_later_ones(tmp_path: Path) -> None:
    changes, _, _ = over_time.by_wave(material(whole(tmp_path), wave="summer"), NAMES)
    means = answers().groupby("wave")["q5"].mean()
    price = changes.set_index("metric").loc["Price"]
    assert price["last"] == pytest.approx(means["summer"])


def test_the_mix_of_the_demo_is_held(demonstration: Material) -> None:
    """Both waves are weighted to the strata of the first: only then is the mix the same."""
    changes, found, _ = over_time.by_wave(demonstration, NAMES)
    held = changes.set_index("metric")
    assert held["adjusted"].notna().all()
    first = found["响应效率"].table.iloc[0]
    assert first["adjusted"] == pytest.approx(first["estimate"])
    speed = held.loc["响应效率"]
    assert speed["p_holm"] < 0.05 and speed["adjusted_low"] > 0
    assert held.drop(index="响应效率")["p_holm"].gt(0.05).all()


def test_items_asked_in_some_waves(tmp_path: Path) -> None:
    frame = answers()
    frame["q4"] = frame["q4"].where(frame["wave"] != "autumn").astype("Int64")
    project = whole(tmp_path, STUDY + "labels: {q4: Was it polite?}\n", frame)
    asked = over_time.questions(material(project), ["spring", "summer", "autumn"])
    left = asked.table[~asked.table["comparable"]]
    assert left[["item", "asked_in"]].to_numpy().tolist() == [["Was it polite?", "spring, summer"]]
    # Up to summer the questionnaire was one and the same.
    assert over_time.questions(material(project), ["spring", "summer"]).n_dropped == 0


def test_only_common_items_are_compared(tmp_path: Path) -> None:
    frame = answers()
    q3 = frame.groupby("wave")["q3"].mean()
    frame["q4"] = frame["q4"].where(frame["wave"] != "autumn").astype("Int64")
    changes, _, _ = over_time.by_wave(material(whole(tmp_path, frame=frame)), NAMES)
    manner = changes.set_index("metric").loc["Manner"]
    assert manner["estimate"] == pytest.approx(q3["autumn"] - q3["spring"])


def test_dimension_levels(tmp_path: Path) -> None:
    section = material(whole(tmp_path))
    _, found, _ = over_time.by_wave(section, NAMES)
    levels = over_time.dimension_levels(section, found)
    assert levels["dimension"].unique().tolist() == ["Speed", "Manner", "Price"]
    assert levels["period"].tolist() == WAVES * 3
    speed = section.scores(section.responses)["Speed"].to_numpy().reshape(3, -1)
    np.testing.assert_allclose(levels["estimate"][:3], speed.mean(axis=1))


# --- problems


def test_problems_go_by_wave_and_else_by_month(tmp_path: Path) -> None:
    section = material(whole(tmp_path))
    assert over_time.problems(section).table["period"].astype(str).unique().tolist() == WAVES
    one = material(whole(tmp_path), wave="spring")
    months = over_time.problems(one).table["period"].astype(str).unique().tolist()
    assert months == ["2026-01", "2026-02", "2026-03"]
    low = section.followed["q5"].le(2).groupby(section.followed["wave"], observed=True).mean()
    price = over_time.problems(section).verdicts.set_index("problem").loc["q5"]
    assert (price["first"], price["last"]) == (low["spring"], low["autumn"])


@pytest.mark.parametrize(
    ("more", "limit"),
    [("", 2.0), ("scale: {low: 1, high: 7}", 2.5), ("trends: {problem_to: 3}", 3.0)],
)
def test_what_counts_as_a_problem(more: str, limit: float, tmp_path: Path) -> None:
    section = material(whole(tmp_path, f"{STUDY}{more}\n"))
    assert section.plan.problem_to == limit
    share = over_time.problems(section).verdicts.set_index("problem").loc["q1", "first"]
    assert share == section.of_wave("spring")["q1"].le(limit).mean()


def test_problems_without_waves_and_times(tmp_path: Path) -> None:
    project = whole(tmp_path, without(STUDY, "wave", "submitted", "improvement"))
    result = over_time.problems(material(project))
    assert str(result.not_estimable) == (
        "There is only one wave with answers, Whole study: a change needs two."
    )


# --- the whole section

NOTEBOOK = "05_trends"


def test_the_section_without_anything_to_follow(tmp_path: Path) -> None:
    study = (
        "title: Once\nlanguage: en\ndata: {responses: answers.csv}\ndimensions: {Speed: [q1, q2]}\n"
    )
    ran = run_section(whole(tmp_path, study), NOTEBOOK)
    assert ran.record.skipped == (
        "This study has only one wave of answers.",
        "Neither the time of an answer nor earlier months are known: nothing by month.",
    )
    assert ran.texts == {} and ran.record.status == "skipped"
    assert not ran.record.figures


def test_the_section_without_an_overall_question_and_few_months(tmp_path: Path) -> None:
    study = without(STUDY, "overall", "nps", "outcomes", "loyalty")
    frame = answers()
    frame = frame[frame["wave"] != "summer"]
    ran = run_section(whole(tmp_path, without(study, "improvement"), frame), NOTEBOOK)
    assert ran.record.skipped == ("Too few months with answers for a control chart or a forecast.",)
    assert list(ran.texts) == ["05.trend.index", "05.recurring"]
    table = ran.table("waves")
    assert table["metric"].tolist() == ["index", "Speed", "Manner", "Price"]


def test_the_section_with_history_and_different_questionnaires(tmp_path: Path) -> None:
    periods = pd.period_range("2024-01", "2025-12", freq="M").astype(str)
    rng = np.random.default_rng(5)
    rows = [
        [month, city, "30", str(rng.binomial(30, 0.45)), f"{3.3 + rng.normal(0, 0.1):.2f}"]
        for month in periods
        if month != "2025-05"
        for city in "ABC"
    ]
    frame = answers()
    frame["q5"] = frame["q5"].where(frame["wave"] != "autumn").astype("Int64")
    project = whole(tmp_path, with_history(), frame, earlier(rows))
    ran = run_section(project, NOTEBOOK, where="city=A")
    assert ran.texts["05.questionnaire"] == (
        "The waves had different questionnaires: 4 items were asked in every wave and are "
        "compared, these were not: q5."
    )
    assert ran.levels["05.questionnaire"] == "watch"
    assert ran.table("questions")["asked_in"].tolist() == ["spring, summer"]
    assert ran.table("forecast")["period"].tolist() == ["2026-10", "2026-11", "2026-12"]
    # May 2025 had no answers, and has no value made up for it.
    assert "2025-05" not in ran.table("control_2")["period"].tolist()
    assert "history.csv" in next(f["source"] for f in ran.record.figures if f["name"] == "forecast")


def test_the_section_with_a_stroke_in_a_name(tmp_path: Path) -> None:
    study = without(STUDY.replace("Speed:", "Speed/time:"), "improvement", "loyalty")
    ran = run_section(whole(tmp_path, study), NOTEBOOK)
    assert "05.control.Speed/time" in ran.texts


def test_a_wave_without_answers_within_the_filter(tmp_path: Path) -> None:
    frame = answers()
    frame = frame[(frame["city"] != "B") | (frame["wave"] != "autumn")]
    section = material(whole(tmp_path, frame=frame), wave="autumn", where="city=B")
    assert section.followed["wave"].unique().tolist() == ["spring", "summer"]
