"""What this room does by itself."""

from django.db.models import Exists, F, OuterRef
from django.tasks import task

from kaiying.offers.actions import expire_claims, serve_waitlist
from kaiying.offers.models import Claim, Offer, PriceTier, WaitlistEntry
from kaiying.outbox.actions import every
from kaiying.wire import clock


@every(10)
@task
def free_expired() -> None:
    """Free seats whose hold is over and nobody is paying for, and give free seats to those who wait."""
    at = clock.now()
    over = Claim.objects.lapsing(at=at).nobody_is_paying().filter(offer=OuterRef("pk"))
    for offer in Offer.objects.filter(Exists(over)):
        expire_claims(offer=offer, at=at)
    line = WaitlistEntry.objects.waiting().filter(offer=OuterRef("offer"), max_price__gte=OuterRef("price"))
    free = PriceTier.objects.filter(capacity__gt=F("held") + F("paid") + F("void"))
    for offer in Offer.objects.filter(pk__in=free.filter(Exists(line)).values("offer")):
        serve_waitlist(offer=offer, at=at)
