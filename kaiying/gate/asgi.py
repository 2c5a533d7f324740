"""The one entry point of a web process: which path goes where, what starts, and what ends.

The server does not have to speak the lifespan protocol: what the gate needs starts with its first request. When the
process is told to stop, every event stream is ended at once, because a server waits for its open requests.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import FrameType

from django.utils.translation import gettext_noop as _

from kaiying.gate.beats import Beats
from kaiying.gate.events import Events
from kaiying.gate.health import Health
from kaiying.gate.media import Media
from kaiying.gate.readers import Reader
from kaiying.gate.replies import send_denied
from kaiying.gate.request import App, Denied, Gone, Message, Receive, Request, Scope, Send
from kaiying.gate.revocations import LIFE, NAME, Revocations
from kaiying.gate.tail import Tail
from kaiying.wire import clock
from kaiying.wire.live import Hub, News

logger = logging.getLogger(__name__)
GRACE = 1.0
"""Seconds in which a download may still end by itself when the process stops."""
RECALL_SLACK = timedelta(seconds=2)

type Handler = Callable[[Request, Send], Awaitable[None]]


class Gate:
    """Dispatches by path; owns the hub, the tail and the threads beside the loop."""

    def __init__(self, *, pages: App, assets: App) -> None:
        """Send ``/static/`` to ``assets`` and what is not the gate's own to ``pages``."""
        self._pages, self._assets = pages, assets
        self.hub, self.revocations, self.reader = Hub(), Revocations(), Reader()
        self.tail = Tail(self._hand_over(self._deliver), self._hand_over(self._recall))
        self.beats = Beats(self.revocations)
        health = Health(self.hub, self.reader)
        self._exact: dict[str, tuple[Handler, str]] = {
            "/gate/beats": (self.beats, "POST"),
            "/events": (Events(self.hub, self.tail, self.reader, self.revocations), "GET"),
            "/healthz": (health.alive, "GET, HEAD"),
            "/readyz": (health.ready, "GET, HEAD"),
        }
        self._media = Media(self.revocations)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if self._loop is None:
            self._start(asyncio.get_running_loop())
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith("/static/"):
            await self._assets(scope, receive, send)
        elif path in self._exact:
            await self._handle(*self._exact[path], scope, receive, send)
        elif path.startswith("/media/"):
            await self._handle(self._media, "GET, HEAD", scope, receive, send)
        elif path.startswith("/gate/"):
            await self._handle(_nothing_here, "", scope, receive, send)
        else:
            await self._pages(scope, _coroutine(receive), send)

    async def _handle(self, handler: Handler, allow: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a handler; what it refuses or breaks becomes an answer, unless one is already on its way."""
        request = Request(scope, receive)
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await handler(request, watched)
        except Denied as denied:
            await send_denied(request, send, denied, allow=allow)
        except (Gone, OSError):
            logger.debug("The client went away from %s.", scope["path"])
        except Exception:
            logger.exception("The gate failed at %s.", scope["path"].partition("?")[0])
            if not begun:
                await send_denied(request, send, Denied(500, "failed", _("Something went wrong on our side.")))

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.tail.start()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._chain(number, loop)

    def _chain(self, number: signal.Signals, loop: asyncio.AbstractEventLoop) -> None:
        """End our streams at a signal, then do what the server wanted to do."""
        before = signal.getsignal(number)
        if not callable(before):
            return  # nobody ends gracefully here; the default ends the process and every stream with it

        def stop(received: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.stop)
            before(received, frame)

        signal.signal(number, stop)
        signal.siginterrupt(number, False)  # noqa: FBT003 — the function's own form

    def stop(self) -> None:
        """End every stream and refuse new ones; what is being written is still answered."""
        self.hub.stop()
        self.tail.stop()
        if self._loop is not None and self._loop.is_running():
            self._loop.call_later(GRACE, self._media.cut)

    async def close(self) -> None:
        """Stop, write what waits, and end all threads."""
        self.stop()
        await self.beats.batcher.close()
        await asyncio.get_running_loop().run_in_executor(None, self.tail.join)
        await self.reader.close()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})

    def _hand_over(self, take: Callable[[list[News]], None]) -> Callable[[list[News]], None]:
        """Return a function for the tail's thread that calls ``take`` in the loop."""

        def hand_over(news: list[News]) -> None:
            loop = self._loop
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(take, news)

        return hand_over

    def _deliver(self, news: list[News]) -> None:
        for one in news:
            self.hub.tell([one])
            if one.name == NAME:
                # As of now, not as of the row: a page may have been allowed between the row and its commit.
                ended = self.revocations.note(one.facts, moment=clock.real())
                if ended:
                    self.hub.revoke(user_id=ended[0], channels=ended[1])

    def _recall(self, news: list[News]) -> None:
        for one in news:
            self.revocations.note(one.facts, moment=(one.at + RECALL_SLACK).timestamp())
        self.revocations.forget(before=clock.real() - LIFE)


async def _nothing_here(_request: Request, _send: Send) -> None:
    raise Denied(404, "missing", _("There is nothing here."))


def _coroutine(receive: Receive) -> Receive:
    """Return ``receive`` as a coroutine function: the server's own gives a future, which a thread cannot be given."""

    async def received() -> Message:
        return await receive()

    return received
