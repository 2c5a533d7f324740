"""From a held seat to an order that can be paid."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from kaiying.offers.actions import expect_payment
from kaiying.offers.models import Claim
from kaiying.offers.vocabulary import ClaimState, NotYours
from kaiying.orders.models import Order
from kaiying.orders.providers import Charge, provider
from kaiying.orders.vocabulary import NotPayable, OrderState

CLOSE_BEFORE = timedelta(minutes=2)
"""The provider's deadline stands this much before the seat's, so that clocks may differ."""

DIGITS = "0123456789"
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def place_order(*, claim: Claim, provider_name: str, at: datetime) -> Order:
    """Return the order that pays for ``claim``, placing it if there is none; raises ``NotYours`` when the hold is over.

    The provider is told after our commit and outside of it; if it cannot be reached the order stays and may be
    opened again.
    """
    with transaction.atomic():
        locked = Claim.objects.select_for_update().select_related("offer").get(pk=claim.pk)
        order = Order.objects.filter(claim=locked, state__in=[OrderState.OPEN, OrderState.PAID]).first()
        if order is None:
            if locked.state != ClaimState.HELD or locked.held_until <= at:
                raise NotYours
            order = Order.objects.create(
                number=new_number(at),
                claim=locked,
                learner_id=locked.learner_id,
                amount=locked.price,
                currency=locked.offer.currency,
                provider=provider_name,
                placed_at=at,
            )
            expect_payment(claim=locked, at=at)
    if not order.provider_ref:
        _open_at_provider(order)
    return order


def pay_page(order: Order) -> str:
    """Return the provider's page for an open order; raises ``NotPayable``."""
    if order.state != OrderState.OPEN or not order.provider_ref:
        raise NotPayable
    return provider(order.provider).page(order.provider_ref)


def new_number(at: datetime) -> str:
    """Return a number a person can read out: the day and six letters and digits without look-alikes."""
    tail = "".join(secrets.choice(LETTERS + DIGITS) for _ in range(6))
    return f"K{at:%y%m%d}{tail}"


def _open_at_provider(order: Order) -> None:
    claim = order.claim
    ref, _page = provider(order.provider).open(
        Charge(
            number=order.number,
            amount=order.amount,
            currency=order.currency,
            subject=str(claim.offer.cohort.camp.title),
            return_url=f"{settings.KAIYING_URL}{reverse('orders:show', args=[order.number])}",
            notify_url=f"{settings.KAIYING_URL}{reverse('orders:callbacks', args=[order.provider])}",
            until=claim.held_until - CLOSE_BEFORE
            if claim.held_until - claim.claimed_at > 2 * CLOSE_BEFORE
            else claim.held_until,
        )
    )
    Order.objects.filter(pk=order.pk, provider_ref="").update(provider_ref=ref)
    order.refresh_from_db(fields=["provider_ref"])
