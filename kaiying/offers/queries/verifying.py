"""The check of the whole ledger: what must always be true, recomputed on a live system."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from kaiying.offers.models import Claim, Offer, PriceTier, Reservation, Seat
from kaiying.offers.queries.replaying import faults_of_events
from kaiying.offers.vocabulary import LIVE, SeatState


def verify(offer: Offer) -> list[str]:
    """Recompute what must always be true of an offer, and say what is not; changes nothing and stops nobody.

    Reads one snapshot, so a sale goes on meanwhile. I1 seats, I2 one live claim a learner, I3 generations, I4 prices,
    I6 the tables are what the events tell, I7 nothing was deleted; and the number of reservations is true. (I5, money,
    is ``orders.queries.verify_money``.)
    """
    with snapshot():
        offer = Offer.objects.get(pk=offer.pk)
        tiers = {tier.pk: tier for tier in PriceTier.objects.filter(offer=offer)}
        seats = {seat.number: seat for seat in Seat.objects.filter(offer=offer)}
        claims = list(Claim.objects.filter(offer=offer))
        gaps = set(seats) != set(range(1, offer.seats_total + 1))
        return [
            *([f"I1 not numbered 1 to {offer.seats_total}"] if gaps else []),
            *_faults_of_counts(tiers, seats),
            *_faults_of_live(seats, claims),
            *_faults_of_claims(tiers, seats, claims),
            *_faults_of_reservations(offer),
            *faults_of_events(offer),
        ]


def _within(using: BaseDatabaseWrapper) -> bool:
    """Tell whether a snapshot is open already."""
    return using.vendor == "sqlite" and using.connection is not None and bool(using.connection.in_transaction)


@contextmanager
def snapshot() -> Iterator[None]:
    """Read everything as of one moment, without a lock; inside a transaction, as of that transaction."""
    if connection.in_atomic_block or _within(connection):
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        # Django's own transactions begin IMMEDIATE here, which is the writer's lock; a deferred one only reads.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


def _faults_of_counts(tiers: dict[int, PriceTier], seats: dict[int, Seat]) -> Iterator[str]:
    counts = Counter((seat.tier_id, seat.state) for seat in seats.values())
    for tier in tiers.values():
        for state in SeatState:
            told = getattr(tier, state)
            if counts[tier.pk, state] != told:
                yield f"I1 tier {tier.ref} says {told} {state}, there are {counts[tier.pk, state]}"


def _faults_of_reservations(offer: Offer) -> Iterator[str]:
    standing = Reservation.objects.filter(offer=offer, cancelled_at=None).count()
    if standing != offer.reserved:
        yield f"the offer says {offer.reserved} reservations, there are {standing}"


def _faults_of_live(seats: dict[int, Seat], claims: list[Claim]) -> Iterator[str]:
    live = [claim for claim in claims if claim.is_live]
    taken = {seat.number for seat in seats.values() if seat.state in LIVE}
    if taken != {claim.seat_number for claim in live} or len(taken) != len(live):
        yield f"I1 {len(taken)} seats are taken, {len(live)} claims are live"
    for learner, count in Counter(claim.learner_id for claim in live).items():
        if count > 1:
            yield f"I2 learner {learner} has {count} live claims"
    for claim in live:
        seat = seats.get(claim.seat_number)
        mine = (claim.state, claim.generation, claim.tier_id)
        if seat is None or (seat.state, seat.generation, seat.tier_id) != mine:
            yield f"I3 claim {claim.pk} and seat {claim.seat_number} do not agree"


def _faults_of_claims(tiers: dict[int, PriceTier], seats: dict[int, Seat], claims: list[Claim]) -> Iterator[str]:
    for claim in claims:
        seat = seats.get(claim.seat_number)
        if not claim.is_live and seat is not None and claim.generation >= seat.generation:
            yield f"I3 seat {claim.seat_number} did not grow when claim {claim.pk} ended"
        if claim.price != tiers[claim.tier_id].price or claim.price > claim.max_price:
            yield f"I4 claim {claim.pk} is charged {claim.price}, agreed to {claim.max_price}"
