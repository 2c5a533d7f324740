"""Sales in memory: the latch is exact, the public object is one for all, and the past is not shown as the present."""

import asyncio
import time
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from kaiying.gate import sales as gate_sales
from kaiying.gate.shops import Shop
from kaiying.offers.actions import join_waitlist, note_pulse, refund_claim, release_claim
from kaiying.offers.models import Claim, Offer, Pulse, WaitlistEntry
from kaiying.offers.queries import holders, ladder
from kaiying.people.models import User
from kaiying.wire import brakes, clock
from kaiying.wire.brakes import Brakes
from kaiying.wire.buckets import Rate
from tests.factories.offers import FIRST, STANDARD, a_claim, an_offer
from tests.gate.caller import Answer, call, until
from tests.gate.test_claims import HOUR, a_sale, a_wish, count_asks, ledger, post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gate(gate):
    """Return the gate without its waiting room, which has tests of its own."""
    gate.claims._door = None
    brakes.configure(Brakes(account=None, network=None))
    return gate


@pytest.fixture
def beating(gate, monkeypatch):
    """Let the pulse beat only when it is told to."""
    gate.pulse._began = clock.now().timestamp() // 5 * 5
    monkeypatch.setattr(gate.pulse, "_start", lambda: None)
    return gate


@sync_to_async
def let_go(slug: str, learner: int) -> None:
    """Free a learner's seat, as a page of another process does."""
    release_claim(claim=Claim.objects.live().get(offer__slug=slug, learner=learner), at=clock.now())


@sync_to_async
def seat_of(slug: str, learner: int) -> int:
    """Claim for a learner in another process."""
    return a_claim(Offer.objects.get(slug=slug), learner=User.objects.get(pk=learner), at=clock.now()).seat_number


@sync_to_async
def join_line(slug: str, learner: int) -> WaitlistEntry:
    offer = Offer.objects.get(slug=slug)
    return join_waitlist(offer=offer, learner=User.objects.get(pk=learner), max_price=STANDARD, at=clock.now())


async def sold_out(gate, seats: int, *, more: int = 1) -> tuple[str, list[int], list[int]]:
    """Sell every seat through the gate and close its latch; returns the offer, who has a seat, and others."""
    slug, learners = await a_sale(seats, learners=seats + more)
    buyers, others = learners[:seats], learners[seats:]
    for learner in buyers:
        assert (await post(gate, a_wish(slug), user_id=learner)).status == 201
    assert (await post(gate, a_wish(slug), user_id=others[0])).json()["code"] == "sold_out"
    await gate.sales.look()
    return slug, buyers, others


def codes(answers: list[Answer]) -> list[tuple[int, str | None]]:
    return [(answer.status, answer.json().get("code")) for answer in answers]


async def test_after_the_sell_out_who_has_nothing_costs_no_statement_and_who_has_a_seat_is_shown_it(
    beating, count_statements
) -> None:
    gate = beating
    slug, buyers, others = await sold_out(gate, 3, more=40)
    asked = count_asks(gate)
    count_statements.clear()

    noes = await asyncio.gather(*(post(gate, a_wish(slug), user_id=other) for other in others))
    statements, asked_by_others = len(count_statements), list(asked)
    seats = [await post(gate, a_wish(slug), user_id=buyer) for buyer in buyers]

    assert codes(list(noes)) == [(409, "sold_out")] * 40
    assert {answer.json()["epoch"] for answer in noes} == {(await Offer.objects.aget()).epoch}
    assert (statements, asked_by_others) == (0, [])
    assert [(answer.status, answer.json()["seat"]) for answer in seats] == [(200, 1), (200, 2), (200, 3)]


async def test_the_latch_stays_open_while_a_seat_is_free_at_another_price(gate) -> None:
    slug, learners = await a_sale(1, 1, learners=3)
    await post(gate, a_wish(slug), user_id=learners[0])
    await gate.sales.look()
    cheap = await post(gate, a_wish(slug, max_price=FIRST), user_id=learners[1])
    await gate.sales.look()

    assert codes([cheap]) == [(412, "price_moved")]
    assert (await post(gate, a_wish(slug), user_id=learners[2])).status == 201


async def test_a_seat_that_comes_back_opens_the_latch(gate) -> None:
    slug, [buyer], [other] = await sold_out(gate, 1)
    await let_go(slug, buyer)

    before = await post(gate, a_wish(slug), user_id=other)
    await gate.sales.look()
    after = await post(gate, a_wish(slug), user_id=other)

    assert codes([before]) == [(409, "sold_out")]
    assert (after.status, after.json()["seat"]) == (201, 1)
    assert await ledger(slug) == [(buyer, 1, "released"), (other, 1, "held")]


async def test_who_got_a_seat_elsewhere_after_the_sell_out_is_topped_up(gate) -> None:
    slug, [buyer], [other, third] = await sold_out(gate, 1, more=2)
    await let_go(slug, buyer)
    await seat_of(slug, other)
    await gate.sales.look()

    answers = [await post(gate, a_wish(slug), user_id=learner) for learner in (other, third)]

    assert codes(answers) == [(200, None), (409, "sold_out")]


async def test_twin_without_the_top_up_somebody_with_a_seat_is_told_that_all_are_taken(gate, monkeypatch) -> None:
    def never_again(offer_id, *, after=None):
        return after or holders(offer_id)

    monkeypatch.setattr(gate_sales, "holders", never_again)
    slug, [buyer], [other] = await sold_out(gate, 1)
    await let_go(slug, buyer)
    await seat_of(slug, other)
    await gate.sales.look()

    answer = await post(gate, a_wish(slug), user_id=other)

    assert codes([answer]) == [(409, "sold_out")]
    assert (await Claim.objects.live().aget()).learner_id == other


async def test_who_gets_a_seat_here_while_the_latch_is_closing_is_known_at_once(gate, monkeypatch) -> None:
    """The look reads who has a seat, then one more seat is taken and answered, then the look ends."""
    slug, [buyer], [other] = await sold_out(gate, 1)
    gate.sales.known(slug).holders = None
    await let_go(slug, buyer)
    read, go_on = asyncio.Event(), asyncio.Event()
    ask = gate.reader.ask

    async def slow(question):
        found = await ask(question)
        read.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(gate.reader, "ask", slow)
    look = asyncio.ensure_future(gate.sales.look())
    await read.wait()
    taken = await post(gate, a_wish(slug), user_id=other)
    go_on.set()
    await look
    gate.sales.known(slug).free = 0
    again = await post(gate, a_wish(slug), user_id=other)

    assert [taken.status, again.status] == [201, 200]


async def test_twin_without_noting_what_is_taken_here_the_seat_is_denied_until_the_next_look(gate, monkeypatch) -> None:
    monkeypatch.setattr(Shop, "seat_taken", lambda _self, _learner: None)
    slug, [buyer], [other] = await sold_out(gate, 1)
    await let_go(slug, buyer)
    await gate.sales.look()
    taken = await post(gate, a_wish(slug), user_id=other)
    gate.sales.known(slug).free = 0

    again = await post(gate, a_wish(slug), user_id=other)

    assert codes([taken, again]) == [(201, None), (409, "sold_out")]


async def test_who_stands_in_line_goes_to_the_ledger(gate) -> None:
    slug, [buyer], [waiting, other] = await sold_out(gate, 1, more=2)
    await join_line(slug, waiting)
    await gate.sales.look()
    asked = count_asks(gate)

    noes = [await post(gate, a_wish(slug), user_id=learner) for learner in (waiting, other)]
    await let_go(slug, buyer)
    seat = await post(gate, a_wish(slug), user_id=waiting)

    assert codes(noes) == [(409, "sold_out")] * 2
    assert asked == [waiting, waiting]
    assert (seat.status, seat.json()["seat"]) == (200, 1)


async def test_news_of_a_seat_that_came_back_is_heard_within_a_second(live_gate) -> None:
    live_gate.claims._door = None
    slug, learners = await a_sale(1, learners=2)
    await post(live_gate, a_wish(slug), user_id=learners[0])
    await post(live_gate, a_wish(slug), user_id=learners[1])
    await until(lambda: live_gate.sales.known(slug).has_nothing(learners[1]))
    asked = count_asks(live_gate)
    latched = await post(live_gate, a_wish(slug), user_id=learners[1])
    assert (latched.status, asked) == (409, [])

    begun = time.monotonic()
    await let_go(slug, learners[0])
    await until(lambda: live_gate.sales.known(slug).free == 1)

    assert time.monotonic() - begun < 1
    assert (await post(live_gate, a_wish(slug), user_id=learners[1])).status == 201


async def test_a_look_costs_the_same_for_one_offer_and_for_ten(gate, count_statements) -> None:
    await a_sale()
    count_statements.clear()
    await gate.sales.look()
    one = len(count_statements)
    for _ in range(9):
        await a_sale()
    count_statements.clear()

    await gate.sales.look()

    assert (one, len(count_statements)) == (3, 3)
    assert len(gate.sales.shops) == 10


async def test_addresses_nobody_knows_share_a_look_up_and_are_forgotten(gate, count_statements, monkeypatch) -> None:
    monkeypatch.setattr(gate_sales, "MOST_UNKNOWN", 20)
    slug, _learners = await a_sale()
    count_statements.clear()

    answers = await asyncio.gather(*(show(gate, f"made-up-{place}") for place in range(50)), show(gate, slug))

    assert [answer.status for answer in answers] == [404] * 50 + [200]
    assert len(count_statements) <= 6
    assert len(gate.sales._unknown) == 20
    assert await gate.sales.find("../../etc") is None


async def test_too_many_look_ups_at_once_are_turned_away(gate, monkeypatch) -> None:
    monkeypatch.setattr(gate_sales, "MOST_LOOKED_UP", 3)

    answers = await asyncio.gather(*(show(gate, f"made-up-{place}") for place in range(9)))

    assert sorted({answer.status for answer in answers}) == [404, 503]


async def test_an_offer_that_opens_later_in_the_day_is_found_after_its_address_was_unknown(gate, monkeypatch) -> None:
    monkeypatch.setattr(gate_sales, "UNKNOWN_FOR", 0.01)
    assert (await show(gate, "offer-soon")).status == 404
    await sync_to_async(lambda: Offer.objects.filter(pk=an_offer().pk).update(slug="offer-soon"))()
    await asyncio.sleep(0.02)

    assert (await show(gate, "offer-soon")).status == 200


async def show(gate, slug: str, **headers: str) -> Answer:
    return await call(gate, "GET", f"/gate/sales/{slug}", headers=headers)


COUNTS = [
    "epoch",
    "phase",
    "on_sale",
    "price",
    "currency",
    "seats",
    "paid",
    "held",
    "free",
    "waiting",
    "opens_at",
    "changes_at",
    "tiers",
]


async def test_the_status_is_one_object_for_everybody(gate) -> None:
    slug, [learner] = await a_sale(3, 2)
    await post(gate, a_wish(slug), user_id=learner)
    await gate.sales.look()
    before = clock.now()

    answer = await show(gate, slug)

    said = answer.json()
    offer = await Offer.objects.aget()
    assert (answer.status, answer.headers["cache-control"]) == (200, "public, max-age=1")
    assert "vary" not in answer.headers
    assert before - timedelta(milliseconds=1) <= offer.opens_at.fromisoformat(said.pop("now")) <= clock.now()
    assert (said["reserved"], said["paused"]) == (0, False)
    assert {"threshold", "early"} < set(said)
    counts = {name: said[name] for name in COUNTS}
    assert counts == {
        "epoch": offer.epoch,
        "phase": "open",
        "on_sale": True,
        "price": FIRST,
        "currency": "CNY",
        "seats": 5,
        "paid": 0,
        "held": 1,
        "free": 4,
        "waiting": 0,
        "opens_at": offer.opens_at.isoformat(),
        "changes_at": None,
        "tiers": [
            {"id": "first", "price": FIRST, "seats": 3, "paid": 0, "held": 1, "free": 2, "state": "open"},
            {"id": "standard", "price": STANDARD, "seats": 2, "paid": 0, "held": 0, "free": 2, "state": "next"},
        ],
    }


async def test_the_status_has_a_tag_that_changes_with_the_numbers_and_not_with_the_time(gate) -> None:
    slug, [learner] = await a_sale()
    first = await show(gate, slug)

    same = await show(gate, slug, **{"if-none-match": first.headers["etag"]})
    strong = await show(gate, slug, **{"if-none-match": first.headers["etag"].removeprefix("W/")})
    await post(gate, a_wish(slug), user_id=learner)
    await gate.sales.look()
    moved = await show(gate, slug, **{"if-none-match": first.headers["etag"]})

    assert [answer.status for answer in (same, strong, moved)] == [304, 304, 200]
    assert (same.body, same.headers["etag"]) == (b"", first.headers["etag"])
    assert moved.json()["held"] == 1


async def test_the_status_follows_the_clock_without_a_look(gate) -> None:
    slug, _learners = await a_sale(opens_at=clock.now() + timedelta(seconds=0.6))
    early = await show(gate, slug)
    await asyncio.sleep(0.7)
    opened = await show(gate, slug, **{"if-none-match": early.headers["etag"]})

    assert (early.json()["phase"], early.json()["changes_at"]) == ("early", early.json()["opens_at"])
    assert (opened.status, opened.json()["phase"], opened.json()["on_sale"]) == (200, "open", True)


async def test_numbers_that_could_not_be_read_for_a_while_are_not_shown(gate, monkeypatch) -> None:
    slug, _learners = await a_sale()
    assert (await show(gate, slug)).status == 200
    monkeypatch.setattr(gate.sales, "_looked", time.monotonic() - 60)

    answer = await show(gate, slug)

    assert (answer.status, answer.json()["code"], answer.headers["retry-after"]) == (503, "stale", "2")


async def test_the_status_is_only_read(gate) -> None:
    slug, _learners = await a_sale()

    head = await call(gate, "HEAD", f"/gate/sales/{slug}")
    answer = await call(gate, "POST", f"/gate/sales/{slug}")

    assert (head.status, head.body, head.headers["content-length"] > "0") == (200, b"", True)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_memory_and_the_page_count_alike(gate) -> None:
    slug, [buyer, other] = await a_sale(2, 2, learners=2, closes_at=clock.now() + HOUR)
    await post(gate, a_wish(slug), user_id=buyer)
    await sync_to_async(lambda: refund_claim(claim=Claim.objects.get(), at=clock.now()))()
    await post(gate, a_wish(slug), user_id=other)
    await gate.sales.look()

    said = (await show(gate, slug)).json()

    shown = await sync_to_async(lambda: ladder(Offer.objects.get(), clock.now()))()
    assert [said[name] for name in ("seats", "paid", "held", "free", "waiting")] == [
        shown.seats,
        shown.paid,
        shown.held,
        shown.free,
        shown.waiting,
    ]
    assert offer_moment(said["changes_at"]) == shown.changes_at


def offer_moment(text: str):
    return clock.now().fromisoformat(text)


async def test_the_pulse_counts_what_happened_and_how_slow_it_was(beating) -> None:
    slug, learners = await a_sale(2, learners=4)
    await beating.sales.look()
    for _ in range(3):
        await call(beating, "GET", f"/c/{slug}/")
    for learner in [*learners, learners[0]]:
        await post(beating, a_wish(slug), user_id=learner)
    brakes.configure(Brakes(account=Rate(1, 0.01)))
    for _ in range(2):
        await post(beating, a_wish(slug), user_id=learners[0])

    await sync_to_async(beating.pulse.flush)()

    rows = [row async for row in Pulse.objects.values("viewed", "asked", "held", "refused", "shed", "failed")]
    assert rows == [{"viewed": 3, "asked": 7, "held": 2, "refused": 2, "shed": 1, "failed": 0}]
    pulse = await Pulse.objects.aget()
    assert pulse.at.timestamp() % 5 == 0
    assert 0 < pulse.slow_ms < 5000


async def test_a_pulse_that_cannot_be_written_is_kept_and_a_slot_is_never_told_twice(beating, monkeypatch) -> None:
    slug, [learner] = await a_sale()
    await post(beating, a_wish(slug), user_id=learner)

    def broken(*_args, **_facts):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("kaiying.gate.pulse.note_pulse", broken)
        with pytest.raises(OSError):
            await sync_to_async(beating.pulse.flush)()
    await post(beating, a_wish(slug), user_id=learner)
    await sync_to_async(beating.pulse.flush)()

    rows = [row async for row in Pulse.objects.order_by("at").values_list("at", "asked", "held")]
    assert [row[1:] for row in rows] == [(1, 1), (1, 0)]
    assert rows[1][0] - rows[0][0] == timedelta(seconds=5)


async def test_a_slot_that_is_not_written_now_is_written_with_the_next_one(beating) -> None:
    slug, [learner] = await a_sale()
    await post(beating, a_wish(slug), user_id=learner)
    await sync_to_async(beating.pulse.flush)(write=False)
    nothing = await Pulse.objects.acount()
    await post(beating, a_wish(slug), user_id=learner)
    await sync_to_async(beating.pulse.flush)()

    rows = [row async for row in Pulse.objects.order_by("at").values_list("asked", "held")]
    assert (nothing, rows) == (0, [(1, 1), (1, 0)])


async def test_a_pulse_is_written_with_two_statements(gate, count_statements) -> None:
    from kaiying.offers.actions import Seen

    offers = [await sync_to_async(an_offer)() for _ in range(3)]
    at = offers[0].opens_at
    seen = [Seen(offer.pk, at, asked=5) for offer in offers] + [Seen(10**9, at, asked=1)]
    count_statements.clear()

    await sync_to_async(note_pulse)(seen, source="a")
    await sync_to_async(note_pulse)([seen[0]._replace(asked=6)], source="a")

    assert [line.split()[0] for line in count_statements if line.split()[0] in {"SELECT", "INSERT"}] == [
        "SELECT", "INSERT", "SELECT", "INSERT",
    ]  # fmt: skip
    assert sorted([row.asked async for row in Pulse.objects.all()]) == [5, 5, 6]


async def metrics(gate, host: str = "127.0.0.1", **headers: str) -> Answer:
    """Ask for the figures from an address."""

    async def from_there(scope, receive, send):
        await gate({**scope, "client": (host, 1)}, receive, send)

    return await call(
        from_there, "GET", "/metrics", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


async def test_figures_are_for_this_machine_or_who_has_the_token(gate, settings) -> None:
    settings.METRICS_TOKEN = "a-token-of-the-operator"

    here = await metrics(gate)
    through_a_proxy = await metrics(gate, x_forwarded_for="1.2.3.4")
    elsewhere = await metrics(gate, "10.0.0.9")
    wrong = await metrics(gate, authorization="Bearer guess")
    right = await metrics(gate, "10.0.0.9", authorization="Bearer a-token-of-the-operator")
    settings.METRICS_TOKEN = ""
    empty = await metrics(gate, "10.0.0.9", authorization="Bearer ")

    statuses = [answer.status for answer in (here, through_a_proxy, elsewhere, wrong, right, empty)]
    assert statuses == [200, 404, 404, 404, 200, 404]


async def test_figures_tell_what_the_writers_have_done(gate) -> None:
    slug, [learner] = await a_sale()
    await post(gate, a_wish(slug), user_id=learner)

    answer = await metrics(gate)

    lines = answer.body.decode().splitlines()
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'kaiying_writer_waiting{writer="claims"} 0' in lines
    assert 'kaiying_writer_batch_size_count{writer="claims"} 1' in lines
    assert 'kaiying_writer_commit_seconds_bucket{writer="claims",le="+Inf"} 1' in lines
    types = [line for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))


async def test_a_view_of_an_address_nobody_knows_is_not_counted(gate) -> None:
    await call(gate, "GET", "/c/unknown/")

    assert gate.pulse._tallies == {}
