"""How far a goal was attained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from csat_stats.results import Result, message


@dataclass(frozen=True, kw_only=True)
class Attainment(Result):
    """How far a goal was attained; ``estimate`` is ``share_of_gain``. No rows: ``n_used`` is 0.

    Attributes
    ----------
    before, after, target
        The three figures compared.
    share_of_gain
        (after − before) / (target − before): 1 is the whole planned gain.
    share_of_target
        after / target, ``None`` where the target is 0.
    met
        Whether ``after`` reached the target; lower is better when the target lies below ``before``.
    """

    before: float | None
    after: float | None
    target: float
    share_of_gain: float | None = None
    share_of_target: float | None = None
    met: bool | None = None


def attainment(before: float | None, after: float | None, target: float) -> Attainment:
    """Both readings of "how much of the goal was attained".

    Parameters
    ----------
    before, after
        The figure before and after the action, on one scale; ``None`` or NaN when unknown.
    target
        The goal on the same scale. Below ``before`` it is a goal of lowering the figure.

    Returns
    -------
    Attainment
        Not estimable when a figure is unknown, or when the target equals the figure before
        (``share_of_target`` and ``met`` are given all the same; higher is taken as better).

    Raises
    ------
    ValueError
        For a target that is not finite.

    Notes
    -----
    share_of_gain = (after − before) / (target − before); share_of_target = after / target.

    Examples
    --------
    >>> goal = attainment(2.8, 3.7, 4.0)
    >>> round(goal.share_of_gain, 2), round(goal.share_of_target, 3), goal.met
    (0.75, 0.925, False)
    """
    if not math.isfinite(target):
        raise ValueError(f"target is {target}: a finite number is needed")
    before = None if before is None or math.isnan(before) else float(before)
    after = None if after is None or math.isnan(after) else float(after)
    base: dict[str, Any] = {
        "n_used": 0,
        "before": before,
        "after": after,
        "target": float(target),
        "method": message(
            "Attainment in two readings: share of the planned gain, (after − before) / "
            "(target − before), and share of the target, after / target."
        ),
    }
    if before is None or after is None:
        return Attainment(**base, not_estimable=message("The figure before or after is not known."))
    lowering = target < before
    passed = after < target if lowering else after > target
    base["met"] = passed or math.isclose(after, target, rel_tol=1e-12)
    base["share_of_target"] = after / target if target else None
    if target == before:
        return Attainment(
            **base,
            not_estimable=message(
                "The target equals the figure before, so there was no gain to attain."
            ),
        )
    gain = (after - before) / (target - before)
    note = message("The target lies below the figure before: lower is taken as better.")
    return Attainment(**base, estimate=gain, share_of_gain=gain, notes=(note,) if lowering else ())
