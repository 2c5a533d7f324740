"""Applications that stand where the product stands, to compare with it or to look into it. The environment picks one."""

import mmap
import os
import re
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

LEDGER = re.compile(r"offers_(seat|claim|offer|pricetier)\b")
COUNTER = "BENCH_COUNTER"
"""Names the file in which statements on the ledger are counted."""

type Send = Callable[[dict[str, Any]], Awaitable[None]]
type Receive = Callable[[], Awaitable[dict[str, Any]]]


async def empty(_scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Read the whole body and answer two bytes: the cheapest POST this server can answer."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


class Counter:
    """Two numbers in a file that another process can read meanwhile: statements, and those that touch the ledger."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(16))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 16)

    def see(self, statement: str) -> None:
        """Count one statement."""
        everything, ledger = self.read()
        self._shared[:] = struct.pack("=QQ", everything + 1, ledger + bool(LEDGER.search(statement)))

    def read(self) -> tuple[int, int]:
        """Return both counts."""
        everything, ledger = struct.unpack("=QQ", self._shared[:])
        return everything, ledger


def __getattr__(name: str) -> Any:
    """Make an application when it is asked for: they need Django, and ``empty`` must not."""
    if name not in {"counted", "twin"}:
        raise AttributeError(name)
    return _counted() if name == "counted" else _twin()


def _twin() -> Any:
    """Return the naive twin, in the same eight threads as our own Django."""
    from a2wsgi import WSGIMiddleware
    from django.core.wsgi import get_wsgi_application

    pages = WSGIMiddleware(get_wsgi_application(), workers=8)

    async def twin(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        async def received() -> dict[str, Any]:  # a2wsgi wants a coroutine function, the server gives a future
            return await receive()

        await pages(scope, received, send)

    return twin


def _counted() -> Any:
    """Return the product's own application, with every statement on SQLite counted by SQLite itself."""
    from kaiying.config.asgi import application

    if path := os.environ.get(COUNTER):
        from django.db.backends.signals import connection_created

        counter = Counter(Path(path))

        def trace(connection: Any, **_more: Any) -> None:
            if connection.vendor == "sqlite":
                connection.connection.set_trace_callback(counter.see)

        connection_created.connect(trace, weak=False)
    return application
