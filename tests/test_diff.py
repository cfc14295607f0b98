"""What changed between two runs: figures against their noise, and everything a reader is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from conftest import csat
from hypothesis import given
from hypothesis import strategies as st

from csat_stats.report import records
from csat_stats.report.language import translator
from csat_stats.report.records import FindingRecord, SectionRecord
from csat_stats.run import RunResult, diff
from csat_stats.run.diff.compare import Count, Movement, _movement
from csat_stats.study import Project, StudyError
from csat_stats.study.changes import Change

ENGLISH = translator("en")
PLAN = """\
title: A study
language: en
data: {responses: a.csv}
dimensions: {Speed: [q1, q2], Staff: [q3]}
overall: q9
targets: [{name: goal, metric: index, target: 70}]
"""


def figures(estimate: float, half: float | None = 2.0, **more: Any) -> dict[str, Any]:
    ends = (None, None) if half is None else (estimate - half, estimate + half)
    return {"estimate": estimate, "conf_low": ends[0], "conf_high": ends[1], **more}


def finding(id: str = "04.index", **other: Any) -> FindingRecord:
    usual: dict[str, Any] = {
        "number": "E3.1",
        "level": "info",
        "text": "Satisfaction index 60.0.",
        "n": 100,
        "tables": ("headline",),
        "values": figures(60.0),
    }
    return FindingRecord(id=id, **(usual | other))


def a_run(
    folder: Path,
    findings: Mapping[str, list[FindingRecord]] | None = None,
    *,
    plan: str | None = PLAN,
    answers: str = "aa",
    states: Mapping[str, str] | None = None,
    **manifest: Any,
) -> Path:
    """A run's folder: two sections, one finding, the answers with the hash ``answers``."""
    found = {"04_satisfaction": [finding()], "07_loyalty_drivers": []} | dict(findings or {})
    sections = []
    for name, held in found.items():
        status = (states or {}).get(name, "complete")
        error = "ValueError: no" if status == "failed" else None
        sections.append({"name": name, "title": name[3:], "status": status, "error": error})
        if status != "failed":
            (folder / "sections" / name).mkdir(parents=True)
            skipped = ("This study has no outcomes.",) if status == "skipped" else ()
            record = SectionRecord(
                name, name[3:], "key", {}, "en", status, tuple(held), skipped=skipped
            )
            records.write(record, folder / "sections" / name)
    usual = {
        "study": "small",
        "run": folder.name,
        "wave": "",
        "where": "",
        "language": "en",
        "sections": sections,
        "flow": {"received": 110, "duplicate": 10, "analysed": 100},
        "versions": {"pandas": "3.0"},
        "hashes": {
            "params/small.yml": str(hash(plan)),
            "data/raw/a.csv": answers,
            "report.html": "x",
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(usual | manifest), "utf-8")
    if plan is not None:
        (folder / "study.yml").write_text(plan, "utf-8")
    return folder


def pair(tmp_path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> diff.Difference:
    return diff.compare(a_run(tmp_path / "one", **before), a_run(tmp_path / "two", **after))


def index(*, answers: str = "bb", **other: Any) -> dict[str, Any]:
    """A run whose index finding is another one, on other answers."""
    return {"findings": {"04_satisfaction": [finding(**other)]}, "answers": answers}


# --- figures and their noise ----------------------------------------------------------------------


def movement(a: Mapping[str, Any], b: Mapping[str, Any], **options: Any) -> Movement | None:
    return _movement(a, b, **({"levels": (0.95, 0.95), "exact": False, "why": ()} | options))


def test_z_is_the_difference_over_the_standard_error_of_two_independent_estimates() -> None:
    q = NormalDist().inv_cdf(0.975)
    found = movement(figures(60, 1.5 * q), figures(64, 2.0 * q))
    assert found == Movement(60, 64, "within", pytest.approx(1.6, rel=1e-12))
    found = movement(figures(60, 0.9 * q), figures(65, 1.2 * q))
    assert found is not None and found.noise == "beyond"
    assert found.z == pytest.approx(5 / 1.5, rel=1e-12)


def test_intervals_of_two_levels_are_brought_to_one_measure() -> None:
    q90, q99 = (NormalDist().inv_cdf((1 + level) / 2) for level in (0.9, 0.99))
    found = movement(figures(0, 3 * q90), figures(10, 4 * q99), levels=(0.9, 0.99))
    assert found is not None and found.z == pytest.approx(2.0, rel=1e-12)
    assert found.noise == "within"  # 2.0 is beyond at 95%, not at the later run's 99%


def test_the_ends_that_face_each_other_count() -> None:
    """Shares 10/20 and 18/20 with Wilson's intervals, and Newcombe's interval of the difference."""
    a = {"estimate": 0.5, "conf_low": 0.2992980081982, "conf_high": 0.7007019918018}
    b = {"estimate": 0.9, "conf_low": 0.6989663547715, "conf_high": 0.9721335187862}
    found = movement(a, b)
    error = ((0.7007019918018 - 0.5) ** 2 + (0.9 - 0.6989663547715) ** 2) ** 0.5
    assert found is not None and found.z is not None
    assert found.z == pytest.approx(0.4 / (error / NormalDist().inv_cdf(0.975)), rel=1e-12)
    assert (found.noise == "beyond") == (0.4 - error > 0)


@given(
    x=st.floats(-100, 100),
    y=st.floats(-100, 100),
    ends=st.tuples(*[st.floats(0.01, 50)] * 4),
)
def test_the_other_way_round_only_the_sign_turns(
    x: float, y: float, ends: tuple[float, float, float, float]
) -> None:
    a = {"estimate": x, "conf_low": x - ends[0], "conf_high": x + ends[1]}
    b = {"estimate": y, "conf_low": y - ends[2], "conf_high": y + ends[3]}
    there, back = movement(a, b), movement(b, a)
    if there is None or back is None:
        assert there is back is None
    else:
        assert there.noise == back.noise
        assert there.z == pytest.approx(-(back.z or 0), rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "noise"),
    [
        (figures(60, None), figures(65), "unknown"),
        (figures(60), figures(65, None), "unknown"),
        (figures(60, 0), figures(65, 0), "unknown"),
        (figures(60), figures(60 + 1e-9), None),
        (figures(60), {"estimate": None}, None),
        ({}, {}, None),
    ],
)
def test_without_intervals_nothing_is_claimed(
    a: dict[str, Any], b: dict[str, Any], noise: str | None
) -> None:
    found = movement(a, b)
    assert (found and found.noise) == noise


def test_the_same_answers_leave_no_room_for_noise(tmp_path: Path) -> None:
    found = pair(tmp_path, {}, index(values=figures(60.5), answers="aa"))
    assert found.same_answers
    assert found.findings[0].movement == Movement(60.0, 60.5, "exact")


@pytest.mark.parametrize("other", [{"answers": "bb"}, {"where": "city=north"}, {"wave": "spring"}])
def test_other_answers_or_another_part_of_them_are_another_sample(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    found = pair(tmp_path, {}, index(values=figures(70), answers="aa") | other)
    assert not found.same_answers
    assert [c.movement.noise for c in found.findings if c.movement] == ["beyond"]


def test_the_wave_of_the_answers_counts_where_none_was_asked_for(tmp_path: Path) -> None:
    waves = [{"spring": 5, "autumn": n} for n in (0, 5)]
    found = pair(tmp_path, {"waves": waves[0]}, {"waves": waves[1]})
    assert found.scope == (Change("wave", "spring", "autumn"),)


# --- findings -------------------------------------------------------------------------------------


def test_findings_are_told_apart_and_the_worst_comes_first(tmp_path: Path) -> None:
    def all_of(*held: FindingRecord) -> dict[str, Any]:
        return {"findings": {"04_satisfaction": list(held)}}

    found = pair(
        tmp_path,
        all_of(
            finding("04.a", level="not_met"),
            finding("04.b", level="met"),
            finding("04.c"),
            finding("04.d", text="Staff is lowest."),
            finding("04.e"),
            finding("04.f"),
        ),
        all_of(
            finding("04.a", level="met"),
            finding("04.b", level="watch", values=figures(50)),
            finding("04.d", text="Speed is lowest."),
            finding("04.e", number="E4.9"),
            finding("04.f", values=figures(70)),
            finding("04.g"),
            finding("04.h", level="watch"),
        )
        | {"answers": "bb"},
    )
    assert [(c.kind, c.shown.id) for c in found.findings] == [
        ("verdict", "04.b"),
        ("verdict", "04.a"),
        ("gone", "04.c"),
        ("new", "04.h"),
        ("new", "04.g"),
        ("figure", "04.f"),
        ("text", "04.d"),
    ]
    assert found.unchanged == 1
    assert found.findings[0].movement is not None  # a verdict is told with its figure
    assert found.findings[1].movement is None


def test_across_languages_words_are_not_compared_but_numbers_are(tmp_path: Path) -> None:
    chinese = {"language": "zh_Hans"}
    same = index(text="满意度指数 60.0。", answers="aa")
    assert pair(tmp_path / "a", {}, same | chinese).findings == ()
    other = index(text="满意度指数 60.0。", values=figures(60, change=1.0), answers="aa")
    assert [c.kind for c in pair(tmp_path / "b", {}, other | chinese).findings] == ["text"]


@pytest.mark.parametrize(
    ("states", "reason"),
    [("failed", "ValueError: no"), ("skipped", "This study has no outcomes.")],
)
def test_a_section_that_did_not_finish_has_lost_no_findings(
    tmp_path: Path, states: str, reason: str
) -> None:
    held = {"07_loyalty_drivers": [finding("07.model.again")]}
    after: dict[str, Any] = {"states": {"07_loyalty_drivers": states}}
    found = pair(tmp_path, {"findings": held}, after)
    assert found.findings == ()
    text = diff.render(found, ENGLISH)
    line = f"loyalty_drivers: complete → {states}, findings 1 → 0, not compared. {reason}"
    assert f"Read first\n  {line}\n" in text


def test_a_section_that_failed_twice_is_still_said(tmp_path: Path) -> None:
    failed = {"states": {"07_loyalty_drivers": "failed"}}
    found = pair(tmp_path, failed, failed)
    assert [(s.before, s.after) for s in found.sections] == [("failed", "failed")]
    assert "Nothing changed" not in diff.render(found, ENGLISH)


def test_a_new_section_is_one_line(tmp_path: Path) -> None:
    found = pair(tmp_path, {}, {"findings": {"08_service": [finding("08.a"), finding("08.b")]}})
    assert found.findings == ()
    line = "service: not there → complete, findings 0 → 2, not compared."
    assert line in diff.render(found, ENGLISH)


# --- the study file -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "id", "why"),
    [
        ("overall: q9", "overall: q8", "04.index", ["read from another column"]),
        ("overall: q9", "overall: q8", "04.target.goal", ["read from another column"]),
        ("metric: index", "metric: satisfied", "04.target.goal",
         ["another metric or other respondents"]),
        ("[q1, q2]", "[q1, q4]", "04.low.Speed", ["other items"]),
        ("[q1, q2]", "[q1, q4]", "09.change.Speed", ["other items"]),
        ("[q1, q2]", "[q1, q4]", "03.kmo", ["other items"]),
        ("Staff: [q3]", "Crew: [q3]", "07.model.again", ["other dimensions"]),
        ("[q1, q2]", "[q1, q4]", "04.low.Staff", []),
        ("[q1, q2]", "[q1, q4]", "04.index", []),
        ("target: 70", "target: 75", "04.target.goal", []),
    ],
)  # fmt: skip
def test_a_figure_that_means_something_else_is_not_judged(
    tmp_path: Path, old: str, new: str, id: str, why: list[str]
) -> None:
    section = {"03": "03_reliability", "07": "07_loyalty_drivers", "09": "09_effects"}
    name = section.get(id[:2], "04_satisfaction")
    runs = [{"findings": {name: [finding(id, values=figures(x))]}} for x in (60, 80)]
    found = pair(tmp_path, runs[0], runs[1] | {"plan": PLAN.replace(old, new), "answers": "bb"})
    moved = found.findings[0].movement
    assert moved is not None
    assert [str(reason) for reason in moved.why] == why
    assert moved.noise == ("not_comparable" if why else "beyond")


def test_comments_are_no_change_of_the_study(tmp_path: Path) -> None:
    found = pair(tmp_path, {}, {"plan": "# more\n" + PLAN})
    assert found.plan is not None and found.plan.changes == ()
    assert "Study file\n  Only comments or layout changed.\n" in diff.render(found, ENGLISH)


@pytest.mark.parametrize("kept", [None, "title: no longer readable\nold_key: 1\n"])
def test_a_study_file_that_was_not_kept_is_said(tmp_path: Path, kept: str | None) -> None:
    found = pair(tmp_path, {"plan": kept}, {})
    assert found.plan is None and found.study_file_changed
    line = "Not kept by one of the runs, so not compared: Study file."
    assert line in diff.render(found, ENGLISH)


# --- data and versions ----------------------------------------------------------------------------


def test_rows_by_rule_stand_from_received_to_analysed(tmp_path: Path) -> None:
    flow = {"received": 120, "duplicate": 10, "speeder": 5, "analysed": 105}
    found = pair(tmp_path, {}, {"flow": flow})
    assert found.flow == (
        Count("received", 110, 120),
        Count("duplicate", 10, 10),
        Count("speeder", None, 5),
        Count("analysed", 100, 105),
    )
    assert "        – →         5  Answered faster than the minimum time" in diff.render(
        found, ENGLISH
    )


def test_files_and_versions(tmp_path: Path) -> None:
    hashes = {"params/small.yml": "s", "data/raw/a.csv": "1", "data/raw/old.csv": "2"}
    other = {"params/small.yml": "s", "data/raw/a.csv": "3", "data/raw/new.csv": "4", "x.pdf": "5"}
    found = pair(
        tmp_path,
        {"hashes": hashes},
        {"hashes": other, "versions": {"pandas": "3.1", "scipy": "1.17"}},
    )
    text = diff.render(found, ENGLISH)
    assert (
        "Raw data\n  data/raw/a.csv changed\n  − data/raw/old.csv\n  + data/raw/new.csv\n" in text
    )
    assert "Versions\n  pandas: 3.0 → 3.1\n  + scipy: 1.17\n" in text


def test_what_an_older_run_did_not_record_is_said(tmp_path: Path) -> None:
    found = pair(tmp_path, {"flow": {}, "versions": {}}, {})
    assert found.nothing
    assert diff.render(found, ENGLISH) == (
        "A study\none → two\n\nNothing changed.\n"
        "Not kept by one of the runs, so not compared: Responses by rule, Versions.\n"
    )


# --- as text --------------------------------------------------------------------------------------


def test_the_whole_text(tmp_path: Path) -> None:
    plan = PLAN.replace("target: 70", "target: 55").replace("[q1, q2]", "[q1]")
    after = {
        "findings": {
            "04_satisfaction": [
                finding(text="Satisfaction index 61.2 of 100.", values=figures(61.25)),
                finding(
                    "04.target.goal",
                    number="E3.2",
                    level="met",
                    text="goal: 66.0 [64.0, 68.0].",
                    values=figures(66.0),
                ),
                finding(
                    "04.satisfied", number="E3.3", text="54.0% are.", values=figures(0.54, 0.01)
                ),
            ]
        },
        "plan": plan,
        "answers": "bb",
    }
    before = {
        "findings": {
            "04_satisfaction": [
                finding(),
                finding("04.target.goal", level="not_met"),
                finding("04.satisfied", text="50.0% are.", values=figures(0.5, 0.01)),
            ]
        }
    }
    assert (
        diff.render(pair(tmp_path, before, after), ENGLISH)
        == """\
A study
one → two

Verdicts changed: 1. Findings new: 0, gone: 0, unchanged: 0. Figures changed beyond noise: 2, \
within noise: 1.

Read first
  Not comparable: Speed (other items).
  Verdicts are held against other values, by targets.goal.target.

Verdicts changed
  E3.2 not met → met; 60.0 → 66.0, beyond noise (z = 4.2)
       goal: 66.0 [64.0, 68.0].

Figures changed beyond noise
  E3.3 50.0% → 54.0%, beyond noise (z = 5.5)
       54.0% are.

Study file
  Still comparable: Staff, Satisfaction index, Overall satisfaction, Satisfied; items: 2.
  dimensions.Speed: q1, q2 → q1
  targets.goal.target: 70 → 55

Raw data
  data/raw/a.csv changed

Figures changed within noise
  E3.1 60.0 → 61.2 (z = 0.9)  index

Noise: what two independent samples differ by, judged by their 95% intervals; where the same \
people are in both, chance explains less. Of 3 figures 0.2 would look changed by chance alone.
"""
    )


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    held = [finding(f"04.a{i}") for i in range(14)]
    found = pair(tmp_path, {"findings": {"04_satisfaction": []}},
                 {"findings": {"04_satisfaction": held}})  # fmt: skip
    text = diff.render(found, ENGLISH)
    assert text.count("Satisfaction index 60.0.") == 10
    assert text.endswith("  … +4\n")


@pytest.mark.parametrize(
    ("text", "estimate", "shown"),
    [
        ("NPS +18.5 [13.8, 23.1].", 18.478, "+0.0 → +18.5"),
        ("61.8% are satisfied.", 0.618, "0.0% → 61.8%"),
        ("91% of 0.9 and 1.", 0.908, "0% → 91%"),
        ("A mean of 3.71.", 3.708, "0.00 → 3.71"),
        ("1,212 answers.", 1212.0, "0 → 1,212"),
        ("Change −0.25.", -0.25, "+0.00 → −0.25"),
        ("No figure here.", 0.12345, "0 → 0.1235"),
    ],
)
def test_a_figure_is_shown_as_its_own_sentence_shows_it(
    tmp_path: Path, text: str, estimate: float, shown: str
) -> None:
    found = pair(tmp_path, index(values=figures(0.0)), index(values=figures(estimate), text=text))
    assert f" {shown}" in diff.render(found, ENGLISH)


def test_chinese_tells_it_in_chinese(tmp_path: Path) -> None:
    text = diff.render(pair(tmp_path, {}, index(values=figures(70))), translator("zh_Hans"))
    assert "超出抽样误差范围" in text and "beyond" not in text


# --- what cannot be compared ----------------------------------------------------------------------


def refused(action: Any, *arguments: Any) -> str:
    with pytest.raises(StudyError) as refusal:
        action(*arguments)
    return str(refusal.value)


def test_runs_of_two_studies_are_refused(tmp_path: Path) -> None:
    runs = a_run(tmp_path / "one"), a_run(tmp_path / "two", study="other")
    told = "csat: These are runs of different studies: small and other."
    assert refused(diff.compare, *runs) == told


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    told = f"csat: {tmp_path} holds no finished run: there is no manifest.json."
    assert refused(diff.compare, tmp_path, tmp_path) == told


@pytest.mark.parametrize("damage", ["{", "[]", "null", '{"run": "x"}', '{"sections": [1]}'])
def test_a_damaged_manifest_is_refused(tmp_path: Path, damage: str) -> None:
    run = a_run(tmp_path / "one")
    (run / "manifest.json").write_text(damage, "utf-8")
    assert refused(diff.compare, run, run).startswith(f"csat: The records of run {run} are damaged")


def test_a_section_that_lost_its_record_is_refused(tmp_path: Path) -> None:
    run = a_run(tmp_path / "one")
    (run / "sections" / "04_satisfaction" / "section.json").unlink()
    assert "sections/04_satisfaction/section.json" in refused(diff.compare, run, run)


def test_runs_are_found_by_path_and_by_name(tmp_path: Path) -> None:
    project = Project(tmp_path)
    run = a_run(tmp_path / "reports" / "small" / "2026-01-01_000000")
    (run.parent / "latest").symlink_to(run.name)
    for name in ("small/2026-01-01_000000", "small/latest", str(run)):
        assert diff.find(name, project) == run
    told = "csat: There is no run small/2026-01-01_00000. Did you mean small/2026-01-01_000000?"
    assert refused(diff.find, "small/2026-01-01_00000", project) == told


# --- for real -------------------------------------------------------------------------------------


def test_a_run_against_itself(demo: Project, demo_run: RunResult) -> None:
    done = csat("diff", "demo/latest", str(demo_run.folder), "--language", "en", cwd=demo.root)
    assert done.returncode == 0, done.stderr
    name = demo_run.folder.name
    assert done.stdout == f"家电售后服务满意度研究\n{name} → {name}\n\nNothing changed.\n"


def test_every_finding_of_the_demo_can_be_compared(tmp_path: Path, demo_run: RunResult) -> None:
    """Each figure moved by a hundred intervals is seen, whatever kind of finding it is."""
    import shutil

    moved = tmp_path / "moved"
    shutil.copytree(demo_run.folder, moved, ignore=shutil.ignore_patterns("*.ipynb", "*.html"))
    expected = set()
    for path in moved.glob("sections/*/section.json"):
        record = json.loads(path.read_text("utf-8"))
        for one in record["findings"]:
            values = one["values"]
            if values.get("conf_low") is not None:
                width = values["conf_high"] - values["conf_low"]
                for key in ("estimate", "conf_low", "conf_high"):
                    values[key] += 100 * width
                expected.add(one["id"])
        path.write_text(json.dumps(record), "utf-8")
    manifest = json.loads((moved / "manifest.json").read_text("utf-8"))
    manifest["hashes"]["data/raw/demo/responses.csv"] = "other"
    (moved / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    found = diff.compare(demo_run.folder, moved)
    assert {c.shown.id for c in found.of("figure", "beyond")} == expected
    assert len(expected) >= 8
    assert found.files == (
        Change(
            "data/raw/demo/responses.csv",
            found.before.manifest["hashes"]["data/raw/demo/responses.csv"],
            "other",
        ),
    )


def test_an_unreadable_run_ends_with_status_2(demo: Project, demo_run: RunResult) -> None:
    done = csat("diff", "demo/never", "demo/latest", "--language", "en", cwd=demo.root)
    assert done.returncode == 2
    assert done.stderr.startswith("csat: There is no run demo/never.")
    assert done.stdout == ""
