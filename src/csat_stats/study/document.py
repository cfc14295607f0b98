"""A YAML document as plain data, with the line of every value.

Study files come from other people, so nothing in one is trusted: no tags, no anchors or aliases
(seven lines of those can grow to gigabytes), no duplicate keys, at most ``MAX_BYTES`` and
``MAX_DEPTH`` levels. Every scalar stays text: the schema, not YAML, decides that ``1`` is a
number and ``0012`` an id.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from csat_stats.results import Message, message
from csat_stats.study.problems import Problem, StudyError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
Path_ = tuple[str | int, ...]


class Document:
    """``data`` as dicts, lists and text; ``line(path)`` tells where a value stands."""

    def __init__(self, file: Path, shown_as: str) -> None:
        self.file = shown_as
        content = self._read(file)
        try:
            self._refuse_traps(content)
            root = YAML(typ="rt", pure=True).compose(content)
        except YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            line = mark.line + 1 if mark else None
            if isinstance(error, ReaderError):
                line = content.count("\n", 0, error.position) + 1
            text = message("This is not valid YAML: look at this line and the one above it.")
            raise self._error(text, line) from error
        if not isinstance(root, MappingNode):
            raise self._error(message("A study file is a list of `key: value` lines; this is not."))
        self._root = root
        self._removed: set[Node] = set()
        self._build()

    def line(self, path: Path_) -> int:
        """Line of the value at ``path``, or of its nearest ancestor that has one."""
        while path not in self._places:
            path = path[:-1]
        return self._places[path][1]

    def remove(self, paths: Iterable[Path_]) -> None:
        """Take values out as if nobody had written them."""
        self._removed |= {self._places[path][0] for path in paths}
        self._build()

    def _build(self) -> None:
        self._places: dict[Path_, tuple[Node, int]] = {}
        self.duplicates: list[Problem] = []
        self.data: dict[str, Any] = self._plain(self._root, ())

    def _error(self, text: Message, line: int | None = None) -> StudyError:
        return StudyError([Problem(self.file, text, line)])

    def _read(self, file: Path) -> str:
        if not file.is_file():
            raise self._error(message("The study file does not exist."))
        if file.stat().st_size > MAX_BYTES:
            raise self._error(message("The study file is larger than 1 MB; that cannot be right."))
        raw = file.read_bytes().removeprefix(codecs.BOM_UTF8)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._error(
                message("The study file is not UTF-8 text; save it as UTF-8."),
                raw[: error.start].count(b"\n") + 1,
            ) from error

    def _refuse_traps(self, text: str) -> None:
        depth = 0
        for event in YAML(typ="rt", pure=True).parse(text):
            line = event.start_mark.line + 1
            if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
                raise self._error(
                    message("Anchors (&) and aliases (*) are not allowed: write the value out."),
                    line,
                )
            if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag:
                tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
                raise self._error(
                    message("Tags ({tag}) are not allowed; quote the value.", tag=tag), line
                )
            depth += isinstance(event, CollectionStartEvent)
            depth -= isinstance(event, CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise self._error(message("Too many lists or blocks inside each other."), line)

    def _plain(self, node: Node, path: Path_) -> Any:
        self._places.setdefault(path, (node, node.start_mark.line + 1))
        if isinstance(node, ScalarNode):
            empty = str(node.tag).endswith(":null") and node.value in ("", "~", "null")
            return None if empty else str(node.value)
        if isinstance(node, SequenceNode):
            items = [item for item in node.value if item not in self._removed]
            return [self._plain(item, (*path, i)) for i, item in enumerate(items)]
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                raise self._error(message("A key must be plain text: quote it."), line)
            if value_node in self._removed:
                continue
            key = str(key_node.value)
            if key in mapping:
                self.duplicates.append(
                    Problem(self.file, message("The key {key} stands here twice.", key=key), line)
                )
            self._places[*path, key] = (value_node, line)
            mapping[key] = self._plain(value_node, (*path, key))
        return mapping
