"""How often somebody may ask: a bucket each that refills steadily."""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

MOST_BUCKETS = 50_000


class Rate(NamedTuple):
    """So many at once, and so many a second in the long run."""

    burst: float
    per_second: float

    @classmethod
    def read(cls, text: str) -> "Rate | None":
        """Read ``300+20/s``; ``off`` is no limit. Raises ``ValueError``."""
        if text.strip() == "off":
            return None
        burst, plus, rest = text.partition("+")
        per_second, slash, unit = rest.partition("/")
        rate = cls(float(burst), float(per_second)) if plus and (slash, unit.strip()) == ("/", "s") else None
        if rate is None or not (1 <= rate.burst < float("inf") and 0 < rate.per_second < float("inf")):
            message = f"{text!r} is not a rate such as 300+20/s"
            raise ValueError(message)
        return rate


class Buckets[K: Hashable]:
    """A bucket for each one who asks, in this process; the least recent are forgotten, and so are full again."""

    def __init__(self, *, burst: float, per_second: float, most: int = MOST_BUCKETS) -> None:
        """Let through ``burst`` at once and ``per_second`` in the long run."""
        self._burst, self._per_second, self._most = float(burst), per_second, most
        self._buckets: OrderedDict[K, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()  # the gate asks from its loop, pages from their threads

    def __len__(self) -> int:
        """Count the buckets that are kept."""
        return len(self._buckets)

    def wait(self, who: K) -> float:
        """Take one from this bucket and return 0, or the seconds until there is one."""
        now = time.monotonic()
        with self._lock:
            left, since = self._buckets.pop(who, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._per_second)
            self._buckets[who] = (left - 1 if left >= 1 else left, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) / self._per_second

    def give_back(self, who: K) -> None:
        """Put back the one that was just taken."""
        with self._lock:
            found = self._buckets.get(who)
            if found is not None:
                self._buckets[who] = (min(self._burst, found[0] + 1), found[1])
