"""What the page of one lesson shows around its video."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from kaiying.camps.models import Lesson
from kaiying.kit.spans import Seconds
from kaiying.learning.models import Progress
from kaiying.learning.queries import unlock
from kaiying.learning.queries.access import LessonAccess, last_day_of
from kaiying.learning.queries.course import LISTED, minutes
from kaiying.learning.vocabulary import Opening, Why
from kaiying.web.texts import Text

COMPLETE = 0.9
FROM_THE_START = 5
"""Whoever stopped within the first or last few seconds starts from the beginning."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a video and how much of it was watched."""

    start: int
    end: int
    title: Text
    seen: int

    @property
    def is_done(self) -> bool:
        """Whether all of it but a moment was watched."""
        return self.seen >= COMPLETE * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Next:
    """The lesson after this one; locked ones say when."""

    lesson: Lesson
    opening: Opening


@dataclass(frozen=True, slots=True)
class Player:
    """The state of a lesson for one learner; for visitors and staff it is that of nobody."""

    length: int
    spans: list[tuple[int, int]]
    watched: int
    position: float
    progress: Progress | None
    chapters: list[Chapter]
    next: Next | None

    @property
    def is_complete(self) -> bool:
        """Whether it counts as watched, or read."""
        return self.progress is not None and self.progress.completed_at is not None

    @property
    def minutes_left(self) -> int:
        """How many more minutes make it count as watched."""
        return minutes(max(0, ceil(COMPLETE * self.length) - self.watched))

    @property
    def resume_at(self) -> int:
        """Where to go on; 0 is the beginning."""
        near_an_end = self.position < FROM_THE_START or self.position > self.length - FROM_THE_START
        return 0 if near_an_end else int(self.position)


def player(access: LessonAccess, at: datetime) -> Player:
    """Return what the page of this lesson shows; up to three queries."""
    lesson, enrollment = access.lesson, access.enrollment
    progress = enrollment.progress.filter(lesson=lesson).first() if enrollment else None
    seconds = progress.set if progress else Seconds()
    return Player(
        length=lesson.length,
        spans=seconds.runs(),
        watched=len(seconds),
        position=progress.position if progress else 0.0,
        progress=progress,
        chapters=_chapters(lesson, seconds),
        next=_next(access, at) if access.opening.why is not Why.PREVIEW or enrollment else None,
    )


def _chapters(lesson: Lesson, seconds: Seconds) -> list[Chapter]:
    starts = [int(chapter["at"]) for chapter in lesson.chapters]
    ends = [*starts[1:], lesson.length][: len(starts)]
    return [
        Chapter(
            start,
            end,
            Text.of(chapter["title"]),
            sum(min(b, end) - max(a, start) for a, b in seconds.runs() if a < end and b > start),
        )
        for chapter, start, end in zip(lesson.chapters, starts, ends, strict=True)
    ]


def _next(access: LessonAccess, at: datetime) -> Next | None:
    here = access.lesson
    rows = list(Lesson.objects.current().filter(camp_id=here.camp_id).in_order().only(*LISTED))
    place = next((place for place, one in enumerate(rows) if one.pk == here.pk), len(rows))
    if place + 1 >= len(rows):
        return None
    following = rows[place + 1]
    if access.enrollment is None:
        return Next(following, access.opening)
    found = unlock.opening(
        cohort=access.cohort,
        enrollment=access.enrollment,
        lesson=following,
        overrides=access.overrides,
        last_day=last_day_of(access.cohort.camp),
        at=at,
    )
    return Next(following, found)
