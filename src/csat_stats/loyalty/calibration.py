"""Do predicted probabilities come true as often as they say?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit, logit

from csat_stats.frames import Array, check_level, numbers, require
from csat_stats.loyalty._estimate import Estimates, estimate
from csat_stats.loyalty._logit import Patterns, complete_patterns
from csat_stats.loyalty._roc import roc_area
from csat_stats.results import Message, Result, message


@dataclass(frozen=True, kw_only=True)
class Calibration(Result):
    """How well predicted probabilities hold; ``estimate`` is the calibration slope.

    Attributes
    ----------
    estimate, conf_low, conf_high
        Slope of the outcome's log odds on the predicted ones: 1 when right, below 1 when the
        predictions are too extreme.
    intercept, intercept_low, intercept_high
        Calibration in the large: what is to be added to all predicted log odds; 0 when right.
    observed_expected
        Outcomes of 1 over the sum of predicted probabilities.
    brier, brier_scaled
        Mean squared error of the probabilities, and 1 − it over that of the plain share.
    auc
        Area under the ROC curve of the predictions.
    hl_statistic, hl_df, hl_p_value
        Hosmer and Lemeshow's χ² over the groups of ``table``, with groups − 2 degrees of freedom:
        for the rows the model was fitted to. ``None`` with weights, below three groups, or when a
        group expects only one of the outcomes.
    n_events, n_effective
        Rows whose outcome is 1; Kish's effective n, ``None`` without weights.
    table
        One row a group of about equal size, by predicted probability: ``group`` (from 1, lowest
        first), ``n``, ``predicted`` (mean), ``estimate`` (share whose outcome is 1), ``conf_low,
        conf_high`` (Wilson).
    """

    intercept: float | None = None
    intercept_low: float | None = None
    intercept_high: float | None = None
    observed_expected: float | None = None
    brier: float | None = None
    brier_scaled: float | None = None
    auc: float | None = None
    hl_statistic: float | None = None
    hl_df: int | None = None
    hl_p_value: float | None = None
    n_events: int
    n_effective: float | None = None


def calibration(
    outcome: pd.Series,
    probability: pd.Series,
    *,
    groups: int = 10,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
) -> Calibration:
    """Whether predicted probabilities come true as often as they say.

    Parameters
    ----------
    outcome
        One value a customer: 0/1 or bool, nullable. The index must equal that of ``probability``.
    probability
        Predicted probability of each customer, 0–1, best from a model that has not seen these
        outcomes. Rows with any missing value are left out.
    groups
        Number of groups of the table, 2 or more; equal probabilities share one.
    weights
        Sampling weight of each customer, on any scale; 0 or missing leaves the customer out.
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    Calibration
        The slope is not estimable with fewer than two rows, when all outcomes or all
        probabilities are equal, when the probabilities separate the outcomes, or when one is
        exactly 0 or 1; the other figures stand wherever they exist.

    Raises
    ------
    ValueError
        For an outcome other than 0/1, a probability outside 0–1, different indexes, a negative
        weight, or fewer than two groups.

    Notes
    -----
    Slope: logistic regression of the outcome on logit(p) (Cox, 1958). Intercept: the same with
    the slope held at 1. Wald intervals; with weights design-based errors (Taylor linearisation)
    and t intervals. Scaled Brier score 1 − Σ(y − p)²/Σ(y − ȳ)² (Steyerberg et al., 2010). Groups
    are cut at the quantiles of the probabilities; χ² = Σ(O − E)²/E over both outcomes of each
    (Hosmer and Lemeshow, 1980). With weights the intervals of the table take Kish's effective n.
    Checked against R 4.2 ``glm(offset =)``, rms 6.5 ``val.prob``, survey 4.1 ``svyglm`` and
    ``prop.test(correct = FALSE)``.

    Examples
    --------
    >>> result = calibration(
    ...     pd.Series([0, 0, 1, 0, 1, 0, 1, 1]),
    ...     pd.Series([0.1, 0.2, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9]),
    ...     groups=2,
    ... )
    >>> round(result.estimate, 3), round(result.intercept, 3), round(result.brier, 4)
    (0.931, 0.215, 0.1888)
    >>> result.table.round(3)
       group  n  predicted  estimate  conf_low  conf_high
    0      1  4      0.225      0.25     0.046      0.699
    1      2  4      0.700      0.75     0.301      0.954
    """
    check_level(conf_level)
    if groups < 2:
        raise ValueError(f"groups is {groups}: at least 2 are needed")
    predicted = numbers(probability)
    require(predicted.isna() | predicted.between(0, 1), predicted, "probabilities from 0 to 1")
    data = complete_patterns(outcome, predicted.to_frame("probability"), weights=weights)
    base: dict[str, Any] = {
        "n_used": data.n,
        "n_dropped": len(outcome) - data.n,
        "n_events": data.n_events,
        "n_effective": None if data.rows is None else data.rows.n_effective,
        "conf_level": conf_level,
        "method": message(
            "Logistic regression of the outcome on the predicted log odds, with Wald intervals; "
            "Wilson intervals of the groups; rows with a missing value are left out."
        )
        if weights is None
        else message(
            "Weighted logistic regression of the outcome on the predicted log odds, with "
            "design-based errors (Taylor linearisation) and t intervals; Wilson intervals of the "
            "groups at Kish's effective n; rows with a missing value or weight are left out."
        ),
    }
    if data.n < 2:
        few = message(
            "{n} complete rows are too few: at least {minimum} are needed.", n=data.n, minimum=2
        )
        return Calibration(**base, not_estimable=few)
    p = data.patterns[:, 0]
    share, expected = data.events.sum() / data.n, float(data.trials @ p)
    brier = float(data.events @ (1 - p) ** 2 + (data.trials - data.events) @ p**2) / data.n
    varies = 0 < data.n_events < data.n
    table, chi_square = _groups(data, groups, conf_level)
    obstacle = _obstacle(data)
    slope = obstacle or _slope(data, conf_level)
    low = level = high = None
    if varies and p.min() > 0 and p.max() < 1:
        level, low, high = _in_the_large(data, conf_level)
    figures: dict[str, Any] = {"not_estimable": slope}
    if not isinstance(slope, Message):
        figures = dict(zip(("estimate", "conf_low", "conf_high"), slope, strict=True))
    return Calibration(
        **base,
        **figures,
        intercept=level,
        intercept_low=low,
        intercept_high=high,
        observed_expected=float(data.events.sum()) / expected if expected else None,
        brier=brier,
        brier_scaled=float(1 - brier / (share * (1 - share))) if varies else None,
        auc=roc_area(p, data)[0] if varies else None,
        hl_statistic=chi_square,
        hl_df=None if chi_square is None else len(table) - 2,
        hl_p_value=None if chi_square is None else float(stats.chi2.sf(chi_square, len(table) - 2)),
        table=table,
        notes=_notes(len(table), groups),
    )


def _obstacle(data: Patterns) -> Message | None:
    """Why there is no slope, or ``None``."""
    p = data.patterns[:, 0]
    if data.n_events in (0, data.n):
        return message(
            "All {n} customers have the same outcome, so nothing can explain it.", n=data.n
        )
    if p.min() == 0 or p.max() == 1:
        return message(
            "Some predicted probability is exactly 0 or 1, which has no log odds, so the "
            "calibration slope does not exist."
        )
    if len(p) == 1:
        return message("All predicted probabilities are equal, so there is no calibration slope.")
    return None


def _slope(data: Patterns, conf_level: float) -> tuple[float, float, float] | Message:
    log_odds = data._replace(patterns=logit(data.patterns))
    estimates = estimate(log_odds, conf_level, False)
    if not isinstance(estimates, Estimates):
        return message(
            "The predicted probabilities tell the two outcomes apart without a fault, so the "
            "calibration slope has no finite value."
        )
    row = estimates.table.iloc[1]
    return float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"])


def _in_the_large(data: Patterns, conf_level: float) -> tuple[float, float, float]:
    """What is to be added to all log odds to meet the share of events, and its interval."""
    offset = logit(data.patterns[:, 0])

    def lacking(level: float) -> float:
        return float(data.events.sum() - data.trials @ expit(offset + level))

    reach_of_offset = float(np.abs(offset).max()) + abs(float(logit(data.events.sum() / data.n)))
    level = float(brentq(lacking, -reach_of_offset - 1, reach_of_offset + 1, xtol=1e-13))
    p = expit(offset + level)
    information = float(data.trials @ (p * (1 - p)))
    if data.rows is None:
        error = information**-0.5
        reach = float(stats.norm.ppf((1 + conf_level) / 2))
    else:
        residual = data.rows.weight * (data.rows.outcome - p[data.rows.place])
        error = float(np.sqrt(data.n / (data.n - 1) * (residual @ residual))) / information
        reach = float(stats.t.ppf((1 + conf_level) / 2, data.n - 1))
    return level, level - reach * error, level + reach * error


def _groups(data: Patterns, groups: int, conf_level: float) -> tuple[pd.DataFrame, float | None]:
    """The table of groups, and Hosmer and Lemeshow's χ²."""
    p, steps = data.patterns[:, 0], np.linspace(0, 1, groups + 1)
    n = squares = data.trials
    if data.rows is None:
        cuts = np.quantile(np.repeat(p, n.astype(int)), steps)
    else:
        weight = data.rows.weight
        n = np.bincount(data.rows.place).astype(float)
        squares = np.bincount(data.rows.place, weights=weight**2).astype(float)
        cuts = np.quantile(p, steps, weights=data.trials, method="inverted_cdf")
    # right-closed; between the same two predictions there may be several cuts
    _, group = np.unique(np.searchsorted(cuts[1:-1], p, side="left"), return_inverse=True)
    count, total, square, events, expected = (
        np.bincount(group, weights=column)
        for column in (n, data.trials, squares, data.events, data.trials * p)
    )
    low, high = _wilson(events / total, total**2 / square, conf_level)
    table = pd.DataFrame(
        {
            "group": np.arange(1, len(count) + 1),
            "n": count.astype(int),
            "predicted": expected / total,
            "estimate": events / total,
            "conf_low": low,
            "conf_high": high,
        }
    )
    variance = expected * (1 - expected / total)
    if data.rows is not None or len(table) < 3 or not (variance > 0).all():
        return table, None
    return table, float(((events - expected) ** 2 / variance).sum())


def _wilson(share: Array, n: Array, conf_level: float) -> tuple[Array, Array]:
    z = float(stats.norm.ppf((1 + conf_level) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    margin = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # The ends are exact in theory, and off by a rounding error otherwise.
    return np.where(share == 0, 0, centre - margin), np.where(share == 1, 1, centre + margin)


def _notes(found: int, groups: int) -> tuple[Message, ...]:
    if found == groups:
        return ()
    return (
        message(
            "Only {found} of {groups} groups can be formed: too many predicted probabilities are "
            "equal or there are too few rows.",
            found=found,
            groups=groups,
        ),
    )
