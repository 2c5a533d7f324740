"""How soon open pages hear of news, by every way there is, and that none of it depends on a ring."""

import asyncio
import time
from collections.abc import Iterator
from typing import Self

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction

from kaiying.gate import tail as gate_tail
from kaiying.gate.tail import Tail
from kaiying.outbox.actions import publish
from kaiying.wire import bus
from kaiying.wire.bus_postgres import Postgres
from kaiying.wire.live import News

ROUNDS = 12
DURABLE = pytest.mark.django_db(transaction=True)


def parameters() -> dict[str, object]:
    given = connection.get_connection_params()
    return {name: value for name, value in given.items() if name not in {"cursor_factory", "context"}}


class Follower:
    """A tail, and what it has brought."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.times: list[float] = []
        self.tail = Tail(self._take, lambda _news: None)

    def __enter__(self) -> Self:
        self.tail.start()
        assert self.tail.ready.wait(5)
        return self

    def __exit__(self, *_given: object) -> None:
        self.tail.join()

    def _take(self, news: list[News]) -> None:
        self.times += [time.monotonic()] * len(news)
        self.news += news

    def wait(self, count: int, *, seconds: float = 5) -> bool:
        until = time.monotonic() + seconds
        while len(self.news) < count and time.monotonic() < until:
            time.sleep(0.001)
        return len(self.news) >= count


@pytest.fixture
def _silent() -> Iterator[None]:
    """Have rings go nowhere, as before there was a bus."""
    bus.configure(None)
    before, bus._bus.ring = bus._bus.ring, lambda: None
    yield
    bus._bus.ring = before
    bus.configure(None)


@pytest.fixture
def _notify() -> Iterator[None]:
    """Carry rings by the database."""
    if connection.vendor != "postgresql":
        pytest.skip("NOTIFY is PostgreSQL's")
    carrier = Postgres(parameters)
    bus.configure(carrier)
    yield
    time.sleep(0.1)
    bus.configure(None)
    carrier.close()


def tell(number: int) -> None:
    with transaction.atomic():
        publish("groups.post_written", channel="group:1", post=number)


def delays(follower: Follower) -> list[float]:
    """Return how long each of some pieces of news took, told at odd moments."""
    found = []
    for number in range(ROUNDS):
        time.sleep(0.06 + 0.017 * number)
        began = time.monotonic()
        tell(number)
        assert follower.wait(number + 1)
        found.append(follower.times[-1] - began)
    return sorted(found)


def shown(way: str, found: list[float]) -> str:
    return f"{connection.vendor}, {way}: news after {found[ROUNDS // 2] * 1000:.1f} ms (median of {ROUNDS}), at most {found[-1] * 1000:.1f}"


@DURABLE
@pytest.mark.figures
@pytest.mark.usefixtures("_silent")
def test_without_rings_news_comes_by_looking() -> None:
    with Follower() as follower:
        found = delays(follower)

    assert found[-1] < 1.0
    print(shown("looking", found))


@DURABLE
@pytest.mark.figures
def test_a_ring_in_the_same_process_brings_news_at_once() -> None:
    with Follower() as follower:
        found = delays(follower)

    print(shown("a ring in this process", found))
    assert found[ROUNDS // 2] < 0.06


@DURABLE
@pytest.mark.figures
@pytest.mark.usefixtures("_notify")
def test_notify_brings_news_at_once() -> None:
    with Follower() as follower:
        assert follower.tail._pause() == gate_tail.SAFETY_SECONDS or _soon(bus.is_up)
        found = delays(follower)

    print(shown("NOTIFY", found))
    assert found[ROUNDS // 2] < 0.06


@DURABLE
@pytest.mark.usefixtures("_notify")
def test_a_rollback_rings_for_nothing_and_tells_nothing() -> None:
    with Follower() as follower:
        with transaction.atomic():
            publish("groups.post_written", channel="group:1", post=1)
            transaction.set_rollback(True)
        tell(2)

        assert follower.wait(1)
        assert [news.facts for news in follower.news] == [{"post": 2}]


@DURABLE
@pytest.mark.usefixtures("_notify")
def test_news_whose_ring_was_lost_comes_all_the_same(monkeypatch) -> None:
    with Follower() as follower:
        assert _soon(bus.is_up)
        monkeypatch.setattr(bus._bus, "ring", lambda: None)
        began = time.monotonic()
        tell(1)

        assert follower.wait(1)
        assert time.monotonic() - began < gate_tail.SAFETY_SECONDS + 0.5


@DURABLE
@pytest.mark.usefixtures("_notify")
def test_twin_without_looking_a_lost_ring_is_lost_news(monkeypatch) -> None:
    monkeypatch.setattr(gate_tail, "SAFETY_SECONDS", 60)
    with Follower() as follower:
        assert _soon(bus.is_up)
        tell(1)
        assert follower.wait(1)
        time.sleep(0.2)
        monkeypatch.setattr(bus._bus, "ring", lambda: None)
        tell(2)

        assert not follower.wait(2, seconds=2)


@DURABLE
def test_a_crowd_of_rings_does_not_make_a_crowd_of_looks(monkeypatch) -> None:
    looks = []
    with Follower() as follower:
        read = follower.tail._read
        monkeypatch.setattr(follower.tail, "_read", lambda: (looks.append(1), read()))
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            bus.ring()
            tell(1)

    assert 1 <= len(looks) <= 0.6 / gate_tail.GAP + 3


@DURABLE
async def test_stopping_does_not_wait_for_the_next_look() -> None:
    follower = Follower()
    await sync_to_async(follower.__enter__)()
    began = time.monotonic()

    await asyncio.get_running_loop().run_in_executor(None, follower.tail.join)

    assert time.monotonic() - began < 0.5
    await sync_to_async(connections.close_all)()


def _soon(true) -> bool:
    until = time.monotonic() + 5
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()
