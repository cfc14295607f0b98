"""Alpha of answers in ordered categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.reliability.alpha import keying_notes
from csat_stats.results import Message, Result, message
from csat_stats.validity.polychoric import polychoric

# Items that cancel, or a smoothed matrix, leave a total of rounding error only.
_NO_VARIANCE = 1e-8


@dataclass(frozen=True, kw_only=True)
class OrdinalAlpha(Result):
    """Ordinal alpha; ``estimate`` is alpha of the polychoric correlations.

    Attributes
    ----------
    pearson
        Alpha of the Pearson correlations, that is the standardised alpha, beside it.
    average_r
        Mean polychoric correlation between items.
    k
        Number of items.
    table
        One row an item: ``item, n, r_item_rest`` (with the sum of the others),
        ``alpha_if_deleted``.
    """

    pearson: float | None = None
    average_r: float | None = None
    k: int


def ordinal_alpha(items: pd.DataFrame, *, weights: pd.Series | None = None) -> OrdinalAlpha:
    """Internal consistency of the opinions behind answers in a few ordered categories.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, 2–20 different values each, keyed in the same
        direction. A row with any missing value is left out (listwise).
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.

    Returns
    -------
    OrdinalAlpha
        Not estimable in the cases of :func:`csat_stats.validity.polychoric`, or when the items
        cancel. No item is ever reversed: a negative item–rest correlation is noted.

    Raises
    ------
    ValueError
        As :func:`csat_stats.validity.polychoric`.

    Notes
    -----
    alpha = k/(k−1) · (1 − k / ΣΣr) on the polychoric correlations r (Zumbo, Gadermann & Zeisser
    2007, Journal of Modern Applied Statistical Methods 6). It is the reliability that continuous
    answers would have; that of the sum of the answers given is nearer to Cronbach's alpha (Chalmers
    2018, Educational and Psychological Measurement 78). Checked against R psych 2.2.9 ``alpha`` of
    the polychoric matrix.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> opinion = rng.normal(size=(400, 1)) + rng.normal(size=(400, 3))
    >>> items = pd.DataFrame(np.digitize(opinion, [-2, -0.5]), columns=["q1", "q2", "q3"])
    >>> result = ordinal_alpha(items)
    >>> round(result.estimate, 3), round(result.pearson, 3)
    (0.717, 0.618)
    """
    correlations = polychoric(items, weights=weights)
    k = items.shape[1]
    base: dict[str, Any] = {
        "n_used": correlations.n_used,
        "n_dropped": correlations.n_dropped,
        "k": k,
        "method": _method(weights is not None),
    }
    if k < 2:
        reason = message("A dimension of one item has no internal consistency.")
        return OrdinalAlpha(**base, not_estimable=reason)
    if correlations.not_estimable:
        return OrdinalAlpha(**base, not_estimable=correlations.not_estimable)
    with_rest = correlations.corr.to_numpy().sum(axis=0) - 1
    pairs = with_rest.sum()  # each correlation twice
    alpha = _alpha(pairs / (k * (k - 1)), k)
    if alpha is None:
        reason = message("The total score of the items does not vary between respondents.")
        return OrdinalAlpha(**base, not_estimable=reason, notes=correlations.notes)

    rest_variance = k + pairs - 2 * with_rest - 1
    table = pd.DataFrame(
        {
            "item": correlations.corr.columns,
            "n": correlations.n_used,
            "r_item_rest": [
                with_one / np.sqrt(variance) if variance > _NO_VARIANCE else np.nan
                for with_one, variance in zip(with_rest, rest_variance, strict=True)
            ],
            "alpha_if_deleted": [
                _alpha((pairs - 2 * with_one) / ((k - 1) * (k - 2)), k - 1) if k > 2 else None
                for with_one in with_rest
            ],
        }
    ).astype({"alpha_if_deleted": float})
    return OrdinalAlpha(
        **base,
        estimate=alpha,
        pearson=_alpha(correlations.table["pearson"].mean(), k),
        average_r=float(pairs / (k * (k - 1))),
        notes=(*correlations.notes, *keying_notes(alpha, table)),
        table=table,
    )


def _method(weighted: bool) -> Message:
    if weighted:
        return message(
            "Ordinal alpha: alpha of the polychoric correlations, weighted, the reliability of the "
            "opinions behind the categories, not of the sum of the answers; complete rows only."
        )
    return message(
        "Ordinal alpha: alpha of the polychoric correlations, the reliability of the opinions "
        "behind the categories, not of the sum of the answers; complete rows only."
    )


def _alpha(average_r: float, k: int) -> float | None:
    """Alpha of k standardised items, None where their sum does not vary."""
    variance = 1 + (k - 1) * average_r
    return float(k * average_r / variance) if variance > _NO_VARIANCE else None
