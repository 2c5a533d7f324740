"""What an operator does to a sale that runs. Every act says who did it and why, in the transaction that does it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from kaiying.kit.money import Money
from kaiying.offers.actions.ledger import open_ledger
from kaiying.offers.actions.opening import change_ladder
from kaiying.offers.models import Act, Admission, Offer, PriceTier, Seat
from kaiying.offers.vocabulary import (
    ActKind,
    BadRate,
    Closed,
    NoReason,
    NotFewerSeats,
    NotMoreSeats,
    SeatsTaken,
    SeatState,
    TooEarly,
)
from kaiying.outbox.actions import publish
from kaiying.people.models import User

MOST_SEATS = 1_000_000
MOST_RATE = 100_000
LONGEST_REASON = 200


@transaction.atomic
def raise_seats(*, offer: Offer, seats: int, by: User, reason: str, at: datetime) -> Act:
    """Have ``seats`` in all; the new ones go to the last tier, and first to those who wait. Raises ``NotMoreSeats``."""
    locked = _lock(offer, at)
    was = locked.seats_total
    if not was < seats <= MOST_SEATS:
        raise NotMoreSeats(seats=was, lowest=was + 1, highest=MOST_SEATS)
    tiers = list(locked.tiers.all())
    if tiers[-1].seats is not None:
        tiers[-1].seats += seats - was
    change_ladder(offer=locked, tiers=_asked(tiers), seats=seats, at=at)
    return log_act(locked, ActKind.RAISE, by=by, reason=reason, at=at, was=was, now=seats)


@transaction.atomic
def lower_seats(*, offer: Offer, seats: int, by: User, reason: str, at: datetime) -> Act:
    """Have ``seats`` in all, taken from the last tier first; nobody loses a seat.

    Raises ``NotFewerSeats``, or ``SeatsTaken`` with the lowest number that is possible.
    """
    locked = _lock(offer, at)
    was, lowest = locked.seats_total, lowest_seats(locked)
    if seats >= was:
        raise NotFewerSeats(seats=was, lowest=lowest)
    if seats < lowest:
        raise SeatsTaken(lowest=lowest)
    tiers = list(locked.tiers.all())
    left = was - seats
    for tier in reversed(tiers):
        cut = min(left, _spare(tier))
        if tier.seats is not None:
            tier.seats -= cut
        left -= cut
    change_ladder(offer=locked, tiers=_asked(tiers), seats=seats, at=at)
    return log_act(locked, ActKind.LOWER, by=by, reason=reason, at=at, was=was, now=seats)


def lowest_seats(offer: Offer) -> int:
    """Return the smallest number of seats an offer can be lowered to.

    A seat that was somebody's is history and stays, and a tier with a number of its own keeps at least one.
    """
    untouched = {"state": SeatState.FREE, "generation": 0}
    touched = Seat.objects.filter(offer=offer).exclude(**untouched).order_by("-number")
    highest = touched.values_list("number", flat=True).first() or 1
    return max(highest, offer.seats_total - sum(_spare(tier) for tier in offer.tiers.all()))


@transaction.atomic
def close_sale(*, offer: Offer, by: User, reason: str, at: datetime) -> Act:
    """End the sale now: nobody new gets a seat, and holds keep their time. Raises ``TooEarly`` or ``Closed``."""
    with open_ledger([offer.pk], at=at) as ledger:
        locked = Offer.objects.get(pk=offer.pk)
        if at < locked.opens_at:
            raise TooEarly
        if not locked.is_open(at=at):
            raise Closed
        Offer.objects.filter(pk=offer.pk).update(closes_at=at)
        ledger.tell(ledger.books[offer.pk], "offers.closed")
    return log_act(locked, ActKind.CLOSE, by=by, reason=reason, at=at, was=locked.closes_at)


@transaction.atomic
def pause_admission(*, offer: Offer, by: User, reason: str, at: datetime) -> Act:
    """Let nobody else in from the waiting room; who is in stays in. Pausing again changes nothing."""
    locked, room = _lock(offer, at), _room(offer)
    before = _last(locked, ActKind.PAUSE) if room.paused_at else None
    if before is not None:
        return before
    room.paused_at = at
    room.save(update_fields=["paused_at"])
    return log_act(locked, ActKind.PAUSE, by=by, reason=reason, at=at)


@transaction.atomic
def resume_admission(*, offer: Offer, by: User, reason: str, at: datetime) -> Act:
    """Let people in again. Resuming again changes nothing."""
    locked, room = _lock(offer, at), _room(offer)
    before = None if room.paused_at else _last(locked, ActKind.RESUME)
    if before is not None:
        return before
    since, room.paused_at = room.paused_at, None
    room.save(update_fields=["paused_at"])
    return log_act(locked, ActKind.RESUME, by=by, reason=reason, at=at, paused_at=since)


@transaction.atomic
def set_admission_rate(*, offer: Offer, rate: int | None, by: User, reason: str, at: datetime) -> Act:
    """Let ``rate`` people a second in from the waiting room; ``None``: as many as is measured. Raises ``BadRate``."""
    if rate is not None and not 0 < rate <= MOST_RATE:
        raise BadRate
    locked, room = _lock(offer, at), _room(offer)
    was, room.rate = room.rate, rate
    room.save(update_fields=["rate"])
    return log_act(locked, ActKind.RATE, by=by, reason=reason, at=at, was=was, now=rate)


def log_act(offer: Offer, kind: ActKind, *, by: User, reason: str, at: datetime, **facts: Any) -> Act:
    """Write down an act in the transaction that does it, and tell the pages that show the sale; raises ``NoReason``.

    Visitors listen to the same channel, so neither the reason nor the person travels there.
    """
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= LONGEST_REASON:
        raise NoReason
    act = Act.objects.create(offer=offer, kind=kind, by=by, reason=reason, facts=facts, at=at)
    publish("offers.operated", channel=f"offer:{offer.pk}", kind=str(kind), act=act.pk)
    return act


def _lock(offer: Offer, at: datetime) -> Offer:
    """Lock an offer until our transaction ends, with the free seats of tiers that are over handed on."""
    with open_ledger([offer.pk], at=at):
        pass
    return Offer.objects.select_related("cohort").get(pk=offer.pk)


def _room(offer: Offer) -> Admission:
    room, _new = Admission.objects.get_or_create(offer=offer)
    return Admission.objects.select_for_update().get(pk=room.pk)


def _last(offer: Offer, kind: ActKind) -> Act | None:
    return offer.acts.filter(kind=kind).order_by("-pk").first()


def _spare(tier: PriceTier) -> int:
    """Return how many seats a tier can lose."""
    return tier.free if tier.seats is None else max(0, min(tier.free, tier.seats - 1))


def _asked(tiers: Sequence[PriceTier]) -> list[dict[str, Any]]:
    """Return tiers as the ladder is asked for."""
    return [
        {
            "id": tier.ref,
            "name": tier.name,
            "price": Money(tier.price, tier.offer.currency),
            "seats": tier.seats,
            "ends_at": tier.ends_at,
        }
        for tier in tiers
    ]
