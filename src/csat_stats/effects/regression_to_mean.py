"""The change that units chosen for being worst show by chance alone."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from csat_stats.effects._reliability import DRAWS, Model, from_answers, from_correlation
from csat_stats.frames import Array, check_level, matrix, numbers
from csat_stats.results import Message, Result, message

METHODS = {
    "answers": message(
        "Expected change of the chosen units by chance alone, (1 − reliability) × distance from "
        "the mean, the reliability of each unit's mean from the variances within and between "
        "units; interval by {draws:,} draws of these variances and the mean."
    ),
    "panel": message(
        "Expected change of the chosen units by chance alone, (1 − correlation) × distance from "
        "the mean, the correlation from {n:,} units in two earlier waves; interval by {draws:,} "
        "draws of the correlation and the mean."
    ),
    "given": message(
        "Expected change of the chosen units by chance alone, (1 − correlation) × distance from "
        "the mean, the correlation of two waves taken as known; interval by {draws:,} draws of "
        "the mean."
    ),
}


@dataclass(frozen=True, kw_only=True)
class RegressionToMean(Result):
    """Change that the chosen units show by chance alone (``estimate``, after − before).

    Attributes
    ----------
    chosen_mean, all_mean
        Mean of the chosen units, and of all units (each weighted by its precision where answers
        are given).
    reliability, reliability_low, reliability_high, source
        Expected correlation of the units' figures in two waves, 0–1, and where it comes from:
        ``answers`` (within and between units), ``panel`` or ``given`` (no interval).
    n_units, n_chosen
        Units, and those chosen.
    observed_change, remaining_change, remaining_low, remaining_high
        What the chosen units did change by, and that less the expected change, with a prediction
        interval; with ``after`` only.
    table
        ``unit, n, before, shrunken, chosen`` and, with ``after``, ``after``; ``shrunken`` is what
        the unit is expected to show the next time if nothing is done.
    """

    chosen_mean: float | None = None
    all_mean: float | None = None
    reliability: float | None = None
    reliability_low: float | None = None
    reliability_high: float | None = None
    source: Literal["answers", "panel", "given"]
    n_units: int
    n_chosen: int
    observed_change: float | None = None
    remaining_change: float | None = None
    remaining_low: float | None = None
    remaining_high: float | None = None


def regression_to_mean(
    before: pd.Series,
    unit: pd.Series | None = None,
    *,
    chosen: Collection[Hashable] | pd.Series | None = None,
    chosen_below: float | None = None,
    after: pd.Series | None = None,
    unit_after: pd.Series | None = None,
    correlation: float | None = None,
    panel: pd.DataFrame | None = None,
    conf_level: float = 0.95,
    seed: int = 0,
) -> RegressionToMean:
    """How far units chosen for being worst are expected to come back by themselves.

    Parameters
    ----------
    before
        Scores before the action: answers, of the units named in ``unit``; or, without ``unit``,
        one figure a unit (store, engineer, region, customer), the index naming the unit.
    unit
        The unit of each answer, with the index of ``before``; missing ones are left out.
    chosen
        Names of the units chosen, or a bool Series by unit; or instead
    chosen_below
        the figure below which a unit was chosen.
    after, unit_after
        Scores after the action, in the same form as ``before`` and ``unit``.
    correlation
        Of the figures of a unit in two waves without an action, 0–1, where it is known.
    panel
        Units × two earlier waves without an action between them, to estimate the correlation
        from. Without ``correlation`` and ``panel`` it follows from the answers within units.
    conf_level
        Level of the intervals, 0–1.
    seed
        Of the draws.

    Returns
    -------
    RegressionToMean
        Not estimable with fewer than three units, when none or all were chosen, when nothing
        tells the reliability, or when the units or the answers within them do not vary.

    Raises
    ------
    ValueError
        For both or neither of ``chosen`` and ``chosen_below``, both of ``correlation`` and
        ``panel``, a correlation outside 0–1, chosen units that do not occur, units named twice or
        series that do not fit together.

    Notes
    -----
    E(change) = (1 − r)·(μ − mean of the chosen) (Davis, 1976; Bland & Altman, 1994; Morton &
    Torgerson, 2003), each unit counting the same. From answers r = τ²/(τ² + σ²/n) unit by unit,
    with σ² and τ² of the one-way analysis of variance (Searle, Casella & McCulloch, 1992, ch. 3)
    and μ weighted by 1/(τ² + σ²/n): ``shrunken`` is the empirical Bayes estimate (Efron & Morris,
    1975); ``reliability`` is that at the harmonic mean of n. The draws are generalised pivotal
    quantities (Weerahandi, 1993): σ² from its χ²(N − k), τ² from the χ²(k − 1) of the weighted
    squares between units, which for units of one size gives the exact interval of r from F; of a
    correlation, Fisher's z. A negative τ² counts as 0. Checked against R 4.2 ``aov``, and for
    units of one size lme4 1.1-31 ``lmer``, ``ranef``.

    Examples
    --------
    >>> stores = pd.Series([2.9, 3.1, 3.4, 3.6, 3.8, 4.0], index=list("abcdef"))
    >>> chance = regression_to_mean(stores, chosen=["a", "b"], correlation=0.6)
    >>> round(chance.estimate, 4), round(chance.chosen_mean, 4)
    (0.1867, 3.0)
    """
    check_level(conf_level)
    if (chosen is None) == (chosen_below is None):
        raise ValueError("give either chosen (the units) or chosen_below (the figure), one of them")
    if correlation is not None and panel is not None:
        raise ValueError("give either correlation or panel, not both")
    if correlation is not None and not 0 <= correlation <= 1:
        raise ValueError(f"correlation is {correlation}: 0–1 is needed")
    units = _units(before, unit, "before")
    units["chosen"] = _chosen(units, chosen, chosen_below)
    notes = []
    if after is not None and (unit is None) != (unit_after is None):
        raise ValueError("give unit and unit_after both, or neither of them")
    if after is not None:
        later = _units(after, unit_after, "after")
        units["after"], units["n_after"] = later["before"], later["n"]
        gone = units.index[units["chosen"] & units["after"].isna()]
        if len(gone):
            units.loc[gone, "chosen"] = False
            notes.append(
                message(
                    "Chosen units without an answer after the action are not counted as chosen: "
                    "{units}.",
                    units=", ".join(map(str, gone)),
                )
            )
    used = int(units["n"].sum())
    source = "given" if correlation is not None else "panel" if panel is not None else "answers"
    waves = np.empty((0, 2))
    if panel is not None:
        waves = matrix(panel)
        if waves.shape[1] != 2:
            raise ValueError(f"panel has {waves.shape[1]} columns: two waves are needed")
        waves = waves[~np.isnan(waves).any(axis=1)]
    base: dict[str, Any] = {
        "n_used": used,
        "n_dropped": len(before) - used,
        "conf_level": conf_level,
        "source": source,
        "n_units": len(units),
        "n_chosen": int(units["chosen"].sum()),
        "method": Message(METHODS[source].text, {"draws": DRAWS, "n": len(waves)}),
    }
    obstacle = _obstacle(units, source, waves)
    if obstacle is not None:
        return RegressionToMean(**base, notes=tuple(notes), not_estimable=obstacle)
    rng = np.random.default_rng(seed)
    if source == "answers":
        model = from_answers(units, rng)
    else:
        model = from_correlation(units, correlation, waves, rng)
    if model.reliability == 0:
        notes.append(
            message(
                "Nothing shows that the units differ lastingly: all of the distance from the mean "
                "is expected to be lost."
            )
        )
    if after is not None:
        notes.append(
            message(
                "A shift of all units between the waves is part of the remaining change; only a "
                "control group takes it out."
            )
        )
    return RegressionToMean(
        **base, notes=tuple(notes), **_figures(units, model, conf_level, after is not None, rng)
    )


def _units(scores: pd.Series, unit: pd.Series | None, wave: str) -> pd.DataFrame:
    """Mean, squares within and answers of each unit, by unit."""
    values = numbers(scores)
    if unit is None:
        if not values.index.is_unique:
            name = values.index[values.index.duplicated()][0]
            raise ValueError(f"{wave} has the unit {name!r} twice: give unit for answers by unit")
        names = values.index.to_series()
    elif not unit.index.equals(scores.index):
        raise ValueError(f"{wave} and its units have different indexes: align them first")
    else:
        names = unit
    grouped = values.groupby(names.to_numpy(), observed=True)
    table = pd.DataFrame({"n": grouped.count(), "before": grouped.mean()})
    table["within"] = (grouped.var(ddof=0) * table["n"]).to_numpy()
    return table[table["n"] > 0]


def _chosen(
    units: pd.DataFrame, chosen: Collection[Hashable] | pd.Series | None, below: float | None
) -> Any:
    if chosen is None:
        return (units["before"] < below).to_numpy()
    if isinstance(chosen, pd.Series):
        if not pd.api.types.is_bool_dtype(chosen.dtype):
            raise ValueError("chosen is a Series of other than True and False: give bool by unit")
        chosen = chosen.index[chosen.fillna(False).to_numpy(dtype=bool)]
    unknown = [str(name) for name in chosen if name not in units.index]
    if unknown:
        raise ValueError(f"chosen units without an answer before: {', '.join(unknown[:10])}")
    return units.index.isin(list(chosen))


def _obstacle(units: pd.DataFrame, source: str, waves: Array) -> Message | None:
    k, n, picked = len(units), int(units["n"].sum()), int(units["chosen"].sum())
    if k < 3:
        return message("At least three units are needed; there are {n}.", n=k)
    if picked in (0, k):
        return message(
            "Of {n} units {chosen} were chosen: nothing to expect without a choice.",
            n=k,
            chosen=picked,
        )
    if np.ptp(units["before"]) == 0:
        return message("All units have the same figure.")
    if source == "answers" and (n == k or units["within"].sum() == 0):
        return message(
            "How reliable the figures of the units are cannot be told: that takes several "
            "differing answers a unit, two earlier waves or a known correlation."
        )
    if source == "panel" and (len(waves) < 4 or (np.ptp(waves, axis=0) == 0).any()):
        return message(
            "The correlation of two earlier waves needs four units that vary; there are {n} units.",
            n=len(waves),
        )
    return None


def _figures(
    units: pd.DataFrame, model: Model, conf_level: float, follow: bool, rng: np.random.Generator
) -> dict[str, Any]:
    """The fields of the result, from what is expected of each unit."""
    x, chosen = units["before"].to_numpy(), units["chosen"].to_numpy()
    shrunken = model.mean + model.trust * (x - model.mean)
    estimate = float((shrunken - x)[chosen].mean())
    means, here = model.means.reshape(-1, 1), x[chosen]
    expected = ((1 - model.trusts[:, chosen]) * (means - here)).mean(axis=1)
    tails = [(1 - conf_level) / 2, (1 + conf_level) / 2]

    def limits(draws: Array) -> tuple[float, float]:
        low, high = np.quantile(draws, tails)
        return float(low), float(high)

    low, high = limits(expected)
    table = units.rename_axis("unit").reset_index().assign(shrunken=shrunken)
    columns = ["unit", "n", "before", "shrunken", "chosen"]
    figures: dict[str, Any] = {
        "estimate": estimate,
        "conf_low": low,
        "conf_high": high,
        "chosen_mean": float(here.mean()),
        "all_mean": model.mean,
        "reliability": model.reliability,
    }
    if model.reliabilities is not None:
        figures["reliability_low"], figures["reliability_high"] = limits(model.reliabilities)
    if follow:
        columns.append("after")
        observed = float((units["after"].to_numpy() - x)[chosen].mean())
        noise = model.spreads[:, chosen] * rng.standard_normal((DRAWS, len(here)))
        figures["observed_change"] = observed
        figures["remaining_change"] = observed - estimate
        figures["remaining_low"], figures["remaining_high"] = limits(
            observed - expected + noise.mean(axis=1)
        )
    return figures | {"table": table[columns]}
