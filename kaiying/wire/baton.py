"""A loop and the thread that writes for it, working in turns while a crowd comes.

Both need the one interpreter, and the server's own threads need it too. When a loop answers people while its writer
decides, each keeps waiting for the other, a few tens of microseconds at a time, and a batch takes three times as long.
So the loop gathers what comes, passes the batch on, and stands still until it has the answers. It never stands still
for long: a disk or a database that is slow is waited for by the thread alone, as without a crowd.
"""

import threading
import time
from queue import Empty, SimpleQueue

GATHER, NAP = 0.012, 0.0003
"""Seconds for which a batch is gathered at most, and naps between two looks, in which servers bring what came."""
QUIET, PATIENT = 2, 8
"""Looks that found nobody new, after which the crowd is taken to have come."""
LONGEST, ALONE = 0.03, 1.0
"""Seconds for which a loop stands still at most, and for which it then leaves the writer alone."""


class Gathering:
    """When a batch is large enough: as large as the last one, or nobody new comes, or it has taken too long."""

    def __init__(self, expected: int, *, patient: bool) -> None:
        """Wait for so many; ``patient``: also for those who were just answered and may ask again."""
        self._expected, self._until = expected, time.monotonic() + GATHER
        self._seen, self._quiet, self._longest = 0, 0, PATIENT if patient else QUIET

    def is_done(self, waiting: int) -> bool:
        """Tell whether to write now; naps if not."""
        self._quiet = self._quiet + 1 if waiting <= self._seen else 0
        self._seen = waiting
        if waiting >= self._expected or self._quiet >= self._longest or time.monotonic() > self._until:
            return True
        time.sleep(NAP)
        return False


class Baton[T]:
    """Takes what the writer's thread has to say to the loop that stands still for it."""

    def __init__(self) -> None:
        """Nobody stands still."""
        self._lock = threading.Lock()
        self._stands = False
        self._passed: SimpleQueue[T] = SimpleQueue()
        self._alone_until = float("-inf")

    @property
    def is_welcome(self) -> bool:
        """Whether a loop may stand still: the last time, it did not take too long."""
        return time.monotonic() >= self._alone_until

    def offer(self) -> None:
        """Promise to take the next thing that is passed; called in the loop, before the writer is woken."""
        with self._lock:
            self._stands = True

    def take(self) -> T | None:
        """Stand still until it is passed; ``None``: it takes too long, and will be told to the loop some other way."""
        try:
            return self._passed.get(timeout=LONGEST)
        except Empty:
            self._alone_until = time.monotonic() + ALONE
        with self._lock:
            self._stands = False
        return None if self._passed.empty() else self._passed.get()

    def passes(self, something: T) -> bool:
        """Pass this on if somebody stands still for it; called in the writer's thread."""
        with self._lock:
            stood, self._stands = self._stands, False
            if stood:
                self._passed.put(something)
        return stood
