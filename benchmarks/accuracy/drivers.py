"""Importance, collinearity, the matrix of importance and performance, and priorities beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import data_set, oracle

from benchmarks.accuracy.comparison import Comparison, Figure, fields
from csat_stats import drivers

R = "R 4.2.2 "
OUTCOMES = {"attitude": "rating", "swiss": "Fertility", "ecsi_mobi": "Satisfaction"}
SCALES = {"Satisfaction": "CUSA", "Image": "IMAG", "Expectation": "CUEX", "Quality": "PERQ"}
SCALES |= {"Value": "PERV"}


def comparisons() -> Iterator[Comparison]:
    for data in OUTCOMES:
        shown = "ecsi_mobi, 5 scales" if data == "ecsi_mobi" else data
        for method, call in (("lmg", "LMG, all orders"), ("johnson", "Johnson's weights")):
            name, call = f"drivers.relative_importance, {method}", f"{R}base, {call} written out"
            yield Comparison(name, shown, call, partial(importance, data, method))
        name, call = "drivers.collinearity", "R car 3.1-1 `vif(lm())`; `eigen`, `kappa(exact=TRUE)`"
        yield Comparison(name, shown, call, partial(collinear, data))
        name = "drivers.importance_performance"
        for kind, call in (("lmg", "LMG, all orders, written out"), ("correlation", "`cor`")):
            call = f"{R}{call}, `colMeans`"
            yield Comparison(f"{name}, {kind}", shown, call, partial(matrix, data, kind))
    call = f"{R}`solve(cov.wt(cor=TRUE))`, `eigen`"
    yield Comparison("drivers.collinearity, weighted", "swiss", call, weighted_collinear)
    unweighted = f'{R}`prop.test(correct=FALSE)`, `t.test`, `p.adjust("holm")`, Newcombe\'s formula'
    weighted = "R survey 4.1-1 `svymean`; formulas of Kish, Newcombe, Welch"
    for kind in ("share", "mean"):
        for case, call in ((kind, unweighted), (f"{kind}_weighted", weighted)):
            shown = f"200 made respondents, {case.replace('_', ', ')}"
            yield Comparison("drivers.priority_matrix", shown, call, partial(priorities, case))


def _answers(data: str) -> tuple[pd.DataFrame, str, Mapping[str, Any]]:
    frame = data_set(data).select_dtypes("number")
    if data == "ecsi_mobi":
        blocks = {name: frame.filter(regex=f"^{code}[0-9]") for name, code in SCALES.items()}
        frame = pd.DataFrame({name: block.mean(axis=1) for name, block in blocks.items()})
    return frame, OUTCOMES[data], oracle("drivers")[data]


def _of_drivers(table: pd.DataFrame, **expected: Mapping[str, float]) -> Iterable[Figure]:
    """Columns of the table by driver."""
    for column, theirs in expected.items():
        yield f"table.{column}", table[column], [theirs[name] for name in table["driver"]]


def importance(data: str, method: Any) -> Iterable[Figure]:
    frame, outcome, expected = _answers(data)
    result = drivers.relative_importance(frame, outcome, method=method, n_boot=0)
    yield from fields(result, expected, {"n_used": "n", "estimate": "R2"})
    parts = expected[method]
    shares = {name: part / expected["R2"] for name, part in parts.items()}
    yield from _of_drivers(result.table, estimate=parts, share=shares)


def collinear(data: str) -> Iterable[Figure]:
    frame, outcome, expected = _answers(data)
    expected = expected["collinearity"]
    result = drivers.collinearity(frame.drop(columns=outcome))
    yield from fields(result, expected, {"estimate": "halo", "condition_number": "condition"})
    yield from _of_drivers(result.table, vif=expected["vif"], mean_corr=expected["mean_corr"])


def weighted_collinear() -> Iterable[Figure]:
    frame, outcome, _ = _answers("swiss")
    expected = oracle("drivers")["swiss_weighted"]
    weights = pd.Series((np.arange(len(frame)) + 1) % 4, frame.index)
    result = drivers.collinearity(frame.drop(columns=outcome), weights=weights)
    yield from fields(result, expected, {"estimate": "halo", "condition_number": "condition"})
    yield from _of_drivers(result.table, vif=expected["vif"])


def matrix(data: str, kind: Any) -> Iterable[Figure]:
    frame, outcome, expected = _answers(data)
    result = drivers.importance_performance(frame, outcome, importance=kind, n_boot=0)
    derived = expected["lmg_share" if kind == "lmg" else kind]
    yield from _of_drivers(
        result.table, importance=derived, performance=expected["performance_mean"]
    )


def _complaints() -> tuple[pd.DataFrame, dict[str, pd.Series], pd.Series]:
    """The respondents of the oracle: problems, what followed, weights."""
    i = np.arange(200)
    late = (i * 7) % 10 < 4
    problems = pd.DataFrame({"late": late * 1.0, "loud": i % 9 == 0, "rude": i % 3 == 0})
    problems.loc[i % 50 == 5, "late"] = np.nan
    told = late & (i % 50 != 5)
    gone = pd.Series((i**2 % 11 < 3) | (told & (i % 2 == 1)), dtype=float)
    impacts = {"share": gone, "mean": pd.Series((i * 13) % 10 + 2.0 * told)}
    return problems, {k: v.mask(i % 40 == 8) for k, v in impacts.items()}, pd.Series(i % 4)


def priorities(case: str) -> Iterable[Figure]:
    problems, impacts, weights = _complaints()
    kind, _, weighted = case.partition("_")
    result = drivers.priority_matrix(problems, impacts[kind], weights=weights if weighted else None)
    expected = oracle("drivers")["priorities"][case]
    for column in expected["late"]:
        theirs = [expected[name][column] for name in result.table["problem"]]
        yield f"table.{column}", result.table[column], theirs
