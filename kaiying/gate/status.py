"""The public object of a sale: the same for everybody, so anything in between may keep it for a second.

Only ``now`` is written anew for each answer: clocks on pages run by it.
"""

import json
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from kaiying.offers.queries import Ladder, Stand


class Status(NamedTuple):
    """The object without its beginning, its tag, and the moment from which the clock alone has changed it."""

    rest: bytes
    tag: bytes
    until: datetime | None

    def body(self, at: datetime) -> bytes:
        """Return the whole object as of ``at``."""
        return b'{"now":"%b",%b' % (at.isoformat(timespec="milliseconds").encode(), self.rest)


def status_of(stand: Stand, at: datetime) -> Status:
    """Return the object as it is at ``at``."""
    shown = stand.ladder(at=at)
    said = _counts(shown) | _door(stand, at) | {"tiers": _tiers(shown)}
    rest = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()[1:]
    tag = b'W/"%b"' % blake2b(rest, digest_size=9).hexdigest().encode()
    return Status(rest, tag, shown.changes_at)


def _counts(shown: Ladder) -> dict[str, object]:
    return {
        "epoch": shown.version,
        "phase": shown.phase,
        "on_sale": shown.is_on_sale,
        "price": shown.price.minor,
        "currency": shown.price.currency,
        "seats": shown.seats,
        "paid": shown.paid,
        "held": shown.held,
        "free": shown.free,
        "waiting": shown.waiting,
        "opens_at": shown.opens_at.isoformat(),
        "changes_at": shown.changes_at.isoformat() if shown.changes_at else None,
    }


def _door(stand: Stand, at: datetime) -> dict[str, object]:
    """Return who reserved, and how far the waiting room is; without one there is no threshold."""
    room = stand.admission
    if room is None or room.lifted_at is not None:
        return {"reserved": stand.offer.reserved, "threshold": None}
    return {
        "reserved": stand.offer.reserved,
        "threshold": room.threshold,
        "early": room.early,
        "end": room.end,
        "pace": room.pace,
        "per_second": room.per_second,
        "seed": room.revealed(at=at),
        "paused": room.paused_at is not None,
    }


def _tiers(shown: Ladder) -> list[dict[str, object]]:
    return [
        {
            "id": rung.ref,
            "price": rung.price.minor,
            "seats": rung.seats,
            "paid": rung.paid,
            "held": rung.held,
            "free": rung.free,
            "state": rung.state,
        }
        for rung in shown.rungs
    ]
