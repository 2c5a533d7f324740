"""The table of what news does to an order: whole, and never backwards."""

import pytest

from kaiying.orders.actions.truth import RANK, TRUTH, Found, Money, News, SeatDoes, rule
from kaiying.orders.vocabulary import WITHOUT_EFFECT, OrderState, Outcome

SEATS = {Found.SEAT, Found.NO_SEAT, Found.PAID_SEAT}
LEFT = {Found.SOME_LEFT, Found.ON_ITS_WAY, Found.ALL_BACK}


def test_there_is_a_ruling_for_all_news_wherever_an_order_stands():
    found = {(news, state): {key[2] for key in TRUTH if key[:2] == (news, state)} for news in News for state in RANK}

    for (news, state), kinds in found.items():
        goes_back = news in {News.DECIDED, News.REFUNDED, News.TAKEN_BACK}
        if goes_back and state in {OrderState.OPEN, OrderState.CLOSED}:
            assert kinds == set()  # no charge is booked, so there is nothing that could go back
        elif goes_back:
            assert kinds == LEFT
        elif news == News.PAID and state in {OrderState.OPEN, OrderState.CLOSED}:
            assert kinds == SEATS
        else:
            assert kinds == {Found.ANYTHING}


def test_no_news_moves_an_order_backwards():
    assert [key for key, ruling in TRUTH.items() if RANK.index(ruling.state) < RANK.index(key[1])] == []


def test_a_seat_is_had_exactly_while_an_order_is_paid():
    for (_news, state, _found), ruling in TRUTH.items():
        came, left = ruling.state == OrderState.PAID != state, state == OrderState.PAID != ruling.state
        assert came == (ruling.seat == SeatDoes.TAKEN)
        assert left == (ruling.seat == SeatDoes.FREED)


def test_money_that_comes_is_kept_for_a_seat_or_goes_back():
    for (news, _state, _found), ruling in TRUTH.items():
        if news == News.PAID:
            assert (ruling.money == Money.KEPT) == (ruling.seat == SeatDoes.TAKEN)
            assert ruling.money in {Money.KEPT, Money.RETURNED}
        else:
            assert ruling.money in {Money.STAYS, Money.BACK}


def test_what_has_no_effect_has_none():
    for (_news, state, _found), ruling in TRUTH.items():
        if ruling.outcome in {*WITHOUT_EFFECT, Outcome.KNOWN, Outcome.IGNORED}:
            assert (ruling.state, ruling.money, ruling.seat) == (state, Money.STAYS, SeatDoes.STAYS)


def test_what_cannot_be_has_no_ruling():
    with pytest.raises(KeyError):
        rule(News.REFUNDED, OrderState.OPEN, Found.ALL_BACK)
