"""Who waits at the door and asked for it is called once, about a minute before their turn."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from kaiying.notices.models import Notice
from kaiying.offers.actions import ask_to_be_called, call_near
from kaiying.offers.actions.calling import to_call
from kaiying.offers.models import Admission, Bell, Offer, PriceTier
from kaiying.offers.tasks import call_those_near
from kaiying.outbox.actions import run_due
from kaiying.outbox.models import Job
from kaiying.wire.turns import Turn, cookie_name, turn_token
from tests.factories.offers import FIRST, OPENS, a_claim, an_offer
from tests.factories.people import UserFactory
from tests.offers.crowds import rush

NOW = OPENS + timedelta(minutes=2)
pytestmark = pytest.mark.django_db


def a_line(*, threshold: int = 100, rate: int = 2, issued: int = 1_000, **facts) -> Offer:
    """Return an offer at which two a second are let in: who is within 120 places is near."""
    offer = an_offer(first=500, standard=None)
    Admission.objects.filter(pk=offer.pk).update(
        rate=rate, threshold=threshold, issued=issued, advanced_at=NOW, **facts
    )
    return offer


def a_bell(offer: Offer, number: int, **facts) -> Bell:
    learner = UserFactory.create(**facts)
    return ask_to_be_called(offer=offer, learner=learner, turn=Turn(offer.pk, learner.pk, number), at=NOW)


def called() -> set[int]:
    return set(Notice.objects.filter(kind="offers.turn_near").values_list("user_id", flat=True))


def test_who_is_near_is_called_once_and_who_is_far_is_not():
    offer = a_line()
    near, last, far = a_bell(offer, 150), a_bell(offer, 219), a_bell(offer, 220)

    counts = [call_near(offer=offer, at=NOW) for _ in range(2)]

    assert counts == [2, 0]
    assert called() == {near.learner_id, last.learner_id}
    far.refresh_from_db()
    assert far.rung_at is None


def test_early_people_stand_where_they_were_drawn():
    offer = a_line(early=50, threshold=0, rate=1)
    learner = UserFactory.create()
    turn = Turn(offer.pk, learner.pk)

    bell = ask_to_be_called(offer=offer, learner=learner, turn=turn, at=NOW)

    assert bell.place == turn.place(Admission.objects.get(pk=offer.pk)) < 50


def test_asking_twice_is_asking_once():
    offer = a_line()
    bell = a_bell(offer, 150)
    call_near(offer=offer, at=NOW)

    again = ask_to_be_called(
        offer=offer, learner=bell.learner, turn=Turn(offer.pk, bell.learner_id, 160), at=NOW + timedelta(seconds=5)
    )

    assert (again.pk, again.place, again.rung_at) == (bell.pk, 150, NOW)
    assert call_near(offer=offer, at=NOW) == 0


@pytest.mark.parametrize(
    "facts", [{"paused_at": NOW}, {"advanced_at": None}], ids=["paused", "nobody has been let in yet"]
)
def test_nobody_is_called_to_a_line_that_stands_still(facts):
    offer = a_line()
    a_bell(offer, 101)
    Admission.objects.filter(pk=offer.pk).update(**facts)

    assert call_near(offer=offer, at=NOW) == 0


def test_nobody_is_called_for_seats_that_are_gone():
    offer = a_line()
    a_bell(offer, 101)

    PriceTier.objects.filter(offer=offer).update(held=500)

    assert call_near(offer=offer, at=NOW) == 0


def test_nobody_is_called_after_the_sale_or_a_day_later():
    offer = a_line()
    a_bell(offer, 101)

    assert call_near(offer=offer, at=NOW + timedelta(days=2)) == 0
    Offer.objects.filter(pk=offer.pk).update(closes_at=NOW)
    assert not to_call(Admission.objects.select_related("offer").get(pk=offer.pk), at=NOW).exists()


def test_everybody_is_called_when_the_door_is_taken_away():
    offer = a_line()
    a_bell(offer, 900)

    Admission.objects.filter(pk=offer.pk).update(lifted_at=NOW)

    assert call_near(offer=offer, at=NOW) == 1


def test_who_has_a_seat_by_now_is_left_in_peace():
    offer = a_line()
    bell = a_bell(offer, 150)

    a_claim(offer, learner=bell.learner, max_price=FIRST, at=NOW)

    assert call_near(offer=offer, at=NOW) == 0


def test_people_are_called_in_their_language_by_notice_and_mail():
    offer = a_line()
    here, there = a_bell(offer, 101, language="zh-hans"), a_bell(offer, 102, language="en")

    with time_machine.travel(NOW, tick=False):
        call_those_near.call()
    run_due(at=NOW)

    said = dict(Notice.objects.values_list("user_id", "title"))
    assert said[here.learner_id].endswith("快轮到你了")
    assert said[there.learner_id].endswith("it is almost your turn")
    assert {one.to[0] for one in mail.outbox} == {here.learner.email, there.learner.email}
    assert all(f"/c/{offer.slug}/queue/" in one.body for one in mail.outbox)


def test_the_task_leaves_lines_alone_in_which_nobody_is_near(django_assert_max_num_queries):
    for _ in range(3):
        a_bell(a_line(), 900)

    with time_machine.travel(NOW, tick=False), django_assert_max_num_queries(7):
        call_those_near.call()

    assert not Job.objects.exists()


def test_hundreds_are_called_a_few_at_a_time():
    offer = a_line(rate=100)
    for number in range(101, 108):
        a_bell(offer, number)

    assert [call_near(offer=offer, at=NOW, limit=3) for _ in range(4)] == [3, 3, 1, 0]
    assert len(called()) == 7


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_eight_who_call_at_once_call_nobody_twice():
    offer = a_line()
    for number in range(101, 141):
        a_bell(offer, number)

    counts = rush(lambda _turn: call_near(offer=offer, at=NOW, limit=5), range(24))

    assert (sum(counts), Notice.objects.count(), len(called())) == (40, 40, 40)
    print(f"24 calls in 8 threads: 40 waited, {Notice.objects.count()} told, each once")


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_twin_that_marks_after_calling_calls_people_twice():
    offer = a_line()
    for number in range(101, 141):
        a_bell(offer, number)

    def call_as_one_would(_turn: int) -> None:
        line = Admission.objects.select_related("offer").get(pk=offer.pk)
        for bell in to_call(line, at=NOW)[:20]:
            Notice.objects.create(user_id=bell.learner_id, kind="offers.turn_near", title="soon", at=NOW)
            Bell.objects.filter(pk=bell.pk).update(rung_at=NOW)

    rush(call_as_one_would, range(24))

    assert Notice.objects.count() > len(called())
    print(f"marked afterwards: {Notice.objects.count()} told, {len(called())} people")


@pytest.fixture
def learner(client):
    found = UserFactory.create()
    client.force_login(found)
    return found


def press(client, offer: Offer):
    return client.post(reverse("offers:bell", args=[offer.slug]))


def test_the_page_offers_the_bell_to_those_who_wait_and_then_says_so(client, learner):
    offer = a_line(issued=1_000, threshold=0)
    client.cookies[cookie_name(offer.pk)] = turn_token(Turn(offer.pk, learner.pk, 900), at=NOW)
    address = reverse("offers:queue", args=[offer.slug])
    with time_machine.travel(NOW, tick=False):
        before = client.get(address).content.decode()
        response = press(client, offer)
        after = client.get(address).content.decode()

    assert reverse("offers:bell", args=[offer.slug]) in before
    assert (response.status_code, response.url) == (302, address)
    assert "一分钟" in after
    assert reverse("offers:bell", args=[offer.slug]) not in after
    assert Bell.objects.get().place == 900


def test_who_is_not_in_line_gets_no_bell(client, learner):
    offer = a_line()
    with time_machine.travel(NOW, tick=False):
        response = press(client, offer)

    assert response.url == reverse("offers:queue", args=[offer.slug])
    assert not Bell.objects.exists()


def test_the_turn_of_somebody_else_rings_no_bell(client, learner):
    offer = a_line()
    client.cookies[cookie_name(offer.pk)] = turn_token(Turn(offer.pk, learner.pk + 1, 900), at=NOW)
    with time_machine.travel(NOW, tick=False):
        press(client, offer)

    assert not Bell.objects.exists()
