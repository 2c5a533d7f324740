"""Who sits in which class."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q

from kaiying.camps.models import Cohort, Staffing
from kaiying.camps.vocabulary import TeacherRole
from kaiying.groups.models import ClassGroup, Membership
from kaiying.groups.vocabulary import MemberKind, NotEnrolled
from kaiying.learning.models import Enrollment
from kaiying.outbox.actions import publish

STAFF_KIND = {TeacherRole.HEAD_TEACHER.value: MemberKind.HEAD_TEACHER, TeacherRole.MENTOR.value: MemberKind.MENTOR}


@transaction.atomic
def seat_learner(*, enrollment: Enrollment, at: datetime) -> Membership:
    """Give the learner a place in the least filled class of their cohort; a new class opens when all are full.

    Seating again returns the place they have. Raises ``NotEnrolled`` when the enrollment has ended.
    """
    # The cohort stands for all its classes: the first learner has no class row to lock.
    cohort = (
        Cohort.objects.select_for_update(no_key=True, of=("self",)).select_related("camp").get(pk=enrollment.cohort_id)
    )
    return place(enrollment=enrollment, cohort=cohort, at=at)


def place(*, enrollment: Enrollment, cohort: Cohort, at: datetime) -> Membership:
    """Find or make the place; the caller holds the cohort's lock."""
    if not Enrollment.objects.standing().filter(pk=enrollment.pk).exists():
        raise NotEnrolled
    standing = Membership.objects.standing().filter(group__cohort=cohort, user=enrollment.learner_id)
    if (seated := standing.select_related("group").first()) is not None:
        return seated
    group = _roomiest(cohort) or open_class(cohort=cohort, at=at)
    membership = Membership.objects.create(group=group, user_id=enrollment.learner_id, joined_at=at)
    publish("groups.seated", channel=f"learner:{enrollment.learner_id}", group=group.pk)
    publish("groups.joined", channel=f"group:{group.pk}", user=enrollment.learner_id)
    return membership


def _roomiest(cohort: Cohort) -> ClassGroup | None:
    seated = Count("memberships", filter=Q(memberships__left_at=None, memberships__kind=MemberKind.LEARNER))
    groups = ClassGroup.objects.filter(cohort=cohort).annotate(seated=seated).order_by("seated", "number")
    return next((group for group in groups if group.seated < group.capacity), None)


@transaction.atomic
def open_class(*, cohort: Cohort, at: datetime) -> ClassGroup:
    """Open the next class of a cohort, with its teachers in it."""
    number = ClassGroup.objects.filter(cohort=cohort).count() + 1
    group = ClassGroup.objects.create(cohort=cohort, number=number, capacity=cohort.camp.class_capacity, opened_at=at)
    seat_staff(cohort=cohort, at=at)
    return group


@transaction.atomic
def seat_staff(*, cohort: Cohort, at: datetime) -> int:
    """Make the cohort's head teachers and mentors members of each of its classes, and let former ones go.

    Returns how many places changed.
    """
    groups = list(ClassGroup.objects.select_for_update(no_key=True).filter(cohort=cohort).values_list("pk", flat=True))
    wanted: dict[int, MemberKind] = {}
    for user, role in Staffing.objects.filter(cohort=cohort).values_list("user", "teacher__role"):
        # A head teacher who is also a mentor sees the class as its head teacher.
        if role in STAFF_KIND and wanted.get(user) != MemberKind.HEAD_TEACHER:
            wanted[user] = STAFF_KIND[role]
    standing = Membership.objects.standing().filter(group__in=groups)
    there = {(group, user) for group, user in standing.values_list("group", "user")}
    new = [
        Membership(group_id=group, user_id=user, kind=kind, joined_at=at)
        for group in groups
        for user, kind in wanted.items()
        if (group, user) not in there
    ]
    Membership.objects.bulk_create(new)
    former = list(standing.staff().exclude(user__in=wanted).select_related("group"))
    for membership in former:
        leave(membership=membership, at=at)
    return len(new) + len(former)


@transaction.atomic
def unseat_learner(*, enrollment: Enrollment, at: datetime) -> bool:
    """Take the learner out of their class; False when they had no place. Open pages and pictures close at once."""
    standing = Membership.objects.standing().learners().select_for_update(of=("self",))
    membership = (
        standing.filter(group__cohort=enrollment.cohort_id, user=enrollment.learner_id).select_related("group").first()
    )
    if membership is None:
        return False
    leave(membership=membership, at=at)
    return True


def leave(*, membership: Membership, at: datetime) -> None:
    """End a membership, and with it the streams and pictures its passes open."""
    membership.left_at = at
    membership.save(update_fields=["left_at"])
    group, user = membership.group_id, membership.user_id
    publish("groups.left", channel=f"group:{group}", user=user)
    publish(
        "people.access_revoked",
        channel=f"learner:{user}",
        user=user,
        channels=[f"group:{group}"],
        media=[f"groups/{group}/"],
    )
