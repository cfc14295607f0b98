"""Which questions the waves of a study have in common, and what changed from wave to wave."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from csat_stats.results import Message, Result, message
from csat_stats.trends._periods import names


@dataclass(frozen=True, kw_only=True)
class CommonQuestions(Result):
    """The items that were asked in every wave; ``n_used`` counts them, ``n_dropped`` the others.

    Attributes
    ----------
    changes
        ``(wave, what changed)`` against the wave before it: new questions, questions no longer
        asked, another mode; in the order of the waves. What a chart of the trend marks.
    table
        One row an item in order of appearance: ``item, asked_in`` (waves as text), ``n_waves,
        comparable`` (asked in every wave).
    """

    changes: tuple[tuple[str, Message], ...] = ()


def common_questions(
    waves: Mapping[str, Collection[str] | pd.DataFrame],
    *,
    modes: Mapping[str, str] | None = None,
) -> CommonQuestions:
    """Which items can be compared over waves of different questionnaires.

    Parameters
    ----------
    waves
        In order of time: name of the wave → items that were asked, or the answers, respondents ×
        items, where an item counts as asked if somebody answered it.
    modes
        Name of the wave → how it was asked (telephone, online); waves that are not named are
        taken to be like the wave before them.

    Returns
    -------
    CommonQuestions
        Not estimable with fewer than two waves, or without any item in common.

    Raises
    ------
    ValueError
        The items of a wave are one text in place of a list, or ``modes`` names an unknown wave.

    Examples
    --------
    >>> result = common_questions(
    ...     {"2023": ["speed", "manner"], "2024": ["speed", "price"]},
    ...     modes={"2023": "telephone", "2024": "online"},
    ... )
    >>> result.table
         item    asked_in  n_waves  comparable
    0   speed  2023, 2024        2        True
    1  manner        2023        1       False
    2   price        2024        1       False
    >>> for wave, what in result.changes:
    ...     print(wave, what)
    2024 New questions: price.
    2024 Questions no longer asked: manner.
    2024 Asked in another way: online instead of telephone.
    """
    asked = {wave: _items(wave, given) for wave, given in waves.items()}
    modes = modes or {}
    if unknown := [wave for wave in modes if wave not in asked]:
        raise ValueError(f"modes names {unknown[0]!r}: the waves are {', '.join(map(str, asked))}")
    items = list(dict.fromkeys(item for wave in asked.values() for item in wave))
    asked_in = [[wave for wave, has in asked.items() if item in has] for item in items]
    table = pd.DataFrame(
        {
            "item": pd.Series(items, dtype=object if not items else None),
            "asked_in": [", ".join(map(str, has)) for has in asked_in],
            "n_waves": [len(has) for has in asked_in],
            "comparable": [len(has) == len(asked) for has in asked_in],
        }
    ).astype({"n_waves": "int64", "comparable": bool})
    common = table["item"][table["comparable"]]
    others = table["item"][~table["comparable"]]
    changes = _changes(asked, modes)
    notes = []
    if len(others):
        notes.append(
            message(
                "The waves had different questionnaires: only the items asked in all of them are "
                "compared. Left out: {items}.",
                items=names(others),
            )
        )
    if len(set(modes.values())) > 1:
        notes.append(
            message(
                "The waves were not all asked in the same way: a change between them may come from "
                "that."
            )
        )
    return CommonQuestions(
        n_used=len(common),
        n_dropped=len(others),
        method=message(
            "Items asked in every wave are compared; one that nobody answered in a wave counts as "
            "not asked there."
        ),
        notes=tuple(notes),
        not_estimable=_why(list(asked), len(common)),
        table=table,
        changes=changes,
    )


def _items(wave: str, given: Collection[str] | pd.DataFrame) -> list[str]:
    """The items of a wave without repeats."""
    if isinstance(given, str):
        raise ValueError(f"wave {wave!r} has the items {given!r}: a list of names is needed")
    if isinstance(given, pd.DataFrame):
        given = given.columns[given.notna().any()]
    return list(dict.fromkeys(given))


def _changes(
    asked: Mapping[str, list[str]], modes: Mapping[str, str]
) -> tuple[tuple[str, Message], ...]:
    """What each wave has otherwise than the wave before it."""
    changes = []
    before, mode = None, None
    for wave, items in asked.items():
        if before is not None:
            if new := [item for item in items if item not in before]:
                changes.append((wave, message("New questions: {items}.", items=names(new))))
            if gone := [item for item in before if item not in items]:
                text = message("Questions no longer asked: {items}.", items=names(gone))
                changes.append((wave, text))
        now = modes.get(wave, mode)
        if mode is not None and now != mode:
            text = message("Asked in another way: {now} instead of {mode}.", now=now, mode=mode)
            changes.append((wave, text))
        before, mode = items, now
    return tuple(changes)


def _why(waves: list[str], common: int) -> Message | None:
    """Why nothing can be compared."""
    if not waves:
        return message("There are no waves.")
    if len(waves) == 1:
        return message(
            "There is only one wave with answers, {period}: a change needs two.", period=waves[0]
        )
    return None if common else message("The waves have no question in common.")
