"""How many factors, and which items load on them?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from csat_stats.frames import Array
from csat_stats.moments import Moments
from csat_stats.results import Message, Result, message
from csat_stats.validity.correlations import correlations
from csat_stats.validity.loadings import (
    EXTRACTIONS,
    LEAST_UNIQUENESS,
    OBLIQUE,
    ROTATIONS,
    minres_uniqueness,
    rotate,
)


@dataclass(frozen=True, kw_only=True)
class ParallelAnalysis(Result):
    """Horn's parallel analysis; ``estimate`` is ``n_factors``.

    Attributes
    ----------
    n_factors
        Leading eigenvalues of the reduced correlation matrix (common factors) above chance.
    n_components
        Leading eigenvalues of the correlation matrix (principal components) above chance.
    table
        ``position, eigenvalue, random_eigenvalue, factor_eigenvalue, random_factor_eigenvalue``;
        the random columns hold the chosen percentile over the simulated samples.
    n_effective
        Kish's effective n, the size of the simulated samples; ``None`` without weights.
    """

    n_factors: int | None = None
    n_components: int | None = None
    n_effective: float | None = None


@dataclass(frozen=True, kw_only=True)
class Efa(Result):
    """Exploratory factor analysis; ``estimate`` is the share of variance the factors explain, 0–1.

    Attributes
    ----------
    loadings
        Items × factors ``F1, F2, …`` (pattern matrix when oblique), largest variance first; items
        in their own order.
    phi
        Factor correlations; ``None`` unless the rotation is oblique.
    variance
        One row a factor: ``factor, ss_loadings, share, cumulative``.
    table
        One row an item: ``item, n, factor`` (where its loading is largest in size),
        ``cross_loading`` (its other factors, "F2, F3", or ""), ``F1, …, communality, uniqueness``;
        sorted by factor and then by the size of the loading on it.
    """

    loadings: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    phi: pd.DataFrame | None = None
    variance: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def parallel_analysis(
    items: pd.DataFrame | Moments,
    *,
    weights: pd.Series | None = None,
    n_iter: int = 200,
    percentile: float = 95,
    seed: int = 0,
) -> ParallelAnalysis:
    """How many factors? Those whose eigenvalues exceed what uncorrelated data give.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, or their moments; a row with any missing value is
        left out.
    weights
        Sampling weights on any scale; 0 or missing leaves the respondent out.
    n_iter
        Simulated samples of the same size (Kish's effective n with weights), from independent
        normal variables.
    percentile
        Percentile of the simulated eigenvalues that a factor has to exceed, 0–100.
    seed
        Seed of the simulation: the same seed gives the same result.

    Returns
    -------
    ParallelAnalysis
        Not estimable in the cases of :func:`kmo`.

    Raises
    ------
    ValueError
        As :func:`bartlett_sphericity`; ``n_iter`` below 1; ``percentile`` not between 0 and 100.

    Notes
    -----
    Horn (1965, Psychometrika 30), percentile rule after Glorfeld (1995). The common-factor form
    takes eigenvalues with the communalities of a one-factor minres solution on the diagonal, as R
    psych 2.2.9 ``fa.parallel`` does, against which both forms are checked; squared multiple
    correlations, the other custom, give more factors. Correlation matrices are drawn from their
    exact distribution by Bartlett's decomposition, so the cost does not grow with n.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trait = rng.normal(size=(300, 1))
    >>> items = pd.DataFrame(trait + rng.normal(size=(300, 5)), columns=list("abcde"))
    >>> result = parallel_analysis(items)
    >>> result.n_factors, result.n_components
    (1, 1)
    """
    if n_iter < 1:
        raise ValueError(f"n_iter is {n_iter}: give at least 1, better 200")
    if not 0 < percentile < 100:
        raise ValueError(f"percentile is {percentile}: give a value between 0 and 100, such as 95")
    data = correlations(items, weights)
    base: dict[str, Any] = {
        **data.counts,
        "n_effective": data.n_effective,
        "method": message(
            "Horn's parallel analysis: percentile {percentile:g} of {n_iter} normal samples, "
            "seed {seed}; factors from the matrix with one-factor communalities, components from "
            "the full correlation matrix; {rule}.",
            percentile=percentile,
            n_iter=n_iter,
            seed=seed,
            rule=data.rule,
        ),
    }
    if data.problem:
        return ParallelAnalysis(**base, not_estimable=data.problem)
    random = _random_correlations(data.base, len(data.names), n_iter, np.random.default_rng(seed))
    table = pd.DataFrame(
        {
            "position": np.arange(1, len(data.names) + 1),
            "eigenvalue": np.linalg.eigvalsh(data.corr)[::-1],
            "random_eigenvalue": np.percentile(
                np.linalg.eigvalsh(random)[:, ::-1], percentile, axis=0
            ),
            "factor_eigenvalue": _factor_eigenvalues(data.corr),
            "random_factor_eigenvalue": np.percentile(
                [_factor_eigenvalues(corr, 1e-5) for corr in random], percentile, axis=0
            ),
        }
    )
    n_factors = _leading(table["factor_eigenvalue"] > table["random_factor_eigenvalue"])
    return ParallelAnalysis(
        **base,
        estimate=float(n_factors),
        n_factors=n_factors,
        n_components=_leading(table["eigenvalue"] > table["random_eigenvalue"]),
        table=table,
    )


def efa(
    items: pd.DataFrame | Moments,
    n_factors: int,
    *,
    weights: pd.Series | None = None,
    method: str = "minres",
    rotation: str | None = "oblimin",
    kaiser: bool = True,
    cross_loading: float = 0.32,
) -> Efa:
    """Exploratory factor analysis of the correlation matrix.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, or their moments; a row with any missing value is
        left out.
    n_factors
        Factors to extract, at least 1; :func:`parallel_analysis` suggests how many.
    weights
        Sampling weights on any scale; 0 or missing leaves the respondent out.
    method
        ``minres`` (unweighted least squares), ``ml`` (maximum likelihood), ``principal_axis``
        (iterated to convergence) or ``pca`` (principal components).
    rotation
        ``None``, ``varimax``, ``promax`` (power 4, from varimax) or ``oblimin`` (direct, gamma 0).
    kaiser
        Rows scaled to unit communality while rotating: the habit of SPSS, and of R for varimax
        and promax. R psych rotates oblimin with ``kaiser=False``.
    cross_loading
        Size from which a loading on a second factor is marked, 0–1: .32 is about 10% of the
        variance of the item (Tabachnick & Fidell; Costello & Osborne 2005).

    Returns
    -------
    Efa
        Not estimable in the cases of :func:`kmo`, and for more factors than the items identify.
        Columns are ordered by explained variance and signed so that their loadings sum to more
        than zero.

    Raises
    ------
    ValueError
        As :func:`bartlett_sphericity`; ``n_factors`` below 1; an unknown ``method`` or
        ``rotation``; ``cross_loading`` not between 0 and 1.

    Notes
    -----
    Minres: Harman & Jones (1966, Psychometrika 31); maximum likelihood: Jöreskog (1967,
    Psychometrika 32); varimax: Kaiser (1958); promax: Hendrickson & White (1964), as R ``promax``;
    oblimin: Jennrich & Sampson (1966), by gradient projection (Bernaards & Jennrich 2005).
    Extraction minimises with the analytic gradient until it vanishes; uniquenesses are bounded
    below by 0.005. Checked against converged solutions of R 4.2.2 (``nlminb``, ``factanal``,
    ``promax``, psych 2.2.9 ``fa``, GPArotation 2022.10-2); the default print-outs of psych stop
    earlier and differ in the third digit.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trait = rng.normal(size=(300, 1))
    >>> items = pd.DataFrame(trait + rng.normal(size=(300, 5)), columns=list("abcde"))
    >>> result = efa(items, 1)
    >>> result.loadings.round(2)["F1"].to_dict()
    {'a': 0.66, 'b': 0.66, 'c': 0.72, 'd': 0.71, 'e': 0.66}
    >>> result.table["item"].tolist()
    ['c', 'd', 'b', 'a', 'e']
    """
    if not isinstance(n_factors, int | np.integer) or n_factors < 1:
        raise ValueError(f"n_factors is {n_factors!r}: give a whole number of at least 1")
    if method not in EXTRACTIONS:
        raise ValueError(f"method is {method!r}: choose one of {', '.join(EXTRACTIONS)}")
    if rotation not in ROTATIONS:
        raise ValueError(
            f"rotation is {rotation!r}: choose one of {', '.join(map(str, ROTATIONS))}"
        )
    if not 0 < cross_loading < 1:
        raise ValueError(
            f"cross_loading is {cross_loading}: give a value between 0 and 1, such as 0.32"
        )
    data = correlations(items, weights)
    k, m = len(data.names), int(n_factors)
    rotation = rotation if m > 1 else None
    base: dict[str, Any] = {
        **data.counts,
        "method": _efa_method(method, rotation, kaiser, data.rule),
    }
    problem = data.problem or _too_many_factors(m, k, method)
    if problem:
        return Efa(**base, not_estimable=problem)

    with threadpool_limits(1, "blas"):  # waking a second thread costs more than these matrices
        unrotated, converged = EXTRACTIONS[method][1](data.corr, m)
    found = int((np.linalg.norm(unrotated, axis=0) > 1e-6).sum())
    if found < m:
        reason = message(
            "Only {found} of {n_factors} factors explain anything: extract fewer.",
            found=found,
            n_factors=m,
        )
        return Efa(**base, not_estimable=reason)
    with threadpool_limits(1, "blas"):
        pattern, phi, settled = rotate(unrotated, rotation, kaiser)
    order = np.argsort(-np.diag(phi @ pattern.T @ pattern), kind="stable")
    sign = np.where(pattern.sum(axis=0) < 0, -1.0, 1.0)[order]
    pattern, phi = pattern[:, order] * sign, phi[np.ix_(order, order)] * np.outer(sign, sign)

    communality = np.einsum("ij,jk,ik->i", pattern, phi, pattern)
    explained = np.diag(phi @ pattern.T @ pattern)
    factors = [f"F{i}" for i in range(1, m + 1)]
    loadings = pd.DataFrame(pattern, index=pd.Index(data.names, name="item"), columns=factors)
    share = explained / k
    improper = [
        name
        for name, value in zip(data.names, 1 - communality, strict=True)
        if method != "pca" and value <= LEAST_UNIQUENESS * (1 + 1e-6)
    ]
    heywood = message(
        "Heywood case in {items}: no unique variance is left, so the solution is improper. "
        "Try fewer factors or leave the item out.",
        items=", ".join(improper),
    )
    if improper and not converged:
        return Efa(**base, not_estimable=heywood)
    notes = [heywood] if improper else []
    if not (converged and settled):
        notes.append(message("The computation did not settle: read the loadings with care."))
    return Efa(
        **base,
        estimate=float(share.sum()),
        notes=tuple(notes),
        loadings=loadings,
        phi=pd.DataFrame(phi, factors, factors) if rotation in OBLIQUE else None,
        variance=pd.DataFrame(
            {
                "factor": factors,
                "ss_loadings": explained,
                "share": share,
                "cumulative": share.cumsum(),
            }
        ),
        table=_item_table(loadings, communality, data.n, cross_loading),
    )


def _item_table(
    loadings: pd.DataFrame, communality: Array, n: int, cross_loading: float
) -> pd.DataFrame:
    """Items by leading factor, largest loading first, with the other factors they load on."""
    size = loadings.abs().to_numpy()
    leading = size.argmax(axis=1)
    high = size >= cross_loading
    np.put_along_axis(high, leading[:, None], False, axis=1)
    factors = loadings.columns.to_numpy()
    table = loadings.reset_index().assign(communality=communality, uniqueness=1 - communality)
    table.insert(1, "n", n)
    table.insert(2, "factor", factors[leading])
    table.insert(3, "cross_loading", [", ".join(factors[others]) for others in high])
    order = np.lexsort((-size.max(axis=1), leading))
    return table.iloc[order].reset_index(drop=True)


def _random_correlations(n: float, k: int, n_iter: int, rng: np.random.Generator) -> Array:
    """Correlation matrices of n independent normal observations of k variables."""
    root = np.zeros((n_iter, k, k))
    rows, columns = np.tril_indices(k, -1)
    root[:, rows, columns] = rng.standard_normal((n_iter, len(rows)))
    diagonal = np.arange(k)
    root[:, diagonal, diagonal] = np.sqrt(rng.chisquare(n - 1 - diagonal, (n_iter, k)))
    root /= np.linalg.norm(root, axis=2, keepdims=True)
    return root @ root.transpose(0, 2, 1)


def _factor_eigenvalues(corr: Array, tolerance: float = 1e-9) -> Array:
    """Eigenvalues, largest first, with the communalities of one minres factor on the diagonal."""
    uniqueness, _ = minres_uniqueness(corr, 1, tolerance)
    return np.asarray(np.linalg.eigvalsh(corr - np.diag(uniqueness))[::-1], dtype=float)


def _leading(above: pd.Series) -> int:
    """How many are true before the first false."""
    return int(above.cummin().sum())


def _too_many_factors(m: int, k: int, method: str) -> Message | None:
    """Components are as many as items; factors need a model with no negative degrees of freedom."""
    possible = [f for f in range(1, k + 1) if method == "pca" or (k - f) ** 2 >= k + f]
    most = max(possible, default=0)
    if m <= most:
        return None
    return message(
        "{n_factors} factors are too many for {k} items: at most {maximum} can be found.",
        n_factors=m,
        k=k,
        maximum=most,
    )


def _efa_method(method: str, rotation: str | None, kaiser: bool, rule: Message) -> Message:
    turned = message("no rotation")
    if rotation and kaiser:
        turned = message("{rotation} with Kaiser normalisation", rotation=ROTATIONS[rotation])
    elif rotation:
        turned = message("{rotation} without Kaiser normalisation", rotation=ROTATIONS[rotation])
    return message(
        "Exploratory factor analysis of Pearson correlations: {extraction}; {rotation}; {rule}.",
        extraction=EXTRACTIONS[method][0],
        rotation=turned,
        rule=rule,
    )
