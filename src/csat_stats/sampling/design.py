"""How the respondents were drawn, and the variance of an estimate under that design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from csat_stats.frames import Array, numbers, respondent_weights
from csat_stats.frames import require as require_values
from csat_stats.results import Message, message
from csat_stats.sampling._strata import MISSING, Cell, IntArray, cells, names, require_columns
from csat_stats.sampling._strata import tuples as cell_tuples

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Design:
    """How the respondents were drawn, by the names of columns of the responses.

    ``Design()`` is a simple random sample from a large population. The arguments have the meaning
    of R ``survey::svydesign``.

    Attributes
    ----------
    weights
        Sampling weights, 0 or more, on any scale; a total needs weights that add up to the
        population. Without them: N_h/n_h where ``fpc`` is given, equal weights otherwise.
    strata
        Columns that define a stratum.
    cluster
        The unit that was drawn first: a store, an engineer, a customer with several orders. The
        same code in two strata means two units. Without it every respondent is a unit.
    fpc
        Finite population: how many of these units the stratum has in the population, the same
        number in each of its rows. Never a sampling fraction f nor 1 − f.
    calibrated
        Margins that the weights were brought to: one entry for :func:`post_stratify`, several for
        :func:`rake`; an entry is a column, or a list of columns whose combinations are the cells.
        Standard errors then count only what the margins do not explain.
    base_weights
        Weights before the calibration; equal where it is not given.
    lonely_psu
        What a stratum with a single sampled unit adds to the variance: ``"certainty"`` nothing,
        ``"adjust"`` the squared distance to the mean of all units. Without it such a design has
        no standard error.
    """

    weights: str | None = None
    strata: Sequence[str] = ()
    cluster: str | None = None
    fpc: str | None = None
    calibrated: Sequence[str | Sequence[str]] = ()
    base_weights: str | None = None
    lonely_psu: Literal["certainty", "adjust"] | None = None

    def __post_init__(self) -> None:
        if self.lonely_psu not in (None, "certainty", "adjust"):
            raise ValueError(
                f"lonely_psu is {self.lonely_psu!r}: 'certainty', 'adjust' or None is needed"
            )
        if isinstance(self.strata, str):
            raise ValueError(f"strata are given as {self.strata!r}: a list of names is needed")
        if isinstance(self.calibrated, str):
            raise ValueError(
                f"calibrated is given as {self.calibrated!r}: a list of margins is needed"
            )


@dataclass(frozen=True)
class Sample:
    """The respondents who have a place in the design, as arrays.

    ``rows`` marks them among the responses, all other arrays have one entry per respondent kept
    (``weights``, ``unit``, ``margins``, ``base``), per sampling unit (``stratum``), per stratum
    (``population``, infinite without finite population correction; ``labels``) or per level of
    all margins together (``inverse``, of the matrix of their normal equations).
    """

    rows: BoolArray
    weights: Array
    unit: IntArray
    stratum: IntArray
    population: Array
    labels: list[Cell]
    margins: list[IntArray]
    base: Array
    inverse: Array
    design: Design
    notes: tuple[Message, ...]

    @property
    def units(self) -> IntArray:
        """Sampling units in each stratum."""
        return np.bincount(self.stratum, minlength=len(self.labels))

    @property
    def lonely(self) -> BoolArray:
        """Strata with one sampled unit that is not the whole stratum."""
        return np.asarray((self.units == 1) & (self.population > 1))

    @property
    def has_variance(self) -> bool:
        return self.design.lonely_psu is not None or not self.lonely.any()

    def df(self, domain: BoolArray) -> int:
        """Sampling units − strata, of those with a respondent in the domain."""
        present = np.bincount(self.unit, domain, self.stratum.size) > 0
        return int(present.sum()) - np.unique(self.stratum[present]).size

    def variance(self, linear: Array) -> float:
        """Variance of Σwu for the linear variable u, units drawn with equal chance in a stratum."""
        scores = self.weights * self._unexplained(linear)
        totals = np.bincount(self.unit, scores, self.stratum.size)
        units = self.units
        spread = totals - (np.bincount(self.stratum, totals) / units)[self.stratum]
        if self.design.lonely_psu == "adjust":
            alone = self.lonely[self.stratum]
            spread[alone] = totals[alone] - totals.mean()
        scale = (1 - units / self.population) * units / np.maximum(units - 1, 1)
        return float(np.bincount(self.stratum, spread**2) @ scale)

    def _unexplained(self, linear: Array) -> Array:
        """What is left of ``linear`` after least squares, by base weights, on the margins."""
        if not self.margins:
            return linear
        size = len(self.inverse)
        product = sum(np.bincount(code, self.base * linear, size) for code in self.margins)
        effects = self.inverse @ product
        explained: Array = np.sum([effects[code] for code in self.margins], axis=0)
        return linear - explained


def draw(responses: pd.DataFrame, design: Design) -> Sample:
    """The design as arrays; respondents without weight, stratum or cluster are left out.

    Raises
    ------
    ValueError
        A column of the design is missing or holds what it must not; a stratum has two population
        sizes, or fewer units in the population than in the sample.
    """
    margins = [[m] if isinstance(m, str) else list(m) for m in design.calibrated]
    single = [design.weights, design.cluster, design.fpc, design.base_weights]
    named = [name for name in single if name is not None]
    named += [*design.strata, *(name for margin in margins for name in margin)]
    if named:
        require_columns(responses, named)
    weights = _weights(responses, design.weights)
    base = _weights(responses, design.base_weights)
    labels, stratum = _codes(responses, design.strata)
    unit = (
        np.arange(len(responses))
        if design.cluster is None
        else _codes(responses, [design.cluster])[1]
    )
    margin_codes = [_codes(responses, margin)[1] for margin in margins]
    rows = (weights > 0) & (base > 0) & (stratum != MISSING) & (unit != MISSING)
    for codes in margin_codes:
        rows &= codes != MISSING
    # One numbering for the levels of all margins, margin after margin.
    sizes = [int(codes.max(initial=MISSING)) + 1 for codes in margin_codes]
    starts = np.cumsum([0, *sizes[:-1]])
    margin_codes = [code[rows] + at for code, at in zip(margin_codes, starts, strict=False)]

    present, stratum = np.unique(stratum[rows], return_inverse=True)
    labels = [labels[code] for code in present]
    step = len(responses) + 1
    pairs, unit = np.unique(stratum * step + unit[rows], return_inverse=True)
    of_unit = pairs // step
    sampled = np.bincount(of_unit, minlength=len(labels))
    population = np.full(len(labels), np.inf)
    notes: list[Message] = []
    weights = weights[rows]
    if design.fpc is not None:
        population = _population(responses[rows], design.fpc, stratum, labels, sampled)
        if design.weights is None:
            weights = (population / sampled)[stratum]
        elif design.cluster is None:
            notes += _weight_notes(weights, population, stratum, labels)
    if margins:
        note = message(
            "The standard errors allow for the calibration of the weights to {margins}.",
            margins=names([tuple(margin) for margin in margins]),
        )
        notes.append(note)
    return Sample(
        rows=rows,
        weights=weights,
        unit=unit,
        stratum=of_unit,
        population=population,
        labels=labels,
        margins=margin_codes,
        base=base[rows],
        inverse=_normal_inverse(margin_codes, base[rows]),
        design=design,
        notes=tuple(notes),
    )


def is_population(weights: float, n: int) -> bool:
    """Whether weights of this sum stand for more people than the n respondents."""
    return weights > n * (1 + 1e-9)


def _weights(responses: pd.DataFrame, column: str | None) -> Array:
    return respondent_weights(None if column is None else responses[column], responses.index)


def _codes(responses: pd.DataFrame, columns: Sequence[str]) -> tuple[list[Cell], IntArray]:
    """The cells of some columns and the cell of each row; without columns a single cell."""
    if not columns:
        return [()], np.zeros(len(responses), dtype="int64")
    table, codes = cells(responses, columns)
    return cell_tuples(table, columns), codes


def _normal_inverse(margins: Sequence[IntArray], base: Array) -> Array:
    """Pseudo-inverse, because the levels of every margin add up to the same one."""
    size = max((int(code.max(initial=-1)) + 1 for code in margins), default=0)
    matrix = np.zeros((size, size))
    for a in margins:
        for b in margins:
            matrix += np.bincount(a * size + b, base, size**2).reshape(size, size)
    return np.asarray(np.linalg.pinv(matrix, rcond=1e-10, hermitian=True), dtype="float64")


def _population(
    responses: pd.DataFrame,
    column: str,
    stratum: IntArray,
    labels: list[Cell],
    sampled: IntArray,
) -> Array:
    """Units of each stratum in the population."""
    sizes = numbers(responses[column])
    require_values(sizes >= 1, sizes, "population sizes of 1 or more, not sampling fractions,")
    values = sizes.to_numpy()
    population = np.full(len(labels), np.inf)
    np.minimum.at(population, stratum, values)
    for row in np.flatnonzero(values != population[stratum]):
        raise ValueError(
            f"column {column!r} holds {population[stratum[row]]:g} and {values[row]:g}"
            f"{_where(labels[stratum[row]])}: one population size for each stratum is needed"
        )
    for row in np.flatnonzero(sampled > population):
        raise ValueError(
            f"column {column!r} holds {population[row]:g}{_where(labels[row])}, which has"
            f" {sampled[row]} sampling units in the responses: the number of units in the"
            " population is needed"
        )
    return population


def _where(label: Cell) -> str:
    return f" in stratum {names([label])}" if label else ""


def _weight_notes(
    weights: Array, population: Array, stratum: IntArray, labels: list[Cell]
) -> list[Message]:
    """Whether the weights speak for the strata in proportion to their people."""
    ratio = np.bincount(stratum, weights) / population
    off = np.abs(ratio / (weights.sum() / population.sum()) - 1) > 0.05
    if not off.any():
        return []
    note = message(
        "The weights give {cells} a share that is more than 5% off its share of the population.",
        cells=names(labels, off),
    )
    return [note]
