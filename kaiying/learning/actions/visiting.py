"""Opening a lesson's page, and saying that one has read what cannot be watched."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from kaiying.camps.models import Lesson
from kaiying.learning.actions.beats import completed
from kaiying.learning.models import Enrollment, Progress
from kaiying.learning.vocabulary import NoLesson
from kaiying.outbox.actions import publish_all

VISIT = timedelta(minutes=20)
"""Whoever opens a lesson again so soon after opening or watching it has not come back: they never left."""


@transaction.atomic
def record_opening(*, enrollment: Enrollment, lesson: Lesson, at: datetime) -> Progress:
    """Note that the learner was seen, and count the opening if it begins a visit; reloading a page does not."""
    Enrollment.objects.filter(pk=enrollment.pk).update(last_seen_at=at)
    progress, is_new = Progress.objects.get_or_create(
        enrollment=enrollment, lesson=lesson, defaults={"opened_at": at, "opened_count": 1}
    )
    if not is_new:
        # Asked and counted in one statement: of two pages opened at once one counts.
        _away_since(at - VISIT).filter(pk=progress.pk).update(opened_count=F("opened_count") + 1, reopened_at=at)
    return progress


def _away_since(moment: datetime) -> QuerySet[Progress]:
    """Return the lessons that nobody opened or watched after ``moment``."""
    unwatched = Q(position_at=None) | Q(position_at__lte=moment)
    unopened = Q(reopened_at=None) | Q(reopened_at__lte=moment)
    return Progress.objects.filter(unwatched, unopened, opened_at__lte=moment)


@transaction.atomic
def mark_read(*, enrollment: Enrollment, lesson: Lesson, at: datetime) -> Progress:
    """Complete a lesson that has no video; reading it again changes nothing."""
    if lesson.length:
        raise NoLesson
    Enrollment.objects.locked().get(pk=enrollment.pk)
    progress, _new = Progress.objects.get_or_create(
        enrollment=enrollment, lesson=lesson, defaults={"opened_at": at, "opened_count": 1}
    )
    if progress.completed_at is None:
        progress.completed_at = at
        progress.save(update_fields=["completed_at"])
        publish_all(completed(enrollment=enrollment, lesson_id=lesson.pk))
    return progress
