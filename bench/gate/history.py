"""The judge: reads what buyers were told and what the tables hold in the end, and says where the two disagree.

    python -m bench.gate.history HISTORY.jsonl --sqlite FILE|--postgres URL --offer SLUG [--hold SECONDS]

It is written apart from the product: it imports nothing of it, and reads its tables by plain SQL. A history is one
operation a line, in any order:

    {"op": "claim", "who": 17, "n": 1, "key": "…", "max_price": 9900,
     "t0": 12.034, "t1": 12.071, "status": 201, "code": "", "seat": 3, "price": 280}

``t0`` and ``t1`` are seconds by a clock that is never set (asked, answered); ``n`` counts the tries of one buyer. Status
201 is a new seat, 200 the seat they had, 0 an outcome nobody knows, and so is the code ``unknown``: such an operation
may have happened at any moment after ``t0``, or never. Other ``op``s (``release``, ``pay``, ``refund``) are somebody ending or paying for a seat.

With ``--hold`` a seat nobody paid for may go to somebody else after so many seconds, and not before.
"""

import argparse
import json
import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from bench.gate.tables import LIVE, Row, Tables, Tier, read_postgres, read_sqlite

HAS = {200, 201}
PATIENT = 1.0
"""Seconds by which an earlier buyer may be overtaken and nobody counts it (S8)."""
SLACK = 1.0
"""Seconds by which a hold may seem too short because moments are rounded."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of one buyer, and what came back."""

    who: int
    t0: float
    t1: float
    status: int
    op: str = "claim"
    n: int = 1
    key: str = ""
    max_price: int = 0
    code: str = ""
    seat: int | None = None
    price: int | None = None

    @property
    def has_seat(self) -> bool:
        """Whether the buyer was told that they have a seat."""
        return self.op == "claim" and self.status in HAS

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows if it happened."""
        return self.status == 0 or self.code == "unknown"


@dataclass(slots=True)
class Verdict:
    """What was found; ``violations`` by kind, a few of each in words."""

    trials: int = 0
    unknown: int = 0
    inversions: int = 0
    undecided: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many violations there are in all."""
        return self.violations.total()

    def add(self, kind: str, text: str) -> None:
        """Note a violation."""
        self.violations[kind] += 1
        if self.violations[kind] <= SHOWN:
            self.shown.append(f"{kind}: {text}")

    def __str__(self) -> str:
        """Show everything in a few lines."""
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.violations.items())) or "none"
        head = f"violations {self.count} ({kinds}); trials {self.trials}; unknown {self.unknown};"
        return "\n  ".join([f"{head} overtaken by more than {PATIENT:.0f} s {self.inversions}", *self.shown])


class Judge:
    """Compares one history with one final read."""

    def __init__(
        self,
        history: Iterable[Operation],
        tables: Tables,
        *,
        hold: float = math.inf,
        ladder: Mapping[int, int] | None = None,
    ) -> None:
        """Take both; ``hold`` is how many seconds an unpaid seat is kept, ``ladder`` how many there are at a price.

        Without ``ladder`` the counts in the tables are believed.
        """
        self.ladder = ladder or {}
        self.history = sorted(history, key=lambda one: (one.t0, one.t1))
        self.tables, self.hold = tables, hold
        self.asked = [one for one in self.history if one.op == "claim"]
        self.by_who: dict[int, list[Operation]] = defaultdict(list)
        self.ends: dict[int, list[Operation]] = defaultdict(list)
        self.first_asked: dict[tuple[int, str], float] = {}
        self.since: dict[tuple[int, int | None], float] = {}
        for one in self.asked:
            self.by_who[one.who].append(one)
            begun = self.first_asked.setdefault((one.who, one.key), one.t0)
            if one.has_seat:
                self.since[one.who, one.seat] = min(begun, self.since.get((one.who, one.seat), begun))
        for one in self.history:
            if one.op in {"release", "refund"}:
                self.ends[one.who].append(one)
        self.paid = {one.who for one in self.history if one.op == "pay"}
        self.rows: dict[int, list[Row]] = defaultdict(list)
        for row in tables.claims:
            self.rows[row.learner].append(row)
        self.verdict = Verdict(trials=len(self.asked), unknown=sum(one.is_unknown for one in self.history))

    def judge(self) -> Verdict:
        """Run every check."""
        self._tables_alone()
        for who, mine in self.by_who.items():
            self._acknowledged(who, [one for one in mine if one.has_seat])
            self._refused(who, mine)
        self._asked_for()
        self._sold_twice()
        self._refused_with_free_seats()
        self._overtaken()
        return self.verdict

    # --- the tables by themselves -----------------------------------------------------------------------------------

    def _tables_alone(self) -> None:
        """Never too many seats, at no price; one live claim a learner and a seat; the price is its tier's."""
        live = [row for row in self.tables.claims if row.is_live]
        seats = sum(self.ladder.values()) or self.tables.seats_total
        if len(live) > seats:
            self.verdict.add("oversold", f"{len(live)} live claims, {seats} seats")
        self._by_price(live)
        self._once(live)
        for row in self.tables.claims:
            if row.price > row.max_price:
                self.verdict.add("surprise_price", f"{row.learner} pays {row.price}, agreed to {row.max_price}")
        for row in live:
            state, tier = self.tables.seats.get(row.seat, ("missing", 0))
            if state != row.state or tier != row.tier:
                self.verdict.add("seat_differs", f"seat {row.seat} is {state}, its claim is {row.state}")
        taken = sum(state in LIVE for state, _tier in self.tables.seats.values())
        if taken != len(live):
            self.verdict.add("seat_differs", f"{taken} seats are taken, {len(live)} claims are live")

    def _by_price(self, live: Sequence[Row]) -> None:
        at_tier = Counter(row.tier for row in live)
        for tier in self.tables.tiers.values():
            if at_tier[tier.pk] > tier.capacity:
                self.verdict.add("tier_oversold", f"{at_tier[tier.pk]} at {tier.price}, {tier.capacity} seats")
            if tier.used != at_tier[tier.pk]:
                self.verdict.add("count_differs", f"{tier.used} counted at {tier.price}, {at_tier[tier.pk]} claims")
        for price, count in Counter(row.price for row in live).items():
            if self.ladder and count > self.ladder.get(price, 0):
                self.verdict.add("tier_oversold", f"{count} at {price}, {self.ladder.get(price, 0)} seats")
        for row in live:
            if row.tier not in self.tables.tiers or row.price != self.tables.tiers[row.tier].price:
                self.verdict.add("wrong_price", f"seat {row.seat} at {row.price}")

    def _once(self, live: Sequence[Row]) -> None:
        for seat, count in Counter(row.seat for row in live).items():
            if count > 1:
                self.verdict.add("seat_twice", f"seat {seat} has {count} live claims")
        for learner, count in Counter(row.learner for row in live).items():
            if count > 1:
                self.verdict.add("learner_twice", f"{learner} has {count} live claims")
        for (learner, key), count in Counter((row.learner, row.key) for row in self.tables.claims).items():
            if count > 1:
                self.verdict.add("duplicate", f"{learner} got {count} claims for one key {key}")

    # --- what buyers were told --------------------------------------------------------------------------------------

    def _acknowledged(self, who: int, told: Sequence[Operation]) -> None:
        """Every seat somebody was told is in the table, at that price; the same one until something ended it."""
        for one in told:
            if one.price is not None and one.price > one.max_price:
                self.verdict.add("surprise_price", f"{who} was told {one.price}, agreed to {one.max_price}")
            row = next((row for row in self.rows[who] if row.seat == one.seat), None)
            if row is None:
                self.verdict.add("lost", f"{who} was told seat {one.seat}; the table has none of it")
            elif one.price is not None and row.price != one.price:
                self.verdict.add("price_differs", f"{who} was told {one.price}, the table says {row.price}")
            elif not row.is_live and not self._may_have_ended(row, one):
                self.verdict.add("ended_early", f"{who} was told seat {one.seat}; it is {row.state}")
        by_key: dict[str, Operation] = {}
        for one in told:
            first = by_key.setdefault(one.key, one)
            if (first.seat, first.price) != (one.seat, one.price):
                self.verdict.add("two_answers", f"{who}, one key: seat {first.seat} and then seat {one.seat}")
        for before, after in pairwise(told):
            if before.seat != after.seat and before.key != after.key and not self._ended_between(before, after):
                self.verdict.add("two_seats", f"{who} was told seats {before.seat} and {after.seat}")

    def _may_have_ended(self, row: Row, told: Operation) -> bool:
        if row.state == "lapsed":
            in_time = row.ended_at is None or row.ended_at >= row.held_until - SLACK
            return in_time and self.hold < math.inf and row.learner not in self.paid
        return any(end.t1 >= told.t0 for end in self.ends[row.learner])

    def _ended_between(self, before: Operation, after: Operation) -> bool:
        """Tell whether the earlier seat may have been let go, by somebody or by its time, before the later answer."""
        if any(end.t1 >= before.t0 and end.t0 <= after.t1 for end in self.ends[before.who]):
            return True
        return before.who not in self.paid and after.t1 - self.since[before.who, before.seat] >= self.hold - SLACK

    def _refused(self, who: int, mine: Sequence[Operation]) -> None:
        """Who is told that all is sold out has no seat, neither before that nor as the last word (S5)."""
        for one in mine:
            if one.code != "sold_out":
                continue
            had = [told for told in mine if told.has_seat and told.t1 < one.t0]
            if had and not self._ended_between(had[-1], one):
                self.verdict.add("sold_out_with_seat", f"{who} had seat {had[-1].seat} and was told sold out")
        answered = [one for one in mine if not one.is_unknown]
        last = max(answered, key=lambda one: one.t1, default=None)
        if last is None or last.code != "sold_out" or not any(row.is_live for row in self.rows[who]):
            return
        if any(one.is_unknown for one in mine) and self._seats_come_back:
            self.verdict.undecided += 1  # a try nobody knows of may have found a seat that came back
        else:
            self.verdict.add("sold_out_with_seat", f"{who} was told sold out last and has a seat")

    def _asked_for(self) -> None:
        """Nobody has a seat they did not ask for, and it was claimed as they asked."""
        agreed = {(one.who, one.key): one.max_price for one in self.asked}
        for row in self.tables.claims:
            if (row.learner, row.key) not in agreed:
                self.verdict.add("phantom", f"{row.learner} has seat {row.seat} by an unknown key {row.key}")
            elif agreed[row.learner, row.key] != row.max_price:
                self.verdict.add("phantom", f"{row.learner} agreed to {agreed[row.learner, row.key]}")

    def _sold_twice(self) -> None:
        """No seat is promised to two people while the first still has it, by a clock that is never set."""
        promises: dict[int, list[Operation]] = defaultdict(list)
        for one in self.asked:
            if one.has_seat and one.seat is not None:
                promises[one.seat].append(one)
        for seat, told in promises.items():
            told.sort(key=lambda one: one.t1)
            for before, after in pairwise(told):
                if before.who != after.who and not self._ended_between(before, after):
                    self.verdict.add("seat_twice", f"seat {seat} was told to {before.who} and to {after.who}")

    # --- against everybody else -------------------------------------------------------------------------------------

    @cached_property
    def _seats_come_back(self) -> bool:
        return any(not row.is_live for row in self.tables.claims)

    def _refused_with_free_seats(self) -> None:
        """Sold out, or a price that moved, is only said when it may have been so at some moment (S4).

        A seat may be taken from the first time its buyer asked until somebody surely ended it. If fewer were possibly
        taken at any moment from ``t0`` to ``t1`` than there are, one was free all the while.
        """
        steps = sorted(self.tables.tiers.values(), key=lambda tier: tier.price)
        for tier in steps:
            cheap = {step.pk for step in steps if step.price <= tier.price}
            seats = sum(step.capacity for step in steps if step.pk in cheap)
            void = sum(state == "void" and at in cheap for state, at in self.tables.seats.values())
            begun, over = self._bounds(cheap)
            for one in self.asked:
                if not self._says_none_left(one, tier, steps):
                    continue
                taken = bisect_right(begun, one.t1) - bisect_right(over, one.t0)
                if taken + void < seats:
                    self.verdict.add(f"{one.code}_with_free", f"{one.who}: at most {taken + void} of {seats} taken")

    @staticmethod
    def _says_none_left(one: Operation, tier: Tier, steps: Sequence[Tier]) -> bool:
        if one.code == "sold_out":
            return tier is steps[-1]
        affordable = [step for step in steps if step.price <= one.max_price]
        return one.code == "price_moved" and bool(affordable) and tier is affordable[-1]

    def _bounds(self, tiers: set[int]) -> tuple[list[float], list[float]]:
        """Return when each of these tiers' seats may at the earliest have been taken, and surely was free again."""
        begun, over = [], []
        for row in self.tables.claims:
            if row.tier not in tiers:
                continue
            begun.append(self.first_asked.get((row.learner, row.key), -math.inf))
            ends = [end.t1 for end in self.ends[row.learner] if not end.is_unknown]
            if not row.is_live and ends:
                over.append(max(*ends, begun[-1]) if len(ends) > 1 else max(ends[0], begun[-1]))
        return sorted(begun), sorted(over)

    def _overtaken(self) -> None:
        """Count who got a lower seat though they came more than a second later (S8); for seats sold once only."""
        seats = Counter(row.seat for row in self.tables.claims)
        new = [one for one in self.asked if one.status == 201 and one.seat is not None and seats[one.seat] == 1]
        moments = [one.t0 for one in new]
        highest: list[int] = []
        for one in new:
            highest.append(max(one.seat or 0, highest[-1] if highest else 0))
        for one in new:
            place = bisect_right(moments, self.first_asked[one.who, one.key] - PATIENT)
            if place and highest[place - 1] > (one.seat or 0):
                self.verdict.inversions += 1


def judge(
    history: Iterable[Operation], tables: Tables, *, hold: float = math.inf, ladder: Mapping[int, int] | None = None
) -> Verdict:
    """Judge one history by one final read."""
    return Judge(history, tables, hold=hold, ladder=ladder).judge()


# --- reading ----------------------------------------------------------------------------------------------------------


def read_history(path: Path) -> list[Operation]:
    """Read a history from a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        return [Operation(**json.loads(line)) for line in lines if line.strip()]


def main() -> int:
    """Judge the history of a file; the exit status is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description="Judge a history of claims by the tables.")
    parser.add_argument("history", type=Path)
    parser.add_argument("--sqlite", type=Path)
    parser.add_argument("--postgres")
    parser.add_argument("--offer", required=True)
    parser.add_argument("--hold", type=float, default=math.inf, help="seconds an unpaid seat is kept")
    options = parser.parse_args()
    tables = (
        read_sqlite(options.sqlite, options.offer) if options.sqlite else read_postgres(options.postgres, options.offer)
    )
    verdict = judge(read_history(options.history), tables, hold=options.hold)
    print(verdict)
    return int(bool(verdict.count))


if __name__ == "__main__":
    raise SystemExit(main())
