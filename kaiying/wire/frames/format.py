"""What stands in a frame: four bytes of length, then a JSON array.

A question is ``[kind, number, [milliseconds of patience, …], [item, …]]``, its answer ``[number, [answer, …]]`` in the
same order, each answer a pair: ``[0, result]``, ``[1, [code, facts]]`` for a refusal, ``[2, seconds]`` for too much to
do, ``[3, text]`` for a fault. JSON costs about half a microsecond an item, and unlike Python's own formats it can do
no harm to its reader.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any

from kaiying.kit.errors import Refused
from kaiying.wire.batcher import NoAnswer, Overloaded

VERSION = 1
LARGEST = 1 << 20
MOST_ITEMS = 256
WELL, REFUSED, BUSY, FAULT = 0, 1, 2, 3

_length = Struct("!I")
_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False, default=str
).encode

type Packed = list[Any]


class BadFrame(Exception):
    """What arrived is no frame; the connection cannot be trusted any more."""


class Unknown(Overloaded):
    """The connection was lost under way: it may have been written or not. The same request may safely come again."""


class Failed(RuntimeError):
    """The writer failed at this item; why stands in its log."""


@dataclass(frozen=True, slots=True)
class Kind[T, R]:
    """One kind of question: its name, and how its items and results become arrays and are made again from them."""

    name: str
    pack: Callable[[T], Packed]
    unpack: Callable[[Packed], T]
    pack_result: Callable[[R], Packed]
    unpack_result: Callable[[Packed], R]

    def pack_answer(self, answer: R | BaseException) -> Packed:
        """Return an answer as it travels; a refusal travels as code and facts, so that its reader words it."""
        if not isinstance(answer, BaseException):
            return [WELL, self.pack_result(answer)]
        if isinstance(answer, Refused):
            return [REFUSED, [answer.code, answer.facts]]
        if isinstance(answer, Overloaded):
            return [BUSY, answer.retry_after]
        return [FAULT, f"{type(answer).__name__}: {answer}"[:500]]

    def unpack_answer(self, packed: Packed) -> R | Exception:
        """Return what ``pack_answer`` was given."""
        how, what = packed
        if how == WELL:
            return self.unpack_result(what)
        if how == REFUSED:
            return refusal(*what)
        return Overloaded(float(what)) if how == BUSY else Failed(str(what))


def frame(said: Packed) -> bytes:
    """Return one frame."""
    body = _encode(said).encode()
    if len(body) > LARGEST:
        raise BadFrame(f"{len(body)} bytes")
    return _length.pack(len(body)) + body


class Frames:
    """Takes bytes as they arrive and gives the frames that are whole."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rest = b""

    def take(self, data: bytes, *, largest: int = LARGEST) -> Iterator[Packed]:
        """Yield what every whole frame says; raises ``BadFrame``."""
        held = self._rest + data if self._rest else data
        start, end = 0, len(held)
        try:
            while end - start >= _length.size:
                (size,) = _length.unpack_from(held, start)
                if size > largest:
                    raise BadFrame(f"{size} bytes")
                if end - start - _length.size < size:
                    break
                start += _length.size + size
                yield _read(held[start - size : start])
        finally:
            self._rest = held[start:]


def _read(body: bytes) -> Packed:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise BadFrame("not JSON") from None
    if not isinstance(said, list):
        raise BadFrame("not an array")
    return said


_refusals: dict[str, type[Refused]] = {}


def refusal(code: str, facts: dict[str, Any]) -> Exception:
    """Make a refusal again from its code and facts."""
    found = _refusals.get(code)
    if found is None:
        _learn(Refused)
        found = _refusals.get(code)
    if found is None:
        return NoAnswer(f"nobody here knows the refusal {code}")
    # Not by its own constructor, which may ask for facts by other names than it keeps them by.
    made = found.__new__(found)
    Refused.__init__(made, **facts)
    return made


def _learn(above: type[Refused]) -> None:
    _refusals.setdefault(above.code, above)
    for below in above.__subclasses__():
        _learn(below)


def as_items[T](said: Packed, unpack: Callable[[Packed], T]) -> tuple[int, list[int], list[T]]:
    """Return number, patience in milliseconds, and items of a question; raises ``BadFrame``."""
    try:
        _kind, number, patience, items = said
        if not 0 < len(items) == len(patience) <= MOST_ITEMS:
            raise BadFrame(f"{len(items)} items")
        return int(number), list(map(int, patience)), list(map(unpack, items))
    except (TypeError, ValueError, LookupError) as error:
        raise BadFrame(str(error)) from None


def as_answers[R](kind: Kind[Any, R], number: int, answers: list[R | BaseException]) -> bytes:
    """Return the frame that answers question ``number``."""
    return frame([number, list(map(kind.pack_answer, answers))])
