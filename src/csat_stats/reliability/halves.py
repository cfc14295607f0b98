"""Split-half reliability: do two halves of a scale agree?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from csat_stats.frames import Array
from csat_stats.moments import Moments, moments_of
from csat_stats.results import Message, Result, message

MAX_SPLITS = 10_000  # all splits of up to 16 items


@dataclass(frozen=True, kw_only=True)
class SplitHalf(Result):
    """Split-half reliability; ``estimate`` is the Spearman–Brown coefficient for equal lengths.

    Attributes
    ----------
    unequal
        Spearman–Brown coefficient that allows for halves of unequal length.
    r_halves
        Correlation of the sums of the two halves.
    lambda4, lambda6
        Guttman's coefficients: of this split, and from the squared multiple correlations of the
        items; λ6 is ``None`` when an item is determined by the others.
    lambda4_max, best_half
        The highest λ4 of all splits into halves of equal length (one item apart where their number
        is odd) and of this one, and the items of one half of it.
    n_splits, exhaustive
        How many splits that was, and whether these were all.
    k
        Number of items.
    table
        One row a half: ``half, items, k, mean, std_dev`` (of the sum of its items), ``alpha``.
    """

    unequal: float | None = None
    r_halves: float | None = None
    lambda4: float | None = None
    lambda6: float | None = None
    lambda4_max: float | None = None
    best_half: tuple[str, ...] = ()
    n_splits: int | None = None
    exhaustive: bool | None = None
    k: int


def split_half(
    items: pd.DataFrame | Moments,
    *,
    halves: Sequence[Sequence[str]] | None = None,
    weights: pd.Series | None = None,
    seed: int = 0,
) -> SplitHalf:
    """Split-half reliability: Spearman–Brown, Guttman's λ4 and λ6.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, keyed in the same direction; a row with any missing
        value is left out (listwise). Or moments of complete rows.
    halves
        Names of the items of each half, every item once. By default the first, third, fifth …
        against the second, fourth, sixth ….
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.
    seed
        Of the splits that are drawn where there are too many to try all.

    Returns
    -------
    SplitHalf
        Not estimable with fewer than two items or three complete rows, or when the sum of a half
        or the total does not vary. No item is ever reversed.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another; ``halves`` are not two
        or do not have every item once; a weight is negative or infinite.

    Notes
    -----
    2r/(1+r) with r the correlation of the halves (Spearman 1910, Brown 1910, British Journal of
    Psychology 3); unequal lengths by Horst (1951, Psychometrika 16); λ4 = 4·cov(a,b)/var(total),
    λ6 = 1 − Σ var(item)(1−R²)/var(total), on raw scores (Guttman 1945, Psychometrika 10). Up to 16
    items all splits are tried for the highest λ4, beyond that 10,000 at random, which can only fall
    short of it. Checked against PSPP 1.6.2 ``RELIABILITY /MODEL=SPLIT`` and R psych 2.2.9
    ``splitHalf``, which standardises the items unless ``covar=TRUE`` and, with an odd number of
    items, tries half of the splits.

    Examples
    --------
    >>> items = pd.DataFrame(
    ...     {"q1": [1, 2, 4, 5, 5], "q2": [2, 2, 3, 5, 4], "q3": [1, 3, 3, 4, 5]}
    ... )
    >>> result = split_half(items)
    >>> round(result.estimate, 3), round(result.lambda4, 3), round(result.lambda4_max, 3)
    (0.925, 0.75, 0.948)
    """
    moments = moments_of(items, weights)
    names, n, k = list(moments.names), moments.n_used, len(moments.names)
    first = _first_half(halves, names)
    base: dict[str, Any] = {
        "n_used": n,
        "n_dropped": moments.n_dropped,
        "k": k,
        "method": _method(halves is None, moments.weighted, k),
    }
    if k < 2:
        reason = message("A dimension of one item has no internal consistency.")
        return SplitHalf(**base, not_estimable=reason)
    if n < 3:
        reason = message(
            "{n} complete rows are too few: at least {minimum} are needed.", n=n, minimum=3
        )
        return SplitHalf(**base, not_estimable=reason)
    cov = moments.cov()
    parts = np.array([first, ~first], dtype=float)
    (a, c), (_, b) = parts @ cov @ parts.T
    rounding = 1e-12 * np.abs(cov).sum()  # what is left of items that cancel
    if min(a, b) <= rounding or cov.sum() <= rounding:
        reason = message("The total score of the items does not vary between respondents.")
        if cov.sum() > rounding:
            reason = message("The sum of one half of the items does not vary between respondents.")
        return SplitHalf(**base, not_estimable=reason)
    r = float(c / np.sqrt(a * b))
    if 1 + r < 1e-12:
        reason = message("The two halves are exact opposites of each other.")
        return SplitHalf(**base, not_estimable=reason)

    lambda6 = _lambda6(cov)
    signs, exhaustive = _splits(k, seed)
    signs = np.vstack([np.where(first, 1.0, -1.0), signs])
    apart = np.einsum("ij,ij->i", signs @ cov, signs)  # variance of the difference of the halves
    best = int(np.argmin(apart))
    share = first.mean() * (1 - first.mean())
    return SplitHalf(
        **base,
        estimate=2 * r / (1 + r),
        unequal=float(2 * r / (r + np.sqrt(r**2 + 4 * (1 - r**2) * share))),
        r_halves=r,
        lambda4=float(4 * c / cov.sum()),
        lambda6=lambda6,
        lambda4_max=float(1 - apart[best] / cov.sum()),
        best_half=tuple(name for name, sign in zip(names, signs[best], strict=True) if sign > 0),
        n_splits=len(signs) - 1,
        exhaustive=exhaustive,
        notes=_notes(k, r, lambda6, exhaustive, len(signs) - 1),
        table=_half_table(names, first, moments.mean, cov),
    )


def _first_half(halves: Sequence[Sequence[str]] | None, names: list[str]) -> NDArray[np.bool]:
    """Which items belong to the first half."""
    if halves is None:
        return np.resize([True, False], len(names))
    if len(halves) != 2 or isinstance(halves[0], str) or not all(map(len, halves)):
        raise ValueError("halves are two lists of items, neither of them empty")
    given = [str(name) for half in halves for name in half]
    for name in given:
        if name not in names:
            raise ValueError(f"halves name {name!r}, which is no item: {', '.join(names)} are")
    for name in names:
        if given.count(name) != 1:
            raise ValueError(f"halves have {name!r} {given.count(name)} times: once is needed")
    first: NDArray[np.bool] = np.isin(names, [str(name) for name in halves[0]])
    return first


def _splits(k: int, seed: int) -> tuple[Array, bool]:
    """Splits into halves of equal length as rows of ±1, and whether they are all there are."""
    size = k // 2
    # With an even number each split would come twice, so the first item stays in its half.
    fixed = 1 - k % 2
    if exhaustive := comb(k - fixed, size - fixed) <= MAX_SPLITS:
        chosen = np.array(
            [(0,) * fixed + rest for rest in combinations(range(fixed, k), size - fixed)]
        )
    else:
        draws = np.random.default_rng(seed).random((MAX_SPLITS, k))
        chosen = draws.argsort(axis=1)[:, :size]
    signs = np.full((len(chosen), k), -1.0)
    np.put_along_axis(signs, chosen, 1.0, axis=1)
    return signs, exhaustive


def _lambda6(cov: Array) -> float | None:
    """Guttman's λ6; items without variance have no error variance either."""
    varies = np.diag(cov) > 0
    part = cov[np.ix_(varies, varies)]
    spread = np.sqrt(np.diag(part))
    corr = part / np.outer(spread, spread)
    if np.linalg.cond(corr) > 1e12:
        return None
    unexplained = np.diag(part) / np.diag(np.linalg.inv(corr))
    return float(1 - unexplained.sum() / cov.sum())


def _half_table(names: list[str], first: NDArray[np.bool], mean: Array, cov: Array) -> pd.DataFrame:
    rows = []
    for half, member in enumerate((first, ~first), 1):
        k, part = int(member.sum()), cov[np.ix_(member, member)]
        rows.append(
            {
                "half": half,
                "items": ", ".join(np.array(names, dtype=object)[member]),
                "k": k,
                "mean": float(mean[member].sum()),
                "std_dev": float(np.sqrt(part.sum())),
                "alpha": k / (k - 1) * (1 - np.trace(part) / part.sum()) if k > 1 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _method(odd_even: bool, weighted: bool, k: int) -> Message:
    split = message("odd against even items") if odd_even else message("halves as given")
    if weighted:
        return message(
            "Spearman-Brown split-half reliability from weighted item scores, {split}; only "
            "respondents with a weight who answered all {k} items.",
            split=split,
            k=k,
        )
    return message(
        "Spearman-Brown split-half reliability, {split}; only respondents who answered all {k} "
        "items.",
        split=split,
        k=k,
    )


def _notes(
    k: int, r: float, lambda6: float | None, exhaustive: bool, n_splits: int
) -> tuple[Message, ...]:
    notes = []
    if k == 2:
        notes.append(message("With two items there is one split, and each half is one item."))
    if r < 0:
        notes.append(message("The two halves correlate negatively: check the keying of the items."))
    if not exhaustive:
        notes.append(
            message(
                "The highest lambda 4 is that of {n_splits} splits drawn at random: the highest of "
                "all may be above it.",
                n_splits=n_splits,
            )
        )
    if lambda6 is None:
        notes.append(
            message("Lambda 6 does not exist: an item is determined exactly by the others.")
        )
    return tuple(notes)
