"""What ``doctor`` and ``up`` look at before the service starts; none of it needs Django to be loaded."""

import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from kaiying.config import sqlite
from kaiying.config.env import Env

LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}
SHARED_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph"}
LITTLE_SPACE, NO_SPACE = 2_000_000_000, 200_000_000
SLOW_FLUSH = 0.03
SHORTEST_KEY = 32
OLDEST_POSTGRES = 140_000


class Level(StrEnum):
    """How much a finding matters; an error keeps the service from starting."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, what was found, and what to do about it."""

    name: str
    level: Level
    found: str
    todo: str = ""


def before_start(env: Env) -> Iterator[Finding]:
    """Look at what must be right before anything is started; takes milliseconds."""
    yield _folder(env)
    yield from _space(env)
    yield _secret(env)
    yield from _address(env)
    if env.database_url:
        yield from _postgres(env)
    else:
        yield _sqlite_version()
        yield from _file_system(env)


def _folder(env: Env) -> Finding:
    try:
        env.data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=env.data):
            pass
    except OSError as error:
        todo = "Make it a folder that the user of the service may write to, or set KAIYING_DATA to another."
        return Finding("Data folder", Level.ERROR, f"{env.data}: {error.strerror}", todo)
    return Finding("Data folder", Level.OK, str(env.data))


def _space(env: Env) -> Iterator[Finding]:
    with suppress(OSError):
        free = shutil.disk_usage(env.data).free
        todo = "Free some space: with a full disk nothing can be sold, submitted or backed up."
        level = Level.OK if free >= LITTLE_SPACE else Level.WARNING if free >= NO_SPACE else Level.ERROR
        yield Finding("Disk space", level, f"{free / 1e9:.1f} GB free", "" if level == Level.OK else todo)


def _secret(env: Env) -> Finding:
    if env.secret_key:
        if len(env.secret_key) < SHORTEST_KEY:
            todo = f"Use at least {SHORTEST_KEY} random characters, or leave it empty to have one made."
            return Finding("Secret key", Level.ERROR, "KAIYING_SECRET_KEY is short", todo)
        return Finding("Secret key", Level.OK, "from KAIYING_SECRET_KEY")
    path = env.data / "secret.key"
    if not path.exists():
        return Finding("Secret key", Level.OK, "will be made at the first start")
    if path.stat().st_mode & 0o077:
        return Finding("Secret key", Level.ERROR, "others on this machine can read it", f"chmod 600 {path}")
    return Finding("Secret key", Level.OK, str(path))


def _address(env: Env) -> Iterator[Finding]:
    site = urlsplit(env.url)
    host = site.hostname or ""
    if site.scheme not in {"http", "https"} or not host:
        todo = "Give the whole address that people use, such as https://camp.example.org."
        yield Finding("Address", Level.ERROR, f"KAIYING_URL={env.url}", todo)
        return
    local = host in LOCAL_HOSTS
    if local:
        yield Finding("Address", Level.NOTE, f"{env.url}: only this machine", "Set KAIYING_URL before going public.")
    elif site.scheme == "http":
        todo = "Put a proxy with TLS in front and set KAIYING_URL=https://…: sign-in codes travel in the clear."
        yield Finding("Address", Level.WARNING, env.url, todo)
    elif not env.trusted_proxies:
        todo = "Set KAIYING_TRUSTED_PROXIES=1 behind a proxy; without it every visitor has the proxy's address."
        yield Finding("Address", Level.WARNING, f"{env.url}, no proxy trusted", todo)
    else:
        yield Finding("Address", Level.OK, env.url)
    if env.demo and not local:
        todo = "Unset KAIYING_DEMO unless this is a show without real people."
        yield Finding("Demo mode", Level.WARNING, "anybody can sign in as anybody", todo)
    if env.debug and not local:
        yield Finding("Debug mode", Level.ERROR, "error pages show secrets", "Unset KAIYING_DEBUG.")
    if env.clock and not env.demo:
        todo = "Unset KAIYING_CLOCK: it is for rehearsals and tests."
        yield Finding("Shifted clock", Level.WARNING, f"KAIYING_CLOCK={env.clock}", todo)


def _sqlite_version() -> Finding:
    found = f"SQLite {sqlite3.sqlite_version}"
    if sqlite.is_safe(sqlite3.sqlite_version_info):
        return Finding("Database", Level.OK, found)
    todo = "Install pysqlite3, or SQLite 3.51.3 or later: this one can lose what it acknowledged (WAL-reset bug)."
    return Finding("Database", Level.ERROR, found, todo)


def _file_system(env: Env) -> Iterator[Finding]:
    """SQLite's write-ahead log shares memory between processes, which file systems over a network do not."""
    with suppress(OSError):
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
        folder = str(env.data)
        above = [mount for mount in mounts if f"{folder}/".startswith(mount[0].rstrip("/") + "/")]
        place, kind = max(above, key=lambda mount: len(mount[0]))
        if kind in SHARED_FILE_SYSTEMS:
            todo = "Keep the data folder on a local disk, or use PostgreSQL (KAIYING_DATABASE_URL)."
            yield Finding("File system", Level.ERROR, f"{place} is {kind}", todo)


def _postgres(env: Env) -> Iterator[Finding]:
    try:
        import psycopg  # noqa: PLC0415 — an extra
    except ImportError:
        yield Finding("Database", Level.ERROR, "the PostgreSQL driver is missing", "Install kaiying[scale].")
        return
    try:
        with psycopg.connect(env.database_url, connect_timeout=5) as connection:
            version = connection.info.server_version
            settings = {
                name: str((connection.execute(f"SHOW {name}").fetchone() or ("",))[0])
                for name in ("synchronous_commit", "fsync", "full_page_writes")
            }
    except psycopg.Error as error:
        todo = "Start PostgreSQL, or correct KAIYING_DATABASE_URL."
        yield Finding("Database", Level.ERROR, f"no answer: {str(error).strip().splitlines()[0]}", todo)
        return
    named = f"PostgreSQL {version // 10000}.{version % 10000}"
    if version < OLDEST_POSTGRES:
        yield Finding("Database", Level.ERROR, named, "Use PostgreSQL 14 or later.")
    else:
        yield Finding("Database", Level.OK, named)
    for name, value in settings.items():
        if value == "off":
            todo = f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf(); paid seats are lost in a power cut."
            yield Finding("Durability", Level.ERROR, f"{name} is off", todo)
    if all(value != "off" for value in settings.values()):
        yield Finding("Durability", Level.OK, f"synchronous_commit is {settings['synchronous_commit']}")


def flush_time(folder: Path, *, rounds: int = 20) -> float:
    """Return how many seconds the disk takes to keep 4 KB for good (median)."""
    times: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(rounds):
            begun = time.perf_counter()
            file.write(b"k" * 4096)
            file.flush()
            os.fdatasync(file.fileno()) if hasattr(os, "fdatasync") else os.fsync(file.fileno())
            times.append(time.perf_counter() - begun)
    return statistics.median(times)


def disk_speed(env: Env) -> Finding:
    """Tell how fast the disk acknowledges, which bounds how many seats a second can be sold."""
    seconds = flush_time(env.data)
    found = f"a write is safe after {seconds * 1000:.1f} ms"
    if seconds <= SLOW_FLUSH:
        return Finding("Disk speed", Level.OK, found)
    return Finding("Disk speed", Level.WARNING, found, "Use an SSD: every acknowledged seat waits for the disk.")
