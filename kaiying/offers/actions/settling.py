"""Money and seats: a payment begins, and arrives in time, late, or for nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kaiying.offers.actions.books import Book, Place
from kaiying.offers.actions.ledger import Ledger, LedgerFault, open_ledger
from kaiying.offers.actions.waiting import leave_line
from kaiying.offers.models import Claim, Seat, WaitlistEntry
from kaiying.offers.vocabulary import ClaimState, NotYours, SeatState, SettledAs, WaitState

GRACE = timedelta(minutes=5)
"""Who goes to pay has at least this long, so that money on its way finds its seat; no hold lasts longer by more."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the money for a claim turned into; ``claim`` is the one that has the seat, if any has."""

    outcome: SettledAs
    claim: Claim


def expect_payment(*, claim: Claim, at: datetime) -> Claim:
    """Note that a payment for this hold is under way, so that its seat is not freed without asking the provider.

    A hold that is about to end is extended by ``GRACE`` from now, never past ``GRACE`` after its own time. Raises
    ``NotYours`` when the hold is over.
    """
    with open_ledger([claim.offer_id], at=at) as ledger:
        fresh = Claim.objects.select_related("offer").get(pk=claim.pk)
        if fresh.state != ClaimState.HELD or fresh.held_until <= at:
            raise NotYours
        if fresh.payment_pending_since is None:
            most = min(at, fresh.claimed_at + fresh.offer.hold) + GRACE
            ledger.amend(fresh, payment_pending_since=at, held_until=max(fresh.held_until, most))
    return fresh


def forget_payment(*, claim: Claim, at: datetime) -> Claim:
    """Note that no payment is under way any more (the provider closed it) while the hold goes on."""
    with open_ledger([claim.offer_id], at=at) as ledger:
        fresh = Claim.objects.get(pk=claim.pk)
        if fresh.state == ClaimState.HELD and fresh.payment_pending_since is not None:
            ledger.amend(fresh, payment_pending_since=None)
    return fresh


def settle_claim(*, claim_id: int, generation: int, at: datetime) -> Settled:
    """Turn money that arrived for a claim into a seat, if one is left at the price that was paid.

    In time: its own seat. After the hold ended: the same seat if it is free, else another free one of its tier, under
    a new claim. ``NO_SEAT`` means the money must go back. ``generation`` is the seat's as the order knew it; money for
    another generation buys nothing. Calling again gives the same answer.
    """
    offer_id = Claim.objects.values_list("offer_id", flat=True).get(pk=claim_id)
    with open_ledger([offer_id], at=at) as ledger:
        book = ledger.books[offer_id]
        claim = Claim.objects.select_related("offer").get(pk=claim_id)
        if claim.generation != generation:
            return Settled(SettledAs.NO_SEAT, claim)
        if claim.state == ClaimState.HELD:
            _pay(ledger, book, claim)
            return Settled(SettledAs.SEATED, claim)
        if claim.state == ClaimState.PAID:
            return Settled(SettledAs.SEATED, claim)
        if claim.state == ClaimState.REFUNDED:
            return Settled(SettledAs.NO_SEAT, claim)
        return _seat_again(ledger, book, claim)


def _pay(ledger: Ledger, book: Book, claim: Claim) -> None:
    place = ledger.seats_of([claim])[claim.pk]
    if place.generation != claim.generation:
        raise LedgerFault
    ledger.pay(claim)
    ledger.move(place, SeatState.HELD, SeatState.PAID)
    for entry in WaitlistEntry.objects.filter(claim=claim, state=WaitState.OFFERED):
        ledger.change(entry, WaitState.SEATED)
    ledger.tell(book, "offers.seat_paid")


def _seat_again(ledger: Ledger, book: Book, ended: Claim) -> Settled:
    key = f"again:{ended.pk}"
    mine = list(Claim.objects.filter(learner=ended.learner_id, offer=book.pk).order_by("pk"))
    before = next((claim for claim in mine if claim.key == key), None)
    if before is not None:
        outcome = SettledAs.AGAIN_SEATED if before.state == ClaimState.PAID else SettledAs.NO_SEAT
        return Settled(outcome, before)
    live = next((claim for claim in mine if claim.is_live), None)
    if live is not None:
        # They claimed again meanwhile. The money fits that hold if it costs the same and no other payment runs.
        if live.state != ClaimState.HELD or live.price != ended.price or live.payment_pending_since:
            return Settled(SettledAs.NO_SEAT, ended)
        _pay(ledger, book, live)
        return Settled(SettledAs.AGAIN_SEATED, live)
    place = _free_for(ledger, book, ended)
    if place is None:
        return Settled(SettledAs.NO_SEAT, ended)
    ledger.move(place, SeatState.FREE, SeatState.PAID, to=book.by_pk[ended.tier_id])
    claim = ledger.hold(book, place, learner_id=ended.learner_id, max_price=ended.max_price, key=key)
    claim.held_until = at = ledger.at
    claim.state, claim.paid_at = ClaimState.PAID, at
    leave_line(ledger, [(claim.offer_id, claim.learner_id)])
    ledger.tell(book, "offers.seat_paid")
    return Settled(SettledAs.AGAIN_SEATED, claim)


def _free_for(ledger: Ledger, book: Book, ended: Claim) -> Place | None:
    """Return a free seat at the price of a claim that ended: its own, even if its tier is over, or one of its tier."""
    own = Seat.objects.filter(offer=book.pk, number=ended.seat_number, state=SeatState.FREE).first()
    if own is not None:
        return Place(own.number, own.generation, book.by_pk[own.tier_id])
    tier = book.by_pk[ended.tier_id]
    if not tier.free:
        return None
    ledger.fetch_free(book, tier, 1)
    return book.free[tier.pk].pop()
