"""Paying for a held seat, one's orders, and the door for payment providers."""

import logging

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from kaiying.kit.errors import Refused
from kaiying.kit.money import Money
from kaiying.offers.models import Claim
from kaiying.offers.vocabulary import ClaimState
from kaiying.orders.actions import ask_about, pay_page, place_order, take_callback
from kaiying.orders.providers import Unreachable, provider, providers
from kaiying.orders.queries import live_order, my_orders
from kaiying.orders.vocabulary import Forged, OrderState, RefundState
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock
from kaiying.wire.tickets import events_ticket

logger = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
TRY_AGAIN = "5"
MOVING = (OrderState.OPEN, OrderState.REFUNDING)
"""States in which a page waits for news."""


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def checkout(request: SignedInRequest, claim: int) -> HttpResponse:
    """Show the held seat and how to pay for it; a POST places the order and goes to the provider's page."""
    mine = Claim.objects.filter(learner=request.user).select_related("tier", "offer__cohort__camp")
    found = get_object_or_404(mine, pk=claim)
    if request.method == "GET":
        return _checkout(request, found)
    at = clock.now(request)
    try:
        order = place_order(claim=found, provider_name=request.POST.get("provider", ""), at=at)
        if order.state != OrderState.OPEN:
            return redirect("orders:show", number=order.number)
        return redirect(pay_page(order))
    except Unreachable as error:
        logger.warning("order for claim %s could not be opened: %s", found.pk, error)
        found.refresh_from_db()
        response = _checkout(request, found, is_unreachable=True, status=503)
        response.headers["Retry-After"] = TRY_AGAIN
        return response
    except Refused as refused:
        found.refresh_from_db()
        return _checkout(request, found, refused=refused, status=refused.status)


@never_cache
@login_required
@require_safe
def show(request: SignedInRequest, number: str) -> HttpResponse:
    """Show one's own order; an open one asks its provider, a paid one leads into the camp the first time."""
    order = get_object_or_404(my_orders(request.user), number=number)
    at = clock.now(request)
    is_traveller = hasattr(request, "at")
    if not is_traveller:
        order = ask_about(order=order, at=at)
    cohort = order.claim.offer.cohort
    seen = f"welcomed:{order.number}"
    # A script that reads this page for a fresh ticket must not use the welcome up.
    is_person = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    if order.state == OrderState.PAID and not is_traveller and seen not in request.session and (is_person or is_part):
        if not is_part:
            request.session[seen] = True
            return redirect("pages:welcome", cohort=cohort.slug)
        return HttpResponseClientRedirect(reverse("orders:show", args=[order.number]))
    refunds = sorted(order.refunds.all(), key=lambda refund: refund.pk)
    is_moving = order.state in MOVING or any(refund.state == RefundState.ASKED for refund in refunds)
    context = {
        "order": order,
        "claim": order.claim,
        "cohort": cohort,
        "last": cohort.day_on(max(1, cohort.camp.days.count())),
        "is_held": order.claim.state == ClaimState.HELD and order.claim.held_until > at,
        "refunds": refunds,
        "is_moving": is_moving,
        "provider_label": _label(order.provider),
        "live_ticket": _ticket(request) if is_moving and not is_traveller else "",
    }
    return render(request, "orders/show.html#state" if is_part else "orders/show.html", context)


@never_cache
@login_required
@require_safe
def listing(request: SignedInRequest) -> HttpResponse:
    """List one's own orders, newest first."""
    return render(request, "orders/list.html", {"orders": list(my_orders(request.user))})


@csrf_exempt
@require_POST
def callbacks(request: HttpRequest, provider: str) -> HttpResponse:
    """Take a provider's message: 200 it is ours and kept, 400 it does not fit, 404 ask again later."""
    service = next((one for one in providers() if one.name == provider), None)
    if service is None:
        return _answer("unknown provider", 404)
    try:
        body = request.read(MOST_BYTES + 1)
    except UnreadablePostError:
        return _answer("unreadable", 400)
    if len(body) > MOST_BYTES:
        return _answer("too long", 413)
    at = clock.now()
    try:
        told = service.read(body=body, headers=request.headers, at=at)
        take_callback(provider_name=provider, told=told, body=body.decode(errors="replace"), at=at)
    except Forged as refused:
        logger.warning("callback for %s refused: %s", provider, refused.code)
        return _answer("refused", refused.status)
    except Refused as refused:
        return _answer(refused.code, refused.status)
    return _answer("success", 200)


def _checkout(
    request: SignedInRequest,
    claim: Claim,
    *,
    refused: Refused | None = None,
    is_unreachable: bool = False,
    status: int = 200,
) -> HttpResponse:
    offer = claim.offer
    at = clock.now(request)
    is_held = claim.state == ClaimState.HELD and claim.held_until > at
    order = live_order(claim)
    context = {
        "claim": claim,
        "offer": offer,
        "cohort": offer.cohort,
        "camp": offer.cohort.camp,
        "order": order,
        "is_held": is_held,
        "is_paid": claim.state == ClaimState.PAID,
        "is_checking": not is_held and order is not None and order.state == OrderState.OPEN,
        "discount": Money(claim.price - offer.list_price, offer.currency),
        "providers": providers(),
        "chosen": (order.provider if order else "") or providers()[0].name,
        "refused": refused,
        "is_unreachable": is_unreachable,
    }
    if refused is None and status == 200 and not is_held:  # noqa: PLR2004 — the page is well, the seat is not there
        status = 200 if context["is_paid"] or context["is_checking"] else 410
    return render(request, "orders/checkout.html", context, status=status)


def _label(name: str) -> str:
    try:
        return provider(name).label
    except KeyError:  # no longer set up
        return name


def _ticket(request: SignedInRequest) -> str:
    return events_ticket([f"learner:{request.user.pk}"], user_id=request.user.pk, at=clock.now())


def _answer(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)
