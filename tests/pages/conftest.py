"""A cohort on its second day, by the clock of now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import pytest
from django.test import Client

from kaiying.camps.models import Camp, Cohort
from kaiying.groups.models import ClassGroup
from kaiying.kit import periods
from kaiying.learning.models import Enrollment
from kaiying.people.models import User
from kaiying.wire import clock
from tests.factories.camps import CohortFactory, four_day_camp
from tests.factories.groups import ClassGroupFactory, seated
from tests.factories.people import RoleFactory, UserFactory

ZONE = "Asia/Shanghai"


@dataclass
class Stage:
    """A running cohort with a class, one learner in it, and an operator."""

    camp: Camp
    cohort: Cohort
    group: ClassGroup
    enrollment: Enrollment
    operator: User

    @property
    def learner(self) -> User:
        """The learner."""
        return self.enrollment.learner

    def on_day(self, number: int, hour: int = 12) -> datetime:
        """Return an hour of a day by the cohort's clocks."""
        return periods.moment(self.cohort.day_on(number), time(hour), ZONE)


@pytest.fixture
def stage(db: None) -> Stage:
    """Day 2 is today."""
    yesterday = periods.day_in(clock.now(), ZONE) - timedelta(days=1)
    camp = four_day_camp()
    cohort = CohortFactory(camp=camp, starts_on=yesterday)
    group = ClassGroupFactory(cohort=cohort, number=1)
    operator = RoleFactory(organizer=camp.organizer, user=UserFactory(name="Op")).user
    return Stage(camp, cohort, group, seated(group, UserFactory(name="Learner A")), operator)


@pytest.fixture
def as_() -> Callable[[User], Client]:
    """Give a browser in which somebody is signed in; it reads English."""

    def browser(user: User, **headers: str) -> Client:
        made = Client(headers={"accept-language": "en", **headers})
        made.force_login(user)
        return made

    return browser
