"""Which sales run, and when the first of their holds ends."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from kaiying.offers.models import Claim, Offer, PriceTier


def open_sales(*, at: datetime) -> QuerySet[Offer]:
    """Return sales that are open by the clock, whatever is left of them."""
    return Offer.objects.filter(Q(closes_at=None) | Q(closes_at__gt=at), opens_at__lte=at)


def running_sales(*, at: datetime) -> QuerySet[Offer]:
    """Return open sales of which the end is not decided: some seat is free, or held by somebody who is paying."""
    undecided = PriceTier.objects.filter(offer=OuterRef("pk"), capacity__gt=F("paid") + F("void"))
    return open_sales(at=at).filter(Exists(undecided))


def first_release(offer: Offer) -> datetime | None:
    """Return when the first unpaid hold of an offer ends, without sorting all that are held.

    The sum keeps planners from reading every claim of the offer: holds stand in an index by the moment they end, and
    only a condition that is written out lets SQLite use it.
    """
    first = Claim.objects.raw(
        "SELECT id, held_until FROM offers_claim WHERE state = 'held' AND offer_id + 0 = %s"
        " ORDER BY held_until LIMIT 1",
        [offer.pk],
    )
    return next((claim.held_until for claim in first), None)
