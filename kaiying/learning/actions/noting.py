"""A learner's own notes at a second of a lesson."""

from datetime import datetime

from django.db import transaction

from kaiying.camps.models import Lesson
from kaiying.learning.models import Enrollment, Note
from kaiying.learning.vocabulary import NoteEmpty, TextTooLong, TooManyNotes

LONGEST_NOTE = 2000
MOST_NOTES = 300


@transaction.atomic
def write_note(*, enrollment: Enrollment, lesson: Lesson, second: float, text: str, at: datetime) -> Note:
    """Keep a note at ``second``; the same words at the same second are one note."""
    text = _checked(text)
    Enrollment.objects.locked().get(pk=enrollment.pk)
    notes = enrollment.notes.filter(lesson=lesson)
    place = min(max(int(second), 0), max(lesson.length, 0))
    twin = notes.filter(second=place, text=text).first()
    if twin is not None:
        return twin
    if notes.count() >= MOST_NOTES:
        raise TooManyNotes(most=MOST_NOTES)
    return Note.objects.create(enrollment=enrollment, lesson=lesson, second=place, text=text, written_at=at)


def edit_note(*, note: Note, text: str) -> Note:
    """Change the words of a note; its second and date stay."""
    note.text = _checked(text)
    note.save(update_fields=["text"])
    return note


def delete_note(*, note: Note) -> None:
    """Delete a note; deleting again changes nothing."""
    Note.objects.filter(pk=note.pk).delete()


def _checked(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise NoteEmpty
    if len(text) > LONGEST_NOTE:
        raise TextTooLong(most=f"{LONGEST_NOTE:,}")
    return text
