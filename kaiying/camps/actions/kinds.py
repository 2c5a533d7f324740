"""What a value in a camp's files may be: each kind reads a node, notes what is wrong, and names itself for the docs."""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from kaiying.camps.actions.marks import Items, Node, Pairs, Place, Problems, Scalar
from kaiying.camps.actions.scripts import unsafe
from kaiying.web.texts import Text

ID = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
LENGTH = re.compile(r"(?:(\d+):)?(\d{1,3}):([0-5]\d)")
PRICE = re.compile(r"\d{1,9}(?:\.\d{1,4})?")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
KEPT_CONTROLS = {"\n", "\t"}
NOT_PLAIN = {Items: "a list", Pairs: "a mapping"}


@dataclass(slots=True)
class Book:
    """What reading a value needs to know, and where it notes mistakes."""

    problems: Problems
    languages: tuple[str, ...]
    main: str
    language: str = ""
    media: dict[str, Place] = field(default_factory=dict)
    """Media files that were named, with the first place that names each."""

    def error(self, node: Node, code: str, text: str, advice: str) -> None:
        """Note a mistake at a value."""
        self.problems.error(node.place, code, text, advice)

    def scan(self, text: str, place: Place, *, deep: bool = False) -> None:
        """Note script, and HTML that would not be shown; ``deep`` when ``place`` is the text's own first character."""
        for bad in unsafe(text):
            at = Place(place.path, place.line + bad.line, bad.column + 1) if deep else place
            if bad.is_harmful:
                self.problems.error(at, "script", f"{bad.what} is never shown: it could run script", "Remove it.")
            else:
                advice = "Write &lt; for a literal <, or put it in backticks."
                self.problems.warn(at, "dropped", f"{bad.what} will not be shown", advice)


MOST_LISTED = 12


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which of the known words was probably meant, or list them."""
    words = [str(each) for each in known]
    close = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.5)
    if close:
        return f"Did you mean “{close[0]}”?"
    if not words:
        return "Nothing is known here."
    more = f" and {len(words) - MOST_LISTED} more" if len(words) > MOST_LISTED else ""
    return f"Known: {', '.join(words[:MOST_LISTED])}{more}."


class Kind[T]:
    """A kind of value."""

    label: str = ""
    blank: Any = None

    def read(self, node: Node, book: Book) -> T | None:
        """Return the value, or ``None`` after noting what is wrong."""
        raise NotImplementedError

    def one(self, node: Node, book: Book) -> str | None:
        """Return the words of a single value, or note that it is something else."""
        if isinstance(node, Scalar):
            return node.text.strip()
        book.error(node, "type", f"expected {self.label}, found {NOT_PLAIN[type(node)]}", "Write one value.")
        return None


@dataclass(frozen=True)
class Words(Kind[Text]):
    """Text for people; a mapping gives it by language."""

    longest: int = 4000
    label: str = "text"
    blank: Any = field(default_factory=Text)

    def read(self, node: Node, book: Book) -> Text | None:
        """Read a string or a mapping of language to string."""
        if isinstance(node, Pairs):
            return self._by_language(node, book)
        words = self.words(node, book)
        return None if words is None else Text({book.language or book.main: words}, main=book.main)

    def words(self, node: Node, book: Book) -> str | None:
        """Read the words of one language."""
        text = self.one(node, book)
        if text is None:
            return None
        if len(text) > self.longest:
            book.error(node, "long", f"this is {len(text)} characters long", f"At most {self.longest} fit.")
        if (bad := control_in(text)) is not None:
            book.error(node, "control", f"character U+{ord(bad):04X} can’t be shown", "Remove it.")
            return None
        book.scan(text, node.place)
        return text

    def _by_language(self, node: Pairs, book: Book) -> Text | None:
        words: dict[str, str] = {}
        for language, (place, value) in node.pairs.items():
            if language.lower() not in book.languages:
                book.problems.error(
                    place, "language", f"unknown language “{language}”", nearest(language, book.languages)
                )
            elif (text := self.words(value, book)) is not None:
                words[language.lower()] = text
        if words and not words.get(book.main) and not book.language:
            book.error(node, "language", f"there are no words in {book.main}, the camp’s language", "Add them.")
        return Text(words, main=book.main)


@dataclass(frozen=True)
class Id(Kind[str]):
    """A stable id."""

    longest: int = 40
    label: str = "id"
    blank: Any = ""

    def read(self, node: Node, book: Book) -> str | None:
        """Read lower-case letters, digits and hyphens."""
        text = self.one(node, book)
        if text is None:
            return None
        if not ID.fullmatch(text) or len(text) > self.longest:
            near = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[: self.longest]
            hint = f"Write “{near}”." if near else "Write a short name such as “l1”."
            book.error(node, "id", f"“{text[:60]}” is not an id: a–z, 0–9 and hyphens, at most {self.longest}", hint)
            return None
        return text


@dataclass(frozen=True)
class Choice(Kind[str]):
    """One of a few words."""

    words: tuple[str, ...]
    blank: Any = ""

    @property
    def label(self) -> str:  # type: ignore[override]
        """List the words."""
        return " | ".join(f"`{word}`" for word in self.words)

    def read(self, node: Node, book: Book) -> str | None:
        """Read one of the words."""
        text = self.one(node, book)
        if text is None or text in self.words:
            return text
        book.error(node, "choice", f"“{text[:40]}” is not known here", nearest(text, self.words))
        return None


@dataclass(frozen=True)
class Whole(Kind[int]):
    """A whole number."""

    least: int = 0
    most: int = 1_000_000
    label: str = "whole number"
    blank: Any = 0

    def read(self, node: Node, book: Book) -> int | None:
        """Read digits within the bounds."""
        text = self.one(node, book)
        if text is None:
            return None
        if not re.fullmatch(r"-?\d{1,12}", text, re.ASCII):
            book.error(node, "number", f"“{text[:40]}” is not a whole number", "Write digits only.")
            return None
        if not self.least <= int(text) <= self.most:
            book.error(node, "range", f"{text} is out of range", f"Between {self.least} and {self.most}.")
            return None
        return int(text)


@dataclass(frozen=True)
class YesNo(Kind[bool]):
    """True or false."""

    label: str = "true | false"
    blank: Any = False

    def read(self, node: Node, book: Book) -> bool | None:
        """Read ``true`` or ``false``."""
        text = self.one(node, book)
        if text is None or text in {"true", "false"}:
            return None if text is None else text == "true"
        book.error(node, "choice", f"“{text[:40]}” is neither true nor false", "Write true or false.")
        return None


@dataclass(frozen=True)
class Clock(Kind[time]):
    """A time of day."""

    label: str = "time"
    blank: Any = None

    def read(self, node: Node, book: Book) -> time | None:
        """Read ``08:00``."""
        text = self.one(node, book)
        found = CLOCK.fullmatch(text) if text is not None else None
        if found:
            return time(int(found[1]), int(found[2]))
        if text is not None:
            book.error(node, "time", f"“{text[:40]}” is not a time of day", "Write hours and minutes, such as “08:00”.")
        return None


@dataclass(frozen=True)
class Length(Kind[int]):
    """A point in a video."""

    label: str = "mm:ss or seconds"
    blank: Any = 0

    def read(self, node: Node, book: Book) -> int | None:
        """Read ``02:40``, ``1:02:40`` or a number of seconds."""
        text = self.one(node, book)
        if text is None:
            return None
        if re.fullmatch(r"\d{1,6}", text, re.ASCII):
            return int(text)
        if found := LENGTH.fullmatch(text):
            return int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3])
        book.error(node, "time", f"“{text[:40]}” is not a point in a video", "Write “02:40”, or seconds.")
        return None


@dataclass(frozen=True)
class Price(Kind[str]):
    """An amount of money, in quotes: YAML would read 2.80 as a binary fraction."""

    label: str = "price in quotes"
    blank: Any = "0"

    def read(self, node: Node, book: Book) -> str | None:
        """Read ``"2.80"``."""
        text = self.one(node, book)
        if text is None:
            return None
        if not PRICE.fullmatch(text):
            book.error(node, "price", f"“{text[:40]}” is not a price", 'Write digits and a point, such as "2.80".')
            return None
        if isinstance(node, Scalar) and node.is_plain:
            book.error(node, "price", f"the price {text} stands without quotes", f'Quote it: "{text}".')
            return None
        return text


@dataclass(frozen=True)
class Moment(Kind[datetime]):
    """A moment; without an offset it is in the camp's zone."""

    label: str = "moment"
    blank: Any = None

    def read(self, node: Node, book: Book) -> datetime | None:
        """Read ``2026-07-15 20:00`` or with an offset."""
        text = self.one(node, book)
        if text is None:
            return None
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            book.error(node, "time", f"“{text[:40]}” is not a moment", "Write “2026-07-15 20:00”.")
            return None


@dataclass(frozen=True)
class Line(Kind[str]):
    """One line of any words: a zone, an address."""

    label: str = "text"
    pattern: re.Pattern[str] | None = None
    blank: Any = ""

    def read(self, node: Node, book: Book) -> str | None:
        """Read one line."""
        text = self.one(node, book)
        if text is None:
            return None
        if "\n" in text or control_in(text) or (self.pattern and text and not self.pattern.fullmatch(text)):
            book.error(node, "type", f"“{text[:40]}” is not {self.label}", "Correct it.")
            return None
        return text


def control_in(text: str) -> str | None:
    """Return the first character that no database or screen takes, or ``None``."""
    for char in text:
        if char not in KEPT_CONTROLS and (unicodedata.category(char) in {"Cc", "Cs"}):
            return char
    return None
