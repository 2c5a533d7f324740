"""Sick disks: full, failing to flush, slow."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.faults.cases import Lab, Result, close, play, serving
from bench.faults.cluster import Missing
from bench.faults.crowd import Crowd
from bench.faults.inject import FLUSH, WRITE, injected, need_strace
from bench.faults.sale import Sale

SICK = 2.0
"""Seconds for which a disk is sick."""

DELAYS = (0.010, 2.0)
"""Seconds that a flush takes longer on a slow disk."""
ROOM = 400_000
"""Kilobytes that are free on the small file system at first; with much less Kaiying would not start."""


def full_disk(lab: Lab) -> Result:
    """Let writes fail with ENOSPC from the n-th on, heal the disk, and do it again for other n."""
    rounds = 10 if lab.full else 2
    return _sick(lab, rounds, lambda sale: f"{WRITE}:error=ENOSPC:when={sale.dice.randrange(1, 30)}+")


def failing_flush(lab: Lab) -> Result:
    """Let flushes fail with EIO from the n-th on, and heal the disk."""
    rounds = 10 if lab.full else 2
    return _sick(lab, rounds, lambda sale: f"{FLUSH}:error=EIO:when={sale.dice.randrange(1, 4)}+")


def slow_flush(lab: Lab) -> Result:
    """Let every flush take 10 ms longer, and then 2 s; nobody may be told of a new seat sooner than that."""
    delays = iter(DELAYS)
    return _sick(
        lab, len(DELAYS), lambda _sale: f"{FLUSH}:delay_enter={next(delays) * 1_000_000:.0f}", seconds=7.0, least=DELAYS
    )


def _sick(
    lab: Lab, rounds: int, rule: Callable[[Sale], str], *, seconds: float = SICK, least: Sequence[float] = ()
) -> Result:
    need_strace()
    buyers = 300 * rounds
    with lab.sale(seats=(buyers // 2, buyers // 4), buyers=buyers) as sale:
        over = rounds * (seconds + 1.5)
        crowd = Crowd(sale, lab.port, lab.seed, within=60 + over, over=over, at_once=64)
        slowest, spells = 0.0, []

        async def story(crowd: Crowd) -> int:
            nonlocal slowest
            for _ in range(rounds):
                await asyncio.sleep(0.5)
                with injected(await serving(sale), rule(sale)):
                    begun = time.monotonic()
                    await asyncio.sleep(seconds)
                    spells.append((begun, time.monotonic()))
                slowest = max(slowest, await healed(crowd))
            return 0

        play(crowd, story)
        verdict = close(sale, crowd)
        for (begun, ended), delay in zip(spells, least, strict=False):
            for one in sale.history:
                if one.status == 201 and begun <= one.t0 and one.t1 <= ended and one.t1 - one.t0 < delay:
                    verdict.add(
                        "before_flush", f"{one.who} was told after {one.t1 - one.t0:.3f} s, a flush takes {delay}"
                    )
    return Result(verdict, lab.seed, 0, f"sick {rounds}×, {statuses(crowd)}; sold again after {slowest:.1f} s")


def full_file_system(lab: Lab) -> Result:
    """Put the data folder on a small file system, fill it up while people buy, and make room again."""
    with _small_disk(lab.place / "disk", lab) as disk:
        tree = lab.tree(data=disk / "data")
        sale = lab.open(tree, seats=(200, 100), buyers=400)
        try:
            tree.start()
            crowd = Crowd(sale, lab.port, lab.seed, within=60, over=4.0, at_once=64)
            after = 0.0

            async def story(crowd: Crowd) -> int:
                nonlocal after
                await asyncio.sleep(1.0)
                ballast = disk / "ballast"
                until = time.monotonic() + SICK
                with ballast.open("wb", buffering=0) as file:
                    size = 1024 * 1024
                    while time.monotonic() < until:
                        try:
                            file.write(b"\0" * size)
                        except OSError:  # full: fill the last gaps, and whatever comes free
                            size = 4096
                            await asyncio.sleep(0.01)
                ballast.unlink()
                after = await healed(crowd)
                return 0

            play(crowd, story)
            verdict = close(sale, crowd)
        finally:
            tree.stop()
    return Result(verdict, lab.seed, 0, f"{statuses(crowd)}; sold again after {after:.1f} s")


@contextmanager
def _small_disk(place: Path, lab: Lab) -> Iterator[Path]:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise Missing("only root may mount a small file system")
    place.mkdir(parents=True)
    used = sum(path.stat().st_size for path in lab.template.rglob("*") if path.is_file()) if lab.template else 0
    size = used // 1024 * 3 // 2 + ROOM
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        raise Missing("a small file system cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


async def healed(crowd: Crowd) -> float:
    """Return how many seconds it took until somebody got a seat again; 0 when nobody asks any more."""
    begun, sold = time.monotonic(), crowd.told_seat
    await crowd.see(lambda: crowd.told_seat > sold, 30)
    return time.monotonic() - begun if crowd.runs else 0.0


def statuses(crowd: Crowd) -> str:
    return ", ".join(f"{count}×{status or 'nothing'}" for status, count in sorted(crowd.statuses.items()))
