"""What one person has or waits for in an offer."""

from datetime import datetime

from django.db.models import Q

from kaiying.offers.models import Claim, Offer, Reservation, WaitlistEntry
from kaiying.people.models import User


def live_claim(offer: Offer, learner: User) -> Claim | None:
    """Return the seat a learner has in this offer, held or paid for."""
    return Claim.objects.live().filter(offer=offer, learner=learner).select_related("tier").first()


def standing_entry(offer: Offer, learner: User) -> WaitlistEntry | None:
    """Return a learner's place on the waitlist, or the offer it turned into."""
    return WaitlistEntry.objects.standing().filter(offer=offer, learner=learner).select_related("claim").first()


def standing_reservation(offer: Offer, learner: User) -> Reservation | None:
    """Return a learner's word that they will be there at the opening."""
    return Reservation.objects.standing().filter(offer=offer, learner=learner).first()


def place_in_line(entry: WaitlistEntry) -> int:
    """Return how many are served no later than this one: 1 is the head of the line."""
    before = Q(precedence__lt=entry.precedence) | Q(precedence=entry.precedence, pk__lte=entry.pk)
    return WaitlistEntry.objects.waiting().filter(before, offer=entry.offer_id).count()


def next_release(offer: Offer) -> datetime | None:
    """Return when the first unpaid hold ends; for people who wonder whether a seat may come back."""
    held = offer.claims.filter(state="held").order_by("held_until")
    return held.values_list("held_until", flat=True).first()


def served_before(offer: Offer) -> int | None:
    """Return how far the waitlist of the camp's previous offer got; ``None`` when nobody waited then."""
    before = (
        Offer.objects.filter(cohort__camp=offer.cohort.camp_id, cohort__number__lt=offer.cohort.number)
        .order_by("-cohort__number")
        .first()
    )
    if before is None or not before.waitlist.exists():
        return None
    return before.waitlist.filter(claim__isnull=False).count()
