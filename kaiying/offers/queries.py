"""Reads of this room: the ladder as the public sees it, a place in line, and the check of the whole ledger."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from kaiying.camps.queries import fill
from kaiying.kit.money import Money
from kaiying.offers.models import Claim, Offer, PriceTier, Seat, WaitlistEntry
from kaiying.offers.vocabulary import LIVE, SeatState, StepState
from kaiying.people.models import User
from kaiying.web.texts import Text

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rung:
    """One tier of the ladder, in numbers; ``seats`` are those sold at its price and those still to be."""

    ref: str
    name: Text
    price: Money
    seats: int
    paid: int
    held: int
    free: int
    state: StepState
    ends_at: datetime | None

    @property
    def taken(self) -> int:
        """How many seats somebody has."""
        return self.paid + self.held


@dataclass(frozen=True, slots=True)
class Ladder:
    """The public count of an offer at one moment; true, not an estimate."""

    rungs: list[Rung]
    current: Rung | None
    list_price: Money
    seats: int
    paid: int
    held: int
    free: int
    waiting: int
    opens_at: datetime
    closes_at: datetime | None
    at: datetime
    version: int
    last_seats: Text | None

    @property
    def price(self) -> Money:
        """The price of the next seat; when nothing is left, that of the last one."""
        return (self.current or self.rungs[-1]).price

    @property
    def is_early(self) -> bool:
        """Whether the sale is still to open."""
        return self.at < self.opens_at

    @property
    def is_closed(self) -> bool:
        """Whether the sale is over by the clock: its own end, or that of the last tier."""
        last = self.rungs[-1]
        return (self.closes_at is not None and self.closes_at <= self.at) or last.state == StepState.OVER

    @property
    def phase(self) -> str:
        """Where the clock puts the sale: ``early``, ``open`` or ``closed``."""
        if self.is_early:
            return "early"
        return "closed" if self.is_closed else "open"

    @property
    def is_on_sale(self) -> bool:
        """Whether somebody who asks now gets a seat."""
        return not self.is_early and not self.is_closed and self.current is not None

    @property
    def is_sold_out(self) -> bool:
        """Whether the sale is on and every seat is taken."""
        return not self.is_early and not self.is_closed and self.current is None

    @property
    def following(self) -> Rung | None:
        """The tier after the current one."""
        if self.current is None:
            return None
        place = self.rungs.index(self.current) + 1
        return self.rungs[place] if place < len(self.rungs) else None

    @property
    def changes_at(self) -> datetime | None:
        """The next moment at which the clock alone changes something: opening, end of the tier, closing."""
        if self.is_early:
            return self.opens_at
        ends = [self.current.ends_at if self.current else None, self.closes_at]
        return min((moment for moment in ends if moment is not None and moment > self.at), default=None)

    @property
    def next_up(self) -> Rung:
        """The tier a visitor reads about while nothing is for sale: before the opening the first, else the last."""
        return self.rungs[0] if self.is_early else self.rungs[-1]

    @property
    def shown(self) -> Rung:
        """The tier whose seats are drawn."""
        return self.current or self.next_up

    @property
    def counts_down(self) -> bool:
        """Whether that moment is near enough for a clock."""
        return self.changes_at is not None and self.changes_at - self.at < A_DAY

    @property
    def clock(self) -> list[str]:
        """Hours, minutes and seconds until then, two digits each."""
        left = int((self.changes_at - self.at).total_seconds()) if self.changes_at else 0
        return [f"{left // 3600:02}", f"{left // 60 % 60:02}", f"{left % 60:02}"]


def ladder(offer: Offer, at: datetime) -> Ladder:
    """Count an offer's seats by tier at ``at``: two statements, however many seats there are."""
    tiers = list(PriceTier.objects.filter(offer=offer).order_by("position"))
    waiting = WaitlistEntry.objects.waiting().filter(offer=offer).count()
    free = _free_by_tier(tiers, at)
    current = next((tier for tier in tiers if free[tier.pk] and not tier.is_over(at=at)), None)
    rungs = [_rung(offer, tier, free[tier.pk], current, at) for tier in tiers]
    now = next((rung for rung in rungs if current is not None and rung.ref == current.ref), None)
    return Ladder(
        rungs=rungs,
        current=now,
        list_price=Money(offer.list_price, offer.currency),
        seats=offer.seats_total,
        paid=sum(rung.paid for rung in rungs),
        held=sum(rung.held for rung in rungs),
        free=sum(rung.free for rung in rungs),
        waiting=waiting,
        opens_at=offer.opens_at,
        closes_at=offer.closes_at,
        at=at,
        version=offer.epoch,
        last_seats=_last_seats(offer, now),
    )


def _free_by_tier(tiers: list[PriceTier], at: datetime) -> dict[int, int]:
    """Count free seats at the price they would be sold at now, also before a write has passed them on."""
    free: dict[int, int] = {}
    carried = 0
    for tier in tiers:
        mine = tier.free + carried
        passes_on = tier.is_over(at=at) and tier is not tiers[-1]
        free[tier.pk], carried = (0, mine) if passes_on else (mine, 0)
    return free


def _rung(offer: Offer, tier: PriceTier, free: int, current: PriceTier | None, at: datetime) -> Rung:
    if tier.is_over(at=at):
        state = StepState.OVER
    elif tier is current:
        state = StepState.OPEN
    elif not free:
        state = StepState.SOLD_OUT
    else:
        state = StepState.NEXT
    return Rung(
        ref=tier.ref,
        name=tier.name,
        price=Money(tier.price, offer.currency),
        seats=tier.paid + tier.held + free,
        paid=tier.paid,
        held=tier.held,
        free=free,
        state=state,
        ends_at=tier.ends_at,
    )


def _last_seats(offer: Offer, current: Rung | None) -> Text | None:
    """Return the wording for the last seats, with the seats that are left, their tier and their price put in.

    It appears while no more than so many are left at the price that is asked now; for the last tier that is in all.
    """
    count, wording = offer.last_seats.get("count"), Text.of(offer.last_seats.get("wording"))
    if not count or current is None or current.free > count:
        return None
    facts = {"count": str(current.free), "price": current.price.text(short=True)}
    named = {language: {**facts, "tier": current.name.in_language(language)} for language in wording}
    return Text({language: fill(text, named[language]) for language, text in wording.items()}, main=wording.main)


def live_claim(offer: Offer, learner: User) -> Claim | None:
    """Return the seat a learner has in this offer, held or paid for."""
    return Claim.objects.live().filter(offer=offer, learner=learner).select_related("tier").first()


def standing_entry(offer: Offer, learner: User) -> WaitlistEntry | None:
    """Return a learner's place on the waitlist, or the offer it turned into."""
    return WaitlistEntry.objects.standing().filter(offer=offer, learner=learner).select_related("claim").first()


def place_in_line(entry: WaitlistEntry) -> int:
    """Return how many are served no later than this one: 1 is the head of the line."""
    before = Q(precedence__lt=entry.precedence) | Q(precedence=entry.precedence, pk__lte=entry.pk)
    return WaitlistEntry.objects.waiting().filter(before, offer=entry.offer_id).count()


def next_release(offer: Offer) -> datetime | None:
    """Return when the first unpaid hold ends; for people who wonder whether a seat may come back."""
    held = offer.claims.filter(state="held").order_by("held_until")
    return held.values_list("held_until", flat=True).first()


@transaction.atomic
def verify(offer: Offer) -> list[str]:
    """Recompute what must always be true of an offer, and say what is not; holds the offer's lock, changes nothing."""
    offer = Offer.objects.select_for_update().get(pk=offer.pk)
    tiers = {tier.pk: tier for tier in PriceTier.objects.filter(offer=offer)}
    seats = {seat.number: seat for seat in Seat.objects.filter(offer=offer)}
    claims = list(Claim.objects.filter(offer=offer))
    return [
        *([] if set(seats) == set(range(1, offer.seats_total + 1)) else [f"I1 not numbered 1 to {offer.seats_total}"]),
        *_faults_of_counts(tiers, seats),
        *_faults_of_live(seats, claims),
        *_faults_of_claims(tiers, seats, claims),
    ]


def _faults_of_counts(tiers: dict[int, PriceTier], seats: dict[int, Seat]) -> Iterator[str]:
    counts = Counter((seat.tier_id, seat.state) for seat in seats.values())
    for tier in tiers.values():
        for state in SeatState:
            told = getattr(tier, state)
            if counts[tier.pk, state] != told:
                yield f"I1 tier {tier.ref} says {told} {state}, there are {counts[tier.pk, state]}"


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


@dataclass(frozen=True, slots=True)
class Sale:
    """An offer as one visitor sees it: the public count, and the seat or place in line they have."""

    offer: Offer
    ladder: Ladder
    claim: Claim | None = None
    entry: WaitlistEntry | None = None


def sale(offer: Offer, *, learner: User | None, at: datetime) -> Sale:
    """Return an offer as ``learner`` (or somebody unknown) sees it."""
    shown = ladder(offer, at)
    if learner is None:
        return Sale(offer, shown)
    return Sale(offer, shown, live_claim(offer, learner), standing_entry(offer, learner))


def served_before(offer: Offer) -> int | None:
    """Return how far the waitlist of the camp's previous offer got; ``None`` when nobody waited then."""
    before = (
        Offer.objects.filter(cohort__camp=offer.cohort.camp_id, cohort__number__lt=offer.cohort.number)
        .order_by("-cohort__number")
        .first()
    )
    if before is None or not before.waitlist.exists():
        return None
    return before.waitlist.filter(claim__isnull=False).count()
