"""The course of one learner at one moment, and what of it is due today."""

from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

from kaiying.camps.models import Cohort, Day, Lesson, Task
from kaiying.camps.vocabulary import LessonKind, TaskKind
from kaiying.learning.models import Enrollment, Progress, Submission
from kaiying.learning.queries import unlock
from kaiying.learning.vocabulary import Opening, Why

MINUTE = 60
READING = 5 * MINUTE
EFFORT = {TaskKind.CHECK_IN: 5 * MINUTE, TaskKind.SUBMISSION: 15 * MINUTE}
"""Seconds we expect reading an article, checking in and a submission to take; a video knows its own length."""

LISTED = ("id", "camp_id", "ref", "day", "position", "kind", "title", "summary", "length", "is_preview", "retired_at")


@dataclass(frozen=True, slots=True)
class LessonLine:
    """A lesson as the course lists it: its opening and how far the learner is."""

    lesson: Lesson
    opening: Opening
    progress: Progress | None

    @property
    def is_done(self) -> bool:
        """Whether it was watched, or read, to the end."""
        return self.progress is not None and self.progress.completed_at is not None

    @property
    def is_begun(self) -> bool:
        """Whether some of it was watched."""
        return self.progress is not None and self.progress.seconds > 0

    @property
    def is_bonus(self) -> bool:
        """Whether it comes on top and is nobody's duty."""
        return self.lesson.kind == LessonKind.BONUS

    @property
    def watched(self) -> int:
        """Distinct seconds watched."""
        return self.progress.seconds if self.progress else 0

    @property
    def position(self) -> float:
        """Where the learner stopped, in seconds."""
        return self.progress.position if self.progress else 0

    @property
    def seconds_left(self) -> int:
        """How long it will still take, roughly."""
        if self.is_done:
            return 0
        return max(self.lesson.length - self.watched, 0) if self.lesson.length else READING


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task and whether it is done, derived from what the learner did."""

    task: Task
    opening: Opening
    due_at: datetime
    is_done: bool
    done_at: datetime | None = None
    lesson: LessonLine | None = None
    submission: Submission | None = None

    @property
    def is_late(self) -> bool:
        """Whether it was handed in after it was due."""
        return self.done_at is not None and self.done_at > self.due_at

    @property
    def seconds_left(self) -> int:
        """How long it will still take, roughly."""
        if self.is_done:
            return 0
        return self.lesson.seconds_left if self.lesson else EFFORT.get(TaskKind(self.task.kind), 0)


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day with its lessons and tasks."""

    day: Day
    on: date
    opening: Opening
    due_at: datetime
    is_today: bool
    lessons: list[LessonLine]
    tasks: list[TaskLine]

    @property
    def number(self) -> int:
        """The day's number."""
        return self.day.number

    @property
    def is_done(self) -> bool:
        """Whether every task of the day is done."""
        return bool(self.tasks) and all(task.is_done for task in self.tasks)

    @property
    def length(self) -> int:
        """Seconds of video of its lessons that are a duty."""
        return sum(line.lesson.length for line in self.lessons if not line.is_bonus)

    @property
    def duties(self) -> int:
        """How many of its lessons are a duty."""
        return sum(not line.is_bonus for line in self.lessons)

    @property
    def tasks_done(self) -> int:
        """How many tasks are done."""
        return sum(task.is_done for task in self.tasks)


@dataclass(frozen=True, slots=True)
class Course:
    """Everything a learner may know of a cohort at one moment."""

    cohort: Cohort
    enrollment: Enrollment
    number: int  # the day ``at`` falls on; 0 and below before the first
    days: list[DayLine]

    @property
    def lessons(self) -> list[LessonLine]:
        """All lessons in order."""
        return [line for day in self.days for line in day.lessons]

    @property
    def tasks(self) -> list[TaskLine]:
        """All tasks in order."""
        return [line for day in self.days for line in day.tasks]

    @property
    def tasks_done(self) -> int:
        """How many tasks of the whole camp are done."""
        return sum(line.is_done for line in self.tasks)

    @property
    def lessons_done(self) -> int:
        """How many lessons that are a duty are done."""
        return sum(line.is_done for line in self.lessons if not line.is_bonus)

    @property
    def lessons_total(self) -> int:
        """How many lessons are a duty."""
        return sum(not line.is_bonus for line in self.lessons)

    @property
    def is_over(self) -> bool:
        """Whether watching again has ended too."""
        return any(day.opening.why is Why.EXPIRED for day in self.days)

    def next_after(self, lesson: Lesson) -> LessonLine | None:
        """Return the lesson listed after ``lesson``."""
        found = [line.lesson.pk for line in self.lessons]
        place = found.index(lesson.pk) + 1 if lesson.pk in found else len(found)
        return self.lessons[place] if place < len(found) else None


def course(enrollment: Enrollment, at: datetime, checked_in: frozenset[int] = frozenset()) -> Course:
    """Return the course of ``enrollment`` at ``at``; six queries beside the cohort's.

    ``checked_in`` are the ids of the tasks the learner checked in for: check-ins live in the class.
    """
    cohort = enrollment.cohort
    camp_id = cohort.camp_id
    days = list(Day.objects.filter(camp_id=camp_id))
    last_day = max((day.number for day in days), default=1)
    overrides = list(enrollment.overrides.all())
    begun = enrollment.progress.filter(opened_at__lte=at).defer("watched")
    progress = {one.lesson_id: _as_of(one, at) for one in begun}
    rule = {"cohort": cohort, "enrollment": enrollment, "overrides": overrides, "last_day": last_day, "at": at}
    lines = {}
    for lesson in Lesson.objects.filter(camp_id=camp_id).in_order().only(*LISTED):
        found = unlock.opening(lesson=lesson, **rule)  # type: ignore[arg-type]
        if found.why is not Why.RETIRED:
            lines[lesson.pk] = LessonLine(lesson, found, progress.get(lesson.pk))
    handed_in = {one.task_id: one for one in enrollment.submissions.filter(handed_in_at__lte=at)}
    openings = {day.number: unlock.day_opening(day=day.number, **rule) for day in days}  # type: ignore[arg-type]
    dues = {day.number: unlock.due_at(cohort=cohort, enrollment=enrollment, day=day.number) for day in days}
    tasks: dict[int, list[TaskLine]] = {}
    for task in Task.objects.filter(camp_id=camp_id):
        gone = task.retired_at is not None and task.retired_at <= at
        if gone or task.day not in openings or (task.lesson_id and task.lesson_id not in lines):
            continue
        line = lines.get(task.lesson_id or 0)
        tasks.setdefault(task.day, []).append(
            _task_line(task, openings[task.day], dues[task.day], line, handed_in.get(task.pk), checked_in)
        )
    number = unlock.day_at(cohort=cohort, enrollment=enrollment, at=at)
    return Course(
        cohort,
        enrollment,
        number,
        [
            DayLine(
                day,
                unlock.date_of_day(cohort=cohort, enrollment=enrollment, day=day.number),
                openings[day.number],
                dues[day.number],
                day.number == number,
                [line for line in lines.values() if line.lesson.day == day.number],
                tasks.get(day.number, []),
            )
            for day in days
        ],
    )


def _as_of(progress: Progress, at: datetime) -> Progress:
    """Take back what was finished only after ``at``; how much was watched by then is not kept."""
    if progress.completed_at is not None and progress.completed_at > at:
        progress.completed_at = None
    return progress


def _task_line(
    task: Task,
    opening: Opening,
    due_at: datetime,
    line: LessonLine | None,
    submission: Submission | None,
    checked_in: frozenset[int],
) -> TaskLine:
    match TaskKind(task.kind):
        case TaskKind.WATCH:
            done_at = line.progress.completed_at if line and line.progress else None
            own = line.opening if line else opening
            return TaskLine(task, own, due_at, done_at is not None, done_at, lesson=line)
        case TaskKind.SUBMISSION:
            done_at = submission.handed_in_at if submission else None
            return TaskLine(task, opening, due_at, submission is not None, done_at, submission=submission)
        case TaskKind.CHECK_IN:
            return TaskLine(task, opening, due_at, task.pk in checked_in)


def minutes(seconds: float) -> int:
    """Return whole minutes, rounded up: 0 only when nothing is left."""
    return ceil(seconds / MINUTE)
