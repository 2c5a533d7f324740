"""Settings of one's own, and the owner link."""

from typing import Any

from allauth.account.views import ConfirmLoginCodeView, request_login_code
from django.conf import settings as site
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kaiying.people.actions import LinkUsedUp, become_owner, owner_link_is_open
from kaiying.people.forms import SettingsForm
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock

PENDING = "account_login"
"""Where allauth keeps a sign-in that waits for its code."""


def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for a code. Asking again, or for another address, forgets the code that is under way.

    allauth by itself leads whoever waits for a code back to entering it, so that a mistyped address could not be
    corrected for a quarter of an hour.
    """
    if request.method == "POST" or "another" in request.GET:
        request.session.pop(PENDING, None)
    response: HttpResponse = request_login_code(request)
    return response


class EnterCode(ConfirmLoginCodeView):  # type: ignore[misc]  # allauth has no types
    """Enter the code; in the demo, where no mail goes out, the page shows it."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the code in demo mode only."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "demo_code": self._process.code if site.KAIYING_DEMO else ""}


enter_code = EnterCode.as_view()


@login_required
@require_http_methods(["GET", "POST"])
def settings(request: SignedInRequest) -> HttpResponse:
    """Show and keep the name and the language."""
    form = SettingsForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("people:settings")
    return render(request, "people/settings.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def owner_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Make the signed-in person the owner, once; opening the page alone uses nothing up."""
    at = clock.now()
    is_open = owner_link_is_open(secret=secret, at=at)
    if request.method == "POST" and request.user.is_authenticated:
        try:
            become_owner(secret=secret, user=request.user, at=at)
        except LinkUsedUp as over:
            return render(request, "people/owner_link.html", {"refused": over}, status=over.status)
        return redirect("pages:home")
    refused = None if is_open else LinkUsedUp()
    return render(request, "people/owner_link.html", {"refused": refused}, status=200 if is_open else 410)
