"""Who may look into a class: the one place that decides it."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import Combinable

from kaiying.groups.models import ClassGroup, Membership
from kaiying.groups.vocabulary import STAFF, MemberKind
from kaiying.learning.models import Enrollment
from kaiying.people.models import User
from kaiying.people.queries import can_operate


@dataclass(frozen=True, slots=True)
class Entry:
    """A person's way into a class: as a member, or as an operator of its organizer."""

    group: ClassGroup
    membership: Membership | None

    @property
    def is_staff(self) -> bool:
        """Tell whether this is a teacher of the class or an operator."""
        return self.membership is None or self.membership.kind in STAFF

    @property
    def is_learner(self) -> bool:
        """Tell whether this is a learner of the class."""
        return not self.is_staff

    @property
    def read_up_to(self) -> int:
        """The newest post this person has seen; an operator has no mark."""
        return self.membership.read_up_to if self.membership else 0


def sitting() -> Combinable:
    """Pick memberships that count: not left, and a learner's enrollment stands, whoever ended it and how."""
    enrolled = Enrollment.objects.standing().filter(cohort=OuterRef("group__cohort"), learner=OuterRef("user"))
    return Q(left_at=None) & (~Q(kind=MemberKind.LEARNER) | Exists(enrolled))


def entry_of(user: User, group: ClassGroup) -> Entry | None:
    """Return this person's way into the class, or None; one query for members, two for others."""
    if not user.is_authenticated or not user.is_active:
        return None
    membership = Membership.objects.filter(sitting(), group=group, user=user).first()
    if membership is not None:
        return Entry(group, membership)
    return Entry(group, None) if can_operate(user, group.cohort.camp.organizer) else None


def entry(user: User, pk: int) -> Entry | None:
    """Return this person's way into class ``pk``, or None: also when there is no such class."""
    group = ClassGroup.objects.select_related("cohort__camp__organizer").filter(pk=pk).first()
    return entry_of(user, group) if group else None


def groups_of(user: User, cohort_id: int | None = None) -> list[ClassGroup]:
    """Return the classes a person sits in, newest cohort first."""
    found = Membership.objects.filter(sitting(), user=user).select_related("group__cohort__camp__organizer")
    if cohort_id is not None:
        found = found.filter(group__cohort=cohort_id)
    return [membership.group for membership in found.order_by("-group__cohort__starts_on", "group__number")]


def group_of(user: User, cohort_id: int) -> ClassGroup | None:
    """Return the class a person sits in in one cohort, or None."""
    return next(iter(groups_of(user, cohort_id)), None)
