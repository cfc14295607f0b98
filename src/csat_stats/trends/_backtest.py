"""A series, what is forecast of it from any origin, and how near that came."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from csat_stats.frames import Array
from csat_stats.trends._models import Fit, candidates, naive

Repeats = Literal["last_value", "last_season"]

MIN_TRAINING = 6


class Scale(NamedTuple):
    """The scale on which a figure within bounds is modelled."""

    low: float = -np.inf
    high: float = np.inf
    logit: bool = False

    def forward(self, y: Array) -> Array:
        scaled: Array = logit((y - self.low) / (self.high - self.low)) if self.logit else y
        return scaled

    def back(self, z: Array) -> Array:
        if not self.logit:
            return np.clip(z, self.low, self.high)
        values: Array = self.low + (self.high - self.low) * expit(z)
        return values


class Course(NamedTuple):
    """A series at regular periods; from an origin, only the values before it are used."""

    y: Array
    regressors: Array | None  # with rows for the horizon
    season: int | None
    horizon: int
    scale: Scale
    z: float

    def models(self, origin: int) -> list[Fit]:
        """The models that could be fitted, the one of the smallest AICc first."""
        known = None if self.regressors is None else self.regressors[: origin + self.horizon]
        y = self.scale.forward(self.y[:origin])
        return sorted(candidates(y, self.horizon, self.season, known), key=lambda fit: fit.aicc)

    def naive(self, origin: int, kind: Repeats) -> Fit:
        lag = self.season if kind == "last_season" and self.season else 1
        return naive(self.scale.forward(self.y[:origin]), self.horizon, lag)

    def bands(self, fit: Fit) -> Array:
        """Forecast, lower and upper limit: horizon × 3."""
        return self.scale.back(fit.mean[:, None] + np.outer(fit.error, [0, -self.z, self.z]))

    def origins(self, wanted: int) -> range:
        """The latest periods that have enough before them, the last not among them."""
        values = np.cumsum(~np.isnan(self.y))
        first = max(int(np.argmax(values >= MIN_TRAINING)) + 1, 2 * (self.season or 0))
        return range(max(first, len(self.y) - wanted), len(self.y))

    def mean_step(self, origin: int) -> float:
        """Mean absolute step of the values before the origin, from season to season if any."""
        lag = self.season or 1
        steps = np.abs(self.y[lag:origin] - self.y[: origin - lag])
        steps = steps[~np.isnan(steps)]
        return float(steps.mean()) if len(steps) else np.nan


def columns(name: str) -> list[str]:
    """The names of a forecast and of its limits."""
    return [name, f"{name}_low", f"{name}_high"]


class Backtest(NamedTuple):
    """A backtest: both forecasts beside what came, and their errors (empty without an origin).

    In ``frame``, ``origin`` and ``at`` are positions: of the last value known, and of the one
    forecast. ``fits`` are all models fitted on the way.
    """

    repeats: Repeats
    frame: pd.DataFrame
    accuracy: pd.DataFrame
    fits: list[Fit]


def run_backtest(course: Course, origins: Iterable[int]) -> Backtest:
    """The model and the better kind of naive forecast, from each origin."""
    kinds: list[Repeats] = ["last_value"]
    if course.season and np.isfinite(course.naive(len(course.y), "last_season").mean).all():
        kinds.insert(0, "last_season")
    blocks, fits = [], []
    for origin in origins:
        models = course.models(origin)
        fits += models
        if not models:
            continue
        block = pd.DataFrame({"origin": origin - 1, "horizon": np.arange(course.horizon) + 1})
        block["at"] = block["origin"] + block["horizon"]
        block[columns("model")] = course.bands(models[0])
        for kind in kinds:
            block[columns(kind)] = course.bands(course.naive(origin, kind))
        block["step"] = course.mean_step(origin)
        block = block[block["at"] < len(course.y)]
        blocks.append(block.assign(actual=course.y[block["at"]]))
    frame = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()
    if len(frame):
        frame = frame[frame.drop(columns="step").notna().all(axis=1)].reset_index(drop=True)
    if frame.empty:
        return Backtest(kinds[0], frame, pd.DataFrame(), fits)
    errors = {name: accuracy(frame, name) for name in ("model", *kinds)}
    repeats = min(kinds, key=lambda kind: errors[kind]["mae"])
    frame = frame.rename(columns=dict(zip(columns(repeats), columns("naive"), strict=True)))
    table = pd.DataFrame([errors["model"], errors[repeats]])
    table.insert(0, "forecast", ["model", "naive"])
    return Backtest(repeats, frame, table, fits)


def accuracy(frame: pd.DataFrame, name: str) -> dict[str, float]:
    """Errors and coverage of one forecast."""
    error = (frame["actual"] - frame[name]).abs()
    _, low, high = columns(name)
    return {
        "mae": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "mase": float((error / frame["step"]).where(frame["step"] > 0).mean()),
        "coverage": float(frame["actual"].between(frame[low], frame[high]).mean()),
        "n": len(frame),
    }
