"""Planning, fieldwork and weights beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import data_set, oracle

from benchmarks.accuracy.comparison import Comparison, Figure, fields, limits, same
from csat_stats import sampling

R, SURVEY = "R 4.2.2 ", "R survey 4.1-1 "
PEOPLE = {"E": 4421, "H": 755, "M": 1018}


def comparisons() -> Iterator[Comparison]:
    figures: Any
    qnorm = f"{R}`qnorm(.975)^2*.25/.05^2/(1+(n0-1)/N)`"
    test = f"{R}`power.prop.test`, `power.t.test`"
    fit = f"{R}`chisq.test`, effectsize 0.8.3 `cohens_w`"
    wilson = f"{R}`prop.test(correct=FALSE)`"
    deff = f"{R}`n*sum(w^2)/sum(w)^2`"
    for statistic, data, reference, figures in [
        ("sample_size_proportion", "N = 500, 2,000, 10,000, ∞", qnorm, sample_sizes),
        ("power_for_target", "typed plans", test, power),
        ("sample_size_for_change", "typed plans", test, sizes),
        ("representativeness", "two examples of `help(chisq.test)`", fit, fit_of_examples),
        ("representativeness", "airline_sample", fit, fit_of_airline),
        ("nonresponse_by_stratum", "195 of 510 in three strata", wilson, nonresponse),
        ("call_back", "5 of 8 calls", wilson, calls),
        ("design_effect", "weights of api_strat, api_clus1, airline_sample", deff, kish),
        ("post_stratify", "api_clus1", f"{SURVEY}`postStratify`, `svymean`", post_stratified),
        ("rake", "cells of api_clus1", f"{SURVEY}`rake`", partial(raked, "kish_rake_clus1")),
        ("rake", "cells of airline_sample", f"{SURVEY}`rake`", partial(raked, "kish_rake_airline")),
    ]:
        yield Comparison(f"sampling.{statistic}", data, reference, figures)


# --- planning and fieldwork


def sample_sizes() -> Iterable[Figure]:
    for population, exact in oracle("sampling")["sample_size"].items():
        if population != "source":
            people = None if population == "infinite" else int(population)
            size = sampling.sample_size_proportion(population=people)
            yield "completes", size.completes, np.ceil(exact)


def power() -> Iterable[Figure]:
    expected = oracle("sampling")["power"]
    for n, chance in expected["proportion_power"].items():
        yield "estimate", sampling.power_for_target(0.82, 0.9, int(n)).estimate, chance
    down = expected["proportion_down_10_percent"]
    baseline, target = down["p"]
    result = sampling.power_for_target(baseline, target, down["n"], conf_level=0.9)
    yield "estimate", result.estimate, down["power"]
    for name, correlation in (("mean", None), ("panel", 0.5)):
        for n, chance in expected[f"{name}_power"].items():
            deff = 1 if float(n) % 1 == 0 else 75 / float(n)
            result = sampling.power_for_target(
                3, 3.3, round(float(n) * deff), sd=0.9, correlation=correlation, design_effect=deff
            )
            yield "estimate", result.estimate, chance


def sizes() -> Iterable[Figure]:
    expected = oracle("sampling")["power"]
    for chance, n in expected["proportion_n"].items():
        size = sampling.sample_size_for_change(0.82, 0.9, power=float(chance))
        yield "n", size.n, np.ceil(n)
    for name, correlation in (("mean", None), ("panel", 0.5)):
        size = sampling.sample_size_for_change(3.3, 3, sd=0.9, correlation=correlation)
        yield "n", size.n, np.ceil(expected[f"{name}_n"])


def _fit(result: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    yield from fields(result, expected, same("statistic", "df", "p_value", "cohen_w"))
    yield "table.n", result.table["n"], expected["observed"]
    yield "table.std_residual", result.table["std_residual"], expected["stdres"]


def fit_of_examples() -> Iterable[Figure]:
    for name in ("goodness_of_fit_help", "goodness_of_fit_small_expected"):
        expected = oracle("sampling")[name]
        people = [round(1000 * share) for share in expected["p"]]
        frame = pd.DataFrame({"region": list("ABCDE"), "population": people})
        responses = pd.DataFrame({"region": np.repeat(frame["region"], expected["observed"])})
        yield from _fit(sampling.representativeness(responses, frame, by=["region"]), expected)


def fit_of_airline() -> Iterable[Figure]:
    expected = oracle("sampling")["goodness_of_fit_airline"]
    frame = pd.DataFrame({"Class": expected["levels"], "population": expected["p"]})
    result = sampling.representativeness(data_set("airline_sample"), frame, by=["Class"])
    return _fit(result, expected)


def nonresponse() -> Iterable[Figure]:
    expected = oracle("sampling")["nonresponse"]
    invited = pd.DataFrame({"region": list("ABC"), "invited": expected["invited"]})
    responses = pd.DataFrame({"region": np.repeat(invited["region"], expected["responses"])})
    result = sampling.nonresponse_by_stratum(responses, invited, by=["region"])
    yield from fields(result, expected, {"statistic": "statistic", "df": "df", "p_value": "p"})
    yield from limits(result, expected["all"])
    ends = ["conf_low", "conf_high"]
    yield "table.conf_low, conf_high", result.table[ends], expected["wilson"]


def calls() -> Iterable[Figure]:
    done = pd.Timestamp("2026-03-02 10:00")
    hours = pd.to_timedelta([24, 30, 36, 47.9, 48, 48.1, 23, 12], unit="h")
    frame = pd.DataFrame({"done": done, "called": done + hours})
    result = sampling.call_back(frame, "done", "called")
    return limits(result, oracle("sampling")["nonresponse"]["five_of_eight"])


# --- weights


def _cells(expected: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """A row a respondent with the levels of its cell and its weight in R; respondents by cell."""
    cells = pd.DataFrame([key.rsplit(" ", 1) for key in expected["weights"]])
    counts = pd.Series(list(expected["n"].values()))
    weights = pd.Series(list(expected["weights"].values()))
    each = cells.index.repeat(counts)
    return cells.loc[each].reset_index(drop=True), weights[each].reset_index(drop=True), counts


def kish() -> Iterable[Figure]:
    for name in ("kish_api_strat", "kish_rake_clus1", "kish_rake_airline"):
        expected = oracle("sampling")[name]
        result = sampling.design_effect(_cells(expected)[1])
        yield "estimate", result.estimate, expected["deff"]
        if "neff" in expected:
            yield "n_effective", result.n_effective, expected["neff"]


def raked(name: str) -> Iterable[Figure]:
    expected = oracle("sampling")[name]
    rows, weights, _ = _cells(expected)
    rows.columns = ["first", "second"]
    margins = {column: weights.groupby(rows[column]).sum() for column in rows}
    result = sampling.rake(rows, margins, tol=1e-13)
    yield "weights", result.weights * weights.mean(), weights
    yield "estimate", result.estimate, expected["deff"]


def _frame() -> pd.DataFrame:
    return pd.DataFrame({"stype": list(PEOPLE), "population": list(PEOPLE.values())})


def post_stratified() -> Iterable[Figure]:
    expected = oracle("sampling")["post_stratify_clus1"]
    schools = data_set("api_clus1")
    weights = sampling.post_stratify(schools, _frame(), by=["stype"]).weights
    scale = sum(PEOPLE.values()) / len(schools)
    yield "weights", weights[:10] * scale, expected["weights_first10"]
    yield "mean", np.average(schools["api00"], weights=weights), expected["mean_api00"]
