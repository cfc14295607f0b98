"""Before fieldwork: a study without responses is its sampling plan."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from conftest import csat, demo_project
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from pptx import Presentation
from projects import make_project, material, told

from csat_stats import sampling
from csat_stats.report import Section, design
from csat_stats.report.html import _with_content
from csat_stats.report.section import BEFORE_FIELDWORK, sections_of
from csat_stats.run import RunResult, run
from csat_stats.study import Plan, Project, load, prepare

# The strata, the frame and its sizes are the demo's; nobody has been asked yet.
PLAN = """\
title: Plan of a study
language: en
data: {population: demo/population.csv}
wave: {column: wave, order: [before, after]}
dimensions:
  Speed: [fast, on_time]
  Staff: [kind]
overall: how
nps: recommend
segments: [城市级别, 客户类型, channel]
sampling:
  strata: [城市级别, 客户类型]
  size: 客户数
  planned: 600
  margin: 0.05
  design_effect: 1.2
  response_rate: 0.3
targets:
  - {name: Tier 1, metric: Speed, where: {城市级别: 一线}, baseline: 3, target: 3.2}
  - {name: Satisfied, metric: satisfied, baseline: 0.6, target: 0.7}
  - {name: Loyal, metric: nps, baseline: 10, target: 30}
  - {name: Index, metric: index, target: 80}
  - {name: Online, metric: Speed, where: {channel: [online]}, baseline: 3, target: 4}
thresholds: {caution_base: 70}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = demo_project(tmp_path_factory.mktemp("planning"))
    (project.params / "plan.yml").write_text(PLAN, "utf-8")
    (project.params / "bare.yml").write_text(
        "title: Bare\nlanguage: en\ndata: {}\ndimensions: {Staff: kind}\nsampling: {margin: 0.1}\n"
    )
    return project


@pytest.fixture(scope="module")
def planned(project: Project) -> RunResult:
    return run("plan", project=project)


@pytest.fixture(scope="module")
def frame(project: Project) -> pd.DataFrame:
    """People by the two strata of the plan, read without the package."""
    raw = pd.read_csv(project.raw / "demo" / "population.csv", encoding="utf-8-sig")
    return raw.groupby(["城市级别", "客户类型"], sort=False)["客户数"].sum().reset_index()


@pytest.fixture(scope="module")
def allocation(frame: pd.DataFrame) -> sampling.Allocation:
    return sampling.allocate(frame, 600, by=["城市级别", "客户类型"], size="客户数")


def table(result: RunResult, name: str) -> pd.DataFrame:
    return pd.read_parquet(result.folder / "sections" / "01_sampling_design" / f"{name}.parquet")


def headings(result: RunResult) -> list[str]:
    """The headings of the sampling design."""
    found = re.findall(r"(?s)<h3[^>]*>\s*(.*?)\s*</h3>", result.report.read_text("utf-8"))
    return [heading for heading in found if heading.startswith("1.")]


def body(result: RunResult) -> str:
    """What a reader of the report reads."""
    page = result.report.read_text("utf-8")
    page = re.sub(r"(?s)<(script|style).*?</\1>", "", page[page.index("<body") :])
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


# --- csat check


def test_check_tells_the_plan_and_no_responses(project: Project) -> None:
    done = csat("check", "plan", cwd=project.root)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "Plan of a study",
        "Study file: params/plan.yml",
        "Responses: none yet",
        "Scale: 1–5",
        "Dimensions: 2",
        "  Speed: fast, on_time",
        "  Staff: kind",
        "Overall satisfaction: how",
        "Recommendation 0–10: recommend",
        "Outcomes: none",
        "Segments: 城市级别, 客户类型, channel",
        "Targets: Tier 1 (Speed ≥ 3.2), Satisfied (satisfied ≥ 0.7), Loyal (nps ≥ 30), "
        "Index (index ≥ 80), Online (Speed ≥ 4)",
        "Other tables: population",
        "No problems found. Run it: csat run plan",
    ]


def test_intake_has_the_columns_of_the_study_and_no_row(project: Project) -> None:
    study = load("plan", project)
    assert not study.fielded
    for intake in (prepare(study), prepare(study)):  # made, and found prepared
        assert intake.responses.empty
        assert list(intake.responses) == [
            *["row", "wave", "fast", "on_time", "kind", "overall", "nps"],
            *["城市级别", "客户类型", "channel"],
        ]
        assert intake.flow["n"].sum() == 0
        assert intake.tables["population"]["客户数"].sum() == 60_000


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({"wave": "after"}, "csat: wave: after has no answers."),
        ({"where": "城市级别=一线"}, "csat: where: no response has 城市级别 = 一线."),
    ],
)
def test_there_is_no_part_of_no_responses(
    scope: dict[str, Any], words: str, project: Project
) -> None:
    assert told(lambda: run("plan", project=project, **scope)) == [words]


# --- csat run


def test_the_sections_are_those_before_fieldwork(planned: RunResult, project: Project) -> None:
    assert {s.name: (s.status, s.error) for s in planned.sections} == dict.fromkeys(
        BEFORE_FIELDWORK, ("complete", None)
    )
    assert sections_of(load("plan", project)) == list(BEFORE_FIELDWORK)
    assert len(sections_of(load("demo", project))) > len(BEFORE_FIELDWORK)


def test_the_conclusions_with_their_verdicts(planned: RunResult) -> None:
    assert [(f.id, f.level, f.n) for f in planned.findings] == [
        ("01.plan_size", "met", None),
        ("01.precision", "watch", None),
        ("01.chance.Tier 1", "watch", None),
        ("01.chance.Satisfied", "met", None),
        ("01.chance.Loyal", "met", None),
        ("01.chance.Index", "not_estimable", None),
        ("01.chance.Online", "not_estimable", None),
    ]
    texts = {f.id: f.text for f in planned.findings}
    assert texts["01.precision"].endswith(" Fewer than 70 responses: VIP客户.")
    assert texts["01.chance.Index"] == "Index: not estimable. The target has no baseline."
    assert texts["01.chance.Online"] == (
        "Online: not estimable. It is for customers whom the strata of the plan do not tell apart."
    )


def test_the_size_needed_is_cochrans(planned: RunResult) -> None:
    wanted = 1.2 * (1.959963984540054 / 0.05) ** 2 / 4
    wanted = math.ceil(wanted / (1 + (wanted - 1) / 60_000))
    row = table(planned, "sample_size").iloc[0]
    assert row["population"] == 60_000
    assert (row["completes"], row["contacts"]) == (wanted, math.ceil(wanted / 0.3))
    assert planned.findings[0].text == (
        f"600 responses are planned, {wanted} are needed for a margin of ±5.0%: enough."
    )


def test_the_precision_is_that_of_the_allocation(
    planned: RunResult, allocation: sampling.Allocation
) -> None:
    expected = sampling.expected_precision(
        allocation.table,
        by=["城市级别", "客户类型"],
        design_effect=1.2,
        response_rate=0.3,
    )
    shown = table(planned, "precision")
    assert shown["segment"].tolist() == [
        "All customers",
        *["城市级别"] * 4,
        *["客户类型"] * 3,
    ]
    columns = ["level", "population", "planned", "contacts", "margin"]
    cells = table(planned, "cells")
    pd.testing.assert_frame_equal(
        pd.concat([shown, cells])[columns].reset_index(drop=True),
        expected.table[columns].replace({"level": {"": "all"}}),
    )
    assert cells["planned"].sum() == shown["planned"].iloc[0] == 600
    margins = shown["margin"][1:]
    assert planned.findings[1].text.startswith(
        f"Expected margins of error: ±{shown['margin'][0]:.1%} for all customers, "
        f"±{margins.min():.1%} to ±{margins.max():.1%} by segment."
    )


def test_the_chances_are_those_of_the_planned_cells(
    planned: RunResult, allocation: sampling.Allocation
) -> None:
    tier_1 = allocation.table.loc[allocation.table["城市级别"] == "一线", "planned"].sum()
    cases = [
        ("Tier 1", 3, 3.2, tier_1, 1.0),  # a quarter of 1–5
        ("Satisfied", 0.6, 0.7, 600, None),
        ("Loyal", 10, 30, 600, 100 * math.sqrt(1 - 0.1**2)),
    ]
    shown = table(planned, "chances")
    assert shown["target"].tolist() == [name for name, *_ in cases]
    for (name, baseline, target, n, sd), row in zip(cases, shown.itertuples(), strict=True):
        power = sampling.power_for_target(baseline, target, n, sd=sd, design_effect=1.2)
        needed = sampling.sample_size_for_change(baseline, target, sd=sd, design_effect=1.2)
        assert (row.n, row.power, row.needed) == (n, power.estimate, needed.n)
        text = next(f.text for f in planned.findings if f.id == f"01.chance.{name}")
        assert f"with {n} responses a wave" in text
        assert text.endswith(f"; 80% takes {needed.n:,}.")


def test_the_report_speaks_of_the_plan_only(planned: RunResult) -> None:
    text = body(planned)
    assert "There are no responses yet: this is the sampling plan." in text
    assert not re.search(r"\b0 responses|n = \d", text)
    for absent in [
        *["Responses analysed", "From received to analysed", "Improve first", "Targets", "Alerts"],
        *["No alerts", "No priorities", "Representativeness", "Weighting"],
    ]:
        assert absent not in text, absent
    assert headings(planned) == [
        "1.1 Sample size",
        "1.2 What the plan can show",
        "1.3 Plan and fieldwork",
    ]


def test_the_summary_quotes_the_plan_once(planned: RunResult) -> None:
    text = planned.summary.read_text("utf-8")
    assert re.findall(r"E1\.\d", text) == [f"E1.{i}" for i in range(1, 8)]
    assert "Sampling plan\n" in text and "Alerts" not in text
    assert [f.number for f in planned.alerts] == ["E1.2", "E1.3"]


def test_the_workbook_has_the_plan(planned: RunResult) -> None:
    book = openpyxl.load_workbook(planned.files["workbook"])
    assert book.sheetnames == [
        *["Contents", "Findings", "1-1", "1-2", "1-3", "1-4"],
        "Method and data",
    ]
    numbers = [row[2] for row in book["1-4"].iter_rows(values_only=True)]
    planned_cells = [number for number in numbers if isinstance(number, float)]
    assert (len(planned_cells), sum(planned_cells)) == (12, 600)


def test_the_slides_have_the_plan(planned: RunResult) -> None:
    slides = Presentation(str(planned.files["slides"])).slides
    texts = [
        " ".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
        for slide in slides
    ]
    assert "Responses analysed" not in texts[0]
    for finding in planned.findings[:4]:
        assert finding.text in texts[1]
    assert "No priorities" not in " ".join(texts)
    assert "Table 1-1  Sample size needed" in texts[2]
    assert "Source: demo/population.csv" in texts[2]
    assert "n = " not in " ".join(texts)


def test_other_sections_are_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    words = ["params/plan.yml: There are no responses yet."]
    assert told(lambda: Section.open("04_satisfaction", study="plan")) == words
    assert not (project.reports("plan") / "draft").exists()
    assert Section.open("01_sampling_design", study="plan").name == "01_sampling_design"
    assert Section.open("04_satisfaction", study="demo").name == "04_satisfaction"
    # A notebook of the user's own: what is wrong with its name is not said of the responses.
    assert Section.open("11_own", study="demo").name == "11_own"


def test_a_plan_without_a_frame_has_the_size_needed(project: Project) -> None:
    result = run("bare", project=project)
    assert not result.failed and result.findings == ()
    row = table(result, "sample_size").iloc[0]
    assert row["completes"] == math.ceil((1.959963984540054 / 0.1) ** 2 / 4)
    text = body(result)
    assert "This study has no population frame." in text
    assert headings(result) == ["1.1 Sample size", "1.2 What the plan can show"]
    assert "Customers in the frame" not in text and "Responses planned" not in text


# --- headings


def shown(source: str, output: bool) -> Any:
    outputs = [new_output("display_data", {"text/html": "x"})] if output else []
    return new_code_cell(source, outputs=outputs)


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["## A", ("a", False), "## B", ("b", True)], ["a", "## B", "b"]),
        (["## A", ("a", False), ("b", True)], ["## A", "a", "b"]),
        (["## A", "Prose.", ("a", False)], ["## A", "Prose.", "a"]),
        (["## A\nWith prose.", ("a", False)], ["## A\nWith prose.", "a"]),
        (["# Title", "## A", ("a", False), "## B"], ["# Title", "a"]),
        ([("a", True), "## A "], ["a"]),
    ],
)
def test_headings_without_content_go(cells: list[str | tuple[str, bool]], kept: list[str]) -> None:
    given = [new_markdown_cell(c) if isinstance(c, str) else shown(*c) for c in cells]
    assert [cell.source for cell in _with_content(given)] == kept


# --- the chance of a target


Planned = Callable[..., Plan]


@pytest.fixture
def plan() -> Planned:
    def plan(target: dict[str, object], **more: object) -> Plan:
        return Plan.model_validate(
            {
                "title": "x",
                "data": {},
                "dimensions": {"Staff": ["kind"]},
                "overall": {"column": "how", "scale": {"low": 0, "high": 10, "satisfied_from": 8}},
                "nps": "recommend",
                "outcomes": {"Again": {"column": "again", "yes": "1", "no": "0"}},
                "sampling": {"strata": ["city"]},
                "targets": [{"name": "t", **target}],
                **more,
            }
        )

    return plan


CELLS = pd.DataFrame({"city": ["north", "south", "east"], "planned": [200, 100, 0]})


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ({"metric": "satisfied", "target": 0.7}, "The target has no baseline."),
        (
            {"metric": "satisfied", "baseline": 0.7, "target": 0.7},
            "The target is no more than the baseline.",
        ),
        *(
            (
                {"metric": metric, "baseline": low, "target": high},
                "The baseline or the target lies at the end of the scale or beyond.",
            )
            for metric, low, high in [
                ("satisfied", 0, 0.7),
                ("satisfied", 0.6, 1),
                ("Again", 40, 50),  # in per cent by mistake
                ("nps", -100, 0),
                ("nps", 10, 110),
                ("Staff", 4, 5.5),
                ("overall", 8, 10),
                ("index", 80, 100),
            ]
        ),
        (
            {"metric": "Staff", "baseline": 3, "target": 4, "where": {"kind": "new"}},
            "It is for customers whom the strata of the plan do not tell apart.",
        ),
        (
            {"metric": "Staff", "baseline": 3, "target": 4, "where": {"city": "east"}},
            "Nobody is planned there.",
        ),
        (
            {"metric": "Staff", "baseline": 3, "target": 4, "where": {"city": "west"}},
            "Nobody is planned there.",
        ),
    ],
)
def test_why_a_chance_is_not_known(target: dict[str, object], why: str, plan: Planned) -> None:
    (chance,) = design.chances(plan(target), CELLS)
    assert (chance.power, chance.needed, str(chance.unknown)) == (None, None, why)


@pytest.mark.parametrize(
    ("where", "n"),
    [({}, 300), ({"city": "south"}, 100), ({"city": ["south", "north"]}, 300)],
)
def test_a_chance_counts_the_cells_of_the_target(
    where: dict[str, object], n: int, plan: Planned
) -> None:
    target = {"metric": "Again", "baseline": 0.3, "target": 0.4, "where": where}
    changed = plan(target, conf_level=0.9, thresholds={"power": 0.9})
    (chance,) = design.chances(changed, CELLS)
    assert chance.n == n and chance.power is not None and chance.needed is not None
    expected = sampling.power_for_target(0.3, 0.4, n, conf_level=0.9)
    assert chance.power.estimate == expected.estimate
    expected_size = sampling.sample_size_for_change(0.3, 0.4, power=0.9, conf_level=0.9)
    assert chance.needed.n == expected_size.n
    assert chance.pattern == ".1%"


@pytest.mark.parametrize(
    ("metric", "more", "sd"),
    [
        ("Staff", {}, 1.0),
        ("Staff", {"scale": {"low": 1, "high": 7}}, 1.5),
        ("Staff", {"sampling": {"strata": ["city"], "std_dev": 0.8}}, 0.8),
        ("overall", {}, 2.5),  # asked on 0–10
        ("overall", {"sampling": {"strata": ["city"], "std_dev": 0.8}}, 2.0),
        ("index", {}, 25.0),
        ("index", {"sampling": {"strata": ["city"], "std_dev": 0.8}}, 20.0),
        ("index", {"index": {"formula": "of_maximum"}}, 25.0),  # of the overall question, from 0
        ("index", {"index": {"formula": "of_maximum", "source": "dimensions"}}, 20.0),
        ("nps", {}, 100 * math.sqrt(1 - 0.6**2)),
        ("satisfied", {}, None),
        ("Again", {}, None),
    ],
)
def test_the_standard_deviation_expected(
    metric: str, more: dict[str, object], sd: float | None, plan: Planned
) -> None:
    study = plan({"metric": metric, "baseline": 60, "target": 70}, **more)
    assert design.expected_sd(study, study.targets[0]) == (sd and pytest.approx(sd, rel=1e-12))


def test_the_allocation_is_that_of_the_study_file(tmp_path: Path) -> None:
    frame = "city,people\nnorth,900\nsouth,100\n"
    text = (
        "title: x\nlanguage: en\ndata: {population: frame.csv}\ndimensions: {Staff: kind}\n"
        "sampling: {strata: city, size: people, planned: 100%s}\n"
    )
    for more, planned in {
        "": [90, 10],
        ", minimum: 30": [70, 30],
        ", allocation: equal": [50, 50],
        ", minimum: 60": [None, None],
    }.items():
        files = {"params/small.yml": text % more, "data/raw/frame.csv": frame}
        study = material(make_project(tmp_path, files))
        cells = design.allocation(study).table["planned"]
        assert [None if pd.isna(n) else n for n in cells] == planned
