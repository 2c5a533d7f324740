"""The gate by granian's own protocol, for front processes: claims without what a general interface costs.

A claim is read and answered with five calls of the server. Everything else of the gate that fits in one answer goes
through its ASGI handlers; pages, media and event streams are the web process's, and are not served here.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any, Protocol

from django.utils.translation import gettext_noop as _

from kaiying.gate.asgi import Gate
from kaiying.gate.asking import Asking, joined
from kaiying.gate.hot import HEADERS
from kaiying.gate.pressure import TOO_MANY_CLAIMS, busy
from kaiying.gate.refusals import Reply, denied
from kaiying.gate.replies import CLOSED, NOT_KEPT
from kaiying.gate.request import SLOWEST_BODY, Denied, Message
from kaiying.gate.wishes import LARGEST_BODY

logger = logging.getLogger(__name__)
CLAIMS = "/gate/claims"
PROBES = {"/healthz", "/readyz", "/metrics"}
LARGEST = 64 * 1024
"""The largest body of any other address."""


def _texts(*headers: tuple[bytes, bytes]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


JSON = _texts(*HEADERS)


class Headers(Protocol):
    """The server's view of a request's headers."""

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the first of a name."""

    def items(self) -> list[tuple[str, str]]:
        """Return all of them."""


class Scope(Protocol):
    """The server's view of a request."""

    proto: str
    http_version: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Headers


class Wire(Protocol):
    """The server's end of one request: its body when called, and where the answer goes."""

    async def __call__(self) -> bytes:
        """Return the whole body."""

    def __aiter__(self) -> Any:
        """Return the body in parts."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""


class Front:
    """The application of one front process."""

    def __init__(self, gate: Gate) -> None:
        """Serve what this gate knows."""
        self.gate = gate

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin before the first request comes, so that it finds the sales in memory."""
        loop.call_soon(self.gate.begin)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer what was asked, and end."""
        if not loop.is_running():
            loop.run_until_complete(self.gate.close())

    async def __rsgi__(self, scope: Scope, wire: Wire) -> None:
        """Answer one request."""
        if scope.path == CLAIMS and scope.method == "POST" and scope.proto == "http":
            reply = await self._claim(scope, wire)
            wire.response_bytes(reply.status, [*JSON, *reply.headers], reply.body)
        else:
            await self._pass_on(scope, wire)

    async def _claim(self, scope: Scope, wire: Wire) -> Reply:
        asking = asking_of(scope)
        if not self.gate.pressure.enter():
            return busy(TOO_MANY_CLAIMS, asking.language)
        try:
            asking.body = await body_of(scope, wire, limit=LARGEST_BODY)
            return await self.gate.claims.answer(asking)
        except Denied as no:
            return denied(no, asking.language)
        finally:
            self.gate.pressure.leave()

    async def _pass_on(self, scope: Scope, wire: Wire) -> None:
        """Have the gate's other handlers answer, who speak ASGI."""
        served = scope.proto == "http" and (scope.path.startswith("/gate/") or scope.path in PROBES)
        if not served:
            wire.response_bytes(404, [*_texts(*CLOSED, NOT_KEPT)], b"")
            return
        try:
            body = await body_of(scope, wire, limit=LARGEST)
        except Denied as no:
            reply = denied(no, asking_of(scope).language)
            wire.response_bytes(reply.status, [*JSON, *reply.headers], reply.body)
            return
        answer = Answer(body)
        await self.gate(asgi_scope(scope), answer.receive, answer.send)
        wire.response_bytes(answer.status, answer.headers, answer.body)


class Answer:
    """Both ends of an ASGI call whose answer is short."""

    def __init__(self, asked: bytes) -> None:
        """Give ``asked`` as the body."""
        self.status, self.headers, self.body = 500, list[tuple[str, str]](), b""
        self._asked: Iterator[bytes] = iter([asked])

    async def receive(self) -> Message:
        """Give the body, then say that nobody is there any more."""
        body = next(self._asked, None)
        if body is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], _texts(*message["headers"])
        else:
            self.body += message.get("body", b"")


def asking_of(scope: Scope) -> Asking:
    """Return what the hot path needs of a request, without its body."""
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in scope.headers.items()]
    return Asking(joined(headers), scope.client.rpartition(":")[0].strip("[]"))


async def body_of(scope: Scope, wire: Wire, *, limit: int) -> bytes:
    """Return the whole body; refuses more than ``limit`` bytes, and senders that dawdle."""
    too_big = Denied(413, "too_big", _("That is more than can be sent at once."))
    said = scope.headers.get("content-length")
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            if said is not None and said.isdecimal():
                if int(said) > limit:
                    raise too_big
                return await wire()
            parts, size = [], 0
            async for part in wire:
                size += len(part)
                if size > limit:
                    raise too_big
                parts.append(part)
            return b"".join(parts)
    except TimeoutError:
        raise Denied(408, "too_slow", _("The request took too long to arrive.")) from None


def asgi_scope(scope: Scope) -> dict[str, Any]:
    """Return the request as ASGI describes it."""
    return {
        "type": "http",
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": scope.path.encode(),
        "query_string": scope.query_string.encode("latin-1", "replace"),
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in scope.headers.items()
        ],
        "client": (scope.client.rpartition(":")[0].strip("[]"), 0),
    }
