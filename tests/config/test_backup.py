"""A backup under load comes back whole, and a damaged one changes nothing."""

import gzip
import io
import json
import os
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest

from kaiying.config import cli
from kaiying.config.commands import CannotGoOn, archive, databases, lock, restore


def table(path: Path, *, rows: int) -> sqlite3.Connection:
    """Make a database with one table, as the product opens its own."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=20, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE seat (id INTEGER PRIMARY KEY, note TEXT)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO seat (note) VALUES (?)", [("x" * 500,)] * rows)
    connection.execute("COMMIT")
    return connection


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """A data folder with 2000 seats and two files."""
    folder = tmp_path / "data"
    (folder / "media" / "posts").mkdir(parents=True)
    (folder / "media" / "posts" / "打卡.jpg").write_bytes(os.urandom(50_000))
    (folder / "static").mkdir()
    (folder / "static" / "made-again.css").write_text("")
    (folder / "secret.key").touch(mode=0o600)
    (folder / "secret.key").write_text("s" * 48)
    table(folder / databases.SQLITE_NAME, rows=2000).close()
    monkeypatch.setenv("KAIYING_DATA", str(folder))
    monkeypatch.setenv("KAIYING_DATABASE_URL", "")
    return folder


def seats(folder: Path) -> int:
    connection = sqlite3.connect(folder / databases.SQLITE_NAME)
    try:
        return connection.execute("SELECT count(*) FROM seat").fetchone()[0]
    finally:
        connection.close()


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def rewrite(path: Path, changes: dict[str, bytes | None]) -> None:
    """Change, add or drop members of a backup."""
    held = members(path)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in {**held, **changes}.items():
            if content is not None:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def test_a_backup_comes_back_as_it_was(data, tmp_path, capsys):
    path, other = tmp_path / "b.tar.gz", tmp_path / "other"
    assert cli.main(["backup", str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert "2000 rows in 1 tables, 2 files" in capsys.readouterr().out

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAIYING_DATA", str(other))
        assert cli.main(["restore", str(path)]) == 0

    assert seats(other) == 2000
    for name in ("media/posts/打卡.jpg", "secret.key"):
        assert (other / name).read_bytes() == (data / name).read_bytes()
    assert (other / "secret.key").stat().st_mode & 0o777 == 0o600
    assert not (other / "static").exists()
    assert not list(tmp_path.glob("*before-restore*"))


@pytest.mark.figures
def test_a_backup_under_load_holds_every_write_acknowledged_before_it(data, tmp_path):
    """R1: one writer commits all the time; trials, missing rows and rows from the middle are counted."""
    writer = sqlite3.connect(data / databases.SQLITE_NAME, isolation_level=None, timeout=20, check_same_thread=False)
    writer.execute("PRAGMA synchronous=FULL")
    acknowledged, stop = [2000], threading.Event()

    def write() -> None:
        while not stop.is_set():
            writer.execute("INSERT INTO seat (note) VALUES (?)", ("y" * 500,))
            acknowledged[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    missing = 0
    trials = 10
    try:
        for trial in range(trials):
            before = acknowledged[0]
            target = tmp_path / f"copy-{trial}.sqlite3"
            counts = databases.copy_sqlite(data / databases.SQLITE_NAME, target, lambda _done, _total: None)
            missing += max(0, before - counts["seat"])
            assert databases.examine_sqlite_file(target) == counts
    finally:
        stop.set()
        thread.join()
        writer.close()

    meanwhile = acknowledged[0] - 2000
    print(f"\nR1: {missing} rows missing, {trials} backups, {meanwhile} writes meanwhile")
    assert missing == 0
    assert acknowledged[0] > 2000


def test_a_copied_file_without_its_log_would_miss_writes(data, tmp_path):
    """The twin: copying the file itself, as a naive backup does, loses what is still in the write-ahead log."""
    writer = sqlite3.connect(data / databases.SQLITE_NAME, isolation_level=None)
    writer.execute("PRAGMA wal_autocheckpoint=0")
    for _ in range(20):
        writer.execute("INSERT INTO seat (note) VALUES ('late')")
    (tmp_path / "naive").mkdir()
    (tmp_path / "naive" / databases.SQLITE_NAME).write_bytes((data / databases.SQLITE_NAME).read_bytes())
    ours = databases.copy_sqlite(data / databases.SQLITE_NAME, tmp_path / "ours.sqlite3", lambda *_: None)

    assert (seats(tmp_path / "naive"), ours["seat"]) == (2000, 2020)
    writer.close()


def test_a_damaged_database_is_not_backed_up(data, tmp_path, capsys):
    with (data / databases.SQLITE_NAME).open("r+b") as file:
        file.seek(4096 * 20)
        file.write(os.urandom(4096 * 8))

    assert cli.main(["backup", str(tmp_path / "b.tar.gz")]) == 1
    assert "damaged" in capsys.readouterr().err
    assert not list(tmp_path.glob("*b.tar.gz*"))


def test_a_backup_is_not_written_over(data, tmp_path, capsys):
    (tmp_path / "b.tar.gz").write_text("precious")

    assert cli.main(["backup", str(tmp_path / "b.tar.gz")]) == 1
    assert (tmp_path / "b.tar.gz").read_text() == "precious"


def test_a_backup_inside_the_data_is_refused(data, capsys):
    assert cli.main(["backup", str(data / "b.tar.gz")]) == 1


def flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda held: {"media/posts/打卡.jpg": flip(held["media/posts/打卡.jpg"])},
        lambda held: {databases.SQLITE_NAME: flip(held[databases.SQLITE_NAME])},
        lambda _held: {"media/posts/打卡.jpg": None},
        lambda _held: {"manifest.json": None},
        lambda _held: {"media/extra.jpg": b"x"},
        lambda _held: {"../outside": b"x"},
        lambda held: {"manifest.json": held["manifest.json"].replace(b'"format": 1', b'"format": 2')},
        lambda held: {"manifest.json": held["manifest.json"].replace(b'"seat": 2000', b'"seat": 1999')},
        lambda held: {"manifest.json": held["manifest.json"].replace(b'"sqlite"', b'"postgresql"')},
    ],
)
def test_a_damaged_backup_changes_nothing(damage, data, tmp_path, capsys):
    path = tmp_path / "b.tar.gz"
    cli.main(["backup", str(path)])
    rewrite(path, damage(members(path)))
    before = sorted(tmp_path.rglob("*"))

    assert cli.main(["restore", "--force", str(path)]) == 1

    assert "✗" in capsys.readouterr().err
    assert seats(data) == 2000
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and "run" not in path.parts] == []


def test_a_cut_off_backup_changes_nothing(data, tmp_path, capsys):
    path = tmp_path / "b.tar.gz"
    cli.main(["backup", str(path)])
    path.write_bytes(path.read_bytes()[:-2000])

    assert cli.main(["restore", "--force", str(path)]) == 1
    assert seats(data) == 2000


def test_a_file_that_is_no_backup_is_refused(data, tmp_path, capsys):
    path = tmp_path / "b.tar.gz"
    path.write_bytes(gzip.compress(b"no tar"))

    assert cli.main(["restore", "--force", str(path)]) == 1
    assert cli.main(["restore", "--force", str(tmp_path / "none")]) == 1


def test_data_is_replaced_only_when_asked_and_kept_beside(data, tmp_path, capsys):
    path = tmp_path / "b.tar.gz"
    cli.main(["backup", str(path)])
    (data / "media" / "later.jpg").write_bytes(b"later")
    assert cli.main(["restore", str(path)]) == 1
    assert "--force" in capsys.readouterr().err

    assert cli.main(["restore", "--force", str(path)]) == 0

    assert not (data / "media" / "later.jpg").exists()
    [kept] = tmp_path.glob("data.before-restore-*")
    assert (kept / "media" / "later.jpg").read_bytes() == b"later"


def test_nothing_is_restored_under_a_running_service(data, tmp_path, capsys):
    path = tmp_path / "b.tar.gz"
    cli.main(["backup", str(path)])
    held = lock.take(data)

    assert cli.main(["restore", "--force", str(path)]) == 1

    assert "Stop it first" in capsys.readouterr().err
    os.close(held)


def test_a_folder_that_cannot_be_renamed_is_swapped_inside(data, tmp_path, monkeypatch):
    """A mounted volume keeps its place; its entries change places."""
    staging = tmp_path / "staging"
    (staging / "media").mkdir(parents=True)
    rename = Path.rename
    monkeypatch.setattr(
        Path, "rename", lambda self, to: (_ for _ in ()).throw(OSError) if self == data else rename(self, to)
    )

    kept = restore.swap(data, staging, stamp="now")

    assert kept.parent == data
    assert (kept / databases.SQLITE_NAME).exists()
    assert [entry.name for entry in sorted(data.iterdir())] == [kept.name, "media"]


def test_a_path_out_of_the_folder_is_refused(tmp_path):
    for name in ("/etc/passwd", "../x", "a/../../x", ""):
        with pytest.raises(CannotGoOn):
            archive._safe(name)


def test_the_manifest_tells_what_is_inside(data, tmp_path, capsys):
    cli.main(["backup", str(tmp_path / "b.tar.gz")])

    manifest = json.loads(members(tmp_path / "b.tar.gz")["manifest.json"])

    assert manifest["counts"] == {"seat": 2000}
    assert set(manifest["files"]) == {databases.SQLITE_NAME, "media/posts/打卡.jpg", "secret.key"}
