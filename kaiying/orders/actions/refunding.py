"""Money on its way back: decided in our transaction, moved outside of it, booked when the provider has done it."""

from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils import translation
from django.utils.translation import gettext as _

from kaiying.kit.money import Money
from kaiying.learning.actions import end_enrollment
from kaiying.learning.models import Enrollment
from kaiying.notices.actions import language_of, notify
from kaiying.offers.actions import refund_claim
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.providers import provider
from kaiying.orders.tasks import move_refund
from kaiying.orders.vocabulary import NotRefundable, OrderState, PaymentKind, RefundState
from kaiying.outbox.actions import later, publish
from kaiying.people.models import User


@transaction.atomic
def refund(*, order: Order, by: User, reason: str, at: datetime) -> Refund:
    """Give back what an order was paid, free its seat and end the enrollment; raises ``NotRefundable``.

    Asking again while a refund is on its way returns that refund.
    """
    locked = Order.objects.select_for_update().get(pk=order.pk)
    known = locked.refunds.exclude(state=RefundState.FAILED).first()
    if known is not None:
        return known
    if locked.state != OrderState.PAID:
        raise NotRefundable
    claim = locked.claim
    refund_claim(claim=claim, at=at)
    for enrollment in Enrollment.objects.standing().filter(cohort=claim.offer.cohort_id, learner=locked.learner_id):
        end_enrollment(enrollment=enrollment, at=at)
    return ask_refund(order=locked, by=by, reason=reason, at=at)


def ask_refund(*, order: Order, by: User | None, reason: str, at: datetime) -> Refund:
    """Write down that everything the order still holds goes back, and have it moved; the order's row is locked."""
    held = order.payments.aggregate(sum=Sum("amount"))["sum"] or 0
    on_its_way = order.refunds.filter(state=RefundState.ASKED).aggregate(sum=Sum("amount"))["sum"] or 0
    amount = held - on_its_way
    if amount <= 0:
        raise NotRefundable
    made = Refund.objects.create(
        order=order,
        amount=amount,
        reason=reason[:200],
        by=by,
        key=f"{order.number}-{order.refunds.count() + 1}",
        asked_at=at,
    )
    if order.state != OrderState.PAID or by is not None:
        order.state, order.ended_at = OrderState.REFUNDING, at
        order.save(update_fields=["state", "ended_at"])
    publish("orders.refunding", channel=f"learner:{order.learner_id}", order=order.number)
    _tell(order, made, at)
    later(move_refund, at=at, key=f"refund:{made.key}", refund=made.pk)
    return made


def send_refund(*, refund_id: int, at: datetime) -> None:
    """Have the provider move the money, then book it; repeating it moves nothing twice."""
    found = Refund.objects.select_related("order").get(pk=refund_id)
    if found.state == RefundState.DONE:
        return
    order = found.order
    moved = provider(order.provider).refund(ref=order.provider_ref, amount=found.amount, key=found.key)
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order.pk)
        Payment.objects.get_or_create(
            provider=order.provider,
            transaction=moved,
            defaults={
                "order": order,
                "kind": PaymentKind.REFUND,
                "amount": -found.amount,
                "currency": order.currency,
                "at": at,
            },
        )
        Refund.objects.filter(pk=found.pk, state=RefundState.ASKED).update(state=RefundState.DONE, done_at=at)
        if order.state == OrderState.REFUNDING:
            Order.objects.filter(pk=order.pk).update(state=OrderState.REFUNDED)
        publish("orders.refunded", channel=f"learner:{order.learner_id}", order=order.number)


def _tell(order: Order, made: Refund, at: datetime) -> None:
    with translation.override(language_of(order.learner)):
        price = Money(made.amount, order.currency).text()
        notify(
            to=order.learner,
            kind="orders.refund",
            title=_("%(price)s is on its way back to you") % {"price": price},
            body=_("Order %(number)s. %(reason)s. It returns the way you paid, within three working days.")
            % {"number": order.number, "reason": made.reason},
            url=f"/orders/{order.number}/",
            at=at,
            mail=True,
        )
