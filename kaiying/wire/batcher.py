"""Group commit: many asked, one writes, and an answer means that it is durable.

Whoever asks waits in one queue. One thread takes what waits, up to a limit, commits it as one transaction, and answers
everyone in it; the next batch opens when the last one is committed. So with little load a batch is one item and waits
for nobody, and with much load batches grow by themselves.

``commit(items)`` returns one result per item, in order; a result that is an exception is raised to its asker. If it
raises, every item is tried again alone: one that cannot be written must not take its neighbours along. So ``commit``
must be idempotent, as every action on a hot path is.

An item costs an entry, a future and a place in a deque: no timer and no lock of its own. Those who waited too long are
found by one look over the queue every now and then, and each loop is woken once a batch. While a crowd comes, the loop
and the thread can work in turns (see ``baton``).
"""

import asyncio
import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from kaiying.wire.baton import Baton, Gathering
from kaiying.wire.figures import SECONDS, SIZES, Histogram
from kaiying.wire.pace import Pace

MOST_WAITING = 20_000
LONGEST_WAIT = 2.0
PATIENCE = 5.0
CROWD = 8
"""Items in a batch from which on it is a crowd that comes."""
PROBING = 8
"""One batch in so many waits for all who come, so that a crowd does not go on in two halves that take turns."""
LEFT_ALONE = 0.05
"""Seconds after which the writer goes on without the loop that it worked in turns with."""
SWEEP = 0.05
"""Seconds between two looks for those who waited too long."""

type Commit[T, R] = Callable[[list[T]], Sequence[R | Exception]]
type Answer[R] = R | BaseException
type Told[T, R] = tuple[Sequence[Entry[T, R]], Sequence[Answer[R]]]


class Overloaded(Exception):
    """There is more to write than can be written in time; try again after ``retry_after`` seconds."""

    def __init__(self, retry_after: float) -> None:
        """Add jitter, so that those refused together do not come back together."""
        super().__init__(f"retry after {retry_after:.1f} s")
        self.retry_after = retry_after * random.uniform(1, 2)  # noqa: S311 — spread, not secrecy


class Closed(Overloaded):
    """The process is going down; another one will answer."""

    def __init__(self) -> None:
        """Ask to come back when the next process is up."""
        super().__init__(1.0)


class NoAnswer(RuntimeError):
    """``commit`` did not give one result per item."""


class Entry[T, R]:
    """One asker's item on its way. ``settled``: a batch has it, or it was dropped; whoever says so holds the lock."""

    __slots__ = ("asked", "deadline", "item", "loop", "settled", "waiter", "weight")

    def __init__(self, item: T, weight: int, loop: asyncio.AbstractEventLoop, asked: float, deadline: float) -> None:
        """Begin to wait; moments are monotonic."""
        self.item, self.weight, self.loop, self.asked, self.deadline = item, weight, loop, asked, deadline
        self.waiter: asyncio.Future[R] = loop.create_future()
        self.settled = False

    def answer(self, result: Answer[R]) -> None:
        """Wake the asker, in its own loop."""
        if self.waiter.done():
            return
        if not isinstance(result, BaseException):
            self.waiter.set_result(result)
        elif isinstance(result, Exception) and not isinstance(result, StopIteration):
            self.waiter.set_exception(result)
        else:  # what would end a generator or the loop must not travel through a future
            self.waiter.set_exception(NoAnswer(repr(result)))


class Figures:
    """What a batcher has done: sizes of batches, how long the first of each had waited, how long commits took."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.sizes, self.waits, self.commits = Histogram(SIZES), Histogram(SECONDS), Histogram(SECONDS)
        self.shed = 0
        self.retried = 0


class Queue[T, R](Protocol):
    """Where items wait to be written: a batcher, or the line to a process that has one."""

    @property
    def is_full(self) -> bool:
        """Whether the next one to ask would be refused."""

    async def ask(self, item: T, *, patience: float) -> R:
        """Wait until it is durable and return its result; raises a refusal.

        ``Overloaded`` says that nothing was written; over a line, ``Unknown`` that nobody knows.
        """


class Batcher[T, R]:
    """Collects what is asked and has one thread commit it in batches."""

    def __init__(
        self,
        commit: Commit[T, R],
        *,
        limit: int = 512,
        most_waiting: int = MOST_WAITING,
        longest_wait: float = LONGEST_WAIT,
        weigh: Callable[[T], int] | None = None,
        leave: Callable[[], None] = lambda: None,
        in_turns: bool = False,
        name: str = "batcher",
    ) -> None:
        """Bound batches and the queue by the summed weight of items; ``leave`` runs in the thread at its end.

        ``in_turns``: while a crowd comes, the loop stands still for each batch instead of running beside the thread.
        """
        self._commit, self._weigh, self._leave, self.name = commit, weigh, leave, name
        self._limit, self._most_waiting, self._longest_wait = limit, most_waiting, longest_wait
        self._queue: deque[Entry[T, R]] = deque()
        self._pace = Pace(limit=limit)
        self._came, self._went = 0, 0
        self._count, self._settling = threading.Lock(), threading.Lock()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._idle = False
        self._sweeper: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._in_turns, self._last = in_turns, 0
        self._baton: Baton[Told[T, R]] = Baton()
        self._gatherer: asyncio.AbstractEventLoop | None = None
        self._gathered = 0
        self.figures = Figures()

    @property
    def waiting(self) -> int:
        """How much waits, by weight, without the batch being written."""
        return self._came - self._went

    @property
    def is_full(self) -> bool:
        """Whether the next one to ask would be refused."""
        waiting = self.waiting
        return waiting >= self._most_waiting or self._pace.wait_for(waiting) > self._longest_wait

    async def ask(self, item: T, *, patience: float = PATIENCE) -> R:
        """Have ``item`` written and return its result.

        Raises ``Overloaded`` if it cannot be written within the bounds or was not begun within ``patience`` seconds;
        then nothing was written. A cancelled asker's item is not written either, unless its batch has begun.
        """
        entry = self._put(item, patience)
        try:
            return await entry.waiter
        except asyncio.CancelledError:
            self._drop(entry)
            raise

    async def close(self) -> None:
        """Refuse what comes, write what waits, and end the thread."""
        self._closed = True
        self._bell.put(None)
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _put(self, item: T, patience: float) -> Entry[T, R]:
        loop = asyncio.get_running_loop()
        weight = 1 if self._weigh is None else self._weigh(item)
        self._admit(weight)
        now = time.monotonic()
        entry: Entry[T, R] = Entry(item, weight, loop, now, now + patience)
        self._queue.append(entry)
        if self._in_turns and self._last >= CROWD and self._baton.is_welcome:
            self._begin_to_gather(loop)
        elif self._idle or self._thread is None:
            self._wake()
        if self._sweeper is not loop:
            self._begin_to_sweep(loop)
        return entry

    def _admit(self, weight: int) -> None:
        if self._closed:
            raise Closed
        waiting = self._came - self._went
        wait = self._pace.wait_for(waiting)
        if waiting + weight > self._most_waiting or wait > self._longest_wait:
            self.figures.shed += 1
            raise Overloaded(max(1.0, wait - self._longest_wait))
        with self._count:  # askers may sit in several loops
            self._came += weight

    def _wake(self) -> None:
        self._idle = False
        self._bell.put(None)
        if self._thread is None:
            # A daemon: a process that is told to die must not wait for a stuck disk. Nothing acknowledged is at risk.
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()

    # --- in turns with the loop -------------------------------------------------------------------------------------

    def _begin_to_gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Gather a batch in this loop, unless another one that still runs does."""
        if self._gatherer is None or self._gatherer.is_closed():
            self._gatherer = loop
            everybody = self._gathered % PROBING == 0
            loop.call_soon(self._gather, loop, Gathering(self._limit if everybody else self._last, patient=everybody))

    def _gather(self, loop: asyncio.AbstractEventLoop, gathering: Gathering) -> None:
        if not gathering.is_done(len(self._queue)):
            loop.call_soon(self._gather, loop, gathering)
            return
        self._gatherer = None
        self._gathered += 1
        if not self._queue:
            return
        self._baton.offer()
        if self._idle:
            self._wake()
        told = self._baton.take()
        if told is not None:
            _tell(*told, here=loop)
            if self._queue:
                self._begin_to_gather(loop)

    # --- those who waited too long, or left -------------------------------------------------------------------------

    def _begin_to_sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look over the queue from this loop, unless another one that still runs does."""
        if self._sweeper is None or self._sweeper.is_closed():
            self._sweeper = loop
            loop.call_later(SWEEP, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        late = [entry for entry in self._queue.copy() if entry.deadline <= now and self._drop(entry)]
        if late:
            self.figures.shed += len(late)
            wait = max(1.0, self._pace.wait_for(self.waiting))
            _tell(late, [Overloaded(wait) for _ in late])
        if self._queue:
            loop.call_later(SWEEP, self._sweep, loop)
        else:
            self._sweeper = None

    def _drop(self, entry: Entry[T, R]) -> bool:
        """Take the entry out before a batch does; its shell is skipped when the writer comes to it."""
        with self._settling:
            if entry.settled:
                return False
            entry.settled = True
            self._went += entry.weight
        return True

    # --- in the writer's thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                self._pace.begin()
                answers = self._write(batch)
                self._note(batch, self._pace.end())
                self._last = len(batch)
                if self._baton.passes((batch, answers)):
                    self._rest(LEFT_ALONE)
                else:
                    _tell(batch, answers)
        finally:
            self._leave()

    def _next_batch(self) -> list[Entry[T, R]]:
        """Wait for something to write, then take along what else waits; empty when it is time to end."""
        while True:
            batch, late = self._take()
            if late:
                self.figures.shed += len(late)
                _tell(late, [Overloaded(1.0) for _ in late])  # the loop was too busy to notice
            if batch:
                return batch
            if not self._queue:
                if self._closed:
                    return []
                self._rest()

    def _rest(self, longest: float | None = None) -> None:
        """Sleep until somebody asks; who asked since we looked has rung the bell or is seen here.

        With ``longest``, sleep until the loop that gathers wakes us, or has not done so in time.
        """
        self._idle = True
        if not self._closed and (longest or not self._queue):
            with contextlib.suppress(Empty):
                self._bell.get(timeout=longest)
        self._idle = False

    def _take(self) -> tuple[list[Entry[T, R]], list[Entry[T, R]]]:
        """Take the next batch off the queue, and those it is too late for."""
        batch: list[Entry[T, R]] = []
        late: list[Entry[T, R]] = []
        queue, limit, weight, now = self._queue, self._limit, 0, time.monotonic()
        with self._settling:
            while queue:
                entry = queue[0]
                if batch and not entry.settled and weight + entry.weight > limit:
                    break
                queue.popleft()
                if entry.settled:
                    continue
                entry.settled = True
                self._went += entry.weight
                if entry.deadline <= now:
                    late.append(entry)
                    continue
                weight += entry.weight
                batch.append(entry)
        return batch, late

    def _note(self, batch: list[Entry[T, R]], taken: float) -> None:
        self.figures.sizes.note(len(batch))
        self.figures.commits.note(taken)
        self.figures.waits.note(max(0.0, time.monotonic() - taken - batch[0].asked))

    def _write(self, batch: list[Entry[T, R]]) -> Sequence[Answer[R]]:
        try:
            return self._commit_all(batch)
        except BaseException as error:  # noqa: BLE001 — whatever it is, it belongs to the asker
            if len(batch) == 1:
                return [error]
        self.figures.retried += len(batch)
        return [self._write_alone(entry) for entry in batch]

    def _write_alone(self, entry: Entry[T, R]) -> Answer[R]:
        if entry.deadline <= time.monotonic():  # a database that is gone must not be tried 512 times
            return Overloaded(1.0)
        try:
            return self._commit_all([entry])[0]
        except BaseException as error:  # noqa: BLE001 — the thread must outlive it
            return error

    def _commit_all(self, batch: list[Entry[T, R]]) -> Sequence[Answer[R]]:
        results = self._commit([entry.item for entry in batch])
        if len(results) != len(batch):
            message = f"{len(batch)} items, {len(results)} results"
            raise NoAnswer(message)
        return results


def _tell[T, R](
    batch: Sequence[Entry[T, R]], answers: Sequence[Answer[R]], *, here: asyncio.AbstractEventLoop | None = None
) -> None:
    """Wake each loop once, however many of its askers are in the batch; ``here`` is the loop that calls."""
    for loop in {entry.loop for entry in batch}:
        pairs = [pair for pair in zip(batch, answers, strict=True) if pair[0].loop is loop]
        if loop is here:
            _answer_all(pairs)
            continue
        with contextlib.suppress(RuntimeError):  # that loop has ended, and its askers with it
            loop.call_soon_threadsafe(_answer_all, pairs)


def _answer_all[T, R](pairs: Iterable[tuple[Entry[T, R], Answer[R]]]) -> None:
    for entry, answer in pairs:
        entry.answer(answer)
