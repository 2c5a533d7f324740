"""Opening a cohort puts its staff in place and may be repeated."""

from datetime import UTC, date, datetime

import pytest
from django.utils.translation import override

from kaiying.camps.actions import load_camp, open_cohort
from kaiying.camps.models import Cohort, Staffing
from kaiying.camps.queries import (
    days_of,
    filled,
    lessons_of,
    message_of,
    staff_of,
    stored_media,
    tasks_of,
    teachers_of,
    topics_of,
)
from kaiying.camps.vocabulary import CohortExists
from kaiying.people.models import Role, User
from tests.factories.camp_folders import write_camp
from tests.factories.camps import CampFactory
from tests.factories.people import OrganizerFactory, UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)
FIRST = date(2026, 7, 16)


@pytest.fixture
def camp(tmp_path):
    return load_camp(folder=write_camp(tmp_path / "small"), organizer=OrganizerFactory(), at=NOON).camp


def test_a_cohort_takes_the_camps_clock_and_its_teachers(camp):
    known = UserFactory(email="lin@small.example", name="真名")

    cohort = open_cohort(camp=camp, number=3, starts_on=FIRST, at=NOON)

    assert (cohort.slug, cohort.zone, cohort.unlock_at, cohort.deadline_at) == (
        "small-3",
        camp.zone,
        camp.unlock_at,
        camp.deadline_at,
    )
    assert cohort.created_at == NOON
    assert [(one.teacher.ref, one.user.email) for one in staff_of(cohort)] == [
        ("lin", "lin@small.example"),
        ("su", "su@small.example"),
    ]
    assert staff_of(cohort)[0].user == known
    made = User.objects.get(email="su@small.example")
    assert (made.name, made.has_usable_password()) == ("苏老师", False)
    assert list(Role.objects.values_list("user__email", "kind")) == [("su@small.example", "head_teacher")]


def test_opening_the_same_cohort_again_changes_nothing(camp):
    first = open_cohort(camp=camp, number=1, starts_on=FIRST, at=NOON)

    assert open_cohort(camp=camp, number=1, starts_on=FIRST, at=NOON) == first
    assert (Cohort.objects.count(), Staffing.objects.count(), User.objects.count()) == (1, 2, 2)


def test_a_cohort_that_exists_on_another_day_is_refused(camp):
    open_cohort(camp=camp, number=1, starts_on=FIRST, at=NOON)

    with pytest.raises(CohortExists):
        open_cohort(camp=camp, number=1, starts_on=date(2026, 8, 1), at=NOON)


def test_an_address_taken_by_another_organizer_gets_a_longer_name(camp):
    other = CampFactory(slug="small")

    cohorts = [open_cohort(camp=one, number=1, starts_on=FIRST, at=NOON) for one in (camp, other)]

    assert [cohort.slug for cohort in cohorts] == ["small-1", f"small-1-{other.organizer.slug}"]


def test_a_message_is_filled_in_the_active_language(camp):
    with override("en"):
        assert filled(camp, "welcome", {"name": "{camp}", "camp": "X"})[1] == "Hello {camp}."
        assert filled(camp, "nothing", {}) is None


def test_reads_take_one_query_each(camp, django_assert_num_queries):
    cohort = open_cohort(camp=camp, number=1, starts_on=FIRST, at=NOON)

    with django_assert_num_queries(7):
        assert [(lesson.ref, lesson.teacher and lesson.teacher.ref) for lesson in lessons_of(cohort)] == [
            ("l1", "lin"),
            ("l2", None),
        ]
        assert [day.number for day in days_of(cohort)] == [1, 2]
        assert [(task.ref, task.lesson and task.lesson.ref) for task in tasks_of(cohort)] == [
            ("watch-l1", "l1"),
            ("d1-check-in", None),
            ("d2-map", None),
        ]
        assert [(topic.ref, topic.teacher.ref) for topic in topics_of(cohort)] == [("day-1", "su")]
        assert [teacher.ref for teacher in teachers_of(cohort.camp)] == ["lin", "su"]
        assert message_of(cohort.camp, "welcome").body["en"] == "Hello {name}."
        assert [one.user.email for one in staff_of(cohort)] == ["lin@small.example", "su@small.example"]
    assert stored_media(camp, "media/su.png") == camp.teachers.get(ref="su").portrait
    assert stored_media(camp, "media/none.png") == ""
