"""Group commit: many asked, one writes, and an answer means that it is durable.

Whoever asks waits in one queue. One thread takes what waits, up to a limit, commits it as one transaction, and answers
everyone in it; the next batch opens when the last one is committed. So with little load a batch is one item and waits
for nobody, and with much load batches grow by themselves.

``commit(items)`` returns one result per item, in order; a result that is an exception is raised to its asker. If it
raises, every item is tried again alone: one that cannot be written must not take its neighbours along. So ``commit``
must be idempotent, as every action on a hot path is.
"""

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from kaiying.wire.pace import Pace

MOST_WAITING = 20_000
LONGEST_WAIT = 2.0
PATIENCE = 5.0

type Commit[T, R] = Callable[[list[T]], Sequence[R | Exception]]
type Answer[R] = R | BaseException


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


@dataclass(slots=True, eq=False)
class Entry[T, R]:
    """One asker's item on its way; whoever gets ``mine`` first decides: the writer takes it or the asker drops it."""

    item: T
    weight: int
    loop: asyncio.AbstractEventLoop
    waiter: asyncio.Future[R]
    deadline: float
    mine: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        """Claim the entry; only the first call succeeds."""
        return self.mine.acquire(blocking=False)

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


class Batcher[T, R]:
    """Collects what is asked and has one thread commit it in batches."""

    def __init__(
        self,
        commit: Commit[T, R],
        *,
        limit: int = 512,
        most_waiting: int = MOST_WAITING,
        longest_wait: float = LONGEST_WAIT,
        weigh: Callable[[T], int] = lambda _item: 1,
        leave: Callable[[], None] = lambda: None,
        name: str = "batcher",
    ) -> None:
        """Bound batches and the queue by the summed weight of items; ``leave`` runs in the thread at its end."""
        self._commit, self._weigh, self._leave, self._name = commit, weigh, leave, name
        self._limit, self._most_waiting, self._longest_wait = limit, most_waiting, longest_wait
        self._queue: SimpleQueue[Entry[T, R] | None] = SimpleQueue()
        self._left_over: Entry[T, R] | None = None
        self._pace = Pace(limit=limit)
        self._waiting = 0
        self._count = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """How much waits, by weight, without the batch being written."""
        return self._waiting

    async def ask(self, item: T, *, patience: float = PATIENCE) -> R:
        """Have ``item`` written and return its result.

        Raises ``Overloaded`` if it cannot be written within the bounds or was not begun within ``patience`` seconds;
        then nothing was written. A cancelled asker's item is not written either, unless its batch has begun.
        """
        loop = asyncio.get_running_loop()
        weight = self._weigh(item)
        self._admit(weight)
        entry = Entry[T, R](item, weight, loop, loop.create_future(), time.monotonic() + patience)
        self._queue.put(entry)
        self._start()
        timer = loop.call_later(patience, self._give_up, entry)
        try:
            return await entry.waiter
        except asyncio.CancelledError:
            self._drop(entry)
            raise
        finally:
            timer.cancel()

    async def close(self) -> None:
        """Refuse what comes, write what waits, and end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _admit(self, weight: int) -> None:
        if self._closed:
            raise Closed
        wait = self._pace.wait_for(self._waiting)
        if self._waiting + weight > self._most_waiting or wait > self._longest_wait:
            raise Overloaded(max(1.0, wait - self._longest_wait))
        with self._count:
            self._waiting += weight

    def _start(self) -> None:
        if self._thread is None:
            # A daemon: a process that is told to die must not wait for a stuck disk. Nothing acknowledged is at risk.
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def _give_up(self, entry: Entry[T, R]) -> None:
        if self._drop(entry):
            entry.answer(Overloaded(max(1.0, self._pace.wait_for(self._waiting))))

    def _drop(self, entry: Entry[T, R]) -> bool:
        """Take the entry out before a batch does; its shell is skipped when the writer comes to it."""
        dropped = entry.take()
        if dropped:
            self._leave_queue(entry)
        return dropped

    def _leave_queue(self, entry: Entry[T, R]) -> None:
        with self._count:
            self._waiting -= entry.weight

    # --- in the writer's thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                self._pace.begin()
                answers = self._write(batch)
                self._pace.end()
                _tell(batch, answers)
        finally:
            self._leave()

    def _next_batch(self) -> list[Entry[T, R]]:
        """Wait for something to write, then take along what else waits; empty when it is time to end."""
        batch: list[Entry[T, R]] = []
        weight = 0
        while (entry := self._next_entry(wait=not batch)) is not None:
            if batch and weight + entry.weight > self._limit:
                self._left_over = entry
                break
            if self._claim(entry):
                batch.append(entry)
                weight += entry.weight
        return batch

    def _next_entry(self, *, wait: bool) -> Entry[T, R] | None:
        entry = self._left_over
        if entry is not None:
            self._left_over = None
            return entry
        try:
            entry = self._queue.get(block=wait)
        except Empty:
            return None
        if entry is None and not wait:
            self._queue.put(None)  # the end comes after this batch
        return entry

    def _claim(self, entry: Entry[T, R]) -> bool:
        if not entry.take():
            return False
        self._leave_queue(entry)
        if entry.deadline > time.monotonic():
            return True
        _tell([entry], [Overloaded(1.0)])  # the loop was too busy to notice
        return False

    def _write(self, batch: list[Entry[T, R]]) -> Sequence[Answer[R]]:
        try:
            return self._commit_all(batch)
        except BaseException as error:  # noqa: BLE001 — whatever it is, it belongs to the asker
            if len(batch) == 1:
                return [error]
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


def _tell[T, R](batch: Sequence[Entry[T, R]], answers: Sequence[Answer[R]]) -> None:
    """Wake each loop once, however many of its askers are in the batch."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Entry[T, R], Answer[R]]]] = {}
    for entry, answer in zip(batch, answers, strict=True):
        by_loop.setdefault(entry.loop, []).append((entry, answer))
    for loop, pairs in by_loop.items():
        with contextlib.suppress(RuntimeError):  # that loop has ended, and its askers with it
            loop.call_soon_threadsafe(_answer_all, pairs)


def _answer_all[T, R](pairs: list[tuple[Entry[T, R], Answer[R]]]) -> None:
    for entry, answer in pairs:
        entry.answer(answer)
