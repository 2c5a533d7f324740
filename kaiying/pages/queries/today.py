"""What the Today page shows: learning's day, joined with the class's check-ins, note and talk."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext as _

from kaiying.camps.vocabulary import TaskKind
from kaiying.groups.models import CheckIn, ClassGroup, Post
from kaiying.groups.queries import Teaser, group_of, note_of, teaser
from kaiying.learning.models import Enrollment
from kaiying.learning.queries import DayLine, Phase, TaskLine, Today, today
from kaiying.people.models import User

COUNTED = (
    pgettext_lazy("Today", "One thing is left today"),
    pgettext_lazy("Today", "Two things are left today"),
    pgettext_lazy("Today", "Three things are left today"),
    pgettext_lazy("Today", "Four things are left today"),
    pgettext_lazy("Today", "Five things are left today"),
    pgettext_lazy("Today", "Six things are left today"),
)


STEPS = 7


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A check-in or a submission as Today lists it."""

    line: TaskLine
    check_in: CheckIn | None

    @property
    def is_check_in(self) -> bool:
        """Whether it is done by checking in."""
        return self.line.task.kind == TaskKind.CHECK_IN

    @property
    def done_at(self) -> datetime | None:
        """When it was done."""
        return self.check_in.at if self.check_in else self.line.done_at


@dataclass(frozen=True, slots=True)
class TodayPage:
    """Everything on the page, at one moment."""

    today: Today
    group: ClassGroup | None
    teaser: Teaser | None
    note: Post | None
    tasks: list[TaskRow]
    counted_done: int
    counted: int
    streak: int

    @property
    def is_running(self) -> bool:
        """Whether a day of the camp is open."""
        return self.today.phase is Phase.RUNNING

    @property
    def is_before(self) -> bool:
        """Whether the camp has not begun."""
        return self.today.phase is Phase.BEFORE

    @property
    def is_over(self) -> bool:
        """Whether watching again has ended too."""
        return self.today.phase is Phase.OVER

    @property
    def trail(self) -> list[DayLine]:
        """The days around today, at most seven: more would not fit a phone."""
        days = self.today.course.days
        here = next((place for place, day in enumerate(days) if day.is_today), 0)
        start = max(0, min(here - STEPS // 2, len(days) - STEPS))
        return days[start : start + STEPS]

    @property
    def headline(self) -> str:
        """Say how much is left, as a person would."""
        left = self.today.things_left
        if not left:
            return _("All done for today")
        if left <= len(COUNTED):
            return str(COUNTED[left - 1])
        return _("%(count)s things are left today") % {"count": left}

    @property
    def plan(self) -> str:
        """Say what is left and how long it takes: watch L4 and L5, hand in, about 52 minutes."""
        comma = _(", ")
        parts = []
        if self.today.lessons_left:
            labels = _(" and ").join(line.lesson.label for line in self.today.lessons_left)
            if (get_language() or "").startswith("zh"):
                labels = "、".join(line.lesson.label for line in self.today.lessons_left)
            parts.append(_("watch %(lessons)s") % {"lessons": labels})
        kinds = {line.task.kind for line in self.today.tasks_left}
        if TaskKind.CHECK_IN in kinds:
            parts.append(_("check in"))
        if TaskKind.SUBMISSION in kinds:
            parts.append(_("hand in today's work"))
        if not parts:
            return ""
        said = comma.join(parts)
        minutes = _("about %(minutes)s minutes") % {"minutes": self.today.minutes_left}
        return _("%(plan)s; %(minutes)s.") % {"plan": said[:1].upper() + said[1:], "minutes": minutes}


def today_page(*, enrollment: Enrollment, viewer: User, at: datetime) -> TodayPage:
    """Return the page for ``enrollment`` at ``at``; a constant number of queries whatever the class size."""
    made = CheckIn.objects.filter(
        group__cohort=enrollment.cohort_id, learner=enrollment.learner_id, at__lte=at
    ).select_related("post")
    check_ins = {one.task_id: one for one in made}
    day = today(enrollment, at, frozenset(check_ins))
    group = group_of(viewer, enrollment.cohort_id)
    counted = [line for line in day.course.tasks if line.lesson is None]
    return TodayPage(
        today=day,
        group=group,
        teaser=teaser(group, at=at, last_day=len(day.course.days)) if group else None,
        note=note_of(group, at=at) if group else None,
        tasks=[
            TaskRow(line, check_ins.get(line.task.pk))
            for line in (day.day.tasks if day.day else [])
            if line.lesson is None
        ],
        counted_done=sum(line.is_done for line in counted),
        counted=len(counted),
        streak=_streak(day),
    )


def _streak(day: Today) -> int:
    """Count the days in a row, up to today, on which the learner checked in; today may still be to come."""
    days = [one for one in day.course.days if one.opening.is_open and one.number <= day.course.number]
    run = 0
    for one in reversed(days):
        if any(line.is_done for line in one.tasks if line.task.kind == TaskKind.CHECK_IN):
            run += 1
        elif not one.is_today:
            break
    return run
