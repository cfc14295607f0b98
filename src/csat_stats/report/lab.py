"""Which study a notebook is about that was opened by ``csat lab``.

A notebook's first cell names the demo study. In a JupyterLab opened for another study the cell
need not be changed: :func:`chosen` gives that study instead, and the section says so. It does so
only in kernels which that very JupyterLab started. papermill's kernels have another parent, so a
notebook run by papermill is about the study it names, even when papermill is called from a
terminal or a notebook of that JupyterLab.
"""

from __future__ import annotations

import os

VARIABLE = "CSAT_LAB"
DEFAULT_STUDY = "demo"


def environment(study: str, server: int) -> dict[str, str]:
    """The variable that tells the kernels of the JupyterLab with process id ``server``."""
    return {VARIABLE: f"{server}:{study}"}


def chosen(study: str) -> str | None:
    """The study JupyterLab was opened for, where the notebook names only the default one."""
    server, _, other = os.environ.get(VARIABLE, "").partition(":")
    # Jupyter tells every kernel the process that started it.
    ours = bool(server) and os.environ.get("JPY_PARENT_PID") == server
    return other if ours and study == DEFAULT_STUDY and other != study else None
