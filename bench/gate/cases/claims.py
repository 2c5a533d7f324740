"""Durable claims through HTTP: one process, both databases, 64 and 256 waiting."""

from collections.abc import Iterator

from bench.gate.bench import Bench
from bench.gate.fixtures import WIDE_SEATS
from bench.gate.table import Row

WAITING = (64, 256)
LEAST, SLOWEST = 0.5, 150.0


def claims(bench: Bench, kinds: list[str]) -> Iterator[Row]:
    """Sell seats for some seconds; every answer must be a new seat, and in the tables afterwards."""
    plan = bench.one_each(WIDE_SEATS)
    for kind in kinds:
        for waiting in WAITING:
            must = f"≥ {LEAST} xF (aim 0.7)" + (f", p99 < {SLOWEST:.0f} ms" if waiting == max(WAITING) else "")
            row = bench.sale(f"durable claims, {kind}, {waiting} waiting", plan, kind=kind, waiting=waiting, must=must)
            row.settle((row.of_empty or 0) >= LEAST and (waiting < max(WAITING) or (row.p99 or 0) < SLOWEST))
            yield row


def sqlite(bench: Bench) -> Iterator[Row]:
    """SQLite with synchronous=FULL."""
    yield from claims(bench, ["SQLite"])


def postgres(bench: Bench) -> Iterator[Row]:
    """PostgreSQL with synchronous_commit=on."""
    yield from claims(bench, [kind for kind in bench.shelf.kinds if kind != "SQLite"])
