"""Opening a sale, and changing its ladder while it runs."""

import pytest
from django.utils.translation import override

from kaiying.offers.actions import change_ladder, join_waitlist, release_claim
from kaiying.offers.models import Offer, PriceTier, Seat
from kaiying.offers.queries import ladder, verify
from kaiying.offers.vocabulary import BadLadder, TierSold, TierTooSmall, WaitState
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, a_claim, an_offer, tier
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def seats_of(offer: Offer) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {row.ref: [] for row in offer.tiers.all()}
    for ref, number in Seat.objects.filter(offer=offer).order_by("number").values_list("tier__ref", "number"):
        found[ref].append(number)
    return found


def test_an_offer_numbers_its_seats_tier_by_tier():
    offer = an_offer(first=2, standard=3)

    assert seats_of(offer) == {"first": [1, 2], "standard": [3, 4, 5]}
    assert (offer.seats_total, offer.list_price, offer.currency) == (5, STANDARD, "CNY")
    assert verify(offer) == []


def test_a_tier_without_a_number_takes_what_is_left():
    offer = an_offer(tiers=[tier("first", "2.80", 2), tier("standard", "99.00")], seats=6)

    assert seats_of(offer) == {"first": [1, 2], "standard": [3, 4, 5, 6]}


@pytest.mark.parametrize(
    ("tiers", "seats"),
    [
        ([], 5),
        ([tier("first", "2.80", 6)], 5),
        ([tier("first", "2.80", 4)], 5),
        ([tier("first", "2.80")], None),
        ([tier("first", "2.80", 2), tier("first", "99.00", 2)], None),
    ],
)
def test_tiers_that_make_no_ladder_are_refused(tiers, seats):
    with pytest.raises(BadLadder):
        an_offer(tiers=tiers, seats=seats)


def test_the_same_ladder_again_changes_nothing():
    offer = an_offer(first=2, standard=3)
    a_claim(offer)
    offer.refresh_from_db()

    change_ladder(offer=offer, tiers=[tier("first", "2.80", 2), tier("standard", "99.00", 3)], at=OPENS)

    epoch = offer.epoch
    offer.refresh_from_db()
    assert offer.epoch == epoch


def test_a_tier_grows_by_the_free_seats_of_the_next():
    offer = an_offer(first=2, standard=4)
    for _ in range(3):
        a_claim(offer)

    change_ladder(offer=offer, tiers=[tier("first", "2.80", 4), tier("standard", "99.00", 2)], at=OPENS + MINUTE)

    assert seats_of(offer) == {"first": [1, 2, 4, 5], "standard": [3, 6]}
    assert a_claim(offer, at=OPENS + 2 * MINUTE).price == FIRST
    assert verify(offer) == []


def test_a_bigger_ladder_brings_new_seats():
    offer = an_offer(first=1, standard=1)
    a_claim(offer), a_claim(offer)

    change_ladder(offer=offer, tiers=[tier("first", "2.80", 2), tier("standard", "99.00", 3)], at=OPENS + MINUTE)

    assert seats_of(offer) == {"first": [1, 3], "standard": [2, 4, 5]}
    assert [a_claim(offer, at=OPENS + 2 * MINUTE).price for _ in range(3)] == [FIRST, STANDARD, STANDARD]
    assert verify(offer) == []


def test_a_smaller_ladder_loses_seats_nobody_had():
    offer = an_offer(first=2, standard=4)
    a_claim(offer)

    change_ladder(offer=offer, tiers=[tier("first", "2.80", 2), tier("standard", "99.00", 1)], at=OPENS + MINUTE)

    assert seats_of(offer) == {"first": [1, 2], "standard": [3]}
    assert verify(offer) == []


def test_a_tier_does_not_shrink_below_what_is_sold_and_held():
    offer = an_offer(first=3, standard=3)
    for _ in range(2):
        a_claim(offer)

    with pytest.raises(TierTooSmall) as refused:
        change_ladder(offer=offer, tiers=[tier("first", "2.80", 1), tier("standard", "99.00", 3)], at=OPENS + MINUTE)

    assert (refused.value.facts["used"], refused.value.facts["wanted"]) == (2, 1)
    assert seats_of(offer) == {"first": [1, 2, 3], "standard": [4, 5, 6]}
    assert verify(offer) == []


@pytest.mark.parametrize(
    "tiers", [[tier("first", "3.80", 2), tier("standard", "99.00", 2)], [tier("standard", "99.00", 4)]]
)
def test_a_tier_that_was_sold_from_keeps_its_price_and_its_place(tiers):
    offer = an_offer(first=2, standard=2)
    release_claim(claim=a_claim(offer), at=OPENS + MINUTE)

    with pytest.raises(TierSold):
        change_ladder(offer=offer, tiers=tiers, at=OPENS + 2 * MINUTE)


def test_a_tier_may_come_in_between_and_another_go():
    offer = an_offer(first=1, standard=3)
    a_claim(offer)

    change_ladder(
        offer=offer,
        tiers=[tier("first", "2.80", 1), tier("second", "49.00", 2), tier("late", "129.00", 1)],
        at=OPENS + MINUTE,
    )

    assert seats_of(offer) == {"first": [1], "second": [2, 3], "late": [4]}
    assert not PriceTier.objects.filter(ref="standard").exists()
    assert verify(offer) == []


def test_seats_a_tier_passed_on_stay_with_the_next_when_the_ladder_is_loaded_again():
    over = tier("first", "2.80", 3, ends_at="2026-07-15T20:10:00+08:00")
    offer = an_offer(tiers=[over, tier("standard", "99.00", 2)])
    a_claim(offer)
    late = OPENS + 11 * MINUTE
    a_claim(offer, at=late)

    change_ladder(offer=offer, tiers=[over, tier("standard", "99.00", 4)], at=late)

    assert seats_of(offer) == {"first": [1], "standard": [2, 3, 4, 5, 6, 7]}
    assert verify(offer) == []


def test_new_seats_go_to_the_waitlist_first():
    offer = an_offer(first=1, standard=None)
    a_claim(offer)
    entry = join_waitlist(offer=offer, learner=UserFactory(), max_price=FIRST, at=OPENS)

    change_ladder(offer=offer, tiers=[tier("first", "2.80", 2)], at=OPENS + MINUTE)

    entry.refresh_from_db()
    assert entry.state == WaitState.OFFERED


def test_the_ladder_counts_what_everybody_can_check():
    offer = an_offer(first=3, standard=2)
    release_claim(claim=a_claim(offer), at=OPENS)
    for _ in range(2):
        a_claim(offer)

    shown = ladder(offer, OPENS)

    assert [(rung.ref, rung.seats, rung.paid, rung.held, rung.free, rung.state) for rung in shown.rungs] == [
        ("first", 3, 0, 2, 1, "open"),
        ("standard", 2, 0, 0, 2, "next"),
    ]
    assert (shown.price.minor, shown.seats, shown.held, shown.free, shown.is_on_sale) == (FIRST, 5, 2, 3, True)


def test_the_ladder_shows_seats_of_a_tier_that_is_over_at_the_next_price_before_any_write():
    offer = an_offer(
        tiers=[tier("first", "2.80", 3, ends_at="2026-07-15T20:10:00+08:00"), tier("standard", "99.00", 2)]
    )
    a_claim(offer)

    shown = ladder(offer, OPENS + 11 * MINUTE)

    assert [(rung.ref, rung.seats, rung.free, rung.state) for rung in shown.rungs] == [
        ("first", 1, 0, "over"),
        ("standard", 4, 4, "open"),
    ]
    assert (shown.price.minor, shown.following) == (STANDARD, None)


def test_the_wording_for_the_last_seats_appears_when_it_is_true_and_names_how_many_of_what():
    offer = an_offer(first=31, standard=31)
    assert ladder(offer, OPENS).last_seats is None

    a_claim(offer)
    with override("zh-hans"):
        assert str(ladder(offer, OPENS).last_seats) == "抢最后 30 个first 席"
    a_claim(offer)
    with override("en"):
        assert str(ladder(offer, OPENS).last_seats) == "first seats: the last 29"


def test_the_wording_leaves_while_the_next_tier_has_many_seats_and_comes_back_for_its_last():
    offer = an_offer(first=1, standard=31)
    assert ladder(offer, OPENS).last_seats["en"] == "first seats: the last 1"

    a_claim(offer)
    assert ladder(offer, OPENS).last_seats is None
    a_claim(offer)
    assert ladder(offer, OPENS).last_seats["en"] == "standard seats: the last 30"


def test_a_wording_may_name_the_price_and_nobody_can_fill_a_place_through_a_name():
    words = {"zh-hans": "{price} 只剩 {count} 席", "en": "{tier}: {count} left at {price}, {other}"}
    named = {**tier("first", "2.80", 3), "name": {"zh-hans": "{price}", "en": "{count}"}}
    offer = an_offer(tiers=[named, tier("standard", "99.00", 9)], last_seats={"count": 30, "wording": words})

    shown = ladder(offer, OPENS).last_seats

    assert (shown["zh-hans"], shown["en"]) == ("¥2.8 只剩 3 席", "{count}: 3 left at ¥2.8, {other}")


@pytest.mark.parametrize("seats", [1, 300])
def test_the_ladder_costs_two_statements_whatever_the_seats(seats: int, django_assert_num_queries):
    offer = an_offer(first=seats)

    with django_assert_num_queries(2):
        ladder(offer, OPENS)
