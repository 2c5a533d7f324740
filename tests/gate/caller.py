"""A tiny ASGI client: calls an application in this loop, and can hold a stream open."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False

    def json(self) -> Any:
        return json.loads(self.body)


class Call:
    """One request under way."""

    def __init__(self, app, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        path, _, query = url.partition("?")
        self.answer = Answer()
        self._sent = asyncio.Event()
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "http.request", "body": body, "more_body": False})
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (name.lower().encode(), value.encode()) for name, value in {"host": "testserver", **headers}.items()
            ],
            "client": ("127.0.0.1", 1234),
            "server": ("testserver", 80),
        }
        self.task = asyncio.ensure_future(app(scope, self._inbox.get, self._send))

    async def _send(self, message) -> None:
        if message["type"] == "http.response.start":
            self.answer.status = message["status"]
            self.answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.answer.body += message.get("body", b"")
            self.answer.ended = not message.get("more_body", False)
        self._sent.set()
        await asyncio.sleep(0)

    def hang_up(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})

    async def until(self, text: str, *, seconds: float = 5) -> str:
        """Wait until the body holds ``text``; returns the body."""
        async with asyncio.timeout(seconds):
            while text not in self.answer.body.decode():
                assert not self.task.done(), self.answer.body.decode()
                self._sent.clear()
                await self._sent.wait()
        return self.answer.body.decode()

    def messages(self) -> list[dict[str, Any]]:
        """Return the unnamed messages of an event stream."""
        blocks = self.answer.body.decode().split("\n\n")
        return [
            json.loads(line.removeprefix("data: "))
            for block in blocks
            if "event: " not in block
            for line in block.splitlines()
            if line.startswith("data: ")
        ]


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 — what is waited for happens in other threads
            await asyncio.sleep(0.005)


async def call(app, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    """Make one request and return the whole answer."""
    one = Call(app, method, url, headers or {}, body)
    async with asyncio.timeout(10):
        await one.task
    return one.answer


@asynccontextmanager
async def stream(app, url: str, *, headers: Mapping[str, str] | None = None) -> AsyncIterator[Call]:
    """Hold a request open, and hang up at the end."""
    one = Call(app, "GET", url, headers or {}, b"")
    try:
        yield one
    finally:
        one.hang_up()
        async with asyncio.timeout(5):
            await one.task
