"""The front's end: one connection to the writer, and for each kind of question the batcher's ``ask``."""

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from typing import Any

from kaiying.wire.batcher import PATIENCE, Closed, Overloaded
from kaiying.wire.frames import meeting
from kaiying.wire.frames.dialling import Wire, dial
from kaiying.wire.frames.format import MOST_ITEMS, BadFrame, Kind, Packed, Unknown, frame
from kaiying.wire.passes import Keys

logger = logging.getLogger(__name__)
MOST_WAITING = 20_000
MOST_FRAMES = 2
"""Frames of a kind under way: one is written while the next one waits to be. What else is asked waits here, where it
can still be taken back, and goes in one frame, which costs hardly more than one item."""

GRACE = 2.0
"""Seconds beyond its patience in which the writer says what became of an item; after that nobody knows."""

LONGEST_SILENCE = 10.0
FULL = 0.1
"""Seconds for which a writer is taken to be full after it has said so."""
SWEEP_SECONDS = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


class Call[R]:
    """One item on its way."""

    __slots__ = ("deadline", "future", "packed")

    def __init__(self, packed: Packed, future: asyncio.Future[R], deadline: float) -> None:
        """Keep what is asked, who waits, and until when (monotonic)."""
        self.packed, self.future, self.deadline = packed, future, deadline

    def fail(self, error: Exception) -> None:
        """Tell the asker, if somebody still waits."""
        if not self.future.done():
            self.future.set_exception(error)


class Remote[T, R]:
    """Questions of one kind: stands where a batcher stands."""

    def __init__(self, link: "Link", kind: Kind[T, R]) -> None:
        """Ask over ``link``."""
        self._link, self.kind = link, kind
        self.pending: deque[Call[R]] = deque()
        self.frames = 0  # under way
        self.full_until = 0.0

    @property
    def waiting(self) -> int:
        """How much waits, here and under way."""
        return self._link.waiting

    @property
    def is_full(self) -> bool:
        """Whether the next one to ask would be refused: here, or as the writer has just said."""
        return self._link.is_full or time.monotonic() < self.full_until

    async def ask(self, item: T, *, patience: float = PATIENCE) -> R:
        """Have ``item`` written by the writer and return its result.

        Raises what the writer's batcher raises, and ``Unknown`` if the connection was lost or fell silent after the
        item was sent. ``Overloaded`` itself means that nothing was written.
        """
        self._link.admit()
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self.pending.append(Call(self.kind.pack(item), future, time.monotonic() + patience))
        self._link.wake()
        try:
            return await future
        finally:
            self._link.waiting -= 1

    async def close(self) -> None:
        """Close the connection, as a batcher's ``close`` ends its thread."""
        await self._link.close()


class Link:
    """The connection to the writer: made when it is first needed, and again whenever it is lost."""

    def __init__(
        self,
        address: meeting.Address,
        *,
        keys: Keys | None = None,
        most_waiting: int = MOST_WAITING,
        most_frames: int = MOST_FRAMES,
    ) -> None:
        """Ask the writer at ``address``, who knows ``keys``; those of the install by default."""
        self.address, self.keys = address, keys or meeting.key_ring()
        self.waiting = self.frames = self.items = self.lost = 0
        self._most_waiting, self._most_frames = most_waiting, most_frames
        self._remotes: list[Remote[Any, Any]] = []
        self._sent: dict[int, tuple[Remote[Any, Any], list[Call[Any]]]] = {}
        self._wire: Wire | None = None
        self._heard = 0.0
        self._writable = self._closed = self._flushing = False
        self._keeper: asyncio.Task[None] | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    def remote[T, R](self, kind: Kind[T, R]) -> Remote[T, R]:
        """Return what asks questions of this kind."""
        remote = Remote(self, kind)
        self._remotes.append(remote)
        return remote

    @property
    def is_up(self) -> bool:
        """Tell whether the writer is there."""
        return self._wire is not None

    @property
    def is_full(self) -> bool:
        """Whether there is no room for one more."""
        return self.waiting >= self._most_waiting

    async def close(self) -> None:
        """Refuse what comes; what was asked is answered first, as long as its patience lasts."""
        self._closed = True
        while self.waiting:  # noqa: ASYNC110 — every one of these ends by itself
            await asyncio.sleep(SWEEP_SECONDS / 5)
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._sweeper is not None:
            self._sweeper.cancel()

    def admit(self) -> None:
        """Count one more in; raises ``Overloaded``."""
        if self._closed:
            raise Closed
        if self.is_full:
            raise Overloaded(1.0)
        self.waiting += 1

    def wake(self) -> None:
        """Send what was asked when the loop comes round; until then more may come for the same frame."""
        if self._flushing:
            return
        self._flushing = True
        loop = asyncio.get_running_loop()
        loop.call_soon(self._flush)
        if self._keeper is None:
            self._keeper = loop.create_task(self._keep())
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep)

    def _flush(self) -> None:
        self._flushing = False
        for remote in self._remotes:
            while remote.pending and self._writable and remote.frames < self._most_frames:
                self._send(remote)

    def _send(self, remote: Remote[Any, Any]) -> None:
        pending = remote.pending
        calls = [pending.popleft() for _ in range(min(len(pending), MOST_ITEMS))]
        calls = [call for call in calls if not call.future.done()]
        if not calls or self._wire is None:
            return
        now = time.monotonic()
        patience = [max(0, int((call.deadline - now) * 1000)) for call in calls]
        self.frames += 1
        self.items += len(calls)
        remote.frames += 1
        self._sent[self.frames] = (remote, calls)
        if len(self._sent) == 1:
            self._heard = now
        self._wire.send(frame([remote.kind.name, self.frames, patience, [call.packed for call in calls]]))

    def hear(self, said: Packed) -> None:
        """Take the answers of one frame."""
        self._heard = time.monotonic()
        try:
            number, answers = said
            remote, calls = self._sent[number]
            for call, answer in zip(calls, map(remote.kind.unpack_answer, answers), strict=True):
                if isinstance(answer, Exception):
                    if type(answer) is Overloaded:
                        remote.full_until = self._heard + FULL
                    call.fail(answer)
                elif not call.future.done():
                    call.future.set_result(answer)
            del self._sent[number]
            remote.frames -= 1
        except (TypeError, ValueError, LookupError) as error:
            raise BadFrame(str(error)) from None
        if any(remote.pending for remote in self._remotes):
            self.wake()

    def may_write(self, *, may: bool) -> None:
        """Note whether the socket takes more."""
        self._writable = may
        if may:
            self.wake()

    def _sweep(self) -> None:
        """End the wait of those whose patience is over."""
        self._sweeper = None
        now = time.monotonic()
        for remote in self._remotes:
            for call in remote.pending:
                if call.deadline <= now:
                    call.fail(Overloaded(1.0))
            remote.pending = deque(call for call in remote.pending if not call.future.done())
        for _remote, calls in self._sent.values():
            for call in calls:
                if call.deadline + GRACE <= now:
                    call.fail(Unknown(1.0))
        if self._wire is not None and self._sent and now - self._heard > LONGEST_SILENCE:
            logger.warning("The writer at %s has fallen silent.", self.address)
            self._wire.abort()
        if self.waiting or self._sent:
            self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    async def _keep(self) -> None:
        """Connect, and connect again when the connection is lost, with pauses that grow while nobody answers."""
        pause = FIRST_PAUSE
        while True:
            try:
                wire = await dial(self.address, self.keys, hear=self.hear, may_write=self.may_write)
            except (OSError, BadFrame, TimeoutError) as error:
                if pause == LONGEST_PAUSE:
                    logger.warning("The writer at %s does not answer: %s.", self.address, error)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 — spread, not secrecy
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            self._wire = wire
            self.may_write(may=True)
            try:
                await wire.lost.wait()
            finally:
                self._forget()
                wire.abort()

    def _forget(self) -> None:
        """Tell those who were asking that nobody knows what became of it."""
        self._wire, self._writable = None, False
        sent, self._sent = self._sent, {}
        self.lost += 1
        for remote, calls in sent.values():
            remote.frames = 0
            for call in calls:
                call.fail(Unknown(1.0))
