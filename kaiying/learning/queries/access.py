"""Who may see a lesson: the one question behind its page, video, captions, notes and beats."""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db.models import Max

from kaiying.camps.models import Camp, Cohort, Day, Lesson, Staffing
from kaiying.learning.models import Enrollment, Override
from kaiying.learning.queries.unlock import opening
from kaiying.learning.vocabulary import Locked, NoLesson, Opening, Why
from kaiying.people.models import User
from kaiying.people.queries import can_supervise

HIDDEN = frozenset({Why.NOT_ENROLLED, Why.ENDED, Why.RETIRED})


@dataclass(frozen=True, slots=True)
class LessonAccess:
    """The right to see one lesson; without an enrollment (staff, visitors of a preview) nothing is recorded."""

    cohort: Cohort
    lesson: Lesson
    opening: Opening
    enrollment: Enrollment | None = None
    overrides: list[Override] = field(default_factory=list)


def access_lesson(*, user: User | AnonymousUser, cohort_slug: str, ref: str, at: datetime) -> LessonAccess:
    """Return the access of ``user`` to a lesson; raises ``NoLesson`` or ``Locked``.

    A lesson one may not know of and one that is not there are the same. A locked one says when and why.
    """
    cohort = Cohort.objects.select_related("camp__organizer").filter(slug=cohort_slug).first()
    if cohort is None or not isinstance(user, User):
        raise NoLesson
    lesson = Lesson.objects.select_related("teacher").filter(camp_id=cohort.camp_id, ref=ref).first()
    if lesson is None:
        raise NoLesson
    enrollment = enrollment_in(cohort=cohort, user=user, at=at)
    overrides = list(enrollment.overrides.all()) if enrollment else []
    found = opening(
        cohort=cohort,
        enrollment=enrollment,
        lesson=lesson,
        overrides=overrides,
        last_day=last_day_of(cohort.camp),
        at=at,
    )
    if enrollment is None and found.why is not Why.RETIRED and is_staff(user=user, cohort=cohort):
        found = Opening(Why.STAFF)
    if found.why in HIDDEN or (enrollment is None and found.why is Why.PREVIEW):
        raise NoLesson
    if not found.is_open:
        raise Locked(found, cohort=cohort, lesson=lesson)
    return LessonAccess(cohort, lesson, found, enrollment, overrides)


def access_preview(*, cohort_slug: str, ref: str, at: datetime) -> LessonAccess:
    """Return anyone's access to a lesson its author shows to visitors; raises ``NoLesson``."""
    cohort = Cohort.objects.select_related("camp__organizer").filter(slug=cohort_slug).first()
    if cohort is None:
        raise NoLesson
    shown = Lesson.objects.select_related("teacher").filter(camp_id=cohort.camp_id, is_preview=True)
    lesson = shown.filter(ref=ref).first()
    if lesson is None or (lesson.retired_at is not None and lesson.retired_at <= at):
        raise NoLesson
    return LessonAccess(cohort, lesson, Opening(Why.PREVIEW))


def enrollment_in(*, cohort: Cohort, user: User, at: datetime) -> Enrollment | None:
    """Return the person's enrollment as it stood at ``at``, without another query for its cohort."""
    rows = Enrollment.objects.filter(cohort=cohort, learner=user, enrolled_at__lte=at)
    enrollment = rows.order_by("-enrolled_at", "-pk").first()
    if enrollment is None or (enrollment.ended_at is not None and enrollment.ended_at <= at):
        return None
    enrollment.cohort = cohort
    return enrollment


def enrollment_for(*, user: User | AnonymousUser, cohort_slug: str, at: datetime) -> Enrollment:
    """Return the person's standing enrollment in a cohort; raises ``NoLesson`` when they have none."""
    cohort = Cohort.objects.select_related("camp__organizer").filter(slug=cohort_slug).first()
    enrollment = enrollment_in(cohort=cohort, user=user, at=at) if cohort and isinstance(user, User) else None
    if enrollment is None:
        raise NoLesson
    return enrollment


def is_staff(*, user: User, cohort: Cohort) -> bool:
    """Tell whether the person teaches, supervises or runs this cohort."""
    if Staffing.objects.filter(cohort=cohort, user=user).exists():
        return True
    return can_supervise(user, cohort.camp.organizer)


def last_day_of(camp: Camp) -> int:
    """Return the number of the camp's last day."""
    found = Day.objects.filter(camp=camp).aggregate(last=Max("number"))["last"]
    return int(found or 1)
