"""Maximum likelihood for factor models of simple structure, in one group or several; arrays only.

In each group cov = Λ Φ Λ' + Θ and mean = τ + Λ α, every item loading on one factor. The derivative
of cov by any of its parameters is c·(x y' + y x') with x and y columns of [I, ΛΦ, Λ], so gradient
and expected information are products of a few small matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from csat_stats.frames import Array

Index = NDArray[np.int64]

# Gradients per respondent, items scaled to unit variance.
_GRADIENT = 1e-10
_SETTLED = 1e-8  # rounding may end the descent before the former is reached
_MAX_STEPS = 300
_RUNAWAY = 50.0  # no estimate lies so far out: the minimum is at infinity
# Parameters that the items do not tell apart leave the information an eigenvalue of this size.
_UNIDENTIFIED = 1e-9


@dataclass(frozen=True)
class Sample:
    """Moments of a group: n, means and covariance with divisor n."""

    n: float
    mean: Array
    cov: Array


@dataclass(frozen=True)
class Estimates:
    """One group: Λ, diagonal of Θ, Φ, and the mean and covariance they imply."""

    loadings: Array
    uniqueness: Array
    phi: Array
    mean: Array
    cov: Array


@dataclass(frozen=True)
class StructureFit:
    """What the descent found.

    ``discrepancy`` is F, weighted by the groups' n. ``information`` is the expected information
    of one respondent: for a single group about loadings, uniquenesses and the correlations of
    the factors, these in the order of ``np.tril_indices(m, -1)``.
    """

    groups: list[Estimates]
    discrepancy: float
    information: Array
    converged: bool
    identified: bool

    @property
    def n_parameters(self) -> int:
        return len(self.information)


class _Group:
    """Discrepancy and derivatives in one group, for one vector of parameters.

    It holds loadings, uniquenesses, the lower triangle of Φ, intercepts and factor means;
    ``place`` says where each stands among the free parameters, −1 for those that stay fixed.
    """

    def __init__(self, sample: Sample, factor: Index, fixed: Array, place: Index) -> None:
        self.sample, self.factor, self.fixed, self.place = sample, factor, fixed, place
        k, m = len(factor), int(factor.max()) + 1
        self.k, self.m = k, m
        self.log_det = float(np.linalg.slogdet(sample.cov)[1])
        x, y, c = directions(factor)
        self.free = np.flatnonzero(place >= 0)
        beyond = np.zeros(k + m, dtype=int)  # intercepts and factor means leave cov as it is
        self.x = np.concatenate([x, beyond])[self.free]
        self.y = np.concatenate([y, beyond])[self.free]
        self.c = np.concatenate([c, np.zeros(k + m)])[self.free]

    def _matrices(self, theta: Array) -> tuple[Estimates, Array]:
        full = np.where(self.place >= 0, theta[self.place], self.fixed)
        loading, uniqueness, triangle, intercept, factor_mean = split(full, self.k, self.m)
        loadings = np.zeros((self.k, self.m))
        loadings[np.arange(self.k), self.factor] = loading
        phi = np.zeros((self.m, self.m))
        row, column = np.tril_indices(self.m)
        phi[row, column] = phi[column, row] = triangle
        cov = loadings @ phi @ loadings.T + np.diag(uniqueness)
        mean = intercept + loadings @ factor_mean
        return Estimates(loadings, uniqueness, phi, mean, cov), factor_mean

    def estimates(self, theta: Array) -> Estimates:
        return self._matrices(theta)[0]

    def discrepancy(self, theta: Array) -> float:
        """F of this group; infinite where the implied covariance is not positive definite."""
        found = self.estimates(theta)
        try:
            root = linalg.cho_factor(found.cov, lower=True)
        except linalg.LinAlgError:
            return float("inf")
        log_det = 2 * np.log(np.diag(root[0])).sum() - self.log_det
        second = self.sample.cov + np.outer(*[self.sample.mean - found.mean] * 2)
        return float(log_det + np.trace(linalg.cho_solve(root, second)) - self.k)

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Gradient of F and expected information by the free parameters of the group."""
        found, factor_mean = self._matrices(theta)
        basis = np.hstack([np.eye(self.k), found.loadings @ found.phi, found.loadings])
        inverse = np.linalg.inv(found.cov)
        residual = self.sample.mean - found.mean
        excess = inverse @ (found.cov - self.sample.cov - np.outer(residual, residual)) @ inverse
        gradient = 2 * self.c * (basis.T @ excess @ basis)[self.x, self.y]
        information = expected_information(basis.T @ inverse @ basis, self.x, self.y, self.c)
        if self.free[-1] >= len(self.place) - self.k - self.m:  # the means are modelled
            by_mean = np.zeros((self.k, len(self.place)))
            by_mean[:, : self.k] = np.diag(factor_mean[self.factor])
            by_mean[:, -self.k - self.m :] = np.hstack([np.eye(self.k), found.loadings])
            by_mean = by_mean[:, self.free]
            gradient -= 2 * by_mean.T @ inverse @ residual
            information += by_mean.T @ inverse @ by_mean
        return gradient, information


def directions(factor: Index) -> tuple[Index, Index, Array]:
    """Columns x and y of [I, ΛΦ, Λ] and factor c for loadings, uniquenesses and triangle of Φ."""
    k, m = len(factor), int(factor.max()) + 1
    items = np.arange(k)
    row, column = np.tril_indices(m)
    x = np.concatenate([items, items, k + m + row])
    y = np.concatenate([k + factor, items, k + m + column])
    return x, y, np.where(x == y, 0.5, 1.0)


def expected_information(product: Array, x: Index, y: Index, c: Array) -> Array:
    """½ tr(Σ⁻¹ ∂aΣ Σ⁻¹ ∂bΣ) for derivatives c·(x y' + y x'); ``product`` is B'Σ⁻¹B."""
    crossed = product[np.ix_(x, y)]
    crossed = crossed * crossed.T
    crossed += product[np.ix_(x, x)] * product[np.ix_(y, y)]
    return np.asarray(np.outer(c, c) * crossed)


def split(full: NDArray[Any], k: int, m: int) -> list[NDArray[Any]]:
    """Views of loadings, uniquenesses, triangle of Φ, intercepts and factor means."""
    return np.split(full, np.cumsum([k, k, m * (m + 1) // 2, k]))


def fit_structure(
    samples: Sequence[Sample], factor: Index, *, equal_intercepts: bool = False
) -> StructureFit:
    """Minimise F = Σ n_g/N · (ln|Σ| − ln|S| + tr(SΣ⁻¹) − k + (m−μ)'Σ⁻¹(m−μ)).

    The groups share the loadings and, with ``equal_intercepts``, the intercepts. Factors have
    unit variance and mean zero in the first group and are free in the others. Without equal
    intercepts the means are saturated, each that of its group.
    """
    share = np.array([sample.n for sample in samples], dtype=float)
    share /= share.sum()
    groups, theta = _start(samples, share, factor, equal_intercepts)

    def discrepancy(theta: Array) -> float:
        values = (group.discrepancy(theta) for group in groups)
        return float(sum(w * value for w, value in zip(share, values, strict=True)))

    def derivatives(theta: Array) -> tuple[Array, Array]:
        gradient = np.zeros_like(theta)
        information = np.zeros((len(theta), len(theta)))
        for weight, group in zip(share, groups, strict=True):
            slope, part = group.derivatives(theta)
            place = group.place[group.free]
            gradient[place] += weight * slope
            information[np.ix_(place, place)] += weight * part
        return gradient, information

    value, (gradient, information) = discrepancy(theta), derivatives(theta)
    history: list[tuple[Array, Array]] = []
    for _ in range(_MAX_STEPS):
        if np.abs(gradient).max() < _GRADIENT or np.abs(theta).max() > _RUNAWAY:
            break
        step = -_inverse_hessian(information, gradient, history)
        # Rounding alone may lift the value where the descent has all but arrived.
        while (lower := discrepancy(theta + step)) > value + 1e-14 * (1 + value):
            step = step / 2
        if np.abs(step).max() < 1e-12:
            break
        theta, value, before = theta + step, lower, gradient
        gradient, information = derivatives(theta)
        change = gradient - before
        if step @ change > 1e-12 * np.linalg.norm(step) * np.linalg.norm(change):
            history = [*history[-9:], (step, change)]
    scale = np.sqrt(np.diag(information))
    least = np.linalg.eigvalsh(information / np.outer(scale, scale))[0]
    return StructureFit(
        groups=[group.estimates(theta) for group in groups],
        discrepancy=max(value, 0.0),
        information=information,
        converged=bool(np.abs(gradient).max() < _SETTLED),
        identified=bool(least > _UNIDENTIFIED),
    )


def _inverse_hessian(
    information: Array, vector: Array, history: Sequence[tuple[Array, Array]]
) -> Array:
    """Inverse Hessian of F times a vector, by limited-memory BFGS (Nocedal 1980).

    It starts from twice the expected information, the Hessian where the model fits.
    """
    lengths = []
    for step, change in reversed(history):
        lengths.append((step @ vector) / (step @ change))
        vector = vector - lengths[-1] * change
    try:
        result = linalg.cho_solve(linalg.cho_factor(information), vector / 2)
    except linalg.LinAlgError:
        result = linalg.lstsq(information, vector / 2, cond=1e-12)[0]
    for (step, change), length in zip(history, reversed(lengths), strict=True):
        result = result + step * (length - (change @ result) / (step @ change))
    return np.asarray(result)


def _start(
    samples: Sequence[Sample], share: Array, factor: Index, equal_intercepts: bool
) -> tuple[list[_Group], Array]:
    """The groups with the places of their parameters, and where the descent begins."""
    k, m = len(factor), int(factor.max()) + 1
    row, column = np.tril_indices(m)
    pooled = np.einsum("g,gij->ij", share, [sample.cov for sample in samples])
    loading = _principal_loadings(pooled, factor)
    score = np.zeros((k, m))
    score[np.arange(k), factor] = loading
    score /= (score**2).sum(axis=0)
    groups: list[_Group] = []
    theta = np.empty(0)
    for sample in samples:
        first = not groups
        phi = score.T @ sample.cov @ score
        if first:
            std_dev = np.sqrt(np.diag(phi))
            phi = phi / np.outer(std_dev, std_dev)
        variance = np.diag(sample.cov)
        rest = np.maximum(variance - loading**2 * np.diag(phi)[factor], variance / 5)
        intercept = np.zeros(k) if equal_intercepts else sample.mean
        full = np.concatenate([loading, rest, phi[row, column], intercept, np.zeros(m)])
        own = np.ones(len(full), dtype=bool)
        parts = split(own, k, m)
        parts[0][:] = first
        parts[2][:] = (row != column) | (not first)
        parts[3][:] = equal_intercepts and first
        parts[4][:] = equal_intercepts and not first
        place = np.full(len(full), -1)
        place[own] = len(theta) + np.arange(own.sum())
        theta = np.concatenate([theta, full[own]])
        if not first:
            for part in (0, 3):
                split(place, k, m)[part][:] = split(groups[0].place, k, m)[part]
        groups.append(_Group(sample, factor, full, place))
    return groups, theta


def _principal_loadings(cov: Array, factor: Index) -> Array:
    """Loadings of each factor's items on their first principal component, shrunk."""
    loadings = np.zeros(len(factor))
    for f in range(int(factor.max()) + 1):
        items = np.flatnonzero(factor == f)
        values, vectors = np.linalg.eigh(cov[np.ix_(items, items)])
        sign = 1 if vectors[:, -1].sum() >= 0 else -1
        loadings[items] = 0.8 * sign * vectors[:, -1] * np.sqrt(values[-1])
    return loadings
