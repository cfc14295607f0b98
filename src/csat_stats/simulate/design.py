"""The design and the measurement model of the invented study, and what they imply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WAVES = ("改进前", "改进后")
TIERS = ("一线", "新一线", "二线", "三线及以下")
SERVICES = ("安装", "维修", "保养", "退换")
CUSTOMERS = ("新客户", "老客户", "VIP客户")
REGIONS = ("华东", "华南", "华北", "西南")
CHANNELS = ("电话", "微信", "APP", "门店")
DIMENSIONS = ("响应效率", "专业能力", "服务态度", "流程体验", "服务结果")
ITEMS = (
    *("Q1报修响应速度", "Q2上门及时", "Q3故障判断准确", "Q4维修技术熟练", "Q5礼貌热情"),
    *("Q6耐心解释", "Q7预约方便", "Q8收费透明", "Q9问题一次解决", "Q10修后使用稳定"),
)
OVERALL, REPURCHASE, REFERRAL = "总体满意度", "90天内复购", "90天内推荐"

# The frame: shares of the 60,000 customers, and who is more or less likely to be in the sample.
N_FRAME = 60_000
TIER_SHARE = np.array([0.30, 0.27, 0.24, 0.19])
SERVICE_SHARE = np.array(
    [
        [0.28, 0.40, 0.19, 0.13],
        [0.30, 0.41, 0.17, 0.12],
        [0.32, 0.42, 0.15, 0.11],
        [0.34, 0.44, 0.12, 0.10],
    ]
)
CUSTOMER_SHARE = np.array(
    [[0.36, 0.50, 0.14], [0.40, 0.49, 0.11], [0.42, 0.49, 0.09], [0.46, 0.48, 0.06]]
)
REGION_SHARE = np.array(  # no tier-1 city lies in the south-west
    [
        [0.34, 0.40, 0.26, 0.00],
        [0.40, 0.14, 0.20, 0.26],
        [0.32, 0.26, 0.28, 0.14],
        [0.30, 0.24, 0.26, 0.20],
    ]
)
TIER_PROPENSITY = np.array([1.05, 1.05, 1.00, 0.75])
CUSTOMER_PROPENSITY = np.array([0.85, 1.00, 1.60])
ENGINEERS = np.repeat(np.arange(4), (20, 16, 14, 10))  # the region of each

# The measurement model. Response efficiency by wave and tier; the others do not move.
RESPONSE_MEANS = np.array([[2.80, 3.30, 3.40, 3.50], [3.70, 3.35, 3.45, 3.55]])
OTHER_MEANS = np.array([3.90, 4.10, 3.60, 3.80])
CUTS = np.array([-1.35, -0.50, 0.35, 1.30])
ITEM_SHIFT = np.array([0.06, -0.06, 0.04, -0.04, 0.05, -0.05, 0.12, -0.12, -0.03, 0.03])
HALO = np.array([0.40, 0.46, 0.44, 0.44, 0.49])  # variance by the general factor
SPECIFIC = np.array([0.36, 0.34, 0.35, 0.32, 0.32])  # variance by the dimension's own factor
SERVICE_SHIFT = np.array(
    [
        [0.05, 0.05, 0.05, 0.05, 0.10],
        [-0.05, -0.06, 0.00, -0.08, -0.12],
        [0.08, 0.06, 0.05, 0.10, 0.12],
        [-0.08, 0.00, -0.10, -0.18, 0.00],
    ]
)
CUSTOMER_SHIFT = np.array([[0, 0.05, 0.05, 0.04, 0.04], [0] * 5, [0, -0.15, -0.15, -0.22, -0.20]])
REGION_SHIFT = np.array([[0, 0, 0, 0.05, 0.05], [0] * 5, [0, 0, 0.06, 0, 0], [0, -0.1, 0, 0, -0.1]])
ENGINEER_SHIFT = np.outer((np.arange(60) * 37 % 60) / 59 - 0.5, [0, 0.8, 0.6, 0, 0.7])

OVERALL_WEIGHTS = np.array([0.32, 0.18, 0.10, 0.12, 0.28])
RECOMMEND_SHARES = np.array(  # of 0–10, given overall satisfaction 1–5
    [
        [0.30, 0.20, 0.18, 0.14, 0.08, 0.06, 0.02, 0.02, 0.00, 0.00, 0.00],
        [0.04, 0.05, 0.08, 0.14, 0.16, 0.24, 0.14, 0.09, 0.04, 0.02, 0.00],
        [0.00, 0.01, 0.02, 0.04, 0.06, 0.14, 0.18, 0.24, 0.17, 0.09, 0.05],
        [0.00, 0.00, 0.00, 0.01, 0.01, 0.04, 0.06, 0.14, 0.24, 0.28, 0.22],
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.01, 0.01, 0.03, 0.10, 0.30, 0.55],
    ]
)
REPURCHASE_LOGIT = np.array([-6.20, 0.45, 0.25, 0.15, 0.10, 0.60])  # intercept, dimensions
REFERRAL_LOGIT = np.array([-6.00, 0.35, 0.15, 0.30, 0.10, 0.50])

# Tickets answered within 30 minutes, by wave and tier: dispatch improved in tier-1 cities.
WITHIN_30_MIN = np.array([[0.82, 0.86, 0.86, 0.86], [0.90, 0.86, 0.86, 0.86]])


def pick(rng: np.random.Generator, shares: Floats, rows: Ints) -> Ints:
    """One category for each entry of ``rows``, by the shares in that row of the table."""
    cut = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    return np.asarray((rng.random(len(rows))[:, None] >= cut[rows]).sum(axis=1), dtype=np.int64)


def pick_engineer(rng: np.random.Generator, region: Ints) -> Ints:
    """An engineer of each region, all equally likely."""
    first, count = np.searchsorted(ENGINEERS, np.arange(4)), np.bincount(ENGINEERS)
    step = (rng.random(len(region)) * count[region]).astype(np.int64)
    return np.asarray(first[region] + step, dtype=np.int64)


def blocks(text: str) -> list[list[str]]:
    """The words of each block of a text, the blocks apart by an empty line."""
    return [block.split() for block in text.strip().split("\n\n")]


def engineer_id(engineer: int) -> str:
    return f"G{1001 + engineer}"


def named(names: Sequence[str], codes: Ints) -> list[str | None]:
    """The names of integer codes; ``None`` for −1."""
    return [names[code] if code >= 0 else None for code in codes]


def latent_shift(service: Ints, customer: Ints, region: Ints, engineer: Ints) -> Floats:
    """What the segment and the engineer add to the five dimensions, in latent units."""
    shift = SERVICE_SHIFT[service] + CUSTOMER_SHIFT[customer] + REGION_SHIFT[region]
    return np.asarray(shift + ENGINEER_SHIFT[engineer], dtype=np.float64)


def logistic(scores: Floats, coefficients: Floats) -> Floats:
    """Probabilities of a logit model: intercept first, then one slope a column."""
    odds = np.exp(coefficients[0] + scores @ coefficients[1:])
    return np.asarray(odds / (1 + odds), dtype=np.float64)


def _cells() -> tuple[Ints, Floats, Floats, Floats]:
    """Tier, latent shift, share in the sample, share in the frame of every design cell."""
    grid = np.indices((4, 4, 3, len(ENGINEERS))).reshape(4, -1)
    tier, service, customer, engineer = grid
    region = ENGINEERS[engineer]
    frame = TIER_SHARE[tier] * SERVICE_SHARE[tier, service] * CUSTOMER_SHARE[tier, customer]
    frame = frame * REGION_SHARE[tier, region] / np.bincount(ENGINEERS)[region]
    sample = frame * TIER_PROPENSITY[tier] * CUSTOMER_PROPENSITY[customer]
    return tier, latent_shift(service, customer, region, engineer), sample / sample.sum(), frame


def _dimension_mean(centre: Floats, dimension: int) -> Floats:
    """Expected mean of a dimension's two items at latent centres (Σ of normal tail areas)."""
    shifts = ITEM_SHIFT[2 * dimension : 2 * dimension + 2]
    above = ndtr(centre[:, None, None] + shifts[:, None] - CUTS)
    return np.asarray(1 + above.sum(axis=2).mean(axis=1), dtype=np.float64)


def solved_base() -> Floats:
    """Latent base by wave, tier and dimension at which the expected means are as wanted."""
    tier, shift, sample, _ = _cells()
    base = np.empty((2, 4, 5))

    def solve(dimension: int, rows: npt.NDArray[np.bool_], wanted: float) -> float:
        def excess(level: float) -> float:
            means = _dimension_mean(level + shift[rows, dimension], dimension)
            return float(np.average(means, weights=sample[rows]) - wanted)

        return float(brentq(excess, -9, 9, xtol=1e-13))

    for w, t in np.ndindex(2, 4):
        base[w, t, 0] = solve(0, tier == t, float(RESPONSE_MEANS[w, t]))
    for d in range(1, 5):
        base[:, :, d] = solve(d, tier >= 0, float(OTHER_MEANS[d - 1]))
    return base


def expected(base: Floats) -> dict[str, Any]:
    """The part of the truth that follows from the design alone, whatever the seed."""
    tier, shift, sample, frame = _cells()
    rows = []
    for w, wave in enumerate(WAVES):
        centre = base[w, tier] + shift
        means = np.column_stack([_dimension_mean(centre[:, d], d) for d in range(5)])
        means = np.column_stack([means, means @ OVERALL_WEIGHTS])
        for t, name in enumerate((*TIERS, "全部")):
            cells = tier == t if t < 4 else tier >= 0
            by_sample = np.average(means[cells], axis=0, weights=sample[cells])
            by_frame = np.average(means[cells], axis=0, weights=frame[cells])
            for d, scale in enumerate((*DIMENSIONS, OVERALL)):
                rows.append((wave, name, scale, float(by_sample[d]), float(by_frame[d])))
    names = ("intercept", *DIMENSIONS)
    change = RESPONSE_MEANS[1] - RESPONSE_MEANS[0]
    return {
        "means": pd.DataFrame(rows, columns=["wave", "tier", "scale", "sample", "population"]),
        "tier1_change": float(change[0]),
        "common_trend": float(change[1]),
        "did": float(change[0] - change[1]),
        "overall_weights": dict(zip(DIMENSIONS, OVERALL_WEIGHTS.tolist(), strict=True)),
        "recommend_shares": RECOMMEND_SHARES.copy(),
        "logit": {
            REPURCHASE: dict(zip(names, REPURCHASE_LOGIT.tolist(), strict=True)),
            REFERRAL: dict(zip(names, REFERRAL_LOGIT.tolist(), strict=True)),
        },
        "within_30_min": pd.DataFrame(WITHIN_30_MIN, index=WAVES, columns=TIERS),
        "engineer_shift": pd.DataFrame(
            ENGINEER_SHIFT, index=[engineer_id(e) for e in range(60)], columns=DIMENSIONS
        ),
    }


def population() -> pd.DataFrame:
    """The sampling frame: customers by city tier, service type and customer type."""
    share = TIER_SHARE[:, None, None] * SERVICE_SHARE[:, :, None] * CUSTOMER_SHARE[:, None, :]
    strata = pd.MultiIndex.from_product(
        [TIERS, SERVICES, CUSTOMERS], names=["城市级别", "服务类型", "客户类型"]
    )
    counts = np.rint(N_FRAME * share).astype(np.int64).ravel()
    return pd.DataFrame({"客户数": counts}, index=strata).reset_index()
