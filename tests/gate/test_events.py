"""The stream of live events: who may listen, what is told, and how it ends."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from kaiying.gate import events as gate_events
from kaiying.gate.tail import Tail
from kaiying.outbox.actions import publish
from kaiying.outbox.models import Event
from kaiying.wire import clock
from kaiying.wire.live import Hub
from kaiying.wire.tickets import events_ticket
from tests.gate.caller import call, stream
from tests.gate.conftest import as_user

GROUP = "group:1"


def address(*channels: str, user_id: int = 7, after: int | None = None, at: datetime | None = None) -> str:
    ticket = events_ticket(channels or [GROUP], user_id=user_id, at=at or clock.now())
    return f"/events?ticket={ticket}" + (f"&after={after}" if after is not None else "")


@sync_to_async
def tell(name: str = "groups.post_written", channel: str = GROUP, **facts) -> int:
    with transaction.atomic():
        publish(name, channel=channel, **facts)
    return Event.objects.filter(name=name, channel=channel).latest("id").pk


async def test_what_happens_is_told_to_who_listens(live_gate, signed_in) -> None:
    async with stream(live_gate, address(), headers=signed_in) as listening:
        # Once the first has come, what was missed has been read, and what follows comes from the tail with its own id.
        await tell(post=4, text="开营")
        await listening.until("开营")
        event_id = await tell(post=5, text="第一天")
        await tell(channel="group:2", post=6)
        body = await listening.until("第一天")

    assert f"id: {event_id}\n" in body
    _first, message = listening.messages()
    assert datetime.fromisoformat(message.pop("at")).tzinfo is not None
    assert message == {
        "id": event_id,
        "name": "groups.post_written",
        "channel": GROUP,
        "facts": {"post": 5, "text": "第一天"},
    }
    assert listening.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert listening.answer.headers["cache-control"] == "no-store"
    assert listening.answer.headers["x-content-type-options"] == "nosniff"
    assert len(live_gate.hub) == 0


async def test_what_was_missed_is_told_first_and_nothing_twice(live_gate, signed_in) -> None:
    first = await tell(post=1)
    await tell(post=2)
    await tell(channel="group:2", post=3)

    async with stream(live_gate, address(after=first), headers=signed_in) as listening:
        await listening.until('"post":2')
        await tell(post=4)
        await listening.until('"post":4')
        await asyncio.sleep(0.25)

    assert [message["facts"]["post"] for message in listening.messages()] == [2, 4]


async def test_the_browsers_last_id_wins_over_the_address(live_gate, signed_in) -> None:
    await tell(post=1)
    second = await tell(post=2)
    await tell(post=3)

    headers = {**signed_in, "last-event-id": str(second)}
    async with stream(live_gate, address(after=0), headers=headers) as listening:
        await listening.until('"post":3')

    assert [message["facts"]["post"] for message in listening.messages()] == [3]


async def test_too_much_missed_is_a_catch_up(live_gate, signed_in, monkeypatch) -> None:
    monkeypatch.setattr(gate_events, "MOST_MISSED", 2)
    for post in range(4):
        last = await tell(post=post)
    await asyncio.sleep(0.25)

    async with stream(live_gate, address(after=0), headers=signed_in) as listening:
        await listening.until("catch-up")
        await tell(post=9)
        await listening.until('"post":9')

    assert [(message["id"], message["name"]) for message in listening.messages()] == [
        (last, "catch-up"),
        (last + 1, "groups.post_written"),
    ]


async def test_without_a_last_id_the_past_is_not_told_but_the_place_is(live_gate, signed_in, monkeypatch) -> None:
    monkeypatch.setattr(gate_events, "SLACK", 0.0)
    live_gate.tail._floors = [(clock.real() - 10, 0)]
    last = await tell(post=1)
    await asyncio.sleep(0.25)
    async with stream(live_gate, address(), headers=signed_in) as listening:
        body = await listening.until(f"id: {last}\n")

    assert "post" not in body


async def test_what_happens_between_a_page_and_its_stream_is_told(live_gate, signed_in) -> None:
    page = address()
    await tell(post=1)
    await asyncio.sleep(0.25)

    async with stream(live_gate, page, headers=signed_in) as listening:
        await listening.until('"post":1')

    assert len(listening.messages()) == 1


async def test_twin_from_the_end_of_the_table_it_would_be_missed(live_gate, signed_in, monkeypatch) -> None:
    page = address()
    await tell(post=1)
    await asyncio.sleep(0.25)
    monkeypatch.setattr(type(live_gate.tail), "floor_at", lambda self, _moment: self.floor)

    async with stream(live_gate, page, headers=signed_in) as listening:
        await listening.until("id:")
        await tell(post=2)
        await listening.until('"post":2')

    assert [message["facts"]["post"] for message in listening.messages()] == [2]


def test_the_floor_of_a_moment_is_the_last_one_known_then(live_gate_tail) -> None:
    tail = live_gate_tail
    assert tail.floor_at(5.0) is None

    tail._floors = [(10.0, 1), (20.0, 5), (30.0, 9)]

    assert [tail.floor_at(moment) for moment in (5.0, 10.0, 19.9, 20.0, 99.0)] == [1, 1, 1, 5, 9]


@pytest.fixture
def live_gate_tail() -> Tail:
    return Tail(lambda _news: None, lambda _news: None)


async def test_news_rolled_back_is_never_told(live_gate, signed_in) -> None:
    @sync_to_async
    def fail() -> None:
        with transaction.atomic():
            publish("groups.post_written", channel=GROUP, post=666)
            transaction.set_rollback(True)

    async with stream(live_gate, address(), headers=signed_in) as listening:
        await listening.until("retry")
        await fail()
        await tell(post=1)
        body = await listening.until('"post":1')

    assert "666" not in body


async def test_news_is_quick(live_gate, signed_in) -> None:
    async with stream(live_gate, address(), headers=signed_in) as listening:
        await listening.until("retry")
        begun = asyncio.get_running_loop().time()
        await tell(post=1)
        await listening.until('"post":1')

    assert asyncio.get_running_loop().time() - begun < 0.6


async def test_taking_access_back_cuts_the_stream_at_once(live_gate, signed_in) -> None:
    before = address(GROUP, "learner:7")
    async with (
        stream(live_gate, before, headers=signed_in) as group,
        stream(live_gate, address("learner:7"), headers=signed_in) as own,
        stream(live_gate, address(user_id=8), headers=as_user(8)) as other,
    ):
        for one in (group, own, other):
            await one.until("retry")
        await tell("people.access_revoked", "learner:7", user=7, channels=[GROUP])
        await group.until("event: revoked")
        async with asyncio.timeout(1):
            await group.task
        await tell(post=1)
        await other.until('"post":1')
        assert not own.task.done()

    assert "post" not in group.answer.body.decode()
    refused = await call(live_gate, "GET", before, headers=signed_in)
    assert (refused.status, refused.json()["code"]) == (403, "revoked")


async def test_twin_without_revoking_the_stream_goes_on(live_gate, signed_in, monkeypatch) -> None:
    monkeypatch.setattr(Hub, "revoke", lambda *_args, **_facts: None)
    async with stream(live_gate, address(GROUP), headers=signed_in) as listening:
        await listening.until("retry")
        await tell("people.access_revoked", "learner:7", user=7, channels=[GROUP])
        await tell(post=1)
        await listening.until('"post":1')


async def test_what_was_taken_back_before_a_restart_stays_taken_back(live_gate, transactional_db, signed_in) -> None:
    before = address(GROUP)
    await tell("people.access_revoked", "learner:7", user=7)
    again = type(live_gate)(pages=live_gate._pages, assets=live_gate._assets)
    again._start(asyncio.get_running_loop())
    await asyncio.get_running_loop().run_in_executor(None, again.tail.ready.wait, 5)
    await asyncio.sleep(0.01)

    assert (await call(again, "GET", before, headers=signed_in)).status == 403
    await again.close()


async def test_a_stream_ends_with_its_ticket(live_gate, signed_in) -> None:
    nearly_over = clock.now() - timedelta(minutes=10) + timedelta(seconds=0.4)
    async with stream(live_gate, address(at=nearly_over), headers=signed_in) as listening:
        await listening.until("event: expired", seconds=2)
        async with asyncio.timeout(1):
            await listening.task

    assert listening.answer.ended
    assert (await call(live_gate, "GET", address(at=nearly_over), headers=signed_in)).status == 401


async def test_a_quiet_stream_says_that_it_is_there(live_gate, signed_in, monkeypatch) -> None:
    monkeypatch.setattr(gate_events, "HEARTBEAT", 0.05)
    async with stream(live_gate, address(), headers=signed_in) as listening:
        await listening.until(": here\n\n: here\n\n", seconds=2)


async def test_streams_end_at_once_when_the_process_is_told_to_stop(live_gate, signed_in) -> None:
    async with stream(live_gate, address(), headers=signed_in) as listening:
        await listening.until("retry")
        live_gate.stop()
        async with asyncio.timeout(1):
            await listening.task

    assert listening.answer.ended
    refused = await call(live_gate, "GET", address(), headers=signed_in)
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0


async def test_who_hangs_up_is_forgotten(live_gate, signed_in) -> None:
    async with stream(live_gate, address(), headers=signed_in) as listening:
        await listening.until("retry")
        assert len(live_gate.hub) == 1
        listening.hang_up()
        async with asyncio.timeout(1):
            await listening.task

    assert len(live_gate.hub) == 0


async def test_one_person_has_so_many_streams_and_no_more(live_gate, signed_in) -> None:
    live_gate.hub._most_each = 1
    async with stream(live_gate, address(), headers=signed_in) as listening:
        await listening.until("retry")

        refused = await call(live_gate, "GET", address(), headers=signed_in)

        assert (refused.status, refused.json()["code"]) == (503, "too_many_streams")
        assert int(refused.headers["retry-after"]) >= 1
        async with stream(live_gate, address(user_id=8), headers=as_user(8)) as other:
            await other.until("retry")


async def test_anyone_may_listen_to_what_is_public(live_gate) -> None:
    async with stream(live_gate, address("offer:3", user_id=0)) as listening:
        await listening.until("retry")
        await tell("offers.seat_held", "offer:3", free=41)
        await listening.until('"free":41')


@pytest.mark.parametrize("headers", [{}, {"cookie": "ky_pass=nonsense"}])
async def test_a_ticket_is_for_who_is_named_on_it(gate, headers) -> None:
    refused = await call(gate, "GET", address(), headers=headers)

    assert (refused.status, refused.json()["code"]) == (401, "no_ticket")


async def test_the_ticket_of_another_person_is_refused(gate) -> None:
    assert (await call(gate, "GET", address(user_id=7), headers=as_user(8))).status == 401


@pytest.mark.parametrize("url", ["/events", "/events?ticket=", "/events?ticket=1.a.b.c", "/events?ticket=%00%ff"])
async def test_nonsense_is_no_ticket(gate, signed_in, url) -> None:
    assert (await call(gate, "GET", url, headers=signed_in)).status == 401


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30, "٣"])
async def test_a_last_id_is_a_number(gate, signed_in, last) -> None:
    answer = await call(gate, "GET", address() + f"&after={last}", headers=signed_in)

    assert (answer.status, answer.json()["code"]) == (400, "bad_id")


async def test_a_signed_out_person_hears_nothing_even_with_the_old_cookie(gate, signed_in) -> None:
    gate.revocations.note({"user": 7, "everywhere": True}, moment=clock.real())

    assert (await call(gate, "GET", address(), headers=signed_in)).status == 401


async def test_events_are_only_read(gate, signed_in) -> None:
    answer = await call(gate, "POST", address(), headers=signed_in)

    assert (answer.status, answer.headers["allow"]) == (405, "GET")


def test_moments_in_the_table_are_aware(db) -> None:
    publish("x", channel=GROUP)

    assert abs(Event.objects.get().at - datetime.now(UTC)) < timedelta(seconds=5)
