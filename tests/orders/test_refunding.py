"""Money on its way back."""

import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from kaiying.learning.models import Enrollment
from kaiying.notices.models import Notice
from kaiying.offers.actions import join_waitlist
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import ClaimState, SeatState
from kaiying.orders.actions import reconcile, refund, resend_refunds, send_refund
from kaiying.orders.models import Callback, Order, Payment, Refund
from kaiying.orders.providers.sandbox.models import SandboxRefund
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import NotRefundable, OrderState, PaymentKind, RefundCause, RefundState
from kaiying.outbox.actions import run_due
from kaiying.outbox.models import Job
from tests.factories.offers import an_offer
from tests.factories.orders import LATE, PAID, an_order, hear, pay_silently, sent_by_sandbox, take
from tests.factories.people import UserFactory

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def a_paid_order(offer=None, name="sandbox", lab=None):
    order = an_order(offer or an_offer(), name=name)
    if lab:
        lab.pay(order.number)
        reconcile(at=PAID)
    else:
        pay_silently(order)
        take(*sent_by_sandbox(order), at=PAID)
    order.refresh_from_db()
    assert order.state == OrderState.PAID
    return order


def test_a_refund_frees_the_seat_ends_the_enrollment_and_returns_the_money():
    offer = an_offer(1, None)
    order = a_paid_order(offer)
    boss = UserFactory()

    made = refund(order=order, by=boss, reason="Cannot come", at=PAID)
    run_due(at=PAID, queues=["default"], tolerant=True)

    order.refresh_from_db()
    made.refresh_from_db()
    assert (order.state, order.claim.state, offer.seats.get().state) == (
        OrderState.REFUNDED,
        ClaimState.REFUNDED,
        SeatState.FREE,
    )
    assert (made.state, made.by, made.reason, made.amount) == (RefundState.DONE, boss, "Cannot come", 280)
    assert sum(Payment.objects.values_list("amount", flat=True)) == 0
    assert SandboxRefund.objects.get().amount == 280
    assert not Enrollment.objects.standing().exists()
    assert "Cannot come" in Notice.objects.get(kind="orders.refund").body
    assert verify(offer) == verify_money(offer) == []


def test_asking_again_returns_the_same_refund_before_and_after_it_is_done():
    order = a_paid_order()
    first = refund(order=order, by=UserFactory(), reason="", at=PAID)
    second = refund(order=order, by=UserFactory(), reason="", at=PAID)
    send_refund(refund_id=first.pk, at=PAID)
    send_refund(refund_id=first.pk, at=PAID)
    third = refund(order=order, by=UserFactory(), reason="", at=PAID)

    assert first == second == third
    assert Payment.objects.filter(kind=PaymentKind.REFUND).count() == SandboxRefund.objects.count() == 1


@pytest.mark.parametrize("late", [False, True])
def test_what_was_never_paid_cannot_be_refunded(late):
    order = an_order(an_offer())
    if late:
        reconcile(at=LATE)

    with pytest.raises(NotRefundable):
        refund(order=order, by=UserFactory(), reason="", at=LATE)


def test_a_place_somebody_has_for_another_reason_outlives_the_refund():
    order = a_paid_order()
    Enrollment.objects.update(source="a gift of the organizer")

    refund(order=order, by=UserFactory(), reason="", at=PAID)

    assert Enrollment.objects.standing().count() == 1


def test_a_refund_of_what_was_paid_twice_leaves_the_second_way_back_alone():
    offer = an_offer()
    order = a_paid_order(offer)
    hear(order, transaction="T-second")

    made = refund(order=order, by=UserFactory(), reason="", at=PAID)

    assert sorted(r.charge.transaction == "T-second" for r in Refund.objects.all()) == [False, True]
    assert made.charge.transaction != "T-second"
    assert verify_money(offer) == []


def test_the_freed_seat_goes_to_the_head_of_the_line():
    offer = an_offer(1, None)
    order = a_paid_order(offer)
    entry = join_waitlist(offer=offer, learner=UserFactory(), max_price=280, at=PAID)

    refund(order=order, by=UserFactory(), reason="", at=PAID)

    entry.refresh_from_db()
    assert (entry.state, entry.claim.learner) == ("offered", entry.learner)


def test_a_refund_the_provider_turns_down_waits_for_the_operator_who_may_ask_anew(lab):
    offer = an_offer()
    order = a_paid_order(offer, "lab", lab)
    made = refund(order=order, by=UserFactory(), reason="Ill", at=PAID)
    account = lab.accounts[order.number]
    account.charge = replace(account.charge, amount=1)

    send_refund(refund_id=made.pk, at=PAID)

    made.refresh_from_db()
    order.refresh_from_db()
    assert (made.state, order.state, made.reason) == (RefundState.FAILED, OrderState.REFUNDING, "Ill (too much)")
    assert verify_money(offer) == []
    lab.is_careless = True
    anew = refund(order=order, by=UserFactory(), reason="Ill", at=PAID)
    assert anew != made
    send_refund(refund_id=anew.pk, at=PAID)
    order.refresh_from_db()
    assert (order.state, list(lab.refunds)) == (OrderState.REFUNDED, [anew.key])
    assert verify_money(offer) == []


def test_a_notice_of_the_refund_books_it_once_whoever_comes_first():
    for first in ("notice", "answer"):
        offer = an_offer()
        order = a_paid_order(offer)
        made = refund(order=order, by=UserFactory(), reason="", at=PAID)
        news = {"state": "refunded", "refund_key": made.key, "amount": 280}
        if first == "answer":
            send_refund(refund_id=made.pk, at=PAID)
            assert hear(order, **news, transaction=SandboxRefund.objects.get(key=made.key).transaction) == "known"
        else:
            assert hear(order, **news, transaction="R-notice") == "booked"
            send_refund(refund_id=made.pk, at=PAID)
        order.refresh_from_db()
        assert order.state == OrderState.REFUNDED
        assert verify_money(offer) == []


NEWS = {"state": "refunded", "amount": 280, "transaction": "R-1"}


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"amount": 1}, "forged"),
        ({"currency": "USD"}, "forged"),
        ({"transaction": ""}, "forged"),
        ({"charge": "T-another"}, "forged"),
        ({"refund_key": "nobody-1"}, "early"),
        ({"refund_key": ""}, "early"),
    ],
)
def test_news_of_a_refund_that_does_not_fit_changes_nothing(change, answer):
    offer = an_offer()
    order = a_paid_order(offer)
    made = refund(order=order, by=UserFactory(), reason="", at=PAID)

    assert hear(order, **{**NEWS, "refund_key": made.key, **change}) == answer

    made.refresh_from_db()
    assert (made.state, Payment.objects.count()) == (RefundState.ASKED, 1)
    assert Callback.objects.filter(outcome__in=["mismatch", "early"]).count() == 1
    assert verify_money(offer) == []


def test_money_the_provider_gave_back_without_our_asking_is_booked_and_ends_the_seat_when_nothing_is_left():
    offer = an_offer(1, None)
    order = a_paid_order(offer)
    news = {**NEWS, "charge": Payment.objects.get().transaction}

    assert hear(order, **{**news, "amount": 100}) == "booked"
    assert hear(order, **{**news, "amount": 100}) == "known"
    assert Order.objects.get().state == OrderState.PAID
    assert hear(order, **{**news, "amount": 181, "transaction": "R-2"}) == "early"
    assert hear(order, **{**news, "amount": 180, "transaction": "R-2"}) == "booked"

    assert Order.objects.get().state == OrderState.REFUNDED
    assert list(Refund.objects.order_by("pk").values_list("amount", "cause", "by")) == [
        (100, RefundCause.PROVIDER, None),
        (180, RefundCause.PROVIDER, None),
    ]
    assert (offer.seats.get().state, Enrollment.objects.standing().count()) == (SeatState.FREE, 0)
    assert Notice.objects.filter(kind="orders.refunded").count() == 2
    assert verify(offer) == verify_money(offer) == []


def test_news_that_money_went_back_before_the_news_that_it_came_is_taken_when_it_comes_again():
    offer = an_offer()
    order = an_order(offer)
    news = {**NEWS, "charge": f"T-{order.number}", "event_id": "evt-back"}
    assert [hear(order, **news), hear(order, **news)] == ["early", "early"]
    hear(order)

    assert hear(order, **news) == "booked"

    assert Order.objects.get().state == OrderState.REFUNDED
    assert [one.outcome for one in Callback.objects.order_by("pk")] == ["early", "paid", "booked"]
    assert verify_money(offer) == []


def test_the_transaction_of_another_order_pays_and_returns_nothing():
    offer = an_offer()
    first, second = a_paid_order(offer), an_order(offer)
    taken = Payment.objects.get().transaction

    assert hear(second, transaction=taken) == "forged"
    assert hear(second, **{**NEWS, "transaction": taken}) == "forged"
    assert hear(first, **{**NEWS, "transaction": taken}) == "forged"

    assert (Payment.objects.count(), Order.objects.get(pk=second.pk).state) == (1, OrderState.OPEN)


def test_a_refund_whose_job_was_given_up_is_started_again():
    order = a_paid_order()
    made = refund(order=order, by=UserFactory(), reason="", at=PAID)
    Job.objects.filter(key=f"refund:{made.key}").update(state="dead")

    assert resend_refunds(at=PAID + HOUR) == 0
    assert resend_refunds(at=PAID + 3 * HOUR) == 1
    run_due(at=PAID + 3 * HOUR, tolerant=True)

    order.refresh_from_db()
    assert order.state == OrderState.REFUNDED


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_fifty_refunds_at_once_are_one(at_once, lab):
    """P6: fifty people press refund, fifty workers send it; the service itself sets no limit."""
    lab.is_careless = True
    offer = an_offer()
    order = a_paid_order(offer, "lab", lab)
    boss = UserFactory()

    made = at_once([lambda: refund(order=order, by=boss, reason="", at=PAID)] * 50)
    sent = at_once([lambda: send_refund(refund_id=made[0].pk, at=PAID)] * 20)

    returned = sum(lab.refunds.values())
    figure = f"{Refund.objects.count()} refund, {returned} of 280 returned, over-refund {returned - 280}"
    print(f"P6 50 refunds at once: {figure}")
    assert len({refund.pk for refund in made}) == 1
    assert sent == [None] * 20
    assert (returned, Payment.objects.filter(kind=PaymentKind.REFUND).count()) == (280, 1)
    assert verify_money(offer) == []


@pytest.mark.django_db(transaction=True)
def test_twin_without_the_lock_and_the_key_money_goes_back_twice(at_once, lab):
    """The same race with the order's lock, the unique charge and the idempotency key taken away must fail."""
    lab.is_careless = True
    order = a_paid_order(an_offer(), "lab", lab)
    looked = threading.Barrier(10)

    def naive():
        is_first = not Refund.objects.filter(order=order).exists()
        looked.wait()
        if is_first:
            lab.refund(ref=order.provider_ref, transaction="", amount=order.amount, key=uuid.uuid4().hex)

    at_once([naive] * 10)

    assert sum(lab.refunds.values()) > Order.objects.get().amount
