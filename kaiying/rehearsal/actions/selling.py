"""Simulated buyers: they claim, go to the sandbox, pay, and are asked about, all through the real actions."""

from datetime import datetime, timedelta

from kaiying.groups.actions import seat_learner
from kaiying.learning.models import Enrollment
from kaiying.offers.actions import Seen, claim_seat, note_pulse
from kaiying.offers.models import Claim, Offer
from kaiying.offers.queries import SLOT
from kaiying.offers.queries.pulses import floor
from kaiying.orders.actions import place_order, reconcile_order
from kaiying.orders.providers.sandbox.actions import pay
from kaiying.people.models import User


def hold(*, offer: Offer, user: User, at: datetime) -> Claim:
    """Claim a seat at whatever it costs, and count it as the edge counts those who ask."""
    claim = claim_seat(
        offer=offer, learner=user, max_price=offer.list_price, key=f"rehearsal-{offer.pk}-{user.pk}", at=at
    )
    note_pulse([Seen(offer.pk, floor(at, SLOT), asked=1, held=1)], source=f"rehearsal-{user.pk}")
    return claim


def buy(*, offer: Offer, user: User, at: datetime) -> Enrollment:
    """Claim, pay a minute later, and take a seat in a class."""
    claim = hold(offer=offer, user=user, at=at)
    paid_at = at + timedelta(minutes=1)
    order = place_order(claim=claim, provider_name="sandbox", at=at)
    pay(ref=order.provider_ref, at=paid_at, copies=0)
    reconcile_order(order=order, at=paid_at)
    enrollment = Enrollment.objects.standing().select_related("cohort__camp").get(cohort=offer.cohort_id, learner=user)
    seat_learner(enrollment=enrollment, at=paid_at)
    return enrollment
