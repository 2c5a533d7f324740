"""Durable claims through HTTP: one process, both databases, 64 and 256 waiting."""

from collections.abc import Iterator
from dataclasses import replace

from bench.gate.bench import Bench, claims_load, odd, row_of
from bench.gate.fixtures import WIDE, WIDE_SEATS
from bench.gate.table import Row

WAITING = (64, 256)
LEAST, SLOWEST = 0.5, 150.0


def claims(bench: Bench, kinds: list[str]) -> Iterator[Row]:
    """Sell seats for some seconds; every answer must be a new seat, and in the tables afterwards."""
    plan = bench.one_each(WIDE_SEATS)
    for kind in kinds:
        for waiting in WAITING:
            with bench.shelf.fresh(kind) as database, bench.product(database) as server:
                history = bench.history(f"claims-{kind}-{waiting}")
                load = claims_load(plan, offer=WIDE, connections=waiting)
                load = replace(load, seconds=bench.options.seconds, history=history)
                run, empty, empty_micros = bench.beside(server, load)
                found = bench.judged(database, WIDE, history)
                must = f"≥ {LEAST} xF (aim 0.7)" + (f", p99 < {SLOWEST:.0f} ms" if waiting == max(WAITING) else "")
                strange = odd(run.played, 201, history=history)
                row = row_of(f"durable claims, {kind}, {waiting} waiting", run, empty, must=must)
                row.holds = (
                    (row.of_empty or 0) >= LEAST
                    and (waiting < max(WAITING) or run.played.answered.p99 < SLOWEST)
                    and not found.count
                    and not strange
                )
                row.notes = [
                    f"empty POST {empty:,.0f}/s at {empty_micros:.0f} µs; judge: {found}"
                    + (f"; odd: {strange}" if strange else "")
                ]
                yield row


def sqlite(bench: Bench) -> Iterator[Row]:
    """SQLite with synchronous=FULL."""
    yield from claims(bench, ["SQLite"])


def postgres(bench: Bench) -> Iterator[Row]:
    """PostgreSQL with synchronous_commit=on."""
    yield from claims(bench, [kind for kind in bench.shelf.kinds if kind != "SQLite"])
