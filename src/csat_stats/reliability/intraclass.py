"""Intraclass correlation: do raters give the same subjects the same scores?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import Array, check_level, matrix
from csat_stats.results import Message, Result, message

Form = Literal["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"]
FORMS: tuple[Form, ...] = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")
METHODS = {
    "ICC1": message(
        "Intraclass correlation ICC(1,1): each subject has raters of its own, one rating; F "
        "interval; only subjects with all {k} ratings."
    ),
    "ICC2": message(
        "Intraclass correlation ICC(2,1): raters drawn from many, absolute agreement, one rating; "
        "F interval; only subjects with all {k} ratings."
    ),
    "ICC3": message(
        "Intraclass correlation ICC(3,1): these raters only, consistency, one rating; F interval; "
        "only subjects with all {k} ratings."
    ),
    "ICC1k": message(
        "Intraclass correlation ICC(1,k): each subject has raters of its own, mean of {k} ratings; "
        "F interval; only subjects with all {k} ratings."
    ),
    "ICC2k": message(
        "Intraclass correlation ICC(2,k): raters drawn from many, absolute agreement, mean of {k} "
        "ratings; F interval; only subjects with all {k} ratings."
    ),
    "ICC3k": message(
        "Intraclass correlation ICC(3,k): these raters only, consistency, mean of {k} ratings; F "
        "interval; only subjects with all {k} ratings."
    ),
}


@dataclass(frozen=True, kw_only=True)
class IntraclassCorrelation(Result):
    """Intraclass correlation; ``estimate`` is the form that was asked for.

    Attributes
    ----------
    form
        ``"ICC1"`` … ``"ICC3k"``.
    k
        Number of raters.
    ms_subjects, ms_raters, ms_error, ms_within
        Mean squares of the two-way analysis of variance, and within subjects (one-way).
    table
        One row a form: ``form, estimate, conf_low, conf_high, statistic`` (F that subjects do not
        differ), ``df, df_error, p_value``.
    """

    form: Form
    k: int
    ms_subjects: float | None = None
    ms_raters: float | None = None
    ms_error: float | None = None
    ms_within: float | None = None


def icc(
    ratings: pd.DataFrame, *, form: Form = "ICC2", conf_level: float = 0.95
) -> IntraclassCorrelation:
    """Agreement of raters on a numeric scale: the six intraclass correlations.

    Parameters
    ----------
    ratings
        Subjects × raters, any numeric dtype. A subject that lacks a rating is left out.
    form
        Which of the six is the ``estimate``; all are in ``table``. ``ICC1``: each subject has
        raters of its own. ``ICC2``: the raters stand for many, absolute agreement. ``ICC3``: these
        raters only, consistency (rater means may differ). With ``k`` the reliability of the mean
        of all raters, without of one.
    conf_level
        Level of the intervals, 0–1.

    Returns
    -------
    IntraclassCorrelation
        Not estimable with fewer than two raters or subjects, or when no rating differs from
        another. Perfect agreement is 1 with an infinite F.

    Raises
    ------
    ValueError
        A column is not numeric, holds infinity or has the name of another; ``form`` or
        ``conf_level`` make no sense.

    Notes
    -----
    Shrout & Fleiss (1979, Psychological Bulletin 86); interval of ICC2 by Satterthwaite's degrees
    of freedom as there. Checked against R psych 2.2.9 ``ICC(lmer = FALSE)``.

    Examples
    --------
    >>> ratings = pd.DataFrame({"a": [9, 6, 8, 7, 10, 6], "b": [2, 1, 4, 1, 5, 2]})
    >>> result = icc(ratings, form="ICC3")
    >>> round(result.estimate, 3), round(result.conf_low, 3), round(result.conf_high, 3)
    (0.745, -0.021, 0.96)
    """
    check_level(conf_level)
    if form not in FORMS:
        raise ValueError(f"form is {form!r}: one of {', '.join(FORMS)} is needed")
    x = matrix(ratings)
    complete = x[~np.isnan(x).any(axis=1)]
    n, k = complete.shape
    base: dict[str, Any] = {
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": len(x) - n,
        "form": form,
        "k": k,
        "method": Message(METHODS[form].text, {"k": k}),
    }
    if k < 2:
        reason = message("Agreement needs at least two raters.")
        return IntraclassCorrelation(**base, not_estimable=reason)
    if n < 2:
        reason = message(
            "{n} complete rows are too few: at least {minimum} are needed.", n=n, minimum=2
        )
        return IntraclassCorrelation(**base, not_estimable=reason)
    subjects, raters, error, within = squares = _mean_squares(complete)
    if subjects == 0:
        reason = message("All subjects have one mean rating: there is no difference to agree on.")
        return IntraclassCorrelation(**base, not_estimable=reason)
    notes = []
    if within == 0:
        notes.append(message("The raters agree perfectly."))
    table = _forms(n, k, squares, conf_level)
    row = table.set_index("form").loc[form]
    if np.isnan(row["estimate"]):
        reason = message(
            "Ratings of one subject differ so much more than subjects do that this coefficient "
            "does not exist."
        )
        return IntraclassCorrelation(**base, not_estimable=reason, table=table)
    if row["estimate"] < 0:
        notes.append(
            message(
                "The coefficient is negative: ratings of one subject differ more than subjects do."
            )
        )
    return IntraclassCorrelation(
        **base,
        estimate=float(row["estimate"]),
        conf_low=None if np.isnan(row["conf_low"]) else float(row["conf_low"]),
        conf_high=None if np.isnan(row["conf_high"]) else float(row["conf_high"]),
        ms_subjects=subjects,
        ms_raters=raters,
        ms_error=error,
        ms_within=within,
        notes=tuple(notes),
        table=table,
    )


def _mean_squares(x: Array) -> tuple[float, float, float, float]:
    """Subjects, raters, error and within subjects; exactly 0 where there is no variation."""
    n, k = x.shape
    x = x - x[0, 0]
    of_subject, of_rater, middle = x.mean(axis=1), x.mean(axis=0), x.mean()
    rounding = 1e-24 * float((x**2).sum())
    subjects = k * float(((of_subject - middle) ** 2).sum())
    raters = n * float(((of_rater - middle) ** 2).sum())
    error = float(((x - of_subject[:, None] - of_rater + middle) ** 2).sum())
    subjects, raters, error = (
        part if part > rounding else 0.0 for part in (subjects, raters, error)
    )
    return (
        subjects / (n - 1),
        raters / (k - 1),
        error / ((n - 1) * (k - 1)),
        (raters + error) / (n * (k - 1)),
    )


def _forms(
    n: int, k: int, squares: tuple[float, float, float, float], conf_level: float
) -> pd.DataFrame:
    subjects, raters, error, within = squares
    tail = (1 - conf_level) / 2
    rows = []
    for form, noise, df_error in (
        ("ICC1", within, n * (k - 1)),
        ("ICC2", error, (n - 1) * (k - 1)),
        ("ICC3", error, (n - 1) * (k - 1)),
    ):
        f = subjects / noise if noise else np.inf
        if form == "ICC2":
            spread = (raters - noise) / n
            single = (subjects - noise) / (subjects + (k - 1) * noise + k * spread)
            low, high = _interval_of_icc2(n, k, squares, single, tail)
            mean, low_mean, high_mean = (_of_mean(value, k) for value in (single, low, high))
        else:
            # ratios of mean squares as noise over subjects, which is 0 when raters agree
            ratio = noise / subjects
            worst = ratio * stats.f.isf(tail, n - 1, df_error)
            best = ratio / stats.f.isf(tail, df_error, n - 1)
            single, low, high = (_of_one(value, k) for value in (ratio, worst, best))
            mean, low_mean, high_mean = 1 - ratio, 1 - worst, 1 - best
        test = {
            "statistic": f,
            "df": n - 1,
            "df_error": df_error,
            "p_value": float(stats.f.sf(f, n - 1, df_error)),
        }
        rows.append({"form": form, "estimate": single, "conf_low": low, "conf_high": high, **test})
        rows.append(
            {
                "form": f"{form}k",
                "estimate": mean,
                "conf_low": low_mean,
                "conf_high": high_mean,
                **test,
            }
        )
    return pd.DataFrame(rows).set_index("form").loc[list(FORMS)].reset_index()


def _of_one(ratio: float, k: int) -> float:
    """Reliability of one rating from the ratio noise : subjects of mean squares."""
    return (1 - ratio) / (1 + (k - 1) * ratio)


def _of_mean(single: float, k: int) -> float:
    """Reliability of the mean of k ratings from that of one."""
    growth = 1 + (k - 1) * single
    return k * single / growth if growth > 0 else float("nan")


def _interval_of_icc2(
    n: int, k: int, squares: tuple[float, float, float, float], single: float, tail: float
) -> tuple[float, float]:
    subjects, raters, error, _ = squares
    a = k * single * raters
    b = (n * (1 + (k - 1) * single) - k * single) * error
    df = (k - 1) * (n - 1) * (a + b) ** 2 / ((n - 1) * a**2 + b**2) if a or b else 1.0
    noise = k * raters + (k * n - k - n) * error

    def end(ratio: float) -> float:
        if ratio > 1 and subjects:  # it can be so large that a product overflows
            return float(n * (subjects - error / ratio) / (noise / ratio + n * subjects))
        between = ratio * subjects
        return float(n * (between - error) / (noise + n * between))

    return end(stats.f.ppf(tail, df, n - 1)), end(stats.f.isf(tail, df, n - 1))
