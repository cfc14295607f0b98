"""Answers as numbers, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from csat_stats.results import message

NO_ANSWERS = message("There are no answers.")


def numbers(scores: pd.Series) -> pd.Series:
    """A numeric column of any dtype as float64 with NaN for missing, row labels kept."""
    column = scores.convert_dtypes() if scores.dtype == object else scores
    if not is_numeric_dtype(column.dtype) and column.notna().any():
        example = column.dropna().iloc[0]
        raise ValueError(f"column {scores.name!r} holds {example!r}: a numeric column is needed")
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    answers = pd.Series(values, index=scores.index, name=scores.name)
    require(~np.isinf(answers), answers, "finite numbers")
    return answers


def require(allowed: pd.Series, answers: pd.Series, needed: str) -> None:
    """Refuse answers that are not allowed, naming the first five and their rows."""
    if not allowed.all():
        wrong = answers[~allowed]
        where = ", ".join(f"{value:g} in row {label}" for label, value in wrong.head(5).items())
        more = f" and {wrong.size - 5} more" if wrong.size > 5 else ""
        raise ValueError(f"column {answers.name!r} holds {where}{more}: {needed} needed")


def check_level(conf_level: float) -> None:
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level is {conf_level}: a share such as 0.95 is needed")
