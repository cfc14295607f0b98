"""The list of contacts: everybody invited, and what became of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from csat_stats.simulate import design

EXPECTED_RATE = 0.35  # by which the number of invitations was planned
COMPLETE = "完成"
WITHOUT_ANSWER = {
    "部分完成": 0.030,
    "拒访": 0.290,
    "中途挂断": 0.040,
    "未接通": 0.390,
    "无法作答": 0.030,
    "空号停机": 0.110,
    "未拨打": 0.045,
    "非服务对象": 0.065,
}


def contacts(
    rng: np.random.Generator, completes: pd.DataFrame, population: pd.DataFrame, n_planned: int
) -> pd.DataFrame:
    """Invitations of every wave, in proportion to the frame, numbered in random order.

    ``completes`` has ``wave, tier, service, customer, region`` as codes into the names of design,
    one row a completed questionnaire. As it favours some customers over the frame, the others are
    those who did not answer: response rates differ as the propensities of design do.
    """
    share = (population["客户数"] / population["客户数"].sum()).to_numpy()
    invited = np.rint(n_planned / EXPECTED_RATE * share).astype(np.int64).reshape(4, 4, 3)
    tables = []
    for wave, answered in completes.groupby("wave"):
        cells = [answered[name].to_numpy() for name in ("tier", "service", "customer")]
        reached = np.zeros_like(invited)
        np.add.at(reached, tuple(cells), 1)
        silent = np.maximum(invited - reached, 0).ravel()
        tier, service, customer = (
            np.repeat(codes.ravel(), silent) for codes in np.indices(invited.shape)
        )
        others = pd.DataFrame(
            {
                "wave": wave,
                "tier": tier,
                "service": service,
                "customer": customer,
                "region": design.pick(rng, design.REGION_SHARE, tier),
            }
        )
        chances = np.array([list(WITHOUT_ANSWER.values())])
        became = design.pick(rng, chances, np.zeros(len(others), dtype=np.int64))
        both = pd.concat(
            [
                answered.assign(became=COMPLETE),
                others.assign(became=np.array(list(WITHOUT_ANSWER))[became]),
            ]
        )
        tables.append(both.iloc[rng.permutation(len(both))])
    everybody = pd.concat(tables, ignore_index=True)
    return pd.DataFrame(
        {
            "邀请编号": [f"Y{100_001 + k}" for k in everybody.index],
            "波次": design.named(design.WAVES, everybody["wave"].to_numpy()),
            "大区": design.named(design.REGIONS, everybody["region"].to_numpy()),
            "城市级别": design.named(design.TIERS, everybody["tier"].to_numpy()),
            "服务类型": design.named(design.SERVICES, everybody["service"].to_numpy()),
            "客户类型": design.named(design.CUSTOMERS, everybody["customer"].to_numpy()),
            "联系结果": everybody["became"],
        }
    )
