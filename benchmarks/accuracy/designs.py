"""Control groups, series, equivalence and regression to the mean beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import oracle

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields, limits, same
from csat_stats import effects

R = "R 4.2.2 "
SANDWICH, COEFTEST = "sandwich 3.0-2 ", ", lmtest 0.9-40 `coeftest`"
ERRORS = {"hc2": '`vcovHC(type="HC2")`', "cr1": '`vcovCL(type="HC1")`'}
TEST = same("estimate", "std_error", "statistic", "p_value", "df")
BRANCHES = "112 made answers of 9 branches"


def comparisons() -> Iterator[Comparison]:
    yield from _groups()
    yield from _series()
    yield from _equivalence()
    yield from _to_the_mean()


# --- groups beside each other


def _groups() -> Iterator[Comparison]:
    for kind, call in ERRORS.items():
        cluster = "(cluster=)" if kind == "cr1" else ""
        call = f"{R}`lm`, {SANDWICH}{call}{COEFTEST}"
        yield Comparison(f"effects.did{cluster}", "33 typed answers", call, partial(did, kind))
        for weighted in ("", ", weighted"):
            case = kind + ("_weighted" if weighted else "")
            name, long = f"effects.did{cluster}{weighted}", call
            if weighted:
                long = call.replace("`lm`", "`lm(weights=)`")
            yield Comparison(name, BRANCHES, long, partial(branches, case))
            name = f"effects.pre_trends{cluster}{weighted}"
            long = f"{long}; Wald test of its contrasts"
            yield Comparison(name, BRANCHES, long, partial(event_study, case))
    name = 'effects.did(inference="permutation")'
    for weighted in ("", ", weighted"):
        call, figures = f"{R}t of `vcovCL` over `combn(9, 3)`", partial(permuted, weighted)
        yield Comparison(f"{name}{weighted}", BRANCHES, call, figures)


def did(kind: str) -> Iterable[Figure]:
    reference = oracle("effects")["did"]
    frame = pd.DataFrame(reference["data"])
    cluster = frame["branch"] if kind == "cr1" else None
    columns_of = frame["outcome"], frame["treated"], frame["after"]
    result = effects.did(*columns_of, cluster=cluster, inference="robust")
    yield from fields(result, reference[kind], TEST)
    yield from limits(result, reference[kind]["ci"])
    cells = same("n", "mean", "std_error")
    for field, ours, theirs in columns(result.table, reference["cells"], cells):
        yield f"table.{field}", np.roll(ours, 2), theirs


def _branches(case: str) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    frame = pd.DataFrame(oracle("did")["data"])
    options = {"cluster": frame["branch"]} if case.startswith("cr1") else {}
    return frame, options | ({"weights": frame["weight"]} if case.endswith("weighted") else {})


def branches(case: str) -> Iterable[Figure]:
    (frame, options), expected = _branches(case), oracle("did")["did"]
    columns_of = frame["outcome"], frame["treated"], frame["after"]
    result = effects.did(*columns_of, inference="robust", **options)
    yield from fields(result, expected[case], TEST | same("conf_low", "conf_high"))
    if "weights" in options:
        yield from fields(result, expected, same("n_effective"))
        cells = expected["cells_weighted"]
        for field, ours, theirs in columns(result.table, cells, same("mean", "std_error")):
            yield f"table.{field}", ours, theirs


def permuted(weighted: str) -> Iterable[Figure]:
    frame, options = _branches("cr1" + ("_weighted" if weighted else ""))
    expected = oracle("did")["permutation"]
    theirs = expected["p_weighted" if weighted else "p"]
    for delta, p in zip(expected["delta"], theirs, strict=True):
        outcome = frame["outcome"] - delta * frame["treated"] * frame["after"]
        groups = outcome, frame["treated"], frame["after"]
        result = effects.did(*groups, inference="permutation", **options)
        yield "p_value", result.p_value, p
        yield "n_permutations", result.n_permutations, expected["n"]


def event_study(case: str) -> Iterable[Figure]:
    (frame, options), expected = _branches(case), oracle("did")["pre_trends"][case]
    columns_of = frame["outcome"], frame["treated"], frame["period"]
    result = effects.pre_trends(*columns_of, start=4, **options)
    yield from fields(result, expected, same("slope", "slope_std_error"))
    # F on clusters − 2: Hotelling's T² of the two contrasts
    clusters = frame["branch"].nunique() if "cluster" in options else None
    scale = (clusters - 2) / (clusters - 1) if clusters else 1
    yield "statistic", result.statistic, scale * expected["wald"] / 2
    others = result.table[result.table["period"] != result.reference]
    names = same("estimate", "std_error", "conf_low", "conf_high", "p_value")
    for field, ours, theirs in columns(others, expected, names):
        yield f"table.{field}", ours, theirs


# --- interrupted time series

SERIES = {
    "nile": "`Nile`",
    "nile_weighted": "`Nile`, made numbers of answers",
    "nile_gaps": "`Nile`, 5 years missing",
    "seatbelts": "`UKDriverDeaths`, season",
    "short": "36 years of `Nile`",
}
SHOWN = ["level_change", "slope_change", "effect_at_end"]


def _series() -> Iterator[Comparison]:
    name = "effects.interrupted_time_series"
    for case, data in SERIES.items():
        if "newey_west" in oracle("series")[case]:
            call = f"{R}`lm`, {SANDWICH}`NeweyWest(prewhite=FALSE, adjust=TRUE)`"
            figures = partial(lagged, case)
            yield Comparison(f'{name}(errors="newey_west")', data, call, figures)
        call = 'R nlme 3.1-162 `gls(corAR1, method="REML")`, `Box.test`; numDeriv for the df'
        yield Comparison(name, data, call, partial(autoregressive, case), "iterative")


def _interrupted(case: str, **options: Any) -> Any:
    given = oracle("series")[case]
    values = pd.Series(given["y"], index=given["t"])
    if "w" in given:
        options["n"] = pd.Series(given["w"], index=given["t"])
    season = 12 if case == "seatbelts" else None
    return effects.interrupted_time_series(values, given["start"], season=season, **options)


def _lines(result: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    table = result.coefficients.set_index("term")
    own = table[~table.index.isin(["slope_after", "effect_at_end"])]
    yield "coefficients.estimate", own["estimate"], expected["coef"]
    yield "coefficients.std_error", own["std_error"], expected["std_error"]
    yield ", ".join(SHOWN), [getattr(result, name) for name in SHOWN], expected["combined"]
    shown = table.loc[SHOWN]
    yield "coefficients.std_error", shown["std_error"], expected["combined_se"]
    yield "coefficients.df", shown["df"], np.broadcast_to(expected["df"], 3)


def lagged(case: str) -> Iterable[Figure]:
    expected = oracle("series")[case]["newey_west"]
    result = _interrupted(case, errors="newey_west", lags=expected["lag"])
    yield from _lines(result, expected)
    default = _interrupted(case, errors="newey_west").lags
    yield "lags", [result.lags, default], [expected["lag"], expected["default_lag"]]


def autoregressive(case: str) -> Iterable[Figure]:
    result, expected = _interrupted(case), oracle("series")[case]["ar1"]
    yield from _lines(result, expected)
    names = {"autocorrelation": "rho", "ljung_box_p_value": "ljung"}
    yield from fields(result, expected, names)
    yield "table.fitted", result.table["fitted"], expected["fitted"]


# --- equivalence

MARGINS = {
    "means": ("", "Student's sleep", "`t.test(mu=±margin, alternative=)`"),
    "panel": (", panel", "Student's sleep", "`t.test(mu=±margin, alternative=, paired=TRUE)`"),
    "shares": (", shares", "5 typed pairs", "`uniroot` on the restricted likelihood and the score"),
    "paired_shares": (", shares, panel", "5 typed tables", "the same"),
}


def _equivalence() -> Iterator[Comparison]:
    for design, (name, data, call) in MARGINS.items():
        if call == "the same":
            call = MARGINS["shares"][2]
        figures = partial(margins, design)
        yield Comparison(f"effects.equivalence{name}", data, f"{R}{call}", figures)


def _answers(design: str, case: Mapping[str, Any]) -> Iterator[pd.Series]:
    data = oracle("equivalence")["means"]
    for wave in ("before", "after"):
        if design == "shares":
            successes, n = case[wave]
            yield pd.Series([1] * successes + [0] * (n - successes))
        elif design == "paired_shares":
            held = [1, 1, 0, 0] if wave == "before" else [1, 0, 1, 0]
            yield pd.Series(np.repeat(held, case["cells"]))
        else:
            yield pd.Series(data[wave])


def margins(design: str) -> Iterable[Figure]:
    for case in oracle("equivalence")[design]["cases"]:
        result = effects.equivalence(
            *_answers(design, case),
            margin=case["margin"],
            paired=design.startswith("pa"),
            conf_level=case["conf_level"],
        )
        yield from fields(result, case, same("p_lower", "p_upper"))
        yield from limits(result, case["ci"])
        yield from fields(result, case, {n: n for n in ("estimate", "df") if n in case})


# --- regression to the mean


def _to_the_mean() -> Iterator[Comparison]:
    name, data = "effects.regression_to_mean", "80 made answers of 10 units"
    call = f"{R}`anova(lm())`"
    yield Comparison(name, data, call, of_one_size)
    call = "R lme4 1.1-31 `lmer`, `coef`"
    yield Comparison(name, data, call, as_lme4, "iterative")
    data, call = "56 made answers of 6 units", f"{R}`aov`"
    yield Comparison(name, data, call, of_several_sizes)


def _chosen(case: Mapping[str, Any], below: float) -> Any:
    answers, unit = pd.Series(case["y"]), pd.Series(case["unit"])
    return effects.regression_to_mean(answers, unit, chosen_below=below)


def of_one_size() -> Iterable[Figure]:
    case = oracle("regression_to_mean")["balanced"]
    result = _chosen(case, 3.1)
    yield from fields(result, case, {"reliability": "reliability", "all_mean": "mean"})


def as_lme4() -> Iterable[Figure]:
    case = oracle("regression_to_mean")["balanced"]
    result = _chosen(case, 3.1)
    reliability = case["tau2"] / (case["tau2"] + case["sigma2"] / 8)
    yield "reliability", result.reliability, reliability
    yield "table.shrunken", result.table["shrunken"], case["shrunken"]


def of_several_sizes() -> Iterable[Figure]:
    case = oracle("regression_to_mean")["unbalanced"]
    result = _chosen(case, case["below"])
    names = {"estimate": "expected", "reliability": "reliability", "all_mean": "mean"}
    yield from fields(result, case, names)
    for field, ours, theirs in columns(result.table, case, same("before", "shrunken")):
        yield f"table.{field}", ours, theirs
