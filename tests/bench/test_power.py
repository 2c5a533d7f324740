"""The reader of a record of system calls builds the disk as a power cut may leave it."""

import random

import pytest

from bench.faults.power import Change, Disk, File

FOLDER = "/data"
DB = "/data/kaiying.sqlite3"
LOG = "/data/kaiying.sqlite3-wal"
ANSWER = 'HTTP/1.1 201 Created\r\n\r\n{"claim":7,"seat":3,"price":280}'


def shown(text):
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def wrote(path, text, at):
    return f'11 pwrite64(5<{path}>, "{shown(text)}", {len(text)}, {at}) = {len(text)}'


def flushed(path):
    return f"11 fdatasync(5<{path}>) = 0"


def sent(text):
    return f'12 sendto(9<socket:[77]>, "{shown(text)}", {len(text)}, MSG_NOSIGNAL, NULL, 0) = {len(text)}'


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "kaiying.sqlite3").write_bytes(b"old old old")
    return Disk(tmp_path, FOLDER)


def left(disk, place, how="dropped"):
    disk.build(place, how, random.Random(1))
    return {path.name: path.read_bytes() for path in place.iterdir()}


def test_what_was_flushed_stays_and_what_was_not_is_gone(disk, tmp_path):
    list(disk.read([wrote(DB, "new", 0), flushed(DB), wrote(DB, "lost", 4)]))

    assert left(disk, tmp_path / "cut") == {"kaiying.sqlite3": b"new old old"}


def test_a_flush_that_failed_keeps_nothing(disk, tmp_path):
    list(disk.read([wrote(DB, "new", 0), f"11 fsync(5<{DB}>) = -1 EIO (Input/output error) (INJECTED)"]))

    assert left(disk, tmp_path / "cut") == {"kaiying.sqlite3": b"old old old"}


def test_a_flush_keeps_only_what_was_written_before_it_began(disk, tmp_path):
    begins, ends = f"11 fdatasync(5<{DB}> <unfinished ...>", "11 <... fdatasync resumed>) = 0"
    list(disk.read([wrote(DB, "new", 0), begins, wrote(DB, "late", 4).replace("11 ", "12 ", 1), ends]))

    assert left(disk, tmp_path / "cut") == {"kaiying.sqlite3": b"new old old"}


def test_a_new_file_is_there_once_its_folder_was_flushed(disk, tmp_path):
    list(disk.read([wrote(LOG, "frame", 0), flushed(LOG)]))
    assert left(disk, tmp_path / "first") == {"kaiying.sqlite3": b"old old old"}

    list(disk.read([f"11 fsync(6<{FOLDER}>) = 0"]))
    assert left(disk, tmp_path / "then") == {"kaiying.sqlite3": b"old old old", "kaiying.sqlite3-wal": b"frame"}


def test_the_disk_stands_still_at_every_answer_that_tells_a_seat(disk):
    calls = [sent('HTTP/1.1 409 Conflict\r\n\r\n{"code":"sold_out"}'), wrote(DB, "new", 0), sent(ANSWER), flushed(DB)]

    assert [(told, bytes(disk.files["kaiying.sqlite3"].safe)) for told in disk.read(calls)] == [
        ([(7, 3, 280)], b"old old old")
    ]


def test_a_file_that_became_shorter_is_so_after_a_flush(disk, tmp_path):
    list(disk.read([f"11 ftruncate(5<{DB}>, 3) = 0", flushed(DB)]))

    assert left(disk, tmp_path / "cut") == {"kaiying.sqlite3": b"old"}


def test_a_torn_write_changes_whole_sectors_only():
    file = File(bytearray(b"." * 4096), unsafe=[Change(0, b"#" * 4096)])

    content = file.after_cut("torn", random.Random(1))

    sectors = {content[start : start + 512] for start in range(0, 4096, 512)}
    assert sectors == {b"." * 512, b"#" * 512}
