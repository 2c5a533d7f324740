"""Starts a web process as ``kaiying up`` starts it, and counts what it spends."""

import argparse
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gate.databases import ROOT, Database
from bench.gate.machine import Spent, memory_of, tree

PRODUCT = "kaiying.config.asgi:application"
EMPTY = "bench.gate.apps:empty"
PATIENCE = 30.0
OPEN = {"KAIYING_BRAKE_ACCOUNT": "off", "KAIYING_BRAKE_NETWORK": "off"}
"""What an operator sets so that one network may ask as often as a load generator does."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running tree of processes that listens at a port."""

    port: int
    roots: list[int]
    database: Database

    def pids(self) -> list[int]:
        """Return its processes."""
        return [pid for root in self.roots for pid in tree(root)]

    def spending(self) -> Spent:
        """Begin to count its CPU."""
        return Spent(self.pids())

    def memory(self) -> float:
        """Return the megabytes its largest process holds."""
        return max(map(memory_of, self.pids()))


def command(port: int, app: str = PRODUCT) -> list[str]:
    """Return the command of the web process, with another application in the place of ours."""
    from kaiying.config.commands.up import _web  # what we measure must not drift from what ships

    *words, _ours = _web(argparse.Namespace(host="127.0.0.1", port=port, workers=1))
    return [*words, app]


@contextmanager
def running(
    database: Database, port: int, app: str = PRODUCT, *, words: Sequence[Sequence[str]] = (), **more: str
) -> Iterator[Server]:
    """Run a server until the block ends.

    ``words`` are the commands to start instead, the last of them the one that listens; ``more`` adds to their
    environment.
    """
    _is_free(port)
    environment = database.environment(KAIYING_URL=f"http://127.0.0.1:{port}", **OPEN | more)
    log = Path(database.data, f"server-{port}.log")
    started = []
    try:
        for one in words or [command(port, app)]:
            with log.open("ab") as lines:
                started.append(
                    subprocess.Popen(one, env=environment, cwd=ROOT, stdout=lines, stderr=lines, start_new_session=True)
                )
        _wait(port, started[-1], log)
        yield Server(port, [process.pid for process in started], database)
    finally:
        for process in reversed(started):
            _end(process)


def _is_free(port: int) -> None:
    """Refuse a port that somebody listens at: the server would share it with them, and we would measure both."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SystemExit(f"Something listens at port {port} already; choose another with --port.")


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/healthz")
            asked.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"The server did not come up:\n{log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
