"""Who is in a class."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kaiying.groups.models import ClassGroup, Membership
from kaiying.learning.models import Enrollment

ONLINE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Roster:
    """The people of a class: staff as memberships, learners as enrollments, each with its ``learner``."""

    staff: tuple[Membership, ...]
    learners: tuple[Enrollment, ...]

    def online(self, at: datetime) -> int:
        """Count the learners seen within the last minutes."""
        return sum(is_online(enrollment, at) for enrollment in self.learners)

    @property
    def count(self) -> int:
        """Everyone in the class."""
        return len(self.staff) + len(self.learners)


def is_online(enrollment: Enrollment, at: datetime) -> bool:
    """Tell whether a learner was seen within the last minutes."""
    return enrollment.last_seen_at is not None and timedelta(0) <= at - enrollment.last_seen_at <= ONLINE


def learners_of(group: ClassGroup) -> tuple[Enrollment, ...]:
    """Return the learners of a class by their standing enrollments, in the order they came; one query."""
    seated = Membership.objects.standing().learners().filter(group=group).values("user")
    standing = Enrollment.objects.standing().filter(cohort=group.cohort_id, learner__in=seated)
    return tuple(standing.select_related("learner").order_by("enrolled_at", "pk"))


def staff_of(group: ClassGroup) -> tuple[Membership, ...]:
    """Return the head teachers, then the mentors; one query."""
    return tuple(
        Membership.objects.standing().staff().filter(group=group).select_related("user").order_by("kind", "pk")
    )


def roster(group: ClassGroup) -> Roster:
    """Return everyone in the class; two queries."""
    return Roster(staff_of(group), learners_of(group))


def staff_ids(staff: Iterable[Membership]) -> frozenset[int]:
    """Return whose words stand out as a teacher's."""
    return frozenset(membership.user_id for membership in staff)
