"""``csat lab``: JupyterLab on a project's notebooks, about one study."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from csat_stats import study as studies
from csat_stats.report import lab
from csat_stats.study import Project


def command(project: Project, options: Sequence[str] = ()) -> list[str]:
    """How JupyterLab is started: on the project's folder, with ``notebooks/`` open.

    ``options`` are JupyterLab's own and come last, so that they win.
    """
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={project.root}",
        f"--LabApp.default_url=/lab/tree/{project.notebooks.name}",
        *options,
    ]


def environment(study: str = "") -> dict[str, str]:
    """This environment, and the study for the kernels of the JupyterLab this process becomes."""
    inherited = {name: value for name, value in os.environ.items() if name != lab.VARIABLE}
    return inherited | (lab.environment(study, os.getpid()) if study else {})


def open_lab(project: Project, study: str = "", options: Sequence[str] = ()) -> NoReturn:
    """Become JupyterLab: its output, Ctrl-C and exit status are those of this process.

    Parameters
    ----------
    study
        Name or path of the study that notebooks are about while their first cell names the demo
        study; without it notebooks are about the study they name.
    options
        Options of ``jupyter lab``, such as ``--no-browser``.

    Raises
    ------
    StudyError
        The study file cannot be used; nothing has been started.
    """
    file = str(studies.load(study, project).file.resolve()) if study else ""
    arguments = command(project, options)
    os.chdir(project.root)
    os.execve(arguments[0], arguments, environment(file))
