"""What is wrong with a study: every problem found, each with its place and its cure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from csat_stats.results import Message, message


@dataclass(frozen=True)
class Problem:
    """One thing to mend: a sentence, and where it stands."""

    file: str
    text: Message
    line: int | None = None

    def render(self, translate: Callable[[str], str] = str) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.text.render(translate)}"


class StudyError(ValueError):
    """A study file or its data cannot be used; ``problems`` lists everything that was found."""

    def __init__(self, problems: Iterable[Problem], language: str | None = None) -> None:
        self.problems = tuple(problems)
        self.language = language  # the study's, where its file could be read so far
        super().__init__(self.render())

    def render(self, translate: Callable[[str], str] = str) -> str:
        return "\n".join(problem.render(translate) for problem in self.problems)


def nearest(name: str, valid: Sequence[str]) -> Message:
    """The valid name that ``name`` was probably meant to be, or the list of what is valid."""
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.6)
    if close:
        return message("Did you mean {name}?", name=close[0])
    shown = ", ".join(valid[:12]) + (", …" if len(valid) > 12 else "")
    return message("Valid: {names}.", names=shown or "–")
