"""Crowds for the races of this room: many threads with a connection each."""

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

THREADS = 8


def rush[T](act: Callable[[T], Any], things: Iterable[T], *, threads: int = THREADS) -> list[Any]:
    """Let ``threads`` threads call ``act`` on all of these at once, each thread on a connection of its own."""
    gate = threading.Barrier(threads)
    shares: list[list[tuple[int, T]]] = [[] for _ in range(threads)]
    for place, thing in enumerate(things):
        shares[place % threads].append((place, thing))

    def run(share: Sequence[tuple[int, T]]) -> list[tuple[int, Any]]:
        try:
            gate.wait(timeout=30)
            return [(place, act(thing)) for place, thing in share]
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        done = [pair for part in pool.map(run, shares) for pair in part]
    return [result for _place, result in sorted(done, key=lambda pair: pair[0])]


def shuffled[T](things: Iterable[T], *, seed: int) -> list[T]:
    """Return these in an order that is the same for the same seed."""
    mixed = list(things)
    random.Random(seed).shuffle(mixed)
    return mixed
