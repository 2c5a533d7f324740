"""What happens when money is said to have arrived. Every way it can be said ends in ``settle``."""

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from kaiying.learning.actions import enroll
from kaiying.offers.actions import SettledAs, join_waitlist, settle_claim
from kaiying.offers.models import Claim
from kaiying.offers.vocabulary import HasSeat, Turn
from kaiying.orders.actions.refunding import book_refund, give_back
from kaiying.orders.actions.telling import tell_paid
from kaiying.orders.models import Callback, Order, Payment, Refund
from kaiying.orders.providers import Told, provider
from kaiying.orders.vocabulary import (
    Forged,
    OrderState,
    Outcome,
    PaymentKind,
    RefundCause,
    UnknownOrder,
)
from kaiying.outbox.actions import publish

logger = logging.getLogger(__name__)


def take_callback(*, provider_name: str, told: Told, body: str, at: datetime) -> Outcome:
    """Take one message of a provider, whose signature was checked, and return what it did.

    The inbox row and what the message does commit together; the same event again does nothing. What does not fit the
    order is kept and has no effect (``Forged``), and so is a message about no order of ours (``UnknownOrder``); neither
    uses the event up.
    """
    with transaction.atomic():
        order = Order.objects.locked().filter(number=told.number, provider=provider_name).first()
        if order is not None and _fits(order, told):
            return _take_once(order, told, body, at)
        outcome = Outcome.UNKNOWN_ORDER if order is None else Outcome.MISMATCH
        facts = {"provider": provider_name, "event_id": told.event_id, "order": order, "outcome": outcome, "body": body}
        if not Callback.objects.filter(**facts).exists():
            Callback.objects.create(**facts, received_at=at)
    logger.error("callback %s of %s has no effect: %s", told.event_id, provider_name, outcome)
    raise UnknownOrder if order is None else Forged


def settle(*, order: Order, told: Told, at: datetime) -> Outcome:
    """Book what the provider said about ``order``, whose row the caller has locked; return what came of it."""
    if told.state == "refunded":
        return _hear_of_refund(order, told, at)
    if told.state != "paid":
        return Outcome.IGNORED
    if (told.amount, told.currency) != (order.amount, order.currency):
        logger.error("order %s: the provider speaks of %s %s", order.number, told.amount, told.currency)
        return Outcome.MISMATCH
    charge, is_new = Payment.objects.get_or_create(
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
        return Outcome.KNOWN
    cause = _already_settled(order) or take_seat(order=order, at=at)
    if cause is None:
        return Outcome.PAID
    is_owed = cause == RefundCause.NO_SEAT and _owe_a_seat(order, at)
    give_back(charge=charge, order=order, cause=cause, at=at, is_owed=is_owed)
    return Outcome.GIVEN_BACK


def take_seat(*, order: Order, at: datetime) -> RefundCause | None:
    """Turn a paid order, whose row the caller has locked, into a seat and an enrollment; return why not."""
    settled = settle_claim(claim_id=order.claim_id, generation=order.claim.generation, at=at)
    if settled.outcome == SettledAs.NO_SEAT:
        return RefundCause.NO_SEAT
    # The offer is locked from here on, so no other order of this claim can become paid beside us.
    if Order.objects.filter(claim=settled.claim, state=OrderState.PAID).exclude(pk=order.pk).exists():
        return RefundCause.PAID_TWICE
    order.state, order.claim, order.paid_at, order.ended_at = OrderState.PAID, settled.claim, at, None
    order.save(update_fields=["state", "claim", "paid_at", "ended_at"])
    cohort = order.claim.offer.cohort
    enroll(cohort=cohort, learner=order.learner, at=at, source=order.number)
    publish("orders.paid", channel=f"learner:{order.learner_id}", order=order.number)
    publish("orders.moved", channel=f"cohort:{cohort.pk}", order=order.number)
    tell_paid(order, at=at)
    return None


def _fits(order: Order, told: Told) -> bool:
    """Tell whether a message is about this order: our merchant, its reference, and for money the very sum."""
    is_ours = told.merchant == provider(order.provider).merchant and told.ref in {order.provider_ref, ""}
    return is_ours and (told.state != "paid" or (told.amount, told.currency) == (order.amount, order.currency))


def _take_once(order: Order, told: Told, body: str, at: datetime) -> Outcome:
    inbox = Callback(provider=order.provider, event_id=told.event_id, order=order, body=body, received_at=at)
    try:
        with transaction.atomic():
            inbox.save(force_insert=True)
    except IntegrityError:
        return Outcome.REPEATED
    inbox.outcome = settle(order=order, told=told, at=at)
    inbox.save(update_fields=["outcome"])
    return Outcome(inbox.outcome)


def _already_settled(order: Order) -> RefundCause | None:
    return None if order.state in {OrderState.OPEN, OrderState.CLOSED} else RefundCause.PAID_TWICE


def _hear_of_refund(order: Order, told: Told, at: datetime) -> Outcome:
    found = Refund.objects.filter(order=order, key=told.refund_key).first()
    if found is None or (told.amount, told.currency) != (found.amount, order.currency):
        logger.error("order %s: the provider speaks of a refund we did not ask for", order.number)
        return Outcome.IGNORED
    return Outcome.BOOKED if book_refund(refund=found, transaction_id=told.transaction, at=at) else Outcome.KNOWN


def _owe_a_seat(order: Order, at: datetime) -> bool:
    """Put whoever paid too late first in line; False for who has another seat by now and needs no place."""
    claim = Claim.objects.select_related("offer").get(pk=order.claim_id)
    try:
        with transaction.atomic():
            join_waitlist(offer=claim.offer, learner=order.learner, max_price=order.amount, at=at, turn=Turn.OWED)
    except HasSeat:
        return False
    return True
