"""When a lesson opens: a pure function of calendar, enrollment, overrides and ``at``. No worker, no stored state."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from kaiying.camps.models import Cohort, Lesson
from kaiying.camps.vocabulary import UnlockClock
from kaiying.kit import periods
from kaiying.learning.models import Enrollment, Override
from kaiying.learning.vocabulary import Opening, Why


def opening(
    *,
    cohort: Cohort,
    enrollment: Enrollment | None,
    lesson: Lesson,
    overrides: Iterable[Override],
    last_day: int,
    at: datetime,
) -> Opening:
    """Tell whether ``lesson`` is open to ``enrollment`` at ``at``, and why.

    ``overrides`` are those of the enrollment, also of other lessons; ``last_day`` is the number of the camp's last.
    """
    if lesson.retired_at is not None and lesson.retired_at <= at:
        return Opening(Why.RETIRED)
    found = day_opening(
        cohort=cohort,
        enrollment=enrollment,
        day=lesson.day,
        overrides=[one for one in overrides if one.lesson_id in {None, lesson.pk}],
        last_day=last_day,
        at=at,
    )
    if lesson.is_preview and not found.is_open:
        return Opening(Why.PREVIEW)
    return found


def day_opening(
    *,
    cohort: Cohort,
    enrollment: Enrollment | None,
    day: int,
    overrides: Iterable[Override],
    last_day: int,
    at: datetime,
) -> Opening:
    """Tell whether day ``day`` (its tasks, and lessons without a rule of their own) is open, and why."""
    if enrollment is None or enrollment.enrolled_at > at:
        return Opening(Why.NOT_ENROLLED)
    if enrollment.ended_at is not None and enrollment.ended_at <= at:
        return Opening(Why.ENDED)
    ends_at = replay_ends_at(cohort=cohort, enrollment=enrollment, last_day=last_day)
    ruling = _ruling(overrides, day=day, at=at)
    if ruling is not None:
        by, opens_at = Why.OVERRIDE, ruling.opens_at
    else:
        by, opens_at = _by_clock(cohort, enrollment, day)
    why = Why.EXPIRED if at >= ends_at else by if at >= opens_at else Why.NOT_YET
    return Opening(
        why,
        opens_at=opens_at,
        ends_at=ends_at,
        decided_by=by,
        reason=ruling.reason if ruling else "",
        actor_id=ruling.by_id if ruling else None,
        catch_up=by is Why.CALENDAR and cohort.day_on(day) < periods.day_in(enrollment.enrolled_at, cohort.zone),
    )


def date_of_day(*, cohort: Cohort, enrollment: Enrollment, day: int) -> date:
    """Return the calendar day on which this learner's day ``day`` falls."""
    return first_day(cohort=cohort, enrollment=enrollment) + timedelta(days=day - 1)


def first_day(*, cohort: Cohort, enrollment: Enrollment) -> date:
    """Return the calendar day that is day 1: the cohort's, or by the personal clock that of enrolling."""
    if cohort.clock == UnlockClock.PERSONAL:
        return periods.day_in(enrollment.enrolled_at, cohort.zone)
    return cohort.starts_on


def day_at(*, cohort: Cohort, enrollment: Enrollment, at: datetime) -> int:
    """Return the number of the day ``at`` falls on for this learner; 0 and below before the first."""
    return (periods.day_in(at, cohort.zone) - first_day(cohort=cohort, enrollment=enrollment)).days + 1


def due_at(*, cohort: Cohort, enrollment: Enrollment, day: int) -> datetime:
    """Return when the tasks of ``day`` are due; nobody is late with what was due before they enrolled."""
    on = max(
        date_of_day(cohort=cohort, enrollment=enrollment, day=day),
        periods.day_in(enrollment.enrolled_at, cohort.zone),
    )
    due = periods.moment(on, cohort.deadline_at, cohort.zone)
    if due <= enrollment.enrolled_at:
        due = periods.moment(on + timedelta(days=1), cohort.deadline_at, cohort.zone)
    return due


def replay_ends_at(*, cohort: Cohort, enrollment: Enrollment, last_day: int) -> datetime:
    """Return the midnight from which lessons can no longer be watched again."""
    last = date_of_day(cohort=cohort, enrollment=enrollment, day=last_day)
    return periods.moment(last + timedelta(days=cohort.replay_days + 1), time(0), cohort.zone)


def _by_clock(cohort: Cohort, enrollment: Enrollment, day: int) -> tuple[Why, datetime]:
    if cohort.clock == UnlockClock.PERSONAL:
        if day <= 1:
            return Why.PERSONAL, enrollment.enrolled_at
        on = date_of_day(cohort=cohort, enrollment=enrollment, day=day)
        return Why.PERSONAL, periods.moment(on, cohort.unlock_at, cohort.zone)
    # Whoever joins late finds the earlier days open from the moment of joining.
    return Why.CALENDAR, max(cohort.opens_at(day), enrollment.enrolled_at)


def _ruling(overrides: Iterable[Override], *, day: int, at: datetime) -> Override | None:
    """Pick the override in force: one for the lesson before one for its day, then the latest decision."""
    in_force = [
        one
        for one in overrides
        if (one.lesson_id is not None or one.day == day)
        and one.at <= at
        and (one.withdrawn_at is None or one.withdrawn_at > at)
    ]
    return max(in_force, key=lambda one: (one.lesson_id is not None, one.at, one.pk or 0), default=None)
