"""What people on the waitlist are told when it is their turn."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from kaiying.camps.queries import filled
from kaiying.kit import periods
from kaiying.kit.money import Money
from kaiying.notices.actions import language_of, notify
from kaiying.offers.models import Claim, WaitlistEntry
from kaiying.outbox.actions import publish


def tell_offered(entry: WaitlistEntry, *, at: datetime) -> None:
    """Tell a person that a seat is held for them, until when and at what price."""
    claim = entry.claim
    if claim is None:
        return
    publish("offers.seat_offered", channel=f"learner:{entry.learner_id}", claim=claim.pk)
    camp = claim.offer.cohort.camp
    with override(language_of(entry.learner)):
        price, until = Money(claim.price, claim.offer.currency).text(), _clock(claim)
        places = {"name": str(entry.learner), "camp": str(camp.title), "price": price, "until": until}
        title, body = filled(camp, "waitlist-turn", places) or (
            _("Seat %(number)s is held for you") % {"number": claim.seat_number},
            _(
                "It is your turn on the waitlist. The price is %(price)s. "
                "Pay by %(time)s, or the seat goes to the next in line."
            )
            % {"price": price, "time": until},
        )
        notify(
            to=entry.learner,
            kind="offers.seat_offered",
            title=title,
            body=body,
            url=reverse("orders:checkout", args=[claim.pk]),
            at=at,
            mail=True,
        )


def _clock(claim: Claim) -> str:
    return f"{periods.local(claim.held_until, claim.offer.cohort.zone):%H:%M}"
