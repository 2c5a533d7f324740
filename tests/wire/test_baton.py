"""A loop and its writer in turns: who stands still, for how long, and that nobody's answer is lost on the way."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from kaiying.wire import baton
from kaiying.wire.batcher import CROWD, Batcher


class Ledger:
    """A writer that keeps its batches, and takes as long as it is told."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.seconds = 0.0
        self.stood_still: list[bool] = []
        self._beats = 0

    def commit(self, items: list[int]) -> list[int | Exception]:
        before = self._beats
        time.sleep(self.seconds)
        self.stood_still.append(self._beats - before <= 1)
        self.sizes.append(len(items))
        return [item * 10 for item in items]

    @property
    def stands_rarely(self) -> bool:
        """Whether the loop went on during most batches; a busy machine may keep it from that now and then."""
        return sum(self.stood_still) * 2 < len(self.stood_still)

    async def beat(self) -> None:
        """Count turns of the loop; a loop that stands still counts none."""
        while True:
            self._beats += 1
            await asyncio.sleep(0)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


async def callers(batcher: Batcher[int, int], count: int, *, rounds: int) -> None:
    """Let so many ask at once, each again as soon as they are answered."""

    async def one(who: int) -> None:
        for turn in range(rounds):
            item = who * 1000 + turn
            assert await batcher.ask(item) == item * 10

    await asyncio.gather(*(one(who) for who in range(count)))


async def test_a_crowd_is_gathered_whole_and_the_loop_stands_still_for_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baton, "LONGEST", 5.0)  # a busy machine is no slow disk
    monkeypatch.setattr(baton, "GATHER", 5.0)
    batcher = Batcher(ledger.commit, in_turns=True)
    ledger.seconds = 0.005
    beating = asyncio.ensure_future(ledger.beat())

    await callers(batcher, 40, rounds=10)
    await batcher.close()
    beating.cancel()

    # The first batches come before it is known that there is a crowd, and fall apart; what is short then stays short.
    assert sum(size >= 38 for size in ledger.sizes) >= 7
    assert sum(ledger.stood_still) >= 7


async def test_the_twin_that_does_not_work_in_turns_never_stands_still(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)
    ledger.seconds = 0.005
    beating = asyncio.ensure_future(ledger.beat())

    await callers(batcher, 40, rounds=10)
    await batcher.close()
    beating.cancel()

    assert ledger.stands_rarely


async def test_a_few_people_are_not_waited_for(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit, in_turns=True)
    ledger.seconds = 0.005
    beating = asyncio.ensure_future(ledger.beat())

    await callers(batcher, CROWD - 1, rounds=10)
    await batcher.close()
    beating.cancel()

    assert ledger.stands_rarely


async def test_a_slow_disk_holds_the_loop_up_once_and_for_a_moment(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stood: list[float] = []
    take = baton.Baton.take

    def clocked(self: baton.Baton[object]) -> object:
        begun = time.monotonic()
        try:
            return take(self)
        finally:
            stood.append(time.monotonic() - begun)

    monkeypatch.setattr(baton.Baton, "take", clocked)
    batcher = Batcher(ledger.commit, in_turns=True)
    await callers(batcher, 40, rounds=3)
    stood.clear()
    ledger.seconds = 0.2

    await callers(batcher, 40, rounds=4)
    await batcher.close()

    assert len(stood) == 1, "within a second it is not tried again"
    assert baton.LONGEST <= stood[0] < ledger.seconds


async def test_more_than_a_batch_holds_is_answered_in_several(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit, in_turns=True, limit=16)

    await callers(batcher, 100, rounds=5)
    await batcher.close()

    assert sum(ledger.sizes) == 500
    assert max(ledger.sizes) == 16


async def test_what_fails_is_told_to_those_who_asked(ledger: Ledger) -> None:
    def commit(items: list[int]) -> list[int | Exception]:
        if any(item % 1000 == 3 for item in items):
            raise ValueError(items)
        return ledger.commit(items)

    batcher = Batcher(commit, in_turns=True)
    answers: list[object] = []
    for turn in range(5):
        asked = (batcher.ask(who * 1000 + turn) for who in range(20))
        answers += await asyncio.gather(*asked, return_exceptions=True)
    await batcher.close()

    assert sum(isinstance(one, ValueError) for one in answers) == 20
    assert sum(isinstance(one, int) for one in answers) == 80


def test_two_loops_share_one_writer(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit, in_turns=True)
    done: list[bool] = []

    def live() -> None:
        asyncio.run(callers(batcher, 30, rounds=20))
        done.append(True)

    threads = [threading.Thread(target=live) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(done) == 3
    assert sum(ledger.sizes) == 3 * 30 * 20


def test_a_loop_that_ends_while_it_gathers_holds_nobody_up(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit, in_turns=True)
    asyncio.run(callers(batcher, 30, rounds=3))

    async def leave() -> None:
        left = [asyncio.ensure_future(batcher.ask(number)) for number in range(20)]
        await asyncio.sleep(0)
        for one in left:
            one.cancel()

    asyncio.run(leave())

    asyncio.run(asyncio.wait_for(callers(batcher, 30, rounds=3), 5))


async def test_closing_writes_what_was_being_gathered(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit, in_turns=True)
    await callers(batcher, 30, rounds=2)

    asked = [asyncio.ensure_future(batcher.ask(number)) for number in range(20)]
    await asyncio.sleep(0)
    await batcher.close()

    assert await asyncio.gather(*asked) == [number * 10 for number in range(20)]


@pytest.mark.parametrize(
    ("comes", "naps"),
    [((5, 20), 1), ((5, 5, 5), 2), ((5, 6, 7, 8, 8, 8), 5)],
    ids=["everybody is here", "nobody new", "one by one, then nobody"],
)
def test_a_batch_is_gathered_while_somebody_comes(
    comes: tuple[int, ...], naps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    gathering = baton.Gathering(20, patient=False)
    looks: Callable[[], bool] = iter([gathering.is_done(waiting) for waiting in comes]).__next__

    assert [looks() for _ in comes] == [False] * (len(comes) - 1) + [True]
    assert len(slept) == naps
