"""One unit of work on the ledger: lock the offers, read once, decide in memory, write with a few statements.

Every write of this room goes through a ``Ledger``. Its statements grow with the offers of a batch and their tiers,
never with the people in it; each one names the state it expects, so a mistake in the deciding rolls everything back.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery

from kaiying.offers.actions.telling import tell_offered
from kaiying.offers.models import Claim, Offer, PriceTier, Seat, WaitlistEntry
from kaiying.offers.vocabulary import ClaimState, SeatState, WaitState
from kaiying.outbox.actions import publish_all
from kaiying.outbox.models import Event


class LedgerFault(RuntimeError):
    """The tables were not as the holder of the lock had read them; nothing was written."""


@dataclass(slots=True)
class Place:
    """A seat as the lock holder sees it."""

    pk: int
    number: int
    generation: int
    tier: PriceTier


class Move(NamedTuple):
    """One kind of change to many seats, for one statement."""

    was: str
    now: str
    freed: bool
    tier_id: int | None


class Book:
    """One locked offer: its tiers with their counts, and the free seats fetched so far."""

    def __init__(self, offer: Offer, tiers: Sequence[PriceTier], *, at: datetime) -> None:
        """Take the rows read under the lock."""
        self.offer = offer
        self.tiers = list(tiers)
        self.by_pk = {tier.pk: tier for tier in tiers}
        self.at = at
        self.is_open = offer.is_open(at=at)
        self.free: dict[int, list[Place]] = defaultdict(list)  # lowest number last, so that it is popped
        self.most_offered: int = max((tier.most_offered or -1 for tier in tiers), default=-1)  # type: ignore[attr-defined]

    def priced_at(self, tier: PriceTier) -> PriceTier | None:
        """Return the tier at whose price a free seat of ``tier`` is sold: itself, or the next that is not over."""
        later = self.tiers[self.tiers.index(tier) :]
        return next((step for step in later if not step.is_over(at=self.at)), None)

    def steps(self) -> list[PriceTier]:
        """Return the tiers that still sell and have free seats, in the order of the ladder."""
        return [tier for tier in self.tiers if tier.free and not tier.is_over(at=self.at)]

    def next_step(self) -> PriceTier | None:
        """Return the tier whose seats are sold now."""
        return next(iter(self.steps()), None)

    def wants(self, count: int) -> list[tuple[int, int]]:
        """Return how many free seats of which tier are needed for ``count`` claims."""
        needs = []
        for tier in self.steps():
            take = min(tier.free, count)
            needs.append((tier.pk, take))
            count -= take
            if not count:
                break
        return needs


class Ledger:
    """The open transaction: the books of the offers it locked, and what will be written when it closes."""

    def __init__(self, offer_ids: Iterable[int], *, at: datetime) -> None:
        """Lock the offers in the order of their ids and read their tiers."""
        self.at = at
        self._clear()
        self._steady_plans()
        offers = list(Offer.objects.select_for_update().filter(pk__in=set(offer_ids)).order_by("pk"))
        richest = (
            WaitlistEntry.objects.waiting()
            .filter(offer=OuterRef("offer"))
            .order_by("-max_price")
            .values("max_price")[:1]
        )
        rungs = PriceTier.objects.filter(offer__in=offers).annotate(most_offered=Subquery(richest)).order_by("position")
        tiers = defaultdict(list)
        for tier in rungs if offers else ():
            tiers[tier.offer_id].append(tier)
        self.books = {offer.pk: Book(offer, tiers[offer.pk], at=at) for offer in offers}
        for book in self.books.values():
            self._pass_on(book)

    def _clear(self) -> None:
        self.new: list[Claim] = []
        self._ended: dict[ClaimState, list[Claim]] = defaultdict(list)
        self._paid: list[Claim] = []
        self._entries: list[WaitlistEntry] = []
        self._moves: dict[Move, list[int]] = defaultdict(list)
        self._counted: set[int] = set()
        self._news: dict[tuple[int, str], int] = defaultdict(int)
        self.offered: list[WaitlistEntry] = []

    @staticmethod
    def _steady_plans() -> None:
        # Every index of ours is made for the statements here. A planner that has never analysed a table thinks that
        # a few hundred learners are all of them, and reads everything that is sold.
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")

    def _pass_on(self, book: Book) -> None:
        """Give the free seats of tiers that are over to the next one."""
        for tier in book.tiers:
            heir = book.priced_at(tier)
            if not tier.free or heir is None or heir is tier:
                continue
            moved = Seat.objects.filter(tier=tier, state=SeatState.FREE).update(tier=heir)
            if moved != tier.free:
                raise LedgerFault
            tier.capacity -= moved
            heir.capacity += moved
            self._counted |= {tier.pk, heir.pk}
            self._news[book.offer.pk, "offers.ladder_moved"] += 1

    def fetch_free(self, needs: Iterable[tuple[int, int]]) -> None:
        """Read the lowest free seats of tiers (tier id, how many), with one statement."""
        wanted = [(tier_id, count) for tier_id, count in needs if count]
        if not wanted:
            return
        one = (
            "SELECT * FROM (SELECT id, offer_id, tier_id, number, generation FROM offers_seat"
            " WHERE tier_id = %s AND state = 'free' ORDER BY number LIMIT %s) AS s{}"
        )
        statement = " UNION ALL ".join(one.format(place) for place in range(len(wanted)))
        with connection.cursor() as cursor:
            cursor.execute(statement, [value for need in wanted for value in need])
            rows = sorted(cursor.fetchall(), key=lambda row: -row[3])
        for pk, offer_id, tier_id, number, generation in rows:
            book = self.books[offer_id]
            book.free[tier_id].append(Place(pk, number, generation, book.by_pk[tier_id]))

    def seats_of(self, claims: Iterable[Claim]) -> dict[int, Place]:
        """Return the seats of live claims by claim id."""
        found: dict[int, Place] = {}
        by_offer: dict[int, list[Claim]] = defaultdict(list)
        for claim in claims:
            by_offer[claim.offer_id].append(claim)
        for offer_id, group in by_offer.items():
            book = self.books[offer_id]
            rows = Seat.objects.filter(offer_id=offer_id, number__in=[claim.seat_number for claim in group])
            seats = {seat.number: seat for seat in rows}
            for claim in group:
                seat = seats[claim.seat_number]
                found[claim.pk] = Place(seat.pk, seat.number, seat.generation, book.by_pk[seat.tier_id])
        return found

    def move(
        self, place: Place, was: SeatState, now: SeatState, *, freed: bool = False, to: PriceTier | None = None
    ) -> None:
        """Change a seat's state, its generation if it was freed, and its tier; keep the counts."""
        counters: dict[str, str] = {SeatState.HELD: "held", SeatState.PAID: "paid", SeatState.VOID: "void"}
        if was in counters:
            setattr(place.tier, counters[was], getattr(place.tier, counters[was]) - 1)
        self._counted.add(place.tier.pk)
        moved = to is not None and to.pk != place.tier.pk
        if moved and to is not None:
            place.tier.capacity -= 1
            to.capacity += 1
            place.tier = to
            self._counted.add(to.pk)
        if now in counters:
            setattr(place.tier, counters[now], getattr(place.tier, counters[now]) + 1)
        if freed:
            place.generation += 1
        self._moves[Move(was, now, freed, place.tier.pk if moved else None)].append(place.pk)

    def hold(self, book: Book, place: Place, *, learner_id: int, max_price: int, key: str) -> Claim:
        """Make the claim on a seat at the price of its tier; the seat itself has been moved."""
        claim = Claim(
            offer=book.offer,
            learner_id=learner_id,
            seat_number=place.number,
            generation=place.generation,
            tier=place.tier,
            price=place.tier.price,
            max_price=max_price,
            key=key,
            claimed_at=self.at,
            held_until=self.at + book.offer.hold,
        )
        self.new.append(claim)
        return claim

    def end(self, claim: Claim, state: ClaimState) -> None:
        """End a claim."""
        claim.state, claim.ended_at = state, self.at
        self._ended[state].append(claim)

    def pay(self, claim: Claim) -> None:
        """Mark a claim as paid for."""
        claim.state, claim.paid_at, claim.payment_pending_since = ClaimState.PAID, self.at, None
        if claim.pk:
            self._paid.append(claim)

    def change(self, entry: WaitlistEntry, state: WaitState, claim: Claim | None = None) -> None:
        """Move a person on the waitlist."""
        entry.state = state
        entry.claim = claim or entry.claim
        entry.ended_at = None if state in {WaitState.WAITING, WaitState.OFFERED} else self.at
        self._entries.append(entry)

    def tell(self, book: Book, name: str) -> None:
        """Tell the offer's channel, once a batch, that something happened."""
        self._news[book.offer.pk, name] += 1

    def write(self) -> None:
        """Write what was decided so far; ends before beginnings, because a seat has one live claim at any moment."""
        for state, claims in self._ended.items():
            rows = Claim.objects.live().filter(pk__in=[claim.pk for claim in claims])
            self._expect(rows.update(state=state, ended_at=self.at), claims)
        if self._paid:
            rows = Claim.objects.filter(pk__in=[claim.pk for claim in self._paid], state=ClaimState.HELD)
            self._expect(rows.update(state=ClaimState.PAID, paid_at=self.at, payment_pending_since=None), self._paid)
        for move, pks in self._moves.items():
            changes: dict[str, Any] = {"state": move.now}
            if move.freed:
                changes["generation"] = F("generation") + 1
            if move.tier_id:
                changes["tier_id"] = move.tier_id
            self._expect(Seat.objects.filter(pk__in=pks, state=move.was).update(**changes), pks)
        if self.new:
            insert_claims(self.new)
        if self._entries:
            WaitlistEntry.objects.bulk_update(self._entries, ["state", "claim", "ended_at"])
        self._write_counts()
        self._publish()
        for entry in self.offered:
            tell_offered(entry, at=self.at)
        self._clear()

    @staticmethod
    def _expect(written: int, wanted: Sequence[object]) -> None:
        if written != len(wanted):
            raise LedgerFault

    def _write_counts(self) -> None:
        for book in self.books.values():
            for tier in book.tiers:
                if tier.pk in self._counted:
                    counts = {name: getattr(tier, name) for name in ("capacity", "held", "paid", "void")}
                    PriceTier.objects.filter(pk=tier.pk).update(**counts)

    def _publish(self) -> None:
        told = {offer_id for offer_id, _name in self._news}
        if not told:
            return
        Offer.objects.filter(pk__in=told).update(epoch=F("epoch") + 1)
        for offer_id in told:
            self.books[offer_id].offer.epoch += 1
        publish_all(
            Event(
                name=name,
                channel=f"offer:{offer_id}",
                facts={"count": count, "epoch": self.books[offer_id].offer.epoch},
            )
            for (offer_id, name), count in self._news.items()
        )


@contextmanager
def open_ledger(offer_ids: Iterable[int], *, at: datetime) -> Iterator[Ledger]:
    """Lock these offers, and write what was decided when the block ends well."""
    with transaction.atomic():
        ledger = Ledger(offer_ids, at=at)
        yield ledger
        ledger.write()


COLUMNS = [(field.attname, str(field.column)) for field in Claim._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
ROWS = 2_000
"""Rows of one statement: SQLite takes some thirty thousand values."""


def insert_claims(claims: Sequence[Claim]) -> None:
    """Insert these with one statement for every two thousand; through the ORM it costs five times as much."""
    adapt = connection.ops.adapt_datetimefield_value
    moments: dict[datetime | None, Any] = {}
    by_key = {(claim.learner_id, claim.key): claim for claim in claims}
    names = ", ".join(connection.ops.quote_name(column) for _name, column in COLUMNS)
    key = connection.ops.quote_name("key")
    one = f"({', '.join(['%s'] * len(COLUMNS))})"
    for start in range(0, len(claims), ROWS):
        part = claims[start : start + ROWS]
        values: list[Any] = []
        for claim in part:
            for name, _column in COLUMNS:
                value = getattr(claim, name)
                if isinstance(value, datetime):
                    value = moments.get(value) or moments.setdefault(value, adapt(value))
                values.append(value)
        marks = ", ".join([one] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO offers_claim ({names}) VALUES {marks} RETURNING id, learner_id, {key}",  # noqa: S608 — only names of columns
                values,
            )
            written = cursor.fetchall()
        for pk, learner_id, asked in written:
            claim = by_key[learner_id, asked]
            claim.pk = pk
            claim._state.adding, claim._state.db = False, connection.alias  # noqa: SLF001 — as bulk_create does


def claims_of(learner_ids: Iterable[int]) -> dict[int, list[Claim]]:
    """Return every claim of these learners, over all offers: people have few, offers have many."""
    found: dict[int, list[Claim]] = defaultdict(list)
    for claim in Claim.objects.filter(learner_id__in=set(learner_ids)):
        found[claim.learner_id].append(claim)
    return found
