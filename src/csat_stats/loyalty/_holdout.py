"""Cross-validated probabilities from counts of answer patterns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from csat_stats.frames import Array, matrix, numbers
from csat_stats.loyalty._logit import (
    Fit,
    Patterns,
    find_obstacle,
    fit_logit,
    separating_drivers,
)
from csat_stats.loyalty.firth import fit_firth
from csat_stats.results import Message, message

_SURE = 20.0  # log odds beyond which a fit may be on its way to infinity

Places = npt.NDArray[np.intp]


class Scored(NamedTuple):
    """Rows that answered all drivers."""

    names: list[str]
    row: Places  # position among all rows
    patterns: Array
    place: Places  # pattern of each row
    lost: Array  # 1, 0, or NaN where the outcome is not known
    customer: Places  # customers numbered from 0
    fold: Places  # part the customer is held out with; n_folds where no outcome is known
    n_folds: int

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        return ~np.isnan(self.lost)


class HeldOut(NamedTuple):
    probability: Array  # of being lost, a row
    n_firth: int  # models with Firth's estimator


def split(
    outcome: pd.Series,
    drivers: pd.DataFrame,
    customers: pd.Series | None,
    folds: int,
    rng: np.random.Generator,
) -> Scored:
    """Customers in parts at random, those who were lost and the others equally spread."""
    x = matrix(drivers)
    row = np.flatnonzero(~np.isnan(x).any(axis=1))
    patterns, place = np.unique(x[row], axis=0, return_inverse=True)
    lost = 1 - numbers(outcome.rename("outcome")).to_numpy()[row]
    customer = np.arange(len(row))
    if customers is not None:
        codes = pd.factorize(customers)[0]
        nameless = codes < 0
        codes[nameless] = len(codes) + np.arange(nameless.sum())
        customer = np.unique(codes[row], return_inverse=True)[1]
    known = ~np.isnan(lost)
    units = int(customer.max(initial=-1)) + 1
    ever_known, ever_lost = np.zeros(units, dtype=bool), np.zeros(units, dtype=bool)
    ever_known[customer[known]] = True
    ever_lost[customer[lost == 1]] = True
    strata = [np.flatnonzero(ever_known & ever_lost), np.flatnonzero(ever_known & ~ever_lost)]
    n_folds = min(folds, *(len(stratum) for stratum in strata))
    part = np.full(units, n_folds)
    if n_folds:
        order = np.concatenate([rng.permutation(stratum) for stratum in strata])
        part[order] = np.arange(len(order)) % n_folds
    return Scored(
        names=[str(name) for name in drivers.columns],
        row=row,
        patterns=patterns,
        place=place.ravel(),
        lost=lost,
        customer=customer,
        fold=part[customer],
        n_folds=n_folds,
    )


def predict(data: Scored) -> HeldOut | Message:
    """Each row's probability of being lost from the model without its part, or why not."""
    known = data.known
    shape = (data.n_folds, len(data.patterns))
    cell = data.fold[known] * shape[1] + data.place[known]
    trials = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    lost = np.bincount(cell, weights=data.lost[known], minlength=shape[0] * shape[1])
    events = trials - lost.reshape(shape)
    probability = np.empty(len(data.lost))
    n_firth = 0
    for part in np.unique(data.fold):
        others = np.arange(data.n_folds) != part
        count = trials[others].sum(axis=0).astype(float)
        seen = count > 0
        learnt = _learn(
            Patterns(
                names=data.names,
                patterns=data.patterns[seen],
                events=events[others].sum(axis=0)[seen],
                trials=count[seen],
                n=int(count.sum()),
            )
        )
        if isinstance(learnt, Message):
            return message(
                "There is no model once a part of the customers is held out: {why}", why=learnt
            )
        fit, firth = learnt
        n_firth += firth
        held = data.fold == part
        came_back = fit.beta[0] + data.patterns @ fit.beta[1:]
        probability[held] = expit(-came_back[data.place[held]])
    return HeldOut(probability, n_firth)


def _learn(data: Patterns) -> tuple[Fit, bool] | Message:
    """The model, by Firth's estimator where the outcomes are separated."""
    obstacle = find_obstacle(data, separation=False)
    if obstacle:
        return obstacle
    # Separation shows as a fit that runs away, so that the linear program is seldom needed.
    with np.errstate(all="ignore"):
        try:
            fit = fit_logit(data)
            if np.abs(fit.design @ fit.beta).max() <= _SURE or not separating_drivers(data):
                return fit, False
        except np.linalg.LinAlgError:
            pass
    return fit_firth(data), True
