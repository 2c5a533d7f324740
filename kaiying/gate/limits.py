"""How often one person may ask: a bucket each that refills steadily."""

import time
from collections import OrderedDict

MOST_BUCKETS = 50_000


class Limits:
    """Buckets by person, in this process; the least recent are forgotten, and so are full again."""

    def __init__(self, *, burst: int, per_second: float) -> None:
        """Let through ``burst`` at once and ``per_second`` in the long run."""
        self._burst, self._per_second = float(burst), per_second
        self._buckets: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def wait(self, who: int) -> float:
        """Take one from the person's bucket and return 0, or the seconds until there is one."""
        now = time.monotonic()
        left, since = self._buckets.pop(who, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        allowed = left >= 1
        self._buckets[who] = (left - 1 if allowed else left, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second
