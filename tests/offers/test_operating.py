"""What an operator does to a sale that runs: seats, its end, its admission, seats given away."""

import pytest
from django.db import DatabaseError, connection, transaction

from kaiying.kit.errors import Refused
from kaiying.learning.models import Enrollment
from kaiying.offers.actions import (
    close_sale,
    expire_claims,
    join_waitlist,
    lower_seats,
    pause_admission,
    raise_seats,
    release_claim,
    resume_admission,
    set_admission_rate,
)
from kaiying.offers.actions.operating import lowest_seats
from kaiying.offers.models import Act, Admission, Claim, Offer
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import (
    AlreadySeated,
    BadRate,
    ClaimState,
    Closed,
    NoReason,
    NotFewerSeats,
    NothingFree,
    NotMoreSeats,
    SeatsTaken,
    SoldOut,
    TooEarly,
    WaitState,
)
from kaiying.orders.actions import comp, place_order
from kaiying.orders.models import Order
from kaiying.orders.queries import sales, verify_money
from kaiying.outbox.models import Event
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, a_claim, an_offer, tier
from tests.factories.orders import an_order, hear
from tests.factories.people import UserFactory
from tests.offers.crowds import rush

pytestmark = pytest.mark.django_db

WHY = "more people than we thought"
LATER = OPENS + MINUTE


def free(offer):
    return [one.free for one in offer.tiers.all()]


@pytest.fixture
def op():
    return UserFactory(name="Op")


def test_new_seats_go_to_the_last_tier_and_the_act_says_who_and_why(op):
    offer = an_offer(first=3, standard=2)

    act = raise_seats(offer=offer, seats=9, by=op, reason=f"  {WHY} ", at=LATER)

    offer.refresh_from_db()
    assert (offer.seats_total, free(offer)) == (9, [3, 6])
    assert (act.kind, act.by, act.reason, act.facts, act.at) == ("raise", op, WHY, {"was": 5, "now": 9}, LATER)
    assert verify(offer) == []


def test_new_seats_go_to_the_tier_that_takes_the_rest(op):
    offer = an_offer(tiers=[tier("first", "2.80", 3), tier("rest", "99.00")], seats=5)

    raise_seats(offer=offer, seats=8, by=op, reason=WHY, at=LATER)

    assert free(offer) == [3, 5]
    assert verify(offer) == []


def test_new_seats_go_to_those_who_wait_first(op):
    offer = an_offer(first=1, standard=None)
    a_claim(offer)
    first = join_waitlist(offer=offer, learner=UserFactory(), max_price=FIRST, at=OPENS)
    second = join_waitlist(offer=offer, learner=UserFactory(), max_price=FIRST, at=OPENS)

    raise_seats(offer=offer, seats=2, by=op, reason=WHY, at=LATER)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (WaitState.OFFERED, WaitState.WAITING)
    assert verify(offer) == []


@pytest.mark.parametrize("seats", [0, 4, 5, 1_000_001])
def test_raising_needs_more_seats_than_there_are(op, seats):
    offer = an_offer(first=3, standard=2)

    with pytest.raises(NotMoreSeats) as refused:
        raise_seats(offer=offer, seats=seats, by=op, reason=WHY, at=LATER)

    assert refused.value.facts == {"seats": 5, "lowest": 6, "highest": 1_000_000}
    assert Act.objects.count() == 0


def test_seats_go_from_the_last_tier_first_and_nobody_loses_one(op):
    offer = an_offer(first=5, standard=10)
    claim = a_claim(offer)

    lower_seats(offer=offer, seats=7, by=op, reason=WHY, at=LATER)
    assert free(offer) == [4, 2]
    lower_seats(offer=offer, seats=3, by=op, reason=WHY, at=LATER)

    assert free(offer) == [1, 1]
    claim.refresh_from_db()
    assert claim.state == ClaimState.HELD
    assert verify(offer) == []
    assert list(Act.objects.order_by("pk").values_list("facts", flat=True)) == [
        {"was": 15, "now": 7},
        {"was": 7, "now": 3},
    ]


def test_seats_cannot_go_below_what_is_sold_or_held_and_the_refusal_says_how_far(op):
    offer = an_offer(first=2, standard=10)
    for _ in range(6):
        a_claim(offer)

    with pytest.raises(SeatsTaken) as refused:
        lower_seats(offer=offer, seats=5, by=op, reason=WHY, at=LATER)

    assert refused.value.facts == {"lowest": 6}
    lower_seats(offer=offer, seats=6, by=op, reason=WHY, at=LATER)
    assert free(offer) == [0, 0]
    assert verify(offer) == []


def test_a_seat_that_was_somebodys_is_history_and_stays(op):
    offer = an_offer(first=10, standard=None)
    claims = [a_claim(offer) for _ in range(4)]
    release_claim(claim=claims[3], at=LATER)

    assert lowest_seats(Offer.objects.get(pk=offer.pk)) == 4


@pytest.mark.parametrize("seats", [5, 6])
def test_lowering_needs_fewer_seats_than_there_are(op, seats):
    with pytest.raises(NotFewerSeats):
        lower_seats(offer=an_offer(first=3, standard=2), seats=seats, by=op, reason=WHY, at=LATER)


def test_what_a_tier_left_over_when_its_time_ended_can_be_lowered_too(op):
    ends = (OPENS + MINUTE).isoformat()
    offer = an_offer(tiers=[tier("early", "2.80", 4, ends_at=ends), tier("late", "99.00", 3)])
    a_claim(offer)

    lower_seats(offer=offer, seats=5, by=op, reason=WHY, at=OPENS + 2 * MINUTE)

    assert free(offer) == [0, 4]
    assert verify(offer) == []


def test_a_closed_sale_takes_nobody_new_and_holds_keep_their_time(op):
    offer = an_offer(first=3, standard=2)
    held, lapsing = an_order(offer), a_claim(offer)

    close_sale(offer=offer, by=op, reason="the room is full", at=OPENS + 2 * MINUTE)

    with pytest.raises(Closed):
        a_claim(offer, at=OPENS + 2 * MINUTE)
    assert hear(held) == "paid"
    assert expire_claims(offer=offer, at=OPENS + 14 * MINUTE) == 0
    assert expire_claims(offer=offer, at=OPENS + 15 * MINUTE) == 1
    lapsing.refresh_from_db()
    assert lapsing.state == ClaimState.LAPSED
    assert (verify(offer), verify_money(offer)) == ([], [])


def test_a_sale_closes_once_and_not_before_it_opened(op):
    offer = an_offer()

    with pytest.raises(TooEarly):
        close_sale(offer=offer, by=op, reason=WHY, at=OPENS - MINUTE)
    close_sale(offer=offer, by=op, reason=WHY, at=LATER)
    with pytest.raises(Closed):
        close_sale(offer=offer, by=op, reason=WHY, at=LATER + MINUTE)

    assert Act.objects.count() == 1


def test_admission_is_paused_and_resumed_once_each(op):
    offer = an_offer()

    pauses = {pause_admission(offer=offer, by=op, reason=WHY, at=OPENS + n * MINUTE).pk for n in (1, 2)}
    assert Admission.objects.get(offer=offer).paused_at == LATER
    resumes = {resume_admission(offer=offer, by=op, reason=WHY, at=OPENS + n * MINUTE).pk for n in (3, 4)}

    assert Admission.objects.get(offer=offer).paused_at is None
    assert (len(pauses), len(resumes), Act.objects.count()) == (1, 1, 2)


def test_the_admission_rate_is_a_number_or_the_measured_one(op):
    offer = an_offer()

    set_admission_rate(offer=offer, rate=8, by=op, reason=WHY, at=LATER)
    assert Admission.objects.get(offer=offer).rate == 8
    act = set_admission_rate(offer=offer, rate=None, by=op, reason=WHY, at=LATER)

    assert Admission.objects.get(offer=offer).rate is None
    assert act.facts == {"was": 8, "now": None}


@pytest.mark.parametrize("rate", [0, -1, 100_001])
def test_a_rate_that_makes_no_sense_is_refused(op, rate):
    with pytest.raises(BadRate):
        set_admission_rate(offer=an_offer(), rate=rate, by=op, reason=WHY, at=LATER)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_no_act_goes_without_a_reason(op, reason):
    offer = an_offer(first=3, standard=2)

    with pytest.raises(NoReason):
        raise_seats(offer=offer, seats=9, by=op, reason=reason, at=LATER)

    offer.refresh_from_db()
    assert (offer.seats_total, Act.objects.count()) == (5, 0)


def test_an_act_is_told_to_the_pages_without_who_and_why(op):
    offer = an_offer()

    act = pause_admission(offer=offer, by=op, reason=WHY, at=LATER)

    event = Event.objects.get(name="offers.operated")
    assert (event.channel, event.facts) == (f"offer:{offer.pk}", {"kind": "pause", "act": act.pk})


def test_an_act_cannot_be_changed(op):
    act = pause_admission(offer=an_offer(), by=op, reason=WHY, at=LATER)
    rows = Act.objects.filter(pk=act.pk)

    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        rows.update(reason="nothing to see")

    assert rows.get().reason == WHY


def test_a_seat_given_away_is_one_of_the_last_tier_and_costs_nothing(op):
    offer, guest = an_offer(first=3, standard=2), UserFactory()
    hear(an_order(offer))

    order = comp(offer=offer, learner=guest, by=op, reason="speaker", at=LATER)

    assert (order.amount, order.state, order.claim.price, order.claim.seat_number) == (0, "paid", STANDARD, 4)
    assert Enrollment.objects.standing().filter(cohort=offer.cohort, learner=guest).count() == 1
    assert Act.objects.get().facts == {"seat": 4, "price": STANDARD, "learner": guest.pk}
    assert sales(offer.cohort).kept.minor == FIRST
    assert (verify(offer), verify_money(offer)) == ([], [])


def test_nobody_gets_a_second_seat_given(op):
    offer, guest = an_offer(first=3, standard=2), UserFactory()
    comp(offer=offer, learner=guest, by=op, reason="speaker", at=LATER)
    buyer = a_claim(offer).learner

    for person in (guest, buyer):
        with pytest.raises(AlreadySeated):
            comp(offer=offer, learner=person, by=op, reason="speaker", at=LATER)

    assert (Order.objects.count(), Act.objects.count()) == (1, 1)


def test_a_seat_can_be_given_before_and_after_the_sale_while_one_is_free(op):
    offer = an_offer(first=1, standard=1)

    comp(offer=offer, learner=UserFactory(), by=op, reason="speaker", at=OPENS - MINUTE)
    close_sale(offer=offer, by=op, reason=WHY, at=LATER)
    comp(offer=offer, learner=UserFactory(), by=op, reason="speaker", at=LATER + MINUTE)

    with pytest.raises(NothingFree):
        comp(offer=offer, learner=UserFactory(), by=op, reason="speaker", at=LATER + MINUTE)
    assert (verify(offer), verify_money(offer)) == ([], [])


def test_who_is_given_a_seat_leaves_the_waitlist(op):
    offer = an_offer(first=1, standard=2)
    a_claim(offer)
    guest = UserFactory()
    entry = join_waitlist(offer=offer, learner=guest, max_price=FIRST, at=OPENS)

    comp(offer=offer, learner=guest, by=op, reason="speaker", at=LATER)

    entry.refresh_from_db()
    assert entry.state == WaitState.LEFT


def test_an_order_that_cost_nothing_is_not_placed_again(op):
    offer, guest = an_offer(first=1, standard=2), UserFactory()
    order = comp(offer=offer, learner=guest, by=op, reason="speaker", at=LATER)

    assert place_order(claim=order.claim, provider_name="sandbox", at=LATER + MINUTE) == order


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_seats_are_lowered_and_given_away_while_a_crowd_claims_and_nobody_loses_one():
    offer, op = an_offer(first=20, standard=60), UserFactory()
    people = UserFactory.create_batch(90)

    def act(place):
        try:
            if place % 10 == 9:
                return lower_seats(offer=offer, seats=80 - place // 4, by=op, reason=WHY, at=LATER)
            if place % 10 == 4:
                return comp(offer=offer, learner=people[place], by=op, reason="speaker", at=LATER)
            return a_claim(offer, learner=people[place], at=LATER)
        except Refused as refused:
            return refused

    results = rush(act, range(90))

    claims = [one for one in results if isinstance(one, Claim)]
    comps = [one for one in results if isinstance(one, Order)]
    offer.refresh_from_db()
    live = Claim.objects.live().filter(offer=offer)
    assert live.count() == len(claims) + len(comps) <= offer.seats_total
    assert {type(one) for one in results if isinstance(one, Refused)} <= {
        SeatsTaken,
        NotFewerSeats,
        SoldOut,
        NothingFree,
    }
    assert (verify(offer), verify_money(offer)) == ([], [])
    lowered = [one for one in results if isinstance(one, Act)]
    print(
        f"\n  {connection.vendor}: {len(claims)} claims, {len(comps)} comps and {len(lowered)} of 9 lowerings at once:"
        f" {offer.seats_total} seats left, {live.count()} taken, seats lost 0"
    )


@pytest.mark.django_db(transaction=True)
def test_twin_who_looks_at_the_seats_first_and_lowers_them_then_takes_a_seat_from_somebody():
    offer = an_offer(first=10, standard=None)
    seen = lowest_seats(offer)  # nobody has a seat yet, and nobody is kept out

    a_claim(offer)
    a_claim(offer)
    offer.seats.filter(number__gt=seen).delete()
    Offer.objects.filter(pk=offer.pk).update(seats_total=seen)

    faults = verify(Offer.objects.get(pk=offer.pk))
    assert any(fault.startswith("I") for fault in faults)
    assert Claim.objects.live().filter(offer=offer).count() == 2 > seen
