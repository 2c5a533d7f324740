"""The learners of a cohort as the operator lists them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from kaiying.camps.models import Cohort, Lesson
from kaiying.camps.vocabulary import LessonKind
from kaiying.groups.models import CheckIn, Membership, class_name
from kaiying.groups.vocabulary import MemberKind
from kaiying.learning.models import Enrollment, Submission

SHOWN = 50


@dataclass(frozen=True, slots=True)
class RollLine:
    """One learner with what they have done so far."""

    enrollment: Enrollment
    group_number: int | None
    lessons_done: int
    handed_in: int

    @property
    def group_name(self) -> str:
        """What their class is called; empty while they sit in none."""
        return class_name(self.group_number) if self.group_number else ""


@dataclass(frozen=True, slots=True)
class Roll:
    """A page of learners, with the totals that give the figures their base."""

    lines: list[RollLine]
    total: int
    page: int
    pages: int
    lessons: int


def roll(*, cohort: Cohort, search: str, page: int, at: datetime) -> Roll:
    """Return a page of a cohort's learners whose name or address contains ``search``; four queries."""
    found = Enrollment.objects.filter(cohort=cohort, enrolled_at__lte=at)
    if search:
        found = found.filter(Q(learner__name__icontains=search) | Q(learner__email__icontains=search))
    total = found.count()
    pages = max(1, -(-total // SHOWN))
    page = min(max(1, page), pages)
    lessons = Lesson.objects.current().filter(camp=cohort.camp_id, kind=LessonKind.VIDEO).count()
    rows = _with_counts(found).select_related("learner").order_by("ended_at", "pk")[(page - 1) * SHOWN : page * SHOWN]
    return Roll(
        [
            RollLine(row, row.group_number, row.lessons_done, row.submitted + row.checked_in)  # type: ignore[attr-defined]
            for row in rows
        ],
        total,
        page,
        pages,
        lessons,
    )


def _with_counts(found: QuerySet[Enrollment]) -> QuerySet[Enrollment]:
    seat = Membership.objects.filter(
        group__cohort=OuterRef("cohort"), user=OuterRef("learner"), kind=MemberKind.LEARNER, left_at=None
    )
    check_ins = CheckIn.objects.filter(group__cohort=OuterRef("cohort"), learner=OuterRef("learner"))
    submissions = Submission.objects.filter(enrollment=OuterRef("pk"))
    return found.annotate(
        group_number=Subquery(seat.values("group__number")[:1]),
        lessons_done=Count(
            "progress", filter=Q(progress__completed_at__isnull=False, progress__lesson__kind=LessonKind.VIDEO)
        ),
        checked_in=Coalesce(Subquery(check_ins.order_by().values("learner").annotate(n=Count("pk")).values("n")), 0),
        submitted=Coalesce(
            Subquery(submissions.order_by().values("enrollment").annotate(n=Count("pk")).values("n")), 0
        ),
    )
