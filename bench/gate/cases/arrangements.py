"""The arrangements there are on two cores, and the best of them."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.gate.bench import Bench
from bench.gate.databases import Database
from bench.gate.fixtures import WIDE_SEATS
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
    """Measure each on SQLite, where the best must hold; then the first and the last of them on PostgreSQL."""
    plan = bench.one_each(WIDE_SEATS)
    rows = [_measured(bench, plan, way, "SQLite", must=f"the best ≥ {LEAST:,.0f}/s") for way in ways(bench)]
    best = max(rows, key=lambda row: row.of_record or 0)
    best.settle((best.of_record or 0) * RECORD >= LEAST)
    yield from rows
    if "PostgreSQL" in bench.shelf.kinds:
        first, *_others, last = ways(bench)
        yield _measured(bench, plan, first, "PostgreSQL", must="for comparison")
        row = _measured(bench, plan, last, "PostgreSQL", must=f"≥ {SHARE} xF")
        row.settle((row.of_empty or 0) >= SHARE)
        yield row


def _measured(bench: Bench, plan: Path, way: Way, kind: str, *, must: str) -> Row:
    return bench.sale(
        f"{way.name}, {kind}", plan, kind=kind, waiting=WAITING, must=must, words=way.words, environment=way.environment
    )
