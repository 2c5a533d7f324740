"""The pulse of each sale: counted in memory, written every five seconds by one thread."""

import logging
import os
import secrets
import socket
import threading
import time
from datetime import UTC, datetime

from django.db import close_old_connections, connections

from kaiying.offers.actions import Seen, note_pulse
from kaiying.offers.queries import SLOT
from kaiying.wire import clock
from kaiying.wire.figures import Histogram

logger = logging.getLogger(__name__)
SECONDS = SLOT.total_seconds()
BOUNDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)
RARELY = 20
"""How many times longer than a write takes the next one is away: on a slow disk, writing is left to those who claim."""
MOST_UNWRITTEN = 12
"""Slots that are kept while they cannot be written."""


class Tally:
    """What happened to one offer in one slot."""

    __slots__ = ("asked", "failed", "held", "refused", "shed", "slow", "viewed")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.viewed = self.asked = self.held = self.refused = self.shed = self.failed = 0
        self.slow = Histogram(BOUNDS)


class Pulse:
    """Tallies of the slot that runs, and the thread that writes those that are over."""

    def __init__(self) -> None:
        """Name this process, so that several can be added up."""
        self.source = f"{socket.gethostname()[:20]}:{os.getpid()}:{secrets.token_hex(3)}"
        self._tallies: dict[int, Tally] = {}
        self._began = 0.0
        self._unwritten: list[Seen] = []
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._writing = threading.Lock()

    def of(self, offer_id: int) -> Tally:
        """Return the tally of an offer to count in; only from the loop."""
        found = self._tallies.get(offer_id)
        if found is None:
            found = self._tallies[offer_id] = Tally()
            if self._thread is None:
                self._start()
        return found

    def flush(self, *, write: bool = True) -> None:
        """Write what was counted until now; without ``write``, only end the slot, to be written with the next one."""
        with self._writing:
            self._take()
            if write:
                self._write()

    def close(self) -> None:
        """Write what was counted and end the thread; blocks."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        self._began = _slot(clock.now().timestamp())
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        rested = 0.0
        try:
            while not self._stop.wait(SECONDS - clock.now().timestamp() % SECONDS):
                begun = time.monotonic()
                self._flush_safely(write=begun >= rested)
                rested = max(rested, begun + RARELY * (time.monotonic() - begun))
            self._flush_safely()
        finally:
            connections.close_all()

    def _flush_safely(self, *, write: bool = True) -> None:
        try:
            close_old_connections()
            self.flush(write=write)
        except Exception:
            logger.exception("The pulse of the sales cannot be written; trying again.")

    def _take(self) -> None:
        """Begin a new slot. Whoever counts in the loop holds an old tally for a moment at most."""
        tallies, self._tallies = self._tallies, {}
        at = datetime.fromtimestamp(self._began, UTC)
        self._began = max(self._began + SECONDS, _slot(clock.now().timestamp()))  # a slot is told once
        self._unwritten += [_seen(offer_id, tally, at) for offer_id, tally in list(tallies.items())]
        del self._unwritten[: -MOST_UNWRITTEN * max(1, len(tallies))]

    def _write(self) -> None:
        if self._unwritten:
            note_pulse(self._unwritten, source=self.source)
            self._unwritten = []


def _slot(moment: float) -> float:
    return moment // SECONDS * SECONDS


def _seen(offer_id: int, tally: Tally, at: datetime) -> Seen:
    slow = round(tally.slow.quantile(0.95) * 1000) if tally.asked else 0
    counts = tally.viewed, tally.asked, tally.held, tally.refused, tally.shed, tally.failed
    return Seen(offer_id, at, *counts, slow)
