"""The few statements of the hot path: sent together, answered together, and failing as Django's own would."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from kaiying.offers.actions import frontiers, release_claim, statements
from kaiying.offers.actions.books import Tier
from kaiying.offers.actions.ledger import LedgerFault
from kaiying.offers.models import Claim, Offer, Seat
from tests.factories.offers import OPENS, a_claim, an_offer
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db

UNTIL = OPENS + timedelta(minutes=15)


def test_what_is_sent_together_is_answered_at_the_end():
    with transaction.atomic():
        with statements.together():
            one, two = statements.send("SELECT 1"), statements.send("SELECT 2 + %s", 3)

        assert (one.rows, two.rows) == ([(1,)], [(5,)])


def test_what_fails_among_others_fails_as_an_error_of_django_and_leaves_a_connection_that_works():
    offer = an_offer(first=3, standard=None)

    with pytest.raises(IntegrityError):
        _append_twice(offer)

    offer.refresh_from_db()
    assert (offer.epoch, connection.is_usable()) == (1, True)


def test_who_asks_for_more_seats_than_there_are_is_given_fewer():
    offer = an_offer(first=2, standard=None)
    [row] = offer.tiers.all()
    tier = Tier(row.pk, offer.pk, row.price, None, 2, 0, 0, 0)
    asked = [(UserFactory().pk, row.price, f"request-{number}") for number in range(3)]

    held = statements.hold_lowest(tier, asked, at=OPENS, until=UNTIL)

    assert [(who, seat, generation) for _pk, who, seat, generation in held] == [
        (asked[0][0], 1, 0),
        (asked[1][0], 2, 0),
    ]
    assert {claim.key for claim in Claim.objects.all()} == {"request-0", "request-1"}
    assert not Seat.objects.filter(state="free").exists()


@transaction.atomic
def _append_twice(offer: Offer) -> None:
    with statements.together():
        statements.turn_page(offer.pk, offer.epoch)
        statements.append_event(offer.pk, 1, "ladder", "{}", at=OPENS)  # the opening has that number


@pytest.mark.django_db(transaction=True)
def test_a_seat_that_came_back_is_found_below_those_that_were_held_since():
    offer = an_offer(first=9, standard=None)
    first, second = a_claim(offer), a_claim(offer)
    assert frontiers.of(first.tier_id, epoch=_epoch(offer)) == second.seat_number

    release_claim(claim=first, at=OPENS + timedelta(minutes=1))

    assert frontiers.of(first.tier_id, epoch=_epoch(offer)) == frontiers.NOTHING
    assert [a_claim(offer).seat_number for _ in range(3)] == [1, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_not_remembered():
    offer = an_offer(first=9, standard=None)
    with pytest.raises(ZeroDivisionError):
        _claim_and_fail(offer)

    assert [a_claim(offer).seat_number for _ in range(2)] == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_number_that_is_wrong_costs_one_batch_and_is_forgotten():
    offer = an_offer(first=3, standard=None)
    tier_id = a_claim(offer).tier_id
    frontiers.note(tier_id, epoch=_epoch(offer), number=3)

    with pytest.raises(LedgerFault):
        a_claim(offer)

    assert [a_claim(offer).seat_number for _ in range(2)] == [2, 3]


def _epoch(offer: Offer) -> int:
    offer.refresh_from_db()
    return offer.epoch


@transaction.atomic
def _claim_and_fail(offer: Offer) -> None:
    a_claim(offer)
    raise ZeroDivisionError
