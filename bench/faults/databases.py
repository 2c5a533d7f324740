"""PostgreSQL gone in the middle of the sale, as after a crash, and back."""

import asyncio

from bench.faults.cases import Lab, Result, close, play
from bench.faults.cluster import Missing
from bench.faults.crowd import Crowd
from bench.faults.disks import healed, statuses


def stopped(lab: Lab) -> Result:
    """Crash our own PostgreSQL while people buy, leave it down for 20 s, start it, and see the sale go on."""
    cluster, down = lab.cluster, 20.0 if lab.full else 6.0
    if cluster is None:
        raise Missing("there is no PostgreSQL to stop")
    with lab.sale(seats=(400, 200), buyers=800) as sale:
        crowd = Crowd(sale, lab.port, lab.seed, within=90 + down, over=down + 3, at_once=64)
        after = 0.0

        async def story(crowd: Crowd) -> int:
            nonlocal after
            await asyncio.sleep(1.5)
            await asyncio.to_thread(cluster.stop)
            await asyncio.sleep(down)
            await asyncio.to_thread(cluster.start)
            after = await healed(crowd)
            return 1

        try:
            killed = play(crowd, story)
        except BaseException:
            cluster.start()
            raise
        verdict = close(sale, crowd)
    return Result(verdict, lab.seed, killed, f"down {down:.0f} s, {statuses(crowd)}; sold again after {after:.1f} s")
