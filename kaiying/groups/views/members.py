"""Who is in a class."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kaiying.groups.queries import roster
from kaiying.groups.queries.roster import is_online
from kaiying.groups.views.entering import entered, frame
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock


@require_safe
@login_required
def members(request: SignedInRequest, pk: int) -> HttpResponse:
    """List the teachers and learners of a class."""
    entry, at = entered(request, pk), clock.now(request)
    people = roster(entry.group)
    online = {one.learner_id for one in people.learners if is_online(one, at)}
    return render(request, "groups/members.html", frame(request, entry, at=at) | {"people": people, "online": online})
