"""An invented after-sales study with known truth: six tables as a maker's systems export them.

The data are in Chinese, as the exports would be. Answers come from a latent model (Likert items
cut from normal scores with a general and five specific factors) whose expected values are
solved, not guessed: the ``truth`` that comes with the tables is what an analysis should find.
``python -m csat_stats.simulate FOLDER`` writes the tables as CSV.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from csat_stats.simulate import design, fieldwork, monitoring, operation
from csat_stats.simulate.design import (
    CUSTOMER_PROPENSITY,
    CUSTOMER_SHARE,
    DIMENSIONS,
    ITEMS,
    OVERALL,
    REFERRAL,
    REPURCHASE,
    TIER_PROPENSITY,
    TIER_SHARE,
    Floats,
    Ints,
)
from csat_stats.simulate.remarks import remarks

__all__ = ["AfterSales", "after_sales", "write_csv"]

ID, CUSTOMER, TICKET, SUBMITTED = "答卷编号", "客户编号", "工单号", "提交时间"
SECONDS, RECOMMEND, REMARK = "作答时长秒", "推荐意愿", "意见建议"
BOUGHT_ON = "复购日期"
HONEST, SPEEDER, STRAIGHT_LINER = 0, 1, 2
STRAIGHT_LEVELS = np.array([1, 3, 3, 4, 4, 5, 5, 5])
FIXED_AT_ONCE = np.array([0.15, 0.40, 0.80, 0.93, 0.98])  # given Q9
COMPLAINED = np.array([0.50, 0.25, 0.06, 0.02, 0.005])  # given overall satisfaction
CHANNEL_SHARE = np.array([[0.38, 0.30, 0.20, 0.12]])
ITEM_MISSING, ITEM_MISSING_Q8 = 0.02, 0.05
STREAM = 44  # of the streams of a seed, one whose sample for the default seed is near the truth


@dataclass(frozen=True)
class AfterSales:
    """The six tables of an invented after-sales study, and the truth behind them.

    Attributes
    ----------
    responses
        One row per questionnaire as exported: blemishes, duplicates and gaps included.
    population
        The sampling frame: customers by city tier, service type and customer type.
    contacts
        Everybody invited to answer, in proportion to the frame, with what became of it. Who
        completed is who is in ``responses``, once for each ticket.
    tickets
        Service tickets, those of all respondents among them; what an open ticket lacks is empty.
    actions
        The improvement register.
    history
        Monthly monitoring before and between the waves, by city tier.
    truth
        ``means``: expected scores (1–5) by ``wave``, ``tier`` (全部: all) and ``scale`` (the five
        dimensions, 总体满意度), for the ``sample`` as drawn and for the ``population``;
        ``tier1_change``, ``common_trend``, ``did`` of response efficiency; ``overall_weights``;
        ``recommend_shares`` (rows: overall 1–5, columns: 0–10); ``logit``: intercept and slopes
        of 90天内复购 and 90天内推荐 on the dimension means; ``within_30_min``: share of tickets
        by wave and tier; ``engineer_shift`` in latent units; ``n_honest`` per wave;
        ``panel_customers`` in both waves; ``early_purchases``: responses whose purchase lies
        before the survey and is no repurchase; ``blemishes``: counts; ``blemish_ids``: which
        response has which; ``remarks``: dimension and tone of each open answer.
    """

    responses: pd.DataFrame
    population: pd.DataFrame
    contacts: pd.DataFrame
    tickets: pd.DataFrame
    actions: pd.DataFrame
    history: pd.DataFrame
    truth: dict[str, Any]


@dataclass(frozen=True)
class _People:
    """Who answers about which service: one entry a response, codes into the names of design."""

    wave: Ints
    kind: Ints
    number: Ints
    tier: Ints
    customer: Ints
    region: Ints
    service: Ints
    engineer: Ints
    channel: Ints


@dataclass(frozen=True)
class _Answers:
    items: Ints
    overall: Ints
    recommend: Ints
    repurchase: npt.NDArray[np.bool_]
    referral: npt.NDArray[np.bool_]
    scores: Floats  # dimension means as experienced, which careless answers hide
    slowness: Floats  # standard normal, of the ticket's first response


def after_sales(seed: int = 20260901, n_per_wave: int = 1200) -> AfterSales:
    """Draw the study of a home-appliance maker's after-sales service.

    Parameters
    ----------
    seed
        The same seed gives the same tables, to the byte.
    n_per_wave
        Honest answers in each of the two waves, 200 or more; speeders, straight-liners,
        duplicates and resubmissions come on top. One customer in eight answers in both waves.

    Raises
    ------
    ValueError
        If ``n_per_wave`` is below 200.

    Notes
    -----
    Item = 1 + number of cuts below a latent normal score; the level of each dimension is the
    root of its expected value minus the wanted mean, over all cells of the design. Overall
    satisfaction is the weighted mean of the dimensions under stochastic rounding, so its
    expectation is that weighted mean exactly. Gaps are missing completely at random.

    Examples
    --------
    >>> study = after_sales(n_per_wave=200)
    >>> round(study.truth["did"], 2), study.truth["blemishes"]["duplicates"]
    (0.85, 2)
    >>> bool(study.responses["工单号"].isin(study.tickets["工单号"]).all())
    True
    """
    if n_per_wave < 200:
        raise ValueError(f"n_per_wave is {n_per_wave}: at least 200 are needed")
    rng = np.random.default_rng([seed, STREAM])
    base = design.solved_base()
    people = _people(rng, n_per_wave)
    answers = _answers(rng, people, base, n_per_wave // 8)
    n = len(people.wave)

    fixed = rng.random(n) < FIXED_AT_ONCE[answers.items[:, 8] - 1]
    complained = rng.random(n) < COMPLAINED[answers.overall - 1]
    first = np.array(["2026-03-01", "2026-07-01"], dtype="datetime64[D]")[people.wave]
    days = (first + rng.integers(0, 51, n)).astype("datetime64[s]")
    surveyed = pd.DataFrame(
        {
            "customer_no": people.number,
            "tier": people.tier,
            "service": people.service,
            "region": people.region,
            "engineer": people.engineer,
            "fixed": fixed,
            "complaint": np.where(complained, answers.scores.argmin(axis=1), -1),
            "accepted": operation.working_time(rng, days),
            "slow": answers.slowness,
        }
    )
    tickets, ticket, finished = operation.tickets(rng, surveyed, round(1.6 * n_per_wave))
    hours = np.clip(np.exp(3.2 + 0.6 * rng.standard_normal(n)), 1, 120)
    submitted = operation.daytime(rng, finished + (hours * operation.HOUR).astype(np.int64), 7, 23)
    texts, about, tone = remarks(
        rng, answers.scores, answers.overall, people.service, people.channel, fixed
    )
    honest = people.kind == HONEST
    # Streams of their own, here and below: the other figures do not depend on them.
    bought, bought_on = monitoring.purchases(
        np.random.default_rng([seed, STREAM, 2]), answers.repurchase, submitted, n_per_wave // 200
    )
    table = pd.DataFrame(
        {
            ID: "",
            CUSTOMER: [f"K{number}" for number in people.number],
            TICKET: ticket,
            "波次": design.named(design.WAVES, people.wave),
            "服务日期": operation.time_text(finished, "D"),
            SUBMITTED: operation.time_text(submitted),
            SECONDS: pd.array(_seconds(rng, people.kind), dtype="Int64"),
            "大区": design.named(design.REGIONS, people.region),
            "城市级别": design.named(design.TIERS, people.tier),
            "服务类型": design.named(design.SERVICES, people.service),
            "客户类型": design.named(design.CUSTOMERS, people.customer),
            "报修渠道": design.named(design.CHANNELS, people.channel),
            "工程师": [design.engineer_id(e) for e in people.engineer],
            **{item: pd.array(answers.items[:, j], "Int64") for j, item in enumerate(ITEMS)},
            OVERALL: pd.array(answers.overall, dtype="Int64"),
            RECOMMEND: pd.array(answers.recommend, dtype="Int64"),
            REPURCHASE: np.where(bought, "是", "否"),
            BOUGHT_ON: bought_on,
            REFERRAL: np.where(answers.referral, "是", "否"),
            REMARK: [text if ok else None for text, ok in zip(texts, honest, strict=True)],
            "early": bought & ~answers.repurchase,
            "submitted": submitted,
            "kind": design.named(("", "speeder", "straight_liner"), people.kind),
            "dimension": design.named(DIMENSIONS, about),
            "tone": tone,
        }
    )
    table, counts = _blemished(rng, table, n_per_wave)
    marked = table["kind"] != ""
    remarked = table[REMARK].notna() & (table["kind"] != "duplicate")
    early = table.loc[table["early"], ID].drop_duplicates()
    truth = design.expected(base) | {
        "n_honest": n_per_wave,
        "panel_customers": n_per_wave // 8,
        "blemishes": counts,
        "early_purchases": early.tolist(),
        "blemish_ids": table.loc[marked, [ID, "kind"]].reset_index(drop=True),
        "remarks": table.loc[remarked, [ID, "dimension", "tone"]].reset_index(drop=True),
    }
    responses = table.drop(columns=["early", "submitted", "kind", "dimension", "tone"])
    population = design.population()
    completes = pd.DataFrame(
        {
            "wave": people.wave,
            "tier": people.tier,
            "service": people.service,
            "customer": people.customer,
            "region": people.region,
        }
    )
    contacts = fieldwork.contacts(
        np.random.default_rng([seed, STREAM, 1]), completes, population, n_per_wave
    )
    history = monitoring.monthly(np.random.default_rng([seed, STREAM, 3]))
    return AfterSales(responses, population, contacts, tickets, operation.actions(), history, truth)


def write_csv(study: AfterSales, folder: Path) -> None:
    """Write the six tables to ``folder`` as UTF-8 with byte-order mark, as survey tools do."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("responses", "population", "contacts", "tickets", "actions", "history"):
        table: pd.DataFrame = getattr(study, name)
        path = folder / f"{name}.csv"
        table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def _people(rng: np.random.Generator, n_honest: int) -> _People:
    """Two waves of independent draws from the design; the first eighth of each is the panel."""
    counts = (n_honest, *_careless(n_honest))
    m, n_panel = sum(counts), n_honest // 8
    everyone = np.zeros(2 * m, dtype=np.int64)
    customer_share = CUSTOMER_SHARE * CUSTOMER_PROPENSITY
    tier_share = TIER_SHARE * TIER_PROPENSITY * customer_share.sum(axis=1)
    number = np.argsort(rng.random(2 * m)) + 100_001
    tier = design.pick(rng, tier_share[None], everyone)
    tier[m : m + n_panel] = tier[:n_panel]
    customer = design.pick(rng, customer_share, tier)
    region = design.pick(rng, design.REGION_SHARE, tier)
    for kept in (number, customer, region):
        kept[m : m + n_panel] = kept[:n_panel]
    return _People(
        wave=np.repeat([0, 1], m),
        kind=np.tile(np.repeat([HONEST, SPEEDER, STRAIGHT_LINER], counts), 2),
        number=number,
        tier=tier,
        customer=customer,
        region=region,
        service=design.pick(rng, design.SERVICE_SHARE, tier),
        engineer=design.pick_engineer(rng, region),
        channel=design.pick(rng, CHANNEL_SHARE, everyone),
    )


def _careless(n_honest: int) -> tuple[int, int]:
    """Speeders and straight-liners of a wave."""
    return round(0.012 * n_honest), round(0.01 * n_honest)


def _answers(rng: np.random.Generator, people: _People, base: Floats, n_panel: int) -> _Answers:
    n = len(people.wave)
    general, own = rng.standard_normal(n), rng.standard_normal((n, 5))
    before, after = slice(0, n_panel), slice(n // 2, n // 2 + n_panel)
    for factor in (general, own):
        factor[after] = 0.6 * factor[before] + 0.8 * factor[after]
    shift = design.latent_shift(people.service, people.customer, people.region, people.engineer)
    centre = base[people.wave, people.tier] + shift
    common = centre + np.sqrt(design.HALO) * general[:, None] + np.sqrt(design.SPECIFIC) * own
    noise = np.sqrt(1 - design.HALO - design.SPECIFIC).repeat(2) * rng.standard_normal((n, 10))
    latent = common.repeat(2, axis=1) + design.ITEM_SHIFT + noise
    items = 1 + (latent[:, :, None] > design.CUTS).sum(axis=2)
    scores = items.reshape(-1, 5, 2).mean(axis=2)
    rounded = np.floor(scores @ design.OVERALL_WEIGHTS + rng.random(n)).astype(np.int64)
    overall = np.clip(rounded, 1, 5)
    # A symmetric step where both neighbours exist: more noise, the same expectation.
    step = (1 - 2 * rng.integers(0, 2, n)) * ((overall > 1) & (overall < 5))
    overall = overall + step * (rng.random(n) < 0.3)
    repurchase = rng.random(n) < design.logistic(scores, design.REPURCHASE_LOGIT)
    referral = rng.random(n) < design.logistic(scores, design.REFERRAL_LOGIT)

    straight, speeder = people.kind == STRAIGHT_LINER, people.kind == SPEEDER
    same = STRAIGHT_LEVELS[rng.integers(0, len(STRAIGHT_LEVELS), n)]
    items = np.where(straight[:, None], same[:, None], items)
    items = np.where(speeder[:, None], rng.integers(1, 6, (n, 10)), items)
    overall = np.where(straight, same, np.where(speeder, rng.integers(1, 6, n), overall))
    recommend = design.pick(rng, design.RECOMMEND_SHARES, overall - 1)
    recommend = np.where(speeder, rng.integers(0, 11, n), recommend)
    slowness = -0.5 * own[:, 0] + np.sqrt(0.75) * rng.standard_normal(n)
    return _Answers(items, overall, recommend, repurchase, referral, scores, slowness)


def _seconds(rng: np.random.Generator, kind: Ints) -> Ints:
    """Below 30 only for speeders; straight-liners are quick or as slow as anyone."""
    n = len(kind)
    usual = np.clip(np.exp(5.0 + 0.45 * rng.standard_normal(n)), 42, 1500)
    quick = (kind == STRAIGHT_LINER) & (rng.random(n) < 0.5)
    seconds = np.where(quick, rng.integers(31, 56, n), usual)
    return np.where(kind == SPEEDER, rng.integers(8, 30, n), seconds).astype(np.int64)


def _blemished(
    rng: np.random.Generator, table: pd.DataFrame, n_per_wave: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Gaps, resubmissions and duplicates, each on rows of its own; numbered in order of arrival."""
    counts = {
        "duplicates": round(0.01 * n_per_wave),
        "resubmissions": round(n_per_wave / 150),
        "submitted_missing": round(0.005 * n_per_wave),
        "seconds_missing": round(0.0075 * n_per_wave),
        "recommend_missing": round(0.03 * n_per_wave),
    }
    honest = np.flatnonzero(table["kind"] == "")
    honest = honest[np.argsort(rng.random(len(honest)))]
    ends = np.cumsum(list(counts.values()))
    twice, again, *gaps = np.split(honest, ends)[:-1]
    for column, rows in zip((SUBMITTED, SECONDS, RECOMMEND), gaps, strict=True):
        table.loc[rows, column] = None
    intact = honest[ends[1] :]
    for item in ITEMS:
        share = ITEM_MISSING_Q8 if item == ITEMS[7] else ITEM_MISSING
        counts[item] = round(2 * share * n_per_wave)
        gone = intact[np.argsort(rng.random(len(intact)))[: counts[item]]]
        table.loc[gone, item] = pd.NA

    second = table.loc[again].copy()
    minutes = rng.integers(2 * 60, 10 * 60, len(second))
    second["submitted"] = second["submitted"].to_numpy() + minutes
    second[SUBMITTED] = operation.time_text(second["submitted"].to_numpy(dtype="datetime64[s]"))
    second[SECONDS] = rng.integers(42, 110, len(second))
    changed = second[ITEMS[7]] + (1 - 2 * rng.integers(0, 2, len(second)))
    second[ITEMS[7]] = changed.clip(1, 5)
    second["kind"] = "resubmission"
    table = pd.concat([table, second]).sort_values("submitted", kind="stable")
    table[ID] = [f"A{100_001 + k}" for k in range(len(table))]
    copies = table.loc[table.index.isin(twice)].assign(kind="duplicate")
    table = pd.concat([table, copies]).sort_values(ID, kind="stable", ignore_index=True)
    n_speeders, n_straight = _careless(n_per_wave)
    return table, counts | {"speeders": 2 * n_speeders, "straight_liners": 2 * n_straight}
