"""One process, and fronts that ask one writer: what they sell in a second, and that it is exact."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench.gate.databases import Database
from bench.gate.history import judge
from bench.gate.load import Line as Asked
from bench.gate.load import Load, build, claim_body, read_history, write_plan
from bench.gate.machine import Spent
from bench.gate.passes import Passes
from bench.gate.servers import EMPTY, Server, running
from bench.scale.made import made
from bench.scale.report import Result
from bench.scale.trees import Process, fronts, writer
from kaiying.config.commands.front import granian

SEATS, WARM = 120_000, 1_000
WAYS = ("ASGI, one process", "RSGI, one process", "1 front, 1 writer", "2 fronts, 1 writer")


def fronts_case(folder: Path, *, port: int, seconds: float, connections: int) -> Iterator[Result]:
    """Measure each way on a fresh copy of the same sale, with the empty POST of the same server beside it."""
    model = made(folder / "model", SEATS, f"wide=9900:{SEATS}")
    build(folder)
    lines = (Asked(who, 1, f"once-{who:09}", 9_900) for who in range(1, SEATS + 1))
    plan = write_plan(folder / "plan.tsv", lines, Passes(folder).first(SEATS))
    empty_data = folder / "empty"
    empty_data.mkdir()
    with running(Database(empty_data), port + 9, EMPTY):
        for place, way in enumerate(WAYS):
            data = folder / f"way-{place}"
            data.mkdir()
            shutil.copy(model.file, data)
            load = Load(plan=plan, body=claim_body("wide"), connections=connections, history=folder / f"{place}.csv")
            yield _measured(way, folder, Database(data), load, port=port, seconds=seconds)


def _measured(way: str, folder: Path, database: Database, load: Load, *, port: int, seconds: float) -> Result:
    with ExitStack() as stack:
        server, writing = _started(way, stack, database, port)
        warm = replace(load, count=WARM, connections=16, history=folder / "warm.csv")
        warm.play(folder, port)
        load = replace(load, skip=WARM, seconds=seconds)
        empty = replace(load, history=None, seconds=2)
        before = empty.play(folder, port + 9).rate
        fronts_spent, writer_spent = server.spending(), Spent(writing.pids() if writing else [])
        played = load.play(folder, port)
        answered = max(1, played.answered.count)
        micros = fronts_spent.seconds(server.pids()) / answered * 1e6
        writer_micros = writer_spent.seconds(writing.pids()) / answered * 1e6 if writing else 0.0
        after = empty.play(folder, port + 9).rate
        found = judge(read_history(folder / "warm.csv", load.history or folder), database.tables("wide"))
    last = writing.log.read_text().splitlines()[-1] if writing else ""
    odd = {status: count for status, count in played.statuses.items() if status != 201}
    return Result(
        way,
        holds=not found.count and not odd,
        figures={
            "durable claims": f"{played.taken_rate:,.0f}/s = {played.taken_rate / 1111:.1f} xR = {played.taken_rate * 2 / (before + after):.2f} xF",
            "p50, p99": f"{played.answered.p50:.0f}, {played.answered.p99:.0f} ms",
            "CPU an answer": f"fronts {micros:.0f} µs, writer {writer_micros:.0f} µs, load generator {played.cpu / answered * 1e6:.0f} µs",
            **({"frames": last} if last else {}),
            "judge": str(found).splitlines()[0] + (f"; odd: {odd}" if odd else ""),
        },
    )


def _started(way: str, stack: ExitStack, database: Database, port: int) -> tuple[Server, Process | None]:
    if "writer" in way:
        writing = stack.enter_context(writer(database))
        return stack.enter_context(fronts(database, port=port, workers=int(way[0]))), writing
    words = [granian(host="127.0.0.1", port=port, workers=1)] if way.startswith("RSGI") else []
    return stack.enter_context(running(database, port, words=words)), None
