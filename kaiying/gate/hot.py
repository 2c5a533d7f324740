"""ASGI in front of hot paths: reads what they need of a request, and sends their reply with one pair of messages."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from django.utils.translation import gettext_noop as _

from kaiying.gate.asking import Asking, joined
from kaiying.gate.pressure import Pressure, busy
from kaiying.gate.refusals import Reply, denied
from kaiying.gate.replies import NOT_KEPT, OURS
from kaiying.gate.request import SLOWEST_BODY, Denied, Gone, Header, Receive, Scope, Send

logger = logging.getLogger(__name__)
HEADERS: tuple[Header, ...] = (*OURS, NOT_KEPT, (b"content-type", b"application/json"))
"""JSON that must not be taken for anything else never becomes a document, so no policy for one is sent."""
SWEEP = 1.0


class HotPost:
    """Serves one address that is only posted to; ``answer`` is the framework-neutral core."""

    def __init__(
        self, answer: Callable[[Asking], Awaitable[Reply]], *, largest_body: int, pressure: Pressure, busy: str
    ) -> None:
        """Refuse bodies above ``largest_body`` bytes, senders that dawdle, and with ``busy`` who is too many."""
        self._answer, self._largest, self._pressure, self._busy = answer, largest_body, pressure, busy
        self._reading: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._sweeping = False
        self._dawdling = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asking = asking_of(scope)
        try:
            if scope["method"] != "POST":
                no = Denied(405, "method", _("This address does not answer that kind of request."))
                reply = denied(no, asking.language)._replace(headers=(("allow", "POST"),))
            elif self._pressure.enter():
                try:
                    await self._read(asking, receive)
                    reply = await self._answer(asking)
                finally:
                    self._pressure.leave()
            else:
                reply = busy(self._busy, asking.language)
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

    async def _read(self, asking: Asking, receive: Receive) -> None:
        """Read the body. Those who dawdle are found by one look a second instead of a timer each."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — a coroutine of a server runs in one
        self._reading[task] = time.monotonic() + SLOWEST_BODY
        if not self._sweeping:
            self._sweep_later()
        try:
            while True:
                message = await receive()
                asking.body += message.get("body", b"")
                if len(asking.body) > self._largest:
                    raise Denied(413, "too_big", _("That is more than can be sent at once."))
                if message["type"] == "http.disconnect":
                    raise Gone
                # A server takes another turn of the loop to say that nothing comes after the last byte.
                if asking.is_whole or not message.get("more_body", False):
                    return
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise Denied(408, "too_slow", _("The request took too long to arrive.")) from None
        finally:
            del self._reading[task]
            self._late.discard(task)

    def _sweep_later(self) -> None:
        self._sweeping = True
        asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    def _sweep(self) -> None:
        now, dawdling = time.monotonic(), 0
        for task, until in self._reading.items():
            dawdling += until < now + SLOWEST_BODY - SWEEP
            if until <= now:
                self._late.add(task)
                task.cancel()
        self._pressure.dawdling += dawdling - self._dawdling
        self._dawdling, self._sweeping = dawdling, False
        if self._reading:
            self._sweep_later()


def asking_of(scope: Scope) -> Asking:
    """Return what a hot path needs of a scope."""
    client = scope.get("client")
    return Asking(joined(scope["headers"]), client[0] if client else "")
