"""The records of the operation: service tickets and the improvement register."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr

from csat_stats.simulate import design
from csat_stats.simulate.design import Floats

Times = npt.NDArray[np.datetime64]
Bools = npt.NDArray[np.bool_]

PRIORITIES = ("紧急", "重要", "一般")
COMPLAINTS = ("响应慢", "维修质量", "服务态度", "收费争议", "反复故障")  # one a dimension
IMPROVED = np.datetime64("2026-05-15T00:00:00")
EXPORTED = np.datetime64("2026-09-01T00:00:00")
PRIORITY_SHARE = np.array([[0.20, 0.30, 0.50]])
PRIORITY_DELAY = np.array([-0.5, -0.1, 0.2])  # log minutes to the first response
VISIT_HOURS = np.array([5.0, 16.0, 28.0])  # median from response to visit
DAY, HOUR = 86_400, 3_600

ACTIONS = """
编号 措施 针对维度 负责部门
开始日期 完成日期 进度 状态 目标

M01 一线城市智能派单系统上线 响应效率 服务运营部
2026-04-01 2026-05-15 100 已完成 一线城市30分钟内响应率由82%提升至90%

M02 一线城市增设夜间与周末应急小组 响应效率 区域服务中心
2026-05-06 2026-06-30 100 已完成 一线城市响应效率均分由2.8提升至3.7

M03 维修工程师分级认证与复训 专业能力 培训部
2026-05-20 2026-09-30 65 进行中 认证通过率达到95%

M04 上门收费价目表与电子发票统一 流程体验 财务部
2026-06-01 2026-08-15 70 逾期 收费透明均分不低于3.8

M05 常用配件前置仓备货 服务结果 供应链部
2026-06-15 2026-10-31 45 进行中 一次解决率提升至90%

M06 VIP客户专属回访 服务态度 客户关系部
2026-07-01 2026-08-20 80 逾期 VIP客户总体满意度不低于3.8

M07 服务用语与讲解规范手册 服务态度 培训部
2026-04-10 2026-06-10 100 已完成 服务态度均分保持4.0以上

M08 智能派单推广至新一线城市 响应效率 服务运营部
2026-10-08 2026-12-31 0 未开始 新一线城市响应效率均分提升至3.8
"""


def actions() -> pd.DataFrame:
    """The improvement register as it stood when the tables were exported."""
    columns, *rows = design.blocks(ACTIONS)
    return pd.DataFrame(rows, columns=columns).astype({"进度": "int64"})


def time_text(times: Times, unit: Literal["s", "D"] = "s") -> list[str | None]:
    """ISO date or date and time with a blank between; ``None`` where missing."""
    text = np.datetime_as_string(times.astype("datetime64[s]"), unit=unit)
    return [None if entry == "NaT" else str(entry).replace("T", " ") for entry in text]


def daytime(rng: np.random.Generator, times: Times, first: int, last: int) -> Times:
    """Move what falls at night to the following morning, within four hours of ``first``."""
    day = times.astype("datetime64[D]").astype("datetime64[s]")
    second = (times - day).astype(np.int64)
    morning = first * HOUR + rng.integers(0, 4 * HOUR, len(times))
    moved = np.where(second < first * HOUR, day + morning, day + DAY + morning)
    return np.asarray(
        np.where((second >= first * HOUR) & (second < last * HOUR), times, moved),
        dtype="datetime64[s]",
    )


def working_time(rng: np.random.Generator, days: Times) -> Times:
    """A second between 8:00 and 20:00 on each day."""
    return np.asarray(days + 8 * HOUR + rng.integers(0, 12 * HOUR, len(days)), "datetime64[s]")


def tickets(
    rng: np.random.Generator, surveyed: pd.DataFrame, n_others: int
) -> tuple[pd.DataFrame, list[str], Times]:
    """All tickets; the ticket number and the time of completion of each surveyed one."""
    n = len(surveyed)
    asked = pd.concat([surveyed, _others(rng, surveyed, n_others)], ignore_index=True)
    accepted = asked["accepted"].to_numpy(dtype="datetime64[s]")
    priority = design.pick(rng, PRIORITY_SHARE, np.zeros(len(asked), dtype=np.int64))
    late = (accepted >= IMPROVED).astype(np.int64)
    level = _delay_levels()[late, asked["tier"].to_numpy()] + PRIORITY_DELAY[priority]
    minutes = np.clip(np.exp(level + asked["slow"].to_numpy()), 1, 24 * 60)
    responded = accepted + (minutes * 60).astype(np.int64)
    spread = rng.standard_normal(len(asked))
    hours = np.clip(VISIT_HOURS[priority] * np.exp(0.5 * spread), 1, 96)
    visited = daytime(rng, responded + (hours * HOUR).astype(np.int64), 8, 19)
    work = np.clip(70 * np.exp(0.45 * rng.standard_normal(len(asked))), 15, 300)
    again = rng.integers(1, 4, len(asked)) * DAY
    fixed = asked["fixed"].to_numpy(dtype=np.bool_)
    finished = visited + (work * 60).astype(np.int64) + np.where(fixed, 0, again)
    reopened = rng.random(len(asked)) < np.where(fixed, 0.02, 0.22)

    order = np.argsort(accepted, kind="stable")
    month = np.datetime_as_string(accepted, unit="M")
    number = np.empty(len(asked), dtype=object)
    for rank, row in enumerate(order):
        number[row] = f"W{month[row].replace('-', '')}{rank + 1:05d}"
    is_open = finished > EXPORTED
    table = pd.DataFrame(
        {
            "工单号": number,
            "客户编号": [f"K{k}" for k in asked["customer_no"]],
            "大区": design.named(design.REGIONS, asked["region"].to_numpy()),
            "城市级别": design.named(design.TIERS, asked["tier"].to_numpy()),
            "服务类型": design.named(design.SERVICES, asked["service"].to_numpy()),
            "优先级": design.named(PRIORITIES, priority),
            "受理时间": time_text(accepted),
            "首次响应时间": _known(responded),
            "上门时间": _known(visited),
            "完成时间": _known(finished),
            "工程师": [design.engineer_id(e) for e in asked["engineer"]],
            "是否一次解决": _yes_no(fixed, is_open),
            "是否重开": _yes_no(reopened, is_open),
            "投诉类型": design.named(COMPLAINTS, asked["complaint"].to_numpy()),
        }
    )
    table = table.iloc[order].reset_index(drop=True)
    return table, [str(k) for k in number[:n]], finished[:n]


def _others(rng: np.random.Generator, surveyed: pd.DataFrame, n: int) -> pd.DataFrame:
    """Tickets without an answer: mostly where no wave is, one in eight of a known customer."""
    calendar = np.arange("2026-03-01", "2026-09-01", dtype="datetime64[D]").astype("datetime64[s]")
    unasked = np.r_[calendar[51:122], calendar[173:]]
    days = np.where(
        rng.random(n) < 0.24,
        calendar[rng.integers(0, len(calendar), n)],
        unasked[rng.integers(0, len(unasked), n)],
    )
    known = rng.random(n) < 0.125
    match = rng.integers(0, len(surveyed), n)
    numbers = surveyed["customer_no"].to_numpy()
    tier = design.pick(rng, design.TIER_SHARE[None], np.zeros(n, dtype=np.int64))
    tier = np.where(known, surveyed["tier"].to_numpy()[match], tier)
    region = design.pick(rng, design.REGION_SHARE, tier)
    region = np.where(known, surveyed["region"].to_numpy()[match], region)
    complained = rng.random(n) < np.where(known, 0.15, 0.06)
    return pd.DataFrame(
        {
            "customer_no": np.where(known, numbers[match], numbers.max() + 1 + np.arange(n)),
            "tier": tier,
            "service": design.pick(rng, design.SERVICE_SHARE, tier),
            "region": region,
            "engineer": design.pick_engineer(rng, region),
            "fixed": rng.random(n) < 0.84,
            "complaint": np.where(complained, rng.integers(0, 5, n), -1),
            "accepted": working_time(rng, days),
            "slow": rng.standard_normal(n),
        }
    )


def _delay_levels() -> Floats:
    """Log minutes at which the share within 30 minutes is as wanted, over the priorities."""
    wanted = design.WITHIN_30_MIN
    levels = np.empty_like(wanted)
    for cell in np.ndindex(*wanted.shape):

        def excess(level: float, share: float = float(wanted[cell])) -> float:
            within = ndtr(np.log(30) - level - PRIORITY_DELAY)
            return float(PRIORITY_SHARE[0] @ within - share)

        levels[cell] = brentq(excess, -9, 9, xtol=1e-13)
    return levels


def _known(times: Times) -> list[str | None]:
    return time_text(np.where(times > EXPORTED, np.datetime64("NaT", "s"), times))


def _yes_no(flags: Bools, unknown: Bools) -> list[str | None]:
    return design.named(("否", "是"), np.where(unknown, -1, flags.astype(np.int64)))
