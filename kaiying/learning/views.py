"""Pages of a learner's course."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kaiying.camps.models import Task
from kaiying.camps.queries import rendered
from kaiying.camps.vocabulary import TaskKind
from kaiying.kit.errors import Refused
from kaiying.learning import queries
from kaiying.learning.actions import (
    delete_note,
    edit_note,
    hand_in,
    mark_read,
    record_opening,
    write_note,
)
from kaiying.learning.forms import NoteForm, SubmissionForm
from kaiying.learning.models import Note
from kaiying.learning.vocabulary import Locked, NoLesson, Why
from kaiying.people.models import User
from kaiying.people.queries import viewer_id
from kaiying.people.vocabulary import SignedInRequest
from kaiying.wire import clock, entry, media
from kaiying.wire.tickets import events_ticket

RATES = ("0.5", "0.75", "1", "1.25", "1.5", "1.75", "2")

type View = Callable[..., HttpResponse]


def explained(view: View) -> View:
    """Answer what is none of this person's business like what is not there, and what is locked with when and why."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NoLesson as hidden:
            raise Http404(str(hidden)) from None
        except Locked as locked:
            return _locked(request, locked, kwargs["cohort"])

    return answer


@require_GET
@login_required
@explained
def course(request: SignedInRequest, cohort: str) -> HttpResponse:
    """Show all days, with what is open, how far one is, and when the rest opens."""
    at = clock.now(request)
    enrollment = queries.enrollment_for(user=request.user, cohort_slug=cohort, at=at)
    found = queries.course(enrollment, at)
    return render(request, "learning/course.html", {"course": found, "cohort": enrollment.cohort, **_live(request, at)})


@require_GET
@login_required
@explained
def lesson(request: SignedInRequest, cohort: str, ref: str) -> HttpResponse:
    """Show a lesson: player, chapters, notes, essence, text."""
    at = clock.now(request)
    access = queries.access_lesson(user=request.user, cohort_slug=cohort, ref=ref, at=at)
    is_visit = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    if access.enrollment and is_visit and not _travels(request):
        record_opening(enrollment=access.enrollment, lesson=access.lesson, at=at)
    return render(request, "learning/lesson.html", _lesson_context(request, access, at))


@require_GET
@explained
def preview(request: HttpRequest, cohort: str, ref: str) -> HttpResponse:
    """Show a lesson that is open to visitors; nothing is recorded."""
    at = clock.now(request)
    access = queries.access_preview(cohort_slug=cohort, ref=ref, at=at)
    return render(request, "learning/lesson.html", _lesson_context(request, access, at))


@require_POST
@login_required
@explained
def reading(request: SignedInRequest, cohort: str, ref: str) -> HttpResponse:
    """Take the word of whoever says they read an article to its end."""
    at = clock.now(request)
    access = queries.access_lesson(user=request.user, cohort_slug=cohort, ref=ref, at=at)
    if access.enrollment is None:
        raise NoLesson
    mark_read(enrollment=access.enrollment, lesson=access.lesson, at=at)
    return redirect("learning:lesson", cohort, ref)


@require_POST
@login_required
@explained
def lesson_notes(request: SignedInRequest, cohort: str, ref: str) -> HttpResponse:
    """Keep a note at a second."""
    at = clock.now(request)
    access = queries.access_lesson(user=request.user, cohort_slug=cohort, ref=ref, at=at)
    if access.enrollment is None:
        raise NoLesson
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            write_note(enrollment=access.enrollment, lesson=access.lesson, at=at, **form.cleaned_data)
        except Refused as refused:
            form.add_error("text", str(refused))
    return _notes_answer(request, access, at, form=form)


@require_POST
@login_required
@explained
def note(request: SignedInRequest, cohort: str, pk: int) -> HttpResponse:
    """Change the words of one's own note."""
    mine = _own_note(request, cohort, pk)
    try:
        edit_note(note=mine, text=request.POST.get("text", ""))
    except Refused as refused:
        messages.error(request, str(refused))
    return _after_note(request, cohort, mine)


@require_POST
@login_required
@explained
def note_removal(request: SignedInRequest, cohort: str, pk: int) -> HttpResponse:
    """Delete one's own note; the answer offers to write it again."""
    mine = _own_note(request, cohort, pk)
    delete_note(note=mine)
    return _after_note(request, cohort, mine, deleted=True)


@require_GET
@login_required
@explained
def notes(request: SignedInRequest, cohort: str) -> HttpResponse:
    """Show all of one's own notes in the order of the course."""
    at = clock.now(request)
    enrollment = queries.enrollment_for(user=request.user, cohort_slug=cohort, at=at)
    context = {"lessons": queries.notes_by_lesson(enrollment), "cohort": enrollment.cohort}
    return render(request, "learning/notes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@explained
def submission(request: SignedInRequest, cohort: str, ref: str) -> HttpResponse:
    """Show what a task asks for and what was handed in; take what is handed in."""
    at = clock.now(request)
    enrollment = queries.enrollment_for(user=request.user, cohort_slug=cohort, at=at)
    task = Task.objects.filter(camp=enrollment.cohort.camp_id, ref=ref, kind=TaskKind.SUBMISSION).first()
    found = queries.course(enrollment, at)
    line = next((one for one in found.tasks if task and one.task.pk == task.pk), None)
    if line is None:
        raise NoLesson
    if not line.opening.is_open:
        raise Locked(line.opening, cohort=enrollment.cohort, task=line.task)
    before = line.submission
    form = SubmissionForm(request.POST or None, request.FILES or None, initial={"text": before.text if before else ""})
    if request.method == "POST" and form.is_valid():
        try:
            hand_in(enrollment=enrollment, task=line.task, at=at, **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Handed in again.") if before else _("Handed in."))
            return redirect("learning:submission", cohort, ref)
    viewer = viewer_id(request)
    picture = media.media_url(before.picture, user_id=viewer) if before and before.picture else ""
    brief = rendered(line.task.brief, camp=enrollment.cohort.camp, viewer_id=viewer)
    context = {"line": line, "form": form, "cohort": enrollment.cohort, "picture": picture, "brief": brief}
    return render(request, "learning/submission.html", context, status=422 if form.errors else 200)


def _lesson_context(request: HttpRequest, access: queries.LessonAccess, at: datetime) -> dict[str, Any]:
    lesson = access.lesson
    is_open_to_all = access.opening.why is Why.PREVIEW and access.enrollment is None
    viewer = entry.ANYONE if is_open_to_all else viewer_id(request)
    until = None if is_open_to_all else _until(request, access.opening.ends_at)

    def address(path: str) -> str:
        return media.media_url(path, user_id=viewer, until=until) if path else ""

    captions = [{"language": language, "url": address(path)} for language, path in lesson.captions.items() if path]
    shown = queries.player(access, at)
    return {
        "access": access,
        "lesson": lesson,
        "cohort": access.cohort,
        "player": shown,
        "spans": json.dumps(shown.spans),
        "rates": RATES,
        "notes": queries.notes_on(access.enrollment, lesson) if access.enrollment else [],
        "note_form": NoteForm(initial={"second": shown.resume_at}),
        "video": address(lesson.video),
        "poster": address(lesson.poster),
        "captions": captions,
        "body": rendered(lesson.body, camp=access.cohort.camp, viewer_id=viewer, until=until),
        "records": access.enrollment is not None and not _travels(request),
        **(_live(request, at) if access.enrollment else {}),
    }


def _locked(request: HttpRequest, locked: Locked, cohort: str) -> HttpResponse:
    actor = User.objects.filter(pk=locked.opening.actor_id).first() if locked.opening.actor_id else None
    context = {"opening": locked.opening, "actor": actor, "cohort_slug": cohort, **locked.facts}
    return render(request, "learning/locked.html", context, status=locked.status)


def _own_note(request: SignedInRequest, cohort: str, pk: int) -> Note:
    enrollment = queries.enrollment_for(user=request.user, cohort_slug=cohort, at=clock.now(request))
    return get_object_or_404(enrollment.notes.select_related("lesson"), pk=pk)


def _after_note(request: SignedInRequest, cohort: str, mine: Note, *, deleted: bool = False) -> HttpResponse:
    if request.POST.get("from") == "notes":
        return redirect("learning:notes", cohort)
    at = clock.now(request)
    access = queries.access_lesson(user=request.user, cohort_slug=cohort, ref=mine.lesson.ref, at=at)
    return _notes_answer(request, access, at, deleted=mine if deleted else None)


def _notes_answer(
    request: HttpRequest,
    access: queries.LessonAccess,
    at: datetime,
    *,
    form: NoteForm | None = None,
    deleted: Note | None = None,
) -> HttpResponse:
    """Give the list of notes anew: as a part of the page, or without scripts the whole page at that place."""
    has_errors = form is not None and bool(form.errors)
    if not request.headers.get("HX-Request"):
        if has_errors:
            context = {**_lesson_context(request, access, at), "note_form": form}
            return render(request, "learning/lesson.html", context, status=422)
        place = reverse("learning:lesson", args=[access.cohort.slug, access.lesson.ref])
        return redirect(f"{place}#notes")
    context = {
        "access": access,
        "lesson": access.lesson,
        "cohort": access.cohort,
        "notes": queries.notes_on(access.enrollment, access.lesson) if access.enrollment else [],
        "note_form": form if has_errors else NoteForm(),
        "records": True,
        "deleted": deleted,
    }
    return render(request, "learning/lesson_notes.html", context, status=422 if has_errors else 200)


def _live(request: HttpRequest, at: datetime) -> dict[str, str]:
    """Give a ticket to the learner's own news; a traveller gets none, because live is now."""
    if _travels(request) or not isinstance(request.user, User):
        return {}
    user = request.user
    return {"live_ticket": events_ticket([f"learner:{user.pk}"], user_id=user.pk, at=at)}


def _until(request: HttpRequest, ends_at: datetime | None) -> datetime | None:
    """Return when passes to a lesson's files end if it closes soon; a traveller's moment says nothing of now."""
    return min(clock.now() + media.LIFE, ends_at) if ends_at and not _travels(request) else None


def _travels(request: HttpRequest) -> bool:
    return getattr(request, "at", None) is not None
