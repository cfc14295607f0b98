"""The scenario of the interactive block: what better scores would be worth, at any setting.

The page must predict the mean probability of the respondents without a respondent in it. In their
place it gets a polynomial, fitted to the log odds of that mean (and to its gradient) at some
hundreds of settings: averages of all respondents, nothing else. Its variables are the amounts by
which the mean score of each dimension rises, cut in stretches where many scores meet the top of
the scale: between such points the average is smooth, and degree three follows it closely. At the
points of the study file it is exact by construction. Elsewhere its largest error, measured here
at settings it was not fitted to, tells the page how far to round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from scipy.special import expit, logit

from csat_stats.display import NO_VALUE, number
from csat_stats.frames import Array
from csat_stats.report import findings, retention
from csat_stats.report.language import Translate
from csat_stats.report.material import Material
from csat_stats.results import Message

MOST_TERMS = 460  # of the polynomial; more would make the page large
_CHECKED = 300  # settings that its error is measured at
_SHOWN = (
    "probability_now",
    "probability_after",
    "extra_repurchases",
    "gain",
    "net_gain",
    "return_on_investment",
)


@dataclass(frozen=True)
class Panel:
    """The scenario as the block shows it.

    Attributes
    ----------
    data
        What the page calculates with, and its words.
    rows
        Name, figure and interval of each quantity at the settings of the study file.
    said
        The finding at these settings, in a sentence.
    notes
        How it is calculated, and that it is no proof.
    n
        Respondents it rests on.
    """

    data: dict[str, Any]
    rows: list[tuple[str, str, str]]
    said: Message
    notes: tuple[Message, ...]
    n: int


def panel(material: Material) -> Panel | None:
    """The scenario of the study file, or None where there is none or it is not estimable."""
    plan = material.plan
    planned = plan.loyalty.scenario
    if planned is None:
        return None
    model = retention.models(material, material.scores(material.responses))[planned.outcome]
    worth = retention.scenario(material, model) if model.not_estimable is None else None
    if worth is None or worth.n_used < plan.thresholds.minimum_base or worth.estimate is None:
        return None
    names = list(model.table["driver"])
    scores = material.scores(material.current)[names].dropna()
    sample = Sample(
        scores.to_numpy(dtype=float),
        np.append(model.intercept["estimate"], model.table["estimate"]),
        plan.scale.high,
    )
    start = [float(planned.improve.get(name, 0)) for name in names]
    figures = worth.table.set_index("quantity").reindex(list(_SHOWN))
    now, gradient = figures.loc["probability_now"], sample.average(np.zeros((1, len(names))))[0, 1:]
    # One end of the interval may stand at 0 or 1; the other tells how wide it is.
    margin = max(now["conf_high"] - now["estimate"], now["estimate"] - now["conf_low"])
    covariance = model.covariance.to_numpy()
    covariance = covariance * margin**2 / (gradient @ covariance @ gradient)
    label = plan.outcomes[planned.outcome].label or planned.outcome
    said = findings.scenario(label, worth, plan, "scenario").text
    data = formula(sample, covariance, start, plan.scale.high - plan.scale.low)
    data |= {
        "names": names,
        "means": [round(float(mean), 8) for mean in scores.mean()],
        "covariance": covariance.tolist(),
        "amounts": {name: getattr(planned, name) for name in ("customers", "value", "cost")},
        "label": label,
        "words": _words(material.translate) | {"said": material.translate(said.text)},
    }
    assert worth.method is not None
    rows = [_row(material, name, figures) for name in _SHOWN]
    return Panel(data, rows, said, (worth.method, worth.notes[0]), worth.n_used)


def _row(material: Material, name: str, figures: Any) -> tuple[str, str, str]:
    word, pattern = retention.QUANTITIES[name]
    estimate, *ends = figures.loc[name, ["estimate", "conf_low", "conf_high"]]
    shown = [number(end, pattern) for end in ends]
    interval = NO_VALUE if math.isnan(estimate) else " – ".join(shown)
    return word.render(material.translate), number(estimate, pattern), interval


def _words(translate: Translate) -> dict[str, str]:
    return {
        "raised": translate("{name} {points:+g}"),
        "joined": translate("{one}, {two}"),
        "means": translate("mean {now} → {after}"),
        "nothing": translate("No score is raised: move a slider."),
        "invalid": translate("Customers, value and cost must be numbers of 0 or more."),
    }


@dataclass(frozen=True)
class Sample:
    """Respondents' scores, a model's coefficients (the constant first), the top of the scale."""

    scores: Array
    beta: Array
    top: float

    def average(self, settings: Array) -> Array:
        """Mean probability and its gradient in the coefficients, one row a setting."""
        patterns, counts = np.unique(self.scores, axis=0, return_counts=True)
        share = counts / counts.sum()
        found = []
        for points in settings:
            raised = np.minimum(patterns + points, self.top)
            p = expit(self.beta[0] + raised @ self.beta[1:])
            slope = share * p * (1 - p)
            found.append([share @ p, slope.sum(), *(slope @ raised)])
        return np.array(found)

    def rises(self, dimension: int, points: Array) -> Array:
        """By how much the mean of a dimension rises when its scores do."""
        room = self.top - self.scores[:, dimension]
        return np.array([np.minimum(room, point).mean() for point in points])

    def cuts(self, dimension: int, reach: float, most: int) -> list[float]:
        """Points of a rise at which the most scores meet the top."""
        room = np.round(self.top - self.scores[:, dimension], 6)
        values, counts = np.unique(room[(room > 0) & (room < reach)], return_counts=True)
        return sorted(values[np.argsort(-counts, kind="stable")][:most])


def stops(start: float, width: float) -> list[float]:
    """Points that a slider can stand at: 0, 0.1 … 1, further where it starts further.

    ``width`` is that of the scale; on a scale of 0–100 the stops are 0, 1 … 10.
    """
    step = 10.0 ** math.floor(math.log10(width / 2)) / 10
    count = max(10, math.floor(min(start, width) / step))
    return sorted({round(step * place, 6) for place in range(count + 1)} | {start})


def formula(sample: Sample, covariance: Array, start: list[float], width: float) -> dict[str, Any]:
    """The polynomial with all it needs, and its largest error.

    Parameters
    ----------
    covariance
        Of the coefficients, times the square of the quantile of the intervals.

    Returns
    -------
    dict
        ``stops`` of each slider, the number of the one it ``starts`` at; ``rises`` of each
        dimension at each stop, as a whole and by stretch, which laid end to end are the
        variables; ``terms``, the numbers of the variables multiplied in each; ``weights`` of each
        term for each column of what is fitted; ``now`` and ``after``, mean probability and
        gradient as they are and at the start; ``error`` of a probability, of a difference of
        probabilities, or of an end of their intervals.
    """
    points = [stops(at, width) for at in start]
    starts = np.array([[of.index(at) for of, at in zip(points, start, strict=True)]])
    rises, terms = _variables(sample, points)
    rng = np.random.default_rng(0)
    fitted = _settings(rng, 3 * len(terms) + 100, points)
    checked = _settings(rng, _CHECKED, points)

    def exact(settings: Array) -> Array:
        return sample.average(
            np.column_stack([np.array(of)[at] for of, at in zip(points, settings.T, strict=True)])
        )

    def products(settings: Array) -> Array:
        values = np.hstack([of[at] for of, at in zip(rises, settings.T, strict=True)])
        return np.column_stack([values[:, term].prod(axis=1) for term in terms])

    now, after = sample.average(np.array([np.zeros(len(start)), start]))
    origin, design = products(starts), products(fitted)
    size = np.abs(design - origin).max(axis=0)
    size[size == 0] = 1
    goal = _straight(exact(fitted)) - _straight(after[None])
    weights = np.linalg.lstsq((design - origin) / size, goal, rcond=None)[0] / size[:, None]
    weights = _rounded(weights)
    found = _bent(_straight(after[None]) + (products(checked) - origin) @ weights)
    error = _ends(found, now, covariance) - _ends(exact(checked), now, covariance)
    return {
        "stops": points,
        "starts": starts[0].tolist(),
        "rises": [of.tolist() for of in rises],
        "terms": [list(term) for term in terms],
        "weights": weights.tolist(),
        "now": now.tolist(),
        "after": after.tolist(),
        "error": float(np.abs(error).max()),
    }


def _variables(sample: Sample, points: list[list[float]]) -> tuple[list[Array], list[list[int]]]:
    """Rises at every stop, and the richest terms of them that are not too many.

    All products of up to three, or of up to two stretches and of three whole rises.
    """
    for most, cubes_of_stretches in ((2, True), (2, False), (1, False), (0, False)):
        rises = []
        for dimension, of in enumerate(points):
            edges = [*sample.cuts(dimension, of[-1], most), of[-1]]
            upto = np.array([sample.rises(dimension, np.minimum(of, edge)) for edge in edges])
            rises.append(_rounded(np.vstack([upto[-1], np.diff(upto, axis=0, prepend=0)]).T))
        first = np.cumsum([0, *(of.shape[1] for of in rises)])
        wholes = [int(at) for at in first[:-1]]
        stretches = [at for at in range(first[-1]) if at not in wholes]
        terms = [
            list(term)
            for degree, variables in (
                (1, stretches),
                (2, stretches),
                (3, stretches if cubes_of_stretches else wholes),
            )
            for term in combinations_with_replacement(variables, degree)
        ]
        if len(terms) <= MOST_TERMS:
            return rises, terms
    return rises, [term for term in terms if len(term) < 3]


def _settings(rng: np.random.Generator, n: int, points: list[list[float]]) -> Any:
    """Random stops of the sliders; in every third setting most of them stand at 0."""
    at = rng.integers(0, [len(of) for of in points], (n, len(points)))
    at[::3] *= rng.random(at[::3].shape) < 0.4
    return at


def _straight(averages: Array) -> Array:
    """On the scale of the polynomial: log odds; log of the mean slope; raised means by slope."""
    p, slope, rest = averages[:, 0], averages[:, [1]], averages[:, 2:]
    return np.column_stack([logit(p), np.log(slope), rest / slope])


def _bent(straight: Array) -> Array:
    """Back to mean probability and gradient."""
    slope = np.exp(straight[:, [1]])
    return np.column_stack([expit(straight[:, 0]), slope, slope * straight[:, 2:]])


def _ends(averages: Array, now: Array, covariance: Array) -> Array:
    """Mean probability and its rise, each with the ends of its interval."""
    found = []
    for by in (averages, averages - now):
        margin = np.sqrt(np.einsum("ij,jk,ik->i", by[:, 1:], covariance, by[:, 1:]))
        found += [by[:, 0], by[:, 0] - margin, by[:, 0] + margin]
    return np.array(found)


def _rounded(values: Array) -> Array:
    """Seven digits: beyond, they would only make the page longer."""
    return np.array([float(f"{value:.7g}") for value in values.flat]).reshape(values.shape)
