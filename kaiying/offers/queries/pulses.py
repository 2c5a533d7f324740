"""How a sale beats: what its processes noted in slots of five seconds, added up. Never reads the ledger."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Sum

from kaiying.offers.models import Offer, Pulse

SLOT = timedelta(seconds=5)
A_MINUTE = timedelta(minutes=1)
COUNTS = ("viewed", "asked", "held", "refused", "shed", "failed")
ENOUGH_ASKED = 50
"""Claims in a minute, below which a share says nothing."""

ALARMING, WELL = 0.9, 0.95
"""Share of answers below which something is wrong, and above which it is well again."""


@dataclass(frozen=True, slots=True)
class Beats:
    """What all processes saw between ``at`` and ``at + length``."""

    at: datetime
    length: timedelta
    viewed: int = 0
    asked: int = 0
    held: int = 0
    refused: int = 0
    shed: int = 0
    failed: int = 0
    slow_ms: int = 0

    def per_second(self, count: int) -> float:
        """Return a count of this stretch as a rate."""
        return count / self.length.total_seconds()

    @property
    def answered(self) -> int:
        """How many were told something that holds: a seat, the seat they have, or which rule says no."""
        return max(0, self.asked - self.shed - self.failed)

    @property
    def success(self) -> float | None:
        """The share of claims that were answered; ``None`` when nobody asked."""
        return self.answered / self.asked if self.asked else None

    @property
    def is_alarming(self) -> bool:
        """Whether enough people asked and too few were answered."""
        return self.asked >= ENOUGH_ASKED and self.answered < ALARMING * self.asked

    @property
    def is_well(self) -> bool:
        """Whether nearly everybody who asked was answered, or nobody asks any more."""
        return self.answered >= WELL * self.asked


def beats(offer: Offer, *, since: datetime, until: datetime, length: timedelta = SLOT) -> list[Beats]:
    """Return the stretches of ``length`` from ``since`` on that end by ``until``, quiet ones too; one statement."""
    rows: Iterable[Any] = (
        Pulse.objects.filter(offer=offer, at__gte=floor(since, length), at__lt=floor(until, length))
        .values("at")
        .annotate(**{name: Sum(name) for name in COUNTS}, slow_ms=Max("slow_ms"))
    )
    sums: dict[datetime, dict[str, int]] = {}
    for row in rows:
        here = sums.setdefault(floor(row["at"], length), dict.fromkeys([*COUNTS, "slow_ms"], 0))
        for name in COUNTS:
            here[name] += row[name]
        here["slow_ms"] = max(here["slow_ms"], row["slow_ms"])
    return [Beats(at, length, **sums.get(at, {})) for at in _marks(since, until, length)]


def last_minute(offer: Offer, *, at: datetime) -> Beats:
    """Return the last minute of full slots; one statement."""
    until = floor(at, SLOT)
    parts = beats(offer, since=until - A_MINUTE, until=until)
    sums = {name: sum(getattr(part, name) for part in parts) for name in COUNTS}
    return Beats(parts[0].at, A_MINUTE, **sums, slow_ms=max(part.slow_ms for part in parts))


def all_beats(offer: Offer) -> Beats | None:
    """Return everything since the first landing page was shown, or ``None``; one statement."""
    sums = Pulse.objects.filter(offer=offer).aggregate(
        **{name: Sum(name) for name in COUNTS}, first=Min("at"), last=Max("at")
    )
    first, last = sums.pop("first"), sums.pop("last")
    return Beats(first, last - first + SLOT, **sums) if last else None


def floor(at: datetime, length: timedelta) -> datetime:
    """Return the beginning of the stretch that ``at`` lies in."""
    seconds = int(length.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, tz=UTC)


def _marks(since: datetime, until: datetime, length: timedelta) -> Iterator[datetime]:
    at = floor(since, length)
    while at + length <= until:
        yield at
        at += length
