"""What happens when money is said to have arrived. Every way it can be said ends in ``settle``."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from kaiying.kit.money import Money
from kaiying.learning.actions import enroll
from kaiying.notices.actions import language_of, notify
from kaiying.offers.actions import settle_claim
from kaiying.orders.actions.refunding import ask_refund
from kaiying.orders.models import Callback, Order, Payment
from kaiying.orders.providers import Told
from kaiying.orders.vocabulary import Forged, OrderState, PaymentKind
from kaiying.outbox.actions import publish


def take_callback(*, provider_name: str, told: Told, body: str, at: datetime) -> str:
    """Take one message of a provider and return what it did.

    The inbox row and what the message does commit together; the same event again does nothing. Raises ``Forged`` if
    the order, its provider, the amount or the currency does not fit; then nothing but the message itself is kept.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update().filter(number=told.number, provider=provider_name).first()
        if order is None:
            raise Forged
        inbox = Callback(
            provider=provider_name, event_id=told.event_id, order=order, body=body, outcome="", received_at=at
        )
        try:
            with transaction.atomic():
                inbox.save(force_insert=True)
        except IntegrityError:
            return "repeated"
        fits = told.state != "paid" or (told.amount == order.amount and told.currency == order.currency)
        inbox.outcome = settle(order=order, told=told, at=at) if fits else "mismatch"
        inbox.save(update_fields=["outcome"])
    if not fits:
        raise Forged
    return inbox.outcome


def settle(*, order: Order, told: Told, at: datetime) -> str:
    """Book what the provider said about ``order``, whose row the caller has locked; return what came of it.

    ``paid``: seated and enrolled. ``refunding``: no seat was left, the money goes back. ``known``: nothing new.
    """
    if told.state != "paid" or (told.amount, told.currency) != (order.amount, order.currency):
        return "ignored"
    _payment, is_new = Payment.objects.get_or_create(
        provider=order.provider,
        transaction=told.transaction,
        defaults={
            "order": order,
            "kind": PaymentKind.CHARGE,
            "amount": told.amount,
            "currency": told.currency,
            "at": at,
        },
    )
    if not is_new:
        return "known"
    is_spare = (
        order.state not in {OrderState.OPEN, OrderState.CLOSED}
        or Order.objects.filter(claim=order.claim_id, state=OrderState.PAID).exclude(pk=order.pk).exists()
    )
    order.paid_at = at
    if is_spare:
        return _give_back(order, _("Paid a second time"), at)
    settled = settle_claim(claim_id=order.claim_id, generation=order.claim.generation, at=at)
    if settled.claim is None:
        return _give_back(order, _("Paid after the hold was over, and no seat was left"), at)
    order.state, order.claim = OrderState.PAID, settled.claim
    order.save(update_fields=["state", "claim", "paid_at"])
    enroll(cohort=order.claim.offer.cohort, learner=order.learner, at=at, source=order.number)
    publish("orders.paid", channel=f"learner:{order.learner_id}", order=order.number)
    _thank(order, at)
    return "paid"


def _give_back(order: Order, reason: str, at: datetime) -> str:
    order.save(update_fields=["paid_at"])
    ask_refund(order=order, by=None, reason=reason, at=at)
    return "refunding"


def _thank(order: Order, at: datetime) -> None:
    with translation.override(language_of(order.learner)):
        title = str(order.claim.offer.cohort.camp.title)
        notify(
            to=order.learner,
            kind="orders.paid",
            title=_("You are in: %(camp)s") % {"camp": title},
            body=_("Seat %(seat)s, %(price)s paid. Order %(number)s.")
            % {
                "seat": order.claim.seat_number,
                "price": Money(order.amount, order.currency).text(),
                "number": order.number,
            },
            url=f"/learn/{order.claim.offer.cohort.slug}/welcome/",
            at=at,
            mail=True,
        )
