"""What a learner should do now: the data behind the Today page."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kaiying.learning.models import Enrollment
from kaiying.learning.queries.course import Course, DayLine, LessonLine, TaskLine, course, minutes


class Phase(StrEnum):
    """Where in the camp a moment falls."""

    BEFORE = "before"  # the first day has not opened
    RUNNING = "running"
    AFTER = "after"  # all days are past; lessons may be watched again
    OVER = "over"  # watching again has ended


@dataclass(frozen=True, slots=True)
class Today:
    """One learner's day: what is left, the one next thing, and what opens next."""

    course: Course
    phase: Phase
    day: DayLine | None
    lessons_left: list[LessonLine]
    tasks_left: list[TaskLine]
    catch_up: list[LessonLine]
    catch_up_tasks: list[TaskLine]
    next_lesson: LessonLine | None
    next_task: TaskLine | None
    next_day: DayLine | None

    @property
    def minutes_left(self) -> int:
        """How long what is left of today will take, roughly."""
        left = sum(line.seconds_left for line in self.lessons_left)
        return minutes(left + sum(line.seconds_left for line in self.tasks_left if line.lesson is None))

    @property
    def things_left(self) -> int:
        """How many things are left today; a lesson and its watch task are one."""
        return len(self.lessons_left) + sum(line.lesson is None for line in self.tasks_left)


def today(enrollment: Enrollment, at: datetime, checked_in: frozenset[int] = frozenset()) -> Today:
    """Return what ``enrollment`` has before it at ``at``; costs what ``course`` costs."""
    whole = course(enrollment, at, checked_in)
    opened = [day for day in whole.days if day.opening.is_open]
    day = next((day for day in whole.days if day.is_today and day.opening.is_open), opened[-1] if opened else None)
    lessons_left = _lessons_left(day)
    tasks_left = [line for line in day.tasks if not line.is_done and line.opening.is_open] if day else []
    earlier = [one for one in opened if day is not None and one.number < day.number]
    catch_up = [line for one in earlier for line in _lessons_left(one)]
    catch_up_tasks = [line for one in earlier for line in one.tasks if not line.is_done and line.lesson is None]
    next_lesson = _begun_last(lessons_left) or _first(lessons_left)
    own_tasks = [line for line in tasks_left if line.lesson is None]
    next_task = None if next_lesson else _first(own_tasks)
    if next_lesson is None and next_task is None:
        next_lesson = _begun_last(catch_up) or _first(catch_up)
        next_task = None if next_lesson else _first(catch_up_tasks)
    return Today(
        course=whole,
        phase=_phase(whole, opened),
        day=day,
        lessons_left=lessons_left,
        tasks_left=tasks_left,
        catch_up=catch_up,
        catch_up_tasks=catch_up_tasks,
        next_lesson=next_lesson,
        next_task=next_task,
        next_day=next((one for one in whole.days if _is_ahead(one, at)), None),
    )


def _phase(whole: Course, opened: list[DayLine]) -> Phase:
    if whole.is_over:
        return Phase.OVER
    if not opened:
        return Phase.BEFORE
    return Phase.AFTER if whole.number > max(day.number for day in whole.days) else Phase.RUNNING


def _lessons_left(day: DayLine | None) -> list[LessonLine]:
    lines = day.lessons if day else []
    return [line for line in lines if line.opening.is_open and not line.is_done and not line.is_bonus]


def _is_ahead(day: DayLine, at: datetime) -> bool:
    return not day.opening.is_open and day.opening.opens_at is not None and day.opening.opens_at > at


def _begun_last(lines: list[LessonLine]) -> LessonLine | None:
    """Return the lesson that was watched most recently."""
    begun = [(line.progress.position_at, line) for line in lines if line.progress and line.progress.position_at]
    return max(begun, key=lambda pair: pair[0])[1] if begun else None


def _first[T](lines: list[T]) -> T | None:
    return lines[0] if lines else None
