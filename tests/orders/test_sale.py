"""A whole sale: a thousand buyers, fifty seats, and a payment service that repeats, reorders and is late."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from kaiying.kit.errors import Refused
from kaiying.learning.models import Enrollment
from kaiying.offers.actions import claim_seat
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import SoldOut
from kaiying.orders.actions import place_order, reconcile
from kaiying.orders.models import Callback, Order, Payment
from kaiying.orders.queries import sales, verify_money
from kaiying.orders.vocabulary import OrderState
from kaiying.people.models import User
from kaiying.wire import clock
from tests.factories.offers import OPENS, an_offer
from tests.factories.orders import LATE, PAID, PLACED, pay_silently, post, sent_by_sandbox
from tests.factories.people import UserFactory

BUYERS, SEATS, THREADS, COPIES = 1000, 50, 8, 3

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(work, things, count=THREADS):
    """Do the work for each of the things, in so many threads that begin together."""
    gate = threading.Barrier(count)
    waiting = list(things)

    def one(_place):
        gate.wait()
        done = []
        try:
            while True:
                try:
                    thing = waiting.pop()
                except IndexError:
                    return done
                done.append(work(thing))
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return [result for part in pool.map(one, range(count)) for result in part]


@pytest.mark.figures
def test_a_thousand_buyers_fifty_seats():
    chance = random.Random(2026)
    offer = an_offer(30, 20)
    buyers = User.objects.bulk_create(UserFactory.build_batch(BUYERS))

    def buy(buyer):
        try:
            claim = claim_seat(offer=offer, learner=buyer, max_price=9900, key=f"sale-{buyer.pk:06}", at=OPENS)
        except Refused as refused:
            return buyer.pk, refused.code
        order = place_order(claim=claim, provider_name="sandbox", at=PLACED)
        with clock.frozen(PAID):
            pay_silently(order)
        return buyer.pk, order.number

    told = dict(in_threads(buy, chance.sample(buyers, k=BUYERS)))
    orders = list(Order.objects.all())
    late = set(chance.sample([order.pk for order in orders], k=10))
    news = [order for order in orders for _ in range(COPIES)]
    chance.shuffle(news)
    news.insert(SEATS, None)  # in the middle of it the clock of the holds runs out

    def deliver(order):
        if order is None:
            with clock.frozen(LATE):
                reconcile(at=LATE)
            return "asked"
        at = LATE if order.pk in late else PAID
        with clock.frozen(at):
            return post(*sent_by_sandbox(order, at=at))

    statuses = Counter(in_threads(deliver, news))

    sold_out = sum(said == SoldOut.code for said in told.values())
    enrolled = set(Enrollment.objects.standing().values_list("learner", flat=True))
    paid = Order.objects.filter(state=OrderState.PAID)
    takings = sales(offer.cohort)
    print(
        f"sale: {BUYERS} buyers, {paid.count()} paid, {len(enrolled)} enrolled, {sold_out} told sold out, "
        f"{statuses[200]} callbacks of which {Callback.objects.count()} counted, "
        f"received {takings.received}, refunded {takings.refunded}, kept {takings.kept}"
    )
    assert (paid.count(), len(enrolled), sold_out, statuses) == (
        SEATS,
        SEATS,
        BUYERS - SEATS,
        {200: SEATS * COPIES, "asked": 1},
    )
    assert enrolled == {buyer for buyer, said in told.items() if said != SoldOut.code}
    assert Counter(paid.values_list("amount", flat=True)) == {280: 30, 9900: 20}
    assert (takings.received.minor, takings.kept.minor) == (30 * 280 + 20 * 9900, 30 * 280 + 20 * 9900)
    assert Payment.objects.count() == Callback.objects.count() == SEATS
    assert verify(offer) == verify_money(offer) == []


def test_twin_that_counts_and_then_enrolls_sells_too_many():
    """The same crowd against a shop that looks first and writes afterwards must oversell."""
    offer = an_offer(30, 20)
    buyers = User.objects.bulk_create(UserFactory.build_batch(SEATS + THREADS))
    looked = threading.Barrier(THREADS)

    def naive(buyer):
        sold = Enrollment.objects.filter(cohort=offer.cohort).count()
        looked.wait()
        if sold < SEATS:
            Enrollment.objects.create(cohort=offer.cohort, learner=buyer, enrolled_at=OPENS)

    for buyer in buyers[: SEATS - 1]:
        Enrollment.objects.create(cohort=offer.cohort, learner=buyer, enrolled_at=OPENS)
    in_threads(naive, buyers[SEATS - 1 : SEATS - 1 + THREADS])

    assert Enrollment.objects.count() > SEATS
