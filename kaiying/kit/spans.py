"""A set of watched seconds as a bitset: one bit a second, second 0 is the lowest bit of the first byte.

Union is bitwise or, so merging is commutative, associative and idempotent by construction: beats may come from any
device, in any order, any number of times.
"""

from collections.abc import Iterable
from typing import Self

HALF, ROUNDING = 0.5, 1e-9
"""How much of a second must have been played, and what floating point may take from it."""


class Seconds:
    """An immutable set of whole seconds of a video."""

    __slots__ = ("_bits",)

    def __init__(self, bits: int = 0) -> None:
        """Wrap an integer whose bit ``n`` says that second ``n`` was watched."""
        self._bits = bits

    @classmethod
    def of(cls, spans: Iterable[tuple[float, float]], *, length: int) -> Self:
        """Return the seconds that ``[start, end)`` spans cover whole, trimmed to ``length`` seconds.

        A second counts when at least half of it was played, so that rounding neither loses nor invents time.
        """
        bits = 0
        for start, end in spans:
            first = max(0, int(start + 0.5))
            last = min(length, int(end + 0.5))
            # Between two moments of one second, rounding would make a whole one of a quarter.
            if last > first and end - start >= HALF - ROUNDING:
                bits |= ((1 << (last - first)) - 1) << first
        return cls(bits)

    @classmethod
    def unpack(cls, stored: bytes) -> Self:
        """Read what ``pack`` wrote."""
        return cls(int.from_bytes(stored, "little"))

    def pack(self) -> bytes:
        """Return as few bytes as hold it."""
        return self._bits.to_bytes((self._bits.bit_length() + 7) // 8, "little")

    def trimmed(self, length: int) -> Self:
        """Drop every second from ``length`` on."""
        return type(self)(self._bits & ((1 << length) - 1))

    def runs(self) -> list[tuple[int, int]]:
        """Return the ``[start, end)`` stretches without a gap, in order."""
        found, at, rest = [], 0, self._bits
        while rest:
            gap = (rest & -rest).bit_length() - 1
            rest >>= gap
            run = (~rest & (rest + 1)).bit_length() - 1
            found.append((at + gap, at + gap + run))
            rest >>= run
            at += gap + run
        return found

    def first(self, count: int) -> Self:
        """Return the earliest ``count`` seconds of the set."""
        kept, left = 0, count
        for start, end in self.runs():
            take = min(left, end - start)
            kept |= ((1 << take) - 1) << start
            left -= take
            if not left:
                break
        return type(self)(kept)

    def __or__(self, other: Self) -> Self:
        """Merge: every second that is in either."""
        return type(self)(self._bits | other._bits)

    def __sub__(self, other: Self) -> Self:
        """Return what is in this set and not in the other."""
        return type(self)(self._bits & ~other._bits)

    def __len__(self) -> int:
        """Count the distinct seconds."""
        return self._bits.bit_count()

    def __eq__(self, other: object) -> bool:
        """Compare by content."""
        return isinstance(other, Seconds) and self._bits == other._bits

    def __hash__(self) -> int:
        """Hash by content."""
        return hash(self._bits)

    def __repr__(self) -> str:
        """Show the runs."""
        return f"Seconds({self.runs()})"
