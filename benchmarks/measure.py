"""Time and memory of a call, in a fresh process."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple


class Cost(NamedTuple):
    """Best times on the clock and of the processors, growth of the resident set, the value."""

    seconds: float
    processor: float
    megabytes: float
    value: Any


def cost(call: Callable[[], Any], repeat: int = 3) -> Cost:
    """What ``call`` costs; its memory is that of the first time."""
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    seconds, processor = [], []
    megabytes = 0.0
    for i in range(repeat):
        start, used = time.perf_counter(), time.process_time()
        value = call()
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
        if i == 0:
            megabytes = _resident("VmHWM") - before
    return Cost(min(seconds), min(processor), megabytes, value)


def in_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """The value of ``function`` in a process that has done nothing else, with one BLAS thread."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def _resident(field: str) -> float:
    """A size of this process in megabytes, as Linux counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(field)) * 1024 / 1e6
