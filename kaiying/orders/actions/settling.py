"""What happens when money is said to have come or gone. Every way it can be said ends in ``settle``."""

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from kaiying.learning.actions import enroll
from kaiying.offers.actions import SettledAs, forget_payment, join_waitlist, lapse_claim, settle_claim
from kaiying.offers.models import Claim
from kaiying.offers.vocabulary import ClaimState, HasSeat, Turn
from kaiying.orders.actions.booking import book_refund, move, take_back
from kaiying.orders.actions.hearing import Heard, hear
from kaiying.orders.actions.refunding import give_back
from kaiying.orders.actions.telling import tell_paid
from kaiying.orders.actions.truth import Found, Money, News, SeatDoes, rule
from kaiying.orders.models import Callback, Order, Payment
from kaiying.orders.providers import Told
from kaiying.orders.vocabulary import (
    Early,
    Forged,
    OrderState,
    Outcome,
    PaymentKind,
    RefundCause,
    UnknownOrder,
)
from kaiying.outbox.actions import publish

logger = logging.getLogger(__name__)

REFUSALS = {Outcome.UNKNOWN_ORDER: UnknownOrder, Outcome.MISMATCH: Forged, Outcome.EARLY: Early}
UNSETTLED = (OrderState.OPEN, OrderState.CLOSED)


def take_callback(*, provider_name: str, told: Told, body: str, at: datetime) -> Outcome:
    """Take one message of a provider, whose signature was checked, and return what it did.

    The inbox row and what the message does commit together; the same event again does nothing. What does not fit the
    order is kept and has no effect (``Forged``), and so is a message about no order of ours (``UnknownOrder``) and one
    that came before what it follows (``Early``); none of them uses its event up.
    """
    if not told.event_id:
        raise Forged
    with transaction.atomic():
        order = Order.objects.locked().filter(number=told.number, provider=provider_name).first()
        outcome = Outcome.UNKNOWN_ORDER if order is None else _take_once(order, told, body, at)
        if outcome in REFUSALS:
            facts = {"provider": provider_name, "event_id": told.event_id, "order": order, "body": body}
            if not Callback.objects.filter(**facts, outcome=outcome).exists():
                Callback.objects.create(**facts, outcome=outcome, received_at=at)
    if outcome in REFUSALS:
        logger.error("callback %s of %s has no effect: %s", told.event_id, provider_name, outcome)
        raise REFUSALS[outcome]
    return outcome


def settle(*, order: Order, told: Told, at: datetime) -> Outcome:
    """Book what the provider said about ``order``, whose row the caller has locked; return what came of it."""
    heard = hear(order, told)
    if heard.news in {News.MISFIT, News.EARLY}:
        logger.error("order %s: the provider speaks of %s", order.number, heard.news)
    return _act(order, heard, told, at)


def take_seat(*, order: Order, at: datetime) -> Found:
    """Turn an order that is paid, whose row the caller has locked, into a seat and an enrollment, if a seat is left."""
    settled = settle_claim(claim_id=order.claim_id, generation=order.claim.generation, at=at)
    if settled.outcome == SettledAs.NO_SEAT:
        return Found.NO_SEAT
    # The offer is locked from here on, so no other order of this claim can become paid beside us.
    if Order.objects.filter(claim=settled.claim, state=OrderState.PAID).exclude(pk=order.pk).exists():
        return Found.PAID_SEAT
    order.state = rule(News.PAID, order.state, Found.SEAT).state
    order.claim, order.paid_at, order.ended_at = settled.claim, at, None
    order.save(update_fields=["state", "claim", "paid_at", "ended_at"])
    cohort = order.claim.offer.cohort
    enroll(cohort=cohort, learner=order.learner, at=at, source=order.number)
    publish("orders.paid", channel=f"learner:{order.learner_id}", order=order.number)
    publish("orders.moved", channel=f"cohort:{cohort.pk}", order=order.number)
    tell_paid(order, at=at)
    return Found.SEAT


def _take_once(order: Order, told: Told, body: str, at: datetime) -> Outcome:
    heard = hear(order, told)
    if heard.news in {News.MISFIT, News.EARLY}:
        return rule(heard.news, order.state).outcome
    inbox = Callback(provider=order.provider, event_id=told.event_id, order=order, body=body, received_at=at)
    try:
        with transaction.atomic():
            inbox.save(force_insert=True)
    except IntegrityError:
        return Outcome.REPEATED
    inbox.outcome = _act(order, heard, told, at)
    inbox.save(update_fields=["outcome"])
    return Outcome(inbox.outcome)


def _act(order: Order, heard: Heard, told: Told, at: datetime) -> Outcome:
    if heard.news == News.PAID:
        return _money_came(order, told, at)
    if heard.news == News.OVER:
        return _nobody_pays(order, at)
    if heard.news == News.REFUNDED and heard.refund:
        return book_refund(order=order, refund=heard.refund, transaction_id=told.transaction, at=at)
    if heard.news == News.TAKEN_BACK and heard.charge:
        return take_back(order=order, charge=heard.charge, amount=told.amount, transaction_id=told.transaction, at=at)
    return rule(heard.news, order.state).outcome


def _money_came(order: Order, told: Told, at: datetime) -> Outcome:
    facts = {"kind": PaymentKind.CHARGE, "amount": told.amount, "currency": told.currency, "at": at}
    charge, is_new = Payment.objects.get_or_create(
        provider=order.provider, transaction=told.transaction, defaults={"order": order, **facts}
    )
    if not is_new:  # the same transaction was told of another order this very moment
        return rule(News.MISFIT, order.state).outcome
    was = OrderState(order.state)
    found = take_seat(order=order, at=at) if was in UNSETTLED else Found.ANYTHING
    ruling = rule(News.PAID, was, found)
    if ruling.money == Money.RETURNED:
        cause = RefundCause.NO_SEAT if found == Found.NO_SEAT else RefundCause.PAID_TWICE
        is_owed = cause == RefundCause.NO_SEAT and _owe_a_seat(order, at)
        move(order, ruling.state, at)
        give_back(charge=charge, order=order, amount=charge.amount, cause=cause, at=at, is_owed=is_owed)
    return ruling.outcome


def _nobody_pays(order: Order, at: datetime) -> Outcome:
    ruling = rule(News.OVER, order.state)
    if ruling.seat == SeatDoes.LAPSES:
        # The claim first: its offer's lock is what keeps a second order for this claim away while ours ends.
        claim = lapse_claim(claim=order.claim, at=at)
        if claim.state == ClaimState.HELD:
            forget_payment(claim=claim, at=at)
    move(order, ruling.state, at)
    return ruling.outcome


def _owe_a_seat(order: Order, at: datetime) -> bool:
    """Put whoever paid too late first in line; False for who has another seat by now and needs no place."""
    claim = Claim.objects.select_related("offer").get(pk=order.claim_id)
    try:
        with transaction.atomic():
            join_waitlist(offer=claim.offer, learner=order.learner, max_price=order.amount, at=at, turn=Turn.OWED)
    except HasSeat:
        return False
    return True
