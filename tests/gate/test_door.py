"""The door of a sale: who walks through, who waits and where, and that an answer is one person's own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import time_machine
from asgiref.sync import sync_to_async
from django.db import connections

from kaiying.gate.door import Door, WaitInLine
from kaiying.gate.readers import Reader
from kaiying.gate.sales import Sales
from kaiying.gate.shops import Shop
from kaiying.offers.actions import reserve
from kaiying.offers.models import Admission, Offer, PriceTier
from kaiying.offers.vocabulary import ReserveRequest
from kaiying.wire import clock as wire_clock
from kaiying.wire.batcher import Batcher
from kaiying.wire.turns import Turn, arrivals, cookie_name, early_place, read_turn, turn_token
from tests.factories.offers import OPENS, a_claim, an_offer
from tests.factories.people import UserFactory
from tests.gate.caller import call
from tests.gate.conftest import as_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh():
    arrivals.__init__()


@pytest.fixture
def clock():
    with time_machine.travel(OPENS, tick=False) as traveller:
        yield traveller


@sync_to_async
def a_sale(*, rate: int = 10, reserved: int = 0, **facts) -> Offer:
    offer = an_offer(first=1_000, standard=None)
    Admission.objects.filter(pk=offer.pk).update(rate=rate, **facts)
    Offer.objects.filter(pk=offer.pk).update(reserved=reserved)
    return offer


@sync_to_async
def line_of(offer: Offer) -> Admission:
    try:
        return Admission.objects.get(pk=offer.pk)
    finally:
        connections.close_all()


@asynccontextmanager
async def doors(offer: Offer, processes: int = 1) -> AsyncIterator[list[tuple[Door, Shop]]]:
    """Open the doors of so many processes; each has memory, threads and connections of its own."""
    made = []
    for _process in range(processes):
        reader = Reader()
        sales = Sales(reader)
        await sales.look()
        made.append((Door(sales), sales.known(offer.slug), reader))
    try:
        yield [(door, shop) for door, shop, _reader in made]
    finally:
        for door, _shop, reader in made:
            await door.close()
            await reader.close()
        await sync_to_async(connections.close_all)()


def passes(door: Door, shop: Shop, learner: int, *, turn: Turn | None = None, at=OPENS) -> bool:
    cookies = f"a=1; {cookie_name(shop.id)}={turn_token(turn, at=OPENS)}; b=2" if turn else "a=1"
    try:
        door(shop, learner, cookies, at)
    except WaitInLine:
        return False
    return True


async def claim(door: Door, shop: Shop, learner: int, cookies: str = "") -> dict | None:
    """Ask as a claim does; ``None``: they are in, else what they were told, with the cookie they got."""
    try:
        door(shop, learner, cookies, OPENS)
    except WaitInLine as no:
        reply = await door.reply(no, shop, learner, "en")
        if reply is None:
            return None
        headers = dict(reply.headers)
        return {"status": reply.status, "cookie": headers.get("set-cookie"), **json.loads(reply.body)}
    return None


async def test_who_comes_while_nobody_waits_walks_through_without_a_question_to_the_database(clock):
    offer = await a_sale(rate=10)
    async with doors(offer) as [(door, shop)]:
        await door.beat()

        let = [passes(door, shop, learner) for learner in range(1, 21)]
        clock.shift(1)
        await door.beat()
        later = [passes(door, shop, learner) for learner in range(21, 41)]

    assert [sum(let), sum(later)] == [10, 10]
    assert let == [True] * 10 + [False] * 10


async def test_who_is_in_stays_in(clock):
    offer = await a_sale(rate=10)
    async with doors(offer) as [(door, shop)]:
        await door.beat()
        for learner in range(1, 11):
            passes(door, shop, learner)

        again = [passes(door, shop, learner) for learner in (1, 10, 11)]

    assert again == [True, True, False]


async def test_who_must_wait_gets_a_number_and_is_told_where_and_how_long(clock):
    offer = await a_sale(rate=10, reserved=500)
    async with doors(offer) as [(door, shop)]:
        await door.beat()

        told = await claim(door, shop, 7)

    assert told["status"] == 409
    assert (told["code"], told["ahead"], told["where"]) == ("wait_in_line", 490, f"/c/{offer.slug}/queue/")
    assert told["turn"] == Turn(offer.pk, 7, 0).code
    assert told["retry_after"] == 30.0
    assert told["cookie"].startswith(f"{cookie_name(offer.pk)}=2.")
    assert told["cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax")


async def test_the_cookie_is_a_place_that_survives_a_new_process(clock):
    offer = await a_sale(rate=10, reserved=500)
    async with doors(offer) as [(door, shop)]:
        await door.beat()
        told = await claim(door, shop, 7)
    cookies = told["cookie"].partition(";")[0]

    async with doors(offer) as [(door, shop)]:
        again = await claim(door, shop, 7, cookies)
        others = await claim(door, shop, 8, cookies)

    assert (again["turn"], again["ahead"]) == (told["turn"], told["ahead"])
    assert others["turn"] == Turn(offer.pk, 8, 1).code


async def test_asking_again_without_the_cookie_is_the_same_number(clock):
    offer = await a_sale(rate=10, reserved=500)
    async with doors(offer) as [(door, shop)]:
        await door.beat()

        told = [await claim(door, shop, 7) for _time in range(5)]

    assert len({answer["turn"] for answer in told}) == 1
    assert (await line_of(offer)).issued == 1


async def test_an_early_turn_is_let_in_when_the_line_has_come_to_it(clock):
    offer = await a_sale(rate=10, reserved=100)
    async with doors(offer) as [(door, shop)]:
        await door.beat()
        line = shop.stand.admission
        learner = next(one for one in range(1, 1_000) if early_place(line.seed, offer.pk, one, 100) == 25)
        let = [passes(door, shop, learner, turn=Turn(offer.pk, learner))]
        for _second in range(2):
            clock.shift(1)
            await door.beat()
            let.append(passes(door, shop, learner, turn=Turn(offer.pk, learner)))

    assert let == [False, False, True]


async def test_a_turn_of_somebody_else_is_worth_nothing(clock):
    offer = await a_sale(rate=10, reserved=500)
    async with doors(offer) as [(door, shop)]:
        await door.beat()

        let = [
            passes(door, shop, 7, turn=Turn(offer.pk, 7, -500)),
            passes(door, shop, 8, turn=Turn(offer.pk, 7, -500)),
            passes(door, shop, 9, turn=Turn(offer.pk + 1, 9, -500)),
        ]

    assert let == [True, False, False]  # the first is what only we could have signed


async def test_the_first_of_an_empty_line_are_in_at_once_even_before_the_first_beat(clock):
    offer = await a_sale(rate=10)
    async with doors(offer) as [(door, shop)]:
        told = await asyncio.gather(*(claim(door, shop, learner) for learner in range(1, 21)))

    assert sum(answer is None for answer in told) == 10
    assert sorted(answer["ahead"] for answer in told if answer) == list(range(10))


async def test_a_waiting_room_that_is_switched_off_asks_nothing_of_anybody(clock):
    offer = await a_sale(rate=1, reserved=10_000, lifted_at=OPENS)
    async with doors(offer) as [(door, shop)]:
        await door.beat()

        assert all(passes(door, shop, learner) for learner in range(1, 2_001))
    assert (await line_of(offer)).advanced_at is None


async def test_a_paused_line_lets_nobody_in_but_those_who_were(clock):
    offer = await a_sale(rate=10, reserved=0)
    async with doors(offer) as [(door, shop)]:
        await door.beat()
        before = passes(door, shop, 1)
        await sync_to_async(Admission.objects.filter(pk=offer.pk).update)(paused_at=OPENS)
        for _second in range(5):
            clock.shift(1)
            await door.beat()
        walked = [passes(door, shop, learner) for learner in range(2, 12)]
        waits = passes(door, shop, 12)

    assert before is True
    assert walked == [True] * 9 + [False]  # the second that was given before the pause, and no more
    assert waits is False


async def test_before_the_opening_and_after_the_last_seat_the_ledger_speaks(clock):
    offer = await a_sale(rate=1, reserved=500)
    async with doors(offer) as [(door, shop)]:
        early = passes(door, shop, 1, at=OPENS - timedelta(seconds=1))
        await sync_to_async(PriceTier.objects.filter(offer=offer).update)(paid=1_000)
        await door._sales.look()
        late = passes(door, shop, 1)

    assert (early, late) == (True, True)


async def test_who_holds_a_seat_may_always_ask_for_it(clock):
    offer = await a_sale(rate=1, reserved=500)
    seat = await sync_to_async(a_claim)(offer)
    async with doors(offer) as [(door, shop)]:
        shop.seat_taken(seat.learner_id)
        shop.wants_holders = True
        await door._sales.look()
        await door.beat()

        assert passes(door, shop, seat.learner_id) is True


async def test_the_public_object_tells_how_far_the_line_is_and_keeps_the_seed_until_the_opening(clock):
    offer = await a_sale(rate=10, reserved=500)
    async with doors(offer) as [(door, shop)]:
        before = json.loads(shop.status(OPENS - timedelta(seconds=1)).body(OPENS))
        shop._status = None
        await door.beat()
        after = json.loads(shop.status(OPENS).body(OPENS))

    assert before["seed"] is None
    line = await line_of(offer)
    told = {name: after[name] for name in ("threshold", "early", "end", "pace", "per_second", "paused", "seed")}
    assert told == {
        "threshold": 10, "early": 500, "end": 500, "pace": 10, "per_second": None, "paused": False, "seed": line.seed,
    }  # fmt: skip


async def test_who_reserved_on_another_device_is_sent_where_their_early_turn_is_found(clock):
    offer = await a_sale(rate=10, reserved=500)
    learner = await sync_to_async(UserFactory.create)()
    await sync_to_async(reserve)([ReserveRequest(offer.slug, learner.pk, standing=True)], at=OPENS - timedelta(hours=1))
    async with doors(offer) as [(door, shop)]:
        await door.beat()

        told = await claim(door, shop, learner.pk)

    assert told["where"] == f"/c/{offer.slug}/queue/"


@pytest.mark.figures
async def test_late_arrivals_stand_in_the_order_they_came_whatever_process_they_met():
    """S8: nobody who came more than a second later stands before somebody; here two processes and real time."""
    offer = await a_sale(rate=1, reserved=500)
    people, stamped = 1_500, []
    with time_machine.travel(OPENS, tick=True):
        async with doors(offer, processes=2) as made:

            async def come(learner: int) -> None:
                door, shop = made[learner % 2]
                await asyncio.sleep(learner / 1_000)
                came = asyncio.get_running_loop().time()
                with pytest.raises(WaitInLine) as no:
                    door(shop, learner, "", OPENS)
                reply = await door.reply(no.value, shop, learner, "en")
                stamped.append((came, json.loads(reply.body)["ahead"]))

            await asyncio.gather(*(come(learner) for learner in range(1, people + 1)))
    issued = (await line_of(offer)).issued
    worst = _worst_inversion(stamped)

    assert issued == people
    assert worst < 1.0
    print(
        f"\n  {people} arrivals in {people / 1000} s at two processes: inversions > 1 s: 0; the worst was {worst * 1000:.0f} ms"
    )


def _worst_inversion(stamped: list[tuple[float, int]]) -> float:
    """Return by how many seconds somebody who came later stands before another at most."""
    worst = latest = 0.0
    for came, _place in sorted(stamped, key=lambda one: one[1]):
        latest = max(latest, came)
        worst = max(worst, latest - came)
    return worst


def test_twin_that_gives_each_process_a_block_of_numbers_lets_late_comers_stand_first():
    blocks = {process: iter(range(process * 1_000, process * 1_000 + 1_000)) for process in (0, 1)}
    # One process meets three people in four: the other's numbers are all behind, whenever its people came.
    stamped = [(learner / 300, next(blocks[int(learner % 4 == 0)])) for learner in range(1, 1_201)]

    assert _worst_inversion(stamped) > 1.0


async def test_whoever_reserves_takes_their_early_turn_home(live_gate):
    offer = await sync_to_async(an_offer)(opens_at=wire_clock.now() + timedelta(hours=1))
    learner = await sync_to_async(UserFactory.create)()
    await live_gate.sales.look()

    answer = await call(
        live_gate, "POST", "/gate/reservations",
        headers={**as_user(learner.pk), "origin": "http://testserver", "sec-fetch-site": "same-origin", "content-type": "application/json"},
        body=json.dumps({"offer": offer.slug, "standing": True}).encode(),
    )  # fmt: skip

    name, _is, token = answer.headers["set-cookie"].partition(";")[0].partition("=")
    assert name == cookie_name(offer.pk)
    assert read_turn(token, offer_id=offer.pk, learner_id=learner.pk, at=wire_clock.now()) == Turn(offer.pk, learner.pk)


async def test_a_claim_over_the_gate_meets_the_door_and_then_the_ledger(live_gate):
    offer = await sync_to_async(an_offer)(opens_at=wire_clock.now() - timedelta(seconds=5))
    await sync_to_async(Admission.objects.filter(pk=offer.pk).update)(rate=1)
    first, second = await sync_to_async(UserFactory.create_batch)(2)
    await live_gate.sales.look()
    await live_gate.door.beat()

    async def ask(learner, cookies: str = ""):
        headers = as_user(learner.pk)
        headers["cookie"] += cookies
        return await call(
            live_gate, "POST", "/gate/claims",
            headers={**headers, "origin": "http://testserver", "sec-fetch-site": "same-origin", "content-type": "application/json"},
            body=json.dumps({"offer": offer.slug, "max_price": 280, "key": f"key-{learner.pk:06}"}).encode(),
        )  # fmt: skip

    seated, waits = await ask(first), await ask(second)
    assert (seated.status, waits.status, waits.json()["code"]) == (201, 409, "wait_in_line")
    for _try in range(40):
        await asyncio.sleep(0.1)
        let_in = await ask(second, "; " + waits.headers["set-cookie"].partition(";")[0])
        if let_in.status != 409:
            break

    assert (let_in.status, let_in.json()["seat"]) == (201, 2)


async def test_while_the_queue_is_full_whoever_must_wait_still_gets_a_place_in_line(live_gate):
    offer = await sync_to_async(an_offer)(opens_at=wire_clock.now() - timedelta(seconds=5))
    await sync_to_async(Admission.objects.filter(pk=offer.pk).update)(rate=1)
    first, second = await sync_to_async(UserFactory.create_batch)(2)
    await live_gate.sales.look()
    await live_gate.door.beat()
    shop = live_gate.sales.known(offer.slug)
    live_gate.claims._queue = Batcher(list, most_waiting=0)

    async def ask(learner):
        return await call(
            live_gate, "POST", "/gate/claims",
            headers={**as_user(learner.pk), "sec-fetch-site": "same-origin", "content-type": "application/json"},
            body=json.dumps({"offer": offer.slug, "max_price": 280, "key": f"key-{learner.pk:06}"}).encode(),
        )  # fmt: skip

    turned_away = await ask(first)
    arrivals.note(offer.pk, first.pk, walked=True)
    held_back = live_gate.door.holds_back(shop)
    waits = await ask(second)

    assert (turned_away.status, held_back) == (503, True)
    assert (waits.status, waits.json()["code"]) == (409, "wait_in_line")
