"""Who may look into a class."""

import pytest
from django.contrib.auth.models import AnonymousUser

from kaiying.groups.queries import entry, entry_of, group_of, groups_of
from kaiying.groups.vocabulary import MemberKind
from kaiying.people.vocabulary import RoleKind
from tests.factories.groups import MembershipFactory, class_of, enrolled, seated, teacher_of
from tests.factories.people import RoleFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_members_come_in_and_teachers_as_staff():
    group = class_of()

    learner = entry(seated(group).learner, group.pk)
    head, mentor = entry(teacher_of(group), group.pk), entry(teacher_of(group, MemberKind.MENTOR), group.pk)

    assert (learner.is_learner, learner.is_staff) == (True, False)
    assert (head.is_staff, mentor.is_staff) == (True, True)


@pytest.mark.parametrize(
    ("kind", "comes_in"),
    [(RoleKind.OWNER, True), (RoleKind.OPERATOR, True), (RoleKind.HEAD_TEACHER, False), (RoleKind.MENTOR, False)],
)
def test_of_the_organizers_people_only_owners_and_operators_come_in(kind, comes_in):
    group = class_of()
    user = RoleFactory(organizer=group.cohort.camp.organizer, kind=kind).user

    found = entry(user, group.pk)

    assert (found is not None) is comes_in
    assert found is None or found.is_staff


def test_everyone_else_stays_out():
    group, other = class_of(), class_of()
    strangers = [
        UserFactory(),
        UserFactory(is_superuser=True, is_staff=True),
        seated(other).learner,
        teacher_of(other),
        RoleFactory(kind=RoleKind.OWNER).user,
        enrolled(group.cohort).learner,
        MembershipFactory(group=group).user,  # a place without an enrollment
        AnonymousUser(),
    ]

    assert [entry(user, group.pk) for user in strangers] == [None] * len(strangers)


def test_a_person_who_may_not_sign_in_stays_out():
    group = class_of()
    banned = seated(group, UserFactory(is_active=False)).learner

    assert entry_of(banned, group) is None


def test_an_ended_enrollment_ends_access_at_once_before_any_task_ran(noon):
    group = class_of()
    enrollment = seated(group)
    enrollment.ended_at = noon
    enrollment.save()

    assert entry_of(enrollment.learner, group) is None
    assert groups_of(enrollment.learner) == []


def test_there_is_no_way_into_a_class_that_is_not_there():
    assert entry(UserFactory(), 404) is None


def test_a_person_has_one_class_in_a_cohort():
    group = class_of()
    learner = seated(group).learner
    older = class_of()
    seated(older, learner)

    assert group_of(learner, group.cohort_id) == group
    assert group_of(learner, older.cohort_id) == older
    assert group_of(UserFactory(), group.cohort_id) is None


def test_looking_costs_two_queries_for_a_member_and_three_for_an_operator(django_assert_num_queries):
    group = class_of()
    learner, operator = seated(group).learner, RoleFactory(organizer=group.cohort.camp.organizer).user

    with django_assert_num_queries(2):
        entry(learner, group.pk)
    with django_assert_num_queries(3):
        entry(operator, group.pk)
