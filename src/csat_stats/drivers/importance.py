"""What drives an outcome: how much of its variance each of several related drivers stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from csat_stats.drivers._parts import johnson, lmg, shares
from csat_stats.drivers._resampling import (
    Respondents,
    check_draws,
    correlations_of,
    failures,
    percentiles,
    products,
    resampled_sums,
    solvable,
    with_draws,
)
from csat_stats.frames import Array, check_level
from csat_stats.moments import Moments
from csat_stats.results import Message, Result, message
from csat_stats.validity.correlations import correlations

MOST_DRIVERS = 16  # for LMG, whose work doubles with each


@dataclass(frozen=True, kw_only=True)
class RelativeImportance(Result):
    """Shares of an explained variance; ``estimate`` is R², 0–1.

    Attributes
    ----------
    table
        The most important first: ``driver, n, estimate`` (part of R²) ``, conf_low, conf_high,
        share`` (of R²) ``, share_low, share_high, rank, rank_low, rank_high, alone`` (R² of the
        driver by itself) and ``last`` (what R² loses without it). Limits are missing without a
        bootstrap.
    ranks
        ``driver, rank, probability``: the share of the resamples in which a driver has a rank.
        Empty without a bootstrap.
    """

    ranks: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def relative_importance(
    answers: pd.DataFrame | Moments,
    outcome: str,
    *,
    method: Literal["lmg", "johnson"] = "lmg",
    weights: pd.Series | None = None,
    n_boot: int = 1000,
    conf_level: float = 0.95,
    seed: int = 0,
) -> RelativeImportance:
    """How the variance that drivers explain together divides among them.

    Parameters
    ----------
    answers
        Respondents × (outcome and drivers), any numeric dtype, or their moments: every other
        column is a driver. A row with any missing value is left out.
    outcome
        Name of the outcome.
    method
        ``lmg`` averages what a driver adds to R² over all orders in which drivers can enter;
        ``johnson`` takes the relative weights by orthogonal stand-ins, for any number of drivers.
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.
    n_boot, seed
        Resamples of the respondents, each with their weight, for percentile intervals: 0 for
        none, or at least 100; and the seed of their random numbers. Moments have no respondents
        to draw from, and so no intervals.
    conf_level
        Level of the intervals, 0–1.

    Returns
    -------
    RelativeImportance
        Not estimable in the cases of :func:`csat_stats.validity.kmo`: too few complete rows, a
        column without variance, columns that determine each other.

    Raises
    ------
    ValueError
        The outcome is no column, there is no driver, or more than 16 for ``lmg``; ``n_boot`` of
        1–99, ``conf_level`` outside 0–1; as :func:`csat_stats.validity.kmo`.

    Notes
    -----
    LMG: Lindeman, Merenda & Gold (1980); Grömping (2006, Journal of Statistical Software 17).
    Relative weights: Johnson (2000, Multivariate Behavioral Research 35). Both add up to R² and
    are never negative. Intervals are percentiles of the bootstrap (Efron & Tibshirani 1993), as
    R relaimpo ``boot.relimp`` has them; R² of a resample tends to lie above that of the data, the
    more so the fewer rows there are for each driver. Checked against both written out in R 4.2.2,
    and R boot 1.3-28.1.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> speed, manner = rng.normal(size=(2, 500))
    >>> answers = pd.DataFrame({"speed": speed, "manner": manner})
    >>> answers["overall"] = 2 * speed + manner + rng.normal(size=500)
    >>> relative_importance(answers, "overall").table[["driver", "share"]].round(2)
       driver  share
    0   speed   0.72
    1  manner   0.28
    """
    check_level(conf_level)
    check_draws(n_boot)
    data = correlations(answers, weights)
    if method not in PARTS:
        raise ValueError(f"method is {method!r}: choose one of {', '.join(PARTS)}")
    check_drivers(data.names, outcome, method)
    resampled = n_boot if isinstance(answers, pd.DataFrame) else 0
    base: dict[str, Any] = {
        **data.counts,
        "conf_level": conf_level,
        "method": message(_METHODS[method].text, rule=with_draws(data.rule, resampled, seed)),
    }
    if data.problem:
        return RelativeImportance(**base, not_estimable=data.problem)
    order = outcome_last(data.names, outcome)
    corr = data.corr[np.ix_(order, order)]
    among, with_outcome = corr[:-1, :-1], corr[:-1, -1]
    beta = np.linalg.solve(among, with_outcome)
    r_squared = float(with_outcome @ beta)
    parts = PARTS[method](corr[None])[0]
    table = pd.DataFrame(
        {
            "driver": [data.names[j] for j in order[:-1]],
            "n": data.n,
            "estimate": parts,
            "share": shares(parts[None])[0],
            "rank": ranked(parts[None])[0],
            "alone": with_outcome**2,
            "last": beta**2 / np.diag(np.linalg.inv(among)),
        }
    )
    draws = np.empty((0, len(beta)))
    if isinstance(answers, Moments):
        if n_boot:
            base["notes"] = (NO_ROWS,)
    elif n_boot:
        draws = _resampled(answers.iloc[:, order], weights, n_boot, seed, PARTS[method])
        base["notes"] = failures(n_boot - len(draws), n_boot)
    if len(draws) > 1:
        low, high = percentiles(draws.sum(axis=1, keepdims=True), conf_level)
        base |= {"conf_low": float(low[0]), "conf_high": float(high[0])}
        base["ranks"] = _rank_probabilities(table, draws)
    by_rank = table.assign(**_limits(draws, conf_level)).sort_values("rank", ignore_index=True)
    return RelativeImportance(**base, estimate=r_squared, table=by_rank[COLUMNS])


NO_ROWS = message(
    "Moments have no respondents to draw from, so there are no intervals: give the answers "
    "themselves."
)
COLUMNS = ["driver", "n", "estimate", "conf_low", "conf_high", "share", "share_low", "share_high"]
COLUMNS += ["rank", "rank_low", "rank_high", "alone", "last"]
PARTS: dict[str, Callable[[Array], Array]] = {"lmg": lmg, "johnson": johnson}
_METHODS: dict[str, Message] = {
    "lmg": message(
        "Relative importance by LMG: what a driver adds to R², averaged over all orders; {rule}."
    ),
    "johnson": message("Relative importance by Johnson's relative weights; {rule}."),
}


def check_drivers(names: list[str], outcome: str, method: str) -> None:
    if outcome not in names:
        raise ValueError(f"outcome {outcome!r} is no column: there are {', '.join(names)}")
    if len(names) < 2:
        raise ValueError("there is no driver: at least one column beside the outcome is needed")
    if method == "lmg" and len(names) - 1 > MOST_DRIVERS:
        raise ValueError(
            f"{len(names) - 1} drivers are too many for lmg, which takes up to "
            f"{MOST_DRIVERS}: take johnson"
        )


def outcome_last(names: list[str], outcome: str) -> list[int]:
    """Places of the drivers and, after them, of the outcome."""
    y = names.index(outcome)
    return [j for j in range(len(names)) if j != y] + [y]


def ranked(figures: Array) -> NDArray[np.int64]:
    """1 for the largest of each row; the first of equals comes first."""
    return np.argsort(np.argsort(-figures, axis=1, kind="stable"), axis=1) + 1


def _resampled(
    answers: pd.DataFrame,
    weights: pd.Series | None,
    n_boot: int,
    seed: int,
    parts: Callable[[Array], Array],
) -> Array:
    """Parts of R² in the resamples in which they and their shares exist."""
    respondents = Respondents.of(answers, weights)
    rows = np.column_stack([respondents.weights, respondents.z])
    sums = resampled_sums(rows, lambda block: products(block[:, 0], block[:, 1:]), n_boot, seed)
    _, corr = correlations_of(sums, answers.shape[1])
    found = parts(corr[solvable(corr)])
    return found[np.isfinite(shares(found)).all(axis=1)]


def _limits(draws: Array, conf_level: float) -> dict[str, Any]:
    """Limits of the parts, the shares and the ranks."""
    limits: dict[str, Any] = {}
    limits["conf_low"], limits["conf_high"] = percentiles(draws, conf_level)
    limits["share_low"], limits["share_high"] = percentiles(shares(draws), conf_level)
    for name, tail in (("rank_low", (1 - conf_level) / 2), ("rank_high", (1 + conf_level) / 2)):
        # a rank that occurs, not one between two
        limits[name] = pd.array(
            np.quantile(ranked(draws), tail, axis=0, method="inverted_cdf")
            if len(draws) > 1
            else [None] * draws.shape[1],
            dtype="Int64",
        )
    return limits


def _rank_probabilities(table: pd.DataFrame, draws: Array) -> pd.DataFrame:
    places = np.arange(1, len(table) + 1)
    probability = (ranked(draws)[:, :, None] == places).mean(axis=0)
    frame = pd.DataFrame(probability, index=table["driver"], columns=places)
    long = frame.iloc[table["rank"].argsort()].stack()
    return long.rename_axis(["driver", "rank"]).rename("probability").reset_index()
