"""The one process that writes what fronts are asked: claims and reservations, by the same group commit.

Two writers can do no harm, because the ledger locks what it writes; but they would wait for each other. So a writer
works only while it holds the fence: an advisory lock of the database, or on SQLite a lock on a file. A second writer
waits for it, ready to take over.
"""

import asyncio
import fcntl
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error, connection, connections

from kaiying.gate import claims, reservations
from kaiying.gate.checkpoints import Checkpoints
from kaiying.offers.vocabulary import ClaimRequest, Reserved, ReserveRequest, Taken
from kaiying.wire.frames import Address, Kind, Link, Server

logger = logging.getLogger(__name__)
FENCE = 5_230_419_071
"""Our number among the database's advisory locks."""

LOOK_SECONDS = 1.0

_moment = lru_cache(maxsize=4096)(datetime.fromisoformat)
_as_text = lru_cache(maxsize=4096)(datetime.isoformat)
"""A batch has one moment; writing it down for each seat was a quarter of what the writer's loop did."""


def _pack_taken(taken: Taken) -> list[Any]:
    return [*taken[:7], _as_text(taken.held_until), taken.is_new]


def _unpack_taken(said: list[Any]) -> Taken:
    return Taken._make([*said[:7], _moment(said[7]), said[8]])


def _pack_reserved(one: Reserved) -> list[Any]:
    reserved_at = one.reserved_at and _as_text(one.reserved_at)
    return [one.learner_id, reserved_at, one.is_new, one.reserved, _as_text(one.opens_at)]


def _unpack_reserved(said: list[Any]) -> Reserved:
    learner_id, reserved_at, is_new, reserved, opens_at = said
    return Reserved(learner_id, reserved_at and _moment(reserved_at), is_new, reserved, _moment(opens_at))


CLAIMS = Kind[ClaimRequest, Taken]("claims", list, ClaimRequest._make, _pack_taken, _unpack_taken)
RESERVATIONS = Kind[ReserveRequest, Reserved](
    "reservations", list, ReserveRequest._make, _pack_reserved, _unpack_reserved
)


def link_to_writer() -> Link | None:
    """Return a link to the writer named in the settings; ``None``: this process writes by itself."""
    return Link(Address.parse(settings.KAIYING_WRITER)) if settings.KAIYING_WRITER else None


class FenceLost(Exception):
    """The database that knew us as the only writer has gone; another writer may have taken over."""


class Fence:
    """The right to be the writer of this database."""

    def __init__(self) -> None:
        """Nothing is held yet."""
        self._handle = -1
        self._connection = connection.copy()
        self._connection.inc_thread_sharing()  # taken in one thread, watched in another, never in both at once

    def take(self) -> bool:
        """Take it if it is free."""
        if self._connection.vendor != "postgresql":
            return self._take_file(settings.KAIYING_DATA / "run" / "writer.lock")
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [FENCE])
            return bool(cursor.fetchone()[0])

    def check(self) -> None:
        """Make sure that it is still ours; raises ``FenceLost``."""
        if self._connection.vendor != "postgresql":
            return
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT 1")  # the lock lives as long as this session
        except Error as error:
            raise FenceLost from error

    def drop(self) -> None:
        """Let the next writer begin."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._connection.close()

    def _take_file(self, path: Path) -> bool:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            self._handle = -1
            return False
        return True


def write_for_fronts(address: Address, *, say: Callable[[str], None]) -> None:
    """Be the writer until told to stop, and whenever there is no other."""
    stop, fence = threading.Event(), Fence()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        while _wait_for(fence, stop, say):
            try:
                asyncio.run(_serve(address, fence, stop, say))
            except FenceLost:
                say("The session that made this the only writer is gone.")
                fence.drop()
    finally:
        fence.drop()


def _wait_for(fence: Fence, stop: threading.Event, say: Callable[[str], None]) -> bool:
    """Return once we are the only writer; false when told to stop before."""
    told = False
    while not stop.is_set():
        try:
            if fence.take():
                return True
        except Error:
            logger.warning("The database does not answer; trying again.")
            fence.drop()
        if not told:
            say("Waiting: another writer is at work, or the database does not answer.")
            told = True
        stop.wait(LOOK_SECONDS)
    return False


async def _serve(address: Address, fence: Fence, stop: threading.Event, say: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    server = Server()
    server.serve(CLAIMS, claims.commit, leave=connections.close_all)
    server.serve(RESERVATIONS, reservations.commit, leave=connections.close_all)
    server.listen(address)
    checkpoints = Checkpoints()
    checkpoints.start()
    say(f"The writer listens at {address}.")
    try:
        await loop.run_in_executor(None, _watch, fence, stop)
    finally:
        await server.close()
        await loop.run_in_executor(None, checkpoints.close)
        say(f"The writer stops after {server.items} items in {server.frames} frames.")
        address.clear()


def _watch(fence: Fence, stop: threading.Event) -> None:
    while not stop.wait(LOOK_SECONDS):
        fence.check()
