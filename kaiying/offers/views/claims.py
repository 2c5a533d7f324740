"""Claiming a seat, the live numbers, and the waitlist; every page works without JavaScript."""

from math import ceil
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kaiying.kit.errors import Refused
from kaiying.kit.money import Money
from kaiying.offers.actions import claim_seat, come_in, join_waitlist, leave_waitlist, release_claim
from kaiying.offers.forms import ClaimForm, WaitlistForm
from kaiying.offers.models import Claim, Offer
from kaiying.offers.queries import next_release, place_in_line, sale, served_before
from kaiying.offers.views.queue import wait_here
from kaiying.offers.vocabulary import (
    ClaimState,
    HasSeat,
    NotOnSale,
    PriceMoved,
    SoldOut,
    StepState,
    WaitState,
    WaitYourTurn,
)
from kaiying.people.models import User
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import brakes, clock
from kaiying.wire.turns import cookie_name


def _offer(slug: str) -> Offer:
    return get_object_or_404(Offer.objects.select_related("cohort__camp"), slug=slug)


@never_cache
@require_http_methods(["GET", "POST"])
def claims(request: HttpRequest, slug: str) -> HttpResponse:
    """Claim a seat; who comes back from signing in confirms the price they saw first."""
    offer = _offer(slug)
    form = ClaimForm(request.POST if request.method == "POST" else request.GET)
    if not form.is_valid():
        return redirect("press:landing", slug)
    if not isinstance(request.user, User):
        seen = urlencode({"max_price": form.cleaned_data["max_price"], "key": form.cleaned_data["key"]})
        return redirect_to_login(f"{reverse('offers:claim', args=[slug])}?{seen}")
    if request.method == "GET":
        return _confirm(request, offer, form)
    return _claim(request, offer, request.user, form)


def _claim(request: HttpRequest, offer: Offer, learner: User, form: ClaimForm) -> HttpResponse:
    wait = brakes.current().wait(learner.pk, _address(request))
    if wait:
        return _hold_back(request, offer, form, seconds=ceil(wait))
    way = come_in(
        offer=offer, learner=learner, token=request.COOKIES.get(cookie_name(offer.pk), ""), at=clock.now(request)
    )
    if not way.is_in:
        return wait_here(request, offer, way.turn)
    try:
        claim = claim_seat(offer=offer, learner=learner, **form.cleaned_data, at=clock.now(request))
    except PriceMoved as refused:
        return _choose(request, offer, status=refused.status)
    except (SoldOut, WaitYourTurn) as refused:
        messages.warning(request, str(refused))
        return redirect("offers:waitlist", offer.slug)
    except Refused as refused:
        messages.warning(request, str(refused))
        return redirect("press:landing", offer.slug)
    return redirect("orders:checkout", claim.pk)


def _address(request: HttpRequest) -> str:
    forwarded = request.headers.get("X-Forwarded-For", "")
    return brakes.client_address(request.META.get("REMOTE_ADDR", ""), forwarded, proxies=brakes.current().proxies)


def _hold_back(request: HttpRequest, offer: Offer, form: ClaimForm, *, seconds: int) -> HttpResponse:
    """Say that this account or its network asks too often, and keep what was asked for another try."""
    facts = {"offer": offer, "seconds": seconds, **form.cleaned_data}
    response = render(request, "offers/too_often.html", facts, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _confirm(request: HttpRequest, offer: Offer, form: ClaimForm) -> HttpResponse:
    shown = sale(offer, learner=_learner(request), at=clock.now(request))
    if shown.claim is not None:
        return redirect("orders:checkout", shown.claim.pk)
    if not shown.ladder.is_on_sale:
        return redirect("press:landing", offer.slug)
    seen = Money(form.cleaned_data["max_price"], offer.currency)
    if shown.ladder.price.minor > seen.minor:
        return _choose(request, offer, status=200)
    # The button names the price of now, so no more than that is agreed to.
    facts = {"offer": offer, "sale": shown, "seen": seen, "price": shown.ladder.price, "key": form.cleaned_data["key"]}
    return render(request, "offers/confirm.html", facts)


def _choose(request: HttpRequest, offer: Offer, *, status: int) -> HttpResponse:
    return render(request, "offers/waitlist.html", _line(request, offer, price_moved=True), status=status)


def _learner(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _line(request: HttpRequest, offer: Offer, *, price_moved: bool = False) -> dict[str, object]:
    """Return what the page about the waitlist shows: what is gone, how long the line is, and the other way in."""
    shown = sale(offer, learner=_learner(request), at=clock.now(request))
    # A tier that is over hands what comes back to the next one: nobody can wait for its price.
    sold_out = (rung for rung in reversed(shown.ladder.rungs) if rung.state == StepState.SOLD_OUT and rung.taken)
    gone = next(sold_out, None)
    waiting = shown.entry is not None and shown.entry.state == WaitState.WAITING
    place = place_in_line(shown.entry) if waiting and shown.entry else shown.ladder.waiting + 1
    return {
        "offer": offer,
        "sale": shown,
        "gone": gone or shown.ladder.shown,
        "is_over": price_moved and gone is None and shown.ladder.is_on_sale,
        "place": place,
        "is_waiting": waiting,
        "before": (before := served_before(offer)),
        "marks": _marks(place, before),
        "release": next_release(offer) if gone else None,
        "price_moved": price_moved,
    }


def _marks(place: int, before: int | None) -> list[str]:
    """Return the class of each of the first places in line: who got a seat last time, and where this person stands."""
    if before is None:
        return []
    shown = min(40, max(25, place + 2, before + 2))
    return ["you" if here == place else "in" if here <= before else "" for here in range(1, shown + 1)]


@never_cache
@require_safe
def numbers(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the offer card and the buy bar anew, for pages that are open."""
    return render(request, "offers/numbers.html", {"offer": _offer(slug)})


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def waitlist(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show the line and one's place in it; POST joins."""
    offer = _offer(slug)
    form = WaitlistForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            entry = join_waitlist(
                offer=offer, learner=request.user, max_price=form.cleaned_data["max_price"], at=clock.now(request)
            )
        except HasSeat:
            pass
        except NotOnSale as refused:
            messages.warning(request, str(refused))
            return redirect("press:landing", slug)
        else:
            if entry.state == WaitState.WAITING:
                messages.success(request, _("You are on the waitlist. We write to you when it is your turn."))
        return redirect("offers:waitlist", slug)
    context = _line(request, offer)
    shown = context["sale"]
    if getattr(shown, "claim", None) is not None:
        return redirect("orders:checkout", shown.claim.pk)  # type: ignore[attr-defined]
    return render(request, "offers/waitlist.html", context)


@login_required
@require_POST
def departure(request: SignedInRequest, slug: str) -> HttpResponse:
    """Leave the waitlist."""
    offer = _offer(slug)
    if leave_waitlist(offer=offer, learner=request.user, at=clock.now(request)):
        messages.success(request, _("You have left the waitlist."))
    return redirect("press:landing", slug)


@login_required
@require_POST
def giving_back(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let a held seat go; only one's own."""
    claim = get_object_or_404(Claim.objects.select_related("offer"), pk=pk, learner=request.user)
    claim = release_claim(claim=claim, at=clock.now(request))
    if claim.state == ClaimState.PAID:
        messages.warning(request, _("This seat is paid for. Ask for a refund to give it back."))
        return redirect("orders:checkout", pk)
    if claim.state == ClaimState.HELD:
        messages.info(request, _("We are closing the payment first; then the seat goes to the next in line."))
    else:
        messages.success(request, _("Your seat is free again. Nothing was charged."))
    return redirect("press:landing", claim.offer.slug)
