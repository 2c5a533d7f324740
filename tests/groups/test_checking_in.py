"""A learner's check-in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import connection

from kaiying.camps.vocabulary import TaskKind, UnlockClock
from kaiying.groups.actions import check_in, remove_post
from kaiying.groups.models import CheckIn, Post
from kaiying.groups.queries import checked_in
from kaiying.groups.vocabulary import CampOver, DayNotOpen, NotACheckIn, NothingSaid, NotInClass, PostKind
from kaiying.outbox.models import Event
from tests.factories.camps import CohortFactory, TaskFactory, four_day_camp
from tests.factories.groups import MembershipFactory, class_of, seated, teacher_of
from tests.factories.learning import OverrideFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def group():
    return class_of()


def task_of(group, day, kind=TaskKind.CHECK_IN):
    return group.cohort.camp.tasks.get(day=day, kind=kind)


def do(group, learner, at, day=2, **facts):
    return check_in(
        **{"task": task_of(group, day), "learner": learner, "group": group, "text": "分母是看到的人", "at": at, **facts}
    )


def test_a_check_in_is_a_post_and_is_told_to_class_and_learner(group, noon):
    enrollment = seated(group)

    done = do(group, enrollment.learner, noon)

    assert (done.day, done.at, done.is_late) == (2, noon, False)
    assert (done.post.kind, done.post.body, done.post.group) == (PostKind.CHECK_IN, "分母是看到的人", group)
    assert checked_in(enrollment) == {done.task_id}
    assert {(event.name, event.channel.partition(":")[0]) for event in Event.objects.all()} == {
        ("groups.posted", "group"),
        ("groups.checked_in", "group"),
        ("groups.checked_in", "learner"),
    }


def test_a_task_is_checked_in_once_and_the_first_text_stays(group, noon):
    learner = seated(group).learner

    first = do(group, learner, noon)
    again = do(group, learner, noon, text="换一句")

    assert again == first
    assert (CheckIn.objects.count(), Post.objects.count()) == (1, 1)


def test_the_day_opens_at_its_second_and_not_before(group):
    learner = seated(group).learner
    opens_at = group.cohort.opens_at(2)

    with pytest.raises(DayNotOpen):
        do(group, learner, opens_at - timedelta(seconds=1))
    do(group, learner, opens_at)

    assert CheckIn.objects.count() == 1


def test_after_the_deadline_it_counts_and_is_marked_late(group):
    due_at = group.cohort.due_at(1)

    assert do(group, seated(group).learner, due_at, day=1).is_late is False
    assert do(group, seated(group).learner, due_at + timedelta(seconds=1), day=1).is_late is True


def test_who_joined_late_has_a_day_to_catch_up(group, noon):
    late_joiner = seated(group, enrolled_at=noon - timedelta(hours=1))

    assert do(group, late_joiner.learner, noon, day=1).is_late is False


def test_an_override_opens_the_day_for_one_learner(group, noon):
    enrollment, other = seated(group), seated(group)
    OverrideFactory(enrollment=enrollment, day=4, opens_at=noon - timedelta(hours=1))

    assert do(group, enrollment.learner, noon, day=4).day == 4
    with pytest.raises(DayNotOpen):
        do(group, other.learner, noon, day=4)


def test_by_the_personal_clock_day_two_is_the_day_after_enrolling(noon):
    group = class_of(CohortFactory(camp=four_day_camp(), clock=UnlockClock.PERSONAL, starts_on=date(2026, 7, 1)))
    yesterday, today = seated(group, enrolled_at=noon - timedelta(days=1)), seated(group, enrolled_at=noon)

    assert do(group, yesterday.learner, noon).is_late is False
    with pytest.raises(DayNotOpen):
        do(group, today.learner, noon)


def test_after_the_last_day_to_watch_again_the_camp_is_over(group):
    with pytest.raises(CampOver):
        do(group, seated(group).learner, group.cohort.opens_at(1) + timedelta(days=60))


def test_other_tasks_and_other_people_do_not_check_in(group, noon):
    learner = seated(group).learner
    elsewhere = TaskFactory(day=1)
    submission = task_of(group, 1, TaskKind.SUBMISSION)

    for task in (elsewhere, submission):
        with pytest.raises(NotACheckIn):
            check_in(task=task, learner=learner, group=group, text="x", at=noon)
    for person in (UserFactory(), teacher_of(group), seated(class_of()).learner):
        with pytest.raises(NotInClass):
            do(group, person, noon)
    with pytest.raises(NothingSaid):
        do(group, learner, noon, text=" ")
    assert CheckIn.objects.count() == 0


def test_a_check_in_stays_done_when_its_post_is_removed(group, noon):
    enrollment = seated(group)
    done = do(group, enrollment.learner, noon)

    remove_post(post=done.post, by=teacher_of(group), at=noon)

    assert checked_in(enrollment) == {done.task_id}


def test_a_check_in_of_an_earlier_class_counts(group, noon):
    enrollment = seated(group)
    done = do(group, enrollment.learner, noon)
    other = class_of(group.cohort)
    group.memberships.update(left_at=noon)
    MembershipFactory(group=other, user=enrollment.learner)

    assert do(other, enrollment.learner, noon) == done


@pytest.mark.django_db(transaction=True)
def test_pressed_in_eight_tabs_at_once_it_is_one_check_in(noon):
    group = class_of()
    learner = seated(group).learner

    def press(_tab):
        try:
            do(group, learner, noon)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(press, range(8)))

    assert (CheckIn.objects.count(), Post.objects.count()) == (1, 1)
    assert Event.objects.filter(name="groups.checked_in", channel=f"group:{group.pk}").count() == 1
