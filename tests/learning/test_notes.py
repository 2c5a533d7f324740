"""Notes, reading, and opening a lesson."""

from datetime import UTC, datetime, timedelta

import pytest

from kaiying.learning.actions import delete_note, edit_note, mark_read, noting, record_opening, write_note
from kaiying.learning.models import Note, Progress
from kaiying.learning.vocabulary import NoLesson, NoteEmpty, TextTooLong, TooManyNotes
from kaiying.outbox.models import Event
from tests.factories.camps import LessonFactory
from tests.factories.learning import EnrollmentFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_a_note_is_kept_at_its_second_within_the_lesson() -> None:
    enrollment = EnrollmentFactory()
    lesson = LessonFactory(camp=enrollment.cohort.camp, length=120)

    notes = [
        write_note(enrollment=enrollment, lesson=lesson, second=second, text=" 分母 ", at=NOON)
        for second in (62.9, -3, 900)
    ]

    assert [(note.second, note.text) for note in notes] == [(62, "分母"), (0, "分母"), (120, "分母")]


def test_the_same_words_at_the_same_second_are_one_note() -> None:
    enrollment = EnrollmentFactory()
    lesson = LessonFactory(camp=enrollment.cohort.camp)

    first, again = (
        write_note(enrollment=enrollment, lesson=lesson, second=5, text="一\r\n二", at=NOON) for _ in range(2)
    )

    assert first == again
    assert first.text == "一\n二"


def test_a_note_can_be_changed_and_deleted_and_deleting_again_changes_nothing() -> None:
    enrollment = EnrollmentFactory()
    lesson = LessonFactory(camp=enrollment.cohort.camp)
    note = write_note(enrollment=enrollment, lesson=lesson, second=5, text="旧", at=NOON)

    assert edit_note(note=note, text="新").text == "新"
    delete_note(note=note)
    delete_note(note=note)

    assert not Note.objects.exists()


def test_a_note_needs_words_and_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    enrollment = EnrollmentFactory()
    lesson = LessonFactory(camp=enrollment.cohort.camp)
    facts = {"enrollment": enrollment, "lesson": lesson, "at": NOON}
    monkeypatch.setattr(noting, "MOST_NOTES", 1)
    note = write_note(second=0, text="一", **facts)

    with pytest.raises(NoteEmpty):
        write_note(second=1, text=" \n ", **facts)
    with pytest.raises(TextTooLong, match="2,000"):
        edit_note(note=note, text="长" * 2001)
    with pytest.raises(TooManyNotes):
        write_note(second=2, text="二", **facts)
    assert Note.objects.get().text == "一"


def opened_at(*moments: datetime, watching: datetime | None = None) -> Progress:
    """Open a lesson at these moments, in the middle of them watch some of it, and return what is known of it."""
    enrollment = EnrollmentFactory()
    lesson = LessonFactory(camp=enrollment.cohort.camp)
    for at in moments:
        if watching and at > watching:
            Progress.objects.filter(lesson=lesson).update(position_at=watching)
        record_opening(enrollment=enrollment, lesson=lesson, at=at)
    enrollment.refresh_from_db()
    assert enrollment.last_seen_at == moments[-1]
    return Progress.objects.get(lesson=lesson)


def test_opening_a_lesson_is_counted_once_a_visit_and_reloading_is_none() -> None:
    assert opened_at(NOON, *[NOON + place * MINUTE for place in range(1, 20)]).opened_count == 1


def test_who_comes_back_after_twenty_minutes_begins_another_visit() -> None:
    progress = opened_at(NOON, NOON + 19 * MINUTE, NOON + 20 * MINUTE, NOON + 39 * MINUTE, NOON + 40 * MINUTE)

    assert (progress.opened_at, progress.opened_count) == (NOON, 3)
    assert progress.reopened_at == NOON + 40 * MINUTE


def test_a_reload_in_the_middle_of_a_long_lesson_is_no_visit() -> None:
    moments = (NOON, NOON + 50 * MINUTE)

    assert opened_at(*moments, watching=NOON + 49 * MINUTE).opened_count == 1
    assert opened_at(*moments, watching=NOON + 30 * MINUTE).opened_count == 2


def test_what_is_read_is_completed_by_saying_so_once() -> None:
    enrollment = EnrollmentFactory()
    article = LessonFactory(camp=enrollment.cohort.camp, length=0, video="")

    for at in (NOON, NOON + HOUR):
        mark_read(enrollment=enrollment, lesson=article, at=at)

    assert Progress.objects.get().completed_at == NOON
    told = Event.objects.filter(name="learning.lesson_completed").order_by("pk").values_list("channel", flat=True)
    assert list(told) == [f"cohort:{enrollment.cohort_id}", f"learner:{enrollment.learner_id}"]
    with pytest.raises(NoLesson):
        mark_read(enrollment=enrollment, lesson=LessonFactory(camp=enrollment.cohort.camp), at=NOON)
