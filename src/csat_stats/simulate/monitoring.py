"""What lies around the two waves: monthly monitoring before them, purchases after them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from csat_stats.simulate import design, operation

FIRST, LAST = "2024-03", "2026-06"
WITHOUT_FIELDWORK = ("2025-08", "2026-05")
IN_THE_WAVES = ("2026-03", "2026-04")
MONTHLY_ANSWERS = 200
PROMOTIONS = (6, 11)  # months of the sales festivals, when service is stretched
PROMOTION_LOGIT, PROMOTION_POINTS = -0.30, -0.10
SATISFIED_LOGIT = np.array([0.10, 0.32, 0.42, 0.50])  # by tier
UNREST, MEMORY = 0.12, 0.4  # of the months, on the log-odds scale
IMPROVED_FROM = "2026-06"
WINDOW = 90  # days in which a purchase counts


def monthly(rng: np.random.Generator) -> pd.DataFrame:
    """Month × city tier: answers, satisfied among them, mean of response efficiency."""
    months = pd.period_range(FIRST, LAST, freq="M")
    shocks = rng.standard_normal(len(months))
    unrest = np.empty(len(months))
    state = 0.0
    for t, shock in enumerate(shocks):
        state = MEMORY * state + np.sqrt(1 - MEMORY**2) * shock
        unrest[t] = UNREST * state
    promoted = np.isin(months.month, PROMOTIONS)
    n = rng.poisson(MONTHLY_ANSWERS * design.TIER_SHARE, (len(months), 4))
    odds = SATISFIED_LOGIT + (unrest + PROMOTION_LOGIT * promoted)[:, None]
    satisfied = rng.binomial(n, 1 / (1 + np.exp(-odds)))
    wave = (months >= pd.Period(IMPROVED_FROM)).astype(int)
    level = design.RESPONSE_MEANS[wave] + (0.3 * unrest + PROMOTION_POINTS * promoted)[:, None]
    mean = level + rng.standard_normal(n.shape) / np.sqrt(n)
    table = pd.DataFrame(
        {
            "月份": np.repeat(months.astype(str), 4),
            "城市级别": design.TIERS * len(months),
            "答卷数": n.ravel(),
            "满意数": satisfied.ravel(),
            "响应效率均分": mean.ravel().round(3),
        }
    )
    asked = ~table["月份"].isin([*WITHOUT_FIELDWORK, *IN_THE_WAVES])
    return table[asked].reset_index(drop=True)


def purchases(
    rng: np.random.Generator,
    bought: npt.NDArray[np.bool_],
    submitted: operation.Times,
    n_early: int,
) -> tuple[npt.NDArray[np.bool_], list[str | None]]:
    """What the shop recorded: whether each customer bought, and when.

    ``n_early`` of those who did not buy again are recorded with a purchase before the survey.
    """
    day = submitted.astype("datetime64[D]")
    early = rng.permutation(np.flatnonzero(~bought))[:n_early]
    shift = rng.integers(1, WINDOW + 1, len(bought))
    shift[early] = -rng.integers(15, 60, len(early))
    recorded = bought.copy()
    recorded[early] = True
    dates = np.where(recorded, day + shift.astype("timedelta64[D]"), np.datetime64("NaT", "D"))
    return recorded, operation.time_text(dates.astype("datetime64[s]"), "D")
