"""The entry pass: the cookie by which the gate knows who is there without asking the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kaiying.wire import clock
from kaiying.wire.passes import BadPass, Keys, issue, read

COOKIE = "ky_pass"
PURPOSE = "entry"
LIFE = timedelta(days=14)
ANYONE = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """Who came in, and when that was attested (``issued``, by the real clock, for revocation)."""

    user_id: int
    issued: float


def entry_pass(user_id: int, *, until: datetime | None = None) -> str:
    """Return the value of the ``ky_pass`` cookie for this person, counted from now, never from a traveller's moment."""
    payload = {"u": user_id, "i": clock.real()}
    return issue(payload, key=Keys.of(PURPOSE), until=until or clock.now() + LIFE)


def read_entry(token: str, *, at: datetime) -> Entry:
    """Return who bears this pass; raises ``BadPass``."""
    payload = read(token, key=Keys.of(PURPOSE), at=at)
    user_id, issued = payload.get("u"), payload.get("i")
    if not isinstance(user_id, int) or isinstance(user_id, bool) or user_id <= ANYONE:
        raise BadPass("user")
    if not isinstance(issued, int | float):
        raise BadPass("issued")
    return Entry(user_id, float(issued))
