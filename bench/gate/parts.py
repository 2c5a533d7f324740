"""Where the CPU time of a claim goes: the product's own parts, driven in this process without a server.

``python -m bench.gate.parts OFFER PASSES`` prints µs a claim as JSON. Time is CPU time of the thread that does the
part, so a busy machine disturbs it little. Each part is measured by leaving out what comes after it.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

WAITING = 64
COUNT = 8_000
DATABASE_CALLS = {"execute", "executemany", "fetchall", "fetchone", "commit", "close", "executescript"}


class Driver:
    """Calls the application as a server would."""

    def __init__(self, app: Any, offer: str, passes: list[str]) -> None:
        self._app, self._offer, self._passes = app, offer, passes
        self.next = 1
        self.statuses: set[int] = set()

    async def _one(self, who: int) -> None:
        body = json.dumps(
            {"offer": self._offer, "max_price": 9_900, "key": f"part-{who:09}"}, separators=(",", ":")
        ).encode()
        headers = [
            (b"host", b"127.0.0.1:8000"),
            (b"origin", b"http://127.0.0.1:8000"),
            (b"content-type", b"application/json"),
            (b"cookie", b"ky_pass=" + self._passes[who - 1].encode()),
            (b"content-length", b"%d" % len(body)),
        ]
        scope = {
            "type": "http", "method": "POST", "path": "/gate/claims", "query_string": b"", "headers": headers,
            "client": ("127.0.0.1", 9), "scheme": "http", "http_version": "1.1",
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if "status" in message:
                self.statuses.add(message["status"])

        await self._app(scope, receive, send)

    async def play(self, count: int) -> float:
        """Have so many ask, ``WAITING`` at a time; returns µs of the loop's thread for each."""
        first, self.next = self.next, self.next + count
        todo = iter(range(first, first + count))

        async def caller() -> None:
            for who in todo:
                await self._one(who)

        begun = time.thread_time()
        await asyncio.gather(*(caller() for _ in range(WAITING)))
        return (time.thread_time() - begun) / count * 1e6


class Clocked:
    """A commit whose thread's CPU time is counted."""

    def __init__(self, commit: Callable[[list[Any]], Any]) -> None:
        self._commit = commit
        self.seconds, self.items, self.batches = 0.0, 0, 0

    def __call__(self, items: list[Any]) -> Any:
        """Commit, and count."""
        begun = time.thread_time()
        try:
            return self._commit(items)
        finally:
            self.seconds += time.thread_time() - begun
            self.items += len(items)
            self.batches += 1


async def measure(offer: str, passes: list[str]) -> dict[str, float]:
    """Return µs a claim by part."""
    from kaiying.config.asgi import application
    from kaiying.gate.claims import commit
    from kaiying.offers.vocabulary import Taken
    from kaiying.wire import clock
    from kaiying.wire.batcher import Batcher

    until = clock.now() + timedelta(hours=1)

    def taken(item: Any) -> Taken:
        return Taken(1, item.offer_id, item.learner_id, 1, 0, 9_900, "held", until, is_new=True)

    class AtOnce:
        """Stands for a batcher."""

        is_full = False

        async def ask(self, item: Any, *, patience: float) -> Taken:  # noqa: ARG002 — as a batcher is asked
            return taken(item)

    driver = Driver(application, offer, passes)
    await driver.play(1)
    await asyncio.sleep(1.5)  # the waiting room opens
    await driver.play(400)
    application.claims._queue = AtOnce()
    edge = await driver.play(COUNT)
    none: Batcher[Any, Any] = Batcher(lambda items: [taken(item) for item in items], limit=512)
    application.claims._queue = none
    grouped = await driver.play(COUNT)
    clocked = Clocked(commit)
    real: Batcher[Any, Any] = Batcher(clocked, limit=512)
    application.claims._queue = real
    await driver.play(COUNT)
    await none.close()
    await real.close()
    assert driver.statuses <= {200, 201}, driver.statuses
    ledger = clocked.seconds / clocked.items * 1e6
    return {
        "gate: pass, body, brakes, door, reply": edge,
        "group commit: entry, future, wake-up": grouped - edge,
        "ledger: decide and write": ledger,
        "claims in a batch": clocked.items / clocked.batches,
    }


def database_share(offer: str) -> float:
    """Return the share of a batch's time that is spent inside the database, not in Python around it."""
    import cProfile
    import pstats

    from kaiying.gate.claims import commit
    from kaiying.offers.models import Offer
    from kaiying.offers.vocabulary import ClaimRequest

    offer_id = Offer.objects.get(slug=offer).pk
    batches = [
        [ClaimRequest(offer_id, who, 9_900, f"share-{who:09}") for who in range(start, start + WAITING)]
        for start in range(40_001, 44_000, WAITING)
    ]
    commit(batches.pop())
    profile = cProfile.Profile()
    begun = time.perf_counter()
    profile.enable()
    for batch in batches:
        commit(batch)
    profile.disable()
    took = time.perf_counter() - begun
    calls: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    inside = sum(
        row[2]
        for (_file, line, name), row in calls.items()
        if line == 0 and any(f"'{call}'" in name for call in DATABASE_CALLS)
    )
    return inside / took


def main() -> None:
    """Measure and print."""
    offer, path = sys.argv[1:]
    passes = [line.rpartition("\t")[2] for line in Path(path).read_text(encoding="ascii").splitlines()]
    said = asyncio.run(measure(offer, passes))
    said["share of the database in the ledger"] = database_share(offer)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
