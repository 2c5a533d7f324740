"""The waitlist: joining, leaving, and handing a free seat to whoever is first in line and accepts its price."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from kaiying.offers.actions.books import Book, Place, Tier
from kaiying.offers.actions.ledger import Ledger, open_ledger
from kaiying.offers.models import Claim, Offer, WaitlistEntry
from kaiying.offers.vocabulary import Closed, HasSeat, ReturnPolicy, SeatState, TooEarly, Turn, WaitState
from kaiying.people.models import User


def join_waitlist(
    *, offer: Offer, learner: User, max_price: int, at: datetime, turn: Turn = Turn.AS_THEY_CAME
) -> WaitlistEntry:
    """Put a learner in line for a seat at no more than ``max_price``; if one is free for them they get it at once.

    Who already waits keeps their place, with the new price. Raises ``HasSeat``, ``TooEarly`` or ``Closed``; whom we
    owe a seat (``Turn.OWED``) is taken even after the sale.
    """
    with open_ledger([offer.pk], at=at) as ledger:
        book = ledger.books[offer.pk]
        if Claim.objects.live().filter(offer=offer, learner=learner).exists():
            raise HasSeat
        if not book.is_open and turn != Turn.OWED:
            raise TooEarly if at < book.terms.opens_at else Closed
        entry = WaitlistEntry.objects.waiting().filter(offer=offer, learner=learner).first() or WaitlistEntry(
            offer=book.offer, learner=learner, joined_at=at
        )
        entry.max_price = max_price
        entry.precedence = min(entry.precedence, turn)
        ledger.join(entry)
        ledger.tell(book, "offers.waitlist_moved")
        if book.is_open:
            hand_on_free(ledger, book)
    entry.refresh_from_db()
    return entry


def leave_waitlist(*, offer: Offer, learner: User, at: datetime) -> WaitlistEntry | None:
    """Take a learner out of the line; a seat already offered to them is let go by releasing its claim."""
    with open_ledger([offer.pk], at=at) as ledger:
        entry = WaitlistEntry.objects.waiting().filter(offer=offer, learner=learner).first()
        if entry is not None:
            ledger.change(entry, WaitState.LEFT)
            ledger.tell(ledger.books[offer.pk], "offers.waitlist_moved")
    return entry


def serve_waitlist(*, offer: Offer, at: datetime) -> None:
    """Give free seats to those in line who accept their price; for moments when a seat got free without a return."""
    with open_ledger([offer.pk], at=at) as ledger:
        book = ledger.books[offer.pk]
        if book.is_open:
            hand_on_free(ledger, book)


def give_back(ledger: Ledger, book: Book, seats: Iterable[tuple[Place, SeatState]]) -> None:
    """Free these seats: each goes to the first in line who accepts its price, else on sale again or out of it.

    A seat whose tier is over is sold at the price of the next one from now on.
    """
    groups: dict[Tier, list[tuple[Place, SeatState]]] = defaultdict(list)
    for place, was in seats:
        groups[book.priced_at(place.tier) or place.tier].append((place, was))
    served: set[int] = set()
    for tier in sorted(groups, key=book.tiers.index):
        group = sorted(groups[tier], key=lambda pair: pair[0].number)
        heads = _heads(book, tier, count=len(group), but=served)
        served |= {entry.pk for entry in heads}
        for entry, (place, was) in zip(heads, group, strict=False):
            ledger.move(place, was, SeatState.HELD, freed=True, to=tier)
            _offer(ledger, book, entry, place)
        after = SeatState.VOID if book.terms.on_return == ReturnPolicy.VOID else SeatState.FREE
        for place, was in group[len(heads) :]:
            ledger.move(place, was, after, freed=True, to=tier)
        ledger.tell(book, "offers.seat_freed")


def hand_on_free(ledger: Ledger, book: Book) -> None:
    """Give seats that are free to those in line who accept their price, and write it."""
    served: set[int] = set()
    for tier in book.steps():
        heads = _heads(book, tier, count=tier.free, but=served)
        served |= {entry.pk for entry in heads}
        ledger.fetch_free(book, tier, len(heads))
        for entry in heads:
            place = book.free[tier.pk].pop()
            ledger.move(place, SeatState.FREE, SeatState.HELD)
            _offer(ledger, book, entry, place)
    ledger.write()


def leave_line(ledger: Ledger, seated: Iterable[tuple[int, int]]) -> None:
    """Take learners, as (offer, learner), who got a seat another way out of the line."""
    asked = {pair for pair in seated if ledger.books[pair[0]].most_offered >= 0}
    if not asked:
        return
    for entry in WaitlistEntry.objects.waiting().filter(learner_id__in={learner for _offer, learner in asked}):
        if (entry.offer_id, entry.learner_id) in asked:
            ledger.change(entry, WaitState.LEFT)


def _heads(book: Book, tier: Tier, *, count: int, but: set[int]) -> list[WaitlistEntry]:
    """Return who is first in line for seats at this tier's price, at most ``count``; nobody while nothing is sold."""
    if not book.is_open or tier.is_over(at=book.at):
        return []
    line = WaitlistEntry.objects.waiting().filter(offer=book.pk, max_price__gte=tier.price).exclude(pk__in=but)
    return list(line.in_line().select_related("learner")[:count])


def _offer(ledger: Ledger, book: Book, entry: WaitlistEntry, place: Place) -> None:
    claim = ledger.hold(book, place, learner_id=entry.learner_id, max_price=entry.max_price, key=f"waitlist:{entry.pk}")
    ledger.change(entry, WaitState.OFFERED, claim)
    ledger.offered.append(entry)
    ledger.tell(book, "offers.waitlist_moved")
