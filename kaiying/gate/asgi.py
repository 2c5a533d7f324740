"""The one entry point of a web process: which path goes where, what starts, and what ends.

The server does not have to speak the lifespan protocol: what the gate needs starts with its first request. When the
process is told to stop, every event stream is ended at once, because a server waits for its open requests.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from inspect import markcoroutinefunction
from types import FrameType
from typing import Any

from django.db import connections
from django.utils.translation import gettext_noop as _

from kaiying.gate.beats import Beats
from kaiying.gate.checkpoints import Checkpoints
from kaiying.gate.claims import Claims, commit
from kaiying.gate.door import Door
from kaiying.gate.events import Events
from kaiying.gate.health import Health
from kaiying.gate.hot import HotPost
from kaiying.gate.landing import Landing
from kaiying.gate.media import Media
from kaiying.gate.metrics import Metrics
from kaiying.gate.pressure import TOO_MANY_CLAIMS, TOO_MANY_RESERVATIONS, Pressure
from kaiying.gate.pulse import Pulse
from kaiying.gate.readers import Reader
from kaiying.gate.replies import send_denied
from kaiying.gate.request import App, Denied, Gone, Message, Receive, Request, Scope, Send
from kaiying.gate.reservations import Reservations
from kaiying.gate.revocations import LIFE, NAME, Revocations
from kaiying.gate.sales import Sales
from kaiying.gate.showing import PREFIX, Showing
from kaiying.gate.tail import Tail
from kaiying.gate.wishes import LARGEST_BODY
from kaiying.gate.writer import CLAIMS, RESERVATIONS
from kaiying.offers.vocabulary import ClaimRequest, Taken
from kaiying.wire import clock
from kaiying.wire.batcher import Batcher
from kaiying.wire.frames import Link
from kaiying.wire.live import Hub, News

logger = logging.getLogger(__name__)
GRACE = 1.0
"""Seconds in which a download may still end by itself when the process stops."""
RECALL_SLACK = timedelta(seconds=2)

type Handler = Callable[[Request, Send], Awaitable[None]]


class Gate:
    """Dispatches by path; owns the hub, the tail and the threads beside the loop."""

    def __init__(self, *, pages: App, assets: App, link: Link | None = None) -> None:
        """Send ``/static/`` to ``assets`` and what is not the gate's own to ``pages``.

        Claims and reservations are written here, or by the writer at the other end of ``link``.
        """
        self._pages, self._assets, self._landing = pages, assets, Landing(pages)
        self.hub, self.revocations, self.reader = Hub(), Revocations(), Reader()
        self.tail = Tail(self._hand_over(self._deliver), self._hand_over(self._recall))
        self.sales, self.pulse, self.checkpoints = Sales(self.reader), Pulse(), Checkpoints()
        self.ledger: Batcher[ClaimRequest, Taken] = Batcher(
            commit, limit=512, leave=connections.close_all, in_turns=True, name="claims"
        )
        self.door = Door(self.sales)
        self._link = link
        queue = self.ledger if link is None else link.remote(CLAIMS)
        self.claims = Claims(queue, sales=self.sales, revocations=self.revocations, pulse=self.pulse, door=self.door)
        self.beats = Beats(self.revocations)
        self.reservations = Reservations(
            self.revocations, queue=None if link is None else link.remote(RESERVATIONS), sales=self.sales
        )
        self.pressure = Pressure()
        hot = partial(HotPost, largest_body=LARGEST_BODY, pressure=self.pressure)
        self._hot = {
            "/gate/claims": hot(self.claims.answer, busy=TOO_MANY_CLAIMS),
            "/gate/reservations": hot(self.reservations.answer, busy=TOO_MANY_RESERVATIONS),
        }
        health = Health(self.hub, self.reader)
        self._exact: dict[str, tuple[Handler, str]] = {
            "/gate/beats": (self.beats, "POST"),
            "/metrics": (Metrics(self._batchers, self.pressure), "GET"),
            "/events": (Events(self.hub, self.tail, self.reader, self.revocations), "GET"),
            "/healthz": (health.alive, "GET, HEAD"),
            "/readyz": (health.ready, "GET, HEAD"),
        }
        self._showing = Showing(self.sales)
        self._media = Media(self.revocations)
        self._loop: asyncio.AbstractEventLoop | None = None

    @markcoroutinefunction
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Serve one connection scope. A hot path is handed over as it is: each coroutine around it would cost."""
        self.begin()
        if scope["type"] != "http":
            return self._other(scope, receive, send)
        hot = self._hot.get(scope["path"])
        return self._http(scope, receive, send) if hot is None else hot(scope, receive, send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
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
        elif path.startswith(PREFIX):
            await self._handle(self._showing, "GET, HEAD", scope, receive, send)
        elif path.startswith("/gate/"):
            await self._handle(_nothing_here, "", scope, receive, send)
        elif path.startswith("/c/"):
            self._count_view(scope["method"], path)
            if not await self._landing.answers(scope, send):
                await self._pages(scope, _coroutine(receive), send)
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

    def _count_view(self, method: str, path: str) -> None:
        """Count a landing page that somebody looks at."""
        shop = self.sales.known(path[3:-1]) if method == "GET" and path.endswith("/") else None
        if shop is not None:
            self.pulse.of(shop.id).viewed += 1

    def _batchers(self) -> list[Batcher[Any, Any]]:
        return [self.ledger, self.beats.batcher, self.reservations.batcher, self.door.batcher]

    def begin(self) -> None:
        """Start what the gate needs, in the loop that runs; the first request does it where the server does not."""
        if self._loop is None:
            self._start(asyncio.get_running_loop())

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.tail.start()
        self.sales.start()
        self.door.start()
        self.checkpoints.start()
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
        self.sales.stop()
        self.tail.stop()
        self.checkpoints.stop()
        if self._loop is not None and self._loop.is_running():
            self._loop.call_later(GRACE, self._media.cut)

    async def close(self) -> None:
        """Stop, write what waits, and end all threads."""
        self.stop()
        for batcher in self._batchers():
            await batcher.close()
        if self._link is not None:
            await self._link.close()
        await self.door.close()
        self.claims.close()
        await asyncio.get_running_loop().run_in_executor(None, self.pulse.close)
        await asyncio.get_running_loop().run_in_executor(None, self.tail.join)
        await asyncio.get_running_loop().run_in_executor(None, self.checkpoints.close)
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
        if any(one.channel.startswith("offer:") for one in news):
            self.sales.heard()
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
