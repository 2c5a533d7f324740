"""The operator's desk: overview, orders and refunds."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from kaiying.camps.models import Cohort
from kaiying.orders.actions import refund as refund_order
from kaiying.orders.actions import refund_again
from kaiying.orders.models import Order
from kaiying.orders.queries import orders_of
from kaiying.orders.vocabulary import NotRefundable, OrderState, OverRefund, RefundMoved
from kaiying.pages.forms import RefundForm
from kaiying.pages.queries import overview as read_overview
from kaiying.pages.queries import taught_by
from kaiying.people.queries import can_operate
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock
from kaiying.wire.tickets import events_ticket


def operated_cohort(request: SignedInRequest, slug: str) -> Cohort:
    """Return a cohort this person operates, or 404: somebody else's and none are the same."""
    cohort = get_object_or_404(Cohort.objects.select_related("camp__organizer"), slug=slug)
    if not can_operate(request.user, cohort.camp.organizer):
        raise Http404
    return cohort


def searched(request: HttpRequest) -> str:
    """Return what is looked for, at most eighty characters; PostgreSQL takes no zero byte."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:80]


def page_of(request: HttpRequest) -> int:
    """Return the page of a list that is asked for; what is no number is the first."""
    page = request.GET.get("page", "")[:9]
    return int(page) if page.isdecimal() else 1


@login_required
@require_safe
def desk(request: SignedInRequest, cohort: str) -> HttpResponse:
    """Send a staff member to their first page in this cohort."""
    found = get_object_or_404(Cohort.objects.select_related("camp__organizer"), slug=cohort)
    if can_operate(request.user, found.camp.organizer):
        return redirect("pages:overview", cohort=cohort)
    for membership in taught_by(request.user):
        if membership.group.cohort_id == found.pk:
            return redirect("groups:supervision", pk=membership.group_id)
    raise Http404


@login_required
@require_safe
def overview(request: SignedInRequest, cohort: str) -> HttpResponse:
    """Show seats by tier, money, people, and completion by lesson."""
    found = operated_cohort(request, cohort)
    at = clock.now(request)
    page = read_overview(cohort=found, at=at)
    ticket = events_ticket([f"cohort:{found.pk}"], user_id=request.user.pk, at=at)
    return render(request, "pages/overview.html", {"page": page, "cohort": found, "live_ticket": ticket})


@login_required
@require_safe
def orders(request: SignedInRequest, cohort: str) -> HttpResponse:
    """List orders by state, with a search by number, name or address."""
    found = operated_cohort(request, cohort)
    state = request.GET.get("state", "")
    state = state if state in OrderState.values else ""
    search = searched(request)
    listed = orders_of(found, state=state, search=search, page=page_of(request))
    return render(
        request,
        "pages/orders.html",
        {"cohort": found, "listed": listed, "state": state, "search": search, "states": OrderState},
    )


@login_required
@require_http_methods(["GET", "POST"])
def refund(request: SignedInRequest, cohort: str, number: str) -> HttpResponse:
    """Ask how much and why, say what it leaves behind, then give it back; ask again for what was turned down."""
    found = operated_cohort(request, cohort)
    order = get_object_or_404(
        Order.objects.select_related("learner", "claim__tier"), number=number, claim__offer__cohort=found
    )
    is_again = "again" in request.POST
    form = RefundForm(None if is_again else request.POST or None, currency=order.currency)
    status = 0
    if request.method == "POST" and (is_again or form.is_valid()):
        try:
            if is_again:
                refund_again(order=order, by=request.user, at=clock.now())
            else:
                refund_order(order=order, by=request.user, at=clock.now(), **form.asked())
        except NotRefundable as refused:
            messages.error(request, str(refused))
            return redirect("pages:orders", cohort=cohort)
        except (OverRefund, RefundMoved) as refused:
            form.add_error("amount" if isinstance(refused, OverRefund) else None, str(refused))
            status = refused.status
        else:
            messages.success(request, _("The refund of order %(number)s is on its way.") % {"number": order.number})
            return redirect("pages:orders", cohort=cohort)
    refunds = order.refunds.select_related("by").order_by("pk")
    return render(
        request,
        "pages/refund.html",
        {"cohort": found, "order": order, "form": form, "refunds": refunds},
        status=status or (422 if form.errors else 200),
    )
