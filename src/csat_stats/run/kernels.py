"""The kernel a section runs in: this very Python, one thread for linear algebra, no open port."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

# Several kernels share few cores: threads inside each would only fight for them.
ONE_THREAD = {
    name: "1"
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
}


class OwnPythonKernelManager(AsyncKernelManager):
    """Starts ipykernel under the running interpreter, whatever kernel specs are installed."""

    @default("transport")
    def _default_transport(self) -> str:
        # Sockets in the file system: no port to race for, and only this user can connect.
        return "tcp" if os.name == "nt" else "ipc"

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
        )

    async def _async_start_kernel(self, **options: Any) -> None:
        environment = options.pop("env", None) or dict(os.environ)
        # What a kernel says outside its cells (its shutdown, mostly) is not for the user's screen.
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        await super()._async_start_kernel(env=environment | ONE_THREAD, **silent, **options)

    start_kernel = _async_start_kernel
