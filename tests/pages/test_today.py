"""What a learner sees first: the day, what is left of it, and the class."""

from datetime import timedelta

import pytest
import time_machine
from django.utils.translation import override

from kaiying.groups.models import CheckIn
from kaiying.learning.models import Enrollment, Progress, Submission
from kaiying.pages.queries import today_page
from tests.factories.camps import CohortFactory
from tests.factories.groups import PostFactory, enrolled, seated
from tests.factories.people import UserFactory


def page_of(stage, at, enrollment=None):
    enrollment = Enrollment.objects.select_related("cohort__camp", "learner").get(
        pk=(enrollment or stage.enrollment).pk
    )
    return today_page(enrollment=enrollment, viewer=enrollment.learner, at=at)


def finish(stage, enrollment, *days, at):
    for lesson in stage.camp.lessons.filter(day__in=days):
        Progress.objects.create(
            enrollment=enrollment, lesson=lesson, opened_at=at, opened_count=1, seconds=lesson.length, completed_at=at
        )
    for task in stage.camp.tasks.filter(day__in=days):
        if task.kind == "submission":
            Submission.objects.create(enrollment=enrollment, task=task, text="x", handed_in_at=at, changed_at=at)
        if task.kind == "check_in":
            post = PostFactory(group=stage.group, author=enrollment.learner, kind="check_in", posted_at=at, likes=9)
            CheckIn.objects.create(
                group=stage.group, learner=enrollment.learner, task=task, day=task.day, post=post, due_at=at, at=at
            )


def test_the_headline_counts_what_is_left_as_a_person_would(stage):
    page = page_of(stage, stage.on_day(2))

    with override("en"):
        assert page.headline == "Five things left today"
        assert page.plan == "Watch L3, L4 and L5, check in, hand in today's work; about 26 minutes."
    with override("zh-hans"):
        assert page.headline == "今天还差五件事"
        assert page.plan == "看完 L3、L4、L5，打卡，交今天的作业，大约 26 分钟。"


def test_one_thing_is_one(stage):
    finish(stage, stage.enrollment, 2, at=stage.on_day(2, 10))
    Submission.objects.filter(task__day=2).delete()

    page = page_of(stage, stage.on_day(2))

    with override("en"):
        assert page.headline == "One thing left today"


def test_the_ring_counts_the_tasks_of_the_whole_camp(stage):
    finish(stage, stage.enrollment, 1, at=stage.on_day(1))

    page = page_of(stage, stage.on_day(2))

    assert (page.counted_done, page.counted) == (2, 8)


def test_a_done_check_in_says_when_and_how_many_liked_it(stage):
    finish(stage, stage.enrollment, 2, at=stage.on_day(2, 10))

    row = page_of(stage, stage.on_day(2)).tasks[0]

    assert (row.is_check_in, row.done_at, row.likes) == (True, stage.on_day(2, 10), 9)


def test_all_done_says_so_and_names_the_next_opening(stage):
    finish(stage, stage.enrollment, 1, 2, at=stage.on_day(2, 9))

    page = page_of(stage, stage.on_day(2))

    with override("en"):
        assert page.headline == "All done for today"
    assert page.plan == ""
    assert page.first_opens_at == stage.cohort.opens_at(3)


def test_a_streak_is_days_with_a_check_in_up_to_today(stage):
    finish(stage, stage.enrollment, 1, at=stage.on_day(1))

    assert page_of(stage, stage.on_day(2)).streak == 1
    finish(stage, stage.enrollment, 2, at=stage.on_day(2, 9))
    assert page_of(stage, stage.on_day(2)).streak == 2
    assert page_of(stage, stage.on_day(4)).streak == 0


def test_before_the_camp_nothing_is_left_and_the_first_day_is_named(stage):
    page = page_of(stage, stage.on_day(1) - timedelta(days=2))

    assert (page.is_before, page.is_running, page.first_opens_at) == (True, False, stage.cohort.opens_at(1))


def test_after_the_days_the_page_counts_what_can_still_be_watched(stage):
    page = page_of(stage, stage.on_day(6))

    with override("en"):
        assert page.headline == "9 lessons still to watch"
    assert page.is_after


def test_once_watching_again_has_ended_only_what_was_written_is_left(stage, as_):
    page = page_of(stage, stage.on_day(60))

    assert page.is_over
    with override("en"):
        assert page.headline == "Watching again has ended"


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-2, "The camp has not begun yet"),
        (0, "Day 1"),
        (1, "Day 2"),
        (6, "The camp days are over"),
        (60, "The camp is over"),
    ],
)
def test_every_phase_has_its_page(stage, as_, days, words):
    stage.cohort.starts_on = stage.cohort.starts_on + timedelta(days=1 - days)
    stage.cohort.save()

    answer = as_(stage.learner).get(f"/learn/{stage.cohort.slug}/")

    assert answer.status_code == 200
    assert words in answer.content.decode()


def test_whoever_joined_late_finds_the_days_before_marked_as_still_open(stage, as_):
    late = seated(stage.group, UserFactory(), enrolled_at=stage.on_day(2, 0))

    with time_machine.travel(stage.on_day(2), tick=True):  # before the morning, the day has not begun
        html = as_(late.learner).get(f"/learn/{stage.cohort.slug}/").content.decode()

    assert "Still open from before" in html
    assert html.index("Still open from before") > html.index('id="lessons-h"')


def test_without_a_class_yet_the_page_says_that_it_is_coming(stage, as_):
    alone = enrolled(stage.cohort)

    html = as_(alone.learner).get(f"/learn/{stage.cohort.slug}/").content.decode()

    assert "Your class is being put together" in html


def test_the_trail_shows_at_most_seven_days(stage):
    assert [day.number for day in page_of(stage, stage.on_day(2)).trail] == [1, 2, 3, 4]


@pytest.mark.parametrize("classmates", [1, 3, 30])
def test_the_page_costs_the_same_whatever_the_class(stage, as_, django_assert_num_queries, classmates):
    for _ in range(classmates):
        mate = seated(stage.group)
        PostFactory(group=stage.group, author=mate.learner, posted_at=stage.on_day(1))
        finish(stage, mate, 1, at=stage.on_day(1))
    browser = as_(stage.learner)
    browser.get(f"/learn/{stage.cohort.slug}/")

    with django_assert_num_queries(23):
        browser.get(f"/learn/{stage.cohort.slug}/")


def test_home_leads_to_the_newest_cohort(stage, as_):
    older = CohortFactory(camp=stage.camp, starts_on=stage.cohort.starts_on - timedelta(days=30), number=999)
    enrolled(older, stage.learner)

    assert as_(stage.learner).get("/").url == f"/learn/{stage.cohort.slug}/"
    assert as_(stage.operator).get("/").url == f"/desk/{stage.cohort.slug}/"
    assert as_(UserFactory()).get("/").url == "/me/"
