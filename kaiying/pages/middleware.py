"""Time travel: staff look at any page as any learner at any moment, and can change nothing while they do.

A signed cookie names the cohort's learner and the moment. While it is there the request's person is that learner and
``request.at`` that moment; only reading is allowed, so nothing a traveller does can leave a trace.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kaiying.pages.queries.belonging import Journey, read_journey

COOKIE = "ky_travel"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WAY_BACK = "/travel/end/"
OWN_COOKIES = ("/i18n/", "/theme/")
"""Language and colours: kept in the traveller's own browser only, so they may be changed on the way."""


def time_travel(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Show the page as the learner at the moment that the cookie names."""

    def middleware(request: HttpRequest) -> HttpResponse:
        token = request.COOKIES.get(COOKIE)
        if not token or request.path == WAY_BACK or request.path.startswith("/static/"):
            return get_response(request)
        journey = read_journey(token, traveller=request.user)
        if journey is None:
            response = _after_the_journey(request, get_response)
            response.delete_cookie(COOKIE)
            return response
        _board(request, journey)
        if request.method not in SAFE and not request.path.startswith(OWN_COOKIES):
            response = render(request, "pages/travel_read_only.html", {"journey": journey}, status=403)
        else:
            response = get_response(request)
            if response.status_code == NOT_FOUND and (journey.is_before_enrolling or journey.is_after_leaving):
                response = render(request, "pages/travel_elsewhere.html", {"journey": journey}, status=NOT_FOUND)
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


NOT_FOUND = 404


def _board(request: HttpRequest, journey: Journey) -> None:
    request.journey = journey  # type: ignore[attr-defined]
    request.at = journey.at  # type: ignore[attr-defined]
    request.traveller = request.user  # type: ignore[attr-defined]
    request.user = journey.learner


def _after_the_journey(request: HttpRequest, get_response: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    """Answer once the hour is over: a form opened as somebody else must not be taken as one's own."""
    if request.method in SAFE:
        return get_response(request)
    return render(request, "pages/travel_read_only.html", {"journey": None}, status=403)
