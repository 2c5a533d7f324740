"""The machine's clock is set five minutes forward, five back, and right again, while people buy and hold seats."""

import asyncio

from bench.faults.cases import Lab, Result, close, play
from bench.faults.crowd import Crowd
from bench.faults.inject import FakeClock

STEPS = ("+300", "-300", "+0")
SWEEP = 12.0
"""Seconds after which the task that frees expired holds has surely looked once."""


def stepped(lab: Lab) -> Result:
    """Step the clock of all processes; seats that are held stay held, and nobody is sold a seat that somebody has.

    The twin holds seats for four minutes, less than the step: there the clock takes seats away before their time, and
    the judge, whose clock is never set, has to see it.
    """
    clock = FakeClock(lab.place / "clock" / "offset")
    hold = 4 if lab.twin else 15
    with lab.sale(seats=(60, 40), buyers=140, hold=hold, extra=clock.env, twin="") as sale:
        over = SWEEP * len(STEPS)
        crowd = Crowd(sale, lab.port, lab.seed, within=over + 10, over=over - 5, at_once=120, pause=(0.4, 0.8))
        crowd.goes_on = lambda told: told.code == "sold_out" and crowd.time_is_left

        async def story(_crowd: Crowd) -> int:
            for step in STEPS:
                await asyncio.sleep(3)
                clock.step(step)
                await asyncio.sleep(SWEEP - 3)
            crowd.time_is_left = False
            return 0

        play(crowd, story)
        verdict = close(sale, crowd)
        moments = [row.held_until for row in sale.read().claims]
        if max(moments) - min(moments) < 300:
            verdict.add("not_stepped", "the processes have not seen the clock jump")
    return Result(verdict, lab.seed, 0, f"steps {', '.join(STEPS)} s, seats held for {hold} min")
