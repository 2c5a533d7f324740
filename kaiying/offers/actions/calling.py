"""Calling those who wait at the door, shortly before their turn: a few hundred at a time, and nobody twice."""

from datetime import datetime, timedelta
from math import ceil

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from kaiying.notices.actions import Letter, language_of, notify_all
from kaiying.offers.models import Admission, Bell, Claim, Offer, PriceTier
from kaiying.people.models import User
from kaiying.wire.turns import Turn

AHEAD = 60
"""Seconds before their turn at which people are called, by the rate at which the line moves."""
AT_ONCE = 500
LIFE = timedelta(days=1)
"""Whoever asked longer ago does not wait for it any more."""


def ask_to_be_called(*, offer: Offer, learner: User, turn: Turn, at: datetime) -> Bell:
    """Keep that this learner wants to be called when their turn is near; asking again changes nothing."""
    line = Admission.objects.get(pk=offer.pk)
    bell, _made = Bell.objects.get_or_create(
        offer=offer, learner=learner, defaults={"place": turn.place(line), "asked_at": at}
    )
    return bell


def unrung(*, at: datetime) -> QuerySet[Bell]:
    """Return the bells of those who still wait to be called."""
    return Bell.objects.filter(rung_at=None, asked_at__gt=at - LIFE)


def to_call(line: Admission, *, at: datetime) -> QuerySet[Bell]:
    """Return who is to be called at ``at``, first come first; nobody while the line stands still or is for nothing."""
    tiers = PriceTier.objects.filter(offer=line.pk)
    if not line.offer.is_open(at=at) or not any(tier.free and not tier.is_over(at=at) for tier in tiers):
        return Bell.objects.none()
    waiting = unrung(at=at).filter(offer=line.pk, learner__is_active=True)
    if line.lifted_at is None:
        if line.paused_at is not None or line.advanced_at is None:
            return Bell.objects.none()
        waiting = waiting.filter(place__lt=line.threshold + ceil(line.flow * AHEAD))
    seated = Claim.objects.live().filter(offer=OuterRef("offer"), learner=OuterRef("learner"))
    return waiting.exclude(Exists(seated)).order_by("place")


@transaction.atomic
def call_near(*, offer: Offer, at: datetime, limit: int = AT_ONCE) -> int:
    """Call the next few, and return how many. The mark is written with the notice, so each is called once."""
    line = Admission.objects.select_related("offer").get(pk=offer.pk)
    due = to_call(line, at=at).select_for_update(skip_locked=True, of=("self",)).select_related("learner")
    found = list(due[:limit])
    if not found:
        return 0
    Bell.objects.filter(pk__in=[bell.pk for bell in found]).update(rung_at=at)
    words = {language: _words(offer, language) for language in {language_of(bell.learner) for bell in found}}
    letters = [Letter(bell.learner, *words[language_of(bell.learner)]) for bell in found]
    notify_all(letters, kind="offers.turn_near", url=reverse("offers:queue", args=[offer.slug]), at=at, mail=True)
    return len(found)


def _words(offer: Offer, language: str) -> tuple[str, str]:
    with override(language):
        title = _("%(camp)s: it is almost your turn") % {"camp": offer.cohort.camp.title}
        body = _(
            "You are let in within about a minute. Your place is kept: open the waiting room and claim your seat. "
            "A seat is yours once you have claimed it."
        )
    return title, body
