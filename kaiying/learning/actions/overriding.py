"""A person decides that a lesson or a day opens at another time for one learner."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from kaiying.camps.models import Lesson
from kaiying.learning.models import Enrollment, Override
from kaiying.learning.vocabulary import ReasonMissing
from kaiying.outbox.actions import publish
from kaiying.people.models import User

LONGEST_REASON = 200


@transaction.atomic
def override_unlock(
    *,
    enrollment: Enrollment,
    opens_at: datetime,
    reason: str,
    by: User,
    at: datetime,
    lesson: Lesson | None = None,
    day: int | None = None,
) -> Override:
    """Let one lesson, or one day, open at ``opens_at``; it replaces an earlier decision on the same thing."""
    if (lesson is None) == (day is None):
        message = "an override is for a lesson or for a day"
        raise ValueError(message)
    if lesson is not None and lesson.camp_id != enrollment.cohort.camp_id:
        message = "the lesson is of another camp"
        raise ValueError(message)
    if not reason.strip():
        raise ReasonMissing
    Enrollment.objects.locked().get(pk=enrollment.pk)
    enrollment.overrides.filter(lesson=lesson, day=day, withdrawn_at=None).update(withdrawn_at=at)
    override = Override.objects.create(
        enrollment=enrollment,
        lesson=lesson,
        day=day,
        opens_at=opens_at,
        reason=reason.strip()[:LONGEST_REASON],
        by=by,
        at=at,
    )
    _tell(override)
    return override


@transaction.atomic
def withdraw_override(*, override: Override, at: datetime) -> Override:
    """Go back to the clock; withdrawing again changes nothing."""
    current = Override.objects.select_for_update().select_related("enrollment__cohort").get(pk=override.pk)
    if current.withdrawn_at is None:
        current.withdrawn_at = at
        current.save(update_fields=["withdrawn_at"])
        _tell(current)
    return current


def _tell(override: Override) -> None:
    learner = override.enrollment.learner_id
    publish(
        "learning.unlock_changed",
        channel=f"learner:{learner}",
        cohort=override.enrollment.cohort_id,
        lesson=override.lesson_id,
        day=override.day,
    )
    # It may have shut what was open: passes handed out before are void, a reloaded page gets new ones.
    publish("people.access_revoked", channel=f"learner:{learner}", user=learner, channels=[], media=_files(override))


def _files(override: Override) -> list[str]:
    camp_id = override.enrollment.cohort.camp_id
    which = Q(pk=override.lesson_id) if override.lesson_id else Q(camp_id=camp_id, day=override.day)
    lessons = list(Lesson.objects.filter(which).only("video", "captions", "poster", "body"))
    words = "".join(text for one in lessons for text in one.body.values())
    pictures = [path for name, path in override.enrollment.cohort.camp.media.items() if name in words]
    return [path for one in lessons for path in (one.video, one.poster, *one.captions.values()) if path] + pictures
