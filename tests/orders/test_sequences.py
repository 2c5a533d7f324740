"""P1: a payment is told of 0 to k times, in any order, mixed with everything else that can happen to an order."""

import itertools
import random
import threading
import uuid
from collections import defaultdict

import pytest
from django.db import connection, transaction

from kaiying.learning.models import Enrollment
from kaiying.offers.models import Seat
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import SeatState
from kaiying.orders.actions import place_order, reconcile_order
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.providers.sandbox.models import SandboxCharge
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import OrderState, PaymentKind
from tests.factories.offers import a_claim, an_offer
from tests.factories.orders import LATE, PAID, an_order, hear, pay_silently

LONGEST = 4
PARALLEL = 40


def paid(order, at):
    hear(order, at=at, event_id=f"{order.number}-1", transaction=transaction_of(order))


def told_again(order, at):
    hear(order, at=at, event_id=f"{order.number}-2", transaction=transaction_of(order))


def close_overtakes(order, at):
    hear(order, at=at, event_id=f"{order.number}-3", state="closed")


def refund_notice(order, at):
    hear(order, at=at, event_id=f"{order.number}-4", state="refunded", refund_key="nobody-1", transaction="R-nobody")


def transaction_of(order):
    """What the service calls the payment."""
    return SandboxCharge.objects.get(ref=order.provider_ref).transaction or f"T-{order.number}"


def asked(order, at):
    reconcile_order(order=order, at=at)


def expires(order, at):
    reconcile_order(order=order, at=LATE)


def outcome(order):
    """What became of the order: state, enrollments, payment rows, money kept, seats taken."""
    order.refresh_from_db()
    payments = list(Payment.objects.filter(order=order))
    return (
        order.state,
        Enrollment.objects.standing().filter(learner=order.learner_id).count(),
        sum(payment.kind == PaymentKind.CHARGE for payment in payments),
        sum(payment.amount for payment in payments),
        Refund.objects.filter(order=order).count(),
        Seat.objects.exclude(state=SeatState.FREE).count(),
    )


def explore(order, events, visit, path=()):
    """Call ``visit`` after every sequence of events up to the longest, sharing what sequences begin with alike."""
    visit(path)
    if len(path) == LONGEST:
        return
    for event in events:
        with transaction.atomic():
            # Read anew: what a rolled-back event left in the object is not in the tables.
            event(Order.objects.get(pk=order.pk), LATE if expires in path else PAID)
            explore(order, events, visit, (*path, event))
            transaction.set_rollback(True)


@pytest.mark.figures
@pytest.mark.django_db
@pytest.mark.parametrize("is_known", [True, False], ids=["the service says paid", "the service says open"])
def test_every_order_of_events_ends_the_same(is_known):
    offer = an_offer(2, None)
    order = an_order(offer)
    if is_known:
        pay_silently(order)
    events = (paid, asked, expires) if is_known else (paid, told_again, close_overtakes, refund_notice, expires)
    ends = defaultdict(set)
    seen = set()
    count = itertools.count()

    def visit(path):
        next(count)
        end = outcome(order)
        ends[tuple(sorted(event.__name__ for event in path))].add(end)
        if end not in seen:
            seen.add(end)
            assert verify(offer) == verify_money(offer) == []

    explore(order, events, visit)

    sequences = next(count)
    most = max(map(len, ends.values()))
    print(f"P1 {sequences} sequences up to length {LONGEST}, {len(ends)} multisets, final states per multiset: {most}")
    assert most == 1
    news = {"paid", "told_again"} | ({"asked", "expires"} if is_known else set())
    for multiset, states in ends.items():
        expected = (OrderState.PAID, 1, 1, 280, 0, 1) if news & set(multiset) else None
        closed = (OrderState.CLOSED, 0, 0, 0, 0, 0) if "expires" in multiset else (OrderState.OPEN, 0, 0, 0, 0, 1)
        assert states == {expected or closed}, multiset


@pytest.mark.django_db
def test_when_a_rival_took_the_seat_meanwhile_every_sequence_ends_in_a_seat_or_a_refund():
    offer = an_offer(1, None)
    order = an_order(offer)
    ends = set()

    def rival(order, at):
        if order.claim.offer.seats.filter(state=SeatState.FREE).exists():
            other = place_order(claim=a_claim(offer, at=LATE), provider_name="sandbox", at=LATE)
            hear(other, at=LATE)

    def visit(path):
        end = outcome(order)
        if end not in ends:
            ends.add(end)
            assert verify(offer) == verify_money(offer) == []

    explore(order, (paid, told_again, expires, rival), visit)

    assert ends == {
        (OrderState.OPEN, 0, 0, 0, 0, 1),
        (OrderState.CLOSED, 0, 0, 0, 0, 0),
        (OrderState.CLOSED, 0, 0, 0, 0, 1),
        (OrderState.PAID, 1, 1, 280, 0, 1),
        (OrderState.REFUNDING, 0, 1, 280, 1, 1),
    }


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_two_at_a_time_every_sequence_ends_the_same(at_once):
    chance = random.Random(20260715)
    offer = an_offer(PARALLEL, None)
    ends = defaultdict(set)
    for _ in range(PARALLEL):
        order = an_order(offer)
        pay_silently(order)
        ways = [chance.choices((paid, told_again, asked, expires, close_overtakes), k=2) for _ in range(2)]

        def walk(way, order=order):
            mine = Order.objects.get(pk=order.pk)
            for event in way:
                event(mine, PAID)

        raised = at_once([lambda way=way: walk(way) for way in ways])
        assert raised == [None, None]
        multiset = tuple(sorted(event.__name__ for way in ways for event in way))
        ends[multiset].add(outcome(order)[:5])

    most = max(map(len, ends.values()))
    print(f"P1 {PARALLEL} runs of 2 threads, {len(ends)} multisets, final states per multiset: {most}")
    assert most == 1
    assert verify(offer) == verify_money(offer) == []
    assert Payment.objects.count() == Order.objects.filter(state=OrderState.PAID).count() == Enrollment.objects.count()


@pytest.mark.django_db(transaction=True)
def test_twin_without_lock_and_inbox_two_messages_pay_twice(at_once):
    """The same race with the order's lock, the unique event and the unique transaction taken away must fail."""
    order = an_order(an_offer())
    looked = threading.Barrier(2)

    def naive():
        is_open = Order.objects.get(pk=order.pk).state == OrderState.OPEN
        looked.wait()
        if is_open:
            Payment.objects.create(
                order=order,
                kind="charge",
                amount=280,
                currency="CNY",
                provider="sandbox",
                transaction=uuid.uuid4().hex,
                at=PAID,
            )
            Order.objects.filter(pk=order.pk).update(state=OrderState.PAID)

    at_once([naive, naive])

    assert outcome(order)[2] == 2
    assert verify_money(order.claim.offer) != []
    connection.close()
