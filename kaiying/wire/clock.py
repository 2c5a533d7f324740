"""The product's clock, and the one place where it can be shifted.

``KAIYING_CLOCK`` is empty (real time), an offset such as ``+2d3h`` or ``-15m``, or a moment such as
``2026-12-01T08:00:00+08:00`` at which time starts and from which it runs on. A moment counts from the start of each
process; a tree of processes that must agree hands its children ``as_offset()`` instead.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

OFFSET = re.compile(
    r"(?P<sign>[+-])(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s)?"
)
FARTHEST = timedelta(days=36_500)
NONE = timedelta(0)

_shift = NONE
_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


class BadClock(ValueError):
    """``KAIYING_CLOCK`` is neither a moment nor an offset."""

    def __init__(self, setting: str, why: str) -> None:
        """Say what was set and what would be understood."""
        super().__init__(
            f"KAIYING_CLOCK={setting!r} {why}. Give an offset such as +2d3h or -15m, "
            "or a moment with its zone such as 2026-12-01T08:00:00+08:00; leave it empty for real time."
        )


def configure(setting: str | None) -> None:
    """Shift the clock as ``KAIYING_CLOCK`` says; raises ``BadClock`` if that makes no sense."""
    global _shift  # noqa: PLW0603 — one process has one clock
    _shift = _read(setting.strip()) if setting else NONE


def now(request: object | None = None) -> datetime:
    """Return this moment in UTC; a request that travels in time (``request.at``) brings its own."""
    if request is not None:
        at = getattr(request, "at", None)
        if isinstance(at, datetime):
            return at
    return _frozen.get() or datetime.now(UTC) + _shift


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Let the clock of this thread show ``at``: for work that is done on the spot for a given moment."""
    token = _frozen.set(at)
    try:
        yield
    finally:
        _frozen.reset(token)


def real() -> float:
    """Return the seconds since 1970, to the millisecond, by the machine's own clock, which no setting shifts.

    For passes and what takes them back: those are compared with the database's clock, which is not shifted either.
    """
    return time.time_ns() // 1_000_000 / 1000


def as_offset() -> str:
    """Return the shift in the form ``configure`` reads, for child processes; empty when there is none."""
    if not _shift:
        return ""
    seconds = abs(_shift.total_seconds())
    return f"{'-' if _shift < NONE else '+'}{seconds:.6f}s"


def _read(setting: str) -> timedelta:
    if not setting:
        return NONE
    if setting[0] in "+-":
        return _read_offset(setting)
    try:
        moment = datetime.fromisoformat(setting)
    except ValueError:
        raise BadClock(setting, "is not a moment") from None
    if moment.tzinfo is None:
        raise BadClock(setting, "has no zone")
    return _within(moment - datetime.now(UTC), setting)


def _read_offset(setting: str) -> timedelta:
    found = OFFSET.fullmatch(setting)
    parts = {unit: float(size) for unit, size in found.groupdict().items() if size and unit != "sign"} if found else {}
    if not parts:
        raise BadClock(setting, "is not an offset")
    try:
        size = timedelta(**parts)
    except OverflowError:
        size = timedelta.max
    return _within(-size if setting[0] == "-" else size, setting)


def _within(shift: timedelta, setting: str) -> timedelta:
    if abs(shift) > FARTHEST:
        raise BadClock(setting, "is more than a hundred years away")
    return shift
