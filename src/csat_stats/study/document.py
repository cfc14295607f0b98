"""A YAML document as plain data, with the line of every value.

Study files come from other people, so nothing in one is trusted: no tags, no anchors or aliases
(seven lines of those can grow to gigabytes), no duplicate keys, at most ``MAX_BYTES``. Every
scalar stays text: the schema, not YAML, decides that ``1`` is a number and ``0012`` an id.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionStartEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from csat_stats.results import Message, message
from csat_stats.study.problems import Problem, StudyError

MAX_BYTES = 1_000_000
Path_ = tuple[str | int, ...]


class Document:
    """``data`` as dicts, lists and text; ``line(path)`` tells where a value stands."""

    def __init__(self, file: Path, shown_as: str) -> None:
        self.file = shown_as
        self._lines: dict[Path_, int] = {}
        self.duplicates: list[Problem] = []
        content = self._read(file)
        try:
            self._refuse_indirection(content)
            root = YAML(typ="rt", pure=True).compose(content)
        except YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            text = message("This is not valid YAML: look at this line and the one above it.")
            raise self._error(text, mark.line + 1 if mark else None) from error
        if not isinstance(root, MappingNode):
            raise self._error(message("A study file is a list of `key: value` lines; this is not."))
        self.data: dict[str, Any] = self._plain(root, ())

    def line(self, path: Path_) -> int | None:
        """Line of the value at ``path``, or of its nearest ancestor that has one."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)

    def _error(self, text: Message, line: int | None = None) -> StudyError:
        return StudyError([Problem(self.file, text, line)])

    def _read(self, file: Path) -> str:
        if not file.is_file():
            raise self._error(message("The study file does not exist."))
        if file.stat().st_size > MAX_BYTES:
            raise self._error(message("The study file is larger than 1 MB; that cannot be right."))
        try:
            return file.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            line = file.read_bytes()[: error.start].count(b"\n") + 1
            raise self._error(
                message("The study file is not UTF-8 text; save it as UTF-8."), line
            ) from error

    def _refuse_indirection(self, text: str) -> None:
        for event in YAML(typ="rt", pure=True).parse(text):
            line = event.start_mark.line + 1
            if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
                raise self._error(
                    message("Anchors (&) and aliases (*) are not allowed: write the value out."),
                    line,
                )
            if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag:
                raise self._error(
                    message("Tags ({tag}) are not allowed; quote the value.", tag=event.tag), line
                )

    def _plain(self, node: Node, path: Path_) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, ScalarNode):
            empty = str(node.tag).endswith(":null") and node.value in ("", "~", "null")
            return None if empty else str(node.value)
        if isinstance(node, SequenceNode):
            return [self._plain(item, (*path, i)) for i, item in enumerate(node.value)]
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in mapping:
                self.duplicates.append(
                    Problem(self.file, message("The key {key} stands here twice.", key=key), line)
                )
            self._lines[(*path, key)] = line
            mapping[key] = self._plain(value_node, (*path, key))
        return mapping
