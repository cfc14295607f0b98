"""Consistency of items and agreement of raters beside R, PSPP and Python packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from references import data_set, items_of, oracle, stand_in

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields, limits, same
from csat_stats import reliability

R, PSYCH, PSPP = "R 4.2.2 ", "R psych 2.2.9 ", "PSPP 1.6.2 "
SPLITS = {"attitude": "attitude", "image": "ecsi_mobi, Image", "quality": "ecsi_mobi, Quality"}
SPLITS |= {"airline": "airline_sample, 6 ratings"}


def comparisons() -> Iterator[Comparison]:
    yield from _alpha()
    yield from _halves()
    yield from _raters()


# --- Cronbach's alpha


def _alpha() -> Iterator[Comparison]:
    reference = oracle("reliability")
    call = f"{PSYCH}`alpha(na.omit(x), check.keys=FALSE)`, `alpha.ci`"
    name = "reliability.cronbach_alpha"
    for data, cases in groupby(reference["scales"], key=lambda case: case["data"]):
        scales = list(cases)
        yield Comparison(name, _scales(data, len(scales)), call, partial(alphas, scales))
    call = f"{PSPP}`RELIABILITY /MODEL=ALPHA /SUMMARY=TOTAL`"
    for data, cases in groupby(reference["pspp"]["scales"], key=lambda case: case["data"]):
        scales = list(cases)
        yield Comparison(name, _scales(data, len(scales)), call, partial(pspp_alphas, scales))
    call = f"{R}`cov.wt`, psych 2.2.9 `alpha`, `alpha.ci(n.obs=)`"
    yield Comparison(f"{name}, weighted", "attitude", call, weighted_alpha)


ITEM_COLUMNS = ["n", "mean", "std_dev", "r_item_total", "r_item_rest", "alpha_if_deleted"]


def _scales(data: str, n: int) -> str:
    return f"{data}, {n} scales" if n > 1 else data


def _scale(case: Mapping[str, Any]) -> pd.DataFrame:
    read = partial(
        items_of,
        case["data"],
        case["items"],
        keyed="not reversed" not in case["scale"],
        zero_is_missing=case["scale"] == "zero as missing",
    )
    return stand_in(read, case)


def alphas(cases: list[Mapping[str, Any]]) -> Iterable[Figure]:
    for case in cases:
        result = reliability.cronbach_alpha(_scale(case))
        names = {"n_used": "n", "estimate": "raw_alpha", "standardized": "std_alpha"}
        names |= same("average_r", "scale_mean", "scale_sd")
        yield from fields(result, case, names)
        yield from limits(result, case["feldt95"])
        table = np.array(case["table"], dtype=float).T
        for field, theirs in zip(ITEM_COLUMNS, table, strict=True):
            yield f"table.{field}", result.table[field], theirs


def pspp_alphas(cases: list[Mapping[str, Any]]) -> Iterable[Figure]:
    known = [
        scale
        for scale in oracle("reliability")["scales"]
        if scale["scale"] not in ("Agree, not reversed", "zero as missing")
    ]
    for case in cases:
        moments = next(scale for scale in known if scale["items"] == case["items"])
        result = reliability.cronbach_alpha(_scale(moments))
        yield "estimate", result.estimate, case["alpha"]
        for field in ("r_item_rest", "alpha_if_deleted"):
            yield f"table.{field}", result.table[field], case[field]


def weighted_alpha() -> Iterable[Figure]:
    case = oracle("moments")["weighted"]
    frame = pd.DataFrame(case["rows"], columns=case["items"])
    result = reliability.cronbach_alpha(frame, weights=pd.Series(case["weights"]))
    names = {"n_used": "n", "estimate": "raw_alpha", "standardized": "std_alpha"}
    names |= same("average_r", "scale_mean", "scale_sd")
    yield from fields(result, case, names)
    yield from limits(result, case["feldt95"])
    names = {"r_item_total": "r_item_total", "r_item_rest": "r_item_rest"}
    yield from columns(result.table, case, names | {"alpha_if_deleted": "drop"})


# --- halves and discrimination


def _halves() -> Iterator[Comparison]:
    name, base = "reliability.split_half", f"{R}`cov`, all splits by `combn`"
    call = f"{PSYCH}`splitHalf(covar=TRUE, FALSE, check.keys=FALSE)`"
    for key, data in SPLITS.items():
        yield Comparison(name, data, base, partial(split_halves, key))
        weighted = f'{R}`cov.wt(method="ML")`·n/(n − 1)'
        yield Comparison(f"{name}, weighted", data, weighted, partial(weighted_halves, key))
        yield Comparison(name, data, call, partial(lambdas, key))
        if key != "airline":
            pspp = f"{PSPP}`RELIABILITY /MODEL=SPLIT`"
            yield Comparison(name, data, pspp, partial(pspp_halves, key))
    for key in ("attitude", "quality"):
        name = "reliability.item_discrimination"
        call = f"{R}`t.test`, `cor`, Levene by `aov`; effectsize 0.8.3 `cohens_d`"
        yield Comparison(name, SPLITS[key], call, partial(discrimination, key))
        call = "R survey 4.1-1 `svymean` of each group, `svyvar`; `cov.wt`"
        figures = partial(weighted_discrimination, key)
        yield Comparison(f"{name}, weighted", SPLITS[key], call, figures)


def _rows(key: str) -> pd.DataFrame:
    case = oracle("halves")[key]
    return items_of(SPLITS[key].split(",")[0], case["items"])


def _split(result: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    names = ["estimate", "unequal", "r_halves", "lambda4", "lambda4_max", "lambda6", "n_splits"]
    yield from fields(result, expected, {name: name for name in names if name in expected})
    table = {name: name for name in ("k", "mean", "std_dev", "alpha") if name in expected}
    for field, ours, theirs in columns(result.table, expected, table):
        yield f"table.{field}", ours, theirs


def _in_blocks(case: Mapping[str, Any]) -> list[list[str]]:
    middle = -(-len(case["items"]) // 2)
    return [case["items"][:middle], case["items"][middle:]]


def split_halves(key: str) -> Iterable[Figure]:
    case = oracle("halves")[key]
    frame = stand_in(partial(_rows, key), case)
    yield from _split(reliability.split_half(frame), case["odd_even"])
    blocks = reliability.split_half(frame, halves=_in_blocks(case))
    yield from _split(blocks, case["first_second"])


def pspp_halves(key: str) -> Iterable[Figure]:
    case = oracle("halves")[key]
    frame = stand_in(partial(_rows, key), case)
    result = reliability.split_half(frame, halves=_in_blocks(case))
    return _split(result, oracle("halves")["pspp"][key])


def weighted_halves(key: str) -> Iterable[Figure]:
    case, frame = oracle("halves")[key], _rows(key).dropna()
    weights = pd.Series(np.resize(case["weights"], len(frame)), frame.index)
    return _split(reliability.split_half(frame, weights=weights), case["weighted"])


def lambdas(key: str) -> Iterable[Figure]:
    case = oracle("halves")[key]
    frame = stand_in(partial(_rows, key), case).dropna()
    for kind, items in (("raw", frame), ("standardized", (frame - frame.mean()) / frame.std())):
        names = {"lambda6": f"lambda6_{kind}", "lambda4_max": f"max_{kind}"}
        given = {ours: theirs for ours, theirs in names.items() if theirs in case["psych"]}
        yield from fields(reliability.split_half(items), case["psych"], given)


GROUP_COLUMNS = ["mean_low", "mean_high", "estimate", "std_error", "conf_low", "conf_high"]
GROUP_COLUMNS += ["statistic", "df", "p_value", "cohens_d", "point_biserial", "levene_p"]


def _groups(result: Any, expected: Mapping[str, Any], table: np.ndarray) -> Iterable[Figure]:
    names = ("cut_low", "cut_high", "n_low", "n_high")
    yield from fields(result, expected, same(*names))
    for field, theirs in zip(GROUP_COLUMNS, table.T, strict=False):
        yield field, result.table[field], theirs


def discrimination(key: str) -> Iterable[Figure]:
    frame, reference = _rows(key), oracle("halves")["discrimination"][key]
    for name, options in (("share27", {}), ("share33", {"share": 1 / 3, "conf_level": 0.9})):
        expected = reference[name]
        for test in ("welch", "student"):
            result = reliability.item_discrimination(frame, test=test, **options)
            yield from _groups(result, expected, np.array(expected[test]))


def weighted_discrimination(key: str) -> Iterable[Figure]:
    frame, expected = _rows(key), oracle("halves")["discrimination"][key]["weighted"]
    weights = pd.Series(np.resize([1, 2.5, 0.5, 3], len(frame)))
    result = reliability.item_discrimination(frame, weights=weights)
    return _groups(result, expected, np.array(expected["table"]))


# --- raters


def _raters() -> Iterator[Comparison]:
    call = f"{PSYCH}`ICC(lmer=FALSE)`"
    for key, data in (
        ("shrout_fleiss", "Shrout & Fleiss 1979"),
        ("attitude", "attitude"),
        ("image", "ecsi_mobi, Image"),
    ):
        yield Comparison("reliability.icc", data, call, partial(intraclass, key))
    for key, data in (("cohen1968", "Cohen 1968"), ("five", "a 5 × 5 table")):
        name, call = "reliability.cohen_kappa", "statsmodels 0.15 `cohens_kappa`"
        yield Comparison(name, data, call, partial(kappa_of_statsmodels, key))
        call = f"{PSYCH}`cohen.kappa` (no error of weighted kappa)"
        yield Comparison(name, data, call, partial(kappa_of_psych, key))
    name, data = "reliability.fleiss_kappa", "15 subjects × 6 raters × 5 categories"
    yield Comparison(name, data, f"{R}irr `kappam.fleiss(detail=TRUE)`, its formulas", fleiss)
    yield Comparison(name, data, "irrCAC 0.4.4 `CAC.fleiss`", gwet)
    for key, data in (("example", "Krippendorff 2011"), ("random", "40 subjects × 5 raters, gaps")):
        call = "krippendorff 0.9.0 (Python) `alpha`"
        yield Comparison("reliability.krippendorff_alpha", data, call, partial(krippendorff, key))


def intraclass(key: str) -> Iterable[Figure]:
    case = oracle("agreement")["icc"][key]
    if key == "shrout_fleiss":
        ratings, cases = pd.DataFrame(case["data"]), [(0.95, case["ci95"]), (0.9, case["ci90"])]
    else:
        name = {"image": "ecsi_mobi"}.get(key, key)
        ratings = data_set(name).filter(regex="^IMAG" if key == "image" else ".")
        cases = [(0.95, case)]
    names = ["estimate", "statistic", "df", "df_error", "p_value", "conf_low", "conf_high"]
    for level, expected in cases:
        result = reliability.icc(ratings, conf_level=level)
        for field, theirs in zip(names, np.array(expected["table"]).T, strict=True):
            yield f"table.{field}", result.table[field], theirs
        squares = ("ms_subjects", "ms_raters", "ms_error")
        yield from fields(result, dict(zip(squares, expected["ms"], strict=True)), same(*squares))


def _pairs(counts: Any) -> tuple[pd.Series, pd.Series]:
    """A row for each subject of a cross table."""
    first, second = np.indices(np.shape(counts)) + 1
    times = np.ravel(counts)
    return tuple(pd.Series(np.repeat(codes.ravel(), times)) for codes in (first, second))


def kappa_of_statsmodels(key: str) -> Iterable[Figure]:
    case = oracle("agreement")["kappa"][key]
    names = ["statistic", "p_value", "estimate", "std_error"]
    for kind in ("nominal", "linear", "quadratic"):
        result = reliability.cohen_kappa(*_pairs(case["counts"]), disagreement=kind)
        yield from fields(result, dict(zip(names, case["z"][kind], strict=True)), same(*names))


def kappa_of_psych(key: str) -> Iterable[Figure]:
    case = oracle("agreement")["kappa"][key]
    pairs = _pairs(case["counts"])
    plain, expected = reliability.cohen_kappa(*pairs), case["quadratic"]["unweighted"]
    names = ["estimate", "conf_low", "conf_high", "std_error"]
    yield from fields(plain, dict(zip(names, expected, strict=True)), same(*names))
    for kind in ("linear", "quadratic"):
        result = reliability.cohen_kappa(*pairs, disagreement=kind)
        yield "estimate", result.estimate, case[kind]["weighted"][0]
    if "custom" in case:
        codes = list(range(1, len(case["custom"]) + 1))
        given = pd.DataFrame(case["custom"], codes, codes)
        result = reliability.cohen_kappa(*pairs, disagreement=given)
        yield "estimate", result.estimate, case["given"]["weighted"][0]


def _fleiss() -> tuple[Any, Mapping[str, Any]]:
    case = oracle("agreement")["fleiss"]
    rows = [np.repeat(list("abcde"), row) for row in case["counts"]]
    return reliability.fleiss_kappa(pd.DataFrame(rows)), case


def fleiss() -> Iterable[Figure]:
    result, case = _fleiss()
    names = {"estimate": "kappa", "observed": "observed", "expected": "expected"}
    yield from fields(result, case, names | {"statistic": "z", "p_value": "p"})
    names = {"share": "share", "estimate": "category", "statistic": "category_z"}
    for field, ours, theirs in columns(result.table, case, names | {"p_value": "category_p"}):
        yield f"table.{field}", ours, theirs


def gwet() -> Iterable[Figure]:
    result, case = _fleiss()[0], _fleiss()[1]["irrCAC"]
    yield from fields(result, case, {"estimate": "coefficient_value", "std_error": "se"})
    yield from limits(result, case["confidence_interval"])


def krippendorff(key: str) -> Iterable[Figure]:
    case = oracle("agreement")["krippendorff"][key]
    ratings = pd.DataFrame(case["ratings"], dtype=float).T
    for level, expected in case["alpha"].items():
        result = reliability.krippendorff_alpha(ratings, level=level, n_boot=0)
        yield "estimate", result.estimate, expected
