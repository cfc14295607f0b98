"""Running a study: by command, by papermill, in JupyterLab; and what happens when it goes wrong."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from conftest import ROOT, csat, demo_project, reference_file

from csat_stats.report import records
from csat_stats.report.section import TITLES
from csat_stats.run import RunResult, run
from csat_stats.study import Project, StudyError, load

LAST_FIRST = [*list(TITLES)[1:], "00_summary"]


def findings(sections: Path) -> dict[str, dict[str, Any]]:
    """Level, text and figures of every finding, by id."""
    found = {}
    for folder in sorted(sections.iterdir()):
        record = records.read(folder)
        assert record is not None, f"{folder.name} left no record"
        for finding in record.findings:
            found[finding.id] = {
                "level": finding.level,
                "number": finding.number,
                "text": finding.text,
                "n": finding.n,
                "values": dict(finding.values),
            }
    return found


def edit(notebook: Path, code: str, cell: int = -1) -> None:
    """Put ``code`` in front of a code cell."""
    nb = nbformat.read(notebook, as_version=4)
    chosen = [c for c in nb.cells if c.cell_type == "code"][cell]
    chosen.source = code + "\n" + chosen.source
    nbformat.write(nb, notebook)


# --- the demo study, as it should be --------------------------------------------------------------


def test_every_section_of_the_demo_is_complete(demo_run: RunResult) -> None:
    assert {s.name: (s.status, s.error) for s in demo_run.sections} == dict.fromkeys(
        TITLES, ("complete", None)
    )


def test_the_run_folder_holds_what_the_readme_promises(demo_run: RunResult) -> None:
    names = {path.name for path in demo_run.folder.iterdir()}
    files = {"report.html", "summary.txt", "manifest.json", "study.yml"}
    files |= {"tables.xlsx", "report.pptx"}
    assert names == files | {"notebooks", "sections"}
    assert {p.stem for p in (demo_run.folder / "notebooks").iterdir()} == set(TITLES)
    latest = demo_run.folder.parent / "latest"
    assert latest.resolve() == demo_run.folder.resolve()


def test_the_demo_recovers_its_known_truth(demo_run: RunResult) -> None:
    """Response efficiency in tier-1 cities 2.8 → 3.7, net of the common trend .85."""
    found = {finding.id: finding for finding in demo_run.findings}
    change = found["09.change.响应效率"].values
    assert change["conf_low"] < 0.90 < change["conf_high"]
    net = found["09.did.响应效率"].values
    assert net["conf_low"] < 0.85 < net["conf_high"]
    assert found["04.target.一线城市响应效率"].level == "met"
    assert found["04.target.总体满意率"].level == "not_met"
    assert [found[f"07.priority.{rank}"].values["dimension"] for rank in (1, 2)] == [
        "响应效率",
        "服务结果",
    ]


def test_manifest_tells_what_was_read_and_written(demo: Project, demo_run: RunResult) -> None:
    import hashlib

    manifest = json.loads((demo_run.folder / "manifest.json").read_text("utf-8"))
    raw = demo.raw / "demo" / "responses.csv"
    assert (
        manifest["hashes"]["data/raw/demo/responses.csv"]
        == hashlib.sha256(raw.read_bytes()).hexdigest()
    )
    assert (
        manifest["hashes"]["report.html"]
        == hashlib.sha256(demo_run.report.read_bytes()).hexdigest()
    )
    assert [section["status"] for section in manifest["sections"]] == ["complete"] * len(TITLES)
    assert manifest["flow"]["received"] > manifest["flow"]["analysed"] > 0
    assert list(manifest["waves"]) == ["改进前", "改进后"]
    assert sum(manifest["waves"].values()) == manifest["flow"]["analysed"]
    assert manifest["versions"]["csat-stats"]
    kept = (demo_run.folder / "study.yml").read_bytes()
    assert kept == (demo.params / "demo.yml").read_bytes()


def test_plain_papermill_gives_the_same_numbers(demo: Project, demo_run: RunResult) -> None:
    for name in LAST_FIRST:
        command = [sys.executable, "-m", "papermill", f"notebooks/{name}.ipynb", os.devnull]
        command += ["-p", "study", "demo", "--no-progress-bar"]
        done = subprocess.run(command, cwd=demo.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        assert "Passed unknown parameter" not in done.stderr
    drafts = demo.reports("demo") / "draft" / "sections"
    assert findings(drafts) == findings(demo_run.folder / "sections")


def test_run_all_in_jupyterlab_gives_the_same_numbers(tmp_path: Path, demo_run: RunResult) -> None:
    """JupyterLab runs a notebook's cells in order with the notebook's folder as working folder."""
    project = demo_project(tmp_path / "project")
    for name in LAST_FIRST:
        nb = nbformat.read(project.notebooks / f"{name}.ipynb", as_version=4)
        context = {"metadata": {"path": str(project.notebooks)}}
        nbclient.NotebookClient(nb, timeout=120, resources=context).execute()
    drafts = project.reports("demo") / "draft" / "sections"
    assert findings(drafts) == findings(demo_run.folder / "sections")


def test_notebooks_are_committed_without_outputs_and_thin() -> None:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        nb = nbformat.read(path, as_version=4)
        nbformat.validate(nb)
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        assert code[0].metadata.tags == ["parameters"], path.name
        for cell in code:
            assert cell.outputs == [] and cell.execution_count is None, path.name
            lines = cell.source.splitlines()
            assert not [line for line in lines if line.startswith(("def ", "class "))], path.name


# --- parameters -----------------------------------------------------------------------------------


def test_wave_and_filter_narrow_the_report(demo: Project) -> None:
    result = run("demo", project=demo, wave="改进前", where="城市级别=一线", language="en")
    assert not result.failed
    found = {finding.id: finding for finding in result.findings}
    assert found["04.target.一线城市响应效率"].n == 388
    assert found["04.index"].text.startswith("Satisfaction index ")
    assert "Only" in result.report.read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"wave": "第三期"}, "wave: 第三期 is not one of 改进前, 改进后."),
        (
            {"where": "城市=一线"},
            "where: 城市 is no segment; segments: 城市级别, 服务类型, 客户类型, 大区, 报修渠道.",
        ),
        ({"where": "大区=东北"}, "where: no response has 大区 = 东北."),
        ({"where": "大区=华东') or True #"}, "where: no response has 大区 = 华东') or True #."),
        ({"language": "fr"}, "language: fr is not one of zh_Hans, en."),
    ],
)
def test_parameters_that_name_nothing_are_refused(
    demo: Project, options: dict[str, str], said: str
) -> None:
    with pytest.raises(StudyError) as error:
        run("demo", project=demo, **options)
    assert str(error.value) == f"csat: {said}"


# --- sections that fail ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, RunResult]]:
    """A run in which one section raises, one kernel is killed, and one ends without a word."""
    project = demo_project(tmp_path_factory.mktemp("broken"))
    edit(project.notebooks / "03_reliability_validity.ipynb", "raise OSError('disk on fire')")
    edit(project.notebooks / "04_satisfaction.ipynb", "import os; os.kill(os.getpid(), 9)")
    edit(project.notebooks / "07_loyalty_drivers.ipynb", "import sys; sys.exit(0)")
    yield project, run("demo", project=project)


def test_failed_sections_are_named_and_the_others_are_there(
    broken: tuple[Project, RunResult],
) -> None:
    _, result = broken
    assert {section.name: section.status for section in result.sections} == {
        "00_summary": "complete",
        "01_sampling_design": "complete",
        "03_reliability_validity": "failed",
        "04_satisfaction": "failed",
        "05_trends": "complete",
        "07_loyalty_drivers": "failed",
        "09_effect_validation": "complete",
    }
    errors = {section.name: section.error for section in result.failed}
    assert errors["03_reliability_validity"] == "OSError: disk on fire"
    assert errors["04_satisfaction"] == "DeadKernelError: Kernel died"
    assert errors["07_loyalty_drivers"] == "该部分尚未完成，笔记本已中止。"
    page = result.report.read_text("utf-8")
    for error in errors.values():
        assert error in page
    assert "Traceback" not in page
    assert "OSError: disk on fire" in result.summary.read_text("utf-8")


def test_a_failed_run_does_not_become_the_latest(broken: tuple[Project, RunResult]) -> None:
    project, result = broken
    assert result.report.is_file()
    assert not (project.reports("demo") / "latest").exists()


def processes() -> dict[int, int]:
    """Processes that have not ended, and their parents."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended just now
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(stat.parent.name)] = int(parent)
    return found


def descendants(pid: int) -> set[int]:
    """The children of a process, their children, and so on."""
    found, level = set[int](), {pid}
    while level:
        level = {child for child, parent in processes().items() if parent in level}
        found |= level
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forks on Linux only")
def test_a_killed_run_leaves_no_half_report_and_the_next_one_sweeps(tmp_path: Path) -> None:
    import signal
    import time

    project = demo_project(tmp_path / "project")
    edit(project.notebooks / "01_sampling_design.ipynb", "import time; time.sleep(60)")
    command = [sys.executable, "-c", "from csat_stats.cli import main; main()", "run", "demo"]
    process = subprocess.Popen(command, cwd=project.root, stderr=subprocess.DEVNULL)
    reports = project.reports("demo")
    deadline = time.monotonic() + 60
    while not list(reports.glob(".building-*/notebooks/*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    helpers = descendants(process.pid)
    assert len(helpers) >= 2  # the fork server and a kernel
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 60
    while helpers & set(processes()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not helpers & set(processes())
    assert [path.name for path in reports.iterdir()] == [f".building-{process.pid}"]
    with pytest.raises(StudyError):
        run("demo", project=project, wave="?")
    demo_project(tmp_path / "whole")
    for notebook in (tmp_path / "whole" / "notebooks").iterdir():
        notebook.replace(project.notebooks / notebook.name)
    result = run("demo", project=project)
    assert {path.name for path in reports.iterdir()} == {result.folder.name, "latest"}


# --- the command ----------------------------------------------------------------------------------


def test_csat_run_prints_report_and_summary(demo: Project) -> None:
    done = csat("run", "demo", "--no-pdf", cwd=demo.root)
    assert done.returncode == 0, done.stderr
    printed = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert set(printed) >= {"report", "summary"}
    assert Path(printed["report"]).is_file() and Path(printed["summary"]).is_file()


def test_a_terminal_sees_the_section_and_the_time_left(demo: Project) -> None:
    import pty
    import re

    inside, outside = pty.openpty()
    command = [sys.executable, "-c", "from csat_stats.cli import main; main()", "run", "demo"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        command, cwd=demo.root, stdout=outside, stderr=outside, env=environment
    )
    os.close(outside)
    screen = b""
    while True:
        try:
            screen += os.read(inside, 65536)
        except OSError:  # the program has closed its end
            break
    os.close(inside)
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.decode())
    assert re.search(r"2/7 .*满意度  ≈ \d+ s", text)
    assert "Traceback" not in text


def test_csat_run_exits_with_1_on_an_alert_when_asked(demo: Project) -> None:
    assert csat("run", "demo", "--fail-on", "alert", cwd=demo.root).returncode == 1


def test_csat_run_exits_with_3_when_a_section_failed(broken: tuple[Project, RunResult]) -> None:
    done = csat("run", "demo", "--fail-on", "alert", cwd=broken[0].root)
    assert done.returncode == 3
    assert "failed   03_reliability_validity: OSError: disk on fire" in done.stderr
    assert "Traceback" not in done.stderr


def test_csat_run_exits_with_2_on_a_bad_study_and_writes_nothing(tmp_path: Path) -> None:
    project = demo_project(tmp_path / "project")
    file = project.params / "demo.yml"
    file.write_text(file.read_text("utf-8").replace("overall:", "overal:"), "utf-8")
    done = csat("run", "demo", "--language", "en", cwd=project.root)
    assert done.returncode == 2
    assert done.stdout == ""
    line = next(
        i for i, text in enumerate(file.read_text("utf-8").splitlines(), 1) if "overal:" in text
    )
    assert f"params/demo.yml:{line}: Unknown key overal. Did you mean overall?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.root / "reports").exists()
    debug = csat("run", "demo", "--debug", cwd=project.root)
    assert debug.returncode != 0 and "Traceback" in debug.stderr


def test_csat_check_says_what_will_be_run(demo: Project) -> None:
    done = csat("check", "demo", "--language", "en", cwd=demo.root)
    assert done.returncode == 0, done.stderr
    assert "Waves: 改进前 (1,212), 改进后 (1,212)" in done.stdout
    assert "   2,424  Analysed" in done.stdout
    assert len(done.stdout.splitlines()) < 40


def test_csat_names_the_nearest_study(demo: Project) -> None:
    done = csat("run", "dmo", "--language", "en", cwd=demo.root)
    assert done.returncode == 2
    assert done.stderr == "csat: There is no study dmo in params. Did you mean demo?\n"


# --- real studies ---------------------------------------------------------------------------------


def real_run(name: str, folder: Path) -> RunResult:
    """Run a study file of tests/studies/ on its public data set."""
    data = reference_file(name)
    project = demo_project(folder)
    (project.raw / data.name).write_bytes(data.read_bytes())
    study = ROOT / "tests" / "studies" / f"{name}.yml"
    assert load(study, project).name == name
    return run(study, project=project)


@pytest.mark.parametrize("name", ["airline_sample", "ecsi_mobi"])
def test_real_studies_equal_the_reference(name: str, tmp_path: Path, oracle: Any) -> None:
    """α, KMO and Bartlett in the report's own tables equal R psych and PSPP to 1e-9."""
    import pandas as pd

    result = real_run(name, tmp_path / name)
    assert not result.failed
    reference = oracle("studies")[name]
    section = result.folder / "sections" / "03_reliability_validity"
    alphas = pd.read_parquet(section / "alpha.parquet").set_index("dimension")
    for dimension, values in reference["alpha"].items():
        for column, value in values.items():
            assert alphas.loc[dimension, column] == pytest.approx(value, rel=1e-9), dimension
    items = pd.read_parquet(section / "kmo.parquet").set_index("item")["msa"]
    for item, value in reference["kmo_per_item"].items():
        assert items[item] == pytest.approx(value, rel=1e-9), item
    record = records.read(section)
    assert record is not None
    adequacy = next(finding for finding in record.findings if finding.id == "03.kmo").values
    assert adequacy["estimate"] == pytest.approx(reference["kmo"], rel=1e-9)
    assert adequacy["bartlett"] == pytest.approx(reference["bartlett"], rel=1e-9)


def test_real_studies_lack_what_they_lack_without_failing(tmp_path: Path) -> None:
    result = real_run("ecsi_mobi", tmp_path)
    assert {section.name: section.status for section in result.sections} == {
        "00_summary": "complete",
        "01_sampling_design": "skipped",
        "03_reliability_validity": "complete",
        "04_satisfaction": "complete",
        "05_trends": "skipped",
        "07_loyalty_drivers": "skipped",
        "09_effect_validation": "skipped",
    }
    page = result.report.read_text("utf-8")
    assert "The study file has no sampling plan. This section is left out." in page
    assert "This study has only one wave of answers. This section is left out." in page
