"""Why a factor model has no solution, or an improper one."""

from __future__ import annotations

import numpy as np

from csat_stats.results import Message, message
from csat_stats.validity._dimensions import Dimensions
from csat_stats.validity._structure import Estimates, StructureFit


def too_few_items(dims: Dimensions) -> Message | None:
    """Why the items alone rule the model out, or None."""
    if not dims.names:
        return message("No dimension has two items.")
    if len(dims.items) == 2:
        return message(
            "A single dimension of two items cannot be tested: it needs a third item, or a second "
            "dimension beside it."
        )
    return None


def no_solution(fit: StructureFit) -> Message | None:
    """Why a descent gave no estimates, or None."""
    if not fit.converged:
        return message(
            "The computation found no solution: the answers do not support this model, for too "
            "few respondents, or items that do not belong to their dimension."
        )
    if not fit.identified:
        return message(
            "The answers do not determine the loadings: a dimension of two items needs a clear "
            "correlation with another dimension."
        )
    return None


def improper_notes(dims: Dimensions, found: Estimates) -> list[Message]:
    """What makes a solution impossible as a description of real variances, if anything."""
    notes = []
    negative = [
        name for name, value in zip(dims.items, found.uniqueness, strict=True) if value <= 0
    ]
    if negative:
        notes.append(
            message(
                "Heywood case: the unique variance of {items} is negative, so the solution is "
                "improper. Two items may ask the same, or the respondents are too few.",
                items=", ".join(negative),
            )
        )
    std_dev = np.sqrt(np.maximum(np.diag(found.phi), 1e-300))
    phi = found.phi / np.outer(std_dev, std_dev)
    same = [
        f"{dims.names[i]}–{dims.names[j]}"
        for i, j in zip(*np.triu_indices(len(phi), 1), strict=True)
        if abs(phi[i, j]) >= 1
    ]
    if same:
        notes.append(
            message(
                "Improper solution: the correlation of {pairs} is 1 or beyond, so the items do "
                "not tell these dimensions apart.",
                pairs=", ".join(same),
            )
        )
    elif np.linalg.eigvalsh(found.phi)[0] <= 0:
        notes.append(
            message(
                "Improper solution: the correlations of the dimensions contradict each other, so "
                "some of them do not stand apart."
            )
        )
    return notes
