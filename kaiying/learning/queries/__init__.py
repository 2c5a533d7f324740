"""Reads of this room: when lessons open, who may see them, a learner's course, today, and notes."""

from kaiying.learning.queries.access import (
    LessonAccess,
    access_lesson,
    access_preview,
    enrollment_for,
    enrollment_in,
    is_staff,
    last_day_of,
)
from kaiying.learning.queries.course import Course, DayLine, LessonLine, TaskLine, course, minutes
from kaiying.learning.queries.notes import LessonNotes, notes_by_lesson, notes_on
from kaiying.learning.queries.player import Chapter, Next, Player, player
from kaiying.learning.queries.today import Phase, Today, today
from kaiying.learning.queries.unlock import date_of_day, day_at, day_opening, due_at, opening, replay_ends_at

__all__ = [
    "Chapter",
    "Course",
    "DayLine",
    "LessonAccess",
    "LessonLine",
    "LessonNotes",
    "Next",
    "Phase",
    "Player",
    "TaskLine",
    "Today",
    "access_lesson",
    "access_preview",
    "course",
    "date_of_day",
    "day_at",
    "day_opening",
    "due_at",
    "enrollment_for",
    "enrollment_in",
    "is_staff",
    "last_day_of",
    "minutes",
    "notes_by_lesson",
    "notes_on",
    "opening",
    "player",
    "replay_ends_at",
    "today",
]
