"""Power cuts on SQLite: every write and flush is recorded, and the disk is built anew as it may be after each answer.

A disk may keep or lose whatever was written after the last flush of a file, in any order and in sectors of 512 bytes.
So for each moment at which a buyer was told that they have a seat there are several disks: with nothing that was not
flushed, with some of the writes, and with torn ones. Each one is opened by SQLite, and has to hold every seat that was
told until then.
"""

import asyncio
import json
import random
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.faults.cases import Lab, Result, close, play, serving
from bench.faults.crowd import Crowd
from bench.faults.inject import is_traced, need_strace
from bench.faults.sale import dice
from bench.gate.history import Verdict

CALLS = "openat,pwrite64,write,writev,sendto,fdatasync,fsync,ftruncate,unlink"
SECTOR = 512
CALL = re.compile(r"^(?P<thread>\d+) +(?P<name>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"^(?P<thread>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
FILE = re.compile(r"^\d+<(?P<path>[^>]*)>")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
PLACE = re.compile(r", (\d+), (\d+)(?:\) += .*| <unfinished.*)?$")
ANSWER = re.compile(rb"HTTP/1\.1 20[01][^{]*(\{[^}]*\})", re.DOTALL)

type Seat = tuple[int, int, int]
"""Claim, seat and price, as they were told."""


@dataclass(slots=True)
class Change:
    """A write to a file that no flush has made safe: bytes at a place, or a new length."""

    at: int
    data: bytes | None

    def apply(self, content: bytearray) -> None:
        """Change the bytes of a file."""
        if self.data is None:
            del content[self.at :]
            content.extend(b"\0" * (self.at - len(content)))
            return
        content.extend(b"\0" * (self.at + len(self.data) - len(content)))
        content[self.at : self.at + len(self.data)] = self.data

    def torn(self, dice: random.Random) -> Iterator["Change"]:
        """Return those sectors of it that reached the disk."""
        if self.data is None:
            yield self
            return
        for start in range(0, len(self.data), SECTOR):
            if dice.random() < 0.5:
                yield Change(self.at + start, self.data[start : start + SECTOR])


@dataclass
class File:
    """What surely is on the disk of a file, and what may be."""

    safe: bytearray = field(default_factory=bytearray)
    exists: bool = True
    unsafe: list[Change] = field(default_factory=list)

    def flush(self, count: int) -> None:
        """Make the first ``count`` changes safe."""
        for change in self.unsafe[:count]:
            change.apply(self.safe)
        del self.unsafe[:count]

    def after_cut(self, how: str, dice: random.Random) -> bytes:
        """Return what a power cut may leave."""
        content = bytearray(self.safe)
        for change in self.unsafe:
            if how == "dropped" or (how == "some" and dice.random() < 0.5):
                continue
            for part in change.torn(dice) if how == "torn" else (change,):
                part.apply(content)
        return bytes(content)


class Disk:
    """The files of a folder as a log of system calls changes them."""

    def __init__(self, base: Path, folder: Path) -> None:
        """Start from a copy of the files; their paths in the log are those of ``folder``."""
        self._folder = str(folder)
        self.files = {path.name: File(bytearray(path.read_bytes())) for path in base.iterdir()}
        self._begun: dict[str, tuple[str, str, int]] = {}

    def read(self, log: Iterable[str]) -> Iterator[list[Seat]]:
        """Follow the log; yields at every answer that tells seats, before it leaves."""
        for line in log:
            if found := RESUMED.match(line):
                self._finish(found["thread"], found["rest"])
            elif found := CALL.match(line):
                yield from self._begin(found["thread"], found["name"], found["rest"])

    def _begin(self, thread: str, name: str, rest: str) -> Iterator[list[Seat]]:
        where = FILE.match(rest)
        path = _decode(where["path"]) if where else ""
        if name in {"write", "writev", "sendto"}:
            if not path.startswith("/"):
                yield from _told(rest)
            return
        file = self._file(path)
        count = len(file.unsafe) if file else 0
        if file is not None and name == "pwrite64" and (place := PLACE.search(rest)):
            file.unsafe.append(Change(int(place[2]), _bytes(rest)[: int(place[1])]))
        elif file is not None and name == "ftruncate":
            file.unsafe.append(
                Change(int(rest.split(", ")[1].split(")", maxsplit=1)[0].split(" ", maxsplit=1)[0]), None)
            )
        self._begun[thread] = name, path, count
        if "<unfinished" not in rest:
            self._finish(thread, rest)

    def _finish(self, thread: str, rest: str) -> None:
        name, path, count = self._begun.pop(thread, ("", "", 0))
        if name not in {"fsync", "fdatasync"} or not rest.rstrip().endswith("= 0"):
            return
        if path == self._folder:  # the names of new files are safe now
            for file in self.files.values():
                file.exists = True
        elif changed := self._file(path):
            changed.flush(count)

    def _file(self, path: str) -> File | None:
        folder, _, name = path.rpartition("/")
        if folder != self._folder or not name.startswith("kaiying.sqlite3") or name.endswith("-shm"):
            return None
        return self.files.setdefault(name, File(exists=False))

    def build(self, place: Path, how: str, dice: random.Random) -> Path:
        """Write the files as a power cut may leave them, and return the database's path."""
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name, file in self.files.items():
            if file.exists or how != "dropped":
                (place / name).write_bytes(file.after_cut(how, dice))
        return place / "kaiying.sqlite3"


def _decode(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode() if text.startswith("\\x") else text


def _bytes(rest: str) -> bytes:
    return b"".join(bytes.fromhex(part.replace("\\x", "")) for part in TEXT.findall(rest))


def _told(rest: str) -> Iterator[list[Seat]]:
    said = _bytes(rest)
    told = []
    for body in ANSWER.findall(said):
        with suppress(ValueError, KeyError):
            facts = json.loads(body)
            told.append((facts["claim"], facts["seat"], facts["price"]))
    if told:
        yield told


def missing(database: Path, told: set[Seat]) -> tuple[int, str]:
    """Open what a power cut left; return how many told seats are gone, and what SQLite says of the file."""
    try:
        connection = sqlite3.connect(database)
        try:
            kept = set(connection.execute("SELECT id, seat_number, price FROM offers_claim"))
            well = connection.execute("PRAGMA integrity_check").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return len(told), str(error)
    return len(told - kept), well


@contextmanager
def recorded(pid: int, log: Path) -> Iterator[None]:
    """Record what a process writes, flushes and sends."""
    command = [
        "strace",
        "-f",
        "-qq",
        "-y",
        "-xx",
        "-s",
        "70000",
        "-o",
        str(log),
        "-e",
        f"trace={CALLS}",
        "-p",
        str(pid),
    ]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while not is_traced(pid) and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield
    finally:
        tracer.terminate()
        tracer.wait()


def replayed(lab: Lab) -> Result:
    """Sell seats while everything is recorded, then cut the power at each answer, in several ways."""
    need_strace()
    buyers = 240 if lab.full else 60
    base, log = lab.place / "base", lab.place / "calls.log"
    with lab.sale(seats=(buyers // 2, buyers // 4), buyers=buyers, with_tasks=False) as sale:
        crowd = Crowd(sale, lab.port, lab.seed, within=60, at_once=6)
        folder = sale.tree.data

        async def story(_crowd: Crowd) -> int:
            await asyncio.sleep(0)
            return 0

        with recorded(asyncio.run(serving(sale)), log):
            base.mkdir(parents=True)
            for path in folder.glob("kaiying.sqlite3*"):
                if not path.name.endswith("-shm"):
                    shutil.copy(path, base)
            play(crowd, story)
        verdict = close(sale, crowd)
        told_in_all = {(one.seat, one.price) for one in sale.history if one.has_seat}
    cuts = _cut_everywhere(lab, verdict, Disk(base, folder), log)
    if not cuts.told >= told_in_all:
        verdict.add("unread", f"{len(told_in_all - cuts.told)} answers are not in the record")
    verdict.trials = cuts.disks
    note = f"{cuts.points} answers × {cuts.disks // max(1, cuts.points)} disks; loss at {cuts.lost} of {cuts.points}"
    return Result(verdict, lab.seed, cuts.disks, note)


@dataclass
class Cuts:
    """How many moments, disks, and moments with a loss there were."""

    points: int = 0
    disks: int = 0
    lost: int = 0
    told: set[tuple[int | None, int | None]] = field(default_factory=set)


def _cut_everywhere(lab: Lab, verdict: Verdict, disk: Disk, log: Path) -> Cuts:
    ways = ["dropped", *["some", "torn"] * (4 if lab.full else 1)]
    rolls, cuts = dice(lab.seed), Cuts()
    told: set[Seat] = set()
    with log.open(encoding="ascii", errors="replace") as lines:
        for answered in disk.read(lines):
            told |= set(answered)
            cuts.told |= {(seat, price) for _claim, seat, price in answered}
            cuts.points += 1
            worst = 0
            for how in ways:
                cuts.disks += 1
                gone, well = missing(disk.build(lab.place / "cut", how, rolls), told)
                worst = max(worst, gone)
                if well != "ok":
                    verdict.add("corrupt", f"{how}, after {len(told)} seats: {well}")
            if worst:
                cuts.lost += 1
                verdict.add("lost_in_cut", f"{worst} of {len(told)} told seats are gone")
    return cuts
