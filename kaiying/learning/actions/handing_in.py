"""Handing in what a task asks for: text, a picture, or both."""

from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from kaiying.camps.models import Task
from kaiying.camps.vocabulary import TaskKind
from kaiying.learning.models import Enrollment, Submission
from kaiying.learning.queries import day_opening, last_day_of
from kaiying.learning.vocabulary import Locked, NoLesson, NothingHandedIn, TextTooLong
from kaiying.outbox.actions import publish
from kaiying.web.pictures import discard_picture, store_picture

LONGEST_TEXT = 10_000
FOLDER = "submissions"


def hand_in(
    *,
    enrollment: Enrollment,
    task: Task,
    text: str,
    at: datetime,
    picture: "UploadedFile[Any] | None" = None,
    drop_picture: bool = False,
) -> Submission:
    """Hand in, or replace what was handed in before; also after the deadline, which shows.

    Without a new picture the old one stays, unless ``drop_picture``. Raises ``Locked``, ``NothingHandedIn``,
    ``TextTooLong`` and what ``store_picture`` raises; then nothing has changed.
    """
    _check_open(enrollment, task, at)
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        raise TextTooLong(most=f"{LONGEST_TEXT:,}")
    # Reading a picture takes a while: before the transaction, so that nobody waits for it.
    stored = store_picture(picture, folder=FOLDER) if picture else ""
    try:
        return _keep(enrollment, task, text, stored, at, drop_picture=drop_picture)
    except BaseException:
        discard_picture(stored)
        raise


@transaction.atomic
def _keep(
    enrollment: Enrollment, task: Task, text: str, picture: str, at: datetime, *, drop_picture: bool
) -> Submission:
    Enrollment.objects.locked().get(pk=enrollment.pk)
    before = enrollment.submissions.filter(task=task).first()
    kept = before.picture if before and not picture and not drop_picture else picture
    if not text and not kept:
        raise NothingHandedIn
    now = before or Submission(enrollment=enrollment, task=task, handed_in_at=at)
    gone = before.picture if before and before.picture != kept else ""
    now.text, now.picture, now.changed_at = text, kept, at
    now.save()
    if gone:
        transaction.on_commit(lambda: discard_picture(gone))
    facts = {"enrollment": enrollment.pk, "learner": enrollment.learner_id, "task": task.pk, "again": bool(before)}
    for channel in (f"cohort:{enrollment.cohort_id}", f"learner:{enrollment.learner_id}"):
        publish("learning.handed_in", channel=channel, **facts)
    return now


def _check_open(enrollment: Enrollment, task: Task, at: datetime) -> None:
    retired = task.retired_at is not None and task.retired_at <= at
    if task.kind != TaskKind.SUBMISSION or retired or task.camp_id != enrollment.cohort.camp_id:
        raise NoLesson
    found = day_opening(
        cohort=enrollment.cohort,
        enrollment=enrollment,
        day=task.day,
        overrides=enrollment.overrides.filter(lesson=None),
        last_day=last_day_of(enrollment.cohort.camp),
        at=at,
    )
    if not found.is_open:
        raise Locked(found)
