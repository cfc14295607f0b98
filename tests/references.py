"""Values of other software, the public data they were computed on, and rows that stand in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path(os.environ.get("CSAT_REFERENCE_DATA", ROOT.parent / "shared" / "data")).resolve()
REVERSED = ["A1", "C4", "C5", "E1", "E2", "O2", "O5"]  # items of psych_bfi worded the other way


class NotHere(LookupError):
    """A public data set that is not on this machine."""


@cache
def oracle(name: str) -> Any:
    """Reference values by file name in tests/oracles/."""
    return json.loads((ROOT / "tests" / "oracles" / f"{name}.json").read_text("utf-8"))


def data_set(name: str) -> pd.DataFrame:
    """A public data set by name."""
    path = FOLDER / f"{name}.csv"
    if not path.exists():
        raise NotHere(name)
    return pd.read_csv(path)


def items_of(
    name: str, items: list[str], *, keyed: bool = True, zero_is_missing: bool = True
) -> pd.DataFrame:
    """Items of a public data set, keyed alike; R writes a dot for what is no letter or digit."""
    frame = data_set(name)
    if not set(items) <= set(frame):
        frame.columns = frame.columns.str.replace("[^A-Za-z0-9_.]", ".", regex=True)
    frame = frame[items]
    if name == "airline_sample" and zero_is_missing:
        frame = frame.mask(frame == 0)
    if name == "psych_bfi" and keyed:
        turned = frame.columns.intersection(REVERSED)
        frame = frame.assign(**{item: 7 - frame[item] for item in turned})
    return frame


def rows_with_moments(
    n: int, mean: Any, cov: Any, columns: list[str], seed: int = 0
) -> pd.DataFrame:
    """Rows that have exactly these means and this covariance, whole or its lower triangle."""
    full = np.zeros((len(columns), len(columns)))
    for i, row in enumerate(cov):
        part = np.atleast_1d(row)[: i + 1]
        full[i, : i + 1] = full[: i + 1, i] = part
    z = np.random.default_rng(seed).normal(size=(n, len(columns)))
    z -= z.mean(axis=0)
    z = np.linalg.solve(np.linalg.cholesky(np.cov(z.T)), z.T)
    return pd.DataFrame((np.linalg.cholesky(full) @ z).T + mean, columns=columns)


def frame_with_moments(case: Mapping[str, Any]) -> pd.DataFrame:
    """Rows that have exactly the n, means and covariance of the case."""
    return rows_with_moments(case["n"], case["mean"], case["cov"], case["items"])


def stand_in(read: Callable[[], pd.DataFrame], case: Mapping[str, Any]) -> pd.DataFrame:
    """The original rows; where they are not here, rows with the moments of the case."""
    try:
        return read()
    except NotHere:
        return frame_with_moments(case)


def tidy(pattern: Any, phi: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Loadings and correlations of factors, by explained variance, each summing to above zero."""
    pattern = np.array(pattern)
    phi = np.eye(pattern.shape[1]) if phi is None else np.array(phi)
    order = np.argsort(-np.diag(phi @ pattern.T @ pattern))
    sign = np.sign(pattern.sum(axis=0))[order]
    return pattern[:, order] * sign, phi[np.ix_(order, order)] * np.outer(sign, sign)
