"""Counts, means and cross-products of a set of items, in one pass over data of any size."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import is_numeric_dtype

from csat_stats.frames import Array, numbers, respondent_weights
from csat_stats.moments._sums import Centred, Sums, add, read


@dataclass(frozen=True, eq=False)
class Moments:
    """Means and cross-products of items: all that alpha, KMO, Bartlett and factor analysis need.

    Made by :meth:`from_frame`; :meth:`update` and :meth:`merge` give new moments and change
    nothing.

    Attributes
    ----------
    names
        Items, in the order of every array.
    complete
        Whether only respondents who answered every item count; otherwise each pair of items has
        the respondents who answered both.
    weighted
        Whether respondents have weights.

    Notes
    -----
    Answers that are whole numbers, as on any rating scale, are summed exactly, so the result is
    the same to the last bit however the rows are ordered, cut into blocks, merged or shared among
    threads. Other answers, and weights, are summed around block means and merged by the formula of
    Chan, Golub & LeVeque (1983, American Statistician 37): the same to about 1e-12. In both an
    item without variance has a variance of exactly zero, and a large offset costs no digits.

    Examples
    --------
    >>> items = pd.DataFrame({"q1": [1, 2, 4, 5, 5], "q2": [2, 2, 3, 5, 4]})
    >>> moments = Moments.from_frame(items)
    >>> moments.n_used, moments.mean.tolist()
    (5, [3.4, 3.2])
    >>> moments.cov().round(2).tolist()
    [[3.3, 2.15], [2.15, 1.7]]
    >>> halves = Moments.from_frame(items[:2]).update(items[2:])
    >>> bool((halves.cov() == moments.cov()).all())
    True
    """

    names: tuple[str, ...]
    complete: bool
    weighted: bool
    _sums: Sums = field(repr=False)

    @classmethod
    def from_frame(
        cls,
        items: pd.DataFrame,
        *,
        complete: bool = True,
        weights: ArrayLike | pd.Series | None = None,
    ) -> Moments:
        """The moments of respondents × items, read block by block.

        Parameters
        ----------
        items
            Any numeric dtype. Beyond the frame itself some 15 MB are needed, whatever its length
            (and the weights as one column).
        complete
            True leaves out a respondent with any missing answer (listwise); False keeps every
            pair of answers (pairwise).
        weights
            One for each respondent, on any scale; 0 or missing leaves the respondent out.

        Raises
        ------
        ValueError
            A column is not numeric, holds infinity or has the name of another; weights that are
            negative, infinite or not one for each respondent.
        """
        if not items.columns.is_unique:
            name = items.columns[items.columns.duplicated()][0]
            raise ValueError(f"column {name!r} occurs twice: give each item its own name")
        text = [j for j, dtype in enumerate(items.dtypes) if not is_numeric_dtype(dtype)]
        if text:
            items = items.copy(deep=False)
            for j in text:
                items.isetitem(j, numbers(items.iloc[:, j]))
        given = None if weights is None else respondent_weights(weights, items.index)
        sums = read(items, given, complete)
        return cls(tuple(map(str, items.columns)), complete, given is not None, sums)

    def update(
        self, block: pd.DataFrame, *, weights: ArrayLike | pd.Series | None = None
    ) -> Moments:
        """These moments with the respondents of ``block`` added; it has the same columns."""
        return self.merge(self.from_frame(block, complete=self.complete, weights=weights))

    def merge(self, other: Moments) -> Moments:
        """The moments of both sets of respondents together.

        Raises
        ------
        ValueError
            The items are others or in another order; only one is complete, or has weights.
        """
        if self.names != other.names:
            raise ValueError(
                f"moments of {', '.join(self.names)} cannot be merged with moments of "
                f"{', '.join(other.names)}: the same items in the same order are needed"
            )
        for rule in ("complete", "weighted"):
            if getattr(self, rule) != getattr(other, rule):
                raise ValueError(
                    f"moments with {rule}={getattr(self, rule)} cannot be merged with moments "
                    f"with {rule}={getattr(other, rule)}"
                )
        return Moments(self.names, self.complete, self.weighted, add(self._sums, other._sums))

    @property
    def n_used(self) -> int:
        """Respondents who count: with every answer, or with any where pairs are kept."""
        return self._sums.used

    @property
    def n_dropped(self) -> int:
        """Respondents who do not count."""
        return self._sums.rows - self._sums.used

    @property
    def n(self) -> NDArray[np.int64]:
        """Respondents who answered both items of each pair: items × items."""
        return self._pairs(self._centred.n)

    @property
    def sum_weights(self) -> Array:
        """Sum of the weights of those respondents; their number where there are no weights."""
        return self._pairs(self._centred.weight)

    @property
    def n_effective(self) -> Array:
        """Kish's effective number of those respondents, (Σw)² / Σw²; ``n`` without weights."""
        top, below = self._centred.weight**2, self._centred.weight2
        return self._pairs(np.divide(top, below, out=np.zeros_like(top), where=below > 0))

    @property
    def mean(self) -> Array:
        """Mean of each item over those who answered it; NaN where nobody did."""
        return np.where(np.diag(self.n) > 0, np.diag(self._pairs(self._centred.mean)), np.nan)

    @property
    def cross_products(self) -> Array:
        """Weighted sums of products of the deviations from the means over each pair."""
        return self._centred.products

    def cov(self) -> Array:
        """Covariances; weights are scaled to sum to n, and the divisor is n − 1.

        NaN for a pair that fewer than two respondents answered.
        """
        n, weight = self._centred.n, self._centred.weight
        divisor = np.where(n > 1, weight * (n - 1) / np.maximum(n, 1), np.nan)
        return np.asarray(self._centred.products / divisor)

    def corr(self) -> Array:
        """Pearson correlations; NaN for a pair in which an item does not vary."""
        std_dev = np.sqrt(self._pairs(self._centred.squares))
        scale = std_dev * std_dev.T
        corr = np.full_like(scale, np.nan)
        np.divide(self._centred.products, scale, out=corr, where=scale > 0)
        np.fill_diagonal(corr, np.where(np.diag(scale) > 0, 1, np.nan))
        return np.asarray(corr)

    @cached_property
    def _centred(self) -> Centred:
        return self._sums.centred()

    def _pairs(self, part: NDArray[Any]) -> NDArray[Any]:
        return np.broadcast_to(part, (len(self.names),) * 2)


def moments_of(
    items: pd.DataFrame | Moments,
    weights: ArrayLike | pd.Series | None = None,
    *,
    pairwise: bool = False,
) -> Moments:
    """What a method computes from: moments of the complete rows of a frame, or those given.

    Raises
    ------
    ValueError
        As :meth:`Moments.from_frame`; weights beside moments; moments of pairs of answers where
        ``pairwise`` does not allow them.
    """
    if not isinstance(items, Moments):
        return Moments.from_frame(items, weights=weights)
    if weights is not None:
        raise ValueError("moments carry their own weights: give weights to Moments.from_frame")
    if not (items.complete or pairwise):
        raise ValueError("moments of complete rows are needed: Moments.from_frame(complete=True)")
    return items
