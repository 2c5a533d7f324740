"""A seat that comes back goes to the head of the line, whichever way it came back, and then by the offer's policy."""

from datetime import timedelta

import pytest

from kaiying.offers.actions import expire_claims, join_waitlist, release_claim
from kaiying.offers.models import Claim
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import ReturnPolicy, SeatState, Turn, WaitState
from kaiying.orders.actions import place_order, reconcile, refund
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import OrderState
from tests.factories.offers import FIRST, an_offer
from tests.factories.orders import LATE, PAID, an_order, hear, pay_silently
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
TURN = timedelta(minutes=15)


def lapses(order):
    reconcile(at=LATE)
    return LATE


def lets_go_while_paying(order):
    release_claim(claim=order.claim, at=PAID)
    reconcile(at=PAID)
    return PAID


def is_refunded(order):
    _paid(order)
    refund(order=order, by=UserFactory(), reason="", at=PAID)
    return PAID


def is_refunded_in_parts(order):
    _paid(order)
    for amount in (100, 180):
        assert order.claim.offer.seats.get().state == SeatState.PAID
        refund(order=order, by=UserFactory(), reason="", amount=amount, at=PAID)
    return PAID


def is_ended_with_a_fee(order):
    _paid(order)
    refund(order=order, by=UserFactory(), reason="", amount=200, ends_seat=True, at=PAID)
    return PAID


def is_given_back_by_the_provider(order):
    charge = _paid(order)
    hear(order, state="refunded", transaction="R-1", charge=charge)
    return PAID


def _paid(order):
    charge = pay_silently(order).transaction
    hear(order, transaction=charge)
    return charge


WAYS = [
    *(lapses, lets_go_while_paying, is_refunded, is_refunded_in_parts),
    *(is_ended_with_a_fee, is_given_back_by_the_provider),
]


def in_line(offer, count, **facts):
    return [join_waitlist(offer=offer, learner=UserFactory(), max_price=FIRST, at=PAID, **facts) for _ in range(count)]


@pytest.mark.parametrize("policy", ReturnPolicy)
@pytest.mark.parametrize("way", WAYS)
def test_each_in_line_has_a_quarter_of_an_hour_and_then_the_policy_decides(way, policy):
    offer = an_offer(1, None, on_return=policy)
    order = an_order(offer)
    line = in_line(offer, 2)

    at = way(order)

    for entry in line:
        entry.refresh_from_db()
        assert (entry.state, entry.claim.held_until, entry.claim.price) == (WaitState.OFFERED, at + TURN, FIRST)
        assert entry.claim.price <= entry.max_price
        assert expire_claims(offer=offer, at=at + TURN - timedelta(seconds=1)) == 0
        at += TURN
        assert expire_claims(offer=offer, at=at) == 1
    assert offer.seats.get().state == (SeatState.FREE if policy == ReturnPolicy.REOPEN else SeatState.VOID)
    assert verify(offer) == verify_money(offer) == []


@pytest.mark.parametrize("way", WAYS)
def test_who_would_not_pay_so_much_is_passed_over_and_keeps_their_place(way):
    offer = an_offer(1, None)
    order = an_order(offer)
    [poor] = [join_waitlist(offer=offer, learner=UserFactory(), max_price=FIRST - 1, at=PAID)]
    [next_one] = in_line(offer, 1)

    way(order)

    poor.refresh_from_db()
    next_one.refresh_from_db()
    assert (poor.state, next_one.state) == (WaitState.WAITING, WaitState.OFFERED)


@pytest.mark.parametrize("way", WAYS)
def test_whoever_gets_the_seat_pays_for_it_and_the_one_before_has_nothing_open(way):
    offer = an_offer(1, None)
    order = an_order(offer)
    [entry] = in_line(offer, 1)

    at = way(order)

    entry.refresh_from_db()
    theirs = place_order(claim=entry.claim, provider_name="sandbox", at=at)
    assert hear(theirs, at=at) == "paid"
    entry.refresh_from_db()
    order.refresh_from_db()
    assert entry.state == WaitState.SEATED
    assert order.state in {OrderState.CLOSED, OrderState.REFUNDING, OrderState.REFUNDED}
    assert verify(offer) == verify_money(offer) == []


def test_a_part_that_goes_back_moves_nobody_in_line():
    offer = an_offer(1, None)
    order = an_order(offer)
    _paid(order)
    [entry] = in_line(offer, 1)

    refund(order=order, by=UserFactory(), reason="", amount=100, at=PAID)

    entry.refresh_from_db()
    assert (entry.state, offer.seats.get().state) == (WaitState.WAITING, SeatState.PAID)


def test_who_paid_too_late_is_first_and_gets_the_next_seat_before_all_others():
    offer = an_offer(1, None)
    late = an_order(offer)
    others = in_line(offer, 2)
    reconcile(at=LATE)
    assert hear(late, at=LATE) == "refunding"

    expire_claims(offer=offer, at=LATE + TURN)

    claim = Claim.objects.live().get(offer=offer)
    assert (claim.learner, claim.price) == (late.learner, FIRST)
    expire_claims(offer=offer, at=LATE + 2 * TURN)
    assert Claim.objects.live().get(offer=offer).learner == others[1].learner
    assert verify(offer) == verify_money(offer) == []
    assert Turn.OWED < Turn.AS_THEY_CAME
