"""ASGI in front of hot paths: reads what they need of a request, and sends their reply with one pair of messages."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from django.utils.translation import gettext_noop as _

from kaiying.gate.asking import Asking
from kaiying.gate.refusals import Reply, denied
from kaiying.gate.replies import CLOSED, NOT_KEPT
from kaiying.gate.request import SLOWEST_BODY, Denied, Gone, Header, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)
HEADERS: tuple[Header, ...] = (*CLOSED, NOT_KEPT, (b"content-type", b"application/json"))
NAMES = {
    b"content-length": "length",
    b"cookie": "cookie",
    b"host": "host",
    b"content-type": "kind",
    b"accept-language": "languages",
    b"x-forwarded-for": "forwarded",
    b"origin": "origin",
    b"sec-fetch-site": "site",
}
SWEEP = 1.0


class HotPost:
    """Serves one address that is only posted to; ``answer`` is the framework-neutral core."""

    def __init__(self, answer: Callable[[Asking], Awaitable[Reply]], *, largest_body: int) -> None:
        """Refuse bodies above ``largest_body`` bytes, and senders that dawdle."""
        self._answer, self._largest = answer, largest_body
        self._reading: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._sweeping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asking = asking_of(scope)
        try:
            if scope["method"] == "POST":
                asking.body = await self._body(receive, asking.length)
                reply = await self._answer(asking)
            else:
                no = Denied(405, "method", _("This address does not answer that kind of request."))
                reply = denied(no, asking.language)._replace(headers=(("allow", "POST"),))
        except Denied as no:
            reply = denied(no, asking.language)
        except Gone:
            return
        except Exception:
            logger.exception("The gate failed at %s.", scope["path"])
            reply = denied(Denied(500, "failed", _("Something went wrong on our side.")), asking.language)
        headers = [*HEADERS, (b"content-length", b"%d" % len(reply.body))]
        if reply.headers:
            headers += [(name.encode(), value.encode()) for name, value in reply.headers]
        try:
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": reply.body, "more_body": False})
        except OSError:
            logger.debug("The client went away from %s.", scope["path"])

    async def _body(self, receive: Receive, length: str) -> bytes:
        """Read the body. Those who dawdle are found by one look a second instead of a timer each."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — a coroutine of a server runs in one
        self._reading[task] = time.monotonic() + SLOWEST_BODY
        if not self._sweeping:
            self._sweep_later()
        try:
            message = await receive()
            body: bytes = message.get("body", b"")
            if body and length == str(len(body)):  # nothing more can come; the server would say so after one more turn
                return self._within(body)
            return await self._rest(message, receive)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise Denied(408, "too_slow", _("The request took too long to arrive.")) from None
        finally:
            del self._reading[task]
            self._late.discard(task)

    async def _rest(self, message: Message, receive: Receive) -> bytes:
        """Read what comes in parts."""
        whole = b""
        while True:
            if message["type"] == "http.disconnect":
                raise Gone
            whole = self._within(whole + message.get("body", b""))
            if not message.get("more_body", False):
                return whole
            message = await receive()

    def _within(self, body: bytes) -> bytes:
        if len(body) > self._largest:
            raise Denied(413, "too_big", _("That is more than can be sent at once."))
        return body

    def _sweep_later(self) -> None:
        self._sweeping = True
        asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    def _sweep(self) -> None:
        now = time.monotonic()
        for task, until in self._reading.items():
            if until <= now:
                self._late.add(task)
                task.cancel()
        self._sweeping = False
        if self._reading:
            self._sweep_later()


def asking_of(scope: Scope) -> Asking:
    """Return what a hot path needs of a scope; headers that come more than once are joined as HTTP says."""
    client, found = scope.get("client"), dict[str, str]()
    for name, value in scope["headers"]:
        field = NAMES.get(name)
        if field is None:
            continue
        text = value.decode("latin-1")
        if field in found:
            text = f"{found[field]}{'; ' if field == 'cookie' else ', '}{text}"
        found[field] = text
    return Asking(peer=client[0] if client else "", **found)
