"""500 slow clients and 2,000 idle streams beside the sale."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import mean

from bench.gate.bench import Bench, Run, claims_load, odd, row_of
from bench.gate.databases import ROOT
from bench.gate.fixtures import WIDE, WIDE_SEATS
from bench.gate.servers import Server
from bench.gate.table import Row

SLOW, STREAMS = 500, 2_000
WAITING = 64
MOST = 1.2


@contextmanager
def crowd(server: Server) -> Iterator[dict[str, int]]:
    """Keep them connected while the block runs; gives how many were, and after it how many still are."""
    words = [sys.executable, "-m", "bench.gate.crowd", str(server.port), str(SLOW), str(STREAMS)]
    process = subprocess.Popen(
        words, cwd=ROOT, env=server.database.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    there: dict[str, int] = json.loads(process.stdout.readline())
    try:
        yield there
    finally:
        process.stdin.close()
        last = process.stdout.readline()
        there |= {f"{name} at the end": count for name, count in (json.loads(last) if last else {}).items()}
        process.terminate()
        process.wait()


def slow(bench: Bench) -> Iterator[Row]:
    """Measure the same claims without them, with them, and without them again."""
    plan = bench.one_each(WIDE_SEATS)
    with bench.shelf.fresh() as database, bench.product(database) as server:
        load = bench.warm(server, claims_load(plan, offer=WIDE, connections=WAITING))
        runs: list[Run] = []

        def play() -> None:
            sent = sum(run.played.offered for run in runs)
            runs.append(bench.run(server, replace(load, skip=load.skip + sent, seconds=bench.options.seconds)))

        play()
        with crowd(server) as there:
            play()
        play()
        empty = bench.empty(load).played.rate
    quiet = mean([runs[0].played.answered.p99, runs[2].played.answered.p99])
    ratio = runs[1].played.answered.p99 / quiet if quiet else 0.0
    must = f"p99 ≤ {MOST}× of without them"
    row = row_of(f"{SLOW} slow clients, {STREAMS:,} idle streams", runs[1], empty, must=must)
    row.reached = f"p99 {ratio:.2f}× of {quiet:.0f} ms; {runs[1].played.rate:,.0f}/s"
    strange = ", ".join(filter(None, (odd(run.played, 201) for run in runs)))
    all_there = min(there["streams"], there["streams at the end"]) >= STREAMS
    row.holds = ratio <= MOST and all_there and not strange
    row.notes = [f"connected: {there}" + (f"; odd: {strange}" if strange else "")]
    yield row
