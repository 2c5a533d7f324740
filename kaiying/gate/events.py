"""``GET /events?ticket=…&after=<id>``: live events of some channels, as server-sent events.

News comes as unnamed messages whose data is ``{"id", "name", "channel", "facts", "at"}``; ``id`` is what to come back
with: everything up to it has been told. News comes at least once: what happened just before a page was made, or while
its connection was lost, may come again. ``catch-up`` among the names says that too much was missed to tell it all, so
the page has to look for itself. Named events are about the stream: ``expired`` (get a new ticket), ``revoked`` (no
longer yours), ``again`` (you lagged; come back by the last id), ``stopped`` (the process goes down; come back).
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.utils.translation import gettext_noop as _

from kaiying.gate.readers import Reader
from kaiying.gate.replies import CLOSED, NOT_KEPT, end, pack, start
from kaiying.gate.request import Denied, Receive, Request, Send
from kaiying.gate.revocations import Revocations
from kaiying.gate.tail import Tail, replay
from kaiying.wire import clock
from kaiying.wire.live import AGAIN, Hub, Listener, News, TooMany
from kaiying.wire.passes import BadPass
from kaiying.wire.tickets import Ticket, read_ticket

HEARTBEAT = 15.0
COME_BACK_MS = 2000
SLOWEST_READER = 10.0
MOST_MISSED = 1000
SLACK = 1.0
GONE = "gone"
CATCH_UP = "catch-up"
BUSY_FOR = 15.0


class Events:
    """The handler of event streams."""

    def __init__(self, hub: Hub, tail: Tail, reader: Reader, revocations: Revocations) -> None:
        """Serve what the tail brings to the hub, and the past from the table."""
        self._hub, self._tail, self._reader, self._revocations = hub, tail, reader, revocations

    async def __call__(self, request: Request, send: Send) -> None:
        """Answer one request; lasts as long as the stream."""
        request.allow("GET")
        ticket = self._admitted(request)
        after = _last_id(request)
        try:
            listener = self._hub.join(ticket.channels, user_id=ticket.user_id)
        except TooMany:
            text = _("Too many pages are open at once.")
            raise Denied(503, "too_many_streams", text, retry_after=BUSY_FOR) from None
        watcher = asyncio.create_task(_watch(request.receive, listener))
        try:
            headers = {"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"}
            await start(send, 200, [*CLOSED, NOT_KEPT, *pack(headers)])
            async with aclosing(self._stream(listener, ticket, after)) as texts:
                async for text in texts:
                    async with asyncio.timeout(SLOWEST_READER):
                        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            await end(send)
        except TimeoutError:
            pass  # they do not read; hang up
        finally:
            self._hub.leave(listener)
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    def _admitted(self, request: Request) -> Ticket:
        refused = Denied(401, "no_ticket", _("This page is too old to be kept up to date. Please reload it."))
        try:
            ticket = read_ticket(request.query.get("ticket", ""), at=clock.now())
        except BadPass:
            raise refused from None
        if ticket.user_id:
            entry = request.entry
            if entry is None or entry.user_id != ticket.user_id or self._revocations.ended_entry(entry):
                raise refused
            if self._revocations.ended_ticket(ticket):
                raise Denied(403, "revoked", _("You no longer have access to this."))
        return ticket

    async def _stream(self, listener: Listener, ticket: Ticket, after: int | None) -> AsyncGenerator[str, None]:
        if after is None:  # then since the page was made, which is when its ticket was
            after = self._tail.floor_at(ticket.issued - SLACK)
        yield f"retry: {COME_BACK_MS}\n" + (f"id: {after}\n\n" if after else "\n")
        told: set[int] = set()
        if after is not None:
            missed = await self._missed(listener, after)
            told = {news.id for news in missed}
            if listener.end is None and missed:
                yield "".join(map(_message, missed))
        while listener.end is None:
            left = ticket.until - clock.now().timestamp()
            if left <= 0:
                yield _control("expired")
                return
            taken = await listener.take(patience=min(HEARTBEAT, left))
            fresh = [news for news in taken if news.id not in told and news.id > (after or 0)]
            if fresh:
                yield "".join(map(_message, fresh))
            elif not taken and listener.end is None and left > HEARTBEAT:
                yield ": here\n\n"
        if listener.end not in {GONE, None}:
            yield _control(listener.end)

    async def _missed(self, listener: Listener, after: int) -> list[News]:
        """Return what was told since the reader's last id, or one piece of news that it was too much."""
        floor = self._tail.floor
        rows = await self._reader.ask(lambda: replay(listener.channels, after=after, limit=MOST_MISSED + 1))
        if len(rows) > MOST_MISSED:
            return [News(floor, CATCH_UP, "", {}, clock.now(), floor)]
        return [News(*row, mark=self._tail.mark(row[0])) for row in rows]


async def _watch(receive: Receive, listener: Listener) -> None:
    """Notice that the reader hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.finish(GONE)


def _last_id(request: Request) -> int | None:
    raw = request.headers.get("last-event-id") or request.query.get("after") or ""
    if not raw:
        return None
    if not raw.isascii() or not raw.isdigit() or len(raw) > len(str(2**63)) - 1:
        raise Denied(400, "bad_id", _("“after” must be the id of an event."))
    return int(raw)


def _message(news: News) -> str:
    said = {"id": news.mark, "name": news.name, "channel": news.channel, "facts": news.facts, "at": news.at.isoformat()}
    return f"id: {news.mark}\ndata: {json.dumps(said, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _control(name: str | None) -> str:
    retry = "retry: 250\n" if name == AGAIN else ""
    return f"{retry}event: {name}\ndata: {{}}\n\n"
