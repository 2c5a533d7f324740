"""Rings by ``LISTEN`` and ``NOTIFY``, on connections of their own."""

import select
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kaiying.wire.bus import Wake

if TYPE_CHECKING:
    import psycopg

CHANNEL = "kaiying_events"


class Postgres:
    """Carries rings to whoever is connected to the same database."""

    def __init__(self, parameters: Callable[[], Mapping[str, Any]]) -> None:
        """Connect by ``parameters()``, asked anew each time."""
        self._parameters = parameters
        self._connection: psycopg.Connection | None = None

    def send(self) -> None:
        """Ring once."""
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            # A ring that a crash takes along is no loss, so it need not wait for the disk.
            self._connection.execute("SET synchronous_commit = off")
        self._connection.execute(f"NOTIFY {CHANNEL}")

    def receive(self, wake: Wake, *, stop: int) -> None:
        """Call ``wake`` when connected and at every ring, until ``stop`` can be read."""
        with self._connect() as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            wake()
            while stop not in select.select([connection.fileno(), stop], [], [])[0]:
                rung = list(connection.notifies(timeout=0))
                if rung:
                    wake()

    def close(self) -> None:
        """Forget the connection that sends."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connect(self) -> "psycopg.Connection":
        import psycopg  # noqa: PLC0415 — an extra

        return psycopg.connect(autocommit=True, **self._parameters())
