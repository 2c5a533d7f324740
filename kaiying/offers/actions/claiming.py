"""Claiming seats: a batch of any size, decided under one lock."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from kaiying.kit.errors import Refused
from kaiying.kit.money import Money
from kaiying.offers.actions.ledger import Book, Ledger, claims_of, open_ledger
from kaiying.offers.actions.waiting import hand_on_free, leave_line
from kaiying.offers.models import Claim, Offer
from kaiying.offers.vocabulary import (
    ClaimRequest,
    ClaimState,
    Closed,
    KeyReused,
    KeySpent,
    NotOnSale,
    PriceMoved,
    SeatState,
    SoldOut,
    TooEarly,
    WaitYourTurn,
)
from kaiying.people.models import User

MOST_LAPSED = 2
"""Expired holds of a learner in one offer, after which only the waitlist is left."""

MOST_ENDED = 5
"""Expired and given-up holds together: letting go at the last minute must not hold a seat for ever."""

KEY = re.compile(r"[\w.-]{8,64}\Z", re.ASCII)
"""What a request key looks like; keys of our own making have a colon."""


def claim_seats(requests: Sequence[ClaimRequest], *, at: datetime) -> list[Claim | Refused]:
    """Decide these requests in their order and return a claim or a refusal for each.

    The number of statements depends on the offers and their tiers, not on how many people ask.
    """
    with open_ledger({request.offer_id for request in requests}, at=at) as ledger:
        memory = claims_of(request.learner_id for request in requests)
        for book in ledger.books.values():
            if _line_goes_first(book):
                hand_on_free(ledger, book)
        ledger.fetch_free(_needs(ledger, requests, memory))
        results = [_decide(ledger, request, memory) for request in requests]
        leave_line(ledger, ledger.new)
    return results


def claim_seat(*, offer: Offer, learner: User, max_price: int, key: str, at: datetime) -> Claim:
    """Claim one seat at no more than ``max_price``; raises the refusal. Asking again returns the same live claim."""
    [result] = claim_seats([ClaimRequest(offer.pk, learner.pk, max_price, key)], at=at)
    if isinstance(result, Refused):
        raise result
    return result


def _line_goes_first(book: Book) -> bool:
    """Tell whether somebody waits who would take a seat that is free."""
    step = book.next_step() if book.is_open else None
    return step is not None and book.most_offered >= min(tier.price for tier in book.steps())


def _needs(ledger: Ledger, requests: Sequence[ClaimRequest], memory: dict[int, list[Claim]]) -> list[tuple[int, int]]:
    asking: dict[int, set[int]] = defaultdict(set)
    for request in requests:
        if not any(claim.offer_id == request.offer_id and claim.is_live for claim in memory[request.learner_id]):
            asking[request.offer_id].add(request.learner_id)
    return [
        need
        for offer_id, learners in asking.items()
        if (book := ledger.books.get(offer_id)) and book.is_open
        for need in book.wants(len(learners))
    ]


def _decide(ledger: Ledger, request: ClaimRequest, memory: dict[int, list[Claim]]) -> Claim | Refused:
    book = ledger.books.get(request.offer_id)
    if book is None:
        return NotOnSale()
    mine = memory[request.learner_id]
    same = next((claim for claim in mine if claim.key == request.key), None)
    if not KEY.fullmatch(request.key) or (
        same is not None and (same.offer_id != request.offer_id or same.max_price != request.max_price)
    ):
        return KeyReused()
    here = [claim for claim in mine if claim.offer_id == request.offer_id]
    live = next((claim for claim in here if claim.is_live), None)
    if live is not None:
        return live
    if same is not None:
        return KeySpent()
    refused = _turn_away(book, here)
    if refused is not None:
        return refused
    return _take(ledger, book, request, mine)


def _turn_away(book: Book, ended: list[Claim]) -> Refused | None:
    if not book.is_open:
        return TooEarly() if book.at < book.offer.opens_at else Closed()
    how = Counter(claim.state for claim in ended)
    lapsed, released = how[ClaimState.LAPSED], how[ClaimState.RELEASED]
    if lapsed >= MOST_LAPSED or lapsed + released >= MOST_ENDED:
        return WaitYourTurn()
    return None


def _take(ledger: Ledger, book: Book, request: ClaimRequest, mine: list[Claim]) -> Claim | Refused:
    step = book.next_step()
    if step is None:
        return Closed() if any(tier.free for tier in book.tiers) else SoldOut()
    if step.price > request.max_price:
        now = Money(step.price, book.offer.currency)
        return PriceMoved(price=now.text(short=True), minor=now.minor)
    place = book.free[step.pk].pop()
    ledger.move(place, SeatState.FREE, SeatState.HELD)
    claim = ledger.hold(book, place, learner_id=request.learner_id, max_price=request.max_price, key=request.key)
    ledger.tell(book, "offers.seat_held")
    mine.append(claim)
    return claim
