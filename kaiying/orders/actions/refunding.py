"""Money on its way back: decided in our transaction, moved outside of it, booked when the provider has done it."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from kaiying.kit.money import Money
from kaiying.learning.actions import end_enrollment
from kaiying.learning.models import Enrollment
from kaiying.notices.actions import language_of, notify
from kaiying.offers.actions import refund_claim
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
    return give_back(charge=charge, order=locked, cause=RefundCause.DECIDED, by=by, reason=reason, at=at)


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
    _tell(order, made, at, is_owed=is_owed)
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


def _tell(order: Order, made: Refund, at: datetime, *, is_owed: bool) -> None:
    with translation.override(language_of(order.learner)):
        price = Money(made.amount, order.currency).text()
        lines = {
            RefundCause.DECIDED: _("Your seat has been released."),
            RefundCause.NO_SEAT: _("Your payment arrived after the hold was over, and no seat was left."),
            RefundCause.PAID_TWICE: _("It was a second payment for the same seat."),
        }
        parts = [lines[RefundCause(made.cause)]]
        if is_owed:
            parts.append(_("You are now first on the waitlist."))
        parts.append(_("The money returns the way you paid, within three working days."))
        notify(
            to=order.learner,
            kind="orders.refund",
            title=_("%(price)s is on its way back to you") % {"price": price},
            body="\n".join(parts),
            url=reverse("orders:show", args=[order.number]),
            at=at,
            mail=True,
        )
