"""Who sits in which class."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.utils.translation import override

from kaiying.camps.models import Staffing
from kaiying.camps.vocabulary import TeacherRole
from kaiying.groups.actions import seat_learner, seat_staff, unseat_learner
from kaiying.groups.actions.seating import place
from kaiying.groups.models import ClassGroup, Membership, class_name
from kaiying.groups.queries import entry_of
from kaiying.groups.tasks import seat_enrolled, settle
from kaiying.groups.vocabulary import MemberKind, NotEnrolled
from kaiying.outbox.models import Event
from tests.factories.camps import CampFactory, CohortFactory, TeacherFactory
from tests.factories.groups import ClassGroupFactory, enrolled, seated, teacher_of
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def staffing(cohort, role=TeacherRole.HEAD_TEACHER, user=None):
    return Staffing.objects.create(
        cohort=cohort, teacher=TeacherFactory(camp=cohort.camp, role=role), user=user or UserFactory()
    )


def sizes(cohort):
    found = Membership.objects.standing().learners().filter(group__cohort=cohort)
    return sorted(Counter(found.values_list("group", flat=True)).values())


def test_the_first_learner_opens_class_one_with_its_teachers(noon):
    cohort = CohortFactory(camp=CampFactory(class_capacity=40))
    head, mentor = staffing(cohort), staffing(cohort, TeacherRole.MENTOR)
    staffing(cohort, TeacherRole.LECTURER)

    membership = seat_learner(enrollment=enrolled(cohort), at=noon)

    group = membership.group
    assert (group.number, group.capacity, group.opened_at) == (1, 40, noon)
    assert dict(group.memberships.staff().values_list("user", "kind")) == {
        head.user_id: MemberKind.HEAD_TEACHER,
        mentor.user_id: MemberKind.MENTOR,
    }


def test_a_learner_sits_in_the_least_filled_class(noon):
    cohort = CohortFactory()
    full, roomy = ClassGroupFactory(cohort=cohort, number=1), ClassGroupFactory(cohort=cohort, number=2)
    seated(full)
    seated(full)
    seated(roomy)

    assert seat_learner(enrollment=enrolled(cohort), at=noon).group == roomy


def test_a_new_class_opens_when_all_are_full(noon):
    cohort = CohortFactory(camp=CampFactory(class_capacity=2))
    for _ in range(5):
        seat_learner(enrollment=enrolled(cohort), at=noon)

    assert sizes(cohort) == [1, 2, 2]
    assert sorted(ClassGroup.objects.values_list("number", flat=True)) == [1, 2, 3]


def test_seating_again_returns_the_same_place(noon):
    enrollment = enrolled(CohortFactory())

    first = seat_learner(enrollment=enrollment, at=noon)
    again = seat_learner(enrollment=enrollment, at=noon + timedelta(hours=1))

    assert again == first
    assert Membership.objects.count() == 1
    assert Event.objects.filter(name="groups.joined").count() == 1


def test_whose_enrollment_ended_gets_no_place(noon):
    with pytest.raises(NotEnrolled):
        seat_learner(enrollment=enrolled(CohortFactory(), ended_at=noon), at=noon)


def test_leaving_ends_access_and_open_streams_at_once(noon):
    group = ClassGroupFactory()
    enrollment = seated(group)

    assert unseat_learner(enrollment=enrollment, at=noon) is True

    assert entry_of(enrollment.learner, group) is None
    event = Event.objects.get(name="people.access_revoked")
    assert event.facts == {
        "user": enrollment.learner_id,
        "channels": [f"group:{group.pk}"],
        "media": [f"groups/{group.pk}/"],
    }
    assert unseat_learner(enrollment=enrollment, at=noon) is False


def test_who_comes_back_gets_a_place_again(noon):
    cohort = CohortFactory()
    enrollment = enrolled(cohort)
    seat_learner(enrollment=enrollment, at=noon)
    unseat_learner(enrollment=enrollment, at=noon)

    seat_learner(enrollment=enrollment, at=noon)

    assert Membership.objects.count() == 2
    assert Membership.objects.standing().count() == 1


def test_a_teacher_added_later_joins_every_class_and_a_former_one_leaves(noon):
    cohort = CohortFactory()
    groups = [ClassGroupFactory(cohort=cohort, number=number) for number in (1, 2)]
    former = teacher_of(groups[0])
    new = staffing(cohort)

    changed = seat_staff(cohort=cohort, at=noon)

    assert changed == 3
    assert [entry_of(new.user, group).is_staff for group in groups] == [True, True]
    assert entry_of(former, groups[0]) is None


def test_the_recurring_task_seats_lets_go_and_brings_teachers_and_then_rests(noon, django_assert_num_queries):
    cohort = CohortFactory(camp=CampFactory(class_capacity=3))
    waiting = [enrolled(cohort) for _ in range(4)]
    group = ClassGroupFactory(cohort=cohort, number=1, capacity=3)
    refunded = seated(group)
    refunded.ended_at = noon
    refunded.save()
    staffing(cohort)

    changed = settle(at=noon)

    assert changed == 4 + 1  # the second class opened with its teacher, who joined the first as well
    assert sizes(cohort) == [1, 3]
    assert Membership.objects.standing().staff().count() == 2
    assert Membership.objects.standing().filter(user__in=[one.learner for one in waiting]).count() == 4
    with django_assert_num_queries(4):
        assert settle(at=noon) == 0


def test_the_task_of_one_enrollment_is_harmless_twice_and_late(noon):
    enrollment = enrolled(CohortFactory())

    seat_enrolled.call(enrollment.pk)
    seat_enrolled.call(enrollment.pk)

    assert Membership.objects.count() == 1
    enrollment.ended_at = noon
    enrollment.save()
    seat_enrolled.call(enrollment.pk)


LEARNERS = 100


def rush(enrollments, act):
    """Let everyone in at once, in eight threads that begin together."""
    gate = threading.Barrier(8)

    def one(chunk):
        gate.wait()
        try:
            for enrollment in chunk:
                act(enrollment)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, [enrollments[start::8] for start in range(8)]))


@pytest.mark.django_db(transaction=True)
@pytest.mark.figures
def test_a_hundred_at_once_fill_the_classes_evenly_and_none_beyond_its_capacity(noon):
    cohort = CohortFactory(camp=CampFactory(class_capacity=30))
    for number in range(1, 5):
        ClassGroupFactory(cohort=cohort, number=number, capacity=30)
    enrollments = [enrolled(cohort) for _ in range(LEARNERS)]

    rush(enrollments, lambda enrollment: seat_learner(enrollment=enrollment, at=noon))

    found = sizes(cohort)
    print(f"\n{LEARNERS} learners at once, four classes of 30: {found}")
    assert found == [25, 25, 25, 25]


@pytest.mark.django_db(transaction=True)
def test_a_hundred_at_once_open_as_many_classes_as_needed(noon):
    cohort = CohortFactory(camp=CampFactory(class_capacity=30))
    enrollments = [enrolled(cohort) for _ in range(LEARNERS)]

    rush(enrollments, lambda enrollment: seat_learner(enrollment=enrollment, at=noon))

    assert sizes(cohort) == [10, 30, 30, 30]


def both_look_before_either_sits(enrollments, act):
    """Hold each thread before its seat is written until the other has looked as well, or half a second."""
    looked = threading.Barrier(2)

    def wait_before_sitting(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "groups_membership"'):
            with suppress(threading.BrokenBarrierError):
                looked.wait(timeout=0.5)
        return execute(sql, params, many, context)

    def one(enrollment):
        try:
            with connection.execute_wrapper(wait_before_sitting):
                act(enrollment)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, enrollments))


def one_place_left():
    cohort = CohortFactory(camp=CampFactory(class_capacity=1))
    ClassGroupFactory(cohort=cohort, number=1, capacity=1)
    return cohort, [enrolled(cohort), enrolled(cohort)]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_look_at_the_last_place_one_gets_it_and_the_other_a_new_class(noon):
    cohort, both = one_place_left()

    both_look_before_either_sits(both, lambda enrollment: seat_learner(enrollment=enrollment, at=noon))

    assert sizes(cohort) == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_the_twin_without_the_lock_overfills_the_class(noon):
    cohort, both = one_place_left()

    both_look_before_either_sits(both, lambda enrollment: place(enrollment=enrollment, cohort=cohort, at=noon))

    assert sizes(cohort) == [2]


def test_a_class_is_called_as_people_count():
    with override("zh-hans"):
        assert [class_name(number) for number in (1, 9, 10, 12, 20, 23, 99, 100)] == [
            *("一班", "九班", "十班", "十二班", "二十班", "二十三班", "九十九班", "100班")
        ]
    with override("en"):
        assert class_name(12) == "Class 12"
