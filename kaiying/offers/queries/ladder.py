"""The ladder as the public sees it, and an offer as one visitor does."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kaiying.camps.queries import fill
from kaiying.kit.money import Money
from kaiying.offers.models import Claim, Offer, PriceTier, Reservation, WaitlistEntry
from kaiying.offers.queries.line import live_claim, standing_entry, standing_reservation
from kaiying.offers.vocabulary import REMIND_BEFORE, StepState
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
    return laid_out(offer, tiers, waiting=WaitlistEntry.objects.waiting().filter(offer=offer).count(), at=at)


def laid_out(offer: Offer, tiers: list[PriceTier], *, waiting: int, at: datetime) -> Ladder:
    """Return the ladder that these rows make at ``at``; asks nothing of the database."""
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


@dataclass(frozen=True, slots=True)
class Sale:
    """An offer as one visitor sees it: the public count, and the seat or place in line they have."""

    offer: Offer
    ladder: Ladder
    claim: Claim | None = None
    entry: WaitlistEntry | None = None
    reservation: Reservation | None = None

    @property
    def still_reminds(self) -> bool:
        """Whether somebody who reserves now will be reminded of the opening."""
        return self.ladder.at < self.ladder.opens_at - REMIND_BEFORE


def sale(offer: Offer, *, learner: User | None, at: datetime) -> Sale:
    """Return an offer as ``learner`` (or somebody unknown) sees it."""
    shown = ladder(offer, at)
    if learner is None:
        return Sale(offer, shown)
    reservation = standing_reservation(offer, learner) if shown.is_early else None
    return Sale(offer, shown, live_claim(offer, learner), standing_entry(offer, learner), reservation)
