"""The naive twin: a claim as one writes it first, a plain Django view with one transaction each.

It is correct, and as quick as that way can be: no middleware, no session, the same pass in the same cookie. It has no
waitlist, no append-only events, no latch and no limits.
"""

import json
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from kaiying.offers.models import Claim, Offer, PriceTier, Seat
from kaiying.wire import clock
from kaiying.wire.entry import COOKIE, read_entry


@transaction.atomic
def claim(request: HttpRequest) -> HttpResponse:
    """Lock the offer, look, take the lowest free seat, write five rows."""
    at = clock.now()
    learner = read_entry(request.COOKIES[COOKIE], at=at).user_id
    asked = json.loads(request.body)
    offer = Offer.objects.select_for_update().get(slug=asked["offer"])
    mine = Claim.objects.live().filter(offer=offer, learner_id=learner).first()
    if mine:
        return JsonResponse({"claim": mine.pk, "seat": mine.seat_number, "price": mine.price, "state": mine.state})
    tier = PriceTier.objects.filter(offer=offer, capacity__gt=F("held") + F("paid") + F("void")).first()
    if tier is None:
        return JsonResponse({"code": "sold_out"}, status=409)
    if tier.price > asked["max_price"]:
        return JsonResponse({"code": "price_moved", "price": tier.price}, status=412)
    seat = Seat.objects.filter(tier=tier, state="free").order_by("number")[0]
    Seat.objects.filter(pk=seat.pk).update(state="held")
    PriceTier.objects.filter(pk=tier.pk).update(held=F("held") + 1)
    Offer.objects.filter(pk=offer.pk).update(epoch=F("epoch") + 1)
    new = Claim.objects.create(
        offer=offer, learner_id=learner, seat_number=seat.number, generation=seat.generation, tier=tier,
        price=tier.price, max_price=asked["max_price"], key=asked["key"], claimed_at=at,
        held_until=at + timedelta(minutes=offer.hold_minutes),
    )  # fmt: skip
    return JsonResponse({"claim": new.pk, "seat": seat.number, "price": new.price, "state": new.state}, status=201)


def alive(_request: HttpRequest) -> HttpResponse:
    """Say that it runs."""
    return HttpResponse("ok")


urlpatterns = [path("gate/claims", claim), path("healthz", alive)]
