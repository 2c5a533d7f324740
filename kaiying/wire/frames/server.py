"""The writer's end: listens, hands what fronts ask to a batcher for each kind, and sends the answers back."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, override

from kaiying.wire.batcher import Batcher, Commit, Overloaded
from kaiying.wire.frames import meeting
from kaiying.wire.frames.bundles import Answers, Bundle, bundled
from kaiying.wire.frames.format import BadFrame, Frames, Kind, Packed, as_answers, as_items, frame
from kaiying.wire.passes import Keys

logger = logging.getLogger(__name__)
LIMIT = 1024
"""Items of one batch: four full frames."""

SLOWEST_ANSWERS = 5.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What is asked of one kind, and who writes it."""

    kind: Kind[Any, Any]
    batcher: Batcher[Bundle[Any], Answers[Any]]


class Server:
    """Listens at one address for the fronts of one install."""

    def __init__(self, *, keys: Keys | None = None) -> None:
        """Believe fronts that know ``keys``; those of the install by default."""
        self.keys = keys or meeting.key_ring()
        self.desks: dict[str, Desk] = {}
        self.visits: set[Visit] = set()
        self.frames = self.items = 0
        self._listening: socket.socket | None = None
        self._coming: set[asyncio.Task[Any]] = set()

    def serve[T, R](
        self, kind: Kind[T, R], commit: Commit[T, R], *, limit: int = LIMIT, leave: Callable[[], None] = lambda: None
    ) -> Batcher[Bundle[T], Answers[R]]:
        """Have questions of this kind answered by ``commit``, in batches; returns the batcher that will do it."""
        batcher = Batcher[Bundle[T], Answers[R]](
            bundled(commit), limit=limit, weigh=len, leave=leave, name=f"writer-{kind.name}"
        )
        self.desks[kind.name] = Desk(kind, batcher)
        return batcher

    def listen(self, address: meeting.Address) -> None:
        """Begin to serve."""
        self._listening = address.bind()
        self._open_door()

    def _open_door(self) -> None:
        if self._listening is not None:
            asyncio.get_running_loop().add_reader(self._listening, self._let_in, self._listening)

    def _let_in(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            plug, _whence = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # they went away again
        except OSError:  # too many open files: those who wait keep waiting
            logger.exception("A front could not be let in.")
            loop.remove_reader(listening)
            loop.call_later(1.0, self._open_door)
            return
        plug.setblocking(False)  # noqa: FBT003 — the method's own form
        coming = loop.create_task(loop.connect_accepted_socket(lambda: Visit(self), plug))
        self._coming.add(coming)
        coming.add_done_callback(self._coming.discard)

    async def close(self) -> None:
        """Let nobody in, write and answer what was asked, and hang up."""
        listening, self._listening = self._listening, None
        if listening is not None:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        await asyncio.gather(*self._coming, return_exceptions=True)
        for desk in self.desks.values():
            await desk.batcher.close()
        while any(visit.asked for visit in self.visits):  # noqa: ASYNC110 — a few turns of the loop: all is written
            await asyncio.sleep(0)
        for visit in list(self.visits):
            await visit.end()


class Visit(asyncio.Protocol):
    """One front's connection."""

    def __init__(self, server: Server) -> None:
        """Wait for the connection."""
        self._server, self._frames, self._nonce = server, Frames(), meeting.nonce()
        self._transport: asyncio.Transport | None = None
        self._admitted = False
        self._gone = asyncio.Event()
        self.asked: set[asyncio.Task[None]] = set()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 — the type of every stream's transport
        self._transport = transport
        self._server.visits.add(self)
        transport.write(frame(meeting.hello(self._nonce)))
        asyncio.get_running_loop().call_later(meeting.PATIENCE, self._too_late)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._server.visits.discard(self)
        self._gone.set()
        for task in self.asked:
            task.cancel()  # nobody waits for it; what is not being written yet need not be

    @override
    def data_received(self, data: bytes) -> None:
        try:
            for said in self._frames.take(data, **({} if self._admitted else {"largest": meeting.LARGEST})):
                if self._admitted:
                    self._hear(said)
                else:
                    self._send(frame(meeting.admit(self._server.keys, said, self._nonce)))
                    self._admitted = True
        except BadFrame as bad:
            logger.warning("A front was turned away: %s.", bad)
            self._abort()

    @override
    def pause_writing(self) -> None:
        """Take no more questions from a front that does not read its answers."""
        if self._transport is not None:
            self._transport.pause_reading()

    @override
    def resume_writing(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    async def end(self) -> None:
        """Hang up when all answers are sent, or the front is too slow to take them."""
        if self._transport is not None:
            self._transport.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), SLOWEST_ANSWERS)
            self._transport.abort()

    def _too_late(self) -> None:
        if not self._admitted:
            self._abort()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _hear(self, said: Packed) -> None:
        desk = self._server.desks.get(said[0]) if said and isinstance(said[0], str) else None
        if desk is None:
            raise BadFrame("nobody answers this kind of question here")
        number, patience, items = as_items(said, desk.kind.unpack)
        self._server.frames += 1
        self._server.items += len(items)
        task = asyncio.get_running_loop().create_task(self._answer(desk, number, patience, items))
        self.asked.add(task)
        task.add_done_callback(self.asked.discard)

    async def _answer(self, desk: Desk, number: int, patience: Sequence[int], items: list[Any]) -> None:
        now = time.monotonic()
        bundle = Bundle(items, [now + milliseconds / 1000 for milliseconds in patience])
        answers: list[Any]
        try:
            answers = await desk.batcher.ask(bundle, patience=max(patience) / 1000)
        except Overloaded as overloaded:
            answers = [overloaded] * len(items)
        except Exception as error:
            logger.exception("The writer failed at %d items.", len(items))
            answers = [error] * len(items)
        self._send(as_answers(desk.kind, number, answers))
