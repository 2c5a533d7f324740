"""A class as its head teacher sees it."""

from datetime import date, timedelta

import pytest
from django.utils.translation import override

from kaiying.camps.vocabulary import LessonKind, UnlockClock
from kaiying.groups.actions import check_in, count_contacts
from kaiying.groups.models import ContactCount
from kaiying.groups.queries import supervision
from kaiying.groups.queries.supervision import Count
from kaiying.groups.tasks import count_contacts_of_running_classes
from kaiying.groups.vocabulary import ReasonKind, Standing
from kaiying.kit.spans import Seconds
from kaiying.wire import clock
from tests.factories.camps import CohortFactory, LessonFactory, four_day_camp
from tests.factories.groups import class_of, seated
from tests.factories.learning import OverrideFactory, ProgressFactory, SubmissionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def group():
    return class_of()


@pytest.fixture
def evening(noon):
    """19:42 in Shanghai on day 2."""
    return noon + timedelta(hours=7, minutes=42)


def lesson(group, ref):
    return group.cohort.camp.lessons.get(ref=ref)


def watched(enrollment, group, ref, at, seconds=120, **facts):
    done = {"completed_at": at} if seconds >= 108 else {}
    return ProgressFactory(
        enrollment=enrollment,
        lesson=lesson(group, ref),
        seconds=seconds,
        position=seconds,
        position_at=at,
        opened_at=at,
        watched=Seconds.of([(0, seconds)], length=120).pack(),
        **{**done, **facts},
    )


def keeps_up(group, at, **facts):
    """A learner who has done all of day 1, today's first lesson and check-in."""
    enrollment = seated(group, last_seen_at=at - timedelta(minutes=6), **facts)
    for ref in ("l1", "l2", "l3"):
        watched(enrollment, group, ref, at - timedelta(hours=3))
    camp = group.cohort.camp
    for day in (1, 2):
        check_in(
            task=camp.tasks.get(day=day, kind="check_in"), learner=enrollment.learner, group=group, text="x", at=at
        )
    SubmissionFactory(
        enrollment=enrollment, task=camp.tasks.get(day=1, kind="submission"), handed_in_at=at - timedelta(days=1)
    )
    return enrollment


def test_rows_fall_into_three_sections_the_most_urgent_first(group, evening):
    fine = keeps_up(group, evening)
    slow = keeps_up(group, evening)
    slow.progress.filter(lesson__ref="l2").update(seconds=60, completed_at=None)
    away = seated(group, last_seen_at=evening - timedelta(hours=31))
    never = seated(group)

    found = supervision(group, at=evening)

    assert [row.enrollment for row in found.section(Standing.CONTACT)] == [never, away]
    assert [row.enrollment for row in found.section(Standing.SLOW)] == [slow]
    assert [row.enrollment for row in found.section(Standing.FINE)] == [fine]


def test_a_row_has_a_cell_for_each_lesson_and_the_rest_is_locked(group, evening):
    enrollment = keeps_up(group, evening)
    watched(enrollment, group, "l4", evening, seconds=46)

    (row,) = supervision(group, at=evening).rows

    assert [watch.level for watch in row.facts.watches] == ["4", "4", "4", "1", "0", "x", "x", "x", "x"]
    assert row.facts.watches[3].percent == 38


def test_bonus_and_retired_lessons_are_nobodys_duty(group, evening):
    LessonFactory(camp=group.cohort.camp, ref="b1", day=1, kind=LessonKind.BONUS)
    LessonFactory(camp=group.cohort.camp, ref="old", day=1, retired_at=evening)

    assert [one.ref for one in supervision(group, at=evening).lessons] == [f"l{n}" for n in range(1, 10)]


def test_before_the_camp_there_is_no_today_and_nothing_is_missing(group):
    seated(group)
    opens_at = group.cohort.opens_at(1)

    for at in (opens_at - timedelta(days=9), opens_at - timedelta(seconds=1)):
        found = supervision(group, at=at)
        assert (found.day, found.opens_at, found.first_lesson) == (0, opens_at, None)
        assert [day.is_today for day in found.days] == [opens_at - at < timedelta(days=1), False, False, False]
        assert (found.check_in_tasks, found.submission_tasks, found.to_contact) == ((), (), [])
        assert {found.checked_in, found.watched_first, found.handed_in} == {Count(0, 0)}
    begun = supervision(group, at=opens_at)
    assert (begun.day, begun.opens_at, begun.checked_in, begun.watched_first) == (1, None, Count(0, 1), Count(0, 1))
    assert [day.is_today for day in begun.days] == [True, False, False, False]


def test_in_the_morning_before_a_day_opens_its_check_in_is_not_missing(group):
    seated(group)
    found = supervision(group, at=group.cohort.opens_at(2) - timedelta(seconds=1))

    assert (found.day, found.opens_at, found.checked_in) == (2, group.cohort.opens_at(2), Count(0, 0))
    assert found.handed_in == Count(0, 1)  # yesterday's


def test_after_the_camp_no_day_is_today(group):
    assert not any(day.is_today for day in supervision(group, at=group.cohort.opens_at(4) + timedelta(days=9)).days)


def test_an_override_opens_a_lesson_or_a_day_in_one_row_only(group, evening):
    with_day, with_lesson, plain = seated(group), seated(group), seated(group)
    OverrideFactory(enrollment=with_day, day=4, opens_at=evening)
    OverrideFactory(enrollment=with_lesson, lesson=lesson(group, "l6"), opens_at=evening)

    found = supervision(group, at=evening)

    def levels(enrollment):
        return "".join(watch.level for watch in found.row_of(enrollment.learner_id).facts.watches)

    assert levels(with_day) == "00000xx00"
    assert levels(with_lesson) == "000000xxx"
    assert levels(plain) == "00000xxxx"


def test_reasons_come_with_hours_and_places(group, evening):
    away = seated(group, last_seen_at=evening - timedelta(hours=31))
    watched(away, group, "l1", evening - timedelta(hours=32))
    watched(away, group, "l2", evening - timedelta(hours=31), seconds=64)

    with override("zh-hans"):
        (row,) = supervision(group, at=evening).rows
        texts = [reason.text for reason in row.reasons]

    assert texts[0] == "31 小时没打开。L2 停在 01:04。"
    assert [reason.kind for reason in row.reasons] == [
        ReasonKind.AWAY,
        ReasonKind.NO_CHECK_IN,
        ReasonKind.NOT_HANDED_IN,
    ]


def test_coming_back_to_a_lesson_without_getting_farther_is_seen(group, evening):
    enrollment = keeps_up(group, evening)
    enrollment.progress.filter(lesson__ref="l3").delete()
    watched(enrollment, group, "l3", evening, seconds=40, opened_count=4)

    (row,) = supervision(group, at=evening).rows

    assert [reason.kind for reason in row.reasons] == [ReasonKind.STUCK]
    assert row.reasons[0].facts == {"lesson": "L3", "count": 4, "place": "00:40"}


def test_the_figures_say_what_they_are_out_of(group, evening):
    keeps_up(group, evening)
    keeps_up(group, evening)
    seated(group)

    found = supervision(group, at=evening)

    assert (found.checked_in.part, found.checked_in.whole) == (2, 3)
    assert (found.watched_first.part, found.watched_first.whole) == (2, 3)
    assert found.first_lesson.ref == "l3"
    assert (found.handed_in.part, found.handed_in.whole) == (0, 3)
    assert [found.lesson_average(place) for place in (0, 3, 5)] == [67, 0, None]


def test_yesterdays_count_is_kept_and_compared(group, evening):
    seated(group)
    count_contacts(group=group, at=evening - timedelta(days=1, hours=2))
    count_contacts(group=group, at=evening - timedelta(hours=14))  # 05:42 today

    assert supervision(group, at=evening - timedelta(days=1)).contact_yesterday is None
    assert supervision(group, at=evening).contact_yesterday == 0
    assert supervision(group, at=evening + timedelta(days=1)).contact_yesterday == 1


def test_counting_again_on_a_day_keeps_its_last_count(group, evening):
    count_contacts(group=group, at=evening)
    seated(group)
    count_contacts(group=group, at=evening + timedelta(hours=1))

    kept = ContactCount.objects.get()
    assert (kept.on, kept.count) == (date(2026, 7, 17), 1)


def test_the_hourly_task_counts_running_cohorts_only(group, evening):
    seated(group)
    class_of(CohortFactory(starts_on=date(2026, 8, 1)))
    class_of(CohortFactory(starts_on=date(2025, 8, 1)))

    with clock.frozen(evening):
        count_contacts_of_running_classes.call()

    assert [kept.group for kept in ContactCount.objects.all()] == [group]


def test_by_the_personal_clock_everyone_has_their_own_day(evening):
    group = class_of(CohortFactory(camp=four_day_camp(), clock=UnlockClock.PERSONAL, starts_on=date(2026, 7, 1)))
    second_day = seated(group, enrolled_at=evening - timedelta(days=1))
    first_day = seated(group, enrolled_at=evening - timedelta(hours=1))

    found = supervision(group, at=evening)

    days = {row.enrollment: row.facts.today for row in found.rows}
    assert days == {second_day: 2, first_day: 1}
    assert found.row_of(first_day.learner_id).reasons == ()


def test_before_the_camp_and_long_after_it_nobody_needs_contact(group):
    seated(group)

    for at in (group.cohort.opens_at(1) - timedelta(hours=1), group.cohort.due_at(4) + timedelta(days=2)):
        assert supervision(group, at=at).to_contact == []


def test_an_empty_class_is_no_trouble(group, evening):
    found = supervision(group, at=evening)

    assert found.rows == ()
    assert (found.checked_in.part, found.checked_in.whole) == (0, 0)
    assert found.lesson_average(0) is None


@pytest.mark.parametrize("learners", [3, 200])
def test_the_page_costs_eleven_queries_for_three_learners_and_for_two_hundred(
    group, evening, learners, django_assert_num_queries
):
    for number in range(learners):
        enrollment = seated(group, last_seen_at=evening - timedelta(hours=number % 40))
        watched(enrollment, group, "l1", evening - timedelta(hours=3))
        watched(enrollment, group, "l2", evening - timedelta(hours=2), seconds=30, opened_count=4)
        OverrideFactory(enrollment=enrollment, day=3, opens_at=evening, by=enrollment.learner)

    with django_assert_num_queries(11):
        found = supervision(group, at=evening)
        _all = [(row.learner.initial, [reason.text for reason in row.reasons], row.nudge) for row in found.rows]
        _more = [found.lesson_average(place) for place in range(9)], found.checked_in, found.handed_in, found.not_nudged

    assert len(found.rows) == learners
