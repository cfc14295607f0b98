"""Multiple imputation beside R mice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from references import oracle

from benchmarks.accuracy.comparison import Comparison, Figure, columns, same
from csat_stats import imputation
from csat_stats.regression import ols

MICE = "R mice 3.15.0 "


def comparisons() -> Iterator[Comparison]:
    data = "nhanes of mice, 10 imputations"
    call = f"{MICE}`pool`, `summary(conf.int=TRUE)`"
    yield Comparison("imputation.pool", data, call, pooled)
    call = f"{MICE}`pool.scalar(n=Inf)`"
    yield Comparison("imputation.pool, endless df", data, call, pooled_endless)
    data, call = "nhanes of mice", "R 4.2.2 `lm`, `confint`, complete rows"
    yield Comparison("imputation.imputed", data, call, complete_cases)
    call = f'{MICE}`mice(m=600, method="pmm")`'
    yield Comparison("imputation.impute", data, f"{call}, column means", means, "simulated")
    call = f"{call}, `pool(lm())`, in its standard errors"
    yield Comparison("imputation.imputed", data, call, estimates, "simulated", True)


def _nhanes() -> pd.DataFrame:
    return pd.DataFrame(oracle("imputation")["nhanes"]["data"], dtype=float)


def _model(frame: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    fit = ols(frame["chl"], frame[["age", "bmi"]])
    return pd.Series(fit.table["estimate"].to_numpy(), fit.covariance.index), fit.covariance


def _pool(complete: float | None) -> pd.DataFrame:
    expected = oracle("imputation")["pool"]
    frames = (pd.DataFrame(expected[name]) for name in ("estimates", "std_errors"))
    return imputation.pool(*frames, n_complete_df=complete).table


def pooled() -> Iterable[Figure]:
    expected = oracle("imputation")["pool"]
    names = same("estimate", "std_error", "statistic", "df", "p_value", "fmi")
    names |= {"conf_low": "low", "conf_high": "high"}
    for field, ours, theirs in columns(_pool(expected["dfcom"]), expected, names):
        yield f"table.{field}", ours, theirs


def pooled_endless() -> Iterable[Figure]:
    expected = oracle("imputation")["pool_infinite"]
    for field, ours, theirs in columns(_pool(None), expected, same("df", "fmi")):
        yield f"table.{field}", ours, theirs


def complete_cases() -> Iterable[Figure]:
    expected = oracle("imputation")["complete_cases"]
    table = imputation.imputed(_model, _nhanes(), n_imputations=2).table
    low, high = zip(*expected["ci"], strict=True)
    theirs = {"": expected["coef"], "_std_error": expected["se"], "_low": low, "_high": high}
    for name, values in theirs.items():
        yield f"table.complete_cases{name}", table[f"complete_cases{name}"], values


def means() -> Iterable[Figure]:
    frames = imputation.impute(_nhanes(), n_imputations=100, seed=1).frames
    expected = oracle("imputation")["many"]["means"]
    yield "means of frames", np.mean([frame.mean() for frame in frames], axis=0), expected


def estimates() -> Iterable[Figure]:
    expected = oracle("imputation")["many"]
    table = imputation.imputed(_model, _nhanes(), n_imputations=300, n_complete_df=22).table
    unit = np.array(expected["std_error"])
    for field in ("estimate", "std_error"):
        yield f"table.{field}", table[field] / unit, np.array(expected[field]) / unit
