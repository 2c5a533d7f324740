"""What a page of another room needs to put an offer on it."""

import secrets
from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kaiying.camps.models import Cohort
from kaiying.kit.money import Money
from kaiying.offers.models import Claim, Offer
from kaiying.offers.queries import Rung, Sale, sale
from kaiying.people.models import User
from kaiying.web.templatetags.web import media_time
from kaiying.wire import clock
from kaiying.wire.tickets import events_ticket

register = template.Library()

CELLS = 60
"""Seats that are drawn one by one; more become a bar."""


@register.simple_tag(takes_context=True)
def sale_of(context: template.Context, offer: Offer) -> Sale:
    """Return the sale as whoever looks at this page sees it."""
    user = context.get("user")
    return sale(offer, learner=user if isinstance(user, User) else None, at=_now(context))


@register.simple_tag(takes_context=True)
def sale_ticket(context: template.Context, offer: Offer) -> str:
    """Return a ticket to the public channel of an offer."""
    return events_ticket([f"offer:{offer.pk}"], user_id=0, at=_now(context))


@register.simple_tag
def request_key() -> str:
    """Return a key for one request: sending it twice is one claim."""
    return secrets.token_hex(16)


@register.filter
def thousands(count: int) -> str:
    """Write a count with commas: 12,040."""
    return f"{count:,}"


@register.filter
def cells(rung: Rung) -> list[str]:
    """Return the class of every seat of a step, paid first, when there are few enough to draw them all."""
    if rung.seats > CELLS:
        return []
    return ["paid"] * rung.paid + ["held"] * rung.held + ["free"] * rung.free


@register.simple_tag(takes_context=True)
def hold_left(context: template.Context, claim: Claim) -> int:
    """Return how much of a hold is left, in percent."""
    whole = claim.held_until - claim.claimed_at
    left = (claim.held_until - _now(context)) / whole if whole else 0
    return max(0, min(100, round(left * 100)))


@register.filter
def last_day(cohort: Cohort) -> datetime:
    """Return when the last day of a cohort opens."""
    return cohort.opens_at(max(1, cohort.camp.days.count()))


@register.filter
def first_day(cohort: Cohort) -> datetime:
    """Return when the first day of a cohort opens."""
    return cohort.opens_at(1)


@register.filter
def hold_clock(claim: Claim, now: datetime) -> str:
    """Write how long a hold still lasts: 14:32."""
    return media_time((claim.held_until - now).total_seconds())


@register.filter
def discount(claim: Claim) -> str:
    """Write by how much a seat costs less than the list price: −¥96.20."""
    return Money(claim.price - claim.offer.list_price, claim.offer.currency).text()


@register.filter
def price_in_full(claim: Claim) -> SafeString:
    """Draw the price of a seat large, with its places: ¥2.80."""
    whole = Money(claim.price, claim.offer.currency).text()
    cut = next(place for place, char in enumerate(whole) if char.isdigit())
    return format_html('<span class="price"><small>{}</small>{}</span>', whole[:cut], whole[cut:])


def _now(context: template.Context) -> datetime:
    given = context.get("now")
    return given if isinstance(given, datetime) else clock.now(context.get("request"))
