"""The ledger rebuilt from its events, and compared with its tables (I6, I7)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from kaiying.offers.models import Claim, LedgerEvent, Offer, PriceTier, Seat, WaitlistEntry
from kaiying.offers.vocabulary import ClaimState, SeatState

type Name = tuple[int, int]
"""A claim: its seat and the seat's generation."""

MOST_TOLD = 20
AT_ONCE = 500
COLUMNS = ("learner_id", "tier_id", "price", "max_price", "key", "state", "held_until")
MOMENTS = {"held_until", "payment_pending_since", "given_up_at"}


class Rebuilt:
    """The tables of one offer as its events tell them."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.seats: dict[int, list[Any]] = {}  # number: [state, generation, tier]
        self.claims: dict[Name, dict[str, Any]] = {}
        self.line: dict[int, tuple[Any, ...]] = {}
        self.prices: dict[int, int] = {}
        self.number = 0

    def apply(self, facts: dict[str, Any]) -> None:
        """Take what one transaction changed, ends before beginnings."""
        if "ladder" in facts:
            self._ladder(facts["ladder"])
        self._pass_on(facts.get("passed", ()))
        self._change_claims(facts)
        for move in facts.get("seats", ()):
            self._move(*move)
        for group in facts.get("held", ()):
            self._hold(group)
        for learner, seat, generation, *rest in facts.get("born", ()):
            self._claim(seat, generation, learner, *rest)
        for entry, *stands, claim in facts.get("line", ()):
            self.line[entry] = (*stands, tuple(claim) if claim else None)

    def _pass_on(self, tiers: Iterable[list[int]]) -> None:
        for tier, heir in tiers:
            for seat in self.seats.values():
                if seat[2] == tier and seat[0] == SeatState.FREE:
                    seat[2] = heir

    def _change_claims(self, facts: dict[str, Any]) -> None:
        for state, names in facts.get("ended", {}).items():
            for name in names:
                self.claims[tuple(name)]["state"] = state
        for name in facts.get("paid", ()):
            self.claims[tuple(name)] |= {"state": ClaimState.PAID, "payment_pending_since": None}
        for seat, generation, columns in facts.get("amended", ()):
            self.claims[seat, generation] |= {name: _value(name, value) for name, value in columns.items()}

    def _ladder(self, ladder: dict[str, Any]) -> None:
        self.prices = {tier: price for tier, _ref, price, _runs in ladder["tiers"]}
        before, self.seats = self.seats, {}
        for tier, _ref, _price, runs in ladder["tiers"]:
            for number in _numbers(runs):
                state, generation, _tier = before.get(number, (SeatState.FREE, 0, tier))
                self.seats[number] = [state, generation, tier]

    def _move(self, _was: str, now: str, freed: bool, tier: int | None, runs: list[list[int]]) -> None:  # noqa: FBT001 — as the fact lists them
        for number in _numbers(runs):
            seat = self.seats[number]
            seat[0] = now
            seat[1] += freed
            seat[2] = tier or seat[2]

    def _hold(self, group: dict[str, Any]) -> None:
        tier, price, until = group["tier"], group["price"], group["until"]
        for learner, seat, generation, most, key in group["claims"]:
            self.seats[seat][0] = SeatState.HELD
            self._claim(seat, generation, learner, tier, price, most, key, ClaimState.HELD, until)

    def _claim(self, seat: int, generation: int, *values: Any) -> None:
        self.claims[seat, generation] = {
            name: _value(name, value) for name, value in zip(COLUMNS, values, strict=True)
        } | {"payment_pending_since": None, "given_up_at": None}


def rebuilt(offer: Offer) -> Rebuilt:
    """Play the events of an offer."""
    ledger = Rebuilt()
    for number, facts in _events(offer):
        ledger.number += 1
        if number != ledger.number:
            break
        ledger.apply(facts)
    return ledger


def faults_of_events(offer: Offer) -> Iterator[str]:
    """Say where the tables of an offer differ from what its events tell."""
    ledger = rebuilt(offer)
    if ledger.number != offer.epoch:
        yield f"I7 {ledger.number} events in a row, the ledger's version is {offer.epoch}"
        return
    yield from _some(_of_seats(offer, ledger))
    yield from _some(_of_claims(offer, ledger))
    line = WaitlistEntry.objects.filter(offer=offer).select_related("claim")
    told = {
        entry.pk: (
            *(entry.learner_id, entry.max_price, entry.precedence, entry.state),
            (entry.claim.seat_number, entry.claim.generation) if entry.claim else None,
        )
        for entry in line
    }
    if told != ledger.line:
        differing = sorted(pk for pk in told.keys() | ledger.line.keys() if told.get(pk) != ledger.line.get(pk))
        yield f"I6 waitlist entries {differing[:MOST_TOLD]} are not as the events tell"
    prices = dict(PriceTier.objects.filter(offer=offer).values_list("pk", "price"))
    if prices != ledger.prices:
        yield f"I6 the prices are {prices}, the events tell {ledger.prices}"


def _events(offer: Offer) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read events some at a time: an event of a full batch is long."""
    last = 0
    while True:
        some = LedgerEvent.objects.filter(offer=offer, number__gt=last).order_by("number")[:AT_ONCE]
        rows = list(some.values_list("number", "facts"))
        yield from rows
        if len(rows) < AT_ONCE:
            return
        last = rows[-1][0]


def _of_seats(offer: Offer, ledger: Rebuilt) -> Iterator[str]:
    left = dict(ledger.seats)
    for number, *stands in _rows(Seat.objects.filter(offer=offer), "number", "state", "generation", "tier_id"):
        told = left.pop(number, None)
        if told != stands:
            yield f"I6 seat {number} is {stands}, the events tell {told}"
    if left:
        yield f"I7 {len(left)} seats are gone: {sorted(left)[:MOST_TOLD]}"


def _of_claims(offer: Offer, ledger: Rebuilt) -> Iterator[str]:
    names = ("seat_number", "generation", *COLUMNS, "payment_pending_since", "given_up_at")
    left = dict(ledger.claims)
    for seat, generation, *values in _rows(Claim.objects.filter(offer=offer), *names):
        told = left.pop((seat, generation), None)
        stands = dict(zip(names[2:], values, strict=True))
        if told != stands:
            yield f"I6 the claim of seat {seat}, generation {generation}, is {stands}, the events tell {told}"
    if left:
        yield f"I7 {len(left)} claims are gone: {sorted(left)[:MOST_TOLD]}"


def _rows(found: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    rows: Iterator[tuple[Any, ...]] = found.values_list(*names).iterator(chunk_size=2_000)
    return rows


def _some(faults: Iterable[str]) -> Iterator[str]:
    """Tell the first faults, and how many more there are."""
    more = 0
    for place, fault in enumerate(faults):
        if place < MOST_TOLD:
            yield fault
        else:
            more += 1
    if more:
        yield f"… and {more} more"


def _numbers(runs: Iterable[list[int]]) -> Iterator[int]:
    for first, last in runs:
        yield from range(first, last + 1)


def _value(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in MOMENTS and value is not None else value
