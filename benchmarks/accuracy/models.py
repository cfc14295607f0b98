"""Loyalty and regression beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import data_set, oracle

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields, same
from csat_stats import loyalty, regression

R = "R 4.2.2 "
Z = 1.959963984540054  # R's intervals of marginal effects are estimate ± z times the error


def comparisons() -> Iterator[Comparison]:
    yield from _loyalty()
    yield from _regression()


# --- loyalty


def _loyalty() -> Iterator[Comparison]:
    name = "loyalty.repurchase_model"
    call = (
        f"{R}`glm(binomial, epsilon=1e-14)`, `confint.default`; pROC 1.18.0 `ci.auc`; AME by hand"
    )
    yield Comparison(name, "18 typed customers", call, typed_model)
    for key, data in (
        ("logit_14raw", "airline_sample, 14 drivers"),
        ("logit_full", "airline_sample, 18 drivers"),
        ("logit_loyal_CUSL1ge9", "ecsi_mobi, 3 drivers"),
    ):
        yield Comparison(name, data, call, partial(model, key))
    call = f"{R}`predict(glm(binomial), se.fit=TRUE)`"
    yield Comparison("loyalty.satisfaction_curve", "18 typed customers", call, typed_curve)
    yield Comparison("loyalty.satisfaction_curve", "ecsi_mobi", call, mobi_curve)


def _typed() -> tuple[pd.Series, pd.DataFrame, Mapping[str, Any]]:
    data = oracle("loyalty")["typed"]
    drivers = pd.DataFrame({name: data[name] for name in ("satisfaction", "speed")})
    return pd.Series(data["outcome"]), drivers, data


def _coefficients(result: Any) -> pd.DataFrame:
    return pd.concat([result.intercept, result.table], ignore_index=True)


def _explained(result: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    effect, error = (
        np.array(list(expected["ame"][name].values())) for name in ("estimate", "std_error")
    )
    for end, theirs in (("", effect), ("_low", effect - Z * error), ("_high", effect + Z * error)):
        yield f"table.marginal_effect{end}", result.table[f"marginal_effect{end}"], theirs
    auc = [result.conf_low, result.estimate, result.conf_high]
    yield "AUC conf_low, estimate, conf_high", auc, expected["auc_delong"]


def typed_model() -> Iterable[Figure]:
    outcome, drivers, expected = _typed()
    result = loyalty.repurchase_model(outcome, drivers)
    names = same("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
    for field, ours, theirs in columns(_coefficients(result), expected, names):
        yield f"table.{field}", ours, theirs
    yield from _explained(result, expected)
    yield "table.vif", result.table["vif"], expected["vif"]
    names = {"log_likelihood": "loglik", "null_log_likelihood": "null_loglik", "aic": "aic"}
    names |= {"mcfadden_r2": "mcfadden", "nagelkerke_r2": "nagelkerke"}
    yield from fields(result, expected, names)


def _mobi() -> tuple[pd.Series, pd.DataFrame]:
    data = data_set("ecsi_mobi")
    stems = {"Satisfaction": "CUSA\\d", "Value": "PERV", "Image": "IMAG"}
    means = {name: data.filter(regex=f"^{stem}").mean(axis=1) for name, stem in stems.items()}
    return data["CUSL1"] >= 9, pd.DataFrame(means)


def _drivers(key: str) -> tuple[pd.Series, pd.DataFrame]:
    if key.startswith("logit_loyal"):
        return _mobi()
    data = data_set("airline_sample")
    drivers = data.iloc[:, 9:23]
    if key == "logit_full":
        drivers = drivers.assign(
            bus=data["Type of Travel"] == "Business",
            plus=data["Class"] == "Economy Plus",
            business=data["Class"] == "Business",
            ret=data["Customer Type"] == "Returning",
        )
    return data["Satisfaction"] == "Satisfied", drivers


def model(key: str) -> Iterable[Figure]:
    expected = oracle("loyalty")[key]
    result = loyalty.repurchase_model(*_drivers(key))
    table = _coefficients(result)
    names = {"estimate": "Estimate", "std_error": "Std. Error", "statistic": "z value"}
    theirs = pd.DataFrame(expected["coef"]).T
    for field, one, two in columns(table, theirs, names | {"p_value": "Pr(>|z|)"}):
        yield f"table.{field}", one, two
    theirs = pd.DataFrame(expected["ci95_wald"]).T
    for field, one, two in columns(table, theirs, {"conf_low": "2.5 %", "conf_high": "97.5 %"}):
        yield f"table.{field}", one, two
    yield from _explained(result, expected)
    yield "table.vif", result.table["vif"], list(expected["vif"].values())
    yield from fields(result, expected, {"n_used": "n", "log_likelihood": "loglik", "aic": "aic"})
    names = {"mcfadden_r2": "mcfadden", "nagelkerke_r2": "nagelkerke"}
    yield from fields(result, expected["pseudo_r2"], names)


def _curve(result: Any, expected: Mapping[str, Any], threshold: str) -> Iterable[Figure]:
    for field, ours, theirs in columns(
        result.table, expected, same("estimate", "conf_low", "conf_high")
    ):
        yield f"table.{field}", ours, theirs
    yield "threshold", result.threshold, expected[threshold]


def typed_curve() -> Iterable[Figure]:
    outcome, drivers, expected = _typed()
    scores = drivers["satisfaction"]
    result = loyalty.satisfaction_curve(outcome, scores, at=range(1, 6), target=0.6)
    return _curve(result, expected["curve"], "threshold_60")


def mobi_curve() -> Iterable[Figure]:
    expected, (loyal, drivers) = oracle("loyalty")["curve_mobi"], _mobi()
    scores = drivers["Satisfaction"]
    result = loyalty.satisfaction_curve(loyal, scores, at=expected["at"], target=0.7)
    yield from _curve(result, expected, "threshold_70")
    names = same("odds_ratio", "odds_ratio_low", "odds_ratio_high", "p_value", "n_events")
    yield from fields(result, expected, names)


# --- regression


def _regression() -> Iterator[Comparison]:
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
