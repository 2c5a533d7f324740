"""One unit of work on the ledger: lock the offers, read once, decide in memory, write with a few statements.

Every write of this room goes through a ``Ledger``. Its statements grow with the offers of a batch and their tiers,
never with the people in it; each one names the state it expects, so a mistake in the deciding rolls everything back.
What was written is also added to the offer's events, from which its tables can be rebuilt.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F

from kaiying.offers.actions import frontiers, journal, statements
from kaiying.offers.actions.books import Book, Place, Tier
from kaiying.offers.actions.journal import Facts
from kaiying.offers.actions.statements import Sent
from kaiying.offers.actions.telling import tell_offered
from kaiying.offers.models import Claim, Seat, WaitlistEntry
from kaiying.offers.vocabulary import ClaimState, SeatState, WaitState
from kaiying.outbox.actions import publish_all
from kaiying.outbox.models import Event


class LedgerFault(RuntimeError):
    """The tables were not as the holder of the lock had read them; nothing was written."""


class Move(NamedTuple):
    """One kind of change to many seats, for one statement."""

    offer_id: int
    was: str
    now: str
    freed: bool
    tier_id: int | None


class Ledger:
    """The open transaction: the books of the offers it locked, and what will be written when it closes."""

    def __init__(self, offer_ids: Iterable[int], *, learner_ids: Collection[int] = (), at: datetime) -> None:
        """Lock the offers in the order of their ids; read their tiers, and what these learners claimed before."""
        self.at = at
        self._facts: dict[int, Facts] = defaultdict(dict)
        self._clear()
        locked, steps, self.claims = statements.open_books(set(offer_ids), learner_ids)
        tiers: dict[int, list[Tier]] = defaultdict(list)
        richest: dict[int, int] = {}
        for tier, most in steps:
            tiers[tier.offer_id].append(tier)
            richest[tier.offer_id] = most
        self.books = {
            terms.pk: Book(terms, tiers[terms.pk], most_offered=richest.get(terms.pk, -1), at=at) for terms in locked
        }
        for book in self.books.values():
            self._pass_on(book)

    def _clear(self) -> None:
        self._new: list[Claim] = []
        self._ended: dict[ClaimState, list[Claim]] = defaultdict(list)
        self._paid: list[Claim] = []
        self._entries: list[WaitlistEntry] = []
        self._moves: dict[Move, list[int]] = defaultdict(list)
        self._counted: dict[int, Tier] = {}
        self._news: dict[tuple[int, str], int] = defaultdict(int)
        self._frontiers: dict[int, tuple[Book, int]] = {}
        self.offered: list[WaitlistEntry] = []

    def _pass_on(self, book: Book) -> None:
        """Give the free seats of tiers that are over to the next one."""
        for tier in book.tiers:
            heir = book.priced_at(tier)
            if not tier.free or heir is None or heir is tier:
                continue
            moved = Seat.objects.filter(tier=tier.pk, state=SeatState.FREE).update(tier=heir.pk)
            if moved != tier.free:
                raise LedgerFault
            tier.capacity -= moved
            heir.capacity += moved
            self._count(tier, heir)
            self.note(book, "passed", [tier.pk, heir.pk])
            self.tell(book, "offers.ladder_moved")

    def _count(self, *tiers: Tier) -> None:
        self._counted |= {tier.pk: tier for tier in tiers}

    def note(self, book: Book, key: str, fact: object) -> None:
        """Add to what this transaction changed (see ``journal``)."""
        self._facts[book.pk].setdefault(key, []).append(fact)

    def fetch_free(self, book: Book, tier: Tier, count: int) -> None:
        """Read the lowest free seats of a tier, to be popped from ``book.free``."""
        if count:
            found = statements.free_places(tier.pk, count)
            book.free[tier.pk] = [Place(number, generation, tier) for number, generation in found]

    def seats_of(self, claims: Iterable[Claim]) -> dict[int, Place]:
        """Return the seats of live claims by claim id."""
        found: dict[int, Place] = {}
        by_offer: dict[int, list[Claim]] = defaultdict(list)
        for claim in claims:
            by_offer[claim.offer_id].append(claim)
        for offer_id, group in by_offer.items():
            book = self.books[offer_id]
            seats = Seat.objects.filter(offer_id=offer_id, number__in=[claim.seat_number for claim in group])
            places = {seat.number: Place(seat.number, seat.generation, book.by_pk[seat.tier_id]) for seat in seats}
            found |= {claim.pk: places[claim.seat_number] for claim in group}
        return found

    def move(
        self, place: Place, was: SeatState, now: SeatState, *, freed: bool = False, to: Tier | None = None
    ) -> None:
        """Change a seat's state, its generation if it was freed, and its tier; keep the counts."""
        counters: dict[str, str] = {SeatState.HELD: "held", SeatState.PAID: "paid", SeatState.VOID: "void"}
        if was in counters:
            setattr(place.tier, counters[was], getattr(place.tier, counters[was]) - 1)
        self._count(place.tier)
        moved = to is not None and to.pk != place.tier.pk
        if moved and to is not None:
            place.tier.capacity -= 1
            to.capacity += 1
            place.tier = to
            self._count(to)
        if now in counters:
            setattr(place.tier, counters[now], getattr(place.tier, counters[now]) + 1)
        if freed:
            place.generation += 1
        move = Move(place.tier.offer_id, was, now, freed, place.tier.pk if moved else None)
        self._moves[move].append(place.number)

    def hold(self, book: Book, place: Place, *, learner_id: int, max_price: int, key: str) -> Claim:
        """Make a claim on a seat that has been moved, at the price of its tier; for those who did not ask just now."""
        claim = Claim(
            offer=book.offer,
            learner_id=learner_id,
            seat_number=place.number,
            generation=place.generation,
            tier_id=place.tier.pk,
            price=place.tier.price,
            max_price=max_price,
            key=key,
            claimed_at=self.at,
            held_until=self.at + book.terms.hold,
        )
        self._new.append(claim)
        return claim

    def hold_lowest(
        self, book: Book, tier: Tier, asked: Sequence[tuple[int, int, str]]
    ) -> dict[int, tuple[int, int, int]]:
        """Hold the lowest seats of a tier for (learner, most, key), in order, and write it at once.

        The tier's counts were changed by whoever decided. Returns (claim id, seat, generation) by learner.
        """
        until = self.at + book.terms.hold
        above = 0 if self._facts or self._moves else frontiers.of(tier.pk, epoch=book.epoch)
        frontiers.forget(tier.pk)
        found = statements.hold_lowest(tier, asked, above=above, at=self.at, until=until)
        held = {who: (pk, number, generation) for pk, who, number, generation in found}
        self._expect(len(held), asked)
        self._frontiers[tier.pk] = book, max(number for _pk, number, _generation in held.values())
        lines = [[who, *held[who][1:], most, key] for who, most, key in asked]
        self._count(tier)
        self.note(book, "held", {"tier": tier.pk, "price": tier.price, "until": until.isoformat(), "claims": lines})
        self._news[book.pk, "offers.seat_held"] += len(lines)
        return held

    def end(self, claim: Claim, state: ClaimState) -> None:
        """End a claim."""
        claim.state, claim.ended_at = state, self.at
        self._ended[state].append(claim)

    def pay(self, claim: Claim) -> None:
        """Mark a claim as paid for."""
        claim.state, claim.paid_at, claim.payment_pending_since = ClaimState.PAID, self.at, None
        self._paid.append(claim)

    def amend(self, claim: Claim, **columns: Any) -> None:
        """Change what is known of a claim that stays as it is."""
        for name, value in columns.items():
            setattr(claim, name, value)
        claim.save(update_fields=list(columns))
        changed = {name: journal.plain(value) for name, value in columns.items()}
        self.note(self.books[claim.offer_id], "amended", [*journal.named(claim), changed])

    def change(self, entry: WaitlistEntry, state: WaitState, claim: Claim | None = None) -> None:
        """Move a person on the waitlist."""
        entry.state = state
        entry.claim = claim or entry.claim
        entry.ended_at = None if state in {WaitState.WAITING, WaitState.OFFERED} else self.at
        self._entries.append(entry)

    def join(self, entry: WaitlistEntry) -> None:
        """Write a person who comes into the line, or names another price, at once."""
        entry.save()
        self.note(self.books[entry.offer_id], "line", journal.stood(entry))

    def note_ladder(self, book: Book) -> None:
        """Keep the whole ladder, after somebody wrote its tiers and seats."""
        self._facts[book.pk]["ladder"] = journal.whole_ladder(book.pk)

    def tell(self, book: Book, name: str) -> None:
        """Tell the offer's channel, once a batch, that something happened."""
        self._news[book.pk, name] += 1

    def write(self) -> None:
        """Write what was decided so far; ends before beginnings, because a seat has one live claim at any moment."""
        self._write_claims()
        for move, numbers in self._moves.items():
            self._write_move(move, numbers)
        if self._new:
            Claim.objects.bulk_create(self._new)
        for claim in self._new:
            self.note(self.books[claim.offer_id], "born", journal.born(claim))
        if self._entries:
            WaitlistEntry.objects.bulk_update(self._entries, ["state", "claim", "ended_at"])
        for entry in self._entries:
            self.note(self.books[entry.offer_id], "line", journal.stood(entry))
        with statements.together():
            for tier in self._counted.values():
                statements.write_counts(tier)
            turned = self._turn_pages()
            self._publish()
        self._expect(sum(page.written for page in turned), turned)
        self._facts.clear()
        for tier_id, (book, number) in self._frontiers.items():
            transaction.on_commit(partial(frontiers.note, tier_id, epoch=book.epoch, number=number))
        for entry in self.offered:
            tell_offered(entry, at=self.at)
        self._clear()

    def _write_claims(self) -> None:
        for state, claims in self._ended.items():
            live = Claim.objects.live().filter(pk__in=[claim.pk for claim in claims])
            self._expect(live.update(state=state, ended_at=self.at), claims)
            for claim in claims:
                ended = self._facts[claim.offer_id].setdefault("ended", {})
                ended.setdefault(state, []).append(journal.named(claim))
        paid = [claim for claim in self._paid if claim.pk]
        if paid:
            held = Claim.objects.filter(pk__in=[claim.pk for claim in paid], state=ClaimState.HELD)
            self._expect(held.update(state=ClaimState.PAID, paid_at=self.at, payment_pending_since=None), paid)
            for claim in paid:
                self.note(self.books[claim.offer_id], "paid", journal.named(claim))

    def _write_move(self, move: Move, numbers: Sequence[int]) -> None:
        changes: dict[str, Any] = {"state": move.now}
        if move.freed:
            changes["generation"] = F("generation") + 1
        if move.tier_id:
            changes["tier_id"] = move.tier_id
        seats = Seat.objects.filter(offer_id=move.offer_id, number__in=numbers, state=move.was)
        self._expect(seats.update(**changes), numbers)
        self.note(self.books[move.offer_id], "seats", [*move[1:], journal.ranges(numbers)])

    @staticmethod
    def _expect(written: int, wanted: Sequence[object]) -> None:
        if written != len(wanted):
            raise LedgerFault

    def _turn_pages(self) -> list[Sent]:
        """Turn a page for every offer that changed: its next event, and its version."""
        turned = []
        for offer_id, facts in self._facts.items():
            book = self.books[offer_id]
            turned.append(statements.turn_page(offer_id, book.epoch))
            book.epoch += 1
            said = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
            kind = "ladder" if "ladder" in facts else "change"
            statements.append_event(offer_id, book.epoch, kind, said, at=self.at)
        return turned

    def _publish(self) -> None:
        if self._news:
            publish_all(
                Event(
                    name=name,
                    channel=f"offer:{offer_id}",
                    facts={"count": count, "epoch": self.books[offer_id].epoch},
                )
                for (offer_id, name), count in self._news.items()
            )


@contextmanager
def open_ledger(offer_ids: Iterable[int], *, learner_ids: Collection[int] = (), at: datetime) -> Iterator[Ledger]:
    """Lock these offers, and write what was decided when the block ends well."""
    with transaction.atomic():
        ledger = Ledger(offer_ids, learner_ids=learner_ids, at=at)
        yield ledger
        ledger.write()
