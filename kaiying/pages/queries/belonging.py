"""Reads that span rooms: where a person belongs, and who looks at what from which moment."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import AnonymousUser

from kaiying.camps.models import Cohort
from kaiying.groups.models import Membership
from kaiying.groups.vocabulary import STAFF
from kaiying.learning.models import Enrollment
from kaiying.people.models import User
from kaiying.people.queries import can_operate, operated_by
from kaiying.wire import clock
from kaiying.wire.passes import BadPass, Keys, issue, read

TRAVEL_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Journey:
    """A staff member's look at the product as one learner at one moment."""

    learner: User
    cohort: Cohort
    at: datetime
    enrollment: Enrollment

    @property
    def is_before_enrolling(self) -> bool:
        """Whether the learner had not enrolled yet at that moment."""
        return self.at < self.enrollment.enrolled_at

    @property
    def is_after_leaving(self) -> bool:
        """Whether the learner had left by that moment."""
        return self.enrollment.ended_at is not None and self.enrollment.ended_at <= self.at


def travel_token(*, traveller: User, learner: User, cohort: Cohort, at: datetime) -> str:
    """Sign a journey for this traveller; it lasts an hour of real time."""
    payload = {"t": traveller.pk, "l": learner.pk, "c": cohort.pk, "a": at.timestamp()}
    return issue(payload, key=Keys.of("travel"), until=clock.now() + TRAVEL_LIFE)


def read_journey(token: str, *, traveller: User | AnonymousUser) -> Journey | None:
    """Return the journey, if it is this traveller's and they still operate the camp; else ``None``."""
    try:
        payload = read(token, key=Keys.of("travel"), at=clock.now())
    except BadPass:
        return None
    if not isinstance(traveller, User) or payload.get("t") != traveller.pk:
        return None
    cohort = Cohort.objects.select_related("camp__organizer").filter(pk=payload["c"]).first()
    if cohort is None or not can_operate(traveller, cohort.camp.organizer):
        return None
    places = Enrollment.objects.filter(cohort=cohort, learner=payload["l"]).select_related("learner")
    enrollment = places.order_by("-enrolled_at", "-pk").first()
    if enrollment is None:
        return None
    return Journey(enrollment.learner, cohort, datetime.fromtimestamp(payload["a"], UTC), enrollment)


def newest_enrollment(user: User, cohort_slug: str | None = None) -> Enrollment | None:
    """Return the person's standing place in a cohort, the newest if none is named."""
    found = Enrollment.objects.standing().filter(learner=user).select_related("cohort__camp")
    if cohort_slug is not None:
        found = found.filter(cohort__slug=cohort_slug)
    return found.order_by("-cohort__starts_on", "-pk").first()


def taught_by(user: User) -> list[Membership]:
    """Return the classes the person is staff of, newest cohort first."""
    return list(
        Membership.objects.standing()
        .filter(user=user, kind__in=STAFF)
        .select_related("group__cohort__camp")
        .order_by("-group__cohort__starts_on", "group__number")
    )


def cohorts_operated_by(user: User) -> list[Cohort]:
    """Return the cohorts of the organizers this person operates, newest first."""
    return list(
        Cohort.objects.filter(camp__organizer__in=operated_by(user)).select_related("camp").order_by("-starts_on")
    )
