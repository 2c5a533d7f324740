"""``/healthz``: the process answers. ``/readyz``: it can do its work, and may be sent requests."""

import asyncio
import logging
import time

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from kaiying.gate.readers import Reader
from kaiying.gate.replies import send_text
from kaiying.gate.request import Request, Send
from kaiying.wire.live import Hub

logger = logging.getLogger(__name__)
KEPT_SECONDS = 1.0
PATIENCE = 3.0

READY = "ready"
STOPPING = "stopping"
NO_DATABASE = "no database"
OLD_DATABASE = "migrations are missing"


class Health:
    """The handlers of both probes."""

    def __init__(self, hub: Hub, reader: Reader) -> None:
        """Ask the database through ``reader``; the hub knows when the process is going down."""
        self._hub, self._reader = hub, reader
        self._found, self._found_at = NO_DATABASE, float("-inf")
        self._one_asks = asyncio.Lock()

    async def alive(self, request: Request, send: Send) -> None:
        """Answer ``/healthz``."""
        request.allow("GET", "HEAD")
        await send_text(send, 200, "ok")

    async def ready(self, request: Request, send: Send) -> None:
        """Answer ``/readyz``: 200, or 503 and the reason."""
        request.allow("GET", "HEAD")
        found = STOPPING if self._hub.stopped else await self._look()
        await send_text(send, 200 if found == READY else 503, found)

    async def _look(self) -> str:
        async with self._one_asks:
            if time.monotonic() - self._found_at > KEPT_SECONDS:
                try:
                    async with asyncio.timeout(PATIENCE):
                        self._found = await self._reader.ask(_look)
                except TimeoutError:
                    self._found = NO_DATABASE
                self._found_at = time.monotonic()
            return self._found


def _look() -> str:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        logger.exception("The database does not answer.")
        return NO_DATABASE
    return OLD_DATABASE if missing else READY
