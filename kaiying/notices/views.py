"""The list of what a person was told."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kaiying.notices.actions import mark_read
from kaiying.notices.models import Notice
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock

SHOWN = 50


@login_required
@require_safe
def inbox(request: SignedInRequest) -> HttpResponse:
    """Show the newest notices; having opened the page is having read them."""
    notices = list(Notice.objects.filter(user=request.user).order_by("-id")[:SHOWN])
    if not hasattr(request, "at"):  # whoever looks from another moment leaves no trace
        mark_read(user=request.user, at=clock.now(request))
    return render(request, "notices/inbox.html", {"notices": notices})
