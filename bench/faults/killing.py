"""Kill -9: the whole tree at any moment, and the process that writes at its n-th write."""

import asyncio
import time
from contextlib import suppress
from functools import partial

from bench.faults.cases import Lab, Result, close, play, serving
from bench.faults.crowd import Crowd
from bench.faults.inject import FLUSH, WRITE, injected, need_strace
from bench.faults.sale import Sale

PER_LIFE = 60
"""Buyers for each time the tree is killed."""
AT_ONCE = 4
"""How many ask at the same time: few, so that their claims are many small commits and a kill finds one under way."""

MOST_WRITES, MOST_FLUSHES = 60, 5
"""How late a write may be that kills: a claim writes some ten pages to the log and flushes it once."""

PATIENCE = 5.0
"""Seconds in which a process that died is replaced by itself, before somebody starts everything anew."""


def _sizes(kills: int) -> tuple[tuple[int, int], int]:
    """Return seats at each price and buyers, so that every life of the tree has something to sell."""
    return (PER_LIFE * kills // 2, PER_LIFE * kills // 4), PER_LIFE * kills


def at_random(lab: Lab, kills: int = 0) -> Result:
    """Kill the whole tree while people buy, start it again, and let them ask again with the same key."""
    kills = kills or (20 if lab.full else 5)
    seats, buyers = _sizes(kills)
    with lab.sale(seats=seats, buyers=buyers) as sale:
        crowd = Crowd(sale, lab.port, lab.seed, within=30.0 * kills + 30, in_turns=True, at_once=AT_ONCE)

        async def story(crowd: Crowd) -> int:
            killed = 0
            while killed < kills and crowd.runs:
                crowd.let_in(PER_LIFE)
                wanted = crowd.told_seat + sale.dice.randrange(1, PER_LIFE // 2)
                await crowd.see(partial(_has_told, crowd, wanted), 20)
                await asyncio.sleep(sale.dice.uniform(0, 0.01))
                sale.tree.kill()
                killed += 1
                await asyncio.to_thread(sale.tree.start)
            crowd.let_in(buyers)
            return killed

        killed = play(crowd, story)
        verdict = close(sale, crowd)
    return Result(verdict, lab.seed, killed)


def at_the_nth_write(lab: Lab) -> Result:
    """Kill the process that writes at its n-th write or flush, for many n, and let another one take its place."""
    need_strace()
    kills = 40 if lab.full else 6
    seats, buyers = _sizes(3 * kills)
    waits: list[float] = []
    with lab.sale(seats=seats, buyers=buyers) as sale:
        crowd = Crowd(sale, lab.port, lab.seed, within=30.0 * kills + 30, in_turns=True, at_once=AT_ONCE)

        async def story(crowd: Crowd) -> int:
            for _ in range(kills):
                call, most = sale.dice.choice([(WRITE, MOST_WRITES), (FLUSH, MOST_FLUSHES)])
                died = await _kill_at(sale, crowd, f"{call}:signal=SIGKILL:when={sale.dice.randrange(1, most)}")
                if died:
                    waits.append(await _back(sale))
            crowd.let_in(buyers)
            return len(waits)

        killed = play(crowd, story)
        verdict = close(sale, crowd)
    alone = sum(wait < PATIENCE for wait in waits)
    return Result(verdict, lab.seed, killed, f"back by itself within {PATIENCE:.0f} s {alone} of {killed} times")


def _has_told(crowd: Crowd, wanted: int) -> bool:
    return crowd.told_seat >= wanted


async def _kill_at(sale: Sale, crowd: Crowd, rule: str) -> bool:
    """Attach the rule to the process that serves, let people in, and wait until it is dead."""
    with injected(await serving(sale), rule) as tracer:
        until = time.monotonic() + 10
        while tracer.poll() is None and time.monotonic() < until:
            crowd.let_in(4)
            await asyncio.sleep(0.1)
        return tracer.poll() is not None


async def _back(sale: Sale) -> float:
    """Return the seconds until somebody serves again; who takes too long is ended and started by hand."""
    begun = time.monotonic()
    while (gone := time.monotonic() - begun) < PATIENCE:
        await asyncio.sleep(0.05)
        with suppress(RuntimeError):
            if sale.tree.worker() and await asyncio.to_thread(sale.tree.is_well):
                return gone
    sale.tree.kill()
    await asyncio.to_thread(sale.tree.start)
    return time.monotonic() - begun
