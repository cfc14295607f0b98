"""Adequacy, exploratory and confirmatory factors beside R and PSPP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import data_set, items_of, oracle, rows_with_moments, stand_in, tidy

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields
from csat_stats import validity
from csat_stats.moments import Moments

R, PSYCH, PSPP = "R 4.2.2 ", "R psych 2.2.9 ", "PSPP 1.6.2 "
LAVAAN, SEMTOOLS = "R lavaan 0.6-14 ", "R semTools 0.5-6 "
# How each extraction was converged in R.
EXTRACTION = {
    "minres": f"{R}`nlminb` on the ULS objective",
    "ml": f"{R}`factanal`",
    "principal_axis": f'{PSYCH}`fa(fm="pa", min.err=1e-13)`',
    "pca": f"{R}`eigen`",
}
FIT = {"statistic": "chisq", "df": "df", "p_value": "pvalue", "cfi": "cfi", "tli": "tli"}
FIT |= {"rmsea": "rmsea", "p_close": "rmsea.pvalue", "srmr": "srmr", "log_likelihood": "logl"}
FIT |= {"aic": "aic", "bic": "bic"}
FIT |= {"rmsea_low": "rmsea.ci.lower", "rmsea_high": "rmsea.ci.upper"}
ROBUST = {"robust_statistic": "chisq.scaled", "robust_p_value": "pvalue.scaled"}
ROBUST |= {"scaling_factor": "chisq.scaling.factor", "robust_cfi": "cfi.robust"}
ROBUST |= {"robust_tli": "tli.robust", "robust_rmsea": "rmsea.robust"}
WALD = {"estimate": "est.std", "std_error": "se", "statistic": "z", "p_value": "pvalue"}
WALD |= {"conf_low": "ci.lower", "conf_high": "ci.upper"}
LEVELS = ["configural", "metric", "scalar"]


def comparisons() -> Iterator[Comparison]:
    yield from _adequacy()
    yield from _exploratory()
    yield from _confirmatory()


# --- KMO and Bartlett


def _adequacy() -> Iterator[Comparison]:
    reference = oracle("validity")
    for case in [*reference["data"], reference["satisfaction3"]]:
        data = case.get("data", "ecsi_mobi, Satisfaction")
        yield Comparison("validity.kmo", data, f"{PSYCH}`KMO`", partial(kmo, case))
        call = f"{PSYCH}`cortest.bartlett`"
        yield Comparison("validity.bartlett_sphericity", data, call, partial(bartlett, case))
    for case in reference["pspp"]["data"]:
        for name, figures in (("kmo", pspp_kmo), ("bartlett_sphericity", pspp_bartlett)):
            call = f"{PSPP}`FACTOR /PRINT=KMO`"
            yield Comparison(f"validity.{name}", case["data"], call, partial(figures, case))
    data, call = "psych_bfi, pairs of items", f'{PSYCH}`KMO(cor(use="pairwise"))`'
    yield Comparison("validity.kmo", data, call, pairwise_kmo)
    call = f"{R}`cov.wt`, psych 2.2.9 `KMO`, `cortest.bartlett(n=)`"
    yield Comparison("validity.kmo, weighted", "attitude", call, weighted_kmo)
    name = "validity.bartlett_sphericity, weighted"
    yield Comparison(name, "attitude", call, weighted_bartlett)


def _items(case: Mapping[str, Any]) -> pd.DataFrame:
    name = case.get("data", "ecsi_mobi")
    return stand_in(partial(items_of, name, case["items"], keyed=False), case)


def kmo(case: Mapping[str, Any]) -> Iterable[Figure]:
    result, expected = validity.kmo(_items(case)), case["kmo"]
    if "overall" in case:
        expected = {"overall": case["overall"], "items": expected}
    yield "n_used", result.n_used, case["n"]
    yield "estimate", result.estimate, expected["overall"]
    yield "table.msa", result.table["msa"], expected["items"]


def bartlett(case: Mapping[str, Any]) -> Iterable[Figure]:
    result, expected = validity.bartlett_sphericity(_items(case)), case.get("bartlett", case)
    yield "n_used", result.n_used, case["n"]
    yield from fields(result, expected, {"statistic": "chisq", "log10_p": "log10_p"})
    if "det" in expected:
        yield "df", result.df, expected["df"]
        yield "log_det", result.log_det, np.log(expected["det"])


def _pspp(case: Mapping[str, Any]) -> pd.DataFrame:
    known = next(known for known in oracle("validity")["data"] if known["data"] == case["data"])
    frame = _items(known)
    return frame.assign(**{item: 7 - frame[item] for item in case["reversed"]})


def pspp_kmo(case: Mapping[str, Any]) -> Iterable[Figure]:
    yield "estimate", validity.kmo(_pspp(case)).estimate, case["kmo"]


def pspp_bartlett(case: Mapping[str, Any]) -> Iterable[Figure]:
    result = validity.bartlett_sphericity(_pspp(case))
    return fields(result, case, {"statistic": "chisq", "df": "df"})


def pairwise_kmo() -> Iterable[Figure]:
    case = oracle("validity")["kmo_pairwise"]
    frame = items_of(case["data"], case["items"], keyed=False)
    result = validity.kmo(Moments.from_frame(frame, complete=False))
    yield "estimate", result.estimate, case["overall"]
    yield "table.msa", result.table["msa"], case["msa"]


def _weighted() -> tuple[pd.DataFrame, pd.Series, Mapping[str, Any]]:
    case = oracle("moments")["weighted"]
    return pd.DataFrame(case["rows"], columns=case["items"]), pd.Series(case["weights"]), case


def weighted_kmo() -> Iterable[Figure]:
    frame, weights, case = _weighted()
    result = validity.kmo(frame, weights=weights)
    yield "estimate", result.estimate, case["kmo"]
    yield "table.msa", result.table["msa"], case["msa"]


def weighted_bartlett() -> Iterable[Figure]:
    frame, weights, case = _weighted()
    result = validity.bartlett_sphericity(frame, weights=weights)
    yield from fields(result, case, {"statistic": "chisq", "df": "df", "p_value": "p"})
    yield "log_det", result.log_det, np.log(case["det"])


# --- exploratory factors


def _exploratory() -> Iterator[Comparison]:
    reference = oracle("validity")
    for case in reference["data"]:
        data = case["data"]
        for method, call in EXTRACTION.items():
            call = f"{call}, `varimax`, GPArotation 2022.10-2 `oblimin(eps=1e-7)`"
            figures = partial(factors, case, method)
            name = f"validity.efa, {method}"
            yield Comparison(name, data, call, figures, "iterative", True)
        call, figures = f"{R}`promax(m=4)`", partial(promax, case)
        yield Comparison("validity.efa, minres, promax", data, call, figures, "iterative", True)
        call, figures = f'{PSYCH}`fa.parallel(fa="both")`', partial(eigenvalues, case)
        name = "validity.parallel_analysis"
        yield Comparison(name, data, call, figures, "iterative", True)
        call, figures = f"{call}, means of its draws", partial(random_eigenvalues, case)
        yield Comparison(name, data, call, figures, "simulated", True)
    for case in reference["pspp"]["data"]:
        for method, key in (("pca", "PC"), ("principal_axis", "PAF")):
            call = f"{PSPP}`FACTOR /EXTRACTION={key} /ROTATION=VARIMAX`"
            figures, name = partial(pspp_factors, case, method), f"validity.efa, {method}"
            yield Comparison(name, case["data"], call, figures, "iterative", True)
    call = "R `example(factanal)`, printed to 3 decimals"
    name = "validity.efa, ml, promax"
    yield Comparison(name, "18 typed rows of that example", call, factanal, "rounded", True)


def factors(case: Mapping[str, Any], method: str) -> Iterable[Figure]:
    frame, reference = _items(case), case["efa"][method]
    for rotation, kaiser, key in [
        (None, True, "unrotated"),
        ("varimax", True, "varimax"),
        ("oblimin", True, "oblimin"),
        ("oblimin", False, "oblimin_raw"),
    ]:
        result = validity.efa(
            frame, case["efa"]["n_factors"], method=method, rotation=rotation, kaiser=kaiser
        )
        solution = reference[key] if rotation == "oblimin" else (reference[key], None)
        loadings, phi = tidy(*solution)
        yield "loadings", result.loadings, loadings
        if rotation == "oblimin":
            yield "phi", result.phi, phi
        table = result.table.set_index("item").loc[case["items"]]
        yield "table.communality", table["communality"], reference["communality"]
        explained = np.diag(phi @ loadings.T @ loadings) / len(case["items"])
        yield "variance.share", result.variance["share"], explained


def promax(case: Mapping[str, Any]) -> Iterable[Figure]:
    expected = tidy(*oracle("validity")["promax_minres"][case["data"]])
    result = validity.efa(_items(case), case["efa"]["n_factors"], rotation="promax")
    yield "loadings", result.loadings, expected[0]
    yield "phi", result.phi, expected[1]


def eigenvalues(case: Mapping[str, Any]) -> Iterable[Figure]:
    table, expected = validity.parallel_analysis(_items(case), n_iter=1).table, case["parallel"]
    names = {"eigenvalue": "pc_values", "factor_eigenvalue": "fa_values"}
    for field, ours, theirs in columns(table, expected, names):
        yield f"table.{field}", ours, theirs


def random_eigenvalues(case: Mapping[str, Any]) -> Iterable[Figure]:
    result = validity.parallel_analysis(_items(case), percentile=50)
    yield "table.random_eigenvalue", result.table["random_eigenvalue"], case["parallel"]["pc_sim"]


def pspp_factors(case: Mapping[str, Any], method: str) -> Iterable[Figure]:
    frame, known = _pspp(case), oracle("validity")["data"]
    m = next(k["efa"]["n_factors"] for k in known if k["data"] == case["data"])
    result = validity.efa(frame, m, method=method, rotation="varimax")
    expected = [case[f"{method}_varimax"][item] for item in frame]
    yield "loadings", result.loadings, tidy(expected)[0]


def factanal() -> Iterable[Figure]:
    case = oracle("validity")["promax"]
    frame = pd.DataFrame({f"v{i}": case[f"v{i}"] for i in range(1, 7)})
    loadings = validity.efa(frame, 3, method="ml", rotation="varimax").loadings
    yield "varimax loadings", loadings, case["varimax"]
    result = validity.efa(frame, 3, method="ml", rotation="promax")
    printed = np.array(case["promax"], dtype=float)
    yield "loadings", result.loadings.where(~np.isnan(printed)), printed
    sizes = np.sort(np.asarray(result.phi)[np.tril_indices(3, -1)])
    yield "phi", sizes, case["phi_sizes"]


# --- confirmatory factors


def _confirmatory() -> Iterator[Comparison]:
    reference = oracle("cfa")
    for case in reference["cfa"]:
        data = f"{case['data']}, {len(case['model'])} dimensions"
        call = f'{LAVAAN}`cfa(optim.method="GN")`, `fitMeasures`'
        yield _fitted("cfa", data, call, partial(fit, case))
        call = f"{LAVAAN}`standardizedSolution`"
        figures = partial(standardised, case)
        yield Comparison("validity.cfa", data, call, figures, "iterative", True)
        call = f'{LAVAAN}`cfa(estimator="MLM")`'
        yield _fitted("cfa", data, call, partial(robust, case))
        for version, call in (("htmt", "`htmt(htmt2=FALSE)`"), ("htmt2", "`htmt(htmt2=TRUE)`")):
            figures = partial(ratios, case, version)
            yield Comparison(f"validity.{_HTMT[version]}", data, f"{SEMTOOLS}{call}", figures)
        call = f"{R}`eigen(cor())`"
        yield Comparison("validity.common_method", data, call, partial(harman, case))
    call = f"{LAVAAN}`cfa(sample.cov=cov.wt(w), sample.nobs=n_eff)`"
    data, name = "ecsi_mobi, 4 dimensions", "validity.cfa, weighted"
    yield Comparison(name, data, f"{call}, `fitMeasures`", weighted_fit, "iterative")
    call = f"{call}, `standardizedSolution`"
    yield Comparison(name, data, call, weighted_standardised, "iterative", True)
    for case in reference["invariance"]:
        data = f"{case['data']} by {case['group']}"
        call = f"{LAVAAN}`cfa(group=, group.equal=)`, `lavTestLRT`"
        yield _fitted("invariance", data, call, partial(levels, case))
    for version, name in _HTMT.items():
        call, figures = f"{R}20,000 resamples of respondents", partial(resampled, version)
        data = "ecsi_mobi, 4 dimensions"
        yield Comparison(f"validity.{name}", data, call, figures, "simulated", True)


_HTMT = {"htmt": "htmt", "htmt2": 'htmt(version="htmt2")'}


def _fitted(name: str, data: str, reference: str, figures: Any) -> Comparison:
    return Comparison(f"validity.{name}", data, reference, figures, "iterative")


def _rated(case: Mapping[str, Any]) -> pd.DataFrame:
    moments = {**case["moments"], "items": case["items"]}
    return stand_in(partial(items_of, case["data"], case["items"]), moments)


def fit(case: Mapping[str, Any]) -> Iterable[Figure]:
    result = validity.cfa(_rated(case), case["model"])
    yield "n_used", result.n_used, case["moments"]["n"]
    yield from fields(result, case["fit"], FIT)
    table = result.dimensions.set_index("dimension")
    for name in ("ave", "cr"):
        yield f"dimensions.{name}", table[name], [case[name][d] for d in table.index]


def _standardised(result: Any, reference: Any) -> Iterable[Figure]:
    theirs = pd.DataFrame(reference)
    for name, ours, op in [
        ("table", result.table, "=~"),
        ("factor_correlations", result.factor_correlations, "~~"),
    ]:
        for field, one, two in columns(ours, theirs[theirs["op"] == op], WALD):
            yield f"{name}.{field}", one, two


def standardised(case: Mapping[str, Any]) -> Iterable[Figure]:
    result = validity.cfa(_rated(case), case["model"])
    yield from _standardised(result, case["std"])
    expected = [case["unstandardised"][item] for item in result.table["item"]]
    yield "table.unstandardised", result.table["unstandardised"], expected


def robust(case: Mapping[str, Any]) -> Iterable[Figure]:
    result = validity.cfa(items_of(case["data"], case["items"]), case["model"])
    return fields(result, case["robust"], ROBUST)


def _weighted_cfa() -> Any:
    case = oracle("cfa")["cfa"][2]
    frame = items_of(case["data"], case["items"])
    weights = pd.Series(np.resize([1.0, 3.0], len(frame)))
    return validity.cfa(frame, case["model"], weights=weights)


def weighted_fit() -> Iterable[Figure]:
    result, expected = _weighted_cfa(), oracle("cfa")["weighted"]
    yield from fields(result, expected, {"n_effective": "n_effective"})
    yield from fields(result, expected["fit"], FIT)


def weighted_standardised() -> Iterable[Figure]:
    return _standardised(_weighted_cfa(), oracle("cfa")["weighted"]["std"])


def levels(case: Mapping[str, Any]) -> Iterable[Figure]:
    try:
        frame = items_of(case["data"], case["items"])
        group = data_set(case["data"])[case["group"]]
    except LookupError:
        parts = [
            rows_with_moments(m["n"], m["mean"], m["cov"], case["items"]).assign(group=name)
            for name, m in case["groups"].items()
        ]
        frame = pd.concat(parts, ignore_index=True)
        group = frame.pop("group")
    table = validity.invariance(frame, case["model"], group, min_cfi=0.7).table
    names = {"statistic": "chisq", "df": "df", "p_value": "pvalue", "cfi": "cfi"}
    for field, theirs in (names | {"rmsea": "rmsea", "srmr": "srmr"}).items():
        yield f"table.{field}", table[field], [case["steps"][level][theirs] for level in LEVELS]
    for field, theirs in {"statistic": "chisq", "df": "df", "p_value": "p"}.items():
        field = f"delta_{field}"
        yield f"table.{field}", table[field][1:], case["difference"][theirs]


def ratios(case: Mapping[str, Any], version: str) -> Iterable[Figure]:
    theirs = {frozenset(pair): value for *pair, value in case[version]}
    table = validity.htmt(_rated(case), case["model"], version=version, n_boot=0).table
    pairs = zip(table["dimension_1"], table["dimension_2"], strict=True)
    yield "table.estimate", table["estimate"], [theirs[frozenset(pair)] for pair in pairs]


def resampled(version: str) -> Iterable[Figure]:
    case, expected = oracle("cfa")["cfa"][2], oracle("cfa")["htmt_bootstrap"][version]
    frame = items_of(case["data"], case["items"])
    result = validity.htmt(frame, case["model"], version=version, n_boot=2000, seed=1)
    yield from columns(result.table, expected, {"conf_low": "low", "conf_high": "high"})


def harman(case: Mapping[str, Any]) -> Iterable[Figure]:
    result, expected = validity.common_method(_rated(case)), case["harman"]["eigenvalues"]
    yield "estimate", result.estimate, expected[0] / len(expected)
    yield "table.eigenvalue", result.table["eigenvalue"], expected
