"""One section of a report, run from its notebook as ``csat run`` does it: for tests of a section.

With a study that has everything sections 05, 07 and 09 ask for, for tests to take something away.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import papermill
from conftest import ROOT
from projects import make_project, table

from csat_stats.report import records
from csat_stats.report.records import SectionRecord
from csat_stats.run.kernels import SectionKernelManager, warm_up
from csat_stats.study import Project

WAVES = ["spring", "summer", "autumn"]
RETENTION = """\
loyalty:
  scenario: {outcome: again, improve: {Speed: 0.3}, customers: 1000, value: 50, cost: 100}
  risk: {outcome: again, call_cost: 2, value: 50, saved: 0.2}
"""
OUTCOMES = "outcomes:\n  again: {column: again, yes: y, no: n, label: Repurchase}\n"
IMPROVEMENT = (
    "improvement: {dimension: Speed, treated: {city: A}, before: summer, after: autumn, "
    "date: 2026-07-01, margin: 0.2}\n"
)
STUDY = f"""\
title: Whole study
language: en
data: {{responses: answers.csv}}
respondent: id
customer: customer
submitted: when
wave: {{column: wave, order: [{", ".join(WAVES)}]}}
dimensions:
  Speed: [q1, q2]
  Manner: [q3, q4]
  Price: [q5]
overall: overall
nps: recommend
{OUTCOMES}segments: {{city: , kind: }}
{RETENTION}{IMPROVEMENT}"""

HISTORY = "history: {period: month, n: n, satisfied: satisfied, means: {Speed: speed}}\n"


def with_history(study: str = STUDY) -> str:
    """The study with a file of earlier months."""
    return study.replace("answers.csv}", "answers.csv, history: history.csv}") + HISTORY


def without(study: str, *keys: str) -> str:
    """The study without the lines that begin with ``keys``, and what belongs to them."""
    kept = re.split(r"(?m)^(?=\S)", study)
    return "".join(part for part in kept if part.partition(":")[0] not in keys)


def answers(n: int = 240) -> pd.DataFrame:
    """Ordinary answers in three waves; in city A speed improves by a point in the last."""
    rng = np.random.default_rng(1)
    wave = np.repeat([0, 1, 2], n // 3)
    mood = rng.normal(3.3, 0.8, n) + 0.1 * wave
    items = np.clip(np.rint(mood[:, None] + rng.normal(0, 0.7, (n, 5))), 1, 5).astype(int)
    city = np.array(list("ABC"))[np.arange(n) % 3]
    reached = (city == "A") & (wave == 2)
    items[reached, :2] = np.clip(items[reached, :2] + 1, 1, 5)
    days = pd.to_timedelta(wave * 90 + rng.integers(0, 60, n), unit="D")
    return pd.DataFrame(items, columns=["q1", "q2", "q3", "q4", "q5"]).assign(
        overall=np.clip(np.rint(mood + rng.normal(0, 0.5, n)), 1, 5).astype(int),
        recommend=np.clip(np.rint(2 * mood + rng.normal(0, 1.5, n)), 0, 10).astype(int),
        again=np.where(rng.random(n) < 1 / (1 + np.exp(3.3 - mood)), "y", "n"),
        wave=np.array(WAVES)[wave],
        when=(pd.Timestamp("2026-01-05") + days).strftime("%Y-%m-%d 10:00:00"),
        id=[f"r{i}" for i in range(n)],
        customer=[f"c{i % (n // 3)}" if i % 4 == 0 else f"k{i}" for i in range(n)],
        city=city,
        kind=np.where(rng.random(n) < 0.5, "new", "old"),
    )


def whole(
    root: Path,
    study: str = STUDY,
    frame: pd.DataFrame | None = None,
    files: Mapping[str, str] | None = None,
) -> Project:
    """A project with that study and those answers."""
    given = answers() if frame is None else frame
    rows = given.astype("object").where(given.notna(), "").to_numpy().tolist()
    usual = {"params/small.yml": study, "data/raw/answers.csv": table(given.columns, rows)}
    return make_project(root, usual | dict(files or {}))


@dataclass(frozen=True)
class Ran:
    """What a section left behind."""

    folder: Path
    record: SectionRecord
    shown: str

    @property
    def texts(self) -> dict[str, str]:
        """Text of every finding by its id."""
        return {finding.id: finding.text for finding in self.record.findings}

    @property
    def levels(self) -> dict[str, str]:
        return {finding.id: finding.level for finding in self.record.findings}

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / f"{name}.parquet")


def run_section(
    project: Project, name: str, study: str = "small", *, wave: str = "", where: str = ""
) -> Ran:
    """Run the notebook ``name`` of this repository on a study; raises what the notebook raises."""
    warm_up()
    target = project.root / "ran" / f"{name}.ipynb"
    target.parent.mkdir(exist_ok=True)
    papermill.execute_notebook(
        ROOT / "notebooks" / f"{name}.ipynb",
        target,
        {"study": study, "wave": wave, "where": where, "run_dir": str(project.root / "ran")},
        progress_bar=False,
        cwd=str(project.root),
        kernel_manager_class=SectionKernelManager,
        kernel_name="python3",
        shutdown_kernel="immediate",
    )
    folder = project.root / "ran" / "sections" / name
    record = records.read(folder)
    assert record is not None, f"{name} left no record"
    shown = _shown(target)
    assert not re.search(r"(?i)\bnan\b|\bNone\b|Traceback", shown), shown
    return Ran(folder, record, shown)


def _shown(notebook: Path) -> str:
    """What the cells show, without tags; a warning or a printed line has no place there."""
    found = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            assert output.output_type == "display_data", output
            found.append(re.sub(r"(?s)<svg.*?</svg>|<[^>]+>", " ", output.data["text/html"]))
    return html.unescape(re.sub(r"\s+", " ", " ".join(found)))
