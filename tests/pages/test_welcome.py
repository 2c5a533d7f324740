"""The page right after paying."""

from kaiying.groups.models import Membership
from tests.factories.groups import enrolled, teacher_of
from tests.factories.offers import an_offer
from tests.factories.orders import an_order, hear
from tests.factories.people import UserFactory


def test_it_seats_the_learner_in_a_class_once(stage, as_):
    teacher_of(stage.group)
    learner = enrolled(stage.cohort, UserFactory(name="")).learner
    browser = as_(learner)

    html = browser.get(f"/learn/{stage.cohort.slug}/welcome/").content.decode()
    browser.get(f"/learn/{stage.cohort.slug}/welcome/")

    assert Membership.objects.filter(user=learner).count() == 1
    assert "Say hello in Class 1" in html
    assert "Choose the name your class sees" in html


def test_it_names_the_seat(stage, as_):
    order = an_order(an_offer(3, 3, cohort=stage.cohort))
    hear(order)

    html = as_(order.learner).get(f"/learn/{stage.cohort.slug}/welcome/").content.decode()

    assert "Seat 1, first seats" in html
