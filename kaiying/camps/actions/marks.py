"""YAML with the place of every value, so that each mistake can be shown where it is.

The tree is built from parser events: aliases (which can blow a few lines up to gigabytes), tags and deep nesting are
refused before anything grows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

DEEPEST = 12
NULLS = {"", "~", "null", "Null", "NULL"}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A point in a file of the camp's folder; line and column count from 1, 0 means the file as a whole."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Write it as editors understand it."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A mistake in a camp's folder: where, what, and what to do; a warning does not stop a load."""

    place: Place
    code: str
    text: str
    advice: str
    is_error: bool = True

    def __str__(self) -> str:
        """Write it in one line."""
        return f"{self.place}: {self.text}. {self.advice}"


@dataclass(slots=True)
class Problems:
    """What was found so far."""

    found: list[Problem] = field(default_factory=list)

    def error(self, place: Place, code: str, text: str, advice: str) -> None:
        """Note a mistake that stops a load."""
        self.found.append(Problem(place, code, text, advice))

    def warn(self, place: Place, code: str, text: str, advice: str) -> None:
        """Note something that is probably not meant."""
        self.found.append(Problem(place, code, text, advice, is_error=False))


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as written; ``is_plain`` when it stands without quotes."""

    place: Place
    text: str
    is_plain: bool

    @property
    def is_null(self) -> bool:
        """Whether nothing was written."""
        return self.is_plain and self.text in NULLS


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping, with the place of each key."""

    place: Place
    pairs: "dict[str, tuple[Place, Node]]"


type Node = Scalar | Items | Pairs


class _Unreadable(Exception):
    """Stop reading this file; the problem is noted."""


@dataclass(slots=True)
class _Builder:
    path: str
    lines_before: int
    problems: Problems

    def place(self, mark: Any) -> Place:
        return Place(self.path, mark.line + 1 + self.lines_before, mark.column + 1)

    def refuse(self, mark: Any, code: str, text: str, advice: str) -> _Unreadable:
        self.problems.error(self.place(mark), code, text, advice)
        return _Unreadable()

    def node(self, event: Any, events: Iterator[Any], depth: int = 0) -> Node:
        if isinstance(event, yaml.AliasEvent):
            raise self.refuse(
                event.start_mark, "alias", f"the alias *{event.anchor} is not read here", "Write the value out."
            )
        if event.tag not in {None, "!"}:
            raise self.refuse(event.start_mark, "tag", f"the tag {event.tag} is not read here", "Leave it out.")
        if depth > DEEPEST:
            raise self.refuse(event.start_mark, "depth", "this is nested too deeply", "Nothing in a camp is this deep.")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(self.place(event.start_mark), event.value, is_plain=not event.style)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(self.place(event.start_mark), tuple(self._items(events, depth)))
        return self._pairs(event, events, depth)

    def _items(self, events: Iterator[Any], depth: int) -> Iterator[Node]:
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            yield self.node(event, events, depth + 1)

    def _pairs(self, start: Any, events: Iterator[Any], depth: int) -> Pairs:
        pairs: dict[str, tuple[Place, Node]] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self.node(event, events, depth + 1)
            if not isinstance(key, Scalar):
                raise self.refuse(event.start_mark, "key", "a key must be one word", "Quote it if it holds braces.")
            value = self.node(next(events), events, depth + 1)
            if key.text in pairs:
                first = pairs[key.text][0].line
                self.problems.error(
                    key.place,
                    "twice",
                    f"“{key.text}” stands here a second time",
                    f"Keep one; the first is on line {first}.",
                )
                continue
            pairs[key.text] = (key.place, value)
        return Pairs(self.place(start.start_mark), pairs)


def compose(text: str, *, path: str, lines_before: int, problems: Problems) -> Node | None:
    """Read YAML into nodes; ``None`` if it can't be read (noted) or is empty (not noted)."""
    builder = _Builder(path, lines_before, problems)
    try:
        events = (
            event
            for event in yaml.parse(text, Loader=_LOADER)
            if not isinstance(event, (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentEndEvent))
        )
        if next(events, None) is None:
            return None
        root = builder.node(next(events), events)
        if (more := next(events, None)) is not None:
            raise builder.refuse(more.start_mark, "document", "a second document begins here", "Keep one per file.")
    except _Unreadable:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = builder.place(mark) if mark else Place(path)
        problems.error(place, "yaml", f"this is not YAML: {error.problem or error.context}", _yaml_advice(error))
        return None
    except yaml.YAMLError as error:
        problems.error(
            Place(path), "yaml", f"this is not YAML: {_first_line(error)}", "Remove the character named here."
        )
        return None
    return root


def _yaml_advice(error: yaml.MarkedYAMLError) -> str:
    said = f"{error.problem} {error.context}"
    if "tab" in said or "\\t" in said:
        return "Indent with spaces."
    if "mapping values" in said:
        return "Put quotes around text that holds a colon followed by a space."
    return "Check quotes, colons and indentation here and on the line above."


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
