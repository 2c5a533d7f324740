"""What the Today page shows: learning's day, joined with the class's check-ins, note and talk."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext, pgettext_lazy

from kaiying.camps.vocabulary import TaskKind
from kaiying.groups.models import CheckIn, ClassGroup, Post
from kaiying.groups.queries import Teaser, group_of, note_of, teaser
from kaiying.learning.models import Enrollment
from kaiying.learning.queries import DayLine, Phase, TaskLine, Today, minutes, today
from kaiying.people.models import User

COUNTED = (
    pgettext_lazy("Today", "One thing left today"),
    pgettext_lazy("Today", "Two things left today"),
    pgettext_lazy("Today", "Three things left today"),
    pgettext_lazy("Today", "Four things left today"),
    pgettext_lazy("Today", "Five things left today"),
    pgettext_lazy("Today", "Six things left today"),
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

    @property
    def likes(self) -> int:
        """How many found the check-in useful."""
        return self.check_in.post.likes if self.check_in else 0

    @property
    def is_closed(self) -> bool:
        """Whether it can no longer (or not yet) be done."""
        return not self.line.opening.is_open


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
    def is_after(self) -> bool:
        """Whether the days are past and lessons may be watched again."""
        return self.today.phase is Phase.AFTER

    @property
    def first_opens_at(self) -> datetime | None:
        """When the next day opens, before the camp the first."""
        return self.today.next_day.opening.opens_at if self.today.next_day else None

    @property
    def replay_until(self) -> datetime | None:
        """The last moment at which lessons may be watched again."""
        ends_at = self.today.day.opening.ends_at if self.today.day else None
        return ends_at - timedelta(minutes=1) if ends_at else None

    @property
    def minutes_of_day(self) -> int:
        """How long the day's lessons are."""
        return minutes(self.today.day.length) if self.today.day else 0

    @property
    def minutes_of_next_day(self) -> int:
        """How long the next day's lessons are."""
        return minutes(self.today.next_day.length) if self.today.next_day else 0

    @property
    def headline(self) -> str:
        """Say how much is left, as a person would."""
        if self.is_before:
            return _("You are in")
        if self.is_over:
            return _("Watching again has ended")
        if self.is_after:
            return self._looking_back
        left = self.today.things_left
        if not left:
            return _("All done for today")
        if left <= len(COUNTED):
            return str(COUNTED[left - 1])
        return _("%(count)s things left today") % {"count": left}

    @property
    def _looking_back(self) -> str:
        course = self.today.course
        left = course.lessons_total - course.lessons_done
        if left <= 0:
            return _("Every lesson is watched")
        return ngettext("%(count)s lesson still to watch", "%(count)s lessons still to watch", left) % {"count": left}

    @property
    def plan(self) -> str:
        """Say what is left and how long it takes: watch L4 and L5, hand in, about 52 minutes."""
        parts = []
        if self.today.lessons_left:
            labels = [line.lesson.label for line in self.today.lessons_left]
            parts.append(_("watch %(lessons)s") % {"lessons": _listed(labels)})
        kinds = {line.task.kind for line in self.today.tasks_left}
        if TaskKind.CHECK_IN in kinds:
            parts.append(_("check in"))
        if TaskKind.SUBMISSION in kinds:
            parts.append(_("hand in today's work"))
        if not parts:
            return ""
        said = _(", ").join(parts)
        length = ngettext("about %(minutes)s minute", "about %(minutes)s minutes", self.today.minutes_left)
        said = _("%(plan)s; %(minutes)s.") % {
            "plan": said,
            "minutes": length % {"minutes": self.today.minutes_left},
        }
        return said[:1].upper() + said[1:]


def _listed(labels: list[str]) -> str:
    """Write labels as a sentence lists them: ``L4, L5 and L6``."""
    *most, last = labels
    comma, end = pgettext("between lessons", ", "), pgettext("between lessons", " and ")
    return end.join([comma.join(most), last]) if most else last


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
