"""Days and moments in a time zone."""

from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from zoneinfo import ZoneInfo


def moment(on: date, at: time, zone: str) -> datetime:
    """Return the UTC moment at which clocks in ``zone`` show ``at`` on the day ``on``.

    A time that does not exist there (spring forward) is the first moment after the gap; one that comes twice
    (fall back) is the first of the two.
    """
    there = ZoneInfo(zone)
    wanted = datetime.combine(on, at)
    found = wanted.replace(tzinfo=there).astimezone(UTC)
    if found.astimezone(there).replace(tzinfo=None) == wanted:
        return found
    # In a gap: by the clock before it the moment lies behind the jump, by the clock after it before the jump.
    before = wanted.replace(tzinfo=there, fold=1).astimezone(UTC)
    low, high = 0, ceil((found - before).total_seconds())
    while low < high:
        middle = (low + high) // 2
        shown = (before + timedelta(seconds=middle)).astimezone(there).replace(tzinfo=None)
        low, high = (low, middle) if shown >= wanted else (middle + 1, high)
    return before.replace(microsecond=0) + timedelta(seconds=low)


def local(at: datetime, zone: str) -> datetime:
    """Return ``at`` as clocks in ``zone`` show it."""
    return at.astimezone(ZoneInfo(zone))


def day_in(at: datetime, zone: str) -> date:
    """Return the calendar day on which ``at`` falls in ``zone``."""
    return local(at, zone).date()
