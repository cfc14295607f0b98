"""Relative importance (LMG) of 12 drivers on 100,000 respondents with a bootstrap of 1,000 samples.

The peer is a loop over ``pingouin.linear_regression(relimp=True)``, a sample of the respondents
each time; it is timed on three of them, and its time for 1,000 is scaled up from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import Cost, cost, in_new_process

ROWS, DRIVERS, DRAWS, TIMED = 100_000, 12, 1000, 3


def answers(scale: bool) -> pd.DataFrame:
    """Drivers that share a trait, and an outcome: on a scale of 1–5 or with all their decimals."""
    rng = np.random.default_rng(1)
    x = 3.4 + 0.8 * rng.normal(size=(ROWS, 1)) + 0.8 * rng.normal(size=(ROWS, DRIVERS))
    frame = pd.DataFrame(x, columns=[f"driver{j}" for j in range(1, DRIVERS + 1)])
    frame["overall"] = x @ np.linspace(0.02, 0.15, DRIVERS) + rng.normal(0, 0.6, ROWS)
    return frame.round().clip(1, 5) if scale else frame


def ours(scale: bool, drivers: int) -> Cost:
    from csat_stats.drivers import relative_importance

    frame = answers(scale).iloc[:, DRIVERS - drivers :]
    measured = cost(lambda: relative_importance(frame, "overall", n_boot=DRAWS))
    return measured._replace(value=measured.value.table.set_index("driver")["estimate"])


def peer(scale: bool, drivers: int) -> Cost:
    """The loop over a few samples, the first of which is the data themselves."""
    import pingouin

    frame = answers(scale).iloc[:, DRIVERS - drivers :]
    rng = np.random.default_rng(0)

    def loop() -> pd.Series:
        parts = []
        for i in range(TIMED):
            rows = rng.integers(0, ROWS, ROWS) if i else np.arange(ROWS)
            sample = frame.take(rows)
            fit = pingouin.linear_regression(
                sample.drop(columns="overall"), sample["overall"], relimp=True
            )
            parts.append(fit.set_index("names")["relimp"].drop("Intercept"))
        return parts[0]

    return cost(loop, 1)


def rows() -> list[dict[str, Any]]:
    """One line a kind of answers; the parts of R² of both sides agree."""
    table = []
    for label, scale, drivers in [
        ("12 drivers, scale 1–5", True, DRIVERS),
        ("12 drivers, decimals", False, DRIVERS),
        ("4 drivers, scale 1–5", True, 4),
    ]:
        here = in_new_process(ours, scale, drivers)
        there = in_new_process(peer, scale, drivers)
        np.testing.assert_allclose(here.value, there.value[here.value.index], rtol=1e-9)
        scaled = there.seconds * DRAWS / TIMED
        table.append(
            {
                "lmg": label,
                "s": here.seconds,
                "processor s": here.processor,
                "MB": here.megabytes,
                f"pingouin s, {TIMED} samples": there.seconds,
                f"pingouin s, scaled to {DRAWS:,}": scaled,
                "pingouin MB": there.megabytes,
                "times faster": scaled / here.seconds,
            }
        )
    return table
