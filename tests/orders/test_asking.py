"""When the provider is silent, away or late."""

from datetime import timedelta

import pytest

from kaiying.learning.models import Enrollment
from kaiying.offers.actions import expire_claims, release_claim
from kaiying.offers.models import Claim
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import ClaimState, SeatState
from kaiying.orders.actions import ask_about, place_order, reconcile, reconcile_order, refund, send_refund
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.providers import Unreachable
from kaiying.orders.queries import verify_money
from kaiying.orders.tasks import reconcile_orders
from kaiying.orders.vocabulary import OrderState, RefundState
from kaiying.outbox.actions import later, run_due
from kaiying.outbox.models import Job
from kaiying.wire import clock
from tests.factories.offers import a_claim, an_offer
from tests.factories.orders import LATE, PAID, PLACED, an_order, pay_silently
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.mark.figures
def test_without_any_callback_an_order_is_paid_by_asking():
    """P2: the poll alone finds the payment; with rounds every ten seconds it takes at most forty."""
    offer = an_offer()
    waits = []
    for start in range(0, 60, 7):
        order = an_order(offer, at=PLACED)
        pay_silently(order, at=PLACED + start * SECOND)
        at = PLACED
        while order.state != OrderState.PAID and at < LATE:
            reconcile(at=at)
            order.refresh_from_db()
            at += 10 * SECOND
        waits.append((at - 10 * SECOND - PLACED).total_seconds() - start)

    print(f"P2 paid without a callback after {max(waits):.0f} s at most, n = {len(waits)}")
    assert max(waits) <= 40
    assert Enrollment.objects.standing().count() == len(waits)
    assert verify_money(offer) == []


def test_the_recurring_task_asks():
    order = an_order(an_offer())
    pay_silently(order)
    later(reconcile_orders, at=PAID)

    run_due(at=PAID, tolerant=True)

    order.refresh_from_db()
    assert order.state == OrderState.PAID


def test_an_order_somebody_looks_at_is_asked_about_every_few_seconds(lab):
    order = an_order(an_offer(), name="lab")
    for seconds in range(9):
        order = ask_about(order=order, at=PLACED + seconds * SECOND)

    assert lab.calls.count("ask") == 3


def test_a_quiet_order_is_asked_about_and_then_left_alone_for_a_while(lab):
    an_order(an_offer(), name="lab")

    asked = [reconcile(at=PLACED + seconds * SECOND) for seconds in (0, 10, 20, 30, 40, 50)]

    assert asked == [0, 0, 1, 0, 0, 1]


def test_when_the_hold_is_over_the_order_is_closed_before_the_seat_is_free(lab):
    offer = an_offer(1, None)
    order = an_order(offer, name="lab")
    expire_claims(offer=offer, at=LATE)
    assert offer.seats.get().state == SeatState.HELD

    reconcile(at=LATE)

    order.refresh_from_db()
    assert (order.state, order.claim.state) == (OrderState.CLOSED, ClaimState.LAPSED)
    assert (lab.accounts[order.number].state, offer.seats.get().state) == ("closed", SeatState.FREE)
    assert not lab.pay(order.number)


def test_money_found_at_closing_time_keeps_the_seat(lab):
    offer = an_offer(1, None)
    order = an_order(offer, name="lab")
    lab.pay(order.number)

    reconcile(at=LATE)

    order.refresh_from_db()
    assert (order.state, offer.seats.get().state) == (OrderState.PAID, SeatState.PAID)


def test_an_unreachable_provider_keeps_the_seat_held_until_it_answers(lab, caplog):
    offer = an_offer(1, None)
    order = an_order(offer, name="lab")
    lab.down = {"close"}
    for minutes in range(5):
        reconcile(at=LATE + minutes * 60 * SECOND)
    order.refresh_from_db()
    assert (order.state, offer.seats.get().state) == (OrderState.OPEN, SeatState.HELD)
    assert caplog.text.count("whose seat stays held past its time") == 5

    lab.down = set()
    reconcile(at=LATE + 600 * SECOND)

    order.refresh_from_db()
    assert (order.state, offer.seats.get().state) == (OrderState.CLOSED, SeatState.FREE)


def test_a_provider_that_is_away_is_not_asked_about_each_of_its_orders(lab):
    offer = an_offer()
    for _ in range(8):
        an_order(offer, name="lab")
    mine = an_order(offer)
    pay_silently(mine)
    lab.down = {"ask"}

    reconcile(at=PAID)

    mine.refresh_from_db()
    assert (lab.calls.count("ask"), mine.state) == (3, OrderState.PAID)


def test_orders_nobody_answers_for_do_not_stand_in_front_of_others_for_ever(lab):
    offer = an_offer()
    stuck = [an_order(offer, name="lab") for _ in range(3)]
    lab.down = {"ask"}
    reconcile(at=PAID)

    assert {order.asked_at for order in Order.objects.filter(pk__in=[order.pk for order in stuck])} == {PAID}


def test_an_answer_that_makes_no_sense_stops_nobody_else(lab):
    offer = an_offer()
    an_order(offer, name="lab")
    mine = an_order(offer)
    pay_silently(mine)
    lab.broken = {"ask"}

    assert reconcile(at=PAID) == 2

    mine.refresh_from_db()
    assert mine.state == OrderState.PAID


def test_a_provider_taken_out_of_the_settings_counts_as_unreachable(settings, lab):
    order = an_order(an_offer(), name="lab")
    Order.objects.filter(pk=order.pk).update(provider="gone")
    order.refresh_from_db()

    with pytest.raises(Unreachable):
        reconcile_order(order=order, at=PAID)


def test_a_wrong_sum_at_the_provider_pays_nothing(lab):
    order = an_order(an_offer(), name="lab")
    Order.objects.filter(pk=order.pk).update(amount=9900)
    lab.pay(order.number)
    order.refresh_from_db()

    assert reconcile_order(order=order, at=PAID) == "mismatch"
    assert Payment.objects.count() == 0


def test_a_seat_given_up_while_paying_is_freed_when_the_provider_has_closed(lab):
    offer = an_offer(1, None)
    order = an_order(offer, name="lab")

    release_claim(claim=order.claim, at=PAID)
    assert offer.seats.get().state == SeatState.HELD
    reconcile(at=PAID)

    assert (Claim.objects.get().state, offer.seats.get().state) == (ClaimState.RELEASED, SeatState.FREE)


def test_an_order_the_provider_closed_early_leaves_the_hold_and_makes_room_for_another():
    offer = an_offer(1, None)
    order = an_order(offer)
    near_the_end = order.claim.held_until - 60 * SECOND
    with clock.frozen(near_the_end):
        assert reconcile_order(order=order, at=near_the_end) == "closed"
        again = place_order(claim=order.claim, provider_name="sandbox", at=near_the_end)

    assert again != order
    assert offer.seats.get().state == SeatState.HELD
    later_on = again.claim.claimed_at + offer.hold + 5 * 60 * SECOND
    with clock.frozen(later_on):
        reconcile(at=later_on)
    assert offer.seats.get().state == SeatState.FREE
    assert verify(offer) == verify_money(offer) == []


def test_a_hold_that_waits_for_a_payment_nobody_makes_is_freed_all_the_same():
    offer = an_offer(1, None)
    claim = a_claim(offer)
    Claim.objects.filter(pk=claim.pk).update(payment_pending_since=PLACED)

    reconcile(at=LATE)

    assert offer.seats.get().state == SeatState.FREE


@pytest.mark.django_db(transaction=True)
def test_no_provider_is_ever_called_inside_a_transaction(lab):
    offer = an_offer()
    paid, silent, switched = (an_order(offer, name="lab") for _ in range(3))
    lab.pay(paid.number)
    reconcile(at=PAID)
    paid.refresh_from_db()
    back = refund(order=paid, by=UserFactory(), reason="", at=PAID)
    send_refund(refund_id=back.pk, at=PAID)
    place_order(claim=switched.claim, provider_name="sandbox", at=PAID)
    ask_about(order=silent, at=PAID + 60 * SECOND)
    reconcile(at=LATE)

    assert {"open", "ask", "close", "refund"} <= set(lab.calls)
    assert lab.inside == []


def test_a_refund_while_the_provider_is_away_is_tried_again_until_it_is_done(lab):
    order = an_order(an_offer(), name="lab")
    lab.pay(order.number)
    reconcile(at=PAID)
    back = refund(order=order, by=UserFactory(), reason="", at=PAID)
    lab.down = {"refund"}
    run_due(at=PAID, tolerant=True)
    back.refresh_from_db()
    assert (back.state, Job.objects.get(key=f"refund:{back.key}").state) == (RefundState.ASKED, "waiting")

    lab.down = set()
    run_due(at=PAID + timedelta(minutes=5), tolerant=True)

    back.refresh_from_db()
    order.refresh_from_db()
    assert (back.state, order.state, lab.refunds) == (RefundState.DONE, OrderState.REFUNDED, {back.key: 280})
    assert Refund.objects.count() == 1
