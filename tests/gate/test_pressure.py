"""A loop that cannot keep up refuses before it reads, and lets more in again when it is in time."""

import asyncio
import time

import pytest

from kaiying.gate import pressure as pressures
from kaiying.gate.hot import HotPost
from kaiying.gate.pressure import FEWEST, LATE, LOOK, MOST, TOO_MANY_CLAIMS, Pressure, busy
from kaiying.gate.refusals import Reply
from kaiying.gate.request import Gone
from kaiying.wire.batcher import Batcher
from tests.gate.caller import Call, call


def entered(pressure: Pressure, count: int) -> int:
    return sum([pressure.enter() for _ in range(count)])


async def test_a_loop_in_time_lets_everybody_in() -> None:
    pressure = Pressure()

    assert entered(pressure, 5_000) == 5_000
    await asyncio.sleep(3 * LOOK)
    assert (pressure.limit, pressure.refused, pressure.enter()) == (MOST, 0, True)


async def test_a_loop_that_is_late_twice_halves_what_is_on_its_way() -> None:
    pressure = Pressure()
    entered(pressure, 5_000)
    loop = asyncio.get_running_loop()

    for _ in range(2):
        pressure._look(loop, loop.time() - 2 * LATE)

    assert pressure.limit == 2_500
    assert (entered(pressure, 10), pressure.refused) == (0, 10)
    for _ in range(2_600):
        pressure.leave()
    assert entered(pressure, 1_000) == 100


async def test_being_late_once_is_an_accident() -> None:
    pressure = Pressure()
    entered(pressure, 5_000)
    loop = asyncio.get_running_loop()

    for late in (2, 0, 2, 0):
        pressure._look(loop, loop.time() - late * LATE)

    assert pressure.limit == MOST


async def test_however_late_it_is_a_batch_of_people_may_always_come() -> None:
    pressure = Pressure()
    entered(pressure, 5_000)
    loop = asyncio.get_running_loop()

    for _ in range(20):
        pressure._look(loop, loop.time() - 10)

    assert pressure.limit == FEWEST


async def test_the_room_grows_again_by_and_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressures, "MOST", 3_000)
    monkeypatch.setattr(pressures, "MORE", 1_000)
    monkeypatch.setattr(pressures, "LOOK", 0.01)
    pressure = Pressure()
    pressure.limit = FEWEST
    pressure.enter()

    await asyncio.sleep(0.5)

    assert pressure.limit == 3_000
    assert pressure._looking is None  # nobody came any more, so nobody looks


async def test_a_loop_that_is_really_held_up_is_noticed() -> None:
    pressure = Pressure()
    entered(pressure, 5_000)

    for _ in range(4):  # whatever else the machine does, each look falls behind one of these
        time.sleep(LATE + 2 * LOOK)  # noqa: ASYNC251 — what holds a loop up
        await asyncio.sleep(0)

    assert pressure.limit < 5_000


async def test_who_is_slow_to_send_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kaiying.gate.hot.SWEEP", 0.05)

    async def answer(_asking: object) -> Reply:
        return Reply(200, b"{}")

    pressure = Pressure()
    hot = HotPost(answer, largest_body=100, pressure=pressure, busy=TOO_MANY_CLAIMS)
    pressure.limit = 5
    monkeypatch.setattr(pressures, "MORE", 0)
    dawdlers = [Call(hot, "POST", "/", {"content-length": "9"}, b"12") for _ in range(5)]
    for one in dawdlers:
        one._inbox.get_nowait()
    await asyncio.sleep(0)
    full = await call(hot, "POST", "/", headers={"content-length": "2"}, body=b"{}")
    await asyncio.sleep(0.3)
    later = await call(hot, "POST", "/", headers={"content-length": "2"}, body=b"{}")
    for one in dawdlers:
        one.hang_up()
        await one.task
    await asyncio.sleep(0.2)

    assert [full.status, later.status] == [503, 200]
    assert (pressure.inside, pressure.dawdling) == (0, 0)


async def test_a_refusal_reads_nothing_and_says_when_to_come_again(gate) -> None:
    gate.pressure.limit = 0
    read = []

    async def receive() -> dict:
        read.append(1)
        raise Gone

    said = []

    async def send(message: dict) -> None:
        said.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/gate/claims",
        "headers": [(b"accept-language", b"en"), (b"content-length", b"50")],
    }  # fmt: skip
    await gate(scope, receive, send)

    assert read == []
    assert said[0]["status"] == 503
    assert int(dict(said[0]["headers"])[b"retry-after"]) in {2, 3, 4}
    assert b"Nothing was taken" in said[1]["body"]
    assert gate.pressure.inside == 0


async def test_another_method_is_told_so_under_any_pressure(gate) -> None:
    gate.pressure.limit = 0

    assert (await call(gate, "GET", "/gate/claims")).status == 405
    assert gate.pressure.refused == 0


def test_those_who_are_refused_together_do_not_come_back_together() -> None:
    assert len({busy(TOO_MANY_CLAIMS, "zh-hans").body for _ in range(300)}) > 100
    assert b'"retry_after":60.0' in busy(TOO_MANY_CLAIMS, "en", 4_000).body


async def test_a_full_queue_refuses_reservations_unread(gate) -> None:
    gate.reservations._queue = Batcher(list, most_waiting=0)

    answer = await call(gate, "POST", "/gate/reservations", headers={"accept-language": "en"}, body=b"?")

    assert (answer.status, answer.json()["code"]) == (503, "overloaded")
