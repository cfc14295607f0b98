"""Coverage of 95 % intervals: the invented study drawn with 200 seeds, beside its known truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from csat_stats import effects, loyalty, satisfaction
from csat_stats.simulate import AfterSales, after_sales
from csat_stats.simulate.design import DIMENSIONS, ITEMS, REFERRAL, REPURCHASE, TIERS, WAVES
from csat_stats.simulate.monitoring import IMPROVED_FROM

SEEDS, PER_WAVE = 200, 1200
Interval = tuple[str, float, float | None, float | None, float | None]  # truth, estimate, ends


def honest(study: AfterSales) -> pd.DataFrame:
    """Answers without the careless and the repeated ones, dimension scores added."""
    marks = study.truth["blemish_ids"]
    careless = marks.loc[marks["kind"] != "duplicate", "答卷编号"]
    rows = study.responses.drop_duplicates()
    rows = rows[~rows["答卷编号"].isin([*careless, *study.truth["early_purchases"]])]
    pairs = {name: list(ITEMS[2 * d : 2 * d + 2]) for d, name in enumerate(DIMENSIONS)}
    scores = {name: rows[pair].astype("float64").mean(axis=1) for name, pair in pairs.items()}
    return rows.assign(**scores).reset_index(drop=True)


def intervals(study: AfterSales) -> Iterator[Interval]:
    """Every figure whose truth is known: its name, the truth, the estimate and its interval."""
    rows, truth = honest(study), study.truth
    after, first = rows["波次"] == WAVES[1], rows["城市级别"] == TIERS[0]
    change = effects.before_after(
        rows.loc[first & ~after, "响应效率"], rows.loc[first & after, "响应效率"]
    )
    yield _of("effects.before_after: tier-1 cities", truth["tier1_change"], change)
    for cluster, name in ((None, "effects.did"), ("工程师", "effects.did, by engineer")):
        told = rows[cluster] if cluster else None
        net = effects.did(rows["响应效率"], first, after, cluster=told)
        yield _of(name, truth["did"], net)
    yield _of(
        "effects.interrupted_time_series, less the others", truth["did"], _series(study, rows)
    )
    means = truth["means"].set_index(["wave", "tier", "scale"])["sample"]
    for dimension in DIMENSIONS:
        score = satisfaction.mean_score(rows.loc[after, dimension])
        yield _of("satisfaction.mean_score, a wave", means[WAVES[1], "全部", dimension], score)
    known = rows[rows[list(ITEMS)].notna().all(axis=1)]
    for outcome in (REPURCHASE, REFERRAL):
        happened = (known[outcome] == "是").astype("float64")
        model = loyalty.repurchase_model(happened, known[list(DIMENSIONS)])
        for row in model.table.itertuples():
            slope = truth["logit"][outcome][row.driver]
            yield (
                "loyalty.repurchase_model, slopes",
                slope,
                row.estimate,
                row.conf_low,
                row.conf_high,
            )


def _of(name: str, truth: float, result: Any) -> Interval:
    return name, truth, result.estimate, result.conf_low, result.conf_high


def _series(study: AfterSales, rows: pd.DataFrame) -> Any:
    """Tier-1 cities less the others by month, from the monitoring and the answers."""
    asked = rows["提交时间"].notna()
    told = rows[asked].assign(月份=rows.loc[asked, "提交时间"].str[:7])
    groups = told.assign(first=told["城市级别"] == TIERS[0]).groupby(["月份", "first"])["响应效率"]
    waves = pd.DataFrame({"n": groups.count(), "mean": groups.mean()}).reset_index()
    past = study.history.assign(first=study.history["城市级别"] == TIERS[0])
    past["total"] = past["答卷数"] * past["响应效率均分"]
    sums = past.groupby(["月份", "first"])[["答卷数", "total"]].sum().reset_index()
    sums = sums.assign(n=sums["答卷数"], mean=sums["total"] / sums["答卷数"])
    months = pd.concat([sums[["月份", "first", "n", "mean"]], waves])
    months["月份"] = pd.PeriodIndex(months["月份"], freq="M")
    table = months.pivot_table("mean", "月份", "first")
    n = months.pivot_table("n", "月份", "first")
    whole = pd.period_range(table.index.min(), table.index.max(), freq="M")
    return effects.interrupted_time_series(
        table[True].reindex(whole),
        pd.Period(IMPROVED_FROM),
        n=n[True].reindex(whole).fillna(0),
        control=table[False].reindex(whole),
    )


def rows(seeds: int = SEEDS, per_wave: int = PER_WAVE) -> list[dict[str, Any]]:
    """A line a figure: its truth (the mean of several), the mean estimate, and the coverage."""
    found = [line for seed in range(seeds) for line in intervals(after_sales(seed, per_wave))]
    columns = ["figure", "truth", "estimate", "low", "high"]
    table = pd.DataFrame(found, columns=columns).astype(dict.fromkeys(columns[1:], "float64"))
    table["covered"] = (table["low"] <= table["truth"]) & (table["truth"] <= table["high"])
    groups = table.groupby("figure", sort=False)
    return [
        {
            "figure": figure,
            "intervals": len(group),
            "truth": group["truth"].mean(),
            "mean estimate": group["estimate"].mean(),
            "coverage %": 100 * group["covered"].mean(),
            "not estimable": int(group["estimate"].isna().sum()),
        }
        for figure, group in groups
    ]
