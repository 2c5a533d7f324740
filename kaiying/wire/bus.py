"""Rings when something was written to a table that others follow, in this process and in others.

A ring carries no news: the table stays the truth, and who follows it also looks by itself now and then. So a ring may
get lost or come twice; and many rings within a moment become one. Rings are sent by a thread, never by whoever writes:
a ``NOTIFY`` inside a transaction would make all commits of the database wait for each other.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

logger = logging.getLogger(__name__)
GAP = 0.02
"""Seconds between two rings; the first goes at once."""

PAUSE = 1.0

type Wake = Callable[[], None]


class Carrier(Protocol):
    """What brings rings to other processes. Each method is called in one thread of its own, and may raise anything."""

    def send(self) -> None:
        """Ring once."""

    def receive(self, wake: Wake, *, stop: int) -> None:
        """Call ``wake`` when connected and at every ring, until the file descriptor ``stop`` can be read."""

    def close(self) -> None:
        """Forget the connection that sends."""


class Bus:
    """The bell of this process: who rings it, who hears it, and what carries it elsewhere."""

    def __init__(self, carrier: Carrier | None = None) -> None:
        """Ring in this process only, or everywhere by way of ``carrier``."""
        self._carrier = carrier
        self._hearers: set[Wake] = set()
        self._lock = threading.Lock()
        self._rung = threading.Event()
        self._sender: threading.Thread | None = None
        self._ear: Ear | None = None

    @property
    def is_up(self) -> bool:
        """Tell whether rings of other processes are heard now."""
        return self._ear is not None and self._ear.connected

    def ring(self) -> None:
        """Tell everybody that something was written; returns at once."""
        if self._carrier is None:
            self._wake_all()
            return
        self._rung.set()
        if self._sender is None or not self._sender.is_alive():
            self._sender = threading.Thread(target=self._send, args=(self._carrier,), name="bus-ringer", daemon=True)
            self._sender.start()

    def listen(self, wake: Wake) -> Callable[[], None]:
        """Call ``wake`` at every ring, in some thread; returns what ends that."""
        with self._lock:
            self._hearers.add(wake)
            if self._carrier is not None and self._ear is None:
                self._ear = Ear(self._carrier, self._wake_all)
        return lambda: self._leave(wake)

    def _leave(self, wake: Wake) -> None:
        with self._lock:
            self._hearers.discard(wake)
            ear = self._ear if not self._hearers else None
            if ear is not None:
                self._ear = None
        if ear is not None:
            ear.close()

    def _wake_all(self) -> None:
        for wake in list(self._hearers):
            wake()

    def _send(self, carrier: Carrier) -> None:
        while True:
            self._rung.wait()
            self._rung.clear()
            try:
                carrier.send()
                time.sleep(GAP)
            except Exception:
                logger.exception("Others cannot be told that there is news; they look by themselves.")
                carrier.close()
                time.sleep(PAUSE)


class Ear:
    """The thread that listens to the carrier."""

    def __init__(self, carrier: Carrier, wake: Wake) -> None:
        """Begin to listen."""
        self._carrier, self._wake = carrier, wake
        self._stopping, self._stop = os.pipe()
        self.connected = False
        self._thread = threading.Thread(target=self._listen, name="bus-ear", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        os.close(self._stop)
        self._thread.join()

    def _listen(self) -> None:
        pause = threading.Event()
        while not _can_be_read(self._stopping):
            try:
                self._carrier.receive(self._hear, stop=self._stopping)
            except Exception:
                logger.exception("News of others is not heard; looking for it instead.")
                self.connected = False
                pause.wait(PAUSE)
        os.close(self._stopping)

    def _hear(self) -> None:
        self.connected = True
        self._wake()


def _can_be_read(handle: int) -> bool:
    os.set_blocking(handle, False)
    try:
        return os.read(handle, 1) == b""
    except BlockingIOError:
        return False


_bus = Bus()


def configure(carrier: Carrier | None) -> None:
    """Set what carries rings between processes."""
    global _bus  # noqa: PLW0603 — one process has one bell
    _bus = Bus(carrier)


def ring() -> None:
    """Tell everybody that something was written; returns at once."""
    _bus.ring()


def listen(wake: Wake) -> Callable[[], None]:
    """Call ``wake`` at every ring, in some thread; returns what ends that."""
    return _bus.listen(wake)


def is_up() -> bool:
    """Tell whether rings of other processes are heard now, so that looking often is needless."""
    return _bus.is_up
