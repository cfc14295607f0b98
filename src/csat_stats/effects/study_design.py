"""Which comparison a study allows, and what would let it speak of a cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pandas as pd

from csat_stats.results import Message, Result, message

DesignName = Literal[
    "difference_in_differences", "interrupted_time_series", "panel", "independent_waves"
]

FEWEST_PERIODS = 8
FEWEST_PERIODS_A_SIDE = 3
FEWEST_PAIRS = 30
SMALLEST_PANEL = 0.5
SMALL_GROUP = 30

WOULD_BE_CAUSAL: dict[DesignName, Message] = {
    "difference_in_differences": message(
        "It would show a cause if chance had decided who gets the action first; without that, if "
        "both groups moved in parallel over several waves before it."
    ),
    "interrupted_time_series": message(
        "It would show a cause if a group without the action, measured in the same periods, did "
        "not shift at that date, and nothing else happened then."
    ),
    "panel": message(
        "It would show a cause if customers without the action, chosen by chance or comparable, "
        "were asked in both waves too."
    ),
    "independent_waves": message(
        "It would show a cause if customers without the action, chosen by chance or comparable, "
        "were asked in both waves, and both waves were drawn in the same way."
    ),
}


@dataclass(frozen=True, kw_only=True)
class StudyDesign(Result):
    """Which comparison a study allows; there is no figure, and ``n_used`` are its answers.

    Attributes
    ----------
    chosen, reason
        The strongest possible design and why it was taken; ``None`` where ``not_estimable`` says
        why nothing can be shown.
    would_be_causal
        For each design, what would let it speak of a cause.
    table
        One row a design, the strongest first: ``design, possible, why``, the last a
        :class:`~csat_stats.results.Message`.
    """

    chosen: DesignName | None = None
    reason: Message | None = None
    would_be_causal: Mapping[DesignName, Message] = field(
        default_factory=lambda: dict(WOULD_BE_CAUSAL), repr=False
    )


def choose_design(
    *,
    n_waves: int,
    n_before: int,
    n_after: int,
    panel_customers: int = 0,
    n_control_before: int = 0,
    n_control_after: int = 0,
    n_periods_before: int = 0,
    n_periods_after: int = 0,
    action_date: date | None = None,
    last_date: date | None = None,
) -> StudyDesign:
    """The strongest comparison that the facts of a study allow.

    Parameters
    ----------
    n_waves
        Waves asked.
    n_before, n_after
        Answers of customers with the action, before and after it.
    panel_customers
        Customers who answered before and after.
    n_control_before, n_control_after
        Answers of customers without the action in the same waves; 0 where there is no such group.
    n_periods_before, n_periods_after
        Periods (months, weeks) with a figure, before and after the action.
    action_date, last_date
        Day of the action and of the last answer, where they are known.

    Returns
    -------
    StudyDesign
        Nothing is chosen for an action after the last answer, and where no design is possible.

    Raises
    ------
    ValueError
        For a negative number, and for more customers in the panel than answers in a wave.

    Notes
    -----
    In order of strength (Shadish, Cook & Campbell, 2002, ch. 4–6): *difference in differences*,
    with two answers in each of its four cells; *interrupted time series*, with 8 periods, 3 of
    them on either side; *panel*, with 30 pairs that are half of the smaller wave or more — with a
    correlation r between the waves p pairs are as precise as two waves of p/(1 − r), so at the
    usual r of about 0.5 a smaller panel knows less than the waves themselves; *independent waves*,
    with two answers a wave. Groups below 30 answers are possible but said to be small.

    Examples
    --------
    >>> design = choose_design(n_waves=2, n_before=300, n_after=280, panel_customers=60)
    >>> design.chosen
    'independent_waves'
    >>> print(design.table["why"][2])
    60 customers answered twice, 21% of the smaller wave; a panel needs 30 and 50%.
    """
    for name, value in {
        "n_waves": n_waves,
        "n_before": n_before,
        "n_after": n_after,
        "panel_customers": panel_customers,
        "n_control_before": n_control_before,
        "n_control_after": n_control_after,
        "n_periods_before": n_periods_before,
        "n_periods_after": n_periods_after,
    }.items():
        if value < 0:
            raise ValueError(f"{name} is {value}: a number of 0 or more is needed")
    smaller = min(n_before, n_after)
    if panel_customers > smaller:
        raise ValueError(
            f"panel_customers is {panel_customers}: the smaller wave has {smaller} answers"
        )
    control = min(n_control_before, n_control_after)
    periods = n_periods_before + n_periods_after
    shortest = min(n_periods_before, n_periods_after)
    share = panel_customers / smaller if smaller else 0.0
    waves = n_waves >= 2 and smaller >= 2
    rows: list[tuple[DesignName, bool, Message]] = [
        (
            "difference_in_differences",
            waves and control >= 2,
            message(
                "A control group answered in both waves: {before:,} before and {after:,} after.",
                before=n_control_before,
                after=n_control_after,
            )
            if control >= 2
            else message(
                "There is no control group with two answers in both waves: {before:,} before and "
                "{after:,} after.",
                before=n_control_before,
                after=n_control_after,
            ),
        ),
        (
            "interrupted_time_series",
            periods >= FEWEST_PERIODS and shortest >= FEWEST_PERIODS_A_SIDE,
            message(
                "There are {before} periods before and {after} after the action; a series needs "
                "{needed}, {side} of them on either side.",
                before=n_periods_before,
                after=n_periods_after,
                needed=FEWEST_PERIODS,
                side=FEWEST_PERIODS_A_SIDE,
            ),
        ),
        (
            "panel",
            waves and panel_customers >= FEWEST_PAIRS and share >= SMALLEST_PANEL,
            message(
                "{n:,} customers answered twice, {share:.0%} of the smaller wave; a panel needs "
                "{needed} and {least:.0%}.",
                n=panel_customers,
                share=share,
                needed=FEWEST_PAIRS,
                least=SMALLEST_PANEL,
            ),
        ),
        (
            "independent_waves",
            waves,
            message(
                "There are {waves} waves, with {before:,} answers before and {after:,} after the "
                "action.",
                waves=n_waves,
                before=n_before,
                after=n_after,
            ),
        ),
    ]
    late = action_date is not None and last_date is not None and action_date > last_date
    table = pd.DataFrame(rows, columns=["design", "possible", "why"])
    if late:
        table["possible"] = False
    possible = table[table["possible"]]
    best = None if possible.empty else possible["design"].iloc[0]
    notes = []
    if best == "difference_in_differences" and control < SMALL_GROUP:
        notes.append(
            message(
                "The control group has {n} answers in one of the waves: a few unusual customers "
                "decide the result, and its interval will be wide.",
                n=control,
            )
        )
    if best is not None and waves and smaller < SMALL_GROUP:
        notes.append(
            message("One of the waves has {n} answers only: the interval will be wide.", n=smaller)
        )
    obstacle = None
    if late:
        obstacle = message(
            "The action is dated {action}, after the last answer of {last}: nothing can be shown "
            "yet.",
            action=f"{action_date:%Y-%m-%d}",
            last=f"{last_date:%Y-%m-%d}",
        )
    elif best is None:
        obstacle = message(
            "No comparison is possible: that takes two waves with two answers each, or a series "
            "of periods before and after the action."
        )
    reason = None
    if obstacle is None:
        reason = message(
            "Of the designs that are possible this is the strongest. {why}",
            why=possible["why"].iloc[0],
        )
    return StudyDesign(
        n_used=n_before + n_after + n_control_before + n_control_after,
        chosen=best,
        reason=reason,
        method=message(
            "The strongest possible of difference in differences, interrupted time series, panel "
            "and independent waves, in this order."
        ),
        notes=tuple(notes),
        not_estimable=obstacle,
        table=table,
    )
