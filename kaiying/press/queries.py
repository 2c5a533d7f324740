"""What the launch page of a camp shows."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from kaiying.camps.models import Cohort, Day, Lesson, Teacher, Topic
from kaiying.camps.queries import days_of, lessons_of, teachers_of, topics_of
from kaiying.camps.vocabulary import LessonKind, TeacherRole, UnlockClock
from kaiying.press.models import Article


@dataclass(frozen=True, slots=True)
class Plan:
    """One day as the curriculum lists it."""

    day: Day
    opens_at: datetime | None
    lessons: list[Lesson]

    @property
    def length(self) -> int:
        """How long its lessons are, in seconds."""
        return sum(lesson.length for lesson in self.lessons)


@dataclass(frozen=True, slots=True)
class Launch:
    """A camp's launch page, but for the sale."""

    cohort: Cohort
    article: Article | None
    plans: list[Plan]
    bonuses: list[Lesson]
    teachers: list[Teacher]
    topics: list[Topic]

    @property
    def count(self) -> int:
        """How many lessons there are, bonus lessons left out."""
        return sum(len(plan.lessons) for plan in self.plans)

    @property
    def length(self) -> int:
        """How long they are together, in seconds."""
        return sum(plan.length for plan in self.plans)

    @property
    def head_teacher(self) -> Teacher | None:
        """Who looks after the class."""
        return next((teacher for teacher in self.teachers if teacher.role == TeacherRole.HEAD_TEACHER), None)


def launch_of(cohort: Cohort) -> Launch:
    """Gather a camp's launch page: five statements, however long the camp is."""
    by_day: dict[int, list[Lesson]] = defaultdict(list)
    bonuses = []
    for lesson in lessons_of(cohort):
        if lesson.kind == LessonKind.BONUS:
            bonuses.append(lesson)
        else:
            by_day[lesson.day].append(lesson)
    dated = cohort.clock == UnlockClock.CALENDAR
    plans = [Plan(day, cohort.opens_at(day.number) if dated else None, by_day[day.number]) for day in days_of(cohort)]
    return Launch(
        cohort=cohort,
        article=Article.objects.filter(camp=cohort.camp_id).order_by("ref").first(),
        plans=plans,
        bonuses=bonuses,
        teachers=list(teachers_of(cohort.camp)),
        topics=list(topics_of(cohort)),
    )
