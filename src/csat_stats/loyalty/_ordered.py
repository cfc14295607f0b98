"""Proportional-odds regression on distinct answer patterns: likelihood, scores and tests."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from csat_stats.frames import Array, matrix, numbers, respondent_weights
from csat_stats.loyalty._logit import (
    Patterns,
    find_obstacle,
    fit_logit,
    separating_drivers,
    standardised,
)
from csat_stats.results import Message, message

_MOST_LEVELS = 50
_SURE = 30.0  # log odds beyond which a fit may be on its way to infinity

Places = npt.NDArray[np.intp]


class Answers(NamedTuple):
    """Complete rows, and the same as distinct driver patterns × levels of the outcome."""

    names: list[str]
    levels: Array
    patterns: Array
    counts: Array  # patterns × levels: sums of weights
    place: Places  # pattern of each row
    code: Places  # level of each row, from 0
    weight: Array  # of mean 1
    group: Places  # cluster of each row, from 0; the row itself where there are no clusters

    @property
    def n(self) -> int:
        return len(self.code)

    @property
    def n_groups(self) -> int:
        return int(self.group.max(initial=-1)) + 1

    def above(self, cut: int) -> Patterns:
        """The outcome split in two above level number ``cut``."""
        return Patterns(
            names=self.names,
            patterns=self.patterns,
            events=self.counts[:, cut + 1 :].sum(axis=1),
            trials=self.counts.sum(axis=1),
            n=self.n,
        )

    def linearised(self, influence: Array) -> Array:
        """Covariance of estimates from the influence each row has on them."""
        total = np.zeros((self.n_groups, influence.shape[1]))
        np.add.at(total, self.group, influence * self.weight[:, None])
        total -= total.mean(axis=0)
        covariance: Array = total.T @ total * (self.n_groups / (self.n_groups - 1))
        return covariance


class Maximum(NamedTuple):
    theta: Array  # cut points, then drivers
    covariance: Array
    log_likelihood: float


def complete_answers(
    outcome: pd.Series,
    drivers: pd.DataFrame,
    weights: pd.Series | None,
    cluster: pd.Series | None,
) -> Answers:
    for name, given in (("outcome", outcome), ("cluster", cluster)):
        if given is not None and not given.index.equals(drivers.index):
            raise ValueError(f"the {name} and the drivers have different indexes: align them first")
    if not len(drivers.columns):
        raise ValueError("there is no driver: at least one column is needed")
    x = matrix(drivers)
    y = numbers(outcome.rename("outcome")).to_numpy()
    weight = respondent_weights(weights, drivers.index)
    group = np.arange(len(y)) if cluster is None else pd.factorize(cluster)[0]
    complete = ~(np.isnan(y) | np.isnan(x).any(axis=1)) & (weight > 0) & (group >= 0)
    levels, code = np.unique(y[complete], return_inverse=True)
    if len(levels) > _MOST_LEVELS:
        raise ValueError(
            f"outcome has {len(levels)} different values: an ordered scale of at most "
            f"{_MOST_LEVELS} levels is needed"
        )
    patterns, place = np.unique(x[complete], axis=0, return_inverse=True)
    place, weight = place.ravel(), weight[complete]
    weight = weight / weight.mean() if len(weight) else weight
    shape = (len(patterns), len(levels))
    cell = place * shape[1] + code
    counts = np.bincount(cell, weights=weight, minlength=shape[0] * shape[1]).astype(float)
    return Answers(
        names=[str(name) for name in drivers.columns],
        levels=levels,
        patterns=patterns,
        counts=counts.reshape(shape),
        place=place,
        code=code,
        weight=weight,
        group=np.unique(group[complete], return_inverse=True)[1],
    )


def ordered_obstacle(data: Answers, clustered: bool) -> Message | None:
    """Why there can be no fit whatever the outcomes are, or ``None``."""
    if data.n and len(data.levels) == 1:
        return message(
            "All {n} customers have the same outcome, so nothing can explain it.", n=data.n
        )
    trials = data.counts.sum(axis=1)
    halves = Patterns(data.names, data.patterns, trials / 2, trials, data.n)
    n_coefficients = len(data.names) + len(data.levels) - 1
    obstacle = find_obstacle(halves, separation=False)
    if obstacle or not clustered or data.n_groups > n_coefficients:
        return obstacle
    return message(
        "Clusters: {n}, coefficients: {k}. Errors robust to clusters need more clusters than "
        "coefficients.",
        n=data.n_groups,
        k=n_coefficients,
    )


def separated(data: Answers) -> str:
    """Names of the drivers that separate lower answers from higher ones, or nothing.

    The model has no finite maximum where the binary logits at all cuts together, one intercept
    a cut, have none.
    """
    n_cuts = len(data.levels) - 1
    trials = np.tile(data.counts.sum(axis=1), n_cuts)
    cuts = np.repeat(np.eye(n_cuts), len(data.patterns), axis=0)[:, 1:]
    stacked = Patterns(
        names=data.names + [""] * (n_cuts - 1),
        patterns=np.column_stack([np.tile(data.patterns, (n_cuts, 1)), cuts]),
        events=np.concatenate([data.above(cut).events for cut in range(n_cuts)]),
        trials=trials,
        n=n_cuts * data.n,
    )
    return ", ".join(name for name in separating_drivers(stacked).split(", ") if name)


def maximise(data: Answers) -> Maximum | None:
    """Newton's method with step halving on standardised drivers; ``None`` without a maximum.

    As F(ζⱼ − η) − F(ζⱼ₋₁ − η) = F(ζⱼ − η)·(1 − F(ζⱼ₋₁ − η))·(1 − exp(ζⱼ₋₁ − ζⱼ)), its logarithm
    is that of a binary logit at each cut point, of the answers next to it, and a term in the gaps
    between cut points, which keeps them increasing.
    """
    z, mean, scale = standardised(data.above(0))
    below, beyond = data.counts[:, :-1], data.counts[:, 1:]
    inner = data.counts[:, 1:-1].sum(axis=0)
    n_cuts = below.shape[1]
    step_up = np.diff(np.eye(n_cuts), axis=0)  # gaps × cut points

    def log_odds(theta: Array) -> Array:
        odds: Array = theta[:n_cuts] - (z @ theta[n_cuts:])[:, None]
        return odds

    def log_likelihood(theta: Array) -> float:
        gaps = step_up @ theta[:n_cuts]
        if (gaps <= 0).any():
            return -np.inf
        a = log_odds(theta)
        return float(
            -(below * np.logaddexp(0, -a)).sum()
            - (beyond * np.logaddexp(0, a)).sum()
            + inner @ np.log(-np.expm1(-gaps))
        )

    def gradient(theta: Array) -> Array:
        residual = below - (below + beyond) * expit(log_odds(theta))
        gaps = step_up @ theta[:n_cuts]
        of_cuts = residual.sum(axis=0) + step_up.T @ (inner / np.expm1(gaps))
        return np.append(of_cuts, -z.T @ residual.sum(axis=1))

    def information(theta: Array) -> Array:
        p = expit(log_odds(theta))
        density = (below + beyond) * p * (1 - p)
        gaps = step_up @ theta[:n_cuts]
        of_cuts = np.diag(density.sum(axis=0))
        of_cuts += step_up.T @ ((inner / (4 * np.sinh(gaps / 2) ** 2))[:, None] * step_up)
        mixed = -density.T @ z
        of_drivers = (z.T * density.sum(axis=1)) @ z
        return np.block([[of_cuts, mixed], [mixed.T, of_drivers]])

    share = np.cumsum(data.counts.sum(axis=0))[:-1] / data.counts.sum()
    theta = np.append(logit(share), np.zeros(z.shape[1]))
    for _ in range(100):
        try:
            step = np.linalg.solve(information(theta), gradient(theta))
        except np.linalg.LinAlgError:
            return None
        small = 1e-10 * max(1.0, np.abs(theta).max())
        # Near the maximum a good step may seem to lose what is only rounding.
        least = log_likelihood(theta) * (1 + 1e-12)
        while np.abs(step).max() > small and log_likelihood(theta + step) < least:
            step = step / 2
        theta = theta + step
        if np.abs(step).max() <= small:
            break
    else:
        return None
    if np.abs(log_odds(theta)).max() > _SURE and separated(data):
        return None
    back = np.diag(np.append(np.ones(n_cuts), 1 / scale))
    back[:n_cuts, n_cuts:] = mean / scale
    return Maximum(
        theta=back @ theta,
        covariance=back @ np.linalg.inv(information(theta)) @ back.T,
        log_likelihood=log_likelihood(theta),
    )


def row_scores(data: Answers, theta: Array) -> Array:
    """Gradient of each row's log-likelihood, cut points first."""
    n_cuts = len(data.levels) - 1
    x = data.patterns[data.place]
    p = expit(theta[:n_cuts] - (x @ theta[n_cuts:])[:, None])
    row = np.arange(data.n)
    upper, lower = np.zeros(data.n), np.zeros(data.n)
    ends, starts = data.code < n_cuts, data.code > 0
    upper[ends] = 1 - p[row[ends], data.code[ends]]
    lower[starts] = p[row[starts], data.code[starts] - 1]
    scores = np.zeros((data.n, len(theta)))
    scores[row[ends], data.code[ends]] += upper[ends]
    scores[row[starts], data.code[starts] - 1] -= lower[starts]
    inside = ends & starts
    widening = 1 / np.expm1(np.diff(theta[:n_cuts])[data.code[inside] - 1])
    scores[row[inside], data.code[inside]] += widening
    scores[row[inside], data.code[inside] - 1] -= widening
    scores[:, n_cuts:] = (lower - upper)[:, None] * x
    return scores


def marginal_effects(
    data: Answers, theta: Array, covariance: Array, cut: int
) -> tuple[Array, Array]:
    """Average effects of the drivers on P(above ``cut``), and their delta-method errors."""
    n_cuts = len(data.levels) - 1
    slope = theta[n_cuts:]
    p = expit(data.patterns @ slope - theta[cut])
    density = data.counts.sum(axis=1) / data.n * p * (1 - p)
    change = density * (1 - 2 * p)
    jacobian = np.zeros((len(slope), len(theta)))
    jacobian[:, cut] = -slope * change.sum()
    jacobian[:, n_cuts:] = np.outer(slope, change @ data.patterns)
    jacobian[:, n_cuts:] += density.sum() * np.eye(len(slope))
    variance = np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian)
    return slope * density.sum(), np.sqrt(variance)


def brant(data: Answers, linearise: bool) -> tuple[Array, float] | Message | None:
    """Wald statistics of equal slopes at all cuts, of each driver and of all together.

    Why there is none where a cut alone has no fit; ``None`` where there is one cut only.
    """
    n_cuts, n_drivers = len(data.levels) - 1, len(data.names)
    if n_cuts < 2:
        return None
    fits = []
    for cut in range(n_cuts):
        split = data.above(cut)
        separating = separating_drivers(split)
        if separating:
            return message(
                "answers above {level:g} are separated from the others by {drivers}.",
                level=float(data.levels[cut]),
                drivers=separating,
            )
        fits.append(fit_logit(split))
    design, trials = fits[0].design, data.counts.sum(axis=1)
    if linearise:
        influence = [
            (design[data.place] * ((data.code > cut) - fit.probability[data.place])[:, None])
            @ fit.covariance[:, 1:]
            for cut, fit in enumerate(fits)
        ]
        covariance = data.linearised(np.column_stack(influence))
    else:
        covariance = np.empty((n_cuts, n_drivers, n_cuts, n_drivers))
        for i, low in enumerate(fits):
            for j, high in enumerate(fits[i:], i):
                shared = trials * high.probability * (1 - low.probability)
                product = low.covariance @ (design.T * shared) @ design @ high.covariance
                covariance[i, :, j] = product[1:, 1:]
                covariance[j, :, i] = product[1:, 1:].T
        covariance = covariance.reshape(n_cuts * n_drivers, n_cuts * n_drivers)
    slopes = np.concatenate([fit.beta[1:] for fit in fits])
    against_first = np.column_stack([-np.ones(n_cuts - 1), np.eye(n_cuts - 1)])
    contrast = np.kron(against_first, np.eye(n_drivers))
    variance, difference = contrast @ covariance @ contrast.T, contrast @ slopes
    spread = np.sqrt(np.maximum(np.diag(variance), 1e-300))
    # fits of few rows may cross, so that the formula gives no covariance
    smallest = np.linalg.eigvalsh(variance / np.outer(spread, spread))[0]
    if data.n_groups <= len(contrast) or smallest < 1e-10:
        return message("there are too few customers or clusters.")

    def wald(rows: slice) -> float:
        return float(difference[rows] @ np.linalg.solve(variance[rows, rows], difference[rows]))

    return np.array([wald(slice(j, None, n_drivers)) for j in range(n_drivers)]), wald(slice(None))
