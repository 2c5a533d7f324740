"""Those who reserve before the opening, while others look at the landing page."""

import json
from collections.abc import Iterator
from dataclasses import replace

from bench.gate.bench import Bench, odd, row_of
from bench.gate.fixtures import CROWD
from bench.gate.load import Load, read_history
from bench.gate.probe import Probe
from bench.gate.table import Row

WAITING = 64
MOST_MEMORY, MOST_GROWTH = 400.0, 1.1
SLOWEST_PAGE = 100.0
BODY = json.dumps({"offer": CROWD, "standing": True}, separators=(",", ":"))


def reservations(bench: Bench) -> Iterator[Row]:
    """Have everyone reserve once; all who were told so must be in the table."""
    count = bench.options.reservations
    plan = bench.one_each(count)
    with bench.shelf.fresh(fill=CROWD, people=count) as database, bench.product(database) as server:
        history = bench.history("reservations")
        load = Load(plan=plan, body=BODY, path="/gate/reservations", connections=WAITING, history=history)
        load = bench.warm(server, load)
        before = bench.empty(load)
        with Probe(server, f"/c/{CROWD}/") as probe:
            run = bench.run(server, replace(load, count=0))
        after = bench.empty(load)
        told = {one.who for one in read_history(history) if one.status in {200, 201}}
        rows = database.ask("SELECT learner_id FROM offers_reservation WHERE cancelled_at IS NULL")
        lost = len(told - {int(str(who)) for (who,) in rows})
    memory = probe.memory or [0.0]
    half, most = memory[len(memory) // 2], max(memory)
    row = row_of(
        f"{count:,} reservations",
        run,
        (before.played.rate + after.played.rate) / 2,
        must=f"0 lost, flat ≤ {MOST_MEMORY:.0f} MB, page p99 ≤ {SLOWEST_PAGE:.0f} ms",
    )
    page = probe.slow(0.99)
    row.reached = f"{run.played.rate:,.0f}/s, {lost} lost, {most:.0f} MB, page {page:.0f} ms"
    strange = odd(run.played, 201, history=history)
    flat = most <= MOST_MEMORY and most <= half * MOST_GROWTH
    row.holds = not lost and flat and page <= SLOWEST_PAGE and not strange and not probe.failed
    row.notes = [
        f"memory at the beginning {memory[0]:.0f}, half-way {half:.0f}, at most {most:.0f} MB; {len(probe.times)} pages,"
        f" p50 {probe.slow(0.5):.0f} ms, {probe.failed} failed" + (f"; odd: {strange}" if strange else "")
    ]
    yield row
