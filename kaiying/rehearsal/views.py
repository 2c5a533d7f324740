"""The demo's door, where a visitor chooses whom to be."""

from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kaiying.offers.models import Offer
from kaiying.people.models import User
from kaiying.rehearsal.vocabulary import PARTS

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_safe
def stage(request: HttpRequest) -> HttpResponse:
    """Show the people of the demo."""
    on_sale = Offer.objects.order_by("-opens_at").first()
    return render(request, "rehearsal/stage.html", {"parts": PARTS, "on_sale": on_sale})


@never_cache
@require_safe
def entrance(request: HttpRequest, part: str) -> HttpResponse:
    """Sign in as one of them with one click; these addresses are not there outside of demo mode."""
    wanted = next((one for one in PARTS if one.key == part), None)
    if wanted is None:
        raise Http404
    login(request, get_object_or_404(User, email=wanted.email), backend=BACKEND)
    return redirect("pages:home")
