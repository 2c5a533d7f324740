"""The entry pass: the cookie by which the gate knows who is there without asking the database."""

import re
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from kaiying.wire import clock
from kaiying.wire.passes import BadPass, Keys, seal, unseal

COOKIE = "ky_pass"
PURPOSE = "entry"
LIFE = timedelta(days=14)
ANYONE = 0
NAMED = re.compile(rf"(?:^|; ){COOKIE}=\w+\.\w+\.\d+\.(\d{{1,18}})-".encode())


class Entry(NamedTuple):
    """Who came in, and when that was attested (``issued``, by the real clock, for revocation)."""

    user_id: int
    issued: float


def entry_pass(user_id: int, *, until: datetime | None = None) -> str:
    """Return the value of the ``ky_pass`` cookie for this person, counted from now, never from a traveller's moment."""
    issued = time.time_ns() // 1_000_000
    return seal(f"{user_id}-{issued}", key=Keys.of(PURPOSE), until=until or clock.now() + LIFE)


def read_entry(token: str, *, at: datetime) -> Entry:
    """Return who bears this pass; raises ``BadPass``. It costs less than remembering a crowd that asks once."""
    text, _until = unseal(token, key=Keys.of(PURPOSE), at=at)
    try:
        user, issued = text.split("-")
        entry = Entry(int(user), int(issued) / 1000)
    except ValueError:
        raise BadPass("payload") from None
    if entry.user_id <= ANYONE:
        raise BadPass("user")
    return entry


def bearer(cookies: bytes) -> int:
    """Return whom a pass names, unverified, or ``ANYONE``: enough to refuse somebody what is refused to all others."""
    named = NAMED.search(cookies)
    return int(named[1]) if named else ANYONE
