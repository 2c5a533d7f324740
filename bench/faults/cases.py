"""What a case is given, what it brings back, and the house it runs in."""

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.faults.cluster import Cluster
from bench.faults.crowd import Crowd
from bench.faults.sale import Sale, open_sale
from bench.faults.tree import Tree
from bench.gate.history import Verdict

BRAKES_OFF = {"KAIYING_BRAKE_ACCOUNT": "off", "KAIYING_BRAKE_NETWORK": "off"}
"""All buyers come from one address; what the brakes promise is tested elsewhere."""


@dataclass
class Result:
    """One line of the table."""

    verdict: Verdict
    seed: int
    kills: int = 0
    note: str = ""


@dataclass
class Lab:
    """Where a case runs: folders, ports, dice, and whether a protection is taken away."""

    place: Path
    port: int
    seed: int
    full: bool = False
    twin: str = ""
    database: str = "sqlite"
    template: Path | None = None
    cluster: Cluster | None = None
    made: list[Tree] = field(default_factory=list)

    def tree(self, *, data: Path | None = None, **how: Any) -> Tree:
        """Return a tree on a new data folder, and on a new database if that is PostgreSQL."""
        url = ""
        if self.database == "postgresql" and self.cluster is not None:
            url = self.cluster.make(f"case_{len(self.made)}", template="prepared")
        facts = {"twin": self.twin, "database_url": url} | how | {"extra": BRAKES_OFF | how.get("extra", {})}
        tree = Tree(data or self.place / "data", self.port, **facts)
        self.made.append(tree)
        return tree

    def open(self, tree: Tree, *, seats: tuple[int, int], buyers: int, hold: int = 15) -> Sale:
        """Open a sale in the tree."""
        return open_sale(tree, seats=seats, buyers=buyers, seed=self.seed, hold=hold, template=self.template)

    @contextmanager
    def sale(self, *, seats: tuple[int, int], buyers: int, hold: int = 15, **how: Any) -> Iterator[Sale]:
        """Open a sale and start its tree; it ends with the block, and its folder is gone."""
        tree = self.tree(**how)
        try:
            sale = self.open(tree, seats=seats, buyers=buyers, hold=hold)
            tree.start()
            yield sale
        finally:
            tree.stop()
            shutil.rmtree(tree.data, ignore_errors=True)


type Story = Callable[[Crowd], Awaitable[int]]


def play(crowd: Crowd, story: Story) -> int:
    """Let everybody buy while the story goes on; returns what the story does (how often it killed)."""

    async def both() -> int:
        buyers = asyncio.create_task(crowd.everybody())
        try:
            told = await story(crowd)
            await buyers
        finally:
            buyers.cancel()
        return told

    return asyncio.run(both())


async def serving(sale: Sale, patience: float = 15.0) -> int:
    """Return the process that serves and has the database open, as soon as there is one."""
    until = time.monotonic() + patience
    while True:
        try:
            return sale.tree.worker()
        except RuntimeError:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(0.02)


def close(sale: Sale, crowd: Crowd) -> Verdict:
    """Judge, and count against the product also who got no answer, or an answer that does not say what to do."""
    with (sale.tree.data.parent / "history.jsonl").open("w", encoding="utf-8") as lines:
        lines.writelines(f"{json.dumps(asdict(one))}\n" for one in sale.history)
    verdict = sale.judge()
    for who, _token in sale.people:
        if who not in crowd.answered:
            verdict.add("unanswered", f"{who} got no answer within {crowd.within:.0f} s")
    for status, count in crowd.statuses.items():
        if status >= 500 and status != 503:
            verdict.violations["unclear"] += count
            verdict.shown.append(f"unclear: {count} answers of {status}")
    if crowd.without_retry_after:
        verdict.violations["no_retry_after"] += crowd.without_retry_after
    return verdict
