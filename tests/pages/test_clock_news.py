"""What learners are told by the clock, once each."""

import threading
from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection, transaction

from kaiying.camps.models import Message
from kaiying.groups.models import CheckIn
from kaiying.kit import periods
from kaiying.learning.actions import end_enrollment, hand_in, override_unlock
from kaiying.learning.models import Enrollment
from kaiying.notices.models import Notice
from kaiying.outbox.models import Job
from kaiying.pages.actions import tell_finished, tell_open_days
from tests.factories.camps import CohortFactory, four_day_camp
from tests.factories.groups import ClassGroupFactory, MembershipFactory, PostFactory, enrolled
from tests.factories.people import UserFactory

ZONE = "Asia/Shanghai"
MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


def at(day: int, clock: str) -> datetime:
    """Return a moment of July 2026 by the clocks of Shanghai; the cohort's day 1 is the 16th."""
    return periods.moment(date(2026, 7, 15) + day * timedelta(days=1), time.fromisoformat(clock), ZONE)


@pytest.fixture
def cohort():
    return CohortFactory(camp=four_day_camp())


def a_learner(cohort, **facts):
    return enrolled(cohort, UserFactory(name="Wang", language="en", **facts))


def told(kind="learning.day_open"):
    return list(Notice.objects.filter(kind__startswith=kind).order_by("pk"))


def test_a_day_is_told_once_when_it_opens_in_each_learners_language(cohort):
    a_learner(cohort)
    enrolled(cohort, UserFactory(language="zh-hans"))

    assert tell_open_days(at=at(2, "07:59")) == 0
    assert tell_open_days(at=at(2, "08:00")) == 2
    assert tell_open_days(at=at(2, "08:01")) == 0

    assert [(notice.title, notice.url) for notice in told()] == [
        ("Day 2 is open", f"/learn/{cohort.slug}/"),
        ("第 2 天的课开了", f"/learn/{cohort.slug}/"),
    ]
    assert told()[0].body == "Begin with “Lesson l3”. The lessons take about 6 minutes."
    assert Job.objects.filter(task__endswith="mail_notice").count() == 2


def test_the_camps_own_words_go_first(cohort):
    Message.objects.create(
        camp=cohort.camp,
        ref="day-open",
        subject={"zh-hans": "第 {day} 天", "en": "Day {day}"},
        body={"zh-hans": "{name}", "en": "{name}, {camp}: “{lesson}”, {minutes}"},
    )
    a_learner(cohort)

    tell_open_days(at=at(1, "08:00"))

    assert (told()[0].title, told()[0].body) == ("Day 1", "Wang, Test camp: “Lesson l1”, 4")


def test_what_opens_at_night_is_told_at_eight(cohort):
    cohort.unlock_at = time(0, 30)
    cohort.save()
    a_learner(cohort)

    assert tell_open_days(at=at(2, "07:59")) == 0
    assert tell_open_days(at=at(2, "08:00")) == 1


def test_what_opens_at_seven_is_told_at_seven(cohort):
    cohort.unlock_at = time(7)
    cohort.save()
    a_learner(cohort)

    assert tell_open_days(at=at(2, "07:00")) == 1


def test_a_worker_that_was_away_for_a_day_does_not_tell_old_news(cohort):
    a_learner(cohort)

    assert tell_open_days(at=at(2, "18:00")) == 0
    assert tell_open_days(at=at(2, "17:59")) == 1


def test_who_joins_when_the_day_is_open_or_has_left_hears_nothing(cohort):
    gone = a_learner(cohort)
    end_enrollment(enrollment=gone, at=at(1, "12:00"), reason="refunded")
    late = a_learner(cohort)
    Enrollment.objects.filter(pk=late.pk).update(enrolled_at=at(2, "09:00"))

    assert tell_open_days(at=at(2, "09:01")) == 0
    assert tell_open_days(at=at(3, "08:00")) == 1
    assert told()[0].user == late.learner


def test_a_day_that_was_put_off_for_a_learner_is_not_said_to_be_open(cohort):
    enrollment = a_learner(cohort)
    override_unlock(
        enrollment=enrollment, day=2, opens_at=at(3, "08:00"), reason="Ill", by=UserFactory(), at=at(1, "12:00")
    )

    assert tell_open_days(at=at(2, "08:00")) == 0


def test_by_the_personal_clock_each_hears_on_their_own_day(cohort):
    cohort.clock = "personal"
    cohort.save()
    first, second = a_learner(cohort), a_learner(cohort)
    Enrollment.objects.filter(pk=first.pk).update(enrolled_at=at(10, "21:00"))
    Enrollment.objects.filter(pk=second.pk).update(enrolled_at=at(11, "00:10"))

    assert [tell_open_days(at=at(day, "08:00")) for day in (10, 11, 12, 13, 14, 15)] == [0, 1, 2, 2, 1, 0]
    for enrollment in (first, second):
        mine = [notice.title for notice in told() if notice.user_id == enrollment.learner_id]
        assert mine == ["Day 2 is open", "Day 3 is open", "Day 4 is open"]


@pytest.mark.parametrize("count", [1, 40])
def test_each_learner_costs_a_few_statements_and_the_rest_is_shared(cohort, count, django_assert_max_num_queries):
    for _ in range(count):
        a_learner(cohort)

    with django_assert_max_num_queries(12 + 6 * count):
        assert tell_open_days(at=at(1, "08:00")) == count


def do_everything(cohort, enrollment, *, but=0):
    group = ClassGroupFactory(cohort=cohort)
    MembershipFactory(group=group, user=enrollment.learner)
    tasks = list(cohort.camp.tasks.exclude(kind="watch").order_by("day", "position"))
    for task in tasks[: len(tasks) - but]:
        if task.kind == "submission":
            hand_in(enrollment=enrollment, task=task, text="done", at=at(4, "20:00"))
        else:
            post = PostFactory(group=group, author=enrollment.learner)
            CheckIn.objects.create(
                group=group,
                learner=enrollment.learner,
                task=task,
                day=task.day,
                post=post,
                due_at=at(4, "23:59"),
                at=at(4, "20:00"),
            )


def test_who_has_handed_in_everything_is_told_once(cohort):
    enrollment = a_learner(cohort)
    do_everything(cohort, enrollment)

    assert tell_finished(at=at(4, "19:59")) == 0
    assert tell_finished(at=at(4, "20:00")) == 1
    assert tell_finished(at=at(5, "20:00")) == 0

    [notice] = told("learning.finished")
    assert notice.title == "Everything is handed in"
    assert notice.body == "You have done every check-in and task of Test camp. Lessons stay open until 18 August."


def test_the_camps_words_say_until_when(cohort):
    Message.objects.create(
        camp=cohort.camp, ref="finished", subject={"en": "All in, {name}"}, body={"en": "{camp} until {until}"}
    )
    do_everything(cohort, a_learner(cohort))

    tell_finished(at=at(4, "20:00"))

    [notice] = told("learning.finished")
    assert (notice.title, notice.body) == ("All in, Wang", "Test camp until 18 August")


def test_with_one_task_missing_nobody_is_told(cohort):
    do_everything(cohort, a_learner(cohort), but=1)

    assert tell_finished(at=at(5, "20:00")) == 0


def test_after_watching_again_has_ended_nobody_is_told(cohort):
    do_everything(cohort, a_learner(cohort))

    assert tell_finished(at=at(40, "20:00")) == 0


def at_once(count, work):
    done, faults = [], []

    def run():
        try:
            done.append(work())
        except Exception as fault:  # noqa: BLE001 — told below
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    return done


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_tell_a_day_once():
    cohort = CohortFactory(camp=four_day_camp())
    for _ in range(30):
        a_learner(cohort)

    assert sum(at_once(4, lambda: tell_open_days(at=at(1, "08:00")))) == 30

    assert Notice.objects.count() == 30


@pytest.mark.django_db(transaction=True)
def test_twin_without_the_lock_and_the_second_look_a_day_is_told_twice():
    cohort = CohortFactory(camp=four_day_camp())
    learner = a_learner(cohort).learner
    looked = threading.Barrier(2)

    def naive():
        is_first = not Notice.objects.filter(kind="day").exists()
        looked.wait()
        if is_first:
            with transaction.atomic():
                Notice.objects.create(user=learner, kind="day", title="Day", at=at(1, "08:00"))

    at_once(2, naive)

    assert Notice.objects.filter(kind="day").count() == 2
