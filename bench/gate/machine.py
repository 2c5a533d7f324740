"""What the machine spends: CPU time and memory of processes, from ``/proc``."""

import os
import platform
import resource
from contextlib import suppress
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
FILES = 65_536


def raise_limits() -> int:
    """Let this process and its children open as many files as they may; returns how many that is."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (max(FILES, hard), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, OSError):
            continue
        return wanted
    return hard


def descendants(pid: int) -> list[int]:
    """Return every process below ``pid``."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                below.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        children = below.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it and live."""
    return [pid, *descendants(pid)]


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU a process has used, user and system; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_of(pid: int) -> float:
    """Return the megabytes a process holds in memory; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20
    except OSError:
        return 0.0


class Spent:
    """CPU of some processes since it was made; those that began later count from their beginning."""

    def __init__(self, pids: list[int]) -> None:
        self._before = {pid: cpu_of(pid) for pid in pids}

    def seconds(self, pids: list[int]) -> float:
        """Return what they spent, and what those of before spent that still live."""
        return sum(cpu_of(pid) - self._before.get(pid, 0.0) for pid in {*pids, *self._before} if cpu_of(pid))


class Stolen:
    """The share of the processors' time that the host of a virtual machine kept for others since this was made."""

    def __init__(self) -> None:
        self._before = _processors()

    def share(self) -> float:
        """Return it; 0 where nobody tells."""
        busy, stolen = (now - before for now, before in zip(_processors(), self._before, strict=True))
        return stolen / (busy + stolen) if busy + stolen else 0.0


def _processors() -> tuple[int, int]:
    """Return the ticks in which the processors worked for us, and in which they should have and did not."""
    user, nice, system, _idle, _wait, irq, softirq, stolen = map(
        int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    )
    return user + nice + system + irq + softirq, stolen


def described() -> str:
    """Describe the machine in general terms."""
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE / 2**30
    busy = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores ({platform.machine()}, {platform.system()}), {memory:.0f} GB, load {busy:.1f} at the start,"
        f" Python {platform.python_version()}; load generator and databases on the same cores"
    )
