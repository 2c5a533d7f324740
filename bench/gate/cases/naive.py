"""The naive twin, measured beside: one transaction a claim in a plain Django view."""

from collections.abc import Iterator
from dataclasses import replace

from bench.gate.bench import Bench, claims_load, odd, row_of
from bench.gate.fixtures import WIDE, WIDE_SEATS
from bench.gate.table import Row

WAITING = 64
APP = "bench.gate.apps:twin"


def naive(bench: Bench) -> Iterator[Row]:
    """Measure it on each database."""
    plan = bench.one_each(WIDE_SEATS)
    for kind in bench.shelf.kinds:
        with (
            bench.shelf.fresh(kind) as database,
            bench.product(database, app=APP, DJANGO_SETTINGS_MODULE="bench.gate.twin_settings") as server,
        ):
            history = bench.history(f"naive-{kind}")
            load = replace(
                claims_load(plan, offer=WIDE, connections=WAITING), seconds=bench.options.seconds, history=history
            )
            run, empty, _micros = bench.beside(server, load)
            found = bench.judged(database, WIDE, history)
        row = row_of(f"naive twin, {kind}", run, empty, must="for comparison")
        strange = odd(run.played, 201, history=history)
        row.notes = [f"judge: {found}" + (f"; odd: {strange}" if strange else "")]
        yield row
