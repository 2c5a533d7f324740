"""Classes for tests."""

from datetime import UTC, datetime
from typing import Any

import factory
from factory.django import DjangoModelFactory

from kaiying.camps.models import Cohort
from kaiying.groups.models import ClassGroup, Membership, Post
from kaiying.groups.vocabulary import MemberKind
from kaiying.learning.models import Enrollment
from kaiying.people.models import User
from tests.factories.camps import CohortFactory, four_day_camp
from tests.factories.people import UserFactory

BEFORE_THE_CAMP = datetime(2026, 7, 15, 12, 30, tzinfo=UTC)
"""20:30 in Shanghai, on the evening before day 1 of the factories' cohort."""


class ClassGroupFactory(DjangoModelFactory[ClassGroup]):
    """Class 1 of a cohort."""

    class Meta:
        model = ClassGroup

    cohort = factory.SubFactory(CohortFactory)
    number = factory.Sequence(lambda n: n % 30_000 + 1)
    capacity = 100
    opened_at = BEFORE_THE_CAMP


class MembershipFactory(DjangoModelFactory[Membership]):
    """A place in a class; a learner's counts only with an enrollment, see ``seated``."""

    class Meta:
        model = Membership

    group = factory.SubFactory(ClassGroupFactory)
    user = factory.SubFactory(UserFactory)
    kind = MemberKind.LEARNER
    joined_at = BEFORE_THE_CAMP


class PostFactory(DjangoModelFactory[Post]):
    """A post at noon of day 2, by somebody who need not be in the class."""

    class Meta:
        model = Post

    group = factory.SubFactory(ClassGroupFactory)
    author = factory.SubFactory(UserFactory)
    body = "分母找到了。"
    key = factory.Sequence(lambda n: f"key-{n}")
    posted_at = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)


def class_of(cohort: Cohort | None = None, **facts: Any) -> ClassGroup:
    """Build a class of a four-day camp."""
    return ClassGroupFactory(cohort=cohort or CohortFactory(camp=four_day_camp()), **facts)


def enrolled(cohort: Cohort, user: User | None = None, **facts: Any) -> Enrollment:
    """Enroll someone in a cohort on the evening before it starts, without a class."""
    return Enrollment.objects.create(
        **{"cohort": cohort, "learner": user or UserFactory(), "enrolled_at": BEFORE_THE_CAMP, **facts}
    )


def seated(group: ClassGroup, user: User | None = None, **facts: Any) -> Enrollment:
    """Enroll someone and give them a place in this class."""
    enrollment = enrolled(group.cohort, user, **facts)
    MembershipFactory(group=group, user=enrollment.learner)
    return enrollment


def teacher_of(group: ClassGroup, kind: MemberKind = MemberKind.HEAD_TEACHER) -> User:
    """Give a class a head teacher (or mentor)."""
    return MembershipFactory(group=group, kind=kind).user
