"""Text in several languages, as one value."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from django.utils.translation import get_language

MAIN_LANGUAGE = "zh-hans"
MAIN_KEY = "main"
"""Key of the stored form that names the main language: PostgreSQL does not keep the order of JSON keys."""


class Text(Mapping[str, str]):
    """Language → words; ``str()`` gives the active language, else a near one, else the main one.

    Empty words count as missing, so a half-translated camp shows its main language, never a hole.
    """

    __slots__ = ("_words", "main")

    def __init__(self, words: Mapping[str, str] | None = None, *, main: str = "") -> None:
        """Take ``words``; the main language is ``main`` if it has words, else the first that has."""
        kept = {language.lower(): text for language, text in (words or {}).items() if text}
        self._words = MappingProxyType(kept)
        self.main = main.lower() if main.lower() in kept else next(iter(kept), MAIN_LANGUAGE)

    @classmethod
    def of(cls, value: "Text | Mapping[str, str] | str | None", main: str = MAIN_LANGUAGE) -> "Text":
        """Read a string in the language ``main``, a mapping, or the form of :meth:`as_json`."""
        if isinstance(value, Text):
            return value
        if value is None:
            return cls()
        if isinstance(value, str):
            return cls({main: value}, main=main)
        words = {str(language): str(text) for language, text in value.items()}
        return cls({k: v for k, v in words.items() if k != MAIN_KEY}, main=words.get(MAIN_KEY, main))

    def in_language(self, language: str | None) -> str:
        """Return the words nearest to ``language``: the same, the same without its region or script, the main."""
        if not self._words:
            return ""
        wanted = (language or self.main).lower()
        if wanted in self._words:
            return self._words[wanted]
        base = wanted.partition("-")[0]
        for known, words in self._words.items():
            if known.partition("-")[0] == base:
                return words
        return self._words[self.main]

    def as_json(self) -> dict[str, str]:
        """Return the stored form: the words and the main language; nothing for an empty text."""
        return {MAIN_KEY: self.main, **self._words} if self._words else {}

    def __str__(self) -> str:
        """Return the words in the active language."""
        return self.in_language(get_language())

    def __format__(self, spec: str) -> str:
        """Format the words in the active language."""
        return format(str(self), spec)

    def __repr__(self) -> str:
        """Return the words of every language."""
        return f"Text({dict(self._words)!r})"

    def __getitem__(self, language: str) -> str:
        """Return the words of exactly this language."""
        return self._words[language.lower()]

    def __iter__(self) -> Iterator[str]:
        """Go through the languages."""
        return iter(self._words)

    def __len__(self) -> int:
        """Return how many languages have words; an empty text is false."""
        return len(self._words)

    def __eq__(self, other: object) -> bool:
        """Texts are equal when their words and main language are."""
        if not isinstance(other, Text):
            return NotImplemented
        return self.main == other.main and dict(self._words) == dict(other._words)

    def __hash__(self) -> int:
        """Equal texts hash alike."""
        return hash((self.main, frozenset(self._words.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by the stored form."""
        return Text.of, (self.as_json(),)
