"""Time travel: staff look at any page as any learner at any moment, and can change nothing while they do.

A signed cookie names the cohort's learner and the moment. While it is there the request's person is that learner and
``request.at`` that moment; only reading is allowed, so nothing a traveller does can leave a trace.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kaiying.pages.queries.belonging import read_journey

COOKIE = "ky_travel"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WAY_BACK = "/travel/end/"


def time_travel(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Show the page as the learner at the moment that the cookie names."""

    def middleware(request: HttpRequest) -> HttpResponse:
        token = request.COOKIES.get(COOKIE)
        if not token or request.path == WAY_BACK or request.path.startswith("/static/"):
            return get_response(request)
        journey = read_journey(token, traveller=request.user)
        if journey is None:
            response = get_response(request)
            response.delete_cookie(COOKIE)
            return response
        if request.method not in SAFE:
            return render(request, "pages/travel_read_only.html", {"journey": journey}, status=403)
        request.journey = journey  # type: ignore[attr-defined]
        request.at = journey.at  # type: ignore[attr-defined]
        request.traveller = request.user  # type: ignore[attr-defined]
        request.user = journey.learner
        response = get_response(request)
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware
