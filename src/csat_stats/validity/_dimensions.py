"""A study's dimensions: which items measure which, and the answers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from csat_stats.frames import Array, matrix, respondent_weights
from csat_stats.results import Message, message
from csat_stats.validity._structure import Index


@dataclass(frozen=True)
class Dimensions:
    """Dimensions of two items or more, in the order of the model, and their items.

    ``factor`` is the position of the dimension of each item; ``single`` names the dimensions of
    one item, which no correlation can tell from its item.
    """

    names: list[str]
    columns: list[str]
    factor: Index
    single: list[str]

    @property
    def items(self) -> list[str]:
        return [str(column) for column in self.columns]

    def columns_of(self, dimension: int) -> Index:
        return np.flatnonzero(self.factor == dimension)

    @property
    def notes(self) -> list[Message]:
        if not self.single:
            return []
        return [
            message(
                "Left out because it has only one item: {dimensions}.",
                dimensions=", ".join(self.single),
            )
        ]


def dimensions_of(items: pd.DataFrame, model: Mapping[str, Sequence[str]]) -> Dimensions:
    """The dimensions of a model, refused if they do not fit the items."""
    given: dict[str, str] = {}
    for name, columns in model.items():
        if isinstance(columns, str) or not len(columns):
            raise ValueError(f"dimension {name!r} holds {columns!r}: a list of items is needed")
        for column in columns:
            if column not in items.columns:
                raise ValueError(f"dimension {name!r} names {column!r}, which is no column")
            if column in given:
                raise ValueError(
                    f"item {column!r} is in {given[column]!r} and in {name!r}: "
                    "an item belongs to one dimension, once"
                )
            given[column] = name
    kept = [name for name in model if len(model[name]) > 1]
    return Dimensions(
        names=[str(name) for name in kept],
        columns=[column for name in kept for column in model[name]],
        factor=np.repeat(np.arange(len(kept)), [len(model[name]) for name in kept]),
        single=[str(name) for name in model if len(model[name]) == 1],
    )


@dataclass(frozen=True)
class Answers:
    """Complete rows with a weight: answers centred, in units of their standard deviation.

    ``weights`` sum to 1; ``std_dev`` has divisor n.
    """

    rows: Array
    weights: Array
    mean: Array
    std_dev: Array

    @property
    def cov(self) -> Array:
        return np.asarray((self.rows * self.weights[:, None]).T @ self.rows)


def answers_to(items: pd.DataFrame, weights: pd.Series | None) -> Answers:
    """Complete rows of a frame that has nothing but items, of which each varies."""
    x, w = matrix(items), respondent_weights(weights, items.index)
    used = ~np.isnan(x).any(axis=1) & (w > 0)
    x, w = x[used], w[used] / w[used].sum()
    first = x[0]  # so that a large offset costs no digits
    x = x - first
    mean = w @ x
    x -= mean
    std_dev = np.sqrt(w @ x**2)
    return Answers(x / std_dev, w, first + mean, std_dev)
