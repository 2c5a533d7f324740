"""Hand the gate's pass to whoever is signed in."""

from collections.abc import Callable
from datetime import timedelta

from django.http import HttpRequest, HttpResponse

from kaiying.people.models import User
from kaiying.wire import clock
from kaiying.wire.entry import COOKIE, LIFE, entry_pass, read_entry
from kaiying.wire.passes import BadPass

RENEW_BEFORE = LIFE / 2


def gate_pass(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Keep the ``ky_pass`` cookie in step with the session, so that the gate needs no look-up."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        had = request.COOKIES.get(COOKIE, "")
        # A page that never looked at who is there (a public count, a callback) has no session to speak for.
        if not request.session.accessed and not had:
            return response
        # Whoever looks as somebody else keeps their own pass.
        user = getattr(request, "traveller", request.user)
        if isinstance(user, User):
            if not _stands(had, user):
                response.set_cookie(
                    COOKIE,
                    entry_pass(user.pk),
                    max_age=int(LIFE / timedelta(seconds=1)),
                    httponly=True,
                    samesite="Lax",
                    secure=request.is_secure(),
                )
        elif had:
            response.delete_cookie(COOKIE, samesite="Lax")
        return response

    return middleware


def _stands(had: str, user: User) -> bool:
    """Tell whether the pass is this person's and has more than half of its life left."""
    try:
        return bool(had) and read_entry(had, at=clock.now() + RENEW_BEFORE).user_id == user.pk
    except BadPass:
        return False
