"""More requests than the loop keeps up with: those above what it can carry are refused before anything is read.

A loop works through everything that is ready before it looks again, and a claim needs several looks. When requests
come faster than they are answered every look takes longer, and soon nobody's patience lasts for five of them: all are
served, and nobody is there any more. How late the loop is says so first. Then the number of requests that may be on
their way is cut, and it grows by and by when the loop is in time again (additive increase, multiplicative decrease:
Chiu and Jain 1989). Whoever is refused has cost one look.

A slow disk does not make the loop late: that queue is the batcher's, and bounded there.
"""

import asyncio
import math
import random
from functools import lru_cache

from django.utils.translation import gettext_noop as _

from kaiying.gate.refusals import Reply, denied
from kaiying.gate.request import Denied

TOO_MANY_CLAIMS = _("A great many people are claiming right now. Nothing was taken; we will try again shortly.")
TOO_MANY_RESERVATIONS = _("There is a lot going on. Nothing is lost; we will try again shortly.")

LOOK = 0.05
"""Seconds between two looks at how late the loop is."""

LATE = 0.4
"""Seconds from which on it is too late."""

FEWEST, MOST, MORE = 1_024, 20_000, 64
"""Requests on their way: how many there may always be, at most, and how many more after each look in time."""

SOONEST, LATEST, FARTHEST = 150, 400, 6000
"""Hundredths of a second after which whoever is refused may come again: spread, so that they do not come together."""


class Pressure:
    """How many requests of a loop are on their way, and how many may be.

    Whoever is slow to send their body (``dawdling``) keeps nobody out.
    """

    def __init__(self) -> None:
        """Begin without a crowd."""
        self.inside, self.refused = 0, 0
        self.dawdling = 0
        self.limit = MOST
        self._looking: asyncio.AbstractEventLoop | None = None
        self._seen = 0
        self._was_late = False

    def enter(self) -> bool:
        """Let one more in, who must ``leave``, or refuse them."""
        self._seen += 1
        if self._looking is None or self._looking.is_closed():
            self._look_later(asyncio.get_running_loop())
        if self.inside - self.dawdling >= self.limit:
            self.refused += 1
            return False
        self.inside += 1
        return True

    def leave(self) -> None:
        """Say that one who was let in is answered."""
        self.inside -= 1

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looking = loop
        due = loop.time() + LOOK
        loop.call_at(due, self._look, loop, due)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        late, self._was_late = self._was_late, loop.time() - due > LATE
        if late and self._was_late:  # once is an accident
            self.limit = max(FEWEST, min(self.limit, self.inside) // 2)
        elif not self._was_late:
            self.limit = min(MOST, self.limit + MORE)
        if self._seen or self.limit < MOST:
            self._seen = 0
            self._look_later(loop)
        else:  # nobody asks: nothing to look after
            self._looking = None


def busy(text: str, language: str, retry_after: float | None = None) -> Reply:
    """Return what somebody who is refused is told; written once for each moment to come again."""
    hundredths = random.randint(SOONEST, LATEST) if retry_after is None else math.ceil(retry_after * 100)  # noqa: S311 — spread, not secrecy
    return _busy(text, language, min(hundredths, FARTHEST))


@lru_cache(maxsize=2_000)
def _busy(text: str, language: str, hundredths: int) -> Reply:
    return denied(Denied(503, "overloaded", text, retry_after=hundredths / 100), language)
