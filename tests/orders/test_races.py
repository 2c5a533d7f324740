"""P4: money against the end of the hold, with real threads."""

import os
import random
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from kaiying.kit.errors import Refused
from kaiying.offers.actions import expire_claims
from kaiying.offers.models import Claim
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import ClaimState
from kaiying.orders.actions import place_order, reconcile, send_refund, take_callback
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import OrderState, RefundState
from tests.factories.offers import a_claim, an_offer
from tests.factories.orders import LATE, PAID, an_order
from tests.factories.people import UserFactory

ROUNDS = int(os.environ.get("KAIYING_ROUNDS", "40"))
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db(transaction=True)


def pays(lab, order, at, after=0.0):
    """The buyer pays at the service, which tells the shop twice."""
    time.sleep(after)
    if lab.pay(order.number):
        for copy in range(2):
            take_callback(
                provider_name="lab",
                told=replace(lab.told(order.number), event_id=f"{order.number}-{copy % 2}"),
                body="",
                at=at,
            )


def claims(lab, offer, learner):
    """Somebody else wants the seat as soon as it is free, and pays."""
    for _ in range(20):
        try:
            order = place_order(claim=a_claim(offer, learner=learner, at=LATE), provider_name="lab", at=LATE)
        except Refused:
            time.sleep(0.002)
            continue
        return pays(lab, order, LATE)
    return None


@pytest.mark.figures
@pytest.mark.parametrize("is_sloppy", [False, True], ids=["closed is closed", "paid after it said closed"])
def test_money_at_the_end_of_the_hold_is_a_seat_or_a_refund(at_once, lab, is_sloppy):
    lab.is_sloppy = is_sloppy
    chance = random.Random(20260715)
    ends = Counter()
    orphans = []
    for number in range(ROUNDS // 2):
        offer = an_offer(1, None)
        order = an_order(offer, name="lab")
        rival, after = UserFactory.create(), chance.choice((0, 0.01, 0.03, 0.08))
        raised = at_once(
            [
                lambda order=order, after=after: pays(lab, order, LATE, after),
                lambda: reconcile(at=LATE),
                lambda offer=offer, rival=rival: claims(lab, offer, rival),
            ]
        )
        assert raised[0] is None, raised
        reconcile(at=LATE + MINUTE)
        for refund in Refund.objects.filter(state=RefundState.ASKED):
            send_refund(refund_id=refund.pk, at=LATE + MINUTE)
        for one in Order.objects.filter(claim__offer=offer):
            is_paid, is_back = (
                lab.accounts[one.number].state == "paid",
                any(key.startswith(one.number) for key in lab.refunds),
            )
            ends[(one.state, is_paid, is_back)] += 1
            if is_paid and (one.state == OrderState.PAID) == is_back:
                orphans.append((number, one.number, one.state))
        orphans += verify(offer) + verify_money(offer)

    seats = sum(count for (state, _paid, _back), count in ends.items() if state == OrderState.PAID)
    back = sum(count for (_state, _paid, is_back), count in ends.items() if is_back)
    print(f"P4 {ROUNDS // 2} races: {seats} seats, {back} refunds, orphans {len(orphans)}")
    assert orphans == []


def test_twin_without_the_lock_money_is_kept_for_a_seat_that_is_gone(lab):
    """The same race with the hold freed without asking, and money booked on what was seen before, must fail."""
    offer = an_offer(1, None)
    order = an_order(offer, name="lab")
    lab.pay(order.number)
    looked, freed = threading.Event(), threading.Event()

    def naive_settling():
        is_held = Claim.objects.get(pk=order.claim_id).state == ClaimState.HELD
        looked.set()
        freed.wait()
        if is_held:
            Payment.objects.create(
                order=order, kind="charge", amount=280, currency="CNY", provider="lab", transaction="T", at=PAID
            )
            Order.objects.filter(pk=order.pk).update(state=OrderState.PAID)

    def naive_expiry():
        looked.wait()
        Claim.objects.update(payment_pending_since=None)
        expire_claims(offer=offer, at=LATE)
        freed.set()

    threads = [threading.Thread(target=closing(target)) for target in (naive_settling, naive_expiry)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert any("paid without a seat" in fault for fault in verify_money(offer))


def closing(target):
    """Run and give the thread's connection back."""

    def run():
        try:
            target()
        finally:
            connection.close()

    return run


@pytest.mark.figures
def test_a_buyer_with_two_tabs_places_one_order(at_once, lab):
    offer = an_offer(20, None)
    counts = []
    for _ in range(10):
        claim = a_claim(offer)
        made = at_once([lambda claim=claim: place_order(claim=claim, provider_name="lab", at=PAID)] * 4)
        counts.append(len({order.pk for order in made}))

    assert counts == [1] * 10
    assert Order.objects.count() == 10
