"""What learners are told by the clock: a day has opened, and everything is handed in. The camp's own words go first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import batched

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.template import Context
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from kaiying.camps.models import Cohort, Lesson
from kaiying.camps.queries import days_of, filled, lessons_of, tasks_of
from kaiying.camps.vocabulary import LessonKind, TaskKind, UnlockClock
from kaiying.groups.models import CheckIn
from kaiying.kit import periods
from kaiying.learning.models import Enrollment, Submission
from kaiying.learning.queries import day_opening, minutes, replay_ends_at
from kaiying.notices.actions import language_of, notify
from kaiying.notices.models import Notice
from kaiying.web.templatetags.web import moment

MORNING, EIGHT = time(7), time(8)
"""What opens before seven is told at eight: nobody is woken."""

STALE = timedelta(hours=10)
"""What opened longer ago is no news; learners have seen it on their page."""

A_DAY = timedelta(days=1)
LONGEST = timedelta(days=400)
READING = 5 * 60
"""Seconds we expect a lesson without a video to take."""

HANDED = (TaskKind.CHECK_IN, TaskKind.SUBMISSION)
AT_ONCE = 100
"""Learners told in one transaction."""


@dataclass(frozen=True, slots=True)
class _News:
    """One day of a cohort, as its learners are told of it."""

    cohort: Cohort
    number: int
    last_day: int
    lessons: Sequence[Lesson]

    @property
    def kind(self) -> str:
        """Name the notice, so that nobody gets it twice."""
        return f"learning.day_open:{self.cohort.pk}:{self.number}"

    @property
    def length(self) -> int:
        """How many minutes the day's lessons take, roughly."""
        return minutes(sum(lesson.length or READING for lesson in self.lessons))


def tell_open_days(*, at: datetime) -> int:
    """Tell learners that a day of theirs has opened, once each; return how many were told."""
    told = 0
    for cohort in _cohorts(at):
        numbers = [day.number for day in days_of(cohort)]
        for number in (number for number in numbers if _may_be_news(cohort, number, at)):
            lessons = [one for one in lessons_of(cohort) if one.day == number and one.kind != LessonKind.BONUS]
            news = _News(cohort, number, max(numbers), lessons)
            told += _tell_each(
                cohort, _unaware(cohort, news.kind, _enrolled_for(cohort, number, at)), news.kind, _teller(news, at)
            )
    return told


def tell_finished(*, at: datetime) -> int:
    """Tell whoever has checked in and handed in everything the camp asks for, once; return how many were told."""
    told = 0
    for cohort in _cohorts(at):
        wanted = {task.pk for task in tasks_of(cohort) if task.kind in HANDED}
        if wanted:
            kind = f"learning.finished:{cohort.pk}"
            finished = _finished(cohort, wanted, at)
            who = _unaware(cohort, kind, Q(learner__in=finished)) if finished else []
            last_day = max((day.number for day in days_of(cohort)), default=1)
            told += _tell_each(cohort, who, kind, _congratulator(cohort, kind, last_day, at))
    return told


def _cohorts(at: datetime) -> QuerySet[Cohort]:
    """Return the cohorts in which somebody may still be learning."""
    near = Q(starts_on__gte=(at - LONGEST).date(), starts_on__lte=(at + A_DAY).date())
    return Cohort.objects.filter(near | Q(clock=UnlockClock.PERSONAL)).select_related("camp").order_by("pk")


def _told_at(opens_at: datetime, zone: str) -> datetime:
    local = periods.local(opens_at, zone)
    return opens_at if local.time() >= MORNING else periods.moment(local.date(), EIGHT, zone)


def _is_news(opens_at: datetime, zone: str, at: datetime) -> bool:
    told_at = _told_at(opens_at, zone)
    return told_at <= at < told_at + STALE


def _may_be_news(cohort: Cohort, number: int, at: datetime) -> bool:
    if cohort.clock == UnlockClock.PERSONAL:
        return number > 1  # day 1 opens with the welcome
    return _is_news(cohort.opens_at(number), cohort.zone, at)


def _enrolled_for(cohort: Cohort, number: int, at: datetime) -> Q:
    """Narrow a personal clock down to those whose day this may be."""
    if cohort.clock == UnlockClock.PERSONAL:
        return Q(enrolled_at__gt=at - A_DAY * (number + 1), enrolled_at__lt=at - A_DAY * (number - 2))
    return Q(enrolled_at__lt=at)


def _unaware(cohort: Cohort, kind: str, which: Q) -> list[int]:
    """Return the standing enrollments, by id, of those who have no notice of this kind."""
    heard = Notice.objects.filter(kind=kind).values("user")
    found = Enrollment.objects.standing().filter(which, cohort=cohort).exclude(learner__in=heard)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _tell_each(cohort: Cohort, who: Sequence[int], kind: str, tell: Callable[[Enrollment], bool]) -> int:
    """Tell these, some in each transaction; return how many there was something to tell."""
    told = 0
    for some in batched(who, AT_ONCE, strict=False):
        with transaction.atomic():
            # Two workers must not tell twice: the cohort's row stands for its news.
            Cohort.objects.select_for_update(no_key=True).get(pk=cohort.pk)
            heard = set(Notice.objects.filter(kind=kind).values_list("user", flat=True))
            found = Enrollment.objects.standing().filter(pk__in=some).select_related("learner").order_by("pk")
            for enrollment in found.prefetch_related("overrides"):
                if enrollment.learner_id not in heard:
                    told += tell(enrollment)
    return told


def _teller(news: _News, at: datetime) -> Callable[[Enrollment], bool]:
    def tell(enrollment: Enrollment) -> bool:
        opening = day_opening(
            cohort=news.cohort,
            enrollment=enrollment,
            day=news.number,
            overrides=[one for one in enrollment.overrides.all() if one.lesson_id is None],
            last_day=news.last_day,
            at=at,
        )
        # Who joins a day that is open finds it open, and is welcomed just then.
        is_theirs = opening.opens_at is not None and enrollment.enrolled_at < opening.opens_at
        if not opening.is_open or not is_theirs or not _is_news(opening.opens_at or at, news.cohort.zone, at):
            return False
        _tell_day(enrollment, news, at)
        return True

    return tell


def _tell_day(enrollment: Enrollment, news: _News, at: datetime) -> None:
    learner = enrollment.learner
    with override(language_of(learner)):
        title, body = _("Day %(day)s is open") % {"day": news.number}, ""
        if news.lessons:
            facts = {"lesson": str(news.lessons[0].title), "minutes": str(news.length)}
            body = ngettext(
                "Begin with “%(lesson)s”. The lessons take about %(minutes)s minute.",
                "Begin with “%(lesson)s”. The lessons take about %(minutes)s minutes.",
                news.length,
            ) % {**facts}
            places = {**facts, "name": str(learner), "camp": str(news.cohort.camp.title), "day": str(news.number)}
            title, body = filled(news.cohort.camp, "day-open", places) or (title, body)
        url = reverse("pages:today", args=[news.cohort.slug])
        notify(to=learner, kind=news.kind, title=title, body=body, url=url, at=at, mail=True)


def _finished(cohort: Cohort, wanted: set[int], at: datetime) -> list[int]:
    """Return the learners, by id, who did all of these tasks; two queries."""
    done: dict[int, int] = {}
    check_ins = CheckIn.objects.filter(group__cohort=cohort, task__in=wanted, at__lte=at).values_list("learner")
    handed_in = Submission.objects.filter(
        enrollment__cohort=cohort, enrollment__ended_at=None, task__in=wanted, handed_in_at__lte=at
    ).values_list("enrollment__learner")
    for made in (check_ins, handed_in):
        for learner, count in made.annotate(count=Count("task", distinct=True)):
            done[learner] = done.get(learner, 0) + count
    return [learner for learner, count in done.items() if count == len(wanted)]


def _congratulator(cohort: Cohort, kind: str, last_day: int, at: datetime) -> Callable[[Enrollment], bool]:
    def tell(enrollment: Enrollment) -> bool:
        learner = enrollment.learner
        ends_at = replay_ends_at(cohort=cohort, enrollment=enrollment, last_day=last_day)
        if at >= ends_at:
            return False
        with override(language_of(learner)):
            # The last day on which it may be done: the end itself is the midnight after it.
            until = moment(Context(), ends_at - timedelta(minutes=1), "date", cohort.zone)
            places = {"name": str(learner), "camp": str(cohort.camp.title), "until": until}
            title, body = filled(cohort.camp, "finished", places) or (
                _("Everything is handed in"),
                _("You have done every check-in and task of %(camp)s. Lessons stay open until %(until)s.") % places,
            )
            url = reverse("pages:today", args=[cohort.slug])
            notify(to=learner, kind=kind, title=title, body=body, url=url, at=at, mail=True)
        return True

    return tell
