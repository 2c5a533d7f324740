"""The night itself: 100,000 seats, 300,000 learners, each asking twice."""

import random
from collections.abc import Iterator
from dataclasses import replace

from bench.gate.bench import Bench, claims_load, odd, row_of
from bench.gate.fixtures import HIGH, LOW, NIGHT, NIGHT_SEATS
from bench.gate.load import Line
from bench.gate.table import Row

WAITING = 256
LEAST = 9_000
SEED = 20_260_715


def asked_twice(learners: int) -> list[Line]:
    """Return what everyone asks, shuffled.

    One in ten would only pay the low price. A third ask again at once, in a second tab; the others some time later.
    Half of them repeat their key, as a page does that lost the answer; half come with a new one.
    """
    dice = random.Random(SEED)  # noqa: S311 — a seed that can be repeated is the point
    drawn = []
    for who in range(1, learners + 1):
        price = LOW if who % 10 == 0 else HIGH
        first = dice.random()
        again = first if who % 3 == 0 else first + dice.random() * (1 - first)
        key = f"tab-one-{who:09}" if who % 2 else f"tab-two-{who:09}"
        drawn.append((first, Line(who, 1, f"tab-one-{who:09}", price)))
        drawn.append((again, Line(who, 2, key, price)))
    return [one for _when, one in sorted(drawn, key=lambda pair: (pair[0], pair[1].who, pair[1].n))]


def night(bench: Bench) -> Iterator[Row]:
    """Sell everything on each database, and have the judge look."""
    plan = bench.plan(asked_twice(bench.options.learners))
    for kind in bench.shelf.kinds:
        with bench.shelf.fresh(kind) as database, bench.product(database) as server:
            history = bench.history(f"night-{kind}")
            load = replace(claims_load(plan, connections=WAITING), history=history)
            run, empty, empty_micros = bench.beside(server, load)
            found = bench.judged(database, NIGHT, history)
            sold = sum(claim.is_live for claim in database.tables(NIGHT).claims)
            learners = bench.options.learners
            must = f"exactly {NIGHT_SEATS:,}; ≥ {LEAST:,} answers/s"
            row = row_of(f"{learners:,} learners ask twice, {kind}", run, empty, must=must)
            row.reached = f"{sold:,} sold; {run.played.rate:,.0f} answers/s"
            strange = odd(run.played, 200, 201, 409, 412, history=history)
            row.holds = sold == NIGHT_SEATS and not found.count and not strange and run.played.rate >= LEAST
            told = ", ".join(f"{count:,} × {status}" for status, count in sorted(run.played.statuses.items()))
            row.notes = [
                f"seed {SEED}; {told}; empty POST {empty:,.0f}/s at {empty_micros:.0f} µs; judge: {found}",
            ]
            yield row
