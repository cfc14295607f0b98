"""Weights that bring the sample to the shares of the frame, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from csat_stats.frames import Array, check_level, respondent_weights
from csat_stats.results import Message, Result, message
from csat_stats.sampling._strata import (
    MISSING,
    OUTSIDE,
    Cell,
    frame_notes,
    locate,
    names,
    outside_notes,
    require,
    strata,
    tuples,
)


@dataclass(frozen=True, kw_only=True)
class Weighting(Result):
    """Weights of the responses; ``estimate`` is Kish's design effect of the weights.

    ``weights`` has the index of the responses and mean 1, and is missing for responses that get no
    weight. ``n_empty`` strata or levels with people are without respondents, ``n_outside``
    responses are where the frame has nobody.
    """

    weights: pd.Series = field(repr=False)
    n_empty: int
    n_outside: int

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain Python, the weights as a list in the order of the responses."""
        return Result.to_dict(replace(self, weights=self.weights.tolist()))


@dataclass(frozen=True, kw_only=True)
class PostStratification(Weighting):
    """Weights by stratum; ``share_empty`` of the people, 0–1, are in strata without respondents.

    ``table``: the columns of ``by``, population, n, weight.
    """

    share_empty: float | None


@dataclass(frozen=True, kw_only=True)
class KishDesignEffect(Result):
    """What unequal weights cost; ``estimate`` is the design effect, 1 for equal weights.

    The margins are half-widths, 0–1, of the interval for the proportion ``p``.
    """

    p: float
    n_effective: float | None = None
    margin_of_error: float | None = None
    margin_unweighted: float | None = None


def post_stratify(
    responses: pd.DataFrame,
    frame: pd.DataFrame,
    *,
    by: Sequence[str],
    size: str = "population",
) -> PostStratification:
    """Weights that give every stratum its share of the frame.

    Parameters
    ----------
    responses
        One row per respondent with the columns of ``by``; rows with a missing value in one of
        them get no weight and are counted, rows in strata without people are also named.
    frame
        Rows with the columns of ``by`` and the number of people in ``size``.
    by
        Columns that define a stratum.
    size
        Column with the number of people.

    Raises
    ------
    ValueError
        If a column is missing or a size is missing or negative.

    Notes
    -----
    w = (N_h/N)/(n_h/n) over the strata with respondents (Holt & Smith, 1979). A stratum that
    nobody answered for cannot be weighted up: it is named, never filled in. Checked against R
    ``survey::postStratify``.

    Examples
    --------
    >>> frame = pd.DataFrame({"region": ["North", "South"], "population": [500, 500]})
    >>> responses = pd.DataFrame({"region": ["North", "North", "North", "South"]})
    >>> post_stratify(responses, frame, by=["region"]).weights.round(4).tolist()
    [0.6667, 0.6667, 0.6667, 2.0]
    """
    table, codes = strata(frame, by, size)
    table = table[table[size] > 0].reset_index(drop=True)
    position, outside = locate(responses, table, by)
    table["population"] = table.pop(size)
    people = table["population"].to_numpy(dtype="float64")
    used = position >= 0
    achieved = np.bincount(position[used], minlength=len(table))
    n = int(achieved.sum())
    filled = achieved > 0
    weight = np.full(len(table), np.nan)
    weight[filled] = people[filled] / people[filled].sum() * n / achieved[filled]
    weights = pd.Series(np.nan, index=responses.index, name="weight")
    weights[used] = weight[position[used]]
    table["n"] = achieved
    table["weight"] = weight
    share_empty = float(people[~filled].sum() / people.sum()) if len(table) else None
    n_outside = int((position == OUTSIDE).sum())
    notes = [*frame_notes(codes), *outside_notes(n_outside, outside)]
    if not filled.all():
        notes.append(empty_note(tuples(table, by), ~filled, share_empty or 0))
    return PostStratification(
        estimate=kish(weight[position[used]]) if n else None,
        weights=weights,
        n_empty=int((~filled).sum()),
        share_empty=share_empty,
        n_outside=n_outside,
        n_used=n,
        n_dropped=int((position == MISSING).sum()),
        method=message(
            "Post-stratification: share of the frame over share of the sample, mean weight 1;"
            " responses with a missing stratum get no weight."
        ),
        notes=tuple(notes),
        not_estimable=(
            None if n else message("There are no responses in the strata of the frame.")
        ),
        table=table,
    )


def design_effect(
    weights: pd.Series, *, p: float = 0.5, conf_level: float = 0.95
) -> KishDesignEffect:
    """Kish's approximate design effect, the effective n and the margin of error.

    Parameters
    ----------
    weights
        One weight per respondent, 0 or more, on any scale; a respondent whose weight is 0 or
        missing is left out.
    p
        Proportion the margins of error are for, 0–1; 0.5 gives the widest.
    conf_level
        0–1.

    Raises
    ------
    ValueError
        If a weight is negative, infinite or no number.

    Notes
    -----
    deff = nΣw²/(Σw)² = 1 + CV²(w), n_eff = n/deff (Kish, 1965); margin = z√(p(1 − p)/n_eff). It
    holds for random samples: volunteers have no margin of error. Checked against base R on
    weights of survey 4.1.

    Examples
    --------
    >>> result = design_effect(pd.Series([1.0, 1.0, 2.0]))
    >>> result.estimate, round(result.n_effective, 4)
    (1.125, 2.6667)
    """
    require(0 < p < 1, "p", p, "a proportion between 0 and 1")
    check_level(conf_level)
    values = respondent_weights(weights.rename("weights"), weights.index)
    values = values[values > 0]
    n = values.size
    fields: dict[str, Any] = {
        "p": p,
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": weights.size - n,
        "method": message(
            "Kish design effect nΣw²/(Σw)², margin of error for a proportion of {percent:g}% at"
            " {level:g}% confidence; respondents with weight 0 or none are left out.",
            percent=100 * p,
            level=100 * conf_level,
        ),
    }
    if n == 0:
        return KishDesignEffect(not_estimable=message("There are no weights."), **fields)
    deff = kish(values)
    margin = float(stats.norm.isf((1 - conf_level) / 2) * np.sqrt(p * (1 - p) / n))
    return KishDesignEffect(
        estimate=deff,
        n_effective=n / deff,
        margin_of_error=margin * float(np.sqrt(deff)),
        margin_unweighted=margin,
        **fields,
    )


def empty_note(cells: Sequence[Cell], empty: npt.NDArray[np.bool_], share: float) -> Message:
    return message(
        "Nobody answered in {cells}: the weights do not speak for {percent:.1f}% of the people.",
        cells=names(cells, empty),
        percent=100 * share,
    )


def kish(weights: Array) -> float:
    """nΣw²/(Σw)² of weights above 0."""
    scaled = weights / weights.max()  # squares of very large or small weights stay in range
    return float(scaled.size * np.square(scaled).sum() / scaled.sum() ** 2)
