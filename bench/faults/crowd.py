"""Buyers over raw streams: each asks with one key until there is an answer, and writes down what happened."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.faults.sale import PRICES, SLUG, Sale, dice
from bench.gate.history import Operation

PATIENCE = 8.0
WAIT = "wait_in_line"
"""Not yet: the turn that came with it has to be shown when asking again."""
FINAL = {200, 201, 409, 412, 422}
UNKNOWN: "Reply" = (0, {}, {})

type Reply = tuple[int, dict[str, str], dict[str, Any]]
"""Status, headers and body; status 0 for an outcome nobody knows."""
type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Crowd:
    """Everybody who asks, with the same habits."""

    sale: Sale
    port: int
    seed: int
    within: float = 90.0
    at_once: int = 24
    over: float = 0.0
    rich: float = 0.9
    pause: tuple[float, float] = (0.05, 0.3)
    most_retry_after: float = 1.0
    patience: float = PATIENCE
    answered: set[int] = field(default_factory=set)
    told_seat: int = 0
    runs: bool = True
    time_is_left: bool = True
    until: float = 0.0
    in_turns: bool = False
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    statuses: dict[int, int] = field(default_factory=dict)
    without_retry_after: int = 0
    nobody_there: int = 0
    turns: dict[int, str] = field(default_factory=dict)
    goes_on: Callable[[Operation], bool] = lambda _told: False

    def let_in(self, count: int) -> None:
        """Let so many more begin, where they wait for their turn."""
        for _ in range(count):
            self.turn.release()

    async def see(self, happens: Callable[[], bool], patience: float) -> None:
        """Wait until something happens, time is over, or nobody asks any more."""
        until = time.monotonic() + patience
        while not happens() and self.runs and time.monotonic() < until:  # noqa: ASYNC110 — many things to wait for
            await asyncio.sleep(0.005)

    async def buy(self, who: int, token: str, *, max_price: int = PRICES[-1]) -> None:
        """Ask for a seat, again and again with one key, until the answer is final."""
        rolls = dice(self.seed, who)
        n = 0
        while time.monotonic() < self.until:
            try:
                streams = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:  # nobody is there, so nothing was asked
                self.nobody_there += 1
                await asyncio.sleep(rolls.uniform(*self.pause))
                continue
            n += 1
            told, headers = await self.ask(streams, who, token, n=n, key=f"rush-key-{who}", max_price=max_price)
            self.sale.history.append(told)
            self.told_seat += told.has_seat
            if told.status in FINAL and told.code != WAIT and not self.goes_on(told):
                self.answered.add(who)
                return
            pause = rolls.uniform(*self.pause)
            if told.status in {429, 503} or told.code == WAIT:
                self.without_retry_after += "retry-after" not in headers
                asked = float(headers.get("retry-after", 0))
                pause = max(pause, min(asked, self.most_retry_after) * rolls.uniform(0.5, 1))
            await asyncio.sleep(pause)

    async def ask(
        self, streams: Streams, who: int, token: str, *, n: int, key: str, max_price: int
    ) -> tuple[Operation, dict[str, str]]:
        """Ask once; whatever breaks on the way is an unknown outcome."""
        t0 = time.monotonic()
        try:
            async with asyncio.timeout(self.patience):
                cookie = f"{token}{self.turns.get(who, '')}"
                status, headers, said = await self._post(
                    streams, cookie, {"offer": SLUG, "max_price": max_price, "key": key}
                )
        except (OSError, TimeoutError, ValueError, EOFError):
            status, headers, said = UNKNOWN
        if "set-cookie" in headers:
            self.turns[who] = f"; {headers['set-cookie'].partition(';')[0]}"
        self.statuses[status] = self.statuses.get(status, 0) + 1
        told = Operation(
            who=who,
            n=n,
            key=key,
            max_price=max_price,
            t0=t0,
            t1=time.monotonic(),
            status=0 if status >= 500 and status != 503 else status,  # a server that broke may have written
            code=said.get("code", ""),
            seat=said.get("seat"),
            price=said.get("price"),
        )
        return told, headers

    async def _post(self, streams: Streams, token: str, body: dict[str, object]) -> Reply:
        raw = json.dumps(body).encode()
        reader, writer = streams
        try:
            writer.write(
                f"POST /gate/claims HTTP/1.1\r\nHost: 127.0.0.1:{self.sale.tree.port}\r\n"
                f"Origin: {self.sale.tree.url}\r\nCookie: ky_pass={token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(raw)}\r\nConnection: close\r\n\r\n".encode()
                + raw
            )
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            said = await reader.readexactly(int(headers.get("content-length", 0)))
        finally:
            writer.close()
        return int(head[0].split()[1]), headers, json.loads(said or b"{}")

    async def everybody(self) -> None:
        """Let all buyers come, ``at_once`` of them at the same time, spread over ``over`` seconds if that is given."""
        gate = asyncio.Semaphore(self.at_once)
        self.until = time.monotonic() + self.within

        async def come(who: int, token: str, after: float, most: int) -> None:
            await asyncio.sleep(after)
            if self.in_turns:
                await self.turn.acquire()
            async with gate:
                await self.buy(who, token, max_price=most)

        rolls = self.sale.dice
        visits = []
        for who, token in self.sale.people:
            most = PRICES[-1] if rolls.random() < self.rich else PRICES[0]
            visits.append(asyncio.create_task(come(who, token, rolls.uniform(0, self.over), most)))
        try:
            await asyncio.gather(*visits)
        finally:
            self.runs = False
