"""A seat given away: an order that costs nothing, so that its learner is enrolled like everybody else."""

from datetime import datetime

from django.db import transaction

from kaiying.kit import periods
from kaiying.offers.actions import comp_seat
from kaiying.offers.models import Offer
from kaiying.orders.actions.placing import new_number
from kaiying.orders.actions.settling import take_seat
from kaiying.orders.models import Order
from kaiying.people.models import User

PROVIDER = "comp"
"""Stands where an order names its payment service; nobody is ever asked there, since there is nothing to pay."""


@transaction.atomic
def comp(*, offer: Offer, learner: User, by: User, reason: str, at: datetime) -> Order:
    """Give ``learner`` a free seat of the last tier and enroll them; raises ``AlreadySeated`` or ``NothingFree``."""
    claim = comp_seat(offer=offer, learner=learner, by=by, reason=reason, at=at)
    order = Order.objects.create(
        number=new_number(periods.local(at, claim.offer.cohort.zone)),
        claim=claim,
        learner=learner,
        amount=0,
        currency=claim.offer.currency,
        provider=PROVIDER,
        placed_at=at,
    )
    take_seat(order=order, at=at)
    return order
