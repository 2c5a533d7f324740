"""Running figures of a hot path: counts by fixed bounds, cheap to add to, and readable by Prometheus."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)


class Histogram:
    """How many values lay at or below each bound; written by one thread, read by any."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Count by these bounds, lowest first; what is above the last is counted too."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def note(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def quantile(self, share: float) -> float:
        """Return the bound under which this share of the values lies; the last bound for what is above it."""
        wanted, seen = share * self.count, 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            seen += count
            if seen >= wanted:
                return bound
        return self.bounds[-1]

    def lines(self, name: str, labels: str = "") -> Iterator[str]:
        """Write it as Prometheus reads it; ``labels`` such as ``writer="claims"``."""
        seen, and_more = 0, f"{labels}," if labels else ""
        for bound, count in zip((*self.bounds, "+Inf"), list(self.counts), strict=True):
            seen += count
            yield f'{name}_bucket{{{and_more}le="{bound}"}} {seen}'
        yield f"{name}_sum{{{labels}}} {self.total:.6f}"
        yield f"{name}_count{{{labels}}} {seen}"
