"""A learner's own pages."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from kaiying.groups.actions import seat_learner
from kaiying.groups.queries import staff_of
from kaiying.learning.models import Enrollment
from kaiying.learning.queries import enrollment_for
from kaiying.learning.vocabulary import NoLesson
from kaiying.offers.models import Claim
from kaiying.offers.queries import running_sales
from kaiying.offers.vocabulary import ClaimState
from kaiying.pages.queries import cohorts_operated_by, newest_enrollment, taught_by, today_page
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock
from kaiying.wire.tickets import events_ticket


@login_required
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """Send a person to where they belong."""
    enrollment = newest_enrollment(request.user)
    if enrollment is not None:
        return redirect("pages:today", cohort=enrollment.cohort.slug)
    operated = cohorts_operated_by(request.user)
    if operated:
        on_sale = set(running_sales(at=clock.now(request)).filter(cohort__in=operated).values_list("cohort", flat=True))
        running = next((cohort for cohort in operated if cohort.pk in on_sale), None)
        if running is not None:
            return redirect("pages:sale", cohort=running.slug)
        return redirect("pages:overview", cohort=operated[0].slug)
    taught = taught_by(request.user)
    if taught:  # whoever teaches a running class and the next one is needed in the running one
        at = clock.now(request)
        place = next((one for one in taught if one.group.cohort.day_at(at) > 0), taught[0])
        return redirect("groups:supervision", pk=place.group_id)
    return redirect("pages:me")


@login_required
@require_safe
def today(request: SignedInRequest, cohort: str) -> HttpResponse:
    """Show what to do today."""
    at = clock.now(request)
    enrollment = _own(request, cohort)
    page = today_page(enrollment=enrollment, viewer=request.user, at=at)
    channels = [f"learner:{request.user.pk}", *([f"group:{page.group.pk}"] if page.group else [])]
    is_travelling = hasattr(request, "journey")
    return render(
        request,
        "pages/today.html",
        {
            "page": page,
            "cohort": enrollment.cohort,
            "live_ticket": "" if is_travelling else events_ticket(channels, user_id=request.user.pk, at=at),
        },
    )


@login_required
@require_safe
def welcome(request: SignedInRequest, cohort: str) -> HttpResponse:
    """Say what happens next, right after paying; seats the learner in a class if no task has done so yet."""
    at = clock.now(request)
    enrollment = _own(request, cohort)
    is_travelling = hasattr(request, "journey")
    membership = None if is_travelling else seat_learner(enrollment=enrollment, at=at)
    claim = (
        Claim.objects.filter(offer__cohort=enrollment.cohort, learner=request.user, state=ClaimState.PAID)
        .select_related("tier")
        .first()
    )
    return render(
        request,
        "pages/welcome.html",
        {
            "cohort": enrollment.cohort,
            "enrollment": enrollment,
            "group": membership.group if membership else None,
            "staff": staff_of(membership.group) if membership else (),
            "claim": claim,
            "first_day": enrollment.cohort.camp.days.first(),
            "opens_at": enrollment.cohort.opens_at(1),
            "topic_at": enrollment.cohort.camp.topics.first(),
        },
    )


@login_required
@require_safe
def me(request: SignedInRequest) -> HttpResponse:
    """Show a person their camps, orders, notes and settings."""
    enrollments = (
        Enrollment.objects.standing()
        .filter(learner=request.user)
        .select_related("cohort__camp")
        .order_by("-cohort__starts_on")
    )
    return render(
        request,
        "pages/me.html",
        {
            "places": [(enrollment, enrollment.cohort.opens_at(1)) for enrollment in enrollments],
            "taught": taught_by(request.user),
            "operated": cohorts_operated_by(request.user),
        },
    )


def _own(request: SignedInRequest, cohort: str) -> Enrollment:
    """Return the person's enrollment, or 404: not being in a cohort and its not being there are the same."""
    try:
        return enrollment_for(user=request.user, cohort_slug=cohort, at=clock.now(request))
    except NoLesson:
        raise Http404 from None
