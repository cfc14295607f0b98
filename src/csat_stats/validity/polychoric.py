"""Correlations of the continuous opinions that answers in ordered categories stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from csat_stats.frames import Array, matrix, respondent_weights
from csat_stats.moments import Moments
from csat_stats.results import Message, Result, message
from csat_stats.validity.two_step import two_step

_MOST_CATEGORIES = 20
# As psych::cor.smooth.
_LEAST_EIGENVALUE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Polychoric(Result):
    """Polychoric correlations; ``estimate`` is their mean over the pairs.

    Attributes
    ----------
    corr
        Items × items, a proper correlation matrix: smoothed where the estimates are not one.
    smallest_eigenvalue
        Of the matrix before smoothing; at or below 0 the estimates contradict each other.
    smoothed
        Whether ``corr`` had to be smoothed.
    largest_difference
        Polychoric minus Pearson correlation of the pair ``largest_difference_items``, where they
        are furthest apart.
    thresholds
        One row an item and category but the last: ``item, category, share`` (cumulative, 0–1),
        ``threshold`` (on the standard normal scale, to the next category).
    table
        One row a pair, before smoothing: ``item_a, item_b, estimate, std_error, pearson, n``.
    """

    corr: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    smallest_eigenvalue: float | None = None
    smoothed: bool = False
    largest_difference: float | None = None
    largest_difference_items: tuple[str, str] | None = None
    thresholds: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def polychoric(items: pd.DataFrame, *, weights: pd.Series | None = None) -> Polychoric:
    """Polychoric correlations of ordered categories, such as answers on a scale 1–5.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, 2–20 different values each; only their order
        counts. A row with any missing value is left out.
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.

    Returns
    -------
    Polychoric
        Not estimable for one item, fewer complete rows than items plus one, or an item without
        variance. Where the answers to two items follow one order without exception, as in a 2×2
        table with an empty cell, the likelihood grows up to ±1: Pearson's correlation takes its
        place and a note names the pair.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or more than 20 different values, or has the name
        of another; a weight is negative or infinite.

    Notes
    -----
    Two-step maximum likelihood (Olsson 1979, Psychometrika 44): thresholds from the margins, then
    each correlation by Newton's method on the exact derivatives, to 1e-12. Cell probabilities from
    Owen's T function (Owen 1956), in the far tail from the integral of the density over the
    correlation. Empty cells stay empty: a correction of 0.5, the default of psych, pulls sparse
    tables towards zero. Standard errors by the sandwich of Muthén (1984, Psychometrika 49), which
    allows for the estimated thresholds and for sampling weights. A matrix that is not positive
    definite is smoothed as by psych ``cor.smooth``: eigenvalues below 1e-12 become 1e-10, then the
    diagonal is brought back to 1. Checked against R 4.2.2: the root of the score on mvtnorm 1.1-3
    probabilities, lavaan 0.6-14 (estimates, standard errors, weighted ones too) and psych 2.2.9
    ``polychoric(correct=0)``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> opinion = rng.normal(size=(400, 1)) + rng.normal(size=(400, 3))
    >>> items = pd.DataFrame(np.digitize(opinion, [-2, -0.5]), columns=["q1", "q2", "q3"])
    >>> result = polychoric(items)
    >>> result.table[["item_a", "item_b", "estimate", "std_error", "pearson"]].round(3)
      item_a item_b  estimate  std_error  pearson
    0     q1     q2     0.377      0.062    0.288
    1     q1     q3     0.472      0.058    0.357
    2     q2     q3     0.524      0.058    0.407
    """
    x = matrix(items)
    names = [str(name) for name in items.columns]
    for name, column in zip(names, x.T, strict=True):
        categories = len(np.unique(column[~np.isnan(column)]))
        if categories > _MOST_CATEGORIES:
            raise ValueError(
                f"column {name!r} holds {categories} different values: ordered categories, at most "
                f"{_MOST_CATEGORIES}, are needed"
            )
    w = respondent_weights(weights, items.index)
    used = (w > 0) & ~np.isnan(x).any(axis=1)
    x, w = x[used], w[used]
    base: dict[str, Any] = {
        "n_used": len(x),
        "n_dropped": len(items) - len(x),
        "method": _method(weights is not None),
    }
    problem = _problem(x, names)
    if problem:
        return Polychoric(**base, not_estimable=problem)

    coded = [np.unique(column, return_inverse=True) for column in x.T]
    first, second = np.triu_indices(len(names), 1)
    pearson = Moments.from_frame(items, weights=weights).corr()[first, second]
    shares, rho, std_error = two_step(np.column_stack([c for _, c in coded]), w, pearson)
    failed = np.isnan(rho)
    rho = np.where(failed, pearson, rho)
    corr = np.eye(len(names))
    corr[first, second] = corr[second, first] = rho
    corr, smallest = _smooth(corr)
    table = pd.DataFrame(
        {
            "item_a": [names[i] for i in first],
            "item_b": [names[i] for i in second],
            "estimate": rho,
            "std_error": std_error,
            "pearson": pearson,
            "n": len(x),
        }
    )
    furthest = table.loc[np.abs(rho - pearson).argmax()]
    return Polychoric(
        **base,
        estimate=float(corr[first, second].mean()),
        notes=_notes(table[failed], smallest, furthest),
        corr=pd.DataFrame(corr, index=pd.Index(names, name="item"), columns=names),
        smallest_eigenvalue=smallest,
        smoothed=smallest < _LEAST_EIGENVALUE,
        largest_difference=float(furthest["estimate"] - furthest["pearson"]),
        largest_difference_items=(furthest["item_a"], furthest["item_b"]),
        thresholds=pd.concat(
            [
                pd.DataFrame({"item": name, "category": category[:-1], "share": share})
                for name, (category, _), share in zip(names, coded, shares, strict=True)
            ],
            ignore_index=True,
        ).assign(threshold=lambda frame: ndtri(frame["share"])),
        table=table,
    )


def _method(weighted: bool) -> Message:
    if weighted:
        return message(
            "Polychoric correlations by two-step maximum likelihood, weighted, without correction "
            "of empty cells; standard errors design-based; complete rows only."
        )
    return message(
        "Polychoric correlations by two-step maximum likelihood, without correction of empty "
        "cells; complete rows only."
    )


def _problem(x: Array, names: list[str]) -> Message | None:
    """Why the answers have no correlations, or None."""
    n, k = x.shape
    if k < 2:
        return message("Correlations need at least two items.")
    if n <= k:
        return message(
            "{n} complete rows are too few: at least {minimum} are needed.", n=n, minimum=k + 1
        )
    constant = [name for name, column in zip(names, x.T, strict=True) if np.ptp(column) == 0]
    if constant:
        return message(
            "No variance in {items}: every respondent gave the same answer.",
            items=", ".join(constant),
        )
    return None


def _notes(failed: pd.DataFrame, smallest: float, furthest: pd.Series) -> tuple[Message, ...]:
    notes = []
    if len(failed):
        notes.append(
            message(
                "Polychoric correlation failed for {pairs}: the answers follow one order with "
                "hardly an exception, so that it would be ±1. Pearson's correlation is used there.",
                pairs=", ".join(failed["item_a"] + "×" + failed["item_b"]),
            )
        )
    if smallest < _LEAST_EIGENVALUE:
        notes.append(
            message(
                "The correlation matrix is not positive definite (smallest eigenvalue "
                "{smallest:.2g}) and was smoothed: read what is computed from it with care.",
                smallest=smallest,
            )
        )
    if abs(furthest["estimate"]) - abs(furthest["pearson"]) > 0.1:
        notes.append(
            message(
                "Pearson's correlation of {pair} is {pearson:.2f}, the polychoric one "
                "{estimate:.2f}: few categories or skewed answers pull Pearson's correlations "
                "towards zero, and figures computed from them, such as alpha, turn out too low.",
                pair=f"{furthest['item_a']}×{furthest['item_b']}",
                pearson=furthest["pearson"],
                estimate=furthest["estimate"],
            )
        )
    return tuple(notes)


def _smooth(corr: Array) -> tuple[Array, float]:
    """The matrix, made positive definite where it is not, and its smallest eigenvalue before."""
    values, vectors = np.linalg.eigh(corr)
    smallest = float(values[0])
    if smallest < _LEAST_EIGENVALUE:
        values = np.where(values < _LEAST_EIGENVALUE, 100 * _LEAST_EIGENVALUE, values)
        corr = vectors * values @ vectors.T
        scale = np.sqrt(np.diag(corr))
        corr = corr / np.outer(scale, scale)
        corr = (corr + corr.T) / 2
        np.fill_diagonal(corr, 1)
    return corr, smallest
