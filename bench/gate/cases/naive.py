"""The naive twin, measured beside: one transaction a claim in a plain Django view."""

from collections.abc import Iterator

from bench.gate.bench import Bench
from bench.gate.fixtures import WIDE_SEATS
from bench.gate.table import Row

WAITING = 64
APP = "bench.gate.apps:twin"


def naive(bench: Bench) -> Iterator[Row]:
    """Measure it on each database."""
    plan = bench.one_each(WIDE_SEATS)
    for kind in bench.shelf.kinds:
        row = bench.sale(
            f"naive twin, {kind}", plan, kind=kind, waiting=WAITING, app=APP,
            environment=lambda _database: {"DJANGO_SETTINGS_MODULE": "bench.gate.twin_settings"},
        )  # fmt: skip
        row.holds = None  # whatever it does: it is not ours
        yield row
