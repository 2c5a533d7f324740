"""Days and moments in a time zone."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def moment(on: date, at: time, zone: str) -> datetime:
    """Return the UTC moment at which clocks in ``zone`` show ``at`` on the day ``on``.

    A time that does not exist there (spring forward) is the first moment after the gap; one that comes twice
    (fall back) is the first of the two.
    """
    there = datetime.combine(on, at, tzinfo=ZoneInfo(zone))
    back = there.astimezone(UTC)
    if back.astimezone(there.tzinfo).replace(tzinfo=None) == there.replace(tzinfo=None):
        return back
    return there.replace(fold=1).astimezone(UTC) + (there.utcoffset() or there - there) - (
        there.replace(fold=1).utcoffset() or there - there
    )


def local(at: datetime, zone: str) -> datetime:
    """Return ``at`` as clocks in ``zone`` show it."""
    return at.astimezone(ZoneInfo(zone))


def day_in(at: datetime, zone: str) -> date:
    """Return the calendar day on which ``at`` falls in ``zone``."""
    return local(at, zone).date()
