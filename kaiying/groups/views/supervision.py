"""The head teacher's page: the class at a glance, whom to contact, reminders, and the table as a file."""

import csv
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override
from django.views.decorators.http import require_POST, require_safe

from kaiying.groups.actions import nudge
from kaiying.groups.actions.nudging import behind_message, draft
from kaiying.groups.forms import Looking, NudgeForm
from kaiying.groups.models import ClassGroup
from kaiying.groups.queries import Entry, learners_of
from kaiying.groups.queries import supervision as supervise
from kaiying.groups.queries.supervision import Row, Supervision
from kaiying.groups.views.entering import entered_as_staff, frame, new_key
from kaiying.groups.vocabulary import Standing
from kaiying.kit import periods
from kaiying.kit.errors import Refused
from kaiying.notices.actions import language_of
from kaiying.people.models import User
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock

# Some spreadsheets take the wide forms, which a Chinese keyboard types, for the narrow ones.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
FOLDED = {Standing.CONTACT: 60, Standing.SLOW: 4, Standing.FINE: 6}
FILTERS: dict[str, Callable[[Row], bool]] = {
    "unwatched": lambda row: row.has_watched_first() is False,
    "unchecked": lambda row: row.has_checked_in() is False,
    "unsubmitted": lambda row: row.has_handed_in() is False,
}
SORTS: dict[str, Callable[[Row], Any]] = {
    "name": lambda row: str(row.learner).casefold(),
    "seen": lambda row: row.facts.last_seen_at.timestamp() if row.facts.last_seen_at else 0,
}


@require_safe
@login_required
def supervision(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show how the class stands and whom to contact now."""
    return page(request, entered_as_staff(request, pk))


def page(
    request: SignedInRequest, entry: Entry, *, form: NudgeForm | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    """Render the page; with ``form`` the words that could not be sent stay in their box."""
    at = clock.now(request)
    found, looking = supervise(entry.group, at=at), _looking(request)
    wanted = FILTERS.get(looking.get("show", ""))
    listed = [row for row in found.rows if wanted(row)] if wanted else found.to_contact
    listed.sort(key=lambda row: row.nudge is not None)
    waiting = [row for row in listed if row.nudge is None]
    chosen = _chosen(found, listed, looking.get("who"))
    if chosen is not None and chosen not in listed:
        listed = [chosen, *listed]
    context = frame(request, entry, at=at) | {
        "found": found,
        "looking": looking,
        "sections": _sections(found, looking, wanted),
        "listed": listed,
        "waiting": waiting,
        "chosen": chosen,
        "drafted": _drafted(chosen, entry.group, form),
        "problem": problem,
        "key": form.data.get("key", "") if form else new_key(),
        "classes": list(ClassGroup.objects.filter(cohort=entry.group.cohort_id))
        if entry.membership is None
        else _taught(request, entry),
        "averages": found.duty_averages(),
        "width": _width(found),
        "here": reverse("groups:supervision", args=[entry.group.pk]),
    }
    return render(request, "groups/supervision.html", context, status=status)


def _taught(request: SignedInRequest, entry: Entry) -> list[ClassGroup]:
    mine = entry.group.memberships.model.objects.standing().staff().filter(user=request.user).values("group")
    return list(ClassGroup.objects.filter(cohort=entry.group.cohort_id, pk__in=mine))


def _looking(request: SignedInRequest) -> dict[str, Any]:
    form = Looking(request.POST if request.method == "POST" else request.GET)
    form.is_valid()
    return {name: value for name, value in form.cleaned_data.items() if value}


def _chosen(found: Supervision, listed: list[Row], who: int | None) -> Row | None:
    """Return whose draft is open: who was asked for, else the first nobody wrote to."""
    if who is not None and (row := found.row_of(who)) is not None:
        return row
    return next((row for row in listed if row.nudge is None), None)


def _drafted(row: Row | None, group: ClassGroup, form: NudgeForm | None) -> str:
    """Return the words to begin with, in the learner's language; what the teacher typed goes first."""
    if form is not None and form.data.get("text"):
        return str(form.data["text"])
    if row is None:
        return ""
    with override(language_of(row.learner)):
        return draft(row, behind_message(group))[1]


def _sections(
    found: Supervision, looking: dict[str, Any], wanted: Callable[[Row], bool] | None
) -> list[dict[str, Any]]:
    sections = []
    for standing in Standing:
        rows = [row for row in found.section(standing) if wanted is None or wanted(row)]
        if looking.get("sort") in SORTS:
            rows.sort(key=SORTS[looking["sort"]])
        unfolded = wanted is not None or looking.get("open") in {standing.value, "all"}
        shown = rows if unfolded else rows[: FOLDED[standing]]
        sections.append(
            {
                "standing": standing,
                "label": standing.label,
                "rows": shown,
                "count": len(rows),
                "more": len(rows) - len(shown),
                "unfold": f"?{urlencode({**looking, 'open': standing.value})}#{standing.value}",
            }
        )
    return [section for section in sections if section["count"]]


def _width(found: Supervision) -> int:
    gaps = len(found.days) + 1
    return 2 + len(found.lessons) + gaps + len(found.check_in_tasks) + len(found.submission_tasks)


@require_POST
@login_required
def nudges(request: SignedInRequest, pk: int) -> HttpResponse:
    """Send a reminder to some learners, each in their own language."""
    entry = entered_as_staff(request, pk)
    learners = {one.learner_id: one.learner for one in learners_of(entry.group)}
    form = NudgeForm(request.POST, learners=list(learners))
    try:
        if not form.is_valid():
            problem, status = next(str(error) for errors in form.errors.values() for error in errors), 422
        else:
            said = form.cleaned_data
            sent = _send(entry, [learners[one] for one in said["to"]], request, said)
            messages.success(
                request, ngettext("%(count)d reminder sent.", "%(count)d reminders sent.", sent) % {"count": sent}
            )
            looking = {name: value for name, value in _looking(request).items() if name != "who"}
            return redirect(reverse("groups:supervision", args=[pk]) + (f"?{urlencode(looking)}" if looking else ""))
    except Refused as refusal:
        problem, status = str(refusal), refusal.status
    return page(request, entry, form=form, problem=problem, status=status)


def _send(entry: Entry, learners: list[User], request: SignedInRequest, said: dict[str, Any]) -> int:
    sent = nudge(
        group=entry.group,
        learners=learners,
        by=request.user,
        text=said["text"],
        reason=said["reason"],
        key=said["key"],
        at=clock.now(request),
    )
    return len(sent)


@require_safe
@login_required
def export(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give the whole class as a table for a spreadsheet; no cell of it is a formula."""
    entry, at = entered_as_staff(request, pk), clock.now(request)
    found, zone = supervise(entry.group, at=at), entry.group.cohort.zone
    name = f"{entry.group.cohort.slug}-{entry.group.number}-{periods.local(at, zone):%Y%m%d-%H%M}.csv"
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Cache-Control": "no-store"})
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response.write("\ufeff")  # spreadsheets take a file without it for another encoding
    writer = csv.writer(response)

    def written(moment: Any) -> str:
        return f"{periods.local(moment, zone):%Y-%m-%d %H:%M}" if moment else ""

    tasks = [*found.check_in_tasks, *found.submission_tasks]
    writer.writerow(
        safe(
            [
                _("Name"),
                _("Standing"),
                *(f"{lesson.label} %" for lesson in found.lessons),
                *(str(task.title) for task in tasks),
                _("Last seen"),
                _("Reasons"),
                _("Reminded"),
            ]
        )
    )
    for row in found.rows:
        duties = [*row.facts.check_ins, *row.facts.submissions]
        writer.writerow(
            safe(
                [
                    str(row.learner),
                    str(row.standing.label),
                    *(watch.percent if watch.level != "x" else "" for watch in row.facts.watches),
                    *(written(duty.done_at) for duty in duties),
                    written(row.facts.last_seen_at),
                    " ".join(reason.text for reason in row.reasons),
                    written(row.nudge.sent_at) if row.nudge else "",
                ]
            )
        )
    return response


def safe(cells: Iterable[object]) -> list[str]:
    """Write cells so that no spreadsheet takes one for a formula: what begins like one gets a quote in front."""
    texts = [str(cell) for cell in cells]
    return [f"'{text}" if text.startswith(FORMULA) else text for text in texts]
