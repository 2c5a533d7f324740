"""The waiting room: one's place in line, and on one's turn the way in; the page works without JavaScript."""

import json
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kaiying.kit.errors import Refused
from kaiying.offers.actions import ask_to_be_called, come_in, let_in, reserve, turn_of
from kaiying.offers.models import Bell, Offer
from kaiying.offers.queries import sale
from kaiying.offers.queries.queue import Queue
from kaiying.offers.vocabulary import ReserveRequest
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock
from kaiying.wire.turns import LIFE, Turn, arrivals, cookie_name, turn_token


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def queue(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show one's place; POST takes one: before the opening by reserving, after it by the next number."""
    offer = get_object_or_404(Offer.objects.select_related("cohort__camp"), slug=slug)
    if request.method == "POST":
        return _enter(request, offer)
    at = clock.now(request)
    line = let_in([offer.pk], at=at).get(offer.pk)
    if line is None or line.lifted_at is not None:
        return redirect("press:landing", slug)
    turn = turn_of(offer=offer, learner=request.user, token=_token(request, offer), at=at)
    seen = Queue(sale(offer, learner=request.user, at=at), line, turn, at)
    if seen.sale.claim is not None:
        return redirect("orders:checkout", seen.sale.claim.pk)
    if seen.phase == "turn":
        arrivals.note(offer.pk, request.user.pk)
    waits = seen.phase in {"waiting", "paused"}
    called = waits and Bell.objects.filter(offer=offer, learner=request.user).exists()
    shown = {"offer": offer, "queue": seen, "facts": _facts(seen), "waits": waits, "called": called}
    response = render(request, "offers/queue.html", shown)
    return keep_turn(request, response, turn)


@login_required
@never_cache
@require_POST
def bell(request: SignedInRequest, slug: str) -> HttpResponse:
    """Keep that somebody in line wants to be called; who is not in line is shown where they are."""
    offer = get_object_or_404(Offer, slug=slug)
    at = clock.now(request)
    turn = turn_of(offer=offer, learner=request.user, token=_token(request, offer), at=at)
    if turn is not None and offer.is_open(at=at):
        ask_to_be_called(offer=offer, learner=request.user, turn=turn, at=at)
    return redirect("offers:queue", slug)


def _enter(request: SignedInRequest, offer: Offer) -> HttpResponse:
    at = clock.now(request)
    if at < offer.opens_at:
        [answer] = reserve([ReserveRequest(offer.slug, request.user.pk, standing=True)], at=at)
        if isinstance(answer, Refused):
            messages.warning(request, str(answer))
            return redirect("press:landing", offer.slug)
        return wait_here(request, offer, None)
    way = come_in(offer=offer, learner=request.user, token=_token(request, offer), at=at)
    return wait_here(request, offer, way.turn)


def wait_here(request: HttpRequest, offer: Offer, turn: Turn | None) -> HttpResponse:
    """Send somebody to the waiting room with their turn."""
    return keep_turn(request, redirect("offers:queue", offer.slug), turn)


def keep_turn(request: HttpRequest, response: HttpResponse, turn: Turn | None) -> HttpResponse:
    """Keep a turn in the browser; whoever looks as somebody else takes nothing home."""
    if turn is None or hasattr(request, "journey"):
        return response
    response.set_cookie(
        cookie_name(turn.offer_id),
        turn_token(turn, at=clock.now(request)),
        max_age=LIFE // timedelta(seconds=1),
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def _token(request: HttpRequest, offer: Offer) -> str:
    return request.COOKIES.get(cookie_name(offer.pk), "")


def _facts(seen: Queue) -> str:
    """Return what the page's script needs to find the place by itself."""
    offer, turn, shown = seen.sale.offer, seen.turn, seen.sale.ladder
    return json.dumps({
        "turn": turn and {"offer": offer.pk, "learner": turn.learner_id, "number": turn.number, "since": turn.since},
        "phase": seen.phase,
        "threshold": seen.line.threshold,
        "early": seen.line.early,
        "tiers": {rung.ref: [str(rung.name), rung.price.text(short=True)] for rung in shown.rungs},
    })  # fmt: skip
