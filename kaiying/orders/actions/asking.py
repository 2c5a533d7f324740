"""When a provider is silent: ask it. When a hold is over: close the order there first, then free the seat."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from kaiying.offers.actions import lapse_claim
from kaiying.offers.vocabulary import ClaimState
from kaiying.orders.actions.settling import settle
from kaiying.orders.models import Order
from kaiying.orders.providers import Told, Unreachable, provider
from kaiying.orders.vocabulary import OrderState

logger = logging.getLogger(__name__)

QUIET = timedelta(seconds=20)
ASK_AGAIN = timedelta(seconds=30)
ON_PAGE = timedelta(seconds=4)
AT_ONCE = 200


def reconcile(*, at: datetime) -> int:
    """Ask about every open order that is quiet, or whose hold is over; return how many were asked."""
    due = (
        Order.objects.filter(state=OrderState.OPEN)
        .filter(Q(asked_at=None, placed_at__lte=at - QUIET) | Q(asked_at__lte=at - ASK_AGAIN) | Q(claim__held_until__lte=at))
        .order_by(F("asked_at").asc(nulls_first=True))[:AT_ONCE]
    )
    orders = list(due)
    for order in orders:
        try:
            reconcile_order(order=order, at=at)
        except Unreachable:
            # Nothing is known, so nothing is given up: the seat stays held, and the next round asks again.
            logger.warning("payment provider %s did not answer about %s", order.provider, order.number)
    return len(orders)


def ask_about(*, order: Order, at: datetime) -> Order:
    """Ask about an order somebody is looking at, at most every few seconds; an unreachable provider is no error."""
    if order.state == OrderState.OPEN and (order.asked_at is None or order.asked_at <= at - ON_PAGE):
        try:
            reconcile_order(order=order, at=at)
        except Unreachable:
            logger.warning("payment provider %s did not answer about %s", order.provider, order.number)
        order.refresh_from_db()
    return order


def reconcile_order(*, order: Order, at: datetime) -> str:
    """Ask, or close when the hold is over, then book the answer; return what came of it."""
    is_over = order.claim.state != ClaimState.HELD or order.claim.held_until <= at
    told = _question(order, close=is_over)
    with transaction.atomic():
        locked = Order.objects.select_for_update().get(pk=order.pk)
        locked.asked_at = at
        locked.save(update_fields=["asked_at"])
        if told.state == "paid":
            return settle(order=locked, told=told, at=at)
        if told.state != "closed" or locked.state != OrderState.OPEN:
            return "open"
        locked.state, locked.ended_at = OrderState.CLOSED, at
        locked.save(update_fields=["state", "ended_at"])
        lapse_claim(claim=locked.claim, at=at)
        return "closed"


def _question(order: Order, *, close: bool) -> Told:
    if not order.provider_ref:  # it never heard of the order, so nobody can pay it
        return Told(number=order.number, state="closed" if close else "open")
    service = provider(order.provider)
    return service.close(order.provider_ref) if close else service.ask(order.provider_ref)
