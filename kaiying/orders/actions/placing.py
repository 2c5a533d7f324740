"""From a held seat to an order that can be paid."""

import secrets
from datetime import datetime

from django.conf import settings
from django.db import transaction

from kaiying.kit import periods
from kaiying.offers.actions import expect_payment
from kaiying.offers.models import Claim
from kaiying.offers.vocabulary import NotYours
from kaiying.orders.actions.asking import withdraw
from kaiying.orders.actions.registering import register
from kaiying.orders.actions.settling import take_seat
from kaiying.orders.models import Order
from kaiying.orders.providers import at_provider
from kaiying.orders.vocabulary import NoProvider, NotPayable, OrderState

SYMBOLS = "BCDFGHJKLMNPQRSTVWXZ23456789"
"""Without vowels, so that no word appears, and without look-alikes."""


def place_order(*, claim: Claim, provider_name: str, at: datetime) -> Order:
    """Return the order that pays for ``claim``, placing it if there is none; raises ``NotYours`` when the hold is over.

    The provider is told after our commit and outside of it: if it cannot be reached (``Unreachable``) the order stays
    and asking again goes on from there. An unpaid order at another provider is closed there first.
    """
    if provider_name not in settings.PAYMENT_PROVIDERS:
        raise NoProvider
    standing = Order.objects.live().filter(claim_id=claim.pk).first()
    if standing is not None and standing.state == OrderState.OPEN and standing.provider != provider_name:
        withdraw(order=standing, at=at)
        standing.refresh_from_db()
    if standing is not None and standing.state == OrderState.PAID:
        return standing
    order = _write_down(claim, provider_name, at)
    if order.state == OrderState.OPEN and not order.provider_ref:
        register(order=order, at=at)
        if order.state == OrderState.CLOSED:  # the hold ended while the provider was slow
            raise NotYours
    return order


def pay_page(order: Order) -> str:
    """Return the provider's page for an open order; raises ``NotPayable``."""
    if order.state != OrderState.OPEN or not order.provider_ref:
        raise NotPayable
    with at_provider(order.provider) as service:
        return service.page(order.provider_ref)


def new_number(day: datetime) -> str:
    """Return a number a person can read out: the day and eight letters and digits."""
    return f"K{day:%y%m%d}{''.join(secrets.choice(SYMBOLS) for _ in range(8))}"


@transaction.atomic
def _write_down(claim: Claim, provider_name: str, at: datetime) -> Order:
    # This locks the offer. Two tabs of one buyer queue up here, so the second finds what the first wrote.
    held = expect_payment(claim=claim, at=at)
    order = Order.objects.open().filter(claim=held).first()
    if order is not None:
        return order
    offer = held.offer
    order = Order.objects.create(
        number=new_number(periods.local(at, offer.cohort.zone)),
        claim=held,
        learner_id=held.learner_id,
        amount=held.price,
        currency=offer.currency,
        provider=provider_name,
        placed_at=at,
    )
    if not order.amount:  # a free seat: there is nothing to pay and nobody to ask
        take_seat(order=order, at=at)
    return order
