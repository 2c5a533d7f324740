"""Signs the entry passes of the people of a run; as many processes as there are cores share the work."""

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.gate.databases import SECRET

EACH = 25_000


def _sign(part: range) -> list[str]:
    from kaiying.wire import passes
    from kaiying.wire.entry import entry_pass

    passes.configure(SECRET)
    return [entry_pass(who) for who in part]


class Passes:
    """Passes of people 1, 2, 3, …, signed when they are first wanted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signed: list[str] = []

    def first(self, count: int) -> list[str]:
        """Return at least ``count`` passes; the first is that of person 1."""
        had = len(self._signed)
        if count > had:
            parts = [range(start, min(start + EACH, count + 1)) for start in range(had + 1, count + 1, EACH)]
            with ProcessPoolExecutor(os.cpu_count()) as pool:
                for signed in pool.map(_sign, parts):
                    self._signed += signed
        return self._signed
