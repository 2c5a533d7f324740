"""One sale beyond one writer: its last tier is dealt out in ranges to k slices, learners are hashed to slices.

Each slice is a database with a writer of its own, running the product unchanged. The early tiers stay whole on slice 0,
or a learner would pay more than the next one only because of a hash; when they are sold they are closed, and only then
are their holders read, who belong to slice 0 for ever. Everybody else belongs to the slice of their hash. So each
learner is decided by one writer, and one seat a learner holds as it does in one database. A slice that has sold its
range is dealt what another has left: taken away there first, under that ledger's lock, given here second.

The hash is uneven on purpose, so that ranges run out at different times. The twin gives without taking away.
"""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bench.gate.databases import ROOT, SECRET, Database
from bench.scale.made import made
from bench.scale.report import Result
from bench.scale.trees import writer
from kaiying.offers.vocabulary import ClaimRequest, Closed, SoldOut, Taken
from kaiying.wire.batcher import Overloaded
from kaiying.wire.frames import Address, Kind, Link, Remote
from kaiying.wire.passes import Keys

HEAD, TAIL = "head", "tail"
EARLY, SEATS, PEOPLE = 200, 4_000, 6_000
"""Seats of the early tiers, of all tiers, and learners, each of whom asks twice at once."""

AT_ONCE = 400
PRICES = {HEAD: 280, TAIL: 9_900}
WEIGHTS = {1: [1], 4: [5, 2, 2, 1]}


@dataclass
class Slice:
    """One database, its writer, and somebody who may act on it."""

    place: int
    database: Database
    claims: Remote[ClaimRequest, Taken]
    steward: subprocess.Popen[str]
    offers: dict[str, int] = field(default_factory=dict)

    def do(self, what: str, offer: str, **facts: object) -> Any:
        """Have the steward do something; blocks."""
        assert self.steward.stdin is not None
        assert self.steward.stdout is not None
        self.steward.stdin.write(json.dumps({"do": what, "offer": offer, **facts}) + "\n")
        self.steward.stdin.flush()
        return json.loads(self.steward.stdout.readline())


class Sale:
    """What a front knows of the split: who belongs where, and whom to ask to deal anew."""

    def __init__(self, slices: list[Slice], *, twin: bool) -> None:
        self.slices, self._twin = slices, twin
        self.holders: set[int] | None = None
        self.sold_out = False
        self._dealing = asyncio.Lock()
        self.dealt: list[tuple[int, int, int]] = []

    async def ask(self, who: int, n: int) -> tuple[int, str, Taken] | None:
        """Have one learner get a seat: slice, offer and seat; ``None``: all is sold out."""
        while True:
            none_left = self.sold_out  # also then the ledger is asked: this learner may be one who has a seat
            offer = HEAD if self.holders is None or who in self.holders else TAIL
            at = self.slices[0] if offer == HEAD else self.slices[self.home(who)]
            try:
                asked = ClaimRequest(at.offers[offer], who, 9_900, f"split-{who:09}-{n}")
                return at.place, offer, await at.claims.ask(asked, patience=20)
            except Overloaded:
                await asyncio.sleep(0.05)
            except (Closed, SoldOut):
                if none_left:
                    return None
                await (self._turn() if offer == HEAD else self._deal_to(at))

    def home(self, who: int) -> int:
        """Return the slice a learner belongs to."""
        weights = WEIGHTS[len(self.slices)]
        place = int.from_bytes(blake2b(str(who).encode(), digest_size=8).digest()) % sum(weights)
        return next(index for index in range(len(weights)) if place < sum(weights[: index + 1]))

    async def _turn(self) -> None:
        """Close the early tiers, then read who has them: from now on the hash decides about everybody else."""
        async with self._dealing:
            if self.holders is None:
                self.holders = set(await self._do(self.slices[0], "close", HEAD))

    async def _deal_to(self, taker: Slice) -> None:
        """Deal what another slice has left to one that has sold its range."""
        async with self._dealing:
            stands = [await self._do(one, "stand", TAIL) for one in self.slices]
            if stands[taker.place]["free"]:
                return  # dealt while we waited
            giver = max(self.slices, key=lambda one: stands[one.place]["free"])
            free = stands[giver.place]["free"]
            if not free:
                self.sold_out = True
                return
            seats = (free + 1) // 2
            if not self._twin:
                seats = await self._do(giver, "lower", TAIL, by_seats=seats)
            if seats:
                await self._do(taker, "raise", TAIL, by_seats=seats)
                self.dealt.append((giver.place, taker.place, seats))

    @staticmethod
    async def _do(at: Slice, what: str, offer: str, **facts: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, lambda: at.do(what, offer, **facts))


def split(folder: Path, *, port: int, k: int, twin: bool = False) -> Result:  # noqa: ARG001 — no port is needed
    """Sell one sale over k writers."""
    with ExitStack() as stack:
        databases = [_filled(folder / f"slice-{place}", place, k) for place in range(k)]
        for place, database in enumerate(databases):
            stack.enter_context(writer(database, name=f"writer-{place}"))
        stewards = [_steward(database) for database in databases]
        for steward in stewards:
            stack.callback(_dismiss, steward)
        sale, answers = asyncio.run(_story(databases, stewards, twin=twin))
        read = {(one.place, offer): one.do("read", offer) for one in sale.slices for offer in one.offers}
    return _result(k, sale, answers, read, twin=twin)


def _filled(data: Path, place: int, k: int) -> Database:
    each = (SEATS - EARLY) // k
    sales = [f"{HEAD}={PRICES[HEAD]}:{EARLY}"] if place == 0 else []
    return made(data, PEOPLE, *sales, f"{TAIL}={PRICES[TAIL]}:{each}")


def _steward(database: Database) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "bench.scale.steward"]
    return subprocess.Popen(
        words, env=database.environment(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _dismiss(steward: subprocess.Popen[str]) -> None:
    steward.terminate()
    steward.communicate()


async def _story(
    databases: list[Database], stewards: list[subprocess.Popen[str]], *, twin: bool
) -> tuple[Sale, list[tuple[int, tuple[int, str, Taken] | None]]]:
    kind = _claims()
    links = [
        Link(Address(path=str(one.data / "run" / "writer.sock")), keys=Keys.derive("frames", SECRET))
        for one in databases
    ]
    slices = [
        Slice(place, database, link.remote(kind), steward)
        for place, (database, link, steward) in enumerate(zip(databases, links, stewards, strict=True))
    ]
    for one in slices:
        one.offers = {offer: one.do("identify", offer) for offer in ((HEAD, TAIL) if one.place == 0 else (TAIL,))}
    sale, some = Sale(slices, twin=twin), asyncio.Semaphore(AT_ONCE)

    async def asks(who: int, n: int) -> tuple[int, tuple[int, str, Taken] | None]:
        async with some:
            return who, await sale.ask(who, n)

    answers = await asyncio.gather(*(asks(who, n) for who in range(1, PEOPLE + 1) for n in (1, 2)))
    for link in links:
        await link.close()
    return sale, answers


def _claims() -> Kind[ClaimRequest, Taken]:
    """Return how claims travel; importing the gate needs Django, though no database."""
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaiying.config.settings")
    import django

    django.setup()
    from kaiying.gate.writer import CLAIMS

    return CLAIMS


def _result(k: int, sale: Sale, answers: list[Any], read: dict[tuple[int, str], Any], *, twin: bool) -> Result:
    live = [(where, who, seat, price) for where, found in read.items() for who, seat, price in found["live"]]
    per_learner = Counter(who for _where, who, _seat, _price in live)
    ledger = {(who, *where, seat) for where, who, seat, _price in live}
    told = {(who, got[0], got[1], got[2].seat_number) for who, got in answers if got is not None}
    wrong_price = sum(price != PRICES[where[1]] for where, _who, _seat, price in live)
    seats = sum(found["seats"] for found in read.values())
    faults = [fault for found in read.values() for fault in found["faults"]]
    turned_away_with_seat = sum(got is None and per_learner[who] > 0 for who, got in answers)
    two = sum(count > 1 for count in per_learner.values())
    exact = len(live) == SEATS == seats and not two and not wrong_price and not faults and told == ledger
    exact = exact and not turned_away_with_seat
    return Result(
        f"one sale over {k} writer{'s' if k > 1 else ''}{' (twin: given without being taken away)' if twin else ''}",
        holds=(len(live) > SEATS) if twin else exact,
        figures={
            "sold": f"{len(live):,} of {SEATS:,}",
            "learners with two seats": two,
            "told a seat that is not theirs, or has one and was not told": len(told ^ ledger),
            "told sold out while having a seat": turned_away_with_seat,
            "at a wrong price": wrong_price,
            "faults found by verify": len(faults),
            "sold by slice": [sum(where[0] == one.place for where, *_rest in live) for one in sale.slices],
            "ranges dealt anew": len(sale.dealt),
        },
    )
