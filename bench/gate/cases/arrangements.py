"""The arrangements there are on two cores, and the best of them."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.gate.bench import Bench, claims_load, odd, row_of
from bench.gate.databases import Database
from bench.gate.fixtures import WIDE, WIDE_SEATS
from bench.gate.servers import command
from bench.gate.table import RECORD, Row
from kaiying.config.commands.front import granian  # as above: what ships

WAITING = 1_024
"""A launch's crowd; one process has rows of its own with fewer (``claims``)."""
LEAST, SHARE = 10 * RECORD, 0.5


@dataclass(frozen=True, slots=True)
class Way:
    """One arrangement: the commands to start, and whether they leave the writing to a process of its own."""

    name: str
    words: list[list[str]]
    has_writer: bool = False

    def environment(self, database: Database) -> dict[str, str]:
        """Return what its processes must know to find each other."""
        return {"KAIYING_WRITER": f"unix:{database.data / 'writer.sock'}"} if self.has_writer else {}


def ways(bench: Bench) -> list[Way]:
    """Return the arrangements, from the one that ``kaiying up`` starts."""
    port, asgi = bench.port, command(bench.port, bench.options.app)
    writer = [str(Path(sys.executable).with_name("kaiying")), "writer"]
    return [
        Way("ASGI, one process", [asgi]),
        Way("RSGI, one process", [granian(host="127.0.0.1", port=port, workers=1)]),
        Way("ASGI and a writer", [writer, asgi], has_writer=True),
        Way("1 RSGI front and a writer", [writer, granian(host="127.0.0.1", port=port, workers=1)], has_writer=True),
        Way("2 RSGI fronts and a writer", [writer, granian(host="127.0.0.1", port=port, workers=2)], has_writer=True),
    ]


def arrangements(bench: Bench) -> Iterator[Row]:
    """Measure each on SQLite, where the best must hold; then the last of them on PostgreSQL."""
    rows = []
    for way in ways(bench):
        row = _played(bench, way, "SQLite")
        row.must = f"the best ≥ {LEAST:,.0f}/s"
        row.holds = row.holds is not False and (row.of_record or 0) * RECORD >= LEAST
        rows.append(row)
    best = max(rows, key=lambda row: row.of_record or 0)
    for row in rows:
        row.holds = row.holds if row is best else None
    yield from rows
    if "PostgreSQL" in bench.shelf.kinds:
        row = _played(bench, ways(bench)[-1], "PostgreSQL")
        row.must = f"≥ {SHARE} xF"
        row.holds = row.holds is not False and (row.of_empty or 0) >= SHARE
        yield row


def _played(bench: Bench, way: Way, kind: str) -> Row:
    """Sell seats for some seconds; it does not hold when somebody was told anything else than a seat of their own."""
    with (
        bench.shelf.fresh(kind) as database,
        bench.product(database, words=way.words, **way.environment(database)) as server,
    ):
        history = bench.history(f"way-{kind}-{way.name}".replace(" ", "-"))
        load = claims_load(bench.one_each(WIDE_SEATS), offer=WIDE, connections=WAITING)
        run, empty, _micros = bench.beside(server, replace(load, seconds=bench.options.seconds, history=history))
        found = bench.judged(database, WIDE, history)
    row = row_of(f"{way.name}, {kind}", run, empty, must="", rate=run.played.taken_rate)
    strange = odd(run.played, 201, history=history)
    row.notes = [f"judge: {found}" + (f"; odd: {strange}" if strange else "")]
    row.holds = False if found.count or strange else None
    return row
