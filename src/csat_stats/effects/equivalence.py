"""Whether a figure was shown not to have changed: two one-sided tests against a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import optimize, stats

from csat_stats.effects._change import change_of_means
from csat_stats.effects._waves import Design, Kind, Waves, two_waves
from csat_stats.frames import Array, check_level
from csat_stats.results import Message, Result, message

Verdict = Literal["changed", "unchanged", "undecided"]

METHODS = {
    ("mean", "independent"): message(
        "Two one-sided Welch t tests of the change against ±{margin:g}, each at the {percent:g}% "
        "level, and the interval that belongs to them; missing answers are left out of their wave."
    ),
    ("mean", "panel"): message(
        "Two one-sided paired t tests of the change against ±{margin:g}, each at the {percent:g}% "
        "level, and the interval that belongs to them; customers with a missing answer are left "
        "out."
    ),
    ("share", "independent"): message(
        "Two one-sided score tests of the difference of two shares against ±{margin:g}, each at "
        "the {percent:g}% level, and the score interval that belongs to them; missing answers are "
        "left out of their wave."
    ),
    ("share", "panel"): message(
        "Two one-sided score tests for paired shares of the change against ±{margin:g}, each at "
        "the {percent:g}% level, and the score interval that belongs to them; customers with a "
        "missing answer are left out."
    ),
}
WEIGHTED = message(
    "Two one-sided t tests of the weighted change against ±{margin:g} with design-based standard "
    "errors, each at the {percent:g}% level, and the interval that belongs to them; missing "
    "answers and respondents without weight are left out."
)
READINGS: dict[Verdict, Message] = {
    "changed": message(
        "The figure changed by more than {margin:g}: the whole {level:.4g}% interval lies beyond "
        "this margin."
    ),
    "unchanged": message(
        "The figure is practically unchanged: the whole {level:.4g}% interval lies within "
        "±{margin:g}."
    ),
    "undecided": message(
        "Undecided: the {level:.4g}% interval holds changes smaller and larger than {margin:g}; "
        "that no change was found does not show that there was none."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Equivalence(Result):
    """Change of one figure against a margin below which it does not matter (after − before).

    ``conf_low``, ``conf_high`` and ``conf_level`` are those of the interval of level 1 − 2α that
    belongs to the two tests.

    Attributes
    ----------
    design, kind, before_mean, after_mean, n_before, n_after
        As in :class:`~csat_stats.effects.BeforeAfter`.
    margin
        The largest change that does not matter, on the scale of the answers; 0–1 for shares.
    alpha
        Level of each of the two tests.
    df
        Degrees of freedom of the t tests; ``None`` for the z tests of shares.
    p_lower, p_upper
        One-sided p against a fall of the margin or more, and against a rise of the margin or more.
    p_value
        The larger of the two: the p of "there is a change of the margin or more".
    equivalent
        Whether ``p_value`` is below ``alpha``.
    verdict, reading
        ``changed`` (beyond the margin), ``unchanged`` (practically) or ``undecided``; in words.
    """

    design: Design
    kind: Kind
    margin: float
    alpha: float
    before_mean: float | None = None
    after_mean: float | None = None
    n_before: int
    n_after: int
    df: float | None = None
    p_lower: float | None = None
    p_upper: float | None = None
    p_value: float | None = None
    equivalent: bool | None = None
    verdict: Verdict | None = None
    reading: Message | None = None


def equivalence(
    before: pd.Series,
    after: pd.Series,
    *,
    margin: float,
    paired: bool = False,
    weights_before: pd.Series | None = None,
    weights_after: pd.Series | None = None,
    conf_level: float = 0.95,
) -> Equivalence:
    """Whether a figure was shown to be practically unchanged between two waves.

    Parameters
    ----------
    before, after, paired, weights_before, weights_after
        As in :func:`before_after`.
    margin
        The largest change that does not matter, above 0, on the scale of the answers; for shares
        below 1 (0.03 is three points). Fix it before looking at the data.
    conf_level
        1 − the level α of each test, 0.5–1; the interval has the level 1 − 2α.

    Returns
    -------
    Equivalence
        Not estimable where :func:`before_after` is not.

    Raises
    ------
    ValueError
        For a margin that is not above 0 (for shares: between 0 and 1), and as in
        :func:`before_after`.

    Notes
    -----
    Two one-sided tests (Schuirmann, 1987): equivalent at α where both "the change is −margin or
    less" and "the change is margin or more" are rejected, which is where the interval of level
    1 − 2α lies within ±margin. Means: Welch's or paired t; with weights on design-based standard
    errors. Shares: score tests with the variance at the shares most likely under the margin, for
    independent waves of Farrington & Manning (1990) with the interval of Mee (1984), for a panel
    of Tango (1998). The change is beyond the margin where the whole interval is. Checked against
    R 4.2 ``t.test(mu = ±margin)`` and, for shares, a search of the likelihood by ``uniroot``.

    Examples
    --------
    >>> before, after = pd.Series([3, 4, 4, 5, 4] * 40), pd.Series([4, 4, 5, 3, 4] * 40)
    >>> same = equivalence(before, after, margin=0.2)
    >>> same.verdict, round(same.p_value, 4)
    ('unchanged', 0.0009)
    >>> print(same.reading)
    The figure is practically unchanged: the whole 90% interval lies within ±0.2.
    """
    check_level(conf_level)
    if conf_level <= 0.5:
        raise ValueError(f"conf_level is {conf_level}: a share above 0.5 such as 0.95 is needed")
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"margin is {margin}: a change above 0 on the answer scale is needed")
    waves = two_waves(before, after, paired, weights_before, weights_after)
    if waves.kind == "share" and margin >= 1:
        raise ValueError(f"margin is {margin}: for shares a number below 1 such as 0.03 is needed")
    alpha = 1 - conf_level
    sentence = WEIGHTED if waves.weighted else METHODS[waves.kind, waves.design]
    base: dict[str, Any] = waves.fields() | {
        "margin": float(margin),
        "alpha": alpha,
        "conf_level": 1 - 2 * alpha,
        "method": Message(sentence.text, {"margin": margin, "percent": 100 * alpha}),
        "notes": waves.notes,
    }
    if obstacle := waves.obstacle():
        return Equivalence(**base, not_estimable=obstacle)
    figures = _tests(waves, margin, alpha)
    p_value, low, high = (figures[name] for name in ("p_value", "conf_low", "conf_high"))
    verdict: Verdict = "undecided"
    if p_value < alpha:
        verdict = "unchanged"
    elif low > margin or high < -margin:
        verdict = "changed"
    return Equivalence(
        **base,
        **figures,
        equivalent=p_value < alpha,
        verdict=verdict,
        reading=Message(
            READINGS[verdict].text, {"margin": margin, "level": 100 * base["conf_level"]}
        ),
    )


def _tests(waves: Waves, margin: float, alpha: float) -> dict[str, Any]:
    """Change, interval and both tests."""
    x, y = waves.x, waves.y
    if waves.kind == "mean" or waves.weighted:
        change, error, df = change_of_means(waves)
        p_lower = stats.t.sf((change + margin) / error, df)
        p_upper = stats.t.cdf((change - margin) / error, df)
        reach = error * stats.t.isf(alpha, df)
        low, high = change - reach, change + reach
    else:
        change, df = float(y.mean() - x.mean()), None
        score = _PairedScore(x, y) if waves.design == "panel" else _IndependentScore(x, y)
        p_lower, p_upper = stats.norm.sf(score(-margin)), stats.norm.cdf(score(margin))
        low, high = _invert(score, change, float(stats.norm.isf(alpha)))
    return {
        "estimate": change,
        "conf_low": float(low),
        "conf_high": float(high),
        "df": df,
        "p_lower": float(p_lower),
        "p_upper": float(p_upper),
        "p_value": float(max(p_lower, p_upper)),
    }


class _IndependentScore:
    """z of two independent shares against a difference other than 0 (Farrington & Manning)."""

    def __init__(self, x: Array, y: Array) -> None:
        self.m, self.n = len(x), len(y)
        self.p, self.q = float(x.mean()), float(y.mean())

    def __call__(self, difference: float) -> float:
        before, after = self._most_likely(difference)
        variance = before * (1 - before) / self.m + after * (1 - after) / self.n
        return _ratio(self.q - self.p - difference, variance)

    def _most_likely(self, difference: float) -> tuple[float, float]:
        """The shares of the greatest likelihood of all with this difference: a cubic's root."""
        theta, p, q, d = self.m / self.n, self.p, self.q, difference
        a = 1 + theta
        b = -(1 + theta + q + theta * p + d * (theta + 2))
        c = d**2 + d * (2 * q + theta + 1) + q + theta * p
        e = -q * d * (1 + d)
        v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + e / (2 * a)
        u = math.copysign(math.sqrt(max((b / (3 * a)) ** 2 - c / (3 * a), 0.0)), v)
        turn = math.acos(min(max(v / u**3, -1.0), 1.0)) if u else 0.0
        after = 2 * u * math.cos((math.pi + turn) / 3) - b / (3 * a)
        after = min(max(after, 0.0, d), 1.0, 1.0 + d)
        return after - d, after


class _PairedScore:
    """z of two shares of the same customers against a difference (Tango)."""

    def __init__(self, x: Array, y: Array) -> None:
        self.n = len(x)
        self.won, self.lost = float(np.sum(y > x)), float(np.sum(y < x))

    def __call__(self, difference: float) -> float:
        n, won, lost, d = self.n, self.won, self.lost, difference
        b = (2 * n - won + lost) * d - won - lost
        root = math.sqrt(max(b * b + 8 * n * lost * d * (1 - d), 0.0))
        losing = max((root - b) / (4 * n), 0.0, -d)
        return _ratio(won - lost - n * d, n * (2 * losing + d * (1 - d)))


def _ratio(excess: float, variance: float) -> float:
    if variance > 0:
        return excess / math.sqrt(variance)
    return math.copysign(math.inf, excess) if excess else 0.0


def _invert(
    score: _IndependentScore | _PairedScore, change: float, z: float
) -> tuple[float, float]:
    """The differences at which the score is ±z."""

    def limit(end: float, wanted: float) -> float:
        inside = end * (1 - 1e-15)
        if abs(change - end) < 1e-12 or (score(inside) - wanted) * end > 0:
            return end
        return float(optimize.brentq(lambda d: score(d) - wanted, change, inside, xtol=1e-14))

    return limit(-1.0, z), limit(1.0, -z)
