"""Reserving: what stands, what is counted, who is turned away, and many at once."""

import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kaiying.kit.errors import Refused
from kaiying.offers.actions import release_claim, reserve
from kaiying.offers.models import Offer, Reservation
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import Closed, HasSeat, NoSuchOffer, Reserved, ReserveRequest, SaleOpen
from kaiying.people.models import User
from tests.factories.offers import MINUTE, OPENS, a_claim, an_offer
from tests.factories.people import UserFactory
from tests.offers.crowds import rush

EARLY = OPENS - timedelta(days=2)


def ask(offer: Offer, learner: User, *, standing: bool = True, at=EARLY) -> Reserved | Refused:
    [result] = reserve([ReserveRequest(offer.slug, learner.pk, standing)], at=at)
    return result


def count_of(offer: Offer) -> tuple[int, int]:
    """Return what the offer says, and how many rows stand."""
    return Offer.objects.get(pk=offer.pk).reserved, Reservation.objects.standing().filter(offer=offer).count()


@pytest.mark.django_db
def test_reserving_says_what_stands_and_how_many_do():
    offer, learner = an_offer(), UserFactory()

    assert ask(offer, learner) == Reserved(learner.pk, EARLY, is_new=True, reserved=1, opens_at=OPENS)
    assert count_of(offer) == (1, 1)


@pytest.mark.django_db
def test_reserving_again_returns_the_first():
    offer, learner = an_offer(), UserFactory()
    ask(offer, learner)

    again = ask(offer, learner, at=EARLY + MINUTE)

    assert again == Reserved(learner.pk, EARLY, is_new=False, reserved=1, opens_at=OPENS)
    assert count_of(offer) == (1, 1)


@pytest.mark.django_db
def test_what_was_taken_back_can_be_reserved_again_on_the_same_row():
    offer, learner = an_offer(), UserFactory()
    ask(offer, learner)

    gone = ask(offer, learner, standing=False, at=EARLY + MINUTE)
    assert (gone.standing, gone.reserved, count_of(offer)) == (False, 0, (0, 0))
    assert Reservation.objects.get().cancelled_at == EARLY + MINUTE

    back = ask(offer, learner, at=EARLY + 2 * MINUTE)
    assert (back.reserved_at, back.is_new, back.reserved) == (EARLY + 2 * MINUTE, True, 1)
    assert Reservation.objects.get().cancelled_at is None
    assert count_of(offer) == (1, 1)


@pytest.mark.django_db
def test_taking_back_what_never_stood_leaves_no_trace():
    offer, learner = an_offer(), UserFactory()

    assert ask(offer, learner, standing=False) == Reserved(learner.pk, None, is_new=False, reserved=0, opens_at=OPENS)
    assert not Reservation.objects.exists()


@pytest.mark.django_db
def test_once_the_sale_is_open_there_is_nothing_to_reserve():
    offer, learner = an_offer(closes_at=OPENS + 60 * MINUTE), UserFactory()

    assert isinstance(ask(offer, learner, at=OPENS), SaleOpen)
    assert isinstance(ask(offer, learner, at=OPENS + 60 * MINUTE), Closed)
    assert count_of(offer) == (0, 0)


@pytest.mark.django_db
def test_one_may_take_back_ones_word_after_the_opening_too():
    offer, learner = an_offer(), UserFactory()
    ask(offer, learner)

    assert ask(offer, learner, standing=False, at=OPENS + MINUTE).standing is False
    assert count_of(offer) == (0, 0)


@pytest.mark.django_db
def test_who_has_a_seat_needs_no_reservation_until_they_let_it_go():
    sold, other = an_offer(), an_offer(opens_at=OPENS + timedelta(days=3))
    claim = a_claim(sold)
    Offer.objects.filter(pk=sold.pk).update(opens_at=OPENS + timedelta(days=1))

    assert isinstance(ask(sold, claim.learner, at=OPENS + MINUTE), HasSeat)
    assert ask(other, claim.learner, at=OPENS + MINUTE).standing
    release_claim(claim=claim, at=OPENS + 2 * MINUTE)
    assert ask(sold, claim.learner, at=OPENS + 3 * MINUTE).standing


@pytest.mark.django_db
def test_an_address_where_nothing_is_sold_is_refused_and_its_neighbours_are_not():
    offer, learner = an_offer(), UserFactory()

    nowhere, here = reserve(
        [ReserveRequest("nowhere", learner.pk), ReserveRequest(offer.slug, learner.pk)],
        at=EARLY,
    )

    assert isinstance(nowhere, NoSuchOffer)
    assert here.standing


@pytest.mark.django_db
def test_of_two_wishes_in_one_batch_the_last_counts_and_both_are_told():
    offer, learner, other = an_offer(), UserFactory(), UserFactory()

    answers = reserve(
        [
            ReserveRequest(offer.slug, learner.pk),
            ReserveRequest(offer.slug, other.pk),
            ReserveRequest(offer.slug, learner.pk, standing=False),
            ReserveRequest(offer.slug, other.pk),
        ],
        at=EARLY,
    )

    assert [(answer.standing, answer.reserved) for answer in answers] == [(False, 1), (True, 1), (False, 1), (True, 1)]
    assert count_of(offer) == (1, 1)


@pytest.mark.django_db
def test_a_batch_costs_the_same_number_of_statements_whatever_its_size():
    offers = [an_offer(), an_offer()]
    people = User.objects.bulk_create(UserFactory.build_batch(400))

    def cost(learners: list[User]) -> int:
        asks = [ReserveRequest(offer.slug, learner.pk) for learner in learners for offer in offers]
        with CaptureQueriesContext(connection) as captured:
            reserve(asks, at=EARLY)
        return len(captured)

    assert cost(people[:1]) == cost(people[1:])
    assert [count_of(offer) for offer in offers] == [(400, 400)] * 2


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_fifty_times_at_once_the_same_learner_is_one_row_and_the_count_is_the_rows():
    offer, learner, others = an_offer(), UserFactory(), UserFactory.create_batch(10)
    asks = [(learner, place % 3 != 2) for place in range(50)] + [(one, True) for one in others]

    answers = rush(lambda one: ask(offer, one[0], standing=one[1]), asks)

    assert not [answer for answer in answers if isinstance(answer, Refused)]
    assert Reservation.objects.filter(learner=learner).count() == 1
    told, rows = count_of(offer)
    assert told == rows
    assert rows in {10, 11}
    print(f"50 wishes of one learner and 10 others in 8 threads: 1 row each, {told} counted, {rows} stand")


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_twin_that_writes_the_count_it_has_read_miscounts():
    offer, people = an_offer(), UserFactory.create_batch(40)

    def reserve_as_one_would(learner: User) -> None:
        read = Offer.objects.get(pk=offer.pk).reserved
        with transaction.atomic():
            Reservation.objects.get_or_create(offer=offer, learner=learner, defaults={"reserved_at": EARLY})
        time.sleep(0.002)
        Offer.objects.filter(pk=offer.pk).update(reserved=read + 1)

    rush(reserve_as_one_would, people)

    told, rows = count_of(offer)
    assert rows == 40
    assert told < rows
    print(f"written as read + 1: {told} counted, {rows} stand")


@pytest.mark.django_db(transaction=True)
def test_batches_over_the_same_people_and_offers_never_lock_each_other_out():
    offers = [an_offer(), an_offer(), an_offer()]
    people = User.objects.bulk_create(UserFactory.build_batch(60))

    def batch(turn: int) -> None:
        step = 1 if turn % 2 else -1
        asks = [
            ReserveRequest(offer.slug, one.pk, (turn + one.pk) % 3 != 0)
            for one in people[::step]
            for offer in offers[::step]
        ]
        reserve(asks, at=EARLY + turn * MINUTE)

    rush(batch, range(24))

    for offer in offers:
        told, rows = count_of(offer)
        assert told == rows


@pytest.mark.django_db
def test_a_count_that_is_not_true_is_found():
    offer = an_offer()
    ask(offer, UserFactory())
    assert verify(offer) == []

    Offer.objects.filter(pk=offer.pk).update(reserved=2)

    assert verify(offer) == ["the offer says 2 reservations, there are 1"]
