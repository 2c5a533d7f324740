"""SQLite's log is folded into its database beside those who write batches, not by them.

Whoever commits when the log has grown long folds it, and all who are in that batch wait for two more flushes of the
disk. So the threads that write batches leave that to a thread that does nothing else. While it folds they go on; it
then folds what they added, until for a moment nothing is left and the log begins anew. Only if it does not keep up do
they fold by themselves, as everybody else does.
"""

import logging
import threading
import time
from typing import Any

from django.db import Error, connection, connections

logger = logging.getLogger(__name__)
LONG, TOO_LONG = 8_000, 64_000
"""Pages in the log from which on the thread folds it, and from which on those who write batches do."""
LOOK = 0.25
ROUNDS = 8
QUIET = 10.0
"""Seconds between two times of saying that it cannot be folded."""


class Checkpoints:
    """The thread of a process that writes batches; nothing where the database keeps its own log."""

    def __init__(self) -> None:
        """Begin with ``start``."""
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start to look after the log."""
        if connection.vendor == "sqlite":
            self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Have the thread end by itself."""
        self._over.set()

    def close(self) -> None:
        """End the thread; blocks."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        quiet_until = 0.0
        try:
            while not self._over.wait(LOOK):
                try:
                    with connection.cursor() as cursor:
                        fold(cursor)
                except Error as error:  # a full disk is told by those who write; the log is kept meanwhile
                    if time.monotonic() >= quiet_until:
                        quiet_until = time.monotonic() + QUIET
                        logger.warning("The log of the database cannot be folded; trying again: %s", error)
        finally:
            connections.close_all()


def fold(cursor: Any) -> int:
    """Fold a long log into the database as far as it goes; returns how many pages are left."""
    left = 0
    for _round in range(ROUNDS):
        cursor.execute("PRAGMA wal_checkpoint(NOOP)")  # which only looks
        _busy, pages, folded = cursor.fetchone()
        left = pages - folded
        if pages < LONG or not left:
            break
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
        cursor.fetchone()
    return left
