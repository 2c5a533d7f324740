"""What this room does by itself."""

from collections.abc import Callable

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.tasks import task

from kaiying.offers.actions import call_near, expire_claims, remind_reserved, serve_waitlist
from kaiying.offers.actions.calling import to_call, unrung
from kaiying.offers.models import Admission, Claim, Offer, PriceTier, WaitlistEntry
from kaiying.offers.vocabulary import REMIND_BEFORE
from kaiying.outbox.actions import every, later
from kaiying.outbox.vocabulary import AnyTask
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


@every(20)
@task
def remind_of_openings() -> None:
    """Begin to remind those who reserved, ten minutes before their sale opens."""
    at = clock.now()
    for offer in Offer.objects.filter(opens_at__gt=at, opens_at__lte=at + REMIND_BEFORE, reserved__gt=0):
        later(remind_some, at=at, key=f"offers.remind:{offer.pk}", offer=offer.pk)


@task
def remind_some(offer: int) -> None:
    """Remind the next few hundred, and come again while somebody is left."""
    _next_few(remind_reserved, remind_some, f"offers.remind:{offer}", offer)


@every(10)
@task
def call_those_near() -> None:
    """Begin to call those in line whose turn is near."""
    at = clock.now()
    waiting = unrung(at=at).filter(offer=OuterRef("pk"))
    for line in Admission.objects.filter(Exists(waiting)).select_related("offer"):
        if to_call(line, at=at).exists():
            later(call_some, at=at, key=f"offers.call:{line.pk}", offer=line.pk)


@task
def call_some(offer: int) -> None:
    """Call the next few hundred, and come again while somebody is left."""
    _next_few(call_near, call_some, f"offers.call:{offer}", offer)


def _next_few(tell: Callable[..., int], again: AnyTask, key: str, pk: int) -> None:
    """Tell the next few of an offer; the task that goes on is written with what they are told."""
    at = clock.now()
    offer = Offer.objects.select_related("cohort__camp").get(pk=pk)
    with transaction.atomic():
        if tell(offer=offer, at=at):
            later(again, at=at, key=key, offer=pk)
