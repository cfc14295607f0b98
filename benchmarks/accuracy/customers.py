"""Levels of satisfaction, plans that should pay, and customers at risk beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import data_set, items_of, oracle

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields, same
from csat_stats import loyalty

R = "R 4.2.2 "
Z = 1.959963984540054
CELLS = pd.MultiIndex.from_product(
    [[0, 1], ["Tower", "Apartment", "Atrium", "Terrace"], ["Low", "Medium", "High"], [1, 2, 3]],
    names=["contact", "type", "influence", "satisfaction"],
)
DESIGNS = {
    "weights": (", weighted", "svyolr_std_error", "survey 4.1-1 `svyolr`"),
    "weights_cluster": ("(cluster=), weighted", "svyolr_std_error", "survey 4.1-1 `svyolr`"),
    "cluster": ("(cluster=)", "vcovcl_std_error", "sandwich 3.0-2 `vcovCL(polr)`"),
}
BRANT = {"statistic": "statistic", "p_value": "p"}


def comparisons() -> Iterator[Comparison]:
    yield from _ordered()
    yield from _scenarios()
    call = (
        f"{R}`glm` without each fold, `glm(lost ~ qlogis(p))`, with `offset`; pROC 1.18.0 `ci.auc`"
    )
    yield Comparison("loyalty.risk_scores", "airline_sample, 3 drivers", call, risk, "iterative")


# --- levels of satisfaction


def _ordered() -> Iterator[Comparison]:
    name = "loyalty.ordered_logit"
    for case, data in (("housing", "`housing` of MASS"), ("airline", "airline_sample, 3 drivers")):
        call = f"R ordinal 2022.11-16 `clm`; Brant's formulas on `glm` in {R.strip()}"
        yield Comparison(name, data, call, partial(levels, case))
        call = "R MASS 7.3-58.2 `polr(Hess=TRUE)`, its numerical Hessian; numDeriv `jacobian`"
        yield Comparison(name, data, call, partial(numerical, case), "iterative")
    for case, (design, column, call) in DESIGNS.items():
        kind = f"{name}{design}"
        maximum = "R numDeriv `hessian`, `jacobian` of the log-likelihood"
        figures = partial(designed, case)
        yield Comparison(kind, "api_strat", maximum, figures, "iterative")
        figures, why = partial(packaged, case, column), "stops its search early"
        if column.startswith("vcovcl"):
            why = "numerical Hessian, stops early"
        yield Comparison(kind, "api_strat", f"R {call} ({why})", figures, "rounded")


def _answers(case: str) -> tuple[pd.Series, pd.DataFrame]:
    expected = oracle("ordered")[case]
    if case == "airline":
        items = items_of("airline_sample", expected["columns"])
        return items.iloc[:, 0], items.iloc[:, 1:]
    rows = CELLS.to_frame(index=False)
    rows = rows.loc[rows.index.repeat(expected["counts"])].reset_index(drop=True)
    terms = {f"influence_{name.lower()}": rows["influence"] == name for name in ("Medium", "High")}
    terms |= {name: rows["type"] == name for name in ("Apartment", "Atrium", "Terrace")}
    return rows["satisfaction"], pd.DataFrame(terms | {"contact": rows["contact"]}).astype(int)


def levels(case: str) -> Iterable[Figure]:
    result, expected = loyalty.ordered_logit(*_answers(case)), oracle("ordered")[case]
    slope, error = np.array(expected["estimate"]), np.array(expected["std_error"])
    theirs = {"estimate": slope, "std_error": error, "statistic": slope / error}
    theirs |= {"conf_low": slope - Z * error, "conf_high": slope + Z * error}
    theirs |= {"odds_ratio": np.exp(slope)}
    brant = expected["brant"]
    theirs |= {f"parallel_{name}": brant[f"per_{key}"] for name, key in BRANT.items()}
    for field, values in theirs.items():
        yield f"table.{field}", result.table[field], values
    names = {"estimate": "cut_estimate", "std_error": "cut_std_error"}
    for field, ours, values in columns(result.cuts, expected, names):
        yield f"cuts.{field}", ours, values
    names = same("log_likelihood", "null_log_likelihood", "aic") | {"n_used": "n"}
    yield from fields(result, expected, names)
    names = {f"parallel_{name}": key for name, key in BRANT.items()} | {"parallel_df": "df"}
    yield from fields(result, brant, names)


def numerical(case: str) -> Iterable[Figure]:
    answers, expected = _answers(case), oracle("ordered")[case]
    result = loyalty.ordered_logit(*answers)
    yield "table.estimate", result.table["estimate"], expected["polr_estimate"]
    yield "cuts.estimate", result.cuts["estimate"], expected["polr_cut_estimate"]
    errors = [*result.table["std_error"], *result.cuts["std_error"]]
    yield "std_error of all", errors, expected["polr_std_error"]
    for level, key in ((None, "effect_top"), (2, "effect_second")):
        table = loyalty.ordered_logit(*answers, level=level).table
        effect, error = (np.array(expected[key][name]) for name in ("estimate", "std_error"))
        yield "table.marginal_effect", table["marginal_effect"], effect
        yield "table.marginal_effect_low", table["marginal_effect_low"], effect - Z * error
        yield "table.marginal_effect_high", table["marginal_effect_high"], effect + Z * error


def _schools(case: str) -> tuple[Any, Mapping[str, Any]]:
    schools = data_set("api_strat")
    options = {"weights": schools["pw"]} if "weights" in case else {}
    options |= {"cluster": schools["cnum"]} if "cluster" in case else {}
    level = pd.cut(schools["api00"], [0, 550, 650, 750, 1000], labels=False)
    result = loyalty.ordered_logit(level, schools[["meals", "ell", "emer"]], **options)
    return result, oracle("ordered")[case]


def designed(case: str) -> Iterable[Figure]:
    result, expected = _schools(case)
    for table, prefix in (("table", ""), ("cuts", "cut_")):
        names = {name: f"{prefix}{name}" for name in ("estimate", "std_error")}
        for field, ours, theirs in columns(getattr(result, table), expected, names):
            yield f"{table}.{field}", ours, theirs
    if "brant" in expected:
        names = {f"parallel_{name}": key for name, key in BRANT.items()}
        yield from fields(result, expected["brant"], names)


def packaged(case: str, column: str) -> Iterable[Figure]:
    result, expected = _schools(case)
    errors = [*result.table["std_error"], *result.cuts["std_error"]]
    yield "std_error of all", errors, expected[column]


# --- plans


def _scenarios() -> Iterator[Comparison]:
    name, call = "loyalty.roi_scenario", f"{R}`glm`, numDeriv `grad`, `uniroot`"
    yield Comparison(name, "18 typed customers", call, typed_plan, "iterative")
    yield Comparison(name, "airline_sample, 3 drivers", call, airline_plan, "iterative")
    call = "R survey 4.1-1 `svyglm(quasibinomial)`, numDeriv `grad`"
    yield Comparison(f"{name}, weighted", "api_strat", call, weighted_plan, "iterative")


def _plan(plan: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    """Each figure and its interval."""
    table = plan.table.set_index("quantity")
    for quantity in table.index.intersection(list(expected)):
        ours = table.loc[quantity, ["estimate", "conf_low", "conf_high"]]
        yield f"{quantity}", ours, expected[quantity]


def typed_plan() -> Iterable[Figure]:
    expected = oracle("scenario")["typed"]
    drivers = pd.DataFrame({name: expected[name] for name in ("satisfaction", "speed")})
    model = loyalty.repurchase_model(pd.Series(expected["outcome"]), drivers)
    money = {"customers": 500, "value": 20, "cost": 900}
    plan = loyalty.roi_scenario(
        model, drivers, {"satisfaction": 0.5}, **money, scale=(1, 5), conf_level=0.9
    )
    return _plan(plan, expected)


def _airline() -> tuple[pd.Series, pd.DataFrame]:
    satisfied = data_set("airline_sample")["Satisfaction"] == "Satisfied"
    return satisfied, items_of("airline_sample", oracle("risk")["airline"]["columns"])


def airline_plan() -> Iterable[Figure]:
    satisfied, drivers = _airline()
    model = loyalty.repurchase_model(satisfied, drivers)
    improve = {"Online.Boarding": 0.5, "Cleanliness": 0.8}
    money = {"customers": 20000, "value": 35, "cost": 30000}
    plan = loyalty.roi_scenario(model, drivers, improve, **money, scale=(1, 5))
    return _plan(plan, oracle("scenario")["airline"])


def weighted_plan() -> Iterable[Figure]:
    schools = data_set("api_strat")
    drivers, weights = schools[["meals", "ell"]], schools["pw"]
    model = loyalty.repurchase_model(schools["api00"] > 650, drivers, weights=weights)
    money = {"customers": 1000, "value": 1, "cost": 5}
    plan = loyalty.roi_scenario(
        model, drivers, {"meals": 5}, **money, scale=(0, 100), weights=weights
    )
    return _plan(plan, oracle("scenario")["weighted"])


# --- customers at risk


def risk() -> Iterable[Figure]:
    expected, result = oracle("risk")["airline"], loyalty.risk_scores(*_airline(), seed=1)
    table = result.table.sort_index()
    folds = [int(fold) + 1 for fold in expected["folds"]]
    yield "table.fold", table["fold"], folds
    probability = table["probability"]
    sums = [*probability[:12], probability.sum(), (probability**2).sum()]
    theirs = [expected[f"probability_{name}"] for name in ("first", "sum", "squares")]
    yield "table.probability", sums, [*theirs[0], *theirs[1:]]
    auc = [result.conf_low, result.estimate, result.conf_high]
    yield "AUC conf_low, estimate, conf_high", auc, expected["auc"]
    yield from fields(result, expected, {"n_used": "n", "brier": "brier"})
    for name in ("slope", "intercept"):
        ours = [getattr(result, f"calibration_{name}{end}") for end in ("", "_low", "_high")]
        yield f"calibration_{name} and limits", ours, expected[name]
