"""Faults put between a process and its kernel: strace for system calls, libfaketime for the clock, a proxy for the net."""

import asyncio
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from bench.faults.cluster import Missing
from bench.faults.tree import ROOT

CALLS = "pwrite64,fdatasync,fsync"
WRITE, FLUSH = "pwrite64", "fdatasync,fsync"
"""How SQLite writes and flushes; which call flushes depends on how it was built."""
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"

SLEEP = """
import select
import time


def sleep(seconds):
    select.select([], [], [], seconds)


time.sleep = sleep
"""
"""What Python's own sleep is replaced by: libfaketime breaks the system call it uses."""


def need_strace() -> None:
    """Raise ``Missing`` where strace is not installed, or may not look at our own processes."""
    if shutil.which("strace") is None:
        raise Missing("strace is not installed")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        raise Missing("strace may not trace here")


@contextmanager
def injected(pid: int, *rules: str) -> Iterator[subprocess.Popen[str]]:
    """Attach strace to a process and its threads with these rules (``fsync:error=EIO``); leaving detaches it."""
    words = [word for rule in rules for word in ("-e", f"inject={rule}")]
    # A call that is not traced is not injected either, and strace says nothing about it.
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}", *words, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 10
    while not is_traced(pid):
        if tracer.poll() is not None or time.monotonic() > until:
            tracer.kill()
            raise RuntimeError(f"strace did not attach: {tracer.stderr.read() if tracer.stderr else ''}")
        time.sleep(0.01)
    try:
        yield tracer
    finally:
        tracer.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            tracer.wait(5)
        tracer.kill()
        tracer.wait()


def is_traced(pid: int) -> bool:
    """Tell whether every thread of a process has a tracer."""
    with suppress(OSError):
        threads = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
        return bool(threads) and all("TracerPid:\t0\n" not in text for text in threads)
    return False


class FakeClock:
    """A clock of the machine that can be set while processes run; clocks that only count (monotonic) go on."""

    def __init__(self, place: Path) -> None:
        """Find libfaketime; ``place`` is the file that says how far the clock is off."""
        library = next(iter(sorted(Path("/").glob(FAKETIME.lstrip("/")))), None)
        if library is None:
            raise Missing("libfaketime is not installed")
        self._place = place
        place.parent.mkdir(parents=True, exist_ok=True)
        place.with_name("sitecustomize.py").write_text(SLEEP, encoding="utf-8")
        self.step("+0")
        self.env = {
            "LD_PRELOAD": str(library),
            "PYTHONPATH": f"{place.parent}:{ROOT}",
            "FAKETIME_TIMESTAMP_FILE": str(place),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, offset: str) -> None:
        """Set the clock to so far from the true time, at once for all processes: ``+300`` seconds, ``-300``."""
        draft = self._place.with_suffix(".new")
        draft.write_text(f"{offset}\n", encoding="ascii")
        draft.replace(self._place)


class Proxy:
    """A way to the server on which answers get lost: the request arrives whole, its answer not at all or in half."""

    def __init__(self, *, port: int, to: int, share: float, dice: random.Random) -> None:
        """Listen at ``port`` and lose this share of answers."""
        self._port, self._to, self._share, self._dice = port, to, share, dice
        self._server: asyncio.Server | None = None
        self.lost = 0

    async def __aenter__(self) -> Self:
        """Begin."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port, backlog=1024)
        return self

    async def __aexit__(self, *_error: object) -> None:
        """End."""
        if self._server is not None:
            self._server.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, ValueError):
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._to)
            to_server.write(head + body)
            answer = await from_server.readuntil(b"\r\n\r\n")
            answer += await from_server.readexactly(_length(answer))
            to_server.close()
            if self._dice.random() < self._share:
                self.lost += 1
                answer = answer[: self._dice.choice([0, len(answer) // 2])]
            writer.write(answer)
            await writer.drain()
        writer.close()


def _length(head: bytes) -> int:
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0
