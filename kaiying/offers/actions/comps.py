"""Giving a seat away."""

from datetime import datetime

from kaiying.offers.actions.ledger import open_ledger
from kaiying.offers.actions.operating import log_act
from kaiying.offers.actions.waiting import leave_line
from kaiying.offers.models import Claim, Offer
from kaiying.offers.vocabulary import ActKind, AlreadySeated, NothingFree, SeatState
from kaiying.people.models import User


def comp_seat(*, offer: Offer, learner: User, by: User, reason: str, at: datetime) -> Claim:
    """Hold a free seat of the last tier for somebody it is given to, also before and after the sale.

    The claim has the price of its seat, as every claim; the order that settles it costs nothing. The cheap seats are
    left to those who buy. Raises ``AlreadySeated`` or ``NothingFree``.
    """
    with open_ledger([offer.pk], at=at) as ledger:
        book = ledger.books[offer.pk]
        if Claim.objects.live().filter(offer=offer, learner=learner).exists():
            raise AlreadySeated
        tier = next((tier for tier in reversed(book.tiers) if tier.free), None)
        if tier is None:
            raise NothingFree
        ledger.fetch_free(book, tier, 1)
        place = book.free[tier.pk].pop()
        ledger.move(place, SeatState.FREE, SeatState.HELD)
        key = f"comp:{offer.pk}:{place.number}:{place.generation}"
        claim = ledger.hold(book, place, learner_id=learner.pk, max_price=tier.price, key=key)
        leave_line(ledger, [(offer.pk, learner.pk)])
        ledger.tell(book, "offers.seat_held")
        facts = {"seat": place.number, "price": tier.price, "learner": learner.pk}
        log_act(book.offer, ActKind.COMP, by=by, reason=reason, at=at, **facts)
    return claim
