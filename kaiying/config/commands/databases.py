"""Copy a database while others write to it, and put a copy back."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

from kaiying.config.commands import CannotGoOn
from kaiying.config.postgres import PORT, Servers

SQLITE_NAME, POSTGRES_NAME = "kaiying.sqlite3", "database.pgdump"
PAGES = 2000

type Counts = dict[str, int]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def copy_sqlite(source: Path, target: Path, report: Callable[[int, int], None]) -> Counts:
    """Copy a SQLite file as it is at one moment; return how many rows each table has.

    The read transaction that stays open makes the moment: writers go on in the write-ahead log, and the copy neither
    waits for them nor starts again because of them.
    """
    reader = sqlite3.connect(f"file:{source}?mode=ro", uri=True, isolation_level=None, timeout=20)
    writer = sqlite3.connect(target)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reader.backup(writer, pages=PAGES, progress=lambda _status, left, total: report(total - left, total))
        reader.execute("COMMIT")
        writer.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
        return examine_sqlite(writer)
    finally:
        reader.close()
        writer.close()


def examine_sqlite(connection: sqlite3.Connection) -> Counts:
    """Check every page and every reference of a copy; return how many rows each table has."""
    try:
        sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        loose = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise CannotGoOn(f"The database is damaged: {error}.", "Restore the last good backup.") from error
    if sound != "ok" or loose:
        raise CannotGoOn(
            f"The database is damaged: {sound if sound != 'ok' else loose}.", "Restore the last good backup."
        )
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {
        name: connection.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0]  # noqa: S608 — quoted
        for (name,) in names.fetchall()
    }


def examine_sqlite_file(path: Path) -> Counts:
    """Check a copied file; return how many rows each table has."""
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        return examine_sqlite(connection)
    finally:
        connection.close()


def _program(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise CannotGoOn(f"{name} is not installed.", "Install the client programs of PostgreSQL (postgresql-client).")
    return found


def _access(url: str) -> tuple[list[str], dict[str, str]]:
    """Return the options that name a PostgreSQL database, and the environment that keeps its password off the list."""
    servers = Servers.read(url)
    options = ["--host", servers.hosts, "--port", servers.ports or PORT, "--username", servers.user]
    environment = os.environ | ({"PGPASSWORD": servers.password} if servers.password else {})
    if "target_session_attrs" in servers.options:
        environment["PGTARGETSESSIONATTRS"] = str(servers.options["target_session_attrs"])
    return [*options, "--dbname", servers.name], environment


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 — ours
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise CannotGoOn(
            f"{Path(command[0]).name} failed: {lines[-1]}", "Correct it and try again; nothing was changed."
        )


def copy_postgres(url: str, target: Path) -> Counts:
    """Dump a PostgreSQL database as it is at one moment; return how many rows each table has."""
    import psycopg  # noqa: PLC0415 — an extra
    from psycopg import sql  # noqa: PLC0415

    options, environment = _access(url)
    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        snapshot = str(row[0]) if row else ""
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        command = [_program("pg_dump"), *options, "--format=custom", f"--snapshot={snapshot}", "--no-owner"]
        _run([*command, "--schema=public", f"--file={target}"], environment)
        counts: Counts = {}
        for (name,) in names:
            found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
            counts[name] = int(found[0]) if found else 0
        return counts


def load_postgres(url: str, source: Path) -> None:
    """Replace the content of a PostgreSQL database by a dump, in one transaction."""
    options, environment = _access(url)
    command = [_program("pg_restore"), *options, "--clean", "--if-exists", "--no-owner", "--single-transaction"]
    _run([*command, "--exit-on-error", str(source)], environment)


def postgres_is_used(url: str) -> bool:
    """Tell whether the database already holds a Kaiying."""
    import psycopg  # noqa: PLC0415 — an extra

    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT to_regclass('public.django_migrations') IS NOT NULL").fetchone()
        return bool(row and row[0])
