"""Group commit: order, sizes, poison, bounds, cancelling and closing."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from kaiying.wire.batcher import Batcher, Closed, NoAnswer, Overloaded
from kaiying.wire.pace import Pace


class Ledger:
    """A writer that can be held, and keeps every batch it was given."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.may_go = threading.Event()
        self.may_go.set()
        self.threads: set[int] = set()

    def commit(self, items: list[int]) -> list[int | Exception]:
        self.threads.add(threading.get_ident())
        self.begun.release()
        assert self.may_go.wait(5)
        if any(item < 0 for item in items):
            raise ValueError(items)
        self.batches.append(items)
        return [item * 10 for item in items]

    async def is_writing(self) -> None:
        assert await asyncio.get_running_loop().run_in_executor(None, lambda: self.begun.acquire(timeout=5))

    def hold(self) -> None:
        self.may_go.clear()


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    yield ledger
    ledger.may_go.set()


async def started(*asked: Awaitable[int]) -> list[asyncio.Task[int]]:
    tasks = [asyncio.ensure_future(one) for one in asked]
    await asyncio.sleep(0)
    return tasks  # type: ignore[return-value]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 — what is waited for happens in the writer's thread
            await asyncio.sleep(0.005)


async def test_one_asker_is_a_batch_of_one(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)

    assert await batcher.ask(4) == 40
    assert ledger.batches == [[4]]
    await batcher.close()


async def test_what_waits_while_one_is_written_is_the_next_batch_in_order(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)
    ledger.hold()
    first = await started(batcher.ask(0))
    await ledger.is_writing()
    others = await started(*(batcher.ask(n) for n in range(1, 6)))
    assert batcher.waiting == 5

    ledger.may_go.set()

    assert await asyncio.gather(*first, *others) == [0, 10, 20, 30, 40, 50]
    assert ledger.batches == [[0], [1, 2, 3, 4, 5]]
    assert len(ledger.threads) == 1
    assert batcher.waiting == 0
    await batcher.close()


async def test_a_batch_is_limited_by_weight(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit, limit=6, weigh=lambda item: item)
    ledger.hold()
    first = await started(batcher.ask(1))
    await ledger.is_writing()
    others = await started(*(batcher.ask(n) for n in (2, 3, 4, 9, 1)))

    ledger.may_go.set()
    await asyncio.gather(*first, *others)

    assert ledger.batches == [[1], [2, 3], [4], [9], [1]]
    await batcher.close()


async def test_a_poisoned_item_does_not_fail_its_neighbours(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)
    ledger.hold()
    first = await started(batcher.ask(0))
    await ledger.is_writing()
    others = await started(*(batcher.ask(n) for n in (1, -2, 3)))

    ledger.may_go.set()
    answers = await asyncio.gather(*first, *others, return_exceptions=True)

    assert [answer for answer in answers if not isinstance(answer, ValueError)] == [0, 10, 30]
    assert str(answers[2]) == "[-2]"
    assert ledger.batches == [[0], [1], [3]]
    await batcher.close()


async def test_twin_without_the_second_try_a_poisoned_item_fails_its_neighbours(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ValueError("batch")
    monkeypatch.setattr(Batcher, "_write_alone", lambda _self, _entry: error)
    batcher = Batcher(ledger.commit)
    ledger.hold()
    first = await started(batcher.ask(0))
    await ledger.is_writing()
    others = await started(*(batcher.ask(n) for n in (1, -2, 3)))

    ledger.may_go.set()
    answers = await asyncio.gather(*first, *others, return_exceptions=True)

    assert answers == [0, error, error, error]
    await batcher.close()


async def test_an_item_may_be_answered_with_an_exception_of_its_own() -> None:
    batcher = Batcher[int, int](lambda items: [LookupError(item) if item % 2 else item for item in items])

    answers = await asyncio.gather(*(batcher.ask(n) for n in range(3)), return_exceptions=True)

    assert [answers[0], answers[2]] == [0, 2]
    assert isinstance(answers[1], LookupError)
    await batcher.close()


@pytest.mark.parametrize("error", [SystemExit(1), StopIteration(), KeyboardInterrupt()])
async def test_what_would_end_a_thread_or_a_generator_is_told_as_no_answer(error: BaseException) -> None:
    def commit(_items: list[int]) -> list[int]:
        raise error

    batcher = Batcher[int, int](commit)

    for _ in range(2):
        with pytest.raises(NoAnswer):
            await batcher.ask(1)
    await batcher.close()


async def test_a_commit_that_forgets_someone_is_an_error() -> None:
    batcher = Batcher[int, int](lambda _items: [])

    with pytest.raises(NoAnswer, match="1 items, 0 results"):
        await batcher.ask(1)
    await batcher.close()


async def test_more_than_may_wait_is_refused_with_jitter(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit, most_waiting=3)
    ledger.hold()
    tasks = await started(batcher.ask(0))
    await ledger.is_writing()
    tasks += await started(*(batcher.ask(n) for n in range(3)))

    waits = set()
    for _ in range(5):
        with pytest.raises(Overloaded) as refused:
            await batcher.ask(9)
        waits.add(refused.value.retry_after)

    assert len(waits) == 5
    assert all(1 <= wait <= 2 for wait in waits)
    ledger.may_go.set()
    await asyncio.gather(*tasks)
    assert await batcher.ask(9) == 90
    await batcher.close()


async def test_more_than_can_be_written_in_time_is_refused() -> None:
    def slow(items: list[int]) -> list[int]:
        time.sleep(0.02 * len(items))
        return items

    batcher = Batcher[int, int](slow, limit=4, longest_wait=0.5)
    tasks = await started(*(batcher.ask(n) for n in range(12)))
    await until(lambda: batcher.waiting == 0)
    await asyncio.gather(*tasks)

    answers = await asyncio.gather(*(batcher.ask(n) for n in range(200)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, Overloaded)]
    assert 150 < len(refused) < 195
    await batcher.close()


async def test_who_waited_too_long_is_refused_and_never_written(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)
    ledger.hold()
    first = await started(batcher.ask(0))
    await ledger.is_writing()

    with pytest.raises(Overloaded):
        await batcher.ask(1, patience=0.02)

    assert batcher.waiting == 0
    ledger.may_go.set()
    assert await first[0] == 0
    await batcher.close()
    assert ledger.batches == [[0]]


async def test_who_hangs_up_is_never_written(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)
    ledger.hold()
    tasks = await started(batcher.ask(0))
    await ledger.is_writing()
    tasks += await started(batcher.ask(1), batcher.ask(2))

    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    assert batcher.waiting == 1
    ledger.may_go.set()

    assert await tasks[2] == 20
    assert ledger.batches == [[0], [2]]
    await batcher.close()


async def test_twin_without_dropping_the_one_who_hung_up_is_written(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Batcher, "_drop", lambda _self, _entry: False)
    batcher = Batcher(ledger.commit)
    ledger.hold()
    tasks = await started(batcher.ask(0))
    await ledger.is_writing()
    tasks += await started(batcher.ask(1), batcher.ask(2))

    tasks[1].cancel()
    ledger.may_go.set()
    await tasks[2]

    assert ledger.batches == [[0], [1, 2]]
    await batcher.close()


async def test_who_hangs_up_in_the_middle_of_a_commit_disturbs_nobody(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)
    ledger.hold()
    tasks = await started(batcher.ask(0))
    await ledger.is_writing()
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)

    ledger.may_go.set()

    assert await batcher.ask(1) == 10
    assert ledger.batches == [[0], [1]]
    await batcher.close()


async def test_closing_writes_what_waits_and_refuses_what_comes(ledger: Ledger) -> None:
    left = threading.Event()
    batcher = Batcher(ledger.commit, limit=2, leave=left.set)
    ledger.hold()
    tasks = await started(batcher.ask(0))
    await ledger.is_writing()
    tasks += await started(*(batcher.ask(n) for n in range(1, 6)))
    closing = asyncio.ensure_future(batcher.close())
    await asyncio.sleep(0)

    with pytest.raises(Closed):
        await batcher.ask(9)
    ledger.may_go.set()
    await closing

    assert await asyncio.gather(*tasks) == [0, 10, 20, 30, 40, 50]
    assert ledger.batches == [[0], [1, 2], [3, 4], [5]]
    assert left.is_set()
    await batcher.close()


async def test_a_batcher_nobody_asked_closes_at_once() -> None:
    await Batcher[int, int](lambda items: items).close()


async def test_many_askers_are_few_commits() -> None:
    commits = []

    def commit(items: list[int]) -> list[int]:
        commits.append(len(items))
        time.sleep(0.002)
        return items

    batcher = Batcher[int, int](commit)

    assert await asyncio.gather(*(batcher.ask(n) for n in range(2000))) == list(range(2000))
    assert sum(commits) == 2000
    assert len(commits) < 20
    await batcher.close()


def test_a_crowd_at_a_quiet_writer_is_not_refused_for_what_a_single_item_took() -> None:
    pace = Pace(limit=512)
    pace.begin()
    time.sleep(0.01)
    pace.end()

    assert pace.wait_for(511) == 0
    assert 0.01 <= pace.wait_for(512) < 0.5
    assert pace.wait_for(9 * 512) == pytest.approx(5 * pace.wait_for(512))


def test_whoever_is_in_the_next_batch_waits_for_the_one_at_hand_however_slow_the_disk_is() -> None:
    pace = Pace(limit=512)
    pace.begin()
    time.sleep(0.05)
    pace.end()
    pace.begin()

    assert 0 < pace.wait_for(511) < 0.1
    assert pace.wait_for(512) > 0.1


def test_a_commit_that_is_stuck_counts_as_waiting() -> None:
    pace = Pace(limit=512)
    pace.begin()
    time.sleep(0.01)

    assert pace.wait_for(0) >= 0.01


async def test_a_newcomer_to_a_queue_that_is_too_long_is_refused_at_once(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit, most_waiting=100)
    ledger.hold()
    tasks = await started(batcher.ask(0))
    await ledger.is_writing()
    tasks += await started(*(batcher.ask(n) for n in range(100)))

    begun = time.perf_counter()
    refused = await asyncio.gather(*(batcher.ask(n) for n in range(200)), return_exceptions=True)

    assert {type(one) for one in refused} == {Overloaded}
    assert time.perf_counter() - begun < 0.1
    ledger.may_go.set()
    assert len(await asyncio.gather(*tasks)) == 101
    await batcher.close()


async def test_one_who_is_patient_does_not_hide_one_who_is_not(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)
    ledger.hold()
    tasks = await started(batcher.ask(0))
    await ledger.is_writing()
    tasks += await started(batcher.ask(1, patience=30))

    begun = time.perf_counter()
    with pytest.raises(Overloaded):
        await batcher.ask(2, patience=0.01)

    assert time.perf_counter() - begun < 0.5
    ledger.may_go.set()
    assert await asyncio.gather(*tasks) == [0, 10]
    await batcher.close()
    assert ledger.batches == [[0], [1]]


async def test_who_is_late_when_the_writer_comes_is_not_written(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop was too busy to look over the queue."""
    monkeypatch.setattr(Batcher, "_begin_to_sweep", lambda _self, _loop: None)
    batcher = Batcher(ledger.commit)
    ledger.hold()
    tasks = await started(batcher.ask(0))
    await ledger.is_writing()
    late = await started(batcher.ask(1, patience=0.01))
    await asyncio.sleep(0.02)

    ledger.may_go.set()

    with pytest.raises(Overloaded):
        await late[0]
    assert await tasks[0] == 0
    assert await batcher.ask(2) == 20
    assert ledger.batches == [[0], [2]]
    assert (batcher.waiting, batcher.figures.shed) == (0, 1)
    await batcher.close()


async def test_askers_of_several_loops_are_answered_each_in_their_own(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)

    def elsewhere(start: int) -> list[int]:
        async def ask_all() -> list[int]:
            return list(await asyncio.gather(*(batcher.ask(start + n) for n in range(200))))

        return asyncio.run(ask_all())

    loop = asyncio.get_running_loop()
    answers = await asyncio.gather(*(loop.run_in_executor(None, elsewhere, place * 1000) for place in range(3)))

    assert answers == [[(place * 1000 + n) * 10 for n in range(200)] for place in range(3)]
    assert batcher.waiting == 0
    await batcher.close()


async def test_the_figures_tell_sizes_waits_and_commits(ledger: Ledger) -> None:
    batcher = Batcher(ledger.commit)
    ledger.hold()
    tasks = await started(batcher.ask(0))
    await ledger.is_writing()
    tasks += await started(*(batcher.ask(n) for n in range(5)))
    await asyncio.sleep(0.03)
    ledger.may_go.set()
    await asyncio.gather(*tasks)
    await batcher.close()

    figures = batcher.figures
    assert (figures.sizes.count, figures.sizes.total) == (2, 6)
    assert figures.waits.count == figures.commits.count == 2
    assert figures.waits.quantile(1) >= 0.03
    assert 0.03 <= figures.commits.total < 1
    assert (figures.shed, figures.retried) == (0, 0)


@pytest.mark.figures
async def test_what_an_item_costs_beside_a_bare_future() -> None:
    batcher = Batcher[int, int](lambda items: items)
    loop = asyncio.get_running_loop()

    async def ask(times: int) -> None:
        for _ in range(times):
            await batcher.ask(1)

    async def bare(times: int) -> None:
        for _ in range(times):
            future = loop.create_future()
            loop.call_soon(future.set_result, 1)
            await future

    async def cost(act: Callable[[int], Awaitable[None]]) -> float:
        begun = time.process_time()
        await asyncio.gather(*(act(40) for _ in range(256)))
        return (time.process_time() - begun) / (40 * 256) * 1e6

    asked, plain = min([await cost(ask) for _ in range(3)]), min([await cost(bare) for _ in range(3)])
    await batcher.close()

    print(f"{asked:.1f} µs of CPU an item, {plain:.1f} µs of them for a future and a turn of the loop")
    assert asked < plain + 30
