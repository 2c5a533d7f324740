"""What the classes do without being asked: seat who enrolled, let go who left, count for the head teacher."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.tasks import task

from kaiying.camps.models import Cohort, Staffing
from kaiying.camps.vocabulary import TeacherRole
from kaiying.groups.actions import count_contacts, seat_learner, seat_staff, unseat_learner
from kaiying.groups.models import ClassGroup, Membership
from kaiying.groups.vocabulary import MemberKind, NotEnrolled
from kaiying.kit import periods
from kaiying.learning.models import Enrollment
from kaiying.outbox.actions import every
from kaiying.wire import clock

MOST = 500
RECENT = timedelta(days=120)


@task
def seat_enrolled(enrollment_id: int) -> None:
    """Seat one enrollment in a class."""
    enrollment = Enrollment.objects.get(pk=enrollment_id)
    try:
        seat_learner(enrollment=enrollment, at=clock.now())
    except NotEnrolled:
        return


@every(5)
@task
def seat_new_learners() -> None:
    """Seat everyone who enrolled and has no class, let go whoever's enrollment ended, and bring in new teachers."""
    settle(at=clock.now())


def settle(*, at: datetime) -> int:
    """Bring the classes in step with enrollments and staff; returns how many places changed. Repeating is free."""
    changed = 0
    enrolled = Enrollment.objects.standing().filter(cohort=OuterRef("group__cohort"), learner=OuterRef("user"))
    left = Membership.objects.standing().learners().filter(~Exists(enrolled)).select_related("group")
    for membership in left[:MOST]:
        gone = (
            Enrollment.objects.filter(cohort=membership.group.cohort_id, learner=membership.user_id)
            .order_by("-pk")
            .first()
        )
        changed += gone is not None and unseat_learner(enrollment=gone, at=at)
    place = Membership.objects.filter(left_at=None, group__cohort=OuterRef("cohort"), user=OuterRef("learner"))
    for enrollment in Enrollment.objects.standing().filter(~Exists(place)).order_by("pk")[:MOST]:
        try:
            seat_learner(enrollment=enrollment, at=at)
        except NotEnrolled:
            continue
        changed += 1
    for cohort in _cohorts_with_other_staff():
        changed += seat_staff(cohort=cohort, at=at)
    return changed


def _cohorts_with_other_staff() -> list[Cohort]:
    """Return the cohorts whose classes lack a teacher of theirs, or keep one who left; two queries."""
    classes = ClassGroup.objects.filter(cohort=OuterRef("cohort"))
    here = Membership.objects.standing().filter(group=OuterRef("pk"), user=OuterRef(OuterRef("user")))
    lacking = Staffing.objects.filter(
        Exists(classes.filter(~Exists(here))), teacher__role__in=[TeacherRole.HEAD_TEACHER, TeacherRole.MENTOR]
    ).values_list("cohort", flat=True)
    staffing = Staffing.objects.filter(cohort=OuterRef("group__cohort"), user=OuterRef("user"))
    former = Membership.objects.standing().exclude(kind=MemberKind.LEARNER).filter(~Exists(staffing))
    known = {*lacking, *former.values_list("group__cohort", flat=True)}
    return list(Cohort.objects.filter(pk__in=known).select_related("camp")) if known else []


@every(60 * 60)
@task
def count_contacts_of_running_classes() -> None:
    """Keep, for each class of a running cohort, how many learners had to be contacted today."""
    at = clock.now()
    for group in ClassGroup.objects.filter(cohort__starts_on__gte=(at - RECENT).date()).select_related("cohort__camp"):
        if periods.day_in(at, group.cohort.zone) >= group.cohort.starts_on:
            count_contacts(group=group, at=at)
