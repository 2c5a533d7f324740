"""Where the CPU time of a claim goes, part by part, beside what the whole server spends on it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

from bench.gate.bench import Bench, claims_load
from bench.gate.databases import ROOT
from bench.gate.fixtures import WIDE
from bench.gate.servers import OPEN
from bench.gate.table import Row

WAITING = 64


def parts(bench: Bench) -> Iterator[Row]:
    """Measure the parts alone, then a server, then the empty POST."""
    plan = bench.one_each(bench.shelf.people)
    with bench.shelf.fresh() as database:
        words = [sys.executable, "-m", "bench.gate.parts", WIDE, str(plan)]
        done = subprocess.run(
            words, check=True, env=database.environment(**OPEN), cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    size, share = said.pop("claims in a batch"), said.pop("share of the database in the ledger")
    with bench.shelf.fresh() as database, bench.product(database) as server:
        load = bench.warm(server, claims_load(plan, offer=WIDE, connections=WAITING))
        whole = bench.run(server, replace(load, seconds=bench.options.seconds)).micros
        empty = bench.empty(load).micros
    yield Row("server: socket, HTTP, event loop", reached="the empty POST", micros=empty)
    for name, micros in said.items():
        more = f"{size:.0f} a batch, {share:.0%} inside SQLite" if name.startswith("ledger") else ""
        yield Row(name, reached=more, micros=micros)
    rest = whole - empty - sum(said.values())
    yield Row("the rest: threads that wait for each other", reached="whole less the above", micros=rest)
    yield Row("a durable claim, the whole server", reached=f"{WAITING} waiting", micros=whole)
