"""Reminding those who reserved, shortly before the opening: a few hundred at a time, and nobody twice."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from kaiying.camps.queries import fill, message_of
from kaiying.kit import periods
from kaiying.kit.money import Money
from kaiying.notices.actions import Letter, language_of, notify_all
from kaiying.offers.models import Offer, Reservation, ReservationQuerySet
from kaiying.offers.vocabulary import REMIND_BEFORE

AT_ONCE = 500


def to_remind(offer: Offer, *, at: datetime) -> ReservationQuerySet:
    """Return the reservations whose learners are to be reminded at ``at``; who reserved later than that knows."""
    begins = offer.opens_at - REMIND_BEFORE
    if not begins <= at < offer.opens_at:
        return Reservation.objects.none()
    return Reservation.objects.unreminded().filter(offer=offer, reserved_at__lte=begins, learner__is_active=True)


@transaction.atomic
def remind_reserved(*, offer: Offer, at: datetime, limit: int = AT_ONCE) -> int:
    """Remind the next few, and return how many. The mark is written with the notice, so each is told once."""
    due = to_remind(offer, at=at).select_for_update(skip_locked=True, of=("self",)).select_related("learner")
    found = list(due[:limit])
    if not found:
        return 0
    words = {language: _words(offer, language) for language in {language_of(one.learner) for one in found}}
    letters = []
    for one in found:
        subject, body, places = words[language_of(one.learner)]
        places = {**places, "name": str(one.learner)}
        letters.append(Letter(one.learner, fill(subject, places), fill(body, places)))
    Reservation.objects.filter(pk__in=[one.pk for one in found]).update(reminded_at=at)
    url = reverse("press:landing", args=[offer.slug])
    notify_all(letters, kind="offers.sale_opens", url=url, at=at, mail=True)
    return len(found)


def _words(offer: Offer, language: str) -> tuple[str, str, dict[str, str]]:
    """Return subject and text in one language, and what is put into them but for the name."""
    camp = offer.cohort.camp
    first = offer.tiers.order_by("position").values_list("price", flat=True)[0]
    with override(language):
        places = {
            "camp": str(camp.title),
            "price": Money(first, offer.currency).text(),
            "opens": f"{periods.local(offer.opens_at, offer.cohort.zone):%H:%M}",
        }
        message = message_of(camp, "reservation-reminder")
        if message is not None:
            return str(message.subject), str(message.body), places
        subject = _("{camp}: the sale opens at {opens}")
        body = _(
            "You asked to be reminded. From {opens} on seats can be claimed; the first cost {price}. "
            "A reservation holds no seat, so have the page open by then."
        )
        return subject, body, places
