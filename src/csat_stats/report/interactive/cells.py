"""The figures of the interactive block: means, intervals and shares of groups large enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from csat_stats import satisfaction
from csat_stats.report import scope as scopes
from csat_stats.report.material import Material
from csat_stats.results import Message, message

MOST_LEVELS = 60  # of a segment that a reader can choose from
MOST_ANSWERS = 11  # points of a scale whose shares are shown
MOST_CELLS = 3_000  # of items by group; beyond, items are shown for all respondents only

# [n, mean, low, high] and for an item its shares too; None where the group is withheld.
Cell = list[Any] | None


@dataclass(frozen=True)
class Cells:
    """What the block may show.

    Attributes
    ----------
    segments
        Column → levels that occur.
    answers
        Points of the answer scale, empty where it has too many or answers lie between them.
    groups
        ``WAVE/all`` or ``WAVE/SEGMENT/LEVEL``, by number, → cells of the dimensions and of the
        items, in the order of the study file. No list of items where there would be too many.
    notes
        What was left out, said aloud.
    """

    waves: list[str]
    segments: dict[str, list[str]]
    answers: list[int]
    groups: dict[str, dict[str, list[Cell]]]
    notes: tuple[Message, ...]

    @property
    def largest_share(self) -> float:
        """The end of an axis that every share fits on: the next tenth above the largest."""
        cells = (cell for group in self.groups.values() for cell in group.get("items", ()))
        shares = [max(cell[4]) for cell in cells if cell and self.answers]
        return min(1.0, math.floor(10 * max(shares, default=0.9) + 1) / 10)

    def of(self, wave: int) -> list[Cell]:
        """Dimensions of all respondents of a wave."""
        return self.groups[f"{wave}/all"]["dimensions"]


def collect(material: Material) -> Cells:
    """All cells of a study within a section's filter, wave by wave."""
    plan, responses = material.plan, material.responses
    segments, notes = _segments(material, responses)
    waves = material.waves or [""]
    n_levels = sum(map(len, segments.values()))
    items_by_group = n_levels * len(waves) * len(plan.items) <= MOST_CELLS
    if not items_by_group:
        notes.append(message("Items are shown for all respondents only: there are too many."))
    answers = _answers(material, responses)
    if not answers:
        notes.append(message("The answer scale has too many points for shares to be shown."))
    groups: dict[str, dict[str, list[Cell]]] = {}
    for number, wave in enumerate(waves):
        frame = material.of_wave(wave)
        measures = {"dimensions": material.scores(frame), "items": frame[plan.items]}
        levels = pd.DataFrame(
            {name: frame[name].cat.set_categories(of) for name, of in segments.items()},
            index=frame.index,
        )
        for kind, values in measures.items():
            points = answers if kind == "items" else []
            by_group = levels if kind == "dimensions" or items_by_group else levels.iloc[:, :0]
            for group, cells in _measured(values, by_group, points, material).items():
                groups.setdefault(f"{number}/{group}", {})[kind] = cells
    return Cells(material.waves, segments, answers, groups, tuple(notes))


def _segments(
    material: Material, responses: pd.DataFrame
) -> tuple[dict[str, list[str]], list[Message]]:
    """Segments with at least two levels to choose from, and what is said of the others."""
    fixed = {column for column, _ in scopes.pairs(material.scope["where"])}
    found, long = {}, []
    for column in material.plan.segments:
        levels = [str(v) for v in responses[column].cat.remove_unused_categories().cat.categories]
        if len(levels) > MOST_LEVELS:
            long.append(material.plan.label(column))
        elif len(levels) > 1 and column not in fixed:
            found[column] = levels
    if not long:
        return found, []
    text = message(
        "Left out here, because they have more than {n} levels: {names}.",
        n=MOST_LEVELS,
        names=", ".join(long),
    )
    return found, [text]


def _answers(material: Material, responses: pd.DataFrame) -> list[int]:
    given = responses[material.plan.items].to_numpy().ravel()
    points = [int(point) for point in material.level_labels]
    whole = np.isin(given[~np.isnan(given)], points).all()
    return points if whole and len(points) <= MOST_ANSWERS else []


def _measured(
    values: pd.DataFrame, levels: pd.DataFrame, answers: list[int], material: Material
) -> dict[str, list[Cell]]:
    """Cells of each column of ``values``, by group: ``all`` and ``SEGMENT/LEVEL``."""
    base = material.plan.thresholds.minimum_base
    statistic = partial(satisfaction.mean_score, conf_level=material.plan.conf_level)
    codes = np.column_stack(
        [np.empty((len(levels), 0), dtype=np.intp)]
        + [levels[name].cat.codes.to_numpy(dtype=np.intp) for name in levels]
    )
    sizes = [len(levels[name].cat.categories) for name in levels]
    groups: dict[str, list[Cell]] = {"all": []}
    for column in values:
        score = values[column].rename("score")
        result = statistic(score)
        shown = result.n_used >= base
        groups["all"].append(
            _cell(result.n_used, result.estimate, result.conf_low, result.conf_high)
            if shown
            else None
        )
        hidden = satisfaction.withheld(codes[score.notna().to_numpy()], sizes, base)
        for number, (name, secret) in enumerate(zip(levels, hidden, strict=True)):
            frame = pd.DataFrame({"level": levels[name], "score": score})
            table = satisfaction.by_segment(
                frame, "level", statistic, "score", minimum_base=0, caution_base=0
            ).table
            figures = table[["n", "estimate", "conf_low", "conf_high"]]
            for code, row in enumerate(figures.itertuples(index=False)):
                cells = groups.setdefault(f"{number}/{code}", [])
                cells.append(_cell(*row) if shown and code not in secret else None)
    if answers:
        for group, cells in groups.items():
            segment, _, level = group.partition("/")
            rows = codes[:, int(segment)] == int(level) if level else slice(None)
            _add_shares(cells, values[rows], answers)
    return groups


def _cell(n: int, *figures: float | None) -> list[Any]:
    """Two decimals, as a reader is shown: the file holds no more than the page."""
    return [int(n), *(None if value is None else round(float(value), 2) for value in figures)]


def _add_shares(cells: list[Cell], values: pd.DataFrame, answers: list[int]) -> None:
    """Append to each cell that is shown the shares of its answers."""
    shown = [number for number, cell in enumerate(cells) if cell]
    if shown:
        table = satisfaction.distribution(values.iloc[:, shown], answers).table
        shares = table["share"].to_numpy().reshape(len(shown), len(answers))
        for number, row in zip(shown, shares, strict=True):
            cell = cells[number]
            assert cell is not None
            cell.append([round(float(share), 3) for share in row])
