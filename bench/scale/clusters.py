"""Two PostgreSQL servers of our own, one following the other over a network that can be cut."""

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.faults.cluster import OWNER, Cluster, tool
from bench.gate.machine import tree

MANY = 100


@dataclass
class Replicated(Cluster):
    """A server with settings of its own, that may follow another."""

    settings: tuple[str, ...] = ()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        said = (
            f"unix_socket_directories={self.folder}",
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            *self.settings,
        )
        options = " ".join(f"-c {one}" for one in said)
        self._run(tool("pg_ctl"), "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def follow(self, port: int, *, name: str) -> None:
        """Copy the server at ``port`` and follow it under ``name``."""
        self.folder.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, OWNER, OWNER)
        place = f"host=127.0.0.1 port={port} user=postgres application_name={name}"
        self._run(
            tool("pg_basebackup"), "-D", str(self.data), "-d", place, "-R", "-X", "stream", "-c", "fast", "--no-sync"
        )
        self.start()

    def promote(self) -> None:
        """Make it the primary."""
        self._run(tool("pg_ctl"), "-D", str(self.data), "-w", "promote")

    @property
    def postmaster(self) -> int:
        """The process all others descend from."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """End every process of it at once, as when the machine loses its power."""
        for pid in tree(self.postmaster):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def is_running(self) -> bool:
        """Tell whether it still runs."""
        try:
            return Path(f"/proc/{self.postmaster}").exists()
        except OSError:
            return False


class Cable:
    """Carries bytes between two ports until it is cut; what is under way then is lost."""

    def __init__(self, *, port: int, to: int) -> None:
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", port))
        self._plugs = [self._listening]
        self._whole = threading.Event()
        self._whole.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Carry nothing any more, and say so to nobody: that is how a cable breaks."""
        self._whole.clear()

    def end(self) -> None:
        """Close everything."""
        self.cut()
        for plug in self._plugs:
            with suppress(OSError):
                plug.shutdown(socket.SHUT_RDWR)
            plug.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here = self._listening.accept()[0]
                there = socket.create_connection(("127.0.0.1", self._to))
                self._plugs += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 18):
                if not self._whole.is_set():
                    return
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


@contextmanager
def pair(folder: Path, *, port: int, synchronous: bool) -> Iterator[tuple[Replicated, Replicated, Cable]]:
    """Run a primary at ``port`` and its standby at the next one; raises ``Missing`` without PostgreSQL."""
    tool("pg_basebackup")
    base = ("max_connections=100", "shared_buffers=64MB", "wal_level=replica", "fsync=on")
    primary, standby = (
        Replicated(folder / name, port + place, base) for place, name in enumerate(("primary", "standby"))
    )
    with ExitStack() as stack:
        stack.callback(_stop, primary)
        primary.create()
        cable = Cable(port=port + 2, to=port)
        stack.callback(cable.end)
        stack.callback(_stop, standby)
        standby.follow(port + 2, name="b")
        if synchronous:
            _order(primary, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (b)'")
            _order(primary, "SELECT pg_reload_conf()")
        _wait_for_standby(primary, "quorum" if synchronous else "async")
        yield primary, standby, cable


def _stop(server: Replicated) -> None:
    if server.is_running():
        server.stop()


def _order(server: Replicated, statement: str) -> None:
    import psycopg

    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def _wait_for_standby(primary: Replicated, how: str) -> None:
    import psycopg

    with psycopg.connect(primary.url(), autocommit=True) as connection:
        for _ in range(MANY):
            rows = connection.execute("SELECT state, sync_state FROM pg_stat_replication").fetchall()
            if rows == [("streaming", how)]:
                return
            time.sleep(0.1)
    raise RuntimeError(f"the standby does not follow: {rows}")
