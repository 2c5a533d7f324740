"""People who ask slowly and pages that only listen: ``python -m bench.gate.crowd PORT SLOW STREAMS``.

Half of the slow ones dawdle over their headers, half over their body: a byte a second. When all are connected it says
``ready``; when its input ends it says how many still are.
"""

import asyncio
import json
import sys

from bench.gate.databases import SECRET
from bench.gate.load import CLAIMS

HEAD = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
SLOWLY = 1.0


class Crowd:
    """All of them, in one process."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.alive = {"headers": 0, "bodies": 0, "streams": 0}
        self.streaming = 0

    async def dawdle(self, over: str) -> None:
        """Send a claim a byte a second; begin again when the server has had enough."""
        from kaiying.wire.entry import entry_pass

        head = HEAD.format(path=CLAIMS, port=self.port) + f"Cookie: ky_pass={entry_pass(1)}\r\n"
        rest = "Content-Length: 60\r\n\r\n" if over == "bodies" else "X-Slow: "
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.alive[over] += 1
            writer.write((head + rest).encode())
            try:
                while not reader.at_eof():
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(SLOWLY)
            except OSError:
                pass
            finally:
                self.alive[over] -= 1
                writer.close()

    async def listen(self, who: int) -> None:
        """Open a stream on which nothing will be told, and keep it."""
        from kaiying.wire import clock
        from kaiying.wire.entry import entry_pass
        from kaiying.wire.tickets import events_ticket

        ticket = events_ticket(["offer:999999"], user_id=who, at=clock.now())
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"GET /events?ticket={ticket} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        writer.write(f"{head}Cookie: ky_pass={entry_pass(who)}\r\n\r\n".encode())
        status = await reader.readline()
        if b" 200 " in status:
            self.alive["streams"] += 1
            try:
                while await reader.readline():
                    pass
            finally:
                self.alive["streams"] -= 1
        writer.close()


async def main() -> None:
    """Connect everyone, wait, tell."""
    port, slow, streams = map(int, sys.argv[1:4])
    crowd = Crowd(port)
    tasks = [asyncio.create_task(crowd.dawdle(("headers", "bodies")[place % 2])) for place in range(slow)]
    for who in range(1, streams + 1):
        tasks.append(asyncio.create_task(crowd.listen(who)))
        if who % 50 == 0:
            await asyncio.sleep(0.05)
    for _ in range(100):
        if sum(crowd.alive.values()) >= slow + streams:
            break
        await asyncio.sleep(0.1)
    print(json.dumps(crowd.alive), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(crowd.alive), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    from kaiying.wire import passes

    passes.configure(SECRET)
    asyncio.run(main())
