"""Reading a growing table in order, where rows may become visible out of order.

SQLite has one writer: ids appear in order. PostgreSQL hands ids out at the insert and shows rows at the commit, so 6
may appear before 5. Everything up to ``floor`` has been told; above it we remember what was, and look again. A gap
that stays is a transaction that was rolled back, or took longer than ``patience``: then it is passed over.
"""

from collections.abc import Iterable

PATIENCE = 10.0


class Window:
    """Which ids have been told."""

    def __init__(self, floor: int, *, patience: float = PATIENCE) -> None:
        """Begin after ``floor``."""
        self.floor = floor
        self._patience = patience
        self._told: dict[int, float] = {}

    def __len__(self) -> int:
        """Count what was told above a gap."""
        return len(self._told)

    def take(self, ids: Iterable[int], *, now: float) -> set[int]:
        """Return the ids that were not told before, and move the floor; ``now`` is monotonic, in seconds."""
        fresh = {one for one in ids if one > self.floor and one not in self._told}
        self._told |= dict.fromkeys(fresh, now)
        self._close_gaps(now)
        return fresh

    def _close_gaps(self, now: float) -> None:
        for one in sorted(self._told):
            # An id was given out before any higher one was seen, so a gap is at least as old as the id above it.
            if one != self.floor + 1 and now - self._told[one] < self._patience:
                break
            self.floor = one
            del self._told[one]
