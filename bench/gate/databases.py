"""Fresh databases for the cases: filled once in a run, copied for every case."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gate.machine import Spent
from bench.gate.tables import Tables, read_postgres, read_sqlite

ROOT = Path(__file__).resolve().parents[2]
SECRET = "only-for-the-benchmark-never-for-a-real-install"  # noqa: S105 — signs passes of invented people
SHARED = ("static", "media")
"""Folders that are the same for all: made with the first database."""


@dataclass(frozen=True, slots=True)
class Database:
    """One data folder, and a PostgreSQL database if it has a ``url``."""

    data: Path
    url: str = ""

    @property
    def kind(self) -> str:
        """What to call it in a table."""
        return "PostgreSQL" if self.url else "SQLite"

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self.data / "kaiying.sqlite3"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a process that works on it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KAIYING_")}
        return kept | {
            "KAIYING_DATA": str(self.data),
            "KAIYING_DATABASE_URL": self.url,
            "KAIYING_SECRET_KEY": SECRET,
            "DJANGO_SETTINGS_MODULE": "kaiying.config.settings",
            "PYTHONPATH": str(ROOT),
            **more,
        }

    def tables(self, offer: str) -> Tables:
        """Read the ledger of an offer, without the product."""
        return read_postgres(self.url, offer) if self.url else read_sqlite(self.file, offer)

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement of our own."""
        if self.url:
            import psycopg

            with psycopg.connect(self.url) as connection:
                return connection.execute(statement.encode()).fetchall()
        import sqlite3

        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=20) as connection:
            return connection.execute(statement).fetchall()

    def backends(self) -> list[int]:
        """Return the processes of PostgreSQL that serve this database."""
        if not self.url:
            return []
        rows = self.ask("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return [int(str(pid)) for (pid,) in rows]

    def spending(self) -> Spent:
        """Begin to count the CPU of PostgreSQL."""
        return Spent(self.backends())


class Shelf:
    """Keeps a filled database of each kind and hands out copies."""

    def __init__(self, folder: Path, postgres: str, *, people: int) -> None:
        self._folder, self._postgres, self.people = folder, postgres, people
        self._made: dict[tuple[str, str], Database] = {}
        self._names: list[str] = []
        self._copies = 0

    @property
    def kinds(self) -> list[str]:
        """The kinds of database there are."""
        return ["SQLite", "PostgreSQL"] if self._postgres else ["SQLite"]

    @contextmanager
    def fresh(self, kind: str = "SQLite", *, fill: str = "night", people: int = 0) -> Iterator[Database]:
        """Give a copy of a filled database, gone afterwards."""
        model = self._model(kind, fill, people or self.people)
        self._copies += 1
        data = self._folder / f"copy-{self._copies}"
        self._folder_of(data)
        name = f"kaiying_bench_{os.getpid()}_{self._copies}"
        try:
            if kind == "SQLite":
                shutil.copy(model.file, data)
                yield Database(data)
            else:
                self._administer(f"CREATE DATABASE {name} TEMPLATE {model.url.rpartition('/')[2]}")
                yield Database(data, self._url(name))
                self._administer(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            shutil.rmtree(data, ignore_errors=True)

    def _model(self, kind: str, fill: str, people: int) -> Database:
        known = self._made.get((kind, f"{fill} {people}"))
        if known:
            return known
        data = self._folder / f"{kind}-{fill}-{people}"
        self._folder_of(data)
        name = f"kaiying_bench_{os.getpid()}_{fill}_{len(self._names)}"
        if kind == "PostgreSQL":
            self._administer(f"CREATE DATABASE {name}")
            self._names.append(name)
        made = Database(data, self._url(name) if kind == "PostgreSQL" else "")
        words = [sys.executable, "-m", "bench.gate.fixtures", fill, str(people)]
        subprocess.run(words, check=True, env=made.environment(), cwd=ROOT)
        return self._made.setdefault((kind, f"{fill} {people}"), made)

    def _folder_of(self, data: Path) -> None:
        data.mkdir()
        for name in SHARED:
            (self._folder / name).mkdir(exist_ok=True)
            (data / name).symlink_to(self._folder / name)

    def _url(self, name: str) -> str:
        return f"{self._postgres.rpartition('/')[0]}/{name}"

    def _administer(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._postgres, autocommit=True) as connection:
            connection.execute(statement.encode())

    def clear(self) -> None:
        """Drop what was made on the database server."""
        for name in self._names:
            self._administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        if self._names:
            mine = f"kaiying_bench_{os.getpid()}_%"
            import psycopg

            with psycopg.connect(self._postgres) as connection:
                left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [mine]).fetchall()
            for (name,) in left:
                self._administer(f"DROP DATABASE {name} WITH (FORCE)")
