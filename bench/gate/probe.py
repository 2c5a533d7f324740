"""Watches a server while it is under load: how long a page takes, how much memory it holds."""

import http.client
import threading
import time
from types import TracebackType
from typing import Self

from bench.gate.servers import Server

EACH_SECOND = 4


class Probe:
    """Asks for a page some times a second and samples memory once a second, until the block ends."""

    def __init__(self, server: Server, path: str) -> None:
        self._server, self._path = server, path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.times: list[float] = []
        self.memory: list[float] = []
        self.failed = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        turn = 0
        while not self._over.wait(1 / EACH_SECOND):
            self._ask()
            if turn % EACH_SECOND == 0:
                self.memory.append(self._server.memory())
            turn += 1

    def _ask(self) -> None:
        asked = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=20)
        begun = time.monotonic()
        try:
            asked.request("GET", self._path)
            answer = asked.getresponse()
            answer.read()
            fine = answer.status == http.HTTPStatus.OK
        except OSError:
            fine = False
        finally:
            asked.close()
        self.failed += not fine
        self.times.append((time.monotonic() - begun) * 1000)

    def slow(self, share: float) -> float:
        """Return the time, in ms, within which this share of pages came."""
        ranked = sorted(self.times)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0
