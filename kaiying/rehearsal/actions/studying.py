"""Simulated learners: what each watches, hands in and says, as a timeline that is then played in order."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from kaiying.camps.models import Cohort, Lesson, Task
from kaiying.camps.vocabulary import LessonKind, TaskKind
from kaiying.groups.actions import check_in, like
from kaiying.groups.models import ClassGroup, Post
from kaiying.learning.actions import Beat, hand_in, record_beats, record_opening
from kaiying.learning.models import Enrollment
from kaiying.rehearsal.vocabulary import CHECK_INS, MAP, SUBMISSIONS, Pace


class Act(Protocol):
    """Something somebody did, still to be given its moment."""

    def __call__(self, *, at: datetime) -> object:
        """Do it as of ``at``."""


type Step = tuple[datetime, Act]

SHARES: dict[Pace, tuple[float, float]] = {
    Pace.KEEN: (1.0, 0.85),
    Pace.STEADY: (1.0, 0.45),
    Pace.SLOW: (0.6, 0.1),
    Pace.STUCK: (0.75, 0.2),
    Pace.LOST: (0.3, 0.0),
}
"""How much of yesterday's and of today's lessons a learner of this pace has watched by now, on average."""

DUTY: dict[Pace, tuple[float, float]] = {
    Pace.KEEN: (1.0, 0.8),
    Pace.STEADY: (0.97, 0.5),
    Pace.SLOW: (0.6, 0.3),
    Pace.STUCK: (0.6, 0.3),
    Pace.LOST: (0.0, 0.0),
}
"""How likely such a learner has checked in and handed in, yesterday and by now today."""

STUCK_AT = 0.4
OPENINGS_WHEN_STUCK = 4
BETWEEN_VISITS = timedelta(minutes=25)


@dataclass(frozen=True, slots=True)
class Camp:
    """What every simulated learner of a cohort needs to know."""

    cohort: Cohort
    group: ClassGroup
    lessons: dict[int, list[Lesson]]
    tasks: dict[int, list[Task]]

    @classmethod
    def of(cls, cohort: Cohort, group: ClassGroup) -> "Camp":
        """Read it once."""
        lessons: dict[int, list[Lesson]] = {}
        for lesson in Lesson.objects.current().filter(camp=cohort.camp_id, kind=LessonKind.VIDEO).in_order():
            lessons.setdefault(lesson.day, []).append(lesson)
        tasks: dict[int, list[Task]] = {}
        for task in Task.objects.filter(camp=cohort.camp_id, retired_at=None).exclude(kind=TaskKind.WATCH):
            tasks.setdefault(task.day, []).append(task)
        return cls(cohort, group, lessons, tasks)


def study(*, camp: Camp, enrollment: Enrollment, pace: Pace, now: datetime, dice: random.Random) -> Iterator[Step]:
    """Yield what this learner did on each day up to now."""
    today = camp.cohort.day_at(now)
    for day in range(1, min(today, max(camp.lessons)) + 1):
        opens = camp.cohort.opens_at(day)
        until = min(now, camp.cohort.opens_at(day + 1)) - timedelta(minutes=3)
        if until <= opens:
            continue
        share = SHARES[pace][0 if day < today else 1]
        moment = _within(opens, until, dice.betavariate(2, 3))
        for place, lesson in enumerate(camp.lessons[day]):
            watched = max(0.0, min(1.0, share * len(camp.lessons[day]) - place + dice.uniform(-0.2, 0.2)))
            if watched <= 0:
                break
            moment = min(until, moment + timedelta(minutes=dice.randint(3, 25)))
            yield from watch(enrollment, lesson, watched, pace, moment, since=opens)
        duty = DUTY[pace][0 if day < today else 1]
        if dice.random() < duty:
            yield from _duties(camp, enrollment, day, min(until, moment + timedelta(minutes=5)), duty, dice)


def watch(
    enrollment: Enrollment, lesson: Lesson, share: float, pace: Pace, at: datetime, *, since: datetime | None = None
) -> Iterator[Step]:
    """Yield the opening of a lesson and the beat that reports what was watched of it; ``at`` is the last visit.

    Nobody comes before ``since``.
    """
    times = 1
    if pace is Pace.STUCK and share < 1:
        times, share = OPENINGS_WHEN_STUCK, STUCK_AT
    end = lesson.length * share
    visits = [at - place * BETWEEN_VISITS for place in reversed(range(times))]
    for moment in [visit for visit in visits if since is None or visit >= since]:
        yield moment, partial(record_opening, enrollment=enrollment, lesson=lesson)
        beat = Beat(
            learner_id=enrollment.learner_id,
            lesson_id=lesson.pk,
            spans=[(0, end)],
            position=end,
            device="rehearsal",
            cohort_id=enrollment.cohort_id,
        )
        yield moment + timedelta(seconds=50), partial(record_beats, [beat])


def _duties(
    camp: Camp, enrollment: Enrollment, day: int, at: datetime, duty: float, dice: random.Random
) -> Iterator[Step]:
    for task in camp.tasks.get(day, []):
        if task.kind == TaskKind.CHECK_IN and day in CHECK_INS:
            text = CHECK_INS[day][enrollment.pk % len(CHECK_INS[day])]
            yield at, partial(check_in, task=task, learner=enrollment.learner, group=camp.group, text=text)
        elif task.kind == TaskKind.SUBMISSION and dice.random() < duty:
            text = MAP if day == 1 else dice.choice(SUBMISSIONS)
            yield at + timedelta(seconds=30), partial(hand_in, enrollment=enrollment, task=task, text=text)


def applaud(*, camp: Camp, enrollments: list[Enrollment], at: datetime, dice: random.Random) -> None:
    """Let learners like what others said, some posts more than others."""
    for post in Post.objects.filter(group=camp.group, parent=None, removed_at=None).select_related(
        "group__cohort__camp__organizer"
    ):
        fans = min(len(enrollments), int(dice.paretovariate(1.4)))
        for enrollment in dice.sample(enrollments, k=min(fans, 12)):
            like(post=post, user=enrollment.learner, at=at)


def _within(start: datetime, end: datetime, share: float) -> datetime:
    return start + (end - start) * share
