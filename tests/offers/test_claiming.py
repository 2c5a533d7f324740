"""Who gets which seat, at which price, and who is turned away with what words."""

from datetime import timedelta

import pytest

from kaiying.offers.actions import claim_seats, expire_claims, release_claim
from kaiying.offers.models import Seat
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import (
    ClaimRequest,
    Closed,
    KeyReused,
    KeySpent,
    NotOnSale,
    PriceMoved,
    SoldOut,
    Taken,
    TooEarly,
    WaitYourTurn,
)
from kaiying.outbox.models import Event
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, a_claim, a_key, an_offer, tier
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_seats_go_in_the_order_of_their_numbers_at_the_price_of_their_tier():
    offer = an_offer(first=2, standard=2)

    claims = [a_claim(offer) for _ in range(4)]

    assert [(claim.seat_number, claim.price) for claim in claims] == [
        (1, FIRST),
        (2, FIRST),
        (3, STANDARD),
        (4, STANDARD),
    ]
    assert verify(offer) == []


def test_a_hold_lasts_as_long_as_the_offer_says_from_the_moment_of_the_claim():
    claim = a_claim(an_offer(hold_minutes=15))

    assert claim.held_until == OPENS + timedelta(minutes=15)


def test_a_second_claim_by_the_same_learner_returns_the_first():
    offer, learner = an_offer(), UserFactory()
    first = a_claim(offer, learner=learner)

    again = a_claim(offer, learner=learner, at=OPENS + MINUTE)

    assert again == first
    assert offer.claims.count() == 1


def test_a_learner_who_has_a_seat_is_told_so_even_when_all_are_gone():
    offer, learner = an_offer(first=1, standard=None), UserFactory()
    first = a_claim(offer, learner=learner)

    with pytest.raises(SoldOut):
        a_claim(offer)

    assert a_claim(offer, learner=learner) == first


def test_the_same_key_with_another_price_is_refused():
    offer, learner = an_offer(), UserFactory()
    a_claim(offer, learner=learner, key="one-request")

    with pytest.raises(KeyReused) as refused:
        a_claim(offer, learner=learner, key="one-request", max_price=STANDARD + 1)

    assert refused.value.status == 422


def test_the_same_key_for_another_offer_is_refused():
    learner = UserFactory()
    a_claim(an_offer(), learner=learner, key="one-request")

    with pytest.raises(KeyReused):
        a_claim(an_offer(), learner=learner, key="one-request")


@pytest.mark.parametrize("key", ["", "short", "again:00012345", "with space", "x" * 65])
def test_a_key_that_is_none_of_a_browsers_is_refused(key: str):
    offer = an_offer()

    [result] = claim_seats([ClaimRequest(offer.pk, UserFactory().pk, STANDARD, key)], at=OPENS)

    assert isinstance(result, KeyReused)


def test_the_key_of_a_hold_that_ended_needs_a_new_one():
    offer, learner = an_offer(), UserFactory()
    a_claim(offer, learner=learner, key="one-request")
    expire_claims(offer=offer, at=OPENS + 16 * MINUTE)

    with pytest.raises(KeySpent):
        a_claim(offer, learner=learner, key="one-request", at=OPENS + 17 * MINUTE)

    assert a_claim(offer, learner=learner, at=OPENS + 17 * MINUTE).is_live


def test_nobody_pays_more_than_they_saw():
    offer = an_offer(first=1, standard=1)
    a_claim(offer)

    with pytest.raises(PriceMoved) as refused:
        a_claim(offer, max_price=FIRST)

    assert refused.value.status == 412
    assert refused.value.facts == {"price": "¥99", "minor": STANDARD}
    assert offer.claims.count() == 1


def test_who_would_pay_more_pays_what_the_seat_costs():
    assert a_claim(an_offer(), max_price=STANDARD * 2).price == FIRST


def test_nothing_is_sold_before_the_opening():
    with pytest.raises(TooEarly):
        a_claim(an_offer(), at=OPENS - MINUTE)


def test_nothing_is_sold_after_the_closing():
    offer = an_offer(closes_at=OPENS + MINUTE)

    with pytest.raises(Closed):
        a_claim(offer, at=OPENS + MINUTE)


def test_a_hold_outlasts_the_closing_of_the_sale():
    offer, learner = an_offer(closes_at=OPENS + MINUTE), UserFactory()
    claim = a_claim(offer, learner=learner)

    assert a_claim(offer, learner=learner, at=OPENS + 2 * MINUTE) == claim


def test_an_offer_that_does_not_exist_is_not_on_sale():
    [result] = claim_seats([ClaimRequest(0, UserFactory().pk, STANDARD, a_key())], at=OPENS)

    assert type(result) is NotOnSale


def test_after_the_end_of_a_tier_its_seats_cost_the_next_price():
    offer = an_offer(
        tiers=[tier("first", "2.80", 3, ends_at="2026-07-15T22:00:00+08:00"), tier("standard", "99.00", 2)]
    )
    early = a_claim(offer, at=OPENS + 119 * MINUTE)

    late = a_claim(offer, at=OPENS + 120 * MINUTE)

    assert (early.seat_number, early.price, late.seat_number, late.price) == (1, FIRST, 2, STANDARD)
    assert [a_claim(offer, at=OPENS + 121 * MINUTE).price for _ in range(3)] == [STANDARD] * 3
    assert verify(offer) == []


def test_after_the_end_of_the_last_tier_nothing_is_sold():
    offer = an_offer(tiers=[tier("first", "2.80", 3, ends_at="2026-07-15T22:00:00+08:00")])

    with pytest.raises(Closed):
        a_claim(offer, at=OPENS + 120 * MINUTE)


def test_two_expired_holds_send_a_learner_to_the_waitlist():
    offer, learner = an_offer(), UserFactory()
    for turn in range(2):
        a_claim(offer, learner=learner, at=OPENS + turn * 20 * MINUTE)
        expire_claims(offer=offer, at=OPENS + (turn * 20 + 16) * MINUTE)

    with pytest.raises(WaitYourTurn):
        a_claim(offer, learner=learner, at=OPENS + 60 * MINUTE)

    assert a_claim(an_offer(), learner=learner).is_live


def test_letting_go_again_and_again_does_not_hold_a_seat_for_ever():
    offer, learner = an_offer(), UserFactory()
    for turn in range(5):
        claim = a_claim(offer, learner=learner, at=OPENS + turn * 14 * MINUTE)
        release_claim(claim=claim, at=OPENS + (turn * 14 + 13) * MINUTE)

    with pytest.raises(WaitYourTurn):
        a_claim(offer, learner=learner, at=OPENS + 90 * MINUTE)


def test_a_batch_is_answered_in_its_order():
    offer, other = an_offer(first=1, standard=1), an_offer(first=5, standard=None)
    ann, bob, eve = UserFactory.create_batch(3)

    results = claim_seats(
        [
            ClaimRequest(offer.pk, ann.pk, FIRST, "ann-key-1"),
            ClaimRequest(offer.pk, bob.pk, FIRST, "bob-key-1"),
            ClaimRequest(other.pk, bob.pk, FIRST, "bob-key-2"),
            ClaimRequest(offer.pk, ann.pk, FIRST, "ann-key-2"),
            ClaimRequest(offer.pk, bob.pk, STANDARD, "bob-key-3"),
            ClaimRequest(offer.pk, eve.pk, STANDARD, "eve-key-1"),
        ],
        at=OPENS,
    )

    shown = [(result.seat_number, result.price) if isinstance(result, Taken) else type(result) for result in results]
    assert shown == [(1, FIRST), PriceMoved, (1, FIRST), (1, FIRST), (2, STANDARD), SoldOut]
    assert results[3] == results[0]._replace(is_new=False)
    assert verify(offer) == verify(other) == []


@pytest.mark.parametrize("people", [1, 3, 40])
def test_a_batch_costs_the_same_statements_for_one_and_for_many(people: int, django_assert_num_queries):
    offer = an_offer(first=2, standard=60)
    a_claim(offer, learner=(known := UserFactory()))
    requests = [
        ClaimRequest(offer.pk, learner.pk, STANDARD, a_key()) for learner in [known, *UserFactory.create_batch(people)]
    ]

    # savepoint (2), lock, tiers, old claims; seats, claims and counts of 1 or 2 tiers; version, ledger event, news
    tiers = 1 if people == 1 else 2
    with django_assert_num_queries(_statements(8 + 3 * tiers, held_with_claims=tiers)):
        results = claim_seats(requests, at=OPENS)

    assert sum(isinstance(result, Taken) for result in results) == people + 1


def _statements(count: int, *, held_with_claims: int = 0) -> int:
    """PostgreSQL has one more, since it is told how to plan; but it holds seats and inserts claims with one for both."""
    from django.db import connection

    return count + 1 - held_with_claims if connection.vendor == "postgresql" else count


def test_who_already_has_a_seat_costs_no_write(django_assert_max_num_queries):
    offer, learner = an_offer(), UserFactory()
    a_claim(offer, learner=learner)

    with django_assert_max_num_queries(_statements(6)):
        a_claim(offer, learner=learner)


def test_a_batch_tells_the_offers_channel_once():
    offer = an_offer()
    before = offer.epoch

    claim_seats(
        [ClaimRequest(offer.pk, learner.pk, STANDARD, a_key()) for learner in UserFactory.create_batch(3)], at=OPENS
    )

    [event] = Event.objects.filter(channel=f"offer:{offer.pk}")
    offer.refresh_from_db()
    assert (event.name, event.facts) == ("offers.seat_held", {"count": 3, "epoch": before + 1})
    assert offer.epoch == before + 1


def test_the_lowest_free_seat_goes_first_after_a_return():
    offer = an_offer(first=3, standard=3)
    claims = [a_claim(offer) for _ in range(5)]
    release_claim(claim=claims[1], at=OPENS + MINUTE)

    back = a_claim(offer, at=OPENS + 2 * MINUTE)

    assert (back.seat_number, back.price, back.generation) == (2, FIRST, 1)
    assert Seat.objects.get(offer=offer, number=2).generation == 1
    assert verify(offer) == []
