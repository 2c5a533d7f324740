"""Giving a learner a place in a cohort, and ending it."""

from datetime import datetime
from posixpath import dirname

from django.db import IntegrityError, transaction

from kaiying.camps.models import Cohort, Lesson
from kaiying.learning.actions.beats import START
from kaiying.learning.models import Enrollment
from kaiying.outbox.actions import publish
from kaiying.people.models import User


@transaction.atomic
def enroll(*, cohort: Cohort, learner: User, at: datetime, source: str = "") -> Enrollment:
    """Give ``learner`` a place in ``cohort``; asking again changes nothing.

    Whoever left and comes back gets the old place back with everything in it.
    """
    rows = Enrollment.objects.filter(cohort=cohort, learner=learner)
    standing = rows.standing().first()
    if standing is not None:
        return standing
    ended = rows.locked().last()
    try:
        with transaction.atomic():
            enrollment = _reinstate(ended, source) if ended else _begin(cohort, learner, at, source)
    except IntegrityError:  # the same learner, enrolled by somebody else a moment ago
        return rows.standing().get()
    publish(
        "learning.enrolled",
        channel=f"cohort:{cohort.pk}",
        cohort=cohort.pk,
        enrollment=enrollment.pk,
        learner=learner.pk,
        reinstated=ended is not None,
    )
    return enrollment


@transaction.atomic
def end_enrollment(*, enrollment: Enrollment, at: datetime, reason: str = "left") -> Enrollment:
    """End a learner's place: pages, video and progress shut at once; ending again changes nothing.

    ``reason`` is a word for the log: ``left``, ``refunded``.
    """
    current = Enrollment.objects.select_related("cohort__camp").locked().get(pk=enrollment.pk)
    if current.ended_at is not None:
        return current
    current.ended_at = at
    current.save(update_fields=["ended_at"])
    publish(
        "learning.enrollment_ended",
        channel=f"cohort:{current.cohort_id}",
        cohort=current.cohort_id,
        enrollment=current.pk,
        learner=current.learner_id,
        reason=reason,
    )
    # What was handed out before is signed, not looked up; the gate must hear that it is void.
    publish(
        "people.access_revoked",
        channel=f"learner:{current.learner_id}",
        user=current.learner_id,
        channels=[f"cohort:{current.cohort_id}"],
        media=_folders(current.cohort),
    )
    return current


def _begin(cohort: Cohort, learner: User, at: datetime, source: str) -> Enrollment:
    return Enrollment.objects.create(
        cohort=cohort, learner=learner, source=source, enrolled_at=at, credit=START, credit_at=at
    )


def _reinstate(ended: Enrollment, source: str) -> Enrollment:
    ended.ended_at = None
    ended.source = source or ended.source
    ended.save(update_fields=["ended_at", "source"])
    return ended


def _folders(cohort: Cohort) -> list[str]:
    """Return the folders that hold the videos of the cohort's lessons and the pictures of its texts."""
    videos = Lesson.objects.filter(camp_id=cohort.camp_id).exclude(video="").values_list("video", flat=True)
    paths = [*videos, *cohort.camp.media.values()]
    return sorted({f"{dirname(path)}/" for path in paths if dirname(path)})
