"""Centre and limits of a control chart, from the periods of its baseline."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from csat_stats.display import p_phrase
from csat_stats.frames import Array
from csat_stats.results import Message, message

Kind = Literal["p", "laney", "xmr"]
BoolArray = npt.NDArray[np.bool_]

D2 = 1.128  # mean range of two normal values in standard deviations, as printed in the tables
D4 = 3.267  # upper limit of moving ranges in mean moving ranges, ditto
FEW_EVENTS = 5
NO_VARIATION = message("Nothing varies over the baseline, so there is nothing to set limits by.")


class Limits(NamedTuple):
    """The centre, and one sigma a point; or why there are none."""

    kind: Kind
    centre: float = 0.0
    sigma: Array = np.empty(0)
    sigma_z: float | None = None
    p_dispersion: float | None = None
    obstacle: Message | None = None

    @property
    def over_dispersed(self) -> bool:
        """Whether neighbouring shares, and all together, vary more than chance gives."""
        if self.sigma_z is None or self.p_dispersion is None:
            return False
        return self.sigma_z > 1 and self.p_dispersion < 0.05


def individual_limits(values: Array, base: BoolArray) -> Limits:
    """Mean of the baseline, and sigma from its mean moving range."""
    baseline = values[base]
    if len(baseline) < 3:
        return Limits("xmr", obstacle=_too_few(baseline, 3))
    sigma = np.abs(np.diff(baseline)).mean() / D2
    if sigma <= 1e-12 * np.abs(baseline).max():
        return Limits("xmr", obstacle=NO_VARIATION)
    return Limits("xmr", float(baseline.mean()), np.full(len(values), sigma))


def share_limits(shares: Array, answers: Array, base: BoolArray, kind: str) -> Limits:
    """Share of the baseline, and binomial sigma, times σ_z on a chart of Laney's."""
    chosen: Kind = "laney" if kind == "laney" else "p"
    needed = 3 if chosen == "laney" else 2
    baseline, weight = shares[base], answers[base]
    if len(baseline) < needed:
        return Limits(chosen, obstacle=_too_few(baseline, needed))
    centre = float(baseline @ weight / weight.sum())
    sigma = np.sqrt(max(centre * (1 - centre), 0.0) / answers)
    if np.ptp(baseline) == 0 and centre in (0, 1):
        return Limits(chosen, obstacle=NO_VARIATION)
    z = (baseline - centre) / sigma[base]
    limits = Limits(
        chosen,
        centre,
        sigma,
        sigma_z=float(np.abs(np.diff(z)).mean() / D2),
        p_dispersion=float(chi2.sf(z @ z, len(z) - 1)),
    )
    if kind == "auto" and len(z) > 2 and limits.over_dispersed:
        limits = limits._replace(kind="laney")
    if limits.kind == "p":
        return limits
    if np.ptp(z) <= 1e-12:
        return limits._replace(obstacle=NO_VARIATION)
    return limits._replace(sigma=sigma * limits.sigma_z)


def _too_few(baseline: Array, needed: int) -> Message:
    return message(
        "The baseline has {n} periods with answers: a chart needs {needed} or more.",
        n=len(baseline),
        needed=needed,
    )


def share_notes(limits: Limits, asked: str, answers: Array) -> list[Message]:
    """What the shares say against a plain p chart."""
    notes = []
    if limits.over_dispersed and asked != "laney":
        consequences = {
            "p": message("Laney's limits, which are wider, would suit them better."),
            "laney": message("Laney's limits are used, which are wider."),
        }
        notes.append(
            message(
                "The shares vary more than chance alone gives (σ_z = {sigma_z:.2f}, χ² test "
                "p {p}). {consequence}",
                sigma_z=limits.sigma_z,
                p=p_phrase(limits.p_dispersion),
                consequence=consequences[limits.kind],
            )
        )
    expected = answers * min(limits.centre, 1 - limits.centre)
    few = int((expected < FEW_EVENTS).sum())
    if few:
        notes.append(
            message(
                "Periods in which fewer than {needed} events, or fewer than {needed} answers "
                "without one, are expected: {few} of {n}. Their limits are approximate.",
                needed=FEW_EVENTS,
                few=few,
                n=len(answers),
            )
        )
    return notes
