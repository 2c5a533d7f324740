"""Kinds of values that name files, or hold several of another kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kaiying.camps.actions.kinds import Book, Choice, Id, Kind, nearest
from kaiying.camps.actions.marks import Items, Node, Pairs, Scalar


@dataclass(frozen=True)
class Media(Kind[str]):
    """A file below ``media/``."""

    suffixes: tuple[str, ...]
    also: tuple[str, ...] = ()
    blank: Any = ""

    @property
    def label(self) -> str:  # type: ignore[override]
        """Say what sort of file, and which words stand for something else."""
        return " | ".join([*(f"`{word}`" for word in self.also), f"media file ({' '.join(self.suffixes)})"])

    def read(self, node: Node, book: Book) -> str | None:
        """Read a path; whether the file is there is checked with all others."""
        text = self.one(node, book)
        if text is None or not text or text in self.also:
            return text
        parts = text.split("/")
        if "\\" in text or parts[0] != "media" or not parts[1:] or any(part in {"", ".", ".."} for part in parts):
            book.error(
                node, "media", f"“{text[:60]}” is not below media/", "Put the file there and write “media/NAME”."
            )
            return None
        if not text.lower().endswith(self.suffixes):
            book.error(node, "media", f"“{text[:60]}” is not {' or '.join(self.suffixes)}", "Convert the file.")
            return None
        book.media.setdefault(text, node.place)
        return text


@dataclass(frozen=True)
class Many[T](Kind[tuple[T, ...]]):
    """A list of one kind."""

    of: Kind[T]
    blank: Any = ()

    @property
    def label(self) -> str:  # type: ignore[override]
        """Say of what."""
        return f"list of {self.of.label}"

    def read(self, node: Node, book: Book) -> tuple[T, ...] | None:
        """Read each item; a bad one leaves its blank, so that counts still fit."""
        if not isinstance(node, Items):
            book.error(node, "type", f"expected a {self.label}", "Begin each item with “- ”.")
            return None
        read = [self.of.read(item, book) for item in node.items]
        return tuple(self.of.blank if value is None else value for value in read)


@dataclass(frozen=True)
class ByLanguage[T](Kind[Mapping[str, T]]):
    """One value for each language."""

    of: Kind[T]
    blank: Any = field(default_factory=dict)

    @property
    def label(self) -> str:  # type: ignore[override]
        """Say of what."""
        return f"mapping of language to {self.of.label}"

    def read(self, node: Node, book: Book) -> Mapping[str, T] | None:
        """Read the value of each known language."""
        if not isinstance(node, Pairs):
            book.error(node, "type", f"expected a {self.label}", "Write “zh-hans: …” on a line of its own.")
            return None
        values: dict[str, T] = {}
        for language, (place, value) in node.pairs.items():
            if language.lower() not in book.languages:
                book.problems.error(
                    place, "language", f"unknown language “{language}”", nearest(language, book.languages)
                )
            elif (read := self.of.read(value, book)) is not None:
                values[language.lower()] = read
        return values


@dataclass(frozen=True)
class AllOr(Kind[tuple[str, ...]]):
    """All of something, or a list of ids; all is the empty list."""

    word: str
    blank: Any = ()

    @property
    def label(self) -> str:  # type: ignore[override]
        """Say both."""
        return f"`{self.word}` | list of id"

    def read(self, node: Node, book: Book) -> tuple[str, ...] | None:
        """Read the word or the list."""
        if isinstance(node, Scalar):
            text = Choice((self.word,)).read(node, book)
            return None if text is None else ()
        return Many(Id()).read(node, book)
