"""Check-ins: the form for a task, and the class's wall."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from kaiying.camps.models import Task
from kaiying.camps.queries import rendered
from kaiying.camps.vocabulary import TaskKind
from kaiying.groups.actions import check_in as do_check_in
from kaiying.groups.forms import CheckInForm
from kaiying.groups.models import CheckIn
from kaiying.groups.queries import check_in_wall, entry_of, feed, groups_of, last_day_of
from kaiying.groups.queries.access import Entry
from kaiying.groups.queries.day import camp_day
from kaiying.groups.views.entering import entered, frame
from kaiying.groups.vocabulary import FeedKind
from kaiying.kit.errors import Refused
from kaiying.learning.models import Enrollment, Override
from kaiying.learning.queries import day_opening, due_at
from kaiying.people.queries import viewer_id
from kaiying.people.vocabulary import SignedInRequest
from kaiying.web.pictures import discard_picture, store_picture
from kaiying.wire import clock


@require_safe
@login_required
def wall(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show who has checked in on a day, and what they wrote."""
    entry, at = entered(request, pk), clock.now(request)
    cohort = entry.group.cohort
    last = last_day_of(cohort)
    today = camp_day(cohort, at=at, last=last)
    asked = request.GET.get("day", "")
    is_day = asked.isascii() and asked.isdigit() and len(asked) <= len(str(today)) and 1 <= int(asked) <= today
    day = int(asked) if is_day else today
    before = request.GET.get("before", "")
    found = feed(
        entry,
        request.user,
        at=at,
        kind=FeedKind.CHECK_IN,
        day=day,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,  # noqa: PLR2004 (a bigint)
        eyes=viewer_id(request),
    )
    context = frame(request, entry, at=at, live=True) | {
        "wall": check_in_wall(entry.group, day, at=at),
        "day": day,
        "today": today,
        "days": range(1, today + 1),
        "feed": found,
    }
    return render(request, "groups/wall.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def check_in(request: SignedInRequest, task: int) -> HttpResponse:
    """Show a check-in task and take what the learner writes; what they typed stays when it cannot be taken."""
    wanted, entry, enrollment = _asked_of(request, task)
    at, group = clock.now(request), entry.group
    done = (
        CheckIn.objects.filter(group__cohort=group.cohort, learner=request.user, task=wanted)
        .select_related("post")
        .first()
    )
    form = CheckInForm(request.POST or None, request.FILES or None)
    problem, status = "", 200
    if request.method == "POST" and done is None:
        status = 422
        if form.is_valid():
            picture, kept = "", ""
            try:
                upload = form.cleaned_data["picture"]
                picture = store_picture(upload, folder=f"groups/{group.pk}") if upload else ""
                made = do_check_in(
                    task=wanted,
                    learner=request.user,
                    group=group,
                    text=form.cleaned_data["text"],
                    picture=picture,
                    at=at,
                )
                kept = made.post.picture
            except Refused as refusal:
                problem, status = str(refusal), refusal.status
            else:
                messages.success(request, _("Checked in. Your class can read it now."))
                return redirect(reverse("groups:show", args=[made.group_id]) + f"#post-{made.post_id}")
            finally:
                if picture != kept:
                    discard_picture(picture)
    opening = day_opening(
        cohort=group.cohort,
        enrollment=enrollment,
        day=wanted.day,
        overrides=Override.objects.filter(enrollment=enrollment, lesson=None),
        last_day=last_day_of(group.cohort),
        at=at,
    )
    context = frame(request, entry, at=at) | {
        "task": wanted,
        "brief": rendered(wanted.brief, camp=group.cohort.camp, viewer_id=viewer_id(request)),
        "form": form,
        "done": done,
        "opening": opening,
        "due_at": due_at(cohort=group.cohort, enrollment=enrollment, day=wanted.day),
        "problem": problem,
    }
    return render(request, "groups/check_in.html", context, status=status)


def _asked_of(request: SignedInRequest, pk: int) -> tuple[Task, Entry, Enrollment]:
    """Return the task, the class in which this learner does it, and their enrollment, or answer 404."""
    task = Task.objects.filter(pk=pk, kind=TaskKind.CHECK_IN, retired_at=None).first()
    if task is not None:
        for group in groups_of(request.user):
            entry = entry_of(request.user, group) if group.cohort.camp_id == task.camp_id else None
            if entry is not None and entry.is_learner:
                return task, entry, Enrollment.objects.standing().get(cohort=group.cohort, learner=request.user)
    raise Http404
