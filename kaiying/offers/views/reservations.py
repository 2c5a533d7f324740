"""Reserving without JavaScript: sign in, confirm, done; with it the page asks the gate."""

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kaiying.kit.errors import Refused
from kaiying.offers.actions import reserve
from kaiying.offers.models import Offer
from kaiying.offers.queries import sale
from kaiying.offers.views.queue import keep_turn
from kaiying.offers.vocabulary import ReserveRequest
from kaiying.people.models import User
from kaiying.wire import clock
from kaiying.wire.turns import Turn

TAKE_BACK = "0"


@never_cache
@require_http_methods(["GET", "POST"])
def reservation(request: HttpRequest, slug: str) -> HttpResponse:
    """Reserve or take it back; who comes from signing in confirms first."""
    offer = get_object_or_404(Offer.objects.select_related("cohort__camp"), slug=slug)
    if not isinstance(request.user, User):
        return redirect_to_login(request.path)
    if request.method == "POST":
        return _answer(request, offer, request.user, standing=request.POST.get("standing") != TAKE_BACK)
    shown = sale(offer, learner=request.user, at=clock.now(request))
    if shown.claim is not None or not shown.ladder.is_early:
        return redirect("press:landing", slug)
    return render(request, "offers/reservation.html", {"offer": offer, "sale": shown})


def _answer(request: HttpRequest, offer: Offer, learner: User, *, standing: bool) -> HttpResponse:
    [answer] = reserve([ReserveRequest(offer.slug, learner.pk, standing)], at=clock.now(request))
    if isinstance(answer, Refused):
        messages.warning(request, str(answer))
    elif answer.standing:
        messages.success(request, _("You have reserved. A reservation holds no seat; be here when the sale opens."))
        return keep_turn(request, redirect("press:landing", offer.slug), Turn(offer.pk, learner.pk))
    else:
        messages.success(request, _("Your reservation is taken back."))
    return redirect("press:landing", offer.slug)
