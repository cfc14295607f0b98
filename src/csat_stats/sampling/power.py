"""Whether a survey can show that a target was reached: power, and the size that gives it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd
from scipy import optimize, stats

from csat_stats.frames import check_level
from csat_stats.results import Message, Result, message
from csat_stats.sampling._strata import require
from csat_stats.sampling.planning import round_up

POWERS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, kw_only=True)
class TargetPower(Result):
    """Chance, 0–1, that a change from ``baseline`` to ``target`` shows as significant.

    ``n`` are the interviews of one wave, or the customers of a panel. ``table``: n, power, for
    half, the same, one and a half times and twice as many.
    """

    baseline: float
    target: float
    n: int


@dataclass(frozen=True, kw_only=True)
class ChangeSampleSize(Result):
    """Interviews needed in each wave; ``estimate`` and ``n`` are the same number, rounded up.

    ``contacts`` are the people to invite for them. ``table``: power, n, contacts.
    """

    baseline: float
    target: float
    power: float
    n: int
    contacts: int


def power_for_target(
    baseline: float,
    target: float,
    n: int,
    *,
    sd: float | None = None,
    correlation: float | None = None,
    design_effect: float = 1.0,
    conf_level: float = 0.95,
) -> TargetPower:
    """The chance that a survey of this size shows a change from baseline to target.

    Parameters
    ----------
    baseline, target
        Proportions, 0–1; or means, in the units of the score, where ``sd`` is given.
    n
        Interviews in each wave, or customers in both waves of a panel.
    sd
        Standard deviation of the score, the same in both waves.
    correlation
        Of the answers of the same customer in the two waves, −1 to 1; for proportions the φ
        coefficient. Without it the waves are independent samples.
    design_effect
        Variance of the planned design over that of a simple random sample.
    conf_level
        1 − the level of the two-sided test.

    Raises
    ------
    ValueError
        If an argument is out of its range, baseline and target are equal, or no two waves with
        these proportions can have this correlation.

    Notes
    -----
    With N = n/deff and d = target − baseline. Independent proportions:
    Φ((|d|·√N − z·√(2p̄(1 − p̄)))/√(p₁(1 − p₁) + p₂(1 − p₂))) (Fleiss, Levin & Paik, 2003, ch. 4).
    Panel of proportions: Φ((|d|·√N − z·√D)/√(D − d²)), D the share who change (McNemar's test;
    Connor, 1987). Means: noncentral t with 2N − 2 df, of a panel with N − 1 on the changes, whose
    deviation is sd·√(2 − 2r). A significant change in the wrong direction does not count. Checked
    against R ``power.prop.test``, ``power.t.test`` and, for the panel of proportions, full
    enumeration.

    Examples
    --------
    >>> round(power_for_target(0.82, 0.90, 295).estimate, 3)
    0.801
    """
    power = _power_function(baseline, target, sd, correlation, conf_level)
    require(n >= 1, "n", n, "a number of 1 or more")
    require(design_effect > 0, "design_effect", design_effect, "a number above 0")
    sizes = [max(1, round(n * factor)) for factor in (0.5, 1, 1.5, 2)]
    table = pd.DataFrame({"n": sizes, "power": [power(size / design_effect) for size in sizes]})
    return TargetPower(
        estimate=power(n / design_effect),
        baseline=baseline,
        target=target,
        n=n,
        conf_level=conf_level,
        n_used=0,
        method=_method(sd, correlation, design_effect, conf_level),
        table=table,
    )


def sample_size_for_change(
    baseline: float,
    target: float,
    *,
    power: float = 0.8,
    sd: float | None = None,
    correlation: float | None = None,
    design_effect: float = 1.0,
    response_rate: float = 1.0,
    conf_level: float = 0.95,
) -> ChangeSampleSize:
    """Interviews needed in each of two waves to show a change from baseline to target.

    Parameters
    ----------
    baseline, target, sd, correlation, design_effect, conf_level
        As in :func:`power_for_target`.
    power
        Chance of a significant result if the target is reached, 0–1.
    response_rate
        Expected share of the invited who answer, 0–1; of a panel, those who answer both waves.

    Raises
    ------
    ValueError
        As in :func:`power_for_target`.

    Notes
    -----
    The n at which :func:`power_for_target` reaches ``power``. From 82% to 90% takes 295 a wave at
    80% power and 5%, two-sided (294.13 before rounding up). Checked against R ``power.prop.test``
    and ``power.t.test``.

    Examples
    --------
    >>> result = sample_size_for_change(0.82, 0.90, response_rate=0.4)
    >>> result.n, result.contacts
    (295, 738)
    """
    chance = _power_function(baseline, target, sd, correlation, conf_level)
    require(0 < power < 1, "power", power, "a share such as 0.8")
    require(design_effect > 0, "design_effect", design_effect, "a number above 0")
    require(0 < response_rate <= 1, "response_rate", response_rate, "a share such as 0.4")
    sizes = {share: design_effect * _size(chance, share) for share in {*POWERS, power}}
    table = pd.DataFrame({"power": sorted(sizes)})
    table["n"] = [round_up(sizes[share]) for share in table["power"]]
    table["contacts"] = [round_up(n / response_rate) for n in table["n"]]
    n = round_up(sizes[power])
    return ChangeSampleSize(
        estimate=float(n),
        baseline=baseline,
        target=target,
        power=power,
        n=n,
        contacts=round_up(n / response_rate),
        conf_level=conf_level,
        n_used=0,
        method=_method(sd, correlation, design_effect, conf_level),
        table=table,
    )


def _power_function(
    baseline: float,
    target: float,
    sd: float | None,
    correlation: float | None,
    conf_level: float,
) -> Callable[[float], float]:
    """Power as a function of the (effective) number of interviews in each wave."""
    check_level(conf_level)
    require(baseline != target, "target", target, "a value other than the baseline")
    require(
        correlation is None or -1 < correlation < 1, "correlation", correlation, "−1 to 1, or None,"
    )
    change, tail = abs(target - baseline), (1 - conf_level) / 2
    if sd is not None:
        require(sd > 0, "sd", sd, "a standard deviation above 0")
        return partial(_power_of_t, change / sd, correlation, tail)
    for name, share in (("baseline", baseline), ("target", target)):
        require(0 < share < 1, name, share, "a proportion between 0 and 1, or sd for a mean,")
    spread = baseline * (1 - baseline), target * (1 - target)
    if correlation is None:
        pooled = (baseline + target) / 2
        null, actual = 2 * pooled * (1 - pooled), sum(spread)
    else:
        both = baseline * target + correlation * math.sqrt(spread[0] * spread[1])
        possible = max(0, baseline + target - 1) <= both <= min(baseline, target)
        require(possible, "correlation", correlation, "one that these proportions can have")
        null = baseline + target - 2 * both
        actual = null - change**2
    z = float(stats.norm.isf(tail))
    return lambda n: float(
        stats.norm.cdf((change * math.sqrt(n) - z * math.sqrt(null)) / math.sqrt(actual))
    )


def _power_of_t(effect: float, correlation: float | None, tail: float, n: float) -> float:
    """Power of the t test for a change of ``effect`` standard deviations."""
    df = 2 * n - 2 if correlation is None else n - 1
    if df <= 0:
        return 0.0
    shift = effect * math.sqrt(n / (2 - 2 * (correlation or 0)))
    return float(stats.nct.sf(stats.t.isf(tail, df), df, shift))


def _size(power: Callable[[float], float], wanted: float) -> float:
    """The n at which the power is the wanted one, at least 2."""
    high = 2.0
    while power(high) < wanted:
        high *= 2
    if high == 2:
        return high
    return float(optimize.brentq(lambda n: power(n) - wanted, high / 2, high, xtol=1e-10))


def _method(
    sd: float | None, correlation: float | None, design_effect: float, conf_level: float
) -> Message:
    if sd is not None:
        tests = message("t test of two means"), message("paired t test")
    else:
        tests = message("z test of two proportions"), message("McNemar's test")
    design = message("independent waves")
    if correlation is not None:
        design = message("the same customers in both waves, correlation {r:g}", r=correlation)
    return message(
        "Power of the two-sided {test} at the {percent:g}% level, {design}, design effect"
        " {design_effect:g}.",
        test=tests[correlation is not None],
        percent=100 * (1 - conf_level),
        design=design,
        design_effect=design_effect,
    )
