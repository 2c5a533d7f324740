"""The log of SQLite is folded by a thread of its own, as far as readers let it, and begins anew."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from pysqlite3 import dbapi2 as sqlite

from kaiying.gate import checkpoints
from kaiying.gate.checkpoints import TOO_LONG, Checkpoints, fold
from kaiying.gate.connections import refresh


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LONG", 50)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Any]:
    """A connection that never folds by itself."""
    with closing(_connected(tmp_path / "one.sqlite3")) as connected:
        connected.execute("PRAGMA journal_mode = WAL")
        connected.execute("PRAGMA wal_autocheckpoint = 0")
        connected.execute("CREATE TABLE page (text)")
        yield connected


def _connected(path: Path) -> Any:
    return sqlite.connect(path, isolation_level=None)


def _write(connected: Any, pages: int) -> None:
    for _ in range(pages):
        connected.execute("INSERT INTO page VALUES (randomblob(3000))")


def _pages(connected: Any) -> int:
    [(_busy, pages, _folded)] = connected.execute("PRAGMA wal_checkpoint(NOOP)")
    return int(pages)


def test_a_short_log_is_left_as_it_is(writer, tmp_path):
    _write(writer, 5)
    before = _pages(writer)

    with closing(_connected(tmp_path / "one.sqlite3")) as other:
        assert fold(other.cursor()) == before < 50


def test_a_long_log_is_folded_and_the_next_commit_begins_it_anew(writer, tmp_path):
    _write(writer, 100)
    assert _pages(writer) > 100

    with closing(_connected(tmp_path / "one.sqlite3")) as other:
        assert fold(other.cursor()) == 0
    _write(writer, 1)

    assert _pages(writer) < 10


def test_what_somebody_still_reads_is_folded_later(writer, tmp_path):
    with (
        closing(_connected(tmp_path / "one.sqlite3")) as other,
        closing(_connected(tmp_path / "one.sqlite3")) as reader,
    ):
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM page").fetchall()
        _write(writer, 100)

        assert fold(other.cursor()) > 50
        reader.execute("COMMIT")
        assert fold(other.cursor()) == 0


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the log is SQLite's")
def test_a_thread_that_writes_batches_leaves_the_log_to_the_other_one(transactional_db):
    said = []

    def ask() -> None:
        refresh()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_autocheckpoint")
            said.append(cursor.fetchone()[0])
        connections.close_all()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()

    assert said == [TOO_LONG]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the log is SQLite's")
def test_a_log_that_cannot_be_folded_is_told_once_in_a_while(transactional_db, monkeypatch, caplog):
    tried = []

    def broken(_cursor: object) -> int:
        tried.append(1)
        raise OperationalError("disk full")

    monkeypatch.setattr(checkpoints, "fold", broken)
    monkeypatch.setattr(checkpoints, "LOOK", 0.01)
    beside = Checkpoints()
    beside.start()
    deadline = time.monotonic() + 10
    while len(tried) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    beside.close()

    assert len(tried) >= 5
    assert [record.getMessage() for record in caplog.records] == [
        "The log of the database cannot be folded; trying again: disk full"
    ]
