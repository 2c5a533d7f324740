"""Opening a lesson's page, and saying that one has read what cannot be watched."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from kaiying.camps.models import Lesson
from kaiying.learning.models import Enrollment, Progress
from kaiying.learning.vocabulary import NoLesson
from kaiying.outbox.actions import publish


@transaction.atomic
def record_opening(*, enrollment: Enrollment, lesson: Lesson, at: datetime) -> Progress:
    """Count that the learner opened the lesson and was seen."""
    Enrollment.objects.filter(pk=enrollment.pk).update(last_seen_at=at)
    progress, is_new = Progress.objects.get_or_create(
        enrollment=enrollment, lesson=lesson, defaults={"opened_at": at, "opened_count": 1}
    )
    if not is_new:
        Progress.objects.filter(pk=progress.pk).update(opened_count=F("opened_count") + 1)
    return progress


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
        publish(
            "learning.lesson_completed",
            channel=f"cohort:{enrollment.cohort_id}",
            enrollment=enrollment.pk,
            learner=enrollment.learner_id,
            lesson=lesson.pk,
        )
    return progress
