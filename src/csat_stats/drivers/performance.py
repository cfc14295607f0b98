"""Importance and performance of each driver side by side, and how sure its quadrant is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.drivers._matrix import QUADRANTS, Answers, Figures, importance_of, matrix_of
from csat_stats.drivers._resampling import (
    Respondents,
    check_draws,
    failures,
    percentiles,
    with_draws,
)
from csat_stats.drivers.importance import PARTS, check_drivers, outcome_last, ranked
from csat_stats.frames import check_level, matrix, numbers, require
from csat_stats.results import Message, Result, message
from csat_stats.validity.correlations import correlations

CROSSHAIRS = ("mean", "median", "scale")
KINDS = {
    "lmg": message("the share of R² by LMG"),
    "johnson": message("the share of R² by Johnson's relative weights"),
    "correlation": message("the correlation with the outcome"),
    "stated": message("the mean of the stated ratings"),
}
LEAST = 3  # complete rows, where R² is not divided


@dataclass(frozen=True, kw_only=True)
class Ipa(Result):
    """Importance and performance of each driver, and its quadrant.

    Attributes
    ----------
    crosshair
        The rule that sets the crosshair: ``mean``, ``median`` or ``scale``.
    crosshair_importance, crosshair_performance
        Where it is.
    rank_correlation
        Spearman's rho of stated and derived importance; ``None`` where one of them is not there.
    table
        The most important first: ``driver, n, importance, importance_low, importance_high,
        performance, performance_low, performance_high, stated`` (mean stated importance),
        ``quadrant`` (``concentrate`` here, ``keep`` up the good work, ``low_priority``, possible
        ``overkill``) and the shares of the resamples in which the driver is in each of them,
        ``p_concentrate, p_keep, p_low_priority, p_overkill``. Limits and shares are missing
        without a bootstrap.
    """

    crosshair: Literal["mean", "median", "scale"]
    crosshair_importance: float | None = None
    crosshair_performance: float | None = None
    rank_correlation: float | None = None


def importance_performance(
    answers: pd.DataFrame,
    outcome: str,
    *,
    importance: Literal["lmg", "johnson", "correlation", "stated"] = "lmg",
    stated: pd.DataFrame | None = None,
    crosshair: Literal["mean", "median", "scale"] = "mean",
    scale: tuple[float, float] | None = None,
    weights: pd.Series | None = None,
    n_boot: int = 1000,
    conf_level: float = 0.95,
    seed: int = 0,
) -> Ipa:
    """Importance–performance matrix of drivers, with the probability of each quadrant.

    Parameters
    ----------
    answers
        Respondents × (outcome and drivers), any numeric dtype: every other column is a driver. A
        row with any missing value is left out.
    outcome
        Name of the outcome.
    importance
        ``lmg`` or ``johnson``: the share of R², as :func:`relative_importance`; ``correlation``:
        Pearson's with the outcome; ``stated``: the mean of ``stated``.
    stated
        Ratings of importance, respondents × drivers with the names and row labels of ``answers``.
        Whoever did not rate a driver does not count for it.
    crosshair
        ``mean`` or ``median`` of the drivers, set anew in each resample; ``scale``: the middle of
        ``scale`` for performance and stated importance, 1 / number of drivers for shares of R².
        A driver on the crosshair counts as high.
    scale
        Ends of the scale of the drivers and of ``stated``, such as (1, 5).
    weights
        One sampling weight per respondent; 0 or missing leaves the respondent out.
    n_boot, seed
        Resamples of the respondents, each with their weight: 0 for none, or at least 100; and the
        seed of their random numbers.
    conf_level
        Level of the intervals, 0–1; a note names the drivers whose quadrant is less probable.

    Returns
    -------
    Ipa
        Not estimable in the cases of :func:`relative_importance` and where R² is 0; for
        ``correlation`` and ``stated`` with fewer than three complete rows, for ``correlation``
        with a column without variance, for ``stated`` with a driver that nobody rated.

    Raises
    ------
    ValueError
        As :func:`relative_importance`; ``stated`` that is needed and not given, lacks a driver or
        has other row labels; ``crosshair="scale"`` without a scale, or for correlations, which
        have no middle; answers or ratings off the scale.

    Notes
    -----
    Martilla & James (1977, Journal of Marketing 41). Derived importance is association with the
    outcome. Percentile bootstrap (Efron & Tibshirani 1993) of the matrix as a whole: importance,
    performance and crosshair of a resample belong together. Checked against R 4.2.2 and R boot
    1.3-28.1.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> speed, manner = rng.normal(size=(2, 500))
    >>> answers = pd.DataFrame({"speed": 3 + speed, "manner": 4 + manner})
    >>> answers["overall"] = 2 * speed + manner + rng.normal(size=500)
    >>> result = importance_performance(answers, "overall")
    >>> result.table[["driver", "importance", "quadrant", "p_concentrate"]].round(2)
       driver  importance     quadrant  p_concentrate
    0   speed        0.72  concentrate            1.0
    1  manner        0.28     overkill            0.0
    """
    check_level(conf_level)
    check_draws(n_boot)
    if importance not in KINDS:
        raise ValueError(f"importance is {importance!r}: choose one of {', '.join(KINDS)}")
    names = [str(name) for name in answers.columns]
    check_drivers(names, outcome, importance)
    order = outcome_last(names, outcome)
    data = correlations(answers.iloc[:, order], weights)
    drivers = data.names[:-1]
    answers = answers.iloc[:, order].set_axis(data.names, axis=1)
    ratings = _ratings(stated, answers.index, drivers, importance)
    fixed = _fixed(crosshair, scale, importance, answers[drivers], ratings)
    base: dict[str, Any] = {
        **data.counts,
        "conf_level": conf_level,
        "crosshair": crosshair,
        "method": message(
            "Importance–performance matrix: importance is {importance}, performance the mean "
            "rating, the crosshair lies at {crosshair}; {rule}.",
            importance=KINDS[importance],
            crosshair=_place(crosshair, scale, importance, len(drivers)),
            rule=with_draws(data.rule, n_boot, seed),
        ),
    }
    problem = data.problem if importance in PARTS else _too_few(data.n)
    if problem:
        return Ipa(**base, not_estimable=problem)
    found = Respondents.of(answers, weights)
    rows = Answers(found, ratings.to_numpy()[found.kept])
    figures = rows.figures()
    value = importance_of(importance, figures)
    if not np.isfinite(value).all():
        lacking = found.std_dev == 0 if importance == "correlation" else np.isnan(value[0])
        items = ", ".join(data.names[j] for j in np.flatnonzero(lacking))
        return Ipa(**base, not_estimable=_no_importance(importance, items))

    here = matrix_of(value, figures.performance, crosshair, fixed)
    table = pd.DataFrame(
        {
            "driver": drivers,
            "n": data.n,
            "importance": here.importance[0],
            "performance": here.performance[0],
            "stated": figures.stated[0] if figures.stated.size else np.nan,
            "quadrant": [QUADRANTS[place] for place in here.quadrant[0]],
        }
    )
    rho, notes = _orders(figures, importance, drivers)
    drawn = matrix_of(value[:0], figures.performance[:0], crosshair, fixed)
    if n_boot:
        resampled = rows.figures(n_boot, seed)
        value = importance_of(importance, resampled)
        exists = np.isfinite(value).all(axis=1)
        drawn = matrix_of(value[exists], resampled.performance[exists], crosshair, fixed)
        notes += failures(n_boot - len(drawn.importance), n_boot)
    for name in ("importance", "performance"):
        low, high = percentiles(getattr(drawn, name), conf_level)
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    for place, quadrant in enumerate(QUADRANTS):
        within = drawn.quadrant == place
        table[f"p_{quadrant}"] = within.mean(axis=0) if len(within) else np.nan
    table = table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)
    return Ipa(
        **base,
        crosshair_importance=float(here.importance_at[0, 0]),
        crosshair_performance=float(here.performance_at[0, 0]),
        rank_correlation=rho,
        notes=notes + _unsure(table, conf_level),
        table=table[COLUMNS],
    )


COLUMNS = ["driver", "n", "importance", "importance_low", "importance_high"]
COLUMNS += ["performance", "performance_low", "performance_high", "stated", "quadrant"]
COLUMNS += [f"p_{quadrant}" for quadrant in QUADRANTS]


def _ratings(
    stated: pd.DataFrame | None, index: pd.Index, drivers: list[str], importance: str
) -> pd.DataFrame:
    """Stated importance in the order of the drivers; no column where there is none."""
    if stated is None:
        if importance == "stated":
            raise ValueError("importance is 'stated': give the ratings of importance as stated")
        return pd.DataFrame(index=index)
    if not stated.index.equals(index):
        raise ValueError("the stated importance has other row labels than the answers")
    names = [str(name) for name in stated.columns]
    lacking = [name for name in drivers if name not in names]
    if lacking:
        raise ValueError(f"stated has no column for the drivers {', '.join(lacking)}")
    return pd.DataFrame(matrix(stated), index, names)[drivers]


def _fixed(
    crosshair: str,
    scale: tuple[float, float] | None,
    importance: str,
    *ratings: pd.DataFrame,
) -> tuple[float, float] | None:
    """The crosshair (importance, performance) where the scale sets it."""
    if crosshair not in CROSSHAIRS:
        raise ValueError(f"crosshair is {crosshair!r}: choose one of {', '.join(CROSSHAIRS)}")
    if scale is not None:
        low, high = scale
        if not low < high:
            raise ValueError(f"scale is {scale}: its lower end and its higher end are needed")
        for column in (numbers(frame[name]) for frame in ratings for name in frame):
            require(
                column.isna() | column.between(low, high), column, f"answers {low:g} to {high:g}"
            )
    if crosshair != "scale":
        return None
    if scale is None:
        raise ValueError("crosshair is 'scale': give the ends of the scale, such as scale=(1, 5)")
    if importance == "correlation":
        raise ValueError(
            "a correlation has no scale with a middle: choose crosshair mean or median"
        )
    middle = (low + high) / 2
    return (middle if importance == "stated" else 1 / ratings[0].shape[1]), middle


def _place(
    crosshair: str, scale: tuple[float, float] | None, importance: str, drivers: int
) -> Message:
    """Where the crosshair is, for ``method``."""
    if crosshair == "mean":
        return message("the mean of the drivers")
    if crosshair == "median":
        return message("the median of the drivers")
    assert scale is not None
    if importance == "stated":
        return message(
            "the middle of the scale from {low:g} to {high:g}", low=scale[0], high=scale[1]
        )
    return message(
        "the middle of the scale from {low:g} to {high:g} and at 1/{drivers} of R²",
        low=scale[0],
        high=scale[1],
        drivers=drivers,
    )


def _too_few(n: int) -> Message | None:
    if n >= LEAST:
        return None
    return message(
        "{n} complete rows are too few: at least {minimum} are needed.", n=n, minimum=LEAST
    )


def _no_importance(importance: str, items: str) -> Message:
    if importance == "correlation":
        return message(
            "No variance in {items}: every respondent gave the same answer.", items=items
        )
    if importance == "stated":
        return message("Nobody rated the importance of {items}.", items=items)
    return message("The drivers explain nothing of the outcome, so that nothing can be divided.")


def _orders(
    figures: Figures, importance: str, drivers: list[str]
) -> tuple[float | None, tuple[Message, ...]]:
    """Spearman's rho of stated and derived importance, and where their orders differ most."""
    derived = importance_of("johnson" if importance == "stated" else importance, figures)
    if not figures.stated.size:
        return None, ()
    both = np.concatenate([figures.stated, derived])
    if not np.isfinite(both).all() or np.ptp(both, axis=1).min() == 0:
        return None, ()
    rho = float(stats.spearmanr(figures.stated[0], derived[0]).statistic)
    said, found = ranked(figures.stated)[0], ranked(derived)[0]
    if (said == found).all():
        return rho, ()
    widest = int(np.abs(said - found).argmax())
    return rho, (
        message(
            "Stated and derived importance put the drivers in different orders, Spearman's rho "
            "{rho:.2f}; farthest apart is {driver}, in place {stated} as stated and {derived} as "
            "derived.",
            rho=rho,
            driver=drivers[widest],
            stated=int(said[widest]),
            derived=int(found[widest]),
        ),
    )


def _unsure(table: pd.DataFrame, conf_level: float) -> tuple[Message, ...]:
    """The drivers that too few resamples leave in their quadrant."""
    sure = np.array([row[f"p_{row['quadrant']}"] for _, row in table.iterrows()])
    names = table["driver"][sure < conf_level]
    if names.empty:
        return ()
    return (
        message(
            "Less than {level:g}% of the resamples leave these drivers in their quadrant: "
            "{drivers}.",
            level=100 * conf_level,
            drivers=", ".join(names),
        ),
    )
