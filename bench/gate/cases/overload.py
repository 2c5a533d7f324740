"""Ten times more than can be sold.

A server in Python cannot answer ten times its own HTTP rate, whatever it answers, and no generator on the same two
cores could ask for it. So ten times is shown where it can be: on a disk that needs a second for a flush, which
makes the ledger the narrow place (peak is measured on the same disk), with an open loop; and, on the real disk, as ten
times the callers, each with five seconds of patience.
"""

from collections.abc import Iterator
from dataclasses import replace

from bench.gate.bench import Bench, Run, claims_load, odd
from bench.gate.databases import Database
from bench.gate.fixtures import WIDE, WIDE_SEATS
from bench.gate.load import Line, Load, build, read_history
from bench.gate.servers import Server
from bench.gate.table import RECORD, Row

FLUSH_MS = 1_000
PATIENCE = 5.0
TIMES = 10
LEAST = 0.8
LATE = 100.0
FILLING = 4
"""Seconds in which the queue fills up, at the beginning; they do not count."""
QUEUE = 20_000
"""What the batcher lets wait at most: more seats than that cannot be given to callers who left."""
CALLERS, CONNECTIONS = 1_024, 15_000


def overload(bench: Bench) -> Iterator[Row]:
    """Overload the ledger, then HTTP."""
    yield _slow_disk(bench)
    yield _many_callers(bench)


def _slow_disk(bench: Bench) -> Row:
    slow = build(bench.folder, "slowdisk.so", "-shared", "-fPIC", "-ldl")
    lasts = 60.0 if bench.options.full else 15.0
    plan = bench.one_each(bench.shelf.people)
    with bench.shelf.fresh() as database:
        history = bench.history("overload")
        load = claims_load(plan, offer=WIDE, connections=CALLERS)
        more = {"LD_PRELOAD": str(slow), "SLOWDISK_MS": str(FLUSH_MS)}
        with bench.product(database, **more) as server:
            warmed = bench.warm(server, replace(load, history=history))
            peaked = bench.history("overload-peak")
            peak = bench.run(server, replace(warmed, seconds=12, history=peaked)).played
            begun = warmed.skip + peak.offered
            limit = peak.goodput(skip=FILLING)
            load = replace(
                load, rate=TIMES * limit, seconds=lasts, patience=PATIENCE, skip=begun, history=history,
                connections=CONNECTIONS,
            )  # fmt: skip
            run = bench.run(server, load)
        with bench.product(database) as server:  # the disk is well again
            untold, recovered = _retried(bench, server, database, load)
        found = bench.judged(database, WIDE, history, peaked, bench.history("overload-again"))
    return _row(run, limit, untold=untold, recovered=recovered, said=str(found), wrong=found.count)


def _retried(bench: Bench, server: Server, database: Database, load: Load) -> tuple[int, int]:
    """Ask again, by the same key, for those who left and have a seat they know nothing of; returns both counts."""
    assert load.history is not None
    holders = {claim.learner for claim in database.tables(WIDE).claims}
    unknown = [one for one in read_history(load.history) if one.is_unknown and one.who in holders]
    again = bench.history("overload-again")
    lines = [Line(one.who, 2, one.key, one.max_price) for one in unknown] or [Line(1, 2, "once-000000001", 9_900)]
    Load(plan=bench.plan(lines), body=load.body, connections=16, history=again).play(bench.folder, server.port)
    told = {one.who for one in read_history(again) if one.has_seat}
    return len(unknown), len(told & {one.who for one in unknown})


def _row(run: Run, peak: float, *, untold: int, recovered: int, said: str, wrong: int) -> Row:
    played = run.played
    goodput = played.goodput(skip=FILLING) / peak if peak else 0.0
    offered = played.offered / played.seconds if played.seconds else 0.0
    row = Row(
        case=f"{TIMES}× overload, {PATIENCE:.0f} s patience, slow disk",
        must=f"goodput ≥ {LEAST}, others < {LATE:.0f} ms",
        reached=f"goodput {goodput:.2f}, p99 of refusals {played.shed.p99:.0f} ms",
        of_record=played.taken_rate / RECORD,
        micros=run.micros,
        p50=played.taken.p50,
        p95=played.taken.p95,
        p99=played.taken.p99,
    )
    others = played.shed_late + played.unknown.count + played.shed_without_retry_after
    strange = odd(played, 0, 200, 201, 429, 503)
    row.holds = (
        goodput >= LEAST and not others and untold <= QUEUE and untold == recovered and not wrong and not strange
    )
    row.notes = [
        (
            f"a flush takes {FLUSH_MS} ms: peak {peak:,.0f}/s; offered {offered:,.0f}/s over {played.connections:,} connections:"
            f" {played.taken.count:,} seats, {played.shed.count:,} refused ({played.shed_late:,} after {LATE:.0f} ms,"
            f" {played.shed_without_retry_after:,} without Retry-After), {played.unknown.count:,} left without an answer"
            f" ({played.unsent:,} never got a connection)"
        ),
        f"seats nobody was told of {untold}, recovered by the same key {recovered};"
        f" judge: {said}" + (f"; odd: {strange}" if strange else ""),
    ]
    return row


def _many_callers(bench: Bench) -> Row:
    """Compare 256 callers with ten times as many, on the real disk."""
    plan = bench.one_each(WIDE_SEATS)
    with bench.shelf.fresh() as database, bench.product(database) as server:
        load = bench.warm(server, claims_load(plan, offer=WIDE, connections=256))
        peak = bench.run(server, replace(load, seconds=4)).played
        load = replace(load, skip=load.skip + peak.offered, connections=256 * TIMES, seconds=6, patience=PATIENCE)
        run = bench.run(server, load)
    played, goodput = run.played, run.played.taken_rate / peak.taken_rate
    row = Row(
        case=f"{TIMES}× the callers (2,560), {PATIENCE:.0f} s patience",
        must=f"goodput ≥ {LEAST}",
        reached=f"goodput {goodput:.2f} of {peak.taken_rate:,.0f}/s",
        of_record=played.taken_rate / RECORD,
        micros=run.micros,
        p50=played.answered.p50,
        p95=played.answered.p95,
        p99=played.answered.p99,
    )
    row.holds = goodput >= LEAST and not played.unknown.count and not odd(played, 201, 503)
    row.notes = [f"{played.statuses}, {played.connections:,} connections"]
    return row
