"""The kernels sections run in: this very Python, one each, started in a tenth of a second.

Starting Python and importing pandas, scipy and matplotlib takes seconds, and every section would
pay them again. A fork server imports them once; each kernel is a fork of it that serves one
notebook and ends, so nothing one section leaves behind reaches the next. Where the system cannot
fork safely (Windows, macOS) a kernel is an ordinary process.

Kernels talk over sockets in a private folder: no port to race for, nobody else can connect.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path
from types import ModuleType
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import default

FORKS = sys.platform == "linux"
# Several kernels share few cores: threads inside each would only fight for them.
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_PRELOADED = [
    "ipykernel.kernelapp",
    "great_tables",
    "seaborn",
    "factor_analyzer.rotator",
    "pingouin",
    "csat_stats.plots",
    "csat_stats.validity",
    "csat_stats.report.summary",
    "csat_stats.run",
]


def warm_up() -> None:
    """Start the fork server, which imports what sections need while the caller goes on."""
    if not FORKS:
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload(_PRELOADED)
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # read once, when the server loads its linear algebra
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class SectionKernelManager(AsyncKernelManager):
    """Manages the kernel of one section."""

    @default("transport")
    def _default_transport(self) -> str:
        return "tcp" if os.name == "nt" else "ipc"

    @default("connection_file")
    def _default_connection_file(self) -> str:
        return str(Path(tempfile.mkdtemp(prefix="csat-kernel-")) / "kernel.json")

    @property
    def kernel_spec(self) -> KernelSpec:
        """This interpreter, whatever kernels are installed."""
        name = "csat-forked" if FORKS else "local-provisioner"
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": name}},
        )

    async def _async_start_kernel(self, **options: Any) -> None:
        environment = options.pop("env", None) or dict(os.environ)
        # What a kernel says outside its cells, its shutdown mostly, is not for the user's screen.
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        await super()._async_start_kernel(env=environment | ONE_THREAD, **silent, **options)

    start_kernel = _async_start_kernel

    def cleanup_connection_file(self) -> None:
        super().cleanup_connection_file()
        shutil.rmtree(Path(self.connection_file).parent, ignore_errors=True)


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel as a fork of the warm server instead of as a new Python."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        kernel = _Forked(cmd[cmd.index("-f") + 1], options["env"], options.get("cwd"))
        self.process = kernel  # type: ignore[assignment]  # has what is called of a Popen
        self.pid = kernel.pid
        self.cwd = options.get("cwd", Path.cwd())
        return self.connection_info


class _Forked:
    """A forked kernel with the methods of :class:`subprocess.Popen` that Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, connection_file: str, environment: dict[str, str], cwd: str | None) -> None:
        warm_up()
        context = multiprocessing.get_context("forkserver")
        self._process = context.Process(
            target=_serve, args=(connection_file, environment, cwd or str(Path.cwd()))
        )
        with _no_main():
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, signum: int) -> None:
        os.kill(self.pid, signum)

    def kill(self) -> None:
        self._process.kill()

    def terminate(self) -> None:
        self._process.terminate()


@contextmanager
def _no_main() -> Iterator[None]:
    """Hide the program's main module, which multiprocessing would run again in the child."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(connection_file: str, environment: dict[str, str], cwd: str) -> None:
    """In the fork: become a kernel."""
    from ipykernel.kernelapp import IPKernelApp

    os.environ.clear()
    os.environ.update(environment)
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    threading.Thread(target=_end_with_the_run, daemon=True).start()
    os.chdir(cwd)
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    kernel = IPKernelApp.instance()
    kernel.initialize(  # type: ignore[no-untyped-call]
        ["-f", connection_file, "--HistoryManager.enabled=False"]
    )
    kernel.start()  # type: ignore[no-untyped-call]


def _end_with_the_run() -> None:
    """End when the process that asked for this kernel has, even if it was killed.

    The server cannot see to it: it lives as long as any kernel does.
    """
    run = multiprocessing.parent_process()
    assert run is not None
    run.join()
    os._exit(1)
