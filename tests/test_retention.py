"""Section 07: models of loyalty on small studies, on the demo, and where data cannot bear them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from one_section import STUDY, answers, run_section, whole, without
from projects import material

from csat_stats.report import metrics, retention
from csat_stats.report.material import Material
from csat_stats.simulate import after_sales
from csat_stats.study import Plan, Project

NOTEBOOK = "07_loyalty_drivers"
FIVE = STUDY.replace(
    "  Speed: [q1, q2]\n  Manner: [q3, q4]\n  Price: [q5]",
    "  Speed: [q1]\n  Manner: [q2]\n  Price: [q3]\n  Care: [q4]\n  Result: [q5]",
)


@pytest.fixture(scope="module")
def demonstration(demo: Project) -> Material:
    return material(demo, "demo")


# --- the demo, whose truth is known


def test_slopes_of_the_demo(demonstration: Material) -> None:
    """Ten intervals hold, at 95% together, the slopes that the outcomes were drawn with."""
    truth = after_sales().truth["logit"]
    models = retention.models(demonstration, demonstration.scores(demonstration.responses))
    for name, drawn in (("复购", "90天内复购"), ("推荐", "90天内推荐")):
        table = models[name].table.set_index("driver")
        slopes = pd.Series(truth[drawn])[table.index]
        assert ((table["estimate"] - slopes).abs() < 2.81 * table["std_error"]).all(), name
        assert (table["estimate"] > 0).all()


def test_purchases_before_the_survey_are_no_repurchases(demonstration: Material) -> None:
    early = after_sales().truth["early_purchases"]
    rows = demonstration.responses["respondent"].isin(early)
    assert rows.any() and (demonstration.responses.loc[rows, "复购"] == 0).all()
    dated = demonstration.intake.tables["dated"].set_index("rule")["n"]
    assert dated["before_survey"] == len(early)
    assert {rule for rule, n in dated.items() if n} <= set(retention.DATED)


def test_every_rule_of_dates_has_its_words(demonstration: Material) -> None:
    assert set(demonstration.intake.tables["dated"]["rule"]) == set(retention.DATED)


# --- what is asked of the methods


def test_models_are_of_all_waves_and_importance_is_of_one(tmp_path: Path) -> None:
    section = material(whole(tmp_path), wave="summer")
    models = retention.models(section, section.scores(section.responses))
    assert {name: model.n_used for name, model in models.items()} == {"again": 240}
    ranked, together = retention.importance(section)
    assert (ranked.n_used, together.n_used) == (80, 80)
    assert set(ranked.table["driver"]) == {"Speed", "Manner", "Price"}
    assert ranked.table["share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["lmg", "johnson"])
def test_the_study_chooses_how_importance_is_derived(kind: str, tmp_path: Path) -> None:
    study = STUDY.replace("loyalty:\n", f"loyalty:\n  importance: {kind}\n  crosshair: scale\n")
    section = material(whole(tmp_path, study))
    ranked, _ = retention.importance(section)
    assert ("Johnson" in str(ranked.method)) == (kind == "johnson")
    ipa = retention.performance(section)
    assert ipa.crosshair_performance == 3  # the middle of 1–5
    means = section.scores(section.current).mean()
    performance = ipa.table.set_index("driver")["performance"]
    np.testing.assert_allclose(performance[means.index], means)


def test_stated_importance(tmp_path: Path) -> None:
    stated = "  stated: {Speed: q5, Manner: q3, Price: q1}\n"
    section = material(whole(tmp_path, STUDY.replace("loyalty:\n", "loyalty:\n" + stated)))
    found = retention.performance(section).table.set_index("driver")["stated"]
    assert found["Speed"] == pytest.approx(section.current["q5"].mean())
    unstated = retention.performance(material(whole(tmp_path / "b"))).table
    assert unstated["stated"].isna().all()


def test_clusters_widen_nothing_but_the_errors(tmp_path: Path) -> None:
    study = STUDY.replace("loyalty:\n", "loyalty:\n  cluster: engineer\n")
    frame = answers().assign(engineer=lambda rows: [f"e{i % 20}" for i in rows.index])
    section = material(whole(tmp_path, study, frame))
    plain = material(whole(tmp_path / "b"))
    (model,) = retention.models(section, section.scores(section.responses)).values()
    (alone,) = retention.models(plain, plain.scores(plain.responses)).values()
    np.testing.assert_allclose(model.table["estimate"], alone.table["estimate"])
    assert not np.allclose(model.table["std_error"], alone.table["std_error"])


def test_gaps_filled_in(tmp_path: Path) -> None:
    frame = answers()
    for item in ("q1", "q2"):
        frame[item] = frame[item].where(frame.index % 6 > 0).astype("Int64")
    study = STUDY.replace("loyalty:\n", "loyalty:\n  imputations: 3\n")
    section = material(whole(tmp_path, study, frame))
    scores = section.scores(section.responses)
    filled = retention.imputed_model(section, "again", scores)
    assert filled.table["n"].tolist() == [240] * len(filled.table)
    assert filled.table["n_complete"].tolist() == [200] * len(filled.table)
    (model,) = retention.models(section, scores).values()
    complete = filled.table.set_index("term")["complete_cases"]
    np.testing.assert_allclose(
        complete[["Speed", "Manner", "Price"]],
        model.table.set_index("driver").loc[["Speed", "Manner", "Price"], "estimate"],
        rtol=1e-6,
    )


def test_gaps_are_not_filled_in_for_a_model_that_cannot_be_estimated(tmp_path: Path) -> None:
    """Two clusters are too few."""
    study = STUDY.replace("loyalty:\n", "loyalty:\n  imputations: 3\n  cluster: kind\n")
    frame = answers()
    frame["q5"] = frame["q5"].where(frame.index % 6 > 0).astype("Int64")
    ran = run_section(whole(tmp_path, study, frame), NOTEBOOK)
    assert ran.levels["07.model.again"] == "not_estimable"
    assert not any(table["name"].startswith("imputed") for table in ran.record.tables)


def test_low_answers_are_problems_and_no_answer_is_none(tmp_path: Path) -> None:
    frame = answers().head(4).assign(q1=[1, 2, 3, None])
    section = material(whole(tmp_path, STUDY + "labels: {q1: Quick}\n", frame))
    low = metrics.low_scores(section.plan, section.responses)
    assert low["Quick"].tolist() == [True, True, False, pd.NA]


def test_urgency_counts_the_customers_lost(tmp_path: Path) -> None:
    section = material(whole(tmp_path))
    price = retention.urgency(section, "again").table.set_index("problem").loc["q5"]
    low = section.responses["q5"] <= 2
    lost = 1 - section.responses["again"]
    assert price["frequency"] == pytest.approx(low.mean())
    assert price["impact"] == pytest.approx(lost[low].mean() - lost[~low].mean())


@pytest.mark.parametrize(
    ("target", "goal"),
    [
        ("{name: a, metric: again, target: 0.6}", 0.6),
        ("{name: a, metric: again, where: {city: A}, target: 0.6}", None),
        ("{name: a, metric: Speed, target: 4}", None),
        ("{name: a, metric: again, target: 60}", None),
    ],
)
def test_the_goal_of_an_outcome(target: str, goal: float | None, tmp_path: Path) -> None:
    """A share, of all customers; a target of a segment is not theirs."""
    plan: Plan = material(whole(tmp_path, f"{STUDY}targets: [{target}]\n")).plan
    assert retention.goal(plan, "again") == goal


def test_the_scenario_is_of_the_wave_reported_on(tmp_path: Path) -> None:
    section = material(whole(tmp_path), wave="spring")
    (model,) = retention.models(section, section.scores(section.responses)).values()
    worth = retention.scenario(section, model)
    assert worth.n_used == 80
    assert worth.table["quantity"].isin(list(retention.QUANTITIES)).all()
    figures = worth.table.set_index("quantity")["estimate"]
    assert figures["gain"] == pytest.approx(50 * figures["extra_repurchases"])
    assert figures["net_gain"] == pytest.approx(figures["gain"] - 100)
    rise = figures["probability_after"] - figures["probability_now"]
    assert figures["extra_repurchases"] == pytest.approx(1000 * rise)


@pytest.mark.parametrize("customer", [True, False])
def test_risk_with_and_without_customers(customer: bool, tmp_path: Path) -> None:
    study = STUDY if customer else without(STUDY, "customer")
    section = material(whole(tmp_path, study))
    lost = retention.risk(section, section.scores(section.responses))
    assert lost.table["rank"].tolist() == list(range(1, 241))
    assert lost.table["probability"].is_monotonic_decreasing
    assert lost.table["customer"].astype(str).str.startswith(("c", "k")).all() == customer


def test_no_prices_no_calls(tmp_path: Path) -> None:
    study = STUDY.replace(", call_cost: 2, value: 50, saved: 0.2", "")
    section = material(whole(tmp_path, study))
    lost = retention.risk(section, section.scores(section.responses))
    assert (lost.best_calls, lost.best_net) == (None, None)


# --- the whole section


def test_the_section_without_any_of_it(tmp_path: Path) -> None:
    ran = run_section(
        whole(tmp_path, without(STUDY, "overall", "nps", "outcomes", "loyalty")), NOTEBOOK
    )
    assert ran.record.status == "skipped"
    assert ran.record.skipped == (
        "This study has no data on repurchase or referral.",
        "This study has no question on overall satisfaction.",
        "This study has no 0–10 recommendation question.",
    )


def test_the_section_where_a_dimension_copies_another(tmp_path: Path) -> None:
    frame = answers().assign(q3=lambda rows: rows["q1"], q4=lambda rows: rows["q2"])
    ran = run_section(whole(tmp_path, frame=frame), NOTEBOOK)
    singular = (
        "not estimable. The correlation matrix is singular because these items determine each "
        "other: Speed = Manner."
    )
    copies = (
        "not estimable. These drivers are copies or combinations of each other, so their effects "
        "cannot be told apart: Speed, Manner."
    )
    wanted = {
        "07.importance": f"What goes with overall satisfaction: {singular}",
        "07.halo": f"Dimensions among each other: {singular}",
        "07.quadrants": f"Importance and performance: {singular}",
        "07.model.again": f"Repurchase: {copies}",
        "07.scenario": f"Return on investment: {copies}",
        "07.risk": f"Risk of losing customers: {copies}",
    }
    assert {id: ran.texts[id] for id in wanted} == wanted
    assert not [id for id in ran.texts if id.startswith("07.priority")]
    # What does not need them apart is there: problems, intention, satisfaction and repurchase.
    assert {figure["name"] for figure in ran.record.figures} == {"curve_1", "urgency"}


@pytest.mark.parametrize("value", ["y", "n"])
def test_the_section_where_all_customers_do_the_same(value: str, tmp_path: Path) -> None:
    ran = run_section(whole(tmp_path, frame=answers().assign(again=value)), NOTEBOOK)
    same = "not estimable. All 240 customers have the same outcome, so nothing can explain it."
    assert ran.texts["07.model.again"] == f"Repurchase: {same}"
    assert ran.texts["07.scenario"] == f"Return on investment: {same}"
    assert ran.texts["07.risk"] == f"Risk of losing customers: {same}"
    assert "curve_1" not in {figure["name"] for figure in ran.record.figures}


def test_the_section_with_more_drivers_than_rows(tmp_path: Path) -> None:
    """Four customers, five dimensions, no waves, and a filter would change nothing."""
    study = without(FIVE, "wave", "improvement")
    ran = run_section(whole(tmp_path, study, answers().head(4)), NOTEBOOK)
    few = (
        "not estimable. The number of complete rows, 4, is too small for the number of drivers, 5."
    )
    assert ran.texts["07.model.again"] == f"Repurchase: {few}"
    assert ran.texts["07.importance"] == (
        "What goes with overall satisfaction: not estimable. 4 complete rows are too few: at "
        "least 7 are needed."
    )
    assert ran.texts["07.halo"] == (
        "Dimensions among each other: not estimable. 4 complete rows are too few: at least 6 are "
        "needed."
    )
    assert not {"importance", "model_1", "lift", "scenario"} & {
        t["name"] for t in ran.record.tables
    }


def test_the_section_with_one_dimension(tmp_path: Path) -> None:
    study = STUDY.replace("  Manner: [q3, q4]\n  Price: [q5]\n", "")
    ran = run_section(whole(tmp_path, study), NOTEBOOK)
    assert ran.levels["07.importance"] == "info"
