"""Two waves as arrays: matched customers, the answers to use, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from csat_stats.frames import Array, numbers, respondent_weights
from csat_stats.results import Message, message

Design = Literal["independent", "panel"]
Kind = Literal["mean", "share"]


@dataclass(frozen=True)
class Waves:
    """The answers to use of both waves, in a panel pair by pair; weights where there are any."""

    design: Design
    kind: Kind
    x: Array
    y: Array
    x_weights: Array | None
    y_weights: Array | None
    rows: int
    used: int
    notes: tuple[Message, ...]

    @property
    def weighted(self) -> bool:
        return self.x_weights is not None

    def fields(self) -> dict[str, Any]:
        """What every comparison of two waves says of them."""
        means = [
            float(np.average(answers, weights=weights)) if len(answers) else None
            for answers, weights in ((self.x, self.x_weights), (self.y, self.y_weights))
        ]
        return {
            "design": self.design,
            "kind": self.kind,
            "n_used": self.used,
            "n_dropped": self.rows - self.used,
            "n_before": len(self.x),
            "n_after": len(self.y),
            "before_mean": means[0],
            "after_mean": means[1],
        }

    def obstacle(self) -> Message | None:
        """Why these answers say nothing of a change."""
        exact = self.kind == "share" and not self.weighted
        minimum = 1 if exact else 2
        if min(len(self.x), len(self.y)) < minimum:
            return message(
                "Too few answers to compare: {before} before and {after} after, where each wave "
                "needs {minimum}.",
                before=len(self.x),
                after=len(self.y),
                minimum=minimum,
            )
        if exact or self._varies():
            return None
        if self.design == "panel":
            return message("Nothing varies: every customer changed by the same amount.")
        return message("Nothing varies: all answers of a wave are the same.")

    def _varies(self) -> bool:
        """Whether there is any spread to judge a change by, beyond rounding errors."""
        noise = 1e-12 * max(np.abs(self.x).max(), np.abs(self.y).max())
        if self.design == "panel":
            return bool(np.ptp(self.y - self.x) > noise)
        return bool(max(np.ptp(self.x), np.ptp(self.y)) > noise)


def two_waves(
    before: pd.Series,
    after: pd.Series,
    paired: bool,
    weights_before: pd.Series | None = None,
    weights_after: pd.Series | None = None,
) -> Waves:
    """The answers that a comparison of two waves rests on."""
    weighted = weights_before is not None or weights_after is not None
    if paired and weights_before is not None and weights_after is not None:
        raise ValueError(
            "a panel has one weight a customer: give weights_before or weights_after, not both"
        )
    first, second = (
        pd.DataFrame(
            {
                "answer": numbers(answers.rename(wave)).to_numpy(),
                "weight": respondent_weights(weights, answers.index),
            },
            index=answers.index,
        )
        for wave, answers, weights in (
            ("before", before, weights_before),
            ("after", after, weights_after),
        )
    )
    notes: tuple[Message, ...] = ()
    if paired:
        first, second, notes = _match(first, second)
        complete = _usable(first) & _usable(second)
        rows, used = len(complete), int(complete.sum())
        first, second = first[complete], second[complete]
        first["weight"] = second["weight"] = first["weight"].to_numpy() * second["weight"]
    else:
        rows = len(first) + len(second)
        first, second = first[_usable(first)], second[_usable(second)]
        used = len(first) + len(second)
    x, y = first["answer"].to_numpy(), second["answer"].to_numpy()
    binary = used and np.isin(np.concatenate([x, y]), (0, 1)).all()
    return Waves(
        design="panel" if paired else "independent",
        kind="share" if binary else "mean",
        x=x,
        y=y,
        x_weights=first["weight"].to_numpy() if weighted else None,
        y_weights=second["weight"].to_numpy() if weighted else None,
        rows=rows,
        used=used,
        notes=notes,
    )


def _usable(wave: pd.DataFrame) -> Any:
    return (wave["answer"].notna() & (wave["weight"] > 0)).to_numpy()


def _match(
    before: pd.DataFrame, after: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Message, ...]]:
    """Both waves of the customers in both, in one order, and who had no partner."""
    for wave, answers in (("before", before), ("after", after)):
        repeated = answers.index[answers.index.duplicated()].unique()
        if len(repeated):
            raise ValueError(
                f"{wave} has customers more than once: {', '.join(map(str, repeated[:10]))}; "
                "a panel needs one answer a customer and wave"
            )
        if answers.index.to_frame().isna().to_numpy().any():
            raise ValueError(f"{wave} has rows without a customer in the index: name them")
    both = before.index.intersection(after.index)
    alone = len(before) - len(both), len(after) - len(both)
    pairs = before.loc[both], after.loc[both]
    if not any(alone):
        return *pairs, ()
    return *pairs, (
        message(
            "Customers in one wave only are left out of the panel: {before:,} before, {after:,} "
            "after.",
            before=alone[0],
            after=alone[1],
        ),
    )
