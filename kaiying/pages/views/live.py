"""The sale desk: a sale while it runs, the same for a projector, and what an operator does to it."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from kaiying.camps.models import Cohort
from kaiying.kit.errors import Refused
from kaiying.offers.actions import (
    close_sale,
    lift_waiting_room,
    lower_seats,
    pause_admission,
    raise_seats,
    resume_admission,
    set_admission_rate,
)
from kaiying.offers.actions.operating import lowest_seats
from kaiying.offers.models import Admission, Offer
from kaiying.offers.queries import ladder
from kaiying.offers.vocabulary import ActKind
from kaiying.orders.actions import comp
from kaiying.pages.forms import ActForm, CompForm, RateForm, SeatsForm
from kaiying.pages.queries.live import live
from kaiying.pages.queries.live_chart import SPANS
from kaiying.pages.views.desk import operated_cohort
from kaiying.people.models import User
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock
from kaiying.wire.tickets import events_ticket

PARTS = "X-Live"
"""Header of a page that is open and wants its numbers anew, without the frame around them."""


class Doing(NamedTuple):
    """How an act is asked for and done."""

    form: type[ActForm]
    do: Callable[..., object]


@transaction.atomic
def _comp(*, offer: Offer, email: str, by: User, reason: str, at: datetime) -> object:
    address = email.strip().lower()
    learner = User.objects.filter(email=address).first() or User.objects.create_user(address)
    return comp(offer=offer, learner=learner, by=by, reason=reason, at=at)


ACTS = {
    ActKind.RAISE: Doing(SeatsForm, raise_seats),
    ActKind.LOWER: Doing(SeatsForm, lower_seats),
    ActKind.CLOSE: Doing(ActForm, close_sale),
    ActKind.PAUSE: Doing(ActForm, pause_admission),
    ActKind.RESUME: Doing(ActForm, resume_admission),
    ActKind.RATE: Doing(RateForm, set_admission_rate),
    ActKind.LIFT: Doing(ActForm, partial(lift_waiting_room, lifted=True)),
    ActKind.RESTORE: Doing(ActForm, partial(lift_waiting_room, lifted=False)),
    ActKind.COMP: Doing(CompForm, _comp),
}


@login_required
@never_cache
@require_safe
def sale(request: SignedInRequest, cohort: str) -> HttpResponse:
    """Show a sale in numbers that keep themselves true."""
    found = operated_cohort(request, cohort)
    asked = request.GET.get("span", "")
    span = next((span for span in SPANS if str(span) == asked), None)
    template = "pages/live_parts.html" if PARTS in request.headers else "pages/live.html"
    return render(request, template, {**_page(request, found, span=span), "as_table": "table" in request.GET})


@login_required
@never_cache
@require_safe
def sale_screen(request: SignedInRequest, cohort: str) -> HttpResponse:
    """Show a sale to a room: large, without names and without anything to press."""
    found = operated_cohort(request, cohort)
    template = "pages/live_screen_parts.html" if PARTS in request.headers else "pages/live_screen.html"
    return render(request, template, _page(request, found))


def _page(request: SignedInRequest, cohort: Cohort, *, span: int | None = None) -> dict[str, Any]:
    at = clock.now(request)
    page = live(cohort=cohort, at=at, span=span)
    channels = [f"cohort:{cohort.pk}", *([f"offer:{page.offer.pk}"] if page else [])]
    ticket = events_ticket(channels, user_id=request.user.pk, at=at)
    return {"cohort": cohort, "page": page, "spans": SPANS, "live_ticket": ticket, "now": at}


@login_required
@require_http_methods(["GET", "POST"])
def sale_act(request: SignedInRequest, cohort: str, kind: str) -> HttpResponse:
    """Say what an act does, ask why, and do it; what was typed survives a refusal."""
    found = operated_cohort(request, cohort)
    offer = get_object_or_404(Offer.objects.select_related("cohort"), cohort=found)
    if kind not in ActKind.values:
        raise Http404
    doing, at = ACTS[ActKind(kind)], clock.now(request)
    form = doing.form(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            doing.do(offer=offer, by=request.user, reason=form.cleaned_data["reason"], at=at, **form.act())
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Done, and written down with your name and reason."))
            return redirect("pages:sale", cohort=cohort)
    facts = {"cohort": found, "offer": offer, "form": form, "kind": kind, "title": ActKind(kind).label}
    return render(
        request, "pages/live_act.html", {**facts, **_terms(offer, kind, at)}, status=422 if form.errors else 200
    )


def _terms(offer: Offer, kind: str, at: datetime) -> dict[str, Any]:
    """Return what an operator should know before the act."""
    return {
        "ladder": ladder(offer, at),
        "room": Admission.objects.filter(offer=offer).first(),
        "lowest": lowest_seats(offer) if kind == ActKind.LOWER else None,
    }
