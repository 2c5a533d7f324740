"""Pages that span rooms."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from kaiying.pages.queries import cohorts_operated_by, newest_enrollment, taught_by
from kaiying.people.vocabulary import SignedInRequest


@login_required
def home(request: SignedInRequest) -> HttpResponse:
    """Send a person to where they belong."""
    enrollment = newest_enrollment(request.user)
    if enrollment is not None:
        return redirect("pages:today", cohort=enrollment.cohort.slug)
    operated = cohorts_operated_by(request.user)
    if operated:
        return redirect("pages:overview", cohort=operated[0].slug)
    taught = taught_by(request.user)
    if taught:
        return redirect("groups:supervision", pk=taught[0].group_id)
    return redirect("pages:me")


def _coming(request: HttpRequest, **_kwargs: object) -> HttpResponse:
    raise Http404


today = welcome = me = overview = desk = orders = refund = learners = learner = overrides = travel = travel_end = _coming
