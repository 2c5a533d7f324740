"""The class's talk: its page, one conversation, and what is said, liked and removed there."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kaiying.camps.queries import rendered
from kaiying.groups.actions import leave_note, like, publish_post, read_up_to, remove_post, reply, unlike
from kaiying.groups.forms import PICTURES, PostForm
from kaiying.groups.models import Post
from kaiying.groups.queries import (
    Entry,
    check_in_wall,
    feed,
    last_day_of,
    pinned_topic,
    rhythm,
    roster,
    thread,
)
from kaiying.groups.queries.day import camp_day
from kaiying.groups.queries.feed import Feed
from kaiying.groups.queries.roster import is_online
from kaiying.groups.views.entering import entered, found_post, frame, is_part, is_travelling, new_key
from kaiying.groups.vocabulary import FeedKind
from kaiying.kit.errors import Refused
from kaiying.people.queries import viewer_id
from kaiying.people.vocabulary import SignedInRequest
from kaiying.web.pictures import discard_picture, store_picture
from kaiying.wire import clock

SHOWN_MEMBERS = 4


@require_safe
@login_required
def show(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show what is said in a class, with its topic, its check-ins and its day."""
    return page(request, entered(request, pk))


def page(
    request: SignedInRequest, entry: Entry, *, form: PostForm | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    """Render the class's page; with ``form`` what could not be posted stays in the composer."""
    at, group = clock.now(request), entry.group
    kind = _kind(request.GET.get("kind", ""))
    before = _number(request.GET.get("before", ""))
    found = feed(entry, request.user, at=at, before=before, kind=kind, eyes=viewer_id(request))
    if before is None and kind == FeedKind.ALL:
        _mark_read(request, entry, found)
    topic = pinned_topic(group, at=at)
    people = roster(group)
    day = camp_day(group.cohort, at=at, last=last_day_of(group.cohort))
    online = {one.learner_id for one in people.learners if is_online(one, at)}
    context = frame(request, entry, at=at, live=True) | {
        "feed": found,
        "kind": kind,
        "kinds": FeedKind,
        "before": before,
        "topic": topic,
        "topic_body": rendered(topic.topic.body, camp=group.cohort.camp, viewer_id=viewer_id(request)) if topic else "",
        "day": day,
        "wall": check_in_wall(group, day, at=at, learners=people.learners),
        "beats": rhythm(group, day, at=at, total=len(people.learners)),
        "people": people,
        "online": online,
        "some": sorted(people.learners, key=lambda one: one.learner_id not in online)[:SHOWN_MEMBERS],
        "form": form,
        "problem": problem,
        "compose_note": entry.is_staff
        and (request.GET.get("compose") == "note" or bool(form and form.data.get("note"))),
        "pictures": PICTURES,
        "picture_limit": settings.MAX_PICTURE_BYTES,
        "key": form.data.get("key", "") if form else new_key(),
    }
    return render(request, "groups/show.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def posts(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """Give the posts after or before one as a part of the page; take a new post."""
    entry, at = entered(request, pk), clock.now(request)
    if request.method == "POST":
        return _publish(request, entry)
    after, before = _number(request.GET.get("after", "")), _number(request.GET.get("before", ""))
    kind = _kind(request.GET.get("kind", ""))
    found = feed(entry, request.user, at=at, after=after, before=before, kind=kind, eyes=viewer_id(request))
    if after is not None:
        _mark_read(request, entry, found)
    return _part(request, entry, found)


def _publish(request: SignedInRequest, entry: Entry) -> HttpResponseBase:
    form, at = PostForm(request.POST, request.FILES), clock.now(request)
    if not form.is_valid():
        return _not_taken(request, entry, form, _first_error(form))
    said, picture, kept = form.cleaned_data, "", ""
    try:
        picture = _stored(said["picture"], entry)
        facts: dict[str, Any] = {
            "group": entry.group,
            "body": said["body"],
            "picture": picture,
            "key": said["key"],
            "at": at,
        }
        if said["note"] and entry.is_staff:
            post = leave_note(by=request.user, **facts)
        else:
            post = publish_post(author=request.user, **facts)
        kept = post.picture
    except Refused as refusal:
        return _not_taken(request, entry, form, str(refusal), status=refusal.status)
    finally:
        # Of what was refused, or sent a second time, no file stays behind.
        if picture != kept:
            discard_picture(picture)
    if is_part(request):
        found = feed(entry, request.user, at=at, after=post.pk - 1, before=post.pk + 1, eyes=viewer_id(request))
        return _part(request, entry, found, status=201)
    return redirect(reverse("groups:show", args=[entry.group.pk]) + f"#post-{post.pk}")


def _not_taken(
    request: SignedInRequest, entry: Entry, form: PostForm, problem: str, *, status: int = 422
) -> HttpResponse:
    if is_part(request):
        return HttpResponse(problem, status=status, content_type="text/plain; charset=utf-8")
    return page(request, entry, form=form, problem=problem, status=status)


@require_safe
@login_required
def post(request: SignedInRequest, pk: int, post: int) -> HttpResponse:
    """Show one conversation whole."""
    entry = entered(request, pk)
    return conversation(request, entry, found_post(entry, post))


def conversation(
    request: SignedInRequest,
    entry: Entry,
    post: Post,
    *,
    form: PostForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a conversation; with ``form`` what could not be sent stays in its box."""
    at = clock.now(request)
    if post.parent_id is not None:
        post = found_post(entry, post.parent_id)
    item = thread(entry, request.user, post, at=at, eyes=viewer_id(request))
    key = form.data.get("key", "") if form else new_key()
    context = frame(request, entry, at=at, live=True) | {"item": item, "form": form, "problem": problem, "key": key}
    if is_part(request):
        return render(request, "groups/post_item.html", context | {"whole": True, "reply_key": key}, status=status)
    return render(request, "groups/post.html", context, status=status)


@require_POST
@login_required
def replies(request: SignedInRequest, pk: int, post: int) -> HttpResponse:
    """Take an answer to a post."""
    entry = entered(request, pk)
    asked, form = found_post(entry, post), PostForm(request.POST)
    try:
        if not form.is_valid():
            problem, status = _first_error(form), 422
        else:
            said = form.cleaned_data
            reply(post=asked, author=request.user, body=said["body"], key=said["key"], at=clock.now(request))
            problem, status = "", 201
    except Refused as refusal:
        problem, status = str(refusal), refusal.status
    if problem and is_part(request):
        return HttpResponse(problem, status=status, content_type="text/plain; charset=utf-8")
    if problem:
        return conversation(request, entry, asked, form=form, problem=problem, status=status)
    if is_part(request):
        return conversation(request, entry, found_post(entry, asked.parent_id or asked.pk), status=status)
    return redirect("groups:post", pk, asked.parent_id or asked.pk)


@require_POST
@login_required
def likes(request: SignedInRequest, pk: int, post: int) -> HttpResponse:
    """Find a post useful (``liked=1``) or take that back."""
    entry = entered(request, pk)
    found = found_post(entry, post)
    try:
        if request.POST.get("liked") == "1":
            like(post=found, user=request.user, at=clock.now(request))
        else:
            unlike(post=found, user=request.user)
    except Refused:  # removed, or they left, since we looked
        raise Http404 from None
    if is_part(request):
        item = thread(entry, request.user, found_post(entry, post), at=clock.now(request), eyes=viewer_id(request))
        return render(request, "groups/like.html", {"item": item, "group": entry.group})
    return redirect(_back_to(found))


@require_POST
@login_required
def removal(request: SignedInRequest, pk: int, post: int) -> HttpResponse:
    """Remove a post: its author may, and the class's staff."""
    entry = entered(request, pk)
    found = found_post(entry, post)
    try:
        remove_post(post=found, by=request.user, at=clock.now(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return conversation(request, entry, found, status=refusal.status)
    messages.success(request, _("Removed."))
    if found.parent_id is not None:
        return redirect("groups:post", pk, found.parent_id)
    return redirect("groups:show", pk)


def _back_to(post: Post) -> str:
    return reverse("groups:show", args=[post.group_id]) + f"#post-{post.pk}"


def _mark_read(request: SignedInRequest, entry: Entry, found: Feed) -> None:
    if entry.membership is not None and found.newest > entry.read_up_to and not is_travelling(request):
        read_up_to(group=entry.group, user=request.user, post_id=found.newest)


def _part(request: SignedInRequest, entry: Entry, found: Feed, *, status: int = 200) -> HttpResponse:
    context = frame(request, entry, at=clock.now(request)) | {"feed": found}
    response = render(request, "groups/posts.html", context, status=status)
    response["X-Newest"] = str(found.newest)
    response["X-New-Key"] = new_key()
    return response


def _stored(upload: UploadedFile[bytes] | None, entry: Entry) -> str:
    return store_picture(upload, folder=f"groups/{entry.group.pk}") if upload else ""


def _first_error(form: PostForm) -> str:
    return next((str(error) for errors in form.errors.values() for error in errors), "")


def _kind(text: str) -> FeedKind:
    return FeedKind(text) if text in FeedKind.values else FeedKind.ALL


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004 (a bigint)
