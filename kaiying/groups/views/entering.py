"""What every page of a class begins with: may this person come in, who really looks, and in which frame."""

import secrets
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest

from kaiying.groups.models import Post
from kaiying.groups.queries import Entry, entry, post_in
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire.tickets import events_ticket


def entered(request: SignedInRequest, pk: int) -> Entry:
    """Return the person's way into the class, or answer 404, as for a class that is not there."""
    found = entry(request.user, pk)
    if found is None:
        raise Http404
    return found


def entered_as_staff(request: SignedInRequest, pk: int) -> Entry:
    """Return a teacher's or operator's way into the class, or answer 404."""
    found = entered(request, pk)
    if not found.is_staff:
        raise Http404
    return found


def found_post(entry: Entry, pk: int) -> Post:
    """Return a post that stands in this class, or answer 404."""
    post = post_in(entry.group, pk)
    if post is None:
        raise Http404
    return post


def is_travelling(request: HttpRequest) -> bool:
    """Tell whether somebody looks as somebody else; then nothing is noted and nothing is live."""
    return hasattr(request, "traveller")


def is_part(request: HttpRequest) -> bool:
    """Tell whether a script of ours asks for a part of the page."""
    return request.headers.get("X-Part") == "1"


def new_key() -> str:
    """Return a key that makes sending a form twice harmless."""
    return secrets.token_urlsafe(12)


def frame(request: SignedInRequest, entry: Entry, *, at: datetime, live: bool = False) -> dict[str, Any]:
    """Return what each page of a class needs: staff see it in their shell, learners in theirs."""
    context: dict[str, Any] = {
        "shell": "web/desk.html" if entry.is_staff else "web/phone.html",
        "entry": entry,
        "group": entry.group,
        "cohort": entry.group.cohort,
        "zone": entry.group.cohort.zone,
        "now": at,
        "travelling": is_travelling(request),
    }
    if live and not is_travelling(request):
        channels = [f"group:{entry.group.pk}", f"learner:{request.user.pk}"]
        context["live_ticket"] = events_ticket(channels, user_id=request.user.pk, at=at)
    return context
