"""Seats that come back, and who gets them next."""

import pytest

from kaiying.camps.models import Message
from kaiying.notices.models import Notice
from kaiying.offers.actions import (
    claim_seats,
    expect_payment,
    expire_claims,
    forget_payment,
    join_waitlist,
    lapse_claim,
    leave_waitlist,
    refund_claim,
    release_claim,
    serve_waitlist,
    settle_claim,
)
from kaiying.offers.models import Claim, Offer, Seat, WaitlistEntry
from kaiying.offers.queries import place_in_line, verify
from kaiying.offers.vocabulary import (
    ClaimRequest,
    ClaimState,
    Closed,
    HasSeat,
    NotYours,
    PriceMoved,
    SeatState,
    SoldOut,
    TooEarly,
    Turn,
    WaitState,
)
from kaiying.people.models import User
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, a_claim, a_key, an_offer, tier
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
LATER = OPENS + 20 * MINUTE


def waiting(offer: Offer, *, max_price: int = STANDARD, learner: User | None = None, **facts: object) -> WaitlistEntry:
    return join_waitlist(offer=offer, learner=learner or UserFactory(), max_price=max_price, at=OPENS + MINUTE, **facts)


def states(*rows: WaitlistEntry | Claim) -> list[str]:
    for row in rows:
        row.refresh_from_db()
    return [row.state for row in rows]


def test_an_expired_hold_frees_its_seat_and_the_seats_generation_grows():
    offer = an_offer(first=1, standard=None)
    claim = a_claim(offer)

    assert expire_claims(offer=offer, at=claim.held_until) == 1

    assert states(claim) == [ClaimState.LAPSED]
    seat = Seat.objects.get(offer=offer)
    assert (seat.state, seat.generation) == (SeatState.FREE, 1)
    assert verify(offer) == []


def test_a_hold_is_kept_until_its_last_second():
    offer = an_offer()
    claim = a_claim(offer)

    assert expire_claims(offer=offer, at=claim.held_until - MINUTE / 60) == 0


def test_a_seat_somebody_is_paying_for_is_not_freed_without_asking():
    offer = an_offer()
    claim = a_claim(offer)
    expect_payment(claim=claim, at=OPENS + MINUTE)

    assert expire_claims(offer=offer, at=LATER) == 0
    assert [*Claim.objects.lapsing(at=LATER)] == [claim]

    assert lapse_claim(claim=claim, at=LATER).state == ClaimState.LAPSED
    assert verify(offer) == []


def test_a_closed_payment_leaves_the_hold_to_the_clock():
    offer = an_offer()
    claim = a_claim(offer)
    expect_payment(claim=claim, at=OPENS + MINUTE)
    forget_payment(claim=claim, at=OPENS + 2 * MINUTE)

    assert expire_claims(offer=offer, at=LATER) == 1


def test_no_payment_begins_after_the_hold():
    claim = a_claim(an_offer())

    with pytest.raises(NotYours):
        expect_payment(claim=claim, at=LATER)


def test_lapsing_a_hold_before_its_time_changes_nothing():
    claim = a_claim(an_offer())

    assert lapse_claim(claim=claim, at=OPENS + MINUTE).state == ClaimState.HELD


def test_letting_go_frees_the_seat_once():
    offer = an_offer(first=1, standard=None)
    claim = a_claim(offer)

    for _ in range(2):
        assert release_claim(claim=claim, at=OPENS + MINUTE).state == ClaimState.RELEASED

    assert Seat.objects.get(offer=offer).generation == 1
    assert verify(offer) == []


def test_a_seat_let_go_during_payment_waits_for_the_payment_to_be_closed():
    offer = an_offer(first=1, standard=None)
    claim = a_claim(offer)
    expect_payment(claim=claim, at=OPENS + MINUTE)

    given_up = release_claim(claim=claim, at=OPENS + 2 * MINUTE)
    assert (given_up.state, given_up.held_until) == (ClaimState.HELD, OPENS + 2 * MINUTE)
    with pytest.raises(SoldOut):
        a_claim(offer, at=OPENS + 3 * MINUTE)

    assert lapse_claim(claim=claim, at=OPENS + 3 * MINUTE).state == ClaimState.RELEASED
    assert a_claim(offer, at=OPENS + 4 * MINUTE).seat_number == 1


def test_a_refund_frees_the_seat():
    offer = an_offer(first=1, standard=None)
    claim = a_claim(offer)
    settle_claim(claim_id=claim.pk, generation=claim.generation, at=OPENS + MINUTE)

    assert refund_claim(claim=claim, at=OPENS + 2 * MINUTE).state == ClaimState.REFUNDED

    assert a_claim(offer, at=OPENS + 3 * MINUTE).generation == 1
    assert verify(offer) == []


def test_a_returned_seat_nobody_waits_for_is_withdrawn_where_the_offer_says_so():
    offer = an_offer(first=1, standard=None, on_return="void")
    release_claim(claim=a_claim(offer), at=OPENS + MINUTE)

    with pytest.raises(SoldOut):
        a_claim(offer, at=OPENS + 2 * MINUTE)
    assert verify(offer) == []


def test_a_freed_seat_goes_to_the_head_of_the_waitlist_who_is_told():
    offer = an_offer(first=1, standard=None)
    claim = a_claim(offer)
    head, second = waiting(offer), waiting(offer)

    expire_claims(offer=offer, at=LATER)

    assert states(head, second) == [WaitState.OFFERED, WaitState.WAITING]
    assert head.claim is not None
    assert (head.claim.seat_number, head.claim.generation, head.claim.price) == (claim.seat_number, 1, FIRST)
    assert head.claim.held_until == LATER + 15 * MINUTE
    notice = Notice.objects.get(user=head.learner)
    assert (notice.kind, notice.at) == ("offers.seat_offered", LATER)
    assert verify(offer) == []


@pytest.mark.parametrize(
    ("language", "title", "body"),
    [("en", "Yours until 20:35", "Wang, Test camp: ¥2.80"), ("zh-hans", "保留到 20:35", "Wang，测试营：¥2.80")],
)
def test_whose_turn_it_is_reads_the_camps_words_in_their_language(language, title, body):
    offer = an_offer(first=1, standard=None)
    Message.objects.create(
        camp=offer.cohort.camp,
        ref="waitlist-turn",
        subject={"zh-hans": "保留到 {until}", "en": "Yours until {until}"},
        body={"zh-hans": "{name}，{camp}：{price}", "en": "{name}, {camp}: {price}"},
    )
    a_claim(offer)
    head = waiting(offer, learner=UserFactory(name="Wang", language=language))

    expire_claims(offer=offer, at=LATER)

    notice = Notice.objects.get(user=head.learner)
    assert (notice.title, notice.body) == (title, body)


def test_a_passer_by_does_not_get_a_seat_somebody_waits_for():
    offer = an_offer(first=1, standard=None)
    claim = a_claim(offer)
    waiting(offer)
    release_claim(claim=claim, at=LATER)

    with pytest.raises(SoldOut):
        a_claim(offer, at=LATER)


def test_a_passer_by_does_not_get_it_either_when_it_got_free_without_a_return():
    offer = an_offer(first=1, standard=None, closes_at=OPENS + 10 * MINUTE)
    claim = a_claim(offer)
    head = waiting(offer)
    release_claim(claim=claim, at=OPENS + 11 * MINUTE)  # after the sale nobody is served
    assert states(head) == [WaitState.WAITING]
    Offer.objects.filter(pk=offer.pk).update(closes_at=None)

    [result] = claim_seats([ClaimRequest(offer.pk, UserFactory().pk, STANDARD, a_key())], at=LATER)

    assert isinstance(result, SoldOut)
    assert states(head) == [WaitState.OFFERED]
    assert verify(offer) == []


def test_serving_the_waitlist_gives_out_what_is_free():
    offer = an_offer(first=1, standard=None, closes_at=OPENS + 10 * MINUTE)
    claim = a_claim(offer)
    head = waiting(offer)
    release_claim(claim=claim, at=OPENS + 11 * MINUTE)
    Offer.objects.filter(pk=offer.pk).update(closes_at=None)

    serve_waitlist(offer=offer, at=LATER)

    assert states(head) == [WaitState.OFFERED]


def test_each_in_line_has_their_turn_then_the_seat_goes_on():
    offer = an_offer(first=1, standard=None)
    a_claim(offer)
    line = [waiting(offer) for _ in range(3)]

    for turn in range(1, 4):
        expire_claims(offer=offer, at=OPENS + turn * 16 * MINUTE)

    assert states(*line) == [WaitState.LAPSED, WaitState.LAPSED, WaitState.OFFERED]
    assert Seat.objects.get(offer=offer).generation == 3
    assert verify(offer) == []


def test_the_head_is_skipped_for_a_seat_that_costs_more_than_they_agreed_to():
    offer = an_offer(first=1, standard=1)
    cheap, dear = a_claim(offer), a_claim(offer)
    thrifty, willing = waiting(offer, max_price=FIRST), waiting(offer, max_price=STANDARD)

    release_claim(claim=dear, at=OPENS + 2 * MINUTE)
    assert states(thrifty, willing) == [WaitState.WAITING, WaitState.OFFERED]

    release_claim(claim=cheap, at=OPENS + 3 * MINUTE)
    assert states(thrifty) == [WaitState.OFFERED]
    assert verify(offer) == []


def test_the_cheaper_of_two_freed_seats_goes_to_the_head():
    offer = an_offer(first=1, standard=1)
    a_claim(offer), a_claim(offer)
    first, second = waiting(offer), waiting(offer)

    expire_claims(offer=offer, at=LATER)

    states(first, second)
    assert (first.claim.price, second.claim.price) == (FIRST, STANDARD)


def test_a_seat_whose_tier_is_over_is_offered_at_the_next_price():
    offer = an_offer(
        tiers=[tier("first", "2.80", 1, ends_at="2026-07-15T20:10:00+08:00"), tier("standard", "99.00", 1)]
    )
    a_claim(offer), a_claim(offer)
    thrifty, willing = waiting(offer, max_price=FIRST), waiting(offer, max_price=STANDARD)

    expire_claims(offer=offer, at=LATER)

    assert states(thrifty, willing) == [WaitState.WAITING, WaitState.OFFERED]
    assert willing.claim.price == STANDARD
    assert verify(offer) == []


def test_whom_we_owe_a_seat_comes_first():
    offer = an_offer(first=1, standard=None)
    claim = a_claim(offer)
    early, owed = waiting(offer), waiting(offer, turn=Turn.OWED)
    assert [place_in_line(entry) for entry in (early, owed)] == [2, 1]

    release_claim(claim=claim, at=LATER)

    assert states(early, owed) == [WaitState.WAITING, WaitState.OFFERED]


def test_joining_again_keeps_the_place_and_takes_the_new_price():
    offer = an_offer(first=1, standard=None)
    a_claim(offer)
    first, _second = waiting(offer, max_price=FIRST), waiting(offer)

    again = waiting(offer, max_price=STANDARD, learner=first.learner)

    assert (again.pk, again.max_price, place_in_line(again)) == (first.pk, STANDARD, 1)


def test_who_joins_while_a_seat_is_free_gets_it_at_once():
    offer = an_offer()

    entry = waiting(offer)

    assert entry.state == WaitState.OFFERED
    assert entry.claim.seat_number == 1
    assert verify(offer) == []


def test_who_has_a_seat_does_not_wait():
    offer, learner = an_offer(), UserFactory()
    a_claim(offer, learner=learner)

    with pytest.raises(HasSeat):
        waiting(offer, learner=learner)


def test_nobody_joins_before_the_opening_or_after_the_end():
    with pytest.raises(TooEarly):
        waiting(an_offer(opens_at=OPENS + 5 * MINUTE))
    with pytest.raises(Closed):
        waiting(an_offer(closes_at=OPENS + MINUTE))


def test_who_leaves_is_not_served():
    offer = an_offer(first=1, standard=None)
    claim = a_claim(offer)
    gone, stays = waiting(offer), waiting(offer)

    leave_waitlist(offer=offer, learner=gone.learner, at=OPENS + 2 * MINUTE)
    release_claim(claim=claim, at=LATER)

    assert states(gone, stays) == [WaitState.LEFT, WaitState.OFFERED]


def test_who_claims_a_seat_directly_leaves_the_line():
    offer = an_offer(first=1, standard=1)
    a_claim(offer)
    entry = waiting(offer, max_price=FIRST)

    a_claim(offer, learner=entry.learner, at=OPENS + 2 * MINUTE)

    assert states(entry) == [WaitState.LEFT]


def test_who_waits_for_a_cheap_seat_does_not_stop_others_from_buying_a_dear_one():
    offer = an_offer(first=1, standard=1)
    a_claim(offer)
    waiting(offer, max_price=FIRST)

    assert a_claim(offer, at=OPENS + 2 * MINUTE).price == STANDARD
    with pytest.raises(SoldOut):
        a_claim(offer, at=OPENS + 3 * MINUTE)


def test_an_offered_seat_that_is_paid_for_ends_the_wait():
    offer = an_offer(first=1, standard=None)
    a_claim(offer)
    head = waiting(offer)
    expire_claims(offer=offer, at=LATER)
    states(head)

    settle_claim(claim_id=head.claim.pk, generation=head.claim.generation, at=LATER + MINUTE)

    assert states(head, head.claim) == [WaitState.SEATED, ClaimState.PAID]
    assert verify(offer) == []


def test_an_offered_seat_that_is_let_go_goes_to_the_next():
    offer = an_offer(first=1, standard=None)
    a_claim(offer)
    head, second = waiting(offer), waiting(offer)
    expire_claims(offer=offer, at=LATER)
    states(head)

    release_claim(claim=head.claim, at=LATER + MINUTE)

    assert states(head, second) == [WaitState.LEFT, WaitState.OFFERED]


def test_a_price_above_what_was_seen_is_refused_also_after_a_return():
    offer = an_offer(first=1, standard=1)
    a_claim(offer)
    thrifty = UserFactory()

    with pytest.raises(PriceMoved):
        a_claim(offer, learner=thrifty, max_price=FIRST)
    expire_claims(offer=offer, at=LATER)

    assert a_claim(offer, learner=thrifty, max_price=FIRST, at=LATER).price == FIRST


@pytest.mark.parametrize("holds", [1, 3, 30])
def test_freeing_costs_the_same_statements_for_one_and_for_many(holds: int, django_assert_max_num_queries):
    offer = an_offer(first=40, standard=None)
    for _ in range(holds):
        a_claim(offer)

    with django_assert_max_num_queries(15):
        assert expire_claims(offer=offer, at=LATER) == holds
