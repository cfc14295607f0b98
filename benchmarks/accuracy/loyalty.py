"""Models of buying again, their curves and calibration beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import data_set, oracle
from scipy.special import expit
from scipy.stats import t

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields, limits, same
from csat_stats import loyalty

R = "R 4.2.2 "
Z = 1.959963984540054  # R's intervals of marginal effects are estimate ± z times the error
FIRTH = 'R brglm2 0.9 `glm(method="brglmFit")`, profiles by `uniroot` on `optim`'
SVYGLM = "R survey 4.1-1 `svyglm(quasibinomial)`"
DESIGNS = {
    "cluster": ("(cluster=)", f'{R}`glm`, sandwich 3.0-2 `vcovCL(type="HC1")`, `coeftest`'),
    "weights": (", weighted", SVYGLM),
    "both": ("(cluster=), weighted", SVYGLM.replace(")`", ", svydesign(ids=))`")),
}
WALD = same("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


def comparisons() -> Iterator[Comparison]:
    yield from _models()
    yield from _curves()
    yield from _calibrations()


def _models() -> Iterator[Comparison]:
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
    for data, shown in (
        ("survey", "72 typed customers of 12 engineers"),
        ("api_clus1", "api_clus1"),
    ):
        for design, (kind, call) in DESIGNS.items():
            figures = partial(designed, data, design)
            yield Comparison(f"{name}{kind}", shown, call, figures)
    for case, data in (("sex2", "`sex2` of logistf"), ("endometrial", "`endometrial` of brglm2")):
        figures = partial(penalised, case)
        yield Comparison(f"{name}, Firth", data, f"{FIRTH}, AME by hand", figures, "iterative")


def _curves() -> Iterator[Comparison]:
    call = f"{R}`predict(glm(binomial), se.fit=TRUE)`"
    yield Comparison("loyalty.satisfaction_curve", "18 typed customers", call, typed_curve)
    yield Comparison("loyalty.satisfaction_curve", "ecsi_mobi", call, mobi_curve)
    data = "72 typed customers of 12 engineers"
    for design, (kind, call) in ({"plain": ("", f"{R}`glm(binomial)`")} | DESIGNS).items():
        if design in oracle("loyalty")["survey"]["curve"]:
            call = f"{call}; limits of the threshold by `uniroot`"
            figures = partial(survey_curve, design)
            yield Comparison(f"loyalty.satisfaction_curve{kind}", data, call, figures)
    name, data = "loyalty.satisfaction_curve, Firth", "10 typed customers"
    yield Comparison(name, data, FIRTH, penalised_curve, "iterative")


def _calibrations() -> Iterator[Comparison]:
    name = "loyalty.calibration"
    plain = f"{R}`glm(y ~ qlogis(p))`, with `offset`; formula of ResourceSelection `hoslem.test`"
    data = {"plain": "72 typed customers", "airline": "airline_sample, its second half"}
    for case, shown in data.items():
        yield Comparison(name, shown, plain, partial(judged, case))
        call = "R rms 6.5-0 `val.prob` (stops its search early)"
        yield Comparison(name, shown, call, partial(val_prob, case), "iterative")
    call = "R survey 4.1-1 `svyglm`"
    shown, figures = data["plain"], partial(judged, "weighted")
    yield Comparison(f"{name}, weighted", shown, call, figures, "iterative")


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


# --- weights, clusters, separation


def _survey(data: str, design: str) -> tuple[pd.Series, pd.DataFrame, dict[str, pd.Series]]:
    """Outcome, drivers, and the weights and clusters of the design."""
    if data == "survey":
        given = oracle("loyalty")["survey"]
        drivers = pd.DataFrame({name: given[name] for name in ("satisfaction", "speed")})
        outcome, weights = pd.Series(given["outcome"]), pd.Series(given["weight"])
        cluster = pd.Series(given["engineer"])
    else:
        schools = data_set("api_clus1")
        outcome, drivers = schools["sch.wide"] == "Yes", schools[["ell", "meals", "mobility"]]
        weights, cluster = schools["enroll"], schools["dnum"]
    options = {} if design in ("plain", "cluster") else {"weights": weights}
    return (
        outcome,
        drivers,
        options | ({"cluster": cluster} if design in ("cluster", "both") else {}),
    )


def _marginal_effects(result: Any, expected: Mapping[str, Any], reach: float) -> Iterable[Figure]:
    effect, error = (np.array(expected["ame"][name]) for name in ("estimate", "std_error"))
    for end, theirs in (
        ("", effect),
        ("_low", effect - reach * error),
        ("_high", effect + reach * error),
    ):
        yield f"table.marginal_effect{end}", result.table[f"marginal_effect{end}"], theirs


def designed(data: str, design: str) -> Iterable[Figure]:
    outcome, drivers, options = _survey(data, design)
    result = loyalty.repurchase_model(outcome, drivers, **options)
    expected = oracle("loyalty")[data][design]
    for field, ours, theirs in columns(_coefficients(result), expected, WALD):
        yield f"table.{field}", ours, theirs
    reach = float(t.ppf(0.975, expected["df"]))
    yield from _marginal_effects(result, expected, reach)
    margin = reach * expected["auc_std_error"]
    auc = [expected["auc"] - margin, expected["auc"], min(1, expected["auc"] + margin)]
    ours = [result.conf_low, result.estimate, result.conf_high]
    yield "AUC conf_low, estimate, conf_high", ours, auc
    yield "covariance", result.covariance, expected["covariance"]
    names = {"log_likelihood": "loglik", "n_clusters": "n_clusters", "n_effective": "n_effective"}
    names |= {"nagelkerke_r2": "nagelkerke"}
    yield from fields(result, expected, {a: b for a, b in names.items() if b in expected})


def penalised(case: str) -> Iterable[Figure]:
    expected = oracle("loyalty")[f"firth_{case}"]
    rows = pd.DataFrame(expected["data"])
    if "count" in expected:
        rows = rows.loc[rows.index.repeat(expected["count"])].reset_index(drop=True)
    outcome = rows.pop("case" if case == "sex2" else "HG")
    result = loyalty.repurchase_model(outcome, rows)
    table = _coefficients(result)
    names = same("estimate", "std_error", "p_value", "conf_low", "conf_high")
    for field, ours, theirs in columns(table, expected, names):
        yield f"table.{field}", ours, theirs
    signed = np.sign(expected["estimate"]) * np.sqrt(expected["chi_square"])
    yield "table.statistic", table["statistic"], signed
    yield from _marginal_effects(result, expected, Z)
    yield "log_likelihood", result.log_likelihood, expected["loglik"]


def survey_curve(design: str) -> Iterable[Figure]:
    outcome, drivers, options = _survey("survey", design)
    expected = oracle("loyalty")["survey"]["curve"][design]
    result = loyalty.satisfaction_curve(
        outcome, drivers["satisfaction"], at=expected["at"], target=0.7, **options
    )
    yield from _curve(result, expected, "threshold")
    yield from fields(result, expected, same("threshold_low", "threshold_high"))


def penalised_curve() -> Iterable[Figure]:
    expected = oracle("loyalty")["firth_curve"]
    outcome, score = pd.Series(expected["outcome"]), pd.Series(expected["score"])
    result = loyalty.satisfaction_curve(
        outcome, score, at=expected["at"], target=expected["target"]
    )
    for field, theirs in (
        ("estimate", "curve"),
        ("conf_low", "curve_low"),
        ("conf_high", "curve_high"),
    ):
        yield f"table.{field}", result.table[field], expected[theirs]
    yield from fields(result, expected, same("threshold", "threshold_low", "threshold_high"))


# --- calibration


def _judged(case: str) -> tuple[Any, Mapping[str, Any]]:
    reference = oracle("loyalty")
    expected = reference["calibration"][case]
    if case == "airline":
        airline = data_set("airline_sample")
        outcome, items = airline["Satisfaction"] == "Satisfied", airline.iloc[:, 9:23]
        model = loyalty.repurchase_model(outcome[:1000], items[:1000])
        score = items @ model.table["estimate"].to_numpy() + model.intercept["estimate"].iloc[0]
        return loyalty.calibration(outcome[1000:], expit(score)[1000:]), expected
    outcome = pd.Series(reference["survey"]["outcome"])
    probability = pd.Series(reference["calibration"]["probability"])
    weights = pd.Series(reference["survey"]["weight"]) if case == "weighted" else None
    return loyalty.calibration(outcome, probability, groups=5, weights=weights), expected


def judged(case: str) -> Iterable[Figure]:
    result, expected = _judged(case)
    names = same("estimate", "intercept", "observed_expected", "brier", "brier_scaled", "auc")
    if case != "weighted":
        names |= {"hl_statistic": "hl", "hl_df": "hl_df", "hl_p_value": "hl_p"}
    yield from fields(result, expected, names)
    yield from limits(result, expected["conf"])
    yield from limits(result, expected["intercept_conf"], "intercept")
    shown = ["n", "predicted", "estimate", "conf_low", "conf_high"]
    for field, theirs in zip(shown, np.transpose(expected["table"]), strict=True):
        yield f"table.{field}", result.table[field], theirs


def val_prob(case: str) -> Iterable[Figure]:
    result, expected = _judged(case)
    yield from fields(result, expected["val_prob"], same("brier", "auc") | {"estimate": "slope"})
