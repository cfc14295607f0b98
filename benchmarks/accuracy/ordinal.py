"""Ordered categories and common factors of a scale: polychoric figures and omega beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import items_of, oracle, stand_in

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields, limits
from csat_stats import reliability, validity

R, PSYCH = "R 4.2.2 ", "R psych 2.2.9 "
TRAITS = {"sim_y": "made answers, 9 items", "mobi_cusa": "ecsi_mobi, Satisfaction"}
TRAITS |= {"mobi_image": "ecsi_mobi, Image", "bfi_neuro": "psych_bfi, Neuroticism"}
TRAITS |= {"bfi_open": "psych_bfi, Openness", "attitude": "attitude"}
GROUPS = {"sim_y": "made answers, 9 items", "holzinger": "holzinger1939"}
GROUPS |= {"attitude": "attitude", "bfi": "psych_bfi, 25 items"}
ORDINAL = {"sim_x": "made answers, 6 items", "sim_x_weighted": "made answers, 6 items, weighted"}
ORDINAL |= {"sim_y": "made answers, 9 items", "bfi_agree": "psych_bfi, Agreeableness"}
ORDINAL |= {"mobi_cusa": "ecsi_mobi, Satisfaction", "airline": "airline_sample, 6 ratings"}
RATED = ["Seat Comfort", "Cleanliness", "Food and Drink", "In-flight Service"]
RATED += ["On-board Service", "In-flight Entertainment"]


def comparisons() -> Iterator[Comparison]:
    for key, data in ORDINAL.items():
        call = f"{R}`uniroot(tol=1e-14)` of the score, mvtnorm 1.1-3 `pmvnorm(TVPACK)`"
        name = "validity.polychoric"
        yield Comparison(name, data, call, partial(correlations, key), absolute=True)
        call = 'R lavaan 0.6-14 `cfa(ordered=, se="robust.sem", sampling.weights=)`'
        yield Comparison(name, data, call, partial(two_step, key), "iterative")
        if "psych_rho" in oracle("ordinal")["polychoric"][key]:
            call = f"{PSYCH}`polychoric(correct=0)`, as it stops"
            yield Comparison(name, data, call, partial(as_psych_stops, key), "rounded", True)
        call = f"{PSYCH}`KMO` of the polychoric matrix"
        yield Comparison("validity.ordinal_kmo", data, call, partial(ordinal_kmo, key))
        call = f"{PSYCH}`alpha` of the polychoric matrix"
        yield Comparison("reliability.ordinal_alpha", data, call, partial(ordinal_alpha, key))
        call = f"{R}`nlminb`, minres of the polychoric matrix to rel.tol 1e-15"
        name = "reliability.mcdonald_omega(ordinal=True)"
        figures = partial(ordinal_omega, key)
        yield Comparison(name, data, call, figures, "iterative", True)
    call = f"{PSYCH}`cor.smooth`"
    yield Comparison("validity.polychoric", "made answers, 30 × 6", call, smoothed, absolute=True)
    for key, data in TRAITS.items():
        call = "R lavaan 0.6-14 `cfa(std.lv=TRUE)`, `parameterEstimates`"
        figures = partial(omega, key)
        yield Comparison("reliability.mcdonald_omega", data, call, figures, "iterative", True)
    name = "reliability.mcdonald_omega(n_factors=)"
    for key, data in GROUPS.items():
        call = f"{R}`nlminb` minres, GPArotation 2022.10-2 `oblimin(eps=1e-8)`"
        figures = partial(grouped_omega, key)
        yield Comparison(name, data, call, figures, "iterative", True)
        call = f"{PSYCH}`omega(flip=FALSE)`, as it stops"
        figures = partial(printed_omega, key)
        yield Comparison(name, data, call, figures, "iterative", True)


def _typed(rows: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame([list(map(int, row)) for row in rows])
    return frame.rename(columns=lambda i: f"q{i + 1}")


def ordered(key: str) -> dict[str, Any]:
    """Items and weights of a case of ordered categories, as arguments."""
    data = oracle("ordinal")["data"]
    if key.startswith("sim"):
        weights = pd.Series(data["w"]) if key.endswith("weighted") else None
        return {"items": _typed(data[key[4]]), "weights": weights}
    if key == "bfi_agree":
        return {"items": items_of("psych_bfi", [f"A{i}" for i in range(1, 6)])}
    if key == "mobi_cusa":
        return {"items": items_of("ecsi_mobi", ["CUSA1", "CUSA2", "CUSA3"])}
    return {"items": items_of("airline_sample", RATED)}


def correlations(key: str) -> Iterable[Figure]:
    expected = oracle("ordinal")["polychoric"][key]
    result = validity.polychoric(**ordered(key))
    yield from fields(result, expected, {"smallest_eigenvalue": "smallest_eigenvalue"})
    yield "table.estimate", result.table["estimate"], expected["rho"]
    thresholds = np.concatenate(expected["thresholds"])
    yield "thresholds.threshold", result.thresholds["threshold"], thresholds


def two_step(key: str) -> Iterable[Figure]:
    table = validity.polychoric(**ordered(key)).table
    names = {"estimate": "lavaan_est", "std_error": "lavaan_se"}
    for field, ours, theirs in columns(table, oracle("ordinal")["polychoric"][key], names):
        yield f"table.{field}", ours, theirs


def as_psych_stops(key: str) -> Iterable[Figure]:
    table = validity.polychoric(**ordered(key)).table
    yield "table.estimate", table["estimate"], oracle("ordinal")["polychoric"][key]["psych_rho"]


def smoothed() -> Iterable[Figure]:
    expected = oracle("ordinal")["smoothed"]
    result = validity.polychoric(_typed(oracle("ordinal")["data"]["small"]))
    yield "table.estimate", result.table["estimate"], expected["rho"]
    yield "corr", result.corr.to_numpy()[np.triu_indices(6, 1)], expected["smooth"]


def ordinal_kmo(key: str) -> Iterable[Figure]:
    expected = oracle("ordinal")["polychoric"][key]
    result = validity.ordinal_kmo(**ordered(key))
    names = {"n_used": "n", "estimate": "kmo"}
    names |= {"pearson": "kmo_pearson"} if "kmo_pearson" in expected else {}
    yield from fields(result, expected, names)
    yield "table.msa", result.table["msa"], expected["msa"]


def ordinal_alpha(key: str) -> Iterable[Figure]:
    expected = oracle("ordinal")["polychoric"][key]
    result = reliability.ordinal_alpha(**ordered(key))
    names = {"n_used": "n", "estimate": "alpha", "average_r": "average_r"}
    names |= {"pearson": "alpha_pearson"} if "alpha_pearson" in expected else {}
    yield from fields(result, expected, names)
    names = {"r_item_rest": "r_drop", "alpha_if_deleted": "alpha_drop"}
    for field, ours, theirs in columns(result.table, expected, names):
        yield f"table.{field}", ours, theirs


def ordinal_omega(key: str) -> Iterable[Figure]:
    expected = oracle("ordinal")["polychoric"][key]
    result = reliability.mcdonald_omega(ordinal=True, **ordered(key))
    yield "estimate", result.estimate, expected["omega"]
    yield "table.loading", result.table["loading"], expected["minres_loadings"]


def _answers(data: str, case: Mapping[str, Any]) -> pd.DataFrame:
    if data.startswith("made"):
        return ordered("sim_y")["items"]
    return stand_in(partial(items_of, data.split(",")[0], case["items"]), case)


def omega(key: str) -> Iterable[Figure]:
    case = oracle("ordinal")["one_factor"][key]
    result = reliability.mcdonald_omega(_answers(TRAITS[key], case))
    yield from fields(result, case, {"n_used": "n", "estimate": "omega", "standardized": "cr"})
    yield from limits(result, case["ci"])
    yield "table.loading", result.table["loading"], case["loadings_std"]


def grouped_omega(key: str) -> Iterable[Figure]:
    case = oracle("ordinal")["schmid_leiman"][key]
    m = case["n_factors"]
    result = reliability.mcdonald_omega(_answers(GROUPS[key], case), n_factors=m)
    yield from fields(result, case, {"estimate": "total", "hierarchical": "hierarchical"})
    group = np.array(case["group"])
    group = group[:, np.argsort(-(group**2).sum(axis=0))]
    group *= np.where(group.sum(axis=0) < 0, -1, 1)
    yield "table.loading", result.table["loading"], case["general"]
    yield "table.F1 …", result.table[[f"F{i}" for i in range(1, m + 1)]], group
    yield "table.uniqueness", result.table["uniqueness"], case["uniqueness"]


def printed_omega(key: str) -> Iterable[Figure]:
    case = oracle("ordinal")["schmid_leiman"][key]
    result = reliability.mcdonald_omega(_answers(GROUPS[key], case), n_factors=case["n_factors"])
    names = {"estimate": "omega_tot", "hierarchical": "omega_h"}
    return fields(result, case["psych_default"], names)
