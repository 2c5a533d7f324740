"""When a provider is silent: ask it. When a hold is over: close the order there first, then free the seat."""

import logging
from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from kaiying.offers.actions import lapse_claim
from kaiying.offers.models import Claim
from kaiying.offers.vocabulary import ClaimState
from kaiying.orders.actions.registering import register
from kaiying.orders.actions.settling import settle
from kaiying.orders.models import Order
from kaiying.orders.providers import Told, Unreachable, at_provider
from kaiying.orders.vocabulary import OrderState, Outcome

logger = logging.getLogger(__name__)

QUIET = timedelta(seconds=20)
ASK_AGAIN = timedelta(seconds=30)
ON_PAGE = timedelta(seconds=4)
AT_ONCE = 200
PATIENCE = 3
"""Orders in a row a provider may leave unanswered before the rest of its orders wait for the next round."""


def reconcile(*, at: datetime) -> int:
    """Ask about every open order that is quiet, or whose hold is over; return how many were asked.

    The longest unasked come first, answered or not, so an order nobody can answer never blocks the others.
    """
    due = (
        Order.objects.open()
        .select_related("claim")
        .filter(
            Q(asked_at=None, placed_at__lte=at - QUIET) | Q(asked_at__lte=at - ASK_AGAIN) | Q(claim__held_until__lte=at)
        )
        .order_by(F("asked_at").asc(nulls_first=True), "pk")[:AT_ONCE]
    )
    silent: Counter[str] = Counter()
    asked = 0
    for order in list(due):
        if silent[order.provider] >= PATIENCE:
            continue
        asked += 1
        try:
            reconcile_order(order=order, at=at)
            silent[order.provider] = 0
        except Unreachable as error:
            # Nothing is known, so nothing is given up: the seat stays held, and the next round asks again.
            silent[order.provider] += 1
            is_stuck = order.claim.held_until <= at
            logger.log(
                logging.ERROR if is_stuck else logging.WARNING,
                "payment provider %s did not answer about %s%s: %s",
                order.provider,
                order.number,
                ", whose seat stays held past its time" if is_stuck else "",
                error,
            )
        except Exception:
            logger.exception("order %s could not be reconciled", order.number)
    _free_forgotten(at)
    return asked


def ask_about(*, order: Order, at: datetime) -> Order:
    """Ask about an order somebody is looking at, at most every few seconds; an unreachable provider is no error."""
    if order.state == OrderState.OPEN and (order.asked_at is None or order.asked_at <= at - ON_PAGE):
        try:
            reconcile_order(order=order, at=at)
        except Unreachable as error:
            logger.warning("payment provider %s did not answer about %s: %s", order.provider, order.number, error)
        order.refresh_from_db()
    return order


def withdraw(*, order: Order, at: datetime) -> Outcome:
    """Close an unpaid order at its provider while the seat stays held; ``PAID`` if it turns out to be paid."""
    return _book(order, _question(order, close=True, at=at), at)


def reconcile_order(*, order: Order, at: datetime) -> Outcome:
    """Ask, or close when the hold is over, then book the answer; return what came of it."""
    claim = Claim.objects.get(pk=order.claim_id)
    is_over = claim.state != ClaimState.HELD or claim.held_until <= at
    try:
        told = _question(order, close=is_over, at=at)
    except Unreachable:
        Order.objects.open().filter(pk=order.pk).update(asked_at=at)
        raise
    return _book(order, told, at)


def _question(order: Order, *, close: bool, at: datetime) -> Told:
    if not order.provider_ref:
        if not close:
            return Told(number=order.number, state="open")
        # We never heard whether the provider knows this order. Opening is idempotent, so after it, closing is sure.
        register(order=order, at=at)
    with at_provider(order.provider) as service:
        return service.close(order.provider_ref) if close else service.ask(order.provider_ref)


@transaction.atomic
def _book(order: Order, told: Told, at: datetime) -> Outcome:
    locked = Order.objects.locked().get(pk=order.pk)
    locked.asked_at = at
    locked.save(update_fields=["asked_at"])
    return settle(order=locked, told=told, at=at)


def _free_forgotten(at: datetime) -> None:
    """Free holds that wait for a payment nobody makes any more; a guard, no path of ours leads here."""
    paying = Order.objects.live().filter(claim=OuterRef("pk"))
    for claim in Claim.objects.lapsing(at=at).exclude(payment_pending_since=None).filter(~Exists(paying))[:AT_ONCE]:
        logger.error("claim %s was waiting for a payment without an order", claim.pk)
        lapse_claim(claim=claim, at=at)
