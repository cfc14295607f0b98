"""Logistic regression by Firth's penalised likelihood, whose estimates are always finite.

The log-likelihood gets ½·log|I|, I the Fisher information (Firth, 1993, Biometrika 80). Its height
above that of a model with one coefficient held gives tests and intervals (Heinze & Schemper, 2002,
Statistics in Medicine 21), as R's ``logistf`` has them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit

from csat_stats.frames import Array
from csat_stats.loyalty._logit import Fit, Patterns, coefficient_table, fit_at, standardised


class Peak(NamedTuple):
    """Where the penalised log-likelihood is highest, some coefficient being held."""

    beta: Array
    height: float
    slope: Array  # nonzero for the coefficient that is held
    information: Array
    curvature: Array  # information of the data with the penalty's pseudo-answers


class Penalised:
    """The penalised log-likelihood, the drivers counted from ``centre`` in standard deviations.

    The intercept is then the log odds at ``centre``, and a profile of it is one of the curve.
    """

    def __init__(self, data: Patterns, centre: Array) -> None:
        self.data, self.centre = data, centre
        self.scale = standardised(data)[2]
        self.design = np.column_stack(
            [np.ones(len(data.patterns)), (data.patterns - centre) / self.scale]
        )

    def at(self, beta: Array) -> Peak:
        data, design = self.data, self.design
        eta = design @ beta
        p = expit(eta)
        density = p * expit(-eta)
        information = (design.T * (data.trials * density)) @ design
        size = np.sqrt(np.diag(information))
        gone = size.min() < 1e-100
        eigenvalues = (
            np.zeros(1) if gone else np.linalg.eigvalsh(information / size / size[:, None])
        )
        if eigenvalues[0] < 1e-14:  # so far out that nothing is left of the information
            return Peak(beta, -np.inf, np.zeros_like(beta), information, information)
        log_determinant = np.log(eigenvalues).sum() + 2 * np.log(size).sum()
        inverse = np.linalg.inv(information)
        leverage = data.trials * density * ((design @ inverse) * design).sum(axis=1)
        likelihood = data.events @ eta - data.trials @ np.logaddexp(0, eta)
        return Peak(
            beta=beta,
            height=float(likelihood + log_determinant / 2),
            slope=design.T @ (data.events - data.trials * p + leverage * (0.5 - p)),
            information=information,
            curvature=(design.T * ((data.trials + leverage) * density)) @ design,
        )

    def climb(self, start: Array, held: int | None = None) -> Peak:
        """The peak, coefficient number ``held`` staying where it starts."""
        free = np.arange(len(start)) != (-1 if held is None else held)
        here = self.at(start)
        for _ in range(500):
            if here.height == -np.inf:
                break
            step = np.zeros_like(start)
            step[free] = np.linalg.solve(here.curvature[np.ix_(free, free)], here.slope[free])
            small = 1e-10 * max(1.0, np.abs(here.beta).max())
            # Near the peak a good step may seem to lose what is only rounding.
            least = here.height - 1e-12 * abs(here.height)
            there = self.at(here.beta + step)
            while np.abs(step).max() > small and there.height < least:
                step = step / 2
                there = self.at(here.beta + step)
            here = there
            if np.abs(step).max() <= small:
                break
        return here

    def top(self, fit: Fit) -> Peak:
        """The peak over all coefficients, known from ``fit``."""
        slopes = fit.beta[1:]
        return self.climb(np.append(fit.beta[0] + slopes @ self.centre, slopes * self.scale))

    def with_held(self, held: int, value: float, near: Peak) -> Peak:
        """The peak with one coefficient held, sought along the ridge from ``near``."""
        free = np.arange(len(near.beta)) != held
        start = near.beta.copy()
        ridge = np.linalg.solve(near.curvature[np.ix_(free, free)], near.curvature[free, held])
        start[free] -= ridge * (value - start[held])
        start[held] = value
        return self.climb(start, held)

    def depth(self, top: Peak, held: int, value: float) -> float:
        """Root of the likelihood ratio statistic of ``value`` for one coefficient."""
        nears = (top, self.at(np.zeros_like(top.beta)))
        return min(_root(top, self.with_held(held, value, near)) for near in nears)

    def limit(self, top: Peak, held: int, reach: float, side: int) -> float:
        """Value of one coefficient whose depth is ``reach``, by Newton's method in a bracket."""
        best = float(top.beta[held])
        inside, outside, near = best, side * np.inf, top
        value = best + side * reach * float(np.sqrt(np.linalg.inv(top.information)[held, held]))
        for _ in range(200):
            peak = self.with_held(held, value, near)
            root = _root(top, peak)
            if not np.isfinite(root):
                value = (inside + value) / 2
                continue
            slope = float(peak.slope[held])
            following = value + (root - reach) * root / slope if slope else np.inf
            if abs(following - value) <= 1e-10 * max(1.0, abs(value)):
                # Far out there may be several peaks: another one may be higher.
                peak = self.with_held(held, value, top)
                if _root(top, peak) > root - 1e-6:
                    break
                root, outside, following = 0.0, side * np.inf, np.inf
            near = peak
            if root < reach:
                inside = value
            else:
                outside = value
            if min(inside, outside) < following < max(inside, outside):
                value = following
            else:
                value = (inside + outside) / 2 if np.isfinite(outside) else 2 * value - best
        return value


def _root(top: Peak, peak: Peak) -> float:
    return float(np.sqrt(max(0.0, 2 * (top.height - peak.height))))


def fit_firth(data: Patterns) -> Fit:
    penalised = Penalised(data, standardised(data)[1])
    here = penalised.at(np.zeros(penalised.design.shape[1]))
    starts = [here]
    # Outliers among the drivers can make two peaks, the better one on the way to where the
    # likelihood without penalty rises for ever.
    for _ in range(15):
        residual = data.events - data.trials * expit(penalised.design @ here.beta)
        step = np.linalg.solve(here.information, penalised.design.T @ residual)
        here = penalised.at(here.beta + step)
        if here.height == -np.inf:
            break
        starts.append(here)
    highest = max(starts, key=lambda peak: peak.height)
    peaks = [penalised.climb(start.beta) for start in (starts[0], highest)]
    peak = max(peaks, key=lambda peak: peak.height)
    return fit_at(data, peak.beta, peak.information)


def profiles(data: Patterns, fit: Fit, reach: float) -> pd.DataFrame:
    """The table of coefficients with profile intervals and likelihood ratio tests.

    ``statistic`` is the signed root of the likelihood ratio, standard normal as the Wald test's.
    In a few rows that are separated completely the profile can have several peaks far out: limits
    then lie on the branch that leads there from the estimate, as those of ``logistf``.
    """
    low, high, root = (np.empty(len(fit.beta)) for _ in range(3))
    at_zero = Penalised(data, np.zeros(len(data.names)))
    at_mean = Penalised(data, standardised(data)[1])
    for j, penalised in enumerate([at_zero, *[at_mean] * len(data.names)]):
        top = penalised.top(fit)
        scale = penalised.scale[j - 1] if j else 1.0
        low[j], high[j] = (penalised.limit(top, j, reach, side) / scale for side in (-1, 1))
        root[j] = np.copysign(penalised.depth(top, j, 0.0), fit.beta[j])
    return coefficient_table(
        ["(intercept)", *data.names],
        fit.beta,
        np.sqrt(np.diag(fit.covariance)),
        root,
        2 * stats.norm.sf(np.abs(root)),
        low,
        high,
    )


def log_odds_limits(data: Patterns, fit: Fit, score: float, reach: float) -> tuple[float, float]:
    """Profile interval of the log odds at ``score`` on the only driver."""
    penalised = Penalised(data, np.array([score]))
    top = penalised.top(fit)
    return penalised.limit(top, 0, reach, -1), penalised.limit(top, 0, reach, 1)


def crossing_limits(
    data: Patterns, fit: Fit, log_odds: float, reach: float
) -> tuple[float, float] | None:
    """Profile interval of the score where the curve of one driver has these ``log_odds``.

    ``None`` where a flat curve is within reach: then no score is out of it.
    """
    at_mean = Penalised(data, standardised(data)[1])
    if at_mean.depth(at_mean.top(fit), 1, 0.0) <= reach:
        return None

    def beyond(score: float) -> float:
        penalised = Penalised(data, np.array([score]))
        depth = penalised.depth(penalised.top(fit), 0, log_odds)
        return min(depth, 1e3) - reach

    crossing = float((log_odds - fit.beta[0]) / fit.beta[1])
    found = []
    for side in (-1, 1):
        width = side * float(at_mean.scale[0])
        while beyond(crossing + width) < 0:
            width *= 2
        found.append(float(brentq(beyond, crossing, crossing + width, xtol=1e-12)))
    return found[0], found[1]
