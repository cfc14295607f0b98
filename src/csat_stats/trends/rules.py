"""The Western Electric rules: which points of a control chart chance alone hardly gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, norm

from csat_stats.frames import Array


class Rule(NamedTuple):
    """At least ``hits`` of ``span`` points in a row beyond ``sigmas`` on one side of the centre."""

    hits: int
    span: int
    sigmas: float


RULES = {
    "beyond_limits": Rule(1, 1, 3),
    "two_of_three_beyond_two_sigma": Rule(2, 3, 2),
    "four_of_five_beyond_one_sigma": Rule(4, 5, 1),
    "run_of_eight": Rule(8, 8, 0),
}


def breaks(z: Array, rule: Rule) -> npt.NDArray[np.bool_]:
    """Whether each point breaks the rule; it is itself beyond, and ends the points in a row.

    Examples
    --------
    >>> breaks(np.array([0.2, 2.1, -1, 2.3, 3.1]), RULES["two_of_three_beyond_two_sigma"]).tolist()
    [False, False, False, True, True]
    """
    broken = np.zeros(len(z), dtype=bool)
    for side in (z, -z):
        beyond = side > rule.sigmas
        in_a_row = np.convolve(beyond, np.ones(rule.span, dtype=int))[: len(z)]
        broken |= beyond & (in_a_row >= rule.hits)
    return broken


def false_alarms(points: int, rules: Iterable[str]) -> float:
    """How many signals the rules give on average where nothing changes.

    Each point breaks a rule with probability 2·q·P(B ≥ hits − 1), where q is the normal
    probability beyond the rule's sigmas and B counts the points beyond among the span − 1 before
    it, binomial with q. Expectations add up, so a point that breaks two rules counts twice, as it
    has two rows among the signals. Centre and limits are taken as known, points as normal and
    independent.

    Examples
    --------
    >>> round(false_alarms(24, ["beyond_limits", "run_of_eight"]), 3)
    0.198
    """
    expected = 0.0
    for hits, span, sigmas in (RULES[name] for name in rules):
        q = norm.sf(sigmas)
        before = np.minimum(np.arange(points), span - 1)
        expected += float(2 * q * binom.sf(hits - 2, before, q).sum())
    return expected
