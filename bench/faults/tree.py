"""A whole Kaiying of its own: its data folder, its processes, and the ways to end them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.gate.machine import descendants

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 90.0
PRODUCT = "kaiying.config.asgi:application"
TWIN = "bench.faults.twins:application"

OWN = """
from kaiying.people.actions import become_owner, issue_owner_link
from kaiying.people.models import User
from kaiying.wire import clock
at = clock.now()
secret = issue_owner_link(at=at).rstrip("/").rpartition("/")[2]
become_owner(secret=secret, user=User.objects.create_user("owner@example.org", name="Owner"), at=at)
print(0)
"""


@dataclass
class Tree:
    """The service on one data folder, started as a user would, or with one protection taken away (``twin``)."""

    data: Path
    port: int
    twin: str = ""
    database_url: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    with_tasks: bool = True
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address it answers at."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment of its processes: ours, without what belongs to another install."""
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("KAIYING_", "DJANGO_", "PYTEST"))
        }
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        own = {"KAIYING_DATA": str(self.data), "KAIYING_URL": self.url, "NO_COLOR": "1", "FAULTS_TWIN": self.twin}
        if self.database_url:
            own["KAIYING_DATABASE_URL"] = self.database_url
        own |= {"DJANGO_SETTINGS_MODULE": "kaiying.config.settings", "PYTHONPATH": str(ROOT)}
        return kept | own | self.extra

    @property
    def log(self) -> str:
        """What its processes said."""
        return (self.data.parent / "up.log").read_text(encoding="utf-8", errors="replace")

    @property
    def sqlite(self) -> Path:
        """Its database file, if it has one."""
        return self.data / "kaiying.sqlite3"

    def prepare(self, template: Path | None = None) -> None:
        """Make the data folder: from a template, or by migrating an empty database."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if template is not None:
            shutil.copytree(template, self.data)
            self._is_a_copy()
            return
        self.data.mkdir(parents=True, exist_ok=True)
        for words in (["migrate", "-v", "0"], ["createcachetable"], ["collectstatic", "--no-input", "-v", "0"]):
            self._run("-m", "django", *words)

    def _is_a_copy(self) -> None:
        """Let the next start know that the copied file is the one that was prepared."""
        stamp = self.data / "run" / "prepared.json"
        if stamp.exists():
            facts = json.loads(stamp.read_text(encoding="utf-8"))
            facts["file"] = self.sqlite.stat().st_ino
            stamp.write_text(json.dumps(facts), encoding="utf-8")

    def script(self, code: str, **facts: Any) -> Any:
        """Run code inside the house, with ``facts``; it prints JSON, which is returned."""
        before = f"import json, os, django\ndjango.setup()\nfacts = json.loads({json.dumps(json.dumps(facts))})\n"
        return json.loads(self._run("-c", before + code).strip().splitlines()[-1])

    def own(self) -> None:
        """Make somebody the owner, as after an install: from then on a start has nothing to prepare."""
        self.script(OWN)

    def _run(self, *words: str) -> str:
        env = {name: value for name, value in self.env.items() if name not in {"LD_PRELOAD", "FAULTS_TWIN"}}
        done = subprocess.run([sys.executable, *words], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout

    def start(self, *, wait: bool = True) -> None:
        """Start the processes: ``kaiying up``, or its two commands by hand where a wrapper has to stand around them."""
        self._port_is_free()
        if self.twin or self.prefix or not self.with_tasks:
            granian = ["--interface", "asginl", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
            granian += ["--respawn-failed-workers", "--workers-kill-timeout", "10", "--no-ws", "--log-level", "warning"]
            web = [sys.executable, "-m", "granian", *granian, TWIN if self.twin else PRODUCT]
            self._spawn([*self.prefix, *web])
            if self.with_tasks:
                self._spawn([sys.executable, "-m", "django", "work"])
        else:
            self._spawn([sys.executable, "-m", "kaiying.config.cli", "up", "--port", str(self.port)])
        if wait:
            self.wait()

    def _port_is_free(self) -> None:
        """Wait for the port of processes that were killed; an answer from somebody else's would be taken for ours."""
        until = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", self.port))
                except OSError:
                    if time.monotonic() > until:
                        raise RuntimeError(f"port {self.port} is taken") from None
                    time.sleep(0.05)
                else:
                    return

    def _spawn(self, command: Sequence[str]) -> None:
        with (self.data.parent / "up.log").open("a") as log:
            self.processes.append(
                subprocess.Popen(
                    command,
                    env=self.env,
                    cwd=ROOT,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )

    def is_well(self, path: str = "/healthz") -> bool:
        """Tell whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=1) as answer:  # noqa: S310 — ours
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.is_well():
                return
            if any(process.poll() is not None for process in self.processes):
                break
            time.sleep(0.05)
        raise RuntimeError(f"it did not come up: {self.log[-2000:]}")

    def pids(self) -> list[int]:
        """Return every process of the tree."""
        roots = [process.pid for process in self.processes if process.poll() is None]
        return roots + [pid for root in roots for pid in descendants(root)]

    def worker(self) -> int:
        """Return the process that serves: the newest below granian that holds the port."""
        wanted = f":{self.port:04X} "
        inodes = {
            line.split()[9]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if wanted in f"{line.split()[1]} " and line.split()[3] == "0A"
        }
        holders = []
        for pid in self.pids():
            with suppress(OSError):
                links = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
                if links & {f"socket:[{inode}]" for inode in inodes} and self._has_database(links):
                    holders.append(pid)
        if not holders:
            raise RuntimeError("no process serves")
        return max(holders)

    def _has_database(self, links: set[str]) -> bool:
        return bool(self.database_url) or any(link.startswith(str(self.sqlite)) for link in links)

    def kill(self) -> None:
        """Kill the whole tree at once, as a power button would; whoever only loses its parent would end in good order."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.processes.clear()

    def stop(self) -> None:
        """End it politely, then firmly."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + 15
        while time.monotonic() < until and any(process.poll() is None for process in self.processes):
            time.sleep(0.05)
        self.kill()
