"""Sampling adequacy of answers in ordered categories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from csat_stats.results import Message, message
from csat_stats.validity.adequacy import Kmo, kmo_of, sampling_adequacy
from csat_stats.validity.polychoric import polychoric

_SINGULAR = 1e-10


def ordinal_kmo(items: pd.DataFrame, *, weights: pd.Series | None = None) -> Kmo:
    """Sampling adequacy for a factor analysis of polychoric correlations, beside Pearson's.

    Parameters
    ----------
    items
        Respondents × items, any numeric dtype, 2–20 different values each; a row with any missing
        value is left out.
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.

    Returns
    -------
    Kmo
        As :func:`kmo`, with the overall value from Pearson correlations in ``pearson``. Not
        estimable in the cases of :func:`polychoric`, and where that matrix is not positive
        definite.

    Raises
    ------
    ValueError
        As :func:`polychoric`.

    Notes
    -----
    :func:`kmo` on the matrix of :func:`polychoric`. Checked against R psych 2.2.9 ``KMO``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> opinion = rng.normal(size=(400, 1)) + rng.normal(size=(400, 3))
    >>> items = pd.DataFrame(np.digitize(opinion, [-2, -0.5]), columns=["q1", "q2", "q3"])
    >>> result = ordinal_kmo(items)
    >>> round(result.estimate, 3), round(result.pearson, 3)
    (0.659, 0.632)
    """
    correlations = polychoric(items, weights=weights)
    base: dict[str, Any] = {
        "n_used": correlations.n_used,
        "n_dropped": correlations.n_dropped,
        "notes": correlations.notes,
        "method": _method(weights is not None),
    }
    if correlations.not_estimable:
        return Kmo(**base, not_estimable=correlations.not_estimable)
    if correlations.smoothed:
        reason = message(
            "The polychoric correlation matrix is not positive definite: the measure would follow "
            "from the smoothing."
        )
        return Kmo(**base, not_estimable=reason)
    names = list(correlations.corr.columns)
    pearson = np.eye(len(names))
    first, second = np.triu_indices(len(names), 1)
    pearson[first, second] = pearson[second, first] = correlations.table["pearson"]
    singular = np.linalg.eigvalsh(pearson)[0] < _SINGULAR
    return replace(
        kmo_of(names, correlations.corr.to_numpy(), **base),
        pearson=None if singular else sampling_adequacy(pearson)[0],
    )


def _method(weighted: bool) -> Message:
    if weighted:
        return message(
            "Kaiser-Meyer-Olkin measure of sampling adequacy from polychoric correlations, "
            "weighted; complete rows only."
        )
    return message(
        "Kaiser-Meyer-Olkin measure of sampling adequacy from polychoric correlations; "
        "complete rows only."
    )
