"""Regression and analysis of variance beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd
from references import data_set, oracle

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields, same
from csat_stats import regression

R = "R 4.2.2 "


def comparisons() -> Iterator[Comparison]:
    sandwich = "R sandwich 3.0-2 `vcovHC`, lmtest 0.9-40 `coeftest`, `coefci`, `waldtest`"
    survey = "R survey 4.1-1 `svyglm`, `regTermTest`; `lm(weights=)`"
    for data in ("longley", "attitude", "swiss"):
        for name, call, figures in [
            ("ols", f"{R}`lm`, `confint`, `vcov`", least_squares),
            ("ols(errors=)", f"{sandwich}, HC0–HC3", sandwiches),
            ("ols, weighted", survey, weighted_squares),
        ]:
            shown = "Longley, 3 predictors" if data == "longley" else data
            yield Comparison(f"regression.{name}", shown, call, partial(figures, data))
    call = f"{R}`anova(aov)`, effectsize 0.8.3 `eta_squared`, `omega_squared`"
    yield Comparison("regression.one_way", "PlantGrowth", call, plants)


def _fitted(data: str, **options: Any) -> tuple[Any, Mapping[str, Any]]:
    expected = oracle("regression")[data]
    typed = data == "longley"
    frame = pd.DataFrame(expected["data"]) if typed else data_set(data).select_dtypes("number")
    if options.pop("weighted", False):
        options["weights"] = pd.Series(expected["weights"], frame.index)
    outcome = expected["outcome"]
    return regression.ols(frame[outcome], frame.drop(columns=outcome), **options), expected


def _model(result: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    table = same("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
    table = {ours: theirs for ours, theirs in table.items() if theirs in expected}
    for field, ours, theirs in columns(result.table, expected, table):
        yield f"table.{field}", ours, theirs
    names = same("r_squared", "adj_r_squared", "residual_sd", "df", "df_residual")
    names |= {"statistic": "F", "p_value": "p_F"}
    yield from fields(result, expected, {a: b for a, b in names.items() if b in expected})
    yield "covariance", result.covariance, expected["covariance"]


def least_squares(data: str) -> Iterable[Figure]:
    result, expected = _fitted(data)
    yield from _model(result, expected["classical"])
    for field in ("standardized", "vif"):
        yield f"table.{field}", result.table[field][1:], expected["classical"][field]
    yield from _model(_fitted(data, intercept=False)[0], expected["no_intercept"])


def sandwiches(data: str) -> Iterable[Figure]:
    for errors in ("HC0", "HC1", "HC2", "HC3"):
        result, expected = _fitted(data, errors=errors)
        yield from _model(result, expected[errors])


def weighted_squares(data: str) -> Iterable[Figure]:
    result, expected = _fitted(data, weighted=True)
    return _model(result, expected["weighted"])


def plants() -> Iterable[Figure]:
    expected = oracle("regression")["PlantGrowth"]
    result = regression.one_way(pd.Series(expected["weight"]), pd.Series(expected["group"]))
    names = same("df", "df_residual", "p_value", "eta_squared", "omega_squared")
    names |= same("ss_between", "ss_within", "residual_sd") | {"statistic": "F"}
    yield from fields(result, expected, names)
    for field, ours, theirs in columns(result.table, expected, same("n", "mean", "std_dev")):
        yield f"table.{field}", ours, theirs
