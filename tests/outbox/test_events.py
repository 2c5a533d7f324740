"""News is written with its cause, or not at all."""

import pytest
from django.db import transaction

from kaiying.outbox.actions import publish, publish_all
from kaiying.outbox.models import Event

pytestmark = pytest.mark.django_db


def test_news_keeps_its_channel_and_its_facts():
    publish("offers.seat_held", channel="offer:7", seats_left=3)

    event = Event.objects.get()
    assert (event.name, event.channel, event.facts) == ("offers.seat_held", "offer:7", {"seats_left": 3})
    assert event.at is not None


def test_news_of_what_was_undone_is_undone():
    with transaction.atomic():
        publish("offers.seat_held", channel="offer:7")
        transaction.set_rollback(True)

    assert not Event.objects.exists()


def test_many_news_are_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        publish_all(Event(name="offers.seat_held", channel=f"offer:{n}") for n in range(50))

    assert Event.objects.count() == 50
