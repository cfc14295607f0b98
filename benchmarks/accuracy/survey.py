"""Design-based estimates beside the R package survey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
from references import data_set, oracle

from benchmarks.accuracy.comparison import Comparison, Figure
from csat_stats import sampling
from csat_stats.sampling import Design

SURVEY = "R survey 4.1-1 "
PEOPLE = {"E": 4421, "H": 755, "M": 1018}
MARGINS = {"stype": PEOPLE, "sch.wide": {"No": 1072, "Yes": 5122}}
STRATIFIED: dict[str, Any] = {"weights": "pw", "strata": ["stype"]}
CLUSTERED: dict[str, Any] = {"weights": "pw", "cluster": "dnum"}
# Designs by the name they have in the reference; those with domains have a second name.
DESIGNS: dict[str, dict[tuple[str, str | None], Design]] = {
    "api_strat": {
        ("apistrat_strat_fpc", "strat_fpc"): Design(**STRATIFIED, fpc="fpc"),
        ("apistrat_strat_nofpc", None): Design(**STRATIFIED),
        ("apistrat_weights_only", None): Design(weights="pw"),
    },
    "api_clus1": {
        ("apiclus1_fpc", "clus1_fpc"): Design(**CLUSTERED, fpc="fpc"),
        ("apiclus1_nofpc", None): Design(**CLUSTERED),
    },
    "api_srs": {("apisrs_fpc", "srs_fpc"): Design(weights="pw", fpc="fpc")},
}
SMALL = {
    "full": Design(weights="w", strata=["region"], cluster="store", fpc="stores"),
    "nofpc": Design(weights="w", strata=["region"], cluster="store"),
    "weights": Design(weights="w"),
    "srs": Design(),
}
DEFF = '`(deff=TRUE, "replace")`, `confint(df=degf)`'
CALLS = {
    "survey_mean": f"{SURVEY}`svymean`, `svyby` {DEFF}",
    "survey_total": f"{SURVEY}`svytotal` {DEFF}",
    "survey_ratio": f"{SURVEY}`svyratio` {DEFF}",
    "survey_proportion": f'{SURVEY}`svymean`, `svyciprop(method="xlogit", "beta")`',
}


def comparisons() -> Iterator[Comparison]:
    for statistic, call in CALLS.items():
        yield Comparison(
            f"sampling.{statistic}",
            "13 typed respondents, 4 designs",
            call,
            partial(small, statistic),
        )
        for data in DESIGNS:
            yield Comparison(
                f"sampling.{statistic}",
                f"{data}, with domains",
                call,
                partial(api, statistic, data),
            )
    special = '`postStratify`, `calibrate(calfun="raking")`, `survey.lonely.psu`'
    yield Comparison("sampling.Design", "13 typed respondents", f"{SURVEY}{special}", small_special)
    sizes = f"{SURVEY}`svydesign(nest=TRUE)`, `svydesign(fpc=)` without weights"
    yield Comparison("sampling.Design", "api_strat, api_clus1", sizes, own)
    alone = f"{SURVEY}`svymean`, `options(survey.lonely.psu=)`"
    yield Comparison("sampling.Design(lonely_psu=)", "api_strat by county", alone, lonely)
    post = f"{SURVEY}`postStratify`, `svymean`, `svytotal`"
    yield Comparison("sampling.Design(calibrated=)", "api_clus1", post, post_stratified)
    yield Comparison("sampling.Design(calibrated=)", "api_strat", post, post_stratified_strata)
    iterated = f"{SURVEY}`rake(epsilon=1e-10)`, `svymean`, `svytotal`"
    yield Comparison("sampling.Design(calibrated=)", "api_clus1, api_srs", iterated, raked)
    exact = f'{SURVEY}`calibrate(calfun="raking")`, `svymean`'
    yield Comparison(
        "sampling.Design(calibrated=)", "api_strat", exact, partial(raked_strata, "calibrate_strat")
    )
    early = f"{SURVEY}`rake`, `svymean` (residuals by ten rounds)"
    ten_rounds = partial(raked_strata, "rake_strat")
    yield Comparison("sampling.Design(calibrated=)", "api_strat", early, ten_rounds, "iterative")


def estimate(row: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    """Figures of a result or of a row of its table, by either of the names R's have."""
    given = vars(row) | {"n": row.n_used} if hasattr(row, "n_used") else row
    expected = {{"est": "estimate", "se": "std_error"}.get(k, k): v for k, v in expected.items()}
    for name in ("n", "estimate", "std_error", "df", "deff", "deff_replace"):
        if expected.get(name) is not None:
            yield name, given[name], expected[name]
    if "ci" in expected:
        yield "conf_low", given["conf_low"], expected["ci"][0]
        yield "conf_high", given["conf_high"], expected["ci"][1]


def small(statistic: str) -> Iterable[Figure]:
    reference = oracle("sampling")["survey_small"]
    data = pd.DataFrame(reference["data"])
    for name, design in SMALL.items():
        expected = reference[name]
        if statistic == "survey_mean":
            mean = sampling.survey_mean(data, "score", design, by=["vip"])
            yield from estimate(mean, expected["mean"])
            rows = mean.table.set_index("vip")
            yield from estimate(rows.loc[1], expected["mean_vip"])
            yield from estimate(rows.loc[0], expected["mean_not_vip"])
        elif statistic == "survey_total":
            yield from estimate(sampling.survey_total(data, "score", design), expected["total"])
        elif statistic == "survey_ratio":
            ratio = sampling.survey_ratio(data, "score", "orders", design)
            yield from estimate(ratio, expected["ratio"])
        else:
            for interval in ("logit", "beta"):
                share = sampling.survey_proportion(
                    data, "vip", design, levels=[1], interval=interval
                )
                vip = expected["vip"]
                yield from estimate(share, vip | {"ci": vip[interval]})


def api(statistic: str, data: str) -> Iterable[Figure]:
    whole, domains = (oracle("sampling")[name] for name in ("survey_api", "survey_domains"))
    frame = data_set(data)
    columns = {"survey_mean": ["api00"], "survey_total": ["enroll"]}
    columns["survey_ratio"] = ["api.stu", "enroll"]
    for (name, domain), design in DESIGNS[data].items():
        expected = domains[domain] if domain else {}
        kinds = expected.get("by_stype", {})
        if statistic == "survey_proportion":
            yield from shares(frame, design, name, kinds)
            continue
        compute = getattr(sampling, statistic)
        result = compute(frame, *columns[statistic], design, by=["stype"])
        if statistic == "survey_mean":
            yield from estimate(result, whole["mean_api00"][name])
            yield from estimate(result, whole["ci_t_df"][name])
            replaced = whole["mean_api00_deff_replace"][name]["deff"]
            yield from estimate(result, {"deff_replace": replaced})
            if expected:
                missing = sampling.survey_mean(frame, "target", design)
                yield from estimate(missing, expected["missing_target"])
        elif statistic == "survey_total":
            yield from estimate(result, whole["total_enroll"][name])
        by_kind = {"survey_mean": None, "survey_total": "total_enroll", "survey_ratio": "ratio"}
        key = by_kind[statistic]
        if key and expected:
            yield from estimate(result, expected[key])
        rows = result.table.set_index("stype")
        for kind, values in kinds.items():
            yield from estimate(rows.loc[kind], values[key] if key else values)


def shares(
    frame: pd.DataFrame, design: Design, name: str, kinds: Mapping[str, Any]
) -> Iterable[Figure]:
    whole = oracle("sampling")["survey_api"]
    types = sampling.survey_proportion(frame, "stype", design).table
    for theirs, column in (("est", "estimate"), ("se", "std_error")):
        yield column, types[column], list(whole["prop_stype"][name][theirs].values())
    for interval in ("logit", "beta"):
        yes = partial(
            sampling.survey_proportion, frame, "both", design, levels=["Yes"], interval=interval
        )
        yield from estimate(yes(), whole["prop_both_yes"][name])
        limits_of = whole[f"ciprop_both_{interval}"].get(name)
        if limits_of:
            ends = limits_of["ci"] if interval == "logit" else limits_of
            yield from estimate(yes(), {"ci": ends})
        rows = yes(by=["stype"]).table.set_index("stype")
        for kind, values in kinds.items():
            values = values["prop_both_yes"]
            yield from estimate(rows.loc[kind], values | {"ci": values[interval]})


def small_special() -> Iterable[Figure]:
    expected = oracle("sampling")["survey_small_calibrated"]
    answers = pd.DataFrame(oracle("sampling")["survey_small"]["data"])
    answers = answers.assign(late=expected["late"], g=expected["g"])
    vip, late = {0: 26, 1: 14}, {0: 22, 1: 18}
    post = answers["w"] * answers["vip"].map(vip) / answers.groupby("vip")["w"].transform("sum")
    raking = sampling.rake(answers, {"vip": vip, "late": late}, weights=answers["w"], tol=1e-14)
    weights = raking.weights * 40 / 13
    yield "weights", weights, expected["raked_weights"]
    for kind, new, margins in (
        ("post_stratified", post, ["vip"]),
        ("raked", weights, ["vip", "late"]),
    ):
        design = replace(SMALL["full"], weights="new", calibrated=margins, base_weights="w")
        data = answers.assign(new=new)
        yield from estimate(sampling.survey_mean(data, "orders", design), expected[kind])
        total = sampling.survey_total(data, "orders", design)
        yield from estimate(total, expected[f"{kind}_total"])
    for rule in ("certainty", "adjust"):
        design = Design(weights="w", strata=["g"], lonely_psu=rule)
        result = sampling.survey_mean(answers, "orders", design)
        yield from estimate(result, expected[f"lonely_{rule}"])


def own() -> Iterable[Figure]:
    expected, schools = oracle("sampling")["survey_designs"], data_set("api_strat")
    nested = Design(weights="pw", strata=["stype"], cluster="dnum")
    yield from estimate(sampling.survey_mean(schools, "api00", nested), expected["nested"])
    by_size = Design(strata=["stype"], fpc="fpc")
    result = sampling.survey_mean(schools, "api00", by_size)
    yield from estimate(result, expected["weights_from_fpc"])
    districts = Design(cluster="dnum", fpc="fpc")
    total = sampling.survey_total(data_set("api_clus1"), "enroll", districts)
    yield from estimate(total, expected["weights_from_fpc_clus1"])


def lonely() -> Iterable[Figure]:
    for rule, expected in oracle("sampling")["survey_designs"]["lonely"].items():
        design = Design(weights="pw", strata=["cname"], lonely_psu=rule)
        yield from estimate(sampling.survey_mean(data_set("api_strat"), "api00", design), expected)


# --- calibrated weights


def _weighted(data: pd.DataFrame, weights: pd.Series) -> pd.DataFrame:
    return data.assign(w=weights * sum(PEOPLE.values()) / len(data))


def _post_stratified(data: pd.DataFrame, people: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    return _weighted(data, sampling.post_stratify(data, people, by=by).weights)


def _both(
    data: pd.DataFrame, design: Design, domain: str, expected: Any, by: Any
) -> Iterable[Figure]:
    mean = sampling.survey_mean(data, "api00", design, by=[domain])
    yield from estimate(mean, expected["mean_api00"])
    total = sampling.survey_total(data, "enroll", design)
    yield from estimate(total, expected["total_enroll"])
    rows = mean.table.set_index(domain)
    for level, values in by.items():
        yield from estimate(rows.loc[level], {k: v for k, v in values.items() if k != "n"})


def post_stratified() -> Iterable[Figure]:
    whole, calibrated = (oracle("sampling")[name] for name in ("survey_api", "survey_calibrated"))
    people = pd.DataFrame({"stype": list(PEOPLE), "population": list(PEOPLE.values())})
    data = _post_stratified(data_set("api_clus1"), people, ["stype"])
    design = Design(weights="w", cluster="dnum", fpc="fpc", calibrated=["stype"])
    by = calibrated["poststrat_by_sch.wide"]
    return _both(data, design, "sch.wide", whole["poststrat_clus1"], by)


def post_stratified_strata() -> Iterable[Figure]:
    expected, data = oracle("sampling")["survey_calibrated"], data_set("api_strat")
    target = data["comp.imp"].map({"No": 2000, "Yes": 4194})
    own = data["pw"] * target / data.groupby("comp.imp")["pw"].transform("sum")
    shared: dict[str, Any] = {"weights": "w", "strata": ["stype"], "fpc": "fpc"}
    design = Design(**shared, calibrated=["comp.imp"], base_weights="pw")
    result = sampling.survey_mean(data.assign(w=own), "api00", design)
    yield from estimate(result, expected["poststrat_strat"])
    cells = {"stype": list("EHMEHM"), "comp.imp": ["No"] * 3 + ["Yes"] * 3}
    people = pd.DataFrame(cells).assign(population=[1100, 400, 450, 3321, 355, 568])
    data = _post_stratified(data, people, list(cells))
    result = sampling.survey_mean(data, "api00", Design(**shared, calibrated=[list(cells)]))
    yield from estimate(result, expected["poststrat_strat_cells"])


def raked() -> Iterable[Figure]:
    whole, calibrated = (oracle("sampling")[name] for name in ("survey_api", "survey_calibrated"))
    data = data_set("api_clus1")
    data = _weighted(data, sampling.rake(data, MARGINS, tol=1e-13).weights)
    design = Design(weights="w", cluster="dnum", fpc="fpc", calibrated=list(MARGINS))
    by = calibrated["rake_by_comp.imp"]
    yield from _both(data, design, "comp.imp", whole["rake_clus1"], by)
    data = data_set("api_srs")
    data = _weighted(data, sampling.rake(data, MARGINS, tol=1e-13).weights)
    result = sampling.survey_mean(data, "api00", Design(weights="w", calibrated=list(MARGINS)))
    yield from estimate(result, whole["rake_srs"]["mean_api00"])


def raked_strata(name: str) -> Iterable[Figure]:
    expected, data = oracle("sampling")["survey_calibrated"], data_set("api_strat")
    margins = {"sch.wide": MARGINS["sch.wide"], "awards": {"No": 2000, "Yes": 4194}}
    raking = sampling.rake(data, margins, weights=data["pw"], tol=1e-13)
    yield "design effect of `rake`", raking.estimate, expected["rake_strat"]["kish"]
    design = Design(
        weights="w",
        strata=["stype"],
        fpc="fpc",
        calibrated=list(margins),
        base_weights="pw" if name == "calibrate_strat" else None,
    )
    result = sampling.survey_mean(_weighted(data, raking.weights), "api00", design)
    yield from estimate(result, expected[name])
