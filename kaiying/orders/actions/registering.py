"""Making an order known to its provider."""

from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from kaiying.offers.actions import payments_timed
from kaiying.offers.models import Claim
from kaiying.orders.models import Order
from kaiying.orders.providers import Charge, at_provider

CLOSE_BEFORE = timedelta(minutes=2)
"""The provider's deadline stands this much before the seat's, so that clocks may differ."""


def register(*, order: Order, at: datetime) -> None:
    """Open the order at its provider and keep the reference; raises ``Unreachable``. Repeating it changes nothing."""
    with payments_timed(at=at), at_provider(order.provider) as service:
        ref, _page = service.open(_charge(order, at))
    Order.objects.filter(pk=order.pk, provider_ref="").update(provider_ref=ref)
    order.refresh_from_db()


def _charge(order: Order, at: datetime) -> Charge:
    claim = Claim.objects.select_related("offer__cohort__camp").get(pk=order.claim_id)
    # Who comes back in the last minutes still gets those; the seat is only freed after the provider has closed.
    until = max(claim.held_until - CLOSE_BEFORE, min(claim.held_until, at + CLOSE_BEFORE))
    return Charge(
        number=order.number,
        amount=order.amount,
        currency=order.currency,
        subject=str(claim.offer.cohort.camp.title),
        return_url=f"{settings.KAIYING_URL}{reverse('orders:show', args=[order.number])}",
        notify_url=f"{settings.KAIYING_URL}{reverse('orders:callbacks', args=[order.provider])}",
        until=until,
    )
