"""Whether those who ask for a seat get an answer: operators are told when too few do, and when it is over.

The measure is what buyers are told, never whether a page loads. An ``Incident`` is the memory of it, so however many
processes look, everybody hears of each beginning and each end once.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from kaiying.notices.actions import language_of, notify
from kaiying.offers.models import Incident, Offer
from kaiying.offers.queries.pulses import Beats, last_minute
from kaiying.outbox.actions import publish
from kaiying.people.models import User
from kaiying.people.queries import OPERATING

type Words = Callable[[], tuple[str, str]]


def watch_sale(*, offer: Offer, at: datetime) -> Incident | None:
    """Begin or end the incident of a sale by its last minute; return the one that began or ended, if one did."""
    minute = last_minute(offer, at=at)
    if minute.is_alarming:
        return _begin(offer, minute, at)
    return _end(offer, minute, at) if minute.is_well else None


@transaction.atomic
def _begin(offer: Offer, minute: Beats, at: datetime) -> Incident | None:
    if Incident.objects.filter(offer=offer, ended_at=None).exists():
        return None
    try:
        with transaction.atomic():
            made = Incident.objects.create(offer=offer, began_at=at, asked=minute.asked, answered=minute.answered)
    except IntegrityError:  # another process saw it at the same moment
        return None
    _tell(offer, "offers.incident_began", lambda: _words_of_beginning(minute), at)
    return made


@transaction.atomic
def _end(offer: Offer, minute: Beats, at: datetime) -> Incident | None:
    found = Incident.objects.filter(offer=offer, ended_at=None).first()
    if found is None or not Incident.objects.filter(pk=found.pk, ended_at=None).update(ended_at=at):
        return None
    found.ended_at = at
    _tell(offer, "offers.incident_ended", lambda: _words_of_end(minute), at)
    return found


def _words_of_beginning(minute: Beats) -> tuple[str, str]:
    facts = {"asked": minute.asked, "answered": minute.answered, "shed": minute.shed, "failed": minute.failed}
    return (
        _("Too few get an answer: %(answered)s of %(asked)s in the last minute") % facts,
        _(
            "%(shed)s were turned away because it was too busy, %(failed)s ended in an error. "
            "Seats that are held stay held. On the sale desk you can slow the waiting room down or pause it."
        )
        % facts,
    )


def _words_of_end(minute: Beats) -> tuple[str, str]:
    if not minute.asked:
        return _("The sale is quiet again"), _("Nobody has asked for a seat in the last minute.")
    facts = {"asked": minute.asked, "answered": minute.answered}
    return (
        _("Those who ask get an answer again: %(answered)s of %(asked)s in the last minute") % facts,
        _("The sale goes on by itself; there is nothing to do."),
    )


def _tell(offer: Offer, name: str, words: Words, at: datetime) -> None:
    """Tell the operators of the organizer, and the desk if it is open."""
    cohort = offer.cohort
    roles = {"roles__organizer": cohort.camp.organizer_id, "roles__kind__in": OPERATING}
    url = reverse("pages:sale", args=[cohort.slug])
    for user in User.objects.filter(is_active=True, **roles).distinct().order_by("pk"):
        with override(language_of(user)):
            title, body = words()
            notify(
                to=user,
                kind=name,
                title=title,
                body=body,
                url=url,
                at=at,
                mail=True,
            )
    publish(name, channel=f"cohort:{cohort.pk}", offer=offer.pk)
