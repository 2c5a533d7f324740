"""The entry pass: the cookie by which the gate knows who is there without asking the database."""

import time
from datetime import datetime, timedelta
from typing import NamedTuple

from kaiying.wire import clock
from kaiying.wire.passes import BadPass, Keys, seal, unseal

COOKIE = "ky_pass"
PURPOSE = "entry"
LIFE = timedelta(days=14)
ANYONE = 0
MOST_KNOWN = 20_000
"""Passes that are remembered, some four hundred bytes each: people ask more than once."""


class Entry(NamedTuple):
    """Who came in, and when that was attested (``issued``, by the real clock, for revocation)."""

    user_id: int
    issued: float


_known: dict[str, tuple[Keys, Entry, float]] = {}


def entry_pass(user_id: int, *, until: datetime | None = None) -> str:
    """Return the value of the ``ky_pass`` cookie for this person, counted from now, never from a traveller's moment."""
    issued = time.time_ns() // 1_000_000
    return seal(f"{user_id}-{issued}", key=Keys.of(PURPOSE), until=until or clock.now() + LIFE)


def read_entry(token: str, *, at: datetime) -> Entry:
    """Return who bears this pass; raises ``BadPass``. A pass that was verified before is known by its text."""
    keys = Keys.of(PURPOSE)
    known = _known.get(token)
    if known is not None and known[0] is keys and at.timestamp() < known[2]:
        return known[1]
    text, until = unseal(token, key=keys, at=at)
    try:
        user_id, issued = map(int, text.split("-"))
    except ValueError:
        raise BadPass("payload") from None
    if user_id <= ANYONE:
        raise BadPass("user")
    entry = Entry(user_id, issued / 1000)
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known[token] = keys, entry, until
    return entry
