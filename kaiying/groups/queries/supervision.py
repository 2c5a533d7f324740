"""A class as its head teacher sees it: every learner and every lesson, and whom to contact now.

The number of queries is the same for three learners and for two hundred.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from kaiying.camps.models import Cohort, Lesson, Task
from kaiying.camps.vocabulary import LessonKind, TaskKind, UnlockClock
from kaiying.groups.models import CheckIn, ClassGroup, ContactCount, Nudge
from kaiying.groups.queries import risk
from kaiying.groups.queries.day import camp_day, day_opens_at, last_day_of
from kaiying.groups.queries.risk import Duty, Facts, Reason, Watch
from kaiying.groups.queries.roster import learners_of
from kaiying.groups.vocabulary import Standing
from kaiying.kit import periods
from kaiying.kit.spans import Seconds
from kaiying.learning.models import Enrollment, Override, Progress, Submission
from kaiying.learning.queries import unlock
from kaiying.people.models import User

NUDGED_WITHIN = timedelta(hours=24)
AFTER_THE_CAMP = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One learner: a watch per lesson, a duty per task (None while it is not asked for), and how they stand."""

    enrollment: Enrollment
    facts: Facts
    reasons: tuple[Reason, ...]
    standing: Standing
    nudge: Nudge | None

    @property
    def learner(self) -> User:
        """Who it is."""
        return self.enrollment.learner

    @property
    def days(self) -> list[list[Watch]]:
        """The watches, day by day, as the columns stand."""
        return [list(watches) for _day, watches in groupby(self.facts.watches, key=lambda watch: watch.day)]

    @property
    def risk(self) -> float:
        """The heavier, the sooner somebody should write; among those without a reason, whoever is farther behind."""
        if self.reasons:
            return sum(reason.weight for reason in self.reasons)
        return -sum(watch.percent for watch in self.facts.watches if watch.is_open)

    @property
    def opened(self) -> int:
        """How many lessons are open to them."""
        return sum(watch.is_open for watch in self.facts.watches)

    @property
    def finished(self) -> int:
        """How many of those they have finished."""
        return sum(watch.is_open and watch.is_complete for watch in self.facts.watches)

    @property
    def has_open_duty(self) -> bool:
        """Whether a check-in or a task is asked of them and not done."""
        return any(duty.is_open and duty.done_at is None for duty in (*self.facts.check_ins, *self.facts.submissions))

    def has_watched_first(self) -> bool | None:
        """Tell whether today's first lesson is complete; None when today has no lesson, or none that is open."""
        first = next((watch for watch in self.facts.watches if watch.day == self.facts.today), None)
        return first.is_complete if first and (first.is_open or first.is_complete) else None

    def has_checked_in(self) -> bool | None:
        """Tell whether today's check-ins are done; None when today asks for none, or not yet."""
        today = (duty for duty in self.facts.check_ins if duty.day == self.facts.today)
        return _all_done(duty for duty in today if duty.is_open or duty.done_at)

    def has_handed_in(self) -> bool | None:
        """Tell whether the latest submission asked for is in; None when none was asked for yet."""
        asked = [duty for duty in self.facts.submissions if duty.is_open]
        return _all_done(duty for duty in asked if duty.day == asked[-1].day) if asked else None


def _all_done(duties: Iterable[Duty]) -> bool | None:
    done = [duty.done_at is not None for duty in duties]
    return all(done) if done else None


@dataclass(frozen=True, slots=True)
class Count:
    """So many of so many."""

    part: int
    whole: int


@dataclass(frozen=True, slots=True)
class DayColumns:
    """A day's lessons as columns, each with the class's average in percent (None while it is open to nobody)."""

    day: int
    is_today: bool
    lessons: list[tuple[Lesson, int | None]]


@dataclass(frozen=True, slots=True)
class Supervision:
    """A class at a moment: columns, rows by risk, and the figures on top, each with what it is out of.

    ``day`` is 0 before the camp; ``opens_at`` is when today's lessons open if that is still to come, or the first's.
    """

    group: ClassGroup
    at: datetime
    day: int
    opens_at: datetime | None
    lessons: tuple[Lesson, ...]
    check_in_tasks: tuple[Task, ...]
    submission_tasks: tuple[Task, ...]
    rows: tuple[Row, ...]
    contact_yesterday: int | None

    @property
    def days(self) -> list["DayColumns"]:
        """The lessons, day by day, with the class's average of each."""
        places = list(enumerate(self.lessons))
        today = self.group.cohort.day_at(self.at)
        return [
            DayColumns(day, day == today, [(lesson, self.lesson_average(place)) for place, lesson in lessons])
            for day, lessons in groupby(places, key=lambda pair: pair[1].day)
        ]

    def duty_averages(self) -> list[int | None]:
        """Return the share of learners who did each task asked for, check-ins first, in percent."""
        columns = [*zip(*(row.facts.check_ins for row in self.rows), strict=True)]
        columns += zip(*(row.facts.submissions for row in self.rows), strict=True)
        asked = [[duty.done_at is not None for duty in column if duty.is_open or duty.done_at] for column in columns]
        return [round(100 * sum(done) / len(done)) if done else None for done in asked]

    def section(self, standing: Standing) -> list[Row]:
        """Return the learners who stand so, the most urgent first."""
        return [row for row in self.rows if row.standing == standing]

    @property
    def to_contact(self) -> list[Row]:
        """Return whom to contact: those nobody wrote to lately first, then by risk."""
        return sorted(self.section(Standing.CONTACT), key=lambda row: row.nudge is not None)

    @property
    def not_nudged(self) -> list[Row]:
        """Return whom to contact and nobody wrote to within a day."""
        return [row for row in self.to_contact if row.nudge is None]

    @property
    def first_lesson(self) -> Lesson | None:
        """Today's first lesson by the cohort's calendar."""
        return next((lesson for lesson in self.lessons if lesson.day == self.day), None)

    def count(self, answers: Iterable[bool | None]) -> Count:
        """Count the learners of whom something is true, among those it is asked of."""
        asked = [answer for answer in answers if answer is not None]
        return Count(sum(asked), len(asked))

    @property
    def checked_in(self) -> Count:
        """Who has checked in today."""
        return self.count(row.has_checked_in() for row in self.rows)

    @property
    def watched_first(self) -> Count:
        """Who has finished today's first lesson."""
        return self.count(row.has_watched_first() for row in self.rows)

    @property
    def handed_in(self) -> Count:
        """Who has handed in the latest task."""
        return self.count(row.has_handed_in() for row in self.rows)

    @property
    def due_at(self) -> datetime | None:
        """When the latest submission asked for is due by the cohort's calendar."""
        days = [task.day for task in self.submission_tasks]
        return self.group.cohort.due_at(max(days)) if days else None

    def lesson_average(self, place: int) -> int | None:
        """Return the class's share watched of a lesson in percent, or None while it is open to nobody."""
        shares = [row.facts.watches[place].percent for row in self.rows if row.facts.watches[place].is_open]
        return round(sum(shares) / len(shares)) if shares else None

    def row_of(self, learner_id: int) -> Row | None:
        """Return one learner's row, or None."""
        return next((row for row in self.rows if row.learner.pk == learner_id), None)


def supervision(group: ClassGroup, *, at: datetime) -> Supervision:
    """Return the class as its head teacher needs it at ``at``; eleven queries, whatever its size."""
    cohort = group.cohort
    last_day = last_day_of(cohort)
    today = camp_day(cohort, at=at, last=last_day)
    opens_at = day_opens_at(cohort, today, at=at)
    day = 0 if opens_at and today == 1 else today
    lessons = tuple(Lesson.objects.current().filter(camp=cohort.camp_id).exclude(kind=LessonKind.BONUS).in_order())
    # By the personal clock somebody may be on any day.
    until = day if cohort.clock == UnlockClock.CALENDAR else last_day
    kinds = [TaskKind.CHECK_IN, TaskKind.SUBMISSION]
    asked = list(Task.objects.filter(camp=cohort.camp_id, retired_at=None, kind__in=kinds, day__lte=until))
    check_in_tasks = tuple(task for task in asked if task.kind == TaskKind.CHECK_IN)
    submission_tasks = tuple(task for task in asked if task.kind == TaskKind.SUBMISSION)
    learners = learners_of(group)
    gathered = _Gathered.of(group, learners, lessons, at)

    facts = [
        _facts(cohort, enrollment, gathered, lessons, check_in_tasks, submission_tasks, last_day=last_day, at=at)
        for enrollment in learners
    ]
    pace = sum(one.pace for one in facts) / len(facts) if facts else 0.0
    rows = []
    for enrollment, one in zip(learners, facts, strict=True):
        found = risk.reasons(one, at=at)
        stands = risk.standing(found, one, class_pace=pace, at=at)
        rows.append(Row(enrollment, one, found, stands, gathered.nudges.get(enrollment.learner_id)))
    rows.sort(key=lambda row: -row.risk)
    yesterday = ContactCount.objects.filter(group=group, on=periods.day_in(at, cohort.zone) - timedelta(days=1))
    return Supervision(
        group=group,
        at=at,
        day=day,
        opens_at=opens_at,
        lessons=lessons,
        check_in_tasks=check_in_tasks,
        submission_tasks=submission_tasks,
        rows=tuple(rows),
        contact_yesterday=yesterday.values_list("count", flat=True).first(),
    )


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What the whole class did, by learner."""

    progress: dict[tuple[int, int], Progress]
    farthest: dict[int, int]
    overrides: dict[int, list[Override]]
    check_ins: dict[tuple[int, int], datetime]
    submissions: dict[tuple[int, int], datetime]
    nudges: dict[int, Nudge]

    @classmethod
    def of(
        cls, group: ClassGroup, learners: Sequence[Enrollment], lessons: Sequence[Lesson], at: datetime
    ) -> "_Gathered":
        """Ask for everything at once; six queries."""
        known = [enrollment.pk for enrollment in learners]
        progress = Progress.objects.filter(
            enrollment__in=known, lesson__in=[lesson.pk for lesson in lessons], opened_at__lte=at
        )
        # The bitsets are large and few of them matter: only of those who came back to a lesson and did not finish it.
        returned = progress.filter(opened_count__gte=risk.STUCK_OPENINGS, completed_at=None).values_list(
            "pk", "watched"
        )
        overrides: dict[int, list[Override]] = {}
        for override in Override.objects.filter(enrollment__in=known):
            overrides.setdefault(override.enrollment_id, []).append(override)
        check_ins = CheckIn.objects.filter(
            group__cohort=group.cohort_id, learner__in=[one.learner_id for one in learners], at__lte=at
        )
        submissions = Submission.objects.filter(enrollment__in=known, handed_in_at__lte=at)
        nudges = Nudge.objects.filter(group=group, sent_at__gt=at - NUDGED_WITHIN, sent_at__lte=at).select_related(
            "notice"
        )
        return cls(
            progress={(one.enrollment_id, one.lesson_id): one for one in progress.defer("watched")},
            farthest={
                pk: max((end for _start, end in Seconds.unpack(bytes(watched)).runs()), default=0)
                for pk, watched in returned
            },
            overrides=overrides,
            check_ins={(learner, task): when for learner, task, when in check_ins.values_list("learner", "task", "at")},
            submissions={
                (one, task): when for one, task, when in submissions.values_list("enrollment", "task", "handed_in_at")
            },
            nudges={nudge.learner_id: nudge for nudge in nudges.order_by("pk")},
        )


def _facts(
    cohort: Cohort,
    enrollment: Enrollment,
    gathered: _Gathered,
    lessons: Sequence[Lesson],
    check_in_tasks: Sequence[Task],
    submission_tasks: Sequence[Task],
    *,
    last_day: int,
    at: datetime,
) -> Facts:
    overrides = gathered.overrides.get(enrollment.pk, [])
    of_days = [override for override in overrides if override.lesson_id is None]
    days = {
        day: unlock.day_opening(
            cohort=cohort, enrollment=enrollment, day=day, overrides=of_days, last_day=last_day, at=at
        )
        for day in range(1, last_day + 1)
    }
    own_rules = {override.lesson_id for override in overrides}

    def is_open(lesson: Lesson) -> bool:
        if lesson.pk not in own_rules and lesson.day in days:
            return days[lesson.day].is_open
        found = unlock.opening(
            cohort=cohort, enrollment=enrollment, lesson=lesson, overrides=overrides, last_day=last_day, at=at
        )
        return found.is_open

    def watch(lesson: Lesson) -> Watch:
        progress = gathered.progress.get((enrollment.pk, lesson.pk))
        if progress is None:
            return Watch(lesson.label, lesson.day, lesson.length, is_open(lesson), lesson.ref, lesson.title)
        return Watch(
            label=lesson.label,
            day=lesson.day,
            length=lesson.length,
            is_open=is_open(lesson),
            ref=lesson.ref,
            title=lesson.title,
            opened_count=progress.opened_count,
            seconds=progress.seconds,
            position=progress.position,
            farthest=gathered.farthest.get(progress.pk, 0),
            touched_at=progress.position_at or progress.opened_at,
            is_complete=progress.completed_at is not None and progress.completed_at <= at,
        )

    due = {day: unlock.due_at(cohort=cohort, enrollment=enrollment, day=day) for day in days}

    def duty(task: Task, done_at: datetime | None) -> Duty:
        day = min(max(task.day, 1), last_day)
        return Duty(task.day, days[day].is_open, due[day], done_at)

    watches = [watch(lesson) for lesson in lessons]
    check_ins = [duty(task, gathered.check_ins.get((enrollment.learner_id, task.pk))) for task in check_in_tasks]
    submissions = [duty(task, gathered.submissions.get((enrollment.pk, task.pk))) for task in submission_tasks]
    # Whoever did something was here, whatever else noted it.
    seen = [
        enrollment.last_seen_at,
        *(one.touched_at for one in watches),
        *(one.done_at for one in (*check_ins, *submissions)),
    ]
    # A late joiner begins when they come, whoever opened the days.
    began_at = days[1].opens_at or max(enrollment.enrolled_at, cohort.opens_at(1))
    return Facts(
        began_at=max(began_at, enrollment.enrolled_at),
        ends_at=due[last_day] + AFTER_THE_CAMP,
        last_seen_at=max((moment for moment in seen if moment is not None and moment <= at), default=None),
        today=min(max(unlock.day_at(cohort=cohort, enrollment=enrollment, at=at), 1), last_day),
        watches=watches,
        check_ins=check_ins,
        submissions=submissions,
    )
