"""What money that arrives turns into."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kaiying.learning.models import Enrollment
from kaiying.notices.models import Notice
from kaiying.offers.actions import join_waitlist, release_claim
from kaiying.offers.models import Claim, WaitlistEntry
from kaiying.offers.queries import place_in_line, verify
from kaiying.offers.vocabulary import ClaimState, SeatState, Turn
from kaiying.orders.actions import place_order, reconcile, take_callback
from kaiying.orders.models import Callback, Order, Payment, Refund
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import OrderState, RefundCause
from kaiying.outbox.models import Event
from tests.factories.offers import a_claim, an_offer
from tests.factories.orders import LATE, PAID, PLACED, an_order, hear
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def test_money_in_time_gives_the_seat_and_the_enrollment():
    offer = an_offer()
    order = an_order(offer)

    assert hear(order) == "paid"

    order.refresh_from_db()
    assert (order.state, order.paid_at, order.claim.state) == (OrderState.PAID, PAID, ClaimState.PAID)
    assert Enrollment.objects.standing().get().source == order.number
    assert Event.objects.filter(name="orders.paid", channel=f"learner:{order.learner_id}").count() == 1
    notice = Notice.objects.get(kind="orders.paid")
    assert notice.url == f"/learn/{offer.cohort.slug}/welcome/"
    assert verify(offer) == verify_money(offer) == []


def test_the_same_event_again_does_nothing():
    order = an_order(an_offer())
    hear(order, event_id="evt-a")

    assert hear(order, event_id="evt-a") == "repeated"

    assert Payment.objects.count() == Callback.objects.count() == Notice.objects.count() == 1


def test_the_same_transaction_under_another_event_does_nothing():
    order = an_order(an_offer())
    hear(order)

    assert hear(order) == "known"

    assert (Payment.objects.count(), Callback.objects.count()) == (1, 2)


def test_money_after_the_hold_takes_the_seat_again_while_it_is_free():
    offer = an_offer()
    order = an_order(offer)
    reconcile(at=LATE)
    order.refresh_from_db()
    assert (order.state, order.claim.state) == (OrderState.CLOSED, ClaimState.LAPSED)

    assert hear(order, at=LATE) == "paid"

    order.refresh_from_db()
    assert (order.state, order.ended_at, order.claim.state) == (OrderState.PAID, None, ClaimState.PAID)
    assert order.claim.generation == 1
    assert verify(offer) == verify_money(offer) == []


def test_money_after_the_seat_went_to_another_goes_back_and_its_payer_is_first_in_line():
    offer = an_offer(1, None)
    late = an_order(offer)
    reconcile(at=LATE)
    rival = place_order(claim=a_claim(offer, at=LATE), provider_name="sandbox", at=LATE)
    other = join_waitlist(offer=offer, learner=UserFactory(), max_price=280, at=LATE)

    assert hear(late, at=LATE + MINUTE) == "refunding"

    late.refresh_from_db()
    entry = WaitlistEntry.objects.get(learner=late.learner)
    refund = Refund.objects.get()
    assert late.state == OrderState.REFUNDING
    assert (refund.amount, refund.cause, refund.by) == (280, RefundCause.NO_SEAT, None)
    assert (entry.precedence, place_in_line(entry), place_in_line(other)) == (Turn.OWED, 1, 2)
    notice = Notice.objects.get(user=late.learner, kind="orders.refund")
    assert notice.url == f"/orders/{late.number}/"
    assert not Enrollment.objects.filter(learner=late.learner).exists()
    assert hear(rival, at=LATE + MINUTE) == "paid"
    assert verify(offer) == verify_money(offer) == []


def test_money_for_a_seat_that_was_let_go_takes_it_again():
    offer = an_offer()
    order = an_order(offer)
    release_claim(claim=order.claim, at=PAID)
    reconcile(at=PAID)
    assert Claim.objects.get().state == ClaimState.RELEASED

    assert hear(order, at=PAID + MINUTE) == "paid"

    assert offer.seats.get(number=1).state == SeatState.PAID


def test_who_claimed_again_and_pays_the_old_order_gets_that_seat():
    offer = an_offer()
    order = an_order(offer)
    reconcile(at=LATE)
    newer = a_claim(offer, learner=order.learner, at=LATE)

    assert hear(order, at=LATE + MINUTE) == "paid"

    order.refresh_from_db()
    assert order.claim == newer
    assert verify(offer) == verify_money(offer) == []


def test_two_orders_of_one_claim_both_paid_keep_one_and_give_the_other_back(lab):
    offer = an_offer()
    first = an_order(offer, name="lab")
    second = place_order(claim=first.claim, provider_name="sandbox", at=PLACED + MINUTE)
    hear(second)
    lab.accounts[first.number].state = "open"  # a service that closed and was paid all the same
    lab.pay(first.number)

    told = replace(lab.told(first.number), event_id="evt-x")
    outcome = take_callback(provider_name="lab", told=told, body="{}", at=PAID)

    assert outcome == "refunding"
    assert Refund.objects.get().cause == RefundCause.PAID_TWICE
    assert {order.number: order.state for order in Order.objects.all()} == {
        first.number: OrderState.REFUNDING,
        second.number: OrderState.PAID,
    }
    assert verify_money(offer) == []


def test_a_second_payment_of_one_order_goes_back_alone_and_the_order_stays_paid(lab):
    offer = an_offer()
    order = an_order(offer)
    hear(order)

    assert hear(order, transaction="T-second") == "refunding"

    order.refresh_from_db()
    refund = Refund.objects.get()
    assert (order.state, refund.amount, refund.charge.transaction) == (OrderState.PAID, 280, "T-second")
    assert Enrollment.objects.standing().count() == 1
    assert verify_money(offer) == []


@pytest.mark.parametrize("state", ["open", "closed", "pending", "🙂"])
def test_news_that_is_not_payment_changes_nothing(state):
    order = an_order(an_offer())

    assert hear(order, state=state) == "ignored"

    order.refresh_from_db()
    assert (order.state, Payment.objects.count()) == (OrderState.OPEN, 0)


def test_a_close_that_overtakes_the_payment_does_not_undo_it():
    order = an_order(an_offer())
    hear(order)

    hear(order, state="closed")

    order.refresh_from_db()
    assert order.state == OrderState.PAID
