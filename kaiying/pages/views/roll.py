"""The operator's learners: the list, one learner's locks, and looking as that learner at any moment."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kaiying.camps.models import Cohort
from kaiying.groups.queries import checked_in
from kaiying.kit.errors import Refused
from kaiying.learning.actions import override_unlock, withdraw_override
from kaiying.learning.models import Enrollment, Override
from kaiying.learning.queries import course
from kaiying.pages.forms import OverrideForm, TravelForm
from kaiying.pages.middleware import COOKIE
from kaiying.pages.queries import roll, travel_token
from kaiying.pages.views.desk import operated_cohort, page_of, searched
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock


@login_required
@require_safe
def learners(request: SignedInRequest, cohort: str) -> HttpResponse:
    """List learners with what they have done."""
    found = operated_cohort(request, cohort)
    search = searched(request)
    listed = roll(cohort=found, search=search, page=page_of(request), at=clock.now(request))
    return render(request, "pages/learners.html", {"cohort": found, "roll": listed, "search": search})


@login_required
@require_safe
def learner(request: SignedInRequest, cohort: str, pk: int) -> HttpResponse:
    """Show one learner's lessons with their locks, the decisions about them, and the way to look as them."""
    found = operated_cohort(request, cohort)
    enrollment = _enrollment(found, pk)
    return _show(request, enrollment)


@login_required
@require_POST
def overrides(request: SignedInRequest, cohort: str, pk: int) -> HttpResponse:
    """Keep a decision that something opens at another time."""
    found = operated_cohort(request, cohort)
    enrollment = _enrollment(found, pk)
    form = OverrideForm(request.POST, cohort=found)
    if form.is_valid():
        try:
            override_unlock(
                enrollment=enrollment,
                opens_at=form.cleaned_data["opens_at"],
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=clock.now(),
                **form.thing(),
            )
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Saved. It counts from now on."))
            return redirect("pages:learner", cohort=cohort, pk=pk)
    return _show(request, enrollment, form=form, status=422)


@login_required
@require_POST
def override_withdrawal(request: SignedInRequest, cohort: str, pk: int, override: int) -> HttpResponse:
    """Go back to the clock."""
    found = operated_cohort(request, cohort)
    decided = get_object_or_404(Override, pk=override, enrollment=pk, enrollment__cohort=found)
    withdraw_override(override=decided, at=clock.now())
    return redirect("pages:learner", cohort=cohort, pk=pk)


@login_required
@require_POST
def travel(request: SignedInRequest, cohort: str, pk: int) -> HttpResponse:
    """Begin to look as this learner at a moment; only reading is possible until the traveller returns."""
    found = operated_cohort(request, cohort)
    enrollment = _enrollment(found, pk)
    form = TravelForm(request.POST, cohort=found)
    if not form.is_valid():
        return _show(request, enrollment, travel_form=form, status=422)
    response = redirect("pages:today", cohort=cohort)
    token = travel_token(traveller=request.user, learner=enrollment.learner, cohort=found, at=form.cleaned_data["at"])
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=request.is_secure())
    return response


@require_POST
def travel_end(request: HttpRequest) -> HttpResponse:
    """Come back to oneself and now."""
    back = request.POST.get("back", "")
    response = redirect(back if back.startswith("/desk/") and "\\" not in back else "pages:home")
    response.delete_cookie(COOKIE)
    return response


def _enrollment(cohort: Cohort, pk: int) -> Enrollment:
    return get_object_or_404(Enrollment.objects.select_related("learner", "cohort__camp"), pk=pk, cohort=cohort)


def _show(
    request: SignedInRequest,
    enrollment: Enrollment,
    *,
    form: OverrideForm | None = None,
    travel_form: TravelForm | None = None,
    status: int = 200,
) -> HttpResponse:
    at = clock.now(request)
    cohort = enrollment.cohort
    decided = enrollment.overrides.select_related("lesson", "by").order_by("-at")
    return render(
        request,
        "pages/learner.html",
        {
            "cohort": cohort,
            "enrollment": enrollment,
            "course": course(enrollment, at, checked_in(enrollment)),
            "overrides": list(decided),
            "form": form or OverrideForm(cohort=cohort, initial={"opens_at": at}),
            "travel_form": travel_form or TravelForm(cohort=cohort, initial={"at": at}),
        },
        status=status,
    )
