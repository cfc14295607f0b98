"""Binary logistic regression on distinct answer patterns, and what can stand in its way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.optimize import linprog
from scipy.special import expit

from csat_stats.frames import Array, numbers, respondent_weights
from csat_stats.results import Message, message


class Rows(NamedTuple):
    """What patterns do not tell of their rows: needed with weights or clusters."""

    place: npt.NDArray[np.intp]  # pattern of each row
    outcome: Array
    weight: Array  # of mean 1
    weighted: bool
    cluster: npt.NDArray[np.intp] | None  # numbered from 0

    @property
    def n_clusters(self) -> int | None:
        return None if self.cluster is None else len(np.unique(self.cluster))

    @property
    def n_effective(self) -> float | None:
        """Kish's effective n."""
        if not self.weighted or not len(self.weight):
            return None
        return float(self.weight.sum() ** 2 / (self.weight @ self.weight))


class Patterns(NamedTuple):
    """Complete rows as distinct answer patterns with their counts, or their weights."""

    names: list[str]
    patterns: Array  # distinct rows of the drivers
    events: Array  # outcomes equal to 1 in each pattern
    trials: Array  # rows in each pattern
    n: int
    rows: Rows | None = None  # without weights and clusters there is no need of them

    @property
    def n_events(self) -> int:
        return int((self.events if self.rows is None else self.rows.outcome).sum())


class Fit(NamedTuple):
    beta: Array  # intercept first
    covariance: Array
    log_likelihood: float
    design: Array
    probability: Array


def complete_patterns(
    outcome: pd.Series,
    drivers: pd.DataFrame,
    *,
    weights: pd.Series | None = None,
    cluster: pd.Series | None = None,
) -> Patterns:
    if not outcome.index.equals(drivers.index):
        raise ValueError("the outcome and the drivers have different indexes: align them first")
    names = [str(name) for name in drivers.columns]
    if not names:
        raise ValueError("there is no driver: at least one column is needed")
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"driver columns {repeated} occur more than once: names must differ")
    y = numbers(outcome.rename("outcome")).to_numpy()
    wrong = ~(np.isnan(y) | (y == 0) | (y == 1))
    if wrong.any():
        raise ValueError(f"outcome holds {y[wrong][0]:g}: only 0, 1 and missing are allowed")
    x = np.column_stack([numbers(drivers.iloc[:, j].rename(name)) for j, name in enumerate(names)])
    complete = ~(np.isnan(y) | np.isnan(x).any(axis=1))
    weight = respondent_weights(weights, outcome.index)
    complete &= weight > 0
    if cluster is not None:
        if not cluster.index.equals(outcome.index):
            raise ValueError(
                "the outcome and the clusters have different indexes: align them first"
            )
        complete &= cluster.notna().to_numpy()
    y, x, weight = y[complete], x[complete], weight[complete]
    patterns, place = np.unique(x, axis=0, return_inverse=True)
    place = place.ravel()
    rows = None
    if weights is not None or cluster is not None:
        weight = weight / weight.mean() if len(y) else weight
        groups = None if cluster is None else pd.factorize(cluster[complete])[0]
        rows = Rows(place, y, weight, weights is not None, groups)
    return Patterns(
        names=names,
        patterns=patterns,
        events=np.bincount(place, weights=weight * y, minlength=len(patterns)).astype(float),
        trials=np.bincount(place, weights=weight, minlength=len(patterns)).astype(float),
        n=len(y),
        rows=rows,
    )


def find_obstacle(data: Patterns, *, separation: bool = True) -> Message | None:
    """Why the likelihood has no finite, unique maximum, or ``None``.

    Without ``separation``: why not even the penalised likelihood has one.
    """
    if data.n < len(data.names) + 1:
        return message(
            "The number of complete rows, {n}, is too small for the number of drivers, {drivers}.",
            n=data.n,
            drivers=len(data.names),
        )
    if data.n_events in (0, data.n):
        return message(
            "All {n} customers have the same outcome, so nothing can explain it.", n=data.n
        )
    constant = np.ptp(data.patterns, axis=0) == 0
    if constant.any():
        return message(
            "All customers gave the same value for: {drivers}.",
            drivers=", ".join(np.array(data.names)[constant]),
        )
    dependent = _dependent(data)
    if dependent.any():
        return message(
            "These drivers are copies or combinations of each other, so their effects cannot be "
            "told apart: {drivers}.",
            drivers=", ".join(np.array(data.names)[dependent]),
        )
    separating = separating_drivers(data) if separation else ""
    if separating:
        return message(
            "The outcome is separated by these drivers, so the odds ratio has no finite value: "
            "{drivers}.",
            drivers=separating,
        )
    return None


def separating_drivers(data: Patterns) -> str:
    """Names of the drivers that separate the outcomes, or nothing."""
    return ", ".join(data.names[j] for j in sorted(_separating(data)))


def standardised(data: Patterns) -> tuple[Array, Array, Array]:
    mean = data.trials @ data.patterns / data.n
    centred = data.patterns - mean
    scale = np.sqrt(data.trials @ centred**2 / data.n)
    return centred / scale, mean, scale


def _dependent(data: Patterns) -> npt.NDArray[np.bool_]:
    """Drivers with a part in an exact linear relation: nonzero rows of the null space."""
    z = standardised(data)[0] * np.sqrt(data.trials / data.n)[:, None]
    _, singular, directions = np.linalg.svd(z, full_matrices=False)
    rank = int((singular > 1e-6 * singular[0]).sum())
    loadings = np.eye(len(data.names)) - directions[:rank].T @ directions[:rank]
    return np.sqrt(np.abs(np.diag(loadings))) > 1e-6


def _separating(data: Patterns) -> list[int]:
    """Drivers that separate the outcomes, as disjoint sets none of which can do with less."""
    z = standardised(data)[0]
    successes, failures = data.events > 0, data.events < data.trials

    def separates(columns: list[int]) -> bool:
        if len(columns) == 1:
            above, below = z[successes, columns[0]], z[failures, columns[0]]
            return bool(above.min() >= below.max() or above.max() <= below.min())
        # Konis (2007): is there a direction b with x'b >= 0 at every success, <= 0 at every
        # failure, and not 0 throughout?
        design = np.column_stack([np.ones(len(z)), z[:, columns]])
        margins = np.vstack([design[successes], -design[failures]])
        best = linprog(
            -margins.mean(axis=0),
            A_ub=-margins,
            b_ub=np.zeros(len(margins)),
            bounds=(-1, 1),
            method="highs",
        )
        reached = margins @ best.x
        # the solver keeps constraints to 1e-7: a real margin stands well above their violation
        return bool(reached.max() > 1e3 * max(1e-7, -reached.min()))

    found: list[int] = []
    columns = list(range(len(data.names)))
    while columns and separates(columns):
        needed = columns
        for column in columns:
            rest = [other for other in needed if other != column]
            if rest and separates(rest):
                needed = rest
        found += needed
        columns = [column for column in columns if column not in needed]
    return found


def fit_logit(data: Patterns) -> Fit:
    """Newton's method with step halving on standardised drivers, given back on their scales."""
    z = standardised(data)[0]
    design = np.column_stack([np.ones(len(z)), z])

    def log_likelihood(beta: Array) -> float:
        eta = design @ beta
        return float(data.events @ eta - data.trials @ np.logaddexp(0, eta))

    def information(beta: Array) -> Array:
        p = expit(design @ beta)
        weighted: Array = (design.T * (data.trials * p * (1 - p))) @ design
        return weighted

    beta = np.zeros(design.shape[1])
    for _ in range(200):
        residual = data.events - data.trials * expit(design @ beta)
        step = np.linalg.solve(information(beta), design.T @ residual)
        small = 1e-10 * max(1.0, np.abs(beta).max())
        # Near the maximum a good step may seem to lose what is only rounding.
        least = log_likelihood(beta) * (1 + 1e-12)
        while np.abs(step).max() > small and log_likelihood(beta + step) < least:
            step = step / 2
        beta = beta + step
        if np.abs(step).max() <= small:
            break
    return fit_at(data, beta, information(beta))


def fit_at(data: Patterns, beta: Array, information: Array) -> Fit:
    """Coefficients of standardised drivers with their information, on the drivers' own scales."""
    z, mean, scale = standardised(data)
    eta = np.column_stack([np.ones(len(z)), z]) @ beta
    back = np.diag(np.append(1.0, 1 / scale))
    back[0, 1:] = -mean / scale
    return Fit(
        beta=back @ beta,
        covariance=back @ np.linalg.inv(information) @ back.T,
        log_likelihood=float(data.events @ eta - data.trials @ np.logaddexp(0, eta)),
        design=np.column_stack([np.ones(len(z)), data.patterns]),
        probability=expit(eta),
    )


def events_per_variable(data: Patterns) -> float:
    return min(data.n_events, data.n - data.n_events) / len(data.names)


def rare_outcome(data: Patterns) -> list[Message]:
    ratio = events_per_variable(data)
    if ratio >= 10:
        return []
    return [
        message(
            "The rarer outcome occurs {ratio:.1f} times per driver; below 10 the odds ratios "
            "tend to be too extreme.",
            ratio=ratio,
        )
    ]


def coefficients(fit: Fit, names: list[str], z: float, *, df: int | None = None) -> pd.DataFrame:
    """Wald intervals of ``z`` standard errors, and tests: normal, or t with ``df``."""
    error = np.sqrt(np.diag(fit.covariance))
    statistic = fit.beta / error
    distribution = stats.norm if df is None else stats.t(df)
    return coefficient_table(
        names,
        fit.beta,
        error,
        statistic,
        2 * distribution.sf(np.abs(statistic)),
        fit.beta - z * error,
        fit.beta + z * error,
    )


def coefficient_table(
    names: list[str],
    estimate: Array,
    std_error: Array,
    statistic: Array,
    p_value: Array,
    low: Array,
    high: Array,
) -> pd.DataFrame:
    with np.errstate(over="ignore"):  # an odds ratio beyond 1e308 is shown as infinite
        odds_ratio, odds_low, odds_high = np.exp(estimate), np.exp(low), np.exp(high)
    return pd.DataFrame(
        {
            "driver": names,
            "estimate": estimate,
            "std_error": std_error,
            "statistic": statistic,
            "p_value": p_value,
            "conf_low": low,
            "conf_high": high,
            "odds_ratio": odds_ratio,
            "odds_ratio_low": odds_low,
            "odds_ratio_high": odds_high,
        }
    )
