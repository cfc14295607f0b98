"""Waves, problems, control charts and forecasts beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import data_set, oracle

from benchmarks.accuracy.comparison import Comparison, Figure, columns, same
from csat_stats import trends

R = "R 4.2.2 "
Z = 1.959963984540054
TABLE = same("n", "estimate", "std_error", "conf_low", "conf_high", "n_effective", "adjusted")
TABLE |= same("adjusted_se", "adjusted_low", "adjusted_high")
CHANGES = same("estimate", "conf_low", "conf_high", "p_value", "p_holm", "adjusted")
CHANGES |= same("adjusted_low", "adjusted_high", "adjusted_p", "adjusted_p_holm", "rate", "mix")
TREND = same("estimate", "std_error", "conf_low", "conf_high", "statistic", "df", "p_value")
WAVES = {  # column, standard, weighted
    "mean_first": ("q", "first", False),
    "mean_weighted_pooled": ("q", "pooled", True),
    "share_last": ("b", "last", False),
    "share_weighted_first": ("b", "first", True),
}
MISSING = {"missing_mean": ("q", "first", False), "missing_share_weighted": ("b", "first", True)}
BREAKS = {"beyond_limits": "beyond", "run_of_eight": "runs"}


def comparisons() -> Iterator[Comparison]:
    yield from _waves()
    yield from _problems()
    yield from _charts()
    yield from _forecasts()


# --- waves


def _waves() -> Iterator[Comparison]:
    call = f"{R}`t.test`, `prop.test(correct=FALSE)`, `lm(weights=)`; survey 4.1-1 `svymean`, "
    call += "`svystandardize`, `svycontrast`"
    for data, shown in (("made", "240 made answers"), ("airline", "airline_sample by age")):
        for case, (column, standard, weighted) in (WAVES | MISSING).items():
            if case in oracle("trends_waves")[data]:
                what = {"q": "mean", "b": "share"}[column] + ", weighted" * weighted
                gap = ", a stratum missing" * case.startswith("missing")
                name = f"trends.wave_trend, {what}, mix of {standard}"
                yield Comparison(name, f"{shown}{gap}", call, partial(waves, data, case))


def _answers(data: str) -> pd.DataFrame:
    """Waves t, strata s, weights w, scores q and shares b."""
    if data == "made":
        return pd.DataFrame(oracle("trends_waves")["made"]["data"])
    raw = data_set("airline_sample")
    wifi = raw["In-flight Wifi Service"]
    return pd.DataFrame(
        {
            "t": _by_age(raw),
            "s": raw["Type of Travel"] + raw["Class"],
            "w": 0.5 + raw["Flight Distance"] / 1000,
            "q": wifi.where(wifi > 0),
            "b": raw["Satisfaction"] == "Satisfied",
        }
    )


def _by_age(raw: pd.DataFrame) -> pd.Series:
    return pd.cut(raw["Age"], [-np.inf, 29, 39, 49, np.inf], labels=["w1", "w2", "w3", "w4"])


def waves(data: str, case: str) -> Iterable[Figure]:
    frame, expected = _answers(data), oracle("trends_waves")[data][case]
    column, standard, weighted = (WAVES | MISSING)[case]
    if case in MISSING:
        frame = frame[(frame["t"] != "w2") | (frame["s"] != "c")]
    result = trends.wave_trend(
        frame[column],
        frame["t"],
        strata=frame["s"],
        standard=standard,
        weights=frame["w"] if weighted else None,
    )
    for table, names in (("table", TABLE), ("changes", CHANGES), ("trend", TREND)):
        for field, ours, theirs in columns(getattr(result, table), expected[table], names):
            yield f"{table}.{field}", ours, theirs


# --- problems


def _problems() -> Iterator[Comparison]:
    name = "trends.problem_trends"
    call = f'{R}`prop.trend.test`, `prop.test(correct=FALSE)`, `p.adjust("holm")`, '
    call += "`glm(binomial, epsilon=1e-14)`; Newcombe's formula"
    yield Comparison(name, "4 typed problems", call, typed_problems)
    for case, data in (("smokers", "`smokers` of R"), ("gap", "3 months of 6"), ("two", "2 waves")):
        yield Comparison(name, data, call, partial(one_problem, case))
    yield Comparison(name, "airline_sample by age, 4 items", call, airline_problems)


def _verdict(result: Any, name: str, case: Mapping[str, Any]) -> Iterable[Figure]:
    shown = result.table[(result.table["problem"] == name) & (result.table["n"] > 0)]
    counts = {"n": case["n"], "n_with": case["x"], "estimate": np.divide(case["x"], case["n"])}
    for field, theirs in (counts | {"conf_low": case["low"], "conf_high": case["high"]}).items():
        yield f"table.{field}", shown[field], theirs
    verdict = result.verdicts.set_index("problem").loc[name]
    statistic = np.sign(case["slope"]) * np.sqrt(case["chisq"])
    yield "verdicts.statistic", verdict["statistic"], statistic
    yield "verdicts.p_value", verdict["p_value"], case["p"]
    for field in ("slope", "slope_low", "slope_high", "change", "change_low", "change_high"):
        yield f"verdicts.{field}", verdict[field], case[field]


def _column(case: Mapping[str, Any]) -> Any:
    """0/1 answers with these cases in each period, one period below the other."""
    parts = zip(case["x"], case["n"], strict=True)
    return np.concatenate([np.repeat([1, 0], [x, n - x]) for x, n in parts])


def typed_problems() -> Iterable[Figure]:
    reference = oracle("trends_waves")["problems"]
    cases = {name: reference[name] for name in reference["p_holm"]}
    period = np.repeat(cases["rare"]["t"], cases["rare"]["n"])
    problems = pd.DataFrame({name: _column(case) for name, case in cases.items()})
    return _several(trends.problem_trends(problems, period), cases, reference["p_holm"])


def one_problem(name: str) -> Iterable[Figure]:
    case = oracle("trends_waves")["problems"][name]
    period = pd.Series(np.repeat(case["t"], case["n"]))
    if name == "gap":
        period = pd.Series(pd.PeriodIndex("2024-" + period.astype(str), freq="M"))
    result = trends.problem_trends(pd.DataFrame({name: _column(case)}), period)
    return _verdict(result, name, case)


def airline_problems() -> Iterable[Figure]:
    reference = oracle("trends_waves")["problems"]
    raw = data_set("airline_sample")
    items = raw[list(reference["airline"])]
    result = trends.problem_trends((items <= 2).astype("boolean").mask(items == 0), _by_age(raw))
    return _several(result, reference["airline"], reference["airline_holm"])


def _several(result: Any, cases: Mapping[str, Any], holm: Mapping[str, Any]) -> Iterable[Figure]:
    for name, case in cases.items():
        yield from _verdict(result, name, case)
    yield (
        "verdicts.p_holm",
        result.verdicts["p_holm"],
        [holm[p] for p in result.verdicts["problem"]],
    )


# --- control charts


def _charts() -> Iterator[Comparison]:
    qcc = f"{R}with the functions of qcc (`stats`, `limits`, `beyond.limits`, `violating.runs`)"
    qic = f"{R}with the formulas of qicharts2"
    name, juice = "trends.control_chart, p", "54 samples of orange juice cans"
    yield Comparison(name, juice, qcc, cans)
    killed = "drivers killed of `Seatbelts`"
    yield Comparison(name, killed, qcc, shares)
    call = f"{qic} `qic.pp`; `prop.test`"
    yield Comparison("trends.control_chart, laney", killed, call, overdispersed)
    name, call = "trends.control_chart, xmr", f"{qcc}, {qic.removeprefix(R)} `qic.i`, `qic.mr`"
    yield Comparison(name, "flow rate of NIST's handbook", call, flow)
    yield Comparison(name, "`Nile`, 20 of 60 years frozen", qcc, nile)
    call = "NIST/SEMATECH e-Handbook 6.3.2.2, printed to 4 decimals"
    yield Comparison(name, "flow rate of NIST's handbook", call, printed_flow, "rounded", True)
    call = "SAS `PROC SHEWHART`, printed to 4 decimals, d₂ to 5"
    yield Comparison(name, "30 tires of SAS/QC's guide", call, tires, "rounded", True)


def _months(values: Any) -> pd.Series:
    index = pd.period_range("2020-01", periods=len(values), freq="M")
    return pd.Series(np.asarray(values, dtype=float), index)


def _chart(chart: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    yield "estimate", chart.estimate, expected["center"]
    for field, theirs in {"centre": "center", "lower": "lower", "upper": "upper"}.items():
        ours = chart.table[field]
        yield f"table.{field}", ours, np.broadcast_to(expected[theirs], len(ours))


def _signals(chart: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    """Points that break a rule, counted from 1."""
    for rule, theirs in BREAKS.items():
        found = [
            i + 1 for i, names in enumerate(chart.table["signal"]) if rule in names.split(", ")
        ]
        yield "signals", found, expected[theirs]


def cans() -> Iterable[Figure]:
    data = oracle("control")["orangejuice"]
    for case, periods in (("all", 30), ("frozen", 54)):
        counts = _months(data["D"][:periods])
        n = pd.Series(data["n"], counts.index)
        chart = trends.control_chart(counts, n=n, kind="p", baseline=30)
        yield from _chart(chart, data[case])
        yield from _signals(chart, data[case])


def shares() -> Iterable[Figure]:
    data = oracle("control")["drivers"]
    chart = trends.control_chart(_months(data["killed"]), n=_months(data["n"]), kind="p")
    yield from _chart(chart, data["p"])
    yield from _signals(chart, data["p"])


def overdispersed() -> Iterable[Figure]:
    data = oracle("control")["drivers"]
    chart = trends.control_chart(_months(data["killed"]), n=_months(data["n"]))
    yield from _chart(chart, data["pp"])
    yield "sigma_z", chart.sigma_z, data["pp"]["sigma_z"]
    yield "p_dispersion", chart.p_dispersion, data["prop_test"]["p_value"]


def flow() -> Iterable[Figure]:
    data = oracle("control")["flowrate"]
    chart = trends.control_chart(_months(data["values"]))
    yield from _chart(chart, data["i"])
    ours = chart.table["moving_range_upper"]
    yield "table.moving_range_upper", ours, np.full(len(ours), data["i"]["mr_upper"])


def nile() -> Iterable[Figure]:
    data = oracle("control")["nile"]
    chart = trends.control_chart(_months(data["values"]), baseline=20)
    yield from _chart(chart, data["i"])
    yield from _signals(chart, data)


def _printed(values: Any, expected: Mapping[str, Any], names: Iterable[str]) -> Iterable[Figure]:
    first = trends.control_chart(_months(values)).table.iloc[0]
    for name in names:
        yield f"table.{name}", first[name], expected[name]


def printed_flow() -> Iterable[Figure]:
    data = oracle("control")["flowrate"]
    return _printed(data["values"], data["nist"], ["centre", "lower", "upper"])


def tires() -> Iterable[Figure]:
    data = oracle("control")["tires"]
    names = ["centre", "lower", "upper", "moving_range_upper"]
    return _printed(data["values"], data, names)


# --- forecasts


def _forecasts() -> Iterator[Comparison]:
    package = "R forecast 8.20 "
    for case, call, data in [
        ("lake", "naive", "60 years of `LakeHuron`"),
        ("nottem", "snaive", "60 months of `nottem`"),
    ]:
        call = f"{package}`{call}(level=95)`, `accuracy` from 12 origins"
        yield Comparison("trends.forecast, naive", data, call, partial(repeated, case))
    name, call = "trends.forecast, ETS(A,N,N)", f'{package}`ets("ANN", opt.crit="lik")`'
    yield Comparison(name, "60 years of `LakeHuron`", call, smoothed, "iterative", True)
    name, data = "trends.forecast, ARIMA(1,0,0)", "60 made values, promotions"
    call = f'{R}`arima(xreg=, method="ML")`, `predict`'
    for values, gaps in (("values", ""), ("gaps", ", 4 gaps")):
        figures = partial(sales, values)
        yield Comparison(name, f"{data}{gaps}", call, figures, "iterative")
        figures = partial(sales_errors, values)
        stops = f"{call}, error × √(n/(n − k)) (stops its search early)"
        yield Comparison(name, f"{data}{gaps}", stops, figures, "rounded")


def repeated(case: str) -> Iterable[Figure]:
    data = oracle("forecast")[case]
    result = trends.forecast(_months(data["values"]), season=12 if case == "nottem" else None)
    expected = data.get("naive") or data["snaive"]
    for field, theirs in (("naive", "mean"), ("naive_low", "lower"), ("naive_high", "upper")):
        yield f"table.{field}", result.table[field], expected[theirs][:3]
    sizes = result.backtest.groupby("origin", sort=False).size()
    errors = result.accuracy.set_index("forecast").loc["naive"]
    for field in ("mae", "mase"):
        theirs = np.average(data["accuracy"][field], weights=sizes)
        yield f"accuracy.{field}", errors[field], theirs
    squares = np.average(np.square(data["accuracy"]["rmse"]), weights=sizes)
    yield "accuracy.rmse", errors["rmse"], np.sqrt(squares)


def smoothed() -> Iterable[Figure]:
    data = oracle("forecast")["lake"]
    result = trends.forecast(_months(data["values"]), model="ets", backtest=1)
    expected = data["ets"][result.model]
    names = {"model": "mean", "model_low": "lower", "model_high": "upper"}
    for field, ours, theirs in columns(result.table, expected, names):
        yield f"table.{field}", ours, theirs


def _sales(values: str) -> tuple[pd.DataFrame, Mapping[str, Any], float]:
    """The forecast of ours, that of R, and what its errors are multiplied by."""
    data = oracle("forecast")["sales"]
    promotion = _months(data["promotion"])
    result = trends.forecast(_months(data[values]), promotions=promotion, backtest=1)
    expected = data["gappy" if values == "gaps" else "full"][str(result.model)]
    n = result.n_used
    return result.table, expected, float(np.sqrt(n / (n - expected["n_coef"])))


def sales(values: str) -> Iterable[Figure]:
    table, expected, _ = _sales(values)
    yield "table.model", table["model"], expected["mean"]


def sales_errors(values: str) -> Iterable[Figure]:
    table, expected, factor = _sales(values)
    ours = (table["model_high"] - table["model_low"]) / (2 * Z)
    yield "table.width of model_low to model_high", ours, factor * np.array(expected["se"])
