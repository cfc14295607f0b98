"""What better scores would be worth, if those who score better bought again as they do today."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import t

from csat_stats.frames import (
    Array,
    check_level,
    matrix,
    numbers,
    require,
    respondent_weights,
)
from csat_stats.loyalty.repurchase import LogitModel
from csat_stats.results import Message, Result, message

_STEPS = 101


@dataclass(frozen=True, kw_only=True)
class Scenario(Result):
    """A return-on-investment scenario; ``estimate`` is the net gain in money.

    Attributes
    ----------
    probability_now, probability_after
        Mean predicted probability of buying again, 0–1, before and after the improvement.
    extra_repurchases
        customers · (probability_after − probability_now).
    gain, cost
        Money earned by the extra repurchases, and money spent.
    return_on_investment
        (gain − cost) / cost, a share; ``None`` where nothing is spent.
    break_even_value
        Value of one repurchase at which the gain covers the cost; ``None`` where there are no
        extra repurchases or nothing is spent.
    break_even_share
        Smallest part of the planned improvement that pays for itself, 1 being the whole plan and
        2 twice as many points for every driver; ``None`` where no improvement does.
    break_even_points
        The same in points, for a plan of one driver; ``None`` for several.
    table
        ``quantity, estimate, conf_low, conf_high``: one row for each of the figures above that is
        known, and the net gain. An upper end is infinite where no improvement would be enough.
    """

    probability_now: float | None = None
    probability_after: float | None = None
    extra_repurchases: float | None = None
    gain: float | None = None
    cost: float
    return_on_investment: float | None = None
    break_even_value: float | None = None
    break_even_share: float | None = None
    break_even_points: float | None = None


def roi_scenario(
    model: LogitModel,
    drivers: pd.DataFrame,
    improve: Mapping[str, float],
    *,
    customers: float,
    value: float,
    cost: float = 0.0,
    scale: tuple[float, float],
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
) -> Scenario:
    """What raising scores would be worth, carried through a fitted repurchase model.

    Parameters
    ----------
    model
        The result of :func:`repurchase_model`.
    drivers
        Answers of the customers, one column for each driver of the model; others are ignored.
        Rows with a missing value are left out.
    improve
        Points by which the score of each named driver is raised, above 0; a score stops at the
        top of the scale.
    customers
        How many customers the answers stand for.
    value
        Money that one repurchase brings.
    cost
        Money that the improvement takes.
    scale
        Lowest and highest possible score of the improved drivers, such as ``(1, 5)``.
    weights
        Sampling weight of each customer, any scale; 0 or missing leaves the customer out.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    Scenario
        Not estimable when the model is not, or when no customer has answered all drivers.

    Raises
    ------
    ValueError
        For a driver that the model or the answers do not have, points that are not above 0, a
        score off the scale, a negative or infinite ``customers``, ``value`` or ``cost``, or a
        scale whose ends are not in order.

    Notes
    -----
    p(x) = 1 / (1 + exp(−x′β)), averaged over the customers at their answers x and at
    min(x + points, top). Intervals by the delta method from the covariance of β, the answers
    taken as given (average adjusted predictions of Williams, 2012): they leave out what customers
    not asked would have answered, and whether the association is one of cause and effect. The
    interval of a break-even figure holds the values at which the interval of the net gain
    includes 0. Checked against R 4.2 ``glm`` with gradients of numDeriv.

    Examples
    --------
    >>> from csat_stats.loyalty import repurchase_model
    >>> drivers = pd.DataFrame({"satisfaction": [1, 2, 2, 3, 3, 4, 4, 5]})
    >>> model = repurchase_model(pd.Series([0, 0, 1, 0, 1, 0, 1, 1]), drivers)
    >>> plan = roi_scenario(
    ...     model, drivers, {"satisfaction": 0.5}, customers=1000, value=60, cost=2000, scale=(1, 5)
    ... )
    >>> print(f"{plan.probability_after:.3f}, {plan.extra_repurchases:.1f}, {plan.estimate:.0f}")
    0.572, 72.0, 2321
    """
    check_level(conf_level)
    _check(model, drivers, improve, scale, {"customers": customers, "value": value, "cost": cost})
    names = list(model.table["driver"]) if "driver" in model.table else list(improve)
    x = matrix(drivers[names])
    weight = respondent_weights(weights, drivers.index)
    complete = ~np.isnan(x).any(axis=1) & (weight > 0)
    base: dict[str, Any] = {
        "n_used": int(complete.sum()),
        "n_dropped": int((~complete).sum()),
        "conf_level": conf_level,
        "cost": float(cost),
        "method": message(
            "Mean predicted probability of buying again at the answers given and at raised "
            "scores, which stop at the top of the scale; intervals by the delta method from the "
            "covariance of the model, the answers taken as given; rows with a missing value are "
            "left out."
        ),
    }
    if model.not_estimable:
        return Scenario(**base, not_estimable=model.not_estimable)
    if not complete.any():
        return Scenario(**base, not_estimable=message("No customer has answered all drivers."))
    patterns, place = np.unique(x[complete], axis=0, return_inverse=True)
    share = np.bincount(place.ravel(), weights=weight[complete]) / weight[complete].sum()
    points = np.array([float(improve.get(name, 0)) for name in names])
    beta = np.append(model.intercept["estimate"], model.table["estimate"])
    covariance = model.covariance.to_numpy()

    def raised(part: float) -> Array:
        stop = np.where(points > 0, scale[1], np.inf)
        better: Array = np.minimum(patterns + part * points, stop)
        return better

    def predicted(scores: Array) -> tuple[float, Array]:
        """Mean probability, and its gradient in the coefficients."""
        design = np.column_stack([np.ones(len(scores)), scores])
        p = expit(design @ beta)
        return float(share @ p), (share * p * (1 - p)) @ design

    quantile = _quantile(model, conf_level)
    now, slope_now = predicted(patterns)

    def extra(part: float) -> Array:
        """Extra repurchases and the ends of their interval."""
        after, slope_after = predicted(raised(part))
        slope = slope_after - slope_now
        margin = quantile * np.sqrt(slope @ covariance @ slope)
        ends: Array = customers * (after - now + np.array([0, -margin, margin]))
        return ends

    figures = {
        "probability_now": _probability(*predicted(patterns), covariance, quantile),
        "probability_after": _probability(*predicted(raised(1)), covariance, quantile),
        "extra_repurchases": extra(1),
        "gain": value * extra(1),
        "net_gain": value * extra(1) - cost,
    }
    notes = [
        message(
            "This carries an association into a forecast and is no proof: customers who score "
            "higher may buy again for other reasons. A trial in which stores or customers drawn "
            "by lot get the improvement and the others do not would show what it earns."
        ),
        *_notes(names, points, beta[1:], share @ (raised(1) - patterns)),
    ]
    if cost > 0:
        figures["return_on_investment"] = figures["net_gain"] / cost
        middle, low, high = figures["extra_repurchases"]
        if middle > 0:
            dearest = cost / low if low > 0 else np.inf
            figures["break_even_value"] = np.array([cost / middle, cost / high, dearest])
        room = (scale[1] - patterns.min(axis=0))[points > 0] / points[points > 0]
        ends = _first_roots(lambda part: value * extra(part) - cost, float(room.max()))
        if np.isinf(ends[0]):
            notes.append(message("No improvement within the scale would pay for the cost."))
        else:
            figures["break_even_share"] = ends
            if len(improve) == 1:
                figures["break_even_points"] = ends * points.max()
    base |= {name: float(ends[0]) for name, ends in figures.items() if name != "net_gain"}
    net_gain, conf_low, conf_high = figures["net_gain"]
    return Scenario(
        **base,
        estimate=float(net_gain),
        conf_low=float(conf_low),
        conf_high=float(conf_high),
        table=pd.DataFrame(
            [[name, *ends] for name, ends in figures.items()],
            columns=["quantity", "estimate", "conf_low", "conf_high"],
        ),
        notes=tuple(notes),
    )


def _probability(mean: float, slope: Array, covariance: Array, quantile: float) -> Array:
    margin = quantile * np.sqrt(slope @ covariance @ slope)
    return np.array([mean, max(0.0, mean - margin), min(1.0, mean + margin)])


def _first_roots(net: Callable[[float], Array], reach: float) -> Array:
    """Where the net gain and the ends of its interval first rise to 0; infinite where they do not.

    The upper end of the gain gives the lower end of the break-even.
    """
    parts = np.linspace(0, reach, _STEPS)
    path = np.array([net(part) for part in parts])
    roots = np.full(3, np.inf)
    for place, end in enumerate((0, 2, 1)):
        met = np.flatnonzero(path[:, end] >= 0)
        if len(met):
            before, after = parts[met[0] - 1], parts[met[0]]
            roots[place] = brentq(lambda part, end=end: net(part)[end], before, after, xtol=1e-12)
    return roots


def _quantile(model: LogitModel, conf_level: float) -> float:
    """As the intervals of the model: normal, or t with weights or clusters."""
    units = model.n_used if model.n_clusters is None else model.n_clusters
    df = np.inf
    if model.n_effective is not None:
        df = units - len(model.covariance)
    elif model.n_clusters is not None:
        df = units - 1
    return float(t.ppf((1 + conf_level) / 2, df))


def _notes(names: list[str], points: Array, slopes: Array, rise: Array) -> list[Message]:
    notes = []
    for name, planned, reached in zip(names, points, rise, strict=True):
        if planned - reached > 1e-9:
            notes.append(
                message(
                    "Some scores of {driver} meet the top of the scale: its mean rises by "
                    "{reached:.2f} points, not by {planned:g}.",
                    driver=name,
                    reached=float(reached),
                    planned=float(planned),
                )
            )
    falling = [name for name, p, b in zip(names, points, slopes, strict=True) if p > 0 > b]
    if falling:
        notes.append(
            message(
                "In the model a higher score goes with less buying again, the other drivers being "
                "equal, for: {drivers}.",
                drivers=", ".join(falling),
            )
        )
    return notes


def _check(
    model: LogitModel,
    drivers: pd.DataFrame,
    improve: Mapping[str, float],
    scale: tuple[float, float],
    amounts: Mapping[str, float],
) -> None:
    for name, amount in amounts.items():
        if not (math.isfinite(amount) and amount >= 0):
            raise ValueError(f"{name} is {amount:g}: a finite number of 0 or more is needed")
    low, high = scale
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"scale is {scale}: a lowest score below the highest is needed")
    if not improve:
        raise ValueError("improve is empty: at least one driver and its points are needed")
    known = list(improve) if model.not_estimable else list(model.table["driver"])
    for name, points in improve.items():
        if name not in known:
            raise ValueError(
                f"improve names {name!r}: the model has the drivers {', '.join(known)}"
            )
        if not (math.isfinite(points) and points > 0):
            raise ValueError(f"improve asks for {points:g} points of {name!r}: more than 0 needed")
    absent = [name for name in known if name not in drivers]
    if absent:
        raise ValueError(f"the answers have no column for the drivers {', '.join(absent)}")
    for name in improve:
        scores = numbers(drivers[name]).dropna()
        require(scores.between(low, high), scores, f"scores from {low:g} to {high:g}")
