"""Starts writers and fronts as an operator does, and ends them, politely or by kill -9."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gate.databases import ROOT, Database
from bench.gate.machine import tree
from bench.gate.servers import OPEN, Server, _wait

PATIENCE = 30.0
KAIYING = [sys.executable, "-m", "kaiying.config.cli"]


@dataclass(slots=True)
class Process:
    """One command of the product that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    def pids(self) -> list[int]:
        """Return it and its children."""
        return tree(self.process.pid)

    def kill(self) -> None:
        """End it and its children as a power cut would."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def end(self) -> None:
        """Ask it to end, and make sure."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def started(database: Database, *words: str, name: str, **more: str) -> Process:
    """Start a command of the product."""
    log = Path(database.data, f"{name}.log")
    environment = database.environment(**OPEN, **more)
    with log.open("ab") as lines:
        process = subprocess.Popen(
            [*KAIYING, *words], env=environment, cwd=ROOT, stdout=lines, stderr=lines, start_new_session=True
        )
    return Process(process, log)


def says(process: Process, text: str, *, seconds: float = PATIENCE) -> None:
    """Wait until a process has said something."""
    until = time.monotonic() + seconds
    while text not in process.log.read_text():
        if process.process.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"It did not say “{text}”:\n{process.log.read_text()[-3000:]}")
        time.sleep(0.02)


@contextmanager
def writer(database: Database, *, name: str = "writer", listen: str = "", **more: str) -> Iterator[Process]:
    """Run a writer."""
    words = ["--listen", listen] if listen else []
    process = started(database, "writer", *words, name=name, **more)
    try:
        says(process, "listens at")
        yield process
    finally:
        process.end()


@contextmanager
def fronts(database: Database, *, port: int, workers: int, writer: str = "", **more: str) -> Iterator[Server]:
    """Run fronts on one port."""
    words = ["front", "--port", str(port), "--workers", str(workers), *(["--writer", writer] if writer else [])]
    process = started(database, *words, name=f"front-{port}", KAIYING_URL=f"http://127.0.0.1:{port}", **more)
    try:
        _wait(port, process.process, process.log)
        yield Server(port, [process.process.pid], database)
    finally:
        process.end()
