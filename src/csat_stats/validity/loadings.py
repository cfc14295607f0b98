"""Loadings from a correlation matrix: extraction and rotation, arrays only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize

from csat_stats.frames import Array
from csat_stats.results import Message, message

# As in R factanal and psych; a solution on this bound is improper.
LEAST_UNIQUENESS = 0.005
ROTATIONS: dict[str | None, str] = {
    None: "",
    "varimax": "varimax",
    "promax": "promax (power 4)",
    "oblimin": "oblimin (gamma 0)",
}
OBLIQUE = ("promax", "oblimin")


def _smc_uniqueness(corr: Array) -> Array:
    """One minus the squared multiple correlation of each item with the others."""
    return np.asarray(1 / np.diag(np.linalg.inv(corr)))


def _principal(matrix: Array, m: int) -> Array:
    """Loadings on the m largest principal axes."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors[:, -m:] * np.sqrt(np.maximum(values[-m:], 0)))


def _minimise(
    objective: Callable[[Array, Array, int], tuple[float, Array]],
    corr: Array,
    m: int,
    start: Array,
    tolerance: float = 1e-9,
) -> tuple[Array, bool]:
    """Uniquenesses where the gradient of the objective is below tolerance, and whether it is."""
    found = optimize.minimize(
        objective,
        np.clip(start, LEAST_UNIQUENESS, 1),
        args=(corr, m),
        jac=True,
        method="L-BFGS-B",
        bounds=[(LEAST_UNIQUENESS, 1.0)] * len(corr),
        options={"ftol": tolerance**2, "gtol": tolerance, "maxcor": 30, "maxiter": 5000},
    )
    psi = np.asarray(found.x, dtype=float)
    step = np.clip(psi - objective(psi, corr, m)[1], LEAST_UNIQUENESS, 1) - psi
    return psi, bool(np.abs(step).max() < 1e-5)


def _minres_objective(psi: Array, corr: Array, m: int) -> tuple[float, Array]:
    values, vectors = np.linalg.eigh(corr - np.diag(psi))
    values, vectors = values[:-m], vectors[:, :-m]
    return float(values @ values) / 2, -(vectors**2) @ values


def minres_uniqueness(corr: Array, m: int, tolerance: float = 1e-9) -> tuple[Array, bool]:
    """Uniquenesses by unweighted least squares, and whether they converged."""
    return _minimise(_minres_objective, corr, m, _smc_uniqueness(corr), tolerance)


def _minres(corr: Array, m: int) -> tuple[Array, bool]:
    psi, converged = minres_uniqueness(corr, m)
    return _principal(corr - np.diag(psi), m), converged


def _ml_loadings(psi: Array, corr: Array, m: int) -> tuple[Array, Array]:
    """Loadings that maximise the likelihood given the uniquenesses, and the other eigenvalues."""
    scale = np.sqrt(psi)
    values, vectors = np.linalg.eigh(corr / np.outer(scale, scale))
    loadings = scale[:, None] * vectors[:, -m:] * np.sqrt(np.maximum(values[-m:] - 1, 0))
    return loadings, values[:-m]


def _ml_objective(psi: Array, corr: Array, m: int) -> tuple[float, Array]:
    loadings, rest = _ml_loadings(psi, corr, m)
    gradient = ((loadings**2).sum(axis=1) + psi - 1) / psi**2
    return float((rest - np.log(rest) - 1).sum()), gradient


def _ml(corr: Array, m: int) -> tuple[Array, bool]:
    # Start of Jöreskog (1967), as R factanal.
    start = (1 - m / (2 * len(corr))) * _smc_uniqueness(corr)
    psi, converged = _minimise(_ml_objective, corr, m, start)
    return _ml_loadings(psi, corr, m)[0], converged


def _principal_axis(corr: Array, m: int) -> tuple[Array, bool]:
    uniqueness = _smc_uniqueness(corr)
    for _ in range(5000):
        loadings = _principal(corr - np.diag(uniqueness), m)
        previous, uniqueness = uniqueness, 1 - (loadings**2).sum(axis=1)
        if np.abs(uniqueness - previous).max() < 1e-10:
            return loadings, True
        if uniqueness.min() < 0:  # it would go on growing; SPSS stops here too
            break
    return loadings, False


def _pca(corr: Array, m: int) -> tuple[Array, bool]:
    return _principal(corr, m), True


# Name in reports, and a function of the matrix and the number of factors that returns
# loadings and whether they converged.
EXTRACTIONS: dict[str, tuple[Message, Callable[[Array, int], tuple[Array, bool]]]] = {
    "minres": (message("minimum residuals (unweighted least squares)"), _minres),
    "ml": (message("maximum likelihood"), _ml),
    "principal_axis": (message("principal axis, iterated to convergence"), _principal_axis),
    "pca": (message("principal components"), _pca),
}


def rotate(loadings: Array, rotation: str | None, kaiser: bool) -> tuple[Array, Array, bool]:
    """Rotated loadings, factor correlations, and whether the rotation converged."""
    identity = np.eye(loadings.shape[1])
    if rotation is None:
        return loadings, identity, True
    from factor_analyzer.rotator import Rotator

    length = np.linalg.norm(loadings, axis=1, keepdims=True)
    length = np.where(kaiser & (length > 0), length, 1)
    if rotation == "oblimin":
        rotator = Rotator(method="oblimin", tol=1e-7, max_iter=1000)
        pattern = rotator.fit_transform(loadings / length)
        # Rotator does not tell whether it converged: the projected gradient does.
        slope = (pattern * ((pattern**2) @ (1 - identity))).T @ pattern
        settled = np.abs(slope - rotator.phi_ * np.diag(slope)).max() < 1e-5
        return pattern * length, rotator.phi_, bool(settled)
    rotator = Rotator(method="varimax", normalize=False, tol=1e-15, max_iter=5000)
    pattern = rotator.fit_transform(loadings / length) * length
    if rotation == "varimax":
        return pattern, identity, True
    turn = np.linalg.lstsq(pattern, pattern * np.abs(pattern) ** 3, rcond=None)[0]
    turn = turn * np.sqrt(np.diag(np.linalg.inv(turn.T @ turn)))
    return pattern @ turn, np.linalg.inv(turn.T @ turn), True
