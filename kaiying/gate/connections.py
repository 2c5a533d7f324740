"""The database connection of a thread that writes one batch after another."""

import threading
import time

from django.db import close_old_connections, connection

from kaiying.gate.checkpoints import TOO_LONG

RESTED = 1.0
"""Seconds without a batch after which the database is asked whether it is still there."""


class _Used(threading.local):
    at = float("-inf")
    settled: object = None


_used = _Used()


def refresh() -> None:
    """Make sure of this thread's connection before a batch: after a rest, and after an error.

    Django would have the database answer one more question before each batch. A writer that is busy finds out by its
    batch, which is then tried again.
    """
    now = time.monotonic()
    if now - _used.at > RESTED or connection.errors_occurred:
        close_old_connections()
    _used.at = now
    if connection.vendor == "sqlite" and (connection.connection is None or connection.connection is not _used.settled):
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA wal_autocheckpoint={TOO_LONG}")  # the thread of ``checkpoints`` comes before that
        _used.settled = connection.connection
