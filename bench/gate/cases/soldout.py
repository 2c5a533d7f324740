"""After sell-out: who has no seat is answered from memory."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.gate.apps import COUNTER, Counter
from bench.gate.bench import Bench, claims_load, odd, row_of
from bench.gate.databases import Database
from bench.gate.fixtures import SMALL, SMALL_SEATS
from bench.gate.servers import PRODUCT
from bench.gate.table import Row

LEAST = 0.8
WAITING = 64
HOUSEKEEPING = 5.0
"""Statements on the ledger a second that are not for anybody's request: the status object is renewed once a second."""
SETTLING = 11.0
"""Seconds of rest after which PostgreSQL has told what a session read until now."""

SCANS = (
    "SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0) FROM pg_stat_user_tables"
    " WHERE relname IN ('offers_seat', 'offers_claim', 'offers_offer', 'offers_pricetier')"
)


def _reads(database: Database, counter: Path) -> int:
    """Return how often the ledger was read so far: statements on SQLite, scans of its tables on PostgreSQL."""
    if not database.url:
        return Counter(counter).read()[1]
    [(scans,)] = database.ask(SCANS)
    return int(str(scans))


def soldout(bench: Bench) -> Iterator[Row]:
    """Sell a small sale out, then count answers and reads while everybody else asks."""
    plan = bench.one_each(bench.shelf.people)
    app = "bench.gate.apps:counted" if bench.options.app == PRODUCT else bench.options.app
    for kind in bench.shelf.kinds:
        with bench.shelf.fresh(kind) as database:
            counter = database.data / "statements"
            with bench.product(database, app=app, **{COUNTER: str(counter)}) as server:
                load = claims_load(plan, offer=SMALL, connections=WAITING)
                sold = bench.run(server, replace(load, count=SMALL_SEATS)).played
                load = replace(load, skip=SMALL_SEATS, seconds=bench.options.seconds)
                load = bench.warm(server, load)
                time.sleep(SETTLING if database.url else 0)
                since, begun = _reads(database, counter), time.monotonic()
                run, empty, _micros = bench.in_slices(server, load)
                reads = _reads(database, counter) - since
                row = row_of(f"after sell-out, {kind}", run, empty, must=f"≥ {LEAST} xF, no ledger read")
                row.reached += f", {reads} ledger reads"
                spare = HOUSEKEEPING * (time.monotonic() - begun)
                strange = odd(run.played, 409) or odd(sold, 201)
                row.holds = (row.of_empty or 0) >= LEAST and reads <= spare and not strange
                row.notes = [
                    f"{run.played.answered.count:,} answers; housekeeping may read {spare:.0f} times;"
                    f" empty POST {empty:,.0f}/s" + (f"; odd: {strange}" if strange else "")
                ]
                yield row
