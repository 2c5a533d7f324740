"""Claiming seats: a batch of any size, decided under one lock."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from kaiying.kit.errors import Refused
from kaiying.kit.money import Money
from kaiying.offers.actions import statements
from kaiying.offers.actions.books import Book, Tier
from kaiying.offers.actions.ledger import Ledger, open_ledger
from kaiying.offers.actions.waiting import hand_on_free, leave_line
from kaiying.offers.models import Claim, Offer
from kaiying.offers.vocabulary import (
    LIVE,
    ClaimRequest,
    ClaimState,
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
from kaiying.people.models import User

MOST_LAPSED = 2
"""Expired holds of a learner in one offer, after which only the waitlist is left."""

MOST_ENDED = 5
"""Expired and given-up holds together: letting go at the last minute must not hold a seat for ever."""

HELD = str(ClaimState.HELD)

KEY = re.compile(r"[\w.-]{8,64}\Z", re.ASCII)
"""What a request key looks like; keys of our own making have a colon."""


class Mine(NamedTuple):
    """A claim of one of those who ask, as the ledger had it before."""

    learner_id: int
    claim_id: int
    offer_id: int
    seat_number: int
    generation: int
    price: int
    max_price: int
    key: str
    state: str
    held_until: datetime


class Decided:
    """Who gets the next seats in this batch, by tier and in the order they asked."""

    def __init__(self, ledger: Ledger) -> None:
        """Begin with nobody."""
        self._ledger = ledger
        self._next: dict[int, Tier | None] = {pk: book.next_step() for pk, book in ledger.books.items()}
        self._by_tier: dict[int, list[ClaimRequest]] = defaultdict(list)
        self.first: dict[tuple[int, int], ClaimRequest] = {}

    def take(self, book: Book, request: ClaimRequest) -> ClaimRequest | Refused:
        """Give the next seat to a request, or say why not."""
        step = self._next[book.pk]
        if step is None:
            return Closed() if any(tier.free for tier in book.tiers) else SoldOut()
        if step.price > request.max_price:
            now = Money(step.price, book.terms.currency)
            return PriceMoved(price=now.text(short=True), minor=now.minor)
        self._by_tier[step.pk].append(request)
        self.first[request.offer_id, request.learner_id] = request
        step.held += 1
        if not step.free:
            self._next[book.pk] = book.next_step()
        return request

    def write(self) -> dict[tuple[int, int], Taken]:
        """Hold the seats; returns what each (offer, learner) has now."""
        taken: dict[tuple[int, int], Taken] = {}
        for book in self._ledger.books.values():
            until = book.at + book.terms.hold
            for tier in book.tiers:
                asked = self._by_tier.get(tier.pk)
                if not asked:
                    continue
                wanted = [(one.learner_id, one.max_price, one.key) for one in asked]
                for who, (claim_id, number, generation) in self._ledger.hold_lowest(book, tier, wanted).items():
                    seat = Taken(claim_id, book.pk, who, number, generation, tier.price, HELD, until, is_new=True)
                    taken[book.pk, who] = seat
        return taken


def claim_seats(requests: Sequence[ClaimRequest], *, at: datetime) -> list[Taken | Refused]:
    """Decide these requests in their order and return a seat or a refusal for each.

    The number of statements depends on the offers and their tiers, not on how many people ask.
    """
    learner_ids = {request.learner_id for request in requests}
    with open_ledger({request.offer_id for request in requests}, learner_ids=learner_ids, at=at) as ledger:
        memory = _memory(ledger)
        for book in ledger.books.values():
            if _line_goes_first(book):
                hand_on_free(ledger, book)
        decided = Decided(ledger)
        answers = [_decide(ledger, request, memory.get(request.learner_id), decided) for request in requests]
        taken = decided.write()
        leave_line(ledger, taken)
    results: list[Taken | Refused] = []
    for answer in answers:
        if not isinstance(answer, ClaimRequest):
            results.append(answer)
            continue
        who = answer.offer_id, answer.learner_id
        results.append(taken[who] if decided.first.pop(who, None) else taken[who]._replace(is_new=False))
    return results


def claim_seat(*, offer: Offer, learner: User, max_price: int, key: str, at: datetime) -> Claim:
    """Claim one seat at no more than ``max_price``; raises the refusal. Asking again returns the same live claim."""
    [result] = claim_seats([ClaimRequest(offer.pk, learner.pk, max_price, key)], at=at)
    if isinstance(result, Refused):
        raise result
    return Claim.objects.get(pk=result.claim_id)


def _memory(ledger: Ledger) -> dict[int, list[Mine]]:
    memory: dict[int, list[Mine]] = defaultdict(list)
    for row in ledger.claims:
        memory[row[0]].append(Mine(*row))
    return memory


def _line_goes_first(book: Book) -> bool:
    """Tell whether somebody waits who would take a seat that is free."""
    step = book.next_step() if book.is_open and book.most_offered >= 0 else None
    return step is not None and book.most_offered >= min(tier.price for tier in book.steps())


def _decide(
    ledger: Ledger, request: ClaimRequest, mine: list[Mine] | None, decided: Decided
) -> Taken | ClaimRequest | Refused:
    book = ledger.books.get(request.offer_id)
    if book is None:
        return NotOnSale()
    if not KEY.fullmatch(request.key):
        return KeyReused()
    before = decided.first.get((request.offer_id, request.learner_id))
    if before is not None:  # asked twice in one batch
        return before if before.key != request.key or before.max_price == request.max_price else KeyReused()
    if mine:
        known = _from_memory(book, request, mine)
        if known is not None:
            return known
    if not book.is_open:
        return TooEarly() if book.at < book.terms.opens_at else Closed()
    return decided.take(book, request)


def _from_memory(book: Book, request: ClaimRequest, mine: list[Mine]) -> Taken | Refused | None:
    """Answer by what the learner had before: the seat they have, a key that was used, holds that ended too often."""
    same = next((claim for claim in mine if claim.key == request.key), None)
    if same is not None and (same.offer_id != request.offer_id or same.max_price != request.max_price):
        return KeyReused()
    here = [claim for claim in mine if claim.offer_id == request.offer_id]
    live = next((claim for claim in here if claim.state in LIVE), None)
    if live is not None:
        until = statements.moment(live.held_until)
        seat = (live.claim_id, book.pk, live.learner_id, live.seat_number, live.generation, live.price)
        return Taken(*seat, live.state, until, is_new=False)
    if same is not None:
        return KeySpent()
    how = Counter(claim.state for claim in here)
    lapsed, released = how[ClaimState.LAPSED], how[ClaimState.RELEASED]
    if book.is_open and (lapsed >= MOST_LAPSED or lapsed + released >= MOST_ENDED):
        return WaitYourTurn()
    return None
