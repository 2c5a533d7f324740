"""What news does to an order: the whole truth, as one table that the code decides by and the tests walk.

News never moves an order backwards: ``RANK`` only grows. Whoever applies a ruling holds the lock of the order's row.
"""

from enum import StrEnum
from typing import NamedTuple

from kaiying.orders.vocabulary import OrderState, Outcome

RANK = (OrderState.OPEN, OrderState.CLOSED, OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED)


class News(StrEnum):
    """What can be heard of an order."""

    PAID = "money came that is not booked yet"
    PAID_AGAIN = "money came that is booked"
    OVER = "asked, the provider says that it is closed and can no longer be paid"
    DECIDED = "somebody decided that money goes back"
    REFUNDED = "money went back as we asked"
    TAKEN_BACK = "money went back without our asking"
    REFUNDED_AGAIN = "money went back that is booked"
    EARLY = "money went back that we have not heard of, or more than is left"
    MISFIT = "another amount, currency, reference or merchant"
    OTHER = "anything else, and what does not need an answer"


class Found(StrEnum):
    """What we find when we look, where the news alone does not decide."""

    ANYTHING = ""
    SEAT = "the seat, or another one at its price"
    NO_SEAT = "no seat"
    PAID_SEAT = "the seat, which another order has paid for"
    SOME_LEFT = "some of the money stays with us"
    ON_ITS_WAY = "all of it goes back, but is not all there yet"
    ALL_BACK = "all of it is back"


class Money(StrEnum):
    """What becomes of money."""

    STAYS = "nothing moves"
    KEPT = "it is booked and kept"
    RETURNED = "it is booked and goes back"
    BACK = "it is booked as gone back"


class SeatDoes(StrEnum):
    """What becomes of the seat and the place in the cohort."""

    STAYS = "as it is"
    TAKEN = "the learner has them"
    FREED = "they end; the seat goes to the head of the line, or by the policy of the offer"
    LAPSES = "freed if the hold is over"


class Ruling(NamedTuple):
    """What news comes to: where the order stands afterwards, and what becomes of money and seat."""

    state: OrderState
    money: Money
    seat: SeatDoes
    outcome: Outcome


OPEN, CLOSED, PAID, REFUNDING, REFUNDED = RANK
_UNSETTLED = {
    Found.SEAT: Ruling(PAID, Money.KEPT, SeatDoes.TAKEN, Outcome.PAID),
    Found.NO_SEAT: Ruling(REFUNDING, Money.RETURNED, SeatDoes.STAYS, Outcome.GIVEN_BACK),
    Found.PAID_SEAT: Ruling(REFUNDING, Money.RETURNED, SeatDoes.STAYS, Outcome.GIVEN_BACK),
}


def _back(outcome: Outcome, money: Money) -> dict[tuple[OrderState, Found], Ruling]:
    """Return what it comes to that money goes, or went, back: the seat ends when nothing is left."""
    stays, freed = SeatDoes.STAYS, SeatDoes.FREED
    return {
        (PAID, Found.SOME_LEFT): Ruling(PAID, money, stays, outcome),
        (PAID, Found.ON_ITS_WAY): Ruling(REFUNDING, money, freed, outcome),
        (PAID, Found.ALL_BACK): Ruling(REFUNDED, money, freed, outcome),
        (REFUNDING, Found.SOME_LEFT): Ruling(REFUNDING, money, stays, outcome),
        (REFUNDING, Found.ON_ITS_WAY): Ruling(REFUNDING, money, stays, outcome),
        (REFUNDING, Found.ALL_BACK): Ruling(REFUNDED, money, stays, outcome),
        (REFUNDED, Found.SOME_LEFT): Ruling(REFUNDED, money, stays, outcome),
        (REFUNDED, Found.ON_ITS_WAY): Ruling(REFUNDED, money, stays, outcome),
        (REFUNDED, Found.ALL_BACK): Ruling(REFUNDED, money, stays, outcome),
    }


def _nothing(news: News, outcome: Outcome) -> dict[tuple[News, OrderState, Found], Ruling]:
    return {(news, state, Found.ANYTHING): Ruling(state, Money.STAYS, SeatDoes.STAYS, outcome) for state in RANK}


TRUTH: dict[tuple[News, OrderState, Found], Ruling] = {
    # What changes nothing, wherever the order stands.
    **_nothing(News.PAID_AGAIN, Outcome.KNOWN),
    **_nothing(News.REFUNDED_AGAIN, Outcome.KNOWN),
    **_nothing(News.EARLY, Outcome.EARLY),
    **_nothing(News.MISFIT, Outcome.MISMATCH),
    **_nothing(News.OTHER, Outcome.IGNORED),
    **_nothing(News.OVER, Outcome.IGNORED),
    # Nobody can pay any more; money that comes all the same is looked at as money.
    (News.OVER, OPEN, Found.ANYTHING): Ruling(CLOSED, Money.STAYS, SeatDoes.LAPSES, Outcome.CLOSED),
    # Money for an order without any, in time or late: a seat, or all of it back.
    **{(News.PAID, state, found): ruling for state in (OPEN, CLOSED) for found, ruling in _UNSETTLED.items()},
    # Money for an order that had its own goes back alone.
    **{
        (News.PAID, state, Found.ANYTHING): Ruling(state, Money.RETURNED, SeatDoes.STAYS, Outcome.GIVEN_BACK)
        for state in (PAID, REFUNDING, REFUNDED)
    },
    # Money that goes back, all or a part. Only charges go back, so the order had one.
    **{
        (news, *key): ruling
        for news, outcome, money in (
            (News.DECIDED, Outcome.GIVEN_BACK, Money.STAYS),
            (News.REFUNDED, Outcome.BOOKED, Money.BACK),
            (News.TAKEN_BACK, Outcome.BOOKED, Money.BACK),
        )
        for key, ruling in _back(outcome, money).items()
    },
}


def rule(news: News, state: OrderState | str, found: Found = Found.ANYTHING) -> Ruling:
    """Return what news comes to; raises ``KeyError`` for what cannot be."""
    return TRUTH[news, OrderState(state), found]
