"""The sandbox's own page, where a buyer pays or does not."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kaiying.orders.providers.sandbox.actions import ChargeOver, pay
from kaiying.orders.providers.sandbox.models import SandboxCharge, SandboxState
from kaiying.wire import clock

DELAYS = (0, 3, 20)
COPIES = (1, 3, 0)
DECLINED = "declined"


@never_cache
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, ref: str) -> HttpResponse:
    """Show the charge; a POST pays it or is declined, with the callback's delay and copies as chosen."""
    charge = get_object_or_404(SandboxCharge, ref=ref)
    at = clock.now()
    # Only the path: the shop is this very site, by whatever name the buyer reached it.
    return_url = urlsplit(charge.return_url).path
    is_declined = request.method == "POST" and request.POST.get("result") == DECLINED
    if request.method == "POST" and not is_declined:
        try:
            pay(
                ref=ref,
                at=at,
                delay=_choice(request.POST.get("delay"), DELAYS),
                copies=_choice(request.POST.get("copies"), COPIES),
            )
        except ChargeOver:
            charge.refresh_from_db()
        else:
            return redirect(return_url)
    is_over = charge.state == SandboxState.CLOSED or (charge.state == SandboxState.OPEN and charge.until <= at)
    return render(
        request,
        "sandbox/page.html",
        {
            "charge": charge,
            "return_url": return_url,
            "is_over": is_over,
            "is_paid": charge.state == SandboxState.PAID,
            "is_declined": is_declined,
        },
        status=410 if is_over else 402 if is_declined else 200,
    )


def _choice(given: str | None, allowed: tuple[int, ...]) -> int:
    return next((one for one in allowed if str(one) == given), allowed[0])
