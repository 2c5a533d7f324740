"""The alarm of a sale: too few of those who ask get an answer."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from kaiying.notices.models import Notice
from kaiying.offers.actions import Seen, fold_pulses, note_pulse, watch_sale
from kaiying.offers.models import Incident, Pulse
from kaiying.offers.queries import all_beats, last_minute
from kaiying.outbox.models import Event
from kaiying.pages.tasks import watch_sales
from kaiying.people.vocabulary import RoleKind
from kaiying.wire import clock
from tests.factories.offers import OPENS, an_offer
from tests.factories.people import OrganizerFactory, RoleFactory, UserFactory
from tests.offers.crowds import rush

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
NOW = OPENS + 120 * SECOND


def a_watched_offer():
    offer = an_offer()
    organizer = offer.cohort.camp.organizer
    RoleFactory(organizer=organizer, user=UserFactory(language="en", email="op@example.org"))
    RoleFactory(organizer=organizer, kind=RoleKind.OWNER, user=UserFactory(language="zh-hans"))
    RoleFactory(organizer=organizer, kind=RoleKind.HEAD_TEACHER)
    RoleFactory(organizer=OrganizerFactory())
    return offer


def saw(offer, *, ago=10, source="web-1", **counts):
    note_pulse([Seen(offer.pk, NOW - ago * SECOND, **counts)], source=source)


def state(offer):
    return [(one.began_at, one.ended_at) for one in Incident.objects.filter(offer=offer).order_by("pk")]


@pytest.mark.parametrize(
    ("counts", "alarms"),
    [
        ({"asked": 100, "held": 30, "refused": 70}, False),
        ({"asked": 100, "refused": 100}, False),  # sold out is an answer
        ({"asked": 100, "held": 40}, False),  # the others had their seat already
        ({"asked": 100, "shed": 10}, False),
        ({"asked": 100, "shed": 11}, True),
        ({"asked": 100, "failed": 11}, True),
        ({"asked": 100, "shed": 6, "failed": 5}, True),
        ({"asked": 49, "failed": 49}, False),  # too few to say
        ({"asked": 50, "failed": 6}, True),
        ({"viewed": 10_000}, False),
    ],
)
def test_it_is_an_alarm_when_fewer_than_nine_of_ten_are_answered(counts, alarms):
    offer = a_watched_offer()
    saw(offer, **counts)

    assert (watch_sale(offer=offer, at=NOW) is not None) == alarms


def test_operators_and_owners_are_told_once_of_the_beginning_and_once_of_the_end():
    offer = a_watched_offer()
    saw(offer, asked=200, held=20, refused=100, shed=60, failed=20)

    for tick in range(3):
        watch_sale(offer=offer, at=NOW + tick * 10 * SECOND)
    saw(offer, ago=-90, asked=300, refused=299, failed=1)
    for tick in range(3):
        watch_sale(offer=offer, at=NOW + (100 + tick * 10) * SECOND)

    assert state(offer) == [(NOW, NOW + 100 * SECOND)]
    titles = Notice.objects.filter(user__email="op@example.org").order_by("pk").values_list("title", flat=True)
    assert list(titles) == [
        "Too few get an answer: 120 of 200 in the last minute",
        "Those who ask get an answer again: 299 of 300 in the last minute",
    ]
    assert Notice.objects.count() == 4  # two people, twice
    channel = f"cohort:{offer.cohort_id}"
    news = Event.objects.filter(channel=channel).order_by("pk").values_list("name", flat=True)
    assert list(news) == ["offers.incident_began", "offers.incident_ended"]


def test_between_ninety_and_ninety_five_in_a_hundred_nothing_changes():
    offer = a_watched_offer()
    saw(offer, asked=100, shed=7)
    assert watch_sale(offer=offer, at=NOW) is None
    Incident.objects.create(offer=offer, began_at=OPENS, asked=100, answered=20)

    assert watch_sale(offer=offer, at=NOW) is None


def test_an_incident_ends_when_nobody_asks_any_more():
    offer = a_watched_offer()
    saw(offer, asked=100, failed=100)
    watch_sale(offer=offer, at=NOW)

    watch_sale(offer=offer, at=NOW + 120 * SECOND)

    assert state(offer) == [(NOW, NOW + 120 * SECOND)]


def test_the_last_minute_adds_all_processes_up_and_nothing_older():
    offer = a_watched_offer()
    saw(offer, asked=30, slow_ms=40)
    saw(offer, source="web-2", asked=20, shed=5, slow_ms=90)
    saw(offer, ago=65, asked=1_000, failed=1_000)

    minute = last_minute(offer, at=NOW)

    assert (minute.asked, minute.answered, minute.slow_ms, minute.success) == (50, 45, 90, 0.9)


def test_the_task_looks_at_open_sales_and_at_those_in_trouble():
    now = clock.now()
    open_one, over = (
        an_offer(opens_at=now - timedelta(hours=1), closes_at=closes) for closes in (None, now - 30 * SECOND)
    )
    for offer in (open_one, over):
        note_pulse([Seen(offer.pk, now - 10 * SECOND, asked=60, failed=60)], source="web-1")
    Incident.objects.create(offer=over, began_at=now - 60 * SECOND, asked=60, answered=0)
    Pulse.objects.filter(offer=over).delete()

    watch_sales.func()

    assert [len(state(offer)) for offer in (open_one, over)] == [1, 1]
    assert Incident.objects.get(offer=over).ended_at is not None


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_however_many_processes_look_everybody_is_told_once():
    offer = a_watched_offer()
    saw(offer, asked=100, failed=50)

    made = [one for one in rush(lambda _turn: watch_sale(offer=offer, at=NOW), range(16)) if one]

    told = Notice.objects.count()
    assert (len(made), Incident.objects.count(), told) == (1, 1, 2)
    print(f"\n  {connection.vendor}: 16 looks at once, {len(made)} incident, {told} of 2 people told, told twice 0")


@pytest.mark.django_db(transaction=True)
def test_twin_without_the_constraint_who_looks_and_then_writes_tells_twice():
    offer = a_watched_offer()
    rule = next(one for one in Incident._meta.constraints if one.name == "offers_incident_one_open")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Incident, rule)
    try:
        seen = [Incident.objects.filter(offer=offer, ended_at=None).exists() for _process in range(2)]
        for was_there in seen:
            if not was_there:
                Incident.objects.create(offer=offer, began_at=NOW, asked=100, answered=50)
        assert Incident.objects.count() == 2
    finally:
        Incident.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Incident, rule)


def test_old_pulses_become_one_row_an_hour_and_no_count_is_lost():
    offer = a_watched_offer()
    hour = OPENS.replace(minute=0, second=0)
    for slot in range(20):
        note_pulse(
            [Seen(offer.pk, hour + slot * 600 * SECOND, viewed=3, asked=2, held=1, slow_ms=slot)], source="web-1"
        )
    before = all_beats(offer)

    folded = fold_pulses(at=hour + timedelta(hours=4, minutes=5))
    again = fold_pulses(at=hour + timedelta(hours=4, minutes=5))

    after = all_beats(offer)
    assert (folded, again, Pulse.objects.count()) == (12, 0, 2 + 8)
    assert (after.viewed, after.asked, after.held) == (before.viewed, before.asked, before.held) == (60, 40, 20)


def test_what_comes_late_is_added_to_its_hour():
    offer = a_watched_offer()
    late = OPENS + timedelta(hours=5)
    for source in ("web-1", "web-2"):
        note_pulse([Seen(offer.pk, OPENS, asked=2)], source=source)
        with transaction.atomic():
            fold_pulses(at=late)

    assert [(row.source, row.asked) for row in Pulse.objects.all()] == [("hour", 4)]
