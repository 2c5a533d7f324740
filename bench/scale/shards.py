"""Two sales on two databases, each with its own writer and fronts: what happens to one is nothing to the other."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path

from bench.gate.databases import Database
from bench.gate.history import judge
from bench.gate.passes import Passes
from bench.scale.buyers import Crowd
from bench.scale.made import made
from bench.scale.report import Result
from bench.scale.trees import Process, fronts, says, started, writer

PEOPLE, SEATS, CONNECTIONS = 6_000, 4_000, 32
KILLED_AFTER, AWAY = 1.5, 2.0


def shards(folder: Path, *, port: int) -> Result:
    """Kill one writer in the middle; the other sale goes on, and both are exact in the end."""
    one = made(folder / "one", PEOPLE, f"one=9900:{SEATS}")
    two = made(folder / "two", PEOPLE, f"two=9900:{SEATS}")
    passes = Passes(folder).first(PEOPLE)
    crowds = [Crowd("one", passes, lambda _who: port), Crowd("two", passes, lambda _who: port + 1)]
    with ExitStack() as stack:
        dying = stack.enter_context(writer(one))
        stack.enter_context(writer(two))
        stack.enter_context(fronts(one, port=port, workers=1))
        stack.enter_context(fronts(two, port=port + 1, workers=1))
        killed_at, next_writer = asyncio.run(_story(crowds, dying, one))
        stack.callback(next_writer.end)
    verdicts = [
        judge(crowd.history, database.tables(crowd.offer)) for crowd, database in zip(crowds, (one, two), strict=True)
    ]
    sold = [len(crowd.told) for crowd in crowds]
    return Result(
        "two sales on two databases, one writer killed",
        holds=sold == [SEATS, SEATS] and not any(verdict.count for verdict in verdicts),
        figures={
            "sold": f"{sold[0]:,} and {sold[1]:,} of {SEATS:,} each",
            "no new seat in the sale that lost its writer for": f"{crowds[0].gap(killed_at):.1f} s",
            "in the other one for": f"{crowds[1].gap(killed_at):.1f} s",
            "judge": "; ".join(str(verdict).splitlines()[0] for verdict in verdicts),
        },
    )


async def _story(crowds: list[Crowd], dying: Process, one: Database) -> tuple[float, Process]:
    loop = asyncio.get_running_loop()
    buying = [asyncio.create_task(crowd.ask(range(1, PEOPLE + 1), connections=CONNECTIONS)) for crowd in crowds]
    await asyncio.sleep(KILLED_AFTER)
    killed_at = time.monotonic()
    await loop.run_in_executor(None, dying.kill)
    await asyncio.sleep(AWAY)
    again = started(one, "writer", name="writer-again")
    await loop.run_in_executor(None, says, again, "listens at")
    await asyncio.gather(*buying)
    return killed_at, again
