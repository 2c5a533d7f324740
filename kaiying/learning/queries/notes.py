"""A learner's own notes."""

from dataclasses import dataclass
from itertools import groupby

from kaiying.camps.models import Lesson
from kaiying.learning.models import Enrollment, Note


@dataclass(frozen=True, slots=True)
class LessonNotes:
    """The notes at one lesson, by second."""

    lesson: Lesson
    notes: list[Note]


def notes_on(enrollment: Enrollment, lesson: Lesson) -> list[Note]:
    """Return the learner's notes at ``lesson``, by second."""
    return list(enrollment.notes.filter(lesson=lesson))


def notes_by_lesson(enrollment: Enrollment) -> list[LessonNotes]:
    """Return all notes in the order of the course; also those at lessons that are shut or retired by now."""
    rows = enrollment.notes.select_related("lesson").order_by(
        "lesson__day", "lesson__position", "lesson_id", "second", "pk"
    )
    rows = rows.defer("lesson__body", "lesson__slides", "lesson__essence", "lesson__chapters", "lesson__captions")
    return [LessonNotes(lesson, list(notes)) for lesson, notes in groupby(rows, key=lambda note: note.lesson)]
