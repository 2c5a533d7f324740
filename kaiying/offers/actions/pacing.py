"""What payment providers can bear: the waiting room lets in no more people than can pay.

Each process measures its own calls; whoever moves a line writes what it knows into it, so all go by the same number.
"""

import threading
from collections import deque
from datetime import datetime, timedelta

AT_ONCE = 8
"""Calls one web process makes at the same time: the threads its pages have."""
RECENT = timedelta(minutes=3)
FEWEST_CALLS = 5
SLOWEST, FASTEST = 5, 1_000
"""People a second, whatever was measured: a provider that hangs must not close the door, nor a fast one tear it off."""

_lock = threading.Lock()
_calls: deque[tuple[datetime, float]] = deque(maxlen=1_000)


def note_payment_pace(*, seconds: float, at: datetime) -> None:
    """Note that a call to a payment provider took so long."""
    with _lock:
        _calls.append((at, seconds))


def payment_capacity(*, at: datetime) -> int | None:
    """Return how many payments a second the last minutes' calls allow; ``None`` when there were too few to tell."""
    with _lock:
        recent = [seconds for moment, seconds in _calls if at - RECENT <= moment <= at]
    if len(recent) < FEWEST_CALLS:
        return None
    mean = max(sum(recent) / len(recent), 1e-6)
    return round(min(max(AT_ONCE / mean, SLOWEST), FASTEST))


def forget_payment_pace() -> None:
    """Forget what was measured."""
    with _lock:
        _calls.clear()
