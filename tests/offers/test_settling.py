"""Money for a claim: in time, late, twice, for nothing."""

import pytest

from kaiying.offers.actions import (
    expect_payment,
    expire_claims,
    join_waitlist,
    refund_claim,
    release_claim,
    settle_claim,
)
from kaiying.offers.models import Claim
from kaiying.offers.queries import verify
from kaiying.offers.vocabulary import ClaimState, SettledAs
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, a_claim, an_offer, tier
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
LATER = OPENS + 20 * MINUTE


def pay(claim: Claim, at=LATER):
    return settle_claim(claim_id=claim.pk, generation=claim.generation, at=at)


def test_money_in_time_seats_the_learner():
    offer = an_offer()
    claim = a_claim(offer)

    settled = pay(claim, at=OPENS + MINUTE)

    assert (settled.outcome, settled.claim.pk, settled.claim.state) == (SettledAs.SEATED, claim.pk, ClaimState.PAID)
    assert expire_claims(offer=offer, at=LATER) == 0
    assert verify(offer) == []


def test_the_same_money_told_twice_changes_nothing():
    offer = an_offer()
    claim = a_claim(offer)

    assert [pay(claim, at=OPENS + MINUTE).outcome for _ in range(3)] == [SettledAs.SEATED] * 3
    assert verify(offer) == []


def test_money_after_the_hold_but_before_the_seat_was_freed_is_in_time():
    claim = a_claim(an_offer())

    assert pay(claim).outcome == SettledAs.SEATED


def test_late_money_gets_the_same_seat_if_it_is_free_under_a_new_generation_at_the_old_price():
    offer = an_offer()
    claim = a_claim(offer)
    expire_claims(offer=offer, at=LATER)

    settled = pay(claim)

    assert settled.outcome == SettledAs.AGAIN_SEATED
    seat = (settled.claim.seat_number, settled.claim.generation, settled.claim.price, settled.claim.state)
    assert seat == (claim.seat_number, 1, FIRST, ClaimState.PAID)
    assert settled.claim.pk != claim.pk
    assert verify(offer) == []


def test_late_money_gets_another_seat_of_its_tier_if_its_own_is_gone():
    offer = an_offer(first=2, standard=1)
    claim = a_claim(offer)
    release_claim(claim=claim, at=OPENS + MINUTE)
    a_claim(offer, at=OPENS + 2 * MINUTE)

    settled = pay(claim)

    assert (settled.outcome, settled.claim.seat_number, settled.claim.price) == (SettledAs.AGAIN_SEATED, 2, FIRST)
    assert verify(offer) == []


def test_late_money_gets_its_own_seat_at_the_old_price_even_after_the_end_of_the_tier():
    offer = an_offer(
        tiers=[tier("first", "2.80", 1, ends_at="2026-07-15T20:10:00+08:00"), tier("standard", "99.00", 1)]
    )
    claim = a_claim(offer)
    expire_claims(offer=offer, at=LATER)

    settled = pay(claim)

    assert (settled.outcome, settled.claim.seat_number, settled.claim.price) == (SettledAs.AGAIN_SEATED, 1, FIRST)
    assert verify(offer) == []


def test_late_money_does_not_buy_a_dearer_seat():
    offer = an_offer(first=1, standard=1)
    claim = a_claim(offer)
    expire_claims(offer=offer, at=LATER)
    a_claim(offer, at=LATER)

    settled = pay(claim)

    assert (settled.outcome, settled.claim) == (SettledAs.NO_SEAT, claim)
    assert verify(offer) == []


def test_late_money_does_not_take_a_seat_from_the_waitlist():
    offer = an_offer(first=1, standard=None)
    claim = a_claim(offer)
    join_waitlist(offer=offer, learner=UserFactory(), max_price=FIRST, at=OPENS + MINUTE)
    expire_claims(offer=offer, at=LATER)

    assert pay(claim).outcome == SettledAs.NO_SEAT
    assert verify(offer) == []


def test_late_money_told_twice_takes_one_seat():
    offer = an_offer()
    claim = a_claim(offer)
    expire_claims(offer=offer, at=LATER)

    first, again = pay(claim), pay(claim)

    assert (again.outcome, again.claim) == (SettledAs.AGAIN_SEATED, first.claim)
    assert offer.claims.live().count() == 1


def test_late_money_pays_for_the_hold_the_learner_took_meanwhile():
    offer, learner = an_offer(), UserFactory()
    claim = a_claim(offer, learner=learner)
    expire_claims(offer=offer, at=LATER)
    second = a_claim(offer, learner=learner, at=LATER)

    settled = pay(claim)

    assert (settled.outcome, settled.claim) == (SettledAs.AGAIN_SEATED, second)
    assert verify(offer) == []


def test_late_money_goes_back_if_that_hold_is_being_paid_for_too():
    offer, learner = an_offer(), UserFactory()
    claim = a_claim(offer, learner=learner)
    expire_claims(offer=offer, at=LATER)
    second = a_claim(offer, learner=learner, at=LATER)
    expect_payment(claim=second, at=LATER)

    assert pay(claim).outcome == SettledAs.NO_SEAT
    assert pay(second).outcome == SettledAs.SEATED
    assert verify(offer) == []


def test_late_money_goes_back_if_that_hold_costs_more():
    offer, learner = an_offer(first=1, standard=1), UserFactory()
    claim = a_claim(offer, learner=learner)
    expire_claims(offer=offer, at=LATER)
    a_claim(offer, at=LATER)
    assert a_claim(offer, learner=learner, at=LATER).price == STANDARD

    assert pay(claim).outcome == SettledAs.NO_SEAT


def test_money_for_another_generation_buys_nothing():
    claim = a_claim(an_offer())

    assert settle_claim(claim_id=claim.pk, generation=claim.generation + 1, at=LATER).outcome == SettledAs.NO_SEAT
    claim.refresh_from_db()
    assert claim.state == ClaimState.HELD


def test_money_for_a_refunded_seat_goes_back():
    offer = an_offer()
    claim = a_claim(offer)
    pay(claim, at=OPENS + MINUTE)
    refund_claim(claim=claim, at=OPENS + 2 * MINUTE)

    assert pay(claim).outcome == SettledAs.NO_SEAT
    assert verify(offer) == []
