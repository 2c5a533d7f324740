"""What a provider's message or answer is news of, compared with what is booked. Nothing is written here."""

from typing import NamedTuple

from kaiying.orders.actions.truth import News
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.providers import Told, provider
from kaiying.orders.vocabulary import PaymentKind, RefundState


class Heard(NamedTuple):
    """News, with the booked rows it is about: of money that goes back its charge, and the refund if we asked for it."""

    news: News
    charge: Payment | None = None
    refund: Refund | None = None


def hear(order: Order, told: Told) -> Heard:
    """Say what ``told`` is news of; the caller has locked the order's row."""
    if not _is_ours(order, told):
        return Heard(News.MISFIT)
    if told.state == "paid":
        return _of_charge(order, told)
    if told.state == "refunded":
        return _of_refund(order, told)
    # A message that says "closed" may have been overtaken by money; only an answer to our own question counts.
    return Heard(News.OVER if told.state == "closed" and not told.event_id else News.OTHER)


def _is_ours(order: Order, told: Told) -> bool:
    """Tell whether a message names our merchant and this order's reference; an answer is about what we asked."""
    if not told.event_id:
        return True
    return told.merchant == provider(order.provider).merchant and told.ref in {order.provider_ref, ""}


def _of_charge(order: Order, told: Told) -> Heard:
    if not told.amount or not told.transaction or (told.amount, told.currency) != (order.amount, order.currency):
        return Heard(News.MISFIT)
    booked = Payment.objects.filter(provider=order.provider, transaction=told.transaction).first()
    if booked is None:
        return Heard(News.PAID)
    is_same = booked.order_id == order.pk and booked.kind == PaymentKind.CHARGE
    return Heard(News.PAID_AGAIN if is_same else News.MISFIT)


def _of_refund(order: Order, told: Told) -> Heard:
    if not told.amount or not told.transaction or told.currency != order.currency:
        return Heard(News.MISFIT)
    booked = Payment.objects.filter(provider=order.provider, transaction=told.transaction).first()
    if booked is not None:
        is_same = (booked.order_id, booked.amount) == (order.pk, -told.amount)
        return Heard(News.REFUNDED_AGAIN if is_same else News.MISFIT)
    ours = Refund.objects.filter(order=order, key=told.refund_key).select_related("charge").first()
    if ours is not None:
        return _of_our_refund(ours, told)
    charge = order.payments.charges().filter(transaction=told.charge).first()
    has_room = charge is not None and charge.left >= told.amount
    return Heard(News.TAKEN_BACK, charge) if has_room else Heard(News.EARLY)


def _of_our_refund(ours: Refund, told: Told) -> Heard:
    if ours.amount != told.amount or told.charge not in {ours.charge.transaction, ""}:
        return Heard(News.MISFIT)
    if ours.state == RefundState.DONE:
        return Heard(News.REFUNDED_AGAIN, ours.charge, ours)
    return Heard(News.REFUNDED if ours.can_be_booked else News.EARLY, ours.charge, ours)
