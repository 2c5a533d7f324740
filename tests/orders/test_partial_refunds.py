"""P6: parts of an order go back, each once, and never more than was paid."""

import os
import threading
import uuid

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from kaiying.learning.models import Enrollment
from kaiying.notices.models import Notice
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import ClaimState, SeatState
from kaiying.orders.actions import refund, refund_again, send_refund
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.providers.sandbox.models import SandboxRefund
from kaiying.orders.queries import balance_of, sales, verify_money
from kaiying.orders.vocabulary import (
    NotRefundable,
    OrderState,
    OverRefund,
    PaymentKind,
    RefundMoved,
    RefundState,
)
from kaiying.outbox.actions import run_due
from tests.factories.offers import an_offer
from tests.factories.orders import PAID, hear
from tests.factories.people import UserFactory
from tests.orders.test_refunding import a_paid_order

CROWD = int(os.environ.get("KAIYING_ROUNDS", "50"))
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    return UserFactory()


@pytest.fixture
def offer():
    return an_offer(1, None)


@pytest.fixture
def order(offer):
    return a_paid_order(offer)


def part(order, amount, boss, **how):
    """Give a part back and have it moved."""
    made = refund(order=order, by=boss, reason="Late start", amount=amount, at=PAID, **how)
    run_due(at=PAID, queues=["default"], tolerant=True)
    made.refresh_from_db()
    order.refresh_from_db()
    return made


def place_of(order):
    order.refresh_from_db()
    return order.state, order.claim.state, Enrollment.objects.standing().count()


def test_parts_go_back_one_after_the_other_while_the_seat_stays(offer, order, boss):
    made = [part(order, amount, boss) for amount in (100, 50)]

    assert [(one.amount, one.state) for one in made] == [(100, RefundState.DONE), (50, RefundState.DONE)]
    assert place_of(order) == (OrderState.PAID, ClaimState.PAID, 1)
    assert (order.returned.minor, Payment.objects.get(kind="charge").left) == (150, 130)
    assert list(SandboxRefund.objects.order_by("pk").values_list("amount", flat=True)) == [100, 50]
    assert sales(offer.cohort).kept.minor == 130
    assert verify(offer) == verify_money(offer) == []


def test_when_the_last_part_goes_back_the_seat_ends(offer, order, boss):
    part(order, 100, boss)
    part(order, 180, boss)

    assert place_of(order) == (OrderState.REFUNDED, ClaimState.REFUNDED, 0)
    assert offer.seats.get().state == SeatState.FREE
    assert verify(offer) == verify_money(offer) == []


def test_what_is_left_goes_back_when_no_sum_is_named(offer, order, boss):
    part(order, 100, boss)

    assert part(order, None, boss).amount == 180

    assert place_of(order) == (OrderState.REFUNDED, ClaimState.REFUNDED, 0)
    assert verify_money(offer) == []


@pytest.mark.parametrize("amount", [-1, 0, 181, 280, 10**15])
def test_no_more_goes_back_than_is_left(offer, order, boss, amount):
    part(order, 100, boss)

    with pytest.raises(OverRefund) as refused:
        refund(order=order, by=boss, reason="", amount=amount, at=PAID)

    assert refused.value.facts == {"left": "¥1.80"}
    assert Refund.objects.count() == 1
    assert verify_money(offer) == []


def test_an_operator_may_end_the_seat_and_keep_a_fee(offer, order, boss):
    part(order, 200, boss, ends_seat=True)

    assert place_of(order) == (OrderState.REFUNDED, ClaimState.REFUNDED, 0)
    assert (order.fee, offer.seats.get().state) == (80, SeatState.FREE)
    taken = sales(offer.cohort)
    assert (taken.received.minor, taken.refunded.minor, taken.kept.minor, taken.fees.minor) == (280, 200, 80, 80)
    assert balance_of(offer).difference == 0
    assert verify(offer) == verify_money(offer) == []
    assert "¥0.80" in Notice.objects.get(kind="orders.refund").body

    part(order, 30, boss)  # and give back of the fee later

    assert (order.state, order.fee) == (OrderState.REFUNDED, 50)
    assert part(order, None, boss).amount == 50
    assert (order.fee, verify_money(offer)) == (0, [])


def test_pressing_twice_is_one_refund_and_who_looked_too_long_ago_is_told(order, boss):
    first = refund(order=order, by=boss, reason="", amount=100, seen=0, at=PAID)
    again = refund(order=order, by=boss, reason="", amount=100, seen=0, at=PAID)

    assert again == first
    for by, amount, seen in (
        (UserFactory(), 100, 0),
        (boss, 90, 0),
        (boss, None, 0),
        (boss, 100, 280),
        (boss, 100, 50),
    ):
        with pytest.raises(RefundMoved):
            refund(order=order, by=by, reason="", amount=amount, seen=seen, at=PAID)
    second = refund(order=order, by=boss, reason="", amount=100, seen=100, at=PAID)
    whole = refund(order=order, by=boss, reason="", seen=200, at=PAID)

    assert refund(order=order, by=boss, reason="", seen=200, at=PAID) == whole
    assert [one.amount for one in (first, second, whole)] == [100, 100, 80]


def test_a_part_the_provider_turned_down_may_be_asked_for_again_while_it_fits(lab, offer, boss):
    order = a_paid_order(offer, "lab", lab)
    lab.take_back(order.number, transaction=f"T-{order.number}", amount=200, key="by-hand")
    failed = refund(order=order, by=boss, reason="Late", amount=100, at=PAID)
    send_refund(refund_id=failed.pk, at=PAID)
    failed.refresh_from_db()
    assert (failed.state, order.payments.get().left, place_of(order)[0]) == (RefundState.FAILED, 280, OrderState.PAID)
    assert Order.objects.get().is_turned_down
    assert verify_money(offer) == []

    lab.accounts[order.number].returned.clear()
    [again] = refund_again(order=order, by=boss, at=PAID)
    send_refund(refund_id=again.pk, at=PAID)

    assert (again.amount, order.payments.charges().get().left) == (100, 180)
    assert place_of(order) == (OrderState.PAID, ClaimState.PAID, 1)
    with pytest.raises(NotRefundable):
        refund_again(order=order, by=boss, at=PAID)


def test_an_order_that_ended_asks_again_for_all_that_is_still_owed(lab, offer, boss):
    """Somebody at the service gives a part back by hand, so that it turns our refund of the whole down."""
    order = a_paid_order(offer, "lab", lab)
    whole = refund(order=order, by=boss, reason="", at=PAID)
    charge = f"T-{order.number}"
    lab.take_back(order.number, transaction=charge, amount=100, key="by-hand")
    send_refund(refund_id=whole.pk, at=PAID)
    from tests.orders.world import World

    world = World.__new__(World)
    world.lab, world.order, world.is_late = lab, order, False
    assert world.say("hand", state="refunded", amount=100, transaction="R-hand", charge=charge) == "booked"
    assert Order.objects.get().is_turned_down

    [again] = refund_again(order=order, by=boss, at=PAID)
    send_refund(refund_id=again.pk, at=PAID)

    assert (again.amount, place_of(order)) == (180, (OrderState.REFUNDED, ClaimState.REFUNDED, 0))
    assert verify(offer) == verify_money(offer) == []


def test_the_learner_is_told_that_the_seat_stays(order, boss):
    part(order, 100, boss)

    asked, done = (Notice.objects.get(kind=kind) for kind in ("orders.refund", "orders.refunded"))
    assert (asked.title, done.title) == ("¥1.00 正在退给你", "¥1.00 已退给你")
    for notice in (asked, done):
        assert "你的席位不变。" in notice.body


def test_the_database_itself_refuses_to_give_back_more_than_was_paid(order):
    charge = Payment.objects.get()
    for refunded in (281, 10**15):
        with pytest.raises(IntegrityError), transaction.atomic():
            Payment.objects.filter(pk=charge.pk).update(refunded=refunded)
    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.create(order=order, charge=charge, amount=0, key="none", asked_at=PAID)


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_fifty_parts_at_once_are_never_more_than_was_paid(at_once, lab, boss):
    lab.is_careless = True
    offer = an_offer()
    order = a_paid_order(offer, "lab", lab)

    made = at_once([lambda: refund(order=order, by=boss, reason="", amount=30, at=PAID)] * CROWD)
    parts = [one for one in made if isinstance(one, Refund)]
    at_once([lambda one=one: send_refund(refund_id=one.pk, at=PAID) for one in parts for _ in range(2)])

    back = sum(lab.refunds.values())
    refused = sum(isinstance(one, OverRefund) for one in made)
    figure = f"{len(parts)} done, {refused} refused, {back} of 280 returned, over-refund {max(0, back - 280)}"
    print(f"P6 {CROWD} parts of 30 at once: {figure}")
    assert (len(parts), refused, back) == (9, CROWD - 9, 270)
    assert Payment.objects.filter(kind=PaymentKind.REFUND).count() == 9
    assert Order.objects.get().state == OrderState.PAID
    assert verify(offer) == verify_money(offer) == []


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_fifty_presses_of_one_page_are_one_refund(at_once, lab, boss):
    order = a_paid_order(an_offer(), "lab", lab)

    made = at_once([lambda: refund(order=order, by=boss, reason="", amount=30, seen=0, at=PAID)] * CROWD)

    print(f"P6 {CROWD} presses of one page: {len({one.pk for one in made})} refund")
    assert len({one.pk for one in made}) == Refund.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twin_that_adds_up_before_it_writes_gives_back_more_than_was_paid(at_once, lab):
    """The same race with the order's lock and the sum in the charge taken away must fail."""
    lab.is_careless = True
    order = a_paid_order(an_offer(), "lab", lab)
    looked = threading.Barrier(20)

    def naive():
        before = sum(Refund.objects.filter(order=order).values_list("amount", flat=True))
        looked.wait()
        if before + 30 <= order.amount:
            key = uuid.uuid4().hex
            charge = Payment.objects.get(order=order, kind="charge")
            Refund.objects.create(order=order, charge=charge, amount=30, key=key, asked_at=PAID)
            lab.refund(ref=order.provider_ref, transaction=charge.transaction, amount=30, key=key)

    at_once([naive] * 20)

    assert sum(lab.refunds.values()) == 600
    assert verify_money(order.claim.offer) != []


@pytest.mark.django_db(transaction=True)
def test_refunds_from_before_are_summed_up_by_the_migration():
    offer = an_offer()
    orders = [a_paid_order(offer) for _ in range(3)]
    hear(orders[0], transaction="T-second")
    refund(order=orders[1], by=UserFactory(), reason="", at=PAID)
    wanted = dict(Payment.objects.values_list("pk", "refunded"))
    assert sorted(wanted.values()) == [0, 0, 280, 280]
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("orders")

    try:
        MigrationExecutor(connection).migrate([("orders", "0001_initial")])
        MigrationExecutor(connection).migrate(latest)

        assert dict(Payment.objects.values_list("pk", "refunded")) == wanted
        assert verify_money(offer) == []
    finally:
        MigrationExecutor(connection).migrate(latest)
