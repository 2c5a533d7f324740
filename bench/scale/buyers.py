"""Buyers who ask until they know: over real connections, again with the same key after a 503, with a history."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

from bench.gate.history import Operation

KNOWN = {200, 201}
ASK_AGAIN = {0, 429, 500, 502, 503}
PAUSE = (0.05, 0.2)


@dataclass(slots=True)
class Crowd:
    """Buyers of one offer at one or more fronts."""

    offer: str
    passes: list[str]
    """``passes[who - 1]`` is the pass of ``who``."""
    port_of: Callable[[int], int]
    max_price: int = 9_900
    patience: float = 60.0
    history: list[Operation] = field(default_factory=list)

    async def ask(self, people: Iterable[int], *, connections: int, until: float = float("inf")) -> None:
        """Have everybody ask, so many at a time, until each knows or ``until`` (monotonic) has come."""
        queue = iter(people)

        async def one_after_another() -> None:
            lines: dict[int, Line] = {}
            for who in queue:
                if time.monotonic() > until:
                    break
                port = self.port_of(who)
                await self._until_known(who, lines.setdefault(port, Line(port)))
            for line in lines.values():
                line.hang_up()

        await asyncio.gather(*(one_after_another() for _ in range(connections)))

    async def _until_known(self, who: int, line: "Line") -> None:
        key, give_up = f"scale-{who:09}", time.monotonic() + self.patience
        body = json.dumps({"offer": self.offer, "max_price": self.max_price, "key": key}).encode()
        n = 0
        while time.monotonic() < give_up:
            n += 1
            begun = time.monotonic()
            status, said = await line.post(body, self.passes[who - 1])
            seat, price, code = said.get("seat"), said.get("price"), said.get("code", "")
            lost = status in {0, 500} or code == "unknown"
            done = Operation(
                who, begun, time.monotonic(), 0 if lost else status, n=n, key=key, max_price=self.max_price,
                code="" if lost else code, seat=seat, price=price if status in KNOWN else None,
            )  # fmt: skip
            self.history.append(done)
            if status not in ASK_AGAIN:
                return
            await asyncio.sleep(random.uniform(*PAUSE))  # noqa: S311 — dice

    @property
    def told(self) -> dict[int, tuple[int, int]]:
        """Return seat and price of everyone who was told one."""
        return {one.who: (one.seat or 0, one.price or 0) for one in self.history if one.has_seat}

    @property
    def unsettled(self) -> int:
        """Count those who do not know what became of their last try."""
        last = {one.who: one for one in self.history}
        return sum(one.is_unknown or one.status in ASK_AGAIN for one in last.values())

    def gap(self, since: float) -> float:
        """Return the longest time without any new seat, from ``since`` (monotonic) on."""
        moments = sorted([since, *(one.t1 for one in self.history if one.status == 201 and one.t1 > since)])
        return max((after - before for before, after in pairwise(moments)), default=0.0)


class Line:
    """One connection to one port, made anew when it was lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes, cookie: str) -> tuple[int, dict[str, object]]:
        """Ask for a seat; status 0: nobody knows."""
        try:
            async with asyncio.timeout(15):
                return await self._post(body, cookie)
        except (OSError, EOFError, TimeoutError, ValueError):
            self.hang_up()
            return 0, {}

    async def _post(self, body: bytes, cookie: str) -> tuple[int, dict[str, object]]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        host = f"127.0.0.1:{self._port}"
        writer.write(
            f"POST /gate/claims HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n"
            f"Content-Type: application/json\r\nCookie: ky_pass={cookie}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        return int(head.split(" ", 2)[1]), json.loads(await reader.readexactly(length))

    def hang_up(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            with suppress(OSError):
                self._streams[1].close()
            self._streams = None
