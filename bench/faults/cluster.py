"""A PostgreSQL of our own, which a case may stop and start: never the one that others use."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
OWNER = "postgres"


class Missing(Exception):
    """A tool this case needs is not there; the case is left out, and says so."""


def tool(name: str) -> str:
    """Return the path of one of PostgreSQL's programs."""
    found = next((str(place / name) for place in PLACES if (place / name).exists()), None) or shutil.which(name)
    if found is None:
        raise Missing(f"{name} of PostgreSQL is not installed")
    return found


@dataclass
class Cluster:
    """One server on a folder and a port of its own, run by somebody without rights."""

    folder: Path
    port: int

    def create(self) -> None:
        """Make the folder and start."""
        if shutil.which("setpriv") is None and os.geteuid() == 0:
            raise Missing("setpriv is not installed, and PostgreSQL does not run as root")
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise Missing("psycopg is not installed") from None
        self.folder.mkdir(parents=True)
        if os.geteuid() == 0:
            for place in (self.folder, *self.folder.parents):
                if place == Path("/tmp"):  # noqa: S108 — only to know where to stop
                    break
                place.chmod(place.stat().st_mode | 0o055)
            shutil.chown(self.folder, OWNER, OWNER)
        self._run(tool("initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync")
        self.start()

    @property
    def data(self) -> Path:
        """Where it keeps everything."""
        return self.folder / "data"

    def url(self, name: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c unix_socket_directories={self.folder} -c listen_addresses=127.0.0.1"
        self._run(tool("pg_ctl"), "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop it; ``immediate`` is a crash: it recovers from its log at the next start."""
        self._run(tool("pg_ctl"), "-D", str(self.data), "-m", how, "-w", "stop")

    def make(self, name: str, *, template: str = "template0") -> str:
        """Create a database and return its address."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def _run(self, *command: str) -> None:
        drop = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"] if os.geteuid() == 0 else []
        with (self.folder / "commands.log").open("a") as log:
            done = subprocess.run([*drop, *command], stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, check=False)
        if done.returncode:
            raise RuntimeError((self.folder / "commands.log").read_text()[-2000:])
