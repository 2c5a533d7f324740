"""Fronts and their writer: the same answers as one process gives, and nothing lost when one of them goes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, connections

from kaiying.gate import claims, reservations
from kaiying.gate.asgi import Gate
from kaiying.gate.rsgi import Front
from kaiying.gate.writer import CLAIMS, RESERVATIONS, Fence, FenceLost
from kaiying.offers.models import Claim, Offer
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import ClaimRequest, Reserved, ReserveRequest, Taken
from kaiying.people.models import User
from kaiying.wire import brakes, clock
from kaiying.wire.brakes import Brakes
from kaiying.wire.buckets import Rate
from kaiying.wire.frames import Address, Link, Server
from kaiying.wire.frames.format import Frames, frame
from tests.factories.offers import FIRST, STANDARD, an_offer
from tests.factories.people import UserFactory
from tests.gate.caller import until
from tests.gate.conftest import as_user, assets, pages

OURS = {
    "host": "testserver",
    "origin": "http://testserver",
    "sec-fetch-site": "same-origin",
    "content-type": "application/json",
}
HOUR = timedelta(hours=1)
DURABLE = pytest.mark.django_db(transaction=True)


class Headers(dict[str, str]):
    """Headers as granian gives them."""


@dataclass
class Scope:
    """A request as granian describes it."""

    method: str
    path: str
    headers: Headers
    proto: str = "http"
    http_version: str = "1.1"
    client: str = "127.0.0.1:1234"
    scheme: str = "http"
    query_string: str = ""


@dataclass
class Wire:
    """The other end of a request: gives the body, keeps the answer."""

    asked: bytes
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def __call__(self) -> bytes:
        return self.asked

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.asked), 1000):
            yield self.asked[start : start + 1000]

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, dict(headers), body

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(front: Front, path: str, said: Any, *, user_id: int = 7, method: str = "POST", **headers: str) -> Wire:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    wire = Wire(body)
    sent = Headers({"content-length": str(len(body)), **as_user(user_id), **OURS, **named})
    await front.__rsgi__(Scope(method, path, sent), wire)
    return wire


async def claim(front: Front, slug: str, *, user_id: int, max_price: int = STANDARD, key: str = "0123456789abcdef", **headers: str) -> Wire:  # fmt: skip
    return await ask(
        front, "/gate/claims", {"offer": slug, "max_price": max_price, "key": key}, user_id=user_id, **headers
    )


async def begun(place: Address) -> Server:
    server = Server()
    server.serve(CLAIMS, claims.commit, leave=connections.close_all)
    server.serve(RESERVATIONS, reservations.commit, leave=connections.close_all)
    server.listen(place)
    return server


@pytest.fixture
def place(tmp_path) -> Address:
    return Address(path=str(tmp_path / "w"))


@pytest.fixture(autouse=True)
def _open_brakes():
    """Let one learner ask as often as a test wants."""
    before = brakes.current()
    brakes.configure(Brakes(account=Rate.read("off"), network=Rate.read("off")))
    yield
    brakes.configure(before)


@pytest.fixture
async def writer(place) -> AsyncIterator[Server]:
    """Return a writer in this loop."""
    server = await begun(place)
    yield server
    await server.close()


@pytest.fixture
async def fronts(place) -> AsyncIterator[list[Front]]:
    """Return two fronts of that writer, without a waiting room."""
    made = [Front(Gate(pages=pages, assets=assets, link=Link(place))) for _ in range(2)]
    for front in made:
        front.gate._loop = asyncio.get_running_loop()
        front.gate.claims._door = None
    yield made
    for front in made:
        await front.gate.ledger.close()
        await front.gate.reservations.batcher.close()
        await front.gate._link.close()
        front.gate.claims.close()
        await sync_to_async(front.gate.pulse.close)()
        await front.gate.reader.close()
    await sync_to_async(connections.close_all)()


@sync_to_async
def a_sale(
    first: int = 3, standard: int | None = None, *, learners: int = 1, opens: timedelta = -HOUR
) -> tuple[str, list[int]]:
    offer = an_offer(first, standard, opens_at=clock.now() + opens)
    people = User.objects.bulk_create(UserFactory.build_batch(learners))
    return offer.slug, [person.pk for person in people]


@sync_to_async
def ledger(slug: str) -> list[tuple[int, int]]:
    offer = Offer.objects.get(slug=slug)
    assert verify(offer) == []
    return list(Claim.objects.filter(offer=offer).order_by("seat_number").values_list("learner", "seat_number"))


@DURABLE
async def test_a_front_answers_as_one_process_does_and_the_writer_has_written_it(writer, fronts) -> None:
    slug, [learner] = await a_sale()

    answer = await claim(fronts[0], slug, user_id=learner)
    again = await claim(fronts[1], slug, user_id=learner)

    assert await ledger(slug) == [(learner, 1)]
    assert (answer.status, again.status) == (201, 200)
    assert (answer.headers["cache-control"], answer.headers["content-type"]) == ("no-store", "application/json")
    said = answer.json()
    assert {name: said[name] for name in ("seat", "price", "currency", "state")} == {
        "seat": 1, "price": FIRST, "currency": "CNY", "state": "held",
    }  # fmt: skip
    assert said["held_until"] == again.json()["held_until"]
    assert (writer.items, fronts[0].gate.ledger.figures.sizes.count) == (2, 0)


@DURABLE
@pytest.mark.figures
async def test_two_fronts_sell_exactly_what_there_is(writer, fronts) -> None:
    seats, buyers = 30, 200
    slug, learners = await a_sale(seats, learners=buyers)

    answers = await asyncio.gather(
        *(
            claim(front, slug, user_id=learner, key=f"{turn}-{learner:08}")
            for turn, front in enumerate(fronts)
            for learner in learners
        )
    )

    sold = await ledger(slug)
    assert len(sold) == seats
    assert [seat for _learner, seat in sold] == list(range(1, seats + 1))
    told = {(answer.json()["claim"], answer.json()["seat"]) for answer in answers if answer.status in {200, 201}}
    assert len(told) == seats
    assert {answer.status for answer in answers} == {200, 201, 409}
    assert sum(answer.status == 201 for answer in answers) == seats
    frames = sum(front.gate._link.frames for front in fronts)
    print(
        f"{buyers} buyers asked twice at 2 fronts: {seats} of {seats} seats sold, {frames} frames for {len(answers)} claims"
    )


@DURABLE
async def test_a_refusal_is_worded_by_the_front_in_the_readers_language(writer, fronts) -> None:
    slug, [one, other] = await a_sale(1, 1, learners=2)
    await claim(fronts[0], slug, user_id=one)

    english = await claim(fronts[0], slug, user_id=other, max_price=FIRST, accept_language="en")
    chinese = await claim(fronts[1], slug, user_id=other, max_price=FIRST, accept_language="zh-CN")

    assert (english.status, chinese.status) == (412, 412)
    assert english.json() == {
        "code": "price_moved",
        "text": "The price is now ¥99. Nothing was taken; choose whether to go on.",
        "price": STANDARD,
        "currency": "CNY",
    }
    assert chinese.json()["text"].startswith("现在")


@DURABLE
async def test_a_lost_connection_is_unknown_and_the_same_key_brings_the_same_seat(place, fronts) -> None:
    """The writer commits and dies before it answers."""
    slug, [learner] = await a_sale()
    server = await begun(place)
    written = claims.commit

    def commit_and_die(requests):
        answers = written(requests)
        for visit in list(server.visits):
            loop.call_soon_threadsafe(visit._abort)
        time.sleep(0.1)
        return answers

    loop = asyncio.get_running_loop()
    await server.desks.pop("claims").batcher.close()
    server.serve(CLAIMS, commit_and_die, leave=connections.close_all)

    lost = await claim(fronts[0], slug, user_id=learner, accept_language="en")
    await server.close()
    server = await begun(place)
    again = await claim(fronts[0], slug, user_id=learner)
    await server.close()

    assert (lost.status, lost.json()["code"]) == (503, "unknown")
    assert lost.json()["text"] == "We cannot tell yet whether the seat is yours. We will ask again, which is safe."
    assert int(lost.headers["retry-after"]) >= 1
    assert (again.status, again.json()["seat"]) == (200, 1)
    assert await ledger(slug) == [(learner, 1)]


@DURABLE
async def test_without_a_writer_a_front_says_come_back_and_takes_nothing(fronts, monkeypatch) -> None:
    monkeypatch.setattr(claims, "PATIENCE", 0.1)
    slug, [learner] = await a_sale()

    answer = await claim(fronts[0], slug, user_id=learner)

    assert (answer.status, answer.json()["code"]) == (503, "overloaded")
    assert "retry-after" in answer.headers
    assert await ledger(slug) == []


@DURABLE
async def test_reservations_go_by_the_same_writer(writer, fronts) -> None:
    slug, [learner] = await a_sale(opens=HOUR)

    first = await ask(fronts[0], "/gate/reservations", {"offer": slug, "standing": True}, user_id=learner)
    again = await ask(fronts[1], "/gate/reservations", {"offer": slug, "standing": True}, user_id=learner)

    assert (first.status, again.status) == (201, 200)
    assert first.json()["reserved_at"] == again.json()["reserved_at"]
    assert again.json()["count"] == 1
    assert writer.items == 2


@DURABLE
async def test_a_front_shows_how_a_sale_stands(writer, fronts) -> None:
    slug, [learner] = await a_sale(3)
    await claim(fronts[0], slug, user_id=learner)

    shown = await ask(fronts[1], f"/gate/sales/{slug}", b"", method="GET")

    assert (shown.status, shown.json()["held"], shown.json()["free"]) == (200, 1, 2)
    assert shown.headers["cache-control"] == "public, max-age=1"


async def test_a_front_serves_the_gate_and_nothing_else(fronts) -> None:
    assert (await ask(fronts[0], "/healthz", b"", method="GET")).status == 200
    assert (await ask(fronts[0], "/c/debut/", b"", method="GET")).status == 404
    assert (await ask(fronts[0], "/events", b"", method="GET")).status == 404
    assert (await ask(fronts[0], "/gate/claims", b"", method="GET")).status == 405


async def test_what_is_too_much_is_refused_before_it_is_read(fronts) -> None:
    told = await ask(fronts[0], "/gate/claims", b"x" * 5000)
    untold = Wire(b"x" * 5000)
    await fronts[0].__rsgi__(Scope("POST", "/gate/claims", Headers(OURS)), untold)

    assert (told.status, untold.status) == (413, 413)


async def test_cookies_that_come_in_parts_are_one(fronts) -> None:
    class Parts(Headers):
        def items(self):
            cookie = as_user(7)["cookie"]
            return [("cookie", "a=b"), ("cookie", cookie), *OURS.items()]

    wire = Wire(b"{}")
    await fronts[0].__rsgi__(Scope("POST", "/gate/claims", Parts({**OURS, "cookie": "a=b"}), http_version="2"), wire)

    assert wire.json()["code"] == "bad_claim", "signed in, and then the body was looked at"


def test_what_travels_comes_out_as_it_went_in() -> None:
    at = clock.now()
    for kind, item, result in (
        (CLAIMS, ClaimRequest(3, 7, 9_900, "key-0001"), Taken(1, 3, 7, 12, 0, 280, "held", at, is_new=True)),
        (RESERVATIONS, ReserveRequest("debut", 7), Reserved(7, at, is_new=True, reserved=4, opens_at=at)),
        (
            RESERVATIONS,
            ReserveRequest("debut", 7, standing=False),
            Reserved(7, None, is_new=False, reserved=0, opens_at=at),
        ),
    ):
        [said] = Frames().take(frame([kind.pack(item), kind.pack_answer(result)]))

        assert kind.unpack(said[0]) == item
        assert kind.unpack_answer(said[1]) == result


@DURABLE
def test_the_fence_lets_one_writer_work_at_a_time() -> None:
    one, other = Fence(), Fence()

    assert one.take()
    assert not other.take()
    one.check()
    one.drop()
    assert other.take()
    other.drop()


@DURABLE
def test_a_writer_notices_when_its_session_is_gone() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no sessions: the lock on the file lives as long as the process")
    fence = Fence()
    assert fence.take()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND datname = current_database() AND pid <> pg_backend_pid()"
        )

    with pytest.raises(FenceLost):
        fence.check()
    fence.drop()


@pytest.fixture
def writers(place, tmp_path):
    """Return a function that starts ``kaiying writer`` on a database of the test's own."""
    environment = {
        **os.environ,
        "KAIYING_DATA": str(tmp_path),
        "KAIYING_DATABASE_URL": "",
        "KAIYING_SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "kaiying.config.settings",
    }
    started = []

    def start() -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "kaiying.config.cli", "writer", "--listen", str(place)]
        started.append(
            subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def test_a_second_writer_waits_and_takes_over(writers, place) -> None:
    read = asyncio.get_running_loop().run_in_executor
    first, second = writers(), None
    assert await read(None, first.stdout.readline) == f"The writer listens at {place}.\n"
    second = writers()
    assert "another writer is at work" in await read(None, second.stdout.readline)

    first.send_signal(signal.SIGKILL)

    assert await read(None, second.stdout.readline) == f"The writer listens at {place}.\n"
    link = Link(place)
    link.remote(CLAIMS)
    link.admit()
    link.wake()
    await until(lambda: link.is_up)
    link.waiting = 0
    await link.close()
    second.send_signal(signal.SIGTERM)
    assert await read(None, second.wait) == 0
