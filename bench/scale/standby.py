"""The machine with the database is lost in the middle of a sale: what was acknowledged is on the standby.

First the cable to the standby breaks, half a second later the primary dies, then an operator (here: we) promotes the
standby. Writer and fronts have both addresses in ``KAIYING_DATABASE_URL`` and go on by themselves. The twin has
acknowledged without waiting for the standby.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.faults.cluster import Missing
from bench.gate.databases import ROOT, Database
from bench.gate.history import judge
from bench.gate.passes import Passes
from bench.scale.buyers import Crowd
from bench.scale.clusters import Cable, Replicated, pair
from bench.scale.report import Result
from bench.scale.trees import fronts, writer

PEOPLE, CONNECTIONS = 12_000, 64
BEFORE, CUT_FOR = 3.0, 0.5
NOTICED_AFTER = 1.0
"""Seconds until somebody, or something such as Patroni, promotes the standby."""


def standby(folder: Path, *, port: int, twin: bool) -> Result:
    """Lose the primary."""
    case = f"the primary is lost{' (twin: standby asynchronous)' if twin else ''}"
    try:
        with pair(folder / "servers", port=port + 4, synchronous=not twin) as (primary, follower, cable):
            return _lose(case, folder, primary, follower, cable, port=port, twin=twin)
    except Missing as missing:
        return Result(case, left_out=str(missing))


def _lose(
    case: str, folder: Path, primary: Replicated, follower: Replicated, cable: Cable, *, port: int, twin: bool
) -> Result:
    database = _filled(folder, primary, follower)
    with writer(database), fronts(database, port=port, workers=1):
        crowd = Crowd("night", Passes(folder).first(PEOPLE), lambda _who: port)
        lost_at, promoted = asyncio.run(_story(crowd, primary, follower, cable.cut))
    after = replace(database, url=follower.url("kaiying"))
    verdict, lost = judge(crowd.history, after.tables("night")), _not_in(after, crowd)
    return Result(
        case,
        holds=lost > 0 if twin else not verdict.count and not lost and not crowd.unsettled,
        figures={
            "acknowledged": len(crowd.told),
            "acknowledged and lost": lost,
            "unknown, asked again": verdict.unknown,
            "unsettled in the end": crowd.unsettled,
            "promoted, after the cable was cut": f"{promoted:.1f} s",
            "no new seat for": f"{crowd.gap(lost_at):.1f} s",
            "judge": str(verdict).splitlines()[0],
        },
    )


def _filled(folder: Path, primary: Replicated, follower: Replicated) -> Database:
    data = folder / "data"
    data.mkdir()
    made = Database(data, primary.make("kaiying"))
    words = [sys.executable, "-m", "bench.scale.fill", str(PEOPLE), f"night=9900:{PEOPLE}"]
    subprocess.run(words, check=True, env=made.environment(), cwd=ROOT)
    return Database(data, f"postgresql://postgres@127.0.0.1:{primary.port},127.0.0.1:{follower.port}/kaiying")


async def _story(
    crowd: Crowd, primary: Replicated, follower: Replicated, cut: Callable[[], None]
) -> tuple[float, float]:
    loop = asyncio.get_running_loop()
    buying = asyncio.create_task(crowd.ask(range(1, PEOPLE + 1), connections=CONNECTIONS))
    await asyncio.sleep(BEFORE)
    lost_at = time.monotonic()
    await loop.run_in_executor(None, cut)
    await asyncio.sleep(CUT_FOR)
    await loop.run_in_executor(None, primary.kill)
    await asyncio.sleep(NOTICED_AFTER)
    await loop.run_in_executor(None, follower.promote)
    promoted = time.monotonic() - lost_at
    await buying
    return lost_at, promoted


def _not_in(database: Database, crowd: Crowd) -> int:
    """Count those who were told a seat that is not theirs in the tables, at that price."""
    rows = database.ask("SELECT learner_id, seat_number, price FROM offers_claim WHERE state IN ('held', 'paid')")
    theirs = {int(str(who)): (int(str(seat)), int(str(price))) for who, seat, price in rows}
    told = [one for one in crowd.history if one.has_seat]
    return sum(theirs.get(one.who) != (one.seat, one.price) for one in told)
