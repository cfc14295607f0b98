"""``csat lab``: a real JupyterLab, whose kernels know the study it was opened for."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import ROOT, csat, demo_project
from jupyter_client.blocking.client import BlockingKernelClient

from csat_stats.report import lab as kernels
from csat_stats.run import lab
from csat_stats.study import Project

NOTEBOOK = "04_satisfaction"
# What plain papermill must go on doing: run about the study the notebook names.
PROBE = """\
import json, subprocess, sys
command = [sys.executable, "-m", "papermill", "notebooks/probe.ipynb", "-", "--no-progress-bar"]
done = subprocess.run([*command, "-p", "study", "demo"], capture_output=True, text=True, cwd="..")
notebook = json.loads(done.stdout)
print(notebook["cells"][-1]["outputs"][0]["text"][0], end="")
"""


@dataclass
class Lab:
    """A JupyterLab that runs, and what to ask it by."""

    process: subprocess.Popen[str]
    address: str
    token: str
    runtime: Path
    landed: str = ""

    def ask(self, path: str, data: Any = None, *, token: str | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.address}/{path}",
            data=None if data is None else json.dumps(data).encode(),
            headers={"Authorization": f"token {self.token if token is None else token}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text, self.landed = answer.read().decode(), answer.url
        return json.loads(text) if text.startswith(("{", "[")) else text

    def kernel(self, notebook: str) -> BlockingKernelClient:
        """A kernel started as JupyterLab starts it when a notebook is opened."""
        session = self.ask(
            "api/sessions",
            {
                "path": f"notebooks/{notebook}.ipynb",
                "name": f"{notebook}.ipynb",
                "type": "notebook",
                "kernel": {"name": "python3"},
            },
        )
        client = BlockingKernelClient()
        client.load_connection_file(str(self.runtime / f"kernel-{session['kernel']['id']}.json"))
        client.start_channels(hb=False)  # slow is not dead
        client.wait_for_ready(timeout=60)
        return client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo project, with a second study on the same answers and a notebook that asks."""
    found = demo_project(tmp_path_factory.mktemp("a lab"))
    study = (found.params / "demo.yml").read_text("utf-8")
    second = study.replace("language: zh_Hans", "language: en")
    (found.params / "acme.yml").write_text(second, "utf-8")
    cells = [
        nbformat.v4.new_code_cell('study = "demo"', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(
            "from csat_stats.report import lab\nprint(lab.chosen(study) or study)"
        ),
    ]
    probe = nbformat.v4.new_notebook(cells=cells)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    probe.metadata["kernelspec"] = kernel
    nbformat.write(probe, found.notebooks / "probe.ipynb")
    return found


@pytest.fixture(scope="module")
def opened(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """``csat lab acme``, without a browser, on a loopback port of its own."""
    home = tmp_path_factory.mktemp("jupyter")
    places = {
        f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "RUNTIME", "DATA")
    }
    port, token = free_port(), secrets.token_hex(16)
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    options += [f"--IdentityProvider.token={token}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    with (home / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                *("-c", "from csat_stats.cli import main; main()", "lab", "acme", *options),
            ],
            cwd=project.params,
            env=os.environ | places | {"IPYTHONDIR": str(home / "ipython")},
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
    found = Lab(process, f"http://127.0.0.1:{port}", token, home / "runtime")
    try:
        _wait(found, home / "log")
        yield found
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(opened: Lab, log: Path) -> None:
    for _ in range(300):
        assert opened.process.poll() is None, log.read_text("utf-8")
        try:
            opened.ask("api/status")
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(log.read_text("utf-8"))


def cells(notebook: str, count: int) -> list[str]:
    """The first code cells of a notebook, as they are committed."""
    nb = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4)
    return [cell.source for cell in nb.cells if cell.cell_type == "code"][:count]


def shown(client: BlockingKernelClient, code: str) -> str:
    """Run code in a kernel; everything it prints and displays."""
    parts: list[str] = []

    def keep(told: dict[str, Any]) -> None:
        content = told["content"]
        if told["msg_type"] == "error":
            pytest.fail("\n".join(content["traceback"]))
        parts.append(content.get("text") or content.get("data", {}).get("text/html", ""))

    client.execute_interactive(code, output_hook=keep, timeout=60)
    return "".join(part for part in parts if part)


# --- for real -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_lab_is_open_on_the_notebooks_and_for_who_has_the_token(opened: Lab) -> None:
    names = {entry["name"] for entry in opened.ask("api/contents/notebooks")["content"]}
    assert f"{NOTEBOOK}.ipynb" in names
    folders = {entry["name"] for entry in opened.ask("api/contents")["content"]}
    assert {"data", "notebooks", "params"} <= folders
    with pytest.raises(urllib.error.HTTPError) as refusal:
        opened.ask("api/contents", token="wrong")
    assert refusal.value.code == 403
    assert "<title>JupyterLab</title>" in opened.ask("")
    assert opened.landed == f"{opened.address}/lab/tree/notebooks"
    servers = [
        json.loads(path.read_text("utf-8")) for path in opened.runtime.glob("jpserver-*.json")
    ]
    assert [server["pid"] for server in servers] == [opened.process.pid]  # csat became JupyterLab


@pytest.mark.slow
def test_a_notebook_is_about_the_study_and_says_so(project: Project, opened: Lab) -> None:
    client = opened.kernel(NOTEBOOK)
    try:
        told = [shown(client, code) for code in cells(NOTEBOOK, 4)]
        assert told[0] == ""
        assert told[1] == (
            '<p class="note">Study acme, for which JupyterLab was opened; '
            "this notebook itself names demo.</p>"
        )
        assert "Satisfaction index" in "".join(told)
        assert shown(client, "print(section.study.name, section.folder.parts[-4:])") == (
            f"acme ('acme', 'draft', 'sections', '{NOTEBOOK}')\n"
        )
        again = cells(NOTEBOOK, 2)[1].replace("study=study", 'study="acme"')
        assert shown(client, again) == ""  # named by the notebook: nothing to say
        assert shown(client, PROBE) == "demo\n"
    finally:
        client.stop_channels()
    assert not (project.reports("demo") / "draft").exists()


@pytest.mark.slow
def test_the_lab_ends_when_it_is_told(opened: Lab) -> None:
    opened.ask("api/shutdown", {})
    assert opened.process.wait(20) == 0


# --- the parts ------------------------------------------------------------------------------------


def test_the_default_study_is_what_every_notebook_names() -> None:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        first = cells(path.stem, 1)[0]
        assert first.startswith(f'study = "{kernels.DEFAULT_STUDY}"'), path.name


@pytest.mark.parametrize(
    ("variable", "parent", "study", "chosen"),
    [
        ("7:acme", "7", "demo", "acme"),
        ("7:/a:b/acme.yml", "7", "demo", "/a:b/acme.yml"),
        ("7:acme", "8", "demo", None),  # papermill called in a terminal of JupyterLab
        ("7:acme", None, "demo", None),
        ("7:acme", "7", "other", None),
        ("7:demo", "7", "demo", None),
        ("", "", "demo", None),
        (None, None, "demo", None),
    ],
)
def test_only_kernels_of_that_very_lab_take_its_study(
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    parent: str | None,
    study: str,
    chosen: str | None,
) -> None:
    for name, value in ((kernels.VARIABLE, variable), ("JPY_PARENT_PID", parent)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert kernels.chosen(study) == chosen


def test_options_of_jupyter_lab_come_last(demo: Project) -> None:
    command = lab.command(demo, ["--port=8890"])
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert command[3:] == [
        f"--ServerApp.root_dir={demo.root}",
        "--LabApp.default_url=/lab/tree/notebooks",
        "--port=8890",
    ]


def test_without_a_study_none_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.VARIABLE, "7:acme")
    monkeypatch.setenv("KEPT", "yes")
    assert kernels.VARIABLE not in lab.environment()
    found = lab.environment("other")
    assert (found[kernels.VARIABLE], found["KEPT"]) == (f"{os.getpid()}:other", "yes")


def test_a_study_that_cannot_be_used_opens_nothing(demo: Project) -> None:
    done = csat("lab", "dmo", "--no-browser", cwd=demo.root)
    assert done.returncode == 2
    assert "demo" in done.stderr and "dmo" in done.stderr and done.stdout == ""
