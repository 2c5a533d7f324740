"""A thousand buyers at once, storms of returns, and what the same crowd does to code without our protection."""

import time
from collections import Counter, defaultdict

import pytest
from django.db import connection, transaction

from kaiying.kit.errors import Refused
from kaiying.offers.actions import (
    claim_seat,
    claim_seats,
    expire_claims,
    join_waitlist,
    lapse_claim,
    release_claim,
    settle_claim,
)
from kaiying.offers.models import Claim, Offer, Seat, WaitlistEntry
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import LIVE, ClaimRequest, PriceMoved, SoldOut, Taken, WaitState
from kaiying.people.models import User
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, a_claim, an_offer
from tests.factories.people import UserFactory
from tests.offers.crowds import rush, shuffled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.figures]

BUYERS = 1_000


def people(count: int) -> list[User]:
    return User.objects.bulk_create(UserFactory.build_batch(count))


def a_crowd_asks(offer: Offer, buyers: list[User], *, together: int) -> dict[int, list[Taken | Refused]]:
    """Every buyer asks twice, from two threads, with a key each time; ``together`` requests go in one batch."""
    asks = [
        ClaimRequest(offer.pk, buyer.pk, FIRST if place % 4 == 0 else STANDARD, f"ask-{turn}-{buyer.pk:06}")
        for turn in range(2)
        for place, buyer in enumerate(buyers)
    ]
    asks = shuffled(asks, seed=together)
    batches = [asks[start : start + together] for start in range(0, len(asks), together)]
    answers = rush(lambda batch: claim_seats(batch, at=OPENS), batches)
    told: dict[int, list[Taken | Refused]] = defaultdict(list)
    for batch, results in zip(batches, answers, strict=True):
        for ask, result in zip(batch, results, strict=True):
            told[ask.learner_id].append(result)
    return told


@pytest.mark.parametrize("together", [1, 64])
def test_a_thousand_buyers_at_once_get_exactly_the_seats_there_are(together: int):
    offer, buyers = an_offer(first=30, standard=20), people(BUYERS)

    began = time.perf_counter()
    told = a_crowd_asks(offer, buyers, together=together)
    took = time.perf_counter() - began

    holds = list(Claim.objects.filter(offer=offer, state__in=LIVE))
    prices = Counter(claim.price for claim in holds)
    numbers = Counter(claim.seat_number for claim in holds)
    winners = {claim.learner_id for claim in holds}
    two_things = 0
    for learner, answers in told.items():
        seats = {(answer.claim_id, answer.seat_number, answer.price) for answer in answers if isinstance(answer, Taken)}
        refusals = {type(answer) for answer in answers if isinstance(answer, Refused)}
        assert refusals <= {SoldOut, PriceMoved}
        # Whoever was told of a seat has it; whoever was told that all are gone has none.
        two_things += (
            len(seats) > 1 or (learner in winners) != bool(seats) or (SoldOut in refusals and learner in winners)
        )
    assert (len(holds), prices, two_things) == (50, {FIRST: 30, STANDARD: 20}, 0)
    assert set(numbers) == set(range(1, 51))
    assert len(winners) == 50
    assert verify(offer) == []
    print(
        f"\n  {connection.vendor}, batches of {together}: {BUYERS} buyers asked {2 * BUYERS} times for 50 seats:"
        f" {len(holds)} holds, {prices[FIRST]} at 280 and {prices[STANDARD]} at 9900, duplicates 0,"
        f" told two things {two_things}, {2 * BUYERS / took:,.0f} requests/s"
    )


@pytest.fixture
def bare_table():
    """A table of claims without our constraints."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE naive_claim (learner_id bigint, seat_number int, price int)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE naive_claim")


def naive_claim(learner_id: int) -> None:
    """Read the count, then insert: what a shop without a lock does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM naive_claim")
        sold = cursor.fetchone()[0]
        if sold < 50:
            time.sleep(0.001)
            price = FIRST if sold < 30 else STANDARD
            cursor.execute("INSERT INTO naive_claim VALUES (%s, %s, %s)", [learner_id, sold + 1, price])


def test_twin_the_same_crowd_oversells_a_ledger_that_reads_and_then_writes(bare_table):
    rush(naive_claim, range(BUYERS))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT seat_number), count(*) FILTER (WHERE price = 280) FROM naive_claim"
        )
        sold, seats, cheap = cursor.fetchone()
    assert sold > 50
    assert sold > seats
    print(
        f"\n  {connection.vendor}, twin without lock and constraints: {sold} sold of 50, {cheap} at 280, {sold - seats} twice"
    )


def test_one_person_asking_fifty_times_at_once_has_one_seat():
    offer, [learner] = an_offer(), people(1)

    claims = rush(
        lambda turn: claim_seat(offer=offer, learner=learner, max_price=STANDARD, key=f"tab-{turn:05}", at=OPENS),
        range(50),
    )

    assert len({claim.pk for claim in claims}) == 1
    assert Claim.objects.filter(learner=learner).count() == 1


def test_buyers_of_two_offers_at_once_do_not_wait_for_each_other_for_ever():
    one, two = an_offer(first=20, standard=None), an_offer(first=20, standard=None)
    buyers = people(60)

    def ask(buyer: User) -> list[Claim | Refused]:
        offers = [one, two] if buyer.pk % 2 else [two, one]
        return claim_seats(
            [ClaimRequest(offer.pk, buyer.pk, FIRST, f"key-{offer.pk}-{buyer.pk:05}") for offer in offers], at=OPENS
        )

    rush(ask, buyers)

    assert [offer.claims.live().count() for offer in (one, two)] == [20, 20]
    assert verify(one) == verify(two) == []


def test_a_storm_of_returns_keeps_the_generations_and_the_order_of_the_line():
    offer = an_offer(first=6, standard=4)
    buyers, line = people(40), people(60)
    for buyer in buyers[:10]:
        a_claim(offer, learner=buyer)
    for learner in line:
        join_waitlist(offer=offer, learner=learner, max_price=STANDARD, at=OPENS)
    began = time.perf_counter()

    def stir(turn: int) -> str:
        at = OPENS + turn * MINUTE
        held = list(offer.claims.filter(state="held").order_by("pk"))
        claim = held[turn % len(held)] if held else None
        kind = turn % 5
        try:
            if kind == 0:
                expire_claims(offer=offer, at=at)
            elif kind == 1 and claim:
                release_claim(claim=claim, at=at)
            elif kind == 2 and claim:
                lapse_claim(claim=claim, at=at + 20 * MINUTE)
            elif kind == 3 and claim and turn % 15 == 3:
                settle_claim(claim_id=claim.pk, generation=claim.generation, at=at)
            else:
                claim_seat(
                    offer=offer, learner=buyers[10 + turn % 30], max_price=STANDARD, key=f"storm-{turn:06}", at=at
                )
        except Refused as refused:
            return refused.code
        return "done"

    outcomes = Counter(rush(stir, range(240)))
    took = time.perf_counter() - began

    assert verify(offer) == []
    for seat in Seat.objects.filter(offer=offer):
        generations = list(
            offer.claims.filter(seat_number=seat.number).order_by("pk").values_list("generation", flat=True)
        )
        assert generations == list(range(len(generations)))
        assert seat.generation in {len(generations) - 1, len(generations)}
    served = WaitlistEntry.objects.filter(offer=offer, claim__isnull=False).order_by("claim")
    order = [entry.pk for entry in served]
    assert order == sorted(order)
    first_waiting = WaitlistEntry.objects.filter(offer=offer, state=WaitState.WAITING).order_by("pk").first()
    assert first_waiting is None or all(pk < first_waiting.pk for pk in order)
    freed = sum(Seat.objects.filter(offer=offer).values_list("generation", flat=True))
    assert freed >= 15
    assert len(order) >= 10
    print(
        f"\n  {connection.vendor}, storm of 240: {freed} seats came back, {len(order)} of the line served in order,"
        f" faults 0, {dict(outcomes)}, {240 / took:,.0f}/s"
    )


def naive_serve(seat_number: int) -> None:
    """Take the head of the line and give them the seat, without a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT learner_id FROM naive_line WHERE seat_number IS NULL ORDER BY learner_id LIMIT 1")
        [head] = cursor.fetchone()
        time.sleep(0.002)
        cursor.execute("UPDATE naive_line SET seat_number = %s WHERE learner_id = %s", [seat_number, head])


def test_twin_seats_that_come_back_at_once_go_to_the_same_head_of_a_line_without_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE naive_line (learner_id bigint, seat_number int)")
        cursor.executemany("INSERT INTO naive_line VALUES (%s, NULL)", [[learner] for learner in range(100)])
    try:
        rush(naive_serve, range(60))
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM naive_line WHERE seat_number IS NOT NULL")
            served = cursor.fetchone()[0]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE naive_line")

    assert served < 60
    print(
        f"\n  {connection.vendor}, twin without a lock: 60 seats came back, {served} people got one, {60 - served} seats lost"
    )


def test_constraints_stop_what_a_mistake_in_the_code_would_let_through():
    from django.db import IntegrityError

    offer = an_offer(first=2, standard=None)
    claim = a_claim(offer)
    wrong = {
        "offer": offer,
        "tier": claim.tier,
        "price": FIRST,
        "max_price": FIRST,
        "claimed_at": OPENS,
        "held_until": OPENS,
    }

    def refuses(**facts: object) -> bool:
        try:
            with transaction.atomic():
                Claim.objects.create(**{**wrong, **facts})
        except IntegrityError:
            return True
        return False

    [other] = people(1)
    assert refuses(learner=claim.learner, seat_number=2, generation=0, key="second-live-claim")
    assert refuses(learner=other, seat_number=1, generation=9, key="a-taken-seat")
    assert refuses(learner=other, seat_number=1, generation=0, state="lapsed", key="the-same-generation")
    assert refuses(learner=other, seat_number=2, generation=0, max_price=FIRST - 1, key="a-surprise")
