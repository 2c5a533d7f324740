"""Money on its way back: decided in our transaction, moved outside of it, booked when the provider has done it."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from kaiying.learning.actions import end_enrollment
from kaiying.learning.models import Enrollment
from kaiying.offers.actions import refund_claim
from kaiying.orders.actions.telling import tell_refunded, tell_refunding
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.providers import Declined, at_provider
from kaiying.orders.tasks import move_refund
from kaiying.orders.vocabulary import NotRefundable, OrderState, PaymentKind, RefundCause, RefundState
from kaiying.outbox.actions import later, publish
from kaiying.people.models import User

logger = logging.getLogger(__name__)

FORGOTTEN = timedelta(hours=3)
"""By then the job of a refund has been given up; it is started again."""


@transaction.atomic
def refund(*, order: Order, by: User, reason: str, at: datetime) -> Refund:
    """Give back what an order was paid, free its seat and end the enrollment; raises ``NotRefundable``.

    Asking again returns the refund there is; only one that the provider turned down is asked for anew.
    """
    locked = Order.objects.locked().get(pk=order.pk)
    if locked.state not in {OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED}:
        raise NotRefundable
    charge = locked.payments.kept().order_by("pk").first()
    if charge is None:
        known = locked.refunds.exclude(state=RefundState.FAILED).order_by("-pk").first()
        if known is None or locked.state == OrderState.PAID:  # a free seat, or only what was paid twice went back
            raise NotRefundable
        return known
    if locked.state == OrderState.PAID:
        claim = refund_claim(claim=locked.claim, at=at)
        standing = Enrollment.objects.standing().filter(cohort=claim.offer.cohort_id, learner=locked.learner_id)
        for enrollment in standing.filter(source=locked.number):
            end_enrollment(enrollment=enrollment, at=at, reason="refunded")
        locked.state = OrderState.REFUNDING
    before = charge.refunds.order_by("-pk").first()
    cause = RefundCause(before.cause) if before else RefundCause.DECIDED
    return give_back(charge=charge, order=locked, cause=cause, by=by, reason=reason, at=at)


@transaction.atomic
def refund_again(*, order: Order, by: User, at: datetime) -> list[Refund]:
    """Ask once more for what the provider turned down, for the same cause; raises ``NotRefundable`` if nothing was.

    A seat that is paid for otherwise stays its learner's.
    """
    locked = Order.objects.locked().get(pk=order.pk)
    turned_down = locked.refunds.filter(state=RefundState.FAILED, charge__in=locked.payments.kept())
    last = {failed.charge_id: failed for failed in turned_down.select_related("charge").order_by("pk")}
    if not last:
        raise NotRefundable
    return [
        give_back(charge=failed.charge, order=locked, cause=RefundCause(failed.cause), by=by, at=at)
        for failed in last.values()
    ]


def give_back(
    *,
    charge: Payment,
    order: Order,
    cause: RefundCause,
    at: datetime,
    by: User | None = None,
    reason: str = "",
    is_owed: bool = False,
) -> Refund:
    """Write down that a charge goes back, and have it moved; the order's row is locked by the caller.

    ``is_owed``: the learner now stands first on the waitlist, which they are told.
    """
    made = Refund.objects.create(
        order=order,
        charge=charge,
        amount=charge.amount,
        cause=cause,
        reason=reason[:200],
        by=by,
        key=f"{order.number}-{order.refunds.count() + 1}",
        asked_at=at,
    )
    if order.state != OrderState.PAID:  # a paid order whose second payment goes back stays paid
        order.state, order.ended_at = OrderState.REFUNDING, at
        order.save(update_fields=["state", "ended_at"])
    publish("orders.refunding", channel=f"learner:{order.learner_id}", order=order.number)
    publish("orders.moved", channel=f"cohort:{order.claim.offer.cohort_id}", order=order.number)
    if not Refund.objects.filter(charge=charge).exclude(pk=made.pk).exists():  # asked for anew: they know
        tell_refunding(order, made, at=at, is_owed=is_owed)
    _start(made, at)
    return made


def send_refund(*, refund_id: int, at: datetime) -> None:
    """Have the provider move the money, then book it; repeating it moves nothing twice. Raises ``Unreachable``."""
    found = Refund.objects.select_related("order", "charge").get(pk=refund_id)
    if found.state != RefundState.ASKED:
        return
    order, charge = found.order, found.charge
    try:
        with at_provider(order.provider) as service:
            moved = service.refund(
                ref=order.provider_ref, transaction=charge.transaction, amount=found.amount, key=found.key
            )
    except Declined as error:
        # The order stays "being refunded" with nothing on its way: the operator sees it and decides.
        logger.exception("refund %s was turned down", found.key)
        Refund.objects.filter(pk=found.pk, state=RefundState.ASKED).update(
            state=RefundState.FAILED, done_at=at, reason=f"{found.reason} ({error})"[:200]
        )
        return
    with transaction.atomic():
        Order.objects.locked().get(pk=order.pk)
        book_refund(refund=found, transaction_id=moved, at=at)


def book_refund(*, refund: Refund, transaction_id: str, at: datetime) -> bool:
    """Book money that went back; False if it was booked before. The caller has locked the order's row."""
    order = Order.objects.get(pk=refund.order_id)
    # One that was turned down and went through after all counts, unless it was asked for anew meanwhile.
    others = Refund.objects.exclude(state=RefundState.FAILED).filter(charge_id=refund.charge_id).exclude(pk=refund.pk)
    mine = Refund.objects.filter(pk=refund.pk).exclude(state=RefundState.DONE)
    if others.exists() or not mine.update(state=RefundState.DONE, done_at=at):
        return False
    Payment.objects.create(
        order=order,
        kind=PaymentKind.REFUND,
        amount=-refund.amount,
        currency=order.currency,
        provider=order.provider,
        transaction=transaction_id,
        at=at,
    )
    is_all = not order.payments.kept().exists() and not order.refunds.filter(state=RefundState.ASKED).exists()
    if order.state == OrderState.REFUNDING and is_all:
        Order.objects.filter(pk=order.pk).update(state=OrderState.REFUNDED, ended_at=at)
    if refund.cause == RefundCause.DECIDED:  # the others lost no seat they had, or still have it
        tell_refunded(order, at=at)
    publish("orders.refunded", channel=f"learner:{order.learner_id}", order=order.number)
    publish("orders.moved", channel=f"cohort:{order.claim.offer.cohort_id}", order=order.number)
    return True


def resend_refunds(*, at: datetime) -> int:
    """Start refunds again whose job was given up because the provider was away too long; return how many."""
    waiting = list(Refund.objects.filter(state=RefundState.ASKED, asked_at__lte=at - FORGOTTEN))
    for found in waiting:
        _start(found, at)
    return len(waiting)


def _start(refund: Refund, at: datetime) -> None:
    later(move_refund, at=at, key=f"refund:{refund.key}", refund=refund.pk)
