"""Reminding those who reserved: who, when, once, and in whose words."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kaiying.camps.models import Message
from kaiying.notices.models import Notice
from kaiying.offers.actions import remind_reserved, reserve
from kaiying.offers.models import Offer, Reservation
from kaiying.offers.tasks import remind_of_openings
from kaiying.offers.vocabulary import ReserveRequest
from kaiying.outbox.actions import run_due
from kaiying.people.models import User
from kaiying.wire import clock
from tests.factories.offers import MINUTE, OPENS, an_offer
from tests.factories.people import UserFactory
from tests.offers.crowds import rush

EARLY = OPENS - timedelta(days=2)
DUE = OPENS - 10 * MINUTE


def let_reserve(offer: Offer, *learners: User, at=EARLY) -> None:
    reserve([ReserveRequest(offer.slug, learner.pk) for learner in learners], at=at)


def look(at) -> None:
    """Do what the worker would do at this moment."""
    with clock.frozen(at):
        remind_of_openings.call()
    run_due(at=at)


def told() -> list[User]:
    return [notice.user for notice in Notice.objects.select_related("user").order_by("pk")]


@pytest.mark.django_db
def test_who_reserved_is_told_ten_minutes_before_on_the_page_and_by_mail():
    offer, learner = an_offer(), UserFactory(language="en")
    let_reserve(offer, learner)

    look(DUE - MINUTE)
    assert told() == []
    look(DUE)

    [notice], [letter] = Notice.objects.all(), mail.outbox
    title = f"{offer.cohort.camp.title.in_language('en')}: the sale opens at 20:00"
    assert (notice.user, notice.kind, notice.title) == (learner, "offers.sale_opens", title)
    assert notice.body == (
        "You asked to be reminded. From 20:00 on seats can be claimed; the first cost ¥2.80. "
        "A reservation holds no seat, so have the page open by then."
    )
    assert (notice.url, letter.to, letter.subject) == (f"/c/{offer.slug}/", [learner.email], title)
    assert Reservation.objects.get().reminded_at == DUE


@pytest.mark.django_db
def test_each_is_told_once_even_if_the_sale_is_moved_later():
    offer, learner = an_offer(), UserFactory()
    let_reserve(offer, learner)
    look(DUE)
    look(DUE + MINUTE)

    Offer.objects.filter(pk=offer.pk).update(opens_at=OPENS + timedelta(days=1))
    reserve([ReserveRequest(offer.slug, learner.pk, standing=False)], at=DUE + 2 * MINUTE)
    let_reserve(offer, learner, at=DUE + 3 * MINUTE)
    look(DUE + timedelta(days=1))

    assert told() == [learner]


@pytest.mark.django_db
def test_nobody_is_told_who_took_it_back_came_late_or_may_not_sign_in():
    offer = an_offer()
    back, late, banned, there = UserFactory.create_batch(4)
    let_reserve(offer, back, banned, there)
    reserve([ReserveRequest(offer.slug, back.pk, standing=False)], at=EARLY + MINUTE)
    let_reserve(offer, late, at=DUE + MINUTE)
    User.objects.filter(pk=banned.pk).update(is_active=False)

    look(DUE + 2 * MINUTE)

    assert told() == [there]


@pytest.mark.django_db
def test_once_the_sale_is_open_nobody_is_reminded_any_more():
    offer = an_offer()
    let_reserve(offer, UserFactory())

    look(OPENS)

    assert told() == []


@pytest.mark.django_db
def test_the_camps_own_words_are_taken_when_there_are_some():
    offer, learner = an_offer(), UserFactory(name="小禾", language="zh-hans")
    Message.objects.create(
        camp=offer.cohort.camp,
        ref="reservation-reminder",
        subject={"zh-hans": "{opens} 开售"},
        body={"zh-hans": "{name}，{price} 起，{other}"},
    )
    let_reserve(offer, learner)

    look(DUE)

    [notice] = Notice.objects.all()
    assert (notice.title, notice.body) == ("20:00 开售", "小禾，¥2.80 起，{other}")


@pytest.mark.django_db
def test_many_are_told_in_parts_each_with_the_same_few_statements():
    offer, people = an_offer(), User.objects.bulk_create(UserFactory.build_batch(120))
    let_reserve(offer, *people)

    def cost(limit: int) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as captured:
            reminded = remind_reserved(offer=Offer.objects.get(pk=offer.pk), at=DUE, limit=limit)
        return reminded, len(captured)

    (one, few), (hundred, same) = cost(1), cost(100)
    assert (one, hundred, few) == (1, 100, same)
    look(DUE)
    assert told() == people
    assert len(mail.outbox) == 120


@pytest.mark.django_db
def test_a_job_that_dies_half_way_has_told_nobody_and_told_everybody_after_it_ran_again():
    offer, people = an_offer(), UserFactory.create_batch(3)
    let_reserve(offer, *people)

    with transaction.atomic():
        assert remind_reserved(offer=offer, at=DUE, limit=2) == 2
        transaction.set_rollback(True)
    assert told() == []
    look(DUE)

    assert told() == people


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_once_tell_each_of_two_hundred_once():
    offer, people = an_offer(), User.objects.bulk_create(UserFactory.build_batch(200))
    let_reserve(offer, *people)

    reminded = rush(lambda _turn: remind_reserved(offer=offer, at=DUE, limit=20), range(24))

    assert sorted(person.pk for person in told()) == [person.pk for person in people]
    assert sum(reminded) == 200
    print(f"24 jobs in 8 threads: 200 reserved, {len(told())} told, each once")


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_twin_that_marks_after_telling_tells_people_twice():
    offer, people = an_offer(), User.objects.bulk_create(UserFactory.build_batch(60))
    let_reserve(offer, *people)

    def remind_as_one_would(_turn: int) -> None:
        due = list(Reservation.objects.unreminded().filter(offer=offer).select_related("learner")[:20])
        for one in due:
            Notice.objects.create(user=one.learner, kind="offers.sale_opens", title="soon", at=DUE)
            Reservation.objects.filter(pk=one.pk).update(reminded_at=DUE)

    rush(remind_as_one_would, range(24))

    assert len(told()) > len(set(told()))
    print(f"marked afterwards: {len(told())} told, {len(set(told()))} people")
