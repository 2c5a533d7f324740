"""The course and Today of one learner."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from kaiying.camps.models import Task
from kaiying.camps.vocabulary import LessonKind, TaskKind
from kaiying.learning.models import Enrollment
from kaiying.learning.queries import Phase, course, notes_by_lesson, notes_on, today
from kaiying.learning.vocabulary import Why
from tests.factories.camps import CampFactory, CohortFactory, DayFactory, LessonFactory, TaskFactory, four_day_camp
from tests.factories.learning import EnrollmentFactory, NoteFactory, ProgressFactory, SubmissionFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def learner() -> Enrollment:
    """Return someone in the camp of four days."""
    return EnrollmentFactory(cohort=CohortFactory(camp=four_day_camp()))


def fresh(enrollment: Enrollment) -> Enrollment:
    return Enrollment.objects.select_related("cohort").get(pk=enrollment.pk)


def watch(enrollment: Enrollment, ref: str, seconds: int, *, at: datetime = NOON, done: bool = False) -> None:
    lesson = enrollment.cohort.camp.lessons.get(ref=ref)
    ProgressFactory(
        enrollment=enrollment,
        lesson=lesson,
        seconds=seconds,
        position=seconds,
        position_at=at,
        completed_at=at if done else None,
    )


def test_a_course_lists_each_day_with_its_openings(learner: Enrollment) -> None:
    found = course(learner, NOON)

    assert found.number == 2
    assert [
        (day.number, day.opening.is_open, day.is_today, len(day.lessons), len(day.tasks)) for day in found.days
    ] == [
        (1, True, False, 2, 4),
        (2, True, True, 3, 5),
        (3, False, False, 2, 4),
        (4, False, False, 2, 4),
    ]
    assert found.days[2].opening.opens_at == datetime(2026, 7, 18, 0, tzinfo=UTC)
    assert {line.opening.why for line in found.days[3].lessons} == {Why.NOT_YET}
    assert (found.lessons_done, found.lessons_total, found.tasks_done, len(found.tasks)) == (0, 9, 0, 17)


def test_tasks_are_done_by_what_the_learner_did(learner: Enrollment) -> None:
    watch(learner, "l1", 110, done=True)
    watch(learner, "l2", 40)
    task = learner.cohort.camp.tasks.get(ref="d1-map")
    SubmissionFactory(enrollment=learner, task=task, handed_in_at=datetime(2026, 7, 16, 16, tzinfo=UTC))
    check_in = learner.cohort.camp.tasks.get(ref="d1-check-in")

    day = course(learner, NOON, frozenset({check_in.pk})).days[0]

    assert {line.task.ref: (line.is_done, line.is_late) for line in day.tasks} == {
        "watch-l1": (True, True),
        "watch-l2": (False, False),
        "d1-check-in": (True, False),
        "d1-map": (True, True),
    }
    assert not day.is_done
    assert (day.lessons[1].is_begun, day.lessons[1].seconds_left) == (True, 80)


def test_retired_lessons_and_tasks_are_not_listed(learner: Enrollment) -> None:
    learner.cohort.camp.lessons.filter(ref="l1").update(retired_at=NOON)
    learner.cohort.camp.tasks.filter(ref="d1-map").update(retired_at=NOON)

    day = course(learner, NOON).days[0]

    assert [line.lesson.ref for line in day.lessons] == ["l2"]
    assert [line.task.ref for line in day.tasks] == ["watch-l2", "d1-check-in"]
    assert len(course(learner, NOON - MINUTE).days[0].lessons) == 2


def test_the_next_lesson_follows_the_order_of_the_course(learner: Enrollment) -> None:
    found = course(learner, NOON)
    by_ref = {line.lesson.ref: line.lesson for line in found.lessons}

    following = found.next_after(by_ref["l2"])
    assert following is not None
    assert following.lesson.ref == "l3"
    assert found.next_after(by_ref["l9"]) is None


def test_today_says_the_one_next_thing_and_what_is_left(learner: Enrollment) -> None:
    watch(learner, "l3", 120, done=True, at=NOON - 20 * MINUTE)
    watch(learner, "l5", 30, at=NOON - MINUTE)

    found = today(learner, NOON)

    assert found.phase is Phase.RUNNING
    assert found.next_lesson is not None
    assert (found.next_lesson.lesson.ref, found.next_lesson.position) == ("l5", 30)
    assert [line.lesson.ref for line in found.lessons_left] == ["l4", "l5"]
    assert found.things_left == 4
    assert found.minutes_left == 24  # 120 + 90 seconds of video, 5 minutes to check in, 15 to draw the map
    assert [line.lesson.ref for line in found.catch_up] == ["l1", "l2"]
    assert found.next_day is not None
    assert found.next_day.number == 3


def test_today_goes_on_to_tasks_and_then_to_what_was_missed(learner: Enrollment) -> None:
    for ref in ("l3", "l4", "l5"):
        watch(learner, ref, 120, done=True)
    check_in = learner.cohort.camp.tasks.get(ref="d2-check-in")
    tasks = {task.ref: task for task in Task.objects.filter(camp=learner.cohort.camp)}

    assert today(learner, NOON).next_task.task == check_in  # type: ignore[union-attr]
    SubmissionFactory(enrollment=learner, task=tasks["d2-map"])
    after = today(learner, NOON, frozenset({check_in.pk}))
    assert (after.things_left, after.minutes_left) == (0, 0)
    assert after.next_lesson is not None
    assert after.next_lesson.lesson.ref == "l1"


@pytest.mark.parametrize(
    ("at", "phase", "day"),
    [
        (datetime(2026, 7, 15, 23, 59, tzinfo=UTC), Phase.BEFORE, None),
        (datetime(2026, 7, 16, 0, tzinfo=UTC), Phase.RUNNING, 1),
        (datetime(2026, 7, 17, 23, 59, tzinfo=UTC), Phase.RUNNING, 2),  # 07:59 of day 3: day 2 is still the open one
        (datetime(2026, 7, 19, 15, 59, tzinfo=UTC), Phase.RUNNING, 4),
        (datetime(2026, 7, 19, 16, tzinfo=UTC), Phase.AFTER, 4),
        (datetime(2026, 8, 18, 16, tzinfo=UTC), Phase.OVER, None),
    ],
)
def test_the_camp_has_phases(learner: Enrollment, at: datetime, phase: Phase, day: int | None) -> None:
    found = today(learner, at)

    assert (found.phase, found.day.number if found.day else None) == (phase, day)


def test_bonus_lessons_are_nobodys_duty(learner: Enrollment) -> None:
    bonus = LessonFactory(camp=learner.cohort.camp, ref="b1", day=2, kind=LessonKind.BONUS, length=0)

    found = today(learner, NOON)

    assert bonus in [line.lesson for line in found.course.lessons]
    assert bonus not in [line.lesson for line in found.lessons_left]
    assert found.course.lessons_total == 9


@pytest.mark.parametrize("rows", [1, 3, 30])
def test_a_course_costs_the_same_whatever_its_size(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    camp = CampFactory()
    enrollment = EnrollmentFactory(cohort=CohortFactory(camp=camp))
    for number in range(1, rows + 1):
        DayFactory(camp=camp, number=number)
        lesson = LessonFactory(camp=camp, day=number)
        TaskFactory(camp=camp, day=number, kind=TaskKind.WATCH, lesson=lesson)
        task = TaskFactory(camp=camp, day=number, kind=TaskKind.SUBMISSION)
        ProgressFactory(enrollment=enrollment, lesson=lesson)
        SubmissionFactory(enrollment=enrollment, task=task)
    enrollment = fresh(enrollment)

    with django_assert_num_queries(6):
        found = course(enrollment, NOON)
        assert len(found.lessons) == rows
        assert found.tasks_done == rows
    with django_assert_num_queries(6):
        assert today(enrollment, NOON).course.days


def test_notes_are_listed_by_lesson_and_second(
    learner: Enrollment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lessons = {one.ref: one for one in learner.cohort.camp.lessons.all()}
    late, early = (NoteFactory(enrollment=learner, lesson=lessons["l2"], second=second) for second in (90, 5))
    first = NoteFactory(enrollment=learner, lesson=lessons["l1"])
    NoteFactory(lesson=lessons["l1"])

    with django_assert_num_queries(1):
        found = notes_by_lesson(learner)

    assert [(one.lesson.ref, one.notes) for one in found] == [("l1", [first]), ("l2", [early, late])]
    assert notes_on(learner, lessons["l2"]) == [early, late]
