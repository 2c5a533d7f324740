"""Follow the event table and hand each new row to the loop.

One thread with a connection of its own. It looks when the bus rings, and by itself in case no ring came: on SQLite it
asks ``PRAGMA data_version`` ten times a second (some microseconds) and reads the table only when somebody has
committed; on PostgreSQL it reads five times a second, or once where rings of other processes are heard, and minds rows
that appear out of order (see ``wire.window``).
"""

import logging
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from django.db import close_old_connections, connection, connections
from django.db.models import Max

from kaiying.gate.revocations import LIFE, NAME
from kaiying.outbox.models import Event
from kaiying.wire import bus, clock
from kaiying.wire.live import News
from kaiying.wire.window import PATIENCE, Window

logger = logging.getLogger(__name__)
LOOK_SECONDS = {"sqlite": 0.1, "postgresql": 0.2}
SAFETY_SECONDS = 1.0
"""Between two looks where the bus brings the rings of other processes."""

GAP = 0.05
"""Between two looks that rings asked for: a crowd that claims rings without end."""

PAUSE_AFTER_FAILURE = 1.0
MOST_AT_ONCE = 1000
REMEMBERED = 900
"""How many seconds we know the floor of: longer than any ticket lives."""

type Row = tuple[int, str, str, dict[str, object], datetime]


class Tail:
    """The thread that follows the event table, from where it stood when it began."""

    def __init__(self, deliver: Callable[[list[News]], None], recall: Callable[[list[News]], None]) -> None:
        """Call ``deliver`` with what is new, ``recall`` once with the revocations from before.

        Both are called in the tail's thread and must hand over to the loop at once.
        """
        self._deliver, self._recall = deliver, recall
        self._stop, self._rung = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-tail", daemon=True)
        self._window: Window | None = None
        self._version = -1
        self._floors: list[tuple[float, int]] = []
        self.ready = threading.Event()

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following; returns at once."""
        self._stop.set()
        self._rung.set()

    def join(self) -> None:
        """Wait for the thread's end."""
        self.stop()
        self._thread.join()

    def mark(self, event_id: int) -> int:
        """Return the id up to which everything has been told, seen from this event; for coming back."""
        window = self._window
        return event_id if window is None or connection.vendor == "sqlite" else min(event_id, window.floor)

    @property
    def floor(self) -> int:
        """The id up to which everything has been told; 0 before the table was first read."""
        return self._window.floor if self._window is not None else 0

    def floor_at(self, moment: float) -> int | None:
        """Return the floor of a moment by the real clock, or the oldest we know; ``None`` before the first look."""
        floors = self._floors
        place = bisect_right(floors, moment, key=itemgetter(0))
        return floors[max(0, place - 1)][1] if floors else None

    def _note_floor(self) -> None:
        """Remember the floor, once a second at most; readers in the loop see the old list or the new one."""
        now, floor = clock.real(), self.floor
        kept = [one for one in self._floors[-REMEMBERED:] if one[0] > now - REMEMBERED] or self._floors[-1:]
        if not kept or (kept[-1][1] != floor and now - kept[-1][0] >= 1):
            self._floors = [*kept, (now, floor)]

    def _run(self) -> None:
        stop_listening = bus.listen(self._rung.set)
        try:
            while not self._stop.is_set():
                try:
                    close_old_connections()
                    self._follow()
                except Exception:
                    # Whatever it is, pages that are open must not fall silent for ever.
                    logger.exception("The event table cannot be followed; trying again.")
                    self._version = -1
                    self._stop.wait(PAUSE_AFTER_FAILURE)
        finally:
            stop_listening()
            connections.close_all()

    def _follow(self) -> None:
        if self._window is None:
            self._begin()
        while not self._stop.is_set():
            rung = self._rung.wait(self._pause())
            if self._stop.is_set():
                return
            self._rung.clear()
            if self._has_changed():
                self._read()
            if rung:
                self._stop.wait(GAP)
            self._note_floor()  # also when nothing is new: the second of the last change may have been noted before it

    @staticmethod
    def _pause() -> float:
        # SQLite tells for microseconds whether there is anything to read; PostgreSQL has to be read.
        look = LOOK_SECONDS.get(connection.vendor, 0.2)
        return SAFETY_SECONDS if connection.vendor == "postgresql" and bus.is_up() else look

    def _begin(self) -> None:
        """Start at the end of the table, but recall what was taken back while passes from then still live."""
        since = datetime.now(UTC) - timedelta(seconds=LIFE)
        patience = 0.0 if connection.vendor == "sqlite" else PATIENCE
        newest = Event.objects.aggregate(newest=Max("id"))["newest"] or _last_given_out()
        revoked = Event.objects.filter(name=NAME, at__gte=since, id__lte=newest).order_by("id")
        self._window = Window(newest, patience=patience)
        self._recall([self._news(row) for row in revoked.values_list("id", "name", "channel", "facts", "at")])
        self._note_floor()
        self.ready.set()

    def _has_changed(self) -> bool:
        if connection.vendor != "sqlite":
            return True
        with connection.cursor() as cursor:
            version: int = cursor.execute("PRAGMA data_version").fetchone()[0]
        changed = version != self._version
        self._version = version
        return changed

    def _read(self) -> None:
        window = self._window
        if window is None:
            return
        while True:
            limit = MOST_AT_ONCE + len(window)
            above = Event.objects.filter(id__gt=window.floor).order_by("id")
            rows = list(above.values_list("id", "name", "channel", "facts", "at")[:limit])
            fresh = window.take((row[0] for row in rows), now=time.monotonic())
            if fresh:
                self._deliver([self._news(row) for row in rows if row[0] in fresh])
            if len(rows) < limit or not fresh:
                return

    def _news(self, row: Row) -> News:
        event_id, name, channel, facts, at = row
        return News(event_id, name, channel, facts, at, self.mark(event_id))


def _last_given_out() -> int:
    """Return the highest id that an empty table has ever given out, so that the next one is no gap."""
    if connection.vendor != "postgresql":
        return 0  # one writer: gaps are passed over at once
    with connection.cursor() as cursor:
        table = Event._meta.db_table  # noqa: SLF001 — Django's own name for it
        cursor.execute("SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, 'id'))", [table])
        row = cursor.fetchone()
    return int(row[0] or 0) if row else 0


def replay(channels: frozenset[str], *, after: int, limit: int) -> list[Row]:
    """Return what was told on these channels after an id, oldest first."""
    told = Event.objects.filter(channel__in=channels, id__gt=after).order_by("id")
    return list(told.values_list("id", "name", "channel", "facts", "at")[:limit])
