"""The pages that belong to no room: errors, and the choice of colours."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from kaiying.web.context import THEME_COOKIE, THEMES

YEAR = 60 * 60 * 24 * 365


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  (Django passes it)
    """Say that the form is stale and nothing was sent."""
    return render(request, "403_csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  (Django passes it)
    """Say that the request cannot be read. Its host may be forged, so nothing is drawn from it."""
    return HttpResponse(render_to_string("400.html"), status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say who may open this, or what the refusal says."""
    return render(request, "403.html", {"exception": str(exception)}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  (Django passes it)
    """Say that there is nothing at this address."""
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  (Django passes it)
    """Say that we broke, without asking the database or the request for anything."""
    return HttpResponse(render_to_string("500.html"), status=500)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the person's theme in a cookie; anything but light and dark means: follow the system."""
    back = request.POST.get("next") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response
