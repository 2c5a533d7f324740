"""Seats that come back: let go, expired, refunded. Each freeing raises the seat's generation."""

from collections.abc import Sequence
from datetime import datetime

from kaiying.offers.actions.ledger import Ledger, open_ledger
from kaiying.offers.actions.waiting import give_back
from kaiying.offers.models import Claim, Offer, WaitlistEntry
from kaiying.offers.vocabulary import ClaimState, SeatState, WaitState

AT_ONCE = 100
"""Expired holds freed under one lock: buyers wait meanwhile."""


def release_claim(*, claim: Claim, at: datetime) -> Claim:
    """Let a held seat go on the learner's word; a claim that is not held any more stays as it is.

    While a payment is under way the seat is only given up: it stays held, its time over, until whoever takes the money
    has closed the payment and calls ``lapse_claim``.
    """
    with open_ledger([claim.offer_id], at=at) as ledger:
        fresh = _under_lock(claim)
        if fresh.state == ClaimState.HELD:
            if fresh.payment_pending_since is None:
                _free(ledger, [fresh], ClaimState.RELEASED)
            else:
                ledger.amend(fresh, given_up_at=at, held_until=min(at, fresh.held_until))
    return fresh


def lapse_claim(*, claim: Claim, at: datetime) -> Claim:
    """Free the seat of a hold whose time is over; the caller has made sure that nobody can pay for it any more."""
    with open_ledger([claim.offer_id], at=at) as ledger:
        fresh = _under_lock(claim)
        if fresh.state == ClaimState.HELD and fresh.held_until <= at:
            _free(ledger, [fresh], ClaimState.RELEASED if fresh.given_up_at else ClaimState.LAPSED)
    return fresh


def expire_claims(*, offer: Offer, at: datetime) -> int:
    """Free the seats of all holds whose time is over and for which no payment is under way; return how many."""
    count = 0
    while True:
        with open_ledger([offer.pk], at=at) as ledger:
            over = offer.claims.lapsing(at=at).nobody_is_paying().order_by("held_until", "pk")
            claims = list(over[:AT_ONCE])
            _free(ledger, claims, ClaimState.LAPSED)
        count += len(claims)
        if len(claims) < AT_ONCE:
            return count


def refund_claim(*, claim: Claim, at: datetime) -> Claim:
    """Free a seat whose money goes back; a claim that is not paid for stays as it is."""
    with open_ledger([claim.offer_id], at=at) as ledger:
        fresh = _under_lock(claim)
        if fresh.state == ClaimState.PAID:
            _free(ledger, [fresh], ClaimState.REFUNDED)
    return fresh


def _under_lock(claim: Claim) -> Claim:
    return Claim.objects.select_related("offer").get(pk=claim.pk)


def _free(ledger: Ledger, claims: Sequence[Claim], state: ClaimState) -> None:
    """End these claims of one offer and free their seats."""
    if not claims:
        return
    book = ledger.books[claims[0].offer_id]
    was = SeatState.PAID if state == ClaimState.REFUNDED else SeatState.HELD
    seats = ledger.seats_of(claims)
    for claim in claims:
        ledger.end(claim, state)
    offered = WaitlistEntry.objects.filter(claim__in=claims, state=WaitState.OFFERED)
    for entry in offered.select_related("claim"):
        ledger.change(entry, WaitState.LEFT if state == ClaimState.RELEASED else WaitState.LAPSED)
    give_back(ledger, book, [(seats[claim.pk], was) for claim in claims])
