"""Money that went back, and where that leaves its order. The caller has locked the order's row everywhere here."""

from datetime import datetime

from django.db.models import F

from kaiying.learning.actions import end_enrollment
from kaiying.learning.models import Enrollment
from kaiying.offers.actions import refund_claim
from kaiying.orders.actions.telling import tell_refunded
from kaiying.orders.actions.truth import Found, News, SeatDoes, rule
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.vocabulary import OrderState, Outcome, PaymentKind, RefundCause, RefundState
from kaiying.outbox.actions import publish
from kaiying.people.models import User


def move(order: Order, state: OrderState, at: datetime) -> None:
    """Let an order end where it is ruled to stand."""
    if order.state != state:
        order.state, order.ended_at = state, at
        order.save(update_fields=["state", "ended_at", "fee"])


def stand(order: Order, *, news: News, at: datetime) -> Outcome:
    """Move an order to where money that goes, or went, back leaves it; with nothing left the seat ends."""
    if order.fee > order.left:
        order.fee = order.left
        order.save(update_fields=["fee"])
    if order.left > order.fee:
        found = Found.SOME_LEFT
    else:
        is_moving = order.refunds.filter(state=RefundState.ASKED).exists()
        found = Found.ON_ITS_WAY if is_moving else Found.ALL_BACK
    ruling = rule(news, order.state, found)
    if ruling.seat == SeatDoes.FREED:
        _end_seat(order, at)
    move(order, ruling.state, at)
    return ruling.outcome


def new_refund(
    *,
    order: Order,
    charge: Payment,
    amount: int,
    cause: RefundCause,
    at: datetime,
    by: User | None = None,
    reason: str = "",
) -> Refund:
    """Write down that ``amount`` of a charge goes back; the database refuses more than is left of it."""
    count_back(charge, amount)
    return Refund.objects.create(
        order=order,
        charge=charge,
        amount=amount,
        cause=cause,
        reason=reason[:200],
        by=by,
        key=f"{order.number}-{order.refunds.count() + 1}",
        asked_at=at,
    )


def count_back(charge: Payment, amount: int) -> None:
    """Count ``amount`` as going back; less than nothing when it was turned down."""
    Payment.objects.filter(pk=charge.pk).update(refunded=F("refunded") + amount)
    charge.refunded += amount


def take_back(*, order: Order, charge: Payment, amount: int, transaction_id: str, at: datetime) -> Outcome:
    """Book what the provider gave back without our asking."""
    made = new_refund(order=order, charge=charge, amount=amount, cause=RefundCause.PROVIDER, at=at)
    return book_refund(order=order, refund=made, news=News.TAKEN_BACK, transaction_id=transaction_id, at=at)


def book_refund(
    *, order: Order, refund: Refund, transaction_id: str, at: datetime, news: News = News.REFUNDED
) -> Outcome:
    """Book money that went back; the caller has seen that it ``can_be_booked``."""
    if refund.state == RefundState.FAILED:
        count_back(refund.charge, refund.amount)
    refund.state, refund.done_at = RefundState.DONE, at
    refund.save(update_fields=["state", "done_at"])
    Payment.objects.create(
        order=order,
        kind=PaymentKind.REFUND,
        amount=-refund.amount,
        currency=order.currency,
        provider=order.provider,
        transaction=transaction_id,
        at=at,
    )
    outcome = stand(order, news=news, at=at)
    if refund.cause in {RefundCause.DECIDED, RefundCause.PROVIDER}:  # the others never had the seat, or still have it
        tell_refunded(order, refund, at=at)
    publish("orders.refunded", channel=f"learner:{order.learner_id}", order=order.number)
    publish("orders.moved", channel=f"cohort:{order.claim.offer.cohort_id}", order=order.number)
    return outcome


def _end_seat(order: Order, at: datetime) -> None:
    claim = refund_claim(claim=order.claim, at=at)
    standing = Enrollment.objects.standing().filter(cohort=claim.offer.cohort_id, learner=order.learner_id)
    for enrollment in standing.filter(source=order.number):
        end_enrollment(enrollment=enrollment, at=at, reason="refunded")
