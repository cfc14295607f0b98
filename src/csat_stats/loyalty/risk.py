"""Which customers are likely to be lost, said by models that have not seen them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm

from csat_stats.frames import Array, check_level
from csat_stats.loyalty._holdout import HeldOut, Places, Scored, predict, split
from csat_stats.loyalty._logit import (
    Patterns,
    Rows,
    complete_patterns,
    find_obstacle,
    rare_outcome,
)
from csat_stats.loyalty._roc import no_interval, roc_area
from csat_stats.loyalty.calibration import Calibration, calibration
from csat_stats.results import Message, Result, message

_GROUPS = 10


@dataclass(frozen=True, kw_only=True)
class RiskScores(Result):
    """Risk of being lost, by customer; ``estimate`` is the area under the ROC curve (AUC).

    Attributes
    ----------
    n_lost
        Rows whose outcome is 0, of those used.
    n_scored
        Rows with a probability: all that answered, whether or not their outcome is known.
    n_folds
        Parts the customers were split into.
    brier, brier_scaled
        Mean squared error of the probabilities, and 1 − it over that of the plain share.
    calibration_slope, calibration_slope_low, calibration_slope_high
        Slope of the true log odds on the predicted ones: 1 when right, below 1 when the
        probabilities are too extreme; ``None`` where it has no value.
    calibration_intercept, calibration_intercept_low, calibration_intercept_high
        What is to be added to all predicted log odds; 0 when right.
    lift
        One row a tenth of the rows with a known outcome, highest risk first: ``group, n, lost,
        share`` (lost / n), ``lift`` (share over that of all), ``captured`` (lost in this and
        earlier groups, of all lost), ``lift_low, lift_high``.
    calls
        One row a customer called, highest risk first: ``called, kept`` (customers expected to be
        kept by calling so many), ``gain, cost, net``; empty without the price of a call.
    best_calls, best_net
        How many calls have the largest expected net gain, and that gain.
    table
        One row a customer scored, highest risk first, with the row labels of the answers:
        ``customer, fold`` (missing where the model of all was used), ``lost`` (1, 0 or missing),
        ``probability`` (of being lost, 0–1), ``rank`` (1 is the highest risk), ``percentile``
        (share of customers ranked the same or lower, 0–100), ``decile`` (1 is the highest).
    """

    n_lost: int
    n_scored: int
    n_folds: int | None = None
    brier: float | None = None
    brier_scaled: float | None = None
    calibration_slope: float | None = None
    calibration_slope_low: float | None = None
    calibration_slope_high: float | None = None
    calibration_intercept: float | None = None
    calibration_intercept_low: float | None = None
    calibration_intercept_high: float | None = None
    lift: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    calls: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    best_calls: int | None = None
    best_net: float | None = None


def risk_scores(
    outcome: pd.Series,
    drivers: pd.DataFrame,
    *,
    customers: pd.Series | None = None,
    folds: int = 10,
    seed: int = 0,
    call_cost: float | None = None,
    value: float | None = None,
    saved: float | None = None,
    conf_level: float = 0.95,
) -> RiskScores:
    """Probability of losing each customer, from models that have not seen that customer.

    Parameters
    ----------
    outcome
        One value a customer: 1 or True came back, 0 or False is lost, missing is not known yet.
        The index must equal that of ``drivers``.
    drivers
        Customers × drivers, numeric, each on its own scale. Rows with a missing rating have no
        probability.
    customers
        What names each customer; the row labels of ``outcome`` unless given. All rows of one
        customer are held out together; a row without a name is a customer of its own.
    folds
        Number of parts for the cross-validation, 2 or more; fewer are used when the rarer outcome
        occurs less often.
    seed
        Seed of the random split and of the order of customers of equal probability.
    call_cost, value, saved
        Money that one call takes, money that a customer kept is worth, and the share of called
        customers, of those who would be lost, that the call keeps (0–1). All three or none.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    RiskScores
        Not estimable when all known outcomes are equal, when fewer than two customers have the
        rarer one, or when drivers are constant or collinear or too many.

    Raises
    ------
    ValueError
        For an outcome other than 0/1, a driver that is not numeric or infinite, repeated column
        names, different indexes, no drivers, fewer than two folds, some but not all of
        ``call_cost``, ``value`` and ``saved``, or one off its range.

    Notes
    -----
    Stratified K-fold cross-validation of the logistic regression of :func:`repurchase_model`
    (Firth's estimator where the customers in hand are separated). The probabilities of all folds
    are judged together: AUC with DeLong's interval, and :func:`calibration`. Lift is the share
    lost in a tenth over the share lost of all, its interval Wilson's for the first share, the
    second held fixed. A call pays where probability · saved · value exceeds its cost. Checked
    against R 4.2 ``glm`` on the same folds and pROC 1.18 ``ci.auc``.

    Examples
    --------
    >>> score = pd.Series([1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5])
    >>> result = risk_scores(
    ...     pd.Series([0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1, 1]), score.to_frame("satisfaction"), folds=3
    ... )
    >>> result.n_folds, result.table["decile"].tolist()[:3], bool(result.table["lost"].iloc[0])
    (3, [1, 2, 3], True)
    """
    check_level(conf_level)
    if folds < 2:
        raise ValueError(f"folds is {folds}: at least 2 are needed")
    prices = _prices(call_cost, value, saved)
    if customers is not None and not customers.index.equals(drivers.index):
        raise ValueError("the customers and the drivers have different indexes: align them first")
    known = complete_patterns(outcome, drivers)
    rng = np.random.default_rng(seed)
    data = split(outcome, drivers, customers, folds, rng)
    base: dict[str, Any] = {
        "n_used": known.n,
        "n_dropped": len(outcome) - known.n,
        "n_lost": known.n - known.n_events,
        "n_scored": len(data.row),
        "conf_level": conf_level,
        "method": message(
            "Logistic regression of coming back; each customer's probability of being lost comes "
            "from a model without that customer ({folds} parts, seed {seed}). AUC with DeLong's "
            "interval, lift with Wilson intervals; rows with a missing rating are left out.",
            folds=data.n_folds,
            seed=seed,
        ),
    }
    obstacle = find_obstacle(known, separation=False)
    if obstacle is None and data.n_folds < 2:
        obstacle = message(
            "Only one customer has the rarer outcome, so there is nothing to learn it from once "
            "that customer is held out."
        )
    held_out = obstacle or predict(data)
    if not isinstance(held_out, HeldOut):
        return RiskScores(**base, not_estimable=held_out)
    probability, seen = held_out.probability, data.known
    lost = pd.Series(data.lost[seen])
    judged = calibration(lost, pd.Series(probability[seen]), conf_level=conf_level)
    area, error = _area(data, probability)
    z = float(norm.ppf((1 + conf_level) / 2))
    # Customers of equal probability come in an order of their own, not in that of the file.
    order = np.lexsort((rng.random(len(probability)), -probability))
    labels = pd.Series(outcome.index if customers is None else customers.to_numpy())
    calls = _calls(probability[order], *prices) if prices else pd.DataFrame()
    best = int(np.argmax(np.append(0, calls["net"]))) if prices else None
    return RiskScores(
        **base,
        estimate=area,
        conf_low=None if error is None else max(0.0, area - z * error),
        conf_high=None if error is None else min(1.0, area + z * error),
        n_folds=data.n_folds,
        brier=judged.brier,
        brier_scaled=judged.brier_scaled,
        calibration_slope=judged.estimate,
        calibration_slope_low=judged.conf_low,
        calibration_slope_high=judged.conf_high,
        calibration_intercept=judged.intercept,
        calibration_intercept_low=judged.intercept_low,
        calibration_intercept_high=judged.intercept_high,
        lift=_lift(data.lost[order][seen[order]], conf_level),
        calls=calls,
        best_calls=best,
        best_net=float(np.append(0, calls["net"])[best]) if best is not None else None,
        table=_table(data, probability, order, labels, outcome.index),
        notes=_notes(data, held_out, known, judged, (area, error, z), folds, prices),
    )


def _prices(
    call_cost: float | None, value: float | None, saved: float | None
) -> tuple[float, float, float] | None:
    given = {"call_cost": call_cost, "value": value, "saved": saved}
    absent = [name for name, amount in given.items() if amount is None]
    if call_cost is None or value is None or saved is None:
        if len(absent) < len(given):
            are = "is" if len(absent) == 1 else "are"
            raise ValueError(
                f"{' and '.join(absent)} {are} missing: calls need call_cost, value and saved"
            )
        return None
    for name, amount in (("call_cost", call_cost), ("value", value)):
        if not (math.isfinite(amount) and amount >= 0):
            raise ValueError(f"{name} is {amount:g}: a finite number of 0 or more is needed")
    if not 0 <= saved <= 1:
        raise ValueError(f"saved is {saved:g}: a share from 0 to 1 is needed")
    return call_cost, value, saved


def _area(data: Scored, probability: Array) -> tuple[float, float | None]:
    """AUC of the known outcomes and its error, summed within customers of several rows."""
    seen = data.known
    lost, score = data.lost[seen], probability[seen]
    customer = np.unique(data.customer[seen], return_inverse=True)[1]
    ones, rows = np.ones(len(lost)), None
    if len(np.unique(customer)) < len(customer):
        rows = Rows(np.arange(len(lost)), lost, ones, False, customer)
    return roc_area(score, Patterns(["probability"], score[:, None], lost, ones, len(lost), rows))


def _table(
    data: Scored, probability: Array, order: Places, labels: pd.Series, index: pd.Index
) -> pd.DataFrame:
    n = len(order)
    rank = np.arange(1, n + 1)
    fold = pd.Series(data.fold[order] + 1, dtype="Int64")
    table = pd.DataFrame(
        {
            "customer": labels.to_numpy()[data.row[order]],
            "fold": fold.mask(fold > data.n_folds),
            "lost": pd.Series(data.lost[order]).astype("Int64"),
            "probability": probability[order],
            "rank": rank,
            "percentile": 100 * (n - rank + 1) / n,
            "decile": -(-_GROUPS * rank // n),
        }
    )
    return table.set_axis(index[data.row[order]], axis=0)


def _lift(lost: Array, conf_level: float) -> pd.DataFrame:
    """Tenths of the rows, highest risk first."""
    groups = min(_GROUPS, len(lost))
    group = -(-groups * np.arange(1, len(lost) + 1) // len(lost))
    n = np.bincount(group)[1:]
    events = np.bincount(group, weights=lost)[1:].astype(int)
    intervals = [
        binomtest(k, m).proportion_ci(conf_level, method="wilson")
        for k, m in zip(events, n, strict=True)
    ]
    return pd.DataFrame(
        {
            "group": np.arange(1, groups + 1),
            "n": n,
            "lost": events,
            "share": events / n,
            "lift": events / n / lost.mean(),
            "captured": events.cumsum() / events.sum(),
            "lift_low": [low / lost.mean() for low, _ in intervals],
            "lift_high": [high / lost.mean() for _, high in intervals],
        }
    )


def _calls(probability: Array, call_cost: float, value: float, saved: float) -> pd.DataFrame:
    called = np.arange(1, len(probability) + 1)
    kept = saved * probability.cumsum()
    table = pd.DataFrame({"called": called, "kept": kept, "gain": value * kept})
    table["cost"] = call_cost * called
    table["net"] = table["gain"] - table["cost"]
    return table


def _notes(
    data: Scored,
    held_out: HeldOut,
    known: Patterns,
    judged: Calibration,
    area: tuple[float, float | None, float],
    folds: int,
    prices: object,
) -> tuple[Message, ...]:
    notes = rare_outcome(known)
    if data.n_folds < folds:
        notes.append(
            message(
                "{folds} parts instead of {wanted}: no more customers have the rarer outcome.",
                folds=data.n_folds,
                wanted=folds,
            )
        )
    if held_out.n_firth:
        notes.append(
            message(
                "Without some part of the customers the drivers separate the outcomes; models "
                "estimated by Firth's penalised likelihood for that reason: {n}.",
                n=held_out.n_firth,
            )
        )
    unknown = int((~data.known).sum())
    if unknown:
        notes.append(
            message(
                "Rows whose outcome is not known have a probability too, and no part in the AUC, "
                "calibration and lift: {n}.",
                n=unknown,
            )
        )
    figure, error, z = area
    if error is None:
        notes.append(no_interval(figure))
    elif figure - z * error <= 0.5:
        notes.append(
            message(
                "The interval of the AUC includes 0.5: these ratings may tell who will be lost no "
                "better than chance."
            )
        )
    if judged.conf_high is not None and judged.conf_high < 1:
        notes.append(
            message(
                "The calibration slope is below 1: high probabilities are too high and low ones "
                "too low."
            )
        )
    if judged.conf_low is not None and judged.conf_low > 1:
        notes.append(
            message(
                "The calibration slope is above 1: high probabilities are too low and low ones "
                "too high."
            )
        )
    if prices:
        notes.append(
            message(
                "What a call keeps is an assumption, not a finding: only calls made to customers "
                "drawn by lot, and outcomes compared with those not called, would show it."
            )
        )
    return tuple(notes)
