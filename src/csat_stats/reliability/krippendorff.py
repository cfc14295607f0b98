"""Krippendorff's alpha: agreement of any number of raters at any level of measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from csat_stats.frames import Array, check_level
from csat_stats.reliability._ratings import ONE_CATEGORY, ONE_RATER, Ratings, coded
from csat_stats.results import Message, Result, message

Level = Literal["nominal", "ordinal", "interval", "ratio"]
ALPHA = {
    "nominal": message(
        "Krippendorff's alpha for categories; subjects with two ratings or more, {interval}."
    ),
    "ordinal": message(
        "Krippendorff's alpha for ranks; subjects with two ratings or more, {interval}."
    ),
    "interval": message(
        "Krippendorff's alpha for differences; subjects with two ratings or more, {interval}."
    ),
    "ratio": message(
        "Krippendorff's alpha for ratios; subjects with two ratings or more, {interval}."
    ),
}


@dataclass(frozen=True, kw_only=True)
class KrippendorffAlpha(Result):
    """Krippendorff's alpha of any number of raters.

    Attributes
    ----------
    level
        Of measurement: ``"nominal"``, ``"ordinal"``, ``"interval"`` or ``"ratio"``.
    n_ratings
        Ratings of the subjects that have two or more.
    observed, expected
        Disagreement that there is and that chance would give, in the units of the level.
    table
        One row a category: ``category, n`` (of these ratings).
    """

    level: Level
    n_ratings: int
    observed: float | None = None
    expected: float | None = None


def krippendorff_alpha(
    ratings: pd.DataFrame,
    *,
    level: Level = "nominal",
    categories: Sequence[Any] | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    conf_level: float = 0.95,
) -> KrippendorffAlpha:
    """Agreement of any number of raters, ratings may be missing: Krippendorff's alpha.

    Parameters
    ----------
    ratings
        Subjects × raters: numbers, or for ``nominal`` and ``ordinal`` text or categorical. A
        missing rating is left out, and a subject with fewer than two.
    level
        Of measurement: ``"nominal"`` categories, ``"ordinal"`` ranks, ``"interval"`` differences,
        ``"ratio"`` differences relative to the sum, of numbers from 0 up.
    categories
        All categories in their order. Needed for ``ordinal`` text that is no ordered categorical.
    n_boot
        Resamples of the subjects for the percentile interval; 0 for none, otherwise at least 100.
    seed
        Of the resamples: the same seed gives the same interval.
    conf_level
        Level of the interval, 0–1.

    Returns
    -------
    KrippendorffAlpha
        Not estimable without a subject with two ratings, or when all ratings are the same.
        Resamples in which they are the same do not count in the interval.

    Raises
    ------
    ValueError
        A rating outside ``categories``; text where numbers, or an order, are needed; negative
        ``ratio`` ratings; an ``n_boot`` of 1–99.

    Notes
    -----
    1 − observed/expected disagreement of all pairs of ratings of a subject (Krippendorff 2011,
    Computing Krippendorff's Alpha-Reliability, whose example gives .743, .815, .849 and .797 for
    the four levels). Ranks count by the squared difference of their middles. Checked against
    krippendorff 0.9.0 (Python).

    Examples
    --------
    >>> ratings = pd.DataFrame({"a": [1, 2, 3, 3], "b": [1, 2, 3, 2], "c": [None, 2, 3, 3]})
    >>> round(krippendorff_alpha(ratings, level="ordinal", n_boot=0).estimate, 3)
    0.805
    """
    check_level(conf_level)
    if level not in ALPHA:
        raise ValueError(f"level is {level!r}: one of {', '.join(ALPHA)} is needed")
    if n_boot < 0 or 0 < n_boot < 100:
        raise ValueError(f"n_boot is {n_boot}: give 0 for no bootstrap, or at least 100")
    rated = coded([column for _, column in ratings.items()], categories)
    values = _values(rated, level)
    counts = rated.counts()
    counts = counts[counts.sum(axis=1) >= 2]
    n = len(counts)
    if n_boot:
        interval = message(
            "percentile interval of {n_boot} resamples of the subjects, seed {seed}",
            n_boot=n_boot,
            seed=seed,
        )
    else:
        interval = message("without interval")
    base: dict[str, Any] = {
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": len(ratings) - n,
        "n_ratings": int(counts.sum()),
        "level": level,
        "method": Message(ALPHA[level].text, {"interval": interval}),
    }
    if ratings.shape[1] < 2:
        return KrippendorffAlpha(**base, not_estimable=ONE_RATER)
    if n == 0:
        reason = message("No subject has two ratings.")
        return KrippendorffAlpha(**base, not_estimable=reason)
    if (counts.sum(axis=0) > 0).sum() == 1:
        return KrippendorffAlpha(**base, not_estimable=ONE_CATEGORY)
    observed, expected = _disagreements(counts, np.ones((1, n)), values, level)
    base["observed"], base["expected"] = float(observed[0]), float(expected[0])
    notes: list[Message] = []
    ends: tuple[float | None, float | None] = (None, None)
    if n_boot:
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=n_boot).astype(float)
        found, chance = _disagreements(counts, drawn, values, level)
        alphas = 1 - found[chance > 0] / chance[chance > 0]
        low, high = np.quantile(alphas, [(1 - conf_level) / 2, (1 + conf_level) / 2])
        ends = float(low), float(high)
        if len(alphas) < n_boot:
            notes.append(
                message(
                    "{failed} of {n_boot} resamples had no solution and do not count in the "
                    "interval.",
                    failed=n_boot - len(alphas),
                    n_boot=n_boot,
                )
            )
    return KrippendorffAlpha(
        **base,
        estimate=float(1 - observed[0] / expected[0]),
        conf_low=ends[0],
        conf_high=ends[1],
        notes=tuple(notes),
        table=pd.DataFrame({"category": rated.categories, "n": counts.sum(axis=0).astype(int)}),
    )


def _values(rated: Ratings, level: Level) -> Array:
    """Where the categories lie on the scale of the level."""
    if level == "nominal":
        return np.arange(len(rated.categories), dtype=float)
    values = rated.places()
    if level in ("interval", "ratio") and not rated.numeric:
        raise ValueError(
            f"level is {level!r}: ratings that are numbers are needed, not {rated.categories[0]!r}"
        )
    if (np.diff(values) < 0).any():
        raise ValueError("categories that are numbers are needed in ascending order")
    if level == "ratio" and (values < 0).any():
        raise ValueError(f"level is 'ratio': {values.min():g} is below 0")
    return values


def _disagreements(counts: Array, drawn: Array, values: Array, level: Level) -> tuple[Array, Array]:
    """Observed and expected disagreement of each resample, a row of ``drawn`` each.

    ``counts`` is subjects × categories, ``drawn`` how often each subject is in the resample.
    """
    ratings = counts.sum(axis=1)
    in_all, margins = drawn @ ratings, drawn @ counts
    if level == "ordinal":  # the ranks depend on the ratings in the resample
        ranks = np.cumsum(margins, axis=1) - margins / 2
        each = [_of_distance(counts, ratings, rank) for rank in ranks]
        observed = np.einsum("ij,ij->i", drawn, np.array(each))
        expected = np.array(
            [_squares(row[None], row.sum(), rank) for row, rank in zip(margins, ranks, strict=True)]
        )[:, 0]
    elif level == "interval":
        place = values - values.mean()
        observed = drawn @ _of_distance(counts, ratings, place)
        expected = _squares(margins, in_all, place)
    else:
        if level == "nominal":
            apart = 1 - np.eye(len(values))
        else:
            total = np.add.outer(values, values)
            apart = np.subtract.outer(values, values) / np.where(total > 0, total, 1)
        delta = apart**2
        observed = drawn @ (((counts @ delta) * counts).sum(axis=1) / (ratings - 1))
        expected = ((margins @ delta) * margins).sum(axis=1)
    return observed / in_all, expected / (in_all * (in_all - 1))


def _of_distance(counts: Array, ratings: Array, place: Array) -> Array:
    """Σ(a − b)² over the pairs of ratings of each subject, over its ratings less one."""
    return _squares(counts, ratings, place) / (ratings - 1)


def _squares(counts: Array, ratings: Any, place: Array) -> Array:
    """Σ(a − b)² over the ordered pairs of ratings in each row of counts."""
    found: Array = 2 * (ratings * (counts @ place**2) - (counts @ place) ** 2)
    return found
