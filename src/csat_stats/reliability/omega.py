"""McDonald's omega: the share of a scale's variance that its factors explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from csat_stats.frames import Array, check_level, matrix, respondent_weights
from csat_stats.moments import Moments, moments_of
from csat_stats.results import Message, Result, message
from csat_stats.validity.correlations import correlations
from csat_stats.validity.loadings import EXTRACTIONS, LEAST_UNIQUENESS, rotate
from csat_stats.validity.polychoric import polychoric

# Items that cancel leave a total of rounding error only.
_NO_VARIANCE = 1e-8
_NO_LOADING = 1e-6
# Condition number of the information about loadings and uniquenesses.
_UNDETERMINED = 1e10


@dataclass(frozen=True, kw_only=True)
class McDonaldOmega(Result):
    """McDonald's omega of a scale; ``estimate`` is omega total.

    Attributes
    ----------
    standardized
        Omega total of the standardised items: with one factor the composite reliability (CR).
    hierarchical
        Share of the variance of the total that the general factor explains alone; ``None`` with
        one factor, which is all there is.
    k
        Number of items.
    n_factors
        Group factors, or 1.
    table
        One row an item: ``item, loading`` (standardised, on the one or the general factor),
        ``F1, F2, …`` (on the group factors, if any), ``uniqueness``.
    """

    standardized: float | None = None
    hierarchical: float | None = None
    k: int
    n_factors: int


def mcdonald_omega(
    items: pd.DataFrame | Moments,
    *,
    n_factors: int = 1,
    ordinal: bool = False,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
    n_boot: int = 0,
    seed: int = 0,
) -> McDonaldOmega:
    """Reliability of a sum of items that need not measure equally well: McDonald's omega.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, keyed in the same direction, or their moments. A
        row with any missing value is left out (listwise).
    n_factors
        1: the items are congeneric measures of one thing, as in a dimension of a questionnaire.
        2 or more: they form that many groups under a general factor, which adds ``hierarchical``.
    ordinal
        Whether the factors are those of the polychoric instead of the Pearson correlations.
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.
    conf_level
        Level of the confidence interval, strictly between 0 and 1.
    n_boot
        Resamples of a percentile bootstrap interval, 0 or at least 100. Without it there is an
        interval only for one factor of Pearson correlations.
    seed
        Seed of the bootstrap: the same seed gives the same interval.

    Returns
    -------
    McDonaldOmega
        Not estimable with fewer than three items, in the cases of
        :func:`csat_stats.validity.kmo`, and for more factors than the items identify. No item is
        ever reversed: a negative loading is noted.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another; ``ordinal`` and more
        than 20 different values; a weight is negative or infinite; ``n_factors`` below 1; an
        ``n_boot`` of 1–99; ``conf_level`` outside 0–1; moments with ``ordinal`` or ``n_boot``.

    Notes
    -----
    One factor, by maximum likelihood on the covariances: omega = (Σλ)² / ((Σλ)² + Σψ) (McDonald
    1999, Test Theory), interval by the delta method from the expected information of the normal
    distribution (with weights at Kish's effective n); ordinal: by minimum residuals on the
    polychoric correlations. Several factors: Schmid & Leiman (1957, Psychometrika 22) from minimum
    residuals and direct oblimin on the correlations, the general factor by minimum residuals on
    those of the group factors, as R psych ``omega``; total = 1 − Σψ/ΣΣr, hierarchical =
    (Σλ_general)²/ΣΣr (Zinbarg, Revelle, Yovel & Li 2005, Psychometrika 70). Checked against R
    4.2.2: lavaan 0.6-14 and semTools 0.5-6 (one factor and its interval), psych 2.2.9 ``omega`` and
    the same solution converged further.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> trait = rng.normal(size=(300, 1))
    >>> items = pd.DataFrame(trait + rng.normal(size=(300, 4)), columns=list("abcd"))
    >>> result = mcdonald_omega(items)
    >>> round(result.estimate, 3), round(result.conf_low, 3), round(result.conf_high, 3)
    (0.782, 0.741, 0.822)
    """
    check_level(conf_level)
    if not isinstance(n_factors, int | np.integer) or n_factors < 1:
        raise ValueError(f"n_factors is {n_factors!r}: give a whole number of at least 1")
    if n_boot < 0 or 0 < n_boot < 100:
        raise ValueError(f"n_boot is {n_boot}: give 0 for no bootstrap, or at least 100")
    if isinstance(items, Moments) and (ordinal or n_boot):
        raise ValueError("ordinal omega and a bootstrap need the answers, not their moments")
    moments = moments_of(items, weights)
    data = correlations(moments)
    names, k, m = data.names, len(data.names), int(n_factors)
    base: dict[str, Any] = {
        **data.counts,
        "conf_level": conf_level,
        "k": k,
        "n_factors": m,
        "method": _method(m, ordinal, n_boot, seed, data.rule),
    }
    reason, corr = _not_identified(k, m), data.corr
    notes: list[Message] = []
    if not ordinal:
        reason = reason or data.problem
    elif not reason:
        categories = polychoric(items, weights=weights)
        reason, corr = categories.not_estimable, categories.corr.to_numpy()
        notes.extend(categories.notes)
    if not reason and np.allclose(corr, np.eye(k), rtol=0, atol=_NO_LOADING**2):
        reason = message("No item correlates with any other.")
    if reason:
        return McDonaldOmega(**base, not_estimable=reason)

    fit = _one_factor(corr, "minres" if ordinal else "ml") if m == 1 else _schmid_leiman(corr, m)
    if isinstance(fit, Message):
        return McDonaldOmega(**base, not_estimable=fit, notes=tuple(notes))
    heywood = _heywood(fit, names)
    if heywood and not fit.converged:
        return McDonaldOmega(**base, not_estimable=heywood, notes=tuple(notes))
    if m > 1 and corr.sum() < _NO_VARIANCE:
        reason = message("The total score of the items does not vary between respondents.")
        return McDonaldOmega(**base, not_estimable=reason, notes=tuple(notes))
    notes.extend(_notes(fit, names, heywood))

    spread = np.ones(k) if ordinal else np.sqrt(np.diag(moments.cov()))
    if m > 1:
        standardized = estimate = float(1 - fit.uniqueness.sum() / corr.sum())
        hierarchical = float(fit.general.sum() ** 2 / corr.sum())
    else:
        estimate, hierarchical = _congeneric(fit, spread), None
        standardized = _congeneric(fit, np.ones(k))
    interval: tuple[float | None, float | None] = (None, None)
    if n_boot:
        draws = _bootstrap(items, weights, n_boot, seed, n_factors=m, ordinal=ordinal)
        notes.extend(_failures(n_boot - len(draws), n_boot))
        if len(draws) > 1:
            low, high = np.quantile(draws, [(1 - conf_level) / 2, (1 + conf_level) / 2])
            interval = float(low), float(high)
    elif m == 1 and not ordinal and not heywood:
        error = _std_error(fit, spread, data.base)
        if error is None:
            notes.append(message("Some loadings are too uncertain to give an interval."))
        else:
            margin = float(ndtri((1 + conf_level) / 2)) * error
            interval = estimate - margin, min(estimate + margin, 1.0)
    groups = {f"F{i}": column for i, column in enumerate(fit.groups.T, 1)}
    return McDonaldOmega(
        **base,
        estimate=estimate,
        conf_low=interval[0],
        conf_high=interval[1],
        standardized=standardized,
        hierarchical=hierarchical,
        notes=tuple(notes),
        table=pd.DataFrame(
            {"item": names, "loading": fit.general, **groups, "uniqueness": fit.uniqueness}
        ),
    )


@dataclass(frozen=True)
class _Fit:
    """Standardised loadings on the general and the group factors, and uniquenesses.

    ``second`` holds the loadings of the group factors on the general factor.
    """

    general: Array
    groups: Array
    uniqueness: Array
    second: Array
    converged: bool


def _one_factor(corr: Array, extraction: str) -> _Fit:
    loadings, converged = EXTRACTIONS[extraction][1](corr, 1)
    general = loadings[:, 0] * (-1 if loadings.sum() < 0 else 1)
    groups = np.empty((len(corr), 0))
    return _Fit(general, groups, 1 - general**2, groups[0], converged)


def _schmid_leiman(corr: Array, m: int) -> _Fit | Message:
    minres = EXTRACTIONS["minres"][1]
    unrotated, converged = minres(corr, m)
    found = int((np.linalg.norm(unrotated, axis=0) >= _NO_LOADING).sum())
    if found < m:
        return message(
            "Only {found} of {n_factors} factors explain anything: extract fewer.",
            found=found,
            n_factors=m,
        )
    pattern, phi, settled = rotate(unrotated, "oblimin", False)
    if m == 2:
        second = np.sqrt(np.abs(phi[0, 1])) * np.array([1.0, np.sign(phi[0, 1])])
    else:
        higher, also_converged = minres(phi, 1)
        second, settled = higher[:, 0], settled and also_converged
    general, groups = pattern @ second, pattern * np.sqrt(1 - second**2)
    order = np.argsort(-(groups**2).sum(axis=0), kind="stable")
    sign = np.where(groups.sum(axis=0) < 0, -1.0, 1.0)
    return _Fit(
        general * (-1 if general.sum() < 0 else 1),
        (groups * sign)[:, order],
        1 - np.einsum("ij,jk,ik->i", pattern, phi, pattern),
        second[order],
        converged and settled,
    )


def _congeneric(fit: _Fit, spread: Array) -> float:
    """Omega of one factor, items having these standard deviations."""
    common = (spread @ fit.general) ** 2
    return float(common / (common + spread**2 @ fit.uniqueness))


def _std_error(fit: _Fit, spread: Array, n: float) -> float | None:
    """Of omega of one factor: delta method; None where the data hardly determine the loadings."""
    loadings, unique = fit.general, fit.uniqueness
    inverse = np.linalg.inv(np.outer(loadings, loadings) + np.diag(unique))
    pull = inverse @ loadings
    information = np.block(
        [
            [inverse * (loadings @ pull) + np.outer(pull, pull), inverse * pull],
            [(inverse * pull).T, inverse**2 / 2],
        ]
    )
    if np.linalg.cond(information) > _UNDETERMINED:
        return None
    common, rest = spread @ loadings, spread**2 @ unique
    slope = np.concatenate([2 * common * rest * spread, -(common**2) * spread**2])
    slope /= (common**2 + rest) ** 2
    return float(np.sqrt(slope @ np.linalg.solve(information, slope) / n))


def _bootstrap(
    items: pd.DataFrame, weights: pd.Series | None, n_boot: int, seed: int, **model: Any
) -> list[float]:
    """Omega of resampled respondents, where it has a solution."""
    w = respondent_weights(weights, items.index)
    respondents = np.flatnonzero((w > 0) & ~np.isnan(matrix(items)).any(axis=1))
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(n_boot):
        rows = rng.choice(respondents, len(respondents))
        drawn = None if weights is None else pd.Series(w[rows], items.index[rows])
        omega = mcdonald_omega(items.iloc[rows], weights=drawn, **model).estimate
        if omega is not None:
            draws.append(omega)
    return draws


def _failures(failed: int, n_boot: int) -> list[Message]:
    if not failed:
        return []
    return [
        message(
            "{failed} of {n_boot} resamples had no solution and do not count in the interval.",
            failed=failed,
            n_boot=n_boot,
        )
    ]


def _not_identified(k: int, m: int) -> Message | None:
    """Why k items do not determine m factors, or None."""
    if k < 3:
        return message(
            "Omega needs at least three items: one correlation cannot tell the loadings of two "
            "items apart."
        )
    most = max(f for f in range(1, k) if (k - f) ** 2 >= k + f)
    if m > most:
        return message(
            "{n_factors} factors are too many for {k} items: at most {maximum} can be found.",
            n_factors=m,
            k=k,
            maximum=most,
        )
    return None


def _heywood(fit: _Fit, names: list[str]) -> Message | None:
    least = LEAST_UNIQUENESS * (1 + 1e-6)
    improper = [name for name, psi in zip(names, fit.uniqueness, strict=True) if psi <= least]
    improper += [f"F{i}" for i, loading in enumerate(fit.second, 1) if 1 - loading**2 <= least]
    if not improper:
        return None
    return message(
        "Heywood case in {items}: no unique variance is left, so the solution is improper. "
        "Try fewer factors or leave the item out.",
        items=", ".join(improper),
    )


def _notes(fit: _Fit, names: list[str], heywood: Message | None) -> list[Message]:
    notes = [heywood] if heywood else []
    if not fit.converged:
        notes.append(message("The computation did not settle: read the loadings with care."))
    negative = [
        name for name, value in zip(names, fit.general, strict=True) if value < -_NO_LOADING
    ]
    if negative:
        notes.append(
            message(
                "Negative loading of {items}: check whether these items need reversing. Nothing "
                "was reversed here.",
                items=", ".join(negative),
            )
        )
    if len(fit.second) == 2:
        notes.append(
            message(
                "Two group factors do not identify a general factor: it is assumed to load on both "
                "equally."
            )
        )
    return notes


def _method(m: int, ordinal: bool, n_boot: int, seed: int, rule: Message) -> Message:
    if m > 1:
        matrix_of = (
            message("polychoric correlations") if ordinal else message("Pearson correlations")
        )
        model = message(
            "McDonald's omega after Schmid and Leiman from the {correlations}: {n_factors} group "
            "factors by minimum residuals and oblimin",
            correlations=matrix_of,
            n_factors=m,
        )
    elif ordinal:
        model = message(
            "McDonald's omega of one factor of the polychoric correlations by minimum residuals, "
            "the reliability of the opinions behind the categories, not of the sum of the answers"
        )
    else:
        model = message("McDonald's omega of one factor by maximum likelihood")
    if n_boot:
        interval = message(
            "percentile interval from {n_boot} resamples, seed {seed}", n_boot=n_boot, seed=seed
        )
    elif m > 1 or ordinal:
        interval = message("no interval")
    else:
        interval = message("interval by the delta method")
    return message("{model}; {interval}; {rule}.", model=model, interval=interval, rule=rule)
