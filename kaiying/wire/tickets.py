"""Tickets to the stream of live events: a page that may show a channel hands one to its reader."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kaiying.wire import clock
from kaiying.wire.entry import ANYONE
from kaiying.wire.passes import BadPass, Keys, issue, read

PURPOSE = "events"
LIFE = timedelta(minutes=10)
SLACK = timedelta(minutes=1)
MOST_CHANNELS = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to listen to some channels; user 0 is anyone; ``issued`` is by the real clock."""

    user_id: int
    channels: frozenset[str]
    issued: float
    until: float


def events_ticket(channels: Iterable[str], *, user_id: int, at: datetime) -> str:
    """Return a ticket of ten minutes to ``channels`` for this person; ``user_id=0`` is for public channels.

    The caller has checked that they may listen. A ticket of a travelled ``at`` opens nothing: live is now.
    """
    wanted = sorted(set(channels))
    if not wanted or len(wanted) > MOST_CHANNELS:
        message = f"a ticket is for 1 to {MOST_CHANNELS} channels, not {len(wanted)}"
        raise ValueError(message)
    payload = {"u": user_id, "c": wanted, "i": clock.real()}
    return issue(payload, key=Keys.of(PURPOSE), until=at + LIFE)


def read_ticket(token: str, *, at: datetime) -> Ticket:
    """Return what this ticket gives; raises ``BadPass``."""
    payload = read(token, key=Keys.of(PURPOSE), at=at)
    if payload["x"] > (at + LIFE + SLACK).timestamp():
        raise BadPass("travelled")
    user_id = payload["u"]
    if user_id < ANYONE:
        raise BadPass("user")
    return Ticket(user_id, frozenset(payload["c"]), payload["i"], payload["x"])
