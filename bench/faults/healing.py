"""After the faults: with demand left, every seat is sold within the time a seat is held."""

import asyncio
import time

from bench.faults.cases import Lab, Result, close, play
from bench.faults.crowd import Crowd
from bench.faults.sale import Sale
from bench.gate.history import Operation

HOLD = 1
"""Minutes a seat is held."""
SWEEP = 10.0
"""Seconds between two looks for expired holds."""


def all_sold(lab: Lab) -> Result:
    """Let a third of those who have a seat walk away, kill the tree, and wait until others have paid for all.

    The twin has nobody who frees expired holds.
    """
    seats = (40, 20)
    with lab.sale(seats=seats, buyers=200, hold=HOLD, with_tasks=not lab.twin, twin="") as sale:
        patience = HOLD * 60 + SWEEP + 20
        crowd = Crowd(sale, lab.port, lab.seed, within=patience + 60, at_once=200, pause=(0.5, 1.0), rich=1.0)
        walks: set[int] = set()
        crowd.goes_on = lambda told: told.code == "sold_out" and crowd.time_is_left
        begun = healed = 0.0

        async def story(crowd: Crowd) -> int:
            nonlocal begun, healed
            await crowd.see(lambda: crowd.told_seat >= sum(seats) * 2 // 3, 60)
            sale.tree.kill()
            walks.update(one.who for one in sale.history if one.has_seat and sale.dice.random() < 1 / 3)
            await asyncio.to_thread(sale.tree.start)
            begun = time.monotonic()
            while time.monotonic() < begun + patience:
                paid = await asyncio.to_thread(_pay, sale, walks)
                if paid == sum(seats):
                    healed = time.monotonic() - begun
                    break
                await asyncio.sleep(0.5)
            crowd.time_is_left = False
            return 1

        killed = play(crowd, story)
        verdict = close(sale, crowd)
        left = sum(seats) - sum(state == "paid" for state, _tier in sale.read().seats.values())
        for _ in range(left):
            verdict.add("unsold", "a seat is not paid for, and people still asked")
    return Result(verdict, lab.seed, killed, f"{len(walks)} walked away; all sold {healed:.0f} s after the start")


def _pay(sale: Sale, walks: set[int]) -> int:
    """Let money arrive from everybody who was told a seat and does not walk away; return how many have paid."""
    ready = {one.who for one in list(sale.history) if one.has_seat and one.who not in walks} - sale.paid
    if ready:
        t0 = time.monotonic()
        for who in sale.pay(sorted(ready)):
            sale.paid.add(who)
            sale.history.append(Operation(who=who, t0=t0, t1=time.monotonic(), status=200, op="pay"))
    return len(sale.paid)
