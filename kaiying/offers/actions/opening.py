"""Opening a sale and changing its ladder."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from kaiying.camps.models import Cohort
from kaiying.kit.money import Money
from kaiying.offers.actions.ledger import open_ledger
from kaiying.offers.actions.waiting import serve_waitlist
from kaiying.offers.models import Admission, Claim, Offer, PriceTier, Seat
from kaiying.offers.vocabulary import BadLadder, ReturnPolicy, SeatState, TierSold, TierTooSmall
from kaiying.web.texts import Text

ROWS = 5_000
ASIDE = 10_000
"""Where positions wait while tiers change places, since no two of an offer may be the same at any moment."""


@dataclass(frozen=True, slots=True)
class Step:
    """One tier as the terms ask for it."""

    ref: str
    name: Text
    price: int
    seats: int | None
    ends_at: datetime | None


@transaction.atomic
def open_offer(
    *,
    cohort: Cohort,
    slug: str,
    terms: Mapping[str, Any],
    opens_at: datetime,
    closes_at: datetime | None,
    at: datetime,
) -> Offer:
    """Put the seats of a cohort on sale by the terms of its camp (``camp.offer``): its tiers and its numbered seats.

    Raises ``BadLadder`` when the tiers and the number of seats do not fit.
    """
    currency = str(terms.get("currency") or "CNY")
    steps = _read(terms.get("tiers") or [], currency=currency, zone=cohort.zone)
    total = _total(steps, terms.get("seats"))
    offer = Offer.objects.create(
        cohort=cohort,
        slug=slug,
        currency=currency,
        list_price=_minor(terms["list_price"], currency)
        if "list_price" in terms
        else max(step.price for step in steps),
        seats_total=total,
        opens_at=opens_at,
        closes_at=closes_at,
        hold_minutes=int(terms.get("hold_minutes") or 15),
        on_return=ReturnPolicy(terms.get("on_return") or ReturnPolicy.REOPEN),
        last_seats=terms.get("last_seats") or {},
        created_at=at,
    )
    Admission.objects.create(offer=offer)
    number = 1
    for position, (step, capacity) in enumerate(zip(steps, _quotas(steps, total), strict=True)):
        tier = PriceTier.objects.create(offer=offer, position=position, capacity=capacity, **_columns(step))
        _number_seats(offer, tier, range(number, number + capacity))
        number += capacity
    with open_ledger([offer.pk], at=at) as ledger:
        ledger.note_ladder(ledger.books[offer.pk])
    offer.refresh_from_db(fields=["epoch"])
    return offer


@transaction.atomic
def change_ladder(*, offer: Offer, tiers: Sequence[Mapping[str, Any]], at: datetime, seats: int | None = None) -> Offer:
    """Make the ladder as ``tiers`` (and the number of ``seats``) ask for; the same ladder again changes nothing.

    Seats that nobody has go to the tiers in their order. Raises ``TierTooSmall`` when a tier would have fewer seats
    than are sold or held of it, ``TierSold`` when one that was sold from would change its price or go.
    """
    steps = _read(tiers, currency=offer.currency, zone=offer.cohort.zone)
    with open_ledger([offer.pk], at=at) as ledger:
        ledger.write()  # what tiers that are over have passed on
        book = ledger.books[offer.pk]
        fresh, before = book.offer, list(PriceTier.objects.filter(offer=offer).order_by("position"))
        total = _total(steps, seats, fresh.seats_total)
        if _is_same(fresh, before, steps, total):
            return fresh
        _refuse_what_was_sold(before, steps)
        _deal(fresh, _write_tiers(fresh, before, steps), total, at=at)
        ledger.note_ladder(book)
        ledger.tell(book, "offers.ladder_moved")
    serve_waitlist(offer=offer, at=at)
    fresh.refresh_from_db()
    return fresh


def _read(tiers: Iterable[Mapping[str, Any]], *, currency: str, zone: str) -> list[Step]:
    steps = []
    for tier in tiers:
        ends_at = tier.get("ends_at")
        if isinstance(ends_at, str):
            ends_at = datetime.fromisoformat(ends_at)
        if isinstance(ends_at, datetime) and ends_at.tzinfo is None:
            ends_at = ends_at.replace(tzinfo=ZoneInfo(zone))
        steps.append(
            Step(str(tier["id"]), Text.of(tier["name"]), _minor(tier["price"], currency), tier.get("seats"), ends_at)
        )
    if not steps:
        raise BadLadder(why="it has no tier")
    if len({step.ref for step in steps}) < len(steps):
        raise BadLadder(why="two tiers have the same id")
    return steps


def _minor(amount: object, currency: str) -> int:
    return amount.minor if isinstance(amount, Money) else Money.parse(str(amount), currency).minor


def _total(steps: Sequence[Step], given: int | None, before: int | None = None) -> int:
    asked = sum(step.seats or 0 for step in steps)
    takes_rest = any(step.seats is None for step in steps)
    total = given or ((before or 0) if takes_rest else asked)
    if total < asked or not total or (total > asked and not takes_rest):
        raise BadLadder(why=f"its tiers ask for {asked} of {total} seats")
    return total


def _quotas(steps: Sequence[Step], total: int) -> list[int]:
    """Return how many seats each tier begins with; the first without a number takes all that are left."""
    rest = total - sum(step.seats or 0 for step in steps)
    quotas = []
    for step in steps:
        quotas.append(rest if step.seats is None else step.seats)
        rest = 0 if step.seats is None else rest
    return quotas


def _columns(step: Step) -> dict[str, Any]:
    return {"ref": step.ref, "name": step.name, "price": step.price, "seats": step.seats, "ends_at": step.ends_at}


def _number_seats(offer: Offer, tier: PriceTier, numbers: Iterable[int]) -> None:
    rows = (Seat(offer=offer, number=number, tier=tier) for number in numbers)
    while batch := list(islice(rows, ROWS)):
        Seat.objects.bulk_create(batch)


def _is_same(offer: Offer, tiers: Sequence[PriceTier], steps: Sequence[Step], total: int) -> bool:
    return [_step(tier) for tier in tiers] == list(steps) and offer.seats_total == total


def _step(tier: PriceTier) -> Step:
    return Step(tier.ref, tier.name, tier.price, tier.seats, tier.ends_at)


def _refuse_what_was_sold(tiers: Sequence[PriceTier], steps: Sequence[Step]) -> None:
    asked = {step.ref: step for step in steps}
    for tier in tiers:
        step = asked.get(tier.ref)
        fixed = step is None or step.price != tier.price
        if fixed and (tier.used or Claim.objects.filter(offer=tier.offer_id, tier=tier).exists()):
            raise TierSold(tier=tier.name)


def _write_tiers(offer: Offer, before: Sequence[PriceTier], steps: Sequence[Step]) -> list[PriceTier]:
    """Bring the rows of the tiers in line; those that go hand their seats to the first."""
    by_ref = {tier.ref: tier for tier in before}
    for tier in before:
        PriceTier.objects.filter(pk=tier.pk).update(position=ASIDE + tier.position)
    tiers = []
    for position, step in enumerate(steps):
        tier = by_ref.pop(step.ref) if step.ref in by_ref else PriceTier(offer=offer)
        tier.position = position
        for column, value in _columns(step).items():
            setattr(tier, column, value)
        tier.save()
        tiers.append(tier)
    for gone in by_ref.values():
        Seat.objects.filter(tier=gone).update(tier=tiers[0])
        gone.delete()
    return tiers


def _deal(offer: Offer, tiers: Sequence[PriceTier], total: int, *, at: datetime) -> None:
    """Deal the free seats to the tiers in their order, adding or taking away seats at the end."""
    quotas = _quotas([_step(tier) for tier in tiers], total)
    for place, tier in enumerate(tiers):
        if tier.is_over(at=at) and place + 1 < len(quotas):
            # What a tier that is over did not sell was passed on, and stays so.
            quotas[place + 1] += max(0, quotas[place] - tier.used)
            quotas[place] = min(quotas[place], tier.used)
        if quotas[place] < tier.used:
            raise TierTooSmall(tier=tier.name, used=tier.used, wanted=quotas[place])
    _resize(offer, tiers[-1], total)
    free = list(
        Seat.objects.filter(offer=offer, state=SeatState.FREE).order_by("number").values_list("number", flat=True)
    )
    dealt = 0
    for tier, quota in zip(tiers, quotas, strict=True):
        mine = free[dealt : dealt + quota - tier.used]
        if mine:
            chunk = Seat.objects.filter(offer=offer, state=SeatState.FREE, number__gte=mine[0], number__lte=mine[-1])
            chunk.exclude(tier=tier).update(tier=tier)
        dealt += len(mine)
        PriceTier.objects.filter(pk=tier.pk).update(capacity=quota)


def _resize(offer: Offer, last: PriceTier, total: int) -> None:
    if total > offer.seats_total:
        _number_seats(offer, last, range(offer.seats_total + 1, total + 1))
    elif total < offer.seats_total:
        # Only seats that nobody ever had may go, and only from the end: the others are history.
        gone = Seat.objects.filter(offer=offer, number__gt=total)
        if gone.exclude(state=SeatState.FREE, generation=0).exists():
            raise TierTooSmall(tier=last.name, used=offer.seats_total, wanted=total)
        gone.delete()
    Offer.objects.filter(pk=offer.pk).update(seats_total=total)
    offer.seats_total = total
