"""What buyers are told, in whose words and which language."""

from dataclasses import replace

import pytest

from kaiying.camps.models import Message
from kaiying.notices.models import Notice
from kaiying.orders.actions import reconcile, refund, refund_again, send_refund
from kaiying.orders.models import Order, Refund
from kaiying.orders.providers.sandbox.actions import give_back
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import NotRefundable, OrderState, RefundCause, RefundState
from kaiying.outbox.models import Job
from tests.factories.offers import an_offer
from tests.factories.orders import LATE, PAID, an_order, hear, pay_silently, sent_by_sandbox, take
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def an_offer_with(*refs, **facts):
    """Open a sale whose camp has these messages."""
    offer = an_offer(3, 3, **facts)
    for ref in refs:
        places = " ".join(f"{{{place}}}" for place in ("name", "camp", "price"))
        Message.objects.create(
            camp=offer.cohort.camp,
            ref=ref,
            subject={"zh-hans": f"{ref} 中文 {{camp}}", "en": f"{ref} {{camp}}"},
            body={"zh-hans": f"中文 {places}", "en": f"English {places}"},
        )
    return offer


def a_paid_order(offer, language="en"):
    order = an_order(offer, learner=UserFactory(name="Wang", language=language))
    pay_silently(order)
    take(*sent_by_sandbox(order), at=PAID)
    return Order.objects.get(pk=order.pk)


def told(kind):
    return Notice.objects.get(kind=kind)


@pytest.mark.parametrize(
    ("language", "title", "begin"),
    [
        ("en", "welcome Test camp", "English Wang Test camp ¥2.80\n\nSeat 1, ¥2.80 paid. Order K"),
        ("zh-hans", "welcome 中文 测试营", "中文 Wang 测试营 ¥2.80\n\n"),
    ],
)
def test_who_paid_is_welcomed_in_the_camps_words_and_their_language_with_the_receipt(language, title, begin):
    order = a_paid_order(an_offer_with("welcome"), language)

    notice = told("orders.paid")

    assert notice.title == title
    assert notice.body.startswith(begin)
    assert order.number in notice.body
    assert Job.objects.filter(task__endswith="mail_notice").count() == 1


def test_without_a_message_the_product_welcomes_in_its_own_words():
    order = a_paid_order(an_offer_with())

    assert told("orders.paid").title == "You are in: Test camp"
    assert told("orders.paid").body == f"Seat 1, ¥2.80 paid. Order {order.number}."


@pytest.mark.parametrize(("refs", "title"), [(["refunded"], "refunded Test camp"), ([], "¥2.80 has gone back to you")])
def test_who_left_hears_once_more_when_the_money_has_gone_back(refs, title):
    order = a_paid_order(an_offer_with(*refs))

    made = refund(order=order, by=UserFactory(), reason="Ill", at=PAID)
    assert not Notice.objects.filter(kind="orders.refunded").exists()
    assert "The reason: Ill" in told("orders.refund").body
    for _ in range(2):
        send_refund(refund_id=made.pk, at=PAID)

    assert told("orders.refunded").title == title


def test_a_second_payment_that_goes_back_takes_leave_of_nobody():
    order = a_paid_order(an_offer_with("refunded"))
    hear(order, transaction="T-second")

    send_refund(refund_id=Refund.objects.get().pk, at=PAID)

    assert Order.objects.get().state == OrderState.PAID
    assert not Notice.objects.filter(kind="orders.refunded").exists()


def test_money_too_late_goes_back_without_a_farewell():
    order = an_order(an_offer_with("refunded"))
    hear(order, at=LATE)
    for made in Refund.objects.all():
        send_refund(refund_id=made.pk, at=LATE)

    assert not Notice.objects.filter(kind="orders.refunded").exists()


def turned_down(lab, made):
    account = lab.accounts[made.order.number]
    charge, account.charge = account.charge, replace(account.charge, amount=1)
    send_refund(refund_id=made.pk, at=PAID)
    account.charge = charge


def test_what_was_turned_down_is_asked_for_again_for_the_same_cause_and_told_once(lab):
    offer = an_offer_with()
    order = an_order(offer, name="lab")
    lab.pay(order.number)
    reconcile(at=PAID)
    order.refresh_from_db()
    boss = UserFactory()
    turned_down(lab, refund(order=order, by=boss, reason="Ill", at=PAID))
    assert Order.objects.get().is_turned_down

    [again] = refund_again(order=order, by=boss, at=PAID)

    assert not Order.objects.get().is_turned_down
    assert (again.cause, again.state, again.by) == (RefundCause.DECIDED, RefundState.ASKED, boss)
    assert Notice.objects.filter(kind="orders.refund").count() == 1
    with pytest.raises(NotRefundable):
        refund_again(order=order, by=boss, at=PAID)
    send_refund(refund_id=again.pk, at=PAID)
    assert Order.objects.get().state == OrderState.REFUNDED
    assert verify_money(offer) == []


def test_a_second_payment_whose_refund_was_turned_down_is_asked_for_while_the_seat_stays():
    offer = an_offer_with()
    order = a_paid_order(offer)
    hear(order, transaction="T-second")
    give_back(ref=order.provider_ref, amount=1, key="somebody-else", at=PAID)  # the sandbox knows of one payment only
    send_refund(refund_id=Refund.objects.get().pk, at=PAID)
    assert Order.objects.get().is_turned_down
    assert verify_money(offer) == []

    [again] = refund_again(order=order, by=UserFactory(), at=PAID)

    assert (again.cause, again.charge.transaction) == (RefundCause.PAID_TWICE, "T-second")
    assert Order.objects.get().state == OrderState.PAID
    assert verify_money(offer) == []
