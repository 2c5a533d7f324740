"""The demo: a cohort on its second day and the next one on sale, played in over the real actions."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from kaiying.camps.models import Cohort
from kaiying.groups.models import CheckIn, Membership
from kaiying.groups.queries import group_of, supervision
from kaiying.learning.models import Enrollment
from kaiying.offers.queries import ladder, verify
from kaiying.orders.queries import verify_money
from kaiying.rehearsal.actions import play_demo
from kaiying.rehearsal.actions.casting import cast_organizer, person
from kaiying.rehearsal.actions.playing import HELD, LEARNERS, SOLD
from kaiying.rehearsal.management.camp_folders import bring_in
from kaiying.rehearsal.management.commands.demo import FOLDER

EVENING = datetime(2026, 7, 17, 11, 42, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def played(django_db_setup, django_db_blocker):
    """Play it once for all tests here; they only look."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        camp = bring_in(folder=FOLDER, organizer=cast_organizer(), at=EVENING).camp
        yield play_demo(camp=camp, at=EVENING)
        transaction.set_rollback(True)


def test_the_running_cohort_is_on_its_second_day(played):
    assert played.running.day_at(EVENING) == 2
    assert Enrollment.objects.standing().filter(cohort=played.running).count() == LEARNERS + 1
    assert Membership.objects.learners().filter(group__cohort=played.running).count() == LEARNERS + 1


def test_the_next_cohort_is_on_sale_at_the_first_price(played):
    shown = ladder(played.on_sale, EVENING)

    assert (shown.paid, shown.held, shown.free) == (SOLD, HELD, 300 - SOLD - HELD)
    assert shown.current.price.text(short=True) == "¥2.8"


def test_the_books_are_right(played):
    for cohort in Cohort.objects.filter(camp=played.running.camp):
        assert verify(cohort.offer) == []
        assert verify_money(cohort.offer) == []


def test_the_learner_of_the_demo_has_three_of_eight_tasks_and_a_lesson_begun(played):
    enrollment = Enrollment.objects.get(cohort=played.running, learner=person("learner"))

    done = enrollment.submissions.count() + CheckIn.objects.filter(learner=enrollment.learner).count()
    begun = enrollment.progress.filter(completed_at=None, seconds__gt=0)

    assert done == 3
    assert [row.lesson.ref for row in begun] == ["l4"]


def test_somebody_needs_the_head_teacher(played):
    group = group_of(person("learner"), played.running.pk)

    shown = supervision(group, at=EVENING)

    assert 1 <= sum(bool(row.reasons) for row in shown.rows) < LEARNERS


def test_playing_it_again_on_the_same_day_changes_nothing(played):
    again = play_demo(camp=played.running.camp, at=EVENING + timedelta(hours=1))

    assert again == played
    assert Cohort.objects.filter(camp=played.running.camp).count() == 2


def test_outside_of_demo_mode_there_is_no_door(client):
    with pytest.raises(Exception, match="demo"):
        reverse("demo:stage")

    assert client.get("/demo/").status_code == 404
    assert client.get("/demo/owner/").status_code == 404
