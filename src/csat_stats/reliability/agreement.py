"""Agreement of raters on categories beyond chance: kappa of two raters and of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import Array, check_level
from csat_stats.reliability._ratings import ONE_CATEGORY, ONE_RATER, Ratings, coded
from csat_stats.results import Result, message

KAPPA = {
    "nominal": message(
        "Cohen's kappa with a large-sample interval; only subjects that both raters rated."
    ),
    "linear": message(
        "Cohen's weighted kappa, a disagreement counting by its distance, with a large-sample "
        "interval; only subjects that both raters rated."
    ),
    "quadratic": message(
        "Cohen's weighted kappa, a disagreement counting by its squared distance, with a "
        "large-sample interval; only subjects that both raters rated."
    ),
    "given": message(
        "Cohen's weighted kappa with given weights and a large-sample interval; only subjects that "
        "both raters rated."
    ),
}


@dataclass(frozen=True, kw_only=True)
class CohenKappa(Result):
    """Cohen's kappa of two raters.

    Attributes
    ----------
    std_error
        Of the estimate, under its interval.
    observed, expected
        Agreement that there is and that chance would give, 0–1, disagreements counted as asked.
    statistic, p_value
        z test that the raters agree by chance only.
    table
        One row a pair of categories: ``first, second, n, expected`` (by chance).
    """

    std_error: float | None = None
    observed: float | None = None
    expected: float | None = None
    statistic: float | None = None
    p_value: float | None = None


@dataclass(frozen=True, kw_only=True)
class FleissKappa(Result):
    """Fleiss' kappa of several raters.

    Attributes
    ----------
    n_raters
        Number of raters.
    std_error
        Of the estimate, under its interval.
    observed, expected
        Agreement of two raters that there is and that chance would give, 0–1.
    statistic, p_value
        z test that the raters agree by chance only.
    table
        One row a category, against all others: ``category, share`` (of the ratings, 0–1),
        ``estimate, std_error, statistic, p_value`` (under chance).
    """

    n_raters: int
    std_error: float | None = None
    observed: float | None = None
    expected: float | None = None
    statistic: float | None = None
    p_value: float | None = None


def cohen_kappa(
    first: pd.Series,
    second: pd.Series,
    *,
    disagreement: Literal["nominal", "linear", "quadratic"] | pd.DataFrame = "nominal",
    categories: Sequence[Any] | None = None,
    conf_level: float = 0.95,
) -> CohenKappa:
    """Agreement of two raters beyond chance: Cohen's kappa, unweighted or weighted.

    Parameters
    ----------
    first, second
        Category that each rater gave each subject: numbers, text or categorical. They have one
        index. A subject that either did not rate is left out.
    disagreement
        How much a disagreement counts: ``"nominal"``, all the same; ``"linear"`` and
        ``"quadratic"`` by the distance of the categories, which is that of their values where they
        are numbers and of their places in the order otherwise; or a frame, categories × categories,
        of numbers from 0 up that are 0 on the diagonal.
    categories
        All categories in their order. Needed for distances between categories that are text and
        not an ordered categorical.
    conf_level
        Level of the interval, 0–1.

    Returns
    -------
    CohenKappa
        Not estimable without subjects or when all ratings are the same.

    Raises
    ------
    ValueError
        Different indexes; a rating outside ``categories``; distances without an order; a frame of
        weights with other categories, negative numbers or a diagonal other than 0.

    Notes
    -----
    1 − Σvp/Σve over the cells, v the weight of the disagreement, p the share and e that by chance
    (Cohen 1960, 1968, Psychological Bulletin 70); errors of the estimate and under chance by
    Fleiss, Cohen & Everitt (1969, Psychological Bulletin 72). Checked against statsmodels
    ``cohens_kappa`` and R psych 2.2.9 ``cohen.kappa``; not its error of a weighted kappa, which
    takes each row's margin in place of the weighted mean of them.

    Examples
    --------
    >>> first = pd.Series([1, 2, 3, 3, 2, 1, 3, 2])
    >>> second = pd.Series([1, 2, 3, 2, 2, 1, 3, 3])
    >>> round(cohen_kappa(first, second).estimate, 3)
    0.619
    >>> round(cohen_kappa(first, second, disagreement="quadratic").estimate, 3)
    0.795
    """
    check_level(conf_level)
    if not first.index.equals(second.index):
        raise ValueError("the two raters have different row labels: align them first")
    rated = coded([first, second], categories)
    names, codes = rated.categories, rated.codes
    kind = "given" if isinstance(disagreement, pd.DataFrame) else disagreement
    if kind not in KAPPA:
        raise ValueError(
            f"disagreement is {kind!r}: 'nominal', 'linear', 'quadratic' or a frame is needed"
        )
    codes = codes[(codes >= 0).all(axis=1)]
    n, q = len(codes), len(names)
    base: dict[str, Any] = {
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": len(first) - n,
        "method": KAPPA[kind],
    }
    if n == 0:
        return CohenKappa(**base, not_estimable=message("No subject was rated by both raters."))
    if (codes == codes[0, 0]).all():
        return CohenKappa(**base, not_estimable=ONE_CATEGORY)
    v = _disagreement(disagreement, rated)
    counts = np.zeros((q, q))
    np.add.at(counts, (codes[:, 0], codes[:, 1]), 1)
    share = counts / n
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    chance = np.outer(rows, columns)
    if (v * chance).sum() == 0:
        reason = message("Given these weights there is nothing to disagree on.")
        return CohenKappa(**base, not_estimable=reason)
    kappa = float(1 - (v * share).sum() / (v * chance).sum())
    w = 1 - v / v.max()
    observed, expected = float((w * share).sum()), float((w * chance).sum())
    mean = (w @ columns)[:, None] + rows @ w
    slope = w * (1 - expected) - mean * (1 - observed)
    variance = (share * (slope - (share * slope).sum()) ** 2).sum() / (1 - expected) ** 4
    by_chance = (chance * (w - mean + expected) ** 2).sum() / (1 - expected) ** 2
    error = float(np.sqrt(variance / n))
    z = kappa / float(np.sqrt(by_chance / n)) if by_chance > 1e-14 else None
    margin = float(stats.norm.isf((1 - conf_level) / 2)) * error
    first_of, second_of = np.divmod(np.arange(q * q), q)
    return CohenKappa(
        **base,
        estimate=kappa,
        conf_low=max(kappa - margin, -1.0),
        conf_high=min(kappa + margin, 1.0),
        std_error=error,
        observed=observed,
        expected=expected,
        statistic=z,
        p_value=None if z is None else float(2 * stats.norm.sf(abs(z))),
        table=pd.DataFrame(
            {
                "first": names.take(first_of),
                "second": names.take(second_of),
                "n": counts.ravel().astype(int),
                "expected": n * chance.ravel(),
            }
        ),
    )


def fleiss_kappa(
    ratings: pd.DataFrame,
    *,
    categories: Sequence[Any] | None = None,
    conf_level: float = 0.95,
) -> FleissKappa:
    """Agreement of several raters on categories beyond chance: Fleiss' kappa.

    Parameters
    ----------
    ratings
        Subjects × raters: numbers, text or categorical. Which rater gave which rating does not
        matter. A subject that lacks a rating is left out; :func:`krippendorff_alpha` keeps it.
    categories
        All categories in their order, if not those that occur.
    conf_level
        Level of the interval, 0–1.

    Returns
    -------
    FleissKappa
        Not estimable with fewer than two raters or subjects, or when all ratings are the same.

    Raises
    ------
    ValueError
        A rating outside ``categories``.

    Notes
    -----
    (observed − expected)/(1 − expected) agreement of pairs of raters (Fleiss 1971, Psychological
    Bulletin 76); test under chance by Fleiss, Nee & Landis (1979, Psychological Bulletin 86);
    interval by t(n − 1) from the influence of each subject (Gwet 2021, Educational and
    Psychological Measurement 81). Checked against the formulas of R irr ``kappam.fleiss``, and
    irrCAC 0.4.4 ``fleiss``.

    Examples
    --------
    >>> ratings = pd.DataFrame({"a": list("xxyyz"), "b": list("xxyzz"), "c": list("xyyyz")})
    >>> result = fleiss_kappa(ratings)
    >>> round(result.estimate, 3), round(result.observed, 3)
    (0.595, 0.733)
    """
    check_level(conf_level)
    rated = coded([column for _, column in ratings.items()], categories)
    complete = (rated.codes >= 0).all(axis=1)
    n, m = int(complete.sum()), ratings.shape[1]
    base: dict[str, Any] = {
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": len(ratings) - n,
        "n_raters": m,
        "method": message(
            "Fleiss' kappa with a t interval over the subjects; only subjects with all {m} "
            "ratings.",
            m=m,
        ),
    }
    if m < 2:
        return FleissKappa(**base, not_estimable=ONE_RATER)
    if n < 2:
        reason = message(
            "{n} complete rows are too few: at least {minimum} are needed.", n=n, minimum=2
        )
        return FleissKappa(**base, not_estimable=reason)
    counts = rated.counts()[complete]
    if (counts.sum(axis=0) > 0).sum() == 1:
        return FleissKappa(**base, not_estimable=ONE_CATEGORY)
    share = counts.sum(axis=0) / (n * m)
    each = (counts * (counts - 1)).sum(axis=1) / (m * (m - 1))
    observed, expected = float(each.mean()), float(share @ share)
    kappa = (observed - expected) / (1 - expected)
    influence = (each - expected) / (1 - expected)
    influence -= 2 * (1 - kappa) * (counts @ share / m - expected) / (1 - expected)
    error = float(np.sqrt(((influence - kappa) ** 2).sum() / (n * (n - 1))))
    margin = float(stats.t.isf((1 - conf_level) / 2, n - 1)) * error
    pairs, other = n * m * (m - 1), share * (1 - share)
    by_chance = 2 / pairs * (1 - (other * (1 - 2 * share)).sum() / other.sum() ** 2)
    z = kappa / float(np.sqrt(by_chance))
    with np.errstate(divide="ignore", invalid="ignore"):  # a category that nobody used
        within = (counts * (counts - 1)).sum(axis=0) / (pairs * share)
        one = (within - share) / (1 - share)
    single = np.sqrt(2 / pairs)
    return FleissKappa(
        **base,
        estimate=kappa,
        conf_low=max(kappa - margin, -1.0),
        conf_high=min(kappa + margin, 1.0),
        std_error=error,
        observed=observed,
        expected=expected,
        statistic=z,
        p_value=float(2 * stats.norm.sf(abs(z))),
        table=pd.DataFrame(
            {
                "category": rated.categories,
                "share": share,
                "estimate": one,
                "std_error": np.where(np.isnan(one), np.nan, single),
                "statistic": one / single,
                "p_value": 2 * stats.norm.sf(np.abs(one / single)),
            }
        ),
    )


def _disagreement(how: str | pd.DataFrame, rated: Ratings) -> Array:
    """How much each pair of categories counts as disagreement, 0 on the diagonal."""
    names = rated.categories
    if isinstance(how, pd.DataFrame):
        if set(how.index) != set(names) or set(how.columns) != set(names):
            raise ValueError(
                "disagreement has other categories than the ratings: "
                f"{', '.join(map(repr, names))} are needed as rows and as columns"
            )
        v: Array = how.loc[names, names].to_numpy(dtype=float)
        if not (v >= 0).all() or np.diag(v).any() or np.isinf(v).any():
            raise ValueError("disagreement has to be 0 on the diagonal and 0 or more elsewhere")
        return v
    if how == "nominal":
        return 1 - np.eye(len(names))
    apart = np.abs(np.subtract.outer(rated.places(), rated.places()))
    return apart if how == "linear" else apart**2
