"""Progress: what players report is merged, never overwritten, and never more than the clock allows."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from kaiying.kit.spans import Seconds
from kaiying.learning.actions import Beat, end_enrollment, record_beats
from kaiying.learning.models import Enrollment, Progress
from kaiying.learning.vocabulary import Locked, Merged, NoLesson, NotFinite, NoVideo
from kaiying.outbox.models import Event
from tests.factories.camps import CohortFactory, DayFactory, LessonFactory
from tests.factories.learning import EnrollmentFactory, OverrideFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def place(**lesson: object) -> tuple[Enrollment, int]:
    """Put a learner before one lesson of day 1."""
    enrollment = EnrollmentFactory()
    DayFactory(camp=enrollment.cohort.camp, number=1)
    return enrollment, LessonFactory(camp=enrollment.cohort.camp, **lesson).pk


def beat(
    enrollment: Enrollment,
    lesson: int,
    *spans: tuple[float, float],
    position: float | None = None,
    device: str = "phone-1",
) -> Beat:
    return Beat(enrollment.learner_id, lesson, list(spans), position, device)


def merged(answer: object) -> Merged:
    assert isinstance(answer, Merged), answer
    return answer


def test_beats_of_two_devices_merge_to_the_union() -> None:
    enrollment, lesson = place()

    record_beats([beat(enrollment, lesson, (0, 30), position=30)], at=NOON)
    [answer] = record_beats(
        [beat(enrollment, lesson, (20, 50), (90, 100), position=100, device="computer-2")], at=NOON + SECOND
    )

    assert merged(answer).spans == [(0, 50), (90, 100)]
    assert merged(answer).watched == 60
    row = Progress.objects.get()
    assert (row.set.runs(), row.seconds, row.position, row.device) == ([(0, 50), (90, 100)], 60, 100, "computer-2")
    assert (row.opened_at, row.opened_count) == (NOON, 1)


def test_the_position_is_that_of_the_beat_received_last_also_within_a_batch() -> None:
    enrollment, lesson = place()

    answers = record_beats(
        [
            beat(enrollment, lesson, (50, 60), position=60),
            beat(enrollment, lesson, (0, 10), position=10, device="computer-2"),
        ],
        at=NOON,
    )
    record_beats([beat(enrollment, lesson, (60, 70), device="tablet-3")], at=NOON + SECOND)

    assert [merged(answer).position for answer in answers] == [60, 10]
    row = Progress.objects.get()
    assert (row.position, row.position_at, row.device, row.seconds) == (10, NOON, "computer-2", 30)


def test_what_is_beyond_the_length_is_trimmed_and_the_position_kept_inside() -> None:
    enrollment, lesson = place(length=120)

    [answer] = record_beats([beat(enrollment, lesson, (-20, 5), (110, 500), position=9e9)], at=NOON)

    assert merged(answer).spans == [(0, 5), (110, 120)]
    assert merged(answer).position == 120


def test_a_lesson_is_complete_at_ninety_percent_of_distinct_seconds_and_told_once() -> None:
    enrollment, lesson = place(length=100)

    answers = [
        merged(record_beats([beat(enrollment, lesson, span)], at=NOON + place_ * SECOND)[0])
        for place_, span in enumerate([(0, 50), (0, 50), (50, 89), (89, 90), (90, 100)])
    ]

    assert [answer.completed_at for answer in answers] == [None, None, None, NOON + 3 * SECOND, NOON + 3 * SECOND]
    told = Event.objects.filter(name="learning.lesson_completed").order_by("pk")
    facts = {"enrollment": enrollment.pk, "learner": enrollment.learner_id, "lesson": lesson}
    # The staff of the cohort, and Today on another device of the learner.
    assert [(one.channel, one.facts) for one in told] == [
        (f"cohort:{enrollment.cohort_id}", facts),
        (f"learner:{enrollment.learner_id}", facts),
    ]


def test_every_merge_is_told_to_the_learners_other_devices() -> None:
    enrollment, lesson = place()

    record_beats([beat(enrollment, lesson, (3, 9), position=9)], at=NOON)

    [event] = Event.objects.filter(name="learning.progress_merged")
    assert event.channel == f"learner:{enrollment.learner_id}"
    assert event.facts == {
        "cohort": enrollment.cohort_id,
        "lesson": lesson,
        "spans": [[3, 9]],
        "watched": 6,
        "position": 9,
        "position_at": "2026-07-17T04:00:00Z",
        "completed": False,
        "device": "phone-1",
    }
    enrollment.refresh_from_db()
    assert enrollment.last_seen_at == NOON


def test_nobody_watches_faster_than_twice_the_clock_over_all_lessons_and_devices() -> None:
    enrollment, first = place(length=7200)
    second = LessonFactory(camp=enrollment.cohort.camp, length=7200).pk
    Enrollment.objects.update(credit=30, credit_at=NOON)

    answers = record_beats(
        [beat(enrollment, first, (0, 7200)), beat(enrollment, second, (0, 7200), device="computer-2")],
        at=NOON + 60 * SECOND,
    )

    assert [(merged(answer).added, merged(answer).trimmed) for answer in answers] == [(150, 7050), (0, 7200)]
    later = record_beats([beat(enrollment, second, (0, 7200))], at=NOON + 70 * SECOND)
    assert merged(later[0]).spans == [(0, 20)]


def test_a_lesson_cannot_have_been_watched_longer_than_it_is_open() -> None:
    enrollment, lesson = place(length=7200)
    opened = enrollment.cohort.opens_at(1)

    [answer] = record_beats([beat(enrollment, lesson, (0, 7200))], at=opened + 10 * SECOND)

    assert merged(answer).added == 50  # 30 to start with, and 10 seconds at double speed


def test_a_day_offline_is_believed_and_more_than_two_days_worth_never() -> None:
    enrollment, _lesson = place(length=600)
    lessons = [LessonFactory(camp=enrollment.cohort.camp, length=80_000).pk for _ in range(3)]

    evening = record_beats([beat(enrollment, lessons[0], (0, 3 * 3600))], at=NOON)
    assert merged(evening[0]).trimmed == 0
    weeks_later = record_beats(
        [beat(enrollment, lesson, (0, 80_000)) for lesson in lessons], at=NOON + timedelta(days=9)
    )
    assert sum(merged(answer).added for answer in weeks_later) == 2 * 24 * 3600


def test_forged_batches_gain_nothing_over_an_honest_player() -> None:
    """Sixty seconds of the most impudent client: believed at most what twice the clock gives."""
    enrollment, lesson = place(length=36_000)
    Enrollment.objects.update(credit=30, credit_at=NOON)
    chance = random.Random(7)
    accepted = 0
    for tick in range(60):
        at = NOON + tick * SECOND
        spans = [(start, start + 3000) for start in (chance.uniform(-100, 40_000) for _ in range(20))]
        accepted += sum(merged(one).added for one in record_beats([beat(enrollment, lesson, *spans)] * 5, at=at))

    print(f"\n  forged: 60 s of false beats, {accepted} of 36000 s accepted, honest limit {30 + 2 * 59}")
    assert accepted <= 30 + 2 * 59


def test_repeats_cost_no_credit() -> None:
    enrollment, lesson = place(length=100)
    Enrollment.objects.update(credit=60, credit_at=NOON)

    for _ in range(10):
        [answer] = record_beats([beat(enrollment, lesson, (0, 50))], at=NOON)

    assert merged(answer).spans == [(0, 50)]
    enrollment.refresh_from_db()
    assert enrollment.credit == 10


def test_a_clock_that_goes_back_gives_no_credit() -> None:
    enrollment, lesson = place(length=1000)
    Enrollment.objects.update(credit=0, credit_at=NOON)

    for at in (NOON - 100 * SECOND, NOON, NOON - 100 * SECOND, NOON):
        record_beats([beat(enrollment, lesson, (0, 1000))], at=at)

    assert Progress.objects.get().seconds == 0


def test_only_open_lessons_count() -> None:
    enrollment, open_ = place()
    camp = enrollment.cohort.camp
    DayFactory(camp=camp, number=3)
    locked = LessonFactory(camp=camp, day=3).pk
    elsewhere = LessonFactory().pk
    retired = LessonFactory(camp=camp, retired_at=NOON).pk
    read = LessonFactory(camp=camp, length=0).pk

    answers = record_beats(
        [beat(enrollment, lesson, (0, 10)) for lesson in (open_, locked, elsewhere, 10**9, retired, read)]
        + [beat(enrollment, open_, (0, float("nan")))],
        at=NOON,
    )

    assert [type(answer) for answer in answers] == [Merged, Locked, NoLesson, NoLesson, NoLesson, NoVideo, NotFinite]
    assert Progress.objects.count() == 1
    assert isinstance(answers[1], Locked)
    assert answers[1].opening.opens_at == enrollment.cohort.opens_at(3)


def test_progress_is_refused_until_the_second_the_lesson_opens() -> None:
    enrollment, _lesson = place()
    lesson = LessonFactory(camp=enrollment.cohort.camp, day=2).pk
    opens = enrollment.cohort.opens_at(2)

    [early] = record_beats([beat(enrollment, lesson, (0, 10))], at=opens - SECOND)
    [on_time] = record_beats([beat(enrollment, lesson, (0, 10))], at=opens)

    assert isinstance(early, Locked)
    assert merged(on_time).spans == [(0, 10)]


def test_nobody_reports_for_another_and_not_after_leaving() -> None:
    enrollment, lesson = place()
    stranger = EnrollmentFactory()
    gone = EnrollmentFactory(cohort=enrollment.cohort)
    end_enrollment(enrollment=gone, at=NOON)

    answers = record_beats([beat(stranger, lesson, (0, 10)), beat(gone, lesson, (0, 10))], at=NOON)

    assert [type(answer) for answer in answers] == [NoLesson, NoLesson]
    assert not Progress.objects.exists()


def test_an_override_opens_a_lesson_for_beats_too() -> None:
    enrollment, _lesson = place()
    DayFactory(camp=enrollment.cohort.camp, number=4)
    lesson = LessonFactory(camp=enrollment.cohort.camp, day=4)
    OverrideFactory(enrollment=enrollment, lesson=lesson)

    [answer] = record_beats([beat(enrollment, lesson.pk, (0, 10))], at=NOON)

    assert merged(answer).watched == 10


def test_someone_in_two_runs_of_a_camp_records_in_the_newest_unless_the_player_says_which() -> None:
    old, lesson = place()
    new = EnrollmentFactory(cohort=CohortFactory(camp=old.cohort.camp), learner=old.learner, enrolled_at=NOON - SECOND)

    record_beats([beat(old, lesson, (0, 10))], at=NOON)
    record_beats([Beat(old.learner_id, lesson, [(20, 30)], cohort_id=old.cohort_id)], at=NOON)

    assert {one.enrollment_id: one.set.runs() for one in Progress.objects.all()} == {
        new.pk: [(0, 10)],
        old.pk: [(20, 30)],
    }


def test_a_batch_costs_the_same_number_of_queries_whatever_its_size() -> None:
    counts = {}
    for size in (1, 3, 30, 300):
        enrollment, lesson = place()
        DayFactory(camp=enrollment.cohort.camp, number=4)
        others = [EnrollmentFactory(cohort=enrollment.cohort) for _ in range(size - 1)]
        with CaptureQueriesContext(connection) as queries:
            answers = record_beats([beat(one, lesson, (0, 10), position=10) for one in (enrollment, *others)], at=NOON)
        counts[size] = len(queries)
        assert all(isinstance(answer, Merged) for answer in answers)

    print(f"\n  queries of a batch by its size: {counts}")
    assert set(counts.values()) == {11}  # seven reads, three writes (two of them of the events), and the transaction


spans_st = st.lists(st.tuples(st.integers(0, 130), st.integers(0, 130)), min_size=1, max_size=4)


class PermutationTest(TestCase):
    """Through the database: any order, any repeats and any cut into batches give the same set."""

    @given(beats=st.lists(spans_st, min_size=1, max_size=6), chance=st.randoms(use_true_random=False))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def test_any_order_merges_to_the_same(self, beats: list[list[tuple[int, int]]], chance: random.Random) -> None:
        first, lesson = place(length=120)
        second = EnrollmentFactory(cohort=first.cohort)
        expected = Seconds()
        for spans in beats:
            expected |= Seconds.of(spans, length=120)
        shuffled = beats + chance.choices(beats, k=3)
        chance.shuffle(shuffled)
        cut = chance.randrange(len(shuffled) + 1)

        for spans in beats:
            record_beats([beat(first, lesson, *spans)], at=NOON)
        for part in (shuffled[:cut], shuffled[cut:]):
            record_beats([beat(second, lesson, *spans, device="computer-2") for spans in part], at=NOON)

        found = {one.enrollment_id: one.set for one in Progress.objects.filter(lesson_id=lesson)}
        assert found == {first.pk: expected, second.pk: expected}
