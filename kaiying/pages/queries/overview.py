"""The operator's overview of a cohort: seats, money, people, and how far they are."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from kaiying.camps.models import Cohort, Lesson
from kaiying.camps.vocabulary import LessonKind
from kaiying.groups.models import ClassGroup
from kaiying.groups.vocabulary import MemberKind
from kaiying.learning.models import Enrollment, Progress
from kaiying.offers.models import Offer
from kaiying.offers.queries import Ladder, Rung, ladder, next_release
from kaiying.offers.vocabulary import StepState
from kaiying.orders.models import Order
from kaiying.orders.queries import Sales, sales

MOST_CELLS = 60
LATEST = 8


@dataclass(frozen=True, slots=True)
class LessonShare:
    """How many of those enrolled opened and finished a lesson."""

    lesson: Lesson
    opened: int
    finished: int


@dataclass(frozen=True, slots=True)
class TierLine:
    """A price tier as the overview draws it: up to sixty seats one cell each, beyond that a bar."""

    rung: Rung

    @property
    def cells(self) -> list[str]:
        """The state of each seat, in order; empty when there are too many to draw."""
        rung = self.rung
        if rung.seats > MOST_CELLS:
            return []
        return ["paid"] * rung.paid + ["held"] * rung.held + ["free"] * rung.free

    @property
    def state(self) -> str:
        """Say where the tier stands."""
        return str(StepState(self.rung.state).label)


@dataclass(frozen=True, slots=True)
class Overview:
    """One cohort at one moment."""

    cohort: Cohort
    offer: Offer | None
    ladder: Ladder | None
    tiers: list[TierLine]
    first_release: datetime | None
    sales: Sales
    enrolled: int
    ended: int
    lessons: list[LessonShare]
    groups: list[ClassGroup]
    latest: list[Order]


def overview(*, cohort: Cohort, at: datetime) -> Overview:
    """Return the overview; a constant number of queries, none of them per learner."""
    offer = Offer.objects.filter(cohort=cohort).first()
    counts = Enrollment.objects.filter(cohort=cohort).aggregate(
        standing=Count("pk", filter=Q(ended_at=None)), ended=Count("pk", filter=Q(ended_at__isnull=False))
    )
    shares = {
        row["lesson"]: (row["opened"], row["finished"])
        for row in Progress.objects.filter(enrollment__cohort=cohort, enrollment__ended_at=None)
        .values("lesson")
        .annotate(opened=Count("pk"), finished=Count("completed_at"))
    }
    lessons = Lesson.objects.current().filter(camp=cohort.camp_id, kind=LessonKind.VIDEO).in_order()
    groups = ClassGroup.objects.filter(cohort=cohort).annotate(
        learners=Count("memberships", filter=Q(memberships__left_at=None, memberships__kind=MemberKind.LEARNER))
    )
    found = ladder(offer, at) if offer else None
    return Overview(
        cohort=cohort,
        offer=offer,
        ladder=found,
        tiers=[TierLine(rung) for rung in found.rungs] if found else [],
        first_release=next_release(offer) if offer and found and found.held else None,
        sales=sales(cohort),
        enrolled=counts["standing"],
        ended=counts["ended"],
        lessons=[LessonShare(one, *shares.get(one.pk, (0, 0))) for one in lessons.defer("body", "slides")],
        groups=list(groups),
        latest=list(
            Order.objects.filter(claim__offer__cohort=cohort)
            .select_related("learner", "claim__tier")
            .order_by("-placed_at", "-pk")[:LATEST]
        ),
    )
